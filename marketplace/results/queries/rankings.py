"""Rankings with their versions, draws of ties, single scores and corrections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import Expert, Panel, PanelSeat, ReviewBid
from marketplace.results.models import Mend, Ranking, RankingLine, TieDraw
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import SheetState


def latest(demand_id: int) -> Ranking | None:
    """The ranking in force."""
    return db.session.scalar(
        select(Ranking).where(Ranking.demand_id == demand_id).order_by(Ranking.number.desc()).limit(1)
    )


def line_of(demand_id: int, bid_id: int) -> RankingLine | None:
    """A bid's line in the ranking in force, if that is of the present round."""
    return db.session.scalar(
        select(RankingLine)
        .join(Ranking, Ranking.id == RankingLine.ranking_id)
        .join(Panel, and_(Panel.demand_id == Ranking.demand_id, Panel.review_round == Ranking.round))
        .where(Ranking.demand_id == demand_id, RankingLine.bid_id == bid_id)
        .order_by(Ranking.number.desc())
        .limit(1)
    )


def rankings(demand_id: int) -> list[Ranking]:
    """All of them, the newest first; where there are several to compare, with their lines."""
    query = select(Ranking).where(Ranking.demand_id == demand_id).order_by(Ranking.number.desc())
    found = list(db.session.scalars(query.options(joinedload(Ranking.made_by))))
    if len(found) > 1:
        db.session.scalars(query.options(selectinload(Ranking.lines))).all()
    return found


def lines_page(ranking_id: int, *, page: int, per_page: int) -> tuple[list[RankingLine], int]:
    """One page of a ranking's lines in their order, and how many there are."""
    lines = select(RankingLine).where(RankingLine.ranking_id == ranking_id)
    total = db.session.scalar(select(func.count()).select_from(lines.subquery())) or 0
    shown = lines.order_by(RankingLine.position).limit(per_page).offset((page - 1) * per_page)
    return list(db.session.scalars(shown)), total


def bids_of(public_ids: Collection[str]) -> dict[str, int]:
    """Public id → bid."""
    rows = db.session.execute(select(Bid.public_id, Bid.id).where(Bid.public_id.in_(public_ids)))
    return dict(rows.all()) if public_ids else {}


def with_lines(ranking_id: int) -> Ranking | None:
    """One ranking with its record, lines and the bidders' names."""
    return db.session.scalar(
        select(Ranking)
        .where(Ranking.id == ranking_id)
        .options(
            undefer(Ranking.record),
            selectinload(Ranking.lines).joinedload(RankingLine.bid).joinedload(Bid.organisation),
        )
    )


def tie_draw(demand_id: int, round_: int) -> TieDraw | None:
    return db.session.scalar(select(TieDraw).where(TieDraw.demand_id == demand_id, TieDraw.round == round_))


def single_scores(
    demand_id: int, round_: int, bids: Collection[int]
) -> list[tuple[int, str, str, dict[str, Any], int]]:
    """(bid, seat number, expert, content, sheet) of the locked sheets of these bids in one round, by code and seat."""
    rows = db.session.execute(
        select(Sheet.bid_id, PanelSeat.order, Expert.name, Sheet.content, Sheet.id)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(Expert, Expert.id == PanelSeat.expert_id)
        .join(ReviewBid, ReviewBid.bid_id == Sheet.bid_id)
        .where(
            Sheet.demand_id == demand_id,
            Sheet.round == round_,
            Sheet.state == SheetState.LOCKED,
            Sheet.bid_id.in_(bids),
        )
        .order_by(ReviewBid.code, PanelSeat.order)
    )
    return [(row[0], f"{row[1] + 1:02d}", row[2], row[3], row[4]) for row in rows]


def find_sheet(demand_id: int, sheet_id: int) -> Sheet | None:
    """A locked sheet bound to its demand."""
    return db.session.scalar(
        select(Sheet)
        .where(Sheet.id == sheet_id, Sheet.demand_id == demand_id, Sheet.state == SheetState.LOCKED)
        .options(joinedload(Sheet.seat).joinedload(PanelSeat.expert), joinedload(Sheet.demand))
    )


def codes(demand_id: int) -> dict[int, str]:
    """Bid → its code in the review."""
    rows = db.session.execute(select(ReviewBid.bid_id, ReviewBid.code).where(ReviewBid.demand_id == demand_id))
    return dict(rows.all())


def open_mends(demand_id: int) -> list[Mend]:
    """Corrections that wait for the supervisor."""
    return list(
        db.session.scalars(
            select(Mend)
            .join(Mend.sheet)
            .where(Sheet.demand_id == demand_id, Mend.decided_at.is_(None))
            .options(joinedload(Mend.sheet).joinedload(Sheet.seat).joinedload(PanelSeat.expert))
        )
    )


def mends(demand_id: int) -> list[Mend]:
    """All corrections after locking, oldest first."""
    return list(
        db.session.scalars(
            select(Mend)
            .join(Mend.sheet)
            .where(Sheet.demand_id == demand_id)
            .order_by(Mend.id)
            .options(joinedload(Mend.sheet).joinedload(Sheet.seat).joinedload(PanelSeat.expert))
        )
    )


def newest() -> Any:
    """Ids of the newest ranking of every demand under review."""
    return (
        select(func.max(Ranking.id))
        .join(Ranking.demand)
        .where(Demand.state == State.REVIEWING)
        .group_by(Ranking.demand_id)
        .scalar_subquery()
    )
