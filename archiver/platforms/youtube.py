"""YouTube: videos, shorts and streams (PLATFORMS.md 1.2). An id carries no time."""

from __future__ import annotations

import re

from archiver.model import PostRef
from archiver.platforms import Markup, Platform

_ID = r"((?!videoseries|live_stream)[0-9A-Za-z_-]{11})(?![0-9A-Za-z_-])"
_PATH = re.compile(
    r"(?:https?:)?//(?:[\w-]+\.)*(?:youtube(?:-nocookie|education|kids)?\.com|youtube\.googleapis\.com|yewtu\.be|"
    r"[\w.-]*invidious[\w.-]*|piped\.[\w.-]+)(?::\d+)?/+(?:embed|v|e|vi|shorts|live|video|watch|w)/+" + _ID,
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

PLATFORM = Platform(
    name="youtube",
    match=match,
    url=url,
    markup=Markup(
        screens=(
            r"youtube(?:-nocookie)?\.com/(?:embed|v|e|vi|shorts|live|video|watch|w)/[\w-]{11}",
            r"(?:youtube\.googleapis\.com|yewtu\.be|invidious|\bpiped\.[a-z])",
            r"youtu\.be/",
            r"/watch(?:_popup)?/?{?}v{=}[\w-]{11}",
            r"(?:&|&amp;|\\u0026)v{=}[\w-]{11}",
            r"lite-youtube",
            r"amp-youtube",
            r"\b(?:video|youtube|yt)-?_?(?:video-?)?id\s?=",
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
