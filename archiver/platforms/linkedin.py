"""LinkedIn posts (PLATFORMS.md 1.2). One post has three URNs with different numbers, so the id keeps the kind."""

from __future__ import annotations

import re
import urllib.parse

from archiver.model import PostRef
from archiver.platforms import Example, Markup, Platform

_URN = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*linkedin\.com/(?:embed/)?feed/update/(?:[^?#\s]*?)urn:li:(share|ugcPost|activity):(\d{15,20})",
    re.IGNORECASE,
)
_SLUG = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*linkedin\.com/posts/[^?#\s]*?[-_](share|ugcPost|activity)-(\d{15,20})(?!\d)",
    re.IGNORECASE,
)
_KINDS = {"share": "share", "ugcpost": "ugcPost", "activity": "activity"}


def match(url: str) -> PostRef | None:
    """The post a URL names, as `kind:number`."""
    if "%" in url:
        url = urllib.parse.unquote(url)
    found = _URN.match(url) or _SLUG.match(url)
    return PostRef("linkedin", f"{_KINDS[found[1].lower()]}:{found[2]}") if found else None


def url(ref: PostRef) -> str:
    return f"https://www.linkedin.com/feed/update/urn:li:{ref.id}"


PLATFORM = Platform(
    name="linkedin",
    match=match,
    url=url,
    example=Example("activity:7000000000000000000"),
    markup=Markup(
        screens=(
            r"feed/update/",
            r"(?:share|ugcPost|activity)-\d{15}",
        ),
        author=r"linkedin\.com/posts/([\w-]{2,80}?)_",
    ),
)
