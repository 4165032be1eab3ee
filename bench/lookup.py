"""How instant a look-up is: the whole process, on 100,000 posts, against a bare `python3 -c pass`.

    python bench/lookup.py [POSTS] [--during-run]

Median of 15 runs each, interleaved, warm cache. The limit set for it is 8 times.

With --during-run: the 99th percentile of 200 look-ups at rest, and while `archiver run` adds 4,000 posts with media to
the same archive as fast as it can (bench/run.py's web, no latency). A bare Python is measured beside them: what that
loses is lost to the run's use of the processors, not to its locks.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from archiver.model import Author, Body, Capture, Media, Origin, Post, PostRef, Rank, Reason, State
from archiver.store import Writer, opinions

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
WORDS = [
    f"{a}{b}"
    for a in ("har", "bri", "sto", "cra", "riv", "vil", "fer", "mar")
    for b in ("bour", "dge", "rm", "ne", "er", "lage")
]


def fill(path: Path, posts: int) -> None:
    """An archive of that many posts, each with a snapshot and its words."""
    rng = random.Random(1)
    nothing = Body.of(b"")
    with Writer(path, holder="pid 0 on bench", now=lambda: NOW) as writer:
        for start in range(0, posts, 5000):
            made = []
            for number in range(start, min(posts, start + 5000)):
                made.append(
                    Capture(
                        url=f"https://cdn.syndication.twimg.com/tweet-result?id={number}", method="GET",
                        request_headers=(), request_body=nothing, status=200, protocol="HTTP/1.1", headers=(),
                        body=nothing, payload=nothing, started_at=NOW, ended_at=NOW, origin=Origin(),
                    )
                )  # fmt: skip
            writer.add_captures(made)
            with writer.transaction() as db:
                for number, capture in enumerate(made, start):
                    ref = PostRef("twitter", str(10**18 + number))
                    opinions.add_post(db, ref, f"https://x.com/i/status/{ref.id}", NOW)
                    text = " ".join(rng.choices(WORDS, k=20)) + f" number{number}"
                    photo = Media("photo", f"m{number}", (f"https://pbs.twimg.com/media/m{number}.jpg",))
                    post = Post(ref, Author(f"user_{number % 5000}", "A User"), text, NOW, media=(photo,))
                    opinions.add_snapshot(db, post, "syndication", Rank.FIRST_HAND, capture, NOW)
                    opinions.settle_post(db, ref, State.ARCHIVED, Reason.OK, None)


def seconds(command: list[str], wanted: int = 0) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True)
    took = time.perf_counter() - began
    assert done.returncode == wanted, done.stderr.decode()
    return took


def during_run(posts: int) -> None:
    """Look-ups at rest and beside a run; their median and 99th percentile."""
    from run import Shape, Web, prepared

    with tempfile.TemporaryDirectory() as folder, Web(Shape(4000, 100_000, 16, 0.0), Path(folder)) as web:
        place = prepared(web, Path(folder) / "run", 32, 4)
        fill(place / "archive.db", posts)
        command = [sys.executable, "-m", "archiver"]
        lookup = [*command, "lookup", "--archive", str(place / "archive.db"), "--json", str(10**18 + posts // 2)]
        bare = [sys.executable, "-c", "pass"]

        def measured(name: str, until: Callable[[], bool]) -> None:
            took: dict[str, list[float]] = {"look-up": [], "bare python": []}
            while len(took["look-up"]) < 200 and until():
                took["look-up"].append(seconds(lookup))
                took["bare python"].append(seconds(bare))
            for what, each in took.items():
                if len(each) > 20:
                    each.sort()
                    median, last = each[len(each) // 2], each[len(each) * 99 // 100]
                    print(
                        f"{name:<15} {what:<12} median {median * 1000:6.1f} ms   p99 {last * 1000:6.1f} ms   "
                        f"({len(each)} times)"
                    )

        measured("at rest", lambda: True)
        child = subprocess.Popen(
            [*command, "run", "--once", "--quiet", "articles"], cwd=place, stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        measured("beside a run", lambda: child.poll() is None)
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("posts", type=int, nargs="?", default=100_000)
    parser.add_argument("--during-run", action="store_true")
    options = parser.parse_args()
    posts = options.posts
    if options.during_run:
        during_run(posts)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        fill(path, posts)
        archiver = [sys.executable, "-m", "archiver", "lookup", "--archive", str(path), "--json"]
        queries = {
            "id": str(10**18 + posts // 2),
            "URL": f"https://twitter.com/someone/status/{10**18 + posts // 3}",
            "handle": "@user_77",
            "words": f"number{posts // 5}",
            "common words": "harbour bridge storm",
        }
        times: dict[str, list[float]] = {"bare python": []} | {name: [] for name in queries}
        for _ in range(15):
            times["bare python"].append(seconds([sys.executable, "-c", "pass"]))
            for name, query in queries.items():
                times[name].append(seconds([*archiver, query]))
        bare = statistics.median(times["bare python"])
        print(f"{posts:,} posts, {path.stat().st_size / 1e6:.0f} MB")
        for name, each in times.items():
            took = statistics.median(each)
            print(f"{name:<14} {took * 1000:7.1f} ms  {took / bare:5.1f} x bare python")


if __name__ == "__main__":
    main()
