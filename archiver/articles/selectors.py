"""Where an embed stands, in the selectors of the W3C Web Annotation Data Model, so that others can find it again.

https://www.w3.org/TR/annotation-model/#selectors
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.articles.decoding import Decoded
from archiver.model import Selector

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

#: Characters of context kept before and after a quotation.
CONTEXT = 32


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
    """A parsed page and what is asked of its elements more than once."""

    def __init__(self, parser: LexborHTMLParser, mark: str) -> None:
        self.parser, self.mark = parser, mark
        self._paths: dict[int, str] = {}
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

    def path(self, node: LexborNode) -> str:
        """A CSS selector that only this element of the parsed page matches."""
        key = node.mem_id
        if (known := self._paths.get(key)) is not None:
            return known
        parent = node.parent
        tag = node.tag or "*"
        if parent is None or tag == "html" or parent.tag in {None, "-document", "#document"}:
            path = tag
        else:
            above = self.path(parent)
            if above == "html" and tag in {"head", "body"}:
                path = tag
            else:
                index = 0
                for index, child in enumerate(parent.iter(include_text=False), 1):
                    self._paths.setdefault(child.mem_id, f"{above}>{_name(child)}:nth-child({index})")
                path = self._paths[key] if index else f"{above}>{tag}"
        self._paths[key] = path
        return path

    def selectors(self, node: LexborNode) -> list[Selector]:
        """CssSelector, and the quotation of its text if it has any. Text is that of `body`, as `textContent` gives it,
        which is what annotation tools count in."""
        found = [Selector("CssSelector", (("value", self.path(node)),))]
        text = node.text()
        if text.strip():
            if self._text is None:
                body = self.parser.body
                self._text = body.text() if body is not None else ""
            start = self._text.find(text, self._cursor)
            if start < 0:
                start = self._text.find(text)
            if start >= 0:
                found += quote(self._text, start, start + len(text))
                self._cursor = start
        return found


def _name(node: LexborNode) -> str:
    tag = node.tag or "*"
    return tag if re.fullmatch(r"[a-zA-Z][\w-]*", tag) else "*"


# Class and id words of what is not the article's own, and of its text; whole words, so that `comment` is and
# `commentary` is not.
_NOT_BODY = re.compile(
    r"(?<![a-z])(?:comments?|commentlist|disqus|related|recommend(?:ed|ations?)?|sidebar|widget(?:-area)?|footer|nav|navbar|navigation|menu|"
    r"share|sharing|social-?(?:links?|icons?|bar|share)|rail|promo|popular|trending|most-?read|newsletter|outbrain|taboola|breadcrumbs?|"
    r"teaser|playlist|carousel|site-?header|masthead|more-?stories|read-?next|aside)(?![a-z])"
)
_BODY = re.compile(
    r"(?<![a-z])(?:article-?(?:body|content|text|copy)|(?:entry|post|story|page|single|blog|main)-?(?:body|content|text|entry)|articlebody|body-?(?:copy|text|content)|"
    r"content-?body|storytext|entry|rich-?text|prose)(?![a-z])"
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
    if attributes.get("itemprop") == "articleBody":
        return True
    words = words.lower().replace("_", "-")
    if words:
        if _BODY.search(words):
            return True
        if _NOT_BODY.search(words):
            return False
    return None
