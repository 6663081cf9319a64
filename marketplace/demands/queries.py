"""Reading demands: who sees what, the public list with its filters, the queues of the desk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, not_, or_, select, true, union_all
from sqlalchemy.orm import joinedload, raiseload, selectinload, undefer

from marketplace import db, taxonomy
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.batches.models import Batch
from marketplace.demands.clocks import CLOSING_WITHIN, MODES
from marketplace.demands.content import DemandContent
from marketplace.demands.lint import Dates, Lint, lint
from marketplace.demands.models import Demand, DemandCustodian, DemandFile, DemandFollow, DemandIndustry
from marketplace.demands.rules import PHASES, State
from marketplace.platform.audit.models import AuditHead
from marketplace.platform.policy import Actor
from marketplace.settings import queries as settings

PER_PAGE = 20
QUERY_MOST = 400  # characters kept of a query; search itself reads half of them and says so
YEAR = re.compile(r"20[0-9]{2}")
# Who among the staff sees what is not public yet; experts, custodians and administrators do not need it.
SEES_UNPUBLISHED = (Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR, Role.FINANCE)


class Checker:
    """The lint with the calendar: of one content, or of thousands, with the settings read once (two queries)."""

    def __init__(self, now: datetime) -> None:
        self.now, self.clocks, self.calendar = now, settings.mode_clocks(), settings.calendar()

    def __call__(self, content: DemandContent, demand: Demand | None = None) -> Lint:
        """As ``demand`` is listed, or as if it were listed now."""
        clocks = self.clocks.get(content.mode)
        if clocks is None:
            return lint(content)
        listed, closes = (demand.visible_from, demand.closes_at) if demand is not None else (None, None)
        return lint(content, dates=Dates(clocks, self.calendar, listed or self.now, closes))


def is_public(now: datetime) -> ColumnElement[bool]:
    """Published and visible by the clock."""
    return and_(Demand.visible_from.is_not(None), Demand.visible_from <= now)


def visible(actor: Actor, now: datetime) -> Select[Demand]:
    """What this actor may know of: the public list, his unit's own, and all of it for those who process it."""
    query = select(Demand)
    if actor.has(*SEES_UNPUBLISHED):
        units = actor.organisations(Role.DRAFTER, Role.APPROVER)
        return query.where(or_(Demand.state != State.DRAFT, Demand.unit_id.in_(units), Demand.origin_kind == "import"))
    units = actor.organisations(Role.DRAFTER, Role.APPROVER)
    return query.where(or_(is_public(now), Demand.unit_id.in_(units)) if units else is_public(now))


def find(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """By number or key, within ``visible``."""
    return db.session.scalar(
        visible(actor, now)
        .where(or_(Demand.number == ref, Demand.key == ref))
        .options(joinedload(Demand.unit), joinedload(Demand.batch), selectinload(Demand.proposals))
    )


def find_file(*, actor: Actor, now: datetime, ref: str, key: str) -> DemandFile | None:
    """A file bound to its demand; non-public ones only for the unit and the staff that processes it."""
    demand = find(actor=actor, now=now, ref=ref)
    if demand is None:
        return None
    file = db.session.scalar(
        select(DemandFile).where(
            DemandFile.demand_id == demand.id, DemandFile.key == key, DemandFile.removed_at.is_(None)
        )
    )
    if file is None or file.public:
        return file
    inside = actor.has(*SEES_UNPUBLISHED) or demand.unit_id in actor.organisations(Role.DRAFTER, Role.APPROVER)
    return file if inside else None


def phase_is(phase: str, now: datetime) -> ColumnElement[bool]:
    """The SQL of ``rules.phase``; one test asserts that both agree."""
    match phase:
        case "open":
            return and_(
                Demand.state == State.PUBLISHED, Demand.visible_from <= now, Demand.closes_at >= now + CLOSING_WITHIN
            )
        case "closing":
            return and_(
                Demand.state == State.PUBLISHED,
                Demand.visible_from <= now,
                Demand.closes_at > now,
                Demand.closes_at < now + CLOSING_WITHIN,
            )
        case "closed":
            return and_(Demand.state == State.PUBLISHED, Demand.closes_at <= now)
        case "scheduled":
            return and_(Demand.state == State.PUBLISHED, Demand.visible_from > now)
        case _:
            return Demand.state == State(phase)


def budget_is(band: str) -> ColumnElement[bool]:
    """The SQL of ``taxonomy.budget_band``."""
    wan = 1_000_000
    edges = {"lt50": (0, 50), "50to100": (50, 100), "100to300": (100, 300), "300to1000": (300, 1000)}
    if band == "negotiable":
        return Demand.budget_fen.is_(None)
    if band == "ge1000":
        return Demand.budget_fen >= 1000 * wan
    low, high = edges[band]
    return and_(Demand.budget_fen >= low * wan, Demand.budget_fen < high * wan)


SORTS: dict[str, taxonomy.Label] = {
    "relevance": taxonomy.Label("按相关", "By relevance"),  # only where words were asked for
    "deadline": taxonomy.Label("按截止时间", "By deadline"),
    "newest": taxonomy.Label("最新公布", "Newest first"),
    "budget": taxonomy.Label("按预算", "By budget"),
}


def sorts(q: str) -> dict[str, taxonomy.Label]:
    """The orders a list offers, the usual one first."""
    return {key: label for key, label in SORTS.items() if q or key != "relevance"}


@dataclass(frozen=True)
class Filters:
    """The list's parameters as read from the URL (interface.md); unknown values are dropped, never an error."""

    q: str = ""
    direction: tuple[str, ...] = ()
    industry: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    budget: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()
    batch: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    sort: str = "deadline"
    page: int = 1
    per_page: int = field(default=PER_PAGE)
    counted: bool = True  # facets with their counts; counting walks along the whole list (``facets=0``)

    @classmethod
    def read(cls, args: Mapping[str, Sequence[str]], *, per_page: int = PER_PAGE) -> Filters:
        """From ``request.args.to_dict(flat=False)``."""

        def several(name: str, known: Mapping[str, Any] | None = None) -> tuple[str, ...]:
            values = dict.fromkeys(value.strip()[:80] for value in args.get(name, ()) if value.strip())
            return tuple(value for value in values if known is None or value in known)[:20]

        def one(name: str, default: str = "") -> str:
            return next(iter(args.get(name, ())), default).strip()

        page, q = one("page", "1"), one("q").replace("\x00", "")[:QUERY_MOST]
        return cls(
            q=q,
            direction=several("direction", taxonomy.DIRECTIONS),
            industry=several("industry", taxonomy.INDUSTRIES),
            mode=several("mode", MODES),
            state=several("state", PHASES),
            budget=several("budget", taxonomy.BUDGET_BANDS),
            unit=several("unit"),
            batch=several("batch"),
            year=tuple(year for year in several("year") if YEAR.fullmatch(year)),
            sort=sort if (sort := one("sort")) in sorts(q) else next(iter(sorts(q))),
            page=min(max(int(page), 1), 100_000) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            per_page=per_page,
            counted=one("facets") != "0",
        )

    def without(self, name: str) -> Filters:
        """The same without one facet: what that facet's own counts are taken under."""
        return replace(self, **{name: ()})  # type: ignore[arg-type]


FACETS = ("direction", "industry", "mode", "state", "budget", "unit", "batch", "year")


def _condition(name: str, value: str, now: datetime) -> ColumnElement[bool]:
    match name:
        case "direction":
            return Demand.direction == value
        case "industry":
            return Demand.id.in_(select(DemandIndustry.demand_id).where(DemandIndustry.code == value))
        case "mode":
            return Demand.mode == value
        case "state":
            return phase_is(value, now)
        case "budget":
            return budget_is(value)
        case "unit":
            return Demand.unit_id.in_(select(Organisation.id).where(Organisation.slug == value))
        case "batch":
            return Demand.batch_id.in_(select(Batch.id).where(Batch.code == value))
        case _:
            return Demand.year == int(value)


def escaped(text: str) -> str:
    """For LIKE with escape ``\\``: what people type is never a wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def has_word(word: str) -> ColumnElement[bool]:
    """The word stands in the title, the summary, the number or the unit's name."""
    pattern = f"%{escaped(word)}%"
    return or_(
        Demand.title.ilike(pattern, escape="\\"),
        Demand.summary.ilike(pattern, escape="\\"),
        Demand.number.ilike(pattern, escape="\\"),
        Demand.unit_id.in_(select(Organisation.id).where(Organisation.name.ilike(pattern, escape="\\"))),
    )


def worded(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions of the words typed."""
    return [has_word(word) for word in filters.q.split()[:8]]


def selected(filters: Filters, name: str, now: datetime) -> ColumnElement[bool]:
    """One of the values chosen in a facet."""
    return or_(*(_condition(name, value, now) for value in getattr(filters, name)))


def matching(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    """The WHERE of a filtered list, visibility aside."""
    return worded(filters) + [selected(filters, name, now) for name in FACETS if getattr(filters, name)]


def _shown(filters: Filters, now: datetime, *, limit: int, offset: int = 0) -> Select[Demand]:
    """One stretch of the public list in its order. Ids are chosen and sorted first, along narrow indexes; only then the
    wide rows are read, as many as are shown.
    """
    where = and_(is_public(now), *matching(filters, now))
    if filters.sort in _SORTED:
        order = _SORTED[filters.sort]
        chosen = select(Demand.id).where(where).order_by(*order).limit(limit).offset(offset).subquery()
        return select(Demand).join(chosen, chosen.c.id == Demand.id).order_by(*order)
    # What can still be bid for first, the nearest deadline on top; then the rest, the latest on top. The second stretch
    # begins where the first ends, and is not even begun while the first fills the page.
    open_ = and_(Demand.state == State.PUBLISHED, Demand.closes_at > now)
    first = (
        select(Demand.id.label("id"))
        .where(where, open_)
        .order_by(Demand.closes_at, Demand.id.desc())
        .limit(limit)
        .offset(offset)
        .cte("first")
    )
    found = select(func.count()).select_from(first).scalar_subquery()
    beyond = offset - select(func.count()).select_from(Demand).where(where, open_).scalar_subquery()
    second = (
        select(Demand.id.label("id"))
        .where(where, not_(open_))
        .order_by(Demand.closes_at.desc(), Demand.id.desc())
        .limit(limit - found)
        .offset(case((found > 0, 0), (beyond < 0, 0), else_=beyond) if offset else 0)
        .subquery()
    )
    chosen = union_all(
        select(first.c.id, literal(0).label("part")), select(second.c.id, literal(1).label("part"))
    ).subquery()
    ahead = case((chosen.c.part == 0, Demand.closes_at))
    return (
        select(Demand)
        .join(chosen, chosen.c.id == Demand.id)
        .order_by(chosen.c.part, ahead, Demand.closes_at.desc(), Demand.id.desc())
    )


_SORTED: dict[str, list[Any]] = {
    "newest": [Demand.visible_from.desc(), Demand.number.desc()],
    "budget": [Demand.budget_fen.is_(None), Demand.budget_fen.desc(), Demand.id.desc()],
}


@dataclass(frozen=True)
class Listing:
    """One page of a list."""

    rows: list[Demand]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


@dataclass(frozen=True)
class _Total:
    """How long the public list is, as long as the log has not grown and no scheduled demand has become visible."""

    head: tuple[int, bytes]
    since: datetime
    until: datetime | None
    number: int


_total: _Total | None = None


def public_total(now: datetime) -> int:
    """How many demands are public. Counting walks along all of them, so it is remembered until something changes:
    whatever publishes or calls back appends to the log in the same transaction.
    """
    global _total
    size, frontier = db.session.execute(select(AuditHead.size, AuditHead.frontier)).first() or (0, b"")
    known = _total
    if known and known.head == (size, frontier) and known.since <= now and (known.until is None or now < known.until):
        return known.number
    number, until = db.session.execute(
        select(
            select(func.count()).select_from(Demand).where(is_public(now)).scalar_subquery(),
            select(func.min(Demand.visible_from)).where(Demand.visible_from > now).scalar_subquery(),
        )
    ).one()
    _total = _Total((size, frontier), now, until, number or 0)
    return _total.number


def listing(filters: Filters, now: datetime) -> Listing:
    """Count and page; rows loaded = rows shown."""
    where = matching(filters, now)
    total = (
        db.session.scalar(select(func.count()).select_from(Demand).where(is_public(now), *where))
        if where
        else public_total(now)
    )
    page = min(filters.page, max(1, -(-(total or 0) // filters.per_page)))
    shown = _shown(filters, now, limit=filters.per_page, offset=(page - 1) * filters.per_page)
    rows = db.session.scalars(shown.options(joinedload(Demand.unit), raiseload("*"))).all()
    return Listing(list(rows), total or 0, page, filters.per_page)


def count_of(state: State | None = None, *, now: datetime, phase: str = "") -> int:
    """How many public demands are in a phase (or state)."""
    condition = phase_is(phase, now) if phase else (Demand.state == state if state else true())
    return db.session.scalar(select(func.count()).select_from(Demand).where(is_public(now), condition)) or 0


def open_now(now: datetime, limit: int) -> Sequence[Demand]:
    """What can be bid for, nearest deadline first, for the home page."""
    return db.session.scalars(
        select(Demand)
        .where(Demand.state == State.PUBLISHED, Demand.visible_from <= now, Demand.closes_at > now)
        .order_by(Demand.closes_at, Demand.id)
        .limit(limit)
        .options(joinedload(Demand.unit), joinedload(Demand.batch), raiseload("*"))
    ).all()


def ahead(now: datetime) -> list[tuple[datetime, str, str]]:
    """Of each kind of instant at which something public changes by the clock alone the next: when, kind, title."""
    columns = {"visible": Demand.visible_from, "questions": Demand.questions_close_at, "closing": Demand.closes_at}
    parts = [
        select(
            select(column.label("at"), literal(kind).label("kind"), Demand.title)
            .where(column > now, Demand.state == State.PUBLISHED)
            .order_by(column, Demand.id)
            .limit(1)
            .subquery()
        )
        for kind, column in columns.items()
    ]
    return [(at, kind, title) for at, kind, title in db.session.execute(union_all(*parts))]


def of_unit(unit_ids: frozenset[int]) -> Select[Demand]:
    """A unit's own demands, the last touched on top."""
    return (
        select(Demand)
        .where(Demand.unit_id.in_(unit_ids))
        .order_by(Demand.updated_at.desc(), Demand.id.desc())
        .options(joinedload(Demand.unit))
    )


def awaiting_screening() -> Select[Demand]:
    """The screener's queue, the oldest on top."""
    return (
        select(Demand)
        .where(Demand.state == State.SUBMITTED)
        .order_by(Demand.submitted_at, Demand.id)
        .options(joinedload(Demand.unit))
    )


def awaiting_appraisal() -> Select[Demand]:
    return (
        select(Demand)
        .where(Demand.state == State.APPRAISING)
        .order_by(Demand.appraising_at, Demand.id)
        .options(joinedload(Demand.unit))
    )


def pooled() -> Select[Demand]:
    """What can be put on a list, the longest waiting on top."""
    return (
        select(Demand)
        .where(Demand.state == State.POOLED)
        .order_by(Demand.pooled_at, Demand.id)
        .options(joinedload(Demand.unit))
    )


def follows(demand: Demand, actor: Actor) -> bool:
    return actor.signed_in and db.session.get(DemandFollow, (demand.id, actor.id)) is not None


def followers(demand_id: int) -> list[int]:
    """User ids, for notifications."""
    return list(db.session.scalars(select(DemandFollow.user_id).where(DemandFollow.demand_id == demand_id)))


def for_page(*, actor: Actor, now: datetime, ref: str) -> Demand | None:
    """One demand with all that its page shows: five queries, however much there is to show."""
    return db.session.scalar(
        visible(actor, now)
        .where(or_(Demand.number == ref, Demand.key == ref))
        .options(
            joinedload(Demand.unit),
            joinedload(Demand.batch),
            undefer(Demand.content),
            selectinload(Demand.versions),
            selectinload(Demand.files),
            selectinload(Demand.custodians).joinedload(DemandCustodian.organisation),
            selectinload(Demand.proposals),
        )
    )


def with_industries(ids: Sequence[int], now: datetime) -> Sequence[Demand]:
    """Public demands by id, with unit and industries, in any order."""
    return db.session.scalars(
        select(Demand)
        .where(Demand.id.in_(ids), is_public(now))
        .options(joinedload(Demand.unit), selectinload(Demand.industries), raiseload("*"))
    ).all()


def with_content(filters: Filters, now: datetime, limit: int, ids: Sequence[int] | None = None) -> list[Demand]:
    """The filtered list with what each demand says, for papers, feeds and files; ``ids``: what a search found, in order."""
    query = (
        _shown(filters, now, limit=limit) if ids is None else select(Demand).where(Demand.id.in_(ids), is_public(now))
    )
    found = list(
        db.session.scalars(
            query.options(
                joinedload(Demand.unit),
                joinedload(Demand.batch),
                undefer(Demand.content),
                selectinload(Demand.industries),
                selectinload(Demand.versions),
                raiseload("*"),
            )
        )
    )
    if ids is not None:
        places = {key: place for place, key in enumerate(ids)}
        found.sort(key=lambda demand: places[demand.id])
    return found
