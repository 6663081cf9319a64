"""What a bidder's own pages read. Nothing here is ever asked for anybody but members of the bidder's organisation."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.models import Organisation, RoleAssignment
from marketplace.accounts.rules import Role
from marketplace.bids import queries
from marketplace.bids.models import Bid, BidDraft, BidMember, BidPart, BidPiece, BidVersion
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform.audit.models import AuditLeaf
from marketplace.platform.policy import Actor

BIDDING = (Role.BIDDER, Role.ORG_ADMIN)


def organisations(actor: Actor) -> list[Organisation]:
    """The organisations this person bids for."""
    ids = actor.organisations(*BIDDING)
    return list(db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)))


def listing(actor: Actor) -> Select[Bid]:
    """The bids that his organisations lead: those still open first, the nearest deadline on top; then the newest."""
    open_ = (Demand.state == State.PUBLISHED) & Bid.state.in_([BidState.DRAFT, BidState.SEALED, BidState.WITHDRAWN])
    return (
        select(Bid)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(Bid.organisation_id.in_(actor.organisations(*BIDDING)))
        .order_by(open_.desc(), case((open_, Demand.closes_at)), Bid.id.desc())
        .options(joinedload(Bid.demand).joinedload(Demand.unit), joinedload(Bid.organisation))
    )


def invitations(actor: Actor) -> list[BidMember]:
    """Bids of others that his organisations were asked to join and have not declined."""
    return list(
        db.session.scalars(
            select(BidMember)
            .where(BidMember.organisation_id.in_(actor.organisations(*BIDDING)), BidMember.declined_at.is_(None))
            .order_by(BidMember.confirmed_at.is_not(None), BidMember.invited_at.desc())
            .limit(100)
            .options(
                joinedload(BidMember.bid).joinedload(Bid.demand).joinedload(Demand.unit),
                joinedload(BidMember.bid).joinedload(Bid.organisation),
                joinedload(BidMember.organisation),
            )
        )
    )


def find_member(*, actor: Actor, now: datetime, public_id: str) -> BidMember | None:
    """The invitation of one of his organisations to this bid."""
    return db.session.scalar(
        select(BidMember)
        .join(Bid, Bid.id == BidMember.bid_id)
        .where(Bid.public_id == public_id, BidMember.organisation_id.in_(actor.organisations(*BIDDING)))
        .options(joinedload(BidMember.bid).joinedload(Bid.demand), joinedload(BidMember.organisation))
    )


def last_read(bid: Bid) -> tuple[Bid, int, dict[str, Any]] | None:
    """(bid, version, own wraps) of the organisation's newest other bid that it can still read: 填一次."""
    other = (Bid.organisation_id == bid.organisation_id) & (Bid.id != bid.id)
    sealed = db.session.execute(
        select(Bid, BidVersion.version, BidVersion.own_wraps)
        .join(BidVersion, (BidVersion.bid_id == Bid.id) & (BidVersion.version == Bid.version))
        .where(other)
        .order_by(BidVersion.decided_at.desc())
        .limit(1)
        .options(joinedload(Bid.demand))
    ).first()
    if sealed is None:
        sealed = db.session.execute(
            select(Bid, BidDraft.version, BidDraft.own_wraps)
            .join(BidDraft, BidDraft.bid_id == Bid.id)
            .where(other)
            .order_by(BidDraft.saved_at.desc())
            .limit(1)
            .options(joinedload(Bid.demand))
        ).first()
    return None if sealed is None else (sealed[0], sealed[1], sealed[2])


def stored(bid: Bid, version: int) -> list[BidPiece]:
    """Every uploaded piece of a version, in order."""
    return list(
        db.session.scalars(
            select(BidPiece)
            .where(BidPiece.bid_id == bid.id, BidPiece.version == version)
            .order_by(BidPiece.envelope, BidPiece.part, BidPiece.piece)
        )
    )


def ciphertext_size(bid: Bid, version: int) -> tuple[int, int]:
    """(files, bytes) of a sealed version."""
    files, size = db.session.execute(
        select(func.count(), func.coalesce(func.sum(BidPart.length), 0)).where(
            BidPart.bid_id == bid.id, BidPart.version == version
        )
    ).one()
    return files, size


def wrapped(organisation_id: int) -> list[tuple[tuple[str, int], BidDraft | BidVersion]]:
    """Everything the organisation's key still opens: (public id, version) with the row that holds the wraps."""
    drafts = db.session.execute(
        select(Bid.public_id, BidDraft)
        .join(Bid, Bid.id == BidDraft.bid_id)
        .where(Bid.organisation_id == organisation_id)
    ).all()
    versions = db.session.execute(
        select(Bid.public_id, BidVersion)
        .join(Bid, (Bid.id == BidVersion.bid_id) & (Bid.version == BidVersion.version))
        .where(Bid.organisation_id == organisation_id)
    ).all()
    rows: list[tuple[str, BidDraft | BidVersion]] = [(key, draft) for key, draft in drafts]
    rows += [(key, version) for key, version in versions]
    return [((key, row.version), row) for key, row in rows]


def numbers(organisation_id: int) -> dict[str, str]:
    """Public id of each bid → its demand's number, as the key's wraps are bound to both."""
    query = select(Bid.public_id, Demand.number).join(Demand, Demand.id == Bid.demand_id)
    return {
        key: number or "" for key, number in db.session.execute(query.where(Bid.organisation_id == organisation_id))
    }


def log_entry(seq: int) -> dict[str, Any] | None:
    """One entry of the public log, as hashed."""
    entry = db.session.scalar(select(AuditLeaf.entry).where(AuditLeaf.seq == seq))
    return None if entry is None else dict(json.loads(entry))


def left_since_key(organisation_id: int) -> bool:
    """Whether somebody who may have known the key has lost his role since it was made: time for a new one."""
    key = queries.bidder_key(organisation_id)
    if key is None:
        return False
    gone = select(RoleAssignment.id).where(
        RoleAssignment.organisation_id == organisation_id,
        or_(*(RoleAssignment.role == role for role in BIDDING)),
        RoleAssignment.revoked_at > key.made_at,
    )
    return db.session.scalar(gone.limit(1)) is not None
