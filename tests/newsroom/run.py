"""The real path over the newsroom's months, and what must hold of it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import random
import resource
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver import articles
from archiver.archive import Job, Rules, Watched
from archiver.config import HOSTS, FetchConfig, HostConfig, RecheckConfig
from archiver.fetch import Fetcher, retry_after
from archiver.model import State, timestamp
from archiver.store import Writer, check, connect_to_read
from tests.newsroom.clock import LoopClock, SimulatedLoop
from tests.newsroom.plan import Fate, Plan
from tests.newsroom.web import PAPER, SECTIONS, InProcess

#: How often each feed is due.
EVERY = dt.timedelta(minutes=10)
HOUR = dt.timedelta(hours=1)
#: What was due may have waited so long for a turn, however much there was to do. Hosts that are down are not counted:
#: what waits for them is due when it is tried again.
LATEST = dt.timedelta(hours=1)


@dataclass
class Day:
    """What one simulated day cost: seconds of processor, requests, and what the archive held at its end."""

    cpu: float
    requests: int
    posts: int
    bytes: int
    memory: int


@dataclass
class Outcome:
    """What came of it. `faults` must be empty: each is a sentence that names what did not hold."""

    days: list[Day] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    owed: int = 0
    captured: int = 0
    media_owed: int = 0
    media_captured: int = 0
    not_owed: int = 0
    not_owed_captured: int = 0
    restarts: int = 0
    latest: dict[str, float] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    captures: int = 0
    snapshots: int = 0
    wall: float = 0.0
    #: Set from outside: what was lived through until then is judged.
    is_cut_short: bool = False


def run(
    plan: Plan,
    path: Path,
    days: int,
    *,
    seed: int = 0,
    told: Any = None,
    rules: Rules | None = None,
    hosts: Mapping[str, HostConfig] = HOSTS,
    every: dt.timedelta = EVERY,
    outcome: Outcome | None = None,
) -> Outcome:
    """Live through the days, with a restart now and then. *rules* and *hosts* are the configuration's unless given;
    *every* is how often the feeds are due."""
    began = time.perf_counter()
    outcome = outcome or Outcome()
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(_live(plan, path, days, random.Random(seed), outcome, told, rules or _rules(), hosts, every))
    _judge(plan, path, outcome)
    outcome.wall = time.perf_counter() - began
    return outcome


async def _live(
    plan: Plan,
    path: Path,
    days: int,
    rng: random.Random,
    outcome: Outcome,
    told: Any,
    rules: Rules,
    hosts: Mapping[str, HostConfig],
    every: dt.timedelta,
) -> None:
    clock = plan.world.clock
    assert isinstance(clock, LoopClock)
    clock.follow(asyncio.get_running_loop())
    end = clock.now + dt.timedelta(days=days)
    next_day = clock.now + dt.timedelta(days=1)
    cpu, asked = time.process_time(), 0
    while clock.now < end and not outcome.is_cut_short:
        # About twice a week somebody restarts it, at any hour.
        until = min(end, clock.now + dt.timedelta(days=rng.expovariate(1 / 3.5)))
        outcome.restarts += until < end
        with Writer(path, holder="pid 0 on the newsroom", now=lambda: clock.now) as writer:
            fetcher = Fetcher(
                FetchConfig(), hosts=hosts, now=lambda: clock.now, environ={}, transport=InProcess(plan.world)
            )
            job = Job(
                writer, fetcher, rules, now=lambda: clock.now, extract=articles.embeds, text_of=articles.text_of,
                retry_after=retry_after, sources={name: _feed(name) for name in SECTIONS},
            )  # fmt: skip
            async with fetcher, job:
                await job.begin("run", None, "0" * 64)
                wake = asyncio.Event()
                stopping = asyncio.create_task(_stop(job, clock, until, wake))
                ticking = asyncio.create_task(_tick(job, every, wake))
                while clock.now < until and not outcome.is_cut_short:
                    wake.clear()
                    await job.drain()
                    if clock.now >= next_day:
                        now = time.process_time()
                        total = sum(plan.world.witness.asked.values())
                        outcome.days.append(_day(writer.db, path, now - cpu, total - asked))
                        cpu, asked = time.process_time(), total
                        next_day += dt.timedelta(days=1)
                        if told:
                            told(outcome)
                    alarm = asyncio.get_running_loop().call_later(max(0.05, await job.until_next(86_400)), wake.set)
                    await wake.wait()
                    alarm.cancel()
                for task in (stopping, ticking):
                    task.cancel()
                await asyncio.gather(stopping, ticking, return_exceptions=True)
                await job.end()
                if clock.now >= end or outcome.is_cut_short:
                    total = sum(plan.world.witness.asked.values())
                    outcome.days.append(_day(writer.db, path, time.process_time() - cpu, total - asked))
                for kind, late in job.latest.items():
                    outcome.latest[kind] = max(late, outcome.latest.get(kind, 0.0))
    witness = plan.world.witness
    outcome.requests, outcome.statuses, outcome.most = witness.asked, witness.answers, witness.most
    outcome.faults += witness.faults[:20]


def _rules() -> Rules:
    recheck = RecheckConfig()
    return Rules(recheck_after=recheck.after, gone_after=recheck.gone_after, retry=recheck.retry)


def _feed(section: str) -> Watched:
    return Watched(lambda: iter([f"https://{PAPER}/feed/{section}.xml"]))


async def _tick(job: Job, every: dt.timedelta, wake: asyncio.Event) -> None:
    while True:
        await job.mark_sources()
        wake.set()
        await asyncio.sleep(every.total_seconds())


async def _stop(job: Job, clock: LoopClock, at: dt.datetime, wake: asyncio.Event) -> None:
    await asyncio.sleep(max(0.0, (at - clock.now).total_seconds()))
    job.stop()
    wake.set()


def _day(db: sqlite3.Connection, path: Path, cpu: float, requests: int) -> Day:
    posts = db.execute("SELECT count(*) FROM post").fetchone()[0]
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return Day(cpu, requests, posts, path.stat().st_size, memory)


# --- what must hold -------------------------------------------------------------------------------------------------


def is_owed(plan: Plan, fate: Fate, hosts: tuple[str, ...], end: dt.datetime) -> bool:
    """Whether the post lived, and one of those hosts could be asked for it, for an hour on end after it was shown by
    an article that could be read."""
    until = min(fate.dies_at or end, end)
    # What can be asked changes only where a spell begins or ends.
    edges = {fate.shown_at, until}
    for host in (PAPER, *hosts):
        for spell in plan.world.spells.get(host, ()):
            edges |= {at for at in (spell.start, spell.end) if fate.shown_at < at < until}
    since: dt.datetime | None = None
    ordered = sorted(edges)
    for here, there in itertools.pairwise(ordered):
        middle = here + (there - here) / 2
        if _is_up(plan, PAPER, middle) and any(_is_up(plan, host, middle) for host in hosts):
            since = since or here
            if there - since >= HOUR:
                return True
        else:
            since = None
    return False


def _is_up(plan: Plan, host: str, at: dt.datetime) -> bool:
    spell = plan.world.spell(host, at)
    return spell is None or spell.kind == "slow"


def _judge(plan: Plan, path: Path, outcome: Outcome) -> None:
    end = plan.world.clock.now
    with contextlib.closing(connect_to_read(path)) as db:
        seen = {f"{row[0]}:{row[1]}" for row in db.execute("SELECT platform, id FROM post WHERE snapshot IS NOT NULL")}
        kept = {
            f"{row[0]}:{row[1]}"
            for row in db.execute(
                "SELECT platform, post FROM snapshot JOIN media ON media.snapshot = snapshot.id "
                "WHERE sha256 IS NOT NULL"
            )
        }
        for fate in plan.fates.values():
            if fate.shown_at >= end:
                continue
            if not is_owed(plan, fate, fate.sources, end):
                outcome.not_owed += 1
                outcome.not_owed_captured += fate.ref in seen
                continue
            outcome.owed += 1
            outcome.captured += fate.ref in seen
            if fate.ref not in seen:
                outcome.faults.append(f"{fate.ref}: shown {fate.shown_at}, died {fate.dies_at}, not captured")
            elif fate.media_host and is_owed(plan, fate, (fate.media_host,), end):
                outcome.media_owed += 1
                outcome.media_captured += fate.ref in kept
                if fate.ref not in kept:
                    outcome.faults.append(f"{fate.ref}: shown {fate.shown_at}, died {fate.dies_at}, picture not kept")
        for state, count in db.execute("SELECT state, count(*) FROM embed GROUP BY state"):
            outcome.states[state] = count
            if state not in set(State):
                outcome.faults.append(f"{count} embeds are in a state that does not exist: {state!r}")
        (read,) = db.execute("SELECT count(DISTINCT location) FROM article").fetchone()
        due = sum(story.at < end - HOUR for story in plan.stories)
        if not due <= read <= len(plan.stories):
            outcome.faults.append(f"{read} articles were read of {due}")
        embeds = sum(len(story.shown) for story in plan.stories if story.at < end)
        total = sum(outcome.states.values())
        if total > embeds or total < sum(len(s.shown) for s in plan.stories if s.at < end - HOUR):
            outcome.faults.append(f"{total} embeds have a state, of {embeds}")
        outcome.captures, outcome.snapshots = db.execute(
            "SELECT (SELECT count(*) FROM capture), (SELECT count(*) FROM snapshot)"
        ).fetchone()
        for row in db.execute(
            "SELECT platform, post, count(*), substr(started_at, 1, 13) FROM attempt GROUP BY 1, 2, 4 "
            "HAVING count(*) > 40 LIMIT 5"
        ):
            outcome.faults.append(f"{row[0]}:{row[1]}: tried {row[2]} times in the hour of {row[3]}")
        for row in db.execute("SELECT kind, key, due_at FROM due WHERE due_at < ?", (timestamp(end - LATEST),)):
            outcome.faults.append(f"{row[0]} {row[1]}: due since {row[2]}, and never begun")
        outcome.faults += [f"verify: {each}" for each in list(check.damages(db))[:5]]
    for kind, late in outcome.latest.items():
        if late > LATEST.total_seconds():
            outcome.faults.append(f"{kind}: was due for {late:.0f} s before it was begun")
