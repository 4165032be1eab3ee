"""Captures and their bytes: append-only, content-addressed, in constant memory whatever their size."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from archiver.errors import ArchiveError
from archiver.model import Body, Capture, Origin, Request, moment, timestamp
from archiver.store.schema import CHUNK_SIZE, ERASED, connect_to_read, translated

#: A transaction holds at most this many bytes of chunks, so that the WAL stays small and litestream keeps up.
BATCH = 32 * CHUNK_SIZE

REDIRECTS = {301, 302, 303, 307, 308}


def has_blob(db: sqlite3.Connection, sha256: str) -> bool:
    return db.execute("SELECT 1 FROM blob WHERE sha256 = ?", (sha256,)).fetchone() is not None


def chunks_of(body: Body) -> Iterator[bytes]:
    """The pieces a blob is kept in."""
    with body.open() as stream:
        while piece := stream.read(CHUNK_SIZE):
            yield piece


def add_chunk(db: sqlite3.Connection, piece: bytes, name: str | None = None) -> str:
    """Keep one piece, once; *name* where it was hashed already. Call within a transaction."""
    name = name or hashlib.sha256(piece).hexdigest()
    if db.execute("SELECT 1 FROM chunk WHERE sha256 = ?", (name,)).fetchone() is None:
        db.execute("INSERT INTO chunk (sha256, data) VALUES (?, ?)", (name, piece))
    return name


def add_blob(db: sqlite3.Connection, sha256: str, size: int, names: list[str]) -> None:
    """Name the pieces as one blob. Call within a transaction, after the pieces."""
    db.execute("INSERT INTO blob (sha256, size) VALUES (?, ?)", (sha256, size))
    db.executemany(
        "INSERT INTO blob_chunk (blob, seq, chunk) VALUES (?, ?, ?)",
        [(sha256, seq, name) for seq, name in enumerate(names)],
    )


def add_capture(db: sqlite3.Connection, capture: Capture) -> bytes | None:
    """Append a capture whose blobs are kept already, and give its record; None if this very capture is known. Call
    within a transaction, which also appends the record to the ledger."""
    record, id = capture.leaf, capture.id
    if db.execute("SELECT 1 FROM capture WHERE id = ?", (id,)).fetchone():
        return None
    size = db.execute("SELECT coalesce(max(seq), 0) FROM capture").fetchone()[0]
    db.execute("INSERT INTO capture (seq, id, record) VALUES (?, ?, ?)", (size + 1, id, record.decode()))
    return record


class _BlobReader(io.RawIOBase):
    """A blob as a seekable stream; holds one chunk at a time."""

    def __init__(self, db: sqlite3.Connection, sha256: str, size: int) -> None:
        self._db, self._sha256, self._size, self._at = db, sha256, size, 0
        self._seq, self._piece = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # the protocol's WriteableBuffer is private to typeshed
        if self._at >= self._size or not len(view):
            return 0
        # Every piece but the last is CHUNK_SIZE long, by construction.
        seq, offset = divmod(self._at, CHUNK_SIZE)
        if seq != self._seq:
            row = self._db.execute(
                "SELECT data FROM chunk JOIN blob_chunk ON chunk = sha256 WHERE blob = ? AND seq = ?",
                (self._sha256, seq),
            ).fetchone()
            if row is None:
                raise ArchiveError(f"sha256:{self._sha256}: piece {seq} is missing. Run `archiver verify`.")
            self._seq, self._piece = seq, row[0]
        piece = self._piece[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class _BlobReaderApart(_BlobReader):
    """The same through a connection that is its own, and that only it can translate the errors of."""

    def __init__(self, path: Path, db: sqlite3.Connection, sha256: str, size: int) -> None:
        super().__init__(db, sha256, size)
        self._path = path

    def readinto(self, buffer: object) -> int:
        with translated(self._path):
            return super().readinto(buffer)

    def close(self) -> None:
        super().close()
        self._db.close()


def open_blob(db: sqlite3.Connection, sha256: str, apart: Path | None = None) -> BinaryIO:
    """A seekable reader; ArchiveError if the archive has no such blob. Where *apart* names the archive, the reader has
    the connection for itself, and closes it."""
    row = db.execute("SELECT size FROM blob WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None and (pieces := pieces_of(db, sha256)):
        from archiver import hls  # few archives need it, and a look-up must feel instant

        return hls.chained([each.payload for each in pieces])
    if row is None:
        raise ArchiveError(f"sha256:{sha256}: the archive has no such bytes. Run `archiver verify`.")
    gone = db.execute("SELECT erased_at FROM erasure WHERE kind = 'blob' AND name = ?", (sha256,)).fetchone()
    if gone:
        raise ArchiveError(f"sha256:{sha256}: was erased on {gone[0][:10]}; only its digest is kept.")
    reader = _BlobReader(db, sha256, row[0]) if apart is None else _BlobReaderApart(apart, db, sha256, row[0])
    return cast("BinaryIO", io.BufferedReader(reader, CHUNK_SIZE))


def pieces_of(db: sqlite3.Connection, film: str) -> list[Capture]:
    """The captures that a film in segments is made of; none for anything else."""
    rows = db.execute(
        "SELECT record FROM piece JOIN capture ON capture.id = piece.capture WHERE film = ? AND piece.seq >= 0 "
        "ORDER BY piece.seq",
        (film,),
    )
    return [capture_from(db, row[0]) for row in rows.fetchall()]


def body(db: sqlite3.Connection, sha256: str, size: int) -> Body:
    return Body(sha256, size, lambda: open_blob(db, sha256))


def body_apart(path: Path, sha256: str, size: int) -> Body:
    """A body that any thread may read while the archive is written, through a connection of its own each time.

    What reads through the writer's connection is part of its transaction: where SQLite has to make room for what is
    read, and the disk is full, it undoes that transaction under whoever is writing (https://sqlite.org/lang_transaction.html).
    """

    def opened() -> BinaryIO:
        db = connect_to_read(path, any_thread=True)
        try:
            with translated(path):
                return open_blob(db, sha256, path)
        except BaseException:
            db.close()
            raise

    return Body(sha256, size, opened)


def capture_from(db: sqlite3.Connection, record: str) -> Capture:
    """A stored capture, its bodies read from the archive when asked for."""
    if record == ERASED:
        raise ArchiveError("the record of this capture was erased; only its digest and its leaf are kept.")
    kept = json.loads(record)
    return Capture(
        url=kept["url"],
        method=kept["method"],
        request_headers=tuple((name, value) for name, value in kept["request_headers"]),
        request_body=body(db, **kept["request_body"]),
        status=kept["status"],
        protocol=kept["protocol"],
        headers=tuple((name, value) for name, value in kept["headers"]),
        body=body(db, **kept["body"]),
        payload=body(db, **kept["payload"]),
        truncated=kept["truncated"],
        started_at=moment(kept["started_at"]),
        ended_at=moment(kept["ended_at"]),
        origin=Origin(**kept["origin"]),
        server_address=kept["server_address"],
        tls_certificate=kept["tls_certificate"],
        proxy=kept["proxy"],
        redirected_from=kept["redirected_from"],
    )


def capture(db: sqlite3.Connection, id: str) -> Capture:
    row = db.execute("SELECT record FROM capture WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise ArchiveError(f"capture {id}: the archive has none of that name. Run `archiver verify`.")
    return capture_from(db, row[0])


def captures(db: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    """(seq, id, canonical record) of every capture, in the order they were acknowledged."""
    yield from db.execute("SELECT seq, id, record FROM capture ORDER BY seq")


def kept_since(db: sqlite3.Connection, request: Request, since: dt.datetime) -> tuple[Capture, ...]:
    """The hops an interrupted try made for this very request, if it came to an end; else nothing."""
    row = db.execute(
        "SELECT id, record FROM capture WHERE url = ? AND method = ? AND request_body = ? AND started_at >= ? "
        "AND redirected_from IS NULL ORDER BY seq LIMIT 1",
        (request.url, request.method, Body.of(request.body).sha256, timestamp(since)),
    ).fetchone()
    chain: list[Capture] = []
    while row and len(chain) <= request.follow:
        chain.append(capture_from(db, row[1]))
        row = db.execute(
            "SELECT id, record FROM capture WHERE redirected_from = ? AND started_at >= ? ORDER BY seq LIMIT 1",
            (row[0], timestamp(since)),
        ).fetchone()
    if chain and len(chain) <= request.follow and chain[-1].status in REDIRECTS:
        return ()  # cut off in the middle
    return tuple(chain)


def asked_since(db: sqlite3.Connection, since: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """What was asked of the live web since then, newest last: (URL, when)."""
    rows = db.execute("SELECT url, started_at, origin FROM capture ORDER BY seq DESC LIMIT 5000")
    return [(row[0], moment(row[1])) for row in rows if row[2] == "live" and row[1] >= timestamp(since)][::-1]
