"""From what an article says to the post it shows, cheapest evidence first, and never by a guess.

1. the id in the URL;
2. the short codes, pic.twitter.com first, live: what a t.co code leads to is X's own word. A pic code names the media,
   and media can be re-used, so the author in the URL, the day and the post's own code are checked;
3. the same codes as a web archive saw them;
4. handle, day and text, through the archive's index of that author's posts.

Whatever fits in part is kept as a candidate with its reasons. Requests carry no browser's name: t.co answers a browser
with a page and others with a redirect, and both are read.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import re
import urllib.parse
from collections.abc import Generator
from dataclasses import dataclass, field

from archiver import memento
from archiver.errors import ParseError
from archiver.likeness import Likeness, likeness
from archiver.model import (
    Candidate,
    Capture,
    Claim,
    Evidence,
    Finding,
    Post,
    PostRef,
    Reason,
    Request,
    Resolution,
    Resolving,
)
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.grammar import EPOCH_MS, LAST_SEQUENTIAL, match, posted_at
from archiver.platforms.twitter.sources import (
    HOSTS,
    absent,
    ask,
    indexed,
    read_memento,
    read_syndication,
    refusal,
    replayed,
    syndication_request,
    worth_reading,
)

#: Embeds state a day without a zone: any zone's day lies within it (PLATFORMS.md 2 and 4).
SLACK = dt.timedelta(hours=26)
#: Shorter texts recur: fewer agreeing letters than this decide nothing.
MIN_LETTERS = 20
#: How many posts of an author's days are read in search of a text, and how many rows of each index query.
MAX_READ_POSTS = 40
MAX_ROWS = 5000

_CODE = re.compile(r"\w{1,40}", re.ASCII)
_LEADING = frozenset({200, 301, 302, 303, 307, 308})
_SHORT_URL = re.compile(
    r"^(?:https?:)?(?://)?(?:www\.)?(t\.co|pic\.twitter\.com|pic\.x\.com)/(\w{1,40})/?(?:[?#].*)?$",
    re.ASCII | re.IGNORECASE,
)
_UNSAFE = re.compile(r"^https?://(?:twitter|x)\.com/safety/unsafe_link_warning\?", re.IGNORECASE)
_META = re.compile(r"<meta\b[^>]*http-equiv=[\"']?refresh[\"']?[^>]*content=(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_REPLACE = re.compile(r"location\.replace\(\s*(\"(?:[^\"\\]|\\.)*\")\s*\)")

#: Reasons for which a later try may end otherwise.
_PASSING = (
    Reason.RATE_LIMITED,
    Reason.SERVER_ERROR,
    Reason.TIMEOUT,
    Reason.UNREACHABLE,
    Reason.BLOCKED,
    Reason.LOGIN_WALL,
    Reason.UNREADABLE,
    Reason.NOT_RECORDED,
    Reason.ADDRESS_REFUSED,
    Reason.TOO_LARGE,
)


@dataclass(slots=True)
class _Climb:
    """What has been seen so far. `passing` are refusals and silences: while there are any, nothing is final."""

    claim: Claim
    evidence: list[Evidence] = field(default_factory=list)
    candidates: dict[PostRef, Candidate] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    passing: list[Reason] = field(default_factory=list)

    def note(self, rung: str, detail: str, capture: Capture | None = None) -> None:
        self.evidence.append(Evidence(rung, detail, capture.id if capture else None))

    def missed(self, rung: str, what: str, reason: Reason, capture: Capture | None = None) -> None:
        self.note(rung, f"{what}: {reason.value}", capture)
        (self.passing if reason in _PASSING else self.reasons).append(reason)

    def consider(self, ref: PostRef, score: float, *why: str) -> None:
        old = self.candidates.get(ref)
        reasons = tuple(dict.fromkeys((*(old.reasons if old else ()), *why)))
        self.candidates[ref] = Candidate(ref, max(score, old.score if old else 0.0), reasons)

    def chosen(self, ref: PostRef, rung: str) -> Resolution:
        return Resolution(ref, Reason.OK, rung, tuple(self.evidence), self._ranked())

    def unresolved(self) -> Resolution:
        order = (Reason.OWNER_DIFFERS, Reason.AMBIGUOUS, Reason.LINK_DEAD, Reason.LINK_ELSEWHERE)
        final = next((reason for reason in order if reason in self.reasons), None)
        reason = next((reason for reason in _PASSING if reason in self.passing), None) or final or Reason.NO_LINK
        return Resolution(None, reason, None, tuple(self.evidence), self._ranked())

    def _ranked(self) -> tuple[Candidate, ...]:
        return tuple(sorted(self.candidates.values(), key=lambda each: (-each.score, each.ref)))


def resolve(claim: Claim, url: str | None) -> Resolving:
    """The post an embed shows, with evidence per rung; or None, the reason, and what might be it.

    Cost: nothing for an id in the URL; one request for a code (t.co), and one more (syndication) that confirms the
    code stands in that very post; two per archived code; and for a day alone at most two index queries per host and
    path form, and a bounded number of captures to read (see `_recover`).
    """
    climb = _Climb(claim)
    ref = match(url) if url else None
    if ref:
        climb.note("url", f"{url} names it")
        return climb.chosen(ref, "url")
    found = yield from _by_codes(climb, url)
    if found is None:
        found = yield from _recover(climb)
    return climb.chosen(*found) if found else climb.unresolved()


# --- what is claimed ------------------------------------------------------------------------------------------------


def window(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The times a post of that day, in whatever zone, can have: half-open."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return start - SLACK, start + dt.timedelta(days=1) + SLACK


def fits_day(ref: PostRef, day: dt.date | None) -> bool | None:
    """Whether the id's own time lies in the day's window; None where no day is claimed or the id carries no time."""
    at = posted_at(ref.id)
    if day is None or at is None:
        return None
    start, end = window(day)
    return start <= at < end


def _same_handle(one: str | None, other: str | None) -> bool:
    return bool(one and other and one.lstrip("@").lower() == other.lstrip("@").lower())


# --- short codes ----------------------------------------------------------------------------------------------------


def short_code(url: str) -> tuple[str, bool] | None:
    """The code of a t.co or pic.twitter.com URL, in exact case, and whether it was shown as a pic."""
    found = _SHORT_URL.match(url)
    return (found[2], found[1].lower() != "t.co") if found else None


def code_request(code: str) -> Request:
    """Ask X where a code leads. pic.twitter.com/X is t.co/X; the redirect itself is the answer."""
    return Request(f"https://t.co/{code}", follow=0)


def target(capture: Capture) -> str | None:
    """Where t.co's answer leads, from a redirect or from the page browsers get, past the warning page; None where it
    leads nowhere."""
    if capture.status in {301, 302, 303, 307, 308}:
        return _safe(memento.location(capture))
    if capture.status != 200 or capture.payload.size > 256 * 1024:
        return None
    page = capture.text
    replaced = _REPLACE.search(page)
    if replaced:
        try:
            return _safe(json.loads(replaced[1]))
        except ValueError:
            pass
    meta = _META.search(page)
    if meta:
        url = re.match(r"\s*\d*\s*;\s*url\s*=\s*['\"]?(.*?)['\"]?\s*$", html.unescape(meta[1][1:-1]), re.I | re.S)
        return _safe(url[1]) if url else None
    return None


def _safe(url: str | None) -> str | None:
    if not url or not re.match(r"https?://[^\s/]", url):
        return None
    if _UNSAFE.match(url):
        # The warned-of URL stands in the query, escaped or (as older ones were written) bare.
        query = url.partition("unsafe_link=")[2]
        inner = urllib.parse.unquote(query.partition("&")[0]) if "%3A" in query[:12].upper() else query
        return inner if re.match(r"https?://[^\s/]", inner) else None
    return url


@dataclass(frozen=True, slots=True)
class _Lead:
    """Where a code leads, and which answer says so."""

    url: str
    capture: Capture
    rung: str


def _by_codes(climb: _Climb, url: str | None) -> Generator[Request, Capture, tuple[PostRef, str] | None]:
    linked = short_code(url) if url else None
    pics = [code for code in climb.claim.pic_codes if _CODE.fullmatch(code)]
    others = [code for code in climb.claim.codes if _CODE.fullmatch(code) and code not in pics]
    codes = [(linked[0], linked[1], True)] if linked else []
    codes += [(code, True, False) for code in pics] + [(code, False, False) for code in others]
    seen: set[str] = set()
    for code, is_pic, is_linked in codes:
        if code in seen:
            continue
        seen.add(code)
        lead = yield from _lead(climb, code)
        if lead is None:
            continue
        found = yield from _judge(climb, code, lead, is_pic=is_pic, is_linked=is_linked)
        if found:
            return found
    return None


def _lead(climb: _Climb, code: str) -> Generator[Request, Capture, _Lead | None]:
    """Follow a code, live and then as archived."""
    name = f"t.co/{code}"
    following = code
    for _ in range(3):  # a code may lead to another code
        answer = yield from ask(code_request(following))
        if isinstance(answer, Reason):
            climb.missed("t.co", name, answer)
            break
        refused = refusal(answer)
        if refused and refused is not Reason.UNKNOWN:
            climb.missed("t.co", name, refused, answer)
            if refused is Reason.RATE_LIMITED:
                return None  # a later try is cheaper than the archive
            break
        there = target(answer)
        if there is None:
            climb.missed("t.co", f"{name} leads nowhere (status {answer.status})", Reason.LINK_DEAD, answer)
            break
        again = short_code(there)
        if again is None:
            return _Lead(there, answer, "t.co")
        following = again[0]
    return (yield from _archived_lead(climb, code))


def _archived_lead(climb: _Climb, code: str) -> Generator[Request, Capture, _Lead | None]:
    """Where a code led when an archive saw it.

    The index knows no case, so other codes stand among the rows; and redirects have no body, so that their digests
    are all alike and must not be collapsed.
    """
    rung, name = "archived-t.co", f"t.co/{code}"
    rows = yield from indexed(memento.cdx_query(name, collapse=None, limit=200))
    if isinstance(rows, Reason):
        climb.missed(rung, f"{name} in the archive's index", rows)
        return None
    own = [row for row in rows if short_code(row.original) == (code, False) and row.status in _LEADING]
    if not own:
        climb.note(rung, f"{name} is not archived")
        return None
    for row in sorted(own, key=lambda row: (row.status == 200, row.timestamp))[:2]:
        answer = yield from replayed(row)
        if isinstance(answer, Reason):
            climb.missed(rung, f"{name} as of {row.timestamp}", answer)
            continue
        refused = memento.refusal(answer)
        if refused:
            climb.missed(rung, f"{name} as of {row.timestamp}", refused, answer)
            continue
        there = target(answer) if memento.memento_at(answer) else None
        if there and short_code(there) is None:
            return _Lead(there, answer, rung)
    return None


def _judge(
    climb: _Climb, code: str, lead: _Lead, *, is_pic: bool, is_linked: bool
) -> Generator[Request, Capture, tuple[PostRef, str] | None]:
    """Whether where a code leads is the post that is shown.

    The article's own link is taken at its word. A code inside the quoted text is a link of the post: to its media,
    whose URL names the post unless the media are another's, or to anything the author linked, which is not the post.
    """
    claim, rung = climb.claim, "pic-code" if is_pic else lead.rung
    rung = f"archived-{rung}" if lead.rung.startswith("archived") and is_pic else rung
    ref = match(lead.url)
    if ref is None:
        climb.missed(rung, f"t.co/{code} leads to {_host(lead.url)}, no post", Reason.LINK_ELSEWHERE, lead.capture)
        return None
    owner = payloads.path_handle(lead.url)
    is_media = is_pic or bool(payloads.MEDIA_LINK.search(lead.url))
    climb.note(rung, f"t.co/{code} leads to {lead.url}", lead.capture)
    day = fits_day(ref, claim.date)
    if day is False:
        climb.note(rung, f"{ref} was made {posted_at(ref.id):%Y-%m-%d}, not about {claim.date}")
        climb.reasons.append(Reason.AMBIGUOUS)
        climb.consider(ref, 0.2, f"t.co/{code} leads to it", "the day differs")
        return None
    same = _same_handle(owner, claim.handle)
    if is_linked and (claim.handle is None or same):
        return ref, rung
    shown, capture = yield from _show(ref)
    post = shown.post
    if post is None and shown.reason in {Reason.RATE_LIMITED, Reason.TIMEOUT}:
        # Whether the media are the post's own can be asked later, and a guess could not be taken back.
        climb.missed(rung, f"{ref} could not be confirmed", shown.reason, capture)
        climb.consider(ref, 0.8, f"t.co/{code} leads to it")
        return None
    why = [f"t.co/{code} leads to it"] + (["the day fits"] if day else [])
    if same or (post and _same_handle(post.author.handle, claim.handle)):
        if not same:
            climb.note(rung, f"{ref} is shown under @{claim.handle} now", capture)
        own = _has_code(post, code) if post else None
        if is_media and own is not False:
            if own:
                climb.note(rung, f"t.co/{code} stands in {ref} itself", capture)
            return ref, rung
        if own is False:
            climb.note(rung, f"t.co/{code} is not {ref}'s own link: media used again", capture)
        if not is_media and post and _agrees(claim, post):
            climb.note(rung, f"the text of {ref} is the text quoted", capture)
            return ref, rung
        climb.reasons.append(Reason.AMBIGUOUS if is_media else Reason.LINK_ELSEWHERE)
        climb.consider(ref, 0.4, *why, "same author", *([] if is_media else ["a link in the text, not its media"]))
        return None
    if claim.handle is None and is_media and post and _has_code(post, code) and _agrees(claim, post):
        climb.note(rung, f"the text of {ref} is the text quoted", capture)
        return ref, rung
    if claim.handle is None:
        climb.reasons.append(Reason.AMBIGUOUS if is_media else Reason.LINK_ELSEWHERE)
        climb.consider(ref, 0.4, *why, "the article names no author")
        return None
    whose = (post.author.handle if post else None) or owner or "somebody"
    climb.note(rung, f"media owner differs: @{whose}, not @{claim.handle}", capture)
    climb.reasons.append(Reason.OWNER_DIFFERS if is_media else Reason.LINK_ELSEWHERE)
    climb.consider(ref, 0.3 if is_media else 0.1, *why, "media owner differs" if is_media else "another author's post")
    return None


def _host(url: str) -> str:
    return re.sub(r"^https?://", "", url).split("/")[0][:100]


def _show(ref: PostRef) -> Generator[Request, Capture, tuple[Finding, Capture | None]]:
    """What X's keyless endpoint shows of a candidate, if anything: it only ever confirms or contradicts."""
    answer = yield from ask(syndication_request(ref))
    if isinstance(answer, Reason):
        return absent(answer), None
    try:
        return read_syndication(answer, ref), answer
    except ParseError:
        return absent(Reason.UNREADABLE), answer


def _has_code(post: Post, code: str) -> bool | None:
    """Whether the code stands in the post itself; None where the source keeps no codes of media links."""
    codes = {own for link in post.links if (own := payloads.code_of(link.url))}
    if code in codes:
        return True
    has_media_links = any(payloads.is_media_link(link) for link in post.links)
    return False if has_media_links else None


def _agrees(claim: Claim, post: Post) -> bool:
    if not claim.text:
        return False
    found = likeness(claim.text, post.text, is_cut=post.is_truncated)
    return found.agrees and found.length >= MIN_LETTERS


# --- handle, day and text -------------------------------------------------------------------------------------------


def id_range(day: dt.date) -> tuple[int, int] | None:
    """The ids a post of that day can have: half-open. None for days before ids carried a time (2010-11-04)."""
    low, high = (_first_id(at) for at in window(day))
    return (max(low, LAST_SEQUENTIAL + 1), high) if high > LAST_SEQUENTIAL else None


def _first_id(at: dt.datetime) -> int:
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
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
    return one[:length]


@dataclass(slots=True)
class _Found:
    """A post of the author's days: its captures in the index, and its text where one could be read."""

    ref: PostRef
    rows: list[memento.CdxRow] = field(default_factory=list)
    post: Post | None = None
    capture: Capture | None = None


def _recover(climb: _Climb) -> Generator[Request, Capture, tuple[PostRef, str] | None]:
    """Which post of that author and day has this text, by way of what a web archive indexed.

    Costs at most two index queries per host and path form (three hosts, two forms) and, for at most MAX_READ_POSTS
    posts, a capture or two each. Chosen is only a post that bears one of the claimed pic codes, or the only one whose
    text agrees at length and whose author and links do not contradict; all others are candidates.
    """
    claim, rung = climb.claim, "handle+date+text"
    handle = (claim.handle or "").lstrip("@")
    span = id_range(claim.date) if claim.date else None
    if not re.fullmatch(r"\w{1,20}", handle, re.ASCII) or claim.date is None:
        return None
    if Reason.RATE_LIMITED in climb.passing:
        return None
    if span is None:
        climb.note(rung, f"ids of {claim.date} carry no time to search by")
        return None
    posts, is_complete = yield from _posts_of(climb, handle, span)
    if not posts:
        found = "no post of" if is_complete else "the index could not be read whole; no post found of"
        climb.note(rung, f"{found} @{handle} about {claim.date}{' is archived' if is_complete else ''}")
        return None
    ordered = sorted(posts.values(), key=lambda each: (_distance(each.ref, claim.date), each.ref))
    if claim.text or claim.pic_codes:
        for each in ordered[:MAX_READ_POSTS]:
            if Reason.RATE_LIMITED in climb.passing:
                is_complete = False
                break
            yield from _read(climb, each)
    return _choose(climb, ordered, is_complete)


def _distance(ref: PostRef, day: dt.date | None) -> int:
    """Whole days between a post and the middle of a day, for the order of reading."""
    at = posted_at(ref.id)
    return abs((at.date() - day).days) if at and day else 0


def _posts_of(
    climb: _Climb, handle: str, span: tuple[int, int]
) -> Generator[Request, Capture, tuple[dict[PostRef, _Found], bool]]:
    """The author's posts with ids in a range that an archive indexed, and whether its whole index could be read."""
    rung = "handle+date+text"
    found: dict[PostRef, _Found] = {}
    is_complete = True
    for place in (f"{host}/{handle}/{form}" for form in ("status", "statuses") for host in HOSTS):
        for prefix in prefixes(*span):
            # Collapsed by key: a popular post has hundreds of captures, and its id is all that is needed here.
            rows = yield from indexed(
                memento.cdx_query(f"{place}/{prefix}", prefix=True, collapse="urlkey", limit=MAX_ROWS)
            )
            if isinstance(rows, Reason):
                climb.missed(rung, f"{place}/{prefix}… in the archive's index", rows)
                is_complete = False
                if rows in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                    return found, False
                continue
            is_complete = is_complete and len(rows) < MAX_ROWS
            for row in rows:
                ref = match(row.original)
                if (
                    ref
                    and span[0] <= int(ref.id) < span[1]
                    and _same_handle(payloads.path_handle(row.original), handle)
                ):
                    found.setdefault(ref, _Found(ref)).rows.append(row)
    return found, is_complete


def _read(climb: _Climb, each: _Found) -> Generator[Request, Capture, None]:
    """The text of a post: from the capture at hand, from X itself, from another capture of the same address."""
    at = posted_at(each.ref.id)
    ready = worth_reading(each.rows, at)
    if (yield from _read_captures(climb, each, ready[:1])):
        return
    shown, capture = yield from _show(each.ref)
    if shown.post:
        each.post, each.capture = shown.post, capture
        return
    if shown.reason in _PASSING:
        climb.missed("handle+date+text", f"{each.ref} could not be read", shown.reason, capture)
    place = each.rows[0].original.split("://", 1)[-1].split("?")[0].split("#")[0]
    rows = yield from indexed(memento.cdx_query(place, prefix=True))
    if isinstance(rows, Reason):
        climb.missed("handle+date+text", f"{place} in the archive's index", rows)
        return
    others = worth_reading([row for row in rows if match(row.original) == each.ref], at)
    yield from _read_captures(climb, each, [row for row in others if row not in ready[:1]][:2])


def _read_captures(climb: _Climb, each: _Found, rows: list[memento.CdxRow]) -> Generator[Request, Capture, bool]:
    for row in rows:
        answer = yield from replayed(row)
        if isinstance(answer, Reason):
            climb.missed("handle+date+text", f"{each.ref} as of {row.timestamp}", answer)
            continue
        try:
            shown = read_memento(answer, each.ref)
        except ParseError:
            continue
        if shown.reason is Reason.RATE_LIMITED:
            climb.missed("handle+date+text", f"{each.ref} as of {row.timestamp}", shown.reason, answer)
            return False
        if shown.post and (shown.post.text or shown.post.links):
            each.post, each.capture = shown.post, answer
            return True
    return False


def _choose(climb: _Climb, posts: list[_Found], is_complete: bool) -> tuple[PostRef, str] | None:
    claim, rung = climb.claim, "handle+date+text"
    bearing: list[_Found] = []  # a claimed pic code stands in the post
    agreeing: list[tuple[_Found, Likeness]] = []
    for each in posts:
        why = [f"archived under @{claim.handle}", "the day fits"]
        post = each.post
        if post is None:
            is_complete = False
            climb.consider(each.ref, 0.1, *why, "its text could not be read")
            continue
        alike = likeness(claim.text or "", post.text, is_cut=post.is_truncated)
        if claim.text:
            why.append(str(alike))
        against = _against(claim, post)
        if against:
            climb.consider(each.ref, min(alike.score, 0.3), *why, against)
            continue
        if any(_has_code(post, code) for code in claim.pic_codes):
            bearing.append(each)
            climb.consider(each.ref, 1.0, *why, "the pic code stands in it")
        else:
            climb.consider(each.ref, alike.score, *why)
        if alike.agrees and alike.length >= MIN_LETTERS and _signs_fit(claim.text or "", post.text):
            agreeing.append((each, alike))
    if len(bearing) == 1:
        climb.note(rung, f"the pic code stands in {bearing[0].ref}", bearing[0].capture)
        return bearing[0].ref, rung
    if len(agreeing) > 1:
        # Posts that repeat a text have links of their own: the claimed one may tell which.
        told = [(each, alike) for each, alike in agreeing if each.post and _codes(claim) & _codes_of(each.post)]
        agreeing = told if len(told) == 1 else agreeing
    if len(agreeing) == 1 and not bearing:
        each, alike = agreeing[0]
        # A post that could not be read may be the one that says exactly this: then nothing is chosen.
        if is_complete:
            climb.note(rung, f"{each.ref} alone of {len(posts)} posts: {alike}", each.capture)
            return each.ref, rung
    climb.note(rung, f"{len(posts)} posts of @{claim.handle} about {claim.date} are archived, none proved the one")
    climb.reasons.append(Reason.AMBIGUOUS)
    return None


_SIGN = re.compile("[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_LOST_SIGN = re.compile(r"(?<!\w)[?\ufffd]{2,}")


def _signs_fit(claimed: str, actual: str) -> bool:
    """Whether two texts of the same words bear the same emoji; lost ones (`??`) may have been any. Somebody who posts
    the same words twice in a day changes just those."""
    ours, theirs = _SIGN.findall(claimed), _SIGN.findall(actual)
    return len(theirs) > len(ours) if _LOST_SIGN.search(claimed) else ours == theirs


def _codes(claim: Claim) -> set[str]:
    return {*claim.codes, *claim.pic_codes}


def _codes_of(post: Post) -> set[str]:
    return {code for link in post.links if (code := payloads.code_of(link.url))}


def _against(claim: Claim, post: Post) -> str | None:
    """What in a post contradicts the claim: another author (X does not check the handle in a URL, and archives kept
    such URLs), or links of its own that are not those claimed. A text alone does not: articles misquote."""
    if not _same_handle(post.author.handle, claim.handle):
        return f"shown under @{post.author.handle}"
    claimed, own = _codes(claim), _codes_of(post)
    pics = {code for link in post.links if payloads.is_media_link(link) and (code := payloads.code_of(link.url))}
    if claim.pic_codes and pics and not pics & set(claim.pic_codes):
        return "its media link is another"
    shows_all_links = not post.is_truncated and dict(post.extra).get("read_from") != "microdata"
    if claimed and not claimed & own and (own or shows_all_links):
        return "its links are others"
    return None
