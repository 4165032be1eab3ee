"""Formats in which an archive tells what it knows, one pure file each.

A file here that ends in `EXPORT = Export(…)` is a format by existing. Every export streams, is deterministic (the
same archive gives the same bytes) and says in plain words what it proves and what it does not.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from archiver.model import Capture

#: What every export says of itself.
PROVES = (
    "Each capture names the URL that was asked, when, from which address it was answered, and the SHA-256 of the bytes "
    "that came back; equal digests mean equal bytes."
)
PROVES_NOT = (
    "It does not prove that the platform itself wrote those bytes, nor that what a post says is true; captures marked "
    "replay, file or import were not observed by this program on the live web."
)


class Contents(Protocol):
    """What an export may read: chosen posts and all that belongs to them, in a fixed order."""

    def about(self) -> dict[str, Any]:
        """The archive: name, software, counts; nothing that differs between two exports of the same archive."""

    def posts(self) -> Iterator[dict[str, Any]]:
        """One dossier per post (see `store.search.dossier`), by platform and id."""

    def captures(self) -> Iterator[tuple[str, Capture]]:
        """(id, capture) of every capture that belongs to the chosen posts, in the order they were kept."""

    def record(self, capture: str) -> dict[str, Any]:
        """A capture's whole record by id."""


@dataclass(frozen=True, slots=True)
class Export:
    """One format. `write(contents, out)` streams it; `says` is the one line that `archiver export --help` prints."""

    name: str
    suffix: str
    says: str
    write: Callable[[Contents, BinaryIO], None]


@functools.cache
def exports() -> Mapping[str, Export]:
    """Every export by name, in name order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        export = getattr(importlib.import_module(f"{__name__}.{module.name}"), "EXPORT", None)
        if isinstance(export, Export):
            found[export.name] = export
    return found
