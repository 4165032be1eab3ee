"""A picture that carries C2PA credentials keeps them to the byte, and the record says so in the library's words."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from archiver.credentials import MAX_BYTES, credentials
from archiver.exports import exports
from archiver.model import Body
from tests.commands import Run
from tests.test_exports_contract import parts
from tests.test_import import OLD, SRC, URL, item
from tests.test_path import small

__all__ = ["small"]

NOW = dt.datetime.now(dt.UTC)


@functools.cache
def signer() -> Any:
    """A signer whose certificate a local authority issued, as the specification's profile wants it."""

    def named(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, name),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example desk"),
            ]
        )

    def usage(*, ca: bool) -> x509.KeyUsage:
        return x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificates = []
    for name, key, is_ca in (("Weir signer", own, False), ("Authority", authority, True)):
        built = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("Authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=1))
            .not_valid_after(NOW + dt.timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_ca, None), True)
            .add_extension(usage(ca=is_ca), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
        )
        if not is_ca:
            built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        certificates.append(built.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, b"".join(certificates), private, None)
    return c2pa.Signer.from_info(info)


def plain(form: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (64, 48), random.Random(1).randbytes(64 * 48 * 3)).save(out, form)
    return out.getvalue()


def signed(form: str = "JPEG", *, remote: str | None = None) -> bytes:
    """A picture signed by c2pa itself; with *remote*, its manifest stands at that URL and not in the file."""
    manifest = {
        "claim_generator_info": [{"name": "weir-camera", "version": "1"}],
        "title": "The weir",
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                        }
                    ]
                },
            }
        ],
    }
    out = io.BytesIO()
    settings = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
    with c2pa.Context(settings) as context, c2pa.Builder(json.dumps(manifest), context) as builder:
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(signer(), f"image/{form.lower()}", io.BytesIO(plain(form)), out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_signed_picture_is_read_and_its_state_is_the_librarys_word(form: str) -> None:
    said = credentials(Body.of(signed(form)), f"image/{form.lower()}")
    assert said is not None
    assert said["state"] == "Valid"
    assert (said["signer"], said["issuer"], said["generator"]) == ("Weir signer", "Example desk", "weir-camera")
    assert said["actions"] == ["c2pa.created"]
    assert said["codes"] == ["signingCredential.untrusted"], "nobody is asked who the signer is"


def test_a_changed_pixel_is_what_the_library_says_it_is() -> None:
    content = bytearray(signed())
    content[-40] ^= 1
    said = credentials(Body.of(bytes(content)), "image/jpeg")
    assert said is not None
    assert said["state"] == "Invalid"
    assert "assertion.dataHash.mismatch" in said["codes"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_without_a_manifest_carries_none(form: str) -> None:
    assert credentials(Body.of(plain(form)), f"image/{form.lower()}") is None


def test_a_manifest_elsewhere_is_not_fetched(world: Any, web: Any) -> None:
    """A picture may name any URL as the place of its manifest: whoever reads it asks nobody."""
    before = len(world.log)
    said = credentials(Body.of(signed(remote=f"https://127.0.0.1:{web.port}/manifest.c2pa")), "image/jpeg")
    assert len(world.log) == before
    assert said is None or said["state"] == "not read"


def test_the_box_of_a_film_is_found_at_its_end_and_broken_boxes_end_the_search() -> None:
    from archiver.credentials import _carries

    ftyp = struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\2\0")
    mdat = struct.pack(">I4s", 8 + 3_000_000, b"mdat") + bytes(3_000_000)
    box = struct.pack(">I4s", 40, b"uuid") + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(16)
    assert _carries(Body.of(ftyp + mdat + box))
    assert not _carries(Body.of(ftyp + mdat))
    for length in (0, 1, 7):
        assert not _carries(Body.of(ftyp + struct.pack(">I4s", length, b"free") + bytes(2_000_000) + b"x" * 40))


def test_bytes_of_any_kind_break_nothing() -> None:
    draw, whole = random.Random(3), signed()
    for number in range(150):
        content = bytearray(whole)
        for _ in range(draw.randrange(1, 30)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        cut = bytes(content[: draw.randrange(40, len(content))]) if number % 2 else bytes(content)
        said = credentials(Body.of(cut), draw.choice(["image/jpeg", "video/mp4", "nonsense", None]))
        assert said is None or said["state"] in ("Valid", "Invalid", "not read")


def test_a_larger_file_is_said_to_carry_one_and_is_not_read() -> None:
    head = signed()[:4000]

    class Endless(io.BytesIO):
        pass

    said = credentials(Body("", MAX_BYTES + 1, lambda: Endless(head)), "image/jpeg")
    assert said == {"state": "not read", "why": "larger than 256 MB"}


def test_without_the_library_the_record_still_says_that_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "c2pa.py").write_text("raise ImportError")
    (tmp_path / "signed.jpg").write_bytes(signed())
    script = (
        "import sys; from pathlib import Path; from archiver.model import Body; "
        "from archiver.credentials import credentials; "
        "print(credentials(Body.of(Path(sys.argv[1]).read_bytes()), 'image/jpeg'))"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "signed.jpg")],
        env={"PYTHONPATH": f"{tmp_path}:{root}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "c2pa-python is not installed" in done.stdout


def test_the_whole_path_keeps_the_manifest_untouched_and_every_record_says_so(archiver: Run, home: Path) -> None:
    picture = signed()
    stated = item()
    stated["media"][0]["properties"] = {"src": SRC}
    (home / "out").mkdir()
    (home / "out" / "metadata.json").write_text(json.dumps(stated, indent=4))
    (home / "out" / "twitter-com-lock-keeper_0.jpg").write_bytes(picture)
    archiver("import", "out", "--by", "Example desk")
    (found,) = json.loads(archiver("lookup", "--json", URL).stdout)["posts"]
    (media,) = found["media"]
    assert media["credentials"]["state"] == "Valid"
    assert "Weir signer" in archiver("lookup", URL).stdout
    archiver("lookup", URL, "--save-media", "saved")
    assert [each.read_bytes() for each in (home / "saved").iterdir()] == [picture]
    for form in ("jsonl", "prov-json", "embed", "report"):
        archiver("export", form, "--out", f"out{exports()[form].suffix}")
        text = b"".join(each for _, each in parts(form, (home / f"out{exports()[form].suffix}").read_bytes()))
        assert b"Weir signer" in text, form
    assert b"no list of trusted signers" in text, "what its validity does not say"
    assert "nothing changed" in archiver("reread").stdout
    archiver("erase", str(OLD["id_str"]), "--reason", "a court order", "--yes")
    assert b"Weir signer" not in (home / "archive.db").read_bytes()


def test_a_picture_that_a_run_keeps_is_looked_into(small: dict[str, Any], archiver: Run, home: Path) -> None:
    """A recording of the simulated web, in which the platform serves a signed picture in place of its own."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    archiver("run", "--once", "--record", "live.warc.gz", "--archive", "live.db", "a.html")
    picture = signed()
    with (home / "live.warc.gz").open("rb") as read, (home / "signed.warc.gz").open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for record in ArchiveIterator(read):
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            if record.rec_type != "response":
                continue
            body, head = record.content_stream().read(), record.http_headers
            if "pbs.twimg.com" in url:
                body = picture
            kept = [
                (name, value) for name, value in head.headers if name.lower() == "content-type" or name == "Location"
            ]
            head = StatusAndHeaders(head.statusline, kept, protocol=head.protocol)
            writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=head))
    archiver("run", "--once", "--replay", "signed.warc.gz", "a.html")
    (found,) = json.loads(archiver("lookup", "--json", small["crane"].id).stdout)["posts"]
    (media,) = found["media"]
    assert media["sha256"] == Body.of(picture).sha256, "kept as it was served"
    assert media["credentials"]["state"] == "Valid"
    assert "nothing changed" in archiver("reread").stdout
