"""Bluesky: addresses in `grammar`, who it is in `identity`, one post in `records`, where they are seen in `sources`."""

from __future__ import annotations

from archiver.model import Claim, Resolving
from archiver.platforms import Example, Markup, Platform, Source
from archiver.platforms.bluesky.grammar import HANDLE, is_final, match, posted_at, url


def _resolve(claim: Claim, url: str | None) -> Resolving:
    from archiver.platforms.bluesky.identity import resolve

    return resolve(claim, url)


def _sources() -> tuple[Source, ...]:
    from archiver.platforms.bluesky.sources import SOURCES

    return SOURCES


PLATFORM = Platform(
    name="bluesky",
    match=match,
    url=url,
    example=Example("example.bsky.social/3leyztswv5k2q", "example.bsky.social"),
    posted_at=posted_at,
    resolve=_resolve,
    is_final=is_final,
    sources=_sources,
    markup=Markup(
        screens=(
            r"(?:bsky|bskx|bsyy)\.app/(?:profile|embed)/",
            r"deer\.social/profile/",
            r"app\.bsky\.feed\.post",
            r"bluesky-embed",
        ),
        classes=("bluesky-embed",),
        handle=HANDLE,
        has_dates=True,
        has_hours=True,
        is_last=True,
        author=r"profile/@?(" + HANDLE + r")/post",
        digest="data-bluesky-cid",
    ),
)
