"""The real command killed and starved of disk at random points, again and again: nothing acknowledged is lost, nothing
is captured twice, and the archive is whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from archiver.store import check, connect_to_read
from tests.commands import Run, environment
from tests.simulator.world import Photo, World

#: Two tests of so many kills each, so that two workers can share them.
KILLS = 50
AT = dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC)


class Large(Photo):
    """A picture of some megabytes, so that a kill meets it on its way."""

    __slots__ = ()

    def bytes(self, name: str = "orig", format: str | None = None) -> bytes:
        seed = hashlib.sha256(self.key.encode()).digest()
        size = 300_000 + seed[0] * 12_000
        return _JPEG + (seed * (size // 32 + 1))[:size]


_JPEG = Photo(64, 48, "jpg", None, "a picture", "1").bytes()


class Desk:
    """Articles that keep coming, each with two posts that nobody showed before, one of them with a large picture."""

    def __init__(self, world: World, home: Path) -> None:
        self._world, self._home = world, home
        self.posts = 0
        (home / "in").mkdir()

    def publish(self) -> None:
        shown = []
        for media in ([Large(64, 48)], [Photo(64, 48)]):
            self.posts += 1
            handle = f"lamplighter{self.posts}"
            post = self._world.post(handle, f"Lamp number {self.posts} was lit.", AT, media)
            shown.append(f"https://x.com/{handle}/status/{post.id}\n\n")
        (self._home / "in" / f"{self.posts:04}.txt").write_text("".join(shown))


def acknowledged(log: str) -> Counter[str]:
    """What a run said it had on disk: how many captures of each address."""
    said: Counter[str] = Counter()
    for line in log.splitlines():
        with contextlib.suppress(ValueError):  # the last line may be half a line
            event = json.loads(line)
            if event.get("event") == "captured":
                said[event["url"]] += 1
    return said


def must_be_whole(home: Path, archiver: Run, said: Counter[str], posts: int) -> None:
    """Run it to its end, then hold everything against what was acknowledged on the way."""
    report = json.loads(archiver("run", "--once", "--json", "in").stdout)
    assert report["states"] == {"archived": posts}
    assert "sound" in archiver("verify", "--read-data").stdout
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        assert list(check.damages(db)) == []
        captured = Counter(
            (row[0], row[1]) for row in db.execute("SELECT url, request_body FROM capture WHERE origin = 'live'")
        )
        assert [each for each, count in captured.items() if count > 1] == [], "captured twice"
        bare: Counter[str] = Counter()
        for (url, _), count in captured.items():
            bare[f"{urlsplit(url).scheme}://{urlsplit(url).hostname}{urlsplit(url).path}"] += count
        assert {url: count for url, count in said.items() if bare[url] < count} == {}, "acknowledged and lost"
        kept = db.execute("SELECT count(*) FROM media WHERE sha256 IS NOT NULL").fetchone()[0]
        assert kept == posts


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_kills_lose_nothing_and_repeat_nothing(seed: int, world: World, home: Path, archiver: Run) -> None:
    """`kill -9` at random points, while the program starts, asks, streams media, or has nothing left to do."""
    rng = random.Random(seed)
    desk = Desk(world, home)
    said: Counter[str] = Counter()
    during_media = 0
    world.trouble("pbs.twimg.com", path="large|orig|jpg", trickle=0.0004)  # megabytes take about a second
    for _ in range(KILLS):
        desk.publish()
        child = subprocess.Popen(
            [sys.executable, "-m", "archiver", "run", "--once", "--log", "json", "in"],
            cwd=home, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        asked = len(world.asked("pbs.twimg.com"))
        assert child.stderr is not None
        # By what it did, not by the clock: slow machines are killed at work as well. One in ten while it starts.
        begun, steps = "", rng.randrange(9) if rng.random() < 0.9 else -1
        while steps >= 0 and (line := child.stderr.readline()):
            begun += line
            steps -= any(f'"{event}"' in line for event in ("captured", "attempt", "media", "embed resolved"))
        time.sleep(rng.uniform(0.0, 0.2))
        child.kill()
        told = acknowledged(begun + child.communicate()[1])
        said += told
        pictures = sum(count for url, count in told.items() if "pbs.twimg.com" in url)
        during_media += len(world.asked("pbs.twimg.com")) - asked > pictures
    world.calm()
    must_be_whole(home, archiver, said, desk.posts)
    assert sum(said.values()) >= 10, "hardly anything was done between the kills"
    assert during_media > 0, "no kill met media on its way"


@pytest.mark.slow
def test_a_disk_that_fills_up_again_and_again_loses_nothing(world: World, home: Path, archiver: Run) -> None:
    """The limit on a file's size stands in for the disk's: the same write fails. A little more room each time, so that
    it fails at another place each time: in the queue, in a capture, in the pieces of a picture, in its scratch file."""
    desk = Desk(world, home)
    for _ in range(4):
        desk.publish()
    said: Counter[str] = Counter()
    ends = []
    for room in range(12):
        limit = 300 + room * 450
        script = f"ulimit -f {limit}; exec {sys.executable} -m archiver run --once --log json in"
        done = subprocess.run(
            ["bash", "-c", script], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 5), (done.returncode, done.stderr[-500:])
        if done.returncode == 5:
            assert "disk is full" in done.stderr or "no room" in done.stderr
        ends.append(done.returncode)
        said += acknowledged(done.stderr)
    assert ends.count(5) > 3, ends
    must_be_whole(home, archiver, said, desk.posts)
