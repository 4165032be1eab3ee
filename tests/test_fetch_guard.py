"""The address guard: articles choose the hosts, so nothing but the public web is ever connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.config import FetchConfig
from archiver.errors import FetchError, Refused
from archiver.fetch import Fetcher
from archiver.fetch.guard import GuardedBackend, checked_url, objection
from archiver.model import Request

# https://www.iana.org/assignments/iana-ipv4-special-registry (blocks that are not globally reachable), plus multicast.
IPV4_SPECIAL = [
    ipaddress.IPv4Network(block)
    for block in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
]
IPV6_SPECIAL = [
    ipaddress.IPv6Network(block)
    for block in [
        "::/8",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
]


def is_special(address: ipaddress.IPv4Address) -> bool:
    return any(address in block for block in IPV4_SPECIAL)


@given(st.ip_addresses(v=4))
@example(ipaddress.IPv4Address("93.184.216.34"))
def test_an_ipv4_address_is_contacted_exactly_if_it_is_public(address):
    assert bool(objection(address)) == is_special(address)


@given(st.sampled_from(IPV4_SPECIAL).flatmap(lambda block: st.ip_addresses(network=block)))
def test_no_special_ipv4_address_is_contacted_in_any_disguise(address):
    number = int(address)
    for disguise in (
        (0xFFFF << 32) | number,  # ::ffff:a.b.c.d
        number,  # ::a.b.c.d
        (0x0064FF9B << 96) | number,  # NAT64
        (0x0064FF9B0001 << 80) | number,  # local-use NAT64
        (0x2002 << 112) | (number << 80),  # 6to4
        (0x20010000 << 96) | (~number & 0xFFFFFFFF),  # Teredo
    ):
        assert objection(ipaddress.IPv6Address(disguise)), ipaddress.IPv6Address(disguise)


@given(st.ip_addresses(v=6))
@example(ipaddress.IPv6Address("2606:2800:220:1:248:1893:25c8:1946"))
def test_an_ipv6_address_is_contacted_only_if_it_is_global_unicast(address):
    inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in ipaddress.IPv6Network("64:ff9b::/96") or address in ipaddress.IPv6Network("::ffff:0:0/96"):
        assert bool(objection(address)) == is_special(inner)
    else:
        is_public = address in ipaddress.IPv6Network("2000::/3") and not any(address in each for each in IPV6_SPECIAL)
        assert bool(objection(address)) == (not is_public)


@given(st.sampled_from(IPV6_SPECIAL).flatmap(lambda block: st.ip_addresses(network=block)))
def test_no_special_ipv6_address_is_contacted(address):
    mapped = address in ipaddress.IPv6Network("::ffff:0:0/96")
    assert objection(address) or (mapped and not is_special(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))


def test_a_scope_hides_nothing():
    assert objection("fe80::1%eth0") == "a link-local address"


@given(st.ip_addresses())
def test_what_is_allowed_is_allowed_and_nothing_beside_it(address):
    block = ipaddress.ip_network(address)
    assert objection(address, (block,)) is None
    other = ipaddress.ip_address("10.9.8.7") if str(address) != "10.9.8.7" else ipaddress.ip_address("10.9.8.6")
    assert objection(other, (block,)) == "a private address"


# --- the corpus: URLs that have fooled somebody ---------------------------------------------------------------------

SSRF = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.01/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1:22/",
    "http://127.0.0.1:6379/",
    "http://example.com:25/",
    "http:///127.0.0.1/",
    "http:127.0.0.1/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "FILE://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "ftp://127.0.0.1/",
    "ldap://127.0.0.1/",
    "jar:http://127.0.0.1!/",
    "netdoc:///etc/passwd",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "data:text/html,hello",
    "javascript:alert(1)",
    "about:blank",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1%0d%0aHost:%20x/",
    "http://example.com%2f@127.0.0.1/",
]


class Dialled(Exception):
    """A connection was about to be made."""


@pytest.fixture
def no_dialling(monkeypatch):
    """The last line of defence in this test: anything that would reach the network stops here."""
    dialled = []

    async def connect(address, *_: object, **__: object):
        dialled.append(address)
        raise Dialled(address)

    monkeypatch.setattr("archiver.fetch.guard.connect", connect)
    return dialled


@pytest.mark.parametrize("url", SSRF)
async def test_no_url_of_the_corpus_is_connected_to(url, no_dialling):
    async def resolve(host: str, port: int):
        # What a resolver makes of the odd spellings, without asking DNS.
        if host.rstrip(".").lower() == "localhost":
            return (("127.0.0.1", port),)
        flags = socket.AI_NUMERICHOST
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        return tuple((address[0], port) for *_, address in found)

    async with Fetcher(FetchConfig(), resolve=resolve, environ={}) as fetcher:
        with pytest.raises(FetchError):
            await fetcher.fetch(Request(url))
    assert no_dialling == []


async def test_the_corpus_test_can_fail(no_dialling):
    async def public(host: str, port: int):
        return (("93.184.216.34", port),)

    async with Fetcher(FetchConfig(), resolve=public, environ={}) as fetcher:
        with pytest.raises(Dialled):
            await fetcher.fetch(Request("http://example.com/"))
    assert no_dialling == ["93.184.216.34"]


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["93.184.216.34", "fe80::1%lo"]],
)
async def test_one_private_address_among_public_ones_is_enough(addresses, no_dialling):
    async def mixed(host: str, port: int):
        return [(address, port) for address in addresses]

    with pytest.raises(Refused, match="allow_addresses"):
        await GuardedBackend(mixed, ()).connect_tcp("mixed.example", 80)
    assert no_dialling == []


async def test_a_name_that_changes_its_mind_is_checked_at_every_connection(no_dialling):
    """DNS rebinding: public when first asked, private the second time. The address that was checked is dialled."""
    answers = iter([[("93.184.216.34", 80)], [("127.0.0.1", 80)]])

    async def rebinding(host: str, port: int):
        return next(answers)

    backend = GuardedBackend(rebinding, ())
    with pytest.raises(Dialled):
        await backend.connect_tcp("rebind.example", 80)
    with pytest.raises(Refused):
        await backend.connect_tcp("rebind.example", 80)
    assert no_dialling == ["93.184.216.34"]


async def test_an_explicit_table_of_addresses_is_checked_all_the_same():
    config = FetchConfig(resolve={"a.example": "127.0.0.1:80"})
    async with Fetcher(config, environ={}) as fetcher:
        with pytest.raises(Refused, match="loopback") as caught:
            await fetcher.fetch(Request("http://a.example/"))
    assert caught.value.reason == "address-refused"


async def test_a_unix_socket_is_never_opened(tmp_path):
    async def never(host: str, port: int):
        raise AssertionError

    with pytest.raises(Refused):
        await GuardedBackend(never, ()).connect_unix_socket(str(tmp_path / "s"))


@given(st.text(max_size=60))
@example("http://[")
@example("http://a\x00b/")
@example("http://" + "a" * 300)
@example("http://xn--/")
def test_any_text_is_a_url_or_refused(text):
    for url in (text, f"http://{text}/", f"https://a.example/{text}"):
        try:
            checked = checked_url(url, ports=(80, 443))
        except Refused:
            continue
        assert checked.scheme in ("http", "https")
        assert not checked.userinfo
        assert str(checked).isascii()
