"""Counting the facets of the public list exactly, in two queries whatever is selected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, and_, case, cast, func, literal, select, union_all

from marketplace import db, taxonomy
from marketplace.accounts.models import Organisation
from marketplace.batches.models import Batch
from marketplace.demands.clocks import MODES
from marketplace.demands.models import Demand, DemandIndustry
from marketplace.demands.queries import FACETS, Filters, budget_is, is_public, matching, phase_is
from marketplace.demands.rules import PHASES, State

PUBLIC_PHASES = [
    key
    for key in PHASES
    if key not in ("draft", "submitted", "returned", "appraising", "rejected", "pooled", "dropped")
]


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int


def count_all(filters: Filters, now: datetime, *, language: str = "zh") -> dict[str, list[FacetValue]]:
    """``{facet: values with a count, or selected}``. A facet is counted without its own selection, so that a second
    value can be added; values nobody has are left out unless they are selected.
    """
    counts = _counts(filters, now)
    vocabularies = {
        "direction": taxonomy.DIRECTIONS,
        "state": {key: PHASES[key] for key in PUBLIC_PHASES},
        "mode": MODES,
        "industry": taxonomy.INDUSTRIES,
        "budget": taxonomy.BUDGET_BANDS,
    }
    result: dict[str, list[FacetValue]] = {}
    for name, labels in vocabularies.items():
        chosen = getattr(filters, name)
        result[name] = [
            FacetValue(key, label.en if language == "en" else label.zh, counts[name].get(key, ("", 0))[1])
            for key, label in labels.items()
            if key in counts[name] or key in chosen
        ]
    for name in ("unit", "batch", "year"):
        values = [FacetValue(value, label, count) for value, (label, count) in counts[name].items()]
        result[name] = sorted(values, key=lambda item: (-item.count, item.value))
    return result


def _counts(filters: Filters, now: datetime) -> dict[str, dict[str, tuple[str, int]]]:
    """One UNION ALL of grouped counts: facet → value → (label, count)."""

    def base(name: str) -> Any:
        return and_(is_public(now), *matching(filters.without(name), now))

    phase = case(
        *((phase_is(key, now), literal(key)) for key in ("open", "closing", "closed")),
        (Demand.state != State.PUBLISHED, Demand.state),
        else_=literal("open"),
    )
    band = case(*((budget_is(key), literal(key)) for key in taxonomy.BUDGET_BANDS), else_=literal(""))
    empty = literal("")
    parts = [
        _grouped("direction", Demand.direction, base("direction")),
        _grouped("mode", Demand.mode, base("mode")),
        _grouped("year", cast(Demand.year, String), base("year")),
        _grouped("state", phase, base("state")),
        _grouped("budget", band, base("budget")),
        select(literal("industry"), DemandIndustry.code, empty, func.count())
        .join(Demand, Demand.id == DemandIndustry.demand_id)
        .where(base("industry"))
        .group_by(DemandIndustry.code),
        select(literal("unit"), Organisation.slug, func.max(Organisation.name), func.count())
        .join(Demand, Demand.unit_id == Organisation.id)
        .where(base("unit"))
        .group_by(Organisation.slug),
        select(literal("batch"), Batch.code, func.max(Batch.theme), func.count())
        .join(Demand, Demand.batch_id == Batch.id)
        .where(base("batch"))
        .group_by(Batch.code),
    ]
    found: dict[str, dict[str, tuple[str, int]]] = {name: {} for name in FACETS}
    for name, value, label, count in db.session.execute(union_all(*parts)):
        found[name][value] = (label or value, count)
    return found


def _grouped(name: str, expression: Any, condition: Any) -> Any:
    inner = select(expression.label("value")).where(condition).subquery()
    return select(literal(name), inner.c.value, literal(""), func.count()).group_by(inner.c.value)
