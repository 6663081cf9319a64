"""Custodians' public keys, the challenges they answered, and the frozen sets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.custody.rules import custodian_id
from marketplace.platform.sealing.custodians import Custodian


class CustodianKey(db.Base):
    """One key of one custodian: 65 bytes of P-256 point. Counts once a second person has confirmed its fingerprint."""

    __tablename__ = "custodian_key"
    __table_args__ = (
        CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> user_id", name="two_people"),
        CheckConstraint("(confirmed_by_id IS NULL) OR (confirmed_at IS NOT NULL)", name="confirmed"),
        Index(
            "uq_custodian_key_live",
            "user_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    point: Mapped[bytes] = mapped_column(LargeBinary(65))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    enrolled_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    proved_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    @property
    def audit_subject(self) -> str:
        return f"custodian_key:{self.id}"

    @property
    def custodian(self) -> Custodian:
        """As the protocol sees him."""
        return Custodian(custodian_id(self.user_id), self.point)


class CustodyChallenge(db.Base):
    """A sealed secret for a custodian to open; only the answer's hash is kept. Answered once."""

    __tablename__ = "custody_challenge"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("custodian_key.id"), index=True)
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    answer_sha256: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    key: Mapped[CustodianKey] = relationship()


class CustodySet(db.Base):
    """A set as demands freeze it, under its own hash: never changed, shared by the demands that name the same one."""

    __tablename__ = "custody_set"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]]
    frozen_at: Mapped[datetime]
