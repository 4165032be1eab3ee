"""When, not what: APScheduler ticks on the schedules of `config.toml`; a tick marks a source due and wakes the job.

Nothing is pickled and nothing is kept here: the archive knows what is due, and the ticks are made again from the
configuration at every start. Late ticks run once (`coalesce`), and marking a source due twice is marking it once.
Stopping is ours to do: APScheduler's own `shutdown(wait=True)` returns at once (EVIDENCE 4).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import Any

from archiver.archive import Job
from archiver.config import ArticleSource
from archiver.errors import ArchiverError, ConfigError

#: How often the lease is renewed (a third of its length), and the clock looked at, in seconds.
_RENEW = 20.0
#: How long the service sleeps at most before it looks at the queue again.
_NAP = 60
#: How often it looks whether somebody added something by hand.
_COLLECT = 2.0
#: How often it notes its report and the archive's size, and how often the ledger's head is signed, in hours.
_BOOK, _SIGN = 1, 24
#: The clock was set, or the machine slept, if it and the time since differ by more than this.
_JUMP = dt.timedelta(seconds=30)

Collect = Callable[[], Awaitable[bool]]


class Service:
    """The scheduled service over one job: every source when its tick comes (and once at the start), everything that is
    due when it is due. *collect* takes in what was added by hand, and says whether there was anything."""

    def __init__(
        self,
        job: Job,
        sources: tuple[ArticleSource, ...],
        *,
        collect: Collect | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        monotonic: Callable[[], float] = time.monotonic,
        look_every: float = _RENEW,
    ) -> None:
        self._job, self._sources, self._collect = job, sources, collect
        self._now, self._monotonic, self._look_every = now, monotonic, look_every
        self._wake = asyncio.Event()
        #: What ended a tick: the archive cannot be written, so the service cannot go on.
        self._broken: asyncio.Future[None]
        self._scheduler = make_scheduler(sources, self._tick)

    async def serve(self, stopping: asyncio.Event, *, deadline: float) -> None:
        """Run until *stopping* is set. What is under way then is finished, for at most *deadline* seconds; the rest
        stays due."""
        self._broken = asyncio.get_running_loop().create_future()
        self._scheduler.start()
        self._keep_house()
        await self._job.mark_sources(self._next())
        watching = asyncio.create_task(self._watch())
        stopped = asyncio.create_task(self._stop(stopping))
        try:
            while not stopping.is_set():
                self._wake.clear()
                draining = asyncio.create_task(self._job.drain())
                done, _ = await asyncio.wait(
                    {draining, stopped, watching, self._broken}, return_when=asyncio.FIRST_COMPLETED
                )
                if watching in done:
                    watching.result()  # the lease is lost: nothing more may be written
                if self._broken in done:
                    self._broken.result()
                if draining not in done:
                    await asyncio.wait({draining}, timeout=deadline)
                    draining.cancel()
                    await asyncio.gather(draining, return_exceptions=True)
                    return
                draining.result()
                nap = await self._job.until_next(_NAP)
                try:
                    await asyncio.wait_for(self._wake.wait(), nap)
                except TimeoutError:
                    continue
        finally:
            self._scheduler.shutdown(wait=False)
            for task in (watching, stopped, self._broken):
                task.cancel()
            await asyncio.gather(watching, stopped, self._broken, return_exceptions=True)

    async def follow(self, sources: tuple[ArticleSource, ...]) -> dict[str, list[str]]:
        """Take over the sources of a new configuration: which were added, removed and changed. ConfigError, and nothing
        taken over, for a schedule that cannot be kept."""
        check(sources)
        old, new = ({each.label: each for each in some} for some in (self._sources, sources))
        told = {
            "added": [label for label in new if label not in old],
            "removed": [label for label in old if label not in new],
            "changed": [label for label in new if label in old and new[label] != old[label]],
        }
        self._sources = sources
        for label in (*told["removed"], *told["changed"]):
            self._scheduler.remove_job(_name(label))
        for label in (*told["added"], *told["changed"]):
            _schedule(self._scheduler, new[label], self._tick)
        await self._job.mark_sources(self._next(), only=(*told["added"], *told["changed"]))
        self._wake.set()
        return told

    def _next(self) -> dict[str, dt.datetime | None]:
        jobs = {each.id: each.next_run_time for each in self._scheduler.get_jobs()}
        return {each.label: jobs.get(_name(each.label)) for each in self._sources}

    async def _tick(self, label: str) -> None:
        await self._try(self._job.mark_source(label, self._next().get(label)))
        self._wake.set()

    def _keep_house(self) -> None:
        """What the service does besides its sources."""
        add = self._scheduler.add_job
        add(self._keep_book, "interval", hours=_BOOK, id="book", args=(False,))
        add(self._keep_book, "interval", hours=_SIGN, id="sign", args=(True,))
        if self._collect is not None:
            add(self._collect_added, "interval", seconds=_COLLECT, id="collect", next_run_time=dt.datetime.now(dt.UTC))

    async def _keep_book(self, sign: bool) -> None:
        await self._try(self._job.keep_book(sign=sign))

    async def _collect_added(self) -> None:
        if self._collect is not None and await self._try(self._collect()):
            self._wake.set()

    async def _try(self, step: Awaitable[Any]) -> Any:
        """A step between the ticks of APScheduler, which would log its error and go on: what goes wrong with the
        archive is the service's own."""
        try:
            return await step
        except ArchiverError as error:
            if not self._broken.done():
                self._broken.set_exception(error)
            return None

    async def _watch(self) -> None:
        """Keep the lease, and notice when the clock is set or the machine has slept."""
        wall, since = self._now(), self._monotonic()
        while True:
            await asyncio.sleep(self._look_every)
            by = jump(wall, since, self._now(), self._monotonic())
            wall, since = self._now(), self._monotonic()
            if by:
                await self._job.clock_moved(by)
                await self._again()
            await self._job.renew()

    async def _again(self) -> None:
        """Reckon every tick anew: those of before count from a clock that was another. What was missed runs now."""
        now = self._now()
        missed = [label for label, at in self._next().items() if at is not None and at <= now]
        self._scheduler.remove_all_jobs()
        for source in self._sources:
            _schedule(self._scheduler, source, self._tick)
        self._keep_house()
        await self._job.mark_sources(self._next(), only=missed)
        self._wake.set()

    async def _stop(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._job.stop()
        self._wake.set()


def jump(wall: dt.datetime, since: float, wall_now: dt.datetime, since_now: float) -> dt.timedelta:
    """By how much the clock was set between two looks at it and at a clock that nobody sets; zero for what is no more
    than a slow look. A machine that slept has a clock that seems set forward (CLOCK_MONOTONIC stands still then)."""
    by = (wall_now - wall) - dt.timedelta(seconds=since_now - since)
    return by if abs(by) > _JUMP else dt.timedelta()


def check(sources: tuple[ArticleSource, ...]) -> None:
    """ConfigError for a cron that no calendar has."""
    for each in sources:
        trigger_of(each)


def make_scheduler(sources: tuple[ArticleSource, ...], tick: Callable[[str], Any]) -> Any:
    """One job a source; not started. Late ticks run once, however many were missed."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    check(sources)
    scheduler = AsyncIOScheduler(
        timezone=dt.UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for source in sources:
        _schedule(scheduler, source, tick)
    return scheduler


def _schedule(scheduler: Any, source: ArticleSource, tick: Callable[[str], Any]) -> None:
    scheduler.add_job(tick, trigger_of(source), args=(source.label,), id=_name(source.label), name=source.label)


def _name(label: str) -> str:
    return f"source {label}"


def trigger_of(source: ArticleSource) -> Any:
    """When a source is due, as APScheduler has it. Where a zone's clock is put forward over the time that a cron names,
    that day's tick comes an hour off or not at all; where it is put back, it comes twice: a source is read twice."""
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    if source.cron is None:
        return IntervalTrigger(seconds=max(1, int(source.every.total_seconds())), timezone=dt.UTC)
    try:
        return CronTrigger.from_crontab(source.cron, timezone=source.timezone or dt.UTC)
    except ValueError as error:
        raise ConfigError(f"the cron of source {source.label!r} is {source.cron!r}: {error}") from error
