"""Proofs of one record, and that a stranger can check them with a shell alone."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archiver.errors import ParseError, Unproved
from archiver.ledger.checkpoint import Checkpoint, sign
from archiver.ledger.keys import Keys
from archiver.ledger.proof import DOES_NOT_PROVE, PROVES, Proof, check_script, how_to_check, parse, prove
from archiver.ledger.tree import Tree, leaf_hash
from archiver.model import canonical

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")

KEYS = Keys("example.org/archive", Ed25519PrivateKey.from_private_bytes(bytes(32)))
RECORDS = [canonical({"v": 1, "url": f"https://example.org/{number}", "status": 200}) for number in range(23)]
NODES: dict[tuple[int, int], bytes] = {}
TREE = Tree(lambda level, index: NODES[level, index])
NODES.update(((level, index), node) for level, index, node in TREE.append(map(leaf_hash, RECORDS)))
NOTE = sign(Checkpoint("example.org/archive", 23, TREE.root(), ("time 2026-11-22T18:54:00.000000Z",)), KEYS)

# --- proofs ----------------------------------------------------------------------------------------------------------


def proof_of(index: int, stamped: tuple[bytes, ...] = ()) -> Proof:
    return prove(TREE, index, RECORDS[index], NOTE, KEYS.public, stamped)


@pytest.mark.parametrize("index", range(23))
def test_every_record_has_a_proof_that_survives_its_document(index: int) -> None:
    proof = parse(proof_of(index).as_json())
    assert proof == proof_of(index)
    assert proof.verify([KEYS.public], "example.org/archive").size == 23


def test_a_proof_is_believed_for_a_key_from_elsewhere_only() -> None:
    """A forger can put their own key into a document; only the reader's own key counts."""
    forger = Keys("example.org/archive", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    forged = replace(proof_of(3), note=sign(Checkpoint("example.org/archive", 23, TREE.root()), forger))
    forged = replace(forged, key=forger.public)
    with pytest.raises(Unproved, match="by no key given"):
        parse(forged.as_json()).verify([KEYS.public])


def test_no_proof_is_handed_out_that_would_not_hold() -> None:
    with pytest.raises(Unproved, match="is not leaf 4"):
        prove(TREE, 4, RECORDS[5], NOTE, KEYS.public)
    older = sign(Checkpoint("example.org/archive", 7, TREE.root(7)), KEYS)
    assert prove(TREE, 6, RECORDS[6], older, KEYS.public).verify([KEYS.public]).size == 7
    with pytest.raises(Unproved, match="the next checkpoint will hold it"):
        prove(TREE, 7, RECORDS[7], older, KEYS.public)


def test_a_changed_record_index_or_path_is_refused() -> None:
    proof = proof_of(5)
    for changed in (
        replace(proof, record=proof.record + b" "),
        replace(proof, index=4),
        replace(proof, index=23),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(bytes(32), *proof.path[1:])),
    ):
        with pytest.raises(Unproved, match="is not leaf"):
            parse(changed.as_json()).verify([KEYS.public])


@pytest.mark.parametrize("member", ["type", "version", "record", "index", "path", "checkpoint", "key", "stamps"])
@pytest.mark.parametrize("value", [None, "x", [1], {}, 1.5])
def test_a_document_of_another_shape_is_refused_in_a_sentence(member: str, value: object) -> None:
    members = json.loads(proof_of(5).as_json())
    with pytest.raises(ParseError, match="not an inclusion proof of ours"):
        parse(json.dumps(members | {member: value}))
    del members[member]
    with pytest.raises(ParseError, match="not an inclusion proof of ours"):
        parse(json.dumps(members))


def test_the_same_proof_in_the_form_of_c2sp_tlog_proof() -> None:
    head, _, note = proof_of(5).as_tlog_proof().partition("\n\n")
    kind, index, *path = head.split("\n")
    assert (kind, index) == ("c2sp.org/tlog-proof@v1", "index 5")
    assert tuple(base64.b64decode(step) for step in path) == TREE.inclusion_proof(5)
    assert note.encode() == NOTE


# --- what a stranger does --------------------------------------------------------------------------------------------


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-eu"], cwd=folder, input=script, capture_output=True, text=True, timeout=60)


def commands(text: str) -> str:
    """What a reader would type: the indented lines."""
    return "".join(line[4:] + "\n" for line in text.splitlines() if line.startswith("    "))


@pytest.mark.peers
@needs_openssl
@pytest.mark.parametrize("index", [0, 1, 5, 15, 16, 20, 21, 22])
def test_the_commands_of_the_text_check_a_proof_without_us(tmp_path: Path, index: int) -> None:
    (tmp_path / "proof.json").write_text(proof_of(index).as_json())
    ran = shell(tmp_path, commands(how_to_check()))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("The proof holds.\n")
    assert KEYS.public.vkey in ran.stdout
    assert hashlib.sha256(RECORDS[index]).hexdigest() in ran.stdout
    assert (tmp_path / "record.json").read_bytes() == RECORDS[index]


@pytest.mark.peers
@needs_openssl
def test_the_script_is_the_same_commands(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text(proof_of(9).as_json())
    assert shell(tmp_path, check_script()).stdout == shell(tmp_path, commands(how_to_check())).stdout
    assert [line for line in check_script().splitlines()[3:] if line and line[0] != "#"] == [
        line for line in commands(how_to_check()).splitlines() if line
    ]


def test_the_text_says_what_is_proved_and_what_is_not() -> None:
    assert PROVES in how_to_check()
    assert DOES_NOT_PROVE in how_to_check()
    assert "does not prove that the platform" in DOES_NOT_PROVE


@pytest.mark.peers
@needs_openssl
def test_the_shell_refuses_what_we_refuse(tmp_path: Path) -> None:
    proof = proof_of(5)
    forger = Keys("example.org/archive", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    forgeries = {
        "record": replace(proof, record=proof.record.replace(b"200", b"404")),
        "index": replace(proof, index=4),
        "index too large": replace(proof, index=23),
        "path": replace(proof, path=(proof.path[0], bytes(32), *proof.path[2:])),
        "short path": replace(proof, path=proof.path[:-1]),
        "long path": replace(proof, path=(*proof.path, bytes(32))),
        "root": replace(proof, note=NOTE.replace(base64.b64encode(TREE.root()), base64.b64encode(bytes(32)))),
        "time": replace(proof, note=NOTE.replace(b"2026-11-22", b"2020-11-22")),
        "signer": replace(proof, note=sign(Checkpoint("example.org/archive", 23, TREE.root()), forger)),
        "key": replace(proof, key=forger.public),
    }
    for name, forged in forgeries.items():
        (tmp_path / "proof.json").write_text(forged.as_json())
        ran = shell(tmp_path, check_script())
        assert ran.returncode != 0, name
        assert "The proof holds." not in ran.stdout
        with pytest.raises(Unproved):
            forged.verify([forged.key])
    members = json.loads(proof.as_json()) | {"record_sha256": "0" * 64}
    (tmp_path / "proof.json").write_text(json.dumps(members, indent=1))
    assert shell(tmp_path, check_script()).returncode != 0


@pytest.mark.peers
@needs_openssl
def test_a_log_of_one_large_record_under_two_keys_is_checked_too(tmp_path: Path) -> None:
    """No path, a record of many kilobytes, and a first signature that is not the one looked for."""
    record = canonical({"v": 1, "note": "é“€" * 40_000})
    tree = Tree(lambda level, index: leaf_hash(record))
    tree.append([leaf_hash(record)])
    older = Keys("example.org/archive", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    note = sign(Checkpoint("example.org/archive", 1, tree.root()), older, KEYS)
    (tmp_path / "proof.json").write_text(prove(tree, 0, record, note, KEYS.public).as_json())
    ran = shell(tmp_path, check_script())
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "record.json").read_bytes() == record
