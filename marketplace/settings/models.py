"""Editable settings as rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db
from marketplace.platform.working_days import DayKind, YearStatus


class WorkingYear(db.Base):
    """A year whose days are known: provisional until the State Council's notice has been entered and confirmed."""

    __tablename__ = "working_year"
    __table_args__ = (CheckConstraint(db.codes("status", YearStatus), name="status"),)

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[YearStatus] = mapped_column(db.Code(YearStatus))


class WorkingDay(db.Base):
    """A day that is not what its weekday says: a holiday or a 调休 working day."""

    __tablename__ = "working_day"
    __table_args__ = (CheckConstraint(db.codes("kind", DayKind), name="kind"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[DayKind] = mapped_column(db.Code(DayKind))
    note: Mapped[str] = mapped_column(String(40), default="")


class Setting(db.Base):
    """One named setting as JSON (``mode_clocks``, ``site``, ``footer`` …)."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
