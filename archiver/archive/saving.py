"""Copies elsewhere: a web archive is asked for one, and its job is followed to the end."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from archiver import savepagenow
from archiver.archive import asking
from archiver.errors import FetchError, ParseError
from archiver.store import copies, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

#: The waits between two looks at a copy that is being made elsewhere, in seconds; then it is looked at again later, so
#: many times.
_FOLLOW = (2.0, 5.0, 10.0, 15.0, 30.0, 60.0)

_FOLLOW_AGAIN, _FOLLOWED = dt.timedelta(minutes=10), 12

#: An account's limit is a day's: it is not tried again before this.
_LIMIT = dt.timedelta(hours=6)


def want_copy(job: Job, db: Any, url: str, now: dt.datetime) -> None:
    """Have a web archive asked for a copy, once."""
    if url.startswith(("http://", "https://")) and copies.add(db, url):
        work.mark_due(db, "save", url, now)


async def save(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    """Have a copy made, and follow its job to the end: here for two minutes, then again later. A kill loses no job:
    its name is in the archive before it is followed."""
    url, ticket, said = piece.key, await job.db(copies.job, piece.key), savepagenow.Answer()
    try:
        if ticket is None:
            said = savepagenow.answer((await asking.ask(job, savepagenow.ask(url), began_at, anew=True))[-1])
            if said.job is not None:
                ticket = said.job
                await job.write(copies.begun, url, ticket, job.now())
        for wait in _FOLLOW if ticket is not None else ():
            await asyncio.sleep(wait)
            said = savepagenow.answer((await asking.ask(job, savepagenow.look(str(ticket)), None, anew=True))[-1])
            if said.memento or said.problem or job.stopping:
                break
    except FetchError as error:
        if error.reason == "rate-limited" and await asking.wait_for(job, piece, savepagenow.HOME):
            return
        said = savepagenow.Answer(problem=str(error))
    except ParseError as error:
        if await asking.wait_for(job, piece, savepagenow.HOME):  # a 429 need not be JSON
            return
        said = savepagenow.Answer(problem=str(error))

    def note(db: Any) -> None:
        now, kind = job.now(), "save"
        if said.memento:
            copies.ended(db, url, copies.SAVED, now, memento=said.memento, message=None)
            work.done(db, kind, url)
        elif not said.problem:
            is_lost = piece.tries >= _FOLLOWED
            if is_lost:
                copies.begun(db, url, None, now)  # nobody knows what became of it: it is asked for again
            tries = 0 if is_lost else piece.tries + 1
            work.put_off(db, kind, url, now + _FOLLOW_AGAIN, tries=tries, reason="being saved elsewhere")
        elif said.is_final or (not said.is_limit and piece.tries >= len(job.rules.retry)):
            copies.ended(db, url, copies.FAILED, now, memento=None, message=said.problem)
            work.done(db, kind, url)
        else:
            copies.ended(db, url, None, now, memento=None, message=said.problem)
            wait = _LIMIT if said.is_limit else job.rules.retry[piece.tries]
            tries = piece.tries if said.is_limit else piece.tries + 1
            work.put_off(db, kind, url, now + wait, tries=tries, reason="not saved elsewhere", detail=said.problem)

    await job.write(note)
    if said.memento:
        job.counts["copies saved"] += 1
        job.listen("saved elsewhere", {"url": url, "memento": said.memento})
    elif said.problem:
        job.listen("not saved elsewhere", {"url": url, "error": said.problem})
