"""Acts that need a second person: proposed by one, confirmed or refused by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import SECOND_PERSON, Action, end_to_propose
from marketplace.demands.service.changing import withdraw
from marketplace.demands.service.ending import lapse
from marketplace.demands.service.writing import MACHINE
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.policy import Actor, require

Carrier = Callable[[DemandProposal, Actor, datetime], None]


NOT_NOW = {
    Action.WITHDRAW: "只有截止之后、开启之前的撤榜须由两人决定；还没有截止的，可以直接撤榜。",
    Action.LAPSE: "开启之后、公示之前才能由两人决定流榜；有效揭榜不够的，系统在截止后自动流榜。",
}
_carried: dict[Action, tuple[Carrier, Carrier | None]] = {}


def carry_out(action: Action, confirm: Carrier, *, refuse: Carrier | None = None) -> None:
    """Say which verb of a later feature a confirmed proposal of this action runs, and which one a refused one."""
    _carried[action] = (confirm, refuse)


def may_be_confirmed(action: Action) -> bool:
    """Whether the second person's page can carry this act out."""
    return action in (Action.WITHDRAW, Action.LAPSE) or action in _carried


def propose(
    demand: Demand, action: Action, *, reason: str, actor: Actor, now: datetime, payload: dict[str, Any] | None = None
) -> DemandProposal:
    """Propose an act that needs a second person. One open proposal at a time; its confirmers are told."""
    require("demand.propose", actor, demand, now)
    if action not in SECOND_PERSON:
        raise Refused("这一步不需要第二人确认，可以直接办理。")
    MACHINE.advance(demand.state, action)
    if action in (Action.WITHDRAW, Action.LAPSE) and end_to_propose(demand, now) is not action:
        raise Refused(NOT_NOW[action])
    if not reason.strip():
        raise Invalid("请写明理由。", fields={"reason": "请写明理由"})
    if demand.open_proposal is not None:
        raise Refused("已有一项提议在等待确认，请先处理它。")
    proposal = DemandProposal(
        demand=demand, action=action, reason=reason, payload=payload or {}, proposed_by_id=actor.id, proposed_at=now
    )
    db.session.add(proposal)
    db.session.flush()
    audit.append(
        "demand.propose",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts={"action": str(action)},
        details={"reason": reason},
    )
    outbox.emit("demand.propose", {"subject": demand.audit_subject, "action": str(action)}, at=now)
    return proposal


def confirm(proposal: DemandProposal, *, actor: Actor, now: datetime) -> DemandProposal:
    """The second person's yes; the act itself follows at once.

    Acts of later features (announce, award …) are carried out by the verbs they named with ``carry_out``.
    """
    demand = proposal.demand
    if proposal.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    if proposal.action is Action.WITHDRAW:
        withdraw(demand, reason=proposal.reason, actor=actor, now=now)
    elif proposal.action is Action.LAPSE:
        code = str(proposal.payload.get("code", "decided"))
        lapse(demand, actor=actor, now=now, code=code, reason=proposal.reason)
    elif proposal.action in _carried:
        _carried[proposal.action][0](proposal, actor, now)
    else:
        raise Refused("这项提议须在对应的办理页面确认。")
    close_proposal(proposal, confirmed=True, actor=actor, now=now)
    return proposal


def close_proposal(proposal: DemandProposal, *, confirmed: bool, actor: Actor, now: datetime) -> None:
    """Write the second person's decision."""
    proposal.decided_by_id, proposal.decided_at, proposal.confirmed = actor.id, now, confirmed
    db.session.flush()


def refuse_proposal(proposal: DemandProposal, *, reason: str, actor: Actor, now: datetime) -> None:
    """The second person says no; the proposer is told why."""
    if proposal.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    if proposal.proposed_by_id == actor.id or not actor.has(*SECOND_PERSON[proposal.action]):
        raise Forbidden("这项提议须由有权的第二人处理，提出人不能自己处理。")
    refused = _carried.get(proposal.action, (None, None))[1]
    if refused is not None:
        refused(proposal, actor, now)
    close_proposal(proposal, confirmed=False, actor=actor, now=now)
    audit.append(
        "demand.refuse_proposal",
        subject=proposal.demand.audit_subject,
        actor=actor,
        at=now,
        facts={"action": str(proposal.action)},
        details={"reason": reason},
    )
