"""The scenes of panels that are at work now: a review half done, a panel that answers its invitations, a pool that
waits for its draw. Reviews that have ended are told elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.bids import queries as bids
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.demo.bidding import chance_of
from marketplace.demo.content import people, story
from marketplace.eligibility import service as eligibility
from marketplace.eligibility.rules import Check, Verdict
from marketplace.panels import service as panels
from marketplace.panels.models import Expert, Panel, PanelSeat
from marketplace.panels.rules import draw as rules
from marketplace.panels.rules.seats import SeatState
from marketplace.panels.service import scanning
from marketplace.platform import audit, clock
from marketplace.platform.audit import queries as log
from marketplace.platform.files import Storage
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import beijing_day, close_of
from marketplace.scoring import queries, service
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import Entry, comment_required, typed

if TYPE_CHECKING:
    from marketplace.demo.play import Scene, Stage

PANEL = 40  # after everything else of the same instant
UNDER_REVIEW, INVITED, FIXED = "fleet-hydrogen", "test-mutual", "dispatch"
# Invented people of the pool without an account: they show why the draw leaves somebody out.
OTHERS = (
    ("闻人澈", "东湖智能交通研究所", "研究员，交通感知", ("iot", "living")),
    ("夏侯衍", "北辰建筑科学研究院", "教授级高工，结构监测", ("building",)),
    ("宇文岚", "海滨数据治理中心", "高级工程师，数据安全", ("computing", "infosec")),
    ("司徒朔", "西岭环境监测站", "正高级工程师，水质在线监测", ("iot",)),
    ("端木宁", "南屏康复医院", "主任技师，康复器械", ("health",)),
    ("皇甫野", "云台能源研究院", "研究员，储能安全", ("hydrogen",)),
)
REMARKS = {
    0: "关键环节只有原则性表述，没有对应现场条件的做法。",
    3: "做法具体到点位和岗位，数据可以复核，考虑周全。",
}


@dataclass(frozen=True, slots=True)
class Review:
    """The reviews of the story, played on a stage."""

    stage: Stage
    storage: Storage

    def scenes(self) -> Iterator[Scene]:
        parts = {key: part for key, part in story.parts().items() if key in (UNDER_REVIEW, INVITED, FIXED)}
        for key, act in ((UNDER_REVIEW, self._review), (INVITED, self._invited), (FIXED, self._pool_fixed)):
            if key in parts:
                day = parts[key].stations.get("reviewing", story.Moment(0)).day
                at = min(self.stage.at(story.Moment(day, "09:10")), self.stage.now - timedelta(minutes=20))
                yield self.stage.scene(at, PANEL, partial(act, self.stage.rows, key), key)

    def by(self, username: str) -> Actor:
        return self.stage.actor(username)

    # -- the pool ------------------------------------------------------------------------------------------------

    def _pool(self, at: datetime) -> None:
        """Everybody who may judge, and a few without an account, once."""
        known = set(db.session.scalars(select(Expert.email)))
        cards = [
            panels.Card(
                name=person.name,
                email=person.email,
                phone=person.phone,
                employer=person.employer,
                title=person.title,
                outside=person.outside,
                fields=tuple(person.fields),
            )
            for person in people().values()
            if "expert" in person.roles
        ]
        cards += [
            panels.Card(name=name, email=f"pool{number}@example.org", employer=employer, title=title, fields=fields)
            for number, (name, employer, title, fields) in enumerate(OTHERS, start=1)
        ]
        for card in cards:
            if card.email.lower() not in known:
                panels.add(card, actor=self.by("screener"), now=at)

    # -- panels ---------------------------------------------------------------------------------------------------

    def _fixed(self, demand: Demand, at: datetime) -> Panel:
        calendar = self.stage.calendar
        panel = panels.set_up(
            demand,
            size=5,
            share=Fraction(2, 3),
            fields=(),
            meets_on=beijing_day(at),
            score_by=close_of(calendar.add_working_days(beijing_day(at), 8)),
            actor=self.by("screener"),
            now=at,
        )
        panels.fix_pool(panel, actor=self.by("screener"), now=at)
        audit.write_pending(db.session())  # the draw needs a checkpoint after the pool's leaf
        return panel

    def _drawn(self, demand: Demand, at: datetime, *, first: str = "") -> Panel:
        """A seated draw. ``first``: somebody whom the story needs on the panel; the number is chosen accordingly."""
        panel = self._fixed(demand, at)
        made, newest = panel.draw, log.newest_checkpoint()
        assert made is not None
        assert newest is not None
        wanted = _key_of(first)
        for number in map(str, range(100_000 + demand.id, 101_000 + demand.id)):
            seed = rules.seed_of(demand=demand.ref, checkpoint_root=newest.root.hex(), number=number)
            if not wanted or wanted in rules.draw(made.as_pool, seed=seed).members:
                break
        panels.draw(panel, number=number, actor=self.by("supervisor"), now=at)
        return panel

    def _expert(self, seat: PanelSeat) -> Actor:
        user = db.session.get(User, seat.expert_account_id)
        assert user is not None
        return actor_of(user)

    def _sit(self, panel: Panel, at: datetime) -> None:
        for seat in panel.present_seats:
            if seat.state is SeatState.INVITED:
                panels.confirm(seat, actor=self._expert(seat), now=at)
            if seat.state is SeatState.CONFIRMED:
                service.declare(seat, conflicts=(), statement="", actor=self._expert(seat), now=at)

    def _pool_fixed(self, rows: Mapping[str, Demand], key: str, at: datetime) -> None:
        """The supervisor's draw is one act away."""
        if rows[key].state is State.OPENED:
            self._pool(at)
            self._fixed(rows[key], at)

    def _invited(self, rows: Mapping[str, Demand], key: str, at: datetime) -> None:
        """expert1 has to answer, another has still to declare."""
        if rows[key].state is not State.OPENED:
            return
        self._pool(at)
        panel = self._drawn(rows[key], at, first="expert1")
        for seat in panel.present_seats[:5]:
            if self._expert(seat).username != "expert1":
                panels.confirm(seat, actor=self._expert(seat), now=at)
        for seat in panel.present_seats[:5]:
            if seat.state is SeatState.CONFIRMED and seat.order % 2:
                service.declare(seat, conflicts=(), statement="", actor=self._expert(seat), now=at)

    def _decide_rest(self, demand: Demand) -> None:
        """Bids whose eligibility the story left open are found in order, with what was promised handed in."""
        for bid in bids.opened(demand):
            if bid.state is not BidState.OPENED:
                continue
            firm = next(
                user
                for user in self.stage.users.values()
                if user.organisation_id == bid.organisation_id and actor_of(user).has("bidder")
            )
            technical = bids.opened_fields(bid, "technical") or {}
            for promise in technical.get("eligibility", {}).get("promises", ()):
                eligibility.hand_in(
                    bid,
                    BytesIO(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"),
                    filename="补交材料.pdf",
                    document=promise["document"],
                    storage=self.storage,
                    scanner=None,
                    actor=actor_of(firm),
                    now=clock.site_now(),
                )
            checks = {str(check): {"verdict": str(Verdict.PASSED), "note": ""} for check in Check}
            officer = self.by("screener")
            eligibility.save_checks(bid, checks, seen_version=0, actor=officer, now=clock.site_now())
            eligibility.admit(bid, actor=officer, now=clock.site_now())

    # -- reviews --------------------------------------------------------------------------------------------------

    def _review(self, rows: Mapping[str, Demand], key: str, at: datetime) -> None:
        """Experts at work: expert1 has begun, others have handed in, one has recused and a substitute will declare."""
        demand = rows[key]
        if demand.state is not State.OPENED:
            return
        self._pool(at)
        self._decide_rest(demand)
        panel = self._drawn(demand, at, first="expert1")
        self._sit(panel, at)
        if demand.said.blind:
            row = scanning.scan(panel, storage=self.storage, actor=self.by("screener"), now=at)
            scanning.note(row, panel, text="逐份看过，图片中没有标志。", actor=self.by("screener"), now=at)
        service.start_review(demand, actor=self.by("publisher"), now=at)
        self._elect(panel, at)
        for seat in panel.counted_seats:
            sheets = list(db.session.scalars(queries.of_seat(seat)))
            if self._expert(seat).username == "expert1":
                self._begin(demand, sheets, at)
                continue
            for sheet in sheets:
                self._fill(demand, sheet, at)
            if seat.order % 2:
                service.hand_in_all(sheets, actor=self._expert(seat), now=at)
        self._leave(panel, at)

    def _elect(self, panel: Panel, at: datetime) -> None:
        choice = next(seat for seat in panel.counted_seats if seat.outside)
        for seat in panel.counted_seats[:3]:
            if panel.chair is None:
                panels.vote(seat, choice=choice, actor=self._expert(seat), now=at)

    def _begin(self, demand: Demand, sheets: Sequence[Sheet], at: datetime) -> None:
        """expert1 is at work: one sheet is done, the next half done."""
        for sheet in sheets[:1]:
            self._fill(demand, sheet, at)
        for sheet in sheets[1:2]:
            full = self._entry(demand, sheet)
            keys = list(full.scores)[:2]
            half = Entry({key: full.scores[key] for key in keys}, {}, full.proofs)
            service.save(sheet, half, serial=sheet.serial, actor=self._expert(sheet.seat), now=at)

    def _leave(self, panel: Panel, at: datetime) -> None:
        """One member finds a conflict; the substitute has taken the seat and has still to declare."""
        gone = next(
            seat for seat in panel.counted_seats if self._expert(seat).username != "expert1" and seat is not panel.chair
        )
        panels.recuse(gone, reason="想起曾与一家揭榜单位合作申报课题。", actor=self._expert(gone), now=at)
        for seat in panel.present_seats:
            if seat.state is SeatState.INVITED:
                panels.confirm(seat, actor=self._expert(seat), now=at)

    def _fill(self, demand: Demand, sheet: Sheet, at: datetime) -> None:
        entry = self._entry(demand, sheet)
        service.save(sheet, entry, serial=sheet.serial, actor=self._expert(sheet.seat), now=at)

    def _entry(self, demand: Demand, sheet: Sheet) -> Entry:
        """Scores about the bid's own quality, each expert a little apart; the same on every day."""
        firm = sheet.bid.organisation.slug
        quality = chance_of("quality", demand.title, firm).uniform(0.66, 0.9)
        own = chance_of("sheet", demand.title, firm, str(sheet.seat.order))
        scores, comments = {}, {}
        for item in typed(demand.said.score_sheet):
            share = min(0.99, max(0.5, quality + own.uniform(-0.05, 0.05)))
            score = (Decimal(str(round(share, 3))) * item.weight * 2).quantize(Decimal(1)) / 2
            scores[item.key] = score
            if comment_required(score, item.weight):
                comments[item.key] = REMARKS[3 if score > item.weight / 2 + item.weight / 5 else 0]
        technical = bids.opened_fields(sheet.bid, "technical") or {}
        rows = technical.get("technical", {}).get("responses", ())
        proofs = tuple(
            (rows[place].get("deviation") != "-") if place < len(rows) else False
            for place, _ in enumerate(demand.said.indicators)
        )
        return Entry(scores, comments, proofs)


def _key_of(username: str) -> str:
    key = db.session.scalar(select(Expert.key).join(User, User.id == Expert.user_id).where(User.username == username))
    return key or ""
