"""What eligibility keeps of a bid: the checklist, the one cure, files handed in later, the decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids.models import Bid
from marketplace.eligibility.rules import Reason


class EligibilityReview(db.Base):
    """The checklist of one bid. ``checks``: point → ``{"verdict", "note"}``."""

    __tablename__ = "eligibility_review"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    checks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    checked_at: Mapped[datetime]
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    bid: Mapped[Bid] = relationship()

    __mapper_args__ = {"version_id_col": version}


class EligibilityCure(db.Base):
    """补正: asked for once per bid. ``answered_at``: when the bidder said that he is done."""

    __tablename__ = "eligibility_cure"
    __table_args__ = (
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered"),
        CheckConstraint("due_at > asked_at", name="due"),
        Index("ix_eligibility_cure_due", "answered_at", "due_at"),
    )

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    text: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    due_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    bid: Mapped[Bid] = relationship()


class EligibilityFile(db.Base):
    """A file handed in after the opening, for the cure or for a promise (``document``), kept under the storage key.

    ``part``: its number among this bid's later files, which its encryption is bound to.
    """

    __tablename__ = "eligibility_file"
    __table_args__ = (Index("ix_eligibility_file_bid", "bid_id", "part", unique=True),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"))
    part: Mapped[int]
    document: Mapped[str] = mapped_column(String(24), default="")  # the promised document; empty: for the cure
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))  # of the plaintext
    stored_sha256: Mapped[str] = mapped_column(String(64), index=True)
    finding: Mapped[str] = mapped_column(String(40), default="")
    scan: Mapped[str] = mapped_column(String(16), default="not_scanned")
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    removed_at: Mapped[datetime | None]

    bid: Mapped[Bid] = relationship()


class EligibilityDecision(db.Base):
    """What was decided about a bid, by whom, and why. One per bid."""

    __tablename__ = "eligibility_decision"
    __table_args__ = (
        CheckConstraint("eligible = (reason = '')", name="reason"),
        CheckConstraint(f"reason IN ('', {', '.join(repr(str(code)) for code in Reason)})", name="code"),
        CheckConstraint("eligible OR text <> ''", name="text"),
    )

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    eligible: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(24), default="")
    text: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    log_seq: Mapped[int | None] = mapped_column(db.Key)

    bid: Mapped[Bid] = relationship()
    decided_by: Mapped[User | None] = relationship()
