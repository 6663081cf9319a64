"""单位标书钥匙: one random key of an organisation, printed as 26 characters, which wraps its own envelope keys.

The code is 25 random characters of Crockford's base 32 (125 bits) and one check character; grouped in fives for
reading. Nobody chooses it, so nobody can guess it. Everything else is derived from it by HKDF-SHA256: the 256-bit
wrapping key, and a check value of which the server keeps only a hash, to tell a member that he entered the wrong key.

The check character makes Σ dᵢ·aⁱ = 0 over GF(32) (a a generator): it finds every wrong character and every swap of
two characters.
"""

from __future__ import annotations

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

from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import KEY_SIZE, BidRef, own_wrap_aad, sha256

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
