"""The one door through which a bid changes its state after the opening."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace.bids.models import Bid
from marketplace.bids.rules import SECRET, BidAction
from marketplace.bids.service.sealing import MACHINE
from marketplace.platform import audit
from marketplace.platform.policy import Actor
from marketplace.platform.workflow import perform


def move(
    bid: Bid,
    action: BidAction,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> audit.Leaf:
    """Advance an opened bid by the table: policy, state, leaf and outbox row (``bid.<action>``) in one.

    What bidders do before the opening is secret and never goes this way: it would name them in the log.
    """
    assert action not in SECRET, action
    assert action is not BidAction.DESTROY, "bids.service.destroy gives the receipt"
    return perform(MACHINE, bid, action, actor=actor, now=now, reason=reason, facts=facts, details=details)
