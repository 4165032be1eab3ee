"""Custody events: what was done to an archive as a whole (exported, erased from, merged, imported into), and when.

An event is a capture of our own act: its body is the event as JSON, so it is a leaf of the ledger like any other and
the next checkpoint covers it. Exports leave events out, because the same facts must give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from archiver import __version__
from archiver.model import EMPTY, Body, Capture, Origin, canonical, timestamp
from archiver.store import facts

#: The beginning of an event's URL; its kind follows.
URL = "urn:archiver:event:"


def event(kind: str, at: dt.datetime, said: dict[str, Any]) -> Capture:
    """The act as a capture; *said* is JSON-ready and names no secret."""
    body = Body.of(canonical({"event": kind, "at": timestamp(at), "software": f"archiver/{__version__}", **said}))
    return Capture(
        url=URL + kind,
        method=kind.upper(),
        request_headers=(),
        request_body=EMPTY,
        status=None,
        protocol=None,
        headers=(("content-type", "application/json"),),
        body=body,
        payload=body,
        started_at=at,
        ended_at=at,
        origin=Origin("event"),
    )


def events(db: sqlite3.Connection, kind: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(capture id, event) of every event, or of one kind, in the order of the ledger."""
    rows = db.execute(
        "SELECT id, record FROM capture WHERE url BETWEEN ? AND ? ORDER BY seq",
        (URL + (kind or ""), URL + (kind or "~")),
    ).fetchall()
    for id, record in rows:
        with facts.capture_from(db, record).body.open() as stream:
            yield id, json.loads(stream.read())
