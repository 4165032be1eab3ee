"""The WACZ export: validated and replayed by others' software; forgeries that theirs lets through, ours refuses."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import surt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from archiver import cli
from archiver.exports import exports, records, signing, wacz
from archiver.store.contents import StoredContents
from tests.archives import HOSTILE, build, opened

peers = pytest.mark.peers
SCRIPTS = Path(sysconfig.get_path("scripts"))


def pem() -> bytes:
    private = ec.generate_private_key(ec.SECP384R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


KEY = pem()
PUBLIC = signing.signer(KEY).public_key


def packed(archive: Path, to: Path, key: bytes | None = None) -> Path:
    with opened(archive) as db, to.open("wb") as out:
        exports()["wacz"].write(StoredContents(db, signer=signing.signer(key) if key else None), out)
    return to


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wacz") / "archive.db", 12)


@pytest.fixture(scope="module")
def package(archive: Path) -> Path:
    return packed(archive, archive.with_name("signed.wacz"), KEY)


def validate(path: Path) -> int:
    return subprocess.run([SCRIPTS / "wacz", "validate", "-f", path], capture_output=True).returncode


def test_what_we_make_is_sound(archive: Path, package: Path, tmp_path: Path) -> None:
    assert wacz.check(package) == []
    assert wacz.check(package, key=PUBLIC) == []
    unsigned = packed(archive, tmp_path / "unsigned.wacz")
    assert wacz.check(unsigned) == []
    assert wacz.check(unsigned, is_signed=True) == ["is not signed"]
    assert wacz.check(packed(build(tmp_path / "empty.db", 0), tmp_path / "empty.wacz")) == []


def test_a_hostile_archive_makes_a_sound_package(tmp_path: Path) -> None:
    archive = build(tmp_path / "hostile.db", 6 * len(HOSTILE), hostile=True)
    assert wacz.check(packed(archive, tmp_path / "hostile.wacz", KEY), key=PUBLIC) == []


@peers
def test_the_usual_validator_agrees(package: Path) -> None:
    assert validate(package) == 0


def test_the_signature_is_of_the_manifest_and_of_no_other_key(package: Path) -> None:
    """Verified with the library alone, both numbers read as the standard of WebCrypto has them."""
    with zipfile.ZipFile(package) as zip:
        digest = json.loads(zip.read("datapackage-digest.json"))
        manifest = zip.read("datapackage.json")
    signed = digest["signedData"]
    assert signed["hash"] == f"sha256:{hashlib.sha256(manifest).hexdigest()}" == digest["hash"]
    signature = base64.b64decode(signed["signature"])
    assert len(signature) == 96
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    numbers = (int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big"))
    key = load_der_public_key(base64.b64decode(signed["publicKey"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(encode_dss_signature(*numbers), signed["hash"].encode(), ec.ECDSA(hashes.SHA256()))
    assert wacz.check(package, key=signing.signer(pem()).public_key) == ["was signed with another key"]


def test_a_signed_package_is_the_same_twice(archive: Path, package: Path, tmp_path: Path) -> None:
    assert packed(archive, tmp_path / "again.wacz", KEY).read_bytes() == package.read_bytes()


def test_the_command_line_signs(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(KEY)
    command = ["export", "wacz", "--archive", str(archive), "--out", str(tmp_path / "out.wacz")]
    assert cli.main([*command, "--sign", str(tmp_path / "key.pem")]) == 0
    assert wacz.check(tmp_path / "out.wacz", key=PUBLIC) == []


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_wrong_key_is_refused_with_a_sentence(
    content: bytes, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    command = ["export", "wacz", "--archive", str(archive), "--out", str(tmp_path / "out.wacz")]
    assert cli.main([*command, "--sign", str(tmp_path / "key.pem")]) == 2
    assert "openssl ecparam" in capsys.readouterr().err
    assert not (tmp_path / "out.wacz").exists()


def test_an_index_of_any_length_is_in_order() -> None:
    """Put aside by the handful and merged by the handful, as millions of lines would be."""
    lines = [f"{hashlib.sha256(bytes([n % 256, n // 256])).hexdigest()}\n" for n in range(1000)]
    with wacz._Sorted(held=7, aside=3) as index:
        for line in lines:
            index.add(line)
        assert list(index.lines()) == sorted(line.encode() for line in lines)


# --- forgeries ------------------------------------------------------------------------------------------------------

Members = dict[str, bytes]


def forged(package: Path, to: Path, change: Callable[[Members], None]) -> Path:
    with zipfile.ZipFile(package) as zip:
        members = {name: zip.read(name) for name in zip.namelist()}
    change(members)
    with zipfile.ZipFile(to, "w") as zip:
        for name, content in members.items():
            zip.writestr(name, content)
    return to


def recompute(members: Members) -> None:
    """What a forger does: every digest made to fit again. The signature cannot be."""
    manifest = json.loads(members["datapackage.json"])
    for each in manifest["resources"]:
        content = members.get(each["path"], b"")
        each |= {"hash": f"sha256:{hashlib.sha256(content).hexdigest()}", "bytes": len(content)}
    manifest["resources"] = [each for each in manifest["resources"] if each["path"] in members]
    members["datapackage.json"] = json.dumps(manifest).encode()
    digest = json.loads(members["datapackage-digest.json"])
    digest["hash"] = f"sha256:{hashlib.sha256(members['datapackage.json']).hexdigest()}"
    members["datapackage-digest.json"] = json.dumps(digest).encode()


def without_pages(members: Members) -> None:
    del members["pages/pages.jsonl"]
    recompute(members)


def with_other_text(members: Members) -> None:
    """A post's words, in the list of pages."""
    members["pages/pages.jsonl"] = members["pages/pages.jsonl"].replace(b"fell at dawn", b"fell at noon")
    recompute(members)


def unsigned(members: Members) -> None:
    with_other_text(members)
    digest = json.loads(members["datapackage-digest.json"])
    del digest["signedData"]
    members["datapackage-digest.json"] = json.dumps(digest).encode()


def with_a_bogus_signature(members: Members) -> None:
    digest = json.loads(members["datapackage-digest.json"])
    digest["signedData"]["signature"] = "AAAA"
    members["datapackage-digest.json"] = json.dumps(digest).encode()


def resigned_by_another(members: Members) -> None:
    with_other_text(members)
    digest = json.loads(members["datapackage-digest.json"])
    other = signing.signer(pem())
    digest["signedData"] |= {
        "hash": digest["hash"],
        "signature": base64.b64encode(other.sign(digest["hash"].encode())).decode(),
        "publicKey": base64.b64encode(other.public_key).decode(),
    }
    members["datapackage-digest.json"] = json.dumps(digest).encode()


LET_THROUGH = [without_pages, with_other_text, unsigned, with_a_bogus_signature, resigned_by_another]


@peers
@pytest.mark.parametrize("change", LET_THROUGH)
def test_forgeries_that_the_usual_validator_lets_through_are_refused(
    change: Callable[[Members], None], package: Path, tmp_path: Path
) -> None:
    forgery = forged(package, tmp_path / "forged.wacz", change)
    if change is not with_other_text:  # there the usual validator sees at least that two digests differ in the end
        assert validate(forgery) == 0, "if it now refuses this, say so in docs/exports.md"
    assert wacz.check(forgery, key=PUBLIC)


@pytest.mark.parametrize("change", [without_pages, with_a_bogus_signature, with_other_text])
def test_these_are_refused_even_by_those_who_know_no_key(
    change: Callable[[Members], None], package: Path, tmp_path: Path
) -> None:
    assert wacz.check(forged(package, tmp_path / "forged.wacz", change))


def truncate_index(members: Members) -> None:
    import gzip

    lines = gzip.decompress(members["indexes/index.cdx.gz"]).splitlines(keepends=True)
    members["indexes/index.cdx.gz"] = gzip.compress(b"".join(lines[:-1]))
    recompute(members)


def swap_a_body(members: Members) -> None:
    """One capture's bytes, in a WARC whose own digests are left as they were."""
    import gzip
    import zlib

    content, done = members["archive/data.warc.gz"], b""
    while content:
        one = zlib.decompressobj(31)
        record = one.decompress(content)
        done += gzip.compress(record.replace(b"number 0 fell", b"number 9 fell"))
        content = one.unused_data
    members["archive/data.warc.gz"] = done
    recompute(members)


def add_a_file(members: Members) -> None:
    members["archive/more.warc"] = b""


def climb(members: Members) -> None:
    members["../evil"] = b""


def cut(members: Members) -> None:
    members["archive/data.warc.gz"] = members["archive/data.warc.gz"][:-100]
    recompute(members)


@pytest.mark.parametrize("change", [truncate_index, swap_a_body, add_a_file, climb, cut])
def test_inconsistencies_within_are_named(change: Callable[[Members], None], package: Path, tmp_path: Path) -> None:
    found = wacz.check(forged(package, tmp_path / "forged.wacz", change))
    assert [each for each in found if "signature" not in each], found


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"not a zip file" * 100])
def test_what_is_no_package_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wacz").write_bytes(content)
    assert len(wacz.check(tmp_path / "a.wacz")) == 1


def test_a_flipped_byte_is_named_or_changes_nothing(package: Path, tmp_path: Path) -> None:
    """What a reader unpacks is what was packed, or the check says that it is not."""
    import random

    content = package.read_bytes()
    with zipfile.ZipFile(package) as zip:
        whole = {name: zip.read(name) for name in zip.namelist()}
    chance = random.Random(6)
    for _ in range(150):
        at = chance.randrange(len(content))
        changed = bytearray(content)
        changed[at] ^= 1 << chance.randrange(8)
        (tmp_path / "flipped.wacz").write_bytes(changed)
        if wacz.check(tmp_path / "flipped.wacz", key=PUBLIC):
            continue
        with zipfile.ZipFile(tmp_path / "flipped.wacz") as zip:
            assert {name: zip.read(name) for name in zip.namelist()} == whole, f"byte {at} was changed silently"


# --- replay ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://pbs.twimg.com/media/GUabcDEF.jpg?format=jpg&name=large",
        "https://www.example.com/",
        "http://example.com:8080/a/B/",
        "https://x.com/somebody/status/1816112345678901234?s=20",
        "https://cdn.syndication.twimg.com/tweet-result?id=20&token=a&lang=en",
        "https://web.archive.org/web/20240807100000id_/https://twitter.com/a/status/1",
    ],
)
def test_keys_are_those_of_other_tools(url: str) -> None:
    assert wacz.surt(url) == surt.surt(url)


@contextlib.contextmanager
def replayed(package: Path, folder: Path) -> Iterator[str]:
    """pywb over a package, on a free port of this machine; gives the address of its collection."""
    environment = {**os.environ, "PYTHONPATH": "", "no_proxy": "127.0.0.1"}
    for command in (["init", "it"], ["add", "it", str(package), "--unpack-wacz"]):
        subprocess.run([SCRIPTS / "wb-manager", *command], cwd=folder, check=True, capture_output=True, env=environment)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [SCRIPTS / "wayback", "-b", "127.0.0.1", "-p", str(port)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None, "pywb ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/it/"
    finally:
        server.terminate()
        server.wait(10)


def ask(url: str) -> tuple[int, bytes, str | None]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as response:
            return response.status, response.read(), response.headers.get("Memento-Datetime")
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers.get("Memento-Datetime")


@peers
@pytest.mark.slow
def test_pywb_replays_an_archived_post_byte_for_byte(archive: Path, package: Path, tmp_path: Path) -> None:
    """Media, a picture kept once for two posts (a revisit), an answer in a content coding, and its date."""
    with opened(archive) as db:
        captures = {held.capture.url: held for held in StoredContents(db).captures()}
        wanted = [
            (held.capture.url, held.capture.status, held.capture.content)
            for url, held in captures.items()
            if held.capture.status in (200, 404) and "/web/" not in url
        ]
        assert any(held.same_as for held in captures.values())
    assert sum(url.endswith(".jpg") for url, *_ in wanted) == 4
    with replayed(package, tmp_path) as collection:
        for url, status, content in wanted:
            code, body, at = ask(f"{collection}20240807100000id_/{records.uri(url)}")
            assert (code, hashlib.sha256(body).hexdigest()) == (status, hashlib.sha256(content).hexdigest()), url
            assert at is not None
            assert "Aug 2024" in at
