"""The second engine, for several hosts or more than 100,000 documents: tantivy, one private copy a host.

Same tokens, same plan, same totals and facets as the embedded engine; only the order of near ties differs.
tantivy maps its files into memory, so every query first looks whether they still are what was committed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Order, Query

from marketplace.search.documents import CLOCKED, CLOSED, CLOSING, CLOSING_WINDOW, FACETS, NEVER, OPEN, PHASES, micros
from marketplace.search.index import (
    EXACT_BONUS,
    STRICT_BONUS,
    Budget,
    Clause,
    Entry,
    Group,
    Page,
    Plan,
    Request,
    TooSlow,
    Unavailable,
)

NUMBERS = ("version", "visible", "closes", "published", "money")
HEAP = 64_000_000  # bytes the writer may hold before it flushes
VALUES_MAX = 65_000  # values of one facet; more units than that is another product
FOOTER_MAGIC = (1337).to_bytes(4, "little")  # the last four bytes of every whole segment file


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("bag", tokenizer_name="bag", index_option="freq")
    builder.add_integer_field("nid", indexed=True, fast=True)
    for name in NUMBERS:
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in FACETS:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


SCHEMA = _schema()


def _open(path: Path) -> Any:
    index = tantivy.Index.open(str(path))
    index.register_tokenizer("bag", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


class TantivyEngine:
    """``index.Engine`` over tantivy."""

    name = "tantivy"

    def create(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        tantivy.Index(SCHEMA, path=str(path), reuse=False)

    def reader(self, path: Path) -> TantivyIndex:
        return TantivyIndex(path)

    def writer(self, path: Path) -> TantivyWriter:
        return TantivyWriter(path)


class TantivyIndex:
    """``index.Index`` over one tantivy directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._sizes = _sizes(path)
            self._index = _open(path)
            self._index.config_reader("manual")
            self._index.reload()
            self._searcher = self._index.searcher()
        except Exception as problem:
            raise Unavailable(f"the index cannot be read: {problem!r}") from problem

    def refresh(self) -> None:
        try:
            self._sizes = _sizes(self._path, self._sizes)
            self._index.reload()
            self._searcher = self._index.searcher()
        except Exception as problem:
            raise Unavailable(f"the index cannot be read: {problem!r}") from problem

    def _look(self) -> None:
        """Before every query: a page of a mapped file that was cut short kills the process (SIGBUS), and nothing can
        catch that. Files that are gone stay mapped and are no danger.
        """
        for name, size in self._sizes.items():
            try:
                now = os.stat(f"{self._path}/{name}").st_size
            except FileNotFoundError:
                continue
            if now != size:
                raise Unavailable(f"{name} has {now} bytes instead of {size}")

    def search(self, plan: Plan, request: Request, budget: Budget) -> Page:
        self._look()
        try:
            return _Run(self._searcher, request.now, budget).page(plan, request)
        except TooSlow:
            raise
        except Exception as problem:
            raise Unavailable(f"the index failed: {problem!r}") from problem

    def candidates(self, plan: Plan, request: Request, limit: int, budget: Budget) -> tuple[list[int], int]:
        page = self.search(plan, Request(request.now, limit=limit), budget)
        return page.nids, page.total

    def frequencies(self, tokens: Sequence[str], now: datetime) -> list[int]:
        self._look()
        run = _Run(self._searcher, now, _unlimited)
        return [run.count(_all_of([_term(token), run.visible()])) for token in tokens]

    def values(self, facet: str) -> list[str]:
        self._look()
        return sorted(_terms(self._searcher, Query.all_query(), facet))

    def versions(self) -> dict[int, int]:
        self._look()
        searcher = self._searcher
        if not searcher.num_docs:
            return {}
        found = searcher.search(Query.all_query(), limit=searcher.num_docs, count=False).hits
        places = [place for _, place in found]
        nids = searcher.fast_field_values("nid", places)
        return dict(zip(nids, searcher.fast_field_values("version", places), strict=True))

    def close(self) -> None:
        """The mapping goes with the last searcher."""


class TantivyWriter:
    """``index.Writer`` over one tantivy directory; holds its lock from the first write to ``close``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, entries: Iterable[Entry], removed: Iterable[int]) -> None:
        try:
            if self._writer is None:
                self._writer = _open(self._path).writer(heap_size=HEAP, num_threads=1)
            for nid in removed:
                self._writer.delete_documents_by_term("nid", nid)
            for entry in entries:
                self._writer.delete_documents_by_term("nid", entry.nid)
                self._writer.add_document(_document(entry))
            self._writer.commit()
        except Exception as problem:
            self._writer = None
            raise Unavailable(f"the index cannot be written: {problem!r}") from problem

    def close(self) -> None:
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None


def _document(entry: Entry) -> Any:
    document = entry.document
    result = tantivy.Document()
    result.add_text("bag", " ".join(" ".join([token] * count) for token, count in entry.bag.items()))
    result.add_integer("nid", entry.nid)
    result.add_integer("version", document.version)
    result.add_integer("visible", micros(document.visible_at) if document.visible_at else 0)
    result.add_integer("closes", micros(document.closes_at) if document.closes_at else NEVER)
    result.add_integer("published", micros(document.published_at) if document.published_at else 0)
    result.add_integer("money", document.budget_fen or 0)
    for name in FACETS:
        for value in document.facet(name):
            result.add_text(name, value)
    return result


class _Run:
    """One plan on one searcher at one instant."""

    def __init__(self, searcher: Any, now: datetime, budget: Budget) -> None:
        self.searcher = searcher
        self.now = micros(now)
        self.soon = micros(now + CLOSING_WINDOW)
        self.budget = budget

    def visible(self) -> Any:
        return _range("visible", None, self.now)

    def count(self, query: Any) -> int:
        self.budget()
        return int(self.searcher.search(Query.const_score_query(query, 1.0), limit=1).count)

    def page(self, plan: Plan, request: Request) -> Page:
        base = self._base(plan, request)
        level, text = self._level(plan, base)
        filters = {name: self._filter(name, values) for name, values in request.filters.items()}
        counted = _all_of([*base, text, *filters.values()])
        scored = _boolean(
            [(Occur.Must, _silent(counted)), *((Occur.Should, part) for part in self._scores(plan, level))]
        )
        nids, total = self._window(scored, counted, request, bool(plan.groups))
        strict = total if level == 0 else self.count(_all_of([*base, self._text(plan, 0), *filters.values()]))
        facets = self._facets(request.facets, [*base, text], filters)
        return Page(nids, total, level, strict, facets)

    def _base(self, plan: Plan, request: Request) -> list[Any]:
        parts = [self.visible()]
        parts += [self._filter(name, values) for name, values in plan.fields.items()]
        parts += [_clause(clause) for clause in plan.required]
        refused = [_clause(clause) for clause in plan.excluded]
        refused += [self._filter(name, values) for name, values in plan.forbidden.items()]
        if request.only is not None:
            parts.append(Query.term_set_query(SCHEMA, "nid", sorted(request.only)))
        if refused:
            parts.append(_boolean([(Occur.Must, Query.all_query()), *((Occur.MustNot, part) for part in refused)]))
        return parts

    def _level(self, plan: Plan, base: list[Any]) -> tuple[int, Any]:
        level, text = 0, self._text(plan, 0)
        levels = plan.levels() if plan.needed else [0]
        for level in levels:
            text = self._text(plan, level)
            if level == levels[-1] or self.count(_all_of([*base, text])) >= plan.enough(level):
                break
        return level, text

    def _text(self, plan: Plan, level: int) -> Any:
        """The condition of a level: how many of the needed words are found."""
        words = [_group(group, loose=level > 0) for group in plan.needed]
        if not words:
            return Query.all_query()
        if plan.minimum(level) == len(words):
            return _all_of(words)
        return Query.boolean_query([(Occur.Should, word) for word in words], plan.minimum(level))

    def _scores(self, plan: Plan, level: int) -> list[Any]:
        parts = [_group(group, loose=level > 0) for group in plan.groups]
        parts += [Query.boost_query(_term(token), weight) for token, weight in plan.bonus]
        if plan.needed:
            exact = _all_of([_any_of(group.exact) for group in plan.needed])
            parts.append(Query.const_score_query(exact, EXACT_BONUS))
        if level:
            parts.append(Query.const_score_query(self._text(plan, 0), STRICT_BONUS))
        return parts

    def _window(self, scored: Any, counted: Any, request: Request, words: bool) -> tuple[list[int], int]:
        self.budget()
        sort = request.sort if words or request.sort != "relevance" else "newest"
        offset, limit = request.offset, max(request.limit, 1)
        if sort == "deadline":
            places, total = self._by_deadline(counted, offset, limit)
        else:
            order = {"newest": "published", "budget": "money"}.get(sort)
            query = scored if order is None else counted
            found = self.searcher.search(query, limit=limit, offset=offset, order_by_field=order)
            places, total = [place for _, place in found.hits], int(found.count)
        return (self.searcher.fast_field_values("nid", places) if request.limit and places else []), total

    def _by_deadline(self, counted: Any, offset: int, limit: int) -> tuple[list[Any], int]:
        """The next to close first, then those without a deadline, then the closed, latest first."""
        total = 0
        places: list[Any] = []
        stages = (
            (_range("closes", self.now + 1, NEVER - 1), Order.Asc),
            (_range("closes", NEVER, None), Order.Asc),
            (_range("closes", None, self.now), Order.Desc),
        )
        for stage, order in stages:
            found = self.searcher.search(
                _all_of([counted, stage]),
                limit=limit,
                offset=max(offset - total, 0),
                order_by_field="closes",
                order=order,
            )
            places += [place for _, place in found.hits][: limit - len(places)] if offset < total + found.count else []
            total += int(found.count)
        return places, total

    def _filter(self, name: str, values: frozenset[str]) -> Any:
        parts = [Query.term_query(SCHEMA, name, value, index_option="basic") for value in sorted(values)]
        if name == "state":
            clocked = _all_of([Query.term_query(SCHEMA, name, CLOCKED), _range("closes", None, NEVER - 1)])
            bounds = {OPEN: (self.soon, None), CLOSING: (self.now + 1, self.soon - 1), CLOSED: (None, self.now)}
            stored = [part for value, part in zip(sorted(values), parts, strict=True) if value not in PHASES]
            parts = [_boolean([(Occur.Must, _either(stored)), (Occur.MustNot, clocked)])] if stored else []
            parts += [_all_of([clocked, _range("closes", *bounds[value])]) for value in sorted(values & set(PHASES))]
        return _either(parts)

    def _facets(self, names: Sequence[str], base: list[Any], filters: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        """Facets without a selection of their own share one pass; each of the others needs its own."""
        groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in names:
            groups[tuple(other for other in filters if other != name)].append(name)
        result: dict[str, dict[str, int]] = {}
        for others, together in groups.items():
            self.budget()
            query = _all_of([*base, *(filters[other] for other in others)])
            result.update(_facet_counts(self.searcher, query, together, self.now, self.soon))
        return {name: result[name] for name in names}


def _facet_counts(searcher: Any, query: Any, names: Sequence[str], now: int, soon: int) -> dict[str, dict[str, int]]:
    wanted: dict[str, Any] = {name: {"terms": {"field": name, "size": VALUES_MAX}} for name in names}
    if "state" in wanted:
        edges = [(CLOSED, None, now + 1), (CLOSING, now + 1, soon), (OPEN, soon, NEVER)]
        ranges = [
            {"key": key, **({"from": start} if start else {}), **({"to": end} if end else {})}
            for key, start, end in edges
        ]
        wanted["state"]["aggs"] = {"clock": {"range": {"field": "closes", "ranges": ranges}}}
    found = searcher.aggregate(query, wanted)
    result: dict[str, dict[str, int]] = {}
    for name in names:
        counts: dict[str, int] = {}
        for bucket in found[name]["buckets"]:
            rest = bucket["doc_count"]
            if name == "state" and bucket["key"] == CLOCKED:
                phases = {
                    part["key"]: part["doc_count"] for part in bucket["clock"]["buckets"] if part["key"] in PHASES
                }
                counts |= {phase: number for phase, number in phases.items() if number}
                rest -= sum(phases.values())
            if rest:
                counts[bucket["key"]] = counts.get(bucket["key"], 0) + rest
        result[name] = counts
    return result


def _terms(searcher: Any, query: Any, facet: str) -> list[str]:
    found = searcher.aggregate(query, {"values": {"terms": {"field": facet, "size": VALUES_MAX}}})
    return [bucket["key"] for bucket in found["values"]["buckets"]]


def _term(token: str) -> Any:
    return Query.term_query(SCHEMA, "bag", token, index_option="freq")


def _boolean(parts: Sequence[tuple[Any, Any]]) -> Any:
    return Query.boolean_query(list(parts))


def _all_of(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else _boolean([(Occur.Must, part) for part in parts])


def _either(parts: Sequence[Any]) -> Any:
    if not parts:
        return Query.empty_query()
    return parts[0] if len(parts) == 1 else _boolean([(Occur.Should, part) for part in parts])


def _silent(query: Any) -> Any:
    return Query.const_score_query(query, 0.0)


def _clause(clause: Clause) -> Any:
    share = clause.weight / len(clause.tokens)
    return _all_of([Query.boost_query(_term(token), share) for token in clause.tokens])


def _any_of(clauses: Sequence[Clause]) -> Any:
    parts = [_clause(clause) for clause in clauses]
    return parts[0] if len(parts) == 1 else Query.disjunction_max_query(parts)


def _group(group: Group, *, loose: bool) -> Any:
    return _any_of(group.exact + group.similar + (group.loose if loose else ()))


def _range(name: str, lower: int | None, upper: int | None) -> Any:
    """Inclusive bounds in microseconds; ``None`` = unbounded."""
    return Query.range_query(SCHEMA, name, FieldType.Integer, lower, upper)


def _sizes(path: Path, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """The sizes of the whole segment files: those known from an earlier look must not have changed."""
    sizes: dict[str, int] = {}
    with os.scandir(path) as files:
        for file in files:
            if "." not in file.name[1:] or file.name.startswith(".") or file.name.endswith((".json", ".lock")):
                continue
            try:
                size = file.stat().st_size
                if known and file.name in known:
                    if known[file.name] != size:
                        raise Unavailable(f"{file.name} has {size} bytes instead of {known[file.name]}")
                elif not _whole(path / file.name, size):
                    continue  # still being written: no commit names it yet, and its size is not yet its size
            except FileNotFoundError:
                continue  # merged away since the directory was listed
            sizes[file.name] = size
    if not (path / "meta.json").stat().st_size:
        raise Unavailable("meta.json is empty")
    return sizes


def _whole(path: Path, size: int) -> bool:
    if size < len(FOOTER_MAGIC):
        return False
    with path.open("rb") as file:
        file.seek(-len(FOOTER_MAGIC), os.SEEK_END)
        return file.read() == FOOTER_MAGIC


def _unlimited() -> None:
    """The budget of a query that nobody waits for."""


ENGINE = TantivyEngine()
