"""The whole path, through the real command, against the simulated web over TLS: articles in, posts and media kept."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.store import check, connect_to_read
from tests.commands import Run, environment
from tests.simulator.founding import founding, texts
from tests.simulator.serve import Web
from tests.simulator.world import World, photo


def looked_up(archiver: Run, *query: str) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = json.loads(archiver("lookup", "--json", *query).stdout)["posts"]
    return posts


def adds_up(report: dict[str, Any]) -> bool:
    return bool(
        sum(report["states"].values()) == report["embeds"]
        and all(sum(report["reasons"][state].values()) == count for state, count in report["states"].items())
    )


# --- the article this project began with ----------------------------------------------------------------------------


@pytest.fixture
def article(shared: Path, home: Path) -> Path:
    path = home / "000_cdd135c30a0d5811.txt"
    path.write_bytes((shared / "articles" / path.name).read_bytes())
    return path


def test_the_article_this_project_began_with(article: Path, world: World, archiver: Run) -> None:
    text = article.read_text(encoding="utf-8")
    posts = founding(world, *texts(text))
    report = json.loads(archiver("run", "--once", "--json", article.name).stdout)
    assert (report["articles"], report["embeds"], report["states"]) == (1, 2, {"archived": 2})
    assert adds_up(report)

    for query in (
        "fwutN0Bakg",
        "@NOELreports",
        "taken by a driver trying to leave shows dead Russian soldiers and",
        article.name,
    ):
        found = {post["id"]: post for post in looked_up(archiver, query)}
        assert posts.noel.id in found, query
    noel, anton = (looked_up(archiver, each.id)[0] for each in (posts.noel, posts.anton))
    assert [media["sha256"] for media in noel["media"] if media["kind"] != "poster"] == [
        hashlib.sha256(posts.noel.media[0].best.bytes()).hexdigest()
    ]
    assert [media["type"] for media in noel["media"]] == ["video/mp4", "image/jpeg"], "the film and its still"
    assert [media["sha256"] for media in anton["media"]] == [hashlib.sha256(posts.anton.media[0].bytes()).hexdigest()]

    # The outbound link inside the second post is neither the post nor its media.
    (shown,) = anton["articles"]
    assert shown["codes"] == ["KF0irzUiL7", "Axt42DqdzE"]
    assert all("news" not in media["url"] for media in anton["media"])

    # Its text spans two paragraphs with blank lines between: known exactly once the post itself is.
    span = shown["corroboration"]["span"]
    quoted = text[span["start"] : span["end"]]
    assert quoted.startswith("Putin met with Belousov")
    assert quoted.endswith("once more sitting far away from his subordinates.")
    assert shown["corroboration"]["fields"]["text"]["verdict"] == "corroborated"


# --- a small world --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(world: World, home: Path) -> dict[str, Any]:
    """Two posts, one of them deleted but archived; one claim that leads nowhere; articles that show them."""
    at = dt.datetime(2026, 3, 1, 6, 42, tzinfo=dt.UTC)
    crane = world.post(
        "porthavenlive", "Crane four has come down across the ferry berth.", at, [photo()], code="Kq3vTn81Lb"
    )
    gone = world.post(
        "delta_dispatch", "Third night in a row that lorries cross the bridge.", at, [photo(640, 480, "png")]
    )
    (home / "a.html").write_text(
        f'<article><blockquote class="twitter-tweet"><p>Crane four has come down across the ferry berth.</p>&mdash; '
        f'Porthaven Live (@porthavenlive) <a href="https://twitter.com/porthavenlive/status/{crane.id}">March 1, 2026'
        f"</a></blockquote><p>And <a href='https://x.com/delta_dispatch/status/{gone.id}'>another</a>.</p></article>"
    )
    (home / "b.txt").write_text("It was me and I would do it again. — Somebody (@chapeldoor_1871) May 2, 2026\n")
    return {"crane": crane, "gone": gone}


def test_running_twice_does_no_work_twice(small: dict[str, Any], world: World, archiver: Run, home: Path) -> None:
    first = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert first["states"] == {"archived": 2}
    asked = len(world.log)
    blobs = json.loads(archiver("status", "--json").stdout)["blobs"]
    second = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert second["states"] == {"archived": 2}
    assert len(world.log) == asked
    assert json.loads(archiver("status", "--json").stdout)["blobs"] == blobs


def test_without_a_network_nothing_is_lost_and_a_later_run_completes(
    small: dict[str, Any], home: Path, archiver: Run, web: Web
) -> None:
    live = (home / "config.toml").read_text()
    (home / "config.toml").write_text(
        live.replace(f'"127.0.0.1:{web.port}"', '"127.0.0.1:9"').replace(str(web.port), "9")
    )
    report = json.loads(archiver("run", "--once", "--json", "a.html", "b.txt").stdout)
    assert report["states"] == {"pending": 3}
    assert report["reasons"] == {"pending": {"unreachable": 3}}
    assert report["silent_hosts"]
    (home / "config.toml").write_text(live)
    report = json.loads(archiver("run", "--once", "--json", "a.html", "b.txt").stdout)
    assert report["states"] == {"archived": 2, "unresolved": 1}
    assert adds_up(report)


def test_a_deleted_post_is_recovered_from_the_archive(small: dict[str, Any], world: World, archiver: Run) -> None:
    seen_at = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
    world.archive(small["gone"], seen_at)
    world.archive_media(small["gone"], seen_at)
    world.delete(small["gone"])
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}
    (post,) = looked_up(archiver, small["gone"].id)
    assert [snapshot["source"] for snapshot in post["snapshots"]] == ["wayback"]
    assert post["live"]["outcome"] in ("gone", "absent")
    assert post["snapshots"][0]["observed_at"].startswith("2026-03-02T05:00:00")
    assert [media["sha256"] for media in post["media"]] == [hashlib.sha256(small["gone"].media[0].bytes()).hexdigest()]


def test_verify_and_exports_of_a_real_run(small: dict[str, Any], archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html", "b.txt")
    assert "sound" in archiver("verify").stdout
    lines = [json.loads(line) for line in archiver("export", "jsonl").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["about", "post", "post"]
    archiver("export", "prov-json", "--out", "record.json", "--post", small["crane"].id)
    assert len(json.loads((home / "record.json").read_text())["bundle"]) == 1
    again = archiver("export", "jsonl").stdout
    assert [json.loads(line) for line in again.splitlines()] == lines


def test_a_replay_never_passes_for_an_observation_made_now(small: dict[str, Any], archiver: Run, world: World) -> None:
    archiver("run", "--once", "--record", "web.warc.gz", "--archive", "live.db", "a.html")
    asked = len(world.log)
    archiver("run", "--once", "--replay", "web.warc.gz", "--archive", "replayed.db", "a.html")
    assert len(world.log) == asked, "a replay asks nobody"
    live = json.loads(archiver("lookup", "--json", "--archive", "live.db", small["crane"].id).stdout)["posts"][0]
    again = json.loads(archiver("lookup", "--json", "--archive", "replayed.db", small["crane"].id).stdout)["posts"][0]
    assert {each["origin"] for each in live["captures"]} == {"live"}
    assert {each["origin"] for each in again["captures"]} == {"replay"}
    assert [each["sha256"] for each in again["media"]] == [each["sha256"] for each in live["media"]]
    assert [each["taken_at"][:19] for each in again["snapshots"]] == [
        each["taken_at"][:19] for each in live["snapshots"]
    ]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(small: dict[str, Any], world: World, archiver: Run, home: Path) -> None:
    """Killed at many points; nothing acknowledged is asked for again, nothing is lost, and it ends as it would have."""
    for turn in range(12):
        child = subprocess.Popen(
            [sys.executable, "-m", "archiver", "run", "--once", "a.html", "b.txt"],
            cwd=home, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stderr is not None
        for _ in range(turn):
            child.stderr.readline()
        child.kill()
        child.communicate()
    report = json.loads(archiver("run", "--once", "--json", "a.html", "b.txt").stdout)
    assert report["states"] == {"archived": 2, "unresolved": 1}
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        assert list(check.damages(db)) == []
        twice = db.execute(
            "SELECT platform, post, source, count(*) FROM snapshot GROUP BY 1, 2, 3 HAVING count(*) > 1"
        ).fetchall()
        assert [tuple(row) for row in twice] == []


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 9), "binary"),
        (lambda path: path.write_bytes(b""), "is empty"),
        pytest.param(lambda path: path.write_bytes(b"All is well. " * 16_000_000), "too large", marks=pytest.mark.slow),
        (lambda path: path.mkdir(), "holds no articles"),
        (lambda path: None, "No such file"),
    ],
    ids=["binary", "empty", "200 MB", "an empty folder", "missing"],
)
def test_a_bad_article_gets_a_sentence_and_the_others_go_on(
    small: dict[str, Any], archiver: Run, home: Path, make: Callable[[Path], object], says: str
) -> None:
    make(home / "bad.html")
    done = archiver("run", "--once", "--json", "bad.html", "b.txt", expect=2)
    report = json.loads(done.stdout)
    assert report["articles"] == 1
    (said,) = report["refused"]
    assert says.lower() in said.lower()
    assert "bad.html" in said
    extracted = archiver("extract", "--json", "bad.html", "b.txt", expect=2)
    assert len(extracted.stdout.splitlines()) == 1
    assert "bad.html" in extracted.stderr


@pytest.mark.parametrize(
    "command", [["run", "--once", "b.txt"], ["lookup", "x"], ["verify"], ["status"], ["export", "jsonl"]]
)
def test_a_foreign_archive_gets_a_sentence_and_is_left_alone(
    small: dict[str, Any], archiver: Run, home: Path, command: list[str]
) -> None:
    (home / "archive.db").write_bytes(b"not a database at all" * 99)
    done = archiver(*command, expect=3)
    assert done.stderr.count("\n") == 1
    assert "archive.db" in done.stderr
    assert (home / "archive.db").read_bytes() == b"not a database at all" * 99


def test_a_full_disk_gets_a_sentence_and_is_recovered_from(small: dict[str, Any], archiver: Run, home: Path) -> None:
    """The limit on a file's size stands in for the disk's: the same error comes from the same write."""
    archiver("run", "--once", "b.txt")
    size = (home / "archive.db").stat().st_size
    script = f"ulimit -f {(size + 65536) // 1024}; exec {sys.executable} -m archiver run --once --quiet a.html"
    done = subprocess.run(
        ["bash", "-c", script], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 5, (done.returncode, done.stdout, done.stderr)
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}
    assert "sound" in archiver("verify").stdout


def test_a_relay_that_the_configuration_leaves_out_is_asked_for_nothing(
    world: World, archiver: Run, home: Path
) -> None:
    text = "The bridge over the river is closed until further notice, says the harbour."
    post = world.post("reporter", text, created_at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))
    world.archive(post, world.clock.now, "shell")
    world.restrict(post, world.clock.now)
    (home / "article.txt").write_text(f"{text} — A Reporter (@reporter) March 1, 2026\n")
    config = home / "config.toml"
    config.write_text(config.read_text() + '[platforms.twitter]\nsources = ["syndication", "wayback"]\n')
    report = json.loads(archiver("run", "--once", "--json", "article.txt").stdout)
    assert report["states"] == {"unresolved": 1}
    assert not [line for line in world.log if line.request.host == "api.fxtwitter.com"]


def test_lookup_says_found_or_not_by_its_exit_code(small: dict[str, Any], archiver: Run) -> None:
    archiver("run", "--once", "a.html")
    archiver("lookup", "porthavenlive/status/" + small["crane"].id, expect=1)  # no URL of a post
    archiver("lookup", "https://twitter.com/whoever/status/" + small["crane"].id + "?s=20")
    archiver("lookup", "nothing like this was ever posted", expect=1)
    archiver("lookup", expect=2)


def test_lookup_loads_nothing_heavy(small: dict[str, Any], archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html")
    script = (
        "import sys; from archiver.cli import main; code = main(sys.argv[1:]);"
        "heavy = {'httpx', 'bs4', 'sqlite_utils', 'apscheduler', 'rich', 'numpy', 'selectolax', 'warcio'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    for query in (small["crane"].id, "@porthavenlive", "ferry berth", f"https://x.com/i/status/{small['crane'].id}"):
        done = subprocess.run(
            [sys.executable, "-c", script, "lookup", query],
            cwd=home, capture_output=True, text=True, timeout=60,
            env=environment(home),
        )  # fmt: skip
        assert (done.returncode, done.stderr.strip()) == (0, "[]"), query


def test_ctrl_c_ends_the_run_with_its_report_and_the_next_one_goes_on(
    small: dict[str, Any], world: World, archiver: Run, home: Path
) -> None:
    world.trouble("cdn.syndication.twimg.com", delay=1.5)
    child = subprocess.Popen(
        [sys.executable, "-m", "archiver", "run", "--once", "--json", "a.html"],
        cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    assert any("embed resolved" in line for line in child.stderr), "it ended before it was interrupted"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=40)
    assert child.returncode == 130, err
    assert adds_up(json.loads(out)), "a run that was stopped still accounts for every embed"
    assert "run again to go on" in err
    world.calm()
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}


def test_an_example_and_a_real_archive_are_never_mixed(small: dict[str, Any], archiver: Run, home: Path) -> None:
    live = (home / "config.toml").read_text()
    (home / "example.toml").write_text("example = true\n" + live)
    archiver("run", "--once", "--config", "example.toml", "a.html")
    done = archiver("run", "--once", "a.html", expect=3)
    assert "bundled example" in done.stderr
    assert "--archive" in done.stderr, "it says how to begin a real one"
    archiver("run", "--once", "--archive", "real.db", "a.html")
    archiver("run", "--once", "--archive", "real.db", "--config", "example.toml", "a.html", expect=3)
