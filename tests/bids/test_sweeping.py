"""Ciphertext that is no part of a bid goes away; what somebody may still need stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import create_app, db, worker
from marketplace.bids import service
from marketplace.bids.models import Bid, BidDraft, BidPart, BidPiece, BidWaste
from marketplace.bids.rules import ABANDONED_KEPT, UNFINISHED_KEPT, WASTE_KEPT
from marketplace.config import Config
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.wire import sha256
from tests.bids import making
from tests.bids.conftest import Bidder, after, travel_to

MOMENT = timedelta(minutes=1)


def chunk(mark: int) -> bytes:
    return b"JBS1\1\0\0\0" + bytes((value * 7 + mark) % 256 for value in range(20_000))


def put(bidder: Bidder, bid: Bid, mark: int, *, part: int = 1, piece: int = 0) -> str:
    data = chunk(mark)
    service.put_piece(
        bid, version=bid.next_version, envelope="technical", part=part, piece=piece, data=data,
        piece_hash=sha256(data), storage=bidder.storage, actor=bidder.actor, now=clock.site_now(),
    )  # fmt: skip
    db.session.commit()
    return sha256(data)


def kept(storage: LocalStorage) -> set[str]:
    return set(storage.hashes())


def sweep(storage: LocalStorage) -> int:
    return service.sweep(clock.site_now(), storage=storage)


def test_a_replaced_chunk_goes_after_a_day_and_not_before(
    demand: Demand, bidder: Bidder, storage: LocalStorage
) -> None:
    bid = bidder.start(demand)
    first, second = put(bidder, bid, 1), put(bidder, bid, 2)
    assert (sweep(storage), kept(storage)) == (0, {first, second})
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    assert (sweep(storage), kept(storage)) == (1, {second})
    assert db.session.scalars(select(BidWaste)).all() == []
    assert sweep(storage) == 0


def test_what_is_named_again_is_no_waste(demand: Demand, bidder: Bidder, storage: LocalStorage) -> None:
    bid = bidder.start(demand)
    first = put(bidder, bid, 1)
    put(bidder, bid, 2)
    assert put(bidder, bid, 1) == first  # the same bytes once more: an upload that was repeated
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    assert (sweep(storage), kept(storage)) == (1, {first})


def test_an_upload_that_nobody_went_on_with_goes_after_a_week(
    demand: Demand, bidder: Bidder, storage: LocalStorage
) -> None:
    bid = bidder.start(demand)
    put(bidder, bid, 1, part=1)
    travel_to(clock.site_now() + UNFINISHED_KEPT - timedelta(days=1))
    alive = {put(bidder, bid, 2, part=2, piece=0)}
    travel_to(clock.site_now() + timedelta(days=1) + MOMENT)
    sweep(storage)
    assert [row.part for row in db.session.scalars(select(BidPiece))] == [2]
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    sweep(storage)
    assert kept(storage) == alive


def test_a_finished_draft_stays_while_bids_are_taken_and_goes_a_month_after(
    demand: Demand, bidder: Bidder, rival: Bidder, storage: LocalStorage
) -> None:
    sealed, draft = bidder.start(demand), rival.start(demand)
    bidder.seal(demand)
    bidder.prepare(sealed)  # a second version, never sealed
    rival.prepare(draft)
    wraps = {name: bytes(60) for name in ("technical", "price")}
    service.save_draft(draft, version=1, own_wraps=wraps, actor=rival.actor, now=clock.site_now())
    db.session.commit()
    of_the_bid = {row.sha256 for row in db.session.scalars(select(BidPiece).filter_by(bid_id=sealed.id, version=1))}
    everything = kept(storage)
    travel_to(after(demand, minutes=-1))
    sweep(storage)
    assert kept(storage) == everything
    travel_to(after(demand, minutes=1) + ABANDONED_KEPT)
    sweep(storage)
    assert kept(storage) == everything
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    sweep(storage)
    assert kept(storage) == of_the_bid
    assert db.session.scalars(select(BidDraft)).all() == []
    assert {(row.bid_id, row.version) for row in db.session.scalars(select(BidPart))} == {(sealed.id, 1)}
    # What was sealed opens as if nothing had happened.
    demand = db.session.get_one(Demand, demand.id)
    assert making.open_stage(demand, storage=storage)
    assert making.bid_of(demand, "bidder").state == "opened"


def test_a_suspended_demand_keeps_its_drafts(demand: Demand, bidder: Bidder, storage: LocalStorage) -> None:
    bid = bidder.start(demand)
    bidder.prepare(bid)
    everything = kept(storage)
    demand.state = State.SUSPENDED
    demand.suspended_at = clock.site_now()
    db.session.commit()
    travel_to(after(demand, days=400))
    sweep(storage)
    assert kept(storage) == everything


def test_the_job_uses_the_storage_of_the_site_made_last(app: Flask, config: Config, demand: Demand) -> None:
    """As the worker runs it: first the rows go, a day later the files. (Other tests may have made other sites.)"""
    storage = create_app(config, engine=app.extensions["engine"]).extensions["storage"]
    bidder = Bidder("bidder", storage, clock.site_now())
    bid = bidder.start(demand)
    digest = put(bidder, bid, 91)
    travel_to(clock.site_now() + UNFINISHED_KEPT + MOMENT)
    db.session.commit()
    worker.run("bid sweep")
    assert storage.size(digest) is not None
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    db.session.commit()
    worker.run("bid sweep")
    assert storage.size(digest) is None


@pytest.mark.parametrize("count", [1, 1200])
def test_thousands_go_in_steps(demand: Demand, bidder: Bidder, storage: LocalStorage, count: int) -> None:
    bid = bidder.start(demand)
    old = clock.site_now()
    db.session.add_all(
        BidPiece(bid_id=bid.id, version=1, envelope="technical", part=1 + number // 50, piece=number % 50,
                 sha256=f"{number:064x}", size=1, uploaded_at=old)
        for number in range(count)
    )  # fmt: skip
    db.session.commit()
    travel_to(old + UNFINISHED_KEPT + MOMENT)
    sweep(storage)
    assert db.session.scalars(select(BidPiece)).all() == []
    travel_to(clock.site_now() + WASTE_KEPT + MOMENT)
    assert sweep(storage) == count
