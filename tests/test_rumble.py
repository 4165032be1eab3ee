"""Rumble: an article's embed code or link to the film itself, and yt-dlp, which judges the simulated network."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest
from drive import capture
from test_peers import YT_DLP, kept, run  # noqa: F401  a fixture is found by its name

from archiver.articles import embeds
from archiver.model import Claim, Finding, Kind, Outcome, PostRef, Reason, Resolution
from archiver.platforms import recognise
from archiver.platforms.rumble import PLATFORM, read_video
from tests.commands import Run
from tests.simulator import World
from tests.simulator.hosts.rumble import Channel, Video
from tests.simulator.look import look

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)
REF = PostRef("rumble", "v5pv5f")


@pytest.fixture
def channel(world: World) -> Channel:
    return Channel(world)


@pytest.fixture
def video(channel: Channel) -> Video:
    return channel.publish("v5pv5f", "v5nkg6u", "The crane & the ferry", AT)


def found(world: World, ref: PostRef = REF) -> Finding:
    (source,) = PLATFORM.sources()
    return look(world, source.look(ref, Claim()))


def resolved(world: World, url: str) -> Resolution:
    assert PLATFORM.resolve is not None
    return look(world, PLATFORM.resolve(Claim(), url))


# --- in documents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://rumble.com/embed/v5pv5f/?pub=4",
        "https://www.rumble.com/embed/v5pv5f",
        "//rumble.com/embed/ufe9n.v5pv5f/",
        "https://web.archive.org/web/20240807104211/https://rumble.com/embed/v5pv5f/",
    ],
)
def test_every_form_of_an_embed_codes_address_is_read(url: str) -> None:
    assert recognise(url) == REF


@pytest.mark.parametrize(
    "url", ["https://rumble.com/c/HarbourWatch", "https://rumble.com/v5nkg6u-a-title.html", "https://rumble.com/videos"]
)
def test_channels_and_pages_are_no_ids_of_videos(url: str) -> None:
    assert recognise(url) is None


@pytest.mark.parametrize(
    "code",
    [
        '<iframe class="rumble" width="640" height="360" src="https://rumble.com/embed/v5pv5f/?pub=4"></iframe>',
        '<div id="rumble_v5pv5f"></div><script>Rumble("play", {"video":"v5pv5f","div":"rumble_v5pv5f"});</script>',
    ],
    ids=["frame", "script"],
)
def test_both_embed_codes_are_one_embed(code: str) -> None:
    shown = list(embeds(f"<article><p>See:</p>{code}</article>".encode(), location="a.html"))
    assert [(str(e.ref), e.kind) for e in shown] == [("rumble:v5pv5f", Kind.EMBED)]


def test_a_link_to_a_page_is_a_link_that_has_to_be_asked() -> None:
    (link,) = embeds(b'<article><a href="https://rumble.com/v5nkg6u-a-title.html">a</a></article>', location="a.html")
    assert (link.platform, link.kind, link.ref) == ("rumble", Kind.SHORTLINK, None)


# --- which video ----------------------------------------------------------------------------------------------------


def test_a_page_leads_to_its_own_embed_code(world: World, video: Video) -> None:
    answer = resolved(world, video.url)
    assert (answer.ref, answer.rung) == (REF, "page")
    assert answer.evidence[0].capture


def test_a_page_that_is_gone_or_names_several_leads_nowhere(world: World, channel: Channel, video: Video) -> None:
    channel.deleted.add(video.id)
    assert (resolved(world, video.url).ref, resolved(world, video.url).reason) == (None, Reason.LINK_DEAD)
    assert PLATFORM.resolve is not None
    steps = PLATFORM.resolve(Claim(), video.url)
    asked = next(steps)
    two = '{"embedUrl":"https://rumble.com/embed/v1aaaa/"},{"embedUrl":"https://rumble.com/embed/v2bbbb/"}'
    with pytest.raises(StopIteration) as end:
        steps.send(capture(asked.url, f"<script>{two}</script>"))
    answer = end.value.value
    assert (answer.ref, answer.reason, len(answer.candidates)) == (None, Reason.AMBIGUOUS, 2)


# --- what is shown --------------------------------------------------------------------------------------------------


def test_a_video_is_read_with_its_best_encoding_first(world: World, video: Video) -> None:
    post = found(world).post
    assert post is not None
    assert (post.text, post.author.name, post.author.handle, post.created_at) == (
        "The crane & the ferry",
        "Harbour",
        "HarbourWatch",
        AT,
    )
    (film,) = post.media
    assert (film.kind, film.width, film.height, film.duration) == ("video", 640, 360, 2.0)
    assert [each.rpartition("/")[2] for each in film.urls] == ["v5pv5f-360.mp4", "v5pv5f-240.mp4"]
    assert [(each.content_type, each.bitrate) for each in film.variants] == [
        ("video/mp4", 360_000),
        ("video/mp4", 240_000),
    ]
    assert world.get(film.urls[0]).payload == video.film(360)
    assert dict(post.extra)["captions"] == {"en": "https://sp.rmbl.example/v5pv5f.vtt"}


def test_no_video_is_no_word_of_deletion(world: World, channel: Channel, video: Video) -> None:
    channel.deleted.add(video.id)
    finding = found(world)
    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, Reason.UNKNOWN)


def test_a_message_of_the_systems_own_is_kept() -> None:
    finding = read_video(capture("", {"sys": {"msg": "This video is not available in your country"}}), REF)
    assert (finding.outcome, finding.tombstone) == (Outcome.UNKNOWN, "This video is not available in your country")


def test_a_broadcast_has_no_length_and_its_playlist_last() -> None:
    shown = {
        "title": "Live",
        "live": 2,
        "duration": 0,
        "ua": {"hls": [{"url": "https://a.example/live.m3u8"}], "mp4": [{"url": "https://a.example/1.mp4"}]},
    }
    post = read_video(capture("", shown), REF).post
    assert post is not None
    assert (post.media[0].urls[-1], post.media[0].duration) == ("https://a.example/live.m3u8", None)
    assert dict(post.extra)["is_live"] is True


# --- the command, and a peer ----------------------------------------------------------------------------------------


def test_an_article_with_a_frame_and_a_link_is_archived_once_with_its_film(
    video: Video, archiver: Run, home: Path
) -> None:
    (home / "a.html").write_text(
        f'<article><p>Seen:</p><iframe src="{video.embed}?pub=4"></iframe>'
        f'<p>Or <a href="{video.url}">here</a>.</p></article>'
    )
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}
    (post,) = json.loads(archiver("lookup", "--json", video.embed).stdout)["posts"]
    films = {each["sha256"] for each in post["media"] if each["kind"] == "video"}
    assert films == {hashlib.sha256(video.film(360)).hexdigest()}
    assert "sound" in archiver("verify").stdout


@pytest.mark.peers
@pytest.mark.parametrize("by", ["embed", "url"])
def test_yt_dlp_gets_the_same_film(video: Video, run, tmp_path, by: str) -> None:  # noqa: F811
    code, said = run(*YT_DLP, "-f", "mp4-360p", "--write-info-json", "-o", "got/%(id)s.%(ext)s", getattr(video, by))
    assert code == 0, said
    got = kept(tmp_path / "got")
    assert next(body for name, body in got.items() if name.endswith(".mp4")) == video.film(360)
    about = json.loads(next(body for name, body in got.items() if name.endswith(".json")))
    assert (about["title"], about["channel"], about["timestamp"]) == (
        "The crane & the ferry",
        "Harbour",
        int(AT.timestamp()),
    )
