#!/usr/bin/env python3
"""离线封标：在不联网的电脑上把标书加密成一个文件，再拿到网站上传。需要 Python ≥ 3.11 和 cryptography ≥ 50。

    python seal_bid.py 封标参数.json 标书目录 标书.zbq

封标参数在标书页下载，里面只有公开的东西：榜号、标书编号、版本、保管人公钥。标书目录：

    technical.json   技术封套的表单          price.json   价格封套的表单
    technical/       技术封套的文件          price/       价格封套的文件
                     子目录名是文件的用途，例如 technical/plan/方案.pdf

单位标书钥匙从键盘输入，或用 --own-key 指定存有它的文件；第一次使用加 --new-key，会生成并显示一把，请打印保存。
"""
# 本文件由张榜平台的源代码拼成（marketplace/platform），一字未改，可从头读到尾。
# 它的 SHA-256 公布于 /transparency。

from __future__ import annotations


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
# platform.sealing.hpke
# ====================================================================================================

"""HPKE base mode (RFC 9180) to one P-256 key: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message a key.

Public keys travel as the 65 bytes of an uncompressed point, which is what WebCrypto calls ``raw``.
"""


from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


POINT_SIZE = 65
OVERHEAD = POINT_SIZE + 16
"""Bytes by which a sealed message is longer: the ephemeral point and the tag."""

_SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def generate_private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_bytes(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def load_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Refuses anything but an uncompressed point on the curve."""
    if len(point) != POINT_SIZE or point[0] != 4:
        raise SealError(Reason.PUBLIC_KEY)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise SealError(Reason.PUBLIC_KEY) from error


def seal_to(point: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Ephemeral point ‖ ciphertext, readable by the holder of ``point``'s private key under the same ``info``."""
    return bytes(_SUITE.encrypt(plaintext, load_public_key(point), info))


def open_with(key: ec.EllipticCurvePrivateKey, sealed: bytes, info: bytes) -> bytes:
    """The inverse; ``SHARE_UNREADABLE`` for another key, another ``info`` or changed bytes."""
    try:
        return bytes(_SUITE.decrypt(sealed, key, info))
    except (InvalidTag, ValueError) as error:
        raise SealError(Reason.SHARE_UNREADABLE) from error


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
# platform.sealing.custodians
# ====================================================================================================

"""Who holds the shares: the ordered set with its hash, what a custodian releases, the proof that he still can."""


import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec


LEVELS = {"1-of-1": (1, 1), "2-of-3": (2, 3), "3-of-5": (3, 5)}
"""(k, n) that a demand may name. ``1-of-1`` protects against nobody who administers the platform."""


@dataclass(frozen=True, slots=True)
class Custodian:
    """``id`` is his public id on the site; ``point`` his P-256 key as 65 bytes."""

    id: str
    point: bytes

    def __post_init__(self) -> None:
        load_public_key(self.point)
        if not is_token(self.id):
            raise SealError(Reason.MANIFEST_CUSTODIANS, "保管人编号")

    @property
    def fingerprint(self) -> str:
        """What a second person compares and confirms: SHA-256 of the public key, hex."""
        return sha256(self.point)


@dataclass(frozen=True, slots=True)
class CustodianSet:
    """k of the ordered n. Everything in it is public and printed in the notice; ``hash`` freezes it."""

    quorum: int
    custodians: tuple[Custodian, ...]

    def __post_init__(self) -> None:
        ids = {custodian.id for custodian in self.custodians}
        points = {custodian.point for custodian in self.custodians}
        if not 1 <= self.quorum <= len(self.custodians) <= 255 or not len(ids) == len(points) == len(self.custodians):
            raise SealError(Reason.MANIFEST_CUSTODIANS)

    @property
    def hash(self) -> str:
        """``set_hash``: SHA-256 of the canonical set, hex."""
        return sha256(canonical(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "jbs1-custodians",
            "suite": SUITE,
            "quorum": self.quorum,
            "custodians": [{"id": custodian.id, "key": custodian.point.hex()} for custodian in self.custodians],
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        try:
            if data["format"] != "jbs1-custodians" or data["suite"] != SUITE or not is_count(data["quorum"]):
                raise SealError(Reason.MANIFEST_CUSTODIANS)
            members = [Custodian(item["id"], bytes.fromhex(item["key"])) for item in data["custodians"]]
        except (KeyError, TypeError, ValueError) as error:
            raise SealError(Reason.MANIFEST_CUSTODIANS) from error
        return cls(data["quorum"], tuple(members))


@dataclass(frozen=True, slots=True)
class WrappedShare:
    """One share as it lies on the server, for the custodian at ``index`` (from 1) of the set."""

    set_hash: str
    ref: BidRef
    envelope: str
    index: int
    sealed: bytes

    def __post_init__(self) -> None:
        if self.envelope not in ENVELOPES:
            raise SealError(Reason.MANIFEST_MALFORMED, "封套名")

    @property
    def info(self) -> bytes:
        return share_info(self.set_hash, self.ref, self.envelope, self.index)


def unwrap_share(key: ec.EllipticCurvePrivateKey, wrapped: WrappedShare) -> bytes:
    """The share in clear; ``SHARE_UNREADABLE`` when it was not made for this key and this place."""
    return open_with(key, wrapped.sealed, wrapped.info)


def release(key: ec.EllipticCurvePrivateKey, wrapped: Iterable[WrappedShare]) -> list[bytes | None]:
    """One custodian's act, over the shares of every set that closed: each in clear, or ``None`` where it is junk."""
    shares = list[bytes | None]()
    for item in wrapped:
        try:
            shares.append(unwrap_share(key, item))
        except SealError:
            shares.append(None)
    return shares


_PROOF_SIZE = 32


@dataclass(frozen=True, slots=True)
class Challenge:
    """Shows whether a custodian still holds his key. Keep ``answer_hash``; send him ``nonce`` and ``sealed``."""

    nonce: str
    sealed: bytes
    answer_hash: str

    def accepts(self, answer: bytes) -> bool:
        return hmac.compare_digest(sha256(answer), self.answer_hash)


def _proof_info(custodian_id: str, nonce: str) -> bytes:
    return f"jbs1|proof|{custodian_id}|{nonce}".encode()


def challenge(custodian: Custodian) -> Challenge:
    """A fresh secret that only this custodian's key can read."""
    secret, nonce = os.urandom(_PROOF_SIZE), secrets.token_hex(16)
    return Challenge(nonce, seal_to(custodian.point, secret, _proof_info(custodian.id, nonce)), sha256(secret))


def answer_challenge(key: ec.EllipticCurvePrivateKey, *, custodian_id: str, nonce: str, sealed: bytes) -> bytes:
    """What the custodian's browser sends back. It can never be led to open a share: the info strings differ."""
    return open_with(key, sealed, _proof_info(custodian_id, nonce))


def index_of(keys: Sequence[Custodian], key: ec.EllipticCurvePrivateKey) -> int | None:
    """At which place (from 1) of a set this key stands."""
    point = public_bytes(key)
    return next((place for place, custodian in enumerate(keys, start=1) if custodian.point == point), None)


# ====================================================================================================
# platform.sealing.container
# ====================================================================================================

"""One part (a form or a file) as ciphertext: a 40-byte header, then 1 MiB chunks of AES-256-GCM.

    "JBS1" ‖ suite (1 byte) ‖ 3 zero bytes ‖ salt (32 bytes)
    chunk 0 ‖ chunk 1 ‖ …            each: up to 1 MiB of ciphertext ‖ 16-byte tag

key   = HKDF-SHA256(DEK, salt, "jbs1|part|" part)      a fresh salt, hence a fresh key, for every encryption
nonce = chunk counter (11 bytes, big-endian) ‖ 1 for the last chunk, else 0
AAD   = "jbs1|" demand "|" bid "|" version "|" envelope "|" part

Only the last chunk may be short; it is empty only when the whole part is. So a length has one layout, and a chunk
that is dropped, repeated, moved or cut off fails its tag. Chunks travel one by one: piece 0 on the wire is the header
and chunk 0, piece i is chunk i. Memory stays at two chunks whatever the size.
"""


import math
import os
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


SALT_SIZE = 32
HEADER_SIZE = 40
CHUNK_SIZE = 1 << 20
TAG_SIZE = 16

_OPENING = b"JBS1" + bytes((SUITE, 0, 0, 0))


class Readable(Protocol):
    """What a part is read from: an open file, a response body, a pipe."""

    def read(self, size: int, /) -> bytes: ...


def ciphertext_length(plaintext_length: int) -> int:
    """Bytes of ciphertext for so many bytes of plaintext."""
    chunks = max(1, -(-plaintext_length // CHUNK_SIZE))
    return HEADER_SIZE + plaintext_length + chunks * TAG_SIZE


def plaintext_length(ciphertext_length: int) -> int | None:
    """The inverse; ``None`` where no plaintext has that length."""
    body = ciphertext_length - HEADER_SIZE
    chunks = max(1, -(-body // (CHUNK_SIZE + TAG_SIZE)))
    length = body - chunks * TAG_SIZE
    return length if length >= 0 and (length > (chunks - 1) * CHUNK_SIZE or chunks == 1) else None


def piece_count(ciphertext_length: int) -> int:
    """How many pieces a part of that length travels in."""
    return max(1, -(-(ciphertext_length - HEADER_SIZE) // (CHUNK_SIZE + TAG_SIZE)))


def piece_length(ciphertext_length: int, piece: int) -> int:
    """The length of one piece; piece 0 carries the header."""
    start = HEADER_SIZE + piece * (CHUNK_SIZE + TAG_SIZE) if piece else 0
    end = HEADER_SIZE + (piece + 1) * (CHUNK_SIZE + TAG_SIZE)
    return min(end, ciphertext_length) - start


def _part_key(dek: bytes, salt: bytes, part: int) -> AESGCM:
    if len(dek) != KEY_SIZE:
        raise ValueError("an envelope key has 32 bytes")
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=salt, info=part_key_info(part)).derive(dek))


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + bytes((last,))


def read_fully(source: Readable, size: int) -> bytes:
    """``size`` bytes, or fewer at the end only; a single read may give less before it."""
    data = source.read(size)
    if len(data) == size or not data:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and (data := source.read(missing)):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


def encrypt(plaintext: Readable, *, dek: bytes, ref: BidRef, envelope: str, part: int) -> Iterator[bytes]:
    """The part's pieces, as they travel. The salt is drawn here, so that no caller can use one twice."""
    salt = os.urandom(SALT_SIZE)
    key, aad = _part_key(dek, salt, part), part_aad(ref, envelope, part)
    head, chunk, counter = _OPENING + salt, read_fully(plaintext, CHUNK_SIZE), 0
    while True:
        following = read_fully(plaintext, CHUNK_SIZE) if len(chunk) == CHUNK_SIZE else b""
        last = not following
        yield head + key.encrypt(_nonce(counter, last=last), chunk, aad)
        if last:
            return
        head, chunk, counter = b"", following, counter + 1


def decrypt(ciphertext: Readable, *, dek: bytes, ref: BidRef, envelope: str, part: int) -> Iterator[bytes]:
    """The plaintext, chunk by chunk, each authentic in itself; only the end of the iteration proves the whole."""
    salt = read_header(read_fully(ciphertext, HEADER_SIZE))
    key, aad = _part_key(dek, salt, part), part_aad(ref, envelope, part)
    size, counter = CHUNK_SIZE + TAG_SIZE, 0
    chunk = read_fully(ciphertext, size)
    while True:
        following = read_fully(ciphertext, size) if len(chunk) == size else b""
        last = not following
        if len(chunk) < TAG_SIZE or (counter and len(chunk) == TAG_SIZE):
            raise SealError(Reason.CONTAINER_CHUNK, f"第{counter + 1}块长度")
        try:
            yield key.decrypt(_nonce(counter, last=last), chunk, aad)
        except InvalidTag as error:
            raise SealError(Reason.CONTAINER_CHUNK, f"第{counter + 1}块") from error
        if last:
            return
        chunk, counter = following, counter + 1


def read_header(header: bytes) -> bytes:
    """The salt of a well-formed header."""
    if len(header) != HEADER_SIZE or not header.startswith(_OPENING):
        raise SealError(Reason.CONTAINER_HEADER)
    return header[len(_OPENING) :]


def require_ciphertext(piece: bytes, *, first: bool) -> None:
    """Refuses a piece that is not ciphertext, before it touches a disk: ``NOT_SEALED``.

    Checks the header of a first piece, and that the bytes are spread as random ones are. The test statistic is
    Pearson's χ² over 256 byte values: for ciphertext its mean is 255 and its standard deviation 22.6, and at 600
    (15 σ) not one in 10²⁴ honest pieces is refused, while text, JSON, zeros and office files score in the thousands.
    A well compressed file could pass: what protects content is that browsers encrypt; this catches broken clients.
    """
    body = piece
    if first:
        try:
            read_header(piece[:HEADER_SIZE])
        except SealError as error:
            raise SealError(Reason.NOT_SEALED) from error
        body = piece[HEADER_SIZE:]
    if len(body) < TAG_SIZE or _chi_square(body[: 1 << 16]) > 600:
        raise SealError(Reason.NOT_SEALED)


def _chi_square(sample: bytes) -> float:
    """0 for samples too small to judge (fewer than 4 KiB: 16 expected hits a value)."""
    if len(sample) < 4096:
        return 0.0
    expected = len(sample) / 256
    return math.fsum((sample.count(value) - expected) ** 2 for value in range(256)) / expected


# ====================================================================================================
# platform.sealing.form
# ====================================================================================================

"""Part 0 of an envelope, ``form.json``: what was typed, the list of files, and the salts of their commitments.

    salt (32 bytes) ‖ length of the JSON (4 bytes, big-endian) ‖ JSON ‖ zeros up to a multiple of 16 KiB

The salts make commitments hide what they fix, also for a price of six digits, and they lie inside the ciphertext.
The first 32 bytes are the salt of this part itself, so its commitment is the SHA-256 of the whole frame; that of a
file is SHA-256(its salt ‖ its plaintext).
"""


import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard


FORM_STEP = 16 * 1024
FORM_LIMIT = 1 << 20
"""A frame fits into one chunk."""

COMMIT_SALT_SIZE = 32
_PREFIX = COMMIT_SALT_SIZE + 4
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of an envelope. ``media_type`` is what the bidder's machine says; it is checked at the opening."""

    part: int
    name: str
    media_type: str
    size: int
    salt: str
    """Hex of the 32 bytes before the plaintext in its commitment."""

    role: str = ""
    """Which field of the form it belongs to, e.g. ``plan``; empty for further material."""


@dataclass(frozen=True, slots=True)
class Form:
    """The opened ``form.json``. ``fields`` is read by ``bids.forms``: a mistake in it is a finding, never a refusal."""

    envelope: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[SealedFile] = ()


def frame(form: Form) -> bytes:
    """The plaintext of part 0, under a fresh salt."""
    document = {
        "format": "jbs1-form",
        "envelope": form.envelope,
        "fields": dict(form.fields),
        "files": [
            {"part": f.part, "name": f.name, "type": f.media_type, "size": f.size, "salt": f.salt, "role": f.role}
            for f in form.files
        ],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    length = -(-(_PREFIX + len(text)) // FORM_STEP) * FORM_STEP
    if length > FORM_LIMIT:
        raise SealError(Reason.PART_LIMITS, "表单内容超过1 MiB")
    return (os.urandom(COMMIT_SALT_SIZE) + len(text).to_bytes(4, "big") + text).ljust(length, b"\0")


def unframe(plaintext: bytes, *, envelope: str) -> Form:
    """The form of a frame; ``FORM_UNREADABLE`` where the salts of the other parts cannot be had from it."""
    size = int.from_bytes(plaintext[COMMIT_SALT_SIZE:_PREFIX], "big")
    end = _PREFIX + size
    if not plaintext or len(plaintext) % FORM_STEP or end > len(plaintext) or any(plaintext[end:]):
        raise SealError(Reason.FORM_UNREADABLE, "封装")
    try:
        document = json.loads(plaintext[_PREFIX:end].decode())
    except (ValueError, RecursionError) as error:
        raise SealError(Reason.FORM_UNREADABLE, "JSON") from error
    if not isinstance(document, dict) or document.get("format") != "jbs1-form" or document.get("envelope") != envelope:
        raise SealError(Reason.FORM_UNREADABLE, "格式")
    fields, files = document.get("fields"), document.get("files")
    if not isinstance(fields, dict) or not isinstance(files, list):
        raise SealError(Reason.FORM_UNREADABLE, "字段")
    return Form(envelope, fields, tuple(_read_file(item) for item in files))


def _is_label(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _NAME_LIMIT


def _read_file(item: object) -> SealedFile:
    if not isinstance(item, dict):
        raise SealError(Reason.FILE_LIST)
    part, size, salt = item.get("part"), item.get("size"), item.get("salt")
    name, media_type, role = item.get("name"), item.get("type", ""), item.get("role", "")
    if not (is_count(part, least=1) and is_count(size) and is_hex(salt, COMMIT_SALT_SIZE)):
        raise SealError(Reason.FILE_LIST)
    if not (_is_label(name) and _is_label(media_type) and _is_label(role) and name):
        raise SealError(Reason.FILE_LIST)
    return SealedFile(part, name, media_type, size, salt, role)


# ====================================================================================================
# platform.sealing.manifest
# ====================================================================================================

"""What a bidder commits to: canonical bytes whose SHA-256 stands in the receipt.

Per envelope the manifest fixes the key (``dek_commit``), every custodian's share, in clear and as wrapped, and per
part the ciphertext and the plaintext. After that there is one way to open the bid, and everybody can tell whether it
was taken.
"""


from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


FILE_LIMIT = 50 * 1024 * 1024
"""Plaintext bytes of one file."""

TOTAL_LIMIT = 200 * 1024 * 1024
"""Plaintext bytes of all files of a bid."""

FILES_LIMIT = 40
"""Files of one envelope."""

WRAPPED_SHARE_SIZE = 1 + KEY_SIZE + OVERHEAD
OWN_WRAP_SIZE = 12 + KEY_SIZE + 16


@dataclass(frozen=True, slots=True)
class Part:
    """One ciphertext. ``part`` 0 is the form; files have any numbers from 1, in rising order."""

    part: int
    length: int
    sha256: str
    pt_commit: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope's commitments; position i − 1 of both share lists belongs to custodian i."""

    name: str
    dek_commit: str
    share_commits: tuple[str, ...]
    wrapped_shares: tuple[str, ...]
    parts: tuple[Part, ...]

    def part(self, number: int) -> Part | None:
        return next((part for part in self.parts if part.part == number), None)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``replaces``: hash of the version before, or ``None`` for the first."""

    ref: BidRef
    replaces: str | None
    set_hash: str
    envelopes: tuple[Envelope, ...]

    def envelope(self, name: str) -> Envelope:
        return next(envelope for envelope in self.envelopes if envelope.name == name)

    def to_bytes(self) -> bytes:
        return canonical(
            {
                "format": "jbs1-manifest",
                "suite": SUITE,
                "demand": self.ref.demand,
                "bid": self.ref.bid,
                "version": self.ref.version,
                "replaces": self.replaces,
                "set_hash": self.set_hash,
                "envelopes": [
                    {
                        "name": envelope.name,
                        "dek_commit": envelope.dek_commit,
                        "share_commits": list(envelope.share_commits),
                        "wrapped_shares": list(envelope.wrapped_shares),
                        "parts": [
                            {"part": p.part, "length": p.length, "sha256": p.sha256, "pt_commit": p.pt_commit}
                            for p in envelope.parts
                        ],
                    }
                    for envelope in self.envelopes
                ],
            }
        )

    @property
    def hash(self) -> str:
        return sha256(self.to_bytes())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Only the exact canonical bytes of a complete manifest; else ``MANIFEST_MALFORMED`` or ``SUITE_UNKNOWN``."""
        try:
            document = read_canonical(data)
        except ValueError as error:
            raise SealError(Reason.MANIFEST_MALFORMED) from error
        fields = _object(document, "format suite demand bid version replaces set_hash envelopes")
        if fields["format"] != "jbs1-manifest":
            raise SealError(Reason.MANIFEST_MALFORMED, "格式")
        if fields["suite"] != SUITE:
            raise SealError(Reason.SUITE_UNKNOWN)
        ref = BidRef(fields["demand"], fields["bid"], fields["version"])
        replaces = fields["replaces"]
        if (replaces is None) != (ref.version == 1) or (replaces is not None and not is_hex(replaces, 32)):
            raise SealError(Reason.MANIFEST_MALFORMED, "前一版本")
        envelopes = tuple(_read_envelope(item) for item in _list(fields["envelopes"]))
        if tuple(envelope.name for envelope in envelopes) != ENVELOPES:
            raise SealError(Reason.MANIFEST_MALFORMED, "封套")
        return cls(ref, replaces, _hash(fields["set_hash"]), envelopes)


def _object(value: Any, names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names.split()):
        raise SealError(Reason.MANIFEST_MALFORMED)
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SealError(Reason.MANIFEST_MALFORMED)
    return value


def _hash(value: Any) -> str:
    if not is_hex(value, 32):
        raise SealError(Reason.MANIFEST_MALFORMED, "指纹")
    return str(value)


def _read_envelope(item: Any) -> Envelope:
    fields = _object(item, "name dek_commit share_commits wrapped_shares parts")
    parts = tuple(_read_part(part) for part in _list(fields["parts"]))
    numbers = [part.part for part in parts]
    if not numbers or numbers[0] != 0 or numbers != sorted(set(numbers)):
        raise SealError(Reason.MANIFEST_MALFORMED, "件号")
    form_size = plaintext_length(parts[0].length)
    if not form_size or form_size % FORM_STEP or form_size > FORM_LIMIT:
        raise SealError(Reason.MANIFEST_MALFORMED, "表单长度")
    return Envelope(
        name=fields["name"],
        dek_commit=_hash(fields["dek_commit"]),
        share_commits=tuple(_hash(value) for value in _list(fields["share_commits"])),
        wrapped_shares=tuple(_hash(value) for value in _list(fields["wrapped_shares"])),
        parts=parts,
    )


def _read_part(item: Any) -> Part:
    fields = _object(item, "part length sha256 pt_commit")
    part, length = fields["part"], fields["length"]
    if not (is_count(part, most=9999) and is_count(length)) or plaintext_length(length) is None:
        raise SealError(Reason.MANIFEST_MALFORMED, "件长")
    return Part(part, length, _hash(fields["sha256"]), _hash(fields["pt_commit"]))


@dataclass(frozen=True, slots=True)
class Submission:
    """What the commit carries (the parts are there already): ≤ 64 KiB with ten custodians and eighty files."""

    manifest: bytes
    wrapped_shares: Mapping[str, Sequence[bytes]]
    own_wraps: Mapping[str, bytes]

    def to_json(self) -> dict[str, Any]:
        return {
            "manifest": self.manifest.decode(),
            "wrapped_shares": {name: [share.hex() for share in shares] for name, shares in self.wrapped_shares.items()},
            "own_wraps": {name: wrap.hex() for name, wrap in self.own_wraps.items()},
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """``MANIFEST_MALFORMED`` where it is not of this shape; what it says is checked by ``accept``."""
        fields = _object(data, "manifest wrapped_shares own_wraps")
        names = " ".join(ENVELOPES)
        try:
            return cls(
                fields["manifest"].encode(),
                {
                    name: tuple(bytes.fromhex(share) for share in _list(shares))
                    for name, shares in _object(fields["wrapped_shares"], names).items()
                },
                {name: bytes.fromhex(wrap) for name, wrap in _object(fields["own_wraps"], names).items()},
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise SealError(Reason.MANIFEST_MALFORMED) from error

    def share(self, manifest: Manifest, envelope: str, index: int) -> WrappedShare:
        """The wrapped share of custodian ``index`` (from 1), with everything that binds it."""
        return WrappedShare(manifest.set_hash, manifest.ref, envelope, index, self.wrapped_shares[envelope][index - 1])


def accept(submission: Submission, *, ref: BidRef, replaces: str | None, custodians: CustodianSet) -> Manifest:
    """Everything that can be checked of a sealed bid without opening it; the stored parts are the caller's to compare.

    Raises ``SealError``: malformed, for another place, for other custodians, other shares than committed to, too big.
    """
    manifest = Manifest.parse(submission.manifest)
    if manifest.ref != ref or manifest.replaces != replaces:
        raise SealError(Reason.MANIFEST_MISPLACED)
    if manifest.set_hash != custodians.hash:
        raise SealError(Reason.MANIFEST_CUSTODIANS)
    count = len(custodians.custodians)
    for envelope in manifest.envelopes:
        shares = submission.wrapped_shares[envelope.name]
        if not len(envelope.share_commits) == len(envelope.wrapped_shares) == len(shares) == count:
            raise SealError(Reason.MANIFEST_SHARES, "份数")
        if any(len(share) != WRAPPED_SHARE_SIZE for share in shares):
            raise SealError(Reason.MANIFEST_SHARES, "长度")
        if tuple(sha256(share) for share in shares) != envelope.wrapped_shares:
            raise SealError(Reason.MANIFEST_SHARES)
        if len(submission.own_wraps[envelope.name]) != OWN_WRAP_SIZE:
            raise SealError(Reason.MANIFEST_MALFORMED, "自用密钥")
    _require_limits(manifest)
    return manifest


def _require_limits(manifest: Manifest) -> None:
    files = [part for envelope in manifest.envelopes for part in envelope.parts if part.part]
    if any(len(envelope.parts) - 1 > FILES_LIMIT for envelope in manifest.envelopes):
        raise SealError(Reason.PART_LIMITS, "件数")
    if any(part.length > ciphertext_length(FILE_LIMIT) for part in files):
        raise SealError(Reason.PART_LIMITS, "单个文件")
    if sum(plaintext_length(part.length) or 0 for part in files) > TOTAL_LIMIT:
        raise SealError(Reason.PART_LIMITS, "合计")


# ====================================================================================================
# platform.sealing.orgkey
# ====================================================================================================

"""单位标书钥匙: one random key of an organisation, printed as 26 characters, which wraps its own envelope keys.

The code is 25 random characters of Crockford's base 32 (125 bits) and one check character; grouped in fives for
reading. Nobody chooses it, so nobody can guess it. Everything else is derived from it by HKDF-SHA256: the 256-bit
wrapping key, and a check value of which the server keeps only a hash, to tell a member that he entered the wrong key.

The check character makes Σ dᵢ·aⁱ = 0 over GF(32) (a a generator): it finds every wrong character and every swap of
two characters.
"""


import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford: no I, L, O, U; when read, I and L mean 1, O means 0."""

_LENGTH = 25
_MISREAD = str.maketrans("ILO", "110")
_FIELD = 0b100101  # x⁵+x²+1, primitive over GF(2)
_NONCE_SIZE = 12


def _check_digit(digits: list[int]) -> int:
    """The digit at place 0 which brings Σ dᵢ·aⁱ to 0, the given ones standing at places 25…1 (Horner)."""
    total = 0
    for digit in digits:
        total = (total ^ digit) << 1
        if total & 0b100000:
            total ^= _FIELD
    return total


@dataclass(frozen=True, slots=True, repr=False)
class OrganisationKey:
    """``seed``: the 125 bits as 16 bytes, big-endian. It never appears in a ``repr`` or a traceback line."""

    seed: bytes

    @classmethod
    def generate(cls) -> Self:
        return cls(secrets.randbits(5 * _LENGTH).to_bytes(16, "big"))

    @classmethod
    def from_code(cls, code: str) -> Self:
        """Reads what a person typed: any case, spaces, hyphens, full-width letters, I L O. ``KEY_CODE`` otherwise."""
        text = re.sub(r"[\s\-—–]+", "", unicodedata.normalize("NFKC", code)).upper().translate(_MISREAD)
        digits = [ALPHABET.find(character) for character in text]
        if len(digits) != _LENGTH + 1 or min(digits) < 0 or _check_digit(digits[:_LENGTH]) != digits[_LENGTH]:
            raise SealError(Reason.KEY_CODE)
        number = 0
        for digit in digits[:_LENGTH]:
            number = number << 5 | digit
        return cls(number.to_bytes(16, "big"))

    @property
    def code(self) -> str:
        """Five groups: XXXXX-XXXXX-XXXXX-XXXXX-XXXXXX."""
        number = int.from_bytes(self.seed, "big")
        digits = [number >> 5 * place & 31 for place in reversed(range(_LENGTH))]
        text = "".join(ALPHABET[digit] for digit in (*digits, _check_digit(digits)))
        return "-".join((text[:5], text[5:10], text[10:15], text[15:20], text[20:]))

    @property
    def check_hash(self) -> str:
        """What the server keeps: SHA-256 of the key-check value, hex."""
        return sha256(self._derive(b"jbs1|org|check"))

    def _derive(self, info: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive(self.seed)

    def wrap(self, dek: bytes, *, ref: BidRef, envelope: str) -> bytes:
        """The bidder's own copy of an envelope key: nonce ‖ ciphertext ‖ tag, 60 bytes."""
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + AESGCM(self._derive(b"jbs1|org|wrap")).encrypt(nonce, dek, own_wrap_aad(ref, envelope))

    def unwrap(self, wrapped: bytes, *, ref: BidRef, envelope: str) -> bytes:
        """``KEY_WRONG`` for another key, another place or changed bytes."""
        try:
            return AESGCM(self._derive(b"jbs1|org|wrap")).decrypt(
                wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], own_wrap_aad(ref, envelope)
            )
        except (InvalidTag, ValueError) as error:
            raise SealError(Reason.KEY_WRONG) from error


# ====================================================================================================
# platform.sealing.shamir
# ====================================================================================================

"""Secret sharing over GF(256), byte by byte (Shamir 1979): the only cryptography of our own.

The field is that of AES (x⁸+x⁴+x³+x+1, generator 3). A share is its index x (1…255) and then one byte y per byte of
the secret. Any k shares give the secret; k − 1 say nothing about it, because for every secret there is exactly one
polynomial through them.

Tables are looked up with secret indices, which leaks timing to code on the same core; splitting happens once on the
bidder's own machine and combining after the deadline, when the shares are released anyway.
"""


import os
from collections.abc import Callable, Mapping

_REDUCER = 0x11B


def _tables() -> tuple[list[int], list[int]]:
    exp, log = [0] * 510, [0] * 256
    value = 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        doubled = value << 1
        value ^= doubled ^ _REDUCER if doubled & 0x100 else doubled  # times 3 = itself + its double
    return exp, log


_EXP, _LOG = _tables()


def multiply(a: int, b: int) -> int:
    """The product in GF(256)."""
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def divide(a: int, b: int) -> int:
    """The quotient in GF(256); ``ZeroDivisionError`` for b = 0."""
    if not b:
        raise ZeroDivisionError("GF(256)")
    return _EXP[_LOG[a] - _LOG[b] + 255] if a else 0


def split(
    secret: bytes, *, quorum: int, count: int, random_bytes: Callable[[int], bytes] = os.urandom
) -> tuple[bytes, ...]:
    """``count`` shares of which any ``quorum`` give the secret; share i stands at position i − 1."""
    if not 1 <= quorum <= count <= 255:
        raise ValueError("1 ≤ quorum ≤ count ≤ 255")
    coefficients = [secret, *(random_bytes(len(secret)) for _ in range(quorum - 1))]
    return tuple(
        bytes((x, *(_evaluate(column, x) for column in zip(*coefficients, strict=True)))) for x in range(1, count + 1)
    )


def _evaluate(coefficients: tuple[int, ...], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = multiply(value, x) ^ coefficient
    return value


def _interpolate(shares: Mapping[int, bytes], at: int) -> bytes:
    """The polynomial through all these shares (index → y bytes), evaluated at ``at`` (Lagrange)."""
    size = len(next(iter(shares.values())))
    result = bytearray(size)
    for x, values in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = multiply(weight, divide(at ^ other, x ^ other))
        for position, value in enumerate(values):
            result[position] ^= multiply(weight, value)
    return bytes(result)


def _points(shares: tuple[bytes, ...]) -> dict[int, bytes]:
    points = {share[0]: share[1:] for share in shares if share}
    if not points or len(points) != len(shares) or 0 in points or len({len(y) for y in points.values()}) != 1:
        raise ValueError("shares of one size with different indices from 1")
    return points


def combine(*shares: bytes) -> bytes:
    """The secret of exactly the quorum's shares. Fewer give a wrong secret, not an error: check a commitment."""
    return _interpolate(_points(shares), 0)


def complete(*shares: bytes, count: int) -> tuple[bytes, ...]:
    """All ``count`` shares that lie on the polynomial of these: shows whether the others were honestly dealt."""
    points = _points(shares)
    return tuple(bytes((x,)) + _interpolate(points, x) for x in range(1, count + 1))


# ====================================================================================================
# platform.sealing.opening
# ====================================================================================================

"""Shares → content, or the one reason why not.

    read_manifest   the bytes that the receipt states, no others
    recover_key     combine → check every commitment that hangs on the key
    open_form       decrypt part 0 → check its commitment → read it → compare its list of files with the manifest
    open_file       decrypt → check its commitment, chunk by chunk

The verdict on a bid does not depend on which custodians released: from any k shares the other n − k are computed and
compared with their commitments too, so a bidder who deals shares that disagree is found by every quorum.
"""


import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator



def read_manifest(data: bytes, *, manifest_hash: str) -> Manifest:
    """The stored manifest, when it still is the one that the receipt states; else ``MANIFEST_HASH``."""
    if not hmac.compare_digest(sha256(data), manifest_hash):
        raise SealError(Reason.MANIFEST_HASH)
    return Manifest.parse(data)


def share_is_right(manifest: Manifest, envelope: str, index: int, share: bytes | None) -> bool:
    """Whether a released share is the one that the bidder committed to for custodian ``index`` (from 1)."""
    if share is None or len(share) != KEY_SIZE + 1 or share[0] != index:
        return False
    commits = manifest.envelope(envelope).share_commits
    if not 1 <= index <= len(commits):
        return False
    return hmac.compare_digest(share_commitment(manifest.ref, envelope, share), commits[index - 1])


def recover_key(manifest: Manifest, envelope: str, shares: Iterable[bytes | None], *, quorum: int) -> bytes:
    """The envelope key from whatever was released: wrong and missing shares are passed over.

    ``SHARES_SHORT``: fewer than ``quorum`` right ones; more releases may still open it.
    ``SHARES_INCONSISTENT``: the bidder's own shares disagree with each other or with the key committed to.
    """
    right = {share[0]: share for share in shares if share and share_is_right(manifest, envelope, share[0], share)}
    if len(right) < quorum:
        raise SealError(Reason.SHARES_SHORT, f"{len(right)}/{quorum}")
    chosen = [right[index] for index in sorted(right)[:quorum]]
    dek, commits = combine(*chosen), manifest.envelope(envelope).share_commits
    dealt = complete(*chosen, count=len(commits))
    honest = all(share_is_right(manifest, envelope, index, share) for index, share in enumerate(dealt, start=1))
    if not honest:
        raise SealError(Reason.SHARES_INCONSISTENT)
    require_key(manifest, envelope, dek)
    return dek


def require_key(manifest: Manifest, envelope: str, dek: bytes) -> None:
    """``SHARES_INCONSISTENT`` unless this is the key that the manifest fixes."""
    if not hmac.compare_digest(dek_commitment(manifest.ref, envelope, dek), manifest.envelope(envelope).dek_commit):
        raise SealError(Reason.SHARES_INCONSISTENT)


class _Stored:
    """The stored ciphertext of a part, hashed while it is read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._length = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._digest.update(data)
        self._length += len(data)
        return data

    def require(self, part: Part) -> None:
        """Read to the end; ``PART_LENGTH`` or ``PART_HASH`` where this is not what was committed to."""
        while self.read(CHUNK_SIZE):
            pass
        if self._length != part.length:
            raise SealError(Reason.PART_LENGTH, f"第{part.part}件")
        if self._digest.hexdigest() != part.sha256:
            raise SealError(Reason.PART_HASH, f"第{part.part}件")


def check_stored(part: Part, source: Readable) -> None:
    """Compare a stored ciphertext with the manifest without opening it: before the commit, and in backups."""
    _Stored(source).require(part)


def open_part(part: Part, source: Readable, *, dek: bytes, ref: BidRef, envelope: str, salt: bytes) -> Iterator[bytes]:
    """The plaintext of one part. Only when the iteration ends without a ``SealError`` was it what was committed to.

    What our own storage spoilt is told apart from what the bidder sealed wrongly: the first is never his fault.
    """
    stored, commit = _Stored(source), hashlib.sha256(salt)
    try:
        for chunk in decrypt(stored, dek=dek, ref=ref, envelope=envelope, part=part.part):
            commit.update(chunk)
            yield chunk
    except SealError:
        stored.require(part)
        raise
    stored.require(part)
    if not hmac.compare_digest(commit.hexdigest(), part.pt_commit):
        raise SealError(Reason.CONTENT_COMMITMENT, f"第{part.part}件")


def open_form(manifest: Manifest, envelope: str, source: Readable, *, dek: bytes) -> Form:
    """The form of an envelope, whose list of files is that of the manifest."""
    committed = manifest.envelope(envelope)
    chunks = open_part(committed.parts[0], source, dek=dek, ref=manifest.ref, envelope=envelope, salt=b"")
    form = unframe(b"".join(chunks), envelope=envelope)
    _require_same_files(form, committed)
    return form


def _require_same_files(form: Form, committed: Envelope) -> None:
    listed = [(file.part, file.size) for file in sorted(form.files, key=lambda file: file.part)]
    if listed != [(part.part, plaintext_length(part.length)) for part in committed.parts[1:]]:
        raise SealError(Reason.FILE_LIST)


def open_file(manifest: Manifest, envelope: str, file: SealedFile, source: Readable, *, dek: bytes) -> Iterator[bytes]:
    """The plaintext of one listed file; take it for good only after the last chunk."""
    part = manifest.envelope(envelope).part(file.part)
    if part is None:
        raise SealError(Reason.FILE_LIST)
    return open_part(part, source, dek=dek, ref=manifest.ref, envelope=envelope, salt=bytes.fromhex(file.salt))


Fetch = Callable[[str, int], Readable]
"""``(envelope, part)`` → the stored ciphertext; raises ``LookupError`` or ``OSError`` where it is gone."""

Keep = Callable[[SealedFile, Iterator[bytes]], None]
"""Takes a file's plaintext; a ``SealError`` out of the iterator passes through it, and nothing is to be kept then."""


def open_envelope(manifest: Manifest, envelope: str, *, dek: bytes, fetch: Fetch, keep: Keep) -> Form:
    """Open one envelope completely: the form, then each file handed to ``keep``. Raises the first reason not to."""

    def stored(part: int) -> Readable:
        try:
            return fetch(envelope, part)
        except (LookupError, OSError) as error:
            raise SealError(Reason.PART_MISSING, f"第{part}件") from error

    require_key(manifest, envelope, dek)
    form = open_form(manifest, envelope, stored(0), dek=dek)
    for file in form.files:
        keep(file, open_file(manifest, envelope, file, stored(file.part), dek=dek))
    return form


# ====================================================================================================
# platform.sealing.seal
# ====================================================================================================

"""Content → ciphertext, manifest, wrapped shares. The Python half; ``static/js/sealing/seal.js`` is its twin."""


import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any



@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be sealed. ``open`` gives a fresh reader; it is read once, 1 MiB at a time, and closed."""

    name: str
    open: Callable[[], AbstractContextManager[Readable]]
    media_type: str = "application/octet-stream"
    role: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into one envelope."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


Store = Callable[[str, int, Iterator[bytes]], None]
"""``(envelope, part, pieces)``: keeps the ciphertext of one part; must take every piece."""


class _Measured:
    """Hashes what passes: the plaintext on its way in and the ciphertext on its way out."""

    def __init__(self, source: Readable, salt: bytes) -> None:
        self._source = source
        self._commit = hashlib.sha256(salt)
        self._cipher = hashlib.sha256()
        self.size = self.length = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._commit.update(data)
        self.size += len(data)
        return data

    def outgoing(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._cipher.update(piece)
            self.length += len(piece)
            yield piece

    def part(self, number: int) -> Part:
        return Part(number, self.length, self._cipher.hexdigest(), self._commit.hexdigest())


def _seal_part(
    source: Readable, salt: bytes, *, dek: bytes, ref: BidRef, envelope: str, part: int, store: Store
) -> tuple[Part, int]:
    measured = _Measured(source, salt)
    store(envelope, part, measured.outgoing(encrypt(measured, dek=dek, ref=ref, envelope=envelope, part=part)))
    return measured.part(part), measured.size


def seal_parts(content: Content, *, dek: bytes, ref: BidRef, envelope: str, store: Store) -> tuple[Part, ...]:
    """Encrypt the files and then the form that lists them; gives the manifest's parts, the form first."""
    parts, files = list[Part](), list[SealedFile]()
    for number, attachment in enumerate(content.attachments, start=1):
        salt = os.urandom(COMMIT_SALT_SIZE)
        with attachment.open() as source:
            part, size = _seal_part(source, salt, dek=dek, ref=ref, envelope=envelope, part=number, store=store)
        parts.append(part)
        files.append(SealedFile(number, attachment.name, attachment.media_type, size, salt.hex(), attachment.role))
    plaintext = BytesIO(frame(Form(envelope, content.fields, tuple(files))))
    form, _ = _seal_part(plaintext, b"", dek=dek, ref=ref, envelope=envelope, part=0, store=store)
    return (form, *parts)


def deal(
    dek: bytes, *, ref: BidRef, envelope: str, custodians: CustodianSet
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """One envelope key for the custodians: the wrapped shares, and the commitments to the shares in clear."""
    shares = split(dek, quorum=custodians.quorum, count=len(custodians.custodians))
    wrapped = tuple(
        seal_to(custodian.point, share, share_info(custodians.hash, ref, envelope, index))
        for index, (custodian, share) in enumerate(zip(custodians.custodians, shares, strict=True), start=1)
    )
    return wrapped, tuple(share_commitment(ref, envelope, share) for share in shares)


def seal(
    contents: Mapping[str, Content],
    *,
    ref: BidRef,
    replaces: str | None,
    custodians: CustodianSet,
    own_key: OrganisationKey,
    store: Store,
) -> Submission:
    """Seal a whole bid. Every call draws new keys, salts and shares; nothing of the content is kept or logged."""
    envelopes, wrapped_shares, own_wraps = list[Envelope](), dict[str, Sequence[bytes]](), dict[str, bytes]()
    for name in ENVELOPES:
        dek = os.urandom(KEY_SIZE)
        parts = seal_parts(contents.get(name, Content()), dek=dek, ref=ref, envelope=name, store=store)
        wrapped, commits = deal(dek, ref=ref, envelope=name, custodians=custodians)
        envelopes.append(
            Envelope(name, dek_commitment(ref, name, dek), commits, tuple(sha256(share) for share in wrapped), parts)
        )
        wrapped_shares[name] = wrapped
        own_wraps[name] = own_key.wrap(dek, ref=ref, envelope=name)
    manifest = Manifest(ref, replaces, custodians.hash, tuple(envelopes))
    return Submission(manifest.to_bytes(), wrapped_shares, own_wraps)


# ====================================================================================================
# platform.sealing.package
# ====================================================================================================

"""A bid sealed offline, as one file: an uncompressed zip of the submission and the ciphertexts.

    submission.json          what the commit carries
    parts/technical.0 …      one entry per part of the manifest

It holds nothing that the server may not see, so it may travel on any stick.
"""


import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self


_SUBMISSION = "submission.json"
_SUBMISSION_LIMIT = 64 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip knows: the file says nothing about when it was made


def _entry(envelope: str, part: int) -> str:
    return f"parts/{envelope}.{part}"


def write_package(target: Path, seal_into: Callable[[Store], Submission]) -> Submission:
    """Run a sealing whose ciphertext goes straight into ``target``; a failed one leaves no file behind."""
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:

            def store(envelope: str, part: int, pieces: Iterator[bytes]) -> None:
                with archive.open(zipfile.ZipInfo(_entry(envelope, part), _EPOCH), "w", force_zip64=True) as out:
                    for piece in pieces:
                        out.write(piece)

            submission = seal_into(store)
            archive.writestr(zipfile.ZipInfo(_SUBMISSION, _EPOCH), canonical(submission.to_json()))
        return submission
    except FileExistsError:
        raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class Package:
    """A package being read; ``PACKAGE`` for anything that is not one. Use as a context manager."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        try:
            self._archive = zipfile.ZipFile(source)
            with self._archive.open(_SUBMISSION) as entry:
                data = entry.read(_SUBMISSION_LIMIT + 1)
            if len(data) > _SUBMISSION_LIMIT:
                raise SealError(Reason.PACKAGE, _SUBMISSION)
            self.submission = Submission.from_json(json.loads(data))
        except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
            raise SealError(Reason.PACKAGE) from error
        self.manifest = Manifest.parse(self.submission.manifest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def open(self, envelope: str, part: int) -> IO[bytes]:
        """The ciphertext of one part (a ``Fetch``); ``LookupError`` where the package lacks it."""
        info = self._archive.getinfo(_entry(envelope, part))
        if info.compress_type != zipfile.ZIP_STORED:
            raise SealError(Reason.PACKAGE, info.filename)  # a packed part could be a bomb
        return self._archive.open(info)

    def check(self) -> None:
        """Compare every part with the manifest and refuse entries that it does not name."""
        expected = {_SUBMISSION}
        for envelope in self.manifest.envelopes:
            for part in envelope.parts:
                expected.add(_entry(envelope.name, part.part))
                try:
                    with self.open(envelope.name, part.part) as source:
                        check_stored(part, source)
                except (LookupError, zipfile.BadZipFile) as error:
                    raise SealError(Reason.PACKAGE, _entry(envelope.name, part.part)) from error
        if sorted(self._archive.namelist()) != sorted(expected):
            raise SealError(Reason.PACKAGE, "多余的文件")


# ====================================================================================================
# platform.sealing.seal_tool
# ====================================================================================================

"""离线封标：在不联网的电脑上把标书加密成一个文件，再拿到网站上传。需要 Python ≥ 3.11 和 cryptography ≥ 50。

    python seal_bid.py 封标参数.json 标书目录 标书.zbq

封标参数在标书页下载，里面只有公开的东西：榜号、标书编号、版本、保管人公钥。标书目录：

    technical.json   技术封套的表单          price.json   价格封套的表单
    technical/       技术封套的文件          price/       价格封套的文件
                     子目录名是文件的用途，例如 technical/plan/方案.pdf

单位标书钥匙从键盘输入，或用 --own-key 指定存有它的文件；第一次使用加 --new-key，会生成并显示一把，请打印保存。
"""


import argparse
import json
import mimetypes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self



@dataclass(frozen=True, slots=True)
class SealingSheet:
    """封标参数: everything a sealer must be told, all of it public."""

    ref: BidRef
    replaces: str | None
    custodians: CustodianSet

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "jbs1-sheet",
            "demand": self.ref.demand,
            "bid": self.ref.bid,
            "version": self.ref.version,
            "replaces": self.replaces,
            "custodians": self.custodians.to_json(),
            "set_hash": self.custodians.hash,
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Also checks that the set is the one whose hash it names."""
        try:
            ref = BidRef(data["demand"], data["bid"], data["version"])
            custodians = CustodianSet.from_json(data["custodians"])
            if data["format"] != "jbs1-sheet" or data["set_hash"] != custodians.hash:
                raise SealError(Reason.MANIFEST_CUSTODIANS)
            return cls(ref, data["replaces"], custodians)
        except (KeyError, TypeError) as error:
            raise SealError(Reason.MANIFEST_MALFORMED, "封标参数") from error


def read_content(folder: Path) -> dict[str, Content]:
    """The two envelopes as they lie in a folder. Files keep their names; hidden ones are left out."""
    contents = dict[str, Content]()
    for envelope in ENVELOPES:
        form = folder / f"{envelope}.json"
        fields = json.loads(form.read_text("utf-8")) if form.exists() else {}
        if not isinstance(fields, dict):
            raise ValueError(f"{form.name} 应是一个 JSON 对象")
        contents[envelope] = Content(fields, tuple(_attachments(folder / envelope)))
    return contents


def _attachments(folder: Path) -> Iterator[Attachment]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(name.startswith(".") for name in inside.parts):
            role = inside.parts[0] if len(inside.parts) > 1 else ""
            media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            yield Attachment(path.name, partial(_binary, path), media_type, role)


def _binary(path: Path) -> BinaryIO:
    return path.open("rb")


def seal_folder(sheet: SealingSheet, folder: Path, own_key: OrganisationKey, target: Path) -> Submission:
    """Seal a folder into the package ``target`` and read it back to see that the site will take it."""

    def seal_into(store: Store) -> Submission:
        return seal(
            read_content(folder),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=own_key,
            store=store,
        )

    submission = write_package(target, seal_into)
    accept(submission, ref=sheet.ref, replaces=sheet.replaces, custodians=sheet.custodians)
    with Package(target) as package:
        package.check()
    return submission


def _own_key(options: argparse.Namespace) -> OrganisationKey:
    if options.new_key:
        key = OrganisationKey.generate()
        sys.stdout.write(f"新的单位标书钥匙（请打印保存，平台不保存）：\n\n    {key.code}\n\n")
        return key
    if options.own_key:
        return OrganisationKey.from_code(options.own_key.read_text("utf-8"))
    sys.stdout.write("单位标书钥匙（26位）：")
    sys.stdout.flush()
    return OrganisationKey.from_code(sys.stdin.readline())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="seal_bid.py", description="离线封标")
    parser.add_argument("sheet", type=Path, help="封标参数（JSON）")
    parser.add_argument("folder", type=Path, help="标书目录")
    parser.add_argument("target", type=Path, help="写出的封标包，不得已存在")
    parser.add_argument("--own-key", type=Path, help="存有单位标书钥匙的文件")
    parser.add_argument("--new-key", action="store_true", help="生成一把新的单位标书钥匙")
    options = parser.parse_args(arguments)
    try:
        sheet = SealingSheet.from_json(json.loads(options.sheet.read_text("utf-8")))
        if not options.folder.is_dir():
            raise NotADirectoryError(f"没有这个目录：{options.folder}")
        submission = seal_folder(sheet, options.folder, _own_key(options), options.target)
    except (SealError, OSError, ValueError) as error:
        sys.stderr.write(f"没有封成：{error}\n")
        return 1
    sys.stdout.write(
        f"已封入 {options.target}\n"
        f"榜号 {sheet.ref.demand}，标书 {sheet.ref.bid}，第 {sheet.ref.version} 版\n"
        f"保管人集合指纹 {sheet.custodians.hash}（应与公告一致）\n"
        f"清单指纹 {sha256(submission.manifest)}（应与回执一致）\n"
        "请在截止前到标书页上传此文件并封口；只有封口的时刻算数。\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
