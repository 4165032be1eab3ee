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
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from archiver.model import IMPORTED_BY, Capture

#: What every export says of itself.
PROVES = (
    "Each capture names the URL that was asked, when, from which address it was answered, and the SHA-256 of the bytes "
    "that came back: equal digests mean equal bytes."
)
PROVES_NOT = (
    "It does not prove that the platform itself wrote those bytes, nor that what a post says is true. Captures marked "
    "replay, file or import were not observed by this program on the live web."
)

#: What every export says of itself, member by member.
SAYS = {"proves": PROVES, "proves_not": PROVES_NOT}


def giver(source: str) -> str | None:
    """Whose captures a source's answers are, where somebody handed them in; None where they were asked for here."""
    return source.partition(IMPORTED_BY)[2] or None


@dataclass(frozen=True, slots=True)
class Held:
    """A capture with its id. `same_as` is the id of an earlier answer in the same export with the very same body, or
    None: a WARC then holds the bytes once and a `revisit` (WARC/1.1 6.7)."""

    id: str
    capture: Capture
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """Who packages an export: `sign` gives the same signature for the same bytes. ECDSA on P-384 over SHA-256, both
    numbers in 48 bytes each, as WebCrypto writes it; `public_key` is the SubjectPublicKeyInfo, DER."""

    public_key: bytes
    sign: Callable[[bytes], bytes]


class Contents(Protocol):
    """What an export may read: chosen posts and all that belongs to them, in a fixed order, one state of the archive
    from the first line to the last."""

    @property
    def signer(self) -> Signer | None:
        """Who signs the formats that carry a signature; None for nobody."""

    def about(self) -> dict[str, Any]:
        """`software`, `posts`, `embeds` and `captures` (how many), `selection` (the criteria, {} for everything),
        `first_at` and `last_at` (start of the earliest and latest capture, or None), `example`. Nothing that differs
        between two exports of the same archive."""

    def posts(self) -> Iterator[dict[str, Any]]:
        """One dossier per post (see `store.search.dossier`), by platform and id."""

    def post(self, platform: str, id: str) -> dict[str, Any]:
        """The dossier of one post."""

    def embeds(self) -> Iterator[dict[str, Any]]:
        """One object per embed (see `store.search.shown_in`), resolved or not, by article and place in it."""

    def captures(self) -> Iterator[Held]:
        """Every capture that belongs to the chosen posts and embeds, redirects and articles included, by time,
        then by id."""

    def capture(self, id: str) -> Capture:
        """One capture; its bodies are read when opened."""

    def record(self, capture: str) -> dict[str, Any]:
        """A capture's whole record by id."""

    def blob(self, sha256: str) -> BinaryIO:
        """Bytes by digest, as a stream."""

    def ledger(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """(file name, its content in pieces) of what the ledger proves about the chosen captures, with a script that
        checks it; nothing where no signed checkpoint holds any of them."""


@dataclass(frozen=True, slots=True)
class Export:
    """One format. `write(contents, out)` streams it; `says` is the one line that `archiver export list` prints.
    `check(path)` says what is wrong with a file of it, a sentence each; None where the format carries no digests of its
    own, and only the one beside it tells (`exports.digests`). `check_signed(path, key)` is the same, and says too where
    this public key (DER) did not sign it; None where the format carries no signature."""

    name: str
    suffix: str
    says: str
    write: Callable[[Contents, BinaryIO], None]
    check: Callable[[Path], list[str]] | None = None
    check_signed: Callable[[Path, bytes], list[str]] | None = None


def export_of(path: Path) -> Export | None:
    """Which format an exported file is of, by the end of its name; None where it tells nothing."""
    return next((export for export in exports().values() if path.name.endswith(export.suffix)), None)


@functools.cache
def exports() -> Mapping[str, Export]:
    """Every export by name, in name order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        export = getattr(importlib.import_module(f"{__name__}.{module.name}"), "EXPORT", None)
        if isinstance(export, Export):
            found[export.name] = export
    return found
