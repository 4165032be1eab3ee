"""What is due and since when, what hosts asked of us, which runs there were: the mutable part of the archive.

Every function that writes is called within a transaction.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from archiver.model import moment, timestamp

#: What is done first: new articles and embeds (they may lead to posts that die now), then posts, then their media.
PRIORITY = {"source": 0, "file": 0, "watched": 0, "article": 0, "embed": 0, "post": 1, "media": 2, "save": 2}
#: Looking again at what is archived comes last.
AGAIN = 3
#: Articles published long ago, and the posts they show: after what was just published, before looking again.
BACKLOG = 4


@dataclass(frozen=True, slots=True)
class Due:
    """One piece of work. `key` is a source's label, a file's path, a page's or an article's URL, an embed's id,
    `platform:id` of a post, or `platform:id key` of one of its media;
    of a copy to be saved elsewhere, its address. `began_at` is set where an earlier run began it
    and was cut off."""

    kind: str
    key: str
    due_at: dt.datetime
    tries: int
    began_at: dt.datetime | None
    priority: int = 0


def mark_due(
    db: sqlite3.Connection,
    kind: str,
    key: str,
    at: dt.datetime,
    *,
    tries: int = 0,
    reason: str | None = None,
    is_backlog: bool = False,
) -> None:
    """Make it due at that time; what is due already becomes due no later, and what was under way starts afresh."""
    db.execute(
        "INSERT INTO due (kind, key, due_at, priority, tries, reason) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, key) DO UPDATE SET due_at = min(due_at, excluded.due_at), "
        "priority = min(priority, excluded.priority)",
        (kind, key, timestamp(at), BACKLOG if is_backlog else PRIORITY[kind], tries, reason),
    )


def put_off(
    db: sqlite3.Connection,
    kind: str,
    key: str,
    at: dt.datetime,
    *,
    tries: int,
    reason: str,
    detail: str | None = None,
    is_again: bool = False,
) -> None:
    """It was tried; try again at that time, and say why it waits."""
    db.execute(
        "UPDATE due SET due_at = ?, tries = ?, reason = ?, detail = ?, began_at = NULL, host = NULL, "
        "priority = CASE WHEN ? THEN ? WHEN priority = ? THEN priority ELSE ? END WHERE kind = ? AND key = ?",
        (timestamp(at), tries, reason, detail, is_again, AGAIN, BACKLOG, PRIORITY[kind], kind, key),
    )


def hasten(db: sqlite3.Connection, kind: str, key: str) -> None:
    """What waited with the backlog is news after all."""
    db.execute(
        "UPDATE due SET priority = ? WHERE kind = ? AND key = ? AND priority = ?", (PRIORITY[kind], kind, key, BACKLOG)
    )


def done(db: sqlite3.Connection, kind: str, key: str) -> None:
    db.execute("DELETE FROM due WHERE kind = ? AND key = ?", (kind, key))


def begin(db: sqlite3.Connection, pieces: Iterable[Due], at: dt.datetime) -> None:
    """Note that they are under way: after a kill, captures made since then are used instead of asking again."""
    db.executemany(
        "UPDATE due SET began_at = coalesce(began_at, ?), host = NULL WHERE kind = ? AND key = ?",
        [(timestamp(at), each.kind, each.key) for each in pieces],
    )


#: Which priority has the first choice of each of twenty turns. Each has its share whatever else there is to do, two at
#: the least, so that nothing starves: what is due and has n of its own priority before it begins within 10 (n + 1)
#: beginnings of its line.
TURNS = (0, 1, 0, 2, 1, 0, BACKLOG, 1, 0, AGAIN, 1, 0, 2, 0, 1, 2, BACKLOG, 0, 1, AGAIN)


def due(
    db: sqlite3.Connection,
    now: dt.datetime,
    limit: int,
    busy: Collection[tuple[str, str]] = (),
    *,
    turn: int = 0,
    host: str | None = None,
) -> list[Due]:
    """What is due now and not *busy*, at most *limit*: each priority in its turns (the first of them is *turn*), and in
    another's where that has nothing; of each the longest due first. They are given in the order of priorities.
    *host*: of what waits for that host; else of what waits for none."""
    skipped = json.dumps([f"{kind} {key}" for kind, key in busy])
    waiting = {
        priority: db.execute(
            "SELECT kind, key, due_at, tries, began_at, priority FROM due "
            "WHERE host IS ? AND priority = ? AND due_at <= ? "
            "AND kind || ' ' || key NOT IN (SELECT value FROM json_each(?)) ORDER BY due_at, key LIMIT ?",
            (host, priority, timestamp(now), skipped, limit),
        ).fetchall()[::-1]
        for priority in dict.fromkeys(TURNS)
    }
    chosen: list[Due] = []
    while len(chosen) < limit and any(waiting.values()):
        mine = waiting[TURNS[(turn + len(chosen)) % len(TURNS)]]
        row = (mine or next(rows for rows in waiting.values() if rows)).pop()
        chosen.append(Due(row[0], row[1], moment(row[2]), row[3], moment(row[4]) if row[4] else None, row[5]))
    order = list(waiting)
    return sorted(chosen, key=lambda piece: order.index(piece.priority))


def park(db: sqlite3.Connection, kind: str, key: str, host: str) -> None:
    """It cannot go on for want of its host's turn: it keeps its place in that host's line, and what it has done so far
    counts."""
    db.execute("UPDATE due SET host = ?, reason = ? WHERE kind = ? AND key = ?", (host, f"waits for {host}", kind, key))


def unpark(db: sqlite3.Connection) -> None:
    """Nobody stands in line any more: a run begins, and knows of no line."""
    db.execute("UPDATE due SET host = NULL WHERE host IS NOT NULL")


def still_due(db: sqlite3.Connection, names: Collection[tuple[str, str]], now: dt.datetime) -> set[tuple[str, str]]:
    """Which of these pieces of work are due, and wait for no host."""
    sql = "SELECT 1 FROM due WHERE kind = ? AND key = ? AND due_at <= ? AND host IS NULL"
    return {name for name in names if db.execute(sql, (*name, timestamp(now))).fetchone()}


def next_due(db: sqlite3.Connection) -> dt.datetime | None:
    """When the next piece of work is due, None where there is none."""
    row = db.execute("SELECT min(due_at) FROM due").fetchone()
    return moment(row[0]) if row[0] else None


def waiting(db: sqlite3.Connection) -> dict[str, int]:
    """How much waits, by why."""
    rows = db.execute("SELECT coalesce(reason, 'not tried'), count(*) FROM due GROUP BY 1 ORDER BY 1")
    return {row[0]: row[1] for row in rows}


def hurry(db: sqlite3.Connection, now: dt.datetime, reasons: Iterable[str]) -> int:
    """What waits only because nobody answered becomes due: a person who runs it again expects it to be tried."""
    changed = 0
    for reason in reasons:
        changed += db.execute(
            "UPDATE due SET due_at = ? WHERE reason = ? AND due_at > ?", (timestamp(now), reason, timestamp(now))
        ).rowcount
    return changed


def hold_host(db: sqlite3.Connection, host: str, until: dt.datetime, reason: str, now: dt.datetime) -> None:
    """Ask nothing of this host before then; survives restarts."""
    db.execute(
        "INSERT INTO host (name, not_before, reason, failures, changed_at) VALUES (?, ?, ?, 1, ?) "
        "ON CONFLICT (name) DO UPDATE SET not_before = excluded.not_before, reason = excluded.reason, "
        "failures = failures + 1, changed_at = excluded.changed_at",
        (host, timestamp(until), reason, timestamp(now)),
    )


def host_failed(db: sqlite3.Connection, host: str, reason: str, now: dt.datetime) -> None:
    """It gave no answer; once more in a row."""
    db.execute(
        "INSERT INTO host (name, reason, failures, changed_at) VALUES (?, ?, 1, ?) ON CONFLICT (name) DO UPDATE SET "
        "reason = excluded.reason, failures = failures + 1, changed_at = excluded.changed_at",
        (host, reason, timestamp(now)),
    )


def host_answered(db: sqlite3.Connection, host: str, now: dt.datetime) -> None:
    """It answers again."""
    db.execute("UPDATE host SET failures = 0, changed_at = ? WHERE name = ?", (timestamp(now), host))


def failing_hosts(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT name FROM host WHERE failures > 0")}


def held_hosts(db: sqlite3.Connection, now: dt.datetime) -> dict[str, tuple[dt.datetime, str]]:
    """Hosts that are not to be asked yet: until when, and why."""
    rows = db.execute("SELECT name, not_before, reason FROM host WHERE not_before > ?", (timestamp(now),))
    return {row[0]: (moment(row[1]), row[2]) for row in rows}


def begin_run(
    db: sqlite3.Connection,
    id: str,
    at: dt.datetime,
    *,
    command: str,
    software: str,
    operator: str | None,
    configuration: str,
) -> None:
    db.execute(
        "INSERT INTO run VALUES (?, ?, NULL, ?, ?, ?, ?, NULL)",
        (id, timestamp(at), command, software, operator, configuration),
    )


def end_run(db: sqlite3.Connection, id: str, at: dt.datetime, report: dict[str, Any]) -> None:
    db.execute(
        "UPDATE run SET ended_at = ?, report = ? WHERE id = ?",
        (timestamp(at), json.dumps(report, ensure_ascii=False), id),
    )


def note_run(db: sqlite3.Connection, id: str, report: dict[str, Any]) -> None:
    """The report so far of a run that goes on."""
    db.execute("UPDATE run SET report = ? WHERE id = ?", (json.dumps(report, ensure_ascii=False), id))


def shift(db: sqlite3.Connection, by: dt.timedelta) -> None:
    """Move everything that is due, and every hold, by this much."""
    moved = f"{by.total_seconds():+.3f} seconds"
    form = "strftime('%Y-%m-%dT%H:%M:%f', {0}, ?) || '000Z'"  # SQLite counts milliseconds; a timestamp, microseconds
    db.execute(f"UPDATE due SET due_at = {form.format('due_at')}", (moved,))  # noqa: S608 - literals of this module
    db.execute(f"UPDATE host SET not_before = {form.format('not_before')} WHERE not_before IS NOT NULL", (moved,))  # noqa: S608


def setting(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def set_setting(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute(
        "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )
