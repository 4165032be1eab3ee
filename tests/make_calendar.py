"""Writes `archiver/articles/calendar_names.py` from CLDR, as babel has it: `python tests/make_calendar.py`.

The program carries the few kilobytes it needs, so that it neither installs nor loads CLDR whole; the test beside this
file fails when the two drift apart.
"""

from __future__ import annotations

import pathlib

from babel import Locale

#: The languages X offers for embeds, and those that its interface or Bluesky's had besides. Left out: Basque and
#: Mongolian, whose long dates decline the month's name.
LOCALES = (  # noqa: SIM905 - a table of words
    "en en_GB ar bn ca cs da de el es fa fi fil fr gl gu he hi hr hu id it ja kn ko mr ms nb nl nn pl pt ro ru sk sr "
    "sr_Latn sv ta th tr uk ur vi zh zh_Hant bg sl lt lv et is be ka hy az af sw te ga"
).split()

TARGET = pathlib.Path(__file__).parents[1] / "archiver" / "articles" / "calendar_names.py"


def rows() -> list[tuple[str, str, str]]:
    """(locale, patterns, names): patterns are CLDR's long and medium dates, names twelve months each in CLDR's wide,
    abbreviated and stand-alone forms; all joined by `|`, forms by `||`."""
    hebrew = tuple(Locale.parse("he").months["stand-alone"]["wide"].values())
    found = []
    for name in LOCALES:
        locale = Locale.parse(name)
        patterns = [locale.date_formats[length].pattern for length in ("long", "medium")]
        forms = [
            tuple(locale.months["format"]["wide"].values()),
            tuple(locale.months["format"]["abbreviated"].values()),
        ]
        # Nobody can tell 7/8 from 8/7, so dates all in figures are left out, but for those that name their parts.
        patterns = [p for p in dict.fromkeys(patterns) if "MMM" in p or "年" in p]
        if forms[0][0] == "1월":
            patterns = [p.replace("MMMM", "M월") for p in patterns]
        alone = tuple(locale.months["stand-alone"]["wide"].values())
        # babel hands out another language's names where a locale has no stand-alone ones.
        if alone != hebrew or name == "he":
            forms.append(alone)
        forms = [f for f in dict.fromkeys(forms) if not f[0][:1].isdigit()]
        found.append((name, "|".join(patterns), "||".join("|".join(form) for form in forms)))
    return found


def module() -> str:
    lines = [
        '"""Months and long dates of the languages that embeds come in: CLDR, by way of babel. Generated; see',
        'tests/make_calendar.py. Unicode Licence v3."""',
        "",
        "# ruff: noqa: E501",
        "# fmt: off",
        "",
        "#: (locale, date patterns, month names): joined by `|`, forms of the names by `||`.",
        "CALENDAR: tuple[tuple[str, str, str], ...] = (",
    ]
    for locale, patterns, names in rows():
        lines.append(f'    ("{locale}", {quoted(patterns)}, {quoted(names)}),')
    return "\n".join([*lines, ")", ""])


def quoted(text: str) -> str:
    """A string literal in the formatter's style: readable, with only what cannot be seen escaped."""
    shown = "".join(c if c.isprintable() and c not in '"\\' else c.encode("unicode_escape").decode() for c in text)
    return f'"{shown}"'


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")
