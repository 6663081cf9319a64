"""Publishing and everything after it that changes what the public was promised."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
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
from marketplace.demands.content import DemandContent, diff, fingerprint
from marketplace.demands.models import Demand, DemandCustodian, DemandProposal, DemandVersion
from marketplace.demands.rules import CUSTODY, FROZEN_FIELDS, SECOND_PERSON, Action, State
from marketplace.demands.score_sheets import validate_sheet
from marketplace.demands.service.writing import MACHINE, create, write_content
from marketplace.demands.validity import LABELS, faults
from marketplace.platform import audit, outbox
from marketplace.platform.clock import decided_at
from marketplace.platform.errors import Forbidden, Invalid, Refused
from marketplace.platform.formatting import masked_phone
from marketplace.platform.policy import SYSTEM, Actor, require
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


def _write_version(
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
        version = _write_version(demand, content, changes=[], reason="", actor=actor, now=visible_from)
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
    _note_log_place(version, leaf)
    return version


def _note_log_place(version: DemandVersion, leaf: audit.Leaf) -> None:
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


def _lock(demand: Demand) -> datetime:
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
    at = _lock(demand)
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
    version = _write_version(demand, content, changes=changes, reason=reason, actor=actor, now=at)
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
    _note_log_place(version, leaf)
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
    at = _lock(demand)
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
    at = _lock(demand)
    perform(MACHINE, demand, Action.SUSPEND, actor=actor, now=at, reason=reason)
    demand.suspended_at = demand.updated_at = at
    db.session.flush()


def resume(demand: Demand, *, reason: str = "", actor: Actor, now: datetime) -> None:
    """Go on: the deadline becomes the old one plus the pause, rounded up to 17:00 of a working day."""
    at = _lock(demand)
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
    at = _lock(demand)
    perform(MACHINE, demand, Action.WITHDRAW, actor=actor, now=at, reason=reason)
    demand.ended_at = demand.updated_at = at
    db.session.flush()


def lapse(demand: Demand, *, actor: Actor, now: datetime, code: str = "too_few_bids", reason: str = "") -> None:
    """End it without an award. By the system: fewer live bids than the minimum; nobody learns more than "fewer"."""
    at = _lock(demand)
    perform(MACHINE, demand, Action.LAPSE, actor=actor, now=at, reason=reason, facts={"code": code})
    demand.ended_at = demand.updated_at = at
    db.session.flush()
    for hook in _lapsed:
        hook(demand, actor, at)


def note_release(demand: Demand, *, now: datetime) -> None:
    """Enough custodians have released: the demand can no longer be withdrawn. Written by the opening alone."""
    demand.released_at = demand.updated_at = now
    db.session.flush()


def mark_opened(demand: Demand, *, facts: Mapping[str, Any], now: datetime) -> audit.Leaf:
    """Every bid is opened or found unopenable; the bidders may read the record. By the system alone."""
    leaf = perform(MACHINE, demand, Action.OPEN, actor=SYSTEM, now=now, facts=facts)
    demand.updated_at = now
    db.session.flush()
    return leaf


def mark_prices_opened(demand: Demand, *, facts: Mapping[str, Any], now: datetime) -> audit.Leaf:
    """Two-step: the price envelopes of the eligible bids are open. By the system alone."""
    leaf = perform(MACHINE, demand, Action.OPEN_PRICES, actor=SYSTEM, now=now, facts=facts)
    demand.updated_at = now
    db.session.flush()
    return leaf


def propose(
    demand: Demand, action: Action, *, reason: str, actor: Actor, now: datetime, payload: dict[str, Any] | None = None
) -> DemandProposal:
    """Propose an act that needs a second person. One open proposal at a time; its confirmers are told."""
    require("demand.propose", actor, demand, now)
    if action not in SECOND_PERSON:
        raise Refused("这一步不需要第二人确认，可以直接办理。")
    MACHINE.advance(demand.state, action)
    if not reason.strip():
        raise Invalid("请写明理由。", fields={"reason": "请写明理由"})
    if demand.open_proposal is not None:
        raise Refused("已有一项提议在等待确认，请先处理它。")
    proposal = DemandProposal(
        demand=demand, action=action, reason=reason, payload=payload or {}, proposed_by_id=actor.id, proposed_at=now
    )
    db.session.add(proposal)
    db.session.flush()
    audit.append(
        "demand.propose",
        subject=demand.audit_subject,
        actor=actor,
        at=now,
        facts={"action": str(action)},
        details={"reason": reason},
    )
    outbox.emit("demand.propose", {"subject": demand.audit_subject, "action": str(action)}, at=now)
    return proposal


Carrier = Callable[[DemandProposal, Actor, datetime], None]
Ended = Callable[[Demand, Actor, datetime], None]
_carried: dict[Action, tuple[Carrier, Carrier | None]] = {}
_lapsed: list[Ended] = []


def carry_out(action: Action, confirm: Carrier, *, refuse: Carrier | None = None) -> None:
    """Say which verb of a later feature a confirmed proposal of this action runs, and which one a refused one."""
    _carried[action] = (confirm, refuse)


def when_lapsed(hook: Ended) -> None:
    """Say what a later feature does in the same transaction when a demand lapses. Said twice is said once."""
    if hook not in _lapsed:
        _lapsed.append(hook)


def may_be_confirmed(action: Action) -> bool:
    """Whether the second person's page can carry this act out."""
    return action in (Action.WITHDRAW, Action.LAPSE) or action in _carried


def confirm(proposal: DemandProposal, *, actor: Actor, now: datetime) -> DemandProposal:
    """The second person's yes; the act itself follows at once.

    Acts of later features (announce, award …) are carried out by the verbs they named with ``carry_out``.
    """
    demand = proposal.demand
    if proposal.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    if proposal.action is Action.WITHDRAW:
        withdraw(demand, reason=proposal.reason, actor=actor, now=now)
    elif proposal.action is Action.LAPSE:
        code = str(proposal.payload.get("code", "decided"))
        lapse(demand, actor=actor, now=now, code=code, reason=proposal.reason)
    elif proposal.action in _carried:
        _carried[proposal.action][0](proposal, actor, now)
    else:
        raise Refused("这项提议须在对应的办理页面确认。")
    close_proposal(proposal, confirmed=True, actor=actor, now=now)
    return proposal


def close_proposal(proposal: DemandProposal, *, confirmed: bool, actor: Actor, now: datetime) -> None:
    """Write the second person's decision."""
    proposal.decided_by_id, proposal.decided_at, proposal.confirmed = actor.id, now, confirmed
    db.session.flush()


def refuse_proposal(proposal: DemandProposal, *, reason: str, actor: Actor, now: datetime) -> None:
    """The second person says no; the proposer is told why."""
    if proposal.decided_at is not None:
        raise Refused("这项提议已经处理过。")
    if proposal.proposed_by_id == actor.id or not actor.has(*SECOND_PERSON[proposal.action]):
        raise Forbidden("这项提议须由有权的第二人处理，提出人不能自己处理。")
    refused = _carried.get(proposal.action, (None, None))[1]
    if refused is not None:
        refused(proposal, actor, now)
    close_proposal(proposal, confirmed=False, actor=actor, now=now)
    audit.append(
        "demand.refuse_proposal",
        subject=proposal.demand.audit_subject,
        actor=actor,
        at=now,
        facts={"action": str(proposal.action)},
        details={"reason": reason},
    )


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
