"""Bodies as they arrive: which stay in memory, which go to disk, and that all together stay within their room."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.fetch.intake import AT_MOST, IN_MEMORY, Intake, Room
from archiver.model import Body, canonical, canonical_words

_CAP = 64 * 1024 * 1024


def taken(content: bytes, room: Room, spool: Path, coding: str = "") -> Body:
    intake = Intake(coding, wire_cap=_CAP, payload_cap=_CAP, spool=spool, room=room)
    for at in range(0, len(content), 50_000):
        assert intake.feed(content[at : at + 50_000])
    return intake.bodies()[1]


@pytest.mark.parametrize(
    ("size", "is_held"),
    [(1, True), (IN_MEMORY, True), (IN_MEMORY + 1, True), (AT_MOST, True), (AT_MOST + 1, False), (3_000_000, False)],
)
def test_a_body_of_one_piece_stays_in_memory_and_reads_the_same_wherever_it_is(size, is_held, tmp_path):
    content = os.urandom(size)
    body = taken(content, Room(8 * AT_MOST), tmp_path)
    assert (body.held == content) if is_held else (body.held is None)
    assert (body.sha256, body.size) == (hashlib.sha256(content).hexdigest(), size)
    for _ in range(2):
        with body.open() as stream:
            assert stream.read() == content


def test_without_room_a_body_goes_to_disk_and_the_room_comes_back_with_the_last_who_could_read_it(tmp_path):
    room, content = Room(2_000_000), os.urandom(900_000)
    bodies = [taken(content, room, tmp_path) for _ in range(4)]
    assert [each.held is not None for each in bodies] == [True, True, False, False]
    reader = bodies[0].open
    del bodies
    assert taken(content, room, tmp_path).held is not None  # one of the two has been let go of
    another = taken(content, room, tmp_path)
    last = taken(content, room, tmp_path)
    assert another.held is not None
    assert last.held is None  # the reader could still be asked
    with reader() as stream:
        assert stream.read() == content


def test_a_body_that_outgrows_memory_gives_its_room_back_at_once(tmp_path):
    room = Room(AT_MOST)
    long = taken(os.urandom(2 * AT_MOST), room, tmp_path)
    assert long.held is None
    assert taken(os.urandom(AT_MOST), room, tmp_path).held is not None


_words: st.SearchStrategy[object] = st.recursive(
    st.none() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=20,
)


@given(_words)
def test_words_are_canonical_as_rfc_8785_has_it(value):
    assert canonical_words(value) == canonical(value)


@pytest.mark.parametrize("value", [{"url": "half a character \ud800"}, {"size": 2**53}], ids=["surrogate", "number"])
def test_what_has_no_canonical_form_is_refused_as_ever(value):
    with pytest.raises(ValueError, match=r"."):
        canonical_words(value)
    with pytest.raises(ValueError, match=r"."):
        canonical(value)
