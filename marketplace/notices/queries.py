"""Reading notices, objections and letters. Public is what was published; the rest is for who handles it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import defer, joinedload, raiseload, selectinload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids import queries as bids
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.demands.queries import escaped
from marketplace.notices.models import Letter, Notice, Objection, ObjectionFile
from marketplace.notices.rules.notices import NoticeState
from marketplace.notices.rules.objections import OPEN, ObjectionState
from marketplace.platform.policy import Actor
from marketplace.results import queries as results
from marketplace.results.models import Report
from marketplace.results.rules import ReportState

PUBLIC = (NoticeState.PUBLISHED, NoticeState.STANDING, NoticeState.REVOKED)
PER_PAGE = 20
HANDLES = (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR)


def is_public(now: datetime) -> ColumnElement[bool]:
    """Published, and by the clock already."""
    return and_(Notice.published_at.is_not(None), Notice.published_at <= now, Notice.state.in_(PUBLIC))


def visible(actor: Actor, now: datetime) -> Select[Notice]:
    """What the public sees; who works on results sees prepared ones too."""
    query = select(Notice)
    return query if actor.has(Role.PUBLISHER, Role.SUPERVISOR) else query.where(is_public(now))


def find(*, actor: Actor, now: datetime, notice_id: int) -> Notice | None:
    """One notice with its demand and objections."""
    return db.session.scalar(
        visible(actor, now)
        .where(Notice.id == notice_id)
        .options(
            joinedload(Notice.demand).joinedload(Demand.unit),
            joinedload(Notice.ranking),
            selectinload(Notice.objections),
        )
    )


def find_public(*, actor: Actor, now: datetime, notice_id: int) -> Notice | None:
    """A published notice, for everybody alike."""
    found = find(actor=actor, now=now, notice_id=notice_id)
    return found if found is not None and found.published_at is not None and found.published_at <= now else None


@dataclass(frozen=True, slots=True)
class Filters:
    """The list's parameters as its address says."""

    q: str = ""
    state: str = ""  # "", open, standing, revoked
    year: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    rows: list[Notice]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


def _matching(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [is_public(now)]
    if filters.q:
        pattern = f"%{escaped(filters.q)}%"
        demand = select(Demand.id).where(
            or_(Demand.title.ilike(pattern, escape="\\"), Demand.number.ilike(pattern, escape="\\"))
        )
        found.append(or_(Notice.title.ilike(pattern, escape="\\"), Notice.demand_id.in_(demand)))
    if filters.state == "open":
        found.append(and_(Notice.state == NoticeState.PUBLISHED, Notice.ends_at > now))
    elif filters.state == "over":
        found.append(and_(Notice.state == NoticeState.PUBLISHED, Notice.ends_at <= now))
    elif filters.state in ("standing", "revoked"):
        found.append(Notice.state == NoticeState(filters.state))
    if filters.year.isascii() and filters.year.isdigit() and len(filters.year) == 4:
        found.append(Notice.year == int(filters.year))
    return found


def listing(filters: Filters, now: datetime) -> Listing:
    """Count and page: two queries, rows loaded = rows shown and their demands."""
    where = _matching(filters, now)
    total = db.session.scalar(select(func.count()).select_from(Notice).where(*where)) or 0
    page = min(max(filters.page, 1), max(1, -(-total // PER_PAGE)))
    rows = db.session.scalars(
        select(Notice)
        .where(*where)
        .order_by(Notice.published_at.desc(), Notice.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
        .options(defer(Notice.frozen), joinedload(Notice.demand).joinedload(Demand.unit), raiseload("*"))
    )
    return Listing(list(rows), total, page)


def office_listing(filters: Filters, actor: Actor, now: datetime) -> tuple[Listing, dict[int, int]]:
    """For those who work on results: prepared notices too, first what waits; with the open objections of each notice.

    Two queries, whatever the number of rows. A prepared notice is nobody's but the publishers' and the supervisor's.
    """
    where = _matching(filters, now)[1:]
    if not actor.has(Role.PUBLISHER, Role.SUPERVISOR):
        where.append(is_public(now))
    elif filters.state == "proposed":
        where.append(Notice.state == NoticeState.PROPOSED)
    else:
        where.append(or_(is_public(now), Notice.state == NoticeState.PROPOSED))
    total = db.session.scalar(select(func.count()).select_from(Notice).where(*where)) or 0
    page = min(max(filters.page, 1), max(1, -(-total // PER_PAGE)))
    waits = case((Notice.state == NoticeState.PROPOSED, 0), (Notice.state == NoticeState.PUBLISHED, 1), else_=2)
    open_ones = select(func.count()).where(Objection.notice_id == Notice.id, keeps_open()).scalar_subquery()
    rows = db.session.execute(
        select(Notice, open_ones)
        .where(*where)
        .order_by(waits, Notice.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
        .options(defer(Notice.frozen), joinedload(Notice.demand).joinedload(Demand.unit), raiseload("*"))
    ).all()
    return Listing([row[0] for row in rows], total, page), {row[0].id: row[1] for row in rows}


def years(now: datetime) -> list[int]:
    """Years in which something was published, the newest first."""
    rows = db.session.scalars(select(Notice.year).where(is_public(now)).distinct())
    return sorted((year for year in rows if year is not None), reverse=True)


def of_demand(demand_id: int, now: datetime) -> list[Notice]:
    """A demand's published notices, the newest first."""
    return list(
        db.session.scalars(
            select(Notice)
            .where(Notice.demand_id == demand_id, is_public(now))
            .order_by(Notice.id.desc())
            .options(defer(Notice.frozen))
        )
    )


def latest(demand_id: int, *, place: int = 0) -> Notice | None:
    """The newest notice of a demand's result (or of one place), whatever its state."""
    return db.session.scalar(
        select(Notice)
        .where(Notice.demand_id == demand_id, Notice.place == place, Notice.state != NoticeState.DROPPED)
        .order_by(Notice.id.desc())
        .limit(1)
    )


def fill_facts(notice: Notice) -> Notice:
    """Put on the notice what the policy asks of it."""
    report: Report | None = results.report(notice.demand_id)
    notice.report_is_signed = (
        report is not None and report.ranking_id == notice.ranking_id and report.state is ReportState.SIGNED
    )
    notice.ranking_is_decided = not notice.ranking.undecided
    notice.has_no_open_objection = not open_objections(notice.demand_id)
    return notice


# -- objections ------------------------------------------------------------------------------------------------------


def keeps_open() -> ColumnElement[bool]:
    """Whether an objection keeps the award from being made: not answered, or upheld without its remedy."""
    return or_(
        Objection.state.in_(OPEN),
        and_(Objection.state == ObjectionState.UPHELD, Objection.remedied_at.is_(None)),
    )


def open_objections(demand_id: int) -> int:
    """How many objections of a demand keep the award from being made, upheld ones without their remedy included."""
    return (
        db.session.scalar(
            select(func.count()).select_from(Objection).where(Objection.demand_id == demand_id, keeps_open())
        )
        or 0
    )


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def objector_by_link(actor: Actor, objection: Objection, token: str) -> Actor:
    """The actor as the objector's own link makes him; himself where the link does not fit."""
    if token and objection.link_hash and token_hash(token) == objection.link_hash and not actor.signed_in:
        return Actor(name=objection.name, username=objection.link_name)
    return actor


def find_objection(*, actor: Actor, now: datetime, public_id: str) -> Objection | None:
    """By its unguessable id; who may read it is the policy's question."""
    return db.session.scalar(
        select(Objection)
        .where(Objection.public_id == public_id)
        .options(
            joinedload(Objection.notice),
            joinedload(Objection.demand).joinedload(Demand.unit),
            joinedload(Objection.about_bid).joinedload(Bid.organisation),
            selectinload(Objection.files),
        )
    )


def find_evidence(*, actor: Actor, now: datetime, public_id: str, file_id: int) -> ObjectionFile | None:
    """A file bound to its objection."""
    found = find_objection(actor=actor, now=now, public_id=public_id)
    return None if found is None else next((item for item in found.files if item.id == file_id), None)


def objections_desk(actor: Actor) -> Select[Objection]:
    """All objections for those who handle them, open ones first, the first due on top."""
    return (
        select(Objection)
        .order_by(Objection.state.in_(OPEN).desc(), Objection.answer_due_at, Objection.id)
        .options(joinedload(Objection.demand), joinedload(Objection.notice).defer(Notice.frozen))
    )


# -- letters ---------------------------------------------------------------------------------------------------------


def find_letter(*, actor: Actor, now: datetime, public_id: str) -> Letter | None:
    """The newest letter of a bid, for its own bidder and members; for the office and the supervisor as well."""
    query = (
        select(Letter)
        .join(Letter.bid)
        .where(Bid.public_id == public_id)
        .order_by(Letter.id.desc())
        .limit(1)
        .options(
            joinedload(Letter.bid).joinedload(Bid.organisation),
            joinedload(Letter.demand).joinedload(Demand.unit),
            joinedload(Letter.notice).defer(Notice.frozen),
        )
    )
    if not actor.has(*HANDLES):
        query = query.where(Letter.bid_id.in_(bids.visible(actor).with_only_columns(Bid.id)))
    return db.session.scalar(query)


def letters_of(demand_id: int) -> list[Letter]:
    """The newest letter of every bid of a demand."""
    newest = select(func.max(Letter.id)).where(Letter.demand_id == demand_id).group_by(Letter.bid_id)
    return list(
        db.session.scalars(
            select(Letter)
            .where(Letter.id.in_(newest))
            .order_by(Letter.id)
            .options(joinedload(Letter.bid).joinedload(Bid.organisation))
        )
    )


def my_letters(actor: Actor) -> list[Letter]:
    """The newest letter of each of the actor's bids, the newest first."""
    mine = bids.visible(actor).with_only_columns(Bid.id)
    newest = select(func.max(Letter.id)).where(Letter.bid_id.in_(mine)).group_by(Letter.bid_id)
    return list(
        db.session.scalars(
            select(Letter)
            .where(Letter.id.in_(newest))
            .order_by(Letter.id.desc())
            .options(joinedload(Letter.demand), joinedload(Letter.bid))
        )
    )


def content_of(letter: Letter) -> dict[str, Any]:
    return dict(letter.content)


def over_next(now: datetime) -> Notice | None:
    """The notice whose window ends next."""
    query = select(Notice).where(Notice.state == NoticeState.PUBLISHED, Notice.ends_at > now)
    return db.session.scalars(query.order_by(Notice.ends_at, Notice.id).limit(1)).first()
