"""WACZ 1.1.1: one file that web archive viewers open, indexed and listed, signed where a key is given.

https://specs.webrecorder.net/wacz/1.1.1/ and, for the signature, the anonymous form of
https://specs.webrecorder.net/wacz-auth/0.1.0/: it shows that the holder of a key packaged exactly these files. Whose
key it is has to be known from elsewhere. `check` is strict where the usual validator is not: it lets through a package
without pages, a forgery that agrees with itself, and a signature made of nothing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import heapq
import itertools
import json
import re
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from archiver.exports import PROVES, PROVES_NOT, SAYS, Contents, Export, Signer, records, signing
from archiver.exports.zipped import Zip

VERSION = "1.1.1"
_WARC, _INDEX, _BLOCKS, _PAGES = (
    "archive/data.warc.gz",
    "indexes/index.cdx.gz",
    "indexes/index.idx",
    "pages/pages.jsonl",
)
_PACKAGE, _DIGEST = "datapackage.json", "datapackage-digest.json"
#: Lines of the index in one gzip member: a viewer that reads over the network asks for one.
_LINES = 300
#: Lines of the index held in memory before they are sorted and put aside, and files of them before they are merged.
_HELD, _ASIDE = 1_000, 64
#: Characters of a post's text in the name of its page; the page's `text` has all of it.
_TITLE = 100
#: `check` reads no more of one member than this: a few bytes can unpack to any number (EVIDENCE 3).
_LARGEST = 1 << 40
_SMALL = 64 << 20


def write(contents: Contents, out: BinaryIO) -> None:
    """The captures as one WARC, their index in blocks, articles and posts as pages, the manifest and its digest."""
    about = contents.about()
    blocks: list[bytes] = []
    with Zip(out) as packed:
        with _Sorted() as index:
            with packed.member(_WARC) as stream:
                for record in records.write(contents, stream):
                    index.add(_cdx(record))
            with packed.member(_INDEX) as stream:
                blocks = _write_index(index.lines(), stream)
        packed.add(_BLOCKS, b"".join(blocks))
        with packed.member(_PAGES, compress=True) as stream:
            for page in _pages(contents):
                stream.write(_json(page) + b"\n")
        package = {
            "profile": "data-package",
            "wacz_version": VERSION,
            "title": "Archived social posts and the articles that show them",
            "description": f"{PROVES} {PROVES_NOT}",
            **SAYS,
            "software": about["software"],
            # When the youngest capture in it was made: a package made twice of the same archive is the same package.
            "created": _seconds(about["last_at"]),
            "resources": [
                {
                    "name": member.name.rpartition("/")[2],
                    "path": member.name,
                    "hash": f"sha256:{member.sha256}",
                    "bytes": member.size,
                }
                for member in packed.members
            ],
        }
        content = json.dumps(package, indent=2, ensure_ascii=False).encode()
        packed.add(_PACKAGE, content)
        packed.add(_DIGEST, json.dumps(_digest(content, package, contents.signer), indent=2).encode())


def _digest(content: bytes, package: dict[str, Any], signer: Signer | None) -> dict[str, Any]:
    """The digest of the manifest, and who says so. The signature is over the text `sha256:<hex>`."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if signer is None:
        return {"path": _PACKAGE, "hash": digest, "note": "Not signed: it shows that nothing broke, not who made it."}
    return {
        "path": _PACKAGE,
        "hash": digest,
        "signedData": {
            "hash": digest,
            "created": package["created"],
            "software": package["software"],
            "version": "0.1.0",
            "signature": base64.b64encode(signer.sign(digest.encode())).decode(),
            "publicKey": base64.b64encode(signer.public_key).decode(),
        },
    }


def _seconds(at: str | None) -> str:
    return f"{at[:19]}Z" if at else "1970-01-01T00:00:00Z"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# --- pages ----------------------------------------------------------------------------------------------------------


def _pages(contents: Contents) -> Iterator[dict[str, Any]]:
    """The articles, then the posts as their first-ranking look shows them: what a viewer lists and searches."""
    yield {"format": "json-pages-1.0", "id": "pages", "title": "Articles and posts", "hasText": True}
    last = None
    for embed in contents.embeds():
        # Embeds come article by article.
        if embed["article"] != last:
            last = embed["article"]
            capture = contents.capture(embed["capture"])
            yield {
                "id": embed["article"],
                "url": records.uri(capture.url),
                "ts": contents.record(embed["capture"])["started_at"],
                "title": f"Article: {_plain(embed['location'])}",
            }
    for post in contents.posts():
        for snapshot in post["snapshots"][:1]:
            record = contents.record(snapshot["capture"])
            text = _plain(snapshot["post"]["text"])
            who = _plain(snapshot["post"]["author"]["handle"] or snapshot["post"]["author"]["name"] or "unknown")
            yield {
                "id": snapshot["id"],
                "url": records.uri(record["url"]),
                "ts": record["started_at"],
                "title": f"{post['platform']} post {post['id']} by {who}: {text[:_TITLE]}",
                "text": text,
            }


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+", " ", text)


# --- index ----------------------------------------------------------------------------------------------------------


def surt(url: str) -> str:
    """The sort key of a URL: host reversed, lower case, query sorted, as pywb and ReplayWeb.page look it up."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return url.lower()
    host = re.sub(r"^www\d*\.", "", parts.hostname)
    key = ",".join(reversed(host.split(".")))
    with contextlib.suppress(ValueError):
        if parts.port and parts.port != {"http": 80, "https": 443}[parts.scheme]:
            key += f":{parts.port}"
    path = re.sub("/+", "/", parts.path.lower()).rstrip("/") or "/"
    query = "&".join(sorted(parts.query.lower().split("&")))
    return f"{key}){path}" + (f"?{query}" if query else "")


def _cdx(record: records.Written) -> str:
    """One line of CDXJ. Times to the second, as look-ups are."""
    at = re.sub(r"\D", "", record.at)[:14]
    found = {
        "url": record.url,
        "mime": "warc/revisit" if record.kind == "revisit" else record.mime or "unk",
        "status": str(record.status) if record.status is not None else "200",
        "digest": f"sha256:{record.payload}",
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": _WARC.rpartition("/")[2],
        "recordDigest": f"sha256:{record.sha256}",
    }
    return f"{surt(record.url)} {at} {json.dumps(found)}\n"


class _Sorted:
    """Lines in order, however many: sorted by the thousand, put aside in temporary files, merged."""

    def __init__(self, held: int = _HELD, aside: int = _ASIDE) -> None:
        self._most_held, self._most_aside = held, aside
        self._held: list[str] = []
        self._aside: list[BinaryIO] = []

    def __enter__(self) -> _Sorted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._aside:
            each.close()

    def add(self, line: str) -> None:
        self._held.append(line)
        if len(self._held) < self._most_held:
            return
        self._put_aside(each.encode() for each in sorted(self._held))
        self._held = []
        if len(self._aside) == self._most_aside:
            # Merged into one, because a process may hold only so many files open.
            several, self._aside = self._aside, []
            self._put_aside(heapq.merge(*several))
            for each in several:
                each.close()

    def _put_aside(self, lines: Iterable[bytes]) -> None:
        aside = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed in __exit__, or once merged
        aside.writelines(lines)
        aside.seek(0)
        self._aside.append(aside)

    def lines(self) -> Iterator[bytes]:
        yield from heapq.merge(*self._aside, [each.encode() for each in sorted(self._held)])


def _write_index(lines: Iterator[bytes], out: BinaryIO) -> list[bytes]:
    """The index in gzip members of `_LINES` lines; returns the lines of the index to it (ZipNum)."""
    found = [b'!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}\n']
    offset = 0
    while block := list(itertools.islice(lines, _LINES)):
        member = gzip.compress(b"".join(block), mtime=0)
        out.write(member)
        place = {
            "offset": offset,
            "length": len(member),
            "digest": f"sha256:{hashlib.sha256(member).hexdigest()}",
            "filename": "index.cdx.gz",
        }
        found.append(block[0][: block[0].index(b" {")] + b" " + json.dumps(place).encode() + b"\n")
        offset += len(member)
    return found


# --- check ----------------------------------------------------------------------------------------------------------


def check(path: Path, *, key: bytes | None = None, is_signed: bool = False) -> list[str]:
    """What is wrong with a WACZ, a sentence each; nothing for a sound one. Opens no socket, unpacks no file.

    `key` is the public key (SubjectPublicKeyInfo, DER) that must have signed it; `is_signed` asks for a valid signature
    by whomever. Without either, a valid or no signature will do: who could have made a forgery that agrees with itself
    is then anybody, and no check can tell.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            return list(_faults(packed, key=key, is_signed=is_signed or key is not None))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return [f"cannot be read as a ZIP file: {error}"]


def _faults(packed: zipfile.ZipFile, *, key: bytes | None, is_signed: bool) -> Iterator[str]:
    entries = {entry.filename: entry for entry in packed.infolist()}
    if len(entries) != len(packed.infolist()):
        yield "two files have the same name"
    for name, entry in entries.items():
        is_link = (entry.external_attr >> 16) & 0o170000 == 0o120000
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or is_link:
            yield f"{name!r} points outside the package"
        if (name.startswith("archive/") or name.endswith(".cdx.gz")) and entry.compress_type != zipfile.ZIP_STORED:
            yield f"{name} is compressed twice, so no part of it can be read alone"
    if _PACKAGE not in entries:
        yield f"{_PACKAGE} is missing"
        return
    content = _small(packed, _PACKAGE)
    package = _object(content)
    if package is None or not isinstance(package.get("resources"), list):
        yield f"{_PACKAGE} is no manifest"
        return
    if package.get("profile") != "data-package":
        yield f"{_PACKAGE} does not say that it is a data package"
    if package.get("wacz_version") != VERSION:
        yield f"is WACZ {package.get('wacz_version')}, and {VERSION} is what is checked here"
    yield from _resources(packed, entries, package["resources"])
    yield from _signature(packed, entries, content, package, key=key, is_signed=is_signed)
    if not any(name.startswith("indexes/") for name in entries):
        yield "there is no index"
    yield from _page_list(packed, entries)
    yield from _archive(packed, entries)


def _small(packed: zipfile.ZipFile, name: str) -> bytes:
    with packed.open(name) as stream:
        return stream.read(_SMALL)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _resources(packed: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], listed: list[Any]) -> Iterator[str]:
    paths = [each.get("path") for each in listed if isinstance(each, dict)]
    if len(set(paths)) != len(listed):
        yield "the manifest lists a file twice, or lists what is no file"
    for name in sorted(entries.keys() - {_PACKAGE, _DIGEST} - set(paths)):
        if not name.endswith("/"):
            yield f"{name} is not in the manifest"
    for each in listed:
        if not isinstance(each, dict):
            continue
        name = str(each.get("path"))
        if name not in entries:
            yield f"{name} is in the manifest and not in the package"
            continue
        size, digest = 0, hashlib.sha256()
        try:
            with packed.open(name) as stream:
                while (piece := stream.read(1 << 20)) and size < _LARGEST:
                    digest.update(piece)
                    size += len(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            yield f"{name} is damaged: {error}"
            continue
        if size != each.get("bytes") or f"sha256:{digest.hexdigest()}" != each.get("hash"):
            yield f"{name} is not what the manifest says"


def _signature(
    packed: zipfile.ZipFile,
    entries: dict[str, zipfile.ZipInfo],
    content: bytes,
    package: dict[str, Any],
    *,
    key: bytes | None,
    is_signed: bool,
) -> Iterator[str]:
    if _DIGEST not in entries:
        yield f"{_DIGEST} is missing" + (", and with it the signature" if is_signed else "")
        return
    found = _object(_small(packed, _DIGEST)) or {}
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found.get("path") != _PACKAGE or found.get("hash") != digest:
        yield f"{_DIGEST} is about another manifest"
    signed = found.get("signedData")
    if signed is None:
        if is_signed:
            yield "is not signed"
        return
    if not isinstance(signed, dict) or signed.get("hash") != digest or signed.get("created") != package.get("created"):
        yield "the signature is about another manifest"
        return
    if "publicKey" not in signed:
        yield "is signed in the name of a domain, which cannot be checked offline"
        return
    try:
        public = base64.b64decode(str(signed["publicKey"]), validate=True)
        signature = base64.b64decode(str(signed.get("signature")), validate=True)
    except binascii.Error:
        yield "the signature is not written in base64"
        return
    if not signing.verifies(public, digest.encode(), signature):
        yield "the signature is not valid"
    elif key is not None and public != key:
        yield "was signed with another key"


def _page_list(packed: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Iterator[str]:
    if _PAGES not in entries:
        yield f"{_PAGES} is missing"
        return
    with packed.open(_PAGES) as stream:
        for number, line in enumerate(stream):
            page = _object(line)
            wanted = ("format", "id") if number == 0 else ("url", "ts")
            if page is None or any(not isinstance(page.get(name), str) for name in wanted):
                yield f"{_PAGES}, line {number + 1}: is no page"
                return


def _archive(packed: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> Iterator[str]:
    """Every record against its own digests, and the index against the records: the same ones, each in its place."""
    names = sorted(name for name in entries if name.startswith("archive/") and name.endswith((".warc", ".warc.gz")))
    if not names:
        yield "there is no WARC"
    there: set[str] = set()
    for name in names:
        with packed.open(name) as stream:
            faults: list[str] = []
            there.update(f"{name.rpartition('/')[2]} {place}" for place in records.places(stream, faults))
        yield from (f"{name}: {fault}" for fault in faults)
    indexed = set()
    for name in entries:
        if name.startswith("indexes/") and name.endswith((".cdx", ".cdxj", ".cdx.gz")):
            with packed.open(name) as stream:
                lines = gzip.GzipFile(fileobj=stream) if name.endswith(".gz") else stream
                last = b""
                for line in lines:
                    if line[: line.find(b" {")] < last:
                        yield f"{name} is not in order"
                    last = line[: line.find(b" {")]
                    found = _object(line[line.find(b" {") :]) or {}
                    indexed.add(f"{found.get('filename')} {found.get('offset')} {found.get('url')}")
    if missing := len(there - indexed):
        yield f"{missing} records are not in the index"
    if more := len(indexed - there):
        yield f"{more} lines of the index point to no record"


def _check_signed(path: Path, key: bytes) -> list[str]:
    return check(path, key=key)


EXPORT = Export(
    "wacz", ".wacz", "WACZ 1.1.1, one file for ReplayWeb.page and pywb; --sign signs it", write, check, _check_signed
)
