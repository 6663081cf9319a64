"""Announcing, awarding and substituting: a publisher proposes, a second person confirms, and then all of it happens in
one transaction: demand, notice, awards, bids, letters.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace import db
from marketplace.awards import queries
from marketplace.awards.models import Award
from marketplace.awards.rules import (
    ACTION_LABELS,
    STATE_LABELS,
    TABLE,
    AwardAction,
    AwardState,
    DemandEnd,
    demand_end,
    take_up_ends_at,
)
from marketplace.bids import service as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidAction, BidState
from marketplace.demands import service as demands
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.demands.service import MACHINE as DEMAND
from marketplace.notices import queries as notice_queries
from marketplace.notices import service as notices
from marketplace.notices.models import Notice
from marketplace.notices.rules.notices import NoticeState
from marketplace.platform import audit
from marketplace.platform.errors import Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.workflow import Machine, perform
from marketplace.results import queries as results
from marketplace.settings import queries as settings

REST_LOST = (
    "公示期间有专家退出，所评分数不再计入，不能按这次的结果定榜。请先提出重新评审，由候补专家评完全部标书后再公示。"
)

MACHINE = Machine("award", TABLE, STATE_LABELS, ACTION_LABELS)


def lock(demand: Demand) -> None:
    """One decision at a time per demand."""
    db.session.execute(select(Demand.id).where(Demand.id == demand.id).with_for_update())


def _advance(demand: Demand, action: Action, *, actor: Actor, now: datetime, reason: str = "", **facts: Any) -> None:
    perform(DEMAND, demand, action, actor=actor, now=now, reason=reason, facts=facts)
    demand.updated_at = now
    db.session.flush()


# -- announce --------------------------------------------------------------------------------------------------------


def propose_announcement(demand: Demand, *, reason: str, text: str = "", actor: Actor, now: datetime) -> DemandProposal:
    """Prepare the notice of the ranking in force and ask a second person to publish it."""
    lock(demand)
    ranking = queries.ranking_of(demand.id)
    if demand.state is not State.REVIEWING or ranking is None:
        raise Refused("排名算出、评审报告签署之后才能公示。")
    if results.open_outs(demand.id) or results.open_mends(demand.id):
        raise Refused("还有取消资格或更正在等监督员处理，处理之后才能公示。")
    _require_current(demand)
    notice = notices.prepare(demand, ranking, text=text, actor=actor, now=now)
    payload = {"notice": notice.id, "ranking": ranking.hash}
    return demands.propose(demand, Action.ANNOUNCE, reason=reason, actor=actor, now=now, payload=payload)


def _require_current(demand: Demand) -> None:
    """A recusal after the ranking leaves a seat to fill: until the substitute has scored, there is nothing to announce."""
    if not results.is_current(demand):
        raise Refused("排名之后专家组有变动，递补的专家评完全部标书、重新计算排名并签署报告之后才能公示。")


def announce(proposal: DemandProposal, actor: Actor, now: datetime) -> Notice:
    """Publish what was proposed: the demand is in notice, candidates and the others are told, awards are noticed.

    Refused when a later ranking has replaced the one that was proposed.
    """
    demand = proposal.demand
    lock(demand)
    notice = db.session.get_one(Notice, int(proposal.payload["notice"]))
    ranking = queries.ranking_of(demand.id)
    if ranking is None or ranking.hash != notice.ranking.hash or ranking.id != notice.ranking_id:
        raise Refused("提议之后排名有了新的版本，请退回这项提议，按新的排名重新提出。")
    _require_current(demand)
    _advance(demand, Action.ANNOUNCE, actor=actor, now=now, ranking=ranking.hash, notice=notice.id)
    notices.publish(notice, actor=actor, now=now)
    shown = {item["bid"]: item["proposed"] for item in notice.content["candidates"]}
    under_review = db.session.scalars(
        select(Bid).where(Bid.demand_id == demand.id, Bid.state == BidState.ELIGIBLE).order_by(Bid.public_id)
    ).all()
    for bid in under_review:
        action = BidAction.NOMINATE if bid.public_id in shown else BidAction.PASS_OVER
        bids.move(bid, action, actor=SYSTEM, now=now, facts={"demand_id": demand.id})
    by_id = {bid.public_id: bid for bid in under_review}
    place = 0
    for item in notice.content["candidates"]:
        if item["proposed"]:
            place += 1
            _give(demand, by_id[item["bid"]], notice, place=place, actor=actor, now=now)
    assert notice.ends_at is not None
    notices.send_letters(demand, ranking, notice=notice, objections_until=notice.ends_at, actor=SYSTEM, now=now)
    return notice


def _give(
    demand: Demand,
    bid: Bid,
    notice: Notice,
    *,
    place: int,
    actor: Actor,
    now: datetime,
    replaces: Award | None = None,
) -> Award:
    award = Award(
        demand=demand,
        place=place,
        bid=bid,
        organisation_id=bid.organisation_id,
        notice=notice,
        replaces=replaces,
        proposed_at=now,
    )
    db.session.add(award)
    db.session.flush()
    facts = {"demand_id": demand.id, "place": place, "bid": bid.public_id}
    perform(MACHINE, award, AwardAction.NOTICE, actor=actor, now=now, facts=facts)
    db.session.flush()
    return award


def _not_announced(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
    notice = db.session.get(Notice, int(proposal.payload.get("notice", 0)))
    if notice is not None and notice.state is NoticeState.PROPOSED:
        notices.drop(notice, reason="第二人未同意", actor=actor, now=now)


# -- award -----------------------------------------------------------------------------------------------------------


def propose_award(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> DemandProposal:
    """The window is over, nothing is open: ask a second person to award what was announced."""
    lock(demand)
    notice = _noticed(demand)
    require("notice.propose_award", actor, notice_queries.fill_facts(notice), now)
    _require_counted(demand)
    proposal = demands.propose(
        demand,
        Action.AWARD,
        reason=reason,
        actor=actor,
        now=now,
        payload={"notice": notice.id, "sha256": notice.sha256},
    )
    notice.award_proposed_by_id, notice.award_proposed_at = actor.id, now
    db.session.flush()
    return proposal


def _noticed(demand: Demand) -> Notice:
    notice = notice_queries.latest(demand.id)
    if demand.state is not State.NOTICE or notice is None or notice.state is not NoticeState.PUBLISHED:
        raise Refused("公示期满后才能定榜。")
    return notice


def award(proposal: DemandProposal, actor: Actor, now: datetime) -> list[Award]:
    """Award: the notice stands, the winners have five working days to accept. Frozen while an objection is open."""
    demand = proposal.demand
    lock(demand)
    notice = _noticed(demand)
    if notice.id != proposal.payload.get("notice"):
        raise Refused("提议之后公示有了变化，请退回这项提议后重新提出。")
    given = [item for item in queries.of_notice(notice) if item.state is AwardState.NOTICED]
    _require_frozen_not(demand)
    _require_counted(demand)
    _advance(demand, Action.AWARD, actor=actor, now=now, notice=notice.id, sha256=notice.sha256)
    notices.stand(notice, actor=actor, now=now)
    for item in given:
        _confirm(item, actor=actor, now=now)
    return given


def _require_counted(demand: Demand) -> None:
    """Sheets of who was recused do not count (product.md §4): a result that rests on them is not awarded."""
    if results.counted_no_more(demand.id):
        raise Refused(REST_LOST)


def _require_frozen_not(demand: Demand) -> None:
    if count := notice_queries.open_objections(demand.id):
        raise Refused(f"还有{count}件异议未办结，暂不能定榜。")


def _confirm(item: Award, *, actor: Actor, now: datetime) -> None:
    item.has_no_open_objection = not notice_queries.open_objections(item.demand_id)
    ends_at = take_up_ends_at(now, settings.calendar())
    facts = {"demand_id": item.demand_id, "place": item.place, "until": audit.timestamp(ends_at)}
    perform(MACHINE, item, AwardAction.CONFIRM, actor=actor, now=now, facts=facts)
    item.confirmed_at, item.take_up_ends_at = now, ends_at
    db.session.flush()


def _award_refused(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
    notice = db.session.get(Notice, int(proposal.payload.get("notice", 0)))
    if notice is not None:
        notice.award_proposed_by_id = notice.award_proposed_at = None
        db.session.flush()


# -- substitute ------------------------------------------------------------------------------------------------------


def propose_substitute(award: Award, *, reason: str, actor: Actor, now: datetime) -> DemandProposal:
    """One award fell through: propose the next in line for its place."""
    demand = award.demand
    lock(demand)
    require("award.propose_substitute", actor, award, now)
    if award not in queries.vacant(demand.id):
        raise Refused("这一名次没有空缺，不需要递补。")
    line = queries.next_line(demand.id)
    if line is None:
        raise Refused("没有可以递补的候选单位。")
    payload = {"award": award.id, "bid": line.bid_id}
    return demands.propose(demand, Action.SUBSTITUTE, reason=reason, actor=actor, now=now, payload=payload)


def substitute(proposal: DemandProposal, actor: Actor, now: datetime) -> Award:
    """The supervisor confirms: a new notice of this place alone is published; the other awards go on untouched."""
    demand = proposal.demand
    lock(demand)
    if "void" in proposal.payload:
        return _void_place(proposal, actor, now)
    fell = db.session.get_one(Award, int(proposal.payload["award"]))
    line, ranking = queries.next_line(demand.id), queries.ranking_of(demand.id)
    if (
        fell not in queries.vacant(demand.id)
        or line is None
        or line.bid_id != proposal.payload["bid"]
        or ranking is None
    ):
        raise Refused("提议之后情况有了变化，请退回这项提议后重新提出。")
    fell.substitute_proposed_by_id = proposal.proposed_by_id
    require("award.substitute", actor, fell, now)
    _advance(demand, Action.SUBSTITUTE, actor=actor, now=now, place=fell.place, bid=line.bid.public_id)
    if line.bid.state is BidState.NOT_SELECTED:
        bids.move(line.bid, BidAction.SUBSTITUTE, actor=SYSTEM, now=now, facts={"demand_id": demand.id})
    proposer = Actor(id=proposal.proposed_by_id, name=proposal.proposed_by.name)
    notice = notices.prepare(
        demand, ranking, text=proposal.reason, place=fell.place, line=line, actor=proposer, now=now
    )
    notices.publish(notice, actor=actor, now=now)
    assert notice.ends_at is not None
    notices.send_letters(
        demand, ranking, notice=notice, objections_until=notice.ends_at, actor=SYSTEM, now=now, only=line.bid
    )
    return _give(demand, line.bid, notice, place=fell.place, actor=actor, now=now, replaces=fell)


def _void_place(proposal: DemandProposal, actor: Actor, now: datetime) -> Award:
    """An objection to a substitute was upheld: this one award does not stand, the others go on untouched."""
    from marketplace.awards.service.undoing import put_out, void_award

    demand = proposal.demand
    fell = db.session.get_one(Award, int(proposal.payload["void"]))
    _advance(demand, Action.SUBSTITUTE, actor=actor, now=now, place=fell.place, void=fell.id)
    notices.revoke(fell.notice, reason=proposal.reason, now=now)
    void_award(fell, proposal, actor=actor, now=now)
    put_out(demand, proposal, actor=actor, now=now)
    notices.mark_remedied(demand.id, now=now)
    settle_end(demand, now=now)
    return fell


def propose_substitute_award(notice: Notice, *, actor: Actor, now: datetime) -> None:
    """The window of a substitute's notice is over: propose the award; a second person confirms it on the same page."""
    lock(notice.demand)
    if not notice.place or notice.state is not NoticeState.PUBLISHED:
        raise Refused("这份公示不是递补公示，或已经办结。")
    if notice.award_proposed_by_id is not None:
        raise Refused("已经提出定榜，请另一人确认。")
    require("notice.propose_award", actor, notice_queries.fill_facts(notice), now)
    notice.award_proposed_by_id, notice.award_proposed_at = actor.id, now
    audit.append(
        "notice.propose_award",
        subject=notice.audit_subject,
        actor=actor,
        at=now,
        facts={"demand_id": notice.demand_id, "place": notice.place},
    )
    db.session.flush()


def confirm_substitute_award(notice: Notice, *, actor: Actor, now: datetime) -> Award:
    """The second person confirms the award of a substitute."""
    lock(notice.demand)
    given = next((item for item in queries.of_notice(notice) if item.state is AwardState.NOTICED), None)
    if not notice.place or given is None or notice.demand.state is not State.AWARDED:
        raise Refused("这份公示没有等待定榜的递补单位。")
    _require_frozen_not(notice.demand)
    notices.stand(notice, actor=actor, now=now)
    _confirm(given, actor=actor, now=now)
    return given


# -- the end ---------------------------------------------------------------------------------------------------------


def settle_end(demand: Demand, *, now: datetime) -> None:
    """When every award has ended: completed with one settled, lapsed with none and nobody left to move up."""
    if demand.state is not State.AWARDED:
        return
    states = [item.state for item in queries.present(demand.id)]
    match demand_end(states, substitute_left=queries.next_line(demand.id) is not None):
        case DemandEnd.LAPSE:
            demands.lapse(demand, actor=SYSTEM, now=now, code="no_award_left")
        case DemandEnd.COMPLETE:
            _advance(demand, Action.COMPLETE, actor=SYSTEM, now=now)
            demand.ended_at = now


def at_lapse(demand: Demand, actor: Actor, now: datetime) -> None:
    """A demand lapsed after its opening: its bids are closed; who was scored to the end still learns how."""
    if demand.released_at is None:
        return
    closed = bids.end(demand, now=now)
    ranking = queries.ranking_of(demand.id)
    if ranking is not None and closed:
        notices.send_letters(demand, ranking, notice=None, objections_until=now, actor=SYSTEM, now=now)


def install() -> None:
    """Name the verbs that a confirmed proposal runs."""
    from marketplace.awards.service.undoing import re_review, void

    demands.carry_out(Action.ANNOUNCE, _run(announce), refuse=_not_announced)
    demands.carry_out(Action.AWARD, _run(award), refuse=_award_refused)
    demands.carry_out(Action.SUBSTITUTE, _run(substitute))
    demands.carry_out(Action.RE_REVIEW, _run(re_review))
    demands.carry_out(Action.VOID, _run(void))
    demands.when_lapsed(at_lapse)


def _run(verb: Any) -> Any:
    def carried(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
        verb(proposal, actor, now)

    return carried
