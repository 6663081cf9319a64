"""Where a review stands, and who asks: what every page of a review loads first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.queries import visible as visible_demands
from marketplace.demands.rules import State
from marketplace.disclosure import Fact, Person, Phase, Terms, may_know, phase_of
from marketplace.panels.models import Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.policy import Actor
from marketplace.results.models import Ranking, Reminder, Report
from marketplace.results.rules import ReportState
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.sheets import SheetState

REVIEWED = (State.REVIEWING, State.NOTICE, State.AWARDED, State.COMPLETED, State.LAPSED)


@dataclass(frozen=True)
class Reviewed:
    """A demand with what its review has come to, and what the policy asks about it."""

    demand: Demand
    member_account_ids: frozenset[int]
    chair_account_id: int | None
    sheets_locked: bool
    ranking_id: int | None  # the newest, of whatever round
    ranked: bool  # there is one of the present round
    undecided: bool  # ties in the newest wait for a draw
    reminded_at: datetime | None
    report_ranking_id: int | None
    report_state: ReportState | None

    @property
    def screener_id(self) -> int | None:
        return self.demand.screener_id

    @property
    def state(self) -> State:
        return self.demand.state

    @property
    def is_locked(self) -> bool:
        return self.demand.state is not State.REVIEWING or self.ranked or self.sheets_locked

    @property
    def phase(self) -> Phase:
        """For ``disclosure``."""
        under_review = self.demand.state is State.REVIEWING
        return phase_of(
            str(self.demand.state),
            closed=True,
            opened=True,
            locked=under_review and self.is_locked,
            ranked=under_review and self.ranked,
        )


def find_reviewed(*, actor: Actor, now: datetime, ref: str) -> Reviewed | None:
    """A demand under review or past it, with where its review stands: one query, two for a member of a panel."""
    here = Panel.demand_id == Demand.id
    seats = select(func.count()).select_from(PanelSeat).join(Panel).where(here, PanelSeat.round == Panel.round)
    reports = (Report.demand_id == Demand.id, Report.id.desc())
    row = db.session.execute(
        visible_demands(actor, now)
        .where(Demand.number == ref, Demand.state.in_(REVIEWED))
        .options(joinedload(Demand.unit), undefer(Demand.content))
        .add_columns(
            *_status(),
            seats.scalar_subquery(),
            select(Ranking.id)
            .where(Ranking.demand_id == Demand.id)
            .order_by(Ranking.number.desc())
            .limit(1)
            .scalar_subquery(),
            select(Ranking.undecided)
            .where(Ranking.demand_id == Demand.id)
            .order_by(Ranking.number.desc())
            .limit(1)
            .scalar_subquery(),
            select(func.max(Reminder.sent_at)).where(Reminder.demand_id == Demand.id).scalar_subquery(),
            select(Report.ranking_id).where(reports[0]).order_by(reports[1]).limit(1).scalar_subquery(),
            select(Report.state).where(reports[0]).order_by(reports[1]).limit(1).scalar_subquery(),
        )
    ).first()
    if row is None or not row[7]:
        return None  # it never came to a review
    demand: Demand = row[0]
    members: list[tuple[int | None, datetime | None]] = []
    if actor.has(Role.EXPERT):
        found = db.session.execute(
            select(PanelSeat.expert_account_id, PanelSeat.chaired_at)
            .join(Panel, Panel.id == PanelSeat.panel_id)
            .where(Panel.demand_id == demand.id, PanelSeat.round == Panel.round, PanelSeat.state == SeatState.DECLARED)
        )
        members = [(account, at) for account, at in found]
    return Reviewed(
        demand,
        frozenset(account for account, _ in members if account is not None),
        next((account for account, at in members if at is not None), None),
        _closes(row[1:6]),
        row[8],
        row[6] is not None,
        bool(row[9]),
        row[10],
        row[11],
        row[12],
    )


def _status() -> tuple[Any, ...]:
    """Scalar subqueries about ``Demand``: size, declared, waiting, competing, locked; a ranking of the present round."""
    here = and_(Panel.demand_id == Demand.id)
    seat = select(func.count()).select_from(PanelSeat).join(Panel).where(here, PanelSeat.round == Panel.round)
    waiting = PanelSeat.state.in_([SeatState.INVITED, SeatState.CONFIRMED])
    bids = (
        select(func.count())
        .select_from(ReviewBid)
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .where(ReviewBid.demand_id == Demand.id, Bid.state.in_(COMPETING))
    )
    locked = (
        select(func.count())
        .select_from(Sheet)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .join(Bid, Bid.id == Sheet.bid_id)
        .where(
            Sheet.demand_id == Demand.id,
            Sheet.round == Panel.review_round,
            Sheet.state == SheetState.LOCKED,
            PanelSeat.round == Panel.round,
            PanelSeat.state == SeatState.DECLARED,
            Bid.state.in_(COMPETING),
        )
    )
    ranking = (
        select(func.max(Ranking.id))
        .join(Panel, Panel.demand_id == Ranking.demand_id)
        .where(Ranking.demand_id == Demand.id, Ranking.round == Panel.review_round)
    )
    return (
        select(Panel.size).where(here).scalar_subquery(),
        seat.where(PanelSeat.state == SeatState.DECLARED).scalar_subquery(),
        seat.where(waiting).scalar_subquery(),
        bids.scalar_subquery(),
        locked.scalar_subquery(),
        ranking.scalar_subquery(),
    )


def _closes(row: Any) -> bool:
    """expected − locked = ∅ and something was expected: what ``scoring.queries.all_locked`` says, counted in SQL."""
    size, declared, waiting, competing, locked = row
    return bool(size and declared >= size and not waiting and competing and locked == declared * competing)


def is_locked(demand_id: int) -> bool:
    """Whether every expected sheet of the present round is locked."""
    row = db.session.execute(select(*_status()).select_from(Demand).where(Demand.id == demand_id)).one()
    return _closes(row[:5])


def person_of(actor: Actor, reviewed: Reviewed) -> Person:
    """What the actor is to this review, for ``disclosure``."""
    for role, person in (
        (Role.SUPERVISOR, Person.SUPERVISOR),
        (Role.PUBLISHER, Person.PUBLISHER),
        (Role.SCREENER, Person.SCREENER),
    ):
        if actor.has(role):
            return person
    if actor.id is not None and actor.id == reviewed.chair_account_id:
        return Person.CHAIR
    return Person.EXPERT if actor.id in reviewed.member_account_ids else Person.PUBLIC


def names(reviewed: Reviewed, actor: Actor, *, now: datetime) -> dict[int, str]:
    """What each bid is called for this reader: code and bidder, or the code alone while he may not know who bid."""
    demand = reviewed.demand
    known = may_know(
        Fact.BIDDER, reviewed.phase, person_of(actor, reviewed), terms_of(demand.said), reached=Phase.RANKED
    )
    rows = db.session.execute(
        select(ReviewBid.bid_id, ReviewBid.code, Organisation.name)
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .where(ReviewBid.demand_id == demand.id)
    )
    return {bid_id: f"{code} {name}" if known else code for bid_id, code, name in rows}


def terms_of(content: DemandContent) -> Terms:
    """What the published demand promised, as ``disclosure`` asks."""
    return Terms(blind=content.blind, two_step=content.two_step, public_scores=content.public_scores)
