"""Reading a review from outside: who has finished, what a ranking is computed from, rankings, reports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.content import DemandContent, canonical
from marketplace.demands.models import Demand
from marketplace.demands.queries import escaped
from marketplace.demands.queries import visible as visible_demands
from marketplace.demands.rules import State
from marketplace.demands.score_sheets import PRICE_BASES, PriceBasis
from marketplace.disclosure import Fact, Person, Phase, Terms, may_know, phase_of
from marketplace.panels.models import Expert, Panel, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.policy import Actor
from marketplace.results.models import BidOut, Mend, Offer, Ranking, RankingLine, Reminder, Report, Signature, TieDraw
from marketplace.results.rules import RANKING_VERSION, Disqualification, Pace, ReportState
from marketplace.scoring.models import Sheet
from marketplace.scoring.queries import COMPETING
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.record import BidInput, Inputs, SheetInput, inputs_json
from marketplace.scoring.rules.sheets import SheetState

DONE = (SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.LOCKED)
REVIEWED = (State.REVIEWING, State.NOTICE, State.AWARDED, State.COMPLETED, State.LAPSED)
# Out of the competition by a state of its own, without a decision of ``BidOut``.
OUT_BY_STATE: Mapping[BidState, str] = {
    BidState.RENOUNCED: str(Disqualification.RENOUNCED),
    BidState.UNOPENABLE: str(Disqualification.PRICE_UNOPENABLE),
    BidState.DECLINED: str(Disqualification.RENOUNCED),
}
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


def find_demand(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A demand that has come to its review, with what the pages of a review show: one query."""
    return db.session.scalar(
        visible_demands(actor, now)
        .where(Demand.number == ref, Demand.state.in_(REVIEWED))
        .options(joinedload(Demand.unit), undefer(Demand.content))
    )


@dataclass(frozen=True)
class Reviewed:
    """A demand with what its review has come to, and what the policy asks about it."""

    demand: Demand
    member_account_ids: frozenset[int]
    chair_account_id: int | None
    sheets_locked: bool
    ranking_id: int | None  # the newest, of whatever round
    ranked: bool  # there is one of the present round
    undecided: bool  # ties in the newest wait for a draw
    reminded_at: datetime | None
    report_ranking_id: int | None
    report_state: ReportState | None

    @property
    def screener_id(self) -> int | None:
        return self.demand.screener_id

    @property
    def state(self) -> State:
        return self.demand.state

    @property
    def is_locked(self) -> bool:
        return self.demand.state is not State.REVIEWING or self.ranked or self.sheets_locked

    @property
    def phase(self) -> Phase:
        """For ``disclosure``."""
        under_review = self.demand.state is State.REVIEWING
        return phase_of(
            str(self.demand.state),
            closed=True,
            opened=True,
            locked=under_review and self.is_locked,
            ranked=under_review and self.ranked,
        )


def find_reviewed(*, actor: Actor, now: datetime, ref: str) -> Reviewed | None:
    """A demand under review or past it, with where its review stands: one query, two for a member of a panel."""
    here = Panel.demand_id == Demand.id
    seats = select(func.count()).select_from(PanelSeat).join(Panel).where(here, PanelSeat.round == Panel.round)
    reports = (Report.demand_id == Demand.id, Report.id.desc())
    row = db.session.execute(
        visible_demands(actor, now)
        .where(Demand.number == ref, Demand.state.in_(REVIEWED))
        .options(joinedload(Demand.unit), undefer(Demand.content))
        .add_columns(
            *_status(),
            seats.scalar_subquery(),
            select(Ranking.id)
            .where(Ranking.demand_id == Demand.id)
            .order_by(Ranking.number.desc())
            .limit(1)
            .scalar_subquery(),
            select(Ranking.undecided)
            .where(Ranking.demand_id == Demand.id)
            .order_by(Ranking.number.desc())
            .limit(1)
            .scalar_subquery(),
            select(func.max(Reminder.sent_at)).where(Reminder.demand_id == Demand.id).scalar_subquery(),
            select(Report.ranking_id).where(reports[0]).order_by(reports[1]).limit(1).scalar_subquery(),
            select(Report.state).where(reports[0]).order_by(reports[1]).limit(1).scalar_subquery(),
        )
    ).first()
    if row is None or not row[7]:
        return None  # it never came to a review
    demand: Demand = row[0]
    members: list[tuple[int | None, datetime | None]] = []
    if actor.has(Role.EXPERT):
        found = db.session.execute(
            select(PanelSeat.expert_account_id, PanelSeat.chaired_at)
            .join(Panel, Panel.id == PanelSeat.panel_id)
            .where(Panel.demand_id == demand.id, PanelSeat.round == Panel.round, PanelSeat.state == SeatState.DECLARED)
        )
        members = [(account, at) for account, at in found]
    return Reviewed(
        demand,
        frozenset(account for account, _ in members if account is not None),
        next((account for account, at in members if at is not None), None),
        _closes(row[1:6]),
        row[8],
        row[6] is not None,
        bool(row[9]),
        row[10],
        row[11],
        row[12],
    )


def _status() -> tuple[Any, ...]:
    """Scalar subqueries about ``Demand``: size, declared, waiting, competing, locked; a ranking of the present round."""
    here = and_(Panel.demand_id == Demand.id)
    seat = select(func.count()).select_from(PanelSeat).join(Panel).where(here, PanelSeat.round == Panel.round)
    waiting = PanelSeat.state.in_([SeatState.INVITED, SeatState.CONFIRMED])
    bids = (
        select(func.count())
        .select_from(ReviewBid)
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .where(ReviewBid.demand_id == Demand.id, Bid.state.in_(COMPETING))
    )
    locked = (
        select(func.count())
        .select_from(Sheet)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(Panel, Panel.id == PanelSeat.panel_id)
        .join(Bid, Bid.id == Sheet.bid_id)
        .where(
            Sheet.demand_id == Demand.id,
            Sheet.round == Panel.review_round,
            Sheet.state == SheetState.LOCKED,
            PanelSeat.round == Panel.round,
            PanelSeat.state == SeatState.DECLARED,
            Bid.state.in_(COMPETING),
        )
    )
    ranking = (
        select(func.max(Ranking.id))
        .join(Panel, Panel.demand_id == Ranking.demand_id)
        .where(Ranking.demand_id == Demand.id, Ranking.round == Panel.review_round)
    )
    return (
        select(Panel.size).where(here).scalar_subquery(),
        seat.where(PanelSeat.state == SeatState.DECLARED).scalar_subquery(),
        seat.where(waiting).scalar_subquery(),
        bids.scalar_subquery(),
        locked.scalar_subquery(),
        ranking.scalar_subquery(),
    )


def _closes(row: Any) -> bool:
    """expected − locked = ∅ and something was expected: what ``scoring.queries.all_locked`` says, counted in SQL."""
    size, declared, waiting, competing, locked = row
    return bool(size and declared >= size and not waiting and competing and locked == declared * competing)


def is_locked(demand_id: int) -> bool:
    """Whether every expected sheet of the present round is locked."""
    row = db.session.execute(select(*_status()).select_from(Demand).where(Demand.id == demand_id)).one()
    return _closes(row[:5])


def person_of(actor: Actor, reviewed: Reviewed) -> Person:
    """What the actor is to this review, for ``disclosure``."""
    for role, person in (
        (Role.SUPERVISOR, Person.SUPERVISOR),
        (Role.PUBLISHER, Person.PUBLISHER),
        (Role.SCREENER, Person.SCREENER),
    ):
        if actor.has(role):
            return person
    if actor.id is not None and actor.id == reviewed.chair_account_id:
        return Person.CHAIR
    return Person.EXPERT if actor.id in reviewed.member_account_ids else Person.PUBLIC


def names(reviewed: Reviewed, actor: Actor, *, now: datetime) -> dict[int, str]:
    """What each bid is called for this reader: code and bidder, or the code alone while he may not know who bid."""
    demand = reviewed.demand
    known = may_know(
        Fact.BIDDER, reviewed.phase, person_of(actor, reviewed), terms_of(demand.said), reached=Phase.RANKED
    )
    rows = db.session.execute(
        select(ReviewBid.bid_id, ReviewBid.code, Organisation.name)
        .join(Bid, Bid.id == ReviewBid.bid_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .where(ReviewBid.demand_id == demand.id)
    )
    return {bid_id: f"{code} {name}" if known else code for bid_id, code, name in rows}


def terms_of(content: DemandContent) -> Terms:
    """What the published demand promised, as ``disclosure`` asks."""
    return Terms(blind=content.blind, two_step=content.two_step, public_scores=content.public_scores)


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
    """``total`` of what the filter leaves; ``competing`` of the whole demand."""

    rows: list[BidRow]
    total: int
    page: int
    competing: int

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
            _competing(demand_id).scalar_subquery(),
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
        found[0][9] if found else competing(demand_id),
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


def single_scores(demand_id: int, round_: int) -> list[tuple[int, str, str, dict[str, Any], int]]:
    """(bid, seat number, expert, content, sheet) of the sheets of one round that are locked, by code and seat."""
    rows = db.session.execute(
        select(Sheet.bid_id, PanelSeat.order, Expert.name, Sheet.content, Sheet.id)
        .join(PanelSeat, PanelSeat.id == Sheet.seat_id)
        .join(Expert, Expert.id == PanelSeat.expert_id)
        .join(ReviewBid, ReviewBid.bid_id == Sheet.bid_id)
        .where(Sheet.demand_id == demand_id, Sheet.round == round_, Sheet.state == SheetState.LOCKED)
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


# -- what waits for whom ---------------------------------------------------------------------------------------------


def newest() -> Any:
    """Ids of the newest ranking of every demand under review."""
    return (
        select(func.max(Ranking.id))
        .join(Ranking.demand)
        .where(Demand.state == State.REVIEWING)
        .group_by(Ranking.demand_id)
        .scalar_subquery()
    )
