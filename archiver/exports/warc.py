"""WARC/1.1: every request and answer as it was kept, for web archives and their tools."""

from __future__ import annotations

from typing import BinaryIO

from archiver.exports import Contents, Export, records


def write(contents: Contents, out: BinaryIO) -> None:
    """A warcinfo record, then the records of each capture in the order they were kept (see `records`)."""
    for _ in records.write(contents, out):
        pass


EXPORT = Export("warc", ".warc.gz", "WARC/1.1, for web archives: requests, answers and files, byte for byte", write)
