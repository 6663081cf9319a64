"""Taking a bid out of the competition after it was admitted: one proposes with a code, the supervisor confirms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.bids import service as bids
from marketplace.bids.models import Bid
from marketplace.bids.rules import BidAction, BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.panels.models import ReviewBid
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.results import queries
from marketplace.results.models import BidOut
from marketplace.results.rules import REASON_MIN, Cause, Disqualification
from marketplace.results.service.ranking import compute, hold
from marketplace.scoring.service import settle


def propose_out(demand: Demand, bid: Bid, *, code: str, reason: str, actor: Actor, now: datetime) -> BidOut:
    """Propose to disqualify a bid that is under review. Log and outbox: ``ranking.propose_disqualification``."""
    hold(demand)
    require("ranking.propose_disqualification", actor, demand, now)
    _check(demand, bid, code, reason)
    if any(item.bid_id == bid.id for item in queries.open_outs(demand.id)):
        raise Refused("这份标书已有一项取消资格的提议在等监督员确认。")
    row = BidOut(
        demand_id=demand.id,
        bid_id=bid.id,
        code=Disqualification(code),
        reason=reason.strip(),
        proposed_by_id=actor.id,
        proposed_at=now,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"code": code, "bid": bid.public_id}
    audit.append(
        "ranking.propose_disqualification",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts=facts,
        details={"reason": row.reason},
    )
    outbox.emit("ranking.propose_disqualification", {"subject": demand.audit_subject, **facts}, at=now)
    return row


def _check(demand: Demand, bid: Bid, code: str, reason: str) -> None:
    if demand.state is not State.REVIEWING:
        raise Refused("只有评审期间可以这样取消资格；公示期间请通过异议程序处理。")
    known = db.session.scalar(
        select(ReviewBid.bid_id).where(ReviewBid.demand_id == demand.id, ReviewBid.bid_id == bid.id)
    )
    if known is None or bid.state is not BidState.ELIGIBLE:
        raise Refused("这份标书不在评审之中，不能取消资格。")
    if code not in set(Disqualification):
        raise Invalid("请选择取消资格的原因。", fields={"code": "请选择原因"})
    if len("".join(reason.split())) < REASON_MIN:
        sentence = f"请写明事实和依据，不少于{REASON_MIN}个字。"
        raise Invalid(sentence, fields={"reason": sentence})


def confirm_out(row: BidOut, demand: Demand, *, actor: Actor, now: datetime) -> None:
    """The supervisor's yes: the bid leaves, the ranking is computed again where there was one."""
    hold(demand)
    if row.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    require("ranking.disqualify", actor, row, now)
    row.confirmed_by_id, row.decided_at = actor.id, now
    db.session.flush()
    _leave(demand, row, actor=actor, now=now)
    last = queries.latest(demand.id)
    if last is not None and queries.is_locked(demand.id):
        compute(demand, cause=Cause.DISQUALIFIED, actor=actor, now=now, note=row.reason)
    else:
        settle(demand, now=now)  # it may have been the last bid that was waited for


def refuse_out(row: BidOut, demand: Demand, *, reason: str, actor: Actor, now: datetime) -> None:
    """The supervisor's no."""
    if row.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    require("ranking.disqualify", actor, row, now)
    if len("".join(reason.split())) < REASON_MIN:
        sentence = f"请写明不同意的理由，不少于{REASON_MIN}个字。"
        raise Invalid(sentence, fields={"reason": sentence})
    row.decided_at, row.refused, row.confirmed_by_id = now, True, actor.id
    db.session.flush()
    audit.append(
        "ranking.refuse_disqualification",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts={"bid": row.bid.public_id},
        details={"reason": reason.strip()},
    )


def put_out(
    demand: Demand,
    bid: Bid,
    *,
    code: Disqualification,
    reason: str,
    proposed_by_id: int | None,
    actor: Actor,
    now: datetime,
) -> BidOut:
    """As the consequence of an upheld objection, which two people have decided already."""
    row = BidOut(
        demand_id=demand.id,
        bid_id=bid.id,
        code=code,
        reason=reason.strip(),
        proposed_by_id=proposed_by_id,
        proposed_at=now,
        confirmed_by_id=actor.id,
        decided_at=now,
    )
    db.session.add(row)
    db.session.flush()
    _leave(demand, row, actor=actor, now=now)
    return row


def _leave(demand: Demand, row: BidOut, *, actor: Actor, now: datetime) -> None:
    bid = row.bid or db.session.get_one(Bid, row.bid_id)
    facts = {"demand_id": demand.id, "code": str(row.code)}
    bids.move(bid, BidAction.VOID, actor=SYSTEM, now=now, reason=row.reason, facts=facts)
    audit.append(
        "ranking.disqualify",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts={"code": str(row.code), "bid": bid.public_id},
        details={"reason": row.reason},
    )
    outbox.emit("ranking.disqualify", {"subject": demand.audit_subject, **facts}, at=now)
