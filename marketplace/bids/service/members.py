"""The consortium: members are asked, and confirm in their own account before the bid can be sealed."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids import queries
from marketplace.bids.models import Bid, BidMember
from marketplace.bids.rules import BidState, why_not_bid
from marketplace.platform import outbox
from marketplace.platform.errors import Refused
from marketplace.platform.policy import Actor, require


def _require_unsealed(bid: Bid) -> None:
    if bid.state not in (BidState.DRAFT, BidState.WITHDRAWN):
        raise Refused("联合体成员只能在封标前改动。请先撤回标书，再调整成员。")


def invite(bid: Bid, organisation: Organisation, *, actor: Actor, now: datetime) -> BidMember:
    """Ask another organisation to join as a member; it answers in its own account. Outbox: ``bid.invited``."""
    require("bid.draft", actor, bid, now)
    _require_unsealed(bid)
    said = bid.demand.said
    if not said.consortium_allowed:
        raise Refused("这条需求不接受联合体揭榜。")
    asked = [member for member in bid.members if member.declined_at is None]
    if organisation.id == bid.organisation_id or any(m.organisation_id == organisation.id for m in asked):
        raise Refused("这家单位已经在联合体中。")
    if len(asked) + 2 > said.consortium_max:
        raise Refused("联合体最多%(most)s家，含牵头单位。", most=said.consortium_max)
    if (reason := why_not_bid(queries.standing(bid.demand, organisation, now=now))) is not None:
        # The reason is the other organisation's own business (it may say in whose bid it takes part).
        del reason
        raise Refused("%(name)s现在不能加入这份揭榜。请与该单位核实其登记和回避情况。", name=organisation.display_name)
    member = db.session.get(BidMember, (bid.id, organisation.id))
    if member is None:
        member = BidMember(bid=bid, organisation=organisation, invited_at=now)
        db.session.add(member)
    member.invited_at, member.declined_at = now, None
    db.session.flush()
    outbox.emit("bid.invited", {"bid": bid.public_id, "organisation_id": organisation.id}, at=now)
    return member


def uninvite(member: BidMember, *, actor: Actor, now: datetime) -> None:
    """Take a member out again, before the sealing."""
    require("bid.draft", actor, member.bid, now)
    _require_unsealed(member.bid)
    bid = member.bid
    db.session.delete(member)
    db.session.flush()
    db.session.expire(bid, ["members"])


def join(member: BidMember, *, actor: Actor, now: datetime) -> None:
    """A member confirms in its own account. It cannot take part in two bids on one demand."""
    require("bid.join", actor, member, now)
    if member.declined_at is not None:
        raise Refused("这份邀请已经谢绝，需要时请牵头单位重新邀请。")
    if (reason := why_not_bid(queries.standing(member.bid.demand, member.organisation, now=now))) is not None:
        raise Refused(reason)
    member.confirmed_at, member.confirmed_by_id = now, actor.id
    outbox.emit("bid.joined", {"bid": member.bid.public_id, "organisation_id": member.organisation_id}, at=now)


def decline(member: BidMember, *, actor: Actor, now: datetime) -> None:
    """A member says no, or no longer, before the sealing."""
    require("bid.join", actor, member, now)
    _require_unsealed(member.bid)
    member.declined_at, member.confirmed_at, member.confirmed_by_id = now, None, None
    outbox.emit("bid.declined", {"bid": member.bid.public_id, "organisation_id": member.organisation_id}, at=now)
