"""Embed codes that a page keeps percent-encoded or in Base64 until the reader consents."""

from __future__ import annotations

import base64
import urllib.parse

import pytest

from archiver.articles import embeds
from archiver.articles.encoded import revealed
from archiver.articles.html import html_embeds
from archiver.model import Kind

ID = "1821154697671606279"
STATUS = f"https://twitter.com/aldern_gauge/status/{ID}"
QUOTE = (
    f'<blockquote class="twitter-tweet"><p>Peak at 04:10, 7.2 m – receding.</p>&mdash; Gauge (@aldern_gauge) '
    f'<a href="{STATUS}">August 7, 2024</a></blockquote>'
)
FRAME = f'<iframe src="https://platform.twitter.com/embed/Tweet.html?id={ID}"></iframe>'


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def percent(text: str) -> str:
    return urllib.parse.quote(text, safe="")


PAGES = {
    "a template of a consent plug-in": f'<div class="consent"><script type="text/template">{b64(FRAME)}</script></div>',
    "a template, over several lines": f'<script type="text/template">\n{b64(QUOTE)[:80]}\n{b64(QUOTE)[80:]}\n</script>',
    "a script's string": f"<script>cms.push({{inline: 'x', html64: '{b64(QUOTE)}'}})</script>",
    "an attribute": f'<div data-embed-code="{b64(QUOTE)}">Load the post</div>',
    "an attribute without padding": f'<div data-content="{b64(QUOTE).rstrip("=")}"></div>',
    "an attribute in the URL alphabet": f'<div data-content="{b64(QUOTE).translate(str.maketrans("+/", "-_"))}"></div>',
    "a box": f'<div data-html="{b64(f"<div>{QUOTE}</div>")}"></div>',
    "a box with a class": f'<div data-html="{b64(f"<div class=embed>{QUOTE}</div>")}"></div>',
    "an element of AMP": f'<div data-html="{b64(f"<amp-twitter data-tweetid={ID}></amp-twitter>")}"></div>',
    "percent escapes in an attribute": f'<div data-embed="{percent(QUOTE)}"></div>',
    "percent escapes of percent escapes": f'<div data-embed="{percent(percent(QUOTE))}"></div>',
    "percent escapes in a script": f'<script>show(decodeURIComponent("{percent(QUOTE)}"))</script>',
    "a frame's data URL": f'<iframe src="data:text/html;charset=utf-8;base64,{b64(QUOTE)}"></iframe>',
    "a frame's data URL in percent escapes": f'<iframe src="data:text/html,{percent(QUOTE)}"></iframe>',
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_an_encoded_embed_code_is_one_embed(page):
    whole = f"<article><p>Before.</p>{page}<p>After.</p></article>"
    (embed,) = embeds(whole.encode(), location="a.html")
    assert (embed.kind, str(embed.ref)) == (Kind.EMBED, f"twitter:{ID}")
    assert whole.index("<p>Before.</p>") < embed.start < embed.end <= whole.index("<p>After.</p>")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_the_screen_misses_none(page):
    assert html_embeds(page.encode()) == html_embeds(page.encode(), is_screened=False)


@pytest.mark.parametrize(
    "text",
    [
        "", "Plain words", "%3", "%3Ctruncated%2", "PGJsb2NrcXVvdG!", "PGRpdi", "Pictures", STATUS,
        f"https://example.org/?q={percent(QUOTE)}", f"data:image/png;base64,{b64(QUOTE)[1:]}",
    ],
)  # fmt: skip
def test_what_encodes_no_markup_is_left_alone(text):
    assert not (revealed(text) or "").count("twitter-tweet")


def test_a_picture_in_base64_is_no_markup():
    assert embeds(f'<img src="data:image/svg+xml;base64,{b64("<svg><a/></svg>")}">'.encode(), location="a.html") == ()


def test_a_share_link_that_carries_markup_shows_nothing():
    page = f'<a href="mailto:?body={percent(QUOTE)}">Mail it</a>'
    assert [e for e in embeds(page.encode(), location="a.html") if e.kind is Kind.EMBED] == []
