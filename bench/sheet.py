"""An expert's sheet beside its bid, and his list, blind, among 10 and among 2,000 bids: CPU, statements, size."""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from random import Random
from typing import Any

from bench.pages import ROUNDS, counted
from bench.tables import finish, table

FLOOR_MS, MOST_KB = 25.0, 100


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bids", type=int, default=2_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": folder, "ZHANGBANG_EMBEDDED_WORKER": "0"}
        for name, cpu, queries, size in measured(options.bids):
            rows.append([name, f"{cpu:.1f}", queries, f"{size / 1024:.1f}"])
            if cpu > FLOOR_MS:
                missed.append(f"{name}: {cpu:.1f} ms CPU > {FLOOR_MS}")
            if size > MOST_KB * 1024:
                missed.append(f"{name}: {size / 1024:.0f} KB compressed > {MOST_KB}")
    return finish(
        "sheet",
        table(("an expert's sheet and list", "CPU ms", "queries", "KB (gzip)"), rows),
        missed,
        write=options.write,
    )


def measured(bids: int) -> Any:
    """Yields (name, ms, statements, bytes compressed)."""
    from marketplace import create_app, db, migrate
    from marketplace.platform import clock
    from marketplace.scoring import queries
    from tests import factories
    from tests.bids.contents import complete
    from tests.client import Client
    from tests.demands.conftest import Stage
    from tests.panels import making

    app = create_app()
    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        factories.make_cast()
        db.reads_only(False)
        stage = Stage(clock.site_now())
        said = stage.draft().said
        contents = [complete(said, "firm") for _ in range(10)]
        demand = making.reviewing(stage, contents, storage=app.extensions["storage"], blind=True)
        seat = making.panel_of(demand).counted_seats[0]
        assert seat.expert.user is not None
        username, ref, key = seat.expert.user.username, demand.ref, queries.review_bids(demand.id)[4].key
        for count in (10, bids):
            if count > 10:
                _crowd(demand, count)
            db.session.remove()
            client = Client(app).sign_in(username)
            address = f"/review/{ref}/bids/{key}"
            page = client.get(address)
            statements, _loaded = counted(app, lambda: client.http.get(address))  # noqa: B023
            cpu = _spent(lambda: client.http.get(address))  # noqa: B023
            yield f"page, {count} bids", cpu, statements, len(gzip.compress(page.response.data))
            desk = f"/review/{ref}"
            listed = client.get(desk)
            statements, _loaded = counted(app, lambda: client.http.get(desk))  # noqa: B023
            spent = _spent(lambda: client.http.get(desk))  # noqa: B023
            yield f"list, {count} bids", spent, statements, len(gzip.compress(listed.response.data))
    app.extensions["engine"].dispose()


def _crowd(demand: Any, count: int) -> None:
    """The same demand with many more bids and their sheets."""
    from marketplace.scoring.rules.sheets import SheetState
    from tests.panels import making
    from tests.results import crowd

    panel = making.panel_of(demand)
    crowd.fill(demand, panel, count=count, random=Random(1), now=demand.closes_at, state=SheetState.DRAFT)  # noqa: S311


def _spent(act: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        act()
        spent.append((time.process_time() - begin) * 1000)
    return statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
