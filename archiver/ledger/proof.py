"""Proof that one record stands in the log, as one small document that a stranger can check with openssl alone.

The hashes are RFC 6962's, the checkpoint is C2SP's; `Proof.as_tlog_proof` is the same as https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
from collections.abc import Iterable
from dataclasses import dataclass

from archiver.errors import ParseError, Unproved
from archiver.ledger import checkpoint as _checkpoint
from archiver.ledger.checkpoint import Checkpoint
from archiver.ledger.keys import PublicKey, decode64, parse_vkey
from archiver.ledger.tree import Tree, leaf_hash, verify_inclusion

_TYPE = "archiver inclusion proof"

PROVES = (
    "This record, exactly these bytes, was in the archive's log when the holder of the key signed the checkpoint, and "
    "cannot be changed, back-dated behind it, or removed without contradicting that checkpoint. A time stamp shows "
    "that the checkpoint existed before the time it states."
)
DOES_NOT_PROVE = (
    "It does not prove that the platform really served these bytes, that the post's author wrote them, that the "
    "archive's clock was right, or that nothing was left out. The operator could have recorded something false; the "
    "operator cannot have changed it later."
)


@dataclass(frozen=True, slots=True)
class Proof:
    """One record with its place in a signed checkpoint: `record` are the leaf's bytes, `path` the sibling hashes from
    the leaf upwards, `note` the signed checkpoint, `stamps` RFC 3161 responses over it. `key` says whose signature to
    look for; it is no reason to trust it."""

    record: bytes
    index: int
    path: tuple[bytes, ...]
    note: bytes
    key: PublicKey
    stamps: tuple[bytes, ...] = ()

    def verify(self, keys: Iterable[PublicKey], origin: str | None = None) -> Checkpoint:
        """The checkpoint that holds the record, if one of these keys (known from elsewhere) signed it. Unproved
        otherwise. Stamps are judged by `stamps.check`."""
        head = _checkpoint.verify(self.note, keys, origin)
        if not verify_inclusion(leaf_hash(self.record), self.index, head.size, head.root, self.path):
            raise Unproved(f"the record is not leaf {self.index} of the log {head.origin} at {head.size} leaves")
        return head

    def as_json(self) -> str:
        """The document: one member a line, byte strings in base64, so that sed can take it apart."""
        members = {
            "type": _TYPE,
            "version": 1,
            "proves": PROVES,
            "does_not_prove": DOES_NOT_PROVE,
            "record_sha256": hashlib.sha256(self.record).hexdigest(),
            "record": _encode(self.record),
            "index": self.index,
            "path": [_encode(step) for step in self.path],
            "checkpoint": _encode(self.note),
            "key": self.key.vkey,
            "stamps": [_encode(token) for token in self.stamps],
        }
        return json.dumps(members, indent=1, ensure_ascii=False) + "\n"

    def as_tlog_proof(self) -> str:
        """The proof without the record, in the text form of C2SP tlog-proof."""
        lines = ["c2sp.org/tlog-proof@v1", f"index {self.index}", *map(_encode, self.path), ""]
        return "\n".join(lines) + "\n" + self.note.decode()


def prove(tree: Tree, index: int, record: bytes, note: bytes, key: PublicKey, stamps: Iterable[bytes] = ()) -> Proof:
    """Proof that `record` is leaf `index` under the checkpoint in `note`, of which `tree` is this or a later state.
    Unproved, instead of a proof that would fail elsewhere, where it is not so."""
    size = _checkpoint.parse(note).size
    if size > tree.size or index >= size:
        raise Unproved(f"leaf {index} is not under the checkpoint of {size} leaves; the next checkpoint will hold it")
    proof = Proof(record, index, tree.inclusion_proof(index, size), note, key, tuple(stamps))
    proof.verify([key])
    return proof


def parse(document: str | bytes) -> Proof:
    """The inverse of `Proof.as_json`, unverified. ParseError."""
    try:
        members = json.loads(document)
        if members["type"] != _TYPE or members["version"] != 1:
            raise ValueError(f"it is {members['type']!r} version {members['version']!r}")
        return Proof(
            record=decode64(members["record"]),
            index=operator.index(members["index"]),
            path=_decoded(members["path"]),
            note=decode64(members["checkpoint"]),
            key=parse_vkey(members["key"]),
            stamps=_decoded(members["stamps"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ParseError) as error:
        raise ParseError(f"not an inclusion proof of ours: {error!r}") from error


def _decoded(texts: object) -> tuple[bytes, ...]:
    if not isinstance(texts, list):
        raise TypeError("path and stamps are lists")
    return tuple(decode64(text) for text in texts)


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


# --- how a stranger checks it --------------------------------------------------------------------------------------

#: What each step does in plain words, and the commands that do it. POSIX shell, OpenSSL 3, sha256sum, sed.
_STEPS = (
    (
        "Take the record out of the document. Its SHA-256 is the name that the archive knows it by; the two lines "
        "that are printed must show the same digits.",
        r"""
member() { sed -n 's/^ "'"$1"'": //p' proof.json | sed 's/,$//; s/^"//; s/"$//'; }
list() { sed -n '/^ "'"$1"'": \[$/,/^ \]/s/^  "\([^"]*\)",\{0,1\}$/\1/p' proof.json; }
decode() { printf %s "$1" | openssl base64 -d -A; }
digest() { openssl dgst -sha256 -binary | openssl base64 -A; }
member record | openssl base64 -d -A > record.json
member record_sha256
sha256sum record.json
test "$(sha256sum < record.json | cut -c 1-64)" = "$(member record_sha256)"
""",
    ),
    (
        "Take out the signed checkpoint. Its first three lines are the log's name, how many records it held, and the "
        "root hash over all of them; what stands above the empty line is what was signed.",
        r"""
member checkpoint | openssl base64 -d -A > checkpoint
sed '/^$/,$d' checkpoint > checkpoint.text
cat checkpoint.text
size=$(sed -n 2p checkpoint.text)
root=$(sed -n 3p checkpoint.text)
""",
    ),
    (
        "Hash the record (after a byte 0), then hash it together with each sibling on the way up (after a byte 1). "
        "The position of the record and the size of the log decide which of the two stands left. The last hash must "
        "be the root hash of the checkpoint.",
        r"""
hash=$({ printf '\000'; cat record.json; } | digest)
position=$(member index)
last=$((size - 1))
test "$position" -le "$last"
for step in $(list path); do
  test "$last" -gt 0
  if [ $((position % 2)) -eq 1 ] || [ "$position" -eq "$last" ]; then
    hash=$({ printf '\001'; decode "$step"; decode "$hash"; } | digest)
    while [ $((position % 2)) -eq 0 ] && [ "$position" -gt 0 ]; do
      position=$((position / 2)); last=$((last / 2))
    done
  else
    hash=$({ printf '\001'; decode "$hash"; decode "$step"; } | digest)
  fi
  position=$((position / 2)); last=$((last / 2))
done
test "$last" -eq 0
echo "$hash"
test "$hash" = "$root"
""",
    ),
    (
        "Check the signature. The key is printed: it means something only if you got the same line from whoever runs "
        "the archive, or from an older checkpoint, by another way than this document.",
        r"""
key=$(member key)
echo "$key"
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'
  decode "${key#*+????????+}" | tail -c 32; } | openssl pkey -pubin -inform DER -out key.pem
signed=no
sed '1,/^$/d' checkpoint > signatures
while read -r dash name signature; do
  if [ "$dash $name" = "— ${key%%+*}" ]; then
    decode "$signature" | tail -c 64 > signature
    if openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in checkpoint.text -sigfile signature; then signed=yes; fi
  fi
done < signatures
test "$signed" = yes
""",
    ),
    (
        "If the document has time stamps, show them, and check them against the root certificates of the time-stamping "
        "authority, which you get from the authority itself and put into roots.pem (the step is skipped without it).",
        r"""
for token in $(list stamps); do
  decode "$token" > token.tsr
  openssl ts -reply -in token.tsr -text | sed -n 's/^Time stamp: //p'
  if [ -e roots.pem ]; then
    openssl ts -verify -data checkpoint -in token.tsr -CAfile roots.pem -untrusted roots.pem
  fi
done
echo 'The proof holds.'
""",
    ),
)


def how_to_check() -> str:
    """Plain words and commands for checking `proof.json` (`Proof.as_json`) without any program of ours."""
    parts = [
        "How to check this proof yourself",
        "The document proof.json is about one record of the archive's log.",
        f"What it proves. {PROVES}",
        f"What it does not prove. {DOES_NOT_PROVE}",
        "You need a shell, OpenSSL 3 (openssl) and sha256sum (on a Mac: shasum -a 256), and nothing of ours. Put "
        "proof.json into an empty folder, go there, start `sh -eu`, and give it the commands below, step by step. A "
        "step that fails ends that shell.",
    ]
    for number, (words, commands) in enumerate(_STEPS, 1):
        indented = "".join(f"    {line}\n" for line in commands.strip().split("\n"))
        parts.append(f"{number}. {words}\n\n{indented}".rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def check_script() -> str:
    """The commands of `how_to_check` as one POSIX shell script, to run in the folder of proof.json. Exit code 0 means
    that everything held."""
    steps = "\n".join(f"# {words}\n{commands.strip()}\n" for words, commands in _STEPS)
    return f"#!/bin/sh\n# Checks proof.json in this folder. Needs OpenSSL 3 and sha256sum.\nset -eu\n\n{steps}"
