"""The funnel of a lapsed demand: for whom, from when, and never more than may be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from marketplace import db
from marketplace.demands import service as demands
from marketplace.demands import views
from marketplace.demands.models import Demand
from marketplace.demands.rules import Action
from marketplace.diagnosis import queries
from marketplace.diagnosis.rules import Funnel, advice, share
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from marketplace.questions import service as questions
from tests.bids import making
from tests.bids.conftest import actor
from tests.client import Client
from tests.demands.conftest import Stage

SignIn = Callable[[str], Client]


@pytest.fixture
def storage(app: Flask) -> LocalStorage:
    found: LocalStorage = app.extensions["storage"]
    return found


def market(stage: Stage, storage: LocalStorage, sign_in: SignIn, **changes: Any) -> Demand:
    """Looked at seven times, two files fetched, followed, asked about; two drafts, one of them sealed."""
    demand = making.sealed(stage, [None], storage=storage, **changes)
    visitor = sign_in("rival")
    views.flush()
    for _ in range(7):
        visitor.get(f"/demands/{demand.number}")
    for _ in range(2):
        assert visitor.get(f"/demands/{demand.number}/sheet.docx").status == 200
    making.bidders(2, storage)[1].start(demand)
    questions.ask(demand, text="泊位数据能否提供接口？", actor=actor("rival"), now=stage.now)
    views.flush()
    db.session.commit()
    return demand


def test_too_few_bids_show_everything_but_their_number(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = market(stage, storage, sign_in, min_bids=3)
    making.close(demand)
    making.open_stage(demand, storage=storage)
    assert str(demand.state) == "lapsed"
    assert queries.funnel(demand) == Funnel(7, 2, 2, 1, 2, None, interested=2)
    page = sign_in("publisher").get(f"/demands/{demand.number}/diagnosis")
    assert page.has("有效揭榜少于3份")
    assert not page.has("有效揭榜 1")
    shown = [
        [cell.text_content() for cell in row.xpath("./span | ./b | ./small")]
        for row in page.html.xpath("//ol[contains(@class, 'funnel')]/li")
    ]
    assert shown == [
        ["浏览", "7次", ""],
        ["关注", "2家", "100%"],
        ["下载", "2次", ""],
        ["提问", "1家", "50%"],
        ["开始填写", "2家", "100%"],
        ["有效揭榜", "少于3家", ""],
    ]


def test_firms_are_counted_once_and_the_units_people_never(
    stage: Stage, storage: LocalStorage, sign_in: SignIn
) -> None:
    """Many questions, downloads and colleagues of few firms: no figure of firms is above those who took an interest."""
    demand = market(stage, storage, sign_in, min_bids=3)
    for text in ("供电由谁负责？", "点位图何时提供？", "验收由谁组织？"):
        questions.ask(demand, text=text, actor=actor("rival"), now=clock.site_now())
    for who in ("bidder_member", "drafter", "screener"):
        demands.follow(demand, actor=actor(who), now=clock.site_now())
    for _ in range(9):
        sign_in("rival").get(f"/demands/{demand.number}/sheet.docx")
    views.flush()
    making.close(demand)
    making.open_stage(demand, storage=storage)
    counted = queries.funnel(demand)
    assert (counted.follows, counted.questions, counted.drafts, counted.interested) == (2, 1, 2, 2)
    assert counted.downloads > counted.views
    shares = sign_in("publisher").get(f"/demands/{demand.number}/diagnosis").html.xpath("//ol//small/text()")
    assert shares == ["100%", "50%", "100%"]


def test_after_an_opening_the_number_of_bids_is_known(stage: Stage, storage: LocalStorage, sign_in: SignIn) -> None:
    demand = market(stage, storage, sign_in, min_bids=1)
    making.close(demand)
    making.open_stage(demand, storage=storage)
    demands.propose(demand, Action.LAPSE, reason="没有合格的标书。", actor=actor("publisher"), now=clock.site_now())
    proposal = demand.open_proposal
    assert proposal is not None
    demands.confirm(proposal, actor=actor("publisher2"), now=clock.site_now())
    db.session.commit()
    assert queries.funnel(demand).bids == 1
    for who in ("publisher", "supervisor", "drafter", "approver"):
        page = sign_in(who).get(f"/demands/{demand.number}/diagnosis")
        assert page.has("有效揭榜"), who
        assert f"/demands/{demand.number}/diagnosis" in sign_in(who).get(f"/demands/{demand.number}").links()


def test_before_the_lapse_there_is_nothing_and_others_never_see_it(
    stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client
) -> None:
    demand = market(stage, storage, sign_in, min_bids=3)
    url = f"/demands/{demand.number}/diagnosis"
    for who in ("publisher", "drafter", "supervisor", "bidder"):
        assert sign_in(who).get(url).status == 404
        assert url not in sign_in(who).get(f"/demands/{demand.number}").links()
    making.close(demand)
    db.session.commit()
    for who in ("publisher", "drafter", "supervisor"):
        assert sign_in(who).get(url).status == 404
    making.open_stage(demand, storage=storage)
    for who in ("bidder", "rival", "screener", "expert1", "other_drafter", "sysadmin"):
        client = sign_in(who)
        assert client.get(url).status == 403, who
        assert url not in client.get(f"/demands/{demand.number}").links()
    assert visitor.get(url).status == 302


def test_shares_and_advice() -> None:
    assert (share(61, 100), share(1, 3), share(0, 0)) == ("61%", "33%", "—")
    assert Funnel(100, 3, 0, 0, 2, 2, interested=3).narrowest() == "follows"
    assert Funnel(100, 50, 0, 0, 2, 2, interested=50).narrowest() == "drafts"
    assert Funnel(10, 9, 0, 0, 9, 1, interested=9).narrowest() == "bids"
    assert Funnel(10, 9, 0, 0, 9, None, interested=9).narrowest() is None
    assert Funnel(3, 1, 0, 0, 0, 0, interested=1).narrowest() is None
    assert advice(Funnel(3, 1, 0, 0, 0, 0, interested=1)).startswith("数字还少")
