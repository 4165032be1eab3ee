"""What a run found, against the key: every embed judged once, counted by kind and by trouble."""

from __future__ import annotations

import bisect
import enum
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.world.key import Key, Shown
from tests.world.run import Found, Outcome


class Verdict(enum.StrEnum):
    """How one embed ended, as the key sees it."""

    RIGHT = "right"  # the post it shows, and what can be seen suffices
    BEYOND = "right, beyond"  # the post it shows, though the key does not ask for it
    MISSED = "missed"  # it suffices, and no post was named
    UNFOUND = "not found"  # no embed was found where one stands
    OPEN = "left open"  # it does not suffice, and no post was named
    WRONG = "WRONG"  # another post was named
    VERSION = "other version"  # another version of the same, edited post was named
    MISLED = "misled"  # another post was named, and it is the only one that anything that can be seen names


@dataclass(frozen=True, slots=True)
class Judged:
    """One embed of the key and what became of it."""

    shown: Shown
    suffices: bool
    verdict: Verdict
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All embeds of one world, and whether the run's own totals hold."""

    key: Key
    outcome: Outcome
    judged: tuple[Judged, ...]
    #: Embeds found where the key has none.
    spurious: tuple[Found, ...]

    def count(self, *verdicts: Verdict) -> int:
        return sum(judged.verdict in verdicts for judged in self.judged)

    @property
    def wrong(self) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if each.verdict in (Verdict.WRONG, Verdict.VERSION))

    @property
    def missed(self) -> tuple[Judged, ...]:
        return tuple(
            each for each in self.judged if each.verdict in (Verdict.MISSED, Verdict.UNFOUND) and each.suffices
        )

    @property
    def identified(self) -> float:
        """The share identified of the embeds that what can be seen suffices for."""
        return self.count(Verdict.RIGHT) / max(1, sum(each.suffices for each in self.judged))


def judge(key: Key, outcome: Outcome) -> Figures:
    """Each embed of the key with what was found between its first and last character."""
    starts: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, list[int]] = defaultdict(list)
    place: dict[tuple[str, int], int] = {}
    for number, shown in enumerate(key.shown):
        location = key.pages[shown.article].location
        place[location, len(starts[location])] = number
        starts[location].append(shown.start)
        ends[location].append(shown.end)
    within: dict[int, list[Found]] = defaultdict(list)
    spurious = []
    for each in outcome.found:
        last = bisect.bisect_right(starts[each.location], each.start or 0) - 1
        if last < 0 or (each.start or 0) >= ends[each.location][last]:
            spurious.append(each)
        else:
            within[place[each.location, last]].append(each)
    ran = {each.location for each in outcome.found}
    judged = tuple(
        _judged(key, shown, tuple(within[number]))
        for number, shown in enumerate(key.shown)
        if within[number] or key.pages[shown.article].location in ran or len(ran) > 1
    )
    return Figures(key, outcome, judged, tuple(spurious))


def _judged(key: Key, shown: Shown, found: tuple[Found, ...]) -> Judged:
    suffices = key.suffices(shown)
    named = {each.post for each in found if each.post is not None}
    if named == {shown.truth} and shown.truth is not None:
        verdict = Verdict.RIGHT if suffices else Verdict.BEYOND
    elif named and key.misleads(shown) and named <= key.admitted(shown):
        verdict = Verdict.MISLED
    elif named:
        versions = {id for id in (shown.truth,) if id} and set(key.world.versions(key.world.posts[shown.truth or ""]))
        verdict = Verdict.VERSION if named <= versions else Verdict.WRONG
    elif not found:
        verdict = Verdict.UNFOUND
    else:
        verdict = Verdict.MISSED if suffices else Verdict.OPEN
    return Judged(shown, suffices, verdict, found)


# --- as people read it ----------------------------------------------------------------------------------------------

_COLUMNS: tuple[tuple[str, Callable[[Judged], bool]], ...] = (
    ("embeds", lambda each: True),
    ("suffices", lambda each: each.suffices),
    ("right", lambda each: each.verdict is Verdict.RIGHT),
    ("missed", lambda each: each.suffices and each.verdict in (Verdict.MISSED, Verdict.UNFOUND)),
    ("beyond", lambda each: each.verdict is Verdict.BEYOND),
    ("left open", lambda each: not each.suffices and each.verdict in (Verdict.OPEN, Verdict.UNFOUND)),
    ("misled", lambda each: each.verdict is Verdict.MISLED),
    ("WRONG", lambda each: each.verdict in (Verdict.WRONG, Verdict.VERSION)),
)


def table(title: str, judged: Iterable[Judged], names: Callable[[Judged], Iterable[str]]) -> str:
    """A Markdown table: a row for each name, in the order of its number of embeds."""
    rows: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        for name in names(each):
            rows[name].append(each)
    width = max(len(name) for name in [title, *rows])
    lines = [
        "| " + " | ".join([title.ljust(width), *(f"{name:>9}" for name, _ in _COLUMNS)]) + " |",
        "|" + "|".join(["-" * (width + 2), *("-" * 10 + ":" for _ in _COLUMNS)]) + "|",
    ]
    for name in sorted(rows, key=lambda name: (-len(rows[name]), name)):
        cells = [str(sum(claim(each) for each in rows[name])) for _, claim in _COLUMNS]
        lines.append("| " + " | ".join([name.ljust(width), *(f"{cell:>9}" for cell in cells)]) + " |")
    return "\n".join(lines)


def _of(judged: Judged, prefix: str, *others: str) -> tuple[str, ...]:
    """The troubles of one embed that begin so, and not otherwise, without what they begin with."""
    return tuple(
        trouble.removeprefix(prefix)
        for trouble in judged.shown.troubles
        if trouble.startswith(prefix) and not trouble.startswith(others)
    )


def report(many: Sequence[Figures]) -> str:
    """Figures of several worlds, added up."""
    judged = [each for figures in many for each in figures.judged]
    suffices = sum(each.suffices for each in judged)
    right = sum(figures.count(Verdict.RIGHT) for figures in many)
    states: Counter[str] = Counter()
    for figures in many:
        for state, reasons in figures.outcome.report["reasons"].items():
            states.update({f"{state} ({reason})": count for reason, count in reasons.items()})
    lines = [
        table("all", judged, lambda each: ("all",)),
        "",
        table("kind of embed", judged, lambda each: (each.shown.kind,)),
        "",
        table("how the post stands", judged, lambda each: _of(each, "post ")),
        "",
        table("kind of trouble", judged, lambda each: _of(each, "", "post ", "date in ")),
        "",
        table("language of the day", judged, lambda each: _of(each, "date in ")),
        "",
        f"identified of those that what can be seen suffices for: {right} of {suffices} "
        f"({right / max(1, suffices):.2%})",
        f"wrong: {sum(len(figures.wrong) for figures in many)}",
        f"embeds found where there is none: {sum(len(figures.spurious) for figures in many)}",
        f"states of {states.total()} embeds: " + ", ".join(f"{state} {count}" for state, count in states.most_common()),
    ]
    return "\n".join(lines)


def told(figures: Figures, judged: Judged) -> str:
    """One embed in full: where it stands, the truth, what was chosen and why."""
    key, shown = figures.key, judged.shown
    page = key.pages[shown.article]
    lines = [
        f"--- {judged.verdict} · seed {key.seed} · article {shown.article} ({page.location}) · {shown.kind}",
        f"troubles: {', '.join(sorted(shown.troubles)) or 'none'}",
        f"block: {page.text[shown.start : shown.end]!r}",
    ]
    truth = key.world.posts.get(shown.truth or "")
    lines.append(f"truth: {truth.id} {truth} ({truth.created_at:%Y-%m-%d %H:%M})" if truth else "truth: no post")
    if not shown.has_id:
        lines.append(f"admitted by the key: {sorted(key.admitted(shown))}")
    for each in judged.found:
        lines.append(f"found: {each.kind} @{each.handle} {each.date} codes {each.codes} text {each.text!r}")
        lines.append(f"  {each.state}, {each.reason}; post {each.post}")
        if each.post and each.post in key.world.posts and each.post != shown.truth:
            other = key.world.posts[each.post]
            lines.append(f"  which is: {other} ({other.created_at:%Y-%m-%d %H:%M}, code {other.code})")
        resolution = each.resolution or {}
        for step in resolution.get("evidence", ()):
            lines.append(f"  evidence {step['rung']}: {step['detail']}")
        for candidate in resolution.get("candidates", ())[:4]:
            lines.append(f"  candidate {candidate['ref']} {candidate['score']}: {'; '.join(candidate['reasons'])}")
    return "\n".join(lines)
