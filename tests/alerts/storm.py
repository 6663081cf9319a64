"""A process that is killed again and again: ``python -m tests.alerts.storm DIRECTORY ROUNDS``.

Each child runs the embedded worker and publishes capabilities that answer to two saved searches.
"""

from __future__ import annotations

import sys
from pathlib import Path

from marketplace import create_app, db, migrate
from marketplace.accounts.queries import actor_of
from marketplace.alerts import service as alerts
from marketplace.alerts.rules import Frequency
from marketplace.capabilities import service
from marketplace.capabilities.rules import CapabilityAction
from marketplace.demands.queries import Filters
from marketplace.platform import clock
from tests import factories
from tests.capabilities.making import content
from tests.storm import config, killed


def prepare(folder: Path):
    app = create_app(config(folder))
    migrate.upgrade(app.extensions["engine"])
    factories.make_cast()
    with db.transaction():
        now = clock.site_now()
        for who in ("drafter", "rival"):
            alerts.save(
                Filters(q="泊位"), "", name="泊位", frequency=Frequency.INSTANT, by_mail=True,
                actor=actor_of(factories.person(who)), now=now,
            )  # fmt: skip
    return app


def publish() -> None:
    """One more capability that everybody may see: one new document."""
    with db.transaction():
        now = clock.site_now()
        bidder, screener = actor_of(factories.person("bidder")), actor_of(factories.person("screener"))
        made = service.create(factories.organisation("firm"), content(), actor=bidder, now=now)
        service.act(made, CapabilityAction.SUBMIT, actor=bidder, now=now)
        service.act(made, CapabilityAction.APPROVE, actor=screener, now=now)


def main() -> None:
    killed(prepare(Path(sys.argv[1])), int(sys.argv[2]), publish, lambda number: 4 + 3 * (number % 3))


if __name__ == "__main__":
    main()
