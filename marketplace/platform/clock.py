"""The one place that reads time. Everybody else is handed ``now``.

``site_now`` serves pages (once per request, ``g.now``); ``decided_at`` serves what a deadline decides: the database's
clock read *after* the row lock is held. Both add ``site_clock.offset_s`` — always 0 in production — so that the demo,
browser tests and journeys travel in time through the rules and nothing else. The offset only grows.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import CheckConstraint, String, func, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace import db
from marketplace.platform.errors import Refused, Sentence, Unavailable

log = structlog.get_logger(__name__)
BEIJING = ZoneInfo("Asia/Shanghai")
DRIFT_LIMIT_S = 5.0
DRIFTED = Sentence(
    "服务器的时钟与开机计时相差超过5秒，截止时刻暂时无法可靠判定，封标、撤回和开启都已停下，没有写入任何内容。"
    "请稍候再试：系统管理员核对时钟并确认后即可继续。"
)
_strict = True


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


class ClockWitness(db.Base):
    """Where the deciding clock stood when this machine started, by its own count of seconds: one row for each start.

    A wall clock that somebody sets moves against that count; one that is merely slow or fast does not.
    """

    __tablename__ = "clock_witness"

    boot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_s: Mapped[float]  # the deciding clock at the start, in seconds since 1970
    taken_at: Mapped[datetime]


def _boot_id() -> str:
    """Of this start of the machine; where the system does not tell, this process is its own witness."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return secrets.token_hex(16)


BOOT_ID = _boot_id()


def configure(*, strict: bool) -> None:
    """Whether a drifted clock stops what a deadline decides, or is only warned of (the demo)."""
    global _strict
    _strict = strict


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
    at = _deciding(session) + offset(session)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _deciding(session: Session) -> datetime:
    """The database's own clock, without the offset."""
    if session.get_bind().dialect.name == "sqlite":
        text = session.scalar(select(func.strftime("%Y-%m-%dT%H:%M:%f", literal("now"))))
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    value = session.scalar(select(func.clock_timestamp()))
    assert isinstance(value, datetime)
    return value.astimezone(UTC)


def steady_at(session: Session | None = None) -> datetime:
    """``decided_at`` for what a bid's fate hangs on: refused (503) while the clock that decides is in doubt.

    In demo mode a drifted clock is only warned of.
    """
    session = session or db.session()
    moved = observe(session)
    if abs(moved) > DRIFT_LIMIT_S:
        log.warning("the clock has drifted", seconds=round(moved, 3))
        if _strict:
            raise Unavailable(DRIFTED)
    return decided_at(session)


def witness(session: Session | None = None) -> ClockWitness | None:
    """What was noted at this start of the machine, once something was."""
    return (session or db.session()).get(ClockWitness, BOOT_ID)


def drift(session: Session | None = None) -> float:
    """Seconds by which the deciding clock has moved against CLOCK_BOOTTIME since the witness was taken."""
    session = session or db.session()
    started_s = _deciding(session).timestamp() - boot_seconds()
    noted = witness(session)
    return started_s - noted.started_s if noted is not None else 0.0


def observe(session: Session | None = None) -> float:
    """``drift``; takes the witness where this machine has none yet. Call it in a transaction that may write."""
    session = session or db.session()
    if witness(session) is not None:
        return drift(session)
    now = _deciding(session)
    started_s = now.timestamp() - boot_seconds()
    with suppress(IntegrityError), session.begin_nested():  # another process may be taking it
        session.add(ClockWitness(boot_id=BOOT_ID, started_s=started_s, taken_at=now))
        session.flush()
    return 0.0


def confirm_steady(session: Session | None = None) -> float:
    """An administrator has compared the clock with a second source: from here on it is measured anew. Gives the drift."""
    session = session or db.session()
    moved = observe(session)
    noted = session.get(ClockWitness, BOOT_ID, with_for_update=True, populate_existing=True)
    assert noted is not None
    noted.taken_at = _deciding(session)
    noted.started_s = noted.taken_at.timestamp() - boot_seconds()
    session.flush()
    return moved


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
