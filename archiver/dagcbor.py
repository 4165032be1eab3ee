"""Whether a record is the one its CID names: re-encoded as canonical DAG-CBOR, or hashed as it stands.

A CID is the hash of the bytes, so it proves sameness without trusting whoever served them
(https://atproto.com/specs/data-model, https://ipld.io/specs/codecs/dag-cbor/).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

_RAW, _DAG_CBOR, _SHA256 = 0x55, 0x71, 0x12
_MAX_DEPTH = 64


def record_cid(record: Any) -> str | None:
    """The CID (v1, dag-cbor, sha-256, base32) of a record given in atproto's JSON form, `{"$link"}` and `{"$bytes"}`
    understood; None for what DAG-CBOR cannot hold (other integers than 64 bits', NaN, lone surrogates, too deep)."""
    import libipld

    try:
        encoded = libipld.encode_dag_cbor(_decoded(record, 0))
    except (ValueError, TypeError, RecursionError):
        return None
    return "b" + base64.b32encode(bytes((1, _DAG_CBOR, _SHA256, 32)) + hashlib.sha256(encoded).digest()).decode(
        "ascii"
    ).lower().rstrip("=")


def is_record(cid: str, record: Any) -> bool | None:
    """Whether *record* is what *cid* names. None where it cannot be told: the CID is of another kind than dag-cbor
    with sha-256, or the record holds what cannot be re-encoded."""
    codec, digest = parts(cid)
    if codec != _DAG_CBOR or digest is None:
        return None
    made = record_cid(record)
    if made is None:
        return None
    # The encoder takes bytes that look like a link for one, so a record with bytes can be proved and not disproved.
    return True if made == cid else None if _has_bytes(record) else False


def blob_sha256(cid: str) -> str | None:
    """The SHA-256 (hex) that a blob's CID states of its bytes; None for a CID of another kind."""
    codec, digest = parts(cid)
    return digest if codec == _RAW else None


def parts(cid: str) -> tuple[int | None, str | None]:
    """Codec and SHA-256 (hex) of a CID v1 in base32; None for what it is not."""
    if not cid.startswith("b") or len(cid) != 59:
        return None, None
    try:
        read = base64.b32decode(cid[1:].upper() + "======")
    except ValueError:
        return None, None
    if read[0] != 1 or read[1] > 0x7F or read[2] != _SHA256 or read[3] != 32 or len(read) != 36:
        return None, None
    return read[1], read[4:].hex()


def _decoded(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        if set(value) == {"$link"} and isinstance(value["$link"], str):
            link = value["$link"]
            codec, digest = parts(link)
            if codec is None or digest is None:
                raise ValueError("not a CID of atproto's kind")
            return bytes((1, codec, _SHA256, 32)) + bytes.fromhex(digest)
        if set(value) == {"$bytes"} and isinstance(value["$bytes"], str):
            text = value["$bytes"]
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        return {key: _decoded(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_decoded(part, depth + 1) for part in value]
    return value


def _has_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return "$bytes" in value or any(_has_bytes(part) for part in value.values())
    return isinstance(value, list) and any(_has_bytes(part) for part in value)
