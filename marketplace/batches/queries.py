"""Reading batches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from marketplace import db
from marketplace.accounts.rules import STAFF
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.platform.policy import Actor


def visible(actor: Actor, now: datetime) -> Select[Batch]:
    """Staff see every batch; everybody sees open calls and what has been published by the clock."""
    query = select(Batch).order_by(Batch.year.desc(), Batch.sequence.desc())
    if actor.has(*STAFF):
        return query
    return query.where((Batch.state == BatchState.COLLECTING) | (Batch.visible_from <= now))


def find(*, actor: Actor, now: datetime, code: str) -> Batch | None:
    return db.session.scalar(visible(actor, now).where(Batch.code == code))


def published(now: datetime) -> Select[Batch]:
    """Batches whose list the public can read, newest first."""
    return select(Batch).where(Batch.visible_from <= now).order_by(Batch.visible_from.desc(), Batch.id.desc())


def collecting(now: datetime) -> Select[Batch]:
    """Open calls, the one that ends first on top."""
    return (
        select(Batch)
        .where(Batch.state == BatchState.COLLECTING, Batch.collects_from <= now, Batch.collects_until > now)
        .order_by(Batch.collects_until)
    )


def next_sequence(zone: str, year: int) -> int:
    highest: Any = db.session.scalar(select(func.max(Batch.sequence)).where(Batch.zone == zone, Batch.year == year))
    return (highest or 0) + 1
