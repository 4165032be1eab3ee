"""What an endpoint's answer says when it shows no post: asking, refusals, login and consent pages, markup, mementos.

Pure: requests are yielded, captures are sent in. Whatever ends a look-up early is a `Finding`.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from archiver import memento
from archiver.errors import FetchError, ParseError
from archiver.model import Capture, Finding, Outcome, Reason, Request

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

#: What each reason that a source may give means for the post.
OUTCOMES = {
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

_STATUSES = {
    400: Reason.BAD_REQUEST,
    401: Reason.BLOCKED,
    403: Reason.BLOCKED,
    404: Reason.NOT_FOUND,
    407: Reason.BLOCKED,
    410: Reason.NOT_FOUND,
    420: Reason.RATE_LIMITED,
    429: Reason.RATE_LIMITED,
    451: Reason.WITHHELD,
}

_MAX_WORDS = 500
#: JSON may escape half a character, which no file and no database takes.
_SURROGATE = re.compile("[\ud800-\udfff]")
#: No page that holds one post comes near; past these the parser takes seconds.
_MAX_PAGE = 8 * 1024 * 1024
_MAX_DEPTH = 2000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
#: Elements that hold nothing and have no end.
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})

_TITLE = re.compile(r"<title[^>]*>([^<]{0,300})", re.IGNORECASE)
_LOGIN_TITLE = re.compile(r"\b(?:log ?in|sign ?in|anmelden|se connecter|iniciar sesi|log into)\b", re.IGNORECASE)
_LOGIN_PATH = re.compile(r"/(?:accounts/)?(?:log_?in|sign_?in|checkpoint|ServiceLogin)\b", re.IGNORECASE)
_BARRED_TITLE = re.compile(
    r"\bconsent\b|before you continue|just a moment|attention required|security check|captcha|are you a robot|"
    r"unusual traffic|\bblocked\b|access denied|please wait for verification",
    re.IGNORECASE,
)
_BARRED_URL = re.compile(r"^https?://consent\.|/consent\b|/sorry/|/cdn-cgi/", re.IGNORECASE)
_BARRED_MARKUP = re.compile(
    r"cdn-cgi/challenge-platform|cf_chl_opt|g-recaptcha|hcaptcha\.com|action=\"[^\"]*//consent\."
)


def absent(reason: Reason, words: str | None = None) -> Finding:
    """An ending without a post; *words* are the source's own."""
    words = _SURROGATE.sub("\ufffd", " ".join(words.split())[:_MAX_WORDS]) if words else None
    return Finding(OUTCOMES.get(reason, Outcome.UNREACHABLE), reason, tombstone=words or None)


def ask(request: Request) -> Generator[Request, Capture, Capture | Finding]:
    """One request: its capture, or why there is none."""
    try:
        return (yield request)
    except FetchError as error:
        return absent(Reason(error.reason))


def refused(capture: Capture, words: str | None = None) -> Finding | None:
    """What an answer's status says by itself; None where its body has to be read."""
    status = capture.status or 0
    if status in _STATUSES:
        return absent(_STATUSES[status], words)
    if status >= 500:
        return absent(Reason.SERVER_ERROR, words)
    if 300 <= status < 400:
        return walled(capture, memento.location(capture)) or absent(Reason.UNKNOWN)
    return absent(Reason.BAD_REQUEST, words) if status >= 400 else None


def walled(capture: Capture, url: str | None = None) -> Finding | None:
    """A page that stands in the way, whatever its status: to log in, to consent, to prove that one is human. Ask only
    where the answer is not what was promised: a post may hold any of these words."""
    url = url or capture.url
    page = "" if capture.payload.size > _MAX_PAGE else capture.text[:300_000]
    found = _TITLE.search(page)
    title = found[1].strip() if found else ""
    if _LOGIN_PATH.search(urllib.parse.urlsplit(url).path) or _LOGIN_TITLE.search(title):
        return absent(Reason.LOGIN_WALL, title)
    if _BARRED_URL.search(url) or _BARRED_TITLE.search(title) or _BARRED_MARKUP.search(page):
        return absent(Reason.BLOCKED, title)
    return None


def payload(capture: Capture) -> Any:
    """The JSON of an answer with status 200; a Finding where a page stands in its way; else ParseError."""
    try:
        return capture.json()
    except ParseError:
        finding = walled(capture)
        if finding is None:
            raise
        return finding


def words_of(capture: Capture) -> str | None:
    """What an error answer says of itself: its JSON's message, or a short plain text; None for pages."""
    try:
        value = capture.json()
    except ParseError:
        text = capture.text.strip() if capture.payload.size <= _MAX_WORDS else ""
        return text if text and "<" not in text else None
    if not isinstance(value, dict):
        return value if isinstance(value, str) else None
    error = value.get("error")
    for holder in (error if isinstance(error, dict) else {}, value):
        for name in ("message", "reason", "error", "detail", "status_msg"):
            if isinstance(said := holder.get(name), str) and said.strip():
                return said
    return None


def page(markup: str, capture: Capture) -> BeautifulSoup:
    """Markup, parsed; ParseError for what would stall the parser or makes it give up."""
    from bs4 import BeautifulSoup  # slow to load, and most commands read no page
    from bs4.exceptions import ParserRejectedMarkup

    if len(markup) > _MAX_PAGE:
        raise ParseError(f"{capture.url}: a page of {len(markup)} characters is more than is read ({_MAX_PAGE})")
    depth = 0
    for end, name in _TAG.findall(markup):
        if name.lower() not in VOID:
            depth = max(0, depth - 1) if end else depth + 1
            if depth > _MAX_DEPTH:
                raise ParseError(f"{capture.url}: a page nested deeper than {_MAX_DEPTH} elements is not read")
    try:
        # A text without any tag may look like a URL to the parser, which warns of it.
        return BeautifulSoup(markup if "<" in markup else "", "html.parser")
    except (RecursionError, AssertionError, ValueError, ParserRejectedMarkup) as error:
        raise ParseError(f"{capture.url}: markup that cannot be parsed: {error}") from error


# --- web archives ---------------------------------------------------------------------------------------------------


def indexed(request: Request) -> Generator[Request, Capture, list[memento.CdxRow] | Finding]:
    """The rows of one index query, or why there are none to be had now."""
    answer = yield from ask(request)
    if isinstance(answer, Finding):
        return answer
    reason = memento.refusal(answer)
    if reason:
        return absent(reason)
    try:
        return list(memento.cdx_rows(answer))
    except ParseError:
        return absent(Reason.UNREADABLE)


def replayed(row: memento.CdxRow) -> Generator[Request, Capture, Capture | Finding]:
    """One memento's own bytes, going along where the archive itself sends us on, at most twice; a Finding where the
    archive refuses or has it no more."""
    request = memento.replay(row)
    for _ in range(3):
        answer = yield from ask(request)
        if isinstance(answer, Finding):
            return answer
        further = memento.onward(answer)
        if further is None:
            reason = memento.refusal(answer)
            if reason:
                return absent(reason)
            return answer if memento.memento_at(answer) else absent(Reason.UNKNOWN)
        request = Request(further, follow=0)
    return absent(Reason.UNKNOWN)
