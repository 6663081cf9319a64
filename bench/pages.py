"""CPU per request, queries and rows of the pages, on generated lists; prints a table and checks the floors.

Speed is CPU milliseconds of this process (``process_time``), so that a noisy machine matters little; the ratio between
100,000 and 2,000 demands is taken within one run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.tables import finish, table

ROUNDS = 15
# How many times the CPU a page may cost with fifty times the demands. The front page says how many are open: three
# quarters of the generated ones are, and counting them reads that part of an index.
GROWTH = {"list": 1.5, "work desk, publisher": 1.5, "work desk, screener": 1.5, "detail": 1.5, "home": 2.5}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=2_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows: list[list[str]] = []
    failures: list[str] = []
    small = measure(options.small)
    for name, page in small.items():
        rows.append([f"{name}（{options.small}条）", *page.cells()])
        if page.cpu_ms > 30:
            failures.append(f"{name}: {page.cpu_ms:.1f} ms CPU > 30")
        if page.queries > 8:
            failures.append(f"{name}: {page.queries} queries > 8")
        if page.loaded > 3 * 20:
            failures.append(f"{name}: {page.loaded} rows loaded > 3 for each of 20 shown")
    for name, page in measure(options.large, only=set(GROWTH)).items():
        ratio = page.cpu_ms / small[name].cpu_ms
        rows.append([f"{name}（{options.large}条）", *page.cells()])
        rows.append([f"{name} {options.large} : {options.small}", f"{ratio:.2f}×", "", "", ""])
        if ratio > GROWTH[name]:
            failures.append(f"{name}: {ratio:.2f} times the cost at {options.large} > {GROWTH[name]}")
    head = ("page", "CPU ms", "queries", "rows loaded", "KB (uncompressed)")
    return finish("pages", table(head, rows), failures, write=options.write)


class Page:
    def __init__(self, cpu_ms: float, queries: int, loaded: int, size: int) -> None:
        self.cpu_ms, self.queries, self.loaded, self.size = cpu_ms, queries, loaded, size

    def cells(self) -> list[str]:
        return [f"{self.cpu_ms:.1f}", str(self.queries), str(self.loaded), f"{self.size / 1024:.1f}"]


def measure(count: int, only: set[str] | None = None) -> dict[str, Page]:
    """Each page's median CPU, queries and loaded rows over a fresh database of ``count`` public demands."""
    with site(count) as (app, client, desks):
        number = f"ZZGX-2026-09-{min(count, 5_000) // 2:03d}"  # see fill: later ones have no version
        pages: dict[str, tuple[Any, str]] = {
            "home": (client, "/"),
            "list": (client, "/demands?facets=0"),
            "list, page 50": (client, "/demands?facets=0&page=50"),
            "list with facets": (client, "/demands"),
            "filtered list": (client, "/demands?direction=living&mode=subsidy&state=open&sort=budget"),
            "detail": (client, f"/demands/{number}"),
            **{f"work desk, {role}": (desk, "/desk") for role, desk in desks.items()},
        }
        return {name: visit(app, who, url) for name, (who, url) in pages.items() if only is None or name in only}


def visit(app: Any, client: Any, url: str) -> Page:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    queries, loaded = counted(app, lambda: client.get(url))
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        client.get(url)
        spent.append((time.process_time() - begin) * 1000)
    return Page(statistics.median(spent), queries, loaded, len(response.data))


def counted(app: Any, act: Callable[[], Any]) -> tuple[int, int]:
    from sqlalchemy import event

    from marketplace import db

    engine, seen = app.extensions["engine"], {"queries": 0, "rows": 0}

    def query(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen["queries"] += not statement.startswith("BEGIN")

    def row(*_: Any) -> None:
        seen["rows"] += 1

    event.listen(engine, "before_cursor_execute", query)
    event.listen(db.Base, "load", row, propagate=True)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", query)
        event.remove(db.Base, "load", row)
    return seen["queries"], seen["rows"]


@contextmanager
def site(count: int) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """An application over a scratch database with ``count`` public demands and people at their desks."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": folder, "ZHANGBANG_EMBEDDED_WORKER": "0"}
        from marketplace import create_app, db, migrate
        from marketplace.demo import play

        app = create_app()
        with app.app_context():
            migrate.upgrade(app.extensions["engine"])
            with db.transaction():
                play.play()
            with db.transaction():
                fill(count)
            desks = {role: app.test_client() for role in ("screener", "publisher", "drafter", "bidder")}
            for role, desk in desks.items():
                sign_in(app, desk, role)
        yield app, app.test_client(), desks
        db.session.remove()
        app.extensions["engine"].dispose()


def sign_in(app: Any, client: Any, username: str) -> None:
    from marketplace import db
    from marketplace.accounts import queries, service
    from marketplace.platform import clock

    with db.transaction():
        user = queries.by_username(username)
        assert user is not None
        token = service.open_session(user, now=clock.site_now(), agent="bench", network="", second_factor=True)
    with client.session_transaction() as kept:
        kept["_user_id"] = token


def fill(count: int) -> None:
    """Copies of the demo's published demands with numbers and instants of their own, by plain inserts."""
    from datetime import timedelta

    from sqlalchemy import func, insert, inspect, select

    from marketplace import db
    from marketplace.demands.models import Demand, DemandIndustry, DemandVersion
    from marketplace.platform import clock

    now = clock.site_now()
    columns = [column.key for column in inspect(Demand).column_attrs]
    samples = list(db.session.scalars(select(Demand).where(Demand.state == "published")))
    values = [{name: getattr(row, name) for name in columns} for row in samples]
    industries = {row.id: [item.code for item in row.industries] for row in samples}
    versions = {row.id: row.versions[0] for row in samples}
    first = (db.session.scalar(select(func.max(Demand.id))) or 0) + 1
    demands, codes, said = [], [], []
    for place in range(count):
        sample = values[place % len(values)]
        id_ = first + place
        visible = now - timedelta(days=20, minutes=place)
        closes = now + timedelta(days=place % 40 - 10, minutes=place % 1440)
        demands.append(
            sample
            | {
                "id": id_,
                "key": f"b{place:011d}",
                "sequence": place + 1001,
                "number": f"ZZGX-2026-09-{place + 1:03d}",
                "published_at": visible,
                "visible_from": visible,
                "closes_at": max(closes, visible + timedelta(days=1)),
                "origin_id": None,
                "batch_id": values[0]["batch_id"],
                "title": f"{sample['title'][:50]}（{place}）",
            }
        )
        codes += [{"demand_id": id_, "code": code, "position": n} for n, code in enumerate(industries[sample["id"]])]
        version = versions[sample["id"]]
        said.append(
            {
                "demand_id": id_,
                "version": 1,
                "snapshot": version.snapshot,
                "sha256": version.sha256,
                "content": sample["content"],
                "changes": [],
                "reason": "",
                "closes_at": demands[-1]["closes_at"],
                "published_at": visible,
            }
        )
    for start in range(0, count, 5_000):
        db.session.execute(insert(Demand), demands[start : start + 5_000])
    for start in range(0, len(codes), 20_000):
        db.session.execute(insert(DemandIndustry), codes[start : start + 20_000])
    for start in range(0, min(count, 5_000), 1_000):  # the detail page reads one; the rest would only fill the disk
        db.session.execute(insert(DemandVersion), said[start : start + 1_000])
    db.session.connection().exec_driver_sql("ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
