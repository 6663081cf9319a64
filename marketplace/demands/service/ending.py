"""From the deadline on: no award, the release, the opening. What later features do when a demand lapses hooks in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.demands.rules import Action
from marketplace.demands.service.changing import lock_and_read_clock
from marketplace.demands.service.writing import MACHINE
from marketplace.platform import audit
from marketplace.platform.policy import SYSTEM, Actor
from marketplace.platform.workflow import perform

Ended = Callable[[Demand, Actor, datetime], None]


_lapsed: list[Ended] = []


def when_lapsed(hook: Ended) -> None:
    """Say what a later feature does in the same transaction when a demand lapses. Said twice is said once."""
    if hook not in _lapsed:
        _lapsed.append(hook)


def lapse(demand: Demand, *, actor: Actor, now: datetime, code: str = "too_few_bids", reason: str = "") -> None:
    """End it without an award. By the system: fewer live bids than the minimum; nobody learns more than "fewer"."""
    at = lock_and_read_clock(demand)
    perform(MACHINE, demand, Action.LAPSE, actor=actor, now=at, reason=reason, facts={"code": code})
    demand.ended_at = demand.updated_at = at
    db.session.flush()
    for hook in _lapsed:
        hook(demand, actor, at)


def note_release(demand: Demand, *, now: datetime) -> None:
    """Enough custodians have released: the demand can no longer be withdrawn. Written by the opening alone."""
    demand.released_at = demand.updated_at = now
    db.session.flush()


def mark_opened(demand: Demand, *, facts: Mapping[str, Any], now: datetime) -> audit.Leaf:
    """Every bid is opened or found unopenable; the bidders may read the record. By the system alone."""
    leaf = perform(MACHINE, demand, Action.OPEN, actor=SYSTEM, now=now, facts=facts)
    demand.updated_at = now
    db.session.flush()
    return leaf


def mark_prices_opened(demand: Demand, *, facts: Mapping[str, Any], now: datetime) -> audit.Leaf:
    """Two-step: the price envelopes of the eligible bids are open. By the system alone."""
    leaf = perform(MACHINE, demand, Action.OPEN_PRICES, actor=SYSTEM, now=now, facts=facts)
    demand.updated_at = now
    db.session.flush()
    return leaf
