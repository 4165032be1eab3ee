"""Posts in markup: blockquotes of every generation, frames, custom elements, placeholders, links, and what is hidden in
attributes, scripts, templates and escaped text.

The screen says where in the bytes a reference may stand; the start tag round it is given its own byte offset as an
attribute before the page goes to the tree builder, so that the elements worth visiting are found by one selector, each
knowing where it came from.
"""

from __future__ import annotations

import bisect
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.articles import screen, shortcodes
from archiver.articles.budget import STEPS, Budget
from archiver.articles.decoding import decode
from archiver.articles.elements import (
    TAG_NAME,
    UNSHOWN,
    awaited_post,
    canonical_address,
    container_of,
    digest,
    holds_markup,
    is_action,
    is_embed_box,
    is_unshown,
    named,
    own_ref,
    pair,
    short_code,
    shows_nothing,
    texts_after,
)
from archiver.articles.encoded import revealed
from archiver.articles.flattened import Attribution, attributions, short_codes
from archiver.articles.islands import Island, literals
from archiver.articles.nesting import guard, longest, refuse_tags
from archiver.articles.places import Place, deduplicated, finished
from archiver.articles.plain import author, urls
from archiver.articles.regions import TAG, Region, regions
from archiver.articles.selectors import Tree
from archiver.articles.signatures import Signatures, is_date_of
from archiver.articles.spans import in_string
from archiver.articles.state import shown
from archiver.errors import InputError
from archiver.model import Claim, Embed, Kind, PostRef, Span
from archiver.platforms import Platform, platforms, recognise

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

#: How many escapes deep a reference is looked for: an attribute in a string in a script is three.
MAX_ESCAPES = 4

# The name of the attribute that carries a start tag's byte offset. No page has attributes with a control character in
# their names; one that does gets another.
_MARK = "\x01at"
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml|<(?:rss|feed|rdf:RDF)\b)")
#: How much of a page is read after its last reference: the rest of the element that it is in.
_BEYOND = 8192
# Elements whose start tag says all: empty ones, and boxes that hold more than the embed.
_SHORT = frozenset(
    (b"img", b"embed", b"param", b"input", b"source", b"br", b"div", b"section", b"span", b"li", b"figure")
)
_EMBED_LINK = re.compile(
    r"(?<![a-z])(?:embed(?:ly|ded)?|oembed|lazy-?load-?\w+|lazy-?youtube|ytp?-lazy|youtube-lazy|video-lazy)(?![a-z])|embedly"
)
# Elements whose text is a sample of source.
_SAMPLES = frozenset({"code", "pre", "kbd", "samp"})
_MARKUP_IN_TEXT = re.compile(
    r"(?:<|&(?:amp;)*lt;)(?:blockquote|iframe|div|section|figure|amp-|a|p|object|embed|script)\b", re.IGNORECASE
)


def html_embeds(
    content: bytes, *, charset: str | None = None, location: str | None = None, is_screened: bool = True
) -> tuple[Embed, ...]:
    """Every post of one HTML (or XML, or JSON) document, in document order.

    Without the screen every element, text and string is looked at: a hundred times slower, for the same answer. That it
    is the same is what the screen has to prove.
    """
    ends = screen.references()(content) if is_screened and _is_ascii_compatible(content) else None
    if ends is not None and not ends:
        return ()
    decoded = decode(content, charset)
    page = decoded.content if decoded.encoding in {"ascii", "utf-8"} else decoded.text.encode()
    if decoded.encoding == "utf-8" and decoded.skipped:
        page = page[decoded.skipped :]
    if decoded.is_flawed and decoded.encoding == "utf-8":
        page = decoded.text.encode()
    reader = _Reader(page, location or "article", scan=screen.references() if is_screened else _everything)
    found = reader.places(ends if page is content else None)
    if reader.unread and not found:
        raise InputError(
            f"{reader.location}: too deep: its references stand escaped in one another, and no more than {MAX_ESCAPES} "
            "escapes are undone"
        )
    return tuple(finished(decoded, page, reader.tree, found))


_ANYTHING = re.compile(rb"""<[a-zA-Z][^\s/>]*|>[^<>]|["'`](?=[^\s,;:)])|^[^<]""")
_SIGNED = re.compile(r"[(（][ \[]?(?:@|＠|&#64;)\w| \w+ |[>\s]@\w".encode())


def _everything(page: bytes) -> list[tuple[int, int]]:
    """What the screen would say if it suspected everything: tags, texts, strings, and names."""
    last = len(screen.patterns())
    return sorted(
        [(last, m.end()) for m in _ANYTHING.finditer(page)] + [(0, m.end()) for m in _SIGNED.finditer(page)],
        key=lambda found: found[1],
    )


def _is_ascii_compatible(content: bytes) -> bool:
    return content[:2] not in {b"\xff\xfe", b"\xfe\xff"} and b"\x00" not in content[:64]


class _Reader:
    """Reads one document, or a piece of one that stands escaped in another."""

    def __init__(
        self, page: bytes, location: str, where: str = "dom", escapes: int = 0, scan: screen.Scan | None = None
    ) -> None:
        self.scan = scan or screen.references()
        # A feed keeps HTML in CDATA sections, which an HTML parser takes for comments.
        if _XML.match(page) and b"<![CDATA[" in page:
            page = page.replace(b"<![CDATA[", b" " * 9).replace(b"]]>", b"   ")
        self.page, self.location, self.where, self.escapes = page, location, where, escapes
        self.tree: Tree | None = None
        self.signatures: Signatures | None = None
        #: A JSON document is the article itself, so its links count; a script's strings may be of anything.
        self.keeps_links = False
        self.is_linked_data = False
        #: Of what a script's strings hold, embeds alone count.
        self.is_embeds_only = False
        #: Whether it is what an embed's own element says of it; the first post named there is the one.
        self.is_box = self.has_shown = False
        #: The post that the page itself is, where a network's own page was saved: it shows itself, and embeds nothing.
        self.canonical: PostRef | None = None
        self.nodes: dict[int, LexborNode] = {}
        #: Which platforms' patterns the screen found in a start tag; no other can be named there.
        self.networks: dict[int, frozenset[str]] = {}
        #: Where references stand too many escapes deep to be read.
        self.unread: list[str] = []
        #: Shared with the pieces.
        self.budget = Budget(location, None if scan is _everything else STEPS)
        #: Texts with references in no element: where each starts and stops.
        self.orphans: dict[int, int] = {}

    def places(self, ends: list[tuple[int, int]] | None = None) -> list[Place]:
        """Every reference, in order. *ends* is what the screen found, where it was asked already."""
        if ends is None:
            ends = self.scan(self.page)
        if not ends:
            return []
        if len(ends) > screen.MAX_REFERENCES and self.scan is not _everything:
            raise InputError(f"{self.location}: too large: it has more than {screen.MAX_REFERENCES} references")
        is_script = _is_script(self.page)
        if is_script:
            self.keeps_links = self.escapes == 0
            return deduplicated(self._island(0, len(self.page), "script-json", [end for _, end in ends]))
        page = self.page
        cut = page.find(b">", ends[-1][1]) + 1 or len(page)
        if self.scan is not _everything:
            refuse_tags(page, cut, self.location)
        raw_text, formatting, merged = regions(page, cut)
        marks, texts, signed, raw, last = self._sorted(ends, raw_text)
        found: list[Place] = []
        if marks or texts or signed:
            marked = sorted({*marks, *texts, *signed})
            self._parse(marked, last, cut, formatting, merged)
            found += self._elements(texts, marked)
            found = [p for p in found if p.ref != self.canonical or p.is_container or p.kind is not Kind.EMBED]
            found += self._flattened(signed, found, raw_text)
        found += self._in_orphans()
        kept = [place for at, positions in raw.items() for place in self._raw(raw_text[at], positions)]
        seen = {p.ref for p in found if p.kind is Kind.EMBED and p.where == "dom" and p.ref}
        found += kept if self.escapes else shown(kept, page, raw_text, self.canonical, seen, self.budget)
        return deduplicated(found)

    # --- where things stand in the bytes ----------------------------------------------------------------------------

    def _sorted(
        self, ends: list[tuple[int, int]], raw_text: list[Region]
    ) -> tuple[set[int], set[int], dict[int, list[int]], dict[int, list[int]], int]:
        """What the screen found, by where it stands: start tags that hold it, start tags whose text does, and those of
        them before attributions (with the ends of what was found); raw text, by its number; and the last byte of what
        is in no raw text."""
        marks: set[int] = set()
        texts: set[int] = set()
        signed: dict[int, list[int]] = {}
        raw: dict[int, list[int]] = {}
        starts = [region.tag for region in raw_text]
        networks = screen.networks() if self.scan is not _everything else ()
        last, lt_before, tag_end = 0, -1, 0
        order: list[int] = []
        for number, end in ends:
            at = bisect.bisect_right(starts, end - 1) - 1
            if at >= 0 and raw_text[at].start < end <= raw_text[at].stop:
                raw.setdefault(at, []).append(end)
                continue
            if self.is_embeds_only and screen.is_attribution(number):
                last, order = max(last, end), []
                continue
            lt = self._start_tag(end, raw_text, starts)
            if lt is None:
                self._is_orphaned(end)
                continue
            if lt != lt_before:
                tag = TAG.match(self.page, lt)
                lt_before, tag_end = lt, tag.end() if tag else len(self.page)
            if screen.is_attribution(number):
                signed.setdefault(lt, []).append(end)
            elif tag_end < end:
                texts.add(lt)
            else:
                if lt not in marks:
                    marks.add(lt)
                    order.append(lt)
                    self._is_canonical(lt)
                if networks:
                    before = self.networks.get(lt)
                    self.networks[lt] = networks[number] | before if before else networks[number]
                continue
            last, order = max(end, tag_end), []
        if self.scan is not _everything:
            # Pages end in links to shares and profiles; up to where nothing but those follows is as far as a tree is
            # needed.
            while order and shows_nothing(self.page, order[-1], self.networks[order[-1]]):
                marks.discard(order.pop())
            if order and not texts and not signed and all(is_unshown(self.page, lt) for lt in marks):
                marks.clear()
        if order:
            tag = TAG.match(self.page, order[-1])
            last = tag.end() if tag else len(self.page)
        return marks, texts, signed, raw, last

    def _is_canonical(self, lt: int) -> None:
        """Note the post that the page itself is, where a network's own page says so in its head."""
        if (address := canonical_address(self.page, lt)) is not None:
            self.canonical = recognise(address)

    def _is_orphaned(self, end: int) -> None:
        """Note the text that a match is in where no element begins before it."""
        start, stop = self.page.rfind(b">", 0, end) + 1, self.page.find(b"<", end)
        self.orphans.setdefault(start, stop if stop >= 0 else len(self.page))

    def _in_orphans(self) -> Iterator[Place]:
        """References in text that stands before the first element."""
        opened = b"<div>"
        for start, stop in self.orphans.items():
            if self.escapes >= MAX_ESCAPES:
                self._leave(self.where, self.page[start:stop])
                continue
            piece = self._piece(opened + self.page[start:stop], self.where)
            for place in self._places_of(piece):
                shift = start - len(opened)
                spans = tuple(replace(s, start=s.start + shift, end=s.end + shift) for s in place.spans)
                yield place._replace(
                    start=max(start, place.start + shift), end=place.end + shift, node=None, spans=spans
                )

    def _start_tag(self, end: int, regions: list[Region], starts: list[int]) -> int | None:
        """The start tag that a match is in, or the last one before it."""
        page, lt = self.page, end
        for _ in range(1000):
            lt = page.rfind(b"<", 0, lt)
            if lt < 0:
                return None
            inside = bisect.bisect_right(starts, lt) - 1
            if inside >= 0 and regions[inside].start <= lt < regions[inside].stop:
                lt = regions[inside].tag  # what looks like a tag inside a script is none
            if page[lt + 1 : lt + 2].isalpha():
                return lt
        return None

    def _parse(self, at: list[int], last: int, screened: int, formatting: int, merged: list[int]) -> None:
        from selectolax.lexbor import LexborHTMLParser

        # What follows the last reference, and the element that it is in, cannot change where those before it stand.
        name = TAG_NAME.match(self.page, at[-1])
        last = max(last, self._end(at[-1], name[0][1:].lower() if name else b""))
        end = min(last + _BEYOND, len(self.page))
        mark = _MARK
        while self.page.find(b"\x01", 0, end) >= 0 and mark.encode() in self.page:
            mark += "x"
        parts, previous = [], 0
        for lt in at:
            name = TAG_NAME.match(self.page, lt)
            cut = name.end() if name else lt + 1
            parts += [self.page[previous:cut], b" %s=%d " % (mark.encode(), lt)]
            previous = cut
        parts.append(self.page[previous:end])
        marked = b"".join(parts)
        # A mark is an attribute, and each another one.
        formatting += len(at)
        guard(marked, formatting, longest(self.page, merged), max(0, end - screened), self.budget)
        self.tree = Tree(LexborHTMLParser(marked), mark, self.budget)
        self.signatures = Signatures(self.page, self.tree, self.where, self.budget)

    # --- elements ---------------------------------------------------------------------------------------------------

    def _elements(self, texts: set[int], marked: list[int]) -> Iterator[Place]:
        assert self.tree is not None
        mark = self.tree.mark
        inside: dict[int, int] = {}
        for node in self.tree.parser.css(self.tree.marked):
            attributes = node.attributes
            at = int(attributes[mark] or 0)
            self.nodes[at] = node
            if node.tag == "link" and (attributes.get("rel") or "") == "canonical":
                self.canonical = recognise(attributes.get("href") or "")
            container = container_of(node.tag or "", attributes)
            if container and (at not in inside or (inside[at] != at and own_ref(attributes, node, container))):
                place = self._container(at, node, attributes, container)
                if place:
                    for inner in node.css(self.tree.marked):
                        inside[int(inner.attributes[mark] or 0)] = at
                    yield place
                    continue
            if at in inside and inside[at] != at:
                continue
            yield from self._element(at, node, attributes)
            if at in texts:
                yield from self._text(at, node)
        if any(at not in self.nodes for at in marked):
            yield from self._within_attributes()

    def _within_attributes(self) -> Iterator[Place]:
        """References in markup that stands in an attribute unescaped: it is the outer element that can be visited."""
        assert self.tree is not None
        mark = re.compile(f" {self.tree.mark}=([0-9]+) ")
        for node in self.tree.parser.css("*"):
            self.budget.spend(1000)
            for name, value in node.attributes.items():
                if value and (found := mark.search(value)):
                    for place in self._inner(mark.sub("", value), f"attr:{name}", int(found[1]), None):
                        yield place._replace(node=node)

    def _element(self, at: int, node: LexborNode, attributes: dict[str, str | None]) -> Iterator[Place]:
        tag = node.tag or ""
        if tag in UNSHOWN:
            return
        assert self.tree is not None
        is_link = tag in {"a", "area"}
        networks = self.networks.get(at)
        seen: set[PostRef] = set()
        if (awaited := awaited_post(tag, attributes)) and not node.text(strip=True):
            seen.add(awaited)
            yield self._place(Kind.EMBED, awaited, None, at, node)
        for name, value in attributes.items():
            if not value or name == self.tree.mark or (is_action(name) and not (name == "value" and tag == "param")):
                continue
            if is_link and name != "href":
                continue
            hidden = revealed(value)
            if hidden or holds_markup(value) or value.lstrip()[:1] in "{[":
                if self.escapes >= MAX_ESCAPES:
                    self._leave(name, value.encode("utf-8", "replace"))
                elif len(value) > 20:
                    is_box = is_embed_box(tag, attributes.get("class") or "")
                    yield from self._inner(hidden or value, f"attr:{name}", at, node, is_box=is_box)
                continue
            if ref := named(name, value, tag, attributes.get("class") or "", networks):
                if ref in seen:
                    continue
                seen.add(ref)
                url = value if "/" in value else None
                is_embed, signed = self._is_embed_link(node, attributes, ref) if is_link else (True, None)
                place = self._place(Kind.EMBED if is_embed else Kind.LINK, ref, url, at, node)
                if (owner := platforms().get(ref.platform)) and (cid := digest(owner, node)):
                    place = place._replace(claim=replace(place.claim, cid=cid))
                if signed is not None:
                    said = Claim(signed.handle, signed.name, signed.date, signed.text, signed.codes, signed.pic_codes)
                    place = place._replace(claim=said)
                yield place
            elif "/" in value and (code := short_code(value)):
                platform, short = code
                codes, pics = short_codes(value, 0, len(value))
                place = self._place(Kind.SHORTLINK, PostRef(platform, short), value, at, node)
                yield place._replace(ref=None, claim=Claim(codes=codes or (short,), pic_codes=pics))

    def _place(self, kind: Kind, ref: PostRef, url: str | None, at: int, node: LexborNode) -> Place:
        assert self.tree is not None
        return Place(
            kind=kind, platform=ref.platform, ref=ref, url=url, claim=Claim(handle=author(ref, url) if url else None),
            where=self.tree.where(node) if self.where == "dom" else self.where,
            in_body=self.tree.in_body(node) if self.where == "dom" else None,
            start=at, end=self._end(at, _name(node)), node=node,
        )  # fmt: skip

    def _end(self, at: int, name: bytes, *, is_whole: bool = False) -> int:
        """Where the element of that *name* ends: its end tag for what has content, else its start tag."""
        page = self.page
        tag = TAG.match(page, at)
        end = tag.end() if tag else page.find(b">", at) + 1 or len(page)
        if not name or name == b"iframe" or (name in _SHORT and not is_whole):
            return end
        depth, position = 1, end
        pattern = pair(name)
        for _ in range(200):
            found = pattern.search(page, position, position + 200_000)
            if not found:
                return end
            depth += -1 if found[0][1:2] == b"/" else 1
            position = found.end()
            if depth == 0:
                close = page.find(b">", position)
                return close + 1 if close >= 0 else end
        return end

    def _container(
        self, at: int, node: LexborNode, attributes: dict[str, str | None], platform: Platform
    ) -> Place | None:
        """The element that an embed code made: one embed, whatever it holds."""
        assert self.tree is not None and self.signatures is not None
        tag = node.tag or ""
        if tag in UNSHOWN or (tag == "a" and "intent/" in (attributes.get("href") or "")):
            return None
        classes, networks = attributes.get("class") or "", self.networks.get(at)
        refs: list[tuple[PostRef, str]] = []
        for name, value in attributes.items():
            if value and name != self.tree.mark and (ref := named(name, value, tag, classes, networks)):
                refs.append((ref, value))
        own = [r for r in refs if r[0].platform == platform.name]
        reach = 0
        if not own:
            links: list[tuple[PostRef, str, int]] = []
            for inner in node.css(self.tree.marked):
                inner_attributes = inner.attributes
                inner_classes = inner_attributes.get("class") or ""
                if inner.mem_id != node.mem_id and own_ref(inner_attributes, inner, platform):
                    return None  # a wrapper round embeds, each of which speaks for itself
                inner_at = int(inner_attributes[self.tree.mark] or 0)
                inner_networks = self.networks.get(inner_at)
                for name, value in inner_attributes.items():
                    if (
                        value
                        and name != self.tree.mark
                        and (ref := named(name, value, inner.tag or "", inner_classes, inner_networks))
                    ):
                        links.append((ref, value, inner_at))
            links = [link for link in links if link[0].platform == platform.name]
            if links:
                link_ref, link_url, reach = links[-1] if platform.markup.is_last else links[0]
                own = [(link_ref, link_url)]
        text = self.signatures.text(node)
        claims = [a for a in attributions(text) if a.platform == platform.name]
        claim = claims[-1] if claims else None
        if not own and claim is None:
            return None
        # An element that was never closed reaches to its permalink at least.
        link_tag = TAG.match(self.page, reach) if reach else None
        end = max(self._end(at, _name(node), is_whole=True), link_tag.end() if link_tag else 0)
        self.budget.spend(20 * (end - at))
        codes, pics = short_codes(self.page[at:end].decode("utf-8", "replace").replace("&#x2F;", "/"), 0, 1 << 30)
        ref, url = own[0] if own else (None, None)
        url = url if url and "/" in url else None
        said = text[: claim.start].strip() if claim else None
        return Place(
            kind=Kind.EMBED, platform=platform.name, ref=ref, url=url,
            claim=Claim(
                handle=claim.handle if claim else author(ref, url) if ref and url else None,
                name=claim.name if claim else None, date=claim.date if claim else None, text=said or None,
                codes=codes, pic_codes=pics, cid=digest(platform, node),
            ),
            where=self.tree.where(node) if self.where == "dom" else self.where,
            in_body=self.tree.in_body(node) if self.where == "dom" else None,
            start=at, end=end, node=node, is_container=True,
        )  # fmt: skip

    def _is_embed_link(
        self, node: LexborNode, attributes: dict[str, str | None], ref: PostRef
    ) -> tuple[bool, Attribution | None]:
        """Whether a link stands for an embed: by its class, by the wrapper round it, or because it is the date of an
        attribution in a quotation, which is then given too."""
        assert self.signatures is not None
        if _EMBED_LINK.search((attributes.get("class") or "").lower()) or "data-iframely-url" in attributes:
            return True, None
        parent, levels = node.parent, 0
        while parent is not None and parent.is_element_node and levels < 8:
            if parent.tag == "blockquote":
                label = node.text().strip()
                # A script replaces it: a link without text shows nobody anything.
                if _EMBED_LINK.search((parent.attributes.get("class") or "").lower()) or (
                    not label and node.first_child is None
                ):
                    return True, None
                text = self.signatures.text(parent)
                for signed in self.signatures.of(parent):
                    if signed.platform == ref.platform and label and is_date_of(signed, label, text):
                        return True, signed
                return False, None
            if "wp-block-embed__wrapper" in (parent.attributes.get("class") or ""):
                return True, None
            parent, levels = parent.parent, levels + 1
        return False, None

    # --- text -------------------------------------------------------------------------------------------------------

    def _text(self, at: int, node: LexborNode) -> Iterator[Place]:
        """References written out in the text that follows a start tag."""
        assert self.tree is not None
        link = node if node.tag == "a" else None
        linked = recognise(link.attributes.get("href") or "") if link else None
        # A second `html` or `body` tag leaves no element where it stood; its text is read from the bytes.
        merged = node.tag in {"html", "body", "head"}
        for owner, text in [(node, self._text_at(at))] if merged else texts_after(node):
            self.budget.spend(40 * len(text))
            if self.escapes < MAX_ESCAPES and _MARKUP_IN_TEXT.search(text):
                yield from self._inner(text, "escaped-text", at, None)
                continue
            for named_at, url in urls(text):
                url = url if "//" in url[:8] else f"https://{url}"
                ref = recognise(url)
                if ref is None or ref == linked:
                    continue
                start, end = self._find(url, ref.id, at)
                is_embed = "wp-block-embed__wrapper" in (owner.attributes.get("class") or "") or (
                    owner.tag not in _SAMPLES and shortcodes.holds(text, named_at)
                )
                kind = Kind.EMBED if is_embed else Kind.LINK
                yield self._place(kind, ref, url, at, owner)._replace(start=start, end=end, node=owner)
            for _, _, ref in shortcodes.posts(text) if owner.tag not in _SAMPLES else ():
                start, end = self._find(ref.id, ref.id, at)
                yield self._place(Kind.EMBED, ref, None, at, owner)._replace(start=start, end=end, node=owner)
            if self.is_embeds_only:
                continue
            told = short_code((link.attributes.get("href") if link else None) or "")
            codes, pics = short_codes(text, 0, len(text))
            for code in codes:
                if told and told[1] == code and code not in pics:
                    continue
                start, end = self._find(code, code, at)
                yield Place(
                    kind=Kind.SHORTLINK, platform="twitter", ref=None, url=None,
                    claim=Claim(codes=(code,), pic_codes=(code,) if code in pics else ()),
                    where=self.tree.where(owner) if self.where == "dom" else self.where,
                    in_body=self.tree.in_body(owner) if self.where == "dom" else None, start=start, end=end, node=owner,
                )  # fmt: skip

    def _text_at(self, at: int) -> str:
        tag = TAG.match(self.page, at)
        begin = tag.end() if tag else at
        stop = self.page.find(b"<", begin)
        return html.unescape(self.page[begin : stop if stop >= 0 else len(self.page)].decode("utf-8", "replace"))

    def _find(self, url: str, id: str, at: int) -> tuple[int, int]:
        for text in (url, id.rpartition("/")[2]):
            start = self.page.find(text.encode(), at)
            self.budget.spend(((start if start >= 0 else len(self.page)) - at) // 2)
            if start >= 0:
                return start, start + len(text.encode())
        return at, at + 1

    def _flattened(self, signed: dict[int, list[int]], found: list[Place], raw_text: list[Region]) -> Iterator[Place]:
        """Attributions in the page's text that no embed's element holds, as where a CMS unwrapped a blockquote.

        Only those behind a dash: pages have too many names with handles and dates that are comments and bylines.
        """
        assert self.signatures is not None
        taken = [(p.start, p.end) for p in found if p.kind is Kind.EMBED]
        starts = [region.tag for region in raw_text]
        for at, ends in signed.items():
            node = self.nodes.get(at)
            self.budget.spend(50 * len(taken) * len(ends))
            free = [end for end in ends if not any(a <= end < b for a, b in taken)]
            if node is None or not free:
                continue

            def is_here(handle: int, at: int = at) -> bool:
                # It is read where its handle stands, if that is where the screen saw one: beginning elsewhere, more or
                # less of the page would be its surroundings.
                own = self._start_tag(handle, raw_text, starts)
                return own == at or own not in signed

            yield from self.signatures.flattened(node, free, is_here)

    def _leave(self, where: str, content: bytes) -> None:
        """Note what stands too many escapes deep, if any reference is there."""
        if screen.references()(content):
            self.unread.append(where)

    def _piece(self, content: bytes, where: str) -> _Reader:
        piece = _Reader(content, self.location, where, self.escapes + 1, self.scan)
        piece.unread, piece.budget, piece.is_embeds_only = self.unread, self.budget, self.is_embeds_only
        self.budget.spend(10_000 + 20 * len(content))
        return piece

    def _places_of(self, piece: _Reader) -> list[Place]:
        """A piece that cannot be read costs the page no more than itself."""
        try:
            return piece.places()
        except InputError:
            if self.budget.is_spent:
                raise
            self.unread.append(piece.where)
            return []

    # --- what stands escaped ----------------------------------------------------------------------------------------

    def _inner(
        self, text: str, where: str, at: int, node: LexborNode | None, *, is_box: bool = False
    ) -> Iterator[Place]:
        """References in markup or JSON that stands escaped in an attribute, a text or a string of this page."""
        # Text before the first tag needs an element to stand in.
        content = text if text.lstrip()[:1] in {"<", "{", "["} else f"<div>{text}"
        piece = self._piece(content.encode("utf-8", "replace"), where)
        piece.is_box = is_box
        end = self._end(at, _name(node)) if node is not None else None
        # The same id may stand unescaped between the start tag and the text.
        begin = max(at, self.page.find(b"&lt;", at)) if where == "escaped-text" else at
        for place in self._places_of(piece):
            if place.kind is not Kind.EMBED and where.startswith("script"):
                continue
            start, stop = (
                (at, end)
                if end
                else self._find(place.ref.id if place.ref else "\0", place.ref.id if place.ref else "\0", begin)
            )
            in_body = (
                self.tree.in_body(node) if self.tree and node is not None and self.where == "dom" else place.in_body
            )
            yield place._replace(start=start, end=stop, node=node, where=where, in_body=in_body, spans=())

    def _raw(self, region: Region, positions: list[int]) -> Iterator[Place]:
        """References in raw text."""
        tag_at, name, begin, stop = region
        if name in {"!--", "style", "title"}:
            return
        if name in {"script"}:
            tag = self.page[tag_at:begin].lower()
            is_markup = b"text/html" in tag or b"template" in tag or b"text/x-" in tag
            if is_markup and self.escapes < MAX_ESCAPES:
                if hidden := revealed(self.page[begin:stop].decode("utf-8", "replace")):
                    yield from self._inner_at(hidden, "template", begin, stop - begin)
                else:
                    yield from self._shifted(begin, stop, "template")
                return
            kind = "script-json" if b"json" in tag or b"data-" in tag else "script-js"
            self.is_linked_data = b"ld+json" in tag
            yield from self._island(begin, stop, kind, positions)
            return
        if self.escapes >= MAX_ESCAPES:
            self._leave(name, self.page[begin:stop])
            return
        if name == "template":
            yield from self._shifted(begin, stop, "template")
        else:
            text = html.unescape(self.page[begin:stop].decode("utf-8", "replace"))
            yield from self._inner(text, name, begin, None)

    def _shifted(self, begin: int, stop: int, where: str) -> Iterator[Place]:
        piece = self._piece(self.page[begin:stop], where)
        for place in self._places_of(piece):
            spans = tuple(replace(s, start=s.start + begin, end=s.end + begin) for s in place.spans)
            yield place._replace(start=place.start + begin, end=place.end + begin, node=None, spans=spans)

    def _island(self, begin: int, stop: int, where: str, positions: list[int]) -> Iterator[Place]:
        """References in the strings of a script or of a JSON document."""
        if self.escapes >= MAX_ESCAPES:
            self._leave(where, self.page[begin:stop])
            return
        self.budget.spend(10 * (stop - begin))
        for island in literals(self.page[begin:stop], [p - begin for p in positions]):
            self.budget.spend(10 * len(island.text))
            at = begin + island.start
            yield from self._string(island, where, at)

    def _string(self, island: Island, where: str, at: int) -> Iterator[Place]:
        if island.call is not None:
            platform, id = island.call
            yield Place(
                Kind.EMBED, platform, PostRef(platform, id), None, Claim(), where, None, at, at + len(island.raw)
            )
            return
        text = revealed(island.text) or island.text
        if holds_markup(text):
            yield from self._inner_at(text, where, at, len(island.raw))
        elif (ref := recognise(text)) is not None:
            # Linked data describes what the page shows; what is described is shown elsewhere.
            is_embed = not self.has_shown if self.is_box else island.is_embed
            self.has_shown = True
            if (is_embed and not self.is_linked_data) or self.keeps_links:
                kind = Kind.EMBED if is_embed else Kind.LINK
                claim = Claim(handle=author(ref, text))
                yield Place(kind, ref.platform, ref, text, claim, where, None, at, at + len(island.raw))
        elif "(@" in text and (signed := list(attributions(text))):
            yield from self._signed_string(island, signed, where, at)
        elif '"' in text:
            piece = self._piece(text.encode("utf-8", "replace"), where)
            ends = [end for _, end in self.scan(piece.page)]
            for place in piece._island(0, len(piece.page), where, ends):
                start, stop = self._find_in(place, at, at + len(island.raw))
                yield place._replace(start=start, end=stop, spans=())

    def _signed_string(self, island: Island, signed: list[Attribution], where: str, at: int) -> Iterator[Place]:
        """The flattened posts of an article's text that a script keeps as a string."""
        shown = [found for found in signed if found.date is not None and found.text]
        ranges = [(found.start, found.end) for found in shown]
        ranges += [(span.start, span.end) for found in shown for span in found.spans]
        self.budget.spend(20 * len(island.raw) + 1000 * len(ranges))
        runs = iter(in_string(island.raw, island.text, ranges))
        bounds = [next(runs) for _ in shown]
        cursor = at
        for found, run in zip(shown, bounds, strict=True):
            spans = [(span, next(runs)) for span in found.spans]
            start = max(cursor, self.page.find(found.handle.encode(), cursor, at + len(island.raw)))
            cursor = start + 1
            start, end = (at + run[0], at + run[1]) if run else (start, start + len(found.handle.encode()))
            yield Place(
                Kind.FLATTENED, found.platform, found.ref, found.url, found.claim, where, None, start, end,
                spans=tuple(Span(at + said[0], at + said[1], span.confidence) for span, said in spans if said),
            )  # fmt: skip

    def _inner_at(self, text: str, where: str, at: int, length: int) -> Iterator[Place]:
        piece = self._piece(text.encode("utf-8", "replace"), where)
        piece.is_embeds_only = piece.is_embeds_only or not self.keeps_links
        for place in self._places_of(piece):
            if place.kind is Kind.EMBED or self.keeps_links:
                start, stop = self._find_in(place, at, at + length)
                yield place._replace(start=start, end=stop, node=None, spans=())

    def _find_in(self, place: Place, start: int, stop: int) -> tuple[int, int]:
        """The bytes of a post's id in the raw form of what was unescaped; ids need no escapes themselves."""
        if place.ref:
            id = place.ref.id.rpartition("/")[2].encode()
            at = self.page.find(id, start, stop)
            if at >= 0:
                return at, at + len(id)
        return start, stop


def _name(node: LexborNode) -> bytes:
    return (node.tag or "").encode()


def _is_script(page: bytes) -> bool:
    """Whether a document is JSON or a script rather than markup."""
    head = page[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return bool(re.match(rb"[{\[]\s*[\"{\[\]}\d]|(?:import|export|const|let|var|window\.|self\.|/\*|//|[\"'`])", head))
