"""The simulated Wayback Machine behaves as PLATFORMS.md says the real one does."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from urllib.parse import quote

import pytest

from tests.simulator import Request, photo
from tests.simulator.world import Uncertain

CDX = "https://web.archive.org/cdx/search/cdx?"
URL = "https://example.org/a"


def at(day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2024, 8, day, hour, tzinfo=dt.UTC)


@pytest.fixture
def post(world):
    return world.post("HarbourWatch", "Crane & cable #harbour", at(7), [photo()])


def cdx(world, **parameters):
    """CDX rows as lists of fields."""
    query = "&".join(f"{name.rstrip('_')}={quote(str(value))}" for name, value in parameters.items())
    return [line.split(" ") for line in world.get(CDX + query).text.splitlines()]


# --- CDX ------------------------------------------------------------------------------------------------------------


def test_a_row_has_seven_fields_and_the_digest_of_the_body(world):
    world.memento(URL, at(8), "hello", mime="text/plain")
    (row,) = cdx(world, url=URL)
    digest = base64.b32encode(hashlib.sha1(b"hello").digest()).decode()
    assert row[:6] == ["org,example)/a", "20240808120000", URL, "text/plain", "200", digest]


def test_keys_ignore_case_scheme_and_www_but_not_the_original(world):
    world.memento("https://t.co/fwutN0Bakg", at(8), status=301)
    world.memento("http://t.co/FWUTn0bakg", at(9), status=301)
    rows = cdx(world, url="t.co/fwutn0bakg")
    assert [row[2] for row in rows] == ["https://t.co/fwutN0Bakg", "http://t.co/FWUTn0bakg"]
    assert {row[0] for row in rows} == {"co,t)/fwutn0bakg"}


def test_a_prefix_finds_the_posts_of_a_handle_in_any_case(world, post):
    world.archive(post, at(8))
    world.archive(post, at(9), url=f"https://twitter.com/harbourwatch/status/{post.id}?s=20")
    world.archive(post, at(9), url=f"https://mobile.twitter.com/HarbourWatch/status/{post.id}")
    prefix = f"twitter.com/HARBOURWATCH/status/{post.id[:3]}"
    assert len(cdx(world, url=prefix, matchType="prefix")) == 2
    assert len(cdx(world, url=prefix + "*")) == 2
    assert len(cdx(world, url="twitter.com", matchType="domain")) == 3
    assert len(cdx(world, url="twitter.com", matchType="host")) == 2


def test_dates_are_inclusive_and_may_be_short(world):
    for day in (1, 8, 20):
        world.memento(URL, at(day), str(day))
    assert [row[1][:8] for row in cdx(world, url=URL, from_="20240808", to="202408")] == ["20240808", "20240820"]
    assert [row[1][:8] for row in cdx(world, url=URL, to="20240808")] == ["20240801", "20240808"]


def test_filters_match_the_whole_field_and_can_be_turned_round(world):
    world.memento(URL, at(1), "a", status=200)
    world.memento(URL, at(2), "b", status=404)
    world.memento(URL, at(3), "c", status=200, mime="application/json")
    assert len(cdx(world, url=URL, filter="statuscode:2")) == 0
    assert len(cdx(world, url=URL, filter="!statuscode:200")) == 1
    both = world.get(f"{CDX}url={URL}&filter=statuscode:200&filter=mimetype:.*json")
    assert len(both.text.splitlines()) == 1


def test_collapse_drops_adjacent_repeats_only(world):
    for hour, body in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        world.memento(URL, at(8, hour), body)
    assert len(cdx(world, url=URL, collapse="digest")) == 3
    assert len(cdx(world, url=URL, collapse="timestamp:8")) == 1


def test_limits_count_from_either_end_and_leave_a_key_to_resume_with(world):
    for hour in range(10):
        world.memento(URL, at(8, hour), str(hour))
    assert [row[1][8:10] for row in cdx(world, url=URL, limit=-2)] == ["08", "09"]
    seen, resume = [], None
    while True:
        more = {"resumeKey": resume} if resume else {}
        rows = cdx(world, url=URL, limit=4, showResumeKey="true", **more)
        seen += [row[1] for row in rows if len(row) == 7]
        if rows[-2:-1] != [[""]]:
            break
        resume = rows[-1][0]
    assert resume == "org%2Cexample%29%2Fa+20240808070000%21"
    assert len(seen) == len(set(seen)) == 10


def test_json_begins_with_the_names_and_an_empty_answer_has_none(world):
    world.memento(URL, at(8), "a")
    rows = world.get(f"{CDX}url={URL}&output=json&fl=timestamp,original").json()
    assert rows == [["timestamp", "original"], ["20240808120000", URL]]
    assert world.get(f"{CDX}url=https://nothing.example/&output=json").json() == []
    assert world.get(f"{CDX}url=https://nothing.example/").text == ""


def test_a_revisit_has_no_status_of_its_own_and_plays_what_it_repeats(world):
    world.memento(URL, at(8), "same")
    world.memento(URL, at(9), "same", is_revisit=True)
    assert [row[3:5] for row in cdx(world, url=URL)] == [["text/html", "200"], ["warc/revisit", "-"]]
    played = world.get(f"https://web.archive.org/web/20240809120000id_/{URL}")
    assert (played.status, played.text) == (200, "same")


def test_an_excluded_site_is_refused_by_name(world):
    world.memento(URL, at(8), "a")
    world.exclude("example.org")
    answer = world.get(f"{CDX}url={URL}")
    assert answer.status == 403
    assert "AdministrativeAccessControlException" in answer.header("x-archive-wayback-runtime-error")
    assert world.get(f"https://web.archive.org/web/20240808120000id_/{URL}").status == 403
    world.uncertain = Uncertain(excluded_replay=200)
    assert world.get(f"https://web.archive.org/web/20240808120000id_/{URL}").header("memento-datetime") is None


def test_a_memento_is_not_there_before_it_is_made(world):
    world.memento(URL, world.clock.now + dt.timedelta(days=1), "a")
    assert cdx(world, url=URL) == []
    world.clock.advance(days=2)
    assert len(cdx(world, url=URL)) == 1


def test_index_is_gzipped_unless_it_must_not_be(world):
    world.memento(URL, at(8), "a")
    packed = world.get(f"{CDX}url={URL}", accept_encoding="gzip")
    plain = world.get(f"{CDX}url={URL}&gzip=false", accept_encoding="gzip")
    assert (packed.header("content-encoding"), plain.header("content-encoding")) == ("gzip", None)
    assert packed.payload == plain.body


# --- availability ---------------------------------------------------------------------------------------------------


def test_availability_gives_the_closest_good_capture(world):
    world.memento(URL, at(1), "a")
    world.memento(URL, at(20), "b", status=404)
    found = world.get(f"https://archive.org/wayback/available?url={URL}&timestamp=20240821").json()
    assert found["archived_snapshots"]["closest"] == {
        "status": "200",
        "available": True,
        "url": f"http://web.archive.org/web/20240801120000/{URL}",
        "timestamp": "20240801120000",
    }
    none = world.get("https://archive.org/wayback/available?url=nothing.example").json()
    assert none["archived_snapshots"] == {}


# --- replay ---------------------------------------------------------------------------------------------------------


def test_replay_has_the_memento_headers_and_the_original_ones_apart(world):
    for day in (1, 8, 20):
        world.memento(
            URL, at(day), f"<body>{day}</body>", headers=[("server", "origin"), ("content-type", "text/html")]
        )
    answer = world.get(f"https://web.archive.org/web/20240808120000id_/{URL}")
    assert answer.text == "<body>8</body>"
    assert answer.header("memento-datetime") == "Thu, 08 Aug 2024 12:00:00 GMT"
    assert answer.header("x-archive-orig-server") == "origin"
    link = answer.header("link")
    assert re.findall(r'rel="([^"]+)"', link) == [
        "original",
        "timemap",
        "timegate",
        "first prev memento",
        "memento",
        "next last memento",
    ]


def test_another_time_redirects_to_the_closest_capture_and_is_no_memento(world):
    world.memento(URL, at(8), "a")
    answer = world.get(f"https://web.archive.org/web/2024id_/{URL}")
    assert answer.status == 302
    assert answer.header("location") == f"https://web.archive.org/web/20240808120000id_/{URL}"
    assert answer.header("x-archive-redirect-reason") == "found capture at 20240808120000"
    assert answer.header("memento-datetime") is None


def test_archived_errors_are_mementos_and_the_archives_own_are_not(world, post):
    world.archive(post, at(8), "refused")
    url = f"https://web.archive.org/web/20240808120000id_/https://twitter.com{post.path}"
    archived = world.get(url)
    world.trouble("web.archive.org", status=429, times=1)
    own = world.get(url)
    assert (archived.status, own.status) == (429, 429)
    assert archived.header("memento-datetime")
    assert own.header("memento-datetime") is None


def test_an_archived_redirect_leads_on_inside_the_archive(world, post):
    world.archive_code(post.code, at(8))
    answer = world.get(f"https://web.archive.org/web/20240808120000id_/https://t.co/{post.code}")
    assert answer.status == 301
    assert answer.header("location") == f"https://web.archive.org/web/20240808120000id_/{world.codes[post.code]}"
    assert answer.header("memento-datetime")


def test_where_two_keys_collide_in_one_second_the_exact_url_is_played(world):
    world.memento("https://t.co/abcDEF1234", at(8), "one")
    world.memento("https://t.co/ABCdef1234", at(8), "two")
    assert world.get("https://web.archive.org/web/20240808120000id_/https://t.co/ABCdef1234").text == "two"


def test_what_was_never_archived_is_a_404(world):
    assert world.get("https://web.archive.org/web/20240808120000id_/https://nothing.example/").status == 404


def test_replay_for_people_rewrites_and_replay_of_bytes_does_not(world, post):
    world.archive(post, at(8), "old")
    raw = world.get(f"https://web.archive.org/web/20240808120000id_/https://twitter.com{post.path}").text
    shown = world.get(f"https://web.archive.org/web/20240808120000/https://twitter.com{post.path}").text
    assert "WAYBACK TOOLBAR" not in raw
    assert "WAYBACK TOOLBAR" in shown
    assert 'href="https://web.archive.org/web/20240808120000/https://twitter.com' in shown


def test_pictures_replay_as_they_were(world, post):
    world.archive_media(post, at(8))
    world.delete(post)
    key = post.media[0].key
    url = f"https://pbs.twimg.com/media/{key}?format=jpg&name=orig"
    assert world.get(url).status == 404
    answer = world.get(f"https://web.archive.org/web/20240808120000im_/{url}")
    assert (answer.body, answer.header("content-type")) == (post.media[0].bytes(), "image/jpeg")


def test_the_timegate_goes_by_accept_datetime(world):
    world.memento(URL, at(1), "a")
    world.memento(URL, at(20), "b")
    early = world.get(f"https://web.archive.org/web/{URL}", accept_datetime="Fri, 02 Aug 2024 00:00:00 GMT")
    late = world.get(f"https://web.archive.org/web/{URL}")
    assert [answer.header("location")[28:42] for answer in (early, late)] == ["20240801120000", "20240820120000"]


def test_time_maps_list_every_capture(world):
    for day in (1, 8, 20):
        world.memento(URL, at(day), str(day))
    link = world.get(f"https://web.archive.org/web/timemap/link/{URL}")
    assert link.header("content-type") == "application/link-format"
    assert link.text.count('memento"; datetime=') == 3
    rows = world.get(f"https://web.archive.org/web/timemap/json/{URL}").json()
    assert rows[0][:3] == ["urlkey", "timestamp", "original"]
    assert len(rows) == 4


# --- forms of archived posts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["v1", "v2", "old", "microdata"])
def test_every_form_that_shows_the_post_has_its_id_author_and_words(world, post, form):
    memento = world.archive(post, at(8), form)
    body = memento.body.decode()
    assert post.id in body
    assert "HarbourWatch" in body
    assert "Crane &amp; cable" in body


def test_old_pages_hold_other_peoples_posts_too(world, post):
    world.post("passerby", "Nice crane", at(7, 13), reply_to=post)
    body = world.archive(post, at(8), "old").body.decode()
    assert body.count("js-tweet-text tweet-text") == 2
    assert body.count("permalink-tweet") == 1


def test_streaming_json_carries_long_texts_aside(world):
    long = world.post("HarbourWatch", "word " * 50, at(7))
    status = json.loads(world.archive(long, at(8), "v1").body)
    assert status["truncated"] is True
    assert status["extended_tweet"]["full_text"].count("word") == 50
    assert status["timestamp_ms"] == str(int(long.created_at.timestamp() * 1000))


# --- Save Page Now --------------------------------------------------------------------------------------------------


def save(world, url, authorization="LOW key:secret"):
    headers = {"accept": "application/json", "authorization": authorization}
    body = f"url={quote(url, safe='')}&capture_all=1".encode()
    return world.answer(Request.of("POST", "https://web.archive.org/save", headers, body))


def test_a_page_is_saved_by_a_job_that_takes_its_time(world):
    world.page("https://news.example/a", "<p>hello</p>")
    job = save(world, "https://news.example/a").json()["job_id"]
    states = [world.get(f"https://web.archive.org/save/status/{job}").json() for _ in range(2)]
    assert [state["status"] for state in states] == ["pending", "success"]
    stamp = states[1]["timestamp"]
    replayed = world.get(f"https://web.archive.org/web/{stamp}id_/https://news.example/a")
    assert replayed.text == "<p>hello</p>"


def test_saving_can_fail_in_the_archives_own_words(world):
    world.page("https://news.example/a", "<p>hello</p>")
    world.refuse_saving("https://news.example/a")
    world.save_polls = 0
    for url, error in (
        ("https://news.example/a", "error:blocked-url"),
        ("https://nobody.example/", "error:invalid-host-resolution"),
    ):
        job = save(world, url).json()["job_id"]
        assert world.get(f"https://web.archive.org/save/status/{job}").json()["status_ext"] == error
    assert save(world, "https://news.example/a", "LOW wrong:pair").status == 401


def test_saving_asks_the_site_and_is_not_our_request(world, post):
    world.save_polls = 0
    job = save(world, f"https://x.com{post.path}").json()["job_id"]
    world.get(f"https://web.archive.org/save/status/{job}")
    assert world.mementos[-1].url == f"https://x.com{post.path}"
    assert world.asked("x.com") == ()
