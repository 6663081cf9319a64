"""What follows from an upheld objection, or from an award that may not stand: review again, substitute, or void.

A publisher proposes the remedy that the answer named, the supervisor confirms it; then the notice is revoked in public,
awards and bids go where the rules send them, and the objections count as remedied.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.awards import queries
from marketplace.awards.models import Award
from marketplace.awards.rules import ENDED, AwardAction
from marketplace.awards.service.deciding import MACHINE, _advance, lock
from marketplace.bids import service as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidAction, BidState
from marketplace.demands import service as demands
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.notices import queries as notice_queries
from marketplace.notices import service as notices
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import ObjectionState, Remedy
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.workflow import perform
from marketplace.results import queries as results
from marketplace.results import service as result_service
from marketplace.results.rules import Cause, Disqualification
from marketplace.scoring import service as scoring

REOPENED = (BidState.CANDIDATE, BidState.NOT_SELECTED, BidState.AWARDED)


def propose_remedy(
    objection: Objection,
    *,
    out: bool,
    rescore: bool,
    code: str = "",
    reason: str,
    actor: Actor,
    now: datetime,
) -> DemandProposal:
    """Propose what the upheld objection leads to. ``out``: the bid it is about is disqualified, by ``code``;
    ``rescore``: the panel scores again. A substitute's notice with its bid out leaves the other awards alone.
    """
    demand = objection.demand
    lock(demand)
    if objection.state is not ObjectionState.UPHELD or objection.remedied_at is not None:
        raise Refused("只有成立且尚未处理的异议才需要提出处理措施。")
    bid = objection.about_bid
    if objection.remedy is Remedy.SUBSTITUTE or out:
        if bid is None:
            raise Refused("这件异议没有指明候选单位，不能取消资格。")
        if code not in set(Disqualification):
            raise Invalid("请选择取消资格的原因。", fields={"code": "请选择原因"})
    out = out or objection.remedy is Remedy.SUBSTITUTE
    payload = {
        "objection": objection.id,
        "bid": bid.id if out and bid is not None else None,
        "code": code if out else "",
        "rescore": rescore,
    }
    if demand.state is State.AWARDED and objection.notice.place and objection.remedy is not Remedy.RE_REVIEW:
        payload["void"] = next(item.id for item in queries.of_notice(objection.notice))
        action = Action.SUBSTITUTE
    else:
        action = Action.VOID if objection.remedy is Remedy.VOID and demand.state is State.NOTICE else Action.RE_REVIEW
    return demands.propose(demand, action, reason=reason, actor=actor, now=now, payload=payload)


def propose_again(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> DemandProposal:
    """Propose to review again because the result rests on sheets that do not count any more: an expert was recused
    during the public notice. His substitute scores all bids, then the ranking is made anew.
    """
    lock(demand)
    if demand.state not in (State.NOTICE, State.AWARDED) or not results.counted_no_more(demand.id):
        raise Refused(
            "只有公示之后有专家退出、所评分数不再计入时，才这样重新评审；异议成立的，请在异议办理页提出处理措施。"
        )
    if queries.contracted(demand.id):
        raise Refused("已有中榜项目签约，不能重新评审。")
    if waiting := notice_queries.open_objections(demand.id):
        raise Refused(f"还有{waiting}件异议未办结，请先办结；异议成立的，在异议办理页提出处理措施。")
    payload = {"objection": None, "bid": None, "code": "", "rescore": False}
    return demands.propose(demand, Action.RE_REVIEW, reason=reason, actor=actor, now=now, payload=payload)


def re_review(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
    """Back to the review: notices revoked, awards void, all bids compete again but one that is put out.

    Scored anew in a new round, or ranked anew from the locked sheets, as soon as whoever took a seat meanwhile has
    scored too. Only while no award is contracted.
    """
    demand = proposal.demand
    lock(demand)
    if queries.contracted(demand.id):
        raise Refused("已有中榜项目签约，不能重新评审。")
    _advance(
        demand,
        Action.RE_REVIEW,
        actor=actor,
        now=now,
        reason=proposal.reason,
        rescore=bool(proposal.payload["rescore"]),
    )
    _undo(demand, proposal, actor=actor, now=now)
    for bid in _bids(demand, *REOPENED):
        bids.move(bid, BidAction.REOPEN, actor=SYSTEM, now=now, facts={"demand_id": demand.id})
    put_out(demand, proposal, actor=actor, now=now)
    notices.mark_remedied(demand.id, now=now)
    if proposal.payload["rescore"]:
        scoring.begin_round(demand, now=now)
        return
    scoring.resume_round(demand, now=now)
    if results.is_locked(demand.id):
        result_service.compute(demand, cause=Cause.RE_REVIEW, actor=actor, now=now, note=proposal.reason)


def _undo(demand: Demand, proposal: DemandProposal, *, actor: Actor, now: datetime) -> None:
    for notice in db.session.scalars(
        select(Notice).where(
            Notice.demand_id == demand.id, Notice.state.in_([NoticeState.PUBLISHED, NoticeState.STANDING])
        )
    ):
        notices.revoke(notice, reason=proposal.reason, now=now)
    for award in queries.of_demand(demand.id):
        if award.state not in ENDED:
            void_award(award, proposal, actor=actor, now=now)


def void_award(award: Award, proposal: DemandProposal, *, actor: Actor, now: datetime) -> None:
    """One award does not stand."""
    award.void_proposed_by_id = proposal.proposed_by_id
    award.has_cause_to_void = award.no_award_is_contracted = True
    facts = {"demand_id": award.demand_id, "place": award.place}
    perform(MACHINE, award, AwardAction.VOID, actor=actor, now=now, reason=proposal.reason, facts=facts)
    award.ended_at, award.reason, award.code = now, proposal.reason, "void"
    db.session.flush()


def _bids(demand: Demand, *states: BidState) -> list[Bid]:
    query = select(Bid).where(Bid.demand_id == demand.id, Bid.state.in_(states)).order_by(Bid.public_id)
    return list(db.session.scalars(query))


def put_out(demand: Demand, proposal: DemandProposal, *, actor: Actor, now: datetime) -> None:
    """The bid that the proposal names leaves the competition."""
    if (bid_id := proposal.payload.get("bid")) is None:
        return
    result_service.put_out(
        demand,
        db.session.get_one(Bid, int(bid_id)),
        code=Disqualification(proposal.payload["code"]),
        reason=proposal.reason,
        proposed_by_id=proposal.proposed_by_id,
        actor=actor,
        now=now,
    )


def void(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
    """The result does not stand and there will be none: the demand lapses, its notice says why."""
    demand = proposal.demand
    lock(demand)
    if queries.contracted(demand.id):
        raise Refused("已有中榜项目签约，不能作废。")
    _advance(demand, Action.VOID, actor=actor, now=now, reason=proposal.reason)
    demand.ended_at = now
    _undo(demand, proposal, actor=actor, now=now)
    for bid in _bids(demand, BidState.CANDIDATE):
        bids.move(bid, BidAction.VOID, actor=SYSTEM, now=now, reason=proposal.reason, facts={"demand_id": demand.id})
    notices.mark_remedied(demand.id, now=now)
    ranking = queries.ranking_of(demand.id)
    if ranking is not None:
        notices.send_letters(demand, ranking, notice=None, objections_until=now, actor=SYSTEM, now=now)
