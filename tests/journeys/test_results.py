"""Whole roads from sealed bids to the award: what the office, the panel, winners and the public do, over the pages.

Sealing, opening and scoring themselves go through their services; everything after the lock is done in the browser's
way, by pages and forms, in the site's own time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.awards import queries as award_queries
from marketplace.bids import queries as bid_queries
from marketplace.bids.rules import BidState
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.eligibility import service as eligibility
from marketplace.eligibility.rules import Reason
from marketplace.notices import queries as notices
from marketplace.notices.models import Objection
from marketplace.panels.models import Expert
from marketplace.panels.service import scanning
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.results import queries, service
from marketplace.scoring import queries as scoring_queries
from marketplace.scoring import service as scoring
from tests.bids import making as opening
from tests.bids.contents import complete
from tests.client import Client
from tests.demands.conftest import Stage
from tests.demands.samples import content
from tests.panels import making

SignIn = Callable[[str], Client]


class Road:
    """One demand and the browsers of everybody concerned."""

    def __init__(self, demand: Demand, sign_in: SignIn, storage: LocalStorage) -> None:
        self.demand, self.sign_in, self.storage = demand, sign_in, storage

    @property
    def ref(self) -> str:
        assert self.demand.number is not None
        return self.demand.number

    def page(self, who: str, path: str) -> object:
        return self.sign_in(who).get(f"/demands/{self.ref}/{path}")

    def confirm(self, who: str) -> None:
        """The second person agrees, on his page."""
        db.session.refresh(self.demand)
        db.session.expire(self.demand, ["proposals"])
        proposal = self.demand.open_proposal
        assert proposal is not None
        page = self.sign_in(who).get(f"/demands/{self.ref}/proposals/{proposal.id}/decision")
        assert page.submit(answer="yes").status == 200
        db.session.refresh(self.demand)

    def report(self) -> None:
        """Opened by the office, signed by the chair, then by the others."""
        page = self.sign_in("publisher").get(f"/demands/{self.ref}/report")
        assert page.submit(conclusion="按名次推荐。").has("请组长先签署")
        panel = making.panel_of(self.demand)
        assert panel.chair is not None
        for seat in sorted(panel.counted_seats, key=lambda item: item.chaired_at is None):
            person = making.expert(seat)
            assert self.sign_in(person.username).get(f"/demands/{self.ref}/report").submit(dissent="").has("已签署")

    def announce(self) -> None:
        page = self.sign_in("publisher").get(f"/demands/{self.ref}/announcement")
        assert page.submit(reason="报告已签署。", text="").has("请另一人确认")
        self.confirm("publisher2")
        assert self.demand.state is State.NOTICE

    def after_window(self, place: int = 0) -> None:
        notice = notices.latest(self.demand.id, place=place)
        assert notice is not None
        assert notice.ends_at is not None
        clock.move_to(notice.ends_at + timedelta(hours=1))
        db.session.commit()

    def award(self) -> None:
        self.after_window()
        page = self.sign_in("publisher").get(f"/demands/{self.ref}/award")
        assert page.submit(reason="公示期满无异议。").has("请另一人确认")
        self.confirm("supervisor")
        assert self.demand.state is State.AWARDED

    def answer(self, who: str, place: int, answer: str, reason: str = "") -> None:
        award = award_queries.present(self.demand.id)[place - 1]
        page = self.sign_in(who).get(f"/awards/{award.id}").submit(answer=answer, reason=reason)
        assert page.status == 200, page.main

    def states(self) -> list[str]:
        return [str(item.state) for item in award_queries.present(self.demand.id)]


def elect(demand: Demand) -> None:
    """The panel elects its chair on the desk."""
    from marketplace.panels import service as panels

    panel = making.panel_of(demand)
    seats = panel.counted_seats
    choice = next(seat for seat in seats if seat.outside)
    for seat in seats:
        if making.panel_of(demand).chair is None:
            panels.vote(seat, choice=choice, actor=making.expert(seat), now=clock.site_now())
    db.session.commit()


def locked(stage: Stage, storage: LocalStorage, sign_in: SignIn, shares: tuple[str, ...], **changes: Any) -> Road:
    """Published with these terms, then as ``scored``."""
    return scored(stage.published(**changes), storage, sign_in, shares)


def scored(demand: Demand, storage: LocalStorage, sign_in: SignIn, shares: tuple[str, ...]) -> Road:
    """Bids of ``firm``, ``rival`` … sealed, opened, admitted, scored alike by all: bid n at ``shares[n]``."""
    usernames = opening.firms(len(shares))
    slugs = ["firm", "rival", *usernames[2:]][: len(shares)]
    opening.seal_all(demand, [complete(demand.said, slug) for slug in slugs], storage=storage)
    opening.close(demand)
    assert opening.open_stage(demand, storage=storage)
    if db.session.scalar(select(Expert.id).limit(1)) is None:
        making.pool()
    making.admit_all(demand)
    making.seat_members(making.drawn(demand))
    if demand.said.blind:
        panel = making.panel_of(demand)
        row = scanning.scan(panel, storage=storage, actor=making.actor("screener"), now=clock.site_now())
        scanning.note(row, panel, text="已逐份看过", actor=making.actor("screener"), now=clock.site_now())
    scoring.start_review(demand, actor=making.actor("publisher"), now=clock.site_now())
    db.session.commit()
    order = {opening.bid_of(demand, who).id: share for who, share in zip(usernames, shares, strict=True)}
    elect(demand)
    for seat in making.panel_of(demand).counted_seats:
        for sheet in making.sheets_of(seat):
            making.fill(sheet, making.entry(demand, order[sheet.bid_id], comment="证据充分，可以落地。"))
    making.hand_in_all(demand)
    assert queries.is_locked(demand.id)
    work()
    return Road(demand, sign_in, storage)


def work() -> None:
    """The worker reads on, within this test's transaction."""
    from marketplace.notices import telling
    from marketplace.platform.outbox.models import OutboxRow

    rows = list(db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
    telling.handle([row for row in rows if row.topic.startswith(telling.TOPICS)], clock.site_now())
    db.session.commit()


def test_blind_two_step_with_a_tie(stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client) -> None:
    road = locked(stage, storage, sign_in, ("0.85", "0.85", "0.7"), two_step=True, blind=True)
    demand = road.demand
    # Technical sheets are locked; the worker has called for the prices, which nobody has seen yet.
    assert queries.latest(demand.id) is None
    page = road.sign_in("publisher").get(f"/demands/{road.ref}/review")
    assert page.has("等待保管人开启报价封套")
    assert road.sign_in("publisher").get(f"/demands/{road.ref}/ranking").has("还没有排名")
    assert opening.open_stage(demand, storage=storage, stage=OpeningStage.PRICE)
    work()
    last = queries.latest(demand.id)
    assert last is not None
    assert [len(group) for group in last.undecided] == [2], "equal in everything"
    page = road.sign_in("supervisor").get(f"/demands/{road.ref}/ranking/draw")
    assert page.submit(number="20261127").has("抽签已完成")
    expert = making.expert(making.panel_of(demand).counted_seats[0]).username
    blind = road.sign_in(expert).get(f"/demands/{road.ref}/ranking")
    assert blind.has("同分，抽签决定")
    for bid in bid_queries.opened(demand):
        assert bid.organisation.name not in blind.text
    road.report()
    road.announce()
    notice = notices.latest(demand.id)
    assert notice is not None
    public = visitor.get(f"/notices/{notice.id}")
    assert public.has("现场数字20261127")
    assert public.has("同分，抽签决定")
    road.award()
    winner = award_queries.present(demand.id)[0].bid
    who = "bidder" if winner.id == opening.bid_of(demand, "bidder").id else "rival"
    road.answer(who, 1, "yes")
    db.session.refresh(winner)
    assert winner.state is BidState.AWARDED
    assert service.replay(queries.with_lines(queries.latest(demand.id).id)).same  # type: ignore[union-attr, arg-type]


def test_racing_with_two_winners_of_whom_one_declines(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    road = locked(stage, storage, sign_in, ("0.9", "0.85", "0.8", "0.75"), award_count=2)
    road.report()
    road.announce()
    road.award()
    road.answer("bidder", 1, "yes")
    road.answer("rival", 2, "no", "产能不足，不能按期交付。")
    fell = award_queries.present(road.demand.id)[1]
    page = road.sign_in("publisher").get(f"/awards/{fell.id}/substitution")
    assert page.submit(reason="第二名放弃。").has("请监督员确认")
    road.confirm("supervisor")
    place = f"/notices/{award_queries.present(road.demand.id)[1].notice_id}/award"
    road.after_window(place=2)
    assert road.sign_in("publisher").get(place).submit().status == 200
    assert road.sign_in("publisher2").get(place).submit().status == 200
    road.answer("firm3", 2, "yes")
    assert [award.organisation.slug for award in award_queries.present(road.demand.id)] == ["firm", "firm3"]
    assert road.states() == ["confirmed", "confirmed"]


def test_the_only_bidder_declines_and_the_demand_lapses(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    road = locked(stage, storage, sign_in, ("0.9",))
    road.report()
    road.announce()
    road.award()
    road.answer("bidder", 1, "no", "主要人员离职，无力承担。")
    db.session.refresh(road.demand)
    assert road.demand.state is State.LAPSED


def test_all_rejected_then_published_again_and_awarded(
    stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client
) -> None:
    demand = opening.opened(stage, [complete(content(), "firm"), complete(content(), "rival")], storage=storage)
    screener = making.actor("screener")
    for bid in bid_queries.opened(demand):
        text = "没有提交要求的资质证明。"
        eligibility.reject(bid, reason=Reason.UNQUALIFIED, text=text, actor=screener, now=clock.site_now())
    db.session.commit()
    road = Road(demand, sign_in, storage)
    page = sign_in("publisher").get(f"/demands/{road.ref}/proposal")
    page.submit(action="lapse", reason="没有资格合格的标书。")
    road.confirm("publisher2")
    assert demand.state is State.LAPSED
    page = sign_in("publisher").get(f"/demands/{road.ref}/republication")
    page.submit(changed="放宽资质要求。")
    new = db.session.scalar(select(Demand).where(Demand.origin_id == demand.id))
    assert new is not None
    assert new.origin_kind == "republish"
    listed(new)
    again = scored(new, storage, sign_in, ("0.9", "0.8"))
    again.report()
    again.announce()
    again.award()
    again.answer("bidder", 1, "yes")
    assert again.states() == ["confirmed"]
    assert visitor.get("/notices?state=standing").has(again.demand.title)


def listed(demand: Demand) -> None:
    """The unit mends the draft, the office screens, pools and lists it, at the present instant."""
    stage = Stage(clock.site_now())
    at = stage.now
    words = replace(demand.said, deliver_by=(at + timedelta(days=300)).date(), conditions="具备运行维护能力。")
    demands.save(demand, words, seen_version=demand.lock_version, actor=stage.actor("drafter"), now=at)
    demands.submit(demand, actor=stage.actor("approver"), now=at)
    demands.begin_screening(demand, actor=stage.actor("screener"), now=at)
    demands.appraise(demand, actor=stage.actor("screener"), now=at)
    passed = {"passed": True, "by": "科创局", "text": "未发现排除限制竞争内容"}
    reviews = {"fair_competition": passed, "secrecy": passed}
    demands.pool(demand, reviews=reviews, actor=stage.actor("publisher"), now=at)
    demands.post_batch(
        stage.batch(),
        [demand],
        visible_from=None,
        deadlines=demands.first_deadlines([demand], visible_from=at),
        custody="1-of-1",
        custodians=[],
        document_number="",
        actor=stage.actor("publisher"),
        now=at,
    )
    db.session.commit()


def test_an_upheld_objection_leads_to_another_review_and_another_winner(
    stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client
) -> None:
    road = locked(stage, storage, sign_in, ("0.9", "0.8"))
    demand = road.demand
    road.report()
    road.announce()
    notice = notices.latest(demand.id)
    assert notice is not None
    about = opening.bid_of(demand, "bidder").public_id
    told = {"name": "赵川", "phone": "13800001234", "email": "rival@example.test", "about": about}
    facts = "检测报告编号在机构网站上查不到，机构书面答复没有出具过这份报告。"
    page = sign_in("rival").get(f"/notices/{notice.id}/objections/new").submit(**told, facts=facts)
    assert page.has("已提出"), page.main
    row = db.session.scalar(select(Objection).where(Objection.demand_id == demand.id))
    assert row is not None
    work_page = f"/desk/objections/{row.public_id}"
    sign_in("screener").get(work_page).submit(act="accept")
    sign_in("screener").get(work_page).submit(act="draft", text="经核实，报告确系伪造，异议成立，重新评审。")
    sign_in("publisher").get(work_page).submit(act="uphold", remedy="re_review")
    assert sign_in("publisher").get(f"/demands/{road.ref}/award").submit(reason="公示期满。").status in (403, 409, 422)
    page = sign_in("publisher").get(f"{work_page}/remedy")
    page.submit(reason="检测报告系伪造。", code="Z-11", out="y", rescore="y")
    road.confirm("supervisor")
    assert demand.state is State.REVIEWING
    assert visitor.get(f"/notices/{notice.id}").has("已撤销")
    for seat in making.panel_of(demand).counted_seats:
        for sheet in db.session.scalars(scoring_queries.of_seat(seat)):
            making.fill(sheet, making.entry(demand, "0.8", comment="证据充分，可以落地。"))
    for seat in making.panel_of(demand).counted_seats:
        own = list(db.session.scalars(scoring_queries.of_seat(seat)))
        scoring.hand_in_all(own, actor=making.expert(seat), now=clock.site_now())
    db.session.commit()
    work()
    assert [item.number for item in queries.rankings(demand.id)] == [2, 1], "another ranking; the first one stays"
    road.report()
    road.announce()
    road.award()
    road.answer("rival", 1, "yes")
    assert [award.organisation.slug for award in award_queries.present(demand.id)] == ["rival"]


def test_a_recusal_during_the_notice_stops_the_award_until_a_substitute_has_scored(
    stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client
) -> None:
    road = locked(stage, storage, sign_in, ("0.9", "0.8"))
    demand = road.demand
    road.report()
    road.announce()
    notice = notices.latest(demand.id)
    assert notice is not None
    stays, gone = [seat for seat in making.panel_of(demand).counted_seats if seat.chaired_at is None][:2]
    page = sign_in(making.expert(stays).username).get(f"/review/{road.ref}/abstention").submit(reason="临时出差。")
    assert page.status == 403
    assert page.has("评分已锁定，不能弃权")
    sign_in("supervisor").get(f"/panels/{road.ref}/seats/{gone.id}/recusal").submit(reason="其配偶在第一名任职。")
    called = [seat for seat in making.panel_of(demand).present_seats if seat.state == "invited"]
    assert called == [], "there is nothing to score yet"
    road.after_window()
    page = sign_in("publisher").get(f"/demands/{road.ref}/award").submit(reason="公示期满无异议。")
    assert page.status == 409
    assert page.has("请先提出重新评审")
    desk = sign_in("publisher").get("/desk")
    assert desk.has("公示后专家回避")
    assert not desk.has("公示期满，定榜")
    again = sign_in("publisher").get(f"/demands/{road.ref}/re-review")
    assert again.has(gone.expert.name)
    again.submit(reason="一名专家因利害关系回避。")
    road.confirm("supervisor")
    assert demand.state is State.REVIEWING
    assert visitor.get(f"/notices/{notice.id}").has("已撤销")
    making.seat_members(making.panel_of(demand))
    (joined,) = [seat for seat in making.panel_of(demand).counted_seats if seat.called_at > notice.published_at]
    for sheet in making.sheets_of(joined):
        making.fill(sheet, making.entry(demand, "0.85", comment="证据充分，可以落地。"))
    scoring.hand_in_all(making.sheets_of(joined), actor=making.expert(joined), now=clock.site_now())
    db.session.commit()
    work()
    last = queries.latest(demand.id)
    assert last is not None
    assert last.number == 2
    counted = {seat.expert.key for seat in making.panel_of(demand).counted_seats}
    assert set(json.loads(last.record)["experts"]) == counted
    assert gone.expert.key not in counted
    road.report()
    road.announce()
    road.award()
    road.answer("bidder", 1, "yes")
    assert road.states() == ["confirmed"]
