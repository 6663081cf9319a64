"""Reading a review from outside: who has finished, what a ranking is computed from, rankings, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand
from marketplace.demands.queries import escaped
from marketplace.demands.queries import visible as visible_demands
from marketplace.demands.rules import State
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.disclosure import Phase, Terms, phase_of
from marketplace.panels.models import Expert, Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.policy import Actor
from marketplace.results.models import BidOut, Mend, Offer, Ranking, RankingLine, Reminder, Report, Signature, TieDraw
from marketplace.results.rules import RANKING_VERSION, Disqualification, Pace
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.record import BidInput, Inputs, SheetInput
from marketplace.scoring.rules.sheets import SheetState

DONE = (SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.LOCKED)
REVIEWED = (State.REVIEWING, State.NOTICE, State.AWARDED, State.COMPLETED, State.LAPSED)
# Out of the competition by a state of its own, without a decision of ``BidOut``.
OUT_BY_STATE: Mapping[BidState, str] = {
    BidState.RENOUNCED: str(Disqualification.RENOUNCED),
    BidState.UNOPENABLE: str(Disqualification.PRICE_UNOPENABLE),
    BidState.DECLINED: str(Disqualification.RENOUNCED),
}
PER_PAGE = (50, 100, 250)


def find_demand(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand that has come to its review, with what the pages of a review show: one query."""
    return db.session.scalar(
        visible_demands(actor, now)
        .where(Demand.number == ref, Demand.state.in_(REVIEWED))
        .options(joinedload(Demand.unit), undefer(Demand.content))
    )


def terms_of(content: DemandContent) -> Terms:
    """What the published demand promised, as ``disclosure`` asks."""
    return Terms(blind=content.blind, two_step=content.two_step, public_scores=content.public_scores)


def phase(demand: Demand, *, now: datetime) -> Phase:
    """Where the competition stands, for ``disclosure.may_know``."""
    closed = demand.closes_at is not None and now >= demand.closes_at
    locked = ranked = False
    if demand.state is State.REVIEWING:
        ranked = latest(demand.id) is not None and _is_current(demand.id)
        locked = ranked or is_locked(demand.id)
    opened = db.session.scalar(select(ReviewBid.bid_id).where(ReviewBid.demand_id == demand.id).limit(1)) is not None
    return phase_of(str(demand.state), closed=closed, opened=opened, locked=locked, ranked=ranked)


def _is_current(demand_id: int) -> bool:
    """Whether the newest ranking is of the present round of review."""
    return bool(
        db.session.scalar(
            select(func.max(Ranking.round) == Panel.review_round)
            .join(Panel, Panel.demand_id == Ranking.demand_id)
            .where(Ranking.demand_id == demand_id)
            .group_by(Panel.review_round)
        )
    )


def is_locked(demand_id: int) -> bool:
    """Whether every expected sheet of the present round is locked (``scoring.queries`` decides)."""
    from marketplace.scoring.queries import all_locked

    return all_locked(demand_id)


# -- who has finished ------------------------------------------------------------------------------------------------


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
    rows = db.session.execute(
        select(
            PanelSeat.id,
            PanelSeat.order,
            Expert.name,
            Expert.employer,
            PanelSeat.outside,
            PanelSeat.state,
            PanelSeat.chaired_at,
            PanelSeat.declared_at,
            done,
            flagged,
            func.max(Sheet.handed_in_at),
        )
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .join(Expert, Expert.id == PanelSeat.expert_id)
        .outerjoin(Sheet, and_(Sheet.seat_id == PanelSeat.id, Sheet.round == Panel.review_round))
        .where(
            Panel.demand_id == demand_id,
            PanelSeat.round == Panel.round,
            PanelSeat.state != SeatState.SUBSTITUTE,
        )
        .group_by(
            PanelSeat.id,
            PanelSeat.order,
            Expert.name,
            Expert.employer,
            PanelSeat.outside,
            PanelSeat.state,
            PanelSeat.chaired_at,
            PanelSeat.declared_at,
        )
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
    rows: list[BidRow]
    total: int
    page: int

    def pages(self, per_page: int) -> int:
        return max(1, -(-self.total // per_page))


def bid_page(demand_id: int, filters: Filters, *, seats: Sequence[int], ranking_id: int | None) -> BidPage:
    """One page of a demand's bids: the rows with their count, then what of these rows is still missing: two queries.

    ``seats``: of the members who count. Nothing is loaded but what is shown.
    """
    undone = (
        select(Sheet.bid_id)
        .where(Sheet.demand_id == demand_id, Sheet.seat_id.in_(seats), Sheet.state == SheetState.DRAFT)
        .join(Panel, and_(Panel.demand_id == Sheet.demand_id, Panel.review_round == Sheet.round))
    )
    query = (
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
        )
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .outerjoin(RankingLine, and_(RankingLine.bid_id == Bid.id, RankingLine.ranking_id == (ranking_id or 0)))
        .where(ReviewBid.demand_id == demand_id)
    )
    if filters.q:
        pattern = f"%{escaped(filters.q)}%"
        query = query.where(
            or_(ReviewBid.code.ilike(pattern, escape="\\"), Organisation.name.ilike(pattern, escape="\\"))
        )
    if filters.show == "open":
        query = query.where(ReviewBid.bid_id.in_(undone))
    elif filters.show == "done":
        query = query.where(ReviewBid.bid_id.not_in(undone))
    if filters.sort == "rank":
        query = query.order_by(RankingLine.rank.is_(None), RankingLine.position, ReviewBid.code)
    else:
        query = query.order_by(ReviewBid.code)
    page = max(1, filters.page)
    found = db.session.execute(query.limit(filters.per_page).offset((page - 1) * filters.per_page)).all()
    lacking: dict[int, list[int]] = {}
    if found and seats:
        rows = db.session.execute(
            select(Sheet.bid_id, Sheet.seat_id)
            .join(Panel, and_(Panel.demand_id == Sheet.demand_id, Panel.review_round == Sheet.round))
            .where(
                Sheet.bid_id.in_([row[0] for row in found]),
                Sheet.seat_id.in_(seats),
                Sheet.state == SheetState.DRAFT,
            )
        )
        for bid_id, seat_id in rows:
            lacking.setdefault(bid_id, []).append(seat_id)
    return BidPage(
        [
            BidRow(
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                row[6],
                row[7] or "",
                tuple(sorted(lacking.get(row[0], ()))),
            )
            for row in found
        ],
        found[0][8] if found else 0,
        page,
    )


def competing(demand_id: int) -> int:
    """How many bids are still scored."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(ReviewBid)
            .join(Bid, Bid.id == ReviewBid.bid_id)
            .where(ReviewBid.demand_id == demand_id, Bid.state.in_(COMPETING))
        )
        or 0
    )


def reminded_on(demand_id: int) -> Reminder | None:
    """The newest reminder."""
    return db.session.scalar(
        select(Reminder).where(Reminder.demand_id == demand_id).order_by(Reminder.on.desc()).limit(1)
    )


# -- what a ranking is computed from ---------------------------------------------------------------------------------


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


# -- rankings, draws, reports ----------------------------------------------------------------------------------------


def latest(demand_id: int) -> Ranking | None:
    """The ranking in force."""
    return db.session.scalar(
        select(Ranking).where(Ranking.demand_id == demand_id).order_by(Ranking.number.desc()).limit(1)
    )


def rankings(demand_id: int) -> list[Ranking]:
    """All of them, the newest first, each with its lines."""
    return list(
        db.session.scalars(
            select(Ranking)
            .where(Ranking.demand_id == demand_id)
            .order_by(Ranking.number.desc())
            .options(selectinload(Ranking.lines), joinedload(Ranking.made_by))
        )
    )


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


def report(demand_id: int) -> Report | None:
    """The newest report with its signatures."""
    return db.session.scalar(
        select(Report)
        .where(Report.demand_id == demand_id)
        .order_by(Report.id.desc())
        .limit(1)
        .options(
            selectinload(Report.signatures).joinedload(Signature.seat).joinedload(PanelSeat.expert),
            joinedload(Report.ranking),
        )
    )


def codes(demand_id: int) -> dict[int, str]:
    """Bid → its code in the review."""
    rows = db.session.execute(select(ReviewBid.bid_id, ReviewBid.code).where(ReviewBid.demand_id == demand_id))
    return dict(rows)


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


def my_seat(demand_id: int, actor: Actor) -> PanelSeat | None:
    """The actor's counting seat on this demand's panel."""
    if actor.id is None:
        return None
    return db.session.scalar(
        select(PanelSeat)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .where(
            Panel.demand_id == demand_id,
            PanelSeat.round == Panel.round,
            PanelSeat.expert_account_id == actor.id,
            PanelSeat.state == SeatState.DECLARED,
        )
        .options(joinedload(PanelSeat.panel), joinedload(PanelSeat.expert))
    )


def member_accounts(demand_id: int) -> frozenset[int]:
    """Accounts of the members who count."""
    return frozenset(
        db.session.scalars(
            select(PanelSeat.expert_account_id)
            .join(Panel, Panel.id == PanelSeat.panel_id)
            .where(
                Panel.demand_id == demand_id,
                PanelSeat.round == Panel.round,
                PanelSeat.state == SeatState.DECLARED,
                PanelSeat.expert_account_id.is_not(None),
            )
        )
    )
