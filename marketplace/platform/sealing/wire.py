"""Canonical bytes, and the strings that bind a ciphertext to its place.

Everything that is hashed or signed is canonical JSON: keys sorted, no white space, UTF-8, integers and strings only,
ASCII keys. Python and JavaScript write the same bytes for it, and reading refuses any other spelling, so that one
meaning has one hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, TypeGuard

from marketplace.platform.sealing.reasons import Reason, SealError

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
