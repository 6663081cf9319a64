"""One layout per length, a fresh key per encryption, and no chunk anywhere but in its place."""

import os
import random
import tracemalloc
from collections.abc import Callable
from io import BytesIO

import pytest

from marketplace.platform.sealing.container import (
    CHUNK_SIZE,
    HEADER_SIZE,
    TAG_SIZE,
    ciphertext_length,
    decrypt,
    encrypt,
    piece_count,
    piece_length,
    plaintext_length,
    require_ciphertext,
)
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import BidRef
from tests.sealing.bench import REF

DEK = bytes(range(32))
SIZES = [0, 1, 15, 16, 17, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 7]
PLACE = {"dek": DEK, "ref": REF, "envelope": "technical", "part": 3}


def sealed(data: bytes) -> list[bytes]:
    return list(encrypt(BytesIO(data), **PLACE))


def reason_of(ciphertext: bytes, **place: object) -> Reason | None:
    try:
        for _ in decrypt(BytesIO(ciphertext), **{**PLACE, **place}):
            pass
    except SealError as error:
        return error.reason
    return None


@pytest.mark.parametrize("size", SIZES)
def test_round_trip_and_lengths(size: int) -> None:
    data = random.Random(size).randbytes(size)
    pieces = sealed(data)
    total = sum(map(len, pieces))
    assert total == ciphertext_length(size)
    assert plaintext_length(total) == size
    assert [piece_length(total, i) for i in range(piece_count(total))] == [len(piece) for piece in pieces]
    assert b"".join(decrypt(BytesIO(b"".join(pieces)), **PLACE)) == data
    for first, piece in enumerate(pieces):
        require_ciphertext(piece, first=not first)


def test_lengths_that_no_plaintext_has() -> None:
    possible = {ciphertext_length(size) for size in range(100)}
    assert {length for length in range(min(possible) + 100) if plaintext_length(length) is not None} == possible
    full = ciphertext_length(CHUNK_SIZE)
    assert [plaintext_length(full + extra) for extra in (0, 1, TAG_SIZE, TAG_SIZE + 1)] == [
        CHUNK_SIZE,
        None,
        None,
        CHUNK_SIZE + 1,
    ]


class Trickle:
    """A source that gives less than it is asked for, as pipes do."""

    def __init__(self, data: bytes) -> None:
        self._source, self._chance = BytesIO(data), random.Random(1)

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, self._chance.randint(1, 300_000)))


def test_short_reads() -> None:
    data = random.Random(5).randbytes(2 * CHUNK_SIZE + 5)
    pieces = list(encrypt(Trickle(data), **PLACE))
    assert [len(piece) for piece in pieces] == [HEADER_SIZE + CHUNK_SIZE + 16, CHUNK_SIZE + 16, 5 + 16]
    assert b"".join(decrypt(Trickle(b"".join(pieces)), **PLACE)) == data


def test_a_hundred_encryptions_have_a_hundred_keys() -> None:
    salts = {sealed(b"the same draft")[0][8:40] for _ in range(100)}
    assert len(salts) == 100


def _join(*pieces: bytes) -> bytes:
    return b"".join(pieces)


CHANGES: dict[str, Callable[[bytes, bytes, bytes, bytes], bytes]] = {
    "first two swapped": lambda h, a, b, c: _join(h, b, a, c),
    "last two swapped": lambda h, a, b, c: _join(h, a, c, b),
    "last dropped": lambda h, a, b, c: _join(h, a, b),
    "middle dropped": lambda h, a, b, c: _join(h, a, c),
    "first dropped": lambda h, a, b, c: _join(h, b, c),
    "first twice": lambda h, a, b, c: _join(h, a, a, b, c),
    "last twice": lambda h, a, b, c: _join(h, a, b, c, c),
    "only the last": lambda h, a, b, c: _join(h, c),
    "no chunk": lambda h, a, b, c: h,
    "half a tag": lambda h, a, b, c: _join(h, a, b, c[:8]),
    "cut by a byte": lambda h, a, b, c: _join(h, a, b, c[:-1]),
    "a byte more": lambda h, a, b, c: _join(h, a, b, c, b"\0"),
    "an empty chunk more": lambda h, a, b, c: _join(h, a, b, c, bytes(16)),
    "another salt": lambda h, a, b, c: _join(h[:8], os.urandom(32), a, b, c),
}


@pytest.mark.parametrize("change", CHANGES)
def test_chunks_have_one_order_and_one_end(change: str) -> None:
    pieces = sealed(random.Random(9).randbytes(2 * CHUNK_SIZE + 900))
    head, first = pieces[0][:HEADER_SIZE], pieces[0][HEADER_SIZE:]
    assert reason_of(CHANGES[change](head, first, pieces[1], pieces[2])) is Reason.CONTAINER_CHUNK


def test_an_empty_last_chunk_after_a_full_one_is_no_second_spelling() -> None:
    from marketplace.platform.sealing.container import _nonce, _part_key
    from marketplace.platform.sealing.wire import part_aad

    head = sealed(b"")[0][:HEADER_SIZE]
    key, aad = _part_key(DEK, head[8:], 3), part_aad(REF, "technical", 3)
    full = key.encrypt(_nonce(0, last=False), bytes(CHUNK_SIZE), aad)
    empty = key.encrypt(_nonce(1, last=True), b"", aad)
    assert reason_of(head + full + empty) is Reason.CONTAINER_CHUNK


@pytest.mark.parametrize(
    "place",
    [
        {"dek": bytes(32)},
        {"ref": BidRef("ZZGX-2026-01-004", REF.bid, 1)},
        {"ref": BidRef(REF.demand, "0" * 32, 1)},
        {"ref": BidRef(REF.demand, REF.bid, 2)},
        {"envelope": "price"},
        {"part": 2},
    ],
)
def test_a_part_opens_only_in_its_place(place: dict[str, object]) -> None:
    assert reason_of(b"".join(sealed(b"content")), **place) is Reason.CONTAINER_CHUNK


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"PK\3\4" + bytes(36),
        b"JBS1\1\0\0\1" + bytes(32),
        b"JBS1\2\0\0\0" + bytes(32),
        b"JBS1\1\0\0\0" + bytes(31),
    ],
)
def test_headers(header: bytes) -> None:
    assert reason_of(header) is Reason.CONTAINER_HEADER


HEADER = b"JBS1\1\0\0\0" + bytes(32)


@pytest.mark.parametrize(
    ("piece", "first"),
    [
        (b"%PDF-1.7 " + bytes(20_000), True),
        (b"", True),
        (HEADER, True),
        (HEADER + bytes(16 * 1024), True),
        (HEADER + b'{"price":"1200000"}'.ljust(16 * 1024), True),
        (HEADER + "技术方案".encode() * 2000, True),
        (b"text " * 100_000, False),
        (b"short", False),
    ],
)
def test_plaintext_is_refused(piece: bytes, first: bool) -> None:
    with pytest.raises(SealError) as caught:
        require_ciphertext(piece, first=first)
    assert caught.value.reason is Reason.NOT_SEALED


def test_random_bytes_always_pass() -> None:
    chance = random.Random(11)
    for size in (16, 4096, 5000, 65_536, 100_000):
        for _ in range(20):
            require_ciphertext(chance.randbytes(size), first=False)


def test_memory_stays_flat() -> None:
    class Zeros:
        left = 50 * 1024 * 1024

        def read(self, size: int, /) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    class Pipe:
        def __init__(self) -> None:
            self._pieces, self._rest = encrypt(Zeros(), **PLACE), b""

        def read(self, size: int, /) -> bytes:
            self._rest = self._rest or next(self._pieces, b"")
            data, self._rest = self._rest[:size], self._rest[size:]
            return data

    tracemalloc.start()
    total = sum(len(chunk) for chunk in decrypt(Pipe(), **PLACE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 50 * 1024 * 1024
    assert peak < 16 * 1024 * 1024
