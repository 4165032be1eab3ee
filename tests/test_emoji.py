"""Which emoji a copy of a text has, and which it may have had."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import emoji


@pytest.mark.parametrize(
    ("copy", "text", "fits"),
    [
        ("\U0001f6a8 a \u26a0\ufe0f", "\U0001f6a8 a \u26a0", True),
        ("\U0001f6a8 a", "\U0001f7e2 a", False),
        ("\U0001f6a8 a", "a", False),
        ("a", "\U0001f6a8 a", False),
        ("really? a", "really? a", True),
        ("see https://example.org/a?b=c", "see", True),
        ("\U0001f6a8 a \U0001f525", "\U0001f525 a \U0001f6a8", False),
    ],
)
def test_the_same_emoji_in_the_same_order_are_kept(copy, text, fits):
    assert emoji.kept(copy, text) is fits


@pytest.mark.parametrize(
    ("copy", "text", "fits"),
    [
        ("?? a", "\U0001f6a8 a", True),
        ("? a", "\U0001f6a8 a", False),
        ("???? a", "\U0001f6a8 a", False),
        ("???? a", "\U0001f1fa\U0001f1e6 a", True),
        ("?? a", "\U0001f1fa\U0001f1e6 a", False),
        ("??? a", "\U0001f32a\ufe0f a", True),
        ("?? a", "\U0001f32a\ufe0f a", False),
        ("????? a", "\U0001f469\u200d\U0001f692 a", True),
        ("\u26a0?? a", "\u26a0\U0001f6a8 a", True),  # an encoder that knows the older signs
        ("?? a", "a", False),
        ("?? a", "\U0001f6a8 a \U0001f6a8", False),
        ("\u201c?? a", "\U0001f30a \u201c\U0001f525 a", False),
    ],
)
def test_lost_emoji_are_counted_in_units_of_utf_16(copy, text, fits):
    assert emoji.lost(copy, text) is fits


def test_an_encoder_is_told_by_a_text_known_in_both_forms():
    one = emoji.encoder("? Harbour", "\U0001f30a Harbour")
    assert one is not None and emoji.lost("? a", "\U0001f6a8 a", one) and not emoji.lost("?? a", "\U0001f6a8 a", one)
    assert emoji.encoder("Harbour", "\U0001f30a Harbour") is None
    assert emoji.encoder("?? Harbour", "Harbour") is None


@given(st.text(), st.text())
def test_any_two_texts_are_compared(copy, text):
    assert emoji.kept(text, text)
    assert emoji.lost(copy, text) in (True, False)
