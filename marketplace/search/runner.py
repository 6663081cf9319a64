"""The indexer at work in a served process: one thread a host, whatever the number of processes.

Every process waits for ``indexer.lock``; when the one that has it dies, the next takes over where the index says.
"""

from __future__ import annotations

import fcntl
import threading
import time
from datetime import datetime

import structlog

from marketplace.platform import clock
from marketplace.search import directory
from marketplace.search.index import Unavailable
from marketplace.search.indexing import BATCH, Indexer, reading
from marketplace.search.place import Busy

log = structlog.get_logger(__name__)
BEAT = 0.5  # seconds between two looks at the outbox
TIDY_EVERY = 30.0
CHECK_EVERY = 24 * 3600.0  # the drift check, against whatever changed without an outbox row
YIELD = 0.002  # seconds given to readers of this process between the steps of a rebuild


class Runner:
    """Keeps the index of this host up to date, makes one where there is none, and mends what was damaged."""

    def __init__(self, indexer: Indexer) -> None:
        self.indexer = indexer
        self.stopped = threading.Event()
        self._tidied = time.monotonic()
        self._checked = time.monotonic()

    def stand_by(self) -> None:
        """Wait in a thread for this host's turn; then work until the process ends."""
        threading.Thread(target=self._hold_lock, name="search-indexer", daemon=True).start()

    def _hold_lock(self) -> None:
        root = self.indexer.place.root
        root.mkdir(parents=True, exist_ok=True)
        with (root / "indexer.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.work()

    def work(self) -> None:
        """Until ``stopped``."""
        while not self.stopped.is_set():
            if self.once() < BATCH:
                self.stopped.wait(BEAT)
        self.indexer.close()

    def once(self) -> int:
        """One batch, or one rebuild; never raises. Returns how many outbox rows were read."""
        try:
            with reading():
                now = clock.site_now()
            try:
                if self.indexer.place.reported() and not self._sound():
                    raise Unavailable("a reader reported damage")
                done = self.indexer.step(now)
            except Unavailable as problem:
                log.warning("search index is rebuilt", problem=str(problem))
                self.indexer.rebuild(now, lambda done, total: time.sleep(YIELD))
                return 0
            self._now_and_then(now)
            return done
        except Busy:
            return 0
        except Exception:
            log.exception("search indexer")
            return 0

    def _sound(self) -> bool:
        """Whether the reported index can be read after all: a lock that was held too long is no damage."""
        path = self.indexer.place.current()
        if path is None:
            return False
        try:
            reading_ = directory.Reading(path, self.indexer.engine)
            numbers = {nid for nid, _ in reading_.shelf.versions().values()}
            return numbers == set(reading_.index.versions()) and reading_.shelf.sound()
        except Unavailable:
            return False

    def _now_and_then(self, now: datetime) -> None:
        at = time.monotonic()
        if at - self._tidied > TIDY_EVERY:
            self._tidied = at
            self.indexer.place.tidy()
        if at - self._checked > CHECK_EVERY:
            self._checked = at
            drift = self.indexer.check(now)
            if drift:
                log.warning(
                    "search drift repaired", missing=len(drift.missing), stale=len(drift.stale), extra=len(drift.extra)
                )
