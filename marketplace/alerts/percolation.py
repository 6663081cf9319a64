"""Does a document answer to a stored search? The strict meaning of the plan, asked of one document without an index.

An index answers "which documents has this query"; alerts ask the other way round, for every new document once. The
same planner, the same bag of tokens and the same phrases decide, so that a hit here is a hit of the search page that
has every word (``tests/alerts/test_percolation.py`` compares the two on the judged set). Pure but for the analyser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from marketplace.alerts.rules import has_facets
from marketplace.matching.terms import planner
from marketplace.search.documents import PHASES, Document
from marketplace.search.finder import named
from marketplace.search.index import Clause, Plan
from marketplace.search.plan import Planner
from marketplace.search.query import Field, parse
from marketplace.search.shelf import at_edges, text_of

Labels = Callable[[str, datetime], Mapping[str, Sequence[str]]]


class Percolator:
    """One document, taken apart once, for any number of searches."""

    def __init__(self, document: Document, labels: Labels) -> None:
        self.document = document
        self._labels = labels
        self._tokens = frozenset(planner().analyzer.bag(document))
        self._text = text_of(document)

    def answers(self, typed: str, chosen: Mapping[str, Sequence[str]], now: datetime) -> bool:
        """Whether it has every word typed, and the values chosen."""
        if not has_facets(self.document, chosen, now):
            return False
        plan = plan_of(typed, planner())
        return self._has_words(plan) and self._has_fields(typed, now)

    def _has_words(self, plan: Plan) -> bool:
        return (
            all(any(self._has(clause) for clause in group.exact + group.similar) for group in plan.needed)
            and all(self._has(clause) for clause in plan.required)
            and all(at_edges(phrase, self._text) for phrase in plan.phrases if phrase)
            and all(phrase in self._text for phrase in plan.phrases)
            and not any(self._has(clause) for clause in plan.excluded)
        )

    def _has(self, clause: Clause) -> bool:
        return self._tokens.issuperset(clause.tokens)

    def _has_fields(self, typed: str, now: datetime) -> bool:
        """``unit:水务局`` and its kin: any of the values that a field names, none of a negated one."""
        wanted: dict[str, set[str]] = {}
        forbidden: dict[str, set[str]] = {}
        for field in parse(typed).fields:
            (forbidden if field.negated else wanted).setdefault(field.facet, set()).update(self._named(field, now))
        has_wanted = all(
            values and has_facets(self.document, {name: sorted(values)}, now) for name, values in wanted.items()
        )
        return has_wanted and not any(
            values and has_facets(self.document, {name: sorted(values)}, now) for name, values in forbidden.items()
        )

    def _named(self, field: Field, now: datetime) -> frozenset[str]:
        labels = self._labels(field.facet, now)
        values = {*labels, *self.document.facet(field.facet), *(PHASES if field.facet == "state" else ())}
        return named(field.value, sorted(values), labels)


@lru_cache(maxsize=4_000)
def plan_of(typed: str, words: Planner) -> Plan:
    """The plan of what was typed, with the words in use; fields are looked at apart, where the labels of the day are known."""
    query = parse(typed)
    return words.plan(query, lambda field: frozenset())
