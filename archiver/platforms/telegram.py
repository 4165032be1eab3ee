"""Telegram: posts of public channels (PLATFORMS.md 1.2). Ids are counted, and carry no time."""

from __future__ import annotations

import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

# Paths that are no channels.
_ACTIONS = (
    r"(?!(?:joinchat|addstickers|addemoji|addtheme|addlist|share|proxy|socks|iv|boost|setlanguage|login|confirmphone|"
    r"invoice|giftcode|bg|contact|msg|m|s|c|nft)/)"
)
_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?(?:t|telegram)\.(?:me|dog)/+(?:s/+)?"
    + _ACTIONS
    + r"([a-z]\w{3,31})/+(?:\d{1,10}/+)?(\d{1,10})"
    r"(?![\w/])",
    re.ASCII | re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"(?:https?:)?//(?:t|telegram)\.(?:me|dog)/c/(\d{5,15})/+(?:\d{1,10}/+)?(\d{1,10})(?![\w/])", re.IGNORECASE
)
_SCHEME = re.compile(r"tg://resolve/?\?domain=([a-z]\w{3,31})&(?:amp;)?post=(\d{1,10})", re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post a URL names. `t.me/c/…` names one that only members see."""
    if found := _URL.match(url) or _SCHEME.match(url):
        return PostRef("telegram", f"{found[1]}/{found[2]}")
    found = _PRIVATE.match(url)
    return PostRef("telegram", f"c/{found[1]}/{found[2]}") if found else None


def url(ref: PostRef) -> str:
    return f"https://t.me/{ref.id}"


PLATFORM = Platform(
    name="telegram",
    match=match,
    url=url,
    markup=Markup(
        screens=(
            r"\b(?:t|telegram)\.(?:me|dog)/(?:s/)?(?:c/)?\w{4,32}/\d",
            r"data-telegram-post",
            r"telegram-post",
            r"tg:/{1,2}resolve",
        ),
        classes=("telegram-post",),
        attributes=(
            ("data-telegram-post", r"([A-Za-z]\w{3,31})/(\d{1,10})"),
            ("id", r"telegram-post-([A-Za-z]\w{3,31})-(\d{1,10})"),
        ),
        author=r"\.(?:me|dog)/(?:s/)?(?!c/)([A-Za-z]\w{3,31})/",
    ),
)
