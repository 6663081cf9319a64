"""Reading accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace import db
from marketplace.accounts.models import (
    ErasureRequest,
    Invitation,
    LoginSession,
    Organisation,
    RoleAssignment,
    User,
)
from marketplace.accounts.rules import STAFF, OrganisationState, Role
from marketplace.platform.policy import Actor


def shown_name(organisation: Any = Organisation) -> ColumnElement[str]:
    """``display_name``, where only that of an organisation (or its alias) is read."""
    return func.coalesce(func.nullif(organisation.short_name, ""), organisation.name)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def by_username(name: str) -> User | None:
    """By user name or e-mail, whatever the case."""
    name = name.strip().lower()
    return db.session.scalar(select(User).where((User.username == name) | (User.email == name)))


def open_session(token: str, now: datetime) -> LoginSession | None:
    """The signed-in session of a cookie with its user, roles and organisation: one query."""
    found = db.session.scalars(
        select(LoginSession)
        .join(LoginSession.user)
        .options(
            contains_eager(LoginSession.user).options(
                joinedload(User.assignments.and_(RoleAssignment.revoked_at.is_(None))),
                joinedload(User.organisation),
            )
        )
        .where(
            LoginSession.token_sha256 == token_hash(token),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            User.disabled_at.is_(None),
        )
    )
    return found.unique().one_or_none()


def actor_of(user: User, *, session_id: int | None = None, second_factor: bool = True) -> Actor:
    """The person as the rules see him. Without a second factor his staff roles sleep."""
    return Actor(
        id=user.id,
        name=user.name,
        username=user.username,
        organisation_id=user.organisation_id,
        roles=frozenset(
            (str(item.role), item.organisation_id)
            for item in user.assignments
            if item.in_force_at is not None and item.revoked_at is None and (second_factor or item.role not in STAFF)
        ),
        session_id=session_id,
    )


def holders(role: Role, *, organisation_id: int | None = None) -> Select[User]:
    """Everybody in whom a role is in force."""
    query = (
        select(User)
        .join(RoleAssignment, RoleAssignment.user_id == User.id)
        .where(
            RoleAssignment.role == role,
            RoleAssignment.revoked_at.is_(None),
            RoleAssignment.in_force_at.is_not(None),
            User.disabled_at.is_(None),
        )
        .order_by(User.id)
        .distinct()
    )
    if organisation_id is not None:
        query = query.where(RoleAssignment.organisation_id == organisation_id)
    return query


def demo_users(usernames: Sequence[str]) -> list[User]:
    """Members of the demo's cast in the given order, with their roles: two queries."""
    found = {
        user.username: user
        for user in db.session.scalars(
            select(User)
            .where(User.username.in_(usernames), User.is_demo)
            .options(selectinload(User.assignments.and_(RoleAssignment.revoked_at.is_(None))))
        )
    }
    return [found[name] for name in usernames if name in found]


def posting_units() -> Select[Organisation]:
    """Units that may post demands."""
    return (
        select(Organisation)
        .where(Organisation.may_post, Organisation.state == OrganisationState.APPROVED)
        .order_by(Organisation.name)
    )


def open_sessions(user_id: int, now: datetime) -> list[LoginSession]:
    """The browsers a person is signed in with, newest first."""
    return list(
        db.session.scalars(
            select(LoginSession)
            .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now)
            .order_by(LoginSession.id.desc())
        )
    )


def open_erasure(user_id: int) -> ErasureRequest | None:
    """The request to be erased that waits for a decision."""
    return db.session.scalar(
        select(ErasureRequest).where(ErasureRequest.user_id == user_id, ErasureRequest.decided_at.is_(None))
    )


def refused_erasure(user_id: int) -> ErasureRequest | None:
    """The newest request that was decided; whoever reads it still has an account, so the answer was no."""
    return db.session.scalar(
        select(ErasureRequest)
        .where(ErasureRequest.user_id == user_id, ErasureRequest.decided_at.is_not(None))
        .order_by(ErasureRequest.id.desc())
        .limit(1)
    )


def waiting_erasures() -> list[ErasureRequest]:
    """Requests nobody has decided, oldest first."""
    return list(
        db.session.scalars(
            select(ErasureRequest)
            .where(ErasureRequest.decided_at.is_(None))
            .options(joinedload(ErasureRequest.user).selectinload(User.assignments))
            .order_by(ErasureRequest.id)
        )
    )


def taken(organisation: Organisation) -> bool:
    """Whether another organisation has this name or code."""
    with db.session.no_autoflush:
        return bool(
            db.session.scalar(
                select(Organisation.id).where(
                    Organisation.id != organisation.id,
                    (Organisation.credit_code == organisation.credit_code) | (Organisation.name == organisation.name),
                )
            )
        )


def members(organisation_id: int) -> list[User]:
    """Everybody of an organisation, with roles."""
    return list(
        db.session.scalars(
            select(User)
            .where(User.organisation_id == organisation_id, User.erased_at.is_(None))
            .options(selectinload(User.assignments.and_(RoleAssignment.revoked_at.is_(None))))
            .order_by(User.id)
        )
    )


def open_invitations(organisation_id: int, now: datetime) -> list[Invitation]:
    """Invitations that still wait for an answer."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id == organisation_id,
                Invitation.accepted_at.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at > now,
            )
            .order_by(Invitation.id)
        )
    )


def organisations(state: OrganisationState | None = None, *, text: str = "") -> Select[Organisation]:
    """For staff: all organisations, those that waited longest first."""
    query = select(Organisation).order_by(Organisation.registered_at, Organisation.id)
    if state is not None:
        query = query.where(Organisation.state == state)
    if text:
        query = query.where(
            Organisation.name.contains(text, autoescape=True) | (Organisation.credit_code == text.upper())
        )
    return query


def capable(*, text: str = "") -> Select[Organisation]:
    """The directory: approved bidders, each word of ``text`` in name, introduction or capabilities."""
    query = (
        select(Organisation)
        .where(Organisation.state == OrganisationState.APPROVED, Organisation.may_bid)
        .order_by(Organisation.name)
    )
    for word in text.split()[:5]:
        query = query.where(
            or_(
                *(
                    func.lower(column).contains(word.lower(), autoescape=True)
                    for column in (Organisation.name, Organisation.introduction, Organisation.capabilities)
                )
            )
        )
    return query


def by_slug(slug: str) -> Organisation | None:
    """The organisation of a public address."""
    return db.session.scalar(select(Organisation).where(Organisation.slug == slug))
