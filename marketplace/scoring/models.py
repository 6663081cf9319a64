"""Sheets: one expert, one bid, one round of review. What was handed in, corrected or mended stays as a version."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import PanelSeat
from marketplace.scoring.rules.sheets import Entry, SheetState


def entry_json(entry: Entry) -> dict[str, Any]:
    """JSON-ready; scores as plain text, so that no figure passes through a float."""
    return {
        "scores": {key: format(score, "f") for key, score in entry.scores.items()},
        "comments": {key: text for key, text in entry.comments.items() if text},
        "proofs": list(entry.proofs),
    }


def entry_of(data: dict[str, Any]) -> Entry:
    """The inverse of ``entry_json``."""
    return Entry(
        scores={key: Decimal(score) for key, score in data.get("scores", {}).items()},
        comments=dict(data.get("comments", {})),
        proofs=tuple(data.get("proofs", ())),
    )


class Sheet(db.Base):
    """One expert's sheet for one bid. ``missing``: how many places are still to fill, kept by the service.

    ``flags``: keys of criteria the expert is asked to look at again. ``serial`` counts the saves and is what two tabs
    are told apart by. ``round`` is the panel's ``review_round``. The plain attributes are facts for the policy.
    """

    __tablename__ = "sheet"
    __table_args__ = (
        UniqueConstraint("seat_id", "bid_id", "round"),
        CheckConstraint(db.codes("state", SheetState), name="state"),
        CheckConstraint("(state = 'draft') <= (handed_in_at IS NULL)", name="handed_in"),
        CheckConstraint("(state = 'locked') = (locked_at IS NOT NULL)", name="locked"),
        Index("ix_sheet_demand", "demand_id", "round", "state"),
        Index("ix_sheet_bid", "bid_id", "round"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"))
    seat_id: Mapped[int] = mapped_column(ForeignKey("panel_seat.id"))
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[SheetState] = mapped_column(db.Code(SheetState), default=SheetState.DRAFT)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    missing: Mapped[int]
    flags: Mapped[list[Any]] = mapped_column(default=list)
    reason: Mapped[str] = mapped_column(default="")  # why a flagged score was confirmed or corrected
    serial: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # by the dispersion check, once
    handed_in_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    mend_proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    bid: Mapped[Bid] = relationship()
    seat: Mapped[PanelSeat] = relationship()
    versions: Mapped[list[SheetVersion]] = relationship(back_populates="sheet", order_by="SheetVersion.number")

    __mapper_args__ = {"version_id_col": version}

    all_handed_in = False
    no_flag_open = False

    @property
    def audit_subject(self) -> str:
        return f"sheet:{self.id}"

    @property
    def entry(self) -> Entry:
        return entry_of(self.content)

    @property
    def expert_account_id(self) -> int | None:
        return self.seat.expert_account_id

    @property
    def chair_account_id(self) -> int | None:
        return self.seat.panel.chair_account_id

    @property
    def is_seated(self) -> bool:
        return self.seat.is_sitting

    @property
    def is_declared(self) -> bool:
        return self.seat.is_declared

    @property
    def is_under_review(self) -> bool:
        return self.demand.state is State.REVIEWING

    @property
    def is_unannounced(self) -> bool:
        return self.demand.state is State.REVIEWING

    @property
    def is_complete(self) -> bool:
        return self.missing == 0


class SheetVersion(db.Base):
    """A sheet as it was handed in, corrected or mended. ``kind`` names the act, ``code`` the reason of a mend."""

    __tablename__ = "sheet_version"
    __table_args__ = (
        UniqueConstraint("sheet_id", "number"),
        CheckConstraint("kind IN ('hand_in', 'correct', 'mend')", name="kind"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("sheet.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    content: Mapped[dict[str, Any]]
    code: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # the supervisor of a mend

    sheet: Mapped[Sheet] = relationship(back_populates="versions")
