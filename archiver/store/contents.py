"""What an export reads, out of an archive: `exports.Contents` over one read-only connection."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from archiver import __version__
from archiver.exports import Held, Signer
from archiver.ledger import proof
from archiver.ledger.keys import PublicKey, parse_vkey
from archiver.model import Capture
from archiver.store import facts, log, search


@dataclass(frozen=True, slots=True)
class Selection:
    """Which posts and embeds: those that meet every criterion given; empty means no criterion.

    `posts` are (platform, id); `articles` a location as archived, or a path; `since` and `until` (both included, UTC)
    bound the day of the post, or of the article's claim where the post states none; `verdicts` are overall verdicts of
    an embed (`corroborate.Verdict`). A post meets a criterion about articles if one of its embeds does.
    """

    posts: tuple[search.Ref, ...] = ()
    articles: tuple[str, ...] = ()
    since: dt.date | None = None
    until: dt.date | None = None
    platforms: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The criteria that were given, sorted."""
        given = {
            "posts": sorted(f"{platform}:{id}" for platform, id in self.posts),
            "articles": sorted(self.articles),
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "platforms": sorted(self.platforms),
            "verdicts": sorted(self.verdicts),
        }
        return {name: value for name, value in given.items() if value}


#: Each selection's temporary tables have names of their own, so that two exports can share a connection.
_numbers = itertools.count(1)

# Where a post is chosen, its embeds are those that meet the criteria of embeds; an embed without a post is chosen by
# its own claim. `{p}` is the prefix of the temporary tables.
_CHOOSE = """
CREATE TEMP TABLE {p}_ref (platform TEXT, id TEXT, PRIMARY KEY (platform, id)) WITHOUT ROWID;
CREATE TEMP TABLE {p}_location (location TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE {p}_post (platform TEXT, id TEXT, PRIMARY KEY (platform, id)) WITHOUT ROWID;
CREATE TEMP TABLE {p}_embed (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE {p}_capture (seq INTEGER PRIMARY KEY, id TEXT UNIQUE);
"""

_CHOOSE_EMBEDS = """
INSERT INTO {p}_embed
SELECT embed.id FROM embed JOIN article ON article.id = embed.article
LEFT JOIN post ON post.platform = embed.platform AND post.id = embed.post
WHERE (:any_post OR EXISTS (SELECT 1 FROM {p}_ref r WHERE r.platform = embed.platform AND r.id = embed.post))
AND (:any_article OR article.location IN (SELECT location FROM {p}_location))
AND (:any_platform OR embed.platform IN (SELECT value FROM json_each(:platforms)))
AND (:any_verdict OR json_extract(embed.verdict, '$.overall') IN (SELECT value FROM json_each(:verdicts)))
AND (:since IS NULL OR coalesce(substr(post.posted_at, 1, 10), embed.date) >= :since)
AND (:until IS NULL OR coalesce(substr(post.posted_at, 1, 10), embed.date) <= :until)
"""

# Posts that no article shows (quoted ones) have no verdict and no article, and are chosen by the rest.
_CHOOSE_POSTS = """
INSERT INTO {p}_post
SELECT platform, id FROM post WHERE EXISTS (
  SELECT 1 FROM embed JOIN {p}_embed e ON e.id = embed.id WHERE embed.platform = post.platform AND embed.post = post.id
) OR (
  :any_article AND :any_verdict
  AND (:any_post OR EXISTS (SELECT 1 FROM {p}_ref r WHERE r.platform = post.platform AND r.id = post.id))
  AND (:any_platform OR platform IN (SELECT value FROM json_each(:platforms)))
  AND (:since IS NULL OR substr(posted_at, 1, 10) >= :since) AND (:until IS NULL OR substr(posted_at, 1, 10) <= :until)
)
"""

_CHOOSE_CAPTURES = """
WITH RECURSIVE direct(id) AS (
  SELECT article.capture FROM {p}_embed e JOIN embed ON embed.id = e.id JOIN article ON article.id = embed.article
  UNION SELECT article.capture FROM {p}_post p JOIN embed ON embed.platform = p.platform AND embed.post = p.id
    JOIN article ON article.id = embed.article
  UNION SELECT json_extract(step.value, '$.capture') FROM {p}_embed e JOIN embed ON embed.id = e.id,
    json_each(embed.resolution, '$.evidence') step
  UNION SELECT json_extract(step.value, '$.capture') FROM {p}_post p
    JOIN embed ON embed.platform = p.platform AND embed.post = p.id, json_each(embed.resolution, '$.evidence') step
  UNION SELECT one.value FROM {p}_post p JOIN attempt ON attempt.platform = p.platform AND attempt.post = p.id,
    json_each(attempt.captures) one
  UNION SELECT capture FROM {p}_post p JOIN snapshot ON snapshot.platform = p.platform AND snapshot.post = p.id
  UNION SELECT media.capture FROM {p}_post p JOIN snapshot ON snapshot.platform = p.platform AND snapshot.post = p.id
    JOIN media ON media.snapshot = snapshot.id
  UNION SELECT piece.capture FROM {p}_post p JOIN snapshot ON snapshot.platform = p.platform AND snapshot.post = p.id
    JOIN media ON media.snapshot = snapshot.id JOIN piece ON piece.film = media.sha256
), whole(id) AS (
  SELECT id FROM direct WHERE id IS NOT NULL
  UNION SELECT redirected_from FROM whole JOIN capture ON capture.id = whole.id WHERE redirected_from IS NOT NULL
)
INSERT OR IGNORE INTO {p}_capture SELECT capture.seq, capture.id FROM whole JOIN capture ON capture.id = whole.id
WHERE {whole}
"""

_EVERYTHING = """
CREATE TEMP VIEW {p}_post AS SELECT platform, id FROM main.post;
CREATE TEMP VIEW {p}_embed AS SELECT id FROM main.embed;
CREATE TEMP VIEW {p}_capture AS SELECT seq, id FROM main.capture WHERE {whole};
"""

# Events are ours, not the web's, and would make each export differ from the one before; what was erased has no bytes.
_NO_EVENT = "origin IS NOT NULL AND origin <> 'event'"
_GONE = "(SELECT name FROM erasure WHERE kind = 'blob')"
_WHOLE = f"{_NO_EVENT} AND body NOT IN {_GONE} AND payload NOT IN {_GONE} AND request_body NOT IN {_GONE}"


# By time and name, not by their place in this log: two archives with the same captures give the same bytes, whatever
# became of the one or the other on the way (a merge makes a log of its own).
_ORDER = """
CREATE TEMP TABLE {p}_order (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL, body TEXT);
INSERT INTO {p}_order (seq, id, body)
SELECT capture.seq, capture.id, CASE WHEN capture.status IS NOT NULL THEN capture.body END
FROM {p}_capture c JOIN capture ON capture.seq = c.seq ORDER BY capture.started_at, capture.id;
CREATE INDEX temp.{p}_order_by_body ON {p}_order(body, n);
"""


class StoredContents:
    """All posts, or the chosen ones, with all that belongs to them.

    Holds a read transaction until the connection is closed, so that one export is one state of an archive that may be
    written to meanwhile. What was chosen is kept in temporary tables (on disk where they are many), not in memory.
    """

    def __init__(
        self, db: sqlite3.Connection, selection: Selection | None = None, signer: Signer | None = None
    ) -> None:
        self._db, self._selection = db, selection or Selection()
        self.signer = signer
        self._in_order = False
        self._prefix = f"chosen{next(_numbers)}"
        if not db.in_transaction:
            db.execute("BEGIN")
        criteria = self._selection.as_json()
        self._whole = _WHOLE if db.execute("SELECT 1 FROM erasure LIMIT 1").fetchone() else _NO_EVENT
        if not criteria:
            self._run(_EVERYTHING)
            return
        self._run(_CHOOSE)
        db.executemany(f"INSERT OR IGNORE INTO {self._prefix}_ref VALUES (?, ?)", self._selection.posts)  # noqa: S608
        db.executemany(
            f"INSERT OR IGNORE INTO {self._prefix}_location VALUES (?)",  # noqa: S608 - our own name
            [(name,) for each in self._selection.articles for name in locations(each)],
        )
        values = {
            "any_post": not self._selection.posts,
            "any_article": not self._selection.articles,
            "any_platform": not self._selection.platforms,
            "any_verdict": not self._selection.verdicts,
            "platforms": json.dumps(self._selection.platforms),
            "verdicts": json.dumps(self._selection.verdicts),
            "since": criteria.get("since"),
            "until": criteria.get("until"),
        }
        for statement in (_CHOOSE_EMBEDS, _CHOOSE_POSTS, _CHOOSE_CAPTURES):
            db.execute(statement.replace("{p}", self._prefix).replace("{whole}", self._whole), values)

    def _run(self, script: str) -> None:
        # Not executescript, which would end the transaction first.
        for statement in script.replace("{p}", self._prefix).replace("{whole}", self._whole).split(";\n"):
            if statement.strip():
                self._db.execute(statement)

    def _rows(self, sql: str, *values: object) -> sqlite3.Cursor:
        """A cursor of its own: the caller asks other questions while it reads."""
        return self._db.cursor().execute(sql.replace("{p}", self._prefix), values)

    def about(self) -> dict[str, Any]:
        def count(name: str) -> int:
            return int(self._rows(f"SELECT count(*) FROM {{p}}_{name}").fetchone()[0])  # noqa: S608 - names below

        first, last = self._rows(
            "SELECT min(started_at), max(started_at) FROM {p}_capture c JOIN capture ON capture.seq = c.seq"
        ).fetchone()
        return {
            "software": f"archiver/{__version__}",
            "posts": count("post"),
            "embeds": count("embed"),
            "captures": count("capture"),
            "selection": self._selection.as_json(),
            "first_at": first,
            "last_at": last,
            "example": self._rows("SELECT 1 FROM setting WHERE name = 'example'").fetchone() is not None,
        }

    def posts(self) -> Iterator[dict[str, Any]]:
        for platform, id in self._rows("SELECT platform, id FROM {p}_post ORDER BY platform, id"):
            yield search.dossier(self._db, (platform, id))

    def post(self, platform: str, id: str) -> dict[str, Any]:
        return search.dossier(self._db, (platform, id))

    def embeds(self) -> Iterator[dict[str, Any]]:
        rows = self._rows(
            "SELECT embed.id FROM {p}_embed e JOIN embed ON embed.id = e.id JOIN article ON article.id = embed.article "
            "ORDER BY article.location, article.id, embed.seq"
        )
        for (id,) in rows:
            yield search.unresolved(self._db, id)

    def captures(self) -> Iterator[Held]:
        self._put_in_order()
        rows = self._rows(
            "SELECT o.n, capture.id, capture.record FROM {p}_order o JOIN capture ON capture.seq = o.seq ORDER BY o.n"
        )
        for place, id, record in rows:
            capture = facts.capture_from(self._db, record)
            yield Held(id, capture, self._same_as(place, capture))

    def _put_in_order(self) -> None:
        if not self._in_order:
            self._in_order = True
            self._run(_ORDER)

    def _same_as(self, place: int, capture: Capture) -> str | None:
        if capture.status is None or not capture.body.size:
            return None
        row = self._rows(
            "SELECT id FROM {p}_order WHERE body = ? AND n < ? ORDER BY n LIMIT 1", capture.body.sha256, place
        ).fetchone()
        return None if row is None else str(row[0])

    def capture(self, id: str) -> Capture:
        return facts.capture(self._db, id)

    def record(self, capture: str) -> dict[str, Any]:
        row = self._db.execute("SELECT record FROM capture WHERE id = ?", (capture,)).fetchone()
        record: dict[str, Any] = json.loads(row[0])
        return record

    def blob(self, sha256: str) -> BinaryIO:
        return facts.open_blob(self._db, sha256)

    def ledger(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        head = log.last_checkpoint(self._db)
        if head is None or not self._rows("SELECT 1 FROM {p}_capture WHERE seq <= ?", head.size).fetchone():
            return
        key = parse_vkey(head.vkey)
        stamps = log.stamps(self._db, head.size)
        yield "checkpoint.txt", iter([head.note])
        yield "key.vkey.txt", iter([f"{key.vkey}\n".encode()])
        for number, token in enumerate(stamps, 1):
            yield f"stamp-{number}.tsr", iter([token])
        yield "how-to-check.txt", iter([proof.how_to_check().encode()])
        yield "check.sh", iter([proof.check_script().encode()])
        yield "proofs.txt", self._proofs(head, key, stamps)

    def _proofs(self, head: log.Kept, key: PublicKey, stamps: list[bytes]) -> Iterator[bytes]:
        """Every proof in the form of one file, under a line that names its capture; all against one checkpoint."""
        tree = log.tree(self._db)
        self._put_in_order()
        rows = self._rows(
            "SELECT capture.seq, capture.id, capture.record FROM {p}_order o JOIN capture ON capture.seq = o.seq "
            "WHERE capture.seq <= ? ORDER BY o.n",
            head.size,
        )
        for seq, id, record in rows:
            shown = proof.prove(tree, seq - 1, record.encode(), head.note, key, stamps)
            yield f"== {id} ==\n{shown.as_json()}".encode()


def has_article(db: sqlite3.Connection, article: str) -> bool:
    """Whether an article is kept under this path or URL."""
    sql = "SELECT 1 FROM article WHERE location = ?"
    return any(db.execute(sql, (name,)).fetchone() for name in locations(article))


def has_platform(db: sqlite3.Connection, name: str) -> bool:
    """Whether an article shows a post of this network."""
    return db.execute("SELECT 1 FROM embed WHERE platform = ? LIMIT 1", (name,)).fetchone() is not None


def locations(article: str) -> tuple[str, ...]:
    """The names an article may be kept under: as it is given, and as the URL of the file it names."""
    if "\0" in article or "\n" in article:
        return (article,)
    return (article, Path(article).absolute().as_uri(), Path(os.path.realpath(article)).as_uri())
