"""How often demands are looked at: counted in memory, written once in a while by the worker, so that reading a page
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
_counts: Counter[tuple[int, date]] = Counter()


def count(demand_id: int, now: datetime) -> None:
    """One more look, in memory."""
    with _lock:
        _counts[demand_id, beijing_day(now)] += 1


def flush() -> int:
    """Add what was counted to the table, in the caller's transaction; returns how many looks were taken."""
    with _lock:
        taken = Counter(_counts)
        _counts.clear()
    known_ids = set(db.session.scalars(select(Demand.id).where(Demand.id.in_({demand for demand, _ in taken}))))
    for (demand_id, day), number in sorted(taken.items()):
        if demand_id not in known_ids:  # looked at in a transaction that was rolled back: one such look would lose all
            continue
        at = (DemandViews.demand_id == demand_id, DemandViews.on == day)
        known = db.session.scalar(select(DemandViews.number).where(*at).with_for_update())
        if known is None:
            db.session.add(DemandViews(demand_id=demand_id, on=day, number=number))
        else:
            db.session.execute(update(DemandViews).where(*at).values(number=DemandViews.number + number))
    db.session.flush()
    return taken.total()


def total(demand_id: int) -> int:
    """All looks written so far, for the officers' diagnosis."""
    return db.session.scalar(select(func.sum(DemandViews.number)).where(DemandViews.demand_id == demand_id)) or 0


def write(now: datetime) -> None:
    """The worker's job: ``flush`` in a transaction of its own."""
    with db.transaction():
        flush()
