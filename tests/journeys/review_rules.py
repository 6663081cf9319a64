"""The rules of a review, each checked after every act from the rows themselves and not by the code that is tested."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from marketplace import db
from marketplace.awards.models import Award
from marketplace.awards.rules import ENDED, AwardState
from marketplace.bids.models import Bid, BidStage
from marketplace.bids.rules import BidState
from marketplace.bids.rules import Stage as Envelopes
from marketplace.demands.content import canonical, fingerprint
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import State
from marketplace.notices.models import Letter, Notice, Objection
from marketplace.notices.rules.objections import OPEN, ObjectionState
from marketplace.panels.models import PanelSeat
from marketplace.panels.rules.seats import SeatState
from marketplace.platform.audit.models import AuditDetail
from marketplace.results import queries as results
from marketplace.results import service as result_service
from marketplace.results.models import BidOut, Offer, Ranking, Report, TieDraw
from marketplace.results.rules import ReportState
from marketplace.scoring import queries as scoring_queries
from marketplace.scoring.models import Sheet, SheetVersion
from marketplace.scoring.rules import ranking as rules
from marketplace.scoring.rules.record import inputs_json
from marketplace.scoring.rules.sheets import SheetState
from tests.results.making import actor

DONE = (SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.LOCKED)


class Rules:
    """What was seen of one review so far, and what must hold of it."""

    demand_id: int
    panel_id: int
    moment: datetime

    def begin(self) -> None:
        """Remember how it stands before the first act."""
        self.reached: set[str] = set()
        self.frozen = fingerprint(self.demand.content)
        self.sheet_texts: dict[int, str] = {}
        self.rankings: dict[int, tuple[str, str]] = {}
        self.published: dict[int, str] = {}
        self.checked_versions: set[int] = set()
        self.supervisor = actor("supervisor").id
        self.seen = self.states()
        self.leaves = self.log_size()
        self.prices_called = db.session.get(BidStage, (self.demand_id, Envelopes.PRICE)) is not None
        self.notices_seen = {item.id: (item.state, item.ends_at) for item in self.rows(Notice)}
        for sheet in self.rows(Sheet, Sheet.state == SheetState.LOCKED):
            self.sheet_texts[sheet.id] = fingerprint(sheet.content)

    @property
    def demand(self) -> Demand:
        return db.session.get_one(Demand, self.demand_id)

    def rows(self, model: type[Any], *where: Any) -> list[Any]:
        query = select(model).where(model.demand_id == self.demand_id, *where)
        return list(db.session.scalars(query.order_by(model.id)))

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
        seats = select(PanelSeat.id, PanelSeat.state).where(PanelSeat.panel_id == self.panel_id)
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
        self.check_prices()
        self.check_rankings()
        self.check_announced(before)
        self.check_objections()
        self.check_awards(before, open_before)
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
        self.members = [seat for seat in panel.present_seats if seat.state is SeatState.DECLARED]
        self.left = [seat for seat in panel.present_seats if seat.ended_at is not None]
        self.round = panel.review_round
        self.seated = len(members) >= panel.size and not called
        whole = self.seated and bool(wanted)
        closed = self.closed = whole and all(state.get(pair) is SheetState.LOCKED for pair in wanted)
        assert results.is_locked(self.demand_id) == closed == scoring_queries.all_locked(self.demand_id)
        locked_now = select(AuditDetail.seq).where(
            AuditDetail.seq > after_leaf,
            AuditDetail.kind == "review.lock",
            AuditDetail.subject == f"demand:{self.demand_id}",
        )
        if db.session.scalar(locked_now.limit(1)) is not None:
            assert closed, "closed while something was missing"
        for sheet in sheets:
            if sheet.state in DONE:
                assert sheet.missing == 0
            if sheet.state is SheetState.LOCKED:
                self.check_locked(sheet)
        seat_of = {sheet.id: sheet.seat for sheet in sheets}
        newer = SheetVersion.id.not_in(self.checked_versions)
        for version in db.session.scalars(select(SheetVersion).where(SheetVersion.sheet_id.in_(seat_of), newer)):
            self.checked_versions.add(version.id)
            if version.kind == "mend":
                continue
            seat = seat_of[version.sheet_id]
            assert version.by_id == seat.expert_account_id, "written by somebody else"
            assert seat.declared_at is not None
            assert version.at >= seat.declared_at

    def check_locked(self, sheet: Sheet) -> None:
        """A locked sheet changes by a correction alone: proposed by the chair of the day, countersigned, a new version."""
        text = fingerprint(sheet.content)
        if self.sheet_texts.setdefault(sheet.id, text) == text:
            return
        last = db.session.scalars(
            select(SheetVersion).where(SheetVersion.sheet_id == sheet.id).order_by(SheetVersion.number.desc())
        ).first()
        assert last is not None
        assert (last.kind, fingerprint(last.content)) == ("mend", text), "a locked sheet changed"
        assert last.second_id == self.supervisor != last.by_id, "corrected without the supervisor"
        chairs = {seat.expert_account_id for seat in sheet.seat.panel.seats if seat.chaired_at is not None}
        assert last.by_id in chairs, "corrected by somebody who never was chair"
        assert self.demand.state is State.REVIEWING, "corrected after the notice"
        self.sheet_texts[sheet.id] = text

    def check_prices(self) -> None:
        """Two-step: no price is called before every sheet is locked, none is known and nothing ranked before it is open."""
        if not self.demand.said.two_step:
            return
        stage = db.session.get(BidStage, (self.demand_id, Envelopes.PRICE))
        if stage is not None and not self.prices_called:
            self.prices_called = True
            self.reached.add("price called")
            assert self.closed or self.rows(Ranking), "prices were called for while something was missing"
        if stage is None or stage.concluded_at is None:
            prices = db.session.scalars(select(Offer.price).where(Offer.demand_id == self.demand_id))
            assert not any(price is not None for price in prices), "a price before its time"
            assert not self.rows(Ranking), "ranked without prices"

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
        if found and self.demand.state is State.REVIEWING and self.closed:
            self.check_newest(found)

    def check_newest(self, found: list[Ranking]) -> None:
        """Recused or not, a sheet of nobody who counts makes no difference; what has left the competition has no rank."""
        row = found[-1]
        if row.round != self.round:
            return
        drawn = results.tie_draw(self.demand_id, row.round)
        inputs = results.inputs(self.demand, tie_seed=drawn.seed if drawn is not None else "")
        members = {seat.expert.key for seat in self.members}
        assert set(inputs.experts) == members
        counted = replace(inputs, sheets=tuple(item for item in inputs.sheets if item.expert in members))
        assert rules.rank(counted).lines == rules.rank(inputs).lines
        same = canonical(inputs_json(inputs)) == row.record
        assert same is results.is_current(self.demand)
        assert same or self.seen_stale(row), "the ranking in force is not of what is stored"
        out = {item.bid_id for item in self.rows(BidOut) if item.in_force}
        ranked = {line.bid_id for line in row.lines if line.rank is not None}
        assert not same or not out & ranked, "ranked though disqualified"

    def seen_stale(self, row: Ranking) -> bool:
        """Somebody left after this ranking and his substitute has just scored: the worker will make it again."""
        return any(seat.ended_at is not None and seat.ended_at >= row.made_at for seat in self.left)

    def check_announced(self, before: dict[str, str]) -> None:
        """A notice is of a whole, signed, decided and current result, by two people; who bid has his letter."""
        for notice in self.rows(Notice, Notice.published_at.is_not(None)):
            assert hashlib.sha256(notice.frozen).hexdigest() == notice.sha256
            assert self.published.setdefault(notice.id, notice.sha256) == notice.sha256, "a notice changed"
            assert notice.published_by_id not in (None, notice.proposed_by_id), "published by one alone"
            if notice.id in self.notices_seen:
                continue
            self.notices_seen[notice.id] = (notice.state, notice.ends_at)
            self.check_fresh_notice(notice)

    def check_fresh_notice(self, notice: Notice) -> None:
        last = self.rows(Ranking)[-1]
        assert notice.content["ranking"]["hash"] == notice.ranking.hash
        assert notice.ranking_id == last.id, "not the ranking in force"
        listed = [item["bid"] for item in notice.content["candidates"]]
        told = {item.bid.public_id for item in self.rows(Letter) if item.notice_id == notice.id}
        if notice.place:
            assert told >= set(listed), "the substitute has no letter"
            return
        assert self.seated, "announced while a seat is vacant"
        report = self.rows(Report, Report.ranking_id == last.id)
        assert report, "announced without a report"
        assert report[-1].state is ReportState.SIGNED
        signed = {item.seat_id for item in report[-1].signatures}
        assert signed >= {seat.id for seat in self.members}, "announced without every signature"
        assert any(item.chair for item in report[-1].signatures), "announced without the chair"
        groups: dict[Any, int] = defaultdict(int)
        for line in last.lines:
            if line.rank is not None:
                groups[(line.total, line.plain_total, tuple(map(tuple, line.criteria)))] += 1
        if any(count > 1 for count in groups.values()):
            assert self.rows(TieDraw, TieDraw.round == last.round), "a tie was announced without a draw"
            self.reached.add("tie drawn")
        assert listed == [line.bid.public_id for line in last.lines if line.rank is not None][: len(listed)]
        opened = {bid.public_id for bid in self.rows(Bid)}
        assert told == opened, "somebody has no letter"
        proposal = self.rows(DemandProposal)[-1]
        assert proposal.decided_by_id not in (None, proposal.proposed_by_id), "one person alone"

    def check_objections(self) -> None:
        """Filed inside a window; answered by two."""
        for row in self.rows(Objection):
            notice = row.notice
            assert notice.published_at is not None
            assert notice.published_at <= row.filed_at < notice.ends_at, "filed outside the window"
            if row.state in (ObjectionState.UPHELD, ObjectionState.DISMISSED) and row.answer_signed_by_id is not None:
                assert row.answer_signed_by_id != row.answer_drafted_by_id, "answered by one alone"

    def check_awards(self, before: dict[str, str], open_before: int) -> None:
        """No award while an objection is open or inside the window, never more than promised, never twice to one."""
        given = self.rows(Award)
        alive = [award for award in given if award.state not in ENDED]
        assert len(alive) <= self.demand.said.award_count
        assert len({award.place for award in alive}) == len(alive) == len({award.bid_id for award in alive})
        for award in given:
            if award.state is AwardState.CONFIRMED and before.get(f"award:{award.id}") != "confirmed":
                assert open_before == 0 == self.open_objections(), "awarded while an objection was open"
                assert award.notice.ends_at is not None
                assert self.moment >= award.notice.ends_at, "awarded inside the window"
                by = {item.decided_by_id for item in self.rows(DemandProposal) if item.action == "award"}
                assert award.notice.award_proposed_by_id is not None
                assert award.notice.place or award.notice.award_proposed_by_id not in by, "awarded by one alone"
        if self.demand.state is State.AWARDED and before[f"demand:{self.demand_id}"] == "notice":
            members = {seat.expert.key for seat in self.members}
            assert set(json.loads(self.rows(Ranking)[-1].record)["experts"]) <= members, "awarded on sheets of who left"
        taken = {award.bid_id for award in alive if award.taken_up_at is not None}
        assert {bid.id for bid in self.rows(Bid, Bid.state == BidState.AWARDED)} == taken, (
            "called winner without an award"
        )
        assert (self.demand.state is not State.NOTICE) or alive, "a result nobody is to have"
