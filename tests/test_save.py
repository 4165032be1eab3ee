"""A copy elsewhere: the Wayback Machine is asked with the account's keys, and its job followed to the end."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import savepagenow
from archiver.errors import ParseError
from tests.commands import Run
from tests.drive import capture
from tests.simulator.hosts.press import Press
from tests.simulator.world import World

KEYS = {savepagenow.KEYS: "key:secret"}


@pytest.fixture
def page(world: World, home: Path, pytestconfig: pytest.Config) -> str:
    """An article that shows a post, where copies are wanted of both. With `--quick` they are made at once."""
    world.save_polls = 0 if pytestconfig.getoption("quick") else 1
    config = home / "config.toml"
    config.write_text(config.read_text() + "\n[save]\nposts = true\narticles = true\n")
    post = world.post("lamplighter", "The lamp was lit.", dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC))
    link = f"https://x.com/lamplighter/status/{post.id}"
    return Press(world, "news.example").say("/story", f"<p>{link}</p>")


def kept(home: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "archive.db") as db:
        return db.execute(query).fetchall()


def test_posts_and_articles_are_saved_once_and_the_answers_are_kept(
    world: World, home: Path, archiver: Run, page: str
) -> None:
    done = archiver("run", "--once", page, **KEYS)
    saved = {memento.url for memento in world.mementos}
    assert page in saved
    assert any("/status/" in url for url in saved)
    assert done.stderr.count("saved elsewhere url=") == 2
    assert all(request.header("authorization") == "LOW key:secret" for request in asked(world))
    rows = kept(home, "SELECT status, memento FROM copy ORDER BY url")
    assert [row[0] for row in rows] == ["saved", "saved"]
    assert all(str(row[1]).startswith("https://web.archive.org/web/2026") for row in rows)
    # Every answer is a capture; the secret is in none, nor in anything else that is kept.
    assert kept(home, "SELECT count(*) FROM capture WHERE url LIKE 'https://web.archive.org/save%'")[0][0] >= 4
    assert b"key:secret" not in (home / "archive.db").read_bytes()
    assert "key:secret" not in done.stderr
    assert json.loads(archiver("status", "--json").stdout)["copies"] == {"saved": 2}
    before = len(asked(world))
    archiver("run", "--once", page, **KEYS)
    assert len(asked(world)) == before


def asked(world: World) -> list[object]:  # type: ignore[type-arg]
    return [
        each.request for each in world.log if each.request.host == "web.archive.org" and "/save" in each.request.path
    ]


@pytest.mark.slow
def test_what_cannot_be_saved_is_said_and_not_asked_for_again(
    world: World, home: Path, archiver: Run, page: str
) -> None:
    world.unsavable[page] = "error:blocked-url"
    done = archiver("run", "--once", page, **KEYS)
    assert "not saved elsewhere" in done.stderr
    (row,) = kept(home, f"SELECT status, message FROM copy WHERE url = '{page}'")
    assert row[0] == "failed"
    assert "error:blocked-url" in str(row[1])
    assert kept(home, "SELECT * FROM due WHERE kind = 'save'") == []


@pytest.mark.slow
def test_the_accounts_limit_is_waited_for(world: World, home: Path, archiver: Run, page: str) -> None:
    world.unsavable[page] = "error:too-many-daily-captures"
    archiver("run", "--once", page, **KEYS)
    (row,) = kept(home, f"SELECT due_at, tries FROM due WHERE kind = 'save' AND key = '{page}'")
    assert dt.datetime.fromisoformat(str(row[0])) > dt.datetime.now(dt.UTC) + dt.timedelta(hours=5)
    assert row[1] == 0


@pytest.mark.slow
def test_a_job_whose_run_was_ended_is_followed_by_the_next(world: World, home: Path, archiver: Run, page: str) -> None:
    archiver("run", "--once", page, **KEYS)
    before = len(world.jobs)
    job = next(name for name, each in world.jobs.items() if each.url == page)
    with sqlite3.connect(home / "archive.db") as db:
        db.execute("UPDATE copy SET status = NULL, memento = NULL, job = ? WHERE url = ?", (job, page))
        at = "2020-01-01T00:00:00.000000Z"
        db.execute("INSERT INTO due (kind, key, due_at, priority, tries) VALUES ('save', ?, ?, 2, 0)", (page, at))
    db.close()
    archiver("run", "--once", **KEYS)
    assert len(world.jobs) == before, "no second job"
    assert kept(home, f"SELECT status FROM copy WHERE url = '{page}'") == [("saved",)]


def test_wrong_keys_and_none_are_said(world: World, home: Path, archiver: Run, page: str) -> None:
    assert savepagenow.KEYS in archiver("run", "--once", page, expect=2).stderr
    done = archiver("run", "--once", page, INTERNET_ARCHIVE_KEYS="wrong:pair")
    assert "are not accepted (401)" in done.stderr
    assert world.jobs == {}


def test_without_being_asked_to_nothing_is_saved(world: World, home: Path, archiver: Run, page: str) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("= true", "= false"))
    archiver("run", "--once", page, **KEYS)
    assert asked(world) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"url": "https://a.example/", "job_id": "spn2-1"}, savepagenow.Answer(job="spn2-1")),
        ({"status": "pending", "job_id": "spn2-1", "resources": []}, savepagenow.Answer()),
        (
            {"status": "success", "timestamp": "20261122120000", "original_url": "https://a.example/"},
            savepagenow.Answer(memento="https://web.archive.org/web/20261122120000/https://a.example/"),
        ),
        (
            {"message": "You have already reached the limit of active sessions"},
            savepagenow.Answer(problem="You have already reached the limit of active sessions", is_limit=True),
        ),
        (
            {"status": "error", "status_ext": "error:proxy-error", "message": "Try again."},
            savepagenow.Answer(problem="error:proxy-error Try again."),
        ),
    ],
)
def test_answers_are_read(said: dict[str, object], expected: savepagenow.Answer) -> None:
    assert savepagenow.answer(capture(savepagenow.HOME, said)) == expected


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda each: (
            st.dictionaries(
                st.sampled_from(["status", "job_id", "message", "timestamp", "status_ext", "original_url"]) | st.text(),
                each,
                max_size=4,
            )
            | st.lists(each, max_size=2)
        ),
    )
)
def test_any_answer_is_read_or_refused(said: object) -> None:
    try:
        found = savepagenow.answer(capture(savepagenow.HOME, json.dumps(said)))
    except ParseError:
        return
    assert isinstance(found, savepagenow.Answer)
