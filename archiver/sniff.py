"""What bytes are, whatever their server says: type and pixel size from their first kilobytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.model import Body

_HEAD = 64 * 1024
#: What each track of an MP4 file is for (ISO/IEC 14496-12, 8.4.3).
_HANDLER = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`type` is a media type from magic bytes, None where they tell nothing; sizes in pixels."""

    type: str | None
    width: int | None = None
    height: int | None = None

    @property
    def is_media(self) -> bool:
        """A picture, film or sound: not a page, a playlist or an error message. SVG is a page (it can hold script)."""
        return self.type is not None and self.type.split("/")[0] in ("image", "video", "audio")


def sniff(body: Body) -> Sniffed:
    """Look at the head of *body*; never raises, whatever the bytes."""
    import io

    import filetype  # type: ignore[import-untyped]  # ships no stubs
    import imagesize  # type: ignore[import-untyped]  # ships no stubs

    with body.open() as stream:
        head = stream.read(_HEAD)
    kind = filetype.guess_mime(head)
    if kind is None and head[:1] == b"G" and all(head[at : at + 1] == b"G" for at in (188, 376)):
        kind = "video/mp2t"  # ISO/IEC 13818-1: a sync byte every 188
    handlers = set(_HANDLER.findall(head)) if kind == "video/mp4" else set()
    if handlers == {b"soun"}:
        kind = "audio/mp4"  # the same container, and nothing to see in it
    width = height = -1
    if kind and kind.startswith("image/"):
        try:
            width, height = imagesize.get(io.BytesIO(head))
        except Exception:  # a hostile picture may break any parser in any way; its size is then unknown
            width = height = -1
    return Sniffed(kind, width if width > 0 else None, height if height > 0 else None)
