"""Public notices, objections with their evidence, and result letters.

``Notice.frozen`` is exactly what is public, as hashed; the page, the print and the PDF are drawn from it, so a later
change of anything else changes no notice.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import ObjectionState, Remedy, masked
from marketplace.results.models import Ranking


class Notice(db.Base):
    """One public notice. ``place``: of the one award a substitute's notice is about, 0 for the notice of a result.

    ``number``: 文号, gapless in its year. ``frozen``: the public content, as hashed into ``sha256``; before it is
    published, what the second person is asked to publish.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("year", "sequence"),
        CheckConstraint(db.codes("state", NoticeState), name="state"),
        CheckConstraint("(published_at IS NULL) = (ends_at IS NULL)", name="window"),
        CheckConstraint("(published_at IS NULL) = (sequence IS NULL)", name="numbered"),
        CheckConstraint("published_by_id IS NULL OR published_by_id <> proposed_by_id", name="two_people"),
        Index("ix_notice_public", "published_at", "id"),
        Index("ix_notice_demand", "demand_id", "id"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    ranking_id: Mapped[int] = mapped_column(ForeignKey("ranking.id"), index=True)
    place: Mapped[int] = mapped_column(default=0)
    state: Mapped[NoticeState] = mapped_column(db.Code(NoticeState), default=NoticeState.PROPOSED)
    year: Mapped[int | None]
    sequence: Mapped[int | None]
    number: Mapped[str] = mapped_column(String(40), default="")
    title: Mapped[str] = mapped_column(String(120))
    frozen: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    published_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # exclusive
    award_proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    award_proposed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # stood or was revoked
    reason: Mapped[str] = mapped_column(default="")  # why it was revoked, public
    log_seq: Mapped[int | None] = mapped_column(db.Key)
    lock_version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    ranking: Mapped[Ranking] = relationship()
    objections: Mapped[list[Objection]] = relationship(back_populates="notice", order_by="Objection.id")

    __mapper_args__ = {"version_id_col": lock_version}

    # Facts that the policy asks for; the service fills them before it asks.
    report_is_signed = False
    ranking_is_decided = False
    has_no_open_objection = False
    has_cause_to_revoke = False
    has_no_contract = False

    @property
    def audit_subject(self) -> str:
        return f"notice:{self.id}"

    @property
    def screened_by_id(self) -> int | None:
        return self.demand.screener_id

    @property
    def content(self) -> dict[str, Any]:
        """What is public, as data."""
        data = json.loads(self.frozen)
        assert isinstance(data, dict)
        return data


class Objection(db.Base):
    """One objection to a notice, by real name. ``link_hash``: of the key in the link of an objector without account.

    Public of it: its state, the day, the answer, and ``masked_name``. The rest is for those who handle it.
    """

    __tablename__ = "objection"
    __table_args__ = (
        CheckConstraint(db.codes("state", ObjectionState), name="state"),
        CheckConstraint(
            f"remedy IS NULL OR remedy IN ({', '.join(repr(str(item)) for item in Remedy)})", name="remedy"
        ),
        CheckConstraint(
            "answer_signed_by_id IS NULL OR answer_signed_by_id <> answer_drafted_by_id", name="two_people"
        ),
        Index("ix_objection_notice_state", "notice_id", "state"),
        Index("ix_objection_due", "state", "answer_due_at"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    state: Mapped[ObjectionState] = mapped_column(db.Code(ObjectionState), default=ObjectionState.FILED)
    about_bid_id: Mapped[int | None] = mapped_column(ForeignKey("bid.id"))
    name: Mapped[str] = mapped_column(String(40))
    organisation: Mapped[str] = mapped_column(String(80), default="")
    email: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(30))
    objector_account_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    link_hash: Mapped[str] = mapped_column(String(64), default="")
    facts: Mapped[str]
    wish: Mapped[str] = mapped_column(default="")
    filed_at: Mapped[datetime]
    answer_due_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    draft: Mapped[str] = mapped_column(default="")
    answer_drafted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    drafted_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")  # public
    remedy: Mapped[Remedy | None] = mapped_column(db.Code(Remedy))
    answer_signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    answered_at: Mapped[datetime | None]
    escalation_ends_at: Mapped[datetime | None]
    escalation: Mapped[str] = mapped_column(default="")
    escalated_at: Mapped[datetime | None]
    final_answer: Mapped[str] = mapped_column(default="")  # public
    final_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    final_at: Mapped[datetime | None]
    remedied_at: Mapped[datetime | None]  # what followed from upholding it was done
    lock_version: Mapped[int] = mapped_column(default=1)

    notice: Mapped[Notice] = relationship(back_populates="objections")
    demand: Mapped[Demand] = relationship()
    about_bid: Mapped[Bid | None] = relationship()
    files: Mapped[list[ObjectionFile]] = relationship(back_populates="objection", order_by="ObjectionFile.id")
    answer_drafted_by: Mapped[User | None] = relationship(foreign_keys=[answer_drafted_by_id])

    __mapper_args__ = {"version_id_col": lock_version}

    @property
    def audit_subject(self) -> str:
        return f"objection:{self.id}"

    @property
    def link_name(self) -> str:
        """What the actor made from the objector's own link is called."""
        return f"objector:{self.public_id}"

    @property
    def masked_name(self) -> str:
        return masked(self.organisation or self.name, organisation=bool(self.organisation))


class ObjectionFile(db.Base):
    """Evidence."""

    __tablename__ = "objection_file"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    objection_id: Mapped[int] = mapped_column(ForeignKey("objection.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))

    objection: Mapped[Objection] = relationship(back_populates="files")


class Letter(db.Base):
    """The result letter of one bid after one decision, frozen as it was sent; the newest is the one that counts."""

    __tablename__ = "result_letter"
    __table_args__ = (Index("ix_result_letter_bid", "bid_id", "id"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime]

    demand: Mapped[Demand] = relationship()
    bid: Mapped[Bid] = relationship()
    notice: Mapped[Notice | None] = relationship()

    @property
    def audit_subject(self) -> str:
        return f"letter:{self.id}"
