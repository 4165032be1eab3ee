"""One post: its record, which its author signed, and the view that the AppView makes of what it embeds."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from archiver import dagcbor
from archiver.model import Author, Link, Media, Post, PostRef, Variant
from archiver.platforms.bluesky.grammar import is_final, url
from archiver.platforms.bluesky.identity import xrpc
from archiver.untyped import counts, listing, mapping, moment, number, pairs, size, string, web_url

_POST_URI = re.compile(r"at://([^/?#\s]{1,300})/app\.bsky\.feed\.post/([^/?#\s]{1,512})")


def ref_of(uri: Any) -> PostRef | None:
    found = _POST_URI.fullmatch(uri) if isinstance(uri, str) else None
    return PostRef("bluesky", f"{found[1]}/{found[2]}") if found else None


def kind_of(embed: Mapping[str, Any]) -> str:
    """`images`, `video`, `gallery`, `external`, `record` or `recordWithMedia`, of a record's embed or of a view's."""
    return str(embed.get("$type", "")).removeprefix("app.bsky.embed.").partition("#")[0]


def labels(holder: Mapping[str, Any]) -> tuple[str, ...]:
    """Labels that stand; a negated one withdraws what it names."""
    labels = [mapping(label) for label in listing(holder.get("labels"))]
    return tuple(str(label["val"]) for label in labels if isinstance(label.get("val"), str) and not label.get("neg"))


def self_labels(record: Mapping[str, Any]) -> tuple[str, ...]:
    values = [mapping(value) for value in listing(mapping(record.get("labels")).get("values"))]
    return tuple(str(value["val"]) for value in values if isinstance(value.get("val"), str))


def author_of(author: Mapping[str, Any], ref: PostRef) -> Author:
    did = string(author.get("did")) or ref.id.rpartition("/")[0]
    handle = string(author.get("handle"))
    handle = None if handle == "handle.invalid" else handle
    return Author(handle, string(author.get("displayName")), did, f"https://bsky.app/profile/{did}")


def post_of(
    ref: PostRef,
    record: Mapping[str, Any],
    view: Mapping[str, Any],
    server: str | None,
    author: Author,
    cid: str | None,
    counted: Mapping[str, Any],
    labels: tuple[str, ...],
) -> Post:
    """A record (the author's own words) and, where the AppView shows it, the view of its embed."""
    embed = mapping(record.get("embed"))
    is_mixed = kind_of(embed) == "recordWithMedia" or kind_of(view) == "recordWithMedia"
    quoted = mapping(embed.get("record")) or mapping(view.get("record"))
    if is_mixed:
        quoted = mapping(quoted.get("record"))
    reply = mapping(record.get("reply"))
    text = string(record.get("text")) or ""
    shown = mapping(view.get("media")) if is_mixed else view
    kept = mapping(embed.get("media")) if is_mixed else embed
    card = mapping(kept.get("external")) or mapping(shown.get("external"))
    facets = list(_facets(record, str(record.get("text") or "")))
    links = [Link(facet["uri"], facet["uri"], facet["text"]) for facet in facets if "uri" in facet]
    did = ref.id.rpartition("/")[0] if is_final(ref) else author.id or ""
    if (target := web_url(card.get("uri"))) and all(link.url != target for link in links):
        links.append(Link(target, target, string(card.get("title"))))
    langs = [lang for lang in map(string, listing(record.get("langs"))) if lang]
    root = ref_of(mapping(reply.get("root")).get("uri"))
    return Post(
        ref=ref,
        author=author,
        text=text,
        created_at=moment(record.get("createdAt")),
        lang=langs[0] if langs else None,
        url=url(ref),
        links=tuple(links),
        media=_media(did, kept, shown, server),
        reply_to=ref_of(mapping(reply.get("parent")).get("uri")),
        quotes=ref_of(quoted.get("uri")),
        counts=counts(
            likes=counted.get("likeCount"),
            reposts=counted.get("repostCount"),
            replies=counted.get("replyCount"),
            quotes=counted.get("quoteCount"),
            bookmarks=counted.get("bookmarkCount"),
        ),
        extra=pairs(
            cid=cid,
            cid_verified=dagcbor.is_record(cid, record) if cid else None,
            indexed_at=string(counted.get("indexedAt")),
            langs=langs[1:] and langs,
            labels=list(dict.fromkeys(labels)),
            mentions=[facet["did"] for facet in facets if "did" in facet],
            tags=list(dict.fromkeys([facet["tag"] for facet in facets if "tag" in facet] + _tags(record))),
            thread=str(root) if root else None,
            card=_card(card, mapping(shown.get("external")), quoted, _viewed(view)),
            captions=_captions(did, kept, server),
            quote_state=_quote_state(_viewed(view)),
        ),
    )


def _viewed(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the AppView shows of an embedded record."""
    record = mapping(view.get("record"))
    return mapping(record.get("record")) if kind_of(view) == "recordWithMedia" else record


def _card(
    card: Mapping[str, Any], view: Mapping[str, Any], quoted: Mapping[str, Any], record: Mapping[str, Any]
) -> dict[str, str]:
    """A link's card; or what is embedded and is no post: a feed, a list, a starter pack, with what it is called."""
    about = {name: card.get(name) for name in ("uri", "title", "description")} | {"thumb": web_url(view.get("thumb"))}
    if not card and string(quoted.get("uri")) and ref_of(quoted.get("uri")) is None:
        own = mapping(record.get("record"))  # a starter pack's view holds its record
        title = record.get("displayName") or record.get("name") or own.get("name")
        about = {
            "uri": quoted.get("uri"), "title": title, "description": record.get("description") or own.get("description")
        }  # fmt: skip
    return {name: value for name, each in about.items() if (value := string(each))}


def _captions(did: str, kept: Mapping[str, Any], server: str | None) -> dict[str, str]:
    """Where a film's captions are given out, by their language."""
    found = {}
    for each in map(mapping, listing(kept.get("captions"))):
        lang, cid = string(each.get("lang")), _cid(each.get("file"))
        if lang and cid:
            found[lang] = blob_url(server, did, cid) if server else cid
    return found


_UNSEEN = {"viewDetached": "detached", "viewBlocked": "blocked", "viewNotFound": "not found"}


def _quote_state(record: Mapping[str, Any]) -> str | None:
    """Why a quoted post is not shown: its author took it out of the quotation, one of the two blocks the other, or it
    is gone."""
    return _UNSEEN.get(str(record.get("$type")).rpartition("#")[2])


def _tags(record: Mapping[str, Any]) -> list[str]:
    return [tag for tag in map(string, listing(record.get("tags"))) if tag]


def _facets(record: Mapping[str, Any], text: str) -> Iterator[dict[str, str]]:
    """Links, mentions and tags, each with the text it stands on. Their places count bytes of UTF-8."""
    encoded = text.encode("utf-8", "replace")
    for facet in map(mapping, listing(record.get("facets"))):
        index = mapping(facet.get("index"))
        start, end = number(index.get("byteStart")), number(index.get("byteEnd"))
        if start is None or end is None or not 0 <= start <= end <= len(encoded):
            continue
        words = encoded[start:end].decode("utf-8", "replace")
        for feature in map(mapping, listing(facet.get("features"))):
            for name in ("uri", "did", "tag"):
                value = string(feature.get(name))
                if value and (name != "uri" or web_url(value)):
                    yield {name: value, "text": words}
    # Before facets (to early 2023) places counted UTF-16 units of the text.
    units = text.encode("utf-16-le", "surrogatepass")
    for entity in map(mapping, listing(record.get("entities"))):
        index, value = mapping(entity.get("index")), string(entity.get("value"))
        start, end = number(index.get("start")), number(index.get("end"))
        kind = {"link": "uri", "mention": "did"}.get(str(entity.get("type")))
        is_place = start is not None and end is not None and 0 <= start <= end <= len(units) // 2
        if kind and value and is_place and (kind == "did" or web_url(value)):
            words = units[2 * (start or 0) : 2 * (end or 0)].decode("utf-16-le", "replace")
            yield {kind: value, "text": words}


def _cid(blob: Any) -> str | None:
    """The CID of a blob, in its present form or that of 2022 (`{"cid", "mimeType"}`)."""
    blob = mapping(blob)
    return string(mapping(blob.get("ref")).get("$link")) or string(blob.get("cid"))


_CDN_CID = re.compile(r"/(baf[a-z2-7]{50,70})(?:@[a-z]+)?$")


def _media(did: str, kept: Mapping[str, Any], shown: Mapping[str, Any], server: str | None) -> tuple[Media, ...]:
    """Pictures and films: the bytes as uploaded first, which alone can be checked against their CID, then what the CDN
    makes of them."""
    made: list[Media] = []
    pictures, views = (listing(each.get("images")) or listing(each.get("items")) for each in (kept, shown))
    for place in range(max(len(pictures), len(views))):
        picture = mapping(pictures[place]) if place < len(pictures) else {}
        view = mapping(views[place]) if place < len(views) else {}
        full = web_url(view.get("fullsize"))
        thumb = web_url(view.get("thumb")) or web_url(view.get("thumbnail"))
        in_url = _CDN_CID.search(full or "")
        cid = _cid(picture.get("image")) or (in_url[1] if in_url else None)
        original = blob_url(server, did, cid) if server and cid else None
        urls = tuple(each for each in (original, full, thumb if full is None else None) if each)
        alt = string(view.get("alt")) or string(picture.get("alt"))
        shape = mapping(view.get("aspectRatio")) or mapping(picture.get("aspectRatio"))
        made.append(
            Media(
                "photo",
                cid or f"photo-{place + 1}",
                urls,
                alt,
                size(shape.get("width")),
                size(shape.get("height")),
                sha256=dagcbor.blob_sha256(cid) if original and cid else None,
            )
        )
    if kind_of(kept) == "video" or kind_of(shown) == "video":
        cid = _cid(kept.get("video")) or string(shown.get("cid"))
        playlist = web_url(shown.get("playlist"))
        original = blob_url(server, did, cid) if server and cid else None
        shape = mapping(shown.get("aspectRatio")) or mapping(kept.get("aspectRatio"))
        is_gif = "gif" in (shown.get("presentation"), kept.get("presentation"))
        kind = string(mapping(kept.get("video")).get("mimeType"))
        made.append(
            Media(
                "gif" if is_gif else "video",
                cid or "video",
                tuple(each for each in (original, playlist) if each),
                string(shown.get("alt")) or string(kept.get("alt")),
                size(shape.get("width")),
                size(shape.get("height")),
                poster=web_url(shown.get("thumbnail")),
                variants=tuple(
                    Variant(each, type)
                    for each, type in ((original, kind), (playlist, "application/vnd.apple.mpegurl"))
                    if each
                ),
                sha256=dagcbor.blob_sha256(cid) if original and cid else None,
            )
        )
    moving = _linked_gif(mapping(kept.get("external")) or mapping(shown.get("external")))
    made += [moving] if moving else []
    seen: dict[str, int] = {}
    for place, medium in enumerate(made):
        seen[medium.key] = seen.get(medium.key, 0) + 1
        if seen[medium.key] > 1:
            made[place] = dataclasses.replace(medium, key=f"{medium.key}-{seen[medium.key]}")
    return tuple(made)


_ALT = re.compile(r"^alt:\s*", re.IGNORECASE)


def _linked_gif(card: Mapping[str, Any]) -> Media | None:
    """A GIF out of the app's own picker: a card whose link is the GIF itself, with its height and width as `hh` and
    `ww`, and whose description is its alternative text."""
    address = web_url(card.get("uri"))
    parts = urllib.parse.urlsplit(address or "")
    query = dict(urllib.parse.parse_qsl(parts.query))
    high, wide = size(query.get("hh")), size(query.get("ww"))
    if address is None or not parts.path.lower().endswith(".gif") or high is None or wide is None:
        return None
    alt = _ALT.sub("", string(card.get("description")) or "") or None
    return Media("gif", f"{parts.hostname}{parts.path}", (address,), alt, wide, high)


def blob_url(server: str, did: str, cid: str) -> str:
    """Where a server gives out the bytes as they were uploaded."""
    return xrpc(server, "com.atproto.sync.getBlob", did=did, cid=cid).url
