"""The public list against the same thing done by hand: order, pages, exact counts of facets."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import taxonomy
from marketplace.demands import facets, queries
from marketplace.demands.models import Demand
from marketplace.demands.queries import Filters
from marketplace.demands.rules import State
from marketplace.platform import audit
from tests.client import Client
from tests.demands.conftest import Stage

CHOICES: dict[str, Sequence[str]] = {
    "direction": ("living", "building", "industry"),
    "mode": ("subsidy", "trial"),
    "state": ("open", "closing", "closed", "suspended", "withdrawn"),
    "budget": tuple(taxonomy.BUDGET_BANDS),
    "industry": ("iot", "beidou"),
}


@pytest.fixture
def listed(stage: Stage, session: Session) -> list[Demand]:
    """Thirty demands with everything that filters and sorting ask about drawn by chance, one of them not yet public."""
    chance = random.Random(7)
    made = []
    batch = stage.batch()
    for place in range(3):
        made.append(stage.published(batch=stage.batch() if place else batch, title=f"用来排序与计数的第{place}条需求"))
    template = made[0]
    columns = {c.key: getattr(template, c.key) for c in Demand.__table__.columns if c.key not in ("id", "lock_version")}
    for place in range(27):
        made.append(
            Demand(
                **columns | {"key": f"k{place:014d}", "number": f"ZZGX-2026-77-{place:03d}", "sequence": 900 + place}
            )
        )
    session.add_all(made)
    session.flush()
    for demand in made:
        demand.visible_from = stage.now - timedelta(days=40, minutes=chance.randrange(5))
        demand.closes_at = stage.now + timedelta(hours=chance.choice([-90, -20, -20, 5, 5, 60, 90, 300]))
        demand.state = State(chance.choice(["published"] * 6 + ["suspended", "withdrawn"]))
        demand.direction = chance.choice(CHOICES["direction"])
        demand.mode = chance.choice(CHOICES["mode"])
        demand.budget_fen = chance.choice([None, 1_000_000, 75_000_000, 75_000_000, 250_000_000])
        demand.industries = [
            type(template.industries[0])(code=code, position=n)
            for n, code in enumerate(chance.sample(CHOICES["industry"], chance.randrange(1, 3)))
        ]
    made[-1].visible_from = stage.now + timedelta(days=1)
    made[-1].closes_at = stage.now + timedelta(days=30)
    session.flush()
    return made


def _has(demand: Demand, name: str, now: datetime) -> set[str]:
    return {
        "direction": lambda: {demand.direction},
        "mode": lambda: {demand.mode},
        "state": lambda: {demand.phase(now)},
        "budget": lambda: {taxonomy.budget_band(demand.budget_fen)},
        "industry": lambda: {item.code for item in demand.industries},
        "unit": lambda: {demand.unit.slug},
        "batch": lambda: {demand.batch.code if demand.batch else ""},
        "year": lambda: {str(demand.year)},
    }[name]()


def _kept(rows: list[Demand], filters: Filters, now: datetime) -> list[Demand]:
    return [
        row
        for row in rows
        if row.visible_from is not None
        and row.visible_from <= now
        and all(
            not getattr(filters, name) or _has(row, name, now) & set(getattr(filters, name)) for name in queries.FACETS
        )
    ]


def _order(sort: str, now: datetime) -> Callable[[Demand], Any]:
    def deadline(row: Demand) -> Any:
        assert row.closes_at is not None
        ahead = row.state == "published" and row.closes_at > now
        return (not ahead, row.closes_at.timestamp() * (1 if ahead else -1), -row.id)

    def newest(row: Demand) -> Any:
        assert row.visible_from is not None
        return (-row.visible_from.timestamp(), [-ord(sign) for sign in row.number or ""])

    def budget(row: Demand) -> Any:
        return (row.budget_fen is None, -(row.budget_fen or 0), -row.id)

    return {"deadline": deadline, "newest": newest, "budget": budget}[sort]


@pytest.mark.parametrize("sort", ["deadline", "newest", "budget"])
def test_pages_one_after_another_are_the_sorted_list(listed: list[Demand], session: Session, now: datetime, sort: str):
    everything = list(session.scalars(select(Demand)))
    for filters in (Filters(sort=sort, per_page=7), Filters(sort=sort, per_page=4, direction=("living", "building"))):
        wanted = [row.id for row in sorted(_kept(everything, filters, now), key=_order(sort, now))]
        found: list[int] = []
        for page in range(1, -(-len(wanted) // filters.per_page) + 1):
            listing = queries.listing(Filters(**{**vars(filters), "page": page}), now)
            assert listing.total == len(wanted)
            found += [row.id for row in listing.rows]
        assert found == wanted
        assert [row.id for row in queries.with_content(filters, now, 9)] == wanted[:9]


@pytest.mark.parametrize("seed", range(12))
def test_facets_count_what_is_there(listed: list[Demand], session: Session, now: datetime, seed: int):
    chance = random.Random(seed)
    chosen = {
        name: tuple(chance.sample(list(values), chance.randrange(1, 3)))
        for name, values in CHOICES.items()
        if chance.random() < 0.4
    }
    filters = Filters(**chosen)
    everything = list(session.scalars(select(Demand)))
    counted = facets.count_all(filters, now)
    for name in queries.FACETS:
        rows = _kept(everything, filters.without(name), now)
        wanted = Counter(value for row in rows for value in _has(row, name, now))
        assert {item.value: item.count for item in counted[name] if item.count} == dict(wanted), name


def test_a_list_without_counts_keeps_its_choices(listed: list[Demand], visitor: Client, count_queries: list[str]):
    visitor.get("/demands?mode=trial")  # whatever a first request reads once
    count_queries.clear()
    with_counts = visitor.get("/demands?mode=trial")
    counted = len(count_queries)
    count_queries.clear()
    page = visitor.get("/demands?mode=trial&facets=0")
    assert len(count_queries) == counted - 2
    assert [row for row in page.links() if row.startswith("/demands/Z")] == [
        row for row in with_counts.links() if row.startswith("/demands/Z")
    ]
    assert any("direction=living" in link and "facets=0" in link for link in page.links())
    answer = visitor.http.get("/api/v1/demands?mode=trial&facets=0").get_json()
    assert {value["count"] for values in answer["facets"].values() for value in values} == {None}


def test_the_remembered_total_follows_publication_and_the_clock(stage: Stage, session: Session):
    now = stage.now
    before = queries.public_total(now)
    demand = stage.published()
    assert queries.public_total(now) == before + 1
    demand.visible_from, demand.closes_at = now + timedelta(hours=1), now + timedelta(days=60)
    audit.append("demand.seen", subject=demand.audit_subject, actor=stage.actor("publisher"), at=now)
    session.commit()
    assert queries.public_total(now) == before
    assert queries.public_total(now + timedelta(minutes=59)) == before
    assert queries.public_total(now + timedelta(hours=1)) == before + 1
    assert queries.public_total(now) == before  # a request that began earlier
