"""How often one host is asked, and when it wants to be asked again."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime as dt
import email.utils
from collections.abc import AsyncIterator, Mapping

import httpx

from archiver.config import HostConfig
from archiver.model import Capture, moment

#: No host makes us wait longer than this; what it says beyond is a mistake or malice.
LONGEST = dt.timedelta(days=7)

#: The wait after a 429 that states none: what web.archive.org needs (PLATFORMS.md 3.6).
UNSTATED = dt.timedelta(seconds=60)

#: Room at a host that has no limits of its own.
UNLIMITED = 1_000_000

_BUSY = {413, 421, 429, 502, 503, 504, 599}


def retry_after(capture: Capture, now: dt.datetime) -> dt.datetime | None:
    """When the host of *capture* may be asked again, None if it may be at once.

    Read from Retry-After (RFC 9110 10.2.3: seconds or a date) and x-rate-limit-reset (X: Unix seconds; Mastodon's
    x-ratelimit-reset: RFC 3339) of an answer that says the host is busy, or says that no requests remain. A 429 without
    either waits a minute. An archived answer (Memento-Datetime) says nothing about the archive that replays it.
    """
    if capture.header("memento-datetime"):
        return None
    remaining = capture.header("x-rate-limit-remaining") or capture.header("x-ratelimit-remaining")
    if capture.status not in _BUSY and (remaining or "").strip() != "0":
        return None
    stated = [
        at
        for at in (
            _after(capture.header("retry-after"), capture.ended_at) if capture.status in _BUSY else None,
            _reset(capture.header("x-rate-limit-reset") or capture.header("x-ratelimit-reset"), capture.ended_at),
        )
        if at
    ]
    if not stated and capture.status == 429:
        stated.append(capture.ended_at + UNSTATED)
    at = max(stated, default=None)
    return at if at and at > now else None


def wait_until(capture: Capture, now: dt.datetime) -> dt.datetime | None:
    """`retry_after`; and a minute where a 429 or a 503 of the host itself states no time."""
    until = retry_after(capture, now)
    if until is None and capture.status in (429, 503) and capture.header("memento-datetime") is None:
        until = now + UNSTATED
    return until


def _after(text: str | None, ended_at: dt.datetime) -> dt.datetime | None:
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return ended_at + _bounded(float(text[:12]))
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC), ended_at + LONGEST)


def _reset(text: str | None, ended_at: dt.datetime) -> dt.datetime | None:
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return ended_at + _bounded(float(text[:12]) - ended_at.timestamp())
    try:
        return min(moment(text), ended_at + LONGEST)
    except ValueError:
        return None


def _bounded(seconds: float) -> dt.timedelta:
    return min(dt.timedelta(seconds=max(0.0, seconds)), LONGEST)


class Pace:
    """The limits of some hosts, kept within this process. `turn(url)` waits until it is that URL's turn.

    A limit of N a minute means: at most N requests begin in any sixty seconds, which is how hosts count.
    """

    def __init__(self, hosts: Mapping[str, HostConfig], *, connections: int) -> None:
        #: By host: beginnings of paths, longest first, so that the first that fits is the one that counts.
        self._gates: dict[str, list[tuple[str, _Gate]]] = {}
        for key, limit in hosts.items():
            host, path = _split(key)
            self._add(host, path, _Gate(key.lower(), limit, connections))

    def _add(self, host: str, path: str, gate: _Gate) -> None:
        self._gates[host] = sorted([*self._gates.get(host, ()), (path, gate)], key=lambda each: -len(each[0]))

    def line(self, url: httpx.URL) -> str:
        """What the limits that count for this URL are named by: a host, or a host and the beginning of a path."""
        gate = self._gate(url)
        return gate.name if gate else url.host.lower()

    def room(self, url: httpx.URL) -> tuple[int, float]:
        """How many requests like this may begin now, and the seconds until one more may (0 where one may now)."""
        gate = self._gate(url)
        return gate.room() if gate else (UNLIMITED, 0.0)

    def space(self, host: str, seconds: float) -> None:
        """Leave so much time between two requests to a host that has no limits of its own, and ask it one thing at a
        time."""
        host = host.lower()
        others = [each for each in self._gates.get(host, ()) if each[0] or not each[1].is_spaced]
        if all(path for path, _ in others):
            self._gates[host] = [*others, ("", _Gate.spaced(host, seconds))]

    def remember(self, url: httpx.URL, seconds_ago: float) -> None:
        """Count a request that an earlier process began."""
        gate = self._gate(url)
        if gate:
            gate.remember(seconds_ago)

    def _gate(self, url: httpx.URL) -> _Gate | None:
        gates = self._gates.get(url.host.lower())
        if not gates:
            return None
        path = url.raw_path.decode("ascii", "replace")
        return next((gate for beginning, gate in gates if path.startswith(beginning)), None)

    @contextlib.asynccontextmanager
    async def turn(self, url: httpx.URL) -> AsyncIterator[bool]:
        """Yields whether the host has limits of its own."""
        gate = self._gate(url)
        if gate is None:
            yield False
            return
        gate.inside += 1
        try:
            await gate.connections.acquire()
            try:
                await gate.wait()
            except BaseException:
                gate.connections.release()
                raise
        finally:
            gate.inside -= 1
        try:
            yield True
        finally:
            gate.connections.release()


def _split(key: str) -> tuple[str, str]:
    host, slash, path = key.partition("/")
    return host.lower(), slash + path


class _Gate:
    def __init__(self, name: str, limit: HostConfig, connections: int) -> None:
        self.name = name
        self.connections = asyncio.Semaphore(limit.connections or connections)
        per_minute = limit.per_minute
        # One in two minutes is a limit as well: 0.5 a minute is 1 in 120 seconds.
        self._most = max(1, int(per_minute)) if per_minute else 0
        self._window = 60 * self._most / per_minute if per_minute else 0.0
        self._begun: collections.deque[float] = collections.deque()
        #: Let in, and not begun yet.
        self.inside = 0
        self.is_spaced = False

    @classmethod
    def spaced(cls, name: str, seconds: float) -> _Gate:
        gate = cls(name, HostConfig(None, 1), 1)
        gate._most, gate._window, gate.is_spaced = 1, seconds, True
        return gate

    def remember(self, seconds_ago: float) -> None:
        if self._most and 0 <= seconds_ago < self._window:
            self._begun.append(asyncio.get_running_loop().time() - seconds_ago)

    def room(self) -> tuple[int, float]:
        if not self._most:
            return UNLIMITED, 0.0
        now = asyncio.get_running_loop().time()
        while self._begun and self._begun[0] + self._window <= now:
            self._begun.popleft()
        room = self._most - len(self._begun) - self.inside
        if room > 0:
            return room, 0.0
        # Those who are inside go first: the turn after theirs is the one that whoever asks now could have.
        next_turn = min(-room, len(self._begun) - 1)
        return 0, self._begun[next_turn] + self._window - now if self._begun else self._window

    async def wait(self) -> None:
        if not self._most:
            return
        clock = asyncio.get_running_loop().time
        while len(self._begun) >= self._most:
            left = self._begun[0] + self._window - clock()
            if left <= 0:
                self._begun.popleft()
            else:
                await asyncio.sleep(left)
        self._begun.append(clock())
