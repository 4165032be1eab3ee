"""An article's claim against the post: agreement, difference and contradiction, field by field."""

import datetime as dt
from typing import Any

import pytest

from archiver import dagcbor
from archiver.corroborate import Verdict, align, corroborate
from archiver.model import Author, Claim, Embed, Kind, Link, Media, Post, PostRef, as_json

TEXT = "The crane on pier four fell at dawn.\n\nNobody was hurt & the ferry still sails. https://t.co/AbCdEf1234"


def shown(**changes: Any) -> dict[str, Any]:
    post = Post(
        ref=PostRef("twitter", "1"),
        author=Author("harbour_watch", "Harbour Watch 🚢"),
        text=TEXT,
        created_at=dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC),
        links=(Link("https://t.co/AbCdEf1234", "https://port.example/"), Link("https://t.co/PiCcOdE123")),
    )
    return {**as_json(post), **changes}


def flattened(before: str, quoted: str, after: str = "\n\nThe port reopened.") -> tuple[Embed, str]:
    attribution = "— Harbour Watch ???? (@Harbour_Watch) March 1, 2026"
    article = f"{before}{quoted}{attribution}{after}"
    start = len(before) + len(quoted)
    claim = Claim("Harbour_Watch", "Harbour Watch ????", dt.date(2026, 3, 1), None, ("AbCdEf1234", "PiCcOdE123"))
    embed = Embed("twitter", Kind.FLATTENED, None, None, claim, "text", True, start=start, end=start + len(attribution))
    return embed, article


def test_a_faithful_quotation_is_corroborated_in_every_field() -> None:
    embed, article = flattened("Port news.\n\n", TEXT.replace("&", "&amp;") + " pic.twitter.com/PiCcOdE123 ")
    found = corroborate(embed, shown(), article)
    assert {name: field.verdict for name, field in found.fields.items()} == dict.fromkeys(
        ("handle", "name", "date", "text", "codes"), Verdict.CORROBORATED
    )
    assert found.overall is Verdict.CORROBORATED


@pytest.mark.parametrize("gap", [" ", "\n", "\n\n", "\n\n\n\n    "])
def test_the_span_of_a_quotation_over_paragraphs_is_exact(gap: str) -> None:
    quoted = TEXT.replace("\n\n", gap)
    embed, article = flattened("Officials met at the pier at dawn.\n\n", quoted + " pic.twitter.com/PiCcOdE123 ")
    span = align(article, TEXT, embed)
    assert span is not None
    assert article[span.start : span.end] == quoted.removesuffix(" https://t.co/AbCdEf1234")


def test_a_changed_word_is_shown() -> None:
    embed, article = flattened("", TEXT.replace("Nobody was", "Three were") + " ")
    field = corroborate(embed, shown(), article).fields["text"]
    assert field.verdict is Verdict.DIFFERS
    assert field.note is not None
    assert "[-nobody was-] {+three were+}" in field.note


def test_another_text_is_a_contradiction_or_not_found() -> None:
    embed, article = flattened("", "Completely different words about the weather in spring. ")
    assert align(article, TEXT, embed) is None


@pytest.mark.parametrize(
    ("day", "verdict"),
    [(28, Verdict.CONTRADICTED), (1, Verdict.CORROBORATED), (2, Verdict.CORROBORATED), (5, Verdict.CONTRADICTED)],
)
def test_a_date_without_a_zone_has_26_hours_of_room(day: int, verdict: Verdict) -> None:
    date = dt.date(2026, 2 if day == 28 else 3, 27 if day == 28 else day)
    embed = Embed("twitter", Kind.EMBED, None, None, Claim(date=date), "dom", True)
    assert corroborate(embed, shown(), None).fields["date"].verdict is verdict


def test_another_handle_differs_and_silence_is_unconfirmed() -> None:
    embed = Embed("twitter", Kind.EMBED, None, None, Claim(handle="other"), "dom", True)
    fields = corroborate(embed, shown(), None).fields
    assert fields["handle"].verdict is Verdict.DIFFERS
    assert fields["text"].verdict is Verdict.UNCONFIRMED


def test_a_code_that_is_not_in_the_post_is_named() -> None:
    embed = Embed("twitter", Kind.EMBED, None, None, Claim(codes=("AbCdEf1234", "abcdef1234")), "dom", True)
    field = corroborate(embed, shown(), None).fields["codes"]
    assert field.verdict is Verdict.DIFFERS
    assert field.note == "not in the post: abcdef1234"


ONE, OTHER = (str(dagcbor.record_cid({"text": text})) for text in ("one", "other"))


@pytest.mark.parametrize(
    ("seen", "is_verified", "verdict"),
    [
        (ONE, True, Verdict.CORROBORATED),
        (ONE, None, Verdict.UNCONFIRMED),
        (ONE, False, Verdict.CONTRADICTED),
        (OTHER, True, Verdict.CONTRADICTED),
        (None, None, Verdict.UNCONFIRMED),
    ],
)
def test_a_digest_in_the_embed_code_is_held_against_the_record(seen: str, is_verified: bool, verdict: Verdict) -> None:
    embed = Embed("bluesky", Kind.EMBED, None, None, Claim(cid=ONE), "dom", True)
    extra = [pair for pair in (["cid", seen], ["cid_verified", is_verified]) if pair[1] is not None]
    assert corroborate(embed, shown(extra=extra), None).fields["cid"].verdict is verdict


def test_a_picture_the_article_links_to_is_confirmed_by_one_and_not_refuted_by_none() -> None:
    """oEmbed shows no media of any post."""
    embed = Embed("twitter", Kind.EMBED, None, None, Claim(pic_codes=("PiCcOdE123",)), "dom", True)
    field = corroborate(embed, shown(), None).fields["media"]
    assert (field.verdict, field.claimed) == (Verdict.UNCONFIRMED, "pic:PiCcOdE123")
    picture = as_json(Media("photo", "m1", ("https://pbs.example/m1.jpg",)))
    assert corroborate(embed, shown(media=[picture]), None).fields["media"].verdict is Verdict.CORROBORATED


DATED = Embed("twitter", Kind.EMBED, None, None, Claim(date=dt.date(2026, 3, 1)), "dom", True)
MADE = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(("days", "verdict"), [(0, Verdict.CORROBORATED), (3, Verdict.UNCONFIRMED)])
def test_an_id_made_at_another_time_than_the_post_states_is_noted(days: int, verdict: Verdict) -> None:
    """A copy on another server, or a backdated record: nothing against the article."""
    found = corroborate(DATED, shown(), None, id_at=MADE + dt.timedelta(days=days))
    assert found.fields["id"].verdict is verdict
    assert found.fields["date"].verdict is Verdict.CORROBORATED
    assert (found.fields["id"].note is None) is (days == 0)


@pytest.mark.parametrize(("days", "verdict"), [(0, Verdict.CORROBORATED), (3, Verdict.DIFFERS)])
def test_where_no_source_states_a_time_the_id_is_held_against_the_articles_date(days: int, verdict: Verdict) -> None:
    found = corroborate(DATED, shown(created_at=None), None, id_at=MADE + dt.timedelta(days=days))
    assert found.fields["id"].verdict is verdict


def test_what_is_no_digest_proves_nothing() -> None:
    """A CMS that cut the attribute short has exchanged no record."""
    embed = Embed("bluesky", Kind.EMBED, None, None, Claim(cid=ONE[:20]), "dom", True)
    field = corroborate(embed, shown(extra=[["cid", ONE], ["cid_verified", True]]), None).fields["cid"]
    assert field.verdict is Verdict.UNCONFIRMED
