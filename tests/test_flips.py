"""One flipped byte anywhere in the archive: either verify names the damage, or everything read back is as it was."""

from __future__ import annotations

import contextlib
import hashlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ArchiverError
from archiver.ledger import checkpoint
from archiver.ledger.checkpoint import Checkpoint
from archiver.ledger.keys import Keys
from archiver.model import timestamp
from archiver.store import Writer, check, connect_to_read, facts, log
from tests.archives import START, build
from tests.test_store import capture

FLIPS = 2000


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with everything that is a fact: captures, a blob of several pieces, checkpoints, a time stamp."""
    folder = tmp_path_factory.mktemp("flips")
    path = build(folder / "archive.db", 6)
    keys = Keys.create(folder / "key", "example.org/log")

    def sign(size: int, root: bytes) -> tuple[bytes, str]:
        return checkpoint.sign(Checkpoint("example.org/log", size, root, (f"time {timestamp(START)}",)), keys), (
            keys.public.vkey
        )

    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer:
        writer.checkpoint(sign, "run-1")
        writer.add_captures([capture(random.Random(1).randbytes(1_100_000), url="https://media.example/large")])
        kept = writer.checkpoint(sign, "run-2")
        assert kept is not None
        with writer.transaction() as db:
            log.add_stamp(db, kept.size, "https://stamps.example/", random.Random(2).randbytes(900), START)
        writer.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def everything(db: sqlite3.Connection) -> str:
    """All facts and what proves them, read as a reader of them does."""
    whole = hashlib.sha256()

    def add(value: Any) -> None:
        whole.update(repr(value).encode() + b"\n")

    for seq, id, record in facts.captures(db):
        add((seq, id, record))
        kept = facts.capture(db, id)
        add(kept)
        for body in (kept.request_body, kept.body, kept.payload):
            with body.open() as stream:
                add(hashlib.file_digest(stream, "sha256").hexdigest())
        leaf = log.leaf_of(db, id)
        assert leaf is not None
        add((leaf, log.record(db, leaf), log.checkpoint_over(db, leaf), log.tree(db).inclusion_proof(leaf)))
    for head in log.checkpoints(db):
        add((head, log.stamps(db, head.size), log.tree(db).root(head.size)))
    for row in db.execute("SELECT * FROM checkpoint ORDER BY size"):
        add(tuple(row))
    for row in db.execute("SELECT * FROM stamp ORDER BY size, authority"):
        add(tuple(row))
    return whole.hexdigest()


def damages(path: Path) -> list[str]:
    try:
        with contextlib.closing(connect_to_read(path)) as db:
            return [str(each) for each in check.damages(db)]
    except ArchiverError as error:
        return [str(error)]


@contextlib.contextmanager
def flipped(path: Path, offset: int, mask: int) -> Iterator[None]:
    """The file with one byte changed, for a while."""
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)
        (byte,) = file.read(1)
        try:
            file.seek(offset)
            file.write(bytes([byte ^ mask]))
            yield
        finally:
            file.seek(offset)
            file.write(bytes([byte]))


def test_the_archive_is_sound_before_any_byte_is_flipped(original: Path) -> None:
    assert damages(original) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_no_flipped_byte_goes_unseen(original: Path, tmp_path: Path, part: int) -> None:
    """Two thousand places over the whole file, half of them outside the one large blob that fills most of it."""
    path = tmp_path / "archive.db"
    path.write_bytes(original.read_bytes())
    with contextlib.closing(connect_to_read(path)) as db:
        wanted = everything(db)
    size = path.stat().st_size
    small = size - 1_100_000  # the large blob came last but for the checkpoint; its pages are at the end
    draw = random.Random(part)
    silent, named = [], 0
    for number in range(FLIPS // 4):
        offset = draw.randrange(size if number % 8 == 0 else small)
        mask = draw.randrange(1, 256)
        with flipped(path, offset, mask):
            if damages(path):
                named += 1
                continue
            with contextlib.closing(connect_to_read(path)) as db:
                if everything(db) != wanted:
                    silent.append((offset, mask))
    assert silent == []
    assert named > FLIPS // 40  # it is not that nothing was ever looked at
