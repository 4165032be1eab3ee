"""Posts in plain text: what is left of an embed when an article is stripped of its markup (PLATFORMS.md 2).

    … pic.twitter.com/fwutN0Bakg — NOELREPORTS (@NOELreports) August 7, 2024

Nothing here is certain but the handle and the date, so the parser anchors on those and works outwards.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.articles import screen
from archiver.articles.dates import date_at, month_at
from archiver.model import Claim, PostRef, Span
from archiver.platforms import Platform, platforms, recognise

# What may stand between the parts of an attribution: white space, the marks of right-to-left text, a quoted line's `>`.
_MARKS = r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069]?"
_GAP = r"(?:[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\n\s*>)"
_ANCHOR = re.compile(
    rf"[(（]{_MARKS}\s*\[?\s*[@＠](?P<handle>[\w.-](?:[\w.-]|\\_|@(?=\w)){{0,80}}){_MARKS}\s*(?:\]\([^()\s]*\))?\s*[)）]"
    rf"(?P<closed>)(?:\]\([^()\s]*\))?(?P<gap>{_GAP}{{0,8}}[,·|]?{_GAP}{{0,4}})(?P<link>\[?)"
)
# What a permalink of X reads where its widget drew the post: `7:03 PM · Aug 7, 2024`, `19:03 - 7 août 2024`.
_CLOCK = r"\d{1,2}[:.h]\d{2}(?::\d{2})?\s*(?:[AaPp]\.?\s?[Mm]\.?)?(?:\s*[A-Z]{3,4}\b)?"
_CLOCK_BEFORE = re.compile(_CLOCK + r"\s*[·•|,–—-]\s*")
_CLOCK_AFTER = re.compile(r"[,\s]*(?:at|um|à|a las|alle|às|[·•|])?\s*" + _CLOCK)
# Every alternative begins with a literal, so that the expression is tried only where one of them stands.
_DASH = re.compile(
    r"—|–|―|&mdash;|&ndash;|&#8212;|&#x2014;|&#151;|â€”|â€“|â€•|\x97|\x96|-(?<![^\s>]-)-*(?=\s)|"
    r"‐(?<![^\s>]‐)(?=\s)|‑(?<![^\s>]‑)(?=\s)|‒(?<![^\s>]‒)(?=\s)|−(?<![^\s>]−)(?=\s)|"
    r"\ufffd+(?=\s)|\?(?<!\S\?)\?{0,2}(?=\s)|;(?<!\S;)(?=\s)"
)
_SURE = re.compile(r"—|―|&mdash;|&#8212;|&#x2014;|&#151;|â€”|â€•|\x97|–")
_LOST_DASH = re.compile(r"[?;\ufffd]")
_HYPHENS = "-‐‑‒−"
_ON = re.compile(r"(?:on\s+)?")
# What stands between a phrase and its date, and the hour after it.
_ON_DAY = re.compile(r"\s*(?:-\s*)?(?:(?:on|am|le|el|il|em|den|på|op|w dniu|в|in data:)\s+)?\s*")
_CLOCK_SAID = re.compile(
    r"\s+(?:at|um|à|a las|a la\(s\)|alle(?: ore)?|às|om|o|kl\.|в)\s+\d{1,2}\s?[:.h]\d{2}\s*(?:[ap]\.?m\.?)?"
    r"(?:\s*Uhr)?(?:\s*[A-Z]{3,4}\b)?"
)
# A caption and, on a line of its own above it, whose it is.
_CAPTION = 2_200
_OPENED = re.compile(r"(?:^|\n)[ \t>]*(?P<at>@)[\w.]{2,24}(?=\s)")
_ROUND = rf"@(?P<handle>[\w.]{{2,24}})(?P<name>)\s+(?P<said>(?:\S.{{0,{_CAPTION}}}?)??)\s*"
_BEFORE_TRAILER = r"\s*(?P<name>[^\n]*?)\s*[(（]\s{0,3}@(?P<handle>(?:[\w.]|\\_){1,30})\s{0,3}[)）](?:['’]\w{1,4})?"
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: Display names have at most 50 characters; flattening may have turned each into several.
_NAME_LENGTH = 110
_TARGET = re.compile(r"\]\(\s*<?(https?://[^\s)>]+)")
_URL_BEFORE = re.compile(r"(?:pic\.(?:twitter|x)\.com|https?://t\.co)/\w+\s*$")
# Who wrote the article, or where to follow them: no post.
_BYLINE = re.compile(
    r"\b(?:by|follow|follows?|via|written|reports?|reporting|contact|email|editor|credit|photos?|images?|source|h/t|"
    r"tips?|contributed|correspondent|reporter|von|por|par|di|door|af|av|od|przez|tarafından)\b",
    re.IGNORECASE,
)
_ONLY_LINKS = re.compile(r"(?:\s|>|\[|\]|\([^()\s]*\)|(?:https?://|pic\.)\S+)*")
_TWO_BLANKS = re.compile(r"(?<=\S)[ \xa0]{2,}(?=\S)")
_BLANKS = " \t\r\n>\xa0\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"


@dataclass(frozen=True, slots=True)
class Attribution:
    """One flattened post: `start`/`end` from the dash (or the name, or the phrase) to the end of the date."""

    platform: str
    handle: str
    name: str | None
    date: dt.date | None
    start: int
    end: int
    stop: int
    url: str | None
    ref: PostRef | None
    codes: tuple[str, ...]
    pic_codes: tuple[str, ...]
    text: str | None
    spans: tuple[Span, ...]
    context: str | None

    @property
    def claim(self) -> Claim:
        """What it says of the post."""
        return Claim(self.handle, self.name, self.date, self.text, self.codes, self.pic_codes, self.context)


def attributions(text: str) -> Iterator[Attribution]:
    """Every flattened post in *text*, in order."""
    floor = 0
    for found in _found(text):
        start, end, stop, platform, handle, name, date, url, said = found
        if start < floor:
            continue
        # A caption may be empty: the sound alone is the post.
        held = (Span(*said, _HELD),) if said and said[0] < said[1] else ()
        spans = held if said else _spans(text, floor, start)
        codes, pics = short_codes(text, spans[0].start, start) if spans else ((), ())
        ref = recognise(url) if url else None
        yield Attribution(
            platform=platform.name, handle=handle, name=name, date=date, start=start, end=end, stop=stop,
            url=url if ref else None, ref=ref if ref and ref.platform == platform.name else None,
            codes=codes, pic_codes=pics,
            text=text[spans[0].start : spans[0].end] if spans else None, spans=spans,
            context=text[spans[-1].start : spans[0].end] if spans else None,
        )  # fmt: skip
        floor = stop


#: Start, end, where the next may start, platform, handle, name, date, permalink; and the post's own text, where the
#: attribution goes round it.
_Found = tuple[
    int, int, int, Platform, str, str | None, dt.date | None, str | None, tuple[int, int] | None
]  # fmt: skip
#: How sure the text is that stands between a handle and the sound played to it.
_HELD = 0.8


def _found(text: str) -> list[_Found]:
    if not any(sign in text for sign in ("@", "＠", "u/")):
        return []
    found = [*_by_phrase(text)]
    taken = [(f[0], f[2]) for f in found]
    found += [f for f in _by_date(text) if not any(a < f[2] and f[0] < b for a, b in taken)]
    return sorted(found, key=lambda f: f[0])


def _by_phrase(text: str) -> Iterator[_Found]:
    for platform in platforms().values():
        for found in _phrases(platform, text):
            end, date = found.end(), None
            if dated := date_at(text, _ON_DAY.match(text, end).end()):  # type: ignore[union-attr] # it may be empty
                date, end = dated
                if at := _CLOCK_SAID.match(text, end):
                    end = at.end()
            url, stop = _target(text, end)
            name, handle = found["name"].strip() or None, found["handle"].replace("\\_", "_")
            said = (found.start("said"), found.end("said")) if "said" in found.re.groupindex else None
            yield found.start(), end, stop, platform, handle, name, date, url, said


def _phrases(platform: Platform, text: str) -> Iterator[re.Match[str]]:
    """Where *text* says in words whose post it was, before the name or behind it."""
    for phrase in _said_in(text, platform.markup.bylines):
        yield from re.finditer(phrase, text)
    for phrase in _said_in(text, platform.markup.trailers):
        for said in re.finditer(phrase, text):
            line = max(text.rfind("\n", 0, said.start()) + 1, said.start() - _NAME_LENGTH)
            if signed := re.compile(_BEFORE_TRAILER + phrase).match(text, line):
                yield signed
    for phrase in _said_in(text, platform.markup.closers):
        floor = 0
        for said in re.finditer(phrase, text):
            low = max(floor, said.start() - _CAPTION)
            opened = [*_OPENED.finditer(text, low, said.start())]
            if opened and (whole := re.compile(_ROUND + phrase, re.DOTALL).match(text, opened[-1].start("at"))):
                yield whole
            floor = said.end()


def _said_in(text: str, phrases: tuple[str, ...]) -> list[str]:
    """Those of *phrases* that *text* may have in it."""
    return [phrase for phrase, literal in _with_literals(phrases) if literal in text]


@functools.cache
def _with_literals(phrases: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((phrase, screen.literal(phrase)) for phrase in phrases)


def _by_date(text: str) -> Iterator[_Found]:
    previous = 0
    for found in _ANCHOR.finditer(text):
        handle = found["handle"].replace("\\_", "_")
        if (platform := _speaker(handle)) is None:
            continue
        at = found.end()
        if clock := _CLOCK_BEFORE.match(text, at):
            at = clock.end()
        dated = date_at(text, at) or date_at(text, _ON.match(text, at).end())  # type: ignore[union-attr] # it may be empty
        if dated is None and not month_at(text, at):
            continue
        date, end = dated or (None, found.end("closed"))
        if (place := _name(text, previous, found.start())) is None:
            continue
        start, name_start = place
        is_sure = _SURE.match(text, start) is not None
        if not is_sure and (date is None or at != found.end() or _is_listed(text, start, at, end)):
            continue
        url, stop = _target(text, end) if found["link"] else (None, end)
        name = text[name_start : found.start()].strip(" \t\r\n>*_\\[") or None
        yield start, end, stop, platform, handle, name, date, url, None
        previous = stop


def _is_listed(text: str, start: int, date: int, end: int) -> bool:
    """Whether what stands behind no dash, or behind one that may be a list's, goes on as attributions never do: a
    comment's head with its hour, an entry in a programme, a change by a contributor."""
    if _LOST_DASH.match(text[start]):
        return False
    if text[start] not in _HYPHENS:
        return _ISO_DATE.match(text, date) is not None or _CLOCK_AFTER.match(text, end) is not None
    if text.startswith("--", start):
        return False
    is_first = not text[text.rfind("\n", 0, start) + 1 : start].strip()
    return is_first and re.compile(r"[ \t]*[,:;][ \t]*\w").match(text, end) is not None


@functools.cache
def _speakers() -> tuple[tuple[Platform, re.Pattern[str]], ...]:
    return tuple(
        (p, re.compile(p.markup.handle)) for p in platforms().values() if p.markup.handle and p.markup.has_dates
    )


def _speaker(handle: str) -> Platform | None:
    """Whose grammar the handle follows. X's has no dot, Bluesky's always has."""
    return next((platform for platform, grammar in _speakers() if grammar.fullmatch(handle)), None)


def _target(text: str, position: int) -> tuple[str | None, int]:
    found = _TARGET.match(text, position)
    return (found[1], found.end()) if found else (None, position)


def _name(text: str, floor: int, end: int) -> tuple[int, int] | None:
    """Where the attribution starts (its dash) and where the name does; None where this is prose or a byline."""
    low = max(floor, end - _NAME_LENGTH)
    line = max(text.rfind("\n", low, end) + 1, low)
    # A name on a line of its own, under its dash.
    if not text[line:end].strip(" \t>") and line > low:
        line = max(text.rfind("\n", low, line - 1) + 1, low)
    dashes = list(_DASH.finditer(text, line, end))
    if not dashes and (
        above := re.compile(r"(?:—|–|―|--|-)[ \t]*\r?\n[ \t>]*$").search(text, max(floor, line - 8), line)
    ):
        return above.start(), line
    if dashes and _begins_name(text, line, dashes):
        return dashes[0].start(), dashes[0].end()
    sure = [m for m in dashes if _SURE.fullmatch(m[0])]
    for kind in (sure, [m for m in dashes if m[0][0] in _HYPHENS], dashes):
        if kind:
            first = kind[0]
            chosen = first if not text[line : first.start()].strip(" \t>") else kind[-1]
            return chosen.start(), chosen.end()
    name = text[line:end].lstrip(" \t>")
    if linked := list(re.finditer(r"(?:pic\.(?:twitter|x)\.com|https?://t\.co)/\w{7,10}", name)):
        start = end - len(name) + linked[-1].end()
        return start + len(text[start:end]) - len(text[start:end].lstrip()), start
    # Two blanks where a data set dropped the dash, behind as much as makes a post.
    blanks = list(_TWO_BLANKS.finditer(text, max(line, end - _NAME_LENGTH), end))
    if (
        blanks
        and not _BYLINE.search(text, blanks[-1].end(), end)
        and len(text[floor : blanks[-1].start()].strip()) > 25
    ):
        return blanks[-1].end(), blanks[-1].end()
    # A name alone on its line, and something above it that it can be the author of.
    if low < line and len(name.strip()) <= 60 and not _BYLINE.search(name) and text[floor:line].strip():
        return end - len(name), end - len(name)
    return None


def _begins_name(text: str, line: int, dashes: list[re.Match[str]]) -> bool:
    """Whether the first dash begins the attribution although the name has a dash of its own: it begins the line. A
    single hyphen may be a list's, so behind it only a few words are a name's."""
    dashes = [dash for dash in dashes if not _LOST_DASH.match(dash[0])]
    first = dashes[0] if dashes else None
    if first is None or text[line : first.start()].strip(" \t>"):
        return False
    if first[0].startswith("--"):
        return True
    part = text[first.end() : dashes[1].start()] if len(dashes) > 1 else ""
    return first[0] in _HYPHENS and 0 < len(part.split()) <= 3 and not re.search(r"[.!?…:/]\s*$", part)


def short_codes(text: str, start: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The t.co and pic codes written in text[start:end], exact case, in order, each once; and those shown as pic."""
    codes, pics = [], []
    for pattern in _code_patterns():
        for found in pattern.finditer(text, start, end):
            codes.append((found.start(), found[1]))
            if found[0].startswith("pic."):
                pics.append(found[1])
    ordered = dict.fromkeys(code for _, code in sorted(codes))
    return tuple(ordered), tuple(dict.fromkeys(pics))


@functools.cache
def _code_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(p.markup.codes) for p in platforms().values() if p.markup.codes)


def _spans(text: str, floor: int, dash: int) -> tuple[Span, ...]:
    """Where the post's own text may stand: from the paragraph before the dash backwards, at most four paragraphs."""
    end = dash
    while end > floor and text[end - 1] in _BLANKS:
        end -= 1
    if end <= floor:
        return ()
    starts: list[int] = []
    at, low = end, max(floor, end - 3000)
    while at > low and len(starts) < 4:
        start = max(text.rfind("\n", low, at) + 1, low)
        if text[start:at].strip(_BLANKS):
            lead = start + len(text[start:at]) - len(text[start:at].lstrip(_BLANKS))
            if starts and _ONLY_LINKS.fullmatch(text, starts[-1], end):
                starts.pop()
            starts.append(lead)
        at = start - 1
        if start <= low:
            break
    if not starts:
        return ()
    bounded = len(starts) < 4 and low == floor
    confidences = {1: (0.9 if bounded else 0.7,), 2: (0.7, 0.25), 3: (0.65, 0.2, 0.1)}.get(
        len(starts), (0.65, 0.2, 0.1, 0.05)
    )
    return tuple(Span(start, end, confidence) for start, confidence in zip(starts, confidences, strict=True))
