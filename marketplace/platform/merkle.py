"""The append-only Merkle tree of the audit log: RFC 6962 §2.1 hashing, RFC 9162 §2.1.3–2.1.4 verification.

Pure: no table, no file. Whoever keeps the log stores the ``Frontier`` (one row, at most 64 hashes) to append, and
either the leaf hashes (``Tree``) or the completed nodes that ``grow`` returns to answer proofs with O(log² n) reads.
Positions are 0-based, sizes count leaves; every hash is 32 raw bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962 §2.1: the hash of an empty list


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree: it covers the leaves ``index << level`` up to ``(index + 1) << level``; level 0 is a leaf."""

    level: int
    index: int
    hash: bytes


NodeLookup = Callable[[int, int], bytes]
"""``(level, index) -> hash`` of a complete subtree; only asked for subtrees inside the proven size."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry); the prefix keeps a node from being passed off as an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of the tree: roots of the complete subtrees of ``size`` leaves, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("a frontier has one peak for each 1-bit of its size")
        if any(len(peak) != HASH_SIZE for peak in self.peaks):
            raise ValueError("a peak has 32 bytes")

    def grow(self, leaf: bytes) -> tuple[Frontier, list[Node]]:
        """The frontier after one more leaf hash, and the nodes this completes (the leaf itself is the first)."""
        index, peaks = self.size, list(self.peaks)
        completed = [Node(0, index, leaf)]
        while index & 1:
            last = completed[-1]
            index >>= 1
            completed.append(Node(last.level + 1, index, node_hash(peaks.pop(), last.hash)))
        peaks.append(completed[-1].hash)
        return Frontier(self.size + 1, tuple(peaks)), completed

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf hash."""
        return self.grow(leaf)[0]

    def root(self) -> bytes:
        """The tree head of all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, head = self.peaks
        for peak in reversed(rest):
            head = node_hash(peak, head)
        return head

    def to_bytes(self) -> bytes:
        """The peaks one after the other: what the head row stores beside ``size``."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """The inverse of ``to_bytes``; raises ``ValueError`` when the bytes do not belong to that size."""
        if len(data) % HASH_SIZE:
            raise ValueError("a frontier is a whole number of 32-byte hashes")
        return cls(size, tuple(data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)))

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> Self:
        """The frontier of these leaf hashes, in one pass and constant memory; recomputes a log from its entries."""
        counted = Recount()
        for leaf in leaves:
            counted.add(leaf)
        return cls(counted.size, tuple(counted.peaks))


class Recount:
    """A frontier that is grown in place, for recomputing a whole log: the same hashes as ``Frontier``, a third of the time."""

    __slots__ = ("peaks", "size")

    def __init__(self) -> None:
        self.size, self.peaks = 0, list[bytes]()

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """One more leaf hash; (level, index, hash) of each inner node that it completes, the lowest first."""
        completed = list[tuple[int, int, bytes]]()
        index, level, head, peaks = self.size, 0, leaf, self.peaks
        while index & 1:
            head = node_hash(peaks.pop(), head)
            index, level = index >> 1, level + 1
            completed.append((level, index, head))
        peaks.append(head)
        self.size += 1
        return completed

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        head = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            head = node_hash(peak, head)
        return head

    def frontier(self) -> Frontier:
        return Frontier(self.size, tuple(self.peaks))


class Tree:
    """A tree in memory over leaf hashes; callable as a ``NodeLookup`` where completed nodes are not stored."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels: list[list[bytes]] = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            self._levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def __len__(self) -> int:
        return len(self._levels[0])

    def __call__(self, level: int, index: int) -> bytes:
        return self._levels[level][index]


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than ``size`` (≥ 2): where RFC 6962 splits a tree."""
    return 1 << (size - 1).bit_length() - 1


def _span(node: NodeLookup, start: int, size: int) -> bytes:
    """The hash of ``size`` leaves from ``start``; ``start`` is a multiple of the next power of two, as splits are."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    left = _largest_power_below(size)
    return node_hash(_span(node, start, left), _span(node, start + left, size - left))


def root_at(node: NodeLookup, size: int) -> bytes:
    """The tree head of the first ``size`` leaves."""
    return _span(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: NodeLookup, index: int, size: int) -> list[bytes]:
    """RFC 6962 §2.1.1 PATH(index, D[size]): the siblings from the leaf up to the head."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path = list[bytes]()
    start = 0
    while size > 1:
        left = _largest_power_below(size)
        if index - start < left:
            path.append(_span(node, start + left, size - left))
            size = left
        else:
            path.append(_span(node, start, left))
            start, size = start + left, size - left
    path.reverse()
    return path


def consistency_proof(node: NodeLookup, first: int, second: int) -> list[bytes]:
    """RFC 6962 §2.1.2 PROOF(first, D[second]): shows that the first ``first`` leaves were only ever added to."""
    if not 0 < first <= second:
        raise ValueError(f"no consistency proof from {first} to {second}")
    path = list[bytes]()
    start, size, old, whole = 0, second, first, True  # ``whole``: the old head is this very subtree
    while old != size:
        left = _largest_power_below(size)
        if old <= left:
            path.append(_span(node, start + left, size - left))
            size = left
        else:
            path.append(_span(node, start, left))
            start, size, old, whole = start + left, size - left, old - left, False
    if not whole:
        path.append(_span(node, start, size))
    path.reverse()
    return path


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2: whether ``leaf`` (a leaf hash) stands at ``index`` in the tree of that size and head."""
    if not 0 <= index < size:
        return False
    position, last, head = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            head = node_hash(sibling, head)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            head = node_hash(head, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and head == root


def verify_consistency(first: int, second: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """RFC 9162 §2.1.4.2: whether the tree ``second``/``new_root`` only adds leaves to ``first``/``old_root``."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and old_root == new_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_head = new_head = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_head, new_head = node_hash(sibling, old_head), node_hash(sibling, new_head)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new_head = node_hash(new_head, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_head == old_root and new_head == new_root
