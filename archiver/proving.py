"""`archiver verify`, `keys` and `ledger`: what a stranger is given to check an archive without trusting it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archiver.config import Config
from archiver.errors import InputError, ParseError, Unproved
from archiver.ledger import checkpoint, proof, tiles
from archiver.ledger.keys import parse_vkey
from archiver.store import check, connect_to_read, erasure, log, schema, translated


def verify(path: Path, options: argparse.Namespace) -> int:
    """Check an archive, or an export; 1 if something is damaged."""
    if (export := _as_export(path)) is not None:
        return _verify_export(export, options)
    share, chosen = _share(options)
    counts: dict[str, int] = {}

    def progress(what: str, done: int, total: int) -> None:
        counts[what] = done
        if sys.stderr.isatty() and (done % 500 == 0 or done == total):
            print(f"\r{what} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        damages = [str(each) for each in check.damages(db, share=share, chosen=chosen, progress=progress)]
        last = log.last_checkpoint(db)
        gone = erasure.erased(db)
        note = schema.format_note(db, path)
    if note:
        print(f"archiver: {note}", file=sys.stderr)
    if not options.json:
        for each in gone:
            print(
                f"erased {each['at'][:10]}: {each['blobs']} blobs ({each['bytes']} bytes) of {each['posts']} posts, "
                f"{each['records']} records; {each['reason']}"
            )
    if options.key is not None and last is not None:
        try:
            checkpoint.verify(last.note, [parse_vkey(options.key)])
        except Unproved as error:
            damages.append(f"checkpoint of {last.size} captures: not signed by the key you gave ({error})")
    if options.checkpoint is not None:
        damages += _against(path, options.checkpoint, options.key or (last.vkey if last else None))
    if options.roots is not None:
        held, wrong = _stamped(path, options.roots)
        damages += wrong
        counts["time stamps"] = held
    if 0 < share < 1:
        counts["sample drawn with seed"] = chosen
    return _report(path, damages, counts, last, options)


def _stamped(path: Path, roots: Path) -> tuple[int, list[str]]:
    """(how many time stamps hold under these roots, what is wrong with the others), merged logs' stamps included."""
    from archiver.ledger import stamps

    try:
        trusted = roots.read_bytes()
    except OSError as error:
        raise InputError(f"{roots}: cannot be read ({error.strerror}). Name a PEM file of certificates.") from error
    held, wrong = 0, []
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        for size, authority, token, note in log.every_stamp(db):
            checks = stamps.check(token, note, trusted)
            if stamps.holds(checks):
                held += 1
            else:
                why = "; ".join(f"{each.by}: {each.why or 'refuses it'}" for each in checks if not each.holds)
                wrong.append(f"time stamp of {authority} over {size} captures: does not hold ({why})")
    return held, wrong


def _against(path: Path, file: Path, vkey: str | None) -> list[str]:
    """What is wrong with an archive's log by a checkpoint that somebody kept: it must still begin as it was then."""
    if vkey is None:
        raise InputError(f"{path}: has no checkpoint, so its key is not known. Give it with --key.")
    try:
        head = checkpoint.verify(file.read_bytes(), [parse_vkey(vkey)])
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}). Name the checkpoint that you kept.") from error
    except (Unproved, ParseError) as error:
        return [f"{file}: is no checkpoint signed with this archive's key ({error})"]
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        tree = log.tree(db)
        if tree.size < head.size:
            return [f"{file}: is of {head.size} captures, and the archive has {tree.size}: captures were removed"]
        if tree.root(head.size) != head.root:
            return [
                f"{file}: the first {head.size} captures are not those it was signed over: some were changed, removed, "
                "added or put into another order, and another checkpoint put in its place"
            ]
    return []


# --- exports --------------------------------------------------------------------------------------------------------


def _as_export(path: Path) -> Path | None:
    """The exported file that is meant; None for what is an archive or nothing: the archive's own door says what is
    wrong."""
    from archiver.exports import digests, export_of

    if path.suffix == ".sha256" and path.with_suffix("").is_file():
        path = path.with_suffix("")
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return None
    if head.startswith(b"SQLite format 3"):
        return None
    return path if digests.beside(path).exists() or export_of(path) or head.startswith(b"PK\3\4") else None


def _verify_export(path: Path, options: argparse.Namespace) -> int:
    """An export against the digests in it, the one beside it, and what the archive named by --archive noted of it."""
    from archiver.exports import digests

    key = None if options.key is None else _public_key(options.key)
    faults, witnesses = export_faults(path, key)
    if options.archive is not None:
        noted = _noted(options.archive, digests.sha256_of(path))
        if noted is None:
            faults.append(f"{options.archive} has noted no export of these bytes")
        else:
            witnesses.append(f"{options.archive} noted it in its ledger on {noted[0]} (capture {noted[1]})")
    if not witnesses and not faults:
        raise InputError(
            f"{path}: carries no digests of its own and {digests.beside(path).name} is not beside it, so nobody can "
            "tell. Put that file there, or name the archive it is from with --archive."
        )
    if options.json:
        said = {"file": str(path), "sound": not faults, "damage": faults, "by": witnesses, "signed": key is not None}
        print(json.dumps(said, ensure_ascii=False))
        return 1 if faults else 0
    for each in faults:
        print(each)
    if faults:
        print(
            f"archiver: {path}: {len(faults)} things are damaged. Ask for another copy, or keep it as evidence.",
            file=sys.stderr,
        )
        return 1
    print(f"{path}: sound, by {'; '.join(witnesses)}.")
    if key is not None:
        print("The key you gave signed it.")
    elif options.archive is None:
        print("Nothing shows who made it: whoever changes a file can write new digests. --key checks a signature,")
        print("--archive the ledger of the archive that it is said to be from.")
    return 0


def export_faults(path: Path, key: bytes | None = None) -> tuple[list[str], list[str]]:
    """(what is wrong with an exported file, what it was compared with), a phrase each. *key* (DER) must have signed
    it."""
    from archiver.exports import digests

    faults: list[str] = []
    witnesses: list[str] = []
    check_it, check_signed = _checks_of(path)
    is_beside = digests.beside(path).exists()
    if is_beside or (key is not None and check_signed is None):
        faults += digests.check(path, key=key if check_signed is None else None)
        witnesses.append(f"the digest in {digests.beside(path).name}")
    if key is not None and check_signed is not None:
        faults += check_signed(path, key)
    elif check_it is not None:
        faults += check_it(path)
    if check_it is not None:
        witnesses.append("the digests in it")
    return faults, witnesses


def _checks_of(
    path: Path,
) -> tuple[Callable[[Path], list[str]] | None, Callable[[Path, bytes], list[str]] | None]:
    """How to check a file by what is in it: by the end of its name, or, for a package, by its contents."""
    import zipfile

    from archiver.exports import export_of, exports

    if (export := export_of(path)) is not None:
        return export.check, export.check_signed
    with path.open("rb") as stream:
        if not stream.read(4).startswith(b"PK\3\4"):
            return None, None
    try:
        with zipfile.ZipFile(path) as packed:
            names = {name.rpartition("/")[2] for name in packed.namelist()}
    except (zipfile.BadZipFile, OSError):
        names = set()
    kind = "wacz" if "datapackage.json" in names or "ro-crate-metadata.json" not in names else "rocrate"
    export = exports()["bag" if "bagit.txt" in names else kind]
    return export.check, export.check_signed


def _public_key(given: str) -> bytes:
    """The DER form of a public key in a PEM file, as `openssl pkey -pubout` writes it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(Path(given).read_bytes())
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"--key {given[:80]}: an export is signed with an ECDSA key; name the file of its public half "
            "(openssl pkey -in key.pem -pubout -out public.pem)."
        ) from error


def _noted(archive: Path, sha256: str) -> tuple[str, str] | None:
    """When an archive noted an export of these bytes, and which capture says so."""
    from archiver.store import events

    with contextlib.closing(connect_to_read(archive)) as db, translated(archive):
        for id, said in events.events(db, "export"):
            if said["sha256"] == sha256:
                return said["at"], id
    return None


# --- archives -------------------------------------------------------------------------------------------------------


def _share(options: argparse.Namespace) -> tuple[float, int]:
    if options.structure:
        return 0.0, 0
    if options.sample is None:
        return 1.0, 0
    try:
        share = float(options.sample.rstrip("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise InputError(f"--sample {options.sample}: is not a share. Write a percentage, such as 5%.")
    return share, int.from_bytes(os.urandom(4), "big")


def _report(
    path: Path, found: list[str], counts: dict[str, int], last: log.Kept | None, options: argparse.Namespace
) -> int:
    if options.json:
        signed = {"size": last.size, "key": last.vkey, "signed_at": last.signed_at} if last else None
        said = {"file": str(path), "sound": not found, "damage": found, "checked": counts, "checkpoint": signed}
        print(json.dumps(said, ensure_ascii=False))
        return 1 if found else 0
    for each in found:
        print(each)
    checked = ", ".join(f"{count} {what}" for what, count in counts.items()) or "it is empty"
    if found:
        print(
            f"archiver: {path}: {len(found)} things are damaged; what is not named is sound ({checked}). "
            "Restore a back-up, or keep the file as evidence of the damage.",
            file=sys.stderr,
        )
        return 1
    depth = "Structure and ledger hold" if getattr(options, "structure", False) else "Every digest was computed again"
    print(f"{path}: sound. {depth}: {checked}.")
    if last is not None:
        print(f"Nothing was changed or removed since {last.signed_at}: checkpoint of {last.size} captures, signed by")
        print(f"  {last.vkey}")
        print("Compare that key with the one its operator published: `archiver keys` shows it to them.")
    return 0


def show_key(config: Config, path: Path, options: argparse.Namespace) -> int:
    """Print the public key; make the pair if there is none."""
    from archiver.running import keys_for

    public = keys_for(config, path).public
    if options.json:
        print(json.dumps({"vkey": public.vkey, "pem": public.pem}))
    else:
        print(public.vkey)
        print(public.pem, end="")
    return 0


def show_checkpoint(path: Path, options: argparse.Namespace) -> int:
    """Print the newest signed checkpoint as it is published."""
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        last = log.last_checkpoint(db)
    if last is None:
        raise InputError(f"{path}: has no checkpoint yet. A run that ends signs one: archiver run --once ARTICLE")
    if options.json:
        print(json.dumps({"size": last.size, "vkey": last.vkey, "note": last.note.decode()}, ensure_ascii=False))
    else:
        sys.stdout.write(last.note.decode())
    return 0


def show_events(path: Path) -> int:
    """Print every export, erasure, merge and import in the order of the ledger, each with the capture that is its
    leaf."""
    from archiver.store import events

    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        for id, said in events.events(db):
            print(json.dumps({"capture": id, **said}, ensure_ascii=False))
    return 0


def publish(path: Path, folder: Path) -> int:
    """Write the log at its newest checkpoint as static files (C2SP tlog-tiles); the checkpoint comes last."""
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        last = log.last_checkpoint(db)
        if last is None:
            raise InputError(f"{path}: has no checkpoint yet. A run that ends signs one: archiver run --once ARTICLE")
        count = 0
        for name, content in tiles.publish(last.note, log.node_at(db), lambda leaf: log.record(db, leaf)):
            target = folder / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            except OSError as error:
                raise InputError(f"{target}: cannot be written ({error.strerror}). Name another folder.") from error
            count += 1
    print(f"{folder}: {count} files, the log of {last.size} captures", file=sys.stderr)
    return 0


def prove(path: Path, capture: str) -> int:
    """Print the proof that one capture is in the ledger."""
    with contextlib.closing(connect_to_read(path)) as db, translated(path):
        sys.stdout.write(proof_of(db, path, capture).as_json())
    return 0


def proof_of(db: Any, path: Path, capture: str) -> proof.Proof:
    """The inclusion proof of a capture in the first checkpoint that holds it."""
    leaf = log.leaf_of(db, capture)
    if leaf is None:
        raise InputError(f"{capture}: {path} has no capture of that id. `archiver lookup --json` gives their ids.")
    head = log.checkpoint_over(db, leaf)
    if head is None:
        raise InputError(f"{capture}: no checkpoint holds it yet. A run that ends signs one: archiver run --once")
    tree = log.tree(db)
    return proof.prove(tree, leaf, log.record(db, leaf), head.note, parse_vkey(head.vkey), log.stamps(db, head.size))
