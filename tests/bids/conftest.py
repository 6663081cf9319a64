"""A published demand, and bidders who seal as the browser does: encrypt, upload piece by piece, commit."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.bids import queries, service
from marketplace.bids.models import Bid, BidReceipt
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage, Storage
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.manifest import Manifest, Submission
from marketplace.platform.sealing.orgkey import OrganisationKey
from marketplace.platform.sealing.seal import Content, seal
from marketplace.platform.sealing.wire import sha256
from tests import factories
from tests.demands.conftest import Stage
from tests.sealing.bench import small_bid


@pytest.fixture
def now(session: Session) -> datetime:
    return clock.site_now()


@pytest.fixture
def stage(now: datetime) -> Stage:
    return Stage(now)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files", durable=False)  # nothing here asks what a power cut leaves


@pytest.fixture
def demand(stage: Stage) -> Demand:
    return stage.published()


def actor(username: str) -> Actor:
    return actor_of(factories.person(username))


def travel_to(instant: datetime) -> None:
    """Set the site clock; what is decided from here on is decided at ``instant`` or a moment later."""
    clock.move_to(instant)
    db.session.flush()


@dataclass
class Bidder:
    """One person of one organisation with its key, and what his browser does for him."""

    username: str
    storage: Storage
    now: datetime
    key: OrganisationKey = field(default_factory=OrganisationKey.generate)

    @property
    def actor(self) -> Actor:
        return actor(self.username)

    def start(self, demand: Demand) -> Bid:
        person = factories.person(self.username)
        assert person.organisation is not None
        return service.start(demand, organisation=person.organisation, actor=self.actor, now=self.now)

    def prepare(self, bid: Bid, contents: dict[str, Content] | None = None) -> Submission:
        """Encrypt and upload everything; gives what the commit sends."""
        sheet = service.sheet(bid)
        uploaded: dict[tuple[str, int], list[bytes]] = {}
        submission = seal(
            contents or small_bid(len(self.username)),
            ref=sheet.ref,
            replaces=sheet.replaces,
            custodians=sheet.custodians,
            own_key=self.key,
            store=lambda envelope, part, pieces: uploaded.__setitem__((envelope, part), list(pieces)),
        )
        manifest = Manifest.parse(submission.manifest)
        place = {"version": sheet.ref.version, "storage": self.storage, "actor": self.actor, "now": self.now}
        for (envelope, part), pieces in uploaded.items():
            for number, data in enumerate(pieces):
                service.put_piece(
                    bid, envelope=envelope, part=part, piece=number, data=data, piece_hash=sha256(data), **place
                )
            committed = manifest.envelope(envelope).part(part)
            assert committed is not None
            service.finish_part(bid, committed, envelope=envelope, **place)
        return submission

    def commit(self, bid: Bid, submission: Submission, key: str | None = None) -> Any:
        return service.seal(bid, submission, idempotency_key=key or secrets.token_hex(8), actor=self.actor)

    def seal(self, demand: Demand, contents: dict[str, Content] | None = None) -> BidReceipt:
        """The whole way, committed to the database."""
        bid = queries.of_organisation(demand, factories.person(self.username).organisation_id or 0)
        bid = bid or self.start(demand)
        receipt = self.commit(bid, self.prepare(bid, contents))
        assert isinstance(receipt, BidReceipt)
        db.session.commit()
        return receipt


@pytest.fixture
def bidder(storage: Storage, now: datetime) -> Bidder:
    return Bidder("bidder", storage, now)


@pytest.fixture
def rival(storage: Storage, now: datetime) -> Bidder:
    return Bidder("rival", storage, now)


def after(demand: Demand, **delta: float) -> datetime:
    """An instant relative to the deadline."""
    assert demand.closes_at is not None
    return demand.closes_at + timedelta(**delta)
