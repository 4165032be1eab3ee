"""The ledger in the archive: every capture a leaf, every run signed, and what was changed or removed is named."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.ledger import proof
from archiver.ledger.keys import parse_vkey
from archiver.ledger.tiles import check as check_tiles
from archiver.store import check, connect_to_read, log, schema
from archiver.store.writer import Writer
from tests.commands import Run
from tests.test_path import small
from tests.test_store import NOW, capture, now

__all__ = ["small"]


@pytest.fixture
def archive(small: dict[str, Any], archiver: Run, home: Path) -> Path:
    archiver("run", "--once", "a.html")
    return home / "archive.db"


def damages(path: Path) -> list[str]:
    with contextlib.closing(connect_to_read(path)) as db:
        return [str(each) for each in check.damages(db, share=0)]


@contextlib.contextmanager
def unguarded(path: Path, *triggers: str) -> Iterator[sqlite3.Connection]:
    """Change facts as somebody with the file would: guards taken away and put back."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        kept = [db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0] for name in triggers]
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for sql in kept:
            db.execute(sql)
        db.commit()


def test_a_run_ends_with_a_checkpoint_over_every_capture(archive: Path, archiver: Run) -> None:
    status = json.loads(archiver("status", "--json").stdout)
    note = json.loads(archiver("ledger", "--json").stdout)
    assert note["size"] == status["captures"]
    assert archiver("keys").stdout.splitlines()[0] == note["vkey"]
    assert damages(archive) == []
    assert note["vkey"] in archiver("verify", "--structure").stdout


def test_any_capture_can_be_proved_to_a_stranger(archive: Path, archiver: Run) -> None:
    vkey = archiver("keys").stdout.splitlines()[0]
    with contextlib.closing(connect_to_read(archive)) as db:
        ids = [row[0] for row in db.execute("SELECT id FROM capture ORDER BY seq")]
    for id in ids:
        shown = proof.parse(archiver("ledger", "--prove", id).stdout)
        shown.verify([parse_vkey(vkey)])
    archiver("ledger", "--prove", "0" * 64, expect=2)


def test_the_published_log_can_be_checked_from_its_files_alone(archive: Path, archiver: Run, home: Path) -> None:
    archiver("ledger", "--publish", "public")
    vkey = archiver("keys").stdout.splitlines()[0]

    def read(name: str) -> bytes | None:
        file = home / "public" / name
        return file.read_bytes() if file.exists() else None

    head = check_tiles(read, [parse_vkey(vkey)])
    assert head.size == json.loads(archiver("status", "--json").stdout)["captures"]


def test_a_changed_record_is_named_even_with_its_digest_made_anew(archive: Path) -> None:
    import hashlib

    with unguarded(archive, "capture_no_update") as db:
        (record,) = db.execute("SELECT record FROM capture WHERE seq = 2").fetchone()
        changed = record.replace('"status":200', '"status":201')
        assert changed != record
        id = hashlib.sha256(changed.encode()).hexdigest()
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("UPDATE capture SET record = ?, id = ? WHERE seq = 2", (changed, id))
    assert any("ledger node" in each for each in damages(archive))
    assert any("checkpoint of" in each for each in damages(archive))


def test_a_removed_last_capture_is_named(archive: Path) -> None:
    with unguarded(archive, "capture_no_delete") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM capture WHERE seq = (SELECT max(seq) FROM capture)")
    assert any("captures were removed" in each for each in damages(archive))


def test_reordered_captures_are_named(archive: Path) -> None:
    with unguarded(archive, "capture_no_update") as db:
        for old, new in ((1, -1), (2, 1), (-1, 2)):
            db.execute("UPDATE capture SET seq = ? WHERE seq = ?", (new, old))
    assert any("ledger node" in each for each in damages(archive))


def test_a_forged_checkpoint_is_named(archive: Path) -> None:
    with unguarded(archive, "checkpoint_no_update") as db:
        (note,) = db.execute("SELECT note FROM checkpoint").fetchone()
        forged = note.replace(b"time 20", b"time 19")
        assert forged != note
        db.execute("UPDATE checkpoint SET note = ?", (forged,))
    assert any("signature does not hold" in each for each in damages(archive))


def test_an_added_capture_is_named(archive: Path) -> None:
    """Put into the middle, its record sound, and everything after it moved up by one."""
    import hashlib

    with unguarded(archive, "capture_no_update") as db:
        (record,) = db.execute("SELECT record FROM capture WHERE seq = 2").fetchone()
        added = record.replace('"status":200', '"status":203')
        for (seq,) in db.execute("SELECT seq FROM capture WHERE seq > 2 ORDER BY seq DESC").fetchall():
            db.execute("UPDATE capture SET seq = ? WHERE seq = ?", (seq + 1, seq))
        id = hashlib.sha256(added.encode()).hexdigest()
        db.execute("INSERT INTO capture (seq, id, record) VALUES (3, ?, ?)", (id, added))
    assert any("ledger node" in each for each in damages(archive))


@pytest.mark.parametrize("change", ["changed", "removed", "added", "reordered"])
def test_a_log_made_anew_with_its_own_key_is_named_by_whoever_kept_a_checkpoint(
    change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator writes another log and signs it: sound by itself, and not the one of the checkpoint kept."""
    from archiver import cli
    from archiver.ledger import checkpoint
    from archiver.ledger.checkpoint import Checkpoint
    from archiver.ledger.keys import Keys

    keys = Keys.create(tmp_path / "log.key", "example.org/archive")

    def sign(size: int, root: bytes) -> tuple[bytes, str]:
        return checkpoint.sign(Checkpoint(keys.public.name, size, root), keys), keys.public.vkey

    def written(name: str, words: list[bytes]) -> Path:
        with Writer(tmp_path / name, holder="pid 2 on nowhere", now=now) as writer:
            for each in words:
                writer.add_captures([capture(each)])
            assert writer.checkpoint(sign, None)
        return tmp_path / name

    words = [b"one", b"two", b"three", b"four"]
    archive = written("archive.db", words)
    kept = tmp_path / "kept.txt"
    cli.main(["ledger", "--archive", str(archive)])
    kept.write_text(capsys.readouterr().out)
    with Writer(archive, holder="pid 2 on nowhere", now=now) as writer:
        writer.add_captures([capture(b"five")])
        writer.checkpoint(sign, None)
    assert cli.main(["verify", str(archive), "--checkpoint", str(kept)]) == 0, "a log that only grew"
    other = written("other.db", {
        "changed": [b"one", b"TWO", b"three", b"four", b"five"],
        "removed": [b"one", b"two", b"four"],
        "added": [b"one", b"and a half", b"two", b"three", b"four"],
        "reordered": [b"one", b"three", b"two", b"four"],
    }[change])  # fmt: skip
    assert cli.main(["verify", str(other)]) == 0, "by itself nobody can tell"
    capsys.readouterr()
    assert cli.main(["verify", str(other), "--checkpoint", str(kept)]) == 1
    assert "kept.txt" in capsys.readouterr().out
    kept.write_text(kept.read_text().replace("example.org", "example.com", 1))
    assert cli.main(["verify", str(archive), "--checkpoint", str(kept)]) == 1
    assert cli.main(["verify", str(archive), "--checkpoint", str(tmp_path / "nowhere")]) == 2


def test_another_key_than_the_one_known_is_named(archive: Path, archiver: Run, tmp_path: Path) -> None:
    from archiver.ledger.keys import Keys

    stranger = Keys.create(tmp_path / "other.key", "example.org/other").public.vkey
    assert "not signed by the key" in archiver("verify", "--structure", "--key", stranger, expect=1).stdout
    archiver("verify", "--structure", "--key", archiver("keys").stdout.splitlines()[0])


def test_openssl_checks_the_signature_of_a_run(archive: Path, archiver: Run, home: Path) -> None:
    import base64

    note = json.loads(archiver("ledger", "--json").stdout)["note"]
    text, _, signatures = note.partition("\n\n")
    raw = base64.b64decode(signatures.split()[-1])[4:]
    (home / "text").write_text(text + "\n", encoding="utf-8")
    (home / "signature").write_bytes(raw)
    (home / "key.pem").write_text(json.loads(archiver("keys", "--json").stdout)["pem"])
    asked = "pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile signature"
    command = ["openssl", *asked.split()]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def undo_custody(db: sqlite3.Connection) -> None:
    """Take the third migration back, and what came after it."""
    db.execute("DROP INDEX due_by_line")
    db.execute("ALTER TABLE due DROP COLUMN host")
    db.execute("CREATE INDEX due_by_priority ON due(priority, due_at, key)")
    db.execute("DELETE FROM _sqlite_migrations WHERE name = '0008_line'")
    for table in ("piece", "picture", "growth", "tick", "entry", "watched"):
        db.execute(f"DROP TABLE {table}")
    db.execute("DELETE FROM _sqlite_migrations WHERE name IN ('0007_derived', '0006_watched')")
    for name, column in (("0005_cid", "cid"), ("0004_context", "context")):
        db.execute(f"ALTER TABLE embed DROP COLUMN {column}")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (name,))
    for table in ("origin_stamp", "origin_checkpoint", "origin_leaf", "seal", "erasure"):
        db.execute(f"DROP TABLE {table}")
    for trigger in ("chunk_no_delete", "blob_chunk_no_delete", "capture_no_update"):
        db.execute(f"DROP TRIGGER {trigger}")
    for statement in schema._statements(schema.GUARDS):
        if any(
            f"TRIGGER {name} " in statement for name in ("chunk_no_delete", "blob_chunk_no_delete", "capture_no_update")
        ):
            db.execute(statement)
    db.execute("DELETE FROM _sqlite_migrations WHERE name = '0003_custody'")


def test_an_archive_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with Writer(path, holder="pid 1 on nowhere", now=now) as writer:
        writer.add_captures([capture(url=f"https://news.example/{number}") for number in range(5)])
    with contextlib.closing(sqlite3.connect(path)) as db:
        for table in ("stamp", "checkpoint", "node"):
            db.execute(f"DROP TABLE {table}")
        undo_custody(db)
        db.execute("DELETE FROM _sqlite_migrations WHERE name = '0002_ledger'")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    with Writer(path, holder="pid 2 on nowhere", now=now) as writer:
        writer.add_captures([capture(url="https://news.example/after")])
        assert log.size(writer.db) == 6
        assert list(check.damages(writer.db)) == []
    assert schema.VERSION == 10
    assert NOW.year == 2026
