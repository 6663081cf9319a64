"""What waits for its hour, by the clock: the same queries and suggestions with none and with hundreds of documents
waiting that would answer best. ``tests/search/test_contract.py`` counts calls and steps; this is the figure beside it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.searching import corpus
from bench.tables import finish, table
from marketplace.search import directory
from marketplace.search.finder import Finder

DOCUMENTS, WAITING, QUERIES, ROUNDS = 5_000, 500, 60, 9
APART = 0.05  # of the mean: what the noise of two runs of the same work comes to


def finders(folder: Path, backend: str) -> list[Finder]:
    """One over the documents alone; one beside whose documents another ``WAITING`` that say the same wait."""
    engine, later = directory.engine(backend), corpus.NOW + timedelta(days=3)
    found = []
    for name, waiting in (("bare", 0), ("full", WAITING)):
        directory.create(folder / name, engine)
        writing = directory.Writing(folder / name, engine)
        for _ in writing.build(corpus.documents(DOCUMENTS), corpus.NOW):
            pass
        hidden = [replace(item, id=f"{item.id}-later", visible_at=later) for item in corpus.documents(waiting)]
        writing.apply(hidden, [], corpus.NOW)
        writing.close()
        found.append(Finder(directory.Reading(folder / name, engine)))
    return found


def measured(both: list[Finder]) -> tuple[float, float]:
    """Mean CPU ms of a query with its suggestions: the median of each over rounds in which the two take turns."""
    asked = corpus.queries(QUERIES)
    means = []
    spent: list[list[list[float]]] = [[[] for _ in asked] for _ in both]
    for turn in range(ROUNDS):
        for place, (q, request) in enumerate(asked):
            answers = []
            for side in (0, 1) if (turn + place) % 2 else (1, 0):
                begin = time.process_time()
                answers.append((both[side].find(q, request), both[side].suggest(q, request.now)))
                if turn:
                    spent[side][place].append((time.process_time() - begin) * 1000)
            if answers[0] != answers[1]:
                raise SystemExit(f"{q}: what waits is told of")
    for side in spent:
        means.append(statistics.mean(statistics.median(times) for times in side))
    return means[0], means[1]


def main() -> int:
    rows: list[list[object]] = []
    missed = []
    for backend in ("whoosh", "tantivy"):
        with tempfile.TemporaryDirectory() as folder:
            bare, full = measured(finders(Path(folder), backend))
        rows.append([backend, f"{bare:.3f}", f"{full:.3f}", f"{full / bare:.3f}×"])
        if abs(full / bare - 1) > APART:
            missed.append(f"{backend}: with documents waiting a query takes {full / bare:.3f} of the time without")
    head = (f"{DOCUMENTS} documents, {QUERIES} queries", "none waiting, ms", f"{WAITING} waiting, ms", "ratio")
    return finish("waiting", table(head, rows), missed, write="--write" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
