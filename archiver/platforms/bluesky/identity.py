"""Whose a post is: handles, DIDs and the servers they name; and what XRPC's errors say (PLATFORMS.md 3.7)."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Generator, Mapping
from typing import Any

from archiver import answers
from archiver.errors import ParseError
from archiver.model import (
    Candidate,
    Capture,
    Claim,
    Evidence,
    Finding,
    Outcome,
    PostRef,
    Reason,
    Request,
    Resolution,
    Resolving,
)
from archiver.platforms.bluesky.grammar import is_final, match
from archiver.untyped import listing, mapping, string, web_url

APPVIEW = "https://public.api.bsky.app"
COLLECTION = "app.bsky.feed.post"
_WEB_DID = re.compile(r"did:web:((?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})", re.IGNORECASE)
_PLC_DID = re.compile(r"did:plc:[a-z2-7]{24}")
#: An author who asks not to be shown to strangers; Bluesky's own embeds answer 403 (PLATFORMS.md 3.7).
HIDES = "!no-unauthenticated"

#: XRPC's error names and what each says of the post (PLATFORMS.md 3.7).
_ERRORS = {
    "RecordNotFound": (Outcome.ABSENT, Reason.NOT_FOUND),
    "RepoNotFound": (Outcome.ABSENT, Reason.NOT_FOUND),
    "NotFound": (Outcome.ABSENT, Reason.NOT_FOUND),
    "RepoTakendown": (Outcome.GONE, Reason.SUSPENDED),
    "RepoSuspended": (Outcome.GONE, Reason.SUSPENDED),
    "RepoDeactivated": (Outcome.HIDDEN, Reason.PROTECTED),
    "RateLimitExceeded": (Outcome.REFUSED, Reason.RATE_LIMITED),
    "AuthMissing": (Outcome.REFUSED, Reason.LOGIN_WALL),
    "AuthenticationRequired": (Outcome.REFUSED, Reason.LOGIN_WALL),
}


def xrpc(host: str, method: str, **query: str) -> Request:
    return Request(f"{host}/xrpc/{method}?{urllib.parse.urlencode(query, safe=':')}")


def resolve_request(handle: str) -> Request:
    return xrpc(APPVIEW, "com.atproto.identity.resolveHandle", handle=handle)


def read_did(capture: Capture) -> str | Finding:
    """The DID a handle leads to now; `BAD_REQUEST` where the AppView says that it leads nowhere."""
    answer = answer_of(capture)
    if isinstance(answer, Finding):
        return answer
    did = string(answer.get("did"))
    if did is None or not did.startswith("did:"):
        raise ParseError(f"{capture.url}: an answer without a DID")
    return did


def resolve(claim: Claim, url: str | None) -> Resolving:
    """Handle → DID, so that one post has one name. Whether the record is there, the sources say."""
    ref = match(url) if url else None
    if ref is None:
        return Resolution(None, Reason.NO_LINK, evidence=(Evidence("none", "no link to a post"),))
    handle, _, key = ref.id.rpartition("/")
    said = Evidence("url", url or "")
    if is_final(ref):
        return Resolution(ref, Reason.OK, "url", (said,))
    capture = yield from answers.ask(resolve_request(handle))
    if isinstance(capture, Finding):
        return Resolution(None, capture.reason, evidence=(said, Evidence("did", f"@{handle}: {capture.reason}")))
    did = read_did(capture)
    if isinstance(did, str):
        return Resolution(
            PostRef("bluesky", f"{did}/{key}"),
            Reason.OK,
            "did",
            (said, Evidence("did", f"@{handle} is {did}", capture.id)),
        )
    words = did.tombstone or did.reason.value
    told = Evidence("did", f"@{handle}: {words}", capture.id)
    if did.reason in (Reason.BAD_REQUEST, Reason.NOT_FOUND):
        # Renamed or gone: nobody can say which account it was, so nothing is chosen.
        candidate = Candidate(ref, 0.5, (f"the link names it; @{handle} leads to no account now",))
        return Resolution(None, Reason.LINK_DEAD, evidence=(said, told), candidates=(candidate,))
    return Resolution(None, did.reason, evidence=(said, told))


def document_request(did: str) -> Request | None:
    """Where a DID's document is kept; None for methods that atproto does not know."""
    if _PLC_DID.fullmatch(did):
        return Request(f"https://plc.directory/{did}")
    found = _WEB_DID.fullmatch(did)
    return Request(f"https://{found[1].lower()}/.well-known/did.json") if found else None


def read_document(capture: Capture, did: str) -> tuple[str | None, str | None] | Finding:
    """The personal data server (`https://host`) and the handle that a DID document names. A tombstoned DID is gone."""
    if capture.status == 410:
        return Finding(Outcome.GONE, Reason.DELETED, tombstone=answers.words_of(capture))
    refused = answers.refused(capture, answers.words_of(capture))
    if refused:
        return refused
    document = mapping(answers.payload(capture))
    if document.get("id") != did:
        raise ParseError(f"{capture.url}: not the document of {did}")
    handles = (string(name) for name in listing(document.get("alsoKnownAs")))
    handle = next((name[5:] for name in handles if name and name.startswith("at://")), None)
    for service in map(mapping, listing(document.get("service"))):
        if str(service.get("id")).endswith("#atproto_pds") and service.get("type") == "AtprotoPersonalDataServer":
            return _origin(service.get("serviceEndpoint")), handle
    return None, handle


def _origin(value: Any) -> str | None:
    """`https://host[:port]` of a service endpoint; None for anything that is no such thing."""
    endpoint = web_url(value)
    if endpoint is None:
        return None
    parts = urllib.parse.urlsplit(endpoint)
    is_plain = parts.scheme == "https" and "@" not in parts.netloc
    return f"https://{parts.netloc.lower()}" if is_plain else None


def answer_of(capture: Capture) -> Mapping[str, Any] | Finding:
    """An XRPC answer's object, or what its error says."""
    status = capture.status or 0
    if status == 200:
        value = answers.payload(capture)
        if isinstance(value, Finding):
            return value
        if not isinstance(value, dict):
            raise ParseError(f"{capture.url}: JSON, but no object")
        return value
    try:
        error = mapping(capture.json())
    except ParseError:
        # Without XRPC's own error a 404 says that there is no such service, and nothing of the post.
        return (answers.absent(Reason.UNKNOWN) if status == 404 else None) or _refused(capture, None)
    words = ": ".join(part for part in (string(error.get("error")), string(error.get("message"))) if part) or None
    known = _ERRORS.get(str(error.get("error")))
    if known is None and "could not find repo" in (words or "").lower():
        known = _ERRORS["RepoNotFound"]
    return Finding(*known, tombstone=words) if known else _refused(capture, words)


def _refused(capture: Capture, words: str | None) -> Finding:
    said = answers.refused(capture, words) or answers.absent(Reason.UNKNOWN, words)
    # An unknown error's 404 is not XRPC's NotFound, and decides nothing.
    return answers.absent(Reason.UNKNOWN, words) if said.outcome is Outcome.ABSENT else said


@dataclasses.dataclass(frozen=True, slots=True)
class Whose:
    """Whose repository a post is in: `server` is where it is kept, None where that could not be learned."""

    did: str
    server: str | None = None
    handle: str | None = None
    trouble: Finding | None = None


def whose(ref: PostRef) -> Generator[Request, Capture, Whose | Finding]:
    """The author's DID, server and handle. Without a document a post can still be seen, not its originals."""
    did = ref.id.rpartition("/")[0]
    if not is_final(ref):
        capture = yield from answers.ask(resolve_request(did))
        found = capture if isinstance(capture, Finding) else read_did(capture)
        if isinstance(found, Finding):
            return found
        did = found
    request = document_request(did)
    if request is None:
        return Whose(did, trouble=answers.absent(Reason.UNKNOWN, f"{did}: not a method that atproto knows"))
    capture = yield from answers.ask(request)
    if isinstance(capture, Finding):
        return Whose(did, trouble=capture)
    try:
        read = read_document(capture, did)
    except ParseError as error:
        return Whose(did, trouble=answers.absent(Reason.UNREADABLE, str(error)))
    return Whose(did, trouble=read) if isinstance(read, Finding) else Whose(did, *read)
