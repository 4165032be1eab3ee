"""Embeds flattened by what people flatten articles with, and found again: BeautifulSoup, trafilatura, readability.

Only X's, Bluesky's and Instagram's embed codes say in their text whose post they show; the others leave nothing behind
(PLATFORMS.md 1.2).
"""

# ruff: noqa: E501 - embed codes, as they are written
from __future__ import annotations

import datetime as dt
import html

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archiver.articles import embeds
from archiver.model import Kind

pytest.importorskip("trafilatura")
pytest.importorskip("readability")
pytest.importorskip("babel")

#: Languages that X's embeds come in; their long dates are CLDR's.
LOCALES = ["en", "en_GB", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "uk", "ru", "ja", "zh", "ko", "ar", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "he", "hi", "th", "vi", "id", "fa", "bg", "sr", "ca"]  # fmt: skip
PARAGRAPH = "<p>The harbour was closed for a second day, said those who keep it, and the ferries stayed where they were, as they had the day before and the day before that.</p>"

letters = st.characters(whitelist_categories=("Lu", "Ll", "Lo"), max_codepoint=0xFFFF)
words = st.text(letters, min_size=1, max_size=9)
names = st.builds(
    lambda parts, sign: (" ".join(parts) + sign).strip(),
    st.lists(words, min_size=1, max_size=3),
    st.sampled_from(["", " 🌊", " 🇪🇺", "🐬", " ✓", " מ", "™", " ★"]),
)
handles = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{2,14}", fullmatch=True)
dotted = st.from_regex(r"[a-z][a-z0-9]{2,10}\.[a-z]{2,8}\.[a-z]{2,5}", fullmatch=True)
codes = st.from_regex(r"[A-Za-z0-9]{10}", fullmatch=True)
days = st.dates(dt.date(2011, 1, 1), dt.date(2026, 11, 1))
texts = st.lists(words, min_size=3, max_size=20).map(" ".join)


def _long(day: dt.date, locale: str) -> str:
    from babel.dates import format_date

    return str(format_date(day, "long", locale))


def _twitter(text: str, name: str, handle: str, code: str, date: str, generation: int) -> str:
    status = f"https://twitter.com/{handle}/status/1821000000000000000"
    pic = f' <a href="https://t.co/{code}">pic.{"x" if generation % 2 else "twitter"}.com/{code}</a>'
    said = f"<p>{html.escape(text)}{pic}</p>"
    signed = f'&mdash; {html.escape(name)} (@{handle}) <a href="{status}">{date}</a>'
    match generation:
        case 0 | 1:
            return f'<blockquote class="twitter-tweet">{said}{signed}</blockquote>'
        case 2:
            return f'<blockquote class="twitter-tweet">{said}<p>{signed}</p></blockquote>'
        case 3:
            return f"<blockquote>{said}<p>{signed}</p></blockquote>"
        case 4:
            return f'<blockquote class="twitter-video">{said}\n{signed}</blockquote>'
        case _:
            return f"<figure><blockquote>{said}{signed.replace('&mdash;', '&#x2014;')}</blockquote></figure>"


def _bluesky(text: str, name: str, handle: str, day: dt.date, is_oembed: bool) -> str:
    did, rkey = "did:plc:kft6lu4trxowqmter2b6vg6z", "3leyztswv5k2q"
    profile, post = (
        f"https://bsky.app/profile/{did}?ref_src=embed",
        f"https://bsky.app/profile/{did}/post/{rkey}?ref_src=embed",
    )
    said, name = f'<p lang="en">{html.escape(text)}</p>', html.escape(name)
    if is_oembed:
        signed = (
            f'&mdash; <a href="{profile}">{name} (@{handle})</a> <a href="{post}">{day.isoformat()}T09:24:00.000Z</a>'
        )
    else:
        clock = f"{day.strftime('%B')} {day.day}, {day.year} at 9:24 AM"
        signed = f'&mdash; {name} (<a href="{profile}">@{handle}</a>) <a href="{post}">{clock}</a>'
    return f'<blockquote class="bluesky-embed" data-bluesky-uri="at://{did}/app.bsky.feed.post/{rkey}">{said}{signed}</blockquote>'


def _instagram(text: str, name: str, handle: str, day: dt.date, is_old: bool) -> str:
    url = "https://www.instagram.com/p/CYokA48MWDA/"
    by = f"A photo posted by {name} (@{handle})" if is_old else f"A post shared by {name} (@{handle})"
    on = f" on {day.strftime('%b')} {day.day}, {day.year} at 2:20pm PST" if is_old else ""
    return f'<blockquote class="instagram-media"><p><a href="{url}">{html.escape(text)}</a></p><p>{html.escape(by)}{on}</p></blockquote>'


def _soup(page: str, separator: str) -> str:
    from bs4 import BeautifulSoup

    return str(BeautifulSoup(page, "lxml").get_text(separator))


def _trafilatura(page: str, **options: object) -> str:
    import trafilatura

    return trafilatura.extract(page, **options) or ""


def _readability(page: str) -> str:
    from readability import Document

    return _soup(Document(page).summary(), "")


FLATTENINGS = {
    "BeautifulSoup, get_text()": lambda page: _soup(page, ""),
    "BeautifulSoup, get_text(' ')": lambda page: _soup(page, " "),
    "BeautifulSoup, get_text('\\n')": lambda page: _soup(page, "\n"),
    "trafilatura": _trafilatura,
    "trafilatura, Markdown with links": lambda page: _trafilatura(page, output_format="markdown", include_links=True),
    "trafilatura, for recall": lambda page: _trafilatura(page, favor_recall=True, include_comments=False),
    "readability": _readability,
}
flattenings = st.sampled_from(sorted(FLATTENINGS))
quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _page(embed: str) -> str:
    return f"<html><head><title>Harbour</title></head><body><article><h1>Harbour closed</h1>{PARAGRAPH * 3}{embed}{PARAGRAPH * 3}</article></body></html>"


def _found(text: str, handle: str):
    return [
        e
        for e in embeds(text.encode(), location="a.md" if "](" in text else "a.txt")
        if e.kind is Kind.FLATTENED and e.claim.handle == handle
    ]


def _survives(text: str, handle: str) -> bool:
    """Whether the attribution is still there: the tools drop some embeds whole, and then there is nothing to find."""
    return f"@{handle}" in text.replace("\\_", "_")


@quick
@given(
    text=texts,
    name=names,
    handle=handles,
    code=codes,
    day=days,
    locale=st.sampled_from(LOCALES),
    generation=st.integers(0, 5),
    way=flattenings,
)
@example(
    text="Rain again",
    name="Harbour",
    handle="harbour_w",
    code="AbCdEf1234",
    day=dt.date(2024, 8, 7),
    locale="en",
    generation=0,
    way="trafilatura",
)
def test_a_flattened_x_embed_is_found_again(text, name, handle, code, day, locale, generation, way):
    date = _long(day, locale)
    flat = FLATTENINGS[way](_page(_twitter(text, name, handle, code, date, generation)))
    if not _survives(flat, handle):
        assert not way.startswith("BeautifulSoup"), "get_text drops nothing"
        return
    (embed,) = _found(flat, handle)
    assert (embed.platform, embed.claim.date) == ("twitter", day), (flat, embed)
    if code in flat:
        assert code in embed.claim.codes and code in embed.claim.pic_codes, (flat, embed)


@quick
@given(text=texts, name=names, handle=dotted, day=days, is_oembed=st.booleans(), way=flattenings)
def test_a_flattened_bluesky_embed_is_found_again(text, name, handle, day, is_oembed, way):
    flat = FLATTENINGS[way](_page(_bluesky(text, name, handle, day, is_oembed)))
    if not _survives(flat, handle):
        assert not way.startswith("BeautifulSoup"), "get_text drops nothing"
        return
    (embed,) = _found(flat, handle)
    assert (embed.platform, embed.claim.date) == ("bluesky", day), (flat, embed)


@quick
@given(text=texts, name=names, handle=handles, day=days, is_old=st.booleans(), way=flattenings)
def test_a_flattened_instagram_embed_is_found_again(text, name, handle, day, is_old, way):
    flat = FLATTENINGS[way](_page(_instagram(text, name, handle, day, is_old)))
    if not _survives(flat, handle):
        assert not way.startswith("BeautifulSoup"), "get_text drops nothing"
        return
    (embed,) = _found(flat, handle)
    assert (embed.platform, embed.claim.date) == ("instagram", day if is_old else None), (flat, embed)


@pytest.mark.parametrize("way", FLATTENINGS)
def test_every_way_keeps_some_embed_or_the_others_prove_nothing(way):
    day = dt.date(2024, 8, 7)
    kept = [
        generation
        for generation in range(6)
        if _survives(
            FLATTENINGS[way](
                _page(
                    _twitter(
                        "Rain again over the port", "Harbour", "harbour_w", "AbCdEf1234", _long(day, "en"), generation
                    )
                )
            ),
            "harbour_w",
        )
    ]
    assert kept, way
