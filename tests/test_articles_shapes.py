"""What publishing systems, newsletters and embed services make of an embed: shapes met in other people's repositories,
written anew with accounts of ours."""

# ruff: noqa: E501 - markup, as it is written
from __future__ import annotations

import html
import json
import urllib.parse

import pytest

from archiver.articles import embeds
from archiver.articles.html import html_embeds
from archiver.model import Kind

ID = "1821000000000000000"
STATUS = f"https://twitter.com/harbour/status/{ID}"
ASKED = urllib.parse.quote(STATUS, safe="")
FILM = urllib.parse.quote("https://www.youtube.com/embed/abc-EFG_123?feature=oembed", safe="")
SUBSTACK = {
    "url": STATUS,
    "full_text": "Rain again @port",
    "username": "harbour",
    "quoted_tweet": {"url": "https://twitter.com/port/status/1800000000000000000"},
}

SHAPES = {
    "Ghost": ("twitter", ID, f'<figure class="kg-card kg-embed-card"><blockquote class="twitter-tweet"><a href="{STATUS}"></a></blockquote></figure>'),
    "CKEditor": ("twitter", ID, f'<figure class="media"><oembed url="{STATUS}"></oembed></figure>'),
    "Substack": ("twitter", ID, f'<div class="tweet" data-attrs="{html.escape(json.dumps(SUBSTACK))}"></div>'),
    "embed service's card": ("twitter", ID, f'<iframe src="https://cdn.embeds.example/widgets/media.html?type=text%2Fhtml&amp;schema=twitter&amp;url={ASKED}&amp;image=x"></iframe>'),
    "embed service's player": ("youtube", "abc-EFG_123", f'<iframe class="embedly-embed" src="//cdn.embeds.example/widgets/media.html?src={FILM}&url=x&key=1"></iframe>'),
    "embed service's card, lazy": ("twitter", ID, f'<iframe data-src="https://cards.example/embed?url={ASKED}"></iframe>'),
    "Iframely": ("twitter", ID, f'<div class="iframely-embed"><a href="{STATUS}" data-iframely-url="//cdn.example/api"></a></div>'),
    "Embedly in a quotation": ("twitter", ID, f'<blockquote class="embedly-card"><h4><a href="{STATUS}">Rain</a></h4><p>again</p></blockquote>'),
    "a link without text in a quotation": ("twitter", ID, f'<blockquote data-twitter="tweet"><a href="{STATUS}"></a></blockquote>'),
    "an id on an empty box": ("twitter", ID, f'<div class="tweet" data-id="{ID}"></div>'),
    "an id as the box's own": ("twitter", ID, f'<div class="tweet" id="{ID}"></div>'),
    "an id and a provider": ("twitter", ID, f'<div data-provider="twitter" data-id="{ID}"></div>'),
    "an id and a modifier": ("twitter", ID, f'<div class="embed embed--twitter" data-embed-id="{ID}"><p> </p></div>'),
    "WordPress short code": ("twitter", ID, f"<p>[embed]{STATUS}[/embed]</p>"),
    "WordPress short code with arguments": ("twitter", ID, f"<p>[tweet {STATUS} align=center]</p>"),
    "WordPress short code with an id": ("twitter", ID, f"<p>[tweet {ID} hide_thread='true']</p>"),
    "Instagram short code": ("instagram", "CYokA48MWDA", "<p>[instagram url=https://www.instagram.com/p/CYokA48MWDA/ width=320]</p>"),
    "Bluesky's code without its class": ("bluesky", "harbour.example/3leyztswv5k2q", '<blockquote><p>Rain</p>&mdash; Harbour (<a href="https://bsky.app/profile/harbour.example">@harbour.example</a>) <a href="https://bsky.app/profile/harbour.example/post/3leyztswv5k2q">January 5, 2025 at 9:24 AM</a></blockquote>'),
}  # fmt: skip


@pytest.mark.parametrize("is_screened", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_one_embed(shape, is_screened):
    platform, id, markup = SHAPES[shape]
    page = f"<html><body><article><p>Before it rained.</p>{markup}<p>After it.</p></article></body></html>"
    shown = html_embeds(page.encode(), is_screened=is_screened)
    assert [(e.kind, e.platform, e.ref and e.ref.id) for e in shown] == [(Kind.EMBED, platform, id)]


@pytest.mark.parametrize(
    "markup",
    [
        f'<iframe src="https://www.facebook.com/plugins/like.php?href={ASKED}"></iframe>',
        f'<iframe src="https://platform.twitter.com/widgets/tweet_button.html?url={ASKED}"></iframe>',
        f'<iframe src="https://forum.example/comments?url={ASKED}"></iframe>',
        f'<ul class="tweet-list"><li class="tweet" data-id="{ID}">Rain again</li></ul>',
        f'<div class="twitter-timeline" data-id="{ID}"></div>',
        f'<div class="card" data-id="{ID}"></div>',
        f'<div class="share-twitter" data-attrs="{html.escape(json.dumps({"url": STATUS}))}"></div>',
        f'<div class="player" data-attrs="{html.escape(json.dumps({"url": STATUS}))}"></div>',
        f"<pre>[tweet {ID}]</pre>",
        f'<script>var crosspost = {{"tweetId": "{ID}"}};</script>',
    ],
)
def test_buttons_timelines_and_samples_are_no_embeds(markup):
    page = f"<html><body><article><p>Before it rained.</p>{markup}<p>After it.</p></article></body></html>"
    assert [e for e in embeds(page.encode(), location="a.html") if e.kind is Kind.EMBED] == []


@pytest.mark.parametrize(
    "code",
    [
        f"[embed]{STATUS}[/embed]",
        f'{{{{< tweet user="harbour" id="{ID}" >}}}}',
        f"{{{{< x {ID} >}}}}",
        f"{{% twitter {STATUS} %}}",
        f"{{% tweet {ID} %}}",
        f"{{% embed {STATUS} %}}",
    ],
)
def test_short_codes_in_a_source_are_embeds(code):
    (embed,) = embeds(f"# Rain\n\nBefore it rained.\n\n{code}\n\nAfter it.\n".encode(), location="a.md")
    assert (embed.kind, str(embed.ref)) == (Kind.EMBED, f"twitter:{ID}")


@pytest.mark.parametrize("sample", [f"```\n{{{{< x {ID} >}}}}\n```", f"Write `{{% tweet {ID} %}}`."])
def test_samples_of_short_codes_are_none(sample):
    assert embeds(f"# Manual\n\n{sample}\n".encode(), location="a.md") == ()


QUOTE = (
    '<blockquote class="twitter-tweet"><p>Rain, I&#39;ll wait. <a href="https://t.co/AbCdEf1234">pic.twitter.com/AbCdEf1234'
    f'</a></p>&mdash; Harbour (@harbour) <a href="{STATUS}?ref_src=twsrc%5Etfw">August 7, 2024</a></blockquote> <script></script>'
)
SOURCES = {
    f"twitter:{ID}": QUOTE,
    "youtube:abc-EFG_123": '<iframe width="560" src="https://www.youtube.com/embed/abc-EFG_123"></iframe>',
    "telegram:harbour/123": '<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="harbour/123"></script>',
}  # fmt: skip


@pytest.mark.parametrize("ref", SOURCES)
def test_embed_codes_in_markdown_are_embeds(ref):
    source = f"---\ntitle: Дождь\n---\n\nBefore 🌊 [it](https://example.com).\n\n{SOURCES[ref]}\n\nSee [it](https://x.com/port/status/1820000000000000000).\n"
    content = source.encode()
    shown = embeds(content, location="a.md")
    assert [(e.kind, str(e.ref)) for e in shown] == [(Kind.EMBED, ref), (Kind.LINK, "twitter:1820000000000000000")]
    position = dict(shown[0].selectors[0].value)
    assert content[position["start"] : position["end"]].decode() == source[shown[0].start : shown[0].end]
    assert source[shown[0].start : shown[0].end].startswith(SOURCES[ref][:12])


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_embed_codes_in_samples_of_source_are_none(fence):
    source = f"Write:\n\n{fence}html\n{QUOTE}\n{fence}\n\nor `{SOURCES['telegram:harbour/123']}`.\n"
    assert [e for e in embeds(source.encode(), location="a.md") if e.kind is Kind.EMBED] == []


def test_markdown_that_begins_like_a_script_is_markdown():
    (embed,) = embeds(f"import Post from './post'\n\n{QUOTE}\n".encode(), location="a.md")
    assert (embed.kind, embed.claim.handle, embed.claim.codes) == (Kind.EMBED, "harbour", ("AbCdEf1234",))
