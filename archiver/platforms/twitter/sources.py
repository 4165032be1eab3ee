"""Where an X post can be seen, best first: X's own keyless endpoints, relays, its paid API, and the Wayback Machine.

Each `look` yields requests, is sent captures, and returns a Finding; a FetchError thrown in becomes a Finding too.
Bytes that are not what the source promises raise ParseError: the capture stays, and an improved parser can read it
again. The reader of each answer (`read_…`) is a function of the capture alone, so that captures can be re-read.
"""

from __future__ import annotations

import math
import urllib.parse
from typing import Any

from archiver import memento
from archiver.answers import absent, ask
from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, Look, PostRef, Rank, Reason, Request
from archiver.platforms import Source, parts
from archiver.platforms.twitter import payloads, relays
from archiver.platforms.twitter.answers import finding, handle_for_path, payload_of, refusal
from archiver.platforms.twitter.payloads import Shown
from archiver.platforms.twitter.wayback import wayback
from archiver.untyped import listing, mapping, string

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
    payload = payload_of(capture)
    if isinstance(payload, Reason):
        return absent(payload)
    if not isinstance(payload, dict):
        raise ParseError(f"{capture.url}: JSON, but no object")
    if payload.get("__typename") in ("TweetTombstone", "TweetUnavailable"):
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
    return capture if isinstance(capture, Finding) else read_syndication(capture, ref)


# --- oEmbed ---------------------------------------------------------------------------------------------------------


def oembed_request(ref: PostRef, claim: Claim) -> Request:
    status = f"https://twitter.com/{handle_for_path(claim)}/status/{ref.id}"
    query = urllib.parse.urlencode({"url": status, "lang": "en", "omit_script": "true", "dnt": "true"})
    return Request(f"https://publish.twitter.com/oembed?{query}")


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.1: the text and the day, never a time of day or media; long notes are cut."""
    try:
        payload = payload_of(capture)
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
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


# --- relays ---------------------------------------------------------------------------------------------------------


def fxtwitter_request(ref: PostRef) -> Request:
    return Request(f"https://api.fxtwitter.com/2/status/{ref.id}")


def read_fxtwitter(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.3, in its second form and its first. Its status mirrors the `code` in the body, so the body is
    read first; unknown ids are answered with a home page."""
    try:
        payload = payload_of(capture)
    except ParseError:
        payload = None
    if isinstance(payload, dict):
        shown = relays.fx(payload)
        if shown is not None:
            return finding(shown, ref, capture)
    return _nothing(capture, payload)


def vxtwitter_request(ref: PostRef, claim: Claim) -> Request:
    return Request(f"https://api.vxtwitter.com/{handle_for_path(claim)}/status/{ref.id}")


def read_vxtwitter(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.3. It says nothing of why a post is not there."""
    try:
        payload = payload_of(capture)
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
    said = mapping(payload)
    words = string(said.get("error")) or string(said.get("message"))
    return absent(refusal(capture) or Reason.UNKNOWN, words)


def _fxtwitter(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(fxtwitter_request(ref))
    return capture if isinstance(capture, Finding) else read_fxtwitter(capture, ref)


def _vxtwitter(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(vxtwitter_request(ref, claim))
    return capture if isinstance(capture, Finding) else read_vxtwitter(capture, ref)


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
        payload = payload_of(capture)
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
    return capture if isinstance(capture, Finding) else read_api(capture, ref)


# --- the table ------------------------------------------------------------------------------------------------------

#: What a source that shows a post whole gives of it.
_GIVES = (
    "text, author, account id, time, language, links, pictures, films, alt text, answered post, "
    "quoted post, counts, poll"
)
SOURCES = (
    Source(
        "syndication",
        Rank.FIRST_HAND,
        _syndication,
        ("cdn.syndication.twimg.com",),
        "X's endpoint for embedded posts: keyless, undocumented, limits unknown (429 when passed).",
        gives=parts(f"{_GIVES}, card, place, edits, warnings"),
    ),
    Source(
        "oembed",
        Rank.FIRST_HAND,
        _oembed,
        ("publish.twitter.com", "publish.x.com"),
        "X's oEmbed: keyless, documented as not rate limited; text and day only, no media.",
        is_whole=False,
        gives=parts("text, author, day, language, links"),
    ),
    Source(
        "fxtwitter",
        Rank.THIRD_PARTY,
        _fxtwitter,
        ("api.fxtwitter.com",),
        "A third party that relays X and rewrites links in the text: 1,000 requests a minute and address.",
        gives=parts(f"{_GIVES}, card, warnings, community note"),
    ),
    Source(
        "vxtwitter",
        Rank.THIRD_PARTY,
        _vxtwitter,
        ("api.vxtwitter.com",),
        "A third party that relays X and rewrites links in the text: no stated limit.",
        gives=parts(_GIVES.replace("account id, ", "") + ", warnings, community note"),
    ),
    Source(
        "api-v2",
        Rank.FIRST_HAND,
        _api,
        ("api.x.com",),
        "X's paid API: needs a bearer token; 3,500 requests per 15 minutes and app.",
        needs=BEARER,
        gives=parts(f"{_GIVES}, card, place, edits, warnings"),
    ),
    Source(
        "wayback",
        Rank.ARCHIVE,
        wayback,
        (memento.HOST,),
        "The Internet Archive: about 30 index queries and 600 captures a minute, then 429 for a while.",
        gives=parts(f"{_GIVES}, card, place, edits, warnings, community note, day"),
    ),
)
