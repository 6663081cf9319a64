"""Reading messages, and finding the people of an audience."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from marketplace import db
from marketplace.accounts.models import RoleAssignment, User
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand, DemandCustodian, DemandFollow
from marketplace.demands.rules import SECOND_PERSON
from marketplace.notifications.models import Mail, MailWish, Message
from marketplace.notifications.rules import Audience


def messages_of(user_id: int, *, unread: bool = False) -> Select[Message]:
    """A person's messages, newest first."""
    query = select(Message).where(Message.user_id == user_id).order_by(Message.at.desc(), Message.id.desc())
    return query.where(Message.read_at.is_(None)) if unread else query


def unread_count(user_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(Message).where(Message.user_id == user_id, Message.read_at.is_(None))
        )
        or 0
    )


def wants_mail(user_id: int) -> bool:
    wish = db.session.get(MailWish, user_id)
    return wish is None or wish.wanted


def pending_mails(now: datetime, *, limit: int = 50) -> Select[int]:
    """Ids of mails that are due, oldest first."""
    return (
        select(Mail.id)
        .where(Mail.sent_at.is_(None), or_(Mail.retry_at.is_(None), Mail.retry_at <= now))
        .order_by(Mail.id)
        .limit(limit)
    )


def holder_ids(*roles: Role, organisation_ids: Iterable[int] | None = None) -> set[int]:
    """Ids of the people in whom one of the roles is in force (in one of the organisations, when given)."""
    query = (
        select(RoleAssignment.user_id)
        .join(User, User.id == RoleAssignment.user_id)
        .where(
            RoleAssignment.role.in_(roles),
            RoleAssignment.revoked_at.is_(None),
            RoleAssignment.in_force_at.is_not(None),
            User.disabled_at.is_(None),
        )
    )
    if organisation_ids is not None:
        query = query.where(RoleAssignment.organisation_id.in_(list(organisation_ids)))
    return set(db.session.scalars(query))


def audience(name: Audience, demand: Demand) -> set[int]:
    """The people of one audience of a demand."""
    match name:
        case Audience.UNIT:
            return holder_ids(Role.DRAFTER, Role.APPROVER, organisation_ids=[demand.unit_id])
        case Audience.FOLLOWERS:
            return followers(demand.id)
        case Audience.SCREENERS:
            return holder_ids(Role.SCREENER)
        case Audience.PUBLISHERS:
            return holder_ids(Role.PUBLISHER)
        case Audience.SUPERVISORS:
            return holder_ids(Role.SUPERVISOR)
        case Audience.CUSTODIANS:
            custodians = select(DemandCustodian.user_id).where(DemandCustodian.demand_id == demand.id)
            return set(db.session.scalars(custodians))
        case Audience.CONFIRMERS:
            proposal = demand.open_proposal
            if proposal is None:
                return set()
            return holder_ids(*SECOND_PERSON[proposal.action]) - {proposal.proposed_by_id}


def followers(demand_id: int) -> set[int]:
    return set(db.session.scalars(select(DemandFollow.user_id).where(DemandFollow.demand_id == demand_id)))
