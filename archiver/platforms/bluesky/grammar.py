"""Bluesky's addresses (PLATFORMS.md 0 and 1.2). A post is known by who wrote it (a DID, or a handle that may change)
and its key in their repository."""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse

from archiver.model import PostRef

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
#: https://atproto.com/specs/tid
_TID = re.compile(r"[234567abcdefghij][234567a-z]{12}")
_ACTOR = r"(did:(?:plc:[a-z2-7]{24}|web:[\w.:%-]{3,200})|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})"
HANDLE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,20}"
_URL = re.compile(
    r"(?:https?:)?//(?:(?:www|main|staging|embed)\.)?(?:bsky\.app|(?:fx|c|vx)bsky\.app|bskx\.app|bsyy\.app|deer\.social)/+"
    r"(?:profile/@?" + _ACTOR + r"/post/|embed/" + _ACTOR + r"/app\.bsky\.feed\.post/)([\w.:~-]{1,100})",
    re.IGNORECASE,
)
_AT = re.compile(r"at://" + _ACTOR + r"/app\.bsky\.feed\.post/([\w.:~-]{1,100})", re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post an https or at:// URL names."""
    if "%" in url:
        url = urllib.parse.unquote(url)
    if found := _AT.match(url):
        actor, key = found[1], found[2]
    elif found := _URL.match(url):
        actor, key = found[1] or found[2], found[3]
    else:
        return None
    return PostRef("bluesky", f"{actor if actor[:4] == 'did:' else actor.lower()}/{key.rstrip('.')}")


def url(ref: PostRef) -> str:
    actor, _, key = ref.id.rpartition("/")
    return f"https://bsky.app/profile/{actor}/post/{key}"


def posted_at(id: str) -> dt.datetime | None:
    """The microsecond a TID was made. Clients choose their keys, so it is a claim, and keys need not be TIDs."""
    key = id.rpartition("/")[2]
    if not _TID.fullmatch(key):
        return None
    number = 0
    for character in key:
        number = number * 32 + _DIGITS.index(character)
    micros = number >> 10
    if not 1_600_000_000_000_000 < micros < 4_000_000_000_000_000:
        return None
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros)


def is_final(ref: PostRef) -> bool:
    """Whether the id names its author for good: a DID does, a handle may pass to somebody else."""
    return ref.id.startswith("did:")
