"""How often demands are looked at and their papers fetched: counted in memory, written once in a while by the worker, so that reading a page
never writes. Days are Beijing calendar days; what a crash loses is less than one flush.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from threading import Lock

from sqlalchemy import func, select, update

from marketplace import db
from marketplace.demands.models import Demand, DemandViews
from marketplace.platform.working_days import beijing_day

_lock = Lock()
_counts: Counter[tuple[int, date, bool]] = Counter()  # (demand, day, a download)


def count(demand_id: int, now: datetime) -> None:
    """One more look, in memory."""
    with _lock:
        _counts[demand_id, beijing_day(now), False] += 1


def count_download(demand_id: int, now: datetime) -> None:
    """One more file or paper fetched, in memory."""
    with _lock:
        _counts[demand_id, beijing_day(now), True] += 1


def flush() -> int:
    """Add what was counted to the table, in the caller's transaction; returns how many looks were taken."""
    with _lock:
        taken = Counter(_counts)
        _counts.clear()
    known_ids = set(db.session.scalars(select(Demand.id).where(Demand.id.in_({demand for demand, _, _ in taken}))))
    for (demand_id, day, fetched), number in sorted(taken.items()):
        if demand_id not in known_ids:  # looked at in a transaction that was rolled back: one such look would lose all
            continue
        at = (DemandViews.demand_id == demand_id, DemandViews.on == day)
        column = DemandViews.downloads if fetched else DemandViews.number
        known = db.session.scalar(select(DemandViews.demand_id).where(*at).with_for_update())
        if known is None:
            db.session.add(DemandViews(demand_id=demand_id, on=day, **{column.key: number}))
            db.session.flush()
        else:
            db.session.execute(update(DemandViews).where(*at).values({column: column + number}))
    db.session.flush()
    return taken.total()


def total(demand_id: int) -> int:
    """All looks written so far, for the officers' diagnosis."""
    return totals(demand_id)[0]


def totals(demand_id: int) -> tuple[int, int]:
    """(looks, downloads) written so far."""
    row = db.session.execute(
        select(func.sum(DemandViews.number), func.sum(DemandViews.downloads)).where(DemandViews.demand_id == demand_id)
    ).one()
    return row[0] or 0, row[1] or 0


def write(now: datetime) -> None:
    """The worker's job: ``flush`` in a transaction of its own."""
    with db.transaction():
        flush()
