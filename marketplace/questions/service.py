"""The verbs of a question: the only writer of its table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.demands import clocks
from marketplace.demands.models import Demand
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Sentence
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform
from marketplace.questions.models import Question
from marketplace.questions.rules import MACHINE, TEXT_MAX, TEXT_MIN, QuestionAction
from marketplace.settings import queries as settings
from marketplace.taxonomy import Label


def _checked(text: str, field: str, what: Label) -> str:
    text = text.strip()
    if not TEXT_MIN <= len(text) <= TEXT_MAX:
        sentence = Sentence(
            "%(what)s须为%(least)s至%(most)s个字，现在%(now)s个字。",
            what=what,
            least=TEXT_MIN,
            most=TEXT_MAX,
            now=len(text),
        )
        raise Invalid(sentence, fields={field: sentence})
    return text


def ask(demand: Demand, *, text: str, actor: Actor, now: datetime) -> Question:
    """Ask, before ``questions_close_at``. The answer falls due by the clocks. Outbox: ``question.ask``."""
    require("question.ask", actor, demand, now)
    assert demand.closes_at is not None
    assert actor.id is not None
    due_at = clocks.answer_due_at(asked_at=now, deadline_at=demand.closes_at, calendar=settings.calendar())
    question = Question(
        demand=demand,
        text=_checked(text, "text", Label("提问", "Your question")),
        asked_by_id=actor.id,
        asked_at=now,
        due_at=due_at,
    )
    db.session.add(question)
    db.session.flush()
    facts = {"demand_id": demand.id, "due_at": audit.timestamp(due_at)}
    audit.append("question.ask", subject=question.audit_subject, actor=actor, at=now, facts=facts)
    outbox.emit("question.ask", {"subject": question.audit_subject, "actor_id": actor.id, **facts}, at=now)
    return question


def _act(question: Question, action: QuestionAction, *, actor: Actor, now: datetime, **more: Any) -> None:
    perform(MACHINE, question, action, actor=actor, now=now, facts={"demand_id": question.demand_id}, **more)


def route(question: Question, *, note: str = "", actor: Actor, now: datetime) -> None:
    """Hand it to the unit, or a draft back to it with what to mend."""
    _act(question, QuestionAction.ROUTE, actor=actor, now=now, reason=note)
    question.reason = note.strip()
    db.session.flush()


def draft(question: Question, *, text: str, actor: Actor, now: datetime) -> None:
    """The unit's answer, for the screener to publish."""
    answer_text = _checked(text, "answer", Label("答复", "The answer"))
    _act(question, QuestionAction.DRAFT, actor=actor, now=now)
    question.answer, question.reason = answer_text, ""
    db.session.flush()


def publish(question: Question, *, text: str, actor: Actor, now: datetime) -> None:
    """Make the drafted answer public, as worded by the screener."""
    _make_public(question, QuestionAction.PUBLISH, text, actor=actor, now=now)


def answer(question: Question, *, text: str, actor: Actor, now: datetime) -> None:
    """Answer in public without the unit."""
    _make_public(question, QuestionAction.ANSWER, text, actor=actor, now=now)


def _make_public(question: Question, action: QuestionAction, text: str, *, actor: Actor, now: datetime) -> None:
    answer_text = _checked(text, "answer", Label("答复", "The answer"))
    # State and instant are one fact to the database's CHECK: they are written in one statement.
    with db.session.no_autoflush:
        _act(question, action, actor=actor, now=now)
        question.answer, question.answered_at, question.reason = answer_text, now, ""
    db.session.flush()


def refuse(question: Question, *, reason: str, actor: Actor, now: datetime) -> None:
    """Not answered, with a reason that the asker alone reads."""
    if not reason.strip():
        raise Invalid("请写明不予答复的理由，提问人会看到。", fields={"reason": "请写明理由"})
    _act(question, QuestionAction.REFUSE, actor=actor, now=now, reason=reason)
    question.reason = reason.strip()
    db.session.flush()
