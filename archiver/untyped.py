"""Reading JSON that others wrote: every function takes any value and gives one of the type it names, or nothing."""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

_MAX_INT = 2**53 - 1  # canonical JSON (RFC 8785) holds no larger integer


def mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """An array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def string(value: Any) -> str | None:
    """A text that UTF-8 can hold, lone surrogates replaced; None for an empty one."""
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(value: Any) -> int | None:
    """A whole number, also if served as text or as a float without a fraction."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,16}", value, re.ASCII):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INT else None


def size(value: Any) -> int | None:
    """A number of pixels."""
    pixels = number(value)
    return pixels if pixels is not None and 0 < pixels < 1_000_000 else None


def moment(value: Any) -> dt.datetime | None:
    """An ISO 8601 time in UTC; one without a zone is taken for UTC."""
    text = string(value)
    try:
        at = dt.datetime.fromisoformat(text) if text else None
        return at and (at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError):
        return None


def web_url(value: Any) -> str | None:
    """An absolute http(s) URL that names a host."""
    text = string(value)
    try:
        parts = urllib.parse.urlsplit(text or "")
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text or "")
    except ValueError:
        return None
    return text if is_whole else None


def plain(value: Any, depth: int = 12) -> Any:
    """The value as JSON that canonicalises the same everywhere: floats and large integers become strings."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INT else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return string(value) or ""
    if depth <= 0:
        return None
    if isinstance(value, dict):
        return {string(str(key)) or "": plain(part, depth - 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, depth - 1) for part in value]
    return None


def pairs(**values: Any) -> tuple[tuple[str, Any], ...]:
    """Those that say something, as `Post.extra` keeps them. False says something."""
    return tuple((key, plain(value)) for key, value in values.items() if value not in (None, "", [], {}, ()))


def counts(**values: Any) -> tuple[tuple[str, int], ...]:
    """Those that are whole numbers, as `Post.counts` keeps them."""
    read = ((key, number(value)) for key, value in values.items())
    return tuple((key, count) for key, count in read if count is not None and count >= 0)
