"""The terms by which candidates are found, and what a firm was told or does not want."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db


class MatchTerm(db.Base):
    """A term of a public capability or a published demand (``side``); rewritten whenever its subject changes."""

    __tablename__ = "match_term"
    __table_args__ = (
        CheckConstraint("side IN ('capability', 'demand')", name="side"),
        Index("ix_match_term_subject", "side", "subject_id"),
    )

    side: Mapped[str] = mapped_column(String(12), primary_key=True)
    term: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject_id: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    weight: Mapped[int]


class MatchWord(db.Base):
    """In how many subjects of a side a term stands, kept exact with every change of the terms; the empty term counts
    the subjects themselves.
    """

    __tablename__ = "match_word"

    side: Mapped[str] = mapped_column(String(12), primary_key=True)
    term: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)


class MatchNote(db.Base):
    """A firm and a demand that fits it: told once (``told_at``), and out of its sight once ``dismissed_at`` is set."""

    __tablename__ = "match_note"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True, index=True)
    told_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]
    dismissed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class MatchRun(db.Base):
    """A demand whose firms have been told: the job never looks at it again."""

    __tablename__ = "match_run"

    demand_id: Mapped[int] = mapped_column(
        ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]
    firms: Mapped[int] = mapped_column(default=0)


class MatchOffer(db.Base):
    """An approved capability whose firm has been told of the open demands that fit it; a later approval is looked at
    again, and what the firm was told of or dismissed before is not told again.
    """

    __tablename__ = "match_offer"

    capability_id: Mapped[int] = mapped_column(
        ForeignKey("capability.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    approved_at: Mapped[datetime]
    at: Mapped[datetime]
    demands: Mapped[int] = mapped_column(default=0)
