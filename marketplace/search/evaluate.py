"""Judged search: index a set of documents apart from the site's own index, ask its queries, and measure.

What ``flask search evaluate`` runs (interface.md). nDCG@10 with gain 2^grade - 1; recall@10 against as many of the
relevant documents as fit on ten places; the zero-result rate over queries that have a relevant document.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log2
from pathlib import Path
from typing import Any

from marketplace.search import directory
from marketplace.search.documents import Document
from marketplace.search.finder import Finder
from marketplace.search.index import Request

TOP = 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # judged documents have no clock: any instant gives the same answer


@dataclass(frozen=True, slots=True)
class Judged:
    """A query with its relevant documents, id → grade 1-3."""

    q: str
    relevant: Mapping[str, int]
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query brought: its first ten ids and its two figures; ``empty`` when nothing came."""

    judged: Judged
    top: list[str]
    ndcg: float
    recall: float
    empty: bool


def read_documents(path: Path) -> Iterator[Document]:
    """Documents of a judged set, one JSON object a line; ``.gz`` is unpacked."""
    for row in _rows(path):
        industry = row.get("industry") or ()
        yield Document(
            id=str(row["id"]),
            kind="demand",
            version=1,
            title=row.get("title") or "",
            summary=row.get("summary") or "",
            body=row.get("body") or "",
            tags=tuple(row.get("tags") or ()),
            identifiers=(str(row["id"]),),
            unit=row.get("unit") or "",
            direction=row.get("direction") or "",
            industries=(industry,) if isinstance(industry, str) else tuple(industry),
        )


def read_queries(path: Path) -> Iterator[Judged]:
    """Queries of a judged set."""
    for row in _rows(path):
        grades = {str(id_): int(grade) for id_, grade in (row.get("relevant") or {}).items() if int(grade) > 0}
        yield Judged(row["q"], grades, row.get("kind") or "")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig").split("\n"):
        if line.strip():
            yield json.loads(line)


@contextmanager
def indexed(documents: Iterable[Document], backend: str) -> Iterator[Finder]:
    """A finder over these documents, in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="judged-") as place:
        path = Path(place) / "index"
        engine = directory.engine(backend)
        directory.create(path, engine)
        writing = directory.Writing(path, engine)
        for _ in writing.build(documents, NOW):
            pass
        writing.close()
        yield Finder(directory.Reading(path, engine))


def run(documents: Path, queries: Path, backend: str) -> list[Answer]:
    """Index, ask, measure."""
    judged = list(read_queries(queries))
    with indexed(read_documents(documents), backend) as finder:
        return [ask(finder, item) for item in judged]


def ask(finder: Finder, judged: Judged) -> Answer:
    """One query, with the corrections that a visitor would get."""
    top = finder.find(judged.q, Request(NOW, limit=TOP)).ids
    return Answer(
        judged, top, ndcg(top, judged.relevant), recall(top, judged.relevant), bool(judged.relevant) and not top
    )


def ndcg(top: Sequence[str], relevant: Mapping[str, int]) -> float:
    """1.0 when nothing is relevant and nothing came."""
    ideal = _gain(sorted(relevant.values(), reverse=True)[:TOP])
    if not ideal:
        return float(not top)
    return _gain([relevant.get(id_, 0) for id_ in top[:TOP]]) / ideal


def _gain(grades: Sequence[int]) -> float:
    return float(sum((2**grade - 1) / log2(place + 2) for place, grade in enumerate(grades)))


def recall(top: Sequence[str], relevant: Mapping[str, int]) -> float:
    """The share of the relevant documents, at most ten of them, that are among the first ten."""
    if not relevant:
        return float(not top)
    return sum(id_ in relevant for id_ in top[:TOP]) / min(len(relevant), TOP)


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """The figures as ``--json`` prints them."""
    by_kind: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_kind[answer.judged.kind].append(answer)
    return {
        **_figures(answers),
        "by_kind": {kind: _figures(group) for kind, group in sorted(by_kind.items())},
        "queries": [{"q": answer.judged.q, "top": answer.top} for answer in answers],
    }


def _figures(answers: Sequence[Answer]) -> dict[str, float | int]:
    number = len(answers) or 1
    answerable = sum(bool(answer.judged.relevant) for answer in answers) or 1
    return {
        "ndcg": round(sum(answer.ndcg for answer in answers) / number, 4),
        "recall": round(sum(answer.recall for answer in answers) / number, 4),
        "empty": round(sum(answer.empty for answer in answers) / answerable, 4),
        "count": len(answers),
    }


def table(answers: Sequence[Answer]) -> str:
    """The same for people: in all, by kind, and each query's first ten."""
    result = summary(answers)
    rows = [("in all", result), *result["by_kind"].items()]
    lines = [f"{'kind':<16} {'queries':>7} {'nDCG@10':>8} {'recall@10':>9} {'empty':>7}"]
    for name, figures in rows:
        line = f"{figures['count']:>7} {figures['ndcg']:>8.4f} {figures['recall']:>9.4f} {figures['empty']:>7.4f}"
        lines.append(f"{name:<16} {line}")
    for answer in answers:
        lines.append(f"\n{answer.judged.q}  [{answer.judged.kind}]  nDCG {answer.ndcg:.3f}  recall {answer.recall:.3f}")
        lines += [f"  {answer.judged.relevant.get(id_, 0)}  {id_}" for id_ in answer.top]
    return "\n".join(lines)
