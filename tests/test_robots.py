"""A site's own wish for slowness: read where that is chosen, kept in the archive, bounded."""

from __future__ import annotations

import datetime as dt
import itertools
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import robots
from tests.commands import Run
from tests.simulator.hosts.press import Press, rss
from tests.simulator.world import World


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 10\n", 10),
        ("User-agent: *\nDisallow: /private\nCrawl-delay: 2.5\n", 3),
        ("User-agent: *\r\ncrawl-delay : 4.0\r\n", 4),
        ("User-agent: archiver\nCrawl-delay: 7\n\nUser-agent: *\nCrawl-delay: 2\n", 7),
        ("User-agent: otherbot\nCrawl-delay: 7\n", None),
        ("User-agent: *\nCrawl-delay: 86400\n", robots.LONGEST),
        ("User-agent: *\nCrawl-delay: soon\n", None),
        ("User-agent: *\nCrawl-delay: 0\n", None),
        ("User-agent: *\nCrawl-delay: -5\n", None),
        ("<html>Not found</html>", None),
        ("", None),
    ],
)
def test_the_delay_is_read(text: str, seconds: float | None) -> None:
    assert robots.delay(text.encode()) == seconds
    assert robots.delay(b"\xef\xbb\xbf" + text.encode()) == seconds


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f"User-agent: *\nCrawl-delay: {text}".encode()))
def test_any_robots_txt_asks_for_a_bearable_delay_or_none(content: bytes) -> None:
    found = robots.delay(content)
    assert found is None or 0 < found <= robots.LONGEST


def test_one_counts_for_each_scheme_host_and_port() -> None:
    assert robots.address("https://joe:pw@news.example:8443/a/b?c=d") == "https://news.example:8443/robots.txt"


@pytest.fixture
def press(world: World, home: Path) -> Press:
    press = Press(world, "news.example")
    press.say("/robots.txt", "User-agent: *\nCrawl-delay: 1\n", "text/plain")
    press.say("/feed", rss([(press.say(f"/story/{number}", f"<p>Story {number}</p>"), None) for number in range(3)]))
    config = home / "config.toml"
    config.write_text(
        config.read_text() + '\n[[sources]]\nlabel = "desk"\npaths = ["https://news.example/feed"]\nevery = "1h"\n'
    )
    return press


def starts(home: Path) -> list[float]:
    with sqlite3.connect(home / "archive.db") as db:
        rows = db.execute("SELECT started_at FROM capture WHERE url LIKE '%news.example%'").fetchall()
    return sorted(dt.datetime.fromisoformat(row[0]).timestamp() for row in rows)


@pytest.mark.slow
def test_a_chosen_delay_is_kept_also_by_the_next_run(press: Press, home: Path, archiver: Run) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("[fetch]", "[fetch]\ncrawl_delay = true", 1))
    done = archiver("run", "--once")
    assert "robots read url=https://news.example/robots.txt delay=1.0" in done.stderr
    archiver("run", "--once")
    assert press.count("/robots.txt") == 1, "read once a day, and kept"
    assert [press.count(f"/story/{number}") for number in range(3)] == [1, 1, 1]
    found = starts(home)
    assert len(found) == 6
    assert min(later - earlier for earlier, later in itertools.pairwise(found)) > 0.95


def test_without_the_choice_no_robots_txt_is_read(press: Press, archiver: Run) -> None:
    archiver("run", "--once")
    assert press.count("/robots.txt") == 0


def test_a_site_without_one_is_read_all_the_same(press: Press, world: World, home: Path, archiver: Run) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("[fetch]", "[fetch]\ncrawl_delay = true", 1))
    world.trouble("news.example", status=500, path="^/robots")
    archiver("run", "--once")
    assert [press.count(f"/story/{number}") for number in range(3)] == [1, 1, 1]
