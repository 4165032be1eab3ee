"""What the dated looks at each post say of its life, for `survival`."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from archiver.model import IMPORTED_BY, Outcome, Rank, Reason, moment
from archiver.survival import Life

#: The source of articles that no configured source named.
BY_HAND = "(by hand)"


def lives(db: sqlite3.Connection, gone_after: dt.timedelta) -> Iterator[Life]:
    """Every post that an article shows and that its own platform was asked for. Relays, web archives and looks that
    others handed in are no witnesses of what the platform shows. A loss counts once it was found twice, *gone_after*
    apart, nothing else said in between; until then the post counts as last seen when it was. A post that is hidden
    exists, and is not seen."""
    labels: dict[tuple[str, str], tuple[str, ...]] = {}
    for platform, post, named in db.execute(
        "SELECT e.platform, e.post, json_group_array(DISTINCT coalesce(a.label, ?)) FROM embed e "
        "JOIN article a ON a.id = e.article WHERE e.post IS NOT NULL GROUP BY 1, 2",
        (BY_HAND,),
    ):
        labels[platform, post] = tuple(sorted(json.loads(named)))
    looks = db.execute(
        "SELECT platform, post, outcome, reason, started_at FROM attempt INDEXED BY attempt_by_post "
        "WHERE rank = ? AND instr(source, ?) = 0 ORDER BY platform, post, started_at",
        (Rank.FIRST_HAND.value, IMPORTED_BY),
    )
    for ref, group in itertools.groupby(looks, key=lambda row: (row[0], row[1])):
        if ref in labels:
            life = _life(ref[0], labels[ref], ((row[2], row[3], row[4]) for row in group), gone_after)
            if life is not None:
                yield life


def _life(
    platform: str, sources: tuple[str, ...], looks: Iterable[tuple[str, str, str]], gone_after: dt.timedelta
) -> Life | None:
    first_seen = last_seen = missing = confirmed = None
    for outcome, reason, text in looks:
        at = moment(text)
        if outcome == Outcome.FOUND.value:
            first_seen, last_seen = first_seen or at, at
            missing = confirmed = None  # it is there again, so it was not lost
        elif outcome == Outcome.GONE.value or (outcome, reason) == (Outcome.ABSENT.value, Reason.NOT_FOUND.value):
            missing = missing or at
            if at - missing >= gone_after:
                confirmed = missing
        elif outcome == Outcome.HIDDEN.value:
            missing = confirmed = None  # it is said to exist
    if first_seen is None and confirmed is None:
        return None  # never seen, and not known to be gone: nothing can be said
    return Life(platform, sources, first_seen, last_seen, confirmed)


def runs(db: sqlite3.Connection, number: int) -> list[dict[str, Any]]:
    """The last runs with their reports, newest first; `ended_at` None for one that goes on, or was cut off."""
    rows = db.execute(
        "SELECT id, started_at, ended_at, command, software, report FROM run ORDER BY started_at DESC, id LIMIT ?",
        (number,),
    )
    names = ("run", "started_at", "ended_at", "command", "software")
    return [{**dict(zip(names, row, strict=False)), "report": json.loads(row[5]) if row[5] else None} for row in rows]
