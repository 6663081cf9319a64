"""Opening at once: a hundred bids of 20 MB, and a thousand small ones, with the memory it takes.

    python -m bench.opening [--small N] [--large N] [--megabytes M]

Floors (issue 4): 100 × 20 MB ≤ 60 s without a scanner, 1,000 small ones ≤ 30 s, memory + ≤ 100 MB. The ciphertext lies
in a temporary folder; the opener runs as the worker does, a transaction for each bid, on SQLite with fsync.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

from bench.tables import finish, table
from marketplace import db, features, migrate
from marketplace.bids import service
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.custody import software
from marketplace.demands.models import Demand
from marketplace.platform import audit, clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.seal import Attachment, Content
from tests import factories
from tests.bids.conftest import Bidder, after
from tests.bids.crowd import gather
from tests.demands.conftest import Stage

FLOORS = {"large": 60.0, "small": 30.0, "memory": 100.0}


def content(size: int) -> dict[str, Content]:
    """Two forms and one PDF of ``size`` bytes."""
    head = b"%PDF-1.7\n"
    data = head + os.urandom(max(0, size - len(head)))
    files = (Attachment("技术方案.pdf", partial(BytesIO, data), "application/pdf", "plan"),) if size else ()
    return {"technical": Content({"plan": "技术方案"}, files), "price": Content({"total_fen": 100_00})}


@contextmanager
def peak_over_idle() -> Iterator[list[float]]:
    """Megabytes by which resident memory rose while the block ran, sampled every 20 ms."""
    page, grown, done = resource.getpagesize(), [0.0], threading.Event()

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    idle = resident()

    def watch() -> None:
        while not done.wait(0.02):
            grown[0] = max(grown[0], (resident() - idle) / 1e6)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield grown
    finally:
        done.set()
        thread.join()


def measure(count: int, size: int, folder: Path) -> tuple[float, float]:
    """(seconds, megabytes) of opening so many bids of that size."""
    engine = db.make_engine(f"sqlite:///{folder / 'bench.sqlite'}")
    features.load_models()
    migrate.upgrade(engine)
    audit.configure(folder / "keys", "bench")
    software.configure(folder / "keys", demo=True)
    db.configure(engine)
    factories.make_cast()
    storage = LocalStorage(folder / "files")
    with db.transaction():
        now = clock.site_now()
        key = Stage(now).published().id
        names = gather(count)
    for name in names:
        with db.transaction() as session:
            Bidder(name, LocalStorage(folder / "files", durable=False), now).seal(
                session.get_one(Demand, key), content(size)
            )
    with db.transaction() as session:
        demand = session.get_one(Demand, key)
        clock.move_to(after(demand, minutes=1))
        service.release_by_software(demand, stage=OpeningStage.FIRST, now=clock.site_now())
    with peak_over_idle() as grown:
        started = time.perf_counter()
        service.open_waiting(clock.wall_now(), storage=storage, scanner=None)
        seconds = time.perf_counter() - started
    with db.transaction() as session:
        assert str(session.get_one(Demand, key).state) == "opened"
    engine.dispose()
    return seconds, grown[0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help="renew the table in docs/benchmarks.md")
    options = parser.parse_args()
    missed, rows = list[str](), list[list[object]]()
    for name, count, size in (
        ("small", options.small, 0),
        ("large", options.large, options.megabytes * 1024 * 1024),
    ):
        with tempfile.TemporaryDirectory() as folder:
            seconds, grown = measure(count, size, Path(folder))
        rows.append([f"{count} × {size / 1e6:.0f} MB", f"{seconds:.1f}", f"{FLOORS[name]:.0f}", f"{grown:.0f}"])
        if seconds > FLOORS[name]:
            missed.append(f"{name}: {seconds:.1f} s > {FLOORS[name]:.0f} s")
        if grown > FLOORS["memory"]:
            missed.append(f"{name}: memory + {grown:.0f} MB > {FLOORS['memory']:.0f} MB")
    head = ("bids", "opened in s", "floor", "memory + MB (floor 100)")
    return finish("opening", table(head, rows), missed, write=options.write)


if __name__ == "__main__":
    sys.exit(main())
