"""Reading the settings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import extract, select

from marketplace import db
from marketplace.demands.clocks import Clocks, effective_clocks
from marketplace.platform.working_days import Calendar, KnownYear, SpecialDay, seed_rows, seeded
from marketplace.settings.models import Setting, WorkingDay, WorkingYear


def working_days() -> tuple[list[SpecialDay], list[KnownYear]]:
    """Days and years as stored, the seed where no year has been stored yet; years in order."""
    years = [KnownYear(row.year, row.status) for row in db.session.scalars(select(WorkingYear))]
    if not years:
        days, seed = seed_rows()
        return list(days), sorted(seed, key=lambda item: item.year)
    rows = db.session.scalars(select(WorkingDay).order_by(WorkingDay.day))
    return [SpecialDay(row.day, row.kind, row.note) for row in rows], sorted(years, key=lambda item: item.year)


def calendar() -> Calendar:
    """The working-day calendar in force, in one query; the seed (read once per process) where no year is stored yet."""
    of_year = extract("year", WorkingDay.day) == WorkingYear.year
    rows = db.session.execute(
        select(WorkingYear.year, WorkingYear.status, WorkingDay.day, WorkingDay.kind, WorkingDay.note)
        .outerjoin(WorkingDay, of_year)
        .order_by(WorkingDay.day)
    ).all()
    if not rows:
        return seeded()
    return Calendar(
        [SpecialDay(row.day, row.kind, row.note) for row in rows if row.day is not None],
        [KnownYear(year, status) for year, status in {row.year: row.status for row in rows}.items()],
    )


def setting(key: str) -> dict[str, Any]:
    """A stored setting, or an empty one."""
    found = db.session.get(Setting, key)
    return dict(found.value) if found is not None else {}


def several(*keys: str) -> dict[str, dict[str, Any]]:
    """Some stored settings in one query; what is not stored is empty."""
    rows = {row.key: dict(row.value) for row in db.session.scalars(select(Setting).where(Setting.key.in_(keys)))}
    return {key: rows.get(key, {}) for key in keys}


def mode_clocks() -> dict[str, Clocks]:
    """The clocks of every mode as raised by the administrator."""
    return effective_clocks(setting("mode_clocks"))
