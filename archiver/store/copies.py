"""Addresses that a web archive was asked to save: which job, and how it ended.

Every function that writes is called within a transaction.
"""

from __future__ import annotations

import datetime as dt
import sqlite3

from archiver.model import timestamp

SAVED, FAILED = "saved", "failed"


def add(db: sqlite3.Connection, url: str) -> bool:
    """Have an address among those to save; whether it is new there."""
    return db.execute("INSERT OR IGNORE INTO copy (url) VALUES (?)", (url,)).rowcount > 0


def job(db: sqlite3.Connection, url: str) -> str | None:
    """The job that is under way for it."""
    row = db.execute("SELECT job FROM copy WHERE url = ?", (url,)).fetchone()
    return row[0] if row else None


def begun(db: sqlite3.Connection, url: str, job: str | None, at: dt.datetime) -> None:
    """A job was begun for it; None: the one that was is given up."""
    db.execute("UPDATE copy SET job = ?, asked_at = ? WHERE url = ?", (job, timestamp(at), url))


def ended(
    db: sqlite3.Connection, url: str, status: str | None, at: dt.datetime, *, memento: str | None, message: str | None
) -> None:
    """It is saved, or cannot be; or (status None) will be tried again."""
    db.execute(
        "UPDATE copy SET job = NULL, status = ?, memento = ?, message = ?, ended_at = ? WHERE url = ?",
        (status, memento, message, timestamp(at), url),
    )


def count(db: sqlite3.Connection) -> dict[str, int]:
    """How many are saved, failed, and under way."""
    rows = db.execute("SELECT coalesce(status, 'waiting'), count(*) FROM copy GROUP BY 1 ORDER BY 1")
    return {row[0]: row[1] for row in rows}
