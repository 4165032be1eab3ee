"""The log as static files that anybody can mirror, witness and rebuild: C2SP tlog-tiles.

https://c2sp.org/tlog-tiles

One addition, for records too long for that format's 16-bit lengths (65,535 bytes): a bundle that has one stands at
`entries32/<N>`, with 32-bit lengths, in place of `tile/entries/<N>`. The tree is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from archiver.errors import Unproved
from archiver.ledger import checkpoint as _checkpoint
from archiver.ledger.checkpoint import Checkpoint
from archiver.ledger.keys import PublicKey
from archiver.ledger.tree import Get, Tree, leaf_hash, node_hash

_WIDTH = 256
_LONGEST = 0xFFFF

#: How a reader gets one file of a published log by its path; None where there is no such file.
Read = Callable[[str], bytes | None]


def path(folder: str, index: int, width: int = _WIDTH) -> str:
    """`tile/0/x001/x234/067`, with `.p/<width>` where the tile is partial. `folder` is `tile/<level>`,
    `tile/entries` or `entries32`."""
    digits = f"{index:03d}"
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"{folder}/{name}" if width == _WIDTH else f"{folder}/{name}.p/{width}"


def publish(
    note: bytes, get: Get, record: Callable[[int], bytes] | None = None, *, since: int = 0
) -> Iterator[tuple[str, bytes]]:
    """The files of the log at the checkpoint in `note`, as (path, bytes), `checkpoint` last so that it never promises
    a file that is not there yet. Tiles that were full when the log had `since` leaves are left out: files never
    change once full. Without `record` (which gives leaf i's bytes) only hashes are published, which is enough to
    witness the log but not to read it. Unproved where storage and checkpoint disagree."""
    head = _checkpoint.parse(note)
    if Tree(get, head.size).root() != head.root:
        raise Unproved(f"the stored tree of {head.size} leaves does not have the checkpoint's root: nothing published")
    level, count = 0, head.size
    while count:
        for index, width in _tiles(count, since >> 8 * level):
            hashes = (get(8 * level, index * _WIDTH + at) for at in range(width))
            yield path(f"tile/{level}", index, width), b"".join(hashes)
        level, count = level + 1, count >> 8
    if record is not None:
        for index, width in _tiles(head.size, since):
            records = [record(index * _WIDTH + at) for at in range(width)]
            folder, size = _form(max(map(len, records)))
            yield path(folder, index, width), b"".join(len(each).to_bytes(size, "big") + each for each in records)
    yield "checkpoint", note


def _form(longest: int) -> tuple[str, int]:
    return ("tile/entries", 2) if longest <= _LONGEST else ("entries32", 4)


def _tiles(count: int, since: int = 0) -> Iterator[tuple[int, int]]:
    """Index and width of the tiles over `count` hashes, without those that `since` hashes had filled."""
    for index in range(since >> 8, count >> 8):
        yield index, _WIDTH
    if count & 0xFF:
        yield count >> 8, count & 0xFF


class Tiles:
    """A published log of `size` leaves, read back: `get` is storage for a `Tree`, so any proof can be made from the
    files alone. Nothing is believed: `check` compares it with the checkpoint. Unproved where a file is missing or
    has the wrong size."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size
        self._last: dict[int, tuple[int, tuple[bytes, ...]]] = {}

    def get(self, level: int, index: int) -> bytes:
        """The hash of a complete node; its 1 to 128 hashes are read from one tile."""
        tall, rest = divmod(level, 8)
        first = index << rest
        row = self.hashes(tall, first >> 8)[first & 0xFF : (first & 0xFF) + (1 << rest)]
        while len(row) > 1:
            pairs = iter(row)
            row = tuple(node_hash(left, right) for left, right in zip(pairs, pairs, strict=True))
        return row[0]

    def hashes(self, level: int, index: int) -> tuple[bytes, ...]:
        """One tile's hashes. The last tile of each level is remembered, so a walk reads each file once."""
        at, row = self._last.get(level, (-1, ()))
        if at == index:
            return row
        width = min(_WIDTH, (self._size >> 8 * level) - index * _WIDTH)
        if width < 1:
            raise LookupError(f"a log of {self._size} leaves has no tile {index} at level {level}")
        name, content = self._file(f"tile/{level}", index, width)
        if content is None:
            raise Unproved(f"{name} is missing from the published log")
        if len(content) not in (32 * width, 32 * _WIDTH):
            raise Unproved(f"{name} has {len(content)} bytes, not {32 * width}")
        row = tuple(content[at : at + 32] for at in range(0, 32 * width, 32))
        self._last[level] = (index, row)
        return row

    def bundle(self, index: int) -> tuple[bytes, ...]:
        """The records of one entry bundle, 256 or, at the end of the log, fewer."""
        width = min(_WIDTH, self._size - index * _WIDTH)
        length_size = 2
        name, content = self._file("tile/entries", index, width)
        if content is None:
            length_size = 4
            long_name, content = self._file("entries32", index, width)
            if content is None:
                raise Unproved(f"{name} is missing from the published log")
            name = long_name
        records, at = [], 0
        for _ in range(width):
            start = at + length_size
            at = start + int.from_bytes(content[at:start], "big")
            if at > len(content):
                raise Unproved(f"{name} ends inside a record")
            records.append(content[start:at])
        if at != len(content) and (width == _WIDTH or name.endswith(f".p/{width}")):
            raise Unproved(f"{name} has more bytes than its {width} records")
        return tuple(records)

    def records(self) -> Iterator[bytes]:
        """Every record in order."""
        for index, _ in _tiles(self._size):
            yield from self.bundle(index)

    def _file(self, folder: str, index: int, width: int) -> tuple[str, bytes | None]:
        """The name and content of the tile, or of the full one: a log may drop a partial tile once it has that."""
        name = path(folder, index, width)
        content = self._read(name)
        if content is None and width < _WIDTH and (full := self._read(path(folder, index))) is not None:
            return path(folder, index), full
        return name, content


def check(read: Read, keys: Iterable[PublicKey], origin: str | None = None, *, records: bool = True) -> Checkpoint:
    """Rebuild the whole tree from a published log and compare every file of it: each record with its leaf, each leaf
    and tile with the tiles above, the root with the signed checkpoint. Returns the checkpoint; Unproved names the
    first file that does not fit. `records=False` leaves the entry bundles out."""
    note = read("checkpoint")
    if note is None:
        raise Unproved("checkpoint is missing from the published log")
    head = _checkpoint.verify(note, keys, origin)
    tiles, tree = Tiles(read, head.size), Tree()
    for index, width in _tiles(head.size):
        leaves = tiles.hashes(0, index)
        for at, record in enumerate(tiles.bundle(index) if records else ()):
            if leaf_hash(record) != leaves[at]:
                raise Unproved(
                    f"{path('tile/entries', index, width)}: record {index * _WIDTH + at} is not the one in the tree"
                )
        for level, at, node in tree.append(leaves):
            if level and level % 8 == 0 and tiles.hashes(level // 8, at >> 8)[at & 0xFF] != node:
                raise Unproved(
                    f"hash {at & 0xFF} of {path(f'tile/{level // 8}', at >> 8)} does not fit the tiles below"
                )
    if tree.root() != head.root:
        raise Unproved(f"the tiles of {head.size} leaves do not have the checkpoint's root: a leaf or it was changed")
    return head
