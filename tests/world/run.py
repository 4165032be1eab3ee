"""The real path over a generated world, in process: no socket, no process, a clock that only the run moves."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from archiver import articles
from archiver.archive import Article, Job, Rules
from archiver.errors import Unreachable
from archiver.fetch import retry_after
from archiver.model import Body, Capture, Request
from archiver.store import Writer, connect_to_read
from tests.simulator import exchange
from tests.simulator.exchange import Wire
from tests.world.key import Key, Page
from tests.world.web import LargeWorld

_REDIRECTS = {301, 302, 303, 307, 308}
#: Where the archive is made meanwhile: in memory if the system has such a folder, for each commit waits for its disk.
_MEMORY = next((folder for folder in (Path("/dev/shm"),) if folder.is_dir()), None)
#: Between two rounds; longer than the least time between two findings of absence.
_ROUND = dt.timedelta(hours=26)
ROUNDS = 4


class InProcess:
    """Stands where the fetcher stands: every hop of one request, in order; `FetchError` for silence."""

    def __init__(self, world: LargeWorld) -> None:
        self.world = world
        self.asked = 0

    async def fetch(self, request: Request) -> tuple[Capture, ...]:
        captures: list[Capture] = []
        url, method, body = request.url, request.method, request.body
        for _ in range(request.follow + 1):
            captures.append(self._ask(url, method, request.headers, body, captures))
            location = captures[-1].header("location")
            if captures[-1].status not in _REDIRECTS or location is None:
                break
            url = urljoin(url, location)
            if captures[-1].status == 303:
                method, body = "GET", b""
        return tuple(captures)

    def line(self, url: str) -> str:
        """All hosts stand in one line, in which nobody waits."""
        return ""

    def room(self, url: str) -> tuple[int, float]:
        """No host is asked more slowly than it answers: the run's clock moves with every request."""
        return 1_000_000, 0.0

    def space(self, url: str, seconds: float) -> None:
        """Nothing is paced here."""

    def remember(self, url: str, seconds_ago: float) -> None:
        """Nothing is paced here, so nothing need be counted."""

    def _ask(
        self, url: str, method: str, headers: tuple[tuple[str, str], ...], body: bytes, before: list[Capture]
    ) -> Capture:
        self.asked += 1
        self.world.clock.advance(milliseconds=20)
        at = self.world.clock.now
        given = {name.lower() for name, _ in headers}
        ours = (("User-Agent", "archiver/0"), ("Accept", "*/*"))
        sent = (*(pair for pair in ours if pair[0].lower() not in given), *headers)
        asked = exchange.Request.of(method, url, sent, body)
        if asked.host not in _HOSTS:
            raise Unreachable(f"{url}: no such name", url=url, captures=tuple(before))
        answer = self.world.answer(asked)
        if answer.wire is not Wire.WHOLE:
            raise Unreachable(f"{url}: the connection broke", url=url, captures=tuple(before))
        content = Body.of(answer.payload)
        kept = tuple(pair for pair in answer.headers if pair[0].lower() != "content-encoding")
        return Capture(
            url, method, sent, Body.of(body), answer.status, "HTTP/1.1", kept, content, content, at, at,
            redirected_from=before[-1].id if before else None,
        )  # fmt: skip


def _hosts() -> frozenset[str]:
    from tests.simulator.hosts import HANDLERS

    return frozenset(HANDLERS) | {"news.example.org"}


_HOSTS = _hosts()


@dataclass(frozen=True, slots=True)
class Found:
    """One embed as the archive has it after the run."""

    location: str
    start: int | None
    end: int | None
    kind: str
    post: str | None
    state: str
    reason: str
    url: str | None
    handle: str | None
    date: str | None
    text: str | None
    codes: tuple[str, ...]
    resolution: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ended with: its report, its embeds, how many requests it made, and of whom."""

    report: dict[str, Any]
    found: tuple[Found, ...]
    requests: int
    hosts: dict[str, int]


async def run(key: Key, pages: Iterable[Page] | None = None, *, folder: Path | None = None) -> Outcome:
    """Take in the articles (all of them unless *pages* says which) and do all that is due; the same again the next
    days, as a nightly run does: a host that failed is asked again, and what is gone is seen to be gone twice."""
    world, web = key.world, InProcess(key.world)

    def now() -> dt.datetime:
        return world.clock.now

    chosen = key.pages if pages is None else list(pages)
    rules = Rules(gone_after=dt.timedelta(days=1), retry=(dt.timedelta(hours=1),), concurrency=8)
    with tempfile.TemporaryDirectory(dir=folder or _MEMORY) as made:
        path = Path(made) / "archive.db"
        with Writer(path, holder="the generated world", now=now) as writer:
            for number in range(ROUNDS):
                job = Job(
                    writer, web, rules, now=now, extract=articles.embeds, text_of=articles.text_of,
                    retry_after=retry_after,
                )  # fmt: skip
                async with job:
                    await job.begin("run --once", None, "0" * 64)
                    await job.read(
                        Article(page.location, page.text.encode(), page.media_type, "utf-8") for page in chosen
                    )
                    await job.drain(hurry=True)
                    report = await job.end()
                if number == 0:
                    for change in key.later:
                        change()
                world.clock.now += _ROUND
        hosts: dict[str, int] = {}
        for each in world.log:
            hosts[each.request.host] = hosts.get(each.request.host, 0) + 1
        return Outcome(report, _found(path), web.asked, hosts)


def _found(path: Path) -> tuple[Found, ...]:
    with contextlib.closing(connect_to_read(path)) as db:
        rows = db.execute(
            'SELECT a.location, e.start, e."end", e.kind, e.post, e.state, e.reason, e.url, e.handle, e.date, e.text, '
            "e.codes, e.resolution FROM embed e JOIN article a ON a.id = e.article ORDER BY a.location, e.seq"
        )
        return tuple(map(_read, rows))


def _read(row: sqlite3.Row) -> Found:
    resolution = json.loads(row["resolution"]) if row["resolution"] else None
    return Found(**{**dict(row), "codes": tuple(json.loads(row["codes"])), "resolution": resolution})
