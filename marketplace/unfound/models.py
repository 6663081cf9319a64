"""Texts that found nothing: how often on each day, and a sketch of how many people in each month."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db


class UnfoundTimes(db.Base):
    """How often a text was searched for in vain on one day (Beijing)."""

    __tablename__ = "unfound_times"

    on: Mapped[date] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)


class UnfoundPeople(db.Base):
    """The sketch of a month: see ``counting``. It holds nobody's id and cannot be turned back into one."""

    __tablename__ = "unfound_people"

    month: Mapped[date] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(40), primary_key=True)
    bits: Mapped[int] = mapped_column(BigInteger, default=0)
