"""Signed checkpoints of the audit log: C2SP tlog-checkpoint in a C2SP signed note, with Ed25519.

    origin line                     the log's name, e.g. ``zhangbang.example/log/1`` (the last part is the epoch)
    tree size                       decimal, no leading zero
    root                            base64
    extension lines                 none or more, each not empty
                                    (an empty line)
    — key name base64(key id ‖ signature)

Format: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note. The same bytes are read by any transparency
tool, and by the stand-alone verifier. A key's id is SHA-256(name ‖ LF ‖ 0x01 ‖ public key)[:4].
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from marketplace.platform.merkle import HASH_SIZE

ED25519 = b"\x01"  # signed-note: the signature type of plain Ed25519
_DASH = "— "
_KEY_NAME = re.compile(r"[^\s+]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """The text is not a well-formed signed note or checkpoint, or nobody we trust has signed it."""


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadNote("not base64") from error


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name. ``str()`` gives the ``vkey`` line that /transparency prints."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _KEY_NAME.fullmatch(self.name):
            raise ValueError("a key name has no white space and no plus sign")

    @property
    def key_id(self) -> bytes:
        return _key_id(self.name, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads ``name+hex id+base64 key``; the id must be that of the key."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3:
            raise BadNote("a verifier key has three parts")
        name, key_id, encoded = parts
        raw = _unbase64(encoded)
        if len(raw) != 33 or raw[:1] != ED25519 or not _KEY_NAME.fullmatch(name):
            raise BadNote("not an Ed25519 verifier key")
        verifier = cls(name, raw[1:])
        if verifier.key_id.hex() != key_id:
            raise BadNote("the key id does not belong to this key")
        return verifier

    def verify(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The log's own key. ``name`` must stay what it was when the key was made: it is part of the key id."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature line, with its line feed."""
        blob = self.verifier.key_id + self.private.sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(blob).decode()}\n"


def sign_note(text: str, signer: Signer) -> str:
    """The signed note of ``text``, which ends in a line feed and holds no other control character."""
    if not text.endswith("\n") or any(ord(char) < 0x20 and char != "\n" for char in text):
        raise BadNote("a note ends in a line feed and has no control characters")
    return f"{text}\n{signer.sign(text)}"


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """The text of a note signed by one of ``verifiers``; raises ``BadNote`` when none has, or when one's is wrong.

    Signatures by unknown keys (witnesses, a later key of ours) are passed over, as signed-note asks.
    """
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise BadNote("a note has a text, an empty line and signatures")
    text = head + "\n"
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed = False
    for line in tail[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise BadNote("a malformed signature line")
        blob = _unbase64(match[2])
        if len(blob) < 5:
            raise BadNote("a signature is too short")
        verifier = known.get((match[1], blob[:4]))
        if verifier is not None:
            if not verifier.verify(text, blob[4:]):
                raise BadNote("the signature is wrong")
            signed = True
    if not signed:
        raise BadNote("no known key has signed this")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head under the log's name."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or any("\n" in line or not line for line in (self.origin, *self.extensions)):
            raise ValueError("origin and extensions are single lines that are not empty")
        if self.size < 0 or len(self.root) != HASH_SIZE:
            raise ValueError("a checkpoint has a size and a 32-byte root")

    def body(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, body: str) -> Self:
        lines = body.split("\n")
        if len(lines) < 4 or lines.pop() or not _SIZE.fullmatch(lines[1]):
            raise BadNote("not a checkpoint")
        try:
            return cls(lines[0], int(lines[1]), _unbase64(lines[2]), tuple(lines[3:]))
        except ValueError as error:
            raise BadNote(str(error)) from error


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint: what receipts carry and /transparency serves."""
    return sign_note(checkpoint.body(), signer)


def open_checkpoint(note: str, verifiers: Iterable[Verifier], *, origin: str) -> Checkpoint:
    """The checkpoint of a note, when one of ``verifiers`` signed it and it is of the log named ``origin``."""
    checkpoint = Checkpoint.parse(open_note(note, verifiers))
    if checkpoint.origin != origin:
        raise BadNote(f"a checkpoint of another log: {checkpoint.origin}")
    return checkpoint
