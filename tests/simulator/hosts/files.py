"""The file hosts of the networks besides X: a file is served under its exact URL as long as its post stands."""

from __future__ import annotations

from tests.simulator.exchange import Request, Response, html
from tests.simulator.world import State, World


def file(world: World, request: Request) -> Response:
    """Real pictures and films; 404 for anything else."""
    kept = world.files.get(request.url)
    if kept is None or world.fate(kept[0]) is not State.LIVE:
        return html("", 404)
    _, kind, content = kept
    return Response(200, (("content-type", kind), ("cache-control", "max-age=86400")), content)


HANDLERS = dict.fromkeys(("cdn4.telesco.pe", "i.ytimg.com", "i.redd.it", "v.redd.it", "p16-sign.tiktokcdn.com"), file)
