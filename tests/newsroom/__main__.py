"""Live through some days of the newsroom and print what came of it; exit code 1 if anything did not hold.
SIGTERM ends it early: what was lived through until then is judged."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.newsroom.plan import plan
from tests.newsroom.run import Outcome, run
from tests.newsroom.tls import live


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.newsroom", description=__doc__)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--articles", type=int, default=500, help="a day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where the archive is made; in memory if the system has such a place"
    )
    parser.add_argument("--tls", action="store_true", help="one day, over TLS, by the real command")
    options = parser.parse_args()
    memory = Path("/dev/shm")  # commits wait for no disk there
    folder = options.folder or (memory if memory.is_dir() else None)
    if options.tls:
        return _over_tls(options)
    made = plan(options.seed, options.days, options.articles)
    print(
        f"{options.days} days, {len(made.stories)} articles, {made.embeds} embeds of {len(made.fates)} posts and "
        f"{made.flattened} without link or id",
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=folder) as place:
        outcome = Outcome()

        def cut_short(*_: object) -> None:
            outcome.is_cut_short = True

        signal.signal(signal.SIGTERM, cut_short)
        run(made, Path(place) / "archive.db", options.days, seed=options.seed, told=_told, outcome=outcome)
        print(report(outcome))
    for fault in outcome.faults[:40]:
        print("FAULT", fault)
    return 1 if outcome.faults else 0


def _over_tls(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        day = live(plan(options.seed, 1, options.articles), Path(place))
    states = ", ".join(f"{state} {count}" for state, count in day.report["states"].items())
    print(
        f"one day over TLS: {day.report['articles']} articles, embeds: {states}; {day.requests} requests in "
        f"{day.seconds:.0f} s; posts that were alive: {day.alive}, not captured {len(day.missing)}; "
        f"at most {day.at_once} at once to a host; limits exceeded: {len(day.faults)}"
    )
    for fault in (*day.missing, *day.faults)[:20]:
        print("FAULT", fault)
    return 1 if day.missing or day.faults else 0


def _told(outcome: Outcome) -> None:
    day = outcome.days[-1]
    print(
        f"day {len(outcome.days)}: {day.cpu:.1f} s of processor, {day.requests} requests, {day.posts} posts known, "
        f"archive {day.bytes / 1e6:.0f} MB, memory {day.memory / 1e6:.0f} MB",
        flush=True,
    )


def report(outcome: Outcome) -> str:
    """The figures, as docs/operate.md has them."""
    lines = [
        f"{len(outcome.days)} days in {outcome.wall / 60:.1f} minutes; {sum(outcome.requests.values())} requests, "
        f"{outcome.captures} captures, {outcome.snapshots} snapshots; {outcome.restarts} restarts",
        f"posts that lived an hour within reach: {outcome.owed}, captured {outcome.captured}; "
        f"their pictures: {outcome.media_owed}, kept {outcome.media_captured}",
        f"others: {outcome.not_owed}, captured all the same {outcome.not_owed_captured}",
        "embeds: " + ", ".join(f"{state} {count}" for state, count in outcome.states.most_common()),
        "asked: " + ", ".join(f"{host} {count}" for host, count in outcome.requests.most_common(12)),
        "answered: " + ", ".join(f"{status or 'nothing'} {count}" for status, count in outcome.statuses.most_common(8)),
        "most at a time: " + ", ".join(f"{name} {count}" for name, count in sorted(outcome.most.items())),
        "longest due before it was begun: "
        + ", ".join(f"{kind} {late:.0f} s" for kind, late in sorted(outcome.latest.items())),
        f"faults: {len(outcome.faults)}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
