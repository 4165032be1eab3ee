"""Look up anything a reporter has: read-only, standard library only, so that an answer feels instant."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_HEX = re.compile(r"^(?:sha256:)?([0-9a-fA-F]{64})$")
_HANDLE = re.compile(r"^@([\w.-]+(?:@[\w.-]+)?)(?:\s+(\d{4}-\d{2}-\d{2}))?$")
_CODE = re.compile(r"(?:t\.co|pic\.(?:twitter|x)\.com)/([A-Za-z0-9]{4,40})", re.ASCII)
_NUMBERED = re.compile(r"^([a-z]+):(\S+)$")
_WORD = re.compile(r"\w+")
#: More words than this make a query slower, not surer.
_WORDS = 40

Ref = tuple[str, str]


def find(
    db: sqlite3.Connection, query: str, match: Callable[[str, str | None], Ref | None], limit: int = 20
) -> tuple[list[Ref], list[str]]:
    """(posts as (platform, id), ids of embeds that led to none) for a query: a post's URL, id or `platform:id`, a
    t.co or pic code, `@handle` (and a date), an article's path or URL, a media file or its SHA-256, or words.

    `match(url, platform)` reads a post's URL, of one platform or (None) of any. Best first, at most *limit* of each.
    """
    query = query.strip()
    posts: dict[Ref, None] = {}
    embeds: dict[str, None] = {}
    for rung in (_by_digest, _by_reference, _by_code, _by_article, _by_handle, _by_file, _by_words):
        for ref, embed in rung(db, query, match):
            if ref is not None:
                posts[ref] = None
            elif embed is not None:
                embeds[embed] = None
        if posts or embeds:
            break
    return list(posts)[:limit], list(embeds)[:limit]


_Hits = Iterator[tuple[Ref | None, str | None]]
_Match = Callable[[str, str | None], Ref | None]


def _embeds(db: sqlite3.Connection, where: str, *values: object) -> _Hits:
    # `where` is one of the literals below.
    rows = db.execute(f"SELECT platform, post, id FROM embed WHERE {where} ORDER BY date DESC, article, seq", values)  # noqa: S608
    for platform, post, id in rows:
        yield ((platform, post), None) if post else (None, id)


def _by_digest(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    if found := _HEX.match(query):
        yield from _with_digest(db, found[1].lower())


def _with_digest(db: sqlite3.Connection, digest: str) -> _Hits:
    rows = db.execute(
        "SELECT DISTINCT platform, post FROM media JOIN snapshot ON snapshot.id = media.snapshot "
        "WHERE media.sha256 = ? UNION SELECT platform, post FROM snapshot "
        "JOIN capture ON capture.id = snapshot.capture WHERE capture.id = ? OR capture.payload = ? OR capture.body = ?",
        (digest,) * 4,
    )
    for platform, post in rows:
        yield (platform, post), None
    yield from _embeds(
        db,
        "article IN (SELECT article.id FROM article JOIN capture ON capture.id = article.capture "
        "WHERE capture.payload = ?)",
        digest,
    )


def _by_reference(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    if " " in query:
        return
    found = _NUMBERED.match(query)
    if found and _is_post(db, (found[1], found[2])):
        yield (found[1], found[2]), None
        return
    if "/" not in query:
        for platform, id in db.execute("SELECT platform, id FROM post WHERE id = ?", (query,)):
            yield (platform, id), None
        return
    url = query if "://" in query else f"https://{query}"
    # Most URLs hold the id they name: then only one network has to be asked whether it agrees, not all of them.
    likely = _likely_ids(url)
    marks = ", ".join("?" * len(likely))
    for platform, id in db.execute(f"SELECT platform, id FROM post WHERE id IN ({marks})", likely).fetchall():  # noqa: S608
        if match(url, platform) == (platform, id):
            yield (platform, id), None
            return
    ref = match(url, None)
    if ref and _is_post(db, ref):
        yield ref, None


def _likely_ids(url: str) -> list[str]:
    """What in a URL may be an id in one of our forms: a part, two parts in a row, the host and a part."""
    parts = [part for part in re.split(r"[/?#&=]+", url)[1:] if part][:12]
    host = parts[0].lower() if parts else ""
    pairs = [f"{first}/{second}" for first, second in itertools.pairwise(parts)]
    return [*parts, *pairs, *(f"{host}/{part}" for part in parts)]


def _is_post(db: sqlite3.Connection, ref: Ref) -> bool:
    return db.execute("SELECT 1 FROM post WHERE platform = ? AND id = ?", ref).fetchone() is not None


def _by_code(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    codes = _CODE.findall(query)
    if not codes and query.isalnum() and query.isascii():
        codes = [query]
    for code in codes:
        for embed, platform, post in db.execute("SELECT embed, platform, post FROM code WHERE code = ?", (code,)):
            if post:
                yield (platform, post), None
            else:
                yield from _embeds(db, "id = ?", embed)


def _by_article(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    names = {query}
    if "\n" not in query and len(query) < 4096 and "\0" not in query:
        names.add(Path(query).absolute().as_uri())
        names.add(Path(os.path.realpath(query)).as_uri())
    for name in sorted(names):
        yield from _embeds(db, "article IN (SELECT id FROM article WHERE location = ?)", name)


def _by_handle(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    found = _HANDLE.match(query)
    if not found:
        return
    handle, day = found[1], found[2]
    low, high = "", "~"
    if day:
        # A claimed date states no zone: a day and 26 hours either side (PLATFORMS.md 2).
        at = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), dt.UTC)
        low = (at - dt.timedelta(hours=26)).strftime("%Y-%m-%dT%H:%M:%S")
        high = (at + dt.timedelta(hours=50)).strftime("%Y-%m-%dT%H:%M:%S")
    rows = db.execute(
        "SELECT platform, id FROM post WHERE handle = ? COLLATE NOCASE AND coalesce(posted_at, ?) BETWEEN ? AND ? "
        "ORDER BY posted_at DESC",
        (handle, low, low, high),
    )
    for platform, id in rows:
        yield (platform, id), None
    if day:
        yield from _embeds(db, "handle = ? COLLATE NOCASE AND date = ?", handle, day)
    else:
        yield from _embeds(db, "handle = ? COLLATE NOCASE", handle)


def _by_file(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    if "\n" in query or "\0" in query or len(query) > 4096 or not Path(query).is_file():
        return
    digest = hashlib.sha256()
    with Path(query).open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    yield from _with_digest(db, digest.hexdigest())


def alike(db: sqlite3.Connection, pdq: bytes, within: int) -> list[tuple[Ref, str, int]]:
    """(post, SHA-256 of its picture, how many bits of 256 differ) for pictures that are the same to the eye, nearest
    first, each post once. Every hash is looked at, 100,000 of them in 0.06 to 0.15 s (bench/picture.py)."""
    wanted = int.from_bytes(pdq)
    near = []
    for sha256, kept in db.execute("SELECT sha256, pdq FROM picture WHERE pdq IS NOT NULL"):
        distance = (int.from_bytes(kept) ^ wanted).bit_count()
        if distance <= within:
            near.append((distance, sha256))
    found: dict[Ref, tuple[str, int]] = {}
    for distance, sha256 in sorted(near):
        rows = db.execute(
            "SELECT DISTINCT platform, post FROM media JOIN snapshot ON snapshot.id = media.snapshot "
            "WHERE media.sha256 = ? ORDER BY 1, 2",
            (sha256,),
        )
        for platform, post in rows:
            found.setdefault((platform, post), (sha256, distance))
    return [(ref, sha256, distance) for ref, (sha256, distance) in found.items()]


def _by_words(db: sqlite3.Connection, query: str, match: _Match) -> _Hits:
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(_CODE.sub(" ", query))))[:_WORDS]
    if not words:
        return
    quoted = [f'"{word}"' for word in words]
    sql = (
        "SELECT platform, post, embed FROM wording_fts JOIN wording ON wording.rowid = wording_fts.rowid "
        "WHERE wording_fts MATCH ? ORDER BY rank LIMIT 40"
    )
    rows = db.execute(sql, (" ".join(quoted),)).fetchall()
    if not rows and len(words) > 3:
        # A pasted text may differ in a few words: then four of five must be there.
        near = db.execute(
            "SELECT platform, post, embed, wording.text, wording.who FROM wording_fts "
            "JOIN wording ON wording.rowid = wording_fts.rowid WHERE wording_fts MATCH ? ORDER BY rank LIMIT 40",
            (" OR ".join(quoted),),
        )
        for platform, post, embed, text, who in near:
            there = {word.casefold() for word in _WORD.findall(f"{text} {who}")}
            if sum(word in there for word in words) >= 0.8 * len(words):
                rows.append((platform, post, embed))
    for platform, post, embed in rows:
        if post:
            yield (platform, post), None
        else:
            yield from _embeds(db, "id = ?", embed)


# --- everything known of one post -----------------------------------------------------------------------------------


def dossier(db: sqlite3.Connection, ref: Ref) -> dict[str, Any]:
    """One post with all that is known of it, JSON-ready: the post, its snapshots, attempts, captures, media and the
    articles that show it. Order is fixed: by time, then by id."""
    row = db.execute("SELECT * FROM post WHERE platform = ? AND id = ?", ref).fetchone()
    snapshots = db.execute(
        "SELECT * FROM snapshot WHERE platform = ? AND post = ? ORDER BY taken_at, id", ref
    ).fetchall()
    attempts = db.execute(
        "SELECT * FROM attempt WHERE platform = ? AND post = ? ORDER BY started_at, id", ref
    ).fetchall()
    media = db.execute(
        "SELECT media.* FROM media JOIN snapshot ON snapshot.id = media.snapshot WHERE platform = ? AND post = ? "
        "ORDER BY taken_at, snapshot.id, key",
        ref,
    ).fetchall()
    embeds = db.execute(
        "SELECT embed.*, article.location, article.capture AS article_capture, article.published_at AS published_at "
        "FROM embed JOIN article ON article.id = embed.article WHERE platform = ? AND post = ? "
        "ORDER BY article.location, article.id, seq",
        ref,
    ).fetchall()
    ids: dict[str, None] = {}
    for each in embeds:
        ids.update(
            dict.fromkeys(step["capture"] for step in json.loads(each["resolution"] or "{}").get("evidence", ()))
        )
    for attempt in attempts:
        ids.update(dict.fromkeys(json.loads(attempt["captures"])))
    ids.update(dict.fromkeys(each["capture"] for each in media))
    return {
        "platform": row["platform"],
        "id": row["id"],
        "url": row["url"],
        "handle": row["handle"],
        "name": row["name"],
        "text": row["text"],
        "posted_at": row["posted_at"],
        "state": row["state"],
        "reason": row["reason"],
        "live": {"outcome": row["live"], "reason": row["live_reason"], "at": row["live_at"]} if row["live"] else None,
        "snapshots": [
            {
                "id": each["id"],
                "source": each["source"],
                "rank": each["rank"],
                "taken_at": each["taken_at"],
                "observed_at": each["observed_at"],
                "capture": each["capture"],
                "post": json.loads(each["shown"]),
            }
            for each in snapshots
        ],
        "attempts": [
            {
                "source": each["source"],
                "rank": each["rank"],
                "outcome": each["outcome"],
                "reason": each["reason"],
                "tombstone": each["tombstone"],
                "detail": each["detail"],
                "started_at": each["started_at"],
                "ended_at": each["ended_at"],
                "run": each["run"],
                "captures": json.loads(each["captures"]),
            }
            for each in attempts
        ],
        "runs": _runs(db, {each["run"] for each in attempts}),
        "captures": [capture_line(db, id) for id in ids if id],
        "media": _media(media, db),
        "articles": [shown_in(each) for each in embeds],
    }


def _media(rows: list[sqlite3.Row], db: sqlite3.Connection) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in rows:
        shown = json.loads(each["shown"])
        found.setdefault(
            each["key"],
            {
                "key": each["key"],
                "kind": each["kind"],
                "sha256": each["sha256"],
                "size": each["size"],
                "type": each["type"],
                "declared_type": each["declared_type"],
                "width": each["width"] or shown["width"],
                "height": each["height"] or shown["height"],
                "duration": shown["duration"],
                "alt": shown["alt"],
                "url": each["url"] or next(iter(shown["urls"]), None),
                "capture": each["capture"],
                "reason": each["reason"],
                "credentials": _credentials(db, each["sha256"]),
            },
        )
    return list(found.values())


def _runs(db: sqlite3.Connection, names: set[str | None]) -> list[dict[str, Any]]:
    """Who looked and with what: the runs that attempts name, oldest first. `software` is the version of the tool and of
    its parsers, `configuration` the SHA-256 of its settings, `operator` who ran it, where that is configured."""
    found = []
    for name in sorted(each for each in names if each):
        row = db.execute("SELECT * FROM run WHERE id = ?", (name,)).fetchone()
        if row is not None:
            found.append(
                {each: row[each] for each in ("id", "started_at", "ended_at", "software", "operator", "configuration")}
            )
    return found


def _credentials(db: sqlite3.Connection, sha256: str | None) -> dict[str, Any] | None:
    """What the file's C2PA manifest says of itself (`archiver.credentials`); None where none was found."""
    row = db.execute("SELECT said FROM credential WHERE sha256 = ?", (sha256,)).fetchone() if sha256 else None
    found: dict[str, Any] | None = json.loads(row[0]) if row and row[0] else None
    return found


def shown_in(row: sqlite3.Row) -> dict[str, Any]:
    """One embed and its article, JSON-ready."""
    return {
        "location": row["location"],
        "article": row["article"],
        "capture": row["article_capture"],
        "embed": row["id"],
        "platform": row["platform"],
        "kind": row["kind"],
        "where": row["found_in"],
        "in_body": None if row["in_body"] is None else bool(row["in_body"]),
        "url": row["url"],
        "handle": row["handle"],
        "name": row["name"],
        "date": row["date"],
        "text": row["text"],
        "codes": json.loads(row["codes"]),
        "cid": row["cid"] if "cid" in row.keys() else None,  # noqa: SIM118 - a Row; older files have none
        "start": row["start"],
        "end": row["end"],
        "selectors": json.loads(row["selectors"]),
        "post": row["post"],
        "state": row["state"],
        "reason": row["reason"],
        "resolution": json.loads(row["resolution"] or "null"),
        "corroboration": json.loads(row["verdict"] or "null"),
    }


def unresolved(db: sqlite3.Connection, embed: str) -> dict[str, Any]:
    """One embed that led to no post, JSON-ready."""
    row = db.execute(
        "SELECT embed.*, article.location, article.capture AS article_capture FROM embed "
        "JOIN article ON article.id = embed.article WHERE embed.id = ?",
        (embed,),
    ).fetchone()
    return shown_in(row)


def capture_line(db: sqlite3.Connection, id: str) -> dict[str, Any]:
    """What a capture says in one line; its whole record is in the `capture` table and in every export."""
    row = db.execute("SELECT record FROM capture WHERE id = ?", (id,)).fetchone()
    record = json.loads(row[0])
    return {
        "id": id,
        "url": record["url"],
        "method": record["method"],
        "status": record["status"],
        "started_at": record["started_at"],
        "ended_at": record["ended_at"],
        "sha256": record["payload"]["sha256"],
        "size": record["payload"]["size"],
        "origin": record["origin"]["kind"],
        "server_address": record["server_address"],
        "redirected_from": record["redirected_from"],
    }


def refs(db: sqlite3.Connection) -> Iterator[Ref]:
    """Every post, in a fixed order."""
    yield from db.execute("SELECT platform, id FROM post ORDER BY platform, id").fetchall()


def writer(db: sqlite3.Connection, now: str) -> dict[str, str] | None:
    """Who holds the archive's lease, and until when; None if nobody does."""
    row = db.execute("SELECT holder, until FROM lease WHERE until > ?", (now,)).fetchone()
    return {"holder": row[0], "until": row[1]} if row else None


def status(db: sqlite3.Connection, now: str) -> dict[str, Any]:
    """How the archive stands: totals, what is due and waits and why, hosts that asked us to wait, the last runs."""
    from archiver.store import copies, watch

    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    count = {
        name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - names from this tuple
        for name in ("article", "embed", "post", "snapshot", "capture", "blob")
    }
    kept = db.execute(
        "SELECT count(*), coalesce(sum(size), 0) "
        "FROM (SELECT DISTINCT sha256, size FROM media WHERE sha256 IS NOT NULL)"
    ).fetchone()
    # An archive that no later program wrote in yet has no watched pages: a reader changes nothing.
    is_current = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'watched'").fetchone() is not None
    has_copies = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'copy'").fetchone() is not None
    return {
        "sources": watch.sources(db) if is_current else watch.NONE,
        "copies": copies.count(db) if has_copies else {},
        "growth": [
            {"day": row[0], "bytes": row[1]}
            for row in (db.execute("SELECT day, bytes FROM growth ORDER BY day DESC LIMIT 31") if is_current else ())
        ],
        "erasure": next(
            (row[0] for row in db.execute("SELECT value FROM setting WHERE name = 'erasure unfinished'")), None
        ),
        "articles": count["article"],
        "embeds": count["embed"],
        "states": dict(db.execute("SELECT state, count(*) FROM embed GROUP BY state ORDER BY state").fetchall()),
        "reasons": [
            {"state": row[0], "reason": row[1], "count": row[2]}
            for row in db.execute("SELECT state, reason, count(*) FROM embed GROUP BY 1, 2 ORDER BY 1, 2")
        ],
        "posts": count["post"],
        "snapshots": count["snapshot"],
        "captures": count["capture"],
        "blobs": count["blob"],
        "media": {"count": kept[0], "bytes": kept[1]},
        "bytes": pages * size,
        "due": db.execute("SELECT count(*) FROM due WHERE due_at <= ?", (now,)).fetchone()[0],
        "waiting": [
            {"kind": row[0], "reason": row[1], "count": row[2], "next": row[3]}
            for row in db.execute(
                "SELECT kind, coalesce(reason, 'not tried'), count(*), min(due_at) FROM due GROUP BY 1, 2 ORDER BY 1, 2"
            )
        ],
        "hosts": [
            {"host": row[0], "until": row[1], "reason": row[2], "failures": row[3]}
            for row in db.execute(
                "SELECT name, not_before, reason, failures FROM host WHERE not_before > ? ORDER BY name", (now,)
            )
        ],
        "failing_hosts": [
            {"host": row[0], "failures": row[1], "reason": row[2], "at": row[3]}
            for row in db.execute(
                "SELECT name, failures, reason, changed_at FROM host WHERE failures > 0 ORDER BY failures DESC, name "
                "LIMIT 100"
            )
        ],
        "runs": [
            {"run": row[0], "started_at": row[1], "ended_at": row[2], "command": row[3]}
            for row in db.execute("SELECT id, started_at, ended_at, command FROM run ORDER BY started_at DESC LIMIT 5")
        ],
        "writer": writer(db, now),
    }
