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


def test_two_blanks_where_a_data_set_dropped_the_dash():
    """Its articles are one line each, and what follows is glued to the date."""
    text = (
        "The mayor said that all would be rebuilt.We will rebuild the whole harbour!  Ann J. Lee (@annlee) "
        "August 7, 2024The port s answer came at once.  So will we. pic.twitter.com/AbCdEf1234  The Port (@port) "
        "August 8, 2024Then it rained, and Bob (@bob) said on August 9, 2024 that it would go on.  By Eve (@eve) "
        "August 9, 2024"
    )
    found = flattened(text)
    assert [(e.claim.name, e.claim.handle, e.claim.date) for e in found] == [
        ("Ann J. Lee", "annlee", dt.date(2024, 8, 7)),
        ("The Port", "port", dt.date(2024, 8, 8)),
    ]
    assert text[found[0].start : found[0].end] == "Ann J. Lee (@annlee) August 7, 2024"
    assert flattened("Home  News  Ann Lee (@annlee) August 7, 2024") == []


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


@pytest.mark.parametrize(
    "attribution",
    [
        "Ann Lee (@annlee) 7:03 PM · Aug 7, 2024",
        "Ann Lee (@annlee) 19:03 - 7 août 2024",
        "Ann Lee (@annlee) on August 7, 2024",
        "Ann Lee (@annlee) August 7th, 2024",
        "Ann Lee (@annlee), August 7, 2024",
        "Ann (ex @work) (@annlee) August 7, 2024",
        "Ann\xa0Lee\xa0(@annlee)\xa0August\xa07,\xa02024",
        "آن (\u200e@annlee\u200e) \u200f٧ أغسطس، ٢٠٢٤",
        "آن (@annlee) ۷ اوت ۲۰۲۴",
        "אן (@annlee)\u202c \u200f7 באוגוסט 2024",
        "Άννα (@annlee) 7 Αυγούστου 2024",
        "ऐन (@annlee) अगस्त 7, 2024",
        "ஆன் (@annlee) ஆகஸ்ட் 7, 2024",
        "An (@annlee) ngày 7 tháng 8 năm 2024",
        "แอน (@annlee) 7 ส.ค. 2567",
        "アン（@annlee）2024年8月7日",
        "앤 (@annlee) 2024년 8월 7일",
        "Ann Lee ([@annlee](https://twitter.com/annlee)) [August 7, 2024](https://twitter.com/annlee/status/1821000000000000000)",
    ],
)
def test_every_way_an_attribution_is_written(attribution):
    (embed,) = flattened(f"They met on Monday.\n\nWe will rebuild it.\n— {attribution}\n\nNothing more was said.\n")
    assert (embed.claim.handle, embed.claim.date, embed.claim.text) == (
        "annlee",
        dt.date(2024, 8, 7),
        "We will rebuild it.",
    )


@pytest.mark.parametrize(
    ("attribution", "day"),
    [
        ("A post shared by Ann Lee (@ann.lee) on Apr 3, 2019 at 7:00am PDT", True),
        ("Una publicación compartida de Ann Lee (@ann.lee) el 3 Abr, 2019 a las 7:00 PDT", True),
        ("Una foto publicada por Ann Lee (@ann.lee) el 3 de Abr de 2019 a la(s) 7:00 PDT", True),
        ("Ein Beitrag geteilt von Ann Lee (@ann.lee) am 3. Apr 2019 um 7:00 Uhr PDT", True),
        ("Un post condiviso da Ann Lee (@ann.lee) in data: 3 Apr 2019 alle ore 7:00 PDT", True),
        ("Uma publicação compartilhada por Ann Lee (@ann.lee) em 3 de Abr, 2019 às 7:00 PDT", True),
        ("Post udostępniony przez Ann Lee (@ann.lee) Kwi 3, 2019 o 7:00 PDT", True),
        ("Публикация от Ann Lee (@ann.lee) 3 Апр 2019 в 7:00 PDT", True),
        ("Et opslag delt af Ann Lee (@ann.lee)", False),
        ("Ann Lee (@ann.lee)'in paylaştığı bir gönderi", False),
        ("Ann Lee(@ann.lee)がシェアした投稿", False),
        ("Ann Lee(@ann.lee)님의 공유 게시물", False),
        ("Henkilön Ann Lee (@ann.lee) jakama julkaisu", False),
        ("Příspěvek sdílený Ann Lee (@ann.lee)", False),
        ("Ann Lee (@ann.lee) által megosztott bejegyzés", False),
        ("Η δημοσίευση κοινοποιήθηκε από το χρήστη Ann Lee (@ann.lee)", False),
        ("O postare distribuită de Ann Lee (@ann.lee)", False),
    ],
)
def test_instagrams_phrases_in_its_languages(attribution, day):
    text = f"View this post on Instagram\n\nWe will rebuild it.\n\n{attribution}\n\nNothing more was said.\n"
    (embed,) = flattened(text)
    assert (embed.platform, embed.claim.handle) == ("instagram", "ann.lee")
    assert embed.claim.date == (dt.date(2019, 4, 3) if day else None)
    assert embed.claim.name is not None and embed.claim.name.endswith("Ann Lee")
    assert text[embed.start : embed.end] == attribution


@pytest.mark.parametrize(
    ("post", "platform", "handle", "said"),
    [
        ("Rain again.\n— Ann (@ann.example) 7 August 2024 at 19:03", "bluesky", "ann.example", "Rain again."),
        (
            "Rain again.\n— Ann (@ann.bsky.social) August 7, 2024 at 7:03 PM",
            "bluesky",
            "ann.bsky.social",
            "Rain again.",
        ),
        ("Rain again.\n— (@ann.example) 2024-08-07T19:03:00.000Z", "bluesky", "ann.example", "Rain again."),
        ("雨。— アン (@ann.example) 2024年8月7日 19:03", "bluesky", "ann.example", "雨。"),
        ("Rain again.\n— Ann (@ann@social.example) August 7, 2024", "mastodon", "ann@social.example", "Rain again."),
        ("Rain.\n\nPost by @ann@social.example\nView on Mastodon", "mastodon", "ann@social.example", "Rain."),
        ("Rain.\n\nPost by @ann.lee\nView on Threads", "threads", "ann.lee", "Rain."),
        (
            "@ann.lee\n\nRain again @port #rain\n\n♬ original sound - Ann Lee",
            "tiktok",
            "ann.lee",
            "Rain again @port #rain",
        ),
        ("@ann.lee Rain again #rain ♬ Rain Song - The Harbours", "tiktok", "ann.lee", "Rain again #rain"),
        ("Rain again\nby u/ann_lee in harbours", "reddit", "ann_lee", "Rain again"),
        ("Rain again\nbyu/ann_lee\ninharbours", "reddit", "ann_lee", "Rain again"),
    ],
)
def test_the_flattened_forms_of_other_networks(post, platform, handle, said):
    (embed,) = flattened(f"They met on Monday.\n\n{post}\n\nNothing more was said.\n")
    assert (embed.platform, embed.claim.handle, embed.claim.text) == (platform, handle, said)


def test_a_sound_without_a_caption_has_no_words():
    (embed,) = flattened("@ann.lee\n♬ original sound - Ann Lee")
    assert (embed.platform, embed.claim.handle, embed.claim.text, embed.text_spans) == ("tiktok", "ann.lee", None, ())


@pytest.mark.parametrize(
    "prose",
    [
        "Ann Lee (@annlee) August 7, 2024 at 7:03 pm\nI think that this is wrong.",
        "- Ann Lee (@annlee) 7 August 2024, keynote\n- Bob Day (@bobday) 8 August 2024, workshop",
        "* Ann Lee (@annlee) 2024-08-07\n* Bob Day (@bobday) 2024-08-08",
        "Photo: Ann Lee (@annlee), August 7, 2024",
        "Posted by: Ann Lee (@annlee) | August 7, 2024",
        "Lee, A. [@annlee]. (2024, August 7). We will rebuild it [Tweet]. Twitter.",
        "Lee, Ann (@annlee). “We will rebuild it.” 7 August 2024, 7:03 p.m. Tweet.",
        'Ann Lee (@annlee), "We will rebuild it," Twitter, August 7, 2024.',
        "The mayor, Ann Lee (@annlee) — August 7, 2024 is her birthday — smiled.",
        "An AMA by u/ann_lee in r/harbours drew many.",
        "They sang ♬ la la la - la ♬ all night.",
        "See the post by @ann.lee and view on Threads what she wrote.",
    ],
)
def test_comment_heads_lists_credits_and_references_are_no_posts(prose):
    assert flattened(f"They met on Monday.\n\n{prose}\n\nNothing more was said.\n") == []


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
