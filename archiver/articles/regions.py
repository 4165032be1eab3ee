"""Raw text in a page: scripts, styles, templates and comments, in which what looks like a tag is none.

A tree does not tell where in the bytes they stand, and most of a page's references stand in them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archiver.articles import screen

TAG = re.compile(rb"""<[a-zA-Z][^\s/>]*(?>[^>"']+|"[^"]*"|'[^']*')*>""")
_NAMES = tuple(name.decode("ascii") for name in screen.RAW)
_SCRIPT = 2 * screen.RAW.index(b"script")
_TEMPLATE = 2 * screen.RAW.index(b"template")
_DASH = ord("-")
# In SVG, which closes such elements itself.
_SVG_CLOSES = frozenset(2 * screen.RAW.index(name) for name in (b"title", b"style", b"script"))


class Region(NamedTuple):
    """One piece of raw text: byte offsets of its start tag, and of where its content starts and stops. `name` is that
    of the element, or `!--`."""

    tag: int
    name: str
    start: int
    stop: int


def regions(page: bytes, cut: int) -> tuple[list[Region], int, list[int]]:
    """Every region that starts in page[:cut], in order; how many formatting elements with attributes seem to stand
    there, in regions or not; and where start tags of `html` and `body` seem to. *cut* follows a `>`, or is the end."""
    found: list[Region] = []
    is_open, tag, start, depth, formatting = -1, 0, 0, 0, 0
    merged: list[int] = []
    begin, stop, reach, is_escaped = 0, cut, 1 << 14, False
    while True:
        for number, to in screen.structure()(page[begin:stop]):
            end = begin + to
            if number >= screen.MERGED:
                if number == screen.MERGED:
                    merged.append(end - 6)
                else:
                    formatting += 1
            elif is_open >= 0:
                if number == is_open + 1:
                    if depth:
                        depth -= 1
                        continue
                    if number == screen.COMMENT_END:
                        length = 3 if page[end - 2] == _DASH else 4
                        if length == 4 and end - 4 < start:
                            continue  # `<!--!>`
                        found.append(Region(tag, "!--", start, max(start, end - length)))
                    else:
                        name = _NAMES[is_open >> 1]
                        found.append(Region(tag, name, start, end - len(name) - 3))
                    is_open = -1
                    if begin:
                        break
                elif number == is_open == _TEMPLATE:
                    depth += 1
                elif is_open == _SCRIPT:
                    # Within `<!--`, one `<script>` has an end tag of its own (HTML standard, "script data double
                    # escaped state").
                    if number == screen.COMMENT:
                        is_escaped = True
                    elif number == screen.COMMENT_END and page[end - 2] == _DASH:
                        is_escaped, depth = False, 0
                    elif number == _SCRIPT and is_escaped:
                        depth = 1
            elif not number & 1:
                is_open, depth, is_escaped = number, 0, False
                if number == screen.COMMENT:
                    tag, start = end - 4, end
                    continue
                tag = end - len(_NAMES[number >> 1]) - 2
                whole = TAG.match(page, tag)
                start = whole.end() if whole else page.find(b">", end - 1) + 1 or len(page)
                if number in _SVG_CLOSES and whole and page[start - 2] == 47:
                    is_open = -1
        if is_open < 0 or stop == len(page):
            break
        # What is open at the cut is read to its end.
        begin, stop, reach = stop, page.find(b">", stop + reach) + 1 or len(page), reach * 4
    if is_open >= 0 and is_open != screen.COMMENT:
        found.append(Region(tag, _NAMES[is_open >> 1], start, len(page)))
    return found, formatting, merged
