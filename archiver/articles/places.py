"""One reference where it stands in a page, the copies of one that are left out, and what becomes of it: an embed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archiver.articles.decoding import Decoded, characters
from archiver.articles.selectors import Tree, bytes_at
from archiver.model import Claim, Embed, Kind, PostRef, Selector, Span

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


class Place(NamedTuple):
    """One reference where it stands: `start`/`end` are byte offsets in the working copy (UTF-8) of the page."""

    kind: Kind
    platform: str
    ref: PostRef | None
    url: str | None
    claim: Claim
    where: str
    in_body: bool | None
    start: int
    end: int
    node: LexborNode | None = None
    is_container: bool = False
    #: Where a flattened post's own words may stand, in bytes of the working copy.
    spans: tuple[Span, ...] = ()


#: Characters are counted on from the last place up to here; from further off, from the page's nearest mark.
_FAR = 1 << 14
#: So many letters on end are the same post's.
_ALIKE = 30


def _letters(text: str | None) -> str:
    return "".join(filter(str.isalnum, text or "")).lower()


def said_by(claim: Claim) -> tuple[object, ...]:
    """What two copies of one claim have in common; where its words begin depends on what is looked at."""
    return claim.codes, (claim.handle or "").lower(), claim.date, _letters(claim.text)[-_ALIKE:]


def deduplicated(found: list[Place] | Iterator[Place]) -> list[Place]:
    """Places in order, without the second copy of one place: a fallback in `noscript`, a player inside an `object`, the
    same post again in the page's own data."""
    ordered = sorted(found, key=lambda place: (place.start, -place.end, place.where != "dom"))
    shown = {(p.platform, p.ref) for p in ordered if p.kind is Kind.EMBED and p.where == "dom" and p.ref}
    quoted: dict[tuple[str, str | None, dt.date], list[str]] = {}
    for place in ordered:
        if place.claim.date and place.kind is Kind.EMBED:
            key_of_quote = (place.platform, place.claim.handle, place.claim.date)
            quoted.setdefault(key_of_quote, []).append(_letters(place.claim.text))
    kept: list[Place] = []
    last: dict[tuple[Kind, PostRef | None, tuple[object, ...]], Place] = {}
    flat = {said_by(p.claim) for p in ordered if p.kind is Kind.FLATTENED and not p.where.startswith("script")}
    for place in ordered:
        key = (place.kind, place.ref, said_by(place.claim) if place.ref is None else ())
        earlier = last.get(key)
        if place.kind is Kind.FLATTENED and place.where.startswith("script") and said_by(place.claim) in flat:
            continue
        if place.kind is Kind.EMBED and place.where != "dom" and (place.platform, place.ref) in shown and place.ref:
            continue
        same = earlier is not None and earlier.kind is place.kind and place.ref is not None
        if same and earlier is not None and (place.claim.codes or place.claim.date) and not earlier.claim.date:
            # The later copy says more: the same post as a URL first, then as its markup.
            kept[kept.index(earlier)] = last[key] = earlier = earlier._replace(
                claim=replace(place.claim, cid=place.claim.cid or earlier.claim.cid)
            )
        if place.kind is Kind.FLATTENED and place.claim.date:
            # The same post again, without its markup; an author may be quoted with two posts of one day.
            said = _letters(place.claim.text)
            others = quoted.get((place.platform, place.claim.handle, place.claim.date), ())
            if any(not said or not other or other[:_ALIKE] in said or said[:_ALIKE] in other for other in others):
                continue
        if (
            earlier is not None
            and place.ref
            and not place.is_container
            and place.start < earlier.end + 1500
            and place.kind is Kind.EMBED
        ):
            continue
        if earlier is not None and place.where.startswith("script") and earlier.where.startswith("script"):
            continue
        if earlier is not None and place.start < earlier.end:
            continue
        last[key] = place
        kept.append(place)
    return kept


def finished(decoded: Decoded, page: bytes, tree: Tree | None, found: list[Place]) -> Iterator[Embed]:
    """Places as embeds: offsets in characters, selectors in the stored bytes."""
    is_plain = decoded.encoding == "ascii"
    is_same = page is decoded.content or (
        decoded.encoding == "utf-8" and len(page) + decoded.skipped == len(decoded.content)
    )
    cursor, before = 0, 0
    for place in sorted(found, key=lambda place: (place.start, place.end)):
        if is_plain:
            start, end = place.start, place.end
        else:
            if page is decoded.content and place.start - cursor > _FAR:
                cursor, before = max((cursor, before), decoded.mark(place.start))
            before += characters(page, cursor, place.start)
            cursor, start = place.start, before
            end = start + characters(page, place.start, place.end)
        stored = (
            (decoded.skipped + place.start, decoded.skipped + place.end)
            if is_same or is_plain
            else (decoded.byte(start), decoded.byte(end))
        )
        selectors: list[Selector] = [bytes_at(*stored)]
        if place.node is not None and tree is not None:
            selectors += tree.selectors(place.node)
        yield Embed(
            platform=place.platform, kind=place.kind, ref=place.ref, url=place.url, claim=place.claim,
            where=place.where, in_body=place.in_body, start=start, end=end, selectors=tuple(selectors),
            text_spans=tuple(
                Span(
                    start + _distance(page, place.start, span.start, is_plain=is_plain),
                    start + _distance(page, place.start, span.end, is_plain=is_plain),
                    span.confidence,
                )
                for span in place.spans
            ),
        )  # fmt: skip


def _distance(page: bytes, here: int, there: int, *, is_plain: bool) -> int:
    """How many characters further *there* is than *here*; negative where it is before."""
    if is_plain:
        return there - here
    return characters(page, here, there) if there >= here else -characters(page, there, here)
