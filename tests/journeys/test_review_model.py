"""A review under random acts of twelve people (and the clock): whatever they try, in whatever order, the rules hold.

A walk starts at a random depth of a real review and tries one act after another through the services, mostly by whoever
should and now and then by anybody. A refusal must change nothing; whatever went through must leave every rule standing,
each checked from the rows themselves and not by the code that is tested. ``SEED`` makes a walk again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.awards import queries as award_queries
from marketplace.awards import service as awards
from marketplace.awards.models import Award
from marketplace.awards.rules import ENDED, AwardState
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands import service as demands
from marketplace.demands.content import canonical, fingerprint
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.notices import queries as notice_queries
from marketplace.notices import service as notices
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.objections import OPEN, ObjectionAction, ObjectionState, Remedy
from marketplace.panels import service as panels
from marketplace.panels.models import PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Refused
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results import service as result_service
from marketplace.results.models import Ranking
from marketplace.scoring import queries as scoring_queries
from marketplace.scoring import service as scoring
from marketplace.scoring.models import Sheet, SheetVersion
from marketplace.scoring.rules import ranking as rules
from marketplace.scoring.rules.record import inputs_json
from marketplace.scoring.rules.sheets import Entry, SheetState
from tests.demands.conftest import Stage
from tests.results.making import Review, _expert, actor
from tests.sizes import size

WALKS, STEPS, SEED = size(12, 500), size(30, 50), 20261127
OFFICE = ("screener", "screener2", "publisher", "publisher2", "supervisor")
EXPERTS = tuple(f"expert{number}" for number in range(1, 8))  # five seats, two substitutes
CAST = (*OFFICE, "bidder", "rival", *EXPERTS)
WORDS = "理由写在这里，有据可查，经核对属实，请按规定办理。"
HALF_STATES = (SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.LOCKED)


class Walk:
    """One review, its acts, and what was seen of it so far."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.dice = random.Random(seed)
        self.seed = seed
        self.review = Review(stage, award_count=self.dice.choice((1, 1, 2)))
        self.demand_id = self.review.demand.id
        self.moment = self.review.now
        self.places = {bid.id: place for place, bid in enumerate(self.review.bids)}
        self.reached: set[str] = set()
        for order, number in ((5, 6), (6, 7)):
            expert = _expert(number, self.moment)
            self.review.panel.seats.append(
                PanelSeat(
                    round=1,
                    expert=expert,
                    expert_account_id=expert.user_id,
                    order=order,
                    outside=True,
                    state=SeatState.SUBSTITUTE,
                )
            )
        self.frozen = fingerprint(self.review.demand.content)
        db.session.commit()
        depth = seed % 5
        if depth == 1:
            self.review.score_all()
        elif depth == 2:
            self.review.announced()
        elif depth == 3:
            self.review.awarded()
        self.moment = self.review.now
        if depth == 4:
            self.upheld()
        self.history: list[str] = [f"depth {depth}"]
        self.locked_sheets: dict[int, str] = {}
        self.rankings: dict[int, tuple[str, str]] = {}
        self.published: dict[int, str] = {}
        self.done = self.refused = 0
        self.seen = self.states()
        self.leaves = self.log_size()

    def upheld(self) -> None:
        """Announced, with an objection that was found right and waits for its remedy."""
        told = {"name": "赵川", "organisation": "", "email": "rival@example.test", "phone": "13800001234"}
        row, _ = notices.file_objection(
            self.review.announced(),
            **told,
            facts=WORDS,
            about=self.review.bids[0],
            actor=actor("rival"),
            now=self.moment,
        )
        notices.accept(row, actor=actor("screener"), now=self.moment)
        notices.draft_answer(row, text=WORDS, actor=actor("screener2"), now=self.moment)
        remedy = str(self.dice.choice((Remedy.RE_REVIEW, Remedy.SUBSTITUTE, Remedy.VOID)))
        notices.decide(row, ObjectionAction.UPHOLD, remedy=remedy, actor=actor("publisher"), now=self.moment)
        db.session.commit()

    # -- who and what ------------------------------------------------------------------------------------------------

    @property
    def demand(self) -> Demand:
        return db.session.get_one(Demand, self.demand_id)

    def who(self, *right: str) -> Actor:
        """Mostly one of those who may; now and then anybody."""
        names = right if right and self.dice.random() < 0.85 else CAST
        return actor(self.dice.choice(names))

    def one(self, rows: Sequence[Any]) -> Any:
        """One of the rows; where there is none, there is nothing to try."""
        if not rows:
            raise LookupError
        return self.dice.choice(rows)

    def rows(self, model: type[Any], *where: Any) -> list[Any]:
        query = select(model).where(model.demand_id == self.demand_id, *where)
        return list(db.session.scalars(query.order_by(model.id)))

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
        share = Decimal(90 - 7 * self.places[sheet.bid_id] + self.dice.randrange(-4, 5)) / 100
        if self.dice.random() < 0.06:
            share = Decimal(self.dice.choice((0, 20, 100))) / 100
        made = self.review.entry(share, proved=self.dice.random() < 0.97)
        if self.dice.random() < 0.03:
            made = Entry({}, made.comments, made.proofs)
        return made

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
        seat = self.one(self.seats())
        act = self.dice.choice(("recuse", "order", "abstain"))
        if act == "recuse":
            panels.recuse(seat, reason=WORDS, actor=self.sits(seat), now=self.moment)
        elif act == "order":
            panels.order_recusal(seat, reason=WORDS, actor=self.who("supervisor"), now=self.moment)
        else:
            panels.abstain(seat, reason=WORDS, actor=self.sits(seat), now=self.moment)

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

    ALWAYS = (wait, leave, object, change_locked, second_person, insist)
    USUAL: dict[State, tuple[Callable[[Any], None], ...]] = {
        State.REVIEWING: (
            hand_in, hand_in, hand_in, hand_in, answer_flag, answer_flag, join, join, elect, disqualify, disqualify, rank,
            report, report, announce, announce, second_person, second_person,
        ),
        State.NOTICE: (object, answer, answer, wait, wait, award, award, second_person, second_person, remedy, remedy, insist),
        State.AWARDED: (take, take, substitute, second_person, second_person, award, award, wait, object, answer,
                        remedy, insist),
    }  # fmt: skip

    # -- one step -----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Try one act; whether there was anything to try it on."""
        usual = self.USUAL.get(self.demand.state, ())
        every = sorted(
            {act for acts in self.USUAL.values() for act in acts} | set(self.ALWAYS), key=lambda a: a.__name__
        )
        act = self.dice.choice(usual if usual and self.dice.random() < 0.8 else every)
        open_before = self.open_objections()
        try:
            act(self)
            db.session.commit()
        except LookupError:  # nothing there to do it to
            db.session.rollback()
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

    def states(self) -> dict[str, str]:
        """The state of everything of this review that has one, by the log's subject."""
        found = {f"demand:{self.demand_id}": str(self.demand.state)}
        named: tuple[tuple[str, type[Any]], ...] = (
            ("notice", Notice),
            ("objection", Objection),
            ("award", Award),
            ("sheet", Sheet),
        )
        for name, model in named:
            rows = db.session.execute(select(model.id, model.state).where(model.demand_id == self.demand_id))
            found.update({f"{name}:{key}": str(state) for key, state in rows})
        bids = select(Bid.public_id, Bid.state).where(Bid.demand_id == self.demand_id)
        found.update({f"bid:{key}": str(state) for key, state in db.session.execute(bids)})
        seats = select(PanelSeat.id, PanelSeat.state).where(PanelSeat.panel_id == self.review.panel.id)
        found.update({f"panel_seat:{key}": str(state) for key, state in db.session.execute(seats)})
        return found

    def log_size(self) -> int:
        return db.session.scalar(select(func.max(AuditDetail.seq))) or 0

    def open_objections(self) -> int:
        rows = self.rows(Objection)
        return sum(row.state in OPEN or (row.state is ObjectionState.UPHELD and not row.remedied_at) for row in rows)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self, open_before: int) -> None:
        before, self.seen = self.seen, self.states()
        self.reached |= {f"{subject.partition(':')[0]} {state}" for subject, state in self.seen.items()}
        after_leaf, self.leaves = self.leaves, self.log_size()
        self.check_log(before, after_leaf)
        self.check_sheets(after_leaf)
        self.check_rankings()
        self.check_results(before, open_before)
        assert fingerprint(self.demand.content) == self.frozen, "the published terms changed"

    def check_log(self, before: dict[str, str], after_leaf: int) -> None:
        """A leaf for every change of a state, and for everything new that is not an empty sheet."""
        leaves = set(db.session.scalars(select(AuditDetail.subject).where(AuditDetail.seq > after_leaf)))
        for subject, state in self.seen.items():
            if before.get(subject) == state or (subject not in before and state == "draft"):
                continue
            assert subject in leaves, f"{subject}: {before.get(subject)} → {state} is not in the log"
        assert not before.keys() - self.seen.keys(), "something was deleted"

    def check_sheets(self, after_leaf: int) -> None:
        """Closing needs expected − done = ∅; only a declared member writes, and on nothing that is locked."""
        panel = scoring_queries.panel(self.demand_id)
        assert panel is not None
        sheets = self.rows(Sheet)
        members = {seat.id for seat in panel.present_seats if seat.state is SeatState.DECLARED}
        called = [seat for seat in panel.present_seats if seat.state in (SeatState.INVITED, SeatState.CONFIRMED)]
        competing = {bid.id for bid in self.rows(Bid, Bid.state == BidState.ELIGIBLE)}
        state = {(item.seat_id, item.bid_id): item.state for item in sheets if item.round == panel.review_round}
        wanted = [(seat, bid) for seat in members for bid in competing]
        whole = len(members) >= panel.size and not called and bool(wanted)
        closed = whole and all(state.get(pair) is SheetState.LOCKED for pair in wanted)
        assert results.is_locked(self.demand_id) == closed == scoring_queries.all_locked(self.demand_id)
        locked_now = select(AuditDetail.seq).where(
            AuditDetail.seq > after_leaf,
            AuditDetail.kind == "review.lock",
            AuditDetail.subject == f"demand:{self.demand_id}",
        )
        if db.session.scalar(locked_now.limit(1)) is not None:
            assert closed, "closed while something was missing"
        for sheet in sheets:
            if sheet.state in HALF_STATES:
                assert sheet.missing == 0
            if sheet.state is SheetState.LOCKED:
                text = fingerprint(sheet.content)
                assert self.locked_sheets.setdefault(sheet.id, text) == text, "a locked sheet changed"
        seat_of = {sheet.id: sheet.seat for sheet in sheets}
        for version in db.session.scalars(select(SheetVersion).where(SheetVersion.sheet_id.in_(seat_of))):
            seat = seat_of[version.sheet_id]
            assert version.by_id == seat.expert_account_id, "written by somebody else"
            assert seat.declared_at is not None
            assert version.at >= seat.declared_at

    def check_rankings(self) -> None:
        """What is stored is what the pure function gives, never changes, and counts nobody who left."""
        found = self.rows(Ranking)
        assert [row.number for row in found] == list(range(1, len(found) + 1))
        for row in found:
            fresh = row.id not in self.rankings
            kept = (row.hash, hashlib.sha256(row.record).hexdigest())
            assert self.rankings.setdefault(row.id, kept) == kept == (row.hash, row.record_sha256)
            if not fresh:
                continue
            again = result_service.replay(row)
            assert again.same
            assert [(line.bid, line.rank, line.total) for line in again.ranking.lines] == [
                (line.bid.public_id, line.rank, line.total)
                for line in sorted(row.lines, key=lambda item: item.position)
            ]
        if found and found[-1].id == max(self.rankings) and results.is_locked(self.demand_id):
            self.check_newest(found[-1])

    def check_newest(self, row: Ranking) -> None:
        """Recused or not, a sheet of nobody who counts makes no difference to what would be ranked now."""
        inputs = results.inputs(self.demand)
        members = {seat.expert.key for seat in self.seats(SeatState.DECLARED)}
        assert set(inputs.experts) == members
        counted = replace(inputs, sheets=tuple(item for item in inputs.sheets if item.expert in members))
        assert rules.rank(counted).lines == rules.rank(inputs).lines
        same = canonical(inputs_json(inputs)) == row.record
        assert not same or rules.rank(inputs).hash == row.hash

    def check_results(self, before: dict[str, str], open_before: int) -> None:
        """No award while an objection is open, never more than promised, never twice to one; notices stay as they were."""
        given = self.rows(Award)
        alive = [award for award in given if award.state not in ENDED]
        assert len(alive) <= self.demand.said.award_count
        assert len({award.place for award in alive}) == len(alive) == len({award.bid_id for award in alive})
        for award in given:
            if award.state is AwardState.CONFIRMED and before.get(f"award:{award.id}") != "confirmed":
                assert open_before == 0 == self.open_objections(), "awarded while an objection was open"
                assert award.notice.ends_at is not None
                assert self.moment >= award.notice.ends_at, "awarded inside the window"
                assert award.notice.award_proposed_by_id is not None
        for notice in self.rows(Notice, Notice.published_at.is_not(None)):
            assert hashlib.sha256(notice.frozen).hexdigest() == notice.sha256
            assert self.published.setdefault(notice.id, notice.sha256) == notice.sha256, "a notice changed"
            assert notice.content["ranking"]["hash"] == notice.ranking.hash
            assert notice.published_by_id != notice.proposed_by_id
        if self.demand.state in (State.NOTICE, State.AWARDED):
            latest = notice_queries.latest(self.demand_id)
            assert latest is not None
            assert latest.published_at is not None
            assert award_queries.ranking_of(self.demand_id) is not None


def test_no_rule_breaks_whatever_twelve_people_try(session: Session, stage: Stage) -> None:
    assert len(CAST) >= 12
    done = refused = 0
    reached: set[str] = set()
    acts: set[str] = set()
    for number in range(WALKS):
        walk = Walk(Stage(stage.now), SEED + number)
        try:
            for _ in range(STEPS):
                any(walk.step() for _ in range(20))
        except Exception as error:
            raise AssertionError(f"seed {walk.seed}: " + " | ".join(walk.history)) from error
        done, refused = done + walk.done, refused + walk.refused
        reached |= walk.reached
        acts |= {item for item in walk.history if ":" not in item}
    assert log.verify().ok
    # The walks go somewhere: otherwise nothing was checked.
    assert done > WALKS * STEPS // 4
    assert refused > WALKS
    assert {
        "sheet locked",
        "panel_seat recused",
        "demand notice",
        "award confirmed",
        "bid void",
        "notice revoked",
    } <= reached, reached
    assert {"hand_in", "announce", "second_person", "object", "answer", "award", "take", "join"} <= acts, acts
