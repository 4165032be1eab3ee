"""The Ed25519 keys (RFC 8032) that sign checkpoints, named and written as C2SP signed-note does.

https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import ConfigError, ParseError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: signed-note's signature type byte for plain Ed25519.
_ED25519 = b"\x01"

#: Whatever comes before the key in our PEM file; RFC 7468 section 2 lets explanatory text stand there.
_HEAD = "archiver ledger key. Keep it secret; the next line is public, give it to those who check.\n"

_VKEY = re.compile(r"^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$", re.MULTILINE)


def decode64(text: str) -> bytes:
    """Standard base64, in its one canonical spelling only. ValueError otherwise."""
    decoded = base64.b64decode(text, validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise binascii.Error("not canonical base64")
    return decoded


def is_key_name(name: str) -> bool:
    """signed-note: not empty, no white space, no plus, no control characters."""
    return bool(name) and name.isprintable() and not any(char == "+" or char.isspace() for char in name)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What checks a signature: the key's name (a schema-less URL, the log's origin) and its 32 bytes."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The 4 bytes that stand before each signature: a handle, not a fingerprint to trust."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def vkey(self) -> str:
        """`name+id+key` as other C2SP programs take it. Parsed back by `parse_vkey`."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @property
    def pem(self) -> str:
        """The key as SubjectPublicKeyInfo PEM, which openssl reads."""
        # RFC 8410 section 10.1: a fixed header and the 32 bytes.
        encoded = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + self.raw).decode()
        return f"-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


def parse_vkey(vkey: str) -> PublicKey:
    """The key that a vkey line names. ParseError where it is none, or not Ed25519."""
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key = decode64(encoded)
    except ValueError as error:
        raise ParseError(f"{vkey!r} is not a verifier key: {error}; it should read name+id+key") from error
    if not is_key_name(name) or len(key) != 33 or key[:1] != _ED25519:
        raise ParseError(f"{vkey!r} is not an Ed25519 verifier key; it should read name+id+key")
    public = PublicKey(name, key[1:])
    if public.id.hex() != key_id:
        raise ParseError(f"{vkey!r} is damaged: its id should be {public.id.hex()}")
    return public


class Keys:
    """A key pair that signs. The secret half never leaves this object except into its own file."""

    __slots__ = ("_private", "public")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        # Quotes are legal in the standard; without them a proof can be taken apart with sed alone.
        if not is_key_name(name) or '"' in name or "\\" in name:
            raise ConfigError(f"{name!r} cannot name a key: no spaces, plus or quotes; for example example.org/archive")
        self.public = PublicKey(name, private.public_key().public_bytes_raw())
        self._private = private

    def __repr__(self) -> str:
        return f"Keys({self.public.vkey})"

    def sign(self, text: bytes) -> bytes:
        """The 64-byte signature; the same text always gives the same bytes."""
        return self._private.sign(text)

    @classmethod
    def create(cls, path: Path, name: str) -> Keys:
        """Make a pair and write it to a new file that only its owner can read (PKCS#8 PEM, mode 0600, the vkey above
        it). An existing file is never replaced: a lost key cannot sign again."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        private = Ed25519PrivateKey.generate()
        keys = cls(name, private)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        try:
            # O_EXCL and the mode at creation: at no moment is the secret readable by others.
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError as error:
            raise ConfigError(f"{path} exists and was left as it is; move it away or name another file") from error
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written: {error.strerror}; name a file in a folder of yours"
            ) from error
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(f"{_HEAD}{keys.public.vkey}\n{pem}")
            stream.flush()
            os.fsync(stream.fileno())
        return keys

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> Keys:
        """Read a pair. `name` is needed where the file does not state it (one made by `openssl genpkey`).
        ConfigError where the file is missing, readable by others, or no Ed25519 key."""
        try:
            with path.open("rb") as stream:
                mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
                content = stream.read(64 * 1024)
        except OSError as error:
            raise ConfigError(f"{path}: no key: {error.strerror}; `archiver keys` makes one") from error
        if os.name == "posix" and mode & 0o077:
            raise ConfigError(
                f"{path} can be read by others (mode {mode:04o}), so anybody may have signed with it; "
                f"make a new key, or, if you are sure nobody has, run: chmod 600 {path}"
            )
        private = _private(path, content)
        stated = _VKEY.search(content.decode("utf-8", "replace"))
        public = parse_vkey(stated[0]) if stated else None
        name = name or (public.name if public else None)
        if name is None:
            raise ConfigError(f"{path} does not say the key's name; add the origin of your log to the configuration")
        keys = cls(name, private)
        if public is not None and public != keys.public:
            raise ConfigError(
                f"{path} names {public.vkey}, and the key in it is {keys.public.vkey}: one is not its own"
            )
        return keys


def _private(path: Path, content: bytes) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise ConfigError(f"{path} is protected by a password, which an unattended job cannot give") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path} is not a PEM private key; `archiver keys` makes one") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"{path} is not an Ed25519 key, the only kind that signs checkpoints")
    return private
