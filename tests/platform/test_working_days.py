"""Counting of days: 民法典 §201–203 and the State Council's days off of 2026."""

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.platform.working_days import (
    BEIJING,
    Calendar,
    DayKind,
    KnownYear,
    SpecialDay,
    UnknownYear,
    YearStatus,
    beijing_day,
    close_of,
    midnight_after,
    seed_rows,
    seeded,
)

CALENDAR = seeded()
DAYS = st.dates(date(2025, 2, 1), date(2027, 10, 1))


def beijing(year, month, day, hour=9, minute=0, second=0):
    return datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)


def test_confirmed_years_equal_chinese_calendar_day_by_day():
    day = date(2025, 1, 1)
    while day < date(2027, 1, 1):
        assert CALENDAR.is_working_day(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def test_2027_is_provisional_with_weekends_and_statutory_days_only():
    days, years = seed_rows()
    assert [known for known in years if known.status is YearStatus.PROVISIONAL] == [
        KnownYear(2027, YearStatus.PROVISIONAL, "全国年节及纪念日放假办法（2024年修订）；放假调休安排尚未公布")
    ]
    assert [day.on.strftime("%m-%d") for day in days if day.on.year == 2027] == [
        *("01-01", "02-05", "02-06", "02-07", "02-08", "04-05", "05-01", "05-02", "06-09", "09-15"),
        *("10-01", "10-02", "10-03"),
    ]
    assert all(day.kind is DayKind.HOLIDAY for day in days if day.on.year == 2027)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 23), True),
        (date(2026, 11, 22), False),
        (date(2026, 10, 1), False),
        (date(2026, 10, 10), True),  # Saturday worked in exchange
        (date(2026, 2, 28), True),
        (date(2026, 2, 23), False),  # Monday of the Spring Festival
    ],
)
def test_swaps_and_holidays(day, works):
    assert CALENDAR.is_working_day(day) is works


@pytest.mark.parametrize("year", [2024, 2028])
def test_an_unknown_year_is_refused_with_a_word_to_the_officer(year):
    with pytest.raises(UnknownYear, match=f"{year}年的工作日安排尚未录入.*管理员"):
        CALENDAR.is_working_day(date(year, 6, 1))


def test_a_period_that_runs_into_an_unknown_year_is_refused():
    with pytest.raises(UnknownYear):
        CALENDAR.add_working_days(date(2027, 12, 30), 5)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 11, 20), 5, date(2026, 11, 27)),  # Friday; the first day does not count
        (date(2026, 11, 21), 5, date(2026, 11, 27)),  # Saturday: Monday is the first
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # the worked Saturday counts
        (date(2026, 11, 20), 0, date(2026, 11, 20)),
    ],
)
def test_working_days_after(start, count, end):
    assert CALENDAR.add_working_days(start, count) == end


@pytest.mark.parametrize(
    ("end", "count", "start"),
    [
        (date(2026, 12, 8), 5, date(2026, 12, 1)),
        (date(2026, 10, 8), 1, date(2026, 9, 30)),
        (date(2026, 11, 22), 1, date(2026, 11, 20)),
    ],
)
def test_working_days_before(end, count, start):
    assert CALENDAR.subtract_working_days(end, count) == start


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),  # no 31 February: the month's last day, a worked Saturday
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 9, 1), 1, date(2026, 10, 8)),  # ends on a holiday: rolls on
        (date(2026, 3, 16), 12, date(2027, 3, 16)),
        (date(2026, 10, 22), 1, date(2026, 11, 23)),  # Sunday → Monday
    ],
)
def test_months_end_on_the_corresponding_day(start, months, end):
    assert CALENDAR.add_months(start, months) == end


def test_years_of_a_leap_day():
    years = [KnownYear(year, YearStatus.CONFIRMED) for year in (2028, 2029)]
    assert Calendar([], years).add_years(date(2028, 2, 29), 1) == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 11, 3), 20, date(2026, 11, 23)),
        (date(2026, 11, 2), 20, date(2026, 11, 23)),  # the 22nd is a Sunday
        (date(2026, 9, 11), 20, date(2026, 10, 8)),
    ],
)
def test_natural_days_roll_on_over_days_off(start, count, end):
    assert CALENDAR.add_days(start, count) == end


@pytest.mark.parametrize(
    ("instant", "rounded"),
    [
        (beijing(2026, 11, 23, 17), beijing(2026, 11, 23, 17)),
        (beijing(2026, 11, 23, 17, 0, 1), beijing(2026, 11, 24, 17)),
        (beijing(2026, 11, 23, 0), beijing(2026, 11, 23, 17)),
        (beijing(2026, 11, 20, 18), beijing(2026, 11, 23, 17)),
        (beijing(2026, 10, 3, 12), beijing(2026, 10, 8, 17)),
        (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), beijing(2026, 11, 24, 17)),  # already the 24th in Beijing
    ],
)
def test_rounding_up_to_the_close_of_a_working_day(instant, rounded):
    assert CALENDAR.round_up(instant) == rounded
    assert CALENDAR.round_up(instant).tzinfo is UTC


def test_the_earliest_deadline_counts_beijing_days():
    late_evening_utc = datetime(2026, 11, 2, 16, 30, tzinfo=UTC)  # 00:30 on the 3rd in Beijing
    assert CALENDAR.earliest_deadline(late_evening_utc, 20) == beijing(2026, 11, 23, 17)
    assert CALENDAR.earliest_deadline(late_evening_utc - timedelta(hours=1), 20) == beijing(2026, 11, 23, 17)


def test_ends_of_a_day():
    assert close_of(date(2026, 11, 27)) == datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert midnight_after(date(2026, 11, 27)) == datetime(2026, 11, 27, 16, tzinfo=UTC)
    assert beijing_day(midnight_after(date(2026, 11, 27))) == date(2026, 11, 28)


def test_a_date_over_provisional_days_says_so():
    note = CALENDAR.provisional_note(date(2026, 12, 20), date(2027, 1, 11))
    assert note is not None
    assert note.startswith("2027年放假安排尚未公布")
    assert CALENDAR.provisional_note(date(2026, 11, 1), date(2026, 12, 31)) is None
    assert CALENDAR.provisional_years(date(2027, 3, 1), date(2026, 3, 1)) == (2027,)


def test_a_confirmed_row_replaces_the_provisional_one():
    confirmed = Calendar(
        [SpecialDay(date(2027, 2, 4), DayKind.HOLIDAY, "春节"), SpecialDay(date(2027, 2, 13), DayKind.WORKDAY, "调休")],
        [KnownYear(2027, YearStatus.CONFIRMED)],
    )
    assert not confirmed.is_working_day(date(2027, 2, 4))
    assert confirmed.is_working_day(date(2027, 2, 13))
    assert confirmed.provisional_note(date(2027, 1, 1), date(2027, 3, 1)) is None


@given(DAYS, st.integers(0, 40))
def test_adding_counts_what_between_counts(day, count):
    assert CALENDAR.working_days_between(day, CALENDAR.add_working_days(day, count)) == count


@given(DAYS, st.integers(1, 5))
def test_there_and_back_ends_on_the_same_working_day(day, count):
    start = CALENDAR.roll_on(day)
    assert CALENDAR.subtract_working_days(CALENDAR.add_working_days(start, count), count) == start


@given(DAYS, st.integers(1, 12), st.integers(0, 24 * 4 - 1), st.integers(-40, 2))
def test_what_is_over_began_before_the_threshold(day, count, quarter, before):
    """For every day around it: over by an instant means begun before the threshold, and the other way round."""
    instant = midnight_after(day) + timedelta(minutes=15 * quarter)
    begun = midnight_after(day + timedelta(days=before)) - timedelta(minutes=1)
    over = close_of(CALENDAR.add_working_days(beijing_day(begun), count)) <= instant
    assert (begun < CALENDAR.over_by(instant, count)) == over


@given(DAYS, DAYS)
def test_later_never_ends_earlier(one, other):
    first, second = sorted((one, other))
    assert CALENDAR.add_days(first, 20) <= CALENDAR.add_days(second, 20)
    assert CALENDAR.add_working_days(first, 5) <= CALENDAR.add_working_days(second, 5)


@pytest.mark.parametrize("name", ["add_days", "add_months", "add_working_days", "subtract_working_days"])
def test_a_negative_period_is_a_mistake(name):
    with pytest.raises(ValueError, match="not negative"):
        getattr(CALENDAR, name)(date(2026, 11, 23), -1)
