"""cdn.syndication.twimg.com/tweet-result, what embedded posts are drawn from (PLATFORMS.md 3.2)."""

from __future__ import annotations

import base64
import math

from tests.simulator.exchange import Request, Response, document, html
from tests.simulator.payloads import Json, aspect, detail, edit_control, entities, iso, utf16, wire_text
from tests.simulator.world import Film, Photo, Post, State, World

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_HELP = "https://help.twitter.com/rules-and-policies/notices-on-twitter"

_SAID = {
    State.DELETED: "This Post was deleted by the Post author. Learn more",
    State.SUSPENDED: "This Post is from a suspended account. Learn more",
    State.PROTECTED: "You’re unable to view this Post because this account owner limits who can view their Posts. "
    "Learn more",
    State.AGE_RESTRICTED: "Age-restricted adult content. This content might not be appropriate for people under "
    "18 years old. To view this media, you’ll need to log in to X. Learn more",
}


def token(id: str) -> str:
    """JavaScript's `((Number(id)/1e15)*Math.PI).toString(36)` without zeros and the point: the shortest digits that
    give the number back, as V8 writes them."""
    value = int(id) / 1e15 * math.pi
    fraction, whole = math.modf(value)
    delta = max(math.nextafter(0.0, math.inf), math.ulp(value) / 2)
    digits: list[int] = []
    while fraction >= delta:
        fraction *= 36
        delta *= 36
        digit = int(fraction)
        fraction -= digit
        digits.append(digit)
        if (fraction > 0.5 or (fraction == 0.5 and digit & 1)) and fraction + delta > 1:
            while digits and digits[-1] == 35:
                digits.pop()
            if digits:
                digits[-1] += 1
            else:
                whole += 1
            break
    left, head = int(whole), ""
    while True:
        left, digit = divmod(left, 36)
        head = _DIGITS[digit] + head
        if not left:
            break
    return (head + "".join(_DIGITS[digit] for digit in digits)).replace("0", "")


def tombstone(said: str | None) -> Json:
    """The tombstone with its words, or the empty one that also stands for posts that are alive."""
    if said is None:
        return {"__typename": "TweetTombstone", "tombstone": {}}
    learn = said.find("Learn more")
    link = {"__typename": "TimelineUrl", "url": _HELP, "url_type": "ExternalUrl"}
    entity = {"from_index": learn, "to_index": learn + len("Learn more"), "ref": link}
    return {
        "__typename": "TweetTombstone",
        "tombstone": {"text": {"text": said, "entities": [entity], "rtl": False}},
    }


def _user(post: Post) -> Json:
    account = post.account
    return {
        "id_str": account.id,
        "name": account.name,
        "screen_name": account.handle,
        "is_blue_verified": account.is_blue,
        "profile_image_shape": "Circle",
        "verified": False,
        "profile_image_url_https": account.avatar,
    }


def _photo(world: World, post: Post, medium: Photo) -> Json:
    text = wire_text(post)
    return {
        "backgroundColor": {"red": 204, "green": 214, "blue": 221},
        "cropCandidates": [{"x": 0, "y": 0, "w": medium.width, "h": medium.height}],
        "expandedUrl": detail(world, post, text, 1)["expanded_url"],
        "url": medium.url,
        "width": medium.width,
        "height": medium.height,
    }


def _video(post: Post, film: Film) -> Json:
    variants = [{"type": "application/x-mpegURL", "src": film.playlist}] if film.playlist else []
    variants += [{"type": "video/mp4", "src": rendition.url} for rendition in film.renditions]
    return {
        "aspectRatio": aspect(film),
        "contentType": "media_entity" if film.kind == "video" else "gif",
        "durationMs": round(film.seconds * 1000) if film.kind == "video" else 0,
        "mediaAvailability": {"status": "available"},
        "poster": film.poster,
        "variants": variants,
        "videoId": {"type": "tweet", "id": post.id},
        "viewCount": 0,
    }


def tweet(world: World, post: Post, *, nested: bool = False) -> Json:
    """The post as this host shows it: no retweet count but in a nested post, a long text cut."""
    text = wire_text(post)
    end = utf16(text) if not post.code or post.media_of else utf16(text[: max(0, text.rfind(" https://t.co/"))])
    out: Json = {
        "__typename": "Tweet",
        "favorite_count": post.likes,
        "lang": post.lang,
        "created_at": iso(post.created_at),
        "display_text_range": [0, end],
        "entities": entities(world, post, text, with_empty=False),
        "id_str": post.id,
        "text": text,
        "user": _user(post),
        "edit_control": edit_control(world, post),
    }
    if nested:
        del out["__typename"]
        out |= {"reply_count": post.replies, "retweet_count": post.reposts}
    else:
        out |= {"conversation_count": post.replies, "news_action_type": "conversation"}
    if post.media:
        out["possibly_sensitive"] = post.is_sensitive
        out["mediaDetails"] = [detail(world, post, text, number) for number in range(1, len(post.media) + 1)]
        out["photos"] = [_photo(world, post, medium) for medium in post.media if isinstance(medium, Photo)]
        films = [medium for medium in post.media if isinstance(medium, Film)]
        if films:
            out["video"] = _video(post, films[0])
    if post.is_note:
        out["note_tweet"] = {"id": base64.b64encode(f"NoteTweetResults:{post.id}".encode()).decode()}
    versions = world.versions(post)
    out |= {"isEdited": len(versions) > 1, "isStaleEdit": versions[-1] != post.id}
    parent = world.find(post.reply_to) if post.reply_to else None
    if parent is not None:
        out |= {
            "in_reply_to_screen_name": parent.account.handle,
            "in_reply_to_status_id_str": parent.id,
            "in_reply_to_user_id_str": parent.account.id,
        }
        if not nested and world.state(parent) is State.LIVE:
            out["parent"] = tweet(world, parent, nested=True)
    quoted = world.find(post.quotes) if post.quotes else None
    if quoted is not None and not nested and world.state(quoted) is State.LIVE:
        out["quoted_tweet"] = tweet(world, quoted, nested=True)
    return out


def absent(world: World, post: Post | None, state: State) -> Response:
    """One of the ways in which this host says that it will not show a post."""
    uncertain = world.uncertain
    if post is None or (state is State.DELETED and uncertain.deleted == "404"):
        return html("<html><head><title>404</title></head><body>Not Found</body></html>", 404)
    if state is State.DELETED and uncertain.deleted == "empty":
        return document({})
    if state is State.SUSPENDED and uncertain.suspended == "userless":
        # react-tweet #144: shaped like a post, without its user.
        shown = tweet(world, post)
        del shown["user"]
        return document(shown)
    if state is State.WITHHELD:
        return document({} if uncertain.withheld == "empty" else tombstone(None))
    if state is State.AGE_RESTRICTED and uncertain.age_restricted != "text":
        return document({} if uncertain.age_restricted == "empty" else tombstone(None))
    return document(tombstone(_SAID[state]))


def result(world: World, request: Request) -> Response:
    """Any non-empty token is accepted, a wrong one noted in `World.warnings`: whether X checks it is not known."""
    if request.path != "/tweet-result":
        return Response(404)
    id = request.query.get("id", "")
    if not id.isascii() or not id.isdigit() or not 0 < int(id) < 1 << 63:
        return document({"error": "Bad request."}, 400)
    given = request.query.get("token", "")
    if not given:
        return document({})
    if given != token(id):
        world.warnings.append(f"syndication token of {id} is {token(id)}, not {given}")
    post = world.find(id)
    state = world.state(post) if post else State.DELETED
    if post is None or state is not State.LIVE:
        return absent(world, post, state)
    headers = (("cache-control", "must-revalidate, max-age=600"), ("access-control-allow-origin", "*"))
    return document(tweet(world, post), headers=headers)


HANDLERS = {"cdn.syndication.twimg.com": result}
