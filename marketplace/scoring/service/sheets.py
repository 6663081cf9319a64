"""Saving, handing in, the dispersion check, confirming or correcting once, locking (product.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.demands.content import DemandContent, fingerprint
from marketplace.demands.models import Demand
from marketplace.panels.models import PanelSeat
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Conflict, Invalid
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.workflow import Machine, perform
from marketplace.scoring import queries
from marketplace.scoring.models import Sheet, SheetVersion, entry_json
from marketplace.scoring.rules import dispersion
from marketplace.scoring.rules.sheets import (
    ACTION_LABELS,
    STATE_LABELS,
    TABLE,
    Entry,
    SheetAction,
    SheetState,
    changed_elsewhere,
    gaps,
    has_words,
    may_close,
    missing,
    score_error,
    typed,
)

MACHINE = Machine("sheet", TABLE, STATE_LABELS, ACTION_LABELS)
DONE = (SheetState.HANDED_IN, SheetState.FLAGGED, SheetState.CONFIRMED, SheetState.CORRECTED, SheetState.LOCKED)
REASON_MISSING = "请写明理由，不少于5个字。"


def make_sheets(seat: PanelSeat, bid_ids: Iterable[int], *, content: DemandContent) -> None:
    """An empty sheet for every bid the member has none for: at the start of the review, or when he joins later."""
    number = seat.panel.review_round
    known = set(db.session.scalars(select(Sheet.bid_id).where(Sheet.seat_id == seat.id, Sheet.round == number)))
    empty = Entry(proofs=(None,) * len(content.indicators))
    count = len(gaps(content.score_sheet, content.indicators, empty))
    db.session.add_all(
        Sheet(
            demand_id=seat.panel.demand_id,
            bid_id=bid_id,
            seat_id=seat.id,
            round=number,
            content=entry_json(empty),
            missing=count,
        )
        for bid_id in bid_ids
        if bid_id not in known
    )
    db.session.flush()


def _checked(content: DemandContent, entry: Entry) -> Entry:
    """Only places the sheet has, no score outside its criterion; what is left out is missing, never zero."""
    keys = {item.key: item for item in typed(content.score_sheet)}
    faults = {
        f"score-{key}": sentence
        for key, score in entry.scores.items()
        if key in keys and (sentence := score_error(score, keys[key]))
    }
    if faults:
        raise Invalid("有分数不能保存：" + "".join(faults.values()), fields=faults)
    ticks = (*entry.proofs, *(None,) * len(content.indicators))[: len(content.indicators)]
    return Entry(
        scores={key: entry.scores[key] for key in keys if key in entry.scores},
        comments={key: entry.comments[key].strip() for key in keys if entry.comments.get(key, "").strip()},
        proofs=ticks,
    )


def save(sheet: Sheet, entry: Entry, *, serial: int, actor: Actor, now: datetime) -> None:
    """Keep a draft as it is typed. ``serial``: the one the page was drawn with; another tab's save makes it stale.

    Drafts are nobody's business: neither a leaf nor an outbox row. Raises ``Conflict`` (409) for a stale serial.
    """
    MACHINE.advance(sheet.state, SheetAction.SAVE)
    require("sheet.save", actor, sheet, now)
    if serial != sheet.serial:
        raise Conflict("这份评分表已在另一个窗口保存过，这里的内容没有写入。请对照后在一个窗口里继续。")
    content = sheet.demand.said
    entry = _checked(content, entry)
    sheet.content = entry_json(entry)
    sheet.missing = len(gaps(content.score_sheet, content.indicators, entry))
    sheet.serial += 1
    sheet.saved_at = now
    db.session.flush()


def hand_in(sheet: Sheet, *, actor: Actor, now: datetime) -> None:
    """Hand in one complete sheet. Log and outbox: ``sheet.hand_in`` with the fingerprint of what it says.

    The last one of a demand starts the dispersion check, and where nothing is flagged, locks them all.
    """
    _hold(sheet.demand_id)
    _hand_in(sheet, actor=actor, now=now)
    settle(sheet.demand, now=now)


def hand_in_all(sheets: Sequence[Sheet], *, actor: Actor, now: datetime) -> int:
    """Hand in every draft of an expert's list at once, or none: the first one that is not complete refuses."""
    drafts = [sheet for sheet in sheets if sheet.state is SheetState.DRAFT]
    if not drafts:
        raise Invalid("没有可提交的评分表：都已经提交过了。")
    _hold(drafts[0].demand_id)
    if open_ones := [sheet for sheet in drafts if not sheet.is_complete]:
        raise Invalid(f"还有{len(open_ones)}份评分表没有填完，请先填完，或逐份提交。")
    for sheet in drafts:
        _hand_in(sheet, actor=actor, now=now)
    settle(drafts[0].demand, now=now)
    return len(drafts)


def _hold(demand_id: int) -> None:
    """One at a time per demand: of two last hand-ins, the second must see the first."""
    db.session.execute(select(Demand.id).where(Demand.id == demand_id).with_for_update())


def _hand_in(sheet: Sheet, *, actor: Actor, now: datetime) -> None:
    with db.session.no_autoflush:
        _act(sheet, SheetAction.HAND_IN, actor=actor, now=now)
        sheet.handed_in_at = now
    _keep(sheet, "hand_in", actor=actor, now=now)


def _act(sheet: Sheet, action: SheetAction, *, actor: Actor, now: datetime, reason: str = "") -> None:
    facts = {"demand_id": sheet.demand_id, "round": sheet.round, "entry": fingerprint(sheet.content)}
    perform(MACHINE, sheet, action, actor=actor, now=now, reason=reason, facts=facts)


def _keep(sheet: Sheet, kind: str, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Write what the sheet says now as its next version."""
    number = len(list(db.session.scalars(select(SheetVersion.id).where(SheetVersion.sheet_id == sheet.id)))) + 1
    db.session.add(
        SheetVersion(
            sheet_id=sheet.id,
            number=number,
            kind=kind,
            content=dict(sheet.content),
            reason=reason,
            at=now,
            by_id=actor.id,
        )
    )
    db.session.flush()


def settle(demand: Demand, *, now: datetime) -> None:
    """What follows by itself once nobody is waited for: the dispersion check once, then locking. System's act.

    Called after every act that may have been the last one; does nothing while anything is missing.
    """
    panel = queries.panel(demand.id)
    if panel is None:
        return
    sheets = queries.that_count(demand.id)
    wanted = queries.expected(panel)
    if not may_close(wanted, queries.pairs(sheets, *DONE)):
        return
    if any(sheet.checked_at is None for sheet in sheets):
        _check(demand, sheets, now=now)
    if any(sheet.state is SheetState.FLAGGED for sheet in sheets):
        return
    for sheet in sheets:
        if sheet.state is not SheetState.LOCKED:
            _lock(sheet, now=now)
    facts = {"demand_id": demand.id, "round": panel.review_round, "sheets": len(sheets)}
    audit.append("review.lock", subject=demand.audit_subject, actor=SYSTEM, at=now, facts=facts)
    outbox.emit("review.lock", {"subject": demand.audit_subject, **facts}, at=now)


def _check(demand: Demand, sheets: Sequence[Sheet], *, now: datetime) -> None:
    """Flag what lies far from the middle, each sheet once: those of a substitute who came later are new, others not.

    The expert will be told the criterion and nothing else.
    """
    weights = {item.key: item.weight for item in typed(demand.said.score_sheet)}
    rows = (
        (str(sheet.bid_id), str(sheet.seat_id), key, score)
        for sheet in sheets
        for key, score in sheet.entry.scores.items()
        if key in weights
    )
    flagged: dict[tuple[str, str], list[str]] = {}
    for flag in sorted(dispersion.check(rows, weights)):
        flagged.setdefault((flag.bid, flag.expert), []).append(flag.criterion)
    for sheet in sheets:
        wanted = flagged.get((str(sheet.bid_id), str(sheet.seat_id)))
        fresh, sheet.checked_at = sheet.checked_at is None, sheet.checked_at or now
        if wanted and fresh and sheet.state is SheetState.HANDED_IN:
            sheet.all_handed_in = True
            sheet.flags = [key for key in weights if key in wanted]
            _act(sheet, SheetAction.FLAG, actor=SYSTEM, now=now)
    db.session.flush()


def _lock(sheet: Sheet, *, now: datetime) -> None:
    sheet.all_handed_in = sheet.no_flag_open = True
    with db.session.no_autoflush:
        _act(sheet, SheetAction.LOCK, actor=SYSTEM, now=now)
        sheet.locked_at = now
    db.session.flush()


def confirm(sheet: Sheet, *, reason: str, actor: Actor, now: datetime) -> None:
    """The flagged scores stand, with a reason. Log and outbox: ``sheet.confirm``."""
    _hold(sheet.demand_id)
    if not has_words(reason):
        raise Invalid(REASON_MISSING, fields={"reason": REASON_MISSING})
    _act(sheet, SheetAction.CONFIRM, actor=actor, now=now, reason=reason)
    sheet.reason = reason.strip()
    db.session.flush()
    settle(sheet.demand, now=now)


def correct(sheet: Sheet, entry: Entry, *, reason: str, actor: Actor, now: datetime) -> None:
    """Change flagged criteria, once, with a reason. Anything else on the sheet must stay as handed in."""
    _hold(sheet.demand_id)
    if not has_words(reason):
        raise Invalid(REASON_MISSING, fields={"reason": REASON_MISSING})
    content = sheet.demand.said
    entry = _checked(content, entry)
    if changed_elsewhere(sheet.entry, entry, sheet.flags):
        raise Invalid("只能更正提示核对的评分项，其他项目请保持原样。")
    if open_places := gaps(content.score_sheet, content.indicators, entry):
        raise Invalid(open_places[0].sentence, fields={f"score-{open_places[0].place}": open_places[0].sentence})
    MACHINE.advance(sheet.state, SheetAction.CORRECT)
    require("sheet.correct", actor, sheet, now)
    sheet.content = entry_json(entry)
    _act(sheet, SheetAction.CORRECT, actor=actor, now=now, reason=reason)
    sheet.reason = reason.strip()
    _keep(sheet, "correct", actor=actor, now=now, reason=reason.strip())
    settle(sheet.demand, now=now)


def handed_in(sheets: Sequence[Sheet]) -> int:
    """How many of these are done."""
    return sum(sheet.state in DONE for sheet in sheets)


def who_is_missing(demand_id: int) -> tuple[tuple[str, str], ...]:
    """(seat, bid) pairs that keep the review open."""
    panel = queries.panel(demand_id)
    if panel is None:
        return ()
    return missing(queries.expected(panel), queries.pairs(queries.that_count(demand_id), *DONE))
