"""Reddit: posts and comments (PLATFORMS.md 1.2). Ids are counted in base 36, and carry no time."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from archiver.model import (
    Author,
    Capture,
    Claim,
    Finding,
    Link,
    Look,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Resolving,
    Variant,
)
from archiver.platforms import Example, Markup, Platform, Source, parts, wayback

_URL = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*?(?:(?:vx|rx)?reddit|rxddit|redditmedia)\.com/+(?:(?:r|user|u)/[\w.-]{1,60}/+)?(?:comments|gallery|tb)/+"
    r"([0-9a-z]{3,10})(?:/+(?:comment|[^/?#\s]{0,300})/+([0-9a-z]{3,10}))?(?=[/?#\s]|$)",
    re.ASCII | re.IGNORECASE,
)
_SHORT = re.compile(r"(?:https?:)?//(?:www\.)?redd\.it/([0-9a-z]{3,10})(?=[/?#\s]|$)", re.ASCII | re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The post or comment a URL names; None for subreddits and media files."""
    found = _URL.match(url)
    if found:
        post, comment = found[1].lower(), (found[2] or "").lower()
        return PostRef("reddit", f"{post}/{comment}" if comment else post)
    found = _SHORT.match(url)
    return PostRef("reddit", found[1].lower()) if found else None


def url(ref: PostRef) -> str:
    post, _, comment = ref.id.partition("/")
    return (
        f"https://www.reddit.com/comments/{post}/_/{comment}" if comment else f"https://www.reddit.com/comments/{post}"
    )


_SHARE = r"(?:https?:)?//(?:[\w-]+\.)?reddit\.com/(?:r|u|user)/[\w.-]{2,30}/s/(\w{5,20})(?:[/?#].*)?"
#: What stands in the place of a text that its author, or somebody else, took away.
_DELETED, _REMOVED = "[deleted]", re.compile(r"\[ ?removed(?: by [\w ]+)? ?\]", re.IGNORECASE)


def _resolve(claim: Claim, url: str | None) -> Resolving:
    """Share links (`/s/…`) answer a redirect to the post."""
    from archiver import shortlinks

    return shortlinks.resolve(url, match, _SHARE, r"(?:[\w-]+\.)*reddit\.com")


def json_url(ref: PostRef) -> str:
    """The permalink's JSON, in the form that names no subreddit."""
    return f"{url(ref)}/.json?raw_json=1&limit=1"


def read_json(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: `[post listing, comment listing]`. 403 and 429 meet whoever has no browser or comes from a
    data centre, so they are refusals; a subreddit that says it is private or quarantined hides the post."""
    from archiver import answers
    from archiver.errors import ParseError

    if capture.status in {403, 404}:
        closed = _closed(capture)
        if closed in {"private", "quarantined", "gold_only"}:
            return answers.absent(Reason.PROTECTED, closed)
        if closed == "banned":
            return Finding(Outcome.HIDDEN, Reason.UNKNOWN, tombstone=closed)
    finding = answers.refused(capture, answers.words_of(capture))
    if finding:
        return finding
    value = answers.payload(capture)
    if isinstance(value, Finding):
        return value
    if isinstance(value, dict) and (not value or "error" in value):
        return answers.absent(Reason.UNKNOWN, answers.words_of(capture))
    things = (
        [thing for listing in value if isinstance(listing, dict) for thing in _children(listing)]
        if isinstance(value, list)
        else []
    )
    post, _, comment = ref.id.partition("/")
    wanted = f"t1_{comment}" if comment else f"t3_{post}"
    for kind, about in things:
        if f"{kind}_{about.get('id')}" == wanted:
            return _comment(about, ref, post) if comment else _submission(about, ref)
    if comment and any(kind == "t3" and about.get("id") == post for kind, about in things):
        # The post is there, this comment is not among its comments: deleted ones without replies vanish so.
        return answers.absent(Reason.NOT_FOUND)
    if things or not isinstance(value, list):
        raise ParseError(f"{capture.url}: asked for {ref}, and it is not in the answer")
    return answers.absent(Reason.UNKNOWN)


def _closed(capture: Capture) -> str | None:
    """Why a subreddit is not shown: `{"reason": "private", "error": 403}`."""
    from archiver.errors import ParseError

    try:
        value = capture.json()
    except ParseError:
        return None
    reason = value.get("reason") if isinstance(value, dict) else None
    return reason if isinstance(reason, str) and reason.isascii() else None


def _children(listing: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    inside = listing.get("data")
    children = inside.get("children") if isinstance(inside, dict) else None
    for child in children if isinstance(children, list) else ():
        if isinstance(child, dict) and isinstance(child.get("data"), dict):
            yield str(child.get("kind")), child["data"]


def _submission(about: dict[str, Any], ref: PostRef, *, is_outer: bool = True) -> Finding:
    from archiver import oembed

    title, body = oembed.text(about.get("title")) or "", oembed.text(about.get("selftext")) or ""
    taken = _taken(body, about, title)
    if taken:
        return taken
    media = _media(about)
    link = oembed.web_url(about.get("url_overridden_by_dest")) or oembed.web_url(about.get("url"))
    is_own = about.get("is_self") is True or (link is not None and match(link) == ref)
    if link and (is_own or re.match(r"https?://(?:[iv]|preview)\.redd\.it/|.*/gallery/", link)):
        link = None
    text = f"{html.unescape(title)}\n\n{html.unescape(body)}".strip()
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=_author(about),
            text=text,
            created_at=_moment(about.get("created_utc")),
            url=_permalink(about, ref),
            links=(Link(link),) if link else (),
            media=media,
            quotes=_crosspost(about),
            counts=_counts(about, ("score", "score"), ("num_comments", "comments")),
            extra=tuple(_extra(about)),
        ),
        also=tuple(_reposted(about)) if is_outer else (),
    )


def _reposted(about: dict[str, Any]) -> Iterator[Post]:
    """The post that a crosspost shows, which comes with it whole unless it was taken away."""
    for origin in _origins(about)[-1:]:
        id = origin.get("id")
        if isinstance(id, str) and re.fullmatch(r"\w{3,10}", id, re.ASCII):
            shown = _submission(origin, PostRef("reddit", id), is_outer=False)
            if shown.post is not None:
                yield shown.post


def _origins(about: dict[str, Any]) -> list[dict[str, Any]]:
    origins = about.get("crosspost_parent_list")
    return [each for each in origins if isinstance(each, dict)] if isinstance(origins, list) else []


def _comment(about: dict[str, Any], ref: PostRef, post: str) -> Finding:
    from archiver import oembed

    body = oembed.text(about.get("body")) or ""
    taken = _taken(body, about, "")
    if taken:
        return taken
    parent = str(about.get("parent_id") or "")
    above = PostRef("reddit", post if not parent.startswith("t1_") else f"{post}/{parent[3:]}")
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=_author(about),
            text=html.unescape(body),
            created_at=_moment(about.get("created_utc")),
            url=_permalink(about, ref),
            media=tuple(_listed(about)),
            reply_to=above,
            counts=_counts(about, ("score", "score")),
            extra=tuple(_extra(about)),
        ),
    )


def _taken(body: str, about: dict[str, Any], title: str) -> Finding | None:
    """A text that was taken away: by its author it is deleted, by others it is hidden, and who did so is kept."""
    from archiver import oembed

    by = oembed.text(about.get("removed_by_category"))
    words = " ".join(part for part in (title, body.strip(), f"({by})" if by else "") if part)
    if body.strip() == _DELETED or by == "deleted":
        return Finding(Outcome.GONE, Reason.DELETED, tombstone=words[:500])
    if _REMOVED.fullmatch(body.strip()) or by:
        return Finding(Outcome.HIDDEN, Reason.UNKNOWN, tombstone=words[:500])
    return None


def _author(about: dict[str, Any]) -> Author:
    """`[deleted]` is an author who has left; what they wrote may still stand."""
    from archiver import oembed

    name = oembed.text(about.get("author"))
    id = oembed.text(about.get("author_fullname"))
    if name is None or name == _DELETED:
        return Author(None, None, id)
    return Author(name, None, id, f"https://www.reddit.com/user/{name}")


def _media(about: dict[str, Any]) -> tuple[Media, ...]:
    """Pictures at i.redd.it in their own size, galleries in order, films at v.redd.it; a picture of another host's that
    the post shows; and what Reddit made of another host's GIF. Its films' MP4 is silent: their sound is another of the
    post's media, which the HLS playlist leads to."""
    from archiver import oembed
    from archiver.untyped import listing, mapping

    about = (_origins(about) or [about])[-1]
    preview = mapping(about.get("preview"))
    shown = mapping(next(iter(listing(preview.get("images"))), None))
    still = mapping(shown.get("source"))
    copy, width, height = (
        _address(still.get("url")),
        oembed.pixels(still.get("width")),
        oembed.pixels(still.get("height")),
    )
    for name in ("secure_media", "media"):
        film = mapping(mapping(about.get(name)).get("reddit_video"))
        if film:
            moving = _film(film, copy)
            return moving, *_sound(film, moving)
    listed = tuple(_listed(about))
    if listed:
        return listed
    link = _address(about.get("url_overridden_by_dest")) or _address(about.get("url"))
    if link and re.match(r"https?://(?:i|preview)\.redd\.it/", link):
        name = re.sub(r"\.\w+$", "", link.partition("?")[0].rpartition("/")[2])
        kind = "gif" if link.partition("?")[0].endswith(".gif") else "photo"
        return (Media(kind, name, (link,), width=width, height=height),)
    if found := re.match(r"https?://v\.redd\.it/(\w+)", link or ""):
        # Before Reddit has prepared a film it says no more; where its playlist will be is known (as yt-dlp takes it).
        playlist = f"https://v.redd.it/{found[1]}/HLSPlaylist.m3u8"
        return (Media("video", found[1], (playlist,), width=width, height=height, poster=copy),)
    made = mapping(preview.get("reddit_video_preview"))
    if made:
        return (_film(made, copy),)
    if link and about.get("post_hint") == "image":
        # Another host's; Reddit keeps a copy of it.
        name = re.sub(r"\.\w+$", "", link.partition("?")[0].rpartition("/")[2]) or "picture"
        is_moving = link.partition("?")[0].endswith(".gif")
        forms = [mapping(mapping(shown.get("variants")).get(form)) for form in ("gif", "mp4")]
        copies = [_address(mapping(form.get("source")).get("url")) for form in forms] if is_moving else [copy]
        urls = tuple(dict.fromkeys(each for each in (link, *copies) if each))
        return (Media("gif" if is_moving else "photo", name, urls, width=width, height=height, poster=copy),)
    return ()


def _address(value: object) -> str | None:
    """An address, escaped or not."""
    from archiver import oembed

    return oembed.web_url(html.unescape(value)) if isinstance(value, str) else None


def _film(film: Mapping[str, Any], poster: str | None) -> Media:
    from archiver import oembed

    known = [url for name in ("fallback_url", "hls_url") if (url := _address(film.get(name)))]
    seconds = film.get("duration")
    key = re.search(r"v\.redd\.it/(\w+)", known[0]) if known else None
    return Media(
        "gif" if film.get("is_gif") is True else "video",
        key[1] if key else "video",
        tuple(known),
        width=oembed.pixels(film.get("width")),
        height=oembed.pixels(film.get("height")),
        duration=float(seconds) if isinstance(seconds, int | float) else None,
        poster=poster,
        variants=tuple(Variant(each, _HLS if ".m3u8" in each else "video/mp4") for each in known),
    )


def _sound(film: Mapping[str, Any], shown: Media) -> Iterator[Media]:
    """The sound of a film that is said to have one."""
    playlist = _address(film.get("hls_url"))
    if film.get("has_audio") is True and playlist:
        yield Media("audio", f"{shown.key}.sound", (playlist,), variants=(Variant(playlist, _HLS),))


_HLS = "application/vnd.apple.mpegurl"


def _listed(about: dict[str, Any]) -> Iterator[Media]:
    """`media_metadata`, in the gallery's order where there is one."""
    from archiver import oembed

    held, gallery = about.get("media_metadata"), about.get("gallery_data")
    if not isinstance(held, dict):
        return
    order = gallery.get("items") if isinstance(gallery, dict) else None
    captions = {
        str(each.get("media_id")): oembed.text(each.get("caption"))
        for each in (order if isinstance(order, list) else ())
        if isinstance(each, dict)
    }
    for key in captions or held:
        each, name = held.get(key), oembed.text(key)
        if not isinstance(each, dict) or name is None:
            continue
        if each.get("e") == "RedditVideo":
            playlist = _address(each.get("hlsUrl"))
            yield Media(
                "gif" if each.get("isGif") is True else "video",
                name[:100],
                (playlist,) if playlist else (),
                alt=captions.get(key),
                width=oembed.pixels(each.get("x")),
                height=oembed.pixels(each.get("y")),
                variants=(Variant(playlist, _HLS),) if playlist else (),
            )
            continue
        source = each.get("s")
        source = source if isinstance(source, dict) else {}
        moving = [oembed.web_url(html.unescape(str(source.get(name) or ""))) for name in ("gif", "mp4")]
        shown = oembed.web_url(html.unescape(str(source.get("u") or "")))
        # The preview's own file, in full: its address without signature, at i.redd.it (as gallery-dl takes it).
        whole = shown.partition("?")[0].replace("//preview.", "//i.", 1) if shown else None
        urls = [url for url in (*moving, whole, shown) if url]
        is_known = bool(urls) or each.get("e") in ("Image", "AnimatedImage")
        yield Media(
            "gif" if any(moving) or each.get("e") == "AnimatedImage" else "photo" if is_known else "unknown",
            name[:100],
            tuple(dict.fromkeys(urls)),
            alt=captions.get(key),
            width=oembed.pixels(source.get("x")),
            height=oembed.pixels(source.get("y")),
        )


def _extra(about: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    from archiver import oembed
    from archiver.model import timestamp
    from archiver.untyped import listing, mapping, number, pairs, string, web_url

    for name in ("title", "subreddit", "link_flair_text", "domain"):
        if said := oembed.text(about.get(name)):
            yield name, said
    for name in ("over_18", "spoiler", "locked", "edited"):
        if about.get(name):
            yield name, True
    edited = about.get("edited")
    if not isinstance(edited, bool) and (at := _moment(edited)):
        yield "edited_at", timestamp(at)
    poll = mapping(about.get("poll_data"))
    options = [mapping(each) for each in listing(poll.get("options"))]
    ends = number(poll.get("voting_end_timestamp"))
    ends_at = _moment(ends / 1000) if ends else None
    shown = mapping(mapping(about.get("secure_media") or about.get("media")).get("oembed"))
    yield from pairs(
        poll={
            "options": [
                {"title": string(each.get("text")), "votes": number(each.get("vote_count"))} for each in options
            ],
            "votes": number(poll.get("total_vote_count")),
            "ends_at": timestamp(ends_at) if ends_at else None,
        }
        if options
        else None,
        card={
            name: value
            for name, value in (
                ("title", string(shown.get("title"))),
                ("description", string(shown.get("description"))),
                ("author_name", string(shown.get("author_name"))),
                ("provider_name", string(shown.get("provider_name"))),
                ("thumb", web_url(shown.get("thumbnail_url"))),
            )
            if value
        },
    )


def _crosspost(about: dict[str, Any]) -> PostRef | None:
    parent = about.get("crosspost_parent")
    return PostRef("reddit", parent[3:]) if isinstance(parent, str) and re.fullmatch(r"t3_\w{3,10}", parent) else None


def _counts(about: dict[str, Any], *names: tuple[str, str]) -> tuple[tuple[str, int], ...]:
    return tuple((ours, about[theirs]) for theirs, ours in names if type(about.get(theirs)) is int)


def _permalink(about: dict[str, Any], ref: PostRef) -> str:
    path = about.get("permalink")
    is_path = isinstance(path, str) and re.fullmatch(r"/\w[!-~]*", path, re.ASCII)
    return f"https://www.reddit.com{path}" if is_path else url(ref)


def _moment(seconds: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC) if isinstance(seconds, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9: the title, the author and the permalink; never a text post's text, never media."""
    from archiver import oembed
    from archiver.errors import ParseError

    shown = oembed.read(capture)
    if isinstance(shown, Finding):
        return shown
    refs = [found for link in re.findall(r"href=[\"']([^\"']+)", shown.html or "") if (found := match(link))]
    post = ref.id.partition("/")[0]
    if refs and not any(found.id in {ref.id, post} for found in refs):
        raise ParseError(f"{capture.url}: asked for {ref}, shows {refs[0]}")
    about = {"author": shown.author_name}
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=_author(about),
            text=html.unescape(shown.title or ""),
            url=url(ref),
            is_truncated=True,
            extra=(("not_archived", "text, pictures and films, if it has any: oEmbed gives title and author"),),
        ),
    )


def _json(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers
    from archiver.model import Request

    capture = yield from answers.ask(Request(json_url(ref)))
    return capture if isinstance(capture, Finding) else read_json(capture, ref)


def _oembed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    capture = yield from answers.ask(oembed.request("https://www.reddit.com/oembed", url(ref)))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    """The forms that need no subreddit; their archived redirects lead to the one that has it."""
    post, _, comment = ref.id.partition("/")
    return (f"www.reddit.com/comments/{post}", *(() if comment else (f"redd.it/{post}",)))


#: What a source that shows a post whole gives of it.
_GIVES = (
    "text, author, account id, time, links, pictures, films, sound, alt text, answered post, quoted post, counts, "
    "poll, card, edits, warnings"
)


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "json",
            Rank.FIRST_HAND,
            _json,
            ("www.reddit.com", "i.redd.it", "v.redd.it"),
            "Reddit's permalink as JSON: keyless; refuses (403, 429) many programs and most data centres. A film's MP4 "
            "is silent: its sound is taken from the film's HLS playlist. Pictures that a post shows from other hosts "
            "are asked of those.",
            gives=parts(_GIVES),
        ),
        Source(
            "oembed",
            Rank.FIRST_HAND,
            _oembed,
            ("www.reddit.com",),
            "Reddit's oEmbed: keyless, limits not published. Title and author only.",
            is_whole=False,
            gives=parts("text, author"),
        ),
        wayback(
            _addresses,
            read_json,
            lambda row: ".json" in row.original,
            "Only archived JSON is read, which is rare.",
            _GIVES,
        ),
    )


PLATFORM = Platform(
    name="reddit",
    match=match,
    url=url,
    example=Example("abc123", "example", "https://www.reddit.com/r/example/s/abc456GHIJ"),
    sources=_sources,
    resolve=_resolve,
    markup=Markup(
        screens=(
            r"(?:reddit|rxddit|redditmedia)\.com/+(?:(?:r|u|user)/[\w.-]{1,60}/+)?(?:comments|gallery|tb)/+[0-9a-z]{3}",
            r"redd\.it/[0-9a-z]{3}",
            r"reddit-(?:card|embed)",
            r"reddit\.com/(?:r|u|user)/[\w.-]{2,30}/s/\w",
        ),
        classes=("reddit-card", "reddit-embed-bq", "reddit-embed"),
        # Its code puts no space before its links, so that without them `by` and the name are one word.
        bylines=(
            r"(?m:(?:^[ \t>]*by[ \xa0]?|by(?=u/)))(?P<name>)u/(?P<handle>[\w-]{3,20}) ?\n? ?"
            r"in[ \xa0\n]{0,2}(?:r/)?[A-Za-z]\w{2,20}",
        ),
        byline_screens=(r"by ?u/\w",),
        tags=("amp-reddit", "shreddit-embed"),
        shortlink=r"(?:https?:)?//(?:[\w-]+\.)?reddit\.com/r/\w{2,30}/s/(\w{5,20})(?:[/?#].*)?",
    ),
)
