"""Articles in, embeds out: every post that a document shows or links, whatever shape the document is in.

Pure: bytes in, frozen values out. `embeds` reads one document, `read` walks whatever people have (files, directories,
WARC, feeds, data sets), `as_json` is the contract of `archiver extract --json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from archiver.errors import InputError
from archiver.model import Embed

if TYPE_CHECKING:
    from archiver.articles.readers import Document, Seen

__all__ = ["as_json", "embeds", "prepare", "read", "text_of"]


def prepare() -> None:
    """Make now what the first document would wait a third of a second for."""
    from archiver.articles import screen

    screen.references()


def embeds(
    content: bytes, *, media_type: str | None = None, charset: str | None = None, location: str | None = None
) -> tuple[Embed, ...]:
    """Every post that one document shows or links, in document order.

    *media_type* and *charset* are what the transport declared, *location* a file name or URL; all three are hints, and
    the bytes decide. Raises InputError where the document cannot be read whole ("too large", "too deep"): an empty
    tuple always means that nothing is there.
    """
    from archiver.articles.reading import embeds

    return embeds(content, media_type=media_type, charset=charset, location=location)


def text_of(
    content: bytes, *, media_type: str | None = None, charset: str | None = None, location: str | None = None
) -> str:
    """The text that `Embed.start`, `Embed.end` and `Embed.text_spans` count characters of: the decoded document.

    For HTML (JSON, a feed) that is the source, markup and all, with a byte-order mark dropped and each undecodable byte
    as one U+FFFD; line ends are as stored.
    """
    from archiver.articles.decoding import decode

    return decode(content, charset).text


def read(
    paths: Iterable[str],
    *,
    text_column: str | None = None,
    url_column: str | None = None,
    stdin: BinaryIO | None = None,
    seen: Seen | None = None,
) -> Iterator[Document | InputError]:
    """The documents in *paths*, in constant memory: files, folders, globs and `-`; HTML, text, Markdown, gzip, WARC,
    WACZ, feeds, JSON Lines, CSV, Parquet. What cannot be read is yielded as an InputError that names it, in its place;
    the rest goes on. The columns say where a data set keeps the text and the address, where no well-known name does.
    With *seen* (begin with an empty one), files that are unchanged since they were read whole are left out.
    """
    from archiver.articles.readers import read

    return read(paths, text_column=text_column, url_column=url_column, stdin=stdin, seen=seen)


def as_json(location: str, embed: Embed) -> dict[str, Any]:
    """One line of `archiver extract --json`: the fields of the contract, then selectors and text spans."""
    claim = embed.claim
    return {
        "article": location,
        "platform": embed.platform,
        "kind": embed.kind.value,
        "id": embed.ref.id if embed.ref else None,
        "url": embed.url,
        "handle": claim.handle,
        "name": claim.name,
        "date": claim.date.isoformat() if claim.date else None,
        "codes": list(claim.codes),
        "text": claim.text,
        "start": embed.start,
        "end": embed.end,
        "where": embed.where,
        "in_body": embed.in_body,
        "pic_codes": list(claim.pic_codes),
        "text_spans": [{"start": s.start, "end": s.end, "confidence": s.confidence} for s in embed.text_spans],
        "selectors": [selector.as_json() for selector in embed.selectors],
    }
