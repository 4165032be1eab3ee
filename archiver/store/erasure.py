"""Legal deletion: bytes and everything derived from them go, their digests and a dated reason stay.

What is erased: every capture made for a post (and, if asked, the articles that show it) loses its bytes, unless another
capture holds equal ones; snapshots, media rows, looks, wordings and codes made from them go. A capture's record (URL
and headers) is the ledger's leaf and stays, unless it is to go as well: then only its digest and leaf hash are left.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archiver.errors import ArchiveError
from archiver.model import EMPTY, PostRef, timestamp
from archiver.store import events, schema, work
from archiver.store.writer import Writer

#: The setting that stands while bytes may linger in free pages, the write-ahead log or the word index.
UNFINISHED = "erasure unfinished"
_PARTS = ("request_body", "body", "payload")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure would take: `shared` are blobs that stay because other captures hold equal bytes; `others` posts
    that lose a snapshot too, since the same capture shows them."""

    refs: tuple[PostRef, ...]
    articles: tuple[str, ...]
    captures: tuple[str, ...]
    blobs: tuple[tuple[str, int], ...]
    shared: tuple[str, ...]
    others: tuple[PostRef, ...]
    containers: tuple[str, ...]


def name_of(ref: PostRef) -> str:
    """A post as an erasure names it: the digest of its reference, so that the tombstone does not repeat it."""
    return hashlib.sha256(str(ref).encode()).hexdigest()


def is_erased(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether this post was erased, and so is not to be archived again."""
    row = db.execute("SELECT 1 FROM erasure WHERE kind = 'post' AND name = ?", (name_of(ref),)).fetchone()
    return row is not None


def is_blob_erased(db: sqlite3.Connection, sha256: str) -> bool:
    """Whether these very bytes were erased, and so are not to be taken in again."""
    return db.execute("SELECT 1 FROM erasure WHERE kind = 'blob' AND name = ?", (sha256,)).fetchone() is not None


def plan(db: sqlite3.Connection, refs: Iterable[PostRef], articles: Iterable[str] = (), *, shown: bool = False) -> Plan:
    """What erasing these posts and articles (ids) means; *shown*: also every article that shows one of the posts."""
    posts, documents = tuple(dict.fromkeys(refs)), dict.fromkeys(articles)
    wanted: dict[str, None] = {}
    for ref in posts:
        key = (ref.platform, ref.id)
        for (captures,) in db.execute("SELECT captures FROM attempt WHERE platform = ? AND post = ?", key):
            wanted.update(dict.fromkeys(json.loads(captures)))
        for row in db.execute("SELECT capture FROM snapshot WHERE platform = ? AND post = ?", key):
            wanted[row[0]] = None
        for row in db.execute(
            "SELECT media.capture FROM media JOIN snapshot ON snapshot.id = media.snapshot "
            "WHERE platform = ? AND post = ? AND media.capture IS NOT NULL",
            key,
        ):
            wanted[row[0]] = None
        for row in db.execute(
            "SELECT DISTINCT piece.capture FROM media JOIN snapshot ON snapshot.id = media.snapshot "
            "JOIN piece ON piece.film = media.sha256 WHERE platform = ? AND post = ?",
            key,
        ):
            wanted[row[0]] = None
        for article, resolution in db.execute(
            "SELECT article, resolution FROM embed WHERE platform = ? AND post = ?", key
        ):
            wanted.update(
                dict.fromkeys(step["capture"] for step in json.loads(resolution)["evidence"] if step["capture"])
            )
            if shown:
                documents[article] = None
    for id in documents:
        wanted[db.execute("SELECT capture FROM article WHERE id = ?", (id,)).fetchone()[0]] = None
    for id in list(wanted):
        before: str | None = id
        while before:
            row = db.execute("SELECT redirected_from FROM capture WHERE id = ?", (before,)).fetchone()
            before = row[0] if row else None
            if before:
                wanted[before] = None
    if not shown:
        # The bytes of an article that is to stay are not taken for the post's.
        for row in db.execute("SELECT id, capture FROM article"):
            if row[0] not in documents:
                wanted.pop(row[1], None)
    blobs, shared, containers = _blobs(db, wanted)
    others = {
        PostRef(row[0], row[1]): None
        for id in wanted
        for row in db.execute("SELECT platform, post FROM snapshot WHERE capture = ?", (id,))
    }
    return Plan(
        posts, tuple(documents), tuple(wanted), blobs, shared,
        tuple(ref for ref in others if ref not in posts), containers,
    )  # fmt: skip


def _blobs(
    db: sqlite3.Connection, captures: dict[str, None]
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...], tuple[str, ...]]:
    named: dict[str, None] = {}
    containers: dict[str, None] = {}
    for id in captures:
        row = db.execute("SELECT record FROM capture WHERE id = ?", (id,)).fetchone()
        if row is None or row[0] == schema.ERASED:
            continue
        record = json.loads(row[0])
        named.update(dict.fromkeys(record[part]["sha256"] for part in _PARTS))
        if record["origin"]["container"]:
            containers[record["origin"]["container"]] = None
    named.pop(EMPTY.sha256, None)
    held: set[str] = set()
    for part in _PARTS:
        sql = f"SELECT {part}, id FROM capture WHERE {part} IN (SELECT value FROM json_each(?))"  # noqa: S608 - a column
        held.update(row[0] for row in db.execute(sql, (json.dumps(list(named)),)) if row[1] not in captures)
    sizes = {name: db.execute("SELECT size FROM blob WHERE sha256 = ?", (name,)).fetchone()[0] for name in named}
    gone = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'blob'")}
    return (
        tuple((name, sizes[name]) for name in sorted(named) if name not in held and name not in gone),
        tuple(sorted(held)),
        tuple(containers),
    )


def erase(writer: Writer, wanted: Plan, reason: str, at: dt.datetime, *, records: bool = False) -> None:
    """Take it out of every row, in one transaction after the event that says so. `finish` takes it out of the file."""
    going: list[tuple[str, str, int | None]] = [("blob", name, size) for name, size in wanted.blobs]
    going += [("chunk", name, None) for name in _chunks(writer.db, [name for name, _ in wanted.blobs])]
    going += [("post", name_of(ref), None) for ref in wanted.refs]
    if records:
        going += [("capture", id, None) for id in wanted.captures]
    known = {(row[0], row[1]) for row in writer.db.execute("SELECT kind, name FROM erasure")}
    going = [each for each in going if each[:2] not in known]
    event = events.event(
        "erase",
        at,
        {"reason": reason, "erased": [{"kind": kind, "name": name, "size": size} for kind, name, size in going]},
    )
    writer.add_captures([event])
    with writer.transaction() as db:
        work.set_setting(db, UNFINISHED, timestamp(at))
        db.executemany(
            "INSERT INTO erasure VALUES (?, ?, ?, ?, ?, ?)",
            [(kind, name, size, reason, timestamp(at), event.id) for kind, name, size in going],
        )
        forget(db, wanted)
        for kind, name, _ in going:
            if kind == "blob":
                db.execute("DELETE FROM blob_chunk WHERE blob = ?", (name,))
        for kind, name, _ in going:
            if kind == "chunk":
                db.execute("DELETE FROM chunk WHERE sha256 = ?", (name,))
            elif kind == "capture":
                db.execute("UPDATE capture SET record = ? WHERE id = ?", (schema.ERASED, name))


def _chunks(db: sqlite3.Connection, blobs: list[str]) -> list[str]:
    """The pieces that only these blobs are made of."""
    found: dict[str, None] = {}
    going = set(blobs)
    for blob in blobs:
        for (chunk,) in db.execute("SELECT chunk FROM blob_chunk WHERE blob = ?", (blob,)).fetchall():
            users = db.execute("SELECT DISTINCT blob FROM blob_chunk WHERE chunk = ?", (chunk,))
            if all(row[0] in going for row in users):
                found[chunk] = None
    return list(found)


def forget(db: sqlite3.Connection, wanted: Plan) -> None:
    """Everything that was read out of those captures."""
    for id in wanted.captures:
        db.execute("DELETE FROM media WHERE snapshot IN (SELECT id FROM snapshot WHERE capture = ?)", (id,))
        db.execute("DELETE FROM snapshot WHERE capture = ?", (id,))
        db.execute(
            "UPDATE media SET reason = 'not-tried', url = NULL, capture = NULL, sha256 = NULL, size = NULL, "
            "declared_type = NULL, type = NULL, width = NULL, height = NULL WHERE capture = ?",
            (id,),
        )
    for ref in wanted.refs:
        key = (ref.platform, ref.id)
        db.execute("DELETE FROM media WHERE snapshot IN (SELECT id FROM snapshot WHERE platform = ? AND post = ?)", key)
        for table in ("snapshot", "attempt", "code", "wording"):
            db.execute(f"DELETE FROM {table} WHERE platform = ? AND post = ?", key)  # noqa: S608 - literals
        # What the service noted of it besides: notices that wait, and copies asked for elsewhere.
        db.execute("DELETE FROM notice WHERE json_extract(body, '$.post') = ?", (str(ref),))
        at = "(SELECT url FROM post WHERE platform = ? AND id = ?)"
        db.execute(f"DELETE FROM due WHERE kind = 'save' AND key IN {at}", key)  # noqa: S608 - literals
        db.execute(f"DELETE FROM copy WHERE url IN {at}", key)  # noqa: S608 - literals
        db.execute("DELETE FROM post WHERE platform = ? AND id = ?", key)
        db.execute(
            "UPDATE embed SET post = NULL, resolution = NULL, verdict = NULL, state = 'unresolved', reason = 'unknown' "
            "WHERE platform = ? AND post = ?",
            key,
        )
        db.execute("DELETE FROM due WHERE (kind = 'post' AND key = ?) OR (kind = 'media' AND key GLOB ? || ' *')",
                   (str(ref), str(ref)))  # fmt: skip
    # What is derived from media's bytes goes with them.
    db.execute("DELETE FROM piece WHERE film NOT IN (SELECT sha256 FROM media WHERE sha256 IS NOT NULL)")
    db.execute("DELETE FROM picture WHERE sha256 NOT IN (SELECT sha256 FROM media WHERE sha256 IS NOT NULL)")
    db.execute("DELETE FROM credential WHERE sha256 NOT IN (SELECT sha256 FROM media WHERE sha256 IS NOT NULL)")
    for article in wanted.articles:
        inside = "IN (SELECT id FROM embed WHERE article = ?)"
        for table, column in (("code", "embed"), ("wording", "embed"), ("due", "key")):
            db.execute(f"DELETE FROM {table} WHERE {column} {inside}", (article,))  # noqa: S608 - literals
        db.execute("DELETE FROM embed WHERE article = ?", (article,))
        db.execute("DELETE FROM article WHERE id = ?", (article,))


def finish(writer: Writer) -> str | None:
    """Leave no byte behind in free pages, the word index or the write-ahead log. None if it is done, else why not."""
    db = writer.db
    try:
        with writer.transaction() as inside:
            inside.execute("INSERT INTO wording_fts(wording_fts) VALUES ('rebuild')")
            inside.execute("INSERT INTO wording_fts(wording_fts) VALUES ('optimize')")
        db.execute("VACUUM")
        with writer.transaction() as inside:
            inside.execute("DELETE FROM setting WHERE name = ?", (UNFINISHED,))
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except (sqlite3.OperationalError, ArchiveError) as error:
        busy, why = 1, str(error)
    else:
        why = "another program is reading the archive, so its write-ahead log cannot be emptied"
    if not busy:
        return None
    with writer.transaction() as inside:
        work.set_setting(inside, UNFINISHED, why)
    return why


def erased(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every erasure: when, why, and how much of each kind."""
    rows = db.execute(
        "SELECT erased_at, reason, sum(kind = 'blob'), coalesce(sum(size), 0), sum(kind = 'capture'), "
        "sum(kind = 'post') FROM erasure GROUP BY event ORDER BY erased_at, event"
    )
    return [
        {"at": row[0], "reason": row[1], "blobs": row[2], "bytes": row[3], "records": row[4], "posts": row[5]}
        for row in rows
    ]


def unfinished(db: sqlite3.Connection) -> str | None:
    """Since when, or why, an erasure is not finished; None if none is."""
    return work.setting(db, UNFINISHED)


def doubts(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(name, problem) of every erasure that the ledger does not bear out: only an event makes a gap believable."""
    said: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for id, event in events.events(db, "erase"):
        for each in event["erased"]:
            said[id, each["kind"], each["name"]] = (each["size"], event["reason"], event["at"])
    for kind, name, size, reason, at, event in db.execute("SELECT * FROM erasure"):
        if said.get((event, kind, name)) != (size, reason, at):
            yield f"{kind} {name}", "no event in the ledger says so"


__all__ = ["Plan", "doubts", "erase", "erased", "finish", "forget", "is_erased", "name_of", "plan", "unfinished"]
