"""What crosses the simulated wire: one request, one answer, and the ways in which an answer can go wrong."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a host sees it: `target` is the path and query exactly as they stood on the wire; `host` is
    lower-case and without a port."""

    method: str
    host: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    scheme: str = "https"
    at: dt.datetime | None = None

    @classmethod
    def get(cls, url: str, **headers: str) -> Request:
        """GET of a URL; header names as keywords, with `_` for `-`."""
        return cls.of("GET", url, {name.replace("_", "-"): value for name, value in headers.items()})

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str] | Headers = (), body: bytes = b"") -> Request:
        parts = urlsplit(url)
        pairs = tuple(headers.items()) if isinstance(headers, Mapping) else headers
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(method, parts.hostname or "", target, pairs, body, parts.scheme)

    @property
    def path(self) -> str:
        """Percent-encoding undone."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The last value of each name."""
        return dict(self.pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.target}"

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Wire(enum.StrEnum):
    """How the answer travels. What is not WHOLE is a broken connection of one kind or another."""

    WHOLE = "whole"
    SHORT = "short"  # fewer bytes than Content-Length says, then a polite close
    RESET = "reset"  # the connection is reset in the middle of the body
    SILENT = "silent"  # the request is read and never answered
    DROPPED = "dropped"  # closed before the first byte of an answer
    NOISE = "noise"  # what comes is not HTTP


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `repeat` sends the body so many times (a huge answer that nobody has to hold), `delay` waits before
    the first byte and `trickle` between blocks of 1 KiB, both in seconds. `chunked` leaves Content-Length out."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    repeat: int = 1
    delay: float = 0.0
    trickle: float = 0.0
    chunked: bool = False
    wire: Wire = Wire.WHOLE

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def size(self) -> int:
        return len(self.body) * self.repeat

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8")

    @property
    def payload(self) -> bytes:
        """The body with gzip undone."""
        return gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body

    def json(self) -> Any:
        return json.loads(self.payload)

    def with_headers(self, *pairs: tuple[str, str]) -> Response:
        return dataclasses.replace(self, headers=(*self.headers, *pairs))

    def squeezed(self) -> Response:
        """The same answer as a host sends it to a client that accepts gzip."""
        # mtime=0: equal answers must be equal bytes.
        packed = gzip.compress(self.body, 6, mtime=0)
        kept = tuple(pair for pair in self.headers if pair[0].lower() != "content-length")
        return dataclasses.replace(self, headers=(*kept, ("content-encoding", "gzip")), body=packed)


def html(text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(status, (("content-type", "text/html; charset=utf-8"), *headers), text.encode())


def plain(text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(status, (("content-type", "text/plain;charset=UTF-8"), *headers), text.encode())


def document(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, (("content-type", "application/json; charset=utf-8"), *headers), body)


def redirect(location: str, status: int = 302, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(status, (("location", location), *headers))
