"""``make search-quality``: the judged set on both engines, with the floors of issue 3.

The set is generated (``python -m tests.search.judged.generate``) from subjects and hand-written queries; nothing here
or in the word lists is tuned to one of them. ``--verbose`` prints each query's first ten.
"""

from __future__ import annotations

import sys
from pathlib import Path

from marketplace.search import evaluate
from marketplace.search.documents import FACETS
from marketplace.search.evaluate import Answer
from marketplace.search.index import Request

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "search"
NDCG, RECALL, EMPTY, APART = 0.90, 0.92, 0.0, 0.03
ENGINES = ("whoosh", "tantivy")
Counts = list[tuple[str, int, dict[str, dict[str, int]]]]


def measure(engine: str) -> tuple[list[Answer], Counts]:
    """Answers, and each query's total and facets."""
    documents = list(evaluate.read_documents(DATA / "docs.jsonl.gz"))
    judged = list(evaluate.read_queries(DATA / "queries.jsonl.gz"))
    with evaluate.indexed(documents, engine) as finder:
        answers = [evaluate.ask(finder, item) for item in judged]
        found = [(item.q, finder.find(item.q, Request(evaluate.NOW, facets=FACETS))) for item in judged]
    return answers, [(q, page.total, {name: dict(values) for name, values in page.facets.items()}) for q, page in found]


def failures(measured: dict[str, tuple[list[Answer], Counts]]) -> list[str]:
    """What misses its floor, in words."""
    missed = []
    figures = {engine: evaluate.summary(answers) for engine, (answers, _) in measured.items()}
    for engine, result in figures.items():
        if result["ndcg"] < NDCG:
            missed.append(f"{engine}: nDCG@10 {result['ndcg']} < {NDCG}")
        if result["recall"] < RECALL:
            missed.append(f"{engine}: recall@10 {result['recall']} < {RECALL}")
        if result["empty"] > EMPTY:
            missed.append(f"{engine}: zero-result rate {result['empty']} > {EMPTY}")
    left, right = (measured[engine] for engine in ENGINES)
    if abs(figures["whoosh"]["ndcg"] - figures["tantivy"]["ndcg"]) > APART:
        missed.append("the engines' nDCG@10 differ by more than 0.03")
    missed += [f"totals or facets differ: {a[0]}" for a, b in zip(left[1], right[1], strict=True) if a != b]
    return missed


def main() -> int:
    measured = {engine: measure(engine) for engine in ENGINES}
    for engine, (answers, _) in measured.items():
        table = evaluate.table(answers)
        print(f"# {engine}\n{table if '--verbose' in sys.argv else table.partition(chr(10) * 2)[0]}\n")  # noqa: T201
    missed = failures(measured)
    for line in missed:
        print("FLOOR MISSED:", line)  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
