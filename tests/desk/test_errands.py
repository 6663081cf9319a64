"""What other features have waiting stands on the desk of whom it concerns, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from marketplace.platform import errands
from marketplace.platform.errands import Errand
from marketplace.platform.policy import Actor
from tests.client import Client


def _openings(actor: Actor, now: datetime) -> list[Errand]:
    return [
        Errand("甲需求的开启", "开启标书", "释放份额", "/desk/openings/a", due_at=now + timedelta(days=2)),
        Errand("乙需求的开启", "开启标书", "释放份额", "/desk/openings/b", due_at=now - timedelta(hours=1)),
    ]


@pytest.fixture
def openings() -> Iterator[None]:
    before = dict(errands._sources)
    errands.register(("custodian",), _openings)
    yield
    errands._sources.clear()
    errands._sources.update(before)


def test_errands_come_soonest_first_and_only_for_their_roles(
    openings: None, sign_in: Callable[[str], Client], actor: Callable[[str], Actor]
) -> None:
    page = sign_in("custodian1").get("/desk")
    assert page.text.index("乙需求的开启") < page.text.index("甲需求的开启")
    assert page.has("已逾期")
    assert page.has("释放份额")
    assert not sign_in("bidder").get("/desk").has("甲需求的开启")


def test_a_filtered_desk_shows_demands_alone(openings: None, sign_in: Callable[[str], Client]) -> None:
    assert not sign_in("custodian1").get("/desk?q=停车").has("甲需求的开启")
