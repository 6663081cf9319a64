"""Inviting people and letting them in; the first administrator; second factors."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
from sqlalchemy import select

from marketplace import db
from marketplace.accounts import queries as accounts
from marketplace.accounts import service
from marketplace.accounts.models import Invitation, LoginSession, Organisation, User
from marketplace.accounts.rules import ROLE_LABELS, STAFF, OrganisationKind, OrganisationState, Role
from marketplace.administration.rules import INVITATION_LIFE
from marketplace.notifications import service as notifications
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused, Sentence, TooLate
from marketplace.platform.policy import SYSTEM, Actor, require


def invite(email: str, *, role: Role, organisation: Organisation, actor: Actor, now: datetime) -> str:
    """Mail somebody a link to join in a role; returns the link's token. The token itself is kept nowhere but in the
    mail, which forgets its text once sent. Refuses an address that has an account: grant the role there instead.
    Log: ``account.invite``.
    """
    require("account.administer", actor, None, now)
    email = email.strip().lower()
    if accounts.by_username(email) is not None:
        raise Invalid("这个邮箱已有账号，请在他的页面直接授权。", fields={"email": "已有账号"})
    token = secrets.token_urlsafe(32)
    assert actor.id is not None
    invitation = Invitation(
        token_sha256=accounts.token_hash(token),
        email=email,
        organisation=organisation,
        role=role,
        invited_by_id=actor.id,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    db.session.add(invitation)
    db.session.flush()
    notifications.send_mail(
        email,
        f"【张榜】{organisation.name}邀请您加入",
        f"{actor.name}邀请您以“{ROLE_LABELS[role]}”身份加入张榜平台。\n\n"
        f"请在7日内打开以下地址设置账号，链接只能用一次：\n{notifications.link(f'/invitations/{token}')}\n\n"
        "如果您不认识邀请人，请忽略这封邮件。",
        key=f"once:invitation:{invitation.id}",
        now=now,
    )
    audit.append(
        "account.invite",
        subject=invitation.audit_subject,
        actor=actor,
        at=now,
        facts={"role": str(role), "organisation": organisation.id},
        details={"email": email},
    )
    return token


def withdraw(invitation: Invitation, *, actor: Actor, now: datetime) -> None:
    """Make an open invitation useless. Log: ``account.withdraw_invitation``."""
    require("account.administer", actor, None, now)
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Refused("这份邀请已经用过或已收回。")
    invitation.withdrawn_at = now
    audit.append("account.withdraw_invitation", subject=invitation.audit_subject, actor=actor, at=now)


def invitation_of(token: str, *, now: datetime, lock: bool = False) -> Invitation | None:
    """An invitation that can still be used."""
    query = select(Invitation).where(
        Invitation.token_sha256 == accounts.token_hash(token),
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
        Invitation.expires_at > now,
    )
    return db.session.scalar(query.with_for_update(of=Invitation) if lock else query)


def accept(token: str, *, username: str, name: str, password: str, now: datetime) -> User:
    """Make the account and its role; a staff role still waits for a second administrator's confirmation.

    Except the second security administrator himself: there is nobody yet who could confirm him.
    """
    invitation = invitation_of(token, now=now, lock=True)
    if invitation is None:
        raise TooLate("这份邀请已失效（七日内有效，只能用一次）。请联系邀请您的管理员重发。")
    user = service.create_user(
        username=username, name=name, email=invitation.email, now=now, organisation=invitation.organisation
    )
    service.set_password(user, password, actor=accounts.actor_of(user), now=now)
    inviter = db.session.get_one(User, invitation.invited_by_id)
    alone = len(db.session.scalars(accounts.holders(Role.SECADMIN)).all()) == 1
    assignment = service.give_role(
        user,
        invitation.role,
        invitation.organisation,
        actor=accounts.actor_of(inviter),
        now=now,
        in_force=invitation.role not in STAFF or (alone and invitation.role is Role.SECADMIN),
    )
    invitation.accepted_at = now
    outbox.emit("role.grant", {"assignment_id": assignment.id}, at=now)
    audit.append("account.accept_invitation", subject=invitation.audit_subject, actor=accounts.actor_of(user), at=now)
    return user


def begin_second_factor(user: User, *, actor: Actor, now: datetime) -> None:
    """A fresh secret, not in force before a code made from it has been typed."""
    require("account.own", actor, user, now)
    if user.totp_confirmed_at is not None:
        raise Refused("动态验证码已经启用。更换手机请联系安全管理员。")
    user.totp_secret = pyotp.random_base32()


def confirm_second_factor(user: User, code: str, *, login: LoginSession, actor: Actor, now: datetime) -> None:
    """Switch the second factor on with the first right code; this browser counts as confirmed at once."""
    if user.totp_confirmed_at is not None or not service.verify_totp(user, code, now=now):
        sentence = Sentence("验证码不对或已用过。请等待验证器显示下一个6位数字后再试。")
        raise Invalid(sentence, fields={"code": sentence})
    user.totp_confirmed_at = login.second_factor_at = now
    audit.append("account.second_factor", subject=user.audit_subject, actor=actor, at=now)


def reset_second_factor(user: User, *, actor: Actor, now: datetime) -> None:
    """For a lost phone: off again, every browser signed out; staff roles sleep until a new one is set up."""
    require("account.administer", actor, user, now)
    if user.id == actor.id:
        raise Refused("不能重置自己的动态验证码，请由另一位安全管理员办理。")
    user.totp_secret, user.totp_confirmed_at = "", None
    service.end_all_sessions(user, actor=actor, now=now)
    audit.append("account.second_factor_reset", subject=user.audit_subject, actor=actor, at=now)


def found_site(
    *, host: str, credit_code: str, username: str, name: str, email: str, password: str, now: datetime
) -> User:
    """A real site's beginning: the host organisation (unless there is one) and the first security administrator."""
    if db.session.scalar(select(Organisation.id).where(Organisation.is_host)) is None:
        organisation = service.create_organisation(
            name=host, credit_code=credit_code, kind=OrganisationKind.GOVERNMENT, now=now, is_host=True, may_post=True
        )
        organisation.state, organisation.approved_at = OrganisationState.APPROVED, now
    user = service.first_administrator(username=username, name=name, email=email, now=now)
    service.set_password(user, password, actor=SYSTEM, now=now)
    return user
