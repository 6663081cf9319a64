"""Who belongs to an organisation: invitations by mail and the roles its administrator gives."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import Invitation, Organisation, User
from marketplace.accounts.rules import ORGANISATION_ROLES, ROLE_LABELS, Role
from marketplace.accounts.service.people import end_all_sessions, give_role
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.policy import Actor, require

INVITATION_LIFE = timedelta(days=7)


def grantable(organisation: Organisation) -> list[Role]:
    """The roles that make sense there: posting roles for units that post, bidding roles for those that bid."""
    posting = [Role.DRAFTER, Role.APPROVER] if organisation.may_post else []
    return posting + ([Role.BIDDER, Role.ORG_ADMIN] if organisation.may_bid else [])


def invite(
    organisation: Organisation, email: str, role: Role, *, actor: Actor, now: datetime
) -> tuple[Invitation, str]:
    """Invite somebody new; returns the invitation and the token for the mail. An open one to him is replaced."""
    require("member.manage", actor, organisation, now)
    email = email.strip().lower()
    if role not in grantable(organisation):
        raise Refused("本单位没有这个角色。")
    if db.session.scalar(select(User.id).where(User.email == email)):
        problem = Sentence("这个邮箱已有账号。一人只属于一个单位，请换一个邮箱。")
        raise Invalid(problem, fields={"email": problem})
    for old in queries.open_invitations(organisation.id, now):
        if old.email == email:
            old.withdrawn_at = now
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        token_sha256=queries.token_hash(token),
        email=email,
        organisation_id=organisation.id,
        role=role,
        invited_by_id=actor.id,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    db.session.add(invitation)
    db.session.flush()
    audit.append("invitation.send", subject=invitation.audit_subject, actor=actor, at=now, facts={"role": str(role)})
    return invitation, token


def withdraw_invitation(invitation: Invitation, *, actor: Actor, now: datetime) -> None:
    """The link stops working at once."""
    require("member.manage", actor, invitation.organisation, now)
    if invitation.accepted_at is None and invitation.withdrawn_at is None:
        invitation.withdrawn_at = now
        audit.append("invitation.withdraw", subject=invitation.audit_subject, actor=actor, at=now)


def change_roles(
    user: User, organisation: Organisation, wanted: Collection[Role], *, actor: Actor, now: datetime
) -> None:
    """Give and take the organisation's own roles; what somebody loses ends his sessions. One administrator stays."""
    require("member.manage", actor, organisation, now)
    if user.organisation_id != organisation.id:
        raise Refused("这位不是本单位的成员。")
    held = {
        item.role: item
        for item in user.assignments
        if item.revoked_at is None and item.organisation_id == organisation.id and item.role in ORGANISATION_ROLES
    }
    lost = [item for role, item in held.items() if role not in wanted]
    for item in lost:
        if item.role in (Role.ORG_ADMIN, Role.APPROVER) and not _another_administrator(user, organisation):
            raise Refused(
                "%(name)s是本单位最后一位管理人员，请先让另一位成员担任%(role)s。",
                name=user.name,
                role=Sentence(ROLE_LABELS[item.role]),
            )
        item.revoked_at, item.revoked_by_id = now, actor.id
        audit.append("role.revoke", subject=user.audit_subject, actor=actor, at=now, facts={"role": str(item.role)})
    for role in wanted:
        if role not in held:
            if role not in grantable(organisation):
                raise Refused("本单位没有这个角色。")
            give_role(user, role, organisation, actor=actor, now=now, in_force=True)
    if lost and user.id != actor.id:
        end_all_sessions(user, actor=actor, now=now)
    db.session.flush()


def _another_administrator(user: User, organisation: Organisation) -> bool:
    return any(
        person.id != user.id
        for role in (Role.ORG_ADMIN, Role.APPROVER)
        for person in db.session.scalars(queries.holders(role, organisation_id=organisation.id))
    )
