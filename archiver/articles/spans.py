"""Where words that a tree shows stand in the source it was made from.

A tree gives no offsets, and its text has neither the tags nor the escapes of the source. The source before an
attribution is therefore read again, each of its characters with the byte it begins at, and the words are looked for in
that without their white space, which is all that reading a page as lines changes.
"""

from __future__ import annotations

import html
import re

from archiver.articles.islands import unescaped

#: How far back of an attribution its post is looked for, and the furthest.
_REACH, _FURTHEST = 4_096, 65_536
#: The rest of an attribution: what may stand between the post's words and the place that was found.
_BETWEEN = 140
_PARTS = re.compile(
    rb"<!--.*?-->|<(script|style|template)\b.*?</\1\s*>|<[a-zA-Z/!?][^<>]*>|&[#\w]{1,32};?|\s+|[^<&\s]+|.",
    re.DOTALL | re.IGNORECASE,
)
_WHITE = re.compile(r"\s+")


def words_before(page: bytes, words: str, stop: int) -> tuple[int, int] | None:
    """The bytes of *page* (UTF-8) in which *words* stand last before *stop*, tags and all; None where they do not."""
    sought = _WHITE.sub("", words)
    if not sought:
        return None
    reach = _REACH + 2 * len(sought)
    while True:
        low = max(0, stop - reach)
        shown, starts, ends = _shown(page, low, stop)
        at = shown.rfind(sought)
        if at >= 0:
            last = at + len(sought)
            return (starts[at], ends[last - 1]) if len(shown) - last <= _BETWEEN else None
        if not low or reach >= _FURTHEST:
            return None
        reach *= 4


_PIECES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|"
    rb"[^\\]+",
    re.DOTALL,
)


def in_string(raw: bytes, text: str, start: int, end: int) -> tuple[int, int] | None:
    """The bytes of a script's string, as written, that say text[start:end]; None where that cannot be told."""
    at, bounds = 0, [-1, -1]
    for piece in _PIECES.finditer(raw):
        is_escape = piece[0][:1] == b"\\"
        length = 1 if is_escape else len(piece[0].decode("utf-8", "replace"))
        for which, sought in enumerate((start, end)):
            if at <= sought < at + length or (which and sought == at + length):
                within = piece[0].decode("utf-8", "replace")[: sought - at]
                bounds[which] = piece.start() + (
                    (len(piece[0]) if sought > at else 0) if is_escape else len(within.encode())
                )
        at += length
        if at > end:
            break
    low, high = bounds
    return (low, high) if 0 <= low < high and unescaped(raw[low:high]) == text[start:end] else None


def _shown(page: bytes, low: int, stop: int) -> tuple[str, list[int], list[int]]:
    """What page[low:stop] shows, without white space, and where each character of it begins and ends."""
    shown: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for part in _PARTS.finditer(page, low, stop):
        written = part[0]
        if written[:1] == b"<" and len(written) > 1:
            continue
        text = written.decode("utf-8", "replace")
        if written[:1] == b"&":
            meant = _WHITE.sub("", html.unescape(text))
            shown.append(meant)
            starts += [part.start()] * len(meant)
            ends += [part.end()] * len(meant)
            continue
        at = part.start()
        for character in text:
            after = at + len(character.encode("utf-8", "replace"))
            if not character.isspace():
                shown.append(character)
                starts.append(at)
                ends.append(after)
            at = after
    return "".join(shown), starts, ends
