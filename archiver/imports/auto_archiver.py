"""What Bellingcat's auto-archiver leaves behind: its items as JSON, its CSV, its sheets as CSV, its HTML pages.

An item is `status`, `metadata` (url, title, content, timestamp, _processed_at) and `media` (filename, key, urls,
properties: src, hash). As JSON it is written by its json_enricher and by its API; its csv_db writes the same three
members as Python literals; its sheets hold one item a row; its html_formatter writes one page an item, for people.
https://github.com/bellingcat/auto-archiver, `core/metadata.py`, `core/media.py` and the modules named.
"""

from __future__ import annotations

import ast
import csv
import datetime as dt
import functools
import io
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from archiver.errors import ParseError
from archiver.model import MAX_READ, Capture, moment

#: What it makes itself of a page; none of it is the post's.
_MADE = {"_final_media", "screenshot", "metadata_json", "browsertrix", "html", "pdf", "thumbnail"}
_SIGN = b"bellingcat/auto-archiver"
#: Its CSV's columns, and those of its sheets under the names that its manual gives them.
_COLUMNS = {"status", "metadata", "media"}
_SHEET = {"link", "archive status"}
_MEDIA = ("image/", "video/", "audio/")


@dataclass(frozen=True, slots=True)
class File:
    """One file of an item: the names it may lie under, where it came from (`src`), its stated type and SHA-256."""

    names: tuple[str, ...]
    src: str | None
    type: str | None
    sha256: str | None
    is_made: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One URL as it was archived: `content` and `title` as the item states them, `posted_at` the post's own time,
    `at` when it was archived."""

    url: str
    status: str
    title: str
    content: str
    posted_at: dt.datetime | None
    at: dt.datetime | None
    files: tuple[File, ...]


def is_table(head: bytes) -> bool:
    """Whether a file that begins like this is one of its tables."""
    try:
        columns = next(csv.reader([head.partition(b"\n")[0].decode("utf-8", "replace")]), [])
    except csv.Error:
        return False
    names = {name.strip().lower() for name in columns}
    return names >= _COLUMNS or names >= _SHEET


def is_page(path: Path, head: bytes) -> bool:
    """Whether an HTML file is one of its pages: it says so at its end."""
    if head[:1] != b"<" or path.stat().st_size > MAX_READ:
        return False
    return _SIGN in path.read_bytes()


@functools.lru_cache(maxsize=4)
def items(capture: Capture) -> tuple[Item, ...]:
    """Every item in a document or a line; nothing where it holds none. ParseError beyond what is read whole."""
    text = capture.content.decode("utf-8-sig", "replace")
    start = text.lstrip()[:1]
    try:
        if start in ("{", "["):
            return tuple(_in_json(json.loads(text)))
        if start == "<":
            return tuple(_on_page(text)) if _SIGN.decode() in text else ()
        return tuple(_in_table(text))
    except (ValueError, RecursionError, csv.Error) as error:
        raise ParseError(f"{capture.url}: cannot be read: {error}") from error


# --- JSON -----------------------------------------------------------------------------------------------------------


def _in_json(payload: Any) -> Iterator[Item]:
    for each in payload if isinstance(payload, list) else [payload]:
        if not isinstance(each, dict):
            continue
        result = each.get("result", each)  # a row of its API holds the item, as an object or as text
        if isinstance(result, str):
            result = json.loads(result) if result.lstrip().startswith("{") else None
        if isinstance(result, dict) and isinstance(result.get("metadata"), dict):
            item = _item(result.get("status"), result["metadata"], result.get("media"))
            if item is not None:
                yield item


def _item(status: Any, stated: Mapping[str, Any], media: Any) -> Item | None:
    url = stated.get("url")
    if not isinstance(url, str) or not url:
        return None
    return Item(
        url=url,
        status=str(status or ""),
        title=_text(stated.get("title")),
        content=_text(stated.get("content")),
        posted_at=_time(stated.get("timestamp")),
        at=_time(stated.get("_processed_at")),
        files=tuple(file for each in media if (file := _file(each))) if isinstance(media, list | tuple) else (),
    )


def _file(stated: Any) -> File | None:
    if not isinstance(stated, dict):
        return None
    properties = stated.get("properties") if isinstance(stated.get("properties"), dict) else {}
    assert isinstance(properties, dict)
    key = stated.get("_key") or stated.get("key")
    urls = stated.get("urls") if isinstance(stated.get("urls"), list) else []
    names = [_name(each) for each in (stated.get("filename"), key, *(urls or ()))]
    src = properties.get("src")
    kind = stated.get("_mimetype")
    return _file_of(
        names,
        src if isinstance(src, str) else None,
        kind if isinstance(kind, str) else None,
        str(properties.get("hash") or ""),
        str(properties.get("id") or ""),
    )


def _file_of(names: list[str], src: str | None, kind: str | None, digest: str, id: str) -> File:
    import mimetypes

    kept = tuple(dict.fromkeys(name for name in names if name))
    kind = kind or (mimetypes.guess_type(kept[0])[0] if kept else None)
    found = re.fullmatch(r"(?:SHA-?256:)?([0-9a-f]{64})", digest, re.IGNORECASE)
    is_made = id.rstrip("0123456789_") in _MADE or id in _MADE or not (kind or "").startswith(_MEDIA)
    is_web = bool(src and re.match(r"https?://[^\s/]", src))
    return File(kept, src if is_web else None, kind, found[1].lower() if found else None, is_made)


def _name(value: Any) -> str:
    """The last part of a path or URL: only a name to look for among the files that were handed in."""
    if not isinstance(value, str):
        return ""
    path = urllib.parse.urlsplit(value).path if "://" in value else value.replace("\\", "/")
    return urllib.parse.unquote(PurePosixPath(path).name) if "://" in value else PurePosixPath(path).name


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else ""


def _time(value: Any) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return moment(value.isoformat())
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return dt.datetime.fromtimestamp(value, dt.UTC)
        return moment(value.strip()) if isinstance(value, str) and value.strip() else None
    except (ValueError, OverflowError, OSError):
        return None


# --- CSV ------------------------------------------------------------------------------------------------------------


def _in_table(text: str) -> Iterator[Item]:
    csv.field_size_limit(MAX_READ)
    for row in csv.DictReader(io.StringIO(text, newline="")):
        cells = {name.strip().lower(): value or "" for name, value in row.items() if isinstance(name, str)}
        if cells.keys() >= _COLUMNS:
            stated = literal(cells["metadata"])
            item = _item(cells["status"], stated, literal(cells["media"])) if isinstance(stated, dict) else None
        else:
            stated = {
                "url": cells.get("link", "").strip(),
                "title": cells.get("upload title"),
                "content": cells.get("text content"),
                "timestamp": cells.get("upload timestamp"),
                "_processed_at": cells.get("archive date"),
            }
            item = _item(cells.get("archive status"), stated, None)
        if item is not None:
            yield item


def literal(text: str) -> Any:
    """A Python literal as its csv_db writes it, times as `datetime.datetime(…)` among them; None where it is none.
    Nothing is ever run."""
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, OverflowError):
        return None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return {str(_value(key)): _value(value) for key, value in pairs if key is not None}
        case ast.List() | ast.Tuple() | ast.Set():
            return [_value(each) for each in node.elts]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Call(func=ast.Attribute(attr="datetime") | ast.Name(id="datetime")):
            numbers = [
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, int)
            ]
            year, month, day, hour, minute, second, micro = (numbers + [0] * 7)[:7]
            # Whatever its zone is written as, it is UTC: its own code makes no other.
            return dt.datetime(year, month, day, hour, minute, second, micro, dt.UTC)
    return None


# --- HTML -----------------------------------------------------------------------------------------------------------


def _on_page(text: str) -> Iterator[Item]:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

    def said(node: LexborNode | None) -> str:
        return node.text(strip=True) if node is not None else ""

    page = LexborHTMLParser(text)
    stated: dict[str, str] = {}
    for row in page.css("table.metadata tr"):
        cells = row.css("td")
        if len(cells) >= 2:
            stated.setdefault(said(cells[0]), said(cells[1].css_first(".copy") or cells[1]))
    if "url" not in stated:
        stated["url"] = said(page.css_first("h2 .copy"))
    files = []
    for row in page.css("table.content tr"):
        links = [
            each.attributes.get(name) or "" for each in row.css("a, img, video, source") for name in ("href", "src")
        ]
        facts = {
            said(each).rstrip(":"): said(each.parent).partition(":")[2].strip()
            for each in row.css("li > b")
            if each.parent is not None
        }
        if links or facts:
            names = [_name(each) for each in (*links, facts.get("filename"), facts.get("key"))]
            kind = next((f"{each.tag}/".replace("img/", "image/") for each in row.css("img, video, audio")), None)
            files.append(_file_of(names, facts.get("src"), kind, facts.get("hash", ""), facts.get("id", "")))
    item = _item("success" if files or stated.get("content") else "", stated, None)
    if item is not None:
        yield Item(item.url, item.status, item.title, item.content, item.posted_at, item.at, tuple(files))
