"""撤榜 and 延期 end to end: what a publisher does to sealed bids, and what each bidder holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries
from marketplace.bids.models import Bid, BidOpening, BidShare
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.platform import audit, clock
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.service import drain
from marketplace.platform.sealing.receipt import verify
from tests.bids import making
from tests.client import Client
from tests.demands.conftest import Stage

SignIn = Callable[[str], Client]


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    found: LocalStorage = app.extensions["storage"]
    return found


def test_a_withdrawn_demand_destroys_its_bids_unread_with_receipts(
    stage: Stage, storage: LocalStorage, sign_in: SignIn
) -> None:
    number = making.sealed(stage, [None, None], storage=storage).number
    page = sign_in("publisher").get(f"/demands/{number}/withdrawal")
    assert page.has("已封存的标书不开启，直接销毁，并给出凭据")
    page.submit(reason="项目资金来源调整，暂不实施。")
    drain(clock.site_now(), only="openings")
    demand = db.session.scalars(select(Demand).where(Demand.number == number)).one()
    assert str(demand.state) == "withdrawn"
    bids = db.session.scalars(select(Bid).where(Bid.demand_id == demand.id)).all()
    assert [(bid.state, bid.reason) for bid in bids] == [(BidState.DESTROYED, "withdrawn")] * 2
    assert db.session.scalars(select(BidShare)).all() == []
    assert db.session.scalars(select(BidOpening)).all() == []
    for bid in bids:
        receipts = queries.receipts(bid)
        assert [row.act for row in receipts] == ["destroyed", "sealed"]
        verify(queries.receipt(receipts[0]), [audit.service.signer().verifier])
    own = making.bid_of(demand, "bidder")
    assert sign_in("bidder").get(f"/bids/{own.public_id}").has("未开启即销毁")
    assert sign_in("rival").get(f"/bids/{own.public_id}").status == 404
    assert sign_in("rival").get(f"/demands/{number}/history").has("项目资金来源调整，暂不实施")


def test_an_extension_keeps_sealed_bids_and_is_public(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = making.sealed(stage, [None], storage=storage)
    number, before = demand.number, demand.closes_at
    assert before is not None
    later = (before + timedelta(days=7)).date().isoformat()
    page = sign_in("publisher").get(f"/demands/{number}/extension")
    names = [name for name in page.form() if name not in ("csrf_token", "reason")]
    page.submit(**{names[0]: later}, reason="多家企业反映踏勘时间不足。")
    db.session.expire_all()
    assert demand.closes_at is not None
    assert demand.closes_at > before
    assert making.bid_of(demand, "bidder").state is BidState.SEALED
    assert sign_in("rival").get(f"/demands/{number}/history").has("多家企业反映踏勘时间不足")
