"""What somebody is to be told: kept until it is delivered, so that neither a kill nor a broken hook loses it.

Every function that writes is called within a transaction.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archiver.model import timestamp

#: The waits after a delivery failed; then the notice is dropped, and the log says so.
WAITS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))
#: So many go in one delivery.
MOST = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened: `said` is its JSON, ready to be sent."""

    id: int
    said: dict[str, Any]
    tries: int = 0


def add(db: sqlite3.Connection, event: str, at: dt.datetime, said: dict[str, Any]) -> None:
    body = {"event": event, "at": timestamp(at), **{name: value for name, value in said.items() if value is not None}}
    db.execute("INSERT INTO notice (body, due_at) VALUES (?, ?)", (json.dumps(body, ensure_ascii=False), timestamp(at)))


def due(db: sqlite3.Connection, now: dt.datetime) -> list[Notice]:
    """What is to be delivered now, oldest first."""
    rows = db.execute(
        "SELECT id, body, tries FROM notice WHERE due_at <= ? ORDER BY id LIMIT ?", (timestamp(now), MOST)
    )
    return [Notice(row[0], json.loads(row[1]), row[2]) for row in rows]


def delivered(db: sqlite3.Connection, some: Sequence[Notice]) -> None:
    db.executemany("DELETE FROM notice WHERE id = ?", [(each.id,) for each in some])


def failed(db: sqlite3.Connection, some: Sequence[Notice], now: dt.datetime) -> int:
    """They could not be delivered: how many are dropped now, having been tried often enough."""
    dropped = [each for each in some if each.tries >= len(WAITS)]
    delivered(db, dropped)
    db.executemany(
        "UPDATE notice SET tries = tries + 1, due_at = ? WHERE id = ?",
        [(timestamp(now + WAITS[each.tries]), each.id) for each in some if each.tries < len(WAITS)],
    )
    return len(dropped)
