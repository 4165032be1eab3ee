"""Networks, one pure file each: what their URLs, ids and embeds look like, and where a post can be seen.

A file here that ends in `PLATFORM = Platform(…)` is a platform by existing; nothing else needs to be told. Platforms
open no socket, read no clock and never import each other.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archiver.model import Claim, Look, PostRef, Rank, Resolving


@dataclass(frozen=True, slots=True)
class Source:
    """One place where a post can be seen. `look(ref, claim)` is a generator: it yields requests, is sent captures,
    returns a Finding. `claim` is what the article says (an archive may need the handle); it may be empty.

    `hosts` are those it contacts, `terms` a sentence on limits and conditions: both go into docs/platforms.md.
    `needs` names an environment variable without which the source is left out; `is_whole` is False for a source that
    never shows media or the time of day (oEmbed), so that the climb goes on after it.
    """

    name: str
    rank: Rank
    look: Callable[[PostRef, Claim], Look]
    hosts: tuple[str, ...]
    terms: str = ""
    needs: str | None = None
    is_whole: bool = True


def _no_time(_id: str) -> dt.datetime | None:
    return None


@dataclass(frozen=True, slots=True)
class Platform:
    """One network as a record of functions.

    match(url) -> PostRef | None    any URL of one post, whatever host alias or mirror; None for anything else
    url(ref) -> str                 the canonical public URL; `match(url(ref)) == ref`
    posted_at(id) -> datetime|None  the time the id itself carries, where a rule exists
    resolve(claim, url) -> Resolution   by way of requests: short links, codes, handles; None where there is no ladder
    sources                         best first
    """

    name: str
    match: Callable[[str], PostRef | None]
    url: Callable[[PostRef], str]
    posted_at: Callable[[str], dt.datetime | None] = _no_time
    resolve: Callable[[Claim, str | None], Resolving] | None = None
    sources: tuple[Source, ...] = field(default=())


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Every platform by name, in name order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        platform = getattr(importlib.import_module(f"{__name__}.{module.name}"), "PLATFORM", None)
        if isinstance(platform, Platform):
            found[platform.name] = platform
    return found
