"""Other people's captures come in marked as such: with their own times, the recording's name, and by whom."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from archiver.store import connect_to_read, events, facts
from tests.commands import Run
from tests.test_path import small

__all__ = ["small"]


@pytest.fixture
def recording(small: dict[str, Any], archiver: Run, home: Path) -> Path:
    archiver("run", "--once", "--record", "web.warc.gz", "--archive", "live.db", "a.html")
    return home / "web.warc.gz"


def test_nothing_imported_passes_for_live(recording: Path, archiver: Run, home: Path) -> None:
    said = json.loads(archiver("import", "web.warc.gz", "--from", "Jane Doe", "--json").stdout)
    assert said["captures"] == said["new"] > 0
    with contextlib.closing(connect_to_read(home / "live.db")) as db:
        live = {(kept.url, kept.started_at, kept.payload.sha256) for kept in every(db) if kept.origin.kind == "live"}
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        captures = every(db)
        ((_, event),) = events.events(db, "import")
    assert {each.origin.kind for each in captures} == {"import", "event"}
    imported = [each for each in captures if each.origin.kind == "import"]
    assert {each.origin.container for each in imported} == {"web.warc.gz"}
    assert all(each.origin.record for each in imported)
    assert {(each.url, each.started_at, each.payload.sha256) for each in imported} == live
    assert event["from"] == "Jane Doe"
    assert event["files"] == {"web.warc.gz": hashlib.sha256(recording.read_bytes()).hexdigest()}
    assert "sound" in archiver("verify").stdout


def every(db: Any) -> list[Any]:
    return [facts.capture(db, id) for _, id, _ in facts.captures(db)]


def test_importing_again_adds_only_the_event(recording: Path, archiver: Run) -> None:
    archiver("import", "web.warc.gz", "--from", "Jane Doe")
    again = json.loads(archiver("import", "web.warc.gz", "--from", "Jane Doe", "--json").stdout)
    assert again["new"] == 0


def test_what_is_no_recording_gets_a_sentence(small: dict[str, Any], archiver: Run, home: Path) -> None:
    for name in ("a.html", "missing.warc"):
        archiver("import", name, "--from", "Jane Doe", expect=2)
    archiver("import", "a.html", "--from", " ", expect=2)
    assert not (home / "archive.db").exists()
