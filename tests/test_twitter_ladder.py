"""From a claim to a post: every rung says what it saw, and what only fits in part is never chosen."""

from __future__ import annotations

import datetime as dt

import pytest
from drive import SHARED, capture, drive, exchange, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver import memento
from archiver.errors import NotRecorded, Unreachable
from archiver.model import Claim, PostRef, Reason, Resolution
from archiver.platforms.twitter import sequential
from archiver.platforms.twitter.climb import fits_day, window
from archiver.platforms.twitter.grammar import EPOCH_MS, LAST_SEQUENTIAL
from archiver.platforms.twitter.ladder import resolve
from archiver.platforms.twitter.payloads import path_handle
from archiver.platforms.twitter.recovery import id_range, prefixes
from archiver.platforms.twitter.shortcodes import code_request, short_code, target
from archiver.platforms.twitter.sources import fxtwitter_request, syndication_request

DAY = dt.date(2024, 8, 7)


def made(at: str, low: int = 1) -> str:
    """The id of a post made at that time."""
    ms = int(dt.datetime.fromisoformat(at).timestamp() * 1000)
    return str((ms - EPOCH_MS) << 22 | low)


NOON = made("2024-08-07T12:00:00+00:00")
OTHER_DAY = made("2024-07-01T12:00:00+00:00")
TEXT = "A new video from the area near the river shows what is left of the bridge."
CLAIM = Claim("reporter", "A Reporter", DAY, TEXT, ("Picture001",), ("Picture001",))


def tweet(id: str, handle: str = "reporter", text: str = TEXT, code: str | None = "Picture001") -> dict:
    media = [
        {
            "type": "photo",
            "url": f"https://t.co/{code}",
            "display_url": f"pic.x.com/{code}",
            "expanded_url": f"https://x.com/{handle}/status/{id}/photo/1",
            "media_url_https": "https://pbs.twimg.com/media/AAAAAAAAAAAAAAA.jpg",
        }
    ]
    return {
        "__typename": "Tweet",
        "id_str": id,
        "text": text + (f" https://t.co/{code}" if code else ""),
        "user": {"id_str": "7", "name": "A Reporter", "screen_name": handle},
        "mediaDetails": media if code else [],
    }


class Unarchived(dict):
    """A web in which the archive's index knows nothing but what is said."""

    def get(self, url):
        if url not in self and url.startswith(memento.CDX):
            return capture(url, [])
        return super().get(url)

    def __or__(self, other):
        return Unarchived({**self, **other})


def moved(code: str, to: str, status: int = 301):
    url = code_request(code).url
    return Unarchived({url: capture(url, b"", status, {"location": to})})


def page(code: str, to: str):
    """What t.co sends a browser."""
    url = code_request(code).url
    escaped = to.replace("/", "\\/")
    body = (
        f'<head><noscript><META http-equiv="refresh" content="0;URL={to}"></noscript><title>{to}</title></head>'
        f'<script>window.opener = null; location.replace("{escaped}")</script>'
    )
    return Unarchived({url: capture(url, body, 200, {"content-type": "text/html; charset=utf-8"})})


def shown(id: str, body=None, status: int = 200):
    url = syndication_request(PostRef("twitter", id)).url
    return {url: capture(url, body if body is not None else "", status)}


def gone(id: str):
    return shown(id, "<html>no</html>", 404)


def candidates(found: Resolution) -> list[str]:
    return [each.ref.id for each in found.candidates]


# --- the id in the URL ----------------------------------------------------------------------------------------------


def test_an_id_in_the_url_needs_no_request():
    found = drive(resolve(Claim(), "https://twitter.com/a/status/20?s=20"), {})
    assert (found.ref, found.reason, found.rung) == (PostRef("twitter", "20"), Reason.OK, "url")


def test_without_a_link_or_a_code_there_is_nothing_to_follow():
    found = drive(resolve(Claim(handle="reporter"), None), {})
    assert (found.ref, found.reason) == (None, Reason.NO_LINK)


# --- what t.co answers ----------------------------------------------------------------------------------------------


@needs_shared
def test_the_real_page_of_t_co_is_read():
    assert target(exchange("twitter/tco/4DK3Jc2BTt.http.json")) == "https://buff.ly/2uSOHDs"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_read(status):
    (answer,) = moved("a", "https://x.com/a/status/20", status).values()
    assert target(answer) == "https://x.com/a/status/20"


def test_the_page_of_2017_is_read():
    body = (
        '<head><meta name="referrer" content="always"><noscript><META http-equiv="refresh" '
        'content="0;URL=https://example.org/?a=1&amp;b=2"></noscript></head>'
    )
    assert target(capture("https://t.co/a", body)) == "https://example.org/?a=1&b=2"


@pytest.mark.parametrize("inner", ["https://x.com/a/status/20?s=1&t=2", "https%3A%2F%2Fx.com%2Fa%2Fstatus%2F20"])
def test_the_warning_page_is_seen_through(inner):
    (answer,) = moved("a", f"https://twitter.com/safety/unsafe_link_warning?unsafe_link={inner}").values()
    assert target(answer).startswith("https://x.com/a/status/20")


@given(raw=st.binary(max_size=300) | st.text(alphabet="<meta http-equiv=refresh content='0;URL=\">", max_size=80))
def test_any_page_leads_somewhere_or_nowhere(raw):
    found = target(capture("https://t.co/a", raw))
    assert found is None or found.startswith("http")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://t.co/fwutN0Bakg", ("fwutN0Bakg", False)),
        ("pic.twitter.com/fwutN0Bakg", ("fwutN0Bakg", True)),
        ("http://pic.x.com/fwutN0Bakg?x=1", ("fwutN0Bakg", True)),
        ("https://example.com/t.co/a", None),
    ],
)
def test_short_urls_are_told_apart(url, expected):
    assert short_code(url) == expected


def test_the_handle_of_a_path_is_read():
    assert path_handle("https://twitter.com/A_b/status/20/photo/1") == "A_b"
    assert path_handle("https://x.com/i/web/status/20") is None
    assert path_handle("https://x.com/i/status/20") is None


# --- pic codes ------------------------------------------------------------------------------------------------------


def test_a_pic_code_leads_to_the_post_and_the_post_confirms_it():
    web = moved("Picture001", f"https://twitter.com/Reporter/status/{NOON}/photo/1") | shown(NOON, tweet(NOON))
    found = drive(resolve(CLAIM, None), web)
    assert (found.ref, found.rung) == (PostRef("twitter", NOON), "pic-code")
    assert any("stands in" in each.detail for each in found.evidence)
    assert all(each.capture for each in found.evidence)


def test_a_code_is_asked_in_its_exact_case_without_following_and_without_a_browsers_name():
    asked: list = []
    web = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1") | shown(NOON, tweet(NOON))
    drive(resolve(CLAIM, None), web, asked)
    assert (asked[0].url, asked[0].follow, asked[0].headers) == ("https://t.co/Picture001", 0, ())


def test_a_deleted_post_is_still_identified_by_its_pic_code():
    web = page("Picture001", f"https://x.com/reporter/status/{NOON}/video/1") | gone(NOON)
    assert drive(resolve(CLAIM, None), web).ref == PostRef("twitter", NOON)


def test_media_of_another_author_is_not_the_post():
    """PLATFORMS.md 2: a pic code expands to the post the media were first shown in."""
    web = moved("Picture001", f"https://x.com/ClipArchive_/status/{NOON}/video/1") | shown(
        NOON, tweet(NOON, "ClipArchive_")
    )
    found = drive(resolve(Claim("reporter", None, None, None, ("Picture001",), ("Picture001",)), None), web)
    assert (found.ref, found.reason, candidates(found)) == (None, Reason.OWNER_DIFFERS, [NOON])
    assert any("media owner differs" in each.detail for each in found.evidence)


def test_media_the_author_used_before_are_not_the_post():
    """The same author, the same day, but the code is not the post's own: another post shows it again."""
    claim = Claim("reporter", None, None, None, ("Picture001",), ("Picture001",))
    web = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1")
    found = drive(resolve(claim, None), web | shown(NOON, tweet(NOON, code="AnotherOne")))
    assert (found.ref, found.reason, candidates(found)) == (None, Reason.AMBIGUOUS, [NOON])


def test_an_author_who_was_renamed_is_recognised_by_the_name_the_post_bears_now():
    web = moved("Picture001", f"https://x.com/oldname/status/{NOON}/photo/1") | shown(NOON, tweet(NOON, "reporter"))
    found = drive(resolve(CLAIM, None), web)
    assert found.ref == PostRef("twitter", NOON)
    assert any("shown under @reporter" in each.detail for each in found.evidence)


def test_a_post_of_another_day_is_not_the_post():
    claim = Claim("reporter", None, DAY, None, ("Picture001",), ("Picture001",))
    web = moved("Picture001", f"https://x.com/reporter/status/{OTHER_DAY}/photo/1")
    found = drive(resolve(claim, None), web)
    assert (found.ref, candidates(found)) == (None, [OTHER_DAY])


def test_a_pic_code_without_an_author_is_a_candidate_only():
    claim = Claim(None, None, DAY, None, ("Picture001",), ("Picture001",))
    web = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1") | shown(NOON, tweet(NOON))
    found = drive(resolve(claim, None), web)
    assert (found.ref, candidates(found)) == (None, [NOON])


def test_an_articles_own_short_link_is_taken_at_its_word():
    web = moved("abcdefghij", f"https://x.com/reporter/status/{NOON}")
    found = drive(resolve(Claim(), "https://t.co/abcdefghij"), web)
    assert (found.ref, found.rung) == (PostRef("twitter", NOON), "t.co")


# --- other codes ----------------------------------------------------------------------------------------------------


def test_an_outbound_link_is_never_the_post():
    claim = Claim("reporter", None, None, None, ("Outbound01",), ())
    found = drive(resolve(claim, None), moved("Outbound01", "https://buff.ly/2uSOHDs"))
    assert (found.ref, found.reason, found.candidates) == (None, Reason.LINK_ELSEWHERE, ())


def test_the_pic_code_is_followed_before_an_outbound_link():
    """The second post of the article this project began with: `https://t.co/KF… pic.twitter.com/Ax…`."""
    claim = Claim("reporter", None, DAY, TEXT, ("Outbound01", "Picture001"), ("Picture001",))
    asked: list = []
    web = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1") | shown(NOON, tweet(NOON))
    assert drive(resolve(claim, None), web, asked).ref == PostRef("twitter", NOON)
    assert "https://t.co/Outbound01" not in [each.url for each in asked]


def test_a_media_link_written_as_t_co_counts_as_a_pic():
    claim = Claim("reporter", None, DAY, TEXT, ("Picture001",), ())
    web = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1") | shown(NOON, tweet(NOON))
    assert drive(resolve(claim, None), web).ref == PostRef("twitter", NOON)


def test_a_quoted_post_of_the_same_author_and_day_is_not_the_post():
    """A link in the text to another status is a quotation, even of oneself on the same day."""
    claim = Claim("reporter", None, None, TEXT, ("Quoted0001",), ())
    web = moved("Quoted0001", f"https://x.com/reporter/status/{NOON}")
    found = drive(resolve(claim, None), web | shown(NOON, tweet(NOON, text="Something else that was said before.")))
    assert (found.ref, found.reason, candidates(found)) == (None, Reason.LINK_ELSEWHERE, [NOON])


def test_a_link_to_a_status_with_the_very_text_is_the_post():
    claim = Claim("reporter", None, DAY, TEXT, ("Itself0001",), ())
    web = moved("Itself0001", f"https://x.com/i/web/status/{NOON}") | shown(NOON, tweet(NOON, code=None))
    assert drive(resolve(claim, None), web).ref == PostRef("twitter", NOON)


# --- archived codes -------------------------------------------------------------------------------------------------

AT = "20240808101112"
SEEN = {"memento-datetime": "Thu, 08 Aug 2024 10:11:12 GMT"}


def index(place: str, *rows: tuple, **asked):
    """What the archive's index answers: (original, mimetype, status) each."""
    url = memento.cdx_query(place, **asked).url
    header = list(memento.FIELDS)
    body = [header, *([original, AT, kind, str(status), f"D{n}"] for n, (original, kind, status) in enumerate(rows))]
    return {url: capture(url, body)}


def code_index(code: str, *rows: tuple):
    return index(f"t.co/{code}", *rows, collapse=None, limit=200)


def replayed(original: str, body=b"", status: int = 200, headers=SEEN):
    url = memento.replay_url(AT, original)
    return {url: capture(url, body, status, headers)}


def dead(code: str):
    url = code_request(code).url
    return Unarchived({url: capture(url, "", 404)})


def test_a_dead_code_is_followed_where_an_archive_saw_it():
    """The archive rewrites the Location of a redirect, and keeps the original beside it."""
    lead = f"https://twitter.com/reporter/status/{NOON}/photo/1"
    headers = SEEN | {"location": f"https://web.archive.org/web/{AT}id_/{lead}"}
    web = dead("Picture001") | code_index("Picture001", ("https://t.co/Picture001", "text/html", 301))
    web = web | replayed("https://t.co/Picture001", b"", 301, headers) | gone(NOON)
    found = drive(resolve(CLAIM, None), web)
    assert (found.ref, found.rung) == (PostRef("twitter", NOON), "archived-pic-code")


def test_an_archived_page_of_t_co_is_read_too():
    lead = f"https://twitter.com/reporter/status/{NOON}/photo/1"
    (body,) = (answer.content for answer in page("Picture001", lead).values())
    web = dead("Picture001") | code_index("Picture001", ("http://t.co/Picture001", "text/html", 200))
    web = web | replayed("http://t.co/Picture001", body) | gone(NOON)
    assert drive(resolve(CLAIM, None), web).ref == PostRef("twitter", NOON)


def test_another_code_that_differs_in_case_is_not_followed():
    """The index lower-cases its keys, so codes collide there."""
    claim = Claim("reporter", None, None, None, ("Picture001",), ("Picture001",))
    web = dead("Picture001") | code_index("Picture001", ("https://t.co/pictuRE001", "text/html", 301))
    found = drive(resolve(claim, None), web)
    assert (found.ref, found.reason, found.candidates) == (None, Reason.LINK_DEAD, ())


# --- handle, day and text -------------------------------------------------------------------------------------------


def test_the_ids_of_a_day_are_those_of_platforms_4():
    assert id_range(DAY) == (1820580539397046272, 1821728100971446272)
    assert prefixes(*id_range(DAY)) == ("1820", "1821")


def test_days_before_ids_carried_a_time_have_the_counted_ids_of_about_those_days():
    low, high = id_range(dt.date(2008, 5, 1))
    assert low < 801_000_000 < high and high - low < 10_000_000 and prefixes(low, high) == ("79", "80")
    assert id_range(dt.date(2006, 3, 21))[0] == 20
    assert id_range(dt.date(2006, 3, 1)) is None
    low, high = id_range(dt.date(2010, 11, 4))
    assert low < LAST_SEQUENTIAL < high, "the day on which ids came to be timed has both kinds"


@needs_shared
def test_counted_ids_are_placed_within_the_margin():
    """The whole timeline of TweetedAt, of which a thinned one is kept."""
    lines = (SHARED / "fixtures/twitter/presnowflake/TweetTimeline.csv").read_text().splitlines()
    points = [(int(id), int(at)) for id, at, _ in (line.split(",") for line in lines) if id.isdigit()]
    assert len(points) > 2300
    worst = max(abs(sequential.given_about(id).timestamp() - at) for id, at in points)
    assert dt.timedelta(seconds=worst) < sequential.MARGIN / 2
    for id, at in points[:: len(points) // 40]:
        day = dt.datetime.fromtimestamp(at, dt.UTC)
        low, high = sequential.ids_of(day, day)
        assert low <= id < high


@given(st.dates(dt.date(2010, 11, 8), dt.date(2039, 1, 1)), st.integers(0, 10**9))
def test_at_most_two_prefixes_cover_every_id_of_a_day(day, seed):
    low, high = id_range(day)
    some = low + seed * (high - 1 - low) // 10**9
    asked = prefixes(low, high)
    assert len(asked) <= 2
    for id in (low, some, high - 1):
        assert str(id).startswith(asked)


def test_the_prefixes_of_a_day_on_which_ids_grew_by_a_digit_cover_both_lengths():
    asked = prefixes(*id_range(dt.date(2018, 5, 25)))
    assert len(asked) == 2 and asked[0].startswith("9") and asked[1].startswith("1")


PLAIN = Claim("Reporter", None, DAY, TEXT)
LOW, HIGH = prefixes(*id_range(DAY))


def archive(posts: dict[str, dict | None], place: str = "twitter.com/Reporter/status"):
    """A web archive with these posts as JSON under one place; None for one of which only redirects are kept."""
    web = Unarchived()
    for prefix in (LOW, HIGH):
        own = {id: body for id, body in posts.items() if id.startswith(prefix)}
        rows = [
            (f"https://{place}/{id}", "application/json" if body else "text/html", 200 if body else 302)
            for id, body in sorted(own.items())
        ]
        web = web | index(f"{place}/{prefix}", *rows, prefix=True, collapse="urlkey", limit=5000)
    for id, body in posts.items():
        if body:
            web = web | replayed(f"https://{place}/{id}", body)
        web = web | gone(id)
    return web


def an_id(hour: int, low: int = 1) -> str:
    return made(f"2024-08-07T{hour:02}:00:00+00:00", low)


def test_a_post_without_any_link_is_found_by_author_day_and_text():
    posts = {NOON: tweet(NOON, code=None), an_id(9): tweet(an_id(9), text="Good morning to everybody.", code=None)}
    asked: list = []
    found = drive(resolve(PLAIN, None), archive(posts), asked)
    assert (found.ref, found.rung) == (PostRef("twitter", NOON), "handle+date+text")
    assert found.candidates[0].ref.id == NOON and any("text same" in why for why in found.candidates[0].reasons)
    queries = [each.url for each in asked if each.url.startswith(memento.CDX)]
    assert len(queries) == len(set(queries)) == 12, "two for each of three hosts and two path forms"


def test_posts_of_other_days_under_the_same_prefix_are_left_out():
    late = made("2024-08-09T03:00:00+00:00")
    assert late.startswith(HIGH)
    found = drive(resolve(PLAIN, None), archive({late: tweet(late, code=None)}))
    assert (found.ref, found.candidates) == (None, ())


def test_equal_texts_are_ambiguous():
    posts = {id: tweet(id, code=None) for id in (an_id(8), an_id(18))}
    found = drive(resolve(PLAIN, None), archive(posts))
    assert (found.ref, found.reason, sorted(candidates(found))) == (None, Reason.AMBIGUOUS, sorted(posts))


def test_equal_texts_are_told_apart_by_the_claimed_link():
    claim = Claim("Reporter", None, DAY, TEXT, ("Picture001",), ("Picture001",))
    posts = {an_id(8): tweet(an_id(8), code="Picture001"), an_id(18): tweet(an_id(18), code="Picture002")}
    found = drive(resolve(claim, None), archive(posts) | dead("Picture001"))
    assert found.ref == PostRef("twitter", an_id(8))


def test_a_text_that_nearly_agrees_is_never_chosen():
    """One number differs: another report of the same author, or a misquotation; either way not proved."""
    posts = {NOON: tweet(NOON, text="At least 12 people were hurt in the night, officials say.", code=None)}
    claim = Claim("Reporter", None, DAY, "At least 14 people were hurt in the night, officials say.")
    found = drive(resolve(claim, None), archive(posts))
    assert (found.ref, found.reason, candidates(found)) == (None, Reason.AMBIGUOUS, [NOON])


def test_a_short_text_decides_nothing():
    posts = {NOON: tweet(NOON, text="Wow.", code=None)}
    found = drive(resolve(Claim("Reporter", None, DAY, "Wow."), None), archive(posts))
    assert (found.ref, candidates(found)) == (None, [NOON])


def test_the_same_text_with_other_links_is_another_post():
    """A post and its repetition: the archive has only the one whose picture is not the claimed one."""
    posts = {NOON: tweet(NOON, code="Picture777")}
    found = drive(resolve(CLAIM, None), archive(posts, "twitter.com/reporter/status") | dead("Picture001"))
    assert found.ref is None and "its media link is another" in found.candidates[0].reasons


def test_the_same_text_under_another_author_is_another_post():
    """X does not check the handle in a URL, and archives kept such URLs."""
    posts = {NOON: tweet(NOON, handle="impostor", code=None)}
    found = drive(resolve(PLAIN, None), archive(posts))
    assert found.ref is None and "shown under @impostor" in found.candidates[0].reasons


def test_media_shown_again_lead_to_the_post_that_shows_them_again():
    """The pic code expands to another author's post; the post that bears the code itself is in the archive."""
    lead = moved("Picture001", f"https://x.com/ClipArchive_/status/{an_id(9)}/video/1")
    posts = {NOON: tweet(NOON)}
    web = archive(posts, "twitter.com/reporter/status") | lead | shown(an_id(9), tweet(an_id(9), "ClipArchive_"))
    found = drive(resolve(CLAIM, None), web)
    assert (found.ref, found.rung) == (PostRef("twitter", NOON), "handle+date+text")


def unread(id: str, status: int):
    """X's answer about a post of which the archive has redirects alone."""
    return shown(id, "", status)


@pytest.mark.parametrize("status", [429, 503])
def test_a_text_is_not_chosen_while_another_post_may_be_read_another_day(status):
    posts = {NOON: tweet(NOON, code=None), an_id(9): None}
    found = drive(resolve(PLAIN, None), archive(posts) | unread(an_id(9), status))
    assert found.ref is None and found.reason in {Reason.RATE_LIMITED, Reason.SERVER_ERROR}
    assert NOON in candidates(found)


def test_the_whole_text_is_chosen_where_nobody_can_read_the_other_post_any_more_and_that_is_said():
    posts = {NOON: tweet(NOON, code=None), an_id(9): None}
    found = drive(resolve(PLAIN, None), archive(posts))
    assert found.ref == PostRef("twitter", NOON)
    assert "1 of them nobody can read any more" in found.evidence[-1].detail


def test_a_short_part_of_a_text_is_not_chosen_while_another_post_cannot_be_read():
    posts = {NOON: tweet(NOON, text="Good night. Good morning to everybody.", code=None), an_id(9): None}
    claim = Claim("Reporter", None, DAY, "Good morning to everybody.")
    found = drive(resolve(claim, None), archive(posts))
    assert (found.ref, found.reason) == (None, Reason.AMBIGUOUS)


def test_an_authors_picture_shown_again_is_not_the_post_that_showed_it_first():
    """The pic code leads to the first post, which is deleted: its archived words are read before it is believed."""
    first = tweet(an_id(9), text="Something else altogether was said in the morning here.", code="Picture000")
    lead = moved("Picture001", f"https://x.com/reporter/status/{an_id(9)}/photo/1")
    found = drive(resolve(CLAIM, None), archive({an_id(9): first}, "twitter.com/reporter/status") | lead)
    assert (found.ref, found.reason) == (None, Reason.AMBIGUOUS)
    both = archive({an_id(9): first, NOON: tweet(NOON)}, "twitter.com/reporter/status") | lead
    assert drive(resolve(CLAIM, None), both).ref == PostRef("twitter", NOON)


def test_a_picture_whose_post_nobody_can_read_is_not_believed_against_the_very_words():
    lead = moved("Picture001", f"https://x.com/reporter/status/{an_id(9)}/photo/1")
    # A capture that does not show all links: nobody can tell whether the code stands in this one.
    posts = {an_id(9): None, NOON: tweet(NOON, code=None) | {"truncated": True}}
    found = drive(resolve(CLAIM, None), archive(posts, "twitter.com/reporter/status") | lead | gone(an_id(9)))
    assert (found.ref, found.reason) == (None, Reason.AMBIGUOUS)
    alone = archive({an_id(9): None}, "twitter.com/reporter/status") | lead | gone(an_id(9))
    assert drive(resolve(CLAIM, None), alone).ref == PostRef("twitter", an_id(9))


def test_the_very_words_are_not_enough_where_a_claimed_link_cannot_be_looked_for():
    """Somebody who says the same twice a day changes the link: the capture at hand shows no links at all."""
    words = {**tweet(NOON, code=None), "truncated": True}
    claim = Claim("Reporter", None, DAY, TEXT, ("Outbound01",))
    web = archive({NOON: words}) | dead("Outbound01")
    found = drive(resolve(claim, None), web)
    assert (found.ref, candidates(found)) == (None, [NOON])
    # X shows the post with its links, and they are not the claimed one; or they are.
    assert drive(resolve(claim, None), web | shown(NOON, tweet(NOON, handle="Reporter", code=None))).ref is None
    linked = tweet(NOON, handle="Reporter", code=None)
    url = {"url": "https://t.co/Outbound01", "expanded_url": "https://news.example/1", "display_url": "news.example/1"}
    linked |= {"text": f"{TEXT} https://t.co/Outbound01", "entities": {"urls": [url]}}
    assert drive(resolve(claim, None), web | shown(NOON, linked)).ref == PostRef("twitter", NOON)


def test_a_picture_shown_again_with_words_the_article_changed_is_not_the_first_post():
    """The post that bears the code is archived; its words differ a little, so neither it nor the first is sure."""
    lead = moved("Picture001", f"https://x.com/reporter/status/{an_id(9)}/photo/1")
    posts = {an_id(9): None, NOON: tweet(NOON, text=TEXT.replace("near the", "close to the"))}
    found = drive(resolve(CLAIM, None), archive(posts, "twitter.com/reporter/status") | lead)
    assert (found.ref, found.reason) == (None, Reason.AMBIGUOUS)
    assert set(candidates(found)) == set(posts)


def test_a_relay_does_not_say_whether_a_post_was_edited():
    """The words differ a little from what the relay shows: another version may be the one, and is not guessed."""
    lead = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1")
    status = {
        "id": NOON, "text": TEXT.replace("near the", "close to the"), "author": {"screen_name": "reporter"},
        "raw_text": {"text": "", "facets": [{"type": "media", "original": "https://t.co/Picture001",
                     "replacement": f"https://x.com/reporter/status/{NOON}/photo/1", "indices": [0, 1]}]},
    }  # fmt: skip
    relay = fxtwitter_request(PostRef("twitter", NOON)).url
    web = lead | shown(NOON, "{}") | {relay: capture(relay, {"code": 200, "status": status})}
    assert drive(resolve(CLAIM, None), web).ref is None


def test_the_post_of_a_renamed_author_is_told_by_a_capture_of_its_time():
    """Live it is shown under another name; the capture under the claimed one is read too."""
    place = f"twitter.com/Reporter/status/{NOON}"
    web = archive({NOON: None}) | shown(NOON, tweet(NOON, handle="renamed", code=None))
    web = web | index(place, (f"https://{place}", "application/json", 200), prefix=True)
    web = web | replayed(f"https://{place}", tweet(NOON, handle="Reporter", code=None))
    assert drive(resolve(PLAIN, None), web).ref == PostRef("twitter", NOON)


def test_versions_of_an_edited_post_share_a_code_and_are_told_apart_by_their_words():
    claim = Claim("Reporter", None, DAY, TEXT, ("Picture001",), ("Picture001",))
    posts = {an_id(8): tweet(an_id(8), text=TEXT.replace("new", "first")), an_id(9): tweet(an_id(9))}
    assert drive(resolve(claim, None), archive(posts) | dead("Picture001")).ref == PostRef("twitter", an_id(9))


def test_the_archives_own_rate_limit_ends_the_search_at_once():
    first = memento.cdx_query(f"twitter.com/Reporter/status/{LOW}", prefix=True, collapse="urlkey", limit=5000).url
    asked: list = []
    found = drive(resolve(PLAIN, None), {first: capture(first, "", 429)}, asked)
    assert (found.ref, found.reason, len(asked)) == (None, Reason.RATE_LIMITED, 1)


def test_a_day_without_a_text_yields_candidates_only():
    found = drive(resolve(Claim("Reporter", None, DAY), None), archive({NOON: tweet(NOON)}))
    assert (found.ref, found.reason, candidates(found)) == (None, Reason.AMBIGUOUS, [NOON])


# --- what can go wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unreachable("no network"), Reason.UNREACHABLE),
        (Unreachable("slow", reason="timeout"), Reason.TIMEOUT),
        (NotRecorded("not in the recording"), Reason.NOT_RECORDED),
    ],
)
def test_silence_leaves_the_embed_to_a_later_try(error, reason):
    claim = Claim("reporter", None, None, None, ("Outbound01", "Picture001"), ("Picture001",))
    web = moved("Outbound01", "https://buff.ly/2uSOHDs") | {"https://t.co/Picture001": error}
    found = drive(resolve(claim, None), web)
    assert (found.ref, found.reason) == (None, reason)


def test_a_rate_limit_is_not_a_dead_link():
    url = "https://t.co/Picture001"
    claim = Claim("reporter", None, None, None, ("Picture001",), ("Picture001",))
    assert drive(resolve(claim, None), {url: capture(url, "", 429)}).reason is Reason.RATE_LIMITED


def test_a_code_that_leads_to_itself_ends():
    found = drive(resolve(Claim(), "https://t.co/a"), moved("a", "https://t.co/a"))
    assert found.ref is None


class Everything(dict):
    """A web that answers every request alike."""

    def __init__(self, *answer) -> None:
        self.answer = answer

    def get(self, url):
        return capture(url, *self.answer)


@given(raw=st.binary(max_size=120), status=st.sampled_from([200, 301, 404, 410, 429, 503]))
def test_whatever_the_web_answers_the_ladder_ends_unresolved(raw, status):
    found = drive(resolve(CLAIM, None), Everything(raw, status, {"location": raw.decode("latin-1")}))
    assert found.ref is None


# --- days -----------------------------------------------------------------------------------------------------------


def test_the_window_is_a_day_and_twenty_six_hours_on_both_sides():
    start, end = window(DAY)
    assert (start.isoformat(), end.isoformat()) == ("2024-08-05T22:00:00+00:00", "2024-08-09T02:00:00+00:00")


def test_an_id_without_a_time_of_its_own_neither_fits_nor_contradicts():
    assert fits_day(PostRef("twitter", "20"), DAY) is None
    assert fits_day(PostRef("twitter", NOON), None) is None
    assert fits_day(PostRef("twitter", NOON), DAY) is True
    assert fits_day(PostRef("twitter", OTHER_DAY), DAY) is False


@pytest.mark.parametrize(
    ("claimed", "posted", "is_chosen"),
    [
        ("\U0001f6a8 {}", "\U0001f6a8 {}", True),
        ("?? {}", "\U0001f6a8 {}", True),
        ("\U0001f6a8 {}", "{}", False),
        ("\U0001f6a8 {}", "\U0001f7e2 {}", False),
        ("?? {}", "{}", False),
        ("{}", "\U0001f6a8 {}", False),
    ],
)
def test_the_same_words_with_other_emoji_are_another_post(claimed, posted, is_chosen):
    words = "The bridge over the river is closed until further notice, says the harbour."
    posts = {NOON: tweet(NOON, text=posted.format(words), code=None)}
    found = drive(resolve(Claim("Reporter", None, DAY, claimed.format(words)), None), archive(posts))
    assert found.ref == (PostRef("twitter", NOON) if is_chosen else None)
    assert is_chosen or NOON in candidates(found)


# --- what words alone do not decide ---------------------------------------------------------------------------------

WORDS = "The bridge over the river is closed until further notice, says the harbour."
KANJI = "橋は追って通知があるまで閉鎖されると港湾当局が発表した"
MORNING = an_id(9)


def linked(id: str, text: str, *, expanded: str = "https://news.example/1", display: str = "news.example/1") -> dict:
    """A post that ends with a link to elsewhere."""
    url = {"url": "https://t.co/Outbound01", "expanded_url": expanded, "display_url": display}
    return tweet(id, text=f"{text} https://t.co/Outbound01", code=None) | {"entities": {"urls": [url]}}


def chosen(text: str, posts: dict[str, dict | None], day: dt.date = DAY) -> str | None:
    """The post that a quotation without any code is found to show."""
    found = drive(resolve(Claim("Reporter", None, day, text), None), archive(posts))
    assert found.ref is not None or found.reason in {Reason.AMBIGUOUS, Reason.NO_LINK}
    return found.ref.id if found.ref else None


def beside_a_lost_one(text: str, post: dict) -> tuple[str | None, str | None]:
    """What is chosen where every post of those days can be read, and where one is lost to everybody."""
    return chosen(text, {NOON: post}), chosen(text, {NOON: post, MORNING: None})


@pytest.mark.parametrize("words", [WORDS, KANJI, f"RT @port: {KANJI}", f"RT @port: {WORDS}"])
def test_a_link_that_is_not_shown_may_be_the_difference_to_a_post_that_is_lost(words):
    """Whoever deletes a post and says it again with the link: the article shows the first, and no link."""
    assert beside_a_lost_one(words, linked(NOON, words)) == (NOON, None)


def test_the_link_that_was_not_shown_is_said():
    found = drive(
        resolve(Claim("Reporter", None, DAY, WORDS), None), archive({NOON: linked(NOON, WORDS), MORNING: None})
    )
    assert "the article would have lost its link" in found.candidates[0].reasons


def test_a_post_that_is_lost_is_a_doubt_if_it_may_be_of_the_day_stated():
    """The window is wider than a day can be anywhere on Earth; and a post of that very day by UTC stands before one
    that is of that day in another zone alone."""
    evening, night = made("2024-08-06T21:00:00+00:00"), made("2024-08-08T01:00:00+00:00")
    before = made("2024-08-06T08:00:00+00:00")
    assert chosen(WORDS, {NOON: linked(NOON, WORDS), before: None}) == NOON
    assert chosen(WORDS, {NOON: linked(NOON, WORDS), evening: None}) == NOON
    assert chosen(WORDS, {evening: linked(evening, WORDS), before: None}) == evening
    assert chosen(WORDS, {evening: linked(evening, WORDS), night: None}) is None


def test_media_are_no_words_and_may_be_left_out():
    """X itself does not show the link of a picture."""
    assert beside_a_lost_one(WORDS, tweet(NOON, text=WORDS)) == (NOON, NOON)


def test_the_link_of_a_quoted_post_may_be_left_out():
    """X shows the post it leads to in its place."""
    quoting = linked(NOON, WORDS, expanded=f"https://twitter.com/port/status/{OTHER_DAY}", display="twitter.com/port/…")
    quoting |= {"quoted_tweet": tweet(OTHER_DAY, "port", "Closed.", None)}
    assert beside_a_lost_one(WORDS, quoting) == (NOON, NOON)


def test_a_retweet_by_hand_has_another_authors_words():
    """The same account repeats them, and nobody can tell which time it was."""
    said = f"RT @port: {WORDS}"
    assert beside_a_lost_one(said, tweet(NOON, text=said, code=None)) == (NOON, None)
    own = f"At last! RT @port: {WORDS}"
    assert beside_a_lost_one(own, tweet(NOON, text=own, code=None)) == (NOON, NOON)


@pytest.mark.parametrize(
    ("claimed", "posted"),
    [
        (WORDS.upper(), WORDS),
        (WORDS.replace(", says", "! Says"), WORDS),
        (f"{WORDS} #bridge", f"{WORDS} bridge"),
        (WORDS, f"@port {WORDS}"),
        (f"@port {WORDS}", WORDS),
        (WORDS.replace("river", "r?ver"), WORDS.replace("river", "rïver")),
    ],
)
def test_words_written_otherwise_may_be_those_of_a_post_that_is_lost(claimed, posted):
    assert beside_a_lost_one(claimed, tweet(NOON, text=posted, code=None)) == (NOON, None)


@pytest.mark.parametrize(
    ("claimed", "posted"),
    [
        (
            "@a_reader We are sorry to hear that, please write to us.",
            "@b We are sorry to hear that, please write to us.",
        ),
        ("It is -5 in the harbour of the old town tonight", "It is 5 in the harbour of the old town tonight"),
        ("मोदी ने कहा कि नदी का पुल आज रात से बंद रहेगा", "मोदी ने कहा कि नदी की पुल आज रात से बंद रहेगी"),
        ("สะพานข้ามแม่น้ำปิดจนกว่าจะมีประกาศ ป่า", "สะพานข้ามแม่น้ำปิดจนกว่าจะมีประกาศ ป้า"),
        ("The harbour of the old town scores 9.5/10", "The harbour of the old town scores 8.5/10"),
        (f"Correction. {WORDS}", WORDS),
        (WORDS, f"Correction. {WORDS}"),
        (f"{WORDS} #bridge", WORDS),
        (WORDS, f"{WORDS} #bridge"),
        (f"{WORDS} bbc.example/news/1", f"{WORDS}"),
        ("The bridge over the river…", WORDS),
    ],
)
def test_what_differs_in_what_it_says_is_never_chosen(claimed, posted):
    assert beside_a_lost_one(claimed, tweet(NOON, text=posted, code=None)) == (None, None)


@pytest.mark.parametrize(
    ("shown", "is_chosen"),
    [
        ("news.example/1", True),
        ("https://www.news.example/1", True),
        ("news.example/1…", True),
        ("news.example/2", False),
        ("other.example/1", False),
    ],
)
def test_a_link_is_compared_as_people_read_it(shown, is_chosen):
    found = beside_a_lost_one(f"{WORDS} {shown}", linked(NOON, WORDS))
    assert found == ((NOON, NOON) if is_chosen else (None, None))


def test_a_post_whose_time_is_on_that_day_nowhere_is_not_chosen_by_its_words():
    """The greeting of every morning: only that of the day before is archived. A code that proves the post may be a day
    off, words may not."""
    early = made("2024-08-06T06:00:00+00:00")
    assert fits_day(PostRef("twitter", early), DAY)
    assert chosen(WORDS, {early: tweet(early, text=WORDS, code=None)}) is None
    at_the_date_line = made("2024-08-06T11:00:00+00:00")
    assert chosen(WORDS, {at_the_date_line: tweet(at_the_date_line, text=WORDS, code=None)}) == at_the_date_line


def edited(id: str, versions: tuple[str, ...], **named) -> dict:
    return tweet(id, **named) | {"edit_control": {"edit_tweet_ids": list(versions)}}


def test_a_version_that_was_not_seen_may_have_the_words_too():
    """An edit that adds a comma: the words are the same, and the article shows them without it."""
    versions = (MORNING, NOON)
    post = edited(NOON, versions, text=WORDS, code=None)
    assert chosen(WORDS, {NOON: post}) == NOON
    assert chosen(WORDS.replace(", says", " says"), {NOON: post}) is None
    both = {NOON: post, MORNING: edited(MORNING, versions, text=WORDS.replace(",", ""), code=None)}
    assert chosen(WORDS, both) is None, "either fits, as far as words go"


def test_a_code_stands_in_every_version_and_the_one_that_is_written_alike_is_shown():
    versions = (MORNING, NOON)
    claim = Claim("Reporter", None, DAY, WORDS, ("Picture001",), ("Picture001",))
    late = edited(NOON, versions, text=WORDS)
    early = edited(MORNING, versions, text=WORDS.replace(", says", " says"))
    web = archive({NOON: late}) | dead("Picture001")
    assert drive(resolve(claim, None), web).ref == PostRef("twitter", NOON)
    other = Claim("Reporter", None, DAY, WORDS.replace(", says", " says"), ("Picture001",), ("Picture001",))
    assert drive(resolve(other, None), web).ref is None
    both = archive({NOON: late, MORNING: early}) | dead("Picture001")
    assert drive(resolve(other, None), both).ref == PostRef("twitter", MORNING)
    live = moved("Picture001", f"https://x.com/reporter/status/{NOON}/photo/1") | shown(NOON, late)
    assert drive(resolve(other, None), live | shown(MORNING, early)).ref == PostRef("twitter", MORNING)
    assert drive(resolve(other, None), archive({}) | live | gone(MORNING)).ref is None


def test_a_quoted_post_of_the_same_words_is_not_the_post():
    """An author who quotes himself and says the same again."""
    claim = Claim("reporter", None, None, TEXT, ("Quoted0001",), ())
    web = moved("Quoted0001", f"https://x.com/reporter/status/{NOON}")
    found = drive(resolve(claim, None), web | shown(NOON, tweet(NOON, code=None)))
    assert (found.ref, candidates(found)) == (None, [NOON])


# --- the forms in which an archive keeps a post ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "original"),
    [
        ("twitter.com/Reporter/status", "https://twitter.com/reporter/status/{}?s=20"),
        ("twitter.com/Reporter/status", "http://www.twitter.com:80/Reporter/status/{}"),
        ("twitter.com/Reporter/status", "HTTPS://TWITTER.COM/REPORTER/STATUS/{}"),
        ("twitter.com/Reporter/status", "https://twitter.com/Reporter/status/{}/photo/1"),
        ("twitter.com/Reporter/status", "https://twitter.com/Reporter/status/{}?ref_src=twsrc%5Etfw&lang=de"),
        ("x.com/Reporter/status", "https://x.com/Reporter/status/{}/video/1?t=Ab3dE_f"),
        ("mobile.twitter.com/Reporter/status", "https://mobile.twitter.com/Reporter/status/{}?p=v"),
        ("twitter.com/Reporter/statuses", "http://twitter.com/Reporter/statuses/{}"),
        ("mobile.twitter.com/Reporter/statuses", "https://mobile.twitter.com/reporter/statuses/{}/"),
    ],
)
def test_a_post_is_found_in_every_form_of_its_address(place, original):
    url = original.format(NOON)
    prefix = next(prefix for prefix in (LOW, HIGH) if NOON.startswith(prefix))
    web = index(f"{place}/{prefix}", (url, "application/json", 200), prefix=True, collapse="urlkey", limit=5000)
    web = archive({}) | web | replayed(url, tweet(NOON, text=WORDS, code=None))
    assert drive(resolve(Claim("Reporter", None, DAY, WORDS), None), web).ref == PostRef("twitter", NOON)


def test_an_address_whose_handle_is_another_is_no_post_of_the_author():
    """The index answers by prefix: `/Reporter/status/` is asked for, `/reporter_2/` is not the same."""
    url = f"https://twitter.com/reporter_2/status/{NOON}"
    prefix = next(prefix for prefix in (LOW, HIGH) if NOON.startswith(prefix))
    place = f"twitter.com/Reporter/status/{prefix}"
    web = archive({}) | index(place, (url, "application/json", 200), prefix=True, collapse="urlkey", limit=5000)
    found = drive(resolve(Claim("Reporter", None, DAY, WORDS), None), web)
    assert (found.ref, found.candidates) == (None, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://twitter.com/#!/reporter/status/{}",
        "http://twitter.com/#!/reporter/statuses/{}",
        "https://MOBILE.TWITTER.COM/reporter/status/{}?s=20",
        "https://X.com/Reporter/Status/{}/photo/1?s=46&t=Ab3",
    ],
)
def test_an_id_is_read_from_every_form_of_a_link(url):
    assert drive(resolve(Claim(), url.format(NOON)), {}).ref == PostRef("twitter", NOON)
