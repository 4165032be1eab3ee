"""How alike two texts of one post are, when one of them has been through an article.

An article may unescape or escape once too often, lose emoji and accents to `?`, cut at 140 or 280, expand or drop
links, drop the mentions a reply begins with, or keep only the last paragraph. Those are told apart from a text that
differs in its words, which is never the same (PLATFORMS.md 4, step 5).
"""

from __future__ import annotations

import difflib
import enum
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: No more words than this are compared; the longest posts have a few thousand.
MAX_WORDS = 4000
#: Two texts are aligned word by word (quadratic) only up to here.
MAX_ALIGNED = 400

_URL = re.compile(
    r"https?://\S+|\bpic\.(?:twitter|x)\.com/\w+|\bt\.co/\w+|(?<![\w@])[\w-]+(?:\.[\w-]+)+/\S*…?", re.IGNORECASE
)
_MENTIONS = re.compile(r"^\s*(?:[@＠]\w{1,20}\s+)+")
#: Scripts written without spaces: each sign is a word.
_SIGN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"(?=[{_SIGN}])\w|[^\W_{_SIGN}]+")
_LOSSY_WORD = re.compile(rf"(?=[{_SIGN}])\w|(?:[^\W_{_SIGN}]|[?\ufffd])+")
_LOST = re.compile(r"[?\ufffd]")


class Kind(enum.StrEnum):
    """How the claimed text stands to the actual one."""

    SAME = "same"  # the same words in the same order
    LOSSY = "lossy"  # the same, but for signs lost to `?`
    WITHIN = "within"  # the claimed text ends or begins with the whole of the actual one
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
    ideograph counts three and a syllable of kana or hangul two: each says as much as that many letters."""

    score: float
    kind: Kind
    length: int = 0

    @property
    def agrees(self) -> bool:
        return self.kind in AGREEING

    def __str__(self) -> str:
        return f"text {self.kind.value} ({self.score:.2f}, {self.length} letters)"


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


def likeness(claimed: str, actual: str, *, is_cut: bool = False) -> Likeness:
    """How the text an article claims stands to the text a source shows. `is_cut` where the source is known to cut."""
    best = Likeness(0.0, Kind.EMPTY)
    for ours, theirs in dict.fromkeys(((claimed, actual), (_MENTIONS.sub("", claimed), _MENTIONS.sub("", actual)))):
        found = _compare(ours, theirs, is_cut)
        if (found.agrees, found.score) > (best.agrees, best.score) or best.kind is Kind.EMPTY:
            best = found
    return best


def _compare(claimed: str, actual: str, is_cut: bool) -> Likeness:
    ours, theirs = words(claimed), words(actual)
    if not ours or not theirs:
        return Likeness(0.0, Kind.EMPTY)
    if ours == theirs:
        return Likeness(1.0, Kind.SAME, _letters(ours))
    if _is_lossy(claimed) and (found := _lossy(claimed, theirs)):
        return found
    if len(theirs) < len(ours) and theirs in _paragraphs_of(claimed):
        return Likeness(0.95, Kind.WITHIN, _letters(theirs))
    if len(ours) < len(theirs) and theirs[-len(ours) :] == ours:
        return Likeness(0.9, Kind.PART, _letters(ours))
    if _begins(ours, theirs) and _ends_cut(claimed):
        return Likeness(0.9, Kind.CUT, _letters(ours[:-1]))
    if _begins(theirs, ours) and (is_cut or _ends_cut(actual)):
        return Likeness(0.9, Kind.CUT, _letters(theirs[:-1]))
    ratio = difflib.SequenceMatcher(None, ours[:MAX_ALIGNED], theirs[:MAX_ALIGNED], autojunk=False).ratio() * 0.9
    return Likeness(ratio, Kind.SIMILAR if ratio >= 0.5 else Kind.DIFFERENT, int(ratio * _letters(theirs)))


def _paragraphs_of(claimed: str) -> Iterator[tuple[str, ...]]:
    """The words of the claim from each later line on. A claim's end is sure (the attribution follows it) and its start
    is open, but only whole lines of the article may stand before the post: a word more on the same line, or at the
    end, is another post's."""
    lines = claimed.split("\n")
    return (words("\n".join(lines[first:])) for first in range(1, len(lines)))


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
        "".join(rf"\w{{0,{2 * len(piece)}}}" if _LOST.match(piece) else re.escape(piece) for piece in pieces if piece)
    )
