"""Bytes to text and back: which encoding an article is in, and which byte each character came from."""

from __future__ import annotations

import bisect
import codecs
import re

#: Undecodable bytes stand as lone surrogates while offsets are counted, and as U+FFFD in what anybody is shown: one
#: character either way, so that offsets agree.
_LONE = re.compile("[\udc80-\udcff]")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{2,40})["']""")
#: How far the HTML standard looks for a declaration, and a little further, as real pages need.
_PRESCAN = 4096


class Decoded:
    """`text` as anybody is shown it; `content` and `encoding` let an offset in it be found again in the bytes.
    `is_flawed` where some bytes were no character of the encoding. Without a *text*, the content is flawless."""

    __slots__ = ("_at", "_exact", "_marks", "_text", "content", "encoding", "is_flawed", "skipped")

    def __init__(
        self,
        text: str | None,
        encoding: str,
        content: bytes,
        skipped: int = 0,
        is_flawed: bool = False,
        marks: list[tuple[int, int]] | None = None,
    ) -> None:
        self._marks = marks or [(0, 0)]
        self.encoding, self.content, self.skipped, self.is_flawed = encoding, content, skipped, is_flawed
        self._text = text
        self._exact: str | None = None
        self._at = (0, 0)

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self.content[self.skipped :].decode(self.encoding)
        return self._text

    def mark(self, byte: int) -> tuple[int, int]:
        """A byte offset not after *byte* that begins a character, and how many characters begin before it: one near it
        where the content was counted already."""
        return self._marks[bisect.bisect_right(self._marks, (byte, byte)) - 1]

    def byte(self, offset: int) -> int:
        """The byte offset in the stored bytes of the character at *offset*. Offsets asked in rising order cost a page
        no more than one pass."""
        if self.encoding == "ascii":
            return self.skipped + offset
        if self._exact is None:
            is_escaped = self.is_flawed and not self.encoding.startswith("utf-16")
            stored = self.content[self.skipped :] if is_escaped else b""
            self._exact = stored.decode(self.encoding, "surrogateescape") if is_escaped else self.text
        characters, size = self._at if self._at[0] <= offset else (0, 0)
        size += len(self._exact[characters:offset].encode(self.encoding, "surrogateescape"))
        self._at = (offset, size)
        return self.skipped + size


def decode(content: bytes, charset: str | None = None) -> Decoded:
    """The text of *content*: by its byte-order mark, else as UTF-8 if that is what it is, else by *charset* (what the
    transport declared), else by what the document declares, else as Windows-1252. Never fails.

    UTF-8 goes before declarations because bytes that happen to be valid UTF-8 and mean something else are rarer, in
    saved pages, than declarations that a later save made false.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decoded(content, encoding, len(mark))
    if content.isascii() and b"\x1b" not in content and b"\x00" not in content[:_PRESCAN]:
        return Decoded(None, "ascii", content)
    if (wide := _wide(content)) is not None:
        return _decoded(content, wide, 0)
    if b"\x1b" not in content and (marks := _utf8(content)) is not None:
        return Decoded(None, "utf-8", content, marks=marks)
    return _decoded(content, _known(charset) or _declared(content) or _mostly(content), 0)


_PIECE = 1 << 14


def _utf8(content: bytes) -> list[tuple[int, int]] | None:
    """Where pieces of *content* begin and how many characters begin before each; None where it is no valid UTF-8. Each
    piece is read in the fastest way that it allows: a page with a few characters beyond ASCII is not made a text of
    four bytes each to find out."""
    marks: list[tuple[int, int]] = []
    start = count = 0
    try:
        while start < len(content):
            marks.append((start, count))
            # No piece ends within a character: what follows a line's end or a tag's start begins one.
            stop = content.find(b"<", start + _PIECE)
            piece = content[start : stop if stop >= 0 else len(content)]
            start += len(piece)
            count += len(piece) if piece.isascii() else len(piece.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return marks


_CONTINUATION = bytes(range(0x80, 0xC0))


def characters(page: bytes, start: int, stop: int) -> int:
    """How many characters begin in page[start:stop], which is UTF-8."""
    count = 0
    for at in range(start, stop, 4096):
        piece = page[at : min(at + 4096, stop)]
        count += len(piece) if piece.isascii() else len(piece.translate(None, _CONTINUATION))
    return count


def _decoded(content: bytes, encoding: str, skipped: int) -> Decoded:
    text = content[skipped:].decode(encoding, "surrogateescape") if encoding[:5] != "utf-1" else ""
    if encoding.startswith("utf-1"):
        # A lone byte at the end cannot be a character of UTF-16, and surrogateescape cannot say so.
        even = skipped + (len(content) - skipped) // 2 * 2
        text = content[skipped:even].decode(encoding, "replace")
    text = _LONE.sub("\ufffd", text)
    return Decoded(text, encoding, content, skipped, "\ufffd" in text)


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark, by where its zeros stand."""
    head = content[:_PRESCAN]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) < 4 or max(even, odd) < len(head) // 5:
        return None
    if odd > 8 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 8 * odd else None


def _declared(content: bytes) -> str | None:
    head = content[:_PRESCAN]
    found = _XML.search(head) or _META.search(head)
    label = _known(found[1].decode("ascii")) if found else None
    # A declaration that could be read as ASCII is no declaration of UTF-16 (HTML standard, prescan).
    return "utf-8" if label and label.startswith("utf-16") else label


def _known(label: str | None) -> str | None:
    """The encoding that browsers mean by *label* (https://encoding.spec.whatwg.org/#names-and-labels)."""
    if not label:
        return None
    import webencodings

    found = webencodings.lookup(label.strip(" \"'"))
    if found is None or found.name in {"replacement", "x-user-defined"}:
        return None
    renamed = {"windows-874": "cp874", "iso-8859-8-i": "iso-8859-8", "x-mac-cyrillic": "mac-cyrillic"}
    return renamed.get(found.name) or str(found.codec_info.name)


def _mostly(content: bytes) -> str:
    """UTF-8 with a flaw (a truncated or spliced page), or Windows-1252."""
    bad = content.decode("utf-8", "replace").count("\ufffd")
    good = sum(1 for byte in content[: 1 << 20] if byte >= 0xC2)
    return "utf-8" if bad * 4 <= good else "cp1252"
