"""X's own endpoints: real payloads read into the right posts, and every answer named for what it is."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import subprocess

import pytest
from drive import capture, drive, exchange, fixture, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError, Unreachable
from archiver.model import Claim, Finding, Outcome, PostRef, Rank, Reason, canonical
from archiver.platforms.twitter import payloads, shapes
from archiver.platforms.twitter.sources import (
    SOURCES,
    oembed_request,
    read_oembed,
    read_syndication,
    syndication_request,
    token,
)

NOBODY = Claim()


def ref(id: str) -> PostRef:
    return PostRef("twitter", id)


def source(name: str):
    return next(each for each in SOURCES if each.name == name)


def syndicated(path: str, id: str) -> Finding:
    return read_syndication(capture(syndication_request(ref(id)).url, fixture(path)), ref(id))


# --- the token ------------------------------------------------------------------------------------------------------

VECTORS = {
    "20": "6dq1a2xwd93",
    "29700859247": "4cpz7ioa439",
    "463440424141459456": "14fxvks611f",
    "210462857140252672": "id6sdq7lat",
    "1349129669258448897": "39qeyy97t9x",
    "1577730467436138524": "3tol417ti8o",
    "1629307668568633344": "3y6mctgwzxo",
    "1820917034519122161": "4ewkv4t82em",
}


@pytest.mark.parametrize(("id", "expected"), VECTORS.items())
def test_the_token_is_the_one_nodes_vectors_give(id, expected):
    assert token(id) == expected


@pytest.mark.skipif(not shutil.which("node"), reason="node is absent")
def test_the_token_equals_nodes_on_ten_thousand_random_ids():
    """The radix-36 digits are V8's, to the last one."""
    chance = random.Random(36)
    ids = [str(chance.randrange(1, 10 ** chance.randrange(1, 20))) for _ in range(10_000)]
    script = (
        "const ids=JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(ids.map(i=>((Number(i)/1e15)*Math.PI).toString(36).replace(/(0+|\\.)/g,''))))"
    )
    ran = subprocess.run(["node", "-e", script], input=json.dumps(ids), capture_output=True, text=True, check=True)
    assert [token(id) for id in ids] == json.loads(ran.stdout)


# --- syndication, real payloads -------------------------------------------------------------------------------------


@needs_shared
def test_a_photo_post_of_2023_is_read_whole():
    found = syndicated("twitter/syndication/1641086480675225601.photo-2023.json", "1641086480675225601")
    post = found.post
    assert (found.outcome, found.reason) == (Outcome.FOUND, Reason.OK)
    assert (post.author.handle, post.author.id, post.author.name) == ("SamuelSusla", "469266133", "sammy")
    assert post.created_at == dt.datetime(2023, 3, 29, 14, 34, 41, tzinfo=dt.UTC)
    assert post.text.startswith("If you are interested") and post.text.endswith("Let me know what you think!")
    assert [(link.url, link.display) for link in post.links] == [
        ("https://t.co/4G6RAMfrHy", "github.com/reactwg/react-…"),
        ("https://t.co/rQd6FIwZ0U", "pic.twitter.com/rQd6FIwZ0U"),
    ]
    (picture,) = post.media
    assert (picture.kind, picture.key, picture.width, picture.height) == ("photo", "FsZNOgcWAAEQtrd", 1995, 896)
    assert picture.urls[0] == "https://pbs.twimg.com/media/FsZNOgcWAAEQtrd?format=jpg&name=orig"
    assert [url.rpartition("=")[2] for url in picture.urls] == ["orig", "4096x4096", "large", "medium", "small"]
    assert dict(post.counts)["likes"] == 226
    assert post.url == "https://x.com/SamuelSusla/status/1641086480675225601"


@needs_shared
def test_a_quoting_post_brings_the_quoted_one_along():
    found = syndicated("twitter/syndication/1641895049427550208.quote-2023.json", "1641895049427550208")
    assert found.post.quotes == ref("1641086480675225601")
    assert (found.post.author.handle, found.post.author.id) == ("mattcarrollcode", "378380992")
    assert found.post.media == ()
    (quoted,) = found.also
    assert (quoted.ref.id, quoted.author.handle) == ("1641086480675225601", "SamuelSusla")
    assert [each.key for each in quoted.media] == ["FsZNOgcWAAEQtrd"]
    assert dict(quoted.counts)["reposts"] == 42


@needs_shared
def test_the_best_mp4_comes_first_and_the_playlist_last():
    """The pic link leads to another author's post: it is kept as a link, and the media are still this post's."""
    found = syndicated("twitter/syndication/2089067915303649684.video-from-other-tweet.json", "2089067915303649684")
    (film,) = found.post.media
    assert (film.kind, film.key, film.duration) == ("video", "2089067795774660609", 53.2)
    assert (film.width, film.height) == (848, 720)
    assert "/848x720/" in film.urls[0] and "/424x360/" in film.urls[1] and "/318x270/" in film.urls[2]
    assert film.urls[3].split("?")[0].endswith(".m3u8")
    assert [variant.bitrate for variant in film.variants] == [None, 288000, 832000, 2176000]
    assert film.poster.startswith("https://pbs.twimg.com/amplify_video_thumb/")
    (link,) = found.post.links
    assert link.expanded == "https://x.com/ClipArchive_/status/2089067810605719706/video/1"
    assert "t.co" not in found.post.text and found.post.text.endswith("”")


@needs_shared
def test_a_note_is_marked_as_cut():
    found = syndicated(
        "twitter/syndication/2089040211736981944.four-photos-note_tweet.TRIMMED.json", "2089040211736981944"
    )
    assert found.post.is_truncated
    assert len(found.post.media) == 4 and len({each.key for each in found.post.media}) == 4
    assert all(each.kind == "photo" for each in found.post.media)


@needs_shared
def test_a_text_post_with_a_label_is_read():
    found = syndicated("twitter/syndication/2023357708301455483.text-business-label-2026.json", "2023357708301455483")
    assert (found.post.author.handle, found.post.author.id) == ("jarredsumner", "2489440172")
    assert dict(found.post.extra)["label"] == "Bun"
    assert not found.post.is_truncated and found.post.links == () and len(found.post.text) == 154


@needs_shared
def test_a_deleted_posts_tombstone_is_kept_in_its_own_words():
    found = syndicated("twitter/syndication/tombstone-deleted.json", "5")
    assert (found.outcome, found.reason) == (Outcome.GONE, Reason.DELETED)
    assert found.tombstone == "This Post was deleted by the Post author. Learn more"


@needs_shared
def test_an_empty_tombstone_decides_nothing():
    found = syndicated("twitter/syndication/tombstone-empty.json", "5")
    assert (found.outcome, found.reason, found.tombstone) == (Outcome.UNKNOWN, Reason.UNKNOWN, None)


# --- syndication, every other answer --------------------------------------------------------------------------------

A_POST = {
    "__typename": "Tweet",
    "id_str": "1820917034519122161",
    "text": "fish &amp; chips https://t.co/Abcdefghij",
    "created_at": "2024-08-06T20:17:00.000Z",
    "user": {"id_str": "7", "name": "A &amp; B", "screen_name": "a_and_b"},
    "entities": {"urls": {}, "media": [{"url": "https://t.co/Abcdefghij", "display_url": "pic.x.com/Abcdefghij"}]},
    "mediaDetails": [
        {
            "type": "animated_gif",
            "url": "https://t.co/Abcdefghij",
            "media_url_https": "https://pbs.twimg.com/tweet_video_thumb/GGiffy.jpg",
            "ext_alt_text": "a cat",
            "original_info": {"width": 500, "height": 400},
            "video_info": {
                "aspect_ratio": [5, 4],
                "variants": [
                    {"bitrate": 0, "content_type": "video/mp4", "url": "https://video.twimg.com/tweet_video/GGiffy.mp4"}
                ],
            },
        }
    ],
}


def answer(body, status=200, **headers) -> Finding:
    asked = ref("1820917034519122161")
    request = syndication_request(asked)
    return drive(source("syndication").look(asked, NOBODY), {request.url: capture(request.url, body, status, headers)})


def test_a_gif_is_a_film_of_its_own_kind():
    (gif,) = answer(A_POST).post.media
    assert (gif.kind, gif.key, gif.alt) == ("gif", "GGiffy", "a cat")
    assert gif.urls == ("https://video.twimg.com/tweet_video/GGiffy.mp4",)


def test_entities_are_undone_once_and_the_media_link_dropped():
    post = answer(A_POST).post
    assert (post.text, post.author.name) == ("fish & chips", "A & B")


def test_a_reply_names_its_parent_and_brings_it_along():
    parent = {**A_POST, "id_str": "1820917034519122000", "text": "parent"}
    found = answer(
        A_POST | {"in_reply_to_status_id_str": "1820917034519122000", "in_reply_to_screen_name": "x", "parent": parent}
    )
    assert found.post.reply_to == ref("1820917034519122000")
    assert [each.text for each in found.also] == ["parent"]


def test_a_poll_is_kept_with_its_choices():
    card = {
        "name": "poll2choice_text_only",
        "binding_values": {
            "choice1_label": {"string_value": "yes", "type": "STRING"},
            "choice1_count": {"string_value": "12", "type": "STRING"},
            "choice2_label": {"string_value": "no", "type": "STRING"},
            "choice2_count": {"string_value": "3", "type": "STRING"},
            "end_datetime_utc": {"string_value": "2024-08-07T20:17:00Z", "type": "STRING"},
        },
    }
    poll = dict(answer(A_POST | {"card": card}).post.extra)["poll"]
    assert poll["choices"] == [{"label": "yes", "count": 12}, {"label": "no", "count": 3}]


def test_an_edited_post_lists_its_versions():
    control = {"edit_tweet_ids": ["1820917034519122000", "1820917034519122161"]}
    assert dict(answer(A_POST | {"edit_control": control}).post.extra)["edit_tweet_ids"] == control["edit_tweet_ids"]


def test_a_later_edit_served_in_place_of_the_one_asked_for_is_kept_beside_it():
    later = A_POST | {
        "id_str": "1820917034519129999",
        "edit_control": {"edit_tweet_ids": ["1820917034519122161", "1820917034519129999"]},
    }
    found = answer(later)
    assert (found.outcome, found.post) == (Outcome.UNKNOWN, None)
    assert [each.ref.id for each in found.also] == ["1820917034519129999"]


def test_another_post_than_the_one_asked_for_is_never_taken_for_it():
    with pytest.raises(ParseError, match="shows twitter:99"):
        answer(A_POST | {"id_str": "99"})


@pytest.mark.parametrize(
    ("words", "outcome", "reason"),
    [
        ("This Post was deleted by the Post author. Learn more", Outcome.GONE, Reason.DELETED),
        ("This Post is from a suspended account. Learn more", Outcome.GONE, Reason.SUSPENDED),
        ("This Post is from an account that no longer exists. Learn more", Outcome.GONE, Reason.DELETED),
        (
            "You’re unable to view this Post because this account owner limits who can view their Posts. Learn more",
            Outcome.HIDDEN,
            Reason.PROTECTED,
        ),
        ("Age-restricted adult content. This content might not be …", Outcome.HIDDEN, Reason.AGE_RESTRICTED),
        ("This Post has been withheld in Germany in response to a legal demand.", Outcome.HIDDEN, Reason.WITHHELD),
        ("This Post is unavailable. Learn more", Outcome.UNKNOWN, Reason.UNKNOWN),
    ],
)
def test_tombstones_are_told_apart(words, outcome, reason):
    found = answer({"__typename": "TweetTombstone", "tombstone": {"text": {"text": words}}})
    assert (found.outcome, found.reason, found.tombstone) == (outcome, reason, words)


@pytest.mark.parametrize(
    ("body", "status", "outcome", "reason"),
    [
        ("<html>not here</html>", 404, Outcome.ABSENT, Reason.NOT_FOUND),
        ({}, 200, Outcome.UNKNOWN, Reason.UNKNOWN),
        ({"error": "Bad request."}, 400, Outcome.UNKNOWN, Reason.BAD_REQUEST),
        ("Rate limit exceeded", 429, Outcome.REFUSED, Reason.RATE_LIMITED),
        ("", 503, Outcome.REFUSED, Reason.SERVER_ERROR),
        ("<html><title>Log in to X / X</title></html>", 200, Outcome.REFUSED, Reason.LOGIN_WALL),
        ({key: value for key, value in A_POST.items() if key != "user"}, 200, Outcome.GONE, Reason.SUSPENDED),
    ],
)
def test_every_other_answer_is_named(body, status, outcome, reason):
    found = answer(body, status)
    assert (found.outcome, found.reason, found.post) == (outcome, reason, None)


def test_silence_is_a_finding():
    asked = ref("1820917034519122161")
    found = drive(
        source("syndication").look(asked, NOBODY),
        {syndication_request(asked).url: Unreachable("no network", reason="timeout")},
    )
    assert (found.outcome, found.reason) == (Outcome.UNREACHABLE, Reason.TIMEOUT)


def test_what_is_not_json_and_no_login_page_is_a_parse_error():
    with pytest.raises(ParseError):
        answer("<html>maintenance</html>")


# --- oEmbed ---------------------------------------------------------------------------------------------------------


@needs_shared
def test_the_real_oembed_exchange_is_read():
    found = read_oembed(
        exchange("twitter/oembed/pepephone-436461658601713664.2024.http.json"), ref("436461658601713664")
    )
    post = found.post
    assert (post.author.handle, post.author.name) == ("pepephone", "Pepephone")
    assert (post.created_at, post.created_on) == (None, dt.date(2014, 2, 20))
    assert post.lang == "es" and post.text.startswith("RT @PabloHerreros ")
    assert [link.url for link in post.links] == ["https://t.co/mFn7mcB1vy"]
    assert post.text.endswith("https://t.co/mFn7mcB1vy")


@needs_shared
@pytest.mark.parametrize(
    ("path", "id", "handle", "day"),
    [
        ("twitter/v11/get_status_oembed.json", "397", "jack", dt.date(2006, 3, 26)),
        ("twitter/v11/sferik_oembed.json", "540897316908331009", "sferik", dt.date(2014, 12, 5)),
    ],
)
def test_older_oembed_objects_are_read(path, id, handle, day):
    post = read_oembed(capture("https://publish.twitter.com/oembed", fixture(path)), ref(id)).post
    assert (post.ref.id, post.author.handle, post.created_on) == (id, handle, day)


@needs_shared
def test_a_pic_link_at_the_end_is_no_text_and_stays_a_link():
    found = read_oembed(
        capture("https://publish.twitter.com/oembed", fixture("twitter/v11/sferik_oembed.json")),
        ref("540897316908331009"),
    )
    assert found.post.text == "Powerful cartoon by @BillBramhall:"
    assert [(each.url, each.display) for each in found.post.links] == [
        ("https://t.co/IOEbc5QoES", "pic.twitter.com/IOEbc5QoES")
    ]


@needs_shared
def test_the_oembed_exchange_of_api_1_1_is_read():
    post = read_oembed(exchange("twitter/v11/tweepy_testgetoembed.http.json"), ref("266367358078169089")).post
    assert (post.author.handle, post.created_on) == ("Twitter", dt.date(2012, 11, 8))
    assert '"As' in post.text and post.text.endswith("https://t.co/uML86B6s")


@pytest.mark.parametrize(
    ("body", "status", "outcome", "reason"),
    [
        ("", 404, Outcome.ABSENT, Reason.NOT_FOUND),
        ({"error": "Sorry, that page does not exist."}, 404, Outcome.ABSENT, Reason.NOT_FOUND),
        ({"error": "Sorry, you are not authorized to see this status."}, 403, Outcome.HIDDEN, Reason.PROTECTED),
        ("", 403, Outcome.REFUSED, Reason.BLOCKED),
        ("", 429, Outcome.REFUSED, Reason.RATE_LIMITED),
        ({}, 200, Outcome.UNKNOWN, Reason.UNKNOWN),
    ],
)
def test_oembeds_errors_are_named(body, status, outcome, reason):
    asked, claim = ref("20"), Claim(handle="jack")
    url = oembed_request(asked, claim).url
    found = drive(source("oembed").look(asked, claim), {url: capture(url, body, status)})
    assert (found.outcome, found.reason) == (outcome, reason)


def test_oembed_is_asked_with_the_handle_the_article_names():
    assert "%2Fjack%2Fstatus%2F20&" in oembed_request(ref("20"), Claim(handle="@jack")).url
    assert "%2Fi%2Fstatus%2F20&" in oembed_request(ref("20"), Claim(handle="no such/handle")).url


# --- promises for any bytes -----------------------------------------------------------------------------------------

#: Names the readers look for, so that random objects reach their depths.
FIELDS = [
    "id",
    "id_str",
    "text",
    "full_text",
    "user",
    "entities",
    "media",
    "urls",
    "url",
    "expanded_url",
    "display_url",
    "mediaDetails",
    "video_info",
    "variants",
    "type",
    "photos",
    "video",
    "quoted_tweet",
    "parent",
    "note_tweet",
    "edit_control",
    "card",
    "binding_values",
    "name",
    "screen_name",
    "created_at",
    "__typename",
    "tombstone",
    "data",
    "includes",
    "tweets",
    "users",
    "errors",
    "status",
    "tweet",
    "author",
    "tweetID",
    "media_extended",
    "raw_text",
    "facets",
    "html",
    "author_url",
    "result",
    "tweetResult",
    "legacy",
    "core",
    "code",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["20", "https://t.co/a"]),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS) | st.text(max_size=3),
            children,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def ends_well(read) -> None:
    """A Finding whose post can be canonicalised and stored as UTF-8, or a ParseError."""
    try:
        found = read()
    except ParseError:
        return
    assert isinstance(found, Finding)
    assert (found.outcome is Outcome.FOUND) == (found.post is not None)
    for post in filter(None, (found.post, *found.also)):
        post.text.encode()
        canonical([list(pair) for pair in post.extra])
        canonical([list(pair) for pair in post.counts])
        assert all(url.startswith("http") for media in post.media for url in media.urls)


@given(payload=JSON)
@pytest.mark.parametrize("read", [read_syndication, read_oembed])
def test_any_json_ends_in_a_finding_or_a_parse_error(read, payload):
    ends_well(lambda: read(capture("https://x/", payload), ref("20")))


@given(raw=st.binary(max_size=200), status=st.sampled_from([200, 301, 403, 404, 429, 500]))
@pytest.mark.parametrize("read", [read_syndication, read_oembed])
def test_any_bytes_end_in_a_finding_or_a_parse_error(read, raw, status):
    ends_well(lambda: read(capture("https://x/", raw, status), ref("20")))


@given(payload=JSON)
def test_any_json_of_any_shape_is_read_or_refused(payload):
    try:
        shown = shapes.read(payload, "20")
    except ParseError:
        return
    assert shown is None or isinstance(shown, payloads.Shown | payloads.Absence)


@given(markup=st.text(alphabet="<>/pabr =\"'&;#x;https://t.co/Axyz twitter.com/i/status/20", max_size=120))
def test_any_markup_in_an_oembed_answer_ends_well(markup):
    html = f'<blockquote class="twitter-tweet">{markup}</blockquote>'
    body = {"html": html, "url": "https://twitter.com/jack/status/20", "author_url": "https://twitter.com/jack"}
    ends_well(lambda: read_oembed(capture("https://x/", body), ref("20")))


def test_the_sources_say_whom_they_ask_and_on_what_terms():
    for each in SOURCES:
        assert each.hosts and each.terms.endswith(".") and each.rank in Rank
