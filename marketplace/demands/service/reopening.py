"""After an outage over the deadline: the publisher proposes, the supervisor confirms, and bids are taken again for at
least as long as the platform was away (sealing.md, failure cases).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.demands import clocks
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import Action, State
from marketplace.demands.service.changing import move_deadline
from marketplace.demands.service.proposing import propose
from marketplace.demands.service.writing import MACHINE
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform
from marketplace.settings import queries as settings


@dataclass(frozen=True, slots=True)
class Outage:
    """When nobody could hand anything in."""

    began_at: datetime
    ended_at: datetime

    def deadline(self, reopened_at: datetime) -> datetime:
        """The new deadline if bids are taken again from this instant on."""
        return clocks.deadline_after_outage(
            outage_from=self.began_at, outage_until=self.ended_at, reopened_at=reopened_at, calendar=settings.calendar()
        )

    def facts(self) -> dict[str, Any]:
        return {"outage_from": audit.timestamp(self.began_at), "outage_until": audit.timestamp(self.ended_at)}


def outage_of(proposal: DemandProposal) -> Outage:
    """What a proposal to reopen says."""
    said = proposal.payload
    return Outage(datetime.fromisoformat(said["outage_from"]), datetime.fromisoformat(said["outage_until"]))


def propose_reopening(
    demand: Demand, *, began_at: datetime, ended_at: datetime, reason: str, actor: Actor, now: datetime
) -> DemandProposal:
    """Ask the supervisor to take bids again. The outage must cover the deadline and be over.

    Refused before the deadline (extend it instead) and once custodians have released.
    """
    require("demand.propose", actor, demand, now)
    if demand.state is not State.PUBLISHED or demand.closes_at is None or now < demand.closes_at:
        raise Refused("只有截止之后、开启之前的需求可以重开揭榜；还没有截止的请办理延期。")
    if demand.released_at is not None:
        raise Refused("保管人已共同释放，标书正在开启，不能再重开揭榜。")
    if ended_at <= began_at:
        raise Invalid("中断结束须晚于中断开始。", fields={"ended_at": "须晚于中断开始"})
    if ended_at > now:
        raise Invalid("中断还没有结束，恢复之后再办理。", fields={"ended_at": "不能晚于现在"})
    if not began_at <= demand.closes_at <= ended_at:
        raise Invalid("中断没有跨过截止时刻，不能据此重开揭榜。", fields={"began_at": "中断须从截止之前持续到截止之后"})
    if demand.visible_from is not None and began_at < demand.visible_from:
        raise Invalid("中断开始早于张榜，请核对。", fields={"began_at": "不能早于张榜时间"})
    payload = Outage(began_at, ended_at).facts()
    return propose(demand, Action.REOPEN, reason=reason, actor=actor, now=now, payload=payload)


def reopen(proposal: DemandProposal, *, superseded: str, actor: Actor, now: datetime) -> None:
    """The supervisor has confirmed: the deadline moves on, publicly. Log and outbox: ``demand.reopen`` with both
    deadlines, the outage and the hash of the frozen set that no longer holds (empty when none was written yet).

    Called by ``bids``, which knows whether anything was released and holds the lock.
    """
    demand, outage = proposal.demand, outage_of(proposal)
    assert demand.closes_at is not None
    before, after = demand.closes_at, outage.deadline(now)
    facts = {
        "before": audit.timestamp(before),
        "closes_at": audit.timestamp(after),
        **outage.facts(),
        **({"superseded": superseded} if superseded else {}),
    }
    perform(MACHINE, demand, Action.REOPEN, actor=actor, now=now, reason=proposal.reason, facts=facts)
    move_deadline(demand, after)
    demand.updated_at = now
    db.session.flush()
