"""Demands at any stage, made through the services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.accounts.queries import actor_of
from marketplace.batches import service as batches
from marketplace.demands import service
from marketplace.demands.models import Demand
from marketplace.platform import clock
from tests import factories
from tests.demands.samples import content


@pytest.fixture
def now(session: Session) -> datetime:
    return clock.site_now()


class Stage:
    """Brings a demand to a state by the rules, with the cast."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def actor(self, username: str) -> Any:
        return actor_of(factories.person(username))

    def draft(self, **changes: Any) -> Demand:
        return service.create(
            unit=factories.organisation("unit"),
            content=content(deliver_by=(self.now + timedelta(days=300)).date(), **changes),
            actor=self.actor("drafter"),
            now=self.now,
        )

    def submitted(self, **changes: Any) -> Demand:
        demand = self.draft(**changes)
        service.submit(demand, actor=self.actor("approver"), now=self.now)
        return demand

    def returned(self, **changes: Any) -> Demand:
        demand = self.submitted(**changes)
        service.return_for_correction(
            demand, defects=[{"field": "goal", "text": "目标写具体些"}], actor=self.actor("screener"), now=self.now
        )
        return demand

    def appraising(self, **changes: Any) -> Demand:
        demand = self.submitted(**changes)
        service.begin_screening(demand, actor=self.actor("screener"), now=self.now)
        service.appraise(demand, actor=self.actor("screener"), now=self.now)
        return demand

    def pooled(self, **changes: Any) -> Demand:
        demand = self.appraising(**changes)
        passed = {"passed": True, "by": "科创局", "text": "未发现排除限制竞争内容"}
        service.pool(
            demand, reviews={"fair_competition": passed, "secrecy": passed}, actor=self.actor("publisher"), now=self.now
        )
        return demand

    def batch(self) -> Any:
        batch = batches.create(
            zone="ZZGX", year=2026, theme="城市治理专题", actor=self.actor("publisher"), now=self.now
        )
        batches.assemble(batch, actor=self.actor("publisher"), now=self.now)
        return batch

    def published(
        self,
        *,
        batch: Any = None,
        closes_at: datetime | None = None,
        custody: str = "1-of-1",
        custodians: Sequence[str] = (),
        **changes: Any,
    ) -> Demand:
        """On the list since ``now``; the deadline is the first possible one."""
        demand = self.pooled(**changes)
        batch = batch or self.batch()
        first = service.first_deadlines([demand], visible_from=self.now)[demand.id]
        service.post_batch(
            batch,
            [demand],
            visible_from=None,
            deadlines={demand.id: closes_at or first},
            custody=custody,
            custodians=[factories.person(username) for username in custodians],
            document_number="",
            actor=self.actor("publisher"),
            now=self.now,
        )
        db.session.commit()
        return demand


@pytest.fixture
def stage(now: datetime) -> Stage:
    return Stage(now)
