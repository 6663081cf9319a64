"""After the deadline: the set is frozen, custodians release, and at the k-th release it is opened or lapses.

``freeze`` fixes what the deadline fixed anyway. ``release`` is one custodian's act on one demand. Nothing is decrypted
before ``k`` of ``n`` have released and there are bids enough; the decrypting itself is ``unsealing``.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from marketplace import db
from marketplace.bids import queries
from marketplace.bids.models import (
    BidDecoy,
    BidFreeze,
    BidOpening,
    BidRelease,
    BidReleasedShare,
    BidShare,
    BidStage,
    BidVersion,
)
from marketplace.bids.rules import BidAction, BidState, Stage, envelopes_of
from marketplace.bids.service.moving import move
from marketplace.bids.service.sealing import destroy
from marketplace.custody import queries as custody
from marketplace.custody import software
from marketplace.custody.rules import SOFTWARE_ID
from marketplace.demands import service as demands
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.rules import State
from marketplace.platform import audit, outbox
from marketplace.platform.clock import steady_at
from marketplace.platform.errors import Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.sealing.custodians import CustodianSet, WrappedShare
from marketplace.platform.sealing.custodians import release as unwrap
from marketplace.platform.sealing.hpke import seal_to
from marketplace.platform.sealing.manifest import Manifest
from marketplace.platform.sealing.opening import read_manifest, share_is_right
from marketplace.platform.sealing.reasons import Reason, SealError
from marketplace.platform.sealing.wire import KEY_SIZE, BidRef, canonical, sha256, share_info

TOO_FEW = "too_few_bids"
PADDING = 32
"""A custodian fetches a multiple of so many shares per envelope: of 0, 1 and 20 bids he sees the same."""

Shares = Mapping[tuple[str, str], bytes | None]
"""(public id of the bid, envelope) → the share in clear, or ``None`` where it could not be opened."""


def lock(demand: Demand) -> datetime:
    """Lock the demand, then read the clock that decides; refused while that clock is in doubt."""
    db.lock(demand)
    return steady_at()


def custodian_set(demand: Demand) -> CustodianSet:
    frozen = custody.custodian_set(demand.set_hash)
    if frozen is None:
        raise Refused("这条需求没有固定的保管人集合，不能开启。")
    return frozen


def freeze(demand: Demand, *, now: datetime) -> BidFreeze:
    """Write down the set of live versions. It cannot change any more, so it does not matter when this is done.

    Log: ``opening.freeze`` with the hash of the salted set (an empty set cannot be told from a full one). Refused
    before the deadline and while suspended.
    """
    at = lock(demand)
    return _freeze(demand, at)


def _freeze(demand: Demand, at: datetime) -> BidFreeze:
    former = queries.last_freeze(demand)
    if former is not None and former.superseded_at is None:
        return former
    if demand.state is not State.PUBLISHED or demand.closes_at is None or at < demand.closes_at:
        raise Refused("还没有截止，标书集合不能固定。")
    versions = queries.versions_to_open(demand, Stage.FIRST)
    supersedes = {"supersedes": former.hash} if former is not None else {}
    document = {
        "format": "zhangbang-frozen-bids",
        **supersedes,
        "demand": demand.number,
        "closes_at": audit.timestamp(demand.closes_at),
        "set_hash": demand.set_hash,
        "salt": secrets.token_hex(32),
        "bids": [
            {"bid": version.bid.public_id, "version": version.version, "manifest_hash": version.manifest_hash}
            for version in versions
        ],
    }
    row = BidFreeze(
        demand_id=demand.id,
        round=former.round + 1 if former is not None else 1,
        document=document,
        hash=sha256(canonical(document)),
        frozen_at=at,
    )
    db.session.add(row)
    db.session.add(BidStage(demand_id=demand.id, stage=Stage.FIRST, called_at=demand.closes_at))
    db.session.add_all(_decoys(demand, Stage.FIRST, len(versions)))
    db.session.flush()
    facts = {"frozen": row.hash, **supersedes}
    leaf = audit.append("opening.freeze", subject=demand.audit_subject, actor=SYSTEM, at=at, facts=facts)
    leaf.on_numbered.append(lambda seq: setattr(row, "log_seq", seq))
    return row


def _decoys(demand: Demand, stage: Stage, bids: int) -> list[BidDecoy]:
    """Sealed nothings that fill up what each custodian fetches; the software custodian needs none.

    He cannot tell them from bids, so opening them rightly also shows that he uses the right key, and whoever spoils
    single shares would have to guess which of them matter.
    """
    frozen = custodian_set(demand)
    if len(frozen.custodians) == 1 or demand.number is None:
        return []
    chance, made = random.SystemRandom(), list[BidDecoy]()
    # Those of a set that was superseded stay: what disappeared between two looks would have been a decoy.
    there = bids + len({row.bid for row in queries.decoys(demand, stage, 1)})
    for _ in range(-there % PADDING or (PADDING if not there else 0)):
        ref = BidRef(demand.number, secrets.token_hex(16), chance.choices((1, 2, 3), (12, 4, 1))[0])
        for envelope in envelopes_of(stage, two_step=demand.said.two_step):
            for position, custodian in enumerate(frozen.custodians, start=1):
                nothing = bytes((position,)) + secrets.token_bytes(KEY_SIZE)
                sealed = seal_to(custodian.point, nothing, share_info(frozen.hash, ref, envelope, position))
                made.append(
                    BidDecoy(
                        demand_id=demand.id,
                        bid=ref.bid,
                        version=ref.version,
                        envelope=envelope,
                        position=position,
                        sealed=sealed,
                        answer_sha256=sha256(nothing),
                    )
                )
    return made


def reopen(proposal: DemandProposal, actor: Actor, now: datetime) -> None:
    """The supervisor has confirmed that bids are taken again after an outage: the frozen set is superseded, in public.

    Refused once a single custodian has released: what a share was given out for is not sealed any more.
    """
    demand = proposal.demand
    at = lock(demand)
    if queries.all_releases(demand):
        raise Refused("已有保管人释放了这条需求，标书不能再当作封存的，不能重开揭榜。")
    former = queries.freeze_of(demand)
    demands.reopen(proposal, superseded=former.hash if former is not None else "", actor=actor, now=at)
    if former is not None:
        former.superseded_at = at
        db.session.delete(db.session.get_one(BidStage, (demand.id, Stage.FIRST)))
    db.session.flush()


def call_prices(demand: Demand, *, now: datetime) -> BidStage:
    """Two-step, after all technical sheets are locked: from here on custodians may release the price envelopes of the
    eligible bids. Outbox: ``opening.prices_called``. Called by the review, once; again it changes nothing."""
    at = lock(demand)
    if not demand.said.two_step or demand.state is not State.REVIEWING:
        raise Refused("只有两步开启、正在评审的需求才能开启报价。")
    row = db.session.get(BidStage, (demand.id, Stage.PRICE))
    if row is None:
        row = BidStage(demand_id=demand.id, stage=Stage.PRICE, called_at=at)
        db.session.add(row)
        db.session.add_all(_decoys(demand, Stage.PRICE, len(queries.versions_to_open(demand, Stage.PRICE))))
        db.session.flush()
        subject = demand.audit_subject
        audit.append("opening.prices_called", subject=subject, actor=SYSTEM, at=at)
        outbox.emit("opening.prices_called", {"subject": subject}, at=at)
    return row


def shares_for(demand: Demand, *, stage: Stage, actor: Actor, now: datetime) -> list[WrappedShare]:
    """What this custodian's browser decrypts: his wrapped shares, in random order and padded with decoys.

    Freezes the set first. Refused before the deadline, for somebody else, and where there is nothing to release.
    """
    at = lock(demand)
    require("opening.release", actor, demand, at)
    _require_open(demand, stage, at)
    return _wrapped(demand, stage, _position(demand, actor))


def _wrapped(demand: Demand, stage: Stage, position: int) -> list[WrappedShare]:
    versions = {version.id: version for version in queries.versions_to_open(demand, stage)}
    names = envelopes_of(stage, two_step=demand.said.two_step)
    rows = db.session.scalars(
        select(BidShare).where(
            BidShare.version_id.in_(versions), BidShare.envelope.in_(names), BidShare.position == position
        )
    )
    found = [
        WrappedShare(demand.set_hash, versions[row.version_id].ref, row.envelope, position, row.sealed) for row in rows
    ]
    assert demand.number is not None
    found += [
        WrappedShare(demand.set_hash, BidRef(demand.number, row.bid, row.version), row.envelope, position, row.sealed)
        for row in queries.decoys(demand, stage, position)
    ]
    return sorted(found, key=lambda share: (share.ref.bid, share.envelope))


def _position(demand: Demand, actor: Actor) -> int:
    if actor.is_system:
        return 1
    return next(place for place, item in enumerate(demand.custodians, start=1) if item.user_id == actor.id)


def _require_open(demand: Demand, stage: Stage, at: datetime) -> BidStage:
    """The stage's row, where there still is something to release."""
    if stage is Stage.FIRST and demand.state is State.PUBLISHED:
        _freeze(demand, at)
    row = db.session.get(BidStage, (demand.id, stage))
    if row is None:
        raise Refused(
            "技术评分表还没有全部锁定，报价封套现在不能释放。" if stage is Stage.PRICE else "这条需求没有要释放的标书。"
        )
    if row.concluded_at is not None and not queries.blocked(demand, stage):
        raise Refused("这条需求已经开启完毕，不需要再释放。")
    wanted = State.PUBLISHED if stage is Stage.FIRST else State.REVIEWING
    if row.concluded_at is None and demand.state is not wanted:
        raise Refused("这条需求已经终止或暂停，不能释放。")
    return row


def release(demand: Demand, shares: Shares, *, stage: Stage, actor: Actor, now: datetime) -> BidRelease | None:
    """One custodian releases one stage of one demand. Log and outbox: ``opening.release``, without any count.

    Every share is compared with its commitment; a wrong or missing one is flagged and passed over, and its custodian
    may release again. At the k-th release: with fewer live bids than the minimum the demand lapses — nothing is kept,
    nothing is decrypted, ``None`` is returned —, else the worker begins to open.
    """
    at = lock(demand)
    require("opening.release", actor, demand, at)
    row = _require_open(demand, stage, at)
    position = _position(demand, actor)
    former = db.session.scalar(select(BidRelease).filter_by(demand_id=demand.id, stage=stage, position=position))
    if former is not None and all(share.right for share in former.shares):
        raise Refused("您已经释放过这条需求，不需要再次释放。")
    for decoy in queries.decoys(demand, stage, position):
        if sha256(shares.get((decoy.bid, decoy.envelope)) or b"") != decoy.answer_sha256:
            raise Refused("这把密钥打不开交给您的分片，没有释放任何内容。请检查所选的是不是张榜时登记的那份密钥文件。")
    versions = queries.versions_to_open(demand, stage)
    others = {item.position for item in queries.releases(demand, stage)} - {position}
    reached = len(others) + 1 >= custodian_set(demand).quorum
    facts = {"stage": str(stage), "position": position, "set_hash": demand.set_hash}
    audit.append("opening.release", subject=demand.audit_subject, actor=actor, at=at, facts=facts)
    outbox.emit("opening.release", {"subject": demand.audit_subject, **facts}, at=at)
    if reached and stage is Stage.FIRST and row.concluded_at is None and len(versions) < demand.said.min_bids:
        _lapse(demand, row, at=at)
        return None
    if former is not None:
        db.session.delete(former)
        db.session.flush()
    made = BidRelease(demand_id=demand.id, stage=stage, position=position, user_id=actor.id, released_at=at)
    made.shares = _checked(demand, versions, shares, stage)
    db.session.add(made)
    db.session.flush()
    if reached:
        _begin(demand, row, versions, at=at)
    return made


def _checked(demand: Demand, versions: list[BidVersion], shares: Shares, stage: Stage) -> list[BidReleasedShare]:
    return [
        BidReleasedShare(
            version_id=version.id,
            envelope=envelope,
            share=given,
            right=_is_right(version, envelope, given),
        )
        for version in versions
        for envelope in envelopes_of(stage, two_step=demand.said.two_step)
        for given in (shares.get((version.bid.public_id, envelope)),)
    ]


def _is_right(version: BidVersion, envelope: str, share: bytes | None) -> bool:
    """Against the manifest as the receipt states it; a damaged one flags nobody (the storage is restored first)."""
    try:
        manifest: Manifest = read_manifest(version.manifest, manifest_hash=version.manifest_hash)
    except SealError:
        return share is not None
    return share is not None and share_is_right(manifest, envelope, share[0] if share else 0, share)


def _begin(demand: Demand, row: BidStage, versions: list[BidVersion], *, at: datetime) -> None:
    """From here on the worker opens; what a former quorum could not open is tried again with the new shares."""
    if row.reached_at is None:
        row.reached_at = at
        if row.stage is Stage.FIRST:
            demands.note_release(demand, now=at)
    db.session.execute(
        delete(BidOpening).where(
            BidOpening.version_id.in_([version.id for version in versions]),
            BidOpening.outcome == "blocked",
            BidOpening.reason == Reason.SHARES_SHORT.code,
        )
    )
    row.due = True
    db.session.flush()


def retry(demand: Demand, *, now: datetime) -> None:
    """After the storage was restored: try again what it had blocked."""
    lock(demand)
    for row in db.session.scalars(
        select(BidStage).where(BidStage.demand_id == demand.id, BidStage.reached_at.is_not(None))
    ):
        ids = [version.id for version in queries.versions_to_open(demand, row.stage)]
        db.session.execute(delete(BidOpening).where(BidOpening.version_id.in_(ids), BidOpening.outcome == "blocked"))
        row.due = True
    db.session.flush()


def _lapse(demand: Demand, row: BidStage, *, at: datetime) -> None:
    """Fewer live bids than the minimum: nobody learns more than that. All shares are gone, opened or sealed."""
    _forget_shares(demand)
    demands.lapse(demand, actor=SYSTEM, now=at, code=TOO_FEW)
    for version in queries.versions_to_open(demand, Stage.FIRST):
        destroy(version.bid, reason=TOO_FEW, now=at)
    row.concluded_at = at
    db.session.flush()


def _forget_shares(demand: Demand) -> None:
    """Delete what custodians had released."""
    ids = select(BidRelease.id).where(BidRelease.demand_id == demand.id)
    db.session.execute(delete(BidReleasedShare).where(BidReleasedShare.release_id.in_(ids)))


def end(demand: Demand, *, now: datetime) -> int:
    """The demand was withdrawn or has lapsed: sealed bids are destroyed unopened, opened ones closed; each bidder gets
    his receipt or message. Returns how many. Done twice it does nothing twice."""
    if demand.state not in (State.WITHDRAWN, State.LAPSED):
        return 0
    at = lock(demand)
    touched = 0
    for bid in queries.unfinished(demand):
        if bid.state is BidState.SEALED:
            destroy(bid, reason=str(demand.state), now=at)
        else:
            move(bid, BidAction.CLOSE, actor=SYSTEM, now=at)
        touched += 1
    _forget_shares(demand)
    db.session.flush()
    return touched


def release_by_software(demand: Demand, *, stage: Stage, now: datetime) -> BidRelease | None:
    """Level 1-of-1: the platform's own custodian releases by itself. It protects against nobody who administers it."""
    at = lock(demand)
    frozen = custodian_set(demand)
    if [custodian.id for custodian in frozen.custodians] != [SOFTWARE_ID]:
        raise Refused("这条需求由保管人共同保管，系统不能代为释放。")
    _require_open(demand, stage, at)
    key = software.keyring().key(SOFTWARE_ID)
    wrapped = _wrapped(demand, stage, 1)
    shares = dict(zip([(item.ref.bid, item.envelope) for item in wrapped], unwrap(key, wrapped), strict=True))
    return release(demand, shares, stage=stage, actor=SYSTEM, now=now)
