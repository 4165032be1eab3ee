"""Pages made to stall a tree builder, refused by name before one is built.

Building a tree takes time with the square of the open elements (20,000 nested `div` take 0.4 s, 200,000 over 20 s), of
the formatting elements left open, and of one tag's attributes. Each is bounded here in one pass over the tags, and only
where a cheap count says that the bound could be reached at all.
"""

from __future__ import annotations

import re

from archiver.articles.budget import Budget
from archiver.articles.regions import TAG, Region
from archiver.errors import InputError

MAX_DEPTH = 8_000
#: No article has so many tags (of 523 real pages, the most have 18,736).
MAX_TAGS = 250_000
MAX_OPEN_FORMATTING = 300
MAX_ATTRIBUTES = 5000

_TAGS = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that never hold others, or that the next of their kind closes.
_FLAT = frozenset(
    # reads better as words
    b"area base br col embed hr img input link meta param source track wbr p li dt dd option tr td th thead tbody "
    b"tfoot optgroup rp rt a nobr path circle rect use line polygon polyline ellipse stop".split()
)
_FORMATTING = re.compile(rb"<(/?)(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)(?![a-zA-Z0-9-])", re.IGNORECASE)
_QUOTED = re.compile(rb"""=\s*(?:"[^"]*"?|'[^']*'?)""")
_SAMPLE = 2_000
#: Steps that one attribute costs, and costs for each one before it in its tag.
_PER_ATTRIBUTE, _PER_PAIR = 100, 3
#: Pages with less markup cannot hold enough tags of many attributes to matter; short tags cannot hold many.
_MANY, _LONG = 500_000, 120


def refuse_tags(page: bytes, stop: int, location: str) -> None:
    """Raise InputError ("too large") where page[:stop] has more tags than any article."""
    if stop > len(b"<b>") * MAX_TAGS and page.count(b"<", 0, stop) > MAX_TAGS:
        raise InputError(f"{location}: too large: it has more than {MAX_TAGS} tags")


def guard(page: bytes, stop: int, formatting: int, raw: list[Region], budget: Budget) -> None:
    """Raise InputError ("too deep", "too large") where a tree builder would stall on page[:stop].

    *formatting* is how many formatting elements with attributes the page has, as the screen counted them; *raw* is its
    raw text.
    """
    location = budget.location
    pieces = _markup(raw, stop)
    for start, end in pieces:
        if end - start > _SAMPLE:
            _refuse_long_tags(page, start, end, budget)
    markup = sum(end - start for start, end in pieces)
    if markup > _MANY:
        for start, end in pieces:
            for tag in TAG.finditer(page, start, end):
                if tag.end() - tag.start() > _LONG:
                    attributes = _attributes(tag[0])
                    budget.spend(attributes * (_PER_ATTRIBUTE + _PER_PAIR * attributes))
    if markup > len(b"<b>") * MAX_DEPTH:
        tags = sum(page.count(b"<", start, end) for start, end in pieces)
        if (
            tags > MAX_DEPTH
            and tags - sum(page.count(b"</", start, end) for start, end in pieces) > MAX_DEPTH
            and (deepest := _depth(b"".join(page[start:end] for start, end in pieces))) > MAX_DEPTH
        ):
            raise InputError(
                f"{location}: too deep: elements are nested {deepest} deep, and pages are read up to {MAX_DEPTH}"
            )
    if formatting > MAX_OPEN_FORMATTING and (most := _open_formatting(page[:stop])) > MAX_OPEN_FORMATTING:
        raise InputError(
            f"{location}: too deep: {most} formatting elements are left open, and pages are read up to "
            f"{MAX_OPEN_FORMATTING}"
        )


def _markup(raw: list[Region], stop: int) -> list[tuple[int, int]]:
    """Where what a parser makes elements of starts and ends in the first *stop* bytes."""
    pieces, start = [], 0
    for region in raw:
        if region.is_text:
            if region.start >= stop:
                break
            if region.start > start:
                pieces.append((start, region.start))
            start = region.stop
    if start < stop:
        pieces.append((start, stop))
    return pieces


def _refuse_long_tags(page: bytes, at: int, stop: int, budget: Budget) -> None:
    # A tag of twice this length holds one of the sampled places with no `>` behind it.
    while at + _SAMPLE < stop:
        if page.find(b">", at, at + _SAMPLE) >= 0:
            at += _SAMPLE
            continue
        end = page.find(b">", at, stop)
        end = end if end >= 0 else stop
        start = page.find(b"<", page.rfind(b">", 0, at) + 1, end)
        attributes = _attributes(page[start:end]) if start >= 0 else 0
        if attributes > MAX_ATTRIBUTES:
            raise InputError(f"{budget.location}: too large: one tag has more than {MAX_ATTRIBUTES} attributes")
        budget.spend(_PER_PAIR * attributes * attributes)
        at = max(end, at + _SAMPLE)


def _attributes(tag: bytes) -> int:
    return len(_QUOTED.sub(b"", tag).split(None, MAX_ATTRIBUTES + 1))


def _depth(page: bytes) -> int:
    depth = deepest = 0
    for is_end, name in _TAGS.findall(page):
        if name.lower() not in _FLAT:
            depth = max(0, depth - 1) if is_end else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _open_formatting(page: bytes) -> int:
    opened = most = 0
    for is_end in _FORMATTING.findall(page):
        if not is_end:
            opened += 1
        else:
            most = max(most, opened)
            opened = max(0, opened - 1)
    return max(most, opened)
