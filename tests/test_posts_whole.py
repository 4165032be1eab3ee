"""A post is kept with what it quotes and answers, on every network that has such a thing; and each source gives of a
post what it says it gives."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.model import Claim, PostRef
from archiver.platforms import platforms
from tests.commands import Run
from tests.parts import parts
from tests.simulator import World, gif, photo, video
from tests.simulator.hosts.bluesky import Record, Sky
from tests.simulator.hosts.mastodon import Fediverse
from tests.simulator.hosts.rumble import Channel
from tests.simulator.look import look

AT = dt.datetime(2026, 3, 1, 6, 42, 7, tzinfo=dt.UTC)


def at(minutes: int) -> dt.datetime:
    return AT + dt.timedelta(minutes=minutes)


# --- context --------------------------------------------------------------------------------------------------------


def mastodon(world: World) -> tuple[str, list[str]]:
    fedi = Fediverse(world)
    parent = fedi.post("social.example", "dock", "Is the berth open?", AT)
    quoted = fedi.post("social.example", "pilot", "The berth is closed.", at(1))
    post = fedi.post("social.example", "port", "It is not.", at(2), reply_to=parent.id, quotes=quoted)
    return post.url, [f"mastodon:social.example/{each.id}" for each in (parent, quoted)]


def telegram(world: World) -> tuple[str, list[str]]:
    parent = world.share("telegram", "harbourwatch/11", "Is the berth open?", AT)
    world.share("telegram", "harbourwatch/12", "It is not.", at(1), reply_to=parent)
    return "https://t.me/harbourwatch/12", ["telegram:harbourwatch/11"]


def reddit(world: World) -> tuple[str, list[str]]:
    comments = [("cmt111", "gull", "It fell.", "t3_abc123"), ("cmt222", "tern", "It did not.", "t1_cmt111")]
    world.share("reddit", "abc123", "A title", AT, comments=comments)
    return "https://www.reddit.com/r/harbours/comments/abc123/a_title/cmt222/", ["reddit:abc123/cmt111"]


def twitter(world: World) -> tuple[str, list[str]]:
    parent = world.post("dock", "Is the berth open?", AT)
    quoted = world.post("pilot", "The berth is closed.", at(1))
    post = world.post("port", "It is not.", at(2), reply_to=parent, quotes=quoted)
    return post.url, [f"twitter:{parent.id}", f"twitter:{quoted.id}"]


def bluesky(world: World) -> tuple[str, list[str]]:
    sky = Sky(world)
    parent = sky.post("dock.example", "Is the berth open?", AT)
    quoted = sky.post("pilot.example", "The berth is closed.", at(1))
    post = sky.post("port.example", "It is not.", at(2), reply_to=parent, quotes=quoted)
    return post.url, [f"bluesky:{parent.id}", f"bluesky:{quoted.id}"]


@pytest.mark.parametrize("make", [twitter, bluesky, mastodon, telegram, reddit])
def test_what_a_post_quotes_and_answers_is_kept_too(
    make: Callable[[World], tuple[str, list[str]]], world: World, archiver: Run, home: Path
) -> None:
    url, context = make(world)
    (home / "a.html").write_text(f'<article><p>As <a href="{url}">they wrote</a>.</p></article>')
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert (report["embeds"], report["states"]) == (1, {"archived": 1}), "totals count what articles show"
    for post in context:
        (found,) = json.loads(archiver("lookup", "--json", post).stdout)["posts"]
        assert found["snapshots"], post
        assert found["state"] == "archived"
    status = json.loads(archiver("status", "--json").stdout)
    # A Reddit comment's own comment is one more step away.
    assert status["posts"] == 1 + len(context)
    assert "sound" in archiver("verify").stdout
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []


@pytest.fixture
def chain(world: World) -> list[Record]:
    """Four posts, each of which quotes the one before."""
    sky, made = Sky(world), list[Record]()
    for number in range(4):
        text = f"Number {number} of the crane"
        made.append(sky.post(f"a{number}.example", text, at(number), quotes=made[-1] if made else None))
    return made


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_how_far_the_context_goes_is_configured(chain: list[Record], archiver: Run, home: Path, depth: int) -> None:
    with (home / "config.toml").open("a") as config:
        config.write(f"\n[context]\ndepth = {depth}\n")
    (home / "a.html").write_text(f'<article><p>As <a href="{chain[-1].url}">they wrote</a>.</p></article>')
    archiver("run", "--once", "a.html")
    kept = [
        len(json.loads(archiver("lookup", "--json", each.uri, expect=None).stdout)["posts"]) for each in reversed(chain)
    ]
    assert kept == [1] * (depth + 1) + [0] * (3 - depth)
    assert json.loads(archiver("reread", "--json").stdout)["changes"] == []


def test_two_posts_that_quote_each_other_end(world: World, archiver: Run, home: Path) -> None:
    sky = Sky(world)
    first = sky.post("dock.example", "Is it?", AT)
    second = sky.post("port.example", "It is not.", at(1), quotes=first)
    first.value["embed"] = {"$type": "app.bsky.embed.record", "record": {"uri": second.uri, "cid": second.cid}}
    sky.records[first.uri] = dataclasses.replace(first, quotes=second.uri)
    with (home / "config.toml").open("a") as config:
        config.write("\n[context]\ndepth = 9\n")
    (home / "a.html").write_text(f'<article><p>As <a href="{second.url}">they wrote</a>.</p></article>')
    report = json.loads(archiver("run", "--once", "--json", "a.html").stdout)
    assert report["states"] == {"archived": 1}


# --- what each source gives ----------------------------------------------------------------------------------------

# --- what each source gives ---------------------------------------------------------------------------------------
UNSERVED = {"mastodon-api": {"sound"}, "mastodon-activitypub": {"sound", "quoted post"}}


def rich(world: World) -> dict[str, list[str]]:
    """Posts which between them have every part that their network has."""
    sky, fedi, channel = Sky(world), Fediverse(world), Channel(world)
    quoted = sky.post("dock.example", "The berth", AT)
    card = {"uri": "https://news.example/crane", "title": "A crane", "description": "It fell"}
    sky_posts = [
        sky.post("port.example", "See https://a.example", at(1), [photo(alt="a")], quotes=quoted, reply_to=quoted),
        sky.post("port.example", "It falls", at(2), [video()], labels=["graphic-media"], captions={"en": "WEBVTT\n\n"}),
        sky.post("port.example", "Read", at(3), card=card),
    ]
    parent = fedi.post("social.example", "dock", "The berth", AT)
    statuses = [
        fedi.post(
            "social.example", "port", "See https://a.example", at(1), [photo(alt="a")], quotes=parent, spoiler="s",
        ),
        fedi.post("social.example", "port", "Who?", at(2), [video(), gif()], poll=("a", "b"), reply_to=parent.id),
        fedi.post(
            "social.example", "port", "Read", at(3), edited_at=at(9),
            card={"url": "https://a.example", "title": "A crane"},
        ),
    ]  # fmt: skip
    channel.publish("v5pv5f", "v5nkg6u", "The crane", AT)
    return {
        "bluesky": [each.id for each in sky_posts],
        "mastodon": [f"social.example/{each.id}" for each in statuses],
        "rumble": ["v5pv5f"],
    }


@pytest.mark.parametrize(
    ("network", "name"),
    [
        ("bluesky", "appview"), ("bluesky", "pds"), ("bluesky", "oembed"), ("mastodon", "api"),
        ("mastodon", "activitypub"), ("rumble", "player"),
    ],
)  # fmt: skip
def test_a_source_gives_what_it_says_it_gives(world: World, network: str, name: str) -> None:
    (source,) = [each for each in platforms()[network].sources() if each.name == name]
    shown: set[str] = set()
    for id in rich(world)[network]:
        finding = look(world, source.look(PostRef(network, id), Claim(handle="port")))
        assert finding.post is not None, finding
        shown |= set(parts(finding.post))
    assert shown == set(source.gives) - UNSERVED.get(f"{network}-{name}", set())
