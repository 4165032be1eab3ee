"""Recompute everything: whether the archive still is what it says. Reads only; names what is wrong, and where."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archiver.model import canonical
from archiver.store import schema


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it must be: what, which, how."""

    what: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}: {self.problem}"


def damages(db: sqlite3.Connection, progress: Callable[[str, int, int], None] | None = None) -> Iterator[Damage]:
    """Every damage found: the file's structure, its schema, each capture's id, each byte of each blob."""
    tell = progress or (lambda what, done, total: None)
    for (message,) in db.execute("PRAGMA integrity_check(100)"):
        if message != "ok":
            yield Damage("file", "structure", message)
    for row in db.execute("PRAGMA foreign_key_check"):
        yield Damage("row", f"{row[0]} {row[1]}", f"names a row of {row[2]} that is not there")
    yield from _schema(db)
    yield from _captures(db, tell)
    yield from _blobs(db, tell)
    yield from _opinions(db)


def _schema(db: sqlite3.Connection) -> Iterator[Damage]:
    """A changed trigger passes SQLite's own check, so the schema is compared with a fresh one."""
    fresh = sqlite3.connect(":memory:")
    for part in (schema.FACTS, schema.GUARDS, schema.OPINIONS, schema.WORK):
        fresh.executescript(part)
    sql = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    wanted, found = dict(fresh.execute(sql).fetchall()), dict(db.execute(sql).fetchall())
    fresh.close()
    for name, text in wanted.items():
        if name not in found:
            yield Damage("schema", name, "is missing")
        elif found[name] != text:
            yield Damage("schema", name, "was changed")
    for name in found.keys() - wanted.keys():
        if "_sqlite_migrations" not in name and "sqlite_stat" not in name:
            yield Damage("schema", name, "was added by somebody else")


def _captures(db: sqlite3.Connection, tell: Callable[[str, int, int], None]) -> Iterator[Damage]:
    total = db.execute("SELECT count(*) FROM capture").fetchone()[0]
    blobs = {row[0]: row[1] for row in db.execute("SELECT sha256, size FROM blob")}
    for done, (seq, id, record) in enumerate(db.execute("SELECT seq, id, record FROM capture ORDER BY seq"), 1):
        if seq != done:
            yield Damage("capture", id, f"stands at {seq} where {done} is due: one before it was removed")
            return
        if hashlib.sha256(record.encode()).hexdigest() != id:
            yield Damage("capture", id, "its record was changed")
            continue
        kept = json.loads(record)
        if canonical(kept) != record.encode():
            yield Damage("capture", id, "its record is not in canonical form")
        for part in ("request_body", "body", "payload"):
            if blobs.get(kept[part]["sha256"]) != kept[part]["size"]:
                yield Damage("capture", id, f"its {part} sha256:{kept[part]['sha256']} is missing or of another size")
        tell("captures", done, total)


def _blobs(db: sqlite3.Connection, tell: Callable[[str, int, int], None]) -> Iterator[Damage]:
    total = db.execute("SELECT count(*) FROM blob").fetchone()[0]
    for done, (sha256, size) in enumerate(db.execute("SELECT sha256, size FROM blob ORDER BY sha256").fetchall(), 1):
        whole, length = hashlib.sha256(), 0
        pieces = db.execute(
            "SELECT chunk, data FROM blob_chunk LEFT JOIN chunk ON chunk.sha256 = chunk WHERE blob = ? ORDER BY seq",
            (sha256,),
        )
        for name, piece in pieces:
            if piece is None:
                yield Damage("blob", f"sha256:{sha256}", f"its piece {name} is missing")
                continue
            if hashlib.sha256(piece).hexdigest() != name:
                yield Damage("chunk", f"sha256:{name}", "its bytes were changed")
            whole.update(piece)
            length += len(piece)
        if whole.hexdigest() != sha256 or length != size:
            yield Damage("blob", f"sha256:{sha256}", f"its {length} bytes are not the {size} that were stored")
        tell("blobs", done, total)
    unnamed = "SELECT sha256, data FROM chunk WHERE sha256 NOT IN (SELECT chunk FROM blob_chunk)"
    for name, piece in db.execute(unnamed):
        if hashlib.sha256(piece).hexdigest() != name:
            yield Damage("chunk", f"sha256:{name}", "its bytes were changed (no blob uses it)")


def _opinions(db: sqlite3.Connection) -> Iterator[Damage]:
    rows = db.execute(
        "SELECT snapshot, key FROM media JOIN capture ON capture.id = media.capture "
        "WHERE media.sha256 IS NOT NULL AND media.sha256 <> capture.payload"
    )
    for snapshot, key in rows:
        yield Damage("media", f"{key} of snapshot {snapshot}", "is said to be other bytes than its capture's")
    try:
        db.execute("SELECT count(*) FROM wording_fts WHERE wording_fts MATCH 'a'").fetchone()
    except sqlite3.DatabaseError as error:
        yield Damage("index", "words", f"cannot be searched ({error})")
