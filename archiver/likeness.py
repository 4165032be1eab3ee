"""How alike two texts of one post are, when one of them has been through an article.

An article may unescape or escape once too often, lose emoji and accents to `?`, cut at 140 or 280, expand or drop
links, drop the mentions a reply begins with, or keep only the last paragraph. Those are told apart from a text that
differs in its words, which is never the same (PLATFORMS.md 4, step 5). What would have had to be lost or changed on the
way is told too: it speaks for another text of the same words.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from archiver import emoji

#: No more words than this are compared; the longest posts have a few thousand.
MAX_WORDS = 4000
#: Two texts are aligned word by word (quadratic) only up to here.
MAX_ALIGNED = 400

_URL = re.compile(
    # A host ends in letters: `9.5/10` is a figure.
    r"https?://\S+|\bpic\.(?:twitter|x)\.com/\w+|\bt\.co/\w+|(?<![\w@])[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}/\S*…?",
    re.IGNORECASE,
)
_MENTIONS = re.compile(r"^\s*(?:[@＠]\w{1,20}\s+)+")
#: Scripts written without spaces: each sign is a word.
_SIGN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
#: Vowels and tones that are written on a sign are no letters to `\w`, and tell one word from another in Hindi or Thai.
_MARK = "".join(
    char
    for char in map(chr, (*range(0x300, 0x1E00), *range(0xA800, 0xAC00)))
    if unicodedata.category(char) in {"Mn", "Mc"}
)
_WORD = re.compile(rf"(?=[{_SIGN}])\w[{_MARK}]*|[^\W_{_SIGN}](?:[^\W_{_SIGN}]|[{_MARK}])*")
_LOSSY_WORD = re.compile(rf"(?=[{_SIGN}])\w[{_MARK}]*|(?:[^\W_{_SIGN}]|[?\ufffd])(?:[^\W_{_SIGN}]|[{_MARK}?\ufffd])*")
_LOST = re.compile(r"[?\ufffd]")


class Kind(enum.StrEnum):
    """How the claimed text stands to the actual one."""

    SAME = "same"  # the same words in the same order
    LOSSY = "lossy"  # the same, but for signs lost to `?`
    WITHIN = "within"  # the claimed text ends with the whole of the actual one, which begins a line or a sentence
    PART = "part"  # the claimed text is the end of the actual one
    CUT = "cut"  # one of them is the beginning of the other, and cut
    SIMILAR = "similar"
    DIFFERENT = "different"
    EMPTY = "empty"  # nothing to compare


#: What is as good as the same words, if long enough.
AGREEING = frozenset({Kind.SAME, Kind.LOSSY, Kind.WITHIN, Kind.PART, Kind.CUT})


@dataclass(frozen=True, slots=True)
class Likeness:
    """`score` 0..1; `length` is how many letters and digits of agreeing text it rests on (short texts recur). An
    ideograph counts three and a syllable of kana or hangul two: each says as much as that many letters. `has_signs`:
    whether the emoji are the same, or may have been before they were lost, and the signs before figures (`-5`, `$5`).
    `losses`: what an article must have lost or changed if this is the text that it quotes; what articles do to every
    text (spaces, quotes, dashes, entities) is none, and a sign in whose place a mark stands is not lost unseen."""

    score: float
    kind: Kind
    length: int = 0
    has_signs: bool = True
    losses: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.kind in AGREEING

    def __str__(self) -> str:
        return f"text {self.kind.value} ({self.score:.2f}, {self.length} letters)"


def links(text: str) -> list[str]:
    """The links that are written in a text, in any of their forms; not one that stands before its first word."""
    text = html.unescape(html.unescape(text))
    first = _WORD.search(_URL.sub(lambda found: " " * len(found[0]), text))
    return [found[0] for found in _URL.finditer(text) if first and found.start() > first.start()]


def clean(text: str) -> str:
    """The text without what articles change: entities undone twice, compatibility forms folded, links, joiners and
    variation selectors gone, white space single."""
    text = html.unescape(html.unescape(text))
    text = _URL.sub(" ", text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(sign for sign in text if unicodedata.category(sign) not in {"Cf", "Cc", "Cs"} or sign.isspace())
    return re.sub(r"\s+", " ", re.sub("[\ufe00-\ufe0f]", "", text)).strip()


@lru_cache(maxsize=512)
def words(text: str) -> tuple[str, ...]:
    """The words of a text: letters and digits only, so that quotes, dashes, emoji and spaces do not count."""
    return tuple(_WORD.findall(clean(text))[:MAX_WORDS])


def likeness(claimed: str, actual: str, *, is_cut: bool = False, encoder: emoji.Encoder | None = None) -> Likeness:
    """How the text an article claims stands to the text a source shows. `is_cut` where the source is known to cut,
    *encoder* what is known to have lost the article's emoji."""
    best, pair = _compare(claimed, actual, is_cut), (claimed, actual)
    addressed, named = mentions(claimed), mentions(actual)
    # Articles and sources drop those whom a reply addresses. Who stands in both is the same one: a desk that answers
    # many people says the same to each.
    if (addressed or named) and (addressed <= named or named <= addressed):
        bare = (_MENTIONS.sub("", claimed), _MENTIONS.sub("", actual))
        found = _compare(*bare, is_cut)
        if (found.agrees, found.score) > (best.agrees, best.score) or best.kind is Kind.EMPTY:
            best, pair = found, bare
    if not best.agrees:
        return best
    losses = ["whom it answers"] if addressed != named and pair != (claimed, actual) else []
    if best.kind is Kind.LOSSY:
        losses.append("letters")
    elif not _is_written_alike(*pair, best.kind):
        losses.append("case or punctuation")
    return dataclasses.replace(best, has_signs=_signs_fit(claimed, actual, best.kind, encoder), losses=tuple(losses))


def mentions(text: str) -> frozenset[str]:
    """Whom a text addresses before its first word, in lower case."""
    found = _MENTIONS.match(text)
    return frozenset(name.lstrip("@＠").lower() for name in found[0].split()) if found else frozenset()


_DASHES = re.compile("[—–―−‒‐‑-]+")
_QUOTING = re.compile("[\"'`´“”„‟‘’‚‛«»‹›\\\\]")
_PUNCTUATION = re.compile(rf"[^\w{_MARK}]+")
_FURNITURE = ".,;:>|*•·-。、"


def _is_written_alike(claimed: str, actual: str, kind: Kind) -> bool:
    """Whether the words that agree are written alike too: their case, and what stands between them, without that which
    articles change (quotes, dashes, spaces, links, signs lost to marks) or leave at either end."""
    ours, theirs = _written(claimed), _written(actual)
    if emoji.are_lost(claimed):
        # Dashes and dots of other scripts are lost as well.
        ours, theirs = _PUNCTUATION.sub("", ours), _PUNCTUATION.sub("", theirs)
    if kind is Kind.PART:
        return theirs.endswith(ours)
    if kind is Kind.CUT:
        length = min(len(ours), len(theirs))
        return ours[:length] == theirs[:length]
    return ours == theirs


def _written(text: str) -> str:
    text = _URL.sub(" ", html.unescape(html.unescape(text)))
    text = unicodedata.normalize("NFKC", _DASHES.sub("-", _QUOTING.sub("", text)))
    text = "".join(sign for sign in text if unicodedata.category(sign) not in {"Cf", "Cc", "Cs", "So", "Sk", "Me"})
    return re.sub(r"[\s\ufe00-\ufe0f]+", "", text).strip(_FURNITURE)


#: What stands before a figure and makes it another: `-5`, `+5`, `$5`, `<5`; not a dash between two words or figures.
_FIGURE = re.compile(r"(?:^|(?<=[\s(\[\"'“„«:;,=/]))([-−–+±<>≤≥~≈]?[$€£¥₴₽₹₺₪₩₿]?)(?=\d)")
_UNIT = re.compile(r"(?<=\d)\s?([%‰°$€£¥₴₽₹₺₪₩₿])")


def _figures(text: str) -> list[str]:
    """The signs at the figures of a text, in order; those of other scripts may be lost to a mark."""
    text = _URL.sub(" ", html.unescape(html.unescape(text)))
    found = [
        (at.start(), re.sub("[−–]", "-", at[1])) for each in (_FIGURE, _UNIT) for at in each.finditer(text) if at[1]
    ]
    return [sign for _, sign in sorted(found)]


def _signs_fit(claimed: str, actual: str, kind: Kind, encoder: emoji.Encoder | None) -> bool:
    if kind is Kind.PART:
        actual = actual[-len(claimed) :]
    elif kind is Kind.CUT:
        claimed, actual = claimed[: len(actual)], actual[: len(claimed)]
    elif not emoji.are_lost(claimed) and _figures(claimed) != _figures(actual):
        return False
    if kind is Kind.LOSSY and any(not word.isascii() for word in {*words(actual)} - {*words(claimed)}):
        return emoji.kept(claimed, actual) or emoji.are_lost(claimed)  # the marks may stand for words
    return emoji.kept(claimed, actual) or emoji.lost(claimed, actual, encoder)


def quoted(
    claimed: str,
    actual: str,
    *,
    context: str | None = None,
    name: str | None = None,
    author: str | None = None,
    handle: str | None = None,
    is_cut: bool = False,
) -> Likeness:
    """The same for a quotation whose ends are open.

    Its start: a flattened post may begin at any line or sentence of *context*, the article's text down to the
    attribution, of which *claimed* is the likeliest part. Without it the quotation stands in an element of its own, and
    nothing but its author's name (*author*, *handle*) is above its words. Its end: an author's name may have a dash of
    its own, and then a part of the name was taken for the post's last words; *name* is the other part.
    """
    text, above = without_name(claimed, context, name, author)
    encoder = emoji.encoder(claimed[len(text) :] + (name or ""), author or "")
    best = likeness(text, actual, is_cut=is_cut, encoder=encoder)
    if best.kind is Kind.SAME and best.has_signs:
        return best
    whole = above if above is not None else text
    is_open = context is not None
    wanted = len(words(actual))
    if best.kind is Kind.PART and not is_open:
        best = _different(best)
    if best.kind is Kind.PART and above is not None and len(words(whole)) > len(words(text)):
        # The lines above are known, so they have to be the post's, as far as it goes.
        best = (
            likeness(whole, actual, is_cut=is_cut, encoder=encoder) if len(words(whole)) < wanted else _different(best)
        )
    if best.agrees and best.has_signs:
        return best
    is_ended = _ends_cut(whole)
    names = {*words(author or ""), *words(handle or "")}
    for start in _starts(whole):
        if not is_ended and not wanted - 2 <= len(words(whole[start:])) <= wanted + _LOST_WORDS:
            continue
        if not is_open and not names.issuperset(words(whole[:start])):
            continue
        found = likeness(whole[start:], actual, encoder=encoder)
        if found.kind in {Kind.SAME, Kind.LOSSY, Kind.CUT} and found.has_signs:
            is_later = len(whole) - start < len(text)
            return dataclasses.replace(found, score=0.95, kind=Kind.WITHIN) if is_later else found
    if wanted and not best.agrees:
        # Not the article's own words before it are to make it another text, but those in its place.
        tail = words(whole)[-wanted - 2 :]
        best = max(best, _similar(tail, words(actual)), key=lambda each: each.score)
    return best


def _different(found: Likeness) -> Likeness:
    return Likeness(found.score / 2, Kind.SIMILAR, found.length)


#: Where a post can begin in an article's text: a line, or what follows the end of a sentence. No more than this many.
_START = re.compile(r"\n[\s>]*(?=\S)|(?<=[\w\"'”’»)\]%])[.!?…]+[\"'”’»)\]]*\s+(?=\S)|[。！？](?=\S)")
_MAX_STARTS = 120
#: An emoji lost to `?` may look like a word.
_LOST_WORDS = 12


def _starts(text: str) -> list[int]:
    return [0, *(found.end() for found in _START.finditer(text))][-_MAX_STARTS:]


_DASH = re.compile("[—–―−‒-]+")


def without_name(claimed: str, context: str | None, name: str | None, author: str | None) -> tuple[str, str | None]:
    """The quotation without that part of its author's name which a dash in the name set apart."""
    known = words(author or "")
    own = words(name or "")
    if not own or len(own) >= len(known) or known[-len(own) :] != own:
        return claimed, context
    for dash in reversed(list(_DASH.finditer(claimed, max(0, len(claimed) - 120)))):
        if words(claimed[dash.end() :]) == known[: -len(own)]:
            cut = len(claimed) - dash.start()
            # What is left may be no word at all: then the post stands above the line of the name.
            return claimed[: dash.start()].rstrip(), None if context is None else context[:-cut].rstrip()
    return claimed, context


def _compare(claimed: str, actual: str, is_cut: bool) -> Likeness:
    ours, theirs = words(claimed), words(actual)
    if not ours or not theirs:
        return Likeness(0.0, Kind.EMPTY)
    if ours == theirs:
        return Likeness(1.0, Kind.SAME, _letters(ours))
    if _is_lossy(claimed) and (found := _lossy(claimed, theirs)):
        return found
    if len(ours) < len(theirs) and theirs[-len(ours) :] == ours:
        return Likeness(0.9, Kind.PART, _letters(ours))
    if _begins(ours, theirs) and _ends_cut(claimed):
        return Likeness(0.9, Kind.CUT, _letters(ours[:-1]))
    if is_cut and _begins(theirs, ours):
        return Likeness(0.9, Kind.CUT, _letters(theirs[:-1]))
    return _similar(ours, theirs)


def _similar(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Likeness:
    ratio = difflib.SequenceMatcher(None, ours[:MAX_ALIGNED], theirs[:MAX_ALIGNED], autojunk=False).ratio() * 0.9
    return Likeness(ratio, Kind.SIMILAR if ratio >= 0.5 else Kind.DIFFERENT, int(ratio * _letters(theirs)))


def _letters(parts: tuple[str, ...]) -> int:
    return sum(
        1 if char < "\u3040" else 3 if _IDEOGRAPH.match(char) else 2 if _SYLLABLE.match(char) else 1
        for part in parts
        for char in part
    )


_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_SYLLABLE = re.compile("[\u3040-\u30ff\uac00-\ud7af]")


def _begins(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether one is the beginning of the other; its last word may be cut."""
    if not 1 < len(short) <= len(long):
        return False
    return long[: len(short) - 1] == short[:-1] and long[len(short) - 1].startswith(short[-1])


def _ends_cut(text: str) -> bool:
    return clean(text).endswith(("…", "..."))


def _is_lossy(text: str) -> bool:
    """Whether signs were lost: U+FFFD, a `?` within a word, or a run of them that ends no sentence."""
    return bool(re.search(r"\ufffd|\w\?+\w|(?:^|\s)\?{2,}", text))


def _lossy(claimed: str, theirs: tuple[str, ...]) -> Likeness | None:
    """The claimed words against the actual ones where `?` stands for signs that were lost, word by word.

    A word of nothing but `?` may stand for a word, or for an emoji, which is no word: it may match one or none.
    """
    ours = _LOSSY_WORD.findall(clean(claimed))[:MAX_ALIGNED]
    if len(theirs) > MAX_ALIGNED:
        return None
    # Where a match of the words so far may have got to: a set of places, not a search, so no text is slow.
    places = {0}
    for word in ours:
        core = _LOST.sub("", word)
        following: set[int] = set()
        if not core:
            following |= places
            following |= {place + 1 for place in places if place < len(theirs)}
        else:
            pattern = _pattern(word)
            following |= {place + 1 for place in places if place < len(theirs) and pattern.fullmatch(theirs[place])}
        if not following:
            return None
        places = following
    if len(theirs) not in places:
        return None
    kept = sum(len(_LOST.sub("", word)) for word in ours)
    return Likeness(0.97, Kind.LOSSY, kept) if 2 * kept >= _letters(theirs) else None


@lru_cache(maxsize=4096)
def _pattern(word: str) -> re.Pattern[str]:
    pieces = re.split(r"([?\ufffd]+)", word)
    return re.compile(
        "".join(
            rf"[\w{_MARK}]{{0,{2 * len(piece)}}}" if _LOST.match(piece) else re.escape(piece)
            for piece in pieces
            if piece
        )
    )
