"""Two archives become one: a union of facts, whichever is named first, with the old logs still checkable."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from archiver import custody, errors
from archiver.exports import exports as formats
from archiver.store import connect_to_read
from tests.commands import Run
from tests.simulator.world import World
from tests.test_exports_contract import exported, parts
from tests.test_path import small

__all__ = ["small"]


@pytest.fixture
def two(small: dict[str, Any], world: World, archiver: Run, home: Path) -> tuple[Path, Path]:
    """Two desks looked at the same posts at different times; in between one of them was deleted."""
    world.archive(small["crane"], dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC))
    archiver("run", "--once", "--archive", "a.db", "a.html")
    world.delete(small["crane"])
    archiver("run", "--once", "--archive", "b.db", "a.html", "b.txt")
    return home / "a.db", home / "b.db"


def exports(archive: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Every format there is. Of a bag all but what its log proves: each archive signs its own, with the time."""
    found = {}
    for name, export in formats().items():
        inside = parts(name, exported(archive, export))
        found[name] = [
            (each, content)
            for each, content in inside
            if name != "bag" or ("/ledger/" not in each and "manifest" not in each and "bag-info" not in each)
        ]
    return found


def test_the_order_of_merging_makes_no_difference(two: tuple[Path, Path], archiver: Run) -> None:
    archiver("merge", "a.db", "b.db", "--out", "ab.db")
    archiver("merge", "b.db", "a.db", "--out", "ba.db")
    home = two[0].parent
    both = exports(home / "ab.db")
    assert both == exports(home / "ba.db")
    assert both != exports(home / "a.db")
    archiver("merge", "ab.db", "b.db", "--out", "abb.db")
    assert exports(home / "abb.db") == both
    archiver("merge", "a.db", "a.db", "--out", "aa.db")
    assert exports(home / "aa.db") == exports(home / "a.db")
    for name in ("ab.db", "abb.db"):
        assert "sound" in archiver("verify", "--archive", name).stdout
        assert "nothing changed" in archiver("reread", "--archive", name).stdout


def test_nothing_of_either_is_missing(two: tuple[Path, Path], archiver: Run) -> None:
    archiver("merge", "a.db", "b.db", "--out", "ab.db")

    def ids(path: Path, what: str) -> set[str]:
        with contextlib.closing(connect_to_read(path)) as db:
            return {row[0] for row in db.execute(f"SELECT id FROM {what}")}

    both = two[0].with_name("ab.db")
    for table in ("capture", "article", "embed", "attempt", "snapshot"):
        assert ids(both, table) >= ids(two[0], table) | ids(two[1], table), table


def test_old_checkpoints_hold_over_the_old_logs(two: tuple[Path, Path], archiver: Run, home: Path) -> None:
    import sqlite3

    archiver("merge", "a.db", "b.db", "--out", "ab.db")
    old = json.loads(archiver("ledger", "--json", "--archive", "a.db").stdout)["note"]
    with contextlib.closing(connect_to_read(home / "ab.db")) as db:
        assert old.encode() in [bytes(row[0]) for row in db.execute("SELECT note FROM origin_checkpoint")]
    with contextlib.closing(sqlite3.connect(home / "ab.db")) as db:
        db.execute("DROP TRIGGER origin_leaf_no_update")
        (log,) = db.execute("SELECT log FROM origin_leaf LIMIT 1").fetchone()
        (first,) = db.execute("SELECT capture FROM origin_leaf WHERE log = ? AND leaf = 0", (log,)).fetchone()
        db.execute("UPDATE origin_leaf SET capture = ? WHERE log = ? AND leaf = 1", (first, log))
        db.commit()
    assert "of other captures than these" in archiver("verify", "--archive", "ab.db", expect=1).stdout


def test_what_one_erased_the_other_does_not_bring_back(
    two: tuple[Path, Path], archiver: Run, small: dict[str, Any]
) -> None:
    id = small["crane"].id
    archiver("erase", "--archive", "a.db", id, "--reason", "a court order", "--yes")
    archiver("merge", "a.db", "b.db", "--out", "ab.db")
    archiver("lookup", "--archive", "b.db", id)
    archiver("lookup", "--archive", "ab.db", id, expect=1)
    assert "a court order" in archiver("verify", "--archive", "ab.db").stdout


def test_an_export_is_an_event_of_the_ledger(two: tuple[Path, Path], archiver: Run, home: Path) -> None:
    import hashlib

    from archiver.store import events

    archiver("export", "jsonl", "--archive", "a.db", "--out", "a.jsonl")
    first = (home / "a.jsonl").read_bytes()
    archiver("export", "jsonl", "--archive", "a.db", "--out", "a.jsonl")
    assert (home / "a.jsonl").read_bytes() == first, "noting an export does not change the next one"
    with contextlib.closing(connect_to_read(home / "a.db")) as db:
        noted = [said for _, said in events.events(db, "export")]
    assert [each["sha256"] for each in noted] == [hashlib.sha256(first).hexdigest()] * 2
    assert "sound" in archiver("verify", "--archive", "a.db").stdout


def test_a_merge_that_cannot_be_leaves_nothing_behind(two: tuple[Path, Path], archiver: Run, home: Path) -> None:
    archiver("merge", "a.db", "missing.db", "--out", "ab.db", expect=2)
    archiver("merge", "a.db", "b.db", "--out", "a.db", expect=2)
    assert not (home / "ab.db").exists()


@pytest.mark.parametrize(
    ("error", "is_of_sources"),
    [
        (errors.NotAnArchive("ab.db: is damaged or not an archive (database disk image is malformed)."), True),
        (errors.ArchiveError("bytes said to be sha256:1 are sha256:2; nothing was stored."), True),
        (errors.NotAnArchive("b.db: is damaged or not an archive (database disk image is malformed)."), False),
        (
            errors.ArchiveError("ab.db: is read-only. Make the file and its directory writable, or use --archive."),
            False,
        ),
        (errors.ArchiveFull("ab.db: the disk is full; everything acknowledged is safe."), False),
    ],
)
def test_what_is_wrong_with_the_new_archive_is_not_blamed_on_the_old(
    error: errors.ArchiveError, is_of_sources: bool
) -> None:
    assert custody._is_of_sources(error, Path("ab.db"), [Path("a.db"), Path("b.db")]) is is_of_sources


@pytest.mark.parametrize("form", formats().keys())
def test_exports_do_not_depend_on_the_order_of_a_log(form: str, tmp_path: Path) -> None:
    """A merge makes a log of its own, by time; the one it came from had the articles, which are older, at its end."""
    from archiver.store import Writer, union
    from tests.archives import START, build

    path = build(tmp_path / "a.db", 12)
    with Writer(tmp_path / "aa.db", holder="pid 1 on nowhere", now=lambda: START) as writer:
        union.merge(writer, [path, path])

    def order(each: Path) -> list[str]:
        with contextlib.closing(connect_to_read(each)) as db:
            return [row[0] for row in db.execute("SELECT id FROM capture ORDER BY seq")]

    assert order(path) != order(tmp_path / "aa.db")
    assert exported(path, formats()[form]) == exported(tmp_path / "aa.db", formats()[form])
