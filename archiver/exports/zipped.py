"""A ZIP file written straight through: the same members give the same bytes, into a file or a pipe.

Every member has the same date (ZIP knows none before 1980 and we know none that is true of all), the same mode and no
owner; each is counted and hashed on its way, for the manifest that follows it.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from archiver.exports.digests import Hashed

_DATE = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """One file as it was packed: `size` in bytes and SHA-256 of what was put in."""

    name: str
    size: int
    sha256: str


class _Through:
    """Only `write`: zipfile would otherwise seek back to fill in sizes, and a pipe would then get other bytes than a
    file."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        """The stream is its owner's to flush."""


class Zip:
    """A ZIP being written. A context manager: leaving it writes the directory at the end, unless an error is on its
    way, so that a broken export is no valid file. `members` are those packed so far."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(cast("BinaryIO", _Through(out)), "w")
        self.members: list[Member] = []

    def __enter__(self) -> Zip:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._zip.close()
        else:
            # A closed ZipFile writes nothing more, not even when it is collected.
            self._zip.fp = None

    @contextlib.contextmanager
    def member(self, name: str, *, compress: bool = False) -> Iterator[BinaryIO]:
        """Write one file; `compress` for text, never for what is compressed already."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a packed file")
        entry = zipfile.ZipInfo(name, _DATE)
        entry.create_system = 3
        entry.external_attr = 0o100644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with self._zip.open(entry, "w", force_zip64=True) as out:
            hashed = Hashed(cast("BinaryIO", out))
            yield cast("BinaryIO", hashed)
        self.members.append(Member(name, hashed.size, hashed.digest.hexdigest()))

    def add(self, name: str, content: bytes, *, compress: bool = True) -> None:
        with self.member(name, compress=compress) as out:
            out.write(content)
