"""SIGKILL of the writer at random moments, in processes of their own on a database of their own: nothing drifts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.sizes import size

ROOT = Path(__file__).resolve().parents[2]


def test_the_writer_killed_at_any_moment_leaves_no_drift_and_needs_nobody() -> None:
    command = [sys.executable, "-m", "bench.indexing", "--whoosh", "0", "--tantivy", "0", "--rebuild", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [*command, "--kills", str(size(10, 50))],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=size(280, 3600),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if "SIGKILL" in line]
    assert len(told) == 2
    assert all("drift 0, rebuilt 0 times" in line for line in told), told
