"""Captures as WARC/1.1 records (ISO 28500:2017), one gzip member each, exactly as they were kept.

An answer is a `response` with its `request`; a file is a `resource`; an answer whose body an earlier record of the same
file holds is a `revisit`. Each is followed by a `metadata` record that says what the others cannot: the capture's id,
where its bytes came from (asked live, a recording, an import, a file), when it ended, the certificate, the proxy.
https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import hashlib
import http
import io
import ipaddress
import json
import re
import urllib.parse
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from archiver.exports import SAYS, Contents, Held
from archiver.model import Capture, timestamp

_REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_SPACE = re.compile(r"[\x00-\x1f\x7f]+")
_STEP = 1 << 20
_UNREADABLE = (ArchiveLoadFailed, StatusAndHeadersParserException)


@dataclass(frozen=True, slots=True)
class Written:
    """One record as it stands in the file: `offset` and `length` of its gzip member in bytes, `sha256` of them."""

    kind: str
    url: str
    at: str
    mime: str | None
    status: int | None
    payload: str
    offset: int
    length: int
    sha256: str


def write(contents: Contents, out: BinaryIO) -> Iterator[Written]:
    """Write every capture; yields each record after it is written. Reads each body twice and holds none."""
    writer = _Writer(out)
    writer.info(contents.about())
    for held in contents.captures():
        yield from writer.capture(held, contents)


def places(stream: IO[bytes], faults: list[str]) -> Iterator[str]:
    """`offset URL` of every answer in a WARC, whoever wrote it; what is wrong with a record is added to *faults*."""
    iterator = ArchiveIterator(stream, check_digests=True)
    try:
        for record in iterator:
            while record.raw_stream.read(_STEP):
                pass
            if record.digest_checker.passed is False or record.raw_stream.limit:
                faults.append(f"{record.rec_headers['WARC-Record-ID']} is not what its digest says")
            if record.rec_type in ("response", "revisit", "resource"):
                yield f"{iterator.get_record_offset()} {record.rec_headers['WARC-Target-URI']}"
    # AttributeError: warcio's answer to a record without a URL or a length.
    except (*_UNREADABLE, zlib.error, EOFError, ValueError, AttributeError) as error:
        faults.append(f"cannot be read: {error}")


def uri(url: str) -> str:
    """A URL as a WARC-Target-URI: what a URI cannot hold is percent-encoded, everything else as it was asked."""
    return urllib.parse.quote(url, safe="!#$%&'()*+,/:;=?@[]~-._")


def target(held: Held) -> str:
    """The WARC-Target-URI a capture is filed under."""
    return uri(held.capture.url) or "about:blank"


class _Exact(StatusAndHeaders):  # type: ignore[misc]  # warcio ships no types
    """An HTTP head whose bytes are given: warcio would percent-encode what is not ASCII, which is not what was sent."""

    def __init__(self, head: bytes) -> None:
        super().__init__("", [])
        self.head = head

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        self.headers_buff = self.head

    def __bool__(self) -> bool:
        return True


class _Counted:
    """Bytes on their way out, counted and hashed from one record to the next."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.at = out, 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.at += len(data)
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here, and a flush per record would cost a system call each."""


class _Writer:
    def __init__(self, out: BinaryIO) -> None:
        self._out = _Counted(out)
        self._warc = WARCWriter(self._out, gzip=True, warc_version="1.1")

    def info(self, about: dict[str, Any]) -> None:
        body = _fields(
            [
                ("software", about["software"]),
                ("format", "WARC File Format 1.1"),
                ("conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
                *SAYS.items(),
            ]
        )
        at = about["last_at"] or "1970-01-01T00:00:00Z"
        self._write("warcinfo", _id("warcinfo", json.dumps(about, sort_keys=True)), None, at, {}, body)

    def capture(self, held: Held, contents: Contents) -> Iterator[Written]:
        capture, url, at = held.capture, target(held), timestamp(held.capture.started_at)
        if capture.status is None:
            yield self._resource(held, url, at)
        else:
            yield self._response(held, url, at, contents)
            self._request(held, url, at)
        self._write(
            "metadata",
            _id("metadata", held.id),
            url,
            at,
            {"WARC-Refers-To": _id("answer", held.id)},
            _metadata(held, contents),
        )

    def _resource(self, held: Held, url: str, at: str) -> Written:
        capture = held.capture
        mime = _SPACE.sub(" ", capture.header("content-type") or "application/octet-stream")
        headers = {"Content-Type": mime, "WARC-Payload-Digest": f"sha256:{capture.body.sha256}", **_truncated(capture)}
        with capture.body.open() as stream:
            place = self._write(
                "resource",
                _id("answer", held.id),
                url,
                at,
                headers,
                stream,
                length=capture.body.size,
                digest=capture.body.sha256,
            )
        return Written("resource", url, at, _mime(mime), None, capture.body.sha256, *place)

    def _response(self, held: Held, url: str, at: str, contents: Contents) -> Written:
        capture = held.capture
        assert capture.status is not None
        head = _head(_status_line(capture), capture.headers)
        headers = {"WARC-Payload-Digest": f"sha256:{capture.body.sha256}", **_truncated(capture)}
        address = _address(capture.server_address)
        if address:
            headers["WARC-IP-Address"] = address
        if capture.protocol and capture.protocol not in ("HTTP/1.0", "HTTP/1.1"):
            # A proposed field, as other crawlers write it: the record itself is always in the form of HTTP/1.1.
            headers["WARC-Protocol"] = _SPACE.sub(" ", capture.protocol.lower())
        mime = _mime(capture.header("content-type"))
        if held.same_as is not None:
            first = contents.record(held.same_as)
            headers |= {
                "WARC-Profile": _REVISIT,
                "WARC-Refers-To": _id("answer", held.same_as),
                "WARC-Refers-To-Target-URI": uri(first["url"]) or "about:blank",
                "WARC-Refers-To-Date": first["started_at"],
            }
            place = self._write("revisit", _id("answer", held.id), url, at, headers, b"", head=head)
            return Written("revisit", url, at, mime, capture.status, capture.body.sha256, *place)
        digest = hashlib.sha256(head)
        with capture.body.open() as stream:
            while piece := stream.read(_STEP):
                digest.update(piece)
        with capture.body.open() as stream:
            place = self._write(
                "response",
                _id("answer", held.id),
                url,
                at,
                headers,
                stream,
                head=head,
                length=capture.body.size,
                digest=digest.hexdigest(),
            )
        return Written("response", url, at, mime, capture.status, capture.body.sha256, *place)

    def _request(self, held: Held, url: str, at: str) -> None:
        capture = held.capture
        parts = urllib.parse.urlsplit(url)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        method = capture.method if re.fullmatch(r"[A-Z]{1,20}", capture.method) else "GET"
        head = _head(f"{method} {path} {_version(capture)}", capture.request_headers)
        with capture.request_body.open() as stream:
            # What we send is small: a query, never a file.
            body = stream.read()
        headers = {
            "WARC-Concurrent-To": _id("answer", held.id),
            "WARC-Payload-Digest": f"sha256:{capture.request_body.sha256}",
        }
        self._write("request", _id("request", held.id), url, at, headers, body, head=head)

    def _write(
        self,
        kind: str,
        id: str,
        url: str | None,
        at: str,
        headers: dict[str, str],
        body: bytes | BinaryIO,
        *,
        head: bytes = b"",
        length: int | None = None,
        digest: str | None = None,
    ) -> tuple[int, int, str]:
        """One record; (offset, length, SHA-256) of its gzip member."""
        if isinstance(body, bytes):
            length, digest = len(body), hashlib.sha256(head + body).hexdigest()
            body = io.BytesIO(body)
        assert length is not None
        fields = [("WARC-Type", kind), ("WARC-Record-ID", id), ("WARC-Date", at)]
        if url is not None:
            fields.append(("WARC-Target-URI", url))
        fields += [(name, value) for name, value in headers.items() if name != "Content-Type"]
        # warcio adds digests of its own, in SHA-1, to a record that has none.
        fields.append(("WARC-Block-Digest", f"sha256:{digest}"))
        mime = headers.get("Content-Type", WARCWriter.WARC_RECORDS.get(kind))
        record = ArcWarcRecord(
            "warc",
            kind,
            StatusAndHeaders("", fields, protocol="WARC/1.1"),
            body,
            _Exact(head) if head else None,
            mime,
            length,
            payload_length=length,
        )
        if kind == "metadata":
            record.rec_headers.add_header("WARC-Payload-Digest", f"sha256:{digest}")
        start = self._out.at
        self._out.digest = hashlib.sha256()
        self._warc.write_record(record)
        return start, self._out.at - start, self._out.digest.hexdigest()


def _id(what: str, *names: str) -> str:
    """A record id that comes from content, so that the same archive gives the same file."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ':'.join(('urn:archiver', what, *names)))}>"


def _version(capture: Capture) -> str:
    return "HTTP/1.0" if capture.protocol == "HTTP/1.0" else "HTTP/1.1"


def _status_line(capture: Capture) -> str:
    # The phrase is not kept: it means nothing (RFC 9112 4).
    try:
        phrase = http.HTTPStatus(capture.status or 0).phrase
    except ValueError:
        phrase = ""
    return f"{_version(capture)} {capture.status:03d} {phrase}"


def _head(first: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """An HTTP head as bytes: latin-1, in which the fetcher read it; UTF-8 where somebody else's capture needs it."""
    lines = [first.encode("ascii", "replace")]
    for name, value in headers:
        # The body is kept without its chunks, so a reader must not look for them.
        name = f"X-Archive-Orig-{name}" if name.lower() == "transfer-encoding" else name
        line = f"{_SPACE.sub(' ', name)}: {_SPACE.sub(' ', value)}"
        try:
            lines.append(line.encode("latin-1"))
        except UnicodeEncodeError:
            lines.append(line.encode("utf-8", "replace"))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _mime(value: str | None) -> str | None:
    kind = re.match(r"[\w.+-]+/[\w.+-]+", value or "")
    return kind[0].lower() if kind else None


def _address(value: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address((value or "").strip("[]")))
    except ValueError:
        return None


def _truncated(capture: Capture) -> dict[str, str]:
    if capture.truncated is None:
        return {}
    known = capture.truncated in ("length", "time", "disconnect")
    return {"WARC-Truncated": capture.truncated if known else "unspecified"}


def _metadata(held: Held, contents: Contents) -> bytes:
    """`via` and `fetchTimeMs` are WARC/1.1's own (6.6), the rest ours."""
    capture = held.capture
    via = capture.redirected_from and contents.record(capture.redirected_from)["url"]
    took = capture.ended_at - capture.started_at
    return _fields(
        [
            ("via", via),
            ("fetchTimeMs", str(took // took.resolution // 1000)),
            ("archiver-capture", f"sha256:{held.id}"),
            ("archiver-origin", capture.origin.kind),
            ("archiver-origin-container", capture.origin.container),
            ("archiver-origin-record", capture.origin.record),
            ("archiver-url", capture.url if capture.url != target(held) else None),
            ("archiver-ended-at", timestamp(capture.ended_at)),
            ("archiver-body", f"sha256:{capture.body.sha256}"),
            ("archiver-payload", f"sha256:{capture.payload.sha256}"),
            ("archiver-server-address", capture.server_address),
            ("archiver-tls-certificate", capture.tls_certificate and f"sha256:{capture.tls_certificate}"),
            ("archiver-proxy", capture.proxy),
            ("archiver-redirected-from", capture.redirected_from and f"sha256:{capture.redirected_from}"),
        ]
    )


def _fields(pairs: list[tuple[str, str | None]]) -> bytes:
    """application/warc-fields: one `name: value` a line, UTF-8."""
    return "".join(f"{name}: {_SPACE.sub(' ', value)}\r\n" for name, value in pairs if value).encode()
