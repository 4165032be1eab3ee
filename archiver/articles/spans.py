"""Where words that a tree shows stand in the source it was made from.

A tree gives no offsets, and its text has neither the tags nor the escapes of the source. The source before an
attribution is therefore read again, each of its characters with the byte it begins at, and the words are looked for in
that without their white space, which is all that reading a page as lines changes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from archiver.articles.islands import unescaped

#: How far back of an attribution its post is looked for, and the furthest.
_REACH, _FURTHEST = 1_024, 65_536
#: Steps of work that a byte read again costs.
_STEPS = 150
#: The rest of an attribution: what may stand between the post's words and the place that was found.
_BETWEEN = 140
_PARTS = re.compile(
    rb"<!--.*?-->|<(script|style|template)\b.*?</\1\s*>|<[a-zA-Z/!?][^<>]*>|&[#\w]{1,32};?|\s+|[^<&\s]+|.",
    re.DOTALL | re.IGNORECASE,
)
_WHITE = re.compile(r"\s+")


def words_before(
    page: bytes, candidates: tuple[str, ...], stop: int, spend: Callable[[int], None]
) -> tuple[tuple[int, int] | None, ...]:
    """The bytes of *page* (UTF-8) in which each of *candidates* stands last before *stop*, tags and all; None where it
    does not. They end in the same words. *spend* is told the steps of work."""
    sought = [_WHITE.sub("", words) for words in candidates]
    if not any(sought):
        return (None,) * len(sought)
    reach = _REACH + 2 * max(map(len, sought))
    while True:
        low = max(0, stop - reach)
        spend(_STEPS * (stop - low))
        shown, starts, ends = _shown(page, low, stop)
        found: list[tuple[int, int] | None] = []
        for words in sought:
            at = shown.rfind(words) if words else -1
            last = at + len(words)
            found.append((starts[at], ends[last - 1]) if at >= 0 and len(shown) - last <= _BETWEEN else None)
        if found[0] or not low or reach >= _FURTHEST:
            return tuple(found)
        reach *= 4


_PIECES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|"
    rb"[^\\]+",
    re.DOTALL,
)


def in_string(raw: bytes, text: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """The bytes of a script's string, as written, that say each text[start:end]; None where that cannot be told."""
    wanted = sorted({offset for pair in ranges for offset in pair})
    there: dict[int, int] = {}
    at, after, number = 0, 0, 0
    for piece in _PIECES.finditer(raw):
        written = piece[0]
        said = "\\" if written[:1] == b"\\" else written.decode("utf-8", "replace")
        while number < len(wanted) and wanted[number] < at + len(said):
            there[wanted[number]] = piece.start() + len(said[: wanted[number] - at].encode())
            number += 1
        at, after = at + len(said), piece.end()
    there.update(dict.fromkeys(wanted[number : number + 1], after) if wanted[number : number + 1] == [at] else {})
    found: list[tuple[int, int] | None] = []
    for start, end in ranges:
        low, high = there.get(start, -1), there.get(end, -1)
        found.append((low, high) if 0 <= low < high and unescaped(raw[low:high]) == text[start:end] else None)
    return found


def _shown(page: bytes, low: int, stop: int) -> tuple[str, list[int], list[int]]:
    """What page[low:stop] shows, without white space, and where each character of it begins and ends."""
    shown: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for part in _PARTS.finditer(page, low, stop):
        written = part[0]
        if written[:1] == b"<" and len(written) > 1:
            continue
        at, text = part.start(), written.decode("utf-8", "replace")
        if text.isspace():
            continue
        if written[:1] != b"&" and text.isascii():
            shown.append(text)
            starts += range(at, at + len(text))
            ends += range(at + 1, at + 1 + len(text))
            continue
        if written[:1] == b"&":
            meant = _WHITE.sub("", html.unescape(text))
            shown.append(meant)
            starts += [part.start()] * len(meant)
            ends += [part.end()] * len(meant)
            continue
        for character in text:
            after = at + len(character.encode("utf-8", "replace"))
            if not character.isspace():
                shown.append(character)
                starts.append(at)
                ends.append(after)
            at = after
    return "".join(shown), starts, ends
