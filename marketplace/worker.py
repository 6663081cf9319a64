"""Background work: jobs by name, repeated every so many seconds, run by huey's workers.

The truth is in the tables (outbox positions, unsent mails), never in the queue: a job only looks there for what is
due. Losing the queue loses nothing, running a job twice does nothing twice, and kill -9 at any instant is allowed.

Embedded default: the first process to hold ``instance/worker.lock`` runs a consumer in threads, without signal
handlers; when it dies, the next one in line takes over. Elsewhere ``flask --app wsgi worker`` does the same work.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from flask import Flask
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from sqlalchemy import event
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.config import Config
from marketplace.platform import clock
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import drain

log = structlog.get_logger(__name__)
BEAT = 0.2  # seconds between two looks at what is due
POKE = "outbox_written"


@dataclass
class Job:
    """``function`` gets the site's present instant and opens its own transactions. ``queued``: asked for, not begun."""

    name: str
    seconds: float
    function: Callable[[datetime], object]
    queued: threading.Event = field(default_factory=threading.Event)
    asked: float = 0.0  # monotonic seconds
    due: float = 0.0


_jobs: dict[str, Job] = {}
_own: dict[str, Job] = {}
_worker: Worker | None = None


def every(seconds: float, name: str, function: Callable[[datetime], object]) -> None:
    """Register a job; features call this from ``install``. The same name again replaces it."""
    _jobs[name] = Job(name, seconds, function)


def in_each_process(seconds: float, name: str, function: Callable[[datetime], object]) -> None:
    """Register what every process that serves pages does for itself, not by the queue: writing down its own counts."""
    _own[name] = Job(name, seconds, function)


def run(name: str) -> None:
    """Do one job now, in this thread. It raises what the job raises."""
    _do(_jobs.get(name) or _own[name])


def _do(job: Job) -> None:
    db.reads_only(True)
    now = clock.site_now()
    db.session.remove()
    db.reads_only(False)
    try:
        job.function(now)
    finally:
        db.session.remove()


def make_queue(config: Config) -> Huey:
    """Redis where one is set, else the database's own kind."""
    if config.redis_url:
        return RedisHuey("zhangbang", url=config.redis_url, results=False)
    if not config.is_sqlite:
        return PostgresHuey("zhangbang", dsn=config.database_url.replace("+psycopg", "", 1), results=False)
    return SqliteHuey("zhangbang", filename=str(config.instance / "worker.sqlite"), results=False)


class _Quiet(Consumer):  # type: ignore[misc]
    """A consumer inside somebody else's process: signals are that process's business."""

    def _set_signal_handlers(self) -> None:
        return None


class Worker:
    """The queue of this process, and the threads that serve it once started."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.config: Config = app.config["ZHANGBANG"]
        self._huey: Huey | None = None
        self._task: Any = None
        self._guard = threading.Lock()
        self._stopped = threading.Event()

    @property
    def huey(self) -> Huey:
        """Made at first use: a process that only reads never touches the queue."""
        with self._guard:
            if self._huey is None:
                self._huey = make_queue(self.config)
                self._task = self._huey.task(name="job")(self._perform)
            return self._huey

    def _perform(self, name: str) -> None:
        job = _jobs.get(name)
        if job is None:  # queued by an older release
            return
        job.queued.clear()
        with self.app.app_context():
            try:
                run(name)
            except Exception:
                log.exception("job failed", job=name)

    def ask(self, name: str) -> None:
        """Queue a job unless it is queued already."""
        job = _jobs[name]
        if not job.queued.is_set():
            job.queued.set()
            job.asked = time.monotonic()
            try:
                _ = self.huey
                self._task(name)
            except Exception:  # the beat asks again
                job.queued.clear()
                log.exception("queue", job=name)

    def stand_by(self) -> None:
        """Wait, in a thread, for the embedded worker's lock; then work until the process ends."""
        threading.Thread(target=self._hold_lock, name="worker-standby", daemon=True).start()

    def _hold_lock(self) -> None:
        self.config.instance.mkdir(parents=True, exist_ok=True)
        with (self.config.instance / "worker.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            consumer = _Quiet(self.huey, workers=2, periodic=False, max_delay=1.0)
            consumer.start()
            self._beat(consumer)

    def serve(self) -> None:
        """``flask worker``: in the foreground, with signal handlers."""
        self.begin_beside()
        consumer = Consumer(self.huey, workers=2, periodic=False, max_delay=1.0)
        threading.Thread(target=partial(self._beat, consumer), name="worker-beat", daemon=True).start()
        consumer.run()

    def begin_beside(self) -> None:
        """What every host does for itself, whoever has the queue: ``extensions["beside_worker"]``."""
        for begin in self.app.extensions.get("beside_worker", ()):
            begin()
        threading.Thread(target=self._own_rounds, name="own-rounds", daemon=True).start()

    def _own_rounds(self) -> None:
        """What this process does for itself, as long as it lives."""
        begun = time.monotonic()
        for job in _own.values():
            job.due = begun + job.seconds
        while not self._stopped.wait(1.0):
            for job in list(_own.values()):
                if time.monotonic() >= job.due:
                    job.due = time.monotonic() + job.seconds
                    with self.app.app_context():
                        try:
                            _do(job)
                        except Exception:
                            log.exception("own round failed", job=job.name)

    def _beat(self, consumer: Consumer) -> None:
        while not self._stopped.wait(BEAT):
            at = time.monotonic()
            for job in list(_jobs.values()):
                if at >= job.due:
                    job.due = at + job.seconds
                    if at - job.asked > 3 * job.seconds + 30:  # the queue lost the request (a flush, say): ask again
                        job.queued.clear()
                    self.ask(job.name)
            consumer.check_worker_health()


@event.listens_for(OutboxRow, "after_insert")
def _written(_mapper: Any, _connection: Any, row: OutboxRow) -> None:
    session = Session.object_session(row)
    if session is not None:
        session.info[POKE] = True


@event.listens_for(Session, "after_commit")
def _poke(session: Session) -> None:
    """Right after a commit that wrote to the outbox, so that nobody waits for the next beat."""
    if session.info.pop(POKE, False) and _worker is not None:
        _worker.ask("outbox")


def install(app: Flask) -> None:
    """Know the queue, offer ``start_worker`` to the server, add ``flask worker``. Installed after all features."""
    worker = Worker(app)
    every(1, "outbox", partial(drain, breath=0.02))
    app.cli.command("worker", help="后台任务：投递消息与邮件、提醒、索引。")(worker.serve)
    config: Config = app.config["ZHANGBANG"]

    def start() -> None:
        global _worker
        _worker = worker
        worker.begin_beside()
        if config.embedded_worker:
            worker.stand_by()

    app.extensions["start_worker"] = start
    app.extensions["worker"] = worker
