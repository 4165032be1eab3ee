"""graph.facebook.com and graph.threads.net: tokenless oEmbed; www.facebook.com and fb.watch: redirects and the login
page that everything ends at (PLATFORMS.md 1.2 and 3.9).

`Shared.options`: quotes (the embed code quotes the text), watch (a code of fb.watch), kind ("video"). The bodies of
errors are not known but for their general form, and `Uncertain.meta_missing` is their status.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from tests.simulator.exchange import Request, Response, document, redirect
from tests.simulator.exchange import html as page
from tests.simulator.networks import Shared
from tests.simulator.world import State, World


def _error(status: int, code: int, words: str) -> Response:
    return document({"error": {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "Ax1"}}, status)


def _instagram(post: Shared) -> str:
    link = f"{post.url}?utm_source=ig_embed&amp;utm_campaign=loading"
    caption = f'<p style="margin:8px"><a href="{link}" target="_blank">{html.escape(post.text)}</a></p>'
    time = f' on <time datetime="{post.created_at.isoformat()}">{post.created_at:%b %d, %Y}</time>'
    is_quoted = post.options.get("quotes")
    return (
        f'<blockquote class="instagram-media" data-instgrm-captioned data-instgrm-permalink="{link}" '
        f'data-instgrm-version="14"><div><a href="{link}"><div>View this post on Instagram</div></a>'
        f"{caption if is_quoted else ''}<p>{'' if is_quoted else f'<a href={chr(34)}{link}{chr(34)}>'}A post shared by "
        f"{html.escape(post.author)} (@{post.handle}){time if is_quoted else '</a>'}</p></div></blockquote>"
    )


def _threads(post: Shared) -> str:
    body = f"<div>@{post.handle}</div><div>{html.escape(post.text)}</div>" if post.options.get("quotes") else ""
    return (
        f'<blockquote class="text-post-media" data-text-post-permalink="{post.url}" data-text-post-version="0" '
        f'id="ig-tp-{post.name}"><a href="{post.url}" target="_blank">{body}<div>View on Threads</div></a></blockquote>'
    )


def _facebook(post: Shared) -> str:
    day = f"{post.created_at:%A, %B} {post.created_at.day}, {post.created_at.year}"
    quoted = (
        f'<p>{html.escape(post.text)}</p>Posted by <a href="https://www.facebook.com/{post.handle}/">'
        f'{html.escape(post.author)}</a> on&nbsp;<a href="{post.url}">{day}</a>'
        if post.options.get("quotes")
        else ""
    )
    return (
        f'<div id="fb-root"></div><div class="fb-{post.options.get("kind", "post")}" data-href="{post.url}">'
        f'<blockquote cite="{post.url}" class="fb-xfbml-parse-ignore">{quoted}</blockquote></div>'
    )


_MARKUP = {"instagram": _instagram, "threads": _threads, "facebook": _facebook}
_IDS = {
    "instagram": re.compile(r"/(?:p|reel|tv)/([\w-]+)"),
    "threads": re.compile(r"/(?:post|t)/([\w-]+)"),
    "facebook": re.compile(r"(?:/posts/|story_fbid=|[?&]v=|/videos/|fbid=)(\w+)"),
}


def _answer(world: World, request: Request, network: str, kind: str | None = None) -> Response:
    found = _IDS[network].search(request.query.get("url", ""))
    posts = [each for each in world.shared_posts(network) if found and each.name == found[1]]
    if kind:
        posts = [each for each in posts if each.options.get("kind", "post") == kind]
    if not posts or world.fate(posts[0]) is not State.LIVE:
        return _error(world.uncertain.meta_missing, 24, "The requested resource does not exist")
    name = network.capitalize()
    return document(
        {
            "version": "1.0",
            "provider_name": name,
            "provider_url": f"https://www.{network}.com/",
            "type": "rich",
            "width": 658,
            "height": None,
            "html": _MARKUP[network](posts[0]),
        }
    )


def graph(world: World, request: Request) -> Response:
    match request.path.rpartition("/")[2]:
        case "instagram_oembed":
            return _answer(world, request, "instagram")
        case "oembed_post":
            return _answer(world, request, "facebook", "post")
        case "oembed_video":
            return _answer(world, request, "facebook", "video")
    return _error(400, 2500, "Unknown path components")


def threads(world: World, request: Request) -> Response:
    return _answer(world, request, "threads") if request.path == "/oembed" else _error(400, 2500, "Unknown path")


def watch(world: World, request: Request) -> Response:
    """A short link goes to the post for those who are logged in, and for all others by way of the login page."""
    code = request.path.strip("/").rpartition("/")[2]
    for post in world.shared_posts("facebook"):
        if post.options.get("watch") == code:
            if post.options.get("is_walled"):
                return redirect(f"https://www.facebook.com/login/?next={quote(post.url, safe='')}")
            return redirect(f"{post.url}?ref=share")
    return redirect("https://www.facebook.com/login/")


def facebook(world: World, request: Request) -> Response:
    if request.path.startswith("/share/"):
        return watch(world, request)
    return page("<title>Log in to Facebook</title><form action=/login></form>")


HANDLERS = {
    "graph.facebook.com": graph,
    "graph.threads.net": threads,
    "fb.watch": watch,
    "www.facebook.com": facebook,
}
