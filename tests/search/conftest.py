"""A private index per test, over the test's own rolled-back database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.search import directory
from marketplace.search.indexing import Indexer
from marketplace.search.labels import labels
from marketplace.search.place import Place
from marketplace.search.service import Search
from tests.demands.conftest import Stage, now, stage

__all__ = ["Stage", "now", "stage"]


@pytest.fixture(params=["whoosh", "tantivy"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Site:
    """The index of a test: ``catch_up`` does what the indexer's thread would do within a second."""

    def __init__(self, app: Flask, root: Path, backend: str, now: datetime) -> None:
        engine = directory.engine(backend)
        self.place = Place(root / backend)
        self.indexer = Indexer(self.place, engine, own_words=root / "words")
        self.search = Search(self.place, engine, labels)
        self.now = now
        app.extensions["search"] = self.search

    def rebuild(self) -> int:
        db.session.commit()
        number = self.indexer.rebuild(self.now)
        self.search.refresh()
        return number

    def catch_up(self) -> None:
        db.session.commit()
        while self.indexer.step(self.now):
            pass
        self.search.refresh()


@pytest.fixture
def site(app: Flask, session: Session, tmp_path: Path, backend: str, now: datetime) -> Iterator[Site]:
    before = app.extensions["search"]
    site = Site(app, tmp_path, backend, now)
    site.rebuild()
    yield site
    site.indexer.close()
    app.extensions["search"] = before


Publish = Callable[..., object]
