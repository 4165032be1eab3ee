"""The job: its queue, its book, its report. The steps are in the modules beside it."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
import datetime as dt
import functools
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver import __version__, resolve
from archiver.archive import asking, intake, media, pages, posts, saving
from archiver.archive.terms import (
    ADDED,
    AT_ONE_HOST,
    NO_ANSWER,
    SILENCE,
    UNREADABLE,
    Article,
    Ended,
    Fetching,
    Found,
    Listener,
    Parked,
    Rules,
    Watched,
    bare,
)
from archiver.errors import FetchError, InputError
from archiver.ledger.stamps import stamp
from archiver.model import (
    Capture,
    Embed,
    timestamp,
)
from archiver.platforms import Platform, platforms
from archiver.store import Writer, facts, notices, opinions, translated, watch, work
from archiver.store import log as store_log

#: So many look-ups are under way for each connection allowed.
_SLOTS = 8

#: Seconds after which the queue is looked at again while work is under way: what is due by the clock alone.
_LOOK_AGAIN = 1.0

#: How often the log says that a host is waited for.
_SAY_AGAIN = dt.timedelta(seconds=30)

#: Limits are counted a minute; what was asked that long ago still counts after a restart.
_WINDOW = dt.timedelta(minutes=5)

#: What was tried is not tried again within this time.
_SAME_TRY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Call:
    """What waits for the database's thread: a reading, or a write that waits for its transaction; `size` in bytes of
    bodies."""

    call: Callable[[Any], Any]
    size: int
    answer: asyncio.Future[Any]


def _called(call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], db: Any) -> Any:
    return call(db, *args, **kwargs)


def _read_all(reads: Sequence[_Call], writer: Writer) -> list[Any]:
    """What each returned, or raised."""
    answers: list[Any] = []
    for each in reads:
        try:
            with translated(writer.path):
                answers.append(each.call(writer.db))
        except Exception as error:  # whatever it is, it is told to whoever asked
            answers.append(error)
    return answers


def _tell(calls: Sequence[_Call], answers: Sequence[Any]) -> None:
    for each, answer in zip(calls, answers, strict=True):
        if each.answer.cancelled():
            continue
        if isinstance(answer, Exception):
            each.answer.set_exception(answer)
        else:
            each.answer.set_result(answer)


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
        self._writer, self.fetcher, self.rules, self.now = writer, fetcher, rules, now
        self.extract, self.text_of, self.retry_after = extract, text_of, retry_after
        self.sources: Mapping[str, Watched] = sources or {}
        self.reader = reader or (lambda path: ())
        self.sign, self.authority = sign, authority
        #: Which events somebody is to be told of, and after how many failures in a row a source is one.
        self.told, self.told_after = frozenset(told), told_after
        self.listen = listener or (lambda phrase, fields: None)
        self.run = run or f"{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self.platforms: Mapping[str, Platform] = {}
        self.follow(rules, self.sources)
        # SQLite is used from one thread only: a single writer, so "database is locked" cannot happen.
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "archive.db")
        #: Where bytes are read and hashed beside the loop. Some of them are the archive's own.
        self._aside = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="bytes")
        self.silent: dict[str, tuple[dt.datetime, FetchError]] = {}
        self.held: dict[str, tuple[dt.datetime, str]] = {}
        #: Hosts whose last word, or silence, was a failure.
        self.failing: set[str] = set()
        #: When somebody is next sent to see whether those who do not answer are back.
        self.scout_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        #: By line (see `Fetching.line`): how many ask now, how many pieces of work wait, and a URL of those.
        #: When each robots.txt was read; and those that are being read.
        self.robots: dict[str, dt.datetime] = {}
        self.reading_robots: dict[str, asyncio.Lock] = {}
        self.asking: Counter[str] = Counter()
        self.parked: Counter[str] = Counter()
        self.lines: dict[str, str] = {}
        #: Whose turn it is: among priorities, by line; and among lines.
        self.turns: Counter[str | None] = Counter()
        self.round = 0
        #: Each piece of work is tried once, however soon it says it is due again; after a while it may be.
        self.tried: dict[tuple[str, str], dt.datetime] = {}
        self.wake = asyncio.Event()
        #: What waits for the database's thread. All of it goes there at once: a thread that is woken for each costs
        #: more than most of what it does then.
        self._reads: collections.deque[_Call] = collections.deque()
        self._writes: collections.deque[_Call] = collections.deque()
        self._serving: asyncio.Task[None] | None = None
        self._told_of: dict[str, dt.datetime] = {}
        #: Answers of the last minutes: what resolving an embed has just been told is not asked again to archive it.
        self.recent: dict[tuple[str, str, bytes], tuple[dt.datetime, tuple[Capture, ...]]] = {}
        #: The text of the article that a post was last compared with, by its id.
        self.last_text: tuple[str, str | None] = "", None
        self.replayed = False
        self.stopping = False
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
        now = self.now()
        self.held = await self.db(work.held_hosts, now)
        self.failing = await self.db(work.failing_hosts)
        for address, seconds, at in await self.db(watch.robots) if self.rules.crawl_delay else ():
            self.robots[address] = at
            if seconds:
                self.fetcher.space(address, seconds)
        for url, at in await self.db(facts.asked_since, now - _WINDOW):
            self.fetcher.remember(url, (now - at).total_seconds())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._serving is not None:
            await self._serving
        # Whoever still reads bytes of the archive would read from a closed one.
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, functools.partial(self._aside.shutdown, cancel_futures=True))
        await loop.run_in_executor(None, self._thread.shutdown)

    def follow(self, rules: Rules, sources: Mapping[str, Watched]) -> None:
        """Follow these choices from now on."""
        self.rules, self.sources = rules, sources
        self.platforms = {name: each for name, each in platforms().items() if name not in rules.disabled}
        self.left_out = frozenset(
            host for each in self.platforms.values() for host in resolve.left_out(each, rules.sources.get(each.name))
        )

    def stop(self) -> None:
        """Begin nothing new; what is under way is finished."""
        self.stopping = True
        self.wake.set()

    # --- the database thread ----------------------------------------------------------------------------------------

    async def aside(self, work: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        """Do something long with bytes beside the loop, and be done with it before the archive is closed."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, functools.partial(work, *args, **kwargs))

    async def db(self, read: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        found: Found = await self._wait_for(self._reads, functools.partial(_called, read, args, kwargs), 0)
        return found

    async def write(self, write: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        """All or nothing; on disk when it returns."""
        found: Found = await self._wait_for(self._writes, functools.partial(_called, write, args, kwargs), 0)
        return found

    async def keep(self, captures: Iterable[Capture]) -> None:
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
        new = await self._wait_for(self._writes, lambda db: self._writer.append_captures(db, kept, pieces), size)
        self.counts["captures"] += new  # in two steps: the awaited part must not stand between reading and adding

    def stored(self, capture: Capture) -> Capture:
        """A capture that was kept, its bytes in the archive alone, to be read by any thread."""
        path = self._writer.path
        return dataclasses.replace(
            capture,
            request_body=facts.body_apart(path, capture.request_body.sha256, capture.request_body.size),
            body=facts.body_apart(path, capture.body.sha256, capture.body.size),
            payload=facts.body_apart(path, capture.payload.sha256, capture.payload.size),
        )

    def _wait_for(self, line: collections.deque[_Call], call: Callable[[Any], Any], size: int) -> asyncio.Future[Any]:
        """Have it done with whatever else is waiting to be."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        line.append(_Call(call, size, answer))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return answer

    async def _serve(self) -> None:
        """All readings that wait, then all writes that fit into one transaction, with one wait for the disk."""
        loop = asyncio.get_running_loop()
        try:
            while self._reads or self._writes:
                answers: Sequence[Any]
                if self._reads:
                    reads = list(self._reads)
                    self._reads.clear()
                    try:
                        answers = await loop.run_in_executor(self._thread, _read_all, reads, self._writer)
                    except Exception as error:  # no thread any more
                        answers = [error] * len(reads)
                    _tell(reads, answers)
                if not self._writes:
                    continue
                writes = [self._writes.popleft()]
                size = writes[0].size
                while self._writes and size + self._writes[0].size <= facts.BATCH:
                    writes.append(self._writes.popleft())
                    size += writes[-1].size
                try:
                    calls = [each.call for each in writes]
                    answers = await loop.run_in_executor(self._thread, self._writer.together, calls)
                except Exception as error:  # the archive's own trouble is told to everybody who wrote
                    answers = [error] * len(writes)
                _tell(writes, answers)
        finally:
            self._serving = None

    async def enter(self, event: Capture) -> None:
        """Enter a custody event that happened beside this run (`store.events`) into the ledger; once, however often."""
        await self.keep([event])

    async def mark_example(self) -> None:
        """Mark the archive as an example, which no real run adds to."""
        await self.write(work.set_setting, "example", "true")

    async def mark_source(self, label: str, next_at: dt.datetime | None = None) -> None:
        """Have a source of articles read at the next chance; *next_at* is its next tick."""

        def note(db: Any) -> None:
            now = self.now()
            work.mark_due(db, "source", label, now)
            watch.ticked(db, label, now, next_at)

        await self.write(note)
        self.wake.set()

    async def mark_sources(
        self, next_at: Mapping[str, dt.datetime | None] | None = None, *, only: Sequence[str] | None = None
    ) -> None:
        """Have every source read, or *only* some; *next_at* are their next ticks. Failures of sources that are no
        longer configured are forgotten."""

        def note(db: Any) -> None:
            now = self.now()
            watch.retire(db, (*self.sources, ADDED))
            for label in self.sources if only is None else only:
                work.mark_due(db, "source", label, now)
            for label, at in (next_at or {}).items():
                if only is None or label in only:
                    watch.ticked(db, label, now, at)

        await self.write(note)

    async def add(self, inputs: Iterable[str]) -> None:
        """Queue what somebody added by hand: URLs and absolute paths."""
        found = tuple(inputs)

        def note(db: Any) -> None:
            now = self.now()
            for each in found:
                if each.startswith(("http://", "https://")):
                    watch.add_page(db, each, ADDED)
                    work.mark_due(db, "watched", each, now)
                else:
                    work.mark_due(db, "file", each, now)

        await self.write(note)
        for each in found:
            self.listen("added", {"input": bare(each) if "://" in each else each})

    async def clock_moved(self, by: dt.timedelta) -> None:
        """The clock was set. Forward, and after a suspend, what came due in between is due now, once. Backward, every
        wait is kept as long as it was: what is due in an hour stays due in an hour, not in an hour and *by*."""
        self.silent.clear()
        self.recent.clear()
        self.tried.clear()
        self.scout_at = self.now()
        if by < dt.timedelta():
            await self.write(work.shift, by)
            self.held = await self.db(work.held_hosts, self.now())
        self.listen("clock moved", {"seconds": round(by.total_seconds())})

    def tell(self, db: Any, event: str, said: dict[str, Any]) -> None:
        """Have somebody told, where that is wanted."""
        if event in self.told:
            notices.add(db, event, self.now(), said)

    async def deliver(self, hand_over: Callable[[Sequence[Mapping[str, Any]], str], Awaitable[str | None]]) -> None:
        """Hand over what somebody is to be told. What *hand_over* says went wrong is logged, and the notices are
        handed over again later."""
        some = await self.db(notices.due, self.now())
        if not some:
            return
        problem = await hand_over([each.said for each in some], self.run)
        if problem is None:
            await self.write(notices.delivered, some)
            self.listen("notice delivered", {"notices": len(some)})
            return
        dropped = await self.write(notices.failed, some, self.now())
        self.listen("notice failed", {"notices": len(some), "dropped": dropped or None, "error": problem})

    async def keep_book(self, *, sign: bool = False) -> None:
        """Note in the archive how far this run is and how large the archive has grown; *sign* the ledger's head."""
        if sign:
            await self._checkpoint()
        report = await self.report()

        def note(db: Any) -> None:
            watch.grown(db, self.now())
            work.note_run(db, self.run, report)

        await self.write(note)
        self.wake.set()

    async def until_next(self, longest: float) -> float:
        """Seconds until something is due, at most *longest*."""
        at = await self.db(work.next_due)
        # What is due at this moment has just been tried, or becomes due just now: neither is worth a hurry.
        return longest if at is None else min(longest, max(1.0, (at - self.now()).total_seconds()))

    async def renew(self) -> None:
        """Keep the archive's lease; call every few seconds."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.renew)

    # --- articles ---------------------------------------------------------------------------------------------------

    def refuse(self, name: str, message: str) -> None:
        """Note an input that could not be read."""
        self.refused[name] = message
        self.listen("input refused", {"error": message})

    # --- the queue --------------------------------------------------------------------------------------------------

    async def drain(self, *, hurry: bool = False) -> None:
        """Do all that is due now, and what becomes due on the way; wait for hosts whose turn comes soon. `hurry`: also
        what waits only for want of an answer."""
        if hurry:
            await self.write(work.hurry, self.now(), NO_ANSWER)
        await self.write(work.unpark)
        self.lines.clear()
        self.parked.clear()
        slots = self.rules.concurrency * _SLOTS
        under_way: dict[asyncio.Task[None], tuple[str, str]] = {}
        ended: list[asyncio.Task[None]] = []

        def end(task: asyncio.Task[None]) -> None:
            ended.append(task)
            self.wake.set()

        try:
            while True:
                self.wake.clear()
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
                    again = await self.db(work.still_due, names, self.now())
                    self.tried |= dict.fromkeys(again, self.now())
                if self.tried:
                    self.tried = {name: at for name, at in self.tried.items() if self.now() - at < _SAME_TRY}
                if not self.stopping and len(under_way) < slots:
                    pieces = await self._next(slots - len(under_way), under_way.values())
                    if pieces:
                        await self.write(work.begin, pieces, self.now())
                    for piece in pieces:
                        late = (self.now() - piece.due_at).total_seconds()
                        self.latest[piece.kind] = max(late, self.latest.get(piece.kind, 0.0))
                        task = asyncio.create_task(self._do(piece))
                        under_way[task] = (piece.kind, piece.key)
                        task.add_done_callback(end)
                if not under_way and (self.stopping or not self.lines):
                    return
                await self._woken(min([_LOOK_AGAIN, *(self.fetcher.room(url)[1] for url in self.lines.values())]))
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _woken(self, longest: float) -> None:
        """Wait until something ended or a host has room, at most so many seconds."""
        alarm = asyncio.get_running_loop().call_later(max(0.01, longest), self.wake.set)
        await self.wake.wait()
        alarm.cancel()

    async def _next(self, most: int, under_way: Collection[tuple[str, str]]) -> list[work.Due]:
        """What to begin now: of those who stand in the line of a host that has room, and of what is due otherwise; each
        of these has the first choice in turn."""
        rooms = {
            line: min(self.fetcher.room(url)[0], AT_ONE_HOST - self.asking[line], self.parked[line])
            for line, url in self.lines.items()
        }
        order: list[str | None] = [None, *(line for line, room in rooms.items() if room > 0)]
        first = self.round % len(order)
        self.round += 1
        order = order[first:] + order[:first]
        busy, is_alone, now = {*under_way, *self.tried}, not under_way, self.now()

        def choose(db: Any) -> dict[str | None, list[work.Due]]:
            chosen: dict[str | None, list[work.Due]] = {line: [] for line in order}
            left = most
            # An equal share first, then whatever the others left over.
            for share in (max(1, most // len(order)), most):
                for line in order:
                    room = min(share, left, (most if line is None else rooms[line]) - len(chosen[line]))
                    if room > 0:
                        taken = busy | {(piece.kind, piece.key) for piece in chosen[line]}
                        turn = self.turns[line] + len(chosen[line])
                        found = work.due(db, now, room, taken, turn=turn, host=line)
                        chosen[line] += found
                        left -= len(found)
            return chosen

        chosen = await self.db(choose)
        for line, found in chosen.items():
            self.turns[line] += len(found)
            if line is not None:
                self.parked[line] -= len(found)
                if not self.parked[line] or (is_alone and not found):
                    del self.lines[line], self.parked[line]
        return [piece for found in chosen.values() for piece in found]

    async def _do(self, piece: work.Due) -> None:
        try:
            await self._try(piece, piece.began_at)
        except Parked as parked:
            await self.write(work.park, piece.kind, piece.key, parked.host)
            told = self._told_of.get(parked.host)
            if told is None or self.now() - told > _SAY_AGAIN:
                self._told_of[parked.host] = self.now()
                self.listen("waiting for a host", {"host": parked.host, "until": timestamp(parked.until)})
            return
        self.finished[piece.kind] += 1
        self.listen("progress", {})

    async def _try(self, piece: work.Due, began_at: dt.datetime | None) -> None:
        match piece.kind:
            case "source":
                await intake.read_source(self, piece)
            case "watched":
                await pages.look_at(self, piece, began_at)
            case "file":
                await self.read(self.reader(piece.key), label=ADDED)
                await self.write(work.done, "file", piece.key)
            case "article":
                await intake.read_article(self, piece, began_at)
            case "embed":
                await posts.identify(self, piece, began_at)
            case "post":
                await posts.climb(self, piece, began_at)
            case "media":
                await media.fetch_media(self, piece, began_at)
            case "save":
                await saving.save(self, piece, began_at)

    def note_source(self, db: Any, label: str, problems: Sequence[str]) -> None:
        """Count how often in a row a source's files could not be read; its pages are counted one by one."""
        name, now = f"source:{label}", self.now()
        page = watch.page(db, name)
        if problems:
            watch.add_page(db, name, label)
            failures = watch.failed(db, name, now, problems[0])
            if failures == self.told_after:
                self.tell(db, "source failing", {"source": label, "failures": failures, "error": problems[0]})
        elif page.failures:
            pages.tell_recovered(self, db, page)
            watch.unchanged(db, name, now)

    async def read(self, found: Iterable[Article | InputError | str], label: str | None = None) -> list[str]:
        """Take in articles one after the other; a `str` is an address, which goes into the queue. What could not be
        read, and why."""
        each, problems = iter(found), list[str]()
        while not self.stopping:
            article = await self.aside(next, each, None)
            if article is None:
                break
            if isinstance(article, str):
                await self.write(functools.partial(pages.have_watched, self), [(article, None)], label)
            elif isinstance(article, InputError):
                self.refuse(str(article).partition(":")[0], str(article))
                problems.append(str(article))
            else:
                await intake.take_in(self, article, label)
        return problems

    # --- the report -------------------------------------------------------------------------------------------------

    async def report(self) -> dict[str, Any]:
        """Totals that add up: `states` counts every embed of this run's articles exactly once; of the whole archive
        where the run named none."""
        counted = await self.db(opinions.states, self.articles or None)
        states: Counter[str] = Counter()
        reasons: dict[str, dict[str, int]] = {}
        for (state, reason), count in sorted(counted.items()):
            states[state] += count
            reasons.setdefault(state, {})[reason] = count
        waiting = await self.db(work.waiting)
        return {
            "run": self.run,
            "replayed": self.replayed,
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
            "silent_hosts": sorted(host for host, (at, _) in self.silent.items() if self.now() - at < SILENCE),
            "held_hosts": {host: timestamp(until) for host, (until, _) in sorted(self.held.items())},
        }

    async def begin(self, command: str, operator: str | None, configuration: str) -> None:
        """Open this run in the archive's own book of runs."""
        await self.write(
            work.begin_run,
            self.run,
            self.now(),
            command=command,
            software=f"archiver/{__version__}",
            operator=operator,
            configuration=configuration,
        )

    async def end(self) -> dict[str, Any]:
        """Close it with its report, sign the ledger's head, and have it stamped where an authority is configured."""
        report = {**await self.report(), "checkpoint": await self._checkpoint()}
        await self.write(work.end_run, self.run, self.now(), report)
        await self.write(watch.grown, self.now())
        return report

    async def _checkpoint(self) -> int | None:
        """Sign the head of the ledger: how many captures the newest checkpoint holds."""
        if self.sign is None:
            return None
        loop = asyncio.get_running_loop()
        kept = await loop.run_in_executor(self._thread, self._writer.checkpoint, self.sign, self.run)
        if kept is None:
            last = await self.db(store_log.last_checkpoint)
            return last.size if last else None
        self.listen("checkpoint", {"captures": kept.size})
        if self.authority:
            try:
                token, *_ = await asking.drive(self, stamp(kept.note, self.authority), None)
            except Ended as end:
                token = resolve.finding_of(end.error) if isinstance(end.error, FetchError) else UNREADABLE
            if isinstance(token, bytes):
                await self.write(store_log.add_stamp, kept.size, self.authority, token, self.now())
                self.listen("checkpoint stamped", {"captures": kept.size, "authority": self.authority})
            else:
                self.listen("not stamped", {"authority": self.authority, "reason": token.reason.value})
        return kept.size
