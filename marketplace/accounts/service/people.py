"""Signing in and out, people, their passwords and their roles."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select, update

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import LoginSession, Organisation, RoleAssignment, User
from marketplace.accounts.rules import (
    ROLE_LABELS,
    STAFF,
    OrganisationKind,
    Role,
    delay_after,
    incompatible,
    password_problem,
)
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.policy import SYSTEM, Actor, require

# OWASP's second argon2id setting: 19 MiB, two passes.
_hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)
_decoy = _hasher.hash(secrets.token_hex(16))
SESSION_DAYS = 14


class SignInRefused(Refused):
    """Wrong name or password, said the same way for both."""

    status = 422


def wrong_password() -> SignInRefused:
    return SignInRefused("用户名或密码不对。请核对后再试，忘记密码可以通过邮件重设。")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def check_password(username: str, password: str, *, now: datetime) -> tuple[User | None, Refused | None]:
    """The user whose password this is, or why not. The failure count is written and must be committed by the caller,
    so a refusal is returned, not raised. Unknown names cost the same time as wrong passwords.
    """
    wrong = wrong_password()
    user = queries.by_username(username)
    if user is not None:
        db.lock(user)
    if user is not None and user.next_attempt_at is not None and user.next_attempt_at > now:
        wait = int((user.next_attempt_at - now).total_seconds()) + 1
        return None, SignInRefused("密码连续输错多次，请过 %(wait)s 秒再试，或通过邮件重设密码。", wait=wait)
    try:
        _hasher.verify(user.password_hash if user and user.password_hash else _decoy, password)
    except VerificationError:
        if user is not None:
            user.failed_attempts += 1
            user.next_attempt_at = now + delay_after(user.failed_attempts)
            audit.append("account.sign_in_failed", subject=user.audit_subject, actor=SYSTEM, at=now)
        return None, wrong
    if user is None or not user.password_hash or user.disabled_at is not None:
        return None, wrong
    user.failed_attempts, user.next_attempt_at = 0, None
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hasher.hash(password)
    return user, None


def open_session(user: User, *, now: datetime, agent: str, network: str, second_factor: bool) -> str:
    """Start a session and return the cookie's token. Log: ``account.sign_in``."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        LoginSession(
            token_sha256=queries.token_hash(token),
            user_id=user.id,
            agent=agent[:120],
            network=network[:60],
            created_at=now,
            second_factor_at=now if second_factor else None,
            expires_at=now + timedelta(days=SESSION_DAYS),
        )
    )
    user.last_seen_at = now
    audit.append(
        "account.sign_in",
        subject=user.audit_subject,
        actor=queries.actor_of(user),
        at=now,
        details={"agent": agent[:120]},
    )
    db.session.flush()
    return token


def end_session(session_id: int, *, actor: Actor, now: datetime) -> None:
    """Sign one browser out. Log: ``account.sign_out``."""
    found = db.session.get(LoginSession, session_id)
    if found is not None and found.ended_at is None:
        found.ended_at = now
        audit.append("account.sign_out", subject=f"user:{found.user_id}", actor=actor, at=now)


def end_all_sessions(user: User, *, actor: Actor, now: datetime) -> None:
    """Sign every browser of a person out."""
    db.session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
    )
    audit.append("account.sessions_ended", subject=user.audit_subject, actor=actor, at=now)


def verify_totp(user: User, code: str, *, now: datetime) -> bool:
    """A time-based code (RFC 6238), one step of drift either way, each step used once."""
    if not user.totp_secret:
        return False
    totp = pyotp.TOTP(user.totp_secret)
    step = int(now.timestamp()) // 30
    for candidate in (step, step - 1, step + 1):
        if candidate > user.totp_last_step and secrets.compare_digest(totp.generate_otp(candidate), code.strip()):
            user.totp_last_step = candidate
            return True
    return False


def set_password(user: User, password: str, *, actor: Actor, now: datetime) -> None:
    """Set a new password and sign every browser out. Refuses what ``password_problem`` names."""
    if (problem := password_problem(password, username=user.username, name=user.name)) is not None:
        raise Invalid(problem, fields={"password": problem})
    user.password_hash = hash_password(password)
    user.failed_attempts, user.next_attempt_at = 0, None
    end_all_sessions(user, actor=actor, now=now)
    audit.append("account.password_set", subject=user.audit_subject, actor=actor, at=now)


def create_user(
    *, username: str, name: str, email: str, now: datetime, organisation: Organisation | None = None, phone: str = ""
) -> User:
    """A new person without roles or password. Refuses a taken name or address."""
    username, email = username.strip().lower(), email.strip().lower()
    if db.session.scalar(select(User.id).where((User.username == username) | (User.email == email))):
        raise Invalid("这个用户名或邮箱已经注册。请直接登录，或换一个。", fields={"username": "已被使用"})
    user = User(
        username=username, name=name.strip(), email=email, phone=phone, organisation=organisation, created_at=now
    )
    db.session.add(user)
    db.session.flush()
    return user


def create_organisation(
    *, name: str, credit_code: str, kind: OrganisationKind, now: datetime, **fields: object
) -> Organisation:
    """A new organisation, pending until a screener approves it. Refuses a known name or code."""
    if db.session.scalar(
        select(Organisation.id).where((Organisation.credit_code == credit_code) | (Organisation.name == name))
    ):
        raise Invalid(
            "这个单位已经注册。请联系贵单位管理员邀请您加入，不要重复注册。", fields={"credit_code": "已注册"}
        )
    organisation = Organisation(
        name=name, credit_code=credit_code, kind=kind, slug=secrets.token_hex(6), registered_at=now, **fields
    )
    db.session.add(organisation)
    db.session.flush()
    return organisation


def give_role(
    user: User, role: Role, organisation: Organisation, *, actor: Actor, now: datetime, in_force: bool
) -> RoleAssignment:
    """Write an assignment (callers have asked the policy). Refuses roles that must not meet in one person."""
    held = frozenset(item.role for item in user.assignments if item.revoked_at is None)
    if (other := incompatible(held, role)) is not None:
        raise Refused(
            "%(name)s 已是%(held)s，按规定不能兼任%(role)s。请另选一人。",
            name=user.name,
            held=Sentence(ROLE_LABELS[other]),
            role=Sentence(ROLE_LABELS[role]),
        )
    assignment = RoleAssignment(
        user=user,
        organisation=organisation,
        role=role,
        granted_by_id=actor.id,
        granted_at=now,
        in_force_at=now if in_force else None,
    )
    db.session.add(assignment)
    db.session.flush()
    audit.append(
        "role.grant",
        subject=user.audit_subject,
        actor=actor,
        at=now,
        facts={"role": str(role), "organisation": organisation.id},
    )
    return assignment


def grant_role(user: User, role: Role, organisation: Organisation, *, actor: Actor, now: datetime) -> RoleAssignment:
    """Propose a role; a staff role waits for a second administrator."""
    require("role.grant", actor, user, now)
    assignment = give_role(user, role, organisation, actor=actor, now=now, in_force=role not in STAFF)
    outbox.emit("role.grant", {"assignment_id": assignment.id}, at=now)
    return assignment


def confirm_role(assignment: RoleAssignment, *, actor: Actor, now: datetime) -> None:
    """The second administrator's yes; from now on the role is in force."""
    require("role.confirm", actor, assignment, now)
    if assignment.in_force_at is not None or assignment.revoked_at is not None:
        raise Refused("这项授权已经处理过，请刷新页面。")
    assignment.confirmed_by_id, assignment.in_force_at = actor.id, now
    audit.append(
        "role.confirm", subject=f"user:{assignment.user_id}", actor=actor, at=now, facts={"role": str(assignment.role)}
    )
    outbox.emit("role.confirm", {"assignment_id": assignment.id}, at=now)


def revoke_role(assignment: RoleAssignment, *, actor: Actor, now: datetime) -> None:
    """Take a role back at once and sign its holder out. The last security administrator cannot be revoked."""
    require("role.revoke", actor, assignment, now)
    if assignment.revoked_at is not None:
        raise Refused("这项授权已经收回。")
    if assignment.role == Role.SECADMIN and len(list(db.session.scalars(queries.holders(Role.SECADMIN)))) <= 1:
        raise Refused("这是最后一位安全管理员，收回后将无人能管理账号。请先授权并确认另一位。")
    assignment.revoked_at, assignment.revoked_by_id = now, actor.id
    end_all_sessions(assignment.user, actor=actor, now=now)
    audit.append(
        "role.revoke", subject=f"user:{assignment.user_id}", actor=actor, at=now, facts={"role": str(assignment.role)}
    )


def first_administrator(*, username: str, name: str, email: str, now: datetime) -> User:
    """The first security administrator of a real site, in the host organisation; refused once there is one."""
    if db.session.scalars(queries.holders(Role.SECADMIN)).first() is not None:
        raise Refused("已有安全管理员，请登录后在“账号与角色”中邀请和授权其他人。")
    host = db.session.scalar(select(Organisation).where(Organisation.is_host).order_by(Organisation.id))
    if host is None:
        raise Refused("还没有主办单位，请先运行 flask --app wsgi admin create 并填写主办单位名称。")
    user = create_user(username=username, name=name, email=email, now=now, organisation=host)
    give_role(user, Role.SECADMIN, host, actor=SYSTEM, now=now, in_force=True)
    return user
