"""Writing the index under load: how soon a change is found, whether readers wait, and what kill -9 leaves.

Wall time, because it is people who wait: figures on a busy machine are worse than on a quiet one, never better.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.searching import corpus, host
from bench.tables import finish, kept, table

READERS = 4
RATE = 50  # changed documents a second
VISIBLE_P95, PAUSE = 3.0, 1.0  # seconds
BESIDE_REBUILD = 3.0  # readers' p95, of theirs alone
PROBE_EVERY, PROBES = 0.5, 300


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--whoosh", type=int, default=10_000, help="documents while writing to Whoosh")
    parser.add_argument("--tantivy", type=int, default=100_000)
    parser.add_argument("--rebuild", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows: list[list[object]] = []
    missed: list[str] = []
    if options.kills:
        killed(options.kills, rows, missed)
    for count in sorted({options.whoosh, options.tantivy, options.rebuild} - {0}):
        measured(count, options, rows, missed)
    head = ("what", "engine", "documents", "figure")
    shown = kept("indexing", rows, key=3) if options.write else rows
    return finish("indexing", table(head, shown), missed, write=options.write)


def measured(count: int, options: argparse.Namespace, rows: list[list[object]], missed: list[str]) -> None:
    """All that is asked of so many documents, over one database: filling it costs minutes."""
    with tempfile.TemporaryDirectory() as folder:
        tell(f"{count} demands are written")
        app = host.make(Path(folder), "whoosh")
        host.fill(app, count)
        app.extensions["engine"].dispose()
        for backend, loaded in (("whoosh", options.whoosh), ("tantivy", options.tantivy)):
            if count not in (loaded, options.rebuild):
                continue
            tell(f"{backend} indexes {count}")
            app = indexed(folder, backend)
            if count == options.rebuild:
                tell(f"{backend} is rebuilt while readers search")
                rebuilding(backend, count, folder, rows, missed)
            if count == loaded:
                tell(f"{backend}: {RATE} changes a second for {options.seconds:.0f} s")
                under_load(app, backend, count, options.seconds, folder, rows, missed)
            app.extensions["engine"].dispose()


def tell(said: str) -> None:
    """Where the bench is: it takes half an hour."""
    print(f"{time.strftime('%H:%M:%S')} {said}", file=sys.stderr, flush=True)  # noqa: T201


def indexed(folder: str, backend: str) -> Any:
    """The application over a filled database, with an index."""
    from marketplace import db
    from marketplace.platform import clock

    app = host.make(Path(folder), backend)
    with app.app_context():
        now = clock.site_now()
        db.session.remove()
        app.extensions["search_indexer"]().rebuild(now)
    return app


def under_load(
    app: Any, backend: str, count: int, seconds: float, folder: str, rows: list[list[object]], missed: list[str]
) -> None:
    """``RATE`` changes a second while readers search; a marked word among them is looked for until it is found.

    It is looked for as a page would: with what a process sees by looking for commits once a second.
    """
    from marketplace import db
    from marketplace.platform import clock

    with ExitStack() as stack:
        stack.enter_context(app.app_context())
        first, last = bounds()
        stack.enter_context(host.process(host.WRITER, folder, backend))
        readers = [
            stack.enter_context(host.process(host.READER, folder, backend, seconds, seed)) for seed in range(READERS)
        ]
        everyone, dice, revision = corpus.generate.concepts(), random.Random(5), 0  # noqa: S311
        search, visible, wanted = app.extensions["search"], [], {}
        begin = probed = time.monotonic()
        written = 0
        while (passed := time.monotonic() - begin) < seconds or (wanted and passed < seconds + 20):
            due = int(min(passed, seconds) * RATE)
            if written < due:
                probe = time.monotonic() - probed > PROBE_EVERY
                with db.transaction() as session:
                    now = clock.site_now(session)
                    for place in range(due - written):
                        revision += 1
                        # the first ids are kept for probes, so that none is overwritten before it was seen
                        id_ = first + revision % PROBES if probe and not place else dice.randint(first + PROBES, last)
                        host.change(session, id_, everyone, revision, now)
                        if probe and not place:
                            watched = (revision, id_)
                written = due
                if probe:
                    probed = time.monotonic()
                    wanted[watched[0]] = (watched[1], probed)
            now = clock.wall_now()
            for mark, (id_, since) in list(wanted.items()):
                if f"demand:{id_}" not in found(search, f"rev{mark}x", now):
                    break  # later ones are not there either
                visible.append(time.monotonic() - since)
                del wanted[mark]
            time.sleep(0.05)
        told = [json.loads(reader.communicate(timeout=60)[0].splitlines()[-1]) for reader in readers]
        db.session.remove()
    spent = sorted(value for one in told for value in one["spent"])
    errors = [error for one in told for error in one["errors"]]
    late = statistics.quantiles(visible, n=20)[18]
    rows.append(["changed documents a second", backend, count, f"{written / seconds:.0f} for {seconds:.0f} s"])
    rows.append(["change visible, p50 / p95", backend, count, f"{statistics.median(visible):.2f} / {late:.2f} s"])
    rows.append(["longest pause of a reader", backend, count, f"{spent[-1]:.2f} s of {len(spent)} searches"])
    rows.append(["errors of readers", backend, count, str(len(errors))])
    if errors:
        missed.append(f"{backend}: {errors[0]}")
    if wanted:
        missed.append(f"{backend}: {len(wanted)} changes never became visible")
    if late > VISIBLE_P95:
        missed.append(f"{backend}: a change is visible after {late:.1f} s at p95")
    if spent[-1] > PAUSE:
        missed.append(f"{backend}: a reader waited {spent[-1]:.1f} s")


def found(search: Any, q: str, now: Any) -> list[str]:
    from marketplace.search.index import Request

    return list(search.find(q, Request(now, sort="newest", limit=100), literally=True).ids)


def bounds() -> tuple[int, int]:
    """First and last id of the generated demands."""
    from sqlalchemy import func, select

    from marketplace import db
    from marketplace.demands.models import Demand

    row = db.session.execute(
        select(func.min(Demand.id), func.max(Demand.id)).where(Demand.number.like("ZZGX-2026-09-%"))
    ).one()
    db.session.remove()
    return row[0], row[1]


def rebuilding(backend: str, count: int, folder: str, rows: list[list[object]], missed: list[str]) -> None:
    """Readers alone, then for as long as ``flask search rebuild`` takes in a process of its own."""
    alone = percentile(folder, backend, 20)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "search", "rebuild"]
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603
        beside = percentile(folder, backend, 20)
        _, told = running.communicate()
        took = time.monotonic() - begin
    steps = told.count("/")
    rows.append(["rebuild, with progress", backend, count, f"{took:.0f} s, told {steps} times"])
    rows.append(["readers' p95 alone / beside it", backend, count, f"{alone * 1000:.1f} / {beside * 1000:.1f} ms"])
    if running.returncode or steps < 10:
        missed.append(f"{backend}: the rebuild ended with {running.returncode} and told {steps} times")
    if beside > BESIDE_REBUILD * alone:
        missed.append(f"{backend}: readers' p95 beside a rebuild is {beside / alone:.1f} × theirs alone")


def percentile(folder: str, backend: str, seconds: float) -> float:
    """The p95 of two readers."""
    with ExitStack() as stack:
        readers = [stack.enter_context(host.process(host.READER, folder, backend, seconds, seed)) for seed in (1, 2)]
        told = [json.loads(reader.communicate(timeout=seconds + 60)[0].splitlines()[-1]) for reader in readers]
    assert not [error for one in told for error in one["errors"]]
    return statistics.quantiles([value for one in told for value in one["spent"]], n=20)[18]


def killed(kills: int, rows: list[list[object]], missed: list[str], count: int = 300) -> None:
    """SIGKILL the writer at random moments while changes come in; a new one goes on; at the end: drift?"""
    with tempfile.TemporaryDirectory() as folder:
        for backend in ("whoosh", "tantivy"):
            app = host.make(Path(folder), backend)
            if backend == "whoosh":
                host.fill(app, count)
            drift, rebuilt, changes = kill_and_check(app, folder, backend, kills)
            told = f"drift {drift}, rebuilt {rebuilt} times, {changes} changes"
            rows.append([f"SIGKILL of the writer × {kills}", backend, count, told])
            if drift:
                missed.append(f"{backend}: drift {drift} after {kills} kills")


def kill_and_check(app: Any, folder: str, backend: str, kills: int) -> tuple[int, int, int]:
    """(drift that the next writer left, how often an index had to be made anew, changes written)."""
    from marketplace import db
    from marketplace.platform import clock
    from marketplace.search.index import Unavailable

    everyone, dice, revision = corpus.generate.concepts(), random.Random(8), 0  # noqa: S311
    with app.app_context(), host.process(host.NURSERY, folder, backend) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        now = clock.site_now()
        first, last = bounds()
        indexer = app.extensions["search_indexer"]()
        indexer.rebuild(now)
        for _ in range(kills):
            nursery.stdin.write("go\n")
            nursery.stdin.flush()
            pid = int(nursery.stdout.readline())
            end = time.monotonic() + dice.uniform(0.05, 0.7)
            while time.monotonic() < end:
                with db.transaction() as session:
                    for _ in range(dice.randint(1, 30)):
                        revision += 1
                        host.change(session, dice.randint(first, last), everyone, revision, clock.site_now(session))
                time.sleep(dice.uniform(0, 0.03))
            os.kill(pid, signal.SIGKILL)
            assert nursery.stdout.readline().strip() == "gone"
        now = clock.site_now()
        db.session.remove()
        try:
            while indexer.step(now):
                pass
        except Unavailable:
            indexer.rebuild(now)
        drift = len(indexer.check(now, repair=False))
        made = int(indexer.place.current().name) - 1
        db.session.remove()
        app.extensions["engine"].dispose()
    return drift, made, revision


if __name__ == "__main__":
    sys.exit(main())
