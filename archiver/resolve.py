"""From an embed to a post, from tries to a verdict: pure judgement, no requests of its own.

Nothing is guessed: a post is identified with evidence or left unresolved with its candidates; "gone" takes two
observations at different times and no web archive that still has it; one failing endpoint proves nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archiver.errors import FetchError, ParseError
from archiver.model import Embed, Evidence, Finding, Outcome, PostRef, Rank, Reason, Resolution, Resolving, State
from archiver.platforms import Platform, Source

#: What a source said that speaks of the post itself rather than of the source.
_YEAR = dt.timedelta(days=365)
_DECISIVE = {Outcome.FOUND, Outcome.GONE, Outcome.HIDDEN}
#: Words for a loss, most telling first.
_TELLING = (Reason.DELETED, Reason.SUSPENDED, Reason.NOT_FOUND)


def resolve(embed: Embed, platforms: Mapping[str, Platform]) -> Resolving:
    """Which post an embed shows: its own id first, which needs no request, then the platform's ladder; an id that may
    pass to another author goes up the ladder as well."""
    platform = platforms.get(embed.platform)
    if embed.ref is not None:
        if platform is not None and platform.resolve is not None and not platform.is_final(embed.ref):
            return (yield from platform.resolve(embed.claim, platform.url(embed.ref)))
        return Resolution(embed.ref, Reason.OK, "url", (Evidence("url", embed.url or str(embed.ref)),))
    if platform is None or platform.resolve is None:
        return Resolution(None, Reason.NO_LINK, evidence=(Evidence("none", f"{embed.platform}: no link, no ladder"),))
    return (yield from platform.resolve(embed.claim, embed.url))


def sources_of(platform: Platform | None, order: Sequence[str] | None, environ: Mapping[str, str]) -> list[Source]:
    """The sources to climb, best first: the configured ones in their order, or all. Those whose secret is not set are
    left out."""
    if platform is None:
        return []
    known = {source.name: source for source in platform.sources()}
    chosen = [known[name] for name in order if name in known] if order is not None else list(known.values())
    return [source for source in chosen if source.needs is None or environ.get(source.needs)]


def left_out(platform: Platform, order: Sequence[str] | None) -> frozenset[str]:
    """The hosts that the configured sources of a platform do without: nothing is asked of them to resolve an embed
    either."""
    every = platform.sources()
    chosen = {host for source in every if order is None or source.name in order for host in source.hosts}
    return frozenset(host for source in every for host in source.hosts) - chosen


def finding_of(error: FetchError) -> Finding:
    """Silence as a finding."""
    reason = Reason(error.reason)
    if reason in (Reason.RATE_LIMITED, Reason.BLOCKED):
        return Finding(Outcome.REFUSED, reason)
    return Finding(Outcome.UNREACHABLE, reason)


def failed(error: FetchError | ParseError) -> Resolution:
    """A look-up that ended in an error: nothing is known, and why."""
    reason = Reason(error.reason) if isinstance(error, FetchError) else Reason.UNREADABLE
    return Resolution(None, reason, evidence=(Evidence("error", str(error)),))


@dataclass(frozen=True, slots=True)
class Try:
    """What one attempt said, as `judge` needs it."""

    source: str
    rank: Rank
    outcome: Outcome
    reason: Reason
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a post stands; `live` is what the platform itself said last, and when; `missing` since when and until when
    it has said nothing but that the post is no more."""

    state: State
    reason: Reason
    live: tuple[Outcome, Reason, dt.datetime] | None = None
    missing: tuple[dt.datetime, dt.datetime] | None = None


def judge(tries: Sequence[Try], has_snapshot: bool, media: Sequence[Reason], gone_after: dt.timedelta) -> Judgement:
    """What the tries (oldest first), a snapshot and its media's reasons add up to."""
    own = [each for each in tries if each.rank is Rank.FIRST_HAND]
    said = [each for each in own if each.outcome in _DECISIVE or _is_loss(each)]
    live = (said[-1].outcome, said[-1].reason, said[-1].at) if said else None
    if has_snapshot:
        if all(reason is Reason.OK for reason in media):
            return Judgement(State.ARCHIVED, Reason.OK, live)
        return Judgement(State.PARTIAL, Reason.MEDIA_MISSING, live)
    if not tries:
        return Judgement(State.PENDING, Reason.NOT_TRIED)
    last = {each.source: each for each in tries}
    losses = [each for each in tries if _is_loss(each)]
    if losses:
        reason = min((each.reason for each in losses), key=_rank_of)
        archives = [each for each in last.values() if each.rank is Rank.ARCHIVE]
        apart = losses[-1].at - losses[0].at >= gone_after
        if apart and all(each.outcome is Outcome.ABSENT for each in archives):
            return Judgement(State.GONE, reason, live)
        return Judgement(State.PENDING, Reason.RECHECK, live)
    hidden = [each for each in last.values() if each.outcome is Outcome.HIDDEN]
    if hidden:
        return Judgement(State.HIDDEN, hidden[0].reason, live)
    for outcome in (Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.UNREADABLE, Outcome.UNKNOWN, Outcome.ABSENT):
        for each in last.values():
            if each.outcome is outcome:
                return Judgement(State.PENDING, each.reason, live)
    return Judgement(State.PENDING, Reason.UNKNOWN, live)


def missing(tries: Sequence[Try]) -> tuple[dt.datetime, dt.datetime] | None:
    """The first and the last of the platform's own answers since it began to say that the post is no more; None where
    its last word is another."""
    said = [each for each in tries if each.rank is Rank.FIRST_HAND and (each.outcome in _DECISIVE or _is_loss(each))]
    losses = list(itertools.takewhile(_is_loss, reversed(said)))
    return (losses[-1].at, losses[0].at) if losses else None


def _is_loss(each: Try) -> bool:
    """A statement that the post is no more. An archive that has nothing, or an archived 404, is none."""
    if each.rank is Rank.ARCHIVE:
        return False
    return is_loss(each.outcome, each.reason)


def is_loss(outcome: Outcome, reason: Reason) -> bool:
    """Whether the platform's own answer says that a post is no more."""
    return outcome is Outcome.GONE or (outcome is Outcome.ABSENT and reason is Reason.NOT_FOUND)


def _rank_of(reason: Reason) -> int:
    return _TELLING.index(reason) if reason in _TELLING else len(_TELLING)


def is_enough(source: Source, finding: Finding, is_recheck: bool) -> bool:
    """Whether the climb can stop here. A re-check asks only what the platform says now."""
    if finding.outcome is Outcome.FOUND:
        return source.is_whole
    return is_recheck and finding.outcome in (Outcome.GONE, Outcome.HIDDEN)


def next_look(first: dt.datetime, now: dt.datetime, after: Sequence[dt.timedelta]) -> dt.datetime | None:
    """When to look again at a post that was first seen at *first*: at each age of *after*, then at ages that double, at
    most a year apart. What was missed is not made up for. None where *after* is empty: never."""
    if not after:
        return None
    age, last = now - first, after[-1]
    for each in after:
        if each > age:
            return first + each
    while last <= age:
        last += min(last, _YEAR)
    return first + last


def next_try(reason: Reason, tries: int, gone_after: dt.timedelta, retry: Sequence[dt.timedelta]) -> dt.timedelta:
    """How long to wait after the *tries*-th try (from 0) that decided nothing: *retry* in turn, its last for ever."""
    return gone_after if reason is Reason.RECHECK else retry[min(tries, len(retry) - 1)]


def unresolved_state(resolution: Resolution) -> State:
    """An embed without a post: for want of an answer (it will be tried again), or for want of evidence."""
    return State.PENDING if resolution.reason in _PASSING else State.UNRESOLVED


#: Reasons that say something of our asking, not of the post.
_PASSING = {
    Reason.UNREACHABLE, Reason.TIMEOUT, Reason.NOT_RECORDED, Reason.RATE_LIMITED, Reason.BLOCKED, Reason.LOGIN_WALL,
    Reason.ADDRESS_REFUSED, Reason.SERVER_ERROR, Reason.UNREADABLE, Reason.TOO_LARGE, Reason.UNKNOWN,
}  # fmt: skip


def ref_of(key: str) -> PostRef:
    """The inverse of `str(PostRef)`."""
    platform, _, id = key.partition(":")
    return PostRef(platform, id)
