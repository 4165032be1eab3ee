"""A damaged archive is named as such by every command that reads it, and never taken for a mistake of the program."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.archives import build
from tests.commands import Run

_COMMANDS = (
    ("run", "--once"),
    ("lookup", "harbour"),
    ("status",),
    ("report",),
    ("reread",),
    ("export", "jsonl", "--out", "posts.jsonl"),
    ("erase", "1001", "--reason", "asked for"),
    ("merge", "b.db", "a.db", "--out", "ab.db"),
)


def damage(path: Path, table: str) -> None:
    """Lose the first page of a table, as a disk does."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(bytes(size))


@pytest.mark.slow
@pytest.mark.parametrize("table", ["due", "embed", "capture", "post", "wording_fts_config", "blob_chunk"])
def test_every_command_names_the_damaged_archive(table: str, home: Path, archiver: Run) -> None:
    whole = build(home / "b.db", 6).read_bytes()
    refused = 0
    for command in _COMMANDS:
        (home / "a.db").write_bytes(whole)
        damage(home / "a.db", table)
        own = () if command[0] == "merge" else ("--archive", "a.db")
        done = archiver(*command, *own, expect=None)
        assert done.returncode in (0, 3), (command, done.returncode, done.stderr)
        if done.returncode:
            refused += 1
            assert "a.db" in done.stderr and "damaged" in done.stderr, (command, done.stderr)
            assert "verify" in done.stderr or "back-up" in done.stderr, (command, done.stderr)
            assert not (home / "ab.db").exists()
        for made in ("ab.db", "posts.jsonl", "a.db-wal", "a.db-shm"):
            (home / made).unlink(missing_ok=True)
    assert refused
    assert archiver("verify", "--archive", "a.db", expect=None).returncode in (1, 3)
