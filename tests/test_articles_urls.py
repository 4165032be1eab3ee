"""URLs written out in prose: where they begin, and what punctuation is the sentence's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.articles import plain

_PIECES = r"""http https HTTPS :// :/ / . x com t.co x.com /a ( ) @ [ ] - _ é 漢字 ： 」 http: s: ab * , " … ſ \ :"""


@given(st.lists(st.sampled_from([*_PIECES.split(), " ", "\n"]), max_size=14))
@settings(max_examples=1000, deadline=None)
def test_looking_at_the_slashes_alone_finds_every_url_that_the_pattern_finds(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert [start for start, _ in plain.urls(text)] == [found.start() for found in plain._URL.finditer(text)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("see https://x.example/a.", "https://x.example/a"),
        ("(https://x.example/a).", "https://x.example/a"),
        ("https://x.example/a_(b)", "https://x.example/a_(b)"),
        ("(https://x.example/a_(b)).", "https://x.example/a_(b)"),
        ("https://x.example/a).).)", "https://x.example/a"),
        ("https://x.example/(a)).b).).", "https://x.example/(a)).b"),
        ("https://x.example/(.).).", "https://x.example/(.)"),
    ],
)
def test_the_punctuation_round_a_url_is_not_its_own(written: str, meant: str) -> None:
    assert [url for _, url in plain.urls(written)] == [meant]
