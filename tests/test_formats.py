"""An archive that an earlier program made is read as it is, said to be so, and never changed by reading."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from archiver import cli
from archiver.exports import exports
from archiver.store import check, connect_to_read, schema
from tests.archives import build

#: In the developer's loop the oldest and the last before today's.
every_format = pytest.mark.parametrize(
    "version",
    [
        pytest.param(each, marks=() if each in (1, schema.VERSION - 1) else pytest.mark.slow)
        for each in range(1, schema.VERSION)
    ],
)


def made_by(version: int, path: Path) -> Path:
    """An archive as a program of that format left it: its own schema, and of each row what that had room for."""
    now = build(path.with_suffix(".now"), 12)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size = {schema.PAGE_SIZE}")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        for script in schema.SCRIPTS[: version + 3]:
            db.executescript(script)
        db.execute("ATTACH ? AS now", (str(now),))
        tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
        db.execute("BEGIN")
        for (table,) in db.execute(tables).fetchall():
            if "_fts" in table or "sqlite" in table:
                continue
            columns = ", ".join(f'"{row[1]}"' for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
        db.execute("COMMIT")
        db.execute(f"PRAGMA user_version = {version}")
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@every_format
def test_an_archive_of_an_earlier_format_is_read_and_not_changed(
    version: int, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = made_by(version, tmp_path / "old.db")
    before = digest(path)
    assert cli.main(["verify", str(path)]) == 0, capsysbinary.readouterr().out
    assert f"is of format {version}".encode() in capsysbinary.readouterr().err
    assert cli.main(["lookup", "--archive", str(path), "--json", "1001"]) == 0
    said = capsysbinary.readouterr()
    (post,) = json.loads(said.out)["posts"]
    assert post["text"] == "The harbour crane number 1 fell at dawn. Nobody was hurt."
    assert b"It is read as it is" in said.err
    assert cli.main(["lookup", "--archive", str(path), "crane"]) == 0
    assert cli.main(["status", "--archive", str(path)]) == 0
    capsysbinary.readouterr()
    for export in exports().values():
        out = tmp_path / f"out{export.suffix}"
        assert cli.main(["export", export.name, "--archive", str(path), "--out", str(out)]) == 0
        assert b"not noted" in capsysbinary.readouterr().err
    assert digest(path) == before
    assert [each.name for each in tmp_path.glob("old.db*")] == ["old.db"]


@every_format
def test_an_earlier_format_gives_the_same_exports_as_todays(
    version: int, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = made_by(version, tmp_path / "old.db")
    for form in ("jsonl", "warc", "csv"):
        outs = []
        for each in (path, path.with_suffix(".now")):
            assert cli.main(["export", form, "--archive", str(each), "--no-note"]) == 0
            outs.append(capsysbinary.readouterr().out)
        assert outs[0] == outs[1], form


@every_format
def test_damage_in_an_earlier_format_is_named(version: int, tmp_path: Path) -> None:
    path = made_by(version, tmp_path / "old.db")
    content = bytearray(path.read_bytes())
    at = content.index(b"harbour crane number 1 fell")
    content[at] ^= 1
    path.write_bytes(content)
    with contextlib.closing(connect_to_read(path)) as db:
        assert list(check.damages(db))


def test_a_file_that_only_claims_an_earlier_format_is_named(tmp_path: Path) -> None:
    path = build(tmp_path / "archive.db", 3)
    for version in (0, -1, 1, schema.VERSION - 1):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {version}")
        with contextlib.closing(connect_to_read(path)) as db:
            assert list(check.damages(db)), version
