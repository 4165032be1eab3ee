"""Rebuild every opinion from the facts, offline: what a better parser would have made of what was captured.

Each article's bytes are read again, and each look of the past is looked at again with exactly the captures it got
then. What was met with silence left no capture, so its row is the only witness and stays as it is. Nothing is asked
of anybody, and an archive that today's parsers read as before comes out unchanged.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver import hls, imported, picture, resolve, sniff
from archiver.archive import Job, Rules, posts
from archiver.credentials import credentials
from archiver.errors import ArchiverError, FetchError, NotRecorded, ParseError
from archiver.kept import Answers, find_media
from archiver.model import Body, Capture, Claim, Embed, Finding, Outcome, Post, PostRef, Reason, Request, timestamp
from archiver.platforms import Platform, Source, platforms
from archiver.store import Writer, facts, opinions, work

#: What is compared to say what changed: each table with what names a row of it.
_TABLES = (
    ("article", "id"),
    ("embed", "id"),
    ("attempt", "id"),
    ("snapshot", "id"),
    ("media", "snapshot || ' ' || key"),
    ("picture", "sha256"),
    ("credential", "sha256"),
    ("piece", "film || ' ' || seq"),
    ("post", "platform || ':' || id"),
    ("code", "code || ' ' || coalesce(embed, '') || ' ' || coalesce(platform || ':' || post, '')"),
    ("wording", "coalesce(embed, platform || ':' || post)"),
)
_FETCH_REASONS = {"unreachable", "timeout", "not-recorded", "rate-limited", "blocked", "address-refused", "too-large"}
_UNREADABLE = Finding(Outcome.UNREADABLE, Reason.UNREADABLE)
_WINDOW = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of opinion that is another one now: `what` happened is added, removed or changed."""

    table: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Reread:
    """What became of it. `kept` are looks whose answers are not all here, left as they were."""

    articles: int
    attempts: int
    changes: tuple[Change, ...]
    kept: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many rows of each table were added, removed, changed."""
        counted: dict[str, int] = {}
        for each in self.changes:
            counted[f"{each.table} {each.what}"] = counted.get(f"{each.table} {each.what}", 0) + 1
        return dict(sorted(counted.items()))


def reread(
    writer: Writer,
    rules: Rules,
    *,
    now: Callable[[], dt.datetime],
    extract: Callable[..., Sequence[Embed]],
    text_of: Callable[..., str],
) -> Reread:
    """Do it, in one transaction."""
    job = offline(writer, rules, now=now, extract=extract, text_of=text_of)
    with writer.transaction() as db:
        return _Reading(db, job, rules, now, extract).all()


def offline(
    writer: Writer,
    rules: Rules,
    *,
    now: Callable[[], dt.datetime],
    extract: Callable[..., Sequence[Embed]],
    text_of: Callable[..., str],
) -> Job:
    """A job that asks nobody: to judge what is kept."""
    return Job(
        writer, _Nobody(), rules, now=now, extract=extract, text_of=text_of, retry_after=lambda capture, at: None
    )


class _Nobody:
    """A web that is never asked."""

    async def fetch(self, request: Request) -> tuple[Capture, ...]:
        raise NotRecorded(f"{request.url}: rereading asks nobody")

    def line(self, url: str) -> str:
        return ""

    def room(self, url: str) -> tuple[int, float]:
        return 1, 0.0

    def space(self, url: str, seconds: float) -> None:
        pass

    def remember(self, url: str, seconds_ago: float) -> None:
        pass


class _Reading:
    def __init__(
        self,
        db: sqlite3.Connection,
        job: Job,
        rules: Rules,
        now: Callable[[], dt.datetime],
        extract: Callable[..., Sequence[Embed]],
    ) -> None:
        self._db, self._job, self._rules, self._now, self._extract = db, job, rules, now, extract
        self._platforms: Mapping[str, Platform] = platforms()
        self._kept: list[str] = []
        self._new: set[str] = set()
        #: The post that an embed names by itself, before any look-up.
        self._refs: dict[str, PostRef | None] = {}
        #: What was known of the media of posts whose snapshots are replaced, by key.
        self._media_of: dict[PostRef, dict[str, tuple[Any, ...]]] = {}

    def all(self) -> Reread:
        before = self._rows()
        articles = self._articles()
        self._resolutions()
        attempts = self._attempts()
        self._media()
        self._pictures()
        self._credentials()
        self._posts()
        self._index()
        changes = tuple(_changes(before, self._rows()))
        return Reread(articles, attempts, changes, tuple(self._kept))

    def _rows(self) -> dict[tuple[str, str], bytes]:
        """A digest of every row of opinion."""
        found = {}
        for table, name in _TABLES:
            for row in self._db.execute(f"SELECT {name}, * FROM {table}"):  # noqa: S608 - literals of this module
                # wording's rowid is a number of ours, not an opinion.
                values = tuple(row)[2:] if table == "wording" else tuple(row)[1:]
                found[table, str(row[0])] = hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).digest()
        return found

    # --- articles ---------------------------------------------------------------------------------------------------

    def _articles(self) -> int:
        rows = self._db.execute("SELECT id, location, capture, media_type, charset FROM article ORDER BY id").fetchall()
        for id, location, capture, media_type, charset in rows:
            try:
                content = facts.capture(self._db, capture).content
                embeds = self._extract(content, media_type=media_type, charset=charset, location=location)
            except ArchiverError as error:
                self._kept.append(f"article {location}: {error}")
                continue
            for seq, embed in enumerate(embeds):
                self._refs[opinions.name_of("embed", id, seq)] = embed.ref
            self._renew(id, embeds)
        return len(rows)

    def _renew(self, article: str, embeds: Sequence[Embed]) -> None:
        """Replace an article's embeds if they are others than those kept; what is still there keeps its post."""
        sql = f"SELECT {', '.join((*_NAME, *_CLAIM, *_PLACE, *_POST))} FROM embed WHERE article = ? ORDER BY seq"  # noqa: S608 - literals
        old = [tuple(row) for row in self._db.execute(sql, (article,))]
        self._db.execute("SAVEPOINT embeds")
        self._forget_embeds(article)
        for seq, embed in enumerate(embeds):
            opinions.add_embed(self._db, article, seq, embed)
        new = [tuple(row) for row in self._db.execute(sql, (article,))]
        if [row[:_FOUND] for row in new] == [row[:_FOUND] for row in old]:
            self._db.execute("ROLLBACK TO embeds")
            self._db.execute("RELEASE embeds")
            return
        left = list(old)
        for row in new:
            same = next((each for each in left if each[_SAID:_FOUND] == row[_SAID:_FOUND]), None) or next(
                (each for each in left if each[_SAID:_WHERE] == row[_SAID:_WHERE]), None
            )
            if same is None:
                self._new.add(row[0])
                work.mark_due(self._db, "embed", row[0], self._now())
                continue
            left.remove(same)
            self._db.execute(
                "UPDATE embed SET post = ?, state = ?, reason = ?, resolution = ?, verdict = ? WHERE id = ?",
                (*same[_FOUND:], row[0]),
            )
        here = {row[0] for row in new}
        for row in old:
            if row[0] not in here:
                work.done(self._db, "embed", row[0])
        self._db.execute("RELEASE embeds")

    def _forget_embeds(self, article: str) -> None:
        for table in ("code", "wording"):
            self._db.execute(
                f"DELETE FROM {table} WHERE embed IN (SELECT id FROM embed WHERE article = ?)",  # noqa: S608 - literals
                (article,),
            )
        self._db.execute("DELETE FROM embed WHERE article = ?", (article,))

    # --- which post -------------------------------------------------------------------------------------------------

    def _resolutions(self) -> None:
        for id, kept in self._db.execute("SELECT id, resolution FROM embed ORDER BY id").fetchall():
            if kept is None and id not in self._new:
                continue  # not tried yet: the next run does
            if id not in self._refs:
                continue  # its article could not be read again
            evidence = json.loads(kept)["evidence"] if kept else []
            own = dict.fromkeys(step["capture"] for step in evidence if step["capture"])
            embed = opinions.embed(self._db, id).embed
            try:
                answers = Answers(self._db, own, (_FIRST, _LAST))
                silence = NotRecorded("it was not captured")
                resolution = answers.drive(resolve.resolve(embed, self._platforms), silence)
            except (FetchError, ParseError) as error:
                resolution = resolve.failed(error)
            except ArchiverError:
                self._kept.append(f"embed {id}: the bytes of an answer that led to its post were erased")
                continue
            if answers.silences and opinions.packed(resolution) != kept:
                if kept is not None:
                    self._kept.append(f"embed {id}: not every answer that led to its post is kept")
                continue
            if resolution.ref is None:
                state = resolve.unresolved_state(resolution)
                opinions.set_resolution(self._db, id, resolution, state, resolution.reason)
            else:
                opinions.set_resolution(self._db, id, resolution)
                work.done(self._db, "embed", id)
                posts.know(self._job, self._db, resolution.ref, 0, self._now())

    # --- looks at posts ---------------------------------------------------------------------------------------------

    def _attempts(self) -> int:
        rows = self._db.execute(
            "SELECT rowid, id, platform, post, source, outcome, reason, tombstone, detail, captures, started_at, "
            "ended_at FROM attempt ORDER BY started_at, rowid"
        ).fetchall()
        wanted: dict[str, tuple[Post, Source, Capture, dt.datetime, int]] = {}
        witnessed: set[tuple[str, str]] = set()
        for row in rows:
            rowid, _, platform, id, name, outcome, reason, tombstone, detail, captures, started_at, ended_at = row
            ref, own = PostRef(platform, id), json.loads(captures)
            source = self._source(platform, name, own)
            seen = self._look(ref, source, own, reason, detail, (started_at, ended_at)) if source and own else None
            if seen is None:
                witnessed.update((name, capture) for capture in own)
                continue
            finding, said, answers = seen
            now_says = (finding.outcome.value, finding.reason.value, finding.tombstone)
            if now_says != (outcome, reason, tombstone):
                if answers.silences:
                    witnessed.update((name, capture) for capture in own)
                    self._kept.append(f"look at {ref} by {name} at {started_at}: not every answer is kept")
                    continue
                self._db.execute(
                    "UPDATE attempt SET outcome = ?, reason = ?, tombstone = ?, detail = ? WHERE rowid = ?",
                    (*now_says, said, rowid),
                )
            elif said != detail and not answers.silences:
                self._db.execute("UPDATE attempt SET detail = ? WHERE rowid = ?", (said, rowid))
            if finding.outcome is Outcome.FOUND and finding.post is not None and answers.given:
                assert source is not None
                last = answers.given[-1]
                observed_at = finding.observed_at or last.started_at
                depth = opinions.depth_of(self._db, ref)
                also = finding.also if depth < self._rules.context_depth else ()
                for post, at_depth in ((finding.post, depth), *((each, depth + 1) for each in also)):
                    key = opinions.name_of("snapshot", post.ref, source.name, last.id)
                    wanted.setdefault(key, (post, source, last, observed_at, at_depth))
        self._snapshots(wanted, witnessed)
        return len(rows)

    def _source(self, platform: str, name: str, own: list[str]) -> Source | None:
        found = self._platforms.get(platform)
        if imported.is_imported(name):
            try:
                return imported.source(found, name, [facts.capture(self._db, each) for each in own])
            except ArchiverError:
                return None  # a capture that was erased
        return next((each for each in found.sources() if each.name == name), None) if found else None

    def _look(
        self, ref: PostRef, source: Source, own: list[str], reason: str, detail: str | None, times: tuple[str, str]
    ) -> tuple[Finding, str | None, Answers] | None:
        """One look again: what it finds now, in which words it fails, and what it was answered."""
        around = (dt.datetime.fromisoformat(times[0]) - _WINDOW, dt.datetime.fromisoformat(times[1]) + _WINDOW)
        silence = FetchError(
            detail or "it was not captured", reason=reason if reason in _FETCH_REASONS else "unreachable"
        )
        best: tuple[Finding, str | None, Answers] | None = None
        # What articles said of it then may be less than what they say now, and a source may ask by that.
        for claim in self._claims(ref):
            said = None
            try:
                answers = Answers(self._db, own, around)
            except ArchiverError:
                return None  # a capture that was erased
            try:
                finding = answers.drive(source.look(ref, claim), silence)
            except FetchError as error:
                finding, said = resolve.finding_of(error), str(error)
            except ParseError as error:
                finding, said = _UNREADABLE, str(error)
            except ArchiverError:
                return None  # the bytes of an answer were erased
            except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
                finding, said = _UNREADABLE, f"{type(error).__name__}: {error}"
            if best is None or answers.silences < best[2].silences:
                best = (finding, said, answers)
            if not answers.silences or detail is not None:
                break
        return best

    def _claims(self, ref: PostRef) -> Iterable[Claim]:
        claims = dict.fromkeys([opinions.claim_for(self._db, ref)])
        for embed in opinions.embeds_of(self._db, ref):
            claim = opinions.embed(self._db, embed).embed.claim
            claims.setdefault(Claim(claim.handle, claim.name, claim.date, claim.text))
        claims.setdefault(Claim())
        return claims

    def _snapshots(
        self, wanted: dict[str, tuple[Post, Source, Capture, dt.datetime, int]], witnessed: set[tuple[str, str]]
    ) -> None:
        rows = self._db.execute(
            "SELECT id, platform, post, source, capture, observed_at, shown FROM snapshot"
        ).fetchall()
        for id, platform, post, source, capture, observed_at, shown in rows:
            if id not in wanted:
                if (source, capture) in witnessed:
                    continue
            else:
                new, _, _, at, _ = wanted[id]
                if (opinions.packed(new), timestamp(at)) == (shown, observed_at):
                    del wanted[id]
                    continue
            self._remember_media(PostRef(platform, post))
            self._db.execute("DELETE FROM media WHERE snapshot = ?", (id,))
            self._db.execute("DELETE FROM snapshot WHERE id = ?", (id,))
        for new, source, capture, at, depth in wanted.values():
            self._remember_media(new.ref)
            posts.take_snapshot(self._job, self._db, new, source, capture, at, depth)

    # --- media ------------------------------------------------------------------------------------------------------

    def _remember_media(self, ref: PostRef) -> None:
        """Note what is known of a post's media before its snapshots are replaced."""
        if ref in self._media_of:
            return
        rows = self._db.execute(
            "SELECT key, reason, media.capture, type, width, height FROM media JOIN snapshot "
            "ON snapshot.id = media.snapshot WHERE platform = ? AND post = ? ORDER BY media.sha256 IS NULL",
            (ref.platform, ref.id),
        ).fetchall()
        self._media_of[ref] = {}
        for row in rows:
            self._media_of[ref].setdefault(row[0], tuple(row)[1:])

    def _media(self) -> None:
        for ref, known in self._media_of.items():
            for media in opinions.media_of(self._db, ref):
                reason, capture, type, width, height = known.get(media.key, (None,) * 5)
                if reason is None:
                    find_media(self._db, ref, media.key)
                elif reason != Reason.NOT_TRIED.value:
                    opinions.set_media(
                        self._db, ref, media.key, reason=Reason(reason), type=type, width=width, height=height,
                        capture=facts.capture(self._db, capture) if capture else None,
                    )  # fmt: skip
            posts.want_media(self._job, self._db, ref, self._now())
        rows = self._db.execute(
            "SELECT rowid, kind, reason, capture, type, width, height FROM media WHERE capture IS NOT NULL"
        ).fetchall()
        for rowid, kind, reason, id, *shape in rows:
            try:
                capture = facts.capture(self._db, id)
                look = sniff.sniff(capture.payload)
            except ArchiverError:
                continue  # erased
            if hls.is_playlist(capture.payload):
                self._film(rowid, capture, is_sound=kind == "audio")
                continue
            # A file that somebody handed in was asked of nobody, and has no status.
            is_kept = capture.status in (200, None) and not capture.truncated and look.is_media
            if is_kept == (reason == Reason.OK.value) and (
                not is_kept or shape == [look.type, look.width, look.height]
            ):
                continue
            if is_kept:
                self._db.execute(
                    "UPDATE media SET reason = 'ok', sha256 = ?, size = ?, type = ?, width = ?, height = ? "
                    "WHERE rowid = ?",
                    (capture.payload.sha256, capture.payload.size, look.type, look.width, look.height, rowid),
                )
            else:
                self._db.execute(
                    "UPDATE media SET reason = ?, sha256 = NULL, size = NULL, type = NULL, width = NULL, height = NULL "
                    "WHERE rowid = ?",
                    (Reason.UNREADABLE.value, rowid),
                )

    def _film(self, rowid: int, playlist: Capture, *, is_sound: bool) -> None:
        """A film put together again from the segments its playlist leads to; left as it is where one is not kept."""
        answers = Answers(self._db, (), (playlist.started_at, playlist.started_at + hls.MAX_TIME))
        found = answers.drive(hls.film(playlist, is_sound=is_sound), NotRecorded("it was not captured"))
        if not isinstance(found, hls.Film):
            return
        whole = hls.joined(found.pieces)
        look = sniff.sniff(whole)
        if not look.is_media:
            return
        self._keep(whole, found)
        self._db.execute(
            "UPDATE media SET reason = 'ok', sha256 = ?, size = ?, type = ?, width = ?, height = ? WHERE rowid = ?",
            (whole.sha256, whole.size, look.type, look.width, look.height, rowid),
        )
        if found.sound is not None:
            heard = hls.joined(found.sound.pieces)
            platform, post, key = self._db.execute(
                "SELECT platform, post, key FROM media JOIN snapshot ON snapshot.id = media.snapshot "
                "WHERE media.rowid = ?",
                (rowid,),
            ).fetchone()
            type = sniff.sniff(heard).type
            opinions.add_sound(self._db, PostRef(platform, post), key, found.sound.playlists[-1], heard, type)
            self._keep(heard, found.sound)

    def _keep(self, whole: Body, film: hls.Film) -> None:
        opinions.add_film(
            self._db, whole.sha256, [each.id for each in film.playlists], [each.id for each in film.pieces]
        )

    def _pictures(self) -> None:
        """Hashes of pictures that have none yet; of what is no picture of any post any more there is none."""
        self._db.execute("DELETE FROM picture WHERE sha256 NOT IN (SELECT sha256 FROM media WHERE sha256 IS NOT NULL)")
        rows = self._db.execute(
            "SELECT DISTINCT sha256, size FROM media WHERE type LIKE 'image/%' AND sha256 IS NOT NULL "
            "AND sha256 NOT IN (SELECT sha256 FROM picture)"
        ).fetchall()
        for sha256, size in rows:
            seen = picture.likeness(facts.body(self._db, sha256, size))
            opinions.add_picture(self._db, sha256, seen.pdq if seen else None)

    def _credentials(self) -> None:
        """C2PA manifests that nobody has read yet, or that could not be read without the optional library."""
        rows = self._db.execute(
            "SELECT DISTINCT sha256, size, type FROM media WHERE capture IS NOT NULL AND sha256 IS NOT NULL "
            "AND sha256 NOT IN (SELECT film FROM piece)"
        ).fetchall()
        for sha256, size, type in rows:
            if not opinions.has_credentials(self._db, sha256):
                try:
                    said = credentials(facts.body(self._db, sha256, size), type)
                except ArchiverError:
                    continue  # erased
                if said is None or said != self._said(sha256):
                    opinions.set_credentials(self._db, sha256, said)

    def _said(self, sha256: str) -> Any:
        row = self._db.execute("SELECT said FROM credential WHERE sha256 = ?", (sha256,)).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    # --- posts and words --------------------------------------------------------------------------------------------

    def _posts(self) -> None:
        for platform, id in self._db.execute("SELECT platform, id FROM post ORDER BY platform, id").fetchall():
            ref = PostRef(platform, id)
            has_snapshot = opinions.best_snapshot(self._db, ref) is not None
            if not has_snapshot:
                self._db.execute(
                    "UPDATE post SET snapshot = NULL, handle = NULL, author = NULL, name = NULL, text = NULL "
                    "WHERE platform = ? AND id = ? AND snapshot IS NOT NULL",
                    (platform, id),
                )
                self._db.execute("DELETE FROM wording WHERE platform = ? AND post = ?", (platform, id))
            if has_snapshot or opinions.attempts(self._db, ref):
                posts.settle(self._job, self._db, ref)

    def _index(self) -> None:
        """The codes and the word index are made anew from what was kept."""
        self._db.execute("DELETE FROM code")
        for id, codes in self._db.execute("SELECT id, codes FROM embed ORDER BY id").fetchall():
            for code in json.loads(codes):
                self._db.execute("INSERT OR IGNORE INTO code (code, embed) VALUES (?, ?)", (code, id))
        rows = self._db.execute("SELECT platform, post, shown FROM snapshot ORDER BY taken_at, id").fetchall()
        for platform, post, shown in rows:
            for link in json.loads(shown)["links"]:
                found = opinions.code_of(link["url"])
                if found:
                    self._db.execute(
                        "INSERT OR IGNORE INTO code (code, platform, post) SELECT ?1, ?2, ?3 WHERE NOT EXISTS "
                        "(SELECT 1 FROM code WHERE code = ?1 AND platform = ?2 AND post = ?3)",
                        (found, platform, post),
                    )
        for code, ref in imported.leads(self._db):
            imported.add_code(self._db, code, ref)
        self._db.execute("INSERT INTO wording_fts(wording_fts) VALUES ('rebuild')")


#: The columns of `embed`: its name, what the article says of the post, where it stands there, and the post found.
_NAME = ("id", "article", "seq")
_CLAIM = ("platform", "kind", "url", "said", "handle", "name", "date", "text", "codes", "pic_codes", "context", "cid")
_PLACE = ("found_in", "in_body", "start", '"end"', "text_spans", "selectors")
_POST = ("post", "state", "reason", "resolution", "verdict")
_SAID = len(_NAME)
_WHERE = _SAID + len(_CLAIM)
_FOUND = _WHERE + len(_PLACE)
_FIRST, _LAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def _changes(before: dict[tuple[str, str], bytes], after: dict[tuple[str, str], bytes]) -> Iterable[Change]:
    for table, name in sorted(before.keys() | after.keys()):
        was, is_now = before.get((table, name)), after.get((table, name))
        if was != is_now:
            yield Change(table, name, "added" if was is None else "removed" if is_now is None else "changed")


__all__ = ["Change", "Reread", "reread"]
