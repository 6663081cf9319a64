"""The scenes from the ranking on: report, notice, objection, award, the winners' answers, and what may follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of
from marketplace.awards import queries as award_queries
from marketplace.awards import service as awards
from marketplace.awards.models import Award
from marketplace.bids.models import Bid
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.demands.rules import Action
from marketplace.demo.content import people
from marketplace.notices import queries as notice_queries
from marketplace.notices import service as notices
from marketplace.notices.models import Objection
from marketplace.notices.rules.objections import ObjectionAction, Remedy
from marketplace.panels import service as panels
from marketplace.panels.models import PanelSeat
from marketplace.platform import clock
from marketplace.platform.policy import Actor
from marketplace.results import service as results
from marketplace.scoring import queries as sheets

if TYPE_CHECKING:
    from marketplace.demo.play import Stage


def who(seat: PanelSeat) -> Actor:
    """The person on a seat."""
    return actor_of(db.session.get_one(User, seat.expert_account_id))


@dataclass(frozen=True, slots=True)
class Decided:
    """What follows the ranking of a demand, by its key, played on a stage."""

    stage: Stage

    def report(self, key: str, at: datetime) -> None:
        self._report(self.stage.rows[key], "专家组按评分结果推荐候选单位，名次见上。")

    def _report(self, demand: Demand, conclusion: str) -> None:
        publisher = self.stage.actor("publisher")
        report = results.open_report(demand, conclusion=conclusion, actor=publisher, now=clock.site_now())
        panel = sheets.panel(demand.id)
        assert panel is not None
        for seat in sorted(panel.counted_seats, key=lambda item: (item.chaired_at is None, item.order)):
            dissent = "建议合同中写明试运行期的复测办法。" if seat.order == 3 else ""
            results.sign(report, dissent=dissent, actor=who(seat), now=clock.site_now())

    def announce(self, key: str, at: datetime) -> None:
        self.report(key, at)
        demand = self.stage.rows[key]
        proposal = awards.propose_announcement(
            demand, reason="评审报告已签署完毕。", actor=self.stage.actor("publisher"), now=clock.site_now()
        )
        demands.confirm(proposal, actor=self.stage.actor("publisher2"), now=clock.site_now())

    def object(self, key: str, at: datetime) -> None:
        """A bidder objects; the office has taken it up and not answered yet."""
        facts = "公示的第一名所引佐证材料第2页的测试日期晚于揭榜截止日，请核实该项指标是否应认定为已证实。"
        self._filed(key, facts, "请重新核对第一名的指标响应。")

    def uphold(self, key: str, at: datetime) -> None:
        """An objection that leaves nothing to award: one drafted the answer, another signed it."""
        facts = "需求单位已于上月自行建成同类系统并投入使用，本需求没有再实施的条件，附现场照片和启用通知。"
        row = self._filed(key, facts, "请求作废本次结果，并说明以后怎样避免。")
        answer = "经核实，需求单位确已通过其他渠道建成同类系统，本需求不再具备实施条件，异议成立，本次结果作废。"
        now = clock.site_now()
        notices.draft_answer(row, text=answer, actor=self.stage.actor("screener"), now=now)
        publisher = self.stage.actor("publisher")
        notices.decide(row, ObjectionAction.UPHOLD, remedy=Remedy.VOID, actor=publisher, now=now)

    def recuse(self, key: str, at: datetime) -> None:
        """During the window the supervisor learns of a conflict: the expert's sheets do not count any more."""
        panel = sheets.panel(self.stage.rows[key].id)
        assert panel is not None
        seat = next(seat for seat in panel.counted_seats if seat.chaired_at is None)
        reason = "公示期间查明其配偶在一家候选单位任职，申报时没有说明。"
        panels.order_recusal(seat, reason=reason, actor=self.stage.actor("supervisor"), now=clock.site_now())

    def _filed(self, key: str, facts: str, wish: str) -> Objection:
        """By the last of the candidates; accepted."""
        demand = self.stage.rows[key]
        notice = notice_queries.latest(demand.id)
        assert notice is not None
        candidates = notice.content["candidates"]
        bid = db.session.scalar(select(Bid).where(Bid.public_id == candidates[-1]["bid"]))
        assert bid is not None
        user = next(
            self.stage.users[person.username]
            for person in people().values()
            if person.org == bid.organisation.slug and "bidder" in person.roles
        )
        row, _ = notices.file_objection(
            notice,
            name=user.name,
            organisation=bid.organisation.name,
            email=user.email,
            phone=user.phone,
            facts=facts,
            wish=wish,
            actor=actor_of(user),
            now=clock.site_now(),
        )
        notices.accept(row, actor=self.stage.actor("screener"), now=clock.site_now())
        return row

    def award(self, key: str, at: datetime) -> None:
        demand = self.stage.rows[key]
        notice = notice_queries.latest(demand.id)
        assert notice is not None
        assert notice.ends_at is not None
        if clock.site_now() < notice.ends_at:
            clock.move_to(notice.ends_at + timedelta(minutes=1))
        proposal = awards.propose_award(
            demand, reason="公示期满，没有未办结的异议。", actor=self.stage.actor("publisher"), now=clock.site_now()
        )
        demands.confirm(proposal, actor=self.stage.actor("supervisor"), now=clock.site_now())

    def answer(self, key: str, at: datetime) -> None:
        """The first winner accepts, the second one declines: a substitute may move up."""
        for place, award in enumerate(award_queries.present(self.stage.rows[key].id)):
            user = self._speaks_for(award)
            if place == 0:
                awards.take_up(award, actor=actor_of(user), now=clock.site_now())
            else:
                reason = "主要技术人员近期离职，无力按期交付，特此放弃。"
                awards.decline(award, reason=reason, actor=actor_of(user), now=clock.site_now())

    def _speaks_for(self, award: Award) -> User:
        return next(
            self.stage.users[person.username]
            for person in people().values()
            if person.org == award.organisation.slug and "org_admin" in person.roles
        )

    def lapse(self, key: str, at: datetime) -> None:
        demand = self.stage.rows[key]
        self._report(demand, "没有标书达到合格线，建议流榜。")
        reason = "经评审，没有标书达到评分表写明的合格线。"
        publisher = self.stage.actor("publisher")
        payload = {"code": "none_qualified"}
        proposal = demands.propose(
            demand, Action.LAPSE, reason=reason, payload=payload, actor=publisher, now=clock.site_now()
        )
        demands.confirm(proposal, actor=self.stage.actor("publisher2"), now=clock.site_now())
