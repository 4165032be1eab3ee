"""How fast the ledger is, against plain SHA-256 of the same bytes and against pymerkle, in one run.

    python bench/ledger.py [LEAVES]

The floor is `hashlib.sha256` over exactly the byte strings that the tree hashes (each record with its 0x00, each pair
of hashes with its 0x01), with nothing else done: no tree can be faster in this interpreter.
"""

from __future__ import annotations

import functools
import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable

import pymerkle

from archiver.ledger.checkpoint import Checkpoint, sign, verify
from archiver.ledger.keys import Keys
from archiver.ledger.proof import prove
from archiver.ledger.tiles import check, publish
from archiver.ledger.tree import Node, Tree, leaf_hash, verify_consistency, verify_inclusion

BATCH = 1000  # leaves of one job's commit


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def each(work: Callable[[int], object], arguments: list[int]) -> tuple[float, float]:
    """Median and worst, in milliseconds."""
    spent = [1000 * timed(functools.partial(work, argument)) for argument in arguments]
    return statistics.median(spent), max(spent)


def main(leaves: int) -> None:
    records = [
        b'{"body":{"sha256":"%064x","size":%d},"status":200,"url":"https://example.org/%d"}' % (number, number, number)
        for number in range(leaves)
    ]
    size = sum(map(len, records)) / leaves
    print(f"{leaves:,} records of {size:.0f} bytes, Python {sys.version.split()[0]}")

    def append(store: Callable[[list[Node]], object]) -> None:
        tree = Tree()
        for start in range(0, leaves, BATCH):
            store(tree.append([leaf_hash(record) for record in records[start : start + BATCH]]))

    def append_singly() -> None:
        alone = Tree()
        for record in records:
            alone.append((leaf_hash(record),))

    hashed = [b"\x00" + record for record in records]
    appended = timed(lambda: append(len))  # storing is the archive's business, and measured there
    nodes: dict[tuple[int, int], bytes] = {}
    append(lambda row: nodes.update(((level, index), node) for level, index, node in row))
    pairs = [b"\x01" + nodes[level - 1, 2 * index] + nodes[level - 1, 2 * index + 1] for level, index in nodes if level]

    def floor() -> None:
        for content in hashed:
            hashlib.sha256(content).digest()
        for content in pairs:
            hashlib.sha256(content).digest()

    floor_time = timed(floor)
    singly = timed(append_singly)
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    sample = records[: max(1, leaves // 10)]
    pymerkle_rate = len(sample) / timed(lambda: [theirs.append_entry(record) for record in sample])
    print(f"plain sha256 of the same bytes  {leaves / floor_time:12,.0f} leaves/s")
    for name, spent in ((f"append, {BATCH} at a time", appended), ("append, one at a time", singly)):
        print(f"{name:32}{leaves / spent:12,.0f} leaves/s  {floor_time / spent:.2f} of plain sha256")
    print(f"{'pymerkle, one at a time':32}{pymerkle_rate:12,.0f} leaves/s  (first {len(sample):,} records)")

    tree = Tree(lambda level, index: nodes[level, index], leaves)
    random.seed(6962)
    chosen = [random.randrange(leaves) for _ in range(1000)]
    root = tree.root()
    paths = {index: tree.inclusion_proof(index) for index in chosen}
    steps = {index: tree.consistency_proof(index) for index in chosen}
    roots = {index: tree.root(index) for index in chosen}
    measures: dict[str, Callable[[int], object]] = {
        "open the tree": lambda _: Tree(lambda level, index: nodes[level, index], leaves),
        "inclusion proof": tree.inclusion_proof,
        "consistency proof": tree.consistency_proof,
        "verify inclusion": lambda at: verify_inclusion(leaf_hash(records[at]), at, leaves, root, paths[at]),
        "verify consistency": lambda at: verify_consistency(at, roots[at], leaves, root, steps[at]),
    }
    for name, work in measures.items():
        median, worst = each(work, chosen)
        print(f"{name:32}{median:12.3f} ms median {worst:8.3f} ms worst of {len(chosen)}")
    small = pymerkle_proofs(theirs, [index % len(sample) for index in chosen[:100]])
    print(
        f"{'pymerkle, inclusion proof':32}{small[0]:12.3f} ms median {small[1]:8.3f} ms worst ({len(sample):,} leaves)"
    )

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    keys = Keys("example.org/archive", Ed25519PrivateKey.generate())
    head = Checkpoint("example.org/archive", leaves, root)
    note = sign(head, keys)
    print(f"{'sign a checkpoint':32}{each(lambda _: sign(head, keys), chosen)[0]:12.3f} ms median")
    print(f"{'verify a checkpoint':32}{each(lambda _: verify(note, [keys.public]), chosen)[0]:12.3f} ms median")
    whole = each(lambda at: prove(tree, at, records[at], note, keys.public).as_json(), chosen)
    print(f"{'a whole proof, as JSON':32}{whole[0]:12.3f} ms median {whole[1]:8.3f} ms worst")

    def compare(row: list[Node]) -> None:
        for level, index, node in row:
            if nodes[level, index] != node:
                raise SystemExit(f"node {index} at level {level} differs")

    spent = timed(lambda: append(compare))
    print(f"{'recompute and compare all':32}{leaves / spent:12,.0f} leaves/s  {floor_time / spent:.2f} of plain sha256")
    files: dict[str, bytes] = {}
    spent = timed(lambda: files.update(publish(note, lambda level, index: nodes[level, index], records.__getitem__)))
    print(f"{'publish as tiles':32}{leaves / spent:12,.0f} leaves/s  {len(files):,} files")
    spent = timed(lambda: check(files.get, [keys.public]))
    print(
        f"{'rebuild and check from tiles':32}{leaves / spent:12,.0f} leaves/s  {floor_time / spent:.2f} of plain sha256"
    )


def pymerkle_proofs(theirs: pymerkle.InmemoryTree, chosen: list[int]) -> tuple[float, float]:
    return each(lambda index: theirs.prove_inclusion(index + 1), chosen)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
