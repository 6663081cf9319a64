"""Rankings with their records, the witnessed draw of ties, disqualifications, the report and its signatures.

A ranking is written once: what it was computed from (``record``, the very bytes that were hashed) and what came out.
A later one replaces it by its number; nothing is ever changed.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.panels.models import PanelSeat
from marketplace.results.rules import Cause, Disqualification, ReportState
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.record import Decider, Standing
from marketplace.scoring.rules.sheets import MendReason


class Offer(db.Base):
    """What a ranking needs of one opened bid: its answers to the indicators, in their order, and its price.

    Read from the opened forms once, and logged as a read; ``price`` in the unit of the mode's basis (分, or percent),
    ``None`` while its envelope is sealed.
    """

    __tablename__ = "bid_offer"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    answers: Mapped[list[Any]] = mapped_column(default=list)  # [[value, deviation]]
    price: Mapped[Decimal | None] = mapped_column(db.Exact)
    read_at: Mapped[datetime]

    bid: Mapped[Bid] = relationship()


class Ranking(db.Base):
    """One computed ranking of a demand; the highest ``number`` is in force.

    ``hash``: of the result, what the notice prints; ``record_sha256``: of the record's bytes. ``round``: of the review.
    """

    __tablename__ = "ranking"
    __table_args__ = (
        UniqueConstraint("demand_id", "number"),
        CheckConstraint(db.codes("cause", Cause), name="cause"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    number: Mapped[int]
    round: Mapped[int] = mapped_column(default=1)
    cause: Mapped[Cause] = mapped_column(db.Code(Cause))
    note: Mapped[str] = mapped_column(default="")
    version: Mapped[int]  # of the ranking function
    record: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    record_sha256: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), index=True)
    undecided: Mapped[list[Any]] = mapped_column(default=list)  # groups of bids that a draw must decide
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    log_seq: Mapped[int | None] = mapped_column(db.Key)

    demand: Mapped[Demand] = relationship()
    made_by: Mapped[User | None] = relationship()
    lines: Mapped[list[RankingLine]] = relationship(back_populates="ranking", order_by="RankingLine.position")

    @property
    def audit_subject(self) -> str:
        return f"ranking:{self.id}"

    @property
    def inputs(self) -> dict[str, Any]:
        """The record as data."""
        data = json.loads(self.record)
        assert isinstance(data, dict)
        return data


class RankingLine(db.Base):
    """One bid in a ranking, figure by figure; ``criteria`` as text, digit for digit, in the sheet's order."""

    __tablename__ = "ranking_line"
    __table_args__ = (
        CheckConstraint(db.codes("standing", Standing), name="standing"),
        CheckConstraint(db.codes("decided_by", Decider), name="decided_by"),
        CheckConstraint("(standing = 'ranked') = (rank IS NOT NULL)", name="ranked"),
    )

    ranking_id: Mapped[int] = mapped_column(ForeignKey("ranking.id"), primary_key=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True, index=True)
    position: Mapped[int]
    rank: Mapped[int | None]
    standing: Mapped[Standing] = mapped_column(db.Code(Standing))
    total: Mapped[Decimal | None] = mapped_column(db.Exact)
    plain_total: Mapped[Decimal | None] = mapped_column(db.Exact)
    criteria: Mapped[list[Any]] = mapped_column(default=list)  # [[key, figure]]
    trimmed: Mapped[list[Any]] = mapped_column(default=list)
    few_sheets: Mapped[bool] = mapped_column(default=False)
    shortfalls: Mapped[list[Any]] = mapped_column(default=list)
    decided_by: Mapped[Decider] = mapped_column(db.Code(Decider), default=Decider.FIRST)

    ranking: Mapped[Ranking] = relationship(back_populates="lines")
    bid: Mapped[Bid] = relationship()

    @property
    def figures(self) -> dict[str, Decimal]:
        return {key: Decimal(figure) for key, figure in self.criteria}


class TieDraw(db.Base):
    """The witnessed draw that decided equal bids: who was present, what he typed, which checkpoint, the seed."""

    __tablename__ = "tie_draw"
    __table_args__ = (UniqueConstraint("demand_id", "round"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    round: Mapped[int]  # of the review
    number: Mapped[str] = mapped_column(String(40))
    checkpoint_size: Mapped[int] = mapped_column(db.Key)
    checkpoint_root: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(64))
    drawn_at: Mapped[datetime]
    drawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    drawn_by: Mapped[User | None] = relationship()


class BidOut(db.Base):
    """A bid that left the competition after it was admitted: coded reason, proposed by one, confirmed by another."""

    __tablename__ = "bid_out"
    __table_args__ = (
        CheckConstraint(db.codes("code", Disqualification), name="code"),
        CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint("(confirmed_by_id IS NULL) <= (decided_at IS NULL OR refused)", name="decided"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), index=True)
    code: Mapped[Disqualification] = mapped_column(db.Code(Disqualification))
    reason: Mapped[str]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    proposed_at: Mapped[datetime]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    refused: Mapped[bool] = mapped_column(default=False)

    bid: Mapped[Bid] = relationship()
    proposed_by: Mapped[User | None] = relationship(foreign_keys=[proposed_by_id])

    @property
    def audit_subject(self) -> str:
        return f"bid_out:{self.id}"

    @property
    def in_force(self) -> bool:
        return self.decided_at is not None and not self.refused


class Report(db.Base):
    """The review report of one ranking. ``conclusion``: what the office wrote under the figures."""

    __tablename__ = "review_report"
    __table_args__ = (CheckConstraint(db.codes("state", ReportState), name="state"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    ranking_id: Mapped[int] = mapped_column(ForeignKey("ranking.id"), unique=True)
    state: Mapped[ReportState] = mapped_column(db.Code(ReportState), default=ReportState.SIGNING)
    conclusion: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    signed_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    ranking: Mapped[Ranking] = relationship()
    signatures: Mapped[list[Signature]] = relationship(back_populates="report", order_by="Signature.signed_at")

    __mapper_args__ = {"version_id_col": lock_version}

    @property
    def audit_subject(self) -> str:
        return f"report:{self.id}"


class Signature(db.Base):
    """One member signed; ``dissent`` is his own opinion in writing, which the report prints."""

    __tablename__ = "report_signature"

    report_id: Mapped[int] = mapped_column(ForeignKey("review_report.id"), primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("panel_seat.id"), primary_key=True)
    chair: Mapped[bool] = mapped_column(default=False)
    dissent: Mapped[str] = mapped_column(default="")
    signed_at: Mapped[datetime]

    report: Mapped[Report] = relationship(back_populates="signatures")
    seat: Mapped[PanelSeat] = relationship()


class Reminder(db.Base):
    """The panel was reminded on this day: the primary key keeps it at one a day."""

    __tablename__ = "review_reminder"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    people: Mapped[int]


class Mend(db.Base):
    """A correction after locking, as the chair proposed it; the supervisor countersigns or refuses."""

    __tablename__ = "sheet_mend"
    __table_args__ = (
        CheckConstraint(db.codes("code", MendReason), name="code"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_people"),
        Index(
            "uq_sheet_mend_open",
            "sheet_id",
            unique=True,
            sqlite_where=db.null("decided_at"),
            postgresql_where=db.null("decided_at"),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("sheet.id"), index=True)
    code: Mapped[MendReason] = mapped_column(db.Code(MendReason))
    reason: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    confirmed: Mapped[bool | None]

    sheet: Mapped[Sheet] = relationship()
