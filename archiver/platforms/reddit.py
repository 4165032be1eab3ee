"""Reddit: posts and comments (PLATFORMS.md 1.2). Ids are counted in base 36, and carry no time."""

from __future__ import annotations

import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

_URL = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*?(?:(?:vx|rx)?reddit|rxddit|redditmedia)\.com/+(?:(?:r|user|u)/[\w.-]{1,60}/+)?(?:comments|gallery|tb)/+"
    r"([0-9a-z]{3,10})(?:/+(?:comment|[^/?#\s]{0,300})/+([0-9a-z]{3,10}))?(?=[/?#\s]|$)",
    re.ASCII | re.IGNORECASE,
)
_SHORT = re.compile(r"(?:https?:)?//(?:www\.)?redd\.it/([0-9a-z]{3,10})(?=[/?#\s]|$)", re.ASCII | re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post or comment a URL names; None for subreddits and media files."""
    found = _URL.match(url)
    if found:
        post, comment = found[1].lower(), (found[2] or "").lower()
        return PostRef("reddit", f"{post}/{comment}" if comment else post)
    found = _SHORT.match(url)
    return PostRef("reddit", found[1].lower()) if found else None


def url(ref: PostRef) -> str:
    post, _, comment = ref.id.partition("/")
    return (
        f"https://www.reddit.com/comments/{post}/_/{comment}" if comment else f"https://www.reddit.com/comments/{post}"
    )


PLATFORM = Platform(
    name="reddit",
    match=match,
    url=url,
    markup=Markup(
        screens=(
            r"/(?:comments|gallery|tb)/[0-9a-z]{3}",
            r"\bredd\.it/[0-9a-z]{3}",
            r"reddit-(?:card|embed)",
            r"/r/\w{2,30}/s/\w",
        ),
        classes=("reddit-card", "reddit-embed-bq", "reddit-embed"),
        tags=("amp-reddit", "shreddit-embed"),
        shortlink=r"(?:https?:)?//(?:[\w-]+\.)?reddit\.com/r/\w{2,30}/s/(\w{5,20})(?:[/?#].*)?",
    ),
)
