"""The web of the newsroom: lazily written articles and feeds, weather (outages, 429s, slowness), and a witness at the
server's side who counts what each host is asked and when.
"""

from __future__ import annotations

import asyncio
import bisect
import copy
import dataclasses
import datetime as dt
import hashlib
import math
import random
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.simulator.exchange import Request, Response, Wire, html
from tests.simulator.hosts.press import rss
from tests.simulator.world import Photo, http_date, refusal
from tests.world.web import LargeWorld

PAPER = "news.example"
SECTIONS = ("world", "politics", "business", "sport", "culture")
#: Seconds from us to a server, and back the same.
WAY = 0.04

#: What hosts count for themselves, requests a minute: the published figures, of which `config.HOSTS` takes 80 %.
LIMITS = {"web.archive.org/cdx": 30, "web.archive.org/": 600, "api.fxtwitter.com/": 1000}
#: Nobody opens more connections to one host than `fetch.per_host` says.
AT_ONCE = 4


# --- weather --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spell:
    """A host is down, busy (429 with Retry-After) or slow (seconds to its answer) from *start* to *end*."""

    kind: str
    start: dt.datetime
    end: dt.datetime
    seconds: float = 0.0


#: Of each host: kind of trouble, how often a day, and between how many minutes it lasts.
_CLIMATE = {
    "cdn.syndication.twimg.com": (("down", 0.5, 10, 240), ("busy", 4.0, 2, 15), ("slow", 0.5, 30, 240)),
    "publish.twitter.com": (("down", 0.2, 10, 120), ("busy", 0.2, 5, 60)),
    "api.fxtwitter.com": (("down", 0.5, 10, 300), ("busy", 0.5, 2, 30), ("slow", 0.2, 30, 300)),
    "api.vxtwitter.com": (("down", 0.5, 10, 600),),
    "web.archive.org": (("down", 0.3, 30, 480), ("busy", 1.0, 2, 30), ("slow", 1.0, 30, 240)),
    "pbs.twimg.com": (("down", 0.4, 5, 120), ("busy", 0.5, 2, 10), ("slow", 0.5, 30, 240)),
    "t.me": (("down", 0.3, 10, 180), ("busy", 1.0, 2, 20)),
    "cdn4.telesco.pe": (("down", 0.1, 10, 60), ("slow", 0.3, 30, 240)),
    "www.youtube.com": (("down", 0.2, 5, 120), ("busy", 0.5, 5, 30)),
    "i.ytimg.com": (("down", 0.2, 5, 120),),
    PAPER: (("down", 0.3, 5, 60), ("slow", 0.3, 30, 120)),
}


def weather(seed: int, start: dt.datetime, days: int) -> dict[str, list[Spell]]:
    """What befalls each host, in order; no two spells of one host at a time. Once in ten days our own line is down, and
    with it every host."""
    spells: dict[str, list[Spell]] = {}
    rng = random.Random(f"{seed} our own line")
    ours = []
    for _ in range(_poisson(rng, 0.1 * days)):
        at = start + dt.timedelta(days=rng.uniform(0, days))
        ours.append(Spell("down", at, at + dt.timedelta(minutes=rng.uniform(20, 180))))
    for host, kinds in _CLIMATE.items():
        rng = random.Random(f"{seed} {host}")
        made = list(ours)
        for kind, often, least, most in kinds:
            for _ in range(_poisson(rng, often * days)):
                at = start + dt.timedelta(days=rng.uniform(0, days))
                lasts = dt.timedelta(minutes=math.exp(rng.uniform(math.log(least), math.log(most))))
                made.append(Spell(kind, at, at + lasts, rng.uniform(4, 25) if kind == "slow" else 0.0))
        kept: list[Spell] = []
        for each in sorted(made, key=lambda spell: spell.start):
            if not kept or each.start > kept[-1].end:
                kept.append(each)
            elif each in ours:  # our own line cuts short what else there is
                kept[-1] = dataclasses.replace(kept[-1], end=each.start)
                kept.append(each)
        spells[host] = kept
    return spells


def _poisson(rng: random.Random, mean: float) -> int:
    return sum(rng.random() < 0.05 for _ in range(round(mean * 20)))


# --- the witness ----------------------------------------------------------------------------------------------------


@dataclass
class Witness:
    """What the servers see. `faults` must stay empty."""

    asked: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)
    _minute: dict[str, deque[dt.datetime]] = field(default_factory=lambda: defaultdict(deque))
    _told: dict[str, tuple[dt.datetime, dt.datetime]] = field(default_factory=dict)
    _now_at: Counter[str] = field(default_factory=Counter)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    def arrives(self, host: str, target: str, at: dt.datetime) -> None:
        with self._one_at_a_time:
            self._arrives(host, target, at)

    def _arrives(self, host: str, target: str, at: dt.datetime) -> None:
        self.asked[host] += 1
        for name, limit in LIMITS.items():
            if not f"{host}{target}".startswith(name):
                continue
            if name == "web.archive.org/" and target.startswith("/cdx"):
                continue  # counted apart, as the longest beginning that fits
            minute = self._minute[name]
            minute.append(at)
            while minute[0] <= at - dt.timedelta(minutes=1):
                minute.popleft()
            self.most[name] = max(self.most[name], len(minute))
            if len(minute) > limit:
                self.faults.append(f"{at} {name}: {len(minute)} requests in a minute, {limit} are allowed")
        known_at, until = self._told.get(host, (at, at))
        if known_at < at < until:
            self.faults.append(f"{at} {host}: asked again, though it was told to wait until {until}")

    def tells(self, host: str, known_at: dt.datetime, until: dt.datetime) -> None:
        """A 429 is on its way: what arrives after it has been read, and before the time it names, is a fault."""
        self._told.setdefault(host, (known_at, until))
        if self._told[host][1] < until:
            self._told[host] = (known_at, until)

    def opened(self, host: str) -> None:
        with self._one_at_a_time:
            self._now_at[host] += 1
            name = f"{host} at once"
            self.most[name] = max(self.most[name], self._now_at[host])
            if self._now_at[host] > AT_ONCE:
                self.faults.append(f"{host}: {self._now_at[host]} requests at once, {AT_ONCE} are allowed")

    def closed(self, host: str) -> None:
        with self._one_at_a_time:
            self._now_at[host] -= 1


# --- the paper ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """One article: when it appears, in which section, and the markup of what it shows."""

    number: int
    section: str
    at: dt.datetime
    shown: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/{self.section}/{self.at:%Y/%m/%d}/{self.number}"

    @property
    def url(self) -> str:
        return f"https://{PAPER}{self.path}"

    def page(self) -> str:
        filling = "".join(
            f"<p>Paragraph {n} of story {self.number} tells what happened next, at some length and in order.</p>"
            for n in range(6)
        )
        return (
            f'<html><head><title>Story {self.number}</title><meta property="article:published_time" '
            f'content="{self.at.isoformat()}"></head><body><article>{filling}{"".join(self.shown)}{filling}</article>'
            "</body></html>"
        )


#: How many of its newest articles a feed lists.
LISTED = 40


class Paper:
    """The newspaper's site: feeds of its sections with validators, and its articles once they have appeared."""

    def __init__(self, stories: list[Story], listed: int = LISTED) -> None:
        self._listed = listed
        self._by_path = {story.path: story for story in stories}
        self._sections = {name: [s for s in stories if s.section == name] for name in SECTIONS}
        self._times = {name: [s.at for s in some] for name, some in self._sections.items()}

    def answer(self, world: LargeWorld, request: Request) -> Response:
        now = world.clock.now
        if request.path.startswith("/feed/"):
            return self._feed(request, request.path.removeprefix("/feed/").removesuffix(".xml"), now)
        story = self._by_path.get(request.path)
        if story is None or story.at > now:
            return html("<h1>Not found</h1>", 404)
        return html(story.page())

    def _feed(self, request: Request, section: str, now: dt.datetime) -> Response:
        count = bisect.bisect_right(self._times[section], now)
        listed = self._sections[section][max(0, count - self._listed) : count]
        changed_at = listed[-1].at if listed else now.replace(hour=0, minute=0, second=0, microsecond=0)
        etag = f'"{count}"'
        headers = (("etag", etag), ("last-modified", format_datetime(changed_at, usegmt=True)))
        if request.header("if-none-match") == etag:
            return Response(304, headers)
        body = rss([(each.url, each.at) for each in reversed(listed)])
        return Response(200, (("content-type", "application/rss+xml"), *headers), body.encode())


# --- the web --------------------------------------------------------------------------------------------------------


class Snap(Photo):
    """A picture that costs nothing to make: one small JPEG, and behind its end the key that tells it from others."""

    __slots__ = ()

    def bytes(self, name: str = "orig", format: str | None = None) -> bytes:
        return _JPEG + hashlib.sha256(self.key.encode()).digest() * 8


_JPEG = Photo(64, 48, "jpg", None, "a snap", "1").bytes()


class NewsWeb(LargeWorld):
    """The simulated web at this size: posts of other networks are found by name, nothing is logged, weather rules."""

    def prepare(self, spells: dict[str, list[Spell]], paper: Paper) -> None:
        self.spells, self.paper, self.witness = spells, paper, Witness()
        #: The clock by which hosts count what they are asked: the world's, unless the world's stands still.
        self.counted_at: Callable[[], dt.datetime] = lambda: self.clock.now
        #: Seconds of its own time that a host takes for an answer, where the way to it takes none.
        self.latency = 0.0
        self._starts = {host: [each.start for each in some] for host, some in spells.items()}

    def spell(self, host: str, at: dt.datetime) -> Spell | None:
        """What befalls a host at a time."""
        place = bisect.bisect_right(self._starts.get(host, []), at) - 1
        found = self.spells[host][place] if place >= 0 else None
        return found if found and found.end > at else None

    def answer(self, request: Request) -> Response:
        now = self.clock.now
        request = dataclasses.replace(request, at=now)
        self.witness.arrives(request.host, request.target, self.counted_at())
        spell = self.spell(request.host, now)
        if spell and spell.kind == "down":
            self.witness.answers[0] += 1
            return Response(0, wire=Wire.DROPPED)
        if spell and spell.kind == "busy":
            left = math.ceil((spell.end - now).total_seconds())
            self.witness.tells(request.host, now + dt.timedelta(seconds=WAY + 0.001), now + dt.timedelta(seconds=left))
            response = refusal(request.host, 429).with_headers(("retry-after", str(left)))
        elif request.host == PAPER:
            response = self.paper.answer(self, request)
        else:
            response = self.respond(request)
        if response.header("date") is None:
            response = response.with_headers(("date", http_date(now)))
        self.witness.answers[response.status] += 1
        delay = spell.seconds if spell and spell.kind == "slow" else self.latency
        return dataclasses.replace(response, delay=delay) if delay else response

    def respond(self, request: Request) -> Response:
        name = _shared(request)
        if name is None:
            return super().respond(request)
        view = copy.copy(self)
        view.networks = {name: self.networks[name]} if name in self.networks else {}
        return LargeWorld.respond(view, request)


def _shared(request: Request) -> str | None:
    """Which post of another network a request is about, as the world keeps it."""
    if request.host == "t.me":
        found = re.match(r"/(?:s/)?(\w+/\d+)", request.path)
        return f"telegram:{found[1]}" if found else None
    if request.host == "www.youtube.com":
        asked = request.query.get("url", request.url)
        return f"youtube:{parse_qs(urlsplit(asked).query).get('v', [''])[0]}"
    return None


class InProcess(httpx.AsyncBaseTransport):
    """Where the real fetcher makes its connections: the way to a server and back takes simulated time."""

    def __init__(self, world: NewsWeb) -> None:
        self._world = world
        self._hosts = frozenset(world.hosts()) | {PAPER}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        asked = Request.of(request.method, str(request.url), headers, request.content)
        witness = self._world.witness
        witness.opened(asked.host)
        try:
            await asyncio.sleep(WAY)
            if asked.host not in self._hosts:
                raise httpx.ConnectError(f"no such name: {asked.host}")
            answer = self._world.answer(asked)
            await asyncio.sleep(answer.delay + WAY)
            if answer.wire is not Wire.WHOLE:
                raise httpx.ConnectError("the connection was closed")
        finally:
            witness.closed(asked.host)
        sent = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in answer.headers]
        return httpx.Response(
            answer.status,
            headers=sent,
            stream=httpx.ByteStream(answer.body),
            extensions={"http_version": b"HTTP/1.1", "network_stream": _Nowhere()},
        )


class _Nowhere:
    """The connection as the fetcher asks about it: it leads nowhere."""

    def get_extra_info(self, name: str) -> None:
        return None
