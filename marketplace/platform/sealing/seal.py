"""Content → ciphertext, manifest, wrapped shares. The Python half; ``static/js/sealing/seal.js`` is its twin."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from marketplace.platform.sealing.container import Readable, encrypt
from marketplace.platform.sealing.custodians import CustodianSet
from marketplace.platform.sealing.form import COMMIT_SALT_SIZE, Form, SealedFile, frame
from marketplace.platform.sealing.hpke import seal_to
from marketplace.platform.sealing.manifest import Envelope, Manifest, Part, Submission
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.shamir import split
from marketplace.platform.sealing.wire import (
    ENVELOPES,
    KEY_SIZE,
    BidRef,
    dek_commitment,
    sha256,
    share_commitment,
    share_info,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be sealed. ``open`` gives a fresh reader; it is read once, 1 MiB at a time, and closed."""

    name: str
    open: Callable[[], AbstractContextManager[Readable]]
    media_type: str = "application/octet-stream"
    role: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into one envelope."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


Store = Callable[[str, int, Iterator[bytes]], None]
"""``(envelope, part, pieces)``: keeps the ciphertext of one part; must take every piece."""


class _Measured:
    """Hashes what passes: the plaintext on its way in and the ciphertext on its way out."""

    def __init__(self, source: Readable, salt: bytes) -> None:
        self._source = source
        self._commit = hashlib.sha256(salt)
        self._cipher = hashlib.sha256()
        self.size = self.length = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._commit.update(data)
        self.size += len(data)
        return data

    def outgoing(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._cipher.update(piece)
            self.length += len(piece)
            yield piece

    def part(self, number: int) -> Part:
        return Part(number, self.length, self._cipher.hexdigest(), self._commit.hexdigest())


def _seal_part(
    source: Readable, salt: bytes, *, dek: bytes, ref: BidRef, envelope: str, part: int, store: Store
) -> tuple[Part, int]:
    measured = _Measured(source, salt)
    store(envelope, part, measured.outgoing(encrypt(measured, dek=dek, ref=ref, envelope=envelope, part=part)))
    return measured.part(part), measured.size


def seal_parts(content: Content, *, dek: bytes, ref: BidRef, envelope: str, store: Store) -> tuple[Part, ...]:
    """Encrypt the files and then the form that lists them; gives the manifest's parts, the form first."""
    parts, files = list[Part](), list[SealedFile]()
    for number, attachment in enumerate(content.attachments, start=1):
        salt = os.urandom(COMMIT_SALT_SIZE)
        with attachment.open() as source:
            part, size = _seal_part(source, salt, dek=dek, ref=ref, envelope=envelope, part=number, store=store)
        parts.append(part)
        files.append(SealedFile(number, attachment.name, attachment.media_type, size, salt.hex(), attachment.role))
    plaintext = BytesIO(frame(Form(envelope, content.fields, tuple(files))))
    form, _ = _seal_part(plaintext, b"", dek=dek, ref=ref, envelope=envelope, part=0, store=store)
    return (form, *parts)


def deal(
    dek: bytes, *, ref: BidRef, envelope: str, custodians: CustodianSet
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """One envelope key for the custodians: the wrapped shares, and the commitments to the shares in clear."""
    shares = split(dek, quorum=custodians.quorum, count=len(custodians.custodians))
    wrapped = tuple(
        seal_to(custodian.point, share, share_info(custodians.hash, ref, envelope, index))
        for index, (custodian, share) in enumerate(zip(custodians.custodians, shares, strict=True), start=1)
    )
    return wrapped, tuple(share_commitment(ref, envelope, share) for share in shares)


def seal(
    contents: Mapping[str, Content],
    *,
    ref: BidRef,
    replaces: str | None,
    custodians: CustodianSet,
    own_key: OrganisationKey,
    store: Store,
) -> Submission:
    """Seal a whole bid. Every call draws new keys, salts and shares; nothing of the content is kept or logged."""
    envelopes, wrapped_shares, own_wraps = list[Envelope](), dict[str, Sequence[bytes]](), dict[str, bytes]()
    for name in ENVELOPES:
        dek = os.urandom(KEY_SIZE)
        parts = seal_parts(contents.get(name, Content()), dek=dek, ref=ref, envelope=name, store=store)
        wrapped, commits = deal(dek, ref=ref, envelope=name, custodians=custodians)
        envelopes.append(
            Envelope(name, dek_commitment(ref, name, dek), commits, tuple(sha256(share) for share in wrapped), parts)
        )
        wrapped_shares[name] = wrapped
        own_wraps[name] = own_key.wrap(dek, ref=ref, envelope=name)
    manifest = Manifest(ref, replaces, custodians.hash, tuple(envelopes))
    return Submission(manifest.to_bytes(), wrapped_shares, own_wraps)
