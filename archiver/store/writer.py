"""The one writer of an archive: a lease, a fencing token, and transactions that are on disk when they return."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archiver.errors import ArchiveBusy, ArchiveError, ArchiveFull
from archiver.ledger.tree import Tree, leaf_hash
from archiver.model import Body, Capture, moment, timestamp
from archiver.store import facts, log, schema
from archiver.store.schema import connect, translated

#: A writer that has not been heard of for this long is taken for dead.
LEASE = dt.timedelta(seconds=60)


#: Archives that this very process writes: a lease that bears our number and is none of these was an earlier process's.
_OURS: set[Path] = set()


class Writer:
    """The one writer of an archive. A context manager: entering takes the lease, leaving gives it back.

    The lease carries a token that grows with every holder, and every transaction checks it: a process that was
    paused past its lease, and replaced, can write nothing more (a fencing token, as in Kleppmann 2016).
    """

    def __init__(self, path: Path, *, holder: str, now: Callable[[], dt.datetime]) -> None:
        self.path = path
        self.db = connect(path, create=True)
        self._holder, self._now, self._token = holder, now, 0
        self._tree: Tree | None = None

    def __enter__(self) -> Writer:
        try:
            self._take_lease()
        except BaseException:
            self.db.close()
            raise
        _OURS.add(self.path.resolve())
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            with contextlib.suppress(sqlite3.Error, ArchiveError):
                self.db.execute("UPDATE lease SET until = '' WHERE token = ?", (self._token,))
                self.db.execute("PRAGMA optimize")
                self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            _OURS.discard(self.path.resolve())
            self.db.close()
        if isinstance(error, sqlite3.DatabaseError):  # met while reading, outside any transaction
            with translated(self.path):
                raise error

    def _take_lease(self) -> None:
        now = self._now()
        with translated(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                row = self.db.execute("SELECT token, holder, until FROM lease").fetchone()
                if row and row[2] and moment(row[2]) > now and not _is_dead(row[1], self.path):
                    raise ArchiveBusy(
                        f"{self.path}: {row[1]} is writing it (its lease ends {row[2]}). "
                        "Wait for it, stop it, or use another archive."
                    )
                self._token = (row[0] if row else 0) + 1
                self.db.execute(
                    "INSERT INTO lease (id, token, holder, until) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
                    "SET token = excluded.token, holder = excluded.holder, until = excluded.until",
                    (self._token, self._holder, timestamp(now + LEASE)),
                )
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def renew(self) -> None:
        """Say that we live; call more often than `LEASE`."""
        with self.transaction() as db:
            db.execute("UPDATE lease SET until = ? WHERE token = ?", (timestamp(self._now() + LEASE), self._token))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it returns. ArchiveBusy if somebody else took over, ArchiveFull on ENOSPC."""
        with translated(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                if self.db.execute("SELECT token FROM lease").fetchone()[0] != self._token:
                    raise ArchiveBusy(f"{self.path}: another process took over while this one was asleep. Stopping.")
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                self._tree = None
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def add_captures(self, captures: Iterable[Capture]) -> int:
        """Keep captures and their bytes; how many were new. What it returned from is on disk.

        Big bodies go in over several transactions: pieces without a blob that names them are what a kill leaves
        behind, and the next attempt finds and uses them.
        """
        pending = list(captures)
        large = self.add_pieces(pending)
        with self.transaction() as db:
            return self.append_captures(db, pending, large)

    def add_pieces(self, captures: Iterable[Capture]) -> dict[str, list[str]]:
        """Keep the pieces of bodies that are too big for one transaction, in several; their names, by body."""
        return {
            body.sha256: self._add_pieces(body)
            for body in _bodies(captures)
            if body.size > facts.BATCH and not facts.has_blob(self.db, body.sha256)
        }

    def append_captures(
        self, db: sqlite3.Connection, captures: Iterable[Capture], pieces: Mapping[str, list[str]]
    ) -> int:
        """`add_captures` within a transaction of the caller's, the *pieces* of big bodies being kept already."""
        pending = list(captures)
        records: list[bytes] = []
        for body in _bodies(pending):
            if not facts.has_blob(db, body.sha256):
                facts.add_blob(db, body.sha256, body.size, pieces.get(body.sha256) or _checked(db, body))
        for capture in pending:
            record = facts.add_capture(db, capture)
            if record is not None:
                records.append(record)
        if records:
            self._append(db, records)
        return len(records)

    def together(self, writes: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        """Several writes as one transaction, so that the disk is waited for once: what each returned, or the exception
        that undid it alone. What is wrong with the archive itself, and whatever else made SQLite undo the transaction
        (memory that ran out), undoes all of them, and is raised."""
        answers: list[Any] = []
        with self.transaction() as db:
            for write in writes:
                db.execute("SAVEPOINT one")
                try:
                    answers.append(write(db))
                except (sqlite3.OperationalError, ArchiveFull):
                    raise
                except Exception as error:  # whatever it is, it is told to whoever asked for this write
                    if not db.in_transaction:
                        raise
                    self._tree = None
                    db.execute("ROLLBACK TO one")
                    answers.append(error)
                db.execute("RELEASE one")
        return answers

    def _append(self, db: sqlite3.Connection, records: list[bytes]) -> None:
        """Each record is a leaf of the ledger, in the same transaction as its capture."""
        if self._tree is None or self._tree.size + len(records) != _captured(db):
            self._tree = log.tree(db)
        tree, self._tree = self._tree, None  # a tree whose nodes were rolled back is ahead: it is opened again
        log.add_nodes(db, tree.append([leaf_hash(record) for record in records]))
        self._tree = tree

    def checkpoint(self, sign: Callable[[int, bytes], tuple[bytes, str]], run: str | None) -> log.Kept | None:
        """Sign the ledger's head: `sign(size, root)` gives the note and the vkey. None if it is signed already, or
        empty."""
        with self.transaction() as db:
            tree = log.tree(db)
            last = log.last_checkpoint(db)
            if not tree.size or (last and last.size == tree.size):
                return None
            note, vkey = sign(tree.size, tree.root())
            kept = log.Kept(tree.size, note, vkey, timestamp(self._now()))
            log.add_checkpoint(db, kept, run)
        return kept

    def _add_pieces(self, body: Body) -> list[str]:
        import hashlib

        names: list[str] = []
        whole = hashlib.sha256()
        pieces = facts.chunks_of(body)
        done = False
        while not done:
            with self.transaction() as db:
                for _ in range(facts.BATCH // schema.CHUNK_SIZE):
                    piece = next(pieces, b"")
                    if not piece:
                        done = True
                        break
                    whole.update(piece)
                    names.append(facts.add_chunk(db, piece))
        _must_be(body, whole.hexdigest())
        return names


def _bodies(captures: Iterable[Capture]) -> list[Body]:
    """What the captures hold, each once."""
    every = (body for each in captures for body in (each.request_body, each.body, each.payload))
    return list({body.sha256: body for body in every}.values())


def _captured(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM capture").fetchone()[0])


def _checked(db: sqlite3.Connection, body: Body) -> list[str]:
    import hashlib

    if body.held is not None and 0 < body.size <= schema.CHUNK_SIZE:  # named by these very bytes
        return [facts.add_chunk(db, body.held, body.sha256)]
    if body.size <= schema.CHUNK_SIZE:  # one piece is the whole, and has its name
        names = [facts.add_chunk(db, piece) for piece in facts.chunks_of(body)]
        _must_be(body, names[0] if names else hashlib.sha256().hexdigest())
        return names
    whole = hashlib.sha256()
    names = []
    for piece in facts.chunks_of(body):
        whole.update(piece)
        names.append(facts.add_chunk(db, piece))
    _must_be(body, whole.hexdigest())
    return names


def _must_be(body: Body, found: str) -> None:
    if found != body.sha256:
        raise ArchiveError(f"bytes said to be sha256:{body.sha256} are sha256:{found}; nothing was stored. Run again.")


def _is_dead(holder: str, path: Path) -> bool:
    """Whether a holder named `pid N on HOST` surely no longer runs: same host, and no such process or it is we, who do
    not hold it (a container that was killed begins again with the same host name and number)."""
    import os

    pid, _, host = holder.removeprefix("pid ").partition(" on ")
    if host != os.uname().nodename or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return path.resolve() not in _OURS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
