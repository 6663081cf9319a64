"""What officers read: texts that enough different people searched for in vain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from marketplace import db
from marketplace.unfound.counting import month_of, people
from marketplace.unfound.models import UnfoundPeople, UnfoundTimes
from marketplace.unfound.rules import PEOPLE_LEAST

TEXTS_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """``people``: at least so many in one of the months; months are not added up, the same people may be in both."""

    text: str
    times: int
    people: int
    last: date


def lines(since: date, until: date) -> list[Line]:
    """The texts of a range of days that at least ``PEOPLE_LEAST`` people searched for in one of its months, the most
    wanted on top: two queries.
    """
    found: dict[str, int] = defaultdict(int)
    months = select(UnfoundPeople.text, UnfoundPeople.bits).where(
        UnfoundPeople.month >= month_of(since), UnfoundPeople.month <= month_of(until)
    )
    for text, bits in db.session.execute(months):
        found[text] = max(found[text], people(bits))
    enough = {text: number for text, number in found.items() if number >= PEOPLE_LEAST}
    rows = db.session.execute(
        select(UnfoundTimes.text, func.sum(UnfoundTimes.number), func.max(UnfoundTimes.on))
        .where(UnfoundTimes.on >= since, UnfoundTimes.on <= until)
        .group_by(UnfoundTimes.text)
    )
    shown = [Line(text, int(times), enough[text], last) for text, times, last in rows if text in enough]
    return sorted(shown, key=lambda line: (-line.people, -line.times, line.text))[:TEXTS_MOST]
