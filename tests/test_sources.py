"""Feeds and sitemaps as sources: asked conditionally, each article once, what is new first; a bad one is named."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Run
from tests.simulator.exchange import Wire
from tests.simulator.hosts.press import Press, atom, rss, sitemap
from tests.simulator.world import World

Source = Callable[..., None]


@pytest.fixture
def press(world: World) -> Press:
    return Press(world, "news.example")


@pytest.fixture
def source(home: Path) -> Source:
    def add(path: str, **keys: str) -> None:
        said = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        with (home / "config.toml").open("a") as config:
            config.write(f'\n[[sources]]\nlabel = "desk"\npaths = ["https://news.example{path}"]\nevery = "1s"\n{said}')

    return add


def story(world: World, press: Press, number: int) -> str:
    """An article that shows a post of its own."""
    post = world.post(
        f"writer{number}", f"The lamp number {number} was lit.", dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC)
    )
    link = f"https://twitter.com/writer{number}/status/{post.id}"
    return press.say(
        f"/story/{number}",
        f'<html><body><blockquote class="twitter-tweet"><a href="{link}">May 2</a></blockquote></body></html>',
    )


def once(archiver: Run, expect: int = 0) -> dict[str, object]:
    report: dict[str, object] = json.loads(archiver("run", "--once", "--json", expect=expect).stdout)
    return report


def status(archiver: Run) -> dict[str, object]:
    found: dict[str, object] = json.loads(archiver("status", "--json").stdout)
    return found


@pytest.mark.parametrize("make", [rss, atom, sitemap])
def test_what_a_feed_lists_is_archived_once_and_a_feed_that_did_not_change_is_not_sent_again(
    world: World, press: Press, archiver: Run, source: Source, make: Callable[..., str]
) -> None:
    # Declared as a page, whatever it is: the bytes decide.
    press.say("/latest", make([(story(world, press, number), world.clock.now) for number in (1, 2)]))
    source("/latest")
    first = once(archiver)
    assert (first["states"], first["pages"]) == ({"archived": 2}, {"read": 1, "unchanged": 0, "failed": 0})
    second = once(archiver)
    assert second["pages"] == {"read": 0, "unchanged": 1, "failed": 0}
    assert press.asked[-1] == ("/latest", 304)
    press.say("/latest", make([(story(world, press, number), world.clock.now) for number in (1, 2, 3)]))
    third = once(archiver)
    assert third["listed"] == {"new": 1, "failed": 0}
    assert [press.count(f"/story/{number}") for number in (1, 2, 3)] == [1, 1, 1]
    assert status(archiver)["states"] == {"archived": 3}


@pytest.mark.parametrize("validators", [("etag",), ("last-modified",), ()])
def test_either_validator_does_and_without_one_nothing_is_read_twice(
    world: World, archiver: Run, source: Source, validators: tuple[str, ...]
) -> None:
    press = Press(world, "news.example", validators=validators)
    press.say("/feed", rss([(story(world, press, 1), world.clock.now)]))
    source("/feed")
    once(archiver)
    assert once(archiver)["listed"] == {"new": 0, "failed": 0}
    assert press.asked[-1][1] == (304 if validators else 200)
    assert press.count("/story/1") == 1


def test_an_article_is_read_again_when_its_last_change_is_another(
    world: World, press: Press, archiver: Run, source: Source
) -> None:
    url, at = story(world, press, 1), world.clock.now
    press.say("/sitemap.xml", sitemap([(url, at)]))
    source("/sitemap.xml")
    once(archiver)
    press.say("/sitemap.xml", sitemap([(url, at + dt.timedelta(minutes=3))]))
    assert once(archiver)["listed"] == {"new": 1, "failed": 0}
    assert press.count("/story/1") == 2


def test_a_sitemap_index_is_followed_and_only_changed_sitemaps_are_asked_for(
    world: World, press: Press, archiver: Run, source: Source
) -> None:
    at = world.clock.now
    press.say("/may.xml.gz", gzip.compress(sitemap([(story(world, press, 1), None)]).encode()), "application/gzip")
    press.say("/june.xml", sitemap([(story(world, press, 2), None)]))
    parts = [(press.url("/may.xml.gz"), at), (press.url("/june.xml"), at)]
    press.say("/index.xml", sitemap(parts, element="sitemap"))
    source("/index.xml")
    assert once(archiver)["states"] == {"archived": 2}
    press.say("/june.xml", sitemap([(press.url("/story/2"), None), (story(world, press, 3), None)]))
    press.say("/index.xml", sitemap([parts[0], (parts[1][0], at + dt.timedelta(hours=1))], element="sitemap"))
    assert once(archiver)["listed"] == {"new": 1, "failed": 0}
    assert (press.count("/may.xml.gz"), press.count("/june.xml")) == (1, 2)
    assert [press.count(f"/story/{number}") for number in (1, 2, 3)] == [1, 1, 1]


def test_sitemaps_of_an_index_without_dates_are_asked_though_the_index_is_the_same(
    world: World, press: Press, archiver: Run, source: Source
) -> None:
    press.say("/may.xml", sitemap([(story(world, press, 1), None)]))
    press.say("/index.xml", sitemap([(press.url("/may.xml"), None)], element="sitemap"))
    source("/index.xml")
    once(archiver)
    press.say("/may.xml", sitemap([(press.url("/story/1"), None), (story(world, press, 2), None)]))
    report = once(archiver)
    assert (report["pages"], report["listed"]) == ({"read": 1, "unchanged": 1, "failed": 0}, {"new": 1, "failed": 0})


def test_what_was_just_published_comes_before_the_backlog(
    world: World, press: Press, archiver: Run, source: Source, home: Path
) -> None:
    """One thing at a time, so that the order in which articles are asked for is the order of the queue."""
    now = dt.datetime.now(dt.UTC)
    old = [(story(world, press, number), now - dt.timedelta(days=100)) for number in range(60)]
    press.say("/all.xml", sitemap([*old, (story(world, press, 777), now - dt.timedelta(hours=1))], is_news=True))
    source("/all.xml")
    config = home / "config.toml"
    config.write_text(config.read_text() + '\n[hosts."news.example"]\nconnections = 1\n')
    once(archiver)
    stories = [path for path, _ in press.asked if path.startswith("/story")]
    assert stories.index("/story/777") == 0
    # Of posts too: the news is captured before the last of the backlog.
    with sqlite3.connect(home / "archive.db") as db:
        seen = [
            row[0]
            for row in db.execute("SELECT handle FROM post JOIN snapshot ON snapshot.post = post.id ORDER BY taken_at")
        ]
        (published,) = db.execute("SELECT published_at FROM article WHERE location LIKE '%/777'").fetchone()
    assert seen.index("writer777") < 20
    assert len(seen) == 61
    assert published[:16] == f"{now - dt.timedelta(hours=1):%Y-%m-%dT%H:%M}"


def test_since_leaves_older_articles_alone(world: World, press: Press, archiver: Run, source: Source) -> None:
    now = dt.datetime.now(dt.UTC)
    items = [(story(world, press, 1), now - dt.timedelta(days=40)), (story(world, press, 2), now)]
    press.say("/feed", rss([*items, (story(world, press, 3), None)]))
    source("/feed", since="30d")
    assert once(archiver)["listed"] == {"new": 2, "failed": 0}
    assert press.count("/story/1") == 0


BAD = {
    "an HTML page": "<!DOCTYPE html><html><body>We are down for maintenance.</body></html>",
    "cut short": rss([("https://news.example/story/2", None)])[:-40],
    "entities of its own": '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]><rss><channel></channel></rss>',
    "something else": "\x00\x01\x02 noise",
}


@pytest.mark.parametrize("said", BAD)
def test_a_feed_that_turns_bad_is_named_and_counted_and_read_when_it_is_good_again(
    world: World, press: Press, archiver: Run, source: Source, said: str
) -> None:
    good = rss([(story(world, press, 1), None)])
    press.say("/feed", good)
    source("/feed")
    once(archiver)
    press.say("/feed", BAD[said])
    once(archiver, expect=2)
    done = archiver("run", "--once", expect=2)
    assert "https://news.example/feed" in done.stdout
    assert said in done.stdout
    (failing,) = status(archiver)["sources"]["failing"]  # type: ignore[index]
    assert (failing["source"], failing["failures"]) == ("desk", 2)
    assert said in failing["error"]
    text = archiver("status").stdout
    assert "desk: failed 2 times" in text
    press.say("/feed", rss([(press.url("/story/1"), None), (story(world, press, 2), None)]))
    assert once(archiver)["listed"] == {"new": 1, "failed": 0}
    assert status(archiver)["sources"]["failing"] == []  # type: ignore[index]


def test_a_stated_kind_makes_a_page_a_failure_at_the_first_look(press: Press, archiver: Run, source: Source) -> None:
    press.say("/feed", BAD["an HTML page"])
    source("/feed", kind="feed")
    assert "is stated to be a feed, and answers with an HTML page" in archiver("run", "--once", expect=2).stdout


def test_an_endless_feed_is_refused(world: World, press: Press, archiver: Run, source: Source) -> None:
    press.say("/feed", gzip.compress(b"<rss><channel>" + b" " * 100_000_000, 9), "application/gzip")
    source("/feed")
    assert "more than 52428800 bytes" in archiver("run", "--once", expect=2).stdout


def test_an_articles_own_address_is_a_source(world: World, press: Press, archiver: Run, source: Source) -> None:
    story(world, press, 1)
    source("/story/1")
    assert once(archiver)["states"] == {"archived": 1}
    assert once(archiver)["pages"] == {"read": 0, "unchanged": 1, "failed": 0}


def test_articles_in_a_data_set_and_a_web_archive_at_an_address_are_read(
    world: World, press: Press, archiver: Run, source: Source, home: Path
) -> None:
    rows = [
        {"url": f"https://old.example/{n}", "text": press._pages[f"/story/{n}"][0].decode()}
        for n in (1, 2)
        if story(world, press, n)
    ]
    press.say("/rows", "\n".join(map(json.dumps, rows)) + "\n", "text/plain")
    source("/rows")
    assert once(archiver)["states"] == {"archived": 2}
    story(world, press, 3)
    archiver("run", "--once", "--record", "made.warc.gz", "https://news.example/story/3", "--archive", "other.db")
    press.say("/made", (home / "made.warc.gz").read_bytes(), "application/octet-stream")
    assert "news.example/story/3" in archiver("run", "--once", "--log", "json", "https://news.example/made").stderr


def test_an_article_that_is_not_there_is_said_once_and_one_that_fails_is_tried_again(
    world: World, press: Press, archiver: Run, source: Source, home: Path
) -> None:
    world.trouble("news.example", status=503, path="^/busy")
    press.say("/feed", rss([(press.url("/gone"), None), (press.url("/broken"), None)]))
    world.trouble("news.example", status=500, path="^/broken", times=1)
    source("/feed")
    report = once(archiver, expect=2)
    assert report["listed"] == {"new": 2, "failed": 2}
    with sqlite3.connect(home / "archive.db") as db:
        waiting = db.execute("SELECT key, reason FROM due WHERE kind = 'article'").fetchall()
    assert waiting == [(press.url("/broken"), "article not read")]
    assert status(archiver)["sources"]["listed"] == {"articles": 2, "read": 0, "failed": 2}  # type: ignore[index]


def test_a_host_that_fails_is_named_until_it_answers(world: World, press: Press, archiver: Run, source: Source) -> None:
    story(world, press, 1)
    world.trouble("news.example", wire=Wire.DROPPED, times=2)
    source("/story/1")
    once(archiver, expect=2)
    (failing,) = status(archiver)["failing_hosts"]  # type: ignore[misc]
    assert (failing["host"], failing["failures"]) == ("news.example", 1)
    assert "news.example: failed once" in archiver("status").stdout
    world.troubles.clear()
    once(archiver)
    assert status(archiver)["failing_hosts"] == []


def test_files_that_did_not_change_are_not_read_again(tmp_path: Path) -> None:
    from archiver import articles

    first, second = tmp_path / "a.txt", tmp_path / "b.jsonl"
    first.write_text("one")
    second.write_text('{"text": "two"}\n{"text": "three"}\n')
    seen: dict[str, tuple[int, int, int]] = {}

    def read(*paths: str) -> list[str]:
        return [getattr(each, "location", str(each)).rpartition("/")[2] for each in articles.read(paths, seen=seen)]

    assert read(str(tmp_path)) == ["a.txt", "b.jsonl#L1", "b.jsonl#L2"]
    assert read(str(tmp_path), f"{tmp_path}/*.txt") == []
    first.write_text("another")
    assert read(str(tmp_path)) == ["a.txt"]
    # Left before its end, it was not read whole.
    second.write_text('{"text": "two"}\n{"text": "four"}\n')
    next(articles.read([str(second)], seen=seen))
    assert read(str(second)) == ["b.jsonl#L1", "b.jsonl#L2"]
    assert read(f"{tmp_path}/none/*.txt") == [], "a watched pattern may be empty"
    assert "there is no such file" in read(str(tmp_path / "missing"))[0]


def test_a_watched_file_that_is_missing_is_counted_until_it_is_there(home: Path, archiver: Run) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + '\n[[sources]]\nlabel = "desk"\npaths = ["late.txt", "empty"]\n')
    (home / "empty").mkdir()
    archiver("run", "--once", expect=2)
    archiver("run", "--once", expect=2)
    (failing,) = status(archiver)["sources"]["failing"]  # type: ignore[index]
    assert (failing["source"], failing["failures"]) == ("desk", 2)
    assert "late.txt: there is no such file" in failing["error"]
    (home / "late.txt").write_text("Here it is.")
    once(archiver)
    assert status(archiver)["sources"]["failing"] == []  # type: ignore[index]


def test_two_archives_know_together_what_their_feeds_listed(
    world: World, press: Press, archiver: Run, source: Source
) -> None:
    press.say("/feed", rss([(story(world, press, 1), None)]))
    source("/feed")
    once(archiver)
    archiver("backup", "copy.db")
    archiver("merge", "archive.db", "copy.db", "--out", "both.db")
    archiver("run", "--once", "--archive", "both.db")
    assert press.count("/story/1") == 1
