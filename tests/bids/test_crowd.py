"""Many at once, in processes of their own: over the deadline's second, under one key, and killed at any moment."""

from __future__ import annotations

import pickle
import random
import secrets
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import Bid, BidParticipant, BidReceipt, BidShare, BidVersion
from marketplace.bids.rules import BidState
from marketplace.bids.service import Late
from marketplace.demands.models import Demand
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.files import LocalStorage
from tests.bids.conftest import Bidder, after
from tests.bids.crowd import Child, Tell, fork, gather
from tests.demands.conftest import Stage
from tests.sizes import size

PROCESSES = 4
KILLS = size(20, 200)
SECOND = 1.0


class Market:
    """A published demand and a crowd of bidders, committed for everybody to see."""

    def __init__(self, engine: Engine, folder: Path, count: int) -> None:
        self.engine, self.storage = engine, LocalStorage(folder / "files")
        with db.transaction():
            self.now = clock.site_now()
            demand = Stage(self.now).published()
            self.demand_id, self.closes_at = demand.id, demand.closes_at
            self.names = gather(count)

    @property
    def demand(self) -> Demand:
        return db.session.get_one(Demand, self.demand_id)

    def bidder(self, name: str) -> Bidder:
        return Bidder(name, self.storage, self.now)


@pytest.fixture
def market(real: Engine, tmp_path: Path) -> Any:
    return lambda count: Market(real, tmp_path, count)


def finish(children: list[Child]) -> list[Any]:
    """What all of them said; a child that ended badly fails the test with its own words."""
    said = [thing for child in children for thing in child.wait()]
    assert [thing["error"] for thing in said if "error" in thing] == []
    return said


def test_over_the_deadlines_second_the_logged_time_decides(market: Any) -> None:
    """64 submissions from four processes: accepted exactly when decided before the deadline, the rest leave a leaf."""
    crowd = market(64)
    prepared = {}
    for name in crowd.names:
        with db.transaction():
            bidder = crowd.bidder(name)
            bid = bidder.start(crowd.demand)
            prepared[name] = (bid.public_id, bidder.prepare(bid))
    order = random.Random(7).sample(crowd.names, len(crowd.names))
    with db.transaction():
        clock.move_to(after(crowd.demand, seconds=-SECOND))

    def commit_all(tell: Tell, mine: list[str]) -> None:
        for name in mine:
            public_id, submission = prepared[name]
            # Spread evenly from half a second before the deadline to half a second after it.
            due = crowd.closes_at + timedelta(seconds=SECOND * (order.index(name) / len(order) - 0.5))
            with db.transaction():
                ahead = (due - clock.site_now()).total_seconds()
            if ahead > 0:
                threading.Event().wait(ahead)
            with db.transaction():
                bid = db.session.scalars(select(Bid).where(Bid.public_id == public_id)).one()
                outcome = crowd.bidder(name).commit(bid, submission)
                at = outcome.decided_at if isinstance(outcome, Late) else outcome.at
                result = [public_id, isinstance(outcome, Late), at.isoformat()]
            tell(result)

    said = finish(
        [fork(crowd.engine, lambda tell, n=n: commit_all(tell, order[n::PROCESSES])) for n in range(PROCESSES)]  # type: ignore[misc]
    )
    assert len(said) == 64
    deadline = crowd.closes_at.isoformat()
    assert [late for _, late, at in said] == [at >= deadline for _, late, at in said]
    accepted = {public_id for public_id, late, _ in said if not late}
    assert 0 < len(accepted) < 64
    with db.transaction() as session:
        rows = session.execute(select(Bid.public_id, BidVersion.decided_at).join(BidVersion)).all()
        assert {row.public_id for row in rows} == accepted
        assert max(row.decided_at for row in rows) < crowd.closes_at
        sealed = session.scalars(select(Bid.public_id).where(Bid.state == BidState.SEALED)).all()
        assert (set(sealed), len(sealed)) == (accepted, len(rows))
        assert session.scalar(select(func.count()).select_from(BidReceipt)) == len(accepted)
        assert session.scalar(select(func.count()).select_from(BidParticipant)) == len(accepted)
        kinds = [list(facts) for facts in session.scalars(records())]
        assert sorted(kinds) == sorted([["receipt"]] * len(accepted) + [["late"]] * (64 - len(accepted)))
        assert log.verify().ok


def records() -> Any:
    return select(AuditDetail.facts).where(AuditDetail.kind == service.sealing.LEAF).order_by(AuditDetail.seq)


def test_one_key_from_four_processes_is_one_bid(market: Any) -> None:
    """500 retries of one request, all at once: one version, one receipt, one leaf."""
    crowd = market(1)
    with db.transaction():
        bidder = crowd.bidder(crowd.names[0])
        bid = bidder.start(crowd.demand)
        submission = bidder.prepare(bid)

    def retry(tell: Tell) -> None:
        for _ in range(size(100, 500) // PROCESSES):
            with db.transaction():
                again = db.session.scalars(select(Bid)).one()
                receipt = crowd.bidder(crowd.names[0]).commit(again, submission, key="the-same")
                result = receipt.public_id
            tell(result)

    said = finish([fork(crowd.engine, retry) for _ in range(PROCESSES)])
    assert (len(said), len(set(said))) == (size(100, 500), 1)
    with db.transaction() as session:
        assert session.scalars(select(BidVersion.version)).all() == [1]
        assert len(session.scalars(records()).all()) == 1


class Shopper:
    """One client that seals, replaces and withdraws without end, and after a crash repeats the request it had sent."""

    def __init__(self, crowd: Market, name: str, folder: Path) -> None:
        self.crowd, self.name, self.pending = crowd, name, folder / f"{name}.pending"

    def run(self, tell: Tell) -> None:
        """Never ends by itself."""
        while True:
            self.once(tell)

    def once(self, tell: Tell, *, may_withdraw: bool = True) -> None:
        """One request; its answer is told after its transaction was committed, as a browser would get it."""
        if not self.pending.exists():
            self.plan(may_withdraw=may_withdraw)
        key, submission = pickle.loads(self.pending.read_bytes())
        tell({"asked": key})
        with db.transaction():
            bid = self.bid()
            bidder = self.crowd.bidder(self.name)
            if submission is None:
                receipt = service.withdraw(bid, idempotency_key=key, actor=bidder.actor)
            else:
                receipt = bidder.commit(bid, submission, key=key)
            assert isinstance(receipt, BidReceipt)
            answer = {"key": key, "receipt": receipt.public_id}
        tell(answer)
        self.pending.unlink()

    def plan(self, *, may_withdraw: bool) -> None:
        """Upload what the next request commits to, and remember the request before it is sent."""
        with db.transaction():
            bid, bidder = self.bid(), self.crowd.bidder(self.name)
            withdrawing = may_withdraw and bid.state is BidState.SEALED and secrets.randbelow(4) == 0
            request = (secrets.token_hex(8), None if withdrawing else bidder.prepare(bid))
        draft = self.pending.with_suffix(".new")
        draft.write_bytes(pickle.dumps(request))
        draft.rename(self.pending)

    def bid(self) -> Bid:
        return self.crowd.bidder(self.name).start(self.crowd.demand)


def check_whole(crowd: Market, answered: dict[str, str]) -> None:
    """Nothing acknowledged is lost, nothing is half there, and the log says exactly what the tables say."""
    with db.transaction() as session:
        receipts = {row.idempotency_key: row for row in session.scalars(select(BidReceipt))}
        assert {key: receipts[key].public_id for key in answered} == answered
        leaves = dict(
            session.execute(select(AuditDetail.seq, AuditDetail.facts).where(AuditDetail.kind == "sealed.record")).all()
        )
        written = {row.log_seq: {"receipt": queries.statement(row).hash} for row in receipts.values()}
        assert leaves == written
        shares = dict(session.execute(select(BidShare.version_id, func.count()).group_by(BidShare.version_id)).all())
        alive, taking_part = set(), set(session.scalars(select(BidParticipant.bid_id)))
        for bid in session.scalars(select(Bid)):
            numbers = [version.version for version in bid.versions]
            assert numbers == list(range(1, bid.version + 1))
            sealed = [row for row in receipts.values() if row.bid_id == bid.id and row.act == "sealed"]
            assert sorted(row.version for row in sealed) == numbers
            if bid.state is BidState.SEALED:
                alive.add(bid.versions[-1].id)
                assert bid.id in taking_part
            else:
                assert bid.id not in taking_part
        assert shares == dict.fromkeys(alive, 2)


def test_killed_at_any_moment_nothing_acknowledged_is_lost(market: Any, tmp_path: Path) -> None:
    """SIGKILL to one of four clients, again and again; the next one of its name repeats what had no answer."""
    crowd = market(PROCESSES)
    shoppers = [Shopper(crowd, name, tmp_path) for name in crowd.names]
    for shopper in shoppers:
        with db.transaction():
            shopper.bid()
    answered: dict[str, str] = {}
    unanswered = 0
    chance = random.Random(11)
    rounds = KILLS // PROCESSES
    for _ in range(rounds):
        running = [fork(crowd.engine, shopper.run) for shopper in shoppers]
        for child in chance.sample(running, PROCESSES):
            threading.Event().wait(chance.uniform(0.02, 0.25))
            child.kill()
        for child in running:
            said = child.wait()
            assert [thing for thing in said if "error" in thing] == []
            acknowledged = {thing["key"]: thing["receipt"] for thing in said if "receipt" in thing}
            asked = {thing["asked"] for thing in said if "asked" in thing}
            unanswered += len(asked - set(acknowledged))
            answered.update(acknowledged)
        check_whole(crowd, answered)
    assert len(answered) >= rounds
    assert unanswered > 0
    with db.transaction():
        assert log.verify().ok
        assert log.altered_details() == []
