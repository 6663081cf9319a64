"""The opener killed at random moments and started again: the same record, each bid once."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import BidFile, BidOpening
from marketplace.bids.rules import BidState
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import clock
from marketplace.platform.audit import queries as log
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.files import LocalStorage
from tests.bids.conftest import Bidder, after
from tests.bids.crowd import Tell, fork, gather
from tests.demands.conftest import Stage
from tests.sealing.bench import small_bid
from tests.sizes import size

BIDS = size(6, 12)
KILLS = size(6, 200)


def demand_ready(storage: LocalStorage) -> int:
    """A demand with bids that enough custodians have released."""
    with db.transaction():
        now = clock.site_now()
        demand = Stage(now).published()
        key = demand.id
        names = gather(BIDS)
    for number, name in enumerate(names):
        with db.transaction() as session:
            Bidder(name, storage, now).seal(session.get_one(Demand, key), small_bid(number))
    with db.transaction() as session:
        demand = session.get_one(Demand, key)
        clock.move_to(after(demand, minutes=1))
        service.release_by_software(demand, stage=OpeningStage.FIRST, now=clock.site_now())
    return key


def record_of(key: int) -> Any:
    with db.transaction() as session:
        row = queries.stage_of(session.get_one(Demand, key), OpeningStage.FIRST)
        assert row is not None
        return row.record


def test_killed_at_random_and_resumed(real: Engine, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    key = demand_ready(storage)
    chance = random.Random(3)

    def work(tell: Tell) -> None:
        tell("begun")
        service.open_waiting(clock.wall_now(), storage=storage, scanner=None)

    for _ in range(KILLS):
        child = fork(real, work)
        threading.Event().wait(chance.uniform(0.0, 0.12))
        child.kill()
        child.wait()
        if record_of(key) is not None:
            break
    service.open_waiting(clock.wall_now(), storage=storage, scanner=None)
    service.open_waiting(clock.wall_now(), storage=storage, scanner=None)
    with db.transaction() as session:
        demand = session.get_one(Demand, key)
        assert demand.state is State.OPENED
        bids = queries.opened(demand)
        assert [bid.state for bid in bids] == [BidState.OPENED] * BIDS
        assert session.scalar(select(func.count()).select_from(BidOpening)) == 2 * BIDS
        assert session.scalar(select(func.count()).select_from(BidFile)) == 3 * BIDS
        for number, bid in enumerate(sorted(bids, key=lambda bid: bid.organisation.slug)):
            assert queries.opened_fields(bid, "price") == small_bid(number)["price"].fields
        kinds = dict(
            session.execute(
                select(AuditDetail.kind, func.count())
                .where(AuditDetail.kind.in_(("bid.open", "opening.record", "demand.open")))
                .group_by(AuditDetail.kind)
            ).all()
        )
        assert kinds == {"bid.open": BIDS, "opening.record": 1, "demand.open": 1}
        assert log.verify().ok
    record = record_of(key)
    assert len({line["bid"] for line in record["bids"]}) == len(record["bids"]) == BIDS


def test_one_demand_that_cannot_be_opened_holds_up_no_other(real: Engine, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files")
    broken = demand_ready(storage)
    with db.transaction() as session:
        session.get_one(Demand, broken).set_hash = "0" * 64  # a custodian set that nobody knows
        now = clock.site_now()
        sound = Stage(now).published().id
        Bidder("crowd000", storage, now).seal(session.get_one(Demand, sound), small_bid(1))
    with db.transaction() as session:
        demand = session.get_one(Demand, sound)
        clock.move_to(after(demand, minutes=1))
        service.release_by_software(demand, stage=OpeningStage.FIRST, now=clock.site_now())
    assert service.open_waiting(clock.wall_now(), storage=storage, scanner=None) == 1
    assert record_of(sound) is not None
    assert record_of(broken) is None
