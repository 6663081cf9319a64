"""``python -m bench.audit``: how long it takes to verify a log of 100,000 entries.

The floor is 2 s of CPU, for entries written in transactions of a hundred as an import or an opening writes them, and for
one entry a transaction, where there is a signed checkpoint for each. ``--thorough`` checks every signature as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.tables import finish, table

FLOOR_S = 2.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, missed = [], []
    for together in (100, 1):
        seconds, thorough = verified(options.entries, together)
        rows.append([options.entries, together, f"{seconds:.2f}", f"{thorough:.2f}"])
        if seconds > FLOOR_S:
            missed.append(f"verifying {options.entries} entries takes {seconds:.1f} s > {FLOOR_S:.0f}")
    head = ("entries", "in one transaction", "CPU s (floor 2)", "with every signature")
    return finish("audit", table(head, rows), missed, write=options.write)


def verified(count: int, together: int) -> tuple[float, float]:
    """CPU seconds of one full check over a scratch database, and of one with every signature."""
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
        spent = []
        for thorough in (False, True):
            with db.transaction():
                begin = time.process_time()
                verdict = queries.verify(thorough=thorough)
                spent.append(time.process_time() - begin)
            assert (verdict.ok, verdict.entries) == (True, count), verdict
        db.session.remove()
        engine.dispose()
        return spent[0], spent[1]


if __name__ == "__main__":
    sys.exit(main())
