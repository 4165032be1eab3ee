"""The CSV export opens in a spreadsheet and does nothing there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.exports import exports
from archiver.exports.csv import COLUMNS, safe
from archiver.store.contents import StoredContents
from tests.archives import HOSTILE, build, opened

_ACTIVE = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n"


def rows(path: Path) -> list[dict[str, str]]:
    out = io.BytesIO()
    with opened(path) as db:
        exports()["csv"].write(StoredContents(db), out)
    text = out.getvalue().decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


@given(st.text())
@example("=1+1")
@example(" =1+1")
@example("\u200b@SUM(1)")
@example("'=1+1")
@example("\uff1d1+1")
@example("1816112345678901234")
def test_no_cell_acts_and_every_cell_can_be_undone(value: str) -> None:
    cell = safe(value)
    assert cell[:1] not in tuple(_ACTIVE)
    assert cell.strip(" \u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff")[:1] not in tuple(_ACTIVE)
    undone = cell[1:] if cell.startswith("'") else cell
    assert undone == value.translate({n: 0x2400 + n for n in range(32) if n not in (9, 10, 13)} | {127: 0x2421})


@pytest.mark.parametrize("id", ["1816112345678901234", "007", "12e34"])
def test_an_id_is_no_number(id: str) -> None:
    """A spreadsheet keeps 15 digits and drops zeros."""
    assert safe(id) == f"'{id}"


def test_one_row_per_embed_resolved_or_not(tmp_path: Path) -> None:
    about, *embeds = rows(build(tmp_path / "a.db", 12))
    assert about["record"] == "about"
    assert len(embeds) == 16
    loose = [row for row in embeds if not row["post"]]
    assert len(loose) == 4
    assert {row["reason"] for row in loose} == {"ambiguous"}
    assert all(row["candidates"].startswith("twitter:10") for row in loose)
    found = next(row for row in embeds if row["post"] == "1000")
    assert found["verdict"] == "corroborated"
    assert found["media_kept"] == "1"
    assert len(found["media_sha256"]) == 64
    other = next(row for row in embeds if row["post"] == "1009")
    assert other["date_verdict"] == "contradicted"
    assert "2024-09-16" in other["differences"]


def test_a_hostile_archive_keeps_its_shape(tmp_path: Path) -> None:
    """As many rows and columns as it should have, and in no cell a formula."""
    found = rows(build(tmp_path / "a.db", 6 * len(HOSTILE), hostile=True))
    assert len(found) == 1 + 8 * len(HOSTILE)
    for row in found:
        assert tuple(row) == COLUMNS
        assert not [cell for cell in row.values() if cell[:1] in tuple(_ACTIVE)]
