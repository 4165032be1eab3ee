"""Pages made to stall a tree builder, refused by name before one is built.

Building a tree takes time with the square of the open elements (20,000 nested `div` take 0.4 s, 200,000 over 20 s), of
the formatting elements left open, and of one tag's attributes. Each is bounded here in one pass over the tags, and only
where a cheap count says that the bound could be reached at all.
"""

from __future__ import annotations

import bisect
import re

from archiver.errors import InputError

MAX_DEPTH = 5000
MAX_OPEN_FORMATTING = 300
MAX_ATTRIBUTES = 5000

_TAGS = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that never hold others, or that the next of their kind closes.
_FLAT = frozenset(
    # reads better as words
    b"area base br col embed hr img input link meta param source track wbr p li dt dd option tr td th thead tbody "
    b"tfoot optgroup rp rt a nobr path circle rect use line polygon polyline ellipse stop".split()
)
_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
_QUOTED = re.compile(rb"""=\s*(?:"[^"]*"?|'[^']*'?)""")
_SAMPLE = 20_000


def guard(page: bytes, formatting: int, raw: list[tuple[int, int]], location: str) -> None:
    """Raise InputError ("too deep", "too large") for a page that a tree builder would stall on.

    *formatting* is how many formatting elements with attributes the page has, as the screen counted them; *raw* are the
    ranges of raw text, which holds no tags.
    """
    # A tag of twice this length holds one of the sampled places with no `>` behind it.
    at = 0
    while at + _SAMPLE < len(page):
        if page.find(b">", at, at + _SAMPLE) >= 0:
            at += _SAMPLE
            continue
        end = page.find(b">", at)
        end = end if end >= 0 else len(page)
        inside = bisect.bisect_right(raw, (at, len(page))) - 1
        if inside < 0 or at >= raw[inside][1]:
            start = page.find(b"<", page.rfind(b">", 0, at) + 1, end)
            if start >= 0 and len(_QUOTED.sub(b"", page[start:end]).split(None, MAX_ATTRIBUTES + 1)) > MAX_ATTRIBUTES:
                raise InputError(f"{location}: too large: one tag has more than {MAX_ATTRIBUTES} attributes")
        at = max(end, at + _SAMPLE)
    if formatting <= MAX_OPEN_FORMATTING:
        tags = page.count(b"<")
        if tags <= MAX_DEPTH or tags - page.count(b"</") <= MAX_DEPTH:
            return
    depth, deepest, opened, most = 0, 0, 0, 0
    for is_end, name in _TAGS.findall(page):
        name = name.lower()
        if name in _FLAT:
            continue
        step = -1 if is_end else 1
        depth = max(0, depth + step)
        deepest = max(deepest, depth)
        if name in _FORMATTING:
            opened = max(0, opened + step)
            most = max(most, opened)
    if deepest > MAX_DEPTH:
        raise InputError(
            f"{location}: too deep: elements are nested {deepest} deep, and pages are read up to {MAX_DEPTH}"
        )
    if formatting > MAX_OPEN_FORMATTING and most > MAX_OPEN_FORMATTING:
        raise InputError(
            f"{location}: too deep: {most} formatting elements are left open, and pages are read up to "
            f"{MAX_OPEN_FORMATTING}"
        )
