"""What other features have waiting stands on the desk of whom it concerns, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, case, cast, literal, null

from marketplace import db
from marketplace.accounts.models import User
from marketplace.platform import errands
from marketplace.platform.errands import MOST, Errand
from marketplace.platform.policy import Actor
from marketplace.settings import queries as settings
from tests import factories
from tests.client import Client


def _openings(actor: Actor, now: datetime) -> Select[Any]:
    """One for each of three people: 甲 due in two days, 乙 since an hour, 丙 whenever."""
    names = {"screener": "甲", "publisher": "乙", "supervisor": "丙"}
    due = {"screener": now + timedelta(days=2), "publisher": now - timedelta(hours=1)}
    nobody = cast(null(), db.UtcDateTime())
    return errands.line(
        number=User.id,
        ref=User.username,
        title=case(names, value=User.username),
        note=User.name,
        word=errands.words(User.username, User.id),
        due=case(*((User.username == name, literal(at, db.UtcDateTime())) for name, at in due.items()), else_=nobody),
    ).where(User.username.in_(names))


def _tell(row: Any) -> Errand:
    assert row.word.split("|") == [row.ref, str(row.number)]
    return Errand(f"{row.title}需求的开启", "开启标书", "释放份额", f"/desk/openings/{row.ref}", row.note, row.due_at)


@pytest.fixture
def openings() -> Iterator[None]:
    before = dict(errands._sources)
    errands.register(("custodian",), _openings, _tell)
    yield
    errands._sources.clear()
    errands._sources.update(before)


def test_errands_come_soonest_first_and_only_for_their_roles(
    openings: None, sign_in: Callable[[str], Client], actor: Callable[[str], Actor]
) -> None:
    page = sign_in("custodian1").get("/desk")
    order = [page.text.index(f"{name}需求的开启") for name in "乙甲丙"]
    assert order == sorted(order)
    assert page.has("已逾期")
    assert page.has("释放份额")
    assert not sign_in("bidder").get("/desk").has("甲需求的开启")


def test_a_filtered_desk_shows_demands_alone(openings: None, sign_in: Callable[[str], Client]) -> None:
    assert not sign_in("custodian1").get("/desk?q=停车").has("甲需求的开启")


def test_working_days_are_counted_and_nothing_is_told_of_what_does_not_wait(
    openings: None, app: Any, actor: Callable[[str], Actor]
) -> None:
    now = datetime(2026, 9, 18, 3, tzinfo=UTC)  # a Friday, 11:00 in Beijing

    def tell(row: Any) -> Errand | None:
        told = Errand(row.title, "开启标书", "释放", "/x", due_at=row.due_at and now, working_days=1)
        return told if row.due_at else None

    errands.register(("custodian",), _openings, tell)
    with app.test_request_context():
        found = errands.waiting(actor("custodian1"), now, settings.calendar())
    dues = {item.title: item.due_at for item in found}
    assert {"甲", "乙"} <= set(dues)
    assert "丙" not in dues
    # Sunday the 20th is worked in place of a day of the National Day: 17:00 in Beijing of that day.
    assert dues["甲"] == dues["乙"] == datetime(2026, 9, 20, 9, tzinfo=UTC)


def test_every_source_can_be_asked_at_once(app: Any, session: Any) -> None:
    """All of them in one statement, for somebody who holds every role."""
    roles = {role for person in factories.PEOPLE.values() for role in person[2]}
    everything = frozenset((str(role), factories.organisation("host").id) for role in roles)
    omnipotent = Actor(id=factories.person("publisher").id, roles=everything)
    with app.test_request_context():
        found = errands.waiting(omnipotent, datetime(2026, 9, 18, 3, tzinfo=UTC), settings.calendar())
    assert len(found) <= MOST
    assert all(item.title and item.url for item in found)
