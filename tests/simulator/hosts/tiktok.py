"""www.tiktok.com and its short links: oEmbed and redirects (PLATFORMS.md 1.2 and 3.9).

`Uncertain.tiktok_missing` is the status for a post that is not there. Short links are pages of `world.page` with a
redirect, or codes of `Shared.options["short"]`.
"""

from __future__ import annotations

import html
import re

from tests.simulator.exchange import Request, Response, document, redirect
from tests.simulator.exchange import html as page
from tests.simulator.world import State, World


def _find(world: World, id: str):
    posts = (each for each in world.shared_posts("tiktok") if each.name == id)
    return next((each for each in posts if world.fate(each) is State.LIVE), None)


def oembed(world: World, request: Request) -> Response:
    found = re.search(r"/(?:video|photo)/(\d{8,20})", request.query.get("url", ""))
    post = _find(world, found[1]) if found else None
    if post is None:
        status = world.uncertain.tiktok_missing
        return document({"code": status, "message": "Something went wrong"}, status)
    text = html.escape(post.text)
    return document(
        {
            "version": "1.0",
            "type": "video",
            "title": post.text,
            "author_url": f"https://www.tiktok.com/@{post.handle}",
            "author_name": post.author,
            "width": "100%",
            "height": "100%",
            "html": f'<blockquote class="tiktok-embed" cite="{post.url}" data-video-id="{post.name}" '
            f'data-embed-from="oembed" style="max-width:605px; min-width:325px;"> <section> <a target="_blank" '
            f'title="@{post.handle}" href="https://www.tiktok.com/@{post.handle}?refer=embed">@{post.handle}</a> '
            f'<p>{text}</p> </section> </blockquote> <script async src="https://www.tiktok.com/embed.js"></script>',
            "thumbnail_width": post.media[0].width if post.media else 480,
            "thumbnail_height": post.media[0].height if post.media else 848,
            "thumbnail_url": post.still(post.media[0]) if post.media else "",
            "provider_url": "https://www.tiktok.com",
            "provider_name": "TikTok",
            "author_unique_id": post.handle,
            "embed_product_id": post.name,
            "embed_type": "video",
        }
    )


def tiktok(world: World, request: Request) -> Response:
    if request.path == "/oembed":
        return oembed(world, request)
    found = re.match(r"^/(?:t/)?(\w{5,20})/?$", request.path)
    for post in world.shared_posts("tiktok"):
        if found and found[1] == post.options.get("short"):
            return redirect(f"{post.url}?_t=8x&_r=1", 301)
    return page("<title>TikTok - Make Your Day</title>", 404 if found else 200)


HANDLERS = dict.fromkeys(("www.tiktok.com", "vm.tiktok.com", "vt.tiktok.com"), tiktok)
