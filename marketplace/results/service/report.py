"""The report: opened by the office over a decided ranking, signed by the chair first, then by every member."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Forbidden, Refused, TooLate
from marketplace.platform.policy import Actor, require
from marketplace.platform.working_days import beijing_day
from marketplace.results import queries
from marketplace.results.models import Reminder, Report, Signature
from marketplace.results.rules import SIGN_SENTENCES, ReportState, SignRefusal, is_signed, why_not_sign
from marketplace.scoring import queries as scoring
from marketplace.scoring.service.sheets import who_is_missing


def open_report(demand: Demand, *, conclusion: str = "", actor: Actor, now: datetime) -> Report:
    """Put the report of the ranking in force before the panel. Log and outbox: ``report.open``.

    Refused without a ranking, and while a tie waits for its draw or an act for its second person.
    """
    require("report.open", actor, demand, now)
    last = queries.latest(demand.id)
    if demand.state is not State.REVIEWING or last is None:
        raise Refused("排名算出之后才能出具评审报告。")
    if last.undecided:
        raise Refused("还有并列名次等待抽签，抽签之后才能出具评审报告。")
    if queries.open_outs(demand.id) or queries.open_mends(demand.id):
        raise Refused("还有取消资格或更正在等监督员处理，处理之后才能出具评审报告。")
    if not queries.is_current(demand):
        raise Refused("排名之后专家组有变动，递补的专家评完全部标书后会重新计算排名，再出具评审报告。")
    former = queries.report(demand.id)
    if former is not None and former.ranking_id == last.id:
        raise Refused("这次排名的评审报告已经出具。")
    row = Report(
        demand_id=demand.id, ranking_id=last.id, conclusion=conclusion.strip(), opened_at=now, opened_by_id=actor.id
    )
    db.session.add(row)
    db.session.flush()
    facts = {"demand_id": demand.id, "ranking": last.number, "hash": last.hash}
    audit.append("report.open", subject=demand.audit_subject, actor=actor, at=now, facts=facts)
    outbox.emit("report.open", {"subject": demand.audit_subject, **facts}, at=now)
    return row


def sign(report: Report, *, dissent: str = "", actor: Actor, now: datetime) -> Signature:
    """A member signs, with his dissent where he has one. The last signature completes the report.

    Log: ``report.sign`` with the ranking's hash, the dissent in its erasable details. Outbox the same, without it.
    """
    seat = queries.my_seat(report.demand_id, actor)
    panel = scoring.panel(report.demand_id)
    if seat is None or panel is None:
        raise Forbidden(SIGN_SENTENCES[SignRefusal.NOT_SEATED])
    members = {item.id for item in panel.counted_seats}
    signed = {item.seat_id for item in report.signatures}
    refusal = why_not_sign(
        seat.id,
        members=members,
        chair=panel.chair.id if panel.chair is not None else None,
        signed=signed,
        state=report.state,
    )
    if refusal is not None:
        raise Refused(SIGN_SENTENCES[refusal])
    row = Signature(
        report=report,
        seat=seat,
        chair=panel.chair is not None and seat.id == panel.chair.id,
        dissent=dissent.strip(),
        signed_at=now,
    )
    db.session.add(row)
    facts = {"demand_id": report.demand_id, "hash": report.ranking.hash, "chair": row.chair}
    audit.append(
        "report.sign",
        subject=report.demand.audit_subject,
        actor=actor,
        at=now,
        facts={**facts, "dissent": bool(row.dissent)},
        details={"dissent": row.dissent},
    )
    if is_signed(members, signed | {seat.id}):
        report.state, report.signed_at = ReportState.SIGNED, now
        outbox.emit("report.signed", {"subject": report.demand.audit_subject, **facts}, at=now)
    outbox.emit("report.sign", {"subject": report.demand.audit_subject, **facts}, at=now)
    db.session.flush()
    return row


def remind(demand: Demand, *, actor: Actor, now: datetime) -> Reminder:
    """Remind who has not finished; never more than once a day. Outbox: ``review.remind`` with the accounts."""
    require("review.remind", actor, demand, now)
    if demand.state is not State.REVIEWING:
        raise Refused("现在不是评审阶段，不需要催办。")
    on = beijing_day(now)
    if db.session.get(Reminder, (demand.id, on)) is not None:
        raise TooLate("今天已经催办过一次，明天可以再催。")
    late = {int(seat) for seat, _ in who_is_missing(demand.id)}
    panel = scoring.panel(demand.id)
    people = sorted(
        seat.expert_account_id
        for seat in (panel.counted_seats if panel else ())
        if seat.id in late and seat.expert_account_id is not None
    )
    if not people:
        raise Refused("没有需要催办的专家：都已提交，或专家组还不完整。")
    row = Reminder(demand_id=demand.id, on=on, sent_at=now, sent_by_id=actor.id, people=len(people))
    db.session.add(row)
    db.session.flush()
    audit.append("review.remind", subject=demand.audit_subject, actor=actor, at=now, facts={"people": len(people)})
    outbox.emit("review.remind", {"subject": demand.audit_subject, "people": people}, at=now)
    return row
