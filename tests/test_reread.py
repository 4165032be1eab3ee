"""Opinions are rebuilt from facts alone: unchanged where nothing improved, restored where they were lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from archiver.exports import exports as formats
from archiver.store import check, connect_to_read
from tests.commands import Run
from tests.simulator.serve import Web
from tests.simulator.world import World
from tests.test_exports_contract import exported
from tests.test_path import small

__all__ = ["small"]


def exports(archive: Path) -> dict[str, bytes]:
    """Every format there is."""
    return {name: exported(archive, export) for name, export in formats().items()}


@pytest.fixture
def archive(small: dict[str, Any], world: World, archiver: Run, home: Path, web: Web) -> Path:
    """One post found live, one found in a web archive only, one claim that leads nowhere; looked at in three runs, the
    first of which met only silence, the last of which found the first post deleted."""
    seen_at = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
    world.archive(small["gone"], seen_at)
    world.archive_media(small["gone"], seen_at)
    world.delete(small["gone"])
    live = (home / "config.toml").read_text()
    (home / "config.toml").write_text(
        live.replace(f'"127.0.0.1:{web.port}"', '"127.0.0.1:9"').replace(str(web.port), "9")
    )
    archiver("run", "--once", "a.html", "b.txt")
    (home / "config.toml").write_text(live)
    archiver("run", "--once", "a.html", "b.txt")
    world.delete(small["crane"])
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("UPDATE due SET due_at = '2020-01-01T00:00:00.000000Z'")
        db.commit()
    archiver("run", "--once", "a.html")
    return home / "archive.db"


@pytest.mark.slow
def test_reread_of_an_unchanged_archive_changes_nothing(archive: Path, archiver: Run, world: World) -> None:
    before, asked = exports(archive), len(world.log)
    said = json.loads(archiver("reread", "--json").stdout)
    assert said["changes"] == []
    assert said["looks"] > 4
    assert exports(archive) == before
    assert len(world.log) == asked, "rereading asks nobody"
    assert "nothing changed" in archiver("reread").stdout
    assert "sound" in archiver("verify").stdout


def test_what_the_captures_show_is_restored_to_the_byte(archive: Path, archiver: Run) -> None:
    """As after a better parser: what an older one had made of the answers is replaced."""
    before = exports(archive)
    with contextlib.closing(sqlite3.connect(archive)) as db:
        db.execute("UPDATE snapshot SET shown = json_set(shown, '$.text', 'misread')")
        db.execute("UPDATE attempt SET outcome = 'unreadable', reason = 'unreadable' WHERE outcome = 'found'")
        db.execute("UPDATE embed SET verdict = NULL, state = 'pending', handle = 'misread'")
        db.execute("UPDATE post SET text = 'misread', handle = NULL, state = 'pending', live = NULL")
        db.execute("UPDATE media SET type = 'image/x-misread', width = 1")
        db.execute("DELETE FROM code")
        db.commit()
    assert exports(archive) != before
    said = json.loads(archiver("reread", "--json").stdout)
    assert {"snapshot changed", "attempt changed", "embed changed", "post changed"} <= said["counts"].keys()
    assert exports(archive) == before
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []


def test_a_lost_snapshot_comes_back_with_its_media(archive: Path, archiver: Run) -> None:
    before = exports(archive)
    with contextlib.closing(sqlite3.connect(archive)) as db:
        for table in ("media", "snapshot", "wording"):
            db.execute(f"DELETE FROM {table}")
        db.commit()
    archiver("reread")
    assert exports(archive) == before
    archiver("lookup", "ferry berth")
    with contextlib.closing(connect_to_read(archive)) as db:
        assert list(check.damages(db)) == []


def test_with_which_parsers_an_archive_was_read_again_is_in_its_book_of_runs(archive: Path, archiver: Run) -> None:
    from archiver import __version__

    archiver("reread")
    (run, *_) = json.loads(archiver("status", "--json").stdout)["runs"]
    assert run["command"] == "reread"
    with contextlib.closing(connect_to_read(archive)) as db:
        software, report = db.execute("SELECT software, report FROM run WHERE id = ?", (run["run"],)).fetchone()
    assert software == f"archiver/{__version__}"
    assert json.loads(report) == {"changes": 0, "counts": {}}
    assert "reread" in archiver("report").stdout
