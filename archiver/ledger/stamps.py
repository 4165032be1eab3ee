"""RFC 3161 time stamps over checkpoints: a third party's word that a signed note existed before a certain time.

A token is kept as the authority sent it (the whole TimeStampResp, DER), whatever a library thinks of it, and is judged
by two programs that share no code with us: rfc3161-client, and openssl where it is installed.

https://www.rfc-editor.org/rfc/rfc3161
"""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import FetchError, ParseError
from archiver.model import Capture, Finding, Outcome, Reason, Request

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

#: A token with its chain is 1 to 8 kB.
_MAX_TOKEN = 128 * 1024

_SHA256 = "2.16.840.1.101.3.4.2.1"
_GRANTED, _GRANTED_WITH_MODS = 0, 1

#: A look-up at an authority: yields one request, is sent its capture, returns a token, or a finding that says why not.
Stamping = Generator[Request, Capture, bytes | Finding]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says, whoever issued it: `note_sha256` (hex) existed at `at`. `policy` is an OID."""

    at: dt.datetime
    note_sha256: str
    serial: int
    policy: str


@dataclass(frozen=True, slots=True)
class Check:
    """What one program says of a token: `holds` is None where it could not judge, and `why` says why not."""

    by: str
    holds: bool | None
    why: str = ""


def stamp(note: bytes, url: str) -> Stamping:
    """Ask the authority at `url` to stamp the SHA-256 of a signed note, signatures included: the note itself is not
    sent. A token that comes back is of this note, with the nonce that was asked for (a replayed capture cannot have
    it); whether a trusted authority made it is for `check`."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    asked = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
    query = asked.build()
    try:
        capture = yield Request(
            url,
            method="POST",
            headers=(("content-type", "application/timestamp-query"), ("accept", "application/timestamp-reply")),
            body=query.as_bytes(),
            follow=0,
            max_bytes=_MAX_TOKEN,
        )
    except FetchError as error:
        reason = Reason(error.reason) if error.reason in set(Reason) else Reason.UNREACHABLE
        return Finding(Outcome.UNREACHABLE, reason, tombstone=str(error))
    if capture.status != 200:
        reason = Reason.SERVER_ERROR if (capture.status or 0) >= 500 else Reason.BLOCKED
        reason = Reason.RATE_LIMITED if capture.status == 429 else reason
        return Finding(Outcome.REFUSED, reason, tombstone=f"{url} answered {capture.status}")
    token = capture.content
    try:
        response = _read(token)
        if response.status not in (_GRANTED, _GRANTED_WITH_MODS):
            said = "; ".join(response.status_string) or f"status {response.status}"
            return Finding(Outcome.REFUSED, Reason.BAD_REQUEST, tombstone=said)
        stated = _stamp(response)
        nonce = response.tst_info.nonce
    except ParseError as error:
        return Finding(Outcome.UNREADABLE, Reason.UNREADABLE, tombstone=str(error))
    if stated.note_sha256 != hashlib.sha256(note).hexdigest():
        return Finding(Outcome.UNREADABLE, Reason.UNREADABLE, tombstone="the token is of something else")
    if capture.origin.kind == "live" and nonce != query.nonce:
        return Finding(Outcome.UNREADABLE, Reason.UNREADABLE, tombstone="the token answers another request")
    return token


def read(token: bytes) -> Stamp:
    """What a token says, unverified. ParseError where it is none, was not granted, or is not over a SHA-256."""
    response = _read(token)
    if response.status not in (_GRANTED, _GRANTED_WITH_MODS):
        raise ParseError(f"not a time stamp: the authority refused with status {response.status}")
    return _stamp(response)


def check(token: bytes, note: bytes, roots: bytes, *, openssl: str = "openssl") -> tuple[Check, ...]:
    """What each program says of the token as a stamp of this note, by an authority under one of `roots` (PEM; put
    intermediates there that the token lacks). Certificates must have been valid at the stamp's own time; nobody is
    asked whether they were revoked. Opens no connection."""
    return (_by_client(token, note, roots), _by_openssl(token, note, roots, openssl))


def holds(checks: tuple[Check, ...]) -> bool:
    """Whether at least one program accepts the token and none refuses it."""
    return any(check.holds for check in checks) and not any(check.holds is False for check in checks)


def _read(token: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(token)
    except ValueError as first:
        try:
            return decode_timestamp_response(_sorted_certificates(token))
        except (ValueError, IndexError):
            raise ParseError(f"not a time stamp: {first}") from first


def _stamp(response: TimeStampResponse) -> Stamp:
    try:
        stated = response.tst_info
        imprint = stated.message_imprint
        algorithm = imprint.hash_algorithm.dotted_string
        found = Stamp(stated.gen_time, imprint.message.hex(), stated.serial_number, stated.policy.dotted_string)
    except ValueError as error:
        raise ParseError(f"not a time stamp: {error}") from error
    if algorithm != _SHA256:
        raise ParseError(f"not a time stamp of ours: its digest is {algorithm}, not SHA-256")
    return found


def _by_client(token: bytes, note: bytes, roots: bytes) -> Check:
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificates
    from rfc3161_client import VerificationError, VerifierBuilder

    by = "rfc3161-client"
    try:
        response = _read(token)
    except ParseError as error:
        return Check(by, None, str(error))
    if response.status == _GRANTED_WITH_MODS:
        return Check(by, None, "granted with modifications, which this program does not judge")
    try:
        anchors = load_pem_x509_certificates(roots)
        builder = VerifierBuilder()
        for anchor in dict.fromkeys(anchors):
            is_root = anchor.subject == anchor.issuer
            builder = builder.add_root_certificate(anchor) if is_root else builder.add_intermediate_certificate(anchor)
        builder.build().verify(response, hashlib.sha256(note).digest())
    except VerificationError as error:
        return Check(by, False, str(error))
    except (ValueError, InvalidVersion) as error:
        return Check(by, None, str(error))
    return Check(by, True)


def _by_openssl(token: bytes, note: bytes, roots: bytes, openssl: str) -> Check:
    try:
        # As of the stamp's own time: a certificate that ran out since then was valid when it signed.
        at = ["-attime", str(int(read(token).at.timestamp()))]
    except ParseError:
        at = []
    with tempfile.TemporaryDirectory(prefix="archiver-stamp-") as folder:
        files = {name: Path(folder, name) for name in ("note", "token", "roots")}
        for file, content in zip(files.values(), (note, token, roots), strict=True):
            file.write_bytes(content)
        trust = ["-CAfile", str(files["roots"]), "-untrusted", str(files["roots"])]
        command = [openssl, "ts", "-verify", "-data", str(files["note"]), "-in", str(files["token"]), *trust, *at]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603 - no shell, our own files
        except (OSError, subprocess.TimeoutExpired) as error:
            return Check("openssl", None, f"could not be run: {error}")
    said = (ran.stderr + ran.stdout).decode("utf-8", "replace").strip().splitlines()
    if ran.returncode == 0:
        return Check("openssl", True)
    return Check("openssl", False, "; ".join(said)[:500])


# --- DER, only as far as one known trap needs it -------------------------------------------------------------------


def _sorted_certificates(token: bytes) -> bytes:
    """The same token with its certificates in the order that DER prescribes for a SET.

    OpenSSL's own authority (3.0, and services built on it) sends them as configured, and rfc3161-client rejects that
    with InvalidSetOrdering. The signature does not cover this field, so sorting it changes nothing that was signed.
    """
    response = _element(token, 0)
    _, wrapper = _inside(token, response)[:2]  # PKIStatusInfo, ContentInfo
    _, explicit = _inside(token, wrapper)[:2]  # id-signedData, [0]
    (signed,) = _inside(token, explicit)
    for tag, start, body, end in _inside(token, signed):
        if tag == 0xA0:  # certificates [0] IMPLICIT
            elements = sorted(token[first:last] for _, first, _, last in _inside(token, (tag, start, body, end)))
            return token[:body] + b"".join(elements) + token[end:]
    return token


#: tag, where it starts, where its content starts, where it ends
_Element = tuple[int, int, int, int]


def _element(der: bytes, start: int) -> _Element:
    length, body = der[start + 1], start + 2
    if length >= 0x80:
        count = length & 0x7F
        length, body = int.from_bytes(der[body : body + count]), body + count
    if body + length > len(der) or body > len(der):
        raise ValueError("the encoding ends early")
    return der[start], start, body, body + length


def _inside(der: bytes, element: _Element) -> list[_Element]:
    found, (_, _, at, end) = [], element
    while at < end:
        found.append(_element(der, at))
        at = found[-1][3]
    if at != end:
        raise ValueError("the encoding does not nest")
    return found
