"""The life of an award (product.md §2.2) and what its end means for the demand.

Contract, delivery and acceptance (from ``contracted`` on) are granted by the contracts feature; their states stand here
because an award has one life and one table.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import publisher, supervisor, system
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need, signed_in
from marketplace.platform.working_days import Calendar, beijing_day, close_of

TAKE_UP_WORKING_DAYS = 5  # for the winner to accept or decline; 平台规则
MOST_PARALLEL = 3  # 赛马


class AwardState(StrEnum):
    PROPOSED = "proposed"
    NOTICED = "noticed"
    CONFIRMED = "confirmed"
    CONTRACTED = "contracted"
    EXECUTING = "executing"
    ACCEPTING = "accepting"
    RECTIFYING = "rectifying"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    FAILED = "failed"
    VOID = "void"
    DECLINED = "declined"
    TERMINATED = "terminated"
    ELIMINATED = "eliminated"


class AwardAction(StrEnum):
    NOTICE = "notice"
    CONFIRM = "confirm"
    TAKE_UP = "take_up"
    DECLINE = "decline"
    EXPIRE = "expire"
    VOID = "void"
    CONTRACT = "contract"
    START = "start"
    REQUEST_ACCEPTANCE = "request_acceptance"
    DEMAND_RECTIFICATION = "demand_rectification"
    RESUBMIT = "resubmit"
    ACCEPT = "accept"
    FAIL = "fail"
    SETTLE = "settle"
    TERMINATE = "terminate"
    ELIMINATE = "eliminate"


STATE_LABELS: dict[AwardState, str] = {
    AwardState.PROPOSED: "拟中榜",
    AwardState.NOTICED: "公示中",
    AwardState.CONFIRMED: "已定榜",
    AwardState.CONTRACTED: "已签约",
    AwardState.EXECUTING: "实施中",
    AwardState.ACCEPTING: "验收中",
    AwardState.RECTIFYING: "整改中",
    AwardState.ACCEPTED: "验收通过",
    AwardState.SETTLED: "已结清",
    AwardState.FAILED: "验收未通过",
    AwardState.VOID: "已作废",
    AwardState.DECLINED: "已放弃",
    AwardState.TERMINATED: "已终止",
    AwardState.ELIMINATED: "赛马淘汰",
}

ACTION_LABELS: dict[AwardAction, str] = {
    AwardAction.NOTICE: "公示",
    AwardAction.CONFIRM: "定榜",
    AwardAction.TAKE_UP: "接受中榜",
    AwardAction.DECLINE: "放弃中榜",
    AwardAction.EXPIRE: "逾期未接受",
    AwardAction.VOID: "作废",
    AwardAction.CONTRACT: "签约",
    AwardAction.START: "开始实施",
    AwardAction.REQUEST_ACCEPTANCE: "申请验收",
    AwardAction.DEMAND_RECTIFICATION: "要求整改",
    AwardAction.RESUBMIT: "再次申请验收",
    AwardAction.ACCEPT: "验收通过",
    AwardAction.FAIL: "验收不通过",
    AwardAction.SETTLE: "结清",
    AwardAction.TERMINATE: "终止",
    AwardAction.ELIMINATE: "淘汰",
}

_S, _A = AwardState, AwardAction
TABLE: dict[tuple[AwardState, AwardAction], AwardState] = {
    (_S.PROPOSED, _A.NOTICE): _S.NOTICED,
    (_S.PROPOSED, _A.VOID): _S.VOID,
    (_S.NOTICED, _A.CONFIRM): _S.CONFIRMED,
    (_S.NOTICED, _A.VOID): _S.VOID,
    (_S.CONFIRMED, _A.TAKE_UP): _S.CONFIRMED,
    (_S.CONFIRMED, _A.DECLINE): _S.DECLINED,
    (_S.CONFIRMED, _A.EXPIRE): _S.DECLINED,
    (_S.CONFIRMED, _A.VOID): _S.VOID,  # re-review while nothing is contracted
    (_S.CONFIRMED, _A.CONTRACT): _S.CONTRACTED,
    (_S.CONTRACTED, _A.START): _S.EXECUTING,
    (_S.CONTRACTED, _A.TERMINATE): _S.TERMINATED,
    (_S.CONTRACTED, _A.ELIMINATE): _S.ELIMINATED,
    (_S.EXECUTING, _A.REQUEST_ACCEPTANCE): _S.ACCEPTING,
    (_S.EXECUTING, _A.TERMINATE): _S.TERMINATED,
    (_S.EXECUTING, _A.ELIMINATE): _S.ELIMINATED,
    (_S.ACCEPTING, _A.DEMAND_RECTIFICATION): _S.RECTIFYING,
    (_S.ACCEPTING, _A.ACCEPT): _S.ACCEPTED,
    (_S.ACCEPTING, _A.FAIL): _S.FAILED,
    (_S.RECTIFYING, _A.RESUBMIT): _S.ACCEPTING,
    (_S.ACCEPTED, _A.SETTLE): _S.SETTLED,
}

REASONED = frozenset({_A.DECLINE, _A.VOID, _A.FAIL, _A.TERMINATE, _A.ELIMINATE, _A.DEMAND_RECTIFICATION})
ENDED = frozenset(
    {_S.SETTLED, _S.FAILED, _S.VOID, _S.DECLINED, _S.TERMINATED, _S.ELIMINATED},
)
FELL_THROUGH = frozenset({_S.VOID, _S.DECLINED})  # never contracted: a substitute may move up


def _for_the_winner(actor: Actor, subject: Any, now: datetime) -> bool:
    return actor.has("org_admin", at=subject.organisation_id)


def _in_time(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.take_up_ends_at is not None and bool(now < subject.take_up_ends_at)


def _overdue(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.take_up_ends_at is not None and bool(now >= subject.take_up_ends_at)


def _window_over(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.notice_ends_at is not None and bool(now >= subject.notice_ends_at)


winner = Need("winner", "只有中榜单位的管理员可以这样做。", _for_the_winner)
in_time = Need("in_time", "接受的期限已过。", _in_time)
overdue = Need("overdue", "接受的期限未到。", _overdue)
window_over = Need("window_over", "公示期未满。", _window_over)
not_taken_up = policy.fact("is_not_taken_up", "贵单位已经接受中榜，不能再接受或放弃；确有变化请联系主管部门。")
nothing_open = policy.fact("has_no_open_objection", "还有异议未答复，暂不能定榜。")
noticed = policy.fact("notice_is_published", "公示尚未发布。")
cause = policy.fact("has_cause_to_void", "没有成立的异议或更正，不能作废。")
uncontracted = policy.fact("no_award_is_contracted", "已有中榜项目签约，不能重新评审。")
award_proposed = policy.another("award_proposed_by_id", "定榜须由一人提出、另一人确认。")
void_proposed = policy.another("void_proposed_by_id", "作废须由一人提出、监督员确认。")
substitution_proposed = policy.another("substitute_proposed_by_id", "递补须由发榜负责人提出、监督员确认。")

GRANTS = policy.declare(
    {
        "award.see": [[signed_in]],  # which, is queries.visible
        "award.substitute_desk": [[publisher], [supervisor]],
        "objection.remedy": [[publisher]],
        "award.notice": [[publisher, noticed], [supervisor, noticed]],
        "award.confirm": [
            [publisher, award_proposed, window_over, nothing_open],
            [supervisor, award_proposed, window_over, nothing_open],
        ],
        "award.take_up": [[winner, in_time, not_taken_up]],
        "award.decline": [[winner, not_taken_up]],
        "award.expire": [[system, overdue, not_taken_up]],
        "award.void": [[supervisor, void_proposed, cause, uncontracted]],
        "award.propose_substitute": [[publisher]],
        "award.substitute": [[supervisor, substitution_proposed]],
    }
)


class DemandEnd(StrEnum):
    """What the end of its awards does to an awarded demand."""

    LAPSE = "lapse"
    COMPLETE = "complete"


def demand_end(states: Collection[AwardState], *, substitute_left: bool) -> DemandEnd | None:
    """``COMPLETE``: every award ended, at least one settled. ``LAPSE``: every award ended, none of them well.

    While a place fell through and a substitute is left, nothing ends unless another award was settled.
    """
    if not states or any(state not in ENDED for state in states):
        return None
    if _S.SETTLED in states:
        return DemandEnd.COMPLETE
    if substitute_left and any(state in FELL_THROUGH for state in states):
        return None
    return DemandEnd.LAPSE


def vacancies(states: Collection[AwardState], *, awards: int) -> int:
    """Places without an award that is alive or was contracted: as many substitutes may move up."""
    return max(0, awards - sum(state not in FELL_THROUGH for state in states))


def take_up_ends_at(confirmed_at: datetime, calendar: Calendar) -> datetime:
    """17:00 Beijing of the fifth working day after the award was confirmed, in UTC."""
    return close_of(calendar.add_working_days(beijing_day(confirmed_at), TAKE_UP_WORKING_DAYS))
