"""What a page lists: its bytes decide, and what cannot be used says why."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.articles import listings
from archiver.articles.listings import Entry, kind_of, listing
from archiver.errors import InputError
from archiver.model import Body
from tests.pace import within
from tests.simulator.hosts.press import atom, rss, sitemap

AT = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
A, B = "https://news.example/a?x=1&y=2", "https://news.example/b"
PAGE = "https://news.example/feed"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (rss([(A, AT)]), "rss"),
        (atom([(A, AT)]), "atom"),
        (sitemap([(A, AT)]), "sitemap"),
        (sitemap([(A, AT)], is_news=True), "sitemap"),
        (sitemap([(A, AT)], element="sitemap"), "sitemap index"),
        ("\ufeff  \n<!-- made by hand --><?xml-stylesheet href='a.xsl'?>" + rss([(A, AT)])[21:], "rss"),
        ('<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://x.example/rss.dtd"><rss version="0.91"></rss>', "rss"),
        ('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>', "rss"),
        ('{"version": "https:\\/\\/jsonfeed.org\\/version\\/1.1", "items": []}', "json feed"),
        ("<!DOCTYPE html><html><body>&lt;rss&gt; <rss></rss></body></html>", None),
        ("<html><body><feed></feed></body></html>", None),
        ('{"items": []}', None),
        ("A line about <rss> feeds.", None),
        ("", None),
    ],
)
def test_the_bytes_say_what_a_page_is(content: str, kind: str | None) -> None:
    assert kind_of(content.encode()) == kind


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_are_seen_through(encoding: str) -> None:
    content = (
        rss([(A, AT)]).replace("?>", f' encoding="{"UTF-16" if "16" in encoding else "UTF-8"}"?>').encode(encoding)
    )
    assert kind_of(content) == "rss"
    if encoding != "utf-16-le":
        assert [each.url for each in listing(content, PAGE).articles] == [A]


@pytest.mark.parametrize("make", [rss, atom, sitemap])
def test_a_listing_gives_addresses_and_times(make) -> None:  # type: ignore[no-untyped-def]
    found = listing(make([(A, AT), (B, None)]).encode(), PAGE)
    assert [each.url for each in found.articles] == [A, B]
    assert AT in (found.articles[0].published_at, found.articles[0].changed_at)
    assert found.articles[1] == Entry(B)


def test_a_news_sitemap_says_when_an_article_was_published_and_a_sitemap_only_when_it_changed() -> None:
    (news,) = listing(sitemap([(A, AT)], is_news=True).encode(), PAGE).articles
    (plain,) = listing(sitemap([(A, AT)]).encode(), PAGE).articles
    assert (news.published_at, news.changed_at) == (AT, None)
    assert (plain.published_at, plain.changed_at) == (None, AT)


def test_a_picture_in_a_sitemap_is_no_article() -> None:
    content = sitemap([(A, None)]).replace(
        "</url>", "<image:image><image:loc>https://x.example/p.jpg</image:loc></image:image></url>"
    )
    content = content.replace("<urlset ", '<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1" ')
    assert [each.url for each in listing(content.encode(), PAGE).articles] == [A]


def test_a_json_feed_is_read() -> None:
    items = [
        {"id": "1", "url": A, "date_published": "2026-11-22T09:30:00Z", "date_modified": "2026-11-22T10:30:00+01:00"},
        {"id": "2", "external_url": "/b"},
        {"id": "3"},
        "no item",
    ]
    content = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    assert listing(content.encode(), PAGE).articles == (Entry(A, AT, AT), Entry(B))


def test_addresses_are_made_whole_and_listed_once() -> None:
    items = [("/b", None), (B, None), (B + "#top", None), ("javascript:alert(1)", None), ("https://[", None)]
    assert [each.url for each in listing(rss(items).encode(), PAGE).articles] == [B]


def test_an_index_lists_pages() -> None:
    found = listing(sitemap([(B, AT)], element="sitemap").encode(), PAGE)
    assert (found.articles, found.pages) == ((), (Entry(B, None, AT),))


def test_a_gzip_file_is_unpacked() -> None:
    assert [each.url for each in listing(gzip.compress(sitemap([(A, AT)]).encode()), PAGE).articles] == [A]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>Down for maintenance</body></html>", "an HTML page"),
        (b"<opml><body/></opml>", "XML of another kind (<opml>)"),
        (b"\x00\x01\x02\xff garbage", "something else"),
        (rss([(A, AT), (B, AT)]).encode()[:-60], "is cut short"),
        (atom([(A, AT)]).encode()[:-20], "is cut short"),
        (sitemap([(A, AT), (B, AT)]).encode()[:-40], "is cut short"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "htt', "is cut short"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": 3}', "no list"),
        (gzip.compress(sitemap([(A, AT)]).encode() * 99)[:-30], "gzip"),
        (b"\x1f\x8b garbage", "gzip is damaged"),
        (b"<rss><channel><<<&&& \x00\x00</rss>", "not readable as a feed"),
    ],
)
def test_what_cannot_be_used_says_why(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        listing(content, PAGE)
    assert said in str(refused.value)


def _laughs(root: str) -> bytes:
    lines = [
        '<!ENTITY a "ha">',
        *(
            f'<!ENTITY {x} "&{w};&{w};&{w};&{w};&{w};&{w};&{w};&{w};">'
            for w, x in zip("abcdefgh", "bcdefghi", strict=True)
        ),
    ]
    return (
        f"<?xml version='1.0'?><!DOCTYPE {root} [{''.join(lines)}]><{root}><url><loc>&i;</loc></url></{root}>".encode()
    )


@pytest.mark.parametrize("root", ["rss", "feed", "urlset", "sitemapindex"])
def test_entities_are_refused_by_name(root: str) -> None:
    def read() -> None:
        with pytest.raises(InputError, match="entities of its own"):
            listing(_laughs(root), PAGE)

    within(1, read)


def test_entities_in_another_encoding_are_refused_too() -> None:
    text = _laughs("urlset").decode().replace("'1.0'", "'1.0' encoding='UTF-16'")
    with pytest.raises(InputError, match="entities of its own"):
        listing(text.encode("utf-16"), PAGE)


def test_a_gzip_bomb_is_refused_in_little_memory() -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    tracemalloc.start()
    with pytest.raises(InputError, match=f"more than {listings.MAX_BYTES} bytes"):
        listing(bomb, PAGE)
    assert tracemalloc.get_traced_memory()[1] < 3 * listings.MAX_BYTES
    tracemalloc.stop()


def test_more_addresses_than_a_sitemap_may_hold_are_refused() -> None:
    content = sitemap((f"https://news.example/{number}", None) for number in range(listings.MAX_ENTRIES + 1))
    with pytest.raises(InputError, match="more than 50000 addresses"):
        listing(content.encode(), PAGE)


def test_containers_are_told_by_their_first_bytes() -> None:
    for content, kind in (
        (b"WARC/1.1\r\n", "warc"),
        (gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n"), "warc"),
        (b"PK\x03\x04rest", "warc"),
        (b"PAR1rest", "data"),
        (b'{"text": "a"}\n{"text": "b"}\n', "data"),
        (b"<html></html>", None),
        (b"\x1f\x8bno gzip", None),
        (gzip.compress(sitemap([(A, AT)]).encode()), "sitemap"),
    ):
        assert listings.kind_at(Body.of(content)) == kind, content


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: f"<rss>{text}</rss>".encode())
    | st.text(max_size=300).map(lambda text: f"<urlset>{text}</urlset>".encode())
)
def test_any_bytes_list_something_or_are_refused(content: bytes) -> None:
    try:
        found = listing(content, PAGE)
    except InputError as refused:
        assert str(refused)
    else:
        assert found.kind
