"""Where Bluesky's posts are seen: the AppView, the author's own server, the embed code (PLATFORMS.md 3.7)."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from archiver import answers, archived
from archiver.errors import ParseError
from archiver.model import Author, Capture, Claim, Finding, Look, Media, Outcome, Post, PostRef, Rank, Reason, Request
from archiver.platforms import Source, parts, wayback
from archiver.platforms.bluesky.grammar import HANDLE, is_final, match, url
from archiver.platforms.bluesky.identity import APPVIEW, COLLECTION, HIDES, answer_of, whose, xrpc
from archiver.platforms.bluesky.records import author_of, kind_of, labels, post_of, ref_of, self_labels
from archiver.untyped import listing, mapping, moment, pairs, string

# --- the AppView ----------------------------------------------------------------------------------------------------


def appview_request(ref: PostRef) -> Request:
    actor, _, key = ref.id.rpartition("/")
    return xrpc(APPVIEW, "app.bsky.feed.getPosts", uris=f"at://{actor}/{COLLECTION}/{key}")


def thread_request(ref: PostRef) -> Request:
    actor, _, key = ref.id.rpartition("/")
    uri = f"at://{actor}/{COLLECTION}/{key}"
    return xrpc(APPVIEW, "app.bsky.feed.getPostThread", uri=uri, depth="0", parentHeight="0")


def read_appview(capture: Capture, ref: PostRef, server: str | None = None) -> Finding:
    """getPosts or getPostThread. getPosts leaves out what is not there; *server* is where originals are kept."""
    answer = answer_of(capture)
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
        if ref_of(view.get("uri")) == ref:
            return _shown(view, ref, server, capture)
    raise ParseError(f"{capture.url}: asked for {ref}, shows {views[0].get('uri')!r:.200}")


def _shown(view: Mapping[str, Any], ref: PostRef, server: str | None, capture: Capture) -> Finding:
    author = mapping(view.get("author"))
    if HIDES in labels(author):
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=HIDES)
    record = view.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ParseError(f"{capture.url}: a post without its record")
    embed = mapping(view.get("embed"))
    post = post_of(
        ref,
        record,
        embed,
        server,
        author=author_of(author, ref),
        cid=string(view.get("cid")),
        counted=view,
        labels=(*labels(view), *self_labels(record)),
    )
    quoted = _quoted(embed, server)
    return Finding(Outcome.FOUND, Reason.OK, post, also=(quoted,) if quoted and quoted.ref != ref else ())


def _quoted(embed: Mapping[str, Any], server: str | None) -> Post | None:
    """The quoted post, where the answer shows it whole and its author lets strangers see it."""
    view = mapping(embed.get("record"))
    if kind_of(embed) == "recordWithMedia":
        view = mapping(view.get("record"))
    ref, record, author = ref_of(view.get("uri")), view.get("value"), mapping(view.get("author"))
    if ref is None or not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return None
    if HIDES in labels(author):
        return None
    embeds = listing(view.get("embeds"))
    return post_of(
        ref,
        record,
        mapping(embeds[0] if embeds else None),
        None,  # another author's originals are on another server, which that post's own look-up asks for
        author=author_of(author, ref),
        cid=string(view.get("cid")),
        counted=view,
        labels=(*labels(view), *self_labels(record)),
    )


def _appview(ref: PostRef, claim: Claim) -> Look:
    owner = yield from whose(ref)
    if isinstance(owner, Finding):
        return _unknown_handle(owner)
    asked = PostRef("bluesky", f"{owner.did}/{ref.id.rpartition('/')[2]}")
    capture = yield from answers.ask(appview_request(asked))
    if isinstance(capture, Finding):
        return capture
    finding = read_appview(capture, asked, owner.server)
    if finding.outcome is Outcome.ABSENT:
        # What getPosts leaves out without a word, getPostThread gives a reason for.
        capture = yield from answers.ask(thread_request(asked))
        told = finding if isinstance(capture, Finding) else read_appview(capture, asked, owner.server)
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
    return xrpc(server, "com.atproto.repo.getRecord", repo=did, collection=collection, rkey=key)


def read_profile(capture: Capture) -> Mapping[str, Any] | Finding:
    """The author's profile record (their shown name, and the labels they gave themselves); empty where they have
    none. Whatever else is answered ends the look-up: what the author asked for is not known then."""
    answer = answer_of(capture)
    if isinstance(answer, Finding):
        return {} if answer.reason is Reason.NOT_FOUND and "RecordNotFound" in (answer.tombstone or "") else answer
    return mapping(answer.get("value"))


def read_record(
    capture: Capture, ref: PostRef, server: str, profile: Mapping[str, Any], handle: str | None = None
) -> Finding:
    """getRecord: the post as its author signed it, without counts or anybody else's labels."""
    answer = answer_of(capture)
    if isinstance(answer, Finding):
        return answer
    if ref_of(answer.get("uri")) != ref:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {answer.get('uri')!r:.200}")
    record = answer.get("value")
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ParseError(f"{capture.url}: a record that is no post")
    author = {"did": ref.id.rpartition("/")[0], "handle": handle, "displayName": profile.get("displayName")}
    cid = string(answer.get("cid"))
    post = post_of(ref, record, {}, server, author_of(author, ref), cid, {}, self_labels(record))
    return Finding(Outcome.FOUND, Reason.OK, post)


def _server(ref: PostRef, claim: Claim) -> Look:
    owner = yield from whose(ref)
    if isinstance(owner, Finding):
        return _unknown_handle(owner)
    if owner.server is None:
        # That a DID is in no directory says nothing of its posts; a tombstone does.
        trouble = owner.trouble or answers.absent(Reason.UNKNOWN, f"{owner.did}: names no server")
        return answers.absent(Reason.UNKNOWN, trouble.tombstone) if trouble.outcome is Outcome.ABSENT else trouble
    key = ref.id.rpartition("/")[2]
    asked = PostRef("bluesky", f"{owner.did}/{key}")
    capture = yield from answers.ask(record_request(owner.server, owner.did, "app.bsky.actor.profile", "self"))
    profile = capture if isinstance(capture, Finding) else read_profile(capture)
    if isinstance(profile, Finding):
        return profile
    if HIDES in self_labels(profile):
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=HIDES)
    capture = yield from answers.ask(record_request(owner.server, owner.did, COLLECTION, key))
    if isinstance(capture, Finding):
        return capture
    return _as_asked(read_record(capture, asked, owner.server, profile, owner.handle), ref)


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
    shown = ref_of(quote.get("data-bluesky-uri")) if quote else None
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
    found = re.fullmatch(r"https://bsky\.app/profile/(" + HANDLE + r")", profile)
    return found[1] if found else None


def _oembed(ref: PostRef, claim: Claim) -> Look:
    capture = yield from answers.ask(oembed_request(ref))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


# --- web archives ---------------------------------------------------------------------------------------------------

#: What bsky.app's pages say of a post whose author hides from strangers (social-app:bskyweb/templates/post.html).
_SIGNED_IN_ONLY = "visible only to people who are signed in"
#: What bsky.app adds to a text that it gives without what it embeds (social-app:bskyweb/cmd/bskyweb/formatter.go).
_ADDED = re.compile(r"\s*\[contains quote post or other embedded content\]\s*$")


def archived_addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    """The post's page by its author's DID and by the handle the article states; and the AppView's answer."""
    actor, _, key = ref.id.rpartition("/")
    named = re.fullmatch(rf"@?({HANDLE})", claim.handle or "")
    pages = [f"bsky.app/profile/{each}/post/{key}" for each in (named and named[1].lower(), actor) if each]
    return (*pages, f"public.api.bsky.app/xrpc/app.bsky.feed.getPosts?uris=at://{actor}/{COLLECTION}/{key}")


def read_archived(capture: Capture, ref: PostRef) -> Finding:
    """An archived answer of the AppView, or page of bsky.app. The page states author and text in its `noscript` part
    and its Open Graph properties (social-app:bskyweb/templates/post.html); without them it is the bare program."""
    if capture.text.lstrip()[:1] == "{":
        return read_appview(capture, ref)
    page = answers.page(capture.text, capture)
    stated = archived.properties(page)
    shown = page.select_one("#bsky_post_text, #bsky_post_summary > p#bsky_post_text")
    did = page.select_one("#bsky_did")
    text = shown.get_text() if shown else next(iter(stated.get("og:description", ())), "")
    if _SIGNED_IN_ONLY in text:
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=" ".join(text.split()))
    actor, _, key = ref.id.rpartition("/")
    who = did.get_text().strip() if did else None
    named = [found for each in archived.addresses_of(page) if (found := match(each))]
    if not named or (shown is None and "og:description" not in stated and not stated.get("og:image")):
        return answers.absent(Reason.UNKNOWN, "a page without the post")
    if any(found.id.rpartition("/")[2] != key for found in named) or (is_final(ref) and who not in (None, actor)):
        raise ParseError(f"{capture.url}: asked for {ref}, shows {named[0]}")
    if is_final(ref) and who is None and not any(found == ref for found in named):
        # A handle may have passed to somebody else since, and keys are an account's own.
        raise ParseError(f"{capture.url}: does not say that it is of {actor}")
    handle = next(iter(stated.get("profile:username", ())), None)
    name = page.select_one("#bsky_display_name")
    pictures = [each for each in stated.get("og:image", ()) if "/img/feed_" in each]
    post = Post(
        ref,
        Author(handle, (name.get_text().strip() or None) if name else None, who, f"https://bsky.app/profile/{actor}"),
        _ADDED.sub("", text).strip(),
        url=url(ref),
        media=tuple(Media("photo", f"photo-{place}", (each,)) for place, each in enumerate(pictures, 1)),
        extra=pairs(
            indexed_at=next(iter(stated.get("article:published_time", ())), None),
            read_from="the page's own description of itself",
        ),
    )
    return Finding(Outcome.FOUND, Reason.OK, post)


#: What a source that shows a post whole gives of it.
_GIVES = (
    "text, author, account id, time, language, links, pictures, films, alt text, answered post, "
    "quoted post, card, warnings, captions"
)
SOURCES = (
    Source(
        "appview",
        Rank.FIRST_HAND,
        _appview,
        ("public.api.bsky.app", "plc.directory", "the author's domain (did:web)"),
        "Keyless; 429 where too much is asked. The label !no-unauthenticated is honoured: such a post is not kept.",
        gives=parts(f"{_GIVES}, counts"),
    ),
    Source(
        "pds",
        Rank.FIRST_HAND,
        _server,
        ("the author's server", "plc.directory", "the author's domain (did:web)"),
        "Keyless; 3000 requests in five minutes from one address. Gives the record as signed and media as uploaded.",
        gives=parts(_GIVES),
    ),
    Source(
        "oembed",
        Rank.FIRST_HAND,
        _oembed,
        ("embed.bsky.app",),
        "Keyless; text, author and time only.",
        is_whole=False,
        gives=parts("text, author, account id, time, language"),
    ),
    wayback(
        archived_addresses,
        read_archived,
        terms="Pages state text, author and pictures; not counts, not the record.",
        gives=f"{_GIVES}, counts",
    ),
)
