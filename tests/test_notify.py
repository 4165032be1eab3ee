"""Somebody is told: of sources that fail, hosts that are silent, posts that vanish, a disk that is full. A hook that
fails hurts nobody."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Run
from tests.simulator.exchange import Request, Response, Wire, plain
from tests.simulator.hosts.press import Press, rss
from tests.simulator.world import World

HOOK = "https://hooks.example/archive"
SECRET = "https://hooks.example/services/s3cret-path?token=s3cret-token"


class Hook:
    """A webhook that notes what it is told."""

    def __init__(self, world: World) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        world.others["hooks.example"] = self._answer

    def _answer(self, world: World, request: Request) -> Response:
        assert request.method == "POST"
        assert request.header("content-type") == "application/json"
        self.told.append(json.loads(request.body))
        return plain("ok", self.status)

    @property
    def events(self) -> list[str]:
        return [notice["event"] for body in self.told for notice in body["notices"]]


@pytest.fixture
def hook(world: World) -> Hook:
    return Hook(world)


def configure(home: Path, text: str) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text() + "\n" + text)


SOURCE = '[[sources]]\nlabel = "desk"\npaths = ["https://news.example/feed"]\nevery = "1h"\n'


def test_a_source_that_fails_so_many_times_in_a_row_is_told_once_and_so_is_its_recovery(
    world: World, home: Path, archiver: Run, hook: Hook
) -> None:
    press = Press(world, "news.example")
    configure(home, f'{SOURCE}[notify]\nwebhook = "{HOOK}"\nafter = 2\n')
    archiver("run", "--once", expect=2)
    assert hook.told == []
    for _ in range(3):
        archiver("run", "--once", expect=2)
    assert hook.events == ["source failing"]
    (body,) = hook.told
    (notice,) = body["notices"]
    assert body["archive"].endswith("archive.db")
    assert (notice["source"], notice["url"], notice["failures"]) == ("desk", "https://news.example/feed", 2)
    assert "answered 404" in notice["error"]
    assert body["text"].startswith("source failing: desk")
    press.say("/feed", rss([]))
    archiver("run", "--once")
    assert hook.events == ["source failing", "source recovered"]


@pytest.mark.slow
def test_a_post_that_vanishes_is_told_when_it_is_missing_and_when_it_is_gone(
    world: World, home: Path, archiver: Run, hook: Hook
) -> None:
    configure(
        home,
        f'[recheck]\nafter = ["1s", "1s", "1s", "1s", "1s"]\ngone_after = "1s"\n[notify]\nwebhook = "{HOOK}"\n',
    )
    post = world.post("lamplighter", "The lamp was lit.", dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC))
    (home / "a.txt").write_text(f"https://x.com/lamplighter/status/{post.id}\n")
    archiver("run", "--once", "a.txt")
    assert hook.events == []
    world.delete(post, at=world.clock.now)
    for _ in range(20):
        time.sleep(0.5)
        archiver("run", "--once")
        if "post gone" in hook.events:
            break
    archiver("run", "--once")
    assert hook.events == ["post missing", "post gone"]
    gone = hook.told[-1]["notices"][-1]
    assert gone["post"] == f"twitter:{post.id}"
    assert gone["url"].endswith(f"/status/{post.id}")
    assert gone["archived"] is True
    assert gone["articles"] == [(home / "a.txt").as_uri()]
    assert gone["missing_since"] <= gone["at"]
    assert "is gone" in hook.told[-1]["text"]


def test_a_command_reads_the_notices(world: World, home: Path, archiver: Run) -> None:
    program = home / "tell.py"
    program.write_text("import pathlib, sys; pathlib.Path('told.json').write_bytes(sys.stdin.buffer.read())\n")
    command = json.dumps([sys.executable, str(program)])
    configure(home, f"{SOURCE}[notify]\nafter = 1\ncommand = {command}\n")
    Press(world, "news.example")
    archiver("run", "--once", expect=2)
    assert [each["event"] for each in json.loads((home / "told.json").read_text())["notices"]] == ["source failing"]


def test_a_silent_host_is_told_once(world: World, home: Path, archiver: Run, hook: Hook) -> None:
    configure(home, f'[notify]\nwebhook = "env:HOOK"\nevents = ["host silent"]\n{SOURCE}')
    Press(world, "news.example")
    world.trouble("news.example", wire=Wire.DROPPED)
    for _ in range(2):
        archiver("run", "--once", expect=2, HOOK=SECRET)
    assert hook.events == ["host silent"]
    assert hook.told[0]["notices"][0]["host"] == "news.example"


@pytest.mark.parametrize(
    "hooks",
    [
        'command = ["/nowhere/no-such-program"]',
        f'command = [{json.dumps(sys.executable)}, "-c", "import sys; sys.exit(3)"]',
        'webhook = "https://hooks.example/busy"',
        'webhook = "https://silent.example/"',
    ],
)
def test_a_hook_that_fails_hurts_nobody_and_is_told_again_later(
    world: World, home: Path, archiver: Run, hook: Hook, hooks: str
) -> None:
    hook.status = 500
    Press(world, "news.example")
    world.page("https://silent.example/")
    world.trouble("silent.example", wire=Wire.DROPPED)
    configure(home, f"{SOURCE}[notify]\nafter = 1\n{hooks}\n")
    done = archiver("run", "--once", expect=2)
    assert "notice failed" in done.stderr
    assert "s3cret" not in done.stderr
    with sqlite3.connect(home / "archive.db") as db:
        assert db.execute("SELECT tries FROM notice").fetchall() == [(1,)]


def test_what_a_hook_did_not_take_is_handed_over_when_it_does(
    world: World, home: Path, archiver: Run, hook: Hook
) -> None:
    Press(world, "news.example")
    configure(home, f'{SOURCE}[notify]\nafter = 1\nwebhook = "{HOOK}"\n')
    hook.status = 500
    archiver("run", "--once", expect=2)
    hook.status, hook.told = 200, []
    archiver("run", "--once", expect=2)
    assert hook.told == [], "not before its time"
    with sqlite3.connect(home / "archive.db") as db:
        db.execute("UPDATE notice SET due_at = '2020-01-01T00:00:00.000000Z'")
    archiver("run", "--once", expect=2)
    assert hook.events == ["source failing"]


@pytest.mark.slow
def test_a_hook_that_hangs_holds_nothing_up(world: World, home: Path, archiver: Run) -> None:
    """It sleeps for ten minutes with a child of its own; the run ends long before, and nothing of it is left."""
    program = home / "hang.sh"
    program.write_text(f"#!/bin/sh\necho $$ > {home}/pid\nsleep 600 &\nwait\n")
    program.chmod(0o755)
    configure(home, f'{SOURCE}[notify]\nafter = 1\ncommand = ["{program}"]\n')
    Press(world, "news.example")
    began = time.monotonic()
    archiver("run", "--once", expect=2)
    assert time.monotonic() - began < 40
    pid = (home / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_the_secret_of_a_webhook_is_kept_nowhere(world: World, home: Path, archiver: Run, hook: Hook) -> None:
    configure(home, f'{SOURCE}[notify]\nafter = 1\nwebhook = "env:HOOK"\n')
    Press(world, "news.example")
    done = archiver("run", "--once", "--record", "made.warc", "--json", expect=2, HOOK=SECRET)
    assert hook.events == ["source failing"]
    for kept in (
        done.stdout.encode(),
        done.stderr.encode(),
        *(each.read_bytes() for each in home.glob("*.*") if each.is_file()),
    ):
        assert b"s3cret" not in kept
    assert "HOOK is not set" in archiver("run", "--once", expect=2).stderr


def test_a_full_disk_is_told_at_once(world: World, home: Path, archiver: Run, hook: Hook) -> None:
    """A limit on the size of files stands for the disk: sqlite is told the same."""
    import resource
    import subprocess

    from tests.commands import environment

    configure(home, f'[notify]\nwebhook = "{HOOK}"\n')
    archiver("run", "--once")
    page = home / "large.txt"
    page.write_text("x" * 3_000_000)
    limit = (home / "archive.db").stat().st_size + 200_000
    done = subprocess.run(
        [sys.executable, "-m", "archiver", "run", "--once", "large.txt"],
        cwd=home, env=environment(home), capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert hook.events == ["disk full"]
    assert "the disk is full" in hook.told[0]["notices"][0]["error"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('webhook = "ftp://x.example/"', "write a URL such as"),
        ('webhook = "env:"', "after env: comes the name"),
        ('events = ["post lost"]', "write one of source failing"),
        ("after = 0", "the least is 1"),
    ],
)
def test_hooks_that_cannot_be_are_named(home: Path, archiver: Run, text: str, said: str) -> None:
    configure(home, f"[notify]\n{text}\n")
    assert said in archiver("run", "--once", expect=2).stderr
