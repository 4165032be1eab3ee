"""What an operator may decide: `config.toml` as frozen values, every key with a default.

The records below are the schema: their fields are the keys, their defaults the defaults, their types the forms a value
may take. A duration is written `"30s"`, `"15m"`, `"24h"`, `"7d"`, a size `"64 MB"` or `"2 GB"` (powers of ten). Paths
are taken from the folder of the file. A secret is never written here, only the name of the environment variable that
holds it.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from archiver import __version__
from archiver.errors import ConfigError

#: A configuration beyond this is not one.
MAX_CONFIG = 1_000_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


#: A number of bytes, written with its unit.
Size = Annotated[int, "bytes"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs this archiver. The contact goes into the User-Agent, so that a site can ask before it blocks."""

    name: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleSource:
    """Articles to read on a schedule: `paths` are files, globs, folders or URLs. `cron` (five fields, in the time zone
    `timezone`, UTC unless named) takes the place of `every`. What a URL answers decides what it is (an article, a feed,
    a sitemap, a web archive, a data set), unless `kind` states it. `since` leaves out of what a feed or a sitemap lists
    articles published longer ago."""

    label: str
    paths: tuple[str, ...]
    every: dt.timedelta = dt.timedelta(hours=1)
    cron: str | None = None
    timezone: str | None = None
    kind: str | None = None
    since: dt.timedelta | None = None


#: What a source may be stated to be.
KINDS = ("article", "feed", "sitemap", "warc", "data")


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """Limits of the fetcher. Times are per request, a redirect being a request of its own; sizes count both the bytes
    on the wire and the bytes after decoding.

    `crawl_delay` has the robots.txt of articles' and feeds' hosts read, and its Crawl-delay kept.

    `proxy` is a URL without credentials, or `env:NAME` for one that has them. `allow_addresses` are CIDR blocks that
    may be contacted although they are not public. `resolve` maps a host name (or `*`) to `ip:port`, in place of DNS;
    the address is still checked. `replay` are WARC or WACZ files that answer in place of the web; `record` is the WARC
    that every exchange is appended to.
    """

    timeout: dt.timedelta = dt.timedelta(seconds=30)
    media_timeout: dt.timedelta = dt.timedelta(minutes=10)
    connect_timeout: dt.timedelta = dt.timedelta(seconds=10)
    max_page: Size = 16_000_000
    max_media: Size = 2_000_000_000
    connections: int = 32
    per_host: int = 4
    redirects: int = 5
    crawl_delay: bool = False
    proxy: str | None = None
    ca_file: Path | None = None
    allow_addresses: tuple[Network, ...] = ()
    allow_ports: tuple[int, ...] = (80, 443)
    resolve: Mapping[str, str] = field(default_factory=lambda: types.MappingProxyType({}))
    replay: tuple[Path, ...] = ()
    record: Path | None = None


@dataclass(frozen=True, slots=True)
class PlatformConfig:
    """One network. Empty `sources` means the platform's own list in its own order."""

    enabled: bool = True
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecheckConfig:
    """When a post is looked at again. `after` are the ages, from its first snapshot, at which that is done; after the
    last one the ages double, at most a year apart, and after a change it is looked at sooner. `gone_after` is the least
    time between two findings of absence before a post counts as gone; `retry` are the waits after a source did not
    answer."""

    after: tuple[dt.timedelta, ...] = tuple(dt.timedelta(hours=hours) for hours in (1, 24, 168, 720))
    gone_after: dt.timedelta = dt.timedelta(hours=24)
    retry: tuple[dt.timedelta, ...] = tuple(dt.timedelta(minutes=minutes) for minutes in (5, 60, 360, 1440))


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Which media of a post are kept. The largest size is `fetch.max_media`."""

    photos: bool = True
    videos: bool = True


@dataclass(frozen=True, slots=True)
class ContextConfig:
    """How far the posts that a post quotes or answers are captured too: 1 is what it quotes and answers itself, 2 also
    what those do, 0 nothing."""

    depth: int = 1


@dataclass(frozen=True, slots=True)
class LedgerConfig:
    """What makes the archive tamper-evident: the key that signs (None: the archive's name with .key, made at the first
    run), the log's name in its checkpoints, and the time-stamping authority (RFC 3161) that is asked to stamp them."""

    key: Path | None = None
    name: str | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class SaveConfig:
    """Whether the Wayback Machine is asked for a copy as well (Save Page Now): of posts, of articles. Off by default,
    for it is another's machine; the account's keys are in the environment (`savepagenow.KEYS`)."""

    posts: bool = False
    articles: bool = False


#: What can be told: see `NotifyConfig`.
EVENTS = ("source failing", "source recovered", "host silent", "disk full", "post missing", "post gone", "post back")


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """Whom to tell. `command` (a program and its arguments) gets each notice as JSON on its standard input; `webhook`
    is a URL it is posted to, or `env:NAME` for one that holds a secret. A source is worth a notice when it failed
    `after` times in a row. `events` are the ones that are told."""

    command: tuple[str, ...] = ()
    webhook: str | None = None
    after: int = 3
    events: tuple[str, ...] = EVENTS


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What one host allows us: requests a minute, and connections at once. None: no pace of its own, `fetch.per_host`
    connections."""

    per_minute: float | None = None
    connections: int | None = None


#: Published or observed limits, at 80 % of them (PLATFORMS.md 3.3, 3.6, 3.9). A key is a host, or a host and the
#: beginning of a path; the longest one that fits counts.
HOSTS: Mapping[str, HostConfig] = types.MappingProxyType(
    {
        "web.archive.org": HostConfig(480, 4),
        "web.archive.org/cdx": HostConfig(24, 1),
        "web.archive.org/save": HostConfig(12, 1),
        "api.fxtwitter.com": HostConfig(800, 4),
        # 1,000 an hour and endpoint, without a token.
        "graph.facebook.com": HostConfig(13, 2),
        "graph.threads.net": HostConfig(13, 2),
    }
)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator may decide. `Config()` is what an empty file means."""

    archive: Path = Path("archive.db")
    #: Marks the archive as an example that no real run may add to.
    example: bool = False
    operator: Operator = Operator()
    sources: tuple[ArticleSource, ...] = ()
    fetch: FetchConfig = field(default_factory=FetchConfig)
    platforms: Mapping[str, PlatformConfig] = field(default_factory=lambda: types.MappingProxyType({}))
    recheck: RecheckConfig = RecheckConfig()
    media: MediaConfig = MediaConfig()
    context: ContextConfig = ContextConfig()
    ledger: LedgerConfig = LedgerConfig()
    notify: NotifyConfig = NotifyConfig()
    save: SaveConfig = SaveConfig()
    hosts: Mapping[str, HostConfig] = field(default_factory=lambda: HOSTS)

    @property
    def user_agent(self) -> str:
        """How we introduce ourselves, with the operator's contact where one is given."""
        about = [part for part in (self.operator.name, self.operator.contact and f"+{self.operator.contact}") if part]
        comment = "; ".join(about).encode("ascii", "replace").decode().translate(str.maketrans("", "", "()\\"))
        return f"archiver/{__version__}" + (f" ({comment})" if comment else "")


def load(path: Path | None = None, *, environ: Mapping[str, str]) -> Config:
    """The configuration at *path*; without one, at `$ARCHIVER_CONFIG`, else `config.toml` here if there is one, else
    the defaults. ConfigError names file, line, key and the nearest right one."""
    if path is None:
        named = environ.get("ARCHIVER_CONFIG")
        path = Path(named) if named else Path("config.toml")
        if not named and not path.exists():
            return Config()
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_CONFIG + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_CONFIG:
        raise ConfigError(f"{path}: larger than {MAX_CONFIG} bytes; this is not a configuration")
    try:
        source = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from error
    return parse(source, path)


def parse(source: str, path: Path = Path("config.toml")) -> Config:
    """The configuration that *source* (TOML) states. *path* names it in errors and anchors its relative paths."""
    import tomllib

    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r" ?\(at line (\d+), column \d+\)", message)
        line = found.group(1) if found else str(source.count("\n") + 1)
        raise ConfigError(f"{path}:{line}: not valid TOML: {message[: found.start()] if found else message}") from error
    try:
        _refuse_secrets(table, ())
        config: Config = _record(Config, table, (), path.parent)
        return config
    except _Wrong as wrong:
        where = f"{path}:{_line(source, wrong.at)}" if wrong.at else str(path)
        raise ConfigError(f"{where}: {wrong}") from wrong.__cause__


# --- from a TOML value to a field -----------------------------------------------------------------------------------

_At = tuple[str | int, ...]


class _Wrong(Exception):
    """What is wrong, and at which key."""

    def __init__(self, at: _At, message: str) -> None:
        super().__init__(message)
        self.at = at


def _name(at: _At) -> str:
    """`fetch.timeout`, `sources[2].every`, `hosts."web.archive.org".per_minute`."""
    text = ""
    for part in at:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"')
    return text


@functools.cache
def _schema(record: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(record, include_extras=True)
    return {each.name: hints[each.name] for each in fields(record)}


def _record(record: type, table: object, at: _At, folder: Path) -> Any:
    if not isinstance(table, dict):
        raise _Wrong(at, f"{_name(at)} is {_said(table)}; it is a table: write [{_name(at)}] and its keys below it")
    schema = _schema(record)
    values = {}
    for key, value in table.items():
        if key not in schema:
            raise _Wrong((*at, key), f"unknown key {_name((*at, key))}{_nearest(key, schema, at)}")
        values[key] = _value(schema[key], value, (*at, key), folder)
    if record is ArticleSource:
        _check_source(table, at)
        values["paths"] = tuple(text if "://" in text else str(folder / text) for text in values["paths"])
    elif record is Config and "archive" not in values:
        values["archive"] = folder / Config().archive
    labels = [each.label for each in values.get("sources", ())] if record is Config else []
    for index, label in enumerate(labels):
        if label in labels[:index]:
            raise _Wrong(("sources", index, "label"), f"sources[{index + 1}].label is {label!r}, as another one's is")
    if "hosts" in values:
        values["hosts"] = types.MappingProxyType({**HOSTS, **values["hosts"]})
    return record(**values)


def _check_source(table: dict[str, Any], at: _At) -> None:
    for key in ("label", "paths"):
        if not table.get(key):
            raise _Wrong(at, f"{_name(at)} has no {key}; a source needs a label and paths")
    if "every" in table and "cron" in table:
        raise _Wrong((*at, "cron"), f"{_name(at)} has both every and cron; keep one of them")
    if "timezone" in table and "cron" not in table:
        raise _Wrong((*at, "timezone"), f"{_name(at)} has a timezone and no cron; only cron is read in a time zone")


def _nearest(key: str, schema: Mapping[str, Any], at: _At) -> str:
    """A hint: the nearest key of this table, else the table in which the key belongs, else all there are."""
    import difflib

    close = difflib.get_close_matches(key, schema, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {_name((*at, close[0]))}?"
    for table, kind in _schema(Config).items():
        if is_dataclass(kind) and isinstance(kind, type) and (table,) != at and key in _schema(kind):
            return f"; {key} belongs in [{table}]"
    return f"; the keys here are {', '.join(schema)}"


_SAID = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}


def _said(value: object) -> str:
    return next((word for kind, word in _SAID.items() if isinstance(value, kind)), f"a {type(value).__name__}")


def _value(kind: Any, value: object, at: _At, folder: Path) -> Any:
    """*value* in the form that the type *kind* of a field asks for."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType) and type(None) in inner:
        return _value(next(each for each in inner if each is not type(None)), value, at, folder)
    if origin is tuple:
        if not isinstance(value, list):
            raise _Wrong(at, f"{_name(at)} is {_said(value)}; it is a list: write [{_EXAMPLES.get(inner[0], '…')}]")
        return tuple(_value(inner[0], each, (*at, index), folder) for index, each in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _Wrong(at, f"{_name(at)} is {_said(value)}; it is a table of names")
        return types.MappingProxyType({key: _value(inner[1], each, (*at, key), folder) for key, each in value.items()})
    if is_dataclass(kind):
        return _record(typing.cast(type, kind), value, at, folder)
    try:
        accepted, read = _READERS[kind]
    except KeyError:
        accepted, read = str, _network  # the one union of ours
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number if accepted is float else type(value) is accepted):
        raise _Wrong(at, f"{_name(at)} is {_said(value)}; write {_EXAMPLES.get(kind, _SAID[accepted])}")
    try:
        made = read(value)
    except ValueError as error:
        raise _Wrong(at, f"{_name(at)} is {value!r}: {error}") from error
    if kind is Path:
        return folder / made
    _check(at, made)
    return made


def _check(at: _At, value: Any) -> None:
    """The few rules a type cannot state."""
    key = next(part for part in reversed(at) if isinstance(part, str))
    at_table = at[0] if at else ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        least = 0 if key in ("redirects", "depth") else 1 if isinstance(value, int) else 0.000_001
        if value < least or value != value or value == float("inf"):
            raise _Wrong(at, f"{_name(at)} is {value}; the least is {least:g}")
        if key == "allow_ports" and value > 65535:
            raise _Wrong(at, f"{_name(at)} is {value}; a port is at most 65535")
    elif key == "cron" and not re.fullmatch(r"\S+(\s+\S+){4}", value.strip()):
        raise _Wrong(at, f'{_name(at)} is {value!r}; cron takes five fields, such as "*/15 * * * *"')
    elif key == "kind" and value not in KINDS:
        raise _Wrong(at, f"{_name(at)} is {value!r}; write one of {', '.join(KINDS)}")
    elif at[:2] == ("notify", "events") and value not in EVENTS:
        raise _Wrong(at, f"{_name(at)} is {value!r}; write one of {', '.join(EVENTS)}")
    elif key == "webhook":
        _check_url_or_name(at, value, "https://chat.example/hook")
    elif key == "timezone":
        _check_timezone(at, value)
    elif key == "proxy" and at_table == "fetch":
        _check_url_or_name(at, value, "http://proxy.example:3128")
    elif at[:2] == ("fetch", "resolve"):
        _check_endpoint(at, value)


def _check_timezone(at: _At, value: str) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise _Wrong(
            at, f'{_name(at)} is {value!r}; no such time zone is known here. Write one such as "Europe/Berlin"'
        ) from error


def _check_url_or_name(at: _At, value: str, example: str) -> None:
    if value.startswith("env:"):
        if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", value):
            raise _Wrong(at, f'{_name(at)} is {value!r}; after env: comes the name of a variable, as in "env:NAME"')
    elif urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise _Wrong(at, f'{_name(at)} is {value!r}; write a URL such as "{example}", or "env:NAME"')


def _check_endpoint(at: _At, value: str) -> None:
    try:
        endpoint(value)
    except ValueError as error:
        raise _Wrong(at, f'{_name(at)} is {value!r}; write an address and a port, such as "127.0.0.1:8443"') from error


def endpoint(text: str) -> tuple[str, int]:
    """`127.0.0.1:8443` or `[::1]:8443` as an address and a port; ValueError for anything else."""
    host, _, port = text.rpartition(":")
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{port!r} is no port")
    return str(address), int(port)


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def _duration(text: str) -> dt.timedelta:
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*", text)
    if not found or float(found.group(1)) <= 0:
        raise ValueError('write a duration such as "30s", "15m", "24h" or "7d"')
    try:
        return dt.timedelta(seconds=float(found.group(1)) * _UNITS[found.group(2)])
    except OverflowError:
        raise ValueError("longer than anybody can wait") from None


def _size(text: str) -> int:
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    if not found or found.group(2).upper() not in _SIZES or float(found.group(1)) <= 0:
        raise ValueError('write a size such as "64 MB" or "2 GB"')
    return max(1, int(float(found.group(1)) * _SIZES[found.group(2).upper()]))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError('write an address block such as "127.0.0.0/8" or "::1/128"') from None


def _text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("empty, or with characters that cannot be printed")
    return text


def _same(value: Any) -> Any:
    return value


#: field type -> (the TOML type it is written in, how it is read)
_READERS: dict[Any, tuple[type, Callable[[Any], Any]]] = {
    str: (str, _text),
    bool: (bool, _same),
    int: (int, _same),
    float: (float, float),
    Path: (str, lambda text: Path(_text(text)).expanduser()),
    Size: (str, _size),
    dt.timedelta: (str, _duration),
}
_EXAMPLES: dict[Any, str] = {
    str: 'text in quotes, such as "name"',
    bool: "true or false",
    int: "a whole number, such as 4",
    float: "a number, such as 30",
    Path: 'a path in quotes, such as "archive.db"',
    Size: 'a size such as "64 MB" or "2 GB"',
    dt.timedelta: 'a duration such as "30s", "15m", "24h" or "7d"',
}

# --- secrets and lines ----------------------------------------------------------------------------------------------

_SECRET_KEY = re.compile(r"(?i)(^|[_-])(token|secret|password|passwd|api[_-]?key|bearer|credentials?|cookie)s?$")
# Bearer strings, JSON web tokens, well-known prefixes, long runs that mix letters and digits and are no path.
_SECRET_VALUE = re.compile(
    r"(?i:\b(?:bearer|basic)\s+\S{8,})|\beyJ[\w-]{8,}\.[\w-]+\.|\b(?:sk|ghp|gho|xox[abp])[-_][\w-]{10,}"
    r"|(?<![\w/.-])(?=[\w%+=-]*\d)(?=[\w%+=-]*[A-Z])(?=[\w%+=-]*[a-z])[\w%+=-]{32,}(?![\w/.])"
)
_SECRET_QUERY = re.compile(r"(?i)[?&](access_)?(token|secret|password|api_?key|sig(nature)?)=[^&\s]+")
_ADVICE = "a secret is never written here: put it into the environment"


def _refuse_secrets(value: object, at: _At) -> None:
    """Anything that looks like a secret, by its key or by its value, is refused without being repeated."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and isinstance(each, str) and _SECRET_KEY.search(key):
                advice = f"{_ADVICE}; docs/platforms.md names the variable that each source reads"
                raise _Wrong((*at, key), f"{_name((*at, key))}: {advice}")
            _refuse_secrets(each, (*at, key))
    elif isinstance(value, str):
        if _has_userinfo(value):
            named = 'and write "env:NAME"' if at == ("fetch", "proxy") else "or leave the name and password out"
            raise _Wrong(at, f"{_name(at)} holds a user name or password; {_ADVICE} {named}")
        if _SECRET_VALUE.search(value) or _SECRET_QUERY.search(value):
            raise _Wrong(at, f"{_name(at)} looks like a secret; {_ADVICE} and write the name of its variable")


def _has_userinfo(text: str) -> bool:
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@", text))


def _line(source: str, at: _At) -> int:
    """The line on which the key *at* is stated.

    tomllib keeps no positions, so the text is read as it grows: the first whole prefix that holds the key ends with
    its statement, and the whole prefix before that ends where the statement begins.
    """
    start = 0
    for end, prefix in _prefixes(source):
        if _holds(prefix, at):
            return start + 1
        start = end
    return 1


def _prefixes(source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    import tomllib

    lines = source.split("\n")  # splitlines() also splits at characters that TOML takes for text
    for end in range(1, len(lines) + 1):
        try:
            yield end, tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:  # in the middle of a statement that takes several lines
            continue


def _holds(value: Any, at: _At) -> bool:
    for part in at:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
