"""``make search-quality``: the judged sets on both engines, with the floors of issue 3.

Four sets of hand-written queries over the same generated documents (``python -m tests.search.judged.generate``):
``queries``, on which weights and relaxation were chosen; ``heldout``, which was compared beside it while they were; and
``unseen`` and ``visitors``, written afterwards by others (their first figures, before any change, are in
docs/benchmarks.md; on ``visitors``, spoken sentences and brands, nothing was ever tuned). They are printed and held
apart. ``--verbose`` prints each query's first ten, ``--write`` renews the table in docs/benchmarks.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.tables import finish, table
from marketplace.search import evaluate
from marketplace.search.documents import FACETS
from marketplace.search.evaluate import Answer
from marketplace.search.index import Request

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "search"
SETS = {  # nDCG@10 and recall@10 to be reached, and the share without a result that is borne
    "queries": (0.90, 0.92, 0.0),
    "heldout": (0.90, 0.90, 0.0),
    "unseen": (0.90, 0.92, 0.0),
    "visitors": (0.80, 0.80, 0.04),
}
APART = 0.03
ENGINES = ("whoosh", "tantivy")
Counts = list[tuple[str, int, dict[str, dict[str, int]]]]


def measure(engine: str, name: str = "queries") -> tuple[list[Answer], Counts]:
    """Answers to a set, and each query's total and facets."""
    documents = list(evaluate.read_documents(DATA / "docs.jsonl.gz"))
    judged = list(evaluate.read_queries(DATA / f"{name}.jsonl.gz"))
    with evaluate.indexed(documents, engine) as finder:
        answers = [evaluate.ask(finder, item) for item in judged]
        found = [(item.q, finder.find(item.q, Request(evaluate.NOW, facets=FACETS))) for item in judged]
    return answers, [(q, page.total, {name: dict(values) for name, values in page.facets.items()}) for q, page in found]


def failures(measured: dict[str, tuple[list[Answer], Counts]], name: str = "queries") -> list[str]:
    """What misses its floor, in words."""
    missed, (least_ndcg, least_recall, most_empty) = [], SETS[name]
    figures = {engine: evaluate.summary(answers) for engine, (answers, _) in measured.items()}
    for engine, result in figures.items():
        if result["ndcg"] < least_ndcg:
            missed.append(f"{engine}: nDCG@10 {result['ndcg']} < {least_ndcg}")
        if result["recall"] < least_recall:
            missed.append(f"{engine}: recall@10 {result['recall']} < {least_recall}")
        if result["empty"] > most_empty:
            missed.append(f"{engine}: zero-result rate {result['empty']} > {most_empty}")
    left, right = (measured[engine] for engine in ENGINES)
    if abs(figures["whoosh"]["ndcg"] - figures["tantivy"]["ndcg"]) > APART:
        missed.append("the engines' nDCG@10 differ by more than 0.03")
    missed += [f"totals or facets differ: {a[0]}" for a, b in zip(left[1], right[1], strict=True) if a != b]
    return missed


def main() -> int:
    rows: list[list[object]] = []
    missed = []
    for name in SETS:
        measured = {engine: measure(engine, name) for engine in ENGINES}
        for engine, (answers, _) in measured.items():
            printed = evaluate.table(answers)
            print(f"# {name}, {engine}\n{printed if '--verbose' in sys.argv else printed.partition(chr(10) * 2)[0]}\n")  # noqa: T201
            result = evaluate.summary(answers)
            rows.append([name, len(answers), engine, result["ndcg"], result["recall"], result["empty"]])
        missed += [f"{name}: {line}" for line in failures(measured, name)]
    head = ("judged set", "queries", "engine", "nDCG@10", "recall@10", "zero results")
    return finish("quality", table(head, rows), missed, write="--write" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
