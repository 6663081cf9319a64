"""Reading bids: an organisation's own and nothing of anybody else's, who may bid, receipts with their proofs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState, Role
from marketplace.bids.models import (
    Bid,
    BidderKey,
    BidDraft,
    BidMember,
    BidPart,
    BidParticipant,
    BidPiece,
    BidReceipt,
    BidVersion,
)
from marketplace.bids.rules import LIVE, Standing
from marketplace.demands.models import Demand
from marketplace.platform import audit
from marketplace.platform.audit.models import AuditCheckpoint, AuditLeaf
from marketplace.platform.audit.queries import prove
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.receipt import Receipt, Statement
from marketplace.settings import queries as settings


def visible(actor: Actor) -> Select[Bid]:
    """Bids that the actor's own organisations lead or were asked to join. Before the opening nobody sees more."""
    mine = actor.organisations(Role.BIDDER, Role.ORG_ADMIN)
    asked = select(BidMember.bid_id).where(BidMember.organisation_id.in_(mine), BidMember.declined_at.is_(None))
    return select(Bid).where(or_(Bid.organisation_id.in_(mine), Bid.id.in_(asked)))


def find(*, actor: Actor, now: datetime, public_id: str) -> Bid | None:
    """By public id, within ``visible``."""
    return db.session.scalar(
        visible(actor)
        .where(Bid.public_id == public_id)
        .options(joinedload(Bid.demand).joinedload(Demand.unit), joinedload(Bid.organisation))
    )


def of_organisation(demand: Demand, organisation_id: int) -> Bid | None:
    """The bid that an organisation leads on a demand, in whatever state."""
    return db.session.scalar(select(Bid).where(Bid.demand_id == demand.id, Bid.organisation_id == organisation_id))


def live(demand: Demand) -> list[Bid]:
    """The live bids of a demand, in order of their public ids, which says nothing about when they came."""
    return list(
        db.session.scalars(
            select(Bid)
            .where(Bid.demand_id == demand.id, Bid.state.in_(LIVE))
            .order_by(Bid.public_id)
            .options(joinedload(Bid.organisation))
        )
    )


def standing(demand: Demand, organisation: Organisation, *, now: datetime) -> Standing:
    """Everything that ``rules.why_not_bid`` asks."""
    led = db.session.scalar(
        select(Bid)
        .join(BidParticipant, BidParticipant.bid_id == Bid.id)
        .where(
            BidParticipant.demand_id == demand.id,
            BidParticipant.organisation_id == organisation.id,
            Bid.organisation_id != organisation.id,
        )
        .options(joinedload(Bid.organisation))
    )
    return Standing(
        approved=organisation.state is OrganisationState.APPROVED,
        may_bid=organisation.may_bid,
        own_demand=demand.unit_id == organisation.id,
        affiliated_with=affiliation(demand.unit, organisation),
        consortium_of=led.organisation.display_name if led is not None else "",
        phase=demand.phase(now),
        procurement_off=demand.mode == "procurement" and not settings.setting("procurement_bidding").get("consent"),
        sealable=bool(demand.set_hash),
    )


def affiliation(unit: Organisation, bidder: Organisation) -> str:
    """The name by which the two are affiliated, by credit codes in either profile; empty when they are not."""
    names: list[dict[str, str]] = []
    for organisation in (unit, bidder):
        known = {item.credit_code: item.name for item in organisation.affiliates}
        if organisation.controller_code:
            known[organisation.controller_code] = organisation.controller_name
        names.append(known | {organisation.credit_code: organisation.name})
    shared = sorted((names[0].keys() & names[1].keys()) - {""})
    return names[0][shared[0]] if shared and unit.id != bidder.id else ""


def draft(bid: Bid) -> BidDraft | None:
    """The draft of the next version."""
    found = db.session.get(BidDraft, bid.id)
    return found if found is not None and found.version == bid.next_version else None


def bidder_key(organisation_id: int) -> BidderKey | None:
    """The organisation's key in force."""
    return db.session.scalar(
        select(BidderKey)
        .where(BidderKey.organisation_id == organisation_id, BidderKey.retired_at.is_(None))
        .order_by(BidderKey.id.desc())
        .limit(1)
    )


def parts(bid: Bid, version: int) -> list[BidPart]:
    """The complete ciphertexts of a version, technical before price, forms first."""
    rows = db.session.scalars(select(BidPart).where(BidPart.bid_id == bid.id, BidPart.version == version))
    return sorted(rows, key=lambda row: (row.envelope != "technical", row.part))


def pieces(bid_id: int, version: int, envelope: str, part: int) -> list[BidPiece]:
    """The uploaded pieces of one part, in order."""
    return list(
        db.session.scalars(
            select(BidPiece)
            .where(
                BidPiece.bid_id == bid_id,
                BidPiece.version == version,
                BidPiece.envelope == envelope,
                BidPiece.part == part,
            )
            .order_by(BidPiece.piece)
        )
    )


def sealed_version(bid: Bid) -> BidVersion | None:
    """The last sealed version."""
    return db.session.scalar(select(BidVersion).where(BidVersion.bid_id == bid.id, BidVersion.version == bid.version))


def receipts(bid: Bid) -> list[BidReceipt]:
    """All receipts of a bid, newest first."""
    query = select(BidReceipt).where(BidReceipt.bid_id == bid.id).order_by(BidReceipt.id.desc())
    return list(db.session.scalars(query))


def find_receipt(*, actor: Actor, now: datetime, public_id: str) -> BidReceipt | None:
    """A receipt of a bid that the actor's organisation leads or joined."""
    return db.session.scalar(
        select(BidReceipt).where(
            BidReceipt.public_id == public_id, BidReceipt.bid_id.in_(visible(actor).with_only_columns(Bid.id))
        )
    )


def statement(row: BidReceipt) -> Statement:
    """What a receipt states."""
    return Statement(row.act, row.bid.ref(row.version), row.manifest_hash, audit.timestamp(row.at))


def receipt(row: BidReceipt) -> Receipt:
    """The receipt with its proof, always the same one: up to the first checkpoint that covers its leaf.

    Can be had as soon as the leaf has its number, that is after the commit (or ``audit.write_pending``).
    """
    if row.log_seq is None:
        raise LookupError("the receipt is not in the log yet")
    entry = db.session.scalar(select(AuditLeaf.entry).where(AuditLeaf.seq == row.log_seq))
    checkpoint = db.session.scalar(
        select(AuditCheckpoint).where(AuditCheckpoint.size > row.log_seq).order_by(AuditCheckpoint.size).limit(1)
    )
    if entry is None or checkpoint is None:
        raise LookupError("the log lacks the receipt's leaf or checkpoint")
    path = tuple(prove(row.log_seq, checkpoint.size))
    return Receipt(statement(row), entry.decode(), row.log_seq, path, checkpoint.note)
