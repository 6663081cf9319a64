"""What every sealing test needs: custodians with their keys, a small bid, and a store in memory."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from marketplace.platform.sealing.custodians import LEVELS, Custodian, CustodianSet, release
from marketplace.platform.sealing.hpke import generate_private_key, public_bytes
from marketplace.platform.sealing.manifest import Manifest, Submission
from marketplace.platform.sealing.opening import open_envelope, recover_key
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal import Attachment, Content, seal
from marketplace.platform.sealing.wire import ENVELOPES, BidRef

REF = BidRef("ZZGX-2026-01-003", "9f2c61d07ab34e5f8c1d20e94ab7735c", 1)


@dataclass
class Store:
    """Ciphertexts by (envelope, part)."""

    blobs: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def put(self, envelope: str, part: int, pieces: Iterator[bytes]) -> None:
        self.blobs[envelope, part] = b"".join(pieces)

    def fetch(self, envelope: str, part: int) -> BytesIO:
        return BytesIO(self.blobs[envelope, part])


@dataclass
class Office:
    """A custodian set together with the private keys that no real person ever has in one place."""

    keys: list[EllipticCurvePrivateKey]
    set: CustodianSet

    @classmethod
    def of(cls, level: str) -> Office:
        quorum, count = LEVELS[level]
        keys = [generate_private_key() for _ in range(count)]
        members = (Custodian(f"c{place}", public_bytes(key)) for place, key in enumerate(keys, start=1))
        return cls(keys, CustodianSet(quorum, tuple(members)))

    def released(
        self, submission: Submission, manifest: Manifest, envelope: str, who: Iterable[int]
    ) -> list[bytes | None]:
        """The shares of custodians ``who`` (from 1)."""
        return list(
            itertools.chain.from_iterable(
                release(self.keys[index - 1], [submission.share(manifest, envelope, index)]) for index in who
            )
        )


def attachment(name: str, data: bytes, role: str = "") -> Attachment:
    return Attachment(name, partial(BytesIO, data), "application/pdf", role)


def small_bid(seed: int = 0) -> dict[str, Content]:
    """Two envelopes with a form and a few files of odd sizes."""
    chance = random.Random(seed)
    return {
        "technical": Content(
            {"indicators": [{"name": "识别准确率", "value": "98.5", "page": 12}], "plan": "技术方案 🚰"},
            (attachment("技术方案.pdf", chance.randbytes(70_001), "plan"), attachment("空.txt", b"")),
        ),
        "price": Content({"total_fen": 123_456_00}, (attachment("分项报价.xlsx", chance.randbytes(4_097)),)),
    }


def seal_small(
    office: Office, store: Store, *, ref: BidRef = REF, seed: int = 0, own_key: OrganisationKey | None = None
) -> tuple[Submission, Manifest]:
    submission = seal(
        small_bid(seed),
        ref=ref,
        replaces=None,
        custodians=office.set,
        own_key=own_key or OrganisationKey.generate(),
        store=store.put,
    )
    return submission, Manifest.parse(submission.manifest)


def open_bid(
    manifest: Manifest, shares: dict[str, list[bytes | None]], store: Store, *, quorum: int
) -> dict[str, tuple[dict[str, object], dict[str, bytes]]]:
    """Both envelopes: (fields, file name → bytes). Raises the first ``SealError``."""
    opened = {}
    for envelope in ENVELOPES:
        files: dict[str, bytes] = {}
        dek = recover_key(manifest, envelope, shares[envelope], quorum=quorum)
        form = open_envelope(
            manifest,
            envelope,
            dek=dek,
            fetch=store.fetch,
            keep=lambda file, chunks, files=files: files.__setitem__(file.name, b"".join(chunks)),
        )
        opened[envelope] = (dict(form.fields), files)
    return opened


def content_of(contents: dict[str, Content]) -> dict[str, tuple[dict[str, object], dict[str, bytes]]]:
    """What ``open_bid`` should give for it."""
    return {
        envelope: (
            dict(content.fields),
            {file.name: file.open().__enter__().read(1 << 30) for file in content.attachments},
        )
        for envelope, content in contents.items()
    }
