"""Other people's files, taken in as facts: which kind each is, its bytes as captures marked as imported.

Nothing here reads a post (`archiver.imported` does, through the platforms). A file of JSON Lines gives a capture a
line, byte for byte, because such files are larger than what a parser may be handed; any other document is one capture.
The URL of such a capture is a name of ours, `urn:archiver:import:SHA256-OF-THE-FILE#LINE`: we asked nobody for it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from archiver.errors import InputError
from archiver.imports import auto_archiver
from archiver.model import EMPTY, MAX_READ, Body, Capture, Origin, moment

URN = "urn:archiver:import:"
_HEAD = 64 * 1024
_GZIP = b"\x1f\x8b"
#: A packed file may say more than this; whoever wants it taken in unpacks it first.
_MAX_UNPACKED = 16_000_000_000


class Kind(enum.Enum):
    """What a file turned out to be, by its bytes and never by its name."""

    RECORDING = "recording"  # WARC or WACZ
    LINES = "lines"  # JSON Lines
    DOCUMENT = "document"  # a JSON, CSV or HTML file that holds posts
    OTHER = "other"  # a picture, a film, or nothing we know: of use only where a document names it


@dataclass(frozen=True, slots=True)
class Handed:
    """One file that was handed in. `name` is how the archive names it: its own name, or its path within a folder that
    was handed in; `sha256` is of its bytes as they lie there."""

    name: str
    path: Path
    sha256: str
    kind: Kind


def handed(paths: Iterable[Path]) -> tuple[Handed, ...]:
    """Look at files, and at everything in folders (links are not followed). InputError where one cannot be read."""
    found = []
    for path in paths:
        try:
            if path.is_dir():
                inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
                found += [_look(each, each.relative_to(path).as_posix()) for each in inside]
            else:
                found.append(_look(path, path.name))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return tuple(found)


def _look(path: Path, name: str) -> Handed:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Handed(name, path, sha256, _kind(path))


def _kind(path: Path) -> Kind:
    try:
        with _unpacked(path) as stream:
            head = stream.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return Kind.OTHER
    if head.startswith((b"WARC/", b"PK\3\4")):
        return Kind.RECORDING
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"{" and b"\n" in text:
        return Kind.LINES if _is_json(text.partition(b"\n")[0]) else Kind.DOCUMENT
    if text[:1] == b"{":
        # One line: a page of a thousand posts may be longer than the head.
        return Kind.LINES
    if text[:1] == b"[" or auto_archiver.is_page(path, text) or auto_archiver.is_table(text):
        return Kind.DOCUMENT
    return Kind.OTHER


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        is_packed = stream.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if is_packed else path.open("rb")


def _retrieved_at(line: Any) -> dt.datetime | None:
    """When a line says that it was retrieved, as twarc2 and auto-archiver write it."""
    for outer, inner in (("__twarc", "retrieved_at"), ("metadata", "_processed_at")):
        stated = line.get(outer) if isinstance(line, dict) else None
        text = stated.get(inner) if isinstance(stated, dict) else None
        if isinstance(text, str):
            with contextlib.suppress(ValueError):
                return moment(text)
    return None


def captures(file: Handed, now: dt.datetime) -> Iterator[Capture | str]:
    """The captures of a file of lines or a document, in its order; in place of one that cannot be kept, why.

    Their time is what the line says of its own retrieval; where it says nothing it is *now*: by then it existed.
    """
    if file.kind is Kind.DOCUMENT:
        with _unpacked(file.path) as stream:
            content = stream.read(MAX_READ + 1)
        if len(content) > MAX_READ:
            yield f"is larger than a document that is read whole ({MAX_READ >> 20} MB); split it"
            return
        yield _capture(f"{URN}{file.sha256}", file.name, None, content, now)
        return
    left = _MAX_UNPACKED
    with _unpacked(file.path) as stream:
        number = 0
        try:
            while line := stream.readline(MAX_READ + 1):
                number += 1
                left -= len(line)
                if left < 0:
                    yield "is packed and larger than is unpacked; unpack it first"
                    return
                if len(line) > MAX_READ:
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(MAX_READ)
                    yield f"a line is longer than is read ({MAX_READ >> 20} MB)"
                    continue
                line = line.rstrip(b"\r\n")
                if not line.strip():
                    continue
                try:
                    at = _retrieved_at(json.loads(line.removeprefix(b"\xef\xbb\xbf")))
                except (ValueError, RecursionError):
                    yield "a line is not JSON"
                    continue
                yield _capture(f"{URN}{file.sha256}#{number}", file.name, f"line {number}", line, at or now)
        except (EOFError, zlib.error, OSError) as error:
            yield f"ends in the middle ({error})"


def _capture(url: str, name: str, place: str | None, content: bytes, at: dt.datetime) -> Capture:
    body = Body.of(content)
    return Capture(
        url=url,
        method="READ",
        request_headers=(),
        request_body=EMPTY,
        status=None,
        protocol=None,
        headers=(),
        body=body,
        payload=body,
        started_at=at,
        ended_at=at,
        origin=Origin("import", name, place),
    )


def media(file: Handed, stated: auto_archiver.File, at: dt.datetime) -> Capture:
    """A picture, film or sound that a document names, as it lies beside it."""
    path, size = file.path, file.path.stat().st_size
    body = Body(file.sha256, size, lambda: path.open("rb"))
    url = stated.src or f"{URN}{file.sha256}"
    return Capture(
        url=url,
        method="READ",
        request_headers=(),
        request_body=EMPTY,
        status=None,
        protocol=None,
        headers=(("content-type", stated.type),) if stated.type else (),
        body=body,
        payload=body,
        started_at=at,
        ended_at=at,
        origin=Origin("import", file.name),
    )


__all__ = ["URN", "Handed", "Kind", "auto_archiver", "captures", "handed", "media"]
