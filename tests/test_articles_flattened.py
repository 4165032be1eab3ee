"""Posts in plain text, where an embed was flattened."""

from __future__ import annotations

import datetime as dt
import os
import pathlib

import pytest

from archiver.articles import embeds, text_of
from archiver.model import Kind

SHARED = pathlib.Path(os.environ.get("ARCHIVER_SHARED") or pathlib.Path(__file__).parents[2] / "shared")


def flattened(text: str):
    return [e for e in embeds(text.encode(), location="a.txt") if e.kind is Kind.FLATTENED]


def test_the_article_this_project_began_with():
    """Two attributions, their codes, and offsets from the dash to the end of the date."""
    path = SHARED / "articles" / "000_cdd135c30a0d5811.txt"
    if not path.exists():
        pytest.skip("needs the shared articles")
    content = path.read_bytes()
    found = embeds(content, location=str(path))
    assert [(e.kind, e.claim.handle, e.claim.date, e.claim.codes, e.claim.pic_codes) for e in found] == [
        (Kind.FLATTENED, "NOELreports", dt.date(2024, 8, 7), ("fwutN0Bakg",), ("fwutN0Bakg",)),
        (Kind.FLATTENED, "Gerashchenko_en", dt.date(2024, 8, 7), ("KF0irzUiL7", "Axt42DqdzE"), ("Axt42DqdzE",)),
    ]
    text = text_of(content)
    shown = [text[e.start : e.end] for e in found]
    assert [(s[0], s[-14:]) for s in shown] == [("—", "August 7, 2024")] * 2
    assert found[1].text_spans[1].start < text.index("Gerasimov promised")
    assert text[found[1].text_spans[1].start :].startswith("Putin met with Belousov")


@pytest.mark.parametrize(
    "dash", ["—", "–", "―", "-", "--", "&mdash;", "&#8212;", "&#x2014;", "â€”", "\ufffd", "?", "—\n", ";"]
)
def test_every_dash(dash):
    text = f"Rain over the harbour again.\n\n{dash} Harbour Watch (@harbourwatch) August 7, 2024\n\nMore follows."
    (embed,) = flattened(text)
    assert (embed.claim.handle, embed.claim.name) == ("harbourwatch", "Harbour Watch")
    assert text[embed.start : embed.end] == f"{dash} Harbour Watch (@harbourwatch) August 7, 2024"


def test_no_dash_on_a_line_of_its_own():
    (embed,) = flattened("Rain again, says the desk here.\n\nHarbour Watch (@harbourwatch) August 7, 2024\n\nMore.")
    assert embed.claim.name == "Harbour Watch"


def test_a_dash_glued_to_a_code():
    text = "Rain again pic.twitter.com/AbCdEf1234— Harbour Watch (@harbourwatch) August 7, 2024 and on."
    (embed,) = flattened(text)
    assert embed.claim.codes == embed.claim.pic_codes == ("AbCdEf1234",)
    assert text[embed.start] == "—"


@pytest.mark.parametrize(
    "name",
    [
        "Harbour 🌊 Watch",
        "(((Harbour)))",
        "H — W",
        "مرصد الميناء",
        "????",
        "Al (not real)",
        "•Harbour•",
        "港の番",
        ".",
        "A-B",
    ],
)
def test_a_name_holds_anything(name):
    (embed,) = flattened(f"Rain again.\n— {name} (@harbourwatch) August 7, 2024\n")
    assert embed.claim.name == name


@pytest.mark.parametrize(
    "prose",
    [
        "Follow Ann Writer (@annwriter) on Twitter for more.",
        "By Ann Writer (@annwriter) August 7, 2024\n\nThe harbour was closed.",
        "The mayor (@mayor) said on August 7, 2024 that the harbour is closed.",
        "Contact the author (@annwriter).",
        "Meet (@mayor) in 2024.",
    ],
)
def test_bylines_and_prose_are_no_posts(prose):
    assert flattened(prose) == []


def test_markdown_keeps_the_permalink():
    text = "> Rain again\n>\n> — Harbour\\_Watch (@harbour\\_watch) [August 7, 2024](https://twitter.com/harbour_watch/status/1821000000000000000?ref_src=x)\n"
    (embed,) = flattened(text)
    assert embed.ref is not None and embed.ref.id == "1821000000000000000"
    assert embed.claim.handle == "harbour_watch"
    assert [e.kind for e in embeds(text.encode(), location="a.md")] == [Kind.FLATTENED]


def test_a_code_alone_is_a_shortlink():
    (embed,) = embeds(b"Look: https://t.co/AbCdEf1234 and most.co/nothing", location="a.txt")
    assert (embed.kind, embed.claim.codes, embed.claim.pic_codes) == (Kind.SHORTLINK, ("AbCdEf1234",), ())


def test_codes_glued_to_words_keep_their_case():
    (embed,) = flattened("see pagehttps://t.co/zXldgQwKwJ 87pic.twitter.com/0fUQSSRI4v\n— Fox (@fox) April 19, 2016\n")
    assert embed.claim.codes == ("zXldgQwKwJ", "0fUQSSRI4v")
    assert embed.claim.pic_codes == ("0fUQSSRI4v",)


def test_offsets_count_characters_and_selectors_bytes():
    text = "Дождь. 🌊\n— Порт (@port) 7 августа 2024 г.\n"
    content = text.encode()
    (embed,) = flattened(text)
    position = dict(embed.selectors[0].value)
    assert content[position["start"] : position["end"]].decode() == text[embed.start : embed.end]
