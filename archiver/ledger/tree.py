"""An append-only Merkle tree (RFC 6962 section 2.1), and its proofs as RFC 9162 section 2.1 checks them.

A hash is 32 raw bytes of SHA-256. A *complete node* (level, index) is the root of the perfect subtree over the leaves
`[index << level, (index + 1) << level)`: it never changes once its leaves are there, so storage only ever grows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

_sha256 = hashlib.sha256

#: One complete node to keep: level (0 = leaves), index within the level, hash.
Node = tuple[int, int, bytes]

#: Storage as the tree sees it: the hash of a complete node by (level, index). It raises where it has none.
Get = Callable[[int, int], bytes]

#: The root of a tree without leaves.
EMPTY_ROOT = _sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    """The hash of one leaf: SHA-256 of 0x00 and the record. It differs from the record's own SHA-256 on purpose, so
    that no inner node can pass for a record."""
    return _sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01, left, right."""
    return _sha256(b"\x01" + left + right).digest()


def _nothing(level: int, index: int) -> bytes:
    raise LookupError(f"the tree was given no storage, so node {index} at level {level} cannot be read")


class Tree:
    """A tree of `size` leaves over storage that already holds its complete nodes.

    Opening one reads at most one node per binary digit of `size`. Without `get` it starts empty, keeps only its right
    edge, and can still be appended to and tell its root: enough to recompute a log in one pass.
    """

    __slots__ = ("_edge", "_get", "_size")

    def __init__(self, get: Get = _nothing, size: int = 0) -> None:
        if size < 0:
            raise ValueError(f"a tree cannot have {size} leaves")
        self._get = get
        self._size = size
        # The compact range: by level, the complete nodes that still lack a right sibling.
        self._edge = {level: get(level, index) for level, index in reversed(_cover(0, size))}

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf_hashes: Iterable[bytes]) -> list[Node]:
        """Append leaves (see `leaf_hash`) and return the nodes that became complete, leaves first, for the caller to
        store before the next proof is asked for. Where storing them fails, open the tree again: this one is ahead.
        Amortised two nodes and one hash a leaf; one call with many leaves is several times faster than many calls
        with one."""
        row = list(leaf_hashes)
        level, start, new = 0, self._size, list[Node]()
        self._size += len(row)
        while row:
            new.extend((level, index, node) for index, node in enumerate(row, start))
            if start & 1:
                row.insert(0, self._edge.pop(level))
            if len(row) & 1:
                self._edge[level] = row.pop()
            pairs = iter(row)
            # zip(pairs, pairs) takes neighbours; the hash stands here, not in node_hash, for speed (bench/ledger.py).
            row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level, start = level + 1, start >> 1
        return new

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (all, if None). Only an earlier root reads storage."""
        if size is None or size == self._size:
            return _fold([self._edge[level] for level in sorted(self._edge, reverse=True)])
        self._check(size)
        return self._range(0, size)

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """PATH(index, D[size]): the siblings from the leaf upwards that lead to `root(size)`."""
        size = self._check(size)
        if not 0 <= index < size:
            raise ValueError(f"leaf {index} is not among the first {size}")
        siblings = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _left_width(end - start)
            if index < middle:
                siblings.append((middle, end))
                end = middle
            else:
                siblings.append((start, middle))
                start = middle
        return tuple(self._range(*sibling) for sibling in reversed(siblings))

    def consistency_proof(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """PROOF(old, D[new]): what shows that the tree of `new` leaves begins with the tree of `old` leaves. Empty
        for equal sizes, and for `old` = 0, which every tree begins with."""
        new = self._check(new)
        if not 0 <= old <= new:
            raise ValueError(f"a tree of {new} leaves has no earlier state of {old} leaves")
        if old in (0, new):
            return ()
        parts = []
        start, end = 0, new
        while end != old:
            middle = start + _left_width(end - start)
            if old <= middle:
                parts.append((middle, end))
                end = middle
            else:
                parts.append((start, middle))
                start = middle
        if start:  # else the old tree is one perfect subtree, whose root the verifier already holds
            parts.append((start, end))
        return tuple(self._range(*part) for part in reversed(parts))

    def _check(self, size: int | None) -> int:
        if size is None:
            return self._size
        if not 0 <= size <= self._size:
            raise ValueError(f"the tree has {self._size} leaves, not {size}")
        return size

    def _range(self, start: int, end: int) -> bytes:
        return _fold([self._get(level, index) for level, index in _cover(start, end)])


def _left_width(width: int) -> int:
    """The largest power of two smaller than `width` (RFC 6962: k < n <= 2k)."""
    return 1 << (width - 1).bit_length() - 1


def _cover(start: int, end: int) -> list[tuple[int, int]]:
    """The complete nodes, left to right, that make up `[start, end)`, where `start` is a multiple of a power of two
    not below the width (as every subtree of RFC 6962 is)."""
    width = end - start
    return [(level, (end >> level) - 1) for level in reversed(range(width.bit_length())) if width >> level & 1]


def _fold(nodes: Sequence[bytes]) -> bytes:
    """The root over complete nodes of falling height, left to right."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for left in reversed(nodes[:-1]):
        root = node_hash(left, root)
    return root


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path leads to (RFC 9162 section 2.1.3.2), None where the path does not fit index and size."""
    if not 0 <= index < size or any(len(step) != 32 for step in (leaf, *path)):
        return None
    position, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            root = node_hash(step, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, step)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the leaf (its hash) stands at `index` in the tree of `size` leaves with that root."""
    return root_from_inclusion(leaf, index, size, path) == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree (new, new_root) begins with the tree (old, old_root): nothing was changed, moved or removed
    (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or any(len(step) != 32 for step in (old_root, new_root, *path)):
        return False
    if old == new:
        return not path and old_root == new_root and (old > 0 or old_root == EMPTY_ROOT)
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if not path:
        return False
    if old & old - 1 == 0:
        path = (old_root, *path)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    was = now = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            was, now = node_hash(step, was), node_hash(step, now)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            now = node_hash(now, step)
        position, last = position >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root
