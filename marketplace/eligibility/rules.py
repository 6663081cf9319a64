"""What is checked before a bid may be scored, and by which reasons it is refused. Pure.

What the machine points at meanwhile is in ``signals``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import N_
from marketplace.bids.rules import BidState
from marketplace.platform import policy
from marketplace.platform.errors import Sentence
from marketplace.platform.policy import Actor, Need, role, signed_in
from marketplace.taxonomy import Label

CURE_WORKING_DAYS = 5
"""平台规则: how long a bidder has for a cure when the screener names no other day."""
CURE_LEAST, CURE_MOST = 2, 15
"""平台规则: bounds of that time, in working days."""
DECISION_WORKING_DAYS = 7
"""平台规则: from the opening to the last decision on eligibility."""
TEXT_MIN, TEXT_MAX = 5, 2000
FILES_MOST = 20
FILE_LIMIT = 50 << 20


class Check(StrEnum):
    """The points of the checklist, in the order in which they are worked."""

    SIGNATURES = "signatures"
    QUALIFICATION = "qualification"
    CONSORTIUM = "consortium"
    CREDIT = "credit"
    AFFILIATES = "affiliates"
    MATERIALS = "materials"


CHECKS: dict[Check, Label] = {
    Check.SIGNATURES: Label("签章与声明", "Signatures and statements"),
    Check.QUALIFICATION: Label("资质与揭榜条件", "Qualification and conditions"),
    Check.CONSORTIUM: Label("联合体", "Consortium"),
    Check.CREDIT: Label("信用承诺与信用记录", "Credit statement and record"),
    Check.AFFILIATES: Label("关联与回避", "Affiliates"),
    Check.MATERIALS: Label("材料与表单", "Material and form"),
}
HINTS: dict[Check, str] = {
    Check.SIGNATURES: "承诺书已签章，必选声明都已勾选，签署主体与揭榜单位一致。",
    Check.QUALIFICATION: "逐条对照需求的揭榜条件；资质证书在有效期内。首台套、首批次产品不以业绩为门槛。",
    Check.CONSORTIUM: "协议已签，份额合计100%，各成员已在各自账号确认，没有重复参加。",
    Check.CREDIT: "信用承诺真实，未列入失信被执行人、重大税收违法失信主体和政府采购严重违法失信名单。",
    Check.AFFILIATES: "与需求单位、其他揭榜单位没有应当回避的关系；信号只提示线索，须人工核实。",
    Check.MATERIALS: "必备材料齐全、能打开；表单的核对意见已逐条看过。填写有误可以补正，不因此作废。",
}


class Verdict(StrEnum):
    PASSED = "passed"
    DEFECT = "defect"
    NOT_APPLICABLE = "not_applicable"


VERDICTS: dict[Verdict, Label] = {
    Verdict.PASSED: Label("符合", "In order"),
    Verdict.DEFECT: Label("有问题", "Defect"),
    Verdict.NOT_APPLICABLE: Label("不涉及", "Not applicable"),
}


class Reason(StrEnum):
    """Why a bid is refused. Each code has one wording; the text beside it says what was found in this bid."""

    UNSIGNED = "unsigned"
    UNQUALIFIED = "unqualified"
    CONSORTIUM = "consortium"
    CREDIT = "credit"
    AFFILIATED = "affiliated"
    SAME_CONTROLLER = "same_controller"
    UNTRUE = "untrue"
    NOT_CURED = "not_cured"
    PROMISE_UNMET = "promise_unmet"
    INCOMPLETE = "incomplete"


REASONS: dict[Reason, Label] = {
    Reason.UNSIGNED: Label("未按要求签章或作出必选声明", "Not signed, or a required statement is missing"),
    Reason.UNQUALIFIED: Label("不符合公布的揭榜条件或资质要求", "The published conditions are not met"),
    Reason.CONSORTIUM: Label("联合体不符合公布的要求", "The consortium does not meet the published rules"),
    Reason.CREDIT: Label("信用状况不符合公布的要求", "The credit record does not meet the published rules"),
    Reason.AFFILIATED: Label("与需求单位有应当回避的关系", "Affiliated with the unit"),
    Reason.SAME_CONTROLLER: Label(
        "与另一家揭榜单位的负责人为同一人或存在控股、管理关系", "Controlled together with another bidder"
    ),
    Reason.UNTRUE: Label("提供虚假材料或虚假承诺", "Untrue material or statements"),
    Reason.NOT_CURED: Label("未在期限内补正，或补正后仍不符合", "Not cured in time, or still not in order"),
    Reason.PROMISE_UNMET: Label("容缺承诺的材料未在承诺日期前补交", "A promised document was not handed in"),
    Reason.INCOMPLETE: Label("必备材料缺失或无法读取", "Essential material is missing or unreadable"),
}


# --- promises (容缺) ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PromiseState:
    """A promised document: when it is due, when it came. ``due_at`` is the end of that day."""

    document: str
    label: str
    reason: str
    due_at: datetime | None
    met_at: datetime | None

    def state(self, now: datetime) -> str:
        """``met``, ``late`` (came too late), ``open`` or ``unmet``."""
        if self.met_at is not None:
            return "met" if self.due_at is None or self.met_at <= self.due_at else "late"
        return "open" if self.due_at is None or now <= self.due_at else "unmet"


PROMISE_WORDS: dict[str, tuple[str, str]] = {
    "met": (N_("已补交"), "done"),
    "late": (N_("逾期补交"), "alert"),
    "open": (N_("待补交"), "work"),
    "unmet": (N_("逾期未补交"), "alert"),
}


# --- deciding -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides what may be done with a bid now."""

    state: BidState
    checks: Mapping[str, str]  # check → verdict
    promises: Sequence[PromiseState]
    cure_due_at: datetime | None  # of a cure that was asked for
    cured_at: datetime | None

    @property
    def asked(self) -> bool:
        return self.cure_due_at is not None


def why_not_admit(standing: Standing, now: datetime) -> str | None:
    """Why it cannot be admitted yet, with what to do; ``None``: it can."""
    if missing := [CHECKS[check] for check in Check if check not in standing.checks]:
        return Sentence(
            "核对表还有%(count)s项没有结论：%(checks)s。请先逐项核对并保存。", count=len(missing), checks=missing
        )
    if bad := [CHECKS[check] for check in Check if standing.checks[check] == Verdict.DEFECT]:
        return Sentence(
            "核对表中“%(checks)s”有问题，不能判为合格。请先要求补正，补正后改为符合，或判为不合格。", checks=bad
        )
    if any(promise.state(now) == "open" for promise in standing.promises):
        return "容缺承诺的材料还没有补交，承诺日期也还没有到。补交之后才能判为合格。"
    if any(promise.state(now) in ("unmet", "late") for promise in standing.promises):
        return "容缺承诺没有按期兑现，按揭榜时的承诺应判为不合格。"
    if standing.asked and standing.cured_at is None and standing.cure_due_at is not None and now < standing.cure_due_at:
        return "已要求补正，期限还没有到，请等揭榜单位答复或期满后再决定。"
    return None


def why_not_reject(standing: Standing, reason: Reason, now: datetime) -> str | None:
    """Why it cannot be refused for this reason yet; ``None``: it can."""
    waiting = standing.asked and standing.cured_at is None and standing.cure_due_at is not None
    if waiting and standing.cure_due_at is not None and now < standing.cure_due_at and reason is not Reason.UNTRUE:
        return "已要求补正，期限还没有到，请等揭榜单位答复或期满后再决定。"
    if reason is Reason.NOT_CURED and not standing.asked:
        return "还没有要求过补正，不能以未补正为由判为不合格。"
    unmet = any(promise.state(now) in ("unmet", "late") for promise in standing.promises)
    if reason is Reason.PROMISE_UNMET and not unmet:
        return "没有逾期未补交的容缺材料，不能以此为由判为不合格。"
    return None


# --- who may --------------------------------------------------------------------------------------------------------


def _outside(actor: Actor, bid: Any, now: datetime) -> bool:
    """He holds no role in the unit, in the bidder or in a member of its consortium."""
    parties = {bid.demand.unit_id, bid.organisation_id, *(member.organisation_id for member in bid.members)}
    return not (actor.organisations() & parties) and actor.organisation_id not in parties


def _may_answer(actor: Actor, bid: Any, now: datetime) -> bool:
    return bool(actor.has("bidder", "org_admin", at=bid.organisation_id))


screener = role("screener", refusal="只有受理员可以办理资格审查。")
officer = role("screener", "publisher", "supervisor", refusal="资格审查由受理员办理，发榜负责人和监督员可以查看。")
outside_parties = Need(
    "outside_parties",
    "您在需求单位或这家揭榜单位任职，按规定应当回避，请由另一位受理员办理。",
    _outside,
)
of_bidder = Need("of_bidder", N_("只有本揭榜单位的成员可以这样做。"), _may_answer)

GRANTS = policy.declare(
    {
        "eligibility.list": [[officer]],
        "eligibility.see": [[officer]],
        "eligibility.work": [[screener, outside_parties]],
        "eligibility.answer": [[of_bidder]],
        "eligibility.file": [[signed_in]],  # which files those are is the query's word
    }
)
