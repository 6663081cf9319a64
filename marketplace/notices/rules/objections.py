"""Objections: by real name, answered in writing in time, the award frozen while one is open (product.md §2.2).

The objector is known to those who handle it and to the supervisor, masked to everyone else; the answer is public.
The answer is due within 7 working days (``demands.clocks.objection_answer_due_at``, 政府采购法 §53).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import publisher, screener, supervisor
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need
from marketplace.platform.working_days import Calendar, beijing_day, midnight_after

ESCALATION_WORKING_DAYS = 5  # after the answer; 平台规则


class ObjectionState(StrEnum):
    FILED = "filed"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"
    MAINTAINED = "maintained"
    WITHDRAWN = "withdrawn"


class ObjectionAction(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    ESCALATE = "escalate"
    OVERRULE = "overrule"
    MAINTAIN = "maintain"
    WITHDRAW = "withdraw"


STATE_LABELS: dict[ObjectionState, str] = {
    ObjectionState.FILED: "已提出",
    ObjectionState.ACCEPTED: "已受理",
    ObjectionState.NOT_ACCEPTED: "不予受理",
    ObjectionState.UPHELD: "异议成立",
    ObjectionState.DISMISSED: "异议不成立",
    ObjectionState.ESCALATED: "已报监督员",
    ObjectionState.MAINTAINED: "维持原答复",
    ObjectionState.WITHDRAWN: "已撤回",
}

ACTION_LABELS: dict[ObjectionAction, str] = {
    ObjectionAction.ACCEPT: "受理",
    ObjectionAction.REFUSE: "不予受理",
    ObjectionAction.UPHOLD: "认定成立",
    ObjectionAction.DISMISS: "认定不成立",
    ObjectionAction.ESCALATE: "报监督员",
    ObjectionAction.OVERRULE: "改为成立",
    ObjectionAction.MAINTAIN: "维持原答复",
    ObjectionAction.WITHDRAW: "撤回异议",
}

_S, _A = ObjectionState, ObjectionAction
TABLE: dict[tuple[ObjectionState, ObjectionAction], ObjectionState] = {
    (_S.FILED, _A.ACCEPT): _S.ACCEPTED,
    (_S.FILED, _A.REFUSE): _S.NOT_ACCEPTED,
    (_S.FILED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.ACCEPTED, _A.UPHOLD): _S.UPHELD,
    (_S.ACCEPTED, _A.DISMISS): _S.DISMISSED,
    (_S.ACCEPTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.NOT_ACCEPTED, _A.ESCALATE): _S.ESCALATED,
    (_S.DISMISSED, _A.ESCALATE): _S.ESCALATED,
    (_S.ESCALATED, _A.OVERRULE): _S.UPHELD,
    (_S.ESCALATED, _A.MAINTAIN): _S.MAINTAINED,
    (_S.ESCALATED, _A.WITHDRAW): _S.WITHDRAWN,
}

OPEN = frozenset({_S.FILED, _S.ACCEPTED, _S.ESCALATED})  # while one is, nothing is awarded
ANSWERED = frozenset({_A.REFUSE, _A.UPHOLD, _A.DISMISS, _A.OVERRULE, _A.MAINTAIN})  # a written answer comes with it


class Remedy(StrEnum):
    """What follows an upheld objection."""

    RE_REVIEW = "re_review"
    SUBSTITUTE = "substitute"
    VOID = "void"


REMEDY_LABELS: dict[Remedy, str] = {
    Remedy.RE_REVIEW: "重新评审",
    Remedy.SUBSTITUTE: "取消该候选单位，由后一名递补",
    Remedy.VOID: "本次结果作废，流榜",
}


def _window_open(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.published_at is not None and bool(subject.published_at <= now < subject.ends_at)


def _is_objector(actor: Actor, subject: Any, now: datetime) -> bool:
    """By account, or by the signed link an objector without an account was sent (``Actor`` made from it)."""
    if actor.id is not None:
        return bool(actor.id == subject.objector_account_id)
    return bool(actor.username) and actor.username == subject.link_name


def _may_still_escalate(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.escalation_ends_at is not None and bool(now < subject.escalation_ends_at)


window_open = Need("window_open", "只能在公示期内提出异议。", _window_open)
objector = Need("objector", "只有提出异议的人可以这样做。", _is_objector)
in_time = Need("in_time", "报监督员的期限已过。", _may_still_escalate)
drafted_by_another = policy.another("answer_drafted_by_id", "答复须由一人拟写、另一人签发。")
not_the_signer = policy.another("answer_signed_by_id", "签发过原答复的人不能再作决定。")

GRANTS = policy.declare(
    {
        "objection.file": [[window_open]],
        "objection.see": [[objector], [screener], [publisher], [supervisor]],
        "objection.desk": [[screener], [publisher], [supervisor]],
        "objection.accept": [[screener], [publisher]],
        "objection.draft_answer": [[screener], [publisher]],
        "objection.refuse": [[publisher, drafted_by_another], [supervisor, drafted_by_another]],
        "objection.uphold": [[publisher, drafted_by_another], [supervisor, drafted_by_another]],
        "objection.dismiss": [[publisher, drafted_by_another], [supervisor, drafted_by_another]],
        "objection.escalate": [[objector, in_time]],
        "objection.overrule": [[supervisor, not_the_signer]],
        "objection.maintain": [[supervisor, not_the_signer]],
        "objection.withdraw": [[objector]],
    }
)


def freezes(states: Iterable[ObjectionState]) -> bool:
    """Whether any of these objections keeps the award from being made."""
    return any(state in OPEN for state in states)


def escalation_ends_at(answered_at: datetime, calendar: Calendar) -> datetime:
    """24:00 Beijing of the fifth working day after the answer, in UTC."""
    return midnight_after(calendar.add_working_days(beijing_day(answered_at), ESCALATION_WORKING_DAYS))


def masked(name: str, *, organisation: bool) -> str:
    """What the public reads of an objector: 张**, or 某单位. The length of the name is not told."""
    return "某单位" if organisation else f"{name.strip()[:1]}**"
