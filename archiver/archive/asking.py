"""Asking: every request of a job goes through here, and what it is told is kept before anybody reads it.

A host that is silent, asked us to wait, or is crowded holds up only its own work.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver.archive.terms import AT_ONE_HOST, NO_ANSWER, SILENCE, Ended, Found, Parked, bare
from archiver.errors import FetchError, ParseError, Refused
from archiver.model import (
    Capture,
    Request,
    timestamp,
)
from archiver.store import facts, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

#: An answer that asks us to wait holds its host at least this long, where it names no time itself.
_HOLD = dt.timedelta(seconds=60)

#: Longer than this nobody waits for a host's turn: the work is put back and goes on where it was.
_PATIENCE = 2.0

#: Two looks within this time are one look.
_SAME_LOOK = dt.timedelta(minutes=5)

_RECENT = 512


def park(job: Job, line: str, url: str) -> None:
    """Leave the work for later where its host cannot be asked soon, so that a slow host holds up only its own."""
    wait = job.fetcher.room(url)[1]
    if wait > _PATIENCE or job.asking[line] >= AT_ONE_HOST:
        job.lines[line] = url
        job.parked[line] += 1
        raise Parked(line, job.now() + dt.timedelta(seconds=wait))


async def ask(job: Job, request: Request, began_at: dt.datetime | None, *, anew: bool = False) -> tuple[Capture, ...]:
    """Every hop of one request, kept before it is returned. What an interrupted try captured is not asked again,
    nor, unless it is to be asked *anew*, what was asked a moment ago."""
    if began_at is not None:
        kept = await job.db(facts.kept_since, request, began_at)
        if kept:
            job.listen("capture reused", {"url": bare(request.url)})
            return tuple(job.stored(each) for each in kept)
    asked = (request.method, request.url, request.body)
    told_at, answer = job.recent.get(asked, (None, ()))
    if not anew and told_at is not None and told_at > job.now() - _SAME_LOOK:
        return answer
    host = (urlsplit(request.url).hostname or "").lower()
    until, why = job.held.get(host, (None, ""))
    if until is not None and until > job.now():
        raise FetchError(f"{host}: asked us to wait until {timestamp(until)} ({why})", reason="rate-limited")
    if host in job.silent:
        silent_at, silence = job.silent[host]
        if job.now() - silent_at < SILENCE:
            raise silence
        del job.silent[host]
    line = job.fetcher.line(request.url)
    park(job, line, request.url)
    job.requests[host] += 1
    job.asking[line] += 1
    try:
        captures = await job.fetcher.fetch(request)
    except FetchError as error:
        await job.keep(getattr(error, "captures", ()))
        if error.reason in ("unreachable", "timeout"):
            is_news, now = host not in job.failing, job.now()
            job.failing.add(host)
            await job.write(work.host_failed, host, str(error), now)
            if is_news:
                await job.write(job.tell, "host silent", {"host": host, "error": str(error)})
        if error.reason == "unreachable":
            # One silent host must not cost a deadline for every post: for a while it is asked no more.
            job.silent[host] = job.now(), error
            job.listen("host silent", {"host": host, "error": str(error)})
        raise
    finally:
        job.asking[line] -= 1
        if line in job.lines:
            job.wake.set()
    await job.keep(captures)
    last = captures[-1]
    job.replayed = job.replayed or last.origin.kind == "replay"
    if not request.is_media and not anew:
        job.recent[asked] = job.now(), captures
        while len(job.recent) > _RECENT:
            del job.recent[next(iter(job.recent))]
    now = job.now()
    until = None
    if last.origin.kind == "live" and last.header("memento-datetime") is None:
        until = job.retry_after(last, now) or (now + _HOLD if last.status in (429, 503) else None)
    if until is not None:
        name = (urlsplit(last.url).hostname or host).lower()
        job.held[name] = (until, f"HTTP {last.status}")
        job.failing.add(name)
        await job.write(work.hold_host, name, until, f"HTTP {last.status}", now)
        job.listen("host asks to wait", {"host": name, "until": timestamp(until), "status": last.status})
    elif host in job.failing:
        job.failing.discard(host)
        await job.write(functools.partial(is_back, job), host)
        job.wake.set()
    job.listen("captured", {"url": bare(last.url), "status": last.status, "bytes": last.body.size})
    return captures


def is_back(job: Job, db: Any, host: str) -> None:
    """A host answers again: what waits only for want of answers is tried now, not when its next try would come."""
    now = job.now()
    work.host_answered(db, host, now)
    work.hurry(db, now, NO_ANSWER)


async def drive(
    job: Job, look: Generator[Request, Capture, Found], began_at: dt.datetime | None, barred: Collection[str] = ()
) -> tuple[Found, list[Capture], list[FetchError]]:
    """Run a look-up: what it returned, the captures it was given, the silences it met. An uncaught FetchError or
    ParseError of the look-up is raised with what was captured until then in `captures`. Nothing is asked of a
    *barred* host."""
    captures: list[Capture] = []
    failures: list[FetchError] = []
    try:
        request = next(look)
        while True:
            try:
                if barred and urlsplit(request.url).hostname in barred:
                    raise Refused(f"{request.url}: the configuration leaves this source out", reason="not-tried")
                hops = await ask(job, request, began_at)
            except FetchError as error:
                captures.extend(getattr(error, "captures", ()))
                failures.append(error)
                request = look.throw(error)
            else:
                captures.extend(hops)
                request = look.send(hops[-1])
    except StopIteration as stop:
        return stop.value, captures, failures
    except (FetchError, ParseError) as error:
        raise Ended(error, captures) from error


async def wait_for(job: Job, piece: work.Due, url: str) -> bool:
    """Put work off until its host may be asked again; whether it asked to wait at all."""
    host = (urlsplit(url).hostname or "").lower()
    until, why = job.held.get(host, (None, ""))
    if until is None:
        return False
    await job.write(work.put_off, piece.kind, piece.key, until, tries=piece.tries, reason="rate-limited", detail=why)
    return True
