"""One changed byte anywhere in an export: `archiver verify` names it, or everything read back is as it was."""

from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from archiver import cli
from archiver.exports import Export, digests, exports
from archiver.proving import export_faults
from tests.archives import build
from tests.test_flips import flipped

FLIPS = 2000
PARTS = 4

every = pytest.mark.parametrize("export", exports().values(), ids=exports().keys())
#: Formats that carry digests of their own are held to those alone, as if the one beside them were lost.
carry = pytest.mark.parametrize(
    "export", [each for each in exports().values() if each.check], ids=[n for n, e in exports().items() if e.check]
)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("flips") / "archive.db", 6)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A signer's private and public key, as PEM files."""
    folder = tmp_path_factory.mktemp("keys")
    private = ec.generate_private_key(ec.SECP384R1())
    (folder / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "public.pem").write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return folder / "key.pem", folder / "public.pem"


def exported(archive: Path, export: Export, folder: Path, *options: str) -> Path:
    """The export as the command writes it, with its digest beside it."""
    path = folder / f"out{export.suffix}"
    done = cli.main(["export", export.name, "--archive", str(archive), "--out", str(path), "--no-note", *options])
    assert done == 0
    return path


def unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    """What a reader gets out of a package, the names and modes it was packed under left aside."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        yield "", gzip.decompress(content)
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for member in packed.infolist():
            yield member.filename, packed.read(member)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@every
def test_no_flipped_byte_of_an_export_goes_unseen(export: Export, part: int, archive: Path, tmp_path: Path) -> None:
    """With the digest that the command leaves beside every export: not one byte of either can change."""
    path = exported(archive, export, tmp_path)
    assert digests.check(path) == []
    draw = random.Random(part)
    for number in range(FLIPS // PARTS):
        file = digests.beside(path) if number % 20 == 0 else path
        at, mask = draw.randrange(file.stat().st_size), draw.randrange(1, 256)
        with flipped(file, at, mask):
            assert digests.check(path), f"{file.name}: byte {at} was changed silently"
    assert digests.check(path) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@carry
def test_a_package_tells_of_a_flipped_byte_by_itself(export: Export, part: int, archive: Path, tmp_path: Path) -> None:
    path = exported(archive, export, tmp_path)
    digests.forget(path)
    assert export_faults(path)[0] == []
    whole = list(unpacked(path))
    draw, named = random.Random(part), 0
    for _ in range(FLIPS // PARTS):
        at, mask = draw.randrange(path.stat().st_size), draw.randrange(1, 256)
        with flipped(path, at, mask):
            if export_faults(path)[0]:
                named += 1
            else:
                assert list(unpacked(path)) == whole, f"byte {at} was changed silently"
    assert named > FLIPS // PARTS // 2


@every
def test_verify_reads_what_export_wrote(
    export: Export, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = exported(archive, export, tmp_path)
    assert cli.main(["verify", str(path)]) == 0
    assert "Nothing shows who made it" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-7])
    assert cli.main(["verify", "--json", str(path)]) == 1
    assert not json.loads(capsys.readouterr().out)["sound"]


@every
def test_others_programs_check_the_digest_beside_it(export: Export, archive: Path, tmp_path: Path) -> None:
    path = exported(archive, export, tmp_path)
    for program in (["sha256sum", "--check", "--strict"], ["shasum", "-a", "256", "--check", "--strict"]):
        command = [*program, digests.beside(path).name]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0, program
        with flipped(path, path.stat().st_size // 2, 1):
            assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1, program


@pytest.mark.parametrize("name", ["with space.jsonl", "back\\slash.jsonl", "two\nlines.jsonl", "ü.jsonl"])
def test_any_name_a_file_can_have_is_written_as_sha256sum_reads_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"content")
    digests.write(path, digests.sha256_of(path), None)
    assert digests.check(path) == []
    done = subprocess.run(["sha256sum", "--check", "--strict", digests.beside(path).name], cwd=tmp_path)
    assert done.returncode == 0


@every
def test_a_signed_export_verifies_with_its_key_and_no_other(
    export: Export,
    archive: Path,
    keys: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    private, public = keys
    path = exported(archive, export, tmp_path, "--sign", str(private))
    assert cli.main(["verify", str(path), "--key", str(public)]) == 0, capsys.readouterr().out
    assert "signed it" in capsys.readouterr().out
    other = tmp_path / "other.pem"
    stranger = ec.generate_private_key(ec.SECP384R1()).public_key()
    other.write_bytes(stranger.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert cli.main(["verify", str(path), "--key", str(other)]) == 1
    unsigned = exported(archive, export, tmp_path)
    assert not digests.signature(path).exists(), "what was said of the file before it is gone"
    assert cli.main(["verify", str(unsigned), "--key", str(public)]) == 1
    assert "not signed" in capsys.readouterr().out
    assert cli.main(["verify", str(unsigned), "--key", "example.org+00000000+AAAA"]) == 2
    assert "public" in capsys.readouterr().err


def test_a_signature_that_has_no_place_is_refused(
    archive: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "csv", "--archive", str(archive), "--sign", str(keys[0])]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert "--out" in said.err


def test_openssl_verifies_the_signature_beside_an_export(
    archive: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    path = exported(archive, exports()["csv"], tmp_path, "--sign", str(keys[0]))
    command = ["openssl", "dgst", "-sha256", "-verify", str(keys[1]), "-signature", digests.signature(path).name]
    command.append(digests.beside(path).name)
    assert b"Verified OK" in subprocess.run(command, cwd=tmp_path, capture_output=True).stdout
    with flipped(digests.beside(path), 3, 1):
        assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


@pytest.mark.slow
def test_no_flipped_byte_of_a_signature_goes_unseen(archive: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    path = exported(archive, exports()["jsonl"], tmp_path, "--sign", str(keys[0]))
    public = load_pem_public_key(keys[1].read_bytes())
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert digests.check(path, key=der) == []
    file = digests.signature(path)
    for at in range(file.stat().st_size):
        for mask in (1, 128):
            with flipped(file, at, mask):
                assert digests.check(path, key=der), f"byte {at} of the signature was changed silently"


def test_the_ledger_tells_which_exports_are_the_archives(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Also of one that went to standard output, and without any digest beside it."""
    archive = build(tmp_path / "archive.db", 3)
    assert cli.main(["export", "jsonl", "--archive", str(archive)]) == 0
    path = tmp_path / "piped.jsonl"
    path.write_bytes(capsysbinary.readouterr().out)
    assert cli.main(["verify", str(path)]) == 2
    assert cli.main(["verify", str(path), "--archive", str(archive)]) == 0
    assert b"noted it in its ledger" in capsysbinary.readouterr().out
    with flipped(path, 100, 1):
        assert cli.main(["verify", str(path), "--archive", str(archive)]) == 1
