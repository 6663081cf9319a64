"""The one writer: outbox → index. Derived from the database, so any of this may be killed at any instant.

``Indexer.step`` reads on from the position stored in the index itself (every host has its own index and position),
writes at most ``BATCH`` changes and stores the position last: what was killed in between is done again, and doing it
again changes nothing. ``rebuild`` writes a new index beside the old one, reads on until both say the same, and swaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select

from marketplace import db
from marketplace.platform.outbox import OutboxRow
from marketplace.search import directory, sources
from marketplace.search.directory import Writing
from marketplace.search.documents import Document
from marketplace.search.index import Engine, Unavailable
from marketplace.search.place import Place

log = structlog.get_logger(__name__)
BATCH = 200  # outbox rows read together
PATIENCE = 60.0  # seconds that a command waits for the writer's turn

Progress = Callable[[int, int], object]  # documents done, of about so many


@contextmanager
def reading() -> Iterator[None]:
    """A short read of the database outside a request, on a snapshot that blocks nobody."""
    db.reads_only(True)
    try:
        yield
    finally:
        db.session.remove()
        db.reads_only(False)


def newest() -> int:
    """The outbox's last position."""
    return db.session.scalar(select(func.max(OutboxRow.id))) or 0


def origin() -> str:
    """Which database this is: its first outbox row. Another database under the same index means a rebuild."""
    first = db.session.execute(select(OutboxRow.id, OutboxRow.at).order_by(OutboxRow.id).limit(1)).first()
    return f"{first.id} {first.at.isoformat()}" if first else ""


@dataclass(slots=True)
class Drift:
    """Where the index differs from the database, by ids; ``strays``: numbers in the engine that nothing names."""

    documents: int = 0
    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.missing) + len(self.stale) + len(self.extra) + len(self.strays)


class Indexer:
    """Writes the indexes of one place. Any number may exist; the locks let one at a time write."""

    def __init__(self, place: Place, engine: Engine, *, own_words: Path | None = None) -> None:
        self.place = place
        self.engine = engine
        self._own_words = own_words
        self._writing: Writing | None = None

    def step(self, now: datetime) -> int:
        """Take in the next changes; returns how many outbox rows were read. Raises ``Busy`` while another writes,
        ``Unavailable`` when there is no index to go on with (``rebuild`` makes one).
        """
        with self.place.writing():
            try:
                return self._advance(self._open(self._live()), now)
            except Unavailable:
                self.close()
                raise

    def rebuild(self, now: datetime, progress: Progress | None = None) -> int:
        """Build a new index from the database and let readers use it; returns its number of documents.

        The old one serves until the moment of the swap, and goes on taking in changes. Raises ``Busy``.
        """
        with self.place.rebuilding(wait=2.0):
            path = self.place.begin()
            directory.create(path, self.engine, own=self._own_words)
            writing = Writing(path, self.engine)
            try:
                with reading():
                    start, whence, total = newest(), origin(), self._about()
                for done in writing.build(self._everything(), now):
                    if progress is not None:
                        progress(done, max(total, done))
                writing.shelf.set_meta(position=str(start), origin=whence)
                while self._advance(writing, now):
                    pass
                with self.place.writing(wait=PATIENCE):
                    while self._advance(writing, now):
                        pass
                    self.place.switch(path)
            finally:
                writing.close()
            self.place.tidy()
            return len(writing.shelf.versions())

    def check(self, now: datetime, *, repair: bool = True) -> Drift:
        """Compare every (id, version) of the index with the database, and mend what differs."""
        with self.place.writing(wait=PATIENCE):
            self.close()
            path = self._live()
            writing = self._open(path)
            try:
                while self._advance(writing, now):
                    pass
                drift = self._compare(path, writing)
                if repair and drift:
                    self._mend(writing, drift, now)
                return drift
            finally:
                self.close()

    def words(self) -> str:
        """What tells the word lists of the present index from others; empty without one."""
        path = self.place.current()
        try:
            return directory.shelf_meta(path)["fingerprint"] if path else ""
        except (Unavailable, KeyError):
            return ""

    def close(self) -> None:
        """Let go of the engine's own lock and files."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.close()

    def _live(self) -> Path:
        path = self.place.current()
        if path is None:
            raise Unavailable("there is no index yet")
        if self._writing is None or self._writing.path != path:
            made_by = directory.shelf_meta(path).get("made_by")
            if made_by != directory.made_by(self.engine):
                raise Unavailable(f"the index was made by {made_by}")
        return path

    def _open(self, path: Path) -> Writing:
        if self._writing is None or self._writing.path != path:
            self.close()
            self._writing = Writing(path, self.engine)
        return self._writing

    def _advance(self, writing: Writing, now: datetime) -> int:
        """One batch of the outbox, and what has become visible by the clock; the position moves last. Returns how many
        changes there were.
        """
        meta = writing.shelf.meta()
        position = int(meta["position"])
        due = writing.shelf.due(now, BATCH)
        with reading():
            if meta["origin"] not in ("", origin()) or position > newest():
                raise Unavailable("the index belongs to another database")
            query = select(OutboxRow).where(OutboxRow.id > position).order_by(OutboxRow.id).limit(BATCH)
            rows = list(db.session.scalars(query))
            ids = list(dict.fromkeys([*sources.touched(rows), *due]))
            documents, gone = sources.load(ids)
            whence = origin() if rows else ""
        if documents or gone:
            # What was published after the clock was read is public by its own row's instant.
            writing.apply(documents, gone, max([now, *(row.at for row in rows)]))
        if rows:
            writing.shelf.set_meta(position=str(rows[-1].id), origin=whence)
        return len(rows) + len(due)

    def _about(self) -> int:
        """How many documents there will be, roughly: the old index's number."""
        path = self.place.current()
        try:
            return directory.shelf_size(path) if path else 0
        except Unavailable:
            return 0

    @staticmethod
    def _everything() -> Iterator[Document]:
        chunks = sources.everything()
        while True:
            with reading():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield from chunk

    def _compare(self, path: Path, writing: Writing) -> Drift:
        shelf, waiting = writing.shelf.versions(), writing.shelf.waiting()
        reader = self.engine.reader(path / directory.ENGINE_FILES)
        engine = reader.versions()
        reader.close()
        drift = Drift()
        for document in self._everything():
            drift.documents += 1
            if waiting.pop(document.id, None) == document.version and document.id not in shelf:
                continue  # its instant has not come, and nothing lies where searches look
            nid, version = shelf.pop(document.id, (None, None))
            indexed = engine.pop(nid, None) if nid is not None else None
            if indexed is None:
                drift.missing.append(document.id)
            elif version != document.version or indexed != document.version:
                drift.stale.append(document.id)
        for id_, (nid, _) in shelf.items():
            engine.pop(nid, None)
            drift.extra.append(id_)
        drift.extra += waiting
        drift.strays = list(engine)
        return drift

    @staticmethod
    def _mend(writing: Writing, drift: Drift, now: datetime) -> None:
        wrong = drift.missing + drift.stale + drift.extra
        for start in range(0, len(wrong), BATCH):
            with reading():
                documents, gone = sources.load(wrong[start : start + BATCH])
            writing.apply(documents, gone, now)
        if drift.strays:
            writing.drop(drift.strays)
