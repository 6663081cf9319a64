"""An opened demand with two bids: ``firm``'s (王珂) and ``rival``'s (赵川)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.eligibility import service
from marketplace.eligibility.rules import Check
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from tests.bids import contents, making
from tests.bids.conftest import actor, now, stage, storage
from tests.demands.conftest import Stage
from tests.demands.samples import content

__all__ = ["actor", "now", "stage", "storage"]

NO_PROMISES: dict[str, Any] = {"promises": ()}


def a_bid(organisation: str = "firm", **changes: Any) -> Any:
    """Both envelopes of an organisation, without promises unless asked for."""
    return contents.complete(content(), organisation, **{**NO_PROMISES, **changes})


@pytest.fixture
def opened(stage: Stage, storage: LocalStorage) -> Callable[..., Demand]:
    """``opened(a_bid(), a_bid("rival"))``: a demand in ``opened`` with these bids read."""

    def make(*bids: Any, **changes: Any) -> Demand:
        return making.opened(stage, list(bids) or [a_bid(), a_bid("rival")], storage=storage, **changes)

    return make


@pytest.fixture
def demand(opened: Callable[..., Demand]) -> Demand:
    return opened()


@pytest.fixture
def bid(demand: Demand) -> Bid:
    return making.bid_of(demand, "bidder")


def work(bid: Bid, who: str = "screener", seen: int = 0, **verdicts: str) -> None:
    """Save a whole checklist, everything in order but for what is named."""
    checks = {
        str(check): {"verdict": verdicts.get(check, "passed"), "note": "见第3页" if check in verdicts else ""}
        for check in Check
    }
    service.save_checks(bid, checks, seen_version=seen, actor=actor(who), now=clock.site_now())


def later(**delta: float) -> datetime:
    """Move the site's clock on and say where it stands."""
    clock.move_to(clock.site_now() + timedelta(**delta))
    return clock.site_now()
