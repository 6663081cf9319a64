"""Reading custodians' keys and sets."""

from __future__ import annotations

from sqlalchemy import Select, select

from marketplace import db
from marketplace.custody.models import CustodianKey, CustodySet
from marketplace.platform.sealing.custodians import CustodianSet


def live_key(user_id: int) -> CustodianKey | None:
    """The key a custodian has now, confirmed or not."""
    return db.session.scalar(
        select(CustodianKey).where(CustodianKey.user_id == user_id, CustodianKey.retired_at.is_(None))
    )


def ever_enrolled(user_id: int) -> bool:
    """Whether he has, or once had, a key."""
    return db.session.scalar(select(CustodianKey.id).where(CustodianKey.user_id == user_id).limit(1)) is not None


def awaiting_confirmation() -> Select[CustodianKey]:
    """Keys whose fingerprint nobody has compared yet, oldest first."""
    return (
        select(CustodianKey)
        .where(CustodianKey.confirmed_at.is_(None), CustodianKey.retired_at.is_(None))
        .order_by(CustodianKey.enrolled_at)
    )


def custodian_set(set_hash: str) -> CustodianSet | None:
    """A frozen set by its hash."""
    row = db.session.get(CustodySet, set_hash)
    return None if row is None else CustodianSet.from_json(row.document)
