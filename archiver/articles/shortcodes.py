"""Posts that a document's source shows by a short code of its publishing system: `[embed]URL[/embed]`, `[tweet ID]`
(WordPress), `{{< tweet user="…" id="…" >}}` (Hugo), `{% twitter URL %}` (Jekyll, Liquid). They stand in Markdown, in
feeds, and in pages whose system no longer knows them.
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterator

from archiver.model import PostRef
from archiver.platforms import platforms

# What systems call them; `x` is Hugo's name since 2024.
_ANY = (
    "(?:o?embed(?:ly)?|tweet|twitter|x|instagram|youtube|tiktok|telegram|mastodon|toot|bluesky|threads|facebook|reddit)"
)
_OPENED = re.compile(
    rf"(?:\[{_ANY}\b[^\[\]\n]{{0,80}}\]?|\{{\{{[<%]-? ?{_ANY}\b[^<>\n]{{0,80}}|\{{%-? ?{_ANY}\b[^%\n]{{0,80}})$"
)
_BY_ID = re.compile(
    r"(?:\[(?P<a>tweet|twitter)\b(?P<b>[^\[\]\n]{1,80})\]|\{\{[<%]-? ?(?P<c>tweet|twitter|twitter_simple|x|x_simple)\b"
    r"(?P<d>[^<>\n]{1,120})[%>]\}\}|\{%-? ?(?P<e>tweet|twitter)\b(?P<f>[^%\n]{1,80})%\})"
)
_ID = re.compile(r"(?:^|[\s=\"'])(\d{15,20})(?=[\s\"']|$)")


def holds(text: str, start: int) -> bool:
    """Whether the URL at *start* stands in a short code, which then shows what it names."""
    low = max(0, start - 100)
    line = max(text.rfind("\n", low, start) + 1, low)
    found = _OPENED.search(text[line:start])
    return found is not None and not _is_code(text, line + found.start())


def posts(text: str) -> Iterator[tuple[int, int, PostRef]]:
    """Where short codes name posts by their ids: start, end, post."""
    if not _any_sign(text):
        return
    for found in _BY_ID.finditer(text):
        said = found["b"] or found["d"] or found["f"] or ""
        if (id := _ID.search(said)) and "//" not in said and not _is_code(text, found.start()):
            twitter = platforms()["twitter"]
            if ref := twitter.match(twitter.url(PostRef("twitter", id[1]))):
                yield found.start(), found.end(), ref


def _any_sign(text: str) -> bool:
    return any(sign in text for sign in ("[tw", "{{<", "{{%", "{%"))


@functools.lru_cache(maxsize=8)
def _fences(text: str) -> tuple[int, ...]:
    return tuple(found.start() for found in re.finditer(r"(?m)^[ \t>]*(?:```|~~~)", text))


def _is_code(text: str, at: int) -> bool:
    """Whether this is a sample of a short code: in a fenced block, or behind a backtick."""
    return bisect.bisect_left(_fences(text), at) % 2 == 1 or text[max(0, at - 1) : at] == "`"
