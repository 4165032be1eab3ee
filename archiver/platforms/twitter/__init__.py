"""X, formerly Twitter: URLs and embeds in `grammar`, short codes and recovery in `ladder`, endpoints in `sources`."""

from __future__ import annotations

from archiver.platforms import Platform
from archiver.platforms.twitter.grammar import MARKUP, match, posted_at, url
from archiver.platforms.twitter.ladder import resolve
from archiver.platforms.twitter.sources import SOURCES

PLATFORM = Platform(
    name="twitter", match=match, url=url, posted_at=posted_at, resolve=resolve, sources=SOURCES, markup=MARKUP
)
