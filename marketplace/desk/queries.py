"""What waits for whom. One place says for each role which states of a demand are its work; the list, its counts, the
next act and the demo's sign-in cards all ask it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, false, func, literal, or_, select
from sqlalchemy.orm import joinedload, raiseload

from marketplace import db
from marketplace.accounts.models import LoginSession
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand, DemandFollow, DemandProposal
from marketplace.demands.queries import escaped, is_public
from marketplace.demands.rules import SECOND_PERSON, Action, State
from marketplace.platform.audit import AuditDetail
from marketplace.platform.policy import Actor
from marketplace.platform.working_days import Calendar, beijing_day, close_of

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
    return exists().where(
        DemandProposal.demand_id == Demand.id,
        DemandProposal.decided_at.is_(None),
        DemandProposal.action.in_(actions or [Action.WITHDRAW]) if actions else false(),
        DemandProposal.proposed_by_id != actor.id,
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
    acted = exists().where(
        AuditDetail.actor_id == actor.id,
        AuditDetail.kind.startswith("demand."),
        AuditDetail.subject == literal("demand:") + cast(Demand.id, String),
    )
    return _rows(acted, q, direction).order_by(Demand.updated_at.desc(), Demand.id.desc())


def mine(actor: Actor, *, q: str = "", direction: str = "") -> Select[Demand]:
    """Demands this person wrote or handed in."""
    own = or_(Demand.drafter_id == actor.id, Demand.submitter_id == actor.id)
    return _rows(own, q, direction).order_by(Demand.updated_at.desc(), Demand.id.desc())


def following(actor: Actor, now: datetime, *, q: str = "", direction: str = "") -> Select[Demand]:
    """Public demands this person follows: what still runs by its deadline, then the rest, the latest on top."""
    chosen = exists().where(DemandFollow.demand_id == Demand.id, DemandFollow.user_id == actor.id)
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


def count_and_changed(query: Select[Demand], actor: Actor) -> tuple[int, int, datetime | None]:
    """(how many, how many of them came or changed since this person's sign-in before the present one, that sign-in)."""
    before = (
        select(func.max(LoginSession.created_at))
        .where(LoginSession.user_id == actor.id, LoginSession.id < (actor.session_id or 0))
        .scalar_subquery()
    )
    rows = query.order_by(None).options().with_only_columns(Demand.id, touched_at().label("at")).subquery()
    total, changed, since = db.session.execute(
        select(func.count(), func.count(case((rows.c.at > before, 1))), before).select_from(rows)
    ).one()
    return total, changed, since


def due_counts(
    actor: Actor, roles: frozenset[Role], calendar: Calendar, now: datetime, *, others: Iterable[datetime] = ()
) -> tuple[int, int, int, int]:
    """(overdue, today, within three days, later) over what has a deadline, ``others`` too; one query of two columns."""
    late = today = soon = later = 0
    rows = db.session.execute(
        select(Demand.state, Demand.submitted_at, Demand.appraising_at)
        .where(waiting(actor, roles), Demand.state.in_([State.SUBMITTED, State.APPRAISING]))
        .limit(2_000)
    )
    days = {State.SUBMITTED: SCREENING_WORKING_DAYS, State.APPRAISING: APPRAISAL_WORKING_DAYS}
    dues = list(others)
    for state, submitted_at, appraising_at in rows:
        since = submitted_at if state is State.SUBMITTED else appraising_at
        if since is not None:
            dues.append(close_of(calendar.add_working_days(beijing_day(since), days[state])))
    for due in dues:
        if due <= now:
            late += 1
        elif beijing_day(due) == beijing_day(now):
            today += 1
        elif due - now <= timedelta(days=3):
            soon += 1
        else:
            later += 1
    return late, today, soon, later
