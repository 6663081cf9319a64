"""The small protocol that both engines speak, and the plan that both carry out alike.

A ``Plan`` is a query that has been thought through: words with their alternatives, cost already bounded. Engines
answer with numbers (``nid``) that the shelf turns into ids. Equal plans give equal totals and facets on every engine;
only the order of hits that score alike may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Protocol

from marketplace.search.documents import Document

ENOUGH = 10  # with fewer hits than one page the next, weaker level of matching is tried
LEVELS = 5  # strict AND, loose AND, 60 %, 30 % of the words, any word
RELAXED = (1.0, 1.0, 0.6, 0.3, 0.0)
EXACT_BONUS = 1.0  # added where every word was found as typed, synonyms aside: a nudge, measured on judged sets
STRICT_BONUS = 1000.0  # added, on weaker levels, where every word was found: near misses come after
SYNONYM_WEIGHT = 0.8

PAGE_MAX = 5000  # hits of one page; what people and programs may ask for is decided where they ask
PHRASE_CANDIDATES = 2000  # above this many the total of a phrase is an estimate (约)


class Unavailable(Exception):
    """The index is missing, damaged, locked or being rebuilt: the site answers from the database instead."""


class TooSlow(Exception):
    """The time budget of a query is used up."""


@dataclass(frozen=True, slots=True)
class Clause:
    """Tokens that must all be there, and what they are worth. Several tokens score as their mean."""

    tokens: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """One word of the query: it counts as found when any of its clauses is.

    ``exact``: as typed; ``similar``: synonyms; ``loose``: parts of the word, used only from the second level on.
    An ``optional`` word (系统, 平台, 智慧) raises a score and is never required.
    """

    text: str
    exact: tuple[Clause, ...]
    similar: tuple[Clause, ...] = ()
    loose: tuple[Clause, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A query as the engines carry it out.

    ``required`` and ``excluded`` are clauses that must, or must not, match; ``bonus`` tokens only raise the score;
    ``phrases`` are verified against the text after the engine has matched their tokens (``required``);
    ``fields`` restrict facets (``unit:水务局`` → every unit of that name), ``forbidden`` likewise the other way round.
    """

    groups: tuple[Group, ...] = ()
    required: tuple[Clause, ...] = ()
    excluded: tuple[Clause, ...] = ()
    bonus: tuple[tuple[str, float], ...] = ()
    phrases: tuple[str, ...] = ()
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    forbidden: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if not group.optional)

    def minimum(self, level: int) -> int:
        """How many of the needed words a hit of this level has."""
        return max(1, ceil(len(self.needed) * RELAXED[level] - 1e-9)) if self.needed else 0

    def levels(self) -> list[int]:
        """The levels that differ from the one before, in order; quoted words alone have none to relax."""
        if not self.needed:
            return [0]
        if len(self.needed) == 1:
            return [0, 1]
        return [0, 1, *(n for n in (2, 3, 4) if self.minimum(n) < self.minimum(n - 1))]

    @staticmethod
    def enough(level: int) -> int:
        """With how many hits a level is kept: any word alone is asked for only where nothing else was found."""
        return ENOUGH if level < LEVELS - 2 else 1


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked beside the words. ``only``: restrict to these nids (verified phrases). ``now`` decides phases."""

    now: datetime
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    facets: Sequence[str] = ()
    sort: str = "relevance"
    offset: int = 0
    limit: int = 20
    only: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``nids`` in order; ``facets``: name → value → count, each facet counted without its own selection.

    ``strict``: how many of ``total`` have every word; the others are near misses, shown after them.
    """

    nids: list[int]
    total: int
    level: int
    strict: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A document on its way into an engine: its number and its bag of tokens."""

    nid: int
    document: Document
    bag: Mapping[str, int]


class Budget(Protocol):
    """Called between the steps of a query; raises ``TooSlow`` when its time is up."""

    def __call__(self) -> None: ...


class Index(Protocol):
    """One engine over one directory. Readers and the one writer are separate objects over the same files."""

    def search(self, plan: Plan, request: Request, budget: Budget) -> Page: ...

    def candidates(self, plan: Plan, request: Request, limit: int, budget: Budget) -> tuple[list[int], int]:
        """The first ``limit`` nids of the plan without filters, best first, and how many there are."""
        ...

    def frequencies(self, tokens: Sequence[str], now: datetime) -> list[int]:
        """In how many visible documents each token stands."""
        ...

    def values(self, facet: str) -> list[str]:
        """Every value of a facet that occurs."""
        ...

    def versions(self) -> dict[int, int]:
        """nid → version of every live document: what the drift check compares."""
        ...

    def refresh(self) -> None:
        """See what has been committed since. Raises ``Unavailable`` when it cannot be read."""
        ...

    def close(self) -> None: ...


class Writer(Protocol):
    """The one writer of an engine's directory."""

    def write(self, entries: Iterable[Entry], removed: Iterable[int]) -> None:
        """Replace or add ``entries``, take ``removed`` out, and commit: all of it visible or nothing."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """A backend by name: how its directory is made, read and written."""

    name: str

    def create(self, path: Path) -> None: ...

    def reader(self, path: Path) -> Index: ...

    def writer(self, path: Path) -> Writer: ...
