"""What a ranking is computed from, and whether the one in force still says what is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.content import DemandContent, canonical
from marketplace.demands.models import Demand
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.panels.models import Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.results.models import BidOut, Offer
from marketplace.results.queries.rankings import latest, tie_draw
from marketplace.results.queries.standing import is_locked
from marketplace.results.rules import RANKING_VERSION, Disqualification
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.record import BidInput, Inputs, SheetInput, inputs_json

# Out of the competition by a state of its own, without a decision of ``BidOut``.
OUT_BY_STATE: Mapping[BidState, str] = {
    BidState.RENOUNCED: str(Disqualification.RENOUNCED),
    BidState.UNOPENABLE: str(Disqualification.PRICE_UNOPENABLE),
    BidState.DECLINED: str(Disqualification.RENOUNCED),
}


def inputs(demand: Demand, *, tie_seed: str = "") -> Inputs:
    """Everything the ranking depends on, as stored now. Ids: public ids of bids, keys of experts.

    Sheets that are not complete stay out, as do those of bids that never were reviewed; sheets of experts who no
    longer count are part of the record.
    """
    content = demand.said
    panel = db.session.scalar(
        select(Panel)
        .where(Panel.demand_id == demand.id)
        .options(selectinload(Panel.seats).joinedload(PanelSeat.expert))
    )
    assert panel is not None, "a demand under review has a panel"
    keys = {seat.id: seat.expert.key for seat in panel.present_seats}
    bids = db.session.execute(
        select(Bid.id, Bid.public_id, Bid.state, Offer.answers, Offer.price)
        .join(ReviewBid, ReviewBid.bid_id == Bid.id)
        .outerjoin(Offer, Offer.bid_id == Bid.id)
        .where(ReviewBid.demand_id == demand.id)
    ).all()
    out = outs(demand.id)
    public = {row[0]: row[1] for row in bids}
    sheets = db.session.execute(
        select(Sheet.bid_id, Sheet.seat_id, Sheet.content).where(
            Sheet.demand_id == demand.id,
            Sheet.round == panel.review_round,
            Sheet.seat_id.in_(keys),
            Sheet.missing == 0,
        )
    ).all()
    return Inputs(
        demand=demand.number or "",
        mode=content.mode,
        sheet=content.score_sheet,
        indicators=content.indicators,
        bids=tuple(
            BidInput(
                bid=row[1],
                answers=tuple(Answer(value, deviation) for value, deviation in row[3] or ()),
                price=row[4],
                disqualified=out.get(row[0]) or OUT_BY_STATE.get(row[2], ""),
            )
            for row in bids
        ),
        experts=tuple(seat.expert.key for seat in panel.counted_seats),
        sheets=tuple(_sheet_input(public[row[0]], keys[row[1]], row[2]) for row in sheets if row[0] in public),
        version=RANKING_VERSION,
        tie_seed=tie_seed,
    )


def is_current(demand: Demand) -> bool:
    """Whether the newest ranking was computed from what is stored now, in the present round, with nothing missing.

    It is not while a seat is vacant because somebody was recused after he had scored, nor once his substitute has
    scored and the ranking was not yet made again.
    """
    last = latest(demand.id)
    if last is None or last.round != db.session.scalar(select(Panel.review_round).where(Panel.demand_id == demand.id)):
        return False
    if not is_locked(demand.id):
        return False
    drawn = tie_draw(demand.id, last.round)
    present = inputs_json(inputs(demand, tie_seed=drawn.seed if drawn is not None else ""))
    return hashlib.sha256(canonical(present)).hexdigest() == last.record_sha256


def counted_no_more(demand_id: int) -> list[PanelSeat]:
    """Members on whose sheets the newest ranking rests and who have left the panel since: recused after the lock."""
    last = latest(demand_id)
    if last is None:
        return []
    gone = list(
        db.session.scalars(
            select(PanelSeat)
            .join(Panel, and_(Panel.id == PanelSeat.panel_id, Panel.round == PanelSeat.round))
            .where(
                Panel.demand_id == demand_id,
                PanelSeat.state.in_((SeatState.RECUSED, SeatState.ABSTAINED)),
                PanelSeat.declared_at.is_not(None),
                PanelSeat.ended_at >= last.made_at,
            )
            .options(joinedload(PanelSeat.expert))
        )
    )
    counted = set(json.loads(last.record)["experts"]) if gone else set()
    return [seat for seat in gone if seat.expert.key in counted]


def _sheet_input(bid: str, expert: str, content: Mapping[str, Any]) -> SheetInput:
    scores = {key: Decimal(score) for key, score in content.get("scores", {}).items()}
    return SheetInput(bid, expert, scores, tuple(bool(tick) for tick in content.get("proofs", ())))


def price_counts(content: DemandContent) -> bool:
    """Whether this demand's sheet has a price criterion that the mode fills."""
    priced = any(item.kind == "price" for item in content.score_sheet.criteria)
    return priced and PRICE_BASES[content.mode] is not PriceBasis.NONE


def outs(demand_id: int) -> dict[int, str]:
    """Disqualifications in force: bid → code."""
    rows = db.session.execute(
        select(BidOut.bid_id, BidOut.code).where(
            BidOut.demand_id == demand_id, BidOut.decided_at.is_not(None), BidOut.refused.is_(False)
        )
    )
    return {bid_id: str(code) for bid_id, code in rows}


def open_outs(demand_id: int) -> list[BidOut]:
    """Disqualifications that wait for the supervisor."""
    return list(
        db.session.scalars(
            select(BidOut)
            .where(BidOut.demand_id == demand_id, BidOut.decided_at.is_(None))
            .options(joinedload(BidOut.bid).joinedload(Bid.organisation))
        )
    )
