"""Rumble: videos (PLATFORMS.md 1.2). One video has two ids: its embed code's, by which it is known here, and its
page's, which only the page itself can translate. Neither carries a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archiver.model import (
    Author,
    Candidate,
    Capture,
    Claim,
    Evidence,
    Finding,
    Look,
    Media,
    Outcome,
    Post,
    PostRef,
    Rank,
    Reason,
    Resolution,
    Resolving,
    Variant,
)
from archiver.platforms import Example, Markup, Platform, Source, parts

_HOST = r"(?:https?:)?//(?:www\.)?rumble\.com/+"
_ID = r"(v[0-9a-z]{3,12})(?![0-9a-z.])"
#: An embed code may name who embeds before the video: `/embed/ufe9n.v5pv5f/`.
_EMBED = re.compile(_HOST + r"embed/(?:[0-9a-z]{1,12}\.)?" + _ID, re.ASCII | re.IGNORECASE)
_PAGE = r"(?:https?:)?//(?:www\.)?rumble\.com/(v[0-9a-z]{3,12})-[^/?#\s\"'<>]{0,300}\.html(?:[?#].*)?"
#: Where a page says which embed code is its own (yt-dlp's rumble extractor, `_EMBED_REGEX`).
_OWN = re.compile(r"[\"']embedUrl[\"']\s*:\s*[\"'](https?:[^\"']{1,200})[\"']")
_CHANNEL = re.compile(_HOST + r"(?:c|user)/([\w.-]{1,100})", re.ASCII | re.IGNORECASE)


def match(url: str) -> PostRef | None:
    """The video an embed code's address names; a page's names it only by asking."""
    found = _EMBED.match(url)
    return PostRef("rumble", found[1].lower()) if found else None


def url(ref: PostRef) -> str:
    return f"https://rumble.com/embed/{ref.id}/"


def _resolve(claim: Claim, url: str | None) -> Resolving:
    """A page's own embed code, out of the page: one request."""
    from archiver import answers
    from archiver.model import Request

    if url and (ref := match(url)):
        return Resolution(ref, Reason.OK, "url", (Evidence("url", url),))
    found = re.match(_PAGE, url, re.IGNORECASE) if url else None
    if url is None or found is None:
        return Resolution(None, Reason.NO_LINK, evidence=(Evidence("none", "no link to a video"),))
    page = re.sub(r"^(?:https?:)?//", "https://", url, flags=re.IGNORECASE)
    answer = yield from answers.ask(Request(page))
    if isinstance(answer, Finding):
        return Resolution(None, answer.reason, evidence=(Evidence("page", f"{page}: {answer.reason.value}"),))
    if refused := answers.refused(answer):
        reason = Reason.LINK_DEAD if refused.reason is Reason.NOT_FOUND else refused.reason
        told = Evidence("page", f"{page}: status {answer.status}, {reason.value}", answer.id)
        return Resolution(None, reason, evidence=(told,))
    named = [each.replace("\\/", "/") for each in _OWN.findall(answer.text[:2_000_000])]
    refs = list(dict.fromkeys(ref for each in named if (ref := match(each))))
    told = Evidence("page", f"{page} names {', '.join(map(str, refs)) or 'no embed code'}", answer.id)
    if len(refs) == 1:
        return Resolution(refs[0], Reason.OK, "page", (told,))
    if refs:
        candidates = tuple(Candidate(ref, 1 / len(refs), ("the page names several",)) for ref in refs)
        return Resolution(None, Reason.AMBIGUOUS, evidence=(told,), candidates=candidates)
    wall = answers.walled(answer)
    return Resolution(None, wall.reason if wall else Reason.LINK_ELSEWHERE, evidence=(told,))


def read_video(capture: Capture, ref: PostRef) -> Finding:
    """What the player is told (as read by yt-dlp's rumble extractor): title, author, time, and every encoding. It does
    not name the video it is about; a message of the system's own is kept where there is no video."""
    from archiver import answers
    from archiver.untyped import mapping, moment, number, pairs, string, web_url

    if refused := answers.refused(capture, answers.words_of(capture)):
        return refused
    value = answers.payload(capture)
    if isinstance(value, Finding):
        return value
    about = mapping(value)
    words = string(mapping(about.get("sys")).get("msg"))
    title = string(about.get("title")) if "ua" in about else None
    if title is None:
        return answers.absent(Reason.UNKNOWN, words)
    author = mapping(about.get("author"))
    channel = web_url(author.get("url"))
    named = _CHANNEL.match(channel) if channel else None
    is_live = number(about.get("live")) == 2
    encodings = sorted(_encodings(about.get("ua")), key=lambda each: each[:2], reverse=True)
    playlists = [variant for _, _, variant, _ in encodings if variant.content_type == _HLS]
    files = [each for each in encodings if each[2].content_type != _HLS]
    shape = files[0][3] if files else (None, None)
    still = web_url(about.get("i"))
    seconds = number(about.get("duration"))
    film = Media(
        "video",
        "video",
        tuple(variant.url for _, _, variant, _ in files) + tuple(variant.url for variant in playlists),
        None,
        *shape,
        float(seconds) if seconds and not is_live else None,
        still,
        (*(variant for _, _, variant, _ in files), *playlists),
    )
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(named[1] if named else None, string(author.get("name")), None, channel),
            text=title,
            created_at=moment(about.get("pubDate")),
            url=url(ref),
            media=(film,),
            extra=pairs(
                is_live=is_live or None,
                captions={
                    language: path
                    for language, each in mapping(about.get("cc")).items()
                    if (path := web_url(mapping(each).get("path")))
                },
            ),
        ),
        tombstone=words,
    )


_HLS = "application/vnd.apple.mpegurl"
#: Kinds of encodings that are no film by themselves: a strip of stills, the sound, an archive of segments.
_NO_FILM = ("timeline", "audio", "tar")


def _encodings(shown: Any) -> Iterator[tuple[int, int, Variant, tuple[int | None, int | None]]]:
    """Each encoding of a film: pixels, bits a second, address, (width, height). A kind's encodings are listed, or filed
    by their height."""
    from archiver.untyped import listing, mapping, number, size, web_url

    for kind, each in mapping(shown).items():
        if kind in _NO_FILM:
            continue
        filed: list[tuple[str | None, Any]] = list(mapping(each).items())
        filed = filed or [(None, one) for one in listing(each)]
        for height, encoding in filed:
            about = mapping(mapping(encoding).get("meta"))
            address = web_url(mapping(encoding).get("url"))
            if address is None:
                continue
            wide, high = size(about.get("w")), size(about.get("h")) or size(height)
            bits = (number(about.get("bitrate")) or 0) * 1000
            type = _HLS if kind == "hls" else f"video/{kind}" if kind in ("mp4", "webm") else None
            yield (wide or 0) * (high or 0) or (high or 0), bits, Variant(address, type, bits or None), (wide, high)


def _player(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers
    from archiver.model import Request

    address = f"https://rumble.com/embedJS/u3/?request=video&ver=2&v={ref.id}"
    capture = yield from answers.ask(Request(address))
    return capture if isinstance(capture, Finding) else read_video(capture, ref)


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "player",
            Rank.FIRST_HAND,
            _player,
            ("rumble.com", "its media hosts"),
            "What Rumble's own player asks for: keyless, limits not published. Title, author, time and every encoding "
            "of the film; not its description.",
            gives=parts("text, author, time, films, captions"),
        ),
    )


PLATFORM = Platform(
    name="rumble",
    match=match,
    url=url,
    example=Example("v5pv5f", link="https://rumble.com/v5nkg6u-example-video.html"),
    resolve=_resolve,
    sources=_sources,
    markup=Markup(
        screens=(r"rumble\.com/(?:embed/)?(?:[0-9a-z]{1,12}\.)?v[0-9a-z]{3}", r"Rumble\(\s{0,9}[\"']play"),
        calls=(r"""\bRumble\(\s*["']play["']\s*,\s*\{[^}]{0,300}?["']?video["']?\s*:\s*["'](v[0-9a-z]{3,12})["']""",),
        shortlink=_PAGE,
    ),
)
