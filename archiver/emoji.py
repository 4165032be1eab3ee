"""The emoji of a text and of a copy of it: kept, or lost to question marks on the way.

Articles drop what joins the parts of a sign (variation selectors, zero-width joiners). A pipeline that cannot write a
character leaves marks in its place: one for each unit of UTF-16 in those seen (PLATFORMS.md 2), elsewhere one of a
character or of a byte. How many there are tells one emoji from another, so it is counted.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable

#: How many marks an encoder leaves of a character.
Encoder = Callable[[str], int]

_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
#: Joiners, variation selectors, the keycap, tags.
_JOINT = re.compile("[\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]")
_LOST = re.compile("[?\ufffd]+")
_SIGN = re.compile(f"{_EMOJI.pattern}|{_JOINT.pattern}|{_LOST.pattern}")
_URL = re.compile(r"https?://\S+")
_MAX_SIGNS = 200


def _utf_16(sign: str) -> int:
    return len(sign.encode("utf-16-le", "surrogatepass")) // 2


def _utf_8(sign: str) -> int:
    return len(sign.encode("utf-8", "surrogatepass"))


def kept(copy: str, text: str) -> bool:
    """Whether a copy has the emoji of the text, in their order."""
    return _bare(_signs(copy)) == _bare(_signs(text))


def are_lost(copy: str) -> bool:
    """Whether some of what a copy had may have been lost."""
    return any(_LOST.match(sign) for sign in _signs(copy))


def lost(copy: str, text: str, encoder: Encoder | None = None) -> bool:
    """Whether a copy's marks can be what is left of the text's emoji: by *encoder*, if it is known."""
    return are_lost(copy) and _fits(copy, text, encoder or _utf_16)


def encoder(copy: str, text: str) -> Encoder | None:
    """What lost the emoji of a copy, where both forms are known (a name's, say); None where that cannot be told."""
    if not are_lost(copy) or not _EMOJI.search(text):
        return None
    return next((each for each in (_utf_16, len, _utf_8) if _fits(copy, text, each)), None)


def _fits(copy: str, text: str, units: Encoder) -> bool:
    """Each emoji of the text is kept, or is lost with all that is joined to it; what stands between two is between
    them in both."""
    signs = _signs(text)
    pattern = ""
    for at, sign in enumerate(signs):
        if _EMOJI.match(sign):
            joints = itertools.takewhile(_JOINT.match, signs[at + 1 :])
            marks = units(sign) + sum(map(units, joints))
            pattern += rf"(?:{sign}|[?\ufffd]{{{marks}}})"
        elif not _JOINT.match(sign):
            pattern += sign if sign == " " else r"[?\ufffd]+"
    written = "".join(sign for sign in _signs(copy) if not _JOINT.match(sign))
    return re.fullmatch(pattern, written) is not None


def _bare(signs: list[str]) -> list[str]:
    return [sign for sign in signs if sign != " " and not _JOINT.match(sign)]


def _signs(text: str) -> list[str]:
    """Each emoji, its joints, each run of marks that stand for lost ones, and a space where words stand between."""
    found: list[str] = []
    end = 0
    text = _URL.sub(" ", html.unescape(html.unescape(text))).strip()
    for match in _SIGN.finditer(text):
        found += [" ", match[0]] if found and match.start() > end else [match[0]]
        end = match.end()
    return found[:_MAX_SIGNS]
