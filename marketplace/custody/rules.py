"""Who may enrol, confirm and prove a custodian's key. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need, role

PROOF_LASTS = timedelta(days=90)
"""How long a proof of possession counts (平台规则): a demand names only custodians who proved their key within it."""

CHALLENGE_LASTS = timedelta(minutes=10)
SOFTWARE_ID = "software"
"""The id of the custodian that is the platform itself: level 1-of-1, demo alone."""


def custodian_id(user_id: int) -> str:
    """A custodian's public id in sets and key files."""
    return f"c{user_id}"


def why_not_nameable(*, confirmed_at: datetime | None, proved_at: datetime | None, now: datetime) -> str | None:
    """Why a demand cannot name the holder of this key yet; ``None``: it can."""
    if confirmed_at is None:
        return "密钥指纹还没有第二人核对确认"
    if proved_at is None:
        return "还没有证明自己持有密钥"
    if now - proved_at > PROOF_LASTS:
        return f"上次证明持有密钥已超过{PROOF_LASTS.days}天，请他在工作台点“证明我仍持有密钥”"
    return None


def _is_self(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.id is not None and getattr(subject, "user_id", getattr(subject, "id", None)) == actor.id


is_custodian = role("custodian", refusal="只有保管人可以这样做。")
is_self = Need("is_self", "只有保管人本人可以这样做。", _is_self)
not_self = Need(
    "not_self", "指纹须由另一个人核对：保管人不能确认自己的密钥。", lambda actor, key, now: actor.id != key.user_id
)
confirms_keys = role("secadmin", "supervisor", "publisher", refusal="只有安全管理员、监督员或发榜负责人可以核对指纹。")

GRANTS = policy.declare(
    {
        "custody.enrol": [[is_custodian, is_self]],
        "custody.prove": [[is_custodian, is_self]],
        "custody.confirm": [[confirms_keys, not_self]],
        "custody.retire": [[is_custodian, is_self], [confirms_keys, not_self]],
    }
)
