"""Awards: who won which place of a demand, and what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.awards.rules import AwardState
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.notices.models import Notice


class Award(db.Base):
    """One place (1–3) of a demand, given to one bid. A substitute is a new row that names what it ``replaces``."""

    __tablename__ = "award"
    __table_args__ = (
        CheckConstraint(db.codes("state", AwardState), name="state"),
        CheckConstraint("place BETWEEN 1 AND 3", name="place"),
        Index("ix_award_demand", "demand_id", "place", "id"),
        Index("ix_award_take_up", "state", "take_up_ends_at"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    place: Mapped[int]
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"))
    state: Mapped[AwardState] = mapped_column(db.Code(AwardState), default=AwardState.PROPOSED)
    proposed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    take_up_ends_at: Mapped[datetime | None]
    taken_up_at: Mapped[datetime | None]
    taken_up_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(String(24), default="")
    lock_version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    bid: Mapped[Bid] = relationship()
    organisation: Mapped[Organisation] = relationship()
    notice: Mapped[Notice] = relationship()
    replaces: Mapped[Award | None] = relationship(remote_side=[id])

    __mapper_args__ = {"version_id_col": lock_version}

    # Facts that the policy asks for; the service fills them before it asks.
    has_no_open_objection = False
    has_cause_to_void = False
    no_award_is_contracted = False
    __allow_unmapped__ = True
    void_proposed_by_id: int | None = None
    substitute_proposed_by_id: int | None = None

    @property
    def audit_subject(self) -> str:
        return f"award:{self.id}"

    @property
    def award_proposed_by_id(self) -> int | None:
        return self.notice.award_proposed_by_id

    @property
    def notice_ends_at(self) -> datetime | None:
        return self.notice.ends_at

    @property
    def notice_is_published(self) -> bool:
        return self.notice.published_at is not None

    @property
    def is_not_taken_up(self) -> bool:
        return self.taken_up_at is None
