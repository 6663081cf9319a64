"""Recusal by oneself or by order, the override that two people answer for, and bidders' requests."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.panels import queries
from marketplace.panels.models import ExclusionDecision, PanelSeat
from marketplace.panels.queries import Request
from marketplace.panels.rules import seats as rules
from marketplace.panels.rules.seats import SeatAction, SeatState
from marketplace.panels.service.seating import act, fill, leave, tell
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require


def recuse(seat: PanelSeat, *, reason: str, actor: Actor, now: datetime) -> None:
    """A member finds a conflict, at any time: he leaves this demand's panel, his sheets stay and do not count."""
    _reasoned(reason)
    act(seat, SeatAction.RECUSE, actor=actor, now=now, reason=reason)
    leave(seat, reason=reason, now=now)


def order_recusal(seat: PanelSeat, *, reason: str, actor: Actor, now: datetime) -> None:
    """The supervisor removes somebody."""
    _reasoned(reason)
    act(seat, SeatAction.ORDER_RECUSAL, actor=actor, now=now, reason=reason)
    leave(seat, reason=reason, now=now)


def _reasoned(reason: str) -> None:
    if len("".join(reason.split())) < 5:
        raise Invalid("请写明回避的原因，不少于5个字。", fields={"reason": "请写明原因，不少于5个字"})


def _vacancy(seat: PanelSeat) -> bool:
    """A seat is vacant, or was given to a substitute who has not answered yet and gives it back."""
    return len(rules.sitting([item.as_seat for item in seat.panel.present_seats])) < seat.panel.size


def propose_override(seat: PanelSeat, *, reason: str, actor: Actor, now: datetime) -> None:
    """A publisher asks that a recused expert sit all the same; another person confirms. Named in the report."""
    _reasoned(reason)
    seat.panel_has_vacancy = _vacancy(seat)
    require("seat.propose_override", actor, seat, now)
    if seat.state is not SeatState.RECUSED:
        raise Refused("只有已回避的专家可以准予参加。")
    seat.override_proposed_by_id, seat.override_reason = actor.id, reason.strip()
    db.session.flush()
    facts = {"seat": seat.id, "expert": seat.expert.key}
    tell("seat.propose_override", seat.panel, actor=actor, now=now, facts=facts, reason=reason)


def override(seat: PanelSeat, *, actor: Actor, now: datetime) -> None:
    """The second person: the expert is back, declares again, and the report names both and the reason."""
    seat.panel_has_vacancy = _vacancy(seat)
    act(seat, SeatAction.OVERRIDE, actor=actor, now=now, reason=seat.override_reason)
    seat.overridden_by_id, seat.overridden_at, seat.ended_at = actor.id, now, None
    db.session.flush()


def decide_request(request: Request, *, upheld: bool, answer: str, actor: Actor, now: datetime) -> ExclusionDecision:
    """The supervisor answers one bidder's request, once. A seat it concerns is recused at once.

    Log: ``panel.decide_request``; the person asked about stands in the erasable side record alone.
    """
    demand = request.bid.demand
    require("panel.decide_request", actor, demand, now)
    if request.decision is not None:
        raise Refused("这项回避申请已经决定过。")
    _reasoned(answer)
    row = ExclusionDecision(
        bid_id=request.bid.id,
        position=request.position,
        demand_id=demand.id,
        person=request.person,
        employer=request.employer,
        request=request.reason,
        upheld=upheld,
        answer=answer.strip(),
        decided_at=now,
        decided_by_id=actor.id,
    )
    db.session.add(row)
    db.session.flush()
    facts = {"bid": request.bid.public_id, "position": request.position, "upheld": upheld}
    details = {"person": request.person, "employer": request.employer, "answer": answer}
    audit.append(
        "panel.decide_request", subject=demand.audit_subject, actor=actor, at=now, facts=facts, details=details
    )
    outbox.emit("panel.decide_request", {"subject": demand.audit_subject, "demand_id": demand.id, **facts}, at=now)
    panel = queries.find(actor=actor, now=now, ref=demand.ref)
    if upheld and panel is not None:
        _remove_meant(panel.present_seats, row, now=now)
        fill(panel, now=now)
    return row


def _remove_meant(seats: list[PanelSeat], row: ExclusionDecision, *, now: datetime) -> None:
    facts = queries.facts_of([seat.expert for seat in seats])
    for seat in seats:
        open_seat = seat.state is SeatState.SUBSTITUTE or seat.is_sitting
        if open_seat and queries.is_meant(facts[seat.expert_id], row):
            seat.has_hard_block = True
            act(seat, SeatAction.ORDER_RECUSAL, actor=SYSTEM, now=now, reason="监督员同意的回避申请")
            leave(seat, reason="监督员同意的回避申请", now=now)
