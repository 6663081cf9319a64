"""The same questions asked of the local folders and of an object store (obstore's own, in memory)."""

import hashlib
import io
import os
import threading
from datetime import UTC, datetime, timedelta

import obstore.store
import pytest

from marketplace.platform.files import (
    Damaged,
    LocalStorage,
    Missing,
    ObjectStorage,
    TooLarge,
    chunks_of,
    put_bytes,
    read,
    storage_from,
)

NOTHING = hashlib.sha256(b"never stored").hexdigest()


@pytest.fixture(params=["local", "object"])
def storage(request, tmp_path):
    return LocalStorage(tmp_path / "files") if request.param == "local" else ObjectStorage(obstore.store.MemoryStore())


def test_comes_back_under_its_hash(storage):
    data = os.urandom(2_500_000)
    stored = storage.put(chunks_of(io.BytesIO(data), 70_000))
    assert (stored.sha256, stored.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert read(storage, stored.sha256) == data
    assert storage.size(stored.sha256) == len(data)
    assert list(storage.hashes()) == [stored.sha256]


def test_twice_is_once(storage):
    assert put_bytes(storage, b"a") == put_bytes(storage, b"a")
    assert len(list(storage.hashes())) == 1


def test_empty_is_something(storage):
    assert read(storage, put_bytes(storage, b"").sha256) == b""


def test_too_large_keeps_nothing(storage):
    with pytest.raises(TooLarge, match="超过2 MB"):
        storage.put([b"x" * 1024 * 1024] * 3, limit=2 * 1024 * 1024)
    assert list(storage.hashes()) == []
    assert storage.put([b"x" * 1024 * 1024] * 2, limit=2 * 1024 * 1024).size == 2 * 1024 * 1024


def test_what_is_not_there(storage):
    with pytest.raises(Missing):
        storage.stream(NOTHING)
    assert storage.size(NOTHING) is None
    storage.delete(NOTHING)


def test_deleted_is_gone(storage):
    sha256 = put_bytes(storage, b"a").sha256
    storage.delete(sha256)
    assert storage.size(sha256) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_hash_is_a_name(storage, name):
    with pytest.raises(ValueError, match="SHA-256"):
        storage.stream(name)


def test_orphans_are_found_by_age(storage):
    sha256 = put_bytes(storage, b"a").sha256
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert list(storage.hashes(older_than=later)) == [sha256]
    assert list(storage.hashes(older_than=later - timedelta(hours=1))) == []


def test_writing_again_makes_young_again(tmp_path):
    storage = LocalStorage(tmp_path)
    sha256 = put_bytes(storage, b"a").sha256
    os.utime(storage.path(sha256), (0, 0))
    old = datetime(2000, 1, 1, tzinfo=UTC)
    assert list(storage.hashes(older_than=old)) == [sha256]
    put_bytes(storage, b"a")
    assert list(storage.hashes(older_than=old)) == []


def test_damage_is_noticed(tmp_path):
    storage = LocalStorage(tmp_path)
    sha256 = put_bytes(storage, b"abc").sha256
    storage.path(sha256).write_bytes(b"abd")
    with pytest.raises(Damaged):
        read(storage, sha256)


def test_nothing_temporary_is_left_and_a_dead_writer_is_swept(tmp_path):
    storage = LocalStorage(tmp_path)
    put_bytes(storage, b"a")

    def broken():
        yield b"half"
        raise RuntimeError("connection lost")

    with pytest.raises(RuntimeError):
        storage.put(broken())
    assert list((tmp_path / "tmp").iterdir()) == []
    (tmp_path / "tmp" / "dead").write_bytes(b"half")
    assert storage.sweep(older_than=datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert storage.sweep(older_than=datetime.now(UTC) + timedelta(minutes=1)) == 1


def test_parallel_writers_of_the_same_bytes(tmp_path):
    storage = LocalStorage(tmp_path)
    results = []
    threads = [threading.Thread(target=lambda: results.append(put_bytes(storage, b"same"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert read(storage, results[0].sha256) == b"same"


def test_the_file_is_synced_before_it_is_linked_and_its_folder_after(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "link"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1])
    storage = LocalStorage(tmp_path)
    put_bytes(storage, b"a")
    link = calls.index("link")
    assert calls[link - 3 : link] == ["fsync"] * 3  # the file, then the two new folders
    assert calls[link + 1 :] == ["fsync"]


def test_the_setting_names_the_storage(tmp_path):
    assert storage_from(None, instance=tmp_path).root == tmp_path / "files"
    assert storage_from(f"file://{tmp_path}/x%20y", instance=tmp_path).root == tmp_path / "x y"
    assert isinstance(storage_from("s3://bucket/prefix", instance=tmp_path), ObjectStorage)
    with pytest.raises(ValueError, match="s3://bucket"):
        storage_from("ftp://host/x", instance=tmp_path)
