"""Pictures, films and sounds of posts: the first address that answers with what really is one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver import hls, picture, resolve, sniff
from archiver.archive import asking, posts
from archiver.archive.terms import NO_ANSWER, Ended, bare
from archiver.credentials import credentials
from archiver.errors import FetchError
from archiver.model import (
    Body,
    Capture,
    Finding,
    Media,
    Outcome,
    Reason,
    Request,
)
from archiver.store import opinions, work

if TYPE_CHECKING:
    from archiver.archive.job import Job

#: What a film in segments is declared to be.
_PLAYLISTS = ("application/vnd.apple.mpegurl", "application/x-mpegurl")

_MEDIA_TRIES = 6


def _is_passing(reason: Reason) -> bool:
    """Whether it says something of its host, not of what was asked for: that is never given up."""
    return reason is Reason.RATE_LIMITED or reason.value in NO_ANSWER


async def fetch_media(job: Job, piece: work.Due, began_at: dt.datetime | None) -> None:
    name, _, key = piece.key.partition(" ")
    ref = resolve.ref_of(name)
    descriptions = await job.db(opinions.media_shown, ref, key)
    reason, capture, seen, film = await first_media(job, descriptions, began_at)
    look = seen.look if seen else None
    whole = await job.aside(hls.joined, film.pieces) if film else None
    heard = await job.aside(hls.joined, film.sound.pieces) if film and film.sound else None
    sounds = await job.aside(sniff.sniff, heard) if heard else None
    if whole is not None:
        look = await job.aside(sniff.sniff, whole)
        if not look.is_media or (sounds and not sounds.is_media):
            reason, whole, film, heard = Reason.UNREADABLE, None, None, None

    def note(db: Any) -> None:
        now = job.now()
        if capture and seen and seen.is_hashed:
            opinions.add_picture(db, capture.payload.sha256, seen.likeness.pdq if seen.likeness else None)
        if capture and seen and seen.is_searched:
            opinions.set_credentials(db, capture.payload.sha256, seen.credentials)
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
        if heard is not None and film is not None and film.sound is not None:
            parts = film.sound
            opinions.add_sound(db, ref, key, parts.playlists[-1], heard, sounds.type if sounds else None)
            opinions.add_film(db, heard.sha256, [each.id for each in parts.playlists], [p.id for p in parts.pieces])
        if reason is Reason.OK:
            work.done(db, "media", piece.key)
            job.counts["media"] += 1
        elif reason is Reason.ENCRYPTED or (piece.tries >= _MEDIA_TRIES and not _is_passing(reason)):
            work.done(db, "media", piece.key)
        else:
            at = posts.next_try(job, reason, piece.tries, now)
            work.put_off(db, "media", piece.key, at, tries=piece.tries + 1, reason=reason.value)
        # Comparing reads the article again, which only what proves something of a post's media is worth.
        posts.settle(job, db, ref, compare=any(each.sha256 for each in descriptions), is_said_anew=False)

    await job.write(note)
    job.listen(
        "media",
        {
            "post": name,
            "media": key,
            "reason": reason.value,
            "bytes": whole.size if whole else capture.payload.size if capture else None,
            "type": look.type if look else None,
        },
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file's bytes are, and of what was not known of them already: how a picture looks, what credentials it
    carries."""

    look: sniff.Sniffed
    is_hashed: bool = False
    is_searched: bool = False
    likeness: picture.Likeness | None = None
    credentials: dict[str, Any] | None = None


def _known(db: Any, sha256: str) -> tuple[bool, bool]:
    return opinions.has_picture(db, sha256), opinions.has_credentials(db, sha256)


def _look(file: Body, is_hashed: bool, is_searched: bool) -> Seen:
    look = sniff.sniff(file)
    hashing = look.is_media and not is_hashed and (look.type or "").startswith("image/")
    searching = look.is_media and not is_searched
    return Seen(
        look,
        hashing,
        searching,
        picture.likeness(file) if hashing else None,
        credentials(file, look.type) if searching else None,
    )


async def first_media(
    job: Job, descriptions: Sequence[Media], began_at: dt.datetime | None
) -> tuple[Reason, Capture | None, Seen | None, hls.Film | None]:
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
            captures = await asking.ask(job, Request(url, is_media=True), began_at)
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
        seen = await job.aside(_look, last.payload, *await job.db(_known, last.payload.sha256))
        if seen.look.is_media:
            # What was looked at is let go of: others' bytes are waiting for its room.
            return Reason.OK, job.stored(last), seen, None
        reason = Reason.UNREADABLE
        if hls.is_playlist(last.payload):
            try:
                is_sound = any(each.kind == "audio" for each in descriptions)
                film, _, _ = await asking.drive(job, hls.film(last, is_sound=is_sound), began_at)
            except Ended as end:
                film = Finding(Outcome.UNREADABLE, reason, tombstone=str(end))
            if isinstance(film, hls.Film):
                return Reason.OK, last, None, film
            reason = film.reason
            job.listen("film left", {"url": bare(url), "reason": reason.value, "detail": film.tombstone})
    return reason, tried, None, None
