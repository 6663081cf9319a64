"""A demand under review."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from marketplace.awards import service as awards
from marketplace.platform import clock
from tests.demands.conftest import Stage
from tests.results.making import Review


@pytest.fixture
def now(session: Session) -> datetime:
    awards.install()
    return clock.site_now()


@pytest.fixture
def stage(now: datetime) -> Stage:
    return Stage(now)


@pytest.fixture
def review(stage: Stage) -> Review:
    return Review(stage)
