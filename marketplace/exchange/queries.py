"""Reading uploaded lists, and what of the site the importer compares with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import defer, joinedload, undefer

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.demands.similarity import title_key
from marketplace.exchange.models import ImportBatch, ImportRow
from marketplace.exchange.reading import Existing
from marketplace.exchange.rules import ImportState, Outcome
from marketplace.platform.policy import Actor

ROWS_PER_PAGE = 50
# A demand that was given up or refused may be handed in again; everything else is a twin.
FORGOTTEN = (State.DROPPED, State.REJECTED)


def lists(actor: Actor, now: datetime) -> Select[ImportBatch]:
    """Every uploaded list, newest first; the permission of the page decides who reads it."""
    return select(ImportBatch).options(joinedload(ImportBatch.created_by)).order_by(ImportBatch.id.desc())


def find(*, actor: Actor, now: datetime, key: str) -> ImportBatch | None:
    return db.session.scalar(
        select(ImportBatch)
        .where(ImportBatch.key == key)
        .options(joinedload(ImportBatch.batch), joinedload(ImportBatch.created_by))
    )


def find_row(*, actor: Actor, now: datetime, key: str, position: int) -> ImportRow | None:
    """A row bound to its list."""
    return db.session.scalar(
        select(ImportRow)
        .join(ImportRow.source)
        .where(ImportBatch.key == key, ImportRow.position == position)
        .options(joinedload(ImportRow.source), joinedload(ImportRow.unit), joinedload(ImportRow.merged_row))
    )


def waiting() -> list[int]:
    """Lists that nobody has read yet, oldest first."""
    return list(
        db.session.scalars(
            select(ImportBatch.id).where(ImportBatch.state == ImportState.READING).order_by(ImportBatch.id)
        )
    )


def same_file(sha256: str) -> ImportBatch | None:
    """The same bytes in a list that was not given up."""
    return db.session.scalar(
        select(ImportBatch)
        .where(ImportBatch.sha256 == sha256, ImportBatch.state.in_((ImportState.OPEN, ImportState.DONE)))
        .order_by(ImportBatch.id.desc())
        .limit(1)
    )


# What a list's page can be narrowed to: what is left to do, one status of the pending, or one outcome.
VIEWS = {
    "todo": "待处理",
    "ready": "可导入",
    "created": "已建草稿",
    "merged": "已合并",
    "refused": "不予导入",
    "all": "全部",
}


def rows(source: ImportBatch, *, view: str = "all") -> Select[ImportRow]:
    """The rows of a list in the order of the file, with what the page shows of each."""
    query = (
        select(ImportRow)
        .where(ImportRow.import_id == source.id)
        .options(joinedload(ImportRow.unit), joinedload(ImportRow.demand), joinedload(ImportRow.merged_row))
        .order_by(ImportRow.position)
    )
    pending = ImportRow.outcome == Outcome.PENDING
    ready = or_(ImportRow.status.in_(("ok", "warning")), ImportRow.kept) & ImportRow.unit_id.is_not(None)
    ready &= ImportRow.status != "error"
    match view:
        case "todo":
            return query.where(pending, ~ready)
        case "ready":
            return query.where(pending, ready)
        case "created" | "merged" | "refused":
            return query.where(ImportRow.outcome == Outcome(view))
        case _:
            return query


def to_create(source: ImportBatch) -> Select[ImportRow]:
    """The rows of a list with nothing but what a draft is made of: the report's words stay unread."""
    report = (defer(column) for column in (ImportRow.messages, ImportRow.raw, ImportRow.cells))
    return select(ImportRow).where(ImportRow.import_id == source.id).options(*report).order_by(ImportRow.position)


def counts(source: ImportBatch) -> dict[str, int]:
    """How many rows each of ``VIEWS`` holds: one query."""
    found = dict.fromkeys(VIEWS, 0)
    grouped = db.session.execute(
        select(ImportRow.outcome, ImportRow.status, ImportRow.kept, ImportRow.unit_id.is_not(None), func.count())
        .where(ImportRow.import_id == source.id)
        .group_by(ImportRow.outcome, ImportRow.status, ImportRow.kept, ImportRow.unit_id.is_not(None))
    )
    for outcome, status, kept, has_unit, count in grouped:
        found["all"] += count
        if outcome is not Outcome.PENDING:
            found[str(outcome)] += count
        elif has_unit and status != "error" and (kept or status != "duplicate"):
            found["ready"] += count
        else:
            found["todo"] += count
    return found


def skipped(source: ImportBatch) -> list[dict[str, str]]:
    """The rows that are no demands, loaded only where they are shown."""
    loaded = db.session.scalar(
        select(ImportBatch).where(ImportBatch.id == source.id).options(undefer(ImportBatch.skipped))
    )
    return [] if loaded is None else list(loaded.skipped)


def existing() -> dict[str, list[Existing]]:
    """Every living demand by its comparable title."""
    found: dict[str, list[Existing]] = defaultdict(list)
    query = (
        select(Demand.title, Organisation.name, func.coalesce(Demand.number, Demand.key))
        .join(Demand.unit)
        .where(Demand.state.not_in(FORGOTTEN), Demand.title != "")
    )
    for title, unit, reference in db.session.execute(query):
        found[title_key(title)].append(Existing(unit, reference))
    return dict(found)


def demand_by_reference(reference: str) -> Demand | None:
    return db.session.scalar(select(Demand).where(or_(Demand.number == reference, Demand.key == reference)))


def posting_units() -> list[Organisation]:
    """Who may post demands: what a row's unit can be matched to."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                or_(Organisation.may_post, Organisation.is_host),
                Organisation.state == OrganisationState.APPROVED,
            )
            .order_by(Organisation.name)
        )
    )


def units(ids: Iterable[int | None]) -> Select[Organisation]:
    """The organisations with these ids."""
    return select(Organisation).where(Organisation.id.in_({id_ for id_ in ids if id_ is not None}))


def unit_index(units: Sequence[Organisation]) -> dict[str, int]:
    """Comparable full and short names → id; a short name that two units share names neither."""
    found: dict[str, int | None] = {}
    for unit in units:
        for name in {title_key(unit.name), title_key(unit.short_name)} - {""}:
            found[name] = unit.id if found.get(name, unit.id) == unit.id else None
    found |= {title_key(unit.name): unit.id for unit in units}
    return {name: key for name, key in found.items() if key is not None}


def unmatched_units(source: ImportBatch) -> list[tuple[str, int]]:
    """Names of pending rows that match no unit, with how many rows each has."""
    return [
        (name, count)
        for name, count in db.session.execute(
            select(ImportRow.unit_name, func.count())
            .where(
                ImportRow.import_id == source.id,
                ImportRow.outcome == Outcome.PENDING,
                ImportRow.unit_id.is_(None),
                ImportRow.unit_name != "",
            )
            .group_by(ImportRow.unit_name)
            .order_by(func.min(ImportRow.position))
        )
    ]


def row_at(source: ImportBatch, place: str) -> ImportRow | None:
    """The row that ``duplicate_of`` names as ``sheet!row``."""
    sheet, _, number = place.rpartition("!")
    if not number.isdigit():
        return None
    return db.session.scalar(
        select(ImportRow).where(
            ImportRow.import_id == source.id, ImportRow.sheet == sheet, ImportRow.row_number == int(number)
        )
    )
