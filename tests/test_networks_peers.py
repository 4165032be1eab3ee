"""Telegram and Reddit as yt-dlp and gallery-dl, unchanged, find them in the simulated web."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from test_peers import YT_DLP, kept, run  # noqa: F401  a fixture is found by its name

from tests.simulator.world import photo, video

pytestmark = pytest.mark.peers

AT = dt.datetime(2024, 8, 7, 10, 42, 11, tzinfo=dt.UTC)


def test_yt_dlp_gets_a_film_from_telegrams_embed_page(world, run, tmp_path):  # noqa: F811
    post = world.share("telegram", "harbourwatch/13", "It moves", AT, [video(seconds=2)], author="Harbour Watch")
    code, said = run(*YT_DLP, "--write-info-json", "-o", "got/%(id)s.%(ext)s", post.url)
    assert code == 0, said
    got = kept(tmp_path / "got")
    assert next(body for name, body in got.items() if name.endswith(".mp4")) == post.media[0].bytes()
    about = json.loads(next(body for name, body in got.items() if name.endswith(".json")))
    assert (about["description"], about["channel"], about["duration"]) == ("It moves", "Harbour Watch", 2)
    assert about["upload_date"] == "20240807"


@pytest.mark.parametrize("number", [1, 2])
def test_gallery_dl_gets_reddits_pictures_and_galleries_to_the_byte(world, run, tmp_path, number):  # noqa: F811
    post = world.share("reddit", "abc123", "The crane", AT, [photo(), photo(640, 480)][:number], handle="gull")
    code, said = run("gallery_dl", "--config-ignore", "-o", "api=rest", "-D", str(tmp_path / "got"), post.url)
    assert code == 0, said
    assert sorted(kept(tmp_path / "got").values()) == sorted(each.bytes() for each in post.media)


def test_gallery_dl_follows_a_share_link(world, run, tmp_path):  # noqa: F811
    post = world.share("reddit", "abc123", "The crane", AT, [photo()], share="abc456GHIJ")
    link = "https://www.reddit.com/r/harbours/s/abc456GHIJ"
    code, said = run("gallery_dl", "--config-ignore", "-o", "api=rest", "-D", str(tmp_path / "got"), link)
    assert code == 0, said
    assert list(kept(tmp_path / "got").values()) == [post.media[0].bytes()]


@pytest.mark.parametrize(("kind", "words"), [("private", "private"), ("quarantined", "uarantined")])
def test_yt_dlp_names_why_a_subreddit_is_closed(world, run, kind, words):  # noqa: F811
    post = world.share("reddit", "abc123", "The crane", AT, [video()], subreddit_type=kind)
    code, said = run(*YT_DLP, post.url)
    assert code != 0
    assert words in said.lower()


def test_yt_dlp_gets_reddits_film(world, run, tmp_path):  # noqa: F811
    post = world.share("reddit", "abc123", "It moves", AT, [video()], handle="gull")
    code, said = run(*YT_DLP, "-f", "fallback", "--write-info-json", "-o", "got/%(id)s.%(ext)s", post.url)
    assert code == 0, said
    got = kept(tmp_path / "got")
    assert next(body for name, body in got.items() if name.endswith(".mp4")) == post.media[0].bytes()
    about = json.loads(next(body for name, body in got.items() if name.endswith(".json")))
    assert (about["title"], about["uploader"], about["channel_id"]) == ("It moves", "gull", "harbours")
