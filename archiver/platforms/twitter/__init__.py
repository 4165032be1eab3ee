"""X, formerly Twitter: URLs and embeds in `grammar`, short codes and recovery in `ladder`, endpoints in `sources`."""

from __future__ import annotations

from archiver.model import Capture, Claim, Finding, Resolving
from archiver.platforms import Example, Platform, Source
from archiver.platforms.twitter.grammar import MARKUP, match, posted_at, url


def _resolve(claim: Claim, url: str | None) -> Resolving:
    from archiver.platforms.twitter.ladder import resolve

    return resolve(claim, url)


def _sources() -> tuple[Source, ...]:
    from archiver.platforms.twitter.sources import SOURCES

    return SOURCES


def _saved(capture: Capture) -> tuple[Finding, ...]:
    from archiver.platforms.twitter.saved import saved

    return saved(capture)


def _leads_to(capture: Capture) -> str | None:
    from archiver.platforms.twitter.saved import leads_to

    return leads_to(capture)


PLATFORM = Platform(
    name="twitter",
    match=match,
    url=url,
    example=Example("1820917034519122161", "example", "https://t.co/fwutN0Bakg"),
    posted_at=posted_at,
    resolve=_resolve,
    sources=_sources,
    markup=MARKUP,
    saved=_saved,
    leads_to=_leads_to,
)
