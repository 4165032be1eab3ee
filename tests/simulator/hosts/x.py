"""x.com and twitter.com themselves: status pages, the guest token, GraphQL and API v2 (PLATFORMS.md 1.1, 3.2b, 3.4)."""

from __future__ import annotations

import html
import json
import re

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, document, redirect
from tests.simulator.exchange import html as page
from tests.simulator.payloads import (
    MEDIA_DEFAULT,
    TWEET_DEFAULT,
    USER_DEFAULT,
    Json,
    graphql_tweet,
    lookup_v2,
)
from tests.simulator.world import Post, State, World

_STATUS = re.compile(r"^/(?:(\w+)/status(?:es)?|i/(?:web/)?status|statuses)/(\d{2,20})(/.*)?$", re.ASCII)
_GRAPHQL = re.compile(r"^/(?:i/api/)?graphql/[\w-]+/TweetResultByRestId$", re.ASCII)
_V2 = re.compile(r"^/2/tweets(?:/(\d{1,19}))?$", re.ASCII)
_PROBLEMS = "https://api.twitter.com/2/problems"


# --- pages ----------------------------------------------------------------------------------------------------------


def shell(text: str = "") -> str:
    """The page a stranger gets: a script and no post (PEERS.md: direct x.com shows nothing without a login)."""
    return (
        '<!DOCTYPE html><html dir="ltr" lang="en"><head><meta charset="utf-8"><title>X</title></head><body>'
        "<noscript><p>JavaScript is not available.</p></noscript>"
        f'<div id="react-root">{text}</div></body></html>'
    )


def site(world: World, request: Request) -> Response:
    """x.com. A status page is a shell, whatever became of the post; a wrong handle in its path leads to the right
    one, and any handle will do [U]."""
    if _GRAPHQL.match(request.path):
        return graphql(world, request)
    if request.path == "/safety/unsafe_link_warning":
        link = html.escape(request.query.get("unsafe_link", ""))
        return page(f"<html><title>Warning: this link may be unsafe</title><body><p>{link}</p></body></html>")
    if world.uncertain.status_page == "login" and _STATUS.match(request.path):
        return redirect("/i/flow/login", 302)
    found = _STATUS.match(request.path)
    if found:
        post = world.find(found[2])
        if post and found[1] and found[1].lower() not in ("i", post.account.handle.lower()):
            return redirect(f"https://{request.host}{post.path}{found[3] or ''}", 302)
    return page(shell())


def old_site(world: World, request: Request) -> Response:
    """twitter.com and its sub-domains send everybody to x.com [U: status]."""
    if _GRAPHQL.match(request.path):
        return graphql(world, request)
    return redirect(f"https://x.com{request.target}", 302)


# --- guests and GraphQL ---------------------------------------------------------------------------------------------


def _errors(status: int, code: int, message: str) -> Response:
    return document({"errors": [{"code": code, "message": message}]}, status)


def guest_token(world: World, number: int = 0) -> str:
    """The token given to guests: the same for all, so that a client may keep it."""
    return str(int.from_bytes(films.digest(world.seed, "guest", number)[:8], "big") | 1 << 60)


def graphql(world: World, request: Request) -> Response:
    """TweetResultByRestId, whatever the query hash, for guests with a token of ours."""
    if not (request.header("authorization") or "").startswith("Bearer "):
        return _errors(403, 215, "Bad Authentication data.")
    if request.header("x-guest-token") != guest_token(world):
        return _errors(403, 239, "Bad guest token.")
    try:
        id = str(json.loads(request.query["variables"])["tweetId"])
    except (KeyError, ValueError, TypeError):
        return _errors(400, 336, "The following variables cannot be null: tweetId")
    post = world.find(id)
    state = world.state(post) if post else State.DELETED
    headers = (
        ("x-rate-limit-limit", "50"),
        ("x-rate-limit-remaining", "49"),
        ("x-rate-limit-reset", str(int(world.clock.now.timestamp()) + 900)),
    )
    return document({"data": {"tweetResult": _result(world, post, state)}}, headers=headers)


def _result(world: World, post: Post | None, state: State) -> Json:
    unavailable = {
        State.SUSPENDED: "Suspended",
        State.PROTECTED: "Protected",
        State.AGE_RESTRICTED: "NsfwLoggedOut",
    }
    if state in unavailable:
        return {"result": {"__typename": "TweetUnavailable", "reason": unavailable[state]}}
    if state is State.WITHHELD or (post and state is State.DELETED and world.uncertain.graphql_deleted == "tombstone"):
        said = (
            "This Post was deleted by the Post author. Learn more"
            if state is State.DELETED
            else ("This Post is unavailable. Learn more")
        )
        return {"result": {"__typename": "TweetTombstone", "tombstone": {"text": {"rtl": False, "text": said}}}}
    if post is None or state is State.DELETED:
        return {}
    return {"result": graphql_tweet(world, post)}


# --- the API host ---------------------------------------------------------------------------------------------------


def api(world: World, request: Request) -> Response:
    if request.path == "/1.1/guest/activate.json":
        if request.method != "POST":
            return _errors(404, 34, "Sorry, that page does not exist.")
        if not (request.header("authorization") or "").startswith("Bearer "):
            return _errors(403, 215, "Bad Authentication data.")
        return document({"guest_token": guest_token(world)})
    if _GRAPHQL.match(request.path):
        return graphql(world, request)
    if found := _V2.match(request.path):
        return lookup(world, request, found[1])
    return _errors(404, 34, "Sorry, that page does not exist.")


def lookup(world: World, request: Request, single: str | None) -> Response:
    """`GET /2/tweets` and `/2/tweets/:id`. A missing id is an entry in `errors` of a 200."""
    scheme, _, bearer = (request.header("authorization") or "").partition(" ")
    if scheme != "Bearer" or bearer not in world.bearers:
        return document({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)
    query = request.query
    ids = [single] if single else [id for id in query.get("ids", "").split(",") if id]
    if not 1 <= len(ids) <= 100 or not all(id.isascii() and id.isdigit() for id in ids):
        problem = {"parameters": {"ids": [query.get("ids", "")]}, "message": "The `ids` query parameter is not valid"}
        return document(
            {
                "errors": [problem],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": f"{_PROBLEMS}/invalid-request",
            },
            400,
        )
    shown, errors = [], []
    for id in ids:
        post = world.find(id)
        state = world.state(post) if post else State.DELETED
        if post and state in (State.LIVE, State.AGE_RESTRICTED):
            shown.append(post)
        else:
            errors.append(_problem(id, state, "id" if single else "ids"))
    body: Json = {}
    if shown:
        body = _only_asked(lookup_v2(world, shown, single=bool(single)), query)
    if errors:
        body["errors"] = errors
    limit = 450 if single else 3500
    headers = (
        ("api-version", "2.130"),
        ("x-rate-limit-limit", str(limit)),
        ("x-rate-limit-remaining", str(limit - len(world.asked(request.host, r"^/2/tweets")) % limit - 1)),
        ("x-rate-limit-reset", str(int(world.clock.now.timestamp()) + 900)),
    )
    return document(body, headers=headers)


def _problem(id: str, state: State, parameter: str) -> Json:
    if state in (State.PROTECTED, State.SUSPENDED, State.WITHHELD):
        title, kind = "Authorization Error", "not-authorized-for-resource"
        detail = f"Sorry, you are not authorized to see the Tweet with {parameter}: [{id}]."
    else:
        title, kind = "Not Found Error", "resource-not-found"
        detail = f"Could not find tweet with {parameter}: [{id}]."
    return {
        "value": id,
        "detail": detail,
        "title": title,
        "resource_type": "tweet",
        "parameter": parameter,
        "resource_id": id,
        "type": f"{_PROBLEMS}/{kind}",
    }


def _only_asked(body: Json, query: dict[str, str]) -> Json:
    """Default fields, those named in `*.fields`, and the expansions that were asked for."""

    def keep(entity: Json, default: tuple[str, ...], parameter: str) -> Json:
        wanted = {*default, *query.get(parameter, "").split(",")}
        return {key: value for key, value in entity.items() if key in wanted}

    data = body["data"]
    tweets = [keep(t, TWEET_DEFAULT, "tweet.fields") for t in (data if isinstance(data, list) else [data])]
    out: Json = {"data": tweets if isinstance(data, list) else tweets[0]}
    expansions = query.get("expansions", "").split(",")
    includes: Json = {}
    if "author_id" in expansions:
        includes["users"] = [keep(user, USER_DEFAULT, "user.fields") for user in body["includes"]["users"]]
    if "attachments.media_keys" in expansions and "media" in body["includes"]:
        includes["media"] = [keep(medium, MEDIA_DEFAULT, "media.fields") for medium in body["includes"]["media"]]
    if "referenced_tweets.id" in expansions and "tweets" in body["includes"]:
        includes["tweets"] = [keep(tweet, TWEET_DEFAULT, "tweet.fields") for tweet in body["includes"]["tweets"]]
    if includes:
        out["includes"] = includes
    # An expansion brings its own key along, asked for or not.
    for plain, full in zip(tweets, data if isinstance(data, list) else [data], strict=True):
        for expansion, key in (
            ("author_id", "author_id"),
            ("attachments.media_keys", "attachments"),
            ("referenced_tweets.id", "referenced_tweets"),
        ):
            if expansion in expansions and key in full:
                plain[key] = full[key]
    return out


HANDLERS = {
    "x.com": site,
    "www.x.com": site,
    "mobile.x.com": site,
    "twitter.com": old_site,
    "www.twitter.com": old_site,
    "mobile.twitter.com": old_site,
    "m.twitter.com": old_site,
    "api.x.com": api,
    "api.twitter.com": api,
}
