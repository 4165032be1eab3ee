"""Throw mangled articles at the extractor for a while: python tests/fuzz_extract.py [SECONDS] [SEED].

Every page must end in embeds whose selectors point into it, or in an InputError that says why, and within two seconds
of this process's time. Prints how many pages were tried and the slowest; any other ending is a failure.
"""

# ruff: noqa: E501 - samples of markup and of addresses, as they are written
from __future__ import annotations

import json
import random
import sys
import time

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from archiver.articles import as_json, embeds, text_of
from archiver.errors import InputError

ID = "1821000000000000000"
PIECES = [
    f'<blockquote class="twitter-tweet"><p>Rain</p>&mdash; Harbour (@harbour) <a href="https://twitter.com/harbour/status/{ID}">August 7, 2024</a></blockquote>',
    f"https://x.com/harbour/status/{ID}", f'<a href="https:\\/\\/twitter.com\\/a\\/status\\/{ID}">', "pic.twitter.com/AbCdEf1234",
    "— Harbour (@harbour) August 7, 2024", "— (@h) 2024年8月7日", "(@", "—", "<script>", "</script>", "<!--", "-->", "<![CDATA[", "]]>",
    "<template>", "</template>", "<textarea>", "</textarea>", "<noscript>", "</noscript>", "<div ", ">", '"', "'", "\\", "\\u003c", "&lt;",
    "&quot;", "\0", "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "\u202e", "<iframe src=", "<p>", "</p>", "<table>",
    '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>', '<div data-html="&lt;iframe src=&quot;//www.instagram.com/p/AbCdEfGhIjk/embed&quot;&gt;">',
    '<script type="application/json">{"html":"\\u003cblockquote class=\\"twitter-tweet\\"\\u003e\\u003ca href=\\"https://twitter.com/a/status/1821000000000000000\\"\\u003e"}</script>',
    '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:kft6lu4trxowqmter2b6vg6z/app.bsky.feed.post/3leyztswv5k2q">',
    "A post shared by Harbour (@harbour)", "<svg><title>", "<b ", "</b>", "[tweet id=", "[embed]", "{{< x ", "\u266a", "\u266c original sound - Harbour", "@harbour\n",
    "(<a href='x'>@harbour</a>) ", "7:03 PM · Aug 7, 2024", "byu/harbour in rain", "View on Threads", "```", "data-attrs='{", '<div class="tweet" data-id="1821000000000000000">',
    "<iframe src='https://cards.example/?url=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F1821000000000000000'>", "t.me/harbour/12", "{", "}", "[", "]", "\n", " ",
]  # fmt: skip
mangled = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=40).map("".join)
encoded = st.builds(
    lambda text, encoding, cut, noise: text.encode(encoding, "replace")[cut:] + noise,
    mangled,
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252", "shift_jis", "gb18030", "iso-2022-jp", "koi8-r"]),
    st.integers(0, 3),
    st.binary(max_size=6),
)

tried = found = refused = 0
slowest = (0.0, b"")


@settings(max_examples=1_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(content=encoded, name=st.sampled_from(["a.html", "a.txt", "a.md", "a.json", "a"]))
def survives(content: bytes, name: str) -> None:
    global tried, found, refused, slowest
    if time.monotonic() > until:
        return
    tried += 1
    began = time.process_time()
    try:
        shown = embeds(content, location=name)
    except InputError as error:
        assert "too" in str(error), error
        refused += 1
        return
    took = time.process_time() - began
    slowest = max(slowest, (took, content))
    assert took < 2, (took, content)
    found += len(shown)
    length = len(text_of(content))
    for embed in shown:
        json.dumps(as_json(name, embed)).encode()
        assert embed.start is not None and embed.end is not None and 0 <= embed.start <= embed.end <= length, embed
        for span in embed.text_spans:
            assert 0 <= span.start < span.end <= length and 0 < span.confidence < 1, embed
        position = dict(embed.selectors[0].value)
        assert 0 <= int(position["start"]) <= int(position["end"]) <= len(content), embed


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    number = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seed(number)(survives)()
        number += 1
    print(
        f"{tried} pages in {seconds:.0f} s: {found} embeds, {refused} refused, slowest {slowest[0]:.3f} s; last seed {number - 1}"
    )
