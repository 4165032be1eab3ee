"""The tree against RFC 6962 as written, against pymerkle, and against logs that others ran."""

from __future__ import annotations

import base64
import hashlib
import itertools

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.ledger.tree import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots (after 1, 2, … 8 leaves) of the reference implementation's tests:
# https://github.com/google/certificate-transparency (merkletree/merkle_tree_test.cc)
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# --- RFC 6962 section 2.1, as the text has it --------------------------------------------------------------------


def split(width: int) -> int:
    return max(1 << exponent for exponent in range(width.bit_length()) if 1 << exponent < width)


def mth(records: list[bytes]) -> bytes:
    if not records:
        return hashlib.sha256().digest()
    if len(records) == 1:
        return hashlib.sha256(b"\x00" + records[0]).digest()
    k = split(len(records))
    return hashlib.sha256(b"\x01" + mth(records[:k]) + mth(records[k:])).digest()


def audit_path(m: int, records: list[bytes]) -> list[bytes]:
    if len(records) == 1:
        return []
    k = split(len(records))
    if m < k:
        return [*audit_path(m, records[:k]), mth(records[k:])]
    return [*audit_path(m - k, records[k:]), mth(records[:k])]


def subproof(m: int, records: list[bytes], is_whole: bool) -> list[bytes]:
    if m == len(records):
        return [] if is_whole else [mth(records)]
    k = split(len(records))
    if m <= k:
        return [*subproof(m, records[:k], is_whole), mth(records[k:])]
    return [*subproof(m - k, records[k:], False), mth(records[:k])]


# --- ours, over a dict ---------------------------------------------------------------------------------------------


class Stored:
    """A tree whose nodes lie in a dict that refuses to overwrite."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        self.tree = Tree(self.get)

    def get(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.nodes[level, index]

    def append(self, records: list[bytes]) -> None:
        for level, index, node in self.tree.append(map(leaf_hash, records)):
            assert (level, index) not in self.nodes
            self.nodes[level, index] = node


def stored(records: list[bytes]) -> Stored:
    kept = Stored()
    kept.append(records)
    return kept


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


some_records = st.lists(st.binary(max_size=40), max_size=70)
any_hash = st.binary(min_size=32, max_size=32)


def test_the_published_roots_come_out() -> None:
    kept = Stored()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        kept.append([leaf])
        assert kept.tree.root().hex() == root
    assert [kept.tree.root(size).hex() for size in range(1, 9)] == ROOTS


def test_an_empty_tree_has_the_root_of_no_bytes() -> None:
    assert Tree().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_a_leaf_and_a_node_never_share_a_hash() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    tree = Tree()
    tree.append([left, right])
    assert tree.root() != leaf_hash(left + right)


@given(some_records)
def test_roots_and_proofs_are_those_of_the_rfc(records: list[bytes]) -> None:
    tree = stored(records).tree
    for size in range(len(records) + 1):
        assert tree.root(size) == mth(records[:size])
    for index in range(len(records)):
        assert list(tree.inclusion_proof(index)) == audit_path(index, records)
    for old in range(1, len(records) + 1):
        assert list(tree.consistency_proof(old)) == subproof(old, records, True)


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.data())
def test_pymerkle_agrees_on_roots_and_proofs(records: list[bytes], data: st.DataObject) -> None:
    tree = stored(records).tree
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for record in records:
        theirs.append_entry(record)
    size = data.draw(st.integers(1, len(records)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert theirs.get_root(size) == tree.root(size)

    inclusion = theirs.prove_inclusion(index + 1, size)
    assert inclusion.path[1:] == list(tree.inclusion_proof(index, size))
    inclusion.path[1:] = tree.inclusion_proof(index, size)
    pymerkle.verify_inclusion(leaf_hash(records[index]), tree.root(size), inclusion, index=index + 1, size=size)

    # pymerkle walks another way than RFC 6962 where the old tree is one perfect subtree, so the hashes it lists are
    # not always ours; that its proof holds between our two roots is what can be compared.
    consistency = theirs.prove_consistency(old, size)
    pymerkle.verify_consistency(tree.root(old), tree.root(size), consistency, prior_size=old, later_size=size)


@given(some_records, st.lists(st.integers(0, 20), max_size=8))
def test_how_leaves_are_batched_makes_no_difference(records: list[bytes], batches: list[int]) -> None:
    kept, rest = Stored(), records
    for batch in batches:
        kept.append(rest[:batch])
        rest = rest[batch:]
    kept.append(rest)
    assert kept.nodes == stored(records).nodes
    assert kept.tree.root() == mth(records)


@given(some_records, some_records)
def test_a_tree_reopened_from_storage_goes_on_as_if_never_closed(before: list[bytes], after: list[bytes]) -> None:
    kept = stored(before)
    kept.tree = Tree(kept.get, len(before))
    kept.append(after)
    assert kept.tree.root() == mth(before + after)
    assert kept.nodes == stored(before + after).nodes


def test_every_proof_up_to_forty_leaves_holds() -> None:
    records = numbered(40)
    tree = stored(records).tree
    for size in range(41):
        for index in range(size):
            path = tree.inclusion_proof(index, size)
            assert verify_inclusion(leaf_hash(records[index]), index, size, tree.root(size), path)
        for old in range(size + 1):
            path = tree.consistency_proof(old, size)
            assert verify_consistency(old, tree.root(old), size, tree.root(size), path)


def test_a_proof_holds_for_one_leaf_at_one_place_only() -> None:
    records = numbered(23)
    tree = stored(records).tree
    for index, other in itertools.permutations(range(23), 2):
        path = tree.inclusion_proof(index)
        assert not verify_inclusion(leaf_hash(records[other]), index, 23, tree.root(), path)
        assert not verify_inclusion(leaf_hash(records[index]), other, 23, tree.root(), path)


@given(st.integers(1, 60), st.data())
def test_a_proof_with_one_changed_byte_does_not_hold(size: int, data: st.DataObject) -> None:
    tree = stored(numbered(size)).tree
    index = data.draw(st.integers(0, size - 1))
    parts = [leaf_hash(b"%d" % index), tree.root(), *tree.inclusion_proof(index)]
    which = data.draw(st.integers(0, len(parts) - 1))
    byte, change = data.draw(st.integers(0, 31)), data.draw(st.integers(1, 255))
    parts[which] = bytes(value ^ change if at == byte else value for at, value in enumerate(parts[which]))
    assert not verify_inclusion(parts[0], index, size, parts[1], parts[2:])


@given(st.integers(0, 60), st.data())
def test_a_log_that_changed_removed_or_moved_a_leaf_is_not_consistent(old: int, data: st.DataObject) -> None:
    records = numbered(old)
    new = data.draw(st.integers(old, 90))
    honest = stored(numbered(new)).tree
    if old:
        at = data.draw(st.integers(0, old - 1))
        forged = data.draw(st.sampled_from(["change", "remove", "move"]))
        if forged == "change":
            records[at] = b"forged"
        elif forged == "remove":
            records = [*records[:at], *records[at + 1 :], b"filler"]
        else:
            records = [records[at], *records[:at], *records[at + 1 :]]
    was = mth(records)
    is_same = records == numbered(old)
    assert verify_consistency(old, was, new, honest.root(), honest.consistency_proof(old, new)) is is_same


@given(st.integers(0, 70), st.integers(0, 70), any_hash, any_hash, st.lists(any_hash, max_size=9))
def test_made_up_proofs_do_not_hold(old: int, new: int, one: bytes, two: bytes, path: list[bytes]) -> None:
    assert not verify_consistency(old, one, new, two, path) or (old == new and one == two and not path)
    assert not verify_inclusion(one, old, new, two, path) or (new == 1 and one == two)


@pytest.mark.parametrize("extra", [b"", b"x", bytes(33)])
def test_steps_that_are_no_hashes_are_refused(extra: bytes) -> None:
    tree = stored(numbered(5)).tree
    assert root_from_inclusion(leaf_hash(b"0"), 0, 5, (*tree.inclusion_proof(0)[:-1], extra)) is None
    assert not verify_consistency(3, tree.root(3), 5, tree.root(), (*tree.consistency_proof(3)[:-1], extra))


def test_a_proof_that_is_cut_or_padded_does_not_hold() -> None:
    tree = stored(numbered(21)).tree
    for index in range(21):
        path = tree.inclusion_proof(index)
        leaf = leaf_hash(b"%d" % index)
        for wrong in (path[:-1], path[1:], (*path, leaf), (leaf, *path), path[::-1]):
            if wrong != path:
                assert not verify_inclusion(leaf, index, 21, tree.root(), wrong)
    for old in range(1, 21):
        path = tree.consistency_proof(old)
        for wrong in ((), path[:-1], path[1:], (*path, leaf), (leaf, *path)):
            assert not verify_consistency(old, tree.root(old), 21, tree.root(), wrong)


@pytest.mark.parametrize("index, size", [(-1, 5), (5, 5), (0, 6), (0, -1), (6, 6)])
def test_a_proof_of_what_is_not_there_is_an_error(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"leaf|leaves"):
        stored(numbered(5)).tree.inclusion_proof(index, size)


@pytest.mark.parametrize("old, new", [(-1, 5), (4, 3), (2, 6)])
def test_consistency_with_a_later_or_absent_state_is_an_error(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="leaves"):
        stored(numbered(5)).tree.consistency_proof(old, new)


def test_a_proof_reads_few_nodes_however_large_the_tree_is() -> None:
    kept = stored(numbered(10_000))
    kept.reads = 0
    kept.tree.inclusion_proof(1234)
    assert kept.reads <= 2 * 14
    kept.reads = 0
    kept.tree.consistency_proof(4321)
    assert kept.reads <= 2 * 14


def test_appending_stores_under_two_nodes_a_leaf_and_reads_none() -> None:
    kept = stored(numbered(10_000))
    assert len(kept.nodes) < 2 * 10_000
    assert kept.reads == 0


# --- a log that others ran -----------------------------------------------------------------------------------------

# Answers of the Certificate Transparency log Google Argon 2020, as golang.org/x/mod/sumdb/tlog keeps them for its
# own tests (testdata/argon2020): a tree of 961,984,013 leaves, leaf 10,000, and the state of 3,654,490 leaves.
ARGON_SIZE, ARGON_ROOT = 961_984_013, "dwlueapdd7LaOEnX2W2Wp9v2XE+KzejHRQGHwEx0oaM="
ARGON_LEAF = "nCs3mfIydh9x4CKyQ+u2xtmpxmFggA5MLymHwNQSlLg="
ARGON_OLD_SIZE, ARGON_OLD_ROOT = 3_654_490, "AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ="
ARGON_INCLUSION = """
T46AmJsuOM/gFiGlUp+IJJebp+1Z5qratFNW7U0JyOQ= 9Jj1Feodn42uRYEfffkV4HF/EIPFQ5Zo9IwkxbQ2uhk=
D53/1oCNebF4J59HHgioovKZxrmrKcVuCVhy3Izg8Ck= wSFDgGSrsXRPA+1c8WHoAFCsWeUv8NDyP/Q/SgsyVyY=
516/RcwsgdwdzHn18v1dJHqBkgFUbNhmCIWOGjsMJaE= naTFY2ajLFgrgs5XUl+zJYZnnlJksLGsA1VYwpLfqbY=
mKBRJo6qao+0Kdh/rhGkZUbHUAxMhrtrclrTpIbNjIg= Co4ueOFE7lpifLio94irxxsv1wFMMaK3tPu2ZQkHlro=
yRgy800K6JMYCC05sWfqF2kvCg2riT/pVM+nEa6V5+0= n2O38XJZC8/Wpbwi9HhgVizlUyeUHVZvYyQB1607MRc=
go3tAjuNfNSCj87y2Rg1xOroDknGN1eaf3cgvzObf7Q= 8D0Mj3/J7ySSnFb0afIHYXv6rlOhECnsebY6XKi1IR8=
6rcez46ZU8M5vPiWVMAUfJfAOV0pPP/mch/lYzZhj/M= 2rtIeXrPvSdUyHc5maIgSAVB2BzaKaupWxSAiVayDE4=
nniW/IMFQPN5xw8UsHFn7CRStYbm1gLu7NNa6kkRqJQ= mRPPi7sQS22MduIEyvcNzCNFqIt6kLwYPkNKrVtIcu8=
JvTivzESNS9wHI8aph5a7uieVmtS/p9PciMZ5D6GyOo= UTyQd+Ym0wY4zG+qK806bBORwi1CSVvFQ/KknnqoZj8=
hXODrqN+ff+U6zPqRQ+ZQKs6im1fPcxIerDSfNwflhE= II6GE+WY/DrpZzfHztLwkR46o37zVkNLCyPYlf68zA0=
d609kWWcNBllbA8Jb/ad4XAVVGnScLRmtP8FYyr+Dck= rikBsP0G0gioXRpBFED2CzQdSLrGPvRd0bEcbEZw1rI=
GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0= pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=
f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA= WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=
f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ= NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=
C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI= nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=
"""
ARGON_CONSISTENCY = """
80Sfbj6UQEdVSZCSIgh9NMPj3vCBzcc1A48B2crJSWg= FZcrgAHUk6nNPviJZq8kEK6jCG1d18pJOFE45ZDc1TQ=
Q67reWXmPBo1UfmwBap4Xi9PMPfFdUSSw3WGlRZdG7k= eJ7CyhR4PxzBxDIsWgrVYW1eFUb9ndgf46tFmiqVrxA=
QrDwp062Grm5WY8KdrhFsBuuNjGzRox2Jb8PmVL5OYw= XM4YMjMEdLH/XJam/ZWyaP14k3cmsOtnPsOWQ54lW1s=
SGiBh+jOTGccXU48ZzgQ88lRcBmtB4wz4oSDndv2QTg= WAS6txqNLYKGL1GdBdpqmV42TTfn6cJsuDsqLXuTCNI=
QFmRS0rirUA7ZN3lxFjDncV+E1OCrn3NUB4RCp+5fzc= Hdbp7It2XBNZmNDBpCN/KPd7vfVqxgzwOosqVIaEA9E=
mxvHL0ZiblBdD7j7pIa1jlfB0gSqfJ6oX0UGo7L0VsU= q5hjyvoW6TL/PThgcitpDcSTrnKX2p1+aqscqH2euRA=
jTOWDqt3IHj2NVFeezyBz2ofpru+ztEywqKUAfFclKI= GIRn0w3HqJdvU9j1WVD//eR6lk2AaTVjyzjsJNP8U88=
x52GJvxG81fnQBrgOTbll1A5tz95/LXK0Ag1NhB0r1I= 6/0OqrcTgc3o5dD5PymmoC96lB9yLPFuTHVvLy8fSGk=
Gf+iKLfcXO5l4JEFmsZvSdG5q1uEeWPfYLrds6pmjz0= DGuaco+McyM3AfRSF6qX7RwSetwe2ieYJmxw5e9rVx0=
2tQJ9V32hnYp+fdpP6TcjmgJmLeNVOMKM0Ml1kk4cNU= 3PapK+IkyJr8I9yAErAmzuZezzLMzsg+PfeRCgNW8NQ=
s6xiYeejb+wtqHA+URJZ2I/SCPyIW8coP6aB00FJbMY= z9lSpmdTcr5M5ZzKlc4EPh3SrSypKFdk6JUF/UccaZU=
GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0= pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=
f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA= WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=
f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ= NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=
C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI= nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=
"""


def hashes(text: str) -> list[bytes]:
    return [base64.b64decode(line) for line in text.split()]


def test_the_proofs_of_a_certificate_transparency_log_hold() -> None:
    leaf, root, old_root = hashes(f"{ARGON_LEAF} {ARGON_ROOT} {ARGON_OLD_ROOT}")
    inclusion, consistency = hashes(ARGON_INCLUSION), hashes(ARGON_CONSISTENCY)
    assert verify_inclusion(leaf, 10_000, ARGON_SIZE, root, inclusion)
    assert not verify_inclusion(leaf, 10_001, ARGON_SIZE, root, inclusion)
    assert verify_consistency(ARGON_OLD_SIZE, old_root, ARGON_SIZE, root, consistency)
    assert not verify_consistency(ARGON_OLD_SIZE + 1, old_root, ARGON_SIZE, root, consistency)
