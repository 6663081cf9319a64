"""One host for the benches: a database with generated demands, an index, and processes that write and read it.

The demands are rows of the real table; a change is a real update with its outbox row in one transaction.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITER = """
import sys
from bench.searching import host
host.write_forever(sys.argv[1], sys.argv[2])
"""
NURSERY = """
import sys
from bench.searching import host
host.nursery(sys.argv[1], sys.argv[2])
"""
READER = """
import sys
from bench.searching import host
host.read(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
"""
WORDS = (
    "智慧停车",
    "水质 监测",
    "无人机",
    "燃气 泄漏",
    "数据共享",
    "充电桩 -储能",
    "养老",
    "传感器",
    "低空物流",
    "机器人 巡检",
)


def make(folder: Path, backend: str) -> Any:
    """The application over ``folder``; its index is not served by a thread of this process."""
    os.environ |= {
        "ZHANGBANG_DEMO": "1",
        "ZHANGBANG_INSTANCE": str(folder),
        "ZHANGBANG_EMBEDDED_WORKER": "0",
        "SEARCH_BACKEND": backend,
    }
    from marketplace import create_app

    return create_app()


def fill(app: Any, count: int) -> None:
    """``count`` public demands with texts of their own."""
    from sqlalchemy import bindparam, select, update

    from bench import pages
    from bench.searching import corpus
    from marketplace import db, migrate
    from marketplace.demands.models import Demand
    from marketplace.platform import clock
    from tests import factories
    from tests.demands.conftest import Stage

    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        with db.transaction():
            factories.make_cast()
        with db.transaction():
            Stage(clock.site_now()).published()
        with db.transaction():
            pages.fill(count)
        with db.transaction() as session:
            ids = list(session.scalars(select(Demand.id).where(Demand.number.like("ZZGX-2026-09-%"))))
            table: Any = Demand.__table__
            change = update(table).where(table.c.id == bindparam("of"))
            everyone = corpus.generate.concepts()
            for start in range(0, len(ids), 2000):
                session.connection().execute(
                    change, [{"of": id_, **texts(id_, everyone, 0)} for id_ in ids[start : start + 2000]]
                )


def texts(id_: int, everyone: Any, revision: int) -> dict[str, Any]:
    """What demand ``id_`` says at a revision; the content is what the index reads."""
    from bench.searching import corpus

    document = corpus.document(id_, everyone, revision)
    title = f"{document.title[:40]} rev{revision}x" if revision else document.title
    return {
        "title": title[:60],
        "summary": document.summary[:200],
        "content": {"title": title, "background": document.body, "goal": document.summary, "content": document.body},
        "direction": document.direction,
    }


def change(session: Any, id_: int, everyone: Any, revision: int, now: Any) -> None:
    """Another text and its outbox row, in the caller's transaction."""
    from marketplace.demands.models import Demand
    from marketplace.platform import outbox

    table = Demand.__table__
    session.execute(table.update().where(table.c.id == id_).values(**texts(id_, everyone, revision)))
    outbox.emit("demand.amend", {"subject": f"demand:{id_}"}, at=now)


def write_forever(folder: str, backend: str) -> None:
    """What the indexer's thread does, as a process of its own that can be killed."""
    app = make(Path(folder), backend)
    from marketplace.search.runner import Runner

    with app.app_context():
        print("ready", flush=True)  # noqa: T201
        Runner(app.extensions["search_indexer"]()).work()


def nursery(folder: str, backend: str) -> None:
    """Fork a writer for every line read, tell its pid, and bury it: loading the program once, not fifty times."""
    app = make(Path(folder), backend)
    from marketplace.search.runner import Runner

    print("ready", flush=True)  # noqa: T201
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            app.extensions["engine"].dispose(close=False)
            with app.app_context():
                Runner(app.extensions["search_indexer"]()).work()
        print(pid, flush=True)  # noqa: T201
        os.waitpid(pid, 0)
        print("gone", flush=True)  # noqa: T201


def read(folder: str, backend: str, seconds: float, seed: int) -> None:
    """Search as a served process does, and tell each query's wall time; ``seed`` -1 watches for marked changes."""
    import random

    app = make(Path(folder), backend)
    from marketplace import db
    from marketplace.platform import clock
    from marketplace.search.index import Request

    dice = random.Random(seed)  # noqa: S311
    with app.app_context():
        search, now = app.extensions["search"], clock.site_now()
        db.session.remove()
        search.find("停车", Request(now))
        print("ready", flush=True)  # noqa: T201
        end, spent, errors = time.monotonic() + seconds, [], []
        while time.monotonic() < end:
            begin = time.monotonic()
            try:
                search.find(
                    dice.choice(WORDS),
                    Request(now, facets=("direction", "state", "mode"), offset=dice.choice([0, 0, 40])),
                )
            except Exception as error:
                errors.append(repr(error))
            spent.append(time.monotonic() - begin)
            time.sleep(0.02)
    print(json.dumps({"spent": spent, "errors": errors}))  # noqa: T201


@contextmanager
def process(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that says ``ready`` before it is handed out, and is gone afterwards."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
    assert running.stdout is not None
    try:
        while running.stdout.readline().strip() != "ready":
            if running.poll() is not None:
                raise RuntimeError(f"{script[-40:]} ended with {running.returncode}")
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        running.wait()
