"""Putting demands on a list: one, a whole batch, and back before anybody could see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from marketplace import db
from marketplace.accounts.models import User
from marketplace.batches import service as batches
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.custody import service as custody_service
from marketplace.demands import clocks
from marketplace.demands import content as said
from marketplace.demands.content import DemandContent, fingerprint
from marketplace.demands.models import Demand, DemandCustodian, DemandVersion
from marketplace.demands.rules import CUSTODY, Action
from marketplace.demands.score_sheets import validate_sheet
from marketplace.demands.service.writing import MACHINE
from marketplace.demands.validity import faults
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.formatting import masked_phone
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings


@dataclass(frozen=True, slots=True)
class Entry:
    """One demand on its way into a list: its place, its deadline, and why it cannot go (``None``: it can)."""

    demand: Demand
    number: str
    first_deadline: datetime
    closes_at: datetime
    refusal: str | None


def public_snapshot(demand: Demand, content: DemandContent) -> dict[str, Any]:
    """What is hashed and can be checked by anybody: exactly what the public page shows, contact masked."""
    shown = dataclasses.replace(content, contact_phone=masked_phone(content.contact_phone), contact_email="")
    return {
        "number": demand.number,
        "version": demand.content_version,
        "unit": demand.unit.name,
        "batch": demand.batch.code if demand.batch else None,
        "visible_from": audit.timestamp(demand.visible_from) if demand.visible_from else None,
        "closes_at": audit.timestamp(demand.closes_at) if demand.closes_at else None,
        "custody": demand.custody,
        "set_hash": demand.set_hash,
        "custodians": [item.organisation.name for item in demand.custodians],
        "content": said.to_json(shown),
    }


def write_version(
    demand: Demand, content: DemandContent, *, changes: list[Any], reason: str, actor: Actor, now: datetime
) -> DemandVersion:
    demand.content_version += 1
    snapshot = public_snapshot(demand, content)
    assert demand.closes_at is not None
    version = DemandVersion(
        demand=demand,
        version=demand.content_version,
        snapshot=said.canonical(snapshot),
        sha256=fingerprint(snapshot),
        content=said.to_json(content),
        changes=changes,
        reason=reason,
        closes_at=demand.closes_at,
        published_at=now,
        published_by_id=actor.id,
    )
    db.session.add(version)
    return version


def first_deadlines(demands: Sequence[Demand], *, visible_from: datetime) -> dict[int, datetime]:
    """The earliest deadline each demand's funding mode allows, by demand id."""
    calendar, known = settings.calendar(), settings.mode_clocks()
    return {demand.id: clocks.first_possible_deadline(known[demand.mode], visible_from, calendar) for demand in demands}


def why_not_publish(demand: Demand, *, visible_from: datetime, closes_at: datetime) -> str | None:
    """The sentence why this demand cannot be published so, or ``None``."""
    calendar, known = settings.calendar(), settings.mode_clocks()
    content = demand.said
    missing = faults(content, clocks=known.get(content.mode), today=beijing_day(visible_from))
    if missing:
        return f"内容不完整：{missing[0].sentence}"
    if problems := validate_sheet(content.score_sheet, mode=content.mode):
        return problems[0]
    if (
        reason := clocks.why_not_deadline(
            known[demand.mode], published_at=visible_from, deadline_at=closes_at, calendar=calendar
        )
    ) is not None:
        return reason
    if content.deliver_by is not None and content.deliver_by <= beijing_day(closes_at):
        return f"交付日期 {content.deliver_by} 不晚于揭榜截止，请退回修改交付日期或提前截止。"
    return None


def preview_batch(
    batch: Batch,
    demands: Sequence[Demand],
    *,
    visible_from: datetime,
    deadlines: Mapping[int, datetime] | None = None,
) -> list[Entry]:
    """The list as it would be published: numbers in the given order, deadlines as chosen or the first possible."""
    first = first_deadlines(demands, visible_from=visible_from)
    start = _next_sequence(batch)
    entries = []
    for place, demand in enumerate(demands):
        closes_at = (deadlines or {}).get(demand.id) or first[demand.id]
        entries.append(
            Entry(
                demand=demand,
                number=f"{batch.code}-{start + place:03d}",
                first_deadline=first[demand.id],
                closes_at=closes_at,
                refusal=why_not_publish(demand, visible_from=visible_from, closes_at=closes_at),
            )
        )
    return entries


def _next_sequence(batch: Batch) -> int:
    highest = db.session.scalar(select(func.max(Demand.sequence)).where(Demand.batch_id == batch.id))
    return (highest or 0) + 1


def _name_custodians(demand: Demand, level: str, custodians: Sequence[User], *, now: datetime) -> None:
    """Fix custody level, custodians in order and their frozen keys. For n ≥ 2 from at least two organisations."""
    if level not in CUSTODY:
        raise Invalid("请选择保管级别。", fields={"custody": "请选择"})
    _, count = CUSTODY[level]
    if count > 1:
        if len(custodians) != count or len({user.id for user in custodians}) != count:
            raise Invalid(
                f"保管级别 {level} 须指定 {count} 位不同的保管人。", fields={"custodians": f"须为 {count} 位"}
            )
        if len({user.organisation_id for user in custodians}) < 2:
            raise Invalid(
                "保管人须来自至少两个不同的单位，任何一家都不能单独开启。", fields={"custodians": "须来自至少两个单位"}
            )
    demand.custody = level
    demand.custodians = [
        DemandCustodian(position=place, user=user, organisation_id=user.organisation_id)
        for place, user in enumerate(custodians[:count])
    ]
    demand.set_hash = custody_service.freeze(level, custodians, now=now).hash


def publish(
    demand: Demand,
    *,
    batch: Batch,
    closes_at: datetime,
    custody: str,
    custodians: Sequence[User],
    actor: Actor,
    now: datetime,
    visible_from: datetime | None = None,
) -> DemandVersion:
    """Put one pooled demand on the list of ``batch``: number, frozen sheet, custodians, snapshot with SHA-256.

    Everything that follows — visibility, phases, the deadline — comes from the stored instants. Refused with the
    first possible deadline when the calendar forbids the chosen one.
    """
    visible_from = visible_from or batch.visible_from or now
    if (reason := why_not_publish(demand, visible_from=visible_from, closes_at=closes_at)) is not None:
        raise Refused(f"“{demand.title}”不能张榜：{reason}")
    _name_custodians(demand, custody, custodians, now=now)
    # The batch row is the lock under which its numbers stay gapless.
    db.lock(batch)
    sequence = _next_sequence(batch)
    require("demand.publish", actor, demand, now)
    known, calendar = settings.mode_clocks()[demand.mode], settings.calendar()
    # Number, instants and state are one fact to the database's CHECKs: they are written in one statement.
    with db.session.no_autoflush:
        demand.batch, demand.sequence, demand.number = batch, sequence, f"{batch.code}-{sequence:03d}"
        demand.published_at, demand.visible_from, demand.closes_at = visible_from, visible_from, closes_at
        demand.year = beijing_day(visible_from).year
        demand.questions_close_at = clocks.questions_close_at(known, closes_at, calendar)
        demand.publisher_id = actor.id
        content = demand.said
        version = write_version(demand, content, changes=[], reason="", actor=actor, now=visible_from)
        leaf = perform(
            MACHINE,
            demand,
            Action.PUBLISH,
            actor=actor,
            now=now,
            facts={
                "number": demand.number,
                "version": 1,
                "sha256": version.sha256,
                "visible_from": audit.timestamp(visible_from),
                "closes_at": audit.timestamp(closes_at),
                "custody": custody,
            },
        )
    demand.updated_at = now
    db.session.flush()
    note_log_place(version, leaf)
    return version


def note_log_place(version: DemandVersion, leaf: audit.Leaf) -> None:
    """Remember the leaf's number once it has one (it gets it just before the commit)."""
    leaf.on_numbered.append(lambda seq: setattr(version, "log_seq", seq))


def post_batch(
    batch: Batch,
    demands: Sequence[Demand],
    *,
    visible_from: datetime | None,
    deadlines: Mapping[int, datetime],
    custody: str,
    custodians: Sequence[User],
    document_number: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Publish a whole list in one act, at once or from ``visible_from`` on. All or nothing."""
    if not demands:
        raise Refused("请至少选择一条已入库的需求再张榜。")
    start = max(visible_from or now, now)
    for entry in preview_batch(batch, demands, visible_from=start, deadlines=deadlines):
        if entry.refusal is not None:
            raise Refused(f"“{entry.demand.title}”不能张榜：{entry.refusal}")
    if batch.state is not BatchState.POSTED:
        batches.post(batch, visible_from=start, document_number=document_number, actor=actor, now=now)
        db.session.flush()
    for demand in demands:
        publish(
            demand,
            batch=batch,
            closes_at=deadlines[demand.id],
            custody=custody,
            custodians=custodians,
            actor=actor,
            now=now,
            visible_from=start,
        )


def call_back_batch(batch: Batch, *, reason: str, actor: Actor, now: datetime) -> int:
    """Take the whole batch back before anybody could see it: its numbers are freed. Returns how many demands."""
    if not reason.strip():
        raise Invalid("请写明整批撤回的原因。", fields={"reason": "请写明原因"})
    demands = list(
        db.session.scalars(select(Demand).where(Demand.batch_id == batch.id, Demand.published_at.is_not(None)))
    )
    require("batch.call_back", actor, batch, now)
    for demand in demands:
        for version in list(demand.versions):
            db.session.delete(version)
        demand.custodians.clear()
        number = demand.number
        perform(MACHINE, demand, Action.CALL_BACK, actor=actor, now=now, reason=reason, facts={"number": number})
        demand.number = demand.sequence = demand.year = None
        demand.published_at = demand.visible_from = demand.closes_at = demand.questions_close_at = None
        demand.content_version = 0
        demand.custody = demand.set_hash = ""
    batches.call_back(batch, reason=reason, actor=actor, now=now)
    db.session.flush()
    return len(demands)
