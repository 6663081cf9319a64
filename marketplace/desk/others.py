"""What waits besides demands: questions, organisations that registered, roles and erasures — one query for all of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Select, String, cast, literal, null, or_, select, type_coerce, union_all
from sqlalchemy.orm import aliased

from marketplace import db
from marketplace.accounts.models import ErasureRequest, Organisation, RoleAssignment, User
from marketplace.accounts.rules import ROLE_LABELS, OrganisationState, Role
from marketplace.demands.models import Demand
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor
from marketplace.questions.models import Question
from marketplace.questions.rules import STATE_LABELS, TONES, QuestionState

ROLES = (Role.SCREENER, Role.DRAFTER, Role.APPROVER, Role.SECADMIN)
VERBS = {QuestionState.ASKED: "转办", QuestionState.ROUTED: "答复", QuestionState.DRAFTED: "公布"}
_NO_TIME = cast(null(), db.UtcDateTime())


def _part(kind: str, number: Any, title: Any, note: Any, word: Any, due: Any) -> Select[Any]:
    return select(
        literal(kind).label("kind"),
        number.label("number"),
        title.label("title"),
        note.label("note"),
        word.label("word"),
        due.label("due_at"),
    )


def _questions(actor: Actor) -> Select[Any] | None:
    mine: list[ColumnElement[bool]] = []
    units = actor.organisations(Role.DRAFTER, Role.APPROVER)
    if units:
        mine.append((Question.state == QuestionState.ROUTED) & Demand.unit_id.in_(units))
    if actor.has(Role.SCREENER):
        mine.append(Question.state.in_([QuestionState.ASKED, QuestionState.DRAFTED]))
    if not mine:
        return None
    state = type_coerce(Question.state, String)
    return (
        _part("question", Question.id, Question.text, Demand.title, state, Question.due_at)
        .join(Demand, Demand.id == Question.demand_id)
        .where(or_(*mine))
    )


def _organisations(actor: Actor) -> Select[Any] | None:
    if not actor.has(Role.SCREENER):
        return None
    columns = (Organisation.id, Organisation.name, Organisation.credit_code, literal(""), _NO_TIME)
    return _part("organisation", *columns).where(Organisation.state == OrganisationState.PENDING)


def _grants(actor: Actor) -> Select[Any] | None:
    """Staff roles that wait for a second administrator; never the one who granted them."""
    if not actor.has(Role.SECADMIN):
        return None
    holder = aliased(User)
    columns = (RoleAssignment.user_id, holder.name, holder.username, type_coerce(RoleAssignment.role, String), _NO_TIME)
    return (
        _part("grant", *columns)
        .join(holder, holder.id == RoleAssignment.user_id)
        .where(
            RoleAssignment.in_force_at.is_(None),
            RoleAssignment.revoked_at.is_(None),
            or_(RoleAssignment.granted_by_id.is_(None), RoleAssignment.granted_by_id != actor.id),
        )
    )


def _erasures(actor: Actor) -> Select[Any] | None:
    if not actor.has(Role.SECADMIN):
        return None
    who = aliased(User)
    columns = (ErasureRequest.id, who.name, ErasureRequest.reason, literal(""), _NO_TIME)
    return (
        _part("erasure", *columns)
        .join(who, who.id == ErasureRequest.user_id)
        .where(ErasureRequest.decided_at.is_(None))
    )


def waiting(actor: Actor, now: datetime) -> list[Errand]:
    """Everything of these kinds that waits for this person, questions by their due date first."""
    parts = [
        part for part in (ask(actor) for ask in (_questions, _organisations, _grants, _erasures)) if part is not None
    ]
    if not parts:
        return []
    rows = union_all(*parts).subquery()
    found = db.session.execute(
        select(rows).order_by(rows.c.due_at.is_(None), rows.c.due_at, rows.c.kind, rows.c.number).limit(MOST)
    )
    return [_errand(row) for row in found]


def _errand(row: Any) -> Errand:
    match row.kind:
        case "question":
            state = QuestionState(row.word)
            return Errand(
                title=row.title if len(row.title) <= 40 else f"{row.title[:39]}…",
                matter="答疑",
                verb=VERBS[state],
                url=url_for("questions.work", question_id=row.number),
                note=row.note,
                due_at=row.due_at,
                state=(STATE_LABELS[state], TONES[state]),
            )
        case "organisation":
            url = url_for("organisations.show", number=row.number)
            return Errand(row.title, "单位注册", "审核", url, note=row.note, state=("待审核", "work"))
        case "grant":
            url = url_for("people.show", number=row.number)
            return Errand(f"{row.title}：{ROLE_LABELS[Role(row.word)]}", "授权确认", "确认", url, note=row.note)
        case _:
            return Errand(row.title, "注销申请", "处理", url_for("accounts.erasures"), note=row.note[:60])
