"""How fast each export writes, in what memory, and against the bare writer it cannot beat (json.dumps, warcio).

    python bench/export.py [--posts 10000] [--format warc]

Each export runs in a process of its own, over an archive of a tenth of the posts and over the whole; its peak resident
size is that of the process, so that what SQLite and zlib hold is counted. The bare writers run in the same run, on the
same posts and captures, held in memory: what remains of a rate is the price of reading the archive.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from archiver.exports import exports
from archiver.store.contents import StoredContents
from tests.archives import build, opened, peak_resident


class Counter(io.RawIOBase):
    """Where the bytes go: nowhere, counted."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        length = len(data)  # type: ignore[arg-type]  # any buffer
        self.size += length
        return length


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--format", action="append", choices=exports())
    parser.add_argument("--one", nargs=2, metavar=("FORMAT", "ARCHIVE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        small = build(Path(folder) / "small.db", options.posts // 10)
        large = build(Path(folder) / "large.db", options.posts)
        print(
            f"archives of {options.posts // 10} and {options.posts} posts, {large.stat().st_size / 1e6:.0f} MB, ",
            end="",
        )
        print(f"made in {time.perf_counter() - started:.0f} s")
        bare = dict(bare_writers(large))
        print(f"{'':14}{'posts/s':>9}{'MB/s':>8}{'MB':>8}{'peak MB':>9}{'(a tenth)':>11}  of the bare writer")
        for name, (seconds, size, count) in bare.items():
            print(f"{name:14}{count / seconds:9.0f}{size / seconds / 1e6:8.1f}{size / 1e6:8.1f}")
        for name in options.format or exports():
            before, after = run(name, small), run(name, large)
            seconds, size, posts, peak = after
            against = {"jsonl": "json.dumps", "warc": "warcio"}.get(name)
            ratio = f"{bare[against][0] / seconds:6.1%} of {against}" if against else ""
            print(
                f"{name:14}{posts / seconds:9.0f}{size / seconds / 1e6:8.1f}{size / 1e6:8.1f}{peak / 1e6:9.1f}"
                f"{before[3] / 1e6:11.1f}  {ratio}"
            )


def run(name: str, archive: Path) -> tuple[float, int, int, int]:
    command = [sys.executable, __file__, "--one", name, str(archive)]
    seconds, size, posts, peak = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return seconds, size, posts, peak


def measure(name: str, archive: str) -> tuple[float, int, int, int]:
    """(seconds, bytes written, posts, peak resident bytes) of one export in this process."""
    out = Counter()
    with opened(Path(archive)) as db:
        contents = StoredContents(db)
        posts = contents.about()["posts"]
        started = time.perf_counter()
        exports()[name].write(contents, out)  # type: ignore[arg-type]  # a raw stream will do
        seconds = time.perf_counter() - started
    return seconds, out.size, posts, peak_resident()


def bare_writers(archive: Path) -> Iterator[tuple[str, tuple[float, int, int]]]:
    """(seconds, bytes, posts) that the writers alone need for what the exports write, all of it in memory."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with opened(archive) as db:
        contents = StoredContents(db)
        dossiers = [
            {**post, "captures": [{"id": each["id"], **contents.record(each["id"])} for each in post["captures"]]}
            for post in contents.posts()
        ]
        captures = [
            (each.capture, each.capture.body.open().read(), each.same_as is not None) for each in contents.captures()
        ]
    out = Counter()
    started = time.perf_counter()
    for dossier in dossiers:
        out.write(json.dumps(dossier, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    yield "json.dumps", (time.perf_counter() - started, out.size, len(dossiers))

    out = Counter()
    started = time.perf_counter()
    writer = WARCWriter(out, gzip=True, warc_version="1.1")
    for capture, body, is_same in captures:
        # As many records as the export writes, with digests of warcio's own.
        head = StatusAndHeaders(f"{capture.status or 200} OK", list(capture.headers), protocol="HTTP/1.1")
        sent = StatusAndHeaders("GET / HTTP/1.1", list(capture.request_headers), is_http_request=True)
        if is_same:
            writer.write_record(
                writer.create_revisit_record(capture.url, "sha1:AAAA", capture.url, "2024-08-07T10:00:00Z", head)
            )
        else:
            writer.write_record(
                writer.create_warc_record(capture.url, "response", io.BytesIO(body), len(body), http_headers=head)
            )
        if capture.status is not None:
            writer.write_record(writer.create_warc_record(capture.url, "request", http_headers=sent))
        said = b"archiver-capture: sha256:" + capture.body.sha256.encode() * 4 + b"\r\n"
        writer.write_record(writer.create_warc_record(capture.url, "metadata", io.BytesIO(said), len(said)))
    yield "warcio", (time.perf_counter() - started, out.size, len(dossiers))


if __name__ == "__main__":
    main()
