"""Erasure of personal data (个人信息保护法 §47): the person asks, a security administrator decides, the log stays valid."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from marketplace import db
from marketplace.accounts import queries
from marketplace.accounts.models import ErasureRequest, LoginSession, User
from marketplace.accounts.rules import ROLE_LABELS, Role
from marketplace.accounts.service.people import end_all_sessions
from marketplace.platform import audit
from marketplace.platform.errors import Refused, Sentence
from marketplace.platform.policy import Actor, require

ERASED_NAME = "已注销用户"


def ask_erasure(user: User, reason: str, *, actor: Actor, now: datetime) -> ErasureRequest:
    """Ask that one's own personal data be erased; one open request at a time."""
    if actor.id != user.id:
        raise Refused("只能为自己的账号申请。")
    if queries.open_erasure(user.id) is not None:
        raise Refused("您已提交过申请，正在等待处理。")
    asked = ErasureRequest(user_id=user.id, requested_at=now, reason=reason)
    db.session.add(asked)
    db.session.flush()
    audit.append("account.erasure_asked", subject=user.audit_subject, actor=actor, at=now)
    return asked


def decide_erasure(asked: ErasureRequest, erase: bool, decision: str, *, actor: Actor, now: datetime) -> None:
    """Erase the person or say why not. Refused for one's own request and while a duty hangs on the person."""
    require("account.administer", actor, asked, now)
    if asked.decided_at is not None:
        raise Refused("这项申请已经处理过，请刷新页面。")
    if asked.user_id == actor.id:
        raise Refused("自己的申请须由另一位安全管理员处理。")
    if erase:
        _refuse_while_needed(asked.user)
    asked.decided_at, asked.decided_by_id, asked.decision = now, actor.id, decision
    audit.append("account.erasure_decided", subject=asked.audit_subject, actor=actor, at=now, facts={"erased": erase})
    if erase:
        asked.reason = ""
        _anonymise(asked.user, actor=actor, now=now)


def _refuse_while_needed(user: User) -> None:
    """The last administrator of an organisation or of the platform hands over first."""
    for item in user.assignments:
        if item.revoked_at is not None or item.role not in (Role.ORG_ADMIN, Role.SECADMIN):
            continue
        where = item.organisation_id if item.role == Role.ORG_ADMIN else None
        others = [p for p in db.session.scalars(queries.holders(item.role, organisation_id=where)) if p.id != user.id]
        if not others:
            raise Refused(
                "%(name)s是最后一位%(role)s，请先由他人接任，再删除。",
                name=user.name,
                role=Sentence(ROLE_LABELS[item.role]),
            )


def _anonymise(user: User, *, actor: Actor, now: datetime) -> None:
    end_all_sessions(user, actor=actor, now=now)
    audit.write_pending(db.session())
    audit.erase_details(actor_id=user.id, now=now)
    db.session.execute(update(LoginSession).where(LoginSession.user_id == user.id).values(agent="", network=""))
    for item in user.assignments:
        if item.revoked_at is None:
            item.revoked_at, item.revoked_by_id = now, actor.id
    user.username, user.email = f"erased-{user.id}", f"erased-{user.id}@invalid"
    user.name, user.phone, user.title = ERASED_NAME, "", ""
    user.password_hash, user.totp_secret, user.totp_confirmed_at = "", "", None
    user.disabled_at = user.erased_at = now
    db.session.flush()
