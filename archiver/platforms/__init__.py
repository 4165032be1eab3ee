"""Networks, one pure file each: what their URLs, ids and embeds look like, and where a post can be seen.

A file here that ends in `PLATFORM = Platform(…)` is a platform by existing; nothing else needs to be told. Platforms
open no socket, read no clock and never import each other.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import pkgutil
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.model import Capture, Claim, Finding, Look, PostRef, Rank, Resolving

if TYPE_CHECKING:
    from archiver.archived import Addresses, Prefer, Read


#: What of a post a source may give, as `Source.gives` says it.
PARTS = (
    "text", "author", "account id", "time", "day", "language", "links", "pictures", "films", "sound", "alt text",
    "answered post", "quoted post", "counts", "poll", "card", "place", "edits", "warnings", "community note",
    "description", "captions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """One place where a post can be seen. `look(ref, claim)` is a generator: it yields requests, is sent captures,
    returns a Finding. `claim` is what the article says (an archive may need the handle); it may be empty.

    `hosts` are those it contacts, `terms` a sentence on limits and conditions: both go into docs/platforms.md.
    `needs` names an environment variable without which the source is left out; `is_whole` is False for a source that
    never shows media or the time of day (oEmbed), so that the climb goes on after it; `is_last_resort` is True for one
    that is asked only where none before it showed the post. `gives` are the `PARTS` of a post that it can give, where
    the post has them.
    """

    name: str
    rank: Rank
    look: Callable[[PostRef, Claim], Look]
    hosts: tuple[str, ...]
    terms: str = ""
    needs: str | None = None
    is_whole: bool = True
    is_last_resort: bool = False
    gives: tuple[str, ...] = ()


def parts(names: str) -> tuple[str, ...]:
    """`text, author` as `Source.gives` has it; ValueError for what is none of `PARTS`."""
    given = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := given - set(PARTS):
        raise ValueError(f"{sorted(unknown)}: not among the parts of a post: {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in given)


def wayback(addresses: Addresses, read: Read, prefer: Prefer | None = None, terms: str = "", gives: str = "") -> Source:
    """The Wayback Machine as a platform's last source: under which *addresses* (URLs without a scheme, likeliest first)
    its posts were archived, and how such a capture is read as if it were live (see `archiver.archived`)."""
    from archiver import archived, memento

    def look(ref: PostRef, claim: Claim) -> Look:
        return archived.look(ref, claim, addresses, read, prefer)

    return Source(
        "wayback",
        Rank.ARCHIVE,
        look,
        (memento.HOST,),
        f"{archived.TERMS}{terms}".strip(),
        is_last_resort=True,
        gives=parts(gives),
    )


@dataclass(frozen=True, slots=True)
class Markup:
    """How one network's posts stand in documents: all that `archiver.articles` needs to know about it.

    screens      regular expressions over bytes, without regard to case, in the subset that `re` and Hyperscan share,
                 and without an open end: every reference to a post of this network contains one of them. `/`, `@`,
                 `{=}` and `{?}` stand for that character and for every escape of it (`\\/`, `&#x2F;`, `%2F`, `\\u002F`)
    classes      class names of the elements that its embed codes make; such an element is one embed
    tags         names of its custom elements (AMP's among them)
    attributes   (attribute, expression): the attribute carries an id (group 1) rather than a URL
    placeholders (attribute, word, expression): the same on an empty element that a script fills, whose tag, class or
                 provider has the word in its name
    calls        expressions over script text (a widget's constructor, a JSON member); groups 1… are joined by `/`
    shortlink    a URL that leads to a post after a redirect; group 1 is its code
    codes        expression over text for short codes, group 1 the code; `pic_codes` those that name the post's media
    handle       expression for an author's name as attributions write it, without the @
    has_dates    an attribution is `NAME (@handle) DATE`; without a date it is none
    has_hours    its embed codes write the hour behind the date
    bylines      expressions with the groups `name` and `handle`: attributions that stand without a date;
                 `byline_screens` are what the screen looks for in their stead
    trailers     the same where the words stand behind the name and handle in parentheses, which they do not contain
    closers      what ends a post's text where its author's @handle stands on a line of its own above it
    is_last      the permalink is the last link of an embed's element (X quotes other posts above it), else the first
    author       expression over the URL of a post whose group 1 is the author's handle
    digest       the attribute of its embed codes that states the digest of the record shown (`Claim.cid`)
    """

    screens: tuple[str, ...]
    classes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    placeholders: tuple[tuple[str, str, str], ...] = ()
    calls: tuple[str, ...] = ()
    shortlink: str | None = None
    codes: str | None = None
    pic_codes: str | None = None
    handle: str | None = None
    has_dates: bool = False
    has_hours: bool = False
    bylines: tuple[str, ...] = ()
    byline_screens: tuple[str, ...] = ()
    trailers: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()
    is_last: bool = False
    author: str | None = None
    digest: str | None = None


def _no_time(_id: str) -> dt.datetime | None:
    return None


def _final(_ref: PostRef) -> bool:
    return True


def _location(capture: Capture) -> str | None:
    from archiver import memento

    return memento.location(capture)


@dataclass(frozen=True, slots=True)
class Example:
    """A post that need not exist, by which a network's requests are shown and its sources tried: its `id`, the `handle`
    that an article would name, a `link` that has to be resolved by asking."""

    id: str
    handle: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """One network as a record of functions.

    match(url) -> PostRef | None    any URL of one post, whatever host alias or mirror; None for anything else
    url(ref) -> str                 the canonical public URL; `match(url(ref)) == ref`
    posted_at(id) -> datetime|None  the time the id itself carries, where a rule exists
    resolve(claim, url) -> Resolution   by way of requests: short links, codes, handles; None where there is no ladder
    is_final(ref)                   whether a URL's id names the post for good; one that does not goes up the ladder
    sources()                       best first; a call, so that recognising a URL loads no parser of answers
    markup                          how its posts stand in documents
    example                         an id, for the document of requests and for tests
    saved(capture) -> findings      every post that an answer shows which somebody else asked for, or a file they made;
                                    None where such answers are read by asking the sources again (`archiver.imported`)
    leads_to(capture) -> str|None   where an answer of its short links leads
    """

    name: str
    match: Callable[[str], PostRef | None]
    url: Callable[[PostRef], str]
    example: Example
    posted_at: Callable[[str], dt.datetime | None] = _no_time
    resolve: Callable[[Claim, str | None], Resolving] | None = None
    sources: Callable[[], tuple[Source, ...]] = tuple
    markup: Markup = Markup(screens=())
    is_final: Callable[[PostRef], bool] = _final
    saved: Callable[[Capture], tuple[Finding, ...]] | None = None
    leads_to: Callable[[Capture], str | None] = _location


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Every platform by name, in name order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {each.name: each for each in map(platform, names) if each is not None}


@functools.cache
def platform(name: str) -> Platform | None:
    """One platform, loading no other; None where there is none of that name."""
    try:
        found = getattr(importlib.import_module(f"{__name__}.{name}"), "PLATFORM", None)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        return None
    return found if isinstance(found, Platform) else None


#: Web archives and link tracers that keep the target in their own path or query.
_WRAPPED = re.compile(
    r"(?:https?:)?//(?:web\.archive\.org/(?:web/)?\d{4,14}(?:[a-z]{2}_)?/|archive\.(?:org|is|ph|today|md|vn|li|fo)/"
    r"(?:o/\w+/|web/|\d{8,14}/)|[^/?#\s]*ghostarchive\.org/(?:archive/)?|webcache\.googleusercontent\.com/search\?q=cache:"
    r"(?:[\w-]+:)?|arquivo\.pt/wayback/\d{4,14}(?:[a-z]{2}_)?/)(?P<path>(?:https?:)?/{0,2}[^\s]+)"
    r"|(?:https?:)?//(?:www\.)?(?:google\.[a-z.]{2,6}/url|(?:l|lm|www)\.facebook\.com/l\.php|l\.instagram\.com/|"
    r"l\.threads\.(?:net|com)/|(?:www\.)?youtube\.com/redirect|out\.reddit\.com/[^?]*|vk\.com/away\.php)\?"
    r"(?:[^#]*&(?:amp;)?)?(?:q|u|url|to)=(?P<query>https?[^&#\s]+)",
    re.IGNORECASE,
)


def unwrapped(url: str) -> str:
    """The URL that a web archive's or a tracer's URL is about; *url* itself if it is neither."""
    for _ in range(3):
        found = _WRAPPED.match(url)
        if found is None:
            return url
        target = found["path"] or urllib.parse.unquote(found["query"])
        # Archives' own links are found with one slash of the target's two.
        scheme = "http" if target[:5] == "http:" else "https"
        url = f"{scheme}://{re.sub('^(?:https?:)?/*', '', target, flags=re.IGNORECASE)}"
    return url


# An article names the same post several times over: in a link's address and its text, in an element and its frame.
@functools.lru_cache(maxsize=64)
def recognise(url: str, among: frozenset[str] | None = None) -> PostRef | None:
    """Which post *url* names, on any platform, or on one of those named in *among*; web archives' URLs count as those
    of what they keep. None for a profile, a timeline, a share button, a short link, or anything else."""
    url = unwrapped(url.strip())
    if "//" not in url:
        return None
    for name, platform in platforms().items():
        if (among is None or name in among) and (ref := platform.match(url)):
            return ref
    return None
