"""Bluesky (PLATFORMS.md 0, 1.2 and 2). A post is known by who wrote it (a DID, or a handle that may change) and its key
in their repository."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import urllib.parse
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from archiver import answers, dagcbor
from archiver.errors import ParseError
from archiver.model import (
    Author,
    Candidate,
    Capture,
    Claim,
    Evidence,
    Finding,
    Link,
    Look,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Request,
    Resolution,
    Resolving,
    Variant,
)
from archiver.platforms import Markup, Platform, Source
from archiver.untyped import counts, listing, mapping, moment, number, pairs, size, string, web_url

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
#: https://atproto.com/specs/tid
_TID = re.compile(r"[234567abcdefghij][234567a-z]{12}")
_ACTOR = r"(did:(?:plc:[a-z2-7]{24}|web:[\w.:%-]{3,200})|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})"
_HANDLE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,20}"
_URL = re.compile(
    r"(?:https?:)?//(?:(?:www|main|staging|embed)\.)?(?:bsky\.app|(?:fx|c|vx)bsky\.app|bskx\.app|bsyy\.app|deer\.social)/+"
    r"(?:profile/@?" + _ACTOR + r"/post/|embed/" + _ACTOR + r"/app\.bsky\.feed\.post/)([\w.:~-]{1,100})",
    re.IGNORECASE,
)
_AT = re.compile(r"at://" + _ACTOR + r"/app\.bsky\.feed\.post/([\w.:~-]{1,100})", re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post an https or at:// URL names."""
    if "%" in url:
        url = urllib.parse.unquote(url)
    if found := _AT.match(url):
        actor, key = found[1], found[2]
    elif found := _URL.match(url):
        actor, key = found[1] or found[2], found[3]
    else:
        return None
    return PostRef("bluesky", f"{actor if actor[:4] == 'did:' else actor.lower()}/{key.rstrip('.')}")


def url(ref: PostRef) -> str:
    actor, _, key = ref.id.rpartition("/")
    return f"https://bsky.app/profile/{actor}/post/{key}"


def posted_at(id: str) -> dt.datetime | None:
    """The microsecond a TID was made. Clients choose their keys, so it is a claim, and keys need not be TIDs."""
    key = id.rpartition("/")[2]
    if not _TID.fullmatch(key):
        return None
    number = 0
    for character in key:
        number = number * 32 + _DIGITS.index(character)
    micros = number >> 10
    if not 1_600_000_000_000_000 < micros < 4_000_000_000_000_000:
        return None
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros)


def is_final(ref: PostRef) -> bool:
    """Whether the id names its author for good: a DID does, a handle may pass to somebody else."""
    return ref.id.startswith("did:")


# --- who it is ------------------------------------------------------------------------------------------------------

APPVIEW = "https://public.api.bsky.app"
_COLLECTION = "app.bsky.feed.post"
_POST_URI = re.compile(r"at://([^/?#\s]{1,300})/app\.bsky\.feed\.post/([^/?#\s]{1,512})")
_WEB_DID = re.compile(r"did:web:((?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})", re.IGNORECASE)
_PLC_DID = re.compile(r"did:plc:[a-z2-7]{24}")
#: An author who asks not to be shown to strangers; Bluesky's own embeds answer 403 (PLATFORMS.md 3.7).
_HIDES = "!no-unauthenticated"

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


def _xrpc(host: str, method: str, **query: str) -> Request:
    return Request(f"{host}/xrpc/{method}?{urllib.parse.urlencode(query, safe=':')}")


def resolve_request(handle: str) -> Request:
    return _xrpc(APPVIEW, "com.atproto.identity.resolveHandle", handle=handle)


def read_did(capture: Capture) -> str | Finding:
    """The DID a handle leads to now; `BAD_REQUEST` where the AppView says that it leads nowhere."""
    answer = _answer(capture)
    if isinstance(answer, Finding):
        return answer
    did = string(answer.get("did"))
    if did is None or not did.startswith("did:"):
        raise ParseError(f"{capture.url}: an answer without a DID")
    return did


def _resolve(claim: Claim, url: str | None) -> Resolving:
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


def _answer(capture: Capture) -> Mapping[str, Any] | Finding:
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
class _Whose:
    """Whose repository a post is in: `server` is where it is kept, None where that could not be learned."""

    did: str
    server: str | None = None
    handle: str | None = None
    trouble: Finding | None = None


def _whose(ref: PostRef) -> Generator[Request, Capture, _Whose | Finding]:
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
        return _Whose(did, trouble=answers.absent(Reason.UNKNOWN, f"{did}: not a method that atproto knows"))
    capture = yield from answers.ask(request)
    if isinstance(capture, Finding):
        return _Whose(did, trouble=capture)
    try:
        read = read_document(capture, did)
    except ParseError as error:
        return _Whose(did, trouble=answers.absent(Reason.UNREADABLE, str(error)))
    return _Whose(did, trouble=read) if isinstance(read, Finding) else _Whose(did, *read)


# --- the AppView ----------------------------------------------------------------------------------------------------


def appview_request(ref: PostRef) -> Request:
    actor, _, key = ref.id.rpartition("/")
    return _xrpc(APPVIEW, "app.bsky.feed.getPosts", uris=f"at://{actor}/{_COLLECTION}/{key}")


def thread_request(ref: PostRef) -> Request:
    actor, _, key = ref.id.rpartition("/")
    uri = f"at://{actor}/{_COLLECTION}/{key}"
    return _xrpc(APPVIEW, "app.bsky.feed.getPostThread", uri=uri, depth="0", parentHeight="0")


def read_appview(capture: Capture, ref: PostRef, server: str | None = None) -> Finding:
    """getPosts or getPostThread. getPosts leaves out what is not there; *server* is where originals are kept."""
    answer = _answer(capture)
    if isinstance(answer, Finding):
        return answer
    if "posts" in answer:
        views = [mapping(view) for view in listing(answer["posts"])]
    elif "thread" in answer:
        thread = mapping(answer["thread"])
        kind = str(thread.get("$type", "")).rpartition("#")[2]
        if kind == "notFoundPost" or thread.get("notFound") is True:
            return answers.absent(Reason.NOT_FOUND, "notFoundPost")
        if kind == "blockedPost" or thread.get("blocked") is True:
            return Finding(Outcome.HIDDEN, Reason.BLOCKED, tombstone="blockedPost")
        views = [mapping(thread.get("post"))]
    else:
        raise ParseError(f"{capture.url}: neither posts nor a thread")
    if not views:
        return answers.absent(Reason.NOT_FOUND)
    for view in views:
        if _ref(view.get("uri")) == ref:
            return _shown(view, ref, server, capture)
    raise ParseError(f"{capture.url}: asked for {ref}, shows {views[0].get('uri')!r:.200}")


def _shown(view: Mapping[str, Any], ref: PostRef, server: str | None, capture: Capture) -> Finding:
    author = mapping(view.get("author"))
    if _HIDES in _labels(author):
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=_HIDES)
    record = view.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ParseError(f"{capture.url}: a post without its record")
    embed = mapping(view.get("embed"))
    post = _post(
        ref,
        record,
        embed,
        server,
        author=_author(author, ref),
        cid=string(view.get("cid")),
        counted=view,
        labels=(*_labels(view), *_self_labels(record)),
    )
    quoted = _quoted(embed, server)
    return Finding(Outcome.FOUND, Reason.OK, post, also=(quoted,) if quoted and quoted.ref != ref else ())


def _quoted(embed: Mapping[str, Any], server: str | None) -> Post | None:
    """The quoted post, where the answer shows it whole and its author lets strangers see it."""
    view = mapping(embed.get("record"))
    if _kind(embed) == "recordWithMedia":
        view = mapping(view.get("record"))
    ref, record, author = _ref(view.get("uri")), view.get("value"), mapping(view.get("author"))
    if ref is None or not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return None
    if _HIDES in _labels(author):
        return None
    embeds = listing(view.get("embeds"))
    return _post(
        ref,
        record,
        mapping(embeds[0] if embeds else None),
        None,  # another author's originals are on another server, which that post's own look-up asks for
        author=_author(author, ref),
        cid=string(view.get("cid")),
        counted=view,
        labels=(*_labels(view), *_self_labels(record)),
    )


def _appview(ref: PostRef, claim: Claim) -> Look:
    whose = yield from _whose(ref)
    if isinstance(whose, Finding):
        return _unknown_handle(whose)
    asked = PostRef("bluesky", f"{whose.did}/{ref.id.rpartition('/')[2]}")
    capture = yield from answers.ask(appview_request(asked))
    if isinstance(capture, Finding):
        return capture
    finding = read_appview(capture, asked, whose.server)
    if finding.outcome is Outcome.ABSENT:
        # What getPosts leaves out without a word, getPostThread gives a reason for.
        capture = yield from answers.ask(thread_request(asked))
        told = finding if isinstance(capture, Finding) else read_appview(capture, asked, whose.server)
        if told.outcome in (Outcome.ABSENT, Outcome.GONE, Outcome.HIDDEN, Outcome.FOUND):
            finding = told
    return _as_asked(finding, ref)


def _unknown_handle(finding: Finding) -> Finding:
    """A handle that leads nowhere says nothing of the post: its author may go by another."""
    is_nowhere = finding.reason in (Reason.BAD_REQUEST, Reason.NOT_FOUND)
    return answers.absent(Reason.UNKNOWN, finding.tombstone) if is_nowhere else finding


def _as_asked(finding: Finding, ref: PostRef) -> Finding:
    if finding.post is None or finding.post.ref == ref:
        return finding
    return dataclasses.replace(finding, post=dataclasses.replace(finding.post, ref=ref))


# --- the author's own server ----------------------------------------------------------------------------------------


def record_request(server: str, did: str, collection: str, key: str) -> Request:
    return _xrpc(server, "com.atproto.repo.getRecord", repo=did, collection=collection, rkey=key)


def blob_url(server: str, did: str, cid: str) -> str:
    """Where a server gives out the bytes as they were uploaded."""
    return _xrpc(server, "com.atproto.sync.getBlob", did=did, cid=cid).url


def read_profile(capture: Capture) -> Mapping[str, Any] | Finding:
    """The author's profile record (their shown name, and the labels they gave themselves); empty where they have
    none. Whatever else is answered ends the look-up: what the author asked for is not known then."""
    answer = _answer(capture)
    if isinstance(answer, Finding):
        return {} if answer.reason is Reason.NOT_FOUND and "RecordNotFound" in (answer.tombstone or "") else answer
    return mapping(answer.get("value"))


def read_record(
    capture: Capture, ref: PostRef, server: str, profile: Mapping[str, Any], handle: str | None = None
) -> Finding:
    """getRecord: the post as its author signed it, without counts or anybody else's labels."""
    answer = _answer(capture)
    if isinstance(answer, Finding):
        return answer
    if _ref(answer.get("uri")) != ref:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {answer.get('uri')!r:.200}")
    record = answer.get("value")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ParseError(f"{capture.url}: a record that is no post")
    author = {"did": ref.id.rpartition("/")[0], "handle": handle, "displayName": profile.get("displayName")}
    cid = string(answer.get("cid"))
    post = _post(ref, record, {}, server, _author(author, ref), cid, {}, _self_labels(record))
    return Finding(Outcome.FOUND, Reason.OK, post)


def _server(ref: PostRef, claim: Claim) -> Look:
    whose = yield from _whose(ref)
    if isinstance(whose, Finding):
        return _unknown_handle(whose)
    if whose.server is None:
        # That a DID is in no directory says nothing of its posts; a tombstone does.
        trouble = whose.trouble or answers.absent(Reason.UNKNOWN, f"{whose.did}: names no server")
        return answers.absent(Reason.UNKNOWN, trouble.tombstone) if trouble.outcome is Outcome.ABSENT else trouble
    key = ref.id.rpartition("/")[2]
    asked = PostRef("bluesky", f"{whose.did}/{key}")
    capture = yield from answers.ask(record_request(whose.server, whose.did, "app.bsky.actor.profile", "self"))
    profile = capture if isinstance(capture, Finding) else read_profile(capture)
    if isinstance(profile, Finding):
        return profile
    if _HIDES in _self_labels(profile):
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=_HIDES)
    capture = yield from answers.ask(record_request(whose.server, whose.did, _COLLECTION, key))
    if isinstance(capture, Finding):
        return capture
    return _as_asked(read_record(capture, asked, whose.server, profile, whose.handle), ref)


# --- oEmbed ---------------------------------------------------------------------------------------------------------


def oembed_request(ref: PostRef) -> Request:
    return Request(f"https://embed.bsky.app/oembed?{urllib.parse.urlencode({'url': url(ref)}, safe=':/')}")


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """The embed code of a post: its text, author, time and CID; no media. 403 is the author's wish not to be shown to
    strangers."""
    words = answers.words_of(capture)
    if capture.status == 403:
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=words)
    refused = answers.refused(capture, words)
    if refused:
        return answers.absent(Reason.UNKNOWN, words) if capture.status == 501 else refused
    answer = answers.payload(capture)
    if isinstance(answer, Finding):
        return answer
    markup = string(mapping(answer).get("html"))
    if markup is None:
        raise ParseError(f"{capture.url}: an answer without html")
    quote = answers.page(markup, capture).find("blockquote", class_="bluesky-embed")
    paragraph = quote.find("p") if quote else None
    shown = _ref(quote.get("data-bluesky-uri")) if quote else None
    if quote is None or paragraph is None or shown is None:
        raise ParseError(f"{capture.url}: html that is no embed code")
    did, _, key = shown.id.rpartition("/")
    if key != ref.id.rpartition("/")[2] or (is_final(ref) and shown != ref):
        raise ParseError(f"{capture.url}: asked for {ref}, shows {shown}")
    for line in paragraph.find_all("br"):
        line.replace_with("\n")
    for link in paragraph.find_all("a"):
        if link.get_text() == "[image or embed]":
            link.decompose()
    links = [each for each in quote.find_all("a") if each.find_parent("p") is None]
    name = string(mapping(answer).get("author_name"))
    handle = string(mapping(answer).get("author_url")) or ""
    named = re.search(r"@([\w.-]{3,253})\)", quote.get_text().rpartition("—")[2])
    lang = paragraph.get("lang")
    post = Post(
        ref,
        Author(
            named[1] if named else _handle_in(handle),
            name,
            did,
            f"https://bsky.app/profile/{did}",
        ),
        paragraph.get_text().strip(),
        created_at=moment(links[-1].get_text().strip()) if links else None,
        lang=lang if isinstance(lang, str) and lang else None,
        url=url(shown),
        extra=pairs(cid=quote.get("data-bluesky-cid")),
    )
    return Finding(Outcome.FOUND, Reason.OK, post)


def _handle_in(profile: str) -> str | None:
    found = re.fullmatch(r"https://bsky\.app/profile/(" + _HANDLE + r")", profile)
    return found[1] if found else None


def _oembed(ref: PostRef, claim: Claim) -> Look:
    capture = yield from answers.ask(oembed_request(ref))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


# --- one post -------------------------------------------------------------------------------------------------------


def _ref(uri: Any) -> PostRef | None:
    found = _POST_URI.fullmatch(uri) if isinstance(uri, str) else None
    return PostRef("bluesky", f"{found[1]}/{found[2]}") if found else None


def _kind(embed: Mapping[str, Any]) -> str:
    """`images`, `video`, `gallery`, `external`, `record` or `recordWithMedia`, of a record's embed or of a view's."""
    return str(embed.get("$type", "")).removeprefix("app.bsky.embed.").partition("#")[0]


def _labels(holder: Mapping[str, Any]) -> tuple[str, ...]:
    """Labels that stand; a negated one withdraws what it names."""
    labels = [mapping(label) for label in listing(holder.get("labels"))]
    return tuple(str(label["val"]) for label in labels if isinstance(label.get("val"), str) and not label.get("neg"))


def _self_labels(record: Mapping[str, Any]) -> tuple[str, ...]:
    values = [mapping(value) for value in listing(mapping(record.get("labels")).get("values"))]
    return tuple(str(value["val"]) for value in values if isinstance(value.get("val"), str))


def _author(author: Mapping[str, Any], ref: PostRef) -> Author:
    did = string(author.get("did")) or ref.id.rpartition("/")[0]
    handle = string(author.get("handle"))
    handle = None if handle == "handle.invalid" else handle
    return Author(handle, string(author.get("displayName")), did, f"https://bsky.app/profile/{did}")


def _post(
    ref: PostRef,
    record: Mapping[str, Any],
    view: Mapping[str, Any],
    server: str | None,
    author: Author,
    cid: str | None,
    counted: Mapping[str, Any],
    labels: tuple[str, ...],
) -> Post:
    """A record (the author's own words) and, where the AppView shows it, the view of its embed."""
    embed = mapping(record.get("embed"))
    is_mixed = _kind(embed) == "recordWithMedia" or _kind(view) == "recordWithMedia"
    quoted = mapping(embed.get("record")) or mapping(view.get("record"))
    if is_mixed:
        quoted = mapping(quoted.get("record"))
    reply = mapping(record.get("reply"))
    text = string(record.get("text")) or ""
    shown = mapping(view.get("media")) if is_mixed else view
    kept = mapping(embed.get("media")) if is_mixed else embed
    card = mapping(kept.get("external")) or mapping(shown.get("external"))
    facets = list(_facets(record, str(record.get("text") or "")))
    links = [Link(facet["uri"], facet["uri"], facet["text"]) for facet in facets if "uri" in facet]
    if (target := web_url(card.get("uri"))) and all(link.url != target for link in links):
        links.append(Link(target, target, string(card.get("title"))))
    langs = [lang for lang in map(string, listing(record.get("langs"))) if lang]
    root = _ref(mapping(reply.get("root")).get("uri"))
    return Post(
        ref=ref,
        author=author,
        text=text,
        created_at=moment(record.get("createdAt")),
        lang=langs[0] if langs else None,
        url=url(ref),
        links=tuple(links),
        media=_media(ref.id.rpartition("/")[0] if is_final(ref) else author.id or "", kept, shown, server),
        reply_to=_ref(mapping(reply.get("parent")).get("uri")),
        quotes=_ref(quoted.get("uri")),
        counts=counts(
            likes=counted.get("likeCount"),
            reposts=counted.get("repostCount"),
            replies=counted.get("replyCount"),
            quotes=counted.get("quoteCount"),
            bookmarks=counted.get("bookmarkCount"),
        ),
        extra=pairs(
            cid=cid,
            cid_verified=dagcbor.is_record(cid, record) if cid else None,
            indexed_at=string(counted.get("indexedAt")),
            langs=langs[1:] and langs,
            labels=list(dict.fromkeys(labels)),
            mentions=[facet["did"] for facet in facets if "did" in facet],
            tags=list(dict.fromkeys([facet["tag"] for facet in facets if "tag" in facet] + _tags(record))),
            thread=str(root) if root else None,
            card={
                name: card[name]
                for name in ("uri", "title", "description")
                if isinstance(card.get(name), str) and card[name]
            },
        ),
    )


def _tags(record: Mapping[str, Any]) -> list[str]:
    return [tag for tag in map(string, listing(record.get("tags"))) if tag]


def _facets(record: Mapping[str, Any], text: str) -> Iterator[dict[str, str]]:
    """Links, mentions and tags, each with the text it stands on. Their places count bytes of UTF-8."""
    encoded = text.encode("utf-8", "replace")
    for facet in map(mapping, listing(record.get("facets"))):
        index = mapping(facet.get("index"))
        start, end = number(index.get("byteStart")), number(index.get("byteEnd"))
        if start is None or end is None or not 0 <= start <= end <= len(encoded):
            continue
        words = encoded[start:end].decode("utf-8", "replace")
        for feature in map(mapping, listing(facet.get("features"))):
            for name in ("uri", "did", "tag"):
                value = string(feature.get(name))
                if value and (name != "uri" or web_url(value)):
                    yield {name: value, "text": words}


def _cid(blob: Any) -> str | None:
    """The CID of a blob, in its present form or that of 2022 (`{"cid", "mimeType"}`)."""
    blob = mapping(blob)
    return string(mapping(blob.get("ref")).get("$link")) or string(blob.get("cid"))


_CDN_CID = re.compile(r"/(baf[a-z2-7]{50,70})(?:@[a-z]+)?$")


def _media(did: str, kept: Mapping[str, Any], shown: Mapping[str, Any], server: str | None) -> tuple[Media, ...]:
    """Pictures and films: the bytes as uploaded first, which alone can be checked against their CID, then what the CDN
    makes of them."""
    made: list[Media] = []
    pictures, views = (listing(each.get("images")) or listing(each.get("items")) for each in (kept, shown))
    for place in range(max(len(pictures), len(views))):
        picture = mapping(pictures[place]) if place < len(pictures) else {}
        view = mapping(views[place]) if place < len(views) else {}
        full = web_url(view.get("fullsize"))
        thumb = web_url(view.get("thumb")) or web_url(view.get("thumbnail"))
        in_url = _CDN_CID.search(full or "")
        cid = _cid(picture.get("image")) or (in_url[1] if in_url else None)
        original = blob_url(server, did, cid) if server and cid else None
        urls = tuple(each for each in (original, full, thumb if full is None else None) if each)
        alt = string(view.get("alt")) or string(picture.get("alt"))
        shape = mapping(view.get("aspectRatio")) or mapping(picture.get("aspectRatio"))
        made.append(
            Media(
                "photo",
                cid or f"photo-{place + 1}",
                urls,
                alt,
                size(shape.get("width")),
                size(shape.get("height")),
                sha256=dagcbor.blob_sha256(cid) if original and cid else None,
            )
        )
    if _kind(kept) == "video" or _kind(shown) == "video":
        cid = _cid(kept.get("video")) or string(shown.get("cid"))
        playlist = web_url(shown.get("playlist"))
        original = blob_url(server, did, cid) if server and cid else None
        shape = mapping(shown.get("aspectRatio")) or mapping(kept.get("aspectRatio"))
        is_gif = "gif" in (shown.get("presentation"), kept.get("presentation"))
        kind = string(mapping(kept.get("video")).get("mimeType"))
        made.append(
            Media(
                "gif" if is_gif else "video",
                cid or "video",
                tuple(each for each in (original, playlist) if each),
                string(shown.get("alt")) or string(kept.get("alt")),
                size(shape.get("width")),
                size(shape.get("height")),
                poster=web_url(shown.get("thumbnail")),
                variants=tuple(
                    Variant(each, type)
                    for each, type in ((original, kind), (playlist, "application/vnd.apple.mpegurl"))
                    if each
                ),
                sha256=dagcbor.blob_sha256(cid) if original and cid else None,
            )
        )
    seen: dict[str, int] = {}
    for place, medium in enumerate(made):
        seen[medium.key] = seen.get(medium.key, 0) + 1
        if seen[medium.key] > 1:
            made[place] = dataclasses.replace(medium, key=f"{medium.key}-{seen[medium.key]}")
    return tuple(made)


_SOURCES = (
    Source(
        "appview",
        Rank.FIRST_HAND,
        _appview,
        ("public.api.bsky.app", "plc.directory", "the author's domain (did:web)"),
        "Keyless; 429 where too much is asked. The label !no-unauthenticated is honoured: such a post is not kept.",
    ),
    Source(
        "pds",
        Rank.FIRST_HAND,
        _server,
        ("the author's server", "plc.directory", "the author's domain (did:web)"),
        "Keyless; 3000 requests in five minutes from one address. Gives the record as signed and media as uploaded.",
    ),
    Source(
        "oembed",
        Rank.FIRST_HAND,
        _oembed,
        ("embed.bsky.app",),
        "Keyless; text, author and time only.",
        is_whole=False,
    ),
)


def _sources() -> tuple[Source, ...]:
    return _SOURCES


PLATFORM = Platform(
    name="bluesky",
    match=match,
    url=url,
    posted_at=posted_at,
    resolve=_resolve,
    is_final=is_final,
    sources=_sources,
    markup=Markup(
        screens=(
            r"(?:bsky|bskx|bsyy)\.app/(?:profile|embed)/",
            r"deer\.social/profile/",
            r"app\.bsky\.feed\.post",
            r"bluesky-embed",
        ),
        classes=("bluesky-embed",),
        handle=_HANDLE,
        has_dates=True,
        is_last=True,
        author=r"profile/@?(" + _HANDLE + r")/post",
        digest="data-bluesky-cid",
    ),
)
