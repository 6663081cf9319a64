"""The real site for a browser: a fresh demo in a temporary folder, behind the real server.

The story is played once for all browser tests of a run; each file of tests is served a copy of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _prepare(folder: Path) -> None:
    env = {**os.environ, "ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": str(folder)}
    subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "prepare"], cwd=ROOT, env=env, check=True)


def prepared(shared: Path) -> Path:
    """The played demo in ``shared``, made by whoever asks first; nobody serves it, it is copied."""
    folder, done = shared / "demo", shared / "demo.done"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            _prepare(folder)
            done.touch()
    return folder


@contextmanager
def served(made: Path | None = None) -> Iterator[str]:
    """The base URL of a fresh demo site, a copy of ``made`` or one played for itself; everything is gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "demo"
        if made is None:
            _prepare(folder)
        else:
            shutil.copytree(made, folder)
        env = {**os.environ, "ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": str(folder), "PORT": str(port)}
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], cwd=ROOT, env=env
        )
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(400):
                try:
                    urllib.request.urlopen(f"{base}/readyz", timeout=2)
                    break
                except OSError:
                    time.sleep(0.2)
            yield base
        finally:
            server.terminate()
            server.wait(30)
