"""Shares → content, or the one reason why not.

    read_manifest   the bytes that the receipt states, no others
    recover_key     combine → check every commitment that hangs on the key
    open_form       decrypt part 0 → check its commitment → read it → compare its list of files with the manifest
    open_file       decrypt → check its commitment, chunk by chunk

The verdict on a bid does not depend on which custodians released: from any k shares the other n − k are computed and
compared with their commitments too, so a bidder who deals shares that disagree is found by every quorum.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator

from marketplace.platform.sealing.container import CHUNK_SIZE, Readable, decrypt, plaintext_length
from marketplace.platform.sealing.form import Form, SealedFile, unframe
from marketplace.platform.sealing.manifest import Envelope, Manifest, Part
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.shamir import combine, complete
from marketplace.platform.sealing.wire import KEY_SIZE, BidRef, dek_commitment, sha256, share_commitment


def read_manifest(data: bytes, *, manifest_hash: str) -> Manifest:
    """The stored manifest, when it still is the one that the receipt states; else ``MANIFEST_HASH``."""
    if not hmac.compare_digest(sha256(data), manifest_hash):
        raise SealError(Reason.MANIFEST_HASH)
    return Manifest.parse(data)


def share_is_right(manifest: Manifest, envelope: str, index: int, share: bytes | None) -> bool:
    """Whether a released share is the one that the bidder committed to for custodian ``index`` (from 1)."""
    if share is None or len(share) != KEY_SIZE + 1 or share[0] != index:
        return False
    commits = manifest.envelope(envelope).share_commits
    if not 1 <= index <= len(commits):
        return False
    return hmac.compare_digest(share_commitment(manifest.ref, envelope, share), commits[index - 1])


def recover_key(manifest: Manifest, envelope: str, shares: Iterable[bytes | None], *, quorum: int) -> bytes:
    """The envelope key from whatever was released: wrong and missing shares are passed over.

    ``SHARES_SHORT``: fewer than ``quorum`` right ones; more releases may still open it.
    ``SHARES_INCONSISTENT``: the bidder's own shares disagree with each other or with the key committed to.
    """
    right = {share[0]: share for share in shares if share and share_is_right(manifest, envelope, share[0], share)}
    if len(right) < quorum:
        raise SealError(Reason.SHARES_SHORT, f"{len(right)}/{quorum}")
    chosen = [right[index] for index in sorted(right)[:quorum]]
    dek, commits = combine(*chosen), manifest.envelope(envelope).share_commits
    dealt = complete(*chosen, count=len(commits))
    honest = all(share_is_right(manifest, envelope, index, share) for index, share in enumerate(dealt, start=1))
    if not honest:
        raise SealError(Reason.SHARES_INCONSISTENT)
    require_key(manifest, envelope, dek)
    return dek


def require_key(manifest: Manifest, envelope: str, dek: bytes) -> None:
    """``SHARES_INCONSISTENT`` unless this is the key that the manifest fixes."""
    if not hmac.compare_digest(dek_commitment(manifest.ref, envelope, dek), manifest.envelope(envelope).dek_commit):
        raise SealError(Reason.SHARES_INCONSISTENT)


class _Stored:
    """The stored ciphertext of a part, hashed while it is read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._length = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._digest.update(data)
        self._length += len(data)
        return data

    def require(self, part: Part) -> None:
        """Read to the end; ``PART_LENGTH`` or ``PART_HASH`` where this is not what was committed to."""
        while self.read(CHUNK_SIZE):
            pass
        if self._length != part.length:
            raise SealError(Reason.PART_LENGTH, f"第{part.part}件")
        if self._digest.hexdigest() != part.sha256:
            raise SealError(Reason.PART_HASH, f"第{part.part}件")


def check_stored(part: Part, source: Readable) -> None:
    """Compare a stored ciphertext with the manifest without opening it: before the commit, and in backups."""
    _Stored(source).require(part)


def open_part(part: Part, source: Readable, *, dek: bytes, ref: BidRef, envelope: str, salt: bytes) -> Iterator[bytes]:
    """The plaintext of one part. Only when the iteration ends without a ``SealError`` was it what was committed to.

    What our own storage spoilt is told apart from what the bidder sealed wrongly: the first is never his fault.
    """
    stored, commit = _Stored(source), hashlib.sha256(salt)
    try:
        for chunk in decrypt(stored, dek=dek, ref=ref, envelope=envelope, part=part.part):
            commit.update(chunk)
            yield chunk
    except SealError:
        stored.require(part)
        raise
    stored.require(part)
    if not hmac.compare_digest(commit.hexdigest(), part.pt_commit):
        raise SealError(Reason.CONTENT_COMMITMENT, f"第{part.part}件")


def open_form(manifest: Manifest, envelope: str, source: Readable, *, dek: bytes) -> Form:
    """The form of an envelope, whose list of files is that of the manifest."""
    committed = manifest.envelope(envelope)
    chunks = open_part(committed.parts[0], source, dek=dek, ref=manifest.ref, envelope=envelope, salt=b"")
    form = unframe(b"".join(chunks), envelope=envelope)
    _require_same_files(form, committed)
    return form


def _require_same_files(form: Form, committed: Envelope) -> None:
    listed = [(file.part, file.size) for file in sorted(form.files, key=lambda file: file.part)]
    if listed != [(part.part, plaintext_length(part.length)) for part in committed.parts[1:]]:
        raise SealError(Reason.FILE_LIST)


def open_file(manifest: Manifest, envelope: str, file: SealedFile, source: Readable, *, dek: bytes) -> Iterator[bytes]:
    """The plaintext of one listed file; take it for good only after the last chunk."""
    part = manifest.envelope(envelope).part(file.part)
    if part is None:
        raise SealError(Reason.FILE_LIST)
    return open_part(part, source, dek=dek, ref=manifest.ref, envelope=envelope, salt=bytes.fromhex(file.salt))


Fetch = Callable[[str, int], Readable]
"""``(envelope, part)`` → the stored ciphertext; raises ``LookupError`` or ``OSError`` where it is gone."""

Keep = Callable[[SealedFile, Iterator[bytes]], None]
"""Takes a file's plaintext; a ``SealError`` out of the iterator passes through it, and nothing is to be kept then."""


def open_envelope(manifest: Manifest, envelope: str, *, dek: bytes, fetch: Fetch, keep: Keep) -> Form:
    """Open one envelope completely: the form, then each file handed to ``keep``. Raises the first reason not to."""

    def stored(part: int) -> Readable:
        try:
            return fetch(envelope, part)
        except (LookupError, OSError) as error:
            raise SealError(Reason.PART_MISSING, f"第{part}件") from error

    require_key(manifest, envelope, dek)
    form = open_form(manifest, envelope, stored(0), dek=dek)
    for file in form.files:
        keep(file, open_file(manifest, envelope, file, stored(file.part), dek=dek))
    return form
