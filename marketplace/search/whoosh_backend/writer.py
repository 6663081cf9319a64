"""The writing side of the Whoosh engine: batches into segments, and a merge policy that never holds anyone up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from whoosh.index import FileIndex, LockError
from whoosh.writing import SegmentWriter

from marketplace.search.documents import FACETS, NEVER, micros
from marketplace.search.index import Entry, Unavailable
from marketplace.search.whoosh_backend.codec import (
    NUMBERS,
    SCHEMA,
    SEPARATOR,
    ArrayCodec,
    PostingPool,
    SnapshotStorage,
)
from marketplace.search.whoosh_backend.segments import Segment

SMALL = 2000  # documents; only segments below are merged: Whoosh's own policy once held the lock for 147 s
MANY = 8  # small segments; up to so many are left alone
CHUNK = 25_000  # documents a segment when building: bounds the memory of a rebuild to about 300 MB
LOCK_WAIT = 10.0  # seconds; only a second writer by mistake ever waits


class WhooshWriter:
    """``index.Writer`` over one Whoosh directory. Holds the directory's lock only while it writes."""

    def __init__(self, path: Path) -> None:
        self._storage = SnapshotStorage(str(path))
        self._segments: dict[str, Segment] = {}

    def write(self, entries: Iterable[Entry], removed: Iterable[int]) -> None:
        try:
            gone = set(removed)
            writer: BagWriter | None = None
            for entry in entries:
                writer = writer or self._begin()
                gone.add(entry.nid)
                writer.add_bag(entry)
                if writer.doc_count() >= CHUNK:
                    self._commit(writer, _living, gone)
                    writer, gone = None, set()
            if writer or gone:
                self._commit(writer or self._begin(), _living, gone)
                self._put_together()
        except Exception as problem:
            raise Unavailable(f"the index cannot be written: {problem!r}") from problem

    def _begin(self) -> BagWriter:
        try:
            return BagWriter(FileIndex(self._storage, SCHEMA))
        except LockError as problem:
            raise Unavailable("another process is writing the index") from problem

    def _finish(self, writer: BagWriter, gone: set[int]) -> None:
        self._commit(writer, _living, gone)

    def _commit(self, writer: BagWriter, choose: Callable[..., list[Any]], gone: Collection[int] = ()) -> None:
        try:
            self._delete(writer, gone)
            writer.commit(mergetype=choose)
        except BaseException:
            if not writer.is_closed:
                writer.cancel()
            raise
        alive = {stored.segment_id() for stored in writer.segments}
        self._segments = {id_: segment for id_, segment in self._segments.items() if id_ in alive}

    def _open(self, stored: Any) -> Segment:
        id_ = stored.segment_id()
        if id_ not in self._segments:
            self._segments[id_] = Segment(self._storage, stored)
        return self._segments[id_]

    def _delete(self, writer: BagWriter, gone: Collection[int]) -> None:
        if not gone:
            return
        nids = np.fromiter(gone, dtype=np.int64, count=len(gone))
        for stored in writer.segments:
            for number in np.flatnonzero(np.isin(self._open(stored).numbers["nid"], nids)):
                stored.delete_document(int(number))

    def _put_together(self) -> None:
        """When small segments are many, make one of the smallest, never above ``SMALL``.

        In a commit of its own, so that what has just been written is found before the second this may take.
        """
        stored = FileIndex(self._storage, SCHEMA)._segments()
        if sum(_live(one) < SMALL for one in stored) > MANY:
            self._commit(self._begin(), self._merge)

    def _merge(self, writer: BagWriter, segments: list[Any]) -> list[Any]:
        room = SMALL
        for stored in sorted((stored for stored in segments if _live(stored) < SMALL), key=_live):
            room -= _live(stored)
            if room < 0:
                break
            writer.add_segment(self._open(stored), stored)
            segments.remove(stored)
        return segments

    def close(self) -> None:
        self._segments.clear()


def _living(_: BagWriter, segments: list[Any]) -> list[Any]:
    """Drop what is all deleted."""
    return [stored for stored in segments if stored.deleted_count() < stored.doc_count_all()]


def _live(stored: Any) -> int:
    return int(stored.doc_count_all() - stored.deleted_count())


class BagWriter(SegmentWriter):  # type: ignore[misc]
    """Whoosh's segment writer fed with whole bags and whole posting lists instead of single postings."""

    def __init__(self, index: FileIndex) -> None:
        super().__init__(index, codec=ArrayCodec(), timeout=LOCK_WAIT)
        self.pool = PostingPool()

    def add_bag(self, entry: Entry) -> None:
        document = entry.document
        numbers = {
            "nid": entry.nid,
            "version": document.version,
            "visible": micros(document.visible_at) if document.visible_at else 0,
            "closes": micros(document.closes_at) if document.closes_at else NEVER,
            "published": micros(document.published_at) if document.published_at else 0,
            "money": document.budget_fen or 0,
        }
        facets = {name: SEPARATOR.join(sorted(document.facet(name))).encode() for name in FACETS}
        self._add(numbers, facets, sum(entry.bag.values()))
        self.pool.add_bag(self.docnum - 1, dict(entry.bag))

    def _add(self, numbers: dict[str, int], facets: dict[str, bytes], length: int) -> None:
        perdoc = self.perdocwriter
        perdoc.start_doc(self.docnum)
        perdoc.add_field("bag", SCHEMA["bag"], None, length)
        for name, number in numbers.items():
            perdoc.add_column_value(name, SCHEMA[name].column_type, number)
        for name, value in facets.items():
            perdoc.add_column_value(name, SCHEMA[name].column_type, value)
        perdoc.finish_doc()
        self._added = True
        self.docnum += 1

    def add_segment(self, segment: Segment, stored: Any) -> None:
        """Take over the live documents of a segment: its columns row by row, its posting lists as arrays."""
        live = np.ones(segment.size, dtype=bool)
        live[list(stored.deleted_docs())] = False
        moved = np.cumsum(live) - 1 + self.docnum
        for number in np.flatnonzero(live):
            numbers = {name: int(segment.numbers[name][number]) for name in NUMBERS}
            facets = {name: values[codes[number]].encode() for name, (codes, values) in segment.facets.items()}
            self._add(numbers, facets, int(segment.lengths[number]))
        for token, ids, counts in segment.lists():
            kept = live[ids]
            if kept.all():
                self.pool.add_term(token, moved[ids], counts)
            elif kept.any():
                self.pool.add_term(token, moved[ids[kept]], counts[kept])
