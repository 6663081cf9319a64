"""A custodian's private key as a file under a passphrase: PBKDF2-SHA256 with 600,000 rounds, AES-256-GCM.

The rounds follow OWASP's Password Storage Cheat Sheet (2023) for PBKDF2-HMAC-SHA256; PBKDF2 because it is the only
password function that WebCrypto has. The printed sheet shows the same file.
"""

from __future__ import annotations

import json
import os
import unicodedata

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from marketplace.platform.sealing.custodians import Custodian
from marketplace.platform.sealing.hpke import public_bytes
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import KEY_SIZE, canonical

ROUNDS = 600_000
_ROUNDS_LIMIT = 10_000_000  # a hostile file must not keep a custodian's machine busy for hours
_SALT_SIZE = 32
_NONCE_SIZE = 12


def _passphrase_key(passphrase: str, salt: bytes, rounds: int) -> AESGCM:
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    return AESGCM(PBKDF2HMAC(algorithm=SHA256(), length=KEY_SIZE, salt=salt, iterations=rounds).derive(secret))


def _aad(custodian: Custodian, rounds: int) -> bytes:
    return f"jbs1|keyfile|{custodian.id}|{custodian.point.hex()}|{rounds}".encode()


def write_key_file(custodian_id: str, key: ec.EllipticCurvePrivateKey, passphrase: str) -> bytes:
    """The file's bytes: canonical JSON of the public key and the encrypted PKCS #8 of the private one."""
    custodian = Custodian(custodian_id, public_bytes(key))
    salt, nonce = os.urandom(_SALT_SIZE), os.urandom(_NONCE_SIZE)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    sealed = _passphrase_key(passphrase, salt, ROUNDS).encrypt(nonce, private, _aad(custodian, ROUNDS))
    return canonical(
        {
            "format": "jbs1-custodian-key",
            "custodian": custodian_id,
            "key": custodian.point.hex(),
            "fingerprint": custodian.fingerprint,
            "rounds": ROUNDS,
            "salt": salt.hex(),
            "nonce": nonce.hex(),
            "sealed": sealed.hex(),
        }
    )


def read_key_file(data: bytes, passphrase: str) -> tuple[Custodian, ec.EllipticCurvePrivateKey]:
    """``KEY_FILE`` for another kind of file, ``PASSPHRASE`` for a wrong passphrase or a changed byte."""
    try:
        document = json.loads(data)
        if document["format"] != "jbs1-custodian-key":
            raise SealError(Reason.KEY_FILE)
        custodian = Custodian(document["custodian"], bytes.fromhex(document["key"]))
        salt, nonce, sealed = (bytes.fromhex(document[name]) for name in ("salt", "nonce", "sealed"))
        rounds = int(document["rounds"])
    except (KeyError, TypeError, ValueError) as error:
        raise SealError(Reason.KEY_FILE) from error
    if document.get("fingerprint") != custodian.fingerprint or not 0 < rounds <= _ROUNDS_LIMIT:
        raise SealError(Reason.KEY_FILE)
    try:
        private = _passphrase_key(passphrase, salt, rounds).decrypt(nonce, sealed, _aad(custodian, rounds))
        key = load_der_private_key(private, password=None)
    except (InvalidTag, ValueError, UnsupportedAlgorithm) as error:
        raise SealError(Reason.PASSPHRASE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or public_bytes(key) != custodian.point:
        raise SealError(Reason.KEY_FILE)
    return custodian, key
