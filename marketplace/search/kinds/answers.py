"""Questions with their public answers as documents, with the facets of the demand that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, raiseload, selectinload, undefer

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.platform.formatting import day_of
from marketplace.platform.outbox import OutboxRow
from marketplace.questions.models import Question
from marketplace.questions.rules import QuestionState
from marketplace.search.documents import Document
from marketplace.search.highlight import mark, marked, snippet
from marketplace.search.kinds import demands
from marketplace.search.sources import Source, View, document_id, subject_key
from marketplace.taxonomy import Label

KIND = "answer"
LABEL = Label("问答", "Q&A")
TITLE_MAX = 80


def touched(row: OutboxRow) -> Iterable[int]:
    """The question of the row; all answered ones of a demand that changed, since they carry its facets."""
    if row.topic.startswith("question."):
        key = subject_key(row, "question")
        return () if key is None else (key,)
    about = list(demands.touched(row))
    if not about:
        return ()
    return db.session.scalars(
        select(Question.id).where(Question.demand_id.in_(about), Question.state == QuestionState.ANSWERED)
    ).all()


def keys(after: int, limit: int) -> Sequence[int]:
    return db.session.scalars(
        select(Question.id)
        .where(Question.id > after, Question.state == QuestionState.ANSWERED)
        .order_by(Question.id)
        .limit(limit)
    ).all()


def _public(ids: Sequence[int]) -> Select[Question]:
    return (
        select(Question)
        .join(Question.demand)
        .where(Question.id.in_(ids), Question.state == QuestionState.ANSWERED, Demand.visible_from.is_not(None))
    )


def load(ids: Sequence[int]) -> Iterator[Document]:
    about = contains_eager(Question.demand)
    found = db.session.scalars(
        _public(ids).options(
            about.options(
                joinedload(Demand.unit),
                joinedload(Demand.batch),
                undefer(Demand.content),
                selectinload(Demand.industries),
                raiseload("*"),
            )
        )
    )
    for question in found:
        yield document(question)


def document(question: Question) -> Document:
    """Who asked is in no field."""
    assert question.answered_at is not None
    demand = demands.document(question.demand)
    return replace(
        demand,
        id=document_id(KIND, question.id),
        kind=KIND,
        title=question.text,
        summary=question.answer,
        body=f"{question.demand.number or ''}\n{question.demand.title}",
        tags=(),
        identifiers=(),
        visible_at=max(question.answered_at, question.demand.visible_from or question.answered_at),
        published_at=question.answered_at,
    )


def rows(ids: Sequence[int], view: View) -> Mapping[int, dict[str, Any]]:
    """Lines of components/hit_row.html: one query."""
    found = db.session.scalars(
        _public(ids)
        .where(Demand.visible_from <= view.now, Question.answered_at <= view.now)
        .options(contains_eager(Question.demand).options(joinedload(Demand.unit), raiseload("*")))
    )
    return {question.id: _row(question, view) for question in found}


def _row(question: Question, view: View) -> dict[str, Any]:
    assert question.answered_at is not None
    demand = question.demand
    asked = question.text if len(question.text) <= TITLE_MAX else question.text[:TITLE_MAX] + "…"
    return {
        "number": demand.number or "",
        "kind_label": LABEL.en if view.language == "en" else LABEL.zh,
        "title": marked(mark(asked, view.terms)),
        "url": view.url("questions.index", ref=demand.ref) + f"#q-{question.id}",
        "snippet": marked(snippet(question.answer, view.terms)),
        "meta": [
            marked(mark(demand.title, view.terms)),
            demand.unit.display_name,
            day_of(question.answered_at).isoformat(),
        ],
    }


SOURCE = Source(KIND, LABEL, touched, keys, load, rows)
