"""Who has finished and what is missing: the officer's page of a review, counted and paged in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.queries import escaped
from marketplace.panels.models import Expert, Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.results.models import RankingLine
from marketplace.results.rules import Pace
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.sheets import SheetState

DONE = (SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.LOCKED)
# Still competing, or competed to the end: what a member was expected to score.
STILL_IN = (
    *COMPETING,
    BidState.CANDIDATE,
    BidState.NOT_SELECTED,
    BidState.AWARDED,
    BidState.DECLINED,
    BidState.CLOSED,
)
PER_PAGE = (50, 100, 250)


@dataclass(frozen=True, slots=True)
class Member:
    """One seat on the dashboard: who, and how far."""

    seat_id: int
    number: str
    name: str
    employer: str
    outside: bool
    state: SeatState
    chair: bool
    pace: Pace
    flagged: int

    @property
    def counts(self) -> bool:
        return self.state is SeatState.DECLARED


def members(demand_id: int, *, expected: int) -> list[Member]:
    """The seats of the newest draw that were called, with their sheets counted: one query, no object loaded."""
    done = func.count(case((Sheet.state.in_(DONE), 1)))
    flagged = func.count(case((Sheet.state == SheetState.FLAGGED, 1)))
    seat = (
        PanelSeat.id,
        PanelSeat.order,
        Expert.name,
        Expert.employer,
        PanelSeat.outside,
        PanelSeat.state,
        PanelSeat.chaired_at,
        PanelSeat.declared_at,
    )
    rows = db.session.execute(
        select(*seat, done, flagged, func.max(Sheet.handed_in_at))
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .join(Expert, Expert.id == PanelSeat.expert_id)
        .outerjoin(Sheet, and_(Sheet.seat_id == PanelSeat.id, Sheet.round == Panel.review_round))
        .where(
            Panel.demand_id == demand_id,
            PanelSeat.round == Panel.round,
            PanelSeat.state != SeatState.SUBSTITUTE,
        )
        .group_by(*seat)
        .order_by(PanelSeat.order)
    )
    return [
        Member(
            seat_id=row[0],
            number=f"{row[1] + 1:02d}",
            name=row[2],
            employer=row[3],
            outside=row[4],
            state=row[5],
            chair=row[6] is not None,
            pace=Pace(row[8], expected, row[7], row[10]),
            flagged=row[9],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class BidRow:
    """One bid on the dashboard. ``missing``: seats whose sheet is not done yet, by their ids."""

    bid_id: int
    code: str
    public_id: str
    name: str
    state: BidState
    rank: int | None
    total: Decimal | None
    standing: str
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """The dashboard's list of bids as its address says."""

    q: str = ""
    show: str = ""  # "", open, done
    sort: str = "code"
    page: int = 1
    per_page: int = 50


@dataclass(frozen=True, slots=True)
class BidPage:
    """``total`` of what the filter leaves; ``competing`` of the whole demand."""

    rows: list[BidRow]
    total: int
    page: int
    competing: int

    def pages(self, per_page: int) -> int:
        return max(1, -(-self.total // per_page))


def bid_page(
    demand_id: int, filters: Filters, *, seats: Sequence[int], ranking_id: int | None, by_name: bool = True
) -> BidPage:
    """One page of a demand's bids: the rows with their count, then what of these rows is still missing: two queries.

    ``seats``: of the members who count. ``by_name``: the reader may know who bid, so that a search may ask for it.
    Nothing is loaded but what is shown.
    """
    query = _bid_rows(demand_id, ranking_id)
    if filters.q:
        pattern = f"%{escaped(filters.q)}%"
        places = [ReviewBid.code, *([Organisation.name] if by_name else [])]
        query = query.where(or_(*(place.ilike(pattern, escape="\\") for place in places)))
    if filters.show:
        undone = _undone(seats).where(Sheet.demand_id == demand_id).with_only_columns(Sheet.bid_id)
        known = ReviewBid.bid_id
        query = query.where(known.in_(undone) if filters.show == "open" else known.not_in(undone))
    order = (RankingLine.rank.is_(None), RankingLine.position) if filters.sort == "rank" else ()
    page = max(1, filters.page)
    found = db.session.execute(
        query.order_by(*order, ReviewBid.code).limit(filters.per_page).offset((page - 1) * filters.per_page)
    ).all()
    lacking: dict[int, list[int]] = {}
    if found and seats:
        for bid_id, seat_id in db.session.execute(_undone(seats).where(Sheet.bid_id.in_([row[0] for row in found]))):
            lacking.setdefault(bid_id, []).append(seat_id)
    rows = [
        BidRow(
            bid_id, code, public_id, name, state, rank, total, standing or "", tuple(sorted(lacking.get(bid_id, ())))
        )
        for bid_id, code, public_id, name, state, rank, total, standing, *_counts in found
    ]
    return BidPage(rows, found[0][8] if found else 0, page, found[0][9] if found else competing(demand_id))


def _bid_rows(demand_id: int, ranking_id: int | None) -> Select[Any]:
    """What stands in a row, then the count of all rows and of those that compete."""
    return (
        select(
            ReviewBid.bid_id,
            ReviewBid.code,
            Bid.public_id,
            Organisation.name,
            Bid.state,
            RankingLine.rank,
            RankingLine.total,
            RankingLine.standing,
            func.count().over(),
            _competing(demand_id).scalar_subquery(),
        )
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .outerjoin(RankingLine, and_(RankingLine.bid_id == Bid.id, RankingLine.ranking_id == (ranking_id or 0)))
        .where(ReviewBid.demand_id == demand_id)
    )


def _undone(seats: Sequence[int]) -> Select[int, int]:
    """(bid, seat) of the sheets of the present round that are not handed in."""
    return (
        select(Sheet.bid_id, Sheet.seat_id)
        .join(Panel, and_(Panel.demand_id == Sheet.demand_id, Panel.review_round == Sheet.round))
        .where(Sheet.seat_id.in_(seats), Sheet.state == SheetState.DRAFT)
    )


def _competing(demand_id: int) -> Select[int]:
    return (
        select(func.count())
        .select_from(ReviewBid)
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .where(ReviewBid.demand_id == demand_id, Bid.state.in_(STILL_IN))
    )


def competing(demand_id: int) -> int:
    """How many bids are, or were to the end, scored."""
    return db.session.scalar(_competing(demand_id)) or 0


def paced(member: Member, expected: int) -> Pace:
    """The member's pace against what is expected of each."""
    return replace(member.pace, expected=expected)
