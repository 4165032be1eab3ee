"""Posts of the networks besides X: one record for all of them, and where each keeps its files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulator.world import Film, Medium, Photo


@dataclass(frozen=True, slots=True)
class Shared:
    """A post of `network` under the id that its URL carries. `options` is what only that network knows (see hosts/)."""

    network: str
    name: str
    handle: str
    author: str
    text: str
    created_at: dt.datetime
    media: tuple[Medium, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What `World.delete` and its like go by."""
        return f"{self.network}:{self.name}"

    @property
    def url(self) -> str:
        return URLS[self.network](self)

    def file(self, medium: Medium) -> str:
        """Where the network serves a picture or film."""
        return FILES[self.network](self, medium)

    def still(self, medium: Medium) -> str:
        """Where it serves a film's still."""
        return f"https://{STILLS.get(self.network, 'cdn4.telesco.pe/file')}/{medium.key}-thumb.jpg"


def _telegram_file(post: Shared, medium: Medium) -> str:
    if isinstance(medium, Photo):
        return f"https://cdn4.telesco.pe/file/{medium.key}.jpg"
    return f"https://cdn4.telesco.pe/file/{medium.key}.mp4?token={medium.id}"


def _reddit_file(post: Shared, medium: Medium) -> str:
    if isinstance(medium, Photo):
        return f"https://i.redd.it/{medium.key}.{medium.format}"
    return f"https://v.redd.it/{medium.key}/DASH_{medium.height}.mp4?source=fallback"


def _tiktok_file(post: Shared, medium: Medium) -> str:
    return f"https://p16-sign.tiktokcdn.com/obj/{medium.key}?x-expires=1800000000&x-signature=a%2Fb%3D"


def _youtube_file(post: Shared, medium: Medium) -> str:
    return f"https://i.ytimg.com/vi/{post.name}/hqdefault.jpg"


URLS: Mapping[str, Callable[[Shared], str]] = {
    "telegram": lambda post: f"https://t.me/{post.name}",
    "youtube": lambda post: f"https://www.youtube.com/watch?v={post.name}",
    "reddit": lambda post: (
        f"https://www.reddit.com/r/{post.options.get('subreddit', 'harbours')}/comments/{post.name}/a_title/"
    ),
    "tiktok": lambda post: f"https://www.tiktok.com/@{post.handle}/video/{post.name}",
    "instagram": lambda post: f"https://www.instagram.com/p/{post.name}/",
    "threads": lambda post: f"https://www.threads.com/@{post.handle}/post/{post.name}",
    "facebook": lambda post: f"https://www.facebook.com/{post.handle}/posts/{post.name}",
}
FILES: Mapping[str, Callable[[Shared, Medium], str]] = {
    "telegram": _telegram_file,
    "youtube": _youtube_file,
    "reddit": _reddit_file,
    "tiktok": _tiktok_file,
}
STILLS = {"reddit": "i.redd.it", "tiktok": "p16-sign.tiktokcdn.com/obj"}


def content(medium: Medium) -> tuple[str, bytes]:
    """Type and bytes of a picture or of a film's best rendition."""
    if isinstance(medium, Film):
        return "video/mp4", medium.bytes()
    return {"png": "image/png", "webp": "image/webp"}.get(medium.format, "image/jpeg"), medium.bytes()
