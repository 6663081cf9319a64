"""The life of a bid: states, actions, who may (product.md §2.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from marketplace.platform import policy
from marketplace.platform.errors import Sentence
from marketplace.platform.policy import Actor, Need, role
from marketplace.taxonomy import Label


def N_(text: str) -> str:
    """Marks a sentence for translation; pages translate it when they show it."""
    return text


class BidState(StrEnum):
    DRAFT = "draft"
    SEALED = "sealed"
    WITHDRAWN = "withdrawn"
    DESTROYED = "destroyed"
    UNOPENABLE = "unopenable"
    OPENED = "opened"
    CURE = "cure"
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    RENOUNCED = "renounced"
    CANDIDATE = "candidate"
    NOT_SELECTED = "not_selected"
    AWARDED = "awarded"
    DECLINED = "declined"
    VOID = "void"
    CLOSED = "closed"


class BidAction(StrEnum):
    SEAL = "seal"
    REPLACE = "replace"
    CONFIRM = "confirm"
    WITHDRAW = "withdraw"
    DESTROY = "destroy"
    OPEN = "open"
    FAIL = "fail"
    ASK_CURE = "ask_cure"
    ADMIT = "admit"
    REJECT = "reject"
    RENOUNCE = "renounce"
    NOMINATE = "nominate"
    PASS_OVER = "pass_over"  # noqa: S105
    SUBSTITUTE = "substitute"
    AWARD = "award"
    DECLINE = "decline"
    VOID = "void"
    CLOSE = "close"
    REOPEN = "reopen"


_S, _A = BidState, BidAction
TABLE: dict[tuple[BidState, BidAction], BidState] = {
    (_S.DRAFT, _A.SEAL): _S.SEALED,
    (_S.WITHDRAWN, _A.SEAL): _S.SEALED,
    (_S.SEALED, _A.REPLACE): _S.SEALED,
    (_S.SEALED, _A.CONFIRM): _S.SEALED,
    (_S.SEALED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.SEALED, _A.DESTROY): _S.DESTROYED,
    (_S.SEALED, _A.OPEN): _S.OPENED,
    (_S.SEALED, _A.FAIL): _S.UNOPENABLE,
    (_S.ELIGIBLE, _A.FAIL): _S.UNOPENABLE,  # two-step: the price envelope is opened last
    (_S.OPENED, _A.ASK_CURE): _S.CURE,
    (_S.OPENED, _A.ADMIT): _S.ELIGIBLE,
    (_S.OPENED, _A.REJECT): _S.INELIGIBLE,
    (_S.OPENED, _A.RENOUNCE): _S.RENOUNCED,
    (_S.OPENED, _A.CLOSE): _S.CLOSED,
    (_S.CURE, _A.ADMIT): _S.ELIGIBLE,
    (_S.CURE, _A.REJECT): _S.INELIGIBLE,
    (_S.CURE, _A.RENOUNCE): _S.RENOUNCED,
    (_S.CURE, _A.CLOSE): _S.CLOSED,
    (_S.ELIGIBLE, _A.RENOUNCE): _S.RENOUNCED,
    (_S.ELIGIBLE, _A.NOMINATE): _S.CANDIDATE,
    (_S.ELIGIBLE, _A.PASS_OVER): _S.NOT_SELECTED,
    (_S.ELIGIBLE, _A.CLOSE): _S.CLOSED,
    (_S.CANDIDATE, _A.AWARD): _S.AWARDED,
    (_S.CANDIDATE, _A.DECLINE): _S.DECLINED,
    (_S.CANDIDATE, _A.VOID): _S.VOID,
    (_S.ELIGIBLE, _A.VOID): _S.VOID,  # disqualified during the review
    (_S.NOT_SELECTED, _A.SUBSTITUTE): _S.CANDIDATE,
    # A re-review puts everybody back who had not left: the competition is ranked, or scored, again.
    (_S.CANDIDATE, _A.REOPEN): _S.ELIGIBLE,
    (_S.NOT_SELECTED, _A.REOPEN): _S.ELIGIBLE,
    (_S.AWARDED, _A.REOPEN): _S.ELIGIBLE,
}

STATE_LABELS: dict[BidState, Label] = {
    _S.DRAFT: Label("草稿", "Draft"),
    _S.SEALED: Label("已封标", "Sealed"),
    _S.WITHDRAWN: Label("已撤回", "Withdrawn"),
    _S.DESTROYED: Label("未开启即销毁", "Destroyed unopened"),
    _S.UNOPENABLE: Label("无法开启", "Unopenable"),
    _S.OPENED: Label("已开启", "Opened"),
    _S.CURE: Label("补正中", "Being cured"),
    _S.ELIGIBLE: Label("资格合格", "Eligible"),
    _S.INELIGIBLE: Label("资格不合格", "Ineligible"),
    _S.RENOUNCED: Label("已放弃", "Renounced"),
    _S.CANDIDATE: Label("拟中榜", "Candidate"),
    _S.NOT_SELECTED: Label("未入选", "Not selected"),
    _S.AWARDED: Label("中榜", "Awarded"),
    _S.DECLINED: Label("弃标", "Declined"),
    _S.VOID: Label("作废", "Void"),
    _S.CLOSED: Label("已关闭", "Closed"),
}
ACTION_LABELS: dict[BidAction, Label] = {
    _A.SEAL: Label("封口", "Seal"),
    _A.REPLACE: Label("替换", "Replace"),
    _A.CONFIRM: Label("确认变更", "Confirm the amendment"),
    _A.WITHDRAW: Label("撤回", "Withdraw"),
    _A.DESTROY: Label("销毁", "Destroy"),
    _A.OPEN: Label("开启", "Open"),
    _A.FAIL: Label("判为无法开启", "Find unopenable"),
    _A.ASK_CURE: Label("要求补正", "Ask for a cure"),
    _A.ADMIT: Label("资格合格", "Admit"),
    _A.REJECT: Label("资格不合格", "Reject"),
    _A.RENOUNCE: Label("放弃", "Renounce"),
    _A.NOMINATE: Label("列为候选", "Nominate"),
    _A.PASS_OVER: Label("不予入选", "Pass over"),
    _A.SUBSTITUTE: Label("递补", "Substitute"),
    _A.AWARD: Label("中榜", "Award"),
    _A.DECLINE: Label("弃标", "Decline"),
    _A.VOID: Label("作废", "Void"),
    _A.CLOSE: Label("关闭", "Close"),
    _A.REOPEN: Label("重新评审", "Review again"),
}
TONES: dict[BidState, str] = {
    _S.DRAFT: "draft",
    _S.SEALED: "live",
    _S.WITHDRAWN: "ended",
    _S.DESTROYED: "ended",
    _S.UNOPENABLE: "alert",
    _S.OPENED: "work",
    _S.CURE: "alert",
    _S.ELIGIBLE: "work",
    _S.INELIGIBLE: "alert",
    _S.RENOUNCED: "ended",
    _S.CANDIDATE: "winner",
    _S.NOT_SELECTED: "done",
    _S.AWARDED: "winner",
    _S.DECLINED: "ended",
    _S.VOID: "alert",
    _S.CLOSED: "ended",
}

# What the bidder does before the opening. Nobody else may learn that it happened, so its leaves name no one.
SECRET = frozenset({_A.SEAL, _A.REPLACE, _A.CONFIRM, _A.WITHDRAW})
LIVE = frozenset({_S.SEALED})
WAS_OPENED = frozenset(BidState) - {_S.DRAFT, _S.SEALED, _S.WITHDRAWN, _S.DESTROYED, _S.UNOPENABLE}
"""Bids whose content was read at the opening. (A price that could not be opened leaves ``unopenable``.)"""


# What was uploaded and is no part of a bid (平台规则). A draft is never touched while its demand may still take bids.
UNFINISHED_KEPT = timedelta(days=7)
"""An upload that nobody went on with: its pieces; the browser can send them again."""
ABANDONED_KEPT = timedelta(days=30)
"""After the deadline: what was prepared and never sealed."""
WASTE_KEPT = timedelta(days=1)
"""Ciphertext that a later save replaced: longer than any request that may still be reading it."""


class Stage(StrEnum):
    """What a release covers: all of a bid, or in a two-step demand first the technical envelope, then the price."""

    FIRST = "first"
    PRICE = "price"


def envelopes_of(stage: Stage, *, two_step: bool) -> tuple[str, ...]:
    """Which envelopes a release of this stage opens."""
    if stage is Stage.PRICE:
        return ("price",) if two_step else ()
    return ("technical",) if two_step else ("technical", "price")


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether an organisation may bid on a demand; gathered by ``queries.standing``."""

    approved: bool
    may_bid: bool
    own_demand: bool
    affiliated_with: str  # the affiliate's name, "" for none
    consortium_of: str  # the lead of another live bid that it belongs to, "" for none
    phase: str
    procurement_off: bool
    sealable: bool  # the custodian set is frozen


def why_not_bid(standing: Standing) -> str | None:
    """``None`` when it may bid, else what, why and what to do."""
    if standing.phase in ("closed", "opened", "reviewing", "notice", "awarded", "completed"):
        return N_("揭榜已经截止，不能再揭榜。可以关注同一方向的其他榜单。")
    if standing.phase == "suspended":
        return N_("这条需求暂停揭榜。恢复后截止时间会顺延，关注它就会收到通知。")
    if standing.phase not in ("open", "closing"):
        return N_("这条需求现在不接受揭榜。")
    if standing.procurement_off:
        return N_("这是政府采购意向，本平台不受理投标。请按页面上的链接到法定媒体参加采购。")
    if not standing.sealable:
        return N_("这条需求还没有固定保管人，暂不能封标。请联系发榜单位。")
    if not standing.approved:
        return N_("贵单位的登记还在审核中。审核通过后即可揭榜，进度见单位资料页。")
    if not standing.may_bid:
        return N_("贵单位没有登记为揭榜单位。请由单位管理员在单位资料页申请揭榜资格。")
    if standing.own_demand:
        return N_("这是贵单位自己发布的需求，发榜单位不能揭自己的榜。")
    if standing.affiliated_with:
        return Sentence(
            "贵单位与发榜单位有关联关系（%(affiliate)s），按规定应当回避，不能揭榜。",
            affiliate=standing.affiliated_with,
        )
    if standing.consortium_of:
        return Sentence("贵单位已作为成员加入%(lead)s牵头的揭榜，同一需求不能再单独揭榜。", lead=standing.consortium_of)
    return None


def _accepts(actor: Actor, bid: Any, now: datetime) -> bool:
    return bool(bid.demand.accepts_bids(now))


bids_for_a_firm = role(
    "bidder", "org_admin", refusal=N_("只有揭榜单位的成员可以这样做。请用单位账号登录，或先登记单位。")
)
of_bidder = Need(
    "of_bidder",
    N_("只有本揭榜单位的成员可以这样做。"),
    lambda actor, bid, now: actor.has("bidder", "org_admin", at=bid.organisation_id),
)
of_member = Need(
    "of_member",
    N_("只有受邀联合体成员单位的人员可以这样做。"),
    lambda actor, member, now: actor.has("bidder", "org_admin", at=member.organisation_id),
)
member_in_time = Need(
    "in_time", N_("揭榜已经截止，不能再确认。"), lambda actor, member, now: _accepts(actor, member.bid, now)
)
in_time = Need("in_time", N_("揭榜已经截止或暂停，标书不能再改动。"), _accepts)
custodian_of_demand = Need(
    "custodian_of_demand",
    "只有这条需求公告的保管人可以释放。",
    lambda actor, demand, now: actor.has("custodian") and any(item.user_id == actor.id for item in demand.custodians),
)
past_deadline = Need(
    "past_deadline",
    "还没有到截止时间，任何人都不能释放。截止之后再办理。",
    lambda actor, demand, now: demand.closes_at is not None and now >= demand.closes_at,
)
screener = role("screener", refusal="只有受理员可以这样做。")
officer = role("screener", "publisher", refusal="只有受理员或发榜负责人可以答复。")
deciders = role("publisher", "supervisor", refusal="只有发榜负责人或监督员可以这样做。")
system = Need("system", "这一步由系统在条件满足时自动办理。", lambda actor, bid, now: actor.is_system)

GRANTS = policy.declare(
    {
        "bid.start": [[bids_for_a_firm]],
        "bid.see": [[of_bidder]],
        "receipt.see": [[bids_for_a_firm]],  # found only among those of his organisations
        "bid.draft": [[of_bidder, in_time]],
        "bid.seal": [[of_bidder, in_time]],
        "bid.replace": [[of_bidder, in_time]],
        "bid.confirm": [[of_bidder, in_time]],
        "bid.withdraw": [[of_bidder, in_time]],
        "bid.join": [[of_member, member_in_time]],
        "bid.destroy": [[system]],
        "bid.open": [[system]],
        "bid.fail": [[system]],
        "bid.ask_cure": [[screener]],
        "bid.admit": [[screener], [system]],
        "bid.reject": [[screener], [system]],
        "bid.renounce": [[of_bidder]],
        "bid.nominate": [[deciders], [system]],
        "bid.pass_over": [[deciders], [system]],
        "bid.substitute": [[deciders], [system]],
        "bid.award": [[deciders], [system]],
        "bid.decline": [[of_bidder], [deciders], [system]],
        "bid.void": [[deciders], [system]],
        "bid.close": [[system]],
        "bid.reopen": [[system]],
        "opening.release": [[custodian_of_demand, past_deadline], [system, past_deadline]],
        "opening.object": [[of_bidder]],
        "opening.answer": [[officer]],
    }
)
