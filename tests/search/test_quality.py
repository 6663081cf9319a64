"""The judged set holds its floors on both engines; the figures themselves are right; the command prints them."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from math import log2
from pathlib import Path

import pytest
from flask import Flask

from bench import quality
from marketplace.search import evaluate
from marketplace.search.evaluate import Judged, ndcg, recall
from tests.search.judged import generate

DOCS = [
    {"id": "A-1", "title": "智慧停车诱导", "summary": "", "body": "车位余位发布", "tags": ["停车"], "unit": "城管局"},
    {"id": "A-2", "title": "水质在线监测", "summary": "断面", "body": "氨氮", "tags": [], "direction": "民生"},
    {"id": "A-3", "title": "停车收费", "body": None, "industry": "物联网"},
]
QUERIES = [
    {"q": "停车", "relevant": {"A-1": 3, "A-3": 2}, "kind": "word"},
    {"q": "shuizhi", "relevant": {"A-2": 3}, "kind": "pinyin"},
    {"q": "A-3", "relevant": {"A-3": 1}},
]


def test_figures_by_hand() -> None:
    grades = {"a": 3, "b": 1}
    ideal = 7 + 1 / log2(3)
    assert ndcg(["a", "b"], grades) == 1.0
    assert ndcg(["b", "a"], grades) == (1 + 7 / log2(3)) / ideal
    assert ndcg(["x", "a"], grades) == 7 / log2(3) / ideal
    assert recall(["x", "a"], grades) == 0.5
    assert recall([f"r{n}" for n in range(10)], {f"r{n}": 1 for n in range(30)}) == 1.0
    assert (ndcg([], {}), ndcg(["x"], {}), recall([], {})) == (1.0, 0.0, 1.0)


def test_the_judged_set_is_what_its_generator_writes_and_covers_all_kinds() -> None:
    rows = generate.documents()
    packed = gzip.decompress((generate.DATA / "docs.jsonl.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in packed] == [row for _, row in rows]
    judged: list[Judged] = list(evaluate.read_queries(generate.DATA / "queries.jsonl.gz"))
    assert len(packed) >= 2000
    assert len(judged) >= 120
    kinds = Counter(item.kind for item in judged)
    assert kinds.keys() >= {"word", "words", "phrase", "exclude", "field", "mixed", "standard", "synonym", "typo"}
    assert kinds.keys() >= {"pinyin", "initials", "number", "hard", "traditional", "question"}
    held = list(evaluate.read_queries(generate.DATA / "heldout.jsonl.gz"))
    assert len(held) >= 60
    assert not {item.q for item in held} & {item.q for item in judged}
    assert {item.kind for item in held} == kinds.keys()


@pytest.mark.parametrize("name", quality.SETS)
def test_floors_hold_on_both_engines_with_equal_totals_and_facets(name: str) -> None:
    assert quality.failures({engine: quality.measure(engine, name) for engine in quality.ENGINES}, name) == []


def test_a_worse_ranking_misses_the_floors() -> None:
    """The floors would notice: the same answers in reverse."""
    answers, counts = quality.measure("tantivy")
    worse = [evaluate.Answer(a.judged, a.top[:3], a.ndcg / 2, a.recall / 2, a.empty) for a in answers]
    missed = quality.failures({"whoosh": (worse, counts), "tantivy": (answers, [("q", 1, {}), *counts[1:]])})
    assert [line.split(":")[0] for line in missed][:2] == ["whoosh", "whoosh"]
    assert any("differ" in line for line in missed)


def test_the_command_evaluates_any_set(app: Flask, tmp_path: Path) -> None:
    documents, queries = tmp_path / "docs.jsonl", tmp_path / "queries.jsonl"
    documents.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in DOCS), encoding="utf-8")
    queries.write_text("\n".join(json.dumps(row) for row in QUERIES) + "\n\n", encoding="utf-8-sig")
    runner = app.test_cli_runner()
    done = runner.invoke(args=["search", "evaluate", str(documents), str(queries), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    assert (answer["ndcg"], answer["recall"], answer["empty"]) == (1.0, 1.0, 0.0)
    assert answer["by_kind"]["pinyin"]["count"] == 1
    assert answer["queries"][0] == {"q": "停车", "top": ["A-1", "A-3"]}
    text = runner.invoke(args=["search", "evaluate", str(documents), str(queries)]).output
    assert "nDCG@10" in text
    assert "A-2" in text
    queries.write_text("not json", encoding="utf-8")
    refused = runner.invoke(args=["search", "evaluate", str(documents), str(queries)])
    assert refused.exit_code == 1
    assert "评测集读不懂" in refused.output
