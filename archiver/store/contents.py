"""What an export reads, out of an archive: `exports.Contents` over one read-only connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from archiver import __version__
from archiver.model import Capture
from archiver.store import facts, search


class StoredContents:
    """All posts, or the chosen ones (sorted), with all that belongs to them."""

    def __init__(self, db: sqlite3.Connection, chosen: Sequence[search.Ref] | None = None) -> None:
        self._db, self._chosen = db, chosen

    def about(self) -> dict[str, Any]:
        return {
            "software": f"archiver/{__version__}",
            "posts": len(self._chosen) if self._chosen is not None else _count(self._db),
            "selection": "all" if self._chosen is None else "chosen posts",
            "example": self._db.execute("SELECT 1 FROM setting WHERE name = 'example'").fetchone() is not None,
        }

    def posts(self) -> Iterator[dict[str, Any]]:
        for ref in search.refs(self._db) if self._chosen is None else self._chosen:
            yield search.dossier(self._db, ref)

    def captures(self) -> Iterator[tuple[str, Capture]]:
        if self._chosen is None:
            for _, id, record in facts.captures(self._db):
                yield id, facts.capture_from(self._db, record)
            return
        wanted: dict[str, None] = {}
        for dossier in self.posts():
            wanted.update(dict.fromkeys(each["id"] for each in dossier["captures"]))
            wanted.update(dict.fromkeys(each["capture"] for each in dossier["articles"]))
        for id in wanted:
            yield id, facts.capture(self._db, id)

    def record(self, capture: str) -> dict[str, Any]:
        row = self._db.execute("SELECT record FROM capture WHERE id = ?", (capture,)).fetchone()
        record: dict[str, Any] = json.loads(row[0])
        return record


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM post").fetchone()[0])
