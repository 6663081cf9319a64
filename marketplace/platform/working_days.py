"""Working days, and how periods are counted (民法典 §200–204), over a calendar that is passed in.

Days are Beijing calendar days (``date``); instants are aware and returned in UTC. A ``Calendar`` is a value made from
rows: the service reads them from the tables an administrator edits; ``seeded()`` is what those tables start with.
Weekends are days off unless a row says otherwise. A year without a row raises ``UnknownYear``, because a guessed
holiday would move a legal deadline; a *provisional* year answers, and ``provisional_note`` says so.
"""

from __future__ import annotations

import calendar as gregorian
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cache
from pathlib import Path

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")  # China keeps no summer time
CLOSE_OF_BUSINESS = time(17, 0)  # 民法典 §203 II: a period ends when business stops, where there are business hours
_DAY = timedelta(days=1)
_SEED = Path(__file__).parent / "data" / "working_days.json"


class DayKind(StrEnum):
    """A day that is not what its weekday says."""

    HOLIDAY = "holiday"  # 放假
    WORKDAY = "workday"  # 调休上班


class YearStatus(StrEnum):
    """``PROVISIONAL``: the State Council has not announced the year's days off and swaps yet."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    on: date
    kind: DayKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class KnownYear:
    year: int
    status: YearStatus
    source: str = ""


class UnknownYear(ValueError):
    """The calendar says nothing about this year."""

    def __init__(self, year: int) -> None:
        self.year = year
        self.zh = f"{year}年的工作日安排尚未录入，无法计算日期。请联系平台管理员在“工作日”中补录后再试。"
        self.en = f"The working days of {year} have not been entered yet. Please ask the platform's administrator."
        super().__init__(self.zh)


def beijing_day(instant: datetime) -> date:
    """The calendar day in Beijing on which an aware instant falls."""
    return instant.astimezone(BEIJING).date()


def close_of(day: date) -> datetime:
    """17:00 Beijing of that day, in UTC."""
    return datetime.combine(day, CLOSE_OF_BUSINESS, BEIJING).astimezone(UTC)


def midnight_after(day: date) -> datetime:
    """24:00 Beijing of that day, in UTC: when a period ends that has no business hours (民法典 §203 II)."""
    return datetime.combine(day + _DAY, time(), BEIJING).astimezone(UTC)


class Calendar:
    """An immutable calendar. Whoever computes a date holds one for the whole computation."""

    def __init__(self, days: Iterable[SpecialDay], years: Iterable[KnownYear]) -> None:
        self._kinds: Mapping[date, DayKind] = {day.on: day.kind for day in days}
        self._years: Mapping[int, YearStatus] = {known.year: known.status for known in years}

    def is_working_day(self, day: date) -> bool:
        if day.year not in self._years:
            raise UnknownYear(day.year)
        kind = self._kinds.get(day)
        return day.weekday() < 5 if kind is None else kind is DayKind.WORKDAY

    def roll_on(self, day: date) -> date:
        """That day, or the next working day when it is not one (民法典 §203 I)."""
        while not self.is_working_day(day):
            day += _DAY
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``, which itself does not count (民法典 §201)."""
        return self._step(day, count, _DAY)

    def subtract_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day before ``day``, which itself does not count."""
        return self._step(day, count, -_DAY)

    def _step(self, day: date, count: int, step: timedelta) -> date:
        if count < 0:
            raise ValueError("a period is not negative")
        while count:
            day += step
            count -= self.is_working_day(day)
        return day

    def over_by(self, instant: datetime, count: int) -> datetime:
        """The instant before which a period of ``count`` working days must have begun to be over by ``instant``: what
        began earlier has seen 17:00 of its last day, what began later has not. For the WHERE of a query."""
        day = beijing_day(instant)
        after = day + _DAY if close_of(day) <= instant else day
        return midnight_after(self.subtract_working_days(after, count) - _DAY)

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie after ``first`` up to and including ``last``; 0 when ``last`` is not later."""
        return sum(self.is_working_day(first + _DAY * number) for number in range(1, (last - first).days + 1))

    def add_days(self, day: date, count: int) -> date:
        """``count`` natural days after ``day``; the first day does not count, a last day off rolls on."""
        if count < 0:
            raise ValueError("a period is not negative")
        return self.roll_on(day + _DAY * count)

    def add_months(self, day: date, count: int) -> date:
        """The corresponding day ``count`` months later, else that month's last day (民法典 §202); rolls on (§203)."""
        if count < 0:
            raise ValueError("a period is not negative")
        years, month = divmod(day.month - 1 + count, 12)
        year, month = day.year + years, month + 1
        return self.roll_on(date(year, month, min(day.day, gregorian.monthrange(year, month)[1])))

    def add_years(self, day: date, count: int) -> date:
        """As ``add_months``: 29 February ends on the 28th of a common year."""
        return self.add_months(day, 12 * count)

    def round_up(self, instant: datetime) -> datetime:
        """The first 17:00 Beijing of a working day that is not before ``instant``, in UTC."""
        day = beijing_day(instant)
        if instant > close_of(day):
            day += _DAY
        return close_of(self.roll_on(day))

    def earliest_deadline(self, published_at: datetime, days: int) -> datetime:
        """The first 17:00 that leaves at least ``days`` natural days after the day of publication, in UTC."""
        return close_of(self.add_days(beijing_day(published_at), days))

    def provisional_years(self, first: date, last: date) -> tuple[int, ...]:
        """The provisional years that a computation from ``first`` to ``last`` rests on (either order)."""
        low, high = sorted((first.year, last.year))
        return tuple(year for year in range(low, high + 1) if self._years.get(year) is YearStatus.PROVISIONAL)

    def provisional_note(self, first: date, last: date) -> str | None:
        """What to print beside a date that rests on provisional days, else ``None``."""
        years = self.provisional_years(first, last)
        if not years:
            return None
        named = "、".join(f"{year}年" for year in years)
        return f"{named}放假安排尚未公布，此日期按暂定工作日历推算；正式安排公布后只会顺延，不会提前。"


@cache
def seed_rows() -> tuple[tuple[SpecialDay, ...], tuple[KnownYear, ...]]:
    """The rows the tables start with (scripts/working_days.py writes the file and names its sources)."""
    data = json.loads(_SEED.read_text(encoding="utf-8"))
    days = tuple(SpecialDay(date.fromisoformat(row["on"]), DayKind(row["kind"]), row["note"]) for row in data["days"])
    years = tuple(KnownYear(row["year"], YearStatus(row["status"]), row["source"]) for row in data["years"])
    return days, years


@cache
def seeded() -> Calendar:
    """The calendar of ``seed_rows``."""
    return Calendar(*seed_rows())
