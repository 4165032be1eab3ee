"""Real bytes for synthetic posts: JPEG, PNG and WebP by Pillow, H.264 MP4 and MPEG-TS segments by PyAV.

Every picture and film is a function of its key, so two worlds of one seed serve equal bytes, and two keys differ in
every byte that matters. Results are cached for the life of the process: a film is encoded once, when first asked for.
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import struct
from fractions import Fraction

import av
from PIL import Image, ImageDraw

#: What pbs.twimg.com calls its sizes: the longest side in pixels; `thumb` is a centre crop (fixtures: `sizes`).
SIZES = {"small": 680, "medium": 1200, "large": 2048, "4096x4096": 4096, "900x900": 900}
THUMB = 150

#: Frames a second: enough for every player and few enough for a quick test.
RATE = 10
SAMPLES = 44100
#: One HLS segment, in seconds (X cuts at 3).
SEGMENT = 1


def digest(*parts: object) -> bytes:
    """32 bytes that depend on every part and on nothing else."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def _colour(seed: bytes, at: int) -> tuple[int, int, int]:
    return seed[at], seed[at + 1], seed[at + 2]


@functools.lru_cache(maxsize=256)
def _picture(key: str, width: int, height: int) -> Image.Image:
    seed = digest("picture", key)
    small = Image.new("RGB", (32, 24))
    pixels = small.load()
    assert pixels is not None
    for x in range(32):
        for y in range(24):
            pixels[x, y] = tuple((seed[i] * x // 31 + seed[i + 3] * y // 23) % 256 for i in range(3))
    image = small.resize((width, height), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    for i in range(4):
        left, top = seed[8 + i] * width // 256, seed[12 + i] * height // 256
        draw.rectangle((left, top, left + width // 6, top + height // 6), fill=_colour(seed, 16 + 3 * i))
    draw.text((4, 4), key, fill=(255, 255, 255))
    return image


def fit(width: int, height: int, name: str) -> tuple[int, int]:
    """The pixel size pbs.twimg.com serves under a size name: never larger than the original."""
    if name == "thumb":
        return min(width, THUMB), min(height, THUMB)
    longest = SIZES.get(name)
    if longest is None or max(width, height) <= longest:
        return width, height
    scale = longest / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


@functools.lru_cache(maxsize=256)
def photo(key: str, width: int, height: int, format: str = "jpg", name: str = "orig") -> bytes:
    """A picture as `jpg`, `png` or `webp`, in one of pbs.twimg.com's sizes (`orig` is the full one)."""
    image = _picture(key, width, height)
    size = fit(width, height, name)
    if name == "thumb":
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        image = image.crop((left, top, left + size[0], top + size[1]))
    elif size != (width, height):
        image = image.resize(size)
    out = io.BytesIO()
    if format == "png":
        image.save(out, "PNG", compress_level=1)
    elif format == "webp":
        image.save(out, "WEBP", quality=80, method=0)
    else:
        image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _frames(key: str, width: int, height: int, seconds: float) -> list[av.VideoFrame]:
    still = _picture(key, width, height)
    colour = _colour(digest("film", key), 0)
    frames = []
    for number in range(max(1, round(seconds * RATE))):
        image = still.copy()
        left = (number * width) // max(1, round(seconds * RATE))
        ImageDraw.Draw(image).rectangle((left, height // 3, left + width // 8, height // 2), fill=colour)
        frames.append(av.VideoFrame.from_image(image))  # type: ignore[no-untyped-call]  # PyAV types it not
    return frames


def _tone(seconds: float, pitch: int) -> list[av.AudioFrame]:
    frames = []
    for start in range(0, int(seconds * SAMPLES), 1024):
        wave = (0.2 * math.sin(2 * math.pi * pitch * (start + i) / SAMPLES) for i in range(1024))
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = SAMPLES
        frame.pts = start
        frame.time_base = Fraction(1, SAMPLES)
        frame.planes[0].update(struct.pack("<1024f", *wave))
        frames.append(frame)
    return frames


def _encode(
    container_format: str, key: str, width: int, height: int, seconds: float, *, sound: bool, cut: tuple[float, float]
) -> bytes:
    start, end = cut
    out = io.BytesIO()
    # bitexact leaves the encoder's version and the date out of the file; one thread keeps the packets in one order.
    options = {"fflags": "+bitexact"}
    container = av.open(out, "w", format=container_format, options=options)
    with container:
        film = container.add_stream("libx264", rate=RATE)
        film.width, film.height, film.pix_fmt = width, height, "yuv420p"
        film.codec_context.thread_count = 1
        film.options = {"preset": "ultrafast", "crf": "30", "flags": "+bitexact", "x264-params": "keyint=10:scenecut=0"}
        voice = None
        if sound:
            voice = container.add_stream("aac", rate=SAMPLES, layout="mono", options={"flags": "+bitexact"})
        for number, frame in enumerate(_frames(key, width, height, seconds)):
            if not round(start * RATE) <= number < round(end * RATE):
                continue
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        if voice is not None:
            for tone in _tone(end - start, 220 + digest("pitch", key)[0]):
                tone.pts = (tone.pts or 0) + round(start * SAMPLES)
                container.mux(voice.encode(tone))
            container.mux(voice.encode(None))
    return out.getvalue()


@functools.lru_cache(maxsize=256)
def video(key: str, width: int, height: int, seconds: float = 2.0, *, sound: bool = True) -> bytes:
    """An H.264 MP4 (AAC tone unless `sound` is off, as X's GIFs have none); width and height must be even."""
    return _encode("mp4", key, width, height, seconds, sound=sound, cut=(0, seconds))


@functools.lru_cache(maxsize=256)
def segment(key: str, width: int, height: int, seconds: float, number: int, *, sound: bool = True) -> bytes:
    """The *number*th HLS segment of that film, as MPEG-TS."""
    start = number * SEGMENT
    return _encode("mpegts", key, width, height, seconds, sound=sound, cut=(start, min(start + SEGMENT, seconds)))


@functools.lru_cache(maxsize=256)
def voice(key: str, seconds: float, number: int, container_format: str = "adts") -> bytes:
    """The *number*th segment of that film's sound where it is served apart: packed AAC (RFC 8216, 3.4)."""
    start = number * SEGMENT
    out = io.BytesIO()
    with av.open(out, "w", format=container_format, options={"fflags": "+bitexact"}) as container:
        track = container.add_stream("aac", rate=SAMPLES, layout="mono", options={"flags": "+bitexact"})
        for tone in _tone(min(SEGMENT, seconds - start), 220 + digest("pitch", key)[0]):
            container.mux(track.encode(tone))
        container.mux(track.encode(None))
    return out.getvalue()


def segments(seconds: float) -> int:
    """How many HLS segments a film of that length has."""
    return max(1, math.ceil(seconds / SEGMENT))
