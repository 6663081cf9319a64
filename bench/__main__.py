"""``make bench``: every bench module in turn, each in a process of its own; ends with 1 when a floor is missed.

``python -m bench pages importing`` runs some; ``--write`` renews the tables in docs/benchmarks.md. A module prints its
table, then a line ``FLOOR MISSED: …`` for each floor it misses, and exits with 1 in that case.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> int:
    known = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "tables")
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", choices=[*known, []], default=known)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    missed = []
    for name in options.modules or known:
        print(f"== {name}", flush=True)  # noqa: T201
        command = [sys.executable, "-m", f"bench.{name}", *(["--write"] if options.write else [])]
        if subprocess.run(command, check=False).returncode:  # noqa: S603
            missed.append(name)
    print("every floor is kept" if not missed else f"missed in: {', '.join(missed)}")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
