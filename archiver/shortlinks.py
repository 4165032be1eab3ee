"""Short links that only their host can lead home: asked one redirect at a time, then as a web archive saw them.

The post is named by a redirect's own Location, so that the page behind it (with its login wall) is never fetched.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable

from archiver import answers, memento
from archiver.model import Evidence, Finding, PostRef, Reason, Request, Resolution, Resolving

MAX_HOPS = 5
_MAX_MEMENTOS = 3
#: Where a login or consent page keeps what was asked for.
_WANTED = ("next", "redirect_url", "continue", "dest", "url", "u", "redirect", "return_to")
_CANONICAL = re.compile(
    r"<link\b(?=[^>]*\brel=[\"']?canonical)[^>]*\bhref=[\"']([^\"'>]+)|"
    r"<meta\b(?=[^>]*\bproperty=[\"']?og:url)[^>]*\bcontent=[\"']([^\"'>]+)",
    re.IGNORECASE,
)


def resolve(
    url: str | None, match: Callable[[str], PostRef | None], shortlink: str, hosts: str, agent: str | None = None
) -> Resolving:
    """The post a short link leads to. *shortlink* is the expression of such links (`Markup.shortlink`), *hosts* one
    over host names that redirects are followed to; *agent* a User-Agent, where a host needs another than ours.

    Costs a request for each redirect; two or more of a web archive where the live link ends nowhere.
    """
    if url and (ref := match(url)):
        return Resolution(ref, Reason.OK, "url", (Evidence("url", url),))
    if not url or not re.match(shortlink, url, re.IGNORECASE):
        return Resolution(None, Reason.NO_LINK, evidence=(Evidence("none", "no link that leads to a post"),))
    start = re.sub(r"^(?:https?:)?//", "https://", url, flags=re.IGNORECASE)
    evidence: list[Evidence] = []
    here, reason = start, Reason.LINK_ELSEWHERE
    for _ in range(MAX_HOPS):
        headers = (("User-Agent", agent),) if agent else ()
        answer = yield from answers.ask(Request(here, headers=headers, follow=0))
        if isinstance(answer, Finding):
            reason = answer.reason
            evidence.append(Evidence("shortlink", f"{here}: {reason.value}"))
            break
        there = memento.location(answer)
        if there is None:
            page = _CANONICAL.search(answer.text[:500_000]) if answer.status == 200 else None
            there = page and (page[1] or page[2])
            if there and (ref := match(there)):
                evidence.append(Evidence("shortlink", f"{here} is the page of {there}", answer.id))
                return Resolution(ref, Reason.OK, "shortlink", tuple(evidence))
            wall = answers.refused(answer) or answers.walled(answer)
            reason = wall.reason if wall else Reason.LINK_ELSEWHERE
            reason = Reason.LINK_DEAD if reason is Reason.NOT_FOUND else reason
            evidence.append(Evidence("shortlink", f"{here}: status {answer.status}, {reason.value}", answer.id))
            break
        evidence.append(Evidence("shortlink", f"{here} leads to {there}", answer.id))
        if ref := _named(there, match):
            return Resolution(ref, Reason.OK, "shortlink", tuple(evidence))
        if answers.walled(answer, there):
            reason = Reason.LOGIN_WALL
            break
        host = (urllib.parse.urlsplit(there).hostname or "").lower()
        if not re.fullmatch(hosts, host) or there == here:
            reason = Reason.LINK_ELSEWHERE
            break
        here = there
    return (yield from _archived(start, match, reason, evidence))


def _archived(url: str, match: Callable[[str], PostRef | None], reason: Reason, evidence: list[Evidence]) -> Resolving:
    """The same link in the Wayback Machine, whose index folds case: the path is compared exactly."""
    path = urllib.parse.urlsplit(url).path.rstrip("/")
    bare = f"{urllib.parse.urlsplit(url).hostname}{path}"
    # Redirects of other links that differ in case have the same empty body: not collapsed.
    rows = yield from answers.indexed(memento.cdx_query(bare, collapse=None, limit=100))
    if isinstance(rows, Finding):
        evidence.append(Evidence("archived-shortlink", f"{bare}: {rows.reason.value}"))
        return Resolution(None, reason, evidence=tuple(evidence))
    own = [
        row
        for row in rows
        if urllib.parse.urlsplit(row.original).path.rstrip("/") == path and (row.status or 301) // 100 == 3
    ]
    for row in own[:_MAX_MEMENTOS]:
        answer = yield from answers.replayed(row)
        there = None if isinstance(answer, Finding) else memento.location(answer)
        if there is None or isinstance(answer, Finding):
            continue
        evidence.append(Evidence("archived-shortlink", f"on {row.timestamp} it led to {there}", answer.id))
        if ref := _named(there, match):
            return Resolution(ref, Reason.OK, "archived-shortlink", tuple(evidence))
    return Resolution(None, reason, evidence=tuple(evidence))


def _named(url: str, match: Callable[[str], PostRef | None]) -> PostRef | None:
    """The post a redirect's target names, by itself or as what a login page will lead to."""
    if ref := match(url):
        return ref
    try:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    except ValueError:
        return None
    wanted = (value for name in _WANTED for value in query.get(name, ()))
    return next((ref for value in wanted if (ref := match(urllib.parse.urljoin(url, value)))), None)
