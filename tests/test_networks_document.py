"""docs/platforms.md is what the code does today."""

from __future__ import annotations

import runpy
from pathlib import Path

from archiver.platforms import platforms

SCRIPT = Path(__file__).parents[1] / "docs/platforms.py"


def test_the_committed_document_is_what_the_code_says() -> None:
    """If this fails, run `python docs/platforms.py` and commit what it writes."""
    written = runpy.run_path(str(SCRIPT))
    assert SCRIPT.with_suffix(".md").read_text(encoding="utf-8") == written["page"]()


def test_every_source_of_every_platform_stands_in_it_in_order() -> None:
    text = SCRIPT.with_suffix(".md").read_text(encoding="utf-8")
    for name, platform in platforms().items():
        part = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert part, name
        places = [part.index(f"**{source.name}**") for source in platform.sources()]
        assert places == sorted(places)
        for source in platform.sources():
            assert source.terms in part and all(host in part for host in source.hosts)
