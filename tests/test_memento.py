"""What a web archive answers: index, replay, refusals, timemaps, as really seen and as documented."""

from __future__ import annotations

import datetime as dt
import urllib.parse

import pytest
from drive import SHARED, capture, exchange, fixture, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver import memento
from archiver.errors import ParseError
from archiver.memento import CdxRow
from archiver.model import Reason

CDX = memento.cdx_query("example.org").url


@needs_shared
def test_the_real_index_of_a_handle_is_read():
    rows = memento.cdx_rows(capture(CDX, fixture("wayback/cdx/twitter-handle-status-prefix.json")))
    assert len(rows) == 37
    assert rows[0] == CdxRow(
        "https://twitter.com/ScalaCoward/status/1264635402788487171",
        "20200524191958",
        "text/html",
        200,
        "JJK5HCJRLNADLDWSVSCCJNMV3JWE4XFI",
    )
    assert rows[0].at == dt.datetime(2020, 5, 24, 19, 19, 58, tzinfo=dt.UTC)
    assert sum(row.status == 302 for row in rows) == 13


@needs_shared
def test_the_real_text_index_repeats_a_row_and_it_is_read_once():
    (row,) = memento.cdx_rows(exchange("wayback/cdx/edgi-test_search.http.json"))
    assert (row.original, row.timestamp, row.status) == ("http://www.nasa.gov:80/", "19961231235847", 200)


@needs_shared
def test_a_blocked_site_is_a_refusal_and_no_index():
    answer = exchange("wayback/cdx/edgi-blocked.http.json")
    assert memento.refusal(answer) is Reason.BLOCKED
    with pytest.raises(ParseError):
        memento.cdx_rows(answer)


@needs_shared
def test_an_archived_429_is_the_archives_content_not_its_refusal():
    answer = exchange("wayback/memento/edgi-archived-429.http.json")
    assert memento.refusal(answer) is None
    assert memento.memento_at(answer) == dt.datetime(2015, 1, 29, 3, 49, 4, tzinfo=dt.UTC)


@needs_shared
def test_a_page_in_place_of_a_memento_is_a_refusal():
    answer = exchange("wayback/memento/edgi-blocked.http.json")
    assert (answer.status, memento.memento_at(answer), memento.refusal(answer)) == (200, None, Reason.BLOCKED)


@needs_shared
def test_a_missing_memento_is_no_refusal():
    answer = exchange("wayback/memento/edgi-no_memento.http.json")
    assert (answer.status, memento.refusal(answer), memento.memento_at(answer)) == (404, None, None)


@needs_shared
def test_a_real_memento_says_when_and_names_its_neighbours():
    answer = exchange("wayback/memento/edgi-get_memento.http.json")
    assert memento.memento_at(answer) == dt.datetime(2017, 11, 24, 15, 13, 15, tzinfo=dt.UTC)
    links = memento.links(answer.header("link"))
    assert [link.rels for link in links][:3] == [("original",), ("timemap",), ("timegate",)]
    assert sum(link.is_memento for link in links) == 5
    assert links[3].at == dt.datetime(2005, 3, 23, 15, 53, tzinfo=dt.UTC)


@needs_shared
def test_the_real_list_of_stored_captures_names_their_replay():
    line = (SHARED / "fixtures/wayback/store-contents.csv").read_text().splitlines()[0]
    url, timestamp, *_ = line.split(",")
    assert memento.unwrap(memento.replay_url(timestamp, url)) == url


def test_our_own_rate_limit_is_recognised():
    for url in (CDX, memento.replay_url("20200101000000", "https://example.org/")):
        assert memento.refusal(capture(url, "", 429)) is Reason.RATE_LIMITED


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_archive_says_nothing(status):
    url = memento.replay_url("20200101000000", "https://example.org/")
    assert memento.refusal(capture(url, "", status)) is Reason.SERVER_ERROR
    archived = {"memento-datetime": "Thu, 29 Jan 2015 03:49:04 GMT"}
    assert memento.refusal(capture(url, "", status, archived)) is None


def test_an_index_query_says_all_it_wants_in_its_url():
    request = memento.cdx_query(
        "twitter.com/a/status/18", prefix=True, filters=["statuscode:200"], since="2020", until="2021", limit=5
    )
    query = urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query)
    assert dict(query) == {
        "url": "twitter.com/a/status/18",
        "output": "json",
        "fl": "original,timestamp,mimetype,statuscode,digest",
        "matchType": "prefix",
        "filter": "statuscode:200",
        "collapse": "digest",
        "from": "2020",
        "to": "2021",
        "limit": "5",
    }


def test_nothing_found_is_an_empty_list_without_a_header():
    assert memento.cdx_rows(capture(CDX, [])) == ()
    assert memento.cdx_rows(capture(CDX, "")) == ()


def test_a_resume_key_is_no_row():
    body = [["original", "timestamp"], ["http://a/", "20200101000000"], [], ["com,a)/+2020"]]
    assert len(memento.cdx_rows(capture(CDX, body))) == 1


def test_a_revisit_has_no_status_of_its_own():
    body = [list(memento.FIELDS), ["http://a/", "20200101000000", "warc/revisit", "-", "D"]]
    assert memento.cdx_rows(capture(CDX, body))[0].status is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": "no"},
        "<html>busy</html>",
        [["original", "timestamp"], ["http://a/", "2020"]],
        [["original", "timestamp"], ["http://a/"]],
        [["original", "timestamp"], ["http://a/", "20201301000000"]],
        [["urlkey"]],
        [1, 2],
    ],
)
def test_what_is_no_index_is_a_parse_error(body):
    with pytest.raises(ParseError):
        memento.cdx_rows(capture(CDX, body))


def test_the_archives_own_redirect_is_told_from_an_archived_one():
    url = memento.replay_url("20200101000000", "https://example.org/")
    near = memento.replay_url("20200102000000", "https://example.org/")
    own = capture(url, "", 302, {"location": near, "x-archive-redirect-reason": "found capture at 20200102000000"})
    assert (memento.onward(own), memento.location(own)) == (near, "https://example.org/")
    archived = capture(
        url,
        "",
        302,
        {
            "location": memento.replay_url("20200101000000", "https://example.org/login"),
            "memento-datetime": "Wed, 01 Jan 2020 00:00:00 GMT",
        },
    )
    assert (memento.onward(archived), memento.location(archived)) == (None, "https://example.org/login")


def test_a_redirect_that_is_no_url_leads_nowhere():
    url = memento.replay_url("20200101000000", "https://example.org/")
    assert memento.onward(capture(url, "", 302, {"location": "http://["})) is None
    assert memento.location(capture(url, "", 302, {"location": "http://["})) is None


def test_a_relative_replay_url_is_freed_too():
    assert memento.unwrap("/web/20190916233235/https://t.co/a") == "https://t.co/a"
    assert (
        memento.unwrap("https://web.archive.org/web/2019im_/http://pbs.twimg.com/a.jpg") == "http://pbs.twimg.com/a.jpg"
    )
    assert memento.unwrap("https://example.org/web/1") == "https://example.org/web/1"


def test_availability_is_read_in_both_its_forms():
    asked = memento.availability_query("https://example.org/", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).url
    closest = {
        "status": "200",
        "available": True,
        "url": "http://web.archive.org/web/20200102030405/https://example.org/",
        "timestamp": "20200102030405",
    }
    found = memento.availability(capture(asked, {"url": "x", "archived_snapshots": {"closest": closest}}))
    assert (found.original, found.timestamp, found.status) == ("https://example.org/", "20200102030405", 200)
    assert memento.availability(capture(asked, {"url": "x", "archived_snapshots": {}})) is None
    assert memento.availability(capture(asked, {})) is None
    with pytest.raises(ParseError):
        memento.availability(capture(asked, []))


def test_a_timemap_lists_its_mementos():
    body = (
        '<http://a.example/x,y>; rel="original",\n'
        '<https://web.archive.org/web/20050323155300/http://a.example/x,y>; rel="first memento"; '
        'datetime="Wed, 23 Mar 2005 15:53:00 GMT",\n'
        '<https://web.archive.org/web/20171124151315/http://a.example/x,y>; rel="memento"; '
        'datetime="Fri, 24 Nov 2017 15:13:15 GMT"\n'
    )
    rows = memento.timemap(capture(memento.timemap_query("http://a.example/x,y").url, body))
    assert [(row.original, row.timestamp) for row in rows] == [
        ("http://a.example/x,y", "20050323155300"),
        ("http://a.example/x,y", "20171124151315"),
    ]


def test_the_nearest_capture_comes_first_and_equal_bytes_once():
    rows = [CdxRow("u", f"20200{month}01000000", "text/html", 200, digest) for month, digest in enumerate("ABBC", 1)]
    near = memento.nearest(rows, dt.datetime(2020, 3, 5, tzinfo=dt.UTC))
    assert [row.timestamp[:6] for row in near] == ["202003", "202004", "202001"]


@given(st.dates(dt.date(1996, 1, 1), dt.date(2100, 1, 1)), st.times())
def test_a_stamp_names_its_second(day, time):
    at = dt.datetime.combine(day, time.replace(microsecond=0), dt.UTC)
    assert memento.moment(memento.stamp(at)) == at


@given(raw=st.binary(max_size=200) | st.text(alphabet='[]",0127 \n-http://', max_size=120).map(str.encode))
def test_any_bytes_are_rows_or_a_parse_error(raw):
    for read in (memento.cdx_rows, memento.availability, memento.timemap):
        try:
            read(capture(CDX, raw))
        except ParseError:
            continue


@given(st.text(max_size=80), st.sampled_from([200, 302, 404, 429]))
def test_any_headers_are_read(text, status):
    url = memento.replay_url("20200101000000", "https://example.org/")
    answer = capture(url, "", status, {"memento-datetime": text, "location": text, "link": text})
    memento.refusal(answer), memento.onward(answer), memento.location(answer), memento.links(text)
