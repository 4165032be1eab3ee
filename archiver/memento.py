"""What a web archive is asked and how its answers are read: the Wayback Machine's CDX index, replay and timemaps.

Pure: requests are values, answers are captures. RFC 7089 (Memento) and the CDX server's README and source are the
standards followed; where the live service differs (repeated rows, an empty list without a header row, a page with
status 200 instead of a memento) both are read.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.errors import ParseError
from archiver.model import Capture, Reason, Request

HOST = "web.archive.org"
CDX = f"https://{HOST}/cdx/search/cdx"
AVAILABILITY = "https://archive.org/wayback/available"

#: What we ask for, in this order, and what a text answer holds when nothing was asked for.
FIELDS = ("original", "timestamp", "mimetype", "statuscode", "digest")
ALL_FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")

_REPLAY = re.compile(r"^(?:(?:https?:)?//web\.archive\.org(?::\d+)?)?/web/(\d{4,14})([a-z]{2}_)?/(.+)$", re.DOTALL)
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*\w+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_PARAMETER = re.compile(r"(\w+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))")


@dataclass(frozen=True, slots=True)
class CdxRow:
    """One capture in an archive's index. `status` is None for `-` (a revisit: bytes as in an earlier row), `digest`
    the base32 SHA-1 of the payload, `timestamp` 14 digits UTC."""

    original: str
    timestamp: str
    mimetype: str | None = None
    status: int | None = None
    digest: str | None = None

    @property
    def at(self) -> dt.datetime:
        return moment(self.timestamp)


def moment(timestamp: str) -> dt.datetime:
    """The time 4 to 14 digits name, missing ones at their least. ParseError for an impossible one."""
    if not re.fullmatch(r"\d{4,14}", timestamp, re.ASCII):
        raise ParseError(f"{timestamp!r} is no Wayback timestamp: 4 to 14 digits are")
    whole = timestamp + "00000101000000"[len(timestamp) :]
    try:
        return dt.datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise ParseError(f"{timestamp!r} is no Wayback timestamp: {error}") from error


def stamp(at: dt.datetime) -> str:
    """The 14 digits for a time."""
    return at.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S")


# --- the index ------------------------------------------------------------------------------------------------------


def cdx_query(
    url: str,
    *,
    prefix: bool = False,
    filters: Iterable[str] = (),
    collapse: str | None = "digest",
    limit: int = 1000,
    since: str | None = None,
    until: str | None = None,
) -> Request:
    """Ask which captures of *url* exist, oldest first within each key.

    `prefix` asks for everything whose key begins so (`/status/1/photo/1` and `/status/1?s=20` are other keys than
    `/status/1`). Keys are lower-cased by the index: whoever needs the exact case compares `original`. `filters` are
    `[!]field:regex` on the whole field, `collapse` drops adjacent rows with an equal field, `since`/`until` are 1 to
    14 digits, inclusive.
    """
    query = [("url", url), ("output", "json"), ("fl", ",".join(FIELDS))]
    query += [("matchType", "prefix")] if prefix else []
    query += [("filter", text) for text in filters]
    query += [("collapse", collapse)] if collapse else []
    query += [("from", since)] if since else []
    query += [("to", until)] if until else []
    query += [("limit", str(limit))]
    return Request(f"{CDX}?{urllib.parse.urlencode(query)}")


def cdx_rows(capture: Capture) -> tuple[CdxRow, ...]:
    """The rows of an index answer, JSON or text, identical ones once, in order; `[]` is no rows.

    Raises ParseError for anything else (ask `refusal` first: an answer that refuses is no index).
    """
    if capture.status != 200:
        raise ParseError(f"{capture.url}: status {capture.status} is no index answer")
    text = capture.text.strip()
    if not text:
        return ()
    table = _json_table(capture) if text[0] == "[" else _text_table(capture, text)
    rows: dict[CdxRow, None] = {}
    for record in table:
        timestamp, original = record.get("timestamp", ""), record.get("original", "")
        if not original or not re.fullmatch(r"\d{14}", timestamp, re.ASCII):
            raise ParseError(f"{capture.url}: an index row without original and 14-digit timestamp: {record!r:.200}")
        moment(timestamp)
        status = record.get("statuscode", "-")
        rows[
            CdxRow(
                original,
                timestamp,
                record.get("mimetype") or None,
                int(status) if re.fullmatch(r"\d{3}", status, re.ASCII) else None,
                record.get("digest") or None,
            )
        ] = None
    return tuple(rows)


def _json_table(capture: Capture) -> list[dict[str, str]]:
    lines = capture.json()
    if not isinstance(lines, list) or not all(isinstance(line, list) for line in lines):
        raise ParseError(f"{capture.url}: JSON, but not a list of rows")
    if not lines:
        return []
    header, *body = ([str(cell) for cell in line] for line in lines)
    if not {"timestamp", "original"} <= set(header):
        raise ParseError(f"{capture.url}: the header row {header!r:.200} lacks timestamp or original")
    # An empty row ends the captures: what follows is a resume key.
    end = next((number for number, cells in enumerate(body) if not cells), len(body))
    if any(len(cells) != len(header) for cells in body[:end]):
        raise ParseError(f"{capture.url}: a row has not the {len(header)} fields of its header")
    return [dict(zip(header, cells, strict=True)) for cells in body[:end]]


def _text_table(capture: Capture, text: str) -> list[dict[str, str]]:
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(capture.url).query)).get("fl")
    header = tuple(asked.split(",")) if asked else ALL_FIELDS
    table = []
    for line in text.splitlines():
        if not line.strip():
            break
        cells = line.split(" ")
        if len(cells) != len(header):
            raise ParseError(f"{capture.url}: a line of {len(cells)} fields where {len(header)} were expected")
        table.append(dict(zip(header, cells, strict=True)))
    return table


# --- replay ---------------------------------------------------------------------------------------------------------


def replay_url(timestamp: str, url: str, modifier: str = "id_") -> str:
    """Where a capture is replayed: `id_` gives the bytes as they were archived, `im_` an image."""
    return f"https://{HOST}/web/{timestamp}{modifier}/{url}"


def replay(row: CdxRow) -> Request:
    """Ask for one capture's own bytes. Redirects are not followed: an archived redirect is the answer, and the
    archive's own (to another time) has to be told apart from it (`onward`)."""
    return Request(replay_url(row.timestamp, row.original), follow=0)


def unwrap(url: str) -> str:
    """The archived URL inside a replay URL; any other URL as it is."""
    for _ in range(3):
        inside = _REPLAY.match(url)
        if not inside:
            break
        url = inside[3]
    return url


def is_replay(capture: Capture) -> bool:
    return bool(_REPLAY.match(capture.url))


def memento_at(capture: Capture) -> dt.datetime | None:
    """When the archive saw these bytes (RFC 7089 Memento-Datetime); None where this is no memento."""
    text = capture.header("memento-datetime")
    if not text:
        return None
    try:
        at = email.utils.parsedate_to_datetime(text)
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def onward(capture: Capture) -> str | None:
    """Where the archive itself sends us for the nearest capture; None for a memento, even an archived redirect."""
    if capture.status not in _REDIRECTS or memento_at(capture):
        return None
    target = _joined(capture.url, capture.header("location"))
    return target if target and _REPLAY.match(target) else None


def location(capture: Capture) -> str | None:
    """Where an archived redirect led when it was archived, freed from the archive's rewriting."""
    if capture.status not in _REDIRECTS:
        return None
    raw = capture.header("x-archive-orig-location") or capture.header("location")
    return _joined(unwrap(capture.url), unwrap(raw)) if raw else None


def _joined(base: str, location: str | None) -> str | None:
    try:
        return urllib.parse.urljoin(base, location) if location else None
    except ValueError:  # a Location such as `http://[`
        return None


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def refusal(capture: Capture) -> Reason | None:
    """Why this answer of the archive says nothing about what it holds; None where it does say something.

    An archived 429 or 503 is replayed with its status and a Memento-Datetime; without one the status is the
    archive's own. A page with status 200 and no Memento-Datetime in place of a memento is how it blocks.
    """
    error = capture.header("x-archive-wayback-runtime-error") or ""
    if "AccessControlException" in error or "Blocked Site" in error:
        return Reason.BLOCKED
    if memento_at(capture):
        return None
    status = capture.status or 0
    if status == 429:
        return Reason.RATE_LIMITED
    if status in {401, 403, 451}:
        return Reason.BLOCKED
    if status >= 500:
        return Reason.SERVER_ERROR
    if status == 200 and is_replay(capture):
        return Reason.BLOCKED
    if status in {400, 413, 414, 421}:
        return Reason.BAD_REQUEST
    return None


# --- availability and timemaps --------------------------------------------------------------------------------------


def availability_query(url: str, near: dt.datetime | None = None) -> Request:
    """Ask for the capture closest to a time. `{}` comes back transiently too, so nothing found proves nothing."""
    query = [("url", url)] + ([("timestamp", stamp(near))] if near else [])
    return Request(f"{AVAILABILITY}?{urllib.parse.urlencode(query)}")


def availability(capture: Capture) -> CdxRow | None:
    """The closest capture, or None. ParseError for an answer of another shape."""
    answer = capture.json()
    snapshots = answer.get("archived_snapshots") if isinstance(answer, dict) else None
    if snapshots is None and answer == {}:
        return None
    if not isinstance(snapshots, dict):
        raise ParseError(f"{capture.url}: no archived_snapshots in an availability answer")
    closest = snapshots.get("closest")
    if not isinstance(closest, dict) or not closest.get("available"):
        return None
    inside = _REPLAY.match(str(closest.get("url", "")))
    timestamp = str(closest.get("timestamp", ""))
    if not inside or not re.fullmatch(r"\d{14}", timestamp, re.ASCII):
        raise ParseError(f"{capture.url}: an availability answer without URL and timestamp")
    moment(timestamp)
    status = str(closest.get("status", ""))
    return CdxRow(inside[3], timestamp, None, int(status) if re.fullmatch(r"\d{3}", status, re.ASCII) else None)


def timemap_query(url: str) -> Request:
    return Request(f"https://{HOST}/web/timemap/link/{url}")


@dataclass(frozen=True, slots=True)
class MementoLink:
    """One link of a Link header or timemap; `at` is its datetime."""

    url: str
    rels: tuple[str, ...]
    at: dt.datetime | None = None

    @property
    def is_memento(self) -> bool:
        return "memento" in self.rels


def links(text: str) -> tuple[MementoLink, ...]:
    """The links of an application/link-format body or a Link header (RFC 6690, RFC 8288), in order."""
    found = []
    for url, rest in _LINK.findall(text):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        at = None
        if parameters.get("datetime"):
            try:
                at = email.utils.parsedate_to_datetime(parameters["datetime"]).astimezone(dt.UTC)
            except (ValueError, TypeError, IndexError, OverflowError):
                at = None
        found.append(MementoLink(url, tuple(parameters.get("rel", "").lower().split()), at))
    return tuple(found)


def timemap(capture: Capture) -> tuple[CdxRow, ...]:
    """The mementos a timemap lists, oldest first as served. ParseError where the body is no link format."""
    found = links(capture.text)
    if not found:
        raise ParseError(f"{capture.url}: no links in a timemap")
    rows = []
    for link in found:
        inside = _REPLAY.match(link.url)
        if link.is_memento and inside:
            timestamp = inside[1] if len(inside[1]) == 14 else stamp(link.at) if link.at else None
            if timestamp:
                rows.append(CdxRow(inside[3], timestamp))
    return tuple(dict.fromkeys(rows))


def nearest(rows: Iterable[CdxRow], at: dt.datetime | None) -> list[CdxRow]:
    """Rows with the one closest to a time first; oldest first where no time is known. Equal digests once."""
    once: dict[str, CdxRow] = {}
    ordered = sorted(rows, key=lambda row: (abs(row.at - at) if at else dt.timedelta(), row.timestamp))
    for row in ordered:
        once.setdefault(row.digest or row.timestamp + row.original, row)
    return list(once.values())
