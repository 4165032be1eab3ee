"""What others saved of X: files of twarc and of X's own APIs, and answers in recordings that we did not ask for.

The shapes are those of `payloads`; here they are found wherever they stand: a post a line (twarc 1, v1.1), a page of
an API v2 search with its `includes` (twarc2), the same flattened by `twarc2 flatten`, lists, v1.1 searches, and the
timelines and threads of GraphQL that a browser was answered with.
https://twarc-project.readthedocs.io/, https://github.com/DocNow/twarc/blob/main/src/twarc/expansions.py
"""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archiver import memento
from archiver.errors import ParseError
from archiver.model import Capture, Finding, Outcome, Post, Reason
from archiver.platforms.twitter import payloads, shapes
from archiver.platforms.twitter.grammar import match
from archiver.platforms.twitter.payloads import Absence, Shown, identifier
from archiver.untyped import listing, mapping

#: Whose JSON is X's word, or a known relay's of it: any other host may serve anything that looks like it.
_API = re.compile(
    r"https?://(?:api\.(?:twitter|x)\.com|cdn\.syndication\.twimg\.com|(?:(?:mobile|www)\.)?(?:twitter|x)\.com/i/api"
    r"|api\.[fv]xtwitter\.com)/",
    re.IGNORECASE,
)
_OEMBED = re.compile(r"https?://publish\.(?:twitter|x)\.com/oembed\?(.*)", re.IGNORECASE)
_PAGE = re.compile(r"https?://(?:(?:mobile|www)\.)?(?:twitter|x)\.com/", re.IGNORECASE)
#: Objects looked into in search of posts; a thread of a hundred posts holds some ten thousand.
_MOST_OBJECTS = 500_000


def saved(capture: Capture) -> tuple[Finding, ...]:
    """Every post that a saved answer shows: a line or file of somebody's (no status), or an answer of X, of a relay or
    of the Wayback Machine in a recording. Nothing where it is none of these, or cannot be read."""
    try:
        if capture.status is None:
            return tuple(_found(post) for post in posts(capture.json()))
        if capture.status != 200:
            return ()
        if memento.is_replay(capture) and memento.memento_at(capture) is not None:
            return _memento(capture)
        if _API.match(capture.url):
            return tuple(_found(post) for post in posts(capture.json()))
        return _page(capture)
    except ParseError:
        return ()


def leads_to(capture: Capture) -> str | None:
    """Where an answer of t.co leads."""
    from archiver.platforms.twitter.shortcodes import target

    return target(capture)


def posts(payload: Any) -> Iterator[Post]:
    """Every post in a payload of any known shape, each once; those that cannot be read are left out."""
    seen = set()
    for read in _readers(payload):
        try:
            shown = read()
        except ParseError:
            continue
        for post in (shown.post, *shown.also) if isinstance(shown, Shown) else ():
            if post.ref not in seen:
                seen.add(post.ref)
                yield post


def _readers(payload: Any) -> Iterator[Callable[[], Shown | Absence | None]]:
    """One reader for each post, those that were asked for before those that came with them."""
    for each in payload if isinstance(payload, list) else [payload]:
        one = mapping(each)
        if "id_str" in one or ("user" in one and "id" in one) or "extended_tweet" in one:
            yield lambda one=one: payloads.legacy(one)  # type: ignore[misc]  # a default binds the loop's value
        elif isinstance(one.get("statuses"), list):
            yield from _readers(one["statuses"])
        elif "tweetID" in one or "code" in one:
            yield lambda one=one: shapes.read(one, "")  # type: ignore[misc]
        elif _is_v2(one):
            yield from _v2(_unflattened(one))
        elif isinstance(one.get("data"), list) or _is_v2(mapping(one.get("data"))):
            yield from _v2(one)
        else:
            for result in _graphql(one):
                yield lambda result=result: payloads.graphql(result)  # type: ignore[misc]


def _is_v2(tweet: Mapping[str, Any]) -> bool:
    return identifier(tweet.get("id")) is not None and isinstance(tweet.get("text"), str)


def _v2(page: Mapping[str, Any]) -> Iterator[Callable[[], Shown | Absence | None]]:
    includes = mapping(page.get("includes"))
    data = page.get("data")
    for tweets in (data if isinstance(data, list) else [data], listing(includes.get("tweets"))):
        for tweet in map(mapping, tweets):
            if id := identifier(tweet.get("id")):
                alone = {"data": tweet, "includes": includes}
                yield lambda alone=alone, id=id: payloads.v2(alone, id)  # type: ignore[misc]


def _unflattened(tweet: Mapping[str, Any]) -> dict[str, Any]:
    """What `twarc2 flatten` moved into a tweet, back in the places the API gave it."""
    includes: dict[str, list[Any]] = {"users": [], "media": [], "polls": [], "places": [], "tweets": []}
    waiting = [tweet]
    while waiting:
        one = waiting.pop()
        attachments = mapping(one.get("attachments"))
        includes["users"].append(mapping(one.get("author")))
        includes["media"] += listing(attachments.get("media"))
        includes["polls"].append(mapping(attachments.get("poll")))
        geo = mapping(one.get("geo"))
        includes["places"].append({**geo, "id": geo.get("place_id")} if "full_name" in geo else {})
        for other in map(mapping, listing(one.get("referenced_tweets"))):
            if _is_v2(other) and len(includes["tweets"]) < 100:
                includes["tweets"].append(other)
                waiting.append(other)
    return {"data": tweet, "includes": includes}


def _graphql(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every post's result object, wherever in an answer of GraphQL it stands, in the order it stands there."""
    waiting: list[Any] = [payload]
    for _ in range(_MOST_OBJECTS):
        if not waiting:
            return
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        elif isinstance(one, dict):
            if one.get("__typename") in ("Tweet", "TweetWithVisibilityResults") and ("legacy" in one or "tweet" in one):
                yield one  # what it quotes is read with it
            else:
                waiting.extend(reversed(one.values()))


def _memento(capture: Capture) -> tuple[Finding, ...]:
    from archiver.platforms.twitter.wayback import read_memento

    ref = match(memento.unwrap(capture.url) or "")
    if ref is None:
        return ()
    found = read_memento(capture, ref)
    shown = (*((found.post,) if found.post else ()), *found.also)
    return tuple(_found(post, found.observed_at) for post in shown)


def _page(capture: Capture) -> tuple[Finding, ...]:
    """A post's own page, or its oEmbed object."""
    if asked := _OEMBED.match(capture.url):
        from archiver.platforms.twitter.sources import read_oembed

        ref = match(urllib.parse.parse_qs(asked[1]).get("url", [""])[0])
        post = read_oembed(capture, ref).post if ref else None
        return (_found(post),) if post else ()
    ref = match(capture.url) if _PAGE.match(capture.url) else None
    if ref is None:
        return ()
    from archiver.platforms.twitter import pages

    shown = pages.read(capture, ref.id)
    return tuple(_found(post) for post in (shown.post, *shown.also)) if shown else ()


def _found(post: Post, at: dt.datetime | None = None) -> Finding:
    return Finding(Outcome.FOUND, Reason.OK, post, observed_at=at)
