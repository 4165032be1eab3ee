"""What has been seen on the way from a claim to a post: evidence, candidates, reasons; and what every rung asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from archiver.answers import absent, ask
from archiver.errors import ParseError
from archiver.likeness import Likeness, quoted
from archiver.model import Candidate, Capture, Claim, Evidence, Finding, Post, PostRef, Reason, Request, Resolution
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.grammar import posted_at
from archiver.platforms.twitter.sources import (
    fxtwitter_request,
    read_fxtwitter,
    read_syndication,
    syndication_request,
)

#: Embeds state a day without a zone: any zone's day lies within it (PLATFORMS.md 2 and 4).
SLACK = dt.timedelta(hours=26)
#: Shorter texts recur: fewer agreeing letters than this decide nothing.
MIN_LETTERS = 20

#: Reasons for which a later try may end otherwise.
PASSING = (
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
class Climb:
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
        (self.passing if reason in PASSING else self.reasons).append(reason)

    def consider(self, ref: PostRef, score: float, *why: str) -> None:
        old = self.candidates.get(ref)
        reasons = tuple(dict.fromkeys((*(old.reasons if old else ()), *why)))
        self.candidates[ref] = Candidate(ref, max(score, old.score if old else 0.0), reasons)

    def chosen(self, ref: PostRef, rung: str) -> Resolution:
        return Resolution(ref, Reason.OK, rung, tuple(self.evidence), self._ranked())

    def unresolved(self) -> Resolution:
        order = (Reason.OWNER_DIFFERS, Reason.AMBIGUOUS, Reason.LINK_DEAD, Reason.LINK_ELSEWHERE)
        final = next((reason for reason in order if reason in self.reasons), None)
        reason = next((reason for reason in PASSING if reason in self.passing), None) or final or Reason.NO_LINK
        return Resolution(None, reason, None, tuple(self.evidence), self._ranked())

    def _ranked(self) -> tuple[Candidate, ...]:
        return tuple(sorted(self.candidates.values(), key=lambda each: (-each.score, each.ref)))


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


def is_some_day(ref: PostRef, day: dt.date) -> bool:
    """Whether the post's own time falls on that day anywhere on Earth (UTC−12 to UTC+14); so it does where its id
    carries none. `fits_day` allows more, for what a code proves anyway."""
    at = posted_at(ref.id)
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return at is None or start - dt.timedelta(hours=14) <= at < start + dt.timedelta(days=1, hours=12)


def same_handle(one: str | None, other: str | None) -> bool:
    return bool(one and other and one.lstrip("@").lower() == other.lstrip("@").lower())


def show(ref: PostRef) -> Generator[Request, Capture, tuple[Finding, Capture | None]]:
    """What X's keyless endpoint shows of a candidate, if anything; it only ever confirms or contradicts. What X shows
    to nobody without an account, a relay may."""
    shown = yield from _asked(syndication_request(ref), ref, read_syndication)
    if shown[0].reason in {Reason.AGE_RESTRICTED, Reason.UNKNOWN}:
        relayed = yield from _asked(fxtwitter_request(ref), ref, read_fxtwitter)
        if relayed[0].post:
            return relayed
    return shown


def _asked(
    request: Request, ref: PostRef, read: Callable[[Capture, PostRef], Finding]
) -> Generator[Request, Capture, tuple[Finding, Capture | None]]:
    answer = yield from ask(request)
    if isinstance(answer, Finding):
        return answer, None
    try:
        return read(answer, ref), answer
    except ParseError:
        return absent(Reason.UNREADABLE), answer


def has_code(post: Post, code: str) -> bool | None:
    """Whether the code stands in the post itself; None where the source keeps no codes of media links."""
    codes = {own for link in post.links if (own := payloads.code_of(link.url))}
    if code in codes:
        return True
    has_media_links = any(payloads.is_media_link(link) for link in post.links)
    return False if has_media_links else None


def alike(claim: Claim, post: Post) -> Likeness:
    """How the words that the article shows stand to the post's."""
    return quoted(
        claim.text or "", post.text, context=claim.context, name=claim.name, author=post.author.name,
        handle=post.author.handle, is_cut=post.is_truncated,
    )  # fmt: skip


def is_telling(found: Likeness) -> bool:
    """Whether the words agree, at a length at which they decide something, down to their emoji."""
    return found.agrees and found.length >= MIN_LETTERS and found.has_signs


def is_exact(found: Likeness) -> bool:
    """Whether nothing need have been lost or changed on the way from the post to the article."""
    return found.agrees and found.has_signs and not found.losses


def versions(post: Post) -> tuple[str, ...]:
    """The ids of the other versions of an edited post, as far as the source says so."""
    return tuple(id for id in dict(post.extra).get("edit_tweet_ids") or () if id != post.ref.id)
