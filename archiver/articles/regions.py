"""Raw text in a page: scripts, styles, templates and comments, in which what looks like a tag is none.

A tree does not tell where in the bytes they stand, and most of a page's references stand in them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archiver.articles import screen

TAG = re.compile(rb"""<[a-zA-Z][^\s/>]*(?>[^>"']+|"[^"]*"|'[^']*')*>""")
_NAMES = tuple(name.decode("ascii") for name in screen.RAW)
_TEMPLATE = 2 * screen.RAW.index(b"template")
# In SVG, which closes such elements itself.
_SVG_CLOSES = frozenset(2 * screen.RAW.index(name) for name in (b"title", b"style", b"script"))


class Region(NamedTuple):
    """One piece of raw text: byte offsets of its start tag, and of where its content starts and stops. `name` is that
    of the element, or `!--`. `is_text` where a parser makes no elements of it: it does of a template's content, and of
    any within SVG or MathML."""

    tag: int
    name: str
    start: int
    stop: int
    is_text: bool


def regions(page: bytes, cut: int) -> tuple[list[Region], int]:
    """Every region that starts in page[:cut], in order, and how many formatting elements with attributes stand between
    them. *cut* follows a `>`, or is the end."""
    found: list[Region] = []
    is_open, tag, start, depth, formatting, foreign = -1, 0, 0, 0, 0, 0
    begin, stop, reach = 0, cut, 1 << 14
    while True:
        for number, to in screen.structure()(page[begin:stop]):
            end = begin + to
            if is_open >= 0:
                if number == is_open + 1:
                    if depth:
                        depth -= 1
                        continue
                    if number == screen.COMMENT_END:
                        found.append(Region(tag, "!--", start, end - 3, True))
                    else:
                        name = _NAMES[is_open >> 1]
                        found.append(
                            Region(tag, name, start, end - len(name) - 2, not foreign and is_open != _TEMPLATE)
                        )
                    is_open = -1
                    if begin:
                        break
                elif number == is_open == _TEMPLATE:
                    depth += 1
            elif number > screen.COMMENT_END:
                if number > screen.FOREIGN_END:
                    formatting += 1
                else:
                    foreign = max(0, foreign + 1 if number == screen.FOREIGN else foreign - 1)
            elif not number & 1:
                is_open, depth = number, 0
                if number == screen.COMMENT:
                    tag, start = end - 4, end
                    continue
                tag = end - len(_NAMES[number >> 1]) - 1
                whole = TAG.match(page, tag)
                start = whole.end() if whole else page.find(b">", end) + 1 or len(page)
                if number in _SVG_CLOSES and whole and page[start - 2] == 47:
                    is_open = -1
        if is_open < 0 or stop == len(page):
            break
        # What is open at the cut is read to its end.
        begin, stop, reach = stop, page.find(b">", stop + reach) + 1 or len(page), reach * 4
    if is_open >= 0 and is_open != screen.COMMENT:
        found.append(Region(tag, _NAMES[is_open >> 1], start, len(page), not foreign and is_open != _TEMPLATE))
    return found, formatting
