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
        done = archiver("status", "--json", "--archive", "archive.db", expect=None)
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
    assert f"pid {child.pid}" in archiver("run", expect=4).stderr
    assert child.poll() is None, "and the first goes on"


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


def said(child: subprocess.Popen[str], phrase: str, seconds: float = 30) -> dict[str, object]:
    """The next event of that phrase in the log of a service started with --log json."""
    assert child.stderr is not None
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        line = child.stderr.readline()
        if not line:
            break
        event: dict[str, object] = json.loads(line)
        if event["event"] == phrase:
            return event
    raise AssertionError(f"no {phrase!r} in {seconds} s")


@pytest.fixture
def logging_service(home: Path, inbox: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "archiver", "run", "--log", "json"],
        cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield child
    child.kill()
    child.communicate()


@pytest.mark.slow
def test_what_is_added_while_a_service_runs_is_archived_by_it(
    logging_service: subprocess.Popen[str], world: World, home: Path, archiver: Run
) -> None:
    until(archiver, {"archived": 1})
    show(world, home / "aside.txt", "The second lamp was lit at one.", "lamplighter2")
    page = world.post("lamplighter3", "The third lamp.", dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC))
    world.page("https://news.example/third", f"<p>https://x.com/lamplighter3/status/{page.id}</p>")
    done = archiver("add", "aside.txt", "https://news.example/third")
    assert f"pid {logging_service.pid}" in done.stdout
    until(archiver, {"archived": 3})
    assert json.loads(archiver("status", "--json").stdout)["added"] == 0


def test_what_is_added_without_a_service_waits_for_the_next_run(home: Path, world: World, archiver: Run) -> None:
    show(world, home / "aside.txt", "The second lamp was lit at one.", "lamplighter2")
    done = archiver("add", "aside.txt", "missing.txt", "http://", expect=2)
    assert "the next `archiver run` takes it up" in done.stdout
    assert "missing.txt: there is no such file" in done.stderr
    assert "is no address" in done.stderr
    archiver("run", "--once", "--replay", "/dev/null", expect=2)
    report = json.loads(archiver("run", "--once", "--json").stdout)
    assert report["states"] == {"archived": 1}
    assert list((home / "archive.db.inbox").iterdir()) == []


def test_a_note_that_nobody_could_have_left_is_named_and_cleared(home: Path, archiver: Run) -> None:
    inbox = home / "archive.db.inbox"
    inbox.mkdir()
    (inbox / "a.json").write_text("[")
    (inbox / "b.json").write_text('{"inputs": [3]}')
    (inbox / ".half-written.json").write_text("{")
    done = archiver("run", "--once", expect=2)
    assert "a.json: is no note" in done.stdout
    assert "b.json: is no note" in done.stdout
    assert [each.name for each in inbox.iterdir()] == [".half-written.json"]


@pytest.mark.slow
def test_a_hang_up_reads_the_configuration_again(
    logging_service: subprocess.Popen[str], world: World, home: Path, archiver: Run
) -> None:
    config = home / "config.toml"
    good = config.read_text()
    until(archiver, {"archived": 1})
    config.write_text(good.replace("[[sources]]", "[[sources"))
    logging_service.send_signal(signal.SIGHUP)
    refused = said(logging_service, "configuration refused")
    assert "config.toml" in str(refused["error"])
    config.write_text(good.replace('every = "1s"', 'evry = "1s"'))
    logging_service.send_signal(signal.SIGHUP)
    assert "did you mean sources[1].every" in str(said(logging_service, "configuration refused")["error"])
    # The old one goes on.
    show(world, home / "in" / "second.txt", "The second lamp was lit at one.", "lamplighter2")
    until(archiver, {"archived": 2})
    (home / "other").mkdir()
    show(world, home / "other" / "third.txt", "The third lamp was lit at two.", "lamplighter3")
    config.write_text(
        good.replace('"inbox"', '"other"').replace('["in"]', '["other"]').replace('timeout = "10s"', 'timeout = "9s"')
    )
    logging_service.send_signal(signal.SIGHUP)
    read = said(logging_service, "configuration read")
    assert (read["added"], read["removed"], read["after a restart"]) == ("other", "inbox", "fetch")
    until(archiver, {"archived": 3})
    show(world, home / "in" / "fourth.txt", "Nobody reads this folder any more.", "lamplighter4")
    time.sleep(2.5)
    logging_service.send_signal(signal.SIGTERM)
    _, err = logging_service.communicate(timeout=40)
    assert logging_service.returncode == 0
    assert "Traceback" not in err
    assert json.loads(archiver("status", "--json").stdout)["states"] == {"archived": 3}
    (row,) = json.loads(archiver("status", "--json").stdout)["sources"]["ticks"]
    assert row["source"] == "other"


def test_the_image_is_made_of_what_is_there_and_runs_without_privileges() -> None:
    """Read, not built: what it copies exists and is not ignored, it is no root's, its command is one of ours."""
    import re
    import shlex

    from archiver.cli import _parser

    root = Path(__file__).parents[1]
    lines = re.sub(r"\\\n", " ", (root / "Dockerfile").read_text()).splitlines()
    stated = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    let_in = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        name for word, _, rest in stated if word == "COPY" and "--from" not in rest for name in shlex.split(rest)[:-1]
    ]
    assert copied
    for name in copied:
        assert (root / name).exists()
        assert name in let_in
    users = [rest for word, _, rest in stated if word == "USER"]
    assert users and not users[-1].startswith(("0", "root"))
    command = json.loads(next(rest for word, _, rest in stated if word == "CMD"))
    assert _parser().parse_args(command).log == "json"
    assert [rest for word, _, rest in stated if word == "VOLUME"] == ["/archive"]
