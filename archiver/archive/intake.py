"""Taking articles in: their bytes are kept before they are read, and what they show goes into the queue."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from archiver import robots
from archiver.archive import asking, saving
from archiver.archive.terms import Article
from archiver.errors import FetchError, InputError, ParseError
from archiver.model import (
    EMPTY,
    Body,
    Capture,
    Origin,
    Request,
)
from archiver.store import erasure, opinions, watch, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

#: An article published this long ago is no news any more: what it shows waits for what newer ones show.
_NEWS = dt.timedelta(days=2)

#: A robots.txt is read again after this (RFC 9309 2.4).
_ROBOTS = dt.timedelta(days=1)

#: What an address that answers so will not be tomorrow either: asking again is no use.
_NEVER = {400, 404, 405, 410, 451}


async def take_in(job: Job, article: Article, label: str | None = None, *, is_backlog: bool = False) -> bool:
    """Keep an article's bytes and what they show; whether they could be read."""
    capture = article.capture or file_capture(job, article)
    if await job.db(erasure.is_blob_erased, capture.payload.sha256):
        job.listen("article erased", {"article": article.location})
        return True
    id = opinions.article_id(article.location, capture.payload.sha256)
    if await job.db(opinions.has_article, id):
        job.articles[id] = None
        job.listen("article known", {"article": article.location})
        return True
    try:
        embeds = await job.aside(
            job.extract,
            article.content,
            media_type=article.media_type,
            charset=article.charset,
            location=article.location,
        )
    except InputError as error:
        job.refuse(article.location, f"{article.location}: {error}")
        return False
    await job.keep([capture])
    is_backlog = is_backlog or not is_news(job, article.published_at)

    def note(db: Any) -> None:
        now = job.now()
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
        job.known["embed"] += len(embeds)
        if job.rules.save_articles and capture.origin.kind == "live":
            saving.want_copy(job, db, article.location, now)

    await job.write(note)
    job.articles[id] = None
    job.counts["articles read"] += 1
    job.listen("article read", {"article": article.location, "embeds": len(embeds)})
    return True


def is_news(job: Job, published_at: dt.datetime | None) -> bool:
    return published_at is None or job.now() - published_at <= _NEWS


def file_capture(job: Job, article: Article) -> Capture:
    """A file's bytes, as a capture of its own kind: what was read, when, from where."""
    now = job.now()
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


async def read_source(job: Job, piece: work.Due) -> None:
    """Take in what a source of the configuration shows now."""
    source = job.sources.get(piece.key)
    if source is not None:
        problems = await job.read(source.read(), label=piece.key)
        await job.write(job.note_source, piece.key, problems)
    await job.write(work.done, "source", piece.key)


async def mind_robots(job: Job, url: str) -> None:
    """Have this site's own wish for slowness kept, where that is chosen; its robots.txt is read once a day."""
    if not job.rules.crawl_delay:
        return
    address = robots.address(url)
    async with job.reading_robots.setdefault(address, asyncio.Lock()):
        read_at = job.robots.get(address)
        if read_at is not None and job.now() - read_at < _ROBOTS:
            return
        seconds = None
        try:
            request = Request(address, max_bytes=robots.MAX_BYTES)
            last = (await asking.ask(job, request, None, anew=True))[-1]
            if last.status == 200:
                seconds = await job.aside(lambda: robots.delay(last.content))
        except (FetchError, ParseError) as error:
            job.listen("robots not read", {"url": address, "error": str(error)})
        now = job.now()
        job.robots[address] = now
        await job.write(watch.add_robots, address, seconds, now)
        if seconds:
            job.fetcher.space(address, seconds)
            job.fetcher.remember(address, 0.0)
            job.listen("robots read", {"url": address, "delay": seconds})


async def read_article(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    """Take in an article that a page listed."""
    entry = await job.db(watch.entry, piece.key)
    failure, is_final = None, True
    try:
        await mind_robots(job, entry.url)
        captures = await asking.ask(job, Request(entry.url), began_at, anew=True)
        last = captures[-1]
        if last.status in (429, 503) and await asking.wait_for(job, piece, entry.url):
            return
        if last.status != 200 or last.truncated:
            failure = f"answered {last.status}" if last.status != 200 else f"cut short ({last.truncated})"
            is_final = last.status in _NEVER or last.truncated == "length"
        else:
            declared = (last.header("content-type") or "").partition(";")[0].strip().lower() or None
            charset = (last.header("content-type") or "").partition("charset=")[2].split(";")[0].strip(" \"'")
            article = Article(entry.url, last.content, declared, charset or None, entry.published_at, capture=last)
            if not await take_in(job, article, entry.label, is_backlog=piece.priority == work.BACKLOG):
                failure = job.refused[entry.url].removeprefix(f"{entry.url}: ")
    except FetchError as error:
        if error.reason == "rate-limited" and await asking.wait_for(job, piece, entry.url):
            return
        failure, is_final = str(error), error.reason == "address-refused"
    except ParseError as error:
        failure = str(error)

    def note(db: Any) -> None:
        now = job.now()
        watch.entry_read(db, entry.url, now, failure)
        if failure is None or is_final or piece.tries >= len(job.rules.retry):
            work.done(db, "article", entry.url)
        else:
            wait = job.rules.retry[piece.tries]
            work.put_off(db, "article", entry.url, now + wait, tries=piece.tries + 1, reason="article not read")

    await job.write(note)
    if failure is not None:
        job.counts["articles failed"] += 1
        job.refused[entry.url] = f"{entry.url}: {failure}"
        job.listen("article not read", {"article": entry.url, "error": failure})
