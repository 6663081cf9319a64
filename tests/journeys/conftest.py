"""What journeys share: the site's clock, a stage, a storage."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from marketplace.awards import service as awards
from marketplace.platform import clock
from marketplace.platform.files import LocalStorage
from tests.demands.conftest import Stage


@pytest.fixture
def now(session: Session) -> datetime:
    awards.install()
    return clock.site_now()


@pytest.fixture
def stage(now: datetime) -> Stage:
    return Stage(now)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")
