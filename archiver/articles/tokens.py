"""A page's tags exactly as the HTML standard's tokenizer sees them, for pages that may be made to stall a tree builder.

Slow (a microsecond a tag), so it is asked only where cheap counts do not settle it. What depends on the tree (whether
`<title>` begins raw text, which it does not within SVG) is decided by whoever walks the tags.
"""

from __future__ import annotations

import re

_ATTRIBUTE = (
    rb"[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+"
    rb"""(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?=>)|[^ \t\n\r\f>"'][^ \t\n\r\f>]*+))?+"""
)
#: One start or end tag, with its name. None that the page ends in, for that one is dropped.
WHOLE_TAG = re.compile(rb"</?+([a-zA-Z][^ \t\n\r\f/>]*+)(?:[ \t\n\r\f/]++|" + _ATTRIBUTE + rb")*+>")
_NAMES = re.compile(rb"[ \t\n\r\f/]*+(" + _ATTRIBUTE.replace(rb"=]*+", rb"=]*+)", 1))
_OPENING = re.compile(rb"<(?=[a-zA-Z/!?])")
_TAG_START = re.compile(rb"</?+[a-zA-Z]")
_COMMENT_END = re.compile(rb"--!?>")
_IN_SCRIPT = re.compile(rb"<!--(?:-*+>)?+|-->|<(/?)script(?=[ \t\n\r\f/>])", re.IGNORECASE)


def following(page: bytes, at: int) -> int:
    """Where the next tag, comment or declaration starts, or -1."""
    found = _OPENING.search(page, at)
    return found.start() if found else -1


def after_other(page: bytes, at: int) -> int:
    """Where a comment, or what is taken for one, stops that starts at a `<` before no letter: at the page's end, where
    nothing ends it."""
    if page.startswith(b"<!--", at):
        for whole in (b">", b"->"):
            if page.startswith(whole, at + 4):
                return at + 4 + len(whole)
        found = _COMMENT_END.search(page, at + 4)
        return found.end() if found else len(page)
    return page.find(b">", at) + 1 or len(page)


def is_tag(page: bytes, at: int) -> bool:
    """Whether the `<` at *at* begins a start or end tag, whole or not."""
    return _TAG_START.match(page, at) is not None


def attributes(tag: re.Match[bytes]) -> list[bytes]:
    """The names of a tag's attributes."""
    return _NAMES.findall(tag.string, tag.end(1), tag.end() - 1)


def raw_end(page: bytes, name: bytes, at: int) -> int:
    """Where the end tag stands that ends the raw text starting at *at*, or the page's length."""
    if name != b"script":
        found = _end_tag(name).search(page, at)
        return found.start() if found else len(page)
    is_escaped = is_double = False
    for found in _IN_SCRIPT.finditer(page, at):
        said = found[0]
        if said.endswith(b"->"):
            is_escaped = is_double = False
        elif said == b"<!--":
            is_escaped = True
        elif not found[1]:
            is_double = is_escaped
        elif is_double:
            is_double = False
        else:
            return found.start()
    return len(page)


_END_TAGS: dict[bytes, re.Pattern[bytes]] = {}


def _end_tag(name: bytes) -> re.Pattern[bytes]:
    if name not in _END_TAGS:
        _END_TAGS[name] = re.compile(rb"</" + name + rb"(?=[ \t\n\r\f/>])", re.IGNORECASE)
    return _END_TAGS[name]
