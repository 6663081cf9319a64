"""Kinds of things that can be found. A new kind joins the index by one declaration:

    sources.declare(Source(kind="notice", label=Label("公示", "Notices"), touched=…, keys=…, load=…, rows=…))

from the ``install`` of the feature that has it. Indexing, rebuild, drift check, tabs, counts, suggestions, alerts and
the API then know it. What ``load`` does not return is not public and leaves the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.platform.outbox import OutboxRow
from marketplace.search.documents import Document, stamped
from marketplace.taxonomy import Label

CHUNK = 500  # documents loaded together while rebuilding and checking


@dataclass(frozen=True, slots=True)
class View:
    """For whom rows are drawn: the instant, the language, what to mark, and ``url`` (flask's ``url_for``)."""

    now: datetime
    language: str
    url: Callable[..., str]
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One kind. Keys are the primary keys of its table; the document of key 12 is ``kind:12``.

    ``touched``: the keys that an outbox row may have changed. ``keys``: the next so many keys after one, ascending,
    of everything that may be public. ``load``: the documents of those of the keys that are public now or will be by
    the clock (``visible_at``), with ``id`` from ``document_id`` and without a version. ``rows``: what a result list
    shows of each key, in any order: variables of components/hit_row.html (with a ``kind_label``) or of demand_row.html.
    """

    kind: str
    label: Label
    touched: Callable[[OutboxRow], Iterable[int]]
    keys: Callable[[int, int], Sequence[int]]
    load: Callable[[Sequence[int]], Iterable[Document]]
    rows: Callable[[Sequence[int], View], Mapping[int, dict[str, Any]]]


_sources: dict[str, Source] = {}


def declare(source: Source) -> None:
    """Add a kind; the same kind again replaces it. Tabs stand in the order of declaration."""
    _sources[source.kind] = source


def declared() -> Mapping[str, Source]:
    return _sources


def document_id(kind: str, key: int) -> str:
    return f"{kind}:{key}"


def split(id_: str) -> tuple[str, int]:
    """(kind, key) of a document's id."""
    kind, _, key = id_.partition(":")
    return kind, int(key)


def subject_key(row: OutboxRow, family: str) -> int | None:
    """The id in the row's ``subject`` ("demand:12") or ``<family>_id``, if it is of that family."""
    kind, _, key = str(row.payload.get("subject", "")).partition(":")
    if kind == family and key.isdigit():
        return int(key)
    said = row.payload.get(f"{family}_id")
    return int(said) if said is not None else None


def touched(rows: Sequence[OutboxRow]) -> list[str]:
    """The ids that the rows may have changed, each once, in order."""
    found: dict[str, None] = {}
    for row in rows:
        for source in _sources.values():
            found.update((document_id(source.kind, key), None) for key in source.touched(row))
    return list(found)


def load(ids: Sequence[str]) -> tuple[list[Document], list[str]]:
    """The present documents of the ids, and the ids that are not (or no more) public."""
    keys: dict[str, list[int]] = {}
    for id_ in ids:
        kind, key = split(id_)
        keys.setdefault(kind, []).append(key)
    found = {
        document.id: stamped(document)
        for kind, wanted in keys.items()
        if kind in _sources
        for document in _sources[kind].load(wanted)
    }
    return list(found.values()), [id_ for id_ in ids if id_ not in found]


def everything() -> Iterator[list[Document]]:
    """All documents, in chunks: one short read each, so that nothing waits for a rebuild."""
    for source in list(_sources.values()):
        after = 0
        while keys := source.keys(after, CHUNK):
            yield [stamped(document) for document in source.load(keys)]
            after = keys[-1]


def rows(ids: Sequence[str], view: View) -> list[dict[str, Any]]:
    """What a list shows of these documents, in their order; what vanished meanwhile is left out."""
    keys: dict[str, list[int]] = {}
    for id_ in ids:
        kind, key = split(id_)
        keys.setdefault(kind, []).append(key)
    drawn = {
        document_id(kind, key): {"kind": kind, "key": key, **row}
        for kind, wanted in keys.items()
        if kind in _sources
        for key, row in _sources[kind].rows(wanted, view).items()
    }
    return [drawn[id_] for id_ in ids if id_ in drawn]
