"""A post as the Wayback Machine kept it: the captures of its addresses, read by its platform's own parser.

One look-up for every platform, which says under which addresses its posts were archived and how such a capture is read.
What decides nothing (a shell, a login page, an archived refusal) is passed over: an archive's 404 proves no deletion.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from archiver import answers, memento
from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, Look, Outcome, PostRef, Reason

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

#: At most so many index queries, and so many captures read, for one look at one post.
MAX_QUERIES = 3
MAX_MEMENTOS = 4
TERMS = (
    "The Internet Archive: about 30 index queries and 600 captures a minute, then 429 for a while. Asked where the "
    "platform itself shows nothing. "
)

Addresses = Callable[[PostRef, Claim], Iterable[str]]
Read = Callable[[Capture, PostRef], Finding]
#: Which captures to read first.
Prefer = Callable[[memento.CdxRow], bool]


def look(
    ref: PostRef,
    claim: Claim,
    addresses: Addresses,
    read: Read,
    prefer: Prefer | None = None,
) -> Look:
    """The oldest capture that shows the post. *addresses* are URLs without a scheme, likeliest first; whatever follows
    one in the index (a query, a suffix) is looked at too. *read* reads a capture as if it were live; captures that
    *prefer* holds for come first. An archived redirect is followed where it leads to another address of the post."""
    left, unanswered, is_archived = MAX_MEMENTOS, None, False
    places = list(dict.fromkeys(addresses(ref, claim)))
    key = ref.id.rpartition("/")[2]
    asked: set[str] = set()
    while places and len(asked) < MAX_QUERIES:
        place = places.pop(0)
        asked.add(place)
        rows = yield from answers.indexed(memento.cdx_query(place, prefix=True))
        if isinstance(rows, Finding):
            unanswered = rows
            if rows.reason in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                break
            continue
        own = [row for row in rows if _is_at(row.original, place, key)]
        is_archived = is_archived or bool(own)
        whole = sorted(
            (row for row in own if row.status in {200, None}), key=lambda row: prefer is not None and not prefer(row)
        )
        moved = [row for row in own if (row.status or 0) // 100 == 3]
        for row in whole[:left] or moved[: min(1, left)]:
            left -= 1
            capture = yield from answers.replayed(row)
            if isinstance(capture, Finding):
                unanswered = capture
                continue
            there = memento.location(capture)
            if there is not None:
                further = urllib.parse.urlsplit(there)
                onward = f"{further.hostname}{further.path.rstrip('/')}"
                if key in further.path.split("/") and onward not in asked:
                    places.insert(0, onward)
                continue
            found = _shown(capture, ref, read)
            if found is not None:
                return found
    return unanswered or answers.absent(Reason.UNKNOWN if is_archived else Reason.NOT_ARCHIVED)


def _is_at(original: str, place: str, key: str) -> bool:
    """Whether an archived URL is of that place: the index folds case, ids do not; a longer id begins alike."""
    bare = re.sub(r"^https?://(?:www\.)?([^/:]+)(?::\d+)?", r"\1", urllib.parse.unquote(original), flags=re.IGNORECASE)
    place = place.removeprefix("www.")
    head, tail = bare[: len(place)], bare[len(place) :]
    return head.lower() == place.lower() and key in head and not re.match(r"[\w-]", tail)


def _shown(capture: Capture, ref: PostRef, read: Read) -> Finding | None:
    """What an archived capture shows of the post, as of then; media are offered live first, then as archived."""
    at = memento.memento_at(capture)
    if at is None or capture.status != 200:
        return None
    try:
        found = read(capture, ref)
    except ParseError:
        return None
    if found.outcome is not Outcome.FOUND or found.post is None:
        return None
    stamp = memento.stamp(at)
    media = tuple(
        dataclasses.replace(
            each, urls=tuple(dict.fromkeys((*each.urls, *(memento.replay_url(stamp, url, "im_") for url in each.urls))))
        )
        for each in found.post.media
    )
    return dataclasses.replace(found, observed_at=at, post=dataclasses.replace(found.post, media=media))


def properties(page: BeautifulSoup) -> Mapping[str, tuple[str, ...]]:
    """What a page's `meta` elements state (Open Graph, https://ogp.me, among them), by property or name, in order."""
    found: dict[str, list[str]] = {}
    for each in page.find_all("meta"):
        name, content = each.get("property") or each.get("name") or each.get("itemprop"), each.get("content")
        if isinstance(name, str) and isinstance(content, str) and content.strip():
            found.setdefault(name.lower(), []).append(content)
    return {name: tuple(values) for name, values in found.items()}


def addresses_of(page: BeautifulSoup) -> tuple[str, ...]:
    """The addresses a page gives as its own: canonical, alternate and Open Graph's."""
    links = [link.get("href") for link in page.select("link[rel~=canonical][href], link[rel~=alternate][href]")]
    return tuple(str(each) for each in (*properties(page).get("og:url", ()), *links) if each)
