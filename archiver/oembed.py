"""An oEmbed provider's answer (oembed.com, version 1.0): what is asked, and what it says, or says instead."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

from archiver import answers
from archiver.errors import ParseError
from archiver.model import Capture, Finding, Reason, Request

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a provider says about one URL; empty strings are None. Sizes in pixels, None where they are none ("100%").
    `members` is the whole answer, for what only one provider has."""

    type: str | None
    title: str | None
    author_name: str | None
    author_url: str | None
    html: str | None
    thumbnail_url: str | None
    thumbnail_width: int | None
    thumbnail_height: int | None
    members: dict[str, Any]


def request(endpoint: str, url: str, *options: tuple[str, str]) -> Request:
    """Ask *endpoint* about *url*, in JSON."""
    return Request(f"{endpoint}?{urllib.parse.urlencode((('url', url), *options))}")


def read(capture: Capture) -> Embedding | Finding:
    """The answer, or what it says instead: its status, a login or consent page, an empty object. ParseError for
    anything that is none of these."""
    finding = answers.refused(capture, answers.words_of(capture))
    if finding:
        return finding
    value = answers.payload(capture)
    if isinstance(value, Finding):
        return value
    if not isinstance(value, dict):
        raise ParseError(f"{capture.url}: JSON, but no object")
    if not any(value.get(name) for name in ("html", "title", "author_name", "thumbnail_url")):
        return answers.absent(Reason.UNKNOWN, answers.words_of(capture))
    return Embedding(
        type=text(value.get("type")),
        title=text(value.get("title")),
        author_name=text(value.get("author_name")),
        author_url=text(value.get("author_url")),
        html=text(value.get("html")),
        thumbnail_url=web_url(value.get("thumbnail_url")),
        thumbnail_width=pixels(value.get("thumbnail_width")),
        thumbnail_height=pixels(value.get("thumbnail_height")),
        members=value,
    )


#: The Graph API's error codes that speak of our asking: limits, and want of a token or permission.
_GRAPH = {4: Reason.RATE_LIMITED, 17: Reason.RATE_LIMITED, 32: Reason.RATE_LIMITED, 613: Reason.RATE_LIMITED}
_GRAPH |= {10: Reason.LOGIN_WALL, 190: Reason.LOGIN_WALL, 200: Reason.LOGIN_WALL}


def graph(capture: Capture) -> Embedding | Finding:
    """The answer of one of Meta's endpoints, whose errors carry a code; one that is not known decides nothing."""
    shown = read(capture)
    if isinstance(shown, Finding) and capture.status != 200:
        try:
            error = capture.json().get("error")
            reason = _GRAPH.get(error["code"])
        except (ParseError, AttributeError, KeyError, TypeError):
            return shown
        return answers.absent(reason, shown.tombstone) if reason else shown
    return shown


def text(value: Any) -> str | None:
    """A string that says something and can be stored: lone surrogates become U+FFFD."""
    if not isinstance(value, str) or not value.strip():
        return None
    return _SURROGATE.sub("\ufffd", value)


def pixels(value: Any) -> int | None:
    """A size, however it is written; None for percentages and nonsense."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < 1_000_000 else None


def web_url(value: Any) -> str | None:
    """An absolute http(s) URL that can be fetched; `//host/…` means https."""
    url = text(value)
    if url is None:
        return None
    url = f"https:{url.strip()}" if url.strip().startswith("//") else url.strip()
    try:
        parts = urllib.parse.urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in url
    except ValueError:
        return None
    return url if is_whole else None
