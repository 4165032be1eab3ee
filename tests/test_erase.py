"""What was erased is in no file of the archive any more, and the ledger still holds and says so."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from archiver.store import connect_to_read
from tests.commands import Run
from tests.simulator.world import World
from tests.test_path import small

__all__ = ["small"]

REASON = "a court order of 2026-11-02"
WORDS = b"Crane four has come down across the ferry berth."


@pytest.fixture
def archive(small: dict[str, Any], world: World, archiver: Run, home: Path) -> Path:
    archiver("run", "--once", "a.html", "b.txt")
    return home / "archive.db"


def pieces(content: bytes, size: int = 16) -> set[bytes]:
    return {content[at : at + size] for at in range(len(content) - size + 1)}


def found_in(archive: Path, wanted: set[bytes], size: int = 16) -> list[str]:
    """The files of the archive that hold any of these."""
    found = []
    for file in sorted(archive.parent.glob(archive.name + "*")):
        content = file.read_bytes()
        if any(content[at : at + size] in wanted for at in range(len(content) - size + 1)):
            found.append(file.name)
    return found


def media_of(archive: Path) -> bytes:
    """The picture of the first post, as it lies in the archive."""
    with contextlib.closing(connect_to_read(archive)) as db:
        (data,) = db.execute(
            "SELECT data FROM media JOIN snapshot ON snapshot.id = media.snapshot "
            "JOIN blob_chunk ON blob = media.sha256 "
            "JOIN chunk ON chunk.sha256 = chunk JOIN post ON post.id = snapshot.post "
            "WHERE text LIKE 'Crane%' LIMIT 1"
        ).fetchone()
    return bytes(data)


def test_no_piece_of_what_was_erased_is_left_in_any_file(archive: Path, archiver: Run, small: dict[str, Any]) -> None:
    other = small["gone"].media[0].bytes()
    picture = pieces(media_of(archive)) - pieces(other)
    assert found_in(archive, picture) == ["archive.db"]
    assert found_in(archive, pieces(WORDS)) == ["archive.db"]
    said = archiver("erase", small["crane"].id, "--reason", REASON, "--articles", "--yes").stdout
    assert "no byte of it is left" in said
    assert found_in(archive, picture) == []
    assert found_in(archive, pieces(WORDS)) == []
    archiver("lookup", small["crane"].id, expect=1)
    archiver("lookup", "ferry berth", expect=1)
    archiver("lookup", small["gone"].id)


def test_verify_holds_and_says_what_was_erased(archive: Path, archiver: Run, small: dict[str, Any]) -> None:
    archiver("erase", small["crane"].id, "--reason", REASON, "--yes")
    said = archiver("verify").stdout
    assert "sound" in said
    assert REASON in said
    for name in ("jsonl", "prov-json", "warc", "report"):
        archiver("export", name, "--out", f"after.{name}")
    assert [
        line["id"] for line in map(json.loads, Path(archive.parent, "after.jsonl").read_text().splitlines()[1:])
    ] == [small["gone"].id]
    assert "nothing changed" in archiver("reread").stdout


def test_records_can_go_too_and_their_leaves_stay_provable(archive: Path, archiver: Run, small: dict[str, Any]) -> None:
    url = f"/status/{small['crane'].id}".encode()
    assert found_in(archive, pieces(small["crane"].id.encode().rjust(16, b"/")[-16:])) == ["archive.db"]
    archiver("erase", small["crane"].id, "--reason", REASON, "--articles", "--records", "--yes")
    assert found_in(archive, {small["crane"].id.encode()}, len(small["crane"].id)) == []
    assert found_in(archive, {url}, len(url)) == []
    assert "sound" in archiver("verify").stdout
    with contextlib.closing(connect_to_read(archive)) as db:
        kept = [row[0] for row in db.execute("SELECT id FROM capture WHERE record <> '{\"erased\":true}'")]
    archiver("ledger", "--prove", kept[0])


def test_it_says_first_what_it_would_take(archive: Path, archiver: Run, small: dict[str, Any]) -> None:
    before = archive.read_bytes()
    assert "cannot be undone" in archiver("erase", small["crane"].id, "--reason", REASON).stdout
    archiver("erase", small["crane"].id, expect=2)
    archiver("erase", "nobody has this", "--reason", REASON, expect=2)
    assert pieces(WORDS) & pieces(before)
    archiver("lookup", small["crane"].id)


def test_bytes_that_another_capture_holds_stay(archive: Path, archiver: Run, home: Path, small: dict[str, Any]) -> None:
    with contextlib.closing(connect_to_read(archive)) as db:
        before = db.execute("SELECT count(*) FROM chunk").fetchone()[0]
    (home / "copy.html").write_bytes((home / "a.html").read_bytes())
    archiver("run", "--once", "copy.html")
    article = (home / "a.html").as_uri()
    said = archiver("erase", article, "--reason", REASON, "--yes").stdout
    assert "other captures hold equal bytes" in said
    with contextlib.closing(connect_to_read(archive)) as db:
        assert db.execute("SELECT count(*) FROM chunk").fetchone()[0] >= before
    assert found_in(archive, pieces(WORDS)) == ["archive.db"]
    assert "sound" in archiver("verify").stdout


@pytest.mark.slow
def test_a_reader_in_the_way_leaves_it_unfinished_and_said_so(
    archive: Path, archiver: Run, small: dict[str, Any]
) -> None:
    with contextlib.closing(sqlite3.connect(archive)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM capture").fetchone()
        done = archiver("erase", small["crane"].id, "--reason", REASON, "--yes", expect=4)
        assert "not finished" in done.stderr
    assert "may linger" in archiver("verify", expect=1).stdout
    assert "erasure" in archiver("status").stdout
    archiver("erase", "--finish")
    assert "sound" in archiver("verify").stdout


def test_an_erased_post_is_not_archived_again(archive: Path, archiver: Run, home: Path, small: dict[str, Any]) -> None:
    archiver("erase", small["crane"].id, "--reason", REASON, "--yes")
    (home / "later.html").write_bytes((home / "a.html").read_bytes() + b"<p>Again.</p>")
    archiver("run", "--once", "later.html")
    with contextlib.closing(connect_to_read(archive)) as db:
        assert db.execute("SELECT 1 FROM snapshot WHERE post = ?", (small["crane"].id,)).fetchone() is None


def test_a_gap_that_no_event_explains_is_named(archive: Path, archiver: Run) -> None:
    with contextlib.closing(sqlite3.connect(archive)) as db:
        (name,) = db.execute("SELECT blob FROM blob_chunk LIMIT 1").fetchone()
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute("DELETE FROM blob_chunk WHERE blob = ?", (name,))
        db.execute(
            "INSERT INTO erasure VALUES ('blob', ?, 1, 'no reason', '2026-01-01T00:00:00.000000Z', 'x')", (name,)
        )
        db.execute("DELETE FROM blob_chunk WHERE blob = ?", (name,))
        db.commit()
    assert "no event in the ledger says so" in archiver("verify", expect=1).stdout


def test_an_erased_article_in_a_watched_folder_does_not_come_back(
    archive: Path, archiver: Run, home: Path, small: dict[str, Any]
) -> None:
    folder = home / "watched"
    folder.mkdir()
    (folder / "a.html").write_bytes((home / "a.html").read_bytes())
    archiver("erase", "Crane four", "--articles", "--reason", REASON, "--yes")
    done = archiver("run", "--once", "watched")
    assert "article erased" in done.stderr
    assert found_in(archive, pieces(WORDS)) == []
    archiver("verify")
