"""The short codes of X: pic.twitter.com/CODE is t.co/CODE, and t.co answers as a redirect, as a page, or not at all.

Requests carry no browser's name: t.co answers a browser with a page and others with a redirect, and both are read.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Generator
from dataclasses import dataclass

from archiver import memento
from archiver.answers import ask, indexed, replayed
from archiver.model import Capture, Finding, Reason, Request
from archiver.platforms.twitter.answers import refusal
from archiver.platforms.twitter.climb import Climb

_LEADING = frozenset({200, 301, 302, 303, 307, 308})
_SHORT_URL = re.compile(
    r"^(?:https?:)?(?://)?(?:www\.)?(t\.co|pic\.twitter\.com|pic\.x\.com)/(\w{1,40})/?(?:[?#].*)?$",
    re.ASCII | re.IGNORECASE,
)
_UNSAFE = re.compile(r"^https?://(?:twitter|x)\.com/safety/unsafe_link_warning\?", re.IGNORECASE)
_META = re.compile(r"<meta\b[^>]*http-equiv=[\"']?refresh[\"']?[^>]*content=(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_REPLACE = re.compile(r"location\.replace\(\s*(\"(?:[^\"\\]|\\.)*\")\s*\)")


def short_code(url: str) -> tuple[str, bool] | None:
    """The code of a t.co or pic.twitter.com URL, in exact case, and whether it was shown as a pic."""
    found = _SHORT_URL.match(url)
    return (found[2], found[1].lower() != "t.co") if found else None


def code_request(code: str) -> Request:
    """Ask X where a code leads. pic.twitter.com/X is t.co/X; the redirect itself is the answer."""
    return Request(f"https://t.co/{code}", follow=0)


def target(capture: Capture) -> str | None:
    """Where t.co's answer leads, from a redirect or from the page browsers get, past the warning page; None where it
    leads nowhere."""
    if capture.status in {301, 302, 303, 307, 308}:
        return _safe(memento.location(capture))
    if capture.status != 200 or capture.payload.size > 256 * 1024:
        return None
    page = capture.text
    replaced = _REPLACE.search(page)
    if replaced:
        try:
            return _safe(json.loads(replaced[1]))
        except ValueError:
            pass
    meta = _META.search(page)
    if meta:
        url = re.match(r"\s*\d*\s*;\s*url\s*=\s*['\"]?(.*?)['\"]?\s*$", html.unescape(meta[1][1:-1]), re.I | re.S)
        return _safe(url[1]) if url else None
    return None


def _safe(url: str | None) -> str | None:
    if not url or not re.match(r"https?://[^\s/]", url):
        return None
    if _UNSAFE.match(url):
        # The warned-of URL stands in the query, escaped or (as older ones were written) bare.
        query = url.partition("unsafe_link=")[2]
        inner = urllib.parse.unquote(query.partition("&")[0]) if "%3A" in query[:12].upper() else query
        return inner if re.match(r"https?://[^\s/]", inner) else None
    return url


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a code leads, and which answer says so."""

    url: str
    capture: Capture
    rung: str


def lead_of(climb: Climb, code: str) -> Generator[Request, Capture, Lead | None]:
    """Follow a code, live and then as archived."""
    name = f"t.co/{code}"
    following = code
    for _ in range(3):  # a code may lead to another code
        answer = yield from ask(code_request(following))
        if isinstance(answer, Finding):
            climb.missed("t.co", name, answer.reason)
            break
        refused = refusal(answer)
        if refused and refused is not Reason.UNKNOWN:
            climb.missed("t.co", name, refused, answer)
            if refused is Reason.RATE_LIMITED:
                return None  # a later try is cheaper than the archive
            break
        there = target(answer)
        if there is None:
            climb.missed("t.co", f"{name} leads nowhere (status {answer.status})", Reason.LINK_DEAD, answer)
            break
        again = short_code(there)
        if again is None:
            return Lead(there, answer, "t.co")
        following = again[0]
    return (yield from _archived_lead(climb, code))


def _archived_lead(climb: Climb, code: str) -> Generator[Request, Capture, Lead | None]:
    """Where a code led when an archive saw it.

    The index knows no case, so other codes stand among the rows; and redirects have no body, so that their digests
    are all alike and must not be collapsed.
    """
    rung, name = "archived-t.co", f"t.co/{code}"
    rows = yield from indexed(memento.cdx_query(name, collapse=None, limit=200))
    if isinstance(rows, Finding):
        climb.missed(rung, f"{name} in the archive's index", rows.reason)
        return None
    own = [row for row in rows if short_code(row.original) == (code, False) and row.status in _LEADING]
    if not own:
        climb.note(rung, f"{name} is not archived")
        return None
    for row in sorted(own, key=lambda row: (row.status == 200, row.timestamp))[:2]:
        answer = yield from replayed(row)
        if isinstance(answer, Finding):
            climb.missed(rung, f"{name} as of {row.timestamp}", answer.reason)
            continue
        there = target(answer)
        if there and short_code(there) is None:
            return Lead(there, answer, rung)
    return None
