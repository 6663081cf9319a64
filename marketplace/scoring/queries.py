"""Reading sheets: an expert's own, and what of a review is still to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, String, and_, case, func, or_, select, type_coerce
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


class Place(NamedTuple):
    """One of an expert's sheets in the row of his bids. ``state``: a code of ``SheetState``; ``number``: from 1."""

    number: int
    state: str
    missing: int
    code: str
    key: str

    @property
    def done(self) -> bool:
        return self.missing == 0 or self.state != SheetState.DRAFT


@dataclass(frozen=True, slots=True)
class Around:
    """Where one bid stands in the row of its expert's bids: its neighbours, how many there are, which comes next."""

    near: tuple[Place, ...] = ()
    count: int = 0
    done: int = 0
    following: str | None = None


def around(seat: PanelSeat, key: str, *, most: int, only: str = "") -> Around:
    """The neighbours of a bid (all, where there are at most ``most``), and the next one under the list's filter, going
    round: one query whose answer does not grow with the list. A bid that left the competition has no place in it.
    """
    asks = or_(Sheet.state == SheetState.FLAGGED, and_(Sheet.state == SheetState.DRAFT, Sheet.missing > 0))
    mine = (
        of_seat(seat)
        .order_by(None)
        .with_only_columns(
            func.row_number().over(order_by=ReviewBid.code).label("number"),
            type_coerce(Sheet.state, String).label("state"),
            Sheet.missing.label("missing"),
            ReviewBid.code.label("code"),
            ReviewBid.key.label("key"),
            case((asks, 1), else_=0).label("asks"),
            case((or_(Sheet.missing == 0, Sheet.state != SheetState.DRAFT), 1), else_=0).label("done"),
        )
        .cte("mine")
    )
    at = select(mine.c.number).where(mine.c.key == key).scalar_subquery()
    count = select(func.count()).select_from(mine).scalar_subquery()
    following = select(mine.c.key).where(mine.c.key != key, *([mine.c.asks == 1] if only == "open" else []))
    following = following.order_by(case((mine.c.number > at, 0), else_=1), mine.c.number).limit(1)
    columns = (mine.c.number, mine.c.state, mine.c.missing, mine.c.code, mine.c.key)
    rows = db.session.execute(
        select(
            *columns,
            count,
            select(func.sum(mine.c.done)).scalar_subquery(),
            following.scalar_subquery(),
        )
        .where(or_(count <= most, mine.c.number.between(at - most // 2, at + (most - 1) // 2)))
        .order_by(mine.c.number)
    ).all()
    if not rows:
        return Around()
    return Around(tuple(Place._make(row[:5]) for row in rows), rows[0][5], int(rows[0][6]), rows[0][7])


def done_of(seat: PanelSeat) -> int:
    """How many of a seat's sheets are filled or handed in."""
    query = of_seat(seat).where(or_(Sheet.missing == 0, Sheet.state != SheetState.DRAFT)).order_by(None)
    return db.session.scalar(query.with_only_columns(func.count())) or 0


@dataclass(frozen=True, slots=True)
class Own:
    """One page of a seat's sheets, and where all of them stand."""

    rows: Sequence[Any]  # (Sheet, code, key)
    total: int  # of what the filter leaves
    count: int
    done: int
    drafts: int
    locked: int


def own_page(seat: PanelSeat, *, page: int, per_page: int, only: str = "") -> Own:
    """An expert's sheets by code, a page of them: two queries."""
    asks = or_(Sheet.state == SheetState.FLAGGED, and_(Sheet.state == SheetState.DRAFT, Sheet.missing > 0))
    drafts = case((Sheet.state == SheetState.DRAFT, 1), else_=0)
    done = case((or_(Sheet.missing == 0, Sheet.state != SheetState.DRAFT), 1), else_=0)
    locked = case((Sheet.state == SheetState.LOCKED, 1), else_=0)
    row = db.session.execute(
        of_seat(seat)
        .order_by(None)
        .with_only_columns(
            func.count(), func.sum(done), func.sum(drafts), func.sum(case((asks, 1), else_=0)), func.sum(locked)
        )
    ).one()
    count, filled, open_, asking, closed = (int(value or 0) for value in row)
    query = of_seat(seat).add_columns(ReviewBid.code, ReviewBid.key)
    if only == "open":
        query = query.where(asks)
    rows = db.session.execute(query.limit(per_page).offset((page - 1) * per_page)).all()
    return Own(rows, asking if only == "open" else count, count, filled, open_, closed)


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
