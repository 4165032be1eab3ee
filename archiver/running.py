"""`archiver run`: puts the parts together, shows what happens, ends with a report whose totals add up."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archiver import __version__, articles, inbox, savepagenow
from archiver.archive import Article, Job, Rules, Watched
from archiver.config import Config, load
from archiver.errors import ArchiveError, ArchiveFull, ConfigError, InputError
from archiver.fetch import Fetcher, retry_after
from archiver.ledger import checkpoint
from archiver.ledger.checkpoint import Checkpoint
from archiver.ledger.keys import Keys
from archiver.model import canonical, timestamp
from archiver.notify import Hooks
from archiver.store import Writer, events, schema, work

#: How often notices are handed over, and how long the last ones may take, in seconds.
_TELL, _LAST_WORD = 2.0, 15.0
#: What of the configuration is read at the start only.
_AT_START = ("archive", "example", "operator", "fetch", "hosts", "ledger", "notify")
#: So many inputs that could not be read are named in the report that people read.
_SHOWN = 50
#: Seconds that work under way gets to finish after SIGTERM or Ctrl-C.
_DEADLINE = 30.0


def run(config: Config, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """The command; its exit code."""
    path = options.archive or config.archive
    inputs = options.articles
    if not options.once and (options.articles or not config.sources):
        raise InputError(
            "the service reads the [[sources]] of the configuration, and there are none. "
            "Add one, or archive articles now: archiver run --once ARTICLE…"
            if not config.sources
            else "articles on the command line need --once; the service reads the [[sources]] of the configuration."
        )
    _need_keys(config, environ)
    _refuse_wrong_archive(path, config)
    threading.Thread(target=articles.prepare, name="articles", daemon=True).start()
    return asyncio.run(_run(config, options, environ, path, inputs))


def _need_keys(config: Config, environ: Mapping[str, str]) -> None:
    if (config.save.posts or config.save.articles) and ":" not in environ.get(savepagenow.KEYS, ""):
        raise ConfigError(
            f"[save] needs the keys of an archive.org account: set the environment variable {savepagenow.KEYS} to "
            "ACCESSKEY:SECRET (https://archive.org/account/s3.php), or turn [save] off."
        )


def _refuse_wrong_archive(path: Path, config: Config) -> None:
    """An example and a real archive are never mixed."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with contextlib.closing(schema.connect_to_read(path)) as db, schema.translated(path):
        try:
            is_example = work.setting(db, "example") is not None
        except Exception:
            return  # not brought up to date yet; the writer will
        is_used = db.execute("SELECT 1 FROM capture LIMIT 1").fetchone() is not None
    if is_example and not config.example:
        raise ArchiveError(
            f"{path}: holds the bundled example, which a real run does not add to. "
            f"Begin a real archive: rm {path}, or archiver run --archive NAME.db …"
        )
    if config.example and is_used and not is_example:
        raise ArchiveError(f"{path}: is a real archive; the example is not added to it. Use --archive example.db.")


async def _run(
    config: Config, options: argparse.Namespace, environ: Mapping[str, str], path: Path, inputs: Iterable[str]
) -> int:
    stopping = asyncio.Event()
    show = _Show(quiet=options.quiet, as_json=options.log == "json")
    with (
        Writer(path, holder=f"pid {os.getpid()} on {os.uname().nodename}", now=_now) as writer,
        contextlib.ExitStack() as stack,
    ):
        fetcher = Fetcher(
            config.fetch,
            user_agent=_user_agent(config),
            hosts=config.hosts,
            environ=environ,
            spool=path.absolute().parent,
            record=options.record,
            replay=tuple(options.replay),
        )
        # A fetcher of its own: no recording holds what hooks are told, or a webhook's address.
        is_replay = bool(options.replay or config.fetch.replay)
        telling_fetcher = Fetcher(
            dataclasses.replace(config.fetch, record=None, replay=()), user_agent=_user_agent(config), environ=environ
        )
        hooks = Hooks(config, telling_fetcher, environ)
        job = Job(
            writer,
            fetcher,
            rules(config, environ),
            now=_now,
            extract=articles.embeds,
            text_of=articles.text_of,
            retry_after=retry_after,
            sources=watched(config),
            reader=lambda path: _reader((path,))(),
            listener=show.event,
            sign=_signer(config, path),
            authority=config.ledger.authority,
            told=config.notify.events if hooks.exist and not is_replay else (),
            told_after=config.notify.after,
        )
        async with fetcher, telling_fetcher, job:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _stop, stopping, job, number, show)
                stack.callback(loop.remove_signal_handler, number)
            if config.example:
                await job.mark_example()
            await job.begin("run --once" if options.once else "run", config.operator.name, _digest(config))
            try:
                with show.watch(job):
                    async with _telling(job, hooks):
                        if options.once:
                            await _once(job, inputs, stopping, path)
                        else:
                            await _serve(job, config, options, environ, path, stopping, show)
                        report = await job.end()
            except ArchiveFull as error:
                # Told at once: there is no room to keep it until later.
                if hooks.exist and "disk full" in config.notify.events:
                    said = {"event": "disk full", "at": timestamp(_now()), "archive": str(path), "error": str(error)}
                    problem = await hooks.deliver([said], job.run)
                    show.event("notice failed" if problem else "notice delivered", {"notices": 1, "error": problem})
                raise
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(describe(report, path, options))
    if stopping.is_set() and options.once:
        print("archiver: stopped. Nothing acknowledged is lost; run again to go on.", file=sys.stderr)
        return 130
    return 2 if report["refused"] and options.once else 0


@contextlib.asynccontextmanager
async def _telling(job: Job, hooks: Hooks) -> AsyncIterator[None]:
    """Hand over notices beside the run, and what is left for a last time at its end; it never waits for a hook
    before."""

    async def tell() -> None:
        while True:
            await job.deliver(hooks.deliver)
            await asyncio.sleep(_TELL)

    telling = asyncio.create_task(tell()) if hooks.exist else None
    try:
        yield
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
    if telling is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(job.deliver(hooks.deliver), _LAST_WORD)


async def _serve(
    job: Job,
    config: Config,
    options: argparse.Namespace,
    environ: Mapping[str, str],
    path: Path,
    stopping: asyncio.Event,
    show: _Show,
) -> None:
    """The service; SIGHUP has it read its configuration again."""
    from archiver.schedule import Service, check

    async def collect() -> bool:
        return await _collect(job, path)

    service = Service(job, config.sources, collect=collect)
    following, reloads = config, set[asyncio.Task[None]]()

    async def reload() -> None:
        nonlocal following
        try:
            new = load(options.config, environ=environ)
            check(new.sources)
            _need_keys(new, environ)
            if not new.sources:
                raise ConfigError("there are no [[sources]] in it; the service needs one")
        except ConfigError as error:
            show.event("configuration refused", {"error": str(error), "next": "correct it; the old one is followed"})
            return
        job.follow(rules(new, environ), watched(new))
        told = await service.follow(new.sources)
        later = [name for name in _AT_START if getattr(new, name) != getattr(following, name)]
        following = new
        said = {what: ", ".join(labels) or None for what, labels in told.items()}
        show.event("configuration read", {**said, "after a restart": ", ".join(later) or None})

    def hang_up() -> None:
        task = asyncio.ensure_future(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)
        task.add_done_callback(lambda each: each.cancelled() or each.exception())

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        await service.serve(stopping, deadline=_DEADLINE)
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def _collect(job: Job, path: Path) -> bool:
    """Take in what was added by hand; whether there was anything."""
    notes = await asyncio.to_thread(lambda: list(inbox.notes(path)))
    for note in notes:
        if note.problem:
            job.refuse(str(note.file), note.problem)
        if note.event:
            await job.enter(events.event(*note.event))
        await job.add(note.inputs)
        await asyncio.to_thread(note.clear)
    return bool(notes)


async def _once(job: Job, inputs: Iterable[str], stopping: asyncio.Event, path: Path) -> None:
    renewing = asyncio.create_task(_renew(job))

    async def work_through() -> None:
        await _collect(job, path)
        if inputs:
            await job.read(_reader(tuple(inputs))())
        else:
            await job.mark_sources()
        await job.drain(hurry=True)

    working = asyncio.create_task(work_through())
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, stopped, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and stopped.done():
            await asyncio.wait({working}, timeout=_DEADLINE)
        if renewing.done():
            renewing.result()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            return
        working.result()
    finally:
        for task in (renewing, stopped, working):
            task.cancel()
        await asyncio.gather(renewing, stopped, working, return_exceptions=True)


async def _renew(job: Job) -> None:
    while True:
        await asyncio.sleep(20)
        await job.renew()


def _stop(stopping: asyncio.Event, job: Job, number: int, show: _Show) -> None:
    if stopping.is_set() and number == signal.SIGINT:
        raise KeyboardInterrupt
    stopping.set()
    job.stop()
    show.event("stopping", {"signal": signal.Signals(number).name, "deadline": f"{_DEADLINE:.0f}s"})


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _user_agent(config: Config) -> str:
    contact = f" (+{config.operator.contact})" if config.operator.contact else ""
    return f"archiver/{__version__}{contact}"


def keys_for(config: Config, path: Path) -> Keys:
    """The key pair that signs this archive's checkpoints, made if there is none."""
    file = config.ledger.key or path.with_name(path.name + ".key")
    if file.exists():
        return Keys.load(file, config.ledger.name)
    return Keys.create(file, config.ledger.name or f"archive.invalid/{secrets.token_hex(6)}")


def _signer(config: Config, path: Path) -> Callable[[int, bytes], tuple[bytes, str]]:
    keys = keys_for(config, path)

    def sign(size: int, root: bytes) -> tuple[bytes, str]:
        head = Checkpoint(keys.public.name, size, root, (f"time {timestamp(_now())}",))
        return checkpoint.sign(head, keys), keys.public.vkey

    return sign


def _digest(config: Config) -> str:
    """Which configuration a run followed; names of secrets are in it, secrets never."""
    return hashlib.sha256(canonical(_plain(config))).hexdigest()


def _plain(value: Any) -> Any:
    """The configuration as JSON-ready values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def rules(config: Config, environ: Mapping[str, str]) -> Rules:
    """The configured choices a job follows."""
    return Rules(
        sources={name: platform.sources for name, platform in config.platforms.items() if platform.sources},
        disabled=frozenset(name for name, platform in config.platforms.items() if not platform.enabled),
        recheck_after=() if config.example else config.recheck.after,
        gone_after=config.recheck.gone_after,
        retry=config.recheck.retry,
        photos=config.media.photos,
        videos=config.media.videos,
        context_depth=config.context.depth,
        crawl_delay=config.fetch.crawl_delay,
        save_posts=config.save.posts and not config.example,
        save_articles=config.save.articles and not config.example,
        concurrency=config.fetch.connections,
        environ=environ,
    )


def watched(config: Config) -> dict[str, Watched]:
    """The configured sources of articles, by label."""
    return {
        source.label: Watched(_reader(source.paths, is_watched=True), source.kind, source.since)
        for source in config.sources
    }


def _reader(paths: tuple[str, ...], *, is_watched: bool = False) -> Callable[[], Iterator[Article | InputError | str]]:
    """What a list of files, folders, globs and URLs shows now; URLs are handed on for fetching. Where they are watched,
    a file is read again only when it has changed."""
    seen: dict[str, tuple[int, int, int]] | None = {} if is_watched else None

    def read() -> Iterator[Article | InputError | str]:
        for path in paths:
            if path.startswith(("http://", "https://")):
                yield path
                continue
            for found in articles.read([path], seen=seen):
                if isinstance(found, InputError):
                    yield found
                else:
                    location = found.url or _location(found.location)
                    yield Article(location, found.content, found.media_type, found.charset, found.published_at)

    return read


def _location(location: str) -> str:
    """A file by an address that stays the same wherever the command is run; `#…` names a part of it."""
    if "://" in location or location == "-":
        return location
    path, mark, part = location.partition("#")
    return Path(path).absolute().as_uri() + mark + part


# --- what the person sees -------------------------------------------------------------------------------------------


class _Show:
    """Progress bars on a terminal; one line an event in a pipe, as text or as JSON; nothing if quiet. Always on
    standard error."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._job: Job | None = None

    def watch(self, job: Job) -> _Show:
        """Show how far this job is."""
        self._job = job
        return self

    def __enter__(self) -> _Show:
        if not self._quiet and not self._as_json and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description:<6}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
            self._tasks = {kind: self._bars.add_task(f"{kind}s", total=None, note="") for kind in ("embed", "post")}
            self._tasks["media"] = self._bars.add_task("media", total=None, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def event(self, phrase: str, fields: Mapping[str, Any]) -> None:
        """One event: a fixed phrase and its fields."""
        if self._bars is not None:
            self._advance(phrase, fields)
        elif self._quiet or phrase == "progress":
            return
        elif self._as_json:
            said = {name: value for name, value in fields.items() if value is not None}
            print(json.dumps({"at": timestamp(_now()), "event": phrase, **said}, ensure_ascii=False), file=sys.stderr)
        else:
            said_words = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items() if value is not None)
            print(f"{_now():%Y-%m-%dT%H:%M:%SZ} {phrase} {said_words}".rstrip(), file=sys.stderr)

    def _advance(self, phrase: str, fields: Mapping[str, Any]) -> None:
        if self._job is not None:
            for kind, task in self._tasks.items():
                known, done = self._job.known[kind], self._job.finished[kind]
                self._bars.update(task, total=max(known, done), completed=done)
        if phrase in ("article read", "attempt", "media"):
            task = self._tasks["media" if phrase == "media" else "post" if phrase == "attempt" else "embed"]
            self._bars.update(task, note=str(fields.get("article") or fields.get("post") or "")[-60:])
        elif phrase in (
            "input refused",
            "host silent",
            "host asks to wait",
            "stopping",
            "source failing",
            "clock moved",
        ) or phrase.startswith("configuration"):
            said = " ".join(f"{key}={value}" for key, value in fields.items())
            self._bars.console.print(f"{phrase} {said}", markup=False)


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(char in text for char in ' "\n\r\t=') else text


def describe(report: Mapping[str, Any], path: Path, options: argparse.Namespace) -> str:
    """The run report as a person reads it."""
    lines = [
        f"run {report['run']}: {report['articles']} articles, {report['embeds']} embeds",
    ]
    for state, count in report["states"].items():
        why = ", ".join(f"{reason} {number}" for reason, number in report["reasons"][state].items())
        lines.append(f"  {state:<11} {count:>5}  {why if why != f'ok {count}' else ''}".rstrip())
    lines.append(f"  {'total':<11} {sum(report['states'].values()):>5}")
    lines.append(
        f"  {sum(report['requests'].values())} requests, {report['captures']} new captures, "
        f"{report['snapshots']} snapshots, {report['media']} media files"
    )
    if report["replayed"]:
        lines.append("  answered from a recording: every capture keeps the time and origin of its record, and says so")
    pages, listed = report["pages"], report["listed"]
    if any(pages.values()):
        lines.append(
            f"  {pages['read']} pages read, {pages['unchanged']} unchanged, {pages['failed']} failed; "
            f"{listed['new']} articles listed, {listed['failed']} of them not read"
        )
    for message in report["refused"][:_SHOWN]:
        lines.append(f"  not read: {message}")
    if len(report["refused"]) > _SHOWN:
        lines.append(f"  not read: {len(report['refused']) - _SHOWN} more; --json names them")
    for host in report["silent_hosts"]:
        lines.append(f"  no answer from {host}; its posts stay due")
    for host, until in report["held_hosts"].items():
        lines.append(f"  {host} asks us to wait until {until}; its posts stay due")
    return "\n".join(lines)
