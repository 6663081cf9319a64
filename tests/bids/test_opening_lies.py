"""Lies and accidents through the database opening: each found for its own reason, and the honest bid opens beside it.

The mutants are those of ``tests/sealing/test_mutants.py``; here what they made is stored as a bidder who lies would
have it stored, and goes the whole way from the release to the record.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import Bid, BidPiece, BidShare, BidVersion
from marketplace.bids.rules import BidState
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.custody.models import CustodySet
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.custodians import release as unwrap
from marketplace.platform.sealing.reasons import Fault, Reason
from marketplace.platform.sealing.wire import sha256
from tests import factories
from tests.bids import making
from tests.bids.conftest import actor
from tests.demands.conftest import Stage
from tests.sealing.bench import REF, small_bid
from tests.sealing.test_mutants import MUTANTS, OFFICE, Case
from tests.sizes import size

FIRST = OpeningStage.FIRST
STORED = {name: pair for name, pair in MUTANTS.items() if pair[0].fault is not Fault.REQUEST}
CUSTODIANS = ("custodian1", "custodian2", "custodian3")


@pytest.fixture
def demand(stage: Stage) -> Demand:
    """The demand that the mutants were made for, kept by the custodians they were made for."""
    batch = stage.batch()
    found = [stage.published(batch=batch, custody="2-of-3", custodians=making.custodians("2-of-3")) for _ in range(3)]
    demand = found[-1]
    assert demand.number == REF.demand
    db.session.add(CustodySet(hash=OFFICE.set.hash, document=OFFICE.set.to_json(), frozen_at=stage.now))
    demand.set_hash = OFFICE.set.hash
    db.session.flush()
    return demand


def store(demand: Demand, case: Case, storage: LocalStorage) -> Bid:
    """A sealed bid as the tables would hold it, whatever is in it."""
    now = clock.decided_at()
    bid = Bid(
        public_id=REF.bid, demand=demand, organisation=factories.organisation("firm"), created_at=now, answers_version=1
    )
    bid.state, bid.version = BidState.SEALED, 1
    db.session.add(bid)
    db.session.flush()
    data = case.submission.manifest
    version = BidVersion(
        bid=bid,
        demand_id=demand.id,
        version=1,
        manifest=data,
        manifest_hash=sha256(data),
        own_wraps={},
        demand_version=1,
        decided_at=now,
    )
    version.shares = [
        BidShare(envelope=name, position=place, sealed=sealed)
        for name, shares in case.submission.wrapped_shares.items()
        for place, sealed in enumerate(shares, start=1)
    ]
    db.session.add(version)
    for (envelope, part), blob in case.store.blobs.items():
        kept = storage.put((blob,))
        db.session.add(
            BidPiece(
                bid_id=bid.id,
                version=1,
                envelope=envelope,
                part=part,
                piece=0,
                sha256=kept.sha256,
                size=len(blob),
                uploaded_at=now,
            )
        )
    db.session.flush()
    return bid


def release(demand: Demand, case: Case, username: str) -> None:
    """One custodian of the office, who may lie about the mutant's bid."""
    place = CUSTODIANS.index(username) + 1
    who = actor(username)
    wrapped = service.shares_for(demand, stage=FIRST, actor=who, now=clock.site_now())
    shares = dict(
        zip([(item.ref.bid, item.envelope) for item in wrapped], unwrap(OFFICE.keys[place - 1], wrapped), strict=True)
    )
    for envelope, changed in case.releases.items():
        if place in changed:
            shares[REF.bid, envelope] = changed[place]
    service.release(demand, shares, stage=FIRST, actor=who, now=clock.site_now())


def run(demand: Demand, case: Case, storage: LocalStorage) -> Bid:
    bid = store(demand, case, storage)
    making.close(demand)
    for username in CUSTODIANS[:2]:
        release(demand, case, username)
    service.open_now(demand, stage=FIRST, storage=storage)
    return bid


def test_there_are_enough() -> None:
    assert len(STORED) >= 40


def test_every_mutant_is_found_for_its_reason_and_stops_nobody(
    demand: Demand, storage: LocalStorage, session: Session
) -> None:
    making.bidders(2, storage)[1].seal(demand, small_bid(5))
    for name, (reason, change) in STORED.items():
        nested = session.begin_nested()
        case = Case.fresh()
        change(case)
        bid = run(demand, case, storage)
        rows = queries.all_outcomes([bid.versions[0].id])[bid.versions[0].id]
        codes = {row.reason for row in rows if row.reason}
        final = reason.fault is Fault.BIDDER
        assert reason.code in codes, (name, codes)
        assert bid.state is (BidState.UNOPENABLE if final else BidState.SEALED), name
        rival = making.bid_of(demand, "rival")
        assert rival.state is BidState.OPENED, name
        assert queries.opened_fields(rival, "price") == small_bid(5)["price"].fields, name
        nested.rollback()
        session.expire_all()


@dataclass
class Flip:
    """One changed byte of what is stored."""

    where: str
    place: float
    bit: int

    def spoil(self, data: bytes) -> bytes:
        at = int(self.place * len(data))
        return data[:at] + bytes((data[at] ^ 1 << self.bit,)) + data[at + 1 :]


def test_every_flipped_byte_is_found(demand: Demand, storage: LocalStorage, session: Session) -> None:
    """In a ciphertext, a manifest, a wrapped share: never opened as if nothing were, and the other bid opens."""
    making.bidders(2, storage)[1].seal(demand, small_bid(5))
    chance = random.Random(11)
    for _ in range(size(24, 2_000)):
        flip = Flip(chance.choice(("part", "part", "manifest", "share")), chance.random(), chance.randrange(8))
        nested = session.begin_nested()
        case = Case.fresh()
        if flip.where == "share":
            shares = dict(case.submission.wrapped_shares)
            technical = list(shares["technical"])
            technical[0] = flip.spoil(technical[0])
            shares["technical"] = tuple(technical)
            object.__setattr__(case.submission, "wrapped_shares", shares)
        bid = store(demand, case, storage)
        if flip.where == "part":
            key = chance.choice(sorted(case.store.blobs))
            path = storage.path(sha256(case.store.blobs[key]))
            whole = path.read_bytes()
            path.write_bytes(flip.spoil(whole))
        elif flip.where == "manifest":
            spoilt = flip.spoil(case.submission.manifest)
            bid.versions[0].__dict__["manifest"] = spoilt  # the table refuses the change; a damaged page would not
        making.close(demand)
        for username in CUSTODIANS[:2]:
            release(demand, case, username)
        if flip.where == "manifest":
            bid.versions[0].__dict__["manifest"] = spoilt
        service.open_now(demand, stage=FIRST, storage=storage)
        assert bid.state is BidState.SEALED, flip
        reasons = {row.reason for row in queries.all_outcomes([bid.versions[0].id])[bid.versions[0].id]}
        wanted = {"part": Reason.PART_HASH, "manifest": Reason.MANIFEST_HASH, "share": Reason.SHARES_SHORT}
        assert wanted[flip.where].code in reasons, (flip, reasons)
        assert making.bid_of(demand, "rival").state is BidState.OPENED, flip
        if flip.where == "part":
            path.write_bytes(whole)
        nested.rollback()
        session.expire_all()
