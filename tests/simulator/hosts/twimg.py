"""pbs.twimg.com and video.twimg.com: real pictures, MP4s, HLS playlists and segments (PLATFORMS.md 3.5)."""

from __future__ import annotations

import re

from tests.simulator import media as films
from tests.simulator.exchange import Request, Response, html
from tests.simulator.world import Film, Medium, Photo, Rendition, State, World

_MEDIA = re.compile(r"^/media/([\w-]+)(?:\.(jpg|jpeg|png|webp))?(?::(\w+))?$", re.ASCII)
_THUMB = re.compile(
    r"^/(?:(?:amplify|ext_tw)_video_thumb/(\d+)/(?:pu/)?img|tweet_video_thumb)/([\w-]+)(?:\.jpg)?$", re.ASCII
)
_AVATAR = re.compile(r"^/profile_images/(\d+)/([\w-]+)$", re.ASCII)
_FILM = re.compile(r"^/(amplify_video|ext_tw_video|tweet_video)/(?:(\d+)/)?(?:pu/)?(.+)$", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def _bytes(world: World, request: Request, content: bytes, kind: str) -> Response:
    """With an entity tag and byte ranges, as these hosts have them."""
    tag = f'"{films.digest(content.hex()[:64], len(content)).hex()[:32]}"'
    headers = (
        ("content-type", kind),
        ("etag", tag),
        ("accept-ranges", "bytes"),
        ("cache-control", "max-age=604800, must-revalidate"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    )
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.header("range") or "")
    if not asked or not (asked[1] or asked[2]):
        return Response(200, headers, content)
    size = len(content)
    if asked[1]:
        start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    else:
        start, end = max(0, size - int(asked[2])), size - 1
    if start > end or start >= size:
        return Response(416, (*headers, ("content-range", f"bytes */{size}")))
    return Response(206, (*headers, ("content-range", f"bytes {start}-{end}/{size}")), content[start : end + 1])


def _find(world: World, id: str, key: str) -> Medium | Response:
    """The medium, or how its host says that it is gone with its post."""
    found = world.owner(id) or world.owner(key)
    if found is None:
        return html("", 404)
    post, medium = found
    is_gone = world.state(post) in (State.DELETED, State.SUSPENDED) or world.find(post.id) is None
    status = world.uncertain.media_after_deletion
    return html("", status) if is_gone and status != 200 else medium


def images(world: World, request: Request) -> Response:
    """`?format=&name=`, `:name` and plain names; a plain one is served at most `medium` large."""
    path, query = request.path, request.query
    if found := _MEDIA.match(path):
        medium = _find(world, "-", found[1])
        if isinstance(medium, Response):
            return medium
        if not isinstance(medium, Photo):
            return html("", 404)
        format = {"jpeg": "jpg"}.get(asked := query.get("format") or found[2] or "", asked)
        name = query.get("name") or found[3] or "medium"
        if format not in _TYPES or name not in ("orig", "thumb", *films.SIZES):
            return html("", 404)
        # Only webp is made on demand; a picture is otherwise there in the format it was posted in.
        if format not in (medium.format, "webp") and not (format == "jpg" and name != "orig"):
            return html("", 404)
        return _bytes(world, request, medium.bytes(name, format), _TYPES[format])
    if found := _THUMB.match(path):
        medium = _find(world, found[1] or "-", found[2])
        if isinstance(medium, Response):
            return medium
        name = query.get("name", "orig")
        name = name if name in ("orig", "thumb", *films.SIZES) else "orig"
        poster = films.photo(medium.key, medium.width, medium.height, "jpg", name)
        return _bytes(world, request, poster, "image/jpeg")
    if found := _AVATAR.match(path.rpartition(".")[0]):
        size = 48 if path.endswith("_normal.jpg") else 400
        return _bytes(world, request, films.photo(f"avatar {found[1]}", size, size), "image/jpeg")
    return html("", 404)


def _playlist(text: str) -> Response:
    headers = (("content-type", "application/x-mpegURL"), ("cache-control", "max-age=604800"))
    return Response(200, headers, text.encode())


def master(film: Film) -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rendition in film.renditions:
        lines.append(
            f"#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH={rendition.bitrate},BANDWIDTH={rendition.bitrate},"
            f'RESOLUTION={rendition.width}x{rendition.height},CODECS="mp4a.40.2,avc1.42C01E"'
        )
        lines.append(rendition.playlist.removeprefix("https://video.twimg.com"))
    return "\n".join(lines) + "\n"


def segments(rendition: Rendition) -> str:
    seconds = rendition.film.seconds
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-MEDIA-SEQUENCE:0", f"#EXT-X-TARGETDURATION:{films.SEGMENT}"]
    lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    for number in range(films.segments(seconds)):
        lines.append(f"#EXTINF:{min(films.SEGMENT, seconds - number * films.SEGMENT):.3f},")
        lines.append(rendition.segment_url(number).removeprefix("https://video.twimg.com"))
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def videos(world: World, request: Request) -> Response:
    found = _FILM.match(request.path)
    if not found:
        return html("", 404)
    medium = _find(world, found[2] or "-", found[3].removesuffix(".mp4"))
    if isinstance(medium, Response):
        return medium
    if not isinstance(medium, Film):
        return html("", 404)
    path = f"https://video.twimg.com{request.path}"
    if medium.playlist and path == medium.playlist.partition("?")[0]:
        return _playlist(master(medium))
    for rendition in medium.renditions:
        if path == rendition.url.partition("?")[0]:
            return _bytes(world, request, rendition.bytes(), "video/mp4")
        if path == rendition.playlist:
            return _playlist(segments(rendition))
        for number in range(films.segments(medium.seconds)):
            if path == rendition.segment_url(number):
                return _bytes(world, request, rendition.segment(number), "video/MP2T")
    return html("", 404)


HANDLERS = {"pbs.twimg.com": images, "video.twimg.com": videos}
