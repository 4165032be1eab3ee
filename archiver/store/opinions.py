"""What we think the facts say: articles, embeds, resolutions, attempts, posts, snapshots, media.

Every function here is called within a transaction. All of it can be rebuilt from the captures.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.model import (
    IMPORTED_BY,
    Body,
    Capture,
    Claim,
    Embed,
    Kind,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Resolution,
    State,
    as_json,
    canonical_words,
    media_from,
    moment,
    timestamp,
)


def name_of(*parts: object) -> str:
    """An id that comes from content alone, so that two archives can be joined."""
    return hashlib.sha256(canonical_words([str(part) for part in parts])).hexdigest()


#: The still that stands for a film until it plays: kept as well, but a post without it is whole.
POSTER = "poster"


def packed(value: Any) -> str:
    import orjson

    ready = as_json(value)
    try:
        return orjson.dumps(ready).decode()
    except TypeError:  # half a character, a number of more than 64 bits
        return json.dumps(ready, ensure_ascii=False, separators=(",", ":"))


# --- articles and embeds --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """One embed as the archive keeps it."""

    id: str
    article: str
    embed: Embed
    state: State
    reason: Reason


def article_id(location: str, payload: str) -> str:
    """One article at one state of its bytes."""
    return name_of("article", location, payload)


def has_article(db: sqlite3.Connection, id: str) -> bool:
    return db.execute("SELECT 1 FROM article WHERE id = ?", (id,)).fetchone() is not None


def add_article(
    db: sqlite3.Connection,
    capture: Capture,
    location: str,
    embeds: Sequence[Embed],
    *,
    media_type: str | None,
    charset: str | None,
    published_at: dt.datetime | None,
    label: str | None,
    read_at: dt.datetime,
    refusal: str | None = None,
) -> str:
    """Keep what one article shows. The capture must be kept already. Returns the article's id."""
    id = article_id(location, capture.payload.sha256)
    db.execute(
        "INSERT INTO article VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id, location, capture.id, media_type, charset, published_at and timestamp(published_at), label,
            timestamp(read_at), refusal,
        ),
    )  # fmt: skip
    for seq, embed in enumerate(embeds):
        add_embed(db, id, seq, embed)
    return id


@dataclass(frozen=True, slots=True)
class Kept:
    """One article as the archive keeps it; `capture` is the id of its bytes."""

    location: str
    capture: str
    media_type: str | None
    charset: str | None


def article(db: sqlite3.Connection, id: str) -> Kept:
    row = db.execute("SELECT location, capture, media_type, charset FROM article WHERE id = ?", (id,)).fetchone()
    return Kept(*row)


def add_embed(db: sqlite3.Connection, article: str, seq: int, embed: Embed) -> None:
    """Keep the *seq*-th place of an article, its post not known yet."""
    id = name_of("embed", article, seq)
    claim = embed.claim
    db.execute(
        "INSERT INTO embed VALUES "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL, NULL, ?, ?)",
        (
            id, article, seq, embed.platform, embed.kind.value, embed.url, claim.handle, claim.name,
            claim.date and claim.date.isoformat(), claim.text, packed(claim.codes), packed(claim.pic_codes),
            embed.where, None if embed.in_body is None else int(embed.in_body), embed.start, embed.end,
            packed(embed.text_spans), packed(embed.selectors), embed.ref and embed.ref.id, State.PENDING.value,
            Reason.NOT_TRIED.value, claim.context, claim.cid,
        ),
    )  # fmt: skip
    for code in claim.codes:
        db.execute("INSERT OR IGNORE INTO code (code, embed) VALUES (?, ?)", (code, id))
    who = " ".join(part for part in (claim.handle, claim.name) if part)
    if claim.text or who:
        db.execute(
            "INSERT INTO wording (platform, embed, text, who) VALUES (?, ?, ?, ?)",
            (embed.platform, id, claim.text or "", who),
        )


def embed(db: sqlite3.Connection, id: str) -> Shown:
    """One embed as it was found (its `ref` is what the article itself states), without its selectors and spans."""
    row = db.execute(
        "SELECT id, article, platform, kind, url, handle, name, date, text, codes, pic_codes, found_in, in_body, start,"
        ' "end", said, context, cid, state, reason FROM embed WHERE id = ?',
        (id,),
    ).fetchone()
    (id, article, platform, kind, url, handle, name, date, text, codes, pics, where, in_body, start, end, said) = row[
        :16
    ]
    return Shown(
        id,
        article,
        Embed(
            platform=platform,
            kind=Kind(kind),
            ref=PostRef(platform, said) if said else None,
            url=url,
            claim=Claim(
                handle,
                name,
                dt.date.fromisoformat(date) if date else None,
                text,
                tuple(json.loads(codes)),
                tuple(json.loads(pics)),
                row[16],
                row[17],
            ),
            where=where,
            in_body=None if in_body is None else bool(in_body),
            start=start,
            end=end,
        ),
        State(row[-2]),
        Reason(row[-1]),
    )


def set_resolution(
    db: sqlite3.Connection, embed: str, resolution: Resolution, state: State | None = None, reason: Reason | None = None
) -> None:
    """Note how an embed led to a post, or did not; `state` where no post decides it."""
    ref = resolution.ref
    db.execute(
        "UPDATE embed SET post = ?, resolution = ?, state = coalesce(?, state), reason = coalesce(?, reason) "
        "WHERE id = ?",
        (ref and ref.id, packed(resolution), state and state.value, reason and reason.value, embed),
    )


def set_verdict(db: sqlite3.Connection, embed: str, verdict: Any) -> None:
    db.execute("UPDATE embed SET verdict = ? WHERE id = ?", (packed(verdict), embed))


def embeds_of(db: sqlite3.Connection, ref: PostRef) -> list[str]:
    """Ids of the embeds that show this post, oldest article first."""
    return [
        row[0]
        for row in db.execute(
            "SELECT id FROM embed WHERE platform = ? AND post = ? ORDER BY id", (ref.platform, ref.id)
        )
    ]


# --- posts ----------------------------------------------------------------------------------------------------------


def add_post(db: sqlite3.Connection, ref: PostRef, url: str, posted_at: dt.datetime | None, depth: int = 0) -> None:
    """Know of a post, whatever becomes of it. `depth` 0: an article shows it; 1: such a post quotes or answers it."""
    db.execute(
        "INSERT INTO post (platform, id, url, posted_at, state, reason, depth) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (platform, id) DO UPDATE SET depth = min(depth, excluded.depth)",
        (
            ref.platform, ref.id, url, posted_at and timestamp(posted_at), State.PENDING.value,
            Reason.NOT_TRIED.value, depth,
        ),
    )  # fmt: skip


def depth_of(db: sqlite3.Connection, ref: PostRef) -> int:
    row = db.execute("SELECT depth FROM post WHERE platform = ? AND id = ?", (ref.platform, ref.id)).fetchone()
    return int(row[0]) if row else 0


def is_unknown(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether nothing was ever heard of this post."""
    return not db.execute("SELECT 1 FROM post WHERE platform = ? AND id = ?", (ref.platform, ref.id)).fetchone()


_OWN = f"platform = ? AND post = ? AND instr(source, '{IMPORTED_BY}') = 0"


def is_untried(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether nobody here ever asked for this post, nor is about to: it is new, or others handed it in."""
    key = (ref.platform, ref.id)
    row = db.execute("SELECT state FROM post WHERE platform = ? AND id = ?", key).fetchone()
    if row is None:
        return True
    if row[0] == State.UNSUPPORTED.value:
        return False
    is_due = db.execute("SELECT 1 FROM due WHERE kind = 'post' AND key = ?", (str(ref),)).fetchone()
    return not is_due and not db.execute(f"SELECT 1 FROM attempt WHERE {_OWN} LIMIT 1", key).fetchone()  # noqa: S608


def was_seen(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether a source that was asked from here has shown this post."""
    key = (ref.platform, ref.id)
    return db.execute(f"SELECT 1 FROM snapshot WHERE {_OWN} LIMIT 1", key).fetchone() is not None  # noqa: S608


def live_of(db: sqlite3.Connection, ref: PostRef) -> tuple[Outcome, Reason, dt.datetime] | None:
    """What the platform itself said last of a post, as it was settled last, and when."""
    row = db.execute(
        "SELECT live, live_reason, live_at FROM post WHERE platform = ? AND id = ? AND live IS NOT NULL",
        (ref.platform, ref.id),
    ).fetchone()
    return (Outcome(row[0]), Reason(row[1]), moment(row[2])) if row else None


def locations_of(db: sqlite3.Connection, ref: PostRef, most: int) -> list[str]:
    """Where the articles stand that show a post."""
    rows = db.execute(
        "SELECT DISTINCT location FROM embed JOIN article ON article.id = embed.article "
        "WHERE platform = ? AND post = ? ORDER BY location LIMIT ?",
        (ref.platform, ref.id, most),
    )
    return [row[0] for row in rows]


def claim_for(db: sqlite3.Connection, ref: PostRef) -> Claim:
    """The fullest claim any article makes about a post: a web archive files under the handle of the time."""
    row = db.execute(
        "SELECT handle, name, date, text FROM embed WHERE platform = ? AND post = ? "
        "ORDER BY handle IS NULL, text IS NULL, id LIMIT 1",
        (ref.platform, ref.id),
    ).fetchone()
    if row is None:
        return Claim()
    return Claim(row[0], row[1], dt.date.fromisoformat(row[2]) if row[2] else None, row[3])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one source: a PROV Activity. `captures` are ids, in the order they were made."""

    source: str
    rank: Rank
    outcome: str
    reason: str
    tombstone: str | None
    detail: str | None
    captures: tuple[str, ...]
    started_at: dt.datetime
    ended_at: dt.datetime


def add_attempt(db: sqlite3.Connection, ref: PostRef, attempt: Attempt, run: str) -> None:
    id = name_of("attempt", ref, attempt.source, timestamp(attempt.started_at), *attempt.captures)
    db.execute(
        "INSERT OR IGNORE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id, ref.platform, ref.id, attempt.source, attempt.rank.value, attempt.outcome, attempt.reason,
            attempt.tombstone, attempt.detail, packed(attempt.captures), timestamp(attempt.started_at),
            timestamp(attempt.ended_at), run,
        ),
    )  # fmt: skip


def attempts(db: sqlite3.Connection, ref: PostRef) -> list[sqlite3.Row]:
    """(source, rank, outcome, reason, started_at) of every try, oldest first."""
    return db.execute(
        "SELECT source, rank, outcome, reason, started_at FROM attempt WHERE platform = ? AND post = ? "
        "ORDER BY started_at, rowid",
        (ref.platform, ref.id),
    ).fetchall()


def add_snapshot(
    db: sqlite3.Connection,
    post: Post,
    source: str,
    rank: Rank,
    capture: Capture,
    observed_at: dt.datetime,
) -> str:
    """One post at one time, with a row for each of its media, not fetched yet unless this archive has them."""
    ref = post.ref
    id = name_of("snapshot", ref, source, capture.id)
    if db.execute("SELECT 1 FROM snapshot WHERE id = ?", (id,)).fetchone():
        return id
    db.execute(
        "INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id, ref.platform, ref.id, source, rank.value, capture.id, timestamp(capture.started_at),
            timestamp(observed_at), packed(post),
        ),
    )  # fmt: skip
    posters = [
        Media(POSTER, f"{media.key}.poster", (media.poster,), width=media.width, height=media.height)
        for media in post.media
        if media.poster
    ]
    for media in (*post.media, *posters):
        db.execute(
            "INSERT OR IGNORE INTO media (snapshot, key, kind, reason, shown) VALUES (?, ?, ?, ?, ?)",
            (id, media.key, media.kind, Reason.NOT_TRIED.value, packed(media)),
        )
    for link in post.links:
        code = code_of(link.url)
        if code:
            db.execute(
                "INSERT OR IGNORE INTO code (code, platform, post) VALUES (?, ?, ?)", (code, ref.platform, ref.id)
            )
    return id


def code_of(url: str) -> str | None:
    """The code of a t.co link, in its exact case."""
    head, _, code = url.partition("//t.co/")
    return code if head in ("https:", "http:") and code.isalnum() else None


#: Which snapshot stands for a post: the nearest to its author, then the fullest, then the first taken.
_BEST = (
    "SELECT id, shown FROM snapshot WHERE platform = ? AND post = ? "
    "ORDER BY CASE rank WHEN 'first-hand' THEN 0 WHEN 'third-party' THEN 1 ELSE 2 END, "
    "json_array_length(shown, '$.media') DESC, length(json_extract(shown, '$.text')) DESC, taken_at LIMIT 1"
)


def settle_post(
    db: sqlite3.Connection,
    ref: PostRef,
    state: State,
    reason: Reason,
    live: tuple[str, str, str] | None,
    best: Best | None = None,
    *,
    is_said_anew: bool = True,
) -> None:
    """Write the verdict on a post, and on every embed that shows it; *best* is what `best_snapshot` gives, where the
    caller has it already. Unless something was *said anew*, the post's words are as they were."""
    best = best or (best_snapshot(db, ref) if is_said_anew else None)
    if best:
        shown = best.shown
        author = shown["author"]
        db.execute(
            "UPDATE post SET snapshot = ?, handle = ?, author = ?, name = ?, text = ?, "
            "posted_at = coalesce(?, posted_at), url = coalesce(?, url) WHERE platform = ? AND id = ?",
            (
                best.id, author["handle"], author["id"], author["name"], shown["text"], shown["created_at"],
                shown["url"], ref.platform, ref.id,
            ),
        )  # fmt: skip
        db.execute(
            "INSERT INTO wording (platform, post, text, who) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (platform, post) DO UPDATE SET text = excluded.text, who = excluded.who "
            "WHERE text IS NOT excluded.text OR who IS NOT excluded.who",  # what is the same need not be indexed anew
            (ref.platform, ref.id, shown["text"], " ".join(filter(None, (author["handle"], author["name"])))),
        )
    db.execute(
        "UPDATE post SET state = ?, reason = ?, live = coalesce(?, live), live_reason = coalesce(?, live_reason), "
        "live_at = coalesce(?, live_at) WHERE platform = ? AND id = ?",
        (state.value, reason.value, *(live or (None, None, None)), ref.platform, ref.id),
    )
    db.execute(
        "UPDATE embed SET state = ?, reason = ? WHERE platform = ? AND post = ?",
        (state.value, reason.value, ref.platform, ref.id),
    )


def is_shown(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether the archive has a snapshot of this post, whoever showed it."""
    key = (ref.platform, ref.id)
    return db.execute("SELECT 1 FROM snapshot WHERE platform = ? AND post = ? LIMIT 1", key).fetchone() is not None


def first_seen(db: sqlite3.Connection, ref: PostRef) -> dt.datetime | None:
    """When a source that was asked from here first showed this post."""
    row = db.execute(f"SELECT min(taken_at) FROM snapshot WHERE {_OWN}", (ref.platform, ref.id)).fetchone()  # noqa: S608
    return moment(row[0]) if row[0] else None


def has_changed(db: sqlite3.Connection, ref: PostRef) -> bool:
    """Whether a post's words or media are other ones in its newest snapshot than in the one before from that source."""
    media = "(SELECT group_concat(json_extract(value, '$.key')) FROM json_each(shown, '$.media'))"
    rows = db.execute(
        f"SELECT source, json_extract(shown, '$.text'), {media} FROM snapshot WHERE {_OWN} "  # noqa: S608 - literals
        "ORDER BY taken_at DESC LIMIT 20",
        (ref.platform, ref.id),
    ).fetchall()
    before = next((row for row in rows[1:] if row[0] == rows[0][0]), None)
    return before is not None and tuple(before) != tuple(rows[0])


@dataclass(frozen=True, slots=True)
class Best:
    """The snapshot that stands for a post: its id, and the post as it shows it, JSON-ready."""

    id: str
    shown: dict[str, Any]


def best_snapshot(db: sqlite3.Connection, ref: PostRef) -> Best | None:
    best = db.execute(_BEST, (ref.platform, ref.id)).fetchone()
    return Best(best[0], json.loads(best[1])) if best else None


# --- media ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptMedia:
    """One distinct picture or film of a post, whichever snapshots show it; `sha256` None while it is not kept."""

    key: str
    kind: str
    sha256: str | None
    reason: Reason


def media_of(db: sqlite3.Connection, ref: PostRef) -> list[KeptMedia]:
    """A post's media, each once."""
    rows = db.execute(
        "SELECT key, min(media.kind), max(sha256), min(media.reason) FROM media "
        "JOIN snapshot ON snapshot.id = media.snapshot WHERE platform = ? AND post = ? GROUP BY key ORDER BY key",
        (ref.platform, ref.id),
    )
    return [KeptMedia(row[0], row[1], row[2], Reason.OK if row[2] else Reason(row[3])) for row in rows]


def media_shown(db: sqlite3.Connection, ref: PostRef, key: str) -> tuple[Media, ...]:
    """Every distinct description of one of a post's media, nearest to the author first: where to fetch it from."""
    rows = db.execute(
        "SELECT DISTINCT media.shown FROM media JOIN snapshot ON snapshot.id = media.snapshot WHERE platform = ? "
        "AND post = ? AND key = ? ORDER BY CASE rank WHEN 'first-hand' THEN 0 WHEN 'third-party' THEN 1 ELSE 2 END",
        (ref.platform, ref.id, key),
    )
    return tuple(media_from(json.loads(row[0])) for row in rows)


def set_media(
    db: sqlite3.Connection,
    ref: PostRef,
    key: str,
    *,
    reason: Reason,
    capture: Capture | None = None,
    type: str | None = None,
    width: int | None = None,
    height: int | None = None,
    film: Body | None = None,
) -> None:
    """Note what became of one of a post's media, in every snapshot that shows it; *film* where the capture is only the
    playlist of its pieces."""
    kept = (film or (capture and capture.payload)) if reason is Reason.OK else None
    # The plus keeps SQLite from looking among all media that have no bytes, of which every look at a post adds some.
    db.execute(
        "UPDATE media SET reason = ?, url = ?, capture = ?, sha256 = ?, size = ?, declared_type = ?, type = ?, "
        "width = ?, height = ? WHERE key = ? AND +sha256 IS NULL AND snapshot IN "
        "(SELECT id FROM snapshot WHERE platform = ? AND post = ?)",
        (
            reason.value, capture and capture.url, capture and capture.id, kept and kept.sha256,
            kept and kept.size, capture and capture.header("content-type"), type, width, height, key,
            ref.platform, ref.id,
        ),
    )  # fmt: skip


def add_sound(db: sqlite3.Connection, ref: PostRef, key: str, playlist: Capture, sound: Body, type: str | None) -> None:
    """Keep the sound of a film of a post, where it is served apart, as one more of its media, beside the film in every
    snapshot that shows it; *playlist* is that of its pieces."""
    media = Media("audio", f"{key}.sound", (playlist.url,))
    db.execute(
        "INSERT OR IGNORE INTO media (snapshot, key, kind, reason, shown) SELECT snapshot, ?, ?, ?, ? FROM media "
        "JOIN snapshot ON snapshot.id = media.snapshot WHERE platform = ? AND post = ? AND key = ?",
        (media.key, media.kind, Reason.NOT_TRIED.value, packed(media), ref.platform, ref.id, key),
    )
    set_media(db, ref, media.key, reason=Reason.OK, capture=playlist, type=type, film=sound)


def has_picture(db: sqlite3.Connection, sha256: str) -> bool:
    return db.execute("SELECT 1 FROM picture WHERE sha256 = ?", (sha256,)).fetchone() is not None


def has_credentials(db: sqlite3.Connection, sha256: str) -> bool:
    """Whether a file was looked into for a C2PA manifest, and the manifest read if there is one."""
    row = db.execute(
        "SELECT 1 FROM credential WHERE sha256 = ? AND coalesce(json_extract(said, '$.why'), '') NOT LIKE '%installed'",
        (sha256,),
    ).fetchone()
    return row is not None


def set_credentials(db: sqlite3.Connection, sha256: str, said: dict[str, Any] | None) -> None:
    """Keep what a file's C2PA manifest says; None where it carries none."""
    db.execute("INSERT OR REPLACE INTO credential VALUES (?, ?)", (sha256, None if said is None else packed(said)))


def add_picture(db: sqlite3.Connection, sha256: str, pdq: bytes | None) -> None:
    """Keep a picture's hash, by which it is found again; None where there is too little in it."""
    db.execute("INSERT OR REPLACE INTO picture (sha256, pdq) VALUES (?, ?)", (sha256, pdq))


def add_film(db: sqlite3.Connection, film: str, playlists: Sequence[str], pieces: Sequence[str]) -> None:
    """Keep what a film is made of: the ids of the captures whose payloads follow each other, counted from 0, and of
    the playlists that name them, counted from -1 down."""
    rows = [(film, -1 - at, id) for at, id in enumerate(playlists)] + [(film, at, id) for at, id in enumerate(pieces)]
    db.execute("DELETE FROM piece WHERE film = ?", (film,))
    db.executemany("INSERT INTO piece (film, seq, capture) VALUES (?, ?, ?)", rows)


def states(db: sqlite3.Connection, articles: Iterable[str] | None) -> dict[tuple[str, str], int]:
    """How many embeds are in each (state, reason): of those articles, or of the whole archive."""
    counted: dict[tuple[str, str], int] = {}
    if articles is None:
        for state, reason, count in db.execute("SELECT state, reason, count(*) FROM embed GROUP BY state, reason"):
            counted[state, reason] = count
        return counted
    for article in articles:
        rows = db.execute(
            "SELECT state, reason, count(*) FROM embed WHERE article = ? GROUP BY state, reason", (article,)
        )
        for state, reason, count in rows:
            counted[state, reason] = counted.get((state, reason), 0) + count
    return counted
