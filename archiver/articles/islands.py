"""Strings in scripts: the page's own data, where modern sites keep the embeds that they draw later.

A script is not parsed. The string round each match is cut out and unescaped, which works alike for JSON, for JavaScript
and for JSON inside a JavaScript string.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.articles import screen
from archiver.platforms import platforms

#: A string longer than this is not cut out; nobody embeds that much in one.
MAX_STRING = 4 * 1024 * 1024

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
# A member's name and what stands between it and its value, read from the value backwards: forwards, every start would
# be tried.
_YEK = re.compile(rb"""\\*\s*[:=]\s*["']?\\*[\w$"'\\-]{1,80}""")
# What a member, or the type of the object it belongs to, is called where it holds an embed.
_EMBED_WORD = re.compile(
    r"embed|tweet|twitter|instagram|youtube|tiktok|facebook|bluesky|mastodon|telegram|threads|reddit|social|iframe|externalcontent",
    re.IGNORECASE,
)
_TYPE = re.compile(
    r"""\\*["'](?:@?type|__typename|_type|role|kind|provider(?:_?name)?|component|blockType|name|subtype)\\*["']\s*:\s*\\*["']([^"'\\]{1,80})""",
    re.IGNORECASE,
)


# What can stand on either side of a string in a script, and hardly does round a quote inside one.
_BEFORE_STRING = frozenset(bytes([byte]) for byte in b" \t\r\n:=([{,?+|&!>;")
_AFTER_STRING = frozenset((*(bytes([byte]) for byte in b" \t\r\n:)]},;+|&.<>?"), b""))


@dataclass(frozen=True, slots=True)
class Island:
    """One string of a script: `raw` as written from byte `start`, `text` unescaped; `call` a post that a widget's
    constructor names instead."""

    script: bytes
    start: int
    raw: bytes
    text: str
    call: tuple[str, str] | None = None

    @property
    def is_embed(self) -> bool:
        """Whether its name or its object's type says that it shows a post."""
        return _is_embed(self.script, self.start, self.start + len(self.raw))


def literals(script: bytes, positions: list[int]) -> Iterator[Island]:
    """The strings of *script* that hold any of *positions*, each once, and the widget calls."""
    done = -1
    seen_calls: set[tuple[str, str]] = set()
    for position in positions:
        low, high = max(0, position - 64), position + 128
        near = script[low:high].lower()
        for platform, pattern, sign in _calls():
            if sign not in near or (found := pattern.search(script, low, high)) is None:
                continue
            call = (platform, "/".join(part.decode() for part in found.groups() if part))
            if call not in seen_calls:
                seen_calls.add(call)
                yield Island(script, found.start(), found[0], "", call)
    quotes = tuple(_Quotes(script, quote) for quote in _QUOTES)
    for position in positions:
        if position <= done:
            continue
        bounds = _bounds(script, position, quotes)
        if bounds is None:
            continue
        start, end = bounds
        done = end
        raw = script[start:end]
        yield Island(script, start, raw, unescaped(raw))


@functools.cache
def _calls() -> tuple[tuple[str, re.Pattern[bytes], bytes], ...]:
    """Of each call: its platform, its expression, and in lower case what of it is looked for first."""
    return tuple(
        (platform.name, re.compile(call.encode(), re.IGNORECASE), screen.literal(call).lower().encode())
        for platform in platforms().values()
        for call in platform.markup.calls
    )


class _Quotes:
    """Where the unescaped quotes of one kind stand round positions in a script that are asked for in rising order: what
    was searched for the last one is not searched again."""

    __slots__ = ("_after", "_before", "_from", "quote", "script")

    def __init__(self, script: bytes, quote: bytes) -> None:
        self.script, self.quote = script, quote
        self._from, self._before, self._after = 0, -1, -1

    def round(self, position: int) -> tuple[int, int] | None:
        """The quotes before and after *position*; None where one is missing, or is further than MAX_STRING."""
        before = _unescaped_quote_before(self.script, max(self._from, position - MAX_STRING), position, self.quote)
        self._before, self._from = self._before if before is None else before, position
        if self._after < position:
            found = _unescaped_quote_after(self.script, position, self.quote)
            self._after = len(self.script) if found is None else found
        if (
            self._before < position - MAX_STRING
            or self._before < 0
            or self._after >= min(len(self.script), position + MAX_STRING)
        ):
            return None
        return self._before, self._after


def _bounds(script: bytes, position: int, quotes: tuple[_Quotes, ...]) -> tuple[int, int] | None:
    """Where the string literal round *position* starts and ends, without its quotes.

    Of the three kinds of quotes the widest pair that stands where a string can is taken: the other two are then part of
    the string.
    """
    best: tuple[int, int] | None = None
    for kind in quotes:
        if (pair := kind.round(position)) is None:
            continue
        start, end = pair
        if start and script[start - 1 : start] not in _BEFORE_STRING:
            continue
        if end - start > MAX_STRING or script[end + 1 : end + 2] not in _AFTER_STRING:
            continue
        if (
            kind.quote != b"`"
            and script.find(b"\n", start, end) >= 0
            and b"\n" in script[start:end].replace(b"\\\n", b"")
        ):
            continue
        if best is None or end - start > best[1] - best[0]:
            best = start + 1, end
    return best


# Quotes behind no backslash, behind two (an escaped backslash), or behind four and more, to be counted. What is written
# with one backslash, nearly all quotes in an escaped string, or with three, twice escaped, costs no step of ours.
_QUOTES = {
    quote: re.compile(rb"%b(?:(?<!\\%b)|(?<=[^\\]\\\\%b)|(?<=\A\\\\%b)|(?<=\\\\\\\\%b))" % ((quote,) * 5), re.DOTALL)
    for quote in (b'"', b"'", b"`")
}


def _unescaped_quote_before(script: bytes, low: int, position: int, quote: bytes) -> int | None:
    high, reach = position, 256
    while (at := script.rfind(quote, low, high)) >= 0:
        if not at or script[at - 1] != 0x5C or not _is_escaped(script, at):
            return at
        high, last = max(low, at - reach), -1
        for found in _QUOTES[quote].finditer(script, high, at):
            each = found.start()
            if not each or script[each - 1] != 0x5C or not _is_escaped(script, each):
                last = each
        if last >= 0:
            return last
        reach *= 4
    return None


def _unescaped_quote_after(script: bytes, position: int, quote: bytes) -> int | None:
    for found in _QUOTES[quote].finditer(script, position):
        at = found.start()
        if script[at - 1] != 0x5C or not _is_escaped(script, at):
            return at
    return None


def _is_escaped(script: bytes, at: int) -> bool:
    slashes = 0
    while at - 1 - slashes >= 0 and script[at - 1 - slashes] == 0x5C:
        slashes += 1
    return slashes % 2 == 1


def unescaped(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    import orjson

    try:
        return str(orjson.loads(b'"%b"' % raw))
    except ValueError:  # it is stricter than scripts are
        text = raw.decode("utf-8", "replace")
    try:
        return _whole(str(json.loads(f'"{text}"', strict=False)))
    except ValueError:
        return _whole(_ESCAPE.sub(_character, text))


def _whole(text: str) -> str:
    """*text* with halves of characters joined, and those without another half as U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _PLAIN.get(found[4], found[4])
    number = int(code, 16)
    return chr(number) if number < 0x110000 else "\ufffd"


def _is_embed(script: bytes, start: int, end: int) -> bool:
    """Whether the string is a member that holds an embed: by the member's name, or by the type of its object."""
    before = script[max(0, start - 600) : start - 1]
    if _is_embed_word(_key(before)):
        return True
    opened = max(before.rfind(b"{"), 0)
    after = script[end : end + 600]
    # A member of a member that is called after the network: `"twitter": {"src": …}`.
    if _is_embed_word(_key(before[:opened].rstrip())):
        return True
    closed = after.find(b"}")
    around = before[opened:] + after[: closed if closed >= 0 else None]
    return any(_EMBED_WORD.search(found[1]) for found in _TYPE.finditer(around.decode("utf-8", "replace")))


def _key(before: bytes) -> str:
    """The name of the member whose value starts at the end of *before*; empty if none does."""
    found = _YEK.match(before[:-101:-1])
    return found[0][::-1].decode("ascii", "replace") if found else ""


def _is_embed_word(name: str) -> bool:
    return bool(name) and _EMBED_WORD.search(name) is not None
