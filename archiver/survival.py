"""How long posts live, from dated looks at them, honest about what was not seen.

A post that is not looked at any more is not alive: it counts for as long as it was last seen, then leaves the count
(right censoring). A post that vanished did so somewhere between the last look that found it and the first that did not
(interval censoring), so there are two Kaplan-Meier estimates (1958), one with every loss at the earliest time it can
have been, one with every loss at the latest, and the table gives the span of both. Age counts from our first look that
found the post; a post that was gone before we came is counted apart, for its age at death is not known.

The confidence limits are Greenwood's (1926) with the log-log transform (Kalbfleisch and Prentice 1980).
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HOUR, DAY = 3600, 86400
#: The ages, in seconds, that a table has by default, and how people say them.
AGES = {
    HOUR: "1 hour", DAY: "1 day", 7 * DAY: "1 week", 30 * DAY: "30 days", 90 * DAY: "90 days", 182 * DAY: "6 months",
    365 * DAY: "1 year", 730 * DAY: "2 years",
}  # fmt: skip
#: The 97.5th percentile of the normal distribution: limits of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Life:
    """What we know of one post: when it was first and last seen, and when it was first found missing, where that was
    confirmed. `first_seen` None: never seen, and gone when first asked for."""

    platform: str
    sources: tuple[str, ...]
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None = None
    missing: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a Kaplan-Meier estimate: just after `age` seconds, of `at_risk` posts that were still under
    observation just before it, `lost` were lost."""

    age: float
    at_risk: int
    lost: int
    survival: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `at_risk` posts were still under observation at this age, `lost` had been found missing
    by then. `least` and `most` are the two estimates of the share still there, `low` and `high` the 95 % limits of both
    together. None where nobody was looked at for that long: not known, and not guessed."""

    age: int
    at_risk: int
    lost: int
    least: float | None
    most: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Survival:
    """What became of some posts. `seen` were found at least once, `once` of them at one moment only; `lost` were found
    and later confirmed missing; `gone_before` were gone when first asked for."""

    seen: int
    once: int
    lost: int
    gone_before: int
    rows: tuple[Row, ...]


def estimate(durations: Iterable[tuple[float, bool]]) -> tuple[Step, ...]:
    """The product-limit estimate of (seconds, whether lost then; else last seen then), a step at each loss."""
    ordered = sorted(durations, key=lambda each: (each[0], not each[1]))  # at one time losses come first
    at_risk, survival, spread = len(ordered), 1.0, 0.0
    steps: list[Step] = []
    place = 0
    while place < len(ordered):
        age, lost, left = ordered[place][0], 0, 0
        while place < len(ordered) and ordered[place][0] == age:
            lost, left, place = lost + ordered[place][1], left + 1, place + 1
        if lost:
            survival *= 1 - lost / at_risk
            spread += lost / (at_risk * (at_risk - lost)) if at_risk > lost else math.inf
            steps.append(Step(age, at_risk, lost, survival, *_limits(survival, spread)))
        at_risk -= left
    return tuple(steps)


def _limits(survival: float, spread: float) -> tuple[float, float]:
    if survival in (0.0, 1.0):
        return survival, survival  # the transform has no value there; nothing is claimed
    half = _Z * math.sqrt(spread) / abs(math.log(survival))
    return survival ** math.exp(half), survival ** math.exp(-half)


def durations(lives: Iterable[Life], *, is_earliest: bool) -> list[tuple[float, bool]]:
    """(seconds, whether lost) of each post that was seen, its loss as early or as late as it can have been."""
    found = []
    for life in lives:
        if life.first_seen is not None and life.last_seen is not None:
            end = life.missing if life.missing is not None and not is_earliest else life.last_seen
            found.append(((end - life.first_seen).total_seconds(), life.missing is not None))
    return found


def survival(lives: Sequence[Life], ages: Iterable[int] = tuple(AGES)) -> Survival:
    """The table for some posts, up to the age that anybody was looked at for."""
    seen = [life for life in lives if life.first_seen is not None]
    early, late = durations(seen, is_earliest=True), durations(seen, is_earliest=False)
    steps = estimate(early), estimate(late)
    ends = sorted(seconds for seconds, _ in late)
    lost_at = sorted(seconds for seconds, is_lost in late if is_lost)
    longest = ends[-1] if ends else -1.0
    rows = []
    for age in ages:
        at_risk = len(ends) - bisect.bisect_left(ends, age)
        lost = bisect.bisect_right(lost_at, age)
        if age > longest:
            rows.append(Row(age, 0, lost, None, None, None, None))
            continue
        one, other = (_at(each, age) for each in steps)
        rows.append(
            Row(
                age,
                at_risk,
                lost,
                min(one[0], other[0]),
                max(one[0], other[0]),
                min(one[1], other[1]),
                max(one[2], other[2]),
            )
        )
    return Survival(
        seen=len(seen),
        once=sum(life.first_seen == life.last_seen and life.missing is None for life in seen),
        lost=len(lost_at),
        gone_before=len(lives) - len(seen),
        rows=tuple(rows),
    )


def _at(steps: tuple[Step, ...], age: float) -> tuple[float, float, float]:
    place = bisect.bisect_right([step.age for step in steps], age)
    return (steps[place - 1].survival, steps[place - 1].low, steps[place - 1].high) if place else (1.0, 1.0, 1.0)
