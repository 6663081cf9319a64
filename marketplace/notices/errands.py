"""Objections that wait for somebody who handles them, for the work desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select

from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand
from marketplace.notices import pages
from marketplace.notices.models import Notice, Objection
from marketplace.notices.rules.objections import OPEN, ObjectionState
from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor


def _open_objections() -> Select[Any]:
    own = Objection
    query = errands.line(
        number=own.id, ref=own.public_id, title=Demand.title, note=Notice.number, word=own.state, due=own.answer_due_at
    )
    return (
        query.select_from(own)
        .join(Demand, Demand.id == own.demand_id)
        .join(Notice, Notice.id == own.notice_id)
        .where(own.state.in_(OPEN))
    )


def to_answer(actor: Actor, now: datetime) -> Select[Any]:
    """For the office: objections to answer, the first due on top."""
    return _open_objections().where(Objection.escalated_at.is_(None))


def to_decide(actor: Actor, now: datetime) -> Select[Any]:
    """For the supervisor: objections that were taken to him."""
    return _open_objections().where(Objection.escalated_at.is_not(None))


def _told(row: Any, matter: str, verb: str) -> Errand:
    state = (pages.OBJECTION_STATES[ObjectionState(row.word)].zh, "alert")
    return Errand(row.title, matter, verb, f"/desk/objections/{row.ref}", row.note, row.due_at, state)


def install() -> None:
    office = (Role.SCREENER, Role.PUBLISHER)
    errands.register(office, to_answer, lambda row: _told(row, _("答复异议"), _("办理")))
    errands.register((Role.SUPERVISOR,), to_decide, lambda row: _told(row, _("决定异议"), _("决定")))
