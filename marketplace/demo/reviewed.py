"""The scenes from eligibility to the award: what officers, experts, publishers, the supervisor and winners do.

``PLANS`` says for each demand how far its story goes; the days are the stations of its part. Everything goes through
the services, so that each page of a review, a notice, an objection and an award can be looked at at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.awards import service as awards
from marketplace.bids import queries as bids
from marketplace.bids.content import technical_from
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.demands.models import Demand
from marketplace.demo.bidding import chance_of
from marketplace.demo.content import people, story
from marketplace.demo.content.story import Part
from marketplace.demo.decided import Decided, who
from marketplace.eligibility import service as eligibility
from marketplace.eligibility.models import EligibilityReview
from marketplace.eligibility.rules import Check, Reason
from marketplace.panels import service as panels
from marketplace.panels.models import Expert
from marketplace.panels.service import scanning
from marketplace.platform import clock
from marketplace.platform.audit.service import write_pending
from marketplace.platform.policy import Actor
from marketplace.platform.rendering import Paper, Text, pdf
from marketplace.platform.working_days import beijing_day
from marketplace.results import service as results
from marketplace.scoring import queries as sheets
from marketplace.scoring import service as scoring
from marketplace.scoring.models import Sheet
from marketplace.scoring.rules.sheets import Entry, typed

if TYPE_CHECKING:
    from marketplace.demo.play import Scene, Stage

JUDGE, SCORE, ANNOUNCE, OBJECT, AWARD, TAKE = range(30, 36)
CUSTODIANS = ("custodian1", "custodian2")
PRAISE = (
    "有可核验的数据支撑，做法与现场条件对得上。",
    "逐项给了测量方法和留存记录，出现偏差时有退路。",
    "人员和工时写得实在，关键岗位有替补。",
    "分阶段上线的安排稳妥，不影响现有业务。",
    "成本口径清楚，需求单位可以自行复算。",
)
DOUBT = (
    "关键环节只有原则性表述，缺少可核验的安排。",
    "所引页码只能说明在别处做过，不能说明本场景可行。",
    "没有说明与现有系统怎样衔接。",
    "工期偏紧，没有给出延期时的处置。",
    "费用只给总数，看不出依据。",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How far one demand goes, as ``ENDS`` names it: each leaves another act of the transition table one step away.

    ``share``: what a middling bid gets of each criterion; days override the part's stations.
    """

    ends: str
    share: Decimal = Decimal("0.82")
    days: dict[str, int] = field(default_factory=dict)


# What each end stands right before, and the state in which it stands.
ENDS: dict[str, str] = {
    "ready": "opened",  # before the review's beginning: all is decided, the panel has declared
    "calling": "reviewing",  # before the opening of the prices: all technical sheets are locked
    "ranked": "reviewing",  # before the report
    "signed": "reviewing",  # before the notice
    "notice": "notice",  # within the window
    "recused": "notice",  # before a re-review: an expert was recused after the announcement
    "objected": "notice",  # before the answer to an objection
    "upheld": "notice",  # before the result is voided, as the answer to an objection says
    "over": "notice",  # before the award
    "awarded": "awarded",  # before the winner's answer
    "declined": "awarded",  # before a substitute
    "lapsed": "lapsed",
}
PLANS: dict[str, Plan] = {
    "park-twin": Plan("ready", days={"reviewing": -2}),
    "low-altitude": Plan("calling", days={"reviewing": -6}),
    "packaging-pilot": Plan("ranked"),
    "fire-water": Plan("signed", days={"reviewing": -8}),
    "school-water": Plan("recused", days={"reviewing": -16, "notice": -3}),
    "bridge": Plan("objected"),
    "market-test": Plan("upheld"),
    "shelter-stock": Plan("over"),
    "heat-balance": Plan("awarded", days={"reviewing": -24, "notice": -12, "awarded": -1}),
    "blind-nav": Plan("declined", days={"reviewing": -25, "notice": -14, "awarded": -5}),
    "meter-line": Plan("lapsed", share=Decimal("0.42"), days={"reviewing": -116, "lapsed": -105}),
}


@dataclass(frozen=True, slots=True)
class Play:
    """The reviews of the story, played on a stage."""

    stage: Stage

    def scenes(self) -> Iterator[Scene]:
        """In the order of the stations; what is to come after today is not played."""
        awards.install()
        for key, plan in PLANS.items():
            part = story.parts().get(key)
            if part is not None and "opened" in part.stations:
                yield from self._road(part, plan)

    def _at(self, part: Part, plan: Plan, station: str, default: int, time: str = "10:30") -> datetime:
        day = plan.days.get(station, part.stations[station].day if station in part.stations else default)
        return self.stage.at(story.Moment(day, time), rolled=True)

    def _road(self, part: Part, plan: Plan) -> Iterator[Scene]:
        scene, key = self.stage.scene, part.demand
        opened = self.stage.bids.after_deadline(key, part.stations["opened"])
        begins = max(self._at(part, plan, "reviewing", -9), opened + timedelta(days=1))
        begins = min(begins, self.stage.now - timedelta(minutes=50))
        checked = min(opened + timedelta(hours=3), begins - timedelta(minutes=10))
        yield scene(checked, JUDGE, partial(self._check, key), key)
        yield scene(begins, JUDGE, partial(self._begin, key, plan), key)
        if plan.ends == "ready":
            return
        scored = min(begins + timedelta(hours=4), self.stage.now - timedelta(minutes=40))
        yield scene(scored, SCORE, partial(self._score, key, plan), key)
        if plan.ends in ("calling", "ranked"):
            return
        then = Decided(self.stage)
        if plan.ends == "lapsed":
            lapsed = max(self._at(part, plan, "lapsed", -5), begins + timedelta(days=1))
            yield scene(lapsed, AWARD, partial(then.lapse, key), key)
            return
        noticed = max(self._at(part, plan, "notice", -4), begins + timedelta(hours=6))
        noticed = min(noticed, self.stage.now - timedelta(minutes=30))
        if plan.ends == "signed":
            yield scene(noticed, ANNOUNCE, partial(then.report, key), key)
            return
        yield scene(noticed, ANNOUNCE, partial(then.announce, key), key)
        later = noticed + timedelta(days=1, hours=3)
        if plan.ends == "recused":
            yield scene(min(later, self.stage.now - timedelta(minutes=20)), OBJECT, partial(then.recuse, key), key)
        if plan.ends == "objected":
            yield scene(self.stage.at(story.Moment(-1, "15:20")), OBJECT, partial(then.object, key), key)
        if plan.ends == "upheld":
            yield scene(later, OBJECT, partial(then.uphold, key), key)
        if plan.ends in ("awarded", "declined"):
            awarded = max(self._at(part, plan, "awarded", -1), noticed + timedelta(days=1))
            yield scene(awarded, AWARD, partial(then.award, key), key)
        if plan.ends == "declined":
            answered = self._at(part, plan, "awarded", -1, "16:00") + timedelta(days=1)
            yield scene(answered, TAKE, partial(then.answer, key), key)

    # -- eligibility, panel, review ------------------------------------------------------------------------------

    def _check(self, key: str, at: datetime) -> None:
        """Every bid checked; who promised a document for a day that has passed is found ineligible."""
        for bid in bids.opened(self.stage.rows[key]):
            if bid.state is not BidState.OPENED:
                continue  # decided elsewhere in the story
            self._admit(bid, self.stage.actor("screener"))

    def _begin(self, key: str, plan: Plan, at: datetime) -> None:
        """The panel drawn and declared, the review begun, unless the plan ends right before."""
        demand = self.stage.rows[key]
        screener = self.stage.actor("screener")
        self._pool()
        panel = panels.set_up(
            demand,
            size=5,
            share=Fraction(2, 3),
            fields=(),
            meets_on=beijing_day(clock.site_now()),
            score_by=clock.site_now() + timedelta(days=7),
            actor=screener,
            now=clock.site_now(),
        )
        panels.fix_pool(panel, actor=screener, now=clock.site_now())
        write_pending(db.session())  # the pool's leaf and a checkpoint after it
        number = str(chance_of("draw", key).randrange(10_000, 99_999_999))
        panels.draw(panel, number=number, actor=self.stage.actor("supervisor"), now=clock.site_now())
        for seat in panel.present_seats:
            if seat.is_sitting:
                panels.confirm(seat, actor=who(seat), now=clock.site_now())
                scoring.declare(seat, conflicts=(), statement="", actor=who(seat), now=clock.site_now())
        choice = next(seat for seat in panel.counted_seats if seat.outside)
        for seat in panel.counted_seats:
            if panel.chair is None:
                panels.vote(seat, choice=choice, actor=who(seat), now=clock.site_now())
        if demand.said.blind:
            row = scanning.scan(panel, storage=self.stage.bids.desk.storage, actor=screener, now=clock.site_now())
            scanning.note(row, panel, text="已逐份看过，没有须遮盖的内容。", actor=screener, now=clock.site_now())
        if plan.ends != "ready":
            scoring.start_review(demand, actor=self.stage.actor("publisher"), now=clock.site_now())

    def _admit(self, bid: Bid, screener: Actor) -> None:
        """Promised documents are handed in, the checklist is in order, the bid is admitted."""
        fields = bids.opened_fields(bid, "technical") or {}
        user = next(
            self.stage.users[person.username]
            for person in people().values()
            if person.org == bid.organisation.slug and "bidder" in person.roles
        )
        promises = technical_from(fields).eligibility.promises
        today = beijing_day(clock.site_now())
        if any(promise.due_on is not None and promise.due_on < today for promise in promises):
            text = "承诺补交的材料到期未交。"
            eligibility.reject(bid, reason=Reason.PROMISE_UNMET, text=text, actor=screener, now=clock.site_now())
            return
        for promise in promises:
            data = pdf(
                Paper(
                    "sheet",
                    "补交材料",
                    clock.site_now(),
                    blocks=(Text("本件为演示用的补交材料。"),),
                    watermark="演示数据",
                )
            )
            eligibility.hand_in(
                bid,
                BytesIO(data),
                filename="补交材料.pdf",
                document=promise.document,
                storage=self.stage.bids.desk.storage,
                scanner=None,
                actor=actor_of(user),
                now=clock.site_now(),
            )
        review = db.session.get(EligibilityReview, bid.id)
        checks = {str(check): {"verdict": "passed", "note": ""} for check in Check}
        seen = review.version if review is not None else 0
        eligibility.save_checks(bid, checks, seen_version=seen, actor=screener, now=clock.site_now())
        eligibility.admit(bid, text="材料齐全，符合揭榜条件。", actor=screener, now=clock.site_now())

    def _pool(self) -> None:
        """The demo's experts stand in the pool, each with his account."""
        known = set(db.session.scalars(select(Expert.email)))
        for person in people().values():
            if "expert" in person.roles and person.email.lower() not in known:
                card = panels.Card(
                    name=person.name,
                    email=person.email,
                    employer=person.employer,
                    phone=person.phone,
                    title=person.title,
                    outside=person.outside,
                    fields=tuple(person.fields),
                )
                panels.add(card, actor=self.stage.actor("screener"), now=clock.site_now())
        panels.link_accounts(now=clock.site_now())

    def _score(self, key: str, plan: Plan, at: datetime) -> None:
        """Every sheet filled and handed in, what is flagged confirmed; two-step prices opened; the ranking."""
        demand = self.stage.rows[key]
        panel = sheets.panel(demand.id)
        assert panel is not None
        for seat in panel.counted_seats:
            mine = list(db.session.scalars(sheets.of_seat(seat)))
            for sheet in mine:
                scoring.save(
                    sheet,
                    self._entry(demand, sheet, plan),
                    serial=sheet.serial,
                    actor=who(seat),
                    now=clock.site_now(),
                )
            scoring.hand_in_all(mine, actor=who(seat), now=clock.site_now())
        for sheet in sheets.that_count(demand.id):
            if sheet.state == "flagged":
                words = "复核了所引页码，维持原分。"
                scoring.confirm(sheet, reason=words, actor=who(sheet.seat), now=clock.site_now())
        results.proceed(demand, now=clock.site_now())
        if demand.said.two_step and plan.ends != "calling":
            for name in CUSTODIANS:
                self.stage.bids.desk.release(demand, self.stage.users[name], stage=OpeningStage.PRICE)
            from marketplace.bids.service import open_now

            open_now(demand, stage=OpeningStage.PRICE, storage=self.stage.bids.desk.storage)
            results.proceed(demand, now=clock.site_now())

    @staticmethod
    def _entry(demand: Demand, sheet: Sheet, plan: Plan) -> Entry:
        """A mood for the bid, a little of each expert's own; words where they must be."""
        bid = chance_of("mood", str(demand.number), str(sheet.bid_id))
        own = chance_of("score", str(demand.number), str(sheet.bid_id), str(sheet.seat_id))
        level = plan.share + Decimal(bid.randrange(-6, 11)) / 100
        scores, comments = {}, {}
        for item in typed(demand.said.score_sheet):
            share = min(Decimal("0.97"), max(Decimal("0.2"), level + Decimal(own.randrange(-5, 6)) / 100))
            scores[item.key] = (item.weight * share).quantize(Decimal("0.1"))
            if own.random() < 0.35 or not Decimal("0.61") < scores[item.key] / item.weight < Decimal("0.89"):
                comments[item.key] = own.choice(PRAISE if share > Decimal("0.7") else DOUBT)
        sound = plan.share > Decimal("0.6")
        return Entry(scores, comments, tuple(sound or own.random() < 0.4 for _ in demand.said.indicators))
