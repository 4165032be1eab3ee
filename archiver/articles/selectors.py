"""Where an embed stands, in the selectors of the W3C Web Annotation Data Model, so that others can find it again.

https://www.w3.org/TR/annotation-model/#selectors
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

from archiver.articles.budget import Budget
from archiver.articles.decoding import Decoded
from archiver.model import Selector

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

#: Characters of context kept before and after a quotation.
CONTEXT = 32
#: Nobody finds an element again by quoting more of it.
MAX_QUOTE = 20_000
#: No article nests so deep; a page that does would make a thousand selectors of a thousand steps each.
MAX_STEPS = 256
_STEP = len("blockquote:nth-child(1)>")


def bytes_at(start: int, end: int) -> Selector:
    """DataPositionSelector: half-open byte offsets in the stored document."""
    return Selector("DataPositionSelector", (("start", start), ("end", end)))


def quote(text: str, start: int, end: int) -> tuple[Selector, Selector]:
    """TextQuoteSelector and TextPositionSelector of text[start:end]."""
    return (
        Selector(
            "TextQuoteSelector",
            (
                ("exact", text[start:end]),
                ("prefix", text[max(0, start - CONTEXT) : start]),
                ("suffix", text[end : end + CONTEXT]),
            ),
        ),
        Selector("TextPositionSelector", (("start", start), ("end", end))),
    )


def in_text(decoded: Decoded, start: int, end: int) -> tuple[Selector, ...]:
    """All selectors of a place in a document that is nothing but text."""
    return bytes_at(decoded.byte(start), decoded.byte(end)), *quote(decoded.text, start, end)


class Tree:
    """A parsed page and what is asked of its elements more than once. The attribute *mark* carries the byte offsets of
    the start tags that have one; the CSS selector `marked` finds them."""

    def __init__(self, parser: LexborHTMLParser, mark: str, budget: Budget) -> None:
        self.parser, self.mark, self.budget = parser, mark, budget
        self.marked = "[" + mark.replace("\x01", "\\1 ") + "]"
        self._paths: dict[int, str] = {}
        self._deep: set[int] = set()  #: elements whose children are too deep for a path
        self._places: dict[int, int] = {}
        self._body: dict[int, bool | None] = {}
        self._text: str | None = None
        self._cursor = 0

    def where(self, node: LexborNode) -> str:
        """`noscript` for what is shown only without scripts, else `dom`."""
        parent, levels = node.parent, 0
        while parent is not None and levels < 6:
            if parent.tag == "noscript":
                return "noscript"
            parent, levels = parent.parent, levels + 1
        return "dom"

    def in_body(self, node: LexborNode) -> bool | None:
        """Whether the article itself shows the element: True inside what is marked as its text, False inside what is
        marked as something else (navigation, comments, related items), None where nothing says so."""
        seen: list[int] = []
        answer: bool | None = None
        parent: LexborNode | None = node
        while parent is not None and parent.tag not in {"html", "-document", "#document"}:
            key = parent.mem_id
            if key in self._body:
                answer = self._body[key]
                break
            seen.append(key)
            said = _said(parent)
            if said is not None:
                answer = said
                break
            parent = parent.parent
        for key in seen:
            self._body[key] = answer
        return answer

    def path(self, node: LexborNode) -> str | None:
        """A CSS selector that only this element of the parsed page matches; None where it would be absurdly long."""
        steps: list[str] = []
        at: LexborNode | None = node
        above = ""
        while at is not None and at.is_element_node:
            parent = at.parent
            tag = at.tag or "*"
            if tag == "html" or parent is None:
                steps.append(tag)
                break
            if parent.tag == "html" and tag in {"head", "body"}:
                steps.append(tag)
                break
            if at is not node and (known := self._paths.get(at.mem_id)) is not None:
                above = known
                break
            if len(steps) == MAX_STEPS or (at is not node and at.mem_id in self._deep):
                # What stands beside this one, or within, is as deep.
                if node.parent is not None:
                    self._deep.add(node.parent.mem_id)
                return None
            name = tag if tag.isalpha() or _NAME.fullmatch(tag) else "*"
            steps.append(f"{name}:nth-child({self._places.get(at.mem_id) or self._place(at, parent)})")
            at = parent
        path = ">".join([above, *reversed(steps)] if above else reversed(steps))
        if len(path) > MAX_STEPS * _STEP:
            return None
        if (parent := node.parent) is not None and len(steps) > 1:
            # The next embed usually stands beside this one.
            self._paths[parent.mem_id] = path.rpartition(">")[0]
        return path

    def _place(self, node: LexborNode, parent: LexborNode) -> int:
        """The element's number among its parent's elements, from 1."""
        for index, child in enumerate((c for c in parent.iter(include_text=False) if c.is_element_node), 1):
            self._places[child.mem_id] = index
        return self._places[node.mem_id]

    def selectors(self, node: LexborNode) -> list[Selector]:
        """CssSelector, and the quotation of its text if it has any. Text is that of `body`, as `textContent` gives it,
        which is what annotation tools count in."""
        path = self.path(node)
        found = [Selector("CssSelector", (("value", path),))] if path is not None else []
        text = node.text()
        self.budget.spend(len(text))
        if len(text) <= MAX_QUOTE and text.strip():
            if self._text is None:
                body = self.parser.body
                self._text = body.text() if body is not None else ""
            start = self._text.find(text, self._cursor)
            self.budget.spend(((start if start >= 0 else len(self._text)) - self._cursor) // 4)
            if start < 0:
                start = self._text.find(text)
                self.budget.spend((start if start >= 0 else len(self._text)) // 4)
            if start >= 0:
                found += quote(self._text, start, start + len(text))
                self._cursor = start
        return found


_NAME = re.compile(r"[a-zA-Z][\w-]*")
_WORDS = re.compile(r"[a-z]+")
# Words of classes and ids that say what is not the article's own, and what is its text; two words are written as one.
_NOT_BODY = frozenset(
    # ruff: noqa: SIM905 - tables of words
    "comment comments commentlist disqus related recommend recommended recommendation recommendations sidebar widget "
    "widgetarea footer nav navbar navigation menu share sharing sociallinks socialicons socialbar socialshare rail "
    "promo popular trending mostread newsletter outbrain taboola breadcrumb breadcrumbs teaser playlist carousel "
    "siteheader masthead morestories readnext aside".split()
)
_BODY = frozenset(
    "articlebody articlecontent articletext articlecopy entrybody entrycontent entrytext postbody postcontent posttext "
    "postentry storybody storycontent storytext pagebody pagecontent singlebody singlecontent blogbody blogcontent "
    "mainbody maincontent maintext bodycopy bodytext bodycontent contentbody entry richtext prose".split()
)


def _said(node: LexborNode) -> bool | None:
    tag = node.tag
    if tag in {"aside", "footer", "nav"}:
        return False
    if tag in {"article", "main"}:
        return True
    attributes = node.attributes
    words = attributes.get("class") or ""
    if attributes.get("id"):
        words += f" {attributes['id']}"
    if not words and "itemprop" not in attributes and "role" not in attributes:
        return None
    return True if attributes.get("itemprop") == "articleBody" else _called(words)


@functools.lru_cache(maxsize=1024)
def _called(words: str) -> bool | None:
    """What the words of an element's class and id say: that it is the article's text, or that it is not."""
    single = _WORDS.findall(words.lower())
    double = [a + b for a, b in itertools.pairwise(single)]
    if not _BODY.isdisjoint(single) or not _BODY.isdisjoint(double):
        return True
    if not _NOT_BODY.isdisjoint(single) or not _NOT_BODY.isdisjoint(double):
        return False
    return None
