"""What the steps of a job share: what they read, by which choices, and how one step tells another that it ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from archiver.errors import FetchError, InputError, ParseError
from archiver.model import (
    Capture,
    Finding,
    Outcome,
    Reason,
    Request,
)

Found = TypeVar("Found")


#: So many may wait for one host at a time.
AT_ONE_HOST = 16


#: A host that gave no answer is asked no more for this long.
SILENCE = dt.timedelta(minutes=5)


#: The label of what was added by hand.
ADDED = "added"


#: Why work waits that an answer of its host would bring on.
NO_ANSWER = ("unreachable", "timeout", "not-recorded", "server-error", "article not read")


class Fetching(Protocol):
    """What a job needs of `fetch.Fetcher`: every hop of one request, in order; FetchError for silence."""

    async def fetch(self, request: Request) -> tuple[Capture, ...]: ...

    def line(self, url: str) -> str:
        """The name under which this URL's host counts what it is asked."""

    def room(self, url: str) -> tuple[int, float]:
        """How many requests like this its host allows now, and the seconds until one more."""

    def space(self, url: str, seconds: float) -> None:
        """Leave so much time between two requests to this URL's host."""

    def remember(self, url: str, seconds_ago: float) -> None:
        """Count a request that an earlier process began."""


@dataclass(frozen=True, slots=True)
class Article:
    """One document as read: where it stands, its bytes, and what is known of it. `capture` where it was fetched."""

    location: str
    content: bytes
    media_type: str | None = None
    charset: str | None = None
    published_at: dt.datetime | None = None
    capture: Capture | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """One source of articles. `read` gives what it shows now, a `str` being an address to fetch. What an address
    answers decides what it is, unless `kind` states it (`config.KINDS`). Of what a page lists, only articles published
    within `since` are read; those without a date always are."""

    read: Callable[[], Iterable[Article | InputError | str]]
    kind: str | None = None
    since: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The configured choices a job follows."""

    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    recheck_after: tuple[dt.timedelta, ...] = ()
    gone_after: dt.timedelta = dt.timedelta(hours=24)
    retry: tuple[dt.timedelta, ...] = (dt.timedelta(hours=1),)
    photos: bool = True
    videos: bool = True
    context_depth: int = 1
    crawl_delay: bool = False
    save_posts: bool = False
    save_articles: bool = False
    concurrency: int = 32
    environ: Mapping[str, str] = field(default_factory=dict)


#: Told of every event: a fixed phrase and its fields. The command line shows it as progress and as log lines.
Listener = Callable[[str, Mapping[str, Any]], None]


UNREADABLE = Finding(Outcome.UNREADABLE, Reason.UNREADABLE)


class Parked(Exception):
    """A host cannot be asked soon: the work stands in its line, and goes on from the captures it has."""

    def __init__(self, host: str, until: dt.datetime) -> None:
        super().__init__(host)
        self.host, self.until = host, until


class Ended(Exception):
    """A look-up ended in an error; what it had captured goes with it."""

    def __init__(self, error: FetchError | ParseError, captures: list[Capture]) -> None:
        super().__init__(str(error))
        self.error, self.captures = error, captures


def bare(url: str) -> str:
    """A URL fit for a log: without user information and query, either of which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
