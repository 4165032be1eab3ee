"""The simulator's faithfulness, shown by clients that others wrote and nobody changed.

gallery-dl, yt-dlp, wayback (EDGI) and waybackpy run as they are installed, each in a process of its own, through the
CONNECT proxy, with a fresh home. Where one of them refuses, the simulator is wrong until PLATFORMS.md shows otherwise.
"""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import subprocess
import sys

import av
import pytest

from tests.simulator import gif, photo, video

pytestmark = pytest.mark.peers

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)


@pytest.fixture
def run(web, tmp_path):
    """Run a Python module of somebody else's; gives its exit code and everything it said."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str, code: str | None = None) -> tuple[int, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV") if name in os.environ
        }
        command = [sys.executable, "-I", *(("-c", code) if code else ("-m",)), *arguments]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=kept | web.environment(home) | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        return done.returncode, done.stderr + done.stdout

    return run


def kept(folder) -> dict[str, bytes]:
    """What a downloader left behind, by file name."""
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- gallery-dl -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "medium", [photo(1600, 900), photo(800, 600, "png"), video(), video(path="ext_tw_video"), gif()]
)
def test_gallery_dl_gets_a_post_of_each_kind_to_the_byte(world, run, tmp_path, medium):
    post = world.post("harbourwatch", "A crane & a cable", AT, [medium], name="Harbour Watch 🏗")
    code, said = run("gallery_dl", "--config-ignore", "-D", str(tmp_path / "got"), "--write-metadata", post.url)
    assert code == 0, said
    got = kept(tmp_path / "got")
    (content,) = (body for name, body in got.items() if not name.endswith(".json"))
    assert content == post.media[0].bytes()
    about = json.loads(next(body for name, body in got.items() if name.endswith(".json")))
    assert (about["tweet_id"], about["author"]["name"], about["content"]) == (
        int(post.id),
        "harbourwatch",
        "A crane & a cable",
    )
    assert about["date"] == "2024-08-07 10:42:11"


def test_gallery_dl_gets_all_of_a_mixed_post(world, run, tmp_path):
    post = world.post("harbourwatch", "Everything", AT, [photo(), video(), gif(), photo(640, 480)])
    code, said = run("gallery_dl", "--config-ignore", "-D", str(tmp_path / "got"), post.url)
    assert code == 0, said
    assert sorted(kept(tmp_path / "got").values()) == sorted(medium.bytes() for medium in post.media)


@pytest.mark.parametrize(("fate", "words"), [("suspend", "Suspended"), ("protect", "Protected Tweet"), ("delete", "")])
def test_gallery_dl_says_why_it_gets_nothing(world, run, fate, words):
    post = world.post("harbourwatch", "Gone", AT, [photo()])
    getattr(world, fate)(post if fate == "delete" else "harbourwatch")
    code, said = run("gallery_dl", "--config-ignore", post.url)
    assert code != 0
    assert words in said
    assert not world.asked("pbs.twimg.com")


# --- yt-dlp ---------------------------------------------------------------------------------------------------------

YT_DLP = (
    "yt_dlp",
    "--ignore-config",
    "--no-progress",
    "--compat-options",
    "no-certifi",
    "--no-update",
    "--no-cache-dir",
)
SYNDICATION = ("--extractor-args", "twitter:api=syndication")


@pytest.mark.parametrize("way", [(), SYNDICATION], ids=["graphql", "syndication"])
@pytest.mark.parametrize("medium", [video(), video(360, 640, path="ext_tw_video"), gif()])
def test_yt_dlp_gets_films_and_gifs_both_ways(world, run, tmp_path, way, medium):
    post = world.post("harbourwatch", "A moving crane", AT, [medium], name="Harbour Watch")
    arguments = (*YT_DLP, *way, "-f", "best[protocol=https]", "--write-info-json", "-o", "got/%(id)s.%(ext)s", post.url)
    code, said = run(*arguments)
    assert code == 0, said
    got = kept(tmp_path / "got")
    assert next(body for name, body in got.items() if name.endswith(".mp4")) == post.media[0].bytes()
    about = json.loads(next(body for name, body in got.items() if name.endswith(".json")))
    assert (about["uploader"], about["uploader_id"], about["upload_date"]) == (
        "Harbour Watch",
        "harbourwatch",
        "20240807",
    )
    assert bool(world.asked("cdn.syndication.twimg.com")) is bool(way)
    # Its own reckoning of the token is ours.
    assert world.warnings == []


def test_yt_dlp_left_to_itself_takes_hls(world, run, tmp_path):
    post = world.post("harbourwatch", "A moving crane", AT, [video(640, 360, 3.0)])
    code, said = run(*YT_DLP, "-o", "got/%(id)s.%(ext)s", post.url)
    assert code == 0, said
    (content,) = kept(tmp_path / "got").values()
    with av.open(io.BytesIO(content)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert sum(1 for _ in film.decode(stream)) == 30
    assert len(world.asked("video.twimg.com", r"\.ts$")) == 3


@pytest.mark.parametrize("way", [(), SYNDICATION], ids=["graphql", "syndication"])
def test_yt_dlp_refuses_a_photo_in_its_own_words(world, run, way):
    post = world.post("harbourwatch", "A still crane", AT, [photo()])
    code, said = run(*YT_DLP, *way, post.url)
    assert code != 0
    assert "No video could be found in this tweet" in said


@pytest.mark.parametrize(("fate", "words"), [("suspend", "Suspended"), ("protect", "protected tweet")])
def test_yt_dlp_says_why_it_gets_nothing(world, run, fate, words):
    post = world.post("harbourwatch", "Gone", AT, [video()])
    getattr(world, fate)("harbourwatch")
    code, said = run(*YT_DLP, post.url)
    assert code != 0
    assert words in said


def test_yt_dlp_falls_back_to_syndication_when_it_asks_too_much(world, run, tmp_path):
    post = world.post("harbourwatch", "A moving crane", AT, [video()])
    world.trouble("x.com", path="graphql", status=429)
    code, said = run(*YT_DLP, "-f", "best[protocol=https]", "-o", "got/%(id)s.%(ext)s", post.url)
    assert code == 0, said
    assert "falling back to syndication endpoint" in said
    assert list(kept(tmp_path / "got").values()) == [post.media[0].bytes()]


@pytest.mark.parametrize("module", ["gallery_dl", "yt_dlp"])
def test_both_follow_tco_to_the_post(world, run, tmp_path, module):
    post = world.post("harbourwatch", "A moving crane", AT, [video()])
    link = f"https://t.co/{world.code('toThePost1', post.url)}"
    arguments = {
        "gallery_dl": ("gallery_dl", "--config-ignore", "-D", str(tmp_path / "got"), link),
        "yt_dlp": (*YT_DLP, "-f", "best[protocol=https]", "-o", "got/%(id)s.%(ext)s", link),
    }
    code, said = run(*arguments[module])
    assert code == 0, said
    assert list(kept(tmp_path / "got").values()) == [post.media[0].bytes()]


# --- wayback, by EDGI -----------------------------------------------------------------------------------------------

EDGI = """
import json, os
from wayback import WaybackClient, WaybackSession
from wayback import exceptions
session = WaybackSession(search_calls_per_second=0, memento_calls_per_second=0, retries=1, backoff=0.01)
# requests reads REQUESTS_CA_BUNDLE for first requests only, not for the redirects this client sends on.
session.verify = os.environ["REQUESTS_CA_BUNDLE"]
client = WaybackClient(session)
def told(record):
    return [record.key, record.timestamp.isoformat(), record.url, record.mime_type, record.status_code, record.digest]
def name(fn, *args, **kwargs):
    try:
        return fn(*args, **kwargs) and None
    except exceptions.WaybackException as error:
        return type(error).__name__
"""


@pytest.fixture
def archived(world):
    """A post with captures of three forms, its picture and its code; then deleted."""
    post = world.post("HarbourWatch", "A crane & a cable", AT, [photo()])
    for day, form in ((8, "old"), (9, "v1"), (10, "refused")):
        world.archive(post, AT.replace(day=day), form)
    world.archive_media(post, AT.replace(day=8))
    world.archive_code(post.code, AT.replace(day=8))
    world.archive(post, AT.replace(day=8), url=f"https://x.com{post.path}", form="shell")
    world.memento(f"https://x.com{post.path}/photo/1", AT.replace(day=8, hour=11), "<p>the photo page</p>")
    world.delete(post)
    return post


def edgi(run, code: str):
    exit_code, said = run(code=EDGI + code)
    assert exit_code == 0, said
    return json.loads(said.splitlines()[-1])


def test_edgis_wayback_searches_in_pages_by_prefix(world, run, archived):
    for hour in range(5):
        world.memento(f"https://twitter.com/harbourwatch/status/{archived.id}{hour}", AT.replace(day=11), str(hour))
    found = edgi(
        run,
        f"""
found = client.search("twitter.com/harbourwatch/status/{archived.id[:4]}", match_type="prefix", limit=3)
print(json.dumps([told(record) for record in found]))
""",
    )
    expected = [
        memento for memento in world.mementos if memento.url.lower().startswith("https://twitter.com/harbourwatch/")
    ]
    assert sorted(row[2] for row in found) == sorted(memento.url for memento in expected)
    assert {row[5] for row in found} == {memento.row["digest"] for memento in expected}
    assert len(world.asked("web.archive.org", "resumeKey")) == 2


def test_edgis_wayback_plays_mementos_to_the_byte(world, run, archived):
    told = edgi(
        run,
        f"""
import base64
out = []
for url in ("twitter.com{archived.path}", "https://pbs.twimg.com/media/{archived.media[0].key}?format=jpg&name=orig"):
    for record in client.search(url):
        memento = client.get_memento(record)
        kind, content = memento.headers.get("Content-Type"), base64.b64encode(memento.content).decode()
        out.append([memento.url, memento.timestamp.isoformat(), memento.status_code, memento.ok, kind, content])
print(json.dumps(out))
""",
    )
    by_time = {(memento.url, memento.at.isoformat()): memento for memento in world.mementos}
    assert len(told) == 4
    for url, at, status, ok, kind, content in told:
        memento = by_time[url, at]
        assert (status, ok, base64.b64decode(content)) == (memento.status, memento.status < 400, memento.body)
        assert kind.partition(";")[0] == memento.mime


def test_edgis_wayback_follows_archived_redirects_and_keeps_the_history(world, run, archived):
    told = edgi(
        run,
        f"""
memento = client.get_memento("https://t.co/{archived.code}", timestamp="20240808104211")
print(json.dumps([memento.url, memento.text, [past.url for past in memento.history], sorted(memento.links)]))
""",
    )
    assert told[0] == f"https://x.com{archived.path}/photo/1"
    assert told[1] == "<p>the photo page</p>"
    assert told[2] == [f"https://t.co/{archived.code}"]
    assert {"original", "timegate", "timemap"} <= set(told[3])


def test_edgis_wayback_knows_every_refusal_by_name(world, run, archived):
    world.memento("https://shy.example/", AT, "a")
    world.memento("https://shy.example/a", AT, "a")
    world.exclude("shy.example")
    world.trouble("web.archive.org", path="id_/https://busy.example", status=429)
    world.memento("https://busy.example/", AT, "a")
    told = edgi(
        run,
        f"""
print(json.dumps([
    name(client.get_memento, "https://nothing.example/", timestamp="20240808000000"),
    name(client.get_memento, "https://twitter.com{archived.path}", timestamp="20240808000000"),
    name(client.get_memento, "https://twitter.com{archived.path}", timestamp="20240808000000", exact=False),
    name(client.get_memento, "https://shy.example/", timestamp="20240807104211"),
    name(lambda: list(client.search("shy.example"))),
    name(client.get_memento, "https://busy.example/", timestamp="20240807104211"),
]))
""",
    )
    assert told == [
        "NoMementoError",
        "MementoPlaybackError",
        None,
        "BlockedSiteError",
        "BlockedSiteError",
        "RateLimitError",
    ]


# --- waybackpy ------------------------------------------------------------------------------------------------------


def test_waybackpy_reads_the_index_and_availability(world, run, archived):
    for hour in range(5):
        world.memento("https://news.example/a", AT.replace(day=8, hour=hour), str(hour))
    code, said = run(
        code="""
import json
from waybackpy import WaybackMachineAvailabilityAPI, WaybackMachineCDXServerAPI
index = WaybackMachineCDXServerAPI("https://news.example/a", limit=2)
names = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest")
rows = [[getattr(row, name) for name in names] for row in index.snapshots()]
print(json.dumps(rows))
available = WaybackMachineAvailabilityAPI("https://news.example/a")
available.api_call_time_gap = 0
near = available.near(year=2024, month=8, day=8, hour=2, minute=40)
print(json.dumps([near.archive_url, near.timestamp().isoformat()]))
"""
    )
    assert code == 0, said
    rows, near = (json.loads(line) for line in said.splitlines()[-2:])
    expected = [memento.row for memento in world.mementos if "news.example" in memento.url]
    assert rows == [
        [row[name] for name in ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest")]
        for row in expected
    ]
    assert near == ["https://web.archive.org/web/20240808024211/https://news.example/a", "2024-08-08T02:42:11"]


def test_waybackpy_saves_a_page(world, run):
    world.page("https://news.example/a", "<p>hello</p>")
    code, said = run(
        code="""
from waybackpy import WaybackMachineSaveAPI
print(WaybackMachineSaveAPI("https://news.example/a").save())
"""
    )
    assert code == 0, said
    assert said.splitlines()[-1] == "https://web.archive.org/web/20261122120000/https://news.example/a"
    assert world.mementos[-1].body == b"<p>hello</p>"
