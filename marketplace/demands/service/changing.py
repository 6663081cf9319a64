"""What changes what the public was promised: amend, extend, suspend, resume, withdraw, and publish anew."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from marketplace import db
from marketplace.demands import clocks
from marketplace.demands.content import DemandContent, diff
from marketplace.demands.models import Demand, DemandVersion
from marketplace.demands.rules import FROZEN_FIELDS, Action, State
from marketplace.demands.service.publishing import note_log_place, write_version
from marketplace.demands.service.writing import MACHINE, create, write_content
from marketplace.demands.validity import LABELS, faults
from marketplace.platform import audit, outbox
from marketplace.platform.clock import decided_at
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings


def lock_and_read_clock(demand: Demand) -> datetime:
    """Lock the row, then read the clock that decides: an instant read before the wait could let a late act in."""
    db.lock(demand)
    return decided_at()


def amend(
    demand: Demand,
    content: DemandContent,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    closes_at: datetime | None = None,
) -> DemandVersion:
    """Publish version n + 1 with a field diff. The deadline moves on by itself when less than the lead is left.

    Never the score sheet, the mode, the minimum, or anything else of ``FROZEN_FIELDS``.
    """
    if not reason.strip():
        raise Invalid("请写明变更的原因，原因会公开。", fields={"reason": "请写明原因"})
    at = lock_and_read_clock(demand)
    require("demand.amend", actor, demand, at)
    before = demand.said
    changes = [dataclasses.asdict(change) for change in diff(before, content)]
    frozen = [LABELS.get(change["field"], change["field"]) for change in changes if change["field"] in FROZEN_FIELDS]
    if frozen:
        raise Refused(f"张榜之后不能变更：{'、'.join(frozen)}。确需改变请撤榜后重新张榜。")
    if not changes and closes_at is None:
        raise Refused("没有任何改动，不需要发布变更。")
    known = settings.mode_clocks()[demand.mode]
    if missing := faults(content, clocks=known, today=beijing_day(at)):
        raise Invalid(missing[0].sentence, fields={fault.field: fault.sentence for fault in reversed(missing)})
    assert demand.closes_at is not None
    wanted = max(closes_at or demand.closes_at, demand.closes_at)
    new_deadline = clocks.deadline_after_amendment(
        known, amended_at=at, deadline_at=wanted, calendar=settings.calendar()
    )
    if new_deadline != demand.closes_at:
        changes.append(
            {
                "field": "closes_at",
                "before": audit.timestamp(demand.closes_at),
                "after": audit.timestamp(new_deadline),
            }
        )
        move_deadline(demand, new_deadline)
    write_content(demand, content, now=at)
    version = write_version(demand, content, changes=changes, reason=reason, actor=actor, now=at)
    leaf = perform(
        MACHINE,
        demand,
        Action.AMEND,
        actor=actor,
        now=at,
        reason=reason,
        facts={
            "version": demand.content_version,
            "sha256": version.sha256,
            "fields": [change["field"] for change in changes],
            "closes_at": audit.timestamp(new_deadline),
        },
    )
    db.session.flush()
    note_log_place(version, leaf)
    return version


def move_deadline(demand: Demand, closes_at: datetime) -> None:
    """The deadline and what hangs on it; the caller logs it."""
    demand.closes_at = closes_at
    demand.questions_close_at = clocks.questions_close_at(
        settings.mode_clocks()[demand.mode], closes_at, settings.calendar()
    )


def extend(demand: Demand, *, closes_at: datetime, reason: str, actor: Actor, now: datetime) -> None:
    """Move the deadline on, before it passes, with a public reason. Rounded up to 17:00 of a working day."""
    if not reason.strip():
        raise Invalid("请写明延期的原因，原因会公开。", fields={"reason": "请写明原因"})
    at = lock_and_read_clock(demand)
    require("demand.extend", actor, demand, at)
    closes_at = settings.calendar().round_up(closes_at)
    assert demand.closes_at is not None
    if closes_at <= demand.closes_at:
        raise Invalid("延期后的截止时间须晚于现在的截止时间。", fields={"closes_at": "须晚于现在的截止时间"})
    before = demand.closes_at
    move_deadline(demand, closes_at)
    demand.updated_at = at
    perform(
        MACHINE,
        demand,
        Action.EXTEND,
        actor=actor,
        now=at,
        reason=reason,
        facts={"before": audit.timestamp(before), "closes_at": audit.timestamp(closes_at)},
    )
    db.session.flush()


def suspend(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> None:
    """Stop the clock: every bid write is refused until it is resumed."""
    if not reason.strip():
        raise Invalid("请写明暂停的原因，原因会公开。", fields={"reason": "请写明原因"})
    at = lock_and_read_clock(demand)
    perform(MACHINE, demand, Action.SUSPEND, actor=actor, now=at, reason=reason)
    demand.suspended_at = demand.updated_at = at
    db.session.flush()


def resume(demand: Demand, *, reason: str = "", actor: Actor, now: datetime) -> None:
    """Go on: the deadline becomes the old one plus the pause, rounded up to 17:00 of a working day."""
    at = lock_and_read_clock(demand)
    require("demand.resume", actor, demand, at)
    if demand.state is State.SUSPENDED:
        assert demand.closes_at is not None
        assert demand.suspended_at is not None
        move_deadline(
            demand,
            clocks.deadline_after_pause(
                deadline_at=demand.closes_at,
                suspended_at=demand.suspended_at,
                resumed_at=at,
                calendar=settings.calendar(),
            ),
        )
    perform(
        MACHINE,
        demand,
        Action.RESUME,
        actor=actor,
        now=at,
        reason=reason,
        facts={"closes_at": audit.timestamp(demand.closes_at) if demand.closes_at else None},
    )
    demand.suspended_at, demand.updated_at = None, at
    db.session.flush()


def withdraw(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> None:
    """Take the demand off the list for good, with a public reason; sealed bids are destroyed unopened by ``bids``.

    Once the deadline has passed a publisher proposes and the supervisor confirms (``propose``, ``confirm``).
    """
    if not reason.strip():
        raise Invalid("请写明撤榜的原因，原因会公开。", fields={"reason": "请写明原因"})
    at = lock_and_read_clock(demand)
    perform(MACHINE, demand, Action.WITHDRAW, actor=actor, now=at, reason=reason)
    demand.ended_at = demand.updated_at = at
    db.session.flush()


def republish(demand: Demand, *, changed: str, actor: Actor, now: datetime) -> Demand:
    """A lapsed demand stays lapsed: a new draft of the same unit, linked to it, that says what changed."""
    require("demand.republish", actor, demand, now)
    if demand.state not in (State.LAPSED, State.WITHDRAWN):
        raise Refused("只有流榜或撤榜的需求可以重新张榜。")
    if not changed.strip():
        raise Invalid("请写明与上次相比改变了什么，会随新的需求公开。", fields={"changed": "请写明改变"})
    content = dataclasses.replace(demand.said, deliver_by=None)
    new = create(unit=demand.unit, content=content, actor=actor, now=now, origin=demand, origin_kind="republish")
    audit.append(
        "demand.republish",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts={"new": new.id},
        details={"changed": changed},
    )
    outbox.emit("demand.republish", {"subject": new.audit_subject, "changed": changed}, at=now)
    return new
