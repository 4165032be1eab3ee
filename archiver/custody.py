"""`archiver reread`, `erase`, `merge` and `import`: what a keeper does to an archive after the fact, and its record."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import json
import os
import secrets
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from archiver import __version__, articles, imported, imports, inbox, running
from archiver import reread as rereading
from archiver.archive import posts
from archiver.config import Config
from archiver.errors import ArchiveBusy, ArchiveError, ArchiveFull, ArchiverError, InputError, NotAnArchive, ParseError
from archiver.fetch.warc import Recordings
from archiver.kept import find_media
from archiver.model import Capture, Origin, PostRef
from archiver.platforms import Source
from archiver.store import Writer, erasure, events, facts, log, opinions, schema, search, union, work
from archiver.store.contents import locations

#: An imported answer larger than this (in bytes, decoded) is cut, and says so.
_IMPORT_CAP = 1 << 30
#: So many captures, or bytes of them, are kept at once.
_BATCH, _BATCH_SIZE = 200, 32 << 20
#: Changes that are listed for a person; the rest are counted (`--json` lists all).
_LISTED = 20


def reread(config: Config, path: Path, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rebuild opinions from facts and say what changed."""
    with _writer(path) as writer:
        # In the archive's own book of runs, because what its opinions were read with is asked of every record.
        run = _begin(writer, config, "reread", _now())
        found = rereading.reread(
            writer, running.rules(config, environ), now=_now, extract=articles.embeds, text_of=articles.text_of
        )
        with writer.transaction() as db:
            work.end_run(db, run, _now(), {"changes": len(found.changes), "counts": found.counts()})
    if options.json:
        changes = [dataclasses.asdict(each) for each in found.changes]
        said = {"articles": found.articles, "looks": found.attempts, "changes": changes, "kept": list(found.kept)}
        print(json.dumps({**said, "counts": found.counts()}, ensure_ascii=False))
        return 0
    print(f"{path}: {found.articles} articles and {found.attempts} looks read again from their captures")
    for what, count in found.counts().items():
        print(f"  {what}: {count}")
    for each in found.changes[:_LISTED]:
        print(f"    {each.what} {each.table} {each.name}")
    if len(found.changes) > _LISTED:
        print(f"    and {len(found.changes) - _LISTED} more; --json lists all")
    if not found.changes:
        print("  nothing changed")
    for line in found.kept[:_LISTED]:
        print(f"  left as it was: {line}")
    if len(found.kept) > _LISTED:
        print(f"  and {len(found.kept) - _LISTED} more left as they were")
    return 0


def _begin(writer: Writer, config: Config, command: str, at: dt.datetime) -> str:
    """Open a run in the archive's own book of runs: who did it, with which program and its parsers."""
    run = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    with writer.transaction() as db:
        work.begin_run(
            db,
            run,
            at,
            command=command,
            software=f"archiver/{__version__}",
            operator=config.operator.name,
            configuration=running._digest(config),
        )
    return run


def erase(
    config: Config,
    path: Path,
    options: argparse.Namespace,
    match: Callable[[str, str | None], tuple[str, str] | None],
) -> int:
    """Delete for a legal reason what a query finds; 4 if bytes may linger."""
    if options.finish:
        with _writer(path) as writer:
            if erasure.unfinished(writer.db) is None:
                print(f"{path}: no erasure is unfinished")
                return 0
            return _finish(writer, path)
    if not options.query or not options.reason:
        raise InputError("erase needs what to erase and why: archiver erase QUERY --reason TEXT")
    query = " ".join(options.query)
    with _writer(path) as writer:
        articles = [
            row[0]
            for name in locations(query)
            for row in writer.db.execute("SELECT id FROM article WHERE location = ?", (name,))
        ]
        writer.db.row_factory = sqlite3.Row
        refs = [] if articles else [PostRef(*ref) for ref in search.find(writer.db, query, match, 1_000_000)[0]]
        writer.db.row_factory = None
        if not refs and not articles:
            raise InputError(f"{query}: the archive holds nothing of it. Try `archiver lookup {query}`.")
        plan = erasure.plan(writer.db, refs, articles, shown=options.articles)
        print("\n".join(_said(plan, options)))
        if not options.yes:
            print("Nothing was erased yet. Say --yes to do it; it cannot be undone.")
            return 0
        erasure.erase(writer, plan, options.reason, _now(), records=options.records)
        writer.checkpoint(running._signer(config, path), None)
        done = _finish(writer, path)
        print("\n".join(_elsewhere(writer, config, path, plan)))
    return done


def merge(config: Config, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Join archives into a new one; they stay as they are."""
    if options.out.exists():
        raise InputError(f"{options.out}: is there already. Name a new file with --out.")
    for path in options.archives:
        if not path.exists():
            raise InputError(f"{path}: no archive there. Name two or more archives.")
    try:
        with Writer(options.out, holder=_holder(), now=_now) as writer:
            held = union.merge(writer, options.archives)
            found = rereading.reread(
                writer, running.rules(config, environ), now=_now, extract=articles.embeds, text_of=articles.text_of
            )
            logs = [row[0] for row in writer.db.execute("SELECT DISTINCT log FROM origin_leaf ORDER BY log")]
            writer.add_captures([events.event("merge", _now(), {"captures": held["captures"], "logs": logs})])
            writer.checkpoint(running._signer(config, options.out), None)
    except BaseException as error:
        for suffix in ("", "-wal", "-shm"):
            options.out.with_name(options.out.name + suffix).unlink(missing_ok=True)
        if isinstance(error, ArchiveError) and _is_of_sources(error, options.out, options.archives):
            names = ", ".join(str(path) for path in options.archives)
            raise ArchiveError(
                f"{names}: one of them is damaged ({error.__cause__ or error}). Run `archiver verify FILE` on each, "
                "and merge a sound back-up of it; they stay as they are, and no new archive was made."
            ) from error
        raise
    said = {"archive": str(options.out), **held, "counts": found.counts()}
    if options.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"{options.out}: {held['captures']} captures of {len(options.archives)} archives in one log")
        print(f"  {held['logs']} older logs are kept beside it: what was proved by them can still be proved")
    return 0


def _is_of_sources(error: ArchiveError, made: Path, read: Sequence[Path]) -> bool:
    """Whether it is damage in one of the archives that were *read* and does not say in which. The one that was *made*
    was new: it may have no room, or not be writable, but what is damaged is not it."""
    if isinstance(error, ArchiveFull | ArchiveBusy) or any(str(error).startswith(f"{path}:") for path in read):
        return False
    return isinstance(error, NotAnArchive) or not str(error).startswith(f"{made}:")


def take_in(config: Config, path: Path, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Import what other people captured or saved: kept byte for byte, marked so and by whom, then read for posts."""
    giver = " ".join("".join(char for char in options.giver if char.isprintable()).split())[:200]
    if not giver:
        raise InputError('--from: say whose captures these are, such as --from "Jane Doe, Example Institute"')
    files = imports.handed(options.files)
    known = [each for each in files if each.kind is not imports.Kind.OTHER]
    for each in files:
        # A folder may hold anything; a file that was named and is nothing we know is a mistake, unless a document
        # among the others may name it.
        if (
            each.path in options.files
            and each.kind is imports.Kind.OTHER
            and not any(other.kind in (imports.Kind.DOCUMENT, imports.Kind.LINES) for other in known)
        ):
            raise InputError(f"{each.path}: is no WARC, WACZ, JSON Lines, or anything else that posts are read from.")
    if not known:
        raise InputError(f"{options.files[0]}: holds no WARC, WACZ, JSON Lines or other file that posts are read from.")
    recorded = [each.path for each in known if each.kind is imports.Kind.RECORDING]
    recordings = Recordings(recorded, spool=path.absolute().parent)
    try:
        with Writer(path, holder=_holder(), now=_now) as writer:
            taking = _Taking(writer, config, environ, giver, files)
            # The event comes first: an import that is cut off has said whose captures these are.
            said = {
                "from": giver,
                "files": {each.name: each.sha256 for each in files},
                "after_leaf": log.size(writer.db),
            }
            writer.add_captures([events.event("import", _now(), said)])
            taking.recordings(recordings)
            for each in known:
                if each.kind is not imports.Kind.RECORDING:
                    taking.file(each)
            taking.done()
            writer.checkpoint(running._signer(config, path), None)
    finally:
        recordings.close()
    if options.json:
        counts = {"captures": taking.count, "new": taking.new, "posts": len(taking.refs), "leads": taking.leads}
        print(json.dumps({"archive": str(path), **counts, "left_out": dict(taking.left_out)}, ensure_ascii=False))
    else:
        print(f"{path}: {taking.count} captures from {giver}, {taking.new} of them new, each marked as imported")
        print(f"  they show {len(taking.refs)} posts; {taking.leads} short links lead to one")
        for reason, number in sorted(taking.left_out.items()):
            print(f"  left out: {number} ({reason})")
    return 0


class _Taking:
    """One import: captures kept by the batch, what they show noted in the same go."""

    def __init__(
        self,
        writer: Writer,
        config: Config,
        environ: Mapping[str, str],
        giver: str,
        files: tuple[imports.Handed, ...],
    ) -> None:
        self._writer, self._giver, self._at = writer, giver, _now()
        self._run = _begin(writer, config, "import", self._at)
        self._job = rereading.offline(
            writer, running.rules(config, environ), now=_now, extract=articles.embeds, text_of=articles.text_of
        )
        self._beside: dict[str, list[imports.Handed]] = {}
        for each in files:
            if each.kind is imports.Kind.OTHER:
                self._beside.setdefault(each.path.name, []).append(each)
        self._batch: list[tuple[Capture, imported.Reading | None]] = []
        self._size = 0
        self._has_erasures = writer.db.execute("SELECT 1 FROM erasure LIMIT 1").fetchone() is not None
        self._again: dict[tuple[PostRef, str], tuple[Source, PostRef]] = {}
        self.count = self.new = self.leads = 0
        self.refs: set[PostRef] = set()
        self.left_out: Counter[str] = Counter()

    def recordings(self, recordings: Recordings) -> None:
        """Every recorded exchange."""
        for each in recordings.every((_IMPORT_CAP, _IMPORT_CAP)):
            if isinstance(each, Capture):
                self._take(
                    dataclasses.replace(each, origin=Origin("import", each.origin.container, each.origin.record))
                )
            else:
                self.left_out[f"a record: {each.reason}"] += 1

    def file(self, file: imports.Handed) -> None:
        """Every line of a file, or the whole of a document with the media that it names."""
        for each in imports.captures(file, self._at):
            if isinstance(each, str):
                self.left_out[f"{file.name}: {each}"] += 1
                continue
            # A line that is kept already is not kept again under today's time.
            row = self._writer.db.execute("SELECT record FROM capture WHERE url = ? LIMIT 1", (each.url,)).fetchone()
            capture = facts.capture_from(self._writer.db, row[0]) if row else each
            self._take(capture)
            self._media_beside(capture)

    def _media_beside(self, capture: Capture) -> None:
        try:
            items = imports.auto_archiver.items(capture) if self._beside else ()
        except ParseError:
            return
        for stated in (file for item in items for file in item.files):
            found = [each for name in stated.names for each in self._beside.get(name, ())]
            own = [each for each in found if stated.sha256 in (None, each.sha256)]
            if len({each.sha256 for each in own}) == 1:
                self._take(imports.media(own[0], stated, capture.started_at), is_read=False)
            elif found and not own:
                self.left_out[f"{found[0].name}: is not the file whose SHA-256 its record states"] += 1

    def _take(self, capture: Capture, *, is_read: bool = True) -> None:
        reading = imported.read(capture) if is_read else None
        if self._has_erasures and reading and any(erasure.is_erased(self._writer.db, ref) for ref in reading.refs):
            self.left_out["shows a post that was erased from this archive"] += 1
            return
        self.count += 1
        if reading is not None and not reading.refs:
            for ref, source in imported.candidates(capture):
                self._again[ref, source.name] = (source, ref)
        self._batch.append((capture, reading))
        self._size += capture.body.size
        if len(self._batch) >= _BATCH or self._size >= _BATCH_SIZE:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        self.new += self._writer.add_captures([capture for capture, _ in batch])
        with self._writer.transaction() as db:
            for _, reading in batch:
                if reading is not None and reading.refs:
                    self.refs.update(imported.keep(db, reading, self._giver, self._run))
                    self.leads += reading.lead is not None

    def done(self) -> None:
        """Ask the sources that need more than one answer, find the media, and settle every post."""
        self._flush()
        for source, ref in self._again.values():
            finding, given = imported.asked_again(self._writer.db, source, ref)
            with self._writer.transaction() as db:
                self.refs.update(imported.keep_again(db, source, finding, given, self._giver, self._run))
        refs = sorted(self.refs)
        with self._writer.transaction() as db:
            work.end_run(db, self._run, _now(), {"from": self._giver, "captures": self.count, "posts": len(refs)})
        for start in range(0, len(refs), _BATCH):
            with self._writer.transaction() as db:
                for ref in refs[start : start + _BATCH]:
                    for media in opinions.media_of(db, ref):
                        if media.sha256 is None:
                            find_media(db, ref, media.key)
                    posts.settle(self._job, db, ref)


def _said(plan: erasure.Plan, options: argparse.Namespace) -> list[str]:
    size = sum(size for _, size in plan.blobs)
    lines = [
        f"erases {len(plan.refs)} posts and {len(plan.articles)} articles: {len(plan.blobs)} blobs ({size} bytes) of "
        f"{len(plan.captures)} captures, and everything derived from them"
    ]
    if not options.records:
        lines.append(
            "  URL and headers of those captures stay (they are the ledger's leaves); --records erases them too"
        )
    lines += [f"  stays, because other captures hold equal bytes: sha256:{name}" for name in plan.shared]
    lines += [f"  {ref} loses a snapshot too: the same answer shows it" for ref in plan.others]
    if not plan.articles:
        lines.append("  articles that show it stay, with what they quote; --articles erases them too")
    return lines


def _elsewhere(writer: Writer, config: Config, path: Path, plan: erasure.Plan) -> list[str]:
    """The copies that cannot be reached from here."""
    lines = ["What this cannot reach, and you have to:"]
    for _, said in events.events(writer.db, "export"):
        lines.append(f"  the {said['format']} export of {said['at'][:10]} ({said['file'] or 'to standard output'})")
    lines += [f"  the recording {name}, which captures were replayed or imported from" for name in plan.containers]
    if config.fetch.record:
        lines.append(f"  the recording {config.fetch.record}")
    lines.append(f"  back-ups of {path}, replicas, file-system snapshots, exports whose record could not be kept")
    return lines


def _finish(writer: Writer, path: Path) -> int:
    why = erasure.finish(writer)
    if why is None:
        print(f"{path}: erased; no byte of it is left in the archive's files")
        return 0
    print(
        f"archiver: {path}: not finished: {why}. Bytes may linger in free pages or the write-ahead log. "
        "Stop what reads or writes it, then: archiver erase --finish",
        file=sys.stderr,
    )
    return 4


def note(path: Path, kind: str, said: dict[str, Any]) -> str | None:
    """Enter an event into the archive's ledger, or leave it to the run that is writing it; what to tell the user where
    it is not there yet, None where it is."""
    at = _now()
    try:
        with contextlib.closing(schema.connect_to_read(path)) as db:
            if schema.older(db) is not None:
                return f"this {kind} is not noted in the ledger: that would bring {path} up to date"
        with _writer(path) as writer:
            waiting = [each for each in inbox.notes(path) if each.event]
            writer.add_captures(
                [*(events.event(*each.event) for each in waiting if each.event), events.event(kind, at, said)]
            )
            for each in waiting:
                each.clear()
    except ArchiveBusy:
        try:
            inbox.put_event(path, kind, at, said)
        except ArchiverError as error:
            return f"this {kind} is not noted in the ledger: {error}"
        return f"a run is writing {path}: it will note this {kind} in the ledger"
    except (ArchiverError, sqlite3.Error) as error:
        return f"this {kind} is not noted in the ledger: {error}"
    return None


def _writer(path: Path) -> Writer:
    if not path.exists():
        raise InputError(f"{path}: no archive there. Make one with `archiver run`, or name it with --archive.")
    return Writer(path, holder=_holder(), now=_now)


def _holder() -> str:
    return f"pid {os.getpid()} on {os.uname().nodename}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
