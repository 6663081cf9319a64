"""One complete index in one directory: an engine's files, the shelf, and the word lists that it was built with.

The lists live in the directory because both sides of a search must agree: an edited dictionary takes effect when a
new directory, built with it, takes the place of the old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

from marketplace.search import plan
from marketplace.search.analysis import DATA, segmenter_name
from marketplace.search.documents import Document
from marketplace.search.index import Engine, Entry, Index, Unavailable, Writer
from marketplace.search.plan import Planner
from marketplace.search.shelf import Shelf

LISTS = ("dictionary.txt", "synonyms.txt")
ENGINE_FILES = "engine"
BUILD_BATCH = 1000  # documents put on the shelf in one transaction while building


def engine(name: str) -> Engine:
    """A backend by its setting (``SEARCH_BACKEND``)."""
    if name == "whoosh":
        from marketplace.search.whoosh_backend import ENGINE as WHOOSH

        return WHOOSH
    if name == "tantivy":
        from marketplace.search.tantivy_backend import ENGINE as TANTIVY

        return TANTIVY
    raise ValueError(f"SEARCH_BACKEND is whoosh or tantivy, not {name!r}")


def fingerprint(backend: Engine, lists: Path = DATA) -> str:
    """What an index was made with: engine, segmenter, word lists. Another one means a rebuild."""
    digest = hashlib.sha256(f"{backend.name} {segmenter_name()}".encode())
    for text in word_lists(lists):
        digest.update(text.encode())
    return digest.hexdigest()


def made_by(backend: Engine) -> str:
    """Engine and program: an index made by others cannot be read on, however its words were."""
    return f"{backend.name} / {segmenter_name()}"


def word_lists(lists: Path = DATA, own: Path | None = None) -> list[str]:
    """The texts of the word lists, with what the site itself adds in files of the same names in ``own``."""
    texts = []
    for name in LISTS:
        text = (lists / name).read_text(encoding="utf-8")
        if own is not None and (own / name).is_file():
            text += "\n" + (own / name).read_text(encoding="utf-8-sig")
        texts.append(text)
    return texts


def create(path: Path, backend: Engine, *, own: Path | None = None) -> None:
    """An empty index with the word lists of the program and the site's ``own``."""
    path.mkdir(parents=True)
    for name, text in zip(LISTS, word_lists(own=own), strict=True):
        (path / name).write_text(text, encoding="utf-8")
    backend.create(path / ENGINE_FILES)
    meta = {"made_by": made_by(backend), "fingerprint": fingerprint(backend, path), "position": "0", "origin": ""}
    Shelf.create(path, meta)


def planner(path: Path) -> Planner:
    """The planner with the lists of the index."""
    try:
        return _planner(*word_lists(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise Unavailable(f"the word lists cannot be read: {problem}") from problem


@lru_cache(maxsize=3)
def _planner(dictionary: str, synonyms: str) -> Planner:
    """Loads the segmenter: 60 ms and 25 MB, once per process and lists; before the fork, all processes share it."""
    return plan.load(dictionary, synonyms)


def shelf_meta(path: Path) -> dict[str, str]:
    """What an index says about itself."""
    return Shelf(path).meta()


def shelf_size(path: Path) -> int:
    """How many documents an index has."""
    return Shelf(path).size()


def warm() -> None:
    """Load the segmenter with the shipped lists."""
    _planner(*word_lists())


class Reading:
    """An open index for readers."""

    def __init__(self, path: Path, backend: Engine) -> None:
        self.path = path
        self.shelf = Shelf(path)
        if (made := self.shelf.meta().get("made_by")) != made_by(backend):
            raise Unavailable(f"the index was made by {made}")
        self.planner = planner(path)
        self.index: Index = backend.reader(path / ENGINE_FILES)


class Writing:
    """An open index for the one indexer."""

    def __init__(self, path: Path, backend: Engine) -> None:
        self.path = path
        self.shelf = Shelf(path)
        self.planner = planner(path)
        self._writer: Writer = backend.writer(path / ENGINE_FILES)

    def apply(self, documents: Sequence[Document], removed: Sequence[str], now: datetime) -> None:
        """Make the index say what the documents say that everybody may see now, and nothing of the others and the
        removed. Applying twice changes nothing.

        Shelf first, engine second, what waits and the caller's position last: whatever is killed in between is simply
        done again.
        """
        shown, hidden = _apart(documents, now)
        gone = [*removed, *(document.id for document in hidden)]
        numbers = self.shelf.numbers(gone)
        self._writer.write(self._entries(shown), numbers.values())
        if numbers:
            self.shelf.put([], gone, self.planner.analyzer)
        self.shelf.wait(hidden, [*removed, *(document.id for document in shown)])

    def build(self, documents: Iterable[Document], now: datetime) -> Iterable[int]:
        """Fill an empty index; yields how many documents are done, for the progress shown."""
        done = 0
        remaining = iter(documents)
        entries: list[Entry] = []
        while batch := list(islice(remaining, BUILD_BATCH)):
            shown, hidden = _apart(batch, now)
            entries += self._entries(shown)
            if hidden:
                self.shelf.wait(hidden, [])
            done += len(batch)
            if len(entries) >= 25 * BUILD_BATCH:
                self._writer.write(entries, [])
                entries = []
            yield done
        self._writer.write(entries, [])

    def _entries(self, shown: Sequence[Document]) -> list[Entry]:
        nids = self.shelf.put(shown, [], self.planner.analyzer)
        bag = self.planner.analyzer.bag
        return [Entry(nid, document, bag(document)) for nid, document in zip(nids, shown, strict=True)]

    def drop(self, nids: Iterable[int]) -> None:
        """Take numbers out of the engine that the shelf does not know: half a batch of a killed writer."""
        self._writer.write([], nids)

    def close(self) -> None:
        self._writer.close()


def _apart(documents: Iterable[Document], now: datetime) -> tuple[list[Document], list[Document]]:
    """Those that everybody may see at this instant, and those that wait for theirs."""
    shown: list[Document] = []
    hidden: list[Document] = []
    for document in documents:
        (shown if document.visible_at is None or document.visible_at <= now else hidden).append(document)
    return shown, hidden
