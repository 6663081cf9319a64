"""Search for the rest of the product: one ``Search`` a process, in ``app.extensions["search"]``.

Whatever happens to the index's files, callers meet ``Unavailable`` and go on from the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TypeVar

import structlog

from marketplace.search.directory import Reading
from marketplace.search.finder import Finder, Found, Labels, Suggestion
from marketplace.search.index import Engine, Request, Unavailable
from marketplace.search.place import Place

log = structlog.get_logger(__name__)
R = TypeVar("R")
REFRESH_S = 1.0  # seconds between two looks at what has been committed


class Search:
    """Reads the present index of this host. Safe for threads; looks for new commits at most once a second."""

    def __init__(self, place: Place, engine: Engine, labels: Labels | None = None) -> None:
        self.place = place
        self.engine = engine
        self._labels = labels
        self._finder: Finder | None = None
        self._reading: Reading | None = None
        self._looked = -REFRESH_S
        self._lock = Lock()
        self._problem = "not opened yet"

    def find(self, typed: str, request: Request, *, literally: bool = False) -> Found:
        """One page of what was typed. Raises ``Unavailable`` and ``TooSlow``."""
        return self._ask(lambda finder: finder.find(typed, request, literally=literally))

    def suggest(self, typed: str, now: datetime, *, kind: str = "") -> list[Suggestion]:
        """What the search box offers; of titles only those of ``kind`` where one is named."""
        return self._ask(lambda finder: finder.suggest(typed, now, kind=kind))

    def refresh(self) -> None:
        """See what has been committed, now rather than within a second."""
        self._looked = -REFRESH_S
        self._present()

    def _ask(self, question: Callable[[Finder], R]) -> R:
        finder = self._present()
        try:
            return question(finder)
        except Unavailable as problem:
            self._broken(problem)
            raise

    def _present(self) -> Finder:
        """The finder, refreshed by one thread while the others go on with what is there."""
        if time.monotonic() - self._looked < REFRESH_S or not self._lock.acquire(blocking=self._finder is None):
            if self._finder is None:
                raise Unavailable(self._problem)
            return self._finder
        try:
            if time.monotonic() - self._looked >= REFRESH_S:
                self._look()
            if self._finder is None:
                raise Unavailable(self._problem)
            return self._finder
        finally:
            self._lock.release()

    def _look(self) -> None:
        path = self.place.current()
        try:
            if path is None:
                raise Unavailable("there is no index yet")
            if self._reading is None or self._reading.path != path:
                reading = Reading(path, self.engine)
                self._reading, self._finder = reading, Finder(reading, self._labels)
            else:
                self._reading.index.refresh()
        except Unavailable as problem:
            self._broken(problem)
        finally:
            self._looked = time.monotonic()

    def _broken(self, problem: Unavailable) -> None:
        """Forget what was open; the next look, at most once a second, opens anew."""
        log.warning("search unavailable", problem=str(problem))
        if self._reading is not None:
            self.place.report(self._reading.path)
        elif (path := self.place.current()) is not None:
            self.place.report(path)
        self._finder = self._reading = None
        self._problem = str(problem)
