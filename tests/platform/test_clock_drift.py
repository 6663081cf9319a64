"""A wall clock that somebody sets moves against CLOCK_BOOTTIME: submissions and openings stop until it is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.bids import service
from marketplace.bids.models import BidReceipt
from marketplace.notifications.models import Message
from marketplace.openings import jobs
from marketplace.platform import clock
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.errors import Unavailable
from marketplace.platform.files import LocalStorage
from tests.bids import making
from tests.bids.conftest import Bidder, now, stage, storage
from tests.client import Client
from tests.demands.conftest import Stage
from tests.factories import person

__all__ = ["now", "stage", "storage"]


@pytest.fixture
def strict() -> Iterator[None]:
    """As in production."""
    clock.configure(strict=True)
    yield
    clock.configure(strict=False)


def set_wall(seconds: float) -> None:
    """What a step of the wall clock leaves behind: the witness was taken so many seconds off."""
    clock.confirm_steady()
    row = clock.witness()
    assert row is not None
    row.started_s -= seconds
    db.session.commit()


def test_it_is_measured_from_the_first_look_on(session: object) -> None:
    assert clock.drift() == 0
    assert clock.observe() == 0
    assert abs(clock.observe()) < 1
    set_wall(+7)
    assert 6 < clock.drift() < 8
    assert 6 < clock.confirm_steady() < 8
    assert abs(clock.drift()) < 1


@pytest.mark.parametrize("seconds", [-6, 6])
def test_a_submission_is_refused_with_a_sentence_until_it_is_confirmed(
    strict: None, seconds: float, stage: Stage, storage: LocalStorage, sign_in: Callable[[str], Client]
) -> None:
    demand = stage.published()
    bidder = Bidder("bidder", storage, stage.now)
    bid = bidder.start(demand)
    submission = bidder.prepare(bid)
    db.session.commit()
    set_wall(seconds)
    client = sign_in("bidder")
    headers = {
        "X-CSRFToken": client.csrf_token(),
        "Accept": "application/json",
        "Idempotency-Key": "one-of-these-keys",
    }
    url = f"/bids/{bid.public_id}/sealing"
    answer = client.http.post(url, json=submission.to_json(), headers=headers)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "时钟与开机计时相差超过5秒" in answer.get_json()["detail"]
    assert db.session.scalars(select(BidReceipt)).all() == []

    admin = sign_in("sysadmin")
    page = admin.get("/admin/settings/clock")
    assert page.has("封标、撤回和开启已经停下")
    assert page.submit(reason="").status == 422
    assert page.submit(reason="与国家授时中心比对，误差在0.1秒内。").has("两者一致")
    leaf = db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "settings.clock")).one()
    assert abs(leaf.facts["drift_ms"] - seconds * 1000) < 1000
    # The very same request goes through now.
    assert client.http.post(url, json=submission.to_json(), headers=headers).status_code == 201


def test_an_opening_waits_and_the_administrators_are_told_once(
    strict: None, stage: Stage, storage: LocalStorage
) -> None:
    demand = making.sealed(stage, [None], storage=storage, custody="2-of-3")
    making.close(demand)
    set_wall(3600)
    with pytest.raises(Unavailable):
        service.freeze(demand, now=clock.site_now())
    with pytest.raises(Unavailable):
        making.release_as(demand, "custodian1")
    db.session.rollback()
    for _ in range(2):
        jobs.watch_clock(clock.site_now())
    told = db.session.scalars(select(Message.title).where(Message.user_id == person("sysadmin").id)).all()
    assert told.count("服务器时钟与开机计时相差超过5秒") == 1


def test_within_five_seconds_and_in_the_demo_nothing_stops(stage: Stage, storage: LocalStorage) -> None:
    demand = stage.published()
    set_wall(3600)
    Bidder("bidder", storage, stage.now).seal(demand)  # the demo only warns
    clock.configure(strict=True)
    try:
        set_wall(4)
        Bidder("rival", storage, stage.now).seal(demand)
    finally:
        clock.configure(strict=False)
    assert len(db.session.scalars(select(BidReceipt)).all()) == 2
