"""Generate worlds, run the real path over them, print the figures; see the package's own words."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from tests.world.figures import Figures, Verdict, judge, report, told
from tests.world.generate import generate
from tests.world.run import run

#: The share of sufficient embeds that must be identified (issue: "every post that evidence suffices for").
LEAST = 0.99


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="501, 502 and 503 unless given")
    parser.add_argument("--posts", type=int, help="four times the articles unless given")
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--show", type=int, metavar="ARTICLE", help="run one article alone and print every request")
    parser.add_argument("--told", type=int, default=5, help="how many of each fault to tell in full")
    parser.add_argument("--folder", type=Path, help="where the archive is made meanwhile")
    options = parser.parse_args()
    posts = options.posts or 4 * options.articles
    many: list[Figures] = []
    for seed in options.seed or (501, 502, 503):
        began = time.perf_counter()
        key = generate(seed, posts=posts, articles=options.articles)
        made = time.perf_counter()
        pages = None if options.show is None else [key.pages[options.show]]
        outcome = asyncio.run(run(key, pages, folder=options.folder))
        figures = judge(key, outcome)
        many.append(figures)
        print(
            f"seed {seed}: {len(key.world.posts)} posts, {len(key.world.accounts)} accounts, "
            f"{len(key.world.mementos)} captures in the Wayback Machine, {len(key.pages)} articles, "
            f"{len(key.shown)} embeds; made in {made - began:.0f} s, run in {time.perf_counter() - made:.0f} s, "
            f"{outcome.requests} requests",
            file=sys.stderr,
        )
        if options.show is not None:
            print(key.pages[options.show].text)
            for line in key.world.log:
                answer = line.response
                print(line.request.method, line.request.url, answer.status, answer.header("location") or "")
            print("\n".join(told(figures, each) for each in figures.judged if each.shown.article == options.show))
            return 0
    print(report(many))
    seen: Counter[tuple[Verdict, str]] = Counter()
    for figures in many:
        for each in (*figures.wrong, *figures.missed):
            seen[each.verdict, each.shown.kind] += 1
            if seen[each.verdict, each.shown.kind] <= options.told:
                print(told(figures, each))
        for spurious in figures.spurious[: options.told]:
            print(f"--- found where there is none: {spurious}")
    is_good = all(not figures.wrong and figures.identified >= LEAST for figures in many)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
