"""The connections to one origin, kept while they last.

httpcore's pool serves any number of origins and askers: at the beginning and the end of each request it goes through
all of its connections, and it tells what it does only to a trace that is called ten times a request. Here there is one
origin, and the fetcher bounds how many ask at a time, so a stack does; that halves what a small request costs beside
its connection (bench/run.py). The connections are httpcore's own, as its pool makes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpcore

#: What a server that closes a kept connection just now looks like from here.
_CLOSED = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)

#: Questions without effects, which may be asked once more.
_SAFE = (b"GET", b"HEAD")


class Connections:
    """Stands where a transport of httpx has its pool. *pool* makes the connections and is not asked for anything else.

    A connection that was kept may have been closed by the server just now: a question without effects is then asked
    once more, on a new one.
    """

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool
        #: The longest unused first.
        self._idle: list[httpcore.AsyncConnectionInterface] = []
        self._is_closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        while self._idle and self._idle[0].has_expired():
            await self._idle.pop(0).aclose()
        if self._idle and not self._idle[-1].has_expired():
            try:
                return await self._ask(self._idle.pop(), request)
            except _CLOSED:
                if request.method not in _SAFE:
                    raise
        return await self._ask(self._pool.create_connection(request.url.origin), request)

    async def _ask(self, connection: httpcore.AsyncConnectionInterface, request: httpcore.Request) -> httpcore.Response:
        async def give_back() -> None:
            if connection.is_idle() and not self._is_closed:
                self._idle.append(connection)
            else:
                await connection.aclose()

        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise
        return httpcore.Response(
            status=response.status,
            headers=response.headers,
            content=_Stream(response.stream, give_back),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        self._is_closed = True
        while self._idle:
            await self._idle.pop().aclose()


class _Stream:
    """A response's body; closing it gives the connection back."""

    def __init__(self, body: Any, give_back: Callable[[], Awaitable[None]]) -> None:
        self._body, self._give_back = body, give_back
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        each: AsyncIterator[bytes] = self._body.__aiter__()
        return each

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._body.aclose()
        finally:
            await self._give_back()
