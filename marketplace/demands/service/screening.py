"""What the district does before publication: screen, return, appraise, reject, pool."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.demands.content import to_json
from marketplace.demands.models import Demand, DemandRound
from marketplace.demands.rules import Action, State
from marketplace.demands.service.writing import MACHINE
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform

REVIEW_KINDS = {"fair_competition": "公平竞争审查", "secrecy": "保密审查"}


def begin_screening(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """The screener takes the demand on: from now on the unit cannot recall it. Taking it again changes nothing."""
    require("demand.screen", actor, demand, now)
    if demand.state is not State.SUBMITTED:
        raise Refused("这条需求不在待审查状态，请刷新页面查看最新状态。")
    if demand.screening_begun_at is None:
        demand.screening_begun_at, demand.screener_id = now, actor.id
        audit.append("demand.begin_screening", subject=demand.audit_subject, actor=actor, at=now)
        db.session.flush()


def return_for_correction(
    demand: Demand, *, defects: Sequence[dict[str, str]], actor: Actor, now: datetime
) -> DemandRound:
    """Back to the unit with a list of defects ``[{"field", "text"}]``; at least one with a text is mandatory."""
    listed = [
        {"field": item.get("field", ""), "text": item["text"].strip()}
        for item in defects
        if item.get("text", "").strip()
    ]
    if not listed:
        raise Invalid("退回必须列出需要补正的问题，至少一条。", fields={"defects": "请至少写一条"})
    round_ = DemandRound(
        demand=demand,
        number=demand.round + 1,
        content=to_json(demand.said),
        defects=listed,
        returned_by_id=actor.id,
        returned_at=now,
    )
    if demand.state is State.SUBMITTED and demand.screener_id is None:
        demand.screener_id = actor.id
    perform(
        MACHINE,
        demand,
        Action.RETURN,
        actor=actor,
        now=now,
        reason="；".join(item["text"] for item in listed),
        facts={"round": demand.round + 1, "defects": len(listed)},
    )
    demand.round += 1
    demand.screening_begun_at = None
    db.session.add(round_)
    db.session.flush()
    return round_


def resolve_lookalikes(demand: Demand, *, remark: str, actor: Actor, now: datetime) -> None:
    """The screener has compared the look-alikes and says why this one is not a duplicate."""
    require("demand.screen", actor, demand, now)
    demand.lookalikes_resolved_at = now
    audit.append(
        "demand.resolve_lookalikes", subject=demand.audit_subject, actor=actor, at=now, details={"remark": remark}
    )
    db.session.flush()


def appraise(
    demand: Demand,
    *,
    actor: Actor,
    now: datetime,
    blocking: Sequence[str] = (),
    lookalikes: bool = False,
    remark: str = "",
) -> None:
    """Send to appraisal. ``blocking`` are the lint's blocking findings; ``lookalikes``: similar demands exist."""
    if blocking:
        raise Refused(f"还有必须修改的问题，不能转入论证，请退回补正：{blocking[0]}")
    if lookalikes and demand.lookalikes_resolved_at is None:
        raise Refused("有相似的需求尚未比对。请先查看相似需求，写明处理意见后再转入论证。")
    if demand.screener_id is None:
        demand.screener_id = actor.id
    perform(MACHINE, demand, Action.APPRAISE, actor=actor, now=now, reason=remark)
    demand.appraising_at = now
    db.session.flush()


def reject(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> None:
    """Not taken up; the reasons go to the unit."""
    if not reason.strip():
        raise Invalid("请写明不予通过的理由，理由会告知需求单位。", fields={"reason": "请写明理由"})
    perform(MACHINE, demand, Action.REJECT, actor=actor, now=now, reason=reason)
    demand.ended_at = now
    db.session.flush()


def pool(demand: Demand, *, reviews: dict[str, Any], actor: Actor, now: datetime, remark: str = "") -> None:
    """Into the pool, with the results of the fair-competition and the secrecy review.

    ``reviews`` maps each of ``REVIEW_KINDS`` to ``{"passed": True, "by": …, "text": …}``; both must have passed.
    """
    for kind, label in REVIEW_KINDS.items():
        outcome = reviews.get(kind) or {}
        if not outcome.get("passed") or not str(outcome.get("text", "")).strip():
            raise Invalid(f"入库前须附{label}结论：审查通过并写明意见。", fields={kind: f"请填写{label}结论"})
    perform(MACHINE, demand, Action.POOL, actor=actor, now=now, reason=remark, details={"reviews": reviews})
    demand.reviews = reviews
    demand.pooled_at = now
    db.session.flush()
