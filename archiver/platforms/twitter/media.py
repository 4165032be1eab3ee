"""Pictures and films of X: under which addresses its media hosts serve them, and how v1.1 lists them."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from archiver import memento
from archiver.model import Media, Variant
from archiver.untyped import listing, mapping, number, string

#: What the platform's own picture host serves, best first (PLATFORMS.md 3.5).
PHOTO_SIZES = ("orig", "4096x4096", "large", "medium", "small")

_PHOTO = re.compile(r"^https?://pbs\.twimg\.com/media/([\w-]+)(?:\.(\w+))?(?::\w+)?(?:\?(.*))?$", re.ASCII)
_VIDEO = re.compile(
    r"//(?:video|pbs)\.twimg\.com/(?:"
    r"(?:ext_tw_video|amplify_video|ext_tw_video_thumb|amplify_video_thumb)/(\d+)/"
    r"|(?:tweet_video|tweet_video_thumb)/([\w-]+)\.)",
    re.ASCII,
)


def photo_urls(url: str) -> tuple[str, ...]:
    """What to fetch for a picture, original size first; a URL that is not the picture host's own stays alone."""
    found = _PHOTO.match(url)
    if not found:
        return (url,)
    key, extension, query = found.groups()
    form = dict(urllib.parse.parse_qsl(query or "")).get("format") or extension or "jpg"
    return tuple(f"https://pbs.twimg.com/media/{key}?format={form}&name={size}" for size in PHOTO_SIZES)


def media_key(*urls: str | None) -> str | None:
    """What names a picture or film, whichever source states it: the stable part of its own URLs."""
    for url in urls:
        photo = _PHOTO.match(url or "")
        if photo:
            return photo[1]
        video = _VIDEO.search(url or "")
        if video:
            return video[1] or video[2]
    return None


def photo(url: str, *, alt: str | None = None, width: int | None = None, height: int | None = None) -> Media:
    return Media("photo", media_key(url) or url, photo_urls(url), alt, width, height)


def video(
    variants: Iterable[Variant],
    *,
    kind: str = "video",
    poster: str | None = None,
    alt: str | None = None,
    width: int | None = None,
    height: int | None = None,
    duration: float | None = None,
) -> Media | None:
    """A film: the MP4 of the highest bit rate first, HLS playlists last. None where no URL is stated."""
    listed = tuple(dict.fromkeys(variants))
    if not listed:
        return None
    best = sorted(listed, key=_goodness)
    urls = tuple(dict.fromkeys(variant.url for variant in best))
    key = media_key(*urls, poster) or urls[0]
    return Media(kind, key, urls, alt, width, height, duration, poster, listed)


def _goodness(variant: Variant) -> tuple[int, int]:
    path = re.split(r"[?#]", variant.url)[0]
    is_mp4 = variant.content_type == "video/mp4" or (variant.content_type is None and path.endswith(".mp4"))
    is_playlist = "mpegurl" in (variant.content_type or "").lower() or path.endswith(".m3u8")
    return (0 if is_mp4 else 2 if is_playlist else 1, -(variant.bitrate or 0))


def web_url(value: Any) -> str | None:
    """An http(s) URL, freed from an archive's rewriting."""
    text = string(value)
    if text and text.startswith("//"):
        text = f"https:{text}"
    text = memento.unwrap(text) if text else None
    return text if text and re.match(r"https?://[^\s/]", text) else None


def secure(url: str | None) -> str | None:
    return re.sub(r"^http://(?=[\w.]+\.twimg\.com/)", "https://", url) if url else None


def variants(values: Any, url_key: str = "url") -> Iterator[Variant]:
    for value in listing(values):
        each = mapping(value)
        url = web_url(each.get(url_key)) or web_url(each.get("url")) or web_url(each.get("src"))
        if url:
            kind = string(each.get("content_type")) or string(each.get("type"))
            bitrate = number(each.get("bitrate"))
            yield Variant(url, kind, bitrate if bitrate is not None else number(each.get("bit_rate")))


def seconds(milliseconds: Any) -> float | None:
    value = number(milliseconds)
    return value / 1000 if value else None


def listed(entities: Iterable[Any]) -> tuple[Media, ...]:
    found: dict[str, Media] = {}
    for value in entities:
        each = mapping(value)
        url = secure(web_url(each.get("media_url_https")) or web_url(each.get("media_url")))
        size = mapping(each.get("original_info"))
        width, height = number(size.get("width")), number(size.get("height"))
        alt = string(each.get("ext_alt_text"))
        info = mapping(each.get("video_info"))
        one: Media | None
        if info or each.get("type") in ("video", "animated_gif"):
            one = video(
                variants(info.get("variants")),
                kind="gif" if each.get("type") == "animated_gif" else "video",
                poster=url,
                alt=alt,
                width=width,
                height=height,
                duration=seconds(info.get("duration_millis")),
            )
            if one is None and url:
                # Old payloads name a film by its poster alone (sizes, no variants): say so rather than drop it.
                kind = "gif" if each.get("type") == "animated_gif" else "video"
                one = Media(kind, media_key(url) or url, (), alt, width, height, None, url)
        else:
            one = photo(url, alt=alt, width=width, height=height) if url else None
        if one:
            found.setdefault(one.key, one)
    return tuple(found.values())
