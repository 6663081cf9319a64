"""A list of 5,000 rows from the upload to the drafts: reading with progress, the report as rows, one confirmation."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.tables import finish, table

HEADER = ["场景名称", "需求单位", "方向", "所属产业", "需求概况", "预算金额", "截止时间"]
# As offices write: units mixed, about and at most, full-width digits, months, quarters.
AMOUNTS = ["120万元", "约80万", "≤300万元", "面议", "１５０万元", "50—80万元", "1,200,000元"]
DAYS = ["2027-03-31", "2027年3月", "2027年第二季度", "2027.5.31", "２０２７／６／３０"]
FLOOR_S = 10


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ZHANGBANG_DEMO": "1", "ZHANGBANG_INSTANCE": folder, "ZHANGBANG_EMBEDDED_WORKER": "0"}
        spent, created, told = imported(Path(folder), options.rows)
    rows = [[step, f"{seconds:.1f}"] for step, seconds in spent.items()]
    rows.append(["together", f"{sum(spent.values()):.1f}"])
    missed = []
    if sum(spent.values()) > FLOOR_S:
        missed.append(f"{options.rows} rows took {sum(spent.values()):.1f} s > {FLOOR_S}")
    if created != options.rows:
        missed.append(f"{created} drafts of {options.rows} rows")
    if told < options.rows // 500:
        missed.append(f"progress was told {told} times")
    head = (f"{options.rows} rows, {created} drafts, progress told {told} times", "CPU s")
    return finish("importing", table(head, rows), missed, write=options.write)


def imported(folder: Path, count: int) -> tuple[dict[str, float], int, int]:
    """(CPU seconds of each step, drafts made, how often progress was told)."""
    from marketplace import create_app, db, migrate
    from marketplace.accounts import queries as accounts
    from marketplace.demo import play
    from marketplace.exchange import queries, service
    from marketplace.exchange.reading import read_list
    from marketplace.platform import clock
    from marketplace.platform.files import put_bytes
    from marketplace.platform.working_days import beijing_day

    app = create_app()
    spent: dict[str, float] = {}
    told: list[int] = []
    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        with db.transaction():
            play.play()
        with db.transaction():
            unit = next(iter(db.session.scalars(accounts.posting_units()))).name
            officer = accounts.by_username("screener")
            assert officer is not None
            actor, now = accounts.actor_of(officer), clock.site_now()
            known = queries.existing()
        data = book(unit, count)
        with clocked(spent, "reading"):
            report = read_list(
                data, "清单.xlsx", today=beijing_day(now), existing=known, progress=lambda done, _: told.append(done)
            )
        with clocked(spent, "report stored"), db.transaction():
            stored = put_bytes(app.extensions["storage"], data)
            source = service.upload(stored, name="清单.xlsx", batch_id=None, actor=actor, now=now)
            service.write_report(source, report)
            key = source.key
        with clocked(spent, "drafts created"), db.transaction():
            again = queries.find(actor=actor, now=now, key=key)
            assert again is not None
            made = len(service.confirm(again, actor=actor, now=now))
        db.session.remove()
        app.extensions["engine"].dispose()
    return spent, made, len(told)


class clocked:
    """CPU seconds of this process, under a name."""

    def __init__(self, spent: dict[str, float], name: str) -> None:
        self.spent, self.name = spent, name

    def __enter__(self) -> None:
        self.began = time.process_time()

    def __exit__(self, *_: object) -> None:
        self.spent[self.name] = time.process_time() - self.began


def book(unit: str, count: int) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("汇总")
    sheet.append(["2026年应用场景需求汇总表（单位：万元）"])
    sheet.append(HEADER)
    for place in range(count):
        amount, day = AMOUNTS[place % len(AMOUNTS)], DAYS[place % len(DAYS)]
        need = f"第{place}处路口的信号配时按实际车流调整，减少排队"
        sheet.append([f"第{place}号路口信号自适应配时", unit, "城市管理和民生服务", "物联网", need, amount, day])
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
