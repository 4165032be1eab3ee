"""Bluesky as strangers see it (PLATFORMS.md 1.2 and 3.7): AppView, authors' servers, PLC directory, embeds, CDN.

Records are signed things named by the hash of their DAG-CBOR. They are encoded here by `dag-cbor`, and not by the
library that the program itself uses, so that each checks the other.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dag_cbor
from multiformats import CID

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, document
from tests.simulator.world import Film, Medium, Photo, World

APPVIEW = "public.api.bsky.app"
COLLECTION = "app.bsky.feed.post"
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_URI = re.compile(r"at://([^/]+)/app\.bsky\.feed\.post/([^/]+)")
_POST_URL = re.compile(r"https://bsky\.app/profile/([^/]+)/post/([^/?#]+)")
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_MENTION = re.compile(r"@((?:[a-z0-9-]+\.)+[a-z]{2,})")
_TAG = re.compile(r"#(\w+)")


def tid(at: dt.datetime, clock: int) -> str:
    """A record key made in that microsecond (https://atproto.com/specs/tid)."""
    number = (int(at.timestamp() * 1_000_000) << 10) | clock % 1024
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def cid(codec: str, content: bytes) -> str:
    """A CID v1 with sha-256, in base32."""
    return str(CID("base32", 1, codec, ("sha2-256", hashlib.sha256(content).digest())))


def record_cid(record: Any) -> str:
    return cid("dag-cbor", dag_cbor.encode(_linked(record)))


def _linked(value: Any) -> Any:
    if isinstance(value, dict):
        return CID.decode(value["$link"]) if set(value) == {"$link"} else {k: _linked(v) for k, v in value.items()}
    return [_linked(part) for part in value] if isinstance(value, list) else value


def iso(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(slots=True)
class Account:
    """An author. `fate` is None, or the name of the error their server answers with; `is_tombstoned` says that their
    DID is no more. `hides` is the wish not to be shown to strangers."""

    did: str
    handle: str
    name: str
    server: str
    hides: bool = False
    fate: str | None = None
    is_tombstoned: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A post as its author signed it."""

    account: Account
    key: str
    value: dict[str, Any]
    cid: str
    media: tuple[tuple[Medium, bytes, str], ...]
    created_at: dt.datetime
    quotes: str | None = None

    @property
    def uri(self) -> str:
        return f"at://{self.account.did}/{COLLECTION}/{self.key}"

    @property
    def id(self) -> str:
        return f"{self.account.did}/{self.key}"

    @property
    def url(self) -> str:
        return f"https://bsky.app/profile/{self.account.handle}/post/{self.key}"


class Sky:
    """All that is on Bluesky in one world. Making one puts its hosts into the world."""

    def __init__(self, world: World, server: str = "shimeji.us-east.host.bsky.network") -> None:
        self.world = world
        self.server = server
        self.accounts: dict[str, Account] = {}
        self.records: dict[str, Record] = {}
        self.blobs: dict[tuple[str, str], tuple[bytes, str, Medium]] = {}
        self.deleted: dict[str, dt.datetime] = {}
        #: Whether servers still have what was uploaded, and what the playlists of films say of them: `whole`,
        #: `encrypted`, `live`, or `apart` (sound in a playlist of its own).
        self.has_blobs = True
        self.hls = "whole"
        world.others |= {
            APPVIEW: self.appview,
            "api.bsky.app": self.appview,
            "plc.directory": self.directory,
            "embed.bsky.app": self.embeds,
            "cdn.bsky.app": self.cdn,
            "video.bsky.app": self.video,
        }

    # --- making ---

    def account(self, handle: str, name: str | None = None, *, server: str | None = None, **how: Any) -> Account:
        """The account with that handle, made if there is none."""
        for known in self.accounts.values():
            if known.handle == handle:
                return known
        key = base64.b32encode(films.digest(self.world.seed, "did", handle)).decode().lower()[:24]
        host = server or self.server
        made = Account(how.pop("did", f"did:plc:{key}"), handle, name or handle, host, **how)
        self.accounts[made.did] = made
        self.world.others[host] = self.personal
        if made.did.startswith("did:web:"):
            self.world.others[made.did[8:]] = self.well_known
        return made

    def post(
        self,
        handle: str,
        text: str,
        created_at: dt.datetime,
        media: Sequence[Medium] = (),
        *,
        name: str | None = None,
        langs: Iterable[str] = ("en",),
        reply_to: Record | None = None,
        quotes: Record | None = None,
        card: dict[str, str] | None = None,
        labels: Iterable[str] = (),
        captions: Mapping[str, str] | None = None,
    ) -> Record:
        """Publish a post. Links, mentions and tags in the text get their facets. *captions* are a film's, by language:
        WebVTT."""
        author = self.account(handle, name)
        kept: list[tuple[Medium, bytes, str]] = []
        for place, medium in enumerate(media):
            key = medium.key or films.digest(self.world.seed, author.did, text, place).hex()[:15]
            medium = dataclasses.replace(medium, key=key, id=key)
            content = medium.bytes()
            kept.append((medium, content, cid("raw", content)))
        value: dict[str, Any] = {
            "$type": COLLECTION,
            "text": text,
            "createdAt": iso(created_at),
            "langs": list(langs),
            **({"facets": facets} if (facets := self._facets(text)) else {}),
            **({"embed": embed} if (embed := self._embed(kept, quotes, card)) else {}),
        }
        if reply_to is not None:
            parent = {"uri": reply_to.uri, "cid": reply_to.cid}
            value["reply"] = {"parent": parent, "root": reply_to.value.get("reply", {}).get("root", parent)}
        for lang, words in (captions or {}).items():
            content, kind = words.encode(), "text/vtt"
            file = {"$type": "blob", "ref": {"$link": cid("raw", content)}, "mimeType": kind, "size": len(content)}
            value["embed"].setdefault("captions", []).append({"lang": lang, "file": file})
            self.blobs[author.did, cid("raw", content)] = (content, kind, kept[0][0])
        if labels:
            values = [{"val": label} for label in labels]
            value["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
        key = tid(created_at, len(self.records))
        made = Record(
            author, key, value, record_cid(value), tuple(kept), created_at, quotes.uri if quotes is not None else None
        )
        self.records[made.uri] = made
        for medium, content, name_ in kept:
            kind = "video/mp4" if isinstance(medium, Film) else f"image/{medium.format.replace('jpg', 'jpeg')}"
            self.blobs[author.did, name_] = (content, kind, medium)
        return made

    def _facets(self, text: str) -> list[dict[str, Any]]:
        found = []
        for pattern, kind in ((_LINK, "link"), (_MENTION, "mention"), (_TAG, "tag")):
            for match in pattern.finditer(text):
                feature = {"$type": f"app.bsky.richtext.facet#{kind}"}
                if kind == "link":
                    feature["uri"] = match[0]
                elif kind == "mention":
                    feature["did"] = self.account(match[1]).did
                else:
                    feature["tag"] = match[1]
                start = len(text[: match.start()].encode())
                index = {"byteStart": start, "byteEnd": start + len(match[0].encode())}
                found.append({"index": index, "features": [feature]})
        return found

    @staticmethod
    def _embed(
        kept: list[tuple[Medium, bytes, str]], quotes: Record | None, card: dict[str, str] | None
    ) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = None
        pictures = [each for each in kept if isinstance(each[0], Photo)]
        if pictures:
            shown = {"$type": "app.bsky.embed.images", "images": [_kept(each) for each in pictures]}
        elif kept:
            shown = {"$type": "app.bsky.embed.video", **_kept(kept[0])}
        elif card:
            shown = {"$type": "app.bsky.embed.external", "external": card}
        if quotes is None:
            return shown
        record = {"$type": "app.bsky.embed.record", "record": {"uri": quotes.uri, "cid": quotes.cid}}
        return {"$type": "app.bsky.embed.recordWithMedia", "media": shown, "record": record} if shown else record

    # --- what becomes of them ---

    def delete(self, record: Record, at: dt.datetime | None = None) -> None:
        self.deleted[record.uri] = at or self.world.clock.now

    def exchange(self, record: Record, text: str) -> Record:
        """Put another record under the same key (putRecord): same address, other words, another CID."""
        value = {**record.value, "text": text}
        made = dataclasses.replace(record, value=value, cid=record_cid(value))
        self.records[made.uri] = made
        return made

    def restore(self, record: Record) -> None:
        self.deleted.pop(record.uri, None)

    def rename(self, handle: str, new: str) -> None:
        """The account takes another handle; the old one is free for anybody."""
        self.account(handle).handle = new

    def find(self, uri: str) -> Record | None:
        """A record that is there now, its author named by DID or by handle."""
        match = _URI.fullmatch(uri)
        if match is None:
            return None
        account = self._who(match[1])
        record = self.records.get(f"at://{account.did}/{COLLECTION}/{match[2]}") if account else None
        if (
            record is None
            or self.deleted.get(record.uri, self.world.clock.now + dt.timedelta(1)) <= self.world.clock.now
        ):
            return None
        return record

    def _who(self, actor: str) -> Account | None:
        if actor.startswith("did:"):
            return self.accounts.get(actor)
        return next((each for each in self.accounts.values() if each.handle == actor.lower()), None)

    # --- the AppView ---

    def appview(self, world: World, request: Request) -> Response:
        query = request.query
        match request.path:
            case "/xrpc/com.atproto.identity.resolveHandle":
                account = self._who(query.get("handle", ""))
                if account is None or account.fate or account.is_tombstoned:
                    return _error("InvalidRequest", "Unable to resolve handle")
                return document({"did": account.did})
            case "/xrpc/app.bsky.feed.getPosts":
                uris = [value for name, value in request.pairs if name in ("uris", "uris[]")]
                if not 1 <= len(uris) <= 25:
                    return _error("InvalidRequest", 'Error: Params must have the property "uris"')
                found = [record for record in map(self._seen, uris) if record]
                return document({"posts": [self.view(record) for record in found]})
            case "/xrpc/app.bsky.feed.getPostThread":
                uri = query.get("uri", "")
                record = self._seen(uri)
                if record is None:
                    return _error("NotFound", f"Post not found: {uri}")
                kind = "app.bsky.feed.defs#threadViewPost"
                return document({"thread": {"$type": kind, "post": self.view(record), "replies": []}})
        return _error("MethodNotImplemented", "Method Not Implemented", 501)

    def _seen(self, uri: str) -> Record | None:
        record = self.find(uri)
        return None if record is None or record.account.fate or record.account.is_tombstoned else record

    def view(self, record: Record) -> dict[str, Any]:
        """`app.bsky.feed.defs#postView`."""
        tally = films.digest("tally", record.uri)
        embed = self._embed_view(record)
        return {
            "uri": record.uri,
            "cid": record.cid,
            "author": self._author(record.account),
            "record": record.value,
            **({"embed": embed} if embed else {}),
            "bookmarkCount": tally[4] % 9,
            "replyCount": tally[0] % 40,
            "repostCount": tally[1],
            "likeCount": tally[2] * 7,
            "quoteCount": tally[3] % 20,
            "indexedAt": iso(record.created_at + dt.timedelta(milliseconds=412)),
            "labels": self._labels(record),
        }

    def _labels(self, record: Record) -> list[dict[str, Any]]:
        values = record.value.get("labels", {}).get("values", [])
        about = {"src": record.account.did, "uri": record.uri, "cid": record.cid, "cts": iso(record.created_at)}
        return [about | {"val": each["val"]} for each in values]

    def _author(self, account: Account) -> dict[str, Any]:
        profile = f"at://{account.did}/app.bsky.actor.profile/self"
        label = {"src": account.did, "uri": profile, "cid": "bafyprofile", "val": "!no-unauthenticated"}
        return {
            "did": account.did,
            "handle": account.handle,
            "displayName": account.name,
            "avatar": f"https://cdn.bsky.app/img/avatar/plain/{account.did}/bafkreiavatar@jpeg",
            "associated": {"chat": {"allowIncoming": "all"}},
            "labels": [label | {"cts": "2024-01-01T00:00:00.000Z"}] if account.hides else [],
            "createdAt": "2023-05-01T08:00:00.000Z",
        }

    def _embed_view(self, record: Record, depth: int = 1) -> dict[str, Any] | None:
        embed = record.value.get("embed")
        if embed is None:
            return None
        kind = embed["$type"].removeprefix("app.bsky.embed.")
        media = embed["media"] if kind == "recordWithMedia" else embed
        shown = self._media_view(record, media)
        if kind not in ("record", "recordWithMedia"):
            return shown
        quoted = {"$type": "app.bsky.embed.record#view", "record": self._quoted_view(record.quotes or "", depth)}
        if kind == "record":
            return quoted
        return {
            "$type": "app.bsky.embed.recordWithMedia#view",
            "media": shown,
            "record": {"record": quoted["record"]},
        }

    def _quoted_view(self, uri: str, depth: int) -> dict[str, Any]:
        record = self._seen(uri)
        if record is None:
            return {"$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": True}
        embed = self._embed_view(record, depth - 1) if depth else None
        view = self.view(record)
        counts = {name: view[name] for name in ("replyCount", "repostCount", "likeCount", "quoteCount")}
        return {
            "$type": "app.bsky.embed.record#viewRecord",
            **{name: view[name] for name in ("uri", "cid", "author", "indexedAt", "labels")},
            "value": record.value,
            **counts,
            "embeds": [embed] if embed else [],
        }

    def _media_view(self, record: Record, embed: dict[str, Any]) -> dict[str, Any]:
        kind, did = embed["$type"].removeprefix("app.bsky.embed."), record.account.did
        if kind == "external":
            card = {name: embed["external"][name] for name in ("uri", "title", "description")}
            return {"$type": "app.bsky.embed.external#view", "external": card}
        if kind == "video":
            name = embed["video"]["ref"]["$link"]
            folder = f"https://video.bsky.app/watch/{did.replace(':', '%3A')}/{name}"
            return {
                "$type": "app.bsky.embed.video#view",
                "cid": name,
                "playlist": f"{folder}/playlist.m3u8",
                "thumbnail": f"{folder}/thumbnail.jpg",
                **({"alt": embed["alt"]} if embed.get("alt") else {}),
                "aspectRatio": embed["aspectRatio"],
            }
        if kind == "images":
            views = []
            for image in embed["images"]:
                name = image["image"]["ref"]["$link"]
                views.append(
                    {
                        "thumb": f"https://cdn.bsky.app/img/feed_thumbnail/plain/{did}/{name}@jpeg",
                        "fullsize": f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{name}@jpeg",
                        "alt": image["alt"],
                        "aspectRatio": image["aspectRatio"],
                    }
                )
            return {"$type": "app.bsky.embed.images#view", "images": views}
        return {}

    # --- authors' servers ---

    def personal(self, world: World, request: Request) -> Response:
        query = request.query
        account = self._who(query.get("repo") or query.get("did") or "")
        is_blob = request.path == "/xrpc/com.atproto.sync.getBlob"
        if request.path != "/xrpc/com.atproto.repo.getRecord" and not is_blob:
            return _error("MethodNotImplemented", "Method Not Implemented", 501)
        if account is None or account.server != request.host or account.is_tombstoned:
            asked = query.get("repo") or query.get("did")
            return _error("RepoNotFound" if is_blob else "InvalidRequest", f"Could not find repo: {asked}")
        if account.fate:
            return _error(account.fate, f"Repo has been {account.fate.removeprefix('Repo').lower()}: {account.did}")
        if is_blob:
            blob = self.blobs.get((account.did, query.get("cid", ""))) if self.has_blobs else None
            if blob is None:
                return _error("BlobNotFound", "Blob not found")
            headers = (("content-type", blob[1]), ("content-security-policy", "default-src 'none'; sandbox"))
            return Response(200, headers, blob[0])
        collection, key = query.get("collection", ""), query.get("rkey", "")
        uri = f"at://{account.did}/{collection}/{key}"
        if collection == "app.bsky.actor.profile":
            value: dict[str, Any] = {
                "$type": collection,
                "displayName": account.name,
                "description": "Written for tests.",
            }
            if account.hides:
                values = [{"val": "!no-unauthenticated"}]
                value["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
            return document({"uri": uri, "cid": record_cid(value), "value": value})
        record = self.find(uri)
        if record is None:
            return _error("RecordNotFound", f"Could not locate record: {uri}")
        return document({"uri": uri, "cid": record.cid, "value": record.value})

    # --- who is who ---

    def directory(self, world: World, request: Request) -> Response:
        account = self.accounts.get(request.path[1:])
        if account is None:
            return document({"message": f"DID not registered: {request.path[1:]}"}, 404)
        if account.is_tombstoned:
            return document({"message": f"DID not available: {account.did}"}, 410)
        return document(self._did_document(account), headers=(("content-type", "application/did+ld+json"),))

    def well_known(self, world: World, request: Request) -> Response:
        account = self.accounts.get(f"did:web:{request.host}")
        if account is None or request.path != "/.well-known/did.json":
            return Response(404)
        return document(self._did_document(account))

    @staticmethod
    def _did_document(account: Account) -> dict[str, Any]:
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": account.did,
            "alsoKnownAs": [f"at://{account.handle}"],
            "verificationMethod": [
                {
                    "id": f"{account.did}#atproto",
                    "type": "Multikey",
                    "controller": account.did,
                    "publicKeyMultibase": "zQ3shc6V2kvUxn7hNmPy9JMToKT7u2NH27SnKNxGL1GcBcS4j",
                }
            ],
            "service": [
                {
                    "id": "#atproto_pds",
                    "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": f"https://{account.server}",
                }
            ],
        }

    # --- embeds and the CDN ---

    def embeds(self, world: World, request: Request) -> Response:
        """embed.bsky.app: oEmbed."""
        if request.path != "/oembed":
            return Response(404)
        found = _POST_URL.match(request.query.get("url", ""))
        if found is None:
            return document({"message": "Not Implemented"}, 501)
        record = self._seen(f"at://{found[1]}/{COLLECTION}/{found[2]}")
        if record is None:
            return document({"message": "Not Found"}, 404)
        if record.account.hides:
            return document({"message": "Forbidden"}, 403)
        account = record.account
        return document(
            {
                "type": "rich",
                "version": "1.0",
                "author_name": account.name,
                "author_url": f"https://bsky.app/profile/{account.handle}",
                "provider_name": "Bluesky Social",
                "provider_url": "https://bsky.app",
                "cache_age": 86400,
                "width": 600,
                "height": None,
                "html": self.embed_code(record)
                + '<script async src="https://embed.bsky.app/static/embed.js" charset="utf-8"></script>',
            }
        )

    @staticmethod
    def embed_code(record: Record) -> str:
        """The blockquote of bskyweb (oEmbed's form: an ISO date, the author within the link)."""
        account, value = record.account, record.value
        profile = f"https://bsky.app/profile/{account.did}?ref_src=embed"
        place = f"https://bsky.app/profile/{account.did}/post/{record.key}?ref_src=embed"
        text = html.escape(value["text"]).replace("\n", "<br>")
        return (
            f'<blockquote class="bluesky-embed" data-bluesky-uri="{record.uri}" data-bluesky-cid="{record.cid}">'
            f'<p lang="{value["langs"][0] if value["langs"] else ""}">{text}</p>&mdash; '
            f'<a href="{profile}">{html.escape(account.name)} (@{account.handle})</a> '
            f'<a href="{place}">{value["createdAt"]}</a></blockquote>'
        )

    def cdn(self, world: World, request: Request) -> Response:
        """Pictures made anew from what was uploaded, never the same bytes."""
        found = re.fullmatch(r"/img/feed_(fullsize|thumbnail)/plain/(did:[^/]+)/(\w+)@jpeg", request.path)
        blob = self.blobs.get((found[2], found[3])) if found else None
        if found is None or blob is None or not isinstance(blob[2], Photo):
            return document({"error": "ImageNotFound", "message": "Image not found"}, 404)
        return Response(200, (("content-type", "image/jpeg"),), films.photo(blob[2].key + "cdn", 800, 600))

    def video(self, world: World, request: Request) -> Response:
        """HLS made from what was uploaded: two renditions, in segments."""
        found = re.fullmatch(
            r"/watch/(did:[^/]+)/(\w+)/(playlist|thumbnail|(360p|720p|sound)/(?:video|(\d+)))\.(m3u8|jpg|ts|aac)",
            request.path,
        )
        blob = self.blobs.get((found[1], found[2])) if found else None
        if found is None or blob is None or not isinstance(blob[2], Film):
            return Response(404)
        film = blob[2]
        if found[3] == "thumbnail":
            return Response(200, (("content-type", "image/jpeg"),), films.photo(film.key, film.width, film.height))
        scale = 2 if found[4] == "360p" else 1
        if found[5] and found[4] == "sound":
            return Response(200, (("content-type", "audio/aac"),), films.voice(film.key, film.seconds, int(found[5])))
        if found[5]:
            wide, high, is_whole = film.width // scale, film.height // scale, self.hls != "apart"
            content = films.segment(film.key, wide, high, film.seconds, int(found[5]), sound=is_whole)
            return Response(200, (("content-type", "video/mp2t"),), content)
        kind = (("content-type", "application/vnd.apple.mpegurl"),)
        if found[3] == "playlist":
            lines, group = ["#EXTM3U"], ""
            if self.hls == "apart":
                lines += ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="sound/video.m3u8"']
                group = ',AUDIO="a"'
            for name, divisor, bits in (("360p", 2, 400_000), ("720p", 1, 800_000)):
                size = f"{film.width // divisor}x{film.height // divisor}"
                lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={bits},RESOLUTION={size}{group}", f"{name}/video.m3u8"]
            return Response(200, kind, "\n".join([*lines, ""]).encode())
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-PLAYLIST-TYPE:VOD"]
        for number in range(films.segments(film.seconds)):
            lines += ["#EXTINF:1.0,", f"{number}.{'aac' if found[4] == 'sound' else 'ts'}"]
        if self.hls == "encrypted":
            lines.insert(2, '#EXT-X-KEY:METHOD=AES-128,URI="https://video.bsky.app/key"')
        if self.hls == "live":
            lines.remove("#EXT-X-PLAYLIST-TYPE:VOD")
        else:
            lines.append("#EXT-X-ENDLIST")
        return Response(200, kind, "\n".join([*lines, ""]).encode())


def _kept(each: tuple[Medium, bytes, str]) -> dict[str, Any]:
    medium, content, name = each
    shape = {"width": medium.width, "height": medium.height}
    is_film = isinstance(medium, Film)
    kind = "video/mp4" if is_film else f"image/{getattr(medium, 'format', 'jpg').replace('jpg', 'jpeg')}"
    blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": kind, "size": len(content)}
    if is_film:
        return {"video": blob, "aspectRatio": shape, **({"alt": medium.alt} if medium.alt else {})}
    return {"alt": medium.alt or "", "image": blob, "aspectRatio": shape}


def _error(name: str, message: str, status: int = 400) -> Response:
    return document({"error": name, "message": message}, status)
