"""Posts in the JSON of X's own interfaces. The shapes follow real payloads (../shared/fixtures/twitter), the words are
ours: `tests/test_simulator_shapes.py` compares the one with the other, key by key."""

from __future__ import annotations

import base64
import datetime as dt
import html
import math
import re
from typing import Any

from tests.simulator import media as films
from tests.simulator.world import Account, Film, Medium, Photo, Post, World, media_url

Json = dict[str, Any]

_LINK = re.compile(r"https?://t\.co/(\w+)", re.ASCII)
_MENTION = re.compile(r"(?<![\w@/])@(\w{1,15})(?!\w)", re.ASCII)
_HASHTAG = re.compile(r"(?<![\w&#/])#(\w*[^\W\d]\w*)")
_SYMBOL = re.compile(r"(?<![\w$])\$([A-Z]{1,6})(?!\w)")

#: A long post is cut here on interfaces that do not carry the whole of it.
NOTE_CUT = 275


def iso(at: dt.datetime) -> str:
    """`2026-08-16T19:12:58.000Z`."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def ruby(at: dt.datetime) -> str:
    """`Sun Aug 16 19:12:58 +0000 2026`, independent of the locale."""
    days, months = "Mon Tue Wed Thu Fri Sat Sun", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
    at = at.astimezone(dt.UTC)
    return f"{days.split()[at.weekday()]} {months.split()[at.month - 1]} {at:%d %H:%M:%S} +0000 {at.year}"


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def wire_text(post: Post) -> str:
    """The text as X's APIs give it: `& < >` escaped, t.co links in place, the media link last; a long post cut at a
    word."""
    text = post.text
    if post.is_note:
        text = text[:NOTE_CUT].rsplit(" ", 1)[0]
    if post.code:
        text = f"{text} https://t.co/{post.code}".strip()
    return html.escape(text, quote=False)


def shown(url: str) -> str:
    """A link as X displays it: no scheme, no `www.`, cut after 26 characters."""
    bare = re.sub(r"^https?://(www\.)?", "", url).rstrip("/")
    return bare if len(bare) <= 27 else bare[:26] + "…"


def account_id(world: World, handle: str) -> str:
    found = world.find_account(handle)
    return found.id if found else str(int.from_bytes(films.digest("stranger", handle.lower())[:5], "big"))


def entities(world: World, post: Post, text: str, *, with_empty: bool = True) -> Json:
    """Hashtags, links, mentions and symbols with their places in code points, and the media link. 2026 syndication
    leaves empty lists out (`with_empty` False)."""
    urls, media = [], []
    for found in _LINK.finditer(text):
        indices = [found.start(), found.end()]
        if found[1] == post.code:
            media.append(media_link(world, post, 1) | {"indices": indices})
            continue
        target = world.codes.get(found[1], found[0])
        urls.append({"display_url": shown(target), "expanded_url": target, "indices": indices, "url": found[0]})
    mentions = []
    for found in _MENTION.finditer(text):
        known = world.find_account(found[1])
        mentions.append(
            {
                "id_str": account_id(world, found[1]),
                "indices": [found.start(), found.end()],
                "name": known.name if known else found[1],
                "screen_name": known.handle if known else found[1],
            }
        )
    out: Json = {
        "hashtags": [{"indices": [f.start(), f.end()], "text": f[1]} for f in _HASHTAG.finditer(text)],
        "urls": urls,
        "user_mentions": mentions,
        "symbols": [{"indices": [f.start(), f.end()], "text": f[1]} for f in _SYMBOL.finditer(text)],
        "media": media,
    }
    return {key: value for key, value in out.items() if value or (with_empty and key != "media")}


def media_link(world: World, post: Post, number: int) -> Json:
    """The media's t.co link. A re-used medium's leads to the post that first showed it."""
    owner = world.posts[post.media_of] if post.media_of else post
    return {
        "display_url": f"pic.x.com/{post.code}",
        "expanded_url": media_url(owner, number),
        "url": f"https://t.co/{post.code}",
    }


def original_size(medium: Medium) -> tuple[int, int]:
    return medium.width, medium.height


def sizes(medium: Medium) -> Json:
    out = {}
    for name in ("large", "medium", "small", "thumb"):
        width, height = films.fit(medium.width, medium.height, name)
        out[name] = {"h": height, "resize": "crop" if name == "thumb" else "fit", "w": width}
    return out


def aspect(medium: Medium) -> list[int]:
    by = math.gcd(medium.width, medium.height)
    return [medium.width // by, medium.height // by]


def variants(film: Film) -> list[Json]:
    out: list[Json] = []
    if film.playlist:
        out.append({"content_type": "application/x-mpegURL", "url": film.playlist})
    out += [{"bitrate": r.bitrate, "content_type": "video/mp4", "url": r.url} for r in film.renditions]
    return out


def video_info(film: Film) -> Json:
    info: Json = {"aspect_ratio": aspect(film), "variants": variants(film)}
    if film.kind == "video":
        info["duration_millis"] = round(film.seconds * 1000)
    return info


def detail(world: World, post: Post, text: str, number: int) -> Json:
    """One medium as syndication's `mediaDetails` and as `extended_entities.media` both have it."""
    medium = post.media[number - 1]
    place = text.rfind(f"https://t.co/{post.code}")
    out = media_link(world, post, number) | {
        "ext_media_availability": {"status": "Available"},
        "indices": [place, place + len(f"https://t.co/{post.code}")],
        "media_url_https": medium.url if isinstance(medium, Photo) else medium.poster,
        "original_info": {"height": medium.height, "width": medium.width, "focus_rects": []},
        "sizes": sizes(medium),
        "type": medium.kind,
    }
    if medium.alt:
        out["ext_alt_text"] = medium.alt
    if isinstance(medium, Film):
        out["video_info"] = video_info(medium)
        if medium.kind == "video":
            out["additional_media_info"] = {}
    return out


def media_key(medium: Medium) -> str:
    """`3_` photo, `7_` ext_tw_video, `13_` amplify_video, `16_` GIF."""
    if isinstance(medium, Photo):
        return f"3_{medium.id}"
    return {"amplify_video": "13", "ext_tw_video": "7", "tweet_video": "16"}[medium.path] + f"_{medium.id}"


def edit_control(world: World, post: Post) -> Json:
    versions = world.versions(post)
    first = world.posts[versions[0]]
    until = int(first.created_at.timestamp() * 1000) + 3600_000
    left = 5 - (len(versions) - 1)
    return {
        "edit_tweet_ids": list(versions),
        "editable_until_msecs": str(until),
        "is_edit_eligible": True,
        "edits_remaining": str(left),
    }


# --- GraphQL and v1.1 -----------------------------------------------------------------------------------------------


def user_legacy(account: Account) -> Json:
    """A GraphQL user's `legacy`."""
    return {
        "created_at": ruby(account.created_at),
        "default_profile": False,
        "default_profile_image": False,
        "description": account.description,
        "entities": {"description": {"urls": []}},
        "fast_followers_count": 0,
        "favourites_count": account.followers // 3,
        "followers_count": account.followers,
        "friends_count": account.followers // 7,
        "has_custom_timelines": False,
        "is_translator": False,
        "listed_count": account.followers // 50,
        "location": "",
        "media_count": account.followers // 9,
        "name": account.name,
        "normal_followers_count": account.followers,
        "pinned_tweet_ids_str": [],
        "possibly_sensitive": False,
        "profile_image_url_https": account.avatar,
        "profile_interstitial_type": "",
        "screen_name": account.handle,
        "statuses_count": account.followers,
        "translator_type": "none",
        "verified": False,
        "withheld_in_countries": [],
    }


def graphql_user(account: Account, *, is_protected: bool = False) -> Json:
    """In both shapes, because clients read both: `legacy` (yt-dlp), and `core`, `avatar`, `location`, `verification`,
    `privacy` (gallery-dl) (PLATFORMS.md 3.2b)."""
    return {
        "__typename": "User",
        "id": base64.b64encode(f"User:{account.id}".encode()).decode(),
        "rest_id": account.id,
        "affiliates_highlighted_label": {},
        "parody_commentary_fan_label": "None",
        "is_blue_verified": account.is_blue,
        "profile_image_shape": "Circle",
        "core": {"created_at": ruby(account.created_at), "name": account.name, "screen_name": account.handle},
        "avatar": {"image_url": account.avatar},
        "location": {"location": ""},
        "verification": {"verified": False},
        "privacy": {"protected": is_protected},
        "legacy": user_legacy(account),
    }


def graphql_tweet(world: World, post: Post, *, with_quoted: bool = True) -> Json:
    """`data.tweetResult.result` of TweetResultByRestId."""
    text = wire_text(post)
    body = html.escape(post.text, quote=False)
    found = entities(world, post, text)
    found["timestamps"] = []
    legacy: Json = {
        "bookmark_count": post.bookmarks,
        "bookmarked": False,
        "created_at": ruby(post.created_at),
        "conversation_id_str": conversation(world, post),
        # GraphQL counts code points, syndication UTF-16 units (PLATFORMS.md 3.2 [S]).
        "display_text_range": [0, len(text) if not post.code else max(0, text.rfind(" https://t.co/"))],
        "entities": found,
        "favorite_count": post.likes,
        "favorited": False,
        "full_text": text,
        "is_quote_status": post.quotes is not None,
        "lang": post.lang,
        "quote_count": post.quotations,
        "reply_count": post.replies,
        "retweet_count": post.reposts,
        "retweeted": False,
        "user_id_str": post.account.id,
        "id_str": post.id,
    }
    if post.media:
        full = [
            detail(world, post, text, number)
            | {
                "id_str": medium.id,
                "media_key": media_key(medium),
                "media_results": {"result": {"media_key": media_key(medium)}},
            }
            for number, medium in enumerate(post.media, 1)
        ]
        for medium in full:
            if medium["type"] == "video":
                medium["additional_media_info"] = {"monetizable": False}
        found["media"] = full
        legacy["extended_entities"] = {"media": full}
        legacy["possibly_sensitive"] = post.is_sensitive
        legacy["possibly_sensitive_editable"] = True
    parent = world.find(post.reply_to) if post.reply_to else None
    if parent is not None:
        legacy |= {
            "in_reply_to_screen_name": parent.account.handle,
            "in_reply_to_status_id_str": parent.id,
            "in_reply_to_user_id_str": parent.account.id,
        }
    result: Json = {
        "__typename": "Tweet",
        "rest_id": post.id,
        "core": {"user_results": {"result": graphql_user(post.account)}},
        "unmention_data": {},
        "edit_control": edit_control(world, post),
        "is_translatable": False,
        "views": {"count": str(post.views), "state": "EnabledWithCount"},
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "grok_analysis_button": True,
        "legacy": legacy,
    }
    if post.is_note:
        note_id = base64.b64encode(f"NoteTweetResults:{post.id}".encode()).decode()
        result["note_tweet"] = {
            "is_expandable": True,
            "note_tweet_results": {"result": {"id": note_id, "text": body, "entity_set": entities(world, post, body)}},
        }
    quoted = world.find(post.quotes) if post.quotes else None
    if quoted is not None and with_quoted:
        legacy["quoted_status_id_str"] = quoted.id
        result["quoted_status_result"] = {"result": graphql_tweet(world, quoted, with_quoted=False)}
    return result


def conversation(world: World, post: Post) -> str:
    """The id of the first post of its thread."""
    seen = {post.id}
    while post.reply_to and post.reply_to in world.posts and post.reply_to not in seen:
        post = world.posts[post.reply_to]
        seen.add(post.id)
    return post.id


def status_v11(world: World, post: Post) -> Json:
    """v1.1 as the streaming API sent it, with `timestamp_ms`; long texts under `extended_tweet`."""
    text = html.escape(post.full_text, quote=False)
    found = entities(world, post, text)
    account = post.account
    media = [
        detail(world, post, text, number) | {"id": int(medium.id), "id_str": medium.id}
        for number, medium in enumerate(post.media, 1)
    ]
    for medium in media:
        medium["media_url"] = medium["media_url_https"].replace("https:", "http:")
        medium["display_url"] = f"pic.twitter.com/{post.code}"
        medium["expanded_url"] = medium["expanded_url"].replace("//x.com/", "//twitter.com/")
    if media:
        found["media"] = media[:1]
    out: Json = {
        "created_at": ruby(post.created_at),
        "id": int(post.id),
        "id_str": post.id,
        "text": text,
        "source": '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
        "truncated": False,
        "in_reply_to_status_id": int(post.reply_to) if post.reply_to else None,
        "in_reply_to_status_id_str": post.reply_to,
        "in_reply_to_user_id": None,
        "in_reply_to_user_id_str": None,
        "in_reply_to_screen_name": None,
        "user": {
            "id": int(account.id),
            "id_str": account.id,
            "name": account.name,
            "screen_name": account.handle,
            "location": None,
            "url": None,
            "description": account.description,
            "protected": False,
            "verified": False,
            "followers_count": account.followers,
            "friends_count": account.followers // 7,
            "listed_count": account.followers // 50,
            "favourites_count": account.followers // 3,
            "statuses_count": account.followers,
            "created_at": ruby(account.created_at),
            "utc_offset": None,
            "time_zone": None,
            "geo_enabled": False,
            "lang": None,
            "contributors_enabled": False,
            "is_translator": False,
            "profile_image_url": account.avatar.replace("https:", "http:"),
            "profile_image_url_https": account.avatar,
            "default_profile": True,
            "default_profile_image": False,
            "following": None,
            "follow_request_sent": None,
            "notifications": None,
        },
        "geo": None,
        "coordinates": None,
        "place": None,
        "contributors": None,
        "is_quote_status": post.quotes is not None,
        "retweet_count": 0,
        "favorite_count": 0,
        "entities": found,
        "favorited": False,
        "retweeted": False,
        "filter_level": "low",
        "lang": post.lang,
        "timestamp_ms": str(int(post.created_at.timestamp() * 1000)),
    }
    if media:
        out["extended_entities"] = {"media": media}
        out["possibly_sensitive"] = post.is_sensitive
    parent = world.find(post.reply_to) if post.reply_to else None
    if parent is not None:
        out |= {
            "in_reply_to_user_id": int(parent.account.id),
            "in_reply_to_user_id_str": parent.account.id,
            "in_reply_to_screen_name": parent.account.handle,
        }
    if len(post.text) > 140:
        # A compat-mode text is cut to 140 and points to the post; the whole stands in extended_tweet.
        cut = html.escape(post.text[:116].rsplit(" ", 1)[0], quote=False)
        extended: Json = {"full_text": text, "display_text_range": [0, len(html.escape(post.text, quote=False))]}
        extended["entities"] = found
        if media:
            extended["extended_entities"] = {"media": media}
        short = f"https://t.co/{world.code('T' + post.id[-9:], f'https://twitter.com/i/web/status/{post.id}')}"
        out |= {"text": f"{cut}… {short}", "truncated": True, "extended_tweet": extended}
        out["entities"] = {"hashtags": [], "urls": [], "user_mentions": [], "symbols": []}
        out.pop("extended_entities", None)
    return out


# --- API v2 ---------------------------------------------------------------------------------------------------------

#: Every field this simulator knows of a v2 post, user and medium; the first are given without being asked for.
TWEET_DEFAULT = ("edit_history_tweet_ids", "id", "text")
USER_DEFAULT = ("id", "name", "username")
MEDIA_DEFAULT = ("media_key", "type")


def tweet_v2(world: World, post: Post) -> Json:
    text = wire_text(post)
    found = entities(world, post, text, with_empty=False)
    places: Json = {}
    if links := [*found.get("urls", ()), *found.get("media", ())]:
        places["urls"] = [
            {
                "start": link["indices"][0],
                "end": link["indices"][1],
                "url": link["url"],
                "expanded_url": link["expanded_url"],
                "display_url": link["display_url"],
            }
            for link in links
        ]
        if post.media and found.get("media"):
            places["urls"][-1]["media_key"] = media_key(post.media[0])
    if found.get("hashtags"):
        places["hashtags"] = [
            {"start": h["indices"][0], "end": h["indices"][1], "tag": h["text"]} for h in found["hashtags"]
        ]
    if found.get("user_mentions"):
        places["mentions"] = [
            {"start": m["indices"][0], "end": m["indices"][1], "username": m["screen_name"], "id": m["id_str"]}
            for m in found["user_mentions"]
        ]
    referenced = []
    if post.reply_to:
        referenced.append({"type": "replied_to", "id": post.reply_to})
    if post.quotes:
        referenced.append({"type": "quoted", "id": post.quotes})
    out: Json = {
        "id": post.id,
        "text": text,
        "edit_history_tweet_ids": list(reversed(world.versions(post))),
        "author_id": post.account.id,
        "created_at": iso(post.created_at),
        "conversation_id": conversation(world, post),
        "lang": post.lang,
        "possibly_sensitive": post.is_sensitive,
        "public_metrics": {
            "retweet_count": post.reposts,
            "reply_count": post.replies,
            "like_count": post.likes,
            "quote_count": post.quotations,
            "bookmark_count": post.bookmarks,
            "impression_count": post.views,
        },
    }
    if places:
        out["entities"] = places
    if post.media:
        out["attachments"] = {"media_keys": [media_key(medium) for medium in post.media]}
    if referenced:
        out["referenced_tweets"] = referenced
    if post.is_note:
        out["note_tweet"] = {"text": html.escape(post.text, quote=False)}
    return out


def user_v2(account: Account) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "username": account.handle,
        "created_at": iso(account.created_at),
        "description": account.description,
        "profile_image_url": account.avatar,
        "protected": False,
        "verified": account.is_blue,
        "public_metrics": {"followers_count": account.followers, "following_count": account.followers // 7},
    }


def medium_v2(medium: Medium) -> Json:
    out: Json = {"media_key": media_key(medium), "type": medium.kind, "width": medium.width, "height": medium.height}
    if medium.alt:
        out["alt_text"] = medium.alt
    if isinstance(medium, Photo):
        return out | {"url": medium.url}
    out |= {
        "preview_image_url": medium.poster,
        "variants": [
            ({"bit_rate": v["bitrate"]} if "bitrate" in v else {})
            | {"content_type": v["content_type"], "url": v["url"]}
            for v in variants(medium)
        ],
    }
    return out | ({"duration_ms": round(medium.seconds * 1000)} if medium.kind == "video" else {})


def lookup_v2(world: World, posts: list[Post], *, single: bool) -> Json:
    """`{"data": …, "includes": {"users": …, "media": …}}` with everything asked for."""
    out: Json = {"data": [tweet_v2(world, post) for post in posts]}
    if single:
        out["data"] = out["data"][0]
    accounts = {post.account.id: post.account for post in posts}
    media = {media_key(medium): medium for post in posts for medium in post.media}
    out["includes"] = {"users": [user_v2(account) for account in accounts.values()]}
    if media:
        out["includes"]["media"] = [medium_v2(medium) for medium in media.values()]
    referenced = [world.find(id) for post in posts for id in (post.reply_to, post.quotes) if id]
    if tweets := [tweet_v2(world, post) for post in referenced if post]:
        out["includes"]["tweets"] = tweets
    return out
