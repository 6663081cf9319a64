"""Demands as documents: what the public page says of them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, raiseload, selectinload, undefer

from marketplace import db, taxonomy
from marketplace.demands import content as said
from marketplace.demands import pages
from marketplace.demands.clocks import MODES
from marketplace.demands.models import Demand
from marketplace.platform.outbox import OutboxRow
from marketplace.search.documents import Document
from marketplace.search.highlight import mark, marked, snippet
from marketplace.search.sources import Source, View, document_id, subject_key
from marketplace.taxonomy import Label

KIND = "demand"


def touched(row: OutboxRow) -> Iterable[int]:
    """The demand of the row; all public ones of a unit whose name may have changed."""
    if (organisation := subject_key(row, "organisation")) is not None and row.topic.startswith("organisation."):
        return db.session.scalars(
            select(Demand.id).where(Demand.unit_id == organisation, Demand.visible_from.is_not(None))
        ).all()
    key = subject_key(row, "demand") if row.topic.startswith("demand.") else None
    return () if key is None else (key,)


def keys(after: int, limit: int) -> Sequence[int]:
    return db.session.scalars(
        select(Demand.id).where(Demand.id > after, Demand.visible_from.is_not(None)).order_by(Demand.id).limit(limit)
    ).all()


def load(ids: Sequence[int]) -> Iterator[Document]:
    found = db.session.scalars(
        select(Demand)
        .where(Demand.id.in_(ids), Demand.visible_from.is_not(None))
        .options(
            joinedload(Demand.unit),
            joinedload(Demand.batch),
            undefer(Demand.content),
            selectinload(Demand.industries),
            raiseload("*"),
        )
    )
    for demand in found:
        yield document(demand)


def document(demand: Demand) -> Document:
    """The published content without its contact person; attachments and scores are not searched."""
    content = said.from_json(demand.content)
    return Document(
        id=document_id(KIND, demand.id),
        kind=KIND,
        title=demand.title,
        summary=demand.summary,
        body="\n".join(part for part in _texts(content) if part),
        tags=_tags(demand),
        identifiers=(demand.number or "", demand.unit.credit_code, content.procurement_number),
        unit=demand.unit.slug,
        unit_name=f"{demand.unit.name} {demand.unit.short_name or ''}".strip(),
        direction=demand.direction,
        industries=tuple(sorted(item.code for item in demand.industries)),
        mode=demand.mode,
        state=str(demand.state),
        budget_fen=demand.budget_fen,
        budget=taxonomy.budget_band(demand.budget_fen),
        batch=demand.batch.code if demand.batch else "",
        year=str(demand.year or ""),
        visible_at=demand.visible_from,
        closes_at=demand.closes_at,
        published_at=demand.visible_from,
    )


def _texts(content: said.DemandContent) -> Iterator[str]:
    yield from (content.place, content.background, content.goal, content.content)
    yield from (f"{item.name} {item.method}" for item in content.indicators)
    yield from (item.text for item in content.offers)
    yield from (content.conditions, content.site_visit, content.budget_note)
    yield from (item.name for item in content.milestones)


def _tags(demand: Demand) -> tuple[str, ...]:
    labels = [taxonomy.INDUSTRIES[item.code].zh for item in demand.industries if item.code in taxonomy.INDUSTRIES]
    if demand.mode in MODES:
        labels.append(MODES[demand.mode].zh)
    return tuple(labels)


def rows(ids: Sequence[int], view: View) -> Mapping[int, dict[str, Any]]:
    """Lines of components/demand_row.html with the words marked: one query."""
    found = db.session.scalars(
        select(Demand)
        .where(Demand.id.in_(ids), Demand.visible_from.is_not(None), Demand.visible_from <= view.now)
        .options(joinedload(Demand.unit), *([undefer(Demand.content)] if view.terms else []), raiseload("*"))
    )
    return {demand.id: row(demand, view) for demand in found}


def row(demand: Demand, view: View) -> dict[str, Any]:
    """One line. The piece of text is the summary where it answers, else the place in the text that does."""
    url = view.url("demands.show", ref=demand.ref)
    plain = pages.row(demand, view.now, url=url, language=view.language)
    if not view.terms:
        return plain
    return plain | {"title": marked(mark(demand.title, view.terms)), "snippet": marked(shown(demand, view.terms))}


def shown(demand: Demand, terms: tuple[str, ...]) -> Any:
    """The pieces of the text to show below the title."""
    summary = mark(demand.summary, terms)
    if any(piece.marked for piece in summary):
        return summary
    text = snippet("\n".join(part for part in _texts(said.from_json(demand.content)) if part), terms)
    return text if any(piece.marked for piece in text) else summary


SOURCE = Source(KIND, Label("榜单", "Demands"), touched, keys, load, rows)
