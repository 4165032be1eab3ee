"""An event loop whose time passes only when nobody has anything to do.

Threads take the time they take: while one of them works (the archive's own, or a parser's), simulated time stands
still. A wait of an hour is over at once when nothing else is to be done before it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import selectors
from concurrent.futures import Executor
from typing import Any

from tests.simulator.world import Clock


class SimulatedLoop(asyncio.SelectorEventLoop):
    """`time()` is simulated seconds since the loop was made."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._working = 0
        super().__init__(_Selector(self))
        # A double holds months to the microsecond, not to the nanosecond.
        self._clock_resolution = 1e-5

    def time(self) -> float:
        return self._passed

    def run_in_executor(self, executor: Executor | None, func: Any, *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._worked)
        return future

    async def shutdown_default_executor(self, *timeout: Any) -> None:  # which Python 3.12 added
        self._working += 1  # a thread of its own waits for the others
        try:
            await super().shutdown_default_executor(*timeout)
        finally:
            self._working -= 1

    def _worked(self, _: object) -> None:
        self._working -= 1


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._loop._working:
            return super().select(None)
        if timeout is None:
            raise RuntimeError("nothing is under way and nothing is waited for: the run would hang for ever")
        self._loop._passed += timeout
        return ready


class LoopClock(Clock):
    """The world's clock, moved by the loop's time."""

    def __init__(self, start: dt.datetime) -> None:
        self._start = start
        self._loop: asyncio.AbstractEventLoop | None = None

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @property
    def now(self) -> dt.datetime:  # type: ignore[override]  # nobody sets it
        return self._start + dt.timedelta(seconds=self._loop.time() if self._loop else 0.0)
