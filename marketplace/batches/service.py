"""Running a batch: the only writer of its tables. Publishing itself is ``demands.service.post_batch``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.batches import queries
from marketplace.batches.models import Batch, BatchInvitation
from marketplace.batches.rules import ACTION_LABELS, STATE_LABELS, TABLE, BatchAction
from marketplace.platform import audit
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import Machine, perform

MACHINE = Machine("batch", TABLE, STATE_LABELS, ACTION_LABELS)


def create(
    *,
    zone: str,
    year: int,
    theme: str,
    actor: Actor,
    now: datetime,
    call_text: str = "",
    collects_from: datetime | None = None,
    collects_until: datetime | None = None,
    document_number: str = "",
) -> Batch:
    """A new batch in draft with the next sequence of its year. Log: ``batch.create``."""
    require("batch.create", actor, None, now)
    _check_window(collects_from, collects_until)
    sequence = queries.next_sequence(zone, year)
    batch = Batch(
        code=f"{zone}-{year}-{sequence:02d}",
        zone=zone,
        year=year,
        sequence=sequence,
        theme=theme,
        call_text=call_text,
        document_number=document_number,
        collects_from=collects_from,
        collects_until=collects_until,
        created_at=now,
        created_by_id=actor.id,
    )
    db.session.add(batch)
    db.session.flush()
    audit.append("batch.create", subject=batch.audit_subject, actor=actor, at=now, facts={"code": batch.code})
    return batch


def _check_window(collects_from: datetime | None, collects_until: datetime | None) -> None:
    if collects_from is not None and collects_until is not None and collects_until <= collects_from:
        raise Invalid("征集截止须晚于征集开始。", fields={"collects_until": "须晚于征集开始"})


def edit(
    batch: Batch,
    *,
    theme: str,
    call_text: str,
    collects_from: datetime | None,
    collects_until: datetime | None,
    document_number: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what the batch says about itself, before it is posted."""
    _check_window(collects_from, collects_until)
    perform(MACHINE, batch, BatchAction.EDIT, actor=actor, now=now)
    batch.theme, batch.call_text, batch.document_number = theme, call_text, document_number
    batch.collects_from, batch.collects_until = collects_from, collects_until
    db.session.flush()


def invite(batch: Batch, units: Iterable[Organisation], *, actor: Actor, now: datetime) -> None:
    """Replace the list of invited units; each unit's people are told through the outbox (``batch.collect``)."""
    require("batch.manage", actor, batch, now)
    wanted = {unit.id: unit for unit in units}
    kept = [item for item in batch.invitations if item.organisation_id in wanted]
    known = {item.organisation_id for item in kept}
    batch.invitations = kept + [BatchInvitation(organisation=unit) for key, unit in wanted.items() if key not in known]
    db.session.flush()


def collect(batch: Batch, *, actor: Actor, now: datetime) -> None:
    """Open the public call. Refused without a window that ends in the future."""
    if batch.collects_from is None or batch.collects_until is None or batch.collects_until <= now:
        raise Refused("发布征集前请先填写征集起止时间，且截止时间须在现在之后。")
    perform(MACHINE, batch, BatchAction.COLLECT, actor=actor, now=now)


def assemble(batch: Batch, *, actor: Actor, now: datetime) -> None:
    """End the collecting and begin to choose from the pool."""
    perform(MACHINE, batch, BatchAction.ASSEMBLE, actor=actor, now=now)


def post(batch: Batch, *, visible_from: datetime, document_number: str, actor: Actor, now: datetime) -> None:
    """Fix the batch; from ``visible_from`` on the public sees it by the clock alone."""
    batch.visible_from = visible_from
    batch.document_number = document_number or batch.document_number
    perform(
        MACHINE,
        batch,
        BatchAction.POST,
        actor=actor,
        now=now,
        facts={"code": batch.code, "visible_from": audit.timestamp(visible_from)},
    )


def call_back(batch: Batch, *, reason: str, actor: Actor, now: datetime) -> None:
    """Back to assembling, before anybody could see it."""
    perform(MACHINE, batch, BatchAction.CALL_BACK, actor=actor, now=now, reason=reason)
    batch.visible_from = None
    db.session.flush()
