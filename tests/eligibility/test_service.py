"""Eligibility on a real database: once, in time, with reasons, by nobody who takes part."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Affiliate, RoleAssignment
from marketplace.accounts.rules import Role
from marketplace.bids.content import Promise
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.rules import BidState
from marketplace.capabilities.content import Qualification
from marketplace.demands.models import Demand
from marketplace.eligibility import queries, service
from marketplace.eligibility.rules import Reason
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused, TooLate
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.models import OutboxRow
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings
from tests import factories
from tests.bids import making
from tests.bids.conftest import actor
from tests.capabilities.making import capability
from tests.eligibility.conftest import a_bid, later, work

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def by(who: str) -> dict[str, Any]:
    return {"actor": actor(who), "now": clock.site_now()}


def ask(bid: Bid, days: int = 5) -> Any:
    due = settings.calendar().add_working_days(beijing_day(clock.site_now()), days)
    return service.ask_cure(bid, text="请补交签章的承诺书，现附件缺少公章。", due_on=due, **by("screener"))


def hand_in(bid: Bid, storage: LocalStorage, who: str = "bidder", **more: Any) -> Any:
    return service.hand_in(
        bid, io.BytesIO(more.pop("data", PDF)), filename=more.pop("name", "承诺书.pdf"), storage=storage, scanner=None,
        **{**by(who), **more},
    )  # fmt: skip


def log_kinds(bid: Bid) -> list[str]:
    rows = db.session.scalars(select(AuditDetail).where(AuditDetail.subject == bid.audit_subject).order_by("seq"))
    return [row.kind for row in rows if not row.kind.startswith("sealed")]


def test_a_bid_is_admitted_after_its_checklist(bid: Bid) -> None:
    with pytest.raises(Refused, match="还有6项没有结论"):
        service.admit(bid, **by("screener"))
    work(bid, consortium="not_applicable")
    decision = service.admit(bid, **by("screener"))
    db.session.commit()
    assert (bid.state, decision.eligible, decision.reason) == (BidState.ELIGIBLE, True, "")
    assert queries.eligible(bid.demand) == [bid]
    assert log_kinds(bid)[-2:] == ["eligibility.check", "bid.admit"]
    entry = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "bid.admit")).one()
    assert entry.seq == decision.log_seq
    with pytest.raises(Refused, match="已经有结论"):
        service.admit(bid, **by("screener"))
    with pytest.raises(Refused, match="已经有结论"):
        work(bid, seen=1)


def test_a_defect_stands_in_the_way_and_names_itself(bid: Bid) -> None:
    work(bid, signatures="defect")
    with pytest.raises(Refused, match=r"签章与声明.*有问题"):
        service.admit(bid, **by("screener"))
    with pytest.raises(Invalid, match="请写明是什么问题"):
        service.save_checks(bid, {"credit": {"verdict": "defect", "note": " "}}, seen_version=1, **by("screener"))
    with pytest.raises(Invalid, match="不认识"):
        service.save_checks(bid, {"luck": {"verdict": "passed"}}, seen_version=1, **by("screener"))
    with pytest.raises(Conflict, match="别人刚刚保存"):
        work(bid)


def test_a_cure_is_asked_for_once_answered_once_and_in_time(bid: Bid, storage: LocalStorage) -> None:
    work(bid, signatures="defect")
    cure = ask(bid)
    assert bid.state is BidState.CURE
    with pytest.raises(Refused, match="只能一次"):
        ask(bid)
    with pytest.raises(Refused, match="期限还没有到"):
        service.reject(bid, reason=Reason.UNSIGNED, text="承诺书没有公章。", **by("screener"))
    file = hand_in(bid, storage)
    assert b"".join(storage.stream(file.stored_sha256)) != PDF
    assert queries.content(file, storage=storage) == PDF
    service.answer_cure(bid, text="已补签章的承诺书，见附件。", **by("bidder"))
    assert cure.answered_at is not None
    with pytest.raises(Refused, match="已经提交"):
        service.answer_cure(bid, text="再补充一次说明。", **by("bidder"))
    with pytest.raises(Refused, match="已经提交"):
        hand_in(bid, storage)
    work(bid, seen=1)
    service.admit(bid, **by("screener"))
    assert bid.state is BidState.ELIGIBLE


def test_a_late_cure_is_refused_with_both_instants_and_then_decided(bid: Bid, storage: LocalStorage) -> None:
    work(bid, signatures="defect")
    ask(bid, days=2)
    later(days=9)
    line = queries.worklist(clock.site_now())[0]
    assert (line.waiting, line.cures, line.overdue) == (2, 1, 1)
    for act in (
        lambda: service.answer_cure(bid, text="已补签章的承诺书。", **by("bidder")),
        lambda: hand_in(bid, storage),
    ):
        with pytest.raises(TooLate, match=r"到达 .*期限 .*17:00:00\.000"):
            act()
    decision = service.reject(bid, reason=Reason.NOT_CURED, text="期限内没有补交。", **by("screener"))
    assert (bid.state, decision.reason) == (BidState.INELIGIBLE, "not_cured")


@pytest.mark.parametrize("days", [0, 1, 16, 400])
def test_the_term_of_a_cure_is_bounded(bid: Bid, days: int) -> None:
    due = beijing_day(clock.site_now()) + timedelta(days=days + (14 if days == 16 else 0))
    with pytest.raises(Invalid, match="补正期限须为"):
        service.ask_cure(bid, text="请补交签章的承诺书。", due_on=due, **by("screener"))
    assert bid.state is BidState.OPENED


def test_reasons_must_be_true(bid: Bid) -> None:
    with pytest.raises(Invalid, match="具体理由须为"):
        service.reject(bid, reason=Reason.CREDIT, text="差", **by("screener"))
    with pytest.raises(Refused, match="没有要求过补正"):
        service.reject(bid, reason=Reason.NOT_CURED, text="没有补正过。", **by("screener"))
    with pytest.raises(Refused, match="没有逾期未补交"):
        service.reject(bid, reason=Reason.PROMISE_UNMET, text="没有补交材料。", **by("screener"))
    service.reject(bid, reason=Reason.CREDIT, text="列入失信被执行人名单，查询日期见附页。", **by("screener"))
    row = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "bid.reject")).one_or_none()
    db.session.commit()
    row = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "bid.reject")).one()
    assert row.facts == {"from": "opened", "to": "ineligible", "demand": bid.demand.number, "code": "credit"}
    assert row.data["reason"].startswith("信用状况不符合公布的要求。列入失信")


def promised(opened: Callable[..., Demand], days: int) -> Bid:
    due = beijing_day(clock.site_now()) + timedelta(days=days)
    demand = opened(a_bid(promises=(Promise("audit", "年度审计尚未完成", due),)), a_bid("rival"))
    return making.bid_of(demand, "bidder")


def test_a_promise_met_in_time_lets_the_bid_pass(opened: Callable[..., Demand], storage: LocalStorage) -> None:
    bid = promised(opened, 60)
    work(bid)
    with pytest.raises(Refused, match="还没有补交"):
        service.admit(bid, **by("screener"))
    with pytest.raises(Refused, match="没有承诺补交"):
        hand_in(bid, storage, document="credit")
    hand_in(bid, storage, document="audit", name="审计报告.pdf")
    with pytest.raises(Refused, match="已经补交"):
        hand_in(bid, storage, document="audit")
    assert [(item.label, item.state(clock.site_now())) for item in queries.promises(bid)] == [
        ("上年度财务审计报告或报表", "met")
    ]
    service.admit(bid, **by("screener"))
    assert bid.state is BidState.ELIGIBLE


@pytest.mark.parametrize("handed_in_late", [False, True])
def test_an_unmet_promise_makes_it_ineligible(
    opened: Callable[..., Demand], storage: LocalStorage, handed_in_late: bool
) -> None:
    bid = promised(opened, 1)  # over long before the opening
    work(bid)
    if handed_in_late:
        hand_in(bid, storage, document="audit")
    assert [item.state(clock.site_now()) for item in queries.promises(bid)] == ["late" if handed_in_late else "unmet"]
    with pytest.raises(Refused, match="没有按期兑现"):
        service.admit(bid, **by("screener"))
    service.reject(bid, reason=Reason.PROMISE_UNMET, text="审计报告没有按期补交。", **by("screener"))
    assert bid.state is BidState.INELIGIBLE


@pytest.mark.parametrize("at", ["firm", "unit"])
def test_who_takes_part_does_not_decide(bid: Bid, at: str) -> None:
    screener = factories.person("screener")
    db.session.add(
        RoleAssignment(
            user=screener,
            organisation=factories.organisation(at),
            role=Role.BIDDER if at == "firm" else Role.DRAFTER,
            granted_at=factories.LONG_AGO,
            in_force_at=factories.LONG_AGO,
        )
    )
    db.session.flush()
    for act in (
        lambda: work(bid),
        lambda: ask(bid),
        lambda: service.admit(bid, **by("screener")),
        lambda: service.reject(bid, reason=Reason.CREDIT, text="信用记录不符。", **by("screener")),
    ):
        with pytest.raises(Forbidden, match="应当回避"):
            act()
    work(bid, who="screener2")


@pytest.mark.parametrize("who", ["bidder", "rival", "publisher", "supervisor", "sysadmin", "secadmin", "drafter"])
def test_nobody_but_a_screener_decides(bid: Bid, who: str) -> None:
    for act in (
        lambda: work(bid, who=who),
        lambda: service.admit(bid, **by(who)),
        lambda: service.reject(bid, reason=Reason.CREDIT, text="信用记录不符。", **by(who)),
    ):
        with pytest.raises(Forbidden):
            act()
    assert bid.state is BidState.OPENED


def test_another_bidder_answers_nothing(bid: Bid, storage: LocalStorage) -> None:
    ask(bid)
    for act in (
        lambda: service.answer_cure(bid, text="替别人补正一下。", **by("rival")),
        lambda: hand_in(bid, storage, who="rival"),
        lambda: service.renounce(bid, text="替别人放弃。", **by("rival")),
    ):
        with pytest.raises(Forbidden, match="只有本揭榜单位"):
            act()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("承诺书.pdf", b"MZ\x90\x00" + b"x" * 100, "扩展名"),
        ("承诺书\u202efdp.exe", PDF, "改名"),
        ("病毒.exe", b"MZ", "可以上传"),
        ("空.pdf", b"", "空文件"),
    ],
)
def test_hostile_files_are_refused(bid: Bid, storage: LocalStorage, name: str, data: bytes, sentence: str) -> None:
    ask(bid)
    before = set(storage.hashes())
    with pytest.raises(Invalid, match=sentence):
        hand_in(bid, storage, name=name, data=data)
    assert set(storage.hashes()) == before
    assert queries.later_files(bid) == []


def test_a_file_of_an_open_cure_can_be_taken_back(bid: Bid, storage: LocalStorage) -> None:
    ask(bid)
    file = hand_in(bid, storage)
    service.remove_file(file, **by("bidder"))
    assert queries.later_files(bid) == []
    again = hand_in(bid, storage)
    assert again.part == 2  # a number is never used twice


def test_the_last_decision_wakes_the_publisher(demand: Demand, bid: Bid) -> None:
    rival = making.bid_of(demand, "rival")
    work(bid)
    service.admit(bid, **by("screener"))
    assert not queries.all_decided(demand)
    service.renounce(rival, text="产能不足，放弃揭榜。", **by("rival"))
    db.session.commit()
    assert queries.all_decided(demand)
    topics = db.session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id.desc()).limit(3)).all()
    assert set(topics) >= {"bid.renounce", "eligibility.decided"}
    assert rival.state is BidState.RENOUNCED


def test_signals_point_and_never_decide(opened: Callable[..., Demand]) -> None:
    """Same controller, affiliate of the unit, a code that cannot be one, one firm in two bids: all said, none decided."""
    unit, firm, rival = (factories.organisation(key) for key in ("unit", "firm", "rival"))
    for one in (firm, rival):
        one.controller_name, one.controller_code = "嵩岳控股集团", "91419999MA00000017"
    unit.affiliates = []
    db.session.flush()
    demand = opened(
        a_bid(credit_code="91419999MA0000001I"),
        a_bid("rival", partners=(("university", "40"),)),
        a_bid("firm3", partners=(("university", "30"),)) if making.firms(3) else None,
    )
    unit.affiliates = [Affiliate(credit_code=rival.credit_code, name=rival.name, relation="参股")]
    db.session.flush()
    bids = {name: making.bid_of(demand, name) for name in ("bidder", "rival", "firm3")}
    found = queries.all_signals(demand, list(bids.values()))
    codes = {name: {signal.code for signal in found[bid.public_id]} for name, bid in bids.items()}
    assert "credit_code" in codes["bidder"]
    assert {"affiliated_unit", "many_bids", "unconfirmed", "same_person", "same_file"} <= codes["rival"]
    assert {"many_bids", "same_representative", "same_phone", "same_email", "same_address"} <= codes["firm3"]
    assert {bid.state for bid in bids.values()} == {BidState.OPENED}
    texts = [signal.text for signal in found[bids["rival"].public_id] if signal.code == "affiliated_unit"]
    assert texts == [f"{rival.name}与需求单位{unit.name}登记为关联单位。"]


def test_mistakes_of_the_form_are_findings(opened: Callable[..., Demand]) -> None:
    demand = opened(a_bid(statements=("truth",), contact_phone="无"), a_bid("rival"))
    bid = making.bid_of(demand, "bidder")
    texts = [item.text for item in queries.all_signals(demand, [bid])[bid.public_id] if item.code == "finding"]
    assert any("保密承诺" in text for text in texts)
    assert any("联系电话的格式不对" in text for text in texts)
    assert bid.state is BidState.OPENED


def test_what_the_site_knows_is_held_against_the_bid(opened: Callable[..., Demand]) -> None:
    """A public certificate that had run out, a partner who confirmed and was left out, a statement that was not made."""
    now = clock.site_now()
    for state, name in (("listed", "检验检测资质"), ("submitted", "未公开的资质")):
        capability(state, now, qualifications=(Qualification(name, "T-2", beijing_day(now)),))
    factories.organisation("firm").legal_representative = "王建军"
    demand = opened(a_bid(statements=("truth", "secrecy", "independent")), a_bid("rival"))
    bid = making.bid_of(demand, "bidder")
    university = factories.organisation("university")
    db.session.add(BidMember(bid=bid, organisation=university, invited_at=now, confirmed_at=now))
    db.session.flush()
    db.session.expire(bid)
    found = queries.all_signals(demand, [bid])[bid.public_id]
    texts = {item.code: item.text for item in found}
    assert texts["expired"].startswith(f"{bid.organisation.name}在本站公布的“检验检测资质”有效期至{beijing_day(now)}")
    assert not any("未公开的资质" in item.text for item in found)
    assert texts["left_out"].startswith(f"{university.name}在本站确认参加这份揭榜")
    assert "近三年无重大违法记录" in texts["credit_statement"]
    assert "本站登记的是“王建军”" in texts["representative_differs"]


def test_the_price_of_a_two_step_demand_is_nobodys_to_know_yet(opened: Callable[..., Demand]) -> None:
    from marketplace.disclosure import Fact

    demand = opened(a_bid(), a_bid("rival"), two_step=True)
    for who in ("screener", "publisher", "supervisor"):
        assert queries.knows(Fact.TECHNICAL, actor(who), demand, clock.site_now())
        assert not queries.knows(Fact.PRICE, actor(who), demand, clock.site_now())
    assert queries.knows(Fact.EXCLUSION_REQUEST, actor("supervisor"), demand, clock.site_now())
    assert not queries.knows(Fact.EXCLUSION_REQUEST, actor("screener"), demand, clock.site_now())


def test_nothing_is_found_before_the_opening(stage: Any, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [a_bid(), a_bid("rival")], storage=storage)
    bid = making.bid_of(demand, "bidder")
    for who in ("screener", "publisher", "supervisor", "bidder", "rival"):
        asked = {"actor": actor(who), "now": clock.site_now()}
        assert queries.for_officer(public_id=bid.public_id, **asked) is None
        assert queries.for_bidder(public_id=bid.public_id, **asked) is None
        assert queries.demand_for_officer(ref=demand.ref, **asked) is None
    assert queries.worklist(clock.site_now()) == []
    assert queries.technical(bid) is None
    with pytest.raises(Refused):
        work(bid)
