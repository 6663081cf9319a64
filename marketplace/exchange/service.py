"""What an officer does with an uploaded list: read, correct, match units, merge, refuse, confirm, give up.

The only writer of ``import_batch`` and ``import_row``. Confirming creates every draft of the list in one transaction:
nothing is ever half imported.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.demands import service as demands
from marketplace.demands.clocks import FLOORS
from marketplace.demands.content import DemandContent, ScoreSheet
from marketplace.demands.models import Demand
from marketplace.demands.score_sheets import default_sheet
from marketplace.demands.similarity import title_key
from marketplace.exchange import queries
from marketplace.exchange.models import ImportBatch, ImportRow
from marketplace.exchange.reading import ListUnreadable, Message, Report, Row, read_list, reread
from marketplace.exchange.reading.report import Values
from marketplace.exchange.rules import MAX_REASON, OUTCOME_LABELS, ImportState, Outcome, why_not_creatable
from marketplace.platform import audit
from marketplace.platform.errors import Conflict, Invalid, Refused
from marketplace.platform.files import Stored
from marketplace.platform.files.storage import Storage, read
from marketplace.platform.policy import Actor, require
from marketplace.platform.working_days import beijing_day

_NOTE_LIMIT = 100  # of a demand's budget note
_MERGEABLE = ("need", "background", "goal", "budget_wan", "deadline", "contact_name", "contact_phone", "place")


# --- reading -------------------------------------------------------------------------------------------------------


def upload(stored: Stored, *, name: str, batch_id: int | None, actor: Actor, now: datetime) -> ImportBatch:
    """A list whose bytes are stored already; it is read in the background (``read_waiting``)."""
    require("import.upload", actor, None, now)
    source = ImportBatch(
        key=secrets.token_hex(6),
        name=name[:120],
        sha256=stored.sha256,
        size=stored.size,
        state=ImportState.READING,
        batch_id=batch_id,
        created_at=now,
        created_by_id=actor.id,
    )
    db.session.add(source)
    db.session.flush()
    facts = {"sha256": stored.sha256, "size": stored.size}
    audit.append("import.upload", subject=source.audit_subject, actor=actor, at=now, facts=facts)
    return source


def read_waiting(storage: Storage, now: datetime) -> int:
    """Read every list that waits; returns how many. Opens its own transactions: the parsing itself holds none, so that
    nobody waits for it, and the progress is seen while it grows. A list read twice is written once.
    """
    db.reads_only(True)  # asked every second: it must not take the writer's place
    try:
        waiting = queries.waiting()
    finally:
        db.session.remove()
        db.reads_only(False)
    for key in waiting:
        _read_one(storage, key, now)
    return len(waiting)


def _read_one(storage: Storage, key: int, now: datetime) -> None:
    with db.transaction() as session:
        source = session.get(ImportBatch, key)
        if source is None or source.state is not ImportState.READING:
            return
        name, sha256 = source.name, source.sha256
        known = queries.existing()

    def progress(done: int, total: int) -> None:
        if done % 500 == 0:
            with db.transaction() as session:
                session.execute(
                    update(ImportBatch)
                    .where(ImportBatch.id == key, ImportBatch.state == ImportState.READING)
                    .values(done_rows=done, total_rows=total)
                    .execution_options(synchronize_session=False)
                )

    report: Report | None = None
    problem = ""
    try:
        report = read_list(read(storage, sha256), name, today=beijing_day(now), existing=known, progress=progress)
    except ListUnreadable as error:
        problem = str(error)
    with db.transaction() as session:
        source = session.get(ImportBatch, key, with_for_update=True)
        if source is None or source.state is not ImportState.READING:
            return
        if report is None:
            source.state, source.problem = ImportState.UNREADABLE, problem
        else:
            write_report(source, report)


def write_report(source: ImportBatch, report: Report) -> None:
    """The report as rows, each matched to a unit by its name; the list is open from here on."""
    index = queries.unit_index(queries.posting_units())
    for position, row in enumerate(report.rows, start=1):
        found = ImportRow(import_id=source.id, position=position, sheet=row.sheet, row_number=row.row)
        found.unit_id = index.get(title_key(row.values.unit))
        _write(found, row)
        db.session.add(found)
    source.skipped = [
        {"sheet": item.sheet, "row": item.row, "reason": item.reason, "text": item.text} for item in report.skipped
    ]
    source.notes = list(report.notes)
    source.done_rows = source.total_rows = len(report.rows)
    source.state = ImportState.OPEN
    db.session.flush()


def _write(found: ImportRow, row: Row) -> None:
    data = row.as_json()
    found.status, found.values, found.messages = data["status"], data["values"], data["messages"]
    found.raw, found.cells, found.duplicate_of = data["raw"], dict(row.cells), row.duplicate_of
    found.title, found.unit_name = row.values.title[:200], row.values.unit[:200]


def understood(row: ImportRow) -> Row:
    """The stored row as the reader's own."""
    messages = [Message(item["cell"], item["code"], item["text"], item["level"]) for item in row.messages]
    values = Values.from_json(row.values)
    return Row(row.sheet, row.row_number, values, messages, dict(row.raw), dict(row.cells), row.duplicate_of)


# --- deciding rows -------------------------------------------------------------------------------------------------


def _require_pending(row: ImportRow, actor: Actor, now: datetime) -> None:
    require("import.decide", actor, row, now)
    if row.outcome is not Outcome.PENDING:
        raise Refused("这一行已经处理过了。要改的话，请先恢复为待导入。")


def correct(row: ImportRow, changes: Mapping[str, str], *, unit_id: int | None, actor: Actor, now: datetime) -> None:
    """What the officer typed over the fields of a row; amounts without a unit are 万元. The row is judged anew."""
    _require_pending(row, actor, now)
    if changes:
        mended = reread(understood(row), changes, today=beijing_day(now))
        mended.duplicate_of = ""
        twin = _twin(row, mended)
        if twin:
            mended.duplicate_of = twin
            text = f"与 {twin} 是同一单位的同名需求"
            mended.messages.append(Message(mended.cells.get("title", ""), "duplicate", text, "duplicate"))
        _write(row, mended)
        row.kept = row.kept and bool(twin)
        row.corrected_at = now
    row.unit_id = unit_id
    _log("import.correct", row, actor, now, fields=sorted(changes))


def _twin(row: ImportRow, mended: Row) -> str:
    """Where the corrected title and unit stand already: on the site, or earlier in the same list."""
    title, unit = title_key(mended.values.title), title_key(mended.values.unit)
    if not title:
        return ""
    for known in queries.existing().get(title, ()):
        if title_key(known.unit) == unit:
            return known.reference
    others = db.session.scalars(
        select(ImportRow)
        .where(
            ImportRow.import_id == row.import_id,
            ImportRow.position < row.position,
            ImportRow.outcome != Outcome.REFUSED,
        )
        .order_by(ImportRow.position)
    )
    return next((o.place for o in others if (title_key(o.title), title_key(o.unit_name)) == (title, unit)), "")


def match_units(source: ImportBatch, units: Mapping[str, int], *, actor: Actor, now: datetime) -> int:
    """Name in the list → unit on the site, for all pending rows of that name; returns how many rows it settled."""
    require("import.decide", actor, source, now)
    rows = db.session.scalars(
        select(ImportRow).where(
            ImportRow.import_id == source.id,
            ImportRow.outcome == Outcome.PENDING,
            ImportRow.unit_id.is_(None),
            ImportRow.unit_name.in_(units),
        )
    ).all()
    allowed = {unit.id for unit in queries.posting_units()}
    for row in rows:
        if units[row.unit_name] not in allowed:
            raise Invalid("所选单位不能作为需求单位，请重新选择。")
        row.unit_id = units[row.unit_name]
    audit.append("import.match_units", subject=source.audit_subject, actor=actor, at=now, facts={"rows": len(rows)})
    db.session.flush()
    return len(rows)


def keep(row: ImportRow, *, actor: Actor, now: datetime) -> None:
    """The officer compared: this is no duplicate and shall become a draft."""
    _require_pending(row, actor, now)
    if row.status != "duplicate":
        raise Refused("这一行没有被标为重复。")
    row.kept = True
    _log("import.keep", row, actor, now)


def merge(row: ImportRow, *, actor: Actor, now: datetime) -> None:
    """Into what it duplicates. An earlier row of the same list takes over what it did not say itself; a demand that
    stands on the site is left as it is.
    """
    _require_pending(row, actor, now)
    if not row.duplicate_of:
        raise Refused("没有找到与这一行重复的需求，不能合并。")
    target = queries.row_at(row.source, row.duplicate_of)
    if target is not None:
        if target.outcome in (Outcome.MERGED, Outcome.REFUSED):
            raise Refused(f"与它重复的第 {target.row_number} 行本身{OUTCOME_LABELS[target.outcome]}，请先恢复那一行。")
        row.merged_row_id = target.id
        if target.outcome is Outcome.PENDING:
            _take_over(target, row)
    else:
        demand = queries.demand_by_reference(row.duplicate_of)
        if demand is None:
            raise Refused("与它重复的需求已经不在了，请确认不是重复后导入。")
        row.merged_demand_id = demand.id
    _decide(row, Outcome.MERGED, actor, now)


def _take_over(target: ImportRow, row: ImportRow) -> None:
    """Fill only what the target does not say; each taking is a message on it."""
    mine, theirs = understood(row).values, understood(target)
    taken = {
        name: getattr(mine, name) for name in _MERGEABLE if not getattr(theirs.values, name) and getattr(mine, name)
    }
    if not taken:
        return
    theirs.values = replace(theirs.values, **taken)
    text = f"从 {row.place} 合并时补入：{'、'.join(sorted(taken))}"
    theirs.messages.append(Message("", "merge.filled", text, "info"))
    _write(target, theirs)


def refuse(rows: Sequence[ImportRow], *, reason: str, actor: Actor, now: datetime) -> None:
    """Not to be imported, with the reason that stays on record."""
    reason = reason.strip()
    if not reason:
        raise Invalid("请写明不予导入的理由。", fields={"reason": "请写明理由"})
    if len(reason) > MAX_REASON:
        raise Invalid(f"理由最多 {MAX_REASON} 字。", fields={"reason": f"最多 {MAX_REASON} 字"})
    for row in rows:
        _require_pending(row, actor, now)
        if db.session.scalar(select(ImportRow.id).where(ImportRow.merged_row_id == row.id).limit(1)):
            raise Refused(f"第 {row.row_number} 行并入了别的行，不予导入会把那些行也丢掉。请先恢复合并进来的行。")
        row.reason = reason
        _decide(row, Outcome.REFUSED, actor, now)


def restore(row: ImportRow, *, actor: Actor, now: datetime) -> None:
    """Back to pending, as long as the list is open."""
    require("import.decide", actor, row, now)
    if row.outcome is Outcome.PENDING:
        raise Refused("这一行本来就待导入。")
    row.merged_row_id = row.merged_demand_id = None
    row.reason = ""
    row.outcome, row.decided_at, row.decided_by_id = Outcome.PENDING, None, None
    _log("import.restore", row, actor, now)


def _decide(row: ImportRow, outcome: Outcome, actor: Actor, now: datetime) -> None:
    row.outcome, row.decided_at, row.decided_by_id = outcome, now, actor.id
    _log(f"import.{outcome}", row, actor, now)


def _log(kind: str, row: ImportRow, actor: Actor, now: datetime, **facts: Any) -> None:
    facts = {"row": row.position, **facts}
    audit.append(
        kind, subject=row.source.audit_subject, actor=actor, at=now, facts=facts, details={"reason": row.reason}
    )
    db.session.flush()


# --- the whole list ------------------------------------------------------------------------------------------------


def confirm(source: ImportBatch, *, actor: Actor, now: datetime) -> list[Demand]:
    """Create a draft for every pending row, all or none. Refused while any row stands undecided."""
    require("import.decide", actor, source, now)
    locked = db.session.get(ImportBatch, source.id, with_for_update=True, populate_existing=True)
    assert locked is not None
    require("import.decide", actor, locked, now)
    rows = list(db.session.scalars(queries.to_create(locked)))
    pending = [row for row in rows if row.outcome is Outcome.PENDING]
    for row in pending:
        problem = why_not_creatable(row.effective_status, has_unit=row.unit_id is not None)
        if problem is not None:
            raise Refused(f"第 {row.row_number} 行还不能导入：{problem}")
    units = {unit.id: unit for unit in db.session.scalars(queries.units(row.unit_id for row in pending))}
    drafts = []
    for row in pending:
        assert row.unit_id is not None
        unit = units[row.unit_id]
        drafts.append((unit, content_of(Values.from_json(row.values), unit=unit)))
    created = demands.create_all(drafts, actor=actor, now=now, origin_kind="import", batch_id=locked.batch_id)
    locked.state, locked.finished_at, locked.finished_by_id = ImportState.DONE, now, actor.id
    ends = Counter(str(Outcome.CREATED if row.outcome is Outcome.PENDING else row.outcome) for row in rows)
    audit.append("import.confirm", subject=locked.audit_subject, actor=actor, at=now, facts=ends)
    _mark_created(pending, created, actor=actor, now=now)
    db.session.flush()
    return created


def _mark_created(rows: Sequence[ImportRow], drafts: Sequence[Demand], *, actor: Actor, now: datetime) -> None:
    """One prepared statement for all rows: the unit of work would send one for each, as rows refer to rows."""
    if not rows:
        return
    table = cast(Table, ImportRow.__table__)
    statement = (
        update(table)
        .where(table.c.id == bindparam("row"), table.c.version == bindparam("seen"))
        .values(
            outcome=Outcome.CREATED,
            demand_id=bindparam("draft"),
            decided_at=now,
            decided_by_id=actor.id,
            version=table.c.version + 1,
        )
    )
    pairs = [{"row": row.id, "seen": row.version, "draft": draft.id} for row, draft in zip(rows, drafts, strict=True)]
    for row in rows:
        db.session.expire(row)
    if db.session.connection().execute(statement, pairs).rowcount != len(rows):
        raise Conflict("这份清单刚被别人改过，什么也没有导入。请刷新页面，看过之后再确认。")


def cancel(source: ImportBatch, *, actor: Actor, now: datetime) -> None:
    """Give the whole list up: no draft is made, the file and the report stay on record."""
    require("import.cancel", actor, source, now)
    source.state, source.finished_at, source.finished_by_id = ImportState.CANCELLED, now, actor.id
    audit.append("import.cancel", subject=source.audit_subject, actor=actor, at=now)
    db.session.flush()


def content_of(values: Values, *, unit: Organisation) -> DemandContent:
    """A draft from what the row said; what has no field of its own is kept in the text, where its unit will see it."""
    background = values.background
    if title_key(values.unit) not in (title_key(unit.name), title_key(unit.short_name)):
        background = f"报送单位：{values.unit}。\n{background}".strip()
    parts = [values.need]
    if values.indicators:
        parts.append(f"指标要求：{values.indicators}")
    parts += [f"{header}：{text}" for header, text in values.extra]
    if values.remark:
        parts.append(f"报送备注：{values.remark}")
    if values.deadline is None and values.deadline_note:
        parts.append(f"报送时间：{values.deadline_note}")
    sheet = default_sheet(values.direction, values.mode) if values.direction and values.mode else ScoreSheet()
    return DemandContent(
        title=values.title,
        kind=values.kind or "application",
        direction=values.direction or "",
        industries=values.industries,
        place=values.place,
        background=background,
        goal=values.goal,
        content="\n".join(part for part in parts if part),
        mode=values.mode or "",
        budget_fen=values.budget_fen,
        budget_note=values.budget_note[:_NOTE_LIMIT],
        funds_source=values.funds_source,
        period_months=values.period_months,
        deliver_by=values.deadline,
        min_bids=FLOORS[values.mode].min_bids if values.mode else 1,
        score_sheet=sheet,
        contact_name=values.contact_name,
        contact_phone=values.contact_phone,
        contact_email=values.contact_email,
    )
