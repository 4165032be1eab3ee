"""Every shape in which people have articles, as one stream of documents in constant memory.

Files, folders, globs and standard input; HTML, text, Markdown; gzip; WARC and WACZ (every response record an article);
RSS, Atom and JSON feeds (the content of each item); JSON Lines, CSV, TSV and Parquet data sets (a row an article).
What cannot be read is yielded as an InputError that says so, and the rest goes on.
"""

from __future__ import annotations

import calendar
import codecs
import csv
import datetime as dt
import email.utils
import glob
import gzip
import io
import itertools
import json
import os
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit

from archiver.articles.reading import MAX_BYTES
from archiver.errors import InputError

_PAGES = frozenset({".html", ".htm", ".xhtml", ".shtml", ".mhtml", ".txt", ".text", ".md", ".markdown"})
_FEEDS = frozenset({".xml", ".rss", ".atom", ".rdf"})
_ROWS = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq"})
_KNOWN = _PAGES | _FEEDS | _ROWS | {".json", ".warc", ".wacz", ".gz"}

#: Names that data sets give to an article's text, its address and its date, best first, where no option says which.
_TEXT_COLUMNS = (
    "html", "raw_html", "content_html", "html_content", "page", "content", "body", "articleBody", "article_body",
    "article", "text", "maintext", "full_text", "plain_text", "content_text",
)  # fmt: skip
_URL_COLUMNS = ("url", "link", "canonical_url", "article_url", "uri", "source_url", "page_url", "external_url", "id")
_DATE_COLUMNS = ("published_at", "date_published", "datePublished", "published", "date_publish", "pub_date", "date")

_SHOWN_TYPES = re.compile(
    r"(?:text/(?!css|javascript|calendar)|application/(?:[\w.+-]*\+)?(?:xhtml|xml|json))", re.IGNORECASE
)
_MAGIC = (
    (b"%PDF-", "a PDF"), (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF file"), (b"\x7fELF", "a program"), (b"SQLite format 3\0", "a SQLite database"),
    (b"MZ\x90", "a program"), (b"\x1a\x45\xdf\xa3", "a film"), (b"ID3", "a sound file"), (b"OggS", "a sound file"),
    (b"\xd0\xcf\x11\xe0", "an Office document"), (b"PK\x03\x04", "a ZIP archive"), (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"), (b"\x28\xb5\x2f\xfd", "a zstd file"), (b"PAR1", "a Parquet file"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One article as it was found. `location` is its path, with `#part` for a record, an item or a row of a file;
    `url` where it was published and `published_at` when, where the container says so."""

    location: str
    content: bytes
    media_type: str | None = None
    charset: str | None = None
    url: str | None = None
    published_at: dt.datetime | None = None


#: Files that were read whole, by path: when they were last changed (ns), how large they were, and which they were.
Seen = dict[str, tuple[int, int, int]]


def read(
    paths: Iterable[str],
    *,
    text_column: str | None = None,
    url_column: str | None = None,
    stdin: BinaryIO | None = None,
    seen: Seen | None = None,
) -> Iterator[Document | InputError]:
    """The documents of *paths* in order, `-` being standard input. Never raises InputError: it is yielded in the place
    of what could not be read. *seen*: files that are as they were when last read whole are left out, and those that are
    read are noted; a folder or a pattern without a file is then no mistake."""
    for path in paths:
        try:
            if path == "-":
                yield from _stream(stdin or sys.stdin.buffer, "-", "", text_column, url_column)
            elif path.startswith(("http://", "https://")):
                raise InputError(f"{path}: is an address, and nothing is fetched here; use `archiver run` for it")
            else:
                yield from _path(path, text_column, url_column, seen)
        except InputError as error:
            yield error
        except OSError as error:
            yield InputError(f"{path}: cannot be read: {error.strerror or error}")


def read_stream(stream: BinaryIO, location: str) -> Iterator[Document | InputError]:
    """The documents of one stream, as `read` gives those of a file; *location* names it."""
    try:
        yield from _stream(stream, location, urlsplit(location).path, None, None)
    except InputError as error:
        yield error
    except OSError as error:
        yield InputError(f"{location}: cannot be read: {error.strerror or error}")


def _path(
    path: str, text_column: str | None, url_column: str | None, seen: Seen | None = None
) -> Iterator[Document | InputError]:
    try:
        kind = Path(path).stat()
    except FileNotFoundError:
        is_pattern = any(character in path for character in "*?[")
        if is_pattern and ((found := _globbed(path)) or seen is not None):
            for each in found:
                yield from read([each], text_column=text_column, url_column=url_column, seen=seen)
            return
        raise InputError(f"{path}: there is no such file or folder; check the path") from None
    if stat.S_ISDIR(kind.st_mode):
        yield from _folder(path, text_column, url_column, seen)
        return
    mark = (kind.st_mtime_ns, kind.st_size, kind.st_ino)
    if seen is not None and seen.get(path) == mark:
        return
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path as it was typed, and a FIFO is one too
        yield from _stream(file, path, path, text_column, url_column)
    if seen is not None:
        seen[path] = mark


def _globbed(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern may be absolute


def _folder(
    path: str, text_column: str | None, url_column: str | None, seen: Seen | None = None
) -> Iterator[Document | InputError]:
    is_empty = True
    errors: list[InputError] = []

    def refused(error: OSError) -> None:
        errors.append(InputError(f"{error.filename}: cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(path, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in _KNOWN:
                is_empty = False
                file = os.path.join(folder, name)  # noqa: PTH118
                yield from read([file], text_column=text_column, url_column=url_column, seen=seen)
    yield from errors
    if is_empty and not errors and seen is None:
        raise InputError(
            f"{path}: holds no articles; files ending in .html, .txt, .md, .gz, .warc, .wacz, .xml, .json, .jsonl, "
            ".csv or .parquet are looked for"
        )


class _Peeked(io.RawIOBase):
    """A stream whose first bytes were looked at."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(chunk) :] if self._head else b""
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _rejoined(head: bytes, rest: BinaryIO) -> io.BufferedReader:
    return io.BufferedReader(_Peeked(head, rest), 1 << 16)


def _stream(
    stream: BinaryIO, location: str, name: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    """Whatever one stream holds, by its name and its first bytes."""
    head = stream.read(4096)
    if not head:
        raise InputError(f"{location}: is empty; there is nothing to read")
    suffix = Path(name).suffix.lower()
    if head[:2] == b"\x1f\x8b":
        yield from _gzipped(stream, head, location, name, text_column, url_column)
        return
    if head[:4] == b"PAR1" or suffix in {".parquet", ".pq"}:
        yield from _parquet(_seekable(stream, head, location), location, text_column, url_column)
        return
    if head[:4] == b"PK\x03\x04" and (suffix == ".wacz" or not suffix or location == "-"):
        yield from _wacz(_seekable(stream, head, location), location)
        return
    if head[:5] == b"WARC/":
        yield from _warc(_rejoined(head, stream), location)
        return
    _refuse_binary(head, location)
    if suffix in {".warc", ".wacz"}:
        raise InputError(
            f"{location}: is no {suffix[1:].upper()}, whatever it is called; rename it if it is an article"
        )
    if suffix in {".jsonl", ".ndjson"}:
        yield from _json_lines(_rejoined(head, stream), location, text_column, url_column)
    elif suffix in {".csv", ".tsv"} or (not suffix and text_column):
        yield from _csv(_rejoined(head, stream), location, _delimiter(head, suffix), text_column, url_column)
    else:
        content = _all(stream, location, head)
        if suffix in _FEEDS and re.search(rb"<(?:rss|feed|rdf:RDF)[\s>]", content[:4096]):
            yield from _feed(content, location)
        elif suffix == ".json" or (location == "-" and head.lstrip()[:1] in {b"{", b"["}):
            yield from _json(content, location, text_column, url_column)
        else:
            yield Document(location, content)


def _seekable(stream: BinaryIO, head: bytes, location: str) -> BinaryIO:
    if stream.seekable():
        stream.seek(0)
        return stream
    return io.BytesIO(_all(stream, location, head))


def _all(stream: BinaryIO, location: str, head: bytes) -> bytes:
    """The whole of a document that begins with *head*, or InputError beyond what is read."""
    content = head + stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{location}: too large: an article is read up to {MAX_BYTES // 2**20} MiB; split it, or give its parts as "
            "JSON Lines"
        )
    return content


def _refuse_binary(head: bytes, location: str) -> None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise InputError(f"{location}: is binary ({kind}), not an article; give HTML, text or a data set")
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        # UTF-16 has a zero beside nearly every letter; anything else with so many is no text. A few are a flaw.
        zeros = head.count(0)
        lopsided = abs(head[::2].count(0) - head[1::2].count(0)) > zeros * 0.8
        if zeros > len(head) // 20 and not lopsided:
            raise InputError(f"{location}: is binary, not an article; give HTML, text or a data set")
    control = sum(head.count(byte) for byte in b"\x01\x02\x03\x04\x05\x06\x0e\x0f\x10\x11\x12\x13\x14\x15\x16")
    if control > max(8, len(head) // 20):
        raise InputError(f"{location}: is binary, not an article; give HTML, text or a data set")


def _gzipped(
    stream: BinaryIO, head: bytes, location: str, name: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    raw = _rejoined(head, stream)
    if head[:2] == b"\x1f\x8b" and zlib.decompressobj(47).decompress(head, 16)[:5] == b"WARC/":
        yield from _warc(raw, location)
        return
    inner = name[:-3] if name.lower().endswith(".gz") else name
    try:
        with gzip.GzipFile(fileobj=raw) as opened:
            yield from _stream(opened, location, inner, text_column, url_column)  # type: ignore[arg-type] # GzipFile reads as a BinaryIO does
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{location}: its gzip is damaged ({error}); fetch or copy it again") from error


# --- web archives ---------------------------------------------------------------------------------------------------


def _warc(stream: IO[bytes] | io.BufferedReader, location: str) -> Iterator[Document | InputError]:
    """Every response of a WARC that could be an article, a record at a time."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    records = iter(ArchiveIterator(stream))
    while True:
        try:
            record = next(records, None)
            if record is None:
                return
            if record.rec_type not in {"response", "resource"}:
                continue
            headers = record.http_headers
            declared = (headers.get_header("content-type") if headers else record.content_type) or ""
            if declared and not _SHOWN_TYPES.match(declared.strip()):
                continue
            id = (record.rec_headers.get_header("WARC-Record-ID") or "").strip("<>")
            part = f"{location}#{id}"
            content = record.content_stream().read(MAX_BYTES + 1)
        except (ArchiveLoadFailed, OSError, EOFError, zlib.error, ValueError, UnicodeError) as error:
            yield InputError(f"{location}: the rest cannot be read: {error}; check it with `warcio check`")
            return
        if len(content) > MAX_BYTES:
            yield InputError(f"{part}: too large: an article is read up to {MAX_BYTES // 2**20} MiB")
            continue
        if content:
            media_type, charset = _media_type(declared)
            yield Document(part, content, media_type, charset, record.rec_headers.get_header("WARC-Target-URI"))


def _media_type(declared: str) -> tuple[str | None, str | None]:
    media_type, _, rest = declared.partition(";")
    charset = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", rest, re.IGNORECASE)
    return media_type.strip().lower() or None, charset[1] if charset else None


def _wacz(stream: BinaryIO, location: str) -> Iterator[Document | InputError]:
    try:
        with zipfile.ZipFile(stream) as opened:
            names = [n for n in opened.namelist() if n.startswith("archive/") and n.endswith((".warc", ".warc.gz"))]
            if not names:
                raise InputError(
                    f"{location}: is a ZIP archive without WARC files, so no WACZ; unpack it and give its files"
                )
            for name in names:
                with opened.open(name) as member:
                    yield from _warc(member, location)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{location}: its ZIP is damaged ({error}); fetch or copy it again") from error


# --- feeds ----------------------------------------------------------------------------------------------------------


def feed_entries(content: bytes) -> tuple[list[Any], str | None]:
    """The items of an RSS or Atom feed as feedparser reads them, and what it found wrong with it."""
    import feedparser

    parsed = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)
    problem = str(parsed.get("bozo_exception") or "not a feed") if parsed.get("bozo") else None
    return list(parsed.get("entries") or ()), problem


def feed_moment(entry: Any, name: str) -> dt.datetime | None:
    """A time of an item, such as `published_parsed`; None where it states none."""
    # Asked for `updated`, feedparser answers `published` where there is no update: past that, into the dict itself.
    at = dict.get(entry, name)
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(at), dt.UTC) if at else None
    except (ValueError, OverflowError):
        return None


_UNFINISHED = re.compile(rb"<(?:item|entry)[\s>]")


def _feed(content: bytes, location: str) -> Iterator[Document | InputError]:
    """The items of an RSS or Atom feed, each with the fullest content it gives."""
    entries, problem = feed_entries(content)
    if not entries:
        yield Document(location, content)
        return
    for number, entry in enumerate(entries, 1):
        pieces = [*(entry.get("content") or ()), *([entry["summary_detail"]] if entry.get("summary_detail") else [])]
        best = max(pieces, key=lambda piece: len(piece.get("value") or ""), default=None)
        if not best or not best.get("value"):
            continue
        yield Document(
            location=f"{location}#{entry.get('id') or entry.get('link') or number}",
            content=str(best["value"]).encode("utf-8", "replace"),
            media_type="text/html",
            charset="utf-8",
            url=entry.get("link") or None,
            published_at=feed_moment(entry, "published_parsed") or feed_moment(entry, "updated_parsed"),
        )
    if problem and (begun := _UNFINISHED.search(content, max(content.rfind(b"</item"), content.rfind(b"</entry"), 0))):
        # A feed that was cut off: of the item it ends in, a parser of XML gives nothing.
        yield Document(f"{location}#unfinished", content[begun.start() :], "text/html")


def _json(
    content: bytes, location: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    """A JSON feed, a list of rows, or a document of its own."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        if b"\n" in content.strip() and content.lstrip()[:1] == b"{" and location == "-":
            yield from _json_lines(io.BufferedReader(io.BytesIO(content)), location, text_column, url_column)
            return
        yield Document(location, content, "application/json")
        return
    rows = value.get("items") if isinstance(value, dict) and "jsonfeed.org" in str(value.get("version")) else value
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        yield from _rows(((str(n), row) for n, row in enumerate(rows, 1)), location, text_column, url_column)
    else:
        yield Document(location, content, "application/json")


# --- data sets ------------------------------------------------------------------------------------------------------


def _json_lines(
    stream: BinaryIO | io.BufferedReader, location: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    def rows() -> Iterator[tuple[str, Any]]:
        for number in itertools.count(1):
            line = stream.readline(MAX_BYTES + 1)
            if not line:
                return
            if len(line) > MAX_BYTES:
                yield (
                    f"L{number}",
                    InputError(f"{location}#L{number}: too large: a line is read up to {MAX_BYTES // 2**20} MiB"),
                )
                while line and not line.endswith(b"\n"):
                    line = stream.readline(1 << 20)
                continue
            if line.strip():
                try:
                    yield f"L{number}", json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield f"L{number}", InputError(f"{location}#L{number}: is not JSON: {error}")

    yield from _rows(rows(), location, text_column, url_column)


def _delimiter(head: bytes, suffix: str) -> str:
    """What stands between the columns: what the first line has most of. Where the comma marks decimals, programs write
    semicolons."""
    first = head.split(b"\n", 1)[0].replace(b"\0", b"")
    return max("\t,;|" if suffix == ".tsv" else ",;\t|", key=lambda each: first.count(each.encode()))


def _as_1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 as Windows-1252 has them, which spreadsheets of Western offices write."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_OR_1252 = "archiver-or-1252"
codecs.register_error(_OR_1252, _as_1252)


def _csv(
    stream: BinaryIO | io.BufferedReader, location: str, delimiter: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    csv.field_size_limit(MAX_BYTES)
    wide = stream.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"} if isinstance(stream, io.BufferedReader) else False
    text = io.TextIOWrapper(stream, encoding="utf-16" if wide else "utf-8-sig", errors=_OR_1252, newline="")

    def rows() -> Iterator[tuple[str, Any]]:
        reader = csv.DictReader((line.replace("\0", "") for line in text), delimiter=delimiter)
        number = 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield str(number), InputError(f"{location}#{number}: is not readable as CSV: {error}")
                return
            if row is None:
                return
            yield str(number), row
            number += 1

    yield from _rows(rows(), location, text_column, url_column)


def _parquet(
    stream: BinaryIO, location: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(f"{location}: Parquet needs pyarrow; install archiver[parquet]") from error
    try:
        file = pyarrow.parquet.ParquetFile(stream)
        columns = list(file.schema_arrow.names)
        wanted = [c for c in (*_chosen(columns, text_column, url_column, location), *_DATE_COLUMNS) if c in columns]

        def rows() -> Iterator[tuple[str, Any]]:
            number = 0
            for batch in file.iter_batches(batch_size=32, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield str(number), row

        yield from _rows(rows(), location, text_column, url_column)
    except pyarrow.ArrowException as error:
        raise InputError(f"{location}: is not readable as Parquet: {error}") from error


def _chosen(
    columns: list[str], text_column: str | None, url_column: str | None, location: str
) -> tuple[str, str | None]:
    """Which columns hold an article's text and its address."""
    by_name = {column.lower(): column for column in columns}
    for option, column in (("--text-column", text_column), ("--url-column", url_column)):
        if column is not None and column not in columns:
            raise InputError(f"{location}: has no column {column!r} for {option}; it has {_listed(columns)}")
    text = text_column or next((by_name[name.lower()] for name in _TEXT_COLUMNS if name.lower() in by_name), None)
    if text is None:
        raise InputError(f"{location}: which column holds the text? Say so by --text-column; it has {_listed(columns)}")
    url = url_column or next((by_name[name] for name in _URL_COLUMNS if name in by_name), None)
    return text, url


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(itertools.islice(map(str, columns), 20)) or "none"


def _rows(
    rows: Iterator[tuple[str, Any]], location: str, text_column: str | None, url_column: str | None
) -> Iterator[Document | InputError]:
    for part, row in rows:
        if isinstance(row, InputError):
            yield row
            continue
        if not isinstance(row, Mapping):
            yield InputError(f"{location}#{part}: is no row of named columns")
            continue
        columns = [str(column) for column in row if column is not None]
        # Lines of JSON may differ in their columns; one that lacks the text column says nothing.
        if text_column is not None and text_column not in columns and part[:1] == "L" and part != "L1":
            continue
        text, url = _chosen(columns, text_column, url_column if url_column in columns else None, location)
        value = row[text]
        if isinstance(value, bytes):
            content = value
        elif isinstance(value, str) and value:
            content = value.encode("utf-8", "surrogatepass")
        else:
            continue
        address = row.get(url) if url else None
        yield Document(
            location=f"{location}#{part}",
            content=content,
            url=address if isinstance(address, str) and "://" in address else None,
            published_at=next((at for name in _DATE_COLUMNS if (at := row_moment(row.get(name)))), None),
        )


def row_moment(value: Any) -> dt.datetime | None:
    """A time as data sets write it; None if it cannot be read without a guess."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if not isinstance(value, str) or not value:
        return None
    try:
        at = dt.datetime.fromisoformat(value)
    except ValueError:
        try:
            at = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
