"""Every source of every network, and every ladder, ends in a finding or a ParseError, whatever it is answered: real
payloads where the collection is present, and what the simulated networks answer, bent in every way."""

from __future__ import annotations

import copy
import datetime as dt
import html
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from drive import SHARED, capture
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archiver.errors import FetchError, ParseError
from archiver.model import Claim, Finding, PostRef, Resolution
from archiver.model import as_json as plain
from archiver.platforms import Source, platforms
from archiver.store.opinions import packed
from tests.parts import parts
from tests.simulator import World, pages, photo, video
from tests.simulator.hosts.bluesky import Sky
from tests.simulator.hosts.mastodon import Fediverse
from tests.simulator.look import captures

FIXTURES = SHARED / "fixtures"

#: Posts that the payloads are about, so that what they say is read to its end.
REFS = {
    "bluesky": ["did:plc:kvwvcn5iqfooopmyzvb4qzba/3k5u7c7j7a52v"], "youtube": ["eiHXASgRTcA"],
    "tiktok": ["6806030056956251397"], "reddit": ["7pfpeq"],
    "twitter": ["20", "1168529001599533057", "782737772490600448", "1169217405425455105", "1540398733669666818"],
}  # fmt: skip
#: What the simulated networks answered to which address.
RECORDED: dict[str, bytes] = {}


def real_bodies() -> Iterator[tuple[str, bytes]]:
    """(network, body) of every real payload, where the collection is present."""
    for path in sorted(FIXTURES.rglob("*")) if FIXTURES.is_dir() else ():
        network = path.relative_to(FIXTURES).parts[0]
        if path.suffix not in (".json", ".html") or network == "embeds":
            continue
        content = path.read_bytes()
        if path.name.endswith(".http.json"):
            record = json.loads(content)
            answer = (record[0] if isinstance(record, list) else record).get("response") or record
            body = (answer[0] if isinstance(answer, list) else answer).get("body") or ""
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
        yield network, content


def our_bodies() -> Iterator[tuple[str, bytes]]:
    """(network, body) of everything the simulated networks answer about one rich post of each."""
    world = World()
    sky, fedi = Sky(world), Fediverse(world)
    at = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
    quoted = sky.post("dockside.example", "The berth", at)
    record = sky.post(
        "port.example", "Crane https://a.example #x", at, [photo(alt="a")], quotes=quoted, reply_to=quoted
    )
    film = sky.post("port.example", "It falls", at, [video()])
    status = fedi.post("social.example", "port", "Crane https://a.example", at, [photo()], poll=("a", "b"), spoiler="s")
    refs = [("bluesky", record.id), ("bluesky", film.id), ("mastodon", f"social.example/{status.id}")]
    for network, name in (
        ("telegram", "harbour/12"), ("youtube", "dQw4w9WgXcQ"), ("tiktok", "7170520270497680683"), ("reddit", "abc123"),
        ("instagram", "CYokA48MWDA"), ("threads", "DNJQOX0RA08"), ("facebook", "2165642433537707"),
    ):  # fmt: skip
        media = [photo()] if network in ("telegram", "youtube", "tiktok", "reddit") else []
        shared = world.share(network, name, "The crane", at, media, handle="port", author="Port", quotes=True)
        refs.append((network, name))
        if network in ("youtube", "tiktok"):
            yield network, getattr(pages, network)(shared).encode()
    yield "bluesky", pages.bluesky(record).encode()
    yield from (("mastodon", pages.mastodon(status, form).encode()) for form in ("old", "new"))
    for network, id in refs:
        REFS.setdefault(network, []).append(id)
        for source in platforms()[network].sources():
            look = source.look(PostRef(network, id), Claim(handle="port"))
            try:
                request = next(look)
                while True:
                    try:
                        answer = captures(world, request)[-1]
                    except FetchError as error:
                        request = look.throw(error)
                    else:
                        yield network, answer.content
                        RECORDED[request.url] = answer.content
                        request = look.send(answer)
            except StopIteration:
                continue


BODIES: dict[str, list[bytes]] = {}
for _network, _body in (*our_bodies(), *real_bodies()):
    BODIES.setdefault(_network, []).append(_body)

_ODD: list[Any] = [
    None, True, 0, -1, 2**70, 1e300, "", "x", "\ud800", "\0", [], {}, [[]], {"": None}, "9" * 30, "http://[", "//",
    "2024-99-99T99:99:99Z", "0001-01-01T00:00:00+23:59", "<p>", "&#xD800;", "<a href='http://['>x</a>" * 3,
]  # fmt: skip
_ODD_BYTES = [b"", b"<", b">", b"</div>", b"\xff\xfe", b"\0", b"&#x110000;", b'"', b"{", b"]", b"<!--", b"\xed\xa0\x80"]


def bent_value(value: Any, rng: random.Random) -> Any:
    """A JSON value with one to four of its parts replaced, dropped or doubled."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 4)):
        holder, depth = value, 0
        while isinstance(holder, dict | list) and holder and depth < 12:
            key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
            if rng.random() < 0.25 or not isinstance(holder[key], dict | list) or not holder[key]:
                if isinstance(holder, dict) and rng.random() < 0.3:
                    del holder[key]
                elif isinstance(holder, list) and rng.random() < 0.3:
                    holder.append(copy.deepcopy(rng.choice(holder)))
                else:
                    holder[key] = copy.deepcopy(rng.choice(_ODD))
                break
            holder, depth = holder[key], depth + 1
    return value


def bent(body: bytes, rng: random.Random) -> bytes:
    """A payload as a server might serve it on a bad day, or an enemy on a good one."""
    kind = rng.random()
    if kind < 0.4:
        return body
    try:
        if kind < 0.75:
            return json.dumps(bent_value(json.loads(body), rng)).encode("utf-8", "surrogatepass")
    except ValueError:
        pass
    for _ in range(rng.randint(1, 5)):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.choice((0, 1, 3, 30, 300)))
        body = body[:start] + rng.choice(_ODD_BYTES) + body[end:]
    return body


def answered(look: Any, network: str, rng: random.Random) -> Any:
    """Run a look-up to its end, each request answered with something bent."""
    bodies = BODIES.get(network) or BODIES["youtube"]
    bodies = [*bodies, *BODIES["wayback"]] if network == "twitter" and "wayback" in BODIES else bodies
    try:
        request = next(look)
        for _ in range(200):
            if rng.random() < 0.05:
                request = look.throw(FetchError("silent", reason="timeout"))
                continue
            status = rng.choice((200,) * 24 + (301, 400, 401, 403, 404, 410, 429, 500))
            headers = {"memento-datetime": "Wed, 07 Aug 2024 10:42:11 GMT"} if "/web/20" in request.url else {}
            own = RECORDED.get(request.url)
            body = bent(own if own is not None and rng.random() < 0.7 else rng.choice(bodies), rng)
            if "/cdx/" in request.url and rng.random() < 0.8:
                asked = (
                    dict(re.findall(r"[?&](url)=([^&]+)", request.url))["url"].replace("%2F", "/").replace("%3A", ":")
                )
                rows = [["original", "timestamp", "mimetype", "statuscode", "digest"]]
                rows += [[f"https://{asked}", "20240807104211", "text/html", rng.choice(("200", "-", "301")), "A"]]
                body = json.dumps(rows).encode()
                status = 200
            if status == 301:
                headers |= {"location": rng.choice(("/login", "http://[", "https://a.example/", "//x", "\x7f"))}
            request = look.send(capture(request.url, body, status, headers))
        pytest.fail(f"{network}: asks without end")
    except StopIteration as end:
        return end.value


def _sources() -> list[tuple[str, Source]]:
    return [(name, source) for name, platform in platforms().items() for source in platform.sources()]


@settings(max_examples=60, deadline=None)
@example(seed=0)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize(("network", "source"), _sources(), ids=lambda each: getattr(each, "name", each))
def test_every_source_ends_in_a_post_a_named_absence_or_a_parse_error(network: str, source: Source, seed: int) -> None:
    rng, shown = random.Random(seed), platforms()[network].example
    id = rng.choice([shown.id, *REFS.get(network, [])])
    ref = PostRef(network, id)
    try:
        finding = answered(source.look(ref, Claim(handle=shown.handle)), network, rng)
    except ParseError:
        return
    assert isinstance(finding, Finding)
    assert finding.reason.value
    if finding.post is not None:
        assert finding.post.ref == ref
    for post in filter(None, (finding.post, *finding.also)):
        packed(post).encode("utf-8")  # what it says can be stored
        assert isinstance(plain(post), dict)
        assert set(parts(post)) <= set(source.gives), "what a source gives, it says (docs/platforms.md)"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("network", [name for name, each in platforms().items() if each.resolve is not None])
def test_every_ladder_ends_in_a_resolution_or_a_parse_error(network: str, seed: int) -> None:
    rng, platform = random.Random(seed), platforms()[network]
    assert platform.resolve is not None
    link = platform.example.link or platform.url(PostRef(network, platform.example.id))
    claim = Claim(platform.example.handle, "Name", dt.date(2024, 8, 7), html.escape("A text & more"), ("fwutN0Bakg",))
    try:
        found = answered(platform.resolve(claim, link), network, rng)
    except ParseError:
        return
    assert isinstance(found, Resolution)
    assert found.ref is None or found.ref.platform == network


# --- shapes that neither the collection nor the simulated networks hold ----------------------------------------------

_DID, _CLIP = "did:plc:kvwvcn5iqfooopmyzvb4qzba", "https://video.twimg.com/amplify_video/99/l.mp4"
_ESSAY = {
    "title": "How", "preview_text": "It began", "plain_text": "It began.",
    "cover_media": {"media_info": {"original_img_url": "https://pbs.twimg.com/media/C.jpg", "original_img_width": 9}},
    "content_state": {"blocks": [{"text": "It began."}]}, "media_entities": [{"media_info": {}}],
}  # fmt: skip
_FILM = {"type": "video", "media_url_https": _CLIP, "video_info": {"duration_millis": 1, "variants": [{"url": _CLIP}]}}
_CARD = {
    "name": "unified_card",
    "binding_values": [
        {"key": "unified_card", "value": {"string_value": json.dumps({"media_entities": {"a": _FILM}})}},
        {"key": "image_original", "value": {"image_value": {"url": "https://a.example/1", "width": 1, "height": 1}}},
        {"key": "choice1_label", "value": {"string_value": "yes"}},
    ],
}
_TWEET: dict[str, Any] = {
    "__typename": "Tweet", "rest_id": "20", "card": {"legacy": _CARD}, "note_tweet": {"is_expandable": True},
    "core": {"user_results": {"result": {"rest_id": "12", "core": {"screen_name": "jack", "name": "jack"}}}},
    "legacy": {"id_str": "20", "full_text": "It fell", "entities": {"urls": [{"url": "x", "unwound": {"url": "y"}}]}},
    "article": {"article_results": {"result": _ESSAY}},
    "birdwatch_pivot": {"subtitle": {"text": "It stands"}, "note": {"summary": {"text": "It stands"}}},
}  # fmt: skip
_VX = {
    "tweetID": "20", "text": "It fell", "user_name": "A", "user_screen_name": "jack", "article": _ESSAY,
    "media_extended": [{"type": "video", "url": _CLIP, "size": {"width": 1}}], "mediaURLs": [_CLIP], "pollData": {},
}  # fmt: skip
_FX = {
    "type": "status", "id": "20", "text": "It fell", "author": {"id": "12", "screen_name": "jack"}, "article": _ESSAY,
    "media": {"external": {"url": _CLIP}, "broadcast": {"title": "x"}, "all": [{"type": "gif", "url": _CLIP}]},
    "replying_to": {"screen_name": "jack", "status": "10"}, "poll": {"choices": []},
}  # fmt: skip
_V2 = {
    "data": [{
        "id": "20", "text": "It fell", "author_id": "12", "attachments": {"media_keys": ["3_5"], "poll_ids": ["1"]},
        "entities": {"urls": [{"url": "https://t.co/a", "title": "x", "images": [{"url": "https://a.example/1"}]}]},
        "referenced_tweets": [{"type": "quoted", "id": "10"}], "article": _ESSAY, "geo": {"place_id": "p"},
    }],
    "includes": {"tweets": [{"id": "10", "text": "x"}], "media": [{"media_key": "3_5", "type": "photo"}]},
}  # fmt: skip
_BLOB = {"$type": "blob", "ref": {"$link": "bafkreicaption"}, "mimeType": "text/vtt"}
_LINKED = {"uri": "https://gifs.example/a.gif?hh=1&ww=2", "description": "ALT: x", "thumb": "https://a.example/1"}
_SKY = {
    "uri": f"at://{_DID}/app.bsky.feed.post/3k2yihcrp6f2c", "author": {"did": _DID, "handle": "a.example"},
    "record": {
        "text": "see https://a.example", "entities": [
            {"index": {"start": 4, "end": 21}, "type": "link", "value": "https://a.example"},
        ],
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia", "media": {
                "$type": "app.bsky.embed.video", "video": _BLOB, "captions": [{"lang": "en", "file": _BLOB}],
                "external": _LINKED,
            },
            "record": {"$type": "app.bsky.embed.record", "record": {"uri": "at://did:plc:b/app.bsky.graph.list/x"}},
        },
    },
    "embed": {
        "$type": "app.bsky.embed.recordWithMedia#view", "media": {"external": _LINKED},
        "record": {"record": {"$type": "app.bsky.embed.record#viewDetached", "record": {"name": "x"}, "name": "y"}},
    },
}  # fmt: skip
_STATUS = {
    "id": "116242278064339656", "content": '<p class="quote-inline">RE</p>x', "account": {"acct": "a"},
    "quote": {"state": "revoked", "quoted_status": None}, "emojis": [{"shortcode": "a", "url": "https://a.example/1"}],
    "poll": {"options": [{"title": "x"}], "voters_count": 1},
}  # fmt: skip
_NOTE = {
    "type": "Create", "object": {
        "type": "Question", "id": "https://social.example/ap/users/1/statuses/116242278064339656",
        "to": ["as:Public"], "contentMap": {"en": "x"}, "attributedTo": [{"id": "https://social.example/ap/users/1"}],
        "url": [{"href": "https://social.example/@a/116242278064339656"}], "oneOf": {"name": "x", "replies": {}},
        "attachment": [{"type": "Video", "url": [{"href": "https://a.example/1.mp4", "mediaType": "video/mp4"}]},
                       {"type": "Link", "href": "https://a.example"}],
        "tag": {"type": "Emoji", "name": ":a:", "icon": {"url": "https://a.example/1"}}, "inReplyTo": {"id": "x"},
        "quote": {"id": "https://a.example"}, "likes": {"totalItems": 1}, "closed": "x",
    },
}  # fmt: skip
_THING: dict[str, Any] = {
    "id": "7pfpeq", "title": "x", "url": "https://a.example/1.gif", "post_hint": "image", "edited": 1.0,
    "preview": {
        "images": [{"source": {"url": "https://a.example/1"}, "variants": {"mp4": {"source": {"url": "x"}}}}],
        "reddit_video_preview": {"fallback_url": "https://v.redd.it/a/DASH", "duration": 1},
    },
    "media_metadata": {"a": {"e": "RedditVideo", "hlsUrl": "https://v.redd.it/a.m3u8", "x": 1}},
    "poll_data": {"options": [{"text": "x", "vote_count": 1}], "voting_end_timestamp": 1, "total_vote_count": 1},
    "secure_media": {"oembed": {"title": "x", "thumbnail_url": "https://a.example/1"}},
}  # fmt: skip
_CLIPPED = {
    "id": "6806030056956251397", "author": {"id": "1"}, "imagePost": {"images": []}, "video": {
        "bitrateInfo": [{"Bitrate": 1, "PlayAddr": {"Width": 1, "UrlList": ["https://a.example/1"]}}],
        "playAddr": [{"src": "https://a.example/1"}], "subtitleInfos": [{"LanguageCodeName": "x", "Url": "x"}],
    },
}  # fmt: skip
_SHAPES: list[tuple[str, str, str, Any]] = [
    ("twitter", "wayback", "20", {"data": {"tweetResult": {"result": _TWEET | {
        "legacy": _TWEET["legacy"] | {"retweeted_status_result": {"result": _TWEET}},
        "quoted_status_result": {"result": {"__typename": "TweetWithVisibilityResults", "tweet": _TWEET}},
    }}}}),
    ("twitter", "vxtwitter", "20", _VX | {"qrt": _VX, "retweet": _VX}),
    ("twitter", "fxtwitter", "20", {"code": 200, "status": _FX | {"quote": _FX}}),
    ("twitter", "api-v2", "20", _V2),
    ("bluesky", "appview", f"{_DID}/3k2yihcrp6f2c", {"posts": [_SKY]}),
    ("mastodon", "api", "social.example/116242278064339656", _STATUS),
    ("mastodon", "activitypub", "social.example/116242278064339656", _NOTE),
    ("reddit", "json", "7pfpeq", [{"data": {"children": [{"kind": "t3", "data": _THING | {
        "crosspost_parent": "t3_7pfpeq", "crosspost_parent_list": [_THING],
    }}]}}]),
    ("tiktok", "wayback", "6806030056956251397", {
        "__DEFAULT_SCOPE__": {"webapp.video-detail": {"itemInfo": {"itemStruct": _CLIPPED}}},
    }),
]  # fmt: skip


def _answer(network: str, source: str, url: str, payload: Any) -> Any:
    text = json.dumps(payload)
    if "/cdx/" in url:
        asked = (
            dict(re.findall(r"[?&](url)=([^&]+)", url))["url"]
            .replace("%2F", "/")
            .replace("%3A", ":")
            .replace("%40", "@")
        )
        kind = "text/html" if network == "tiktok" else "application/json"
        text = json.dumps([
            ["original", "timestamp", "mimetype", "statuscode", "digest"],
            [f"https://{asked}", "20240807104211", kind, "200", "A"],
        ])  # fmt: skip
    elif network == "tiktok":
        text = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{text}</script>'
    elif "/xrpc/" not in url and network == "bluesky":
        text = json.dumps({"id": _DID, "service": []})
    headers = {"memento-datetime": "Wed, 07 Aug 2024 10:42:11 GMT"} if "/web/20" in url else {}
    return capture(url, text.encode("utf-8", "surrogatepass"), 200, headers)


@settings(max_examples=150, deadline=None)
@example(seed=0)
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("shape", _SHAPES, ids=lambda shape: f"{shape[0]}-{shape[1]}")
def test_every_shape_bent_ends_in_a_post_a_named_absence_or_a_parse_error(
    shape: tuple[str, str, str, Any], seed: int
) -> None:
    network, name, id, payload = shape
    (source,) = [each for each in platforms()[network].sources() if each.name == name]
    ref, rng = PostRef(network, id), random.Random(seed)
    bent_payload = bent_value(payload, rng) if seed else payload
    look = source.look(ref, Claim(handle="jack"))
    try:
        request = next(look)
        while True:
            request = look.send(_answer(network, name, request.url, bent_payload))
    except ParseError:
        assert seed, "the shape itself is read"
        return
    except StopIteration as end:
        finding = end.value
    assert seed or finding.post is not None, finding
    for post in filter(None, (finding.post, *finding.also)):
        packed(post).encode("utf-8")
        assert set(parts(post)) <= set(source.gives), "what a source gives, it says (docs/platforms.md)"
