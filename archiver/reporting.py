"""`archiver report`: how long posts live, by platform and by source, and what the last runs did."""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.errors import ArchiveError, ConfigError, InputError
from archiver.model import timestamp
from archiver.store import connect_to_read, lives, translated
from archiver.survival import AGES, DAY, Life, Survival, durations, estimate, survival

if TYPE_CHECKING:
    from archiver.config import Config

_RUNS = 5
_FORMATS = (".png", ".svg")


def report(config: Config, path: Path, options: argparse.Namespace) -> int:
    """The command; its exit code."""
    plot = options.plot
    if plot is not None and plot.suffix.lower() not in _FORMATS:
        raise InputError(f"{plot}: a plot is written as PNG or SVG; end the name in .png or .svg")
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        known = list(lives.lives(db, config.recheck.gone_after))
        runs = lives.runs(db, _RUNS)
    groups = list(_groups(known))
    if plot is not None:
        _draw(plot, groups, path)
    if options.json:
        said = {
            "archive": str(path),
            "at": timestamp(dt.datetime.now(dt.UTC)),
            "survival": _plain(groups),
            "runs": runs,
        }
        print(json.dumps(said, ensure_ascii=False))
    elif options.csv:
        _write_csv(groups)
    else:
        print("\n".join([*_lines(groups), "", *_runs(runs)]))
        if plot is not None:
            print(f"\ndrawn: {plot}")
    return 0


_Group = tuple[str, str, list[Life]]


def _groups(known: list[Life]) -> Iterator[_Group]:
    """(by what, which, its posts): all of them, then by platform, then by the source whose articles show them."""
    yield "all", "all posts", known
    for platform in sorted({life.platform for life in known}):
        yield "platform", platform, [life for life in known if life.platform == platform]
    for source in sorted({source for life in known for source in life.sources}):
        yield "source", source, [life for life in known if source in life.sources]


def _plain(groups: Sequence[_Group]) -> list[dict[str, Any]]:
    return [{"by": by, "name": name, **dataclasses.asdict(survival(some))} for by, name, some in groups]


def _write_csv(groups: Sequence[_Group]) -> None:
    """One line a group and age. Empty where nobody was looked at for that long."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(
        ["by", "name", "seen", "gone_before", "age_seconds", "at_risk", "lost", "survival_least", "survival_most",
         "limit_low", "limit_high"]
    )  # fmt: skip
    for by, name, some in groups:
        found = survival(some)
        # A spreadsheet takes a cell that begins like a formula for one (as exports/csv.py has it).
        cell = "'" + name if name[:1] in "=+-@\t\r" else name
        for row in found.rows:
            numbers = (row.least, row.most, row.low, row.high)
            shares = ["" if each is None else f"{each:.6f}" for each in numbers]
            out.writerow([by, cell, found.seen, found.gone_before, row.age, row.at_risk, row.lost, *shares])


def _lines(groups: Sequence[_Group]) -> Iterator[str]:
    for by, name, some in groups:
        found = survival(some)
        yield f"{name}" + (f" ({by})" if by != "all" else "") + f": {_counted(found)}"
        rows = [row for row in found.rows if row.least is not None]
        if rows:
            yield f"  {'after':<9} {'looked at':>9} {'lost':>6}  still there       95 % limits"
        for row in rows:
            assert row.least is not None
            assert row.most is not None
            assert row.low is not None
            assert row.high is not None
            there = _percent(row.most)
            if _percent(row.least) != there:
                there = f"{_percent(row.least)} to {there}"
            limits = f"{_percent(row.low)} to {_percent(row.high)}" if row.low < row.high else "–"
            yield f"  {AGES[row.age]:<9} {row.at_risk:>9} {row.lost:>6}  {there:<16}  {limits}"
        if found.seen and not rows:
            yield "  no post was looked at again an hour or more after it was first seen"
    yield ""
    yield "Age counts from our first look that found the post. A post that was not looked at again counts for as long"
    yield "as it was seen. A loss counts when it was found twice; it happened between two looks, hence two figures."


def _counted(found: Survival) -> str:
    parts = [f"{found.seen} seen"]
    if found.once:
        parts.append(f"{found.once} of them once")
    parts.append(f"{found.lost} lost since")
    if found.gone_before:
        share = found.gone_before / (found.gone_before + found.seen)
        parts.append(f"{found.gone_before} gone before the first look ({_percent(share)})")
    return ", ".join(parts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _runs(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "the last runs:" if runs else "no runs yet"
    for run in runs:
        report = run["report"] or {}
        ended = run["ended_at"]
        span = f"to {ended[:10]} {ended[11:16]}" if ended else "not ended"
        states = ", ".join(f"{state} {count}" for state, count in report.get("states", {}).items()) or "no embeds"
        yield f"  {run['started_at'][:10]} {run['started_at'][11:16]} {span}  {run['command']}: {states}"
        if report:
            requests = sum(report.get("requests", {}).values())
            # Rereading and importing ask nobody, and say less.
            captures, media = report.get("captures", 0), report.get("media", 0)
            yield f"    {requests} requests, {captures} new captures, {media} media files"


def _draw(target: Path, groups: Sequence[_Group], archive: Path) -> None:
    """A curve for all posts and for each platform; between its two lines lies what is not known."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "a plot needs matplotlib, which is not installed: pip install 'archiver[plot]'. "
            "--csv gives the figures without it."
        ) from error
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    longest = 0.0
    for by, name, some in groups:
        if by == "source" or not any(life.first_seen for life in some):
            continue
        curves = []
        ends = [seconds for seconds, _ in durations(some, is_earliest=False)]
        for is_earliest in (True, False):
            steps = estimate(durations(some, is_earliest=is_earliest))
            ages = [0.0, *(step.age / DAY for step in steps), max(ends) / DAY]
            shares = [1.0, *(step.survival for step in steps)]
            curves.append((ages, [*shares, shares[-1]]))
        longest = max(longest, max(ends) / DAY)
        # Escaped: a dollar sign begins mathematics in matplotlib, and labels are people's own words.
        label = f"{name}, {len(ends)} posts".replace("$", r"\$")
        (line,) = axes.step(*curves[1], where="post", label=label)
        axes.step(*curves[0], where="post", color=line.get_color(), linewidth=0.6)
    axes.set(xlabel="days since first seen", ylabel="still there", ylim=(0, 1.02), xlim=(0, longest or 1))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize="small") if axes.lines else None
    axes.set_title(f"Posts still there, {archive.name}".replace("$", r"\$"), fontsize="medium")
    canvas = (FigureCanvasSVG if target.suffix.lower() == ".svg" else FigureCanvasAgg)(figure)
    try:
        canvas.print_figure(target, format=target.suffix.lower().removeprefix("."))
    except OSError as error:
        raise ArchiveError(
            f"{target}: cannot be written ({error.strerror or error}). Name another with --plot."
        ) from error
