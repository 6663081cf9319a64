"""A process that is killed again and again: ``python -m tests.notifications.storm DIRECTORY ROUNDS``.

Each child runs the embedded worker and flips a batch between collecting and assembling.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from marketplace import create_app, db, migrate
from marketplace.accounts.queries import actor_of
from marketplace.batches import service as batches
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.platform import clock
from tests import factories
from tests.storm import config, killed


def prepare(folder: Path):
    app = create_app(config(folder))
    migrate.upgrade(app.extensions["engine"])
    factories.make_cast()
    with db.transaction():
        now = clock.site_now()
        publisher = actor_of(factories.person("publisher"))
        batch = batches.create(
            zone="ZZGX",
            year=2026,
            theme="风暴",
            actor=publisher,
            now=now,
            collects_from=now - timedelta(days=1),
            collects_until=now + timedelta(days=30),
        )
        batches.invite(batch, [factories.organisation("unit")], actor=publisher, now=now)
    return app


def flip() -> None:
    """One change, one leaf, one outbox row."""
    with db.transaction() as session:
        batch = session.get(Batch, 1)
        act = batches.assemble if batch.state is BatchState.COLLECTING else batches.collect
        act(batch, actor=actor_of(factories.person("publisher")), now=clock.site_now())


def main() -> None:
    killed(prepare(Path(sys.argv[1])), int(sys.argv[2]), flip, lambda number: 40 + 13 * (number % 7))


if __name__ == "__main__":
    main()
