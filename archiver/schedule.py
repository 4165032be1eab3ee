"""When, not what: APScheduler ticks on the schedules of `config.toml`; a tick marks a source due and wakes the job.

Nothing is pickled and nothing is kept here: the archive knows what is due, and the ticks are made again from the
configuration at every start. Late ticks run once (`coalesce`), and marking a source due twice is marking it once.
Stopping is ours to do: APScheduler's own `shutdown(wait=True)` returns at once (EVIDENCE 4).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

from archiver.archive import Job
from archiver.config import ArticleSource
from archiver.errors import ConfigError

log = logging.getLogger("archiver")

#: How often the lease is renewed; a third of its length.
_RENEW = 20
#: How long the service sleeps at most before it looks at the queue again.
_NAP = 60


async def serve(job: Job, sources: tuple[ArticleSource, ...], stopping: asyncio.Event, *, deadline: float) -> None:
    """Run until *stopping* is set: every source when its tick comes (and once at the start), everything that is due
    when it is due. What is under way then is finished, for at most *deadline* seconds; the rest stays due."""
    wake = asyncio.Event()

    async def tick(label: str) -> None:
        ticked = scheduler.get_job(label)
        await job.mark_source(label, ticked.next_run_time if ticked else None)
        wake.set()

    scheduler = make_scheduler(sources, tick)
    scheduler.start()
    await job.mark_sources({each.id: each.next_run_time for each in scheduler.get_jobs()})
    renewing = asyncio.create_task(_renew(job))
    stopped = asyncio.create_task(_stop(job, stopping, wake))
    try:
        while not stopping.is_set():
            draining = asyncio.create_task(job.drain())
            done, _ = await asyncio.wait({draining, stopped, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if renewing in done:
                renewing.result()  # the lease is lost: nothing more may be written
            if draining not in done:
                await asyncio.wait({draining}, timeout=deadline)
                draining.cancel()
                await asyncio.gather(draining, return_exceptions=True)
                return
            draining.result()
            wake.clear()
            nap = await job.until_next(_NAP)
            try:
                await asyncio.wait_for(wake.wait(), nap)
            except TimeoutError:
                continue
    finally:
        scheduler.shutdown(wait=False)
        for task in (renewing, stopped):
            task.cancel()
        await asyncio.gather(renewing, stopped, return_exceptions=True)


def make_scheduler(sources: tuple[ArticleSource, ...], tick: Callable[[str], Any]) -> Any:
    """One job a source; not started."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    scheduler = AsyncIOScheduler(
        timezone=dt.UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for source in sources:
        try:
            trigger = (
                CronTrigger.from_crontab(source.cron, timezone=source.timezone or dt.UTC)
                if source.cron
                else IntervalTrigger(seconds=max(1, int(source.every.total_seconds())), timezone=dt.UTC)
            )
        except ValueError as error:
            raise ConfigError(f"the cron of source {source.label!r} is {source.cron!r}: {error}") from error
        scheduler.add_job(tick, trigger, args=(source.label,), id=source.label, name=source.label)
    return scheduler


async def _renew(job: Job) -> None:
    while True:
        await asyncio.sleep(_RENEW)
        await job.renew()


async def _stop(job: Job, stopping: asyncio.Event, wake: asyncio.Event) -> None:
    await stopping.wait()
    job.stop()
    wake.set()
