"""Every product of the field, every quorum of every level, and nothing from fewer."""

import itertools
import random

import pytest

from marketplace.platform.sealing.shamir import combine, complete, divide, multiply, split


def by_hand(a: int, b: int) -> int:
    """Carry-less multiplication and reduction by x⁸+x⁴+x³+x+1, without tables."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << bit - 8
    return product


def test_all_products_and_quotients() -> None:
    for a, b in itertools.product(range(256), repeat=2):
        product = multiply(a, b)
        assert product == by_hand(a, b)
        if b:
            assert divide(product, b) == a


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


@pytest.mark.parametrize(("quorum", "count"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 5), (4, 7), (5, 5)])
def test_every_quorum_gives_the_secret_and_all_shares(quorum: int, count: int) -> None:
    secret = random.Random(quorum * count).randbytes(32)
    shares = split(secret, quorum=quorum, count=count)
    assert [share[0] for share in shares] == list(range(1, count + 1))
    for size in range(1, count + 1):
        for chosen in itertools.permutations(shares, size) if count < 5 else itertools.combinations(shares, size):
            assert (combine(*chosen) == secret) is (size >= quorum)
            if size == quorum:
                assert complete(*chosen, count=count) == shares


def test_one_share_of_two_says_nothing() -> None:
    """Whatever the secret byte, each value of one share is reached by exactly one coefficient."""
    for x in (1, 2, 3, 255):
        for secret in range(256):
            values = {secret ^ multiply(coefficient, x) for coefficient in range(256)}
            assert len(values) == 256


@pytest.mark.parametrize(("quorum", "count"), [(0, 1), (2, 1), (1, 256), (-1, 3)])
def test_impossible_quorums(quorum: int, count: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        split(b"x", quorum=quorum, count=count)


@pytest.mark.parametrize("shares", [(), (b"",), (b"\x00a",), (b"\x01a", b"\x01b"), (b"\x01a", b"\x02bc")])
def test_no_shares_at_all(shares: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="shares"):
        combine(*shares)
