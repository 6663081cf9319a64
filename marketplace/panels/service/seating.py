"""How a seat moves: invited, confirmed, declared; declined, expired, abstained; and who moves up.

Declining (谢绝), abstaining (弃权) and recusal (回避, in ``conflicts``) are three things. Whatever empties a seat calls
the next substitute in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marketplace import db
from marketplace.panels import queries
from marketplace.panels.models import Declaration, Panel, PanelQuestion, PanelSeat
from marketplace.panels.rules import seats as rules
from marketplace.panels.rules.conflicts import BLOCK_LABELS, declaration_list
from marketplace.panels.rules.draw import Candidate, elected_chair
from marketplace.panels.rules.seats import CONFIRM_WORKING_DAYS, SEAT, SeatAction, SeatState
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.workflow import perform
from marketplace.platform.working_days import beijing_day, close_of
from marketplace.settings import queries as settings

TEXT_MOST = 1000


def tell(
    kind: str, panel: Panel, *, actor: Actor, now: datetime, facts: Mapping[str, Any] | None = None, reason: str = ""
) -> None:
    """A leaf and an outbox row of a panel's doings that change no state."""
    said = {"demand_id": panel.demand_id, **(facts or {})}
    audit.append(kind, subject=panel.audit_subject, actor=actor, at=now, facts=said, details={"reason": reason})
    outbox.emit(kind, {"subject": panel.audit_subject, "actor_id": actor.id, **said}, at=now)


def act(seat: PanelSeat, action: SeatAction, *, actor: Actor, now: datetime, reason: str = "", **facts: Any) -> None:
    """One move of a seat. The leaf bears the expert's key and no name."""
    said = {"demand_id": seat.panel.demand_id, "panel_id": seat.panel_id, "expert": seat.expert.key, **facts}
    perform(SEAT, seat, action, actor=actor, now=now, reason=reason, facts=said)


def fill(panel: Panel, *, now: datetime) -> list[PanelSeat]:
    """Call substitutes in order while seats are vacant. The system's act; returns who was called.

    Once the result is on public notice nobody is called: there is nothing to score unless it is reviewed again, and
    then this is asked anew.
    """
    if panel.demand.state not in queries.FORMABLE:
        return []
    present = panel.present_seats
    by_key = {seat.expert.key: seat for seat in present}
    called = []
    deadline = close_of(settings.calendar().add_working_days(beijing_day(now), CONFIRM_WORKING_DAYS))
    for waiting in rules.next_substitutes([seat.as_seat for seat in present], size=panel.size):
        seat = by_key[waiting.expert]
        seat.panel_has_vacancy = seat.is_next_in_order = True
        act(seat, SeatAction.CALL, actor=SYSTEM, now=now)
        seat.called_at, seat.confirm_by = now, deadline
        called.append(seat)
    db.session.flush()
    return called


def confirm(seat: PanelSeat, *, actor: Actor, now: datetime) -> None:
    """Take the seat, from the signed link or the desk."""
    act(seat, SeatAction.CONFIRM, actor=actor, now=now)
    seat.answered_at = now
    db.session.flush()


def decline(seat: PanelSeat, *, reason: str, actor: Actor, now: datetime) -> None:
    """Not to take the seat: nothing of a conflict is said. The next substitute is called."""
    _reasoned(reason, "请写一句谢绝的原因，例如“出差”。")
    act(seat, SeatAction.DECLINE, actor=actor, now=now, reason=reason)
    leave(seat, reason=reason, now=now)


def abstain(seat: PanelSeat, *, reason: str, locked: bool, actor: Actor, now: datetime) -> None:
    """A member stops without a conflict. His sheets stay on record and do not count; once they are locked he cannot."""
    _reasoned(reason, "请写明弃权的原因。")
    seat.sheets_not_locked = not locked
    act(seat, SeatAction.ABSTAIN, actor=actor, now=now, reason=reason)
    leave(seat, reason=reason, now=now)


def _reasoned(reason: str, sentence: str) -> None:
    if len("".join(reason.split())) < 2:
        raise Invalid(sentence, fields={"reason": sentence})


def leave(seat: PanelSeat, *, reason: str, now: datetime) -> None:
    """What follows whenever somebody leaves: the reason is kept, the next in order is called."""
    seat.reason, seat.ended_at = reason.strip(), now
    if seat.answered_at is None:
        seat.answered_at = now
    db.session.flush()
    fill(seat.panel, now=now)


def expire_overdue(now: datetime) -> int:
    """Invitations that nobody answered in time; the next in order is called. The worker's job."""
    found = queries.overdue_seats(now)
    for seat in found:
        seat.confirmation_is_overdue = True
        act(seat, SeatAction.EXPIRE, actor=SYSTEM, now=now)
        leave(seat, reason="逾期未确认", now=now)
    return len(found)


def shown_to(seat: PanelSeat) -> tuple[str, ...]:
    """The names this expert declares against: all participants, each once, in an order that tells nothing."""
    return declaration_list(queries.parties(seat.panel.demand), salt=f"{seat.panel.demand.key}:{seat.id}")


def declare(seat: PanelSeat, *, conflicts: Sequence[str], statement: str, actor: Actor, now: datetime) -> Declaration:
    """The one declaration of this demand. A conflict named, or found on record, removes him; else he may begin.

    Log: ``seat.declare``, or ``seat.recuse`` (named by himself), or ``seat.order_recusal`` (found, by the system).
    """
    shown = shown_to(seat)
    named = [name for name in shown if name in set(conflicts)]
    require("seat.see", actor, seat, now)
    if seat.state is not SeatState.CONFIRMED:
        raise Refused("现在不能申报：请先确认参加，或您已经申报过。")
    if named and len("".join(statement.split())) < 2:
        raise Invalid("请写明是什么关系。", fields={"statement": "请写明是什么关系，例如“三年内曾任职”"})
    clean = not named
    made = Declaration(
        seat=seat, shown=list(shown), clean=clean, conflicts=named, statement=statement.strip()[:TEXT_MOST], made_at=now
    )
    db.session.add(made)
    if named:
        act(seat, SeatAction.RECUSE, actor=actor, now=now, reason=statement)
        leave(seat, reason=statement, now=now)
        return made
    blocks = queries.blocks_for(seat.panel.demand, [seat.expert], on=beijing_day(now))[seat.expert_id]
    seat.has_hard_block = bool(blocks)
    if not seat.has_no_hard_block:
        from marketplace.panels.service.drawing import keep_blocks

        keep_blocks(seat.panel, blocks, {seat.expert.key: seat.expert_id}, source="declaration", now=now)
        label = BLOCK_LABELS[blocks[0].kind]
        act(seat, SeatAction.ORDER_RECUSAL, actor=SYSTEM, now=now, reason=label)
        leave(seat, reason=label, now=now)
        return made
    act(seat, SeatAction.DECLARE, actor=actor, now=now, shown=len(shown))
    seat.declared_at = now
    db.session.flush()
    return made


def vote(seat: PanelSeat, *, choice: PanelSeat, actor: Actor, now: datetime) -> None:
    """Vote for the chair. Elected once all have voted or one has more than half; then it stands while he sits."""
    require("seat.vote", actor, seat, now)
    panel = seat.panel
    if panel.chair is not None:
        raise Refused("组长已经选出。")
    if choice not in panel.counted_seats or not choice.outside:
        raise Invalid("组长须是本专家组的区外专家。", fields={"choice": "请选一位区外专家"})
    seat.vote_for_id = choice.id
    db.session.flush()
    members = panel.counted_seats
    keys = {member.id: member.expert.key for member in members}
    votes = {
        keys[member.id]: keys[member.vote_for_id]
        for member in members
        if member.vote_for_id is not None and member.vote_for_id in keys
    }
    winner = elected_chair(votes, [Candidate(member.expert.key, member.outside) for member in members])
    decided = winner is not None and (
        len(votes) == len(members) or 2 * list(votes.values()).count(winner) > len(members)
    )
    if decided and len(members) == panel.size:
        elected = next(member for member in members if member.expert.key == winner)
        elected.chaired_at = now
        tell("panel.elect", panel, actor=SYSTEM, now=now, facts={"expert": winner, "votes": len(votes)})
    db.session.flush()


def ask(seat: PanelSeat, *, text: str, code: str, actor: Actor, now: datetime) -> PanelQuestion:
    """Ask the chair; the whole panel reads question and answer."""
    require("seat.ask", actor, seat, now)
    question = PanelQuestion(panel_id=seat.panel_id, seat_id=seat.id, code=code, text=_text(text, "text"), asked_at=now)
    db.session.add(question)
    db.session.flush()
    tell("panel.ask", seat.panel, actor=actor, now=now, facts={"question": question.id})
    return question


def answer(question: PanelQuestion, *, text: str, actor: Actor, now: datetime) -> None:
    """The chair answers; not later changed."""
    panel = question.seat.panel
    require("panel.answer", actor, panel, now)
    if question.answered_at is not None:
        raise Refused("这个问题已经答复过。")
    question.answer, question.answered_at = _text(text, "answer"), now
    assert panel.chair is not None
    question.answered_by_id = panel.chair.id
    db.session.flush()
    tell("panel.answer", panel, actor=actor, now=now, facts={"question": question.id})


def _text(text: str, field: str) -> str:
    text = text.strip()
    if not 2 <= len(text) <= TEXT_MOST:
        sentence = f"请写2至{TEXT_MOST}个字。"
        raise Invalid(sentence, fields={field: sentence})
    return text
