"""Which addresses may be contacted: articles choose the hosts, so every connection is checked where it is made.

A name is resolved here, all its addresses are checked, and the connection goes to a checked address; a second look-up
in between (DNS rebinding) has nothing to change. `ipaddress.is_global` alone does not do: it takes 64:ff9b::7f00:1 and
2002:7f00:1:: (both 127.0.0.1 in disguise) for global.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import re
import socket
import typing
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore
import httpx

from archiver.errors import Refused, Unreachable
from archiver.fetch.stream import connect

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: (host, port) -> the (address, port) pairs to connect to, best first. OSError where the name is not known.
Resolver = Callable[[str, int], Awaitable[Sequence[tuple[str, int]]]]

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052; its local-use sibling 64:ff9b:1::/48 is refused whole
_UNICAST = ipaddress.IPv6Network("2000::/3")
# https://www.iana.org/assignments/iana-ipv4-special-registry and …ipv6…, where Python's own tables fall short or
# differ between its versions; and the tunnels, whose addresses carry an IPv4 address of anybody's choice.
_SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(block), what)
    for block, what in (
        ("2002::/16", "a 6to4 tunnel"),
        ("2001::/32", "a Teredo tunnel"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.0.0.0/24", "a special-purpose address"),
        ("2001::/23", "a special-purpose address"),
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
        ("2620:4f:8000::/48", "a special-purpose address"),
        ("192.31.196.0/24", "a special-purpose address"),
        ("192.52.193.0/24", "a special-purpose address"),
        ("192.175.48.0/24", "a special-purpose address"),
    )
)


def objection(address: str | Address, allowed: Iterable[Network] = ()) -> str | None:
    """Why *address* may not be contacted, in a few words; None if it may. Only public unicast addresses may, and those
    in *allowed*. IPv4 addresses inside IPv6 (mapped, NAT64) are judged as what they lead to."""
    given = ipaddress.ip_address(address)
    inner = _embedded(given)
    if any(each in block for block in allowed for each in {given, inner} if each.version == block.version):
        return None
    for block, what in _SPECIAL:
        if inner.version == block.version and inner in block:
            return what
    if inner.is_loopback:
        return "a loopback address"
    if inner.is_link_local:
        return "a link-local address"
    if inner.is_multicast:
        return "a multicast address"
    if inner.is_unspecified:
        return "the unspecified address"
    if inner.is_private:
        return "a private address"
    if not inner.is_global or inner.is_reserved or (inner.version == 6 and inner not in _UNICAST):
        return "not a public address"
    return None


def _embedded(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address) and (address in _MAPPED or address in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def checked_url(url: str, *, ports: Iterable[int] | None, allowed: Iterable[Network] = ()) -> httpx.URL:
    """*url* as it will be asked: without its fragment, percent-encoded where it must be. Refused for what is not
    http(s), carries a user name, names a port not in *ports* (None: any), or spells an address that may not be
    contacted (also as `2130706433`, `0x7f.1` or `0177.0.0.1`)."""
    try:
        parsed, host, port = _parsed(url)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise Refused(f"not a URL that can be asked: {shown(str(error))}") from error
    if parsed.scheme not in ("http", "https") or port is None:
        raise Refused(f"scheme {parsed.scheme or 'missing'}: only http and https are asked")
    if not _HOST_NAME.fullmatch(host):
        raise Refused("no host name in the URL")
    if parsed.userinfo or "@" in parsed.netloc.decode("ascii", "replace"):
        raise Refused("the URL carries a user name or password, which is never sent")
    if ports is not None and port not in tuple(ports):
        raise Refused(f"port {port} is not in fetch.allow_ports")
    literal = _literal(host)
    why = literal and objection(literal, allowed)
    if why:
        raise Refused(f"{literal} is {why}; fetch.allow_addresses can allow it")
    return parsed


_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.]+(%[A-Za-z0-9]+)?")


@functools.lru_cache(1024)
def _parsed(url: str) -> tuple[httpx.URL, str, int | None]:
    """A URL without its fragment, its host, its port: asked for several times on the way of each request."""
    parsed = httpx.URL(url)
    if "#" in url:
        parsed = parsed.copy_with(fragment=None)
    return parsed, parsed.raw_host.decode("ascii"), parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)


@functools.lru_cache(4096)
def _literal(host: str) -> Address | None:
    """The address that *host* spells, in any form a resolver takes for one."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    if re.fullmatch(r"(?i)[0-9a-fx.]+", host):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
        except OSError:
            pass
    return None


_SECRET_QUERY = re.compile(
    r"(?i)([?&;][^=&;#\s]*(?:token|secret|password|passwd|key|auth|sig|signature|session|credential)[^=&;#\s]*=)[^&;#\s]+"
)
_USERINFO = re.compile(r"(?i)([a-z][a-z0-9+.-]*:)?(//)[^/?#\s]*@")


def shown(url: str) -> str:
    """*url* as it may stand in a log or a message: no user name, no password, no value of a token-like parameter."""
    return _SECRET_QUERY.sub(r"\1…", _USERINFO.sub(r"\1\2", url))[:500]


async def system_resolve(host: str, port: int) -> Sequence[tuple[str, int]]:
    """The operating system's resolver, in its own order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys((str(address[0]), int(address[1])) for *_, address in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connections behind the check. All addresses of a name must pass: a name that mixes public and
    private ones is refused whole, for nobody publishes that by accident."""

    def __init__(self, resolve: Resolver, allowed: Sequence[Network]) -> None:
        self._resolve = resolve
        self._allowed = tuple(allowed)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                endpoints = await self._checked(host, port)
                failure: Exception | None = None
                for place, (address, number) in enumerate(endpoints):
                    # An address that does not answer must leave time for the next one.
                    share = None if timeout is None else timeout / (len(endpoints) - place)
                    try:
                        return await connect(address, number, share, local_address)
                    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                        failure = error
                raise Unreachable(f"no connection to {host} port {port}: {_words(failure)}") from failure
        except TimeoutError as error:
            raise Unreachable(f"no connection to {host} port {port} in {timeout:g} s", reason="timeout") from error

    async def _checked(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        try:
            endpoints = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"no such name: {host} ({_words(error)})") from error
        if not endpoints:
            raise Unreachable(f"no such name: {host} (no address)")
        for address, _ in endpoints:
            why = objection(address, self._allowed)
            if why:
                raise Refused(f"{host} is {address}, {why}; fetch.allow_addresses can allow it")
        return endpoints

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused(f"{path}: no socket of this machine is opened")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _words(error: BaseException | None) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
