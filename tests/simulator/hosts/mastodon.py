"""Servers of the fediverse as strangers see them (PLATFORMS.md 1.2 and 3.8): API, ActivityPub, oEmbed, files.

Each server has its own ids; a copy of another server's post has another id there. Truth Social answers alike.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, document, redirect
from tests.simulator.world import Film, Medium, World

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
_ACTIVITY = (("content-type", "application/activity+json; charset=utf-8"), ("vary", "Accept"))
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@dataclass(frozen=True, slots=True)
class Status:
    """A status on one server. `origin` is the status it is a copy of."""

    host: str
    id: str
    user: str
    name: str
    text: str
    created_at: dt.datetime
    media: tuple[Medium, ...] = ()
    visibility: str = "public"
    spoiler: str = ""
    poll: tuple[str, ...] = ()
    card: dict[str, str] | None = None
    edited_at: dt.datetime | None = None
    reply_to: str | None = None
    quotes: Status | None = None
    origin: Status | None = None

    @property
    def home(self) -> str:
        return self.origin.home if self.origin else self.host

    @property
    def acct(self) -> str:
        return f"{self.user}@{self.home}" if self.origin else self.user

    @property
    def url(self) -> str:
        """The page on this server."""
        return f"https://{self.host}/@{self.acct}/{self.id}"

    @property
    def uri(self) -> str:
        return self.origin.uri if self.origin else f"https://{self.host}/users/{self.user}/statuses/{self.id}"

    @property
    def content(self) -> str:
        paragraphs = []
        for paragraph in self.text.split("\n\n"):
            markup = html.escape(paragraph, quote=False).replace("\n", "<br />")
            paragraphs.append(f"<p>{_LINK.sub(_shortened, markup)}</p>")
        return "".join(paragraphs)


def _shortened(found: re.Match[str]) -> str:
    """A link as Mastodon writes it: all of it there, some of it unseen."""
    scheme, _, rest = found[0].partition("://")
    return (
        f'<a href="{found[0]}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">{scheme}://'
        f'</span><span class="ellipsis">{rest[:20]}</span><span class="invisible">{rest[20:]}</span></a>'
    )


def iso(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Fediverse:
    """All servers in one world. A server is there once it has a status or is named in `server`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.statuses: dict[tuple[str, str], Status] = {}
        self.deleted: set[tuple[str, str]] = set()
        #: Servers that show nothing to strangers: API and ActivityPub answer 401.
        self.closed: set[str] = set()
        #: What a server's ActivityPub says of a deleted status: 404, or 410 with a Tombstone.
        self.tombstones: set[str] = set()

    def server(self, host: str) -> str:
        self.world.others[host] = self.answer
        self.world.others[f"files.{host}"] = self.file
        return host

    def post(
        self,
        host: str,
        user: str,
        text: str,
        created_at: dt.datetime,
        media: Sequence[Medium] = (),
        *,
        name: str | None = None,
        **how: Any,
    ) -> Status:
        """Publish a status on a server."""
        self.server(host)
        id = str((int(created_at.timestamp() * 1000) << 16) | len(self.statuses))
        made = tuple(
            dataclasses.replace(medium, key=films.digest(id, place).hex()[:16], id=str(int(id) - 1000 + place))
            for place, medium in enumerate(media)
        )
        status = Status(host, id, user, name or user, text, created_at, made, **how)
        self.statuses[host, id] = status
        return status

    def copy(self, status: Status, host: str) -> Status:
        """The copy of a status that another server keeps, under an id of its own."""
        self.server(host)
        id = str((int(status.created_at.timestamp() * 1000) << 16) | 0x8000 | len(self.statuses))
        copied = dataclasses.replace(status, host=host, id=id, origin=status)
        self.statuses[host, id] = copied
        return copied

    def edit(self, status: Status, text: str, at: dt.datetime) -> Status:
        edited = dataclasses.replace(status, text=text, edited_at=at)
        self.statuses[status.host, status.id] = edited
        return edited

    def delete(self, status: Status) -> None:
        self.deleted.add((status.host, status.id))

    def answer(self, world: World, request: Request) -> Response:
        host, path = request.host, request.path
        if found := re.fullmatch(r"/api/v1/statuses/(\d+)", path):
            if host in self.closed:
                return document({"error": "This method requires an authenticated user"}, 401)
            status = self._visible(host, found[1])
            return document(self.status(status)) if status else document({"error": "Record not found"}, 404)
        if path == "/api/v2/instance" or path == "/api/v1/instance":
            return document({"uri": host, "domain": host, "title": host, "version": "4.5.2", "stats": {}, "urls": {}})
        if path == "/api/oembed":
            match = re.match(
                rf"https://{re.escape(host)}/(?:@|users/)[^/]+/(?:statuses/)?(\d+)", request.query.get("url", "")
            )
            status = self._visible(host, match[1]) if match else None
            return document(self.oembed(status)) if status else document({"error": "Record not found"}, 404)
        if found := re.fullmatch(r"/(?:users/|@)([\w.-]+)/(?:statuses/)?(\d+)", path):
            is_wanted = "activity+json" in (request.header("accept") or "")
            status = self._visible(host, found[2])
            if status is not None and status.user != found[1]:
                status = None
            if not is_wanted:
                return Response(200 if status else 404, (("content-type", "text/html"),), b"<div id='mastodon'></div>")
            if host in self.closed:
                return document({"error": "Request not signed"}, 401)
            if status is None:
                if host in self.tombstones and (host, found[2]) in self.deleted:
                    gone = {"@context": "https://www.w3.org/ns/activitystreams", "type": "Tombstone"}
                    return document(gone | {"id": f"https://{host}{path}"}, 410, _ACTIVITY)
                return document({"error": "Not Found"}, 404)
            if status.origin:
                return redirect(status.uri, 302)
            return Response(200, _ACTIVITY, document(self.note(status)).body)
        return Response(404, (("content-type", "text/html"),), b"<h1>404</h1>")

    def _visible(self, host: str, id: str) -> Status | None:
        status = self.statuses.get((host, id))
        if status is None or (host, id) in self.deleted or status.created_at > self.world.clock.now:
            return None
        return status if status.visibility in ("public", "unlisted") else None

    def file(self, world: World, request: Request) -> Response:
        for status in self.statuses.values():
            for medium in status.media:
                if status.host == request.host.removeprefix("files.") and request.path.rpartition("/")[2].startswith(
                    medium.key
                ):
                    if "/small/" in request.path:
                        return Response(200, (("content-type", "image/png"),), films.photo(medium.key, 64, 48, "png"))
                    kind = "video/mp4" if isinstance(medium, Film) else "image/jpeg"
                    return Response(200, (("content-type", kind),), medium.bytes())
        return Response(404)

    # --- forms ---

    @staticmethod
    def file_url(status: Status, medium: Medium, form: str = "original") -> str:
        number = medium.id.zfill(18)
        folders = "/".join(number[place : place + 3] for place in range(0, 18, 3))
        end = "mp4" if isinstance(medium, Film) and form == "original" else "jpg" if form == "original" else "png"
        cache = "cache/" if status.origin else ""
        return f"https://files.{status.host}/{cache}media_attachments/files/{folders}/{form}/{medium.key}.{end}"

    def status(self, status: Status, depth: int = 1) -> dict[str, Any]:
        """The API's Status entity."""
        tally = films.digest("tally", status.uri)
        user_url = f"https://{status.home}/@{status.user}"
        return {
            "id": status.id,
            "created_at": iso(status.created_at),
            "in_reply_to_id": status.reply_to,
            "in_reply_to_account_id": None,
            "sensitive": bool(status.spoiler),
            "spoiler_text": status.spoiler,
            "visibility": status.visibility,
            "language": "en",
            "uri": status.uri,
            "url": status.origin.url if status.origin else status.url,
            "replies_count": tally[0] % 30,
            "reblogs_count": tally[1],
            "favourites_count": tally[2] * 3,
            "quotes_count": tally[3] % 9,
            "edited_at": iso(status.edited_at) if status.edited_at else None,
            "content": status.content,
            "reblog": None,
            "account": {
                "id": str(int.from_bytes(films.digest(status.host, status.acct)[:6], "big")),
                "username": status.user,
                "acct": status.acct,
                "display_name": status.name,
                "locked": False,
                "bot": False,
                "created_at": "2018-03-04T00:00:00.000Z",
                "note": "",
                "url": user_url,
                "uri": f"https://{status.home}/users/{status.user}",
                "avatar": f"https://files.{status.host}/avatar.png",
                "emojis": [],
                "fields": [],
            },
            "media_attachments": [self._attachment(status, medium) for medium in status.media],
            "mentions": [],
            "tags": [
                {"name": tag, "url": f"https://{status.host}/tags/{tag}"} for tag in re.findall(r"#(\w+)", status.text)
            ],
            "emojis": [],
            "card": status.card,
            "poll": {
                "id": "7",
                "expires_at": iso(status.created_at + dt.timedelta(days=1)),
                "expired": True,
                "multiple": False,
                "votes_count": 3 * len(status.poll),
                "options": [{"title": title, "votes_count": 3} for title in status.poll],
                "emojis": [],
            }
            if status.poll
            else None,
            "quote": {"state": "accepted", "quoted_status": self.status(status.quotes, depth - 1)}
            if status.quotes and depth
            else None,
        }

    def _attachment(self, status: Status, medium: Medium) -> dict[str, Any]:
        kind = "image"
        if isinstance(medium, Film):
            kind = "gifv" if medium.kind == "animated_gif" else "video"
        original: dict[str, Any] = {"width": medium.width, "height": medium.height}
        if isinstance(medium, Film):
            original |= {"frame_rate": "10/1", "duration": medium.seconds, "bitrate": 800000}
        else:
            original |= {"size": f"{medium.width}x{medium.height}", "aspect": medium.width / medium.height}
        return {
            "id": medium.id,
            "type": kind,
            "url": self.file_url(status, medium),
            "preview_url": self.file_url(status, medium, "small"),
            "remote_url": self.file_url(status.origin, medium) if status.origin else None,
            "meta": {"original": original},
            "description": medium.alt,
            "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
        }

    def note(self, status: Status) -> dict[str, Any]:
        """The ActivityPub object: a Note, or a Question where there is a poll."""
        actor = f"https://{status.host}/users/{status.user}"
        options = [
            {"type": "Note", "name": title, "replies": {"type": "Collection", "totalItems": 3}} for title in status.poll
        ]
        return {
            "@context": ["https://www.w3.org/ns/activitystreams", {"sensitive": "as:sensitive"}],
            "id": status.uri,
            "type": "Question" if options else "Note",
            "summary": status.spoiler or None,
            "inReplyTo": f"{actor}/statuses/{status.reply_to}" if status.reply_to else None,
            "published": status.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"updated": iso(status.edited_at)} if status.edited_at else {}),
            "url": status.url,
            "attributedTo": actor,
            "to": [PUBLIC] if status.visibility == "public" else [f"{actor}/followers"],
            "cc": [f"{actor}/followers"] if status.visibility == "public" else [PUBLIC],
            "sensitive": bool(status.spoiler),
            "content": status.content,
            "contentMap": {"en": status.content},
            "attachment": [
                {
                    "type": "Document",
                    "mediaType": "video/mp4" if isinstance(medium, Film) else "image/jpeg",
                    "url": self.file_url(status, medium),
                    "name": medium.alt,
                    "width": medium.width,
                    "height": medium.height,
                }
                for medium in status.media
            ],
            "tag": [
                {"type": "Hashtag", "href": f"https://{status.host}/tags/{tag.lower()}", "name": f"#{tag}"}
                for tag in re.findall(r"#(\w+)", status.text)
            ],
            "likes": {"id": f"{status.uri}/likes", "type": "Collection", "totalItems": 3},
            "shares": {"id": f"{status.uri}/shares", "type": "Collection", "totalItems": 1},
            **({"oneOf": options, "endTime": iso(status.created_at + dt.timedelta(days=1))} if options else {}),
        }

    @staticmethod
    def embed_code(status: Status) -> str:
        """The iframe of before 4.3, which is also Truth Social's under another class."""
        kind = "truthsocial-embed" if "truthsocial" in status.host else "mastodon-embed"
        return (
            f'<iframe src="{status.url}/embed" class="{kind}" style="max-width: 100%; border: 0" width="400" '
            f'allowfullscreen="allowfullscreen"></iframe><script src="https://{status.host}/embed.js" async="async">'
            "</script>"
        )

    def oembed(self, status: Status) -> dict[str, Any]:
        return {
            "type": "rich",
            "version": "1.0",
            "title": f"New status by {status.user}",
            "author_name": status.name,
            "author_url": f"https://{status.home}/@{status.user}",
            "provider_name": status.host,
            "provider_url": f"https://{status.host}/",
            "cache_age": 86400,
            "html": self.embed_code(status),
            "width": 400,
            "height": None,
        }
