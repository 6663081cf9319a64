"""Secret sharing over GF(256), byte by byte (Shamir 1979): the only cryptography of our own.

The field is that of AES (x⁸+x⁴+x³+x+1, generator 3). A share is its index x (1…255) and then one byte y per byte of
the secret. Any k shares give the secret; k − 1 say nothing about it, because for every secret there is exactly one
polynomial through them.

Tables are looked up with secret indices, which leaks timing to code on the same core; splitting happens once on the
bidder's own machine and combining after the deadline, when the shares are released anyway.
"""

from __future__ import annotations

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
