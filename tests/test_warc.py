"""Record and replay: what was recorded is read by others, and answers again as it did, marked as replayed."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime as dt
import gzip
import hashlib
import io
import ipaddress
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from fastwarc.warc import ArchiveIterator as SecondReader
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.config import FetchConfig
from archiver.errors import ArchiveFull, ArchiverError, ConfigError, InputError, NotRecorded, Refused, Unreachable
from archiver.fetch import Fetcher
from archiver.fetch.warc import Recorder, Recordings
from archiver.model import Body, Capture, Request
from tests.loopback import Asked, Web, reply, web

CANARY = "canary-5f2c9d1e7b"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def there(authority: trustme.CA):
    async with web(authority) as here:
        yield here


@pytest.fixture
def live(there: Web, authority: trustme.CA, tmp_path: Path) -> Callable[..., Fetcher]:
    def make(record: Path | None, **settings: object) -> Fetcher:
        ca_file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        config = FetchConfig(**{"ca_file": ca_file, "allow_addresses": LOOPBACK, **settings})
        return Fetcher(config, resolve=there.resolve, hosts={}, environ={"X_TOKEN": CANARY}, record=record)

    return make


async def nowhere(host: str, port: int):
    raise AssertionError(f"a replay asked for {host}")


def replay(*paths: Path, **settings: object) -> Fetcher:
    return Fetcher(FetchConfig(**settings), resolve=nowhere, environ={}, replay=paths)


async def get(fetcher: Fetcher, *requests: Request | str) -> list[tuple[Capture, ...]]:
    async with fetcher as open_fetcher:
        return [await open_fetcher.fetch(Request(each) if isinstance(each, str) else each) for each in requests]


def read(body: Body) -> bytes:
    with body.open() as stream:
        return stream.read()


def same(live: Capture, replayed: Capture) -> None:
    """Equal in everything but where it came from."""
    apart = {"origin", "redirected_from"}
    for each in dataclasses.fields(Capture):
        if each.name not in apart:
            assert getattr(live, each.name) == getattr(replayed, each.name), each.name
    assert read(live.body) == read(replayed.body)
    assert read(live.payload) == read(replayed.payload)


# --- there and back -------------------------------------------------------------------------------------------------

PAGE = b"<p>" + os.urandom(2000).hex().encode()
FORM = Request("https://a.example/form", "POST", (("Content-Type", "text/q"),), b"q=1")


def fill(there: Web) -> None:
    there["t.example/x"] = reply(301, b"moved", location="https://a.example/page#part")
    there["a.example/page"] = reply(200, gzip.compress(PAGE), content_encoding="gzip", set_cookie="a=1")
    there["/chunked"] = b"HTTP/1.1 200 OK\r\ntransfer-ENCODING: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    odd = b"X-Name: caf\xc3\xa9\r\nx-name:\r\nX-Archive-Orig-Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"
    there["/odd"] = b"HTTP/1.1 599 \r\n" + odd + b"\r\n\x00\xff"
    there["/film"] = reply(200, os.urandom(700_000), content_type="video/mp4")
    there["/form"] = reply(200, b"formed")
    there["/empty"] = reply(204)

    async def break_off(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n" + gzip.compress(PAGE)[:900]
        )
        await writer.drain()
        await asyncio.sleep(0.02)

    there["/broken"] = break_off
    there["/long"] = reply(200, b"z" * 200_000)
    there["/bomb"] = reply(200, gzip.compress(bytes(3_000_000)), content_encoding="gzip")


ASKED = (
    "http://t.example/x",
    "https://a.example/chunked",
    "http://a.example/odd?u=https%3A%2F%2Fx%2F&k=%20",
    Request("https://a.example/film", is_media=True),
    FORM,
    "https://a.example/empty",
    "https://a.example/broken",
    Request("https://a.example/long", max_bytes=1000),
    "https://a.example/bomb",
    "https://a.example/none",
)


@pytest.mark.parametrize("name", ["web.warc.gz", "web.warc"])
async def test_a_replay_answers_as_the_web_did(there, live, tmp_path, name):
    fill(there)
    seen = await get(live(tmp_path / name, max_page=1_000_000), *ASKED)
    again = await get(replay(tmp_path / name, max_page=1_000_000), *ASKED)
    for chain, replayed in zip(seen, again, strict=True):
        assert len(chain) == len(replayed)
        for one, other in zip(chain, replayed, strict=True):
            same(one, other)
            assert one.id != other.id
            assert other.origin.kind == "replay"
            assert other.origin.container == name
            assert other.origin.record.startswith("urn:uuid:")
        assert [c.redirected_from for c in replayed[1:]] == [c.id for c in replayed[:-1]]
    assert [chain[-1].truncated for chain in again].count("length") == 2
    assert again[6][0].truncated == "disconnect"


async def test_replaying_twice_gives_the_same_captures(there, live, tmp_path):
    fill(there)
    await get(live(tmp_path / "web.warc.gz"), *ASKED)
    first = await get(replay(tmp_path / "web.warc.gz"), *ASKED)
    second = await get(replay(tmp_path / "web.warc.gz"), *ASKED)
    assert [c.id for chain in first for c in chain] == [c.id for chain in second for c in chain]


async def test_others_read_what_we_record(there, live, tmp_path):
    fill(there)
    path = tmp_path / "web.warc.gz"
    seen = await get(live(path), *ASKED)
    check = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(path)], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr
    assert check.stdout.count("digest pass") > 20
    assert "no digest" not in check.stdout
    captures = {c.url: c for chain in seen for c in chain}
    kinds = []
    with path.open("rb") as stream:
        for record in SecondReader(stream, parse_http=False):
            assert record.verify_block_digest()
            record.parse_http()
            kinds.append(str(record.record_type))
            if record.is_http and str(record.record_type) == "response":
                capture = captures[record.headers["WARC-Target-URI"]]
                assert record.reader.read() == read(capture.body)
                assert record.headers["WARC-IP-Address"] == "127.0.0.1"
                assert record.headers.get("WARC-Truncated") == capture.truncated
                assert "Transfer-Encoding" not in record.http_headers
    assert kinds == ["warcinfo"] + ["request", "response"] * 11


async def test_a_recording_says_that_the_chunks_were_undone(there, live, tmp_path):
    there["/"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    await get(live(tmp_path / "web.warc"), "http://a.example/")
    assert b"X-Orig-Transfer-Encoding: chunked\r\n\r\nabc\r\n" in (tmp_path / "web.warc").read_bytes()


async def test_no_secret_is_recorded(there, live, tmp_path):
    there["/"] = reply(200, b"x")
    path = tmp_path / "web.warc"
    await get(live(path), Request("https://a.example/", secret=("X_TOKEN", "Bearer")))
    assert there.asked[0].header("authorization") == f"Bearer {CANARY}"
    assert CANARY.encode() not in path.read_bytes()
    assert b"Authorization: <secret from X_TOKEN>" in path.read_bytes()
    ((again,),) = await get(replay(path), Request("https://a.example/", secret=("X_TOKEN", "Bearer")))
    assert dict(again.request_headers)["Authorization"] == "<secret from X_TOKEN>"


async def test_silence_is_replayed_as_silence(there, live, tmp_path):
    async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.close()

    there["/silent"] = hang_up
    there["/out"] = reply(302, b"", location="http://10.0.0.1/")
    path = tmp_path / "web.warc.gz"

    async def errors(fetcher: Fetcher) -> list[tuple]:
        found = []
        async with fetcher as open_fetcher:
            for request in (
                Request("http://a.example/silent"),
                Request("https://x.elsewhere/"),
                Request("http://a.example/out"),
                Request("http://a.example/silent", "POST", (), b"q"),
            ):
                try:
                    await open_fetcher.fetch(request)
                except (Unreachable, Refused) as error:
                    found.append((type(error), error.reason, error.url, len(error.captures)))
        return found

    first = await errors(live(path))
    assert [each[0] for each in first] == [Unreachable, Unreachable, Refused, Unreachable]
    second = await errors(replay(path))
    assert first == second


async def test_several_answers_come_in_the_order_of_their_time(there, live, tmp_path):
    there["/"] = [reply(200, b"one"), reply(200, b"two"), reply(404, b"three")]
    one, two = tmp_path / "1.warc.gz", tmp_path / "2.warc.gz"
    await get(live(one), "https://a.example/")
    await get(live(two), *["https://a.example/"] * 2)
    chains = await get(replay(two, one), *["HTTPS://A.example:443/#f"] * 5)
    assert [chain[0].content for chain in chains] == [b"one", b"two", b"three", b"three", b"three"]
    assert [chain[0].origin.container for chain in chains] == ["1.warc.gz"] + ["2.warc.gz"] * 4


async def test_a_post_is_matched_by_its_body(there, live, tmp_path):
    there["/form"] = [reply(200, b"for 1"), reply(200, b"for 2")]
    second = dataclasses.replace(FORM, body=b"q=2")
    path = tmp_path / "web.warc.gz"
    await get(live(path), FORM, second)
    chains = await get(replay(path), second, FORM)
    assert [chain[0].content for chain in chains] == [b"for 2", b"for 1"]
    for missing in (dataclasses.replace(FORM, body=b"q=3"), Request(FORM.url)):
        with pytest.raises(NotRecorded):
            await get(replay(path), missing)


async def test_what_was_not_recorded_is_said_with_url_and_recording(there, live, tmp_path):
    there["/x"] = reply(302, b"", location="https://b.example/y")
    path = tmp_path / "web.warc.gz"
    await get(live(path), Request("http://a.example/x", follow=0))
    with pytest.raises(NotRecorded) as caught:
        await get(replay(path), "http://a.example/x")
    assert str(caught.value).startswith("https://b.example/y: GET is not in web.warc.gz")
    assert caught.value.reason == "not-recorded"
    assert [c.status for c in caught.value.captures] == [302]


async def test_a_replay_still_refuses_other_schemes(there, live, tmp_path):
    there["/x"] = reply(302, b"", location="file:///etc/passwd")
    path = tmp_path / "web.warc.gz"
    with pytest.raises(Refused):
        await get(live(path), "http://a.example/x")
    with pytest.raises(Refused):
        await get(replay(path), "http://a.example/x")


async def test_record_and_replay_do_not_go_together(tmp_path):
    with pytest.raises(ConfigError, match="record and replay"):
        Fetcher(FetchConfig(record=tmp_path / "a.warc"), replay=(tmp_path / "b.warc",))


# --- recording survives ---------------------------------------------------------------------------------------------


async def test_a_second_run_goes_on_in_the_same_file(there, live, tmp_path):
    there["/"] = [reply(200, b"one"), reply(200, b"two")]
    for name in ("web.warc.gz", "web.warc"):
        there["/"] = [reply(200, b"one"), reply(200, b"two")]
        await get(live(tmp_path / name), "http://a.example/")
        await get(live(tmp_path / name), "http://a.example/")
        chains = await get(replay(tmp_path / name), *["http://a.example/"] * 2)
        assert [chain[0].content for chain in chains] == [b"one", b"two"]


@pytest.mark.parametrize("name", ["web.warc.gz", "web.warc"])
async def test_wherever_a_recording_was_torn_its_whole_records_remain(there, live, tmp_path, name, caplog):
    """As after a kill -9: every prefix replays what it holds whole, or says in one sentence that it holds nothing."""
    for number in range(3):
        there[f"/{number}"] = reply(200, f"page {number} ".encode() * 5)
    whole_path = tmp_path / name
    await get(live(whole_path), *(f"http://a.example/{number}" for number in range(3)))
    whole = whole_path.read_bytes()
    torn = tmp_path / f"torn-{name}"
    most = 0
    for cut in range(1, len(whole), 7):
        torn.write_bytes(whole[:cut])
        try:
            recordings = Recordings([torn])
        except InputError as error:
            assert "\n" not in str(error)
            assert most == 0
            continue
        held = sum(len(answers) for answers in recordings._answers.values())
        assert held >= most
        most = held
    assert most >= 2
    assert "recording ends inside a record" in caplog.text


@pytest.mark.parametrize("name", ["web.warc.gz", "web.warc"])
async def test_recording_goes_on_behind_the_last_whole_record(there, live, tmp_path, name):
    there["/1"], there["/2"], there["/3"] = (reply(200, text) for text in (b"one", b"two", b"three"))
    path = tmp_path / name
    await get(live(path), "http://a.example/1", "http://a.example/2")
    os.truncate(path, path.stat().st_size - 20)
    await get(live(path), "http://a.example/3")
    chains = await get(replay(path), "http://a.example/1", "http://a.example/3")
    assert [chain[0].content for chain in chains] == [b"one", b"three"]
    with pytest.raises(NotRecorded):
        await get(replay(path), "http://a.example/2")
    assert subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=False).returncode == 0


async def test_two_processes_do_not_record_into_one_file(tmp_path):
    first = Recorder(tmp_path / "web.warc.gz")
    with pytest.raises(ConfigError, match="another process"):
        Recorder(tmp_path / "web.warc.gz")
    first.close()
    Recorder(tmp_path / "web.warc.gz").close()


def test_a_recording_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        Recorder(tmp_path / "missing" / "web.warc.gz")
    (tmp_path / "notes.txt").write_text("shopping list")
    with pytest.raises(InputError, match="not a WARC"):
        Recorder(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "shopping list"


async def test_a_full_disk_is_said_and_costs_no_whole_record(there, live, tmp_path):
    path = tmp_path / "web.warc"
    there["/1"], there["/2"] = reply(200, b"small"), reply(200, os.urandom(100_000))
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, old[1]))
        async with live(path) as fetcher:
            await fetcher.fetch(Request("http://a.example/1"))
            with pytest.raises(ArchiveFull, match="the disk is full"):
                await fetcher.fetch(Request("http://a.example/2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    ((again,),) = await get(replay(path), "http://a.example/1")
    assert again.content == b"small"
    assert subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=False).returncode == 0


async def test_exchanges_that_overlap_are_recorded_whole(there, live, tmp_path):
    there["/"] = reply(200, os.urandom(30_000))
    path = tmp_path / "web.warc.gz"
    async with live(path) as fetcher:
        urls = [f"https://{host}.example/?{number}" for host in "abc" for number in range(12)]
        seen = await asyncio.gather(*(fetcher.fetch(Request(url)) for url in urls))
    again = await get(replay(path), *urls)
    assert [chain[0].body for chain in seen] == [chain[0].body for chain in again]
    assert subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=False).returncode == 0


# --- recordings of others -------------------------------------------------------------------------------------------

URL = "http://a.example/page"


def warc(path: Path, *records: tuple, gzipped: bool = True) -> Path:
    """A WARC as another tool writes it: (kind, fields, HTTP head or None, block)."""
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=gzipped, warc_version="1.0")
        for kind, fields, head, block in records:
            http = StatusAndHeaders(head[0], head[1], protocol="HTTP/1.1") if head else None
            url = fields.pop("url", URL)
            fields.setdefault("WARC-Date", "2020-01-02T03:04:05Z")
            writer.write_record(
                writer.create_warc_record(
                    url, kind, payload=io.BytesIO(block), http_headers=http, warc_headers_dict=fields, length=len(block)
                )
            )
    return path


def response(block: bytes, headers: list | None = None, **fields: str) -> tuple:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return ("response", named, ("200 OK", headers or [("Content-Type", "text/html")]), block)


async def test_a_foreign_warc_is_replayed_with_its_own_date_and_address(tmp_path):
    path = warc(
        tmp_path / "crawl.warc.gz", response(b"old", WARC_IP_Address="93.184.216.34", WARC_Record_ID="<urn:x:1>")
    )
    ((capture,),) = await get(replay(path), URL)
    assert capture.content == b"old"
    assert capture.started_at == capture.ended_at == dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert capture.server_address == "93.184.216.34"
    assert (capture.origin.kind, capture.origin.container, capture.origin.record) == (
        "replay",
        "crawl.warc.gz",
        "urn:x:1",
    )
    assert capture.request_headers == ()


async def test_a_foreign_chunked_body_is_joined_and_one_that_only_says_so_is_taken_as_it_is(tmp_path):
    chunked = [("Transfer-Encoding", "chunked")]
    gz = gzip.compress(b"packed")
    path = warc(
        tmp_path / "crawl.warc.gz",
        response(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", chunked, url="http://a.example/1"),
        response(b"joined before", chunked, url="http://a.example/2"),
        response(
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(gz), gz), [*chunked, ("Content-Encoding", "gzip")], url="http://a.example/3"
        ),
    )
    chains = await get(replay(path), *(f"http://a.example/{number}" for number in (1, 2, 3)))
    assert [chain[0].content for chain in chains] == [b"abcde", b"joined before", b"packed"]
    assert read(chains[2][0].body) == gz


async def test_requests_are_found_by_either_link_or_by_time(tmp_path):
    def post(body: bytes, **fields: str) -> tuple:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return ("request", named, ("POST /page HTTP/1.1", [("Host", "a.example")]), body)

    path = tmp_path / "crawl.warc.gz"
    requests = [
        post(b"1", WARC_Record_ID="<urn:q:1>", WARC_Concurrent_To="<urn:a:1>"),
        post(b"2", WARC_Record_ID="<urn:q:2>"),
        post(b"3", WARC_Record_ID="<urn:q:3>", WARC_Date="2021-01-01T00:00:00Z"),
    ]
    for each in requests:
        # warcio writes a request's first line as protocol and status line
        each[2][1][:] = [("Host", "a.example")]
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for _, fields, _, body in requests:
            block = b"POST /page HTTP/1.1\r\nHost: a.example\r\n\r\n" + body
            fields.setdefault("WARC-Date", "2020-01-02T03:04:05Z")
            writer.write_record(
                writer.create_warc_record(
                    URL, "request", payload=io.BytesIO(block), length=len(block), warc_headers_dict=fields
                )
            )
        for block, fields in (
            (b"one", {"WARC-Record-ID": "<urn:a:1>"}),
            (b"two", {"WARC-Record-ID": "<urn:a:2>", "WARC-Concurrent-To": "<urn:q:2>"}),
            (b"three", {"WARC-Record-ID": "<urn:a:3>", "WARC-Date": "2021-01-01T00:00:00Z"}),
        ):
            http = StatusAndHeaders("200 OK", [], protocol="HTTP/1.1")
            fields.setdefault("WARC-Date", "2020-01-02T03:04:05Z")
            writer.write_record(
                writer.create_warc_record(URL, "response", io.BytesIO(block), len(block), "", fields, None, http)
            )
    chains = await get(replay(path), *(Request(URL, "POST", (), body) for body in (b"3", b"1", b"2")))
    assert [chain[0].content for chain in chains] == [b"three", b"one", b"two"]
    assert chains[0][0].request_headers == (("Host", "a.example"),)


async def test_revisits_are_resolved(tmp_path):
    digest = "sha1:" + base64.b32encode(hashlib.sha1(b"the page").digest()).decode()
    with (tmp_path / "crawl.warc.gz").open("wb") as out:
        writer = WARCWriter(out, gzip=True, warc_version="1.1")
        http = StatusAndHeaders("200 OK", [("X", "first")], protocol="HTTP/1.1")
        original = writer.create_warc_record(
            "http://a.example/first",
            "response",
            payload=io.BytesIO(b"the page"),
            length=8,
            http_headers=http,
            warc_headers_dict={"WARC-Date": "2020-01-01T00:00:00Z"},
        )
        writer.write_record(original)
        name = original.rec_headers.get_header("WARC-Record-ID")
        for number, fields in enumerate(({"WARC-Refers-To": name}, {}, {})):
            http = StatusAndHeaders("200 OK", [("X", f"again {number}")], protocol="HTTP/1.1")
            refers_to = "http://a.example/first" if number == 1 else "http://a.example/elsewhere"
            record = writer.create_revisit_record(
                f"http://a.example/{number}", digest, refers_to, "2020-01-01T00:00:00Z", http, dict(fields)
            )
            writer.write_record(record)
        http = StatusAndHeaders("304 Not Modified", [("X", "same")], protocol="HTTP/1.1")
        record = writer.create_revisit_record(
            "http://a.example/3", digest, "http://a.example/first", "2020-01-01T00:00:00Z", http
        )
        writer.write_record(record)
        record = writer.create_revisit_record(
            "http://a.example/4", "sha1:X", "http://a.example/no", "2020-01-01T00:00:00Z", http
        )
        writer.write_record(record)
    chains = await get(replay(tmp_path / "crawl.warc.gz"), *(f"http://a.example/{number}" for number in range(4)))
    assert [chain[0].content for chain in chains] == [b"the page"] * 4
    assert [chain[0].status for chain in chains] == [200] * 4
    assert [chain[0].header("x") for chain in chains] == ["again 0", "again 1", "again 2", "first"]
    with pytest.raises(NotRecorded, match="repeats a record"):
        await get(replay(tmp_path / "crawl.warc.gz"), "http://a.example/4")


def wacz(path: Path, member: Path, name: str = "archive/data.warc.gz", packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as out:
        out.writestr("datapackage.json", "{}")
        out.write(member, name)
    return path


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["archive/data.warc.gz", "archive/data.warc"])
async def test_a_wacz_is_replayed(tmp_path, packed, name):
    inner = warc(
        tmp_path / "inner",
        response(b"one"),
        response(b"two", WARC_Date="2021-01-01T00:00:00Z"),
        gzipped=name.endswith("gz"),
    )
    path = wacz(tmp_path / "crawl.wacz", inner, name, packed)
    chains = await get(replay(path), URL, URL)
    assert [chain[0].content for chain in chains] == [b"one", b"two"]
    assert chains[0][0].origin.container == "crawl.wacz"


async def test_a_large_replayed_body_does_not_sit_in_memory(tmp_path):
    film = os.urandom(1_000_000) * 30
    path = warc(tmp_path / "film.warc", response(film), gzipped=False)
    del film
    ((capture,),) = await get(replay(path), Request(URL, is_media=True))
    assert capture.body.size == 30_000_000
    with capture.body.open() as stream:
        assert not isinstance(stream, io.BytesIO)


async def test_a_recorded_bomb_is_bounded_like_a_live_one(tmp_path):
    path = warc(tmp_path / "bomb.warc", response(gzip.compress(bytes(50_000_000)), [("Content-Encoding", "gzip")]))
    ((capture,),) = await get(replay(path, max_page=1_000_000), URL)
    assert (capture.truncated, capture.payload.size) == ("length", 1_000_000)


# --- damage ---------------------------------------------------------------------------------------------------------


def one_sentence(*paths: Path) -> str:
    with pytest.raises(InputError) as caught:
        Recordings(paths)
    message = str(caught.value)
    assert "\n" not in message
    assert str(paths[-1]) in message
    return message


def test_what_is_no_recording_is_said_in_one_sentence(tmp_path):
    (tmp_path / "text.warc").write_bytes(b"hello\n" * 100)
    (tmp_path / "noise.warc.gz").write_bytes(b"\x1f\x8b" + os.urandom(500))
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "broken.wacz").write_bytes(b"PK\x03\x04" + os.urandom(500))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("readme.txt", "hello")
    (tmp_path / "gzip.warc.gz").write_bytes(gzip.compress(b"hello\n" * 100))
    for name in ("text.warc", "noise.warc.gz", "broken.wacz", "other.zip", "gzip.warc.gz", "missing.warc"):
        one_sentence(tmp_path / name)
    one_sentence(tmp_path)
    one_sentence(tmp_path / "empty.zip")


def test_one_gzip_stream_for_all_records_is_said_with_the_remedy(tmp_path):
    plain = warc(tmp_path / "a.warc", response(b"one"), response(b"two"), gzipped=False)
    (tmp_path / "b.warc.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert "warcio recompress" in one_sentence(tmp_path / "b.warc.gz")


async def test_damage_in_the_middle_is_said_with_its_place(tmp_path, capfd):
    records = [response(os.urandom(3000), url=f"http://a.example/{number}") for number in range(5)]
    whole = warc(tmp_path / "a.warc.gz", *records).read_bytes()
    for place in (len(whole) // 2, len(whole) // 2 + 200):
        (tmp_path / "b.warc.gz").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        message = one_sentence(tmp_path / "b.warc.gz")
        assert "damaged at byte" in message
        at = int(message.partition("head -c ")[2])
        (tmp_path / "c.warc.gz").write_bytes(whole[:at])
        assert Recordings([tmp_path / "c.warc.gz"])._answers  # the advice works
    assert capfd.readouterr() == ("", "")  # warcio would have said so on its own


async def test_a_body_that_does_not_match_its_digest_is_not_given_out(tmp_path):
    path = warc(tmp_path / "a.warc", response(b"the true words"), gzipped=False)
    path.write_bytes(path.read_bytes().replace(b"the true words", b"the fake words"))
    with pytest.raises(NotRecorded, match=r"a\.warc: record urn:.* do not match their digest"):
        await get(replay(path), URL)


async def test_a_recording_that_changes_under_a_replay_is_noticed(tmp_path):
    path = warc(tmp_path / "a.warc.gz", response(b"x"), response(b"page", url="http://a.example/2"))
    async with replay(path) as fetcher:
        warc(path, response(b"something else entirely", url="http://a.example/3"))
        for url in (URL, "http://a.example/2"):
            with pytest.raises(NotRecorded, match="cannot be replayed"):
                await fetcher.fetch(Request(url))


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_any_bytes_are_a_recording_or_an_error_of_ours(tmp_path_factory, noise, how):
    path = tmp_path_factory.mktemp("noise") / "n.warc.gz"
    content = [noise, b"WARC/1.1\r\n" + noise, gzip.compress(noise), gzip.compress(b"WARC/1.1\r\n" + noise)][how]
    path.write_bytes(content)
    try:
        Recordings([path])
    except ArchiverError as error:
        assert "\n" not in str(error)
