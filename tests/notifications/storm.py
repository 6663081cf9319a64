"""A process that is killed again and again: ``python -m tests.notifications.storm DIRECTORY ROUNDS``.

The parent imports once and forks; each child runs the embedded worker and flips a batch between collecting and
assembling as fast as it can, one byte to the pipe for each commit, until it is killed with signal 9.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from marketplace import create_app, db, migrate
from marketplace.accounts.queries import actor_of
from marketplace.batches import service as batches
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.config import Config
from marketplace.platform import clock
from tests import factories

DATABASE = "sqlite:///{}/storm.sqlite"


def config(folder: Path) -> Config:
    return Config(
        instance=folder,
        keys=folder / "keys",
        database_url=DATABASE.format(folder),
        secret_key="storm-secret-that-is-long-enough-0123456789",
        demo=True,
        testing=True,
    )


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


def child(app, pipe: int) -> None:
    app.extensions["start_worker"]()
    while True:
        flip()
        os.write(pipe, b".")


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    app = prepare(folder)
    app.extensions["engine"].dispose()
    acknowledged = 0
    for number in range(rounds):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            child(app, writer)
        os.close(writer)
        wanted = 40 + 13 * (number % 7)
        seen = 0
        while seen < wanted:
            chunk = os.read(reader, wanted)
            assert chunk, "the child died by itself"
            seen += len(chunk)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while chunk := os.read(reader, 4096):  # committed and said so before the kill
            seen += len(chunk)
        os.close(reader)
        acknowledged += seen
    sys.stdout.write(json.dumps({"acknowledged": acknowledged}))


if __name__ == "__main__":
    main()
