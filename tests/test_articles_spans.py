"""Where a flattened post's own words stand in the source of a page."""

# ruff: noqa: E501 - markup, as it is written
from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.articles import embeds, text_of
from archiver.articles.html import html_embeds
from archiver.articles.islands import unescaped
from archiver.model import Kind

BY = "&mdash; Häfen (@harbour) August 7, 2024"
CODE = '<a href="https://t.co/AbCdEf1234">pic.twitter.com/AbCdEf1234</a>'
PAGES = {
    "one element": f"<div>Rain &amp; wind again.<br>{BY}</div>",
    "tags and escapes within": f"<div><p>They met.</p><p>Rain &#128640; <b>and</b> wind&hellip; {CODE}</p><p>{BY}</p></div>",
    "a paragraph of its own": f"<article><p>They met.</p><p>Rain &amp; wind.</p>\n<p>{BY}</p><p>After it.</p></article>",
    "several paragraphs": f"<article><p>One.</p><p>Two.</p><p>Three.</p><p>Four.</p><p>{BY}</p></article>",
    "a comment and a script between": f"<div><p>They met.</p><p>Rain <!-- rain > --> and <script>var a = '<p>';</script>wind.</p><p>{BY}</p></div>",
    "a linked handle": "<div><p>They met.</p><p>Rain again.</p>— Häfen (<a href='https://twitter.com/harbour'>@harbour</a>) August 7, 2024</div>",
    "a template": f"<template><div><p>Дождь.</p>{BY}</div></template>",
    "before any element": f"Дождь &amp; wind.\n{BY}<p>After it.</p>",
}  # fmt: skip


def read_back(source: str) -> str:
    """What a piece of source shows, without white space."""
    shown = re.sub(r"<!--.*?-->|<script.*?</script>|<[a-zA-Z/][^<>]*>", "", source, flags=re.DOTALL)
    return re.sub(r"\s", "", html.unescape(shown))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-5"])
@pytest.mark.parametrize("page", PAGES)
def test_every_span_holds_the_quoted_words(page, encoding):
    body = PAGES[page] if encoding != "iso-8859-5" else PAGES[page].replace("ä", "&auml;").replace("—", "&mdash;")
    content = f'<meta charset="{encoding}">Привет <main>{body}</main>'.encode(encoding)
    source = text_of(content)
    (embed,) = [e for e in embeds(content, location="a.html") if e.kind is Kind.FLATTENED]
    assert embed.text_spans and embed.claim.text
    said = re.sub(r"\s", "", embed.claim.text)
    assert read_back(source[embed.text_spans[0].start : embed.text_spans[0].end]) == said
    for span in embed.text_spans:
        assert read_back(source[span.start : span.end]).endswith(said)
        assert span.end <= embed.start
    confidences = [span.confidence for span in embed.text_spans]
    assert confidences == sorted(confidences, reverse=True) and sum(confidences) <= 1


def test_an_open_start_has_several_candidates():
    (embed,) = embeds(PAGES["several paragraphs"].encode(), location="a.html")
    assert len(embed.text_spans) == 4


def test_the_screen_changes_no_span():
    for page in PAGES.values():
        assert html_embeds(page.encode()) == html_embeds(page.encode(), is_screened=False)


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_span_in_a_scripts_string_counts_its_escapes(ensure_ascii):
    text = 'They met.\n\nRain “again” 🌊 "yes".\n— Häfen (@harbour) August 7, 2024\n\nMore.'
    page = f'<script type="application/ld+json">{json.dumps({"articleBody": text}, ensure_ascii=ensure_ascii)}</script>'
    (embed,) = embeds(page.encode(), location="a.html")
    assert unescaped(page[embed.start : embed.end].encode()) == "— Häfen (@harbour) August 7, 2024"
    assert [unescaped(page[s.start : s.end].encode()) for s in embed.text_spans] == [
        'Rain “again” 🌊 "yes".',
        'They met.\n\nRain “again” 🌊 "yes".',
    ]


def test_every_attribution_in_a_scripts_string_is_found():
    text = "Rain.\n— Häfen (@harbour) August 7, 2024\n\nWind.\n— Port (@port) August 8, 2024\n\nMore."
    page = f"<script>{json.dumps({'articleBody': text})}</script><script>{json.dumps({'text': text})}</script>"
    assert [e.claim.handle for e in embeds(page.encode(), location="a.html")] == ["harbour", "port"]


words = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"), exclude_characters="@＠♬"), min_size=1, max_size=30
)


@settings(max_examples=150, deadline=None)
@given(st.lists(words, min_size=1, max_size=4), st.sampled_from(["<br>", "</p><p>", " <i>", "</i> "]))
def test_any_words_are_found_again(said, between):
    """Whatever the words are, a span that is given holds words of the page and ends in the post's."""
    page = f"<div><p>{between.join(map(html.escape, said))}</p><p>{BY}</p></div>"
    for embed in embeds(page.encode(), location="a.html"):
        for span in embed.text_spans if embed.kind is Kind.FLATTENED else ():
            assert read_back(page[span.start : span.end]).endswith(re.sub(r"\s", "", embed.claim.text or ""))
