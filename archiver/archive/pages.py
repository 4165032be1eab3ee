"""Pages that list articles: feeds, sitemaps and addresses that are watched, asked whether they have changed."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archiver.archive import asking, intake
from archiver.archive.terms import Article, Watched, bare
from archiver.articles import listings, readers
from archiver.errors import FetchError, InputError, ParseError
from archiver.model import (
    Capture,
    Request,
)
from archiver.store import watch, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

#: So many listed addresses go into the queue in one transaction.
_PAGEFUL = 1000


def have_watched(
    job: Job,
    db: Any,
    pages: Iterable[tuple[str, dt.datetime | None]],
    label: str | None,
    parent: str | None = None,
) -> None:
    now = job.now()
    for url, lastmod in pages:
        if watch.add_page(db, url, label, parent=parent, lastmod=lastmod):
            work.mark_due(db, "watched", url, now)


async def look_at(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    """Ask whether a page has changed, and queue what it lists; one that lists nothing is an article itself."""
    page = await job.db(watch.page, piece.key)
    source = job.sources.get(page.label) if page.label else None
    stated = source.kind if source else None
    is_container = stated in ("warc", "data")
    request = Request(
        page.url,
        headers=page.conditions if page.label else (),
        is_media=is_container,
        max_bytes=None if is_container else listings.MAX_BYTES,
    )
    try:
        await intake.mind_robots(job, page.url)
        captures = await asking.ask(job, request, began_at, anew=page.label is not None)
    except FetchError as error:
        if error.reason == "rate-limited":
            await asking.wait_for(job, piece, page.url)
        else:
            await page_failed(job, piece, page, f"{page.url}: {error}")
        return
    last = captures[-1]
    if last.status == 304:
        await page_unchanged(job, page)
        return
    try:
        if last.status in (429, 503) and await asking.wait_for(job, piece, page.url):
            return
        if last.status != 200:
            raise InputError(f"answered {last.status}; the answer is kept. Check the address, or try again later.")
        if last.truncated:
            raise InputError(
                f"is larger than is read ({last.payload.size} bytes)"
                if last.truncated == "length"
                else f"is cut short after {last.payload.size} bytes ({last.truncated})"
            )
        kind = await take_in_page(job, page, stated, last, source)
    except (InputError, ParseError) as error:
        await page_failed(job, piece, page, f"{page.url}: {error}")
        return

    def note(db: Any) -> None:
        tell_recovered(job, db, page)
        etag, last_modified = last.header("etag"), last.header("last-modified")
        watch.looked_at(db, page.url, job.now(), kind=kind, etag=etag, last_modified=last_modified)
        work.done(db, "watched", page.url)

    await job.write(note)
    job.counts["pages read"] += 1


async def take_in_page(job: Job, page: watch.Page, stated: str | None, last: Capture, source: Watched | None) -> str:
    """Queue what a page lists, or take in what it is; its kind. InputError where it is not what it should be."""
    declared = (last.header("content-type") or "").partition(";")[0].strip().lower() or None
    kind = None if stated == "article" else await job.aside(listings.kind_at, last.payload)
    if kind in ("warc", "data") or stated in ("warc", "data"):
        await take_in_documents(job, page, last)
        return kind or stated or ""
    if kind is None and (listings.is_listing(stated) or (stated is None and listings.is_listing(page.kind))):
        was = "is stated to be" if stated else "was"
        content = await job.aside(lambda: last.content)
        raise InputError(f"{was} a {stated or page.kind}, and answers with {listings.described(content)}")
    content = await job.aside(lambda: last.content)
    if kind is None:
        charset = (last.header("content-type") or "").partition("charset=")[2].split(";")[0].strip(" \"'") or None
        if not await intake.take_in(job, Article(page.url, content, declared, charset, capture=last), page.label):
            raise InputError(job.refused[page.url].removeprefix(f"{page.url}: "))
        return "article"
    found = await job.aside(listings.listing, content, last.url)
    await queue_listed(job, page, found, source)
    return found.kind


async def queue_listed(job: Job, page: watch.Page, found: listings.Listing, source: Watched | None) -> None:
    """Have what a page lists in the queue: articles that are new or have changed, each as work of its own."""
    now = job.now()
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
                is_news = intake.is_news(job, at) if at else undated_is_news
                work.mark_due(db, "article", each.url, now, is_backlog=not is_news)
        return len(news)

    queued = 0
    for start in range(0, len(entries), _PAGEFUL):
        queued += await job.write(note, entries[start : start + _PAGEFUL])
    if found.pages:
        await job.write(
            functools.partial(have_watched, job), [(e.url, e.changed_at) for e in found.pages], page.label, page.url
        )
    job.known["article"] += queued
    job.counts["articles listed"] += queued
    job.listen(
        "listing read",
        {
            "source": page.label,
            "url": bare(page.url),
            "kind": found.kind,
            "entries": len(found.articles),
            "new": queued,
            "pages": len(found.pages) or None,
        },
    )


async def take_in_documents(job: Job, page: watch.Page, last: Capture) -> None:
    """The articles of a WARC, a WACZ or a data set at an address."""
    with last.payload.open() as stream:
        documents = readers.read_stream(stream, page.url)
        while (found := await job.aside(next, documents, None)) is not None:
            if isinstance(found, InputError):
                job.refuse(str(found).partition(": ")[0], str(found))
                continue
            location = found.url or found.location
            article = Article(location, found.content, found.media_type, found.charset, found.published_at)
            await intake.take_in(job, article, page.label)


async def page_unchanged(job: Job, page: watch.Page) -> None:
    def note(db: Any) -> None:
        now = job.now()
        watch.unchanged(db, page.url, now)
        tell_recovered(job, db, page)
        for url in watch.children(db, page.url):
            work.mark_due(db, "watched", url, now)
        work.done(db, "watched", page.url)

    await job.write(note)
    job.counts["pages unchanged"] += 1
    job.listen("listing unchanged", {"source": page.label, "url": bare(page.url)})


def tell_recovered(job: Job, db: Any, page: watch.Page) -> None:
    if page.failures >= job.told_after and page.label is not None:
        job.tell(db, "source recovered", {"source": page.label, "url": page.url, "failures": page.failures})


async def page_failed(job: Job, piece: work.Due, page: watch.Page, message: str) -> None:
    """Say it, count it, and try again at the next tick; what no tick brings back is put off."""
    has_tick = page.label in job.sources

    def note(db: Any) -> int:
        now = job.now()
        failures = watch.failed(db, page.url, now, message)
        if failures == job.told_after and page.label is not None:
            said = {"source": page.label, "url": page.url, "failures": failures, "error": message}
            job.tell(db, "source failing", said)
        if page.label is None or has_tick or piece.tries >= len(job.rules.retry):
            work.done(db, "watched", page.url)
        else:
            wait = job.rules.retry[piece.tries]
            work.put_off(db, "watched", page.url, now + wait, tries=piece.tries + 1, reason="page failed")
        return failures

    failures = await job.write(note)
    job.counts["pages failed"] += 1
    if page.label is None:
        job.refuse(page.url, message)
        return
    job.refused[page.url] = message
    job.listen("source failing", {"source": page.label, "failures": failures, "error": message})
