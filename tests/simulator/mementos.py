"""What a web archive holds: one capture of one URL at one time, and the names the Wayback Machine gives it."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import gzip
import hashlib
from dataclasses import dataclass

from surt import surt


def stamp(at: dt.datetime) -> str:
    """A 14-digit Wayback timestamp."""
    return at.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S")


@functools.lru_cache(maxsize=65536)
def urlkey(url: str) -> str:
    """SURT form, lower-cased, without scheme, `www.`, port and fragment: the Internet Archive's own library."""
    return str(surt(url))


@functools.lru_cache(maxsize=65536)
def digest_of(body: bytes) -> str:
    """Base32 SHA-1 of the payload, as CDX has it."""
    return base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


@functools.lru_cache(maxsize=65536)
def _record_size(body: bytes) -> int:
    """About what a gzipped WARC record of it takes: CDX's `length`."""
    return len(gzip.compress(body, 1, mtime=0)) + 400


@dataclass(frozen=True, slots=True)
class Memento:
    """One capture. A revisit holds no body of its own: it stands for the earlier capture with the same digest."""

    url: str
    at: dt.datetime
    status: int
    mime: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    is_revisit: bool = False

    @property
    def timestamp(self) -> str:
        return stamp(self.at)

    @property
    def urlkey(self) -> str:
        return urlkey(self.url)

    @property
    def row(self) -> dict[str, str]:
        """The seven public CDX fields."""
        return {
            "urlkey": self.urlkey,
            "timestamp": self.timestamp,
            "original": self.url,
            "mimetype": "warc/revisit" if self.is_revisit else self.mime,
            "statuscode": "-" if self.is_revisit else str(self.status),
            "digest": digest_of(self.body),
            "length": str(_record_size(self.body)),
        }
