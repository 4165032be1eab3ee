"""Signed statements of how large the log is and what its root is: C2SP tlog-checkpoint in a C2SP signed-note.

https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note

Our extension lines read `name value` (`time`, `job`). They are signed, but nobody can audit them against the tree,
which is why the standard advises against them: what must be provable belongs into a leaf.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.errors import ParseError, Unproved
from archiver.ledger.keys import Keys, PublicKey, decode64, is_key_name

#: More than the 16 signatures of up to 5 kB that the standard makes every reader take.
_MAX_NOTE = 256 * 1024
_MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head: its origin (a name that no other log has, without a scheme), leaves, root hash, extension lines.

    ValueError where these cannot be written down unambiguously."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or any(char < " " or char in "\x7f\x85\u2028\u2029" for char in line):
                raise ValueError(f"{line!r} cannot be a line of a checkpoint")
        if self.size < 0 or len(self.root) != 32:
            raise ValueError(f"a log of {self.size} leaves with a root of {len(self.root)} bytes is none")

    @property
    def text(self) -> bytes:
        """The exact bytes that are signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions)).encode()

    def extension(self, name: str) -> str | None:
        """The value of the extension line `name value`, None where there is none."""
        lines = (line.partition(" ") for line in self.extensions)
        return next((value for key, _, value in lines if key == name), None)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not yet believed: the key's name and id, and the bytes after the id."""

    name: str
    id: bytes
    raw: bytes


def sign_text(text: bytes, *keys: Keys) -> bytes:
    """A signed note over any text that ends in a newline."""
    signatures = []
    for pair in keys:
        blob = base64.b64encode(pair.public.id + pair.sign(text)).decode()
        signatures.append(f"— {pair.public.name} {blob}\n")
    return text + b"\n" + "".join(signatures).encode()


def sign(checkpoint: Checkpoint, *keys: Keys) -> bytes:
    """The checkpoint as a signed note; several keys where one takes over from another. Whoever signs promises never
    to sign a checkpoint of the same origin that is inconsistent with it, so prove consistency first."""
    if not keys:
        raise ValueError("a checkpoint needs a key to sign it")
    return sign_text(checkpoint.text, *keys)


def parse_note(note: bytes) -> tuple[bytes, tuple[Signature, ...]]:
    """The text (as signed) and the signature lines, unverified. ParseError where the bytes are no signed note."""
    if len(note) > _MAX_NOTE:
        raise ParseError(f"a signed note of {len(note)} bytes is too large ({_MAX_NOTE} at most)")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"not a signed note: not UTF-8 at byte {error.start}") from error
    if any(char < " " and char != "\n" for char in decoded):
        raise ParseError("not a signed note: it has control characters")
    text, blank, tail = decoded.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise ParseError("not a signed note: it needs a text, an empty line, and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise ParseError(f"a signed note with {len(lines)} signatures has too many ({_MAX_SIGNATURES} at most)")
    return f"{text}\n".encode(), tuple(_signature(line) for line in lines)


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        blob = decode64(encoded)
    except ValueError:
        blob = b""
    if dash != "—" or not is_key_name(name) or len(blob) < 5:
        raise ParseError(f"not a signed note: {line[:80]!r} is no signature line")
    return Signature(name, blob[:4], blob[4:])


def parse(note: bytes) -> Checkpoint:
    """The checkpoint that a note states, whoever signed it: use `verify` before believing it. ParseError."""
    text, _ = parse_note(note)
    lines = text.decode()[:-1].split("\n")
    if len(lines) < 3:
        raise ParseError("not a checkpoint: it needs three lines: origin, size, root hash")
    origin, size, root, *extensions = lines
    try:
        if len(size) > 20 or not size.isascii() or not size.isdigit() or str(int(size)) != size:
            raise ValueError(f"{size[:40]!r} is no tree size")
        return Checkpoint(origin, int(size), decode64(root), tuple(extensions))
    except ValueError as error:
        raise ParseError(f"not a checkpoint: {error}") from error


def verify_text(note: bytes, keys: Iterable[PublicKey]) -> tuple[bytes, tuple[PublicKey, ...]]:
    """The text of a signed note, and those of the keys that signed it. Signatures of other keys are ignored. Unproved
    where none of the keys signed, or where a signature in the name of one of them does not hold."""
    text, signatures = parse_note(note)
    known = {(key.name, key.id): key for key in keys}
    signers = []
    for signature in signatures:
        key = known.get((signature.name, signature.id))
        if key is None or key in signers:
            continue
        if not key.verifies(text, signature.raw):
            raise Unproved(f"the signature of {key.name} ({key.id.hex()}) does not fit the text: one was changed")
        signers.append(key)
    if not signers:
        names = ", ".join(f"{signature.name} ({signature.id.hex()})" for signature in signatures)
        raise Unproved(f"signed by {names}, and by no key given; get the log's key from whoever runs it")
    return text, tuple(signers)


def verify(note: bytes, keys: Iterable[PublicKey], origin: str | None = None) -> Checkpoint:
    """The checkpoint, if one of the keys signed it (and it is of that log, where an origin is given). ParseError
    where it is none, Unproved where it does not hold."""
    verify_text(note, keys)
    checkpoint = parse(note)
    if origin is not None and checkpoint.origin != origin:
        raise Unproved(f"the checkpoint is of the log {checkpoint.origin}, not of {origin}")
    return checkpoint
