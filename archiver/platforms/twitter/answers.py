"""What an answer about an X post means: refusals, login pages, and whether what it shows is the post asked for."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from archiver import memento
from archiver.answers import absent, walled
from archiver.errors import ParseError
from archiver.model import Capture, Claim, Finding, Outcome, PostRef, Reason
from archiver.platforms.twitter.payloads import Absence, Shown

_HANDLE = re.compile(r"\w{1,20}", re.ASCII)


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
        wall = walled(capture, memento.location(capture))
        return wall.reason if wall else Reason.UNKNOWN
    return None


def payload_of(capture: Capture) -> Any:
    """The JSON of an answer; a page that stands in the way is recognised, anything else is a ParseError."""
    try:
        return capture.json()
    except ParseError:
        if is_login_page(capture):
            return Reason.LOGIN_WALL
        if wall := walled(capture):
            return wall.reason
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


def handle_for_path(claim: Claim) -> str:
    """The handle for a path X does not check; `i` where the claim has none that could stand in a path."""
    handle = (claim.handle or "").lstrip("@")
    return handle if _HANDLE.fullmatch(handle) else "i"
