"""Batches and the units invited to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.batches.rules import BatchState


class Batch(db.Base):
    """One periodic list. ``code`` is zone-year-sequence, e.g. ZZGX-2026-02."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("zone", "year", "sequence"),
        CheckConstraint(db.codes("state", BatchState), name="state"),
        CheckConstraint("(state = 'posted') = (visible_from IS NOT NULL)", name="visible"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    zone: Mapped[str] = mapped_column(String(8))
    year: Mapped[int]
    sequence: Mapped[int]
    theme: Mapped[str] = mapped_column(String(60))
    call_text: Mapped[str] = mapped_column(default="")
    document_number: Mapped[str] = mapped_column(String(40), default="")
    collects_from: Mapped[datetime | None]
    collects_until: Mapped[datetime | None]
    state: Mapped[BatchState] = mapped_column(db.Code(BatchState), default=BatchState.DRAFT)
    visible_from: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    invitations: Mapped[list[BatchInvitation]] = relationship(back_populates="batch", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"batch:{self.id}"

    @property
    def name(self) -> str:
        """2026年第二批."""
        return f"{self.year}年第{CHINESE_DIGITS.get(self.sequence, str(self.sequence))}批"


CHINESE_DIGITS = dict(enumerate("一二三四五六七八九十", start=1))


class BatchInvitation(db.Base):
    """A unit that is asked to hand in demands."""

    __tablename__ = "batch_invitation"
    __table_args__ = (UniqueConstraint("batch_id", "organisation_id"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)

    batch: Mapped[Batch] = relationship(back_populates="invitations")
    organisation: Mapped[Organisation] = relationship()
