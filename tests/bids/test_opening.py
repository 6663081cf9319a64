"""From the deadline to the record, on a real database: exactly at k of n, each bid once, none stopping another."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import BidOpening, BidRelease, BidReleasedShare, BidShare, BidStage
from marketplace.bids.rules import BidAction, BidState
from marketplace.bids.rules import Stage as OpeningStage
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.demands.rules import Action, State
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Forbidden, Refused
from marketplace.platform.files import LocalStorage
from marketplace.platform.sealing.wire import canonical, sha256
from tests.bids import contents, making
from tests.bids.conftest import actor, after, travel_to
from tests.demands.conftest import Stage
from tests.sealing.bench import content_of, small_bid

FIRST, PRICE = OpeningStage.FIRST, OpeningStage.PRICE


def read(demand: Demand, username: str, storage: LocalStorage) -> Any:
    """Everything an opened bid says: (fields, file name → bytes) by envelope."""
    bid = making.bid_of(demand, username)
    files: dict[str, dict[str, bytes]] = {"technical": {}, "price": {}}
    for file in queries.opened_files(bid):
        files[file.envelope][file.name] = b"".join(queries.file_chunks(bid, file, storage=storage))
    return {name: (queries.opened_fields(bid, name), files[name]) for name in files}


def test_what_was_sealed_is_read_and_nothing_before(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [small_bid(1), small_bid(2)], storage=storage)
    making.close(demand)
    assert queries.opened(demand) == []
    assert queries.opened_fields(making.bid_of(demand, "bidder"), "price") is None
    assert making.open_stage(demand, storage=storage)
    assert demand.state is State.OPENED
    assert [bid.state for bid in queries.opened(demand)] == [BidState.OPENED] * 2
    assert read(demand, "bidder", storage) == content_of(small_bid(1))
    assert read(demand, "rival", storage) == content_of(small_bid(2))


def test_the_content_comes_back_as_it_was_written(stage: Stage, storage: LocalStorage) -> None:
    demand = stage.published()
    written = contents.technical(demand.said), contents.price(demand.said)
    making.seal_all(demand, [contents.complete(demand.said)], storage=storage)
    making.close(demand)
    making.open_stage(demand, storage=storage)
    bid = making.bid_of(demand, "bidder")
    assert (queries.opened_form(bid, "technical"), queries.opened_form(bid, "price")) == written


def test_the_record_is_hashed_into_the_log(stage: Stage, storage: LocalStorage) -> None:
    demand = making.opened(stage, [None, None], storage=storage)
    row = queries.stage_of(demand, FIRST)
    assert row is not None
    assert row.record is not None
    assert row.record_hash == sha256(canonical(row.record))
    assert [line["bidder"] for line in row.record["bids"]] == ["河洛智感科技有限公司", "中原云图信息技术有限公司"]
    assert [line["price"]["total_fen"] for line in row.record["bids"]] == [123_456_00, 123_456_00]
    leaf = db.session.scalar(select(AuditDetail).where(AuditDetail.kind == "opening.record"))
    assert leaf is not None
    assert leaf.facts["record"] == row.record_hash


@pytest.mark.parametrize(("level", "quorum", "count"), [("1-of-1", 1, 1), ("2-of-3", 2, 3), ("3-of-5", 3, 5)])
def test_every_subset_of_releases(
    stage: Stage, storage: LocalStorage, session: Session, level: str, quorum: int, count: int
) -> None:
    """Opens exactly when at least k of n have released, whoever they are."""
    demand = making.sealed(stage, [small_bid(1)], storage=storage, custody=level)
    making.close(demand)
    if level != "1-of-1":
        service.freeze(demand, now=clock.site_now())
    names = making.custodians(level)
    for size in range(count + 1):
        for who in combinations(range(count), size):
            nested = session.begin_nested()
            for place in who:
                if level == "1-of-1":
                    service.release_by_software(demand, stage=FIRST, now=clock.site_now())
                else:
                    making.release_as(demand, names[place])
            due = session.scalar(select(BidStage.due)) or False
            assert due == (size >= quorum), who
            if due:
                assert service.open_now(demand, stage=FIRST, storage=storage)
                assert read(demand, "bidder", storage) == content_of(small_bid(1))
            else:
                assert not service.open_now(demand, stage=FIRST, storage=storage)
                assert session.scalar(select(func.count()).select_from(BidOpening)) == 0
                assert demand.state is State.PUBLISHED
            nested.rollback()
            session.expire_all()


@pytest.mark.parametrize("level", ["1-of-1", "2-of-3"])
def test_fewer_than_the_minimum_lapse_unread(stage: Stage, storage: LocalStorage, level: str) -> None:
    demand = making.sealed(stage, [None, None], storage=storage, custody=level, min_bids=3)
    making.close(demand)
    assert not making.open_stage(demand, storage=storage)
    assert demand.state is State.LAPSED
    for username in ("bidder", "rival"):
        bid = making.bid_of(demand, username)
        assert (bid.state, bid.reason) == (BidState.DESTROYED, "too_few_bids")
        assert queries.receipts(bid)[0].act == "destroyed"
    for table in (BidShare, BidOpening, BidReleasedShare):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0
    leaf = db.session.scalar(select(AuditDetail).where(AuditDetail.kind == "demand.lapse"))
    assert leaf is not None
    assert leaf.facts["code"] == "too_few_bids"


def test_exactly_the_minimum_is_opened(stage: Stage, storage: LocalStorage) -> None:
    demand = making.opened(stage, [None] * 3, storage=storage, min_bids=3)
    assert demand.state is State.OPENED
    assert len(queries.opened(demand)) == 3


def test_a_custodian_sees_the_same_of_no_bid_and_of_twenty(stage: Stage, storage: LocalStorage) -> None:
    shapes = []
    batch = stage.batch()
    for count in (0, 1, 20):
        demand = making.sealed(stage, [None] * count, storage=storage, custody="2-of-3", batch=batch)
        making.close(demand)
        wrapped = service.shares_for(demand, stage=FIRST, actor=actor("custodian1"), now=clock.site_now())
        shapes.append([(item.envelope, item.index, len(item.sealed)) for item in wrapped])
        assert wrapped == service.shares_for(demand, stage=FIRST, actor=actor("custodian1"), now=clock.site_now())
        making.release_as(demand, "custodian1")
        stage.now = clock.site_now()
    assert shapes[0] == shapes[1] == shapes[2]
    assert len(shapes[0]) == 64


def test_who_may_release_and_when(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [None], storage=storage, custody="2-of-3")
    with pytest.raises(Forbidden, match="还没有到截止时间"):
        making.release_as(demand, "custodian1")
    with pytest.raises(Refused, match="还没有截止"):
        service.freeze(demand, now=clock.site_now())
    making.close(demand)
    for username in ("publisher", "bidder", "sysadmin", "supervisor"):
        with pytest.raises(Forbidden, match="公告的保管人"):
            service.release(demand, {}, stage=FIRST, actor=actor(username), now=clock.site_now())
    with pytest.raises(Refused, match="系统不能代为释放"):
        service.release_by_software(demand, stage=FIRST, now=clock.site_now())
    with pytest.raises(Refused, match="评分表还没有全部锁定"):
        service.release(demand, {}, stage=PRICE, actor=actor("custodian1"), now=clock.site_now())
    assert making.release_as(demand, "custodian1")
    with pytest.raises(Refused, match="已经释放过"):
        making.release_as(demand, "custodian1")
    making.release_as(demand, "custodian2")
    assert service.open_now(demand, stage=FIRST, storage=storage)
    with pytest.raises(Refused, match="已经开启完毕"):
        making.release_as(demand, "custodian3")


def test_another_key_is_told_before_anything_is_kept(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [None], storage=storage, custody="2-of-3")
    making.close(demand)
    nothing = dict.fromkeys(making.shares_of(demand, "custodian1"))
    with pytest.raises(Refused, match="打不开交给您的分片"):
        making.release_as(demand, "custodian1", shares=nothing)
    assert db.session.scalars(select(BidRelease)).all() == []


def test_a_wrong_share_is_flagged_and_the_others_open_it(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [small_bid(1), small_bid(2)], storage=storage, custody="2-of-3")
    making.close(demand)
    victim = making.bid_of(demand, "bidder").public_id
    spoilt = making.shares_of(demand, "custodian1")
    spoilt[victim, "price"] = b"\1" + bytes(32)
    making.release_as(demand, "custodian1", shares=spoilt)
    flagged = db.session.scalars(select(BidReleasedShare).where(BidReleasedShare.right.is_(False))).all()
    assert [row.envelope for row in flagged] == ["price"]
    making.release_as(demand, "custodian2")
    assert service.open_now(demand, stage=FIRST, storage=storage)
    assert demand.state is State.OPENED
    assert making.bid_of(demand, "bidder").state is BidState.SEALED  # waits for another share
    assert [bid.organisation.slug for bid in queries.opened(demand)] == ["rival"]
    first = queries.stage_of(demand, FIRST)
    assert first is not None
    former = first.record_hash
    making.release_as(demand, "custodian3")
    assert service.open_now(demand, stage=FIRST, storage=storage)
    assert read(demand, "bidder", storage) == content_of(small_bid(1))
    assert first.record is not None
    assert first.record["former"] == former


def test_two_liars_of_two_open_nothing_and_the_third_mends_it(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [small_bid(1)], storage=storage, custody="2-of-3")
    making.close(demand)
    victim = making.bid_of(demand, "bidder").public_id
    spoilt = making.shares_of(demand, "custodian1")
    honest = dict(spoilt)
    spoilt[victim, "technical"] = None
    making.release_as(demand, "custodian1", shares=spoilt)
    making.release_as(demand, "custodian2")
    assert not service.open_now(demand, stage=FIRST, storage=storage)
    assert demand.state is State.PUBLISHED
    making.release_as(demand, "custodian1", shares=honest)  # he may release again
    assert service.open_now(demand, stage=FIRST, storage=storage)
    assert read(demand, "bidder", storage) == content_of(small_bid(1))


def test_shares_in_clear_do_not_outlive_the_opening(stage: Stage, storage: LocalStorage) -> None:
    making.opened(stage, [None], storage=storage, custody="2-of-3")
    assert set(db.session.scalars(select(BidReleasedShare.share))) == {None}


def test_the_frozen_set_is_salted_and_fixed(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [None], storage=storage)
    making.close(demand)
    frozen = service.freeze(demand, now=clock.site_now())
    assert frozen.hash == sha256(canonical(frozen.document))
    assert [item["bid"] for item in frozen.document["bids"]] == [making.bid_of(demand, "bidder").public_id]
    assert len(frozen.document["salt"]) == 64
    travel_to(after(demand, days=1))
    assert service.freeze(demand, now=clock.site_now()) is frozen
    leaf = db.session.scalar(select(AuditDetail).where(AuditDetail.kind == "opening.freeze"))
    db.session.commit()
    assert frozen.log_seq is not None
    assert leaf is None or leaf.facts == {"frozen": frozen.hash}


def test_two_steps(stage: Stage, storage: LocalStorage) -> None:
    demand = making.opened(stage, [small_bid(1), small_bid(2)], storage=storage, custody="2-of-3", two_step=True)
    row = queries.stage_of(demand, FIRST)
    assert row is not None
    assert row.record is not None
    assert [line["price"] for line in row.record["bids"]] == [None, None]
    first = making.bid_of(demand, "bidder")
    assert queries.opened_fields(first, "technical") == small_bid(1)["technical"].fields
    assert queries.opened_fields(first, "price") is None
    with pytest.raises(Refused, match="正在评审"):
        service.call_prices(demand, now=clock.site_now())
    admit = {"actor": actor("screener"), "now": clock.site_now()}
    service.move(first, BidAction.ADMIT, **admit)
    service.move(making.bid_of(demand, "rival"), BidAction.REJECT, **admit)
    db.session.execute(update(Demand).where(Demand.id == demand.id).values(state="reviewing"))
    service.call_prices(demand, now=clock.site_now())
    assert making.open_stage(demand, storage=storage, stage=PRICE)
    assert demand.state is State.REVIEWING
    assert read(demand, "bidder", storage) == content_of(small_bid(1))
    assert queries.opened_fields(making.bid_of(demand, "rival"), "price") is None  # never opened
    prices = queries.stage_of(demand, PRICE)
    assert prices is not None
    assert prices.record is not None
    said = [line["price"] and line["price"]["total_fen"] for line in prices.record["bids"]]
    assert said == [123_456_00, None]


def test_withdrawing_destroys_unread(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [None, None], storage=storage)
    demands.withdraw(demand, reason="规划调整", actor=actor("publisher"), now=clock.site_now())
    assert service.end(demand, now=clock.site_now()) == 2
    assert service.end(demand, now=clock.site_now()) == 0
    bid = making.bid_of(demand, "bidder")
    assert (bid.state, bid.reason) == (BidState.DESTROYED, "withdrawn")
    assert db.session.scalars(select(BidShare)).all() == []
    assert [row.act for row in queries.receipts(bid)] == ["destroyed", "sealed"]
    making.close(demand)
    with pytest.raises(Refused, match="没有要释放"):
        service.release_by_software(demand, stage=FIRST, now=clock.site_now())


def test_once_released_by_enough_it_cannot_be_withdrawn(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [None], storage=storage)
    making.close(demand)
    proposal = demands.propose(
        demand, Action.WITHDRAW, reason="规划调整", actor=actor("publisher"), now=clock.site_now()
    )
    service.release_by_software(demand, stage=FIRST, now=clock.site_now())
    with pytest.raises(Forbidden, match="不能再撤榜"):
        demands.confirm(proposal, actor=actor("supervisor"), now=clock.site_now())


def test_an_extension_keeps_the_shares(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [small_bid(1)], storage=storage, custody="2-of-3")
    before = demand.closes_at
    demands.extend(
        demand, closes_at=after(demand, days=7), reason="企业请求", actor=actor("publisher"), now=clock.site_now()
    )
    assert before is not None
    travel_to(before)
    with pytest.raises(Forbidden, match="还没有到截止时间"):
        making.release_as(demand, "custodian1")
    making.close(demand)
    assert making.open_stage(demand, storage=storage)
    assert read(demand, "bidder", storage) == content_of(small_bid(1))


def test_a_suspended_demand_is_not_opened(stage: Stage, storage: LocalStorage) -> None:
    demand = making.sealed(stage, [small_bid(1)], storage=storage)
    demands.suspend(demand, reason="核查", actor=actor("publisher"), now=clock.site_now())
    making.close(demand)
    with pytest.raises(Refused, match="没有要释放"):
        service.release_by_software(demand, stage=FIRST, now=clock.site_now())
    demands.resume(demand, actor=actor("publisher"), now=clock.site_now())
    making.close(demand)
    assert making.open_stage(demand, storage=storage)
    assert read(demand, "bidder", storage) == content_of(small_bid(1))
