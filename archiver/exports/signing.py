"""Who packaged an export: ECDSA on P-384 over SHA-256, in the anonymous form of wacz-auth 0.1.0.

The form is that of WebCrypto, which ArchiveWeb.page signs with: the public key as SubjectPublicKeyInfo, the signature
as the two numbers, 48 bytes each. https://specs.webrecorder.net/wacz-auth/0.1.0/
"""

from __future__ import annotations

from archiver.exports import Signer

_SIZE = 48


def signer(pem: bytes) -> Signer:
    """A signer from a PEM private key. Signatures are deterministic (RFC 6979), so that equal archives give equal
    files. ValueError where it is no unencrypted ECDSA P-384 key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("is no unencrypted private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
        raise ValueError("is no ECDSA P-384 key")  # noqa: TRY004 - to the caller both are a wrong file

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")

    return Signer(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), sign)


def as_der(signature: bytes) -> bytes:
    """A signature of two numbers in the form that OpenSSL reads (ASN.1, RFC 3279 2.2.3)."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an ECDSA key (DER) signed this: as two numbers of equal length, or as ASN.1, which other tools write."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    size = (key.curve.key_size + 7) // 8
    if len(signature) == 2 * size:
        signature = as_der(signature)
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
