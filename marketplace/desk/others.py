"""What waits besides demands: questions, organisations that registered, roles and erasures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import aliased

from marketplace.accounts.models import ErasureRequest, Organisation, RoleAssignment, User
from marketplace.accounts.rules import ROLE_LABELS, OrganisationState, Role
from marketplace.demands.models import Demand
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from marketplace.questions.models import Question
from marketplace.questions.rules import STATE_LABELS, TONES, QuestionState

VERBS = {QuestionState.ASKED: "转办", QuestionState.ROUTED: "答复", QuestionState.DRAFTED: "公布"}


def questions(actor: Actor, now: datetime) -> Select[Any] | None:
    """By their due date: at the office, or at the unit they were sent to."""
    mine: list[ColumnElement[bool]] = []
    units = actor.organisations(Role.DRAFTER, Role.APPROVER)
    if units:
        mine.append((Question.state == QuestionState.ROUTED) & Demand.unit_id.in_(units))
    if actor.has(Role.SCREENER):
        mine.append(Question.state.in_([QuestionState.ASKED, QuestionState.DRAFTED]))
    if not mine:
        return None
    query = errands.line(
        number=Question.id,
        ref=Question.id,
        title=Question.text,
        note=Demand.title,
        word=Question.state,
        due=Question.due_at,
    )
    return query.select_from(Question).join(Demand, Demand.id == Question.demand_id).where(or_(*mine))


def _question(row: Any) -> Errand:
    state = QuestionState(row.word)
    return Errand(
        title=row.title if len(row.title) <= 40 else f"{row.title[:39]}…",
        matter="答疑",
        verb=VERBS[state],
        url=url_for("questions.work", question_id=row.ref),
        note=row.note,
        due_at=row.due_at,
        state=(STATE_LABELS[state], TONES[state]),
    )


def organisations(actor: Actor, now: datetime) -> Select[Any]:
    """Who registered and was not checked."""
    own = Organisation
    query = errands.line(number=own.id, ref=own.id, title=own.name, note=own.credit_code)
    return query.where(Organisation.state == OrganisationState.PENDING)


def _organisation(row: Any) -> Errand:
    url = url_for("organisations.show", number=row.ref)
    return Errand(row.title, "单位注册", "审核", url, note=row.note, state=("待审核", "work"))


def grants(actor: Actor, now: datetime) -> Select[Any]:
    """Staff roles that wait for a second administrator; never the one who granted them."""
    holder = aliased(User)
    given = RoleAssignment
    query = errands.line(number=given.id, ref=given.user_id, title=holder.name, note=holder.username, word=given.role)
    return (
        query.select_from(given)
        .join(holder, holder.id == given.user_id)
        .where(
            given.in_force_at.is_(None),
            given.revoked_at.is_(None),
            or_(given.granted_by_id.is_(None), given.granted_by_id != actor.id),
        )
    )


def _grant(row: Any) -> Errand:
    url = url_for("people.show", number=row.ref)
    return Errand(f"{row.title}：{ROLE_LABELS[Role(row.word)]}", "授权确认", "确认", url, note=row.note)


def erasures(actor: Actor, now: datetime) -> Select[Any]:
    """Who wants his account to be closed."""
    who, asked = aliased(User), ErasureRequest
    query = errands.line(number=asked.id, ref=asked.id, title=who.name, note=asked.reason)
    return query.select_from(asked).join(who, who.id == asked.user_id).where(asked.decided_at.is_(None))


def _erasure(row: Any) -> Errand:
    return Errand(row.title, "注销申请", "处理", url_for("accounts.erasures"), note=row.note[:60])


def install() -> None:
    errands.register((Role.SCREENER, Role.DRAFTER, Role.APPROVER), questions, _question)
    errands.register((Role.SCREENER,), organisations, _organisation)
    errands.register((Role.SECADMIN,), grants, _grant)
    errands.register((Role.SECADMIN,), erasures, _erasure)
