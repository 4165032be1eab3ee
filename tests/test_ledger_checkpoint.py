"""Keys and signed checkpoints, with the vectors of Go's note package and a head of its checksum database."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigError, ParseError, Unproved
from archiver.ledger.checkpoint import Checkpoint, parse, parse_note, sign, sign_text, verify, verify_text
from archiver.ledger.keys import Keys, PublicKey, parse_vkey

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")

# golang.org/x/mod/sumdb/note, note_test.go: two keys, one text, and what each signs it with.
PETER = parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = parse_vkey("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
).encode()

# The key of the Go checksum database, and one head it signed; tlog-checkpoint shows the same numbers and signature.
GO = parse_vkey("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
GO_HEAD = (
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()

ROOT = bytes(range(32))


def keys(name: str = "example.org/archive", seed: int = 1) -> Keys:
    return Keys(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_published_seed_signs_the_published_bytes() -> None:
    peter = Keys("PeterNeumann", Ed25519PrivateKey.from_private_bytes(PETER_SEED))
    assert peter.public == PETER
    assert sign_text(TEXT, peter) == TEXT + b"\n" + PETER_LINE


@pytest.mark.parametrize("key", [PETER, ENOCH, GO, keys().public])
def test_a_verifier_key_is_written_as_it_was_read(key: PublicKey) -> None:
    assert parse_vkey(key.vkey) == key


def test_no_piece_and_no_mangling_of_a_verifier_key_is_one() -> None:
    vkey = PETER.vkey
    pieces = {vkey[start:end] for start in range(len(vkey)) for end in range(start, len(vkey) + 1)} - {vkey}
    mangled = {vkey[:at] + chr(ord(vkey[at]) + 1) + vkey[at + 1 :] for at in range(len(vkey))}
    wrong_length = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
    unknown_kind = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for bad in pieces | mangled | {wrong_length, unknown_kind}:
        with pytest.raises(ParseError, match=r"verifier key|damaged"):
            parse_vkey(bad)


def test_a_made_key_is_read_back_from_a_file_only_its_owner_can_read(tmp_path: Path) -> None:
    made = Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    assert (tmp_path / "ledger.pem").stat().st_mode & 0o777 == 0o600
    read = Keys.load(tmp_path / "ledger.pem")
    assert read.public == made.public
    assert read.sign(TEXT) == made.sign(TEXT)


def test_the_mode_of_a_new_key_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    finally:
        os.umask(before)
    assert (tmp_path / "ledger.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    before = (tmp_path / "ledger.pem").read_bytes()
    with pytest.raises(ConfigError, match="exists"):
        Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    assert (tmp_path / "ledger.pem").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o660, 0o666])
def test_a_key_that_others_can_read_or_replace_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    (tmp_path / "ledger.pem").chmod(mode)
    with pytest.raises(ConfigError, match=rf"mode {mode:04o}.*chmod 600"):
        Keys.load(tmp_path / "ledger.pem")


def test_no_key_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="archiver keys"):
        Keys.load(tmp_path / "absent.pem")
    with pytest.raises(ConfigError, match="cannot be written"):
        Keys.create(tmp_path / "absent" / "ledger.pem", "example.org/archive")


@pytest.mark.peers
@needs_openssl
@pytest.mark.parametrize(
    "made, said",
    [
        (["genpkey", "-algorithm", "X25519"], "not an Ed25519 key"),
        (["ecparam", "-name", "prime256v1", "-genkey", "-noout"], "not an Ed25519 key"),
        (["genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:x"], "password"),
        (["rand", "-hex", "40"], "not a PEM private key"),
    ],
)
def test_another_kind_of_key_is_refused(tmp_path: Path, made: list[str], said: str) -> None:
    path = tmp_path / "other.pem"
    path.touch(0o600)
    path.write_bytes(subprocess.run(["openssl", *made], capture_output=True, check=True).stdout)
    with pytest.raises(ConfigError, match=said):
        Keys.load(path, "example.org/archive")


@pytest.mark.peers
@needs_openssl
def test_a_key_made_by_openssl_signs_once_it_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "openssl.pem"
    path.touch(0o600)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], check=True)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="does not say the key's name"):
        Keys.load(path)
    pair = Keys.load(path, "example.org/archive")
    assert verify(sign(Checkpoint("example.org/archive", 0, ROOT), pair), [pair.public]).size == 0


def test_a_key_file_whose_name_line_is_of_another_key_is_refused(tmp_path: Path) -> None:
    Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    content = (tmp_path / "ledger.pem").read_text()
    vkey = content.splitlines()[1]
    (tmp_path / "ledger.pem").write_text(content.replace(vkey, keys().public.vkey))
    with pytest.raises(ConfigError, match="not its own"):
        Keys.load(tmp_path / "ledger.pem")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\tb", "line\nbreak", 'quo"te', "no\u2003break", "\u200b"])
def test_a_name_that_would_be_ambiguous_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a key"):
        keys(name)


def test_the_secret_never_shows_in_a_repr(tmp_path: Path) -> None:
    pair = Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    assert repr(pair) == f"Keys({pair.public.vkey})"


# --- notes ---------------------------------------------------------------------------------------------------------


def test_published_notes_verify() -> None:
    note = TEXT + b"\n" + PETER_LINE + ENOCH_LINE
    assert verify_text(note, [PETER]) == (TEXT, (PETER,))
    assert verify_text(note, [ENOCH, PETER]) == (TEXT, (PETER, ENOCH))


def test_the_go_checksum_database_signed_this_head() -> None:
    head = verify(GO_HEAD, [GO])
    assert (head.origin, head.size) == ("go.sum database tree", 20_852_163)
    assert head.text == GO_HEAD.split(b"\n\n")[0] + b"\n"


def test_a_note_that_no_known_key_signed_is_not_believed() -> None:
    for known in ([], [ENOCH], [PublicKey("PeterNeumann", ENOCH.raw)], [PublicKey("Peter", PETER.raw)]):
        with pytest.raises(Unproved, match="by no key given"):
            verify_text(TEXT + b"\n" + PETER_LINE, known)


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    bad = PETER_LINE.replace(b"x08go/ZJ", b"x08go/ZK")
    with pytest.raises(Unproved, match="does not fit"):
        verify_text(TEXT + b"\n" + bad + ENOCH_LINE, [PETER, ENOCH])


MALFORMED = {
    "no signature": TEXT,
    "no signature line": TEXT + b"\n",
    "cut line": TEXT + b"\n" + PETER_LINE[:-1],
    "control character": b"\x01" + TEXT + b"\n" + PETER_LINE,
    "carriage return": TEXT.replace(b"\n", b"\r\n") + b"\n" + PETER_LINE,
    "not UTF-8": b"\xff" + TEXT + b"\n" + PETER_LINE,
    "space in the name": TEXT + b"\n" + PETER_LINE.replace(b"PeterNeumann", b"Peter Neumann"),
    "stray line": TEXT + b"\n" + PETER_LINE + b"Unexpected line.\n",
    "hyphen for a dash": TEXT + b"\n" + PETER_LINE.replace("—".encode(), b"-"),
    "loose base64": TEXT + b"\n" + PETER_LINE.replace(b"nAM=", b"nAN="),
    "too many": TEXT + b"\n" + PETER_LINE * 101,
    "too large": TEXT * 9000 + b"\n" + PETER_LINE,
    "empty": b"",
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_signed_note_is_refused(note: bytes) -> None:
    with pytest.raises(ParseError, match=r"not a signed note|too (large|many)"):
        verify_text(note, [PETER])


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(noise: bytes) -> None:
    for note in (noise, noise + b"\n\n" + PETER_LINE, b"log\n1\n" + noise + b"\n\n" + PETER_LINE):
        try:
            parse(note)
        except ParseError:
            continue


# --- checkpoints ---------------------------------------------------------------------------------------------------

lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
checkpoints = st.builds(
    Checkpoint,
    origin=lines,
    size=st.integers(0, 2**63),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(lines, max_size=3).map(tuple),
)


@given(checkpoints)
def test_a_checkpoint_is_read_as_it_was_written(checkpoint: Checkpoint) -> None:
    note = sign(checkpoint, keys())
    assert parse(note) == verify(note, [keys().public], checkpoint.origin) == checkpoint


@given(checkpoints, st.data())
def test_no_byte_of_a_signed_checkpoint_can_change(checkpoint: Checkpoint, data: st.DataObject) -> None:
    note = bytearray(sign(checkpoint, keys()))
    at = data.draw(st.integers(0, len(note) - 1))
    note[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ParseError, Unproved)):
        verify(bytes(note), [keys().public])


def test_extension_lines_say_when_and_which_job() -> None:
    told = ("time 2026-11-22T18:54:00.000000Z", "job 7f3a")
    head = verify(sign(Checkpoint("example.org/archive", 3, ROOT, told), keys()), [keys().public])
    assert head.extension("time") == "2026-11-22T18:54:00.000000Z"
    assert head.extension("job") == "7f3a"
    assert head.extension("jo") is None


def test_a_key_is_replaced_by_signing_with_both_for_a_while() -> None:
    old, new = keys(seed=1), keys(seed=2)
    note = sign(Checkpoint("example.org/archive", 3, ROOT), old, new)
    assert verify(note, [old.public]) == verify(note, [new.public])


def test_a_checkpoint_of_another_log_is_refused_even_if_the_key_is_right() -> None:
    note = sign(Checkpoint("example.org/other", 3, ROOT), keys())
    with pytest.raises(Unproved, match=r"of the log example.org/other"):
        verify(note, [keys().public], "example.org/archive")


@pytest.mark.parametrize("size", ["03", "+3", "-3", "3 ", "", "0x3", "３", "1_0", "9" * 400])
def test_a_size_has_one_spelling(size: str) -> None:
    note = sign_text(f"example.org/archive\n{size}\n{base64.b64encode(ROOT).decode()}\n".encode(), keys())
    with pytest.raises(ParseError, match=r"not a checkpoint|not a signed note"):
        verify(note, [keys().public])


@pytest.mark.parametrize("root", ["", "AAAA", base64.b64encode(bytes(33)).decode(), "not base64!"])
def test_a_root_is_one_hash(root: str) -> None:
    note = sign_text(f"example.org/archive\n3\n{root}\n".encode(), keys())
    with pytest.raises(ParseError, match=r"not a checkpoint|not a signed note"):
        parse(note)


@pytest.mark.parametrize("line", ["", "two\nlines", "a\rb", "nul\x00"])
def test_a_line_that_would_frame_another_checkpoint_is_never_signed(line: str) -> None:
    with pytest.raises(ValueError, match="cannot be a line"):
        Checkpoint("example.org/archive", 1, ROOT, (line,))
    with pytest.raises(ValueError, match="cannot be a line"):
        Checkpoint(line, 1, ROOT)


@pytest.mark.peers
@needs_openssl
def test_openssl_verifies_the_signature(tmp_path: Path) -> None:
    pair = Keys.create(tmp_path / "ledger.pem", "example.org/archive")
    note = sign(Checkpoint("example.org/archive", 12, ROOT, ("time 2026-11-22T18:54:00.000000Z",)), pair)
    text, (signature,) = parse_note(note)
    (tmp_path / "public.pem").write_text(pair.public.pem)
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "forged").write_bytes(text.replace(b"\n12\n", b"\n13\n"))
    (tmp_path / "signature").write_bytes(signature.raw)

    def openssl(file: str) -> int:
        command = "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -sigfile signature -in"
        return subprocess.run([*command.split(), file], cwd=tmp_path, capture_output=True).returncode

    assert openssl("text") == 0
    assert openssl("forged") != 0
    derived = subprocess.run(
        ["openssl", "pkey", "-in", "ledger.pem", "-pubout"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert derived.stdout == pair.public.pem
