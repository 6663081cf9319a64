"""Counting, for a demand that has lapsed; before that nobody asks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from marketplace import db
from marketplace.bids.models import Bid
from marketplace.bids.rules import WAS_OPENED, BidState
from marketplace.demands import queries as demands
from marketplace.demands import views
from marketplace.demands.models import Demand, DemandFollow
from marketplace.demands.rules import State
from marketplace.diagnosis.rules import Funnel
from marketplace.platform.policy import Actor
from marketplace.questions.models import Question

TOOK_PART = WAS_OPENED | {BidState.UNOPENABLE, BidState.DESTROYED}


def lapsed(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """A lapsed demand; of any other there is no such page."""
    demand = demands.find(actor=actor, now=now, ref=ref)
    return demand if demand is not None and demand.state is State.LAPSED else None


def funnel(demand: Demand) -> Funnel:
    """Looks, follows, downloads, questions, drafts and bids.

    Where too few had bid nothing was opened, and nobody learns more than "fewer" (unless "fewer" means none).
    """
    seen, fetched = views.totals(demand.id)
    counted = dict.fromkeys(("follows", "questions", "drafts", "bids"), 0)
    for name, query in (
        ("follows", select(func.count()).select_from(DemandFollow).where(DemandFollow.demand_id == demand.id)),
        ("questions", select(func.count()).select_from(Question).where(Question.demand_id == demand.id)),
        ("drafts", select(func.count()).select_from(Bid).where(Bid.demand_id == demand.id)),
        (
            "bids",
            select(func.count()).select_from(Bid).where(Bid.demand_id == demand.id, Bid.state.in_(TOOK_PART)),
        ),
    ):
        counted[name] = db.session.scalar(query) or 0
    secret = demand.released_at is None and demand.said.min_bids > 1
    bids = None if secret else counted["bids"]
    return Funnel(seen, counted["follows"], fetched, counted["questions"], counted["drafts"], bids)
