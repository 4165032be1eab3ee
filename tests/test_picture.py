"""A picture is found again by its looks, whatever became of its bytes; a hostile file is nothing to look at."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from archiver import picture
from archiver.model import Body
from tests.commands import Run
from tests.pace import within
from tests.simulator import World, media
from tests.simulator import photo as shot
from tests.simulator.hosts.bluesky import Record, Sky

AT = dt.datetime(2026, 3, 1, 6, 42, 7, tzinfo=dt.UTC)
CRANE = media.photo("crane", 1200, 800)


def saved(content: bytes, format: str = "JPEG", *, scale: float = 1.0, **how: object) -> bytes:
    """The same picture as somebody else would save it."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        size = (round(image.width * scale), round(image.height * scale))
        image.resize(size).convert("RGB").save(out, format, **how)
    return out.getvalue()


def pdq(content: bytes) -> picture.Likeness:
    seen = picture.likeness(Body.of(content))
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    "copy",
    [
        saved(CRANE, quality=30),
        saved(CRANE, "PNG"),
        saved(CRANE, "WEBP", quality=60),
        saved(CRANE, scale=0.25),
        saved(CRANE, scale=2.5, quality=70),
    ],
    ids=["worse", "PNG", "WebP", "smaller", "larger"],
)
def test_the_same_picture_saved_otherwise_is_the_same_picture(copy: bytes) -> None:
    assert pdq(CRANE).distance(pdq(copy).pdq) <= picture.SAME


def test_other_pictures_are_far_apart() -> None:
    seen = [picture.likeness(Body.of(media.photo(f"picture {number}", 600, 400))) for number in range(12)]
    hashes = [each for each in seen if each is not None]
    assert len(hashes) > 8
    apart = [a.distance(b.pdq) for at, a in enumerate(hashes) for b in hashes[:at]]
    assert min(apart) > picture.SAME


def test_a_picture_stored_on_its_side_is_seen_as_it_is_shown() -> None:
    turned = io.BytesIO()
    with Image.open(io.BytesIO(CRANE)) as image:
        exif = Image.Exif()
        exif[0x0112] = 6  # to be shown a quarter turn clockwise
        image.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif)
    assert pdq(CRANE).distance(pdq(turned.getvalue()).pdq) <= picture.SAME


def test_a_picture_with_nothing_in_it_resembles_nothing() -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "navy").save(out, "PNG")
    assert picture.likeness(Body.of(out.getvalue())) is None


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be that large."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (64_000_001, 1), (2**31 - 1, 2**31 - 1)])
def test_a_file_that_claims_more_pixels_than_are_decoded_is_left_alone(size: tuple[int, int]) -> None:
    def look() -> None:
        assert picture.likeness(Body.of(bomb(*size))) is None

    within(1, look)


def test_a_file_too_large_to_be_held_is_not_read() -> None:
    def read() -> io.BytesIO:
        raise AssertionError("was opened")

    assert picture.likeness(Body("0" * 64, picture.MAX_BYTES + 1, read)) is None


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(CRANE) - 1))
def test_no_bytes_are_an_error(noise: bytes, at: int) -> None:
    picture.likeness(Body.of(noise))
    picture.likeness(Body.of(CRANE[:at] + noise + CRANE[at + len(noise) :]))


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sky(world: World) -> Sky:
    return Sky(world)


@pytest.fixture
def post(sky: Sky, archiver: Run, home: Path) -> Record:
    made = sky.post("porthaven.example", "The crane", AT, [shot(alt="a crane"), shot(640, 480, "png")])
    other = sky.post("porthaven.example", "Something else", AT, [shot(800, 800)])
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(made)}{sky.embed_code(other)}</article>")
    archiver("run", "--once", "a.html")
    return made


def test_a_picture_saved_otherwise_leads_to_the_post_that_shows_it(post: Record, archiver: Run, home: Path) -> None:
    (home / "copy.jpg").write_bytes(saved(post.media[0][1], scale=0.5, quality=40))
    (found,) = json.loads(archiver("lookup", "--json", "copy.jpg").stdout)["posts"]
    assert found["id"] == post.id
    assert found["alike"]["sha256"] in {media["sha256"] for media in found["media"]}
    assert 0 <= found["alike"]["distance"] <= picture.SAME
    assert "of 256 bits apart" in archiver("lookup", "copy.jpg").stdout


def test_the_file_itself_is_found_by_its_digest_and_by_its_looks(post: Record, archiver: Run, home: Path) -> None:
    (home / "same.png").write_bytes(post.media[1][1])
    (found,) = json.loads(archiver("lookup", "--json", "same.png").stdout)["posts"]
    assert (found["id"], found["alike"]["distance"]) == (post.id, 0)


def test_another_picture_leads_nowhere_and_a_broken_one_is_named(post: Record, archiver: Run, home: Path) -> None:
    (home / "other.jpg").write_bytes(media.photo("never seen", 500, 500))
    assert "holds nothing" in archiver("lookup", "other.jpg", expect=1).stderr
    (home / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    assert "no picture" in archiver("lookup", "broken.jpg", expect=1).stderr


def hashes(home: Path) -> dict[str, bytes]:
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        return dict(db.execute("SELECT sha256, pdq FROM picture").fetchall())


def test_hashes_are_opinions_that_rereading_brings_back(post: Record, archiver: Run, home: Path) -> None:
    kept = hashes(home)
    assert len(kept) == 3
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("DELETE FROM picture")
        db.commit()
    assert json.loads(archiver("reread", "--json").stdout)["counts"] == {"picture added": 3}
    assert hashes(home) == kept
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []


def test_an_erased_picture_is_recognised_no_more(post: Record, archiver: Run, home: Path) -> None:
    archiver("erase", post.uri, "--reason", "a court order", "--yes")
    assert len(hashes(home)) == 1
    (home / "copy.jpg").write_bytes(saved(post.media[0][1], scale=0.5))
    archiver("lookup", "copy.jpg", expect=1)


def test_merged_archives_recognise_what_either_did(post: Record, archiver: Run, home: Path) -> None:
    archiver("merge", "archive.db", "--out", "both.db")
    (home / "copy.jpg").write_bytes(saved(post.media[0][1], scale=0.5))
    (found,) = json.loads(archiver("lookup", "--archive", "both.db", "--json", "copy.jpg").stdout)["posts"]
    assert found["id"] == post.id
