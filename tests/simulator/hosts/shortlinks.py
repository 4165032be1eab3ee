"""t.co, and pic.twitter.com with pic.x.com (PLATFORMS.md 2)."""

from __future__ import annotations

import html
from urllib.parse import quote

from tests.simulator.exchange import Request, Response, redirect
from tests.simulator.exchange import html as page
from tests.simulator.world import Code, World

_HEADERS = (
    ("cache-control", "private,max-age=300"),
    ("server", "tsa_f"),
    ("vary", "Origin"),
    ("x-xss-protection", "0"),
    ("strict-transport-security", "max-age=0"),
)


def _interstitial(target: str) -> Response:
    """What a browser gets: 200 and a page that goes on by meta refresh and by script."""
    plain = html.escape(target)
    escaped = target.replace("/", "\\/")
    text = (
        f'<head><noscript><META http-equiv="refresh" content="0;URL={plain}"></noscript><title>{plain}</title></head>'
        f'<script>window.opener = null; location.replace("{escaped}")</script>'
    )
    return page(text, headers=_HEADERS)


def tco(world: World, request: Request) -> Response:
    """301 for curl's User-Agent, a page for a browser's; for anybody else `Uncertain.other_agents`."""
    code = request.path.strip("/")
    state = world.code_state(code)
    if state is Code.DEAD:
        status = world.uncertain.dead_code
        return page("" if status != 200 else "<html><body></body></html>", status, _HEADERS)
    target = world.codes[code]
    if state is Code.FLAGGED:
        target = f"https://twitter.com/safety/unsafe_link_warning?unsafe_link={quote(target, safe='')}"
    agent = request.header("user-agent") or ""
    wants_page = "Mozilla/" in agent or (
        not agent.lower().startswith("curl") and world.uncertain.other_agents == "html"
    )
    return _interstitial(target) if wants_page else redirect(target, 301, _HEADERS)


def pic(world: World, request: Request) -> Response:
    """What these hosts answer today is not known (`Uncertain.pic_host`)."""
    code = request.path.strip("/")
    if world.uncertain.pic_host == "tco":
        return redirect(f"https://t.co/{code}", 301)
    if world.uncertain.pic_host == "absent" or world.code_state(code) is Code.DEAD:
        return page("", 404)
    return redirect(world.codes[code], 301)


HANDLERS = {"t.co": tco, "pic.twitter.com": pic, "pic.x.com": pic}
