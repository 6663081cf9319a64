"""Two people at once, on real connections."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select
from sqlalchemy.orm.exc import StaleDataError

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.platform import audit, clock, outbox
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Conflict
from marketplace.platform.outbox import OutboxRow
from tests import factories
from tests.demands.samples import content
from tests.sizes import size

ROUNDS = size(40, 200)
WRITERS, COMMITS = size(8, 64), size(10, 50)


def _actor(username: str):
    return actor_of(factories.person(username))


def test_two_editors_never_overwrite_each_other(real):
    with db.transaction():
        key = service.create(
            unit=factories.organisation("unit"), content=content(), actor=_actor("drafter"), now=clock.site_now()
        ).key
    start = threading.Barrier(2)

    def edit(username: str, text: str) -> str:
        try:
            with db.transaction() as session:
                demand = session.scalar(select(Demand).where(Demand.key == key))
                actor = _actor(username)
                seen = demand.lock_version
                session.commit()  # the editor reads, thinks, and saves later
                start.wait(20)
                demand = session.scalar(
                    select(Demand).where(Demand.key == key).execution_options(populate_existing=True)
                )
                service.save(demand, content(title=text), seen_version=seen, actor=actor, now=clock.site_now())
            return "saved"
        except (Conflict, StaleDataError):
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        for round_ in range(ROUNDS):
            titles = {"drafter": f"第{round_}轮填报人所写的名称", "approver": f"第{round_}轮审核人所写的名称"}
            outcomes = dict(zip(titles, pool.map(edit, titles, titles.values()), strict=True))
            assert sorted(outcomes.values()) == ["refused", "saved"]
            with db.transaction() as session:
                winner = next(name for name, outcome in outcomes.items() if outcome == "saved")
                assert session.scalar(select(Demand.title).where(Demand.key == key)) == titles[winner]


def test_writers_at_once_leave_a_contiguous_log(real):
    """Every commit leaves one leaf and one outbox row, no gap, and a root that equals its recomputation."""
    with db.transaction():
        begin, rows = log.size(), db.session.scalar(select(func.count()).select_from(OutboxRow))

    def write(_: int) -> None:
        for _ in range(COMMITS):
            with db.transaction():
                audit.append("test.write", subject="thing:1", actor=_actor("publisher"), at=clock.site_now())
                outbox.emit("test.write", {}, at=clock.site_now())

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    with db.transaction() as session:
        verdict = log.verify()
        assert (verdict.ok, verdict.entries) == (True, begin + WRITERS * COMMITS)
        ids = list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
        assert len(ids) == rows + WRITERS * COMMITS
