"""Record the web to a WARC file, and let WARC and WACZ files take its place.

WARC/1.1 (ISO 28500:2017, https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/). One
exchange is a `request` and a `response` record; a question that got no answer is a `request` and a `metadata` record
that says why. Bodies are stored without their chunks and with their content coding; the Transfer-Encoding is renamed,
as Browsertrix does. (pywb's X-Archive-Orig- will not do: web.archive.org itself sends headers of that name.)
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import gzip
import hashlib
import http
import io
import logging
import struct
import tempfile
import threading
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import httpx
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader, DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver import __version__
from archiver.errors import ArchiveFull, ConfigError, FetchError, InputError, NotRecorded, Refused, Unreachable
from archiver.fetch.guard import shown
from archiver.fetch.intake import FULL, Intake, View, write_all
from archiver.model import Body, Capture, Origin, moment, timestamp

log = logging.getLogger(__name__)

_ORIG = "X-Orig-"
# Fields of our own; a reader ignores names it does not know (WARC/1.1, 4).
_ENDED, _CERTIFICATE, _PROXY, _SILENCE = (
    "Archiver-Ended-At",
    "Archiver-TLS-Certificate",
    "Archiver-Proxy",
    "Archiver-Silence",
)
_SILENCES: dict[str, type[FetchError]] = {"Unreachable": Unreachable, "Refused": Refused}
_STEP = 64 * 1024
_MAX_HEAD = 1_000_000
_MAX_UNPACKED = 4_000_000_000
_EMPTY_SHA256 = hashlib.sha256().hexdigest()


# --- record ---------------------------------------------------------------------------------------------------------


class Recorder:
    """Appends exchanges to a WARC, one gzip member a record (plain if *path* does not end in .gz), each flushed: a
    crash costs at most the record being written, which the next Recorder cuts off.

    ConfigError if the file cannot be written or another process writes it; InputError if it is no whole WARC.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._file: IO[bytes] = path.open("ab+", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{path}: another process records to this file; name another one") from error
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
        self._file.seek(0, io.SEEK_END)
        if self._file.tell():
            part = _Part(path, path.name)
            for _ in part.read(lambda record, offset: None):
                pass
            if part.torn_at is not None:
                self._file.truncate(part.torn_at)
        if not self._file.seek(0, io.SEEK_END):
            self._write_warcinfo()

    def close(self) -> None:
        self._file.close()

    def write(self, capture: Capture) -> None:
        """One exchange. ArchiveFull if the disk is."""
        response = f"<urn:uuid:{uuid.UUID(capture.id[:32])}>"
        self._write_request(
            capture.url, capture.method, capture.request_headers, capture.request_body, capture.started_at, response
        )
        try:
            phrase = http.HTTPStatus(capture.status or 0).phrase
        except ValueError:
            phrase = ""
        headers = tuple(
            (_ORIG + name if name.lower() == "transfer-encoding" else name, value) for name, value in capture.headers
        )
        fields = [
            ("WARC-IP-Address", capture.server_address),
            ("WARC-Truncated", capture.truncated),
            (_ENDED, timestamp(capture.ended_at)),
            (_CERTIFICATE, capture.tls_certificate and f"sha256:{capture.tls_certificate}"),
            (_PROXY, capture.proxy),
        ]
        head = _head(f"{capture.protocol or 'HTTP/1.1'} {capture.status} {phrase}", headers)
        self._write("response", response, capture.url, capture.started_at, fields, head, capture.body)

    def silence(self, url: str, method: str, body: bytes, error: FetchError, started_at: dt.datetime) -> None:
        """A question that got no answer, so that a replay knows."""
        name = f"{method} {url} {timestamp(started_at)} {error.reason}"
        record = f"<{uuid.uuid5(uuid.NAMESPACE_URL, name).urn}>"
        host = httpx.URL(url).netloc.decode("ascii")
        self._write_request(url, method, (("Host", host),), Body.of(body), started_at, record)
        kind = next((word for word, each in _SILENCES.items() if isinstance(error, each)), "Unreachable")
        words = f"{_SILENCE}: {kind}\r\nreason: {error.reason}\r\nmessage: {' '.join(str(error).split())}\r\n"
        self._write("metadata", record, url, started_at, [(_SILENCE, kind)], b"", Body.of(words.encode()))

    def _write_request(
        self,
        url: str,
        method: str,
        headers: Sequence[tuple[str, str]],
        body: Body,
        at: dt.datetime,
        answer: str,
    ) -> None:
        name = f"<{uuid.uuid5(uuid.NAMESPACE_URL, answer + '#request').urn}>"
        target = httpx.URL(url).raw_path.decode("ascii")
        head = _head(f"{method} {target} HTTP/1.1", headers)
        self._write("request", name, url, at, [("WARC-Concurrent-To", answer)], head, body)

    def _write_warcinfo(self) -> None:
        words = f"software: archiver/{__version__}\r\nformat: WARC File Format 1.1\r\n"
        name = f"<{uuid.uuid4().urn}>"
        fields = [("WARC-Filename", self._path.name)]
        self._write("warcinfo", name, None, dt.datetime.now(dt.UTC), fields, b"", Body.of(words.encode()))

    def _write(
        self,
        kind: str,
        name: str,
        url: str | None,
        at: dt.datetime,
        fields: Sequence[tuple[str, str | None]],
        head: bytes,
        body: Body,
    ) -> None:
        block = hashlib.sha256(head)
        with body.open() as stream:
            while chunk := stream.read(_STEP):
                block.update(chunk)
        is_http = kind in ("request", "response")
        named = [("WARC-Type", kind), ("WARC-Record-ID", name), ("WARC-Target-URI", url), ("WARC-Date", timestamp(at))]
        named += [*fields, ("WARC-Block-Digest", f"sha256:{block.hexdigest()}")]
        named += [("WARC-Payload-Digest", f"sha256:{body.sha256}")]
        headers = StatusAndHeaders("", [pair for pair in named if pair[1]], protocol="WARC/1.1")
        content_type = f"application/http; msgtype={kind}" if is_http else "application/warc-fields"
        with self._lock, body.open() as stream:
            record = ArcWarcRecord(
                "warc", kind, headers, _Chain(io.BytesIO(head), stream), None, content_type, len(head) + body.size
            )
            start = self._file.seek(0, io.SEEK_END)
            try:
                with _member(self._file, self._path) as out:
                    WARCWriter(out, gzip=False, warc_version="1.1").write_record(record)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    self._file.truncate(start)
                if isinstance(error, OSError) and error.errno in FULL:
                    raise ArchiveFull(f"{self._path}: the disk is full; free some space and run again") from error
                raise


class _Whole:
    """A file without a buffer, whose writes are whole or fail: nothing waits to be written when the disk is full."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, content: bytes) -> int:
        write_all(self._file, content)
        return len(content)

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def _member(file: IO[bytes], path: Path) -> Iterator[Any]:
    """Where to write one record: for `.gz` a gzip member of its own."""
    whole = _Whole(file)
    if path.suffix != ".gz":
        yield whole
        return
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=cast(IO[bytes], whole), mtime=0) as member:
        yield member


def _head(first: str, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [first.rstrip(), *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class _Chain:
    """Several streams read as one."""

    def __init__(self, *streams: BinaryIO) -> None:
        self._streams = list(streams)

    def read(self, size: int) -> bytes:
        while self._streams:
            if chunk := self._streams[0].read(size):
                return chunk
            self._streams.pop(0)
        return b""


# --- read -----------------------------------------------------------------------------------------------------------


class _Torn(Exception):
    """The file ends inside a record."""


class _Strict(DecompressingBufferedReader):  # type: ignore[misc]  # warcio has no types
    """warcio's reader, which would print what is wrong with a gzip member and go on as if the member had ended."""

    def _decompress(self, data: bytes) -> bytes:
        if self.decompressor and data:
            return cast(bytes, self.decompressor.decompress(data))
        return data


class _Records(ArchiveIterator):  # type: ignore[misc]  # warcio has no types
    """The records of one WARC, their blocks unread."""

    def __init__(self, stream: IO[bytes]) -> None:
        start = stream.tell()
        is_gzip = stream.read(2) == b"\x1f\x8b"
        stream.seek(start)
        super().__init__(stream, no_record_parse=True)
        self.known_format = "warc"
        self.reader = _Strict(stream, block_size=_STEP, decomp_type="gzip" if is_gzip else None)

    def _consume_blanklines(self) -> tuple[bytes | None, int]:
        size = 0
        while line := self.reader.readline(_STEP):
            if line.strip():
                if not size:
                    raise ArchiveLoadFailed("a record goes on behind its stated length")
                return line, size
            size += len(line)
        return None, size

    @property
    def is_at_end(self) -> bool:
        return not self.reader or (not self.reader.rem_length() and not self.fh.read(1))

    @property
    def is_unfinished(self) -> bool:
        """The file is at its end, and inside a gzip member or a record's own head."""
        inflating = self.reader and self.reader.decompressor
        return self.is_at_end and not (inflating and inflating.eof)

    def finish(self, record: Any) -> None:
        """Reads *record* to its end. _Torn if the file ends before it does."""
        self.get_record_offset()
        is_short = getattr(record.raw_stream, "limit", 1) > 0
        if is_short or (self.reader.decompressor and not self.reader.decompressor.eof):
            raise _Torn


@dataclass(slots=True)
class _Part:
    """One WARC: a file, or a member of a WACZ at `start`. `torn_at` is where an unfinished last record begins."""

    path: Path
    container: str
    start: int = 0
    size: int | None = None
    unpacked: IO[bytes] | None = None
    torn_at: int | None = None

    def open(self) -> IO[bytes]:
        if self.unpacked is not None:
            return io.BufferedReader(View(self.unpacked, 0, self.size or 0), _STEP)
        file = self.path.open("rb")
        size = file.seek(0, io.SEEK_END) - self.start if self.size is None else self.size
        return io.BufferedReader(View(file, self.start, size, owns=True), _STEP)

    def read(self, visit: Callable[[Any, int], _Entry | _Asked | None]) -> Iterator[_Entry | _Asked]:
        """What *visit* makes of every whole record and its offset. InputError, in one sentence, for what is no WARC or
        is damaged; a last record that was never finished is left out."""
        with self.open() as stream:
            records = _Records(stream)
            count = offset = 0
            try:
                for record in records:
                    offset = records.offset
                    stated = record.rec_headers.get_header("Content-Length") or ""  # warcio takes nonsense for 0
                    if not record.rec_headers.get_header("WARC-Type") or not stated.strip().isdecimal():
                        records.read_to_end()
                        raise _Torn if records.is_at_end else ArchiveLoadFailed("a record without a type or length")
                    row = visit(record, offset)
                    records.finish(record)
                    count += 1
                    offset = records.offset
                    if row is not None:
                        yield row
                if not count:
                    raise InputError(f"{self.path}: empty; nothing can be replayed from it")
            except _Torn:
                self._tear(offset)
            except (ArchiveLoadFailed, zlib.error, EOFError) as error:
                if count and records.is_unfinished and not isinstance(error, zlib.error):
                    self._tear(offset)
                    return
                why = _why(error)
                if not count:
                    raise InputError(f"{self.path}: not a WARC file, or damaged from the beginning: {why}") from error
                raise InputError(
                    f"{self.path}: damaged at byte {offset}, behind {count} records: {why}; "
                    f"restore it, or cut it there: head -c {offset}"
                ) from error
            except OSError as error:
                raise InputError(f"{self.path}: cannot be read: {error.strerror or error}") from error

    def _tear(self, offset: int) -> None:
        self.torn_at = offset
        log.warning("recording ends inside a record", extra={"recording": str(self.path), "byte": offset})


def _why(error: BaseException) -> str:
    if "non-chunked gzip" in str(error):
        return "all records share one gzip stream; run: warcio recompress OLD NEW"
    return " ".join(str(error).split())[:120] or "it ends too early"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One answer in a recording, and where it lies. `beside` are the records it names as concurrent."""

    part: _Part
    offset: int
    kind: str
    url: str
    date: dt.datetime
    stated_date: str
    record: str
    beside: tuple[str, ...]
    payload: str | None
    refers: tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question in a recording."""

    part: _Part
    offset: int
    url: str
    date: str
    record: str
    beside: tuple[str, ...]
    method: str
    sha256: str


def _row(part: _Part, record: Any, offset: int) -> _Entry | _Asked | None:
    """What the index keeps of one record; None for records that are neither question nor answer."""
    fields = record.rec_headers
    kind = fields.get_header("WARC-Type")
    url = (fields.get_header("WARC-Target-URI") or "").strip("<>")
    is_ours = kind in ("request", "response", "revisit") or (kind == "metadata" and fields.get_header(_SILENCE))
    if not is_ours or not url.startswith(("http:", "https:")):
        return None
    name = _bare(fields.get_header("WARC-Record-ID"))
    date = fields.get_header("WARC-Date") or ""
    beside = tuple(_bare(value) for key, value in fields.headers if key.lower() == "warc-concurrent-to")
    if kind == "request":
        first, _ = _read_head(record.raw_stream)
        digest = hashlib.sha256()
        while chunk := record.raw_stream.read(_STEP):
            digest.update(chunk)
        return _Asked(part, offset, url, date, name, beside, first.split(" ")[0].upper(), digest.hexdigest())
    try:
        at = moment(date)
    except ValueError:
        log.warning("record without a date is left out", extra={"recording": part.container, "record": name})
        return None
    refers = (
        _bare(fields.get_header("WARC-Refers-To")) or None,
        fields.get_header("WARC-Refers-To-Target-URI"),
        fields.get_header("WARC-Refers-To-Date"),
    )
    return _Entry(part, offset, kind, url, at, date, name, beside, fields.get_header("WARC-Payload-Digest"), refers)


class Recordings:
    """WARC and WACZ files that answer in place of the web. One pass builds the index; bodies are read when asked for.

    InputError for a file that is neither, or is damaged.
    """

    def __init__(self, paths: Sequence[Path], *, spool: Path | None = None) -> None:
        self._names = [path.name for path in paths]
        self._spool = spool
        self._answers: dict[tuple[str, str, str], list[tuple[_Entry, _Asked | None]]] = {}
        self._by_record: dict[str, _Entry] = {}
        self._by_place: dict[tuple[str, dt.datetime], _Entry] = {}
        self._by_payload: dict[str, _Entry] = {}
        self._given: dict[tuple[str, str, str], int] = {}
        for path in paths:
            for part in _parts(path, spool):
                self._index(part)
        for answers in self._answers.values():
            answers.sort(key=lambda answer: answer[0].date)

    def next(self, url: str, method: str, body: bytes) -> tuple[_Entry, _Asked | None]:
        """The answer to this question: the first time the first, then the next, at last the last again. NotRecorded
        if there is none. Not for several threads at once."""
        key = (_key(url), method, hashlib.sha256(body).hexdigest())
        answers = self._answers.get(key)
        if not answers:
            names = ", ".join(self._names[:3]) + (f" and {len(self._names) - 3} more" if len(self._names) > 3 else "")
            raise NotRecorded(f"{method} is not in {names}; fetch it live, or add a recording that has it")
        turn = self._given.get(key, 0)
        self._given[key] = min(turn + 1, len(answers) - 1)
        return answers[turn]

    def every(self, caps: tuple[int, int]) -> Iterator[Capture | FetchError]:
        """Every recorded exchange once, as a capture (its redirects not linked: a recording does not say), in the order
        of the recordings; the FetchError that was recorded, or why a record cannot be read, in place of one."""
        for (_, method, _), answers in self._answers.items():
            for entry, asked in answers:
                try:
                    yield self.capture(entry, asked, url=entry.url, method=method, caps=caps, redirected_from=None)
                except FetchError as error:
                    yield error

    def capture(
        self,
        entry: _Entry,
        asked: _Asked | None,
        *,
        url: str,
        method: str,
        caps: tuple[int, int],
        redirected_from: str | None,
    ) -> Capture:
        """The recorded exchange as a capture that says it is replayed. *caps* bound the body on the wire and decoded.
        The recorded FetchError if it is a silence; NotRecorded if its bytes are damaged."""
        try:
            return self._capture(entry, asked, url, method, caps, redirected_from)
        except (ArchiveLoadFailed, zlib.error, EOFError, OSError) as error:
            where = f"{entry.part.container}: record {entry.record}"
            raise NotRecorded(f"{where} cannot be replayed: {_why(error)}; restore the recording") from error

    def _capture(
        self,
        entry: _Entry,
        asked: _Asked | None,
        url: str,
        method: str,
        caps: tuple[int, int],
        redirected_from: str | None,
    ) -> Capture:
        request_headers, request_body = self._request(asked)
        with entry.part.open() as stream:
            record = self._at(entry, stream)
            if entry.kind == "metadata":
                raise _silence(record.raw_stream.read(_STEP))
            fields = record.rec_headers
            first, headers = _read_head(record.raw_stream)
            if entry.kind == "revisit":
                first, headers, body, payload, is_full = self._revisited(entry, first, headers, caps)
            else:
                body, payload, is_full = self._bodies(record, headers, entry, caps)
            ended = fields.get_header(_ENDED)
        protocol, _, rest = first.partition(" ")
        status = rest.split(" ")[0]
        if not (protocol.startswith("HTTP/") and status.isascii() and status.isdecimal()):
            raise ArchiveLoadFailed("it holds no HTTP response")
        if ended:
            hidden = f"{_ORIG}transfer-encoding".lower()
            headers = tuple((name[len(_ORIG) :] if name.lower() == hidden else name, value) for name, value in headers)
        certificate = fields.get_header(_CERTIFICATE)
        return Capture(
            url=url,
            method=method,
            request_headers=request_headers,
            request_body=request_body,
            status=int(status),
            protocol=protocol,
            headers=headers,
            body=body,
            payload=payload,
            started_at=entry.date,
            ended_at=moment(ended) if ended else entry.date,
            origin=Origin("replay", entry.part.container, entry.record),
            truncated="length" if is_full else fields.get_header("WARC-Truncated"),
            server_address=fields.get_header("WARC-IP-Address"),
            tls_certificate=certificate.removeprefix("sha256:") if certificate else None,
            proxy=fields.get_header(_PROXY),
            redirected_from=redirected_from,
        )

    def close(self) -> None:
        parts = {id(entry.part): entry.part for answers in self._answers.values() for entry, _ in answers}
        for part in parts.values():
            if part.unpacked is not None:
                part.unpacked.close()

    # --- the index ------------------------------------------------------------------------------------------------

    def _index(self, part: _Part) -> None:
        found: list[_Entry] = []
        requests: dict[str, _Asked] = {}
        beside: dict[str, _Asked] = {}
        same_time: dict[tuple[str, str], _Asked] = {}
        for row in part.read(lambda record, offset: _row(part, record, offset)):
            if isinstance(row, _Asked):
                requests[row.record] = same_time[row.url, row.date] = row
                beside.update(dict.fromkeys(row.beside, row))
                continue
            found.append(row)
            if row.kind == "response":
                self._by_record.setdefault(row.record, row)
                self._by_place.setdefault((_key(row.url), row.date), row)
                if row.payload:
                    self._by_payload.setdefault(row.payload, row)
        for entry in found:
            asked = beside.get(entry.record) or next(
                (requests[each] for each in entry.beside if each in requests), None
            )
            asked = asked or same_time.get((entry.url, entry.stated_date))  # for writers that do not link the two
            key = (_key(entry.url), asked.method, asked.sha256) if asked else (_key(entry.url), "GET", _EMPTY_SHA256)
            self._answers.setdefault(key, []).append((entry, asked))

    # --- one record -----------------------------------------------------------------------------------------------

    def _at(self, place: _Entry | _Asked, stream: IO[bytes]) -> Any:
        stream.seek(place.offset)
        record = next(iter(_Records(stream)), None)
        if record is None or _bare(record.rec_headers.get_header("WARC-Record-ID")) != place.record:
            raise ArchiveLoadFailed("another record than before stands there")
        return record

    def _request(self, asked: _Asked | None) -> tuple[tuple[tuple[str, str], ...], Body]:
        if asked is None:
            return (), Body.of(b"")
        with asked.part.open() as stream:
            record = self._at(asked, stream)
            _, headers = _read_head(record.raw_stream)
            return headers, Body.of(_exactly(record.raw_stream))

    def _bodies(
        self, record: Any, headers: Sequence[tuple[str, str]], entry: _Entry, caps: tuple[int, int]
    ) -> tuple[Body, Body, bool]:
        said = {name.lower(): value for name, value in reversed(headers)}
        is_chunked = said.get("transfer-encoding", "").lower().strip() == "chunked"
        stream = ChunkedDataReader(record.raw_stream) if is_chunked else record.raw_stream
        coding = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        intake = Intake(coding, wire_cap=caps[0], payload_cap=caps[1], spool=self._spool)
        algorithm, _, stated = (entry.payload or "").partition(":")
        digest = hashlib.new(algorithm) if algorithm in ("sha1", "sha256") and not is_chunked else None
        while chunk := stream.read(_STEP):
            if digest:
                digest.update(chunk)
            if not intake.feed(chunk):
                digest = None  # the rest is not read, so nothing can be said about the whole
                break
        if digest and not _matches(digest.digest(), stated):
            raise ArchiveLoadFailed("its bytes do not match their digest")
        body, payload = intake.bodies()
        return body, payload, intake.is_full

    def _revisited(
        self, entry: _Entry, first: str, headers: tuple[tuple[str, str], ...], caps: tuple[int, int]
    ) -> tuple[str, tuple[tuple[str, str], ...], Body, Body, bool]:
        """The bytes that a revisit record refers to, under its own headers; under the original's where the server only
        said 304 to a question that we never ask."""
        record, url, date = entry.refers
        original = self._by_record.get(record or "")
        if original is None and url and date:
            with contextlib.suppress(ValueError):
                original = self._by_place.get((_key(url), moment(date)))
        if original is None and entry.payload:
            original = self._by_payload.get(entry.payload)
        if original is None:
            raise ArchiveLoadFailed("it repeats a record that no recording here holds")
        with original.part.open() as stream:
            its_record = self._at(original, stream)
            its_first, its_headers = _read_head(its_record.raw_stream)
            bodies = self._bodies(its_record, its_headers, original, caps)
        if not first or first.partition(" ")[2].startswith("304"):
            first, headers = its_first, its_headers
        return first, headers, *bodies


def _parts(path: Path, spool: Path | None) -> Iterator[_Part]:
    """The WARCs in *path*: itself, or the members of a WACZ (https://specs.webrecorder.net/wacz/1.1.1/)."""
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise InputError(f"{path}: the recording cannot be read: {error.strerror or error}") from error
    if not is_zip:
        yield _Part(path, path.name)
        return
    try:
        with zipfile.ZipFile(path) as wacz:
            names = [name for name in wacz.namelist() if name.endswith((".warc", ".warc.gz"))]
            members = [wacz.getinfo(name) for name in names if name.startswith("archive/")]
            if not members:
                raise InputError(f"{path}: a zip file without a WARC under archive/; not a WACZ")
            for member in sorted(members, key=lambda member: member.filename):
                yield _member_part(path, wacz, member, spool)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, struct.error) as error:
        raise InputError(f"{path}: damaged, or not a WACZ: {error}") from error


def _member_part(path: Path, wacz: zipfile.ZipFile, member: zipfile.ZipInfo, spool: Path | None) -> _Part:
    if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1:
        # The member's bytes lie behind its local header, whose name and extra field have lengths of their own.
        with path.open("rb") as stream:
            stream.seek(member.header_offset)
            name, extra = struct.unpack("<26xHH", stream.read(30))
        return _Part(path, path.name, member.header_offset + 30 + name + extra, member.file_size)
    if member.file_size > _MAX_UNPACKED:
        raise InputError(f"{path}: {member.filename} is packed a second time and too large to unpack; unzip it first")
    unpacked = tempfile.TemporaryFile(dir=spool)  # noqa: SIM115 - closed with the recordings
    with wacz.open(member) as stream:
        while chunk := stream.read(_STEP):
            unpacked.write(chunk)
    unpacked.flush()
    return _Part(path, path.name, 0, member.file_size, unpacked)


def _key(url: str) -> str:
    """URLs that ask the same of the same server: fragment, host case and default port aside."""
    try:
        return str(httpx.URL(url).copy_with(fragment=None))
    except (httpx.InvalidURL, ValueError):
        return url


def _bare(name: str | None) -> str:
    return (name or "").strip().strip("<>")


def _read_head(stream: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The first line and the headers, in order and as written (warcio's own parser re-codes them)."""
    first: bytes = stream.readline(_STEP)
    headers: list[tuple[str, str]] = []
    room = _MAX_HEAD
    while (line := stream.readline(_STEP)) and line.strip():
        room -= len(line)
        if room < 0:
            raise ArchiveLoadFailed(f"an HTTP head of more than {_MAX_HEAD} bytes")
        name, colon, value = line.partition(b":")
        if line[:1] in b" \t" and headers:
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip().decode('latin-1')}")
        elif colon:
            headers.append((name.strip().decode("latin-1"), value.strip().decode("latin-1")))
    return first.strip().decode("latin-1"), tuple(headers)


def _exactly(stream: Any) -> bytes:
    return b"".join(iter(lambda: cast(bytes, stream.read(_STEP)), b""))


def _matches(digest: bytes, stated: str) -> bool:
    """Hex or Base32, as writers please (RFC 4648)."""
    import base64

    return stated.lower() == digest.hex() or stated.upper().rstrip("=") == base64.b32encode(digest).decode().rstrip("=")


def _silence(block: bytes) -> FetchError:
    said = dict(line.partition(": ")[::2] for line in block.decode("utf-8", "replace").splitlines())
    error = _SILENCES.get(said.get(_SILENCE, ""), Unreachable)
    return error(shown(said.get("message", "no answer")), reason=said.get("reason", "unreachable"))
