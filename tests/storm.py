"""Processes that are killed again and again, and what is left to look at afterwards.

A storm module has ``main``, which hands ``killed`` its application and what a child does; its test starts it as a process
with ``rage`` and lets a last, undisturbed process do what is still to be done with ``calm``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketplace.config import Config

ROOT = Path(__file__).resolve().parents[1]
CALM = """
import sys
from pathlib import Path
from marketplace import create_app, db, worker
from tests.storm import config
create_app(config(Path(sys.argv[1])))
"""


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'storm.sqlite'}"


def config(folder: Path) -> Config:
    return Config(
        instance=folder,
        keys=folder / "keys",
        database_url=database(folder),
        secret_key="storm-secret-that-is-long-enough-0123456789",
        demo=True,
        testing=True,
    )


def killed(app: Any, rounds: int, act: Callable[[], None], wanted: Callable[[int], int]) -> None:
    """Fork a child that runs the worker and acts as fast as it can, one byte to the pipe for each commit; kill it with
    signal 9 after ``wanted`` of them. Writes how many were acknowledged.

    The parent has imported everything and forks: a round costs no start.
    """
    app.extensions["engine"].dispose()
    acknowledged = 0
    for number in range(rounds):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            app.extensions["start_worker"]()
            while True:
                act()
                os.write(writer, b".")
        os.close(writer)
        seen = 0
        while seen < wanted(number):
            chunk = os.read(reader, 4096)
            assert chunk, "the child died by itself"
            seen += len(chunk)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while chunk := os.read(reader, 4096):  # committed and said so before the kill
            seen += len(chunk)
        os.close(reader)
        acknowledged += seen
    sys.stdout.write("\n" + json.dumps({"acknowledged": acknowledged}))


def rage(module: str, folder: Path, rounds: int) -> int:
    """Run a storm; returns how many commits were acknowledged."""
    command = [sys.executable, "-m", module, str(folder), str(rounds)]
    storm = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(json.loads(storm.stdout.splitlines()[-1])["acknowledged"])  # logs come before


def calm(folder: Path, script: str) -> None:
    """Let a process of its own do the rest (``worker`` and ``db`` are at hand)."""
    subprocess.run([sys.executable, "-c", CALM + script, str(folder)], cwd=ROOT, check=True, capture_output=True)
