"""Bluesky's endpoints: real and documented payloads read into the right posts, every answer named for what it is."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import dag_cbor
import pytest
from drive import capture, drive, fixture, needs_shared
from hypothesis import given
from hypothesis import strategies as st
from multiformats import CID

from archiver import dagcbor
from archiver.errors import ParseError, Unreachable
from archiver.model import Claim, Embed, Finding, Kind, Outcome, PostRef, Reason, canonical
from archiver.platforms import platforms
from archiver.platforms.bluesky import PLATFORM
from archiver.platforms.bluesky.identity import document_request, read_did, read_document, resolve_request
from archiver.platforms.bluesky.records import blob_url
from archiver.platforms.bluesky.sources import (
    appview_request,
    oembed_request,
    read_appview,
    read_oembed,
    read_profile,
    read_record,
    record_request,
    thread_request,
)
from archiver.resolve import resolve

NOBODY = Claim()
SOURCES = {source.name: source for source in PLATFORM.sources()}
DID = "did:plc:kvwvcn5iqfooopmyzvb4qzba"
PDS = "https://shimeji.us-east.host.bsky.network"
REF = PostRef("bluesky", f"{DID}/3k2yihcrp6f2c")


def threaded(name: str, id: str) -> Finding:
    ref = PostRef("bluesky", id)
    return read_appview(capture(thread_request(ref).url, fixture(f"bluesky/SYNTHETIC_fxembed_{name}.json")), ref)


def document(did: str = DID, server: str | None = PDS) -> dict[str, object]:
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": server}
    return {"id": did, "alsoKnownAs": ["at://somebody.example"], "service": [service] if server else []}


# --- sameness -------------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    "name", ["post_record", "extended_post_record", "like_record", "extended_like_record", "feed_record"]
)
def test_real_records_have_the_cid_they_are_named_by(name):
    record = fixture(f"bluesky/real_marshalx_{name}.json")
    assert dagcbor.record_cid(record["value"]) == record["cid"]
    assert dagcbor.is_record(record["cid"], record["value"]) is True


@needs_shared
def test_a_record_changed_by_one_letter_is_another_record():
    record = fixture("bluesky/real_marshalx_post_record.json")
    record["value"]["text"] += "!"
    assert dagcbor.is_record(record["cid"], record["value"]) is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdé😀zz", max_size=5), inner, max_size=5)
        | st.binary(min_size=32, max_size=32).map(
            lambda digest: {"$link": str(CID("base32", 1, "raw", ("sha2-256", digest)))}
        )
    ),
    max_leaves=12,
)


def linked(value):
    if isinstance(value, dict):
        return CID.decode(value["$link"]) if set(value) == {"$link"} else {k: linked(v) for k, v in value.items()}
    return [linked(part) for part in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text("abcdé😀zz", max_size=5), JSON, max_size=6))
def test_two_independent_encoders_give_every_record_the_same_cid(record):
    digest = hashlib.sha256(dag_cbor.encode(linked(record))).digest()
    assert dagcbor.record_cid(record) == str(CID("base32", 1, "dag-cbor", ("sha2-256", digest)))


@pytest.mark.parametrize(
    "cid", ["", "b", "bafy", "Qm" + "a" * 44, "bafkreietenc2aywhzxdyvalgffxl35tvxri6wv2iwryfdcdoecdfg553f!", "é" * 59]
)
def test_what_is_no_cid_of_atprotos_kind_proves_nothing(cid):
    assert dagcbor.is_record(cid, {"text": "x"}) is None
    assert dagcbor.blob_sha256(cid) is None


# --- real payloads --------------------------------------------------------------------------------------------------


@needs_shared
def test_a_real_record_is_read_from_its_authors_server():
    answer = capture(
        record_request(PDS, DID, "app.bsky.feed.post", "3k2yihcrp6f2c").url,
        fixture("bluesky/real_marshalx_post_record.json"),
    )
    finding = read_record(answer, REF, PDS, {"displayName": "Test"}, "test.marshal.dev")
    assert finding.outcome is Outcome.FOUND
    post = finding.post
    assert (post.text, post.created_at) == (
        "new text114",
        dt.datetime(2024, 2, 22, 19, 58, 13, 903293, tzinfo=dt.UTC),
    )
    assert (post.author.id, post.author.handle, post.author.name) == (DID, "test.marshal.dev", "Test")
    assert dict(post.extra) == {
        "cid": "bafyreifzi5xyrf3c5jw7cci4zrltyl25ik2dboznop4qo4cotcfbyjtita",
        "cid_verified": True,
    }


@needs_shared
def test_a_record_of_before_time_zones_is_read_as_utc():
    ref = PostRef("bluesky", f"{DID}/3k2yinh52ne2x")
    finding = read_record(capture("", fixture("bluesky/real_marshalx_extended_post_record.json")), ref, PDS, {})
    assert finding.post.created_at == dt.datetime(2023, 7, 21, 1, 33, 51, 481951, tzinfo=dt.UTC)
    assert (finding.post.text, finding.post.lang) == ("regress test", "en")
    assert dict(finding.post.extra)["cid_verified"] is True


@needs_shared
def test_a_record_under_a_cid_that_is_not_its_own_says_so():
    ref = PostRef("bluesky", f"{DID}/3k2yinh52ne2x")
    finding = read_record(capture("", fixture("bluesky/real_marshalx_custom_record.json")), ref, PDS, {})
    assert dict(finding.post.extra)["cid_verified"] is False


@needs_shared
@pytest.mark.parametrize("name", ["like_record", "extended_like_record", "feed_record"])
def test_records_of_other_kinds_are_no_posts(name):
    with pytest.raises(ParseError):
        read_record(capture("", fixture(f"bluesky/real_marshalx_{name}.json")), REF, PDS, {})


@needs_shared
def test_the_real_identity_answers_lead_to_the_server():
    assert read_did(capture("", fixture("bluesky/real_marshalx_resolve_handle.json"))) == (
        "did:plc:z72i7hdynmk6r22z27h6tvur"
    )
    described = fixture("bluesky/real_marshalx_did_doc.json")
    assert read_document(capture("", described["didDoc"]), DID) == (PDS, "test.marshal.dev")


@needs_shared
def test_a_thread_is_read_into_its_post():
    finding = threaded("thread-single", "did:plc:test111/rkeymain")
    post = finding.post
    assert (post.text, post.author.handle, post.author.name, post.author.id) == (
        "Hello world",
        "author.test",
        "Author",
        "did:plc:test111",
    )
    assert post.created_at == dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
    assert dict(post.counts) == {"likes": 2, "reposts": 1, "replies": 3, "quotes": 0}
    assert (post.lang, post.media, post.reply_to, post.quotes) == ("en", (), None, None)
    assert "cid_verified" not in dict(post.extra)  # its CID is made up


@needs_shared
def test_a_threads_post_is_told_from_its_replies():
    finding = threaded("conversation-thread", "did:plc:test111/rkeyconv")
    assert finding.post.text == "Root for conversation"
    assert finding.also == ()


@needs_shared
def test_pictures_are_read_with_their_words_and_shapes():
    finding = threaded("thread-multi-image", "did:plc:test111/rkeypics")
    assert [(m.kind, m.key, m.urls, m.alt, m.width, m.height) for m in finding.post.media] == [
        ("photo", "photo-1", ("https://cdn.bsky.app/full1",), "a", 1200, 800),
        ("photo", "photo-2", ("https://cdn.bsky.app/full2",), "b", 800, 600),
    ]


@needs_shared
def test_a_gallery_is_read_whole_even_where_its_record_holds_less():
    finding = threaded("thread-gallery", "did:plc:test222/rkeygallery")
    assert [m.alt for m in finding.post.media] == ["one", "two", "three", "four", "five", "six"]
    assert [m.key for m in finding.post.media] == ["bafyimg1", *(f"photo-{n}" for n in range(2, 7))]
    assert finding.post.media[5].urls == ("https://cdn.bsky.app/gallery-full6",)


@needs_shared
def test_a_quoted_post_that_is_gone_is_named_and_not_shown():
    finding = threaded("thread-quote-notfound", "did:plc:test111/rkeyquotehost")
    assert finding.post.text == "Quoting missing"
    assert finding.post.quotes == PostRef("bluesky", "did:plc:other/rkeygone")
    assert finding.also == ()


@needs_shared
def test_an_answer_about_others_is_not_taken_for_ours():
    with pytest.raises(ParseError):
        threaded("thread-single", "did:plc:test111/rkeyother")
    with pytest.raises(ParseError):
        read_appview(capture("", fixture("bluesky/SYNTHETIC_fxembed_author-feed.json")), REF)
    with pytest.raises(ParseError):
        read_appview(capture("", fixture("bluesky/real_marshalx_get_follows.json")), REF)


# --- outcomes -------------------------------------------------------------------------------------------------------

THREAD = "app.bsky.feed.defs"
ABSENCES = [
    (200, {"posts": []}, Outcome.ABSENT, Reason.NOT_FOUND),
    (200, {"thread": {"$type": f"{THREAD}#notFoundPost", "notFound": True}}, Outcome.ABSENT, Reason.NOT_FOUND),
    (200, {"thread": {"$type": f"{THREAD}#blockedPost", "blocked": True}}, Outcome.HIDDEN, Reason.BLOCKED),
    (400, {"error": "NotFound", "message": "Post not found: at://x"}, Outcome.ABSENT, Reason.NOT_FOUND),
    (400, {"error": "RecordNotFound", "message": "Could not locate record"}, Outcome.ABSENT, Reason.NOT_FOUND),
    (400, {"error": "InvalidRequest", "message": "Could not find repo: did:plc:x"}, Outcome.ABSENT, Reason.NOT_FOUND),
    (400, {"error": "RepoTakendown", "message": "Repo has been takendown"}, Outcome.GONE, Reason.SUSPENDED),
    (400, {"error": "RepoSuspended", "message": ""}, Outcome.GONE, Reason.SUSPENDED),
    (400, {"error": "RepoDeactivated", "message": ""}, Outcome.HIDDEN, Reason.PROTECTED),
    (400, {"error": "InvalidRequest", "message": "Error: uris must be an array"}, Outcome.UNKNOWN, Reason.BAD_REQUEST),
    (401, {"error": "AuthMissing", "message": "Authentication Required"}, Outcome.REFUSED, Reason.LOGIN_WALL),
    (429, {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, Outcome.REFUSED, Reason.RATE_LIMITED),
    (429, b"slow down", Outcome.REFUSED, Reason.RATE_LIMITED),
    (403, b"<html>forbidden</html>", Outcome.REFUSED, Reason.BLOCKED),
    (404, b"Cannot GET /xrpc", Outcome.UNKNOWN, Reason.UNKNOWN),
    (404, {"error": "SomethingNew", "message": ""}, Outcome.UNKNOWN, Reason.UNKNOWN),
    (502, {"error": "UpstreamFailure", "message": ""}, Outcome.REFUSED, Reason.SERVER_ERROR),
    (503, b"", Outcome.REFUSED, Reason.SERVER_ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "outcome", "reason"), ABSENCES)
def test_each_answer_without_a_post_is_named_for_what_it_is(status, body, outcome, reason):
    for finding in (
        read_appview(capture("https://public.api.bsky.app/xrpc/x", body, status), REF),
        *([read_record(capture("https://pds.example/xrpc/x", body, status), REF, PDS, {})] if status != 200 else []),
    ):
        assert (finding.outcome, finding.reason, finding.post) == (outcome, reason, None)
        if isinstance(body, dict) and "error" in body:
            assert finding.tombstone.startswith(body["error"])


def view(**more: object) -> dict[str, object]:
    record = {"$type": "app.bsky.feed.post", "text": "A crane", "createdAt": "2024-08-07T10:42:11.000Z"}
    return {
        "uri": f"at://{DID}/app.bsky.feed.post/3k2yihcrp6f2c",
        "cid": dagcbor.record_cid(record),
        "author": {"did": DID, "handle": "somebody.example", "displayName": "Somebody", "labels": []},
        "record": record,
        "labels": [],
        **more,
    }


def test_an_author_who_asks_not_to_be_shown_to_strangers_is_not():
    author = {"did": DID, "handle": "x.example", "labels": [{"src": DID, "val": "!no-unauthenticated"}]}
    finding = read_appview(capture("", {"posts": [view(author=author)]}), REF)
    assert (finding.outcome, finding.reason, finding.post) == (Outcome.HIDDEN, Reason.LOGIN_WALL, None)
    author["labels"].append({"src": DID, "val": "other"})
    author["labels"][0]["neg"] = True
    assert read_appview(capture("", {"posts": [view(author=author)]}), REF).outcome is Outcome.FOUND


def test_a_quoted_author_who_hides_is_not_shown_either():
    quoted = view(uri="at://did:plc:b/app.bsky.feed.post/q", value={"text": "hidden words"})
    quoted["author"] = {"did": "did:plc:b", "labels": [{"val": "!no-unauthenticated"}]}
    quoted["$type"] = "app.bsky.embed.record#viewRecord"
    embed = {"$type": "app.bsky.embed.record#view", "record": quoted}
    finding = read_appview(capture("", {"posts": [view(embed=embed)]}), REF)
    assert finding.also == ()
    assert finding.post.quotes == PostRef("bluesky", "did:plc:b/q")


def test_a_self_label_hides_on_the_authors_own_server_too():
    hides = {"value": {"labels": {"values": [{"val": "!no-unauthenticated"}]}}}
    web = {
        document_request(DID).url: capture("d", document()),
        record_request(PDS, DID, "app.bsky.actor.profile", "self").url: capture("p", hides),
    }
    finding = drive(SOURCES["pds"].look(REF, NOBODY), web)
    assert (finding.outcome, finding.reason) == (Outcome.HIDDEN, Reason.LOGIN_WALL)


def test_a_tombstoned_identity_is_gone_with_its_words():
    answer = capture("d", {"message": f"DID not available: {DID}"}, 410)
    finding = drive(SOURCES["pds"].look(REF, NOBODY), {document_request(DID).url: answer})
    assert (finding.outcome, finding.reason) == (Outcome.GONE, Reason.DELETED)
    assert finding.tombstone == f"DID not available: {DID}"


def test_an_identity_in_no_directory_says_nothing_of_its_posts():
    answer = capture("d", {"message": f"DID not registered: {DID}"}, 404)
    finding = drive(SOURCES["pds"].look(REF, NOBODY), {document_request(DID).url: answer})
    assert finding.outcome is Outcome.UNKNOWN


def test_without_the_directory_the_appview_still_shows_the_post_and_the_cdns_pictures():
    cid = "bafkreietenc2aywhzxdyvalgffxl35tvxri6wv2iwryfdcdoecdfg553fy"
    full = f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/{cid}@jpeg"
    image = {"thumb": full.replace("fullsize", "thumbnail"), "fullsize": full, "alt": ""}
    shown = view(embed={"$type": "app.bsky.embed.images#view", "images": [image]})
    web = {
        document_request(DID).url: Unreachable("no answer"),
        appview_request(REF).url: capture("a", {"posts": [shown]}),
    }
    finding = drive(SOURCES["appview"].look(REF, NOBODY), web)
    assert [(m.key, m.urls) for m in finding.post.media] == [(cid, (full,))]
    web[document_request(DID).url] = capture("d", document())
    finding = drive(SOURCES["appview"].look(REF, NOBODY), web)
    assert finding.post.media[0].urls == (blob_url(PDS, DID, cid), full)


@pytest.mark.parametrize(
    "endpoint", ["http://pds.example", "https://user:pw@pds.example", "ftp://pds.example", "pds.example", "https://", 7]
)
def test_a_document_that_names_no_plain_https_server_leads_nowhere(endpoint):
    assert read_document(capture("d", document(server=endpoint)), DID) == (None, "somebody.example")


@pytest.mark.parametrize(
    ("did", "place"),
    [
        (DID, f"https://plc.directory/{DID}"),
        ("did:web:somebody.example", "https://somebody.example/.well-known/did.json"),
        ("did:web:somebody.example:path", None),
        ("did:web:localhost", None),
        ("did:web:a.example%3A8080", None),
        ("did:plc:../../etc", None),
        ("did:key:z6Mk", None),
    ],
)
def test_documents_are_asked_for_where_atproto_keeps_them(did, place):
    request = document_request(did)
    assert (request and request.url) == place


def test_an_oembed_answer_gives_text_author_and_time():
    markup = (
        f'<blockquote class="bluesky-embed" data-bluesky-uri="at://{DID}/app.bsky.feed.post/3k2yihcrp6f2c" '
        'data-bluesky-cid="bafyreiabc"><p lang="en">A crane &amp; a<br>cable</p>&mdash; '
        f'<a href="https://bsky.app/profile/{DID}?ref_src=embed">Some (very) body (@somebody.example)</a> '
        f'<a href="https://bsky.app/profile/{DID}/post/3k2yihcrp6f2c?ref_src=embed">2026-06-14T23:45:27.000Z</a>'
        "</blockquote><script async></script>"
    )
    answer = {
        "html": markup,
        "author_name": "Some (very) body",
        "author_url": "https://bsky.app/profile/somebody.example",
    }
    post = read_oembed(capture(oembed_request(REF).url, answer), REF).post
    assert (post.text, post.lang) == ("A crane & a\ncable", "en")
    assert (post.author.handle, post.author.name, post.author.id) == ("somebody.example", "Some (very) body", DID)
    assert post.created_at == dt.datetime(2026, 6, 14, 23, 45, 27, tzinfo=dt.UTC)
    assert dict(post.extra) == {"cid": "bafyreiabc"}
    with pytest.raises(ParseError):
        read_oembed(capture("", answer), PostRef("bluesky", f"{DID}/another"))


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (403, Outcome.HIDDEN, Reason.LOGIN_WALL),
        (404, Outcome.ABSENT, Reason.NOT_FOUND),
        (501, Outcome.UNKNOWN, Reason.UNKNOWN),
        (429, Outcome.REFUSED, Reason.RATE_LIMITED),
    ],
)
def test_oembed_says_by_its_status_why_there_is_nothing(status, outcome, reason):
    finding = read_oembed(capture("", {"message": "no"}, status), REF)
    assert (finding.outcome, finding.reason) == (outcome, reason)


# --- resolution -----------------------------------------------------------------------------------------------------


def embed(url: str) -> Embed:
    return Embed("bluesky", Kind.LINK, PLATFORM.match(url), url, NOBODY, "dom", True)


def test_a_handle_is_resolved_so_that_one_post_has_one_name():
    web = {resolve_request("somebody.example").url: capture("r", {"did": DID})}
    resolution = drive(resolve(embed("https://bsky.app/profile/Somebody.example/post/3k2yihcrp6f2c"), platforms()), web)
    assert (resolution.ref, resolution.rung, resolution.reason) == (REF, "did", Reason.OK)
    assert [each.rung for each in resolution.evidence] == ["url", "did"]
    assert resolution.evidence[1].capture == web[resolve_request("somebody.example").url].id


def test_a_did_needs_no_request():
    resolution = drive(resolve(embed(f"https://bsky.app/profile/{DID}/post/3k2yihcrp6f2c"), platforms()), {})
    assert (resolution.ref, resolution.rung) == (REF, "url")


@pytest.mark.parametrize(
    ("answer", "reason", "candidates"),
    [
        (capture("r", {"error": "InvalidRequest", "message": "Unable to resolve handle"}, 400), Reason.LINK_DEAD, 1),
        (capture("r", b"", 502), Reason.SERVER_ERROR, 0),
        (Unreachable("no answer"), Reason.UNREACHABLE, 0),
    ],
)
def test_a_handle_that_leads_nowhere_leaves_the_post_unnamed(answer, reason, candidates):
    web = {resolve_request("gone.example").url: answer}
    resolution = drive(resolve(embed("https://bsky.app/profile/gone.example/post/3k2yihcrp6f2c"), platforms()), web)
    assert (resolution.ref, resolution.reason, len(resolution.candidates)) == (None, reason, candidates)


# --- what a post shows besides --------------------------------------------------------------------------------------


def shown(record: dict[str, object], embed: dict[str, object] | None = None, server: str | None = PDS):
    record = {"$type": "app.bsky.feed.post", "text": "A crane", "createdAt": "2024-08-07T10:42:11.000Z"} | record
    posted = view(record=record, **({"embed": embed} if embed else {}))
    return read_appview(capture("", {"posts": [posted]}), REF, server).post


def test_a_gif_of_the_apps_own_picker_is_one_of_the_posts_films():
    """It is a card whose link is the GIF itself, with its height and width."""
    external = {
        "uri": "https://gifs.example/AAAAC/crane.gif?hh=280&ww=498",
        "title": "a crane falls",
        "description": "ALT: A crane falls into the water",
    }
    embed = {
        "$type": "app.bsky.embed.external#view",
        "external": external | {"thumb": "https://cdn.bsky.app/img/feed_thumbnail/plain/did/bafk@jpeg"},
    }
    post = shown({"embed": {"$type": "app.bsky.embed.external", "external": external}}, embed)
    (film,) = post.media
    assert (film.kind, film.urls, film.width, film.height) == ("gif", (external["uri"],), 498, 280)
    assert film.alt == "A crane falls into the water"
    assert dict(post.extra)["card"]["thumb"] == embed["external"]["thumb"]
    page = external | {"uri": "https://gifs.example/about.gif"}
    assert shown({"embed": {"$type": "app.bsky.embed.external", "external": page}}).media == ()


def test_what_is_embedded_and_is_no_post_is_kept_as_a_card():
    uri = "at://did:plc:b/app.bsky.feed.generator/cranes"
    record = {"$type": "app.bsky.embed.record", "record": {"uri": uri, "cid": "bafy"}}
    feed = {
        "$type": "app.bsky.feed.defs#generatorView",
        "uri": uri,
        "displayName": "Cranes",
        "description": "All of them",
    }
    post = shown({"embed": record}, {"$type": "app.bsky.embed.record#view", "record": feed})
    assert dict(post.extra)["card"] == {"uri": uri, "title": "Cranes", "description": "All of them"}
    assert post.quotes is None
    uri = "at://did:plc:b/app.bsky.graph.starterpack/3k"
    pack = {"$type": "app.bsky.graph.defs#starterPackViewBasic", "uri": uri, "record": {"name": "Dockers"}}
    record["record"]["uri"] = uri
    post = shown({"embed": record}, {"$type": "app.bsky.embed.record#view", "record": pack})
    assert dict(post.extra)["card"] == {"uri": uri, "title": "Dockers"}


@pytest.mark.parametrize(
    ("kind", "state"), [("viewDetached", "detached"), ("viewBlocked", "blocked"), ("viewNotFound", "not found")]
)
@pytest.mark.parametrize("is_mixed", [False, True])
def test_why_a_quoted_post_is_not_shown_is_kept(kind, state, is_mixed):
    quoted = {"uri": "at://did:plc:b/app.bsky.feed.post/q", "cid": "bafy"}
    unseen = {"$type": f"app.bsky.embed.record#{kind}", "uri": quoted["uri"]}
    record = {"$type": "app.bsky.embed.record", "record": quoted}
    embed = {"$type": "app.bsky.embed.record#view", "record": unseen}
    if is_mixed:
        record = {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": {}}
        embed = {"$type": "app.bsky.embed.recordWithMedia#view", "record": embed, "media": {}}
    post = shown({"embed": record}, embed)
    assert (post.quotes, dict(post.extra)["quote_state"]) == (PostRef("bluesky", "did:plc:b/q"), state)


def test_the_captions_of_a_film_are_named_where_they_are_given_out():
    file = {"$type": "blob", "ref": {"$link": "bafkreicaption"}, "mimeType": "text/vtt", "size": 9}
    video = {"$type": "app.bsky.embed.video", "video": {}, "captions": [{"lang": "en", "file": file}]}
    assert dict(shown({"embed": video}).extra)["captions"] == {"en": blob_url(PDS, DID, "bafkreicaption")}
    assert dict(shown({"embed": video}, server=None).extra)["captions"] == {"en": "bafkreicaption"}


def test_links_of_before_facets_are_read():
    """Their places count UTF-16 units."""
    text = "🏗 see https://harbour.example/crane now"
    start = len(text.partition("https")[0].encode("utf-16-le")) // 2
    index = {"start": start, "end": start + len("https://harbour.example/crane")}
    entities = [{"index": index, "type": "link", "value": "https://harbour.example/crane"}]
    (link,) = shown({"text": text, "entities": entities}).links
    assert (link.expanded, link.display) == ("https://harbour.example/crane", "https://harbour.example/crane")


# --- any bytes ------------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        *("posts", "thread", "post", "uri", "cid", "author", "record", "embed", "value", "text", "facets", "index"),
        *("byteStart", "byteEnd", "features", "labels", "val", "media", "images", "image", "ref", "$link", "alt"),
        *(
            "aspectRatio",
            "width",
            "height",
            "video",
            "playlist",
            "external",
            "reply",
            "parent",
            "root",
            "langs",
            "tags",
            "entities",
            "captions",
            "file",
            "$type",
        ),
    ]
)
SHAPED = st.recursive(ANY, lambda inner: st.dictionaries(WORDS, inner, max_size=6) | st.lists(inner, max_size=3))


@given(st.binary() | ANY | SHAPED, st.sampled_from([200, 302, 400, 401, 403, 404, 410, 429, 500, 501]))
def test_any_answer_is_a_post_a_named_absence_or_a_parse_error(body, status):
    answer = capture("https://x.example/", body if isinstance(body, bytes) else json.dumps(body), status)
    for read in (
        lambda: read_appview(answer, REF, PDS),
        lambda: read_record(answer, REF, PDS, {}),
        lambda: read_oembed(answer, REF),
        lambda: read_document(answer, DID),
        lambda: read_did(answer),
        lambda: read_profile(answer),
    ):
        try:
            finding = read()
        except ParseError:
            continue
        if isinstance(finding, Finding):
            assert finding.post is None or finding.outcome is Outcome.FOUND


@given(SHAPED, SHAPED, SHAPED)
def test_whatever_stands_in_a_record_the_post_can_be_kept(record, embed_, author):
    shaped = record if isinstance(record, dict) else {}
    posted = view(embed=embed_, author=author, record={**shaped, "text": "x"})
    finding = read_appview(capture("", json.dumps({"posts": [posted]})), REF, PDS)
    if finding.post is not None:
        canonical(dict(finding.post.extra))
        repr(finding.post).encode()
