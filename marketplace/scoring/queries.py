"""Reading sheets: an expert's own, and what of a review is still to be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload, undefer

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.panels.models import Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.panels.rules.seats import faults as panel_faults
from marketplace.platform.policy import Actor
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules import sheets as rules
from marketplace.scoring.rules.sheets import SheetState

# A bid that still competes: its sheets are expected. What fell out keeps its sheets and is waited for by nobody.
COMPETING = (BidState.ELIGIBLE,)


def find(*, actor: Actor, now: datetime, key: str) -> Sheet | None:
    """The actor's own sheet for the bid behind a desk address, of the present round; nobody else's exists for him."""
    if actor.id is None:
        return None
    return db.session.scalar(
        select(Sheet)
        .join(ReviewBid, ReviewBid.bid_id == Sheet.bid_id)
        .join(Sheet.seat)
        .join(PanelSeat.panel)
        .where(
            ReviewBid.key == key,
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.round == Panel.round,
            Sheet.round == Panel.review_round,
        )
        .options(
            contains_eager(Sheet.seat).contains_eager(PanelSeat.panel),
            joinedload(Sheet.demand).options(undefer(Demand.content), joinedload(Demand.unit)),
        )
    )


def of_seat(seat: PanelSeat) -> Select[Sheet]:
    """A seat's sheets of the present round, in the order of the bids' codes."""
    return (
        select(Sheet)
        .join(ReviewBid, ReviewBid.bid_id == Sheet.bid_id)
        .join(Bid, Bid.id == Sheet.bid_id)
        .where(Sheet.seat_id == seat.id, Sheet.round == seat.panel.review_round, Bid.state.in_(COMPETING))
        .order_by(ReviewBid.code)
    )


def review_bids(demand_id: int) -> list[ReviewBid]:
    """The bids that still compete, in the order of their codes."""
    return list(
        db.session.scalars(
            select(ReviewBid)
            .join(ReviewBid.bid)
            .where(ReviewBid.demand_id == demand_id, Bid.state.in_(COMPETING))
            .order_by(ReviewBid.code)
            .options(contains_eager(ReviewBid.bid))
        )
    )


def panel(demand_id: int) -> Panel | None:
    """A demand's panel with its seats and experts: three queries."""
    return db.session.scalar(
        select(Panel)
        .where(Panel.demand_id == demand_id)
        .options(selectinload(Panel.seats).joinedload(PanelSeat.expert), joinedload(Panel.demand))
    )


def that_count(demand_id: int) -> list[Sheet]:
    """The sheets of the present round by members who count, for bids that still compete."""
    return list(
        db.session.scalars(
            select(Sheet)
            .join(Sheet.seat)
            .join(PanelSeat.panel)
            .join(Bid, Bid.id == Sheet.bid_id)
            .where(
                Sheet.demand_id == demand_id,
                Sheet.round == Panel.review_round,
                PanelSeat.round == Panel.round,
                PanelSeat.state == SeatState.DECLARED,
                Bid.state.in_(COMPETING),
            )
            .order_by(Sheet.id)
            .options(contains_eager(Sheet.seat).contains_eager(PanelSeat.panel), joinedload(Sheet.demand))
        )
    )


def pairs(sheets: Sequence[Sheet], *states: SheetState) -> set[tuple[str, str]]:
    """(seat, bid) of the sheets in one of these states, as ``rules.expected`` writes them."""
    return {(str(sheet.seat_id), str(sheet.bid_id)) for sheet in sheets if sheet.state in states}


def expected(panel: Panel) -> frozenset[tuple[str, str]]:
    """Every (seat, bid) the review waits for; empty while the panel is not complete, so that nothing closes."""
    if panel_faults([seat.as_seat for seat in panel.present_seats], size=panel.size):
        return frozenset()
    return rules.expected(
        (str(seat.id) for seat in panel.counted_seats), (str(item.bid_id) for item in review_bids(panel.demand_id))
    )


def all_locked(demand_id: int) -> bool:
    """Whether expected − locked = ∅, and something was expected."""
    found = panel(demand_id)
    if found is None:
        return False
    return rules.may_close(expected(found), pairs(that_count(demand_id), SheetState.LOCKED))
