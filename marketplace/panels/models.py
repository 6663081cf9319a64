"""The pool of experts, a demand's panel with its draws and seats, what was declared, and what the desk is given.

Whatever an expert of a blind demand may see of a bid hangs on ``ReviewBid``: its code and its key are random, its rows
say nothing of the bidder.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import User
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.panels.rules import seats as rules
from marketplace.panels.rules.conflicts import BlockKind, Employment, ExpertFacts, Tie
from marketplace.panels.rules.draw import Pool, pool_from_json
from marketplace.panels.rules.seats import PanelState, SeatState


class Expert(db.Base):
    """One person of the expert pool. ``key`` is what draws and logs know him by; ``user_id``: his account, if any.

    ``history``: ``[{"employer", "credit_code", "until_on"}]`` of former employers; ``equity`` and ``relations``:
    ``[{"name", "credit_code"}]``, as he declared them. ``outside``: he works outside the zone.
    """

    __tablename__ = "expert"
    __table_args__ = (
        CheckConstraint("away_from IS NULL OR away_until IS NULL OR away_until >= away_from", name="away"),
        Index("ix_expert_listed", "retired_at", "name"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    phone: Mapped[str] = mapped_column(String(30), default="")
    title: Mapped[str] = mapped_column(String(60), default="")
    employer: Mapped[str] = mapped_column(String(80))
    employer_code: Mapped[str] = mapped_column(String(18), default="")
    outside: Mapped[bool] = mapped_column(default=True)
    fields: Mapped[list[Any]] = mapped_column(default=list)  # codes of directions and industries
    history: Mapped[list[Any]] = mapped_column(default=list)
    equity: Mapped[list[Any]] = mapped_column(default=list)
    relations: Mapped[list[Any]] = mapped_column(default=list)
    away_from: Mapped[date | None]
    away_until: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    added_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    user: Mapped[User | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"expert:{self.id}"

    def away(self, on: date) -> bool:
        """Whether he has said that he cannot come on this day; an open end stays open."""
        if self.away_from is None and self.away_until is None:
            return False
        return (self.away_from is None or self.away_from <= on) and (self.away_until is None or on <= self.away_until)

    @property
    def facts(self) -> ExpertFacts:
        """As the conflict rules see him."""
        former = (
            Employment(
                job["employer"],
                job.get("credit_code", ""),
                date.fromisoformat(job["until_on"]) if job.get("until_on") else None,
            )
            for job in self.history
        )
        return ExpertFacts(
            expert=self.key,
            name=self.name,
            employments=(Employment(self.employer, self.employer_code), *former),
            equity=tuple(Tie(tie["name"], tie.get("credit_code", "")) for tie in self.equity),
            relations=tuple(Tie(tie["name"], tie.get("credit_code", "")) for tie in self.relations),
        )


class Panel(db.Base):
    """The panel of one demand. ``round``: of the newest draw; ``review_round``: of the review, from 1.

    The plain attributes below the columns are facts that the policy asks for; the service fills them before it asks.
    """

    __tablename__ = "panel"
    __table_args__ = (
        CheckConstraint(db.codes("state", PanelState), name="state"),
        CheckConstraint("size >= 5 AND size % 2 = 1", name="odd"),
        CheckConstraint("(redraw_proposed_by_id IS NULL) = (redraw_reason = '')", name="redraw"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), unique=True)
    state: Mapped[PanelState] = mapped_column(db.Code(PanelState), default=PanelState.PREPARING)
    size: Mapped[int] = mapped_column(default=5)
    share: Mapped[str] = mapped_column(String(12), default="2/3")  # least share of outside experts
    fields: Mapped[list[Any]] = mapped_column(default=list)
    meets_on: Mapped[date | None]  # Beijing day of the review, against which availability is read
    score_by: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(default=0)
    review_round: Mapped[int] = mapped_column(default=1)
    redraw_proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    redraw_reason: Mapped[str] = mapped_column(String(24), default="")
    redraw_note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    lock_version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    draws: Mapped[list[PanelDraw]] = relationship(back_populates="panel", order_by="PanelDraw.round")
    seats: Mapped[list[PanelSeat]] = relationship(back_populates="panel", order_by="PanelSeat.round, PanelSeat.order")

    __mapper_args__ = {"version_id_col": lock_version}

    review_is_open = False
    review_is_over = False
    pool_suffices = False
    has_checkpoint_after_pool = False

    @property
    def audit_subject(self) -> str:
        return f"panel:{self.id}"

    @property
    def outside_share(self) -> Fraction:
        return Fraction(self.share)

    @property
    def draw(self) -> PanelDraw | None:
        """The newest draw, fixed or drawn."""
        return next((draw for draw in self.draws if draw.round == self.round), None)

    @property
    def present_seats(self) -> list[PanelSeat]:
        """The seats of the newest draw, by lot."""
        return [seat for seat in self.seats if seat.round == self.round]

    @property
    def counted_seats(self) -> list[PanelSeat]:
        """The members whose sheets count."""
        return [seat for seat in self.present_seats if seat.state is SeatState.DECLARED]

    @property
    def chair(self) -> PanelSeat | None:
        """The elected chair, while his sheets count."""
        return next((seat for seat in self.counted_seats if seat.chaired_at is not None), None)

    @property
    def chair_account_id(self) -> int | None:
        return self.chair.expert_account_id if self.chair is not None else None


class PanelDraw(db.Base):
    """One draw: the pool and its leaf first, the seed and its outcome after. Written once, then only completed."""

    __tablename__ = "panel_draw"
    __table_args__ = (
        UniqueConstraint("panel_id", "round"),
        CheckConstraint("(drawn_at IS NULL) = (seed = '')", name="seeded"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id"))
    round: Mapped[int]
    pool: Mapped[dict[str, Any]]
    left_out: Mapped[list[Any]] = mapped_column(default=list)  # [[expert key, code]]
    pool_hash: Mapped[str] = mapped_column(String(64))
    pool_seq: Mapped[int | None] = mapped_column(db.Key)
    fixed_at: Mapped[datetime]
    fixed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(String(24), default="")  # of a second draw
    note: Mapped[str] = mapped_column(default="")
    checkpoint_size: Mapped[int | None] = mapped_column(db.Key)
    checkpoint_root: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[str] = mapped_column(String(40), default="")  # typed by the supervisor who was present
    seed: Mapped[str] = mapped_column(String(64), default="")
    members: Mapped[list[Any]] = mapped_column(default=list)
    substitutes: Mapped[list[Any]] = mapped_column(default=list)
    drawn_at: Mapped[datetime | None]
    drawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    panel: Mapped[Panel] = relationship(back_populates="draws")
    drawn_by: Mapped[User | None] = relationship(foreign_keys=[drawn_by_id])
    fixed_by: Mapped[User | None] = relationship(foreign_keys=[fixed_by_id])

    @property
    def as_pool(self) -> Pool:
        return pool_from_json(self.pool)


class PanelSeat(db.Base):
    """One expert's place. ``order``: position of his lot, members first, then substitutes, from 0.

    ``override_*``: a recused expert admitted all the same, by two people and a reason, and named in the report.
    """

    __tablename__ = "panel_seat"
    __table_args__ = (
        UniqueConstraint("panel_id", "round", "expert_id"),
        UniqueConstraint("panel_id", "round", "order", name="uq_panel_seat_order"),
        CheckConstraint(db.codes("state", SeatState), name="state"),
        CheckConstraint(
            "overridden_by_id IS NULL OR (overridden_by_id <> override_proposed_by_id AND override_reason <> '')",
            name="two_people",
        ),
        Index("ix_panel_seat_account", "expert_account_id", "state"),
        Index("ix_panel_seat_due", "state", "confirm_by"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id"))
    round: Mapped[int]
    expert_id: Mapped[int] = mapped_column(ForeignKey("expert.id"), index=True)
    expert_account_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    order: Mapped[int]
    outside: Mapped[bool]
    state: Mapped[SeatState] = mapped_column(db.Code(SeatState))
    called_at: Mapped[datetime | None]
    confirm_by: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    declared_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    override_proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    override_reason: Mapped[str] = mapped_column(default="")
    overridden_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    overridden_at: Mapped[datetime | None]
    vote_for_id: Mapped[int | None] = mapped_column(ForeignKey("panel_seat.id"))  # for the chair
    chaired_at: Mapped[datetime | None]  # elected chair
    lock_version: Mapped[int] = mapped_column(default=1)

    panel: Mapped[Panel] = relationship(back_populates="seats")
    expert: Mapped[Expert] = relationship()
    declarations: Mapped[list[Declaration]] = relationship(back_populates="seat", order_by="Declaration.id")
    overridden_by: Mapped[User | None] = relationship(foreign_keys=[overridden_by_id])
    override_proposed_by: Mapped[User | None] = relationship(foreign_keys=[override_proposed_by_id])

    __mapper_args__ = {"version_id_col": lock_version}

    has_hard_block = False
    panel_has_vacancy = False
    is_next_in_order = False
    confirmation_is_overdue = False
    sheets_not_locked = True

    @property
    def audit_subject(self) -> str:
        return f"panel_seat:{self.id}"

    @property
    def number(self) -> str:
        """What the panel calls him: 专家 07."""
        return f"{self.order + 1:02d}"

    @property
    def has_no_hard_block(self) -> bool:
        """Free of a block, or admitted in spite of it."""
        return not self.has_hard_block or self.overridden_at is not None

    @property
    def is_declared(self) -> bool:
        return self.state is SeatState.DECLARED

    @property
    def is_sitting(self) -> bool:
        return self.state in rules.SITTING

    @property
    def as_seat(self) -> rules.Seat:
        """As the rules see it."""
        return rules.Seat(self.expert.key, self.order, self.outside, self.state)


class Declaration(db.Base):
    """What an expert said about the list of participants, as he was shown it. ``clean``: no conflict with any."""

    __tablename__ = "panel_declaration"
    __table_args__ = (UniqueConstraint("seat_id", "clean"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("panel_seat.id"))
    shown: Mapped[list[Any]]  # names in the order shown
    clean: Mapped[bool]
    conflicts: Mapped[list[Any]] = mapped_column(default=list)  # names he has a conflict with
    statement: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]

    seat: Mapped[PanelSeat] = relationship(back_populates="declarations")


class Conflict(db.Base):
    """A hard block between an expert and a party of the demand; ``source``: pool, opening, declaration or request."""

    __tablename__ = "panel_conflict"
    __table_args__ = (
        UniqueConstraint("panel_id", "expert_id", "kind", "party"),
        CheckConstraint(db.codes("kind", BlockKind), name="kind"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id"))
    expert_id: Mapped[int] = mapped_column(ForeignKey("expert.id"), index=True)
    kind: Mapped[BlockKind] = mapped_column(db.Code(BlockKind))
    party: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(12))
    found_at: Mapped[datetime]

    expert: Mapped[Expert] = relationship()


class ExclusionDecision(db.Base):
    """The supervisor's answer to one request of one bidder, with the words of the request as they were then."""

    __tablename__ = "exclusion_decision"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # of the request in the bid, from 0
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    person: Mapped[str] = mapped_column(String(80), default="")
    employer: Mapped[str] = mapped_column(String(80), default="")
    request: Mapped[str] = mapped_column(default="")
    upheld: Mapped[bool]
    answer: Mapped[str]
    decided_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    bid: Mapped[Bid] = relationship()


class ReviewBid(db.Base):
    """A bid as the panel knows it. ``code`` (B-04) and ``key`` (in addresses) are random per demand."""

    __tablename__ = "review_bid"
    __table_args__ = (UniqueConstraint("demand_id", "code"),)

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    code: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(32), unique=True)

    bid: Mapped[Bid] = relationship()


class ReviewFile(db.Base):
    """What the officer decided about one file for a blind panel: ``show``, ``no_images`` or ``withhold``."""

    __tablename__ = "review_file"
    __table_args__ = (CheckConstraint("treatment IN ('show', 'no_images', 'withhold')", name="treatment"),)

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    treatment: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class LeakScan(db.Base):
    """A look for the bidders' identities in all that the panel will see, and who took note of what it found."""

    __tablename__ = "leak_scan"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id"), index=True)
    findings: Mapped[list[Any]]  # [{"bid", "place", "kind", "masked", "excerpt"}], without the identity itself
    scanned_at: Mapped[datetime]
    scanned_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    noted_at: Mapped[datetime | None]
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(default="")

    noted_by: Mapped[User | None] = relationship(foreign_keys=[noted_by_id])


class PanelQuestion(db.Base):
    """A member's question to the chair, read by the whole panel; it is about the demand or one coded bid."""

    __tablename__ = "panel_question"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("panel.id"), index=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("panel_seat.id"))
    code: Mapped[str] = mapped_column(String(8), default="")
    text: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("panel_seat.id"))
    answered_at: Mapped[datetime | None]

    seat: Mapped[PanelSeat] = relationship(foreign_keys=[seat_id])
