"""HPKE base mode (RFC 9180) to one P-256 key: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message a key.

Public keys travel as the 65 bytes of an uncompressed point, which is what WebCrypto calls ``raw``.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from marketplace.platform.sealing.reasons import Reason, SealError

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
