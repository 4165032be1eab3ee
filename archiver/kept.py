"""Stored captures in place of the web: a look-up is driven on what the archive has, and nothing is asked of anybody."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Generator, Iterable
from typing import TypeVar

import httpx

from archiver import picture, sniff
from archiver.credentials import credentials
from archiver.errors import ArchiverError, FetchError
from archiver.model import Capture, PostRef, Reason, Request, timestamp
from archiver.store import facts, opinions

Found = TypeVar("Found")


class Answers:
    """Stored captures in place of the web: those of one look first, in their order; then any of its time."""

    def __init__(self, db: sqlite3.Connection, own: Iterable[str], around: tuple[dt.datetime, dt.datetime] | None):
        self._db, self._around = db, around
        self._own = [facts.capture(db, id) for id in own]
        self.given: list[Capture] = []
        self.silences = 0

    def get(self, request: Request) -> Capture | None:
        """The answer to this request, its redirects followed; None where none is kept."""
        first = next((each for each in self._own if each.redirected_from is None and _asks(request, each)), None)
        if first is not None:
            self._own.remove(first)
        elif self._around is not None:
            first = self._elsewhere(request)
        if first is None:
            self.silences += 1
            return None
        chain = [first]
        while len(chain) <= request.follow:
            hop = next((each for each in self._own if each.redirected_from == chain[-1].id), None)
            if hop is None:
                row = self._db.execute(
                    "SELECT record FROM capture WHERE redirected_from = ? ORDER BY seq LIMIT 1", (chain[-1].id,)
                ).fetchone()
                hop = facts.capture_from(self._db, row[0]) if row else None
            else:
                self._own.remove(hop)
            if hop is None:
                break
            chain.append(hop)
        self.given += chain
        return chain[-1]

    def _elsewhere(self, request: Request) -> Capture | None:
        assert self._around is not None
        row = self._db.execute(
            "SELECT record FROM capture WHERE url = ? AND method = ? AND request_body = ? AND redirected_from IS NULL "
            "AND started_at BETWEEN ? AND ? ORDER BY seq DESC LIMIT 1",
            (
                plain(request.url), request.method, hashlib.sha256(request.body).hexdigest(),
                timestamp(self._around[0]), timestamp(self._around[1]),
            ),
        ).fetchone()  # fmt: skip
        return facts.capture_from(self._db, row[0]) if row else None

    def drive(self, look: Generator[Request, Capture, Found], silence: FetchError) -> Found:
        """Run a look-up on them; *silence* is thrown in where they have nothing."""
        try:
            request = next(look)
            while True:
                capture = self.get(request)
                request = look.throw(silence) if capture is None else look.send(capture)
        except StopIteration as stop:
            found: Found = stop.value
            return found


def _asks(request: Request, capture: Capture) -> bool:
    return (
        capture.method == request.method
        and capture.request_body.sha256 == hashlib.sha256(request.body).hexdigest()
        and (capture.url == request.url or capture.url == plain(request.url))
    )


def plain(url: str) -> str:
    """A URL as the fetcher asks it."""
    try:
        return str(httpx.URL(url).copy_with(fragment=None))
    except (httpx.InvalidURL, ValueError, TypeError):
        return url


def find_media(db: sqlite3.Connection, ref: PostRef, key: str) -> None:
    """Note one of a post's pictures or films that nobody asked for: perhaps it was captured for another post, or
    handed in. Within a transaction."""
    for media in opinions.media_shown(db, ref, key):
        for url in media.urls:
            # A file that somebody handed in was asked of nobody, and has no status.
            row = db.execute(
                "SELECT record FROM capture WHERE url = ? AND coalesce(status, 200) = 200 "
                "ORDER BY started_at DESC LIMIT 1",
                (plain(url),),
            ).fetchone()
            try:
                capture = facts.capture_from(db, row[0]) if row else None
                look = sniff.sniff(capture.payload) if capture and not capture.truncated else None
            except ArchiverError:
                continue  # erased
            if capture is not None and look is not None and look.is_media:
                opinions.set_media(
                    db, ref, key, reason=Reason.OK, capture=capture, type=look.type, width=look.width,
                    height=look.height,
                )  # fmt: skip
                if (look.type or "").startswith("image/") and not opinions.has_picture(db, capture.payload.sha256):
                    seen = picture.likeness(capture.payload)
                    opinions.add_picture(db, capture.payload.sha256, seen.pdq if seen else None)
                if not opinions.has_credentials(db, capture.payload.sha256):
                    opinions.set_credentials(db, capture.payload.sha256, credentials(capture.payload, look.type))
                return
