"""Where the index of this host lives, and who may write it.

    instance/search/<engine>/current      names the directory that readers use: "7"
    instance/search/<engine>/7/           one complete index (``directory``)
    instance/search/<engine>/writer.lock  held while a batch is written: one writer, in whatever process
    instance/search/<engine>/rebuild.lock held while a new directory is being built beside the current one

A file lock dies with its process, so kill -9 leaves nothing to clean. The lease inside the file is for network file
systems on which two hosts cannot see each other's locks.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from marketplace.platform import clock

LEASE, BUILD_LEASE = timedelta(seconds=60), timedelta(minutes=20)
PAUSE = 0.05  # seconds between two tries for a lock
KEEP = 60.0  # seconds that a replaced index stays on disk for readers that have not looked yet


class Busy(Exception):
    """Another process is writing or rebuilding the index."""


class Place:
    """The folder of one engine's indexes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Path | None:
        """The index that readers use, ``None`` where there is none."""
        try:
            name = (self.root / "current").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        path = self.root / name
        return path if name.isdigit() and path.is_dir() else None

    def begin(self) -> Path:
        """The path of the next index; the leftovers of rebuilds that died are removed. Needs the rebuild lock."""
        self.root.mkdir(parents=True, exist_ok=True)
        live = self.current()
        numbers = [int(path.name) for path in self.root.iterdir() if path.name.isdigit()]
        for path in self._directories():
            if live is None or int(path.name) > int(live.name):
                shutil.rmtree(path, ignore_errors=True)
        return self.root / str(max(numbers, default=0) + 1)

    def switch(self, path: Path) -> None:
        """Let readers use this index from their next look on. Atomic and durable."""
        draft = self.root / "current.new"
        with draft.open("w", encoding="ascii") as file:
            file.write(path.name)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.root / "current")

    def report(self, path: Path) -> None:
        """A reader could not use this index: whoever writes here looks into it."""
        with suppress(OSError):
            (self.root / "reported").write_text(path.name, encoding="ascii")

    def reported(self) -> bool:
        """Whether the present index was reported; asking takes the report away."""
        live, note = self.current(), self.root / "reported"
        try:
            name = note.read_text(encoding="ascii")
            note.unlink()
        except (OSError, UnicodeDecodeError):
            return False
        return live is not None and live.name == name

    def tidy(self, *, keep: float = KEEP) -> None:
        """Remove replaced indexes once every reader has had time to move on."""
        live = self.current()
        if live is None:
            return
        since = clock.wall_now().timestamp() - (self.root / "current").stat().st_mtime  # ages of files
        for path in self._directories():
            if int(path.name) < int(live.name) and since > keep:
                shutil.rmtree(path, ignore_errors=True)

    def _directories(self) -> list[Path]:
        return [path for path in self.root.iterdir() if path.name.isdigit() and path.is_dir()]

    @contextmanager
    def writing(self, *, wait: float = 0.0) -> Iterator[None]:
        """Be the one writer. Raises ``Busy`` when somebody else still is after ``wait`` seconds."""
        with self._locked("writer.lock", wait):
            yield

    @contextmanager
    def rebuilding(self, *, wait: float = 0.0) -> Iterator[None]:
        """Be the one who builds a new index."""
        with self._locked("rebuild.lock", wait, BUILD_LEASE):
            yield

    @contextmanager
    def _locked(self, name: str, wait: float, lease: timedelta = LEASE) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        end = time.monotonic() + wait
        with (self.root / name).open("a+", encoding="utf-8") as file:
            while not _taken(file):
                if time.monotonic() >= end:
                    raise Busy("另一个进程正在写索引。")
                time.sleep(PAUSE)
            _sign(file, clock.wall_now().timestamp() + lease.total_seconds())
            try:
                yield
            finally:
                _sign(file, 0.0)


def _taken(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    file.seek(0)
    try:
        lease = json.loads(file.read() or "{}")
        foreign = lease.get("host") != socket.gethostname() and lease["until"] > clock.wall_now().timestamp()
    except (ValueError, KeyError, TypeError, AttributeError):
        foreign = False  # half a lease is that of a process that died while signing
    if foreign:
        fcntl.flock(file, fcntl.LOCK_UN)
    return not foreign


def _sign(file: Any, until: float) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "until": until}))
    file.flush()
