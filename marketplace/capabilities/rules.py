"""The life of a capability. A change of a public one goes through a review while the old words stay public. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import STAFF, OrganisationState, Role, screener
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need
from marketplace.platform.workflow import Machine


def N_(text: str) -> str:
    """Mark a label for the catalogue (scripts/words.py); it is translated where it is shown."""
    return text


class CapabilityState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    LISTED = "listed"
    CHANGING = "changing"
    CHANGE_SUBMITTED = "change_submitted"
    CHANGE_RETURNED = "change_returned"
    RETIRED = "retired"
    TAKEN_DOWN = "taken_down"
    DROPPED = "dropped"


class CapabilityAction(StrEnum):
    SUBMIT = "submit"
    RECALL = "recall"
    APPROVE = "approve"
    RETURN = "return"
    CHANGE = "change"
    DISCARD = "discard"
    RETIRE = "retire"
    TAKE_DOWN = "take_down"
    REOPEN = "reopen"
    DROP = "drop"


_S, _A = CapabilityState, CapabilityAction
TABLE: dict[tuple[CapabilityState, CapabilityAction], CapabilityState] = {
    (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
    (_S.DRAFT, _A.DROP): _S.DROPPED,
    (_S.SUBMITTED, _A.RECALL): _S.DRAFT,
    (_S.SUBMITTED, _A.APPROVE): _S.LISTED,
    (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
    (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
    (_S.RETURNED, _A.DROP): _S.DROPPED,
    (_S.LISTED, _A.CHANGE): _S.CHANGING,
    (_S.LISTED, _A.RETIRE): _S.RETIRED,
    (_S.LISTED, _A.TAKE_DOWN): _S.TAKEN_DOWN,
    (_S.CHANGING, _A.SUBMIT): _S.CHANGE_SUBMITTED,
    (_S.CHANGING, _A.DISCARD): _S.LISTED,
    (_S.CHANGING, _A.RETIRE): _S.RETIRED,
    (_S.CHANGING, _A.TAKE_DOWN): _S.TAKEN_DOWN,
    (_S.CHANGE_SUBMITTED, _A.RECALL): _S.CHANGING,
    (_S.CHANGE_SUBMITTED, _A.APPROVE): _S.LISTED,
    (_S.CHANGE_SUBMITTED, _A.RETURN): _S.CHANGE_RETURNED,
    (_S.CHANGE_SUBMITTED, _A.TAKE_DOWN): _S.TAKEN_DOWN,
    (_S.CHANGE_RETURNED, _A.SUBMIT): _S.CHANGE_SUBMITTED,
    (_S.CHANGE_RETURNED, _A.DISCARD): _S.LISTED,
    (_S.CHANGE_RETURNED, _A.RETIRE): _S.RETIRED,
    (_S.CHANGE_RETURNED, _A.TAKE_DOWN): _S.TAKEN_DOWN,
    (_S.RETIRED, _A.REOPEN): _S.DRAFT,
    (_S.TAKEN_DOWN, _A.REOPEN): _S.DRAFT,
}

# The words last approved are public in these, whatever becomes of the change.
PUBLIC = frozenset({_S.LISTED, _S.CHANGING, _S.CHANGE_SUBMITTED, _S.CHANGE_RETURNED})
WAITING = frozenset({_S.SUBMITTED, _S.CHANGE_SUBMITTED})
# Writing in these states changes the draft; in LISTED it begins a change.
EDITABLE = frozenset({_S.DRAFT, _S.RETURNED, _S.LISTED, _S.CHANGING, _S.CHANGE_RETURNED})

STATE_LABELS: dict[CapabilityState, str] = {
    _S.DRAFT: N_("草稿"),
    _S.SUBMITTED: N_("待审核"),
    _S.RETURNED: N_("退回修改"),
    _S.LISTED: N_("已公开"),
    _S.CHANGING: N_("已公开，有修改未提交"),
    _S.CHANGE_SUBMITTED: N_("已公开，修改待审核"),
    _S.CHANGE_RETURNED: N_("已公开，修改被退回"),
    _S.RETIRED: N_("已停止公开"),
    _S.TAKEN_DOWN: N_("已撤下"),
    _S.DROPPED: N_("已作罢"),
}
ACTION_LABELS: dict[CapabilityAction, str] = {
    _A.SUBMIT: N_("提交审核"),
    _A.RECALL: N_("收回"),
    _A.APPROVE: N_("通过并公开"),
    _A.RETURN: N_("退回修改"),
    _A.CHANGE: N_("开始修改"),
    _A.DISCARD: N_("放弃修改"),
    _A.RETIRE: N_("停止公开"),
    _A.TAKE_DOWN: N_("撤下"),
    _A.REOPEN: N_("重新编写"),
    _A.DROP: N_("作罢"),
}
# What each act does, in words, on the page that asks for it.
CONSEQUENCES: dict[CapabilityAction, str] = {
    _A.SUBMIT: N_("受理员审核，通过后公开；审核期间不能修改，可以收回。"),
    _A.RECALL: N_("回到可以修改的状态，受理员不再审核这一稿。"),
    _A.DISCARD: N_("修改稿不再保留，公开的内容不变。"),
    _A.RETIRE: N_("立即从能力目录和检索中撤出；以后可以重新编写、再提交审核。"),
    _A.REOPEN: N_("以最后的内容作为草稿，改好后再提交审核。"),
    _A.DROP: N_("这一条不再办理，不会公开。"),
}
NEEDS_REASON = frozenset({_A.RETURN, _A.TAKE_DOWN})
TONES = {
    "draft": "draft",
    "submitted": "work",
    "returned": "alert",
    "listed": "live",
    "changing": "live",
    "change_submitted": "work",
    "change_returned": "alert",
    "retired": "ended",
    "taken_down": "ended",
    "dropped": "ended",
}
MACHINE = Machine("capability", TABLE, STATE_LABELS, ACTION_LABELS)
FIRM_ROLES = (Role.BIDDER, Role.ORG_ADMIN)


def _is_own(actor: Actor, capability: Any, now: datetime) -> bool:
    return actor.has(*FIRM_ROLES, at=capability.organisation_id)


def _in_good_standing(actor: Actor, capability: Any, now: datetime) -> bool:
    firm = capability.organisation
    return bool(firm.state == OrganisationState.APPROVED and firm.may_bid)


own_firm = Need("own_firm", "这是其他单位的能力，只有本单位成员可以办理。", _is_own)
firm_approved = Need(
    "firm_approved", "单位注册通过审核后才能提交能力。请先完成单位注册，或联系主管部门。", _in_good_standing
)
firm_member = policy.role(*FIRM_ROLES, refusal="揭榜单位的成员才能编写能力。请先注册单位。")
unit_member = policy.role(Role.DRAFTER, Role.APPROVER, refusal="登录的需求单位才能看到联系方式。")
staff = policy.role(*sorted(STAFF), refusal="登录的需求单位才能看到联系方式。")
editable = Need(
    "editable",
    "这一稿正在审核或已不再办理，不能修改。审核中的可以先收回。",
    lambda actor, capability, now: capability.state in EDITABLE,
)

GRANTS = policy.declare(
    {
        "capability.create": [[firm_member]],
        "capability.edit": [[own_firm, editable]],
        "capability.work": [[own_firm], [screener]],
        "capability.review": [[screener]],
        "capability.contact": [[own_firm], [unit_member], [staff]],
        "capability.submit": [[own_firm, firm_approved]],
        "capability.recall": [[own_firm]],
        "capability.change": [[own_firm]],
        "capability.discard": [[own_firm]],
        "capability.retire": [[own_firm]],
        "capability.reopen": [[own_firm]],
        "capability.drop": [[own_firm]],
        "capability.approve": [[screener, firm_approved]],
        "capability.return": [[screener]],
        "capability.take_down": [[screener]],
    }
)
