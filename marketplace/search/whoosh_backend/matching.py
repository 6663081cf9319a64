"""Carries out a plan over a snapshot: which documents, at which level, with which score. Whole arrays throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from marketplace.search.documents import CLOCKED, CLOSED, CLOSING, CLOSING_WINDOW, NEVER, OPEN, micros
from marketplace.search.index import ENOUGH, EXACT_BONUS, STRICT_BONUS, Budget, Clause, Group, Plan
from marketplace.search.whoosh_backend.segments import Floats, Ints, Mask, Snapshot

SCORELESS = 1e-6  # a word in every document still counts as found


@dataclass(slots=True)
class Matched:
    """``hits``: places of the hits in the snapshot; ``scores`` over all documents; ``level`` that gave them;
    ``strict``: which of all documents have every word."""

    hits: Ints
    scores: Floats
    level: int
    strict: Mask


class Evaluation:
    """One plan on one snapshot at one instant."""

    def __init__(self, snapshot: Snapshot, now: datetime, budget: Budget) -> None:
        self.snapshot = snapshot
        self.now = micros(now)
        self.budget = budget
        self._soon = micros(now + CLOSING_WINDOW)

    def visible(self) -> Mask:
        """Not deleted, and its instant of becoming visible has come."""
        mask: Mask = self.snapshot.alive & (self.snapshot.numbers["visible"] <= self.now)
        return mask

    def run(self, plan: Plan, only: frozenset[int] | None = None) -> Matched:
        allowed = self._allowed(plan, only)
        scores = np.zeros(self.snapshot.size, dtype=np.float32)
        needed = plan.needed
        if not needed:
            for group in plan.groups:
                scores += self._group(group.exact)
            return Matched(np.flatnonzero(allowed), scores, 0, allowed)
        strict, exactly = self._strict(needed)
        counts = _found(strict)
        exact = allowed & (_found(exactly) == len(needed))
        all_words = allowed & (counts == len(needed))
        level, hit = 0, all_words
        best = strict
        if np.count_nonzero(hit) < ENOUGH:
            best = [np.maximum(found, self._group(group.loose)) for found, group in zip(strict, needed, strict=True)]
            level, hit = self._relax(plan, allowed, hit, _found(best))
        for found in best:
            scores += found
        self._help(plan, scores)
        scores[exact] += EXACT_BONUS
        if level:
            scores[all_words] += STRICT_BONUS
        return Matched(np.flatnonzero(hit), scores, level, all_words)

    def _allowed(self, plan: Plan, only: frozenset[int] | None) -> Mask:
        allowed = self.visible()
        for name, values in plan.fields.items():
            allowed &= self.facet_mask(name, values)
        for name, values in plan.forbidden.items():
            allowed &= ~self.facet_mask(name, values)
        for clause in plan.required:
            there = np.zeros(self.snapshot.size, dtype=bool)
            there[self._clause(clause)[0]] = True
            allowed &= there
        for clause in plan.excluded:
            allowed[self._clause(clause)[0]] = False
        if only is not None:
            allowed &= np.isin(self.snapshot.numbers["nid"], np.fromiter(only, dtype=np.int64, count=len(only)))
        self.budget()
        return allowed

    def _strict(self, needed: Sequence[Group]) -> tuple[list[Floats], list[Floats]]:
        strict, exactly = [], []
        for group in needed:
            exact = self._group(group.exact)
            exactly.append(exact)
            strict.append(np.maximum(exact, self._group(group.similar)) if group.similar else exact)
            self.budget()
        return strict, exactly

    def _relax(self, plan: Plan, allowed: Mask, hit: Mask, counts: Ints) -> tuple[int, Mask]:
        level = 0
        for level in plan.levels()[1:]:
            hit = allowed & (counts >= plan.minimum(level))
            if np.count_nonzero(hit) >= plan.enough(level):
                break
        return level, hit

    def _help(self, plan: Plan, scores: Floats) -> None:
        for group in plan.groups:
            if group.optional:
                scores += self._group(group.exact + group.similar)
        for token, weight in plan.bonus:
            ids, values = self.snapshot.postings(token)
            scores[ids] += values * np.float32(weight)
        self.budget()

    def _group(self, clauses: Sequence[Clause]) -> Floats:
        """The best clause of each document; above 0 exactly where one of them is found."""
        result = np.zeros(self.snapshot.size, dtype=np.float32)
        for clause in clauses:
            ids, values = self._clause(clause)
            if len(ids):
                result[ids] = np.maximum(result[ids], np.maximum(values * np.float32(clause.weight), SCORELESS))
        return result

    def _clause(self, clause: Clause) -> tuple[Ints, Floats]:
        if len(clause.tokens) == 1:
            return self.snapshot.postings(clause.tokens[0])
        lists = sorted((self.snapshot.postings(token) for token in clause.tokens), key=lambda part: len(part[0]))
        ids, total = lists[0]
        for other, values in lists[1:]:
            if not len(ids) or not len(other):
                return other[:0], values[:0]
            places = np.searchsorted(other, ids)
            places[places == len(other)] = 0
            common = other[places] == ids
            ids, total = ids[common], total[common] + values[places[common]]
        return ids, total / np.float32(len(lists))

    def facet_mask(self, name: str, values: frozenset[str]) -> Mask:
        """Documents that have one of the values; clock phases follow from the stored instants."""
        wanted = np.array([not values.isdisjoint(split) for split in self.snapshot.split(name)], dtype=bool)
        mask: Mask = wanted[self.snapshot.codes[name]]
        if name == "state":
            clocked, phases = self._phases()
            mask &= ~clocked
            for phase in values & phases.keys():
                mask |= phases[phase]
        return mask

    def _phases(self) -> tuple[Mask, Mapping[str, Mask]]:
        closes = self.snapshot.numbers["closes"]
        names = self.snapshot.values["state"]
        published = names.index(CLOCKED) if CLOCKED in names else -1
        clocked = (self.snapshot.codes["state"] == published) & (closes < NEVER)
        closed = clocked & (closes <= self.now)
        opened = clocked & (closes >= self._soon)
        return clocked, {OPEN: opened, CLOSING: clocked & ~closed & ~opened, CLOSED: closed}

    def facet_counts(self, name: str, hits: Ints) -> dict[str, int]:
        """Value → number of hits that have it; only values that occur."""
        counts: dict[str, int] = {}
        codes = self.snapshot.codes[name][hits]
        if name == "state":
            clocked, phases = self._phases()
            for phase, mask in phases.items():
                if number := int(np.count_nonzero(mask[hits])):
                    counts[phase] = number
            codes = codes[~clocked[hits]]
        split = self.snapshot.split(name)
        numbers = np.bincount(codes, minlength=len(split))
        for code in np.flatnonzero(numbers):
            for value in split[code]:
                counts[value] = counts.get(value, 0) + int(numbers[code])
        return counts


def _found(groups: Sequence[Floats]) -> Ints:
    counts = np.zeros(len(groups[0]), dtype=np.int64)
    for group in groups:
        counts += group > 0
    return counts
