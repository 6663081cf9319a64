"""RFC 6962: the vectors of the Certificate Transparency reference tree, and every proof of every small tree."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform import merkle
from marketplace.platform.merkle import Frontier, Tree, leaf_hash, node_hash

# The eight entries and heads of the reference implementation (certificate-transparency, merkletree tests).
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N0123 = ROOTS[4]

LEAVES = [leaf_hash(entry) for entry in ENTRIES]
LONG = [leaf_hash(bytes([number])) for number in range(40)]


def hexes(proof: list[bytes]) -> list[str]:
    return [item.hex() for item in proof]


def defined_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, written as it is defined."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined_root(leaves[:split]), defined_root(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_reference_roots(size):
    assert Frontier.of(LEAVES[:size]).root().hex() == ROOTS[size]
    assert merkle.root_at(Tree(LEAVES), size).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [(0, 1, []), (0, 8, [L1, N23, N4567]), (5, 8, [L4, N67, N0123]), (2, 3, [N01]), (4, 5, [N0123])],
)
def test_reference_inclusion_proofs(index, size, proof):
    assert hexes(merkle.inclusion_proof(Tree(LEAVES), index, size)) == proof


@pytest.mark.parametrize(
    ("first", "second", "proof"),
    [(1, 1, []), (1, 8, [L1, N23, N4567]), (6, 8, [N45, N67, N0123]), (2, 5, [N23, L4])],
)
def test_reference_consistency_proofs(first, second, proof):
    assert hexes(merkle.consistency_proof(Tree(LEAVES), first, second)) == proof


def test_appending_one_by_one_gives_the_defined_root_and_stores_back():
    frontier = Frontier()
    for count, leaf in enumerate(LONG, start=1):
        frontier = frontier.append(leaf)
        assert frontier.root() == defined_root(LONG[:count])
        assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier == Frontier.of(LONG[:count])


def test_completed_nodes_are_enough_to_prove_at_every_size():
    frontier, stored = Frontier(), dict[tuple[int, int], bytes]()
    for leaf in LONG:
        frontier, completed = frontier.grow(leaf)
        for node in completed:
            assert (node.level, node.index) not in stored
            stored[node.level, node.index] = node.hash
    tree = Tree(LONG)
    for size in range(1, len(LONG) + 1):
        for index in range(size):
            expected = merkle.inclusion_proof(tree, index, size)
            assert merkle.inclusion_proof(lambda level, i: stored[level, i], index, size) == expected


def test_every_inclusion_proof_verifies_and_only_for_its_place():
    tree = Tree(LONG)
    for size in range(1, len(LONG) + 1):
        root = merkle.root_at(tree, size)
        for index in range(size):
            proof = merkle.inclusion_proof(tree, index, size)
            assert merkle.verify_inclusion(LONG[index], index, size, proof, root)
            assert not merkle.verify_inclusion(LONG[index], index + 1, size, proof, root)
            assert not merkle.verify_inclusion(LONG[index - 1], index, size, proof, root) or size == 1
            assert not merkle.verify_inclusion(LONG[index], index, size, [*proof, root], root)
            assert not merkle.verify_inclusion(LONG[index], index, size, proof[:-1], root) or not proof


def test_every_consistency_proof_verifies_and_only_for_its_heads():
    tree = Tree(LONG)
    other = Tree([leaf_hash(b"x"), *LONG[1:]])
    for second in range(1, len(LONG) + 1):
        new_root = merkle.root_at(tree, second)
        for first in range(1, second + 1):
            proof = merkle.consistency_proof(tree, first, second)
            old_root = merkle.root_at(tree, first)
            assert merkle.verify_consistency(first, second, proof, old_root, new_root)
            assert not merkle.verify_consistency(first, second, proof, merkle.root_at(other, first), new_root)
            assert not merkle.verify_consistency(first, second, proof, old_root, merkle.root_at(other, second))
            assert not merkle.verify_consistency(first, second, [*proof, new_root], old_root, new_root)


@given(st.integers(1, 40), st.data())
def test_a_flipped_bit_in_a_proof_is_noticed(size, data):
    tree = Tree(LONG)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(tree, index, size)
    if not proof:
        return
    which, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    number = int.from_bytes(proof[which], "big") ^ (1 << bit)
    proof[which] = number.to_bytes(32, "big")
    assert not merkle.verify_inclusion(LONG[index], index, size, proof, merkle.root_at(tree, size))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_outside_the_tree_has_no_proof(index, size):
    with pytest.raises(ValueError, match="is not in a tree"):
        merkle.inclusion_proof(Tree(LONG), index, size)
    assert not merkle.verify_inclusion(LONG[0], index, size, [], LONG[0])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 2)])
def test_sizes_out_of_order_have_no_proof(first, second):
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_proof(Tree(LONG), first, second)
    assert not merkle.verify_consistency(first, second, [], LONG[0], LONG[0])


@pytest.mark.parametrize(("size", "data"), [(1, b""), (2, b"x" * 64), (3, b"x" * 32), (1, b"x" * 31), (-1, b"")])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size, data):
    with pytest.raises(ValueError, match=r"peak|hashes"):
        Frontier.from_bytes(size, data)
