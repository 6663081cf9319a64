"""What waits for a bidder: drafts before their deadline, amended demands, invitations, a key to be renewed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids import own
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import errands
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor

_OPEN = (BidState.DRAFT, BidState.SEALED, BidState.WITHDRAWN)


def waiting(actor: Actor, now: datetime) -> Sequence[Errand]:
    """Of his own organisations alone."""
    mine = actor.organisations(*own.BIDDING)
    bids = db.session.scalars(
        select(Bid)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(Bid.organisation_id.in_(mine), Bid.state.in_(_OPEN))
        .where(Demand.state == State.PUBLISHED, Demand.closes_at > now)
        .order_by(Demand.closes_at)
        .limit(MOST)
        .options(joinedload(Bid.demand))
    )
    found = [errand for bid in bids if (errand := _of_bid(bid)) is not None]
    asked = db.session.scalars(
        select(BidMember)
        .join(Bid, Bid.id == BidMember.bid_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(BidMember.organisation_id.in_(mine), BidMember.confirmed_at.is_(None), BidMember.declined_at.is_(None))
        .where(Demand.state == State.PUBLISHED, Demand.closes_at > now)
        .limit(MOST)
        .options(
            joinedload(BidMember.bid).joinedload(Bid.demand), joinedload(BidMember.bid).joinedload(Bid.organisation)
        )
    )
    found += [
        Errand(
            title=row.bid.demand.title,
            matter="联合体邀请",
            verb="答复",
            url=f"/bids/{row.bid.public_id}/membership",
            note=f"{row.bid.organisation.display_name}邀请加入",
            due_at=row.bid.demand.closes_at,
            state=("待答复", "alert"),
        )
        for row in asked
    ]
    return found


def _of_bid(bid: Bid) -> Errand | None:
    """A draft to go on with, or a sealed bid whose demand was amended."""
    number, url = bid.demand.number or "", f"/bids/{bid.public_id}"
    if bid.state is BidState.DRAFT:
        return Errand(bid.demand.title, "标书", "继续填写", url, number, bid.demand.closes_at, ("草稿", "draft"))
    if bid.state is BidState.SEALED and bid.answers_version < bid.demand.content_version:
        return Errand(
            bid.demand.title,
            "需求变更",
            "确认或替换",
            f"{url}/amendment",
            number,
            bid.demand.closes_at,
            ("已变更", "alert"),
        )
    return None


def install() -> None:
    errands.register((Role.BIDDER, Role.ORG_ADMIN), waiting)
