"""`archiver run` as a service: ticks mark work due, workers do it, SIGTERM finishes what is under way."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands import Run, environment
from tests.simulator.world import World, photo


@pytest.fixture
def service(home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "archiver", "run", "--json"],
            cwd=home,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def inbox(home: Path, world: World) -> Path:
    folder = home / "in"
    folder.mkdir()
    with (home / "config.toml").open("a") as config:
        config.write('\n[[sources]]\nlabel = "inbox"\npaths = ["in"]\nevery = "1s"\n')
    show(world, folder / "first.txt", "The first lamp was lit at noon.", "lamplighter")
    return folder


def show(world: World, article: Path, text: str, handle: str) -> str:
    post = world.post(handle, text, dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC), [photo(320, 200)])
    code = post.media[0].code if hasattr(post.media[0], "code") else ""
    article.write_text(f"https://x.com/{handle}/status/{post.id} {code}\n")
    return str(post.id)


def until(archiver: Run, states: dict[str, int], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    seen = None
    while time.monotonic() < deadline:
        done = archiver("status", "--json", expect=None)
        if done.returncode == 0:
            seen = json.loads(done.stdout)["states"]
            if seen == states:
                return
        time.sleep(0.3)
    raise AssertionError(f"still {seen} after {seconds} s, not {states}")


def test_the_service_takes_in_what_appears_and_stops_when_told(
    service: Callable[[], subprocess.Popen[str]], inbox: Path, world: World, archiver: Run
) -> None:
    child = service()
    until(archiver, {"archived": 1})
    show(world, inbox / "second.txt", "The second lamp was lit at one.", "lamplighter2")
    until(archiver, {"archived": 2})
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=40)
    assert child.returncode == 0, err
    assert json.loads(out)["states"] == {"archived": 2}
    assert "Traceback" not in err
    assert "stopping" in err


def test_a_second_service_is_told_who_holds_the_archive(
    service: Callable[[], subprocess.Popen[str]], inbox: Path, archiver: Run
) -> None:
    child = service()
    until(archiver, {"archived": 1})
    done = archiver("run", "--once", "in/first.txt", expect=4)
    assert f"pid {child.pid}" in done.stderr


def test_a_killed_service_is_replaced_at_once(
    service: Callable[[], subprocess.Popen[str]], inbox: Path, world: World, archiver: Run
) -> None:
    child = service()
    until(archiver, {"archived": 1})
    child.kill()
    child.wait()
    show(world, inbox / "second.txt", "The second lamp was lit at one.", "lamplighter2")
    service()
    until(archiver, {"archived": 2})


def test_a_service_without_sources_says_what_to_do(home: Path, archiver: Run) -> None:
    done = archiver("run", expect=2)
    assert "[[sources]]" in done.stderr
    assert "--once" in done.stderr


def test_a_back_up_is_whole_and_replaces_nothing(
    service: Callable[[], subprocess.Popen[str]], inbox: Path, home: Path, archiver: Run
) -> None:
    service()
    until(archiver, {"archived": 1})
    archiver("backup", "copy.db")
    assert "sound" in archiver("verify", "copy.db").stdout
    assert json.loads(archiver("status", "--json", "--archive", "copy.db").stdout)["states"] == {"archived": 1}
    archiver("backup", "copy.db", expect=2)
