"""Where an X post can be seen, best first: X's own keyless endpoints, relays, its paid API, and the Wayback Machine.

Each `look` yields requests, is sent captures, and returns a Finding; a FetchError thrown in becomes a Finding too.
Bytes that are not what the source promises raise ParseError: the capture stays, and an improved parser can read it
again. The reader of each answer (`read_…`) is a function of the capture alone, so that captures can be re-read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
import urllib.parse
from collections.abc import Generator
from typing import Any

from archiver import memento
from archiver.errors import FetchError, ParseError
from archiver.model import Capture, Claim, Finding, Look, Outcome, Post, PostRef, Rank, Reason, Request
from archiver.platforms import Source
from archiver.platforms.twitter import payloads, relays, shapes
from archiver.platforms.twitter.grammar import match, posted_at
from archiver.platforms.twitter.media import media_key
from archiver.platforms.twitter.payloads import Absence, Shown
from archiver.untyped import listing, mapping, string

#: What each reason that a source may give means for the post.
_OUTCOMES = {
    Reason.DELETED: Outcome.GONE,
    Reason.SUSPENDED: Outcome.GONE,
    Reason.PROTECTED: Outcome.HIDDEN,
    Reason.AGE_RESTRICTED: Outcome.HIDDEN,
    Reason.WITHHELD: Outcome.HIDDEN,
    Reason.NOT_FOUND: Outcome.ABSENT,
    Reason.NOT_ARCHIVED: Outcome.ABSENT,
    Reason.RATE_LIMITED: Outcome.REFUSED,
    Reason.BLOCKED: Outcome.REFUSED,
    Reason.LOGIN_WALL: Outcome.REFUSED,
    Reason.SERVER_ERROR: Outcome.REFUSED,
    Reason.BAD_REQUEST: Outcome.UNKNOWN,
    Reason.UNKNOWN: Outcome.UNKNOWN,
    Reason.UNREADABLE: Outcome.UNREADABLE,
}

_HANDLE = re.compile(r"\w{1,20}", re.ASCII)


def ask(request: Request) -> Generator[Request, Capture, Capture | Reason]:
    """One request: its capture, or why there is none."""
    try:
        return (yield request)
    except FetchError as error:
        return silence(error)


def silence(error: FetchError) -> Reason:
    try:
        return Reason(error.reason)
    except ValueError:
        return Reason.UNREACHABLE


def absent(reason: Reason, words: str | None = None) -> Finding:
    return Finding(_OUTCOMES.get(reason, Outcome.UNREACHABLE), reason, tombstone=words)


def refusal(capture: Capture) -> Reason | None:
    """Why an endpoint's status says nothing about the post; None where its body has to be read."""
    status = capture.status or 0
    if status in {420, 429}:
        return Reason.RATE_LIMITED
    if status >= 500:
        return Reason.SERVER_ERROR
    if status in {401, 403, 407, 451}:
        return Reason.BLOCKED
    if status == 400 or status in {405, 406, 414, 415, 422}:
        return Reason.BAD_REQUEST
    if 300 <= status < 400:
        return Reason.UNKNOWN
    return None


def _payload(capture: Capture) -> Any:
    """The JSON of an answer; a page that asks to log in is recognised, anything else is a ParseError."""
    try:
        return capture.json()
    except ParseError:
        if is_login_page(capture):
            return Reason.LOGIN_WALL
        raise


_LOGIN = re.compile(
    r"<title>[^<]*\b(?:log ?in|sign ?in)\b[^<]*</title>|/i/flow/login|/account/(?:begin_)?login_challenge"
    r"|<form[^>]*action=\"[^\"]*/sessions\"",
    re.IGNORECASE,
)


def is_login_page(capture: Capture) -> bool:
    return capture.payload.size < 8 * 1024 * 1024 and bool(_LOGIN.search(capture.text[:200_000]))


def finding(shown: Shown | Absence | None, ref: PostRef, capture: Capture) -> Finding:
    """What a payload shows, as an answer to *ref*. A payload that shows another post is a ParseError, unless that one
    is an edit of the post asked for: then it is kept beside, and nothing is concluded."""
    if shown is None:
        return absent(Reason.UNKNOWN)
    if isinstance(shown, Absence):
        told = absent(shown.reason, shown.words)
        is_unsaid = shown.is_hidden and told.outcome is Outcome.UNKNOWN
        return dataclasses.replace(told, outcome=Outcome.HIDDEN) if is_unsaid else told
    if shown.post.ref == ref:
        return Finding(Outcome.FOUND, Reason.OK, shown.post, also=tuple(p for p in shown.also if p.ref != ref))
    if ref.id in shown.edits:
        return Finding(Outcome.UNKNOWN, Reason.UNKNOWN, also=(shown.post, *shown.also))
    raise ParseError(f"{capture.url}: asked for {ref}, shows {shown.post.ref}")


def _handle(claim: Claim) -> str:
    """The handle for a path X does not check; `i` where the claim has none that could stand in a path."""
    handle = (claim.handle or "").lstrip("@")
    return handle if _HANDLE.fullmatch(handle) else "i"


# --- syndication ----------------------------------------------------------------------------------------------------

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def token(id: str) -> str:
    """The token X's own embed script computes, `((id / 1e15) * Math.PI).toString(36)` without zeros and the point.

    The digits are the shortest that tell the double from its neighbours, as V8's DoubleToRadixCString makes them; a
    truncating conversion differs on three ids of four.
    """
    return _radix36(int(id) / 1e15 * math.pi).replace("0", "").replace(".", "")


def _radix36(value: float) -> str:
    fraction, integer = math.modf(value)
    digits: list[int] = []
    delta = max(math.nextafter(0.0, math.inf), math.ulp(value) / 2)
    if fraction >= delta:
        while True:
            fraction *= 36
            delta *= 36
            digit = int(fraction)
            digits.append(digit)
            fraction -= digit
            if (fraction > 0.5 or (fraction == 0.5 and digit & 1)) and fraction + delta > 1:
                # Round up, and carry as far as it goes.
                while digits and digits[-1] == 35:
                    digits.pop()
                if digits:
                    digits[-1] += 1
                else:
                    integer += 1
                break
            if fraction < delta:
                break
    whole, text = int(integer), ""
    while True:
        whole, digit = divmod(whole, 36)
        text = _DIGITS[digit] + text
        if not whole:
            break
    return text + ("." + "".join(_DIGITS[digit] for digit in digits) if digits else "")


def syndication_request(ref: PostRef) -> Request:
    return Request(f"https://cdn.syndication.twimg.com/tweet-result?id={ref.id}&lang=en&token={token(ref.id)}")


def read_syndication(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.2. A 404 names no cause, `{}` and an empty tombstone decide nothing, and a post without its
    author is how a suspended account is served."""
    if capture.status == 404:
        return absent(Reason.NOT_FOUND)
    refused = refusal(capture)
    if refused:
        return absent(refused)
    payload = _payload(capture)
    if isinstance(payload, Reason):
        return absent(payload)
    if not isinstance(payload, dict):
        raise ParseError(f"{capture.url}: JSON, but no object")
    if payload.get("__typename") == "TweetTombstone":
        told = payloads.tombstone(payload)
        return absent(told.reason, told.words)
    if "id_str" not in payload:
        return absent(Reason.UNKNOWN, string(payload.get("error")))
    shown = payloads.legacy(payload)
    if not payload.get("user"):
        return absent(Reason.SUSPENDED)
    return finding(shown, ref, capture)


def _syndication(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(syndication_request(ref))
    return absent(capture) if isinstance(capture, Reason) else read_syndication(capture, ref)


# --- oEmbed ---------------------------------------------------------------------------------------------------------


def oembed_request(ref: PostRef, claim: Claim) -> Request:
    status = f"https://twitter.com/{_handle(claim)}/status/{ref.id}"
    query = urllib.parse.urlencode({"url": status, "lang": "en", "omit_script": "true", "dnt": "true"})
    return Request(f"https://publish.twitter.com/oembed?{query}")


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.1: the text and the day, never a time of day or media; long notes are cut."""
    try:
        payload = _payload(capture)
    except ParseError:
        if capture.status == 200:
            raise
        payload = {}
    if isinstance(payload, Reason):
        return absent(payload)
    if not isinstance(payload, dict):
        raise ParseError(f"{capture.url}: JSON, but no object")
    words = string(payload.get("error")) or _error_words(payload)
    told = payloads.reason_in(words)
    if capture.status in {403, 404} and told is not Reason.UNKNOWN:
        return absent(told, words)
    if capture.status == 404:
        return absent(Reason.NOT_FOUND, words)
    refused = refusal(capture)
    if refused:
        return absent(refused, words)
    markup = payload.get("html")
    if not isinstance(markup, str) or not markup:
        return absent(told, words)
    from archiver.platforms.twitter import pages  # the parser is slow to load, and a look-up in the archive needs none

    return finding(Shown(pages.embedded(payload, markup, capture)), ref, capture)


def _error_words(payload: dict[str, Any]) -> str | None:
    errors = listing(payload.get("errors"))
    return string(mapping(errors[0]).get("message")) if errors else None


def _oembed(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(oembed_request(ref, claim))
    return absent(capture) if isinstance(capture, Reason) else read_oembed(capture, ref)


# --- relays ---------------------------------------------------------------------------------------------------------


def fxtwitter_request(ref: PostRef) -> Request:
    return Request(f"https://api.fxtwitter.com/2/status/{ref.id}")


def read_fxtwitter(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.3, in its second form and its first. Its status mirrors the `code` in the body, so the body is
    read first; unknown ids are answered with a home page."""
    try:
        payload = _payload(capture)
    except ParseError:
        payload = None
    if isinstance(payload, dict):
        shown = relays.fx(payload)
        if shown is not None:
            return finding(shown, ref, capture)
    return _nothing(capture, payload)


def vxtwitter_request(ref: PostRef, claim: Claim) -> Request:
    return Request(f"https://api.vxtwitter.com/{_handle(claim)}/status/{ref.id}")


def read_vxtwitter(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.3. It says nothing of why a post is not there."""
    try:
        payload = _payload(capture)
    except ParseError:
        payload = None
    if isinstance(payload, dict) and capture.status == 200:
        shown = relays.vx(payload)
        if shown is not None:
            return finding(shown, ref, capture)
    return _nothing(capture, payload)


def _nothing(capture: Capture, payload: Any) -> Finding:
    """A relay's answer without a post: its status may still say why, and a page in place of an object says nothing."""
    if capture.status == 404:
        return absent(Reason.NOT_FOUND)
    if isinstance(payload, Reason):
        return absent(payload)
    words = string(payload.get("error")) or string(payload.get("message")) if payload else None
    return absent(refusal(capture) or Reason.UNKNOWN, words)


def _fxtwitter(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(fxtwitter_request(ref))
    return absent(capture) if isinstance(capture, Reason) else read_fxtwitter(capture, ref)


def _vxtwitter(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(vxtwitter_request(ref, claim))
    return absent(capture) if isinstance(capture, Reason) else read_vxtwitter(capture, ref)


# --- API v2 ---------------------------------------------------------------------------------------------------------

_V2_FIELDS = (
    (
        "tweet.fields",
        "attachments,author_id,conversation_id,created_at,edit_history_tweet_ids,entities,geo,in_reply_to_user_id,"
        "lang,note_tweet,possibly_sensitive,public_metrics,referenced_tweets,source,withheld",
    ),
    (
        "expansions",
        "author_id,attachments.media_keys,attachments.poll_ids,geo.place_id,referenced_tweets.id,"
        "referenced_tweets.id.author_id",
    ),
    ("media.fields", "alt_text,duration_ms,height,preview_image_url,public_metrics,type,url,variants,width"),
    ("poll.fields", "duration_minutes,end_datetime,options,voting_status"),
    ("place.fields", "country,country_code,full_name,name,place_type"),
    ("user.fields", "name,protected,username,verified,withheld"),
)
#: The variable that holds the bearer token; without it the source is left out.
BEARER = "X_BEARER_TOKEN"


def api_request(ref: PostRef) -> Request:
    query = urllib.parse.urlencode((("ids", ref.id), *_V2_FIELDS), safe=",")
    return Request(f"https://api.x.com/2/tweets?{query}", secret=(BEARER, "Bearer"))


def read_api(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.4: what is missing comes with status 200 and an entry in `errors`."""
    refused = refusal(capture)
    try:
        payload = _payload(capture)
    except ParseError:
        if refused is None:
            raise
        payload = None
    if isinstance(payload, Reason):
        return absent(payload)
    if not isinstance(payload, dict):
        if refused is None:
            raise ParseError(f"{capture.url}: JSON, but no object")
        payload = {}
    words = string(payload.get("detail")) or string(payload.get("title"))
    if refused:
        return absent(refused, words)
    shown = payloads.v2(payload, ref.id)
    if shown is None and capture.status == 404:
        return absent(Reason.NOT_FOUND, words)
    return finding(shown, ref, capture)


def _api(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(api_request(ref))
    return absent(capture) if isinstance(capture, Reason) else read_api(capture, ref)


# --- the Wayback Machine --------------------------------------------------------------------------------------------

#: How many captures of one post are read at most before giving up.
MAX_MEMENTOS = 6


def places(ref: PostRef, handle: str | None) -> list[str]:
    """Where an archive may have kept a post, likeliest first; one index query each.

    A query by prefix covers what follows the id (`/photo/1`, `?s=20`), and the index drops `www.` and case, so these
    are all the keys there are. Without a handle only the forms that need none can be asked for.
    """
    named = [f"{host}/{handle}/{form}/{ref.id}" for form in ("status", "statuses") for host in HOSTS] if handle else []
    return [
        *named[:2],  # twitter.com and x.com
        f"twitter.com/i/web/status/{ref.id}",
        *named[2:4],  # mobile.twitter.com, and the path of the embeds of 2012 to 2014
        *([] if handle else [f"twitter.com/statuses/{ref.id}"]),
        f"x.com/i/status/{ref.id}",
        *([] if handle else [f"twitter.com/i/status/{ref.id}", f"x.com/i/web/status/{ref.id}"]),
        *named[4:],
    ]


HOSTS = ("twitter.com", "x.com", "mobile.twitter.com")


def worth_reading(rows: list[memento.CdxRow], at: dt.datetime | None) -> list[memento.CdxRow]:
    """The captures that can show a post, best first: JSON, then pages nearest to the post's own time; never an
    archived error or redirect. Revisits (whose status the index does not tell) last."""
    whole = [row for row in rows if row.status == 200]
    json = [row for row in whole if "json" in (row.mimetype or "")]
    return [
        *memento.nearest(json, at),
        *memento.nearest([row for row in whole if row not in json], at),
        *memento.nearest([row for row in rows if row.status is None], at),
    ]


def replayed(row: memento.CdxRow) -> Generator[Request, Capture, Capture | Reason]:
    """One capture's own bytes, going along where the archive itself sends us on, at most twice."""
    request = memento.replay(row)
    for _ in range(3):
        capture = yield from ask(request)
        if isinstance(capture, Reason):
            return capture
        further = memento.onward(capture)
        if further is None:
            return capture
        request = Request(further, follow=0)
    return Reason.UNKNOWN


def read_memento(capture: Capture, ref: PostRef) -> Finding:
    """A capture of a post's page or JSON in a web archive: what it showed then.

    An archived error, a shell, a login page or an archived tombstone decides nothing. `observed_at` is the archive's
    time, and media are offered live first, then as the archive may hold them.
    """
    refused = memento.refusal(capture)
    if refused:
        return absent(refused)
    at = memento.memento_at(capture)
    if at is None:
        return absent(Reason.NOT_ARCHIVED if capture.status == 404 else Reason.UNKNOWN)
    nothing = Finding(Outcome.UNKNOWN, Reason.UNKNOWN, observed_at=at)
    if capture.status != 200:
        return nothing
    shown: Shown | Absence | None
    if capture.text.lstrip("\ufeff \r\n\t")[:1] in {"{", "["}:
        shown = shapes.read(capture.json(), ref.id)
    else:
        from archiver.platforms.twitter import pages  # as above

        shown = pages.read(capture, ref.id)
        if shown is None and is_login_page(capture):
            return dataclasses.replace(nothing, reason=Reason.LOGIN_WALL)
    if isinstance(shown, Absence):
        return dataclasses.replace(nothing, tombstone=shown.words)
    found = finding(shown, ref, capture)
    stamp = memento.stamp(at)
    return dataclasses.replace(
        found,
        observed_at=at,
        post=_recoverable(found.post, stamp) if found.post else None,
        also=tuple(_recoverable(each, stamp) for each in found.also),
    )


def _recoverable(post: Post, timestamp: str) -> Post:
    """The post with its media as the archive may hold them, after the live ones."""
    media = []
    for each in post.media:
        key = each.key if each.kind == "photo" and media_key(*each.urls) else None
        kept = [each.urls[0], each.urls[2], *_old_forms(each.urls[0])] if key else list(each.urls)
        archived = tuple(memento.replay_url(timestamp, url, "im_") for url in dict.fromkeys(kept))
        media.append(dataclasses.replace(each, urls=tuple(dict.fromkeys(each.urls + archived))))
    return dataclasses.replace(post, media=tuple(media))


def _old_forms(url: str) -> list[str]:
    """How pages before 2018 or so named a picture: `….jpg:large`, `….jpg`."""
    base, _, query = url.partition("?")
    form = dict(urllib.parse.parse_qsl(query)).get("format", "jpg")
    return [f"{base}.{form}:large", f"{base}.{form}"]


def _wayback(ref: PostRef, claim: Claim) -> Look:
    """What the Wayback Machine kept of a post, from as few requests as can be: two where it has a readable capture
    under the post's usual address, at most one index query for each of `places` and MAX_MEMENTOS captures in all.

    The handle comes from the claim. Without one, an archived redirect of a handle-less address may tell it.
    """
    handle = _handle(claim)
    known = None if handle == "i" else handle
    waiting, asked = places(ref, known), set[str]()
    at, left = posted_at(ref.id), MAX_MEMENTOS
    unanswered: Reason | None = None
    is_archived = False
    while waiting and left > 0:
        place = waiting.pop(0)
        if place in asked:
            continue
        asked.add(place)
        rows = yield from indexed(memento.cdx_query(place, prefix=True))
        if isinstance(rows, Reason):
            unanswered = rows
            if rows in {Reason.RATE_LIMITED, Reason.UNREACHABLE, Reason.TIMEOUT}:
                break
            continue
        own = [row for row in rows if match(row.original) == ref]
        is_archived = is_archived or bool(own)
        for row in worth_reading(own, at)[:left]:
            left -= 1
            answer = yield from replayed(row)
            if isinstance(answer, Reason):
                unanswered = answer
                continue
            try:
                found = read_memento(answer, ref)
            except ParseError:
                continue
            if found.post and (found.post.text or found.post.media):
                return found
            if found.reason is Reason.RATE_LIMITED:
                return found
            if found.outcome is Outcome.REFUSED and found.observed_at is None:
                unanswered = found.reason
        if known is None:
            known = yield from _redirected(own, ref)
            waiting = places(ref, known) if known else waiting
    if unanswered:
        return absent(unanswered)
    return absent(Reason.UNKNOWN if is_archived else Reason.NOT_ARCHIVED)


def indexed(request: Request) -> Generator[Request, Capture, list[memento.CdxRow] | Reason]:
    """The rows of one index query, or why there are none to be had now."""
    answer = yield from ask(request)
    if isinstance(answer, Reason):
        return answer
    refused = memento.refusal(answer)
    if refused:
        return refused
    try:
        return list(memento.cdx_rows(answer))
    except ParseError:
        return Reason.UNREADABLE


def _redirected(rows: list[memento.CdxRow], ref: PostRef) -> Generator[Request, Capture, str | None]:
    """The handle that an archived redirect of this post leads to."""
    for row in [row for row in rows if row.status in {301, 302}][:2]:
        answer = yield from replayed(row)
        there = None if isinstance(answer, Reason) else memento.location(answer)
        if there and match(there) == ref and (handle := payloads.path_handle(there)):
            return handle
    return None


# --- the table ------------------------------------------------------------------------------------------------------

SOURCES = (
    Source(
        "syndication",
        Rank.FIRST_HAND,
        _syndication,
        ("cdn.syndication.twimg.com",),
        "X's endpoint for embedded posts: keyless, undocumented, limits unknown (429 when passed).",
    ),
    Source(
        "oembed",
        Rank.FIRST_HAND,
        _oembed,
        ("publish.twitter.com", "publish.x.com"),
        "X's oEmbed: keyless, documented as not rate limited; text and day only, no media.",
        is_whole=False,
    ),
    Source(
        "fxtwitter",
        Rank.THIRD_PARTY,
        _fxtwitter,
        ("api.fxtwitter.com",),
        "A third party that relays X and rewrites links in the text: 1,000 requests a minute and address.",
    ),
    Source(
        "vxtwitter",
        Rank.THIRD_PARTY,
        _vxtwitter,
        ("api.vxtwitter.com",),
        "A third party that relays X and rewrites links in the text: no stated limit.",
    ),
    Source(
        "api-v2",
        Rank.FIRST_HAND,
        _api,
        ("api.x.com",),
        "X's paid API: needs a bearer token; 3,500 requests per 15 minutes and app.",
        needs=BEARER,
    ),
    Source(
        "wayback",
        Rank.ARCHIVE,
        _wayback,
        (memento.HOST,),
        "The Internet Archive: about 30 index queries and 600 captures a minute, then 429 for a while.",
    ),
)
