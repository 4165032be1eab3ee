"""How long `archiver verify --structure` takes, against plain SHA-256 of the same records, in one run.

python bench/verify.py [CAPTURES]
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import sys
import tempfile
import time
from pathlib import Path

from archiver.ledger.tree import leaf_hash
from archiver.model import canonical, timestamp
from archiver.store import Writer, check, connect_to_read, log
from tests.archives import START, answer

BATCH = 20_000


def fill(path: Path, captures: int) -> None:
    """That many captures of one small answer, each with a record of its own; written by the batch, for speed only."""
    import json

    first = answer("https://api.example/post/0", b'{"id": "0"}', START)
    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer:
        writer.add_captures([first])
        template = json.loads(canonical(first.record()))
        numbers = iter(range(1, captures))
        while batch := list(itertools.islice(numbers, BATCH)):
            records = []
            for number in batch:
                at = timestamp(START + dt.timedelta(seconds=number))
                record = {**template, "url": f"https://api.example/post/{number}", "started_at": at, "ended_at": at}
                records.append(json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
            with writer.transaction() as db:
                tree = log.tree(db)
                db.executemany(
                    "INSERT INTO capture (seq, id, record) VALUES (?, ?, ?)",
                    [
                        (number + 1, hashlib.sha256(record.encode()).hexdigest(), record)
                        for number, record in zip(batch, records, strict=True)
                    ],
                )
                log.add_nodes(db, tree.append([leaf_hash(record.encode()) for record in records]))


def proofs(path: Path, captures: int) -> str:
    """How long one inclusion proof takes, its nodes read from the file."""
    with contextlib.closing(connect_to_read(path)) as db:
        tree, times = log.tree(db), []
        for number in range(1000):
            leaf = number * 7919 % captures
            started = time.perf_counter()
            tree.inclusion_proof(leaf)
            times.append(time.perf_counter() - started)
    times.sort()
    return f"median {times[500] * 1000:.2f} ms, worst of 1,000 {times[-1] * 1000:.2f} ms"


def main(captures: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        started = time.perf_counter()
        fill(path, captures)
        print(
            f"{captures:,} captures, {path.stat().st_size / 1e6:,.0f} MB, made in {time.perf_counter() - started:.1f} s"
        )
        with contextlib.closing(connect_to_read(path)) as db:
            started = time.perf_counter()
            size = 0
            for (record,) in db.execute("SELECT record FROM capture"):
                content = record.encode()
                hashlib.sha256(content).digest()
                size += len(content)
            plain = time.perf_counter() - started
            started = time.perf_counter()
            found = list(check.damages(db, share=0))
            spent = time.perf_counter() - started
        assert not found, found[:3]
        print(f"a proof, read from the archive: {proofs(path, captures)}")
        print(f"read and SHA-256 of the records ({size / 1e6:,.0f} MB): {plain:.2f} s")
        print(f"verify --structure: {spent:.2f} s, {captures / spent:,.0f} captures/s, {spent / plain:.1f} times that")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
