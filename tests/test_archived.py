"""What the Wayback Machine kept of a post is read as the post was then; what decides nothing is passed over."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import Path

import pytest
from drive import capture
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver import archived
from archiver.errors import ParseError
from archiver.model import Claim, Finding, Outcome, PostRef, Rank, Reason
from archiver.platforms import mastodon, platforms, tiktok, youtube
from archiver.platforms.bluesky.sources import read_archived as read_bluesky
from tests.commands import Run
from tests.simulator import World, pages, photo
from tests.simulator.hosts.bluesky import Record, Sky
from tests.simulator.hosts.mastodon import Fediverse, Status
from tests.simulator.look import look
from tests.simulator.networks import Shared

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
KEPT = AT + dt.timedelta(days=2)
VIDEO, CLIP = "dQw4w9WgXcQ", "7170520270497680683"


def found(world: World, ref: PostRef, handle: str | None = None) -> Finding:
    (source,) = [each for each in platforms()[ref.platform].sources() if each.name == "wayback"]
    assert (source.rank, source.is_last_resort) == (Rank.ARCHIVE, True)
    return look(world, source.look(ref, Claim(handle=handle)))


@pytest.fixture
def sky(world: World) -> Sky:
    return Sky(world)


@pytest.fixture
def record(sky: Sky) -> Record:
    return sky.post("porthaven.example", "Crane <4> is down", AT, [photo(alt="a crane")], name="Porthaven 🏗")


@pytest.fixture
def status(world: World) -> Status:
    return Fediverse(world).post("social.example", "port", "Crane <4> is down\n\nat dawn", AT, name="Porthaven")


@pytest.fixture
def film(world: World) -> Shared:
    return world.share("youtube", VIDEO, "The crane & the ferry", AT, handle="harbourwatch", author="Harbour")


@pytest.fixture
def clip(world: World) -> Shared:
    return world.share("tiktok", CLIP, "Dancing #crane", AT, handle="sigmachad", author="Sigma")


# --- what is read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", "?ref_src=embed"])
@pytest.mark.parametrize("by", ["handle", "did"])
def test_a_bluesky_post_is_read_from_its_archived_page(world: World, record: Record, by: str, suffix: str) -> None:
    actor = record.account.handle if by == "handle" else record.account.did
    world.memento(f"https://bsky.app/profile/{actor}/post/{record.key}{suffix}", KEPT, pages.bluesky(record))
    finding = found(world, PostRef("bluesky", record.id), record.account.handle)
    assert (finding.outcome, finding.observed_at) == (Outcome.FOUND, KEPT)
    post = finding.post
    assert post is not None
    assert (post.text, post.author.handle, post.author.id, post.author.name) == (
        "Crane <4> is down", "porthaven.example", record.account.did, "Porthaven 🏗",
    )  # fmt: skip
    (picture,) = post.media
    assert "/img/feed_thumbnail/" in picture.urls[0]
    assert picture.urls[1].startswith("https://web.archive.org/web/")


def test_an_archived_answer_of_the_appview_is_read_with_its_record_proved(world: World, record: Record) -> None:
    asked = f"https://public.api.bsky.app/xrpc/app.bsky.feed.getPosts?uris={record.uri}"
    world.memento(asked, KEPT, world.get(asked).body, mime="application/json")
    post = found(world, PostRef("bluesky", record.id)).post
    assert post is not None
    assert (post.text, dict(post.extra)["cid_verified"]) == ("Crane <4> is down", True)


def test_a_page_under_a_handle_that_passed_to_another_account_is_not_taken_for_it(world: World, record: Record) -> None:
    ours = PostRef("bluesky", f"did:plc:{'a' * 24}/{record.key}")
    world.memento(f"https://bsky.app/profile/porthaven.example/post/{record.key}", KEPT, pages.bluesky(record))
    finding = found(world, ours, "porthaven.example")
    assert (finding.outcome, finding.post) == (Outcome.UNKNOWN, None)


def test_what_its_author_hides_from_strangers_is_not_read_from_an_archive(world: World, record: Record) -> None:
    hidden = pages.bluesky(record, hides=True)
    world.memento(f"https://bsky.app/profile/porthaven.example/post/{record.key}", KEPT, hidden)
    assert found(world, PostRef("bluesky", record.id), "porthaven.example").post is None
    read = read_bluesky(capture("https://bsky.app/", hidden), PostRef("bluesky", record.id))
    assert (read.outcome, read.reason) == (Outcome.HIDDEN, Reason.LOGIN_WALL)


@pytest.mark.parametrize("form", ["old", "new"])
def test_a_status_is_read_from_its_archived_page(world: World, status: Status, form: str) -> None:
    world.memento(f"https://social.example/@port/{status.id}", KEPT, pages.mastodon(status, form))
    post = found(world, PostRef("mastodon", f"social.example/{status.id}"), "port").post
    assert post is not None
    assert (post.text, post.author.handle, post.author.name, post.created_at) == (
        "Crane <4> is down\n\nat dawn", "port", "Porthaven", AT,
    )  # fmt: skip
    assert post.media == (), "the author's own picture is none of the post's"
    assert post.is_truncated is (form == "new")


def test_a_status_is_read_from_an_archived_answer_of_its_server(world: World, status: Status) -> None:
    asked = f"https://social.example/api/v1/statuses/{status.id}"
    world.memento(asked, KEPT, world.get(asked).body, mime="application/json")
    finding = found(world, PostRef("mastodon", f"social.example/{status.id}"))
    assert finding.post is not None
    assert finding.post.text == "Crane <4> is down\n\nat dawn"


def test_a_video_is_read_from_its_archived_watch_page(world: World, film: Shared) -> None:
    world.memento(f"https://www.youtube.com/watch?v={VIDEO}", KEPT, pages.youtube(film))
    post = found(world, PostRef("youtube", VIDEO)).post
    assert post is not None
    assert (post.text, post.author.handle, post.author.name, post.created_at) == (
        "The crane & the ferry", "harbourwatch", "Harbour", AT,
    )  # fmt: skip
    assert dict(post.extra)["description"] == "At dawn; nobody was hurt."
    assert dict(post.extra)["captions"] == {"en": f"https://www.youtube.com/api/timedtext?v={VIDEO}&lang=en"}
    assert dict(post.counts) == {"views": 12345}
    still, shown = post.media
    assert (still.urls[0].rpartition("/")[2], shown.urls, shown.duration) == ("hqdefault.jpg", (), 42.0)


@pytest.mark.parametrize("form", ["universal", "sigi"])
def test_a_clip_is_read_from_its_archived_page(world: World, clip: Shared, form: str) -> None:
    world.memento(f"https://www.tiktok.com/@sigmachad/video/{CLIP}", KEPT, pages.tiktok(clip, form))
    post = found(world, PostRef("tiktok", CLIP), "sigmachad").post
    assert post is not None
    assert (post.text, post.author.handle, post.author.name, post.author.id, post.created_at) == (
        "Dancing #crane", "sigmachad", "Sigma", "6812345", AT,
    )  # fmt: skip
    assert [each.kind for each in post.media] == ["photo", "video"]
    assert dict(post.counts) == {"likes": 5, "reposts": 2, "replies": 3, "views": 900}


def kept_clip(**more: object):
    clip = {
        "id": CLIP,
        "desc": "Dancing",
        "createTime": "1722975420",
        "author": {"id": "6", "uniqueId": "sigmachad"},
        **more,
    }
    state = json.dumps({"__DEFAULT_SCOPE__": {"webapp.video-detail": {"itemInfo": {"itemStruct": clip}}}})
    page = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{state}</script>'
    return tiktok.read_archived(capture("https://www.tiktok.com/", page), PostRef("tiktok", CLIP)).post


def test_every_encoding_of_a_clip_is_listed_the_largest_first() -> None:
    def encoding(name: str, wide: int, bits: int) -> dict[str, object]:
        urls = [f"https://v{host}.example/{name}.mp4" for host in (1, 2)]
        return {"Bitrate": bits, "PlayAddr": {"Width": wide, "Height": wide * 2, "UrlList": urls}}

    video = {
        "width": 360, "height": 640, "duration": 12, "playAddr": [{"src": "https://v1.example/play.mp4"}],
        "bitrateInfo": [encoding("small", 360, 900), encoding("large", 720, 2000), encoding("lean", 720, 1000)],
        "subtitleInfos": [{"LanguageCodeName": "eng-US", "Url": "https://v1.example/eng.vtt", "Format": "webvtt"}],
    }  # fmt: skip
    post = kept_clip(video=video, statsV2={"diggCount": "5", "playCount": "900"})
    (film,) = post.media
    assert [url.rpartition("/")[2] for url in film.urls] == [
        "large.mp4", "large.mp4", "lean.mp4", "lean.mp4", "small.mp4", "small.mp4", "play.mp4",
    ]  # fmt: skip
    assert [each.bitrate for each in film.variants] == [2000, 2000, 1000, 1000, 900, 900]
    assert dict(post.extra)["captions"] == {"eng-US": "https://v1.example/eng.vtt"}
    assert dict(post.counts) == {"likes": 5, "views": 900}


def test_the_pictures_of_a_tiktok_have_their_size_and_every_address() -> None:
    urls = ["https://p1.example/a.webp", "https://p2.example/a.webp"]
    post = kept_clip(imagePost={"images": [{"imageURL": {"urlList": urls}, "imageWidth": 1080, "imageHeight": 1920}]})
    assert [(each.kind, list(each.urls), each.width, each.height) for each in post.media] == [
        ("photo", urls, 1080, 1920)
    ]
    assert post.url == f"https://www.tiktok.com/@sigmachad/photo/{CLIP}"


def test_an_archived_redirect_leads_to_the_address_that_was_kept(world: World) -> None:
    post = world.share("reddit", "abc123", "A title\n\nThe text", AT, handle="crane_spotter", subreddit="harbours")
    page = f"https://www.reddit.com/r/harbours/comments/{post.name}/a_title"
    world.memento("https://redd.it/abc123", KEPT, b"", status=301, headers=(("location", page + "/"),))
    body = world.get(f"https://www.reddit.com/comments/{post.name}/.json?raw_json=1&limit=1").body
    world.memento(f"{page}/.json", KEPT, body, mime="application/json")
    world.memento(page, KEPT, pages.SHELL)
    finding = found(world, PostRef("reddit", "abc123"))
    assert finding.post is not None
    assert finding.post.text == "A title\n\nThe text"


# --- what decides nothing -------------------------------------------------------------------------------------------

PLACES = {
    "bluesky": ("https://bsky.app/profile/porthaven.example/post/{key}", "porthaven.example"),
    "mastodon": ("https://social.example/@port/{key}", "port"),
    "youtube": ("https://www.youtube.com/watch?v={key}", None),
    "tiktok": ("https://www.tiktok.com/@sigmachad/video/{key}", "sigmachad"),
    "reddit": ("https://www.reddit.com/comments/{key}", None),
    "telegram": ("https://t.me/{key}?embed=1", None),
}
IDS = {
    "bluesky": f"did:plc:{'a' * 24}/3leyztswv5k2q", "mastodon": "social.example/112083281191909486", "youtube": VIDEO,
    "tiktok": CLIP, "reddit": "abc123", "telegram": "harbourwatch/12",
}  # fmt: skip


@pytest.mark.parametrize("page", ["SHELL", "LOGIN", "CONSENT"])
@pytest.mark.parametrize("network", PLACES)
def test_an_archived_shell_or_login_page_is_passed_over(world: World, network: str, page: str) -> None:
    place, handle = PLACES[network]
    key = IDS[network] if network == "telegram" else IDS[network].rpartition("/")[2]
    world.memento(place.format(key=key), KEPT, getattr(pages, page))
    finding = found(world, PostRef(network, IDS[network]), handle)
    assert (finding.outcome, finding.reason, finding.post) == (Outcome.UNKNOWN, Reason.UNKNOWN, None)


@pytest.mark.parametrize("status", [404, 410, 429, 503])
@pytest.mark.parametrize("network", PLACES)
def test_an_archived_refusal_or_absence_proves_nothing(world: World, network: str, status: int) -> None:
    place, handle = PLACES[network]
    key = IDS[network] if network == "telegram" else IDS[network].rpartition("/")[2]
    world.memento(place.format(key=key), KEPT, "gone", status=status)
    finding = found(world, PostRef(network, IDS[network]), handle)
    assert (finding.outcome, finding.post) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize("network", PLACES)
def test_what_was_never_archived_is_said_to_be_so_within_the_budget(world: World, network: str) -> None:
    finding = found(world, PostRef(network, IDS[network]), PLACES[network][1])
    assert (finding.outcome, finding.reason) == (Outcome.ABSENT, Reason.NOT_ARCHIVED)
    assert 1 <= len(world.log) <= archived.MAX_QUERIES


@pytest.mark.parametrize("network", PLACES)
def test_an_archive_that_asks_to_wait_says_nothing(world: World, network: str) -> None:
    world.trouble("web.archive.org", status=429)
    finding = found(world, PostRef(network, IDS[network]), PLACES[network][1])
    assert (finding.outcome, finding.reason) == (Outcome.REFUSED, Reason.RATE_LIMITED)
    assert len(world.log) == 1, "a refusal is not asked again"


def test_a_longer_id_that_begins_the_same_is_another_post(world: World, status: Status) -> None:
    world.memento(f"https://social.example/@port/{status.id}9", KEPT, pages.mastodon(status))
    finding = found(world, PostRef("mastodon", f"social.example/{status.id}"), "port")
    assert finding.reason is Reason.NOT_ARCHIVED


READERS = {
    "bluesky": read_bluesky, "mastodon": mastodon.read_archived, "youtube": youtube.read_archived,
    "tiktok": tiktok.read_archived,
}  # fmt: skip
PIECES = st.sampled_from(
    [
        "<html>", "<meta property='og:url' content='https://social.example/@port/112083281191909486'>",
        f"<meta property='og:url' content='https://bsky.app/profile/{IDS['bluesky'].replace('/', '/post/')}'>",
        "<meta property='og:description' content='words'>", "<p id='bsky_post_text'>", "<p id='bsky_did'>",
        "<div class='detailed-status'>", "<div class='e-content'>", "<time datetime='9999-99-99'>", "</div>",
        "ytInitialPlayerResponse = {", '"videoDetails":', f'{{"videoId":"{VIDEO}"', "}}", "[", ":", ",", "null",
        '<script id="SIGI_STATE">', f'{{"ItemModule":{{"{CLIP}":', f'{{"id":"{CLIP}"', "</script>", "&#xD800;",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=20))
def test_any_page_ends_in_a_finding_or_a_parse_error(network: str, parts: list[str]) -> None:
    page = capture("https://web.archive.org/", "".join(parts).encode("utf-8", "replace"))
    with contextlib.suppress(ParseError):
        finding = READERS[network](page, PostRef(network, IDS[network]))
        assert finding.post is None or finding.post.ref == PostRef(network, IDS[network])


# --- the command ----------------------------------------------------------------------------------------------------


def test_a_deleted_post_is_archived_from_its_archived_page_and_says_so(
    world: World, sky: Sky, record: Record, archiver: Run, home: Path
) -> None:
    sky.delete(record)
    world.memento(f"https://bsky.app/profile/porthaven.example/post/{record.key}", KEPT, pages.bluesky(record))
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(record)}</article>")
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert set(report["states"]) <= {"partial", "archived"}
    (post,) = json.loads(archiver("lookup", "--json", record.uri).stdout)["posts"]
    (snapshot,) = post["snapshots"]
    assert (snapshot["source"], snapshot["rank"]) == ("wayback", "archive")
    assert snapshot["observed_at"].startswith("2024-08-09T10:42:11")


def test_a_post_that_the_platform_shows_is_not_asked_of_the_archive(
    world: World, film: Shared, archiver: Run, home: Path
) -> None:
    """oEmbed shows a video's title and still: the archive, which is slow, is not asked for the rest."""
    (home / "a.html").write_text(f"<article><iframe src='https://www.youtube.com/embed/{VIDEO}'></iframe></article>")
    archiver("run", "--once", "a.html")
    assert world.asked("web.archive.org") == ()
