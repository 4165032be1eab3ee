"""The day an attribution claims, in any language that embeds come in. The languages are CLDR's (`calendar_names`)."""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata

# White space as flattening leaves it: any, none between scripts that need none, and the marks of right-to-left text.
_GAP = r"[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
# Catalan's names come with their preposition: `1 de gener del 2011`.
_NAME = r"(?:de[ \xa0])?(?P<m>[^\W\d_][^\d\s,()\[\]<>|،]{0,20}(?:[ \xa0]\d{1,2}(?=[\s,]))?)"
_TOKEN = re.compile(r"'([^']*)'|(y+)|(M+)|(d+)|(G+)|(\s+)|(.)")
_ISO = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)")
# The fields in orders that are not the language's own in CLDR: a month that is named is the month in any of them, and
# sites write `अगस्त 7, 2024`, Instagram's embeds `3 de Abr, 2019`. Vietnamese has a word for each field.
_D, _Y, _SEP = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|ª|°|\.)?", r"(?P<y>\d{4})(?!\d)", _GAP + r"*[,،、]?" + _GAP + "*"
_OF = rf"(?:{_GAP}*\b(?:de|del|of)\b)?"
_LOOSE = tuple(
    re.compile(expression, re.IGNORECASE)
    for expression in (
        rf"{_D}{_OF}{_SEP}{_NAME}{_OF}{_SEP}{_Y}",
        rf"{_NAME}{_SEP}{_D}{_OF}{_SEP}{_Y}",
        rf"{_Y}{_SEP}{_NAME}{_SEP}{_D}",
        rf"ngày{_GAP}*(?P<d>\d{{1,2}}){_GAP}*tháng{_GAP}*(?P<m>\d{{1,2}}){_GAP}*(?:năm|,){_GAP}*{_Y}",
    )
)
#: What Thai, and only Thai, counts from; a year this late is never meant otherwise.
_BUDDHIST, _BUDDHIST_FROM = 543, 2400


def date_at(text: str, position: int) -> tuple[dt.date, int] | None:
    """The date that stands in *text* at *position*, and where it ends; None if none does.

    Long and medium forms of CLDR, ISO 8601, and day, named month and year in any other order. Days of the week, times
    and purely numeric dates are not read: nobody can tell 7/8 from 8/7.
    """
    if found := _ISO.match(text, position):
        return _dated(found, int(found["m"]))
    names = _months()
    best: tuple[dt.date, int] | None = None
    for pattern, locales in _patterns(text[position : position + 1].isnumeric()):
        found = pattern.match(text, position)
        if not found:
            continue
        if "m" in pattern.groupindex and not found["m"][0].isdigit():
            months = {m for m in (names.get((locale, _folded(found["m"]))) for locale in locales) if m}
            dated = _dated(found, months.pop()) if len(months) == 1 else None
        else:
            dated = _dated(found, int(found["m"]))
        if dated and (best is None or dated[1] > best[1]):
            best = dated
    return best or _loosely(text, position)


def _loosely(text: str, position: int) -> tuple[dt.date, int] | None:
    """A date in an order that its own language has no pattern for; none where languages differ on what month it is."""
    for expression in _LOOSE:
        if not (found := expression.match(text, position)):
            continue
        if found["m"].isdigit():
            return _dated(found, int(found["m"]))
        months = _any_month().get(_folded(found["m"].rstrip(",")), frozenset())
        if len(months) == 1:
            return _dated(found, next(iter(months)))
    return None


def month_at(text: str, position: int) -> bool:
    """Whether a month's name stands there, as of a date whose figures were masked or lost."""
    found = re.compile(_NAME).match(text, position)
    return bool(found) and _folded(found["m"]) in _any_month()  # type: ignore[index] # found is a match


def _dated(found: re.Match[str], month: int) -> tuple[dt.date, int] | None:
    year = int(found["y"])
    if year >= _BUDDHIST_FROM:
        year -= _BUDDHIST
    try:
        return dt.date(year, month, int(found["d"])), found.end()
    except ValueError:
        return None


def _folded(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold().replace("\u0307", "").strip(".'’׳॰ ").replace("\xa0", " ")
    return folded.removeprefix("de ")


@functools.cache
def _months() -> dict[tuple[str, str], int]:
    """(locale, folded name) → month."""
    from archiver.articles.calendar_names import CALENDAR

    return {
        (locale, _folded(name)): month
        for locale, _, names in CALENDAR
        for form in names.split("||")
        for month, name in enumerate(form.split("|"), 1)
    }


@functools.cache
def _any_month() -> dict[str, frozenset[int]]:
    """Folded name → what months languages call so."""
    months: dict[str, set[int]] = {}
    for (_, name), month in _months().items():
        months.setdefault(name, set()).add(month)
    return {name: frozenset(each) for name, each in months.items()}


@functools.cache
def _patterns(starts_with_digit: bool) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """Every distinct date pattern as an expression, with the locales that write dates so."""
    from archiver.articles.calendar_names import CALENDAR

    written: dict[str, list[str]] = {}
    for locale, patterns, _ in CALENDAR:
        for pattern in patterns.split("|"):
            if pattern[0].isalpha() and pattern[0] == "M" and starts_with_digit:
                continue
            if pattern[0] in "dy" and not starts_with_digit:
                continue
            written.setdefault(_expression(pattern), []).append(locale)
    return tuple((re.compile(expression), tuple(locales)) for expression, locales in written.items())


def _expression(pattern: str) -> str:
    """A CLDR date pattern (https://unicode.org/reports/tr35/tr35-dates.html) as an expression."""
    parts: list[str] = []
    tail = ""
    for literal, year, month, day, era, space, other in _TOKEN.findall(pattern):
        gap = _GAP + "*" if parts else ""
        if space:
            continue
        if literal or other:
            tail += gap + re.escape((literal or other).strip())
            continue
        if year:
            part = r"(?P<y>\d{4})"
        elif month:
            part = r"(?P<m>\d{1,2})" if len(month) < 3 else _NAME
        elif day:
            # French writes the first as 1er, Spanish and Italian as 1º.
            part = r"(?P<d>\d{1,2})(?:er|º|ª|°)?"
        elif era:
            part = r"(?:[^\d\s]{2,20})?"
        parts.append(tail + gap + part)
        tail = ""
    # What follows the last field (`г.`, `р.`, `日`) is lost as easily as kept.
    return "".join(parts) + (f"(?:{tail})?" if tail else "")
