"""Which of an author's posts a quotation shows, once all of them that can be read have been.

A code that stands in a post decides; words alone only where nothing that can be seen, or is known to be lost, might be
the post instead (docs/decisions/0011).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from archiver import memento
from archiver.likeness import Kind, Likeness, links
from archiver.model import Capture, Claim, Link, Post, PostRef, Reason
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.climb import (
    MIN_LETTERS,
    Climb,
    alike,
    has_code,
    is_exact,
    is_some_day,
    is_telling,
    same_handle,
    versions,
)
from archiver.platforms.twitter.grammar import match, posted_at

RUNG = "handle+date+text"
#: A part of a post, or a whole whose beginning is not known, counts at this length.
_LONG = 30


@dataclass(slots=True)
class Found:
    """A post of the author's days: its captures in the index, and its text where one could be read. `is_open`: there
    was a refusal or a silence on the way, so that it may be read another time."""

    ref: PostRef
    rows: list[memento.CdxRow] = field(default_factory=list)
    post: Post | None = None
    capture: Capture | None = None
    is_open: bool = True


def pointed_at(climb: Climb, pointed: PostRef) -> tuple[PostRef, str]:
    climb.note("pic-code", f"{pointed}: nothing that can be read contradicts it")
    return pointed, "pic-code"


def distance(ref: PostRef, day: dt.date | None) -> int:
    """Whole days between the day of a post, by UTC, and another; none where its id carries no time."""
    at = posted_at(ref.id)
    return abs((at.date() - day).days) if at and day else 0


def choose(climb: Climb, posts: list[Found], is_complete: bool, pointed: PostRef | None) -> tuple[PostRef, str] | None:
    """The post that the claim shows, and by which rung; None where none of them is proved to be the one."""
    claim = climb.claim
    bearing: list[tuple[Found, Likeness]] = []  # a claimed code stands in the post
    agreeing: list[tuple[Found, Likeness]] = []
    unread = 0
    read = {each.ref.id for each in posts if each.post}
    is_against_pointed = False
    unseen: set[PostRef] = set()  # whether a claimed code stands in these, their captures do not show
    for each in posts:
        why = [f"archived under @{claim.handle}", "the day fits"]
        post = each.post
        if post is None:
            unread += 1
            is_complete = is_complete and not each.is_open
            climb.consider(each.ref, 0.1, *why, "its text could not be read")
            continue
        found = alike(claim, post)
        if claim.text:
            why.append(str(found))
        against = _against(claim, post, found)
        if each.ref == pointed and claim.text and (against or not found.agrees):
            is_against_pointed = True
        if against:
            climb.consider(each.ref, min(found.score, 0.3), *why, against)
            continue
        is_version = not is_exact(found) and any(id not in read for id in versions(post))
        if _bears(claim, post, found) and not (is_version and claim.text):
            bearing.append((each, found))
            climb.consider(each.ref, 1.0, *why, "the code stands in it")
        elif codes(claim) & _codes_of(post):
            climb.consider(each.ref, 0.6, *why, "the code stands in it: another version, or misquoted")
            is_against_pointed = is_against_pointed or each.ref != pointed
        elif codes(claim) and hides_links(post):
            climb.consider(each.ref, found.score, *why, "its links cannot be seen")
            unseen.add(each.ref)
        else:
            climb.consider(each.ref, found.score, *why)
        if is_telling(found):
            agreeing.append((each, found))
    for is_nearer in (lambda found: found.agrees, is_exact):
        if len(bearing) > 1:
            bearing = [(each, found) for each, found in bearing if is_nearer(found)] or bearing
    if len(bearing) == 1:
        each, _ = bearing[0]
        climb.note(RUNG, f"the code stands in {each.ref}", each.capture)
        return each.ref, RUNG
    if is_complete and not bearing:
        if pointed and not is_against_pointed and all(each.ref == pointed for each, _ in agreeing):
            return pointed_at(climb, pointed)
        if len(agreeing) == 1 and (pointed is None or is_against_pointed):
            each, found = agreeing[0]
            if each.ref not in unseen and _decides(climb, posts, each, found):
                beside = f"; {unread} of them nobody can read any more" if unread else ""
                climb.note(RUNG, f"{each.ref} alone of {len(posts)} posts: {found}{beside}", each.capture)
                return each.ref, RUNG
    climb.note(RUNG, f"{len(posts)} posts of @{claim.handle} about {claim.date} are archived, none proved the one")
    climb.reasons.append(Reason.AMBIGUOUS)
    return None


def _decides(climb: Climb, posts: list[Found], each: Found, found: Likeness) -> bool:
    """Whether words alone decide for a post, the only one of those days that has them.

    A post that nobody can read any more, or a version of this one that was not seen, may have the same words: an author
    who repeats himself, or puts right what he deleted. Then the quotation has to be this post as it stands, for
    whatever it is not might be the other one.
    """
    claim, post = climb.claim, each.post
    assert post is not None and claim.date is not None  # only posts that were read agree, and only of a day
    is_zoned = distance(each.ref, claim.date) > 0
    lost = sum(
        # Against a post of that very day (by UTC), one that is of that day in some other zone alone is no doubt.
        other.post is None and (is_some_day(other.ref, claim.date) if is_zoned else not distance(other.ref, claim.date))
        for other in posts
    )
    hidden = lost + len({*versions(post)} - {other.ref.id for other in posts if other.post})
    doubts = _doubts(claim, post, found) if hidden else []
    if found.length < _least(found.kind, hidden):
        doubts.append("so short a part of a text recurs")
    if not is_some_day(each.ref, claim.date):
        doubts.append(f"its time is on {claim.date} nowhere")
    climb.consider(each.ref, 0.0, *doubts)
    return not doubts


def _least(kind: Kind, hidden: int) -> int:
    """How many letters have to agree."""
    if kind in {Kind.SAME, Kind.LOSSY}:
        return MIN_LETTERS
    if kind is Kind.WITHIN:
        return _LONG if hidden else MIN_LETTERS
    return 2 * _LONG if hidden else _LONG


#: A retweet by hand. Its words are another's, and whoever repeats them once repeats them again.
_RETWEET = re.compile(r"\W*RT\s*[@＠]\w")


def _doubts(claim: Claim, post: Post, found: Likeness) -> list[str]:
    """In what a post is not what is quoted, though its words are, or why its words are not its own."""
    doubts = [f"the article would have lost or changed {loss}" for loss in found.losses]
    if _outbound(post) and not codes(claim) and not links(claim.text or ""):
        doubts.append("the article would have lost its link")
    if _RETWEET.match(post.text):
        doubts.append("the words are another author's")
    return doubts


def _outbound(post: Post) -> list[Link]:
    """The links of a post that stand in its words wherever it is shown: not those of its media and of the post it
    quotes, which X shows as what they lead to."""
    return [
        link
        for link in post.links
        if not payloads.is_media_link(link) and (post.quotes is None or match(link.expanded or "") != post.quotes)
    ]


def _bears(claim: Claim, post: Post, found: Likeness) -> bool:
    """Whether a claimed code stands in a post and makes it the one. All versions of an edited post have its codes, so
    words that differ by a little make it another version's; a link to elsewhere may be in posts with any words."""
    if not claim.text or found.agrees or found.kind is Kind.EMPTY:
        return bool(codes(claim) & _codes_of(post))
    return found.kind is Kind.DIFFERENT and any(has_code(post, code) for code in claim.pic_codes)


def codes(claim: Claim) -> set[str]:
    return {*claim.codes, *claim.pic_codes}


def _codes_of(post: Post) -> set[str]:
    return {code for link in post.links if (code := payloads.code_of(link.url))}


def _against(claim: Claim, post: Post, found: Likeness) -> str | None:
    """What in a post contradicts the claim: another author (X does not check the handle in a URL, and archives kept
    such URLs), or links of its own that are not those claimed. A text alone does not: articles misquote."""
    if not same_handle(post.author.handle, claim.handle):
        return f"shown under @{post.author.handle}"
    claimed, own = codes(claim), _codes_of(post)
    pics = {code for link in post.links if payloads.is_media_link(link) and (code := payloads.code_of(link.url))}
    if claim.pic_codes and pics and not pics & set(claim.pic_codes):
        return "its media link is another"
    if found.kind in {Kind.SAME, Kind.PART, Kind.CUT} and not _has_links(claim.text or "", post):
        return "its links are others"
    if claimed and not claimed & own and (own or not hides_links(post)):
        return "its links are others"
    return None


def _has_links(text: str, post: Post) -> bool:
    """Whether the links that an article shows as people read them (not as t.co) can be the post's."""
    shown = [_address(link) for link in links(text) if not payloads.code_of(link)]
    forms = [form for link in post.links for form in (link.url, link.expanded, link.display) if form]
    own = {_address(form) for form in (*forms, *links(post.text))} - {""}
    # What is shown of an address is its beginning.
    is_own = all(any(one.startswith(other) or other.startswith(one) for other in own) for one in shown)
    return is_own or hides_links(post)


def _address(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?|[…/.,;:!?)\]\"'”’»]+$", "", link.casefold())


def hides_links(post: Post) -> bool:
    """Whether the source shows no link of a post that may have some."""
    hides = post.is_truncated or dict(post.extra).get("read_from") == "microdata"
    return hides and not _codes_of(post)
