"""YouTube: videos, shorts and streams (PLATFORMS.md 1.2). An id carries no time."""

from __future__ import annotations

import datetime as dt
import re

from archiver.model import Author, Capture, Claim, Finding, Look, Media, Outcome, Post, PostRef, Rank, Reason
from archiver.platforms import Example, Markup, Platform, Source, parts, wayback

_ID = r"((?!videoseries|live_stream)[0-9A-Za-z_-]{11})(?![0-9A-Za-z_-])"
_PATH = re.compile(
    r"(?:https?:)?//(?!img\.|i\d?\.)(?:[\w-]+\.)*(?:youtube(?:-nocookie|education|kids)?\.com|youtube\.googleapis\.com|yewtu\.be|"
    r"[\w.-]*invidious[\w.-]*|piped\.[\w.-]+)(?::\d+)?/+(?:embed|v|e|shorts|live|video|watch|w)/+" + _ID,
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?:https?:)?//(?:www\.)?youtu\.be/+(?:watch\?(?:[^#]*&(?:amp;)?)?v=|embed/|v/)?" + _ID, re.IGNORECASE
)
_QUERY = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*(?:youtube(?:-nocookie)?\.com|yewtu\.be|[\w.-]*invidious[\w.-]*|piped\.[\w.-]+)(?::\d+)?"
    r"/+(?:watch(?:_popup)?|movie|ytscreeningroom)?/?(?:#/watch|#!)?\?(?:[^#\s]*?&(?:amp;)?)?vi?=" + _ID,
    re.IGNORECASE,
)


def match(url: str) -> PostRef | None:
    """The video a URL names; None for channels, playlists and searches."""
    found = _PATH.match(url) or _SHORT.match(url) or _QUERY.match(url)
    return PostRef("youtube", found[1]) if found else None


def url(ref: PostRef) -> str:
    return f"https://www.youtube.com/watch?v={ref.id}"


_VIDEO_ID = r"([0-9A-Za-z_-]{11})"

_SHOWN = re.compile(r"/(?:embed|vi|vi_webp|shorts)/([0-9A-Za-z_-]{11})(?![0-9A-Za-z_-])")
_PLAYER = re.compile(r"ytInitialPlayerResponse\s*=\s*(?=\{)")
_CHANNEL = re.compile(r"https?://(?:www\.)?youtube\.com/(?:@([^/?#]{1,100})|channel/(UC[\w-]{22}))", re.ASCII)


def read_oembed(capture: Capture, ref: PostRef) -> Finding:
    """PLATFORMS.md 3.9. 404 is missing. 401 and 403 in YouTube's own words mean a private video or one that may not be
    embedded (which of them is not said); a page with such a status is a refusal of us, not of the video."""
    import dataclasses

    from archiver import answers, oembed
    from archiver.errors import ParseError

    shown = oembed.read(capture)
    if isinstance(shown, Finding):
        is_spoken = bool(answers.words_of(capture)) or not capture.payload.size
        if capture.status in {401, 403} and is_spoken and not answers.walled(capture):
            return dataclasses.replace(shown, outcome=Outcome.HIDDEN, reason=Reason.UNKNOWN)
        return shown
    ids = set(_SHOWN.findall(f"{shown.html or ''} {shown.thumbnail_url or ''}"))
    if ids and ref.id not in ids:
        raise ParseError(f"{capture.url}: asked for {ref}, shows {sorted(ids)[0]}")
    channel = _CHANNEL.match(shown.author_url or "")
    author = Author(
        channel[1] if channel else None, shown.author_name, channel[2] if channel else None, shown.author_url
    )
    still = [f"https://i.ytimg.com/vi/{ref.id}/maxresdefault.jpg"] if shown.thumbnail_url else []
    still += [shown.thumbnail_url] if shown.thumbnail_url else []
    media = [Media("photo", "thumbnail", tuple(still), None, shown.thumbnail_width, shown.thumbnail_height)]
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=author,
            text=shown.title or "",
            url=url(ref),
            # The film is named without an address: it is missing from the archive, and counted so.
            media=(*(media if still else ()), Media("video", "video", ())),
            is_truncated=True,
            extra=(("not_archived", "the video itself and its description: oEmbed gives title, author and a still"),),
        ),
    )


def _oembed(ref: PostRef, claim: Claim) -> Look:
    from archiver import answers, oembed

    capture = yield from answers.ask(oembed.request("https://www.youtube.com/oembed", url(ref), ("format", "json")))
    return capture if isinstance(capture, Finding) else read_oembed(capture, ref)


def _addresses(ref: PostRef, claim: Claim) -> tuple[str, ...]:
    return f"www.youtube.com/watch?v={ref.id}", f"youtu.be/{ref.id}", f"www.youtube.com/embed/{ref.id}"


def read_archived(capture: Capture, ref: PostRef) -> Finding:
    """An archived watch page, by what its player was given: `ytInitialPlayerResponse` with `videoDetails` and
    `microformat` (as read by yt-dlp's youtube extractor). A consent page or a bare program has none of it."""
    import json

    from archiver import answers
    from archiver.errors import ParseError
    from archiver.untyped import counts, listing, mapping, moment, number, pairs, size, string, web_url

    found = _PLAYER.search(capture.text)
    if found is None:
        return answers.walled(capture) or answers.absent(Reason.UNKNOWN, "a page without its player's answer")
    try:
        player, _ = json.JSONDecoder().raw_decode(capture.text, found.end())
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{capture.url}: a player's answer that is not JSON: {error}") from error
    details = mapping(mapping(player).get("videoDetails"))
    about = mapping(mapping(mapping(player).get("microformat")).get("playerMicroformatRenderer"))
    if not details:
        status = mapping(mapping(player).get("playabilityStatus"))
        words = string(status.get("reason")) or string(status.get("status"))
        return answers.absent(Reason.UNKNOWN, words)
    if details.get("videoId") != ref.id:
        raise ParseError(f"{capture.url}: asked for {ref.id}, shows {details.get('videoId')!r:.40}")
    stills = [mapping(each) for each in listing(mapping(details.get("thumbnail")).get("thumbnails"))]
    stills = sorted(
        (each for each in stills if web_url(each.get("url"))), key=lambda each: -(size(each.get("width")) or 0)
    )
    channel = web_url(about.get("ownerProfileUrl"))
    handle = _CHANNEL.match(channel.replace("http://", "https://")) if channel else None
    thumbnail = Media("photo", "thumbnail", tuple(str(each["url"]) for each in stills))
    published = string(about.get("publishDate"))
    at = moment(published) if published and "T" in published else None
    seconds = number(details.get("lengthSeconds"))
    tracks = mapping(mapping(mapping(player).get("captions")).get("playerCaptionsTracklistRenderer"))
    return Finding(
        Outcome.FOUND,
        Reason.OK,
        Post(
            ref=ref,
            author=Author(
                handle[1] if handle else None, string(details.get("author")), string(details.get("channelId")), channel
            ),
            text=string(details.get("title")) or "",
            created_at=at,
            created_on=_day(published) if at is None else None,
            url=url(ref),
            media=(
                *((thumbnail,) if stills else ()),
                Media("video", "video", (), duration=float(seconds) if seconds else None),
            ),
            counts=counts(views=details.get("viewCount")),
            extra=pairs(
                description=string(details.get("shortDescription")),
                keywords=[each for each in map(string, listing(details.get("keywords"))) if each],
                captions={
                    language: address
                    for each in map(mapping, listing(tracks.get("captionTracks")))
                    if (language := string(each.get("languageCode"))) and (address := web_url(each.get("baseUrl")))
                },
                not_archived="the video itself",
            ),
        ),
    )


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _sources() -> tuple[Source, ...]:
    return (
        Source(
            "oembed",
            Rank.FIRST_HAND,
            _oembed,
            ("www.youtube.com", "i.ytimg.com"),
            "YouTube's oEmbed: keyless, limits not published. Title, author and a still; neither the video, nor its "
            "description, nor its date.",
            is_whole=False,
            gives=parts("text, author, account id, pictures"),
        ),
        wayback(
            _addresses,
            read_archived,
            terms="Watch pages state title, description, author, date and views.",
            gives="text, author, account id, time, day, pictures, counts, description, captions",
        ),
    )


PLATFORM = Platform(
    name="youtube",
    match=match,
    url=url,
    example=Example("dQw4w9WgXcQ"),
    sources=_sources,
    markup=Markup(
        screens=(
            r"youtube(?:-nocookie)?\.com/(?:embed|v|e|shorts|live|video|watch|w)/[\w-]{11}",
            r"(?:youtube\.googleapis\.com|yewtu\.be|invidious|piped\.[a-z])",
            r"youtu\.be/",
            r"/watch(?:_popup)?/?{?}v{=}[\w-]{11}",
            r"(?:&|&amp;|\\u0026)v{=}[\w-]{11}",
            r"lite-youtube",
            r"amp-youtube",
            r"(?:video|youtube|yt)-?_?(?:video-?)?id\s?=",
            r"youtube[\w -]{0,40}[\"']\s{1,3}data-(?:id|video|embed)=",
            r"\bdata-(?:id|video|embed)=[\"'][\w-]{11}[\"']",
        ),
        tags=("lite-youtube", "amp-youtube", "youtube-video"),
        attributes=(
            ("data-videoid", _VIDEO_ID),
            ("videoid", _VIDEO_ID),
            ("data-youtube-id", _VIDEO_ID),
            ("data-youtubeid", _VIDEO_ID),
            ("data-yt-id", _VIDEO_ID),
            ("data-ytid", _VIDEO_ID),
            ("youtube-id", _VIDEO_ID),
            ("data-id@", _VIDEO_ID),
            ("data-video@", _VIDEO_ID),
            ("data-embed@", _VIDEO_ID),
            ("data-video-id@", _VIDEO_ID),
            ("video-id@", _VIDEO_ID),
        ),
    ),
)
