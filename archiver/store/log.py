"""The ledger's rows: nodes of the tree, signed checkpoints, time stamps.

What they mean is `archiver.ledger`; here they are only kept. Leaf i is the record of the capture with seq i + 1.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from archiver.errors import ArchiveError
from archiver.ledger.tree import Node, Tree
from archiver.model import timestamp
from archiver.store.schema import ERASED


@dataclass(frozen=True, slots=True)
class Kept:
    """A signed checkpoint as it is kept, with the key (C2SP vkey) that is said to have signed it."""

    size: int
    note: bytes
    vkey: str
    signed_at: str


def node_at(db: sqlite3.Connection) -> Callable[[int, int], bytes]:
    """Storage as `ledger.tree.Tree` reads it."""

    def get(level: int, position: int) -> bytes:
        row = db.execute("SELECT hash FROM node WHERE level = ? AND position = ?", (level, position)).fetchone()
        if row is None:
            raise ArchiveError(f"the ledger lacks node {position} of level {level}. Run `archiver verify`.")
        return bytes(row[0])

    return get


def tree(db: sqlite3.Connection) -> Tree:
    """The tree over all captures."""
    return Tree(node_at(db), size(db))


def size(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(position) + 1, 0) FROM node WHERE level = 0").fetchone()[0])


def add_nodes(db: sqlite3.Connection, nodes: Iterable[Node]) -> None:
    db.executemany("INSERT INTO node (level, position, hash) VALUES (?, ?, ?)", nodes)


def record(db: sqlite3.Connection, leaf: int) -> bytes:
    """The record that is leaf *leaf* (from 0)."""
    row = db.execute("SELECT record FROM capture WHERE seq = ?", (leaf + 1,)).fetchone()
    if row is None:
        raise ArchiveError(f"the ledger has no leaf {leaf}. Run `archiver verify`.")
    if row[0] == ERASED:
        raise ArchiveError(f"leaf {leaf}: its record was erased; only its hash is kept, so there is nothing to show.")
    return str(row[0]).encode()


def leaf_of(db: sqlite3.Connection, capture: str) -> int | None:
    """Which leaf (from 0) a capture is."""
    row = db.execute("SELECT seq FROM capture WHERE id = ?", (capture,)).fetchone()
    return row[0] - 1 if row else None


def add_checkpoint(db: sqlite3.Connection, kept: Kept, run: str | None) -> None:
    db.execute("INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)", (kept.size, kept.note, kept.vkey, run, kept.signed_at))
    seal_checkpoint(db, kept.size)


def checkpoints(db: sqlite3.Connection) -> Iterator[Kept]:
    """Every checkpoint, by size."""
    for row in db.execute("SELECT size, note, vkey, signed_at FROM checkpoint ORDER BY size").fetchall():
        yield Kept(row[0], bytes(row[1]), row[2], row[3])


def last_checkpoint(db: sqlite3.Connection) -> Kept | None:
    row = db.execute("SELECT size, note, vkey, signed_at FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    return Kept(row[0], bytes(row[1]), row[2], row[3]) if row else None


def checkpoint_over(db: sqlite3.Connection, leaf: int) -> Kept | None:
    """The first checkpoint that holds this leaf."""
    row = db.execute(
        "SELECT size, note, vkey, signed_at FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1", (leaf,)
    ).fetchone()
    return Kept(row[0], bytes(row[1]), row[2], row[3]) if row else None


def add_stamp(db: sqlite3.Connection, size: int, authority: str, token: bytes, at: dt.datetime) -> None:
    db.execute("INSERT INTO stamp VALUES (?, ?, ?, ?)", (size, authority, token, timestamp(at)))
    seal_stamp(db, size, authority)


def stamps(db: sqlite3.Connection, size: int) -> list[bytes]:
    """The raw RFC 3161 answers over the checkpoint of that size."""
    rows = db.execute("SELECT token FROM stamp WHERE size = ? ORDER BY authority", (size,))
    return [bytes(row[0]) for row in rows]


def every_stamp(db: sqlite3.Connection) -> Iterator[tuple[int, str, bytes, bytes]]:
    """(size, authority, raw token, the checkpoint it is over) of every time stamp, those of merged logs included."""
    rows = db.execute(
        "SELECT size, authority, token, note FROM stamp JOIN checkpoint USING (size) UNION ALL "
        "SELECT s.size, s.authority, s.token, c.note FROM origin_stamp s "
        "JOIN origin_checkpoint c ON c.log = s.log AND c.size = s.size ORDER BY 1, 2"
    )
    for size, authority, token, note in rows:
        yield size, authority, bytes(token), bytes(note)


# --- seals: the digest of a row, since no signature covers all of its columns -----------------------------------------

_CHECKPOINT = "SELECT size, note, vkey, run, signed_at FROM checkpoint"
_STAMP = "SELECT size, authority, token, stamped_at FROM stamp"


def digest(row: Iterable[object]) -> str:
    """SHA-256 over a row's values, each with its length before it."""
    whole = hashlib.sha256()
    for value in row:
        content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
        whole.update(f"{type(value).__name__} {len(content)} ".encode() + content)
    return whole.hexdigest()


def seal_checkpoint(db: sqlite3.Connection, size: int) -> None:
    row = db.execute(f"{_CHECKPOINT} WHERE size = ?", (size,)).fetchone()
    db.execute("INSERT INTO seal VALUES ('checkpoint', ?, ?)", (str(size), digest(row)))


def seal_stamp(db: sqlite3.Connection, size: int, authority: str) -> None:
    row = db.execute(f"{_STAMP} WHERE size = ? AND authority = ?", (size, authority)).fetchone()
    db.execute("INSERT INTO seal VALUES ('stamp', ?, ?)", (f"{size} {authority}", digest(row)))


def seal_origin(db: sqlite3.Connection, name: str) -> None:
    """Call once all rows of a merged log are there."""
    db.execute("INSERT INTO seal VALUES ('merged log', ?, ?)", (name, _origin(db, name)))


def _origin(db: sqlite3.Connection, name: str) -> str:
    whole = hashlib.sha256()
    for table, order in (("leaf", "leaf"), ("checkpoint", "size"), ("stamp", "size, authority")):
        sql = f"SELECT * FROM origin_{table} WHERE log = ? ORDER BY {order}"  # noqa: S608 - literals of this line
        for row in db.execute(sql, (name,)):
            whole.update(digest(row).encode())
    return whole.hexdigest()


def seals(db: sqlite3.Connection) -> Iterator[tuple[str, str, str | None, str | None]]:
    """(kind, name, digest of the row as it is, digest as it was sealed) of every checkpoint and stamp; None for the
    one of the two that is missing."""
    sealed = {(row[0], row[1]): row[2] for row in db.execute("SELECT kind, name, sha256 FROM seal")}
    for row in db.execute(_CHECKPOINT):
        yield "checkpoint", str(row[0]), digest(row), sealed.pop(("checkpoint", str(row[0])), None)
    for row in db.execute(_STAMP):
        name = f"{row[0]} {row[1]}"
        yield "stamp", name, digest(row), sealed.pop(("stamp", name), None)
    for (name,) in db.execute("SELECT DISTINCT log FROM origin_leaf").fetchall():
        yield "merged log", name, _origin(db, name), sealed.pop(("merged log", name), None)
    for (kind, name), was in sealed.items():
        yield kind, name, None, was
