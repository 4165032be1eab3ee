"""What happens in the newsroom's months: who posts what, which articles show it when, and when it dies.

Losses follow the published decay: 18 % of tweets are gone within three months (Pew 2024, PEERS.md 4), front-loaded as
the same study has it: half of those that go are gone within six days, nine in ten within 46.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass, field

from tests.newsroom.clock import LoopClock
from tests.newsroom.web import SECTIONS, NewsWeb, Paper, Snap, Story, weather
from tests.simulator.networks import Shared
from tests.simulator.world import Post

START = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)

#: Weibull: F(t) = LOST (1 - exp(-(t / SCALE) ** SHAPE)), from the two quantiles above and 18 % at 90 days.
LOST = 0.18 / 0.98
SHAPE = math.log(math.log(10) / math.log(2)) / math.log(46 / 6)
SCALE = 6 / math.log(2) ** (1 / SHAPE)

#: How many posts an article shows, and how often: about as many posts as articles.
_SHOWN = ((0, 0.40), (1, 0.36), (2, 0.14), (3, 0.06), (5, 0.04))
_WORDS = (
    "harbour",
    "bridge",
    "storm",
    "crane",
    "river",
    "village",
    "ferry",
    "market",
    "lamp",
    "tower",
    "quay",
    "signal",
)


@dataclass(frozen=True, slots=True)
class Fate:
    """One post of the plan: which article showed it first and when, and when it dies (None: it outlives the run)."""

    ref: str
    shown_at: dt.datetime
    dies_at: dt.datetime | None
    has_picture: bool
    sources: tuple[str, ...]
    media_host: str | None


@dataclass
class Plan:
    """The whole of it. `embeds` is how many places the articles have that show a post."""

    world: NewsWeb
    stories: list[Story] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)
    embeds: int = 0
    #: Embeds without link and id, to be found by their author, day and words.
    flattened: int = 0


def lifetime(rng: random.Random) -> dt.timedelta | None:
    """How long after it was posted a post is gone; None if it stays."""
    drawn = rng.random()
    if drawn >= LOST:
        return None
    return dt.timedelta(days=SCALE * (-math.log(1 - drawn / LOST)) ** (1 / SHAPE))


def plan(seed: int, days: int, articles: int) -> Plan:
    """Equal seeds and sizes make equal plans."""
    rng = random.Random(seed)
    world = NewsWeb(seed=seed, clock=LoopClock(START))
    made = Plan(world)
    clock = _Publishing(rng, days, articles)
    accounts = [f"witness_{number}" for number in range(40 + articles)]
    recent: list[tuple[str, str]] = []
    for number, at in enumerate(clock.times):
        shown: list[str] = []
        for _ in range(rng.choices([n for n, _ in _SHOWN], [p for _, p in _SHOWN])[0]):
            if recent and rng.random() < 0.08:
                again = rng.choice(recent[-200:])[1]  # another article shows it as well
                if again not in shown:  # this one does not: a page that repeats a code shows one embed
                    shown.append(again)
                continue
            shown.append(_post(made, rng, rng.choice(accounts), number, at))
            recent.append(("", shown[-1]))
        made.embeds += len(shown)
        made.stories.append(Story(number, SECTIONS[number % len(SECTIONS)], at, tuple(shown)))
    world.prepare(weather(seed, START, days), Paper(made.stories))
    return made


class _Publishing:
    """When articles appear: few at night, most in the morning."""

    def __init__(self, rng: random.Random, days: int, articles: int) -> None:
        hours = [1, 1, 1, 1, 2, 4, 7, 9, 9, 8, 7, 7, 6, 6, 6, 6, 6, 5, 4, 3, 3, 2, 2, 1]
        self.times = sorted(
            START + dt.timedelta(days=day, hours=rng.choices(range(24), hours)[0], seconds=rng.randrange(3600))
            for day in range(days)
            for _ in range(articles)
        )


def _post(made: Plan, rng: random.Random, handle: str, number: int, at: dt.datetime) -> str:
    """Make a post that an article of that time shows; the markup that shows it."""
    world = made.world
    posted_at = at - dt.timedelta(minutes=rng.uniform(20, 24 * 60))
    text = f"{' '.join(rng.sample(_WORDS, 8)).capitalize()} number {number}, as seen at {posted_at:%H:%M:%S}."
    lives = lifetime(rng)
    dies_at = posted_at + lives if lives else None
    if dies_at is not None and dies_at < at:
        dies_at = at + dt.timedelta(minutes=rng.uniform(1, 300))  # an editor saw it: it was there
    has_picture = rng.random() < 0.5
    media = [Snap(64, 48)] if has_picture else []
    network = rng.choices(("twitter", "telegram", "youtube"), (70, 12, 18))[0]
    post: Post | Shared
    if network == "twitter":
        post = world.post(handle, text, posted_at, media)
        ref, host = f"twitter:{post.id}", "pbs.twimg.com"
        sources = ("cdn.syndication.twimg.com", "api.fxtwitter.com", "api.vxtwitter.com")
        if rng.random() < 0.25:
            world.archive(post, max(posted_at, at - dt.timedelta(minutes=rng.uniform(0, 60))))
    elif network == "telegram":
        name = f"{handle}/{10 + number * 8 + len(made.fates) % 8}"
        post = world.share("telegram", name, text, posted_at, media)
        ref, host, sources = f"telegram:{name}", "cdn4.telesco.pe", ("t.me",)
    else:
        name = f"{rng.getrandbits(64):011x}"[:11]
        has_picture = True  # the still of the film
        post = world.share("youtube", name, text, posted_at, [Snap(64, 48)], handle=handle)
        ref, host, sources = f"youtube:{name}", "i.ytimg.com", ("www.youtube.com",)
    if dies_at is not None:
        world.delete(post, dies_at)
    made.fates[ref] = Fate(ref, at, dies_at, has_picture, sources, host if has_picture else None)
    day = f"{posted_at:%B} {posted_at.day}, {posted_at.year}"
    if network == "twitter":
        if rng.random() < 0.03:
            made.flattened += 1
            del made.fates[ref]
            world.archive(post, at)  # its author's archived posts are where it is found
            return f"<p>{text} — {handle} (@{handle}) {day}</p>"
        return (
            f'<blockquote class="twitter-tweet"><p>{text}</p>&mdash; {handle} (@{handle}) '
            f'<a href="https://twitter.com/{handle}/status/{ref.partition(":")[2]}">{day}</a></blockquote>'
        )
    if network == "telegram":
        return (
            f'<script async src="https://telegram.org/js/telegram-widget.js?22" data-telegram-post="{name}"></script>'
        )
    return f'<iframe src="https://www.youtube.com/embed/{name}" width="560" height="315"></iframe>'
