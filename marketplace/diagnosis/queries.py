"""Counting, for a demand that has lapsed; before that nobody asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from marketplace import db
from marketplace.accounts.models import Organisation, User
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
    """Looks and downloads, and the firms that followed, asked, began to write and bid.

    Firms are organisations that may bid, the demand's own unit aside. Where too few had bid nothing was opened, and
    nobody learns more than "fewer" (unless "fewer" means none).
    """
    seen, fetched = views.totals(demand.id)
    by_person = select(User.organisation_id).join(Organisation, User.organisation_id == Organisation.id)
    follows = by_person.join(DemandFollow, DemandFollow.user_id == User.id).where(DemandFollow.demand_id == demand.id)
    asked = by_person.join(Question, Question.asked_by_id == User.id).where(Question.demand_id == demand.id)
    begun = select(Bid.organisation_id).where(Bid.demand_id == demand.id)
    market = (Organisation.may_bid, Organisation.id != demand.unit_id)

    def firms(query: Select[Any]) -> set[int]:
        return set(db.session.scalars(query))

    following, asking = firms(follows.where(*market)), firms(asked.where(*market))
    drafting, bidding = firms(begun), firms(begun.where(Bid.state.in_(TOOK_PART)))
    secret = demand.released_at is None and demand.said.min_bids > 1
    return Funnel(
        views=seen,
        follows=len(following),
        downloads=fetched,
        questions=len(asking),
        drafts=len(drafting),
        bids=None if secret else len(bidding),
        interested=len(following | asking | drafting),
    )
