"""Other people's captures come in marked as such, with their own times and by whom, and answer look-ups."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from archiver.exports import exports
from archiver.store import connect_to_read, events, facts
from tests.commands import Run
from tests.simulator.serve import Web
from tests.simulator.world import World, photo
from tests.test_exports_contract import Harmless, parts
from tests.test_exports_formats import _LINK
from tests.test_networks_path import ARTICLE, AT, VIDEO
from tests.test_path import small

__all__ = ["small"]


@pytest.fixture
def recording(small: dict[str, Any], archiver: Run, home: Path) -> Path:
    archiver("run", "--once", "--record", "web.warc.gz", "--archive", "live.db", "a.html")
    return home / "web.warc.gz"


def test_nothing_imported_passes_for_live(recording: Path, archiver: Run, home: Path) -> None:
    said = json.loads(archiver("import", "web.warc.gz", "--from", "Jane Doe", "--json").stdout)
    assert said["captures"] == said["new"] > 0
    with contextlib.closing(connect_to_read(home / "live.db")) as db:
        live = {(kept.url, kept.started_at, kept.payload.sha256) for kept in every(db) if kept.origin.kind == "live"}
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        captures = every(db)
        ((_, event),) = events.events(db, "import")
    assert {each.origin.kind for each in captures} == {"import", "event"}
    imported = [each for each in captures if each.origin.kind == "import"]
    assert {each.origin.container for each in imported} == {"web.warc.gz"}
    assert all(each.origin.record for each in imported)
    assert {(each.url, each.started_at, each.payload.sha256) for each in imported} == live
    assert event["from"] == "Jane Doe"
    assert event["files"] == {"web.warc.gz": hashlib.sha256(recording.read_bytes()).hexdigest()}
    assert "sound" in archiver("verify").stdout


def every(db: Any) -> list[Any]:
    return [facts.capture(db, id) for _, id, _ in facts.captures(db)]


def test_importing_again_adds_only_the_event(recording: Path, archiver: Run) -> None:
    archiver("import", "web.warc.gz", "--from", "Jane Doe")
    again = json.loads(archiver("import", "web.warc.gz", "--from", "Jane Doe", "--json").stdout)
    assert again["new"] == 0


def test_what_is_no_recording_gets_a_sentence(small: dict[str, Any], archiver: Run, home: Path) -> None:
    for name in ("a.html", "missing.warc"):
        archiver("import", name, "--from", "Jane Doe", expect=2)
    archiver("import", "a.html", "--from", " ", expect=2)
    assert not (home / "archive.db").exists()


def posts(archiver: Run, *query: str) -> list[dict[str, Any]]:
    done = archiver("lookup", "--json", *query, expect=None)
    found: list[dict[str, Any]] = json.loads(done.stdout)["posts"]
    return found


# --- recordings -----------------------------------------------------------------------------------------------------


def test_a_recording_answers_look_ups_and_says_whose_it_is(
    recording: Path, archiver: Run, small: dict[str, Any]
) -> None:
    """Every post of the live archive is found in the imported one, with its words and media, by name of the giver."""
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    (live,) = json.loads(archiver("lookup", "--json", "--archive", "live.db", small["crane"].id).stdout)["posts"]
    (found,) = posts(archiver, small["crane"].id)
    assert (found["text"], found["handle"], found["posted_at"]) == (live["text"], live["handle"], live["posted_at"])
    assert [each["sha256"] for each in found["media"]] == [each["sha256"] for each in live["media"]]
    assert {each["source"] for each in found["snapshots"]} == {"saved answer, imported by Jane Doe"}
    assert {each["rank"] for each in found["snapshots"]} == {"third-party"}
    assert {each["origin"] for each in found["captures"]} == {"import"}
    assert found["live"] is None, "others' captures do not say what the platform says now"


@pytest.mark.parametrize("form", ["wacz", "warc"])
def test_what_one_archive_exports_another_takes_in(form: str, archiver: Run, home: Path, small: dict[str, Any]) -> None:
    archiver("run", "--once", "--archive", "live.db", "a.html")
    name = f"out{exports()[form].suffix}"
    archiver("export", form, "--archive", "live.db", "--out", name)
    archiver("import", name, "--by", "Jane Doe")
    (live,) = json.loads(archiver("lookup", "--json", "--archive", "live.db", small["crane"].id).stdout)["posts"]
    (found,) = posts(archiver, small["crane"].id)
    assert (found["text"], found["handle"]) == (live["text"], live["handle"])
    assert [each["sha256"] for each in found["media"]] == [each["sha256"] for each in live["media"]]
    assert "sound" in archiver("verify").stdout


def test_a_package_that_is_no_recording_gets_a_sentence(archiver: Run, home: Path, small: dict[str, Any]) -> None:
    archiver("run", "--once", "--archive", "live.db", "a.html")
    for form in ("bag", "rocrate"):
        archiver("export", form, "--archive", "live.db", "--out", f"out{exports()[form].suffix}")
        done = archiver("import", f"out{exports()[form].suffix}", "--by", "Jane Doe", expect=2)
        assert f"out{exports()[form].suffix}" in done.stderr


def test_where_a_recorded_short_link_leads_is_known(archiver: Run, home: Path, small: dict[str, Any]) -> None:
    """Though nothing in the recording but t.co's own redirect names the code."""
    (home / "flat.txt").write_text("pic.twitter.com/Kq3vTn81Lb — Porthaven Live (@porthavenlive) March 1, 2026\n")
    archiver("run", "--once", "--record", "web.warc.gz", "--archive", "live.db", "flat.txt")
    said = json.loads(archiver("import", "web.warc.gz", "--by", "Jane Doe", "--json").stdout)
    assert said["leads"] == 1
    assert [each["id"] for each in posts(archiver, "pic.twitter.com/Kq3vTn81Lb")] == [small["crane"].id]
    assert "nothing changed" in archiver("reread").stdout


def test_reread_changes_nothing_that_was_imported_and_restores_what_was_lost(
    recording: Path, archiver: Run, home: Path
) -> None:
    import sqlite3

    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    before = archiver("export", "jsonl", "--no-note").stdout
    assert "nothing changed" in archiver("reread").stdout
    assert archiver("export", "jsonl", "--no-note").stdout == before
    with contextlib.closing(sqlite3.connect(home / "archive.db")) as db:
        codes = sorted(db.execute("SELECT * FROM code").fetchall(), key=repr)
        for table in ("media", "snapshot", "wording", "code"):
            db.execute(f"DELETE FROM {table}")
        db.commit()
    archiver("reread")
    assert archiver("export", "jsonl", "--no-note").stdout == before
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        assert sorted(map(tuple, db.execute("SELECT * FROM code")), key=repr) == codes


def test_an_article_that_shows_an_imported_post_still_asks_the_platform(
    recording: Path, archiver: Run, small: dict[str, Any]
) -> None:
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    archiver("run", "--once", "a.html")
    (found,) = posts(archiver, small["crane"].id)
    assert {each["rank"] for each in found["snapshots"]} == {"first-hand", "third-party"}
    assert found["live"]["outcome"] == "found"


def test_what_was_erased_is_not_brought_back_by_an_import(
    recording: Path, archiver: Run, small: dict[str, Any]
) -> None:
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    archiver("erase", small["crane"].id, "--reason", "a court order", "--yes")
    said = json.loads(archiver("import", "web.warc.gz", "--by", "Jane Doe", "--json").stdout)
    assert "shows a post that was erased from this archive" in said["left_out"]
    assert posts(archiver, small["crane"].id) == []


def test_every_export_says_that_it_was_imported(
    recording: Path, archiver: Run, home: Path, web: Web, small: dict[str, Any]
) -> None:
    """Also where an article of our own shows the post, and nobody else shows it any more."""
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(
        config.replace(f'"127.0.0.1:{web.port}"', '"127.0.0.1:9"').replace(str(web.port), "9")
    )
    link = f"https://twitter.com/i/status/{small['crane'].id}"
    (home / "shows.html").write_text(f'<blockquote class="twitter-tweet"><p>x</p><a href="{link}">.</a></blockquote>')
    archiver("run", "--once", "shows.html")
    silent = []
    for form, export in exports().items():
        archiver("export", form, "--out", f"out{export.suffix}")
        content = (home / f"out{export.suffix}").read_bytes()
        each = b"".join(part for _, part in parts(form, content)).replace(b'": "', b": ")
        each = re.sub(rb"<[^>]*>", b"", each)
        if b"imported by Jane Doe" not in each and b"archiver-origin: import" not in each:
            silent.append(form)
    assert silent == []


def test_posts_of_five_networks_are_read_from_a_recording(world: World, home: Path, archiver: Run) -> None:
    """Where no reader knows an answer by itself, the sources are asked again with the recording in the web's place."""
    world.share("telegram", "harbourwatch/12", "The crane is down.", AT, [photo()], author="Harbour Watch")
    world.share("youtube", VIDEO, "The fall of the crane", AT, [photo(480, 360)], handle="harbour", author="Harbour")
    world.share("reddit", "abc123", "Who saw it?", AT, [photo(640, 480)], handle="crane_spotter")
    world.share("tiktok", "7170520270497680683", "Crash", AT, [photo(360, 640)], handle="sigma", short="ZTR45GpSF")
    (home / "a.html").write_text(ARTICLE)
    archiver("run", "--once", "--record", "web.warc.gz", "--archive", "live.db", "a.html")
    archiver("import", "web.warc.gz", "--by", "Jane Doe")
    for query, kind in (
        ("https://t.me/harbourwatch/12", "embed"),
        (f"https://youtu.be/{VIDEO}", "oembed"),
        ("https://www.reddit.com/r/harbours/comments/abc123/", "json"),
        ("https://www.tiktok.com/@sigma/video/7170520270497680683", "oembed"),
    ):
        (live,) = json.loads(archiver("lookup", "--json", "--archive", "live.db", query).stdout)["posts"]
        (found,) = posts(archiver, query)
        assert found["text"] == live["text"]
        assert f"{kind}, imported by Jane Doe" in {each["source"] for each in found["snapshots"]}
        assert [each["sha256"] for each in found["media"]] == [each["sha256"] for each in live["media"]]
    assert [each["id"] for each in posts(archiver, "ZTR45GpSF")] == ["7170520270497680683"]
    assert "nothing changed" in archiver("reread").stdout


# --- files of posts -------------------------------------------------------------------------------------------------


def page() -> dict[str, Any]:
    """One page as `twarc2 search` writes it: two posts, one of them with a picture and quoting a third."""
    return {
        "data": [
            {
                "id": "1800000000000000201",
                "text": "The weir holds https://t.co/AbCdEfGh12 https://t.co/MeDiAcOdE1",
                "author_id": "11",
                "created_at": "2024-05-02T13:20:05.000Z",
                "lang": "en",
                "attachments": {"media_keys": ["3_77"]},
                "entities": {
                    "urls": [
                        {"url": "https://t.co/AbCdEfGh12", "expanded_url": "https://weir.example/level"},
                        {
                            "url": "https://t.co/MeDiAcOdE1",
                            "expanded_url": "https://twitter.com/weir_watch/status/1800000000000000201/photo/1",
                            "display_url": "pic.twitter.com/MeDiAcOdE1",
                        },
                    ]
                },
                "public_metrics": {"like_count": 3, "reply_count": 0, "retweet_count": 1, "quote_count": 0},
                "referenced_tweets": [{"type": "quoted", "id": "1800000000000000190"}],
                "edit_history_tweet_ids": ["1800000000000000201"],
            },
            {
                "id": "1800000000000000202",
                "text": "Nobody saw the second one &amp; nobody asked",
                "author_id": "12",
                "created_at": "2024-05-02T13:21:05.000Z",
            },
        ],
        "includes": {
            "users": [
                {"id": "11", "username": "weir_watch", "name": "Weir Watch"},
                {"id": "12", "username": "lock_keeper", "name": "Lock Keeper"},
            ],
            "media": [
                {"media_key": "3_77", "type": "photo", "url": "https://pbs.twimg.com/media/WeIrPiCtUrE.jpg", "width": 4}
            ],
            "tweets": [
                {
                    "id": "1800000000000000190",
                    "text": "Water at four metres",
                    "author_id": "12",
                    "created_at": "2024-05-02T13:01:00.000Z",
                }
            ],
        },
        "meta": {"result_count": 2},
        "__twarc": {
            "url": "https://api.twitter.com/2/tweets/search/all?query=weir",
            "version": "2.14.0",
            "retrieved_at": "2024-05-03T00:00:00+00:00",
        },
    }


OLD = {
    "created_at": "Mon Sep 02 14:19:58 +0000 2019",
    "id": 1168521470000000000,
    "id_str": "1168521470000000000",
    "full_text": "An old one, as twarc 1 kept it &lt;3",
    "user": {"id": 12, "id_str": "12", "screen_name": "lock_keeper", "name": "Lock Keeper"},
    "entities": {"urls": []},
}


def lines(*payloads: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in payloads)


def said_of(archiver: Run, *ids: str) -> list[tuple[Any, ...]]:
    found = [posts(archiver, each)[0] for each in ids]
    return [
        (
            each["id"], each["text"], each["handle"], each["posted_at"], [media["url"] for media in each["media"]],
            each["snapshots"][0]["post"]["quotes"], each["snapshots"][0]["post"]["counts"],
            each["snapshots"][0]["observed_at"],
        )
        for each in found
    ]  # fmt: skip


IDS = ("1800000000000000201", "1800000000000000202", "1800000000000000190")


@pytest.mark.peers
def test_a_page_of_twarc2_and_the_same_flattened_by_twarc_itself_say_the_same(archiver: Run, home: Path) -> None:
    from twarc.expansions import flatten

    (home / "pages.jsonl").write_bytes(lines(page()))
    (home / "flat.jsonl").write_bytes(lines(*flatten(page())))
    archiver("import", "pages.jsonl", "--by", "Jane Doe")
    paged = said_of(archiver, *IDS)
    (home / "archive.db").unlink()
    archiver("import", "flat.jsonl", "--by", "Jane Doe")
    assert said_of(archiver, *IDS) == paged
    assert paged[0][1:3] == ("The weir holds https://t.co/AbCdEfGh12", "weir_watch")
    assert paged[0][5] == {"platform": "twitter", "id": "1800000000000000190"}
    assert paged[0][7] == "2024-05-03T00:00:00.000000Z", "when twarc was given it, not when it was imported"
    assert paged[1][1] == "Nobody saw the second one & nobody asked"
    assert [each["id"] for each in posts(archiver, "AbCdEfGh12")] == ["1800000000000000201"]


def test_each_line_is_kept_byte_for_byte_before_it_is_read(archiver: Run, home: Path) -> None:
    odd = b'  {"id_str": "1168521470000000001",  "text": "odd  spacing", "user": {"screen_name": "a"}}  '
    content = lines(OLD) + b"\n" + odd + b"\r\nnot json\n" + b'{"something": "else"}\n'
    (home / "old.jsonl").write_bytes(content)
    said = json.loads(archiver("import", "old.jsonl", "--by", "Jane Doe", "--json").stdout)
    assert (said["captures"], said["new"], said["posts"]) == (3, 3, 2)
    assert said["left_out"] == {"old.jsonl: a line is not JSON": 1}
    with contextlib.closing(connect_to_read(home / "archive.db")) as db:
        kept = [each for each in every(db) if each.origin.kind == "import"]
        contents = [each.content for each in kept]
    assert contents == [lines(OLD).rstrip(), odd, b'{"something": "else"}']
    digest = hashlib.sha256(content).hexdigest()
    assert [each.url for each in kept] == [f"urn:archiver:import:{digest}#{number}" for number in (1, 3, 5)]
    assert [each.origin.record for each in kept] == ["line 1", "line 3", "line 5"]
    again = json.loads(archiver("import", "old.jsonl", "--by", "Jane Doe", "--json").stdout)
    assert (again["new"], again["posts"]) == (0, 2)
    assert "sound" in archiver("verify").stdout
    assert "nothing changed" in archiver("reread").stdout


def test_x_api_json_is_read_in_every_form_it_is_saved_in(archiver: Run, home: Path) -> None:
    (home / "page.json").write_text(json.dumps(page(), indent=2))
    (home / "search.json").write_text(json.dumps({"statuses": [OLD], "search_metadata": {}}, indent=1))
    one = {"data": {"id": "1800000000000000203", "text": "one alone"}}
    (home / "one.json").write_text(json.dumps(one))
    (home / "list.json").write_text(json.dumps([{**OLD, "id_str": "1168521470000000009", "id": 1168521470000000009}]))
    archiver("import", "page.json", "search.json", "one.json", "list.json", "--by", "Jane Doe")
    for id in (*IDS, OLD["id_str"], "1800000000000000203", "1168521470000000009"):
        assert posts(archiver, str(id)), id


def test_a_thread_that_a_browser_was_answered_with_is_read_whole(archiver: Run, home: Path) -> None:
    def result(id: str, text: str) -> dict[str, Any]:
        user = {"result": {"rest_id": "5", "legacy": {"screen_name": "crier", "name": "Crier"}}}
        legacy = {"id_str": id, "full_text": text, "created_at": "Mon Sep 02 14:19:58 +0000 2019"}
        return {"__typename": "Tweet", "rest_id": id, "core": {"user_results": user}, "legacy": legacy}

    entries = [
        {
            "content": {
                "itemContent": {"tweet_results": {"result": result(f"116852147000000010{number}", f"part {number}")}}
            }
        }
        for number in range(3)
    ]
    thread = {"data": {"threaded_conversation_with_injections_v2": {"instructions": [{"entries": entries}]}}}
    (home / "thread.json").write_text(json.dumps(thread, indent=1))
    said = json.loads(archiver("import", "thread.json", "--by", "Jane Doe", "--json").stdout)
    assert said["posts"] == 3
    assert posts(archiver, "1168521470000000102")[0]["text"] == "part 2"


def test_json_of_a_host_that_is_not_x_is_no_post(archiver: Run, home: Path) -> None:
    """A recording may hold anything: only X's own hosts, known relays and web archives are believed to show posts."""
    from io import BytesIO

    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with (home / "web.warc.gz").open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for url in ("https://evil.example/2/tweets?ids=1", "https://api.twitter.com/1.1/statuses/show.json?id=1"):
            head = StatusAndHeaders("200 OK", [("Content-Type", "application/json")], protocol="HTTP/1.1")
            id = "1168521470000000000" if "twitter" in url else "1168521470000000666"
            body = BytesIO(json.dumps({**OLD, "id_str": id, "id": int(id)}).encode())
            writer.write_record(writer.create_warc_record(url, "response", payload=body, http_headers=head))
    said = json.loads(archiver("import", "web.warc.gz", "--by", "Jane Doe", "--json").stdout)
    assert (said["captures"], said["posts"]) == (2, 1)
    assert posts(archiver, "1168521470000000666") == []


def test_one_post_of_an_imported_page_can_be_erased_and_the_rest_still_reads(archiver: Run, home: Path) -> None:
    """The page's bytes go, for they hold the post; what it said of the others goes with them, and is named first."""
    (home / "pages.jsonl").write_bytes(lines(page()) + lines(OLD))
    archiver("import", "pages.jsonl", "--by", "Jane Doe")
    plan = archiver("erase", IDS[0], "--reason", "a court order").stdout
    assert f"twitter:{IDS[1]} loses a snapshot too" in plan
    archiver("erase", IDS[0], "--reason", "a court order", "--yes")
    for file in home.glob("archive.db*"):
        assert b"The weir holds" not in file.read_bytes(), file
    archiver("reread")
    assert posts(archiver, IDS[0]) == []
    assert posts(archiver, str(OLD["id_str"]))[0]["text"] == "An old one, as twarc 1 kept it <3"
    for form in exports():
        archiver("export", form, "--out", f"out{exports()[form].suffix}")
    assert "sound" in archiver("verify").stdout


# --- auto-archiver --------------------------------------------------------------------------------------------------

URL = f"https://twitter.com/lock_keeper/status/{OLD['id_str']}"
PICTURE = photo(48, 32).bytes()
DIGEST = hashlib.sha256(PICTURE).hexdigest()
SRC = "https://pbs.twimg.com/media/LoCkPiCtUrE.jpg?name=orig"


def item(**metadata: Any) -> dict[str, Any]:
    """One item as its json_enricher writes it: the network's own object as content, one picture, its own page."""
    return {
        "status": "twitter-ytdl: success",
        "metadata": {
            "_processed_at": "2024-05-04 09:00:00+00:00",
            "url": URL,
            "title": "An old one",
            "content": json.dumps(OLD),
            "timestamp": "2019-09-02 14:19:58+00:00",
            **metadata,
        },
        "media": [
            {
                "filename": "tmp/twitter-com-lock-keeper_0.jpg",
                "_key": "twitter-com-lock-keeper/twitter-com-lock-keeper_0.jpg",
                "urls": ["https://files.example/twitter-com-lock-keeper/twitter-com-lock-keeper_0.jpg"],
                "properties": {"src": SRC, "hash": f"SHA-256:{DIGEST}"},
                "_mimetype": "image/jpeg",
            },
            {
                "filename": "tmp/screenshot.png",
                "_key": "x/screenshot.png",
                "urls": ["x/screenshot.png"],
                "properties": {"id": "screenshot"},
                "_mimetype": "image/png",
            },
        ],
    }


def test_an_auto_archiver_folder_gives_its_posts_and_their_media(archiver: Run, home: Path) -> None:
    out = home / "out" / "twitter-com-lock-keeper"
    out.mkdir(parents=True)
    (out / "metadata.json").write_text(json.dumps(item(), indent=4, ensure_ascii=False))
    (out / "twitter-com-lock-keeper_0.jpg").write_bytes(PICTURE)
    (out / "screenshot.png").write_bytes(photo(64, 64).bytes())
    archiver("import", "out", "--by", "Example desk")
    (found,) = posts(archiver, URL)
    assert (found["text"], found["handle"]) == ("An old one, as twarc 1 kept it <3", "lock_keeper")
    (snapshot,) = found["snapshots"]
    assert snapshot["source"] == "auto-archiver, imported by Example desk"
    assert snapshot["observed_at"] == "2024-05-04T09:00:00.000000Z"
    assert [(each["sha256"], each["url"]) for each in found["media"]] == [(DIGEST, SRC)]
    (home / "mine.jpg").write_bytes(PICTURE)
    assert [each["id"] for each in posts(archiver, "mine.jpg")] == [OLD["id_str"]]
    assert "nothing changed" in archiver("reread").stdout
    assert "sound" in archiver("verify").stdout


def test_a_picture_that_is_not_the_one_its_record_names_is_left_out(archiver: Run, home: Path) -> None:
    (home / "out").mkdir()
    (home / "out" / "metadata.json").write_text(json.dumps(item(), indent=4))
    (home / "out" / "twitter-com-lock-keeper_0.jpg").write_bytes(PICTURE + b"changed")
    said = json.loads(archiver("import", "out", "--by", "Example desk", "--json").stdout)
    assert list(said["left_out"]) == ["twitter-com-lock-keeper_0.jpg: is not the file whose SHA-256 its record states"]
    (found,) = posts(archiver, URL)
    assert [each["sha256"] for each in found["media"]] == [None]


def test_an_item_without_the_networks_object_gives_its_words_and_no_handle(archiver: Run, home: Path) -> None:
    """What fxtwitter gave it holds neither id nor handle, and the handle in a URL proves nothing."""
    (home / "a.json").write_text(json.dumps(item(content="", title="The words alone"), indent=4))
    archiver("import", "a.json", "--by", "Example desk")
    (found,) = posts(archiver, URL)
    assert (found["text"], found["handle"]) == ("The words alone", None)
    assert found["posted_at"] == "2019-09-02T14:19:58.000000Z"


def test_its_api_its_csv_its_sheet_and_its_page_are_read(archiver: Run, home: Path) -> None:
    import csv

    api = [{"id": "1", "url": URL, "tags": [], "result": item()}, {"id": "2", "url": "x", "result": json.dumps(item())}]
    (home / "api.json").write_text(json.dumps(api, indent=1))
    at = dt.datetime(2024, 5, 4, 9, tzinfo=dt.UTC)
    literal = {**item()["metadata"], "_processed_at": at, "timestamp": at}
    with (home / "db.csv").open("w") as out:
        writer = csv.DictWriter(out, fieldnames=["status", "metadata", "media"])
        writer.writeheader()
        writer.writerow({"status": "success", "metadata": literal, "media": item()["media"]})
    with (home / "sheet.csv").open("w") as out:
        out.write("Link,Archive status,Archive location,Archive date,Upload timestamp,Upload title,Text content,Hash\n")
        out.write(f"{URL},wayback: success,https://files.example/a.html,2024-05-04T09:00:00+00:00,")
        out.write("2019-09-02T14:19:58+00:00,,In the sheet,SHA-256:abc\n")
    (home / "page.html").write_text(
        f"""<!DOCTYPE html><html><head><title>{URL}</title></head><body>
        <h2>Archived media for <span class="copy">{URL}</span> - <a href="{URL}">open</a></h2>
        <table class="content"><tr><th>about</th><th>files and preview</th></tr><tbody><tr><td><ul>
        <li><b>key:</b> <span class="copy">x/twitter-com-lock-keeper_0.jpg</span></li>
        <li><b>src:</b> <span class="copy"><a href="{SRC}">{SRC}</a></span></li>
        <li><b>hash:</b> <span class="copy">SHA-256:{DIGEST}</span></li></ul></td>
        <td><a href="https://files.example/x/twitter-com-lock-keeper_0.jpg"><img
         src="https://files.example/x/twitter-com-lock-keeper_0.jpg"></a></td></tr></tbody></table>
        <table class="metadata"><tr><th>key</th><th>value</th></tr>
        <tr><td>url</td><td><span class="copy">{URL}</span></td></tr>
        <tr><td>timestamp</td><td><span class="copy">2019-09-02 14:19:58+00:00</span></td></tr>
        <tr><td>content</td><td><span class="copy">On the page</span></td></tr></table>
        <p class="center">Made with <a href="https://github.com/bellingcat/auto-archiver">bellingcat/auto-archiver</a>
        v1.0</p></body></html>"""
    )
    (home / "twitter-com-lock-keeper_0.jpg").write_bytes(PICTURE)
    for name, text, media in (
        ("api.json", "An old one, as twarc 1 kept it <3", [DIGEST]),
        ("db.csv", "An old one, as twarc 1 kept it <3", [DIGEST]),
        ("sheet.csv", "In the sheet", []),
        ("page.html", "On the page", [DIGEST]),
    ):
        archiver("import", name, "twitter-com-lock-keeper_0.jpg", "--by", "Example desk", "--archive", f"{name}.db")
        (found,) = json.loads(archiver("lookup", "--json", "--archive", f"{name}.db", URL).stdout)["posts"]
        assert found["text"] == text, name
        assert [each["sha256"] for each in found["media"]] == media, name
        assert "nothing changed" in archiver("reread", "--archive", f"{name}.db").stdout


def test_a_hostile_giver_breaks_out_of_nothing(archiver: Run, home: Path) -> None:
    giver = '=1+1\t<script>alert(1)</script>"; rel="original" \u202e Jürgen, <urn:x>\n]}' + "x" * 500
    (home / "old.jsonl").write_bytes(lines(OLD))
    archiver("import", "old.jsonl", "--by", giver)
    link = f"https://twitter.com/i/status/{OLD['id_str']}"
    (home / "shows.html").write_text(f'<blockquote class="twitter-tweet"><p>x</p><a href="{link}">.</a></blockquote>')
    archiver("run", "--once", "shows.html")
    for form, export in exports().items():
        archiver("export", form, "--out", f"out{export.suffix}")
        for name, part in parts(f"out{export.suffix}", (home / f"out{export.suffix}").read_bytes()):
            if name.endswith(".html"):
                Harmless().check(part.decode())
            elif name.endswith(("json", ".jsonld")):
                json.loads(part)
            elif name.endswith(".link"):
                for each in part.decode("ascii").rstrip("\n").split(",\n")[1:]:
                    assert _LINK.fullmatch(each), each
            elif name.endswith(".csv"):
                assert not re.search(rb'(?:^|,)"[=\t]', part)
            assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", part) or name.endswith((".warc", ".cdx"))


HOSTILE = (
    b'{"data": [[[]]], "includes": {"users": 5}}',
    b'{"data": {"id": {}, "text": []}}',
    b'{"id_str": "\\ud800", "text": 5, "user": []}',
    b'{"status": "x", "metadata": {"url": "https://x.com/a/status/20", "content": "{"}, "media": [5, {"urls": 3}]}',
    b'{"metadata": {"url": ["x"]}}',
    b"[" * 5000,
    b'[{"result": "{"}]',
    b"status,metadata,media\nx,\"{'url': __import__('os').system('touch pwned')}\",[]\n",
    b'status,metadata,media\nx,"' + b"(" * 3000 + b'",[]\n',
    b"<html>bellingcat/auto-archiver<table class=metadata><tr><td></table>",
    b"\x1f\x8bbroken",
    b'{"__twarc": {"retrieved_at": "0000-99-99"}, "id": 20, "text": "a", "attachments": 3, "referenced_tweets": [1]}',
)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_no_file_breaks_an_import(number: int, archiver: Run, home: Path) -> None:
    """Bytes from anybody: each is taken in or refused in a sentence, and nothing in it is ever run."""
    (home / "good.jsonl").write_bytes(lines(OLD))
    (home / "bad.file").write_bytes(HOSTILE[number])
    archiver("import", "good.jsonl", "bad.file", "--by", "Jane Doe")
    assert posts(archiver, str(OLD["id_str"]))
    assert not (home / "pwned").exists()
    assert "sound" in archiver("verify").stdout
