"""The Wayback Machine as a source: few requests, the best capture first, and no absence from an archived error."""

from __future__ import annotations

import datetime as dt

import pytest
from drive import SHARED, capture, drive, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver import memento
from archiver.errors import NotRecorded, ParseError, Unreachable
from archiver.model import Capture, Claim, Finding, Outcome, PostRef, Rank, Reason
from archiver.platforms.twitter.sources import SOURCES
from archiver.platforms.twitter.wayback import MAX_MEMENTOS, places, read_memento, worth_reading

ID = "1820917034519122161"
REF = PostRef("twitter", ID)
CLAIM = Claim(handle="somebody")
WAYBACK = next(each for each in SOURCES if each.name == "wayback")
PLACE = f"twitter.com/somebody/status/{ID}"
URL = f"https://{PLACE}"

V11 = {
    "id_str": ID,
    "full_text": "as it was said https://t.co/aaaaaaaaaa",
    "created_at": "Tue Aug 06 20:17:00 +0000 2024",
    "user": {"id_str": "7", "screen_name": "somebody", "name": "Somebody"},
    "extended_entities": {
        "media": [
            {
                "type": "photo",
                "url": "https://t.co/aaaaaaaaaa",
                "display_url": "pic.twitter.com/aaaaaaaaaa",
                "media_url_https": "https://pbs.twimg.com/media/AaaBbb.jpg",
            }
        ]
    },
}


def row(timestamp: str, mimetype: str = "application/json", status: str = "200", original: str = URL, digest: str = ""):
    return [original, timestamp, mimetype, status, digest or f"D{timestamp}"]


def index(place: str, *rows: list[str]) -> dict[str, Capture]:
    url = memento.cdx_query(place, prefix=True).url
    return {url: capture(url, [list(memento.FIELDS), *rows] if rows else [])}


def kept(timestamp: str, body="", status: int = 200, original: str = URL, **headers: str) -> dict[str, Capture]:
    """A memento, as replayed."""
    url = memento.replay_url(timestamp, original)
    seen = memento.moment(timestamp).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {url: capture(url, body, status, {"memento-datetime": seen} | headers)}


def nowhere_else(claim: Claim = CLAIM) -> dict[str, Capture]:
    return {url: answer for place in places(REF, claim.handle) for url, answer in index(place).items()}


def look(web: dict, claim: Claim = CLAIM, asked: list | None = None) -> Finding:
    return drive(WAYBACK.look(REF, claim), web, asked)


# --- what is found --------------------------------------------------------------------------------------------------


def test_two_requests_find_a_post_that_was_kept_under_its_usual_address():
    asked: list = []
    found = look(index(PLACE, row("20240807101112")) | kept("20240807101112", V11), asked=asked)
    assert (found.outcome, found.post.text, found.post.author.id) == (Outcome.FOUND, "as it was said", "7")
    assert found.observed_at == dt.datetime(2024, 8, 7, 10, 11, 12, tzinfo=dt.UTC)
    assert len(asked) == 2 and all(request.url.startswith("https://web.archive.org/") for request in asked)
    assert "id_/" in asked[1].url and asked[1].follow == 0


def test_media_are_offered_live_first_and_then_as_archived():
    found = look(index(PLACE, row("20240807101112")) | kept("20240807101112", V11))
    (picture,) = found.post.media
    assert picture.key == "AaaBbb"
    live = [url for url in picture.urls if url.startswith("https://pbs.twimg.com/")]
    assert list(picture.urls[: len(live)]) == live and live[0].endswith("format=jpg&name=orig")
    archived = picture.urls[len(live) :]
    assert archived[0] == (
        "https://web.archive.org/web/20240807101112im_/https://pbs.twimg.com/media/AaaBbb?format=jpg&name=orig"
    )
    assert "https://web.archive.org/web/20240807101112im_/https://pbs.twimg.com/media/AaaBbb.jpg" in archived


def test_json_is_read_before_pages_and_pages_near_the_post_before_later_ones():
    rows = memento.cdx_rows(
        capture(
            "https://x/",
            [
                list(memento.FIELDS),
                row("20240810000000", "text/html"),
                row("20250101000000", "text/html"),
                row("20240807000000", "text/html", "302"),
                row("20240807000001", "text/html", "404"),
                row("20250202000000"),
                row("20240808000000", "warc/revisit", "-"),
            ],
        )
    )
    near = worth_reading(list(rows), dt.datetime(2024, 8, 6, tzinfo=dt.UTC))
    assert [each.timestamp for each in near] == ["20250202000000", "20240810000000", "20250101000000", "20240808000000"]


def test_v2_json_is_read():
    body = {
        "data": {"id": ID, "text": "said", "author_id": "7", "created_at": "2024-08-06T20:17:00.000Z"},
        "includes": {"users": [{"id": "7", "username": "somebody", "name": "Somebody"}]},
    }
    found = look(index(PLACE, row("20240807101112")) | kept("20240807101112", body))
    assert (found.post.text, found.post.author.handle) == ("said", "somebody")


@needs_shared
@pytest.mark.parametrize(
    ("path", "id", "handle"),
    [
        ("tweet-html-oldui/1169217405425455105.permalink-slice.html", "1169217405425455105", "jdegoes"),
        ("tweet-html-oldui/1302847271688523778.permalink-slice.html", "1302847271688523778", "ChiefScientist"),
        ("tweet-json/890659426796945408.v11-stream.json", "890659426796945408", "DrupalLeaks"),
    ],
)
def test_real_captures_are_read_as_mementos(path, id, handle):
    url = memento.replay_url("20200907055304", f"https://twitter.com/{handle}/status/{id}")
    body = (SHARED / "fixtures/wayback" / path).read_bytes()
    answer = capture(url, body, 200, {"memento-datetime": "Mon, 07 Sep 2020 05:53:04 GMT"})
    found = read_memento(answer, PostRef("twitter", id))
    assert (found.outcome, found.post.author.handle) == (Outcome.FOUND, handle)
    assert found.observed_at == dt.datetime(2020, 9, 7, 5, 53, 4, tzinfo=dt.UTC)


@needs_shared
def test_a_real_shell_decides_nothing():
    url = memento.replay_url("20220525093000", "https://twitter.com/travisbrown/status/1529393316344758279")
    body = (SHARED / "fixtures/wayback/tweet-html-newui/1529393316344758279.excerpt.html").read_bytes()
    found = read_memento(
        capture(url, body, 200, {"memento-datetime": "Wed, 25 May 2022 09:30:00 GMT"}),
        PostRef("twitter", "1529393316344758279"),
    )
    assert (found.outcome, found.reason, found.post) == (Outcome.UNKNOWN, Reason.UNKNOWN, None)


def test_the_archives_own_redirect_is_gone_along_with():
    near = memento.replay_url("20240807101113", URL)
    first = memento.replay_url("20240807101112", URL)
    web = index(PLACE, row("20240807101112")) | kept("20240807101113", V11)
    web[first] = capture(first, "", 302, {"location": near, "x-archive-redirect-reason": "found capture"})
    assert look(web).outcome is Outcome.FOUND


def test_x_com_and_the_mobile_site_and_the_old_path_are_looked_up_too():
    for place in places(REF, "somebody"):
        original = f"https://{place}"
        web = nowhere_else() | index(place, row("20240807101112", original=original))
        assert look(web | kept("20240807101112", V11, original=original)).outcome is Outcome.FOUND, place


def test_without_a_handle_an_archived_redirect_may_tell_it():
    plain = f"twitter.com/i/web/status/{ID}"
    web = nowhere_else(Claim()) | nowhere_else()
    web |= index(plain, row("20240901000000", "text/html", "302", original=f"https://{plain}"))
    web |= kept(
        "20240901000000", "", 302, f"https://{plain}", location=f"https://web.archive.org/web/20240901000000id_/{URL}"
    )
    web |= index(PLACE, row("20240807101112")) | kept("20240807101112", V11)
    assert look(web, Claim()).outcome is Outcome.FOUND


def test_without_a_handle_only_the_forms_that_need_none_are_asked_for():
    asked: list = []
    found = look(nowhere_else(Claim()), Claim(), asked)
    assert found.reason is Reason.NOT_ARCHIVED
    assert all("somebody" not in request.url for request in asked) and len(asked) == len(places(REF, None))


# --- what is not found ----------------------------------------------------------------------------------------------


def test_nothing_archived_is_said_so_after_one_query_for_each_place():
    asked: list = []
    found = look(nowhere_else(), asked=asked)
    assert (found.outcome, found.reason) == (Outcome.ABSENT, Reason.NOT_ARCHIVED)
    assert len(asked) == len(set(places(REF, "somebody"))) == 8


def test_other_posts_under_the_same_prefix_are_not_the_post():
    web = nowhere_else() | index(PLACE, row("20240807101112", original=f"{URL}9"))
    assert look(web).reason is Reason.NOT_ARCHIVED


@pytest.mark.parametrize("status", [404, 410, 429, 500])
def test_an_archived_error_proves_nothing(status):
    """The index said 200, the capture is an error: replayed with its own status and a Memento-Datetime."""
    web = nowhere_else() | index(PLACE, row("20240807101112", "text/html")) | kept("20240807101112", "no", status)
    found = look(web)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.UNKNOWN)


def test_archived_redirects_and_errors_alone_prove_nothing():
    rows = [row("20240807101112", "text/html", "302"), row("20240907101112", "text/html", "404")]
    found = look(nowhere_else() | index(PLACE, *rows))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.UNKNOWN)


def test_an_archived_tombstone_proves_nothing():
    body = {
        "__typename": "TweetTombstone",
        "tombstone": {"text": {"text": "This Post was deleted by the Post author"}},
    }
    (answer,) = kept("20240807101112", body).values()
    found = read_memento(answer, REF)
    assert (found.outcome, found.tombstone) == (Outcome.UNKNOWN, "This Post was deleted by the Post author")


def test_an_archived_login_page_is_recognised():
    (answer,) = kept("20240807101112", "<html><title>Log in to X / X</title></html>").values()
    assert (read_memento(answer, REF).outcome, read_memento(answer, REF).reason) == (Outcome.UNKNOWN, Reason.LOGIN_WALL)


def test_a_capture_of_another_post_is_never_taken_for_it():
    (answer,) = kept("20240807101112", V11 | {"id_str": "99"}).values()
    with pytest.raises(ParseError):
        read_memento(answer, REF)
    web = nowhere_else() | index(PLACE, row("20240807101112")) | kept("20240807101112", V11 | {"id_str": "99"})
    assert look(web).outcome is Outcome.UNKNOWN


def test_our_own_rate_limit_is_not_an_absence():
    url = memento.cdx_query(PLACE, prefix=True).url
    asked: list = []
    found = look({url: capture(url, "", 429)}, asked=asked)
    assert (found.outcome, found.reason, len(asked)) == (Outcome.REFUSED, Reason.RATE_LIMITED, 1)
    replay = memento.replay_url("20240807101112", URL)
    found = look(index(PLACE, row("20240807101112")) | {replay: capture(replay, "", 429)})
    assert (found.outcome, found.reason) == (Outcome.REFUSED, Reason.RATE_LIMITED)


def test_a_blocked_capture_is_a_refusal():
    replay = memento.replay_url("20240807101112", URL)
    web = nowhere_else() | index(PLACE, row("20240807101112"))
    found = look(web | {replay: capture(replay, "<html>Wayback Machine</html>")})
    assert (found.outcome, found.reason) == (Outcome.REFUSED, Reason.BLOCKED)


@pytest.mark.parametrize(
    ("error", "requests"), [(Unreachable("no network"), 1), (NotRecorded("not in the recording"), 8)]
)
def test_an_archive_that_does_not_answer_is_not_an_absence(error, requests):
    asked: list = []
    web = {memento.cdx_query(place, prefix=True).url: error for place in places(REF, "somebody")}
    found = look(web, asked=asked)
    assert (found.outcome, found.reason.value, len(asked)) == (Outcome.UNREACHABLE, error.reason, requests)


def test_captures_without_the_text_are_not_read_without_end():
    rows = [row(f"202409{day:02}000000", "text/html") for day in range(1, 29)]
    web = nowhere_else() | index(PLACE, *rows)
    for each in rows:
        web |= kept(each[1], "<html>a shell</html>")
    asked: list = []
    assert look(web, asked=asked).outcome is Outcome.UNKNOWN
    assert sum("id_/" in request.url for request in asked) == MAX_MEMENTOS


@given(raw=st.binary(max_size=300), status=st.sampled_from([200, 301, 404, 429, 503]), is_memento=st.booleans())
def test_any_memento_ends_in_a_finding_or_a_parse_error(raw, status, is_memento):
    headers = {"memento-datetime": "Wed, 07 Aug 2024 10:11:12 GMT"} if is_memento else {}
    try:
        found = read_memento(capture(memento.replay_url("20240807101112", URL), raw, status, headers), REF)
    except ParseError:
        return
    assert found.outcome not in {Outcome.GONE, Outcome.HIDDEN, Outcome.FOUND}


@given(raw=st.binary(max_size=120), status=st.sampled_from([200, 403, 404, 429, 503]))
def test_whatever_the_archive_answers_the_look_up_ends(raw, status):
    class Everything(dict):
        def get(self, url):
            return capture(url, raw, status)

    assert look(Everything()).post is None


def test_it_is_labelled_as_an_archive():
    assert WAYBACK.rank is Rank.ARCHIVE and WAYBACK.hosts == ("web.archive.org",)
