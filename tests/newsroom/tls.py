"""One day of the newsroom over TLS, by the real command: the world's clock stands at its end, hosts count by ours."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.store import connect_to_read
from tests.commands import environment
from tests.newsroom.clock import LoopClock
from tests.newsroom.plan import START, Plan
from tests.newsroom.web import PAPER, SECTIONS, Paper
from tests.simulator.serve import Authority, Web


@dataclass(frozen=True, slots=True)
class Day:
    """What came of it: `missing` were alive and are not captured, `faults` are limits that were exceeded, `at_once`
    the most requests that any host worked on at a time."""

    report: dict[str, Any]
    alive: int
    missing: tuple[str, ...]
    faults: tuple[str, ...]
    requests: int
    at_once: int
    seconds: float


def live(plan: Plan, folder: Path, authority: Authority | None = None, *, hosts: str = "", minutes: float = 20) -> Day:
    """Run `archiver run --once` on the feeds of a plan's first day, in *folder*. *hosts* is more configuration."""
    world = plan.world
    assert isinstance(world.clock, LoopClock)
    end = START + dt.timedelta(days=1)
    world.clock = LoopClock(end)
    world.prepare({}, Paper(plan.stories, listed=10_000))
    world.latency = 0.05
    world.counted_at = lambda: dt.datetime.now(dt.UTC)
    authority = authority or Authority()
    sources = "".join(
        f'[[sources]]\nlabel = "{name}"\npaths = ["https://{PAPER}/feed/{name}.xml"]\n' for name in SECTIONS
    )
    with Web(world, authority, authority.write(folder), witness=world.witness) as web:
        (folder / "config.toml").write_text(
            f'[fetch]\nca_file = {json.dumps(str(web.ca_file))}\nallow_addresses = ["127.0.0.0/8"]\n'
            f'allow_ports = [80, 443, {web.port}]\n[fetch.resolve]\n"*" = "127.0.0.1:{web.port}"\n{hosts}{sources}'
        )
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "archiver", "run", "--once", "--json", "--quiet"],
            cwd=folder, env={**environment(folder), "PATH": os.environ["PATH"]}, capture_output=True, text=True,
            timeout=60 * minutes,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr[-2000:]
    with contextlib.closing(connect_to_read(folder / "archive.db")) as db:
        seen = {f"{row[0]}:{row[1]}" for row in db.execute("SELECT platform, id FROM post WHERE snapshot IS NOT NULL")}
    alive = [
        fate.ref for fate in plan.fates.values() if fate.shown_at < end and (not fate.dies_at or fate.dies_at > end)
    ]
    witness = world.witness
    return Day(
        json.loads(done.stdout),
        len(alive),
        tuple(ref for ref in alive if ref not in seen),
        tuple(witness.faults),
        sum(witness.asked.values()),
        max(count for name, count in witness.most.items() if name.endswith(" at once")),
        seconds,
    )
