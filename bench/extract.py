"""How fast articles are read, beside BeautifulSoup alone: python bench/extract.py [CORPUS] [ROUNDS].

One core, whole corpus, JSON output included, rounds interleaved, medians of process time. tweetfinder is measured too
where it is installed. The physical lines are what any reader of the same bytes must pay: gunzip, and a copy in memory.
"""

from __future__ import annotations

import gc
import gzip
import io
import logging
import os
import pathlib
import statistics
import sys
import time
import warnings
from collections.abc import Callable

from archiver.articles import screen as byte_screen
from archiver.articles.command import tell
from archiver.articles.readers import Document


def extract(pages: dict[str, bytes]) -> int:
    """What `archiver extract --json` does with each document it has read, to the bytes it prints."""
    out = io.BytesIO()
    for name, page in pages.items():
        lines, _, _ = tell(Document(name, page), True)
        out.write(lines)
    return out.tell()


def soup(pages: dict[str, bytes]) -> None:
    from bs4 import BeautifulSoup

    for page in pages.values():
        BeautifulSoup(page, "lxml")


def tweetfinder(pages: dict[str, bytes]) -> None:
    from tweetfinder import Article

    for page in pages.values():
        try:
            Article(html=page.decode("utf-8", "replace")).list_embedded_tweets()
        except Exception:
            continue


def measured(run: Callable[[dict[str, bytes]], object], pages: dict[str, bytes]) -> float:
    gc.collect()
    began = time.process_time()
    run(pages)
    return time.process_time() - began


def main() -> None:
    shared = pathlib.Path(os.environ.get("ARCHIVER_SHARED") or pathlib.Path(__file__).parents[1].parent / "shared")
    corpus = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "corpus" / "html"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    everything = {str(path): path.read_bytes() for path in sorted(corpus.iterdir())}
    plain = {name: page for name, page in everything.items() if not byte_screen.references()(page)}
    if not plain:
        # A corpus of embeds has few pages without: the same pages with every reference blanked out.
        plain = {name: _without_references(page) for name, page in everything.items()}
    readers: dict[str, Callable[[dict[str, bytes]], object]] = {"archiver": extract, "bs4 lxml": soup}
    try:
        import tweetfinder as _  # noqa: F401

        readers["tweetfinder"] = tweetfinder
    except ImportError:
        pass
    warnings.simplefilter("ignore")
    logging.disable()
    extract(everything)
    for label, pages in (("whole corpus", everything), ("without references", plain)):
        size = sum(map(len, pages.values())) / 1e6
        took: dict[str, list[float]] = {name: [] for name in readers}
        for _round in range(rounds):
            for name, run in readers.items():
                took[name].append(measured(run, _sample(pages) if name == "tweetfinder" else pages))
        print(f"{label}: {len(pages)} pages, {size:.1f} MB")
        base = statistics.median(took["bs4 lxml"])
        for name, times in took.items():
            median = statistics.median(times)
            if name == "tweetfinder":
                each = len(_sample(pages)) / median
                ours = len(pages) / statistics.median(took["archiver"])
                print(f"  {name:12} {each:28.1f} pages/s; archiver reads {ours / each:.1f} times as many")
                continue
            print(
                f"  {name:12} {size / median:8.1f} MB/s {len(pages) / median:9.1f} pages/s {base / median:7.1f} × bs4"
            )
    blob = b"".join(everything.values())
    packed = gzip.compress(blob, 6)
    for name, run in (("gunzip", lambda: gzip.decompress(packed)), ("copy", lambda: bytes(bytearray(blob)))):
        began = time.process_time()
        run()
        print(f"  limit: {name:8} {len(blob) / 1e6 / (time.process_time() - began):8.0f} MB/s")


def _sample(pages: dict[str, bytes]) -> dict[str, bytes]:
    """Every twentieth page: enough for what takes a second a page."""
    return dict(list(pages.items())[::20])


def _without_references(page: bytes) -> bytes:
    while found := byte_screen.references()(page):
        changed = bytearray(page)
        for _, end in found:
            changed[max(0, end - 3) : end] = b"   "
        page = bytes(changed)
    return page


if __name__ == "__main__":
    main()
