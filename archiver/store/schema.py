"""The shape of `archive.db` and the door to it: who may open it, and how.

Facts are append-only and guarded by triggers; opinions can be rebuilt from facts; work is mutable. Migrations are
appended, never edited. Only the standard library is imported until a file has to be made or brought up to date.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from archiver.errors import ArchiveBusy, ArchiveError, ArchiveFull, InputError, NewerArchive, NotAnArchive

#: `PRAGMA application_id`: the letters "arcv", so that `file` and we can tell an archive from any other database.
APPLICATION_ID = 0x61726376
#: `PRAGMA user_version`: the number of migrations; a larger one in a file is a later program's.
VERSION = 10
PAGE_SIZE = 8192
#: Bytes of a blob live in immutable pieces of at most this many (EVIDENCE 2: whole 50 MB values read ten times slower).
CHUNK_SIZE = 1024 * 1024

FACTS = """
CREATE TABLE chunk (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE blob (sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT;
CREATE TABLE blob_chunk (
  blob TEXT NOT NULL REFERENCES blob(sha256), seq INTEGER NOT NULL, chunk TEXT NOT NULL REFERENCES chunk(sha256),
  PRIMARY KEY (blob, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_chunk_by_chunk ON blob_chunk(chunk);
CREATE TABLE capture (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  record TEXT NOT NULL,
  url TEXT GENERATED ALWAYS AS (json_extract(record, '$.url')) VIRTUAL,
  method TEXT GENERATED ALWAYS AS (json_extract(record, '$.method')) VIRTUAL,
  request_body TEXT GENERATED ALWAYS AS (json_extract(record, '$.request_body.sha256')) VIRTUAL,
  status INTEGER GENERATED ALWAYS AS (json_extract(record, '$.status')) VIRTUAL,
  body TEXT GENERATED ALWAYS AS (json_extract(record, '$.body.sha256')) VIRTUAL,
  payload TEXT GENERATED ALWAYS AS (json_extract(record, '$.payload.sha256')) VIRTUAL,
  started_at TEXT GENERATED ALWAYS AS (json_extract(record, '$.started_at')) VIRTUAL,
  origin TEXT GENERATED ALWAYS AS (json_extract(record, '$.origin.kind')) VIRTUAL,
  redirected_from TEXT GENERATED ALWAYS AS (json_extract(record, '$.redirected_from')) VIRTUAL
) STRICT;
CREATE INDEX capture_by_url ON capture(url, started_at);
CREATE INDEX capture_by_payload ON capture(payload);
CREATE INDEX capture_by_body ON capture(body);
CREATE INDEX capture_by_redirect ON capture(redirected_from);
"""


def _guards(*tables: tuple[str, str]) -> str:
    """Triggers that let rows be added only. INSERT OR REPLACE deletes without firing a DELETE trigger, so an insert
    that would replace (the second of each pair says when) is refused as well."""
    return "".join(
        f"""
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
  BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
  BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
  WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
  BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
"""  # noqa: S608 - the names are literals of this module
        for table, same in tables
    )


GUARDS = _guards(
    ("chunk", "sha256 = NEW.sha256"),
    ("blob", "sha256 = NEW.sha256"),
    ("blob_chunk", "blob = NEW.blob AND seq = NEW.seq"),
    ("capture", "id = NEW.id OR seq = NEW.seq"),
)

# The ledger: leaf i of the tree is the record of the capture whose seq is i + 1. `note` is the signed checkpoint as it
# is published, `token` the raw RFC 3161 answer over it.
LEDGER = """
CREATE TABLE node (
  level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY, note BLOB NOT NULL, vkey TEXT NOT NULL, run TEXT, signed_at TEXT NOT NULL
) STRICT;
CREATE TABLE stamp (
  size INTEGER NOT NULL REFERENCES checkpoint(size), authority TEXT NOT NULL, token BLOB NOT NULL,
  stamped_at TEXT NOT NULL, PRIMARY KEY (size, authority)
) STRICT, WITHOUT ROWID;
""" + _guards(
    ("node", "level = NEW.level AND position = NEW.position"),
    ("checkpoint", "size = NEW.size"),
    ("stamp", "size = NEW.size AND authority = NEW.authority"),
)

OPINIONS = """
CREATE TABLE article (
  id TEXT PRIMARY KEY, location TEXT NOT NULL, capture TEXT NOT NULL REFERENCES capture(id),
  media_type TEXT, charset TEXT, published_at TEXT, label TEXT, read_at TEXT NOT NULL, refusal TEXT
) STRICT;
CREATE INDEX article_by_location ON article(location);
CREATE TABLE embed (
  id TEXT PRIMARY KEY, article TEXT NOT NULL REFERENCES article(id), seq INTEGER NOT NULL,
  platform TEXT NOT NULL, kind TEXT NOT NULL, url TEXT, handle TEXT, name TEXT, date TEXT, text TEXT,
  codes TEXT NOT NULL, pic_codes TEXT NOT NULL, found_in TEXT NOT NULL, in_body INTEGER,
  start INTEGER, "end" INTEGER, text_spans TEXT NOT NULL, selectors TEXT NOT NULL,
  said TEXT, post TEXT, state TEXT NOT NULL, reason TEXT NOT NULL, resolution TEXT, verdict TEXT
) STRICT;
CREATE INDEX embed_by_article ON embed(article, seq);
CREATE INDEX embed_by_post ON embed(platform, post);
CREATE INDEX embed_by_handle ON embed(handle COLLATE NOCASE, date);
CREATE TABLE code (
  code TEXT NOT NULL, embed TEXT, platform TEXT, post TEXT, UNIQUE (code, embed, platform, post)
) STRICT;
CREATE TABLE post (
  platform TEXT NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL, handle TEXT, author TEXT, name TEXT, text TEXT,
  posted_at TEXT, state TEXT NOT NULL, reason TEXT NOT NULL, snapshot TEXT, depth INTEGER NOT NULL,
  live TEXT, live_reason TEXT, live_at TEXT, PRIMARY KEY (platform, id)
) STRICT;
CREATE INDEX post_by_handle ON post(handle COLLATE NOCASE, posted_at);
CREATE TABLE attempt (
  id TEXT PRIMARY KEY, platform TEXT NOT NULL, post TEXT NOT NULL, source TEXT NOT NULL, rank TEXT NOT NULL,
  outcome TEXT NOT NULL, reason TEXT NOT NULL, tombstone TEXT, detail TEXT, captures TEXT NOT NULL,
  started_at TEXT NOT NULL, ended_at TEXT NOT NULL, run TEXT
) STRICT;
CREATE INDEX attempt_by_post ON attempt(platform, post, started_at);
CREATE TABLE snapshot (
  id TEXT PRIMARY KEY, platform TEXT NOT NULL, post TEXT NOT NULL, source TEXT NOT NULL, rank TEXT NOT NULL,
  capture TEXT NOT NULL REFERENCES capture(id), taken_at TEXT NOT NULL, observed_at TEXT NOT NULL, shown TEXT NOT NULL
) STRICT;
CREATE INDEX snapshot_by_post ON snapshot(platform, post, taken_at);
CREATE TABLE media (
  snapshot TEXT NOT NULL REFERENCES snapshot(id), key TEXT NOT NULL, kind TEXT NOT NULL, url TEXT,
  capture TEXT REFERENCES capture(id), sha256 TEXT, size INTEGER, declared_type TEXT, type TEXT,
  width INTEGER, height INTEGER, reason TEXT NOT NULL, shown TEXT NOT NULL, PRIMARY KEY (snapshot, key)
) STRICT;
CREATE INDEX media_by_sha256 ON media(sha256);
CREATE TABLE wording (
  rowid INTEGER PRIMARY KEY, platform TEXT NOT NULL, post TEXT, embed TEXT, text TEXT NOT NULL, who TEXT NOT NULL,
  UNIQUE (platform, post), UNIQUE (embed)
) STRICT;
CREATE VIRTUAL TABLE wording_fts USING fts5(text, who, content=wording, tokenize="unicode61 remove_diacritics 2");
CREATE TRIGGER wording_insert AFTER INSERT ON wording
  BEGIN INSERT INTO wording_fts(rowid, text, who) VALUES (NEW.rowid, NEW.text, NEW.who); END;
CREATE TRIGGER wording_delete AFTER DELETE ON wording
  BEGIN INSERT INTO wording_fts(wording_fts, rowid, text, who) VALUES ('delete', OLD.rowid, OLD.text, OLD.who); END;
CREATE TRIGGER wording_update AFTER UPDATE ON wording BEGIN
  INSERT INTO wording_fts(wording_fts, rowid, text, who) VALUES ('delete', OLD.rowid, OLD.text, OLD.who);
  INSERT INTO wording_fts(rowid, text, who) VALUES (NEW.rowid, NEW.text, NEW.who);
END;
"""

WORK = """
CREATE TABLE due (
  kind TEXT NOT NULL, key TEXT NOT NULL, due_at TEXT NOT NULL, priority INTEGER NOT NULL, tries INTEGER NOT NULL,
  began_at TEXT, reason TEXT, detail TEXT, PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_by_time ON due(due_at);
CREATE INDEX due_by_priority ON due(priority, due_at, key);
CREATE TABLE host (
  name TEXT PRIMARY KEY, not_before TEXT, reason TEXT, failures INTEGER NOT NULL DEFAULT 0, changed_at TEXT NOT NULL
) STRICT;
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL, holder TEXT NOT NULL, until TEXT NOT NULL
) STRICT;
CREATE TABLE run (
  id TEXT PRIMARY KEY, started_at TEXT NOT NULL, ended_at TEXT, command TEXT NOT NULL, software TEXT NOT NULL,
  operator TEXT, configuration TEXT, report TEXT
) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

# Custody. `erasure` names what a legal deletion took away (a blob, a piece of one, a capture's record): only what it
# names may be deleted, and only the ledger's own event (a capture of ours, see `custody`) makes it believable. `seal`
# is the digest of a checkpoint's or a stamp's row, since no signature covers all of its columns. The origin tables
# keep the logs of archives that were merged into this one: which capture was which leaf, and the heads they signed.
CUSTODY = """
CREATE TABLE erasure (
  kind TEXT NOT NULL, name TEXT NOT NULL, size INTEGER, reason TEXT NOT NULL, erased_at TEXT NOT NULL,
  event TEXT NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE seal (
  kind TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin_leaf (
  log TEXT NOT NULL, leaf INTEGER NOT NULL, capture TEXT NOT NULL REFERENCES capture(id), PRIMARY KEY (log, leaf)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin_checkpoint (
  log TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, vkey TEXT NOT NULL, signed_at TEXT NOT NULL,
  PRIMARY KEY (log, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE origin_stamp (
  log TEXT NOT NULL, size INTEGER NOT NULL, authority TEXT NOT NULL, token BLOB NOT NULL, stamped_at TEXT NOT NULL,
  PRIMARY KEY (log, size, authority)
) STRICT, WITHOUT ROWID;
DROP TRIGGER chunk_no_delete;
CREATE TRIGGER chunk_no_delete BEFORE DELETE ON chunk
  WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE kind = 'chunk' AND name = OLD.sha256)
  BEGIN SELECT RAISE(ABORT, 'chunk is append-only'); END;
DROP TRIGGER blob_chunk_no_delete;
CREATE TRIGGER blob_chunk_no_delete BEFORE DELETE ON blob_chunk
  WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE kind = 'blob' AND name = OLD.blob)
  BEGIN SELECT RAISE(ABORT, 'blob_chunk is append-only'); END;
DROP TRIGGER capture_no_update;
CREATE TRIGGER capture_no_update BEFORE UPDATE ON capture
  WHEN NEW.id IS NOT OLD.id OR NEW.seq IS NOT OLD.seq OR NEW.record IS NOT '{"erased":true}'
    OR NOT EXISTS (SELECT 1 FROM erasure WHERE kind = 'capture' AND name = OLD.id)
  BEGIN SELECT RAISE(ABORT, 'capture is append-only'); END;
"""
CUSTODY += _guards(
    ("erasure", "kind = NEW.kind AND name = NEW.name"),
    ("seal", "kind = NEW.kind AND name = NEW.name"),
    ("origin_leaf", "log = NEW.log AND leaf = NEW.leaf"),
    ("origin_checkpoint", "log = NEW.log AND size = NEW.size"),
    ("origin_stamp", "log = NEW.log AND size = NEW.size AND authority = NEW.authority"),
)
# What an article shows above an attribution: where a flattened post begins is open.
CONTEXT = "ALTER TABLE embed ADD COLUMN context TEXT;"
# The digest that an embed code states of the record it shows (`Claim.cid`).
CID = "ALTER TABLE embed ADD COLUMN cid TEXT;"
# What is looked at again and again. `watched` is a page that a source names (a feed, a sitemap, an article's own
# address) or that such a page names (a sitemap of an index): what its answer said of itself, so that the next question
# is conditional, and how often in a row it failed. `entry` is an article's address as such a page lists it. `tick` says
# when each source was last due and is due next, `growth` how large the archive was at the end of each day.
WATCHED = """
CREATE TABLE watched (
  url TEXT PRIMARY KEY, label TEXT, parent TEXT, kind TEXT, etag TEXT, last_modified TEXT, lastmod TEXT,
  checked_at TEXT, changed_at TEXT, failures INTEGER NOT NULL DEFAULT 0, failure TEXT
) STRICT;
CREATE INDEX watched_by_parent ON watched(parent);
CREATE TABLE entry (
  url TEXT PRIMARY KEY, label TEXT, published_at TEXT, changed_at TEXT, found_at TEXT NOT NULL, read_at TEXT,
  failure TEXT
) STRICT;
CREATE TABLE tick (label TEXT PRIMARY KEY, at TEXT, next_at TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE growth (day TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
# What is derived from media's bytes: a picture's PDQ hash (NULL where there is too little in it to have one), and the
# captures whose bodies, one after the other, are a film that was served in segments (`film` is the whole's SHA-256).
DERIVED = """
CREATE TABLE picture (sha256 TEXT PRIMARY KEY, pdq BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE piece (
  film TEXT NOT NULL, seq INTEGER NOT NULL, capture TEXT NOT NULL REFERENCES capture(id), PRIMARY KEY (film, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX piece_by_capture ON piece(capture);
"""
# For which host's turn a piece of work waits, having found it crowded; so that it is not taken before there is room.
LINE = """
ALTER TABLE due ADD COLUMN host TEXT;
DROP INDEX due_by_priority;
CREATE INDEX due_by_line ON due(host, priority, due_at, key);
"""
# What the service does besides. `notice` is what somebody is to be told, until it is delivered. `copy` is one address
# that a web archive was asked to save: its job, and how that ended. `robots` is what a host's robots.txt asks of
# programs: seconds between two requests (NULL: it says nothing).
SERVICE = """
CREATE TABLE notice (
  id INTEGER PRIMARY KEY, body TEXT NOT NULL, due_at TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE copy (
  url TEXT PRIMARY KEY, job TEXT, status TEXT, memento TEXT, message TEXT, asked_at TEXT, ended_at TEXT
) STRICT;
CREATE TABLE robots (host TEXT PRIMARY KEY, delay REAL, read_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
# What a picture's or film's C2PA manifest says (`archiver.credentials`); NULL where none was found in it.
CREDENTIAL = "CREATE TABLE credential (sha256 TEXT PRIMARY KEY, said TEXT) STRICT, WITHOUT ROWID;"
#: Every statement that made the schema, in the order of the migrations.
SCRIPTS = (FACTS, GUARDS, OPINIONS, WORK, LEDGER, CUSTODY, CONTEXT, CID, WATCHED, DERIVED, LINE, SERVICE, CREDENTIAL)
#: What stands in place of a capture's record that was erased.
ERASED = '{"erased":true}'


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """The one writer's connection: WAL, FULL sync, foreign keys, autocommit with explicit transactions.

    `create` makes the file if it is missing or empty. NotAnArchive, NewerArchive, ArchiveBusy, ArchiveError with a
    sentence for everything else a path can turn out to be.
    """
    _look_at(path, missing_ok=create)
    is_new = not path.exists() or path.stat().st_size == 0
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
    try:
        with translated(path):
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA foreign_keys = ON")
            if is_new:
                connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _check_kind(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A reader's connection: never writes, never waits for the writer, works on a read-only file or directory.

    An archive of an earlier format is read as it is: what it lacks is empty (`older` tells). A connection for
    *any_thread* may be handed from one to another.
    """
    _look_at(path, missing_ok=False)
    uri = path.absolute().as_uri()
    own = not any_thread
    with translated(path):
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, timeout=5, check_same_thread=own)
        try:
            try:
                _check_kind(connection, path)
            except sqlite3.OperationalError as error:
                # WAL needs a -shm file beside it; where the directory forbids one and nobody writes, the file alone
                # is the whole truth (https://sqlite.org/wal.html#read_only_databases).
                if "unable to open" not in str(error) and "readonly" not in str(error):
                    raise
                wal = path.with_name(path.name + "-wal")
                if wal.exists() and wal.stat().st_size:
                    raise
                connection.close()
                connection = sqlite3.connect(
                    f"{uri}?immutable=1", uri=True, isolation_level=None, check_same_thread=own
                )
                _check_kind(connection, path)
            if older(connection) is not None:
                _fill(connection)
        except BaseException:
            connection.close()
            raise
    connection.row_factory = sqlite3.Row
    return connection


def older(connection: sqlite3.Connection) -> int | None:
    """The number of an archive's format, where it is an earlier one; None for this program's own."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    return version if version < VERSION else None


def format_note(connection: sqlite3.Connection, path: Path) -> str | None:
    """What to tell whoever reads an archive of an earlier format; None for this program's own."""
    version = older(connection)
    if version is None:
        return None
    return (
        f"{path}: is of format {version}, and this program writes {VERSION}. It is read as it is and not changed; what "
        "came later is empty. `archiver run` or `archiver reread` brings it up to date: make a back-up first."
    )


def as_of(version: int) -> sqlite3.Connection:
    """An empty archive of that format, in memory: what a file of it must look like."""
    fresh = sqlite3.connect(":memory:")
    # The first format took four scripts, each later one a script.
    for script in SCRIPTS[: version + 3]:
        fresh.executescript(script)
    return fresh


def _fill(connection: sqlite3.Connection) -> None:
    """Stand-ins, in this connection alone, for the tables and columns that came after the file's format."""
    tables = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name"
    with contextlib.closing(as_of(VERSION)) as fresh:
        there = {row[0] for row in connection.execute(tables)}
        for name, sql in fresh.execute(tables).fetchall():
            if name not in there:
                connection.execute(sql.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
                continue
            own = {row[1] for row in connection.execute(f"PRAGMA main.table_xinfo({name})")}
            lacking = [row[1] for row in fresh.execute(f"PRAGMA table_xinfo({name})") if row[1] not in own]
            if lacking:
                more = ", ".join(f'NULL AS "{column}"' for column in lacking)
                connection.execute(f"CREATE TEMP VIEW {name} AS SELECT *, {more} FROM main.{name}")  # noqa: S608 - ours


@contextlib.contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """SQLite's errors in our words, with the file named."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        message, name = str(error), getattr(error, "sqlite_errorname", "")
        # Only ENOSPC is SQLITE_FULL; a quota or a limit on file size is a write that failed.
        if "full" in message or name == "SQLITE_IOERR_WRITE":
            raise ArchiveFull(
                f"{path}: the disk is full; everything acknowledged is safe. Free space, then run again."
            ) from error
        if "locked" in message or "busy" in message:
            raise ArchiveBusy(f"{path}: another program is writing it. Wait for it to finish, or stop it.") from error
        if "readonly" in message:
            raise ArchiveError(
                f"{path}: is read-only. Make the file and its directory writable, or use --archive."
            ) from error
        if "not a database" in message or "malformed" in message or name.startswith("SQLITE_CORRUPT"):
            raise NotAnArchive(
                f"{path}: is damaged or not an archive ({message}). "
                "Restore a back-up, or name another file with --archive."
            ) from error
        if isinstance(error, sqlite3.OperationalError) and ("unable to open" in message or "disk I/O" in message):
            raise ArchiveError(f"{path}: cannot be opened ({message}). Check its directory and permissions.") from error
        raise
    except PermissionError as error:
        raise ArchiveError(f"{path}: permission denied. Make it readable and writable, or use --archive.") from error


def _look_at(path: Path, *, missing_ok: bool) -> None:
    try:
        if path.is_dir():
            raise NotAnArchive(f"{path}: is a directory. Name a file with --archive.")
        if not path.exists():
            if not missing_ok:
                raise InputError(f"{path}: no archive there. Make one with `archiver run`, or name it with --archive.")
            if not path.absolute().parent.is_dir():
                raise InputError(f"{path}: its directory does not exist. Make it first.")
            return
        with path.open("rb") as stream:
            head = stream.read(72)
    except PermissionError as error:
        raise ArchiveError(f"{path}: permission denied. Make it readable, or name another with --archive.") from error
    if head and not head.startswith(b"SQLite format 3\0"):
        raise NotAnArchive(f"{path}: is not an archive (not an SQLite file). Name another file with --archive.")
    if head and len(head) < 72:
        raise NotAnArchive(f"{path}: is damaged (cut short after {len(head)} bytes). Restore a back-up.")
    if not head and not missing_ok:
        raise NotAnArchive(f"{path}: is empty. Make an archive with `archiver run`, or name another with --archive.")


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID:
        raise NotAnArchive(f"{path}: is another program's SQLite file, not an archive. Name another with --archive.")
    if version > VERSION:
        raise NewerArchive(
            f"{path}: was written by a later archiver (format {version}, this one knows {VERSION}). Upgrade archiver."
        )


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations

    from archiver.ledger.tree import Tree, leaf_hash

    tree = Tree()
    migrations = Migrations("archiver")

    @migrations(name="0001_first")
    def first(db: Database) -> None:
        for part in (FACTS, GUARDS, OPINIONS, WORK):
            for statement in _statements(part):
                db.execute(statement)

    @migrations(name="0002_ledger")
    def ledger(db: Database) -> None:
        for statement in _statements(LEDGER):
            db.execute(statement)
        for seq, record in db.execute("SELECT seq, record FROM capture ORDER BY seq").fetchall():
            if seq != tree.size + 1:
                raise NotAnArchive(f"capture {tree.size + 1} is missing; run the archiver that made it, and verify")
            connection.executemany("INSERT INTO node VALUES (?, ?, ?)", tree.append([leaf_hash(record.encode())]))

    @migrations(name="0003_custody")
    def custody(db: Database) -> None:
        from archiver.store import log

        for statement in _statements(CUSTODY):
            db.execute(statement)
        for kept in log.checkpoints(connection):
            log.seal_checkpoint(connection, kept.size)
        for size, authority in connection.execute("SELECT size, authority FROM stamp").fetchall():
            log.seal_stamp(connection, size, authority)

    @migrations(name="0004_context")
    def context(db: Database) -> None:
        db.execute(CONTEXT)

    @migrations(name="0005_cid")
    def cid(db: Database) -> None:
        db.execute(CID)

    @migrations(name="0006_watched")
    def watched(db: Database) -> None:
        for statement in _statements(WATCHED):
            db.execute(statement)

    @migrations(name="0007_derived")
    def derived(db: Database) -> None:
        for statement in _statements(DERIVED):
            db.execute(statement)

    @migrations(name="0008_line")
    def line(db: Database) -> None:
        for statement in _statements(LINE):
            db.execute(statement)

    @migrations(name="0009_service")
    def service(db: Database) -> None:
        for statement in _statements(SERVICE):
            db.execute(statement)

    @migrations(name="0010_credential")
    def credential(db: Database) -> None:
        db.execute(CREDENTIAL)

    migrations.apply(Database(connection))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit the migration's transaction."""
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            if pending.strip():
                yield pending
            pending = ""


def is_writable(path: Path) -> bool:
    """Whether a writer could open it, without trying."""
    return os.access(path if path.exists() else path.absolute().parent, os.W_OK)
