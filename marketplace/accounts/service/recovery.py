"""The way back in: reset links by mail."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import PasswordReset, User
from marketplace.accounts.service.people import set_password
from marketplace.platform import audit
from marketplace.platform.errors import TooLate
from marketplace.platform.policy import SYSTEM

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
