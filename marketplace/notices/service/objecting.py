"""Objections: filed by real name in the window, answered by two people in time, escalated to the supervisor."""

from __future__ import annotations

import secrets
from datetime import datetime

from marketplace import db
from marketplace.accounts.rules import N_
from marketplace.bids.models import Bid
from marketplace.demands import clocks
from marketplace.notices.models import Notice, Objection, ObjectionFile
from marketplace.notices.queries import token_hash
from marketplace.notices.rules.objections import (
    ACTION_LABELS,
    STATE_LABELS,
    TABLE,
    ObjectionAction,
    ObjectionState,
    Remedy,
    escalation_ends_at,
)
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.files import Stored
from marketplace.platform.policy import Actor, require
from marketplace.platform.workflow import Machine, perform
from marketplace.settings import queries as settings

MACHINE = Machine("objection", TABLE, STATE_LABELS, ACTION_LABELS)
FACTS_MIN, FACTS_MAX, ANSWER_MIN, FILES_MOST = 20, 5000, 10, 10


def _said(text: str, field: str, what: str, least: int) -> str:
    text = text.strip()
    if len("".join(text.split())) < least:
        sentence = Sentence("请写明%(what)s，不少于%(least)s个字。", what=Sentence(what), least=least)
        raise Invalid(sentence, fields={field: sentence})
    return text


def file_objection(
    notice: Notice,
    *,
    name: str,
    organisation: str,
    email: str,
    phone: str,
    facts: str,
    wish: str = "",
    about: Bid | None = None,
    actor: Actor,
    now: datetime,
) -> tuple[Objection, str]:
    """File by real name, inside the window. Gives the objection and the key of its own link ("" with an account).

    From here on nothing is awarded until it is answered. Log and outbox: ``objection.file``; the leaf names nobody,
    because it is public for ever, and its actor is empty for the same reason.
    """
    require("objection.file", actor, notice, now)
    facts = _said(facts, "facts", N_("事实和依据"), FACTS_MIN)
    if len(facts) > FACTS_MAX:
        sentence = Sentence("最多%(most)s个字，更多内容请放在证据文件里。", most=FACTS_MAX)
        raise Invalid(sentence, fields={"facts": sentence})
    token = "" if actor.id is not None else secrets.token_urlsafe(24)
    row = Objection(
        public_id=secrets.token_hex(12),
        notice=notice,
        demand_id=notice.demand_id,
        about_bid_id=about.id if about is not None else None,
        name=_said(name, "name", N_("姓名"), 2),
        organisation=organisation.strip(),
        email=email.strip(),
        phone=phone.strip(),
        objector_account_id=actor.id,
        link_hash=token_hash(token) if token else "",
        facts=facts,
        wish=wish.strip(),
        filed_at=now,
        answer_due_at=clocks.objection_answer_due_at(now, settings.calendar()),
    )
    db.session.add(row)
    db.session.flush()
    _log(row, "objection.file", actor=Actor(), now=now)
    return row, token


def _log(row: Objection, kind: str, *, actor: Actor, now: datetime) -> None:
    facts = {"demand_id": row.demand_id, "notice": row.notice_id, "due_at": audit.timestamp(row.answer_due_at)}
    audit.append(kind, subject=row.audit_subject, actor=actor, at=now, facts=facts)
    outbox.emit(kind, {"subject": row.audit_subject, **facts}, at=now)


def attach(objection: Objection, stored: Stored, *, name: str, media_type: str) -> ObjectionFile:
    """Add a piece of evidence while it is being filed."""
    if len(objection.files) >= FILES_MOST:
        few = Sentence("最多%(most)s个", most=FILES_MOST)
        raise Refused("证据文件最多%(most)s个。", fields={"files": few}, most=FILES_MOST)
    row = ObjectionFile(objection=objection, name=name, sha256=stored.sha256, size=stored.size, media_type=media_type)
    db.session.add(row)
    db.session.flush()
    return row


def _act(
    row: Objection, action: ObjectionAction, *, actor: Actor, now: datetime, reason: str = "", **facts: str
) -> None:
    named = action not in (ObjectionAction.WITHDRAW, ObjectionAction.ESCALATE)
    about = {"demand_id": row.demand_id, "notice": row.notice_id, **facts}
    require(MACHINE.permission(action), actor, row, now)
    before = row.state
    after = MACHINE.advance(before, action)
    if named:
        perform(MACHINE, row, action, actor=actor, now=now, reason=reason, facts=about)
        return
    # The objector's own acts: the public leaf must not say who he is.
    row.state = ObjectionState(after)
    kind = MACHINE.permission(action)
    leaf_facts = {"from": str(before), "to": str(after), **about}
    audit.append(kind, subject=row.audit_subject, actor=Actor(), at=now, facts=leaf_facts)
    outbox.emit(kind, {"subject": row.audit_subject, **leaf_facts}, at=now)


def accept(row: Objection, *, actor: Actor, now: datetime) -> None:
    """Take it up for an answer on the merits."""
    _act(row, ObjectionAction.ACCEPT, actor=actor, now=now)
    row.accepted_at = now
    db.session.flush()


def draft_answer(row: Objection, *, text: str, actor: Actor, now: datetime) -> None:
    """Write the answer for another to sign. Log: ``objection.draft_answer``."""
    require("objection.draft_answer", actor, row, now)
    if row.state not in (ObjectionState.FILED, ObjectionState.ACCEPTED):
        raise Refused("这件异议已经答复，不能再改答复稿。")
    row.draft = _said(text, "text", N_("答复"), ANSWER_MIN)
    row.answer_drafted_by_id, row.drafted_at = actor.id, now
    db.session.flush()
    _log(row, "objection.draft_answer", actor=actor, now=now)


def decide(row: Objection, action: ObjectionAction, *, remedy: str = "", actor: Actor, now: datetime) -> None:
    """Sign the drafted answer: not accepted, upheld with its remedy, or dismissed. The answer is public from here on."""
    if action not in (ObjectionAction.REFUSE, ObjectionAction.UPHOLD, ObjectionAction.DISMISS):
        raise Refused("请选择对这件异议的处理结果。")
    if not row.draft:
        raise Refused("请先拟写答复，再由另一人签发。")
    if action is ObjectionAction.UPHOLD and remedy not in set(Remedy):
        raise Invalid("异议成立时须写明怎样处理。", fields={"remedy": "请选择处理方式"})
    more = {"remedy": remedy} if action is ObjectionAction.UPHOLD else {}
    _act(row, action, actor=actor, now=now, reason=row.draft, **more)
    row.answer, row.answer_signed_by_id, row.answered_at = row.draft, actor.id, now
    row.remedy = Remedy(remedy) if action is ObjectionAction.UPHOLD else None
    if action is not ObjectionAction.UPHOLD:
        row.escalation_ends_at = escalation_ends_at(now, settings.calendar())
    db.session.flush()


def escalate(row: Objection, *, reason: str, actor: Actor, now: datetime) -> None:
    """The objector does not accept the answer: to the supervisor, within five working days. The award is frozen again."""
    said = _said(reason, "reason", N_("不服的理由"), ANSWER_MIN)
    _act(row, ObjectionAction.ESCALATE, actor=actor, now=now)
    row.escalation, row.escalated_at = said, now
    row.answer_due_at = clocks.objection_answer_due_at(now, settings.calendar())
    db.session.flush()


def final_decision(row: Objection, *, upheld: bool, answer: str, remedy: str = "", actor: Actor, now: datetime) -> None:
    """The supervisor's word on an escalated objection, public; there is no further instance on this site."""
    said = _said(answer, "text", N_("决定的理由"), ANSWER_MIN)
    if upheld and remedy not in set(Remedy):
        raise Invalid("异议成立时须写明怎样处理。", fields={"remedy": "请选择处理方式"})
    action = ObjectionAction.OVERRULE if upheld else ObjectionAction.MAINTAIN
    more = {"remedy": remedy} if upheld else {}
    _act(row, action, actor=actor, now=now, reason=said, **more)
    row.final_answer, row.final_by_id, row.final_at = said, actor.id, now
    row.remedy = Remedy(remedy) if upheld else None
    db.session.flush()


def withdraw(row: Objection, *, actor: Actor, now: datetime) -> None:
    """The objector takes it back."""
    _act(row, ObjectionAction.WITHDRAW, actor=actor, now=now)
    db.session.flush()


def mark_remedied(demand_id: int, *, now: datetime) -> None:
    """What followed from the upheld objections of a demand has been done."""
    from sqlalchemy import update

    db.session.execute(
        update(Objection)
        .where(
            Objection.demand_id == demand_id,
            Objection.state == ObjectionState.UPHELD,
            Objection.remedied_at.is_(None),
        )
        .values(remedied_at=now)
    )
