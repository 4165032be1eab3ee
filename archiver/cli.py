"""The commands. Only this module reads the environment, the configuration and the terminal.

argparse and late imports, because a look-up must feel instant (docs/decisions/0002-argparse.md): `lookup` and
`status` load the standard library and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver import __version__
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    import datetime as dt

    from archiver.config import Config

EXIT_CODES = """\
exit codes:
  0  done; for lookup and extract: something was found
  1  lookup: nothing found; extract: no embeds; verify: something is damaged
  2  wrong usage, configuration or input (each input that could not be read is named)
  3  the archive cannot be used: damaged, another program's, newer than this program, read-only
  4  another process is writing the archive
  5  the disk is full; nothing acknowledged is lost
  6  a proof or a signature does not hold
  70  a mistake of this program; DEBUG=1 shows where
  130  stopped by Ctrl-C; run again to go on
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code. No traceback reaches a user: DEBUG=1 in the environment shows it."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        if arguments[:1] == ["extract"]:
            from archiver.articles import command

            return int(command.main(arguments[1:]))
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except BrokenPipeError:
        # The reader of our output has left (`| head`): not an error, and nothing to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ArchiverError as error:
        if os.environ.get("DEBUG"):
            raise
        print(f"archiver: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if os.environ.get("DEBUG"):
            raise
        print(
            f"archiver: a mistake of this program, not of yours: {type(error).__name__}: {error}. "
            "Nothing acknowledged is lost. Run it again with DEBUG=1 to see where, and please report it.",
            file=sys.stderr,
        )
        return 70
    except KeyboardInterrupt:
        print("archiver: stopped. Nothing acknowledged is lost; run again to go on.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="archiver",
        description="Find the social posts that articles show, archive them with their media, prove what was seen.",
        epilog=EXIT_CODES,
        formatter_class=form,
    )
    parser.add_argument("--version", action="version", version=f"archiver {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="default: $ARCHIVER_CONFIG, else ./config.toml")
    common.add_argument("--archive", type=Path, metavar="FILE", help="the archive; default: as configured (archive.db)")
    common.add_argument("--json", action="store_true", help="machine-readable output")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Any, says: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            parents=[common],
            help=says,
            description=says[0].upper() + says[1:] + ".",
            epilog=f"example:\n  {example}\n\n{EXIT_CODES}",
            formatter_class=form,
        )
        command.set_defaults(run=run)
        return command

    run = add(
        "run",
        _run,
        "archive what articles show: once, or as the scheduled service",
        "archiver run --once article.html https://news.example/story",
    )
    run.add_argument(
        "articles",
        nargs="*",
        metavar="ARTICLE",
        help="files, folders or URLs; default: the sources in the configuration",
    )
    run.add_argument("--once", action="store_true", help="do what is due, then end")
    run.add_argument(
        "--replay",
        type=Path,
        action="append",
        default=[],
        metavar="WARC",
        help="answer from WARC or WACZ files and nothing else",
    )
    run.add_argument("--record", type=Path, metavar="WARC", help="append every exchange to a WARC")
    run.add_argument("--log", choices=("text", "json"), default="text", help="how event lines are written in a pipe")
    run.add_argument("--quiet", action="store_true", help="no progress, no event lines")
    commands.add_parser("extract", help="list the posts that articles show; no archive, no network", add_help=False)
    lookup = add(
        "lookup",
        _lookup,
        "find archived posts by anything you have",
        "archiver lookup fwutN0Bakg\n  archiver lookup '@handle 2024-08-07'\n  archiver lookup picture.jpg",
    )
    lookup.add_argument(
        "query",
        nargs="+",
        metavar="QUERY",
        help="URL, id, t.co or pic code, @handle [date], pasted text, an article's path or URL, a media file "
        "(a picture also as somebody else saved it) or its hash",
    )
    lookup.add_argument("--save-media", type=Path, metavar="DIR", help="write the posts' media there, named by digest")
    export = add(
        "export",
        _export,
        "write provenance records",
        "archiver export prov-json --out record.json --post https://x.com/i/status/20",
    )
    export.add_argument(
        "format", metavar="FORMAT", help="jsonl, csv, warc, …; `archiver export list` says what each is for"
    )
    export.add_argument("--out", type=Path, metavar="PATH", help="default: standard output")
    export.add_argument(
        "--post", action="append", default=[], metavar="QUERY", help="only what this look-up finds; may be given again"
    )
    export.add_argument(
        "--article",
        action="append",
        default=[],
        metavar="PATH|URL",
        help="only what this article shows; again for more",
    )
    export.add_argument("--since", type=_day, metavar="DAY", help="only posts of this day (YYYY-MM-DD, UTC) or later")
    export.add_argument("--until", type=_day, metavar="DAY", help="only posts of this day or earlier")
    export.add_argument("--platform", action="append", default=[], metavar="NAME", help="only posts of this network")
    export.add_argument(
        "--verdict",
        action="append",
        default=[],
        choices=["corroborated", "differs", "contradicted", "unconfirmed"],
        help="only embeds whose article was found to agree with the post like this",
    )
    export.add_argument("--no-note", action="store_true", help="do not note this export in the archive's ledger")
    export.add_argument("--sign", type=Path, metavar="PEM", help="sign it with this ECDSA P-384 key")
    verify = add(
        "verify",
        _verify,
        "recompute what an archive or an export says of itself, offline",
        "archiver verify\n  archiver verify --structure\n  archiver verify evidence.wacz\n"
        "  archiver verify posts.csv --key public.pem",
    )
    verify.add_argument(
        "path", nargs="?", type=Path, metavar="FILE", help="an archive or an export; default: the archive"
    )
    depth = verify.add_mutually_exclusive_group()
    depth.add_argument("--structure", action="store_true", help="only the structure and the ledger: seconds")
    depth.add_argument("--read-data", action="store_true", help="every byte of every blob as well (the default)")
    depth.add_argument("--sample", metavar="PERCENT", help="the structure, and that share of the blobs, such as 5%%")
    verify.add_argument(
        "--key",
        metavar="KEY",
        help="the signer's public key, as its owner published it: for an archive the line of `archiver keys`, for an "
        "export a PEM file",
    )
    verify.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="a checkpoint of this archive that you or somebody else kept: is the log still the one it was of?",
    )
    verify.add_argument(
        "--roots",
        type=Path,
        metavar="PEM",
        help="certificates of the time-stamping authorities that you trust: check every time stamp under them",
    )
    backup = add("backup", _backup, "copy the archive while it is in use", "archiver backup archive-2026-11-22.db")
    backup.add_argument("target", type=Path, metavar="FILE", help="where to; an existing file is not replaced")
    add("keys", _keys, "show the public key that checks this archive's checkpoints", "archiver keys > archive.vkey")
    ledger = add(
        "ledger",
        _ledger,
        "show the newest signed checkpoint, publish the log, prove one capture",
        "archiver ledger --publish public/\n  archiver ledger --prove CAPTURE > proof.json\n  archiver ledger --events",
    )
    ledger.add_argument("--publish", type=Path, metavar="DIR", help="write the log as static tiles, for witnesses")
    ledger.add_argument(
        "--events", action="store_true", help="print what was done to the archive as a whole, as JSON Lines"
    )
    ledger.add_argument("--prove", metavar="CAPTURE", help="print the proof that a capture (its id) is in the ledger")
    add(
        "reread",
        _reread,
        "rebuild every opinion from the captures, offline, and say what changed",
        "archiver reread",
    )
    importing = add(
        "import",
        _import,
        "take in what others captured or saved, marked as imported and from whom",
        'archiver import evidence.wacz --from "Jane Doe, Example Institute"\n'
        '  archiver import tweets.jsonl --from "Jane Doe"\n'
        '  archiver import auto-archiver-output/ --from "Example desk"',
    )
    importing.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="WARC, WACZ, JSON Lines of twarc or of X's API, JSON, CSV or HTML of auto-archiver; or a folder of these "
        "with their media",
    )
    importing.add_argument(
        "--from", "--by", dest="giver", required=True, metavar="NAME", help="whose captures these are"
    )
    merge = add(
        "merge",
        _merge,
        "join archives into a new one, their older logs kept",
        "archiver merge desk-a.db desk-b.db --out both.db",
    )
    merge.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE", help="two or more; they are only read")
    merge.add_argument("--out", type=Path, metavar="FILE", required=True, help="the new archive")
    erase = add(
        "erase",
        _erase,
        "delete for a legal reason: bytes and everything derived go, digest and reason stay",
        "archiver erase https://x.com/i/status/20 --reason 'Art. 17 GDPR, letter of 2026-11-02' --yes",
    )
    erase.add_argument("query", nargs="*", metavar="QUERY", help="as for lookup; or an article's path or URL")
    erase.add_argument("--reason", metavar="TEXT", help="why: kept with the date for good, so name nobody in it")
    erase.add_argument("--articles", action="store_true", help="also the articles that show the posts")
    erase.add_argument("--records", action="store_true", help="also URL and headers of the captures")
    erase.add_argument("--yes", action="store_true", help="do it; without this, only say what would go")
    erase.add_argument("--finish", action="store_true", help="finish an erasure that was held up")
    reporting = add(
        "report",
        _report,
        "how long posts live, by platform and by source, and what the last runs did",
        "archiver report --plot survival.svg\n  archiver report --csv > survival.csv",
    )
    reporting.add_argument("--csv", action="store_true", help="the figures as CSV")
    reporting.add_argument("--plot", type=Path, metavar="FILE", help="draw them: a name ending in .png or .svg")
    adding = add(
        "add",
        _add,
        "queue articles, feeds or data sets now, also while a service runs",
        "archiver add https://news.example/story article.html",
    )
    adding.add_argument("inputs", nargs="+", metavar="URL|FILE", help="as for run; the running service takes it up")
    add("status", _status, "what the archive holds, what is due, what waits and why", "archiver status")
    return parser


# --- settings -------------------------------------------------------------------------------------------------------


def _config(options: argparse.Namespace) -> Config:
    from archiver.config import load

    return load(options.config, environ=os.environ)


def _archive_path(options: argparse.Namespace) -> Path:
    if options.archive is not None:
        return Path(options.archive)
    if options.config is None and not os.environ.get("ARCHIVER_CONFIG") and not Path("config.toml").exists():
        return Path("archive.db")  # what an empty configuration says, without loading its reader
    return _config(options).archive


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1 if sys.stdout.isatty() else None))


# --- run ------------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    from archiver.running import run

    return run(_config(options), options, os.environ)


# --- lookup ---------------------------------------------------------------------------------------------------------


def _match(url: str, name: str | None) -> tuple[str, str] | None:
    """The post a URL names: asked of one platform, or of all."""
    from archiver.platforms import platform, recognise, unwrapped

    one = platform(name) if name else None
    ref = one.match(unwrapped(url)) if one else recognise(url)
    return (ref.platform, ref.id) if ref else None


def _say_format(db: Any, path: Path) -> None:
    from archiver.store.schema import format_note

    if note := format_note(db, path):
        print(f"archiver: {note}", file=sys.stderr)


def _lookup(options: argparse.Namespace) -> int:
    import contextlib

    from archiver.store import connect_to_read, search, translated

    path, query = _archive_path(options), " ".join(options.query)
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        _say_format(db, path)
        posts, embeds = search.find(db, query, _match)
        alike = _alike(db, query)
        posts += [ref for ref in alike if ref not in posts]
        dossiers = [{**search.dossier(db, ref), **({"alike": alike[ref]} if ref in alike else {})} for ref in posts]
        loose = [search.unresolved(db, embed) for embed in embeds]
        if options.save_media:
            _save_media(db, dossiers, options.save_media)
    if options.json:
        _print({"query": query, "posts": dossiers, "unresolved": loose})
    else:
        for dossier in dossiers:
            print(_describe(dossier))
        for shown in loose:
            print(_describe_loose(shown))
        if not posts and not embeds:
            print(
                f"archiver: {path} holds nothing for {query!r}. `archiver status` says what it holds.", file=sys.stderr
            )
    return 0 if posts or embeds else 1


def _alike(db: Any, query: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Posts with the same picture as the file that a query names: which of theirs, and how far from it."""
    if "\n" in query or "\0" in query or len(query) > 4096 or not Path(query).is_file():
        return {}
    with Path(query).open("rb") as stream:
        head = stream.read(12)
    if not head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")) and head[8:12] != b"WEBP":
        return {}
    from archiver import picture
    from archiver.model import Body
    from archiver.store import search

    file = Path(query)
    seen = picture.likeness(Body("", file.stat().st_size, lambda: file.open("rb")))
    if seen is None:
        print(f"archiver: {query}: no picture, or with too little in it to be recognised", file=sys.stderr)
        return {}
    found = search.alike(db, seen.pdq, picture.SAME)[:20]
    return {ref: {"sha256": sha256, "distance": distance} for ref, sha256, distance in found}


def _save_media(db: Any, dossiers: list[dict[str, Any]], folder: Path) -> None:
    import mimetypes
    import shutil

    from archiver.store import facts

    folder.mkdir(parents=True, exist_ok=True)
    for dossier in dossiers:
        for media in dossier["media"]:
            if media["sha256"]:
                # Named by digest: nothing a platform or an article chose becomes a path.
                suffix = mimetypes.guess_extension(media["type"] or "") or ".bin"
                target = folder / (media["sha256"] + suffix)
                with facts.open_blob(db, media["sha256"]) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                print(target, file=sys.stderr)


def _describe(dossier: dict[str, Any]) -> str:
    live = dossier["live"]
    now = (
        f"; on the platform: {live['reason'] if live['reason'] != 'ok' else 'there'} ({_minute(live['at'])})"
        if live
        else ""
    )
    lines = [
        f"{dossier['platform']}:{dossier['id']}  {_who(dossier)}  {_minute(dossier['posted_at'])}",
        f"  {dossier['state']} ({dossier['reason']}){now}",
        f"  {dossier['url']}",
    ]
    if dossier["text"]:
        lines += ["", *(f"    {line}" for line in dossier["text"].splitlines()), ""]
    for snapshot in dossier["snapshots"]:
        lines.append(f"  seen      {_minute(snapshot['observed_at'])}  by {snapshot['source']} ({snapshot['rank']})")
    for attempt in dossier["attempts"]:
        if attempt["outcome"] != "found":
            said = f": {attempt['tombstone']}" if attempt["tombstone"] else ""
            lines.append(
                f"  not seen  {_minute(attempt['started_at'])}  by {attempt['source']}, {attempt['reason']}{said}"
            )
    for media in dossier["media"]:
        if media["sha256"]:
            size = f" {media['width']}×{media['height']}" if media["width"] else ""
            lines.append(f"  media     {media['type']}{size} {_bytes(media['size'])} sha256:{media['sha256']}")
            if media["credentials"]:
                lines.append(f"            carries a C2PA manifest: {_credentials(media['credentials'])}")
        else:
            lines.append(f"  media     {media['kind']} missing ({media['reason']}) {media['url']}")
    if alike := dossier.get("alike"):
        lines.append(f"  resembles sha256:{alike['sha256']}, {alike['distance']} of 256 bits apart")
    for shown in dossier["articles"]:
        overall = (shown["corroboration"] or {}).get("overall", "not compared")
        lines.append(f"  shown in  {shown['location']}  {shown['kind']}, {overall}")
        for name, field in (shown["corroboration"] or {}).get("fields", {}).items():
            if field["verdict"] in ("differs", "contradicted"):
                note = field["note"] or f"article {field['claimed']!r}, post {field['seen']!r}"
                lines.append(f"            {name} {field['verdict']}: {note}")
    return "\n".join([*lines, ""])


def _credentials(said: dict[str, Any]) -> str:
    if "why" in said:
        return f"{said['state']} ({said['why']})"
    named = [said["signer"] or said["issuer"] or "somebody unnamed", said["signed_at"] or "at no stated time"]
    return f"{said['state']}, signed by {', '.join(named)} ({', '.join(said['codes']) or 'no complaints'})"


def _describe_loose(shown: dict[str, Any]) -> str:
    who = f"@{shown['handle']}" if shown["handle"] else shown["url"] or " ".join(shown["codes"])
    lines = [
        f"{shown['platform']}: which post, is not known ({shown['reason']})  {who}  {shown['date'] or ''}".rstrip(),
        f"  shown in  {shown['location']}  {shown['kind']}, characters {shown['start']}–{shown['end']}",
    ]
    for step in (shown["resolution"] or {}).get("evidence", []):
        lines.append(f"  {step['rung']}: {step['detail']}")
    for candidate in (shown["resolution"] or {}).get("candidates", []):
        ref = candidate["ref"]
        lines.append(
            f"  candidate {ref['platform']}:{ref['id']} ({candidate['score']}): {'; '.join(candidate['reasons'])}"
        )
    return "\n".join([*lines, ""])


def _who(dossier: dict[str, Any]) -> str:
    if not dossier["handle"]:
        return dossier["name"] or "(author not known)"
    return f"@{dossier['handle']}" + (f" ({dossier['name']})" if dossier["name"] else "")


def _minute(at: str | None) -> str:
    return f"{at[:10]} {at[11:16]} UTC" if at else "time not known"


def _bytes(size: float | None) -> str:
    size = size or 0
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


# --- export, verify, status -----------------------------------------------------------------------------------------


def _export(options: argparse.Namespace) -> int:
    from archiver.exports import exports

    if options.format == "list":
        for export in exports().values():
            print(f"{export.name:<12} {export.says}")
        return 0
    chosen = exports().get(options.format)
    if chosen is None:
        from archiver.errors import InputError

        raise InputError(f"{options.format}: no such format. There are: {', '.join(exports())}.")
    import contextlib

    from archiver.exports import digests
    from archiver.store import connect_to_read, translated
    from archiver.store.contents import StoredContents

    path = _archive_path(options)
    signer = _signer(options.sign) if options.sign else None
    if signer is not None and options.out is None and chosen.check_signed is None:
        from archiver.errors import InputError

        raise InputError(
            f"--sign: {chosen.name} has no place for a signature; it goes beside the file. Give --out PATH."
        )
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        _say_format(db, path)
        contents = StoredContents(db, _selection(db, options), signer)
        if options.out is None:
            hashed = digests.Hashed(sys.stdout.buffer)
            chosen.write(contents, hashed)  # type: ignore[arg-type]  # an export only writes
            sys.stdout.buffer.flush()
        else:
            hashed = _write_export(chosen, contents, options.out, signer)
    _note_export(path, options, hashed.digest.hexdigest())
    return 0


def _write_export(chosen: Any, contents: Any, path: Path, signer: Any) -> Any:
    """Written beside its place and moved there whole, so that an interrupted export leaves none; then its digest."""
    from archiver.errors import InputError
    from archiver.exports import digests

    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as out:
            hashed = digests.Hashed(out)
            chosen.write(contents, hashed)
        digests.forget(path)
        draft.replace(path)
        # A format that carries a signature needs no other.
        digests.write(path, hashed.digest.hexdigest(), None if chosen.check_signed else signer)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}). Name another with --out.") from error
    finally:
        draft.unlink(missing_ok=True)
    return hashed


def _note_export(path: Path, options: argparse.Namespace, sha256: str) -> None:
    """An export is a custody event: noted in the ledger if the archive can be written now, and said if it was not."""
    if options.no_note:
        return
    from archiver.custody import note

    names = ("post", "article", "since", "until", "platform", "verdict")
    chosen = {name: getattr(options, name) for name in names if getattr(options, name)}
    said = {
        "format": options.format,
        "file": options.out.name if options.out else None,
        "sha256": sha256,
        "selection": {name: each if isinstance(each, list) else str(each) for name, each in chosen.items()},
    }
    why = note(path, "export", said)
    if why:
        print(f"archiver: {why}", file=sys.stderr)


def _day(text: str) -> dt.date:
    import datetime as dt

    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2024-08-07") from error


def _selection(db: Any, options: argparse.Namespace) -> Any:
    from archiver.errors import InputError
    from archiver.store import search
    from archiver.store.contents import Selection, has_article, has_platform

    posts: dict[tuple[str, str], None] = {}
    for query in options.post:
        found, _ = search.find(db, query, _match, limit=1_000_000)
        if not found:
            raise InputError(f"--post {query}: the archive holds no such post. Try `archiver lookup {query}`.")
        posts.update(dict.fromkeys(found))
    for article in options.article:
        if not has_article(db, article):
            raise InputError(f"--article {article}: the archive holds none there. Give its path or URL as archived.")
    for platform in options.platform:
        if not has_platform(db, platform):
            raise InputError(f"--platform {platform}: no article in the archive shows a post of it.")
    return Selection(
        posts=tuple(posts),
        articles=tuple(options.article),
        since=options.since,
        until=options.until,
        platforms=tuple(options.platform),
        verdicts=tuple(options.verdict),
    )


def _signer(path: Path) -> Any:
    from archiver.errors import ConfigError, InputError
    from archiver.exports.signing import signer

    try:
        pem = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read ({error.strerror}). Name another with --sign.") from error
    try:
        return signer(pem)
    except ValueError as error:
        raise ConfigError(
            f"{path}: {error}. Make one: openssl ecparam -name secp384r1 -genkey -noout -out key.pem"
        ) from error


def _verify(options: argparse.Namespace) -> int:
    from archiver.proving import verify

    return verify(options.path or _archive_path(options), options)


def _backup(options: argparse.Namespace) -> int:
    import contextlib
    import sqlite3

    from archiver.errors import InputError
    from archiver.store import connect_to_read, translated

    path, target = _archive_path(options), options.target
    if target.exists():
        raise InputError(f"{target}: exists, and a back-up replaces nothing. Name another file.")
    draft = target.with_name(target.name + ".part")
    try:
        with (
            contextlib.closing(connect_to_read(path)) as db,
            contextlib.closing(sqlite3.connect(draft)) as copy,
            translated(target),
        ):
            # SQLite's online back-up: one consistent state, whatever the writer does meanwhile.
            db.backup(copy, pages=4096)
            copy.execute("PRAGMA journal_mode = DELETE")
        draft.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}). Name another file.") from error
    finally:
        draft.unlink(missing_ok=True)
    if options.json:
        _print({"archive": str(path), "backup": str(target), "bytes": target.stat().st_size})
    else:
        print(f"{target}: {_bytes(target.stat().st_size)}. The signing key is not in it; keep that elsewhere.")
    return 0


def _keys(options: argparse.Namespace) -> int:
    from archiver.proving import show_key

    return show_key(_config(options), _archive_path(options), options)


def _ledger(options: argparse.Namespace) -> int:
    from archiver import proving

    path = _archive_path(options)
    if options.publish is not None:
        return proving.publish(path, options.publish)
    if options.events:
        return proving.show_events(path)
    if options.prove is not None:
        return proving.prove(path, options.prove)
    return proving.show_checkpoint(path, options)


def _reread(options: argparse.Namespace) -> int:
    from archiver.custody import reread

    return reread(_config(options), _archive_path(options), options, os.environ)


def _import(options: argparse.Namespace) -> int:
    from archiver.custody import take_in

    return take_in(_config(options), _archive_path(options), options, os.environ)


def _merge(options: argparse.Namespace) -> int:
    from archiver.custody import merge

    return merge(_config(options), options, os.environ)


def _erase(options: argparse.Namespace) -> int:
    from archiver.custody import erase

    return erase(_config(options), _archive_path(options), options, _match)


def _report(options: argparse.Namespace) -> int:
    from archiver.reporting import report

    return report(_config(options), _archive_path(options), options)


def _add(options: argparse.Namespace) -> int:
    import datetime as dt
    import glob
    from urllib.parse import urlsplit

    from archiver import inbox

    path = _archive_path(options)
    if not path.absolute().parent.is_dir():
        from archiver.errors import InputError

        raise InputError(f"{path}: its directory does not exist. Make it first, or use --archive.")
    queued, refused = [], []
    for each in options.inputs:
        if each.startswith(("http://", "https://")):
            try:
                is_address = bool(urlsplit(each).hostname) and each.isprintable() and " " not in each
            except ValueError:
                is_address = False
            if is_address:
                queued.append(each)
            else:
                refused.append(f"{each!r}: is no address; write one such as https://news.example/story")
        elif not Path(each).exists() and not glob.glob(each, recursive=True):  # noqa: PTH207 - may be absolute
            refused.append(f"{each}: there is no such file or folder; check the path")
        else:
            queued.append(str(Path(each).absolute()))
    if queued:
        inbox.put(path, queued, dt.datetime.now(dt.UTC))
    writer = _writer(path)
    if options.json:
        _print({"archive": str(path), "queued": queued, "refused": refused, "writer": writer})
    elif queued:
        taken = f"{writer['holder']} takes it up now" if writer else "the next `archiver run` takes it up"
        print(f"{len(queued)} queued; {taken}.")
    for message in refused:
        print(f"archiver: {message}", file=sys.stderr)
    return 2 if refused else 0


def _writer(path: Path) -> dict[str, str] | None:
    """Who writes the archive now, None if nobody does."""
    import contextlib
    import datetime as dt

    from archiver.model import timestamp
    from archiver.store import connect_to_read, search, translated

    if not path.exists():
        return None
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        return search.writer(db, timestamp(dt.datetime.now(dt.UTC)))


def _status(options: argparse.Namespace) -> int:
    import contextlib
    import datetime as dt

    from archiver import inbox
    from archiver.model import timestamp
    from archiver.store import connect_to_read, search, translated

    path = _archive_path(options)
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        _say_format(db, path)
        status = search.status(db, timestamp(dt.datetime.now(dt.UTC)))
    added = sum(len(note.inputs) for note in inbox.notes(path))
    if options.json:
        _print({"archive": str(path), "added": added, **status})
        return 0
    media = status["media"]
    print(f"{path}: {_bytes(status['bytes'])}")
    print(
        f"  {status['articles']} articles, {status['embeds']} embeds, {status['posts']} posts, "
        f"{status['snapshots']} snapshots"
    )
    print(f"  {status['captures']} captures, {media['count']} media files ({_bytes(media['bytes'])})")
    for each in status["reasons"]:
        print(f"  embeds {each['state']}: {each['count']} ({each['reason']})")
    sources = status["sources"]
    if sources["pages"]:
        listed = sources["listed"]
        print(
            f"  {sources['pages']} pages watched; {listed['articles']} articles listed, {listed['read']} read, "
            f"{listed['failed']} not"
        )
    for each in sources["failing"]:
        times = "once" if each["failures"] == 1 else f"{each['failures']} times"
        print(f"  {each['source']}: failed {times}, last {_minute(each['at'])}: {each['error']}")
    if added:
        print(f"  {added} added by hand and not taken up yet")
    for each in sources["ticks"]:
        print(f"  {each['source']}: read {_minute(each['at'])}, next {_minute(each['next'])}")
    if status["copies"]:
        print("  copies elsewhere: " + ", ".join(f"{count} {state}" for state, count in status["copies"].items()))
    for each in status["waiting"]:
        print(f"  waiting: {each['count']} {each['kind']} ({each['reason']}), next {_minute(each['next'])}")
    for each in status["hosts"]:
        print(f"  {each['host']}: not before {_minute(each['until'])} ({each['reason']})")
    held = {each["host"] for each in status["hosts"]}
    for each in status["failing_hosts"]:
        if each["host"] not in held:
            times = "once" if each["failures"] == 1 else f"{each['failures']} times"
            print(f"  {each['host']}: failed {times}, last {_minute(each['at'])}: {each['reason']}")
    growth = status["growth"]
    if len(growth) > 1:
        days = dt.date.fromisoformat(growth[0]["day"]) - dt.date.fromisoformat(growth[-1]["day"])
        print(f"  grew {_bytes(max(0, growth[0]['bytes'] - growth[-1]['bytes']))} in the last {days.days} days")
    if status.get("erasure"):
        print(f"  an erasure is not finished ({status['erasure']}): archiver erase --finish")
    if status["writer"]:
        print(f"  being written by {status['writer']['holder']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
