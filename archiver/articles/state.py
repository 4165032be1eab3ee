"""Which embeds in a page's own data it shows. Pages are sent with more than they show: the text of other articles, and
the state that scripts draw from.
"""

from __future__ import annotations

import bisect
import itertools
import operator
import re
from collections.abc import Collection, Iterator

from archiver.articles.budget import Budget
from archiver.articles.places import Place
from archiver.articles.regions import Region
from archiver.model import Kind, PostRef

# Plain words on end, which no markup and no script writes otherwise: how long, and how many of them at least. How far
# from an embed they are looked for, and how many on either side; how much of them. Fourteen make a sentence, which no
# menu has: how many are looked for in the page's state, and how many have to be there.
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b", "
_PLAIN, _RUN, _WHOLE_RUN = bytes.maketrans(_LETTERS, b"a" * len(_LETTERS)), b"a" * 40, re.compile(b"a+")
_WORDS_BESIDE = 8
_BESIDE, _QUOTED_PROSE = ((1500, 3), (6000, 4)), 80
_WORDS_IN_SENTENCE, _SENTENCES, _MIRRORED = 14, 24, 3


def shown(
    places: list[Place],
    page: bytes,
    raw_text: list[Region],
    canonical: PostRef | None,
    seen: Collection[PostRef | None],
    budget: Budget,
) -> Iterator[Place]:
    """Those places in raw text that the page itself shows. Pages are sent with other articles' text in their state:
    where the page shows what is in its state, and nothing of what is written beside an embed there, that embed is
    of another article. Nor does a network's own page embed the post that it is. *seen* are those that its markup
    embeds."""
    markup, is_mirrored, beside = b"", None, []
    stands: dict[bytes, bool] = {}  # embeds that stand close together have the same words beside them
    for place in places:
        if place.kind is Kind.EMBED and place.where.startswith("script"):
            if place.ref == canonical and place.ref is not None:
                continue
            if not (is_shown := place.ref in seen):
                markup = markup or _without(page, raw_text)
            # Near it first: most embeds are the page's own, and their neighbours are found at once.
            for reach, most in () if is_shown else _BESIDE:
                beside = _prose_beside(place, page, raw_text, reach, most)
                budget.spend(20 * reach + len(beside) * len(markup) // 2)
                for said in beside:
                    if said not in stands:
                        stands[said] = said in markup
                    if is_shown := stands[said]:
                        break
                if is_shown:
                    break
            if not is_shown and len(beside) >= 2:
                if is_mirrored is None:
                    is_mirrored = _is_mirrored(markup, page, raw_text, budget)
                if is_mirrored:
                    continue
        yield place


def _without(page: bytes, raw_text: list[Region]) -> bytes:
    """The page without its raw text."""
    ends = [0, *(region.stop for region in raw_text)]
    starts = [*(region.start for region in raw_text), len(page)]
    return b"".join(page[a:b] for a, b in zip(ends, starts, strict=True))


def _is_mirrored(markup: bytes, page: bytes, raw_text: list[Region], budget: Budget) -> bool:
    """Whether what the page shows in whole sentences stands in raw text as well: a state that the page was made
    from, and not one that it is still to be made from."""
    state = b"\n".join(page[r.start : r.stop] for r in raw_text if r.name == "script")
    budget.spend(20 * len(markup) + _SENTENCES * len(state) // 2)
    sentences = itertools.islice(_prose(markup, 0, len(markup), _WORDS_IN_SENTENCE), _SENTENCES)
    mirrored = (said for said in sentences if said in state)
    return next(itertools.islice(mirrored, _MIRRORED - 1, None), None) is not None


def _prose_beside(place: Place, page: bytes, raw_text: list[Region], reach: int, most: int) -> list[bytes]:
    """What is written in plain words before and after a place in the same raw text, at most so many of each."""
    at = bisect.bisect_right(raw_text, place.start, key=operator.attrgetter("start")) - 1
    low, high = raw_text[at].start, raw_text[at].stop
    before = list(_prose(page, max(low, place.start - reach), place.start, _WORDS_BESIDE))
    after = _prose(page, place.end, min(high, place.end + reach), _WORDS_BESIDE)
    return [*before[-most:], *itertools.islice(after, most)]


def _prose(page: bytes, start: int, stop: int, words: int) -> Iterator[bytes]:
    """How each run of so many plain words in page[start:stop] begins."""
    plain = page[start:stop].translate(_PLAIN)
    # What begins before is no beginning.
    at = len(plain) - len(plain.lstrip(b"a")) if start and page[start - 1] in _LETTERS else 0
    while (at := plain.find(_RUN, at)) >= 0:
        end = at + len(_RUN)
        if rest := _WHOLE_RUN.match(plain, end):
            end = rest.end()
        said = page[start + at : start + end]
        if said.count(b" ") >= words:
            yield said.strip()[:_QUOTED_PROSE]
        at = end
