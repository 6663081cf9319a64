"""The reading side of the Whoosh engine: snapshots, pages, facets, order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock

import numpy as np
from whoosh.index import TOC

from marketplace.search.documents import FACETS, NEVER
from marketplace.search.index import Budget, Page, Plan, Request, TooSlow, Unavailable
from marketplace.search.whoosh_backend.codec import SCHEMA, SnapshotStorage
from marketplace.search.whoosh_backend.matching import Evaluation, Matched
from marketplace.search.whoosh_backend.segments import Ints, Segment, Snapshot

RETRIES = 5  # a writer may delete a file between our reading the table of contents and the file
TIE_BITS = 21  # low bits of a sort key: the place of the document, so that pages never overlap


def _unlimited() -> None:
    """The budget of a query that nobody waits for."""


class WhooshIndex:
    """``index.Index`` over one Whoosh directory. Safe for threads; never maps a file into memory."""

    def __init__(self, path: Path) -> None:
        self._storage = SnapshotStorage(str(path))
        self._names: dict[str, dict[str, int]] = {name: {"": 0} for name in FACETS}
        self._lock = Lock()
        self._snapshot = self._load(None)

    def refresh(self) -> None:
        with self._lock:
            self._snapshot = self._load(self._snapshot)

    def _load(self, old: Snapshot | None) -> Snapshot:
        error: Exception | None = None
        for _ in range(RETRIES):
            try:
                generation = TOC._latest_generation(self._storage, "MAIN")
                if old is not None and generation == old.generation:
                    return old
                toc = TOC.read(self._storage, "MAIN", gen=generation, schema=SCHEMA)
                known = {segment.id: segment for segment in old.segments} if old else {}
                parts: list[tuple[Segment, Ints]] = []
                for stored in toc.segments:
                    segment = known.get(stored.segment_id()) or Segment(self._storage, stored)
                    parts.append((segment, np.fromiter(stored.deleted_docs(), dtype=np.int64)))
                return Snapshot(generation, parts, self._names)
            except Exception as problem:  # whatever a damaged file makes Whoosh raise
                error = problem
        raise Unavailable(f"the index cannot be read: {error!r}") from error

    def search(self, plan: Plan, request: Request, budget: Budget) -> Page:
        try:
            return self._search(plan, request, budget)
        except TooSlow:
            raise
        except Exception as problem:
            raise Unavailable(f"the index failed: {problem!r}") from problem

    def _search(self, plan: Plan, request: Request, budget: Budget) -> Page:
        evaluation = Evaluation(self._snapshot, request.now, budget)
        matched = evaluation.run(plan, request.only)
        masks = {name: evaluation.facet_mask(name, values)[matched.hits] for name, values in request.filters.items()}
        facets: dict[str, dict[str, int]] = {}
        for name in request.facets:
            others = [mask for other, mask in masks.items() if other != name]
            hits = matched.hits[np.logical_and.reduce(others)] if others else matched.hits
            facets[name] = evaluation.facet_counts(name, hits)
            budget()
        hits = matched.hits[np.logical_and.reduce(list(masks.values()))] if masks else matched.hits
        scored = bool(plan.groups)
        keys = self._keys(
            evaluation, hits, matched, request.sort if scored or request.sort != "relevance" else "newest"
        )
        places = hits[_window(keys, request.offset, request.limit)]
        nids: list[int] = evaluation.snapshot.numbers["nid"][places].tolist()
        return Page(nids, len(hits), matched.level, int(np.count_nonzero(matched.strict[hits])), facets)

    @staticmethod
    def _keys(evaluation: Evaluation, hits: Ints, matched: Matched, sort: str) -> Ints:
        """One integer a hit, all different, ascending in the order wanted."""
        snapshot = evaluation.snapshot
        seconds = 1_000_000
        if sort == "relevance":  # positive floats order like their bits
            value = -np.maximum(matched.scores[hits], 0).view(np.int32).astype(np.int64)
        elif sort == "newest":
            value = -(snapshot.numbers["published"][hits] // seconds)
        elif sort == "budget":
            value = -np.minimum(snapshot.numbers["money"][hits], 2**40)
        else:  # deadline: the next to close first, then those without one, then the closed, latest first
            closes = snapshot.numbers["closes"][hits] // seconds
            now = evaluation.now // seconds
            value = np.where(snapshot.numbers["closes"][hits] <= evaluation.now, 2**40 + now - closes, closes)
            value = np.where(closes >= NEVER // seconds, 2**39, value)
        return (value << TIE_BITS) | ((1 << TIE_BITS) - 1 - hits)

    def candidates(self, plan: Plan, request: Request, limit: int, budget: Budget) -> tuple[list[int], int]:
        page = self.search(plan, Request(request.now, limit=limit), budget)
        return page.nids, page.total

    def frequencies(self, tokens: Sequence[str], now: datetime) -> list[int]:
        snapshot = self._snapshot
        visible = Evaluation(snapshot, now, _unlimited).visible()
        return [int(np.count_nonzero(visible[snapshot.postings(token)[0]])) for token in tokens]

    def values(self, facet: str) -> list[str]:
        snapshot = self._snapshot
        used = np.bincount(snapshot.codes[facet][snapshot.alive], minlength=len(snapshot.values[facet]))
        split = snapshot.split(facet)
        return sorted({value for code in np.flatnonzero(used) for value in split[code]})

    def versions(self) -> dict[int, int]:
        snapshot = self._snapshot
        nids, versions = snapshot.numbers["nid"][snapshot.alive], snapshot.numbers["version"][snapshot.alive]
        return dict(zip(nids.tolist(), versions.tolist(), strict=True))

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def generation(self) -> int:
        return self._snapshot.generation


def _window(keys: Ints, offset: int, limit: int) -> Ints:
    """The places of the ``limit`` keys after the ``offset`` smallest, in order, without sorting the rest."""
    end = min(offset + limit, len(keys))
    if offset >= end:
        return np.zeros(0, dtype=np.int64)
    cuts = [cut for cut in (offset, end - 1) if 0 < cut < len(keys)]
    order = np.argpartition(keys, cuts) if cuts else np.arange(len(keys))
    window: Ints = order[offset:end]
    return window[np.argsort(keys[window])]
