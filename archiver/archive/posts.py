"""Posts: which one an embed shows, where it can be seen, what that adds up to, and when to look again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from archiver import resolve
from archiver.archive import asking, saving
from archiver.archive.terms import NO_ANSWER, UNREADABLE, Ended
from archiver.corroborate import corroborate
from archiver.errors import ArchiverError, FetchError
from archiver.model import (
    Capture,
    Claim,
    Finding,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    State,
    timestamp,
)
from archiver.platforms import Source
from archiver.store import erasure, facts, opinions, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

log = logging.getLogger("archiver")

#: So often somebody is sent to see whether a host that did not answer is back.
_SCOUT = dt.timedelta(minutes=10)


async def identify(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    shown = await job.db(opinions.embed, piece.key)
    try:
        look = resolve.resolve(shown.embed, job.platforms)
        resolution, _, _ = await asking.drive(job, look, began_at, barred=job.left_out)
    except Ended as end:
        resolution = resolve.failed(end.error)

    def note(db: Any) -> None:
        now = job.now()
        ref = resolution.ref
        if ref is None:
            state, reason = resolve.unresolved_state(resolution), resolution.reason
            opinions.set_resolution(db, piece.key, resolution, state, reason)
            at = next_try(job, reason, piece.tries, now)
            work.put_off(db, "embed", piece.key, at, tries=piece.tries + 1, reason=reason.value)
            return
        opinions.set_resolution(db, piece.key, resolution)
        work.done(db, "embed", piece.key)
        is_new = opinions.is_unknown(db, ref)
        know(job, db, ref, 0, now, is_backlog=piece.priority == work.BACKLOG)
        if not is_new:  # of a new one nothing is to be said yet
            settle(job, db, ref)

    await job.write(note)
    job.listen(
        "embed resolved" if resolution.ref else "embed unresolved",
        {
            "embed": shown.embed.url or (shown.embed.claim.handle and f"@{shown.embed.claim.handle}"),
            "post": str(resolution.ref) if resolution.ref else None,
            "rung": resolution.rung,
            "reason": resolution.reason.value,
        },
    )


def know(job: Job, db: Any, ref: PostRef, depth: int, now: dt.datetime, *, is_backlog: bool = False) -> None:
    """Have a post in the queue, once."""
    # What others handed in is not what its network says: that is asked as of any other post.
    is_new = opinions.is_untried(db, ref) and not erasure.is_erased(db, ref)
    platform = job.platforms.get(ref.platform)
    url = platform.url(ref) if platform else str(ref)
    opinions.add_post(db, ref, url, platform.posted_at(ref.id) if platform else None, depth)
    if not is_new and not is_backlog:
        work.hasten(db, "post", str(ref))
    if is_new:
        work.mark_due(db, "post", str(ref), now, is_backlog=is_backlog)
        job.known["post"] += 1


async def climb(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    ref = resolve.ref_of(piece.key)
    platform = job.platforms.get(ref.platform)
    sources = resolve.sources_of(platform, job.rules.sources.get(ref.platform), job.rules.environ)
    claim, is_recheck = await job.db(lambda db: (opinions.claim_for(db, ref), opinions.was_seen(db, ref)))
    if is_recheck:
        sources = [source for source in sources if source.rank is Rank.FIRST_HAND]
    is_shown = False
    for source in sources:
        if source.is_last_resort and is_shown:
            continue
        finding = await try_source(job, ref, source, claim, began_at)
        is_shown = is_shown or finding.outcome is Outcome.FOUND
        if resolve.is_enough(source, finding, is_recheck):
            break

    def note(db: Any) -> None:
        now = job.now()
        if not sources and not is_recheck:
            opinions.settle_post(db, ref, State.UNSUPPORTED, Reason.NO_SOURCE, None)
            work.done(db, "post", str(ref))
            return
        want_media(job, db, ref, now)
        is_shown = job.rules.save_posts and not job.replayed and not opinions.depth_of(db, ref)
        if is_shown and platform and opinions.was_seen(db, ref):
            saving.want_copy(job, db, platform.url(ref), now)
        schedule(job, db, settle(job, db, ref), piece, now)

    await job.write(note)


async def try_source(job: Job, ref: PostRef, source: Source, claim: Claim, began_at: dt.datetime | None) -> Finding:
    """One try at one source, kept whatever came of it."""
    started_at = job.now()
    captures: list[Capture] = []
    detail = None
    try:
        finding, captures, failures = await asking.drive(job, source.look(ref, claim), began_at)
        if failures:
            detail = str(failures[-1])
    except Ended as end:
        captures, detail = end.captures, str(end.error)
        finding = resolve.finding_of(end.error) if isinstance(end.error, FetchError) else UNREADABLE
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
        # A parser met what its author did not foresee: the capture is kept, the run goes on, the log says where.
        log.exception("parser failed", extra={"post": str(ref), "source": source.name})
        detail, finding = f"{type(error).__name__}: {error}", UNREADABLE

    def note(db: Any) -> None:
        now = job.now()
        # By its first capture, so that an attempt that was cut off and went on is one attempt.
        seen_at = captures[0].started_at if captures else started_at
        attempt = opinions.Attempt(
            source.name,
            source.rank,
            finding.outcome.value,
            finding.reason.value,
            finding.tombstone,
            detail,
            tuple(capture.id for capture in captures),
            seen_at,
            captures[-1].ended_at if captures else now,
        )
        opinions.add_attempt(db, ref, attempt, job.run)
        if finding.outcome is Outcome.FOUND and finding.post is not None and captures:
            observed_at = finding.observed_at or captures[-1].started_at
            take_snapshot(job, db, finding.post, source, captures[-1], observed_at, opinions.depth_of(db, ref))
            depth = opinions.depth_of(db, ref) + 1
            for also in finding.also if depth <= job.rules.context_depth else ():
                take_snapshot(job, db, also, source, captures[-1], observed_at, depth)

    await job.write(note)
    job.counts[f"attempts {finding.outcome.value}"] += 1
    job.listen(
        "attempt",
        {
            "post": str(ref),
            "source": source.name,
            "outcome": finding.outcome.value,
            "reason": finding.reason.value,
            "detail": detail,
        },
    )
    return finding


def take_snapshot(
    job: Job, db: Any, post: Post, source: Source, capture: Capture, observed_at: dt.datetime, depth: int
) -> None:
    if erasure.is_erased(db, post.ref):
        return
    now = job.now()
    platform = job.platforms[post.ref.platform]
    opinions.add_post(db, post.ref, platform.url(post.ref), platform.posted_at(post.ref.id), depth)
    opinions.add_snapshot(db, post, source.name, source.rank, capture, observed_at)
    job.counts["snapshots"] += 1
    if depth < job.rules.context_depth:
        for context in (post.quotes, post.reply_to):
            if context is not None:
                know(job, db, context, depth + 1, now)
    if depth:
        want_media(job, db, post.ref, now)
        settle(job, db, post.ref)


def want_media(job: Job, db: Any, ref: PostRef, now: dt.datetime) -> None:
    for media in opinions.media_of(db, ref):
        if media.sha256 is None and wants(job, media):
            work.mark_due(db, "media", f"{ref} {media.key}", now)
            job.known["media"] += 1


def wants(job: Job, media: opinions.KeptMedia) -> bool:
    return job.rules.photos if media.kind in ("photo", opinions.POSTER) else job.rules.videos


def settle(job: Job, db: Any, ref: PostRef, *, compare: bool = True, is_said_anew: bool = True) -> resolve.Judgement:
    """Write where a post stands, and what it says where that may be new; *compare* also corroborates the embeds that
    show it."""
    tries = [
        resolve.Try(row[0], Rank(row[1]), Outcome(row[2]), Reason(row[3]), dt.datetime.fromisoformat(row[4]))
        for row in opinions.attempts(db, ref)
    ]
    best = opinions.best_snapshot(db, ref) if compare or is_said_anew else None
    is_kept = best is not None or (not (compare or is_said_anew) and opinions.is_shown(db, ref))
    whole = opinions.media_of(db, ref)
    media = [each.reason for each in whole if each.kind != opinions.POSTER and wants(job, each)]
    judgement = dataclasses.replace(
        resolve.judge(tries, is_kept, media, job.rules.gone_after), missing=resolve.missing(tries)
    )
    live = judgement.live
    if job.told:
        tell_of_post(job, db, ref, judgement, is_kept=is_kept)
    opinions.settle_post(
        db,
        ref,
        judgement.state,
        judgement.reason,
        (live[0].value, live[1].value, timestamp(live[2])) if live else None,
        best,
        is_said_anew=is_said_anew,
    )
    if best is not None and compare:
        digests = {each.key: each.sha256 for each in whole if each.sha256}
        platform = job.platforms.get(ref.platform)
        id_at = platform.posted_at(ref.id) if platform else None
        for embed in opinions.embeds_of(db, ref):
            kept = opinions.embed(db, embed)
            text = article_text(job, db, kept.article)
            opinions.set_verdict(db, embed, corroborate(kept.embed, best.shown, text, kept=digests, id_at=id_at))
    return judgement


def tell_of_post(job: Job, db: Any, ref: PostRef, judgement: resolve.Judgement, *, is_kept: bool) -> None:
    """Tell of a post that vanished, against what was known of it until now: once when it is first missing, once
    when that is sure, once when it is there again."""
    before, missing = opinions.live_of(db, ref), judgement.missing
    was_missing = before is not None and resolve.is_loss(*before[:2])
    event = None
    if missing is not None and not was_missing:
        event = "post missing"
    elif missing is not None and missing[1] - missing[0] >= job.rules.gone_after:
        was_sure = before is not None and before[2] - missing[0] >= job.rules.gone_after
        event = None if was_sure else "post gone"
    elif missing is None and was_missing and judgement.live and judgement.live[0] is Outcome.FOUND:
        event = "post back"
    if event is None or opinions.depth_of(db, ref):
        return
    platform = job.platforms.get(ref.platform)
    job.tell(
        db,
        event,
        {
            "post": str(ref),
            "url": platform.url(ref) if platform else str(ref),
            "reason": judgement.live[1].value if judgement.live else None,
            "missing_since": timestamp(missing[0]) if missing else None,
            "archived": is_kept,
            "articles": opinions.locations_of(db, ref, 20),
        },
    )


def article_text(job: Job, db: Any, article: str) -> str | None:
    """The text an article's offsets count in; None where it cannot be read any more. The last one is remembered: an
    article's posts tend to be settled one after the other."""
    if job.last_text[0] != article:
        kept = opinions.article(db, article)
        try:
            content = facts.capture(db, kept.capture).content
            text = job.text_of(content, media_type=kept.media_type, charset=kept.charset, location=kept.location)
        except ArchiverError:
            text = None
        job.last_text = article, text
    return job.last_text[1]


def schedule(job: Job, db: Any, judgement: resolve.Judgement, piece: work.Due, now: dt.datetime) -> None:
    """When to look at a post again."""
    state, reason = judgement.state, judgement.reason
    if state in (State.ARCHIVED, State.PARTIAL):
        if judgement.missing and judgement.missing[1] - judgement.missing[0] < job.rules.gone_after:
            # Missing once proves nothing: a second look, far enough apart, says whether it is gone.
            at = judgement.missing[0] + job.rules.gone_after
            if at <= now:  # this was the second look, and nobody answered it
                at = now + job.rules.retry[min(1, len(job.rules.retry) - 1)]
            work.put_off(db, "post", piece.key, at, tries=piece.tries, reason="missing once", is_again=True)
            return
        ref, after = resolve.ref_of(piece.key), job.rules.recheck_after
        look = resolve.next_look(opinions.first_seen(db, ref) or now, now, after)
        if look is None:
            work.done(db, "post", piece.key)
            return
        if opinions.has_changed(db, ref):
            look = min(look, now + after[0])  # who edits a post may do it again, or delete it
        work.put_off(db, "post", piece.key, look, tries=piece.tries + 1, reason="look again", is_again=True)
        return
    if state is State.GONE:
        work.put_off(db, "post", piece.key, now + dt.timedelta(days=30), tries=0, reason="reappearance", is_again=True)
        return
    at = next_try(job, reason, piece.tries, now)
    work.put_off(db, "post", piece.key, at, tries=piece.tries + 1, reason=reason.value)


def next_try(job: Job, reason: Reason, tries: int, now: dt.datetime) -> dt.datetime:
    """When to try again what decided nothing: when the host that asked us to wait lets us, else after the waits of
    the configuration. While hosts do not answer, one of those who wait is sent early, to see whether they do."""
    ends = [until for until, _ in job.held.values() if until > now]
    if reason is Reason.RATE_LIMITED and ends:
        return min(ends)
    at = now + resolve.next_try(reason, tries, job.rules.gone_after, job.rules.retry)
    if reason.value in NO_ANSWER and now >= job.scout_at:
        at = job.scout_at = min(at, now + _SCOUT)
    return at
