"""Pages that list articles instead of being one: RSS, Atom and JSON feeds, sitemaps, news sitemaps, sitemap indexes.

What a page is, its bytes say: a name or a declared type proves nothing. A new kind is one line of `_KINDS`.

Sources: RSS 2.0, RFC 4287 and JSON Feed 1.1 (read by `readers`), https://www.sitemaps.org/protocol.html (50 MB and
50,000 addresses a file), the news extension (`news:publication_date`).
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from archiver.articles.readers import feed_entries, feed_moment, row_moment
from archiver.errors import InputError
from archiver.model import Body

#: The most a sitemap may hold, in bytes unpacked and in addresses, and the longest address.
MAX_BYTES = 52_428_800
MAX_ENTRIES = 50_000
MAX_URL = 2048
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One address that a page lists: when it says the article was published, and when it last changed."""

    url: str
    published_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a page lists: articles, or (a sitemap index) further pages that list them."""

    kind: str
    articles: tuple[Entry, ...] = ()
    pages: tuple[Entry, ...] = ()


def kind_of(content: bytes) -> str | None:
    """`rss`, `atom`, `json feed`, `sitemap` or `sitemap index`; None for what lists nothing, such as an article."""
    head = _head(content)
    if head[:1] == b"{":
        return "json feed" if re.search(rb"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version", head) else None
    root, _ = _root(head)
    return next((kind for kind, (roots, _) in _KINDS.items() if root in roots), None)


def kind_at(body: Body) -> str | None:
    """As `kind_of`, of bytes that may be too many to hold; and `warc` for WARC and WACZ, `data` for Parquet and JSON
    Lines."""
    with body.open() as stream:
        head = stream.read(_HEAD)
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, _HEAD)
        except zlib.error:
            return None
    if head.startswith((b"WARC/", b"PK\x03\x04")):
        return "warc"
    if head.startswith(b"PAR1") or re.match(rb"\{[^\r\n]*\}\r?\n\{", head):
        return "data"
    return kind_of(head)


def is_listing(kind: str | None) -> bool:
    """Whether a page of this kind, as found or as configured, lists articles."""
    return kind in _KINDS or kind in ("feed", "sitemap")


def listing(content: bytes, url: str) -> Listing:
    """What the page at *url* lists. InputError, without the address, that says why it cannot be used: no such page, cut
    short, not well-formed, entities of its own, larger than the protocol allows."""
    content = unpacked(content)
    kind = kind_of(content)
    if kind is None:
        raise InputError(f"is neither a feed nor a sitemap but {described(content)}")
    head = _head(content)
    if head[:1] != b"{" and b"<!ENTITY" in _root(head)[1].upper():
        raise InputError("declares entities of its own, by which a small page grows without bound; it is not read")
    found = Listing(kind, *_KINDS[kind][1](content))
    articles, pages = (tuple(_usable(each, url)) for each in (found.articles, found.pages))
    if len(articles) + len(pages) > MAX_ENTRIES:
        raise InputError(f"lists more than {MAX_ENTRIES} addresses, the most a sitemap may")
    return Listing(kind, articles, pages)


def described(content: bytes) -> str:
    """In a few words, what a page holds that lists nothing."""
    head = _head(content)
    if not head:
        return "empty"
    root, _ = _root(head)
    if root == b"html" or b"<html" in head[:4096].lower():
        return "an HTML page"
    return f"XML of another kind (<{root.decode('ascii', 'replace')[:40]}>)" if root else "something else"


# --- what a page is --------------------------------------------------------------------------------------------------


def unpacked(content: bytes) -> bytes:
    """A page that is served as a gzip file, unpacked; any other as it is. InputError beyond what a page may hold."""
    if content[:2] != b"\x1f\x8b":
        return content
    unpack = zlib.decompressobj(31)
    try:
        opened = unpack.decompress(content, MAX_BYTES + 1)
    except zlib.error as error:
        raise InputError(f"its gzip is damaged ({error})") from error
    if len(opened) > MAX_BYTES:
        raise InputError(f"unpacks to more than {MAX_BYTES} bytes, the most a sitemap may hold; it is not read")
    if not unpack.eof:
        raise InputError("is cut short: its gzip does not end")
    return opened


def _head(content: bytes) -> bytes:
    """The beginning, as far as ASCII goes, whatever the encoding: UTF-16 is ASCII with a zero beside each letter."""
    head = content[:_HEAD]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        head = head.replace(b"\0", b"").lstrip(b"\xff\xfe")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _root(head: bytes) -> tuple[bytes, bytes]:
    """The name of the first element, without its prefix, and everything before it."""
    at = 0
    while (found := re.compile(rb"\s*<").match(head, at)) is not None:
        at = found.end() - 1
        if head.startswith(b"<?", at):
            end = head.find(b"?>", at) + 1
        elif head.startswith(b"<!--", at):
            end = head.find(b"-->", at) + 2
        elif head.startswith(b"<!", at):
            bracket, end = head.find(b"[", at), head.find(b">", at)
            if 0 <= bracket < end:
                end = head.find(b">", head.find(b"]", bracket)) if head.find(b"]", bracket) >= 0 else -1
        else:
            name = re.match(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)", head[at : at + 200])
            return (name[1] if name else b""), head[:at]
        if end <= at:
            break
        at = end + 1
    return b"", head


# --- feeds ------------------------------------------------------------------------------------------------------------

_Found = tuple[tuple[Entry, ...], tuple[Entry, ...]]


def _feed(content: bytes) -> _Found:
    tail = content[-_HEAD:].replace(b"\0", b"")
    if not re.search(rb"</\s*(?:[\w.-]+:)?(?:rss|feed|RDF)\s*>", tail):
        raise InputError("is cut short: the feed does not end")
    entries, problem = feed_entries(content)
    if not entries and problem:
        raise InputError(f"is not readable as a feed ({problem})")
    return (
        tuple(
            Entry(str(entry["link"]), feed_moment(entry, "published_parsed") or updated_at, updated_at)
            for entry in entries
            if entry.get("link")
            for updated_at in (feed_moment(entry, "updated_parsed"),)
        ),
        (),
    )


def _json_feed(content: bytes) -> _Found:
    try:
        value = json.loads(content)
        rows = value["items"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise InputError(f"is cut short, or no JSON Feed ({error})") from error
    if not isinstance(rows, list):
        raise InputError("is no JSON Feed: its items are no list")
    return (
        tuple(
            Entry(address, row_moment(row.get("date_published")), row_moment(row.get("date_modified")))
            for row in rows
            if isinstance(row, dict) and isinstance(address := row.get("url") or row.get("external_url"), str)
        ),
        (),
    )


# --- sitemaps ---------------------------------------------------------------------------------------------------------


def _sitemap(content: bytes) -> _Found:
    return tuple(_located(content, "url")), ()


def _index(content: bytes) -> _Found:
    return (), tuple(_located(content, "sitemap"))


def _located(content: bytes, element: str) -> Iterator[Entry]:
    """Every `element` with its `loc`. expat alone, no tree: 50 MB are read in the memory of their addresses."""
    from xml.parsers import expat  # nosec: entities are refused below

    path: list[str] = []
    text: list[str] = []
    said: dict[str, str] = {}
    found: list[Entry] = []

    def start(name: str, _: Any) -> None:
        path.append(name.rpartition(":")[2])
        text.clear()
        if path[-1] == element:
            said.clear()

    def end(name: str) -> None:
        here = path.pop()
        inside = path[-1] if path else ""
        if here == element:
            if "loc" in said:
                at = row_moment(said.get("publication_date"))
                found.append(Entry(said["loc"], at, row_moment(said.get("lastmod"))))
                if len(found) > MAX_ENTRIES:
                    raise InputError(f"lists more than {MAX_ENTRIES} addresses, the most a sitemap may")
        elif (inside == element and here in ("loc", "lastmod")) or (inside == "news" and here == "publication_date"):
            said[here] = "".join(text).strip()
        text.clear()

    def characters(piece: str) -> None:
        if path and path[-1] in ("loc", "lastmod", "publication_date"):
            text.append(piece)

    def entity(*_: Any) -> None:
        raise InputError("declares entities of its own, by which a small page grows without bound; it is not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = characters, entity
    try:
        parser.Parse(content.removeprefix(b"\xef\xbb\xbf").lstrip(), True)
    except expat.ExpatError as error:
        raise InputError(f"is cut short or not well-formed ({error})") from error
    return iter(found)


def _usable(entries: tuple[Entry, ...], page: str) -> Iterator[Entry]:
    """Each address once, absolute; what is no address of the web is left out."""
    seen = set()
    for entry in entries:
        try:
            url = urljoin(page, entry.url.strip()).partition("#")[0]
            is_web = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
        except ValueError:
            continue
        if is_web and len(url) <= MAX_URL and url.isprintable() and url not in seen:
            seen.add(url)
            yield Entry(url, entry.published_at, entry.changed_at)


#: kind -> (names of the root element, how it is read)
_KINDS: dict[str, tuple[tuple[bytes, ...], Callable[[bytes], _Found]]] = {
    "rss": ((b"rss", b"RDF", b"channel"), _feed),
    "atom": ((b"feed",), _feed),
    "json feed": ((), _json_feed),
    "sitemap": ((b"urlset",), _sitemap),
    "sitemap index": ((b"sitemapindex",), _index),
}
