"""Pages made to stall a tree builder, refused by name before one is built.

Building a tree takes time with the square of the open elements (20,000 nested `div` take 0.4 s, 200,000 over 20 s), of
the formatting elements left open, and of one tag's attributes. Each is bounded here in one pass over the tags, and only
where a cheap count says that the bound could be reached at all.
"""

from __future__ import annotations

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
_LONG = re.compile(rb"<[a-zA-Z][^<>]{20000,}")


def _is_raw(tag: bytes) -> bool:
    return tag[:7].lower().startswith((b"<script", b"<style")) or (b">" not in tag and tag[:9].lower() == b"<textarea")


def guard(page: bytes, formatting: int, has_long_tag: bool, location: str) -> None:
    """Raise InputError ("too deep", "too large") for a page that a tree builder would stall on.

    *formatting* is how many formatting elements with attributes the page has, *has_long_tag* whether any tag is longer
    than 20,000 bytes; both as the screen counted them.
    """
    if has_long_tag:
        for found in _LONG.finditer(page):
            if _is_raw(found[0]):
                continue
            if len(_QUOTED.sub(b"", found[0]).split()) > MAX_ATTRIBUTES:
                raise InputError(f"{location}: too large: one tag has more than {MAX_ATTRIBUTES} attributes")
    if formatting <= MAX_OPEN_FORMATTING and page.count(b"<") <= MAX_DEPTH:
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
