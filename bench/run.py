"""How near a run comes to what the network allows: posts with media on loopback, against the ideal, curl and aria2c.

    python bench/run.py [--posts 2000] [--media 30000,1000000] [--latency 0.05] [--connections 32] [--hosts 16]
    python bench/run.py --memory [--posts 10000] [--film 2000000000]

The web is a server in a process of its own that does nothing but wait and send: HTTP/1.1 over TLS (the sources ask by
https only), one certificate for all host names, kept connections, every answer made before and begun after exactly the
latency. Posts are Mastodon statuses of as many servers as there are hosts, each with one picture. The same URLs are
fetched to files by `curl --parallel` and by `aria2c` in the same run, where they are installed.

ideal = latency x requests / connections: what nobody can beat who asks no sooner than he is allowed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import trustme

#: A snowflake of Mastodon's: milliseconds since 1970, and 16 bits.
FIRST = 1_770_000_000_000 << 16
#: The smallest JPEG header that says how large a picture is, after a comment that makes each file another one.
_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_FRAME = b"\xff\xc0\x00\x11\x08\x02\x58\x03\x20\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
_FILM = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
_BLOCK = 1 << 20
_HERE = str(Path(__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Shape:
    """What the web holds: *posts* with a picture of *size* bytes each (or one film), over *hosts* names."""

    posts: int
    size: int
    hosts: int
    latency: float
    film: int = 0

    def host(self, number: int) -> str:
        return f"social{number % self.hosts}.bench.example"

    def post(self, number: int) -> str:
        return f"https://{self.host(number)}/@author{number % 97}/{FIRST + number}"

    def urls(self) -> list[str]:
        """What has to be asked for all of it."""
        api = [f"https://{self.host(n)}/api/v1/statuses/{FIRST + n}" for n in range(self.posts)]
        return api + [f"https://{self.host(n)}/media/{FIRST + n}" for n in range(self.posts)]


# --- the web --------------------------------------------------------------------------------------------------------


class _Cheap(asyncio.Protocol):
    """One connection: each request is answered after the latency, from bytes that lie ready."""

    def __init__(self, shape: Shape, filling: bytes) -> None:
        self._shape, self._filling, self._pending = shape, filling, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._writable = asyncio.Event()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._writable.set()

    def data_received(self, content: bytes) -> None:
        self._pending += content
        while b"\r\n\r\n" in self._pending:
            head, _, self._pending = self._pending.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("ascii")
            host = next(line[6:] for line in head.split(b"\r\n") if line[:6].lower() == b"host: ").decode("ascii")
            asyncio.get_running_loop().call_later(self._shape.latency, self._answer, target, host.partition(":")[0])

    def _answer(self, target: str, host: str) -> None:
        if self._transport.is_closing():
            return
        kind, _, name = target.strip("/").rpartition("/")
        if kind == "api/v1/statuses":
            body = self._status(int(name), host)
            self._transport.write(_head("application/json", len(body)) + body)
        elif kind == "media" and self._shape.film:
            self._film = asyncio.ensure_future(self._play())
        elif kind == "media":
            comment = b"\xff\xfe" + (2 + len(name)).to_bytes(2, "big") + name.encode()
            start = _START + comment + _FRAME
            self._transport.write(_head("image/jpeg", self._shape.size) + start)
            self._transport.write(self._filling[: self._shape.size - len(start)])
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    def _status(self, id: int, host: str) -> bytes:
        number = id - FIRST
        author = f"author{number % 97}"
        film = bool(self._shape.film)
        return json.dumps(
            {
                "id": str(id),
                "created_at": "2026-02-02T02:40:00.000Z",
                "visibility": "public",
                "language": "en",
                "uri": f"https://{host}/users/{author}/statuses/{id}",
                "url": f"https://{host}/@{author}/{id}",
                "content": f"<p>Post number {number} says what a post of that number says, and nothing more.</p>",
                "account": {"id": str(number % 97), "username": author, "acct": author, "display_name": author,
                            "url": f"https://{host}/@{author}"},
                "media_attachments": [
                    {"id": str(id), "type": "video" if film else "image", "url": f"https://{host}/media/{id}"}
                ],
            }
        ).encode()  # fmt: skip

    async def _play(self) -> None:
        """A film of any length in constant memory; every piece is another one, so that all of it is stored."""
        left = self._shape.film
        self._transport.write(_head("video/mp4", left))
        piece = bytearray(_FILM + self._filling[: _BLOCK - len(_FILM)])
        number = 0
        while left and not self._transport.is_closing():
            piece[64:72] = number.to_bytes(8, "big")
            self._transport.write(bytes(piece[:left]))
            left -= min(left, _BLOCK)
            number += 1
            await self._writable.wait()


def _head(kind: str, size: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n\r\n".encode("ascii")


def _serve(shape: Shape, certificate: Path, ready: Connection) -> None:
    async def serve() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(certificate)
        filling = os.urandom(max(shape.size, _BLOCK))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Cheap(shape, filling), "127.0.0.1", 0, ssl=context, backlog=256)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


class Web:
    """The server while it runs: its port and the certificate to trust."""

    def __init__(self, shape: Shape, folder: Path) -> None:
        self.shape, self._folder = shape, folder
        self.ca_file = folder / "ca.pem"

    def __enter__(self) -> Web:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        chain = self._folder / "server.pem"
        made = authority.issue_cert("127.0.0.1", *(self.shape.host(n) for n in range(self.shape.hosts)))
        made.private_key_and_cert_chain_pem.write_to_path(str(chain))
        here, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(self.shape, chain, there), daemon=True
        )
        self._process.start()
        self.port = int(here.recv())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


# --- who asks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Took:
    """One run: seconds on the wall, seconds of processor, most memory at a time in MB."""

    wall: float
    cpu: float
    memory: float


def measured(command: list[str], cwd: Path, out: Path | None = None) -> Took:
    """Run a program to its end; SystemExit with its words if it fails."""
    with (out or cwd / "out").open("wb") as stdout, (cwd / "err").open("wb") as stderr:
        began = time.perf_counter()
        # An installed program is compiled once, not each time it starts.
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        child = subprocess.Popen(command, cwd=cwd, stdout=stdout, stderr=stderr, env={**environ, "PYTHONPATH": _HERE})
        memory = 0.0
        while True:
            # Of this program's image alone: what wait4 tells is at least what we held when we started it.
            memory = max(memory, _most_memory(child.pid))
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(0.02)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}: {(cwd / 'err').read_text()[-2000:]}")
    return Took(wall, used.ru_utime + used.ru_stime, memory)


def _most_memory(pid: int) -> float:
    """The most a process held at a time so far, in MB; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def prepared(web: Web, folder: Path, connections: int, per_host: int) -> Path:
    """A folder with a configuration that leads to the web, and articles that show all its posts, 100 each."""
    shape = web.shape
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"""
        [fetch]
        ca_file = {json.dumps(str(web.ca_file))}
        allow_addresses = ["127.0.0.0/8"]
        allow_ports = [443, {web.port}]
        connections = {connections}
        per_host = {per_host}
        [fetch.resolve]
        "*" = "127.0.0.1:{web.port}"
        """
    )
    (folder / "articles").mkdir()
    for start in range(0, shape.posts, 100):
        shown = "".join(
            f'<blockquote class="mastodon-embed" data-embed-url="{shape.post(number)}/embed">'
            f'<a href="{shape.post(number)}">View on Mastodon</a></blockquote>'
            for number in range(start, min(start + 100, shape.posts))
        )
        (folder / "articles" / f"{start:06}.html").write_text(f"<article>{shown}</article>")
    return folder


def archived(web: Web, folder: Path, connections: int, per_host: int) -> Took:
    """The real command over the articles; every post and file must be kept."""
    shape = web.shape
    prepared(web, folder, connections, per_host)
    command = [sys.executable, "-m", "archiver", "run", "--once", "--json", "--quiet", "articles"]
    took = measured(command, folder, folder / "report.json")
    report = json.loads((folder / "report.json").read_text())
    assert report["states"] == {"archived": shape.posts}, report
    assert report["media"] == shape.posts, report
    return took


def curled(web: Web, folder: Path, connections: int) -> Took:
    folder.mkdir()
    lines = [f'url = "{url}"\noutput = "{number}"' for number, url in enumerate(web.shape.urls())]
    (folder / "urls").write_text("\n".join(lines))
    return measured(
        ["curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", str(connections), "--cacert",
         str(web.ca_file), "--connect-to", f"::127.0.0.1:{web.port}", "--config", "urls"], folder
    )  # fmt: skip


def aria(web: Web, folder: Path, connections: int) -> Took:
    """aria2c cannot be told where a name lives: it asks the address, and names the host in its header."""
    folder.mkdir()
    lines = []
    for number, url in enumerate(web.shape.urls()):
        host, _, path = url.removeprefix("https://").partition("/")
        lines.append(f"https://127.0.0.1:{web.port}/{path}\n  out={number}\n  header=Host: {host}")
    (folder / "urls").write_text("\n".join(lines) + "\n")
    return measured(
        ["aria2c", "--quiet", "--no-conf", "--max-concurrent-downloads", str(connections), "--split=1",
         "--max-connection-per-server=1", "--file-allocation=none", "--ca-certificate", str(web.ca_file),
         "--input-file", "urls"], folder
    )  # fmt: skip


# --- the figures ----------------------------------------------------------------------------------------------------


def speed(shape: Shape, connections: int, per_host: int, place: Path) -> None:
    requests = 2 * shape.posts
    ideal = shape.latency * requests / connections
    programs: dict[str, Callable[[Web, Path], Took]] = {
        "archiver": lambda web, folder: archived(web, folder, connections, per_host)
    }
    if shutil.which("curl"):
        programs["curl"] = lambda web, folder: curled(web, folder, connections)
    if shutil.which("aria2c"):
        programs["aria2c"] = lambda web, folder: aria(web, folder, connections)
    print(
        f"{shape.posts:,} posts with a picture of {shape.size:,} bytes each: {requests:,} requests to {shape.hosts} "
        f"hosts over TLS, {shape.latency * 1000:g} ms, {connections} connections; ideal {ideal:.1f} s"
    )
    took: dict[str, Took] = {}
    with tempfile.TemporaryDirectory(dir=place) as made, Web(shape, Path(made)) as web:
        for name, run in programs.items():
            took[name] = run(web, Path(made) / name)
    for name, each in took.items():
        against = f"{each.wall / took['curl'].wall:5.2f} x curl" if "curl" in took else ""
        print(
            f"  {name:<9} {each.wall:6.1f} s   {ideal / each.wall:4.0%} of the ideal   {against}   "
            f"processor {each.cpu:5.1f} s   memory {each.memory:4.0f} MB"
        )
    for name in ("curl", "aria2c"):
        if name not in took:
            print(f"  {name:<9} is not installed")


def memory(posts: int, film: int, place: Path) -> None:
    """What a run holds at most: 100 posts, many posts, a film."""
    shapes = {
        "100 posts": Shape(100, 30_000, 16, 0.0),
        f"{posts:,} posts": Shape(posts, 30_000, 16, 0.0),
        f"a film of {film:,} bytes": Shape(1, 0, 1, 0.0, film),
    }
    for name, shape in shapes.items():
        with tempfile.TemporaryDirectory(dir=place) as made, Web(shape, Path(made)) as web:
            took = archived(web, Path(made) / "run", 32, 4)
        print(f"  {name:<28} {took.memory:5.0f} MB at most   {took.wall:6.1f} s   processor {took.cpu:5.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, help="2,000; with --memory 10,000")
    parser.add_argument("--media", default="30000,1000000", help="bytes a picture; several with commas between")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--per-host", type=int, default=4)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--memory", action="store_true", help="measure memory, not speed")
    parser.add_argument("--film", type=int, default=2_000_000_000, help="bytes of the film of --memory")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where everything is made")
    options = parser.parse_args()
    if options.memory:
        memory(options.posts or 10_000, options.film, options.folder)
        return
    for size in options.media.split(","):
        shape = Shape(options.posts or 2000, int(size), options.hosts, options.latency)
        speed(shape, options.connections, options.per_host, options.folder)


if __name__ == "__main__":
    main()
