"""Every real payload of an X post is read into the right post, whatever its shape; goldens written by hand."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from drive import SHARED, capture, drive, exchange, fixture, needs_shared
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import ParseError
from archiver.model import Claim, Finding, Outcome, PostRef, Reason
from archiver.platforms.twitter import pages, payloads, relays, shapes
from archiver.platforms.twitter.payloads import Absence, Shown
from archiver.platforms.twitter.sources import (
    SOURCES,
    api_request,
    fxtwitter_request,
    read_api,
    read_fxtwitter,
    read_syndication,
    read_vxtwitter,
    vxtwitter_request,
)

FIXTURES = SHARED / "fixtures"


def ref(id: str) -> PostRef:
    return PostRef("twitter", id)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def shown(path: str, id: str) -> Shown:
    found = shapes.read(fixture(path), id)
    assert isinstance(found, Shown)
    return found


# --- v1.1 -----------------------------------------------------------------------------------------------------------

V11 = [
    # file, id, handle, author id, made at, media keys, characters of text, cut
    (
        "3.2_extended_tweet_in_compat_mode",
        "782737772490600448",
        "notinourselves",
        "4012966701",
        "2016-10-03T00:23:22",
        [],
        140,
        True,
    ),
    (
        "3.2_extended_tweet_in_extended_mode",
        "782737772490600448",
        "notinourselves",
        "4012966701",
        "2016-10-03T00:23:22",
        ["CtzX2fnXEAAMAjK"],
        140,
        False,
    ),
    (
        "get_status_ext_alt",
        "724441953534877696",
        "Medium",
        "571202103",
        "2016-04-25T03:36:35",
        ["Cg28HdUWYAAvmwn"],
        52,
        False,
    ),
    (
        "get_status_with_place",
        "1051204790334746624",
        "haleypaolini",
        "1149579998",
        "2018-10-13T20:15:27",
        [],
        44,
        False,
    ),
    ("sferik_status", "540897316908331009", "sferik", "7505382", "2014-12-05T15:55:44", ["B4GnPkfIcAAgMOn"], 34, False),
    ("sferik_retweet", "28669546014", "sferik", "7505382", "2010-10-25T07:39:11", [], 97, False),
    ("simonw_1168529001599533057", "1168529001599533057", "simonw", "12497", "2019-09-02T14:19:58", [], 263, False),
]


@needs_shared
@pytest.mark.parametrize(("name", "id", "handle", "author", "made", "keys", "length", "cut"), V11)
def test_v1_1_in_all_its_modes(name, id, handle, author, made, keys, length, cut):
    post = shown(f"twitter/v11/{name}.json", id).post
    assert (post.ref.id, post.author.handle, post.author.id, post.created_at) == (id, handle, author, at(made))
    assert ([each.key for each in post.media], len(post.text), post.is_truncated) == (keys, length, cut)


@needs_shared
def test_an_id_that_went_through_a_double_is_not_believed():
    """`id` says …533000 and `id_str` …533057."""
    assert fixture("twitter/v11/simonw_1168529001599533057.json")["id"] == 1168529001599533000
    assert shown("twitter/v11/simonw_1168529001599533057.json", "1168529001599533057").post.ref.id.endswith("057")


@needs_shared
def test_a_v1_1_quote_brings_the_quoted_post_and_keeps_its_link():
    found = shown("twitter/v11/simonw_1168529001599533057.json", "1168529001599533057")
    assert found.post.quotes == ref("861696799362478085")
    assert found.post.text.endswith("https://t.co/AJNTJbhF0g")
    (quoted,) = found.also
    assert (quoted.author.handle, quoted.author.id) == ("bwhitman", "14148390")
    assert "(mac) & Live" in quoted.text and dict(quoted.counts) == {"likes": 57, "reposts": 14}


@needs_shared
def test_a_v1_1_repost_names_and_brings_the_reposted_post():
    found = shown("twitter/v11/simonw_1169246717864136705.json", "1169246717864136705")
    reposted = dict(found.post.extra)["reposts_post"]
    assert found.post.author.handle == "simonw" and found.post.text.startswith("RT @")
    assert reposted in [each.ref.id for each in found.also]
    old = shown("twitter/v11/sferik_retweet.json", "28669546014")
    assert (dict(old.post.extra)["reposts_post"], old.also[0].author.handle) == ("28561922516", "gruber")


@needs_shared
def test_the_alternative_text_of_a_picture_is_kept():
    (picture,) = shown("twitter/v11/get_status_ext_alt.json", "724441953534877696").post.media
    assert picture.alt.startswith("“Jon Snow is dead.…”")
    assert len(picture.alt) == 72


@needs_shared
def test_a_place_is_kept_without_a_float():
    """The object a client flattened: `media` and `urls` at its top."""
    found = shown("twitter/v11/get_status_with_place.json", "1051204790334746624")
    place = dict(found.post.extra)["place"]
    assert place["full_name"] == "Chicago, IL"
    assert place["bounding_box"]["coordinates"][0][0] == ["-87.940033", "41.644102"]
    (quoted,) = found.also
    assert (quoted.ref, quoted.author.handle) == (found.post.quotes, "iamodeal")
    (film,) = quoted.media
    assert film.key == "1049144139172855808" and "/720x720/" in film.urls[0] and film.duration == 26.153
    assert "t.co" not in quoted.text


@needs_shared
def test_the_streaming_form_is_read_and_freed_from_the_archives_rewriting():
    post = shown("wayback/tweet-json/890659426796945408.v11-stream.json", "890659426796945408").post
    assert (post.author.handle, post.author.id) == ("DrupalLeaks", "849768899772133376")
    assert post.created_at == at("2017-07-27T19:45:29") and len(post.text) == 140


def test_a_long_streaming_post_is_read_in_full():
    payload = {
        "id_str": "890659426796945408",
        "text": "the beginning of it… https://t.co/aaaaaaaaaa",
        "truncated": True,
        "user": {"id_str": "1", "screen_name": "somebody", "name": "Somebody"},
        "extended_tweet": {
            "full_text": "the beginning of it, and the end https://t.co/bbbbbbbbbb",
            "entities": {"media": [{"url": "https://t.co/bbbbbbbbbb", "display_url": "pic.twitter.com/bbbbbbbbbb"}]},
            "extended_entities": {
                "media": [
                    {
                        "type": "photo",
                        "url": "https://t.co/bbbbbbbbbb",
                        "display_url": "pic.twitter.com/bbbbbbbbbb",
                        "media_url_https": "https://web.archive.org/web/20170727194529/https://pbs.twimg.com/media/Kkk.png",
                    }
                ]
            },
        },
    }
    post = shapes.read(payload, "890659426796945408").post
    assert (post.text, post.is_truncated) == ("the beginning of it, and the end", False)
    assert post.media[0].urls[0] == "https://pbs.twimg.com/media/Kkk?format=png&name=orig"


# --- GraphQL --------------------------------------------------------------------------------------------------------


@needs_shared
def test_graphql_is_read_with_all_its_pictures():
    post = shown("twitter/graphql/TweetResultByRestId_1848831595014459513.json", "1848831595014459513").post
    assert (post.author.handle, post.author.id) == ("SpaceX", "34743251")
    assert post.created_at == at("2024-10-22T20:59:36")
    assert [each.key for each in post.media] == ["GahebgHbEAEevTU", "GahecZ5aAAEX7GX", "GaheddqbsAAzGXg"]
    assert (post.media[1].width, post.media[1].height) == (2529, 3793)
    assert dict(post.counts)["views"] == 2366779 and len(post.text) == 154


@needs_shared
def test_the_first_post_of_all_is_read():
    post = shown("twitter/graphql/TweetResultByRestId_20.json", "20").post
    assert (post.author.handle, post.author.id, post.created_at) == ("jack", "12", at("2006-03-21T20:50:14"))


@needs_shared
def test_a_third_graphql_post_is_read_as_the_one_asked_for():
    found = shown("twitter/graphql/TweetResultByRestId_1841206275088290279.json", "1841206275088290279")
    assert found.post.ref.id == "1841206275088290279" and found.post.author.handle and found.post.created_at


@needs_shared
def test_an_unavailable_graphql_result_says_why():
    found = shapes.read(fixture("twitter/graphql/TweetResultByRestId_991500.synthetic-unavailable.json"), "991500")
    assert found == Absence(Reason.SUSPENDED, "Suspended")


def test_a_graphql_note_is_read_in_full():
    result = {
        "__typename": "TweetWithVisibilityResults",
        "tweet": {
            "rest_id": "20",
            "core": {"user_results": {"result": {"rest_id": "12", "core": {"screen_name": "jack", "name": "jack"}}}},
            "legacy": {"full_text": "cut…", "entities": {}},
            "note_tweet": {"note_tweet_results": {"result": {"text": "all of it & more", "entity_set": {"urls": []}}}},
        },
    }
    post = shapes.read({"data": {"tweetResult": {"result": result}}}, "20").post
    assert (post.text, post.is_truncated, post.author.handle) == ("all of it & more", False, "jack")


# --- API v2 ---------------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    ("name", "id", "length"),
    [
        ("get_tweet", "1293593516040269825", 242),
        ("get_tweets", "1293595870563381249", 180),
        ("get_quote_tweets", "1447395402676793345", 38),
    ],
)
def test_v2_answers_of_one_and_of_many_are_read(name, id, length):
    found = read_api(exchange(f"twitter/v2/tweepy_test_client_{name}.http.json"), ref(id))
    assert (found.outcome, found.post.ref.id, found.post.author.handle) == (Outcome.FOUND, id, None)
    assert len(found.post.text) == length


V2 = {
    "data": [
        {
            "id": "1820917034519122161",
            "text": "cut &amp; dried… https://t.co/aaaaaaaaaa",
            "note_tweet": {
                "text": "cut &amp; dried, and long https://t.co/aaaaaaaaaa",
                "entities": {"urls": [{"url": "https://t.co/aaaaaaaaaa", "display_url": "pic.x.com/aaaaaaaaaa"}]},
            },
            "author_id": "7",
            "created_at": "2024-08-06T20:17:00.000Z",
            "attachments": {"media_keys": ["3_1", "7_2"], "poll_ids": ["9"]},
            "geo": {"place_id": "p"},
            "referenced_tweets": [{"type": "quoted", "id": "20"}, {"type": "replied_to", "id": "21"}],
            "public_metrics": {"like_count": 1, "reply_count": 2, "retweet_count": 3, "quote_count": 4},
        }
    ],
    "includes": {
        "users": [{"id": "7", "username": "somebody", "name": "Somebody"}, {"id": "12", "username": "jack"}],
        "tweets": [{"id": "20", "text": "first", "author_id": "12"}],
        "polls": [{"id": "9", "options": [{"position": 1, "label": "yes", "votes": 2}]}],
        "places": [{"id": "p", "full_name": "Sudzha"}],
        "media": [
            {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/media/Aaa.jpg", "alt_text": "a bridge"},
            {
                "media_key": "7_2",
                "type": "video",
                "preview_image_url": "https://pbs.twimg.com/ext_tw_video_thumb/55/pu/img/x.jpg",
                "duration_ms": 1500,
                "variants": [
                    {
                        "content_type": "video/mp4",
                        "bit_rate": 100,
                        "url": "https://video.twimg.com/ext_tw_video/55/a.mp4",
                    },
                    {
                        "content_type": "video/mp4",
                        "bit_rate": 900,
                        "url": "https://video.twimg.com/ext_tw_video/55/b.mp4",
                    },
                ],
            },
        ],
    },
}


def test_v2_with_its_includes_is_read_whole():
    found = read_api(capture(api_request(ref("1820917034519122161")).url, V2), ref("1820917034519122161"))
    post = found.post
    assert (post.text, post.author.handle, post.quotes, post.reply_to) == (
        "cut & dried, and long",
        "somebody",
        ref("20"),
        ref("21"),
    )
    assert [(each.kind, each.key) for each in post.media] == [("photo", "Aaa"), ("video", "55")]
    assert post.media[1].urls[0].endswith("/b.mp4") and post.media[1].duration == 1.5
    assert dict(post.extra)["place"]["full_name"] == "Sudzha" and dict(post.extra)["poll"]
    assert [(each.ref.id, each.author.handle) for each in found.also] == [("20", "jack")]


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (
            {
                "type": "https://api.twitter.com/2/problems/resource-not-found",
                "detail": "Could not find tweet with ids: [20].",
            },
            Outcome.ABSENT,
            Reason.NOT_FOUND,
        ),
        (
            {
                "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
                "detail": "Sorry, you are not authorized to see the Tweet with ids: [20].",
            },
            Outcome.HIDDEN,
            Reason.UNKNOWN,  # said of protected and of suspended authors alike
        ),
        ({"type": "about:blank", "detail": "User has been suspended: [20]."}, Outcome.GONE, Reason.SUSPENDED),
    ],
)
def test_v2_names_what_is_missing_with_status_200(error, outcome, reason):
    body = {"errors": [error | {"resource_id": "20", "value": "20", "resource_type": "tweet"}]}
    found = read_api(capture("https://api.x.com/2/tweets?ids=20", body), ref("20"))
    assert (found.outcome, found.reason, found.tombstone) == (outcome, reason, error["detail"])


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, Reason.BLOCKED), (403, Reason.BLOCKED), (429, Reason.RATE_LIMITED), (503, Reason.SERVER_ERROR)],
)
def test_v2_refusals_are_named(status, reason):
    found = read_api(capture("https://api.x.com/2/tweets?ids=20", {"title": "No", "status": status}, status), ref("20"))
    assert (found.outcome, found.reason) == (Outcome.REFUSED, reason)


def test_the_api_is_asked_with_a_secret_that_stands_nowhere_in_the_request():
    request = api_request(ref("20"))
    assert request.secret == ("X_BEARER_TOKEN", "Bearer") and request.headers == ()
    assert next(each for each in SOURCES if each.name == "api-v2").needs == "X_BEARER_TOKEN"


# --- relays ---------------------------------------------------------------------------------------------------------

VX = [
    ("MediaTweet_1534672932106035200", "pdxdylan", "2022-06-08T23:05:14", [("photo", "FUxAt5LWUAMol0N")]),
    (
        "MixedMediaTweet_1760638922084741177",
        "salebeerfest",
        "2024-02-22T12:13:24",
        [("photo", "GG8LwfuWoAANKhs"), ("gif", "GG8LwqWX0AAZch0")],
    ),
    ("NSFWTweet_1581185279376838657", "kuyacoy", "2022-10-15T07:28:42", [("photo", "FfF_gKwXgAIpnpD")]),
    ("QRTTweet_1611477137319514129", "pdxdylan", "2023-01-06T21:37:43", []),
    ("TextTweet_20", "jack", "2006-03-21T20:50:14", []),
    ("VideoTweet_1540398733669666818", "pdxdylan", "2022-06-24T18:17:31", [("video", "1540396699037929472")]),
]


def vx(name: str) -> Finding:
    id = name.rpartition("_")[2]
    return read_vxtwitter(
        capture(vxtwitter_request(ref(id), Claim()).url, fixture(f"twitter/vxtwitter/{name}.json")), ref(id)
    )


@needs_shared
@pytest.mark.parametrize(("name", "handle", "made", "media"), VX)
def test_vxtwitters_objects_are_read(name, handle, made, media):
    post = vx(name).post
    assert (post.ref.id, post.author.handle, post.created_at) == (name.rpartition("_")[2], handle, at(made))
    assert [(each.kind, each.key) for each in post.media] == media
    assert dict(post.extra)["text_is_rewritten"] is True


@needs_shared
def test_vxtwitter_names_replies_quotations_and_foreign_players():
    reply = vx("MediaTweet_1534672932106035200").post
    assert reply.reply_to == ref("1534672673422381057")
    assert vx("QRTTweet_1611477137319514129").post.quotes == ref("1518309187515781125")
    vine = vx("VinePlayerTweet_583302104342638592").post
    assert vine.author.handle == "Roblox" and vine.media[0].urls[0].startswith("https://v.cdn.vine.co/")
    assert vx("VideoTweet_1540398733669666818").post.media[0].duration == 13.65


FX = {
    "code": 200,
    "status": {
        "type": "status",
        "id": "1820917034519122161",
        "url": "https://x.com/somebody/status/1820917034519122161",
        "text": "all of it",
        "created_at": "Tue Aug 06 20:17:00 +0000 2024",
        "created_timestamp": 1722975420,
        "likes": 1,
        "reposts": 2,
        "author": {"id": "7", "name": "Somebody", "screen_name": "somebody"},
        "replying_to": {"screen_name": "jack", "status": "20"},
        "raw_text": {
            "text": "all of it https://t.co/aaaaaaaaaa",
            "facets": [{"type": "media", "original": "https://t.co/aaaaaaaaaa", "display": "pic.x.com/aaaaaaaaaa"}],
        },
        "media": {
            "all": [
                {"type": "photo", "url": "https://pbs.twimg.com/media/Aaa.jpg?name=orig", "width": 5, "height": 4},
                {
                    "type": "video",
                    "url": "https://video.twimg.com/ext_tw_video/55/b.mp4",
                    "duration": 1.5,
                    "formats": [
                        {"container": "m3u8", "url": "https://video.twimg.com/ext_tw_video/55/pl/x.m3u8"},
                        {"container": "mp4", "bitrate": 9, "url": "https://video.twimg.com/ext_tw_video/55/b.mp4"},
                    ],
                },
            ]
        },
        "quote": {"type": "tombstone", "reason": "deleted"},
    },
}


def fx(body, status: int = 200) -> Finding:
    asked = ref("1820917034519122161")
    url = fxtwitter_request(asked).url
    look = next(each for each in SOURCES if each.name == "fxtwitter").look
    return drive(look(asked, Claim()), {url: capture(url, body, status)})


def test_fxtwitters_second_form_is_read():
    post = fx(FX).post
    assert (post.author.handle, post.author.id, post.created_at) == ("somebody", "7", at("2024-08-06T20:17:00"))
    assert [(each.kind, each.key) for each in post.media] == [("photo", "Aaa"), ("video", "55")]
    assert post.media[1].urls[0].endswith(".mp4") and post.media[1].urls[-1].endswith(".m3u8")
    assert post.reply_to == ref("20") and payloads.code_of(post.links[0].url) == "aaaaaaaaaa"


def test_fxtwitters_first_form_is_read():
    old = {key: value for key, value in FX["status"].items() if key not in {"type", "quote", "reposts"}}
    old |= {"retweets": 2, "replying_to": "jack", "replying_to_status": "20", "quote": old | {"id": "30"}}
    found = fx({"code": 200, "message": "OK", "tweet": old})
    assert (dict(found.post.counts)["reposts"], found.post.reply_to) == (2, ref("20"))
    assert (found.post.quotes, [each.ref.id for each in found.also]) == (ref("30"), ["30"])


@pytest.mark.parametrize(
    ("body", "status", "outcome", "reason"),
    [
        ({"code": 404, "message": "NOT_FOUND", "tweet": None}, 404, Outcome.ABSENT, Reason.NOT_FOUND),
        ({"code": 401, "message": "PRIVATE_TWEET"}, 401, Outcome.HIDDEN, Reason.PROTECTED),
        (
            {"code": 404, "status": {"type": "tombstone", "reason": "deleted", "message": "This post is deleted"}},
            404,
            Outcome.GONE,
            Reason.DELETED,
        ),
        ({"code": 404, "status": {"type": "tombstone", "reason": "suspended"}}, 404, Outcome.GONE, Reason.SUSPENDED),
        ({"code": 404, "status": {"type": "tombstone", "reason": "private"}}, 404, Outcome.HIDDEN, Reason.PROTECTED),
        ({"code": 404, "status": {"type": "tombstone", "reason": "unavailable"}}, 404, Outcome.UNKNOWN, Reason.UNKNOWN),
        ({"code": 500, "message": "API_FAIL"}, 500, Outcome.REFUSED, Reason.SERVER_ERROR),
        ("<!DOCTYPE html><title>FxEmbed</title>", 200, Outcome.UNKNOWN, Reason.UNKNOWN),
        ("", 429, Outcome.REFUSED, Reason.RATE_LIMITED),
    ],
)
def test_fxtwitters_other_answers_are_named(body, status, outcome, reason):
    found = fx(body, status)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_vxtwitter_does_not_say_why_a_post_is_missing():
    found = read_vxtwitter(
        capture("https://api.vxtwitter.com/i/status/20", {"error": "Failed to scan"}, 500), ref("20")
    )
    assert (found.outcome, found.reason, found.tombstone) == (Outcome.REFUSED, Reason.SERVER_ERROR, "Failed to scan")


# --- pages ----------------------------------------------------------------------------------------------------------


def page(path: str, id: str):
    return pages.read(capture("https://web.archive.org/web/2020/x", (FIXTURES / path).read_bytes()), id)


@needs_shared
def test_a_reply_in_the_old_interface_is_read():
    post = page("wayback/tweet-html-oldui/1169217405425455105.permalink-slice.html", "1169217405425455105").post
    assert (post.author.handle, post.author.id, post.author.name) == ("jdegoes", "17271117", "John A De Goes")
    assert post.created_at == at("2019-09-04T11:55:27") and post.lang == "en"
    assert post.text.startswith("This type of no-platforming") and post.text.endswith("abuse.")
    assert dict(post.counts) == {"replies": 6, "reposts": 8, "likes": 78}
    assert dict(post.extra) == {"conversation_id": "1169216072664436736", "is_reply": True}


@needs_shared
def test_a_post_in_the_old_interface_keeps_the_case_of_its_handle():
    """The page's canonical link is in lower case."""
    post = page("wayback/tweet-html-oldui/1302847271688523778.permalink-slice.html", "1302847271688523778").post
    assert (post.author.handle, post.author.id) == ("ChiefScientist", "258032124")
    assert post.created_at == at("2020-09-07T05:52:49")
    assert post.text.startswith("I'm probably out of my element")


@needs_shared
def test_a_page_of_another_post_shows_nothing():
    path = "wayback/tweet-html-oldui/1302847271688523778.permalink-slice.html"
    assert page(path, "1169217405425455105") is None


@needs_shared
def test_the_microdata_of_2022_are_read_as_far_as_they_go():
    """The slice ends before the text: the post is marked as cut, not as empty."""
    post = page("wayback/tweet-html-newui/1529393316344758279.microdata.html", "1529020871754633216").post
    assert (post.author.handle, post.author.id, post.author.name) == ("wiemzin", "1432298277802741764", "Wiem 🌸")
    assert post.created_at == at("2022-05-24T08:45:58")
    assert (post.text, post.is_truncated, post.media) == ("", True, ())
    assert dict(post.counts) == {"likes": 0, "reposts": 0, "quotes": 0, "replies": 1}
    assert dict(post.extra)["part_of"] == "1529016992199495680"


@needs_shared
def test_a_shell_of_the_new_interface_shows_nothing():
    assert page("wayback/tweet-html-newui/1529393316344758279.excerpt.html", "1529393316344758279") is None


OLD = """
<div class="tweet js-stream-tweet" data-tweet-id="19" data-item-id="19" data-screen-name="other"
  data-name="Other"><p class="tweet-text">an ancestor</p></div>
<div class="tweet permalink-tweet" data-tweet-id="20" data-item-id="20" data-screen-name="jack"
     data-name="Jack &amp; Co"
     data-user-id="12" data-conversation-id="20">
  <small class="time"><a href="/jack/status/20"><span class="_timestamp" data-time="1142974214"
     data-time-ms="1142974214000">x</span></a></small>
  <p class="TweetTextSize tweet-text" lang="en">two lines<br>of text <img class="Emoji" alt="🇪🇺" src="x.png">
<a href="/hashtag/x?src=hash" class="twitter-hashtag"><s>#</s><b>x</b></a>
<a href="https://t.co/aaaaaaaaaa" data-expanded-url="https://example.org/long/path" class="twitter-timeline-link"><span
class="invisible">https://</span><span class="js-display-url">example.org/long</span><span class="tco-ellipsis"><span
class="invisible">&nbsp;</span>…</span></a><a
href="https://t.co/bbbbbbbbbb" class="twitter-timeline-link u-hidden">pic.twitter.com/bbbbbbbbbb</a></p>
  <div class="AdaptiveMedia-photoContainer"
    data-image-url="https://pbs.twimg.com/media/AaaBbb.jpg"><img
    alt="a dog"></div>
  <div class="PlayableMedia PlayableMedia--gif"><div class="PlayableMedia-player"
    style="padding-bottom: 50%; background-image:url('https://pbs.twimg.com/tweet_video_thumb/GifKey.jpg')"></div></div>
  <div class="QuoteTweet"><div class="QuoteTweet-innerContainer" data-item-id="18" data-screen-name="quoted"
    data-user-id="9"><div data-image-url="https://pbs.twimg.com/media/NotOurs.jpg"></div>
    <b class="QuoteTweet-fullname">The Quoted</b><div class="QuoteTweet-text tweet-text">what was said</div></div></div>
</div>"""


def test_the_old_interface_is_read_with_links_media_and_quotation():
    found = pages.read(capture("https://x/", OLD), "20")
    post = found.post
    assert post.text == "two lines\nof text 🇪🇺\n#x\nhttps://t.co/aaaaaaaaaa"
    assert post.author.name == "Jack & Co" and post.created_at == at("2006-03-21T20:50:14")
    assert [(each.url, each.expanded, each.display) for each in post.links] == [
        ("https://t.co/aaaaaaaaaa", "https://example.org/long/path", "example.org/long"),
        ("https://t.co/bbbbbbbbbb", None, "pic.twitter.com/bbbbbbbbbb"),
    ]
    assert [(each.kind, each.key, each.alt) for each in post.media] == [
        ("photo", "AaaBbb", "a dog"),
        ("gif", "GifKey", None),
    ]
    assert post.media[1].urls == ("https://video.twimg.com/tweet_video/GifKey.mp4",)
    assert (post.quotes, found.also[0].text, found.also[0].author.handle) == (ref("18"), "what was said", "quoted")


MICRODATA = """
<div itemscope itemtype="https://schema.org/Collection">
<div itemprop="hasPart" itemscope itemtype="https://schema.org/SocialMediaPosting">
  <meta content="20" itemprop="identifier"><meta content="2022-05-24T08:45:58.000Z" itemprop="dateCreated">
  <div itemprop="author" itemscope itemtype="https://schema.org/Person"><meta content="12" itemprop="identifier">
    <meta content="jack" itemprop="additionalName"><meta content="Jack" itemprop="givenName"></div>
  <div itemprop="articleBody"><span>said </span><a
    href="https://t.co/aaaaaaaaaa"><span>https://</span>example.org</a></div>
  <img alt="Image" src="https://pbs.twimg.com/media/AaaBbb?format=jpg&amp;name=small">
</div></div>"""


def test_microdata_are_read():
    post = pages.read(capture("https://x/", MICRODATA), "20").post
    assert (post.text, post.author.handle, post.author.id) == ("said https://t.co/aaaaaaaaaa", "jack", "12")
    assert post.media[0].urls[0] == "https://pbs.twimg.com/media/AaaBbb?format=jpg&name=orig"


def test_a_text_that_only_the_title_shows_is_read_where_the_page_is_the_posts():
    body = (
        '<title>Jack on X: "just &quot;setting&quot; up https://t.co/aaaaaaaaaa" / X</title>'
        '<link rel="canonical" href="https://twitter.com/jack/status/20">'
    )
    post = pages.read(capture("https://x/", body), "20").post
    assert (post.text, post.author.handle, post.author.name) == (
        'just "setting" up https://t.co/aaaaaaaaaa',
        "jack",
        "Jack",
    )
    assert pages.read(capture("https://x/", body), "21") is None


# --- promises -------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(raw=st.binary(max_size=300))
def test_any_bytes_are_a_page_without_the_post_or_a_parse_error(raw):
    try:
        assert pages.read(capture("https://x/", raw), "20") is None
    except ParseError:
        return


@settings(max_examples=150)
@given(st.lists(st.sampled_from(OLD.splitlines() + MICRODATA.splitlines()), max_size=12))
def test_pages_in_any_disorder_end_well(lines):
    try:
        found = pages.read(capture("https://x/", "\n".join(lines)), "20")
    except ParseError:
        return
    assert found is None or found.post.ref.id == "20"


@needs_shared
@settings(max_examples=60)
@given(cut=st.integers(0, 5000), at_=st.integers(0, 5000))
def test_a_page_cut_anywhere_ends_well(cut, at_):
    whole = (FIXTURES / "wayback/tweet-html-oldui/1169217405425455105.permalink-slice.html").read_bytes()
    try:
        found = pages.read(capture("https://x/", whole[:at_] + whole[at_ + cut :]), "1169217405425455105")
    except ParseError:
        return
    assert found is None or found.post.ref.id == "1169217405425455105"


def test_a_page_nested_too_deep_is_refused_at_once():
    with pytest.raises(ParseError, match="nested deeper"):
        pages.read(capture("https://x/", "<div>" * 200_000 + OLD), "20")
    assert pages.read(capture("https://x/", "<div>" * 1_000 + "<br>" * 9_000 + OLD), "20").post.text


@needs_shared
@settings(max_examples=200)
@given(data=st.data())
def test_a_real_payload_with_any_part_spoilt_ends_well(data):
    """Whatever stands in place of any value of a real payload, it is a post, an absence or a ParseError."""
    path = data.draw(
        st.sampled_from(
            sorted(
                str(each.relative_to(FIXTURES))
                for each in (FIXTURES / "twitter").rglob("*.json")
                if "http" not in each.name
            )
        )
    )
    payload = fixture(path)
    node, spoilt = payload, payload
    while isinstance(node, dict | list) and node:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        key = data.draw(st.sampled_from(list(keys)))
        spoilt, last = node, key
        node = node[key]
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            break
    spoilt[last] = data.draw(
        st.sampled_from([None, [], {}, "", "x", 0, -1, 1.5, True, "\ud800", 10**30, ["x"], {"a": 1}])
    )
    for read in (
        lambda: shapes.read(payload, "20"),
        lambda: read_fxtwitter(capture("https://x/", json.dumps(payload)), ref("20")),
        lambda: read_vxtwitter(capture("https://x/", json.dumps(payload)), ref("20")),
        lambda: read_api(capture("https://x/", json.dumps(payload)), ref("20")),
    ):
        try:
            read()
        except ParseError:
            continue


# --- what these shapes hold besides ---------------------------------------------------------------------------------


def result(id: str, text: str, handle: str = "quay", **more) -> dict:
    """A post as GraphQL gives it."""
    return {
        "__typename": "Tweet",
        "rest_id": id,
        "core": {"user_results": {"result": {"rest_id": f"7{id}", "core": {"screen_name": handle, "name": handle}}}},
        "legacy": {"id_str": id, "full_text": text, "entities": {}, "created_at": "Wed Aug 07 10:42:11 +0000 2024"}
        | more.pop("legacy", {}),
        **more,
    }


def graphql(answer: dict) -> Shown:
    found = shapes.read({"data": {"tweetResult": {"result": answer}}}, "30")
    assert isinstance(found, Shown)
    return found


def test_a_graphql_repost_names_what_it_reposts_and_brings_it_with_what_that_quotes():
    quoted = result("10", "the berth")
    original = result("20", "It fell " + "a" * 130, "crane", quoted_status_result={"result": quoted})
    cut = "RT @crane: It fell " + "a" * 120 + "…"
    found = graphql(result("30", cut, legacy={"retweeted_status_result": {"result": original}}))
    assert (dict(found.post.extra)["reposts_post"], found.post.is_truncated) == ("20", True)
    assert [(each.ref.id, each.author.handle) for each in found.also] == [("20", "crane"), ("10", "quay")]
    assert found.also[0].quotes == ref("10")


def test_a_repost_of_something_shown_with_limits_is_a_repost_all_the_same():
    wrapped = {"__typename": "TweetWithVisibilityResults", "tweet": result("20", "It fell")}
    found = graphql(result("30", "RT @quay: It fell", legacy={"retweeted_status_result": {"result": wrapped}}))
    assert (dict(found.post.extra)["reposts_post"], [each.ref.id for each in found.also]) == ("20", ["20"])


def test_a_v1_1_repost_brings_what_the_reposted_post_quotes():
    def made(id, **more):
        return {"id_str": id, "text": f"text of {id}", "user": {"id_str": "1", "screen_name": "quay"}} | more

    quoted = made("20", quoted_status_id_str="10", quoted_status=made("10"))
    found = shapes.read(made("30", retweeted_status=quoted), "30")
    assert [each.ref.id for each in found.also] == ["20", "10"]
    endless = made("1")
    for id in range(2, 300):
        endless = made(str(id), retweeted_status=endless)
    assert [each.ref.id for each in shapes.read(endless, "299").also] == ["298", "297"]


def test_a_note_without_its_text_is_cut():
    assert graphql(result("30", "the beginning", note_tweet={"is_expandable": True})).post.is_truncated


ESSAY = {
    "title": "How the crane fell",
    "preview_text": "It began with the wind",
    "cover_media": {
        "media_info": {
            "original_img_url": "https://pbs.twimg.com/media/Cover.jpg",
            "original_img_width": 1200,
            "original_img_height": 480,
        }
    },
    "content_state": {"blocks": [{"text": "It began with the wind."}, {"text": " "}, {"text": "Then it stopped."}]},
    "media_entities": [{"media_info": {"original_img_url": "https://pbs.twimg.com/media/Inside.png"}}],
}


def test_a_long_article_is_read_with_its_pictures():
    post = graphql(result("30", "https://t.co/aaaaaaaaaa", article={"article_results": {"result": ESSAY}})).post
    assert dict(post.extra)["article"] == {
        "title": "How the crane fell",
        "preview": "It began with the wind",
        "text": "It began with the wind.\n\nThen it stopped.",
    }
    assert [(each.key, each.width) for each in post.media] == [("Cover", 1200), ("Inside", None)]


def test_a_long_article_is_read_from_relays_too():
    body = {"code": 200, "status": FX["status"] | {"article": ESSAY | {"content": ESSAY["content_state"]}}}
    post = fx(body).post
    assert dict(post.extra)["article"]["text"].endswith("Then it stopped.")
    assert [each.key for each in post.media] == ["Aaa", "55", "Cover", "Inside"]
    short = {"title": "How", "preview_text": "It began", "image": "https://pbs.twimg.com/media/Cover.jpg"}
    post = relays.vx(VX_OBJECT | {"article": short}).post
    assert dict(post.extra)["article"] == {"title": "How", "preview": "It began"}
    assert [each.key for each in post.media] == ["Cover"]


def test_a_community_note_is_kept_from_graphql():
    note = {"subtitle": {"text": "The crane stands."}, "note": {"rest_id": "1"}}
    post = graphql(result("30", "It fell", birdwatch_pivot=note)).post
    assert dict(post.extra)["community_note"] == "The crane stands."


def test_a_film_that_only_the_card_shows_is_one_of_the_posts():
    """A `unified_card` holds its media as JSON in a text."""
    film = {
        "type": "video",
        "media_url_https": "https://pbs.twimg.com/amplify_video_thumb/99/img/k.jpg",
        "original_info": {"width": 1280, "height": 720},
        "video_info": {
            "duration_millis": 15019,
            "variants": [
                {
                    "bitrate": 288000,
                    "content_type": "video/mp4",
                    "url": "https://video.twimg.com/amplify_video/99/s.mp4",
                },
                {
                    "bitrate": 2176000,
                    "content_type": "video/mp4",
                    "url": "https://video.twimg.com/amplify_video/99/l.mp4",
                },
            ],
        },
    }
    value = {"type": "STRING", "string_value": json.dumps({"type": "video_website", "media_entities": {"13_99": film}})}
    card = {"legacy": {"name": "unified_card", "binding_values": [{"key": "unified_card", "value": value}]}}
    (found,) = graphql(result("30", "Look", card=card)).post.media
    assert (found.key, found.urls[0], found.duration) == (
        "99",
        "https://video.twimg.com/amplify_video/99/l.mp4",
        15.019,
    )
    assert graphql(result("30", "Look", card={"name": "unified_card", "binding_values": {"unified_card": "{["}}))


def test_the_picture_of_a_poll_is_one_of_the_posts():
    image = {"type": "IMAGE", "image_value": {"url": "https://pbs.twimg.com/cards/Poll.jpg", "width": 8, "height": 6}}
    label = {"type": "STRING", "string_value": "yes"}
    card = {"name": "poll2choice_image", "binding_values": {"choice1_label": label, "image_original": image}}
    post = graphql(result("30", "Did it?", card=card)).post
    assert [(each.urls, each.width) for each in post.media] == [(("https://pbs.twimg.com/cards/Poll.jpg",), 8)]
    assert dict(post.extra)["poll"]["choices"] == [{"label": "yes", "count": None}]


def test_where_a_short_link_leads_is_read_from_what_the_api_unwound():
    link = {
        "url": "https://t.co/aaaaaaaaaa",
        "expanded_url": "https://short.example/x",
        "unwound": {"url": "https://harbour.example/crane", "status": 200},
    }
    post = graphql(result("30", "https://t.co/aaaaaaaaaa", legacy={"entities": {"urls": [link]}})).post
    assert post.links[0].expanded == "https://harbour.example/crane"


def test_an_unavailable_post_of_syndication_says_why():
    body = {"__typename": "TweetUnavailable", "reason": "Protected"}
    found = read_syndication(capture("https://cdn.syndication.twimg.com/tweet-result?id=20", body), ref("20"))
    assert (found.outcome, found.reason, found.tombstone) == (Outcome.HIDDEN, Reason.PROTECTED, "Protected")


def v2(tweet: dict, **includes) -> Finding:
    body = {"data": [{"id": "20", "text": "It fell", "author_id": "7", **tweet}], "includes": includes}
    return read_api(capture("https://api.x.com/2/tweets?ids=20", body), ref("20"))


def test_an_attachment_that_v2_does_not_include_is_named():
    """`media_keys` without the expansion, or with one that X left out."""
    post = v2({"attachments": {"media_keys": ["3_55", "7_66"]}}, media=[{"media_key": "7_66", "type": "video"}]).post
    assert [(each.kind, each.key, each.urls) for each in post.media] == [("unknown", "3_55", ()), ("video", "7_66", ())]


def test_a_card_is_kept_from_v2():
    link = {
        "url": "https://t.co/aaaaaaaaaa",
        "expanded_url": "https://harbour.example/crane",
        "unwound_url": "https://harbour.example/crane?x=1",
        "status": 200,
        "title": "The crane",
        "description": "It stood for a century",
        "images": [{"url": "https://pbs.twimg.com/news_img/1/x?format=jpg&name=orig", "width": 1200, "height": 600}],
    }
    post = v2({"text": "It fell https://t.co/aaaaaaaaaa", "entities": {"urls": [link]}}).post
    assert dict(post.extra)["card"] == {
        "url": "https://harbour.example/crane?x=1",
        "title": "The crane",
        "description": "It stood for a century",
        "images": ["https://pbs.twimg.com/news_img/1/x?format=jpg&name=orig"],
    }


def test_an_unreadable_include_does_not_hide_the_post():
    found = v2({"referenced_tweets": [{"type": "quoted", "id": "10"}]}, tweets=[{"id": "10"}])
    assert (found.outcome, found.post.quotes, found.also) == (Outcome.FOUND, ref("10"), ())


VX_OBJECT = {
    "tweetID": "20",
    "tweetURL": "https://twitter.com/quay/status/20",
    "text": "It fell",
    "date_epoch": 1722975420,
    "user_name": "Quay &amp; Sons",
    "user_screen_name": "quay",
    "mediaURLs": [],
    "media_extended": [],
}


def test_vxtwitter_shows_the_quoted_post_with_the_one_that_quotes_it():
    """It serves the author's name with X's escapes."""
    inner = VX_OBJECT | {"tweetID": "10", "text": "the berth", "qrt": VX_OBJECT | {"tweetID": "5"}}
    found = relays.vx(VX_OBJECT | {"qrtURL": "https://twitter.com/i/status/10", "qrt": inner, "retweet": None})
    assert (found.post.quotes, [(each.ref.id, each.text) for each in found.also]) == (ref("10"), [("10", "the berth")])
    assert found.post.author.name == "Quay & Sons"


def test_the_post_as_a_text_file_is_no_picture_of_it():
    text = "https://vxtwitter.com/quay/status/20.txt"
    assert (
        relays.vx(VX_OBJECT | {"mediaURLs": [text], "media_extended": [{"url": text, "type": "txt"}]}).post.media == ()
    )


def test_fxtwitter_names_whom_a_post_answers_and_the_player_it_shows():
    player = {"type": "video", "url": "https://video.example/1", "thumbnail_url": "https://video.example/1.jpg"}
    post = fx({"code": 200, "status": FX["status"] | {"media": {"external": player}}}).post
    assert dict(post.extra)["reply_to_handle"] == "jack"
    assert dict(post.extra)["card"] == {"url": "https://video.example/1", "image": "https://video.example/1.jpg"}


def test_the_card_of_an_old_page_is_named():
    """What it showed was framed; its kind and its link were not."""
    page = (
        '<div class="tweet permalink-tweet" data-tweet-id="20" data-screen-name="quay" data-user-id="7">'
        '<p class="TweetTextSize tweet-text" lang="en">It fell</p>'
        '<div class="card2 js-media-container" data-card2-name="summary"><div class="js-macaw-cards-iframe-container" '
        'data-src="/i/cards/tfw/v1/20" data-card-url="https://t.co/aaaaaaaaaa"></div></div></div>'
    )
    post = pages.read(capture("https://twitter.com/quay/status/20", page), "20").post
    assert dict(post.extra)["card"] == {"name": "summary", "url": "https://t.co/aaaaaaaaaa"}


def test_a_page_of_before_2015_is_read_with_its_picture_and_counts():
    page = (
        '<div class="tweet permalink-tweet js-actionable-user" data-tweet-id="20" data-screen-name="quay" '
        'data-name="Quay" data-user-id="7"><p class="js-tweet-text tweet-text">It fell '
        '<a href="http://t.co/aaaaaaaaaa" '
        'class="twitter-timeline-link" data-pre-embedded="true">pic.twitter.com/aaaaaaaaaa</a></p>'
        '<span class="_timestamp js-short-timestamp" data-time="1343235240">25 Jul 12</span>'
        '<div class="cards-media-container"><div data-card-url="//twitter.com/quay/status/20/photo/1/large" '
        'data-card-type="photo" class="cards-base cards-multimedia"><div class="media">'
        '<a class="twitter-timeline-link media-thumbnail" href="//twitter.com/quay/status/20/photo/1/large" '
        'data-url="https://pbs.twimg.com/media/AyolBSnCQAA0vdp.jpg:large" '
        'data-resolved-url-large="https://pbs.twimg.com/media/AyolBSnCQAA0vdp.jpg:large">'
        '<img src="https://pbs.twimg.com/media/AyolBSnCQAA0vdp.jpg" alt="Embedded image permalink"></a></div></div>'
        '</div><a class="media-thumbnail" data-url="https://pbs.twimg.com/profile_images/1/a.jpg"></a>'
        '<ul class="stats"><li class="js-stat-count js-stat-retweets"><a data-tweet-stat-count="89">89</a></li>'
        '<li class="js-stat-count js-stat-favorites stat-count"><a data-tweet-stat-count="12">12</a></li></ul></div>'
    )
    post = pages.read(capture("https://twitter.com/quay/status/20", page), "20").post
    assert (post.text, post.created_at) == ("It fell", at("2012-07-25T16:54:00"))
    assert [(each.key, each.urls[0]) for each in post.media] == [
        ("AyolBSnCQAA0vdp", "https://pbs.twimg.com/media/AyolBSnCQAA0vdp?format=jpg&name=orig")
    ]
    assert dict(post.counts) == {"reposts": 89, "likes": 12}
