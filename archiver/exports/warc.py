"""WARC/1.1: every request and answer as it was kept, for web archives and their tools."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

from archiver.exports import Contents, Export, records


def write(contents: Contents, out: BinaryIO) -> None:
    """A warcinfo record, then the records of each capture by time (see `records`)."""
    for _ in records.write(contents, out):
        pass


def check(path: Path) -> list[str]:
    """What is wrong with a WARC, a sentence each: every record against its own digests. A record that was taken out
    whole leaves no trace here: a WACZ, a bag or the archive's ledger tell."""
    faults: list[str] = []
    try:
        # warcio goes on after a gzip member whose own checksum fails, so those are looked at first.
        with gzip.open(path) as whole:
            while whole.read(1 << 20):
                pass
        with path.open("rb") as stream:
            answers = sum(1 for _ in records.places(stream, faults))
    except (OSError, EOFError, zlib.error) as error:
        return [f"cannot be read: {error}"]
    return faults if answers or faults else ["holds no capture"]


EXPORT = Export(
    "warc", ".warc.gz", "WARC/1.1, for web archives: requests, answers and files, byte for byte", write, check
)
