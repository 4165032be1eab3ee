"""A film in segments is put together from its playlist, and what cannot be is left and named."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from drive import capture, drive
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver import hls, sniff
from archiver.errors import FetchError
from archiver.model import Body, Capture, Finding, Reason
from tests.commands import Run
from tests.simulator import World, media, video
from tests.simulator.hosts.bluesky import Record, Sky

AT = dt.datetime(2026, 3, 1, 6, 42, 7, tzinfo=dt.UTC)
HERE = "https://video.example/watch/a/"
END = "#EXT-X-ENDLIST"
HEAD = ("#EXTM3U", "#EXT-X-TARGETDURATION:1")


def playlist(*lines: str, at: str = "playlist.m3u8") -> dict[str, Capture]:
    return {HERE + at: capture(HERE + at, "\n".join(lines) + "\n")}


def served(**files: bytes) -> dict[str, Capture]:
    return {HERE + name.replace("_", "."): capture(HERE + name.replace("_", "."), body) for name, body in files.items()}


def put_together(web: dict[str, Capture | FetchError], at: str = "playlist.m3u8") -> hls.Film | Finding:
    start = web[HERE + at]
    assert isinstance(start, Capture)
    return drive(hls.film(start), web)


def left(web: dict[str, Capture | FetchError]) -> tuple[Reason, str]:
    found = put_together(web)
    assert isinstance(found, Finding)
    return found.reason, found.tombstone or ""


def frames(content: bytes) -> int:
    with av.open(io.BytesIO(content)) as film:
        return sum(1 for _ in film.decode(video=0))


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The top boxes of an MP4 file: (kind, the whole box)."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        yield content[at + 4 : at + 8], content[at : at + size]
        at += size


def fragmented(key: str, seconds: int) -> tuple[bytes, list[bytes]]:
    """A film as an initialization section and fragments, each with its frames."""
    out = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "fflags": "+bitexact"}
    with av.open(out, "w", format="mp4", options=options) as container:
        track = container.add_stream("libx264", rate=media.RATE)
        track.width, track.height, track.pix_fmt = 160, 120, "yuv420p"
        track.options = {"preset": "ultrafast", "x264-params": "keyint=10:scenecut=0"}
        for number, frame in enumerate(media._frames(key, 160, 120, seconds)):
            frame.pts = number
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    head, fragments = b"", []
    for kind, box in boxes(out.getvalue()):
        if kind in (b"ftyp", b"moov"):
            head += box
        elif kind == b"moof":
            fragments.append(box)
        elif kind == b"mdat":
            fragments[-1] += box
    return head, fragments


# --- what is put together -------------------------------------------------------------------------------------------


def test_transport_stream_segments_one_after_the_other_are_the_film() -> None:
    parts = [media.segment("crane", 160, 120, 3, number) for number in range(3)]
    web = playlist(*HEAD, "#EXTINF:1,", "0.ts", "#EXTINF:1,", "1.ts", "#EXTINF:1,", "2.ts", END)
    web |= {f"{HERE}{number}.ts": capture(f"{HERE}{number}.ts", part) for number, part in enumerate(parts)}
    film = put_together(web)
    assert isinstance(film, hls.Film)
    whole = hls.joined(film.pieces)
    assert (whole.sha256, whole.size) == (hashlib.sha256(b"".join(parts)).hexdigest(), sum(map(len, parts)))
    with whole.open() as stream:
        content = stream.read()
    assert content == b"".join(parts)
    assert frames(content) == 3 * media.RATE
    assert sniff.sniff(whole).type == "video/mp2t"


def test_fragments_stand_after_their_one_initialization_section() -> None:
    head, fragments = fragmented("crane", 3)
    assert len(fragments) == 3
    lines = [line for number in range(3) for line in ("#EXTINF:1,", f"{number}.m4s")]
    web = playlist(*HEAD, '#EXT-X-MAP:URI="init.mp4"', *lines, END)
    web |= served(init_mp4=head) | {
        f"{HERE}{number}.m4s": capture(f"{HERE}{number}.m4s", part) for number, part in enumerate(fragments)
    }
    film = put_together(web)
    assert isinstance(film, hls.Film)
    assert [piece.url.rpartition("/")[2] for piece in film.pieces] == ["init.mp4", "0.m4s", "1.m4s", "2.m4s"]
    whole = hls.joined(film.pieces)
    with whole.open() as stream:
        assert frames(stream.read()) == 3 * media.RATE
    assert sniff.sniff(whole).type == "video/mp4"


def test_ranges_of_one_file_from_its_beginning_are_that_file() -> None:
    head, fragments = fragmented("crane", 2)
    sizes = [len(part) for part in fragments]
    lines = [
        f'#EXT-X-MAP:URI="film.mp4",BYTERANGE="{len(head)}@0"',
        "#EXTINF:1,", f"#EXT-X-BYTERANGE:{sizes[0]}@{len(head)}", "film.mp4",
        "#EXTINF:1,", f"#EXT-X-BYTERANGE:{sizes[1]}", "film.mp4",
    ]  # fmt: skip
    film = put_together(playlist(*HEAD, *lines, END) | served(film_mp4=head + b"".join(fragments)))
    assert isinstance(film, hls.Film)
    assert [piece.url for piece in film.pieces] == [f"{HERE}film.mp4"]


def test_of_several_variants_the_largest_is_taken() -> None:
    web = playlist(
        "#EXTM3U",
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240", "low.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x480", "high.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=700000,RESOLUTION=640x480", "dim.m3u8",
    )  # fmt: skip
    web |= playlist(*HEAD, "#EXTINF:1,", "0.ts", END, at="high.m3u8") | served(**{"0_ts": b"G" * 188})
    film = put_together(web)
    assert isinstance(film, hls.Film)
    assert [each.url.rpartition("/")[2] for each in (*film.playlists, *film.pieces)] == [
        "playlist.m3u8", "high.m3u8", "0.ts",
    ]  # fmt: skip


# --- sound apart ----------------------------------------------------------------------------------------------------

APART = (
    "#EXTM3U",
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="fr",AUTOSELECT=YES,LANGUAGE="fr",URI="fr.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",URI="en.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="b",NAME="low",DEFAULT=YES,URI="low.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=320x240,AUDIO="b"', "small.m3u8",
    '#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=640x480,AUDIO="a"', "large.m3u8",
)  # fmt: skip


def apart() -> dict[str, Capture | FetchError]:
    web: dict[str, Capture | FetchError] = {**playlist(*APART)}
    web |= playlist(*HEAD, "#EXTINF:1,", "v0.ts", "#EXTINF:1,", "v1.ts", END, at="large.m3u8")
    web |= playlist(*HEAD, "#EXTINF:1,", "a0.aac", "#EXTINF:1,", "a1.aac", END, at="en.m3u8")
    for number in range(2):
        silent = media.segment("crane", 160, 120, 2, number, sound=False)
        web[f"{HERE}v{number}.ts"] = capture(f"{HERE}v{number}.ts", silent)
        web[f"{HERE}a{number}.aac"] = capture(f"{HERE}a{number}.aac", media.voice("crane", 2, number))
    return web


def streams(content: bytes) -> list[str]:
    with av.open(io.BytesIO(content)) as opened:
        return [each.type for each in opened.streams]


def seconds_heard(content: bytes) -> float:
    with av.open(io.BytesIO(content)) as opened:
        return sum(frame.samples for frame in opened.decode(audio=0)) / media.SAMPLES


def test_a_film_whose_sound_is_apart_is_two_files_each_of_which_plays() -> None:
    """The largest variant, and the sound of its own group that is played unasked."""
    film = put_together(apart())
    assert isinstance(film, hls.Film)
    assert film.sound is not None
    names = [each.url.removeprefix(HERE) for each in (*film.playlists, *film.pieces)]
    assert names == ["playlist.m3u8", "large.m3u8", "v0.ts", "v1.ts"]
    heard = [each.url.removeprefix(HERE) for each in (*film.sound.playlists, *film.sound.pieces)]
    assert heard == ["en.m3u8", "a0.aac", "a1.aac"]
    pictures, sound = hls.joined(film.pieces), hls.joined(film.sound.pieces)
    with pictures.open() as stream:
        content = stream.read()
    assert (streams(content), frames(content)) == (["video"], 2 * media.RATE)
    with sound.open() as stream:
        content = stream.read()
    assert streams(content) == ["audio"]
    assert 1.9 < seconds_heard(content) < 2.4
    assert (sniff.sniff(pictures).type, sniff.sniff(sound).type) == ("video/mp2t", "audio/aac")


def test_sound_alone_is_had_of_such_a_film_and_with_the_pictures_of_any_other() -> None:
    web = apart()
    start = web[f"{HERE}playlist.m3u8"]
    assert isinstance(start, Capture)
    sound = drive(hls.film(start, is_sound=True), web)
    assert isinstance(sound, hls.Film)
    assert [each.url.removeprefix(HERE) for each in sound.pieces] == ["a0.aac", "a1.aac"]
    whole = playlist("#EXTM3U", "#EXT-X-STREAM-INF:BANDWIDTH=1", "v.m3u8")
    whole |= playlist(*HEAD, "#EXTINF:1,", "0.ts", END, at="v.m3u8") | served(**{"0_ts": b"G" * 188})
    found = drive(hls.film(whole[f"{HERE}playlist.m3u8"], is_sound=True), whole)
    assert isinstance(found, hls.Film)
    assert [each.url.removeprefix(HERE) for each in found.pieces] == ["0.ts"]


def test_a_variant_that_holds_its_sound_goes_before_one_that_does_not() -> None:
    web = playlist(*APART, "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=160x120", "whole.m3u8")
    web |= playlist(*HEAD, "#EXTINF:1,", "0.ts", END, at="whole.m3u8") | served(**{"0_ts": b"G" * 188})
    film = put_together({**web})
    assert isinstance(film, hls.Film)
    assert (film.pieces[0].url, film.sound) == (f"{HERE}0.ts", None)


def test_a_film_without_its_sound_is_no_film() -> None:
    assert left(apart() | {f"{HERE}a1.aac": capture(f"{HERE}a1.aac", "later", 503)})[0] is Reason.SERVER_ERROR


def test_an_mp4_file_in_which_there_is_nothing_to_see_is_sound() -> None:
    assert sniff.sniff(Body.of(media.voice("crane", 1, 0, "mp4"))).type == "audio/mp4"
    assert sniff.sniff(Body.of(media.video("crane", 160, 120, 1))).type == "video/mp4"


# --- what is left ---------------------------------------------------------------------------------------------------

ONE = ("#EXTINF:1,", "0.ts")
LEFT = {
    "encrypted": ((*HEAD, '#EXT-X-KEY:METHOD=AES-128,URI="k"', *ONE, END), Reason.ENCRYPTED, "encrypted"),
    "under way": ((*HEAD, *ONE), Reason.LIVE, "under way"),
    "without segments": ((*HEAD, END), Reason.UNREADABLE, "without segments"),
    "with a gap": ((*HEAD, "#EXT-X-GAP", *ONE, END), Reason.UNREADABLE, "missing"),
    "too many": ((*HEAD, *ONE * (hls.MAX_SEGMENTS + 1), END), Reason.TOO_LARGE, "4001 segments"),
    "too long": ((*HEAD, "#EXTINF:99999,", "0.ts", END), Reason.TOO_LARGE, "longer"),
    "of several films": (
        (*HEAD, '#EXT-X-MAP:URI="a.mp4"', *ONE, '#EXT-X-MAP:URI="b.mp4"', *ONE, END), Reason.UNREADABLE, "several",
    ),
    "ranges from the middle": ((*HEAD, "#EXTINF:1,", "#EXT-X-BYTERANGE:9@5", "a.ts", END), Reason.UNREADABLE, "ranges"),
    "pictures apart": (
        ("#EXTM3U", '#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="a",NAME="a",URI="a.m3u8"',
         '#EXT-X-STREAM-INF:BANDWIDTH=1,VIDEO="a"', "v.m3u8"), Reason.UNREADABLE, "of their own",
    ),
    "no playlist": (("<html>sorry</html>",), Reason.UNREADABLE, "no playlist"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_what_does_not_make_a_file_is_left_and_named(name: str) -> None:
    lines, reason, words = LEFT[name]
    said = left({**playlist(*lines)})
    assert said[0] is reason
    assert words in said[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (capture(f"{HERE}1.ts", "gone", 404), Reason.NOT_FOUND),
        (capture(f"{HERE}1.ts", "wait", 429), Reason.RATE_LIMITED),
        (capture(f"{HERE}1.ts", "later", 503), Reason.SERVER_ERROR),
        (FetchError("silent", reason="timeout"), Reason.TIMEOUT),
    ],
)
def test_a_film_lacking_a_segment_is_no_film(answer: Capture | FetchError, reason: Reason) -> None:
    web: dict[str, Capture | FetchError] = {**playlist(*HEAD, *ONE, "#EXTINF:1,", "1.ts", END)}
    web |= served(**{"0_ts": b"G" * 188})
    assert left({**web, f"{HERE}1.ts": answer})[0] is reason


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
def test_no_playlist_is_an_error(noise: bytes) -> None:
    look = hls.film(capture(HERE, b"#EXTM3U\n" + noise))
    with contextlib.suppress(StopIteration):
        next(look)
    assert isinstance(hls.is_playlist(Body.of(noise)), bool)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(0, 200), st.integers(0, 200))
def test_the_chain_of_pieces_reads_as_their_bytes_from_anywhere(parts: list[bytes], start: int, length: int) -> None:
    whole = b"".join(parts)
    with hls.chained([Body.of(part) for part in parts]) as stream:
        stream.seek(start)
        assert stream.read(length) == whole[start : start + length]
        assert stream.seek(0, io.SEEK_END) == len(whole)


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sky(world: World) -> Sky:
    made = Sky(world)
    made.has_blobs = False
    return made


@pytest.fixture
def post(sky: Sky, home: Path) -> Record:
    made = sky.post("porthaven.example", "It falls", AT, [video(alt="a fall", seconds=3)])
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(made)}</article>")
    return made


def film_of(archiver: Run, post: Record) -> dict[str, Any]:
    (found,) = json.loads(archiver("lookup", "--json", post.uri).stdout)["posts"]
    (film,) = [each for each in found["media"] if each["kind"] == "video"]
    shown: dict[str, Any] = film
    return shown


def test_a_film_whose_original_is_gone_is_kept_from_its_segments(
    post: Record, archiver: Run, home: Path, world: World
) -> None:
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 1}
    film = film_of(archiver, post)
    assert (film["type"], film["reason"]) == ("video/mp2t", "ok")
    archiver("lookup", "--save-media", "out", post.uri)
    (file,) = [each for each in (home / "out").iterdir() if each.name.startswith(film["sha256"])]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == film["sha256"]
    assert frames(file.read_bytes()) == 3 * media.RATE
    asked = [each.path for each in world.asked("video.bsky.app") if each.path.endswith(".ts")]
    assert [path.rpartition("/")[2] for path in asked] == ["0.ts", "1.ts", "2.ts"]
    assert all("/720p/" in path for path in asked)


def test_a_film_in_pieces_is_verified_exported_merged_and_reread(post: Record, archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html")
    film = film_of(archiver, post)["sha256"]
    assert "sound" in archiver("verify").stdout
    archiver("export", "warc", "--out", "all.warc.gz", "--post", post.uri)
    said = archiver("verify", "all.warc.gz").stdout
    assert said
    archiver("merge", "archive.db", "--out", "both.db")
    assert "sound" in archiver("verify", "--archive", "both.db").stdout
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("DELETE FROM piece")
        db.execute("UPDATE media SET sha256 = NULL, reason = 'unreadable', type = NULL WHERE kind = 'video'")
        db.commit()
    archiver("reread")
    assert film_of(archiver, post)["sha256"] == film
    assert "sound" in archiver("verify").stdout


def test_pieces_that_make_another_film_are_found_out(post: Record, archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html")
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("UPDATE piece SET seq = CASE seq WHEN 0 THEN 99 ELSE seq END")
        db.commit()
    said = archiver("verify", expect=1)
    assert "film" in said.stdout
    assert "other bytes than its pieces make" in said.stdout


def test_an_erased_film_leaves_no_segment(post: Record, archiver: Run, home: Path) -> None:
    archiver("run", "--once", "a.html")
    archiver("erase", post.uri, "--reason", "a court order", "--yes")
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        assert db.execute("SELECT count(*) FROM piece").fetchone() == (0,)
        segments = db.execute("SELECT payload FROM capture WHERE url LIKE '%.ts'").fetchall()
        gone = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'blob'")}
    assert len(segments) == 3
    assert {row[0] for row in segments} <= gone
    assert "sound" in archiver("verify").stdout


@pytest.mark.parametrize(("kind", "reason"), [("encrypted", "encrypted"), ("live", "live")])
def test_encrypted_films_and_broadcasts_are_named_and_left(
    sky: Sky, post: Record, archiver: Run, kind: str, reason: str
) -> None:
    sky.hls = kind
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert (report["states"], report["reasons"]) == ({"partial": 1}, {"partial": {"media-missing": 1}})
    assert film_of(archiver, post)["reason"] == reason


def test_a_film_whose_sound_is_apart_is_kept_with_it(sky: Sky, post: Record, archiver: Run, home: Path) -> None:
    """Two media of the post, each playable, which every other command knows."""
    sky.hls = "apart"
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 1}

    def kept() -> dict[str, dict[str, Any]]:
        (found,) = json.loads(archiver("lookup", "--json", post.uri).stdout)["posts"]
        return {each["kind"]: each for each in found["media"]}

    film, sound = kept()["video"], kept()["audio"]
    assert (film["type"], sound["type"], sound["key"]) == ("video/mp2t", "audio/aac", f"{film['key']}.sound")
    archiver("lookup", "--save-media", "out", post.uri)
    files = {each.name.partition(".")[0]: each.read_bytes() for each in (home / "out").iterdir()}
    (pictures,) = [content for name, content in files.items() if name.startswith(film["sha256"])]
    (heard,) = [content for name, content in files.items() if name.startswith(sound["sha256"])]
    assert (streams(pictures), frames(pictures)) == (["video"], 3 * media.RATE)
    assert (streams(heard), 2.9 < seconds_heard(heard) < 3.4) == (["audio"], True)
    assert "sound" in archiver("verify").stdout
    archiver("export", "warc", "--out", "all.warc.gz", "--post", post.uri)
    assert b"/sound/2.aac" in gzip.decompress((home / "all.warc.gz").read_bytes())
    archiver("merge", "archive.db", "--out", "both.db")
    assert "sound" in archiver("verify", "--archive", "both.db").stdout
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("DELETE FROM piece")
        db.execute("DELETE FROM media WHERE kind = 'audio'")
        db.execute("UPDATE media SET sha256 = NULL, reason = 'unreadable', type = NULL WHERE kind = 'video'")
        db.commit()
    archiver("reread")
    assert (kept()["video"]["sha256"], kept()["audio"]["sha256"]) == (film["sha256"], sound["sha256"])
    archiver("erase", post.uri, "--reason", "a court order", "--yes")
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        assert db.execute("SELECT count(*) FROM piece").fetchone() == (0,)
        left_over = db.execute("SELECT payload FROM capture WHERE url LIKE '%.aac'").fetchall()
        gone = {row[0] for row in db.execute("SELECT name FROM erasure WHERE kind = 'blob'")}
    assert {row[0] for row in left_over} <= gone


def test_a_film_whose_file_is_silent_is_kept_with_the_sound_of_its_playlist(
    world: World, archiver: Run, home: Path
) -> None:
    """Reddit's MP4 has no sound; the film's playlist leads to it."""
    shared = world.share("reddit", "abc123", "It falls", AT, [video(seconds=2)], has_audio=True)
    there = f"https://v.redd.it/{shared.media[0].key}"
    kind = "application/vnd.apple.mpegurl"
    master = "\n".join(
        ("#EXTM3U", '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="6",NAME="a",DEFAULT=YES,URI="HLS_AUDIO.m3u8"',
         '#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x480,AUDIO="6"', "HLS_480.m3u8", "")
    )  # fmt: skip
    listed = "\n".join((*HEAD, "#EXTINF:1,", "HLS_AUDIO_0.aac", "#EXTINF:1,", "HLS_AUDIO_1.aac", END, ""))
    world.files[f"{there}/HLSPlaylist.m3u8?a=1"] = (shared, kind, master.encode())
    world.files[f"{there}/HLS_AUDIO.m3u8"] = (shared, kind, listed.encode())
    for number in range(2):
        name = f"{there}/HLS_AUDIO_{number}.aac"
        world.files[name] = (shared, "audio/aac", media.voice("crane", 2, number))
    url = "https://www.reddit.com/r/harbours/comments/abc123/a_title/"
    (home / "a.html").write_text(f'<article><p>As <a href="{url}">they wrote</a>.</p></article>')
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 1}
    (found,) = json.loads(archiver("lookup", "--json", "reddit:abc123").stdout)["posts"]
    assert {each["kind"]: each["type"] for each in found["media"]} == {"video": "video/mp4", "audio": "audio/aac"}
    assert "sound" in archiver("verify").stdout
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []
