"""Pages made to stall a tree builder, refused by name before one is built.

Building a tree takes time with the square of the open elements (20,000 nested `div` take 0.6 s, 200,000 over 20 s), of
the options in one `select`, of the formatting elements left open, of one tag's attributes, and of different names. No
page can hide that it is large, so what it could cost at most is told from counts of its bytes that no quotes, comments
or scripts can lower. Only where that is too much are its tags told apart exactly, and what they cost counted: never too
little, whatever the tree builder makes of them.
"""

from __future__ import annotations

import collections
import re

from archiver.articles import screen, tokens
from archiver.articles.budget import Budget
from archiver.errors import InputError

MAX_DEPTH = 8_000
#: No article has so many tags (of 523 real pages, the most have 18,736).
MAX_TAGS = 250_000

# Less than this a page cannot stall the tree builder with: start tags; start tags times tags; formatting elements times
# tags; bytes of one tag times the page's; the square of the attributes that tags may have; bytes of tags that add
# theirs to the same element.
_STARTS, _STEPS, _FORMATTED, _LENGTHS, _SQUARES, _MERGED = (
    12_000, 200_000_000, 2_000_000, 2_500_000_000, 200_000_000, 40_000,
)  # fmt: skip
_FORMATTING = frozenset(name.encode() for name in screen.FORMATTING)
_MERGED_TAGS = re.compile(rb"<(?:body|html)[ \t\n\r\f/]", re.IGNORECASE)
# Pages of less can do no harm but with formatting elements.
_SMALL = 60_000
# Pages of more have room for different names of attributes enough that lexbor, which takes time with their square,
# needs two seconds: so many, each behind a byte of its own that separates it from what is before.
_LARGE, _NAMES = 640_000, 120_000
_NO_SEPARATORS = bytes(set(range(256)) - set(b" \t\n\r\f/\"'"))
_TRIES = 8
# A page has one `html` and one `body`.
_FEW = 2
_SHORTEST = 256
# How many elements one end tag closes at most besides its own.
_MOST_CLOSED = 64
_SLASH, _EQUALS = ord("/"), ord("=")
_START = re.compile(rb"<[a-zA-Z]")

# Steps of an exact count: a tag, an attribute of it, and of each pair of its attributes; each element that is open at a
# tag; each pair of an option and what its `select` holds; each formatting element at a tag; each pair of names, by 8.
_PER_TAG, _PER_ATTRIBUTE, _PER_PAIR, _PER_OPEN, _PER_OPTION, _PER_FORMATTING = 1000, 400, 2, 3, 10, 300

_VOID = frozenset(b"area base br col embed frame hr img input link meta param source track wbr html head body".split())
#: Of those, what ends SVG and MathML; the others stay open in there.
_BREAKING = frozenset(b"br embed hr img meta head body".split())
_BLOCKS = frozenset(
    b"address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer h1 h2 h3 h4 "
    b"h5 h6 header main menu nav ol pre section summary ul".split()
)
_CELLS, _SECTIONS = frozenset((b"td", b"th")), frozenset((b"tbody", b"thead", b"tfoot"))
_ROWS = _CELLS | {b"tr"}
#: What a start tag closes, and what an end tag closes with its own element, where it is the last one open.
_CLOSED_BY_START: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys([*_BLOCKS, b"p"], frozenset({b"p"})),
    b"li": frozenset((b"li", b"p")), **dict.fromkeys((b"dt", b"dd"), frozenset((b"dt", b"dd", b"p"))),
    b"option": frozenset({b"option"}), **dict.fromkeys(_CELLS, _CELLS | {b"p"}), b"tr": _ROWS | {b"p"},
    **dict.fromkeys(_SECTIONS, _ROWS | _SECTIONS | {b"p"}),
}  # fmt: skip
_CLOSED_BY_END: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys(_BLOCKS, frozenset({b"p"})),
    **dict.fromkeys((b"ul", b"ol", b"menu"), frozenset((b"li", b"p"))), b"dl": frozenset((b"dt", b"dd", b"p")),
    b"tr": _CELLS | {b"p"}, **dict.fromkeys(_SECTIONS, _ROWS | {b"p"}), b"table": _ROWS | _SECTIONS | {b"p"},
    b"select": frozenset((b"option", b"optgroup")),
}  # fmt: skip
_RAW = frozenset(name for name in screen.RAW if name != b"template")
#: Where a tree builder may take for markup what is raw text elsewhere.
_UNSURE = frozenset((b"svg", b"math", b"select"))
#: SVG's elements, unknown to HTML, that hold nothing but SVG; and others in it.
_GROUPS = frozenset(
    b"svg g defs symbol marker clippath mask pattern lineargradient radialgradient filter text tspan".split()
)
_SHAPES = frozenset(
    b"path circle rect use line polygon polyline ellipse stop image animate animatetransform set fegaussianblur "
    b"feoffset feblend feflood fecolormatrix fecomposite femergenode title desc style".split()
)
_UNQUOTED_END = re.compile(rb"""=[ \t\n\r\f]*[^ \t\n\r\f"'>][^ \t\n\r\f>]*\Z""")


def refuse_tags(page: bytes, stop: int, location: str) -> None:
    """Raise InputError ("too large") where page[:stop] has more tags than any article."""
    if stop > len(b"<b>") * MAX_TAGS and page.count(b"<", 0, stop) > MAX_TAGS:
        raise InputError(f"{location}: too large: it has more than {MAX_TAGS} tags")


def longest(page: bytes, tags: list[int]) -> int:
    """How many bytes the tags have at most that start there, if they do, in sum."""
    total = 0
    for tag in tags if len(tags) > _FEW else ():
        end = page.find(b">", tag)
        while 0 <= end < tag + _MERGED and not _is_outside(page, tag, end):
            end = page.find(b">", end + 1)
        total += (end if end >= 0 else len(page)) - tag
    return total


def guard(page: bytes, formatting: int, merged: int, unscreened: int, budget: Budget) -> None:
    """Raise InputError ("too deep", "too large") where a tree builder would stall on *page*.

    *formatting* is how many formatting elements with attributes it has at most, and *merged* how many bytes of start
    tags of `html` and `body`, in all but the last *unscreened* bytes.
    """
    if _may_stall(page, formatting, merged, unscreened):
        refuse_tags(page, len(page), budget.location)
        _Count(page, budget).count()


def _may_stall(page: bytes, formatting: int, merged: int, unscreened: int) -> bool:
    size = len(page)
    if size > _LARGE and len(page.translate(None, _NO_SEPARATORS)) > _NAMES:
        return True
    tags = page.count(b"<") if size > _SMALL else size // len(b"<hr>")
    if size > _SMALL and tags > _STARTS:
        starts = tags - page.count(b"</")
        if starts > _STARTS or starts * tags > _STEPS:
            return True
    tail = max(0, size - unscreened)
    if (formatting + unscreened // len(b"<b a>")) * tags > _FORMATTED:
        formatting += sum(number > screen.MERGED for number, _ in screen.structure()(page[tail:]))
        if formatting * tags > _FORMATTED and formatting * (page.count(b"<") - page.count(b"</")) > _FORMATTED:
            return True
    if merged + unscreened > _MERGED:
        merged += longest(page, [found.start() for found in _MERGED_TAGS.finditer(page, tail)])
        if merged > _MERGED:
            return True
    return size > _SMALL and _has_long_tags(page, _LENGTHS // size)


def _has_long_tags(page: bytes, longest: int) -> bool:
    """Whether tags longer than that may have many attributes.

    No tag holds the place behind a `>` where neither the last `"` nor the last `'` before it follows a `=`: within a
    tag, a `>` stands in a quoted value only. Where no such place is near, each `<` is taken for a tag's, up to a place
    that none of them reach.
    """
    at, size, room = 0, len(page), 4 * len(page)
    if longest < _SHORTEST:
        return True
    long: list[re.Match[bytes]] = []
    while at + longest < size:
        end = page.rfind(b">", at, at + longest)
        for _ in range(_TRIES):
            if end < 0 or _is_outside(page, at, end):
                break
            end = page.rfind(b">", at, end)
        else:
            end = -1
        if end >= 0:
            at = end + 1
            continue
        start, at = at, at + longest
        while found := _START.search(page, start, at + 1):
            start = found.end()
            tag = tokens.WHOLE_TAG.match(page, found.start())
            room -= (tag.end() if tag else size) - start
            if room < 0:
                return True
            if tag:
                at = max(at, tag.end())
                long.append(tag)
    most, told = sum(_most_attributes(tag) ** 2 for tag in long), 0
    for tag in sorted(long, key=_most_attributes, reverse=True):
        if told + most <= _SQUARES or told > _SQUARES:
            break
        told += len(tokens.attributes(tag)) ** 2
        most -= _most_attributes(tag) ** 2
    return told + most > _SQUARES


def _most_attributes(tag: re.Match[bytes]) -> int:
    return (tag.end() - tag.start()) // len(b"a1 ")


def _is_outside(page: bytes, at: int, end: int) -> bool:
    """Whether no tag that starts in page[at:end] holds the `>` at *end* in a value."""
    for quote in (b'"', b"'"):
        opening = page.rfind(quote, at, end)
        if opening > at:
            before = page[opening - 1]
            if before in b" \t\n\r\f":
                before = (page[max(at, opening - 99) : opening].rstrip(b" \t\n\r\f") or b"=")[-1]
            if before == _EQUALS and _START.search(page, at, opening):
                return False
    return True


class _Count:
    """What a tree builder does with a page's tags, at most.

    An end tag closes an element here only where that is the last one open (but for a few that any end tag closes with
    it): then it is closed in the tree as well, if it is in there. So what is open in the tree is open here, but for
    what follows from it (a `td` needs a `tr`).
    """

    def __init__(self, page: bytes, budget: Budget) -> None:
        self.page, self.budget = page, budget
        #: Names, and whether they are formatting elements with attributes.
        self.open: list[tuple[bytes, bool]] = []
        self.inside: collections.Counter[bytes] = collections.Counter()
        self.formatting = self.merged = self.held = self.options = 0
        self.names: set[bytes] = set()
        #: Whether a `form` ends where its end tag stands; whether raw text may be markup anywhere from here; and
        #: whether all that is open within the last `svg` is SVG.
        self.ends_forms, self.is_lost, self.is_svg = True, False, False

    def count(self) -> None:
        page, at = self.page, 0
        while (at := tokens.following(page, at)) >= 0:
            found = tokens.WHOLE_TAG.match(page, at)
            if found is None:
                if tokens.is_tag(page, at):
                    return  # the page ends in it
                start, at = at, tokens.after_other(page, at)
                if self._is_unsure() and page.startswith(b"<![CDATA[", start):
                    stop = page.find(b"]]>", at) + 3
                    if stop > at:
                        self._ambiguous(at, stop)
                        at = stop
                continue
            at = found.end()
            name = self._tag(found)
            if name in _RAW and page[found.start() + 1] != _SLASH:
                stop = tokens.raw_end(page, name, at)
                if self._is_unsure():
                    if stop == len(page):
                        continue
                    self._ambiguous(at, stop)
                at = stop

    def _is_unsure(self) -> bool:
        return self.is_lost or any(self.inside[name] for name in _UNSURE)

    def _ambiguous(self, at: int, stop: int) -> None:
        """Count what may be markup and may be text: its start tags, and none of its end tags."""
        page = self.page
        while at < stop:
            at = tokens.following(page, at)
            if at < 0 or at >= stop:
                return
            found = tokens.WHOLE_TAG.match(page, at)
            if found is None:
                at = len(page) if tokens.is_tag(page, at) else tokens.after_other(page, at)
                continue
            at = found.end()
            if page[found.start() + 1] != _SLASH and (name := self._tag(found)) in _RAW:
                inner = tokens.raw_end(page, name, at)
                if inner < stop:
                    self._ambiguous(at, inner)
                at = inner
        if at > stop:
            raise InputError(
                f"{self.budget.location}: too large: it has many tags, and which of them stand in raw text depends on "
                "how others are read"
            )

    def _tag(self, found: re.Match[bytes]) -> bytes:
        tag, name = found[0], found[1].lower()
        names = tokens.attributes(found)
        self.names.add(name)
        self.names.update(names)
        before = len(names)
        if name in {b"html", b"body"}:
            self.merged += before
            before = 3 * self.merged
        self.budget.spend(
            _PER_TAG + _PER_OPEN * len(self.open) + len(self.names) * (1 + len(names)) // 4
            + (_PER_ATTRIBUTE + _PER_PAIR * before) * len(names)
        )  # fmt: skip
        if tag[1] == _SLASH:
            self._end(name)
        else:
            self._start(tag, name, bool(names))
        return name

    def _end(self, name: bytes) -> None:
        at = len(self.open) - 1
        least = at - _MOST_CLOSED
        with_it = _CLOSED_BY_END.get(name, frozenset())
        if name == b"svg" and self.is_svg:
            with_it = _GROUPS | _SHAPES
        if name != b"select" or self.inside[name] == 1:
            while at > max(0, least) and self.open[at][0] in with_it and self.open[at][0] != name:
                at -= 1
        is_last = at >= 0 and self.open[at][0] == name
        if name == b"form":
            self.ends_forms = self.ends_forms and is_last
            is_last = self.ends_forms
        while is_last and len(self.open) > at:
            self._close()

    def _close(self) -> None:
        name, is_formatting = self.open.pop()
        self.formatting -= is_formatting
        self.inside[name] -= 1
        if name == b"select" and not self._is_unsure():
            self.held = self.options = 0

    def _start(self, tag: bytes, name: bytes, has_attributes: bool) -> None:
        self.budget.spend(_PER_FORMATTING * self.formatting)
        if self.inside[b"select"]:
            self.held += 1
            self.options += name == b"option"
            self.budget.spend(_PER_OPTION * (self.held if name == b"option" else self.options))
        if name == b"frameset" or (name == b"col" and self.inside[b"template"]):
            self.is_lost = True
        if name == b"form" and self.inside[name]:
            self.ends_forms = False
        if name in _VOID and (name in _BREAKING or not self._is_unsure()):
            self.is_svg = False
            return
        closed = _CLOSED_BY_START.get(name, frozenset())
        if self.inside[b"svg"] or self.inside[b"math"]:
            closed = closed & {b"p"}  # cells and options are SVG's own there, and nest
        while self.open and self.open[-1][0] in closed:
            self._close()
        if name == b"svg":
            self.is_svg = self.is_svg or not self._is_unsure()
        elif name not in _GROUPS and name not in _SHAPES:
            self.is_svg = False
        if (
            self.is_svg
            and self.inside[b"svg"]
            and self.open[-1][0] in _GROUPS
            and tag.endswith(b"/>")
            and not _UNQUOTED_END.search(tag, 0, len(tag) - 1)
        ):
            return
        self.inside[name] += 1
        is_formatting = has_attributes and name in _FORMATTING
        self.formatting += is_formatting
        self.open.append((name, is_formatting))
        if len(self.open) > MAX_DEPTH:
            raise InputError(
                f"{self.budget.location}: too deep: elements are nested more than {MAX_DEPTH} deep, up to which pages "
                "are read"
            )
