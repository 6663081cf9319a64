"""Two people at once, on real connections."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm.exc import StaleDataError

from marketplace import db, features, migrate
from marketplace.accounts.queries import actor_of
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.platform import audit, clock, outbox
from marketplace.platform.audit import queries as log
from marketplace.platform.errors import Conflict
from marketplace.platform.outbox import OutboxRow
from tests import factories
from tests.conftest import _fresh_database
from tests.demands.samples import content
from tests.sizes import size

ROUNDS = size(40, 200)


@pytest.fixture
def real(tmp_path, config, worker_id) -> Engine:
    """A database of its own whose transactions really commit."""
    engine = db.make_engine(_fresh_database(tmp_path, f"real_{worker_id}"), durable=False, pool_size=12)
    before = db.session.session_factory.kw.get("bind")
    features.load_models()
    migrate.upgrade(engine)
    audit.configure(config.keys, config.log_origin)
    db.configure(engine)
    factories.make_cast()
    db.session.remove()
    yield engine
    db.session.remove()
    db.session.configure(bind=before)
    engine.dispose()


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
    """8 writers × 10 commits: one leaf and one outbox row for each, no gap, a root that verifies."""
    with db.transaction():
        begin, rows = log.size(), db.session.scalar(select(func.count()).select_from(OutboxRow))

    def write(_: int) -> None:
        for _ in range(10):
            with db.transaction():
                audit.append("test.write", subject="thing:1", actor=_actor("publisher"), at=clock.site_now())
                outbox.emit("test.write", {}, at=clock.site_now())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with db.transaction() as session:
        verdict = log.verify()
        assert (verdict.ok, verdict.entries) == (True, begin + 80)
        ids = list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
        assert len(ids) == rows + 80
