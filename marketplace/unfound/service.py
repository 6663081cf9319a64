"""Adding what was counted, and forgetting what too few people searched for: the only writer of these tables."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_

from marketplace import db
from marketplace.platform.working_days import beijing_day
from marketplace.unfound.counting import Tally, month_of, people
from marketplace.unfound.models import UnfoundPeople, UnfoundTimes
from marketplace.unfound.rules import FORGET, PEOPLE_LEAST


def flush(tally: Tally) -> int:
    """Add this process's counts; returns how many searches. In the caller's transaction."""
    taken = tally.take()
    for (day, text), number in sorted(taken.times.items()):
        times = db.session.get(UnfoundTimes, (day, text), with_for_update=True)
        if times is None:
            db.session.add(UnfoundTimes(on=day, text=text, number=number))
        else:
            times.number += number
    for (month, text), bits in sorted(taken.bits.items()):
        sketch = db.session.get(UnfoundPeople, (month, text), with_for_update=True)
        if sketch is None:
            db.session.add(UnfoundPeople(month=month, text=text, bits=bits))
        else:
            sketch.bits |= bits
    db.session.flush()
    return taken.times.total()


def forget(now: datetime) -> None:
    """Delete texts of past months that too few people searched for, with their days."""
    before = month_of(beijing_day(now - FORGET))
    old = db.session.scalars(select(UnfoundPeople).where(UnfoundPeople.month < before))
    gone = [(row.month, row.text) for row in old if people(row.bits) < PEOPLE_LEAST]
    for month, text in gone:
        after = month_of(month + timedelta(days=31))
        db.session.execute(
            delete(UnfoundTimes).where(UnfoundTimes.text == text, UnfoundTimes.on >= month, UnfoundTimes.on < after)
        )
    if gone:
        db.session.execute(delete(UnfoundPeople).where(tuple_(UnfoundPeople.month, UnfoundPeople.text).in_(gone)))
    db.session.flush()
