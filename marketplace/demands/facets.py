"""Counting the facets of the public list exactly, in two queries whatever is selected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, and_, case, cast, func, literal, null, or_, select, union_all

from marketplace import db, taxonomy
from marketplace.accounts.models import Organisation
from marketplace.batches.models import Batch
from marketplace.demands.clocks import MODES
from marketplace.demands.models import Demand, DemandIndustry
from marketplace.demands.queries import FACETS, Filters, budget_is, is_public, phase_is, selected, worded
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
    count: int | None  # None: not counted


VOCABULARIES: dict[str, dict[str, taxonomy.Label]] = {
    "direction": taxonomy.DIRECTIONS,
    "state": {key: PHASES[key] for key in PUBLIC_PHASES},
    "mode": MODES,
    "industry": taxonomy.INDUSTRIES,
    "budget": taxonomy.BUDGET_BANDS,
}


def count_all(filters: Filters, now: datetime, *, language: str = "zh") -> dict[str, list[FacetValue]]:
    """``{facet: values with a count, or selected}``. A facet is counted without its own selection, so that a second
    value can be added; values nobody has are left out unless they are selected.
    """
    return labelled(filters, _counts(filters, now), language) if filters.counted else uncounted(filters, language)


def named(filters: Filters, counts: Mapping[str, Mapping[str, int]], now: datetime) -> Counts:
    """Counts that come from a search, with the names of units and batches, chosen ones without a hit too: one query."""
    units = {*counts.get("unit", {}), *filters.unit}
    wanted = union_all(
        select(literal("unit"), Organisation.slug, Organisation.name).where(Organisation.slug.in_(units)),
        select(literal("batch"), Batch.code, Batch.theme).where(
            or_(
                Batch.code.in_(counts.get("batch", {})),
                and_(Batch.code.in_(filters.batch), Batch.visible_from <= now),
            )
        ),
    )
    names = {(name, value): label for name, value, label in db.session.execute(wanted)}
    return {
        name: {
            value: (names.get((name, value), value), counts.get(name, {}).get(value, 0))
            for value in dict.fromkeys([*counts.get(name, {}), *getattr(filters, name)])
        }
        for name in FACETS
    }


def labelled(filters: Filters, counts: Counts, language: str) -> dict[str, list[FacetValue]]:
    """Counts with what people call the values, in the order of the vocabularies; chosen ones are never left out."""
    result: dict[str, list[FacetValue]] = {}
    for name, labels in VOCABULARIES.items():
        chosen = getattr(filters, name)
        result[name] = [
            FacetValue(key, label.en if language == "en" else label.zh, counts[name].get(key, ("", 0))[1])
            for key, label in labels.items()
            if key in counts[name] or key in chosen
        ]
    for name in ("unit", "batch", "year"):
        chosen = {value: (value, 0) for value in getattr(filters, name)}
        values = [FacetValue(value, label, count) for value, (label, count) in {**chosen, **counts[name]}.items()]
        result[name] = sorted(values, key=lambda item: (-(item.count or 0), item.value))
    return result


def uncounted(filters: Filters, language: str) -> dict[str, list[FacetValue]]:
    """The same choices without counting anything (``facets=0``): every value of the vocabularies, and what is chosen."""
    known = {
        name: [FacetValue(key, label.en if language == "en" else label.zh, None) for key, label in labels.items()]
        for name, labels in VOCABULARIES.items()
    }
    free = {
        name: [FacetValue(value, value, None) for value in getattr(filters, name)] for name in ("unit", "batch", "year")
    }
    return known | free


# One scan answers these: how many rows have each combination of values; the rest is addition.
CUBE = ("direction", "mode", "year", "state", "budget", "unit", "batch")
COLUMNS = (*CUBE, "industry")


def _counts(filters: Filters, now: datetime) -> Counts:
    """facet → value → (label, count)."""
    found: dict[str, dict[Any, int]] = {name: defaultdict(int) for name in FACETS}
    for counts, missed, *values, count in db.session.execute(union_all(*_scan(filters, now))):
        for name, value in zip(COLUMNS, values, strict=True):
            if (name == "industry") == (counts == "industry") and missed in ("", name):
                found[name][value] += count
    labels = _named(found, filters, now)
    counted = {
        name: {
            labels[name][value][0]: (labels[name][value][1], count)
            for value, count in values.items()
            if value is not None
        }
        for name, values in found.items()
    }
    for name in ("unit", "batch"):  # chosen ones keep their names where nothing answers
        for value, label in labels[name].values():
            counted[name].setdefault(value, (label, 0))
    return counted


def _scan(filters: Filters, now: datetime) -> list[Any]:
    """Two groupings of one walk along the public rows: by everything but industries, and by industry.

    ``missed`` is the one facet whose selection a row fails, if any: the row counts for that facet alone.
    """
    # A comparison with an empty budget is neither true nor false; as a number it is a miss.
    failed = {name: case((selected(filters, name, now), 0), else_=1) for name in FACETS if getattr(filters, name)}
    missed = case(*((flag == 1, literal(name)) for name, flag in failed.items()), else_="") if failed else literal("")
    phase = case(
        *((phase_is(key, now), literal(key)) for key in ("open", "closing", "closed")),
        (Demand.state != State.PUBLISHED, cast(Demand.state, String)),
        else_=literal("open"),
    )
    band = case(*((budget_is(key), literal(key)) for key in taxonomy.BUDGET_BANDS), else_=literal(""))
    values = (Demand.direction, Demand.mode, Demand.year, phase, band, Demand.unit_id, Demand.batch_id)
    # Materialised, so that the narrow index is walked once and the wide rows are never looked up one by one.
    rows = (
        select(
            Demand.id.label("id"),
            missed.label("missed"),
            *(value.label(name) for name, value in zip(CUBE, values, strict=True)),
        )
        .where(is_public(now), *worded(filters), sum(failed.values(), literal(0)) <= 1)
        .cte("rows")
        .prefix_with("MATERIALIZED")
    )
    keys = [rows.c[name] for name in CUBE]
    no_text, no_number = literal(""), cast(null(), BigInteger)
    nothing = [no_number if name in ("year", "unit", "batch") else no_text for name in CUBE]
    return [
        select(literal("cube"), rows.c.missed, *keys, no_text, func.count()).group_by(rows.c.missed, *keys),
        select(literal("industry"), rows.c.missed, *nothing, DemandIndustry.code, func.count())
        .select_from(rows.join(DemandIndustry, DemandIndustry.demand_id == rows.c.id))
        .group_by(rows.c.missed, DemandIndustry.code),
    ]


def _named(found: dict[str, dict[Any, int]], filters: Filters, now: datetime) -> dict[str, dict[Any, tuple[str, str]]]:
    """facet → counted or chosen value → (value in the URL, label)."""
    units = select(literal("unit"), Organisation.id, Organisation.slug, Organisation.name).where(
        or_(Organisation.id.in_(found["unit"]), Organisation.slug.in_(filters.unit))
    )
    batches = select(literal("batch"), Batch.id, Batch.code, Batch.theme).where(
        or_(
            Batch.id.in_([key for key in found["batch"] if key]),
            and_(Batch.code.in_(filters.batch), Batch.visible_from <= now),
        )
    )
    named = {name: {value: (str(value), str(value)) for value in values} for name, values in found.items()}
    named["unit"], named["batch"] = {}, {}
    for kind, key, value, label in db.session.execute(union_all(units, batches)):
        named[kind][key] = (value, label)
    return named
