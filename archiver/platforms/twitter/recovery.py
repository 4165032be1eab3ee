"""Which post of an author and a day has a text, by way of what a web archive indexed (PLATFORMS.md 4).

The index knows no times, but an id begins with its time: at most two prefixes cover the day in any zone. Every post
found there is read, wherever it can be, before one is chosen; a post that could be read another day leaves the choice
to that day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Generator
from dataclasses import dataclass, field

from archiver import memento
from archiver.answers import indexed, replayed
from archiver.errors import ParseError
from archiver.likeness import Kind, Likeness, links
from archiver.model import Capture, Claim, Finding, Link, Post, PostRef, Reason, Request
from archiver.platforms.twitter import payloads, sequential
from archiver.platforms.twitter.climb import (
    MIN_LETTERS,
    PASSING,
    Climb,
    alike,
    has_code,
    is_exact,
    is_some_day,
    is_telling,
    same_handle,
    show,
    versions,
    window,
)
from archiver.platforms.twitter.grammar import EPOCH_MS, LAST_SEQUENTIAL, match, posted_at
from archiver.platforms.twitter.wayback import HOSTS, MAX_MEMENTOS, read_memento, worth_reading

#: How many posts of an author's days are read in search of a text, and how many rows of each index query.
MAX_READ_POSTS = 40
MAX_ROWS = 5000
#: A part of a post, or a whole whose beginning is not known, counts at this length.
_LONG = 30

_HANDLE = re.compile(r"\w{1,20}", re.ASCII)
_FIRST = dt.datetime(2006, 3, 21, tzinfo=dt.UTC)
_RUNG = "handle+date+text"


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


@dataclass(slots=True)
class _Found:
    """A post of the author's days: its captures in the index, and its text where one could be read. `is_open`: there
    was a refusal or a silence on the way, so that it may be read another time."""

    ref: PostRef
    rows: list[memento.CdxRow] = field(default_factory=list)
    post: Post | None = None
    capture: Capture | None = None
    is_open: bool = True


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
        climb.note(_RUNG, f"there were no posts about {claim.date}")
        return None
    posts, is_complete = yield from _posts_of(climb, handle, span)
    if not posts:
        found = "no post of" if is_complete else "the index could not be read whole; no post found of"
        climb.note(_RUNG, f"{found} @{handle} about {claim.date}{' is archived' if is_complete else ''}")
        return _pointed_at(climb, pointed) if pointed and is_complete else None
    ordered = sorted(posts.values(), key=lambda each: (each.ref != pointed, _distance(each.ref, claim.date), each.ref))
    if claim.text or claim.pic_codes:
        for each in ordered[:MAX_READ_POSTS]:
            if Reason.RATE_LIMITED in climb.passing:
                is_complete = False
                break
            yield from _read(climb, each)
    return _choose(climb, ordered, is_complete, pointed)


def _pointed_at(climb: Climb, pointed: PostRef) -> tuple[PostRef, str]:
    climb.note("pic-code", f"{pointed}: nothing that can be read contradicts it")
    return pointed, "pic-code"


def _distance(ref: PostRef, day: dt.date | None) -> int:
    """Whole days between a post and the middle of a day, for the order of reading."""
    at = posted_at(ref.id)
    return abs((at.date() - day).days) if at and day else 0


def _posts_of(
    climb: Climb, handle: str, span: tuple[int, int]
) -> Generator[Request, Capture, tuple[dict[PostRef, _Found], bool]]:
    """The author's posts with ids in a range that an archive indexed, and whether its whole index could be read."""
    found: dict[PostRef, _Found] = {}
    is_complete = True
    for place in (f"{host}/{handle}/{form}" for form in ("status", "statuses") for host in HOSTS):
        for prefix in prefixes(*span):
            # Collapsed by key: a popular post has hundreds of captures, and its id is all that is needed here.
            rows = yield from indexed(
                memento.cdx_query(f"{place}/{prefix}", prefix=True, collapse="urlkey", limit=MAX_ROWS)
            )
            if isinstance(rows, Finding):
                climb.missed(_RUNG, f"{place}/{prefix}… in the archive's index", rows.reason)
                is_complete = False
                if rows.reason in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                    return found, False
                continue
            is_complete = is_complete and len(rows) < MAX_ROWS
            for row in rows:
                ref = match(row.original)
                if ref and span[0] <= int(ref.id) < span[1] and same_handle(payloads.path_handle(row.original), handle):
                    found.setdefault(ref, _Found(ref)).rows.append(row)
    return found, is_complete


def _read(climb: Climb, each: _Found) -> Generator[Request, Capture, None]:
    """The text of a post: from the capture at hand, from X itself, from any other capture under the same author."""
    at, before = posted_at(each.ref.id), len(climb.passing)
    ready = worth_reading(each.rows, at)
    yield from _read_captures(climb, each, ready[:1])
    # Where a claimed code may tell whether it is the one, what X shows has the links that a capture may hide.
    if each.post and not (_codes(climb.claim) and _hides_links(each.post)):
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
        climb.missed(_RUNG, f"{each.ref} could not be read", shown.reason, capture)
    left = MAX_MEMENTOS
    for place in dict.fromkeys(_place(row) for row in each.rows):
        rows = yield from indexed(memento.cdx_query(place, prefix=True))
        if isinstance(rows, Finding):
            climb.missed(_RUNG, f"{place} in the archive's index", rows.reason)
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


def _read_captures(climb: Climb, each: _Found, rows: list[memento.CdxRow]) -> Generator[Request, Capture, bool]:
    for row in rows:
        answer = yield from replayed(row)
        if isinstance(answer, Finding):
            climb.missed(_RUNG, f"{each.ref} as of {row.timestamp}", answer.reason)
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


def _choose(
    climb: Climb, posts: list[_Found], is_complete: bool, pointed: PostRef | None
) -> tuple[PostRef, str] | None:
    claim = climb.claim
    bearing: list[tuple[_Found, Likeness]] = []  # a claimed code stands in the post
    agreeing: list[tuple[_Found, Likeness]] = []
    unread = 0
    read = {each.ref.id for each in posts if each.post}
    is_against_pointed = False
    unseen: set[PostRef] = set()  # whether a claimed code stands in these, their captures do not show
    for each in posts:
        why = [f"archived under @{claim.handle}", "the day fits"]
        post = each.post
        if post is None:
            unread += 1
            is_complete = is_complete and not each.is_open
            climb.consider(each.ref, 0.1, *why, "its text could not be read")
            continue
        found = alike(claim, post)
        if claim.text:
            why.append(str(found))
        against = _against(claim, post, found)
        if each.ref == pointed and claim.text and (against or not found.agrees):
            is_against_pointed = True
        if against:
            climb.consider(each.ref, min(found.score, 0.3), *why, against)
            continue
        is_version = not is_exact(found) and any(id not in read for id in versions(post))
        if _bears(claim, post, found) and not (is_version and claim.text):
            bearing.append((each, found))
            climb.consider(each.ref, 1.0, *why, "the code stands in it")
        elif _codes(claim) & _codes_of(post):
            climb.consider(each.ref, 0.6, *why, "the code stands in it: another version, or misquoted")
            is_against_pointed = is_against_pointed or each.ref != pointed
        elif _codes(claim) and _hides_links(post):
            climb.consider(each.ref, found.score, *why, "its links cannot be seen")
            unseen.add(each.ref)
        else:
            climb.consider(each.ref, found.score, *why)
        if is_telling(found):
            agreeing.append((each, found))
    for is_nearer in (lambda found: found.agrees, is_exact):
        if len(bearing) > 1:
            bearing = [(each, found) for each, found in bearing if is_nearer(found)] or bearing
    if len(bearing) == 1:
        each, _ = bearing[0]
        climb.note(_RUNG, f"the code stands in {each.ref}", each.capture)
        return each.ref, _RUNG
    if is_complete and not bearing:
        if pointed and not is_against_pointed and all(each.ref == pointed for each, _ in agreeing):
            return _pointed_at(climb, pointed)
        if len(agreeing) == 1 and (pointed is None or is_against_pointed):
            each, found = agreeing[0]
            if each.ref not in unseen and _decides(climb, posts, each, found):
                beside = f"; {unread} of them nobody can read any more" if unread else ""
                climb.note(_RUNG, f"{each.ref} alone of {len(posts)} posts: {found}{beside}", each.capture)
                return each.ref, _RUNG
    climb.note(_RUNG, f"{len(posts)} posts of @{claim.handle} about {claim.date} are archived, none proved the one")
    climb.reasons.append(Reason.AMBIGUOUS)
    return None


def _decides(climb: Climb, posts: list[_Found], each: _Found, found: Likeness) -> bool:
    """Whether words alone decide for a post, the only one of those days that has them.

    A post that nobody can read any more, or a version of this one that was not seen, may have the same words: an author
    who repeats himself, or puts right what he deleted. Then the quotation has to be this post as it stands, for
    whatever it is not might be the other one.
    """
    claim, post = climb.claim, each.post
    assert post is not None and claim.date is not None
    is_zoned = _distance(each.ref, claim.date) > 0
    lost = sum(
        # Against a post of that very day (by UTC), one that is of that day in some other zone alone is no doubt.
        other.post is None
        and (is_some_day(other.ref, claim.date) if is_zoned else not _distance(other.ref, claim.date))
        for other in posts
    )
    hidden = lost + len({*versions(post)} - {other.ref.id for other in posts if other.post})
    doubts = _doubts(claim, post, found) if hidden else []
    if found.length < _least(found.kind, hidden):
        doubts.append("so short a part of a text recurs")
    if not is_some_day(each.ref, claim.date):
        doubts.append(f"its time is on {claim.date} nowhere")
    climb.consider(each.ref, 0.0, *doubts)
    return not doubts


def _least(kind: Kind, hidden: int) -> int:
    """How many letters have to agree."""
    if kind in {Kind.SAME, Kind.LOSSY}:
        return MIN_LETTERS
    if kind is Kind.WITHIN:
        return _LONG if hidden else MIN_LETTERS
    return 2 * _LONG if hidden else _LONG


#: A retweet by hand. Its words are another's, and whoever repeats them once repeats them again.
_RETWEET = re.compile(r"\W*RT\s*[@＠]\w")


def _doubts(claim: Claim, post: Post, found: Likeness) -> list[str]:
    """In what a post is not what is quoted, though its words are, or why its words are not its own."""
    doubts = [f"the article would have lost or changed {loss}" for loss in found.losses]
    if _outbound(post) and not _codes(claim) and not links(claim.text or ""):
        doubts.append("the article would have lost its link")
    if _RETWEET.match(post.text):
        doubts.append("the words are another author's")
    return doubts


def _outbound(post: Post) -> list[Link]:
    """The links of a post that stand in its words wherever it is shown: not those of its media and of the post it
    quotes, which X shows as what they lead to."""
    return [
        link
        for link in post.links
        if not payloads.is_media_link(link) and (post.quotes is None or match(link.expanded or "") != post.quotes)
    ]


def _bears(claim: Claim, post: Post, found: Likeness) -> bool:
    """Whether a claimed code stands in a post and makes it the one. All versions of an edited post have its codes, so
    words that differ by a little make it another version's; a link to elsewhere may be in posts with any words."""
    if not claim.text or found.agrees or found.kind is Kind.EMPTY:
        return bool(_codes(claim) & _codes_of(post))
    return found.kind is Kind.DIFFERENT and any(has_code(post, code) for code in claim.pic_codes)


def _codes(claim: Claim) -> set[str]:
    return {*claim.codes, *claim.pic_codes}


def _codes_of(post: Post) -> set[str]:
    return {code for link in post.links if (code := payloads.code_of(link.url))}


def _against(claim: Claim, post: Post, found: Likeness) -> str | None:
    """What in a post contradicts the claim: another author (X does not check the handle in a URL, and archives kept
    such URLs), or links of its own that are not those claimed. A text alone does not: articles misquote."""
    if not same_handle(post.author.handle, claim.handle):
        return f"shown under @{post.author.handle}"
    claimed, own = _codes(claim), _codes_of(post)
    pics = {code for link in post.links if payloads.is_media_link(link) and (code := payloads.code_of(link.url))}
    if claim.pic_codes and pics and not pics & set(claim.pic_codes):
        return "its media link is another"
    if found.kind in {Kind.SAME, Kind.PART, Kind.CUT} and not _has_links(claim.text or "", post):
        return "its links are others"
    if claimed and not claimed & own and (own or not _hides_links(post)):
        return "its links are others"
    return None


def _has_links(text: str, post: Post) -> bool:
    """Whether the links that an article shows as people read them (not as t.co) can be the post's."""
    shown = [_address(link) for link in links(text) if not payloads.code_of(link)]
    forms = [form for link in post.links for form in (link.url, link.expanded, link.display) if form]
    own = {_address(form) for form in (*forms, *links(post.text))} - {""}
    # What is shown of an address is its beginning.
    is_own = all(any(one.startswith(other) or other.startswith(one) for other in own) for one in shown)
    return is_own or _hides_links(post)


def _address(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?|[…/.,;:!?)\]\"'”’»]+$", "", link.casefold())


def _hides_links(post: Post) -> bool:
    """Whether the source shows no link of a post that may have some."""
    hides = post.is_truncated or dict(post.extra).get("read_from") == "microdata"
    return hides and not _codes_of(post)
