"""From the signed report to the end: announce, object, award, take up, substitute, review again, void, lapse."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.awards import queries as award_queries
from marketplace.awards import service as awards
from marketplace.awards.models import Award
from marketplace.awards.rules import AwardState
from marketplace.bids.rules import BidState
from marketplace.demands import service as demands
from marketplace.demands.models import DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.notices import queries, service
from marketplace.notices.models import Letter, Notice, Objection
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import ObjectionAction, ObjectionState
from marketplace.platform import clock
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results import service as result_service
from tests.demands.conftest import Stage
from tests.results.making import Review, actor

FACTS = "第一名的检测报告编号在检测机构网站上查不到，附截图和机构的书面答复。"
ANSWER = "经向检测机构核实，该报告编号不存在，异议成立。"


def states(review: Review) -> list[str]:
    for bid in review.bids:
        db.session.refresh(bid)
    return [str(bid.state) for bid in review.bids]


def file(review: Review, notice: Notice, *, who: Actor | None = None, **more: Any) -> tuple[Objection, str]:
    told: dict[str, Any] = {
        "name": "赵川",
        "organisation": "中原云图信息技术有限公司",
        "email": "rival@example.test",
        "phone": "13800001234",
        "facts": FACTS,
    }
    return service.file_objection(notice, **(told | more), actor=who or actor("rival"), now=review.now)


def answered(
    review: Review, objection: Objection, action: ObjectionAction, *, remedy: str = "", accept: bool = True
) -> None:
    """Accepted, drafted by the screener, signed by a publisher."""
    if accept:
        service.accept(objection, actor=actor("screener"), now=review.now)
    service.draft_answer(objection, text=ANSWER, actor=actor("screener2"), now=review.now)
    service.decide(objection, action, remedy=remedy, actor=actor("publisher"), now=review.now)


def confirm(proposal: DemandProposal, review: Review, who: str = "supervisor") -> None:
    demands.confirm(proposal, actor=actor(who), now=review.now)
    db.session.commit()


def test_announcing_publishes_nominates_and_writes_to_everybody(review: Review) -> None:
    notice = review.announced()
    assert (review.demand.state, notice.state) == (State.NOTICE, NoticeState.PUBLISHED)
    assert notice.number == "榜示〔2026〕1号"
    assert notice.log_seq is not None
    content = notice.content
    assert [item["proposed"] for item in content["candidates"]] == [True, False, False]
    assert content["candidates"][0]["name"] == "河洛智感科技有限公司"
    assert content["ranking"]["hash"] == results.latest(review.demand.id).hash  # type: ignore[union-attr]
    assert states(review) == ["candidate", "candidate", "candidate"]
    (award,) = award_queries.of_demand(review.demand.id)
    assert (award.place, award.state, award.bid_id) == (1, AwardState.NOTICED, review.bids[0].id)
    letters = queries.letters_of(review.demand.id)
    assert sorted(item.content["outcome"] for item in letters) == ["candidate", "candidate", "proposed"]
    lines = letters[0].content["lines"]
    assert {"own", "median", "comments"} <= set(lines[0])
    assert all("专家" not in text for item in letters for line in item.content["lines"] for text in line["comments"])


def test_announcing_needs_a_signed_report_two_people_and_not_the_screener(review: Review) -> None:
    review.score_all()
    with pytest.raises(Forbidden, match="评审报告尚未签署"):
        review.propose_announcement()
    db.session.rollback()
    review.sign_all()
    proposal = review.propose_announcement()
    with pytest.raises(Forbidden):
        demands.confirm(proposal, actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        demands.confirm(proposal, actor=actor("screener"), now=review.now)
    demands.refuse_proposal(proposal, reason="理由部分再核对一下。", actor=actor("publisher2"), now=review.now)
    (notice,) = db.session.scalars(select(Notice).where(Notice.demand_id == review.demand.id))
    assert (notice.state, review.demand.state) == (NoticeState.DROPPED, State.REVIEWING)
    assert notice.published_at is None


def test_a_ranking_that_changed_in_between_is_not_announced(review: Review) -> None:
    review.score_all()
    review.sign_all()
    proposal = review.propose_announcement()
    out = result_service.propose_out(
        review.demand, review.bids[0], code="Z-11", reason="检测报告系伪造。", actor=actor("publisher"), now=review.now
    )
    result_service.confirm_out(out, review.demand, actor=actor("supervisor"), now=review.now)
    with pytest.raises(Refused, match="新的版本"):
        demands.confirm(proposal, actor=actor("publisher2"), now=review.now)


def test_an_award_waits_for_the_window_and_for_every_objection(review: Review) -> None:
    notice = review.announced()
    assert notice.ends_at is not None
    with pytest.raises(Forbidden, match="公示期未满"):
        awards.propose_award(review.demand, reason="定榜", actor=actor("publisher"), now=review.now)
    objection, token = file(review, notice)
    assert token == "", "with an account no link is needed"
    review.now = notice.ends_at
    with pytest.raises(Forbidden, match="异议未答复"):
        awards.propose_award(review.demand, reason="定榜", actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden, match="公示期内"):
        file(review, notice)
    answered(review, objection, ObjectionAction.DISMISS)
    assert objection.state is ObjectionState.DISMISSED
    proposal = awards.propose_award(review.demand, reason="期满", actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        demands.confirm(proposal, actor=actor("publisher"), now=review.now)
    confirm(proposal, review, "publisher2")
    (award,) = award_queries.of_demand(review.demand.id)
    assert (review.demand.state, award.state) == (State.AWARDED, AwardState.CONFIRMED)
    assert notice.state is NoticeState.STANDING
    assert award.take_up_ends_at is not None


def test_an_objection_filed_after_the_proposal_still_freezes(review: Review) -> None:
    notice = review.announced()
    assert notice.ends_at is not None
    objection, _ = file(review, notice)
    service.withdraw(objection, actor=actor("rival"), now=review.now)
    review.now = notice.ends_at
    proposal = awards.propose_award(review.demand, reason="期满", actor=actor("publisher"), now=review.now)
    answered_one, _ = file_late(review, notice)
    with pytest.raises(Refused, match="未办结"):
        demands.confirm(proposal, actor=actor("publisher2"), now=review.now)
    assert answered_one.state is ObjectionState.FILED


def file_late(review: Review, notice: Notice) -> tuple[Objection, str]:
    """As if it had been filed a minute before the window closed and was committed a minute after."""
    assert notice.ends_at is not None
    before, review.now = review.now, notice.ends_at - timedelta(minutes=1)
    filed = file(review, notice)
    review.now = before
    return filed


def test_an_answer_needs_two_people_words_and_a_remedy(review: Review) -> None:
    objection, _ = file(review, review.announced())
    with pytest.raises(Refused, match="拟写答复"):
        service.decide(objection, ObjectionAction.REFUSE, actor=actor("publisher"), now=review.now)
    service.accept(objection, actor=actor("screener"), now=review.now)
    service.draft_answer(objection, text=ANSWER, actor=actor("publisher"), now=review.now)
    with pytest.raises(Invalid, match="怎样处理"):
        service.decide(objection, ObjectionAction.UPHOLD, actor=actor("publisher2"), now=review.now)
    with pytest.raises(Forbidden, match="一人拟写、另一人签发"):
        service.decide(objection, ObjectionAction.DISMISS, actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        service.decide(objection, ObjectionAction.DISMISS, actor=actor("screener"), now=review.now)
    with pytest.raises(Invalid, match="不少于"):
        file(review, objection.notice, facts="不公平。")


def test_an_escalation_freezes_again_and_the_supervisor_decides(review: Review) -> None:
    notice = review.announced()
    objection, _ = file(review, notice)
    answered(review, objection, ObjectionAction.DISMISS)
    with pytest.raises(Forbidden):
        service.escalate(objection, reason="答复没有回应检测编号的问题。", actor=actor("bidder"), now=review.now)
    service.escalate(objection, reason="答复没有回应检测编号的问题。", actor=actor("rival"), now=review.now)
    assert queries.open_objections(review.demand.id) == 1
    with pytest.raises(Forbidden):
        service.final_decision(objection, upheld=False, answer="维持。" * 6, actor=actor("publisher"), now=review.now)
    service.final_decision(
        objection, upheld=False, answer="经复核，原答复依据充分，维持。", actor=actor("supervisor"), now=review.now
    )
    assert objection.state is ObjectionState.MAINTAINED
    assert queries.open_objections(review.demand.id) == 0


def test_an_objector_without_account_has_a_link_of_his_own(review: Review) -> None:
    objection, token = file(review, review.announced(), who=Actor())
    link = queries.objector_by_link(Actor(), objection, token)
    service.withdraw(objection, actor=link, now=review.now)
    assert objection.state is ObjectionState.WITHDRAWN
    other, _ = file(review, objection.notice, who=Actor())
    with pytest.raises(Forbidden):
        service.withdraw(other, actor=queries.objector_by_link(Actor(), other, "wrong"), now=review.now)
    with pytest.raises(Forbidden):
        service.withdraw(other, actor=Actor(), now=review.now)


def test_an_upheld_objection_disqualifies_and_ranks_again(review: Review) -> None:
    notice = review.announced()
    objection, _ = file(review, notice, about=review.bids[0])
    answered(review, objection, ObjectionAction.UPHOLD, remedy="substitute")
    assert queries.open_objections(review.demand.id) == 1, "frozen until the remedy is done"
    proposal = awards.propose_remedy(
        objection,
        out=True,
        rescore=False,
        code="Z-11",
        reason="检测报告不实，取消资格。",
        actor=actor("publisher"),
        now=review.now,
    )
    with pytest.raises(Forbidden):
        demands.confirm(proposal, actor=actor("publisher2"), now=review.now)
    confirm(proposal, review)
    assert review.demand.state is State.REVIEWING
    assert (notice.state, notice.reason) == (NoticeState.REVOKED, "检测报告不实，取消资格。")
    assert states(review) == ["void", "eligible", "eligible"]
    assert [str(item.state) for item in award_queries.of_demand(review.demand.id)] == ["void"]
    assert queries.open_objections(review.demand.id) == 0
    again = review.announced()
    assert again.id != notice.id
    assert again.number == "榜示〔2026〕2号"
    assert again.content["candidates"][0]["name"] == "中原云图信息技术有限公司"
    assert again.content["counts"]["disqualified"] == ["Z-11"]


def test_an_upheld_objection_may_lead_to_scoring_again(review: Review) -> None:
    notice = review.announced()
    objection, _ = file(review, notice)
    answered(review, objection, ObjectionAction.UPHOLD, remedy="re_review")
    proposal = awards.propose_remedy(
        objection, out=False, rescore=True, reason="评分口径有误，重新评分。", actor=actor("publisher"), now=review.now
    )
    confirm(proposal, review)
    db.session.refresh(review.panel)
    assert review.panel.review_round == 2
    assert not results.is_locked(review.demand.id)
    ranking = review.score_all({0: D("0.7"), 1: D("0.95"), 2: D("0.8")})
    assert ranking is not None
    assert (ranking.number, ranking.round) == (2, 2)
    assert ranking.lines[0].bid_id == review.bids[1].id
    assert review.announced().content["candidates"][0]["name"] == "中原云图信息技术有限公司"


def test_an_upheld_objection_may_void_the_result(review: Review) -> None:
    notice = review.announced()
    objection, _ = file(review, notice)
    answered(review, objection, ObjectionAction.UPHOLD, remedy="void")
    confirm(
        awards.propose_remedy(
            objection, out=False, rescore=False, reason="评分表有重大缺陷。", actor=actor("publisher"), now=review.now
        ),
        review,
    )
    assert review.demand.state is State.LAPSED
    assert notice.state is NoticeState.REVOKED
    newest = {item.bid_id: item.content for item in queries.letters_of(review.demand.id)}
    assert all(item["lapsed"] for item in newest.values())


def test_a_winner_takes_up_in_time_and_only_its_own_admin(review: Review) -> None:
    review.awarded()
    (award,) = award_queries.of_demand(review.demand.id)
    for who in ("bidder_member", "rival", "publisher"):
        with pytest.raises(Forbidden):
            awards.take_up(award, actor=actor(who), now=review.now)
    awards.take_up(award, actor=actor("bidder"), now=review.now)
    assert review.bids[0].state is BidState.AWARDED
    with pytest.raises(Forbidden, match="已经接受"):
        awards.take_up(award, actor=actor("bidder"), now=review.now)


def test_a_declined_award_is_filled_by_a_notice_of_its_own(review: Review) -> None:
    first = review.awarded()
    (award,) = award_queries.of_demand(review.demand.id)
    with pytest.raises(Invalid):
        awards.decline(award, reason="不", actor=actor("bidder"), now=review.now)
    awards.decline(award, reason="产能不足，不能按期交付。", actor=actor("bidder"), now=review.now)
    assert review.demand.state is State.AWARDED
    proposal = awards.propose_substitute(award, reason="第一名放弃。", actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        demands.confirm(proposal, actor=actor("publisher2"), now=review.now)
    confirm(proposal, review)
    second = award_queries.present(review.demand.id)[0]
    assert (second.bid_id, second.state, second.replaces_id) == (review.bids[1].id, AwardState.NOTICED, award.id)
    notice = second.notice
    assert (notice.place, notice.content["kind"], first.state) == (1, "substitute", NoticeState.STANDING)
    with pytest.raises(Forbidden, match="公示期未满"):
        awards.propose_substitute_award(notice, actor=actor("publisher"), now=review.now)
    assert notice.ends_at is not None
    review.now = notice.ends_at
    awards.propose_substitute_award(notice, actor=actor("publisher"), now=review.now)
    with pytest.raises(Forbidden):
        awards.confirm_substitute_award(notice, actor=actor("publisher"), now=review.now)
    awards.confirm_substitute_award(notice, actor=actor("publisher2"), now=review.now)
    awards.take_up(second, actor=actor("rival"), now=review.now)
    assert states(review) == ["declined", "awarded", "candidate"]


def test_an_objection_to_a_substitute_leaves_the_other_award_alone(stage: Stage) -> None:
    review = Review(stage, bids=3, award_count=2)
    review.awarded()
    one, two = award_queries.present(review.demand.id)
    awards.take_up(one, actor=actor("bidder"), now=review.now)
    awards.decline(two, reason="产能不足，不能按期交付。", actor=actor("rival"), now=review.now)
    confirm(awards.propose_substitute(two, reason="第二名放弃。", actor=actor("publisher"), now=review.now), review)
    third = award_queries.present(review.demand.id)[1]
    objection, _ = file(review, third.notice, about=review.bids[2])
    answered(review, objection, ObjectionAction.UPHOLD, remedy="substitute")
    confirm(
        awards.propose_remedy(
            objection,
            out=True,
            rescore=False,
            code="Z-14",
            reason="与需求单位有关联。",
            actor=actor("publisher"),
            now=review.now,
        ),
        review,
    )
    db.session.refresh(one)
    assert [str(item.state) for item in award_queries.present(review.demand.id)] == ["confirmed", "void"]
    assert review.demand.state is State.AWARDED, "one award lives"
    assert states(review) == ["awarded", "declined", "void"]


def test_silence_counts_as_declining_and_the_last_one_ends_the_demand(stage: Stage) -> None:
    review = Review(stage, bids=1)
    review.awarded()
    (award,) = award_queries.of_demand(review.demand.id)
    assert award.take_up_ends_at is not None
    assert awards.expire_due(award.take_up_ends_at - timedelta(seconds=1)) == 0
    review.now = award.take_up_ends_at
    clock.move_to(review.now)  # a lapse is decided by the database's clock
    assert awards.expire_due(review.now) == 1
    assert (award.state, award.code) == (AwardState.DECLINED, "expired")
    assert review.demand.state is State.LAPSED
    assert awards.expire_due(review.now) == 0


def test_racing_awards_two(stage: Stage) -> None:
    review = Review(stage, bids=4, award_count=2)
    notice = review.awarded()
    assert [item["proposed"] for item in notice.content["candidates"]] == [True, True, False, False]
    one, two = award_queries.present(review.demand.id)
    awards.take_up(one, actor=actor("bidder"), now=review.now)
    awards.take_up(two, actor=actor("rival"), now=review.now)
    assert states(review)[:2] == ["awarded", "awarded"]


def test_nobody_over_the_line_is_no_notice_but_a_lapse_with_letters(review: Review) -> None:
    review.score_all({0: D("0.2"), 1: D("0.2"), 2: D("0.2")}, proved=False)
    review.sign_all()
    with pytest.raises(Refused, match="流榜"):
        review.propose_announcement()
    proposal = demands.propose(
        review.demand,
        Action.LAPSE,
        reason="没有达到合格线的标书。",
        payload={"code": "none_qualified"},
        actor=actor("publisher"),
        now=review.now,
    )
    confirm(proposal, review, "publisher2")
    assert review.demand.state is State.LAPSED
    assert states(review) == ["closed", "closed", "closed"]
    letters = db.session.scalars(select(Letter).where(Letter.demand_id == review.demand.id)).all()
    assert {item.content["outcome"] for item in letters} == {"veto_failed"}


def test_numbers_of_notices_are_gapless(stage: Stage) -> None:
    numbers = [Review(stage, bids=1).announced().sequence for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_awards_of_a_demand_are_counted(review: Review) -> None:
    review.awarded()
    assert len(db.session.scalars(select(Award).where(Award.demand_id == review.demand.id)).all()) == 1
    assert award_queries.contracted(review.demand.id) == 0
