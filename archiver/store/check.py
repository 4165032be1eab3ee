"""Recompute what the archive says of itself: reads only; names what is wrong, where, and what it was sound until.

Two depths. The structure: SQLite's own check, the schema, every record's digest, the whole ledger with every
checkpoint's root and signature. And the data: every byte of every blob (SQLite's check does not see a flipped bit in a
large value, EVIDENCE 2).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archiver.errors import ArchiverError
from archiver.ledger import checkpoint
from archiver.ledger.keys import parse_vkey
from archiver.ledger.tree import Tree, leaf_hash
from archiver.model import canonical
from archiver.store import log, schema


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it must be: what, which, how."""

    what: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}: {self.problem}"


Progress = Callable[[str, int, int], None]


def damages(
    db: sqlite3.Connection, *, share: float = 1.0, chosen: int = 0, progress: Progress | None = None
) -> Iterator[Damage]:
    """Every damage found. *share* of the blobs are read and hashed (0: the structure only); *chosen* says which, where
    it is not all of them, so that a sample can be drawn again."""
    tell = progress or (lambda what, done, total: None)
    for (message,) in db.execute("PRAGMA integrity_check(100)" if share >= 1 else "PRAGMA quick_check(100)"):
        if message != "ok":
            yield Damage("file", "structure", message)
    for row in db.execute("PRAGMA foreign_key_check"):
        yield Damage("row", f"{row[0]} {row[1]}", f"names a row of {row[2]} that is not there")
    yield from _schema(db)
    yield from _captures(db, tell)
    yield from _blobs(db, share, chosen, tell)
    yield from _opinions(db)


def _schema(db: sqlite3.Connection) -> Iterator[Damage]:
    """A changed trigger passes SQLite's own check, so the schema is compared with a fresh one."""
    fresh = sqlite3.connect(":memory:")
    for part in (schema.FACTS, schema.GUARDS, schema.OPINIONS, schema.WORK, schema.LEDGER):
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


def _captures(db: sqlite3.Connection, tell: Progress) -> Iterator[Damage]:
    """Every record's digest, and the ledger over them: its nodes, and each checkpoint's root and signature."""
    total = db.execute("SELECT count(*) FROM capture").fetchone()[0]
    blobs = {row[0]: row[1] for row in db.execute("SELECT sha256, size FROM blob")}
    heads = {kept.size: kept for kept in log.checkpoints(db)}
    tree = Tree()
    sound_until: log.Kept | None = None
    for done, (seq, id, record) in enumerate(db.execute("SELECT seq, id, record FROM capture ORDER BY seq"), 1):
        if seq != done:
            since = f" since the checkpoint of {sound_until.size} captures" if sound_until else ""
            yield Damage("capture", id, f"stands at {seq} where {done} is due: one before it was removed{since}")
            return
        content = record.encode()
        if hashlib.sha256(content).hexdigest() != id:
            yield Damage("capture", id, "its record was changed")
        else:
            yield from _parts(id, record, blobs)
        for level, position, hash in tree.append([leaf_hash(content)]):
            kept = db.execute("SELECT hash FROM node WHERE level = ? AND position = ?", (level, position)).fetchone()
            if kept is None or bytes(kept[0]) != hash:
                yield Damage("ledger", f"node {position} of level {level}", "is not what the captures give")
        head = heads.pop(done, None)
        if head is not None:
            wrong = _head(head, tree.root())
            if wrong:
                yield Damage("checkpoint", f"of {done} captures", wrong)
            else:
                sound_until = head
        tell("captures", done, total)
    for size in heads:
        yield Damage("checkpoint", f"of {size} captures", f"the archive has only {total}: captures were removed")
    nodes = db.execute("SELECT count(*) FROM node").fetchone()[0]
    wanted = sum(total >> level for level in range(total.bit_length()))
    if nodes != wanted:
        yield Damage("ledger", "tree", f"has {nodes} nodes where {total} captures give {wanted}")


def _parts(id: str, record: str, blobs: dict[str, int]) -> Iterator[Damage]:
    kept = json.loads(record)
    if canonical(kept) != record.encode():
        yield Damage("capture", id, "its record is not in canonical form")
    for part in ("request_body", "body", "payload"):
        if blobs.get(kept[part]["sha256"]) != kept[part]["size"]:
            yield Damage("capture", id, f"its {part} sha256:{kept[part]['sha256']} is missing or of another size")


def _head(kept: log.Kept, root: bytes) -> str | None:
    """What is wrong with a checkpoint, if anything. The key stands beside it: whether it is the operator's is for the
    reader to compare with what the operator published."""
    try:
        head = checkpoint.verify(kept.note, [parse_vkey(kept.vkey)])
    except ArchiverError as error:
        return f"its signature does not hold ({error})"
    if head.size != kept.size or head.root != root:
        return "is of other captures than these"
    return None


def _blobs(db: sqlite3.Connection, share: float, chosen: int, tell: Progress) -> Iterator[Damage]:
    if share <= 0:
        return
    names = db.execute("SELECT sha256, size FROM blob ORDER BY sha256").fetchall()
    if share < 1:
        names = [row for row in names if _lot(row[0], chosen) < share]
    for done, (sha256, size) in enumerate(names, 1):
        whole, length, counted = hashlib.sha256(), 0, 0
        pieces = db.execute(
            "SELECT seq, chunk, data FROM blob_chunk LEFT JOIN chunk ON chunk.sha256 = chunk WHERE blob = ? "
            "ORDER BY seq",
            (sha256,),
        )
        for seq, name, piece in pieces:
            if piece is None or seq != counted:
                yield Damage("blob", f"sha256:{sha256}", f"its piece {counted} ({name}) is missing")
                continue
            counted += 1
            if hashlib.sha256(piece).hexdigest() != name:
                yield Damage("chunk", f"sha256:{name}", "its bytes were changed")
            whole.update(piece)
            length += len(piece)
        if whole.hexdigest() != sha256 or length != size:
            yield Damage("blob", f"sha256:{sha256}", f"its {length} bytes are not the {size} that were stored")
        tell("blobs", done, len(names))
    if share >= 1:
        unnamed = "SELECT sha256, data FROM chunk WHERE sha256 NOT IN (SELECT chunk FROM blob_chunk)"
        for name, piece in db.execute(unnamed):
            if hashlib.sha256(piece).hexdigest() != name:
                yield Damage("chunk", f"sha256:{name}", "its bytes were changed (no blob uses it)")


def _lot(sha256: str, chosen: int) -> float:
    """A number in 0..1 drawn for a blob."""
    return int.from_bytes(hashlib.sha256(f"{chosen} {sha256}".encode()).digest()[:6], "big") / 2**48


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
