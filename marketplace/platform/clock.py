"""The one place that reads time. Everybody else is handed ``now``.

``site_now`` serves pages (once per request, ``g.now``); ``decided_at`` serves what a deadline decides: the database's
clock read *after* the row lock is held. Both add ``site_clock.offset_s`` — always 0 in production — so that the demo,
browser tests and journeys travel in time through the rules and nothing else. The offset only grows.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, func, literal, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace import db
from marketplace.platform.errors import Refused

BEIJING = ZoneInfo("Asia/Shanghai")


class SiteClock(db.Base):
    """One row: how many seconds the site's clock runs ahead of the wall's. A trigger refuses a decrease."""

    __tablename__ = "site_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    offset_s: Mapped[float] = mapped_column(default=0.0)


SQLITE_TRIGGER = """
CREATE TRIGGER site_clock_forward BEFORE UPDATE ON site_clock WHEN NEW.offset_s < OLD.offset_s
BEGIN SELECT RAISE(ABORT, 'the site clock only moves forward'); END
"""
POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION site_clock_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.offset_s < OLD.offset_s THEN RAISE EXCEPTION 'the site clock only moves forward'; END IF;
  RETURN NEW;
END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER site_clock_forward BEFORE UPDATE ON site_clock
FOR EACH ROW EXECUTE FUNCTION site_clock_forward()
"""


def wall_now() -> datetime:
    """The machine's own clock, UTC."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """CLOCK_BOOTTIME where there is one: a second witness against a wall clock that was set."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def offset(session: Session | None = None) -> timedelta:
    """The site clock's lead over the wall clock."""
    seconds = (session or db.session()).scalar(select(SiteClock.offset_s).where(SiteClock.id == 1))
    return timedelta(seconds=seconds or 0.0)


def site_now(session: Session | None = None) -> datetime:
    """Now, by the site's clock (UTC, aware)."""
    return wall_now() + offset(session)


def decided_at(session: Session | None = None) -> datetime:
    """Now by the database's clock plus the offset, in UTC to the millisecond.

    Call it after the row that the deadline belongs to is locked: an instant read before waiting for a lock would
    let a late act in. PostgreSQL's ``now()`` is the transaction's start and would do exactly that.
    """
    session = session or db.session()
    if session.get_bind().dialect.name == "sqlite":
        text = session.scalar(select(func.strftime("%Y-%m-%dT%H:%M:%f", literal("now"))))
        at = datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    else:
        value = session.scalar(select(func.clock_timestamp()))
        assert isinstance(value, datetime)
        at = value.astimezone(UTC)
    at += offset(session)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def move_to(instant: datetime) -> None:
    """Move the site clock forward so that it now shows ``instant`` (demo and tests only; the callers see to that).

    Raises ``Refused`` for an instant in the past: deadlines that have passed stay passed.
    """
    lead = (instant - wall_now()).total_seconds()
    set_offset(lead)


def set_offset(seconds: float) -> None:
    """Store the lead in seconds; refuses a smaller one than before."""
    session = db.session()
    clock = session.get(SiteClock, 1, with_for_update=True, populate_existing=True)
    if clock is None:
        session.add(SiteClock(id=1, offset_s=seconds))
    elif seconds < clock.offset_s:
        raise Refused("演示时钟只能向前走：请选一个晚于当前站点时间的时刻。")
    else:
        session.execute(update(SiteClock).where(SiteClock.id == 1).values(offset_s=seconds))
    session.flush()


for _dialect, _statement in (
    ("sqlite", SQLITE_TRIGGER),
    ("postgresql", POSTGRES_FUNCTION),
    ("postgresql", POSTGRES_TRIGGER),
):
    db.trigger(SiteClock.__table__, _dialect, _statement)
