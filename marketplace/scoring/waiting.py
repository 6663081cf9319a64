"""What waits for an expert: an answer to an invitation, a declaration, bids to score, scores to look at again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import shown_name
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.sheets import SheetState


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


def seats(actor: Actor, now: datetime) -> Select[Any]:
    """For an expert: his seats that ask something of him."""

    def sheets(state: SheetState) -> Any:
        return (
            select(func.count())
            .select_from(Sheet)
            .join(Bid, Bid.id == Sheet.bid_id)
            .where(
                Sheet.seat_id == PanelSeat.id,
                Sheet.round == Panel.review_round,
                Sheet.state == state,
                Bid.state.in_(COMPETING),
                Demand.state == State.REVIEWING,
            )
            .scalar_subquery()
        )

    flagged, drafts = sheets(SheetState.FLAGGED), sheets(SheetState.DRAFT)
    invited = PanelSeat.state == SeatState.INVITED
    return (
        errands.line(
            number=PanelSeat.id,
            ref=func.coalesce(Demand.number, Demand.key),
            title=Demand.title,
            note=shown_name(),
            word=errands.words(PanelSeat.state, flagged, drafts),
            due=case((invited, PanelSeat.confirm_by), else_=Panel.score_by),
        )
        .select_from(PanelSeat)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .join(Demand, Demand.id == Panel.demand_id)
        .join(Organisation, Organisation.id == Demand.unit_id)
        .where(
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.round == Panel.round,
            or_(
                PanelSeat.state.in_((SeatState.INVITED, SeatState.CONFIRMED)),
                and_(PanelSeat.state == SeatState.DECLARED, or_(flagged > 0, drafts > 0)),
            ),
        )
    )


def _seat(row: Any) -> Errand:
    state, flagged, drafts = row.word.split("|")
    url, due = f"/review/{row.ref}", row.due_at
    if state == SeatState.INVITED:
        return Errand(row.title, "评审邀请", "答复邀请", url, row.note, due)
    if state == SeatState.CONFIRMED:
        return Errand(row.title, "回避申报", "申报", f"{url}/declaration", row.note, due)
    if int(flagged):
        return Errand(row.title, "核对评分", "核对", url, f"{row.note}，{flagged}份请再核对", due)
    return Errand(row.title, "评审打分", "打分", url, f"{row.note}，还有{drafts}份未提交", due)


def to_start(actor: Actor, now: datetime) -> Select[Any]:
    """For the publisher: opened demands whose bids are all decided and whose panel is seated and has declared."""
    declared = (
        select(func.count())
        .where(PanelSeat.panel_id == Panel.id, PanelSeat.round == Panel.round, PanelSeat.state == SeatState.DECLARED)
        .scalar_subquery()
    )
    undecided = exists().where(Bid.demand_id == Demand.id, Bid.state.in_((BidState.OPENED, BidState.CURE)))
    eligible = exists().where(Bid.demand_id == Demand.id, Bid.state == BidState.ELIGIBLE)
    ref = func.coalesce(Demand.number, Demand.key)
    return (
        errands.line(number=Demand.id, ref=ref, title=Demand.title, note=shown_name())
        .select_from(Demand)
        .join(Panel, Panel.demand_id == Demand.id)
        .join(Organisation, Organisation.id == Demand.unit_id)
        .where(Demand.state == State.OPENED, declared == Panel.size, ~undecided, eligible)
    )


def _start(row: Any) -> Errand:
    return Errand(row.title, "开始评审", "开始", f"/panels/{row.ref}/start", row.note, leads="opened:start_review")


def install() -> None:
    errands.register((Role.EXPERT,), seats, _seat)
    errands.register((Role.PUBLISHER,), to_start, _start)
