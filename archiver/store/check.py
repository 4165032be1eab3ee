"""Recompute what the archive says of itself: reads only; names what is wrong, where, and what it was sound until.

Two depths. The structure: SQLite's own check, the schema, every record's digest, the whole ledger with every
checkpoint's root and signature. And the data: every byte of every blob (SQLite's check does not see a flipped bit in a
large value, EVIDENCE 2).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archiver.errors import ArchiverError
from archiver.ledger import checkpoint
from archiver.ledger.keys import parse_vkey
from archiver.ledger.tree import Node, Tree, leaf_hash
from archiver.model import canonical
from archiver.store import erasure, facts, log, schema


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
    steps: tuple[tuple[str, Callable[[], Iterator[Damage]]], ...] = (
        ("structure", lambda: _structure(db, whole=share >= 1)),
        ("schema", lambda: _schema(db)),
        ("captures", lambda: _captures(db, tell, whole=share >= 1)),
        ("ledger", lambda: _seals(db)),
        ("erasures", lambda: _erasures(db)),
        ("blobs", lambda: _blobs(db, share, chosen, tell)),
        ("opinions", lambda: _opinions(db, whole=share >= 1)),
    )
    for name, step in steps:
        try:
            yield from step()
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            # A page that cannot be read ends one step, not the others: what is sound is still to be said.
            yield Damage("file", name, f"cannot be read ({error})")


def _structure(db: sqlite3.Connection, *, whole: bool) -> Iterator[Damage]:
    for (message,) in db.execute("PRAGMA integrity_check(100)" if whole else "PRAGMA quick_check(100)"):
        if message != "ok":
            yield Damage("file", "structure", message)
    for row in db.execute("PRAGMA foreign_key_check"):
        yield Damage("row", f"{row[0]} {row[1]}", f"names a row of {row[2]} that is not there")


@functools.cache
def _wanted(version: int) -> dict[str, str]:
    """The schema as a program of that format makes it."""
    with contextlib.closing(schema.as_of(version)) as fresh:
        return dict(fresh.execute(_SCHEMA).fetchall())


_SCHEMA = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL"


def _schema(db: sqlite3.Connection) -> Iterator[Damage]:
    """A changed trigger passes SQLite's own check, so the schema is compared with a fresh one."""
    # A format that the file only claims to have shows here: it then has more, or less, than that format.
    version = db.execute("PRAGMA user_version").fetchone()[0]
    wanted, found = _wanted(version), dict(db.execute(_SCHEMA).fetchall())
    for name, text in wanted.items():
        if name not in found:
            yield Damage("schema", name, "is missing")
        elif found[name] != text:
            yield Damage("schema", name, "was changed")
    for name in found.keys() - wanted.keys():
        if "_sqlite_migrations" not in name and "sqlite_stat" not in name:
            yield Damage("schema", name, "was added by somebody else")


#: Captures whose nodes are compared at once.
_BATCH = 8192


def _captures(db: sqlite3.Connection, tell: Progress, *, whole: bool) -> Iterator[Damage]:
    """Every record's digest, and the ledger over them: its nodes, and each checkpoint's root and signature. *whole*:
    also whether each record is in canonical form, which its digest does not need and which takes as long again."""
    total = db.execute("SELECT count(*) FROM capture").fetchone()[0]
    blobs = {row[0]: row[1] for row in db.execute("SELECT sha256, size FROM blob")}
    heads = {kept.size: kept for kept in log.checkpoints(db)}
    erased = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'capture'")}
    # The first format had no ledger.
    has_ledger = schema.older(db) != 1
    tree = Tree()
    sound_until: log.Kept | None = None
    rows = iter(db.cursor().execute("SELECT seq, id, record FROM capture ORDER BY seq"))
    # A batch ends where a checkpoint does, because its root is that of the tree just then.
    ends = sorted({size for size in heads if 0 < size < total} | {total})
    for end in ends:
        while tree.size < end:
            leaves: list[bytes] = []
            for seq, id, record in itertools.islice(rows, min(_BATCH, end - tree.size)):
                due = tree.size + len(leaves) + 1
                if seq != due:
                    since = f" since the checkpoint of {sound_until.size} captures" if sound_until else ""
                    yield Damage("capture", id, f"stands at {seq} where {due} is due: one before it was removed{since}")
                    return
                content = record.encode()
                if record == schema.ERASED and id in erased:
                    # What was erased keeps its place: its leaf is the node that stands there, which the root vouches
                    # for. The id was the record's digest.
                    leaves.append(log.node_at(db)(0, seq - 1))
                    continue
                if hashlib.sha256(content).hexdigest() != id:
                    yield Damage("capture", id, "its record was changed")
                else:
                    yield from _parts(id, record, blobs, whole=whole)
                leaves.append(leaf_hash(content))
            if not leaves:
                yield Damage("ledger", "captures", f"end at {tree.size} where {end} are due")
                return
            nodes_due = tree.append(leaves)
            if has_ledger:
                yield from _nodes(db, nodes_due)
            tell("captures", tree.size, total)
        head = heads.pop(end, None)
        if head is not None:
            wrong = _head(head, tree.root())
            if wrong:
                yield Damage("checkpoint", f"of {end} captures", wrong)
            else:
                sound_until = head
    for size in heads:
        yield Damage("checkpoint", f"of {size} captures", f"the archive has only {total}: captures were removed")
    nodes = db.execute("SELECT count(*) FROM node").fetchone()[0]
    wanted = sum(total >> level for level in range(total.bit_length()))
    if nodes != wanted and has_ledger:
        yield Damage("ledger", "tree", f"has {nodes} nodes where {total} captures give {wanted}")


def _nodes(db: sqlite3.Connection, nodes: list[Node]) -> Iterator[Damage]:
    """The nodes that are kept against those that the captures give, a level at a time."""
    for level, row in itertools.groupby(nodes, key=lambda node: node[0]):
        wanted = {position: hash for _, position, hash in row}
        sql = "SELECT position, hash FROM node WHERE level = ? AND position BETWEEN ? AND ?"
        kept = dict(db.execute(sql, (level, min(wanted), max(wanted))).fetchall())
        if kept != wanted:
            for position, hash in wanted.items():
                if kept.get(position) != hash:
                    yield Damage("ledger", f"node {position} of level {level}", "is not what the captures give")


def _parts(id: str, record: str, blobs: dict[str, int], *, whole: bool) -> Iterator[Damage]:
    kept = json.loads(record)
    # The quick writer and RFC 8785 agree on all that a record usually holds; where they do not, RFC 8785 decides.
    if whole and _quick(kept) != record and canonical(kept) != record.encode():
        yield Damage("capture", id, "its record is not in canonical form")
    for part in ("request_body", "body", "payload"):
        if blobs.get(kept[part]["sha256"]) != kept[part]["size"]:
            yield Damage("capture", id, f"its {part} sha256:{kept[part]['sha256']} is missing or of another size")


_quick = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _seals(db: sqlite3.Connection) -> Iterator[Damage]:
    """Every column of a checkpoint's and a stamp's row; the logs of merged archives; who runs belong to."""
    # Seals came with the third format.
    for kind, name, found, sealed in log.seals(db) if (schema.older(db) or 3) >= 3 else ():
        if found is None:
            yield Damage(kind, name, "was removed; its seal is still there")
        elif found != sealed:
            yield Damage(kind, name, "its row was changed" if sealed else "has no seal")
    yield from _origins(db)


def _erasures(db: sqlite3.Connection) -> Iterator[Damage]:
    """What is said to have been erased must be so by an event of the ledger, and must be gone."""
    for name, problem in erasure.doubts(db):
        yield Damage("erasure", name, problem)
    left = "SELECT blob FROM blob_chunk JOIN erasure ON kind = 'blob' AND name = blob GROUP BY blob"
    for (name,) in db.execute(left):
        yield Damage("erasure", f"blob sha256:{name}", "is still there")
    why = erasure.unfinished(db)
    if why:
        yield Damage("erasure", "unfinished", f"bytes may linger ({why}). Run `archiver erase --finish`")


def _origins(db: sqlite3.Connection) -> Iterator[Damage]:
    """The logs of archives that were merged into this one: their leaves, in their order, give the roots they signed."""
    logs = db.execute("SELECT DISTINCT log FROM origin_leaf UNION SELECT log FROM origin_checkpoint").fetchall()
    for (name,) in logs:
        heads = {
            row[0]: log.Kept(row[0], bytes(row[1]), row[2], row[3])
            for row in db.execute(
                "SELECT size, note, vkey, signed_at FROM origin_checkpoint WHERE log = ? ORDER BY size", (name,)
            )
        }
        tree = Tree()
        rows = db.cursor().execute(
            "SELECT leaf, hash FROM origin_leaf JOIN capture ON capture.id = origin_leaf.capture "
            "JOIN node ON node.level = 0 AND node.position = capture.seq - 1 WHERE log = ? ORDER BY leaf",
            (name,),
        )
        for leaf, hash in rows:
            if leaf != tree.size:
                break
            tree.append([hash])
            head = heads.pop(tree.size, None)
            wrong = head and _head(head, tree.root())
            if wrong:
                yield Damage("checkpoint", f"of {tree.size} captures of the merged log {name[:16]}", wrong)
        for size in heads:
            yield Damage("checkpoint", f"of {size} captures of the merged log {name[:16]}", "its leaves are not there")


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
    gone = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'blob'")}
    names = [row for row in names if row[0] not in gone]
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


def _opinions(db: sqlite3.Connection, *, whole: bool) -> Iterator[Damage]:
    rows = db.execute(
        "SELECT snapshot, key FROM media JOIN capture ON capture.id = media.capture "
        "WHERE media.sha256 IS NOT NULL AND media.sha256 <> capture.payload "
        "AND media.sha256 NOT IN (SELECT film FROM piece)"
    )
    for snapshot, key in rows:
        yield Damage("media", f"{key} of snapshot {snapshot}", "is said to be other bytes than its capture's")
    for (name,) in db.execute("SELECT DISTINCT film FROM piece").fetchall() if whole else ():
        from archiver import hls

        try:
            made = hls.joined(facts.pieces_of(db, name)).sha256
        except ArchiverError as error:
            yield Damage("film", name, str(error))
            continue
        if made != name:
            yield Damage("film", name, "is said to be other bytes than its pieces make")
    try:
        db.execute("SELECT count(*) FROM wording_fts WHERE wording_fts MATCH 'a'").fetchone()
    except sqlite3.DatabaseError as error:
        yield Damage("index", "words", f"cannot be searched ({error})")
