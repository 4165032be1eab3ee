"""Embeds in HTML: every network, every shape, written for this project."""

# ruff: noqa: E501, SIM905 - samples of markup and of addresses, as they are written
from __future__ import annotations

import datetime as dt
import html
import json
import os
import pathlib

import pytest

from archiver.articles import as_json, embeds, text_of
from archiver.articles.html import html_embeds
from archiver.errors import InputError
from archiver.model import Kind
from tests.pace import within

ID = "1821000000000000000"
STATUS = f"https://twitter.com/harbour/status/{ID}"
QUOTE = (
    '<blockquote class="twitter-tweet"><p lang="en" dir="ltr">Rain again over <a href="https://twitter.com/port">@port</a>'
    ' <a href="https://t.co/AbCdEf1234">pic.twitter.com/AbCdEf1234</a></p>&mdash; Harbour Watch (@harbour) '
    f'<a href="{STATUS}?ref_src=twsrc%5Etfw">August 7, 2024</a></blockquote>'
)
SHARED = pathlib.Path(os.environ.get("ARCHIVER_SHARED") or pathlib.Path(__file__).parents[2] / "shared")


def found(page: str, kind: Kind | None = None, name: str = "a.html"):
    return [e for e in embeds(page.encode(), location=name) if kind is None or e.kind is kind]


def refs(page: str, kind: Kind = Kind.EMBED):
    return [str(e.ref) for e in found(page, kind)]


def test_an_official_blockquote_is_one_embed_with_its_claim():
    (embed,) = found(f"<article><p>Before.</p>{QUOTE}<p>After.</p></article>")
    assert (embed.kind, str(embed.ref), embed.where, embed.in_body) == (Kind.EMBED, f"twitter:{ID}", "dom", True)
    assert embed.claim.handle == "harbour" and embed.claim.name == "Harbour Watch"
    assert embed.claim.date == dt.date(2024, 8, 7)
    assert embed.claim.codes == embed.claim.pic_codes == ("AbCdEf1234",)
    assert embed.claim.text == "Rain again over @port pic.twitter.com/AbCdEf1234"


DIGEST = "bafyreig6x5yrf3c5jw7cci4zrltyl25ik2dboznop4qo4cotcfbyjtita2"


@pytest.mark.parametrize(
    "shape", ["blockquote", "blockquote without its class", "escaped in an attribute", "escaped in a script"]
)
def test_the_digest_in_an_embed_code_is_part_of_the_claim(shape):
    post = "did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q"
    code = (
        f'<blockquote class="bluesky-embed" data-bluesky-uri="at://{post}" data-bluesky-cid="{DIGEST}"><p>Rain.</p>'
        "&mdash; Harbour (@harbour.example) <a href="
        '"https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q">January 5, 2025</a></blockquote>'
    )
    page = {
        "blockquote": code,
        "blockquote without its class": code.replace(' class="bluesky-embed"', ""),
        "escaped in an attribute": f'<div data-html="{html.escape(code)}"></div>',
        "escaped in a script": f"<script>{json.dumps({'html': code})}</script>",
    }[shape]
    (embed,) = found(f"<article><p>Before.</p>{page}</article>", Kind.EMBED)
    assert (embed.platform, embed.claim.cid) == ("bluesky", DIGEST)


SHAPES = {
    "x.com permalink": QUOTE.replace("twitter.com/harbour/status", "x.com/harbour/status"),
    "2012 generation": QUOTE.replace("twitter-tweet", "twitter-tweet tw-align-center").replace("/status/", "/statuses/"),
    "video generation": QUOTE.replace('"twitter-tweet"', '"twitter-video"'),
    "author line in its own paragraph": QUOTE.replace("&mdash;", "<p>&#x2014;").replace("</blockquote>", "</p></blockquote>"),
    "link only": f'<blockquote class="twitter-tweet"><a href="{STATUS}"></a></blockquote>',
    "quotes another post above": QUOTE.replace("Rain again", '<a href="https://twitter.com/b/status/1800000000000000000">b</a>'),
    "no class, only an attribution": QUOTE.replace(' class="twitter-tweet"', ""),
    "WordPress": f'<figure class="wp-block-embed is-provider-twitter"><div class="wp-block-embed__wrapper">{QUOTE}</div></figure>',
    "WordPress, oEmbed failed": f'<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\n{STATUS}\n</div></figure>',
    "rendered 2016": f'<iframe id="twitter-widget-0" class="twitter-tweet twitter-tweet-rendered" data-tweet-id="{ID}"></iframe>',
    "rendered 2018": f'<twitter-widget class="twitter-tweet" data-tweet-id="{ID}"></twitter-widget>',
    "rendered 2020": f'<div class="twitter-tweet twitter-tweet-rendered"><iframe data-tweet-id="{ID}" '
    f'src="https://platform.twitter.com/embed/Tweet.html?dnt=false&amp;id={ID}&amp;lang=en"></iframe></div>',
    "frame by hand": f'<iframe src="https://platform.twitter.com/embed/Tweet.html?id={ID}&theme=dark"></iframe>',
    "AMP": f'<amp-twitter width="375" height="472" layout="responsive" data-tweetid="{ID}"></amp-twitter>',
    "AMP with placeholder": f'<amp-twitter data-tweetid="{ID}"><blockquote placeholder>{STATUS}</blockquote></amp-twitter>',
    "consent placeholder": f'<div class="social-embed" data-href="{STATUS}?mx=2" style="min-height:200px"></div>',
    "live blog": f'<div class="tweet" data-mod="tweet" data-url="{STATUS}"></div>',
    "custom element": f'<news-twitter-embed tweet-url="{STATUS}"></news-twitter-embed>',
    "id without URL": f'<div class="embed" data-tweet-id="{ID}"></div>',
    "embedly": f'<a class="embedly-card" href="{STATUS}">Card</a>',
    "noscript": f"<noscript>{QUOTE}</noscript>",
    "template": f"<template>{QUOTE}</template>",
    "template script": f'<script type="text/template">{QUOTE}</script>',
    "textarea": f"<textarea>{html.escape(QUOTE)}</textarea>",
    "escaped text": f"<p>{html.escape(QUOTE)}</p>",
    "CDATA": f"<?xml version='1.0'?><rss><item><description><![CDATA[{QUOTE}]]></description></item></rss>",
    "attribute": f'<div data-embed-html="{html.escape(QUOTE)}"></div>',
    "attribute, raw": "<div data-embed-html='" + QUOTE.replace("'", "&#39;") + "'></div>",
    "attribute, twice escaped": f'<div data-embed-html="{html.escape(html.escape(QUOTE))}"></div>',
    "JSON in an attribute": f'<div data-block="{html.escape(json.dumps({"html": QUOTE}))}"></div>',
    "srcdoc": f'<iframe srcdoc="{html.escape(QUOTE)}"></iframe>',
    "JSON": f'<script type="application/json">{json.dumps({"html": QUOTE})}</script>',
    "JSON, escaped slashes": '<script>window.page = {"html":"' + QUOTE.replace('"', '\\"').replace("/", "\\/") + '"};</script>',
    "JSON, escaped signs": f"<script>{json.dumps({'body': QUOTE}).replace('<', chr(92) + 'u003c').replace('/', chr(92) + 'u002F')}</script>",
    "JSON in a string": f"<script>self.__next_f.push([1,{json.dumps(json.dumps({'html': QUOTE}))}])</script>",
    "JavaScript in single quotes": "<script>var embed = '" + QUOTE.replace("'", "\\'") + "';</script>",
    "embed block": f'<script>{{"__typename":"TwitterEmbedBlock","twitterUrl":"{STATUS}"}}</script>',
    "element": f'<script>{{"_type":"model.TweetBlockElement","url":"{STATUS}","id":"{ID}"}}</script>',
    "external content": f'<script type="application/json">{{"@type":"BlockExternalContent","url":"{STATUS}"}}</script>',
    "createTweet": f"<script>twttr.widgets.createTweet('{ID}', box)</script>",
    "archived page": QUOTE.replace("https://twitter.com", "https://web.archive.org/web/20240808000000/https://twitter.com"),
    "nitter": QUOTE.replace("https://twitter.com/harbour", "https://nitter.example.org/harbour").replace("?ref_src=twsrc%5Etfw", "#m"),
    "upper case": QUOTE.replace("blockquote", "BLOCKQUOTE").replace("<a ", "<A ").replace("href", "HREF"),
    "unclosed": QUOTE.replace("</blockquote>", ""),
    "numeric entities": QUOTE.replace("Harbour Watch", "&#28207;&#12398;&#30058;"),
    "slash entities": QUOTE.replace("/status/", "&#x2F;status&#x2F;"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_x_embed_is_found_once(shape):
    page = f"<html><body><main><p>Before.</p>{SHAPES[shape]}<p>After.</p></main></body></html>"
    if shape == "CDATA":
        page = SHAPES[shape]
    assert refs(page) == [f"twitter:{ID}"]


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "CDATA"])
def test_the_selectors_of_every_shape_find_it_again(shape):
    page = f"<html><body><main><p>Дождь. 🌊</p>{SHAPES[shape]}<p>After.</p></main></body></html>"
    for encoding in ("utf-8", "utf-16"):
        content = page.encode(encoding)
        for embed in embeds(content, location="a.html"):
            position = dict(embed.selectors[0].value)
            there = content[position["start"] : position["end"]].decode(encoding.replace("utf-16", "utf-16-le"))
            assert text_of(content)[embed.start : embed.end] == there
            needle = embed.ref.id if embed.ref else embed.claim.codes[0]
            assert needle in there


OTHERS = {
    "bluesky:did:plc:kft6lu4trxowqmter2b6vg6z/3leyztswv5k2q": [
        '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q" data-bluesky-cid="bafyreig"><p lang="en">Rain.<br><br><a href="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q?ref_src=embed">[image or embed]</a></p>&mdash; Harbour (<a href="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z?ref_src=embed">@harbour.example</a>) <a href="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q?ref_src=embed">January 5, 2025 at 9:24 AM</a></blockquote>',
        '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q"><p>Rain.</p>&mdash; <a href="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z">Harbour (@harbour.example)</a> <a href="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q">2026-06-14T23:45:27.000Z</a></blockquote>',
        '<iframe src="https://embed.bsky.app/embed/did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q?id=1"></iframe>',
        '<div data-url="https://bsky.app/profile/did:plc:kft6lu4trxowqmter2b6vg6z/post/3leyztswv5k2q"></div>',
        '<bsky-embed post-uri="at://did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q"></bsky-embed>',
        '<script>{"type":"bluesky-embed","url":"https:\\/\\/bsky.app\\/profile\\/did:plc:kft6lu4trxowqmter2b6vg6z\\/post\\/3leyztswv5k2q"}</script>',
    ],
    "mastodon:social.example/116242278064339656": [
        '<iframe src="https://social.example/@harbour/116242278064339656/embed" class="mastodon-embed" width="400"></iframe><script src="https://social.example/embed.js" async></script>',
        '<blockquote class="mastodon-embed" data-embed-url="https://social.example/@harbour/116242278064339656/embed"><a href="https://social.example/@harbour/116242278064339656" target="_blank">Post by @harbour@social.example View on Mastodon</a></blockquote>',
        '<iframe data-src="https://social.example/@harbour/116242278064339656/embed"></iframe>',
        '<blockquote class="mastodon-embed"><a href="https://social.example/@harbour@town.example/116242278064339656">Post</a></blockquote>',
        '<div data-embed="&lt;iframe src=&quot;https://social.example/@harbour/116242278064339656/embed&quot;&gt;&lt;/iframe&gt;"></div>',
        '<script>{"html":"\\u003ciframe src=\\"https://social.example/@harbour/116242278064339656/embed\\"\\u003e\\u003c/iframe\\u003e"}</script>',
    ],
    "mastodon:truthsocial.com/108779000807761862": [
        '<iframe src="https://truthsocial.com/@harbour/108779000807761862/embed" class="truthsocial-embed"></iframe><script src="https://truthsocial.com/embed.js" async></script>',
        '<div class="truthsocial-embed" data-href="https://truthsocial.com/@harbour/posts/108779000807761862"></div>',
    ],
    "telegram:harbourwatch/123": [
        '<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="harbourwatch/123" data-width="100%"></script>',
        '<script async src="https://telegram.org/js/telegram-widget.js?1" data-telegram-post="harbourwatch/123" data-userpic="true" data-dark="1"></script>',
        '<blockquote class="telegram-post" data-telegram-post="harbourwatch/123"></blockquote>',
        '<iframe id="telegram-post-harbourwatch-123" src="https://t.me/harbourwatch/123?embed=1"></iframe>',
        '<div data-telegram-post="harbourwatch/123"></div>',
        '<iframe data-src="https://t.me/harbourwatch/123?embed=1&amp;userpic=true"></iframe>',
        '<template><script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="harbourwatch/123"></script></template>',
        '<div data-html="&lt;script data-telegram-post=&quot;harbourwatch/123&quot;&gt;&lt;/script&gt;"></div>',
    ],
    "instagram:CYokA48MWDA": [
        '<blockquote class="instagram-media" data-instgrm-captioned data-instgrm-permalink="https://www.instagram.com/p/CYokA48MWDA/?utm_source=ig_embed&amp;utm_campaign=loading" data-instgrm-version="14"><a href="https://www.instagram.com/p/CYokA48MWDA/">A post shared by Harbour (@harbour.watch)</a></blockquote>',
        '<blockquote class="instagram-media" data-instgrm-version="7"><p><a href="https://www.instagram.com/p/CYokA48MWDA/">Rain</a></p><p>A photo posted by Harbour (@harbour) on Jan 12, 2022 at 2:20pm PST</p></blockquote>',
        '<amp-instagram data-shortcode="CYokA48MWDA" width="1" height="1"></amp-instagram>',
        '<iframe class="instagram-media" src="https://www.instagram.com/p/CYokA48MWDA/embed/captioned/"></iframe>',
    ],
    "threads:DNJQOX0RA08": [
        '<blockquote class="text-post-media" data-text-post-permalink="https://www.threads.com/@harbour/post/DNJQOX0RA08" data-text-post-version="0" id="ig-tp-DNJQOX0RA08"><a href="https://www.threads.com/@harbour/post/DNJQOX0RA08">View on Threads</a></blockquote>',
        '<blockquote class="text-post-media" data-text-post-permalink="https://www.threads.net/@harbour/post/DNJQOX0RA08"></blockquote><script async src="https://www.threads.net/embed.js"></script>',
        '<blockquote class="text-post-media"><a href="https://www.threads.net/t/DNJQOX0RA08">Post by @harbour</a></blockquote>',
        '<iframe src="https://www.threads.net/@harbour/post/DNJQOX0RA08/embed"></iframe>',
        '<div data-url="https://www.threads.net/@harbour/post/DNJQOX0RA08"></div>',
        '<noscript><iframe src="https://www.threads.com/@harbour/post/DNJQOX0RA08/embed/"></iframe></noscript>',
    ],
    "tiktok:6806030056956251397": [
        '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@harbour/video/6806030056956251397" data-video-id="6806030056956251397" data-embed-from="oembed"><section><a target="_blank" href="https://www.tiktok.com/@harbour?refer=embed">@harbour</a></section></blockquote><script async src="https://www.tiktok.com/embed.js"></script>',
        '<blockquote class="tiktok-embed" data-video-id="6806030056956251397"><section></section></blockquote>',
        '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@harbour/photo/6806030056956251397"></blockquote>',
        '<iframe src="https://www.tiktok.com/embed/v2/6806030056956251397?lang=en"></iframe>',
        '<iframe data-src="https://www.tiktok.com/player/v1/6806030056956251397"></iframe>',
        '<amp-tiktok width="325" height="731" data-src="6806030056956251397"></amp-tiktok>',
    ],
    "reddit:6f21c7": [
        '<blockquote class="reddit-card"><a href="https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/?ref_source=embed&amp;ref=share">Rain</a> from <a href="https://www.reddit.com/r/harbours">harbours</a></blockquote>',
        '<blockquote class="reddit-embed-bq" style="height:316px" data-embed-height="316"><a href="https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/">Rain</a><br> by <a href="https://www.reddit.com/user/harbour/">u/harbour</a> in <a href="https://www.reddit.com/r/harbours/">harbours</a></blockquote><script async src="https://embed.reddit.com/widgets.js"></script>',
        '<iframe src="https://www.redditmedia.com/r/harbours/comments/6f21c7/rain_again/?ref_source=embed&amp;embed=true"></iframe>',
        '<iframe src="https://embed.reddit.com/r/harbours/comments/6f21c7/rain_again/?embed=true"></iframe>',
        '<amp-reddit layout="responsive" data-embedtype="post" data-src="https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/"></amp-reddit>',
    ],
    "reddit:6f21c7/caeb3pl": [
        '<blockquote class="reddit-card"><a href="https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/caeb3pl">Comment</a></blockquote>',
    ],
    "youtube:abc-EFG_123": [
        '<iframe src="https://www.youtube.com/embed/abc-EFG_123?feature=oembed"></iframe>',
        '<lite-youtube videoid="abc-EFG_123"></lite-youtube>',
        '<amp-youtube data-videoid="abc-EFG_123"></amp-youtube>',
        '<div class="youtube-player" data-id="abc-EFG_123"></div>',
        '<object><param name="movie" value="http://www.youtube.com/v/abc-EFG_123&amp;hl=en"><embed src="http://www.youtube.com/v/abc-EFG_123&amp;hl=en"></object>',
        '<a class="lazy-load-youtube" href="https://www.youtube.com/watch?v=abc-EFG_123">Film</a>',
        '<div data-video-url="https://youtu.be/abc-EFG_123"></div>',
    ],
    "facebook:1234567890123456": [
        '<div class="fb-post" data-href="https://www.facebook.com/harbour/posts/1234567890123456" data-width="500"></div>',
        '<div class="fb-video" data-href="https://www.facebook.com/harbour/videos/1234567890123456/"></div>',
        '<iframe src="https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fharbour%2Fposts%2F1234567890123456&width=500"></iframe>',
        '<amp-facebook data-href="https://www.facebook.com/harbour/posts/1234567890123456"></amp-facebook>',
    ],
    "vk:-159365154_99": [
        '<div id="vk_post_-159365154_99"></div><script>VK.Widgets.Post("vk_post_-159365154_99", -159365154, 99, "hash");</script>',
    ],
    "linkedin:share:6850898786781339649": [
        '<iframe src="https://www.linkedin.com/embed/feed/update/urn:li:share:6850898786781339649" title="Embedded post"></iframe>',
    ],
}  # fmt: skip


@pytest.mark.parametrize(("ref", "markup"), [(ref, markup) for ref, all in OTHERS.items() for markup in all])
def test_every_networks_embed_code_is_one_embed(ref, markup):
    assert refs(f"<article><p>Before.</p>{markup}<p>After.</p></article>") == [ref]


LINKS = {
    "bluesky": "https://bsky.app/profile/harbour.example/post/3leyztswv5k2q",
    "mastodon": "https://social.example/@harbour/116242278064339656",
    "telegram": "https://t.me/harbourwatch/123",
    "threads": "https://www.threads.net/@harbour/post/DNJQOX0RA08",
    "tiktok": "https://www.tiktok.com/@harbour/video/6806030056956251397",
    "reddit": "https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/",
    "twitter": STATUS,
}


@pytest.mark.parametrize("platform", LINKS)
def test_a_link_in_prose_is_a_link(platform):
    url = LINKS[platform]
    for page in (f'<p>As <a href="{url}">they said</a>, rain.</p>', f"<p>As they said: {url} on Monday.</p>"):
        (embed,) = found(page)
        assert (embed.kind, embed.platform, embed.where) == (Kind.LINK, platform, "dom")
    (embed,) = found(f"As they said: {url}.\n", name="a.txt")
    assert (embed.kind, embed.platform, embed.url) == (Kind.LINK, platform, url)


@pytest.mark.parametrize(
    "boilerplate",
    [
        '<a href="https://twitter.com/harbour">Harbour on X</a>',
        f'<a class="twitter-share-button" href="https://twitter.com/intent/tweet?url={STATUS}">Share</a>',
        f'<a class="twitter-tweet" href="https://twitter.com/intent/tweet?text=x&amp;url={STATUS}">Tweet</a>',
        '<a class="twitter-timeline" href="https://twitter.com/harbour">Posts by Harbour</a>',
        '<amp-twitter data-momentid="650667182356082688"></amp-twitter>',
        '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@harbour" data-unique-id="harbour"></blockquote>',
        '<iframe src="https://www.youtube.com/embed/videoseries?list=PL1"></iframe>',
        '<div class="fb-page" data-href="https://www.facebook.com/harbour"></div>',
        f'<link rel="canonical" href="{STATUS}"><meta property="og:url" content="{STATUS}">',
        f"<!-- {QUOTE} -->",
        '<script type="application/ld+json">{"@type":"VideoObject","embedUrl":"https://www.youtube.com/embed/abc-EFG_123"}</script>',
        f'<script>var share = "{STATUS}";</script>',
        '<img src="https://img.youtube.com/vi/abc-EFG_123/2.jpg">',
    ],
)
def test_boilerplate_is_not_reported(boilerplate):
    assert found(f"<article><p>Text.</p>{boilerplate}</article>") == []


def test_a_short_link_is_reported_with_its_code():
    for page in ('<p><a href="https://t.co/AbCdEf1234">more</a></p>', "<p>See pic.twitter.com/AbCdEf1234</p>"):
        (embed,) = found(page)
        assert (embed.kind, embed.claim.codes) == (Kind.SHORTLINK, ("AbCdEf1234",))


def test_what_is_not_the_articles_own_says_so():
    (own, other) = found(
        f'<article>{QUOTE}</article><aside class="related"><iframe src="https://youtube.com/embed/abc-EFG_123"></iframe></aside>'
    )
    assert (own.in_body, other.in_body) == (True, False)


def test_an_attribution_that_lost_its_link_is_flattened():
    (embed,) = found("<div><p>Rain again.</p><p>— Harbour Watch (@harbour) August 7, 2024</p></div>")
    assert (embed.kind, embed.claim.handle, embed.claim.date) == (Kind.FLATTENED, "harbour", dt.date(2024, 8, 7))
    assert embed.claim.text == "Rain again."


@pytest.mark.parametrize("dash", ["—", "–", "&mdash;", "&#8212;", "&#x2014;"])
def test_an_attribution_in_markup_runs_from_its_dash_to_the_end_of_its_date(dash):
    signed = f'{dash} Harbour <b>Watch</b> (@harbour) <a href="/x">August 7, 2024'
    page = f"<div><p>Über dem Hafen regnet es wieder.</p><p>{signed}</a></p></div>"
    (embed,) = found(page)
    assert (embed.kind, page[embed.start : embed.end]) == (Kind.FLATTENED, signed)
    position = dict(embed.selectors[0].value)
    assert page.encode()[position["start"] : position["end"]].decode() == signed


def test_the_same_post_in_the_pages_own_data_is_not_another_embed():
    page = f'<article>{QUOTE}</article><script type="application/json">{json.dumps({"html": QUOTE})}</script>'
    assert refs(page) == [f"twitter:{ID}"]


SENTENCES = [
    "the harbour was closed for a second day and the ferries stayed where they were all night",
    "nobody who keeps it could say when the first of the ships would be let out again",
    "those who wait on the quay were told to come back in the morning with their papers",
    "the pilots had asked for a third lamp on the mole as they did every year",
]
OTHERS_TEXT = "".join(
    f"<p>{sentence}.</p>"
    for sentence in [
        "a garden in another town was opened to all who live there this week",
        "its trees were planted by the school of the village long ago",
        "whoever wants to may bring a chair and stay until the evening",
        "there is to be music by the well as soon as the lamps are lit",
        "the mayor said that she had not seen so many roses since she was a child",
    ]
)


def test_another_articles_embed_in_the_pages_state_is_not_this_ones():
    """The page shows what stands in its state, and nothing of what stands beside the embed."""
    own = "".join(f"<p>{sentence}.</p>" for sentence in SENTENCES)
    state = json.dumps({"own": own, "next": OTHERS_TEXT + QUOTE + OTHERS_TEXT}).replace("</", "<\\/")
    assert refs(f"<article>{own}</article><script>window.state = {state}</script>") == []
    own_embed = json.dumps({"own": own + QUOTE}).replace("</", "<\\/")
    assert refs(f"<article>{own}</article><script>window.state = {own_embed}</script>") == [f"twitter:{ID}"]


def test_a_page_still_to_be_made_from_its_state_shows_what_stands_there():
    state = json.dumps({"next": OTHERS_TEXT + QUOTE + OTHERS_TEXT}).replace("</", "<\\/")
    notice = "".join(f"<p>{sentence}.</p>" for sentence in SENTENCES)
    assert refs(f"<div>{notice}</div><script>window.state = {state}</script>") == [f"twitter:{ID}"]


def test_a_networks_own_page_does_not_embed_the_post_that_it_is():
    page = f'<head><link rel="canonical" href="{STATUS}"></head><script>{{"embedUrl":"{STATUS}"}}</script>'
    assert refs(page) == []


def test_a_css_selector_finds_exactly_its_element():
    from selectolax.lexbor import LexborHTMLParser

    page = f"<html><body><!-- c --><div><p>1</p>{QUOTE}</div><div><p>2</p>{QUOTE.replace(ID, '1821000000000000001')}</div></body></html>"
    for embed in found(page):
        (css,) = [dict(s.value)["value"] for s in embed.selectors if s.type == "CssSelector"]
        (node,) = LexborHTMLParser(page).css(css)
        assert embed.ref.id in node.html


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "windows-1251", "koi8-r", "utf-8-sig"])
def test_any_charset(encoding):
    page = (
        f'<html><head><meta charset="{encoding.removesuffix("-sig")}"></head><p>Дождь над портом</p>'
        + QUOTE.replace("Harbour Watch", "Порт").replace("&mdash;", "&#8212;")
    )
    (embed,) = embeds(page.encode(encoding), location="a.html")
    assert embed.claim.name == "Порт"
    position = dict(embed.selectors[0].value)
    content = page.encode(encoding)
    assert (
        ID.encode(encoding.replace("utf-16", "utf-16-le").replace("-le-le", "-le").removesuffix("-sig"))
        in content[position["start"] : position["end"]]
    )


def _status(n: int) -> str:
    return f"https://twitter.com/harbour/status/18210000000{n:08d}"


#: Pages made to stall a reader: by depth, by size, by number, by what one reference asks of all the others.
BOMBS = {
    "nested": lambda: b"<div>" * 200_000,
    "nested just so": lambda: b"<div>" * 7_900,
    "nested and closed": lambda: b"<div>" * 200_000 + b"</div>" * 200_000,
    "formatting": lambda: b"".join(b"<p><font color=c%d>" % n for n in range(20_000)),
    "attributes": lambda: b"<p " + b" ".join(b"a%d=1" % n for n in range(100_000)) + b">",
    "attributes in many tags": lambda: (b"<p " + b" ".join(b"%x" % n for n in range(4_900)) + b">") * 100,
    "one line": lambda: b"<p>" + b"x" * 100_000_000,
    "blanks": lambda: b"<p>" + b" " * 14_000_000,
    "NUL": lambda: b"\0" * 100_000,
    "brackets": lambda: b"<" * 1_000_000,
    "comments": lambda: b"<!--" * 100_000 + b"-->",
    "many comments": lambda: b"<!-- -->" * 2_000_000,
    "scripts": lambda: b"<script></script>" * 1_000_000,
    "tables": lambda: b"<table><tr><td>" * 10_000,
    "backslashes": lambda: b'<script>"' + b"\\" * 200_000 + b'"</script>',
    "escaped quotes": lambda: b'<script>"' + b'\\"' * 3_000_000 + b'"</script>',
    "truncated UTF-8": lambda: "<p>é".encode()[:-1],
    "wrong charset": lambda: b'<meta charset="utf-16"><p>\x80\x81\xfe',
    "links": lambda: "".join(f'<p><a href="{_status(n)}">x</a>' for n in range(25_000)).encode(),
    "links ever deeper": lambda: "".join(f'<div><a href="{_status(n)}">x</a>' for n in range(4_900)).encode(),
    "links in one quotation": lambda: ("<blockquote>" + "".join(f'<a href="{_status(n)}">x</a>' for n in range(4_900))).encode(),
    "signed in one quotation": lambda: (
        "<blockquote>" + "".join(f'— N (@h) <a href="{_status(n)}">August 7, 2024</a>' for n in range(2_000))
    ).encode(),
    "unclosed embeds": lambda: "".join(QUOTE.replace("</blockquote>", "").replace(ID, str(n + 10**18)) for n in range(900)).encode(),
    "addresses in one text": lambda: ("<p>" + " ".join(map(_status, range(4_900)))).encode(),
    "codes in one text": lambda: ("<p>" + " ".join(f"pic.twitter.com/A{n:09d}" for n in range(4_900))).encode(),
    "attributions in one text": lambda: ("<p>" + "<br>".join(f"Rain — N (@h{n}) August 7, 2024" for n in range(4_900))).encode(),
    "embeds in one attribute": lambda: f'<p data-x="{html.escape(QUOTE * 900)}">'.encode(),
    "embeds in strings": lambda: ("<script>" + ",".join([json.dumps(QUOTE)] * 900) + "</script>").encode(),
    "links in an attribute": lambda: ("<p data-x='" + "".join(f'<a href="{_status(n)}">' for n in range(4_900)) + "'>").encode(),
}  # fmt: skip


#: These take most of a second each.
LONG = {
    *("links in an attribute", "links ever deeper", "attributions in one text", "addresses in one text"),
    *("codes in one text", "brackets and dots", "blank lines", "dots", "dashes", "one handle"),
}


def _by_length(bombs):
    return [pytest.param(each, marks=pytest.mark.slow) if each in LONG else each for each in bombs]


@pytest.mark.parametrize("name", _by_length(BOMBS))
def test_a_bomb_ends_in_a_result_or_a_named_refusal(name):
    """Within two seconds of this process's time, and never in silence."""
    page = BOMBS[name]() + f'<a href="{STATUS}">x</a>'.encode()

    def read():
        try:
            shown = embeds(page, location="bomb.html")
            for embed in shown:
                json.dumps(as_json("bomb.html", embed))
            assert shown and (name in FULL or f"twitter:{ID}" in {str(e.ref) for e in shown})
        except InputError as error:
            assert "too deep" in str(error) or "too large" in str(error)
            assert "bomb.html" in str(error)

    within(2, read)


#: Where what comes last is inside the embed that was left open before it.
FULL = {"unclosed embeds"}

TEXT_BOMBS = {
    "anchors": lambda: b"(@harbour) " * 700_000,
    "attributions": lambda: "— N (@harbour) August 7, 2024 ".encode() * 200_000,
    "blank lines": lambda: b"\n" * 8_000_000 + b"(@harbour) August 7, 2024",
    "one handle": lambda: b"(@" + b"a" * 8_000_000,
    "dots": lambda: b"a." * 4_000_000,
    "brackets": lambda: b"https://x.example/" + b"(" * 3_000_000 + b")" * 3_900_000,
    "brackets and dots": lambda: b"https://x.example/" + b".)" * 3_900_000,
    "dashes": lambda: b"- " * 4_000_000 + b"(@harbour) August 7, 2024",
    "bylines": lambda: b"A post shared by " * 400_000,
    "more than is read": lambda: b"word " * 2_000_000,
}


@pytest.mark.parametrize("name", _by_length(TEXT_BOMBS))
def test_a_text_bomb_ends_in_a_result_or_a_named_refusal(name):
    text = TEXT_BOMBS[name]() + f" {STATUS}\n".encode()

    def read():
        try:
            shown = embeds(text, location="bomb.txt")
            assert f"twitter:{ID}" in {str(e.ref) for e in shown}
        except InputError as error:
            assert "too large" in str(error) and "bomb.txt" in str(error)

    within(2, read)


def test_a_refused_page_does_not_keep_the_others_from_being_read(tmp_path):
    import io

    from archiver.articles.command import main

    (tmp_path / "a.html").write_bytes(BOMBS["nested"]() + STATUS.encode())
    (tmp_path / "b.html").write_text(QUOTE)
    out = io.BytesIO()
    assert main(["--json", str(tmp_path)], stdout=out) == 2
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [ID]


def test_escapes_in_a_circle_end_in_a_result_or_a_refusal():
    for depth in range(1, 9):
        page = QUOTE
        for _ in range(depth):
            page = html.escape(page)
        try:
            assert f"twitter:{ID}" in {str(e.ref) for e in found(f"<p>{page}</p>")}, depth
        except InputError as error:
            assert "too deep" in str(error) and depth > 3


@pytest.mark.parametrize("depth", range(1, 13))
def test_escapes_in_an_attribute_end_in_a_result_or_a_refusal(depth):
    """However deep: "no embeds" would be wrong."""
    page = QUOTE
    for _ in range(depth):
        page = html.escape(page)
    try:
        assert f"twitter:{ID}" in {str(e.ref) for e in found(f'<div data-html="{page}"></div>')}
    except InputError as error:
        assert "too deep" in str(error) and depth > 3


def test_text_before_any_element_is_read():
    (embed,) = found(f"As they said: {STATUS}. Then <b>it</b> rained.")
    page = f"As they said: {STATUS}. Then <b>it</b> rained."
    assert (embed.kind, page[embed.start : embed.end]) == (Kind.LINK, STATUS)


def test_escapes_without_end_are_refused_by_name():
    page = QUOTE
    for _ in range(9):
        page = json.dumps(page)
    with pytest.raises(InputError, match="too deep"):
        embeds(f"<script>var page = {page}</script>".encode(), location="a.html")


def test_json_keys_are_the_contract():
    (embed,) = found(QUOTE)
    row = as_json("a.html", embed)
    assert list(row)[:14] == "article platform kind id url handle name date codes text start end where in_body".split()
    assert json.loads(json.dumps(row)) == row


def _or_refusal(content: bytes, *, is_screened: bool):
    try:
        return html_embeds(content, is_screened=is_screened)
    except InputError as error:
        return str(error)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "corpus").exists(), reason="needs the shared corpus")
@pytest.mark.parametrize("part", range(16))
def test_the_screen_changes_nothing(part):
    """With and without the byte screen, over the whole corpus, the embeds are the same to the last selector."""
    pages = sorted((SHARED / "corpus" / "html").iterdir())[part::16]
    assert pages
    for path in pages:
        content = path.read_bytes()
        assert _or_refusal(content, is_screened=True) == _or_refusal(content, is_screened=False), path.name


def _checked(content: bytes, location: str) -> dict[str, int]:
    """How many selectors of each type the document's embeds have; every one finds its embed again."""
    from collections import Counter

    from selectolax.lexbor import LexborHTMLParser

    shown = embeds(content, location=location)
    is_text = location.endswith(".txt")
    tree = None if is_text else LexborHTMLParser(content.replace(b"<![CDATA[", b" " * 9).replace(b"]]>", b"   "))
    text = text_of(content) if tree is None else tree.body.text() if tree.body else ""
    counts: Counter[str] = Counter(embeds=len(shown))
    for embed in shown:
        needle = (
            embed.ref.id.rpartition("/")[2]
            if embed.ref
            else embed.claim.codes[0]
            if embed.claim.codes
            else embed.claim.handle
        )
        if embed.kind is Kind.FLATTENED:
            needle = embed.claim.handle.rpartition("@")[0] or embed.claim.handle
        assert embed.selectors[0].type == "DataPositionSelector"
        for selector in embed.selectors:
            counts[selector.type] += 1
            value = dict(selector.value)
            match selector.type:
                case "DataPositionSelector":
                    stored = content[value["start"] : value["end"]]
                    assert needle.encode() in stored.replace(b"\\_", b"_"), (location, embed)
                case "CssSelector":
                    (node,) = tree.css(value["value"])
                    assert needle in node.html, (location, embed)
                case "TextQuoteSelector":
                    assert value["prefix"] + value["exact"] + value["suffix"] in text, (location, embed)
                case "TextPositionSelector":
                    (quote,) = [dict(s.value)["exact"] for s in embed.selectors if s.type == "TextQuoteSelector"]
                    assert text[value["start"] : value["end"]] == quote, (location, embed)
        for span in embed.text_spans:
            counts["text_spans"] += 1
            assert text_of(content)[span.start : span.end].strip()
    return counts


@pytest.mark.skipif(not (SHARED / "corpus").exists(), reason="needs the shared corpus")
def test_every_selector_of_the_corpus_finds_its_embed():
    """2,014 embeds of 523 pages and 165 texts, 5,809 selectors."""
    from collections import Counter

    counts: Counter[str] = Counter()
    for path in sorted((SHARED / "corpus" / "html").iterdir()):
        counts.update(_checked(path.read_bytes(), path.name))
    for line in (SHARED / "corpus" / "text.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        counts.update(_checked(row["text"].encode(), f"{row['text_id']}.txt"))
    assert counts["embeds"] == counts["DataPositionSelector"] > 2000, counts
    assert counts["CssSelector"] > 1450 and counts["TextQuoteSelector"] == counts["TextPositionSelector"] > 1100, counts


def test_an_author_quoted_twice_in_a_day_is_two_embeds():
    """Once with markup, once without: found in three simulated months of a newspaper."""
    other = "<p>Another thing that was said on that day. — Harbour Watch (@harbour_watch) August 7, 2024</p>"
    code = (
        '<blockquote class="twitter-tweet"><p>The gates stay shut tonight, all four of them.</p>&mdash; Harbour Watch '
        f'(@harbour_watch) <a href="https://twitter.com/harbour_watch/status/{ID}">August 7, 2024</a></blockquote>'
    )
    again = "<p>The gates stay shut tonight, all four of them. — Harbour Watch (@harbour_watch) August 7, 2024</p>"
    assert [e.kind for e in found(other + code)] == [Kind.FLATTENED, Kind.EMBED]
    assert [e.kind for e in found(code + other)] == [Kind.EMBED, Kind.FLATTENED]
    assert [e.kind for e in found(code + again)] == [Kind.EMBED]


_DAY = [
    "One thing that was said here today, early.",
    "Another thing that was said here, later on.",
    "A third thing, of which nobody had thought.",
]
_BY = "— Harbour Watch (@harbour_watch) August 7, 2024"
_LINKED = '— Harbour Watch (<a href="https://twitter.com/harbour_watch">@harbour_watch</a>) August 7, 2024'


@pytest.mark.parametrize(
    "page",
    [
        "".join(f"<p>{said} {_BY}</p>" for said in _DAY),
        "<hr>".join(f"<p>{said} {_BY}</p>" + "<p>What happened next is told here.</p>" * 9 for said in _DAY),
        f"<p>{'<br>'.join(f'{said} {_BY}' for said in _DAY)}</p>",
        f"<p>{' '.join(f'{said} {_BY}' for said in _DAY)}</p>",
        "".join(f"<blockquote><p>{said}</p>{_BY}</blockquote>" for said in _DAY),
        "".join(f"<p>{said}</p><p>{_BY}</p>" for said in _DAY),
        "".join(f"<p>{said}<br>{_LINKED}</p>" for said in _DAY),
        f"<ul>{''.join(f'<li>{said} {_BY}</li>' for said in _DAY)}</ul>",
    ],
    ids=["paragraphs", "far apart", "line breaks", "one text", "quotations", "two paragraphs each", "linked", "a list"],
)
def test_posts_of_one_author_and_day_are_told_apart(page):
    page = f"<article><p>It began early.</p>{page}<p>It ended late.</p></article>"
    flat = [e for e in found(page) if e.kind is Kind.FLATTENED]
    assert [(e.claim.text or "").splitlines()[-1] for e in flat] == _DAY
    for embed, said in zip(flat, _DAY, strict=True):
        assert page[embed.start : embed.end].startswith("— Harbour Watch (")
        assert page[: embed.start].rindex(said) == max(page[: embed.start].rfind(each) for each in _DAY)
    assert len({(e.start, e.end) for e in flat}) == len(_DAY)


@pytest.mark.parametrize("gap", [" ", "\n\n"])
def test_posts_in_linked_data_are_told_apart(gap):
    other = "And a word from the port itself, at last. — The Port (@the_port) August 7, 2024"
    body = gap.join([*(f"{said} {_BY}" for said in _DAY), other])
    data = json.dumps({"@type": "NewsArticle", "articleBody": body})
    page = f'<script type="application/ld+json">{data}</script><p>It ended late.</p>'
    flat = found(page)
    assert [(e.claim.handle, (e.claim.text or "").splitlines()[-1]) for e in flat] == [
        *(("harbour_watch", said) for said in _DAY),
        ("the_port", "And a word from the port itself, at last."),
    ]
    assert len({e.start for e in flat}) == 4


def test_what_the_page_shows_and_its_linked_data_repeats_is_one_embed():
    shown = "".join(f"<p>{said} {_BY}</p>" for said in _DAY)
    data = json.dumps({"articleBody": " ".join(f"{said} {_BY}" for said in _DAY)})
    page = f'<script type="application/ld+json">{data}</script><article>{shown}</article>'
    assert [e.where for e in found(page)] == ["dom"] * 3


_STORY = "The story goes on and on, as stories do. " * 120
_FIRST, _SECOND = f"{_DAY[0]} {_BY}", f"{_DAY[1]} — Harbour Watch (@harbour_watch) August 8, 2024"


@pytest.mark.parametrize(
    "page",
    [
        f"<div>{_STORY}<br><br>{_FIRST}<br><br>{_STORY}<br>{_SECOND}<br>{_STORY}</div>",
        f"<body>{_STORY}<br>{_FIRST}<br>{_STORY}<hr>{_SECOND}<br>{_STORY}</body>",
        f"<div>{_STORY}<a href='/x'>a link</a> ends. {_FIRST}<br>{_STORY}<b>And</b> then. {_SECOND}</div>",
        f"<div><p>{_STORY}</p>{_FIRST}<p>{_STORY}<i>x</i></p>{_SECOND}<p>{_STORY}</p></div>",
        f"<div>The desk (@harbour_watch) on that day: <img src='/x.jpg'>{_FIRST}<br>{_STORY}<img src='/y.jpg'>{_SECOND}</div>",
    ],
    ids=["line breaks", "no element", "inline elements", "between paragraphs", "pictures, and a mention"],
)
def test_attributions_in_a_text_that_no_element_of_its_own_holds(page):
    """As where a page is one long text with line breaks: the start tag before an attribution holds nothing."""
    flat = [e for e in found(f"<article>{page}</article>") if e.kind is Kind.FLATTENED]
    assert [(e.claim.text or "").endswith(said) for e, said in zip(flat, _DAY, strict=False)] == [True, True]
    whole = f"<article>{page}</article>"
    assert [whole[: e.start].rstrip().endswith(said) for e, said in zip(flat, _DAY, strict=False)] == [True, True]
