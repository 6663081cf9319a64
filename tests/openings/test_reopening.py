"""The platform was down over the deadline: publisher proposes, supervisor confirms, bids are taken again, in public."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import BidFreeze
from marketplace.bids.rules import BidState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.notifications.models import Message
from marketplace.openings import jobs
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.files import LocalStorage
from marketplace.platform.outbox.service import drain
from marketplace.platform.working_days import BEIJING
from tests.bids import making
from tests.bids.conftest import Bidder, after, travel_to
from tests.client import Client, Page
from tests.demands.conftest import Stage
from tests.factories import person

SignIn = Callable[[str], Client]
WHY = "机房停电，平台从下午四点起无法访问。"


@pytest.fixture
def demand(stage: Stage, storage: LocalStorage) -> Demand:
    """Two bids sealed, the deadline passed an hour ago, the set frozen when the platform came back."""
    made = making.sealed(stage, [None, None], storage=storage, custody="2-of-3")
    travel_to(after(made, hours=1))
    jobs.run(clock.site_now(), storage=storage, scanner=None)
    return db.session.get_one(Demand, made.id)


def typed(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%dT%H:%M}"


def propose(sign_in: SignIn, demand: Demand, **changes: str) -> Page:
    page = sign_in("publisher").get(f"/demands/{demand.number}/reopening")
    assert page.has("监督员确认后立即生效")
    times = {"began_at": typed(after(demand, hours=-2)), "ended_at": typed(after(demand, minutes=30))}
    return page.submit(**{"reason": WHY, **times, **changes})


def decide(sign_in: SignIn, demand: Demand, who: str = "supervisor") -> Page:
    proposal = demand.open_proposal
    assert proposal is not None
    return sign_in(who).get(f"/demands/{demand.number}/proposals/{proposal.id}/decision")


def test_two_people_reopen_it_and_everything_is_public(
    demand: Demand, stage: Stage, storage: LocalStorage, sign_in: SignIn, visitor: Client
) -> None:
    number, closed_at, first = demand.number, demand.closes_at, queries.freeze_of(demand)
    assert closed_at is not None
    assert first is not None
    assert propose(sign_in, demand).status == 200
    demand = db.session.get_one(Demand, demand.id)
    assert demand.closes_at == closed_at  # nothing yet: one person has only proposed
    page = decide(sign_in, demand)
    assert page.has("原截止时间")
    assert page.has(WHY)
    page.submit(answer="yes")
    demand = db.session.get_one(Demand, demand.id)
    now = clock.site_now()
    assert demand.state is State.PUBLISHED
    assert demand.accepts_bids(now)
    assert demand.closes_at is not None
    assert demand.closes_at - now >= timedelta(hours=2, minutes=30)
    assert demand.closes_at.astimezone(BEIJING).hour == 17

    # What no longer holds stays on record, and the log says so.
    assert queries.freeze_of(demand) is None
    assert first.superseded_at is not None
    leaf = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "demand.reopen")).one()
    assert leaf.facts["superseded"] == first.hash
    assert {"before", "closes_at", "outage_from", "outage_until"} <= set(leaf.facts)
    history = visitor.get(f"/demands/{number}/history")
    assert history.has("重开揭榜")
    assert history.has(WHY)
    assert history.has("平台中断")
    assert visitor.get(f"/demands/{number}/opening").has("揭榜截止")

    # The bidders and custodians are told; mails name nothing.
    drain(now)
    for username in ("bidder", "rival", "custodian1", "drafter"):
        told = db.session.scalars(select(Message.title).where(Message.user_id == person(username).id)).all()
        assert any(title.startswith("平台中断，揭榜已重开") for title in told), username

    # A sealed bid may be replaced, another one stays as it is; the second freeze names the first.
    Bidder("bidder", storage, now).seal(demand)
    travel_to(after(demand, minutes=1))
    jobs.run(clock.site_now(), storage=storage, scanner=None)
    demand = db.session.get_one(Demand, demand.id)
    second = queries.freeze_of(demand)
    assert second is not None
    assert (second.round, second.document["supersedes"]) == (2, first.hash)
    live = {making.bid_of(demand, name).public_id: making.bid_of(demand, name).version for name in ("bidder", "rival")}
    assert {item["bid"]: item["version"] for item in second.document["bids"]} == live
    assert sorted(live.values()) == [1, 2]
    assert making.open_stage(demand, storage=storage)
    assert demand.state is State.OPENED
    assert {making.bid_of(demand, name).state for name in ("bidder", "rival")} == {BidState.OPENED}


def test_custodians_fetch_the_same_number_before_and_after(
    demand: Demand, sign_in: SignIn, storage: LocalStorage
) -> None:
    """Decoys stay, so that nobody tells them from bids by what disappeared."""
    before = {item.ref.bid for item in making_shares(demand)}
    propose(sign_in, demand)
    decide(sign_in, db.session.get_one(Demand, demand.id)).submit(answer="yes")
    travel_to(after(db.session.get_one(Demand, demand.id), minutes=1))
    again = {item.ref.bid for item in making_shares(db.session.get_one(Demand, demand.id))}
    assert (len(before), again) == (32, before)


def making_shares(demand: Demand) -> list[object]:
    actor = making.actor_of(person("custodian1"))
    return list(service.shares_for(demand, stage=making.OpeningStage.FIRST, actor=actor, now=clock.site_now()))


def test_the_proposer_cannot_confirm_and_the_supervisor_may_refuse(demand: Demand, sign_in: SignIn) -> None:
    propose(sign_in, demand)
    closed_at = demand.closes_at
    demand = db.session.get_one(Demand, demand.id)
    assert decide(sign_in, demand, "publisher").submit(answer="yes").status == 403
    assert decide(sign_in, demand, "publisher2").submit(answer="yes").status == 403
    decide(sign_in, demand).submit(answer="no", reason="监测记录没有中断。")
    demand = db.session.get_one(Demand, demand.id)
    assert (demand.closes_at, demand.open_proposal) == (closed_at, None)
    assert queries.freeze_of(demand) is not None


def test_once_a_custodian_has_released_it_stays_closed(demand: Demand, sign_in: SignIn) -> None:
    propose(sign_in, demand)
    making.release_as(demand, "custodian1")
    db.session.commit()
    page = decide(sign_in, db.session.get_one(Demand, demand.id)).submit(answer="yes")
    assert page.status == 409
    assert page.has("已有保管人释放了这条需求")
    assert len(db.session.scalars(select(BidFreeze).where(BidFreeze.superseded_at.is_(None))).all()) == 1


@pytest.mark.parametrize(
    ("began", "ended", "sentence"),
    [
        ({"hours": -2}, {"hours": -1}, "中断没有跨过截止时刻"),
        ({"minutes": 10}, {"minutes": 20}, "中断没有跨过截止时刻"),
        ({"hours": -1}, {"hours": -2}, "中断结束须晚于中断开始"),
        ({"hours": -1}, {"days": 2}, "中断还没有结束"),
        ({"days": -300}, {"minutes": 1}, "中断开始早于张榜"),
    ],
)
def test_an_outage_that_does_not_fit_is_refused_and_kept(
    demand: Demand, sign_in: SignIn, began: dict[str, float], ended: dict[str, float], sentence: str
) -> None:
    page = propose(sign_in, demand, began_at=typed(after(demand, **began)), ended_at=typed(after(demand, **ended)))
    assert page.status == 422
    assert page.has(sentence)
    assert WHY in page.text
    assert db.session.get_one(Demand, demand.id).open_proposal is None


def test_before_the_deadline_it_is_an_extension(stage: Stage, sign_in: SignIn) -> None:
    open_still = stage.published()
    page = sign_in("publisher").get(f"/demands/{open_still.number}/work")
    assert not page.has("提出重开揭榜")
    page = propose(sign_in, open_still)
    assert page.status == 409
    assert page.has("还没有截止的请办理延期")
