"""Content credentials: whether a picture or film carries a C2PA manifest, and what the manifest says of itself.

The bytes are only read; the manifest stays in them as it came. A manifest is its signer's own statement. `state` is
what c2pa-python (the optional extra `c2pa`) says, word for word: `Valid` means that these bytes are the ones that
were signed and that the signature fits its certificate; `Trusted` would mean that somebody vouches for the signer,
and nobody is asked: no list of trusted signers is used, no revocation looked up, no manifest fetched from elsewhere.
Most platforms strip manifests, so that none is there proves nothing.
https://spec.c2pa.org/specifications/specifications/2.2/
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from archiver.model import Body

#: Manifests stand near the beginning of a file, or in a box of their own.
_HEAD = 1 << 20
_MARKS = (b"c2pa", b"C2PA", b"caBX")
#: The box of ISO media files that holds one (C2PA 2.2, A.5.1).
_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_MOST_BOXES = 2000
#: After these markers of a JPEG no length follows, but the picture or its end (ITU-T T.81, B.1.1.3: SOS, EOI; nothing).
_NO_LENGTH = (b"\xda", b"\xd9", b"")
#: Larger files are said to carry one, and are not read: a film is hashed whole to validate it.
MAX_BYTES = 256 * 1024 * 1024
#: What is kept of a manifest, in characters: it is written by whoever signed, and may be of any length.
_LONGEST, _MOST = 500, 50


def credentials(body: Body, type: str | None) -> dict[str, Any] | None:
    """What is said of the manifest in a file of this media type, JSON-ready; None where it carries none.

    `state` is the library's word, or `not read` with a `why` where it was not asked; `signer`, `issuer`, `signed_at`,
    `generator`, `title`, `actions` are the active manifest's own claims; `codes` the failures found, `reader` what read
    it. Never raises, whatever the bytes.
    """
    if body.size < 32 or not _carries(body):
        return None
    if body.size > MAX_BYTES:
        return {"state": "not read", "why": f"larger than {MAX_BYTES >> 20} MB"}
    try:
        import c2pa
    except ImportError:
        return {"state": "not read", "why": "c2pa-python is not installed"}
    try:
        # A manifest may name others on the web, and a certificate its issuer: nobody is asked.
        settings = c2pa.Settings.from_dict({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}})
        with c2pa.Context(settings) as context, body.open() as stream:
            reader = c2pa.Reader.try_create(type or "", stream, context=context)
            if reader is None:
                return None
            with reader:
                return _said(json.loads(reader.json()), f"c2pa {c2pa.sdk_version()}")
    except Exception as error:  # a hostile file may break a parser in any way
        return {"state": "not read", "why": _short(f"cannot be read: {error}")}


def _carries(body: Body) -> bool:
    with body.open() as stream:
        head = stream.read(_HEAD)
        if head.startswith(b"\xff\xd8"):
            head = head[: _segments(head)]
        if any(mark in head for mark in _MARKS) or _BOX in head:
            return True
        return head[4:8] == b"ftyp" and _has_box(stream, body.size)


def _segments(head: bytes) -> int:
    """Where the segments of a JPEG end: a manifest is one of them (C2PA 2.2, A.3.1), and to look for it in the picture
    itself costs more than hashing it."""
    at = 2
    while head[at : at + 1] == b"\xff" and head[at + 1 : at + 2] not in _NO_LENGTH:
        is_filled = head[at + 1] == 0xFF  # any number of these may stand before a marker
        at += 1 if is_filled else 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return at


def _has_box(stream: BinaryIO, size: int) -> bool:
    """Whether an ISO media file (MP4, AVIF, HEIC) has the box at its top: only the heads of boxes are read."""
    at = 0
    for _ in range(_MOST_BOXES):
        stream.seek(at)
        head = stream.read(32)
        if len(head) < 8:
            return False
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        if head[4:8] == b"uuid" and head[start : start + 16] == _BOX:
            return True
        if length < start or at + length >= size:
            return False
        at += length
    return False


def _said(report: dict[str, Any], reader: str) -> dict[str, Any]:
    manifest = report.get("manifests", {}).get(report.get("active_manifest")) or {}
    signature = manifest.get("signature_info") or {}
    generators = manifest.get("claim_generator_info") or [{"name": manifest.get("claim_generator")}]
    actions = [
        _short(action.get("action"))
        for assertion in manifest.get("assertions") or []
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in (assertion.get("data") or {}).get("actions") or []
    ]
    codes = [_short(each.get("code")) for each in report.get("validation_status") or []]
    return {
        "state": _short(report.get("validation_state")),
        "signer": _short(signature.get("common_name")),
        "issuer": _short(signature.get("issuer")),
        "signed_at": _short(signature.get("time")),
        "generator": _short(generators[0].get("name")) if generators else None,
        "title": _short(manifest.get("title")),
        "actions": actions[:_MOST],
        "codes": sorted(set(filter(None, codes)))[:_MOST],
        "reader": reader,
    }


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
