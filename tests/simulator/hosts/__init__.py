"""The hosts: one module a family, each a table `HANDLERS` of names and of functions `(World, Request) -> Response`.

A handler reads the world and answers; it waits for nothing and opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.simulator.exchange import Request, Response
from tests.simulator.hosts import (
    files,
    meta,
    oembed,
    reddit,
    relays,
    shortlinks,
    syndication,
    telegram,
    tiktok,
    twimg,
    wayback,
    x,
    youtube,
)
from tests.simulator.world import World

Handler = Callable[[World, Request], Response]

HANDLERS: Mapping[str, Handler] = {
    name: handler
    for module in (
        files,
        meta,
        oembed,
        reddit,
        relays,
        shortlinks,
        syndication,
        telegram,
        tiktok,
        twimg,
        wayback,
        x,
        youtube,
    )
    for name, handler in module.HANDLERS.items()
}
