"""The fetcher in the simulated web: names through an injected resolver, the address guard in the path, real TLS."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress

import pytest

from archiver.config import FetchConfig
from archiver.errors import FetchError, NotRecorded, Refused, Unreachable
from archiver.fetch import Fetcher, retry_after
from archiver.model import Capture, Request
from tests.simulator import Wire, gif, photo
from tests.simulator.founding import founding
from tests.simulator.hosts.syndication import token

pytest_plugins = ("tests.simulator.plugin",)

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
CURL = (("User-Agent", "curl/8.5.0"),)


@pytest.fixture
def fetcher(web, world):
    """A fetcher whose clock is the world's."""

    async def resolve(host: str, port: int):
        return (web.resolve(host, port),)

    def make(use: dict | None = None, **settings: object) -> Fetcher:
        config = FetchConfig(**{"ca_file": web.ca_file, "allow_addresses": LOOPBACK, **settings})
        use = {"resolve": resolve, "now": lambda: world.clock.now, "environ": {}, "hosts": {}, **(use or {})}
        return Fetcher(config, **use)

    return make


async def get(fetcher: Fetcher, *requests: Request | str) -> list[tuple[Capture, ...]]:
    async with fetcher as open_fetcher:
        return [await open_fetcher.fetch(Request(each) if isinstance(each, str) else each) for each in requests]


def syndication(post) -> str:
    return f"https://cdn.syndication.twimg.com/tweet-result?id={post.id}&lang=en&token={token(post.id)}"


async def test_a_short_code_its_post_and_its_media_are_captured_and_replayed(world, fetcher, tmp_path):
    posts = founding(world)
    requests = [
        Request("https://t.co/fwutN0Bakg", headers=CURL, follow=0),
        Request("https://t.co/KF0irzUiL7", headers=CURL),
        Request(syndication(posts.noel)),
        Request(syndication(posts.anton)),
        Request(posts.anton.media[0].url, is_media=True),
        Request(posts.noel.media[0].best.url, is_media=True),
    ]
    path = tmp_path / "web.warc.gz"
    seen = await get(fetcher({"record": path}), *requests)
    assert seen[0][0].header("location") == f"{posts.noel.url}/video/1"
    assert [c.status for c in seen[1]] == [301, 200]
    assert seen[1][-1].url == posts.news
    assert seen[2][0].json()["id_str"] == posts.noel.id
    assert seen[4][0].body.sha256 == hashlib.sha256(posts.anton.media[0].bytes()).hexdigest()
    assert seen[5][0].body.sha256 == hashlib.sha256(posts.noel.media[0].best.bytes()).hexdigest()
    assert {c.server_address for chain in seen for c in chain} == {"127.0.0.1"}

    world.clock.advance(days=400)
    again = await get(Fetcher(FetchConfig(replay=(path,)), environ={}, now=lambda: world.clock.now), *requests)
    for chain, replayed in zip(seen, again, strict=True):
        for one, other in zip(chain, replayed, strict=True):
            assert (one.url, one.status, one.headers) == (other.url, other.status, other.headers)
            assert (one.body, one.payload, one.started_at) == (other.body, other.payload, other.started_at)
            assert other.origin.kind == "replay"


@pytest.mark.parametrize(
    ("wire", "ends"),
    [
        (Wire.SHORT, {"disconnect"}),
        (Wire.RESET, {"disconnect", "unreachable"}),  # a reset may overtake the headers
        (Wire.SILENT, {"timeout"}),
        (Wire.DROPPED, {"unreachable"}),
        (Wire.NOISE, {"unreachable"}),
    ],
)
async def test_every_way_a_connection_breaks_is_told_apart_and_replayed(world, fetcher, tmp_path, wire, ends):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7), [photo()])
    url = post.media[0].url
    world.trouble("pbs.twimg.com", wire=wire)
    path = tmp_path / "web.warc.gz"

    async def ended(each: Fetcher) -> str | None:
        try:
            ((capture,),) = await get(each, Request(url))
        except Unreachable as error:
            return error.reason
        return capture.truncated

    live = await ended(fetcher({"record": path}, timeout=dt.timedelta(seconds=0.5)))
    assert live in ends
    assert await ended(Fetcher(FetchConfig(replay=(path,)), environ={})) == live


async def test_a_slow_host_runs_into_the_deadline(world, fetcher):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7), [gif()])
    world.trouble("video.twimg.com", trickle=0.1)
    url = post.media[0].best.url
    ((capture,),) = await get(fetcher(media_timeout=dt.timedelta(seconds=0.4)), Request(url, is_media=True))
    assert capture.truncated == "time"
    assert 0 < capture.body.size < len(post.media[0].best.bytes())


async def test_a_rate_limit_says_when_to_come_back(world, fetcher):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7))
    world.limit("cdn.syndication.twimg.com", 1, 60, retry_after=45)
    _, ((limited,)) = await get(fetcher(), syndication(post), syndication(post))
    assert limited.status == 429
    assert retry_after(limited, world.clock.now) == limited.ended_at + dt.timedelta(seconds=45)


async def test_a_post_that_dies_between_two_recordings_dies_in_the_replay(world, fetcher, tmp_path):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7))
    path = tmp_path / "web.warc.gz"
    await get(fetcher({"record": path}), syndication(post))
    world.clock.advance(days=2)
    world.delete(post)
    await get(fetcher({"record": path}), syndication(post))
    chains = await get(Fetcher(FetchConfig(replay=(path,)), environ={}), *[syndication(post)] * 2)
    first, second = chains[0][0], chains[1][0]
    assert first.json()["text"] == "Crane"
    assert "text" not in second.text or second.status == 404
    assert second.started_at - first.started_at == dt.timedelta(days=2)
    with pytest.raises(NotRecorded):
        await get(Fetcher(FetchConfig(replay=(path,)), environ={}), "https://t.co/elsewhere1")


async def test_through_the_connect_proxy_no_address_is_claimed(world, web, fetcher):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7))
    ((capture,),) = await get(fetcher(proxy=web.proxy_url), syndication(post))
    assert capture.json()["text"] == "Crane"
    assert (capture.proxy, capture.server_address) == (web.proxy_url, None)


async def test_without_permission_the_whole_simulated_web_is_refused(world, fetcher):
    post = world.post("harbourwatch", "Crane", dt.date(2024, 8, 7))
    with pytest.raises(Refused, match="a loopback address"):
        await get(fetcher(allow_addresses=()), syndication(post))
    assert world.asked() == ()


async def test_a_name_that_nobody_has_is_silence(world, fetcher):
    with pytest.raises(FetchError, match="no such name"):
        await get(fetcher(), "https://nobody.example/")
