"""From an opened bid to what a ranking needs of it: the answers to the indicators in their order, and the price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries as bids
from marketplace.bids import service as bid_service
from marketplace.bids.content import Price, Technical, price_from, technical_from
from marketplace.bids.models import Bid, BidStage
from marketplace.bids.rules import Stage
from marketplace.demands.content import Indicator
from marketplace.demands.models import Demand
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.panels.models import ReviewBid
from marketplace.platform import audit
from marketplace.platform.policy import SYSTEM
from marketplace.results import queries
from marketplace.results.models import Offer
from marketplace.results.service.ranking import keep_offer
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.formulas import BELOW, Answer

UNANSWERED = Answer("", BELOW)


def answers_of(form: Technical, indicators: Sequence[Indicator]) -> tuple[Answer, ...]:
    """One answer per indicator, by its name, else by its place; what is missing answers nothing and falls short."""
    rows = form.technical.responses
    named = {row.indicator.strip(): row for row in rows}
    found = []
    for place, indicator in enumerate(indicators):
        row = named.get(indicator.name.strip()) or (rows[place] if place < len(rows) else None)
        found.append(UNANSWERED if row is None else Answer(row.value, row.deviation))
    return tuple(found)


def price_of(form: Price, basis: PriceBasis) -> Decimal:
    """What is compared, in the basis' unit; nothing offered counts as zero, which the ranking refuses."""
    match basis:
        case PriceBasis.TOTAL:
            return Decimal(form.total_fen or 0)
        case PriceBasis.SUBSIDY:
            return Decimal(form.subsidy_fen or 0)
        case PriceBasis.SHARE:
            return form.share_percent or Decimal(0)
        case _:
            return Decimal(0)


def read_offers(demand: Demand, *, now: datetime) -> int:
    """Read what is not kept yet of every competing bid; gives how many were read. Log: ``offer.read`` with the count."""
    content = demand.said
    basis = PRICE_BASES[content.mode] if queries.price_counts(content) else PriceBasis.NONE
    kept = {row.bid_id: row for row in db.session.scalars(select(Offer).where(Offer.demand_id == demand.id))}
    rows = db.session.scalars(
        select(Bid)
        .join(ReviewBid, ReviewBid.bid_id == Bid.id)
        .where(ReviewBid.demand_id == demand.id, Bid.state.in_(COMPETING))
        .order_by(Bid.public_id)
    ).all()
    read = 0
    for bid in rows:
        former = kept.get(bid.id)
        if former is not None and (basis is PriceBasis.NONE or former.price is not None):
            continue
        technical = bids.opened_fields(bid, "technical")
        if technical is None:
            continue
        price = bids.opened_fields(bid, "price") if basis is not PriceBasis.NONE else None
        keep_offer(
            bid,
            answers=answers_of(technical_from(technical), content.indicators),
            price=None if price is None else price_of(price_from(price), basis),
            now=now,
        )
        read += 1
    if read:
        audit.append("offer.read", subject=demand.audit_subject, actor=SYSTEM, at=now, facts={"bids": read})
    return read


def prices_open(demand: Demand) -> bool:
    """Two-step: whether the price stage is concluded."""
    row = db.session.get(BidStage, (demand.id, Stage.PRICE))
    return row is not None and row.concluded_at is not None


def call_prices(demand: Demand, *, now: datetime) -> None:
    """Ask the custodians for the price envelopes, once; the platform's own custodian releases by itself."""
    bid_service.call_prices(demand, now=now)
