"""What the front page counts and lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, case, cast, desc, func, literal, select, union_all

from marketplace import db
from marketplace.awards.models import Award
from marketplace.batches.models import Batch
from marketplace.demands.models import Demand, DemandVersion
from marketplace.demands.queries import is_public
from marketplace.demands.rules import State
from marketplace.notices.models import Notice
from marketplace.questions.models import Question
from marketplace.questions.rules import QuestionState

SOON = timedelta(days=7)
YEAR = timedelta(days=365)


def counts(now: datetime) -> tuple[int, int, int]:
    """(accepting bids, of those closing within seven days, in public notice), in one query."""
    counted = select(func.count()).select_from(Demand).where(is_public(now))
    accepting = counted.where(Demand.state == State.PUBLISHED, Demand.closes_at > now)
    parts = (accepting, accepting.where(Demand.closes_at < now + SOON), counted.where(Demand.state == State.NOTICE))
    row = db.session.execute(select(*(part.scalar_subquery() for part in parts))).one()  # each a range of one index
    return row[0], row[1], row[2]


@dataclass(frozen=True, slots=True)
class News:
    """``kind``: batch, amend, answer, suspended, notice, awarded, withdrawn, lapsed; ``ref`` is a demand's number, the
    code of a batch or the id of a notice."""

    kind: str
    at: datetime
    text: str
    ref: str


def news(now: datetime, limit: int) -> list[News]:
    """What was made public last, of every kind: each part gives its newest, one query gives the newest of all."""
    seen = is_public(now)
    parts = [
        _part("batch", Batch.visible_from, Batch.theme, Batch.code).where(Batch.visible_from <= now),
        _part("amend", DemandVersion.published_at, Demand.title, Demand.number)
        .join(Demand, Demand.id == DemandVersion.demand_id)
        .where(seen, DemandVersion.version > 1, DemandVersion.published_at <= now),
        _part("answer", Question.answered_at, Demand.title, Demand.number)
        .join(Demand, Demand.id == Question.demand_id)
        .where(seen, Question.state == QuestionState.ANSWERED, Question.answered_at <= now),
        _part("suspended", Demand.suspended_at, Demand.title, Demand.number).where(
            seen, Demand.state == State.SUSPENDED
        ),
        _part("notice", Notice.published_at, Demand.title, cast(Notice.id, String))
        .join(Demand, Demand.id == Notice.demand_id)
        .where(Notice.published_at <= now),
        _part("awarded", Award.confirmed_at, Demand.title, cast(Award.notice_id, String))
        .join(Demand, Demand.id == Award.demand_id)
        .where(Award.confirmed_at <= now),
        *(
            _part(str(state), Demand.ended_at, Demand.title, Demand.number).where(seen, Demand.state == state)
            for state in (State.WITHDRAWN, State.LAPSED)
        ),
    ]
    newest = [select(part.order_by(desc("at")).limit(limit).subquery()) for part in parts]
    rows = union_all(*newest).subquery()
    # An answered demand is news once, however many answers it got.
    query = select(rows.c.kind, func.max(rows.c.at).label("at"), rows.c.text, rows.c.ref)
    query = query.group_by(rows.c.kind, rows.c.text, rows.c.ref).order_by(desc("at"), rows.c.ref).limit(limit)
    return [News(*row) for row in db.session.execute(query)]


def _part(kind: str, at: Any, text: Any, ref: Any) -> Select[Any]:
    return select(literal(kind).label("kind"), at.label("at"), text.label("text"), ref.label("ref"))


# What is counted on the way from the first draft handed in to the end: how far each demand has come.
FUNNEL: tuple[tuple[str, str], ...] = (
    ("submitted_at", "征集"),
    ("appraising_at", "论证"),
    ("pooled_at", "入库"),
    ("published_at", "张榜"),
)
AFTER_OPENING = (State.OPENED, State.REVIEWING, State.NOTICE, State.AWARDED, State.COMPLETED)
AFTER_AWARD = (State.AWARDED, State.COMPLETED)


def funnel(now: datetime) -> list[tuple[str, int]]:
    """(word, how many came that far); steps nobody has reached yet are left out."""
    visible = is_public(now)
    steps = [
        *((word, getattr(Demand, name).is_not(None) if name != "published_at" else visible) for name, word in FUNNEL),
        ("开启", Demand.state.in_(AFTER_OPENING) & visible),
        ("定榜", Demand.state.in_(AFTER_AWARD) & visible),
        ("办结", (Demand.state == State.COMPLETED) & visible),
    ]
    counted = db.session.execute(select(*(func.sum(case((condition, 1), else_=0)) for _word, condition in steps))).one()
    return [(word, number or 0) for (word, _), number in zip(steps, counted, strict=True) if number]


_kept: tuple[datetime, list[tuple[str, int]]] | None = None


def funnel_this_minute(now: datetime) -> list[tuple[str, int]]:
    """``funnel`` counts every demand there ever was: once a minute of the site's clock, not for each visitor."""
    global _kept
    minute = now.replace(second=0, microsecond=0)
    if _kept is None or _kept[0] != minute:
        _kept = minute, funnel(now)
    return _kept[1]


def forget() -> None:
    """For tests: another database, other numbers."""
    global _kept
    _kept = None


def answers_kept(now: datetime) -> tuple[int, int, int]:
    """(answers due in the last twelve months, of those given in time, overdue right now), in one query."""
    due = Question.due_at <= now
    row = db.session.execute(
        select(
            func.sum(case((due | Question.answered_at.is_not(None), 1), else_=0)),
            func.sum(case((Question.answered_at <= Question.due_at, 1), else_=0)),
            func.sum(case((due & Question.answered_at.is_(None), 1), else_=0)),
        ).where(Question.due_at > now - YEAR, Question.state != QuestionState.REFUSED)
    ).one()
    return row[0] or 0, row[1] or 0, row[2] or 0
