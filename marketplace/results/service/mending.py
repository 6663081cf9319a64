"""Corrections after locking: only the four errors of 政府采购法实施条例 §44, by chair and supervisor, as a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from marketplace import db
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import perform
from marketplace.results import queries
from marketplace.results.models import Mend
from marketplace.results.rules import Cause
from marketplace.results.service.ranking import compute, hold
from marketplace.scoring.models import Sheet, SheetVersion, entry_json, entry_of
from marketplace.scoring.rules.sheets import (
    MEND_LABELS,
    MendReason,
    SheetAction,
    gaps,
    has_words,
    score_error,
    typed,
)
from marketplace.scoring.service.sheets import MACHINE


def propose_mend(
    sheet: Sheet, *, scores: Mapping[str, Decimal], code: str, reason: str, actor: Actor, now: datetime
) -> Mend:
    """The chair proposes other figures for some criteria of a locked sheet. Log: ``sheet.propose_mend``."""
    hold(sheet.demand)
    MACHINE.advance(sheet.state, SheetAction.MEND)
    require("sheet.propose_mend", actor, sheet, now)
    if code not in set(MendReason):
        raise Invalid("请选择更正的原因：只有四类错误可以更正。", fields={"code": "请选择原因"})
    if not has_words(reason):
        raise Invalid("请写明错在哪里、依据是什么。", fields={"reason": "请写明理由，不少于5个字。"})
    content = sheet.demand.said
    before = sheet.entry
    keys = {item.key: item for item in typed(content.score_sheet)}
    faults = {f"score-{key}": fault for key, score in scores.items() if (fault := score_error(score, keys[key]))}
    if faults:
        raise Invalid(next(iter(faults.values())), fields=faults)
    after = replace(before, scores={**before.scores, **scores})
    if after == before:
        raise Refused("没有任何改动，不需要更正。")
    if open_mend(sheet.id) is not None:
        raise Refused("这份评分表已有一项更正在等监督员会签。")
    row = Mend(
        sheet=sheet,
        code=MendReason(code),
        reason=reason.strip(),
        before=entry_json(before),
        after=entry_json(after),
        proposed_by_id=actor.id,
        proposed_at=now,
    )
    db.session.add(row)
    sheet.mend_proposed_by_id = actor.id
    db.session.flush()
    facts = {"demand_id": sheet.demand_id, "code": code, "criteria": sorted(scores)}
    audit.append(
        "sheet.propose_mend",
        subject=sheet.audit_subject,
        actor=actor,
        at=now,
        facts=facts,
        details={"reason": row.reason},
    )
    outbox.emit("sheet.propose_mend", {"subject": sheet.audit_subject, **facts}, at=now)
    return row


def open_mend(sheet_id: int) -> Mend | None:
    return db.session.scalar(select(Mend).where(Mend.sheet_id == sheet_id, Mend.decided_at.is_(None)))


def decide_mend(row: Mend, *, agreed: bool, reason: str = "", actor: Actor, now: datetime) -> None:
    """The supervisor countersigns, which writes a new version of the sheet and of the ranking, or refuses with a reason."""
    sheet = row.sheet
    hold(sheet.demand)
    if row.decided_at is not None:
        raise Refused("这项更正已经处理过。")
    require("sheet.mend", actor, sheet, now)
    if not agreed and not has_words(reason):
        raise Invalid("请写明不同意的理由。", fields={"reason": "请写明理由，不少于5个字。"})
    row.decided_by_id, row.decided_at, row.confirmed = actor.id, now, agreed
    if not agreed:
        sheet.mend_proposed_by_id = None
        audit.append(
            "sheet.refuse_mend",
            subject=sheet.audit_subject,
            actor=actor,
            at=now,
            facts={"demand_id": sheet.demand_id, "code": str(row.code)},
            details={"reason": reason.strip()},
        )
        db.session.flush()
        return
    content = sheet.demand.said
    entry = entry_of(row.after)
    if row.code is MendReason.OUT_OF_RANGE and gaps(content.score_sheet, content.indicators, entry):
        raise Refused("更正后的评分表不完整，不能生效。")
    facts = {"demand_id": sheet.demand_id, "code": str(row.code), "label": MEND_LABELS[row.code]}
    perform(MACHINE, sheet, SheetAction.MEND, actor=actor, now=now, reason=row.reason, facts=facts)
    sheet.content = dict(row.after)
    sheet.mend_proposed_by_id = None
    number = db.session.scalar(select(func.count()).where(SheetVersion.sheet_id == sheet.id)) or 0
    db.session.add(
        SheetVersion(
            sheet_id=sheet.id,
            number=number + 1,
            kind="mend",
            content=dict(row.after),
            code=str(row.code),
            reason=row.reason,
            at=now,
            by_id=row.proposed_by_id,
            second_id=actor.id,
        )
    )
    db.session.flush()
    if queries.latest(sheet.demand_id) is not None and queries.is_locked(sheet.demand_id):
        compute(sheet.demand, cause=Cause.CORRECTED, actor=actor, now=now, note=row.reason)
