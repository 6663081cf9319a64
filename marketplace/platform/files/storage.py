"""Content-addressed storage: bytes in, SHA-256 out. Local folders by default, S3 by setting.

What is stored under a hash never changes, so writing twice is harmless and a retry needs no thought. A caller writes
the file first and its row second; a rolled-back row leaves an orphan, which a worker finds by ``hashes(older_than=…)``
and deletes: writing again makes the bytes young again, so nothing is deleted between a file and its row.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol
from urllib.parse import unquote, urlsplit

import obstore

CHUNK: Final = 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Stored:
    """``sha256`` in lower-case hex, ``size`` in bytes."""

    sha256: str
    size: int


class TooLarge(ValueError):
    """More bytes came than ``limit``; nothing was kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.zh = f"文件超过{limit / CHUNK:g} MB，请压缩或拆分后上传。"
        self.en = f"The file is larger than {limit / CHUNK:g} MB."
        super().__init__(self.zh)


class Missing(KeyError):
    """Nothing is stored under this hash."""


class Damaged(OSError):
    """What is stored does not have the hash it is stored under."""


class Storage(Protocol):
    """Hashes are 64 lower-case hex digits; anything else raises ``ValueError``, so no path can be smuggled in."""

    def put(self, chunks: Iterable[bytes], *, limit: int | None = None) -> Stored:
        """Stores the bytes durably and returns once they are; raises ``TooLarge``."""

    def stream(self, sha256: str) -> Iterator[bytes]:
        """The bytes in pieces; raises ``Missing`` at once, and ``Damaged`` after the last piece if they are wrong."""

    def size(self, sha256: str) -> int | None:
        """Bytes stored, ``None`` when there are none."""

    def delete(self, sha256: str) -> None:
        """Removes the bytes; nothing happens when they are not there."""

    def hashes(self, *, older_than: datetime | None = None) -> Iterator[str]:
        """All that is stored and was last written before ``older_than``, in no order."""


def read(storage: Storage, sha256: str) -> bytes:
    """All bytes at once, checked."""
    return b"".join(storage.stream(sha256))


def put_bytes(storage: Storage, data: bytes) -> Stored:
    return storage.put((data,))


def chunks_of(file: BinaryIO, size: int = CHUNK) -> Iterator[bytes]:
    """An open file in pieces, from where it stands."""
    while piece := file.read(size):
        yield piece


class ChunkReader:
    """Pieces read as a file; a single read may give less than asked for."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data


def storage_from(url: str | None, *, instance: Path) -> Storage:
    """The storage a setting names: nothing → ``instance/files``; ``file:///path``; ``s3://bucket/prefix``.

    S3 reads the usual AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_REGION from the environment.
    """
    if not url:
        return LocalStorage(instance / "files")
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc:
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return ObjectStorage(obstore.store.from_url(url))
    raise ValueError(f"STORAGE_URL is s3://bucket/prefix or file:///path, not {parts.scheme}://…")


def _place(sha256: str) -> str:
    """``ab/cd/abcd…``: at most 65,536 folders."""
    if not _HASH.fullmatch(sha256):
        raise ValueError("not a SHA-256 in lower-case hex")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _copy(chunks: Iterable[bytes], target: BinaryIO, limit: int | None) -> Stored:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge(limit)
        digest.update(chunk)
        target.write(chunk)
    return Stored(digest.hexdigest(), size)


def _checked(sha256: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield bytes(piece)
    if digest.hexdigest() != sha256:
        raise Damaged(f"stored bytes do not match {sha256}")


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class LocalStorage:
    """Folders under ``root``. A file appears whole or not at all, and is on the disk when ``put`` returns.

    Own lines, because obstore's local store never calls fsync. Order: temporary file → fsync → link (which cannot
    overwrite) → fsync of each folder that got an entry. ``durable=False`` leaves the fsyncs out: for content that can
    be made again at any time.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root
        self.durable = durable
        self._temporary = root / "tmp"

    def path(self, sha256: str) -> Path:
        """Where the bytes lie, whether or not they do."""
        return self.root / _place(sha256)

    def put(self, chunks: Iterable[bytes], *, limit: int | None = None) -> Stored:
        self._make(self._temporary)
        handle, name = tempfile.mkstemp(dir=self._temporary)
        try:
            with os.fdopen(handle, "wb") as file:
                stored = _copy(chunks, file, limit)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())
            target = self.path(stored.sha256)
            self._make(target.parent)
            try:
                os.link(name, target)
            except FileExistsError:  # the same bytes, from an earlier or a parallel writer
                os.utime(target)
            self._sync(target.parent)
        finally:
            os.unlink(name)
        return stored

    def _make(self, folder: Path) -> None:
        """Creates a folder and its parents, each entry synced into its parent."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        self._sync(folder.parent)

    def _sync(self, folder: Path) -> None:
        if self.durable:
            _sync_folder(folder)

    def stream(self, sha256: str) -> Iterator[bytes]:
        try:
            file = self.path(sha256).open("rb")
        except FileNotFoundError:
            raise Missing(sha256) from None
        return self._pieces(sha256, file)

    @staticmethod
    def _pieces(sha256: str, file: BinaryIO) -> Iterator[bytes]:
        with file:
            yield from _checked(sha256, chunks_of(file))

    def size(self, sha256: str) -> int | None:
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, sha256: str) -> None:
        path = self.path(sha256)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            _sync_folder(path.parent)

    def hashes(self, *, older_than: datetime | None = None) -> Iterator[str]:
        for path in self.root.glob("??/??/*"):
            with contextlib.suppress(FileNotFoundError):
                if older_than is None or path.stat().st_mtime < older_than.timestamp():
                    yield path.name

    def sweep(self, *, older_than: datetime) -> int:
        """Removes temporary files that a killed process left before ``older_than``; returns how many."""
        removed = 0
        for path in self._temporary.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < older_than.timestamp():
                    path.unlink()
                    removed += 1
        return removed


class ObjectStorage:
    """An S3-compatible bucket through obstore. Bytes are hashed on their way into a temporary file, then uploaded."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def put(self, chunks: Iterable[bytes], *, limit: int | None = None) -> Stored:
        with tempfile.TemporaryFile() as file:
            stored = _copy(chunks, file, limit)
            file.seek(0)
            obstore.put(self._store, _place(stored.sha256), file)
        return stored

    def stream(self, sha256: str) -> Iterator[bytes]:
        try:
            result = obstore.get(self._store, _place(sha256))
        except FileNotFoundError:
            raise Missing(sha256) from None
        return _checked(sha256, result.stream(min_chunk_size=CHUNK))

    def size(self, sha256: str) -> int | None:
        try:
            return int(obstore.head(self._store, _place(sha256))["size"])
        except FileNotFoundError:
            return None

    def delete(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, _place(sha256))

    def hashes(self, *, older_than: datetime | None = None) -> Iterator[str]:
        for batch in obstore.list(self._store):
            for item in batch:
                name = str(item["path"]).rpartition("/")[2]
                if _HASH.fullmatch(name) and (older_than is None or item["last_modified"] < older_than):
                    yield name
