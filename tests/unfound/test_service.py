"""Flushing adds, processes are joined, rare texts are forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from marketplace import db
from marketplace.unfound import queries, service
from marketplace.unfound.counting import Tally
from marketplace.unfound.models import UnfoundPeople, UnfoundTimes

NOW = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 27)


def search(text: str, people: int, *, tally: Tally | None = None, now: datetime = NOW, first: int = 0) -> None:
    counted = tally or Tally("secret")
    for n in range(people):
        counted.note(text, f"account {first + n}", now)
    service.flush(counted)
    db.session.commit()


def shown(since: date = TODAY - timedelta(days=29), until: date = TODAY) -> dict[str, int]:
    return {line.text: line.times for line in queries.lines(since, until)}


def test_fewer_than_five_people_are_shown_to_nobody(app, session):
    search("机器狗巡检", 4)
    assert shown() == {}
    for _n in range(20):
        search("机器狗巡检", 4)
    assert shown() == {}
    search("机器狗巡检", 12)
    assert shown() == {"机器狗巡检": 4 + 80 + 12}


def test_two_processes_count_the_same_person_once(app, session):
    for _process in range(3):
        search("无人配送车", 4, tally=Tally("secret"))
    assert shown() == {}
    search("无人配送车", 12, tally=Tally("secret"), first=4)
    (line,) = queries.lines(TODAY, TODAY)
    assert 5 <= line.people <= 16
    assert line.times == 24


def test_the_same_people_in_two_months_are_not_added_up(app, session):
    search("海绵城市", 3)
    search("海绵城市", 3, now=NOW - timedelta(days=31))
    assert shown(TODAY - timedelta(days=60)) == {}


def test_a_range_counts_its_days(app, session):
    search("海绵城市", 12)
    search("海绵城市", 12, now=NOW - timedelta(days=3))
    assert shown(TODAY, TODAY) == {"海绵城市": 12}
    assert shown(TODAY - timedelta(days=3), TODAY) == {"海绵城市": 24}
    assert shown(TODAY - timedelta(days=60), TODAY - timedelta(days=40)) == {}


def test_no_table_holds_a_person(app, session):
    search("海绵城市", 12)
    for table in (UnfoundTimes, UnfoundPeople):
        assert {column.name for column in table.__table__.columns} <= {"on", "text", "number", "month", "bits"}


def test_rare_texts_are_forgotten_and_wanted_ones_stay(app, session):
    long_ago = NOW - timedelta(days=130)
    search("罕见词语", 2, now=long_ago)
    search("常见词语", 12, now=long_ago)
    search("新的罕见词", 2)
    service.forget(NOW)
    db.session.commit()
    assert set(session.scalars(select(UnfoundPeople.text))) == {"常见词语", "新的罕见词"}
    assert set(session.scalars(select(UnfoundTimes.text))) == {"常见词语", "新的罕见词"}
    assert session.scalar(select(func.count()).select_from(UnfoundTimes)) == 2
