"""One document: what kind it is, and who reads it."""

from __future__ import annotations

import re
from dataclasses import replace

from archiver.articles.decoding import Decoded, decode
from archiver.articles.plain import plain_embeds
from archiver.articles.screen import MAX_REFERENCES, references
from archiver.errors import InputError
from archiver.model import Embed, Kind

#: Documents larger than this are refused by name rather than read in part.
MAX_BYTES = 32 * 1024 * 1024
#: A text is read by slower means than markup; this is a shelf of novels.
MAX_TEXT_BYTES = 8 * 1024 * 1024

_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|!--|\?xml|html|head|body|div|p|a|span|script|blockquote|article|section|iframe|table|meta|"
    rb"figure|img|br|h[1-6]|ul|ol|li|rss|feed|amp-[a-z]+|noscript|link|title|main|em|strong|b|i|!\[CDATA\[)[\s>/]",
    re.IGNORECASE,
)


def embeds(
    content: bytes, *, media_type: str | None = None, charset: str | None = None, location: str | None = None
) -> tuple[Embed, ...]:
    """See `archiver.articles.embeds`."""
    name = location or "article"
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{name}: too large: {len(content)} bytes, and articles are read up to {MAX_BYTES}; split it, or give its "
            "parts as JSON Lines"
        )
    if is_markup(content, media_type, location):
        from archiver.articles.html import html_embeds

        return html_embeds(content, charset=charset, location=location)
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(
            f"{name}: too large: {len(content)} bytes of text, and articles without markup are read up to "
            f"{MAX_TEXT_BYTES}; split it, or give its parts as JSON Lines"
        )
    # Every pattern is ASCII, and so is what it looks for in any encoding but UTF-16.
    if b"\x00" not in content[:64] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        found = references()(content)
        if not found:
            return ()
        if len(found) > MAX_REFERENCES:
            raise InputError(f"{name}: too large: it has more than {MAX_REFERENCES} references")
    decoded = decode(content, charset)
    return _with_codes(decoded, plain_embeds(decoded), location)


# What embed codes are made of, and what Markdown shows as it is written.
_CODE = re.compile(
    r"<(?:blockquote|iframe|script|figure|div|object|embed|oembed|amp-|lite-|[a-z]+-)[^<>]*>", re.IGNORECASE
)
_FENCE, _SAMPLE = re.compile(r"[ \t>]*(```+|~~~+)"), re.compile(r"`[^`\n]+`")
_OPEN = "<p>"


def _with_codes(decoded: Decoded, found: tuple[Embed, ...], location: str | None) -> tuple[Embed, ...]:
    """*found* in a text or Markdown, and the embed codes that stand in it as HTML, which Markdown allows but in its
    samples of source. What was found within a code is part of it."""
    text = decoded.text
    if not _CODE.search(text):
        return found
    from archiver.articles.html import html_embeds
    from archiver.articles.selectors import in_text

    codes = []
    # A document that begins like a script is none.
    for embed in html_embeds((_OPEN + _without_samples(text)).encode(), charset="utf-8", location=location):
        if embed.kind is Kind.EMBED and embed.start is not None and embed.end is not None and embed.where != "text":
            start, end = max(0, embed.start - len(_OPEN)), embed.end - len(_OPEN)
            if text[start : start + 1] == "<":
                codes.append(replace(embed, start=start, end=end, selectors=in_text(decoded, start, end)))
    rest = [e for e in found if not any((c.start or 0) <= (e.start or 0) < (c.end or 0) for c in codes)]
    return tuple(sorted((*rest, *codes), key=lambda embed: (embed.start or 0, embed.end or 0)))


def _without_samples(text: str) -> str:
    """*text*, as long as it is, with blanks for what Markdown shows as it is written."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        is_bound = mark is not None and mark[1].startswith(fence)
        lines.append(" " * len(line) if fence or is_bound else _SAMPLE.sub(lambda each: " " * len(each[0]), line))
        if mark is not None and is_bound:
            fence = "" if fence else mark[1]
    return "\n".join(lines)


def is_markup(content: bytes, media_type: str | None, location: str | None) -> bool:
    """Whether a document is read as HTML: by what it holds, for a name or a declared type proves nothing. Markdown
    and text that merely mention a tag stay text."""
    suffix = (location or "").partition("#")[0].rpartition(".")[2].lower()
    if (media_type or "").split(";")[0].strip() in {"text/plain", "text/markdown"} or suffix in {
        "txt",
        "md",
        "markdown",
    }:
        return bool(
            re.match(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|\?xml)[\s>]", content[:512], re.IGNORECASE)
        )
    return (
        "html" in (media_type or "")
        or suffix in {"html", "htm", "xhtml", "xml", "rss", "atom", "json"}
        or bool(_MARKUP.search(content[: 1 << 16]))
        or (b"<" in content and bool(_MARKUP.search(content)))
    )
