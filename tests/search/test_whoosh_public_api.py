"""Our evaluation reads private members of Whoosh: here its public interface answers the same questions by itself."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from whoosh import query
from whoosh.index import FileIndex

from marketplace.search.index import Clause, Group, Plan, Request
from marketplace.search.whoosh_backend import ENGINE
from marketplace.search.whoosh_backend.codec import SCHEMA, SnapshotStorage
from tests.search.test_contract import NOW, Shelf, made
from tests.search.test_contract import WORDS as words

WORDS = words[:16]  # Chinese ones, each of them one token


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several segments, some documents replaced and some deleted."""
    dice = random.Random(11)
    shelf = Shelf(tmp_path_factory.mktemp("whoosh") / "1", "whoosh")
    for part in range(5):
        shelf.write(
            [
                made(key, "".join(dice.sample(WORDS, 2)), "，".join(dice.choices(WORDS, k=8)))
                for key in range(part * 80, part * 80 + 120)
            ]
        )
    shelf.write([], [f"demand:{key}" for key in range(0, 400, 7)])
    return shelf.path / "engine"


def test_totals_and_membership_are_those_of_the_public_interface(folder: Path) -> None:
    ours = ENGINE.reader(folder)
    dice = random.Random(3)
    with FileIndex(SnapshotStorage(str(folder)), SCHEMA).searcher() as public:
        for _ in range(60):
            tokens = dice.sample(WORDS, dice.randint(1, 3))
            without = dice.choice(WORDS)
            plan = Plan(
                groups=tuple(Group(token, (Clause((token,)),)) for token in tokens),
                excluded=(Clause((without,)),),
            )
            page = ours._search(plan, Request(NOW, limit=1000), lambda: None) if len(tokens) == 1 else None
            # And with Not rather than AndNot, which at times keeps a document that has the unwanted word.
            terms = [query.Term("bag", token) for token in tokens]
            wanted = query.And([*terms, query.Not(query.Term("bag", without))])
            found = {public.ixreader.column_reader("nid")[number] for number in public.docs_for_query(wanted)}
            strict = Plan(required=(Clause(tuple(tokens)),), excluded=(Clause((without,)),))
            required = ours.search(strict, Request(NOW, limit=1000), lambda: None)
            assert set(required.nids) == found
            assert required.total == len(found)
            if page is not None:
                assert set(page.nids) == found
        for token in WORDS:
            number = sum(1 for _ in public.docs_for_query(query.Term("bag", token)))
            assert ours.frequencies([token], NOW) == [number]
        assert len(ours.versions()) == public.doc_count()


def test_order_is_that_of_bm25_over_the_same_postings(folder: Path) -> None:
    """Scores by the formula, from the counts that the public matcher yields."""
    from math import log

    ours = ENGINE.reader(folder)
    snapshot = ours._snapshot
    with FileIndex(SnapshotStorage(str(folder)), SCHEMA).searcher() as public:
        for token in WORDS:
            counts: dict[int, float] = {}
            for searcher, base in public.leaf_searchers():
                matcher = searcher.postings("bag", token)
                while matcher.is_active():
                    counts[matcher.id() + base] = matcher.weight()
                    matcher.next()
            scores = dict(zip(*(part.tolist() for part in snapshot.postings(token)), strict=True))
            live = {number: weight for number, weight in counts.items() if snapshot.alive[number]}
            assert live.keys() == {number for number in scores if snapshot.alive[number]}
            idf = log(1 + (snapshot.size - len(scores) + 0.5) / (len(scores) + 0.5))
            for number, weight in live.items():
                expected = idf * weight * 2.2 / (weight + float(snapshot.norms[number]))
                assert scores[number] == pytest.approx(expected, rel=1e-5)
