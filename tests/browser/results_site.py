"""Writes, through the services, the two reviews that the browser takes to their award: ``python -m tests.browser.results_site``.

One has every sheet locked; the other is on public notice. Prints ``name=value`` lines: numbers, the notice, the experts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace import create_app, db, features, migrate
from marketplace.accounts.models import User
from marketplace.awards import service as awards
from marketplace.demands import service as demands
from marketplace.demands.models import Demand
from marketplace.notices import queries as notices
from marketplace.platform import clock
from marketplace.results import queries as results
from marketplace.results import service
from tests import factories
from tests.demands.conftest import Stage
from tests.journeys.test_results import scored
from tests.panels import making

NOBODY: Any = None  # services alone: no browser is signed in here


def announce(demand: Demand) -> None:
    """Report, signatures, notice."""
    now = clock.site_now()
    row = service.open_report(demand, actor=making.actor("publisher"), now=now)
    for seat in sorted(making.panel_of(demand).counted_seats, key=lambda item: item.chaired_at is None):
        service.sign(row, actor=making.expert(seat), now=now)
    made = awards.propose_announcement(demand, reason="报告已签署。", actor=making.actor("publisher"), now=now)
    demands.confirm(made, actor=making.actor("publisher2"), now=now)
    db.session.commit()


def main() -> None:
    app = create_app()
    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        factories.make_cast()
        storage = app.extensions["storage"]
        told: dict[str, Any] = {}
        for name, number in (("plain", "一"), ("objected", "二")):
            demand = Stage(clock.site_now()).published(title=f"管廊沉降监测第{number}期")
            scored(demand, storage, NOBODY, ("0.9", "0.8"))
            assert results.latest(demand.id) is not None
            seats = sorted(making.panel_of(demand).counted_seats, key=lambda item: item.chaired_at is None)
            told[name] = demand.number
            told[f"{name}-experts"] = ",".join(making.expert(seat).username for seat in seats)
        announce(demand)
        found = notices.latest(demand.id)
        assert found is not None
        told |= {"notice": found.id, "password": factories.PASSWORD}
        for user in db.session.scalars(select(User)):
            user.password_hash = factories.person("publisher").password_hash
        db.session.commit()
    print("\n".join(f"{name}={value}" for name, value in told.items()))  # noqa: T201


if __name__ == "__main__":
    features.load_models()
    main()
