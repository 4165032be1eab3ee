"""Attributions in a page's tree: `— NAME (@handle) DATE`, whether it signs an embed's element or stands where a CMS
unwrapped one."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from archiver.articles.budget import Budget
from archiver.articles.elements import flat_text
from archiver.articles.flattened import Attribution, attributions
from archiver.articles.places import Place, said_by
from archiver.articles.selectors import Tree
from archiver.articles.spans import words_before
from archiver.model import Kind, PostRef, Span
from archiver.platforms import platforms, recognise

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

# How the dash of an attribution is written in a source; how far from the handle it and the date's end may stand there.
_DASHES = {
    "—": (b"\xe2\x80\x94", b"&mdash;", b"&#8212;", b"&#x2014;", b"&#151;"),
    "–": (b"\xe2\x80\x93", b"&ndash;", b"&#8211;", b"&#x2013;", b"&#150;"),
    "―": (b"\xe2\x80\x95", b"&#8213;", b"&#x2015;"),
}
_NEAR = 600
_HANDLE = re.compile(rb"[\w.-]+")
_ANY_TAG, _WHITE = re.compile(rb"<[^<>]*>"), re.compile(r"\s+")
#: How many elements may have ended between a start tag and the text that follows it.
_MOST_ENDED = 8
#: Attributions stand in a block's text in the order of its source, but for what is laid out otherwise.
_NEXT = 8
#: How far before its attribution the words of a post are looked for.
_QUOTED = 1500
_PLAIN_WORD = re.compile(r"[^\W_]{3,}")
#: An attribution, and what of it stands behind the handle, without white space.
_Signed = tuple[Attribution, str]


class Signatures:
    """The attributions in one page's elements, each element's text read once.

    *page* is the bytes that *tree* was built from, *where* what is said of what is found (see `Embed.where`).
    """

    def __init__(self, page: bytes, tree: Tree, where: str, budget: Budget) -> None:
        self._page, self._tree, self._where, self._budget = page, tree, where, budget
        self._texts: dict[int, str] = {}
        self._found: dict[int, list[Attribution]] = {}
        #: Of blocks: their text, and what attributions in it are not yet placed.
        self._known: dict[int, tuple[str, dict[str, list[_Signed]]]] = {}
        self._told: set[tuple[object, ...]] = set()

    def text(self, node: LexborNode) -> str:
        """See `flat_text`. Several references may stand in one element."""
        text = self._texts.get(node.mem_id)
        if text is None:
            text = self._texts[node.mem_id] = flat_text(node)
            self._budget.spend(30 * len(text))
        return text

    def of(self, node: LexborNode) -> list[Attribution]:
        """The attributions in an element's text."""
        found = self._found.get(node.mem_id)
        if found is None:
            found = self._found[node.mem_id] = list(attributions(self.text(node)))
            self._budget.spend(10 * len(self.text(node)))
        self._budget.spend(500 * len(found))
        return found

    def flattened(self, node: LexborNode, ends: Sequence[int], is_here: Callable[[int], bool]) -> Iterator[Place]:
        """The attributions in the text that follows one start tag; each once, however often it is asked for. *ends* are
        those of what the screen found there; *is_here* says whether a handle's byte is this tag's to read."""
        holders: dict[int, tuple[LexborNode, list[int]]] = {}
        for end in ends:
            holder = self._holding(node, end)
            holders.setdefault(holder.mem_id, (holder, []))[1].append(end)
        for holder, own_ends in holders.values():
            block = self._around(holder)
            text, claims = self._claims(block)
            for each, handle in self._placed(claims, own_ends):
                claim, _ = each
                if not is_here(handle):
                    continue
                claims[claim.handle].remove(each)
                key = (claim.platform, said_by(claim.claim))
                if key in self._told:
                    continue
                self._told.add(key)
                attribution = text[claim.start : claim.end]
                start = self._before(handle, attribution)
                ref, url = self._permalink(claim, text, block)
                yield Place(
                    kind=Kind.FLATTENED, platform=claim.platform, ref=ref, url=url, claim=claim.claim,
                    where=self._tree.where(block) if self._where == "dom" else self._where,
                    in_body=self._tree.in_body(block) if self._where == "dom" else None,
                    start=start, end=self._after(handle + len(claim.handle.encode()), attribution), node=block,
                    spans=self._quoted(claim, text, start),
                )  # fmt: skip

    def _holding(self, node: LexborNode, end: int) -> LexborNode:
        """The element that holds the text in which the screen found a handle, behind the start tag of *node*: that, or
        one round it where *node* holds nothing, or ended before."""
        written = _HANDLE.match(self._page, end - 1)
        handle = written[0].decode("utf-8", "replace") if written else ""
        at: LexborNode | None = node
        for _ in range(_MOST_ENDED):
            if at is None or not at.is_element_node:
                break
            if handle in self.text(at):
                return at
            at = at.parent
        return node

    def _claims(self, block: LexborNode) -> tuple[str, dict[str, list[_Signed]]]:
        """A block's text, with the paragraphs above it where it begins with an attribution, and by their handles those
        attributions in it that say something, in order, each with what stands behind its handle."""
        known = self._known.get(block.mem_id)
        if known is None:
            text, signatures = self.text(block), self.of(block)
            if signatures and not signatures[0].start and (said := self._paragraphs_before(block)):
                text = f"{said}\n{text}"
                signatures = list(attributions(text))
            by_handle: dict[str, list[_Signed]] = {}
            for claim in signatures:
                if claim.text and not (claim.start and text[claim.start].isalnum()):
                    _, _, behind = text[claim.start : claim.end].rpartition(claim.handle)
                    by_handle.setdefault(claim.handle, []).append((claim, _WHITE.sub("", behind)))
            known = self._known[block.mem_id] = (text, by_handle)
        return known

    def _placed(self, claims: dict[str, list[_Signed]], ends: list[int]) -> Iterator[tuple[_Signed, int]]:
        """Attributions of a block, each with the byte where its handle stands. *ends* are those of what the screen
        found under one start tag. An author may be quoted several times in one block: a handle's own is then the
        attribution whose words end next before it."""
        is_found = False
        for end in ends:
            written = _HANDLE.match(self._page, end - 1)
            own = claims.get(written[0].decode("utf-8", "replace")) if written else None
            self._budget.spend(2000)
            if not own or not written:
                continue
            at, behind = end - 1, self._shown_behind(written.end())
            # A handle in parentheses may be a mention: what signs a post goes on with its date.
            is_found = True
            if signing := [each for each in own[:_NEXT] if each[1][-4:] in behind[: len(each[1]) + 8]]:
                nearest = signing[0]
                if len(signing) > 1:
                    nearest = max(signing, key=lambda each: self._words_before(each[0], at))
                yield nearest, at
        if is_found:
            return
        # What the screen found was words; or the handle is written otherwise in the source.
        self._budget.spend(500 * len(claims))
        for name, own in claims.items():
            written_name = name.encode()
            low, high = max(0, ends[0] - 90), ends[0] + 5000 + len(written_name)
            # Links to the author name the handle too, and stand before it.
            at = self._page.find(b"@" + written_name, low, high) + 1 or self._page.find(written_name, low, high)
            if own and at >= 0:
                yield own[0], at

    def _shown_behind(self, at: int) -> str:
        """What the page shows from a byte on, without white space; as much as an attribution has behind its handle."""
        return _WHITE.sub(
            "", html.unescape(_ANY_TAG.sub(b"", self._page[at : at + _QUOTED]).decode("utf-8", "replace"))
        )

    def _words_before(self, claim: Attribution, at: int) -> int:
        """Where the last plain word of what an attribution signs stands before a byte; -1 if it does not stand near."""
        words = _PLAIN_WORD.findall(claim.text or "")
        return self._page.rfind(words[-1].encode(), max(0, at - _QUOTED), at) if words else -1

    def _paragraphs_before(self, block: LexborNode) -> str:
        """The text of the paragraphs above an attribution that has a paragraph of its own: at most four of them."""
        above: list[str] = []
        before = block.prev if block.tag in {"p", "div"} else None
        while before is not None and len(above) < 4:
            if before.is_element_node:
                if before.tag not in {"p", "blockquote", "div"} or len(text := self.text(before)) > 1500:
                    break
                above += [text] if text else []
            elif before.tag == "-text" and (before.text_content or "").strip():
                break
            before = before.prev
        return "\n".join(reversed(above))

    def _permalink(self, claim: Attribution, text: str, block: LexborNode) -> tuple[PostRef | None, str | None]:
        """The post that the date of an attribution links."""
        for link in block.css(self._tree.marked) if claim.ref is None else ():
            self._budget.spend(1000)
            url, label = link.attributes.get("href"), link.text().strip()
            if url and label and is_date_of(claim, label, text) and (ref := recognise(url)):
                return (ref, url) if ref.platform == claim.platform else (None, None)
        return claim.ref, claim.url

    def _quoted(self, claim: Attribution, text: str, start: int) -> tuple[Span, ...]:
        """The claim's candidates for the post's words where they stand in the source, those that can be found there."""
        within = any(span.start >= claim.start for span in claim.spans)
        stop = self._page.find(b">", start) + 1 or len(self._page) if within else start
        said = tuple(text[span.start : span.end] for span in claim.spans)
        self._budget.spend(50_000)
        places = words_before(self._page, said, stop, self._budget.spend)
        return tuple(
            Span(*place, span.confidence) for span, place in zip(claim.spans, places, strict=True) if place is not None
        )

    def _before(self, handle: int, attribution: str) -> int:
        """Where an attribution's dash stands in the source, tags and all; where none can be told, its handle."""
        low = max(0, handle - _NEAR)
        found = [self._page.rfind(dash, low, handle) for dash in _DASHES.get(attribution[:1], ())]
        at = max(found, default=-1)
        return at if at >= 0 else handle

    def _after(self, handle_end: int, attribution: str) -> int:
        """Where an attribution's date ends in the source."""
        last = attribution.split()[-1].encode()
        at = self._page.find(last, handle_end, handle_end + _NEAR)
        return at + len(last) if at >= 0 else handle_end

    def _around(self, node: LexborNode) -> LexborNode:
        """The smallest element round *node* with a paragraph's worth of text before an attribution."""
        for _ in range(4):
            parent = node.parent
            if (
                parent is None
                or parent.tag in {"body", "html", "-document", "article", "main"}
                or "\n" in self.text(node)
                or len(self.text(parent)) > 4000
            ):
                break
            node = parent
        return node


def is_date_of(signed: Attribution, label: str, text: str) -> bool:
    """Whether a link's text is the attribution's date; with the hour, where its network's codes write one."""
    if text[signed.start : signed.end].endswith(label):
        return True
    at = text.find(label, signed.start, signed.end + len(label))
    return platforms()[signed.platform].markup.has_hours and signed.start < at < signed.end < at + len(label)
