"""Whether two files show the same picture, though no byte of them agrees: Meta's PDQ hash.

A picture that was scaled, saved again or stripped of its metadata keeps its hash to within a few of 256 bits
(https://github.com/facebook/ThreatExchange/tree/main/pdq); one that was cropped or mirrored does not. Opinions: they
can be rebuilt from the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.model import Body

#: PDQ's own advice: two pictures within this many bits are the same, and below this quality (0..100) there is too
#: little in a picture to tell it from others (its README, "PDQ: matching").
SAME = 31
_QUALITY = 50
#: Larger pictures are not decoded: a file of a few kilobytes may claim any size.
MAX_PIXELS = 64_000_000
MAX_BYTES = 64 * 1024 * 1024
#: What Pillow is let try; each of its many other decoders is another way in for a hostile file.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
#: PDQ scales to 64 x 64 of what is at most this large; decoding a JPEG smaller saves most of the time.
_SIDE = 512


@dataclass(frozen=True, slots=True)
class Likeness:
    """The 32 bytes of a picture's PDQ hash."""

    pdq: bytes

    def distance(self, other: bytes) -> int:
        """How many of the 256 bits differ."""
        return (int.from_bytes(self.pdq) ^ int.from_bytes(other)).bit_count()


def likeness(body: Body) -> Likeness | None:
    """The hash of the first frame of a JPEG, PNG, GIF or WebP, upright as its EXIF says. None for anything else, for
    more than `MAX_PIXELS` or `MAX_BYTES`, for what cannot be decoded, and for a picture with too little in it."""
    import io
    import warnings

    import numpy
    import pdqhash  # type: ignore[import-untyped]  # ships no stubs
    from PIL import Image, ImageOps

    if body.size > MAX_BYTES:
        return None
    try:
        with body.open() as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata, and pictures that Pillow finds large
            with Image.open(io.BytesIO(stream.read()), formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS or min(image.size) < 16:
                    return None
                image.draft("RGB", (_SIDE, _SIDE))
                image.thumbnail((_SIDE, _SIDE))
                upright = ImageOps.exif_transpose(image).convert("RGB")
        bits, quality = pdqhash.compute(numpy.asarray(upright))
    except Exception:  # a hostile picture may break a decoder in any way; it then resembles nothing
        return None
    return Likeness(numpy.packbits(bits).tobytes()) if quality >= _QUALITY else None
