"""A bid sealed offline, as one file: an uncompressed zip of the submission and the ciphertexts.

    submission.json          what the commit carries
    parts/technical.0 …      one entry per part of the manifest

It holds nothing that the server may not see, so it may travel on any stick.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self

from marketplace.platform.sealing.manifest import Manifest, Submission
from marketplace.platform.sealing.opening import check_stored
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.seal import Store
from marketplace.platform.sealing.wire import canonical

_SUBMISSION = "submission.json"
_SUBMISSION_LIMIT = 64 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip knows: the file says nothing about when it was made


def _entry(envelope: str, part: int) -> str:
    return f"parts/{envelope}.{part}"


def write_package(target: Path, seal_into: Callable[[Store], Submission]) -> Submission:
    """Run a sealing whose ciphertext goes straight into ``target``; a failed one leaves no file behind."""
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:

            def store(envelope: str, part: int, pieces: Iterator[bytes]) -> None:
                with archive.open(zipfile.ZipInfo(_entry(envelope, part), _EPOCH), "w", force_zip64=True) as out:
                    for piece in pieces:
                        out.write(piece)

            submission = seal_into(store)
            archive.writestr(zipfile.ZipInfo(_SUBMISSION, _EPOCH), canonical(submission.to_json()))
        return submission
    except FileExistsError:
        raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class Package:
    """A package being read; ``PACKAGE`` for anything that is not one. Use as a context manager."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        try:
            self._archive = zipfile.ZipFile(source)
            with self._archive.open(_SUBMISSION) as entry:
                data = entry.read(_SUBMISSION_LIMIT + 1)
            if len(data) > _SUBMISSION_LIMIT:
                raise SealError(Reason.PACKAGE, _SUBMISSION)
            self.submission = Submission.from_json(json.loads(data))
        except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
            raise SealError(Reason.PACKAGE) from error
        self.manifest = Manifest.parse(self.submission.manifest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def open(self, envelope: str, part: int) -> IO[bytes]:
        """The ciphertext of one part (a ``Fetch``); ``LookupError`` where the package lacks it."""
        info = self._archive.getinfo(_entry(envelope, part))
        if info.compress_type != zipfile.ZIP_STORED:
            raise SealError(Reason.PACKAGE, info.filename)  # a packed part could be a bomb
        return self._archive.open(info)

    def check(self) -> None:
        """Compare every part with the manifest and refuse entries that it does not name."""
        expected = {_SUBMISSION}
        for envelope in self.manifest.envelopes:
            for part in envelope.parts:
                expected.add(_entry(envelope.name, part.part))
                try:
                    with self.open(envelope.name, part.part) as source:
                        check_stored(part, source)
                except (LookupError, zipfile.BadZipFile) as error:
                    raise SealError(Reason.PACKAGE, _entry(envelope.name, part.part)) from error
        if sorted(self._archive.namelist()) != sorted(expected):
            raise SealError(Reason.PACKAGE, "多余的文件")
