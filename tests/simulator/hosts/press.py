"""A news site: articles, feeds, sitemaps; conditional requests as RFC 9110 13 has them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from email.utils import format_datetime, parsedate_to_datetime
from xml.sax.saxutils import escape

from tests.simulator.exchange import Request, Response, html, plain
from tests.simulator.world import World


class Press:
    """One site. `say` puts bytes at a path from now on; `asked` counts what was asked and how it was answered."""

    def __init__(self, world: World, host: str, *, validators: Iterable[str] = ("etag", "last-modified")) -> None:
        self.host, self._validators = host, frozenset(validators)
        self._world = world
        self._pages: dict[str, tuple[bytes, str, dt.datetime]] = {}
        self.asked: list[tuple[str, int]] = []
        world.others[host] = self._answer

    def url(self, path: str) -> str:
        return f"https://{self.host}{path}"

    def say(self, path: str, content: str | bytes, content_type: str = "text/html; charset=utf-8") -> str:
        raw = content.encode() if isinstance(content, str) else content
        at = max(self._world.clock.now, self._pages[path][2] + dt.timedelta(seconds=1)) if path in self._pages else None
        self._pages[path] = (raw, content_type, (at or self._world.clock.now).replace(microsecond=0))
        return self.url(path)

    def count(self, path: str, status: int | None = None) -> int:
        return sum(each == path and status in (None, answered) for each, answered in self.asked)

    def _answer(self, world: World, request: Request) -> Response:
        answer = self._respond(request)
        self.asked.append((request.path, answer.status))
        return answer

    def _respond(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            return html("<h1>Not found</h1>", 404) if request.path != "/robots.txt" else plain("", 404)
        content, content_type, changed_at = page
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        stated = {"etag": etag, "last-modified": format_datetime(changed_at, usegmt=True)}
        headers = tuple(pair for pair in stated.items() if pair[0] in self._validators)
        matches = request.header("if-none-match")
        since = request.header("if-modified-since")
        # If-None-Match decides where both are there (RFC 9110 13.2.2).
        if (matches is not None and matches == etag) or (
            matches is None and since is not None and changed_at <= parsedate_to_datetime(since)
        ):
            return Response(304, headers)
        return Response(200, (("content-type", content_type), *headers), content)


Item = tuple[str, dt.datetime | None]


def rss(items: Iterable[Item]) -> str:
    rows = "".join(
        f"<item><title>t</title><link>{escape(url)}</link>"
        + (f"<pubDate>{format_datetime(at, usegmt=True)}</pubDate>" if at else "")
        + "</item>"
        for url, at in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{rows}</channel></rss>'


def atom(items: Iterable[Item]) -> str:
    rows = "".join(
        f'<entry><id>{escape(url)}</id><title>t</title><link href="{escape(url)}"/>'
        + (f"<updated>{at.isoformat()}</updated>" if at else "")
        + "</entry>"
        for url, at in items
    )
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{rows}</feed>'


def sitemap(items: Iterable[Item], *, is_news: bool = False, element: str = "url") -> str:
    """A sitemap; a news sitemap; or, with `element="sitemap"`, the index of some."""
    root = "urlset" if element == "url" else "sitemapindex"

    def said(at: dt.datetime | None) -> str:
        if at is None:
            return ""
        if not is_news:
            return f"<lastmod>{at.isoformat()}</lastmod>"
        return (
            "<news:news><news:publication><news:name>N</news:name><news:language>en</news:language></news:publication>"
            f"<news:publication_date>{at.isoformat()}</news:publication_date><news:title>t</news:title></news:news>"
        )

    rows = "".join(f"<{element}><loc>{escape(url)}</loc>{said(at)}</{element}>" for url, at in items)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{rows}</{root}>'
    )
