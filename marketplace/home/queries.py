"""What the front page counts and lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import contains_eager, joinedload, raiseload

from marketplace import db
from marketplace.demands.models import Demand, DemandVersion
from marketplace.demands.queries import is_public
from marketplace.demands.rules import State

SOON = timedelta(days=7)


def counts(now: datetime) -> tuple[int, int, int]:
    """(accepting bids, of those closing within seven days, in public notice), in one query."""
    accepting = (Demand.state == State.PUBLISHED) & (Demand.closes_at > now)
    row = db.session.execute(
        select(
            func.sum(case((accepting, 1), else_=0)),
            func.sum(case((accepting & (Demand.closes_at < now + SOON), 1), else_=0)),
            func.sum(case((Demand.state == State.NOTICE, 1), else_=0)),
        ).where(is_public(now))
    ).one()
    return row[0] or 0, row[1] or 0, row[2] or 0


def news(now: datetime, limit: int) -> Sequence[DemandVersion]:
    """The last publications and amendments."""
    return db.session.scalars(
        select(DemandVersion)
        .join(DemandVersion.demand)
        .where(is_public(now), DemandVersion.published_at <= now)
        .order_by(DemandVersion.published_at.desc(), DemandVersion.id.desc())
        .limit(limit)
        .options(contains_eager(DemandVersion.demand).options(joinedload(Demand.batch), raiseload("*")))
    ).all()
