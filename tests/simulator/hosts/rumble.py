"""rumble.com: pages, the player's question and answer, and films (PLATFORMS.md 1.2; what yt-dlp's extractor asks and
reads). Making a `Channel` puts its hosts into the world."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass
from typing import Any

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, document
from tests.simulator.exchange import html as page
from tests.simulator.world import World

FILES = "sp.rmbl.example"


@dataclass(frozen=True, slots=True)
class Video:
    """One video: `id` is its embed code's, `page` its page's."""

    id: str
    page: str
    title: str
    author: str
    created_at: dt.datetime
    seconds: float = 2.0

    @property
    def url(self) -> str:
        return f"https://rumble.com/{self.page}-a-title.html"

    @property
    def embed(self) -> str:
        return f"https://rumble.com/embed/{self.id}/"

    def film(self, height: int) -> bytes:
        return films.video(f"{self.id}-{height}", height * 16 // 9 // 2 * 2, height, self.seconds)


class Channel:
    """All that is on Rumble in one world. `sizes` are the heights that films are served in."""

    sizes = (240, 360)

    def __init__(self, world: World) -> None:
        self.videos: dict[str, Video] = {}
        self.deleted: set[str] = set()
        world.others |= {"rumble.com": self.answer, FILES: self.file}

    def publish(self, id: str, page: str, title: str, created_at: dt.datetime, author: str = "Harbour") -> Video:
        self.videos[id] = Video(id, page, title, author, created_at)
        return self.videos[id]

    def answer(self, world: World, request: Request) -> Response:
        if request.path == "/embedJS/u3/":
            video = self._there(request.query.get("v", ""))
            return document(self.player(video)) if video else document(False)
        for video in self.videos.values():
            if request.path == f"/{video.page}-a-title.html" and self._there(video.id):
                about = (
                    f'<script type="application/ld+json">{{"@type":"VideoObject","embedUrl":"{video.embed}"}}</script>'
                )
                related = '<a href="https://rumble.com/vother-another.html">Another</a>'
                return page(f"<html><head><title>{html.escape(video.title)}</title>{about}</head>{related}</html>")
            if request.path.startswith("/embed/") and request.path.strip("/").endswith(video.id):
                return page(f"<html><head><title>{html.escape(video.title)}</title></head></html>")
        return page("<html><head><title>404 - Not found</title></head></html>", 404)

    def _there(self, id: str) -> Video | None:
        return None if id in self.deleted else self.videos.get(id)

    def player(self, video: Video) -> dict[str, Any]:
        return {
            "fps": 30, "w": 640, "h": 360, "title": video.title, "duration": int(video.seconds), "live": 0,
            "livestream_has_dvr": None, "pubDate": video.created_at.isoformat(),
            "author": {"name": video.author, "url": "https://rumble.com/c/HarbourWatch"},
            "i": f"https://{FILES}/{video.id}.jpg", "t": [{"i": f"https://{FILES}/{video.id}.jpg", "w": 640, "h": 360}],
            "cc": {"en": {"language": "English", "path": f"https://{FILES}/{video.id}.vtt"}},
            "ua": {
                "mp4": {
                    str(height): {
                        "url": f"https://{FILES}/{video.id}-{height}.mp4",
                        "meta": {
                            "bitrate": height, "size": len(video.film(height)), "w": height * 16 // 9, "h": height,
                        },
                    }
                    for height in self.sizes
                },
                "timeline": {"180": {"url": f"https://{FILES}/{video.id}-timeline.mp4", "meta": {"w": 320, "h": 180}}},
                "audio": {"192": {"url": f"https://{FILES}/{video.id}.aac", "meta": {"bitrate": 192}}},
                "tar": {"360": {"url": f"https://{FILES}/{video.id}.tar", "meta": {"bitrate": 900, "h": 360}}},
            },
        }  # fmt: skip

    def file(self, world: World, request: Request) -> Response:
        name = request.path.strip("/")
        for video in self.videos.values():
            if name == f"{video.id}.jpg":
                return Response(200, (("content-type", "image/jpeg"),), films.photo(video.id, 640, 360))
            for height in self.sizes:
                if name == f"{video.id}-{height}.mp4":
                    return Response(200, (("content-type", "video/mp4"),), video.film(height))
        return Response(404)
