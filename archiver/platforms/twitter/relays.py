"""What third-party rewriters serve of an X post (PLATFORMS.md 3.3): FxEmbed in two forms, and BetterTwitFix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archiver.errors import ParseError
from archiver.model import Author, Link, Media, Post, PostRef, Reason, Variant
from archiver.platforms.twitter.grammar import match
from archiver.platforms.twitter.media import photo, seconds, variants, video, web_url
from archiver.platforms.twitter.payloads import (
    Absence,
    Shown,
    article,
    author,
    handle_of,
    identifier,
    moment,
    ref_of,
    unescape,
)
from archiver.untyped import counts, listing, mapping, number, pairs, string

_FX_REASONS = {
    "deleted": Reason.DELETED,
    "suspended": Reason.SUSPENDED,
    "private": Reason.PROTECTED,
    "blocked": Reason.UNKNOWN,
    "unavailable": Reason.UNKNOWN,
}


def fx(payload: Mapping[str, Any]) -> Shown | Absence | None:
    """FxTwitter, v2 (`status`) and v1 (`tweet`); None where the answer names neither a post nor its absence."""
    status = mapping(payload.get("status")) or mapping(payload.get("tweet"))
    if status.get("type") == "tombstone":
        words = string(status.get("message")) or string(status.get("reason"))
        return Absence(_FX_REASONS.get(string(status.get("reason")) or "", Reason.UNKNOWN), words)
    if not status:
        told = string(payload.get("message"))
        code = number(payload.get("code"))
        if told == "PRIVATE_TWEET":
            return Absence(Reason.PROTECTED, told)
        if code == 404 or told == "NOT_FOUND":
            return Absence(Reason.NOT_FOUND, told)
        return None
    post = _fx_post(status)
    quote = mapping(status.get("quote"))
    also: tuple[Post, ...] = ()
    if quote and quote.get("type") != "tombstone":
        try:
            also = (_fx_post(quote),)
        except ParseError:
            also = ()
    return Shown(post, also)


def _fx_post(status: Mapping[str, Any]) -> Post:
    id = identifier(status.get("id"))
    raw = mapping(status.get("raw_text"))
    text = string(status.get("text"))
    if id is None or (text is None and not isinstance(status.get("text"), str)):
        raise ParseError("a post without an id or a text")
    person = mapping(status.get("author"))
    media = mapping(status.get("media"))
    listed = listing(media.get("all")) or [*listing(media.get("photos")), *listing(media.get("videos"))]
    essay, pictures = article(mapping(status.get("article")))
    items = (*(one for each in map(mapping, listed) if (one := _fx_media(each))), *pictures)
    facets = [mapping(each) for each in listing(raw.get("facets"))]
    links = tuple(
        Link(original, string(each.get("replacement")), string(each.get("display")))
        for each in facets
        if each.get("type") in ("url", "media") and (original := string(each.get("original")))
    )
    reply = mapping(status.get("replying_to"))
    reply_to = ref_of(reply.get("status"), reply.get("post"), status.get("replying_to_status"))
    handle = handle_of(person)
    quote = mapping(status.get("quote"))
    return Post(
        ref=PostRef("twitter", id),
        author=author(person),
        text=text or "",
        created_at=moment(status.get("created_timestamp")) or moment(status.get("created_at")),
        lang=string(status.get("lang")),
        url=f"https://x.com/{handle or 'i'}/status/{id}",
        links=tuple(dict.fromkeys(links)),
        media=tuple({one.key: one for one in items}.values()),
        reply_to=reply_to,
        quotes=ref_of(quote.get("id")),
        counts=counts(
            likes=status.get("likes"),
            replies=status.get("replies"),
            reposts=status.get("reposts", status.get("retweets")),
            quotes=status.get("quotes"),
            bookmarks=status.get("bookmarks"),
            views=status.get("views"),
        ),
        extra=pairs(
            poll=status.get("poll"),
            community_note=mapping(status.get("community_note")).get("text"),
            article=essay,
            card=_fx_card(media),
            reply_to_handle=string(reply.get("screen_name")) or string(status.get("replying_to")),
            possibly_sensitive=status.get("possibly_sensitive") or None,
            raw_text=string(raw.get("text")),
            source=string(status.get("source")),
            text_is_rewritten=True,
        ),
    )


def _fx_card(media: Mapping[str, Any]) -> dict[str, Any]:
    """A player of somebody else's film, or a broadcast, which a post shows as a card."""
    player, broadcast = mapping(media.get("external")), mapping(media.get("broadcast"))
    url = web_url(player.get("url")) or web_url(broadcast.get("url"))
    title = string(broadcast.get("title"))
    image = web_url(player.get("thumbnail_url"))
    return {name: value for name, value in (("url", url), ("title", title), ("image", image)) if value} if url else {}


def _fx_media(each: Mapping[str, Any]) -> Media | None:
    url = web_url(each.get("url"))
    kind = each.get("type")
    width, height = number(each.get("width")), number(each.get("height"))
    if not url or kind == "mosaic_photo":
        return None
    if kind == "photo":
        return photo(url, alt=string(each.get("altText")), width=width, height=height)
    if kind not in ("video", "gif"):
        return None
    seconds = each.get("duration")
    formats = [
        Variant(there, _CONTAINERS.get(string(form.get("container")) or ""), number(form.get("bitrate")))
        for form in map(mapping, listing(each.get("formats")))
        if (there := web_url(form.get("url")))
    ]
    return video(
        [*variants(each.get("variants")), *formats] or [Variant(url, "video/mp4")],
        kind=str(kind),
        poster=web_url(each.get("thumbnail_url")),
        alt=string(each.get("altText")),
        width=width,
        height=height,
        duration=float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 10**7 else None,
    )


_CONTAINERS = {"mp4": "video/mp4", "webm": "video/webm", "m3u8": "application/x-mpegURL"}


def vx(payload: Mapping[str, Any], *, is_inner: bool = False) -> Shown | None:
    """vxtwitter; None where it is no post. It shows what a post quotes or reposts with it."""
    id = identifier(payload.get("tweetID"))
    raw = payload.get("text")
    if id is None or not isinstance(raw, str):
        return None
    url = string(payload.get("tweetURL")) or ""
    named = re.match(r"^https?://[^/]+/(\w{1,20})/status/", url, re.ASCII)
    handle = handle_of({"screen_name": payload.get("user_screen_name")}) or (named[1] if named else None)
    media: dict[str, Media] = {}
    for each in map(mapping, listing(payload.get("media_extended"))):
        one = _vx_media(each)
        if one:
            media.setdefault(one.key, one)
    # Where the longer list is missing; it may also hold the post itself, as text.
    shorter = [] if listing(payload.get("media_extended")) else listing(payload.get("mediaURLs"))
    for there in filter(None, map(web_url, shorter)):
        is_film = re.split(r"[?#]", there)[0].endswith(".mp4")
        found = video([Variant(there, "video/mp4")]) if is_film else photo(there)
        if found:
            media.setdefault(found.key, found)
    essay = mapping(payload.get("article"))
    if (cover := web_url(essay.get("image"))) and (picture := photo(cover)).key not in media:
        media[picture.key] = picture
    quoted = match(string(payload.get("qrtURL")) or "")
    retweeted = match(string(payload.get("retweetURL")) or "")
    polled = mapping(payload.get("pollData"))
    name = string(payload.get("user_name"))
    post = Post(
        ref=PostRef("twitter", id),
        author=Author(handle, name and unescape(name), None, f"https://x.com/{handle}" if handle else None),
        text=string(raw) or "",
        created_at=moment(payload.get("date_epoch")) or moment(payload.get("date")),
        lang=string(payload.get("lang")),
        url=f"https://x.com/{handle or 'i'}/status/{id}",
        media=tuple(media.values()),
        reply_to=ref_of(payload.get("replyingToID")),
        quotes=quoted,
        counts=counts(likes=payload.get("likes"), replies=payload.get("replies"), reposts=payload.get("retweets")),
        extra=pairs(
            poll=polled if listing(polled.get("options")) else None,
            community_note=string(payload.get("communityNote")),
            article=article(essay)[0],
            reply_to_handle=string(payload.get("replyingTo")),
            reposts_post=retweeted.id if retweeted else None,
            conversation_id=string(payload.get("conversationID")),
            possibly_sensitive=payload.get("possibly_sensitive") or None,
            text_is_rewritten=True,
        ),
    )
    inner = [] if is_inner else [vx(mapping(payload.get(each)), is_inner=True) for each in ("qrt", "retweet")]
    return Shown(post, tuple({each.post.ref: each.post for each in inner if each}.values()))


def _vx_media(each: Mapping[str, Any]) -> Media | None:
    url = web_url(each.get("url"))
    size = mapping(each.get("size"))
    width, height = number(size.get("width")), number(size.get("height"))
    alt = string(each.get("altText"))
    kind = each.get("type")
    if not url or kind not in ("image", "video", "gif"):
        return None
    if kind == "image":
        return photo(url, alt=alt, width=width, height=height)
    return video(
        [Variant(url, "video/mp4")],
        kind=kind,
        poster=web_url(each.get("thumbnail_url")),
        alt=alt,
        width=width,
        height=height,
        duration=seconds(each.get("duration_millis")),
    )
