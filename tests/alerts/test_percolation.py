"""What alerts find is what the search page finds with every word: compared query by query on the judged set."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketplace.alerts.percolation import Percolator
from marketplace.search import directory
from marketplace.search.documents import Document
from marketplace.search.evaluate import NOW, read_documents, read_queries
from marketplace.search.finder import Finder
from marketplace.search.index import PAGE_MAX, Request

DATA = Path("tests/data/search")
DOCUMENTS = 400


def nothing(_facet: str, _now: object) -> dict[str, tuple[str, ...]]:
    return {}


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Every fifth of the set, so that all its subjects are there."""
    return list(read_documents(DATA / "docs.jsonl.gz"))[::5][:DOCUMENTS]


@pytest.fixture(scope="module")
def finder(documents, tmp_path_factory) -> Finder:
    engine = directory.engine("whoosh")
    path = tmp_path_factory.mktemp("judged") / "index"
    directory.create(path, engine)
    writing = directory.Writing(path, engine)
    for _done in writing.build(documents, NOW):
        pass
    writing.close()
    return Finder(directory.Reading(path, engine))


def strict(finder: Finder, typed: str) -> set[str]:
    """Everything that has every word, over all pages."""
    found: list[str] = []
    first = finder.find(typed, Request(NOW, limit=PAGE_MAX), literally=True)
    for offset in range(0, first.strict, PAGE_MAX):
        found += finder.find(typed, Request(NOW, offset=offset, limit=PAGE_MAX), literally=True).ids
    return set(found[: first.strict])


def test_every_judged_query_and_some_with_signs(finder, documents):
    taken = [Percolator(item, nothing) for item in documents]
    queries = [item.q for item in read_queries(DATA / "queries.jsonl.gz")]
    queries += ['"停车诱导"', "停车 -收费", "水质 -溯源 监测", '"数据出境" 平台', "5g", "kind:demand 停车", "系统 平台"]
    wrong = {}
    compared = 0
    for typed in queries:
        expected = strict(finder, typed)
        found = {item.document.id for item in taken if item.answers(typed, {}, NOW)}
        compared += bool(expected)
        if found != expected:
            wrong[typed] = (len(expected), len(found), sorted(found ^ expected)[:3])
    assert wrong == {}
    assert compared > 100


def test_nothing_typed_is_everything(documents):
    assert Percolator(documents[0], nothing).answers("", {}, NOW)
    assert not Percolator(documents[0], nothing).answers("", {"kind": ["capability"]}, NOW)


def test_fields_name_values_by_their_labels(documents):
    labels = {"unit": {"urban": ("郑新高新区城市管理局", "城管局"), "water": ("水务局", "")}}
    document = Document("demand:1", "demand", title="停车诱导", unit="urban")
    taken = Percolator(document, lambda facet, now: labels.get(facet, {}))
    assert taken.answers("unit:城管局 停车", {}, NOW)
    assert taken.answers("单位:城市管理局", {}, NOW)
    assert not taken.answers("unit:水务局 停车", {}, NOW)
    assert not taken.answers("-unit:城管局 停车", {}, NOW)
    assert taken.answers("-unit:水务局 停车", {}, NOW)
