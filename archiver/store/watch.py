"""What is looked at again and again: pages that list articles, what they listed, and when each source is due.

Every function that writes is called within a transaction.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from archiver.model import moment, timestamp


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was when it was last looked at. `kind` is what it listed then (None: nothing yet, or an article),
    `label` the source that named it, `parent` the sitemap index that did."""

    url: str
    label: str | None = None
    parent: str | None = None
    kind: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    checked_at: dt.datetime | None = None
    failures: int = 0

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The headers that make a request for it conditional (RFC 9110 13.1)."""
        stated = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return tuple((name, value) for name, value in stated if value)


@dataclass(frozen=True, slots=True)
class Listed:
    """An article's address as a page lists it."""

    url: str
    label: str | None = None
    published_at: dt.datetime | None = None


def page(db: sqlite3.Connection, url: str) -> Page:
    row = db.execute(
        "SELECT url, label, parent, kind, etag, last_modified, checked_at, failures FROM watched WHERE url = ?", (url,)
    ).fetchone()
    if row is None:
        return Page(url)
    return Page(row[0], row[1], row[2], row[3], row[4], row[5], moment(row[6]) if row[6] else None, row[7])


def add_page(
    db: sqlite3.Connection,
    url: str,
    label: str | None,
    *,
    parent: str | None = None,
    lastmod: dt.datetime | None = None,
) -> bool:
    """Have a page among the watched; whether it is to be looked at: always, but for a page whose *lastmod*, as the
    index that lists it says, is what it was at the last successful look."""
    at = timestamp(lastmod) if lastmod else None
    known = db.execute("SELECT lastmod, checked_at, failures FROM watched WHERE url = ?", (url,)).fetchone()
    db.execute(
        "INSERT INTO watched (url, label, parent, lastmod) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE "
        "SET label = coalesce(excluded.label, label), parent = excluded.parent, lastmod = excluded.lastmod",
        (url, label, parent, at),
    )
    return not known or at is None or known[0] != at or known[1] is None or known[2] > 0


def children(db: sqlite3.Connection, parent: str) -> list[str]:
    """The pages of an index that say nothing of their last change, and so must be looked at to know."""
    rows = db.execute("SELECT url FROM watched WHERE parent = ? AND (lastmod IS NULL OR failures > 0)", (parent,))
    return [row[0] for row in rows]


def looked_at(
    db: sqlite3.Connection,
    url: str,
    at: dt.datetime,
    *,
    kind: str | None,
    etag: str | None,
    last_modified: str | None,
) -> None:
    """It answered, and was read."""
    db.execute(
        "UPDATE watched SET kind = ?, etag = ?, last_modified = ?, checked_at = ?, changed_at = ?, failures = 0, "
        "failure = NULL WHERE url = ?",
        (kind, etag, last_modified, timestamp(at), timestamp(at), url),
    )


def unchanged(db: sqlite3.Connection, url: str, at: dt.datetime) -> None:
    """It answered that nothing has changed (304)."""
    db.execute("UPDATE watched SET checked_at = ?, failures = 0, failure = NULL WHERE url = ?", (timestamp(at), url))


def failed(db: sqlite3.Connection, url: str, at: dt.datetime, failure: str) -> int:
    """It could not be used, and why; how many times in a row now."""
    db.execute(
        "UPDATE watched SET checked_at = ?, failures = failures + 1, failure = ? WHERE url = ?",
        (timestamp(at), failure, url),
    )
    row = db.execute("SELECT failures FROM watched WHERE url = ?", (url,)).fetchone()
    return int(row[0]) if row else 1


def retire(db: sqlite3.Connection, labels: Collection[str]) -> None:
    """Forget the failures of pages whose source is no longer configured: nobody asks them again."""
    marks = ", ".join("?" * len(labels))
    db.execute(
        f"UPDATE watched SET failures = 0, failure = NULL WHERE failures > 0 AND label NOT IN ({marks})",  # noqa: S608
        tuple(labels),
    )
    db.execute(f"DELETE FROM tick WHERE label NOT IN ({marks})", tuple(labels))  # noqa: S608 - question marks only


def add_entries(
    db: sqlite3.Connection,
    entries: Iterable[tuple[str, dt.datetime | None, dt.datetime | None]],
    label: str | None,
    at: dt.datetime,
) -> list[str]:
    """Note what a page lists, each (address, published, changed); the addresses that are new, or changed since."""
    news = []
    for url, published_at, changed_at in entries:
        published, changed = (each and timestamp(each) for each in (published_at, changed_at))
        known = db.execute("SELECT changed_at FROM entry WHERE url = ?", (url,)).fetchone()
        if known and (changed is None or known[0] == changed):
            continue
        db.execute(
            "INSERT INTO entry (url, label, published_at, changed_at, found_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET changed_at = excluded.changed_at, "
            "published_at = coalesce(published_at, excluded.published_at)",
            (url, label, published, changed, timestamp(at)),
        )
        news.append(url)
    return news


def entry(db: sqlite3.Connection, url: str) -> Listed:
    row = db.execute("SELECT url, label, published_at FROM entry WHERE url = ?", (url,)).fetchone()
    return Listed(row[0], row[1], moment(row[2]) if row[2] else None) if row else Listed(url)


def entry_read(db: sqlite3.Connection, url: str, at: dt.datetime, failure: str | None = None) -> None:
    """It was taken in; or, with *failure*, it was not, and why."""
    db.execute(
        "UPDATE entry SET read_at = CASE WHEN ? IS NULL THEN ? ELSE read_at END, failure = ? WHERE url = ?",
        (failure, timestamp(at), failure, url),
    )


def robots(db: sqlite3.Connection) -> list[tuple[str, float | None, dt.datetime]]:
    """Of each robots.txt that was read: its address, the delay it asks for in seconds, and when it was read."""
    return [(row[0], row[1], moment(row[2])) for row in db.execute("SELECT host, delay, read_at FROM robots")]


def add_robots(db: sqlite3.Connection, address: str, delay: float | None, at: dt.datetime) -> None:
    db.execute(
        "INSERT INTO robots VALUES (?, ?, ?) ON CONFLICT (host) DO UPDATE SET delay = excluded.delay, "
        "read_at = excluded.read_at",
        (address, delay, timestamp(at)),
    )


def ticked(db: sqlite3.Connection, label: str, at: dt.datetime, next_at: dt.datetime | None) -> None:
    """A source was due, and is due next at that time (None: not known)."""
    db.execute(
        "INSERT INTO tick VALUES (?, ?, ?) ON CONFLICT (label) DO UPDATE SET at = excluded.at, "
        "next_at = excluded.next_at",
        (label, timestamp(at), next_at and timestamp(next_at)),
    )


def grown(db: sqlite3.Connection, at: dt.datetime) -> None:
    """Note how large the archive is now; the last of a day is that day's."""
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    db.execute(
        "INSERT INTO growth VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET bytes = excluded.bytes",
        (f"{at:%Y-%m-%d}", pages * size),
    )


#: What `sources` says of an archive that has none.
NONE: dict[str, Any] = {
    "pages": 0, "listing": 0, "listed": {"articles": 0, "read": 0, "failed": 0}, "failing": [], "ticks": [],
}  # fmt: skip


def sources(db: sqlite3.Connection) -> dict[str, Any]:
    """How the watched pages and what they listed stand, JSON-ready."""
    count = db.execute("SELECT count(*), count(kind) FROM watched").fetchone()
    listed = db.execute("SELECT count(*), count(read_at), count(failure) FROM entry").fetchone()
    return {
        "pages": count[0],
        "listing": count[1],
        "listed": {"articles": listed[0], "read": listed[1], "failed": listed[2]},
        "failing": [
            {"source": row[0], "url": row[1], "failures": row[2], "error": row[3], "at": row[4]}
            for row in db.execute(
                "SELECT label, url, failures, failure, checked_at FROM watched "
                "WHERE failures > 0 AND label IS NOT NULL ORDER BY failures DESC, url LIMIT 100"
            )
        ],
        "ticks": [
            {"source": row[0], "at": row[1], "next": row[2]}
            for row in db.execute("SELECT label, at, next_at FROM tick ORDER BY next_at, label")
        ],
    }
