"""The same text after what articles do to it, and another text that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.likeness import Kind, clean, likeness, quoted, words

POST = "Gerasimov promised all was under control. Putin & the rest “looked sceptical” – again… 🇺🇦"


@pytest.mark.parametrize(
    "claimed",
    [
        POST,
        POST.replace("&", "&amp;"),
        POST.replace("&", "&amp;amp;"),
        POST.replace("“", '"').replace("”", '"').replace("–", "-"),
        POST.replace(" ", "\u00a0"),
        POST.replace(" 🇺🇦", ""),
        POST + " https://t.co/KF0irzUiL7 pic.twitter.com/Axt42DqdzE",
        POST + "pic.x.com/Axt42DqdzE",
        POST.upper(),
        "@a_reader @b " + POST,
        POST.replace("promised", "pro\u200dmised\ufe0f"),
    ],
)
def test_what_articles_change_does_not_make_another_text(claimed):
    assert likeness(claimed, POST).kind is Kind.SAME


@pytest.mark.parametrize(
    ("claimed", "actual", "kind"),
    [
        ("????? Україні ?? glory to all the heroes", "Слава Україні 🇺🇦 glory to all the heroes", Kind.LOSSY),
        ("Caf? owners in M?nchen are happy", "Café owners in München are happy", Kind.LOSSY),
        ("Caf\ufffd owners in M\ufffd\ufffdnchen are happy", "Café owners in München are happy", Kind.LOSSY),
        ("An article's own words.\n" + POST, POST, Kind.SIMILAR),
        (POST + "\nFerry third said!", POST, Kind.SIMILAR),
        ("Putin and the rest looked sceptical", "Nothing is new. Putin and the rest looked sceptical", Kind.PART),
        ("Gerasimov promised all was und…", POST, Kind.CUT),
        ("Really? Are you quite sure of that?", "Really! Are you quite sure of that.", Kind.SAME),
        ("東京で大きな地震がありました", "東京で大きな地震がありました。", Kind.SAME),
        ("", POST, Kind.EMPTY),
        ("🇺🇦", POST, Kind.EMPTY),
    ],
)
def test_how_texts_stand_to_each_other(claimed, actual, kind):
    assert likeness(claimed, actual).kind is kind


def test_a_source_that_cuts_is_believed_to():
    assert likeness(POST, "Gerasimov promised all was under", is_cut=True).agrees
    assert likeness("Gerasimov promised all, and more", "Gerasimov promised all was under", is_cut=True).agrees is False


@pytest.mark.parametrize(
    ("claimed", "actual"),
    [
        ("At least 12 people were hurt in the night", "At least 14 people were hurt in the night"),
        ("The bridge is open", "The bridge is not open"),
        ("???? ????? ??? ?????", "Everything was lost here"),
        ("東京で大きな地震がありました", "京都で大きな地震がありました"),
        # Vowels and tones written on the letters (Hindi, Thai, Tamil), and pointed Hebrew, are letters.
        ("मोदी ने कहा कि पुल बंद है", "मोदी ना कहे कि पुल बंद हो"),
        ("ป่าที่เชียงใหม่ปิดแล้ว", "ป้าที่เชียงใหม่ปิดแล้ว"),
        ("பாலம் மூடப்பட்டது", "பலம் மூடப்பட்டது"),
        # A desk that answers many says the same to each.
        (
            "@a_reader We are sorry to hear that, please write to us.",
            "@b We are sorry to hear that, please write to us.",
        ),
        ("The bridge scores 9.5/10 this year", "The bridge scores 8.5/10 this year"),
    ],
)
def test_other_words_are_another_text(claimed, actual):
    assert not likeness(claimed, actual).agrees


@pytest.mark.parametrize(
    ("claimed", "actual"),
    [
        ("It is -5 in the harbour tonight", "It is 5 in the harbour tonight"),
        ("It is −5 in the harbour tonight", "It is +5 in the harbour tonight"),
        ("A ticket for the ferry costs $20 now", "A ticket for the ferry costs €20 now"),
        ("Turnout rose by 5% in the north", "Turnout rose by 5 in the north"),
        ("\u2b06\ufe0f 5 in the north", "\u2b07\ufe0f 5 in the north"),
    ],
)
def test_other_signs_at_figures_are_another_text(claimed, actual):
    assert not likeness(claimed, actual).has_signs
    assert likeness(claimed, claimed).has_signs


@pytest.mark.parametrize(
    ("claimed", "actual"),
    [
        ("It is −5 in the harbour", "It is -5 in the harbour"),
        ("3–5 people—2 of them children", "3-5 people - 2 of them children"),
    ],
)
def test_signs_that_articles_write_otherwise_fit(claimed, actual):
    assert likeness(claimed, actual).has_signs


@pytest.mark.parametrize(
    ("claimed", "actual", "losses"),
    [
        (POST, POST, ()),
        (POST.replace("&", "&amp;").replace(" ", "\u00a0"), POST, ()),
        (POST.replace("“", '"').replace("”", '"').replace("–", "—").replace("…", "..."), POST, ()),
        ("\n\n" + POST + " pic.twitter.com/Axt42DqdzE", POST, ()),
        ("The bridge is open", "The bridge is open.", ()),
        ("?? ?The bridge? is open", "\U0001f6a8 «The bridge» is open", ()),
        ("東京で大きな地震がありました", "東京で大きな地震がありました。", ()),
        (POST.upper(), POST, ("case or punctuation",)),
        ("The bridge is open!", "The bridge is open?", ("case or punctuation",)),
        ("Bridge #closed today", "Bridge closed today", ("case or punctuation",)),
        ("Caf? owners in M?nchen are happy", "Café owners in München are happy", ("letters",)),
        ("We are sorry", "@b We are sorry", ("whom it answers",)),
        ("@b We are sorry", "We are sorry", ("whom it answers",)),
        ("@b @c We are sorry", "@c @b We are sorry", ()),
    ],
)
def test_what_must_have_been_lost_or_changed_is_told(claimed, actual, losses):
    found = likeness(claimed, actual)
    assert (found.agrees, found.losses) == (True, losses)


def test_the_length_that_agrees_is_counted_in_letters():
    assert likeness("Wow!", "wow").length == 3


def test_links_in_display_form_are_dropped():
    assert words("read medium.com/hbo-cinemax-pr… now") == ("read", "now")
    assert clean("see https://example.org/a?b=c now") == "see now"


@given(st.text(max_size=200))
def test_every_text_is_the_same_as_itself_or_empty(text):
    found = likeness(text, text)
    assert found.kind in {Kind.SAME, Kind.EMPTY}


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_score_is_between_nothing_and_all(one, other):
    assert 0.0 <= likeness(one, other).score <= 1.0


@given(st.text(alphabet="a?\ufffd b", max_size=400), st.text(alphabet="ab ", max_size=400))
def test_lost_signs_never_make_it_slow(one, other):
    likeness(one, other)


# --- a quotation whose ends are open --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "kind"),
    [
        ("An article's own words.\n" + POST, Kind.WITHIN),
        ("An article's own words. " + POST, Kind.WITHIN),
        ("Somebody wrote!\u201d " + POST, Kind.WITHIN),
        # A word more that begins no sentence is another post's.
        ("Breaking " + POST, Kind.SIMILAR),
        ("\U0001f6a8 " + POST, Kind.SAME),
        (POST + "\nFerry third said!", Kind.SIMILAR),
    ],
)
def test_a_post_may_begin_at_any_line_or_sentence_of_the_article(claimed, kind):
    assert quoted(claimed, POST, context=claimed).kind is kind


def test_a_post_of_several_paragraphs_is_found_above_its_likeliest_part():
    post = "The bridge is closed.\n\nIt will be closed until further notice, says the harbour."
    last = "It will be closed until further notice, says the harbour."
    assert quoted(last, post, context=last).kind is Kind.PART
    assert quoted(last, post, context=f"An article's own words.\n\n{post}").kind is Kind.SAME
    # Other lines above it: another post that ends alike.
    assert not quoted(last, post, context=f"An article's own words.\n\nThe bridge is open.\n\n{last}").agrees


def test_a_cut_quotation_behind_the_articles_own_words_is_found():
    claimed = "An article's own words. Gerasimov promised all was under\u2026"
    assert quoted(claimed, POST, context=claimed).agrees


@pytest.mark.parametrize("dash", ["\u2014", "\u2013", "--", "-"])
def test_a_name_with_a_dash_of_its_own_is_no_part_of_the_words(dash):
    claimed = f"{POST} {dash} \U0001f30a Harbour"
    assert quoted(claimed, POST, name="News", author="\U0001f30a Harbour \u2014 News").kind is Kind.SAME
    assert not quoted(claimed, POST, name="News", author="Somebody Else").agrees


def test_a_line_of_nothing_but_the_name_leaves_the_post_above_it():
    found = quoted(
        "-- ?? Harbour", POST, context=f"{POST}\n-- ?? Harbour", name="News", author="\U0001f30a Harbour \u2014 News"
    )
    assert found.kind is Kind.SAME


@pytest.mark.parametrize(("name", "agrees"), [("?? Harbour", False), ("???? Harbour", True), ("Harbour", False)])
def test_how_emoji_were_lost_is_learnt_from_the_authors_name(name, agrees):
    """Four marks are a flag's by UTF-16, or one emoji's by UTF-8; the name, known in both forms, tells which."""
    author = "\U0001f30a Harbour" if name != "Harbour" else "Harbour"
    found = quoted(f"???? {POST[:60]}", f"\U0001f6a8 {POST[:60]}", name=name, author=author)
    assert (found.agrees and found.has_signs) is agrees


def test_in_an_element_of_its_own_nothing_but_the_authors_name_stands_above_the_words():
    """A blockquote shows the whole post, so what is more or less in it makes it another one."""
    assert not quoted("Correction. " + POST, POST).agrees
    assert not quoted("Correction.\n\n" + POST, POST).agrees
    assert not quoted(POST, "Correction. " + POST).agrees
    card = f"A Reporter\n@reporter\n{POST}"
    assert quoted(card, POST, author="A Reporter", handle="reporter").kind is Kind.WITHIN
