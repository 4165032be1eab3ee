"""Threads (PLATFORMS.md 0 and 1.2). Its codes are Instagram's."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import Author, Capture, Claim, Finding, Look, Outcome, Post, PostRef, Rank, Reason
from archiver.platforms import Example, Markup, Platform, Source, parts

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_EPOCH_MS = 1314220021721

_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?(?:fix|vx)?threads\.(?:net|com)/+(?:@[\w.]{1,40}/post|t)/+([\w-]{5,40})",
    re.ASCII | re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The post a URL names, on either host."""
    found = _URL.match(url.replace("%40", "@"))
    return PostRef("threads", found[1]) if found else None


def url(ref: PostRef) -> str:
    return f"https://www.threads.com/t/{ref.id}"


def posted_at(id: str) -> dt.datetime | None:
    """The millisecond in the number that the code writes in base 64."""
    if len(id) != 11:
        return None
    number = 0
    for character in id:
        number = number * 64 + _ALPHABET.index(character)
    return dt.datetime.fromtimestamp(((number >> 23) + _EPOCH_MS) / 1000, dt.UTC)


#: What the embed code says of itself, whether or not it quotes the post.
_OWN_WORDS = r"(?:view (?:this post )?on threads|(?:(?:post|photo|video|reply) by )?@?{named})?"
_AUTHOR = re.compile(r"threads\.(?:net|com)/@([\w.]{1,40})/post/", re.ASCII | re.IGNORECASE)


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: an embed code that names the post, and need not quote it: then it is there and not shown."""
    from archiver import answers, oembed
    from archiver.errors import ParseError

    shown = oembed.graph(capture)
    if isinstance(shown, Finding):
        return shown
    page = answers.page(shown.html or "", capture)
    quote = page.select_one("blockquote.text-post-media")
    if quote is None:
        return answers.absent(Reason.UNKNOWN)
    permalink = str(quote.get("data-text-post-permalink") or "")
    links = [permalink, *(str(link.get("href")) for link in quote.select("a[href]"))]
    refs = [found for link in links if (found := match(link))]
    if refs and ref not in refs:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {refs[0]}")
    named = next((by[1] for link in links if (by := _AUTHOR.search(link))), None)
    own = re.compile(_OWN_WORDS.format(named=re.escape(named or "")), re.IGNORECASE)
    lines = [line.strip() for line in quote.get_text("\n").split("\n")]
    text = "\n".join(line for line in lines if not own.fullmatch(line))
    if not text:
        return Finding(Outcome.HIDDEN, Reason.LOGIN_WALL, tombstone=f"@{named}" if named else None)
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(named, None, None, f"https://www.threads.com/@{named}" if named else None),
            text=text,
            url=permalink if match(permalink) else url(ref),
            is_truncated=True,
            extra=(("not_archived", "pictures and films, if it has any: oEmbed gives an embed code"),),
        ),
    )


def _oembed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    named = re.fullmatch(r"@?([\w.]{1,40})", claim.handle or "", re.ASCII)
    page = f"https://www.threads.com/@{named[1]}/post/{ref.id}" if named else url(ref)
    capture = yield from answers.ask(oembed.request("https://graph.threads.net/oembed", page))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "oembed",
            Rank.FIRST_HAND,
            _oembed,
            ("graph.threads.net",),
            "Meta's oEmbed for Threads, without a token since 2026-06-15: 1,000 requests an hour. Its terms forbid "
            "keeping the answer for anything but showing posts: whoever may not rely on another right to archive turns "
            "this platform off in config.toml. No pictures; a text only where the embed code quotes it.",
            is_whole=False,
            gives=parts("text, author"),
        ),
    )


PLATFORM = Platform(
    name="threads",
    match=match,
    url=url,
    example=Example("DNJQOX0RA08", "example"),
    posted_at=posted_at,
    sources=_sources,
    markup=Markup(
        screens=(r"threads\.(?:net|com)/(?:@[\w.]{1,40}/post|t)/\w", r"text-post-media"),
        classes=("text-post-media",),
        bylines=(r"Post by (?P<name>)@(?P<handle>[\w.]{1,30})\s*View on Threads\b",),
        byline_screens=(r"View on Threads",),
        author=r"threads\.(?:net|com)/@([\w.]{1,40})/post",
    ),
)
