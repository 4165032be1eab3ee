"""Mastodon and its forks, Truth Social among them (PLATFORMS.md 0 and 1.2). An id belongs to one server, and a server
may have any name, so the path has to say what it is."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

# Others whose addresses look alike.
_OTHERS = (
    r"(?!(?:[\w-]+\.)*(?:tiktok|threads|youtube|medium|twitter|x|instagram|facebook|substack|flipboard)"
    r"\.(?:com|net)[:/])"
)
_URL = re.compile(
    r"(?:https?:)?//" + _OTHERS + r"((?:[\w-]+\.)+[a-z][a-z0-9-]{1,30}(?::\d{2,5})?)/+"
    r"(?:(?:web|deck)/)?(?:@[\w.-]{1,64}(?:@[\w.-]{3,120})?(?:/posts|/statuses)?|users/[\w.-]{1,64}/statuses|"
    r"(?:web|deck)/statuses)/+(\d{5,20})(?:/embed)?/?(?=$|[?#\s])",
    re.ASCII | re.IGNORECASE,
)
_FIRST_MS = 1_451_606_400_000  # 2016: before it ids were counted


def match(url: str) -> PostRef | None:
    """The post a URL names on the server it names: a remote post's local copy is another post there."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("mastodon", f"{found[1].lower()}/{found[2]}") if found else None


def url(ref: PostRef) -> str:
    """The form that needs no handle."""
    host, _, number = ref.id.rpartition("/")
    return f"https://{host}/web/statuses/{number}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond the server made the id; None for the counted ids of early servers."""
    ms = int(id.rpartition("/")[2]) >> 16
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC) if _FIRST_MS < ms < 10_000_000_000_000 else None


PLATFORM = Platform(
    name="mastodon",
    match=match,
    url=url,
    posted_at=posted_at,
    markup=Markup(
        screens=(
            r"/@[\w.-]{1,30}(?:@[\w.-]{3,40})?/(?:posts/|statuses/)?\d{5}",
            r"/users/[\w.-]{1,30}/statuses/\d{5}",
            r"/(?:web|deck)/statuses/\d{5}",
            r"mastodon-embed",
            r"truthsocial-embed",
        ),
        classes=("mastodon-embed", "truthsocial-embed"),
        author=r"/(?:@|users/)([\w.-]{1,64}(?:@[\w.-]{3,120})?)/",
    ),
)
