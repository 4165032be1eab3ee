"""The fetcher against real servers on loopback: what it records, and every trap really seen (EVIDENCE.md 3)."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import hashlib
import io
import ipaddress
import json
import logging
import os
import resource
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from archiver.config import FetchConfig, HostConfig
from archiver.errors import ArchiveFull, ConfigError, FetchError, ParseError, Refused, Unreachable
from archiver.fetch import Fetcher, retry_after, shown
from archiver.model import EMPTY, Capture, Request
from tests.loopback import Asked, Web, reply, web

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
CANARY = "canary-5f2c9d1e7b"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
async def there(authority: trustme.CA):
    async with web(authority) as here:
        yield here


@pytest.fixture
def fetcher(there: Web, ca_file: Path, tmp_path: Path) -> Callable[..., Fetcher]:
    """A fetcher for the web on loopback; keyword arguments are the configuration's, `use` the fetcher's own."""

    def make(use: dict | None = None, **settings: object) -> Fetcher:
        settings = {"ca_file": ca_file, "allow_addresses": LOOPBACK, **settings}
        seconds = {"timeout", "connect_timeout", "media_timeout"}
        settings = {k: dt.timedelta(seconds=v) if k in seconds else v for k, v in settings.items()}
        return Fetcher(FetchConfig(**settings), **{"resolve": there.resolve, "environ": {}, "hosts": {}, **(use or {})})

    return make


async def get(fetcher: Fetcher, url: str, **asked: object) -> tuple[Capture, ...]:
    async with fetcher as open_fetcher:
        return await open_fetcher.fetch(Request(url, **asked))


def read(body) -> bytes:
    with body.open() as stream:
        return stream.read()


# --- what a capture holds -------------------------------------------------------------------------------------------


async def test_a_page_is_a_capture(there, fetcher):
    there["a.example/page"] = (
        b"HTTP/1.1 200 Fine\r\nContent-Type: text/html\r\nX-odd-CASE: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
        b"X-Name: caf\xc3\xa9\r\nContent-Length: 5\r\n\r\nhello"
    )
    before = dt.datetime.now(dt.UTC)
    (capture,) = await get(fetcher({"user_agent": "archiver/9 (+desk)"}), "https://a.example/page?x=1%2F2#part")
    assert (capture.status, capture.protocol, capture.content) == (200, "HTTP/1.1", b"hello")
    assert capture.url == "https://a.example/page?x=1%2F2"
    assert capture.headers == (
        ("Content-Type", "text/html"),
        ("X-odd-CASE", "1"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("X-Name", "caf\xc3\xa9"),
        ("Content-Length", "5"),
    )
    assert capture.body.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert before <= capture.started_at <= capture.ended_at <= dt.datetime.now(dt.UTC)
    assert capture.origin.kind == "live"
    assert capture.server_address == "127.0.0.1"
    assert capture.truncated is None
    (asked,) = there.asked
    assert asked.target == "/page?x=1%2F2"
    assert asked.headers == capture.request_headers
    assert asked.header("user-agent") == "archiver/9 (+desk)"
    assert asked.header("cookie") is None


async def test_the_certificate_that_answered_is_named(there, fetcher):
    there["/"] = reply(200, b"x")
    (capture,) = await get(fetcher(), "https://a.example/")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    there.authority.configure_trust(tls)
    _, writer = await asyncio.open_connection("127.0.0.1", there.ports[443], ssl=tls, server_hostname="a.example")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert capture.tls_certificate == hashlib.sha256(der).hexdigest()
    (plain,) = await get(fetcher(), "http://a.example/")
    assert plain.tls_certificate is None


async def test_any_status_is_a_capture(there, fetcher):
    for status in (204, 304, 403, 404, 410, 429, 451, 500, 503, 599):
        there["/"] = reply(status, b"" if status in (204, 304) else b"gone")
        assert (await get(fetcher(), "http://a.example/"))[-1].status == status


async def test_a_post_carries_its_body(there, fetcher):
    there["/save"] = reply(200, b"ok")
    asked = {"method": "POST", "body": b"url=x", "headers": (("Content-Type", "application/x-www-form-urlencoded"),)}
    (capture,) = await get(fetcher(), "https://a.example/save", **asked)
    assert there.asked[0].method == capture.method == "POST"
    assert there.asked[0].body == read(capture.request_body) == b"url=x"


async def test_a_chunked_body_is_joined_and_its_header_kept(there, fetcher):
    there["/"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    (capture,) = await get(fetcher(), "http://a.example/")
    assert capture.content == read(capture.body) == b"abcde"
    assert capture.header("transfer-encoding") == "chunked"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("gzip", lambda plain: gzip.compress(plain[:9]) + gzip.compress(plain[9:])),
        ("gzip", lambda plain: gzip.compress(plain) + b"\0" * 700),
        ("deflate", zlib.compress),
        ("deflate", lambda plain: (z := zlib.compressobj(wbits=-15)).compress(plain) + z.flush()),
    ],
)
async def test_a_coding_is_undone_and_the_wire_bytes_are_kept(there, fetcher, coding, encode):
    plain = os.urandom(300_000) + b"A" * 300_000
    wire = encode(plain)
    there["/"] = reply(200, wire, content_encoding=coding)
    (capture,) = await get(fetcher(), "http://a.example/")
    assert capture.content == plain
    assert read(capture.body) == wire
    assert there.asked[0].header("accept-encoding") == "gzip"


async def test_wayback_s_empty_second_coding_header_does_no_harm(there, fetcher):
    body = gzip.compress(b"memento")
    there["/"] = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding:\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )
    assert (await get(fetcher(), "http://a.example/"))[-1].content == b"memento"


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "gzip, identity, deflate", "x" * 40])
async def test_a_coding_we_did_not_ask_for_is_kept_and_not_read(there, fetcher, coding):
    body = gzip.compress(gzip.compress(b"A" * 1000))
    there["/"] = reply(200, body, content_encoding=coding)
    (capture,) = await get(fetcher(), "http://a.example/")
    assert read(capture.body) == body
    assert capture.payload == capture.body
    with pytest.raises(ParseError, match="coding"):
        _ = capture.content


async def test_bytes_that_are_not_what_their_coding_says_are_kept(there, fetcher):
    there["/"] = reply(200, b"plain after all", content_encoding="gzip")
    assert (await get(fetcher(), "http://a.example/"))[-1].content == b"plain after all"


async def test_a_large_body_is_read_by_many_at_once_and_outlives_the_fetcher(there, fetcher, tmp_path):
    film = os.urandom(3_000_000)
    there["/"] = reply(200, film, content_type="video/mp4")
    (capture,) = await get(fetcher({"spool": tmp_path}), "http://a.example/", is_media=True)
    assert there.asked[0].header("accept-encoding") == "identity"
    assert list(tmp_path.iterdir()) == []  # the spool file has no name
    one, two = capture.body.open(), capture.payload.open()
    assert one.read(1000) == two.read(1000) == film[:1000]
    assert one.seek(-5, io.SEEK_END) == len(film) - 5
    assert one.read() == film[-5:]
    found: list[str] = []
    readers = [threading.Thread(target=lambda: found.append(hashlib.sha256(read(capture.body)).hexdigest()))] * 1
    readers += [threading.Thread(target=lambda: found.append(hashlib.sha256(read(capture.body)).hexdigest()))]
    for each in readers:
        each.start()
    for each in readers:
        each.join()
    assert set(found) == {hashlib.sha256(film).hexdigest()} == {capture.body.sha256}


async def test_no_room_for_a_body_is_said(there, fetcher, tmp_path):
    there["/"] = reply(200, bytes(2_000_000))
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, old[1]))
        with pytest.raises(ArchiveFull, match="no room for a body"):
            await get(fetcher({"spool": tmp_path}), "http://a.example/")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


async def test_an_answer_s_cookie_is_not_sent_back(there, fetcher):
    there["/"] = reply(200, b"x", set_cookie="id=1; Path=/")
    async with fetcher() as open_fetcher:
        await open_fetcher.fetch(Request("https://a.example/"))
        await open_fetcher.fetch(Request("https://a.example/"))
    assert there.connections == 1  # the connection is kept, the cookie is not
    assert [asked.header("cookie") for asked in there.asked] == [None, None]


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(there, fetcher):
    async def close_after(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"x"))
        await writer.drain()
        await asyncio.sleep(0.03)

    there["/"] = close_after
    async with fetcher() as open_fetcher:
        for pause in (0, 0.02, 0.03, 0.04, 0.1):
            await asyncio.sleep(pause)
            assert (await open_fetcher.fetch(Request("https://a.example/")))[0].status == 200


# --- redirects ------------------------------------------------------------------------------------------------------


async def test_every_hop_is_a_capture_that_names_the_one_before(there, fetcher):
    there["t.example/x"] = reply(301, b"moved", location="https://b.example/y?u=https%3A%2F%2Fc.example%2F")
    there["b.example/y"] = reply(302, b"", location="z")
    there["b.example/z"] = reply(200, b"here")
    chain = await get(fetcher(), "http://t.example/x")
    assert [c.status for c in chain] == [301, 302, 200]
    assert [c.url for c in chain][1:] == ["https://b.example/y?u=https%3A%2F%2Fc.example%2F", "https://b.example/z"]
    assert [c.redirected_from for c in chain] == [None, chain[0].id, chain[1].id]
    assert chain[0].content == b"moved"


async def test_follow_nothing_means_the_location_is_the_answer(there, fetcher):
    there["/x"] = reply(301, b"", location="https://b.example/y")
    (capture,) = await get(fetcher(), "https://t.example/x", follow=0)
    assert capture.header("location") == "https://b.example/y"
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST")],
)
async def test_a_redirected_post_follows_the_standard(there, fetcher, status, method, then):
    there["/x"] = reply(status, b"", location="/y")
    there["/y"] = reply(200, b"")
    await get(fetcher(), "https://a.example/x", method=method, body=b"q=1", headers=(("Content-Type", "text/q"),))
    assert there.asked[1].method == then
    assert there.asked[1].body == (b"q=1" if then == "POST" else b"")
    assert bool(there.asked[1].header("content-type")) == (then == "POST")


async def test_a_loop_and_an_endless_chain_end(there, fetcher):
    there["/a"] = reply(302, b"", location="/b")
    there["/b"] = reply(302, b"", location="/a")
    assert [c.status for c in await get(fetcher(), "https://a.example/a")] == [302, 302]

    async def on(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(302, b"", location=f"/n?{int(asked.target.partition('?')[2]) + 1}"))

    there["/n"] = on
    assert len(await get(fetcher(), "https://a.example/n?0", follow=50)) == 6
    assert len(await get(fetcher(redirects=2), "https://a.example/n?0")) == 3


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://a.example/x",
        "data:text/html,x",
        "javascript:alert(1)",
        "gopher://a.example/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://167772161/",
        "https://b.example:22/",
        f"https://joe:{CANARY}@b.example/",
        "http://[",
        "http://",
    ],
)
async def test_a_redirect_to_where_we_do_not_go_keeps_what_was_answered(there, fetcher, location):
    there["/x"] = reply(302, b"on you go", location=location)
    with pytest.raises(Refused) as caught:
        await get(fetcher(), "http://a.example/x")
    (answered,) = caught.value.captures
    assert answered.content == b"on you go"
    assert len(there.asked) == 1
    assert CANARY not in str(caught.value)


# --- secrets --------------------------------------------------------------------------------------------------------

TOKENS = ("Authorization", "Cookie", "X-Api-Key", "x-guest-token", "X-CSRF-Token", "Proxy-Authorization")


async def test_a_secret_is_sent_to_the_first_origin_and_shown_nowhere(there, fetcher):
    there["a.example/1"] = reply(302, b"", location="/2")
    there["a.example/2"] = reply(302, b"", location="https://b.example/3")
    there["b.example/3"] = reply(302, b"", location="https://a.example/4")
    there["a.example/4"] = reply(200, b"done")
    headers = tuple((name, CANARY + name) for name in TOKENS if name != "Authorization")
    make = fetcher({"environ": {"X_TOKEN": CANARY}})
    chain = await get(make, "https://a.example/1", secret=("X_TOKEN", "Bearer"), headers=headers)
    sent = [[name for name in TOKENS if asked.header(name)] for asked in there.asked]
    assert sent == [list(TOKENS), list(TOKENS), [], []]
    assert there.asked[0].header("authorization") == f"Bearer {CANARY}"
    assert dict(chain[0].request_headers)["Authorization"] == "<secret from X_TOKEN>"


@pytest.mark.parametrize("target", ["http://a.example/2", "https://a.example:444/2", "https://sub.a.example/2"])
async def test_another_scheme_or_port_is_another_origin(there, fetcher, target):
    there["/1"] = reply(302, b"", location=target)
    make = fetcher({"environ": {"X_TOKEN": CANARY}}, allow_ports=(80, 443, 444))
    await get(make, "https://a.example/1", secret=("X_TOKEN", "Bearer"), headers=(("x-api-key", CANARY),))
    assert len(there.asked) == 2
    for asked in there.asked[1:]:
        assert CANARY not in repr(asked)


@pytest.mark.parametrize("value", [None, "", f"{CANARY}\r\nX-Evil: 1", f"{CANARY}é", f" {CANARY}"])
async def test_a_missing_or_impossible_secret_is_refused_without_showing_it(there, fetcher, value):
    make = fetcher({"environ": {} if value is None else {"X_TOKEN": value}})
    with pytest.raises(Refused, match="X_TOKEN") as caught:
        await get(make, "https://a.example/", secret=("X_TOKEN", "Bearer"))
    assert caught.value.reason == "not-tried"
    assert CANARY not in str(caught.value) + repr(caught.value.__cause__)
    assert there.asked == []


async def test_no_secret_reaches_a_log_or_an_error(there, fetcher, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    there["/x"] = reply(302, b"", location=f"https://b.example/y?access_token={CANARY}", set_cookie=f"s={CANARY}")

    async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.close()

    there["/y"] = hang_up
    make = fetcher({"environ": {"X_TOKEN": CANARY}})
    with pytest.raises(FetchError) as caught:
        await get(make, f"https://a.example/x?sig={CANARY}", secret=("X_TOKEN", "Bearer"))
    assert "b.example/y?access_token=…" in str(caught.value)
    for refused in (f"https://joe:{CANARY}@a.example/", f"ftp://x/?token={CANARY}", f"http://a.example:x?key={CANARY}"):
        with pytest.raises(Refused) as caught:
            await get(make, refused)
        assert CANARY not in str(caught.value)
    assert CANARY not in caplog.text
    assert CANARY not in repr([record.__dict__ for record in caplog.records])


def test_a_url_is_shown_without_what_opens_doors():
    assert (
        shown(f"https://joe:{CANARY}@a.example/p?q=1&Api_Key={CANARY}&z=2#t")
        == "https://a.example/p?q=1&Api_Key=…&z=2#t"
    )
    assert shown(f"//joe@a.example/?X-Amz-Signature={CANARY}") == "//a.example/?X-Amz-Signature=…"


# --- time and bytes -------------------------------------------------------------------------------------------------


def rss() -> int:
    """Resident bytes of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Highest:
    """The most this process grew while the block ran, in bytes, sampled every few milliseconds."""

    def __enter__(self) -> Highest:
        self.start, self.most, self._over = rss(), rss(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.003):
            self.most = max(self.most, rss())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.grew = self.most - self.start


def bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    return b"".join([squeeze.compress(zeros) for _ in range(size // len(zeros))]) + squeeze.flush()


@pytest.mark.parametrize("is_media", [False, True])
async def test_a_decompression_bomb_costs_no_memory(there, fetcher, tmp_path, is_media):
    """194 kB that become 200 MB: httpx took 440 MB for them."""
    there["/"] = reply(200, bomb(200_000_000), content_encoding="gzip")
    with Highest() as highest:
        chain = await get(fetcher({"spool": tmp_path}, max_page=4_000_000), "http://a.example/", is_media=is_media)
    assert chain[0].truncated == "length"
    assert chain[0].payload.size == 4_000_000
    assert highest.grew < 20_000_000


async def test_a_bomb_in_a_bomb_is_not_opened(there, fetcher):
    """481 bytes that become 200 MB."""
    inner = gzip.compress(bomb(200_000_000), 9)
    assert len(inner) < 5000
    there["/"] = reply(200, inner, content_encoding="gzip, gzip")
    with Highest() as highest:
        (capture,) = await get(fetcher(), "http://a.example/")
    assert read(capture.body) == inner
    assert highest.grew < 10_000_000


async def test_a_large_body_takes_constant_memory(there, fetcher, tmp_path):
    piece = os.urandom(1_000_000)

    async def film(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 150000000\r\n\r\n")
        for _ in range(150):
            writer.write(piece)
            await writer.drain()

    there["/"] = film
    with Highest() as highest:
        (capture,) = await get(fetcher({"spool": tmp_path}), "http://a.example/", is_media=True)
    assert capture.body.size == 150_000_000
    assert capture.truncated is None
    assert highest.grew < 20_000_000


async def test_slow_headers_run_into_the_deadline(there, fetcher):
    async def trickle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            writer.write(b"X-%d: y\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.05)

    there["/"] = trickle
    started = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        await get(fetcher(timeout=0.4), "https://a.example/")
    assert caught.value.reason == "timeout"
    assert 0.3 < time.monotonic() - started < 1.5


@pytest.mark.parametrize("coding", ["", "Content-Encoding: gzip\r\n"])
async def test_a_slow_body_is_kept_as_far_as_it_came(there, fetcher, coding):
    body = gzip.compress(os.urandom(5000)) if coding else b"y" * 5000

    async def trickle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{coding}Content-Length: 5000\r\n\r\n".encode())
        for number in range(200):
            writer.write(body[number * 25 : number * 25 + 25])
            await writer.drain()
            await asyncio.sleep(0.05)

    there["/"] = trickle
    started = time.monotonic()
    (capture,) = await get(fetcher(timeout=0.4), "https://a.example/")
    assert 0.3 < time.monotonic() - started < 1.5
    assert capture.truncated == "time"
    assert 0 < capture.body.size < 5000
    assert body.startswith(read(capture.body))


async def test_an_endless_body_is_cut_at_the_cap(there, fetcher):
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"z" * 65536)
            await writer.drain()

    there["/"] = endless
    (capture,) = await get(fetcher(max_page=1_000_000), "http://a.example/")
    assert (capture.truncated, capture.body.size) == ("length", 1_000_000)
    (capture,) = await get(fetcher(), "http://a.example/", max_bytes=1000)
    assert (capture.truncated, capture.body.size) == ("length", 1000)


async def test_a_body_announced_too_large_is_not_begun(there, fetcher):
    there["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nbegins"
    (capture,) = await get(fetcher(), "http://a.example/", is_media=True)
    assert (capture.truncated, capture.body.size) == ("length", 0)


@pytest.mark.parametrize("framing", [b"Content-Length: 500", b"Transfer-Encoding: chunked"])
async def test_a_broken_connection_keeps_what_came(there, fetcher, framing):
    async def break_off(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + (b"ff\r\n" if b"chunk" in framing else b"") + b"abc"
        )
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    there["/"] = break_off
    (capture,) = await get(fetcher(), "http://a.example/")
    assert (capture.truncated, capture.content) == ("disconnect", b"abc")


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n", b"\x16\x03\x01\x00"],
)
async def test_no_readable_answer_is_silence(there, fetcher, said):
    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    there["/"] = say
    with pytest.raises(Unreachable) as caught:
        await get(fetcher(), "http://a.example/")
    assert caught.value.reason == "unreachable"
    assert str(caught.value).startswith("http://a.example/: ")
    assert caught.value.url == "http://a.example/"


async def test_a_closed_port_an_unknown_name_and_a_foreign_certificate_are_silence(there, fetcher, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with pytest.raises(Unreachable, match=r"no connection to a\.example"):
        await get(fetcher(resolve={"a.example": f"127.0.0.1:{closed}"}), "http://a.example/")

    async def unknown(host: str, port: int):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(Unreachable, match=r"no such name: a\.example \(Name or service not known\)"):
        await get(fetcher({"resolve": unknown}), "http://a.example/")
    with pytest.raises(Unreachable, match="certificate verify failed"):
        await get(fetcher(ca_file=None), "https://a.example/")
    with pytest.raises(Unreachable, match="certificate verify failed"):
        await get(fetcher(), "https://a.elsewhere/")


async def test_a_resolver_that_never_answers_runs_into_the_deadline(there, fetcher):
    async def never(host: str, port: int):
        await asyncio.sleep(60)

    with pytest.raises(Unreachable) as caught:
        await get(fetcher({"resolve": never}, connect_timeout=0.2), "http://a.example/")
    assert caught.value.reason == "timeout"


async def test_the_next_address_is_tried_when_one_does_not_answer(there, fetcher):
    there["/"] = reply(200, b"second")

    async def two(host: str, port: int):
        return (("127.0.0.9", 1), ("127.0.0.1", there.ports[80]))

    assert (await get(fetcher({"resolve": two}), "http://a.example/"))[0].content == b"second"


async def test_cancelling_a_fetch_leaves_nothing_open(there, fetcher):
    async def hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    there["/slow"] = hang
    there["/"] = reply(200, b"x")
    async with fetcher(per_host=1, connections=1) as open_fetcher:
        task = asyncio.create_task(open_fetcher.fetch(Request("https://a.example/slow")))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await open_fetcher.fetch(Request("https://a.example/")))[0].content == b"x"


# --- politeness -----------------------------------------------------------------------------------------------------


async def test_connections_to_one_host_and_to_all_are_bounded(there, fetcher):
    now, most = {"all": 0}, {"all": 0}

    async def count(asked: Asked, writer: asyncio.StreamWriter) -> None:
        for key in ("all", asked.host):
            now[key] = now.get(key, 0) + 1
            most[key] = max(most.get(key, 0), now[key])
        await asyncio.sleep(0.02)
        for key in ("all", asked.host):
            now[key] -= 1
        writer.write(reply(200, b"x", connection="close"))

    there["/"] = count
    async with fetcher(per_host=2, connections=3) as open_fetcher:
        hosts = ("a.example", "b.example", "c.example")
        await asyncio.gather(*(open_fetcher.fetch(Request(f"https://{host}/")) for host in sorted(hosts * 6)))
    assert most.pop("all") == 3
    assert len(most) == 3
    assert max(most.values()) == 2


async def test_a_host_s_limit_a_minute_is_kept_and_the_longest_path_counts(there, fetcher):
    for path in ("/cdx/search", "/web/1", "/other"):
        there[path] = reply(200, b"x")
    hosts = {"a.example": HostConfig(60 * 400), "a.example/cdx": HostConfig(60 * 2, 1)}
    async with fetcher({"hosts": hosts}) as open_fetcher:

        async def ask(path: str) -> float:
            await open_fetcher.fetch(Request(f"https://a.example{path}"))
            return time.monotonic()

        started = time.monotonic()
        slow = [asyncio.create_task(ask("/cdx/search")) for _ in range(3)]
        quick = [asyncio.create_task(ask("/web/1")) for _ in range(8)]
        assert max(await asyncio.gather(*quick)) - started < 1.5
        await asyncio.gather(*slow)
    assert len(there.asked) == 11


async def test_no_more_than_the_limit_begin_within_its_window():
    from archiver.fetch.pace import _Gate

    loop = asyncio.get_running_loop()
    gate = _Gate("a.example", HostConfig(per_minute=5), 4)
    gate._window = 0.2
    begun = []
    for _ in range(12):
        await gate.wait()
        begun.append(loop.time())
    assert all(later - earlier >= 0.199 for earlier, later in zip(begun, begun[5:], strict=False))
    assert begun[-1] - begun[0] < 1


NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def answer(status: int, **headers: str) -> Capture:
    return Capture(
        url="https://a.example/",
        method="GET",
        request_headers=(),
        request_body=EMPTY,
        status=status,
        protocol="HTTP/1.1",
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=EMPTY,
        payload=EMPTY,
        started_at=NOW,
        ended_at=NOW,
    )


@pytest.mark.parametrize(
    ("capture", "seconds"),
    [
        (answer(429, retry_after="120"), 120),
        (answer(503, Retry_After="Sun, 22 Nov 2026 12:05:00 GMT"), 300),
        (answer(503, retry_after="Sun, 22 Nov 2026 11:05:00 GMT"), None),
        (answer(503), None),
        (answer(429), 60),
        (answer(429, retry_after="soon"), 60),
        (answer(429, retry_after="9" * 40), 7 * 86400),
        (answer(429, x_rate_limit_reset=str(int(NOW.timestamp()) + 900)), 900),
        (answer(200, x_rate_limit_remaining="0", x_rate_limit_reset=str(int(NOW.timestamp()) + 900)), 900),
        (answer(200, x_rate_limit_remaining="7", x_rate_limit_reset=str(int(NOW.timestamp()) + 900)), None),
        (answer(200, x_ratelimit_remaining="0", x_ratelimit_reset="2026-11-22T12:03:00.000Z"), 180),
        (answer(429, memento_datetime="Sun, 22 Nov 2020 11:05:00 GMT", retry_after="120"), None),
        (answer(301, retry_after="120"), None),
    ],
)
def test_a_host_that_asks_for_time_is_given_it(capture, seconds):
    assert retry_after(capture, NOW) == (seconds and NOW + dt.timedelta(seconds=seconds))


# --- a proxy --------------------------------------------------------------------------------------------------------


async def proxy_to(there: Web, seen: list[str]):
    """A CONNECT proxy that takes every name for the web on loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.append(head)
        if not head.startswith("CONNECT"):
            writer.write(reply(200, b"by proxy"))
            writer.close()
            return
        near = await asyncio.open_connection("127.0.0.1", there.ports[443])
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while chunk := await source.read(65536):
                target.write(chunk)
            target.close()

        await asyncio.gather(pump(reader, near[1]), pump(near[0], writer), return_exceptions=True)

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def test_a_proxy_is_recorded_without_its_password_and_no_address_is_claimed(there, fetcher):
    seen: list[str] = []
    server = await proxy_to(there, seen)
    port = server.sockets[0].getsockname()[1]
    there["/"] = reply(200, b"through")
    make = fetcher({"environ": {"MY_PROXY": f"http://joe:{CANARY}@127.0.0.1:{port}"}}, proxy="env:MY_PROXY")
    (capture,) = await get(make, "https://a.example/")
    assert capture.content == b"through"
    assert capture.proxy == f"http://127.0.0.1:{port}"
    assert capture.server_address is None
    assert capture.tls_certificate
    assert "Proxy-Authorization: Basic" in seen[0]
    assert CANARY not in json.dumps(capture.record())
    (plain,) = await get(
        fetcher({"environ": {"MY_PROXY": f"http://joe:{CANARY}@127.0.0.1:{port}"}}, proxy="env:MY_PROXY"),
        "http://a.example/",
    )
    assert (plain.content, plain.server_address) == (b"by proxy", None)
    with pytest.raises(Refused):
        await get(fetcher(proxy=f"http://127.0.0.1:{port}", allow_addresses=()), "http://169.254.169.254/")
    server.close()


async def test_the_environment_s_proxy_is_not_used(there, fetcher, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    there["/"] = reply(200, b"direct")
    assert (await get(fetcher(), "https://a.example/"))[0].content == b"direct"


def test_a_proxy_or_a_ca_that_cannot_be_used_is_said_at_once(tmp_path):
    with pytest.raises(ConfigError, match="NOWHERE"):
        Fetcher(FetchConfig(proxy="env:NOWHERE"), environ={})
    with pytest.raises(ConfigError) as caught:
        Fetcher(FetchConfig(proxy="env:P"), environ={"P": f"joe:{CANARY}"})
    assert CANARY not in str(caught.value)
