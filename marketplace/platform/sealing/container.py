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

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import KEY_SIZE, SUITE, BidRef, part_aad, part_key_info

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
