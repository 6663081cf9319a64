"""What waits for a bidder: drafts before their deadline, amended demands, invitations, a key to be renewed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, or_

from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import shown_name
from marketplace.bids import own
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor


def bids(actor: Actor, now: datetime) -> Select[Any]:
    """Of his own organisations alone: drafts to go on with, sealed bids whose demand was amended."""
    amended = and_(Bid.state == BidState.SEALED, Bid.answers_version < Demand.content_version)
    return (
        errands.line(
            number=Bid.id,
            ref=Bid.public_id,
            title=Demand.title,
            note=Demand.number,
            word=Bid.state,
            due=Demand.closes_at,
        )
        .select_from(Bid)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(
            Bid.organisation_id.in_(actor.organisations(*own.BIDDING)),
            or_(Bid.state == BidState.DRAFT, amended),
            Demand.state == State.PUBLISHED,
            Demand.closes_at > now,
        )
    )


def _bid(row: Any) -> Errand:
    number, url = row.note or "", f"/bids/{row.ref}"
    if row.word == BidState.DRAFT:
        return Errand(row.title, _("标书草稿"), _("继续填写"), url, number, row.due_at, (_("草稿"), "draft"))
    return Errand(
        row.title, _("需求变更"), _("确认或替换"), f"{url}/amendment", number, row.due_at, (_("已变更"), "alert")
    )


def invitations(actor: Actor, now: datetime) -> Select[Any]:
    """Consortia that his organisations were named in and have not answered."""
    return (
        errands.line(number=Bid.id, ref=Bid.public_id, title=Demand.title, note=shown_name(), due=Demand.closes_at)
        .select_from(BidMember)
        .join(Bid, Bid.id == BidMember.bid_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .join(Organisation, Organisation.id == Bid.organisation_id)
        .where(
            BidMember.organisation_id.in_(actor.organisations(*own.BIDDING)),
            BidMember.confirmed_at.is_(None),
            BidMember.declined_at.is_(None),
            Demand.state == State.PUBLISHED,
            Demand.closes_at > now,
        )
    )


def _invitation(row: Any) -> Errand:
    url = f"/bids/{row.ref}/membership"
    return Errand(
        title=row.title,
        matter=_("联合体邀请"),
        verb=_("答复"),
        url=url,
        note=_("%(name)s邀请加入", name=row.note),
        due_at=row.due_at,
        state=(_("待答复"), "alert"),
    )


def install() -> None:
    errands.register(own.BIDDING, bids, _bid)
    errands.register(own.BIDDING, invitations, _invitation)
