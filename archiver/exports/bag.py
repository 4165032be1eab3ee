"""BagIt 1.0 (RFC 8493) in a ZIP: everything a deposit needs, and a page on how to check it without any of our software.

Payload: the WACZ, everything known of each post, the provenance, the report, and what the ledger proves where the
archive has checkpoints. Beside it the manifests, and with a key their signature in the form that `openssl dgst`
verifies. README.txt says what to type.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archiver.exports import PROVES, PROVES_NOT, Contents, Export, exports, signing
from archiver.exports.zipped import Member, Zip

_TOP = "archive-bag"
#: (name in the bag, export). A WACZ is a ZIP and is not compressed again.
_FILES = (
    ("data/archive.wacz", "wacz"),
    ("data/posts.jsonl", "jsonl"),
    ("data/provenance.json", "prov-json"),
    ("data/report.html", "report"),
)

README = """\
WHAT THIS IS

Archived social posts, the articles that show them, and the record of how each was seen. The folder is a bag (BagIt,
RFC 8493): the folder data holds the files, the rest is there so that you can check them.

  data/report.html      to read: open it in any browser. It runs nothing and loads nothing from the web.
  data/archive.wacz     every request and answer, byte for byte; opens in ReplayWeb.page or pywb.
  data/posts.jsonl      everything known of each post, one JSON object a line, for programs.
  data/provenance.json  who saw what, when and how, as W3C PROV-JSON.{folder}

WHAT IT PROVES, AND WHAT IT DOES NOT

{proves}

{proves_not}

The steps below show that the files are those that were put into the bag. They do not show who put them there{signed}.

HOW TO CHECK IT YOURSELF

You need a terminal and no program of ours. Unpack the bag and go into its folder:

    $ unzip -q {file}
    $ cd {top}

1. Compare every file with the list of its digests. On Linux:

    $ sha256sum --check manifest-sha256.txt
    $ sha256sum --check tagmanifest-sha256.txt

   On a Mac, where sha256sum may be missing:

    $ shasum -a 256 -c manifest-sha256.txt
    $ shasum -a 256 -c tagmanifest-sha256.txt

   Every line must end in OK. A digest (SHA-256) is a number of 64 digits that any change to a file would change.
{signature}{ledger}
{next}. A picture or film that you hold: compute its digest and look for it in the report.

       sha256sum FILE

   If the report names the same digest, your file is, byte for byte, the one that was captured.
"""

_SIGNATURE = """
2. Check that whoever holds the key signed the list of the lists:

    $ openssl dgst -sha256 -verify key.pem -signature tagmanifest-sha256.txt.sig tagmanifest-sha256.txt

   It must say: Verified OK. That is worth as much as you know about the key: compare this digest of it with one that
   its owner published elsewhere.

    $ openssl pkey -pubin -in key.pem -outform DER | openssl dgst -sha256
"""

_LEDGER = """
{number}. The archive keeps a log of its captures that nobody, not even its operator, can change or shorten without
   being caught by whoever holds an older checkpoint of it. data/ledger/proofs.txt proves, for each capture in this
   bag that was made before the checkpoint, that it is in that log. data/ledger/how-to-check.txt explains every step,
   check.sh is the same steps as a script. The first proof in the file, for example:

    $ mkdir check
    $ sed -n '2,/^}}$/p' data/ledger/proofs.txt > check/proof.json
    $ cd check && sh ../data/ledger/check.sh

   The proof of another, whose 64 digits the report gives:

       sed -n '/^== DIGITS ==$/,/^}}$/p' data/ledger/proofs.txt | sed 1d > check/proof.json
"""


def write(contents: Contents, out: BinaryIO) -> None:
    """Payload, README, manifests, and the signature where there is a signer."""
    about, signer = contents.about(), contents.signer
    with Zip(out) as packed:
        for name, export in _FILES:
            with packed.member(f"{_TOP}/{name}", compress=not name.endswith(".wacz")) as stream:
                exports()[export].write(contents, stream)
        for name, pieces in contents.ledger():
            with packed.member(f"{_TOP}/data/ledger/{name}", compress=not name.endswith(".tsr")) as stream:
                for piece in pieces:
                    stream.write(piece)
        payload = tuple(packed.members)
        has_ledger = len(payload) > len(_FILES)
        step = 3 if signer else 2
        readme = README.format(
            proves=PROVES,
            proves_not=PROVES_NOT,
            top=_TOP,
            folder="\n  data/ledger           proofs that the captures are in the archive's log." if has_ledger else "",
            file="*.bag.zip",
            signed=", except for what step 2 says" if signer else ": this bag is not signed",
            signature=_SIGNATURE if signer else "",
            ledger=_LEDGER.format(number=step) if has_ledger else "",
            next=step + 1 if has_ledger else step,
        )
        oxum = f"{sum(member.size for member in payload)}.{len(payload)}"
        information = (
            f"External-Description: {PROVES} {PROVES_NOT}\n"
            f"Bag-Software-Agent: {about['software']}\n"
            f"Payload-Oxum: {oxum}\n"
        )
        tags = {
            "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": information,
            "README.txt": readme,
            "manifest-sha256.txt": _manifest(payload),
        }
        for name, content in tags.items():
            packed.add(f"{_TOP}/{name}", content.encode())
        listed = _manifest(packed.members[len(payload) :]).encode()
        packed.add(f"{_TOP}/tagmanifest-sha256.txt", listed)
        if signer is not None:
            key = base64.encodebytes(signer.public_key).decode()
            packed.add(f"{_TOP}/key.pem", f"-----BEGIN PUBLIC KEY-----\n{key}-----END PUBLIC KEY-----\n".encode())
            signature = signing.as_der(signer.sign(listed))
            packed.add(f"{_TOP}/tagmanifest-sha256.txt.sig", signature, compress=False)


def check(path: Path, *, key: bytes | None = None) -> list[str]:
    """What is wrong with a bag, a sentence each; nothing for a sound one. Unpacks no file. `key` is the public key
    (DER) that must have signed it; without one a valid or no signature will do."""
    try:
        with zipfile.ZipFile(path) as packed:
            return list(_faults(packed, key))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return [f"cannot be read as a ZIP file: {error}"]


def _faults(packed: zipfile.ZipFile, key: bytes | None) -> Iterator[str]:
    names = packed.namelist()
    if len(set(names)) != len(names):
        yield "two files have the same name"
    listed: set[str] = set()
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        if f"{_TOP}/{manifest}" not in names:
            yield f"{manifest} is missing"
            return
        for line in packed.read(f"{_TOP}/{manifest}").decode("utf-8", "replace").splitlines():
            digest, _, name = line.partition("  ")
            listed.add(f"{_TOP}/{name}")
            if f"{_TOP}/{name}" not in names:
                yield f"{name} is in {manifest} and not in the bag"
                continue
            found = hashlib.sha256()
            try:
                with packed.open(f"{_TOP}/{name}") as stream:
                    while piece := stream.read(1 << 20):
                        found.update(piece)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                yield f"{name} is damaged: {error}"
                continue
            if found.hexdigest() != digest:
                yield f"{name} is not what {manifest} says"
    unlisted = {f"{_TOP}/{name}" for name in ("tagmanifest-sha256.txt", "tagmanifest-sha256.txt.sig", "key.pem")}
    for name in sorted(set(names) - listed - unlisted):
        yield f"{name} is in no manifest"
    yield from _signed(packed, names, key)
    if f"{_TOP}/data/archive.wacz" not in names:
        yield "data/archive.wacz is missing"


def _signed(packed: zipfile.ZipFile, names: list[str], key: bytes | None) -> Iterator[str]:
    if not {f"{_TOP}/key.pem", f"{_TOP}/tagmanifest-sha256.txt.sig"} & set(names):
        if key is not None:
            yield "is not signed"
        return
    try:
        lines = packed.read(f"{_TOP}/key.pem").decode("ascii").splitlines()
        public = base64.b64decode("".join(lines[1:-1]), validate=True)
        signature = packed.read(f"{_TOP}/tagmanifest-sha256.txt.sig")
        content = packed.read(f"{_TOP}/tagmanifest-sha256.txt")
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        yield f"the signature cannot be read: {error}"
        return
    if not signing.verifies(public, content, signature):
        yield "the signature is not valid"
    elif key is not None and public != key:
        yield "was signed with another key"


def _manifest(members: tuple[Member, ...] | list[Member]) -> str:
    return "".join(f"{each.sha256}  {each.name.removeprefix(_TOP + '/')}\n" for each in members)


def _check_signed(path: Path, key: bytes) -> list[str]:
    return check(path, key=key)


EXPORT = Export(
    "bag",
    ".bag.zip",
    "BagIt: WACZ, provenance, report, and how to check them with sha256sum",
    write,
    check,
    _check_signed,
)
