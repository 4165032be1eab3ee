"""The use cases, and the only place where the steps meet: articles in, posts and media archived, every step kept.

A `Job` takes articles in (bytes stored, then read), then drains what is due: embeds are resolved, posts are climbed
source by source, media are fetched. Each request's captures are on disk before anything reads them; each piece of
work ends in one transaction with its place in the queue. A kill between the two costs a repeated reading of captures
already kept, never a repeated request.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
import datetime as dt
import functools
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from archiver import __version__, hls, picture, resolve, robots, savepagenow, sniff
from archiver.articles import listings, readers
from archiver.corroborate import corroborate
from archiver.credentials import credentials
from archiver.errors import ArchiverError, FetchError, InputError, ParseError, Refused
from archiver.ledger.stamps import stamp
from archiver.model import (
    EMPTY,
    Body,
    Capture,
    Claim,
    Embed,
    Finding,
    Look,
    Media,
    Origin,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Request,
    State,
    timestamp,
)
from archiver.platforms import Platform, Source, platforms
from archiver.store import Writer, copies, erasure, facts, notices, opinions, watch, work
from archiver.store import log as store_log

log = logging.getLogger("archiver")

Found = TypeVar("Found")

#: What a film in segments is declared to be.
_PLAYLISTS = ("application/vnd.apple.mpegurl", "application/x-mpegurl")
#: An answer that asks us to wait holds its host at least this long, where it names no time itself.
_HOLD = dt.timedelta(seconds=60)
#: Longer than this nobody waits for a host's turn: the work is put back and goes on where it was.
_PATIENCE = 2.0
#: So many may wait for one host at a time, and so many look-ups be under way for each connection allowed.
_AT_ONE_HOST = 16
_SLOTS = 8
#: Seconds after which the queue is looked at again while work is under way: what is due by the clock alone.
_LOOK_AGAIN = 1.0
#: How often the log says that a host is waited for.
_SAY_AGAIN = dt.timedelta(seconds=30)
#: Limits are counted a minute; what was asked that long ago still counts after a restart.
_WINDOW = dt.timedelta(minutes=5)
#: What was tried is not tried again within this time.
_SAME_TRY = dt.timedelta(minutes=1)
#: Two looks within this time are one look.
_SAME_LOOK = dt.timedelta(minutes=5)
_RECENT = 512
#: A host that gave no answer is asked no more for this long.
_SILENCE = dt.timedelta(minutes=5)
#: An article published this long ago is no news any more: what it shows waits for what newer ones show.
_NEWS = dt.timedelta(days=2)
#: The waits between two looks at a copy that is being made elsewhere, in seconds; then it is looked at again later, so
#: many times.
_FOLLOW = (2.0, 5.0, 10.0, 15.0, 30.0, 60.0)
_FOLLOW_AGAIN, _FOLLOWED = dt.timedelta(minutes=10), 12
#: An account's limit is a day's: it is not tried again before this.
_LIMIT = dt.timedelta(hours=6)
#: A robots.txt is read again after this (RFC 9309 2.4).
_ROBOTS = dt.timedelta(days=1)
#: The label of what was added by hand.
ADDED = "added"
#: So many listed addresses go into the queue in one transaction.
_PAGEFUL = 1000
#: Why work waits that an answer of its host would bring on.
_NO_ANSWER = ("unreachable", "timeout", "not-recorded", "server-error", "article not read")
#: So often somebody is sent to see whether a host that did not answer is back.
_SCOUT = dt.timedelta(minutes=10)


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


class Job:
    """One run over one archive. `now` is the clock, `extract` finds the embeds of an article's bytes."""

    def __init__(
        self,
        writer: Writer,
        fetcher: Fetching,
        rules: Rules,
        *,
        now: Callable[[], dt.datetime],
        extract: Callable[..., Sequence[Embed]],
        text_of: Callable[..., str],
        retry_after: Callable[[Capture, dt.datetime], dt.datetime | None],
        sources: Mapping[str, Watched] | None = None,
        reader: Callable[[str], Iterable[Article | InputError | str]] | None = None,
        listener: Listener | None = None,
        sign: Callable[[int, bytes], tuple[bytes, str]] | None = None,
        authority: str | None = None,
        told: Collection[str] = (),
        told_after: int = 3,
        run: str | None = None,
    ) -> None:
        self._writer, self._fetcher, self._rules, self._now = writer, fetcher, rules, now
        self._extract, self._text_of, self._retry_after = extract, text_of, retry_after
        self._sources: Mapping[str, Watched] = sources or {}
        self._reader = reader or (lambda path: ())
        self._sign, self._authority = sign, authority
        #: Which events somebody is to be told of, and after how many failures in a row a source is one.
        self._told, self._told_after = frozenset(told), told_after
        self._listen = listener or (lambda phrase, fields: None)
        self.run = run or f"{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._platforms: Mapping[str, Platform] = {}
        self.follow(rules, self._sources)
        # SQLite is used from one thread only: a single writer, so "database is locked" cannot happen.
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "archive.db")
        self._silent: dict[str, tuple[dt.datetime, FetchError]] = {}
        self._held: dict[str, tuple[dt.datetime, str]] = {}
        #: Hosts whose last word, or silence, was a failure.
        self._failing: set[str] = set()
        #: When somebody is next sent to see whether those who do not answer are back.
        self._scout_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        #: By line (see `Fetching.line`): how many ask now, how many pieces of work wait, and a URL of those.
        #: When each robots.txt was read; and those that are being read.
        self._robots: dict[str, dt.datetime] = {}
        self._reading_robots: dict[str, asyncio.Lock] = {}
        self._asking: Counter[str] = Counter()
        self._parked: Counter[str] = Counter()
        self._lines: dict[str, str] = {}
        #: Whose turn it is: among priorities, by line; and among lines.
        self._turns: Counter[str | None] = Counter()
        self._round = 0
        #: Each piece of work is tried once, however soon it says it is due again; after a while it may be.
        self._tried: dict[tuple[str, str], dt.datetime] = {}
        self._wake = asyncio.Event()
        self._writes: collections.deque[_Write] = collections.deque()
        self._writing: asyncio.Task[None] | None = None
        self._told_of: dict[str, dt.datetime] = {}
        #: Answers of the last minutes: what resolving an embed has just been told is not asked again to archive it.
        self._recent: dict[tuple[str, str, bytes], tuple[dt.datetime, tuple[Capture, ...]]] = {}
        self._replayed = False
        self._stopping = False
        self.articles: dict[str, None] = {}
        #: What could not be read, by its name, and why: the last thing said of each.
        self.refused: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        #: How much work of each kind this run knows of, and how much of it is done: what a progress bar needs.
        self.known: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        #: By kind of work: the longest time in seconds that a piece was due before it was begun.
        self.latest: dict[str, float] = {}

    async def __aenter__(self) -> Job:
        now = self._now()
        self._held = await self._db(work.held_hosts, now)
        self._failing = await self._db(work.failing_hosts)
        for address, seconds, at in await self._db(watch.robots) if self._rules.crawl_delay else ():
            self._robots[address] = at
            if seconds:
                self._fetcher.space(address, seconds)
        for url, at in await self._db(facts.asked_since, now - _WINDOW):
            self._fetcher.remember(url, (now - at).total_seconds())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def follow(self, rules: Rules, sources: Mapping[str, Watched]) -> None:
        """Follow these choices from now on."""
        self._rules, self._sources = rules, sources
        self._platforms = {name: each for name, each in platforms().items() if name not in rules.disabled}
        self._left_out = frozenset(
            host for each in self._platforms.values() for host in resolve.left_out(each, rules.sources.get(each.name))
        )

    def stop(self) -> None:
        """Begin nothing new; what is under way is finished."""
        self._stopping = True
        self._wake.set()

    # --- the database thread ----------------------------------------------------------------------------------------

    async def _db(self, read: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, functools.partial(read, self._writer.db, *args, **kwargs))

    async def _write(self, write: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        """All or nothing; on disk when it returns."""
        found: Found = await self._commit(functools.partial(_called, write, args, kwargs), 0)
        return found

    async def _keep(self, captures: Iterable[Capture]) -> None:
        """Keep captures and their bytes; on disk when it returns."""
        kept = list(captures)
        if not kept:
            return
        size = sum(each.body.size + each.payload.size for each in kept)
        pieces: dict[str, list[str]] = {}
        if size > facts.BATCH:
            loop = asyncio.get_running_loop()
            pieces = await loop.run_in_executor(self._thread, self._writer.add_pieces, kept)
            size = 0
        new = await self._commit(lambda db: self._writer.append_captures(db, kept, pieces), size)
        self.counts["captures"] += new  # in two steps: the awaited part must not stand between reading and adding

    def _commit(self, write: Callable[[Any], Any], size: int) -> asyncio.Future[Any]:
        """Have it written with whatever else is waiting to be: one transaction, and one wait for the disk."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._writes.append(_Write(write, size, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._commit_all())
        return answer

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._writes:
                batch = [self._writes.popleft()]
                size = batch[0].size
                while self._writes and size + self._writes[0].size <= facts.BATCH:
                    batch.append(self._writes.popleft())
                    size += batch[-1].size
                answers: Sequence[Any]
                try:
                    calls = [each.write for each in batch]
                    answers = await loop.run_in_executor(self._thread, self._writer.together, calls)
                except Exception as error:  # the archive's own trouble is told to everybody who wrote
                    answers = [error] * len(batch)
                for each, answer in zip(batch, answers, strict=True):
                    if each.answer.cancelled():
                        continue
                    if isinstance(answer, Exception):
                        each.answer.set_exception(answer)
                    else:
                        each.answer.set_result(answer)
        finally:
            self._writing = None

    async def enter(self, event: Capture) -> None:
        """Enter a custody event that happened beside this run (`store.events`) into the ledger; once, however often."""
        await self._keep([event])

    async def mark_example(self) -> None:
        """Mark the archive as an example, which no real run adds to."""
        await self._write(work.set_setting, "example", "true")

    async def mark_source(self, label: str, next_at: dt.datetime | None = None) -> None:
        """Have a source of articles read at the next chance; *next_at* is its next tick."""

        def note(db: Any) -> None:
            now = self._now()
            work.mark_due(db, "source", label, now)
            watch.ticked(db, label, now, next_at)

        await self._write(note)
        self._wake.set()

    async def mark_sources(
        self, next_at: Mapping[str, dt.datetime | None] | None = None, *, only: Sequence[str] | None = None
    ) -> None:
        """Have every source read, or *only* some; *next_at* are their next ticks. Failures of sources that are no
        longer configured are forgotten."""

        def note(db: Any) -> None:
            now = self._now()
            watch.retire(db, (*self._sources, ADDED))
            for label in self._sources if only is None else only:
                work.mark_due(db, "source", label, now)
            for label, at in (next_at or {}).items():
                if only is None or label in only:
                    watch.ticked(db, label, now, at)

        await self._write(note)

    async def add(self, inputs: Iterable[str]) -> None:
        """Queue what somebody added by hand: URLs and absolute paths."""
        found = tuple(inputs)

        def note(db: Any) -> None:
            now = self._now()
            for each in found:
                if each.startswith(("http://", "https://")):
                    watch.add_page(db, each, ADDED)
                    work.mark_due(db, "watched", each, now)
                else:
                    work.mark_due(db, "file", each, now)

        await self._write(note)
        for each in found:
            self._listen("added", {"input": _bare(each) if "://" in each else each})

    async def clock_moved(self, by: dt.timedelta) -> None:
        """The clock was set. Forward, and after a suspend, what came due in between is due now, once. Backward, every
        wait is kept as long as it was: what is due in an hour stays due in an hour, not in an hour and *by*."""
        self._silent.clear()
        self._recent.clear()
        self._tried.clear()
        self._scout_at = self._now()
        if by < dt.timedelta():
            await self._write(work.shift, by)
            self._held = await self._db(work.held_hosts, self._now())
        self._listen("clock moved", {"seconds": round(by.total_seconds())})

    def _tell(self, db: Any, event: str, said: dict[str, Any]) -> None:
        """Have somebody told, where that is wanted."""
        if event in self._told:
            notices.add(db, event, self._now(), said)

    async def deliver(self, hand_over: Callable[[Sequence[Mapping[str, Any]], str], Awaitable[str | None]]) -> None:
        """Hand over what somebody is to be told. What *hand_over* says went wrong is logged, and the notices are
        handed over again later."""
        some = await self._db(notices.due, self._now())
        if not some:
            return
        problem = await hand_over([each.said for each in some], self.run)
        if problem is None:
            await self._write(notices.delivered, some)
            self._listen("notice delivered", {"notices": len(some)})
            return
        dropped = await self._write(notices.failed, some, self._now())
        self._listen("notice failed", {"notices": len(some), "dropped": dropped or None, "error": problem})

    async def keep_book(self, *, sign: bool = False) -> None:
        """Note in the archive how far this run is and how large the archive has grown; *sign* the ledger's head."""
        if sign:
            await self._checkpoint()
        report = await self.report()

        def note(db: Any) -> None:
            watch.grown(db, self._now())
            work.note_run(db, self.run, report)

        await self._write(note)
        self._wake.set()

    async def until_next(self, longest: float) -> float:
        """Seconds until something is due, at most *longest*."""
        at = await self._db(work.next_due)
        # What is due at this moment has just been tried, or becomes due just now: neither is worth a hurry.
        return longest if at is None else min(longest, max(1.0, (at - self._now()).total_seconds()))

    async def renew(self) -> None:
        """Keep the archive's lease; call every few seconds."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.renew)

    # --- articles ---------------------------------------------------------------------------------------------------

    def refuse(self, name: str, message: str) -> None:
        """Note an input that could not be read."""
        self.refused[name] = message
        self._listen("input refused", {"error": message})

    async def _take_in(self, article: Article, label: str | None = None, *, is_backlog: bool = False) -> bool:
        """Keep an article's bytes and what they show; whether they could be read."""
        capture = article.capture or self._file_capture(article)
        if await self._db(erasure.is_blob_erased, capture.payload.sha256):
            self._listen("article erased", {"article": article.location})
            return True
        id = opinions.article_id(article.location, capture.payload.sha256)
        if await self._db(opinions.has_article, id):
            self.articles[id] = None
            self._listen("article known", {"article": article.location})
            return True
        try:
            embeds = await asyncio.to_thread(
                self._extract,
                article.content,
                media_type=article.media_type,
                charset=article.charset,
                location=article.location,
            )
        except InputError as error:
            self.refuse(article.location, f"{article.location}: {error}")
            return False
        await self._keep([capture])
        is_backlog = is_backlog or not self._is_news(article.published_at)

        def note(db: Any) -> None:
            now = self._now()
            opinions.add_article(
                db,
                capture,
                article.location,
                embeds,
                media_type=article.media_type,
                charset=article.charset,
                published_at=article.published_at,
                label=label,
                read_at=now,
            )
            for seq in range(len(embeds)):
                work.mark_due(db, "embed", opinions.name_of("embed", id, seq), now, is_backlog=is_backlog)
            self.known["embed"] += len(embeds)
            if self._rules.save_articles and capture.origin.kind == "live":
                self._want_copy(db, article.location, now)

        await self._write(note)
        self.articles[id] = None
        self.counts["articles read"] += 1
        self._listen("article read", {"article": article.location, "embeds": len(embeds)})
        return True

    def _is_news(self, published_at: dt.datetime | None) -> bool:
        return published_at is None or self._now() - published_at <= _NEWS

    def _file_capture(self, article: Article) -> Capture:
        """A file's bytes, as a capture of its own kind: what was read, when, from where."""
        now = self._now()
        content = Body.of(article.content)
        return Capture(
            url=article.location,
            method="READ",
            request_headers=(),
            request_body=EMPTY,
            status=None,
            protocol=None,
            headers=(("content-type", article.media_type),) if article.media_type else (),
            body=content,
            payload=content,
            started_at=now,
            ended_at=now,
            origin=Origin("file"),
        )

    # --- asking -----------------------------------------------------------------------------------------------------

    def _park(self, line: str, url: str) -> None:
        """Leave the work for later where its host cannot be asked soon, so that a slow host holds up only its own."""
        wait = self._fetcher.room(url)[1]
        if wait > _PATIENCE or self._asking[line] >= _AT_ONE_HOST:
            self._lines[line] = url
            self._parked[line] += 1
            raise _Parked(line, self._now() + dt.timedelta(seconds=wait))

    async def _ask(self, request: Request, began_at: dt.datetime | None, *, anew: bool = False) -> tuple[Capture, ...]:
        """Every hop of one request, kept before it is returned. What an interrupted try captured is not asked again,
        nor, unless it is to be asked *anew*, what was asked a moment ago."""
        if began_at is not None:
            kept = await self._db(facts.kept_since, request, began_at)
            if kept:
                self._listen("capture reused", {"url": _bare(request.url)})
                return kept
        asked = (request.method, request.url, request.body)
        told_at, answer = self._recent.get(asked, (None, ()))
        if not anew and told_at is not None and told_at > self._now() - _SAME_LOOK:
            return answer
        host = (urlsplit(request.url).hostname or "").lower()
        until, why = self._held.get(host, (None, ""))
        if until is not None and until > self._now():
            raise FetchError(f"{host}: asked us to wait until {timestamp(until)} ({why})", reason="rate-limited")
        if host in self._silent:
            silent_at, silence = self._silent[host]
            if self._now() - silent_at < _SILENCE:
                raise silence
            del self._silent[host]
        line = self._fetcher.line(request.url)
        self._park(line, request.url)
        self.requests[host] += 1
        self._asking[line] += 1
        try:
            captures = await self._fetcher.fetch(request)
        except FetchError as error:
            await self._keep(getattr(error, "captures", ()))
            if error.reason in ("unreachable", "timeout"):
                is_news, now = host not in self._failing, self._now()
                self._failing.add(host)
                await self._write(work.host_failed, host, str(error), now)
                if is_news:
                    await self._write(self._tell, "host silent", {"host": host, "error": str(error)})
            if error.reason == "unreachable":
                # One silent host must not cost a deadline for every post: for a while it is asked no more.
                self._silent[host] = self._now(), error
                self._listen("host silent", {"host": host, "error": str(error)})
            raise
        finally:
            self._asking[line] -= 1
            if line in self._lines:
                self._wake.set()
        await self._keep(captures)
        last = captures[-1]
        self._replayed = self._replayed or last.origin.kind == "replay"
        if not request.is_media and not anew:
            self._recent[asked] = self._now(), captures
            while len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        now = self._now()
        until = None
        if last.origin.kind == "live" and last.header("memento-datetime") is None:
            until = self._retry_after(last, now) or (now + _HOLD if last.status in (429, 503) else None)
        if until is not None:
            name = (urlsplit(last.url).hostname or host).lower()
            self._held[name] = (until, f"HTTP {last.status}")
            self._failing.add(name)
            await self._write(work.hold_host, name, until, f"HTTP {last.status}", now)
            self._listen("host asks to wait", {"host": name, "until": timestamp(until), "status": last.status})
        elif host in self._failing:
            self._failing.discard(host)
            await self._write(self._is_back, host)
            self._wake.set()
        self._listen("captured", {"url": _bare(last.url), "status": last.status, "bytes": last.body.size})
        return captures

    def _is_back(self, db: Any, host: str) -> None:
        """A host answers again: what waits only for want of answers is tried now, not when its next try would come."""
        now = self._now()
        work.host_answered(db, host, now)
        work.hurry(db, now, _NO_ANSWER)

    async def _drive(
        self, look: Generator[Request, Capture, Found], began_at: dt.datetime | None, barred: Collection[str] = ()
    ) -> tuple[Found, list[Capture], list[FetchError]]:
        """Run a look-up: what it returned, the captures it was given, the silences it met. An uncaught FetchError or
        ParseError of the look-up is raised with what was captured until then in `captures`. Nothing is asked of a
        *barred* host."""
        captures: list[Capture] = []
        failures: list[FetchError] = []
        try:
            request = next(look)
            while True:
                try:
                    if barred and urlsplit(request.url).hostname in barred:
                        raise Refused(f"{request.url}: the configuration leaves this source out", reason="not-tried")
                    hops = await self._ask(request, began_at)
                except FetchError as error:
                    captures.extend(getattr(error, "captures", ()))
                    failures.append(error)
                    request = look.throw(error)
                else:
                    captures.extend(hops)
                    request = look.send(hops[-1])
        except StopIteration as stop:
            return stop.value, captures, failures
        except (FetchError, ParseError) as error:
            raise _Ended(error, captures) from error

    # --- the queue --------------------------------------------------------------------------------------------------

    async def drain(self, *, hurry: bool = False) -> None:
        """Do all that is due now, and what becomes due on the way; wait for hosts whose turn comes soon. `hurry`: also
        what waits only for want of an answer."""
        if hurry:
            await self._write(work.hurry, self._now(), _NO_ANSWER)
        await self._write(work.unpark)
        self._lines.clear()
        self._parked.clear()
        slots = self._rules.concurrency * _SLOTS
        under_way: dict[asyncio.Task[None], tuple[str, str]] = {}
        ended: list[asyncio.Task[None]] = []

        def end(task: asyncio.Task[None]) -> None:
            ended.append(task)
            self._wake.set()

        try:
            while True:
                self._wake.clear()
                names = []
                while ended:
                    task = ended.pop()
                    names.append(under_way.pop(task))
                    error = task.exception()
                    if error is not None:
                        raise error
                # A source is read again as soon as its next tick has come.
                names = [name for name in names if name[0] != "source"]
                if names:
                    again = await self._db(work.still_due, names, self._now())
                    self._tried |= dict.fromkeys(again, self._now())
                if self._tried:
                    self._tried = {name: at for name, at in self._tried.items() if self._now() - at < _SAME_TRY}
                if not self._stopping and len(under_way) < slots:
                    pieces = await self._next(slots - len(under_way), under_way.values())
                    if pieces:
                        await self._write(work.begin, pieces, self._now())
                    for piece in pieces:
                        late = (self._now() - piece.due_at).total_seconds()
                        self.latest[piece.kind] = max(late, self.latest.get(piece.kind, 0.0))
                        task = asyncio.create_task(self._do(piece))
                        under_way[task] = (piece.kind, piece.key)
                        task.add_done_callback(end)
                if not under_way and (self._stopping or not self._lines):
                    return
                await self._woken(min([_LOOK_AGAIN, *(self._fetcher.room(url)[1] for url in self._lines.values())]))
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _woken(self, longest: float) -> None:
        """Wait until something ended or a host has room, at most so many seconds."""
        alarm = asyncio.get_running_loop().call_later(max(0.01, longest), self._wake.set)
        await self._wake.wait()
        alarm.cancel()

    async def _next(self, most: int, under_way: Collection[tuple[str, str]]) -> list[work.Due]:
        """What to begin now: of those who stand in the line of a host that has room, and of what is due otherwise; each
        of these has the first choice in turn."""
        rooms = {
            line: min(self._fetcher.room(url)[0], _AT_ONE_HOST - self._asking[line], self._parked[line])
            for line, url in self._lines.items()
        }
        order: list[str | None] = [None, *(line for line, room in rooms.items() if room > 0)]
        first = self._round % len(order)
        self._round += 1
        order = order[first:] + order[:first]
        busy, is_alone, now = {*under_way, *self._tried}, not under_way, self._now()

        def choose(db: Any) -> dict[str | None, list[work.Due]]:
            chosen: dict[str | None, list[work.Due]] = {line: [] for line in order}
            left = most
            # An equal share first, then whatever the others left over.
            for share in (max(1, most // len(order)), most):
                for line in order:
                    room = min(share, left, (most if line is None else rooms[line]) - len(chosen[line]))
                    if room > 0:
                        taken = busy | {(piece.kind, piece.key) for piece in chosen[line]}
                        turn = self._turns[line] + len(chosen[line])
                        found = work.due(db, now, room, taken, turn=turn, host=line)
                        chosen[line] += found
                        left -= len(found)
            return chosen

        chosen = await self._db(choose)
        for line, found in chosen.items():
            self._turns[line] += len(found)
            if line is not None:
                self._parked[line] -= len(found)
                if not self._parked[line] or (is_alone and not found):
                    del self._lines[line], self._parked[line]
        return [piece for found in chosen.values() for piece in found]

    async def _do(self, piece: work.Due) -> None:
        try:
            await self._try(piece, piece.began_at)
        except _Parked as parked:
            await self._write(work.park, piece.kind, piece.key, parked.host)
            told = self._told_of.get(parked.host)
            if told is None or self._now() - told > _SAY_AGAIN:
                self._told_of[parked.host] = self._now()
                self._listen("waiting for a host", {"host": parked.host, "until": timestamp(parked.until)})
            return
        self.finished[piece.kind] += 1
        self._listen("progress", {})

    async def _try(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        match piece.kind:
            case "source":
                await self._read_source(piece)
            case "watched":
                await self._look_at(piece, began_at)
            case "file":
                await self.read(self._reader(piece.key), label=ADDED)
                await self._write(work.done, "file", piece.key)
            case "article":
                await self._read_article(piece, began_at)
            case "embed":
                await self._resolve(piece, began_at)
            case "post":
                await self._climb(piece, began_at)
            case "media":
                await self._fetch_media(piece, began_at)
            case "save":
                await self._save(piece, began_at)

    async def _read_source(self, piece: work.Due) -> None:
        """Take in what a source of the configuration shows now."""
        source = self._sources.get(piece.key)
        if source is not None:
            problems = await self.read(source.read(), label=piece.key)
            await self._write(self._note_source, piece.key, problems)
        await self._write(work.done, "source", piece.key)

    def _note_source(self, db: Any, label: str, problems: Sequence[str]) -> None:
        """Count how often in a row a source's files could not be read; its pages are counted one by one."""
        name, now = f"source:{label}", self._now()
        page = watch.page(db, name)
        if problems:
            watch.add_page(db, name, label)
            failures = watch.failed(db, name, now, problems[0])
            if failures == self._told_after:
                self._tell(db, "source failing", {"source": label, "failures": failures, "error": problems[0]})
        elif page.failures:
            self._tell_recovered(db, page)
            watch.unchanged(db, name, now)

    async def read(self, found: Iterable[Article | InputError | str], label: str | None = None) -> list[str]:
        """Take in articles one after the other; a `str` is an address, which goes into the queue. What could not be
        read, and why."""
        each, problems = iter(found), list[str]()
        while not self._stopping:
            article = await asyncio.to_thread(next, each, None)
            if article is None:
                break
            if isinstance(article, str):
                await self._write(self._watch, [(article, None)], label)
            elif isinstance(article, InputError):
                self.refuse(str(article).partition(":")[0], str(article))
                problems.append(str(article))
            else:
                await self._take_in(article, label)
        return problems

    # --- pages that list articles -----------------------------------------------------------------------------------

    def _watch(
        self,
        db: Any,
        pages: Iterable[tuple[str, dt.datetime | None]],
        label: str | None,
        parent: str | None = None,
    ) -> None:
        now = self._now()
        for url, lastmod in pages:
            if watch.add_page(db, url, label, parent=parent, lastmod=lastmod):
                work.mark_due(db, "watched", url, now)

    async def _look_at(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        """Ask whether a page has changed, and queue what it lists; one that lists nothing is an article itself."""
        page = await self._db(watch.page, piece.key)
        source = self._sources.get(page.label) if page.label else None
        stated = source.kind if source else None
        is_container = stated in ("warc", "data")
        request = Request(
            page.url,
            headers=page.conditions if page.label else (),
            is_media=is_container,
            max_bytes=None if is_container else listings.MAX_BYTES,
        )
        try:
            await self._mind(page.url)
            captures = await self._ask(request, began_at, anew=page.label is not None)
        except FetchError as error:
            if error.reason == "rate-limited":
                await self._wait_for(piece, page.url)
            else:
                await self._page_failed(piece, page, f"{page.url}: {error}")
            return
        last = captures[-1]
        if last.status == 304:
            await self._page_unchanged(page)
            return
        try:
            if last.status in (429, 503) and await self._wait_for(piece, page.url):
                return
            if last.status != 200:
                raise InputError(f"answered {last.status}; the answer is kept. Check the address, or try again later.")
            if last.truncated:
                raise InputError(
                    f"is larger than is read ({last.payload.size} bytes)"
                    if last.truncated == "length"
                    else f"is cut short after {last.payload.size} bytes ({last.truncated})"
                )
            kind = await self._take_in_page(page, stated, last, source)
        except (InputError, ParseError) as error:
            await self._page_failed(piece, page, f"{page.url}: {error}")
            return

        def note(db: Any) -> None:
            self._tell_recovered(db, page)
            etag, last_modified = last.header("etag"), last.header("last-modified")
            watch.looked_at(db, page.url, self._now(), kind=kind, etag=etag, last_modified=last_modified)
            work.done(db, "watched", page.url)

        await self._write(note)
        self.counts["pages read"] += 1

    async def _take_in_page(self, page: watch.Page, stated: str | None, last: Capture, source: Watched | None) -> str:
        """Queue what a page lists, or take in what it is; its kind. InputError where it is not what it should be."""
        declared = (last.header("content-type") or "").partition(";")[0].strip().lower() or None
        kind = None if stated == "article" else await asyncio.to_thread(listings.kind_at, last.payload)
        if kind in ("warc", "data") or stated in ("warc", "data"):
            await self._take_in_documents(page, last)
            return kind or stated or ""
        if kind is None and (listings.is_listing(stated) or (stated is None and listings.is_listing(page.kind))):
            was = "is stated to be" if stated else "was"
            content = await asyncio.to_thread(lambda: last.content)
            raise InputError(f"{was} a {stated or page.kind}, and answers with {listings.described(content)}")
        content = await asyncio.to_thread(lambda: last.content)
        if kind is None:
            charset = (last.header("content-type") or "").partition("charset=")[2].split(";")[0].strip(" \"'") or None
            if not await self._take_in(Article(page.url, content, declared, charset, capture=last), page.label):
                raise InputError(self.refused[page.url].removeprefix(f"{page.url}: "))
            return "article"
        found = await asyncio.to_thread(listings.listing, content, last.url)
        await self._queue(page, found, source)
        return found.kind

    async def _queue(self, page: watch.Page, found: listings.Listing, source: Watched | None) -> None:
        """Have what a page lists in the queue: articles that are new or have changed, each as work of its own."""
        now = self._now()
        oldest = now - source.since if source and source.since else None
        entries = [
            each for each in found.articles if oldest is None or (each.published_at or each.changed_at or now) >= oldest
        ]
        # What has no date is news where it was not there at the last look, and backlog at the first.
        undated_is_news = page.checked_at is not None and page.kind == found.kind

        def note(db: Any, some: Sequence[listings.Entry]) -> int:
            news = set(watch.add_entries(db, [(e.url, e.published_at, e.changed_at) for e in some], page.label, now))
            for each in some:
                if each.url in news:
                    at = each.published_at or each.changed_at
                    is_news = self._is_news(at) if at else undated_is_news
                    work.mark_due(db, "article", each.url, now, is_backlog=not is_news)
            return len(news)

        queued = 0
        for start in range(0, len(entries), _PAGEFUL):
            queued += await self._write(note, entries[start : start + _PAGEFUL])
        if found.pages:
            await self._write(self._watch, [(e.url, e.changed_at) for e in found.pages], page.label, page.url)
        self.known["article"] += queued
        self.counts["articles listed"] += queued
        self._listen(
            "listing read",
            {
                "source": page.label,
                "url": _bare(page.url),
                "kind": found.kind,
                "entries": len(found.articles),
                "new": queued,
                "pages": len(found.pages) or None,
            },
        )

    async def _take_in_documents(self, page: watch.Page, last: Capture) -> None:
        """The articles of a WARC, a WACZ or a data set at an address."""
        with last.payload.open() as stream:
            documents = readers.read_stream(stream, page.url)
            while (found := await asyncio.to_thread(next, documents, None)) is not None:
                if isinstance(found, InputError):
                    self.refuse(str(found).partition(": ")[0], str(found))
                    continue
                location = found.url or found.location
                article = Article(location, found.content, found.media_type, found.charset, found.published_at)
                await self._take_in(article, page.label)

    async def _page_unchanged(self, page: watch.Page) -> None:
        def note(db: Any) -> None:
            now = self._now()
            watch.unchanged(db, page.url, now)
            self._tell_recovered(db, page)
            for url in watch.children(db, page.url):
                work.mark_due(db, "watched", url, now)
            work.done(db, "watched", page.url)

        await self._write(note)
        self.counts["pages unchanged"] += 1
        self._listen("listing unchanged", {"source": page.label, "url": _bare(page.url)})

    def _tell_recovered(self, db: Any, page: watch.Page) -> None:
        if page.failures >= self._told_after and page.label is not None:
            self._tell(db, "source recovered", {"source": page.label, "url": page.url, "failures": page.failures})

    async def _page_failed(self, piece: work.Due, page: watch.Page, message: str) -> None:
        """Say it, count it, and try again at the next tick; what no tick brings back is put off."""
        has_tick = page.label in self._sources

        def note(db: Any) -> int:
            now = self._now()
            failures = watch.failed(db, page.url, now, message)
            if failures == self._told_after and page.label is not None:
                said = {"source": page.label, "url": page.url, "failures": failures, "error": message}
                self._tell(db, "source failing", said)
            if page.label is None or has_tick or piece.tries >= len(self._rules.retry):
                work.done(db, "watched", page.url)
            else:
                wait = self._rules.retry[piece.tries]
                work.put_off(db, "watched", page.url, now + wait, tries=piece.tries + 1, reason="page failed")
            return failures

        failures = await self._write(note)
        self.counts["pages failed"] += 1
        if page.label is None:
            self.refuse(page.url, message)
            return
        self.refused[page.url] = message
        self._listen("source failing", {"source": page.label, "failures": failures, "error": message})

    async def _mind(self, url: str) -> None:
        """Have this site's own wish for slowness kept, where that is chosen; its robots.txt is read once a day."""
        if not self._rules.crawl_delay:
            return
        address = robots.address(url)
        async with self._reading_robots.setdefault(address, asyncio.Lock()):
            read_at = self._robots.get(address)
            if read_at is not None and self._now() - read_at < _ROBOTS:
                return
            seconds = None
            try:
                request = Request(address, max_bytes=robots.MAX_BYTES)
                last = (await self._ask(request, None, anew=True))[-1]
                if last.status == 200:
                    seconds = await asyncio.to_thread(lambda: robots.delay(last.content))
            except (FetchError, ParseError) as error:
                self._listen("robots not read", {"url": address, "error": str(error)})
            now = self._now()
            self._robots[address] = now
            await self._write(watch.add_robots, address, seconds, now)
            if seconds:
                self._fetcher.space(address, seconds)
                self._fetcher.remember(address, 0.0)
                self._listen("robots read", {"url": address, "delay": seconds})

    async def _wait_for(self, piece: work.Due, url: str) -> bool:
        """Put work off until its host may be asked again; whether it asked to wait at all."""
        host = (urlsplit(url).hostname or "").lower()
        until, why = self._held.get(host, (None, ""))
        if until is None:
            return False
        await self._write(
            work.put_off, piece.kind, piece.key, until, tries=piece.tries, reason="rate-limited", detail=why
        )
        return True

    async def _read_article(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        """Take in an article that a page listed."""
        entry = await self._db(watch.entry, piece.key)
        failure, is_final = None, True
        try:
            await self._mind(entry.url)
            captures = await self._ask(Request(entry.url), began_at, anew=True)
            last = captures[-1]
            if last.status in (429, 503) and await self._wait_for(piece, entry.url):
                return
            if last.status != 200 or last.truncated:
                failure = f"answered {last.status}" if last.status != 200 else f"cut short ({last.truncated})"
                is_final = last.status in _NEVER or last.truncated == "length"
            else:
                declared = (last.header("content-type") or "").partition(";")[0].strip().lower() or None
                charset = (last.header("content-type") or "").partition("charset=")[2].split(";")[0].strip(" \"'")
                article = Article(entry.url, last.content, declared, charset or None, entry.published_at, capture=last)
                if not await self._take_in(article, entry.label, is_backlog=piece.priority == work.BACKLOG):
                    failure = self.refused[entry.url].removeprefix(f"{entry.url}: ")
        except FetchError as error:
            if error.reason == "rate-limited" and await self._wait_for(piece, entry.url):
                return
            failure, is_final = str(error), error.reason == "address-refused"
        except ParseError as error:
            failure = str(error)

        def note(db: Any) -> None:
            now = self._now()
            watch.entry_read(db, entry.url, now, failure)
            if failure is None or is_final or piece.tries >= len(self._rules.retry):
                work.done(db, "article", entry.url)
            else:
                wait = self._rules.retry[piece.tries]
                work.put_off(db, "article", entry.url, now + wait, tries=piece.tries + 1, reason="article not read")

        await self._write(note)
        if failure is not None:
            self.counts["articles failed"] += 1
            self.refused[entry.url] = f"{entry.url}: {failure}"
            self._listen("article not read", {"article": entry.url, "error": failure})

    # --- embeds -----------------------------------------------------------------------------------------------------

    async def _resolve(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        shown = await self._db(opinions.embed, piece.key)
        try:
            look = resolve.resolve(shown.embed, self._platforms)
            resolution, _, _ = await self._drive(look, began_at, barred=self._left_out)
        except _Ended as end:
            resolution = resolve.failed(end.error)

        def note(db: Any) -> None:
            now = self._now()
            ref = resolution.ref
            if ref is None:
                state, reason = resolve.unresolved_state(resolution), resolution.reason
                opinions.set_resolution(db, piece.key, resolution, state, reason)
                at = self._next_try(reason, piece.tries, now)
                work.put_off(db, "embed", piece.key, at, tries=piece.tries + 1, reason=reason.value)
                return
            opinions.set_resolution(db, piece.key, resolution)
            work.done(db, "embed", piece.key)
            self._know(db, ref, 0, now, is_backlog=piece.priority == work.BACKLOG)
            self._settle(db, ref)

        await self._write(note)
        self._listen(
            "embed resolved" if resolution.ref else "embed unresolved",
            {
                "embed": shown.embed.url or (shown.embed.claim.handle and f"@{shown.embed.claim.handle}"),
                "post": str(resolution.ref) if resolution.ref else None,
                "rung": resolution.rung,
                "reason": resolution.reason.value,
            },
        )

    def _know(self, db: Any, ref: PostRef, depth: int, now: dt.datetime, *, is_backlog: bool = False) -> None:
        """Have a post in the queue, once."""
        # What others handed in is not what its network says: that is asked as of any other post.
        is_new = opinions.is_untried(db, ref) and not erasure.is_erased(db, ref)
        platform = self._platforms.get(ref.platform)
        url = platform.url(ref) if platform else str(ref)
        opinions.add_post(db, ref, url, platform.posted_at(ref.id) if platform else None, depth)
        if not is_new and not is_backlog:
            work.hasten(db, "post", str(ref))
        if is_new:
            work.mark_due(db, "post", str(ref), now, is_backlog=is_backlog)
            self.known["post"] += 1

    # --- posts ------------------------------------------------------------------------------------------------------

    async def _climb(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        ref = resolve.ref_of(piece.key)
        platform = self._platforms.get(ref.platform)
        sources = resolve.sources_of(platform, self._rules.sources.get(ref.platform), self._rules.environ)
        claim = await self._db(opinions.claim_for, ref)
        is_recheck = await self._db(opinions.was_seen, ref)
        if is_recheck:
            sources = [source for source in sources if source.rank is Rank.FIRST_HAND]
        is_shown = False
        for source in sources:
            if source.is_last_resort and is_shown:
                continue
            finding = await self._attempt(ref, source, claim, began_at)
            is_shown = is_shown or finding.outcome is Outcome.FOUND
            if resolve.is_enough(source, finding, is_recheck):
                break

        def note(db: Any) -> None:
            now = self._now()
            if not sources and not is_recheck:
                opinions.settle_post(db, ref, State.UNSUPPORTED, Reason.NO_SOURCE, None)
                work.done(db, "post", str(ref))
                return
            self._want_media(db, ref, now)
            is_shown = self._rules.save_posts and not self._replayed and not opinions.depth_of(db, ref)
            if is_shown and platform and opinions.was_seen(db, ref):
                self._want_copy(db, platform.url(ref), now)
            self._schedule(db, self._settle(db, ref), piece, now)

        await self._write(note)

    async def _attempt(self, ref: PostRef, source: Source, claim: Claim, began_at: dt.datetime | None) -> Finding:
        """One try at one source, kept whatever came of it."""
        started_at = self._now()
        captures: list[Capture] = []
        detail = None
        try:
            finding, captures, failures = await self._drive(source.look(ref, claim), began_at)
            if failures:
                detail = str(failures[-1])
        except _Ended as end:
            captures, detail = end.captures, str(end.error)
            finding = resolve.finding_of(end.error) if isinstance(end.error, FetchError) else _UNREADABLE
        except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
            # A parser met what its author did not foresee: the capture is kept, the run goes on, the log says where.
            log.exception("parser failed", extra={"post": str(ref), "source": source.name})
            detail, finding = f"{type(error).__name__}: {error}", _UNREADABLE

        def note(db: Any) -> None:
            now = self._now()
            # By its first capture, so that an attempt that was cut off and went on is one attempt.
            seen_at = captures[0].started_at if captures else started_at
            attempt = opinions.Attempt(
                source.name,
                source.rank,
                finding.outcome.value,
                finding.reason.value,
                finding.tombstone,
                detail,
                tuple(capture.id for capture in captures),
                seen_at,
                captures[-1].ended_at if captures else now,
            )
            opinions.add_attempt(db, ref, attempt, self.run)
            if finding.outcome is Outcome.FOUND and finding.post is not None and captures:
                observed_at = finding.observed_at or captures[-1].started_at
                self._snapshot(db, finding.post, source, captures[-1], observed_at, opinions.depth_of(db, ref))
                depth = opinions.depth_of(db, ref) + 1
                for also in finding.also if depth <= self._rules.context_depth else ():
                    self._snapshot(db, also, source, captures[-1], observed_at, depth)

        await self._write(note)
        self.counts[f"attempts {finding.outcome.value}"] += 1
        self._listen(
            "attempt",
            {
                "post": str(ref),
                "source": source.name,
                "outcome": finding.outcome.value,
                "reason": finding.reason.value,
                "detail": detail,
            },
        )
        return finding

    def _snapshot(
        self, db: Any, post: Post, source: Source, capture: Capture, observed_at: dt.datetime, depth: int
    ) -> None:
        if erasure.is_erased(db, post.ref):
            return
        now = self._now()
        platform = self._platforms[post.ref.platform]
        opinions.add_post(db, post.ref, platform.url(post.ref), platform.posted_at(post.ref.id), depth)
        opinions.add_snapshot(db, post, source.name, source.rank, capture, observed_at)
        self.counts["snapshots"] += 1
        if depth < self._rules.context_depth:
            for context in (post.quotes, post.reply_to):
                if context is not None:
                    self._know(db, context, depth + 1, now)
        if depth:
            self._want_media(db, post.ref, now)
            self._settle(db, post.ref)

    def _want_media(self, db: Any, ref: PostRef, now: dt.datetime) -> None:
        for media in opinions.media_of(db, ref):
            if media.sha256 is None and self._wants(media):
                work.mark_due(db, "media", f"{ref} {media.key}", now)
                self.known["media"] += 1

    def _wants(self, media: opinions.KeptMedia) -> bool:
        return self._rules.photos if media.kind in ("photo", opinions.POSTER) else self._rules.videos

    def _settle(self, db: Any, ref: PostRef, *, compare: bool = True) -> resolve.Judgement:
        """Write where a post stands; *compare* also corroborates the embeds that show it."""
        tries = [
            resolve.Try(row[0], Rank(row[1]), Outcome(row[2]), Reason(row[3]), dt.datetime.fromisoformat(row[4]))
            for row in opinions.attempts(db, ref)
        ]
        shown = opinions.best_snapshot(db, ref)
        whole = opinions.media_of(db, ref)
        media = [each.reason for each in whole if each.kind != opinions.POSTER and self._wants(each)]
        judgement = dataclasses.replace(
            resolve.judge(tries, shown is not None, media, self._rules.gone_after), missing=resolve.missing(tries)
        )
        live = judgement.live
        if self._told:
            self._tell_of_post(db, ref, judgement, is_kept=shown is not None)
        opinions.settle_post(
            db,
            ref,
            judgement.state,
            judgement.reason,
            (live[0].value, live[1].value, timestamp(live[2])) if live else None,
        )
        if shown is not None and compare:
            digests = {each.key: each.sha256 for each in whole if each.sha256}
            platform = self._platforms.get(ref.platform)
            id_at = platform.posted_at(ref.id) if platform else None
            for embed in opinions.embeds_of(db, ref):
                kept = opinions.embed(db, embed)
                text = self._article_text(db, kept.article)
                opinions.set_verdict(db, embed, corroborate(kept.embed, shown, text, kept=digests, id_at=id_at))
        return judgement

    def _tell_of_post(self, db: Any, ref: PostRef, judgement: resolve.Judgement, *, is_kept: bool) -> None:
        """Tell of a post that vanished, against what was known of it until now: once when it is first missing, once
        when that is sure, once when it is there again."""
        before, missing = opinions.live_of(db, ref), judgement.missing
        was_missing = before is not None and resolve.is_loss(*before[:2])
        event = None
        if missing is not None and not was_missing:
            event = "post missing"
        elif missing is not None and missing[1] - missing[0] >= self._rules.gone_after:
            was_sure = before is not None and before[2] - missing[0] >= self._rules.gone_after
            event = None if was_sure else "post gone"
        elif missing is None and was_missing and judgement.live and judgement.live[0] is Outcome.FOUND:
            event = "post back"
        if event is None or opinions.depth_of(db, ref):
            return
        platform = self._platforms.get(ref.platform)
        self._tell(
            db,
            event,
            {
                "post": str(ref),
                "url": platform.url(ref) if platform else str(ref),
                "reason": judgement.live[1].value if judgement.live else None,
                "missing_since": timestamp(missing[0]) if missing else None,
                "archived": is_kept,
                "articles": opinions.locations_of(db, ref, 20),
            },
        )

    def _article_text(self, db: Any, article: str) -> str | None:
        """The text an article's offsets count in; None where it cannot be read any more."""
        kept = opinions.article(db, article)
        try:
            content = facts.capture(db, kept.capture).content
            return self._text_of(content, media_type=kept.media_type, charset=kept.charset, location=kept.location)
        except ArchiverError:
            return None

    def _schedule(self, db: Any, judgement: resolve.Judgement, piece: work.Due, now: dt.datetime) -> None:
        """When to look at a post again."""
        state, reason = judgement.state, judgement.reason
        if state in (State.ARCHIVED, State.PARTIAL):
            if judgement.missing and judgement.missing[1] - judgement.missing[0] < self._rules.gone_after:
                # Missing once proves nothing: a second look, far enough apart, says whether it is gone.
                at = judgement.missing[0] + self._rules.gone_after
                if at <= now:  # this was the second look, and nobody answered it
                    at = now + self._rules.retry[min(1, len(self._rules.retry) - 1)]
                work.put_off(db, "post", piece.key, at, tries=piece.tries, reason="missing once", is_again=True)
                return
            ref, after = resolve.ref_of(piece.key), self._rules.recheck_after
            look = resolve.next_look(opinions.first_seen(db, ref) or now, now, after)
            if look is None:
                work.done(db, "post", piece.key)
                return
            if opinions.has_changed(db, ref):
                look = min(look, now + after[0])  # who edits a post may do it again, or delete it
            work.put_off(db, "post", piece.key, look, tries=piece.tries + 1, reason="look again", is_again=True)
            return
        if state is State.GONE:
            work.put_off(
                db, "post", piece.key, now + dt.timedelta(days=30), tries=0, reason="reappearance", is_again=True
            )
            return
        at = self._next_try(reason, piece.tries, now)
        work.put_off(db, "post", piece.key, at, tries=piece.tries + 1, reason=reason.value)

    def _next_try(self, reason: Reason, tries: int, now: dt.datetime) -> dt.datetime:
        """When to try again what decided nothing: when the host that asked us to wait lets us, else after the waits of
        the configuration. While hosts do not answer, one of those who wait is sent early, to see whether they do."""
        ends = [until for until, _ in self._held.values() if until > now]
        if reason is Reason.RATE_LIMITED and ends:
            return min(ends)
        at = now + resolve.next_try(reason, tries, self._rules.gone_after, self._rules.retry)
        if reason.value in _NO_ANSWER and now >= self._scout_at:
            at = self._scout_at = min(at, now + _SCOUT)
        return at

    # --- media ------------------------------------------------------------------------------------------------------

    async def _fetch_media(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        name, _, key = piece.key.partition(" ")
        ref = resolve.ref_of(name)
        descriptions = await self._db(opinions.media_shown, ref, key)
        reason, capture, look, film = await self._first_media(descriptions, began_at)
        whole = await asyncio.to_thread(hls.joined, film.pieces) if film else None
        if whole is not None:
            look = await asyncio.to_thread(sniff.sniff, whole)
            if not look.is_media:
                reason, whole, film = Reason.UNREADABLE, None, None
        new = capture.payload if capture and look and (look.type or "").startswith("image/") else None
        if new:
            is_known = await self._db(opinions.has_picture, new.sha256)
            new = None if is_known else new
        seen = await asyncio.to_thread(picture.likeness, new) if new else None
        looked = capture.payload if capture and look and look.is_media and not film else None
        if looked:
            was_read: bool = await self._db(opinions.has_credentials, looked.sha256)
            looked = None if was_read else looked
        said = await asyncio.to_thread(credentials, looked, look.type) if looked and look else None

        def note(db: Any) -> None:
            now = self._now()
            if new:
                opinions.add_picture(db, new.sha256, seen.pdq if seen else None)
            if looked:
                opinions.set_credentials(db, looked.sha256, said)
            opinions.set_media(
                db,
                ref,
                key,
                reason=reason,
                capture=capture,
                type=look.type if look else None,
                width=look.width if look else None,
                height=look.height if look else None,
                film=whole,
            )
            if whole is not None and film is not None:
                opinions.add_film(db, whole.sha256, [each.id for each in film.playlists], [p.id for p in film.pieces])
            if reason is Reason.OK:
                work.done(db, "media", piece.key)
                self.counts["media"] += 1
            elif reason is Reason.ENCRYPTED or (piece.tries >= _MEDIA_TRIES and not _is_passing(reason)):
                work.done(db, "media", piece.key)
            else:
                at = self._next_try(reason, piece.tries, now)
                work.put_off(db, "media", piece.key, at, tries=piece.tries + 1, reason=reason.value)
            # Comparing reads the article again, which only what proves something of a post's media is worth.
            self._settle(db, ref, compare=any(each.sha256 for each in descriptions))

        await self._write(note)
        self._listen(
            "media",
            {
                "post": name,
                "media": key,
                "reason": reason.value,
                "bytes": whole.size if whole else capture.payload.size if capture else None,
                "type": look.type if look else None,
            },
        )

    async def _first_media(
        self, descriptions: Sequence[Media], began_at: dt.datetime | None
    ) -> tuple[Reason, Capture | None, sniff.Sniffed | None, hls.Film | None]:
        """The first URL that answers with what really is a picture, film or sound; a film in segments where there is
        nothing else."""
        reason, tried = Reason.NOT_FOUND, None
        urls = dict.fromkeys(url for media in descriptions for url in media.urls)
        for each in (variant for media in descriptions for variant in media.variants):
            if (each.content_type or "").lower() in _PLAYLISTS:
                urls.pop(each.url, None)
                urls[each.url] = None
        stated = {media.urls[0]: media.sha256 for media in descriptions if media.sha256 and media.urls}
        for url in urls:
            try:
                captures = await self._ask(Request(url, is_media=True), began_at)
            except FetchError as error:
                reason = Reason(error.reason)
                continue
            last = tried = captures[-1]
            if last.status != 200:
                reason = Reason.SERVER_ERROR if (last.status or 0) >= 500 else Reason.NOT_FOUND
                if last.status == 429:
                    reason = Reason.RATE_LIMITED
                continue
            if last.truncated:
                reason = Reason.TOO_LARGE if last.truncated == "length" else Reason.TIMEOUT
                continue
            if stated.get(url) not in (None, last.payload.sha256):
                # Kept as what was served, and not taken for what the author posted.
                reason = Reason.UNREADABLE
                continue
            look = await asyncio.to_thread(sniff.sniff, last.payload)
            if look.is_media:
                return Reason.OK, last, look, None
            reason = Reason.UNREADABLE
            if hls.is_playlist(last.payload):
                try:
                    film, _, _ = await self._drive(hls.film(last), began_at)
                except _Ended as end:
                    film = Finding(Outcome.UNREADABLE, reason, tombstone=str(end))
                if isinstance(film, hls.Film):
                    return Reason.OK, last, None, film
                reason = film.reason
                self._listen("film left", {"url": _bare(url), "reason": reason.value, "detail": film.tombstone})
        return reason, tried, None, None

    # --- copies elsewhere -------------------------------------------------------------------------------------------

    def _want_copy(self, db: Any, url: str, now: dt.datetime) -> None:
        """Have a web archive asked for a copy, once."""
        if url.startswith(("http://", "https://")) and copies.add(db, url):
            work.mark_due(db, "save", url, now)

    async def _save(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        """Have a copy made, and follow its job to the end: here for two minutes, then again later. A kill loses no job:
        its name is in the archive before it is followed."""
        url, job, said = piece.key, await self._db(copies.job, piece.key), savepagenow.Answer()
        try:
            if job is None:
                said = savepagenow.answer((await self._ask(savepagenow.ask(url), began_at, anew=True))[-1])
                if said.job is not None:
                    job = said.job
                    await self._write(copies.begun, url, job, self._now())
            for wait in _FOLLOW if job is not None else ():
                await asyncio.sleep(wait)
                said = savepagenow.answer((await self._ask(savepagenow.look(str(job)), None, anew=True))[-1])
                if said.memento or said.problem or self._stopping:
                    break
        except FetchError as error:
            if error.reason == "rate-limited" and await self._wait_for(piece, savepagenow.HOME):
                return
            said = savepagenow.Answer(problem=str(error))
        except ParseError as error:
            if await self._wait_for(piece, savepagenow.HOME):  # a 429 need not be JSON
                return
            said = savepagenow.Answer(problem=str(error))

        def note(db: Any) -> None:
            now, kind = self._now(), "save"
            if said.memento:
                copies.ended(db, url, copies.SAVED, now, memento=said.memento, message=None)
                work.done(db, kind, url)
            elif not said.problem:
                is_lost = piece.tries >= _FOLLOWED
                if is_lost:
                    copies.begun(db, url, None, now)  # nobody knows what became of it: it is asked for again
                tries = 0 if is_lost else piece.tries + 1
                work.put_off(db, kind, url, now + _FOLLOW_AGAIN, tries=tries, reason="being saved elsewhere")
            elif said.is_final or (not said.is_limit and piece.tries >= len(self._rules.retry)):
                copies.ended(db, url, copies.FAILED, now, memento=None, message=said.problem)
                work.done(db, kind, url)
            else:
                copies.ended(db, url, None, now, memento=None, message=said.problem)
                wait = _LIMIT if said.is_limit else self._rules.retry[piece.tries]
                tries = piece.tries if said.is_limit else piece.tries + 1
                work.put_off(db, kind, url, now + wait, tries=tries, reason="not saved elsewhere", detail=said.problem)

        await self._write(note)
        if said.memento:
            self.counts["copies saved"] += 1
            self._listen("saved elsewhere", {"url": url, "memento": said.memento})
        elif said.problem:
            self._listen("not saved elsewhere", {"url": url, "error": said.problem})

    # --- the report -------------------------------------------------------------------------------------------------

    async def report(self) -> dict[str, Any]:
        """Totals that add up: `states` counts every embed of this run's articles exactly once; of the whole archive
        where the run named none."""
        counted = await self._db(opinions.states, self.articles or None)
        states: Counter[str] = Counter()
        reasons: dict[str, dict[str, int]] = {}
        for (state, reason), count in sorted(counted.items()):
            states[state] += count
            reasons.setdefault(state, {})[reason] = count
        waiting = await self._db(work.waiting)
        return {
            "run": self.run,
            "replayed": self._replayed,
            "articles": len(self.articles),
            "embeds": sum(states.values()),
            "states": dict(states),
            "reasons": reasons,
            "captures": self.counts["captures"],
            "snapshots": self.counts["snapshots"],
            "media": self.counts["media"],
            "requests": dict(sorted(self.requests.items())),
            "pages": {what: self.counts[f"pages {what}"] for what in ("read", "unchanged", "failed")},
            "listed": {"new": self.counts["articles listed"], "failed": self.counts["articles failed"]},
            "copies_saved": self.counts["copies saved"],
            "refused": list(self.refused.values()),
            "waiting": waiting,
            "silent_hosts": sorted(host for host, (at, _) in self._silent.items() if self._now() - at < _SILENCE),
            "held_hosts": {host: timestamp(until) for host, (until, _) in sorted(self._held.items())},
        }

    async def begin(self, command: str, operator: str | None, configuration: str) -> None:
        """Open this run in the archive's own book of runs."""
        await self._write(
            work.begin_run,
            self.run,
            self._now(),
            command=command,
            software=f"archiver/{__version__}",
            operator=operator,
            configuration=configuration,
        )

    async def end(self) -> dict[str, Any]:
        """Close it with its report, sign the ledger's head, and have it stamped where an authority is configured."""
        report = {**await self.report(), "checkpoint": await self._checkpoint()}
        await self._write(work.end_run, self.run, self._now(), report)
        await self._write(watch.grown, self._now())
        return report

    async def _checkpoint(self) -> int | None:
        """Sign the head of the ledger: how many captures the newest checkpoint holds."""
        if self._sign is None:
            return None
        loop = asyncio.get_running_loop()
        kept = await loop.run_in_executor(self._thread, self._writer.checkpoint, self._sign, self.run)
        if kept is None:
            last = await self._db(store_log.last_checkpoint)
            return last.size if last else None
        self._listen("checkpoint", {"captures": kept.size})
        if self._authority:
            try:
                token, *_ = await self._drive(stamp(kept.note, self._authority), None)
            except _Ended as end:
                token = resolve.finding_of(end.error) if isinstance(end.error, FetchError) else _UNREADABLE
            if isinstance(token, bytes):
                await self._write(store_log.add_stamp, kept.size, self._authority, token, self._now())
                self._listen("checkpoint stamped", {"captures": kept.size, "authority": self._authority})
            else:
                self._listen("not stamped", {"authority": self._authority, "reason": token.reason.value})
        return kept.size


_UNREADABLE = Finding(Outcome.UNREADABLE, Reason.UNREADABLE)
_MEDIA_TRIES = 6
#: What an address that answers so will not be tomorrow either: asking again is no use.
_NEVER = {400, 404, 405, 410, 451}


def _is_passing(reason: Reason) -> bool:
    """Whether it says something of its host, not of what was asked for: that is never given up."""
    return reason is Reason.RATE_LIMITED or reason.value in _NO_ANSWER


@dataclass(frozen=True, slots=True)
class _Write:
    """One write that waits for its transaction; `size` in bytes of bodies."""

    write: Callable[[Any], Any]
    size: int
    answer: asyncio.Future[Any]


def _called(write: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], db: Any) -> Any:
    return write(db, *args, **kwargs)


class _Parked(Exception):
    """A host cannot be asked soon: the work stands in its line, and goes on from the captures it has."""

    def __init__(self, host: str, until: dt.datetime) -> None:
        super().__init__(host)
        self.host, self.until = host, until


class _Ended(Exception):
    """A look-up ended in an error; what it had captured goes with it."""

    def __init__(self, error: FetchError | ParseError, captures: list[Capture]) -> None:
        super().__init__(str(error))
        self.error, self.captures = error, captures


def _bare(url: str) -> str:
    """A URL fit for a log: without user information and query, either of which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


__all__ = ["Article", "Job", "Look", "Rules"]
