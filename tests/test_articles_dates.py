"""The day of an attribution, in the languages that embeds come in."""

from __future__ import annotations

import datetime as dt

import pytest
from make_calendar import TARGET, module

from archiver.articles.dates import date_at

DAY = dt.date(2024, 8, 7)


def test_the_calendar_is_cldrs():
    """Months and patterns are exactly those of the CLDR release that babel carries."""
    assert TARGET.read_text(encoding="utf-8") == module(), "run tests/make_calendar.py"


@pytest.mark.parametrize(
    "written",
    [
        "August 7, 2024",
        "Aug 7, 2024",
        "Aug. 7, 2024",
        "7 August 2024",
        "7. August 2024",
        "7 août 2024",
        "7 de agosto de 2024",
        "7 agosto 2024",
        "7 augustus 2024",
        "7 sierpnia 2024",
        "7 серпня 2024 р.",
        "7 августа 2024 г.",
        "7 августа 2024",
        "7 Ağustos 2024",
        "7. srpna 2024",
        "7. elokuuta 2024",
        "2024. augusztus 7.",
        "7 tháng 8, 2024",
        "7 Agustus 2024",
        "7 Ogos 2024",
        "7 august 2024",
        "7. august 2024",
        "7 augusti 2024",
        "7 Αυγούστου 2024",
        "7 באוגוסט 2024",
        "7 أغسطس 2024",
        "٧ أغسطس ٢٠٢٤",
        "7 اوت 2024",
        "۷ اوت ۲۰۲۴",
        "7 अगस्त 2024",
        "৭ আগস্ট, ২০২৪",
        "7 สิงหาคม 2024",
        "7 สิงหาคม 2567",
        "2024年8月7日",
        "2024 年 8 月 7 日",
        "2024년 8월 7일",
        "7 d’agost del 2024",
        "7 Aug, 2024",
        "7 de Ago, 2024",
        "August 7th, 2024",
        "7th of August 2024",
        "Sie 7, 2024",
        "अगस्त 7, 2024",
        "ऑगस्ट 7, 2024",
        "7 أغسطس، 2024",
        "ngày 7 tháng 8 năm 2024",
        "2024-08-07",
        "2024-08-07T23:45:27.000Z",
    ],
)
def test_a_long_date_is_read(written):
    assert date_at(f"{written}\nnext", 0) == (DAY, len(written))


def test_the_first_of_a_month_may_be_an_ordinal():
    assert date_at("1er août 2024", 0) == (dt.date(2024, 8, 1), 13)


@pytest.mark.parametrize(
    "written", ["7/8/2024", "08-07-2024", "Augustus 2024", "32 August 2024", "May you", "2024", ""]
)
def test_what_could_mean_two_days_is_no_date(written):
    assert date_at(written, 0) is None


def test_a_name_is_read_by_its_own_language():
    """Croatian and Polish call different months by one name; the pattern tells them apart."""
    assert date_at("7 listopada 2024", 0) == (dt.date(2024, 11, 7), 16)
    assert date_at("7. listopada 2024.", 0) == (dt.date(2024, 10, 7), 18)
    assert date_at("Listopada 7, 2024", 0) is None
