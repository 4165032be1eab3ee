"""Mastodon's endpoints: documented payloads, every kind of answer, simulated servers, and the real command over TLS."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest
from drive import capture, drive, fixture, needs_shared
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ParseError
from archiver.model import Claim, Finding, Outcome, PostRef, Reason, canonical
from archiver.platforms.mastodon import (
    PLATFORM,
    activity_request,
    api_request,
    oembed_request,
    read_activity,
    read_oembed,
    read_status,
)
from tests.commands import Run
from tests.simulator import World, gif, photo, video
from tests.simulator.hosts.mastodon import Fediverse, Status
from tests.simulator.look import look

SOURCES = {source.name: source for source in PLATFORM.sources()}
REF = PostRef("mastodon", "social.example/112083281191909486")
AT = dt.datetime(2026, 3, 1, 6, 42, 7, 250_000, tzinfo=dt.UTC)
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def status(**more: object) -> dict[str, object]:
    return {
        "id": "112083281191909486",
        "content": "<p>A crane</p>",
        "account": {"username": "port", "acct": "port"},
        **more,
    }


def note(**more: object) -> dict[str, object]:
    return {
        "id": "https://social.example/users/port/statuses/112083281191909486",
        "type": "Note",
        "to": [PUBLIC],
        "attributedTo": "https://social.example/users/port",
        "content": "<p>A crane</p>",
        **more,
    }


def read(**more: object) -> Finding:
    return read_status(capture(api_request(REF).url, status(**more)), REF)


# --- documented payloads --------------------------------------------------------------------------------------------


@needs_shared
def test_the_documented_status_is_read():
    ref = PostRef("mastodon", "mastodon.social/1")
    post = read_status(capture(api_request(ref).url, fixture("mastodon/docs-status.json")), ref).post
    assert (post.text, post.lang, post.url) == ("Hello world", "en", "https://mastodon.social/@Gargron/1")
    assert post.created_at == dt.datetime(2016, 3, 16, 14, 44, 31, 580_000, tzinfo=dt.UTC)
    assert (post.author.handle, post.author.name) == ("Gargron", "Eugen")
    assert dict(post.counts) == {"likes": 112, "reposts": 98, "replies": 7}
    assert dict(post.extra) == {"uri": "https://mastodon.social/users/Gargron/statuses/1", "visibility": "public"}
    assert (post.media, post.links, post.reply_to, post.quotes) == ((), (), None, None)


@needs_shared
def test_the_documented_oembed_tells_that_there_is_a_status_and_shows_nothing_of_it():
    ref = PostRef("mastodon", "mastodon.social/99664077509711321")
    finding = read_oembed(
        capture(oembed_request(ref, "trwnh").url, fixture("mastodon/docs-oembed-legacy-iframe.json")), ref
    )
    assert (finding.outcome, finding.post) == (Outcome.UNKNOWN, None)
    assert finding.tombstone == "New status by trwnh, infinite love ⴳ, https://mastodon.social/@trwnh"
    with pytest.raises(ParseError):
        read_oembed(capture("", fixture("mastodon/docs-oembed-legacy-iframe.json")), REF)


# --- content --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>One</p><p>Two<br>Three<br />Four</p>", "One\n\nTwo\nThree\nFour"),
        ("<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"),
        ("<p>x</p><blockquote><p>y</p></blockquote><ul><li>1</li><li>2</li></ul>", "x\n\ny\n\n1\n2"),
        ("plain", "plain"),
        ("", ""),
        ("<div><p>never ended</div><p>next", "never ended\n\nnext"),
        ("</p>a</i> <b>b</P>c</b><img src=x>d<p/>e", "a bcd\n\ne"),
        ("a<!-- b -->c<script>d</script><ruby>e<rt>f</rt></ruby><style>g</style><![CDATA[h]]>", "aceh"),
        ("<p>a\n\n</p>\n\n<pre>b\n\n\n  c</pre>", "a\n\nb\n\n  c"),
    ],
)
def test_markup_becomes_text_with_its_lines_and_paragraphs(content, text):
    assert read(content=content).post.text == text


def test_links_are_whole_and_mentions_and_hashtags_are_none():
    content = (
        '<p><a href="https://social.example/@dock" class="u-url mention">@<span>dock</span></a> '
        '<a href="https://social.example/tags/harbour" class="mention hashtag" rel="tag">#<span>harbour</span></a> '
        '<a href="https://news.example/a/long/path"><span class="invisible">https://</span><span class="ellipsis">'
        'news.example/a</span><span class="invisible">/long/path</span></a></p>'
    )
    post = read(content=content).post
    assert post.text == "@dock #harbour https://news.example/a/long/path"
    assert [link.expanded for link in post.links] == ["https://news.example/a/long/path"]


def test_what_is_nested_without_end_is_a_parse_error():
    with pytest.raises(ParseError):
        read(content="<div>" * 50_000)


def test_a_boost_shows_what_it_boosts():
    boosted = {**status(), "id": "112083281191909000", "content": "<p>The original</p>"}
    finding = read(content="<p>The original</p>", reblog=boosted)
    assert dict(finding.post.extra)["reblog_of"] == "mastodon:social.example/112083281191909000"
    assert [each.ref.id for each in finding.also] == ["social.example/112083281191909000"]


@pytest.mark.parametrize(
    "shape",
    [lambda quoted: {"state": "accepted", "quoted_status": quoted}, lambda quoted: quoted],
    ids=["4.4", "truth"],
)
def test_a_quoted_status_is_kept_beside_in_either_form(shape):
    quoted = {**status(), "id": "112083281191909001", "content": "<p>Quoted</p>"}
    finding = read(quote=shape(quoted))
    assert finding.post.quotes == PostRef("mastodon", "social.example/112083281191909001")
    assert [each.text for each in finding.also] == ["Quoted"]


def test_ids_of_other_software_are_not_made_into_posts_of_ours():
    post = read(in_reply_to_id="AbCdEf", quote={"id": "x", "content": ""}).post
    assert (post.reply_to, post.quotes) == (None, None)


@pytest.mark.parametrize(
    "fallback",
    [
        '<p class="quote-inline">RE: <a href="https://social.example/@dock/112083281191909001">social.example/…</a></p>',
        '<span class="quote-inline"><br/><br/>RE: <a href="https://social.example/@dock/112083281191909001">x</a></span>',
    ],
)
def test_the_address_that_software_adds_to_a_quotation_is_not_the_authors_text(fallback):
    quote = {"state": "accepted", "quoted_status": {**status(), "id": "112083281191909001"}}
    there = "https://social.example/@dock/112083281191909001"
    quoting = f"{fallback}<p>A crane</p>"
    finding = read(content=quoting, quote=quote)
    assert (finding.post.text, [each.expanded for each in finding.post.links]) == ("A crane", [there])
    quoted = read_activity(capture("", note(content=quoting, quote=there)), REF).post
    assert (quoted.text, quoted.quotes) == ("A crane", PostRef("mastodon", "social.example/112083281191909001"))
    # Where no quotation is named, it is all there is of it.
    assert "RE: " in read(content=quoting).post.text


@pytest.mark.parametrize("state", ["revoked", "deleted", "pending", "unauthorized"])
def test_why_a_quoted_status_is_not_shown_is_kept(state):
    finding = read(quote={"state": state, "quoted_status": None})
    assert (dict(finding.post.extra)["quote_state"], finding.post.quotes) == (state, None)


def test_custom_emojis_and_voters_are_kept():
    emojis = [{"shortcode": "crane", "url": "https://files.social.example/crane.png", "visible_in_picker": True}]
    poll = {"options": [{"title": "Yes", "votes_count": 3}], "votes_count": 3, "voters_count": 2, "multiple": True}
    extra = dict(read(content="<p>:crane:</p>", emojis=emojis, poll=poll).post.extra)
    assert extra["emojis"] == {"crane": "https://files.social.example/crane.png"}
    assert (extra["poll"]["votes"], extra["poll"]["voters"]) == (3, 2)


def test_an_attachment_that_is_neither_picture_nor_film_nor_sound_is_called_none_of_them():
    attached = [{"id": "1", "type": "unknown", "url": "https://files.social.example/paper.pdf"}]
    assert [each.kind for each in read(media_attachments=attached).post.media] == ["unknown"]


# --- ActivityPub as other software writes it ------------------------------------------------------------------------


def published(**more: object):
    return read_activity(capture("", note(**more)), REF).post


def test_a_note_of_an_account_that_is_named_by_its_number_is_read():
    """Mastodon from 4.5 on."""
    post = published(
        id="https://social.example/ap/users/116242270000000001/statuses/112083281191909486",
        attributedTo="https://social.example/ap/users/116242270000000001",
        url="https://social.example/@port/112083281191909486",
        inReplyTo="https://social.example/ap/users/116242270000000002/statuses/112083281191909001",
        likes={"type": "Collection", "totalItems": 16},
        shares={"type": "Collection", "totalItems": 4},
    )
    assert (post.author.handle, post.author.id) == ("port", "https://social.example/ap/users/116242270000000001")
    assert post.reply_to == PostRef("mastodon", "social.example/112083281191909001")
    assert dict(post.counts) == {"likes": 16, "reposts": 4}


def test_a_note_within_the_activity_that_made_it_is_read():
    finding = read_activity(capture("", {"type": "Create", "to": [PUBLIC], "object": note()}), REF)
    assert finding.post.text == "A crane"
    announced = {"type": "Announce", "to": [PUBLIC], "object": note()}
    with pytest.raises(ParseError):
        read_activity(capture("", announced), REF)


def test_one_object_in_place_of_a_list_of_one_is_read():
    post = published(
        to=PUBLIC,
        type="Question",
        oneOf={"type": "Note", "name": "Yes", "replies": {"type": "Collection", "totalItems": 3}},
        closed="2026-03-02T06:42:07Z",
        votersCount=3,
        tag={"type": "Hashtag", "name": "#harbour", "href": "https://social.example/tags/harbour"},
        attachment={"type": "Image", "mediaType": "image/png", "url": "https://files.social.example/a.png"},
    )
    extra = dict(post.extra)
    assert extra["poll"] == {
        "options": [{"title": "Yes", "votes": 3}],
        "votes": None,
        "voters": 3,
        "ends_at": "2026-03-02T06:42:07Z",
        "is_multiple": False,
    }
    assert extra["tags"] == ["harbour"]
    assert [(each.kind, each.urls) for each in post.media] == [("photo", ("https://files.social.example/a.png",))]


def test_attachments_given_as_links_are_read():
    """Pleroma's and PeerTube's form: an address with its kind, or several encodings of one film."""
    files = "https://files.social.example"
    post = published(
        attachment=[
            {
                "type": "Document",
                "mediaType": "image/jpeg",
                "name": "A crane",
                "url": [{"type": "Link", "href": f"{files}/a", "mediaType": "image/jpeg"}],
            },
            {
                "type": "Video",
                "url": [
                    {"type": "Link", "href": f"{files}/watch/1", "mediaType": "text/html"},
                    {"type": "Link", "href": f"{files}/1.mp4", "mediaType": "video/mp4"},
                ],
            },
            {"type": "Link", "href": "https://harbour.example/crane", "name": "The crane"},
        ]
    )
    assert [(each.kind, each.urls[0], each.alt) for each in post.media] == [
        ("photo", f"{files}/a", "A crane"),
        ("video", f"{files}/1.mp4", None),
    ]
    assert [(each.expanded, each.display) for each in post.links] == [("https://harbour.example/crane", "The crane")]


def test_objects_in_place_of_addresses_are_read():
    post = published(
        attributedTo=[{"type": "Person", "id": "https://social.example/users/port"}],
        inReplyTo={"type": "Note", "id": "https://social.example/users/dock/statuses/112083281191909001"},
        url=[{"type": "Link", "href": "https://social.example/@port/112083281191909486", "mediaType": "text/html"}],
    )
    assert (post.author.handle, post.author.id) == ("port", "https://social.example/users/port")
    assert post.reply_to == PostRef("mastodon", "social.example/112083281191909001")
    assert post.url == "https://social.example/@port/112083281191909486"


def test_a_text_given_by_language_only_is_read_and_its_own_language_told():
    post = published(content=None, contentMap={"de": "<p>Ein Kran</p>"}, name="Der Kran", type="Article")
    assert (post.text, post.lang, dict(post.extra)["title"]) == ("Ein Kran", "de", "Der Kran")
    assert published(contentMap={"de": "<p>Ein Kran</p>", "en": "<p>A crane</p>"}).lang == "en"


@pytest.mark.parametrize(
    "how",
    [
        {"_misskey_quote": "https://social.example/users/dock/statuses/112083281191909001"},
        {
            "tag": [
                {
                    "type": "Link",
                    "mediaType": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
                    "href": "https://social.example/users/dock/statuses/112083281191909001",
                    "name": "RE: …",
                }
            ]
        },
    ],
    ids=["misskey", "fep-e232"],
)
def test_quotations_of_other_software_are_read(how):
    assert published(**how).quotes == PostRef("mastodon", "social.example/112083281191909001")


def test_a_quoted_post_of_elsewhere_is_named_by_its_address():
    post = published(quoteUrl="https://bsky.app/profile/dock.example/post/3k")
    assert (post.quotes, dict(post.extra)["quotes_at"]) == (None, "https://bsky.app/profile/dock.example/post/3k")


def test_the_pictures_of_a_notes_emojis_are_named():
    tag = [{"type": "Emoji", "name": ":crane:", "icon": {"type": "Image", "url": "https://files.social.example/c.png"}}]
    assert dict(published(tag=tag).extra)["emojis"] == {"crane": "https://files.social.example/c.png"}


# --- outcomes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "body", "outcome", "reason"),
    [
        (404, {"error": "Record not found"}, Outcome.ABSENT, Reason.NOT_FOUND),
        (404, b"<html>Not here</html>", Outcome.UNKNOWN, Reason.UNKNOWN),
        (410, {"error": "Gone"}, Outcome.GONE, Reason.DELETED),
        (410, b"<html>Gone</html>", Outcome.UNKNOWN, Reason.UNKNOWN),
        (410, {"type": "Tombstone", "id": "x"}, Outcome.GONE, Reason.DELETED),
        (401, {"error": "This method requires an authenticated user"}, Outcome.REFUSED, Reason.LOGIN_WALL),
        (422, {"error": "This method requires an authenticated user"}, Outcome.REFUSED, Reason.LOGIN_WALL),
        (401, {"error": "Request not signed"}, Outcome.REFUSED, Reason.LOGIN_WALL),
        (403, b"<title>Attention Required! | Cloudflare</title>", Outcome.REFUSED, Reason.BLOCKED),
        (429, {"error": "Too many requests"}, Outcome.REFUSED, Reason.RATE_LIMITED),
        (503, b"", Outcome.REFUSED, Reason.SERVER_ERROR),
        (200, b"<title>Log in - Somewhere</title>", Outcome.REFUSED, Reason.LOGIN_WALL),
    ],
)
def test_each_answer_without_a_post_is_named_for_what_it_is(code, body, outcome, reason):
    answer = capture("https://social.example/x", body, code)
    for finding in (read_status(answer, REF), read_activity(answer, REF), read_oembed(answer, REF)):
        assert (finding.outcome, finding.reason, finding.post) == (outcome, reason, None)


@pytest.mark.parametrize("visibility", ["private", "direct", "list", "mutuals_only"])
def test_what_is_not_for_everybody_is_not_kept(visibility):
    finding = read(visibility=visibility)
    assert (finding.outcome, finding.reason, finding.post) == (Outcome.HIDDEN, Reason.PROTECTED, None)
    whispered = read_activity(capture("", note(to=["https://social.example/users/port/followers"])), REF)
    assert (whispered.outcome, whispered.reason) == (Outcome.HIDDEN, Reason.PROTECTED)


def test_an_answer_about_another_status_is_not_taken_for_ours():
    for wrong in (status(id="5"), status(id=None), {"text": "x"}):
        with pytest.raises(ParseError):
            read_status(capture("", wrong), REF)
    with pytest.raises(ParseError):
        read_activity(capture("", note(id="https://social.example/users/port/statuses/112083281191909487")), REF)


@pytest.mark.parametrize("claim", [Claim(), Claim(handle="port@far.example"), Claim(handle="../x")])
def test_without_the_authors_name_on_the_server_activitypub_is_not_asked(claim):
    for name in ("activitypub", "oembed"):
        assert drive(SOURCES[name].look(REF, claim), {}).reason is Reason.NOT_TRIED


def test_a_404_for_a_name_that_the_article_claims_is_no_absence():
    answer = capture("", {"error": "Not Found"}, 404)
    finding = drive(SOURCES["activitypub"].look(REF, Claim(handle="port")), {activity_request(REF, "port").url: answer})
    assert finding.outcome is Outcome.UNKNOWN


# --- simulated servers ----------------------------------------------------------------------------------------------


@pytest.fixture
def fediverse(world: World) -> Fediverse:
    return Fediverse(world)


@pytest.fixture
def post(fediverse: Fediverse) -> Status:
    return fediverse.post(
        "social.example",
        "port",
        "Crane <4> & 😀 is down\nby the berth.\n\nSee https://news.example/a/long/path/to/the/crane #harbour",
        AT,
        [photo(alt="a crane"), video(), gif()],
        name="Porthaven Live 🏗",
        spoiler="cranes",
    )


def ref(status: Status) -> PostRef:
    return PostRef("mastodon", f"{status.host}/{status.id}")


@pytest.mark.parametrize("name", ["api", "activitypub"])
def test_every_whole_source_reads_the_post_as_it_was_written(world, fediverse, post, name):
    edited = fediverse.edit(post, post.text + "!", AT + dt.timedelta(hours=1))
    read = look(world, SOURCES[name].look(ref(post), Claim(handle="port"))).post
    assert read.text == edited.text
    assert (read.author.handle, read.author.id) == ("port", "https://social.example/users/port")
    assert read.created_at.replace(microsecond=0) == AT.replace(microsecond=0)
    assert [link.expanded for link in read.links] == ["https://news.example/a/long/path/to/the/crane"]
    kinds = ["photo", "video", "gif" if name == "api" else "video"]
    assert [(m.kind, m.alt, m.width) for m in read.media] == list(
        zip(kinds, ["a crane", None, None], [1200, 640, 320], strict=True)
    )
    assert [m.key for m in read.media] == [m.id for m in post.media]
    for medium, true in zip(read.media, post.media, strict=True):
        assert world.get(medium.urls[0]).body == true.bytes()
    extra = dict(read.extra)
    assert (extra["spoiler"], extra["tags"], extra["edited_at"][:19]) == ("cranes", ["harbour"], "2026-03-01T07:42:07")


@pytest.mark.parametrize("name", ["api", "activitypub"])
def test_a_poll_is_read(world, fediverse, name):
    post = fediverse.post("social.example", "port", "Is it down?", AT, poll=("Yes", "No"))
    read = look(world, SOURCES[name].look(ref(post), Claim(handle="port"))).post
    poll = dict(read.extra)["poll"]
    assert poll["options"] == [{"title": "Yes", "votes": 3}, {"title": "No", "votes": 3}]
    assert poll["ends_at"].startswith("2026-03-02T06:42:07")


def test_a_copy_says_where_its_original_is(world, fediverse, post):
    copied = fediverse.copy(post, "far.example")
    read = look(world, SOURCES["api"].look(ref(copied), Claim(handle="port@social.example"))).post
    extra = dict(read.extra)
    assert (extra["origin"], extra["origin_post"]) == (post.uri, f"mastodon:{ref(post).id}")
    assert read.author.handle == "port@social.example"
    assert read.media[0].urls[1].startswith("https://files.social.example/")


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        ("delete", {"api": Reason.NOT_FOUND, "activitypub": Reason.NOT_FOUND, "oembed": Reason.NOT_FOUND}),
        ("tombstone", {"api": Reason.NOT_FOUND, "activitypub": Reason.DELETED}),
        ("close", {"api": Reason.LOGIN_WALL, "activitypub": Reason.LOGIN_WALL, "oembed": Reason.UNKNOWN}),
    ],
)
def test_each_fate_is_named_by_each_source(world, fediverse, post, fate, expected):
    if fate == "close":
        fediverse.closed.add(post.host)
    else:
        fediverse.delete(post)
        fediverse.tombstones |= {post.host} if fate == "tombstone" else set()
    for name, reason in expected.items():
        finding = look(world, SOURCES[name].look(ref(post), Claim(handle="port")))
        assert (name, finding.reason, finding.post) == (name, reason, None)


def test_truth_social_is_read_alike(world, fediverse):
    post = fediverse.post("truthsocial.com", "somebody", "A statement", AT, [photo()])
    for address in (post.url, f"https://truthsocial.com/@somebody/posts/{post.id}"):
        assert PLATFORM.match(address) == ref(post)
    read = look(world, SOURCES["api"].look(ref(post), Claim())).post
    assert (read.text, len(read.media)) == ("A statement", 1)


def test_articles_with_mastodon_and_truth_social_embeds_are_archived_with_their_media(
    fediverse: Fediverse, post: Status, archiver: Run, home: Path
) -> None:
    truth = fediverse.post("truthsocial.com", "somebody", "A statement", AT, [photo(640, 480)])
    (home / "a.html").write_text(
        f"<article><p>Seen today:</p>{fediverse.embed_code(post)}<p>And:</p>{fediverse.embed_code(truth)}</article>"
    )
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}
    for each in (post, truth):
        (found,) = json.loads(archiver("lookup", "--json", each.url).stdout)["posts"]
        assert {media["sha256"] for media in found["media"] if media["kind"] != "poster"} == {
            hashlib.sha256(medium.bytes()).hexdigest() for medium in each.media
        }
    assert "sound" in archiver("verify").stdout


# --- any bytes ------------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        *(
            "id",
            "content",
            "account",
            "url",
            "uri",
            "username",
            "acct",
            "media_attachments",
            "type",
            "meta",
            "original",
        ),
        *("width", "duration", "poll", "options", "card", "quote", "quoted_status", "reblog", "tags", "mentions", "to"),
        *("attachment", "mediaType", "attributedTo", "contentMap", "inReplyTo", "oneOf", "replies", "tag", "html"),
    ]
)
SHAPED = st.dictionaries(WORDS, st.recursive(ANY, lambda inner: st.dictionaries(WORDS, inner, max_size=5)), max_size=8)


@given(st.binary() | ANY | SHAPED, st.sampled_from([200, 302, 400, 401, 403, 404, 410, 422, 429, 500]))
def test_any_answer_is_a_post_a_named_absence_or_a_parse_error(body, code):
    answer = capture("https://x.example/", body if isinstance(body, bytes) else json.dumps(body), code)
    for parse in (read_status, read_activity, read_oembed):
        try:
            finding = parse(answer, REF)
        except ParseError:
            continue
        assert finding.post is None or finding.outcome is Outcome.FOUND


@given(SHAPED, st.text(st.characters()))
def test_whatever_stands_in_a_status_the_post_can_be_kept(shaped, content):
    for parse, whole in (
        (read_status, {**shaped, **status(), "content": content}),
        (read_activity, {**shaped, **note(), "content": content}),
    ):
        try:
            post = parse(capture("", json.dumps(whole)), REF).post
        except ParseError:
            continue
        canonical(dict(post.extra))
        repr(post).encode()
