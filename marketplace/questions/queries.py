"""Reading questions. What is public is answered; the rest is for its asker and those who work on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand
from marketplace.platform.policy import Actor
from marketplace.questions.models import Question
from marketplace.questions.rules import QuestionState


def answered(demand_id: int, *, limit: int, offset: int = 0) -> tuple[list[Question], int]:
    """Public questions of a demand, the last answered on top, and how many there are in all: one query."""
    rows = db.session.execute(
        select(Question, func.count().over())
        .where(Question.demand_id == demand_id, Question.state == QuestionState.ANSWERED)
        .order_by(Question.answered_at.desc(), Question.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def own(demand_id: int, actor: Actor) -> list[Question]:
    """The actor's own questions that are not public (yet), the newest on top."""
    if not actor.signed_in:
        return []
    return list(
        db.session.scalars(
            select(Question)
            .where(
                Question.demand_id == demand_id,
                Question.asked_by_id == actor.id,
                Question.state != QuestionState.ANSWERED,
            )
            .order_by(Question.id.desc())
        )
    )


def awaiting_answer(actor: Actor) -> Select[Question]:
    """What this actor has to do about questions, the first due on top: the screener routes and publishes, the unit
    answers what was routed to it.
    """
    units = actor.organisations(Role.DRAFTER, Role.APPROVER)
    mine: list[ColumnElement[bool]] = [(Question.state == QuestionState.ROUTED) & Demand.unit_id.in_(units)]
    if actor.has(Role.SCREENER):
        mine.append(Question.state.in_([QuestionState.ASKED, QuestionState.DRAFTED]))
    return (
        select(Question)
        .join(Question.demand)
        .where(or_(*mine))
        .order_by(Question.due_at, Question.id)
        .options(joinedload(Question.demand).joinedload(Demand.unit))
    )


def for_work(*, actor: Actor, now: datetime, question_id: int) -> Question | None:
    """A question for the screener, or for the unit once it was routed there; nobody else knows of it."""
    found = db.session.scalar(
        select(Question).where(Question.id == question_id).options(joinedload(Question.demand).joinedload(Demand.unit))
    )
    if found is None or actor.has(Role.SCREENER):
        return found
    routed = found.state is not QuestionState.ASKED
    return found if routed and actor.has(Role.DRAFTER, Role.APPROVER, at=found.demand.unit_id) else None
