"""RFC 9180's own vector for our suite, and refusals."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec

from marketplace.platform.sealing import hpke
from marketplace.platform.sealing.reasons import Reason, SealError

VECTOR = json.loads(Path("tests/data/sealing/rfc9180.json").read_text())


def test_rfc_9180_vector() -> None:
    key = ec.derive_private_key(int(VECTOR["skRm"], 16), ec.SECP256R1())
    assert hpke.public_bytes(key).hex() == VECTOR["pkRm"]
    first = VECTOR["encryptions"][0]
    sealed = bytes.fromhex(VECTOR["enc"] + first["ct"])
    info, aad = bytes.fromhex(VECTOR["info"]), bytes.fromhex(first["aad"])
    assert openssl.hpke._decrypt_with_aad(hpke._SUITE, sealed, key, info, aad).hex() == first["pt"]


def test_round_trip_and_length() -> None:
    key = hpke.generate_private_key()
    sealed = hpke.seal_to(hpke.public_bytes(key), b"s" * 33, b"info")
    assert len(sealed) == 33 + hpke.OVERHEAD
    assert hpke.open_with(key, sealed, b"info") == b"s" * 33
    assert hpke.seal_to(hpke.public_bytes(key), b"s" * 33, b"info") != sealed


def test_refusals() -> None:
    key, other = hpke.generate_private_key(), hpke.generate_private_key()
    sealed = hpke.seal_to(hpke.public_bytes(key), b"s" * 33, b"info")
    for wrong_key, changed, info in (
        (other, sealed, b"info"),
        (key, sealed, b"other"),
        (key, b"", b"info"),
        (key, sealed[:-1], b"info"),
        (key, sealed + b"\0", b"info"),
        (key, bytes(65) + sealed[65:], b"info"),
        *((key, sealed[:i] + bytes((sealed[i] ^ 1,)) + sealed[i + 1 :], b"info") for i in range(len(sealed))),
    ):
        with pytest.raises(SealError) as caught:
            hpke.open_with(wrong_key, changed, info)
        assert caught.value.reason is Reason.SHARE_UNREADABLE


@pytest.mark.parametrize("point", [b"", bytes(65), b"\x04" + bytes(64), b"\x02" + b"\1" * 32, b"\x04" + b"\1" * 64])
def test_points_that_are_none(point: bytes) -> None:
    with pytest.raises(SealError) as caught:
        hpke.load_public_key(point)
    assert caught.value.reason is Reason.PUBLIC_KEY
