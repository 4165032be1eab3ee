"""What imported captures show: posts and where short links lead, through the parsers that read our own.

An imported post is somebody's word: its source is named `KIND, imported by NAME`, it ranks as a third party's, and it
never says that a post is gone. Two ways of reading, and no other:

- a platform reads any saved answer of its network (`Platform.saved`): files of posts, pages, answers to a browser;
- for the others each source is asked again, with the imported answers in place of the web, and only where its own
  request is the very one that was recorded.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import sqlite3
import urllib.parse
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

from archiver import memento
from archiver.errors import ArchiverError, FetchError, NotRecorded, ParseError
from archiver.imports import URN, auto_archiver
from archiver.model import (
    IMPORTED_BY,
    Author,
    Body,
    Capture,
    Claim,
    Finding,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Request,
)
from archiver.platforms import Platform, Source, platform, platforms, recognise, unwrapped
from archiver.store import erasure, facts, opinions

RANK = Rank.THIRD_PARTY
_AUTO, _SAVED = "auto-archiver", "saved answer"
#: A look at imported answers ends after so many of them.
_MOST_ANSWERS = 20
_UNKNOWN = Finding(Outcome.UNKNOWN, Reason.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one capture shows: each post as a Finding; which short code leads to which post."""

    capture: Capture
    kind: str
    findings: tuple[Finding, ...] = ()
    lead: tuple[str, PostRef] | None = None

    @property
    def refs(self) -> set[PostRef]:
        found = {each.post.ref for each in self.findings if each.post}
        return found | {self.lead[1]} if self.lead else found


def source_name(kind: str, giver: str) -> str:
    """How a source that was imported is named wherever a source is named."""
    return f"{kind}{IMPORTED_BY}{giver}"


def is_imported(source: str) -> bool:
    return IMPORTED_BY in source


def read(capture: Capture) -> Reading:
    """What an imported capture shows by itself."""
    if capture.url.startswith(URN):
        found = _of_auto_archiver(capture)
        if found is not None:
            return Reading(capture, _AUTO, found)
    if lead := _lead(capture):
        return Reading(capture, _SAVED, lead=lead)
    for each in platforms().values():
        if each.saved is not None and (findings := each.saved(capture)):
            return Reading(capture, _SAVED, findings)
    return Reading(capture, _SAVED)


# --- auto-archiver --------------------------------------------------------------------------------------------------


def _of_auto_archiver(capture: Capture) -> tuple[Finding, ...] | None:
    """Its items that are posts; None where the capture holds no item of it."""
    try:
        items = auto_archiver.items(capture)
    except ParseError:
        return None
    if not items:
        return None
    findings: dict[PostRef, Finding] = {}
    for item in items:
        ref = recognise(item.url)
        post = _post(item, ref, capture) if ref else None
        if post is not None:
            findings.setdefault(post.ref, Finding(Outcome.FOUND, Reason.OK, post, observed_at=item.at))
    return tuple(findings.values())


def _post(item: auto_archiver.Item, ref: PostRef, capture: Capture) -> Post | None:
    """The post that an item states: as the network's own object where the item kept that, else its words and time.
    The handle in the URL is no evidence (X checks none), so it is not taken for the author's."""
    files = [file for file in item.files if not file.is_made]
    if not (item.content or item.title or files):
        return None
    network = platform(ref.platform)
    content = item.content.strip()
    if content.startswith("{") and network is not None and network.saved is not None:
        inner = Body.of(content.encode("utf-8", "surrogatepass"))
        for each in network.saved(dataclasses.replace(capture, url=URN, body=inner, payload=inner)):
            if each.post is not None and each.post.ref == ref:
                return dataclasses.replace(each.post, media=_media(files, each.post.media))
    is_object = content.startswith(("{", "["))
    text = item.title if is_object or not content else content
    return Post(
        ref,
        Author(None),
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
        created_at=item.posted_at,
        url=network.url(ref) if network else item.url,
        media=_media(files, ()),
    )


def _media(files: list[auto_archiver.File], stated: tuple[Media, ...]) -> tuple[Media, ...]:
    """The post's media with the URL each was fetched from first, which is the one its file is kept under."""
    left, found = list(files), []
    for media in stated:
        known = {*media.urls, *(variant.url for variant in media.variants)}
        own = next((file for file in left if file.src and (file.src in known or media.key in file.src)), None)
        if own is not None and own.src is not None:
            left.remove(own)
            media = dataclasses.replace(media, urls=tuple(dict.fromkeys((own.src, *media.urls))))
        found.append(media)
    if not stated:
        for file in left:
            url = file.src or (f"{URN}{file.sha256}" if file.sha256 else None)
            if url:
                kind = {"image": "photo", "video": "video", "audio": "audio"}[(file.type or "").partition("/")[0]]
                found.append(Media(kind, file.names[0] if file.names else url, (url,), sha256=file.sha256))
    return tuple(found)


# --- short links ----------------------------------------------------------------------------------------------------


def _lead(capture: Capture) -> tuple[str, PostRef] | None:
    """(code, post) where the capture is a short link's answer that leads to a post."""
    if capture.status is None:
        return None
    asked = memento.unwrap(capture.url)
    for each in platforms().values():
        found = each.markup.shortlink and re.fullmatch(each.markup.shortlink, asked, re.IGNORECASE)
        if found:
            there = each.leads_to(capture)
            ref = recognise(there) if there else None
            return (found[1], ref) if ref else None
    return None


# --- asking sources again -------------------------------------------------------------------------------------------


def candidates(capture: Capture) -> Iterator[tuple[PostRef, Source]]:
    """Each post and source for which this answer may have been asked: found by the parts of its URL, believed only
    because the source's own request is exactly this one."""
    if capture.status is None or capture.url.startswith(URN):
        return
    host = (urllib.parse.urlsplit(capture.url).hostname or "").lower()
    for each in platforms().values():
        if each.saved is not None:
            continue
        sources = [source for source in each.sources() if _may_ask(source, host)]
        if not sources:
            continue
        for ref in _named(capture.url, each):
            for source in sources:
                if _first_request(source, ref) == capture.url:
                    yield ref, source


def _may_ask(source: Source, host: str) -> bool:
    # A source whose host differs from post to post says so in words, not as a name.
    return any(each == host or " " in each for each in source.hosts)


def _named(url: str, network: Platform) -> Iterator[PostRef]:
    try:
        parts = urllib.parse.urlsplit(url)
        values = [value for group in urllib.parse.parse_qs(parts.query).values() for value in group]
    except ValueError:
        return
    seen = set()
    for each in [unwrapped(url), *values]:
        ref = network.match(each)
        if ref is not None and ref not in seen:
            seen.add(ref)
            yield ref
    words = [part for value in (parts.path, *values) for part in re.split(r"[/?#&=]+", value) if part][:16]
    pairs = [f"{first}/{second}" for first, second in itertools.combinations(words, 2)]
    for id in dict.fromkeys([*words, *pairs, *(f"{parts.netloc.lower()}/{word}" for word in words)]):
        ref = PostRef(network.name, id)
        if ref not in seen and _is_own(network, ref):
            seen.add(ref)
            yield ref


def _is_own(network: Platform, ref: PostRef) -> bool:
    try:
        return network.match(network.url(ref)) == ref
    except (ValueError, LookupError, TypeError):
        return False


def _first_request(source: Source, ref: PostRef) -> str | None:
    look = source.look(ref, Claim())
    try:
        return next(look).url
    except (StopIteration, ArchiverError, ValueError, LookupError, TypeError):
        return None
    finally:
        look.close()


def asked_again(db: sqlite3.Connection, source: Source, ref: PostRef) -> tuple[Finding, list[Capture]]:
    """What a source says of a post, answered by imported captures alone; the captures it was given."""
    given: list[Capture] = []
    look = source.look(ref, Claim())
    try:
        request = next(look)
        for _ in range(_MOST_ANSWERS):
            answer = _answer(db, request)
            if answer is None:
                request = look.throw(NotRecorded(f"{request.url}: was not imported"))
            else:
                given += answer
                request = look.send(answer[-1])
        look.close()
    except StopIteration as stop:
        return stop.value, given
    except (FetchError, ParseError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
        pass
    return _UNKNOWN, given


def _answer(db: sqlite3.Connection, request: Request) -> list[Capture] | None:
    """The newest imported answer to a request. A recording does not say which redirect led where: they are followed by
    their own words."""
    chain: list[Capture] = []
    url: str | None = request.url
    while url is not None and len(chain) <= request.follow:
        row = db.execute(
            "SELECT record FROM capture WHERE url = ? AND method = ? AND origin = 'import' AND status IS NOT NULL "
            "ORDER BY started_at DESC, seq DESC LIMIT 1",
            (url, request.method),
        ).fetchone()
        if row is None:
            break
        chain.append(facts.capture_from(db, row[0]))
        url = memento.location(chain[-1])
    return chain or None


# --- opinions -------------------------------------------------------------------------------------------------------


def keep(db: sqlite3.Connection, reading: Reading, giver: str, run: str) -> list[PostRef]:
    """Write down what a capture shows; the posts, to be settled. Within a transaction, after the capture is kept."""
    refs = []
    for finding in reading.findings:
        if finding.post is not None and _keep(db, reading.kind, giver, finding, [reading.capture], run):
            refs.append(finding.post.ref)
    if reading.lead is not None and not erasure.is_erased(db, reading.lead[1]):
        code, ref = reading.lead
        _know(db, ref)
        add_code(db, code, ref)
        refs.append(ref)
    return refs


def keep_again(
    db: sqlite3.Connection, source: Source, finding: Finding, given: list[Capture], giver: str, run: str
) -> list[PostRef]:
    """The same for a post that a source shows when it is asked again."""
    refs = []
    if finding.outcome is Outcome.FOUND and given:
        for post in (finding.post, *finding.also):
            if post is not None and _keep(db, source.name, giver, dataclasses.replace(finding, post=post), given, run):
                refs.append(post.ref)
    return refs


def _keep(db: sqlite3.Connection, kind: str, giver: str, finding: Finding, captures: list[Capture], run: str) -> bool:
    assert finding.post is not None
    post, last = finding.post, captures[-1]
    if platform(post.ref.platform) is None or erasure.is_erased(db, post.ref):
        return False
    _know(db, post.ref)
    name = source_name(kind, giver)
    attempt = opinions.Attempt(
        name,
        RANK,
        Outcome.FOUND.value,
        Reason.OK.value,
        None,
        None,
        tuple(each.id for each in captures),
        captures[0].started_at,
        last.ended_at,
    )
    opinions.add_attempt(db, post.ref, attempt, run)
    opinions.add_snapshot(db, post, name, RANK, last, finding.observed_at or last.started_at)
    return True


def _know(db: sqlite3.Connection, ref: PostRef) -> None:
    network = platform(ref.platform)
    assert network is not None
    # No article shows it yet: when one does, it is asked of its network like any other (`archive.posts.know`).
    opinions.add_post(db, ref, network.url(ref), network.posted_at(ref.id), 1)


def add_code(db: sqlite3.Connection, code: str, ref: PostRef) -> None:
    db.execute(
        "INSERT INTO code (code, platform, post) SELECT ?1, ?2, ?3 WHERE NOT EXISTS "
        "(SELECT 1 FROM code WHERE code = ?1 AND platform = ?2 AND post = ?3)",
        (code, ref.platform, ref.id),
    )


def leads(db: sqlite3.Connection) -> Iterator[tuple[str, PostRef]]:
    """Where every imported short link leads, read anew; those of erased posts left out."""
    rows = db.execute("SELECT record FROM capture WHERE origin = 'import' AND status IS NOT NULL ORDER BY seq")
    for (record,) in rows:
        try:
            lead = _lead(facts.capture_from(db, record))
        except ArchiverError:
            continue  # erased
        if lead is not None and not erasure.is_erased(db, lead[1]):
            yield lead


# --- reading again --------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def _read_again(capture: Capture) -> Reading:
    # A file of a thousand posts is read once, not once a post.
    return read(capture)


def source(network: Platform | None, name: str, own: Iterable[Capture]) -> Source | None:
    """The source that an imported look is looked at again by; None where there is none any more."""
    kind, _, _ = name.partition(IMPORTED_BY)
    captures = tuple(own)
    if kind in (_AUTO, _SAVED):
        return Source(name, RANK, _look(captures), ())
    known = {each.name: each for each in network.sources()} if network else {}
    return dataclasses.replace(known[kind], name=name, rank=RANK) if kind in known else None


def _look(captures: tuple[Capture, ...]) -> Callable[[PostRef, Claim], Generator[Request, Capture, Finding]]:
    def look(ref: PostRef, claim: Claim) -> Generator[Request, Capture, Finding]:
        answer = yield Request(captures[0].url, method=captures[0].method, follow=0)
        for finding in _read_again(answer).findings:
            if finding.post is not None and finding.post.ref == ref:
                return finding
        return _UNKNOWN

    return look


__all__ = [
    "RANK",
    "Reading",
    "asked_again",
    "candidates",
    "is_imported",
    "keep",
    "keep_again",
    "leads",
    "read",
    "source",
]
