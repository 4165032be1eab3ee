"""Run a look-up against the simulated web without a socket: every request it yields is answered by the world."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from typing import TypeVar
from urllib.parse import urljoin

from archiver.errors import Unreachable
from archiver.model import Body, Capture, Request
from tests.simulator import exchange
from tests.simulator.world import World

T = TypeVar("T")


def captures(world: World, request: Request, secrets: Mapping[str, str] | None = None) -> tuple[Capture, ...]:
    """What a fetcher would bring home: every hop in order, `request.follow` redirects followed. Unreachable for a name
    that nobody made, or where the answer never comes whole."""
    hops: list[Capture] = []
    url = request.url
    for _ in range(request.follow + 1):
        asked = exchange.Request.of(request.method, url, request.headers, request.body)
        if asked.host not in world.hosts():
            raise Unreachable(f"{url}: no such host in the simulated web")
        if request.secret is not None and not hops:
            name, scheme = request.secret
            value = f"{scheme} {(secrets or {})[name]}"
            asked = dataclasses.replace(asked, headers=(*asked.headers, ("authorization", value)))
        answer = world.answer(asked)
        if answer.wire is not exchange.Wire.WHOLE:
            raise Unreachable(f"{url}: {answer.wire}")
        hops.append(
            Capture(
                url=url,
                method=request.method,
                request_headers=request.headers,
                request_body=Body.of(request.body),
                status=answer.status,
                protocol="HTTP/1.1",
                headers=answer.headers,
                body=Body.of(answer.body),
                payload=Body.of(answer.payload),
                started_at=world.clock.now,
                ended_at=world.clock.now,
                redirected_from=hops[-1].id if hops else None,
            )
        )
        location = answer.header("location")
        if location is None or not 300 <= answer.status < 400:
            break
        url = urljoin(url, location)
    return tuple(hops)


def look(world: World, steps: Generator[Request, Capture, T], secrets: Mapping[str, str] | None = None) -> T:
    """Run a look-up to its end and give what it found; what cannot be fetched is thrown into it."""
    try:
        request = next(steps)
        while True:
            try:
                answer = captures(world, request, secrets)[-1]
            except Unreachable as error:
                request = steps.throw(error)
            else:
                request = steps.send(answer)
    except StopIteration as end:
        found: T = end.value
        return found
