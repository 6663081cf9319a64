#!/usr/bin/env python3
"""核验揭榜回执：不联网，只用 Python 标准库和 cryptography。

    python verify_receipt.py 回执.txt --key "zhangbang.example+1a2b3c4d+AT…"

公钥印在网站 /transparency 和每份发榜公告上；请从两处以上取得并比对。通过时退出码为 0，不通过为 1。
"""
# 本文件由张榜平台的源代码拼成（marketplace/platform），一字未改，可从头读到尾。
# 它的 SHA-256 公布于 /transparency。

from __future__ import annotations


# ====================================================================================================
# platform.merkle
# ====================================================================================================

"""The append-only Merkle tree of the audit log: RFC 6962 §2.1 hashing, RFC 9162 §2.1.3–2.1.4 verification.

Pure: no table, no file. Whoever keeps the log stores the ``Frontier`` (one row, at most 64 hashes) to append, and
either the leaf hashes (``Tree``) or the completed nodes that ``grow`` returns to answer proofs with O(log² n) reads.
Positions are 0-based, sizes count leaves; every hash is 32 raw bytes.
"""


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


# ====================================================================================================
# platform.checkpoint
# ====================================================================================================

"""Signed checkpoints of the audit log: C2SP tlog-checkpoint in a C2SP signed note, with Ed25519.

    origin line                     the log's name, e.g. ``zhangbang.example/log/1`` (the last part is the epoch)
    tree size                       decimal, no leading zero
    root                            base64
    extension lines                 none or more, each not empty
                                    (an empty line)
    — key name base64(key id ‖ signature)

Format: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note. The same bytes are read by any transparency
tool, and by the stand-alone verifier. A key's id is SHA-256(name ‖ LF ‖ 0x01 ‖ public key)[:4].
"""


import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


ED25519 = b"\x01"  # signed-note: the signature type of plain Ed25519
_DASH = "— "
_KEY_NAME = re.compile(r"[^\s+]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """The text is not a well-formed signed note or checkpoint, or nobody we trust has signed it."""


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadNote("not base64") from error


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name. ``str()`` gives the ``vkey`` line that /transparency prints."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _KEY_NAME.fullmatch(self.name):
            raise ValueError("a key name has no white space and no plus sign")

    @property
    def key_id(self) -> bytes:
        return _key_id(self.name, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads ``name+hex id+base64 key``; the id must be that of the key."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3:
            raise BadNote("a verifier key has three parts")
        name, key_id, encoded = parts
        raw = _unbase64(encoded)
        if len(raw) != 33 or raw[:1] != ED25519 or not _KEY_NAME.fullmatch(name):
            raise BadNote("not an Ed25519 verifier key")
        verifier = cls(name, raw[1:])
        if verifier.key_id.hex() != key_id:
            raise BadNote("the key id does not belong to this key")
        return verifier

    def verify(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The log's own key. ``name`` must stay what it was when the key was made: it is part of the key id."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature line, with its line feed."""
        blob = self.verifier.key_id + self.private.sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(blob).decode()}\n"


def sign_note(text: str, signer: Signer) -> str:
    """The signed note of ``text``, which ends in a line feed and holds no other control character."""
    if not text.endswith("\n") or any(ord(char) < 0x20 and char != "\n" for char in text):
        raise BadNote("a note ends in a line feed and has no control characters")
    return f"{text}\n{signer.sign(text)}"


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """The text of a note signed by one of ``verifiers``; raises ``BadNote`` when none has, or when one's is wrong.

    Signatures by unknown keys (witnesses, a later key of ours) are passed over, as signed-note asks.
    """
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise BadNote("a note has a text, an empty line and signatures")
    text = head + "\n"
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed = False
    for line in tail[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise BadNote("a malformed signature line")
        blob = _unbase64(match[2])
        if len(blob) < 5:
            raise BadNote("a signature is too short")
        verifier = known.get((match[1], blob[:4]))
        if verifier is not None:
            if not verifier.verify(text, blob[4:]):
                raise BadNote("the signature is wrong")
            signed = True
    if not signed:
        raise BadNote("no known key has signed this")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head under the log's name."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or any("\n" in line or not line for line in (self.origin, *self.extensions)):
            raise ValueError("origin and extensions are single lines that are not empty")
        if self.size < 0 or len(self.root) != HASH_SIZE:
            raise ValueError("a checkpoint has a size and a 32-byte root")

    def body(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, body: str) -> Self:
        lines = body.split("\n")
        if len(lines) < 4 or lines.pop() or not _SIZE.fullmatch(lines[1]):
            raise BadNote("not a checkpoint")
        try:
            return cls(lines[0], int(lines[1]), _unbase64(lines[2]), tuple(lines[3:]))
        except ValueError as error:
            raise BadNote(str(error)) from error


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint: what receipts carry and /transparency serves."""
    return sign_note(checkpoint.body(), signer)


def open_checkpoint(note: str, verifiers: Iterable[Verifier], *, origin: str) -> Checkpoint:
    """The checkpoint of a note, when one of ``verifiers`` signed it and it is of the log named ``origin``."""
    checkpoint = Checkpoint.parse(open_note(note, verifiers))
    if checkpoint.origin != origin:
        raise BadNote(f"a checkpoint of another log: {checkpoint.origin}")
    return checkpoint


# ====================================================================================================
# platform.sealing.reasons
# ====================================================================================================

"""Why a sealed thing is refused: one code, one sentence, and whose fault it is."""


from enum import Enum


class Fault(Enum):
    """Who answers for it. Only ``BIDDER`` makes a bid unopenable for good."""

    BIDDER = "bidder"
    """What was sealed cannot be opened in one way alone; the evidence is kept."""

    STORAGE = "storage"
    """What we keep is not what was committed to: the platform restores it from a backup and opens again."""

    CUSTODIAN = "custodian"
    """More or other shares are needed; the bid is untouched."""

    REQUEST = "request"
    """Never accepted in the first place."""


class Reason(Enum):
    """``(code, fault, sentence)``. Codes are printed in the opening record and never change their meaning."""

    MANIFEST_MALFORMED = ("M-01", Fault.REQUEST, "标书清单格式不符，请刷新页面后重新封标")
    MANIFEST_MISPLACED = ("M-02", Fault.REQUEST, "标书清单不属于这份标书、这个版本或这项需求")
    MANIFEST_CUSTODIANS = ("M-03", Fault.REQUEST, "标书清单所用的保管人集合与公告不符，请刷新页面后重新封标")
    MANIFEST_SHARES = ("M-04", Fault.REQUEST, "上传的分片与标书清单中的指纹不符")
    PART_LIMITS = ("M-05", Fault.REQUEST, "文件过大或过多：单个不超过50 MiB，合计不超过200 MiB，每个封套不超过40件")
    NOT_SEALED = ("M-06", Fault.REQUEST, "收到的不是密文。平台不接收未加密的标书")
    SUITE_UNKNOWN = ("M-07", Fault.REQUEST, "不认识的加密套件")

    PART_MISSING = ("S-01", Fault.STORAGE, "存储中缺少密文，需从备份恢复后重新开启")
    PART_LENGTH = ("S-02", Fault.STORAGE, "存储中的密文长度与清单不符，需从备份恢复后重新开启")
    PART_HASH = ("S-03", Fault.STORAGE, "存储中的密文与清单指纹不符，需从备份恢复后重新开启")
    MANIFEST_HASH = ("S-04", Fault.STORAGE, "存储中的标书清单与回执指纹不符，需从备份恢复后重新开启")

    SHARES_SHORT = ("K-01", Fault.CUSTODIAN, "有效的保管人分片不足，需其他保管人释放")
    SHARE_WRONG = ("K-02", Fault.CUSTODIAN, "保管人释放的分片与承诺值不符，已忽略并标记")

    SHARES_INCONSISTENT = ("J-01", Fault.BIDDER, "密钥分片互相矛盾：不同保管人组合会得到不同的密钥")
    CONTAINER_HEADER = ("J-02", Fault.BIDDER, "密文头部不合规")
    CONTAINER_CHUNK = ("J-03", Fault.BIDDER, "密文无法用承诺的密钥解开，或被截断、重排")
    CONTENT_COMMITMENT = ("J-04", Fault.BIDDER, "解密后与承诺值不符")
    FORM_UNREADABLE = ("J-05", Fault.BIDDER, "表单封装不合规，无法核对各件的承诺值")
    FILE_LIST = ("J-06", Fault.BIDDER, "表单所列文件与清单不符")

    KEY_CODE = ("C-01", Fault.REQUEST, "钥匙码有误，请对照打印件逐段核对")
    KEY_WRONG = ("C-02", Fault.REQUEST, "这把单位标书钥匙打不开这份内容")
    KEY_FILE = ("C-03", Fault.REQUEST, "不是有效的保管人密钥文件")
    PASSPHRASE = ("C-04", Fault.REQUEST, "口令不对，或密钥文件已损坏")
    SHARE_UNREADABLE = ("C-05", Fault.CUSTODIAN, "这把密钥打不开交给它的分片")
    PUBLIC_KEY = ("C-06", Fault.REQUEST, "不是有效的P-256公钥")
    PACKAGE = ("C-07", Fault.REQUEST, "离线封标包不完整或被改动")

    def __init__(self, code: str, fault: Fault, sentence: str) -> None:
        self.code = code
        self.fault = fault
        self.sentence = sentence


class SealError(Exception):
    """Refused for ``reason``. ``detail`` says where (a part, an index); it never holds content or key material."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.code} {reason.sentence}" + (f"（{detail}）" if detail else ""))
        self.reason = reason
        self.detail = detail


# ====================================================================================================
# platform.sealing.wire
# ====================================================================================================

"""Canonical bytes, and the strings that bind a ciphertext to its place.

Everything that is hashed or signed is canonical JSON: keys sorted, no white space, UTF-8, integers and strings only,
ASCII keys. Python and JavaScript write the same bytes for it, and reading refuses any other spelling, so that one
meaning has one hash.
"""


import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, TypeGuard


SUITE = 1
"""DHKEM(P-256, HKDF-SHA256) / HKDF-SHA256 / AES-256-GCM, SHA-256, Shamir over GF(256)."""

TECHNICAL = "technical"
PRICE = "price"
ENVELOPES = (TECHNICAL, PRICE)

KEY_SIZE = 32

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_LARGEST = 2**53 - 1  # what a JavaScript number holds exactly


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value. ``TypeError`` for floats, ``ValueError`` where JavaScript would differ."""
    _require_plain(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _require_plain(value: Any) -> None:
    match value:
        case None | bool() | str():
            pass
        case int():
            if abs(value) > _LARGEST:
                raise ValueError("an integer beyond 2^53")
        case list() | tuple():
            for item in value:
                _require_plain(item)
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise ValueError("a key is ASCII text")
                _require_plain(item)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def read_canonical(data: bytes) -> Any:
    """The value of canonical bytes; ``ValueError`` for anything that is not their one spelling."""
    try:
        value = json.loads(data)
        if canonical(value) == data:
            return value
    except (TypeError, RecursionError, UnicodeError) as error:
        raise ValueError("not canonical JSON") from error
    raise ValueError("not canonical JSON")


def sha256(*pieces: bytes) -> str:
    """Lower-case hex SHA-256 of the pieces one after the other."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def is_token(value: object) -> TypeGuard[str]:
    """Whether it may stand between the bars of a binding string: an id or a number, never a bar or a space."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def is_hex(value: object, size: int) -> TypeGuard[str]:
    """Whether it is lower-case hex of ``size`` bytes."""
    return isinstance(value, str) and len(value) == 2 * size and _HEX.fullmatch(value) is not None


def is_count(value: object, *, least: int = 0, most: int = _LARGEST) -> TypeGuard[int]:
    """Whether it is a whole number in the range (``True`` is no number)."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


@dataclass(frozen=True, slots=True)
class BidRef:
    """Which bid: the demand's number, the bid's random public id, the version from 1."""

    demand: str
    bid: str
    version: int

    def __post_init__(self) -> None:
        if not (is_token(self.demand) and is_token(self.bid) and is_count(self.version, least=1, most=9999)):
            raise SealError(Reason.MANIFEST_MALFORMED, "标书编号")

    def __str__(self) -> str:
        return f"{self.demand}|{self.bid}|{self.version}"


def part_key_info(part: int) -> bytes:
    """HKDF info of a part's key."""
    return f"jbs1|part|{part}".encode()


def part_aad(ref: BidRef, envelope: str, part: int) -> bytes:
    """Associated data of every chunk of a part: it opens nowhere else."""
    return f"jbs1|{ref}|{envelope}|{part}".encode()


def share_info(set_hash: str, ref: BidRef, envelope: str, index: int) -> bytes:
    """HPKE info of the share of custodian ``index`` (from 1)."""
    return f"jbs1|{set_hash}|{ref}|{envelope}|{index}".encode()


def own_wrap_aad(ref: BidRef, envelope: str) -> bytes:
    """Associated data of the bidder's own copy of an envelope key."""
    return f"jbs1|own|{ref}|{envelope}".encode()


def dek_commitment(ref: BidRef, envelope: str, dek: bytes) -> str:
    """Fixes the one key of an envelope: AES-GCM alone would let a ciphertext open under two."""
    return sha256(f"jbs1|dek|{ref}|{envelope}|".encode(), dek)


def share_commitment(ref: BidRef, envelope: str, share: bytes) -> str:
    """Fixes one share (its first byte is the custodian's index)."""
    return sha256(f"jbs1|share|{ref}|{envelope}|".encode(), share)


# ====================================================================================================
# platform.sealing.receipt
# ====================================================================================================

"""回执: what the bidder keeps, and how anyone verifies it without us.

A receipt states one act on one bid. The audit log's entry holds the hash of that statement (whoever reads the log
learns neither demand nor bid from it), the path leads from the entry to the root, and the checkpoint is that root
under the log's signature. The text form has one spelling: reading it and writing it again must give the same bytes,
so a change of any character is found, also in lines that only people read.
"""


import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Self


ACTS = {"sealed": "封标", "withdrawn": "撤回", "confirmed": "确认变更", "destroyed": "未开启即销毁"}
"""What a receipt may state, in both spellings."""

_TITLE = "张榜 揭榜回执 JBS1"
_NOTE = "本回执不含标书内容，可以转发。核验：网站 /verify，或离线运行 verify_receipt.py。"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_BEIJING = timezone(timedelta(hours=8), "北京时间")


class BadReceipt(ValueError):
    """The receipt does not hold; the message says what was found, in Chinese."""


def instant_text(at: datetime) -> str:
    """UTC to the millisecond: 2026-11-23T06:41:07.318Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class Statement:
    """One act: which bid and version, the manifest it concerns, the instant that counts (UTC to the millisecond)."""

    act: str
    ref: BidRef
    manifest_hash: str
    at: str

    def __post_init__(self) -> None:
        if self.act not in ACTS or not is_hex(self.manifest_hash, HASH_SIZE) or not _INSTANT.fullmatch(self.at):
            raise BadReceipt("回执内容不合规")
        self.instant  # noqa: B018  (refuses 13 o'clock in the 25th hour)

    @property
    def instant(self) -> datetime:
        try:
            return datetime.fromisoformat(self.at)
        except ValueError as error:
            raise BadReceipt("回执上的时间不存在") from error

    @property
    def hash(self) -> str:
        """What the log's entry holds as ``facts.receipt``. The bid's 128 random bits keep it from being guessed."""
        return sha256(
            canonical(
                {
                    "format": "jbs1-receipt",
                    "act": self.act,
                    "demand": self.ref.demand,
                    "bid": self.ref.bid,
                    "version": self.ref.version,
                    "manifest": self.manifest_hash,
                    "at": self.at,
                }
            )
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A statement with its proof. ``entry`` is the log's entry as stored, ``checkpoint`` a signed note."""

    statement: Statement
    entry: str
    leaf_index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def to_text(self) -> str:
        """The receipt as a file: UTF-8, line feeds."""
        said, ref = self.statement, self.statement.ref
        beijing = said.instant.astimezone(_BEIJING)
        milliseconds = f"{beijing.microsecond // 1000:03d}"
        lines = [
            _TITLE,
            _NOTE,
            "",
            f"榜号: {ref.demand}",
            f"标书编号: {ref.bid}",
            f"版本: {ref.version}",
            f"事项: {ACTS[said.act]}",
            f"北京时间: {beijing:%Y年%m月%d日 %H:%M:%S}.{milliseconds}",
            f"协调世界时: {said.at}",
            f"清单指纹: {said.manifest_hash}",
            "",
            f"日志序号: {self.leaf_index}",
            f"日志条目: {self.entry}",
            f"包含路径: {len(self.path)}",
            *(base64.b64encode(node).decode() for node in self.path),
            "",
            "签名检查点:",
        ]
        return "\n".join(lines) + "\n" + self.checkpoint

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Reads a receipt file; Windows line ends and a byte order mark are forgiven, nothing else is."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        head, separator, checkpoint = text.partition("\n签名检查点:\n")
        lines = head.split("\n")
        values = dict(line.partition(": ")[::2] for line in lines if ": " in line)
        acts = {label: act for act, label in ACTS.items()}
        try:
            version, index, depth = (int(values[name]) for name in ("版本", "日志序号", "包含路径"))
            ref = BidRef(values["榜号"], values["标书编号"], version)
            said = Statement(acts[values["事项"]], ref, values["清单指纹"], values["协调世界时"])
            start = lines.index(f"包含路径: {depth}") + 1
            path = tuple(base64.b64decode(line, validate=True) for line in lines[start : start + depth])
            receipt = cls(said, values["日志条目"], index, path, checkpoint)
        except (KeyError, ValueError, SealError, binascii.Error) as error:
            raise BadReceipt("不是完整的揭榜回执，或文字被改动") from error
        if not separator or receipt.to_text() != text:
            raise BadReceipt("回执文字被改动")
        return receipt


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid receipt proves, and under whose signature."""

    statement: Statement
    leaf_index: int
    checkpoint: Checkpoint


def verify(receipt: Receipt, verifiers: list[Verifier], *, manifest: bytes | None = None) -> Verified:
    """Check the whole chain: statement → entry → root → signature of one of ``verifiers``. Raises ``BadReceipt``.

    ``manifest``: the bidder's own copy of what he committed to; its hash must be the one stated.
    """
    entry = _read_entry(receipt.entry)
    said = receipt.statement
    if entry.get("seq") != receipt.leaf_index or not is_count(receipt.leaf_index):
        raise BadReceipt("日志序号与条目不符")
    facts = entry.get("facts")
    if not isinstance(facts, dict) or facts.get("receipt") != said.hash or entry.get("at") != said.at:
        raise BadReceipt("日志条目记的不是这份回执所说的事")
    try:
        checkpoint = Checkpoint.parse(open_note(receipt.checkpoint, verifiers))
    except BadNote as error:
        raise BadReceipt("检查点的签名无效，或不是这把公钥所签") from error
    leaf = leaf_hash(receipt.entry.encode())
    if not verify_inclusion(leaf, receipt.leaf_index, checkpoint.size, receipt.path, checkpoint.root):
        raise BadReceipt("包含路径通不到检查点的根")
    if manifest is not None and sha256(manifest) != said.manifest_hash:
        raise BadReceipt("这份清单不是回执所说的清单")
    return Verified(said, receipt.leaf_index, checkpoint)


def _read_entry(text: str) -> dict[str, Any]:
    try:
        entry = read_canonical(text.encode())
    except ValueError as error:
        raise BadReceipt("日志条目格式不符") from error
    if not isinstance(entry, dict):
        raise BadReceipt("日志条目格式不符")
    return entry


# ====================================================================================================
# platform.sealing.verify_tool
# ====================================================================================================

"""核验揭榜回执：不联网，只用 Python 标准库和 cryptography。

    python verify_receipt.py 回执.txt --key "zhangbang.example+1a2b3c4d+AT…"

公钥印在网站 /transparency 和每份发榜公告上；请从两处以上取得并比对。通过时退出码为 0，不通过为 1。
"""


import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path



def describe(verified: Verified) -> str:
    """What a valid receipt proves, in plain words."""
    said, checkpoint = verified.statement, verified.checkpoint
    beijing = said.instant + timedelta(hours=8)
    return (
        f"回执有效：{ACTS[said.act]}\n"
        f"榜号 {said.ref.demand}，标书 {said.ref.bid}，第 {said.ref.version} 版\n"
        f"时间 {beijing:%Y-%m-%d %H:%M:%S}.{beijing.microsecond // 1000:03d}（北京时间）\n"
        f"清单指纹 {said.manifest_hash}\n"
        f"这件事是审计日志 {checkpoint.origin} 的第 {verified.leaf_index} 号；"
        f"该日志当时共 {checkpoint.size} 条，根 {checkpoint.root.hex()}，签名有效。\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify_receipt.py", description="核验揭榜回执（离线）")
    parser.add_argument("receipt", type=Path, help="文本回执")
    parser.add_argument("--key", required=True, help="日志公钥（名称+编号+公钥），或存有它的文件")
    parser.add_argument("--manifest", type=Path, help="自己留存的标书清单 manifest.json，一并核对指纹")
    options = parser.parse_args(arguments)
    try:
        key = Path(options.key)
        verifier = Verifier.parse(key.read_text("utf-8") if "+" not in options.key and key.is_file() else options.key)
        manifest = options.manifest.read_bytes() if options.manifest else None
        receipt = Receipt.from_text(options.receipt.read_bytes().decode("utf-8"))
        verified = verify(receipt, [verifier], manifest=manifest)
    except (BadReceipt, BadNote, OSError, UnicodeError) as error:
        sys.stderr.write(f"不通过：{'公钥格式不符' if isinstance(error, BadNote) else error}\n")
        return 1
    sys.stdout.write(describe(verified))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
