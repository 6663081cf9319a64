"""``python -m bench.audit``: how long it takes to verify a log of 100,000 entries, and what verifying it costs in all.

The floor (2 s of CPU) is for entries written in transactions of a hundred, as an import or an opening writes them. With
one entry a transaction there is a signature to check for each, and the time is theirs: printed, not held to the floor.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.tables import finish, table


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, missed = [], []
    for together in (100, 1):
        count = options.entries if together > 1 else options.entries // 10
        seconds = verified(count, together)
        per = seconds / count * options.entries
        rows.append([count, together, f"{seconds:.2f}", f"{per:.2f}"])
        if together > 1 and per > 2.0:
            missed.append(f"verifying {options.entries} entries takes {per:.1f} s > 2")
    head = ("entries", "in one transaction", "CPU s", f"CPU s for {options.entries}")
    return finish("audit", table(head, rows), missed, write=options.write)


def verified(count: int, together: int) -> float:
    """CPU seconds of one full check over a scratch database."""
    from marketplace import db, features, migrate
    from marketplace.platform import audit, clock
    from marketplace.platform.audit import queries
    from marketplace.platform.policy import SYSTEM

    with tempfile.TemporaryDirectory() as folder:
        engine = db.make_engine(f"sqlite:///{folder}/bench.sqlite", durable=False)
        features.load_models()
        migrate.upgrade(engine)
        audit.configure(Path(folder) / "keys", "bench.test/log")
        db.configure(engine)
        for start in range(0, count, together):
            with db.transaction():
                for number in range(start, start + together):
                    facts = {"number": number}
                    audit.append(
                        "thing.done", subject=f"thing:{number}", actor=SYSTEM, at=clock.wall_now(), facts=facts
                    )
        with db.transaction():
            begin = time.process_time()
            verdict = queries.verify()
            spent = time.process_time() - begin
        assert (verdict.ok, verdict.entries) == (True, count), verdict
        db.session.remove()
        engine.dispose()
        return spent


if __name__ == "__main__":
    sys.exit(main())
