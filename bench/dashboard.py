"""The officer's page of a review with 2,000 bids and 10,000 sheets: CPU, statements, rows loaded and size, for 50 and 250
rows, while the panel scores and once everything is ranked; then the pages of the ranking.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from random import Random
from typing import Any

from bench.pages import ROUNDS, counted
from bench.tables import finish, table

FLOORS_MS = {50: 40.0, 250: 120.0}
MOST_QUERIES, MOST_LOADED, MOST_KB = 8, 3, 100
FLOORS_STAGE = ("scoring", "ranked")  # the dashboard; of the ranking's page only the size has a floor


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bids", type=int, default=2_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": folder, "ZHANGBANG_EMBEDDED_WORKER": "0"}
        for stage, shown, (cpu, queries, loaded, size) in measured(options.bids):
            rows.append([f"{stage}, {shown} rows", f"{cpu:.1f}", queries, loaded, f"{size / 1024:.1f}"])
            if stage in FLOORS_STAGE and cpu > FLOORS_MS[shown]:
                missed.append(f"{stage}: {cpu:.1f} ms CPU > {FLOORS_MS[shown]} for {shown} rows")
            if stage in FLOORS_STAGE and queries > MOST_QUERIES:
                missed.append(f"{stage}: {queries} statements > {MOST_QUERIES}")
            if stage in FLOORS_STAGE and loaded > MOST_LOADED * shown:
                missed.append(f"{stage}: {loaded} rows loaded > {MOST_LOADED} for each of {shown} shown")
            if size > MOST_KB * 1024:
                missed.append(f"{stage}: {size / 1024:.0f} KB compressed > {MOST_KB}")
    head = (
        f"review of {options.bids} bids, {3 * options.bids} sheets",
        "CPU ms",
        "queries",
        "rows loaded",
        "KB (gzip)",
    )
    return finish("dashboard", table(head, rows), missed, write=options.write)


def measured(bids: int) -> Any:
    """Yields (stage, rows shown, (ms, statements, objects loaded, bytes compressed))."""
    from marketplace import create_app, db, migrate
    from marketplace.platform import clock
    from marketplace.results import service
    from marketplace.results.rules import Cause
    from marketplace.scoring.rules.sheets import SheetState
    from tests import factories
    from tests.demands.conftest import Stage
    from tests.results import crowd
    from tests.results.making import Review, actor

    app = create_app()
    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        factories.make_cast()
        db.reads_only(False)
        for seed, (stage, state) in enumerate((("scoring", SheetState.DRAFT), ("ranked", SheetState.LOCKED))):
            review = Review(Stage(clock.site_now()), bids=0, experts=5)
            crowd.fill(review.demand, review.panel, count=bids, random=Random(seed), now=review.now, state=state)  # noqa: S311
            if state is SheetState.LOCKED:
                service.compute(review.demand, cause=Cause.LOCKED, actor=actor("publisher"), now=review.now)
                db.session.commit()
            number = review.demand.number
            db.session.remove()
            client = _signed_in(app)
            for shown in FLOORS_MS:
                yield stage, shown, _visit(app, client, f"/demands/{number}/review?per_page={shown}")
            if state is SheetState.LOCKED:
                yield "the ranking", 50, _visit(app, client, f"/demands/{number}/ranking")
                yield "the ranking, page 20", 50, _visit(app, client, f"/demands/{number}/ranking?page=20")
    app.extensions["engine"].dispose()


def _signed_in(app: Any) -> Any:
    from tests.client import Client

    return Client(app).sign_in("screener").http


def _visit(app: Any, client: Any, url: str) -> tuple[float, int, int, int]:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    queries, loaded = counted(app, lambda: client.get(url))
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        client.get(url)
        spent.append((time.process_time() - begin) * 1000)
    return statistics.median(spent), queries, loaded, len(gzip.compress(response.data))


if __name__ == "__main__":
    sys.exit(main())
