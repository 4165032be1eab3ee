"""When: ticks in a named time zone, over changes of the clock by law and by hand. APScheduler's own triggers, real
archives, a clock that the test sets."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver import articles
from archiver.archive import Job, Rules, Watched, asking
from archiver.config import ArticleSource, parse
from archiver.errors import ConfigError
from archiver.fetch import retry_after
from archiver.model import Author, Post, PostRef, Rank, Request
from archiver.schedule import Service, jump, trigger_of
from archiver.store import Writer, opinions, work
from tests.archives import answer
from tests.simulator.world import World
from tests.world.run import InProcess

BERLIN = ZoneInfo("Europe/Berlin")


def ticks(source: ArticleSource, start: dt.datetime, number: int) -> list[dt.datetime]:
    """The next ticks, as the scheduler asks its trigger for them one after the other."""
    trigger, found, last = trigger_of(source), [], None
    now = start
    for _ in range(number):
        at = trigger.get_next_fire_time(last, now)
        assert at is not None
        found.append(at.astimezone(dt.UTC))
        last, now = at, at
    return found


def daily(cron: str) -> ArticleSource:
    return ArticleSource("daily", (), cron=cron, timezone="Europe/Berlin")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_cron_is_read_in_its_time_zone_winter_and_summer() -> None:
    found = ticks(daily("0 6 * * *"), utc("2026-03-28T00:00"), 3)
    assert found == [utc("2026-03-28T05:00"), utc("2026-03-29T04:00"), utc("2026-03-30T04:00")]
    assert ticks(ArticleSource("daily", (), cron="0 6 * * *"), utc("2026-03-28T00:00"), 1) == [utc("2026-03-28T06:00")]


def test_a_tick_in_the_hour_that_does_not_exist_does_not_stop_the_clock() -> None:
    """2026-03-29, 02:30 is no time in Berlin: that day has one tick at the most, and the next day has its own."""
    found = ticks(daily("30 2 * * *"), utc("2026-03-28T12:00"), 3)
    days = [at.astimezone(BERLIN).date().day for at in found]
    assert days[-1] in (30, 31, 1)
    assert len(set(days)) == 3
    assert all(later - earlier >= dt.timedelta(hours=22) for earlier, later in itertools.pairwise(found))
    assert utc("2026-03-30T00:30") in found


def test_a_tick_in_the_hour_that_comes_twice_comes_twice_and_then_daily_again() -> None:
    """2026-10-25, 02:30 comes twice in Berlin."""
    found = ticks(daily("30 2 * * *"), utc("2026-10-24T12:00"), 4)
    assert found == [utc(f"2026-10-{at}:30") for at in ("25T00", "25T01", "26T01", "27T01")]


def test_an_interval_knows_no_summer_time() -> None:
    source = ArticleSource("hourly", (), every=dt.timedelta(hours=1))
    found = ticks(source, utc("2026-10-24T22:00"), 6)
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {dt.timedelta(hours=1)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('cron = "0 6 * * *"\ntimezone = "Europe/Berln"', "no such time zone"),
        ('timezone = "Europe/Berlin"', "no cron"),
        ('cron = "0 6 * * *"\ntimezone = "../../etc/passwd"', "no such time zone"),
        ('kind = "feeds"', "write one of article, feed"),
    ],
)
def test_a_source_that_cannot_be_kept_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(f'[[sources]]\nlabel = "a"\npaths = ["x"]\n{text}\n')


def test_two_sources_of_one_label_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"config.toml:5: sources\[2\].label"):
        parse('[[sources]]\nlabel = "a"\npaths = ["x"]\n[[sources]]\nlabel = "a"\npaths = ["y"]\n')


def test_a_cron_that_no_calendar_has_is_named() -> None:
    with pytest.raises(ConfigError, match="source 'daily' is '99 6"):
        trigger_of(daily("99 6 * * *"))


NOON = utc("2026-11-22T12:00")


@pytest.mark.parametrize(
    ("wall", "elapsed", "by"),
    [
        (dt.timedelta(seconds=20), 20.0, 0),
        (dt.timedelta(seconds=45), 20.0, 0),  # a slow look, or a clock that is slewed
        (dt.timedelta(hours=8), 20.0, 8 * 3600 - 20),  # set forward, or asleep
        (dt.timedelta(hours=-2), 20.0, -7220),
    ],
)
def test_a_clock_that_was_set_is_told_from_one_that_goes(wall: dt.timedelta, elapsed: float, by: int) -> None:
    assert jump(NOON, 100.0, NOON + wall, 100.0 + elapsed).total_seconds() == by


class Clock:
    """A clock that the test sets; the time since goes on as it does."""

    def __init__(self) -> None:
        self.set_by = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.set_by


@pytest.fixture
def clock() -> Clock:
    return Clock()


Events = list[tuple[str, dict[str, Any]]]


async def served(
    tmp_path: Path,
    clock: Clock,
    world: World,
    then: Callable[[Job, sqlite3.Connection, Events], Any],
    every: str = "8h",
) -> Events:
    """Serve a source that says nothing, until *then* is done; what was said."""
    told: Events = []
    source = parse(f'[[sources]]\nlabel = "desk"\npaths = ["x"]\nevery = "{every}"\n').sources[0]
    with Writer(tmp_path / "archive.db", holder="the test", now=clock.now) as writer:
        reads: list[dt.datetime] = []

        def read() -> list[Any]:
            reads.append(clock.now())
            return []

        job = Job(
            writer, InProcess(world), Rules(), now=clock.now, extract=articles.embeds, text_of=articles.text_of,
            retry_after=retry_after, sources={"desk": Watched(read)},
            listener=lambda phrase, fields: told.append((phrase, dict(fields))),
        )  # fmt: skip
        async with job:
            stopping = asyncio.Event()
            service = Service(job, (source,), now=clock.now, look_every=0.05)
            serving = asyncio.create_task(service.serve(stopping, deadline=1))
            try:
                while not reads:
                    await asyncio.sleep(0.01)
                await then(job, writer.db, told)
            finally:
                stopping.set()
                await serving
        told.append(("reads", {"number": len(reads)}))
    return told


async def test_what_an_interrupted_try_kept_is_read_apart_from_what_is_being_written(
    tmp_path: Path, clock: Clock, world: World
) -> None:
    kept = answer("https://news.example/a", b"kept", clock.now())
    said: list[str] = []

    async def ask_again(job: Job, db: sqlite3.Connection, told: Events) -> None:
        await job.keep([kept])
        (again,) = await asking.ask(job, Request(kept.url), kept.started_at)
        assert ("capture reused", {"url": kept.url}) in told
        assert again == kept
        for each in (again, job.stored(kept)):
            for body in (each.request_body, each.body, each.payload):
                db.set_trace_callback(said.append)
                with body.open() as stream:
                    assert stream.read() == (b"kept" if body.size else b"")
                db.set_trace_callback(None)

    await served(tmp_path, clock, world, ask_again)
    assert not [each for each in said if "blob" in each or "chunk" in each]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


async def test_after_a_night_asleep_a_missed_tick_runs_once(tmp_path: Path, clock: Clock, world: World) -> None:
    async def sleep(job: Job, db: sqlite3.Connection, told: Events) -> None:
        clock.set_by += dt.timedelta(hours=30)  # more than three ticks
        await until(lambda: any(phrase == "clock moved" for phrase, _ in told))
        await asyncio.sleep(0.3)

    told = await served(tmp_path, clock, world, sleep)
    assert [fields["seconds"] // 3600 for phrase, fields in told if phrase == "clock moved"] in ([29], [30])
    assert told[-1] == ("reads", {"number": 2})


async def test_a_clock_that_is_set_back_keeps_waits_as_long_as_they_were(
    tmp_path: Path, clock: Clock, world: World
) -> None:
    found: list[tuple[dt.timedelta, dt.timedelta]] = []

    async def set_back(job: Job, db: sqlite3.Connection, told: Events) -> None:
        in_an_hour = clock.now() + dt.timedelta(hours=1)
        await job.write(work.mark_due, "post", "twitter:20", in_an_hour)
        await job.write(work.hold_host, "slow.example", in_an_hour, "HTTP 429", clock.now())
        clock.set_by -= dt.timedelta(days=365)
        await until(lambda: any(phrase == "clock moved" for phrase, _ in told))
        at = await job.db(work.next_due)
        (held, _) = (await job.db(work.held_hosts, clock.now()))["slow.example"]
        assert at is not None
        found.append((at - clock.now(), held - clock.now()))

    told = await served(tmp_path, clock, world, set_back)
    ((due, held),) = found
    assert dt.timedelta(minutes=58) < due < dt.timedelta(minutes=61)
    assert dt.timedelta(minutes=58) < held < dt.timedelta(minutes=61)
    assert told[-1] == ("reads", {"number": 1})


@pytest.mark.slow
async def test_a_short_interval_goes_on_after_the_clock_was_set_back(
    tmp_path: Path, clock: Clock, world: World
) -> None:
    async def set_back(job: Job, db: sqlite3.Connection, told: Events) -> None:
        clock.set_by -= dt.timedelta(hours=5)
        await until(lambda: any(phrase == "clock moved" for phrase, _ in told))
        await asyncio.sleep(2.5)

    told = await served(tmp_path, clock, world, set_back, every="1s")
    assert told[-1][1]["number"] >= 3


def test_a_post_that_was_changed_is_told_from_one_that_two_sources_show_differently(tmp_path: Path) -> None:
    ref = PostRef("mastodon", "example.social/1")
    with Writer(tmp_path / "archive.db", holder="the test", now=lambda: NOON) as writer:

        def seen(minute: int, source: str, text: str) -> bool:
            at = NOON + dt.timedelta(minutes=minute)
            page = answer("https://example.social/api", f"{minute}".encode(), at)
            writer.add_captures([page])
            post = Post(ref, Author("joe", "Joe", "1"), text, created_at=NOON, lang="en", url=None)
            with writer.transaction() as db:
                opinions.add_post(db, ref, "https://example.social/@joe/1", NOON)
                opinions.add_snapshot(db, post, source, Rank.FIRST_HAND, page, at)
                return opinions.has_changed(db, ref)

        assert not seen(0, "api", "One.")
        assert not seen(1, "oembed", "<p>One.</p>")
        assert not seen(2, "api", "One.")
        assert seen(3, "api", "Two.")
        assert not seen(4, "api", "Two.")
        assert opinions.first_seen(writer.db, ref) == NOON
