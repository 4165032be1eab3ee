"""TikTok: videos and photo posts (PLATFORMS.md 0 and 1.2)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from archiver.model import (
    Author,
    Capture,
    Claim,
    Finding,
    Look,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Resolving,
    Variant,
)
from archiver.platforms import Example, Markup, Platform, Source, parts, wayback

_URL = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)?(?:vx|tnk|fix)?tiktok\.com/+(?:@[\w.-]{0,40}/(?:video|photo)|embed(?:/v\d)?|player/v\d|"
    r"share/(?:video|photo)|v)/+(\d{8,20})(?!\d)",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a URL names; None for profiles, sounds and tags. Short links need a redirect."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("tiktok", found[1]) if found else None


def url(ref: PostRef) -> str:
    """The one form that needs no handle."""
    return f"https://www.tiktok.com/embed/v2/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The second the id was made, which may precede publication."""
    seconds = int(id) >> 32
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds > 1_400_000_000 else None


_SHORT = r"(?:https?:)?//(?:(?:vm|vt)\.tiktok\.com|(?:www\.)?tiktok\.com/t)/(\w{5,20})(?:[/?#].*)?"
_HANDLE = re.compile(r"@?([\w.-]{1,40})", re.ASCII)
_STATE = re.compile(
    r"<script[^>]+\bid=\"(?:__UNIVERSAL_DATA_FOR_REHYDRATION__|SIGI_STATE|sigi-persisted-data)\"[^>]*>\s*"
)
_CITED = re.compile(r"(?:data-video-id=|/(?:video|photo)/)[\"']?(\d{8,20})")


def _resolve(claim: Claim, url: str | None) -> Resolving:
    """Short links answer a redirect to the post."""
    from archiver import shortlinks

    return shortlinks.resolve(url, match, _SHORT, r"(?:[\w-]+\.)*tiktok\.com")


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9. What a missing post gets is not known for sure (400, it is said): only a
    404 is word of absence."""
    from archiver import oembed
    from archiver.errors import ParseError

    shown = oembed.read(capture)
    if isinstance(shown, Finding):
        return shown
    stated = oembed.text(shown.members.get("embed_product_id"))
    ids = {stated} if stated else set(_CITED.findall(shown.html or ""))
    if ids and ref.id not in ids:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {sorted(ids)[0][:40]}")
    handle = oembed.text(shown.members.get("author_unique_id"))
    if handle is None:
        found = re.search(r"tiktok\.com/@([\w.-]{1,40})", shown.author_url or "", re.ASCII)
        handle = found[1] if found else None
    kind = oembed.text(shown.members.get("embed_type")) or shown.type
    media = []
    if shown.thumbnail_url:
        size = (shown.thumbnail_width, shown.thumbnail_height)
        media.append(Media("photo", "thumbnail", (shown.thumbnail_url,), None, *size))
    # Named without an address: missing from the archive, and counted so.
    media.append(Media("photo" if kind == "photo" else "video", "post", ()))
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(handle, shown.author_name, None, shown.author_url),
            text=shown.title or "",
            url=_page(handle, ref, is_photo=kind == "photo"),
            media=tuple(media),
            extra=(("not_archived", "the video or pictures themselves: oEmbed gives text, author and a still"),),
        ),
    )


def _page(handle: str | None, ref: PostRef, *, is_photo: bool) -> str:
    return f"https://www.tiktok.com/@{handle}/{'photo' if is_photo else 'video'}/{ref.id}" if handle else url(ref)


def _oembed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    named = _HANDLE.fullmatch(claim.handle or "")
    # Without a handle any will do in its place: the id decides (yt-dlp asks for `@_` so).
    page = f"https://www.tiktok.com/@{named[1] if named else '_'}/video/{ref.id}"
    capture = yield from answers.ask(oembed.request("https://www.tiktok.com/oembed", page))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    named = _HANDLE.fullmatch(claim.handle or "")
    kinds = ("video", "photo")
    return tuple(f"www.tiktok.com/@{named[1]}/{kind}/{ref.id}" for kind in kinds) if named else ()


def read_archived(capture: Capture, ref: PostRef) -> Finding:
    """An archived page of a clip, by the data its program was given: `__UNIVERSAL_DATA_FOR_REHYDRATION__`, or before
    2023 `SIGI_STATE` (as read by yt-dlp's tiktok extractor). A page to prove that one is human has neither."""
    import json

    from archiver import answers
    from archiver.errors import ParseError
    from archiver.untyped import counts, listing, mapping, number, pairs, size, string, web_url

    found = _STATE.search(capture.text)
    if found is None:
        return answers.walled(capture) or answers.absent(Reason.UNKNOWN, "a page without its data")
    try:
        data, _ = json.JSONDecoder().raw_decode(capture.text, found.end())
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{capture.url}: page data that is not JSON: {error}") from error
    scope = mapping(mapping(mapping(data).get("__DEFAULT_SCOPE__")).get("webapp.video-detail"))
    clip = mapping(mapping(scope.get("itemInfo")).get("itemStruct"))
    clip = clip or mapping(mapping(mapping(data).get("ItemModule")).get(ref.id))
    if not clip:
        return answers.absent(Reason.UNKNOWN, string(scope.get("statusMsg")) or "no clip in the page's data")
    if clip.get("id") != ref.id:
        raise ParseError(f"{capture.url}: asked for {ref.id}, shows {clip.get('id')!r:.40}")
    author, film = clip.get("author"), mapping(clip.get("video"))
    stats = mapping(clip.get("stats")) or mapping(clip.get("statsV2"))
    who = mapping(author)
    handle = string(who.get("uniqueId")) or string(author)
    still = web_url(film.get("originCover")) or web_url(film.get("cover"))
    pictures = [mapping(each) for each in listing(mapping(clip.get("imagePost")).get("images"))]
    media = [Media("photo", "thumbnail", (still,))] if still else []
    for place, each in enumerate(pictures, 1):
        urls = [address for one in listing(mapping(each.get("imageURL")).get("urlList")) if (address := web_url(one))]
        if urls:
            shape = size(each.get("imageWidth")), size(each.get("imageHeight"))
            media.append(Media("photo", f"photo-{place}", tuple(dict.fromkeys(urls)), None, *shape))
    if not pictures:
        media.append(_film(film))
    captions = {
        language: address
        for each in map(mapping, listing(film.get("subtitleInfos")))
        if (language := string(each.get("LanguageCodeName"))) and (address := web_url(each.get("Url")))
    }
    made = number(clip.get("createTime"))
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(
                handle,
                string(who.get("nickname")) or string(clip.get("nickname")),
                string(who.get("id")) or string(clip.get("authorId")),
                f"https://www.tiktok.com/@{handle}" if handle else None,
            ),
            text=string(clip.get("desc")) or "",
            created_at=dt.datetime.fromtimestamp(made, dt.UTC) if made and 0 < made < 10_000_000_000 else None,
            url=_page(handle, ref, is_photo=bool(pictures)),
            media=tuple(media),
            counts=counts(
                likes=stats.get("diggCount"),
                reposts=stats.get("shareCount"),
                replies=stats.get("commentCount"),
                views=stats.get("playCount"),
            ),
            extra=pairs(music=string(mapping(clip.get("music")).get("title")), captions=captions),
        ),
    )


def _film(film: Mapping[str, Any]) -> Media:
    """A clip's film: its encodings (`bitrateInfo`), the largest first, then the one its own player takes, which is an
    address or a list of them."""
    from archiver.untyped import listing, mapping, number, size, web_url

    made: list[tuple[int, int, Variant]] = []
    for each in map(mapping, listing(film.get("bitrateInfo"))):
        play = mapping(each.get("PlayAddr"))
        pixels, bits = (size(play.get("Width")) or 0) * (size(play.get("Height")) or 0), number(each.get("Bitrate"))
        made += [
            (pixels, bits or 0, Variant(address, "video/mp4", bits))
            for one in listing(play.get("UrlList"))
            if (address := web_url(one))
        ]
    made.sort(key=lambda each: each[:2], reverse=True)
    addresses = film.get("playAddr")
    played = [mapping(each).get("src") or each for each in (addresses if isinstance(addresses, list) else [addresses])]
    seconds = number(film.get("duration"))
    return Media(
        "video",
        "post",
        tuple(
            dict.fromkeys([*(variant.url for _, _, variant in made), *(url for one in played if (url := web_url(one)))])
        ),
        None,
        size(film.get("width")),
        size(film.get("height")),
        float(seconds) if seconds else None,
        variants=tuple(dict.fromkeys(variant for _, _, variant in made)),
    )


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "oembed",
            Rank.FIRST_HAND,
            _oembed,
            ("www.tiktok.com",),
            "TikTok's oEmbed: keyless, limits not published. Text, author and a still whose address is signed and "
            "expires; not the video, not the time (the id carries it).",
            is_whole=False,
            gives=parts("text, author, pictures"),
        ),
        wayback(
            _addresses,
            read_archived,
            terms="Needs the author's name, which the article states.",
            gives="text, author, account id, time, pictures, films, counts, captions",
        ),
    )


PLATFORM = Platform(
    name="tiktok",
    match=match,
    url=url,
    example=Example("7170520270497680683", "example", "https://vm.tiktok.com/ZTR45GpSF/"),
    posted_at=posted_at,
    sources=_sources,
    resolve=_resolve,
    markup=Markup(
        screens=(
            r"tiktok\.com/(?:@[\w.-]{0,40}/(?:video|photo)|embed(?:/v\d)?|player/v\d|share/(?:video|photo)|v)/\d{8}",
            r"tiktok-embed",
            r"amp-tiktok",
            r"(?:vm|vt)\.tiktok\.com/\w",
            r"tiktok\.com/t/\w",
        ),
        classes=("tiktok-embed",),
        tags=("amp-tiktok",),
        attributes=(("data-video-id@", r"(\d{8,20})"), ("data-src@", r"(\d{8,20})")),
        closers=(r"♬[ \xa0][^\n♬]{1,80}? - [^\n♬]{1,80}",),
        byline_screens=(r"\xe2\x99\xac[ \xc2]",),
        shortlink=r"(?:https?:)?//(?:(?:vm|vt)\.tiktok\.com|(?:www\.)?tiktok\.com/t)/(\w{5,20})(?:[/?#].*)?",
        author=r"tiktok\.com/@([\w.-]{1,40})/",
    ),
)
