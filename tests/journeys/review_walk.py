"""Random acts of twelve people (and the clock) on one review, through the services: ``Walk.step``.

A walk starts at some depth of a real review and tries one act after another, mostly by whoever should and now and then
by anybody. A refusal must change nothing; whatever went through must leave every rule of ``review_rules`` standing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from marketplace import db
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.awards import service as awards
from marketplace.awards.models import Award
from marketplace.bids.models import Bid, BidStage
from marketplace.bids.rules import Stage as Envelopes
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.notices import queries as notice_queries
from marketplace.notices import service as notices
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.objections import OPEN, ObjectionAction, ObjectionState, Remedy
from marketplace.panels import service as panels
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.errors import Refused
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results import service as result_service
from marketplace.results.models import Offer
from marketplace.scoring import queries as scoring_queries
from marketplace.scoring import service as scoring
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import Entry, SheetState, typed
from tests.demands.conftest import Stage
from tests.journeys.review_rules import Rules
from tests.results.making import Review, _expert, actor

OFFICE = ("screener", "screener2", "publisher", "publisher2", "supervisor")
EXPERTS = tuple(f"expert{number}" for number in range(1, 8))  # five seats, two substitutes
CAST = (*OFFICE, "bidder", "rival", *EXPERTS)
WORDS = "理由写在这里，有据可查，经核对属实，请按规定办理。"


@dataclass(frozen=True)
class Kind:
    """What kind of review is walked through."""

    name: str
    bids: int = 3
    awards: int = 1
    two_step: bool = False
    tie: bool = False  # the first two bids are equal in everything


KINDS = (Kind("plain"), Kind("racing", bids=4, awards=2), Kind("two-step", two_step=True), Kind("tie", tie=True))
DEPTHS = ("fresh", "scored", "ranked", "noticed", "upheld", "awarded")


class Deep:
    """A review by its ids, to be found again by a session that knows nothing."""

    def __init__(self, review: Review, kind: Kind) -> None:
        self.review, self.kind = review, kind
        self.demand_id, self.panel_id = review.demand.id, review.panel.id
        self.bid_ids = [bid.id for bid in review.bids]

    def afresh(self) -> Review:
        self.review.demand = db.session.get_one(Demand, self.demand_id)
        self.review.panel = db.session.get_one(Panel, self.panel_id)
        self.review.bids = [db.session.get_one(Bid, key) for key in self.bid_ids]
        return self.review


def build(stage: Stage, kind: Kind) -> Deep:
    """A review of this kind, nothing scored yet, with two substitutes in order."""
    equal = (1_000_000_00, 1_000_000_00) if kind.tie else ()
    review = Review(stage, bids=kind.bids, prices=equal, award_count=kind.awards, two_step=kind.two_step)
    for order, number in ((5, 6), (6, 7)):
        expert = _expert(number, review.now)
        review.panel.seats.append(
            PanelSeat(
                round=1,
                expert=expert,
                expert_account_id=expert.user_id,
                order=order,
                outside=True,
                state=SeatState.SUBSTITUTE,
            )
        )
    if kind.two_step:
        for bid in review.bids:
            review.offer(bid, price=None)  # sealed as yet
    db.session.commit()
    return Deep(review, kind)


def deepen(review: Review, kind: Kind, depth: str) -> None:
    """From the depth before to this one, by whoever should."""
    by = {"actor": actor("supervisor"), "now": review.now}
    match depth:
        case "scored":
            review.score_all({1: Decimal("0.90")} if kind.tie else None)
        case "ranked":
            if kind.two_step:
                open_prices(review.demand, review.now)
            if kind.tie:
                result_service.draw_ties(review.demand, number="20261127", **by)
        case "noticed":
            review.announced()
        case "awarded":
            notice = notice_queries.latest(review.demand.id)
            assert notice is not None
            assert notice.ends_at is not None
            review.now = notice.ends_at + timedelta(hours=1)
            made = awards.propose_award(review.demand, reason=WORDS, actor=actor("publisher"), now=review.now)
            demands.confirm(made, actor=actor("publisher2"), now=review.now)
    db.session.commit()


def upheld(review: Review, remedy: Remedy) -> None:
    """Announced, with an objection that was found right and waits for its remedy."""
    told = {"name": "赵川", "organisation": "", "email": "rival@example.test", "phone": "13800001234"}
    notice = notice_queries.latest(review.demand.id)
    assert notice is not None
    row, _ = notices.file_objection(
        notice, **told, facts=WORDS, about=review.bids[0], actor=actor("rival"), now=review.now
    )
    notices.accept(row, actor=actor("screener"), now=review.now)
    notices.draft_answer(row, text=WORDS, actor=actor("screener2"), now=review.now)
    notices.decide(row, ObjectionAction.UPHOLD, remedy=str(remedy), actor=actor("publisher"), now=review.now)
    db.session.commit()


def open_prices(demand: Demand, now: datetime) -> None:
    """The custodians release the price envelopes. In a review without envelopes: they are put down as read."""
    stage = db.session.get(BidStage, (demand.id, Envelopes.PRICE))
    if stage is None or stage.concluded_at is not None:
        raise LookupError
    stage.concluded_at = now
    offers = db.session.scalars(select(Offer).where(Offer.demand_id == demand.id).order_by(Offer.bid_id))
    for place, row in enumerate(offers):
        row.price = Decimal(1_000_000_00 + place * 100_000_00)
    db.session.flush()
    result_service.proceed(demand, now=now)


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Whatever happens inside, commits too, is taken back at the end: a deep review is made once and walked often."""
    db.session.commit()
    db.session.remove()
    point = connection.begin_nested()
    try:
        yield
    finally:
        db.session.remove()
        point.rollback()


class Walk(Rules):
    """One review, its acts, and what was seen of it so far. ``seed`` makes it again."""

    def __init__(self, deep: Deep, depth: str, seed: int) -> None:
        self.dice = random.Random(seed)
        self.kind, self.seed = deep.kind, seed
        self.demand_id, self.panel_id = deep.demand_id, deep.panel_id
        self.moment = deep.review.now
        self.places = {bid: place for place, bid in enumerate(deep.bid_ids)}
        self.history: list[str] = [f"{deep.kind.name} {depth}"]
        self.done = self.refused = 0
        self.begin()

    # -- who and what ------------------------------------------------------------------------------------------------

    def who(self, *right: str) -> Actor:
        """Mostly one of those who may; now and then anybody."""
        names = right if right and self.dice.random() < 0.85 else CAST
        return actor(self.dice.choice(names))

    def one(self, rows: Sequence[Any]) -> Any:
        """One of the rows; where there is none, there is nothing to try."""
        if not rows:
            raise LookupError
        return self.dice.choice(rows)

    def seats(self, *states: SeatState) -> list[PanelSeat]:
        panel = scoring_queries.panel(self.demand_id)
        assert panel is not None
        return [seat for seat in panel.present_seats if not states or seat.state in states]

    def sits(self, seat: PanelSeat) -> Actor:
        """The person of the seat, or somebody else who tries."""
        if self.dice.random() < 0.1:
            return self.who()
        return actor_of(db.session.get_one(User, seat.expert_account_id))

    def entry(self, sheet: Sheet) -> Entry:
        """Mostly near a bid's own level, sometimes far off so that it is flagged, sometimes with a gap."""
        place = self.places[sheet.bid_id]
        if self.kind.tie:
            return self.filled(Decimal("0.9" if place < 2 else "0.8"))
        share = Decimal(90 - 7 * place + self.dice.randrange(-4, 5)) / 100
        if self.dice.random() < 0.06:
            share = Decimal(self.dice.choice((0, 20, 100))) / 100
        made = self.filled(share, proved=self.dice.random() < 0.97)
        if self.dice.random() < 0.03:
            made = Entry({}, made.comments, made.proofs)
        return made

    def filled(self, share: Decimal, *, proved: bool = True) -> Entry:
        """Every criterion at this share of its weight."""
        content = self.demand.said
        keys = typed(content.score_sheet)
        return Entry(
            scores={item.key: (item.weight * share).quantize(Decimal("0.01")) for item in keys},
            comments={item.key: WORDS for item in keys},
            proofs=(proved,) * len(content.indicators),
        )

    # -- acts ---------------------------------------------------------------------------------------------------------

    def hand_in(self) -> None:
        """An expert fills and hands in everything he has, or one sheet."""
        panel = scoring_queries.panel(self.demand_id)
        assert panel is not None
        draft = self.one(self.rows(Sheet, Sheet.state == SheetState.DRAFT, Sheet.round == panel.review_round))
        mine = self.rows(
            Sheet, Sheet.state == SheetState.DRAFT, Sheet.seat_id == draft.seat_id, Sheet.round == draft.round
        )
        by = self.sits(draft.seat)
        for sheet in mine if self.dice.random() < 0.85 else [draft]:
            scoring.save(sheet, self.entry(sheet), serial=sheet.serial, actor=by, now=self.moment)
            scoring.hand_in(sheet, actor=by, now=self.moment)
        result_service.proceed(self.demand, now=self.moment)

    def answer_flag(self) -> None:
        sheet = self.one(self.rows(Sheet, Sheet.state == SheetState.FLAGGED))
        by = self.sits(sheet.seat)
        if self.dice.random() < 0.5:
            scoring.confirm(sheet, reason=WORDS, actor=by, now=self.moment)
        else:
            scores = dict(sheet.entry.scores)
            key = self.dice.choice(sheet.flags if self.dice.random() < 0.9 else list(scores))
            scores[key] = (scores[key] + 1) / 2
            fresh = Entry(scores, sheet.entry.comments, sheet.entry.proofs)
            scoring.correct(sheet, fresh, reason=WORDS, actor=by, now=self.moment)
        result_service.proceed(self.demand, now=self.moment)

    def change_locked(self) -> None:
        """Somebody tries to write on a sheet that is out of his hands."""
        sheet = self.one(self.rows(Sheet, Sheet.state != SheetState.DRAFT))
        scoring.save(sheet, self.entry(sheet), serial=sheet.serial, actor=self.sits(sheet.seat), now=self.moment)

    def leave(self) -> None:
        """Somebody goes: before he scored, after it, or after the ranking and the report."""
        seat = self.one(self.seats())
        act = self.dice.choice(("recuse", "order", "abstain"))
        if act == "recuse":
            panels.recuse(seat, reason=WORDS, actor=self.sits(seat), now=self.moment)
        elif act == "order":
            panels.order_recusal(seat, reason=WORDS, actor=self.who("supervisor"), now=self.moment)
        else:
            scoring.abstain(seat, reason=WORDS, actor=self.sits(seat), now=self.moment)

    def join(self) -> None:
        """A substitute who was called takes the seat and declares, or declines."""
        seat = self.one(self.seats(SeatState.INVITED, SeatState.CONFIRMED))
        by = self.sits(seat)
        if self.dice.random() < 0.1:
            panels.decline(seat, reason=WORDS, actor=by, now=self.moment)
            return
        if seat.state is SeatState.INVITED:
            panels.confirm(seat, actor=by, now=self.moment)
        scoring.declare(seat, conflicts=(), statement="", actor=by, now=self.moment)

    def elect(self) -> None:
        choice = self.one(self.seats(SeatState.DECLARED))
        for seat in self.seats(SeatState.DECLARED):
            if choice.panel.chair is None:
                panels.vote(seat, choice=choice, actor=self.sits(seat), now=self.moment)

    def disqualify(self) -> None:
        waiting = results.open_outs(self.demand_id)
        if not waiting:
            bid = self.one(self.rows(Bid))
            by = self.who("publisher")
            result_service.propose_out(self.demand, bid, code="Z-11", reason=WORDS, actor=by, now=self.moment)
        elif self.dice.random() < 0.7:
            result_service.confirm_out(waiting[0], self.demand, actor=self.who("supervisor"), now=self.moment)
        else:
            by = self.who("supervisor")
            result_service.refuse_out(waiting[0], self.demand, reason=WORDS, actor=by, now=self.moment)

    def rank(self) -> None:
        result_service.proceed(self.demand, now=self.moment)

    def prices(self) -> None:
        open_prices(self.demand, self.moment)

    def draw(self) -> None:
        result_service.draw_ties(self.demand, number="20261127", actor=self.who("supervisor"), now=self.moment)

    def mend(self) -> None:
        """The chair finds an error on a locked sheet; the supervisor countersigns or does not."""
        waiting = results.open_mends(self.demand_id)
        if waiting:
            row = self.one(waiting)
            agreed = self.dice.random() < 0.7
            result_service.decide_mend(row, agreed=agreed, reason=WORDS, actor=self.who("supervisor"), now=self.moment)
            return
        sheet = self.one(self.rows(Sheet, Sheet.state == SheetState.LOCKED))
        chair = [seat for seat in self.seats() if seat.chaired_at is not None]
        by = self.sits(chair[0]) if chair else self.who()
        scores = dict(sheet.entry.scores)
        key = self.dice.choice(list(scores))
        code = self.dice.choice(("arithmetic", "objective"))
        result_service.propose_mend(
            sheet, scores={key: scores[key] / 2}, code=code, reason=WORDS, actor=by, now=self.moment
        )

    def report(self) -> None:
        found = results.report(self.demand_id)
        last = results.latest(self.demand_id)
        if found is None or last is None or found.ranking_id != last.id:
            found = result_service.open_report(self.demand, actor=self.who("publisher"), now=self.moment)
        signed = {item.seat_id for item in found.signatures}
        seats = [seat for seat in self.seats(SeatState.DECLARED) if seat.id not in signed]
        for seat in sorted(seats, key=lambda item: item.chaired_at is None):
            result_service.sign(found, dissent="", actor=self.sits(seat), now=self.moment)

    def announce(self) -> None:
        awards.propose_announcement(self.demand, reason=WORDS, actor=self.who("publisher"), now=self.moment)

    def second_person(self) -> None:
        """Somebody decides what waits for a second person."""
        demand = self.demand
        proposal = self.one([item for item in demand.proposals if item.decided_at is None])
        by = self.who("publisher2", "supervisor")
        if self.dice.random() < 0.85:
            demands.confirm(proposal, actor=by, now=self.moment)
        else:
            demands.refuse_proposal(proposal, reason=WORDS, actor=by, now=self.moment)

    def object(self) -> None:
        notice = self.one(self.rows(Notice))
        about = self.one(self.rows(Bid)) if self.dice.random() < 0.7 else None
        notices.file_objection(
            notice,
            name="赵川",
            organisation="",
            email="rival@example.test",
            phone="13800001234",
            facts=WORDS,
            about=about,
            actor=self.who("bidder", "rival"),
            now=self.moment,
        )

    def answer(self) -> None:
        """Accept, draft and sign in one go, as far as those who try may."""
        row = self.one(self.rows(Objection, Objection.state.in_(OPEN)))
        if row.state is ObjectionState.ESCALATED:
            by, upheld = self.who("supervisor"), self.dice.random() < 0.3
            notices.final_decision(row, upheld=upheld, answer=WORDS, remedy="void", actor=by, now=self.moment)
            return
        if row.state is ObjectionState.FILED and self.dice.random() < 0.8:
            notices.accept(row, actor=self.who("screener"), now=self.moment)
        notices.draft_answer(row, text=WORDS, actor=self.who("screener"), now=self.moment)
        verdict = self.dice.choice(
            (ObjectionAction.UPHOLD, ObjectionAction.DISMISS, ObjectionAction.UPHOLD, ObjectionAction.REFUSE)
        )
        remedy = str(self.dice.choice(list(Remedy)))
        notices.decide(row, verdict, remedy=remedy, actor=self.who("publisher"), now=self.moment)

    def insist(self) -> None:
        row = self.one(self.rows(Objection))
        act = notices.withdraw if self.dice.random() < 0.5 else notices.escalate
        more = {} if act is notices.withdraw else {"reason": WORDS}
        by = actor_of(db.session.get_one(User, row.objector_account_id))
        act(row, actor=by if self.dice.random() < 0.9 else self.who(), now=self.moment, **more)

    def remedy(self) -> None:
        row = self.one(self.rows(Objection, Objection.state == ObjectionState.UPHELD))
        awards.propose_remedy(
            row,
            out=self.dice.random() < 0.4,
            rescore=self.dice.random() < 0.5,
            code="Z-11",
            reason=WORDS,
            actor=self.who("publisher"),
            now=self.moment,
        )

    def review_again(self) -> None:
        """Somebody left after the result was announced: a publisher proposes to review again."""
        awards.propose_again(self.demand, reason=WORDS, actor=self.who("publisher"), now=self.moment)

    def award(self) -> None:
        waiting = self.rows(Notice, Notice.place > 0)
        if self.demand.state is State.AWARDED and waiting:
            notice = waiting[-1]
            if notice.award_proposed_by_id is None:
                awards.propose_substitute_award(notice, actor=self.who("publisher"), now=self.moment)
            else:
                awards.confirm_substitute_award(notice, actor=self.who("publisher2"), now=self.moment)
            return
        awards.propose_award(self.demand, reason=WORDS, actor=self.who("publisher"), now=self.moment)

    def award_at_once(self) -> None:
        """The window has run out, and two people award what was announced, whatever is open."""
        notice = self.one(self.rows(Notice, Notice.ends_at.is_not(None)))
        if self.dice.random() < 0.7:
            self.moment = max(self.moment, notice.ends_at)
        by, second = ("publisher", "publisher2") if self.dice.random() < 0.8 else ("publisher", "publisher")
        waiting = [item for item in self.demand.proposals if item.decided_at is None]
        if not waiting:
            made = awards.propose_award(self.demand, reason=WORDS, actor=actor(by), now=self.moment)
            db.session.expire(self.demand, ["proposals"])
            waiting = [made]
        demands.confirm(waiting[0], actor=actor(second), now=self.moment)

    def object_late(self) -> None:
        """Time runs out while an objection is open, or is filed only then."""
        notice = self.one(self.rows(Notice, Notice.ends_at.is_not(None)))
        self.moment = max(self.moment, notice.ends_at + timedelta(hours=self.dice.choice((-2, 1))))
        self.object()

    def take(self) -> None:
        award = self.one(self.rows(Award))
        winner = db.session.scalars(
            select(User).where(User.organisation_id == award.organisation_id).order_by(User.id)
        ).first()
        assert winner is not None
        by = actor_of(winner) if self.dice.random() < 0.9 else self.who()
        if self.dice.random() < 0.5:
            awards.take_up(award, actor=by, now=self.moment)
        else:
            awards.decline(award, reason=WORDS, actor=by, now=self.moment)

    def substitute(self) -> None:
        award = self.one(self.rows(Award))
        awards.propose_substitute(award, reason=WORDS, actor=self.who("publisher"), now=self.moment)

    def wait(self) -> None:
        """Time passes; the worker does what is due."""
        self.moment += timedelta(hours=self.dice.choice((1, 24, 24 * 4, 24 * 9)))
        panels.expire_overdue(self.moment)
        awards.expire_due(self.moment)

    ALWAYS = (wait, leave, object, change_locked, second_person, insist, mend, prices, draw)
    USUAL: dict[State, tuple[Callable[[Any], None], ...]] = {
        State.REVIEWING: (
            hand_in, hand_in, hand_in, hand_in, answer_flag, answer_flag, join, join, elect, disqualify, disqualify,
            rank, report, report, report, announce, announce, second_person, second_person, leave, mend, prices, prices,
            draw, draw,
        ),
        State.NOTICE: (
            object, object, object_late, answer, answer, wait, award, award_at_once, award_at_once, second_person,
            second_person, remedy, remedy, insist, leave, review_again,
        ),
        State.AWARDED: (
            take, take, substitute, second_person, second_person, award, award, wait, object, answer, remedy, insist,
        ),
    }  # fmt: skip
    EVERY = tuple(sorted({act for acts in USUAL.values() for act in acts} | set(ALWAYS), key=lambda act: act.__name__))

    def step(self) -> bool:
        """Try one act; whether there was anything to try it on."""
        usual = self.USUAL.get(self.demand.state, ())
        act = self.dice.choice(usual if usual and self.dice.random() < 0.8 else self.EVERY)
        open_before, moment = self.open_objections(), self.moment
        try:
            act(self)
            db.session.commit()
        except LookupError:  # nothing there to do it to
            db.session.rollback()
            self.moment = moment
            return False
        except Refused as error:
            db.session.rollback()
            self.refused += 1
            self.history.append(f"{act.__name__}: {error}")
            assert self.states() == self.seen, "a refusal changed something"
            assert self.log_size() == self.leaves, "a refusal wrote a leaf"
            return True
        self.history.append(act.__name__)
        self.done += 1
        db.session.expire_all()
        self.check(open_before)
        return True
