"""How fast articles are read, beside BeautifulSoup alone: python bench/extract.py [CORPUS] [ROUNDS].

One core, whole corpus, JSON output included, rounds interleaved, medians of process time. BeautifulSoup guesses the
charset of a page with a detector, where one is installed, and that takes longer than the page; so it is measured both
as it is installed and with the charset told. tweetfinder is measured too where it is installed, once, for it takes a
minute and a half. The physical lines are what any reader of the same bytes must pay: gunzip, and a copy in memory.
"""

from __future__ import annotations

import contextlib
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


def soup_told(pages: dict[str, bytes]) -> None:
    """The same without its guess at the charset, for which it asks chardet, cchardet or charset-normalizer, where any
    is installed: half of its time."""
    from bs4 import BeautifulSoup

    for page in pages.values():
        BeautifulSoup(page, "lxml", from_encoding="utf-8")


def tweetfinder(pages: dict[str, bytes]) -> list[float]:
    """How long tweetfinder takes for each page, the longest first; none where it is not installed."""
    try:
        from tweetfinder import Article
    except ImportError:
        return []

    def embedded(pages: dict[str, bytes]) -> None:
        for page in pages.values():
            with contextlib.suppress(Exception):
                Article(html=page.decode("utf-8", "replace")).list_embedded_tweets()

    return sorted((measured(embedded, {name: page}) for name, page in pages.items()), reverse=True)


def measured(run: Callable[[dict[str, bytes]], object], pages: dict[str, bytes]) -> float:
    gc.collect()
    began = time.process_time()
    run(pages)
    return time.process_time() - began


def main() -> None:
    # tweetfinder brings NumPy along, whose threads would go on spinning on everybody else's process time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shared = pathlib.Path(os.environ.get("ARCHIVER_SHARED") or pathlib.Path(__file__).parents[1].parent / "shared")
    corpus = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "corpus" / "html"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    everything = {str(path): path.read_bytes() for path in sorted(corpus.iterdir())}
    plain = {name: page for name, page in everything.items() if not byte_screen.references()(page)}
    # A corpus of embeds has few pages without: the same pages with every reference blanked out stand for them.
    blanked = {name: _without_references(page) for name, page in everything.items()}
    readers: dict[str, Callable[[dict[str, bytes]], object]] = {
        "archiver": extract,
        "bs4 lxml": soup,
        "bs4 lxml told": soup_told,
    }
    warnings.simplefilter("ignore")
    logging.disable()
    extract(everything)
    limits = _limits(everything)
    for label, pages in (
        ("whole corpus", everything),
        ("its pages without any reference", plain),
        ("all its pages, every reference blanked out", blanked),
    ):
        if not pages:
            continue
        size = sum(map(len, pages.values())) / 1e6
        took: dict[str, list[float]] = {name: [] for name in readers}
        # So few pages are read in less than the clock's step.
        repeats = max(1, round(20 / size))
        for _round in range(rounds):
            for name, run in readers.items():
                times = repeats if name == "archiver" else 1
                took[name].append(sum(measured(run, pages) for _ in range(times)) / times)
        print(f"{label}: {len(pages)} pages, {size:.1f} MB; charset detector of bs4: {detector()}")
        base, told = (statistics.median(took[name]) for name in ("bs4 lxml", "bs4 lxml told"))
        for name, times in took.items():
            median = statistics.median(times)
            ratios = sorted(b / a for a, b in zip(times, took["bs4 lxml"], strict=True))
            print(
                f"  {name:13} {size / median:8.1f} MB/s {len(pages) / median:9.1f} pages/s {base / median:7.1f} × bs4 "
                f"(of one round: {ratios[0]:.1f} to {ratios[-1]:.1f}), {told / median:.1f} × bs4 told"
            )
            if name == "archiver":
                for limit, rate in limits.items():
                    print(f"    {size / median / rate:7.1%} of {limit} ({rate:.0f} MB/s)")
        if pages is everything and (peer := tweetfinder(pages)):
            ours = statistics.median(took["archiver"])
            rest = f"without the page that it takes longest for ({peer[0]:.1f} s), {sum(peer[1:]) / ours:.1f} times"
            rate, times = len(peer) / sum(peer), sum(peer) / ours
            print(f"  tweetfinder   {rate:28.1f} pages/s; archiver reads {times:.1f} times as many; {rest}")


def detector() -> str:
    """The module that BeautifulSoup guesses charsets with, which it takes as it finds it."""
    import bs4.dammit

    return getattr(bs4.dammit.chardet_module, "__name__", "none")


def _limits(pages: dict[str, bytes]) -> dict[str, float]:
    """What any reader of the same bytes must pay, in MB/s of pages: unpacking them, copying them, reading them once."""
    size = sum(map(len, pages.values())) / 1e6
    packed = [gzip.compress(page, 6) for page in pages.values()]
    rates = {}
    for name, run in (
        ("what gunzip gives", lambda: [gzip.decompress(page) for page in packed]),
        ("a copy in memory", lambda: [bytearray(page) for page in pages.values()]),
        ("reading each byte once", lambda: [page.isascii() or page.find(b"\x00") for page in pages.values()]),
        ("the byte screen alone", lambda: [byte_screen.references()(page) for page in pages.values()]),
    ):
        times = []
        for _ in range(3):
            began = time.process_time()
            run()
            times.append(time.process_time() - began)
        rates[name] = size / min(times)
    return rates


def _without_references(page: bytes) -> bytes:
    while found := byte_screen.references()(page):
        changed = bytearray(page)
        for _, end in found:
            changed[max(0, end - 3) : end] = b"   "
        page = bytes(changed)
    return page


if __name__ == "__main__":
    main()
