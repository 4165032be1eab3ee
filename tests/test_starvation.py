"""Nothing starves: whatever is due is begun within a stated bound, whatever else there is to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.store import Writer, work
from archiver.store.work import AGAIN, BACKLOG, TURNS
from tests.newsroom.plan import plan
from tests.newsroom.run import run

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KINDS = {0: "embed", 1: "post", 2: "media", AGAIN: "post", BACKLOG: "article"}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path / "archive.db", holder="pid 1 on nowhere", now=lambda: START) as made:
        yield made


def test_every_priority_has_a_turn_among_any_ten() -> None:
    for priority in KINDS:
        assert all(priority in (TURNS + TURNS)[start : start + 10] for start in range(len(TURNS)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # Of each step of half a day: how many of each priority become due, and how many there is room to begin.
    year=st.lists(st.tuples(*[st.integers(0, 6) for _ in KINDS], st.integers(1, 5)), min_size=30, max_size=730),
    flood=st.sampled_from(sorted(KINDS)),
)
def test_through_a_year_everything_due_is_begun_within_its_bound(
    writer: Writer, year: list[tuple[int, ...]], flood: int
) -> None:
    """One priority floods the queue all the time; each piece of any other, with n of its own before it when it became
    due, is begun within 10 (n + 1) beginnings."""
    now, begun, number = START, 0, 0
    bound: dict[tuple[str, str], int] = {}
    waiting: dict[int, int] = dict.fromkeys(KINDS, 0)
    priority_of: dict[tuple[str, str], int] = {}
    with writer.transaction() as db:
        db.execute("DELETE FROM due")
        for *arrivals, room in year:
            now += dt.timedelta(hours=12)
            for priority, count in zip(KINDS, arrivals, strict=True):
                for _ in range(count + (5 if priority == flood else 0)):
                    number += 1
                    name = KINDS[priority], f"{number:08}"
                    db.execute(
                        "INSERT INTO due (kind, key, due_at, priority, tries) VALUES (?, ?, ?, ?, 0)",
                        (*name, work.timestamp(now), priority),
                    )
                    bound[name] = begun + 10 * (waiting[priority] + 1)
                    waiting[priority] += 1
                    priority_of[name] = priority
            for piece in work.due(db, now, room, turn=begun):
                name = piece.kind, piece.key
                waiting[priority_of[name]] -= 1
                work.done(db, *name)
                # Those that are begun in one go are begun at one time.
                assert begun <= bound.pop(name)
            begun += room if sum(waiting.values()) else 0
            late = [name for name, by in bound.items() if by < begun - room]
            assert late == [], f"not begun after {begun} beginnings"


def test_who_stands_in_a_line_and_who_does_not_do_not_starve_each_other(writer: Writer) -> None:
    with writer.transaction() as db:
        for number in range(40):
            work.mark_due(db, "post", f"p:{number:02}", START)
        for number in range(20):
            work.park(db, "post", f"p:{number:02}", "slow.example")
        free = work.due(db, START, 100)
        line = work.due(db, START, 100, host="slow.example")
        assert {each.key for each in free} == {f"p:{number:02}" for number in range(20, 40)}
        assert {each.key for each in line} == {f"p:{number:02}" for number in range(20)}
        # Whoever is begun stands in no line any more; a new run knows of none.
        work.begin(db, line[:5], START)
        assert len(work.due(db, START, 100)) == 25
        work.unpark(db)
        assert len(work.due(db, START, 100)) == 40


@pytest.mark.slow
def test_a_year_of_the_whole_service_leaves_nothing_behind(tmp_path: Path) -> None:
    """Feeds once a day, an article, looks again at all they showed, restarts, every kind of weather: at the end
    nothing is overdue, and nothing ever waited an hour for its turn."""
    outcome = run(plan(7, 365, 1), tmp_path / "archive.db", 365, seed=7, every=dt.timedelta(hours=24))
    starved = [each for each in outcome.faults if "due" in each or "in a minute" in each or "told to wait" in each]
    assert starved == []
    assert outcome.restarts > 50
    assert len(outcome.days) == 365
