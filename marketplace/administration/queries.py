"""Reading people, and the log with its readable side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.accounts.models import Invitation, LoginSession, Organisation, RoleAssignment, User
from marketplace.administration.rules import SEALED_KINDS
from marketplace.platform.audit.models import AuditDetail
from marketplace.platform.clock import BEIJING
from marketplace.platform.policy import Actor


@dataclass(frozen=True)
class Page:
    """One page of a list; ``urls`` for the pagination are made where the address is known."""

    rows: list[Any]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


def page_of(query: Select[Any], *, page: int, per_page: int) -> Page:
    """Count and load: two queries."""
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    page = max(1, min(page, -(-total // per_page) or 1))
    rows = list(db.session.scalars(query.limit(per_page).offset((page - 1) * per_page)))
    return Page(rows, total, page, per_page)


def people(*, q: str = "", role: str = "") -> Select[User]:
    """People by name, user name, address or organisation; ``role`` counts whether or not it is in force yet."""
    query = (
        select(User)
        .options(
            joinedload(User.organisation),
            selectinload(User.assignments.and_(RoleAssignment.revoked_at.is_(None))),
        )
        .order_by(User.username)
    )
    if q:
        named = exists().where(Organisation.id == User.organisation_id, Organisation.name.contains(q, autoescape=True))
        fields = (User.name, User.username, User.email)
        query = query.where(or_(named, *(field.contains(q, autoescape=True) for field in fields)))
    if role:
        query = query.where(
            exists().where(
                RoleAssignment.user_id == User.id, RoleAssignment.role == role, RoleAssignment.revoked_at.is_(None)
            )
        )
    return query


def person(*, actor: Actor, now: datetime, number: int) -> User | None:
    return db.session.scalar(
        select(User)
        .options(joinedload(User.organisation), selectinload(User.assignments).joinedload(RoleAssignment.organisation))
        .where(User.id == number)
    )


def assignment(*, actor: Actor, now: datetime, number: int, assignment_number: int) -> RoleAssignment | None:
    """An assignment bound to its person."""
    return db.session.scalar(
        select(RoleAssignment)
        .options(joinedload(RoleAssignment.user), joinedload(RoleAssignment.organisation))
        .where(RoleAssignment.id == assignment_number, RoleAssignment.user_id == number)
    )


def open_sessions(user_id: int, now: datetime) -> list[LoginSession]:
    query = select(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now
    )
    return list(db.session.scalars(query.order_by(LoginSession.created_at.desc())))


def waiting_assignments() -> list[RoleAssignment]:
    """Staff roles that wait for a second administrator."""
    query = (
        select(RoleAssignment)
        .options(joinedload(RoleAssignment.user), joinedload(RoleAssignment.organisation))
        .where(RoleAssignment.in_force_at.is_(None), RoleAssignment.revoked_at.is_(None))
    )
    return list(db.session.scalars(query.order_by(RoleAssignment.granted_at)))


def open_invitations(now: datetime) -> list[Invitation]:
    query = (
        select(Invitation)
        .options(joinedload(Invitation.organisation))
        .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.expires_at > now)
    )
    return list(db.session.scalars(query.order_by(Invitation.created_at.desc())))


def organisations() -> list[Organisation]:
    """The district's own departments first."""
    return list(db.session.scalars(select(Organisation).order_by(Organisation.is_host.desc(), Organisation.name)))


@dataclass(frozen=True)
class LogFilter:
    """Who did what when: each part may be empty. Days are Beijing days, both included."""

    who: str = ""
    kind: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None


def log_entries(wanted: LogFilter) -> Select[AuditDetail]:
    """The readable side of the log, newest first; entries about sealed bids are left out for everybody."""
    conditions: list[ColumnElement[bool]] = [
        and_(*(not_(AuditDetail.kind.startswith(prefix)) for prefix in SEALED_KINDS))
    ]
    if wanted.who:
        conditions.append(AuditDetail.actor_name.contains(wanted.who, autoescape=True))
    if wanted.kind:
        conditions.append(AuditDetail.kind.startswith(wanted.kind, autoescape=True))
    if wanted.subject:
        conditions.append(AuditDetail.subject == wanted.subject)
    if wanted.since:
        conditions.append(AuditDetail.at >= datetime.combine(wanted.since, time(), BEIJING))
    if wanted.until:
        conditions.append(AuditDetail.at < datetime.combine(wanted.until + timedelta(days=1), time(), BEIJING))
    return select(AuditDetail).where(*conditions).order_by(AuditDetail.seq.desc())
