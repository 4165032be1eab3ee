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
from archiver.errors import InputError, Unproved
from archiver.ledger import checkpoint, proof, tiles
from archiver.ledger.keys import parse_vkey
from archiver.store import check, connect_to_read, erasure, log, translated


def verify(path: Path, options: argparse.Namespace) -> int:
    """Check an archive, or an export; 1 if something is damaged."""
    if export_check := _export_check(path):
        return _report(path, export_check(path), {"export": 1}, None, options)
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
    if 0 < share < 1:
        counts["sample drawn with seed"] = chosen
    return _report(path, damages, counts, last, options)


def _export_check(path: Path) -> Callable[[Path], list[str]] | None:
    """How to check an export, None for what is an archive or nothing: the archive's own door says what is wrong."""
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return None
    if head.startswith(b"SQLite format 3"):
        return None
    from archiver.exports import check_of, exports

    if check := check_of(path):
        return check
    if any(path.name.endswith(export.suffix) for export in exports().values()):
        raise InputError(f"{path}: carries no digests of its own, so nobody can tell. Export a bag or a WACZ instead.")
    return _check_of_zip(path) if head.startswith(b"PK\3\4") else None


def _check_of_zip(path: Path) -> Callable[[Path], list[str]]:
    """A package whose name tells nothing: its contents do."""
    import zipfile

    from archiver.exports import bag, rocrate, wacz

    try:
        with zipfile.ZipFile(path) as packed:
            names = {name.rpartition("/")[2] for name in packed.namelist()}
    except (zipfile.BadZipFile, OSError):
        names = set()
    if "bagit.txt" in names:
        return bag.check
    return wacz.check if "datapackage.json" in names or "ro-crate-metadata.json" not in names else rocrate.check


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
