"""Memory stays flat: with how many posts there are, and with how large a film is. bench/run.py --memory has the figures
for ten thousand posts and two gigabytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.run import Shape, Web, archived

#: In MB: what may be between a small run and a large one.
FLAT = 20.0


def most(shape: Shape, folder: Path) -> float:
    folder.mkdir()
    with Web(shape, folder) as web:
        return archived(web, folder / "run", 32, 4).memory


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_neither_many_posts_nor_a_long_film_cost_memory(tmp_path: Path) -> None:
    few = most(Shape(100, 30_000, 16, 0.0), tmp_path / "few")
    many = most(Shape(800, 30_000, 16, 0.0), tmp_path / "many")
    film = most(Shape(1, 0, 1, 0.0, film=200_000_000), tmp_path / "film")
    assert many - few < FLAT, f"{few:.0f} MB for 100 posts, {many:.0f} MB for 800"
    assert film - few < FLAT, f"{few:.0f} MB for 100 posts, {film:.0f} MB for a film of 200 MB"
