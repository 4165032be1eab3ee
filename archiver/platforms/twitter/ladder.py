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
from archiver.likeness import likeness
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
from archiver.platforms.twitter.grammar import match, posted_at
from archiver.platforms.twitter.sources import ask, read_syndication, refusal, syndication_request

#: Embeds state a day without a zone: any zone's day lies within it (PLATFORMS.md 2 and 4).
SLACK = dt.timedelta(hours=26)
#: Shorter texts recur: fewer agreeing letters than this decide nothing.
MIN_LETTERS = 20

_CODE = re.compile(r"\w{1,40}", re.ASCII)
_SHORT_URL = re.compile(
    r"^(?:https?:)?(?://)?(?:www\.)?(t\.co|pic\.twitter\.com|pic\.x\.com)/(\w{1,40})/?(?:[?#].*)?$",
    re.ASCII | re.IGNORECASE,
)
_PATH_HANDLE = re.compile(r"^https?://[^/]+/(?:#!/)?(\w{1,20})/status(?:es)?/\d", re.ASCII | re.IGNORECASE)
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
    if found:
        return climb.chosen(*found)
    return climb.unresolved()


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


def path_handle(url: str) -> str | None:
    """The handle a status URL names; None for the forms without one (`/i/web/status/…`)."""
    found = _PATH_HANDLE.match(url)
    return found[1] if found and found[1].lower() not in {"i", "web"} else None


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
    url: str | None = code
    for _ in range(3):  # a code may lead to another code
        answer = yield from ask(code_request(url or code))
        if isinstance(answer, Reason):
            climb.missed("t.co", name, answer)
            break
        refused = refusal(answer)
        if refused and refused is not Reason.UNKNOWN:
            climb.missed("t.co", name, refused, answer)
            break
        there = target(answer)
        if there is None:
            climb.missed("t.co", f"{name} leads nowhere (status {answer.status})", Reason.LINK_DEAD, answer)
            break
        again = short_code(there)
        if again is None:
            return _Lead(there, answer, "t.co")
        url = again[0]
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
    owner = path_handle(lead.url)
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
    post = shown.post if shown else None
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


def _show(ref: PostRef) -> Generator[Request, Capture, tuple[Finding | None, Capture | None]]:
    """What X's keyless endpoint shows of a candidate, if anything: it only ever confirms or contradicts."""
    answer = yield from ask(syndication_request(ref))
    if isinstance(answer, Reason):
        return None, None
    try:
        return read_syndication(answer, ref), answer
    except ParseError:
        return None, answer


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
