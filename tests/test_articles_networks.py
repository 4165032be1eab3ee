"""Each network's embed code in every place where pages keep such code, mirrors of every network, and mojibake.

The codes are those of PLATFORMS.md 1.2, the posts are ours.
"""

# ruff: noqa: E501 - embed codes, as they are written
from __future__ import annotations

import datetime as dt
import html
import json

import pytest

from archiver.articles import embeds
from archiver.model import Kind

DID = "did:plc:kft6lu4trxowqmter2b6vg6z"
CODES = {
    f"bluesky:{DID}/3leyztswv5k2q": f'<blockquote class="bluesky-embed" data-bluesky-uri="at://{DID}/app.bsky.feed.post/3leyztswv5k2q" data-bluesky-cid="bafyreig"><p lang="en">Rain again</p>&mdash; Harbour (<a href="https://bsky.app/profile/{DID}?ref_src=embed">@harbour.example</a>) <a href="https://bsky.app/profile/{DID}/post/3leyztswv5k2q?ref_src=embed">January 5, 2025 at 9:24 AM</a></blockquote><script async src="https://embed.bsky.app/static/embed.js" charset="utf-8"></script>',
    "telegram:harbourwatch/123": '<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="harbourwatch/123" data-width="100%"></script>',
    "threads:DNJQOX0RA08": '<blockquote class="text-post-media" data-text-post-permalink="https://www.threads.com/@harbour/post/DNJQOX0RA08" data-text-post-version="0" id="ig-tp-DNJQOX0RA08"><a href="https://www.threads.com/@harbour/post/DNJQOX0RA08">View on Threads</a></blockquote><script async src="https://www.threads.net/embed.js"></script>',
    "mastodon:social.example/116242278064339656": '<blockquote class="mastodon-embed" data-embed-url="https://social.example/@harbour/116242278064339656/embed"><a href="https://social.example/@harbour/116242278064339656" target="_blank"><div>Post by @harbour@social.example</div><div>View on Mastodon</div></a></blockquote><script data-allowed-prefixes="https://social.example/" async src="https://social.example/embed.js"></script>',
    "tiktok:6806030056956251397": '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@harbour/video/6806030056956251397" data-video-id="6806030056956251397" data-embed-from="oembed"><section><a target="_blank" href="https://www.tiktok.com/@harbour?refer=embed">@harbour</a> Rain again</section></blockquote><script async src="https://www.tiktok.com/embed.js"></script>',
    "reddit:6f21c7": '<blockquote class="reddit-embed-bq" style="height:316px" data-embed-height="316"><a href="https://www.reddit.com/r/harbours/comments/6f21c7/rain_again/">Rain</a><br> by <a href="https://www.reddit.com/user/harbour/">u/harbour</a> in <a href="https://www.reddit.com/r/harbours/">harbours</a></blockquote><script async src="https://embed.reddit.com/widgets.js"></script>',
    "instagram:CYokA48MWDA": '<blockquote class="instagram-media" data-instgrm-captioned data-instgrm-permalink="https://www.instagram.com/p/CYokA48MWDA/?utm_source=ig_embed&amp;utm_campaign=loading" data-instgrm-version="14"><a href="https://www.instagram.com/p/CYokA48MWDA/">A post shared by Harbour (@harbour.watch)</a></blockquote>',
    "facebook:1234567890123456": '<div class="fb-post" data-href="https://www.facebook.com/harbour/posts/1234567890123456" data-width="500"></div>',
}
PLACES = {
    "WordPress": lambda code: f'<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">{code}</div></figure>',
    "noscript": lambda code: f"<noscript>{code}</noscript>",
    "template": lambda code: f"<template>{code}</template>",
    "template script": lambda code: f'<script type="text/template">{code.replace("</script>", "<" + chr(92) + "/script>")}</script>',
    "textarea": lambda code: f"<textarea>{html.escape(code)}</textarea>",
    "escaped text": lambda code: f"<p>{html.escape(code)}</p>",
    "escaped text, twice": lambda code: f"<p>{html.escape(html.escape(code))}</p>",
    "attribute": lambda code: f'<div data-embed="{html.escape(code)}"></div>',
    "attribute, twice": lambda code: f'<div data-embed="{html.escape(html.escape(code))}"></div>',
    "JSON in an attribute": lambda code: f'<div data-block="{html.escape(json.dumps({"html": code}))}"></div>',
    "srcdoc": lambda code: f'<iframe srcdoc="{html.escape(code)}"></iframe>',
    "JSON": lambda code: f'<script type="application/json">{json.dumps({"html": code}).replace("</", "<" + chr(92) + "/")}</script>',
    "JSON, escaped signs": lambda code: f"<script>{json.dumps({'body': code}).replace('<', chr(92) + 'u003c').replace('/', chr(92) + 'u002F')}</script>",
    "JSON in a string": lambda code: f"<script>self.__next_f.push([1,{json.dumps(json.dumps({'html': code})).replace('</', '<' + chr(92) + '/')}])</script>",
    "feed": lambda code: f"<?xml version='1.0'?><rss><item><description><![CDATA[{code}]]></description></item></rss>",
    "web archive": lambda code: code.replace("https://", "https://web.archive.org/web/20250108000000/https://"),
    "upper case": lambda code: code.replace("<blockquote", "<BLOCKQUOTE").replace("<a ", "<A ").replace("href=", "HREF=").replace("<div", "<DIV"),
    "left open": lambda code: code.replace("</blockquote>", "").replace("</div>", ""),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ref", CODES)
def test_every_embed_code_is_found_wherever_pages_keep_it(ref, place):
    page = f"<article><p>Before.</p>{PLACES[place](CODES[ref])}<p>After.</p></article>"
    if place == "feed":
        page = PLACES[place](CODES[ref])
    shown = embeds(page.encode(), location="a.html")
    assert [str(e.ref) for e in shown if e.kind is Kind.EMBED] == [ref]


MIRRORS = {
    "twitter:1821000000000000000": [
        "https://fxtwitter.com/harbour/status/1821000000000000000", "https://vxtwitter.com/harbour/status/1821000000000000000",
        "https://fixupx.com/harbour/status/1821000000000000000", "https://fixvx.com/harbour/status/1821000000000000000",
        "https://nitter.net/harbour/status/1821000000000000000#m", "https://nitter.example.org/harbour/status/1821000000000000000",
        "https://any.example/harbour/status/1821000000000000000#m", "https://xcancel.com/harbour/status/1821000000000000000",
        "https://mobile.twitter.com/harbour/status/1821000000000000000", "https://x.com/i/web/status/1821000000000000000",
        "https://twitter3e4tixl4xyajtrzo62zg5vztmjuricljdp2c5kshju4avyoid.onion/harbour/status/1821000000000000000",
        "https://web.archive.org/web/20240808000000/https://x.com/harbour/status/1821000000000000000",
        "https://archive.ph/20240808/https://twitter.com/harbour/status/1821000000000000000",
    ],
    f"bluesky:{DID}/3leyztswv5k2q": [f"https://fxbsky.app/profile/{DID}/post/3leyztswv5k2q", f"https://bskx.app/profile/{DID}/post/3leyztswv5k2q"],
    "instagram:CYokA48MWDA": [
        "https://instagr.am/p/CYokA48MWDA/", "https://www.ddinstagram.com/p/CYokA48MWDA/", "https://kkinstagram.com/reel/CYokA48MWDA/",
        "https://www.instagram.com/harbour/p/CYokA48MWDA/", "https://www.instagram.com/reels/CYokA48MWDA/",
    ],
    "telegram:harbourwatch/123": ["https://telegram.me/harbourwatch/123", "https://telegram.dog/s/harbourwatch/123", "https://t.me/harbourwatch/123?single"],
    "youtube:abc-EFG_123": ["https://www.youtube-nocookie.com/embed/abc-EFG_123", "https://youtu.be/abc-EFG_123?t=3", "https://m.youtube.com/watch?app=desktop&v=abc-EFG_123", "https://www.youtube.com/live/abc-EFG_123"],
    "threads:DNJQOX0RA08": ["https://www.threads.com/t/DNJQOX0RA08", "https://threads.net/@harbour/post/DNJQOX0RA08"],
    "reddit:6f21c7": ["https://redd.it/6f21c7", "https://old.reddit.com/r/harbours/comments/6f21c7/rain_again/", "https://www.redditmedia.com/r/harbours/comments/6f21c7/rain_again/"],
    "mastodon:truthsocial.com/108779000807761862": ["https://truthsocial.com/@harbour/108779000807761862", "https://truthsocial.com/@harbour/posts/108779000807761862"],
    "mastodon:social.example/116242278064339656": ["https://social.example/users/harbour/statuses/116242278064339656", "https://social.example/web/@harbour/116242278064339656", "https://social.example/web/statuses/116242278064339656"],
}  # fmt: skip


@pytest.mark.parametrize(("ref", "url"), [(ref, url) for ref, urls in MIRRORS.items() for url in urls])
def test_every_mirror_and_alias_names_the_post(ref, url):
    for page, name in (
        (f'<p>As <a href="{html.escape(url)}">they</a> said.</p>', "a.html"),
        (f"As they said: {url} on Monday.", "a.txt"),
    ):
        assert [str(e.ref) for e in embeds(page.encode(), location=name)] == [ref]


LINE = "Rain over the harbour again.\n— Hafen-Wächter (@harbourwatch) August 7, 2024\nMore follows.\n"


@pytest.mark.parametrize("reading", [
    ("cp1252",), ("latin-1",), ("cp1251",), ("cp1250",), ("mac_roman",), ("koi8-r",), ("cp437",), ("gbk",), ("big5",), ("shift_jis",),
    ("euc-kr",), ("cp1252", "cp1252"), ("latin-1", "latin-1"), ("ascii",),
], ids="+".join)  # fmt: skip
def test_an_attribution_read_in_the_wrong_encoding_is_found(reading):
    """UTF-8 taken for another encoding, once or twice, with what has no meaning there lost."""
    text = LINE
    for encoding in reading:
        text = text.encode().decode(encoding, "replace")
    assert text != LINE
    (embed,) = [e for e in embeds(text.encode(), location="a.txt") if e.kind is Kind.FLATTENED]
    assert (embed.claim.handle, embed.claim.date) == ("harbourwatch", dt.date(2024, 8, 7))
