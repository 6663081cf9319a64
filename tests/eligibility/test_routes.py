"""The pages of eligibility, as each person meets them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.eligibility import queries, service
from marketplace.eligibility.rules import Check
from marketplace.notifications.models import Message
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.service import drain
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings
from tests import factories
from tests.bids import making
from tests.bids.conftest import actor
from tests.client import Client
from tests.demands.conftest import Stage
from tests.eligibility.conftest import a_bid, later, work

SignIn = Callable[[str], Client]
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    """The application's own: the pages read what the tests sealed."""
    found: LocalStorage = app.extensions["storage"]
    return found


def everything_in_order() -> dict[str, str]:
    return {f"{check}_verdict": "passed" for check in Check}


def reads(bid: Bid) -> int:
    rows = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "bid.read"))
    return sum(row.subject == bid.audit_subject for row in rows)


def ask(bid: Bid) -> None:
    due = settings.calendar().add_working_days(beijing_day(clock.site_now()), 5)
    service.ask_cure(bid, text="请补交签章的承诺书。", due_on=due, actor=actor("screener"), now=clock.site_now())
    db.session.commit()


def test_the_screener_works_a_bid_from_list_to_decision(sign_in: SignIn, bid: Bid) -> None:
    screener = sign_in("screener")
    listed = screener.get("/desk/eligibility")
    assert listed.has("科学大道沿线路内泊位停车诱导")
    page = screener.get(f"/demands/{bid.demand.number}/eligibility")
    assert page.has("河洛智感科技有限公司")
    assert page.has("中原云图信息技术有限公司")
    page = screener.get(f"/bids/{bid.public_id}/eligibility")
    assert page.has("核对表还有6项没有结论")
    page = page.submit("/eligibility", **everything_in_order())
    assert page.has("核对表已保存")
    page = screener.get(f"/bids/{bid.public_id}/eligibility/admission").submit(text="材料齐全。")
    assert page.has("已判为资格合格")
    assert bid.state is BidState.ELIGIBLE
    page = screener.get(f"/bids/{bid.public_id}/eligibility")
    assert page.has("材料齐全。")
    assert not page.html.xpath("//a[contains(@href, 'admission')]")


def test_what_was_typed_stays_when_a_note_is_missing(sign_in: SignIn, bid: Bid) -> None:
    page = sign_in("screener").get(f"/bids/{bid.public_id}/eligibility")
    page = page.submit("/eligibility", credit_verdict="defect", signatures_verdict="passed", signatures_note="见第2页")
    assert page.status == 422
    assert page.has("请写明是什么问题")
    assert page.html.xpath("//input[@name='signatures_note']/@value") == ["见第2页"]
    assert queries.review_of(bid) is None


def test_two_screeners_do_not_overwrite_each_other(sign_in: SignIn, bid: Bid) -> None:
    page = sign_in("screener").get(f"/bids/{bid.public_id}/eligibility")
    work(bid, who="screener2")
    db.session.commit()
    page = page.submit("/eligibility", **everything_in_order())
    assert page.status == 409
    assert page.has("别人刚刚保存了这份核对表")


def test_refusing_needs_a_true_reason_and_says_it_to_the_bidder(sign_in: SignIn, bid: Bid) -> None:
    screener = sign_in("screener")
    form = screener.get(f"/bids/{bid.public_id}/eligibility/rejection")
    page = form.submit(reason="not_cured", text="没有补正材料。")
    assert page.status == 409
    assert page.has("没有要求过补正")
    assert "没有补正材料。" in page.text
    page = form.submit(reason="credit", text="列入失信被执行人名单，查询日期见附页。")
    assert page.has("已判为资格不合格")
    drain(clock.site_now(), only="eligibility")
    told = {row.user_id: row for row in db.session.scalars(select(Message).where(Message.title.contains("不合格")))}
    assert set(told) == {factories.person(name).id for name in ("bidder", "bidder_member")}
    assert "信用状况不符合公布的要求。列入失信" in next(iter(told.values())).text
    page = sign_in("bidder").get(f"/bids/{bid.public_id}/check")
    assert page.has("资格审查不合格")
    assert page.has("列入失信被执行人名单，查询日期见附页。")


def test_a_cure_from_request_to_answer(sign_in: SignIn, bid: Bid, storage: LocalStorage) -> None:
    screener, bidder = sign_in("screener"), sign_in("bidder")
    form = screener.get(f"/bids/{bid.public_id}/eligibility/cure")
    assert form.submit(text="补", due_on="2026-01-01").status == 422
    assert form.submit(text="请补交签章的承诺书。").has("已要求补正")
    drain(clock.site_now(), only="eligibility")
    assert (
        db.session.scalar(select(Message.url).where(Message.title.contains("需要补正")))
        == f"/bids/{bid.public_id}/check"
    )
    assert bidder.get("/desk").has("去补正")
    assert f"/bids/{bid.public_id}/check" in bidder.get(f"/bids/{bid.public_id}").links()
    page = bidder.get(f"/bids/{bid.public_id}/check")
    assert page.has("请补交签章的承诺书。")
    page = page.submit("/check/files", file=(io.BytesIO(PDF), "承诺书.pdf"))
    assert page.has("文件已补交")
    assert page.has("承诺书.pdf")
    file = queries.later_files(bid)[0]
    for who in (bidder, screener, sign_in("publisher")):
        assert who.http.get(f"/bids/{bid.public_id}/later/{file.key}").data == PDF
    for name in ("rival", "expert1", "drafter", "sysadmin"):
        assert sign_in(name).get(f"/bids/{bid.public_id}/later/{file.key}").status == 404
    page = page.submit("/removal")
    assert page.has("文件已取回")
    page.submit("/check/files", file=(io.BytesIO(PDF), "承诺书.pdf"))
    page = bidder.get(f"/bids/{bid.public_id}/check").submit("/check/answer", text="已补签章的承诺书，见附件。")
    assert page.has("补正已提交")
    assert not page.html.xpath("//form[contains(@action, '/check/')]")
    assert screener.get(f"/bids/{bid.public_id}/eligibility").has("已补签章的承诺书")
    assert screener.get(f"/demands/{bid.demand.number}/eligibility").has("已答复")


def test_bad_uploads_say_why_beside_their_field(sign_in: SignIn, bid: Bid) -> None:
    ask(bid)
    bidder = sign_in("bidder")
    page = bidder.get(f"/bids/{bid.public_id}/check").submit("/check/files", file=(io.BytesIO(b"MZ"), "病毒.exe"))
    assert page.status == 422
    assert page.html.xpath("//input[@type='file' and @aria-invalid]")
    page = bidder.get(f"/bids/{bid.public_id}/check").submit("/check/files", file=None)
    assert page.status == 422
    assert page.has("请选择要补交的文件")


def test_a_late_answer_is_410_with_both_instants(sign_in: SignIn, bid: Bid) -> None:
    ask(bid)
    bidder = sign_in("bidder")
    page = bidder.get(f"/bids/{bid.public_id}/check")
    later(days=9)
    db.session.commit()
    late = page.submit("/check/answer", text="已补签章的承诺书，见附件。")
    assert late.status == 410
    assert late.has("补正期限已过：到达")
    page = bidder.get(f"/bids/{bid.public_id}/check")
    assert page.has("期限已过，不能再补正")
    overdue = sign_in("screener")
    assert overdue.get("/desk/eligibility").has("逾期1份")
    assert overdue.get(f"/demands/{bid.demand.number}/eligibility").has("逾期未答复")


def test_the_content_of_a_bid_is_read_by_officers_and_each_reading_is_a_leaf(sign_in: SignIn, bid: Bid) -> None:
    screener = sign_in("screener")
    for _ in range(3):
        page = screener.get(f"/bids/{bid.public_id}/opened")
    for text in ("王建国", "双模互校", "320", "信用承诺", "里程碑", "技术方案.pdf"):
        assert page.has(text), text
    assert reads(bid) == 1
    sign_in("publisher").get(f"/bids/{bid.public_id}/opened")
    assert reads(bid) == 2
    later(hours=1)
    db.session.commit()
    screener.get(f"/bids/{bid.public_id}/opened")
    assert reads(bid) == 3
    file = bids.opened_files(bid)[0]
    answer = screener.http.get(f"/bids/{bid.public_id}/opened/{file.envelope}/{file.part}")
    assert answer.data == b"%PDF-1.7\n%%EOF\n"
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("application/octet-stream", "private, no-store")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_prices_and_exclusions_wait_for_their_time_and_person(sign_in: SignIn, opened: Callable[..., Demand]) -> None:
    from marketplace.bids.content import Exclusion

    asked = (Exclusion("person", "裘慎独", "曾任竞争对手的顾问，请予回避。"),)
    demand = opened(a_bid(exclusions=asked, total_fen=1_234_567_00), a_bid("rival"), two_step=True)
    bid = making.bid_of(demand, "bidder")
    url = f"/bids/{bid.public_id}/opened"
    for who in ("screener", "publisher"):
        page = sign_in(who).get(url)
        assert not page.has("裘慎独")
        assert page.has("报价封套仍密封")
        assert "123.4567" not in page.text
        assert sign_in(who).get(f"{url}/price/1").status == 404
    assert sign_in("supervisor").get(url).has("裘慎独")


PATHS = (
    "/bids/{bid}/eligibility",
    "/bids/{bid}/opened",
    "/bids/{bid}/opened/technical/1",
    "/bids/{bid}/eligibility/cure",
    "/bids/{bid}/eligibility/admission",
    "/bids/{bid}/eligibility/rejection",
    "/demands/{demand}/eligibility",
)


@pytest.mark.parametrize(
    "who", ["bidder", "rival", "drafter", "expert1", "finance", "custodian1", "sysadmin", "auditadmin"]
)
def test_others_find_nothing(sign_in: SignIn, bid: Bid, who: str) -> None:
    client = sign_in(who)
    for path in PATHS:
        assert client.get(path.format(bid=bid.public_id, demand=bid.demand.number)).status == 404, path
    assert client.get("/desk/eligibility").status == 403


def test_visitors_and_strangers(visitor: Client, sign_in: SignIn, bid: Bid) -> None:
    for path in (*PATHS, "/bids/{bid}/check"):
        assert visitor.get(path.format(bid=bid.public_id, demand=bid.demand.number)).status == 404
    assert visitor.get("/desk/eligibility").status == 302
    for who in ("rival", "screener", "drafter"):
        assert sign_in(who).get(f"/bids/{bid.public_id}/check").status == 404
    assert sign_in("bidder_member").get(f"/bids/{bid.public_id}/check").status == 200


@pytest.mark.parametrize("who", ["publisher", "supervisor"])
def test_those_who_only_look_are_told_so(sign_in: SignIn, bid: Bid, who: str) -> None:
    client = sign_in(who)
    page = client.get(f"/bids/{bid.public_id}/eligibility")
    assert page.has("只有受理员可以办理资格审查")
    assert page.submit("/eligibility", **everything_in_order()).status == 403
    assert client.get(f"/bids/{bid.public_id}/eligibility/admission").status == 403
    assert queries.review_of(bid) is None


def test_before_the_opening_there_is_no_such_page(stage: Any, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = making.sealed(stage, [a_bid(), a_bid("rival")], storage=storage)
    bid = making.bid_of(demand, "bidder")
    for who in ("screener", "publisher", "supervisor", "bidder", "rival"):
        client = sign_in(who)
        for path in (*PATHS, "/bids/{bid}/check"):
            assert client.get(path.format(bid=bid.public_id, demand=demand.number)).status == 404, (who, path)


def test_giving_up(sign_in: SignIn, bid: Bid) -> None:
    bidder = sign_in("bidder")
    page = bidder.get(f"/bids/{bid.public_id}/check/renunciation")
    assert page.submit(text="忙").status == 422
    assert page.submit(text="产能不足，放弃揭榜。").has("已放弃这次揭榜")
    assert bid.state is BidState.RENOUNCED


def test_no_eligible_bid_leads_to_a_lapse_by_two_people(sign_in: SignIn, demand: Demand) -> None:
    from marketplace.eligibility.rules import Reason

    for who in ("bidder", "rival"):
        one = making.bid_of(demand, who)
        service.reject(
            one, reason=Reason.CREDIT, text="信用记录不符合要求。", actor=actor("screener"), now=clock.site_now()
        )
    db.session.commit()
    drain(clock.site_now(), only="eligibility")
    assert db.session.scalar(select(Message.title).where(Message.title.contains("资格审查全部完成")))
    publisher = sign_in("publisher")
    page = publisher.get(f"/demands/{demand.number}/eligibility")
    assert page.has("没有合格的标书")
    page = publisher.get(f"/demands/{demand.number}/proposal").submit(action="lapse", reason="没有合格的标书。")
    demand = db.session.scalars(select(Demand).where(Demand.number == demand.number)).one()
    proposal = demand.open_proposal
    assert proposal is not None
    second = sign_in("publisher2").get(f"/demands/{demand.number}/proposals/{proposal.id}/decision")
    second.submit(answer="yes")
    assert str(demand.state) == "lapsed"


def test_lists_ask_the_same_number_of_questions(
    sign_in: SignIn, opened: Callable[..., Demand], count_queries: list[str], storage: LocalStorage
) -> None:
    few = opened(a_bid())
    many = making.opened(
        Stage(clock.site_now()),
        [a_bid(), *(a_bid("rival") for _ in range(5))],
        storage=storage,
        title="中原大道沿线路内泊位停车诱导",
    )
    screener = sign_in("screener")
    counts = []
    for demand in (few, many):
        screener.get(f"/demands/{demand.number}/eligibility")
        count_queries.clear()
        screener.get(f"/demands/{demand.number}/eligibility")
        counts.append(len(count_queries))
    assert counts[0] == counts[1]
    count_queries.clear()
    screener.get("/desk/eligibility")
    assert len(count_queries) <= 8
