"""A film served in segments (HLS, RFC 8216) put together again: every segment is a capture, the film is derived.

MPEG-TS segments, and fragmented MP4 after its one initialization section, make a file by standing one after the other
(RFC 8216, 3.2 and 3.3; ISO/IEC 13818-1; ISO/IEC 14496-12). Sound that is in a playlist of its own makes a file of its
own. What that does not hold for is left and named: encrypted segments, a broadcast that is under way, pictures apart
from their variant, pieces of files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from archiver import answers
from archiver.errors import ParseError
from archiver.model import Body, Capture, Finding, Outcome, Reason, Request

if TYPE_CHECKING:
    import m3u8
    import m3u8.model

#: No film of a post comes near; past any of these a playlist is left.
MAX_SEGMENTS = 4_000
MAX_SECONDS = 6 * 3600
MAX_BYTES = 2_000_000_000
MAX_TIME = dt.timedelta(hours=1)
_MAX_PLAYLIST = 4 * 1024 * 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Film:
    """What a film is made of: the bodies of *pieces*, in this order; *playlists* led to them. *sound* is what it sounds
    like, where that is served apart: the film is silent then."""

    playlists: tuple[Capture, ...]
    pieces: tuple[Capture, ...]
    sound: Film | None = None


def is_playlist(body: Body) -> bool:
    """Whether these bytes are a playlist (RFC 8216, 4.1: its first line)."""
    with body.open() as stream:
        return stream.read(10).removeprefix(b"\xef\xbb\xbf").startswith(b"#EXTM3U")


def film(playlist: Capture, *, is_sound: bool = False) -> Generator[Request, Capture, Film | Finding]:
    """The film a playlist leads to, its best variant where there are several; or why it is left, in words. A film whose
    sound is apart comes with it, or not at all; *is_sound* asks for that alone, where it is apart."""
    shown = _read(playlist)
    if isinstance(shown, Finding):
        return shown
    if not shown.is_variant:
        pieces = yield from _pieces(shown, playlist)
        return pieces if isinstance(pieces, Finding) else Film((playlist,), pieces)
    best = _best(shown)
    if isinstance(best, Finding):
        return best
    pictures, sound = best
    if is_sound and sound is not None:
        return (yield from _rendition(playlist, sound))
    made = yield from _rendition(playlist, pictures)
    if isinstance(made, Finding) or sound is None:
        return made
    heard = yield from _rendition(playlist, sound)
    if isinstance(heard, Finding):
        return heard
    # By its own playlist alone, so that it can be read again without the film.
    return Film(made.playlists, made.pieces, Film(heard.playlists[1:], heard.pieces))


def _rendition(master: Capture, url: str) -> Generator[Request, Capture, Film | Finding]:
    """What one of a playlist's playlists leads to."""
    capture = yield from _ask(url)
    if isinstance(capture, Finding):
        return capture
    shown = _read(capture)
    if isinstance(shown, Finding):
        return shown
    if shown.is_variant:
        return _left(Reason.UNREADABLE, "a playlist of playlists of playlists")
    pieces = yield from _pieces(shown, master)
    return pieces if isinstance(pieces, Finding) else Film((master, capture), pieces)


def _pieces(shown: m3u8.M3U8, began: Capture) -> Generator[Request, Capture, tuple[Capture, ...] | Finding]:
    """Every segment, in order."""
    urls = _segments(shown)
    if isinstance(urls, Finding):
        return urls
    pieces: list[Capture] = []
    size = 0
    for url in urls:
        piece = yield from _ask(url)
        if isinstance(piece, Finding):
            return piece
        size += piece.payload.size
        if size > MAX_BYTES:
            return _left(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes")
        if piece.ended_at - began.started_at > MAX_TIME:
            return _left(Reason.TIMEOUT, f"not whole after {MAX_TIME}")
        pieces.append(piece)
    return tuple(pieces)


def joined(pieces: Sequence[Capture]) -> Body:
    """The bytes of the pieces as one body. Reads them all, to name them."""
    bodies = tuple(piece.payload for piece in pieces)
    digest = hashlib.sha256()
    for part in parts(bodies):
        digest.update(part)
    return Body(digest.hexdigest(), sum(body.size for body in bodies), lambda: chained(bodies))


def parts(bodies: Iterable[Body]) -> Generator[bytes, None, None]:
    for body in bodies:
        with body.open() as stream:
            while part := stream.read(_MIB):
                yield part


def chained(bodies: Sequence[Body]) -> BinaryIO:
    """One body after the other as a seekable stream; one is open at a time."""
    return cast("BinaryIO", io.BufferedReader(_Chain(bodies), _MIB))


class _Chain(io.RawIOBase):
    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies, self._at = bodies, 0
        self._open: tuple[int, BinaryIO] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = sum(body.size for body in self._bodies)
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: end}[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # the protocol's WriteableBuffer is private to typeshed
        start = 0
        for number, body in enumerate(self._bodies):
            if self._at < start + body.size:
                if self._open is None or self._open[0] != number:
                    self._shut()
                    self._open = number, body.open()
                stream = self._open[1]
                stream.seek(self._at - start)
                part = stream.read(min(len(view), start + body.size - self._at))
                view[: len(part)] = part
                self._at += len(part)
                return len(part)
            start += body.size
        return 0

    def _shut(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def close(self) -> None:
        self._shut()
        super().close()


def _left(reason: Reason, words: str) -> Finding:
    return Finding(Outcome.UNREADABLE, reason, tombstone=words)


def _ask(url: str) -> Generator[Request, Capture, Capture | Finding]:
    """One playlist or segment, whole."""
    capture = yield from answers.ask(Request(url, is_media=True))
    if isinstance(capture, Finding):
        return capture
    if refused := answers.refused(capture):
        return refused
    if capture.status != 200:
        return _left(Reason.UNREADABLE, f"{url}: status {capture.status}")
    if capture.truncated:
        return _left(Reason.TOO_LARGE if capture.truncated == "length" else Reason.TIMEOUT, f"{url}: cut short")
    return capture


def _read(capture: Capture) -> m3u8.M3U8 | Finding:
    import m3u8

    if capture.payload.size > _MAX_PLAYLIST or not is_playlist(capture.payload):
        return _left(Reason.UNREADABLE, f"{capture.url}: no playlist")
    try:
        return m3u8.loads(capture.content.decode("utf-8", "replace").removeprefix("\ufeff"), uri=capture.url)
    except ParseError as error:
        return _left(Reason.UNREADABLE, str(error))
    except Exception as error:  # a hostile playlist may break the parser in any way
        return _left(Reason.UNREADABLE, f"{capture.url}: a playlist that cannot be read: {type(error).__name__}")


def _best(shown: m3u8.M3U8) -> tuple[str, str | None] | Finding:
    """The variant with the most pixels, then the most bits, of those that hold sound and pictures together; where none
    does, of those that hold their pictures, and the sound that belongs to it. Each is an address."""
    apart = {kind: {each.group_id for each in shown.media if each.type == kind and each.uri} for kind in _KINDS}
    seen = [each for each in shown.playlists if each.stream_info.video not in apart["VIDEO"]]
    whole = [each for each in seen if each.stream_info.audio not in apart["AUDIO"]]
    if not seen:
        words = "its pictures are in playlists of their own" if shown.playlists else "names no variant"
        return _left(Reason.UNREADABLE, words)

    def quality(variant: m3u8.Playlist) -> tuple[int, int]:
        width, height = variant.stream_info.resolution or (0, 0)
        return width * height, variant.stream_info.bandwidth or 0

    best = max(whole or seen, key=quality)
    if not best.absolute_uri:
        return _left(Reason.UNREADABLE, "a variant without an address")
    if whole:
        return best.absolute_uri, None
    group = [
        each
        for each in shown.media
        if each.type == "AUDIO" and each.group_id == best.stream_info.audio and each.uri and each.absolute_uri
    ]
    # Of several languages the one that is played unasked.
    group.sort(key=lambda each: (each.default != "YES", each.autoselect != "YES"))
    if not group:
        return _left(Reason.UNREADABLE, "sound without an address")
    return best.absolute_uri, group[0].absolute_uri


_KINDS = ("AUDIO", "VIDEO")


def _segments(shown: m3u8.M3U8) -> list[str] | Finding:
    """What to ask for, in order: the initialization section, where there is one, then the segments."""
    if any(key is not None and key.method not in (None, "NONE") for key in (*shown.keys, *shown.session_keys)):
        return _left(Reason.ENCRYPTED, "its segments are encrypted")
    if not shown.segments:
        return _left(Reason.UNREADABLE, "a playlist without segments")
    if not shown.is_endlist and (shown.playlist_type or "").lower() != "vod":
        return _left(Reason.LIVE, "a broadcast under way: the playlist has no end yet")
    if len(shown.segments) > MAX_SEGMENTS:
        return _left(Reason.TOO_LARGE, f"{len(shown.segments)} segments are more than {MAX_SEGMENTS}")
    if sum(each.duration or 0 for each in shown.segments) > MAX_SECONDS:
        return _left(Reason.TOO_LARGE, f"longer than {MAX_SECONDS} seconds")
    if any(getattr(each, "gap_tag", None) for each in shown.segments):
        return _left(Reason.UNREADABLE, "segments are missing from it")
    sections = {_place(each.init_section) for each in shown.segments if each.init_section}
    if len(sections) > 1 or (sections and not all(each.init_section for each in shown.segments)):
        return _left(Reason.UNREADABLE, "its segments are of several films")
    wanted = [*sections, *(_place(each) for each in shown.segments)]
    if any(url is None for url, _ in wanted):
        return _left(Reason.UNREADABLE, "a segment without an address")
    if any(ranged for _, ranged in wanted):
        # Ranges of one file that follow each other from its beginning are that file.
        if len({url for url, _ in wanted}) > 1 or not _is_whole([ranged for _, ranged in wanted]):
            return _left(Reason.UNREADABLE, "its segments are ranges of files")
        wanted = wanted[:1]
    return [str(url) for url, _ in wanted]


def _place(each: m3u8.Segment | m3u8.model.InitializationSection) -> tuple[str | None, str | None]:
    return each.absolute_uri, each.byterange


def _is_whole(ranges: Sequence[str | None]) -> bool:
    """Whether ranges (`length[@offset]`, RFC 8216, 4.3.2.2) follow each other from the first byte on."""
    at = 0
    for ranged in ranges:
        length, _, offset = (ranged or "").partition("@")
        if not length.isdigit() or (offset and (not offset.isdigit() or int(offset) != at)):
            return False
        at += int(length)
    return True
