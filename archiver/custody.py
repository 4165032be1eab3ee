"""`archiver reread`, `erase`, `merge` and `import`: what a keeper does to an archive after the fact, and its record."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import hashlib
import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archiver import articles, running
from archiver import reread as rereading
from archiver.config import Config
from archiver.errors import ArchiverError, InputError
from archiver.fetch.warc import Recordings
from archiver.model import Capture, Origin, PostRef
from archiver.store import Writer, erasure, events, log, search, union
from archiver.store.contents import locations

#: An imported answer larger than this (in bytes, decoded) is cut, and says so.
_IMPORT_CAP = 1 << 30
#: Changes that are listed for a person; the rest are counted (`--json` lists all).
_LISTED = 20


def reread(config: Config, path: Path, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rebuild opinions from facts and say what changed."""
    with _writer(path) as writer:
        found = rereading.reread(
            writer, running.rules(config, environ), now=_now, extract=articles.embeds, text_of=articles.text_of
        )
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
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            options.out.with_name(options.out.name + suffix).unlink(missing_ok=True)
        raise
    said = {"archive": str(options.out), **held, "counts": found.counts()}
    if options.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"{options.out}: {held['captures']} captures of {len(options.archives)} archives in one log")
        print(f"  {held['logs']} older logs are kept beside it: what was proved by them can still be proved")
    return 0


def take_in(config: Config, path: Path, options: argparse.Namespace) -> int:
    """Import other people's captures from WARC or WACZ files, marked so, with the recording's name and times."""
    if not options.giver.strip():
        raise InputError('--from: say whose captures these are, such as --from "Jane Doe, Example Institute"')
    digests = {}
    for file in options.files:
        try:
            with file.open("rb") as stream:
                digests[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror}).") from error
    recordings = Recordings(options.files, spool=path.absolute().parent)
    count = new = 0
    left_out: Counter[str] = Counter()
    try:
        with Writer(path, holder=_holder(), now=_now) as writer:
            before = log.size(writer.db)
            # The event comes first: an import that is cut off has said whose captures these are.
            said = {"from": options.giver, "files": digests, "after_leaf": before}
            writer.add_captures([events.event("import", _now(), said)])
            for each in recordings.every((_IMPORT_CAP, _IMPORT_CAP)):
                if isinstance(each, Capture):
                    marked = Origin("import", each.origin.container, each.origin.record)
                    count += 1
                    new += writer.add_captures([dataclasses.replace(each, origin=marked)])
                else:
                    left_out[each.reason] += 1
            writer.checkpoint(running._signer(config, path), None)
    finally:
        recordings.close()
    if options.json:
        print(json.dumps({"archive": str(path), "captures": count, "new": new, "left_out": dict(left_out)}))
    else:
        print(f"{path}: {count} captures from {options.giver}, {new} of them new, each marked as imported")
        for reason, number in sorted(left_out.items()):
            print(f"  left out: {number} records ({reason})")
    return 0


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
    """Enter an event into the archive's ledger if it can be written now; None if that was done, else why not."""
    try:
        with _writer(path) as writer:
            writer.add_captures([events.event(kind, _now(), said)])
    except (ArchiverError, sqlite3.Error) as error:
        return str(error)
    return None


def _writer(path: Path) -> Writer:
    if not path.exists():
        raise InputError(f"{path}: no archive there. Make one with `archiver run`, or name it with --archive.")
    return Writer(path, holder=_holder(), now=_now)


def _holder() -> str:
    return f"pid {os.getpid()} on {os.uname().nodename}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
