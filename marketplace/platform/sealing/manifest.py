"""What a bidder commits to: canonical bytes whose SHA-256 stands in the receipt.

Per envelope the manifest fixes the key (``dek_commit``), every custodian's share, in clear and as wrapped, and per
part the ciphertext and the plaintext. After that there is one way to open the bid, and everybody can tell whether it
was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from marketplace.platform.sealing.container import ciphertext_length, plaintext_length
from marketplace.platform.sealing.custodians import CustodianSet, WrappedShare
from marketplace.platform.sealing.form import FORM_LIMIT, FORM_STEP
from marketplace.platform.sealing.hpke import OVERHEAD
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import (
    ENVELOPES,
    KEY_SIZE,
    SUITE,
    BidRef,
    canonical,
    is_count,
    is_hex,
    read_canonical,
    sha256,
)

FILE_LIMIT = 50 * 1024 * 1024
"""Plaintext bytes of one file."""

TOTAL_LIMIT = 200 * 1024 * 1024
"""Plaintext bytes of all files of a bid."""

FILES_LIMIT = 40
"""Files of one envelope."""

WRAPPED_SHARE_SIZE = 1 + KEY_SIZE + OVERHEAD
OWN_WRAP_SIZE = 12 + KEY_SIZE + 16


@dataclass(frozen=True, slots=True)
class Part:
    """One ciphertext. ``part`` 0 is the form; files have any numbers from 1, in rising order."""

    part: int
    length: int
    sha256: str
    pt_commit: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope's commitments; position i − 1 of both share lists belongs to custodian i."""

    name: str
    dek_commit: str
    share_commits: tuple[str, ...]
    wrapped_shares: tuple[str, ...]
    parts: tuple[Part, ...]

    def part(self, number: int) -> Part | None:
        return next((part for part in self.parts if part.part == number), None)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``replaces``: hash of the version before, or ``None`` for the first."""

    ref: BidRef
    replaces: str | None
    set_hash: str
    envelopes: tuple[Envelope, ...]

    def envelope(self, name: str) -> Envelope:
        return next(envelope for envelope in self.envelopes if envelope.name == name)

    def to_bytes(self) -> bytes:
        return canonical(
            {
                "format": "jbs1-manifest",
                "suite": SUITE,
                "demand": self.ref.demand,
                "bid": self.ref.bid,
                "version": self.ref.version,
                "replaces": self.replaces,
                "set_hash": self.set_hash,
                "envelopes": [
                    {
                        "name": envelope.name,
                        "dek_commit": envelope.dek_commit,
                        "share_commits": list(envelope.share_commits),
                        "wrapped_shares": list(envelope.wrapped_shares),
                        "parts": [
                            {"part": p.part, "length": p.length, "sha256": p.sha256, "pt_commit": p.pt_commit}
                            for p in envelope.parts
                        ],
                    }
                    for envelope in self.envelopes
                ],
            }
        )

    @property
    def hash(self) -> str:
        return sha256(self.to_bytes())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Only the exact canonical bytes of a complete manifest; else ``MANIFEST_MALFORMED`` or ``SUITE_UNKNOWN``."""
        try:
            document = read_canonical(data)
        except ValueError as error:
            raise SealError(Reason.MANIFEST_MALFORMED) from error
        fields = _object(document, "format suite demand bid version replaces set_hash envelopes")
        if fields["format"] != "jbs1-manifest":
            raise SealError(Reason.MANIFEST_MALFORMED, "格式")
        if fields["suite"] != SUITE:
            raise SealError(Reason.SUITE_UNKNOWN)
        ref = BidRef(fields["demand"], fields["bid"], fields["version"])
        replaces = fields["replaces"]
        if (replaces is None) != (ref.version == 1) or (replaces is not None and not is_hex(replaces, 32)):
            raise SealError(Reason.MANIFEST_MALFORMED, "前一版本")
        envelopes = tuple(_read_envelope(item) for item in _list(fields["envelopes"]))
        if tuple(envelope.name for envelope in envelopes) != ENVELOPES:
            raise SealError(Reason.MANIFEST_MALFORMED, "封套")
        return cls(ref, replaces, _hash(fields["set_hash"]), envelopes)


def _object(value: Any, names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names.split()):
        raise SealError(Reason.MANIFEST_MALFORMED)
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SealError(Reason.MANIFEST_MALFORMED)
    return value


def _hash(value: Any) -> str:
    if not is_hex(value, 32):
        raise SealError(Reason.MANIFEST_MALFORMED, "指纹")
    return str(value)


def _read_envelope(item: Any) -> Envelope:
    fields = _object(item, "name dek_commit share_commits wrapped_shares parts")
    parts = tuple(_read_part(part) for part in _list(fields["parts"]))
    numbers = [part.part for part in parts]
    if not numbers or numbers[0] != 0 or numbers != sorted(set(numbers)):
        raise SealError(Reason.MANIFEST_MALFORMED, "件号")
    form_size = plaintext_length(parts[0].length)
    if not form_size or form_size % FORM_STEP or form_size > FORM_LIMIT:
        raise SealError(Reason.MANIFEST_MALFORMED, "表单长度")
    return Envelope(
        name=fields["name"],
        dek_commit=_hash(fields["dek_commit"]),
        share_commits=tuple(_hash(value) for value in _list(fields["share_commits"])),
        wrapped_shares=tuple(_hash(value) for value in _list(fields["wrapped_shares"])),
        parts=parts,
    )


def _read_part(item: Any) -> Part:
    fields = _object(item, "part length sha256 pt_commit")
    part, length = fields["part"], fields["length"]
    if not (is_count(part, most=9999) and is_count(length)) or plaintext_length(length) is None:
        raise SealError(Reason.MANIFEST_MALFORMED, "件长")
    return Part(part, length, _hash(fields["sha256"]), _hash(fields["pt_commit"]))


@dataclass(frozen=True, slots=True)
class Submission:
    """What the commit carries (the parts are there already): ≤ 64 KiB with ten custodians and eighty files."""

    manifest: bytes
    wrapped_shares: Mapping[str, Sequence[bytes]]
    own_wraps: Mapping[str, bytes]

    def to_json(self) -> dict[str, Any]:
        return {
            "manifest": self.manifest.decode(),
            "wrapped_shares": {name: [share.hex() for share in shares] for name, shares in self.wrapped_shares.items()},
            "own_wraps": {name: wrap.hex() for name, wrap in self.own_wraps.items()},
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """``MANIFEST_MALFORMED`` where it is not of this shape; what it says is checked by ``accept``."""
        fields = _object(data, "manifest wrapped_shares own_wraps")
        names = " ".join(ENVELOPES)
        try:
            return cls(
                fields["manifest"].encode(),
                {
                    name: tuple(bytes.fromhex(share) for share in _list(shares))
                    for name, shares in _object(fields["wrapped_shares"], names).items()
                },
                {name: bytes.fromhex(wrap) for name, wrap in _object(fields["own_wraps"], names).items()},
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise SealError(Reason.MANIFEST_MALFORMED) from error

    def share(self, manifest: Manifest, envelope: str, index: int) -> WrappedShare:
        """The wrapped share of custodian ``index`` (from 1), with everything that binds it."""
        return WrappedShare(manifest.set_hash, manifest.ref, envelope, index, self.wrapped_shares[envelope][index - 1])


def accept(submission: Submission, *, ref: BidRef, replaces: str | None, custodians: CustodianSet) -> Manifest:
    """Everything that can be checked of a sealed bid without opening it; the stored parts are the caller's to compare.

    Raises ``SealError``: malformed, for another place, for other custodians, other shares than committed to, too big.
    """
    manifest = Manifest.parse(submission.manifest)
    if manifest.ref != ref or manifest.replaces != replaces:
        raise SealError(Reason.MANIFEST_MISPLACED)
    if manifest.set_hash != custodians.hash:
        raise SealError(Reason.MANIFEST_CUSTODIANS)
    count = len(custodians.custodians)
    for envelope in manifest.envelopes:
        shares = submission.wrapped_shares[envelope.name]
        if not len(envelope.share_commits) == len(envelope.wrapped_shares) == len(shares) == count:
            raise SealError(Reason.MANIFEST_SHARES, "份数")
        if any(len(share) != WRAPPED_SHARE_SIZE for share in shares):
            raise SealError(Reason.MANIFEST_SHARES, "长度")
        if tuple(sha256(share) for share in shares) != envelope.wrapped_shares:
            raise SealError(Reason.MANIFEST_SHARES)
        if len(submission.own_wraps[envelope.name]) != OWN_WRAP_SIZE:
            raise SealError(Reason.MANIFEST_MALFORMED, "自用密钥")
    _require_limits(manifest)
    return manifest


def _require_limits(manifest: Manifest) -> None:
    files = [part for envelope in manifest.envelopes for part in envelope.parts if part.part]
    if any(len(envelope.parts) - 1 > FILES_LIMIT for envelope in manifest.envelopes):
        raise SealError(Reason.PART_LIMITS, "件数")
    if any(part.length > ciphertext_length(FILE_LIMIT) for part in files):
        raise SealError(Reason.PART_LIMITS, "单个文件")
    if sum(plaintext_length(part.length) or 0 for part in files) > TOTAL_LIMIT:
        raise SealError(Reason.PART_LIMITS, "合计")
