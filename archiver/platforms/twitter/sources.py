"""Where an X post can be seen, best first: X's own keyless endpoints, relays, its paid API, and the Wayback Machine.

Each `look` yields requests, is sent captures, and returns a Finding; a FetchError thrown in becomes a Finding too.
Bytes that are not what the source promises raise ParseError: the capture stays, and an improved parser can read it
again. The reader of each answer (`read_…`) is a function of the capture alone, so that captures can be re-read.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import urllib.parse
from collections.abc import Generator, Iterator
from typing import Any

from bs4 import BeautifulSoup, Tag

from archiver.errors import FetchError, ParseError
from archiver.model import Author, Capture, Claim, Finding, Link, Look, Outcome, Post, PostRef, Rank, Reason, Request
from archiver.platforms import Source
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.grammar import match
from archiver.platforms.twitter.payloads import Absence, Shown

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
    r"<title>[^<]*(?:log ?in|sign ?in)[^<]*</title>|/i/flow/login|/account/(?:begin_)?login_challenge"
    r"|action=\"[^\"]*/sessions\"|JavaScript is not available",
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
        return absent(shown.reason, shown.words)
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
        return absent(Reason.UNKNOWN, payloads.string(payload.get("error")))
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
    words = payloads.string(payload.get("error")) or _error_words(payload)
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
    return finding(Shown(_oembed_post(payload, markup, capture)), ref, capture)


def _error_words(payload: dict[str, Any]) -> str | None:
    errors = payloads.listing(payload.get("errors"))
    return payloads.string(payloads.mapping(errors[0]).get("message")) if errors else None


_ENGLISH_DAY = re.compile(r"(\w+) (\d{1,2}), (\d{4})")


def _oembed_post(payload: dict[str, Any], markup: str, capture: Capture) -> Post:
    block = soup(markup, capture).find("blockquote")
    if not isinstance(block, Tag):
        raise ParseError(f"{capture.url}: oEmbed without a blockquote")
    anchors = [each for each in block.find_all("a") if match(str(each.get("href") or ""))]
    permalink = anchors[-1] if anchors else None
    ref = match(str(payload.get("url") or "")) or (match(str(permalink.get("href"))) if permalink else None)
    if ref is None:
        raise ParseError(f"{capture.url}: oEmbed without the post's URL")
    quote = block.find("p")
    text, links = prose(quote) if isinstance(quote, Tag) else ("", ())
    codes = [code for link in links if payloads.is_media_link(link) and (code := payloads.code_of(link.url))]
    text = payloads.without_media_link(text, codes)
    named = re.search(r"(?:twitter|x)\.com/(\w{1,20})(?:[/?]|$)", str(payload.get("author_url") or ""), re.ASCII)
    handle = named[1] if named else None
    return Post(
        ref=ref,
        author=Author(
            handle, payloads.string(payload.get("author_name")), None, f"https://x.com/{handle}" if handle else None
        ),
        text=text,
        created_on=_day(permalink.get_text() if permalink else ""),
        lang=payloads.string(quote.get("lang")) if isinstance(quote, Tag) else None,
        url=f"https://x.com/{handle or 'i'}/status/{ref.id}",
        links=links,
        is_truncated=text.endswith("…"),
    )


def _day(text: str) -> dt.date | None:
    found = _ENGLISH_DAY.search(text)
    if not found or found[1][:3] not in _MONTHS:
        return None
    try:
        return dt.date(int(found[3]), _MONTHS.index(found[1][:3]) + 1, int(found[2]))
    except ValueError:
        return None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _oembed(ref: PostRef, claim: Claim) -> Look:
    capture = yield from ask(oembed_request(ref, claim))
    return absent(capture) if isinstance(capture, Reason) else read_oembed(capture, ref)


# --- markup ---------------------------------------------------------------------------------------------------------

#: No page of X's that holds one post comes near; past it html.parser takes seconds.
_MAX_PAGE = 16 * 1024 * 1024


def soup(markup: str, capture: Capture) -> BeautifulSoup:
    """The markup, parsed; ParseError where the parser gives up."""
    if len(markup) > _MAX_PAGE:
        raise ParseError(f"{capture.url}: a page of {len(markup)} characters is more than is read ({_MAX_PAGE})")
    try:
        return BeautifulSoup(markup, "html.parser")
    except (RecursionError, AssertionError, ValueError) as error:
        raise ParseError(f"{capture.url}: markup that cannot be parsed: {error}") from error


def prose(element: Tag) -> tuple[str, tuple[Link, ...]]:
    """The text of a post's markup as the API would give it: t.co links as written, emoji as characters, `<br>` as a
    line break; and its links."""
    parts: list[str] = []
    links: dict[str, Link] = {}
    for piece in _pieces(element):
        if isinstance(piece, str):
            parts.append(piece)
        elif piece.name == "br":
            parts.append("\n")
        elif piece.name == "img":
            parts.append(str(piece.get("alt") or ""))
        else:
            href, shown = str(piece.get("href") or ""), _shown(piece)
            code = payloads.code_of(href) or payloads.code_of(shown)
            if code is None:
                # A mention or a hashtag; a link whose t.co was not kept says where it leads.
                expanded = payloads.string(str(piece.get("data-expanded-url") or ""))
                parts.append(expanded or shown)
                if expanded:
                    links.setdefault(expanded, Link(expanded, expanded, shown or None))
                continue
            url = f"https://t.co/{code}"
            before = "".join(parts)[-1:]
            parts.append((" " if before and not before.isspace() else "") + url)
            expanded = payloads.string(str(piece.get("data-expanded-url") or piece.get("title") or ""))
            links.setdefault(url, Link(url, expanded, shown or None))
    text = "".join(parts)
    return payloads.string(text.strip()) or "", tuple(links.values())


def _pieces(element: Tag) -> Iterator[str | Tag]:
    """Strings, line breaks, pictures and anchors, in order, without descending into anchors. No recursion: markup may
    be nested as deep as somebody likes."""
    stack: list[Any] = list(reversed(list(element.children)))
    while stack:
        node = stack.pop()
        if not isinstance(node, Tag):
            if type(node).__name__ == "NavigableString":
                yield str(node)
        elif node.name in {"a", "br", "img"}:
            yield node
        elif node.name not in {"script", "style"}:
            stack.extend(reversed(list(node.children)))


def _shown(anchor: Tag) -> str:
    """What an anchor shows, without the parts old pages hid or the ellipsis they added."""
    display = anchor.find(class_="js-display-url")
    text = display.get_text() if isinstance(display, Tag) else anchor.get_text()
    return text.replace("\xa0", " ").strip()


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
        "X's oEmbed: keyless, documented as not rate limited; text and day only.",
    ),
)
