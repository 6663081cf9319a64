"""Who holds the shares: the ordered set with its hash, what a custodian releases, the proof that he still can."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec

from marketplace.platform.sealing.hpke import load_public_key, open_with, public_bytes, seal_to
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import (
    ENVELOPES,
    SUITE,
    BidRef,
    canonical,
    is_count,
    is_token,
    sha256,
    share_info,
)

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
