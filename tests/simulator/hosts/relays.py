"""Third parties that relay posts as JSON: api.fxtwitter.com (v1 and v2) and api.vxtwitter.com (PLATFORMS.md 3.3).

v2 follows FxEmbed's published OpenAPI document, v1 the older documentation of the same project, vxtwitter recorded
answers. All of them put the targets of t.co links into the text.
"""

from __future__ import annotations

import html
import re

from tests.simulator.exchange import Request, Response, document
from tests.simulator.payloads import Json, conversation, entities, ruby, wire_text
from tests.simulator.world import Film, Medium, Photo, Post, State, World

_V1 = re.compile(r"^/(?:\w+/)?status(?:es)?/(\d{2,20})(?:/\w+)?/?$", re.ASCII)
_V2 = re.compile(r"^/2/(status|thread)/(\d{2,20})/?$", re.ASCII)
_CODE = re.compile(r" ?https://t\.co/(\w+)", re.ASCII)


def expanded(world: World, post: Post) -> str:
    """The text with links undone, without the media link, whole."""

    def target(found: re.Match[str]) -> str:
        lead = " " if found[0].startswith(" ") else ""
        return "" if found[1] == post.code else lead + world.codes.get(found[1], found[0].strip())

    return _CODE.sub(target, post.full_text)


# --- FxTwitter ------------------------------------------------------------------------------------------------------


def _author(post: Post) -> Json:
    account = post.account
    return {
        "type": "profile",
        "id": account.id,
        "name": account.name,
        "screen_name": account.handle,
        "avatar_url": account.avatar.replace("_normal.", "_200x200."),
        "banner_url": None,
        "description": account.description,
        "raw_description": {"text": account.description, "facets": []},
        "location": "",
        "url": f"https://x.com/{account.handle}",
        "protected": False,
        "followers": account.followers,
        "following": account.followers // 7,
        "statuses": account.followers,
        "media_count": account.followers // 9,
        "likes": account.followers // 3,
        "joined": ruby(account.created_at),
        "website": None,
    }


def _medium(medium: Medium) -> Json:
    if isinstance(medium, Photo):
        out: Json = {"type": "photo", "url": f"{medium.url}?name=orig", "width": medium.width, "height": medium.height}
        return out | ({"altText": medium.alt} if medium.alt else {})
    formats = [
        {"container": "mp4", "codec": "h264", "bitrate": rendition.bitrate, "url": rendition.url}
        for rendition in medium.renditions
    ]
    if medium.playlist:
        formats.insert(0, {"container": "m3u8", "url": medium.playlist})
    return {
        "type": "gif" if medium.kind == "animated_gif" else "video",
        "url": medium.best.url,
        "width": medium.width,
        "height": medium.height,
        "thumbnail_url": medium.poster,
        "duration": medium.seconds if medium.kind == "video" else 0,
        "format": "video/mp4",
        "formats": formats,
    }


def _media(post: Post) -> Json:
    photos = [_medium(medium) for medium in post.media if isinstance(medium, Photo)]
    films = [_medium(medium) for medium in post.media if isinstance(medium, Film)]
    out: Json = {"all": [_medium(medium) for medium in post.media]} if post.media else {}
    return out | ({"photos": photos} if photos else {}) | ({"videos": films} if films else {})


def _raw(world: World, post: Post) -> Json:
    text = html.unescape(wire_text(post))
    facets = []
    found = entities(world, post, text)
    for kind, name in (("urls", "url"), ("media", "media"), ("user_mentions", "mention"), ("hashtags", "hashtag")):
        for entity in found.get(kind, ()):
            facet: Json = {"type": name, "indices": entity["indices"]}
            if "expanded_url" in entity:
                facet |= {
                    "original": entity["url"],
                    "replacement": entity["expanded_url"],
                    "display": entity["display_url"],
                }
            facets.append(facet)
    return {"text": text, "display_text_range": [0, len(text)], "facets": facets}


def status_v2(world: World, post: Post, *, nested: bool = False) -> Json:
    parent = world.find(post.reply_to) if post.reply_to else None
    out: Json = {
        "type": "status",
        "url": post.url,
        "id": post.id,
        "text": expanded(world, post),
        "author": _author(post),
        "replies": post.replies,
        "reposts": post.reposts,
        "likes": post.likes,
        "quotes": post.quotations,
        "bookmarks": post.bookmarks,
        "views": post.views,
        "created_at": ruby(post.created_at),
        "created_timestamp": int(post.created_at.timestamp()),
        "possibly_sensitive": post.is_sensitive,
        "lang": post.lang,
        "replying_to": {"screen_name": parent.account.handle, "status": parent.id} if parent else None,
        "source": "Twitter Web App",
        "embed_card": "player" if any(isinstance(m, Film) for m in post.media) else "tweet",
        "provider": "twitter",
        "is_note_tweet": post.is_note,
        "community_note": None,
        "reposted_by": None,
        "media": _media(post),
        "raw_text": _raw(world, post),
    }
    quoted = world.find(post.quotes) if post.quotes else None
    if quoted is not None and not nested:
        state = world.state(quoted)
        out["quote"] = (
            status_v2(world, quoted, nested=True) if state is State.LIVE else _tombstone(quoted.id, _REASONS[state])
        )
    return out


def status_v1(world: World, post: Post, *, nested: bool = False) -> Json:
    parent = world.find(post.reply_to) if post.reply_to else None
    account = post.account
    out: Json = {
        "url": post.url,
        "id": post.id,
        "text": expanded(world, post),
        "raw_text": _raw(world, post),
        "author": {
            "id": account.id,
            "name": account.name,
            "screen_name": account.handle,
            "avatar_url": account.avatar.replace("_normal.", "_200x200."),
            "banner_url": None,
        },
        "replies": post.replies,
        "retweets": post.reposts,
        "likes": post.likes,
        "bookmarks": post.bookmarks,
        "color": None,
        "twitter_card": "player" if any(isinstance(m, Film) for m in post.media) else "summary_large_image",
        "created_at": ruby(post.created_at),
        "created_timestamp": int(post.created_at.timestamp()),
        "possibly_sensitive": post.is_sensitive,
        "views": post.views,
        "is_note_tweet": post.is_note,
        "community_note": None,
        "lang": post.lang,
        "replying_to": parent.account.handle if parent else None,
        "replying_to_status": parent.id if parent else None,
        "source": "Twitter Web App",
    }
    if post.media:
        out["media"] = _media(post)
    quoted = world.find(post.quotes) if post.quotes else None
    if quoted is not None and not nested and world.state(quoted) is State.LIVE:
        out["quote"] = status_v1(world, quoted, nested=True)
    return out


_REASONS = {
    State.DELETED: "deleted",
    State.SUSPENDED: "suspended",
    State.PROTECTED: "private",
    State.WITHHELD: "unavailable",
    State.AGE_RESTRICTED: "unavailable",
}


def _tombstone(id: str, reason: str) -> Json:
    return {
        "type": "tombstone",
        "provider": "twitter",
        "reason": reason,
        "id": id,
        "url": f"https://x.com/i/status/{id}",
    }


def fx(world: World, request: Request) -> Response:
    """`code` mirrors the HTTP status: 401 for a private post, 404 for one that is not there."""
    headers = (("access-control-allow-origin", "*"), ("cache-control", "max-age=0"))
    second = _V2.match(request.path)
    found = second or _V1.match(request.path)
    if found is None:
        return document({"code": 404, "message": "NOT_FOUND"}, 404, headers)
    id = found[found.re.groups]
    post = world.find(id)
    state = world.state(post) if post else State.DELETED
    is_shown = post is not None and state in (State.LIVE, State.AGE_RESTRICTED)
    code = 200 if is_shown else 401 if state is State.PROTECTED else 404
    if second:
        status = status_v2(world, post) if post and is_shown else _tombstone(id, _REASONS.get(state, "unavailable"))
        thread = None if second[1] == "status" else [status]
        author = status.get("author")
        return document({"code": code, "status": status, "thread": thread, "author": author}, code, headers)
    message = {200: "OK", 401: "PRIVATE_TWEET", 404: "NOT_FOUND"}[code]
    body: Json = {"code": code, "message": message}
    if post and is_shown:
        body["tweet"] = status_v1(world, post)
    return document(body, code, headers)


# --- vxtwitter ------------------------------------------------------------------------------------------------------


def _vx_medium(medium: Medium) -> Json:
    size = {"width": medium.width, "height": medium.height}
    if isinstance(medium, Photo):
        return {
            "url": medium.url,
            "altText": medium.alt,
            "type": "image",
            "size": size,
            "thumbnail_url": medium.url,
            "id_str": medium.id,
        }
    return {
        "url": medium.best.url.partition("?")[0],
        "type": "gif" if medium.kind == "animated_gif" else "video",
        "size": size,
        "duration_millis": round(medium.seconds * 1000) if medium.kind == "video" else 0,
        "thumbnail_url": medium.poster,
        "altText": medium.alt,
        "id_str": medium.id,
    }


def tweet_vx(world: World, post: Post) -> Json:
    media = [_vx_medium(medium) for medium in post.media]
    parent = world.find(post.reply_to) if post.reply_to else None
    found = entities(world, post, wire_text(post))
    return {
        "text": expanded(world, post),
        "date": ruby(post.created_at),
        "date_epoch": int(post.created_at.timestamp()),
        "tweetURL": f"https://twitter.com{post.path}",
        "tweetID": post.id,
        "conversationID": conversation(world, post),
        "user_name": post.account.name,
        "user_screen_name": post.account.handle,
        "user_profile_image_url": post.account.avatar,
        "mediaURLs": [medium["url"] for medium in media],
        "media_extended": media,
        "likes": post.likes,
        "retweets": post.reposts,
        "replies": post.replies,
        "possibly_sensitive": post.is_sensitive,
        "hashtags": [tag["text"] for tag in found["hashtags"]],
        "qrtURL": f"https://twitter.com/i/status/{post.quotes}" if post.quotes else None,
        "communityNote": None,
        "allSameType": len({medium["type"] for medium in media}) < 2,
        "hasMedia": bool(media),
        "combinedMediaUrl": None,
        "pollData": None,
        "article": None,
        "lang": post.lang,
        "replyingTo": parent.account.handle if parent else None,
        "replyingToID": parent.id if parent else None,
        "retweetURL": None,
    }


def vx(world: World, request: Request) -> Response:
    """What it answers for an absent post is not known (`Uncertain.vx_missing`)."""
    found = _V1.match(request.path)
    post = world.find(found[1]) if found else None
    if post is None or world.state(post) not in (State.LIVE, State.AGE_RESTRICTED):
        return document({"error": "Failed to scan your link!"}, world.uncertain.vx_missing)
    return document(tweet_vx(world, post))


HANDLERS = {"api.fxtwitter.com": fx, "api.vxtwitter.com": vx}
