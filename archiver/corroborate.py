"""The article's claim against what was captured, field by field: an article that misquotes is shown to.

Verdicts are a closed set: corroborated (they agree), differs (close, not equal: the difference is given),
contradicted (they cannot both be right), unconfirmed (one side says nothing).
"""

from __future__ import annotations

import datetime as dt
import difflib
import enum
import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver import dagcbor
from archiver.likeness import without_name
from archiver.model import Embed, Kind, Span, moment, timestamp

#: A date in an embed states no zone: whoever rendered it may have been anywhere on Earth (PLATFORMS.md 2).
_ZONES = dt.timedelta(hours=26)
#: Below this share of matching words two texts are not the same text.
_SAME = 0.6
_CODE = re.compile(r"(?:https?://)?(?:t\.co|pic\.(?:twitter|x)\.com)/\w+", re.ASCII)
_LINK = re.compile(r"https?://\S+")
_WORD = re.compile(r"\w+|[^\w\s]")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "…": "."})


class Verdict(enum.StrEnum):
    CORROBORATED = "corroborated"
    DIFFERS = "differs"
    CONTRADICTED = "contradicted"
    UNCONFIRMED = "unconfirmed"


_WORST = (Verdict.CONTRADICTED, Verdict.DIFFERS, Verdict.CORROBORATED, Verdict.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the claim and what the post says; `note` is a readable difference."""

    verdict: Verdict
    claimed: str | None
    seen: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Corroboration:
    """The verdict per field; `overall` is the worst of them; `span` is where the post's text stands in the article,
    in characters, once known from the post itself."""

    overall: Verdict
    fields: dict[str, Field]
    span: Span | None = None


def corroborate(
    embed: Embed,
    shown: dict[str, Any],
    article: str | None,
    *,
    kept: Mapping[str, str] | None = None,
    id_at: dt.datetime | None = None,
) -> Corroboration:
    """Compare an embed's claim with a post (JSON-ready, as a snapshot keeps it); *article* is the text its offsets
    count in, None where there is none.

    *kept* are the SHA-256 of the post's media that are kept, by key; *id_at* is the time that its id carries. The
    fields `cid`, `media` and `id` are there only where article, post or id state something of them.
    """
    claim = embed.claim
    author = shown["author"]
    said, _ = without_name(claim.text or "", None, claim.name, author["name"])
    # A dash in the author's name took its first part for the post's last words.
    name = claim.text[len(said) :].strip() + f" {claim.name}" if claim.text and said != claim.text else claim.name
    span = align(article, shown["text"], embed) if article is not None and embed.kind is Kind.FLATTENED else None
    quoted = article[span.start : span.end] if article is not None and span is not None else said or None
    fields = {
        "handle": _handle(claim.handle, author["handle"]),
        "name": _name(name, author["name"]),
        "date": _date(claim.date, shown["created_at"], shown["created_on"]),
        "text": _text(quoted, shown["text"], is_cut=shown["is_truncated"]),
        "codes": _codes(claim.codes, shown),
    }
    if claim.cid:
        fields["cid"] = _record(claim.cid, dict(shown.get("extra", ())))
    if media := _media(claim.pic_codes, shown.get("media", ()), kept or {}):
        fields["media"] = media
    if id_at is not None:
        fields["id"] = _made(id_at, claim.date, shown["created_at"])
    overall = next(verdict for verdict in _WORST if any(field.verdict is verdict for field in fields.values()))
    return Corroboration(overall, fields, span)


def _handle(claimed: str | None, seen: str | None) -> Field:
    if not claimed or not seen:
        return Field(Verdict.UNCONFIRMED, claimed, seen)
    same = claimed.lower().lstrip("@") == seen.lower().lstrip("@")
    # Handles can be renamed; another handle on the same id is a difference worth a look, not a proof of forgery.
    return Field(Verdict.CORROBORATED if same else Verdict.DIFFERS, claimed, seen)


def _name(claimed: str | None, seen: str | None) -> Field:
    if not claimed or not seen:
        return Field(Verdict.UNCONFIRMED, claimed, seen)
    letters = [re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold() for name in (claimed, seen)]
    # A lossy pipeline turns emoji into question marks, so only letters and digits are compared.
    return Field(Verdict.CORROBORATED if letters[0] == letters[1] else Verdict.DIFFERS, claimed, seen)


def _date(claimed: dt.date | None, created_at: str | None, created_on: str | None) -> Field:
    said = claimed.isoformat() if claimed else None
    if claimed is None or not (created_at or created_on):
        return Field(Verdict.UNCONFIRMED, said, created_at or created_on)
    midnight = dt.datetime.combine(claimed, dt.time(), dt.UTC)
    if created_at:
        fits = midnight - _ZONES <= moment(created_at) < midnight + dt.timedelta(days=1) + _ZONES
        return Field(Verdict.CORROBORATED if fits else Verdict.CONTRADICTED, said, created_at)
    days = abs((dt.date.fromisoformat(str(created_on)) - claimed).days)
    return Field(Verdict.CORROBORATED if days <= 1 else Verdict.CONTRADICTED, said, created_on)


def _codes(claimed: tuple[str, ...], shown: dict[str, Any]) -> Field:
    seen = [link["url"].rpartition("/")[2] for link in shown["links"] if "//t.co/" in link["url"]]
    said = " ".join(claimed) or None
    if not claimed or not seen:
        return Field(Verdict.UNCONFIRMED, said, " ".join(seen) or None)
    missing = [code for code in claimed if code not in seen]
    if not missing:
        return Field(Verdict.CORROBORATED, said, " ".join(seen))
    return Field(Verdict.DIFFERS, said, " ".join(seen), "not in the post: " + " ".join(missing))


def _record(claimed: str, extra: dict[str, Any]) -> Field:
    """The digest in the embed code against the record: the digest of its canonical DAG-CBOR proves that it is the one
    the article embedded, whoever served it (https://atproto.com/specs/data-model)."""
    seen, is_verified = extra.get("cid"), extra.get("cid_verified")
    if not seen:
        return Field(Verdict.UNCONFIRMED, claimed, None)
    if dagcbor.parts(claimed)[1] is None:
        return Field(Verdict.UNCONFIRMED, claimed, seen, "what the article states is no digest of a record")
    if seen != claimed:
        return Field(
            Verdict.CONTRADICTED,
            claimed,
            seen,
            "another record stands under this address than the one the article embeds: it was edited or exchanged",
        )
    if is_verified is None:
        return Field(Verdict.UNCONFIRMED, claimed, seen, "the source names the same record; it could not be encoded")
    if is_verified is False:
        return Field(
            Verdict.CONTRADICTED,
            claimed,
            seen,
            "the source names the record the article embeds, and what it shows is another: its digest differs",
        )
    return Field(Verdict.CORROBORATED, claimed, seen, "the record, encoded again, has the digest the article states")


def _media(pics: tuple[str, ...], shown: Sequence[Mapping[str, Any]], kept: Mapping[str, str]) -> Field | None:
    """Pictures the article shows a link of, and originals whose digest the record states, against what is kept. None
    where neither says anything that can be compared."""
    stated = [each for each in shown if each.get("sha256")]
    if not stated and not pics:
        return None
    said = " ".join(f"pic:{code}" for code in pics) or None
    seen = ", ".join(f"{each['kind']} {each['key']}" for each in shown) or None
    if not shown:
        # Some sources show no media of any post, so that this is no difference yet.
        return Field(
            Verdict.UNCONFIRMED, said, None, "the article links to a picture or film, and the source shows none"
        )
    if not stated:
        return Field(Verdict.CORROBORATED, said, seen)
    same = [each for each in stated if kept.get(each["key"]) == each["sha256"]]
    if len(same) == len(stated):
        return Field(
            Verdict.CORROBORATED, said, seen, f"{len(same)} of {len(shown)} kept with the digest the record states"
        )
    other = [each["key"] for each in stated if kept.get(each["key"]) not in (None, each["sha256"])]
    if other:
        return Field(
            Verdict.UNCONFIRMED, said, seen, "kept as re-encoded, so not comparable by digest: " + ", ".join(other)
        )
    return Field(Verdict.UNCONFIRMED, said, seen, f"{len(stated) - len(same)} of {len(stated)} originals are not kept")


def _made(id_at: dt.datetime, claimed: dt.date | None, created_at: str | None) -> Field:
    """The time the id carries against every date that is stated: ids are made when a post is, or on its way to another
    server; a client that chooses its ids, or a server that takes over old posts, may say otherwise."""
    made = timestamp(id_at)
    if created_at:
        apart = abs(moment(created_at) - id_at)
        if apart <= dt.timedelta(days=1):
            return Field(Verdict.CORROBORATED, created_at, made)
        # Nothing against the article: the post itself is what states two times.
        return Field(
            Verdict.UNCONFIRMED,
            created_at,
            made,
            f"the id was made {apart.days} days apart from the time the post states",
        )
    if claimed is None:
        return Field(Verdict.UNCONFIRMED, None, made)
    midnight = dt.datetime.combine(claimed, dt.time(), dt.UTC)
    if midnight - _ZONES <= id_at < midnight + dt.timedelta(days=1) + _ZONES:
        return Field(Verdict.CORROBORATED, claimed.isoformat(), made)
    return Field(Verdict.DIFFERS, claimed.isoformat(), made, f"the article says {claimed}, the id was made at {made}")


def words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text, folded, with their offsets; links and codes left out, because every quotation and every
    source writes them differently."""
    found = []
    skip = [match.span() for pattern in (_LINK, _CODE) for match in pattern.finditer(text)]
    for match in _WORD.finditer(text):
        if any(start <= match.start() < end for start, end in skip):
            continue
        folded = unicodedata.normalize("NFKC", match[0].translate(_QUOTES)).casefold()
        found.append((folded, match.start(), match.end()))
    return found


def _text(claimed: str | None, seen: str, *, is_cut: bool) -> Field:
    if not claimed or not seen:
        return Field(Verdict.UNCONFIRMED, claimed, seen or None)
    said = [word for word, *_ in words(html.unescape(claimed)) if word.isalnum()]
    says = [word for word, *_ in words(html.unescape(seen)) if word.isalnum()]
    if said == says or (is_cut and said[: len(says)] == says):
        return Field(Verdict.CORROBORATED, claimed, seen)
    matcher = difflib.SequenceMatcher(None, says, said, autojunk=False)
    verdict = Verdict.DIFFERS if matcher.ratio() >= _SAME else Verdict.CONTRADICTED
    return Field(verdict, claimed, seen, _difference(matcher, says, said))


def _difference(matcher: difflib.SequenceMatcher[str], says: list[str], said: list[str]) -> str:
    """Readable: what the post says and the article lacks in [-…-], what the article adds in {+…+} (as wdiff)."""
    parts = []
    for op, a, b, c, d in matcher.get_opcodes():
        if op == "equal":
            kept = says[a:b]
            parts.append(" ".join(kept) if len(kept) < 9 else " ".join([*kept[:4], "…", *kept[-4:]]))
            continue
        if b > a:
            parts.append("[-" + " ".join(says[a:b]) + "-]")
        if d > c:
            parts.append("{+" + " ".join(said[c:d]) + "+}")
    return " ".join(parts)


def align(article: str, text: str, embed: Embed) -> Span | None:
    """Where a flattened post's own text stands in the article: the stretch before the attribution whose words are the
    post's words, in order. None where fewer than 60 % of them are there.

    A flattened quotation has a sure end and an open start, so words are matched backwards from the attribution.
    """
    if embed.start is None or embed.end is None:
        return None
    wanted = words(text)
    if not wanted:
        return None
    # A post of n characters may stand in a few more once paragraphs, indents and links are put in.
    low, high = max(0, embed.start - 2 * len(text) - 400), embed.start
    there = words(article[low:high])
    matcher = difflib.SequenceMatcher(None, [w for w, *_ in reversed(there)], [w for w, *_ in reversed(wanted)], False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    matched = sum(block.size for block in blocks)
    if not blocks or matched / len(wanted) < _SAME:
        return None
    # A lone common word far above is no part of the quotation: stop where a gap is larger than what lies beyond it.
    kept = [blocks[0]]
    for block in blocks[1:]:
        gap = block.a - (kept[-1].a + kept[-1].size)
        if gap > 3 * block.size + 3:
            break
        kept.append(block)
    count = sum(block.size for block in kept)
    if count / len(wanted) < _SAME:
        return None
    last = len(there) - 1
    first_word, last_word = there[last - (kept[-1].a + kept[-1].size - 1)], there[last - kept[0].a]
    return Span(low + first_word[1], low + last_word[2], round(count / len(wanted), 3))
