"""`archiver extract`: the embeds of articles, without a database and without a network."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from archiver.errors import InputError

if TYPE_CHECKING:
    from archiver.articles.readers import Document

EPILOG = """\
examples:
  archiver extract article.html
  archiver extract --json news/ crawl.warc.gz feed.xml | jq .id
  archiver extract --json --text-column body --url-column link articles.csv
  curl -s https://news.example/story | archiver extract -

exit codes:
  0  something was found
  1  nothing was found
  2  wrong usage, or an input could not be read (each is named; the others are still read)
"""

#: How much one worker is handed at a time: enough to hide the handing over, little enough to spread.
_BATCH = 4 * 1024 * 1024

#: What an article must not do to a terminal.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

#: What one document came to: its lines as they are printed, how many embeds, and what went wrong, if anything did.
Told = tuple[bytes, int, str | None]


def main(argv: Sequence[str] | None = None, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> int:
    """Run the command; returns its exit code, see `EPILOG`."""
    options = _parser().parse_args(argv)
    out = stdout or sys.stdout.buffer
    from archiver.articles import read

    documents = read(
        options.articles,
        text_column=options.text_column,
        url_column=options.url_column,
        stdin=stdin or sys.stdin.buffer,
    )
    found = failed = 0
    with _Progress() as progress:
        for lines, count, problem in _told(documents, options.json, options.jobs):
            if lines:
                out.write(lines)
            found += count
            if problem is not None:
                failed += 1
                progress.say(f"archiver: {problem}")
            progress.step(found)
    out.flush()
    return 2 if failed else 0 if found else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="archiver extract",
        description="List the posts that articles show: embeds, links, short codes and flattened text. Nothing is "
        "fetched, nothing is stored.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "articles",
        nargs="+",
        metavar="ARTICLE",
        help="file, folder, glob or - for standard input: HTML, text, Markdown, .gz, WARC, WACZ, RSS, Atom, JSON feed, "
        "JSON Lines, CSV, TSV, Parquet",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for machines")
    parser.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes to read with (default: 1)")
    parser.add_argument("--text-column", metavar="C", help="the column of a data set that holds the article")
    parser.add_argument("--url-column", metavar="C", help="the column that holds its address")
    return parser


def _jobs(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError("between 1 and 256")
    return number


def _told(documents: Iterable[Document | InputError], is_json: bool, jobs: int) -> Iterator[Told]:
    if jobs == 1:
        for document in documents:
            yield tell(document, is_json)
        return
    yield from _told_by_workers(documents, is_json, jobs)


def _told_by_workers(documents: Iterable[Document | InputError], is_json: bool, jobs: int) -> Iterator[Told]:
    """In the order of *documents*, with at most two batches a worker in memory."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    pending: deque[tuple[list[Document | InputError], Future[list[Told]]]] = deque()
    pool = ProcessPoolExecutor(jobs)
    try:
        for batch in _batches(documents):
            try:
                future = pool.submit(tell_all, batch, is_json)
            except BrokenProcessPool:
                pool = ProcessPoolExecutor(jobs)
                future = pool.submit(tell_all, batch, is_json)
            pending.append((batch, future))
            if len(pending) >= 2 * jobs:
                yield from _result(*pending.popleft())
        while pending:
            yield from _result(*pending.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(batch: list[Document | InputError], future: Any) -> list[Told]:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return list(future.result())
    except BrokenProcessPool:
        # The kernel ended a worker, for want of memory as a rule; which document it was cannot be known.
        names = ", ".join(d.location for d in batch[:3] if not isinstance(d, InputError))
        return [(b"", 0, f"{names} …: the process that read these {len(batch)} articles was ended; try --jobs 1")]


def _batches(documents: Iterable[Document | InputError]) -> Iterator[list[Document | InputError]]:
    batch: list[Document | InputError] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += 200 if isinstance(document, InputError) else len(document.content)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def tell_all(documents: list[Document | InputError], is_json: bool) -> list[Told]:
    return [tell(document, is_json) for document in documents]


def tell(document: Document | InputError, is_json: bool) -> Told:
    if isinstance(document, InputError):
        return b"", 0, str(document)
    from archiver.articles import as_json, embeds

    try:
        found = embeds(
            document.content,
            media_type=document.media_type,
            charset=document.charset,
            location=document.location,
        )
    except InputError as error:
        return b"", 0, str(error)
    if not found:
        return b"", 0, None
    rows = [as_json(document.location, embed) for embed in found]
    if is_json:
        return b"".join(map(_line, rows)), len(found), None
    return ("\n".join(map(_sentence, rows)) + "\n").encode("utf-8", "replace"), len(found), None


def _line(row: dict[str, Any]) -> bytes:
    import orjson

    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, which JSON can name and UTF-8 cannot
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _sentence(row: dict[str, Any]) -> str:
    """One embed for a person: what, which, whose, when, and where in the article."""
    said = [f"{row['article']}: {row['kind']} {row['platform']}"]
    said += [row["url"] or row["id"]] if row["url"] or row["id"] else [" ".join(row["codes"])] if row["codes"] else []
    said += [f"@{row['handle']}"] if row["handle"] else []
    said += [row["date"]] if row["date"] else []
    said += [f"({row['where']})"] if row["where"] not in {"dom", "text"} else []
    return _CONTROL.sub("\ufffd", " ".join(said))


class _Progress:
    """A line that moves on a terminal, and silence in a pipe. Problems are always said, on standard error."""

    def __init__(self) -> None:
        self._status: Any = None
        self._read = 0

    def __enter__(self) -> _Progress:
        if sys.stderr.isatty() and not sys.stdout.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("reading …")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def step(self, found: int) -> None:
        self._read += 1
        if self._status is not None and self._read % 50 == 0:
            self._status.update(f"{self._read} articles, {found} posts")

    def say(self, problem: str) -> None:
        print(_CONTROL.sub("\ufffd", problem), file=sys.stderr)  # noqa: T201 - this is the command's voice
