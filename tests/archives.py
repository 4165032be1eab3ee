"""Archives to export: real ones, written through the store, of any size; and one whose every text is hostile."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from archiver.corroborate import corroborate
from archiver.model import (
    EMPTY,
    Author,
    Body,
    Candidate,
    Capture,
    Claim,
    Embed,
    Evidence,
    Kind,
    Link,
    Media,
    Origin,
    Post,
    PostRef,
    Rank,
    Reason,
    Resolution,
    Selector,
    State,
    as_json,
)
from archiver.store import Writer, connect_to_read, opinions

START = dt.datetime(2024, 8, 7, 10, 0, tzinfo=dt.UTC)
#: The smallest JPEG, PNG and MP4 that a sniffer tells apart, and different bytes for each post after them.
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
#: Everything that has ever broken out of a cell, a page, a line, a path or a URL.
HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title></textarea><img src=x onerror=alert(1)>",
    "=cmd|'/C calc'!A0",
    "\t+1+1",
    "\uff1d1+1",
    "@SUM(1,1)",
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\a.dll",
    "\u202egpj.exe\u202c",
    "nul\0byte",
    "quote\" and 'apostrophe' and `tick`",
    "line\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "\u2028paragraph\u2029",
    "&lt;b&gt; &amp;quot; ]]> --> <!-- %00 %0d%0a",
    'x" onload="alert(1)',
    "javascript:alert(1)",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "😀 Зеленський 漢字 עברית",
    "a" * 5000,
    '_:b0 <urn:x> "}], {"@id": "x"}',
)


def answer(url: str, content: bytes, at: dt.datetime, **changes: object) -> Capture:
    """What a server said."""
    body = Body.of(content)
    return Capture(
        **{  # type: ignore[arg-type]
            "url": url,
            "method": "GET",
            "request_headers": (("Host", "api.example"), ("Accept", "*/*"), ("User-Agent", "archiver/0")),
            "request_body": EMPTY,
            "status": 200,
            "protocol": "HTTP/1.1",
            "headers": (("Content-Type", "application/json"), ("Content-Length", str(len(content)))),
            "body": body,
            "payload": body,
            "started_at": at,
            "ended_at": at + dt.timedelta(milliseconds=120),
            "server_address": "192.0.2.7",
            "tls_certificate": "ab" * 32,
            **changes,
        }
    )


def build(path: Path, posts: int = 6, *, hostile: bool = False, media_size: int = 300) -> Path:
    """An archive of *posts* posts. Of each six: two found live with media (the second's bytes equal the first's), one
    reached through a redirect, one from a recording, one gone, one with a gzip-coded and cut answer; and every
    article shows three posts and one embed that led to none."""
    with Writer(path, holder="pid 1 on nowhere", now=lambda: START) as writer:
        numbers = itertools.count()
        while True:
            chunk = list(itertools.islice(numbers, min(600, posts)))
            chunk = [number for number in chunk if number < posts]
            if not chunk:
                break
            _add(writer, chunk, hostile=hostile, media_size=media_size)
    return path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(connect_to_read(path)) as db:
        yield db


def peak_resident() -> int:
    """The most memory this process ever held, in bytes.

    Linux's own figure of this program image: ru_maxrss is at least what the parent held when it started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _words(number: int, hostile: bool) -> str:
    if hostile:
        return HOSTILE[number % len(HOSTILE)]
    return f"The harbour crane number {number} fell at dawn. Nobody was hurt."


def _add(writer: Writer, numbers: list[int], *, hostile: bool, media_size: int) -> None:
    captures: list[Capture] = []
    stories: list[tuple[int, list[Capture], Capture | None, Capture | None]] = []
    articles: list[tuple[list[int], Capture]] = []
    for number in numbers:
        at = START + dt.timedelta(minutes=number)
        words = _words(number, hostile)
        content = f'{{"id": "{1000 + number}", "text": {words!r}}}'.encode("utf-8", "surrogatepass")
        url = f"https://api.example/post/{1000 + number}"
        chain: list[Capture] = []
        case = number % 6
        if case == 2:
            hop = answer(
                f"https://t.example/{number}", b"", at, status=301, headers=(("Location", url), ("Content-Length", "0"))
            )
            chain.append(hop)
            chain.append(answer(url, content, at + dt.timedelta(seconds=1), redirected_from=hop.id))
        elif case == 3:
            origin = Origin("replay", "old.warc.gz", "<urn:uuid:12345678-1234-1234-1234-123456789abc>")
            archived = f"https://web.example/web/20240807100000id_/{url}"
            chain.append(answer(archived, content, at, origin=origin, server_address=None, tls_certificate=None))
        elif case == 4:
            chain.append(answer(url, b'{"error": "gone"}', at, status=404))
        elif case == 5:
            import gzip

            coded = gzip.compress(content, mtime=0)
            headers = (("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"), ("X-Note", "caf\xe9 \xff"))
            chain.append(
                answer(url, content, at, body=Body.of(coded), headers=headers, truncated="length", proxy="socks5://p:1")
            )
        else:
            chain.append(answer(url, content, at))
        media = None
        if case in (0, 1):
            same = number - case
            picture = JPEG + hashlib.shake_128(str(same).encode()).digest(media_size)
            media = answer(
                f"https://media.example/{number}.jpg", picture, at, headers=(("Content-Type", "image/jpeg"),)
            )
        captures += [*chain, *([media] if media else [])]
        later = None
        if case == 4:
            later = answer(url, b'{"error": "gone"}', at + dt.timedelta(days=2), status=404)
            captures.append(later)
        stories.append((number, chain, media, later))
        if number % 3 == 2:
            shown = [number - 2, number - 1, number]
            page = "".join(f"<p>{_words(each, hostile)}</p>" for each in shown).encode("utf-8", "replace")
            location = f"file:///articles/{number}.html"
            if hostile:
                location = f"https://news.example/{number}?q=<script>&a=\"'%00"
            articles.append((
                shown,
                answer(
                    location, page, START, status=None, protocol=None, headers=(("Content-Type", "text/html"),),
                    origin=Origin("file"), server_address=None, tls_certificate=None, request_headers=(),
                ),
            ))  # fmt: skip
    captures += [page for _, page in articles]
    writer.add_captures(captures)
    refs = {number: PostRef("twitter", str(1000 + number)) for number in numbers}
    shown_in: dict[int, list[str]] = {}
    with writer.transaction() as db:
        for shown, page in articles:
            embeds = [_embed(each, refs[each], hostile) for each in shown] + [_loose(shown[0], hostile)]
            id = opinions.add_article(
                db, page, page.url, embeds, media_type="text/html", charset="utf-8", published_at=START,
                label=None, read_at=START,
            )  # fmt: skip
            for seq, each in enumerate(shown):
                shown_in.setdefault(each, []).append(opinions.name_of("embed", id, seq))
            opinions.set_resolution(
                db, opinions.name_of("embed", id, len(shown)),
                Resolution(None, Reason.AMBIGUOUS, candidates=(Candidate(refs[shown[0]], 0.4, ("near",)),)),
                State.UNRESOLVED, Reason.AMBIGUOUS,
            )  # fmt: skip
    with writer.transaction() as db:
        for number, chain, media, later in stories:
            _story(db, number, refs[number], chain, media, later, shown_in.get(number, []), hostile)


def _embed(number: int, ref: PostRef, hostile: bool) -> Embed:
    words = _words(number, hostile)
    # Every fifth article says another day than the post.
    day = START.date() + dt.timedelta(days=40 if number % 5 == 4 else 0)
    return Embed(
        platform="twitter", kind=Kind.FLATTENED, ref=ref, url=f"https://twitter.com/somebody/status/{ref.id}",
        claim=Claim(_handle(number, hostile), _name(number, hostile), day, words, (f"Code{number}",)),
        where="text", in_body=True, start=10 * number, end=10 * number + 9,
        selectors=(
            Selector("TextQuoteSelector", (("exact", words), ("prefix", "before "), ("suffix", " after"))),
            Selector("TextPositionSelector", (("start", 10 * number), ("end", 10 * number + 9))),
        ),
    )  # fmt: skip


def _loose(number: int, hostile: bool) -> Embed:
    return Embed(
        platform="twitter", kind=Kind.FLATTENED, ref=None, url=None,
        claim=Claim(_handle(number, hostile), None, START.date(), _words(number, hostile), (), ()),
        where="text", in_body=None, start=0, end=1,
        selectors=(Selector("TextPositionSelector", (("start", 0), ("end", 1))),),
    )  # fmt: skip


def _handle(number: int, hostile: bool) -> str:
    return HOSTILE[(number + 1) % len(HOSTILE)] if hostile else f"reporter{number % 7}"


def _name(number: int, hostile: bool) -> str:
    return HOSTILE[(number + 2) % len(HOSTILE)] if hostile else f"Reporter No. {number % 7}"


def _story(
    db: sqlite3.Connection, number: int, ref: PostRef, chain: list[Capture], media: Capture | None,
    later: Capture | None, embeds: list[str], hostile: bool,
) -> None:  # fmt: skip
    at = START + dt.timedelta(minutes=number)
    url = f"https://x.com/i/status/{ref.id}"
    opinions.add_post(db, ref, url, at)
    is_gone = later is not None
    rank = Rank.ARCHIVE if chain[-1].origin.kind == "replay" else Rank.FIRST_HAND
    source = "wayback" if rank is Rank.ARCHIVE else "syndication"
    for last in [chain[-1], *([later] if later else [])]:
        opinions.add_attempt(
            db, ref,
            opinions.Attempt(
                source, rank, "gone" if is_gone else "found", "deleted" if is_gone else "ok",
                _words(number + 3, hostile) if is_gone else None, None,
                tuple(each.id for each in chain) if last is chain[-1] else (last.id,),
                last.started_at, last.ended_at,
            ),
            "run1",
        )  # fmt: skip
    post = Post(
        ref, Author(_handle(number, hostile), _name(number, hostile), str(number)), _words(number, hostile),
        created_at=at, lang="en", url=url,
        links=(Link(f"https://t.co/Code{number}", "https://shop.example/?a=1&b=<2>"),),
        media=(
            (Media("photo", "k", (media.url,), alt=_words(number + 4, hostile), width=4, height=3),)
            if media else ()
        ),
        counts=(("likes", 3),),
    )  # fmt: skip
    for embed in embeds:
        evidence = Evidence("link", "the link names the post", chain[0].id)
        opinions.set_resolution(db, embed, Resolution(ref, Reason.OK, "link", (evidence,)))
    if is_gone:
        opinions.settle_post(db, ref, State.GONE, Reason.DELETED, ("gone", "deleted", "2024-08-09T10:00:00.000000Z"))
        return
    opinions.add_snapshot(db, post, source, rank, chain[-1], chain[-1].started_at)
    if media:
        opinions.set_media(db, ref, "k", reason=Reason.OK, capture=media, type="image/jpeg", width=4, height=3)
    opinions.settle_post(db, ref, State.ARCHIVED, Reason.OK, ("found", "ok", "2024-08-07T12:00:00.000000Z"))
    for embed in embeds:
        opinions.set_verdict(db, embed, corroborate(opinions.embed(db, embed).embed, as_json(post), None))
