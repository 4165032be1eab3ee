"""Bytes as they arrive: counted, hashed, decoded within bounds, and kept out of memory once they are many.

httpx decodes without a limit (481 bytes became 200 MB, EVIDENCE.md 3), so the content coding is undone here, in steps
of at most 64 KiB of output.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from archiver.errors import ArchiveFull
from archiver.model import EMPTY, Body

#: Bodies up to this many bytes stay in memory;
IN_MEMORY = 256 * 1024

#: those up to this many as well, while there are few of them: they are one piece of the archive, and in it in a moment.
AT_MOST = 1024 * 1024

#: What the system says when a file can take no more: no space, a quota, a limit on its size.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_STEP = 64 * 1024
_GZIP = ("gzip", "x-gzip")


class Room:
    """How many bytes of larger bodies may be in memory at a time, whoever holds them."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> bool:
        """Whether so much was left, which is then taken."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        self._left += size


class Intake:
    """One message body. `feed` what comes off the wire until it says False: a cap is reached and the rest is not
    wanted. `coding` is the Content-Encoding; anything but one gzip or deflate is kept and not decoded. Caps in bytes.
    Larger bodies than `IN_MEMORY` are in memory while there is *room*.
    """

    def __init__(
        self, coding: str, *, wire_cap: int, payload_cap: int, spool: Path | None, room: Room | None = None
    ) -> None:
        codings = [each.strip().lower() for each in coding.split(",")]
        codings = [each for each in codings if each not in ("", "identity")]
        room = room or Room(0)
        self._wire = _Sink(wire_cap, spool, room)
        self._decoder = _Decoder(codings[0]) if len(codings) == 1 and codings[0] in (*_GZIP, "deflate") else None
        self._payload = _Sink(payload_cap, spool, room) if self._decoder else None
        self.is_full = False

    def feed(self, chunk: bytes) -> bool:
        if self.is_full:
            return False
        kept = self._wire.take(chunk)
        self.is_full = kept < len(chunk)
        if self._decoder and self._payload:
            try:
                if not self._decoder.decode(chunk[:kept], self._payload):
                    self.is_full = True
            except zlib.error:
                # Not what Content-Encoding says: the bytes are kept as they are, undecoded.
                self._decoder = self._payload = None
        return not self.is_full

    def bodies(self) -> tuple[Body, Body]:
        """What came off the wire, and the same with its coding undone."""
        body = self._wire.body()
        return body, self._payload.body() if self._payload else body


class _Decoder:
    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._is_begun = self._is_over = False

    def decode(self, chunk: bytes, sink: _Sink) -> bool:
        """False once *sink* takes no more."""
        while not self._is_over:
            try:
                decoded = self._zlib.decompress(chunk, _STEP)
            except zlib.error:
                # Some servers send "deflate" without its zlib wrapper (RFC 9110 8.4.1.2).
                if self._is_begun or self._coding != "deflate" or not chunk:
                    raise
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
                self._is_begun = True
                continue
            self._is_begun = self._is_begun or bool(chunk)
            if sink.take(decoded) < len(decoded):
                return False
            if self._zlib.eof:
                chunk = self._zlib.unused_data
                # A further gzip member goes on; anything else behind the end is padding.
                if chunk.startswith(b"\x1f"):
                    self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
                    continue
                self._is_over = bool(chunk) or self._coding == "deflate"
                return True
            chunk = self._zlib.unconsumed_tail
            if not chunk and len(decoded) < _STEP:
                return True
        return True


class _Sink:
    """Bytes up to a cap, hashed as they come, in memory while few and then in a file without a name."""

    def __init__(self, cap: int, spool: Path | None, room: Room) -> None:
        self._left = cap
        self._spool = spool
        self._room = room
        self._share: _Share | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._memory: list[bytes] = []
        self._file: IO[bytes] | None = None

    def take(self, chunk: bytes) -> int:
        """How many of the bytes were taken."""
        chunk = chunk[: self._left]
        self._left -= len(chunk)
        self._size += len(chunk)
        self._hash.update(chunk)
        if self._file is None and self._fits(len(chunk)):
            self._memory.append(chunk)
            return len(chunk)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._spool, buffering=0)  # noqa: SIM115 - lives with the body
                write_all(self._file, b"".join(self._memory))
                self._memory.clear()
                self._share = None
            write_all(self._file, chunk)
        except OSError as error:
            if error.errno not in FULL:
                raise
            place = self._spool or tempfile.gettempdir()
            raise ArchiveFull(f"{place}: no room for a body of {self._size} bytes or more; free some space") from error
        return len(chunk)

    def _fits(self, more: int) -> bool:
        """Whether the *more* bytes that came now stay in memory with the others."""
        if self._size <= IN_MEMORY:
            return True
        if self._share is None:
            self._share, more = _Share(self._room), self._size
        return self._size <= AT_MOST and self._share.grow(more)

    def body(self) -> Body:
        if self._size == 0:
            return EMPTY
        if self._file is None:
            content = b"".join(self._memory)
            self._memory.clear()
            if self._share is None:
                return Body.of(content, self._hash.hexdigest())
            return Body(self._hash.hexdigest(), self._size, self._share.reader(content), content)
        file, size = self._file, self._size
        return Body(self._hash.hexdigest(), size, lambda: _open(file, size))


class _Share:
    """What a body has of the room; given back when the last who could read the body has let go of it."""

    def __init__(self, room: Room) -> None:
        self._room, self._size = room, 0

    def grow(self, size: int) -> bool:
        """Whether there was so much more."""
        is_had = self._room.take(size)
        self._size += size if is_had else 0
        return is_had

    def reader(self, content: bytes) -> Callable[[], BinaryIO]:
        """Opens *content*, and holds the share as long as anybody may."""
        return lambda: (self, io.BytesIO(content))[1]

    def __del__(self) -> None:
        self._room.give_back(self._size)


def write_all(file: IO[bytes], content: bytes) -> None:
    """All of it; an unbuffered file may take a part and say so."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _open(file: IO[bytes], size: int) -> BinaryIO:
    return io.BufferedReader(View(file, 0, size))


class View(io.RawIOBase):
    """A part of a file as a file of its own, with an offset of its own: any number can be read at once."""

    def __init__(self, file: IO[bytes], start: int, size: int, *, owns: bool = False) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0
        self._owns = owns

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed asks for the private Buffer
        room = max(0, min(len(buffer), self._size - self._at))
        content = os.pread(self._file.fileno(), room, self._start + self._at)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        if self._owns and not self.closed:
            self._file.close()
        super().close()
