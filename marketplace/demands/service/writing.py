"""What a unit does: write, save, submit, recall, drop, clone; and what anybody does: follow."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.demands import content as said
from marketplace.demands.content import DemandContent
from marketplace.demands.models import Demand, DemandFile, DemandFollow, DemandIndustry
from marketplace.demands.queries import Checker
from marketplace.demands.rules import ACTION_LABELS, STATE_LABELS, TABLE, Action, State
from marketplace.demands.score_sheets import default_sheet
from marketplace.demands.validity import Fault, faults
from marketplace.platform import audit
from marketplace.platform.errors import Conflict, Invalid, Sentence
from marketplace.platform.files import Stored
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import Machine, perform
from marketplace.platform.working_days import beijing_day
from marketplace.settings import queries as settings

MACHINE = Machine(
    "demand",
    TABLE,
    {state: Sentence(label) for state, label in STATE_LABELS.items()},
    {action: Sentence(label) for action, label in ACTION_LABELS.items()},
)
SUMMARY_LENGTH = 120


def new_key() -> str:
    """A random address for what has no number yet."""
    return secrets.token_hex(6)


def write_content(demand: Demand, content: DemandContent, *, now: datetime, checker: Checker | None = None) -> None:
    """Store the content and the columns that lists filter and sort by."""
    demand.content = said.to_json(content)
    demand.title, demand.kind = content.title[:60], content.kind
    demand.summary = content.goal[:SUMMARY_LENGTH]
    demand.direction, demand.mode = content.direction, content.mode
    demand.budget_fen, demand.deliver_by = content.budget_fen, content.deliver_by
    known = {item.code: item for item in demand.industries} if demand.id is not None else {}
    demand.industries = [
        known.get(code) or DemandIndustry(code=code, position=position)
        for position, code in enumerate(dict.fromkeys(content.industries))
    ]
    demand.quality = (checker or Checker(now))(content, demand).score
    demand.updated_at = now


def create(
    *,
    unit: Organisation,
    content: DemandContent,
    actor: Actor,
    now: datetime,
    origin: Demand | None = None,
    origin_kind: str = "",
    batch_id: int | None = None,
) -> Demand:
    """A new draft of ``unit``. Imported and re-published drafts have no drafter: the unit adopts them by editing."""
    origin_id = origin.id if origin is not None else None
    drafts = [(unit, content)]
    return create_all(drafts, actor=actor, now=now, origin_id=origin_id, origin_kind=origin_kind, batch_id=batch_id)[0]


def create_all(
    drafts: Sequence[tuple[Organisation, DemandContent]],
    *,
    actor: Actor,
    now: datetime,
    origin_id: int | None = None,
    origin_kind: str = "",
    batch_id: int | None = None,
) -> list[Demand]:
    """Several drafts in one flush: a list of thousands is imported in seconds."""
    demands, checker = [], Checker(now)
    for unit, content in drafts:
        demand = Demand(
            key=new_key(),
            unit_id=unit.id,
            state=State.DRAFT,
            drafter_id=actor.id if unit.id in actor.organisations("drafter", "approver") else None,
            origin_id=origin_id,
            origin_kind=origin_kind,
            batch_id=batch_id,
            created_at=now,
        )
        write_content(demand, content, now=now, checker=checker)
        demands.append(demand)
    db.session.add_all(demands)
    db.session.flush()
    for demand in demands:
        facts = {"unit": demand.unit_id, "origin": origin_kind}
        audit.append("demand.create", subject=demand.audit_subject, actor=actor, at=now, facts=facts)
    return demands


def save(demand: Demand, content: DemandContent, *, seen_version: int, actor: Actor, now: datetime) -> None:
    """Save what was typed, complete or not. ``seen_version`` is the lock version the editor started from.

    Raises ``Conflict`` when somebody saved in between: nothing is overwritten silently.
    """
    require("demand.edit", actor, demand, now)
    if seen_version != demand.lock_version:
        raise Conflict("这条需求在您填写期间已被别人保存过。您填写的内容仍在下面，请对照后再保存。")
    if demand.drafter_id is None:
        demand.drafter_id = actor.id
    write_content(demand, content, now=now)
    audit.append("demand.save", subject=demand.audit_subject, actor=actor, at=now)
    db.session.flush()


def current_faults(demand: Demand, *, now: datetime) -> list[Fault]:
    """What still keeps this demand from being submitted."""
    content = demand.said
    return faults(content, clocks=settings.mode_clocks().get(content.mode), today=beijing_day(now))


def submit(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """Hand in for screening. Refused (422, by field) while anything required is missing."""
    missing = current_faults(demand, now=now)
    if missing:
        raise Invalid(
            f"还有 {len(missing)} 处需要补充，改好后才能提交：{missing[0].sentence}",
            fields={fault.field: fault.sentence for fault in reversed(missing)},
        )
    perform(MACHINE, demand, Action.SUBMIT, actor=actor, now=now, facts={"round": demand.round})
    demand.submitted_at, demand.submitter_id = now, actor.id
    demand.screening_begun_at = None
    demand.lookalikes_resolved_at = None
    db.session.flush()


def recall(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """Take it back before the screener has begun."""
    perform(MACHINE, demand, Action.RECALL, actor=actor, now=now)
    demand.submitted_at = None
    db.session.flush()


def drop(demand: Demand, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give the demand up, with a reason that stays on record."""
    if not reason.strip():
        raise Invalid("请写明作罢的原因。", fields={"reason": "请写明原因"})
    perform(MACHINE, demand, Action.DROP, actor=actor, now=now, reason=reason)
    demand.ended_at = now
    db.session.flush()


def clone(demand: Demand, *, unit: Organisation, actor: Actor, now: datetime) -> Demand:
    """A fresh draft with the same words; contact and dates are left to be filled anew."""
    require("demand.clone", actor, demand, now)
    content = dataclasses.replace(demand.said, deliver_by=None, procurement_number="", procurement_url="")
    if not content.score_sheet.criteria and content.direction and content.mode:
        content = dataclasses.replace(content, score_sheet=default_sheet(content.direction, content.mode))
    return create(unit=unit, content=content, actor=actor, now=now, origin=demand, origin_kind="clone")


def attach(
    demand: Demand,
    stored: Stored,
    *,
    name: str,
    media_type: str,
    role: str = "attachment",
    public: bool = True,
    actor: Actor,
    now: datetime,
) -> DemandFile:
    """Add a stored file. ``role``: attachment, fair_competition or secrecy (the latter two never public)."""
    require("demand.edit" if role == "attachment" else "demand.pool", actor, demand, now)
    file = DemandFile(
        key=new_key(),
        demand=demand,
        name=name,
        sha256=stored.sha256,
        size=stored.size,
        media_type=media_type,
        role=role,
        public=public and role == "attachment",
        added_at=now,
        added_by_id=actor.id,
    )
    db.session.add(file)
    db.session.flush()
    audit.append("demand.attach", subject=demand.audit_subject, actor=actor, at=now, facts={"sha256": stored.sha256})
    return file


def remove_file(file: DemandFile, *, actor: Actor, now: datetime) -> None:
    """Take a file off the demand; its row and bytes stay for the record."""
    require("demand.edit", actor, file.demand, now)
    file.removed_at = now
    audit.append("demand.remove_file", subject=file.demand.audit_subject, actor=actor, at=now)


def follow(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """Be told about changes, answers and the deadline. Following twice is following."""
    require("demand.follow", actor, demand, now)
    if db.session.get(DemandFollow, (demand.id, actor.id)) is None:
        db.session.add(DemandFollow(demand_id=demand.id, user_id=actor.id, followed_at=now))
        db.session.flush()


def unfollow(demand: Demand, *, actor: Actor, now: datetime) -> None:
    """Stop being told."""
    require("demand.follow", actor, demand, now)
    db.session.execute(
        delete(DemandFollow).where(DemandFollow.demand_id == demand.id, DemandFollow.user_id == actor.id)
    )
