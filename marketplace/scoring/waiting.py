"""What waits for an expert: an answer to an invitation, a declaration, bids to score, scores to look at again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels import queries as panels
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.sheets import SheetState


def waiting(actor: Actor, now: datetime) -> list[Errand]:
    """The actor's seats that ask something of him, in two queries."""
    seats = list(
        db.session.scalars(
            panels.seats_of(actor)
            .where(PanelSeat.state.in_((SeatState.INVITED, SeatState.CONFIRMED, SeatState.DECLARED)))
            .limit(MOST)
        )
    )
    counts = open_sheets([seat for seat in seats if seat.panel.demand.state is State.REVIEWING])
    found = (_errand(seat, counts.get(seat.id, {})) for seat in seats)
    return [errand for errand in found if errand is not None]


def open_sheets(seats: list[PanelSeat]) -> dict[int, dict[str, int]]:
    """Seat id → how many sheets in drafts, and flagged."""
    rows = db.session.execute(
        select(Sheet.seat_id, Sheet.state, func.count())
        .join(Bid, Bid.id == Sheet.bid_id)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(PanelSeat.panel)
        .where(
            Sheet.seat_id.in_([seat.id for seat in seats]),
            Sheet.round == Panel.review_round,
            Bid.state.in_(COMPETING),
        )
        .group_by(Sheet.seat_id, Sheet.state)
    )
    found: dict[int, dict[str, int]] = {}
    for seat_id, state, count in rows:
        found.setdefault(seat_id, {})[str(state)] = count
    return found


def _errand(seat: PanelSeat, counts: dict[str, int]) -> Errand | None:
    demand, panel = seat.panel.demand, seat.panel
    url, title, note = f"/review/{demand.ref}", demand.title, demand.unit.display_name
    if seat.state is SeatState.INVITED:
        return Errand(title, "评审邀请", "答复邀请", url, note, seat.confirm_by)
    if seat.state is SeatState.CONFIRMED:
        return Errand(title, "回避申报", "申报", f"{url}/declaration", note, panel.score_by)
    if flagged := counts.get(SheetState.FLAGGED, 0):
        return Errand(title, "核对评分", "核对", url, f"{note}，{flagged}份请再核对", panel.score_by)
    if drafts := counts.get(SheetState.DRAFT, 0):
        return Errand(title, "评审打分", "打分", url, f"{note}，还有{drafts}份未提交", panel.score_by)
    return None


def to_start(actor: Actor, now: datetime) -> list[Errand]:
    """For the publisher: opened demands whose bids are all decided and whose panel is seated and has declared."""
    declared = (
        select(func.count())
        .where(PanelSeat.panel_id == Panel.id, PanelSeat.round == Panel.round, PanelSeat.state == SeatState.DECLARED)
        .scalar_subquery()
    )
    undecided = exists().where(Bid.demand_id == Demand.id, Bid.state.in_((BidState.OPENED, BidState.CURE)))
    eligible = exists().where(Bid.demand_id == Demand.id, Bid.state == BidState.ELIGIBLE)
    rows = db.session.scalars(
        select(Demand)
        .join(Panel, Panel.demand_id == Demand.id)
        .where(Demand.state == State.OPENED, declared == Panel.size, ~undecided, eligible)
        .order_by(Demand.id)
        .limit(MOST)
        .options(joinedload(Demand.unit))
    )
    return [
        Errand(demand.title, "开始评审", "开始", f"/panels/{demand.ref}/start", demand.unit.display_name)
        for demand in rows
    ]
