"""Reading bids: an organisation's own and nothing of anybody else's, who may bid, receipts with their proofs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, inspect, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from marketplace import db
from marketplace.accounts.models import Affiliate, Organisation
from marketplace.accounts.rules import OrganisationState, Role
from marketplace.bids.content import Price, Technical, price_from, technical_from
from marketplace.bids.models import (
    Bid,
    BidDecoy,
    BidderKey,
    BidDraft,
    BidFile,
    BidFreeze,
    BidMember,
    BidOpening,
    BidPart,
    BidParticipant,
    BidPiece,
    BidReceipt,
    BidRelease,
    BidStage,
    BidVersion,
)
from marketplace.bids.rules import LIVE, WAS_OPENED, BidState, Stage, Standing, envelopes_of
from marketplace.custody import software
from marketplace.demands.models import Demand
from marketplace.platform import audit
from marketplace.platform.audit.models import AuditCheckpoint, AuditLeaf
from marketplace.platform.audit.queries import prove
from marketplace.platform.files.storage import ChunkReader, Storage
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.container import decrypt
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


def affiliates(organisation: Organisation) -> list[Affiliate]:
    """As its profile names them; asked of the database only where the list that loaded it did not bring them along."""
    if "affiliates" not in inspect(organisation).unloaded:
        return organisation.affiliates
    rows = select(Affiliate).where(Affiliate.organisation_id == organisation.id).order_by(Affiliate.id)
    return list(db.session.scalars(rows))


def affiliation(unit: Organisation, bidder: Organisation) -> str:
    """The name by which the two are affiliated, by credit codes in either profile; empty when they are not."""
    names: list[dict[str, str]] = []
    for organisation in (unit, bidder):
        known = {item.credit_code: item.name for item in affiliates(organisation)}
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


# -- the opening ---------------------------------------------------------------------------------------------------


def freeze_of(demand: Demand) -> BidFreeze | None:
    """The frozen set that holds, once it is written down."""
    query = select(BidFreeze).where(BidFreeze.demand_id == demand.id, BidFreeze.superseded_at.is_(None))
    return db.session.scalar(query)


def last_freeze(demand: Demand) -> BidFreeze | None:
    """The newest frozen set, superseded or not."""
    query = select(BidFreeze).where(BidFreeze.demand_id == demand.id).order_by(BidFreeze.round.desc()).limit(1)
    return db.session.scalar(query)


def stage_of(demand: Demand, stage: Stage) -> BidStage | None:
    """How far an opening has come."""
    return db.session.get(BidStage, (demand.id, stage))


def releases(demand: Demand, stage: Stage) -> list[BidRelease]:
    """Who has released a stage, in order of position."""
    query = select(BidRelease).filter_by(demand_id=demand.id, stage=stage).order_by(BidRelease.position)
    return list(db.session.scalars(query))


def all_releases(demand: Demand) -> list[BidRelease]:
    """Releases of both stages as they came."""
    return list(db.session.scalars(select(BidRelease).filter_by(demand_id=demand.id).order_by(BidRelease.id)))


def decoys(demand: Demand, stage: Stage, position: int) -> list[BidDecoy]:
    """The sealed nothings for one custodian."""
    names = envelopes_of(stage, two_step=demand.said.two_step)
    query = select(BidDecoy).where(
        BidDecoy.demand_id == demand.id, BidDecoy.position == position, BidDecoy.envelope.in_(names)
    )
    return list(db.session.scalars(query))


def _last_versions(demand: Demand) -> Select[BidVersion]:
    return (
        select(BidVersion)
        .join(Bid, (Bid.id == BidVersion.bid_id) & (Bid.version == BidVersion.version))
        .where(Bid.demand_id == demand.id)
        .order_by(BidVersion.decided_at, Bid.public_id)
        .options(joinedload(BidVersion.bid).joinedload(Bid.demand), joinedload(BidVersion.bid, Bid.organisation))
    )


def versions_to_open(demand: Demand, stage: Stage) -> list[BidVersion]:
    """What this stage opens and has not advanced yet: the live versions, or the eligible bids' for the price."""
    wanted = LIVE if stage is Stage.FIRST else {BidState.ELIGIBLE}
    return list(db.session.scalars(_last_versions(demand).where(Bid.state.in_(wanted))))


def recorded_versions(demand: Demand) -> list[BidVersion]:
    """Every version that took part in the opening, with its bidder and members."""
    took_part = WAS_OPENED | LIVE | {BidState.UNOPENABLE}
    members = joinedload(BidVersion.bid).selectinload(Bid.members).joinedload(BidMember.organisation)
    return list(db.session.scalars(_last_versions(demand).where(Bid.state.in_(took_part)).options(members)))


def all_outcomes(version_ids: Sequence[int]) -> dict[int, list[BidOpening]]:
    """What became of each version's envelopes, technical before price."""
    found: dict[int, list[BidOpening]] = {}
    query = select(BidOpening).where(BidOpening.version_id.in_(version_ids)).options(undefer(BidOpening.form))
    for row in db.session.scalars(query.order_by(BidOpening.envelope.desc())):
        found.setdefault(row.version_id, []).append(row)
    return found


def outcomes(version_ids: Sequence[int], stage: Stage, *, two_step: bool) -> dict[int, list[BidOpening]]:
    """The same for the envelopes of one stage."""
    names = envelopes_of(stage, two_step=two_step)
    rows = all_outcomes(version_ids)
    return {key: [row for row in rows.get(key, []) if row.envelope in names] for key in version_ids}


def blocked(demand: Demand, stage: Stage) -> bool:
    """Whether an envelope still waits for other shares or a restored storage."""
    ids = [version.id for version in versions_to_open(demand, stage)]
    query = select(BidOpening.version_id).where(BidOpening.version_id.in_(ids), BidOpening.outcome == "blocked")
    return db.session.scalar(query.limit(1)) is not None


def unfinished(demand: Demand) -> list[Bid]:
    """Bids that end with their demand: sealed ones unopened, opened ones as they stand."""
    states = LIVE | {BidState.OPENED, BidState.CURE, BidState.ELIGIBLE}
    return list(db.session.scalars(select(Bid).where(Bid.demand_id == demand.id, Bid.state.in_(states))))


def opened(demand: Demand) -> list[Bid]:
    """Bids whose content was read at the opening, in the order of the record. Nothing before the record exists."""
    return list(
        db.session.scalars(
            select(Bid)
            .join(BidVersion, (Bid.id == BidVersion.bid_id) & (Bid.version == BidVersion.version))
            .where(Bid.demand_id == demand.id, Bid.state.in_(WAS_OPENED))
            .order_by(BidVersion.decided_at, Bid.public_id)
            .options(joinedload(Bid.organisation), selectinload(Bid.members).joinedload(BidMember.organisation))
        )
    )


def _opening(bid: Bid, envelope: str) -> BidOpening | None:
    return db.session.scalar(
        select(BidOpening)
        .join(BidVersion, BidVersion.id == BidOpening.version_id)
        .where(
            BidVersion.bid_id == bid.id,
            BidVersion.version == bid.version,
            BidOpening.envelope == envelope,
            BidOpening.outcome == "opened",
        )
        .options(undefer(BidOpening.form))
    )


def _decrypted(container: bytes, bid: Bid, envelope: str) -> dict[str, Any]:
    key = software.keyring().storage_key()
    chunks = decrypt(io.BytesIO(container), dek=key, ref=bid.ref(bid.version), envelope=envelope, part=0)
    said: dict[str, Any] = json.loads(b"".join(chunks))
    return said


def opened_fields(bid: Bid, envelope: str) -> dict[str, Any] | None:
    """What the bidder typed into an envelope, as he sealed it; ``None`` while it is not opened."""
    if bid.state not in WAS_OPENED or (row := _opening(bid, envelope)) is None or row.form is None:
        return None
    fields: dict[str, Any] = _decrypted(row.form, bid, envelope)["fields"]
    return fields


def all_opened_fields(opened_bids: Sequence[Bid], envelope: str) -> dict[int, dict[str, Any]]:
    """The same for many bids of one demand in one statement, by bid id; unopened ones are absent."""
    known = {bid.id: bid for bid in opened_bids if bid.state in WAS_OPENED}
    rows = db.session.execute(
        select(BidVersion.bid_id, BidOpening.form)
        .join(BidVersion, BidVersion.id == BidOpening.version_id)
        .join(Bid, (Bid.id == BidVersion.bid_id) & (Bid.version == BidVersion.version))
        .where(Bid.id.in_(known), BidOpening.envelope == envelope, BidOpening.outcome == "opened")
    )
    return {key: _decrypted(form, known[key], envelope)["fields"] for key, form in rows if form is not None}


def all_opened_files(opened_bids: Sequence[Bid]) -> dict[int, list[BidFile]]:
    """The opened files of many bids in one statement, by bid id."""
    known = {bid.id for bid in opened_bids if bid.state in WAS_OPENED}
    rows = db.session.execute(
        select(BidVersion.bid_id, BidFile)
        .join(BidVersion, BidVersion.id == BidFile.version_id)
        .join(Bid, (Bid.id == BidVersion.bid_id) & (Bid.version == BidVersion.version))
        .where(Bid.id.in_(known))
        .order_by(BidFile.envelope.desc(), BidFile.part)
    )
    found: dict[int, list[BidFile]] = {}
    for key, file in rows:
        found.setdefault(key, []).append(file)
    return found


def opened_form(bid: Bid, envelope: str) -> Technical | Price | None:
    """An opened envelope's form as ``content`` has it; what cannot be read in it is a finding of ``validity``."""
    fields = opened_fields(bid, envelope)
    if fields is None:
        return None
    return technical_from(fields) if envelope == "technical" else price_from(fields)


def opened_files(bid: Bid) -> list[BidFile]:
    """The opened files, technical before price, each with its finding and what the scanner said."""
    if bid.state not in WAS_OPENED:
        return []
    query = (
        select(BidFile)
        .join(BidVersion, BidVersion.id == BidFile.version_id)
        .where(BidVersion.bid_id == bid.id, BidVersion.version == bid.version)
        .order_by(BidFile.envelope.desc(), BidFile.part)
    )
    return list(db.session.scalars(query))


def file_chunks(bid: Bid, file: BidFile, *, storage: Storage) -> Iterator[bytes]:
    """The bytes of an opened file, piece by piece, from the storage. Serve them as a download, never inline."""
    return decrypt(
        ChunkReader(storage.stream(file.stored_sha256)),
        dek=software.keyring().storage_key(),
        ref=bid.ref(bid.version),
        envelope=file.envelope,
        part=file.part,
    )


def prices(version: BidVersion, row: BidOpening) -> Price:
    """An opened price envelope, for the record."""
    assert row.form is not None
    return price_from(_decrypted(row.form, version.bid, row.envelope)["fields"])
