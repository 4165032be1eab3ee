"""The digest that stands beside an exported file: `NAME.sha256`, one line that `sha256sum -c` and `shasum -c` read.

One mechanism for every format, because none of them has to be bent for it, any changed, cut or added byte is found,
and nobody needs a program of ours to find it (docs/decisions/0007-digests-beside-exports.md). With a signer,
`NAME.sha256.sig` signs that line in the form that `openssl dgst -verify` reads.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from archiver.exports import Signer, signing

#: What a list of one digest, or a signature of it, can be at most, in bytes.
_SMALL = 16_384


class Hashed:
    """Bytes on their way out, counted and hashed: `size` in bytes, `digest` SHA-256."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.size, self.digest = out, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        """The stream is its owner's to flush."""


def beside(path: Path) -> Path:
    """Where the digest of an exported file stands."""
    return path.with_name(path.name + ".sha256")


def signature(path: Path) -> Path:
    """Where the signature of that digest stands."""
    return path.with_name(path.name + ".sha256.sig")


def line(name: str, sha256: str) -> bytes:
    """One line as GNU coreutils writes it: a name with a backslash or a line end in it is escaped, and marked so."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{sha256}  {escaped}\n".encode("utf-8", "surrogateescape")


def forget(path: Path) -> None:
    """Take away what was said of a file that is about to be another."""
    for each in (signature(path), beside(path)):
        each.unlink(missing_ok=True)


def write(path: Path, sha256: str, signer: Signer | None) -> None:
    """Write the digest of a file, and its signature where there is a signer. OSError where it cannot be written."""
    content = line(path.name, sha256)
    if signer is not None:
        signature(path).write_bytes(signing.as_der(signer.sign(content)))
    beside(path).write_bytes(content)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file of any size. OSError where it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path, *, key: bytes | None = None) -> list[str]:
    """What is wrong with an exported file by the digest beside it, a sentence each. `key` is the public key
    (SubjectPublicKeyInfo, DER) that must have signed it; without one the signature is not looked at, since a key that
    came with the file says nothing."""
    try:
        said, found = _small(beside(path)), line(path.name, sha256_of(path))
    except OSError as error:
        return [f"cannot be read: {error.strerror}"]
    faults = []
    if said != found:
        same = said[:65] == found[:65]
        faults.append(
            f"{beside(path).name} is about a file of another name" if same else f"is not what {beside(path).name} says"
        )
    if key is not None:
        try:
            signed = _small(signature(path))
        except OSError:
            return [*faults, "is not signed"]
        if not signing.verifies(key, said, signed):
            faults.append(f"{signature(path).name} is no signature by that key")
    return faults


def _small(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_SMALL)
