"""Which post of an author and a day has a text, by way of what a web archive indexed (PLATFORMS.md 4).

The index knows no times, but an id begins with its time: at most two prefixes cover the day in any zone. Every post
found there is read, wherever it can be, before one is chosen; a post that could be read another day leaves the choice
to that day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Generator

from archiver import memento
from archiver.answers import indexed, replayed
from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, PostRef, Reason, Request
from archiver.platforms.twitter import payloads, sequential
from archiver.platforms.twitter.choice import RUNG, Found, choose, codes, distance, hides_links, pointed_at
from archiver.platforms.twitter.climb import PASSING, Climb, same_handle, show, window
from archiver.platforms.twitter.grammar import EPOCH_MS, LAST_SEQUENTIAL, match, posted_at
from archiver.platforms.twitter.wayback import HOSTS, MAX_MEMENTOS, read_memento, worth_reading

#: How many posts of an author's days are read in search of a text, and how many rows of each index query.
MAX_READ_POSTS = 40
MAX_ROWS = 5000

_HANDLE = re.compile(r"\w{1,20}", re.ASCII)
_FIRST = dt.datetime(2006, 3, 21, tzinfo=dt.UTC)


def id_range(day: dt.date) -> tuple[int, int] | None:
    """The ids a post of that day can have: half-open. None for days before the first id (2006-03-21)."""
    start, end = window(day)
    low, high = (_first_id(at) for at in (start, end))
    if high <= LAST_SEQUENTIAL:
        low, high = sequential.ids_of(start, end)
        return (low, high) if end >= _FIRST else None
    if low <= LAST_SEQUENTIAL:
        low = sequential.ids_of(start, end)[0]
    return low, high


def _first_id(at: dt.datetime) -> int:
    """The first id timed at or after that moment; a counted one for any before ids were timed."""
    return max(0, (int(at.timestamp() * 1000) - EPOCH_MS) << 22)


def prefixes(low: int, high: int) -> tuple[str, ...]:
    """At most two decimal prefixes, as long as can be, that cover the ids from *low* up to *high*: what an index
    that only knows prefixes has to be asked for."""
    first, last = str(low), str(high - 1)
    if len(first) != len(last):
        # The range crosses a power of ten (ids grew by a digit in 2018): one prefix on each side of it.
        border = 10 ** len(first)
        return (_common(first, str(border - 1)), _common(str(border), last))
    for length in range(len(first), 0, -1):
        one, other = first[:length], last[:length]
        if int(other) - int(one) <= 1:
            return (one,) if one == other else (one, other)
    return ("",)


def _common(one: str, other: str) -> str:
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[:length]


def can_recover(claim: Claim) -> bool:
    """Whether a claim says enough to look for its post: an author and a day on which ids carried a time."""
    return bool(claim.date and id_range(claim.date) and _HANDLE.fullmatch((claim.handle or "").lstrip("@")))


def recover(climb: Climb, pointed: PostRef | None = None) -> Generator[Request, Capture, tuple[PostRef, str] | None]:
    """The post of that author and day that bears the claimed pic code, or alone has the claimed text.

    *pointed* is the post whose media a pic code names, where nobody shows it now. An author who shows a picture again
    makes such a code too, so it is the post unless its archived words, or another post's, say otherwise.

    Costs at most two index queries per host and path form (three hosts, two forms) and, for at most MAX_READ_POSTS
    posts, a few captures each.
    """
    claim = climb.claim
    handle = (claim.handle or "").lstrip("@")
    span = id_range(claim.date) if claim.date else None
    if not _HANDLE.fullmatch(handle) or claim.date is None:
        return None
    if Reason.RATE_LIMITED in climb.passing:
        return None
    if span is None:
        climb.note(RUNG, f"there were no posts about {claim.date}")
        return None
    posts, is_complete = yield from _posts_of(climb, handle, span)
    if not posts:
        found = "no post of" if is_complete else "the index could not be read whole; no post found of"
        climb.note(RUNG, f"{found} @{handle} about {claim.date}{' is archived' if is_complete else ''}")
        return pointed_at(climb, pointed) if pointed and is_complete else None
    ordered = sorted(posts.values(), key=lambda each: (each.ref != pointed, distance(each.ref, claim.date), each.ref))
    if claim.text or claim.pic_codes:
        for each in ordered[:MAX_READ_POSTS]:
            if Reason.RATE_LIMITED in climb.passing:
                is_complete = False
                break
            yield from _read(climb, each)
    return choose(climb, ordered, is_complete, pointed)


def _posts_of(
    climb: Climb, handle: str, span: tuple[int, int]
) -> Generator[Request, Capture, tuple[dict[PostRef, Found], bool]]:
    """The author's posts with ids in a range that an archive indexed, and whether its whole index could be read."""
    found: dict[PostRef, Found] = {}
    is_complete = True
    for place in (f"{host}/{handle}/{form}" for form in ("status", "statuses") for host in HOSTS):
        for prefix in prefixes(*span):
            # Collapsed by key: a popular post has hundreds of captures, and its id is all that is needed here.
            rows = yield from indexed(
                memento.cdx_query(f"{place}/{prefix}", prefix=True, collapse="urlkey", limit=MAX_ROWS)
            )
            if isinstance(rows, Finding):
                climb.missed(RUNG, f"{place}/{prefix}… in the archive's index", rows.reason)
                is_complete = False
                if rows.reason in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                    return found, False
                continue
            is_complete = is_complete and len(rows) < MAX_ROWS
            for row in rows:
                ref = match(row.original)
                if ref and span[0] <= int(ref.id) < span[1] and same_handle(payloads.path_handle(row.original), handle):
                    found.setdefault(ref, Found(ref)).rows.append(row)
    return found, is_complete


def _read(climb: Climb, each: Found) -> Generator[Request, Capture, None]:
    """The text of a post: from the capture at hand, from X itself, from any other capture under the same author."""
    at, before = posted_at(each.ref.id), len(climb.passing)
    ready = worth_reading(each.rows, at)
    yield from _read_captures(climb, each, ready[:1])
    # Where a claimed code may tell whether it is the one, what X shows has the links that a capture may hide.
    if each.post and not (codes(climb.claim) and hides_links(each.post)):
        return
    shown, capture = yield from show(each.ref)
    if shown.post:
        is_the_authors = same_handle(shown.post.author.handle, climb.claim.handle)
        if is_the_authors or each.post is None:
            each.post, each.capture = shown.post, capture
        if is_the_authors:
            return
        # Renamed since, or never the author's: a capture of that time tells which.
    if shown.reason in PASSING:
        climb.missed(RUNG, f"{each.ref} could not be read", shown.reason, capture)
    left = MAX_MEMENTOS
    for place in dict.fromkeys(_place(row) for row in each.rows):
        rows = yield from indexed(memento.cdx_query(place, prefix=True))
        if isinstance(rows, Finding):
            climb.missed(RUNG, f"{place} in the archive's index", rows.reason)
            return
        others = [row for row in rows if match(row.original) == each.ref and row not in ready[:1]]
        ordered = worth_reading(others, at)
        if (yield from _read_captures(climb, each, ordered[:left])):
            return
        left -= min(left, len(ordered))
    each.is_open = len(climb.passing) > before


def _place(row: memento.CdxRow) -> str:
    """The address of a post without what may follow its id: all captures of one path are one query."""
    return re.sub(r"(/status(?:es)?/\d+).*", r"\1", row.original.split("://", 1)[-1])


def _read_captures(climb: Climb, each: Found, rows: list[memento.CdxRow]) -> Generator[Request, Capture, bool]:
    for row in rows:
        answer = yield from replayed(row)
        if isinstance(answer, Finding):
            climb.missed(RUNG, f"{each.ref} as of {row.timestamp}", answer.reason)
            if answer.reason is Reason.RATE_LIMITED:
                return False
            continue
        try:
            shown = read_memento(answer, each.ref)
        except ParseError:
            continue
        if shown.post and (shown.post.text or shown.post.links):
            each.post, each.capture = shown.post, answer
            return True
    return False
