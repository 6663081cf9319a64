"""What waits for whom. One place says for each role which states of a demand are its work; the list, its counts, the
next act and the demo's sign-in cards all ask it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, exists, false, func, or_, select
from sqlalchemy.orm import joinedload, raiseload

from marketplace import db
from marketplace.accounts.models import LoginSession
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand, DemandFollow, DemandProposal
from marketplace.demands.queries import escaped, is_public
from marketplace.demands.rules import SECOND_PERSON, State
from marketplace.platform.audit import AuditDetail
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import Calendar, UnknownYear, beijing_day, close_of

SCREENING_WORKING_DAYS = 5  # 平台规则: from submission to a decision of the screener
APPRAISAL_WORKING_DAYS = 10  # 平台规则: from the end of screening to pooling


@dataclass(frozen=True)
class Matter:
    """A kind of work: whose, in which state, the word for it and for its verb, and when it falls due."""

    code: str
    label: str
    verb: str
    roles: tuple[Role, ...]
    state: State
    due_days: int | None = None


MATTERS: tuple[Matter, ...] = (
    Matter("screen", "形式审查", "审查", (Role.SCREENER,), State.SUBMITTED, SCREENING_WORKING_DAYS),
    Matter("mend", "补正", "补正", (Role.DRAFTER, Role.APPROVER), State.RETURNED),
    Matter("confirm", "单位确认", "确认", (Role.APPROVER,), State.DRAFT),
    Matter("write", "填报", "继续填报", (Role.DRAFTER,), State.DRAFT),
    Matter("appraise", "组织论证", "论证", (Role.PUBLISHER,), State.APPRAISING, APPRAISAL_WORKING_DAYS),
    Matter("list", "编入批次", "编批", (Role.PUBLISHER,), State.POOLED),
)
SECOND = Matter("second", "第二人确认", "确认", (Role.PUBLISHER, Role.SUPERVISOR), State.PUBLISHED)
UNIT_ROLES = frozenset({Role.DRAFTER, Role.APPROVER})


def _proposal_for(actor: Actor, roles: frozenset[Role]) -> ColumnElement[bool]:
    """An open proposal that this person may confirm and did not make."""
    actions = [action for action, wanted in SECOND_PERSON.items() if roles & set(wanted)]
    # Not a correlated EXISTS: beside the other matters of an OR it would have every demand read.
    return Demand.id.in_(
        select(DemandProposal.demand_id).where(
            DemandProposal.decided_at.is_(None),
            DemandProposal.action.in_(actions),
            DemandProposal.proposed_by_id != actor.id,
        )
    )


def held(actor: Actor, only: str = "") -> frozenset[Role]:
    """The roles the desk is shown for: all, or the one chosen with ``?role=``."""
    roles = frozenset(role for role in Role if actor.has(role))
    return frozenset({Role(only)}) if only in roles else roles


def waiting(actor: Actor, roles: frozenset[Role], *, matter: str = "") -> ColumnElement[bool]:
    """The WHERE of everything that waits for this person in these roles."""
    parts: list[ColumnElement[bool]] = []
    for item in MATTERS:
        mine = roles & set(item.roles)
        if not mine or matter not in ("", item.code):
            continue
        condition = Demand.state == item.state
        if mine & UNIT_ROLES:
            condition = and_(condition, Demand.unit_id.in_(actor.organisations(*mine)))
        if item.code == "confirm":
            condition = and_(condition, or_(Demand.drafter_id.is_(None), Demand.drafter_id != actor.id))
        parts.append(condition)
    if matter in ("", SECOND.code) and roles & set(SECOND.roles):
        parts.append(_proposal_for(actor, roles))
    return or_(*parts) if parts else false()


def matter_of(demand: Demand, roles: frozenset[Role], *, second: bool) -> Matter:
    """Which matter a waiting demand is for these roles."""
    if second:
        return SECOND
    return next((item for item in MATTERS if item.state is demand.state and roles & set(item.roles)), SECOND)


def due_at(demand: Demand, matter: Matter, calendar: Calendar) -> datetime | None:
    """When the matter falls due: 17:00 of its last working day."""
    since = {"screen": demand.submitted_at, "appraise": demand.appraising_at}.get(matter.code)
    if matter.due_days is None or since is None:
        return None
    return close_of(calendar.add_working_days(beijing_day(since), matter.due_days))


def _rows(where: ColumnElement[bool], q: str, direction: str) -> Select[Demand]:
    query = select(Demand).where(where).options(joinedload(Demand.unit), raiseload("*"))
    if q:
        pattern = f"%{escaped(q)}%"
        query = query.where(or_(Demand.title.ilike(pattern, escape="\\"), Demand.number.ilike(pattern, escape="\\")))
    return query.where(Demand.direction == direction) if direction else query


def todo(actor: Actor, roles: frozenset[Role], *, matter: str = "", q: str = "", direction: str = "") -> Select[Demand]:
    """What waits, the earliest due first: what was handed in or returned by age, then the rest."""
    since = func.coalesce(Demand.submitted_at, Demand.updated_at)
    urgent = Demand.state.in_([State.SUBMITTED, State.APPRAISING, State.RETURNED])
    return _rows(waiting(actor, roles, matter=matter), q, direction).order_by(urgent.desc(), since, Demand.id)


def done(actor: Actor, *, q: str = "", direction: str = "") -> Select[Demand]:
    """Demands on which this person has acted, the last touched first."""
    # From his entries to the demands: the other way round every demand there is would be looked up in the log.
    acted = select(cast(func.substr(AuditDetail.subject, len("demand:") + 1), db.Key)).where(
        AuditDetail.actor_id == actor.id,
        AuditDetail.kind.startswith("demand."),
        AuditDetail.subject.startswith("demand:"),
    )
    return _rows(Demand.id.in_(acted), q, direction).order_by(Demand.updated_at.desc(), Demand.id.desc())


def mine(actor: Actor, *, q: str = "", direction: str = "") -> Select[Demand]:
    """Demands this person wrote or handed in."""
    own = or_(Demand.drafter_id == actor.id, Demand.submitter_id == actor.id)
    return _rows(own, q, direction).order_by(Demand.updated_at.desc(), Demand.id.desc())


def following(actor: Actor, now: datetime, *, q: str = "", direction: str = "") -> Select[Demand]:
    """Public demands this person follows: what still runs by its deadline, then the rest, the latest on top."""
    chosen = Demand.id.in_(select(DemandFollow.demand_id).where(DemandFollow.user_id == actor.id))
    over = case((and_(Demand.state == State.PUBLISHED, Demand.closes_at > now), 0), else_=1)
    order = (over, case((over == 0, Demand.closes_at)), Demand.closes_at.desc(), Demand.id.desc())
    return _rows(and_(chosen, is_public(now)), q, direction).order_by(*order)


def touched_at() -> ColumnElement[datetime]:
    """When a demand last came to whoever works on it now: written, handed in, appraised or pooled."""
    steps = (
        (Demand.state == State.SUBMITTED, Demand.submitted_at),
        (Demand.state == State.APPRAISING, Demand.appraising_at),
        (Demand.state == State.POOLED, Demand.pooled_at),
    )
    return case(*steps, else_=Demand.updated_at)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a list: how many, how many of them came or changed since the sign-in before this one, and that sign-in.

    ``dues``: how many are overdue, due today, within three days, later.
    """

    total: int
    changed: int
    since: datetime | None
    dues: tuple[int, int, int, int]


def counts(query: Select[Demand], actor: Actor, now: datetime, calendar: Calendar | None = None) -> Counts:
    """One query. The dues are counted where a calendar is given: it says since when something must wait to be due."""
    before = (
        select(func.max(LoginSession.created_at))
        .where(LoginSession.user_id == actor.id, LoginSession.id < (actor.session_id or 0))
        .scalar_subquery()
    )
    columns = (Demand.state, Demand.submitted_at, Demand.appraising_at, touched_at().label("at"))
    rows = query.order_by(None).options().with_only_columns(*columns).subquery()
    try:
        steps = _steps(rows.c, calendar, now) if calendar is not None else []
    except UnknownYear:  # the clock stands in a year whose days off nobody entered: the desk opens all the same
        steps = []
    found = db.session.execute(
        select(func.count(), func.count(case((rows.c.at > before, 1))), before, *steps).select_from(rows)
    ).one()
    late, today, soon, dated = list(found)[3:] or [0, 0, 0, 0]
    return Counts(found[0], found[1], found[2], (late, today - late, soon - today, dated - soon))


def due_counts(dues: Iterable[datetime], now: datetime) -> tuple[int, int, int, int]:
    """(overdue, today, within three days, later)"""
    places = [0, 0, 0, 0]
    for due in dues:
        today = beijing_day(due) == beijing_day(now)
        places[0 if due <= now else 1 if today else 2 if due - now <= timedelta(days=3) else 3] += 1
    return places[0], places[1], places[2], places[3]


def has_proposal() -> ColumnElement[bool]:
    """Whether a demand waits for a second person."""
    return exists().where(DemandProposal.demand_id == Demand.id, DemandProposal.decided_at.is_(None))


def _steps(rows: Any, calendar: Calendar, now: datetime) -> list[ColumnElement[int]]:
    """How many fall due by now, by the end of today, within three days, at any time."""
    kinds = (
        (State.SUBMITTED, rows.submitted_at, SCREENING_WORKING_DAYS),
        (State.APPRAISING, rows.appraising_at, APPRAISAL_WORKING_DAYS),
    )
    found = []
    for until in (now, max(now, close_of(beijing_day(now))), now + timedelta(days=3)):
        due = [and_(rows.state == state, at < calendar.over_by(until, days)) for state, at, days in kinds]
        found.append(func.count(case((or_(*due), 1))))
    dated = or_(*(and_(rows.state == state, at.is_not(None)) for state, at, _ in kinds))
    return [*found, func.count(case((dated, 1)))]
