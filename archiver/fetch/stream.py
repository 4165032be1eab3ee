"""One connection, on asyncio alone.

httpcore's own streams stand on anyio's: each question whether a kept connection was closed costs a system call or
three there, each read and write a scope of its own. That was a third of all processor time of a run of small requests
(bench/run.py), so httpcore is given these. TLS is undone straight into the buffer that is read from.
"""

from __future__ import annotations

import asyncio
import ssl
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore

#: Bytes that may wait to be read before the other side is made to wait.
_ENOUGH = 128 * 1024


class Stream(asyncio.BufferedProtocol, httpcore.AsyncNetworkStream):
    """Bytes in and out of one TCP connection, TLS after `start_tls`. Errors are httpcore's."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(_ENOUGH))
        #: So many bytes of the buffer wait to be read.
        self._waiting = 0
        self._is_over = self._is_held = False
        self._failure: Exception | None = None
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()

    # --- what asyncio tells us ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = typing.cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[self._waiting :]

    def buffer_updated(self, nbytes: int) -> None:
        self._waiting += nbytes
        if self._waiting == _ENOUGH and not self._is_held and self._transport:
            self._is_held = True
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        self._is_over = True
        self._news.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        self._failure = error
        self._news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # --- what httpcore asks for ---

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """All that waits, though httpcore asks for half of it at most: it takes any number, and each time costs."""
        async with _in_time(timeout, httpcore.ReadTimeout):
            while not self._waiting and not self._is_over:
                self._news.clear()
                await self._news.wait()
        if not self._waiting and self._failure:
            raise httpcore.ReadError(str(self._failure)) from self._failure
        content, self._waiting = bytes(self._buffer[: self._waiting]), 0
        if self._is_held and self._transport and not self._is_over:
            self._is_held = False
            self._transport.resume_reading()
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        if self._transport is None or self._failure or self._transport.is_closing():
            raise httpcore.WriteError(str(self._failure or "the connection is closed"))
        self._transport.write(buffer)
        async with _in_time(timeout, httpcore.WriteTimeout):
            await self._may_write.wait()
        if self._failure:
            raise httpcore.WriteError(str(self._failure)) from self._failure

    async def aclose(self) -> None:
        # Nothing that is still to be sent matters to anybody, and a goodbye would be waited for.
        if self._transport is not None:
            self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        assert self._transport is not None
        try:
            async with _in_time(timeout, httpcore.ConnectTimeout):
                made = await asyncio.get_running_loop().start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except OSError as error:  # ssl.SSLError is one
            await self.aclose()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            await self.aclose()
            raise
        if made is None:
            raise httpcore.ConnectError("the connection was closed")
        self._transport = made
        return self

    def get_extra_info(self, info: str) -> typing.Any:
        if info == "is_readable":  # a kept connection that has something to say has been closed
            return self._waiting > 0 or self._is_over
        name = {"server_addr": "peername", "client_addr": "sockname"}.get(info, info)
        return self._transport.get_extra_info(name) if self._transport else None


async def connect(address: str, port: int, timeout: float | None, local_address: str | None = None) -> Stream:
    """A connection to an address that was checked. ConnectError, ConnectTimeout."""
    local = (local_address, 0) if local_address else None
    try:
        async with _in_time(timeout, httpcore.ConnectTimeout):
            _, stream = await asyncio.get_running_loop().create_connection(Stream, address, port, local_addr=local)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return stream


@asynccontextmanager
async def _in_time(seconds: float | None, late: type[Exception]) -> AsyncIterator[None]:
    if seconds is None:
        yield
        return
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise late(f"{seconds:g} s") from error
