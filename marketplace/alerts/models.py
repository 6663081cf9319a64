"""Saved searches, what they have found, and how far the clock has been followed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.alerts.rules import Frequency


class SavedSearch(db.Base):
    """A search that somebody keeps. ``query``: the list's parameters. Only what became a hit after ``since`` is told."""

    __tablename__ = "saved_search"
    __table_args__ = (
        CheckConstraint(db.codes("frequency", Frequency), name="frequency"),
        CheckConstraint("(frequency IN ('daily', 'weekly')) = (next_at IS NOT NULL)", name="next"),
        Index("ix_saved_search_due", "next_at"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[dict[str, Any]]
    frequency: Mapped[Frequency] = mapped_column(db.Code(Frequency), default=Frequency.DAILY)
    by_mail: Mapped[bool] = mapped_column(default=True)
    since: Mapped[datetime]
    next_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    user: Mapped[User] = relationship()

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"saved_search:{self.id}"


class SavedSearchHit(db.Base):
    """One document that became a hit of one search: unique, so that it is told once. ``sent_at`` is set with the
    message; a hit that was no longer public by then is marked too and told to nobody.
    """

    __tablename__ = "saved_search_hit"
    __table_args__ = (
        UniqueConstraint("search_id", "document"),
        Index(
            "ix_saved_search_hit_waiting",
            "search_id",
            sqlite_where=db.null("sent_at"),
            postgresql_where=db.null("sent_at"),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    search_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id", ondelete="CASCADE"))
    document: Mapped[str] = mapped_column(String(80))  # "demand:12"
    found_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class AlertClock(db.Base):
    """One row: the instant up to which happenings by the clock alone (a list becomes visible, a deadline comes near)
    have been followed.
    """

    __tablename__ = "alert_clock"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    upto: Mapped[datetime]
