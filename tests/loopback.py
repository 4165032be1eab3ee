"""A small web on loopback: real sockets and real TLS, and answers as wrong as a test wants them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import trustme

Answer = bytes | Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    scheme: str
    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A whole response; `content_type="x"` becomes a header, a length is always given."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Web:
    """Answers by `host/path` or by `/path` for any host. A list is given one answer after the other, the last for
    good. Whatever is unknown is a 404."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    ports: dict[int, int] = field(default_factory=dict)
    authority: trustme.CA = field(default_factory=trustme.CA)

    def __setitem__(self, place: str, answer: Answer | list[Answer]) -> None:
        self.answers[place] = answer

    async def resolve(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Every name is here: port 80 without TLS, the others with it."""
        return (("127.0.0.1", self.ports.get(port, self.ports[443])),)

    async def _serve(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                asked = await self._read(scheme, reader)
                self.asked.append(asked)
                path = asked.target.partition("?")[0]
                keys = (asked.host + asked.target, asked.host + path, asked.target, path)
                answer = next((self.answers[key] for key in keys if key in self.answers), reply(404, b"no such page"))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                    if b"content-length" not in answer.lower() and b"chunked" not in answer.lower():
                        break
                else:
                    await answer(asked, writer)
                    break
        writer.close()

    async def _read(self, scheme: str, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = tuple(tuple(line.split(": ", 1)) for line in head[1:] if line)
        asked = Asked(scheme, "", method, target, headers, b"")  # type: ignore[arg-type]  # split gives two
        length = int(asked.header("content-length") or 0)
        return Asked(
            scheme, asked.header("host") or "", method, target, asked.headers, await reader.readexactly(length)
        )


@contextlib.asynccontextmanager
async def web(authority: trustme.CA) -> AsyncIterator[Web]:
    """A running Web: port 80 (plain) and 443 (TLS) of a few names under `.example`."""
    here = Web(authority=authority)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = ("a.example", "b.example", "c.example", "t.example", "sub.a.example", "web.archive.org")
    authority.issue_cert(*names).configure_cert(tls)
    plain = await asyncio.start_server(lambda r, w: here._serve("http", r, w), "127.0.0.1", 0)
    secure = await asyncio.start_server(lambda r, w: here._serve("https", r, w), "127.0.0.1", 0, ssl=tls)
    here.ports = {80: plain.sockets[0].getsockname()[1], 443: secure.sockets[0].getsockname()[1]}
    try:
        yield here
    finally:
        plain.close()
        secure.close()
