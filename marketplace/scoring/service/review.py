"""Starting a review: codes for the bids, sheets for the members; joining later; another round."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import Action, State
from marketplace.demands.service.writing import MACHINE as DEMAND
from marketplace.panels import service as panels
from marketplace.panels.models import Declaration, Panel, PanelSeat, ReviewBid
from marketplace.panels.rules import seats as rules
from marketplace.panels.service import scanning
from marketplace.platform.errors import Refused
from marketplace.platform.policy import Actor
from marketplace.platform.workflow import perform
from marketplace.scoring import queries
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import SheetState
from marketplace.scoring.service.sheets import make_sheets, settle

UNDECIDED = (BidState.OPENED, BidState.CURE)


def why_not_start(demand: Demand, panel: Panel | None) -> list[str]:
    """Sentences for what keeps the review from beginning; empty when it may."""
    found = []
    opened = bids.opened(demand)
    if waiting := sum(bid.state in UNDECIDED for bid in opened):
        found.append(f"还有{waiting}份标书没有作出资格审查决定。")
    if not any(bid.state is BidState.ELIGIBLE for bid in opened):
        found.append("没有资格合格的标书，不能开始评审。")
    if panel is None or not panel.present_seats:
        return [*found, "专家组还没有抽取。"]
    found += rules.faults([seat.as_seat for seat in panel.present_seats], size=panel.size)
    if demand.said.blind:
        last = scanning.newest(panel)
        if last is None or last.noted_at is None:
            found.append("盲评开始前须检查身份泄露，并由受理员确认看过结果。")
    return found


def start_review(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """The publisher lets the panel begin. Log and outbox: ``demand.start_review``.

    Every eligible bid gets a random code, every member a sheet for each. Refused with all that is still missing.
    """
    panel = queries.panel(demand.id)
    if demand.state is State.OPENED and (faults := why_not_start(demand, panel)):
        raise Refused("".join(faults))
    facts = {"panel_id": panel.id, "round": panel.review_round} if panel is not None else {}
    perform(DEMAND, demand, Action.START_REVIEW, actor=actor, now=now, facts=facts)
    assert panel is not None
    give_codes(demand)
    give_sheets(demand, panel)


def give_codes(demand: Demand) -> list[ReviewBid]:
    """A random code and address for every eligible bid that has none; the order tells nothing."""
    known = set(db.session.scalars(select(ReviewBid.bid_id).where(ReviewBid.demand_id == demand.id)))
    fresh: list[Bid] = [bid for bid in bids.opened(demand) if bid.state is BidState.ELIGIBLE and bid.id not in known]
    secrets.SystemRandom().shuffle(fresh)
    made = [
        ReviewBid(bid_id=bid.id, demand_id=demand.id, code=f"B-{number:02d}", key=secrets.token_hex(8))
        for number, bid in enumerate(fresh, start=len(known) + 1)
    ]
    db.session.add_all(made)
    db.session.flush()
    return made


def give_sheets(demand: Demand, panel: Panel, seats: Sequence[PanelSeat] | None = None) -> None:
    """Empty sheets for these members (all who count, when none are given) and every bid that competes."""
    bid_ids = [item.bid_id for item in queries.review_bids(demand.id)]
    content = demand.said
    for seat in panel.counted_seats if seats is None else seats:
        make_sheets(seat, bid_ids, content=content)


def begin_round(demand: Demand, *, now: datetime) -> None:
    """Another review of the same demand (upheld objection): all that count score anew, old sheets stay on record."""
    panel = queries.panel(demand.id)
    assert panel is not None
    panel.review_round += 1
    panels.fill(panel, now=now)
    give_codes(demand)
    give_sheets(demand, panel)


def resume_round(demand: Demand, *, now: datetime) -> None:
    """The same round goes on after a notice was revoked: for who left meanwhile the next in order is called."""
    panel = queries.panel(demand.id)
    assert panel is not None
    panels.fill(panel, now=now)
    give_codes(demand)
    give_sheets(demand, panel)


def abstain(seat: PanelSeat, *, reason: str, actor: Actor, now: datetime) -> None:
    """A member stops without a conflict, as long as his sheets are not locked: from then on only a conflict moves him."""
    locked = (Sheet.seat_id == seat.id, Sheet.round == seat.panel.review_round, Sheet.state == SheetState.LOCKED)
    is_locked = db.session.scalar(select(Sheet.id).where(*locked).limit(1)) is not None
    panels.abstain(seat, reason=reason, locked=is_locked, actor=actor, now=now)


def declare(seat: PanelSeat, *, conflicts: Sequence[str], statement: str, actor: Actor, now: datetime) -> Declaration:
    """An expert's declaration; whoever joins a review that has begun gets a sheet for every bid."""
    made = panels.declare(seat, conflicts=conflicts, statement=statement, actor=actor, now=now)
    demand = seat.panel.demand
    if seat.is_declared and demand.state is State.REVIEWING:
        give_sheets(demand, seat.panel, [seat])
        settle(demand, now=now)
    return made
