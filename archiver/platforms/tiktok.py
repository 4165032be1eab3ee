"""TikTok: videos and photo posts (PLATFORMS.md 0 and 1.2)."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

_URL = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)?(?:vx|tnk|fix)?tiktok\.com/+(?:@[\w.-]{0,40}/(?:video|photo)|embed(?:/v\d)?|player/v\d|"
    r"share/(?:video|photo)|v)/+(\d{8,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a URL names; None for profiles, sounds and tags. Short links need a redirect."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("tiktok", found[1]) if found else None


def url(ref: PostRef) -> str:
    """The one form that needs no handle."""
    return f"https://www.tiktok.com/embed/v2/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The second the id was made, which may precede publication."""
    seconds = int(id) >> 32
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds > 1_400_000_000 else None


PLATFORM = Platform(
    name="tiktok",
    match=match,
    url=url,
    posted_at=posted_at,
    markup=Markup(
        screens=(
            r"tiktok\.com/(?:@[\w.-]{0,40}/(?:video|photo)|embed(?:/v\d)?|player/v\d|share/(?:video|photo)|v)/\d{8}",
            r"tiktok-embed",
            r"amp-tiktok",
            r"(?:vm|vt)\.tiktok\.com/\w",
            r"tiktok\.com/t/\w",
        ),
        classes=("tiktok-embed",),
        tags=("amp-tiktok",),
        attributes=(("data-video-id@", r"(\d{8,20})"), ("data-src@", r"(\d{8,20})")),
        shortlink=r"(?:https?:)?//(?:(?:vm|vt)\.tiktok\.com|(?:www\.)?tiktok\.com/t)/(\w{5,20})(?:[/?#].*)?",
        author=r"tiktok\.com/@([\w.-]{1,40})/",
    ),
)
