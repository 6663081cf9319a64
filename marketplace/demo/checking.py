"""Eligibility under way in two opened demands: a cure that the demo's bidder can answer, one that ran out, a bid refused
with its reason, one admitted, the rest waiting for the screener.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from marketplace.bids import queries as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demo.content import story
from marketplace.demo.content.story import Moment
from marketplace.eligibility import queries, service
from marketplace.eligibility.rules import Check, Reason
from marketplace.platform import clock
from marketplace.platform.working_days import beijing_day

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace.demo.play import Scene, Stage

CHECK = 29  # after the opening of the same instant, before reviews
UNDER_WAY, RAN_OUT, OWN = "dispatch", "test-mutual", "chengguan"

ASKED = (
    "一、承诺书缺法定代表人签字，请补签后上传；\n"
    "二、信用报告的查询日期早于张榜日期，请重新下载；\n"
    "三、联系电话与登记不一致，请在补正说明中写明以哪个为准。"
)
FOUND = "信用报告显示该单位列入经营异常名录，截至审查当日尚未移出；本项目公布的揭榜条件要求无此记录。"


@dataclass(frozen=True, slots=True)
class Checks:
    """The screener's work on a stage."""

    stage: Stage

    def scenes(self) -> Iterator[Scene]:
        parts = story.parts()
        for key, day, act in (
            (RAN_OUT, -6, self._ask_in_vain),
            (UNDER_WAY, -3, self._decide_some),
            (UNDER_WAY, -1, self._ask_own),
        ):
            if key in parts and "opened" in parts[key].stations:
                opened = self.stage.bids.after_deadline(key, parts[key].stations["opened"])
                at = max(self.stage.at(Moment(day, "10:20")), opened + timedelta(minutes=20))
                yield self.stage.scene(min(at, self.stage.now - timedelta(minutes=2)), CHECK, partial(act, key), key)

    def _opened(self, key: str) -> list[Bid]:
        return [bid for bid in bids.opened(self.stage.rows[key]) if bid.state is BidState.OPENED]

    def _checked(self, bid: Bid, **defects: str) -> None:
        checks = {
            str(check): {"verdict": "defect" if check in defects else "passed", "note": defects.get(check, "")}
            for check in Check
        }
        service.save_checks(bid, checks, seen_version=0, actor=self.stage.actor("screener"), now=clock.site_now())

    def _ask(self, bid: Bid, text: str, working_days: int) -> None:
        due = self.stage.calendar.add_working_days(beijing_day(clock.site_now()), working_days)
        service.ask_cure(bid, text=text, due_on=due, actor=self.stage.actor("screener"), now=clock.site_now())

    def _ask_in_vain(self, key: str, at: datetime) -> None:
        """Two working days that pass without an answer: the screener sees it as overdue."""
        for bid in self._opened(key)[:1]:
            self._checked(bid, qualification="资质证明的有效期已过")
            self._ask(bid, "资质证明的有效期已过，请补交延续后的证书；无法补交的请说明原因。", 2)

    def _decide_some(self, key: str, at: datetime) -> None:
        """One refused with its reason; one without open promises admitted."""
        others = [bid for bid in self._opened(key) if bid.organisation.slug != OWN]
        screener = self.stage.actor("screener")
        for bid in others[-1:]:
            self._checked(bid, credit="信用报告显示列入经营异常名录")
            service.reject(bid, reason=Reason.CREDIT, text=FOUND, actor=screener, now=clock.site_now())
        for bid in [bid for bid in others[:-1] if not queries.promises(bid)][:1]:
            self._checked(bid)
            service.admit(bid, text="材料齐全，符合揭榜条件。", actor=screener, now=clock.site_now())

    def _ask_own(self, key: str, at: datetime) -> None:
        """The demo's bidder is asked for a cure and can answer it now."""
        for bid in self._opened(key):
            if bid.organisation.slug == OWN:
                self._checked(bid, signatures="承诺书缺法定代表人签字")
                self._ask(bid, ASKED, 5)
