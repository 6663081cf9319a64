"""The embedded default: Whoosh for storage and commits, numpy for evaluation (search.md, Whoosh made fast)."""

from __future__ import annotations

from pathlib import Path

from whoosh.index import FileIndex

from marketplace.search.whoosh_backend.codec import SCHEMA, SnapshotStorage
from marketplace.search.whoosh_backend.reader import WhooshIndex
from marketplace.search.whoosh_backend.writer import WhooshWriter


class WhooshEngine:
    """``index.Engine`` over Whoosh."""

    name = "whoosh"

    def create(self, path: Path) -> None:
        FileIndex.create(SnapshotStorage(str(path)).create(), SCHEMA)

    def reader(self, path: Path) -> WhooshIndex:
        return WhooshIndex(path)

    def writer(self, path: Path) -> WhooshWriter:
        return WhooshWriter(path)


ENGINE = WhooshEngine()
