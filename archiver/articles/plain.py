"""Posts in documents without markup: flattened attributions, links in prose, bare short codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.articles import shortcodes
from archiver.articles.decoding import Decoded
from archiver.articles.flattened import attributions, short_codes
from archiver.articles.selectors import in_text
from archiver.model import Claim, Embed, Kind, PostRef
from archiver.platforms import platforms, recognise

_URL = re.compile(
    r"https?://[^\s<>\"'`|\\^{}\[\]）」』。、，]+|(?<![\w@./-])(?:[\w-]+\.)+[a-z]{2,6}/[^\s<>\"'`|\\^{}\[\]）]+",
    re.IGNORECASE,
)
#: Where one can be: at the slashes after its scheme, or at the one after its host. Nothing else in a text is looked at.
_SLASH = re.compile(r":(?=//)|\.[a-z]{2,6}/", re.IGNORECASE)
#: What stands before the last label of a host, the last character first.
_BEFORE = re.compile(r"[\w.-]*")
_LONGEST_HOST = 253
_TRAILING = ".,;:!?…*_~"


def plain_embeds(decoded: Decoded) -> tuple[Embed, ...]:
    """Every post of a plain text or Markdown article, in order."""
    return tuple(sorted(_embeds(decoded), key=lambda embed: (embed.start or 0, embed.end or 0)))


def _embeds(decoded: Decoded) -> Iterator[Embed]:
    text = decoded.text
    taken: list[tuple[int, int]] = []
    told: set[str] = set()
    for found in attributions(text):
        taken.append((found.start, found.stop))
        told.update(found.codes)
        yield Embed(
            platform=found.platform, kind=Kind.FLATTENED, ref=found.ref, url=found.url,
            claim=found.claim,
            where="text", in_body=True, start=found.start, end=found.end, text_spans=found.spans,
            selectors=in_text(decoded, found.start, found.end),
        )  # fmt: skip
    for start, url in urls(text):
        if any(a <= start < b for a, b in taken):
            continue
        end = start + len(url)
        if ref := recognise(url if "//" in url[:8] else f"https://{url}"):
            kind = Kind.EMBED if shortcodes.holds(text, start) else Kind.LINK
            yield Embed(
                platform=ref.platform, kind=kind, ref=ref, url=url, claim=Claim(handle=author(ref, url)),
                where="text", in_body=True, start=start, end=end, selectors=in_text(decoded, start, end),
            )  # fmt: skip
    for start, end, ref in shortcodes.posts(text):
        yield Embed(
            platform=ref.platform, kind=Kind.EMBED, ref=ref, url=None, claim=Claim(), where="text", in_body=True,
            start=start, end=end, selectors=in_text(decoded, start, end),
        )  # fmt: skip
    for platform in platforms().values():
        if platform.markup.codes is None:
            continue
        for match in re.finditer(platform.markup.codes, text):
            if match[1] in told:
                continue
            told.add(match[1])
            codes, pics = short_codes(text, match.start(), match.end())
            yield Embed(
                platform=platform.name, kind=Kind.SHORTLINK, ref=None, url=match[0],
                claim=Claim(codes=codes, pic_codes=pics),
                where="text", in_body=True, start=match.start(), end=match.end(),
                selectors=in_text(decoded, match.start(), match.end()),
            )  # fmt: skip


def urls(text: str) -> Iterator[tuple[int, str]]:
    """URLs written out in *text*, without the punctuation of the sentence round them."""
    read = 0
    for slash in _SLASH.finditer(text):
        at = slash.start()
        if at < read:
            continue
        if text[at] == ":":
            found = _URL.match(text, max(at - 5, read)) or _URL.match(text, max(at - 4, read))
        else:
            before = _BEFORE.match(text[max(at - _LONGEST_HOST, read) : at][::-1])
            found = _URL.match(text, at - len(before[0])) if before else None
        if not found:
            continue
        read = found.end()
        yield found.start(), _without_trailing(found[0])


def _without_trailing(url: str) -> str:
    """Without the punctuation that ends its sentence, and without brackets that it does not open itself."""
    url = url.rstrip(_TRAILING)
    if url.endswith(")") and (surplus := url.count(")") - url.count("(")) > 0:
        last = url.rstrip(")" + _TRAILING)
        tail = url[len(last) :]
        url = last if tail.count(")") <= surplus else (last + tail.rsplit(")", surplus)[0]).rstrip(_TRAILING)
    return url


def author(ref: PostRef, url: str) -> str | None:
    """The author's handle, where the post's URL tells it."""
    pattern = platforms()[ref.platform].markup.author
    found = re.search(pattern, url, re.IGNORECASE) if pattern else None
    return found[1] if found else None
