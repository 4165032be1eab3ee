"""Telegram: posts of public channels (PLATFORMS.md 1.2). Ids are counted, and carry no time."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archiver.model import Author, Capture, Claim, Finding, Link, Look, Media, Outcome, Post, PostRef, Rank, Reason
from archiver.platforms import Example, Markup, Platform, Source, parts, wayback

if TYPE_CHECKING:
    from bs4 import Tag

# Paths that are no channels.
_ACTIONS = (
    r"(?!(?:joinchat|addstickers|addemoji|addtheme|addlist|share|proxy|socks|iv|boost|setlanguage|login|confirmphone|"
    r"invoice|giftcode|bg|contact|msg|m|s|c|nft)/)"
)
_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?(?:t|telegram)\.(?:me|dog)/+(?:s/+)?"
    + _ACTIONS
    + r"([a-z]\w{3,31})/+(?:\d{1,10}/+)?(\d{1,10})"
    r"(?![\w/])",
    re.ASCII | re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"(?:https?:)?//(?:t|telegram)\.(?:me|dog)/c/(\d{5,15})/+(?:\d{1,10}/+)?(\d{1,10})(?![\w/])", re.IGNORECASE
)
_SCHEME = re.compile(r"tg://resolve/?\?domain=([a-z]\w{3,31})&(?:amp;)?post=(\d{1,10})", re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post a URL names. `t.me/c/…` names one that only members see."""
    if found := _URL.match(url) or _SCHEME.match(url):
        return PostRef("telegram", f"{found[1]}/{found[2]}")
    found = _PRIVATE.match(url)
    return PostRef("telegram", f"c/{found[1]}/{found[2]}") if found else None


def url(ref: PostRef) -> str:
    return f"https://t.me/{ref.id}"


# --- the page that posts are embedded with --------------------------------------------------------------------------

_BACKGROUND = re.compile(r"background(?:-image)?\s*:\s*url\(\s*['\"]?([^'\")]+)")
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}){1,2}")
_COUNT = re.compile(r"(\d{1,9}(?:[.,]\d{1,3})?)\s*([KMB]?)", re.ASCII)
_UNITS = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
#: Parts of a message that say nothing of its own: what it answers, where it is from, what it links to, who wrote it.
_FOREIGN = (
    ".tgme_widget_message_reply, .tgme_widget_message_forwarded_from, .tgme_widget_message_link_preview, "
    ".tgme_widget_message_user, .media_not_supported_cont"
)
_MEDIA = (
    ".tgme_widget_message_photo_wrap, .tgme_widget_message_video_player, .tgme_widget_message_roundvideo_player, "
    "audio.tgme_widget_message_voice, .tgme_widget_message_sticker_wrap"
)
#: Other things a message can be, which the page shows in part or not at all.
_OTHERS = ("sticker", "contact", "invoice", "game")
#: Elements that stand on lines of their own.
_BLOCKS = ("blockquote", "pre")
_EDGE = "\x1e"


def read_page(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: a page that shows the message, or says in `tgme_widget_message_error` that there is none. Its
    status is 200 either way. Pages with several messages (`/s/`) are read for the one asked for; an album is one
    message under its first id, the others are in its links."""
    from archiver import answers
    from archiver.errors import ParseError

    finding = answers.refused(capture)
    if finding:
        return finding
    page = answers.page(capture.text, capture)
    shown = page.select(".tgme_widget_message[data-post]")
    for message in shown:
        if _is(message, ref):
            return _finding(message, ref)
    if shown:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {str(shown[0]['data-post'])[:80]}")
    error = page.select_one(".tgme_widget_message_error")
    if error is None:
        finding = answers.walled(capture)
        if finding is None:
            raise ParseError(f"{capture.url}: neither a message nor word that there is none")
        return finding
    words = error.get_text(" ", strip=True)
    if re.search(r"\bprivate\b", words, re.IGNORECASE):
        return answers.absent(Reason.PROTECTED, words)
    if re.search(r"not found|channel with username", words, re.IGNORECASE):
        return answers.absent(Reason.NOT_FOUND, words)
    return answers.absent(Reason.UNKNOWN, words)


def _is(message: Tag, ref: PostRef) -> bool:
    """Whether a message is the one asked for, by its own id or as a part of its album. Names have no case."""
    if str(message["data-post"]).lower() == ref.id.lower():
        return True
    links = (str(link.get("href")) for link in message.select(".tgme_widget_message_grouped_wrap a[href]"))
    return any(part is not None and part.id.lower() == ref.id.lower() for part in map(match, links))


def _finding(message: Tag, ref: PostRef) -> Finding:
    from archiver import answers

    post = _post(message, ref)
    unseen = message.select_one(".tgme_widget_message_bubble > .message_media_not_supported_wrap")
    if unseen is not None and "media_not_supported_cont" in (unseen.get("class") or ()):
        # For browsers that cannot show what stands beside it (a sticker).
        unseen = unseen if message.select_one(".media_supported_cont") is None else None
    label = unseen.select_one(".message_media_not_supported_label") if unseen else None
    words = label.get_text(" ", strip=True) if label else None
    others = {"poll", "sticker", "location", "contact", "invoice", "game", "documents", "card"}
    if not post.text and not post.media and not others & {name for name, _ in post.extra}:
        # It is there, and the page will not show it: "Please open Telegram to view this post", a service message.
        return Finding(Outcome.HIDDEN, Reason.UNKNOWN, tombstone=words) if unseen else answers.absent(Reason.UNKNOWN)
    return Finding(Outcome.FOUND, Reason.OK, post, tombstone=words)


def _own(message: Tag, selector: str) -> Iterator[Tag]:
    """Elements of the message itself, in order; not those of what it answers or links to."""
    foreign = {id(part) for part in message.select(_FOREIGN)}
    for element in message.select(selector):
        if id(element) not in foreign and not any(id(parent) in foreign for parent in element.parents):
            yield element


def _first(message: Tag, selector: str) -> Tag | None:
    return next(_own(message, selector), None)


def _post(message: Tag, ref: PostRef) -> Post:
    channel, _, number = str(message["data-post"]).partition("/")
    body = _first(message, ".js-message_text") or _first(
        message, ".tgme_widget_message_text:not(.js-message_reply_text)"
    )
    text, links = _prose(body) if body else ("", ())
    extra: list[tuple[str, Any]] = list(_extra(message, channel, number, ref))
    time = _first(message, ".tgme_widget_message_date time[datetime]") or _first(message, "time[datetime]")
    views = _words(_first(message, ".tgme_widget_message_views"))
    seen = _counted(views)
    if views and seen is not None and not views.isdigit():
        extra.append(("views_as_shown", views))
    replied = message.select_one("a.tgme_widget_message_reply[href]")
    return Post(
        ref=ref,
        author=_author(message, channel),
        text=text,
        created_at=_moment(str(time["datetime"])) if time else None,
        url=f"https://t.me/{channel}/{ref.id.rpartition('/')[2]}",
        links=links,
        media=_media(message, ref),
        reply_to=match(str(replied["href"])) if replied else None,
        counts=(("views", seen),) if seen is not None else (),
        extra=tuple(extra),
    )


def _author(message: Tag, channel: str) -> Author:
    """The channel, or in a public group the member who wrote it."""
    owner = _first(message, "a.tgme_widget_message_owner_name, .tgme_widget_message_owner_name")
    sender = _first(message, ".tgme_widget_message_author a.tgme_widget_message_author_name")
    if sender is not None and owner is None:
        url = str(sender.get("href") or "")
        found = re.fullmatch(r"https?://t\.me/([A-Za-z]\w{3,31})/?", url, re.ASCII)
        if found is None or found[1].lower() != channel.lower():
            return Author(found[1] if found else None, _words(sender), None, url or None)
    name = _words(owner) or _words(_first(message, ".tgme_widget_message_author"))
    return Author(channel, name, None, f"https://t.me/{channel}")


def _prose(element: Tag) -> tuple[str, tuple[Link, ...]]:
    """The text with line breaks, emoji as characters; and its links, hashtags and mentions left out. Quotations and
    code stand on lines of their own, with a break in the markup or without."""
    from bs4.element import NavigableString, Tag

    for block in element.find_all(_BLOCKS):
        block.insert_before(_EDGE)
        block.insert_after(_EDGE)
    parts: list[str] = []
    links: dict[str, Link] = {}
    for node in element.descendants:
        if not isinstance(node, Tag):
            if type(node) is NavigableString:  # not a comment
                parts.append(str(node))
        elif node.name == "br":
            parts.append("\n")
        elif node.name == "a" and re.match(r"https?://", href := str(node.get("href") or "")):
            links.setdefault(href, Link(href, None, node.get_text().replace(_EDGE, "").strip() or None))
    text = re.sub(f"(?<!\n){_EDGE}+(?!\n)", "\n", "".join(parts)).replace(_EDGE, "")
    return text.strip(), tuple(links.values())


def _media(message: Tag, ref: PostRef) -> tuple[Media, ...]:
    """Pictures and films as the page gives them, each named by its message's number. A film that the page does not
    play ("Media is too big") is named without a URL, and its still is kept."""
    found: dict[str, Media] = {}
    for element in _own(message, _MEDIA):
        part = match(str(element.get("href") or ""))
        key = (part or ref).id.rpartition("/")[2]
        key = key if key not in found else f"{key}-{len(found) + 1}"
        classes = element.get("class") or ()
        if "tgme_widget_message_photo_wrap" in classes:
            url = _background(element)
            found[key] = Media("photo", key, (url,) if url else ())
        elif "tgme_widget_message_sticker_wrap" in classes:
            found[key] = _sticker(element, key)
        elif element.name == "audio":
            url = _url(element.get("src"))
            player = element.find_parent(class_="tgme_widget_message_voice_player") or message
            clock = _words(player.select_one(".tgme_widget_message_voice_duration"))
            found[key] = Media("audio", key, (url,) if url else (), duration=_seconds(clock))
        else:
            film = element.select_one("video[src]")
            still = element.select_one(".tgme_widget_message_video_thumb, .tgme_widget_message_roundvideo_thumb")
            url, poster = _url(film.get("src")) if film else None, _background(still)
            clock = _words(element.select_one("time:not([datetime])"))
            shape = _shape(element.select_one(".tgme_widget_message_video_wrap[style]"))
            found[key] = Media("video", key, (url,) if url else (), None, *shape, _seconds(clock), poster)
            if url is None and poster:
                found[f"{key}-still"] = Media("photo", f"{key}-still", (poster,))
    return tuple(found.values())


def _sticker(wrap: Tag, key: str) -> Media:
    """A sticker: a picture, a short film, or an animation in Telegram's own form, of which a still is given too."""
    film = wrap.select_one("video[src]")
    drawn = wrap.select_one('source[type="application/x-tgsticker"][srcset]')
    picture = wrap.select_one(".tgme_widget_message_sticker")
    still = _url(picture.get("data-webp")) if picture else None
    still = still or _background(picture)
    if film is not None and (url := _url(film.get("src"))):
        return Media("gif", key, (url,), poster=still)
    if drawn is not None and (url := _url(drawn.get("srcset"))):
        return Media("unknown", key, tuple(each for each in (url, still) if each))
    return Media("photo", key, (still,) if still else ())


_SHAPE = re.compile(r"width:\s*(\d{2,5})px;\s*padding-top:\s*(\d{1,3}(?:\.\d+)?)%")


def _shape(wrap: Tag | None) -> tuple[int | None, int | None]:
    """The size of a film, of which the page gives the width and the height as its share. In an album it gives none."""
    found = _SHAPE.search(str(wrap.get("style"))) if wrap else None
    wide = int(found[1]) if found else None
    return wide, round(wide * float(found[2]) / 100) or None if found and wide else None


def _poll(element: Tag) -> dict[str, Any]:
    """What the page shows of a poll: shares, no counts but that of its voters."""
    part = ".tgme_widget_message_poll_"
    options = [
        {
            "title": _words(each.select_one(f"{part}option_text")),
            "share": _words(each.select_one(f"{part}option_percent")),
        }
        for each in element.select(f"{part}option")
    ]
    shown = {
        "question": _words(element.select_one(f"{part}question")),
        "kind": _words(element.select_one(f"{part}type")),
        "options": options,
    }
    return {name: value for name, value in shown.items() if value}


_POINT = re.compile(r"[?&]q=(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)")


def _location(element: Tag) -> dict[str, str]:
    """A place: the map that the page links, the point on it, and what it is called."""
    link = element if element.name == "a" else element.find_parent("a")
    url = _url(link.get("href")) if link else None
    point = _POINT.search(url or "")
    shown = {
        "title": _words(element.select_one(".tgme_widget_message_location_title, .tgme_widget_message_venue_title")),
        "address": _words(
            element.select_one(".tgme_widget_message_location_address, .tgme_widget_message_venue_address")
        ),
        "latitude": point[1] if point else None,
        "longitude": point[2] if point else None,
        "url": url,
    }
    return {name: value for name, value in shown.items() if value}


def _extra(message: Tag, channel: str, number: str, ref: PostRef) -> Iterator[tuple[str, Any]]:
    """What only Telegram has, as shown."""
    album = [match(str(link.get("href"))) for link in _own(message, ".tgme_widget_message_grouped_wrap a[href]")]
    ids = sorted({int(part.id.rpartition("/")[2]) for part in album if part})
    if ids or number != ref.id.rpartition("/")[2]:
        yield "album", sorted({str(each) for each in ids} | {number})
    origin = message.select_one(".tgme_widget_message_forwarded_from_name")
    if origin is not None:
        yield "forwarded_from", {"name": _words(origin), "url": _url(origin.get("href"))}
    signature = _words(_first(message, ".tgme_widget_message_from_author"))
    if signature:
        yield "signature", signature
    meta = _first(message, ".tgme_widget_message_meta")
    if meta and re.match(r"edited\b", meta.get_text(" ", strip=True)):
        yield "edited", True
    preview = message.select_one("a.tgme_widget_message_link_preview[href]")
    if preview is not None:
        title, about = preview.select_one(".link_preview_title"), preview.select_one(".link_preview_description")
        more = {
            "site": _words(preview.select_one(".link_preview_site_name")),
            "image": _background(
                preview.select_one(".link_preview_image, .link_preview_right_image, .link_preview_video_thumb")
            ),
        }
        yield (
            "card",
            {"url": str(preview["href"]), "title": _words(title), "description": _words(about)}
            | {name: value for name, value in more.items() if value},
        )
    files = [
        {"title": _words(file.select_one(".tgme_widget_message_document_title")),
         "size": _words(file.select_one(".tgme_widget_message_document_extra"))}
        for file in _own(message, ".tgme_widget_message_document_wrap")
    ]  # fmt: skip
    if files:
        yield "documents", files
        yield "not_archived", "attached files: the public page names them and does not give them"
    asked = _first(message, ".tgme_widget_message_poll")
    if asked is not None:
        voters = _counted(_words(_first(message, ".tgme_widget_message_voters")))
        yield "poll", _poll(asked) | ({"voters": voters} if voters is not None else {}) or True
    place = _first(message, ".tgme_widget_message_location_wrap, .tgme_widget_message_venue_wrap") or _first(
        message, '[class*="tgme_widget_message_location"]'
    )
    if place is not None:
        yield "location", _location(place) or place.get_text(" ", strip=True) or True
    for kind in _OTHERS:
        element = _first(message, f'[class*="tgme_widget_message_{kind}"]')
        if element is not None:
            yield kind, element.get_text(" ", strip=True) or True
    reactions = [_words(each) for each in _own(message, ".tgme_reaction")]
    if reactions:
        yield "reactions", reactions


def _words(element: Tag | None) -> str | None:
    return (" ".join(element.get_text().split()) or None) if element else None


def _url(value: object) -> str | None:
    from archiver import oembed

    return oembed.web_url(value)


def _background(element: Tag | None) -> str | None:
    found = _BACKGROUND.search(str(element.get("style") or "")) if element else None
    return _url(found[1]) if found else None


def _counted(shown: str | None) -> int | None:
    """`12.5K` as a number: rounded, as the page shows it."""
    found = _COUNT.fullmatch(shown.upper()) if shown else None
    return int(decimal.Decimal(found[1].replace(",", ".")) * _UNITS[found[2]]) if found else None


def _seconds(clock: str | None) -> float | None:
    if not clock or not _CLOCK.fullmatch(clock):
        return None
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return float(seconds)


def _moment(text: str) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(text)
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


# --- sources --------------------------------------------------------------------------------------------------------


def embed_url(ref: PostRef) -> str:
    """The address that Telegram's own widget frames."""
    return f"https://t.me/{ref.id}?embed=1&mode=tme"


def _embed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers
    from archiver.model import Request

    if ref.id.startswith("c/"):
        # A link of members to members (PLATFORMS.md 1.2): no public page has it, and none is asked.
        return answers.absent(Reason.PROTECTED)
    capture = yield from answers.ask(Request(embed_url(ref)))
    return capture if isinstance(capture, Finding) else read_page(capture, ref)


def _addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    """The embed page and the landing page under one address, `/s/` pages under another."""
    return () if ref.id.startswith("c/") else (f"t.me/{ref.id}", f"t.me/s/{ref.id}", f"telegram.me/{ref.id}")


#: What a source that shows a post whole gives of it.
_GIVES = "text, author, time, links, pictures, films, sound, answered post, counts, poll, card, place, edits"


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "embed",
            Rank.FIRST_HAND,
            _embed,
            ("t.me",),
            "The page of Telegram's own post widget: keyless, limits not published. Public channels and groups only; "
            "attached files, polls' full results and films it calls too big are named and not given; views are "
            "rounded; addresses of media are signed and expire.",
            gives=parts(_GIVES),
        ),
        # The landing page under the bare address shows no message.
        wayback(
            _addresses,
            read_page,
            lambda row: "embed=" in row.original,
            "Only widget and preview pages show a post.",
            _GIVES,
        ),
    )


PLATFORM = Platform(
    name="telegram",
    match=match,
    url=url,
    example=Example("examplechannel/123", "examplechannel"),
    sources=_sources,
    markup=Markup(
        screens=(
            r"(?:t|telegram)\.(?:me|dog)/(?:s/)?(?:c/)?\w{4,32}/\d",
            r"data-telegram-post",
            r"telegram-post",
            r"tg:/{1,2}resolve",
        ),
        classes=("telegram-post",),
        attributes=(
            ("data-telegram-post", r"([A-Za-z]\w{3,31})/(\d{1,10})"),
            ("id", r"telegram-post-([A-Za-z]\w{3,31})-(\d{1,10})"),
        ),
        author=r"\.(?:me|dog)/(?:s/)?(?!c/)([A-Za-z]\w{3,31})/",
    ),
)
