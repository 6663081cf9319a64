"""Demands under review made fast: bids, panel and offers as rows, everything that is decided from there through the
services. Whole roads from a sealed bid on are walked by the journeys.

    review = making.Review(Stage(now), bids=3, experts=5)      # state reviewing, empty sheets
    review.score_all()                                         # every sheet handed in, locked, ranking computed
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import RoleAssignment, User
from marketplace.accounts.queries import actor_of
from marketplace.accounts.rules import Role
from marketplace.awards import service as awards
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands import service as demands
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.notices import queries as notice_queries
from marketplace.notices.models import Notice
from marketplace.panels.models import Expert, Panel, PanelDraw, PanelSeat, ReviewBid
from marketplace.panels.rules.seats import PanelState, SeatState
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.workflow import perform
from marketplace.results import queries as results
from marketplace.results import service
from marketplace.results.models import Ranking
from marketplace.scoring import service as scoring
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.formulas import Answer
from marketplace.scoring.rules.sheets import Entry, typed
from tests import factories
from tests.bids.making import firms
from tests.demands.conftest import Stage

WORDS = "证据充分，做法可以落地。"


def actor(username: str) -> Actor:
    return actor_of(factories.person(username))


def _expert(number: int, now: datetime) -> Expert:
    username = f"expert{number}"
    user = db.session.scalar(select(User).where(User.username == username))
    if user is None:
        home = factories.organisation("university")
        user = User(
            username=username,
            name=f"专家{number}",
            email=f"{username}@example.test",
            phone="13800001234",
            password_hash="!",
            organisation=home,
            created_at=factories.LONG_AGO,
            is_demo=True,
        )
        user.assignments = [
            RoleAssignment(
                organisation=home, role=Role.EXPERT, granted_at=factories.LONG_AGO, in_force_at=factories.LONG_AGO
            )
        ]
        db.session.add(user)
        db.session.flush()
    known = db.session.scalar(select(Expert).where(Expert.user_id == user.id))
    if known is not None:
        return known
    made = Expert(
        key=f"E{number:03d}",
        user_id=user.id,
        name=user.name,
        email=f"{username}@experts.test",
        employer=f"外地第{number}研究院",
        added_at=now,
        updated_at=now,
    )
    db.session.add(made)
    db.session.flush()
    return made


class Review:
    """One demand in ``reviewing`` with everything that decides."""

    def __init__(
        self, stage: Stage, *, bids: int = 3, experts: int = 5, prices: Sequence[int] = (), **changes: Any
    ) -> None:
        self.stage, self.now = stage, stage.now
        self.demand: Demand = stage.published(**changes)
        assert self.demand.closes_at is not None
        self.now = self.demand.closes_at + timedelta(days=1)
        self.bids = self._bids(bids)
        perform(demands.MACHINE, self.demand, Action.OPEN, actor=SYSTEM, now=self.now)
        self.demand.released_at = self.now
        perform(demands.MACHINE, self.demand, Action.START_REVIEW, actor=actor("publisher"), now=self.now)
        self.panel = self._panel(experts)
        for place, bid in enumerate(self.bids):
            price = prices[place] if place < len(prices) else 1_000_000_00 + place * 100_000_00
            self.offer(bid, price=price)
        for seat in self.panel.counted_seats:
            scoring.make_sheets(seat, [bid.id for bid in self.bids], content=self.demand.said)
        db.session.commit()

    def _bids(self, count: int) -> list[Bid]:
        made = []
        for place, username in enumerate(firms(count)):
            person = factories.person(username)
            bid = Bid(
                public_id=secrets.token_hex(16),
                demand_id=self.demand.id,
                organisation_id=person.organisation_id,
                state=BidState.ELIGIBLE,
                version=1,
                answers_version=1,
                created_at=self.now,
            )
            db.session.add(bid)
            db.session.flush()
            code = f"B-{place + 1:02d}"
            db.session.add(ReviewBid(bid_id=bid.id, demand_id=self.demand.id, code=code, key=secrets.token_hex(16)))
            made.append(bid)
        db.session.flush()
        return made

    def _panel(self, count: int) -> Panel:
        panel = Panel(
            demand_id=self.demand.id, state=PanelState.DRAWN, size=max(count, 5), round=1, created_at=self.now
        )
        db.session.add(panel)
        db.session.flush()
        db.session.add(
            PanelDraw(
                panel_id=panel.id,
                round=1,
                pool={},
                pool_hash="0" * 64,
                fixed_at=self.now,
                seed="1" * 64,
                drawn_at=self.now,
            )
        )
        for order in range(count):
            expert = _expert(order + 1, self.now)
            db.session.add(
                PanelSeat(
                    panel=panel,
                    round=1,
                    expert=expert,
                    expert_account_id=expert.user_id,
                    order=order,
                    outside=True,
                    state=SeatState.DECLARED,
                    called_at=self.now,
                    answered_at=self.now,
                    declared_at=self.now,
                    chaired_at=self.now if order == 0 else None,
                )
            )
        db.session.flush()
        db.session.expire(panel)
        return panel

    def offer(self, bid: Bid, *, price: int | None = 1_000_000_00, values: Sequence[str] = ()) -> None:
        """What was read of the opened bid: every target met, unless values are given."""
        indicators = self.demand.said.indicators
        told = [*values, *(item.target for item in indicators[len(values) :])]
        service.keep_offer(
            bid,
            answers=[Answer(value, "0") for value in told],
            price=None if price is None else Decimal(price),
            now=self.now,
        )

    def sheet(self, bid: Bid, expert: int) -> Sheet:
        """The present sheet of the expert in place ``expert`` (from 0)."""
        seat = self.panel.counted_seats[expert]
        found = db.session.scalar(
            select(Sheet).where(
                Sheet.bid_id == bid.id, Sheet.seat_id == seat.id, Sheet.round == self.panel.review_round
            )
        )
        assert found is not None
        return found

    def entry(self, share: Decimal, *, proved: bool = True, **scores: Decimal) -> Entry:
        """Every typed criterion at ``share`` of its weight, or as given; comments where they must be."""
        content = self.demand.said
        keys = typed(content.score_sheet)
        return Entry(
            scores={item.key: scores.get(item.key, (item.weight * share).quantize(Decimal("0.01"))) for item in keys},
            comments={item.key: WORDS for item in keys},
            proofs=(proved,) * len(content.indicators),
        )

    def score(self, bid: Bid, expert: int, entry: Entry) -> None:
        """Save and hand in one sheet as its expert."""
        sheet = self.sheet(bid, expert)
        who = actor_of(db.session.get_one(User, sheet.seat.expert_account_id))
        scoring.save(sheet, entry, serial=sheet.serial, actor=who, now=self.now)
        scoring.hand_in(sheet, actor=who, now=self.now)

    def score_all(self, shares: Mapping[int, Decimal] | None = None, *, proved: bool = True) -> Ranking | None:
        """Every sheet; bid ``n`` gets ``shares[n]`` of each criterion from all (else 0.90, 0.85, 0.80 …)."""
        for place, bid in enumerate(self.bids):
            if bid.state is not BidState.ELIGIBLE:
                continue
            share = (shares or {}).get(place, Decimal("0.90") - Decimal("0.05") * place)
            for expert in range(len(self.panel.counted_seats)):
                self.score(bid, expert, self.entry(share, proved=proved))
        ranking = service.proceed(self.demand, now=self.now)
        db.session.commit()
        return ranking

    def sign_all(self, dissent: str = "") -> None:
        """Open the report and let everybody sign, the chair first."""
        report = service.open_report(self.demand, actor=actor("publisher"), now=self.now)
        for seat in self.panel.counted_seats:
            who = actor_of(db.session.get_one(User, seat.expert_account_id))
            words = dissent if seat.order == 1 else ""
            service.sign(report, dissent=words, actor=who, now=self.now)
        db.session.commit()

    def propose_announcement(self) -> DemandProposal:
        return awards.propose_announcement(
            self.demand, reason="评审报告已签署。", actor=actor("publisher"), now=self.now
        )

    def announced(self) -> Notice:
        """Scored, reported, announced by two people."""
        if results.latest(self.demand.id) is None:
            self.score_all()
        self.sign_all()
        demands.confirm(self.propose_announcement(), actor=actor("publisher2"), now=self.now)
        db.session.commit()
        notice = notice_queries.latest(self.demand.id)
        assert notice is not None
        return notice

    def awarded(self) -> Notice:
        """The window over, awarded by two people."""
        return self.awarded_of(self.announced())

    def awarded_of(self, notice: Notice) -> Notice:
        assert notice.ends_at is not None
        self.now = notice.ends_at + timedelta(hours=1)
        proposal = awards.propose_award(self.demand, reason="公示期满无异议。", actor=actor("publisher"), now=self.now)
        demands.confirm(proposal, actor=actor("publisher2"), now=self.now)
        db.session.commit()
        assert self.demand.state is State.AWARDED
        return notice
