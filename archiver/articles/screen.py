"""What could be a reference, found at memory speed: a byte screen over the platforms' strict patterns.

A page that no pattern touches shows no post, so it needs no tree. On the others the screen says where to look, which is
also how an embed's byte offset is known: a tree has none. Loose words are useless here, for nearly every page has a
share button; the patterns ask for a post's path.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import threading
from collections.abc import Callable

from archiver.articles import encoded
from archiver.platforms import platforms

_SLASH = r"(?:\\*/|&#(?:x0*2f|0*47);?|&sol;|%(?:25)*2f|\\+u002f|\\+x2f)"
#: At the beginning of a pattern only the end of an escape matters, and fewer ways to begin are scanned for faster.
_FIRST_SLASH = r"(?:/|2f;?|47;?|&sol;)"
_AT = r"(?:@|&#(?:x0*40|0*64);?|&commat;|%(?:25)*40|\\+u0040|\\+x40)"
_EQUALS = r"(?:=|&#(?:x0*3d|0*61);?|&equals;|%(?:25)*3d|\\+u003d|\\+x3d)"
_QUESTION = r"(?:\?|&#(?:x0*3f|0*63);?|&quest;|%(?:25)*3f|\\+u003f|\\+x3f)"

#: An attribution in text: the handle in its parentheses, either of which may be full-width, behind a mark of
#: the direction of writing, or tags.
_ATTRIBUTIONS = (
    r"\(@\w", r"\(\s{1,3}@\w", r"\(\[@\w", r"\(&#64;\w", r"\(\xef\xbc\xa0\w", r"\xef\xbc\x88@\w",
    r"\xef\xbc\x88\xef\xbc\xa0\w", r"\(\xe2\x80[\x80-\xbf]@\w",
    r"\((?:</?\w[^<>]{0,160}>){1,3}@\w",
)  # fmt: skip

#: Elements whose content is raw text, which a tree does not tell. One pattern each: a scan for literals is fast.
RAW = (b"script", b"style", b"textarea", b"title", b"template", b"iframe", b"noembed", b"noframes", b"xmp")
#: Formatting elements with attributes. Unclosed ones are opened again in every paragraph (HTML standard, "reconstruct
#: the active formatting elements"), so their number bounds how much larger than its source a tree can grow.
FORMATTING = ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
COMMENT, COMMENT_END = 2 * len(RAW), 2 * len(RAW) + 1
MERGED = 2 * len(RAW) + 2

#: What ends a tag's name (HTML standard, "tag name state").
_BEHIND = r"[ \t\n\r\f/>]"

#: More references than any article has (of 523 real pages, the most have 393): a scan for them ends there.
MAX_REFERENCES = 5_000

Scan = Callable[[bytes], list[tuple[int, int]]]


def escaped(pattern: str) -> str:
    """A platform's pattern with every escape of `/`, `@`, `{=}` and `{?}` allowed for."""
    first, rest = (_FIRST_SLASH, pattern[1:]) if pattern[:1] == "/" and pattern[1:2] not in "+*?{" else ("", pattern)
    return first + rest.replace("/", _SLASH).replace("@", _AT).replace("{=}", _EQUALS).replace("{?}", _QUESTION)


_PART = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{[^{}]*\}|.", re.DOTALL)


def literal(expression: str) -> str:
    """The longest text outside of groups that whatever *expression* matches has in it, to look for first: a search for
    a text is several times as fast. Empty where alternatives allow for none."""
    runs, depth = [""], 0
    for part in _PART.findall(expression):
        if part in {"(", ")"}:
            depth += 1 if part == "(" else -1
            runs.append("")
        elif not depth:
            if part == "|":
                return ""
            if part in {"*", "+", "?"} or part[0] == "{":
                runs[-1] = runs[-1][:-1]
            if part in {"*", "+", "?", ".", "^", "$"} or part[0] in "[{" or (part[0] == "\\" and part[1].isalnum()):
                runs.append("")
            else:
                runs[-1] += part[-1]
    return max(runs, key=len)


@functools.cache
def patterns() -> tuple[str, ...]:
    """What `references` looks for: the platforms' screens, attributions, and embed codes in Base64."""
    screens = dict.fromkeys(s for platform in platforms().values() for s in platform.markup.screens)
    bylines = dict.fromkeys(s for platform in platforms().values() for s in platform.markup.byline_screens)
    return (*_ATTRIBUTIONS, *bylines, *map(escaped, screens), *encoded.SCREENS)


@functools.cache
def _attributions() -> int:
    return len(_ATTRIBUTIONS) + len({s for platform in platforms().values() for s in platform.markup.byline_screens})


def is_attribution(number: int) -> bool:
    """Whether the pattern of that number is of flattened text rather than of a URL or markup."""
    return number < _attributions()


@functools.cache
def networks() -> tuple[frozenset[str], ...]:
    """By pattern number, the platforms whose references contain it."""
    own: dict[str, set[str]] = {}
    for platform in platforms().values():
        for each in platform.markup.screens:
            own.setdefault(escaped(each), set()).add(platform.name)
    return tuple(frozenset(own.get(pattern, ())) for pattern in patterns())


def references() -> Scan:
    """A scan for everything that may refer to a post: (pattern number, end offset), by offset. It ends after more than
    MAX_REFERENCES."""
    with _COMPILING:  # who comes meanwhile waits for it, and does not compile another one
        return _references()


_COMPILING = threading.Lock()


@functools.cache
def _references() -> Scan:
    return _scan(patterns(), MAX_REFERENCES)


@functools.cache
def structure() -> Scan:
    """A scan for what bounds raw text: start tag 2n and end tag 2n + 1 of RAW[n] (each with the character behind its
    name), `COMMENT`, `COMMENT_END`; for what adds its attributes to those of another element, `MERGED`; and, with any
    higher number, for formatting elements with attributes."""
    raw = [pattern for name in RAW for pattern in (rf"<{name.decode()}{_BEHIND}", rf"</{name.decode()}{_BEHIND}")]
    merged = rf"<(?:html|body){_BEHIND}"
    return _scan((*raw, r"<!--", r"-->|--!>", merged, *(rf"<{name}[\s/]" for name in FORMATTING)))


def _scan(expressions: tuple[str, ...], most: int = sys.maxsize - 1) -> Scan:
    try:
        import hyperscan
    except ImportError:  # no wheel for this machine: slower, and the same answer
        return _scan_with_re(expressions, most)
    database = hyperscan.Database()
    database.compile(
        expressions=[expression.encode("ascii") for expression in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(expressions),
    )

    # A database has one scratch space, and two scans at a time in it are an error (hyperscan's HS_SCRATCH_IN_USE).
    one_at_a_time = threading.Lock()

    def scan(content: bytes) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        add = found.append
        with one_at_a_time:
            if most == sys.maxsize - 1:
                database.scan(
                    content, match_event_handler=lambda number, _from, to, _flags, _context: add((number, to))
                )
                return found

            def seen(number: int, _from: int, to: int, _flags: int, _context: object) -> bool | None:
                add((number, to))
                return len(found) > most or None

            with contextlib.suppress(hyperscan.ScanTerminated):
                database.scan(content, match_event_handler=seen)
        return found

    return scan


def _scan_with_re(expressions: tuple[str, ...], most: int) -> Scan:
    compiled = [re.compile(expression.encode("ascii"), re.IGNORECASE) for expression in expressions]

    def scan(content: bytes) -> list[tuple[int, int]]:
        found = [(m.end(), number) for number, pattern in enumerate(compiled) for m in pattern.finditer(content)]
        return [(number, end) for end, number in sorted(found)[: most + 1]]

    return scan
