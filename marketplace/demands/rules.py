"""The life of a demand: states, actions, who may (product.md §2.1). Pure data and functions.

"揭榜中", "即将截止" and "已截止" are not stored: they follow from ``published`` and the clock (``phase``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import STAFF, Role, publisher, screener, supervisor, system
from marketplace.demands import clocks
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need, anyone, role, signed_in
from marketplace.taxonomy import Label


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPRAISING = "appraising"
    REJECTED = "rejected"
    POOLED = "pooled"
    DROPPED = "dropped"
    PUBLISHED = "published"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    OPENED = "opened"
    REVIEWING = "reviewing"
    NOTICE = "notice"
    AWARDED = "awarded"
    COMPLETED = "completed"


class Action(StrEnum):
    SUBMIT = "submit"
    DROP = "drop"
    RECALL = "recall"
    RETURN = "return"
    APPRAISE = "appraise"
    REJECT = "reject"
    POOL = "pool"
    PUBLISH = "publish"
    CALL_BACK = "call_back"
    AMEND = "amend"
    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    OPEN = "open"
    START_REVIEW = "start_review"
    OPEN_PRICES = "open_prices"
    ANNOUNCE = "announce"
    AWARD = "award"
    RE_REVIEW = "re_review"
    VOID = "void"
    SUBSTITUTE = "substitute"
    COMPLETE = "complete"


_S, _A = State, Action
TABLE: dict[tuple[State, Action], State] = {
    (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
    (_S.DRAFT, _A.DROP): _S.DROPPED,
    (_S.RETURNED, _A.SUBMIT): _S.SUBMITTED,
    (_S.RETURNED, _A.DROP): _S.DROPPED,
    (_S.SUBMITTED, _A.RECALL): _S.DRAFT,
    (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
    (_S.SUBMITTED, _A.APPRAISE): _S.APPRAISING,
    (_S.APPRAISING, _A.RETURN): _S.RETURNED,
    (_S.APPRAISING, _A.REJECT): _S.REJECTED,
    (_S.APPRAISING, _A.POOL): _S.POOLED,
    (_S.POOLED, _A.RETURN): _S.RETURNED,
    (_S.POOLED, _A.DROP): _S.DROPPED,
    (_S.POOLED, _A.PUBLISH): _S.PUBLISHED,
    (_S.PUBLISHED, _A.CALL_BACK): _S.POOLED,
    (_S.PUBLISHED, _A.AMEND): _S.PUBLISHED,
    (_S.PUBLISHED, _A.EXTEND): _S.PUBLISHED,
    (_S.PUBLISHED, _A.SUSPEND): _S.SUSPENDED,
    (_S.SUSPENDED, _A.RESUME): _S.PUBLISHED,
    (_S.PUBLISHED, _A.REOPEN): _S.PUBLISHED,
    (_S.PUBLISHED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.SUSPENDED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.PUBLISHED, _A.LAPSE): _S.LAPSED,
    (_S.PUBLISHED, _A.OPEN): _S.OPENED,
    (_S.OPENED, _A.LAPSE): _S.LAPSED,
    (_S.OPENED, _A.START_REVIEW): _S.REVIEWING,
    (_S.REVIEWING, _A.LAPSE): _S.LAPSED,
    (_S.REVIEWING, _A.OPEN_PRICES): _S.REVIEWING,
    (_S.REVIEWING, _A.ANNOUNCE): _S.NOTICE,
    (_S.NOTICE, _A.AWARD): _S.AWARDED,
    (_S.NOTICE, _A.RE_REVIEW): _S.REVIEWING,
    (_S.NOTICE, _A.VOID): _S.LAPSED,
    (_S.AWARDED, _A.SUBSTITUTE): _S.AWARDED,
    (_S.AWARDED, _A.RE_REVIEW): _S.REVIEWING,
    (_S.AWARDED, _A.LAPSE): _S.LAPSED,
    (_S.AWARDED, _A.COMPLETE): _S.COMPLETED,
}

STATE_LABELS: dict[State, Label] = {
    _S.DRAFT: Label("草稿", "Draft"),
    _S.SUBMITTED: Label("已提交", "Submitted"),
    _S.RETURNED: Label("退回补正", "Returned"),
    _S.APPRAISING: Label("论证中", "Under appraisal"),
    _S.REJECTED: Label("未通过", "Rejected"),
    _S.POOLED: Label("已入库", "Pooled"),
    _S.DROPPED: Label("作罢", "Dropped"),
    _S.PUBLISHED: Label("已张榜", "Published"),
    _S.SUSPENDED: Label("已暂停", "Suspended"),
    _S.WITHDRAWN: Label("已撤榜", "Withdrawn"),
    _S.LAPSED: Label("流榜", "Lapsed"),
    _S.OPENED: Label("已开启", "Opened"),
    _S.REVIEWING: Label("评审中", "Under review"),
    _S.NOTICE: Label("公示中", "Public notice"),
    _S.AWARDED: Label("已定榜", "Awarded"),
    _S.COMPLETED: Label("已办结", "Completed"),
}
ACTION_LABELS: dict[Action, Label] = {
    _A.SUBMIT: Label("提交", "Submit"),
    _A.DROP: Label("作罢", "Drop"),
    _A.RECALL: Label("收回", "Recall"),
    _A.RETURN: Label("退回补正", "Return for correction"),
    _A.APPRAISE: Label("转入论证", "Send to appraisal"),
    _A.REJECT: Label("不予通过", "Reject"),
    _A.POOL: Label("入库", "Pool"),
    _A.PUBLISH: Label("张榜", "Publish"),
    _A.CALL_BACK: Label("撤回待发布", "Call back"),
    _A.AMEND: Label("变更", "Amend"),
    _A.EXTEND: Label("延期", "Extend"),
    _A.SUSPEND: Label("暂停", "Suspend"),
    _A.RESUME: Label("恢复", "Resume"),
    _A.REOPEN: Label("重开揭榜", "Reopen for bids"),
    _A.WITHDRAW: Label("撤榜", "Withdraw"),
    _A.LAPSE: Label("流榜", "Lapse"),
    _A.OPEN: Label("开启", "Open"),
    _A.START_REVIEW: Label("开始评审", "Start review"),
    _A.OPEN_PRICES: Label("开启报价", "Open prices"),
    _A.ANNOUNCE: Label("公示", "Announce"),
    _A.AWARD: Label("定榜", "Award"),
    _A.RE_REVIEW: Label("重新评审", "Review again"),
    _A.VOID: Label("作废", "Void"),
    _A.SUBSTITUTE: Label("递补", "Substitute"),
    _A.COMPLETE: Label("办结", "Complete"),
}

BEFORE_PUBLICATION = frozenset({_S.DRAFT, _S.SUBMITTED, _S.RETURNED, _S.APPRAISING, _S.REJECTED, _S.POOLED, _S.DROPPED})
EDITABLE = frozenset({_S.DRAFT, _S.RETURNED})
ENDED = frozenset({_S.REJECTED, _S.DROPPED, _S.WITHDRAWN, _S.LAPSED, _S.COMPLETED})

# What an amendment may never touch: the game is not changed while it is being played.
FROZEN_FIELDS = frozenset({"score_sheet", "mode", "min_bids", "two_step", "blind", "award_count"})

# Phases as the public reads and filters them: the stored state, with ``published`` split by the clock.
PHASES: dict[str, Label] = {
    **clocks.PHASES,
    **{str(state): STATE_LABELS[state] for state in State if state is not _S.PUBLISHED},
}
TONES: dict[str, str] = {
    "draft": "draft",
    "submitted": "work",
    "returned": "alert",
    "appraising": "work",
    "rejected": "ended",
    "pooled": "work",
    "dropped": "ended",
    "scheduled": "work",
    "open": "live",
    "closing": "live",
    "closed": "work",
    "suspended": "ended",
    "withdrawn": "ended",
    "lapsed": "ended",
    "opened": "work",
    "reviewing": "work",
    "notice": "solemn",
    "awarded": "winner",
    "completed": "done",
}


def phase(state: State, *, visible_from: datetime | None, closes_at: datetime | None, now: datetime) -> str:
    """A key of ``PHASES`` (or ``scheduled``), exact at every instant without any job having run."""
    if state is not State.PUBLISHED or closes_at is None or visible_from is None:
        return str(state)
    if now < visible_from:
        return "scheduled"
    return clocks.phase(closes_at, now=now)


def accepts_bids(state: State, *, visible_from: datetime | None, closes_at: datetime | None, now: datetime) -> bool:
    """Whether a bid may be written at this instant; at ``closes_at`` itself it may not."""
    return phase(state, visible_from=visible_from, closes_at=closes_at, now=now) in ("open", "closing")


# Acts that need two people: who may confirm what a publisher proposed (never the proposer).
SECOND_PERSON: dict[Action, tuple[Role, ...]] = {
    _A.REOPEN: (Role.SUPERVISOR,),
    _A.WITHDRAW: (Role.SUPERVISOR,),
    _A.LAPSE: (Role.PUBLISHER, Role.SUPERVISOR),
    _A.ANNOUNCE: (Role.PUBLISHER, Role.SUPERVISOR),
    _A.AWARD: (Role.PUBLISHER, Role.SUPERVISOR),
    _A.RE_REVIEW: (Role.SUPERVISOR,),
    _A.VOID: (Role.SUPERVISOR,),
    _A.SUBSTITUTE: (Role.SUPERVISOR,),
}


def _of_unit(*roles: Role) -> Need:
    def check(actor: Actor, demand: Any, now: datetime) -> bool:
        return actor.has(*roles, at=demand.unit_id)

    sentence = "只有本需求单位的填报人或审核人可以这样做。" if len(roles) > 1 else "只有本需求单位的审核人可以这样做。"
    return Need(f"of_unit:{'|'.join(roles)}", sentence, check)


def _confirmed_by(action: Action) -> Need:
    def check(actor: Actor, demand: Any, now: datetime) -> bool:
        proposal = demand.open_proposal
        return (
            proposal is not None
            and proposal.action == action
            and proposal.proposed_by_id != actor.id
            and actor.has(*SECOND_PERSON[action])
        )

    return Need(
        f"second_person:{action}",
        "这一步须由发榜负责人提出、另一人确认：请先提出，再请有权的第二人登录确认，提出人不能自己确认。",
        check,
    )


of_unit = _of_unit(Role.DRAFTER, Role.APPROVER)
approver_of_unit = _of_unit(Role.APPROVER)
writes_for_a_unit = role(Role.DRAFTER, Role.APPROVER, refusal="只有需求单位的填报人或审核人可以填报需求。")
not_the_drafter = Need(
    "not_the_drafter",
    "填报人不能确认自己填报的需求，请由本单位另一位审核人提交。",
    lambda actor, demand, now: bool(actor.id != demand.drafter_id),
)
not_the_screener = Need(
    "not_the_screener",
    "您受理过这条需求，按规定不能再由您张榜，请由另一位发榜负责人办理。",
    lambda actor, demand, now: bool(actor.id != demand.screener_id),
)
screening_not_begun = Need(
    "screening_not_begun",
    "受理员已经开始审查，不能收回。如需修改，请联系受理员退回。",
    lambda actor, demand, now: demand.screening_begun_at is None,
)
editable = Need(
    "editable",
    "提交之后内容不能直接修改。需要改动时请先收回，或请受理员退回。",
    lambda actor, demand, now: demand.state in EDITABLE,
)
before_deadline = Need(
    "before_deadline",
    "揭榜已经截止，不能再这样做。截止后的情况由开启和评审处理。",
    lambda actor, demand, now: demand.closes_at is not None and now < demand.closes_at,
)
after_deadline = Need(
    "after_deadline",
    "揭榜尚未截止，到截止时间之后才能这样做。",
    lambda actor, demand, now: demand.closes_at is not None and now >= demand.closes_at,
)
already_visible = Need(
    "already_visible",
    "这一批还没有到公布时间，需要改动时请整批撤回。",
    lambda actor, demand, now: demand.visible_from is not None and now >= demand.visible_from,
)
not_yet_visible = Need(
    "not_yet_visible",
    "已经公布，不能撤回到库中；可以变更、暂停或撤榜。",
    lambda actor, demand, now: demand.visible_from is not None and now < demand.visible_from,
)
in_screening = Need(
    "in_screening",
    "形式审查已经结束，现在由发榜负责人退回。",
    lambda actor, demand, now: demand.state is State.SUBMITTED,
)
past_screening = Need(
    "past_screening",
    "还在形式审查，由受理员退回。",
    lambda actor, demand, now: demand.state is not State.SUBMITTED,
)
is_pooled = Need(
    "is_pooled",
    "还没有入库，由需求单位的审核人自己作罢。",
    lambda actor, demand, now: demand.state is State.POOLED,
)
is_suspended = Need("is_suspended", "", lambda actor, demand, now: demand.state is State.SUSPENDED)
nothing_released = Need(
    "nothing_released",
    "保管人已共同释放，标书正在开启，不能再撤榜。开启完成后可以按流榜处理。",
    lambda actor, demand, now: demand.released_at is None,
)
none_released = Need(
    "none_released",
    "保管人已共同释放，标书正在开启，不能再重开揭榜。",
    lambda actor, demand, now: demand.released_at is None,
)
in_review = Need(
    "in_review",
    "开启之后、公示之前才能由两人决定流榜。",
    lambda actor, demand, now: demand.state in (State.OPENED, State.REVIEWING),
)
is_public = Need(
    "is_public",
    "这条需求还没有公布。",
    lambda actor, demand, now: demand.visible_from is not None and now >= demand.visible_from,
)
finance = role(Role.FINANCE, refusal="只有财政可以这样做。")
staff = role(*sorted(STAFF), refusal="这一页供平台工作人员使用。")


def end_to_propose(demand: Any, now: datetime) -> Action | None:
    """Which end of a demand a publisher may propose to a second person now (product.md §2.1): 撤榜 between the deadline
    and the release, 流榜 between the opening and the announcement."""
    if demand.state in (State.OPENED, State.REVIEWING):
        return Action.LAPSE
    closed = demand.state is State.PUBLISHED and demand.closes_at is not None and demand.closes_at <= now
    return Action.WITHDRAW if closed and demand.released_at is None else None


GRANTS = policy.declare(
    {
        "demand.see": [[anyone]],  # visibility itself is queries.visible
        "demand.desk": [[signed_in]],
        "demand.create": [[writes_for_a_unit]],
        "demand.edit": [[of_unit, editable]],
        "demand.clone": [[of_unit], [writes_for_a_unit, is_public]],
        "demand.follow": [[signed_in, is_public]],
        "demand.queue": [[screener], [publisher]],
        "demand.screen": [[screener]],
        "demand.lookalikes": [[screener], [publisher]],
        "demand.import": [[screener]],
        "demand.export": [[staff], [writes_for_a_unit]],
        "demand.work": [[of_unit], [screener], [publisher], [supervisor], [finance]],
        "demand.decide": [[publisher], [supervisor]],
        "demand.propose": [[publisher]],
        "demand.republish": [[publisher]],
        "demand.submit": [[approver_of_unit, not_the_drafter]],
        "demand.drop": [[approver_of_unit, editable], [publisher, is_pooled]],
        "demand.recall": [[approver_of_unit, screening_not_begun]],
        "demand.return": [[screener, in_screening], [publisher, past_screening]],
        "demand.appraise": [[screener]],
        "demand.reject": [[publisher]],
        "demand.pool": [[publisher]],
        "demand.publish": [[publisher, not_the_screener]],
        "demand.call_back": [[publisher, not_yet_visible]],
        "demand.amend": [[publisher, already_visible, before_deadline]],
        "demand.extend": [[publisher, already_visible, before_deadline]],
        "demand.suspend": [[publisher, already_visible, before_deadline]],
        "demand.resume": [[publisher]],
        "demand.reopen": [[_confirmed_by(_A.REOPEN), after_deadline, none_released]],
        "demand.withdraw": [
            [publisher, already_visible, before_deadline],
            [publisher, is_suspended],
            [_confirmed_by(_A.WITHDRAW), nothing_released],
        ],
        "demand.lapse": [[system, after_deadline], [in_review, _confirmed_by(_A.LAPSE)]],
        "demand.open": [[system, after_deadline]],
        "demand.start_review": [[publisher]],
        "demand.open_prices": [[system]],
        "demand.announce": [[_confirmed_by(_A.ANNOUNCE)]],
        "demand.award": [[_confirmed_by(_A.AWARD)]],
        "demand.re_review": [[_confirmed_by(_A.RE_REVIEW)]],
        "demand.void": [[_confirmed_by(_A.VOID)]],
        "demand.substitute": [[_confirmed_by(_A.SUBSTITUTE)]],
        "demand.complete": [[system]],
    }
)

# Custody of the sealed bids: level → (k, n). For n ≥ 2 the custodians come from at least two organisations.
CUSTODY: dict[str, tuple[int, int]] = {"1-of-1": (1, 1), "2-of-3": (2, 3), "3-of-5": (3, 5)}
