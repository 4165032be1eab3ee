"""Threads (PLATFORMS.md 0 and 1.2). Its codes are Instagram's."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_EPOCH_MS = 1314220021721

_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?(?:fix|vx)?threads\.(?:net|com)/+(?:@[\w.]{1,40}/post|t)/+([\w-]{5,40})",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a URL names, on either host."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("threads", found[1]) if found else None


def url(ref: PostRef) -> str:
    return f"https://www.threads.com/t/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond in the number that the code writes in base 64."""
    if len(id) != 11:
        return None
    number = 0
    for character in id:
        number = number * 64 + _ALPHABET.index(character)
    return dt.datetime.fromtimestamp(((number >> 23) + _EPOCH_MS) / 1000, dt.UTC)


PLATFORM = Platform(
    name="threads",
    match=match,
    url=url,
    posted_at=posted_at,
    markup=Markup(
        screens=(r"threads\.(?:net|com)/(?:@[\w.]{1,40}/post|t)/\w", r"text-post-media"),
        classes=("text-post-media",),
        author=r"threads\.(?:net|com)/@([\w.]{1,40})/post",
    ),
)
