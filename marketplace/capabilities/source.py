"""Capabilities as documents of the search: what their public page says, without the contact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from marketplace import db, taxonomy
from marketplace.capabilities import queries
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import PUBLIC
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.working_days import BEIJING
from marketplace.search.documents import Document
from marketplace.search.highlight import mark, marked, snippet
from marketplace.search.sources import Source, View, document_id, subject_key
from marketplace.taxonomy import Label

KIND = "capability"
LABEL = Label("能力", "Capabilities")


def touched(row: OutboxRow) -> Iterable[int]:
    """The capability of the row; all of a firm whose name or standing may have changed."""
    if row.topic.startswith("capability."):
        key = subject_key(row, "capability")
        return () if key is None else (key,)
    if row.topic.startswith("organisation.") and (firm := subject_key(row, "organisation")) is not None:
        return db.session.scalars(select(Capability.id).where(Capability.organisation_id == firm)).all()
    return ()


def keys(after: int, limit: int) -> Sequence[int]:
    return db.session.scalars(
        select(Capability.id)
        .where(Capability.id > after, Capability.state.in_(sorted(PUBLIC)))
        .order_by(Capability.id)
        .limit(limit)
    ).all()


def load(ids: Sequence[int]) -> Iterator[Document]:
    for capability in queries.public_by_ids(ids):
        yield document(capability)


def document(capability: Capability) -> Document:
    """One of several directions is its facet; all of them, its industries and its certificates are tags."""
    said, firm = capability.said_in_public, capability.organisation
    assert capability.approved_at is not None
    labels = [taxonomy.DIRECTIONS[code].zh for code in said.directions if code in taxonomy.DIRECTIONS]
    labels += [taxonomy.INDUSTRIES[code].zh for code in said.industries if code in taxonomy.INDUSTRIES]
    done = "\n".join(f"{item.name} {item.client} {item.result}" for item in said.references)
    return Document(
        id=document_id(KIND, capability.id),
        kind=KIND,
        title=said.title,
        summary=said.summary,
        body=f"{said.text}\n{done}",
        tags=(*labels, *(item.name for item in said.qualifications)),
        identifiers=(firm.credit_code,),
        unit_name=f"{firm.name} {firm.short_name}".strip(),
        direction=said.directions[0] if said.directions else "",
        industries=tuple(sorted(said.industries)),
        year=str(capability.approved_at.astimezone(BEIJING).year),
        visible_at=capability.listed_at,
        published_at=capability.approved_at,
    )


def rows(ids: Sequence[int], view: View) -> Mapping[int, dict[str, Any]]:
    """Lines of components/hit_row.html: one query."""
    return {capability.id: _row(capability, view) for capability in queries.public_by_ids(ids)}


def _row(capability: Capability, view: View) -> dict[str, Any]:
    said, firm = capability.said_in_public, capability.organisation
    summary = mark(said.summary, view.terms)
    text = snippet(said.text, view.terms)
    answers = any(piece.marked for piece in text) and not any(piece.marked for piece in summary)
    directions = [taxonomy.DIRECTIONS[code] for code in said.directions if code in taxonomy.DIRECTIONS]
    return {
        "number": "",
        "kind_label": LABEL.en if view.language == "en" else LABEL.zh,
        "title": marked(mark(said.title, view.terms)),
        "url": view.url("capabilities.one", slug=firm.slug, key=capability.key),
        "snippet": marked(text if answers else summary),
        "meta": [firm.name, *(label.en if view.language == "en" else label.zh for label in directions)],
    }


SOURCE = Source(KIND, LABEL, touched, keys, load, rows)
