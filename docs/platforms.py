"""Writes docs/platforms.md from the code: whom this program contacts for a post, in what order, saying what, and why.

    python docs/platforms.py            rewrite docs/platforms.md
    python docs/platforms.py --check    exit 1 if it is out of date

Requests are those that the sources themselves yield for an example post; nothing is contacted.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from archiver.config import HOSTS
from archiver.model import Claim, PostRef, Rank, Request
from archiver.platforms import Platform, Source, platforms

PAGE = Path(__file__).with_suffix(".md")

_WHY = {
    Rank.FIRST_HAND: "the platform itself",
    Rank.THIRD_PARTY: "a third party that relays it",
    Rank.ARCHIVE: "a web archive: second-hand, and dated",
    Rank.ARTICLE: "the article's own quotation",
}
_NONE = (
    "No keyless endpoint of this network is verified: its posts are recognised, counted as `unsupported` (`no-source`) "
    "and not archived."
)

_HEAD = """# Whom this program contacts, and why

For the person who must answer for it. Generated from the code by `python docs/platforms.py`; do not edit.

- Articles choose which posts are looked for, and so which of these hosts are contacted. Nothing else is, but for the
  addresses of pictures and films that a source gives, which are fetched from wherever they are.
- A post's sources are asked in the order given here, until one shows it whole; a source marked *not whole* never shows
  media or the time of day, and the next is asked as well. `[platforms.NAME] sources = […]` in `config.toml` chooses and
  orders them, `enabled = false` turns a platform off.
- Every request carries `User-Agent: archiver/VERSION` with the operator's name and contact from `config.toml`,
  `Accept: */*` and `Accept-Encoding: gzip` (`identity` for media), and what is listed below. No cookies, no Referer, no
  browser's name. A secret is sent to its own host only, and is kept nowhere.
- At most five redirects are followed; private addresses are refused. An answer of 429 or 503 holds its host for as long
  as it asks, at least a minute.
- A source marked *last resort* is asked only where none before it showed the post.
- A later look at a post that is kept asks only first-hand sources.
- The last rung is the article's own quotation: it contacts nobody.
"""


def first(steps: Generator[Request, Any, Any]) -> Request | None:
    """The first request of a look-up; None for one that asks nobody."""
    try:
        return next(steps)
    except StopIteration:
        return None
    finally:
        steps.close()


def asked(request: Request | None) -> str:
    """A request as its first line and its own headers."""
    if request is None:
        return "nobody"
    headers = [f"{name}: {value}" for name, value in request.headers]
    if request.secret:
        headers.append(f"Authorization: {request.secret[1]} $" + request.secret[0])
    if request.follow == 0:
        headers.append("(redirects are read, not followed)")
    return "\n".join((f"{request.method} {request.url}", *headers))


def _rows(source: Source, number: int, ref: PostRef, claim: Claim) -> list[str]:
    marks = ["first-hand" if source.rank is Rank.FIRST_HAND else source.rank.value, _WHY[source.rank]]
    whole = "" if source.is_whole else " *Not whole.*"
    whole += " *Last resort.*" if source.is_last_resort else ""
    needs = f" Needs the environment variable `{source.needs}`; left out without it." if source.needs else ""
    return [
        f"{number}. **{source.name}** ({marks[0]}: {marks[1]}).{whole}{needs}",
        f"   Hosts: {', '.join(source.hosts)}. {source.terms}",
        f"   Gives, where the post has it: {', '.join(source.gives) or 'nothing of what it says'}.",
        "",
        "   ```",
        *(f"   {line}" for line in asked(first(source.look(ref, claim))).splitlines()),
        "   ```",
        "",
    ]


def section(platform: Platform) -> str:
    """One network: how a post is identified by asking, then its sources in order."""
    example, short = platform.example, platform.example.link
    ref, claim = PostRef(platform.name, example.id), Claim(handle=example.handle)
    lines = [f"## {platform.name}", "", f"Example: `{ref}`, {platform.url(ref)}", ""]
    if platform.resolve is not None:
        if not platform.is_final(ref):
            ladder = platform.resolve(claim, platform.url(ref))
            lines += ["An id that may pass to another author is looked up first; the first request is:"]
        else:
            ladder = platform.resolve(Claim(), short)
            lines += [f"A link that names no post ({short}) is followed, then looked up in web archives; first:"]
        lines += ["", "```", asked(first(ladder)), "```", ""]
    sources = platform.sources()
    if not sources:
        lines += [_NONE, ""]
    for number, source in enumerate(sources, 1):
        lines += _rows(source, number, ref, claim)
    return "\n".join(lines)


def paces() -> str:
    """What each host is asked at most."""
    lines = [
        "## Paces",
        "",
        "Where a host's limit is published or was observed, at most four fifths of it is used.",
        "",
    ]
    lines += ["| host (and path) | requests a minute | connections |", "|---|---|---|"]
    for name, host in HOSTS.items():
        lines.append(f"| {name} | {f'{host.per_minute:g}' if host.per_minute else '-'} | {host.connections or '-'} |")
    return "\n".join([*lines, "| any other | as fast as it answers | `fetch.per_host` (4) |", ""])


def page() -> str:
    """The whole of docs/platforms.md."""
    return "\n".join((_HEAD, *(section(each) for each in platforms().values()), paces()))


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
