"""X's pages as web archives kept them, read for one post by its id: ancestors and replies stand on the same page.

Three forms (PLATFORMS.md 3.6): the old interface (to mid-2020, for bots later), schema.org microdata (some captures of
2022), and pages that show the text only in their title; anything else of the new interface is a shell without text.
Also the markup of an embed, as oEmbed gives it. Import this where a page is read: the parser is slow to load.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bs4 import BeautifulSoup, Tag

from archiver import memento
from archiver.errors import ParseError
from archiver.model import Author, Capture, Link, Media, Post, PostRef, Variant
from archiver.platforms.twitter import payloads
from archiver.platforms.twitter.grammar import match
from archiver.platforms.twitter.media import media_key, photo, video, web_url
from archiver.platforms.twitter.payloads import Shown
from archiver.untyped import number, string

#: No page of X's that holds one post comes near; past it the parser takes seconds.
_MAX_PAGE = 16 * 1024 * 1024
_MAX_DEPTH = 5000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)

_BACKGROUND = re.compile(r"background(?:-image)?\s*:\s*url\(\s*['\"]?([^'\")]+)")
_TITLE = re.compile(r"^(.*?) on (?:Twitter|X): [\"“](.*)[\"”](?: / (?:Twitter|X))?$", re.DOTALL)
_COUNTED = {"Likes": "likes", "Retweets": "reposts", "Quotes": "quotes", "Replies": "replies"}


def soup(markup: str, capture: Capture) -> BeautifulSoup:
    """The markup, parsed; ParseError where the parser gives up."""
    if len(markup) > _MAX_PAGE:
        raise ParseError(f"{capture.url}: a page of {len(markup)} characters is more than is read ({_MAX_PAGE})")
    if _is_deep(markup):
        raise ParseError(f"{capture.url}: a page nested deeper than {_MAX_DEPTH} elements is not read")
    try:
        return BeautifulSoup(markup, "html.parser")
    except (RecursionError, AssertionError, ValueError) as error:
        raise ParseError(f"{capture.url}: markup that cannot be parsed: {error}") from error


def _is_deep(markup: str) -> bool:
    """Whether elements are nested so deep that the parser would take seconds; told before it starts."""
    depth = 0
    for end, name in _TAG.findall(markup):
        if name.lower() not in _VOID:
            depth = max(0, depth - 1) if end else depth + 1
            if depth > _MAX_DEPTH:
                return True
    return False


def read(capture: Capture, id: str) -> Shown | None:
    """Post *id* on a page, whichever form it has; None where the page does not show it."""
    page = soup(capture.text, capture)
    return _old(page, id) or _microdata(page, id) or _titled(page, id)


# --- text -----------------------------------------------------------------------------------------------------------


def prose(element: Tag) -> tuple[str, tuple[Link, ...]]:
    """The text of a post's markup as the API would give it: t.co links as written, emoji as characters, `<br>` as a
    line break; and its links."""
    parts: list[str] = []
    links: dict[str, Link] = {}
    for piece in _pieces(element):
        if isinstance(piece, str):
            parts.append(piece)
            for url in payloads.TCO.findall(piece):
                links.setdefault(url, Link(url))
        elif piece.name == "br":
            parts.append("\n")
        elif piece.name == "img":
            parts.append(str(piece.get("alt") or ""))
        else:
            href, shown = memento.unwrap(str(piece.get("href") or "")), _shown(piece)
            code = payloads.code_of(href) or payloads.code_of(shown)
            expanded = string(str(piece.get("data-expanded-url") or ""))
            if code:
                url = f"https://t.co/{code}"
                before = "".join(parts[-1:])[-1:]
                parts.append((" " if before and not before.isspace() else "") + url)
                links.setdefault(url, Link(url, expanded, shown or None))
            else:
                # A mention or a hashtag; a link whose t.co was not kept says where it leads.
                parts.append(expanded or shown)
                if expanded:
                    links.setdefault(expanded, Link(expanded, expanded, shown or None))
    return string("".join(parts).strip()) or "", tuple(links.values())


def _pieces(element: Tag) -> Iterator[str | Tag]:
    """Strings, line breaks, pictures and anchors, in order, without descending into anchors. No recursion: markup may
    be nested as deep as somebody likes."""
    stack = list(reversed(list(element.children)))
    while stack:
        node = stack.pop()
        if not isinstance(node, Tag):
            if type(node).__name__ == "NavigableString":  # not a comment or a declaration
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


def _own_codes(links: tuple[Link, ...]) -> list[str]:
    return [code for link in links if payloads.is_media_link(link) and (code := payloads.code_of(link.url))]


def _having(scope: Tag, name: str, value: str | bool = True) -> list[Tag]:
    """The elements that have an attribute (of that value)."""
    attributes: dict[str, Any] = {name: value}
    return list(scope.find_all(None, attributes))


def _attribute(element: Tag | None, name: str) -> str | None:
    value = element.get(name) if element else None
    return string(value) if isinstance(value, str) else None


def _author(handle: str | None, name: str | None, id: str | None) -> Author:
    return Author(handle, name, payloads.identifier(id), f"https://x.com/{handle}" if handle else None)


# --- the old interface ----------------------------------------------------------------------------------------------


def _old(page: BeautifulSoup, id: str) -> Shown | None:
    found = [
        each
        for each in _having(page, "data-tweet-id", id)
        if "tweet" in (each.get("class") or []) and _attribute(each, "data-screen-name")
    ]
    found.sort(key=lambda each: "permalink-tweet" not in (each.get("class") or []))
    if not found:
        return None
    tweet = found[0]
    words = next((each for each in tweet.find_all("p", class_="tweet-text") if not _in_quote(each, tweet)), None)
    if words is None:
        return None
    text, links = prose(words)
    handle = _attribute(tweet, "data-screen-name")
    times = [each for each in tweet.find_all("span", class_="_timestamp") if not _in_quote(each, tweet)]
    milliseconds = number(_attribute(times[0], "data-time-ms")) if times else None
    seconds = number(_attribute(times[0], "data-time")) if times else None
    quote = tweet.find(class_="QuoteTweet-innerContainer")
    quoted = _quoted(quote) if isinstance(quote, Tag) else None
    is_reply = "true" in (_attribute(tweet, "data-is-reply-to"), _attribute(tweet, "data-has-parent-tweet"))
    conversation = payloads.identifier(_attribute(tweet, "data-conversation-id"))
    reposted = payloads.identifier(_attribute(tweet, "data-retweet-id"))
    extra: list[tuple[str, Any]] = [
        ("conversation_id", conversation),
        ("is_reply", is_reply or None),
        ("reposts_post", reposted),
        ("card", _old_card(tweet)),
    ]
    post = Post(
        ref=PostRef("twitter", id),
        author=_author(handle, _attribute(tweet, "data-name"), _attribute(tweet, "data-user-id")),
        text=payloads.without_media_link(text, _own_codes(links)),
        created_at=payloads.moment(milliseconds / 1000 if milliseconds else seconds),
        lang=_attribute(words, "lang"),
        url=f"https://x.com/{handle}/status/{id}",
        links=links,
        media=_old_media(tweet),
        quotes=quoted.ref if quoted else None,
        counts=tuple(_old_counts(tweet)),
        extra=tuple((name, value) for name, value in extra if value and value != id),
    )
    return Shown(post, (quoted,) if quoted else ())


def _in_quote(element: Tag, tweet: Tag) -> bool:
    for parent in element.parents:
        if parent is tweet:
            return False
        if any(name.startswith("QuoteTweet") for name in parent.get("class") or []):
            return True
    return False


def _quoted(quote: Tag) -> Post | None:
    id, words = payloads.identifier(_attribute(quote, "data-item-id")), quote.find(class_="QuoteTweet-text")
    if id is None or not isinstance(words, Tag):
        return None
    text, links = prose(words)
    handle, name = _attribute(quote, "data-screen-name"), quote.find(class_="QuoteTweet-fullname")
    return Post(
        ref=PostRef("twitter", id),
        author=_author(
            handle,
            string(name.get_text().strip()) if isinstance(name, Tag) else None,
            _attribute(quote, "data-user-id"),
        ),
        text=payloads.without_media_link(text, _own_codes(links)),
        lang=_attribute(words, "lang"),
        url=f"https://x.com/{handle or 'i'}/status/{id}",
        links=links,
    )


def _old_media(tweet: Tag) -> tuple[Media, ...]:
    found: dict[str, Media] = {}
    for each in _having(tweet, "data-image-url"):
        url = web_url(_attribute(each, "data-image-url"))
        if url and not _in_quote(each, tweet):
            picture = each.find("img")
            alt = _attribute(picture, "alt") if isinstance(picture, Tag) else None
            one = photo(url, alt=alt)
            found.setdefault(one.key, one)
    # To 2014 a picture was a link to its large form.
    for each in tweet.find_all("a", class_="media-thumbnail"):
        url = web_url(_attribute(each, "data-resolved-url-large") or _attribute(each, "data-url"))
        if url and media_key(url) and not _in_quote(each, tweet):
            one = photo(url)
            found.setdefault(one.key, one)
    for each in tweet.find_all(class_="PlayableMedia"):
        if not _in_quote(each, tweet):
            film = _old_film(each)
            if film:
                found.setdefault(film.key, film)
    return tuple(found.values())


def _old_film(each: Tag) -> Media | None:
    kind = "gif" if "PlayableMedia--gif" in (each.get("class") or []) else "video"
    styled = [str(part.get("style") or "") for part in (each, *each.find_all(style=True))]
    background = next((found for style in styled if (found := _BACKGROUND.search(style))), None)
    poster = web_url(background[1]) if background else None
    sources = [
        Variant(url, "video/mp4" if ".mp4" in url else None)
        for part in each.find_all(["video", "source"])
        if (url := web_url(_attribute(part, "src")))
    ]
    if not sources and kind == "gif" and poster and (key := media_key(poster)):
        # A GIF's film and poster share their key (PLATFORMS.md 3.5).
        sources = [Variant(f"https://video.twimg.com/tweet_video/{key}.mp4", "video/mp4")]
    film = video(sources, kind=kind, poster=poster)
    if film or not poster:
        return film
    return Media(kind, media_key(poster) or poster, (), poster=poster)


def _old_card(tweet: Tag) -> dict[str, str]:
    """A card's kind and link, all that stood on the page: what it showed, a poll's choices too, was framed."""
    for each in _having(tweet, "data-card2-name"):
        if not _in_quote(each, tweet):
            linked = _having(each, "data-card-url")
            url = _attribute(linked[0], "data-card-url") if linked else None
            name = _attribute(each, "data-card2-name")
            return {key: value for key, value in (("name", name), ("url", url)) if value}
    return {}


def _old_counts(tweet: Tag) -> Iterator[tuple[str, int]]:
    for name, counted in (("reply", "replies"), ("retweet", "reposts"), ("favorite", "likes")):
        for action in tweet.find_all(class_=f"ProfileTweet-action--{name}"):
            stated = _having(action, "data-tweet-stat-count")
            count = number(_attribute(stated[0], "data-tweet-stat-count")) if stated else None
            if count is not None:
                yield counted, count
                break
        else:
            # To 2014 they stood in a list below the post.
            listed = tweet.find(class_=f"js-stat-{name}s")
            stated = _having(listed, "data-tweet-stat-count") if isinstance(listed, Tag) else []
            count = number(_attribute(stated[0], "data-tweet-stat-count")) if stated else None
            if count is not None:
                yield counted, count


# --- microdata ------------------------------------------------------------------------------------------------------


def _microdata(page: BeautifulSoup, id: str) -> Shown | None:
    for posting in page.find_all(itemtype=re.compile(r"^https?://schema\.org/SocialMediaPosting$")):
        if isinstance(posting, Tag) and _property(posting, "identifier") == id:
            return Shown(_posting(posting, id))
    return None


def _members(scope: Tag, name: str) -> list[Tag]:
    """The elements that state a property of this item, not of an item within it."""
    return [
        each
        for each in scope.find_all(itemprop=name)
        if isinstance(each, Tag) and each.find_parent(attrs={"itemscope": True}) is scope
    ]


def _property(scope: Tag | None, name: str) -> str | None:
    found = _members(scope, name) if scope else []
    return _attribute(found[0], "content") if found else None


def _posting(posting: Tag, id: str) -> Post:
    bodies = _members(posting, "articleBody")
    text, links = prose(bodies[0]) if bodies else ("", ())
    author = next(iter(_members(posting, "author")), None)
    handle = _property(author, "additionalName")
    media: dict[str, Media] = {}
    for picture in posting.find_all("img", src=re.compile(r"//pbs\.twimg\.com/media/")):
        url = web_url(_attribute(picture, "src"))
        if url and picture.find_parent(itemtype=re.compile("SocialMediaPosting$")) is posting:
            one = photo(url, alt=_attribute(picture, "alt"))
            media.setdefault(one.key, one)
    counts: dict[str, int] = {}
    for counter in _members(posting, "interactionStatistic"):
        name = _COUNTED.get(_property(counter, "name") or "")
        count = number(_property(counter, "userInteractionCount"))
        if name and count is not None:
            counts.setdefault(name, count)
    within = match(_property(posting, "isPartOf") or "")
    return Post(
        ref=PostRef("twitter", id),
        author=_author(handle, _property(author, "givenName"), _property(author, "identifier")),
        text=payloads.without_media_link(text, _own_codes(links)),
        created_at=payloads.moment(_property(posting, "dateCreated") or _property(posting, "datePublished")),
        url=f"https://x.com/{handle or 'i'}/status/{id}",
        links=links,
        media=tuple(media.values()),
        is_truncated=not bodies and not media,
        counts=tuple(counts.items()),
        extra=((("part_of", within.id),) if within and within.id != id else ()) + (("read_from", "microdata"),),
    )


# --- the title ------------------------------------------------------------------------------------------------------


def _titled(page: BeautifulSoup, id: str) -> Shown | None:
    """The text in `Name on Twitter: "…"`, where the page's canonical URL is the post's."""
    canonical = page.find("link", rel="canonical")
    url = memento.unwrap(_attribute(canonical, "href") or "") if isinstance(canonical, Tag) else ""
    named, title = match(url), page.find("title")
    if named is None or named.id != id or not isinstance(title, Tag):
        return None
    found = _TITLE.match(title.get_text().strip())
    if not found:
        return None
    text, handle = string(found[2]) or "", payloads.path_handle(url)
    links = tuple(Link(each) for each in dict.fromkeys(payloads.TCO.findall(text)))
    return Shown(
        Post(
            ref=PostRef("twitter", id),
            author=_author(handle, string(found[1]), None),
            text=text,
            url=f"https://x.com/{handle or 'i'}/status/{id}",
            links=links,
            is_truncated=text.endswith("…"),
            extra=(("read_from", "title"),),
        )
    )


# --- embed markup ---------------------------------------------------------------------------------------------------

_ENGLISH_DAY = re.compile(r"(\w+) (\d{1,2}), (\d{4})")


def embedded(payload: Mapping[str, Any], markup: str, capture: Capture) -> Post:
    """The post in an oEmbed object: its text, its day and its author."""
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
        author=Author(handle, string(payload.get("author_name")), None, f"https://x.com/{handle}" if handle else None),
        text=text,
        created_on=_day(permalink.get_text() if permalink else ""),
        lang=string(quote.get("lang")) if isinstance(quote, Tag) else None,
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
