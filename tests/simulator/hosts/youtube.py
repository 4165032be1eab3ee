"""www.youtube.com: oEmbed, and a watch page without the video (PLATFORMS.md 3.9).

`Uncertain.youtube_hidden` is the status for a video that is private or may not be embedded.
"""

from __future__ import annotations

import html
import re

from tests.simulator.exchange import Request, Response, document, plain
from tests.simulator.exchange import html as page
from tests.simulator.world import State, World

_VIDEO = re.compile(r"(?:[?&]v=|youtu\.be/|/embed/|/shorts/)([0-9A-Za-z_-]{11})(?![\w-])")


def youtube(world: World, request: Request) -> Response:
    if request.path != "/oembed":
        return page("<title>YouTube</title>")
    found = _VIDEO.search(request.query.get("url", ""))
    if not found:
        return plain("Bad Request", 400)
    post = next((each for each in world.shared_posts("youtube") if each.name == found[1]), None)
    if post is None or world.fate(post) is State.DELETED:
        return plain("Not Found", 404)
    if world.fate(post) is not State.LIVE:
        status = world.uncertain.youtube_hidden
        return plain({401: "Unauthorized"}.get(status, "Forbidden"), status)
    title = html.escape(post.text)
    return document(
        {
            "title": post.text,
            "author_name": post.author,
            "author_url": f"https://www.youtube.com/@{post.handle}",
            "type": "video",
            "height": 150,
            "width": 200,
            "version": "1.0",
            "provider_name": "YouTube",
            "provider_url": "https://www.youtube.com/",
            "thumbnail_height": 360,
            "thumbnail_width": 480,
            "thumbnail_url": f"https://i.ytimg.com/vi/{post.name}/hqdefault.jpg",
            "html": f'<iframe width="200" height="150" src="https://www.youtube.com/embed/{post.name}?feature=oembed" '
            f'frameborder="0" allowfullscreen title="{title}"></iframe>',
        }
    )


HANDLERS = {"www.youtube.com": youtube}
