"""The JSON shapes in which an X post has been served, each read into the same `Post` (PLATFORMS.md 3.2 to 3.6).

One family (`legacy`) covers the syndication object, API v1.1 in all its modes, the streaming form web archives kept,
and the legacy part of GraphQL; `v2` is API v2; `fx` and `vx` are what third-party rewriters serve. Readers are
tolerant: a field of a wrong type is an absent field, and only a payload without an id or a text is a ParseError.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archiver.errors import ParseError
from archiver.model import Author, Link, Media, Post, PostRef, Reason
from archiver.platforms.twitter.grammar import match
from archiver.platforms.twitter.media import listed, media_key, photo, seconds, variants, video, web_url
from archiver.untyped import counts, listing, mapping, number, pairs, string

MEDIA_LINK = re.compile(r"/status(?:es)?/\d+/(?:photo|video)/\d+", re.ASCII | re.IGNORECASE)
TCO = re.compile(r"https?://t\.co/\w+", re.ASCII)
PIC_DISPLAY = re.compile(r"^(?:https?://)?pic\.(?:twitter|x)\.com/\w+$", re.ASCII | re.IGNORECASE)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RUBY_TIME = re.compile(r"^\w{3} (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d) (\d{4})$", re.ASCII)
_PATH_HANDLE = re.compile(r"^https?://[^/]+/(?:#!/)?(\w{1,20})/status(?:es)?/\d", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Absence:
    """A post that a payload names and does not show: the reason, and the source's words."""

    reason: Reason
    words: str | None = None
    is_hidden: bool = False  # it exists, and the source will not say why it is not shown


# --- values of unknown type -----------------------------------------------------------------------------------------


def identifier(*values: Any) -> str | None:
    """The first that is a numeric id, as text. A float never is: a JS double has lost digits."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if 0 < value < 10**20 else None
        if isinstance(value, str) and re.fullmatch(r"\d{1,20}", value, re.ASCII):
            return str(int(value))
    return None


def moment(value: Any) -> dt.datetime | None:
    """`2023-03-29T14:34:41.000Z`, `Mon Sep 02 14:19:58 +0000 2019`, or Unix seconds; None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return dt.datetime.fromtimestamp(value, dt.UTC) if math.isfinite(value) else None
        text = string(value)
        if not text:
            return None
        ruby = _RUBY_TIME.match(text)
        if ruby:
            month, day, hour, minute, second, sign, zone_hours, zone_minutes, year = ruby.groups()
            offset = dt.timedelta(hours=int(zone_hours), minutes=int(zone_minutes)) * (-1 if sign == "-" else 1)
            local = dt.datetime(
                int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=dt.UTC
            )
            return local - offset
        at = dt.datetime.fromisoformat(text)
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


# --- text -----------------------------------------------------------------------------------------------------------


def unescape(text: str) -> str:
    """Undo the one escaping X's APIs apply (`&amp;` for `&`), once."""
    return html.unescape(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_media_link(text: str, codes: Iterable[str]) -> str:
    """The text without the links to its own media at its end: by content, since ranges count in differing units."""
    own = set(codes)
    while True:
        kept = text.rstrip()
        tail = re.search(r"(?:https?://t\.co/|(?:https?://)?pic\.(?:twitter|x)\.com/)(\w+)$", kept, re.ASCII)
        if not tail or tail[1] not in own:
            return kept if kept != text and len(kept) < len(text) else text
        text = kept[: tail.start()].rstrip()


def code_of(url: str | None) -> str | None:
    """The short code of a t.co, pic.twitter.com or pic.x.com URL, in exact case."""
    found = re.match(r"^(?:https?:)?(?://)?(?:t\.co|pic\.twitter\.com|pic\.x\.com)/(\w+)", url or "", re.ASCII)
    return found[1] if found else None


def path_handle(url: str) -> str | None:
    """The handle a status URL names; None for the forms without one (`/i/web/status/…`)."""
    found = _PATH_HANDLE.match(url)
    return found[1] if found and found[1].lower() not in {"i", "web"} else None


def is_media_link(link: Link) -> bool:
    """Whether a link of a post names media (its own, or another post's that it shows)."""
    return bool(PIC_DISPLAY.match(link.display or "") or MEDIA_LINK.search(link.expanded or ""))


def _links(*entities: Any) -> tuple[Link, ...]:
    found: dict[str, Link] = {}
    for value in (each for group in entities for each in listing(group)):
        each = mapping(value)
        url = string(each.get("url"))
        if url:
            unwound = string(each.get("unwound_url")) or string(mapping(each.get("unwound")).get("url"))
            expanded = unwound or string(each.get("expanded_url"))
            found.setdefault(url, Link(url, expanded, string(each.get("display_url"))))
    return tuple(found.values())


# --- the family of v1.1 ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A post and the other posts that the same payload shows whole."""

    post: Post
    also: tuple[Post, ...] = ()
    edits: tuple[str, ...] = ()


def legacy(
    tweet: Mapping[str, Any], user: Mapping[str, Any] | None = None, *, depth: int = 1, is_reposted: bool = False
) -> Shown:
    """Syndication, v1.1 (compat, extended, streaming, flattened by a client), the legacy part of GraphQL."""
    id = identifier(tweet.get("id_str"), tweet.get("id"))
    extended = mapping(tweet.get("extended_tweet"))
    raw = string(extended.get("full_text")) or string(tweet.get("full_text")) or string(tweet.get("text"))
    if id is None or (raw is None and not isinstance(tweet.get("full_text", tweet.get("text")), str)):
        raise ParseError("a post without an id or a text")
    person = user if user is not None else mapping(tweet.get("user"))
    media_entities = (
        listing(tweet.get("mediaDetails"))
        or listing(mapping(extended.get("extended_entities")).get("media"))
        or listing(mapping(tweet.get("extended_entities")).get("media"))
        or listing(mapping(extended.get("entities")).get("media"))
        or listing(mapping(tweet.get("entities")).get("media"))
        or listing(tweet.get("media"))
    )
    entities = mapping(extended.get("entities")) or mapping(tweet.get("entities"))
    own_links = _links(media_entities, entities.get("media"))
    links = _links(entities.get("urls") or tweet.get("urls"), entities.get("media"), media_entities)
    codes = [code for code in (code_of(link.url) for link in own_links) if code]
    card = mapping(tweet.get("card"))
    media = listed(media_entities) or _syndication_media(tweet) or _carded(card)
    control = mapping(tweet.get("edit_control"))
    control = mapping(control.get("edit_control_initial")) or control
    edits = tuple(id for id in (identifier(each) for each in listing(control.get("edit_tweet_ids"))) if id)
    also: list[Post] = []
    quotes = identifier(
        tweet.get("quoted_status_id_str"),
        mapping(tweet.get("quoted_tweet")).get("id_str"),
        mapping(tweet.get("quoted_status")).get("id_str"),
    )
    if quotes is None:
        named = match(string(mapping(tweet.get("quoted_status_permalink")).get("expanded")) or "")
        quotes = named.id if named else None
    retweeted = mapping(tweet.get("retweeted_status"))
    if depth > 0:
        for inner in (tweet.get("quoted_tweet"), tweet.get("quoted_status"), tweet.get("parent"), retweeted):
            try:
                # What a reposted post quotes comes with it: a repost says nothing of its own.
                is_repost = inner is retweeted and not is_reposted
                deeper = depth if is_repost else depth - 1
                shown = legacy(mapping(inner), depth=deeper, is_reposted=is_repost) if mapping(inner) else None
            except ParseError:
                continue
            also += (shown.post, *shown.also) if shown else ()
    text = without_media_link(unescape(raw or ""), codes)
    reposts = identifier(retweeted.get("id_str"), retweeted.get("id"))
    post = Post(
        ref=PostRef("twitter", id),
        author=author(person),
        text=text,
        created_at=moment(tweet.get("created_at")),
        lang=string(tweet.get("lang")),
        url=f"https://x.com/{handle_of(person) or 'i'}/status/{id}",
        links=links,
        media=media,
        reply_to=ref_of(tweet.get("in_reply_to_status_id_str"), tweet.get("in_reply_to_status_id")),
        quotes=ref_of(quotes),
        is_truncated=(tweet.get("truncated") is True and not extended)
        or bool(mapping(tweet.get("note_tweet")).get("id"))
        or (bool(retweeted) and text.endswith("…")),
        counts=counts(
            likes=tweet.get("favorite_count"),
            replies=tweet.get("reply_count"),
            reposts=tweet.get("retweet_count"),
            quotes=tweet.get("quote_count"),
            bookmarks=tweet.get("bookmark_count"),
            conversation=tweet.get("conversation_count"),
        ),
        extra=pairs(
            poll=poll(card),
            card=card,
            place=tweet.get("place"),
            coordinates=tweet.get("coordinates"),
            edit_tweet_ids=list(edits) if len(edits) > 1 or tweet.get("isEdited") is True else None,
            is_stale_edit=tweet.get("isStaleEdit") or None,
            reposts_post=reposts,
            reply_to_handle=string(tweet.get("in_reply_to_screen_name")),
            conversation_id=string(tweet.get("conversation_id_str")),
            label=mapping(person.get("highlighted_label")).get("description"),
            verified=string(person.get("verified_type"))
            or ("blue" if person.get("is_blue_verified") is True else None)
            or (person.get("verified") is True or None),
            possibly_sensitive=tweet.get("possibly_sensitive") or None,
            withheld_in_countries=tweet.get("withheld_in_countries"),
            media_unavailable=[
                string(mapping(each.get("ext_media_availability")).get("status"))
                for each in map(mapping, media_entities)
                if mapping(each.get("ext_media_availability")).get("status") not in (None, "Available")
            ],
            source=string(tweet.get("source")),
        ),
    )
    # By identity of the post, not by hash: what `extra` holds need not be hashable.
    return Shown(post, tuple({each.ref: each for each in also}.values()), edits)


def _syndication_media(tweet: Mapping[str, Any]) -> tuple[Media, ...]:
    """`photos` and `video`, which say less than mediaDetails and stand alone only in old captures."""
    found = []
    for each in map(mapping, listing(tweet.get("photos"))):
        url = web_url(each.get("url"))
        if url:
            found.append(photo(url, width=number(each.get("width")), height=number(each.get("height"))))
    film = mapping(tweet.get("video"))
    one = video(
        variants(film.get("variants"), "src"),
        poster=web_url(film.get("poster")),
        duration=seconds(film.get("durationMs")),
    )
    return (*found, one) if one else tuple(found)


def ref_of(*values: Any) -> PostRef | None:
    id = identifier(*values)
    return PostRef("twitter", id) if id else None


def handle_of(user: Mapping[str, Any]) -> str | None:
    name = string(user.get("screen_name")) or string(user.get("username"))
    return name if name and re.fullmatch(r"\w{1,20}", name, re.ASCII) else None


def author(user: Mapping[str, Any]) -> Author:
    handle = handle_of(user)
    return Author(
        handle=handle,
        name=unescape(name) if (name := string(user.get("name"))) else None,
        id=identifier(user.get("id_str"), user.get("rest_id"), user.get("id")),
        url=f"https://x.com/{handle}" if handle else None,
    )


def _bindings(card: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A card's name and its values by their keys, in any of the forms cards are served in."""
    inner = mapping(card.get("legacy")) or card
    raw = inner.get("binding_values")
    pairs = (
        {string(each.get("key")) or "": each.get("value") for each in map(mapping, raw)}
        if isinstance(raw, list)
        else mapping(raw)
    )
    values = {}
    for key, value in pairs.items():
        typed = mapping(value)
        shown = typed.get("string_value", typed.get("boolean_value", typed.get("image_value")))
        values[key] = value if not typed else shown
    return string(inner.get("name")) or "", values


def poll(card: Mapping[str, Any]) -> dict[str, Any] | None:
    """The choices, their counts and the closing time of a poll card."""
    name, values = _bindings(card)
    if not name.startswith("poll"):
        return None
    choices = [
        {"label": string(values[f"choice{n}_label"]), "count": number(values.get(f"choice{n}_count"))}
        for n in range(1, 5)
        if string(values.get(f"choice{n}_label"))
    ]
    return {"choices": choices, "ends_at": string(values.get("end_datetime_utc"))} if choices else None


def _carded(card: Mapping[str, Any]) -> tuple[Media, ...]:
    """Pictures and films that a post shows by its card alone: those of a `unified_card`, which holds them as JSON in a
    text, and the picture of a poll. A summary's picture is the linked page's, and stays in the card."""
    name, values = _bindings(card)
    if name.startswith("poll"):
        about = mapping(values.get("image_original"))
        url = web_url(about.get("url"))
        size = number(about.get("width")), number(about.get("height"))
        return (photo(url, width=size[0], height=size[1]),) if url else ()
    try:
        unified = mapping(json.loads(string(values.get("unified_card")) or "{}"))
    except (ValueError, RecursionError):
        return ()
    return listed(mapping(unified.get("media_entities")).values())


# --- GraphQL --------------------------------------------------------------------------------------------------------

_UNAVAILABLE = {
    "Suspended": Reason.SUSPENDED,
    "Protected": Reason.PROTECTED,
    "NsfwLoggedOut": Reason.AGE_RESTRICTED,
    "NsfwViewerIsUnderage": Reason.AGE_RESTRICTED,
    "NsfwViewerHasNoStatedAge": Reason.AGE_RESTRICTED,
    "Deleted": Reason.DELETED,
}


def graphql(result: Mapping[str, Any], *, depth: int = 1, is_reposted: bool = False) -> Shown | Absence:
    """One `tweetResult.result`, also with the visibility wrapper; a tombstone or an unavailable one is an Absence."""
    kind = result.get("__typename")
    if kind == "TweetWithVisibilityResults":
        result = mapping(result.get("tweet"))
    if kind in ("TweetUnavailable", "TweetTombstone"):
        return tombstone(result)
    core = mapping(result.get("core"))
    person = mapping(mapping(core.get("user_results") or core.get("user_result")).get("result"))
    names = {**mapping(person.get("legacy")), **mapping(person.get("core"))}
    user = {**names, "rest_id": person.get("rest_id"), "is_blue_verified": person.get("is_blue_verified")}
    labels = mapping(mapping(person.get("affiliates_highlighted_label")).get("label"))
    noted = mapping(result.get("note_tweet"))
    note = mapping(mapping(noted.get("note_tweet_results")).get("result"))
    own = mapping(result.get("legacy"))
    quoted, reposted = (
        mapping(mapping(result.get(name) or own.get(name)).get("result"))
        for name in ("quoted_status_result", "retweeted_status_result")
    )
    tweet: dict[str, Any] = {
        **own,
        "user": user | {"highlighted_label": labels},
        "edit_control": result.get("edit_control"),
        "card": result.get("card"),
        "source": result.get("source"),
        "quoted_status": {"id_str": (mapping(quoted.get("tweet")) or quoted).get("rest_id")},
        # Without its text the note is cut, and the field says so in the other shapes of this family.
        "note_tweet": None if string(note.get("text")) or not noted else {"id": True},
    }
    tweet["id_str"] = identifier(tweet.get("id_str"), result.get("rest_id"))
    if string(note.get("text")):
        tweet["full_text"] = html.escape(str(note["text"]), quote=False)  # notes are served without escapes
        entities = mapping(note.get("entity_set"))
        old = mapping(tweet.get("entities"))
        tweet["entities"] = {**old, "urls": listing(entities.get("urls")) or listing(old.get("urls"))}
    shown = legacy(tweet, depth=0)
    also: list[Post] = []
    for inner in (quoted, reposted):
        if inner and depth > 0:
            is_repost = inner is reposted and not is_reposted
            try:
                other = graphql(inner, depth=depth if is_repost else depth - 1, is_reposted=is_repost)
            except ParseError:
                continue
            also += (other.post, *other.also) if isinstance(other, Shown) else ()
    essay, pictures = article(mapping(mapping(mapping(result.get("article")).get("article_results")).get("result")))
    about = mapping(result.get("birdwatch_pivot"))
    said = mapping(mapping(about.get("note")).get("summary")) or mapping(about.get("subtitle"))
    repost = mapping(reposted.get("tweet")) or reposted
    post = shown.post
    post = dataclasses.replace(
        post,
        media=(*post.media, *(each for each in pictures if each.key not in {one.key for one in post.media})),
        is_truncated=post.is_truncated or (bool(reposted) and post.text.endswith("…")),
        counts=post.counts + counts(views=mapping(result.get("views")).get("count")),
        extra=(
            *post.extra,
            *pairs(
                reposts_post=identifier(repost.get("rest_id"), mapping(repost.get("legacy")).get("id_str")),
                article=essay,
                community_note=string(said.get("text")),
            ),
        ),
    )
    return Shown(post, tuple({each.ref: each for each in also}.values()), shown.edits)


def article(essay: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Media, ...]]:
    """X's long articles, of which a post shows the link alone: title, beginning, the text where it is served; and its
    pictures, the cover first."""
    state = mapping(essay.get("content_state")) or mapping(essay.get("content"))
    blocks = [text for each in listing(state.get("blocks")) if (text := string(mapping(each).get("text")))]
    shown = {
        "title": string(essay.get("title")),
        "preview": string(essay.get("preview_text")),
        "text": "\n\n".join(text for text in map(str.strip, blocks) if text) or string(essay.get("plain_text")),
    }
    media: dict[str, Media] = {}
    for each in (essay.get("cover_media"), *listing(essay.get("media_entities"))):
        about = mapping(mapping(each).get("media_info"))
        url = web_url(about.get("original_img_url"))
        if url:
            one = photo(
                url, width=number(about.get("original_img_width")), height=number(about.get("original_img_height"))
            )
            media.setdefault(one.key, one)
    return {name: value for name, value in shown.items() if value}, tuple(media.values())


# --- tombstones -----------------------------------------------------------------------------------------------------

#: What X says in place of a post, lower-cased and with straight apostrophes (PLATFORMS.md 3.2, gathered from clients).
_WORDS = (
    ("deleted by the", Reason.DELETED),
    ("account that no longer exists", Reason.DELETED),
    ("account no longer exists", Reason.DELETED),
    ("suspended", Reason.SUSPENDED),
    ("limits who can view", Reason.PROTECTED),
    ("protected", Reason.PROTECTED),
    ("not authorized to see this status", Reason.PROTECTED),
    ("private account", Reason.PROTECTED),
    ("age-restricted", Reason.AGE_RESTRICTED),
    ("adult content", Reason.AGE_RESTRICTED),
    ("withheld", Reason.WITHHELD),
)


def reason_in(words: str | None) -> Reason:
    """What a source's own words say became of a post; UNKNOWN where they do not say."""
    folded = (words or "").replace("’", "'").lower()
    return next((reason for phrase, reason in _WORDS if phrase in folded), Reason.UNKNOWN)


def tombstone(payload: Mapping[str, Any]) -> Absence:
    """A TweetTombstone: its text, verbatim. An empty one says nothing, least of all 'deleted'. A TweetUnavailable has a
    word in its place."""
    if payload.get("__typename") == "TweetUnavailable":
        reason = string(payload.get("reason"))
        return Absence(_UNAVAILABLE.get(reason or "", Reason.UNKNOWN), reason)
    text = mapping(payload.get("tombstone")).get("text")
    words = string(mapping(text).get("text")) or string(text)
    return Absence(reason_in(words), words)


# --- API v2 ---------------------------------------------------------------------------------------------------------


def v2(payload: Mapping[str, Any], id: str) -> Shown | Absence | None:
    """Post *id* in an API v2 answer (one or many, with or without includes); None where it is not mentioned."""
    data = payload.get("data")
    tweets = [mapping(each) for each in (data if isinstance(data, list) else [data])]
    includes = mapping(payload.get("includes"))
    found = next((tweet for tweet in tweets if identifier(tweet.get("id")) == id), None)
    if found is None:
        # An edit is served under the latest id; the one asked for stands in its history.
        found = next((each for each in tweets if id in _ids(each.get("edit_history_tweet_ids"))), None)
    if found is not None:
        others = {identifier(each.get("id")): each for each in map(mapping, listing(includes.get("tweets")))}
        referenced = [
            identifier(mapping(each).get("id"))
            for each in listing(found.get("referenced_tweets"))
            if isinstance(each, dict)
        ]
        also = []
        for other in (others[each] for each in referenced if each and each in others):
            try:
                also.append(_v2_post(other, includes))
            except ParseError:
                continue
        return Shown(_v2_post(found, includes), tuple(also), tuple(_ids(found.get("edit_history_tweet_ids"))))
    for error in map(mapping, listing(payload.get("errors"))):
        if id not in (identifier(error.get("resource_id")), identifier(error.get("value"))):
            continue
        words, kind = string(error.get("detail")), string(error.get("type")) or ""
        told = reason_in(words)
        if kind.endswith("/resource-not-found"):
            return Absence(told if told is not Reason.UNKNOWN else Reason.NOT_FOUND, words)
        if kind.endswith("/not-authorized-for-resource"):
            # Said of protected and of suspended authors alike.
            return Absence(told, words, is_hidden=True)
        return Absence(told, words)
    return None


def _ids(value: Any) -> list[str]:
    return [id for id in (identifier(each) for each in listing(value)) if id]


def _v2_post(tweet: Mapping[str, Any], includes: Mapping[str, Any]) -> Post:
    id, raw = identifier(tweet.get("id")), tweet.get("text")
    if id is None or not isinstance(raw, str):
        raise ParseError("a post without an id or a text")
    note = mapping(tweet.get("note_tweet"))
    whole = string(note.get("text"))
    author_id = identifier(tweet.get("author_id"))
    users = {identifier(each.get("id")): each for each in map(mapping, listing(includes.get("users")))}
    person: Mapping[str, Any] = mapping(users.get(author_id)) or ({"id": author_id} if author_id else {})
    entities = mapping(note.get("entities")) or mapping(tweet.get("entities"))
    links = _links(entities.get("urls"), mapping(tweet.get("entities")).get("urls"))
    codes = [code for link in links if is_media_link(link) and (code := code_of(link.url))]
    attachments = mapping(tweet.get("attachments"))
    keys = [key for key in map(string, listing(attachments.get("media_keys"))) if key]
    stated = {string(each.get("media_key")): each for each in map(mapping, listing(includes.get("media")))}
    polls = {string(each.get("id")): each for each in map(mapping, listing(includes.get("polls")))}
    places = {string(each.get("id")): each for each in map(mapping, listing(includes.get("places")))}
    place = string(mapping(tweet.get("geo")).get("place_id"))
    referenced = {
        string(each.get("type")): identifier(each.get("id"))
        for each in map(mapping, listing(tweet.get("referenced_tweets")))
    }
    metrics = mapping(tweet.get("public_metrics"))
    edits = _ids(tweet.get("edit_history_tweet_ids"))
    text = unescape(whole or string(raw) or "")
    handle = handle_of(person)
    essay, pictures = article(mapping(tweet.get("article")))
    return Post(
        ref=PostRef("twitter", id),
        author=author(person),
        text=without_media_link(text, codes),
        created_at=moment(tweet.get("created_at")),
        lang=string(tweet.get("lang")),
        url=f"https://x.com/{handle or 'i'}/status/{id}",
        links=links,
        media=tuple(_v2_media(stated.get(key, {}), key) for key in keys) + pictures,
        reply_to=ref_of(referenced.get("replied_to")),
        quotes=ref_of(referenced.get("quoted")),
        is_truncated="retweeted" in referenced and text.endswith("…"),
        counts=counts(
            likes=metrics.get("like_count"),
            replies=metrics.get("reply_count"),
            reposts=metrics.get("retweet_count"),
            quotes=metrics.get("quote_count"),
            bookmarks=metrics.get("bookmark_count"),
            views=metrics.get("impression_count"),
        ),
        extra=pairs(
            poll=[polls[key] for each in listing(attachments.get("poll_ids")) if (key := string(each)) in polls],
            card=_v2_card(entities),
            article=essay,
            place=places.get(place) if place else None,
            geo=tweet.get("geo"),
            edit_tweet_ids=edits if len(edits) > 1 else None,
            reposts_post=referenced.get("retweeted"),
            conversation_id=string(tweet.get("conversation_id")),
            possibly_sensitive=tweet.get("possibly_sensitive") or None,
            withheld=tweet.get("withheld"),
            source=string(tweet.get("source")),
        ),
    )


def _v2_card(entities: Mapping[str, Any]) -> dict[str, Any]:
    """What the API tells of the page that a link leads to; it is told of a card's link."""
    for each in map(mapping, listing(entities.get("urls"))):
        if title := string(each.get("title")):
            pictures = [url for one in listing(each.get("images")) if (url := web_url(mapping(one).get("url")))]
            return {
                "url": string(each.get("unwound_url")) or string(each.get("expanded_url")),
                "title": title,
                "description": string(each.get("description")),
                "images": pictures,
            }
    return {}


def _v2_media(each: Mapping[str, Any], key: str) -> Media:
    """One attachment. What the answer does not include is named by its key all the same: it is there."""
    alt, width, height = string(each.get("alt_text")), number(each.get("width")), number(each.get("height"))
    url, poster = web_url(each.get("url")), web_url(each.get("preview_image_url"))
    if each.get("type") == "photo" and url:
        return photo(url, alt=alt, width=width, height=height)
    kind = {"photo": "photo", "animated_gif": "gif", "video": "video"}.get(str(each.get("type")), "unknown")
    length = seconds(each.get("duration_ms"))
    film = video(
        variants(each.get("variants")), kind=kind, poster=poster, alt=alt, width=width, height=height, duration=length
    )
    return film or Media(kind, media_key(poster) or poster or key, (), alt, width, height, length, poster)
