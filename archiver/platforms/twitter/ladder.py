"""From what an article says to the post it shows, cheapest evidence first, and never by a guess.

1. the id in the URL;
2. the short codes, pic.twitter.com first, live: what a t.co code leads to is X's own word. A pic code names the media,
   and media can be re-used, so the author in the URL, the day, and the post's own code or words are checked;
3. the same codes as a web archive saw them (`shortcodes`);
4. handle, day and text, through the archive's index of that author's posts (`recovery`).

Whatever fits in part is kept as a candidate with its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import NamedTuple

from archiver.model import Capture, Claim, Post, PostRef, Reason, Request, Resolving
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.climb import (
    Climb,
    alike,
    fits_day,
    has_code,
    is_exact,
    is_telling,
    same_handle,
    show,
    versions,
)
from archiver.platforms.twitter.grammar import match, posted_at
from archiver.platforms.twitter.recovery import can_recover, recover
from archiver.platforms.twitter.shortcodes import Lead, lead_of, short_code
from archiver.platforms.twitter.sources import syndication_request

_CODE = re.compile(r"\w{1,40}", re.ASCII)


class _Named(NamedTuple):
    """A post that a code names; `is_sure` where nothing else need be read."""

    ref: PostRef
    rung: str
    is_sure: bool


def resolve(claim: Claim, url: str | None) -> Resolving:
    """The post an embed shows, with evidence per rung; or None, the reason, and what might be it.

    Cost: nothing for an id in the URL; one request for a code (t.co), and one more (syndication) that confirms the
    code stands in that very post; two per archived code; and for a day alone, or a code of media that nobody shows any
    more, at most two index queries per host and path form, and a bounded number of captures to read (see `recover`).
    """
    climb = Climb(claim)
    ref = match(url) if url else None
    if ref:
        climb.note("url", f"{url} names it")
        return climb.chosen(ref, "url")
    named = yield from _by_codes(climb, url)
    if named and named.is_sure:
        return climb.chosen(named.ref, named.rung)
    found = yield from recover(climb, named.ref if named else None)
    if found is None:
        return climb.unresolved()
    ref, rung = found
    return climb.chosen(ref, named.rung if named and rung == "pic-code" else rung)


def _by_codes(climb: Climb, url: str | None) -> Generator[Request, Capture, _Named | None]:
    linked = short_code(url) if url else None
    pics = [code for code in climb.claim.pic_codes if _CODE.fullmatch(code)]
    others = [code for code in climb.claim.codes if _CODE.fullmatch(code) and code not in pics]
    codes = [(linked[0], linked[1], True)] if linked else []
    codes += [(code, True, False) for code in pics] + [(code, False, False) for code in others]
    seen: set[str] = set()
    unsure: _Named | None = None
    for code, is_pic, is_linked in codes:
        if code in seen:
            continue
        seen.add(code)
        lead = yield from lead_of(climb, code)
        if lead is None:
            continue
        named = yield from _judge(climb, code, lead, is_pic=is_pic, is_linked=is_linked)
        if named and named.is_sure:
            return named
        unsure = unsure or named
    return unsure


def _judge(
    climb: Climb, code: str, lead: Lead, *, is_pic: bool, is_linked: bool
) -> Generator[Request, Capture, _Named | None]:
    """Whether where a code leads is the post that is shown.

    The article's own link is taken at its word. A code inside the quoted text is a link of the post: to its media,
    whose URL names the post unless the media are another's or were shown before, or to anything the author linked,
    which is not the post.
    """
    claim, rung = climb.claim, "pic-code" if is_pic else lead.rung
    rung = f"archived-{rung}" if lead.rung.startswith("archived") and is_pic else rung
    ref = match(lead.url)
    if ref is None:
        climb.missed(rung, f"t.co/{code} leads to {_host(lead.url)}, no post", Reason.LINK_ELSEWHERE, lead.capture)
        return None
    owner = payloads.path_handle(lead.url)
    is_media = is_pic or bool(payloads.MEDIA_LINK.search(lead.url))
    climb.note(rung, f"t.co/{code} leads to {lead.url}", lead.capture)
    day = fits_day(ref, claim.date)
    if day is False:
        climb.note(rung, f"{ref} was made {posted_at(ref.id):%Y-%m-%d}, not about {claim.date}")
        climb.reasons.append(Reason.AMBIGUOUS)
        climb.consider(ref, 0.2, f"t.co/{code} leads to it", "the day differs")
        return None
    same = same_handle(owner, claim.handle)
    if is_linked and (same or (claim.handle is None and not is_pic)):
        return _Named(ref, rung, True)
    shown, capture = yield from show(ref)
    post = shown.post
    if is_linked and claim.handle is None and not (post and has_code(post, code) is False):
        return _Named(ref, rung, True)
    if post is None and shown.reason in {Reason.RATE_LIMITED, Reason.TIMEOUT}:
        # Whether the media are the post's own can be asked later, and a guess could not be taken back.
        climb.missed(rung, f"{ref} could not be confirmed", shown.reason, capture)
        climb.consider(ref, 0.8, f"t.co/{code} leads to it")
        return None
    why = [f"t.co/{code} leads to it"] + (["the day fits"] if day else [])
    if same or (post and same_handle(post.author.handle, claim.handle)):
        if not same:
            climb.note(rung, f"{ref} is shown under @{claim.handle} now", capture)
        if post and is_media and has_code(post, code) and (version := (yield from _version(climb, post, capture))):
            climb.note(rung, f"t.co/{code} stands in {version}", capture)
            return _Named(version, rung, True)
        # Where X cuts a text it links the whole of it, without an author in the path; a link with one is a quotation,
        # and may be one of the same words.
        is_own = owner is None and not is_media
        return _of_the_author(climb, ref, rung, code, post, capture, why, is_media=is_media, is_own=is_own)
    if claim.handle is None and is_media and post and has_code(post, code) and is_telling(alike(claim, post)):
        climb.note(rung, f"the text of {ref} is the text quoted", capture)
        return _Named(ref, rung, True)
    if claim.handle is None:
        climb.reasons.append(Reason.AMBIGUOUS if is_media else Reason.LINK_ELSEWHERE)
        climb.consider(ref, 0.4, *why, "the article names no author")
        return None
    whose = (post.author.handle if post else None) or owner or "somebody"
    climb.note(rung, f"media owner differs: @{whose}, not @{claim.handle}", capture)
    climb.reasons.append(Reason.OWNER_DIFFERS if is_media else Reason.LINK_ELSEWHERE)
    climb.consider(ref, 0.3 if is_media else 0.1, *why, "media owner differs" if is_media else "another author's post")
    return None


def _of_the_author(
    climb: Climb, ref: PostRef, rung: str, code: str, post: Post | None, capture: Capture | None, why: list[str],
    *, is_media: bool, is_own: bool,
) -> _Named | None:  # fmt: skip
    """Whether a post of the claimed author, of about the claimed day, is the one whose text has the code."""
    claim = climb.claim
    own = has_code(post, code) if post else None
    found = alike(claim, post) if post and claim.text else None
    if own and is_media:
        # It was edited, and no version that can be seen now has these words.
        climb.note(rung, f"t.co/{code} stands in {ref}, but the words are of another version", capture)
        climb.consider(ref, 0.6, *why, "another version")
        climb.reasons.append(Reason.AMBIGUOUS)
        return None
    if is_media and own is None and (found is None or found.agrees):
        # Where there are words to look for, a post that nobody shows now is looked for in the archive before it is
        # believed to be the one.
        return _Named(ref, rung, is_sure=found is not None or not claim.text or not can_recover(claim))
    if is_own and found and is_telling(found):
        climb.note(rung, f"the text of {ref} is the text quoted", capture)
        return _Named(ref, rung, True)
    if is_media:
        climb.note(rung, f"t.co/{code} is not {ref}'s own link: media used again", capture)
    climb.reasons.append(Reason.AMBIGUOUS if is_media else Reason.LINK_ELSEWHERE)
    climb.consider(ref, 0.4, *why, "same author", *([] if is_media else ["a link in the text, not its media"]))
    return None


def _version(climb: Climb, post: Post, capture: Capture | None) -> Generator[Request, Capture, PostRef | None]:
    """Of the versions of a post, all of which have its code, the one whose words are shown; None if X shows no such.
    A post that was never edited is the one, whatever words an article made of it; a relay does not say whether it was.
    """
    claim, others = climb.claim, versions(post)
    is_single = not others and capture is not None and capture.url == syndication_request(post.ref).url
    found = alike(claim, post)
    if is_single or not claim.text or is_exact(found):
        return post.ref
    agreeing = [post.ref] if found.agrees else []
    is_whole = True
    for id in others:
        shown, capture = yield from show(PostRef(post.ref.platform, id))
        if shown.post is None:
            is_whole = False
            continue
        found = alike(claim, shown.post)
        if found.agrees:
            climb.note("pic-code", f"{shown.post.ref} is a version of {post.ref}", capture)
            agreeing.append(shown.post.ref)
        if is_exact(found):
            return shown.post.ref
    # An edit may change no more than a comma, or what an article loses.
    return agreeing[0] if len(agreeing) == 1 and is_whole else None


def _host(url: str) -> str:
    return re.sub(r"^https?://", "", url).split("/")[0][:100]
