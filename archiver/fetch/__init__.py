"""Retrieve a URL: the only sockets. Any status is a capture; only silence is an error.

Every redirect is a capture of its own. Nothing here trusts what the other side says: addresses are checked where the
connection is made, bytes and time are bounded, and a header that carries a token stays with the host it was meant for.

httpx's async transport is used without its client: `httpx.AsyncClient` would keep cookies, log whole URLs, and build
the next request from any Location even when told not to follow it: one that says `data:…` or `app:…` raises, and the
answer that said it is lost (httpx 0.28.1).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import datetime as dt
import hashlib
import ipaddress
import logging
import os
import re
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import httpcore
import httpx

from archiver import __version__
from archiver.config import HOSTS, FetchConfig, HostConfig, endpoint
from archiver.errors import ConfigError, FetchError, Refused, Unreachable
from archiver.fetch.guard import GuardedBackend, Resolver, checked_url, shown, system_resolve
from archiver.fetch.intake import Intake, Room
from archiver.fetch.kept import Connections
from archiver.fetch.pace import UNLIMITED, Pace, retry_after, wait_until
from archiver.fetch.warc import Recorder, Recordings
from archiver.model import Body, Capture, Request

__all__ = ["Fetcher", "Resolver", "retry_after", "shown", "wait_until"]

#: Bytes of bodies that are in memory at a time, the smallest not counted.
_ROOM = 32 * 1024 * 1024

#: Hosts whose connections are kept open at a time.
MAX_CLIENTS = 64

_ANYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_REDIRECTS = {301, 302, 303, 307, 308}
_TOKEN_LIKE = re.compile(
    r"(?i)authorization|cookie|^x-(api-key|guest-token|csrf-token|auth.*)$|token|secret|password|api-?key|session"
)


def _silent(record: logging.LogRecord) -> bool:
    """httpx logs whole URLs at INFO, httpcore headers at DEBUG, and both can hold secrets."""
    return False


for _name in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
    logging.getLogger(_name).addFilter(_silent)


def _utcnow() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Hop:
    """One request of a chain, as it is about to be asked."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    secret: tuple[str, str] | None
    is_media: bool
    max_bytes: int | None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        return _origin(checked_url(self.url, ports=None, allowed=_ANYWHERE))

    def to(self, url: str, status: int) -> Hop:
        """The next hop. What identifies us to this origin does not go to another one, and does not come back."""
        hop = dataclasses.replace(self, url=url)
        if status == 303 or (status in (301, 302) and self.method == "POST"):  # RFC 9110 15.4.2, 15.4.4
            content = ("content-", "transfer-encoding")
            headers = tuple(pair for pair in hop.headers if not pair[0].lower().startswith(content))
            hop = dataclasses.replace(hop, method="HEAD" if self.method == "HEAD" else "GET", body=b"", headers=headers)
        if hop.origin != self.origin:
            kept = tuple(pair for pair in hop.headers if not _TOKEN_LIKE.search(pair[0]))
            hop = dataclasses.replace(hop, headers=kept, secret=None)
        return hop


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class Fetcher:
    """Asks the web, or the recordings that take its place. An async context manager; one event loop.

    *hosts* are limits by host (see `config.HOSTS`); *resolve* takes the place of DNS and is checked like it; *environ*
    is where secrets are looked up; *spool* is the folder for large bodies (they are valid as long as anybody holds
    them). *record* and *replay* count in addition to the configuration's. *transport* stands where connections are
    made: a web in this process. Nothing is contacted then, so no address is checked.
    """

    def __init__(
        self,
        config: FetchConfig | None = None,
        *,
        user_agent: str = f"archiver/{__version__}",
        hosts: Mapping[str, HostConfig] = HOSTS,
        resolve: Resolver = system_resolve,
        now: Callable[[], dt.datetime] = _utcnow,
        environ: Mapping[str, str] | None = None,
        spool: Path | None = None,
        record: Path | None = None,
        replay: Sequence[Path] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config = config = config or FetchConfig()
        self._user_agent = user_agent
        self._now = now
        self._environ = os.environ if environ is None else environ
        self._spool = spool
        self._room = Room(_ROOM)
        self._resolve = _with_table(resolve, config.resolve)
        self._proxy, self._proxy_auth = _proxy(config.proxy, self._environ)
        self._pace = Pace(hosts, connections=config.per_host)
        self._all = asyncio.Semaphore(config.connections)
        self._clients: collections.OrderedDict[tuple[str, str, int | None], _Client] = collections.OrderedDict()
        self._tls: ssl.SSLContext | None = None
        self._transport = transport
        #: Hosts that asked us to wait, and until when: what is on its way to them already turns back as well.
        self._held: dict[str, dt.datetime] = {}
        self._record = record or config.record
        self._replay = (*replay, *config.replay)
        if self._record and self._replay:
            raise ConfigError("record and replay cannot go together: a recording is of the web, not of a recording")
        self._recorder: Recorder | None = None
        self._recordings: Recordings | None = None

    async def __aenter__(self) -> Self:
        """InputError for a recording that cannot be replayed, ConfigError for one that cannot be written."""
        if self._replay:
            self._recordings = await asyncio.to_thread(Recordings, self._replay, spool=self._spool)
        elif self._record:
            self._recorder = await asyncio.to_thread(Recorder, self._record)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._recordings:
            self._recordings.close()
        if self._recorder:
            self._recorder.close()
        while self._clients:
            await self._clients.popitem()[1].transport.aclose()

    def line(self, url: str) -> str:
        """The name under which this URL's host counts what it is asked: all that share its limits share it."""
        with contextlib.suppress(FetchError):
            return self._pace.line(self._checked(url))
        return ""

    def room(self, url: str) -> tuple[int, float]:
        """How many requests like this its host's limits allow now, and the seconds until one more. No limits when
        replaying."""
        if not (self._recordings or self._replay):
            with contextlib.suppress(FetchError):
                return self._pace.room(self._checked(url))
        return UNLIMITED, 0.0

    def space(self, url: str, seconds: float) -> None:
        """Leave so much time between two requests to this URL's host, unless the configuration limits it."""
        with contextlib.suppress(FetchError):
            self._pace.space(self._checked(url).host, seconds)

    def remember(self, url: str, seconds_ago: float) -> None:
        """Count a request that an earlier process began: what a host allows does not begin anew with us."""
        with contextlib.suppress(FetchError):
            self._pace.remember(self._checked(url), seconds_ago)

    async def fetch(self, request: Request) -> tuple[Capture, ...]:
        """Every hop in order; the last capture is the answer, which is a redirect where `request.follow` (or
        `fetch.redirects`) or a loop ended the chain.

        Raises Unreachable, Refused or NotRecorded for a hop that got no answer; what was answered before it is in
        the error's `captures`. ArchiveFull if there is no room for the body.
        """
        captures: list[Capture] = []
        try:
            hop = Hop(
                str(self._checked(request.url)),
                request.method.upper(),
                request.headers,
                request.body,
                request.secret,
                request.is_media,
                request.max_bytes,
            )
            seen = {(hop.method, hop.url)}
            for _ in range(min(request.follow, self._config.redirects) + 1):
                captures.append(await self._ask(hop, captures[-1].id if captures else None))
                location = _location(captures[-1])
                if location is None:
                    break
                if len(captures) > min(request.follow, self._config.redirects):
                    break
                hop = hop.to(self._joined(hop.url, location), captures[-1].status or 0)
                if (hop.method, hop.url) in seen:
                    break
                seen.add((hop.method, hop.url))
        except FetchError as error:
            url = error.url or (captures[-1].url if captures else request.url)
            named = f"{shown(error.url or request.url)}: {error}"
            raise type(error)(named, reason=error.reason, url=url, captures=tuple(captures)) from error.__cause__
        return tuple(captures)

    # --- one hop --------------------------------------------------------------------------------------------------

    def _checked(self, url: str) -> httpx.URL:
        """What can be asked at all; whether its host may be contacted is seen when it is."""
        try:
            return checked_url(url, ports=None, allowed=_ANYWHERE)
        except Refused as error:
            error.url = url
            raise

    def _joined(self, url: str, location: str) -> str:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", location):
            return str(self._checked(location))
        try:
            return str(self._checked(str(httpx.URL(url).join(location))))
        except (httpx.InvalidURL, ValueError) as error:
            raise Refused("redirects to what is no URL", url=location) from error

    async def _ask(self, hop: Hop, redirected_from: str | None) -> Capture:
        started_at = self._now()
        try:
            if self._recordings:
                return await self._replayed(self._recordings, hop, redirected_from)
            capture = await self._live(hop, redirected_from)
        except FetchError as error:
            error.url = hop.url
            if self._recorder:
                await asyncio.to_thread(self._recorder.silence, hop.url, hop.method, hop.body, error, started_at)
            raise
        if self._recorder:
            await asyncio.to_thread(self._recorder.write, capture)
        return capture

    async def _replayed(self, recordings: Recordings, hop: Hop, redirected_from: str | None) -> Capture:
        entry, asked = recordings.next(hop.url, hop.method, hop.body)
        return await asyncio.to_thread(
            recordings.capture,
            entry,
            asked,
            url=hop.url,
            method=hop.method,
            caps=self._caps(hop),
            redirected_from=redirected_from,
        )

    def _caps(self, hop: Hop) -> tuple[int, int]:
        """Bytes on the wire, and bytes decoded. Media are asked for without a coding: one that has a coding all the
        same is no film, and may grow no larger than a page."""
        if hop.max_bytes is not None:
            return hop.max_bytes, hop.max_bytes
        return (self._config.max_media if hop.is_media else self._config.max_page), self._config.max_page

    async def _live(self, hop: Hop, redirected_from: str | None) -> Capture:
        url = checked_url(hop.url, ports=self._config.allow_ports, allowed=self._config.allow_addresses)
        headers, said = self._headers(hop, url)
        async with (
            self._pace.turn(url) as has_limits,
            self._client(_origin(url), guarded=not has_limits) as client,
            self._all,
        ):
            until = self._held.get(url.host)
            if until is not None and until > self._now():
                raise Refused(f"{url.host} asked us to wait until {until:%Y-%m-%d %H:%M:%S} UTC", reason="rate-limited")
            capture = await self._exchange(client, url, headers, hop, said, redirected_from)
            until = wait_until(capture, self._now())
            if until is not None:
                self._held[url.host] = until
            return capture

    def _headers(self, hop: Hop, url: httpx.URL) -> tuple[list[tuple[bytes, bytes]], str]:
        """What is sent, and what the record says in place of the secret."""
        given = {name.lower() for name, _ in hop.headers}
        ours = [
            ("Host", url.netloc.decode("ascii")),
            ("User-Agent", self._user_agent),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity" if hop.is_media else "gzip"),
        ]
        if hop.body or hop.method in ("POST", "PUT", "PATCH"):
            ours.append(("Content-Length", str(len(hop.body))))
        headers = [pair for pair in ours if pair[0].lower() not in given] + list(hop.headers)
        said = ""
        if hop.secret:
            name, scheme = hop.secret
            value = self._environ.get(name)
            if not value:
                raise Refused(f"the environment variable {name} is not set", reason="not-tried")
            if not (value.isascii() and value.isprintable() and value == value.strip()):
                # Said here, because h11 would say it with the value.
                raise Refused(f"the environment variable {name} holds what no header can carry", reason="not-tried")
            headers = [pair for pair in headers if pair[0].lower() != "authorization"]
            headers.append(("Authorization", f"{scheme} {value}".strip()))
            said = f"<secret from {name}>"
        for name, value in headers:
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", value):
                raise Refused(f"the header {name!r} cannot be sent", reason="bad-request")
        return [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers], said

    @contextlib.asynccontextmanager
    async def _client(
        self, origin: tuple[str, str, int | None], *, guarded: bool
    ) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """The transport of one origin. One large pool for all is slower (DESIGN.md, Parts)."""
        client = self._clients.get(origin)
        if client is None:
            client = self._clients[origin] = _Client(
                self._transport or _Transport(self._open_pool()), asyncio.Semaphore(self._config.per_host)
            )
        self._clients.move_to_end(origin)
        client.users += 1
        try:
            async with client.connections if guarded else contextlib.nullcontext():
                yield client.transport
        finally:
            client.users -= 1
            if len(self._clients) > MAX_CLIENTS:
                idle = [name for name, each in self._clients.items() if not each.users]
                for name in idle[: len(self._clients) - MAX_CLIENTS]:
                    await self._clients.pop(name).transport.aclose()

    def _open_pool(self) -> httpcore.AsyncConnectionPool:
        if self._tls is None:
            self._tls = _tls(self._config.ca_file)
        if self._proxy:
            # The proxy is the operator's own choice of address, and looks names up itself.
            return httpcore.AsyncHTTPProxy(
                self._proxy,
                proxy_auth=self._proxy_auth,
                ssl_context=self._tls,
                proxy_ssl_context=self._tls if self._proxy.startswith("https:") else None,
                keepalive_expiry=10,
            )
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            keepalive_expiry=10,
            network_backend=GuardedBackend(self._resolve, self._config.allow_addresses),
        )

    async def _exchange(
        self,
        transport: httpx.AsyncBaseTransport,
        url: httpx.URL,
        headers: list[tuple[bytes, bytes]],
        hop: Hop,
        said: str,
        redirected_from: str | None,
    ) -> Capture:
        config = self._config
        deadline = (config.media_timeout if hop.is_media else config.timeout).total_seconds()
        wire_cap, payload_cap = self._caps(hop)
        request = httpx.Request(
            hop.method,
            url,
            headers=headers,
            content=hop.body or None,
            extensions={"timeout": {"connect": config.connect_timeout.total_seconds()}},
        )
        request_headers = tuple(
            (name, said if said and name == "Authorization" else value) for name, value in _strings(request.headers.raw)
        )
        started_at = self._now()
        response: httpx.Response | None = None
        answered: tuple[tuple[str, str], ...] = ()
        intake: Intake | None = None
        truncated: str | None = None
        address = certificate = None
        try:
            # Round everything: a server that sends its headers a byte a second defeats any time-out between reads.
            async with asyncio.timeout(deadline):
                try:
                    response = await transport.handle_async_request(request)
                    answered = _strings(response.headers.raw)
                    address, certificate = _peer(response)
                    intake = Intake(
                        ",".join(value for name, value in answered if name.lower() == "content-encoding"),
                        wire_cap=wire_cap,
                        payload_cap=payload_cap,
                        spool=self._spool,
                        room=self._room,
                    )
                    if hop.method != "HEAD" and _announced(answered) > wire_cap:
                        truncated = "length"
                    else:
                        async for chunk in response.stream:  # type: ignore[union-attr]  # an async transport's is async
                            if not intake.feed(chunk):
                                break
                finally:
                    if response is not None:
                        await response.aclose()
        except TimeoutError as error:
            if response is None:
                raise Unreachable(f"no answer in {deadline:g} s", reason="timeout") from error
            truncated = "time"
        except httpx.TransportError as error:
            if response is None:
                reason = "timeout" if isinstance(error, httpx.TimeoutException) else "unreachable"
                raise Unreachable(f"no answer: {_cause(error)}", reason=reason) from None
            truncated = "disconnect"
        assert response is not None
        body, payload = intake.bodies() if intake else (Body.of(b""), Body.of(b""))
        if intake and intake.is_full:
            truncated = "length"
        return Capture(
            url=hop.url,
            method=hop.method,
            request_headers=request_headers,
            request_body=Body.of(hop.body),
            status=response.status_code,
            protocol=response.extensions["http_version"].decode("ascii"),
            headers=answered,
            body=body,
            payload=payload,
            started_at=started_at,
            ended_at=self._now(),
            truncated=truncated,
            server_address=None if self._proxy else address,
            tls_certificate=certificate,
            proxy=self._proxy,
            redirected_from=redirected_from,
        )


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport over guarded connections; its own constructor takes no network backend."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = Connections(pool)  # type: ignore[assignment]  # what a transport asks of a pool, and no more


@dataclasses.dataclass(slots=True)
class _Client:
    transport: httpx.AsyncBaseTransport
    connections: asyncio.Semaphore
    users: int = 0


def _strings(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _announced(headers: Sequence[tuple[str, str]]) -> int:
    text = next((value for name, value in headers if name.lower() == "content-length"), "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _peer(response: httpx.Response) -> tuple[str | None, str | None]:
    """The address that answered, and the SHA-256 of its certificate."""
    stream = response.extensions["network_stream"]
    address = stream.get_extra_info("server_addr")
    tls = stream.get_extra_info("ssl_object")
    if tls is not None and tls not in _CERTIFICATES:
        certificate = tls.getpeercert(binary_form=True)
        _CERTIFICATES[tls] = hashlib.sha256(certificate).hexdigest() if certificate else None
    return str(address[0]) if isinstance(address, tuple) else None, _CERTIFICATES.get(tls) if tls else None


#: By TLS connection: it shows one certificate, and carries many requests.
_CERTIFICATES: weakref.WeakKeyDictionary[ssl.SSLObject, str | None] = weakref.WeakKeyDictionary()


def _location(capture: Capture) -> str | None:
    if capture.status not in _REDIRECTS:
        return None
    location = capture.header("location")
    if not location:
        return None
    with contextlib.suppress(UnicodeError):  # many servers send raw UTF-8 here
        return location.encode("latin-1").decode("utf-8")
    return location


def _cause(error: BaseException) -> str:
    """The innermost words: httpcore's own are often empty."""
    cause: BaseException | None = error
    while cause is not None:
        if str(cause):
            return shown(str(cause))
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _with_table(resolve: Resolver, table: Mapping[str, str]) -> Resolver:
    """*resolve*, with the names of `fetch.resolve` answered from there."""
    fixed = {name.lower(): endpoint(text) for name, text in table.items()}
    if not fixed:
        return resolve

    async def with_table(host: str, port: int) -> Sequence[tuple[str, int]]:
        at = fixed.get(host.lower()) or fixed.get("*")
        return (at,) if at else await resolve(host, port)

    return with_table


def _proxy(stated: str | None, environ: Mapping[str, str]) -> tuple[str | None, tuple[str, str] | None]:
    """The proxy's URL without credentials, and the credentials."""
    if stated is None:
        return None, None
    if stated.startswith("env:"):
        name = stated.removeprefix("env:")
        stated = environ.get(name, "")
        if not stated:
            raise ConfigError(f"fetch.proxy: the environment variable {name} is not set")
    try:
        url = httpx.URL(stated)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError
    except (httpx.InvalidURL, ValueError):
        raise ConfigError("fetch.proxy: not a URL such as http://proxy.example:3128") from None
    auth = (url.username, url.password) if url.userinfo else None
    return str(url.copy_with(userinfo=b"", path="/", query=None, fragment=None)).rstrip("/"), auth


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"fetch.ca_file: {ca_file} holds no certificates that can be read: {error}") from error
    return context
