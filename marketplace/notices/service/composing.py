"""What a notice says: put together from the ranking and the record of the review when it is prepared, then frozen."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.rules import BidState
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.score_sheets import AGGREGATES, PRICE_BASES, PriceBasis
from marketplace.eligibility.models import EligibilityDecision
from marketplace.notices.rules.notices import CANDIDATES_PER_AWARD
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform import audit
from marketplace.results import queries as results
from marketplace.results.models import Offer, Ranking, RankingLine, TieDraw
from marketplace.scoring.models import Sheet, SheetVersion

CENT = Decimal("0.01")
NEVER_OPENED = (BidState.DRAFT, BidState.SEALED, BidState.WITHDRAWN, BidState.DESTROYED)


def shown(score: Decimal | None) -> str:
    """A score as papers print it: two decimals. Ranks are made from the unrounded figure."""
    return "" if score is None else format(score.quantize(CENT, ROUND_HALF_UP), "f")


def compose(
    demand: Demand, ranking: Ranking, *, place: int, chosen: list[RankingLine], proposed: int, text: str
) -> dict[str, Any]:
    """The notice as JSON-ready data, window and number aside. ``chosen``: the lines shown, in order.

    ``proposed``: how many of them are to win. Scores appear only where the demand promised them.
    """
    content = demand.said
    offers = dict(db.session.execute(select(Offer.bid_id, Offer.price).where(Offer.demand_id == demand.id)).all())
    bids = {
        bid.id: bid
        for bid in db.session.scalars(
            select(Bid)
            .where(Bid.id.in_([line.bid_id for line in chosen]))
            .options(joinedload(Bid.organisation), selectinload(Bid.members).joinedload(BidMember.organisation))
        )
    }
    return {
        "format": "zhangbang-notice",
        "version": 1,
        "kind": "substitute" if place else "result",
        "place": place,
        "demand": demand.number,
        "title": demand.title,
        "unit": demand.unit.name,
        "mode": demand.mode,
        "awards": content.award_count,
        "text": text.strip(),
        "public_scores": content.public_scores,
        "price_basis": str(PRICE_BASES[content.mode]) if results.price_counts(content) else str(PriceBasis.NONE),
        "aggregate": AGGREGATES[content.score_sheet.aggregate],
        "pass_line": format(content.score_sheet.pass_line, "f"),
        "candidates": [
            _candidate(line, bids[line.bid_id], offers.get(line.bid_id), content, wins=number < proposed)
            for number, line in enumerate(chosen)
        ],
        "counts": _counts(demand),
        "panel": _panel(demand),
        "ranking": {"number": ranking.number, "hash": ranking.hash, "record_sha256": ranking.record_sha256},
        "tie_draw": _tie_draw(results.tie_draw(demand.id, ranking.round)),
    }


def _candidate(
    line: RankingLine, bid: Bid, price: Decimal | None, content: DemandContent, *, wins: bool
) -> dict[str, Any]:
    members = [
        item.organisation.name
        for item in bid.members
        if item.confirmed_at is not None and item.organisation_id != bid.organisation_id
    ]
    row: dict[str, Any] = {
        "rank": line.rank,
        "bid": bid.public_id,
        "name": bid.organisation.name,
        "members": members,
        "proposed": wins,
        "decided_by": str(line.decided_by),
        "price": None if price is None or not results.price_counts(content) else format(price, "f"),
    }
    if content.public_scores:
        figures = line.figures
        priced = {item.key for item in content.score_sheet.criteria if item.kind == "price"}
        row["total"] = shown(line.total)
        row["price_score"] = shown(sum((figures[key] for key in priced if key in figures), Decimal(0)))
        rest = (line.total or Decimal(0)) - sum((figures[key] for key in priced if key in figures), Decimal(0))
        row["technical"] = shown(rest)
    return row


def _counts(demand: Demand) -> dict[str, Any]:
    rows = dict(
        db.session.execute(
            select(Bid.state, func.count())
            .where(Bid.demand_id == demand.id, Bid.state.not_in(NEVER_OPENED))
            .group_by(Bid.state)
        ).all()
    )
    out = results.outs(demand.id)
    return {
        "opened": sum(rows.values()) - rows.get(BidState.UNOPENABLE, 0),
        "unopenable": rows.get(BidState.UNOPENABLE, 0),
        "ineligible": rows.get(BidState.INELIGIBLE, 0),
        "renounced": rows.get(BidState.RENOUNCED, 0),
        "disqualified": sorted(out.values()),
        "reasons": sorted(
            set(
                db.session.scalars(
                    select(EligibilityDecision.reason)
                    .join(EligibilityDecision.bid)
                    .where(Bid.demand_id == demand.id, Bid.state == BidState.INELIGIBLE)
                )
            )
            - {""}
        ),
    }


def _panel(demand: Demand) -> dict[str, Any]:
    """Who reviewed: names are public from the notice on."""
    panel = db.session.scalar(
        select(Panel)
        .where(Panel.demand_id == demand.id)
        .options(selectinload(Panel.seats).joinedload(PanelSeat.expert), selectinload(Panel.draws))
    )
    if panel is None:
        return {}
    counted = panel.counted_seats
    flags = db.session.execute(
        select(SheetVersion.kind, func.count())
        .join(Sheet, Sheet.id == SheetVersion.sheet_id)
        .where(Sheet.demand_id == demand.id)
        .group_by(SheetVersion.kind)
    )
    kinds = dict(flags.all())
    flagged = [row for row in db.session.scalars(select(Sheet.flags).where(Sheet.demand_id == demand.id)) if row]
    drawn = panel.draw
    return {
        "size": len(counted),
        "outside": sum(seat.outside for seat in counted),
        "experts": [seat.expert.name for seat in counted],
        "drawn_at": audit.timestamp(drawn.drawn_at) if drawn is not None and drawn.drawn_at else None,
        "draws": len(panel.draws),
        "recused": sum(seat.state is SeatState.RECUSED for seat in panel.seats),
        "overrides": sum(seat.overridden_at is not None for seat in panel.seats),
        "flags": sum(len(row) for row in flagged),
        "corrected": kinds.get("correct", 0),
        "mended": kinds.get("mend", 0),
    }


def _tie_draw(row: TieDraw | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "at": audit.timestamp(row.drawn_at),
        "number": row.number,
        "checkpoint": row.checkpoint_size,
        "root": row.checkpoint_root,
        "seed": row.seed,
    }


def chosen_lines(ranking: Ranking, *, awards: int) -> list[RankingLine]:
    """Up to three ranked candidates per award."""
    ranked = [line for line in ranking.lines if line.rank is not None]
    return ranked[: CANDIDATES_PER_AWARD * awards]


def window_words(published_at: datetime, ends_at: datetime) -> dict[str, str]:
    return {"published_at": audit.timestamp(published_at), "ends_at": audit.timestamp(ends_at)}
