"""The simulated Bluesky and Mastodon, judged by clients that others wrote: gallery-dl, yt-dlp, atproto, Mastodon.py."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulator import Web, World, photo, video
from tests.simulator.hosts.bluesky import Sky
from tests.simulator.hosts.mastodon import Fediverse

pytestmark = pytest.mark.peers
AT = dt.datetime(2026, 3, 1, 6, 42, 7, tzinfo=dt.UTC)
Peer = Callable[..., tuple[int, str]]


@pytest.fixture
def run(web: Web, tmp_path: Path) -> Peer:
    """Run somebody else's module, or a script that uses it, through the proxy; its exit code and all it said."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str, code: str | None = None) -> tuple[int, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        command = [sys.executable, "-I", *(("-c", code) if code else ("-m",)), *arguments]
        environment = kept | web.environment(home) | {"PYTHONUTF8": "1", "SSL_CERT_FILE": str(web.ca_file)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90
        )
        return done.returncode, done.stderr + done.stdout

    return run


def got(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((tmp_path / "got").rglob("*")) if path.is_file()]


def test_gallery_dl_brings_home_bluesky_blobs(world: World, run: Peer, tmp_path: Path) -> None:
    post = Sky(world).post("porthaven.example", "Two cranes", AT, [photo(alt="a"), photo(640, 480, "png")])
    code, said = run("gallery_dl", "--config-ignore", "-D", str(tmp_path / "got"), post.url)
    assert code == 0, said
    assert sorted(got(tmp_path)) == sorted(content for _, content, _ in post.media)


def test_yt_dlp_brings_home_a_bluesky_video(world: World, run: Peer, tmp_path: Path) -> None:
    post = Sky(world).post("porthaven.example", "A fall", AT, [video()])
    code, said = run(
        "yt_dlp",
        "--ignore-config",
        "--no-progress",
        "--compat-options",
        "no-certifi",
        "--no-update",
        "--no-cache-dir",
        "-f",
        "blob",
        "-o",
        "got/%(id)s.%(ext)s",
        post.url,
    )
    assert code == 0, said
    assert got(tmp_path) == [post.media[0][1]]


def test_atproto_reads_the_appview_and_the_record(world: World, run: Peer) -> None:
    sky = Sky(world)
    quoted = sky.post("dockside.example", "The berth is closed.", AT)
    post = sky.post("porthaven.example", "Down: https://news.example/crane", AT, [photo(alt="a")], quotes=quoted)
    answers = [
        world.get(f"https://public.api.bsky.app/xrpc/app.bsky.feed.getPosts?uris={post.uri}").json(),
        world.get(
            f"https://{sky.server}/xrpc/com.atproto.repo.getRecord?repo={post.account.did}"
            f"&collection=app.bsky.feed.post&rkey={post.key}"
        ).json(),
    ]
    code, said = run(
        code=f"""
import json
from atproto import models
shown, record = json.loads({json.dumps(json.dumps(answers))})
post = models.AppBskyFeedGetPosts.Response(**shown).posts[0]
kept = models.get_or_create(record["value"], models.AppBskyFeedPost.Record)
print(json.dumps([post.author.handle, post.record.text, post.embed.record.record.value.text, kept.text,
                  kept.embed.media.images[0].alt, kept.facets[0].features[0].uri]))
"""
    )
    assert code == 0, said
    assert json.loads(said.splitlines()[-1]) == [
        "porthaven.example",
        post.value["text"],
        "The berth is closed.",
        post.value["text"],
        "a",
        "https://news.example/crane",
    ]


def test_gallery_dl_brings_home_mastodon_files(world: World, run: Peer, tmp_path: Path) -> None:
    post = Fediverse(world).post("mastodon.social", "port", "Two", AT, [photo(), video()])
    code, said = run("gallery_dl", "--config-ignore", "-D", str(tmp_path / "got"), post.url)
    assert code == 0, said
    assert sorted(got(tmp_path)) == sorted(medium.bytes() for medium in post.media)


def test_mastodon_py_reads_a_status(world: World, run: Peer) -> None:
    post = Fediverse(world).post("social.example", "port", "Is it down?", AT, [photo(alt="a")], poll=("Yes", "No"))
    code, said = run(
        code=f"""
import json
from mastodon import Mastodon
status = Mastodon(api_base_url="https://social.example", version_check_mode="none").status({post.id})
print(json.dumps([status.account.acct, status.content, status.created_at.isoformat(), status.poll.options[1].title,
                  status.media_attachments[0].description]))
"""
    )
    assert code == 0, said
    assert json.loads(said.splitlines()[-1]) == ["port", post.content, AT.isoformat(), "No", "a"]
