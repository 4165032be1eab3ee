"""Bluesky end to end: our look-ups against the simulated network, and the real command over TLS."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from archiver import dagcbor
from archiver.model import Claim, Embed, Kind, Outcome, PostRef, Reason
from archiver.platforms import platforms
from archiver.platforms.bluesky import PLATFORM
from archiver.resolve import resolve
from tests.commands import Run
from tests.simulator import World, photo, video
from tests.simulator.hosts.bluesky import Record, Sky
from tests.simulator.look import look

AT = dt.datetime(2026, 3, 1, 6, 42, 7, 250_000, tzinfo=dt.UTC)
SOURCES = {source.name: source for source in PLATFORM.sources()}
CLAIM = Claim()


@pytest.fixture
def sky(world: World) -> Sky:
    return Sky(world)


@pytest.fixture
def post(sky: Sky) -> Record:
    quoted = sky.post("dockside.example", "The berth is closed.", AT - dt.timedelta(hours=2), name="Dockside")
    parent = sky.post("dockside.example", "Is it?", AT - dt.timedelta(hours=1))
    return sky.post(
        "porthaven.example",
        "Crane <4> & 😀 is down, says @dockside.example: https://news.example/crane #harbour",
        AT,
        [photo(alt="a crane"), photo(640, 480, "png")],
        name="Porthaven Live 🏗",
        quotes=quoted,
        reply_to=parent,
        labels=["graphic-media"],
    )


def ref(record: Record) -> PostRef:
    return PostRef("bluesky", record.id)


@pytest.mark.parametrize("name", ["appview", "pds"])
def test_every_whole_source_reads_the_post_as_it_was_written(world: World, sky: Sky, post: Record, name: str) -> None:
    read = look(world, SOURCES[name].look(ref(post), CLAIM)).post
    assert read is not None
    assert (read.text, read.created_at, read.lang) == (post.value["text"], AT, "en")
    assert (read.author.id, read.author.handle, read.author.name) == (
        post.account.did,
        "porthaven.example",
        "Porthaven Live 🏗",
    )
    assert [(link.expanded, link.display) for link in read.links] == [("https://news.example/crane",) * 2]
    assert str(read.quotes).removeprefix("bluesky:") == post.quotes.replace("at://", "").replace(
        "/app.bsky.feed.post/", "/"
    )
    assert read.reply_to is not None
    extra = dict(read.extra)
    assert (extra["cid"], extra["cid_verified"]) == (post.cid, True)
    assert (extra["labels"], extra["tags"]) == (["graphic-media"], ["harbour"])
    assert extra["mentions"] == [sky.account("dockside.example").did]
    assert [(m.alt, m.width, m.height) for m in read.media] == [("a crane", 1200, 800), (None, 640, 480)]
    for medium, (_, content, cid) in zip(read.media, post.media, strict=True):
        assert medium.key == cid
        assert medium.sha256 == dagcbor.blob_sha256(cid) == hashlib.sha256(content).hexdigest()
        assert world.get(medium.urls[0]).body == content


def test_the_appview_shows_the_quoted_post_as_well(world: World, post: Record) -> None:
    (quoted,) = look(world, SOURCES["appview"].look(ref(post), CLAIM)).also
    assert (quoted.text, quoted.author.name) == ("The berth is closed.", "Dockside")
    assert dict(quoted.extra)["cid_verified"] is True


def test_a_video_is_had_as_it_was_uploaded_with_its_playlist_beside(world: World, sky: Sky) -> None:
    post = sky.post("porthaven.example", "It falls", AT, [video(alt="a fall")])
    for name in ("appview", "pds"):
        read = look(world, SOURCES[name].look(ref(post), CLAIM)).post
        assert read is not None
        (medium,) = read.media
        assert (medium.kind, medium.alt, medium.width, medium.height) == ("video", "a fall", 640, 360)
        assert world.get(medium.urls[0]).body == post.media[0][1]
        assert ("playlist.m3u8" in medium.variants[-1].url) is (name == "appview")


def test_a_record_that_was_tampered_with_is_found_out(world: World, sky: Sky, post: Record) -> None:
    post.value["text"] = "Nothing happened."
    read = look(world, SOURCES["pds"].look(ref(post), CLAIM)).post
    assert read is not None
    assert dict(read.extra)["cid_verified"] is False


def test_oembed_reads_the_words_the_author_and_the_time(world: World, post: Record) -> None:
    read = look(world, SOURCES["oembed"].look(ref(post), CLAIM)).post
    assert read is not None
    assert (read.text, read.created_at) == (post.value["text"], AT)
    assert (read.author.handle, read.author.id) == ("porthaven.example", post.account.did)
    assert dict(read.extra)["cid"] == post.cid


FATES = {
    "deleted": {
        "appview": (Outcome.ABSENT, Reason.NOT_FOUND),
        "pds": (Outcome.ABSENT, Reason.NOT_FOUND),
        "oembed": (Outcome.ABSENT, Reason.NOT_FOUND),
    },
    "RepoTakendown": {"appview": (Outcome.ABSENT, Reason.NOT_FOUND), "pds": (Outcome.GONE, Reason.SUSPENDED)},
    "RepoSuspended": {"appview": (Outcome.ABSENT, Reason.NOT_FOUND), "pds": (Outcome.GONE, Reason.SUSPENDED)},
    "RepoDeactivated": {"appview": (Outcome.ABSENT, Reason.NOT_FOUND), "pds": (Outcome.HIDDEN, Reason.PROTECTED)},
    "tombstoned": {"appview": (Outcome.ABSENT, Reason.NOT_FOUND), "pds": (Outcome.GONE, Reason.DELETED)},
    "hides": dict.fromkeys(("appview", "pds", "oembed"), (Outcome.HIDDEN, Reason.LOGIN_WALL)),
}


@pytest.mark.parametrize("fate", FATES)
def test_each_fate_is_named_by_each_source(world: World, sky: Sky, post: Record, fate: str) -> None:
    if fate == "deleted":
        sky.delete(post)
    elif fate == "tombstoned":
        post.account.is_tombstoned = True
    elif fate == "hides":
        post.account.hides = True
    else:
        post.account.fate = fate
    for name, (outcome, reason) in FATES[fate].items():
        finding = look(world, SOURCES[name].look(ref(post), CLAIM))
        assert (name, finding.outcome, finding.reason, finding.post) == (name, outcome, reason, None)


def test_a_did_of_the_web_leads_to_its_authors_domain(world: World, sky: Sky) -> None:
    sky.account("paper.example", "A paper", did="did:web:paper.example", server="pds.paper.example")
    post = sky.post("paper.example", "From our own house", AT, [photo()])
    read = look(world, SOURCES["pds"].look(ref(post), CLAIM)).post
    assert read is not None
    assert read.media[0].urls[0].startswith("https://pds.paper.example/")
    assert world.asked("plc.directory") == ()


def test_a_renamed_author_is_found_by_the_new_handle_and_not_by_the_old(world: World, sky: Sky, post: Record) -> None:
    old = post.url
    sky.rename("porthaven.example", "porthaven.news")

    def resolved(url: str) -> Any:
        embed = Embed("bluesky", Kind.LINK, PLATFORM.match(url), url, CLAIM, "dom", True)
        return look(world, resolve(embed, platforms()))

    assert resolved(post.url).ref == ref(post)
    assert (resolved(old).ref, resolved(old).reason) == (None, Reason.LINK_DEAD)


# --- the command ----------------------------------------------------------------------------------------------------


def archived(archiver: Run, query: str) -> dict[str, Any]:
    (post,) = json.loads(archiver("lookup", "--json", query).stdout)["posts"]
    found: dict[str, Any] = post
    return found


def test_an_article_with_a_bluesky_embed_is_archived_with_its_media(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    """The same post by embed code and by a link with its handle is one post; what it quotes and answers is kept too."""
    (home / "a.html").write_text(
        f"<article><p>Seen today:</p>{sky.embed_code(post)}<p>As <a href='{post.url}'>they wrote</a>.</p></article>"
    )
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 2}
    found = archived(archiver, post.url.replace("porthaven.example", post.account.did))
    assert found["id"] == post.id
    assert {media["sha256"] for media in found["media"]} == {
        hashlib.sha256(content).hexdigest() for _, content, _ in post.media
    }
    assert {snapshot["source"] for snapshot in found["snapshots"]} == {"appview"}
    assert "sound" in archiver("verify").stdout
    for context in (post.quotes, post.value["reply"]["parent"]["uri"]):
        assert archived(archiver, context)["snapshots"]


def test_bytes_that_are_not_the_blobs_are_not_taken_for_it(
    sky: Sky, post: Record, archiver: Run, home: Path, world: World
) -> None:
    """A server that gives out other bytes is not believed; the CDN's picture is what is left."""
    for key, (content, kind, medium) in list(sky.blobs.items()):
        sky.blobs[key] = (content + b"\n", kind, medium)
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 1}
    found = archived(archiver, post.uri)
    assert all("cdn.bsky.app" in media["url"] for media in found["media"])


def test_a_post_that_is_gone_from_everywhere_is_looked_for_again(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    sky.delete(post)
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"pending": 1}
    assert report["reasons"] == {"pending": {"recheck": 1}}


def corroboration(archiver: Run, query: str) -> dict[str, Any]:
    (article,) = archived(archiver, query)["articles"]
    said: dict[str, Any] = article["corroboration"]
    return said


def test_the_record_an_embed_names_is_proved_to_be_the_one_that_is_kept(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    archiver("run", "--once", "--json", "a.html")
    fields = corroboration(archiver, post.uri)["fields"]
    assert (fields["cid"]["verdict"], fields["cid"]["claimed"], fields["cid"]["seen"]) == (
        "corroborated",
        post.cid,
        post.cid,
    )
    assert fields["media"]["verdict"] == "corroborated"
    assert fields["media"]["note"] == "2 of 2 kept with the digest the record states"
    assert fields["id"]["verdict"] == "corroborated"


def test_a_record_exchanged_since_the_article_embedded_it_is_named(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    now = sky.exchange(post, "Nothing happened at the harbour, says @dockside.example: https://news.example/crane")
    archiver("run", "--once", "--json", "a.html")
    found = corroboration(archiver, post.uri)
    assert (found["overall"], found["fields"]["cid"]["verdict"]) == ("contradicted", "contradicted")
    assert (found["fields"]["cid"]["claimed"], found["fields"]["cid"]["seen"]) == (post.cid, now.cid)
    assert "edited or exchanged" in archiver("lookup", post.uri).stdout


def test_a_source_that_names_the_record_and_shows_another_is_named(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    post.value["text"] = "Nothing happened."
    archiver("run", "--once", "--json", "a.html")
    field = corroboration(archiver, post.uri)["fields"]["cid"]
    assert (field["verdict"], field["claimed"]) == ("contradicted", field["seen"])
    assert "its digest differs" in field["note"]


def test_pictures_kept_as_others_made_them_are_not_said_to_be_the_originals(
    sky: Sky, post: Record, archiver: Run, home: Path
) -> None:
    for key, (content, kind, medium) in list(sky.blobs.items()):
        sky.blobs[key] = (content + b"\n", kind, medium)
    (home / "a.html").write_text(f"<article><p>Seen:</p>{sky.embed_code(post)}</article>")
    archiver("run", "--once", "--json", "a.html")
    field = corroboration(archiver, post.uri)["fields"]["media"]
    assert field["verdict"] == "unconfirmed"
    assert "re-encoded" in field["note"]


@pytest.mark.parametrize("form", ["embed code", "link by handle"])
def test_an_archive_made_before_digests_were_read_gains_them_by_rereading(
    sky: Sky, post: Record, archiver: Run, home: Path, form: str
) -> None:
    """The embed is another one now, and leads to the same post again, by what was captured then."""
    shown = sky.embed_code(post)
    if form == "link by handle":
        shown = f'<p><a class="embed" data-bluesky-cid="{post.cid}" href="{post.url}">x</a></p>'
    (home / "a.html").write_text(f"<article><p>Seen:</p>{shown}</article>")
    archiver("run", "--once", "--json", "a.html")
    before = archived(archiver, post.uri)["articles"]
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        db.execute("UPDATE embed SET cid = NULL, verdict = NULL")
        db.commit()
    archiver("reread")
    assert archived(archiver, post.uri)["articles"] == before
    assert before[0]["corroboration"]["fields"]["cid"]["verdict"] == "corroborated"
