"""The published log: what lies where, and that the files alone give the tree back or name what is wrong."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import Unproved
from archiver.ledger.checkpoint import Checkpoint, sign
from archiver.ledger.keys import Keys
from archiver.ledger.tiles import Tiles, check, path, publish
from archiver.ledger.tree import Node, Tree, leaf_hash, verify_inclusion

KEYS = Keys("example.org/archive", Ed25519PrivateKey.from_private_bytes(bytes(32)))
TRUSTED = [KEYS.public]


class Log:
    """A log of made-up records in memory, and its checkpoint at any size."""

    def __init__(self, records: list[bytes]) -> None:
        self.records = records
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.tree = Tree(self.get)
        new: list[Node] = self.tree.append(map(leaf_hash, records))
        self.nodes.update(((level, index), node) for level, index, node in new)

    def get(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def note(self, size: int | None = None) -> bytes:
        size = len(self.records) if size is None else size
        return sign(Checkpoint("example.org/archive", size, self.tree.root(size)), KEYS)

    def files(self, size: int | None = None, since: int = 0) -> dict[str, bytes]:
        return dict(publish(self.note(size), self.get, self.records.__getitem__, since=since))


def numbered(count: int) -> Log:
    return Log([b'{"n":%d}' % number for number in range(count)])


@pytest.fixture(scope="module")
def log() -> Log:
    """70,000 records: the size that tlog-tiles counts out as its example."""
    return numbered(70_000)


def test_an_index_is_spelled_in_groups_of_three() -> None:
    assert path("tile/0", 1234067) == "tile/0/x001/x234/067"
    assert path("tile/0", 0) == "tile/0/000"
    assert path("tile/1", 999, 17) == "tile/1/999.p/17"
    assert path("tile/entries", 1000) == "tile/entries/x001/000"


def test_a_log_of_70000_has_the_tiles_that_the_standard_counts(log: Log) -> None:
    files = log.files()
    full = [name for name in files if name.startswith("tile/0/") and ".p/" not in name]
    assert len(full) == 273
    assert {name for name in files if ".p/" in name or name.startswith("tile/1/")} == {
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
    }
    assert {len(files[name]) for name in full} == {8192}
    assert len(files["tile/0/273.p/112"]) == 112 * 32


def test_a_log_of_256_has_one_full_tile_and_a_partial_one_above() -> None:
    assert list(numbered(256).files()) == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000", "checkpoint"]


def test_an_empty_log_is_its_checkpoint_alone() -> None:
    files = Log([]).files()
    assert list(files) == ["checkpoint"]
    assert check(files.get, TRUSTED).size == 0


def test_the_checkpoint_comes_last(log: Log) -> None:
    assert list(log.files())[-1] == "checkpoint"


def test_the_tree_is_rebuilt_and_checked_from_the_files_alone(log: Log) -> None:
    files = log.files()
    assert check(files.get, TRUSTED, "example.org/archive").root == log.tree.root()
    assert list(Tiles(files.get, 70_000).records()) == log.records
    tree = Tree(Tiles(files.get, 70_000).get, 70_000)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = tree.inclusion_proof(index)
        assert proof == log.tree.inclusion_proof(index)
        assert verify_inclusion(leaf_hash(log.records[index]), index, 70_000, log.tree.root(), proof)
    assert tree.consistency_proof(300) == log.tree.consistency_proof(300)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1500), st.integers(0, 1500))
def test_what_is_published_at_two_times_adds_up_to_the_whole(one: int, two: int) -> None:
    first, last = sorted((one, two))
    log = numbered(last)
    files = log.files(first) | log.files(since=first)
    assert check(files.get, TRUSTED).size == last
    assert all(files[name] == content for name, content in log.files().items())


def test_full_tiles_are_not_written_twice(log: Log) -> None:
    again = log.files(since=69_900)
    assert set(again) == {
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
        "checkpoint",
    }


def test_a_partial_tile_may_go_once_the_full_one_is_there() -> None:
    log = numbered(600)
    files = log.files() | log.files(300)
    del files["tile/0/001.p/44"], files["tile/entries/001.p/44"]
    assert check(files.get, TRUSTED).size == 300


def test_hashes_alone_can_be_published_and_witnessed() -> None:
    log = numbered(300)
    files = dict(publish(log.note(), log.get))
    assert not any("entries" in name for name in files)
    assert check(files.get, TRUSTED, records=False).size == 300
    with pytest.raises(Unproved, match="tile/entries/000 is missing"):
        check(files.get, TRUSTED)


def test_a_record_too_long_for_the_standard_stands_at_another_address() -> None:
    records = [b"short"] * 256 + [b"x" * 65_535] + [b"short"] * 255 + [b"x" * 65_536, b"", b"short"]
    log = Log(records)
    files = log.files()
    bundles = {name for name in files if "entries" in name}
    assert bundles == {"tile/entries/000", "tile/entries/001", "entries32/002.p/3"}
    assert list(Tiles(files.get, len(records)).records()) == records
    assert check(files.get, TRUSTED).size == len(records)


def test_nothing_is_published_that_the_checkpoint_does_not_hold() -> None:
    log, other = numbered(300), Log([b"other"] * 300)
    with pytest.raises(Unproved, match="nothing published"):
        next(publish(other.note(), log.get))


def test_any_changed_byte_of_any_file_is_noticed() -> None:
    log = numbered(300)
    files = log.files()
    for name, content in files.items():
        for at in range(0, len(content), 7):
            forged = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            with pytest.raises(Exception, match=r".") as caught:
                check((files | {name: forged}).get, TRUSTED)
            assert type(caught.value).__module__ == "archiver.errors"


def test_a_forged_leaf_with_a_fitting_record_is_named_by_the_tile_above() -> None:
    log = numbered(300)
    forged = Log([b"forged" if at == 7 else record for at, record in enumerate(log.records)])
    files = log.files()
    for name in ("tile/0/000", "tile/entries/000"):
        files[name] = forged.files()[name]
    with pytest.raises(Unproved, match="hash 0 of tile/1/000 does not fit"):
        check(files.get, TRUSTED)


def test_a_log_forged_throughout_fails_at_the_signed_root() -> None:
    log = numbered(300)
    files = Log([b"forged", *log.records[1:]]).files() | {"checkpoint": log.note()}
    with pytest.raises(Unproved, match="do not have the checkpoint's root"):
        check(files.get, TRUSTED)


def test_a_missing_or_odd_file_is_named() -> None:
    files = numbered(300).files()
    for name in files:
        with pytest.raises(Unproved, match=f"{name} is missing"):
            check({key: content for key, content in files.items() if key != name}.get, TRUSTED)
        if name != "checkpoint":
            with pytest.raises(Unproved, match=name):
                check((files | {name: files[name][:-1]}).get, TRUSTED)
            with pytest.raises(Unproved, match=name):
                check((files | {name: files[name] + b"\x00"}).get, TRUSTED)


def test_a_witness_of_an_older_checkpoint_sees_that_nothing_changed_since(log: Log) -> None:
    """What a mirror does: it holds an old checkpoint, fetches today's files, and compares."""
    from archiver.ledger.tree import verify_consistency

    files = log.files()
    head = check(files.get, TRUSTED, records=False)
    tree = Tree(Tiles(files.get, head.size).get, head.size)
    for old in (1, 256, 4_321, 65_536):
        was = log.tree.root(old)
        assert verify_consistency(old, was, head.size, head.root, tree.consistency_proof(old))
        assert not verify_consistency(old, bytes(32), head.size, head.root, tree.consistency_proof(old))
