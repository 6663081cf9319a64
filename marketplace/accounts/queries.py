"""Reading accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from marketplace import db
from marketplace.accounts.models import LoginSession, Organisation, RoleAssignment, User
from marketplace.accounts.rules import STAFF, OrganisationState, Role
from marketplace.platform.policy import Actor


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def by_username(name: str) -> User | None:
    """By user name or e-mail, whatever the case."""
    name = name.strip().lower()
    return db.session.scalar(select(User).where((User.username == name) | (User.email == name)))


def open_session(token: str, now: datetime) -> LoginSession | None:
    """The signed-in session of a cookie with its user, roles and organisation: two queries."""
    return db.session.scalar(
        select(LoginSession)
        .join(LoginSession.user)
        .options(
            contains_eager(LoginSession.user).options(
                selectinload(User.assignments.and_(RoleAssignment.revoked_at.is_(None))),
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
