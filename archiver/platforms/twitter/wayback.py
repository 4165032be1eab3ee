"""What the Wayback Machine kept of an X post: where it may have filed it, which captures to read, what each showed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import urllib.parse
from collections.abc import Generator

from archiver import memento
from archiver.answers import absent, indexed, replayed
from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, Look, Outcome, Post, PostRef, Reason, Request
from archiver.platforms.twitter import payloads, shapes
from archiver.platforms.twitter.answers import finding, handle_for_path, is_login_page
from archiver.platforms.twitter.grammar import match, posted_at
from archiver.platforms.twitter.media import media_key
from archiver.platforms.twitter.payloads import Absence, Shown

#: How many captures of one post are read at most before giving up.
MAX_MEMENTOS = 6


def places(ref: PostRef, handle: str | None) -> list[str]:
    """Where an archive may have kept a post, likeliest first; one index query each.

    A query by prefix covers what follows the id (`/photo/1`, `?s=20`), and the index drops `www.` and case, so these
    are all the keys there are. Without a handle only the forms that need none can be asked for.
    """
    named = [f"{host}/{handle}/{form}/{ref.id}" for form in ("status", "statuses") for host in HOSTS] if handle else []
    return [
        *named[:2],  # twitter.com and x.com
        f"twitter.com/i/web/status/{ref.id}",
        *named[2:4],  # mobile.twitter.com, and the path of the embeds of 2012 to 2014
        *([] if handle else [f"twitter.com/statuses/{ref.id}"]),
        f"x.com/i/status/{ref.id}",
        *([] if handle else [f"twitter.com/i/status/{ref.id}", f"x.com/i/web/status/{ref.id}"]),
        *named[4:],
    ]


HOSTS = ("twitter.com", "x.com", "mobile.twitter.com")


def worth_reading(rows: list[memento.CdxRow], at: dt.datetime | None) -> list[memento.CdxRow]:
    """The captures that can show a post, best first: JSON, then pages nearest to the post's own time; never an
    archived error or redirect. Revisits (whose status the index does not tell) last."""
    whole = [row for row in rows if row.status == 200]
    json = [row for row in whole if "json" in (row.mimetype or "")]
    return [
        *memento.nearest(json, at),
        *memento.nearest([row for row in whole if row not in json], at),
        *memento.nearest([row for row in rows if row.status is None], at),
    ]


def read_memento(capture: Capture, ref: PostRef) -> Finding:
    """A capture of a post's page or JSON in a web archive: what it showed then.

    An archived error, a shell, a login page or an archived tombstone decides nothing. `observed_at` is the archive's
    time, and media are offered live first, then as the archive may hold them.
    """
    refused = memento.refusal(capture)
    if refused:
        return absent(refused)
    at = memento.memento_at(capture)
    if at is None:
        return absent(Reason.NOT_ARCHIVED if capture.status == 404 else Reason.UNKNOWN)
    nothing = Finding(Outcome.UNKNOWN, Reason.UNKNOWN, observed_at=at)
    if capture.status != 200:
        return nothing
    shown: Shown | Absence | None
    if capture.text.lstrip("\ufeff \r\n\t")[:1] in {"{", "["}:
        shown = shapes.read(capture.json(), ref.id)
    else:
        from archiver.platforms.twitter import pages  # as above

        shown = pages.read(capture, ref.id)
        if shown is None and is_login_page(capture):
            return dataclasses.replace(nothing, reason=Reason.LOGIN_WALL)
    if isinstance(shown, Absence):
        return dataclasses.replace(nothing, tombstone=shown.words)
    found = finding(shown, ref, capture)
    stamp = memento.stamp(at)
    return dataclasses.replace(
        found,
        observed_at=at,
        post=_recoverable(found.post, stamp) if found.post else None,
        also=tuple(_recoverable(each, stamp) for each in found.also),
    )


def _recoverable(post: Post, timestamp: str) -> Post:
    """The post with its media as the archive may hold them, after the live ones."""
    media = []
    for each in post.media:
        key = each.key if each.kind == "photo" and media_key(*each.urls) else None
        kept = [each.urls[0], each.urls[2], *_old_forms(each.urls[0])] if key else list(each.urls)
        archived = tuple(memento.replay_url(timestamp, url, "im_") for url in dict.fromkeys(kept))
        media.append(dataclasses.replace(each, urls=tuple(dict.fromkeys(each.urls + archived))))
    return dataclasses.replace(post, media=tuple(media))


def _old_forms(url: str) -> list[str]:
    """How pages before 2018 or so named a picture: `….jpg:large`, `….jpg`."""
    base, _, query = url.partition("?")
    form = dict(urllib.parse.parse_qsl(query)).get("format", "jpg")
    return [f"{base}.{form}:large", f"{base}.{form}"]


def wayback(ref: PostRef, claim: Claim) -> Look:
    """What the Wayback Machine kept of a post, from as few requests as can be: two where it has a readable capture
    under the post's usual address, at most one index query for each of `places` and MAX_MEMENTOS captures in all.

    The handle comes from the claim. Without one, an archived redirect of a handle-less address may tell it.
    """
    handle = handle_for_path(claim)
    known = None if handle == "i" else handle
    waiting, asked = places(ref, known), set[str]()
    at, left = posted_at(ref.id), MAX_MEMENTOS
    unanswered: Reason | None = None
    is_archived = False
    while waiting and left > 0:
        place = waiting.pop(0)
        if place in asked:
            continue
        asked.add(place)
        rows = yield from indexed(memento.cdx_query(place, prefix=True))
        if isinstance(rows, Finding):
            unanswered = rows.reason
            if rows.reason in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                break
            continue
        own = [row for row in rows if match(row.original) == ref]
        is_archived = is_archived or bool(own)
        for row in worth_reading(own, at)[:left]:
            left -= 1
            answer = yield from replayed(row)
            if isinstance(answer, Finding):
                if answer.reason is Reason.RATE_LIMITED:
                    return answer
                unanswered = answer.reason if answer.outcome is not Outcome.UNKNOWN else unanswered
                continue
            try:
                found = read_memento(answer, ref)
            except ParseError:
                continue
            if found.post and (found.post.text or found.post.media):
                return found
        if known is None:
            known = yield from _redirected(own, ref)
            waiting = places(ref, known) if known else waiting
    if unanswered:
        return absent(unanswered)
    return absent(Reason.UNKNOWN if is_archived else Reason.NOT_ARCHIVED)


def _redirected(rows: list[memento.CdxRow], ref: PostRef) -> Generator[Request, Capture, str | None]:
    """The handle that an archived redirect of this post leads to."""
    for row in [row for row in rows if row.status in {301, 302}][:2]:
        answer = yield from replayed(row)
        there = None if isinstance(answer, Finding) else memento.location(answer)
        if there and match(there) == ref and (handle := payloads.path_handle(there)):
            return handle
    return None
