"""Two archives as one: the union of their facts and opinions, and the logs they come from.

Facts have names that come from their content, so joining them is a union. The log of the result is a new one, in an
order that comes from the captures alone; the old logs (which capture was which leaf, the heads that were signed, the
stamps over them) are kept beside it, so that old proofs can still be checked. Where both hold an opinion of the same
thing, one is taken by rules that do not depend on which archive was named first.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from archiver.errors import InputError
from archiver.model import PostRef
from archiver.store import erasure, facts, log, schema
from archiver.store.writer import Writer

#: Captures handed to the writer at once.
_BATCH = 500


def merge(writer: Writer, paths: list[Path]) -> dict[str, int]:
    """Join the archives at *paths* into the writer's, which must be new or hold nothing; how much it holds then."""
    if writer.db.execute("SELECT 1 FROM capture LIMIT 1").fetchone():
        raise InputError(f"{writer.path}: is not empty. Name a new file with --out; the old ones stay as they are.")
    sources = [schema.connect_to_read(path) for path in paths]
    try:
        for path, db in zip(paths, sources, strict=True):
            if db.execute("PRAGMA user_version").fetchone()[0] != schema.VERSION:
                raise InputError(f"{path}: has an older format. Bring it up to date first: archiver run --once")
            if db.execute("SELECT 1 FROM setting WHERE name = 'example'").fetchone():
                raise InputError(f"{path}: holds the bundled example, which is not joined to real archives.")
            db.execute("BEGIN")
        _erasures(writer, sources)
        _captures(writer, sources)
        with writer.transaction() as db:
            for source in sources:
                _logs(db, source)
            _opinions(db, sources)
            _work(db, sources)
        count = writer.db.execute("SELECT count(*) FROM capture").fetchone()[0]
        return {"captures": count, "logs": len(writer.db.execute("SELECT DISTINCT log FROM origin_leaf").fetchall())}
    finally:
        for db in sources:
            db.close()


def _erasures(writer: Writer, sources: list[sqlite3.Connection]) -> None:
    """What either archive erased stays erased, whatever the other still holds."""
    rows = sorted({tuple(row) for db in sources for row in db.execute("SELECT * FROM erasure")})
    with writer.transaction() as db:
        for row in rows:
            db.execute(
                "INSERT INTO erasure SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS "
                "(SELECT 1 FROM erasure WHERE kind = ?1 AND name = ?2)",
                row,
            )
        for name, size in {(row[1], row[2]) for row in rows if row[0] == "blob"}:
            # The tombstone of its bytes: digest and size.
            if not facts.has_blob(db, name):
                facts.add_blob(db, name, size, [])


def _captures(writer: Writer, sources: list[sqlite3.Connection]) -> None:
    """By time and name: an order that both archives agree on. A redirect's answer comes after it by its time."""
    order: dict[str, tuple[str, sqlite3.Connection]] = {}
    erased: dict[str, None] = {}
    for db in sources:
        for id, record in db.execute("SELECT id, record FROM capture"):
            if record == schema.ERASED:
                erased[id] = None
            elif id not in order:
                order[id] = (json.loads(record)["started_at"], db)
    lost = [id for id in erased if id not in order]
    if lost:
        raise InputError(f"capture {lost[0]}: its record was erased, so it can be no leaf of a new log. Keep it apart.")
    pending = []
    for id in sorted(order, key=lambda each: (order[each][0], each)):
        pending.append(facts.capture(order[id][1], id))
        if len(pending) >= _BATCH:
            writer.add_captures(pending)
            pending = []
    writer.add_captures(pending)
    with writer.transaction() as new:
        new.executemany("UPDATE capture SET record = ? WHERE id = ?", [(schema.ERASED, id) for id in erased])


def _logs(db: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """The source's own log and those it was made of, each once, named by the root of all its leaves."""
    size = log.size(source)
    if size:
        tree = log.tree(source)
        leaves = [tuple(row) for row in source.execute("SELECT seq - 1, id FROM capture ORDER BY seq")]
        heads = [(kept.size, kept.note, kept.vkey, kept.signed_at) for kept in log.checkpoints(source)]
        stamps = [tuple(row) for row in source.execute("SELECT size, authority, token, stamped_at FROM stamp")]
        _keep(db, tree.root().hex(), leaves, heads, stamps)
    for (name,) in source.execute("SELECT DISTINCT log FROM origin_leaf").fetchall():
        _keep(
            db,
            name,
            [tuple(row) for row in source.execute("SELECT leaf, capture FROM origin_leaf WHERE log = ?", (name,))],
            [
                tuple(row)
                for row in source.execute(
                    "SELECT size, note, vkey, signed_at FROM origin_checkpoint WHERE log = ?", (name,)
                )
            ],
            [
                tuple(row)
                for row in source.execute(
                    "SELECT size, authority, token, stamped_at FROM origin_stamp WHERE log = ?", (name,)
                )
            ],
        )


def _keep(db: sqlite3.Connection, name: str, leaves: list[Any], heads: list[Any], stamps: list[Any]) -> None:
    if db.execute("SELECT 1 FROM origin_leaf WHERE log = ? LIMIT 1", (name,)).fetchone():
        return
    db.executemany("INSERT INTO origin_leaf VALUES (?, ?, ?)", [(name, *row) for row in leaves])
    db.executemany("INSERT INTO origin_checkpoint VALUES (?, ?, ?, ?, ?)", [(name, *row) for row in heads])
    db.executemany("INSERT INTO origin_stamp VALUES (?, ?, ?, ?, ?)", [(name, *row) for row in stamps])
    log.seal_origin(db, name)


#: Opinions in the order that foreign keys want, and by what one of two rows of the same name is taken: the smallest.
_ROWS = (
    ("article", ("id",), "read_at"),
    ("embed", ("id",), "post IS NULL, resolution IS NULL, verdict IS NULL"),
    ("attempt", ("id",), "ended_at"),
    ("snapshot", ("id",), "observed_at"),
    ("media", ("snapshot", "key"), "sha256 IS NULL, capture IS NULL"),
    ("picture", ("sha256",), "pdq IS NULL"),
    ("credential", ("sha256",), "said IS NULL, said LIKE '%\"not read\"%'"),
    ("piece", ("film", "seq"), "capture"),
    ("post", ("platform", "id"), "snapshot IS NULL, depth, live_at IS NULL"),
)


def _opinions(db: sqlite3.Connection, sources: list[sqlite3.Connection]) -> None:
    """The union of rows; of two that bear one name, that which says more, then the lesser in plain order."""
    for table, key, better in _ROWS:
        best: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for source in sources:
            names = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
            at = [names.index(each) for each in key]
            width = better.count(",") + 1
            for row in source.execute(f"SELECT {better}, * FROM {table}"):  # noqa: S608 - literals of this module
                # A run's own name says nothing of what was seen: of equal looks either will do.
                rank = (*tuple(row)[:width], tuple((each is None, str(each)) for each in tuple(row)[width:]))
                values = tuple(row)[width:]
                name = tuple(values[each] for each in at)
                if name not in best or rank < best[name][0]:
                    best[name] = (rank, values)
        # Looks are told apart by the order of their rows where their times are equal.
        time = {"attempt": "started_at", "snapshot": "taken_at"}.get(table)
        position = names.index(time) if time else None
        for name in sorted(best, key=lambda each: (str(best[each][1][position]) if position else "", each)):
            values = best[name][1]
            marks = ",".join("?" * len(values))
            db.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608 - literals of this module
    _forget(db)
    _words(db)


def _forget(db: sqlite3.Connection) -> None:
    """What one archive erased is not brought back by the other."""
    blobs = "(SELECT name FROM erasure WHERE kind = 'blob')"
    captures = db.execute(
        f"SELECT id FROM capture WHERE origin <> 'event' AND (body IN {blobs} OR payload IN {blobs})"  # noqa: S608 - ours
    ).fetchall()
    gone = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'post'")}
    posts = [PostRef(*row) for row in db.execute("SELECT platform, id FROM post").fetchall()]
    refs = tuple(ref for ref in posts if erasure.name_of(ref) in gone)
    ids = tuple(row[0] for row in captures)
    articles = tuple(row[0] for row in db.execute("SELECT id, capture FROM article").fetchall() if row[1] in ids)
    erasure.forget(db, erasure.Plan(refs, articles, ids, (), (), (), ()))


def _words(db: sqlite3.Connection) -> None:
    """Codes and the word index, from the rows."""
    for id, codes in db.execute("SELECT id, codes FROM embed ORDER BY id").fetchall():
        db.executemany("INSERT INTO code (code, embed) VALUES (?, ?)", [(code, id) for code in json.loads(codes)])
    db.execute(
        "INSERT INTO wording (platform, embed, text, who) SELECT platform, id, coalesce(text, ''), "
        "trim(coalesce(handle, '') || ' ' || coalesce(name, '')) FROM embed "
        "WHERE coalesce(text, '') <> '' OR coalesce(handle, name, '') <> '' ORDER BY id"
    )
    db.execute(
        "INSERT INTO code (code, platform, post) SELECT DISTINCT substr(json_extract(link.value, '$.url'), 14), "
        "platform, post FROM snapshot, json_each(shown, '$.links') link "
        "WHERE json_extract(link.value, '$.url') LIKE 'https://t.co/%' ORDER BY 1, 2, 3"
    )
    db.execute(
        "INSERT INTO wording (platform, post, text, who) SELECT platform, id, text, "
        "trim(coalesce(handle, '') || ' ' || coalesce(name, '')) FROM post WHERE text IS NOT NULL ORDER BY platform, id"
    )


def _work(db: sqlite3.Connection, sources: list[sqlite3.Connection]) -> None:
    """What is due in either is due; runs are kept; leases, settings and what hosts asked of us are not."""
    for source in sources:
        for row in source.execute("SELECT * FROM run ORDER BY id"):
            db.execute("INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tuple(row))
        # What is known to be listed and read, or saved elsewhere, is not asked for anew.
        for table in ("watched", "entry", "copy"):
            for row in source.execute(f"SELECT * FROM {table} ORDER BY url"):  # noqa: S608 - literals
                marks = ",".join("?" * len(row))
                db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", tuple(row))  # noqa: S608 - literals
        for row in source.execute("SELECT kind, key, due_at, priority, tries FROM due WHERE kind <> 'source'"):
            db.execute(
                "INSERT INTO due (kind, key, due_at, priority, tries) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, key) "
                "DO UPDATE SET due_at = min(due_at, excluded.due_at), tries = max(tries, excluded.tries)",
                tuple(row),
            )
