"""VK: wall posts and videos (PLATFORMS.md 1.2). A wall post is `<owner>_<post>`, a community's owner is negative."""

from __future__ import annotations

import re

from archiver.model import PostRef
from archiver.platforms import Example, Markup, Platform

_HOST = r"(?:https?:)?//(?:[\w-]+\.)?(?:vk\.(?:com|ru)|vkontakte\.ru|vkvideo\.ru)/+"
_WALL = re.compile(
    _HOST + r"(?:[^#\s]*[?&](?:amp;)?[wz]=|[^?#\s]*?)(wall|video|clip|photo)(-?\d{1,12}_\d{1,12})(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_PLAYER = re.compile(
    _HOST + r"video_ext\.php\?(?=[^#\s]*\boid=(-?\d{1,12}))(?=[^#\s]*[?&;]id=(\d{1,12}))", re.IGNORECASE
)


def match(url: str) -> PostRef | None:
    """The wall post a URL names (`-1_2`), or the video, clip or photo (`video-1_2`)."""
    if found := _WALL.match(url):
        kind, id = found[1].lower(), found[2]
        return PostRef("vk", id if kind == "wall" else kind + id)
    found = _PLAYER.match(url)
    return PostRef("vk", f"video{found[1]}_{found[2]}") if found else None


def url(ref: PostRef) -> str:
    return f"https://vk.com/{ref.id if ref.id[0].isalpha() else 'wall' + ref.id}"


PLATFORM = Platform(
    name="vk",
    match=match,
    url=url,
    example=Example("-12345678_123"),
    markup=Markup(
        screens=(
            r"(?:vk\.(?:com|ru)|vkontakte\.ru|vkvideo\.ru)/\S{0,400}(?:wall|video|clip|photo)-?\d{1,12}_\d",
            r"video_ext\.php",
            r"vk_post_-?\d",
        ),
        attributes=(("id", r"vk_post_(-?\d{1,12}_\d{1,12})"),),
        calls=(r"""VK\.Widgets\.Post\(\s*["']vk_post_(-?\d{1,12}_\d{1,12})["']""",),
    ),
)
