"""Ways back in and the second factor: reset links and authenticator enrolment."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import PasswordReset, User
from marketplace.accounts.service.people import set_password, verify_totp
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused, TooLate
from marketplace.platform.policy import SYSTEM, Actor

RESET_LIFE = timedelta(hours=1)


def request_reset(address: str, *, now: datetime) -> tuple[User, str] | None:
    """The person of an address and the token of a fresh link, ``None`` when there is nobody to write to.

    The caller says the same to the asker either way. Log: ``account.reset_asked``.
    """
    user = queries.by_username(address)
    if user is None or user.disabled_at is not None:
        return None
    token = secrets.token_urlsafe(32)
    db.session.add(
        PasswordReset(
            token_sha256=queries.token_hash(token), user_id=user.id, created_at=now, expires_at=now + RESET_LIFE
        )
    )
    audit.append("account.reset_asked", subject=user.audit_subject, actor=SYSTEM, at=now)
    db.session.flush()
    return user, token


def use_reset(token: str, password: str, *, now: datetime) -> User:
    """Set a password by a mailed link; each link works once, for an hour."""
    found = db.session.scalar(
        select(PasswordReset).where(PasswordReset.token_sha256 == queries.token_hash(token)).with_for_update()
    )
    if found is None or found.used_at is not None or found.expires_at <= now or found.user.disabled_at is not None:
        raise TooLate("这个重设链接已经失效（一小时内有效，只能用一次）。请重新申请。")
    found.used_at = now
    set_password(found.user, password, actor=queries.actor_of(found.user), now=now)
    return found.user


def new_totp_secret() -> str:
    """A fresh RFC 6238 secret; it counts only once a code made with it has been typed."""
    return pyotp.random_base32()


def totp_uri(user: User, secret: str, *, issuer: str) -> str:
    """What the QR code tells the authenticator."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=issuer)


def confirm_totp(user: User, secret: str, code: str, *, actor: Actor, now: datetime) -> None:
    """Bind the authenticator that holds ``secret``. Refuses a wrong code and other people's accounts."""
    if actor.id != user.id:
        raise Refused("只能绑定自己的验证器。")
    user.totp_secret, user.totp_last_step = secret, 0
    if not verify_totp(user, code, now=now):
        problem = "验证码不对。请核对手机时间是否自动校准，再填验证器显示的下一个6位数字。"
        raise Invalid(problem, fields={"code": problem})
    user.totp_confirmed_at = now
    audit.append("account.totp_confirmed", subject=user.audit_subject, actor=actor, at=now)
