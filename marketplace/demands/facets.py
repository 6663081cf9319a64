"""Counting the facets of the public list exactly, in three queries whatever is selected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, and_, case, cast, func, literal, null, select, union_all

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


Counts = dict[str, dict[str, tuple[str, int]]]  # facet → value → (label, count)


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int


def count_all(filters: Filters, now: datetime, *, language: str = "zh") -> dict[str, list[FacetValue]]:
    """``{facet: values with a count, or selected}``. A facet is counted without its own selection, so that a second
    value can be added; values nobody has are left out unless they are selected.
    """
    return labelled(filters, _counts(filters, now), language)


def named(filters: Filters, counts: Mapping[str, Mapping[str, int]]) -> Counts:
    """Counts that come from a search, with the names of units and batches: one query."""
    units = {*counts.get("unit", {}), *filters.unit}
    batches = {*counts.get("batch", {}), *filters.batch}
    wanted = union_all(
        select(literal("unit"), Organisation.slug, Organisation.name).where(Organisation.slug.in_(units)),
        select(literal("batch"), Batch.code, Batch.theme).where(Batch.code.in_(batches)),
    )
    names = {(name, value): label for name, value, label in db.session.execute(wanted)} if units or batches else {}
    return {
        name: {value: (names.get((name, value), value), count) for value, count in counts.get(name, {}).items()}
        for name in FACETS
    }


def labelled(filters: Filters, counts: Counts, language: str) -> dict[str, list[FacetValue]]:
    """Counts with what people call the values, in the order of the vocabularies; chosen ones are never left out."""
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
        chosen = {value: (value, 0) for value in getattr(filters, name)}
        values = [FacetValue(value, label, count) for value, (label, count) in {**chosen, **counts[name]}.items()]
        result[name] = sorted(values, key=lambda item: (-item.count, item.value))
    return result


# One scan answers these: how many rows have each combination of values; the rest is addition.
CUBE = ("direction", "mode", "year", "state", "budget", "unit", "batch")


def _counts(filters: Filters, now: datetime) -> Counts:
    """facet → value → (label, count). Facets without a selection share one scan; each with one has a scan of its own,
    under all conditions but that one.
    """
    chosen = [name for name in FACETS if getattr(filters, name)]
    scans = {"": [name for name in FACETS if name not in chosen], **{name: [name] for name in chosen}}
    parts = [part for own, names in scans.items() if names for part in _scan(own, names, filters, now)]
    found: dict[str, dict[Any, int]] = {name: defaultdict(int) for name in FACETS}
    for names, *values, count in db.session.execute(union_all(*parts)):
        for name, value in zip(COLUMNS, values, strict=True):
            if name in names.split():
                found[name][value] += count
    labels = _named(found)
    return {
        name: {
            labels[name][value][0]: (labels[name][value][1], count)
            for value, count in values.items()
            if value is not None
        }
        for name, values in found.items()
    }


COLUMNS = (*CUBE, "industry")


def _scan(own: str, names: list[str], filters: Filters, now: datetime) -> list[Any]:
    """The grouped counts of one scan; each row says which facets it counts, then a value for each, then how many."""
    phase = case(
        *((phase_is(key, now), literal(key)) for key in ("open", "closing", "closed")),
        (Demand.state != State.PUBLISHED, cast(Demand.state, String)),
        else_=literal("open"),
    )
    band = case(*((budget_is(key), literal(key)) for key in taxonomy.BUDGET_BANDS), else_=literal(""))
    columns = {
        "direction": Demand.direction,
        "mode": Demand.mode,
        "year": Demand.year,
        "state": phase,
        "budget": band,
        "unit": Demand.unit_id,
        "batch": Demand.batch_id,
    }
    condition = and_(is_public(now), *matching(filters.without(own) if own else filters, now))
    # Materialised, so that the narrow index is walked once and the wide rows are never looked up one by one.
    base = (
        select(Demand.id.label("id"), *(columns[name].label(name) for name in CUBE if name in names))
        .where(condition)
        .cte(f"scan_{own}")
        .prefix_with("MATERIALIZED")
    )
    empty = {name: cast(null(), BigInteger) if name in ("year", "unit", "batch") else literal("") for name in COLUMNS}
    parts = []
    wanted = [name for name in CUBE if name in names]
    if wanted:
        values = [base.c[name] if name in wanted else empty[name] for name in COLUMNS]
        parts.append(
            select(literal(" ".join(wanted)), *values, func.count()).group_by(*(base.c[name] for name in wanted))
        )
    if "industry" in names:
        of_industry: list[Any] = [*(empty[name] for name in CUBE), DemandIndustry.code]
        parts.append(
            select(literal("industry"), *of_industry, func.count())
            .select_from(base.join(DemandIndustry, DemandIndustry.demand_id == base.c.id))
            .group_by(DemandIndustry.code)
        )
    return parts


def _named(found: dict[str, dict[Any, int]]) -> dict[str, dict[Any, tuple[str, str]]]:
    """facet → counted value → (value in the URL, label)."""
    units = select(Organisation.id, Organisation.slug, Organisation.name).where(Organisation.id.in_(found["unit"]))
    batches = select(Batch.id, Batch.code, Batch.theme).where(Batch.id.in_([key for key in found["batch"] if key]))
    named = {name: {value: (str(value), str(value)) for value in values} for name, values in found.items()}
    named["unit"] = {key: (slug, name) for key, slug, name in db.session.execute(units)}
    named["batch"] = {key: (code, theme) for key, code, theme in db.session.execute(batches)}
    return named
