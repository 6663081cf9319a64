"""How a panel and its seats move (product.md §4).

Declining (谢绝, before taking the seat), abstaining (弃权, a member who stops without a conflict) and recusal (回避, a
conflict, own motion or ordered) are different things with the same consequence: the next substitute moves up and
scores all bids; sheets already written stay on record and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.accounts.rules import Role, publisher, screener, supervisor, system
from marketplace.panels.rules.draw import LEAST_MEMBERS, OUTSIDE_SHARE
from marketplace.platform import policy
from marketplace.platform.workflow import Machine


class PanelState(StrEnum):
    """``POOL_FIXED``: the pool's hash is in the log, the seed does not exist yet."""

    PREPARING = "preparing"
    POOL_FIXED = "pool_fixed"
    DRAWN = "drawn"
    DISCHARGED = "discharged"


class PanelAction(StrEnum):
    FIX_POOL = "fix_pool"
    REOPEN_POOL = "reopen_pool"
    DRAW = "draw"
    DRAW_AGAIN = "draw_again"
    DISCHARGE = "discharge"


PANEL_STATE_LABELS: Mapping[PanelState, str] = {
    PanelState.PREPARING: "准备中",
    PanelState.POOL_FIXED: "范围已固定",
    PanelState.DRAWN: "已抽取",
    PanelState.DISCHARGED: "已解散",
}

PANEL_ACTION_LABELS: Mapping[PanelAction, str] = {
    PanelAction.FIX_POOL: "固定抽取范围",
    PanelAction.REOPEN_POOL: "重新划定范围",
    PanelAction.DRAW: "抽取",
    PanelAction.DRAW_AGAIN: "重新抽取",
    PanelAction.DISCHARGE: "解散专家组",
}

_P, _B = PanelState, PanelAction
PANEL_TABLE: dict[tuple[PanelState, PanelAction], PanelState] = {
    (_P.PREPARING, _B.FIX_POOL): _P.POOL_FIXED,
    (_P.POOL_FIXED, _B.REOPEN_POOL): _P.PREPARING,
    (_P.POOL_FIXED, _B.DRAW): _P.DRAWN,
    (_P.DRAWN, _B.DRAW_AGAIN): _P.PREPARING,
    (_P.DRAWN, _B.DISCHARGE): _P.DISCHARGED,
}


class SeatState(StrEnum):
    """``SUBSTITUTE``: waits in order. ``DECLARED``: declared free of conflict, the only state that counts."""

    SUBSTITUTE = "substitute"
    INVITED = "invited"
    CONFIRMED = "confirmed"
    DECLARED = "declared"
    DECLINED = "declined"
    EXPIRED = "expired"
    RECUSED = "recused"
    ABSTAINED = "abstained"


class SeatAction(StrEnum):
    CALL = "call"
    CONFIRM = "confirm"
    DECLINE = "decline"
    EXPIRE = "expire"
    DECLARE = "declare"
    RECUSE = "recuse"
    ORDER_RECUSAL = "order_recusal"
    OVERRIDE = "override"
    ABSTAIN = "abstain"


SEAT_STATE_LABELS: Mapping[SeatState, str] = {
    SeatState.SUBSTITUTE: "候补",
    SeatState.INVITED: "待确认",
    SeatState.CONFIRMED: "已确认，待申报",
    SeatState.DECLARED: "已申报",
    SeatState.DECLINED: "已谢绝",
    SeatState.EXPIRED: "逾期未确认",
    SeatState.RECUSED: "已回避",
    SeatState.ABSTAINED: "已弃权",
}

SEAT_ACTION_LABELS: Mapping[SeatAction, str] = {
    SeatAction.CALL: "递补",
    SeatAction.CONFIRM: "确认参加",
    SeatAction.DECLINE: "谢绝",
    SeatAction.EXPIRE: "逾期",
    SeatAction.DECLARE: "申报无利害关系",
    SeatAction.RECUSE: "申请回避",
    SeatAction.ORDER_RECUSAL: "责令回避",
    SeatAction.OVERRIDE: "准予参加",
    SeatAction.ABSTAIN: "弃权",
}

SITTING = (SeatState.INVITED, SeatState.CONFIRMED, SeatState.DECLARED)

_S, _A = SeatState, SeatAction
SEAT_TABLE: dict[tuple[SeatState, SeatAction], SeatState] = {
    (_S.SUBSTITUTE, _A.CALL): _S.INVITED,
    (_S.SUBSTITUTE, _A.DECLINE): _S.DECLINED,
    (_S.SUBSTITUTE, _A.ORDER_RECUSAL): _S.RECUSED,
    (_S.INVITED, _A.CONFIRM): _S.CONFIRMED,
    (_S.INVITED, _A.DECLINE): _S.DECLINED,
    (_S.INVITED, _A.EXPIRE): _S.EXPIRED,
    (_S.INVITED, _A.ORDER_RECUSAL): _S.RECUSED,
    (_S.CONFIRMED, _A.DECLARE): _S.DECLARED,
    (_S.CONFIRMED, _A.RECUSE): _S.RECUSED,
    (_S.CONFIRMED, _A.ORDER_RECUSAL): _S.RECUSED,
    (_S.CONFIRMED, _A.ABSTAIN): _S.ABSTAINED,
    (_S.DECLARED, _A.RECUSE): _S.RECUSED,
    (_S.DECLARED, _A.ORDER_RECUSAL): _S.RECUSED,
    (_S.DECLARED, _A.ABSTAIN): _S.ABSTAINED,
    (_S.RECUSED, _A.OVERRIDE): _S.CONFIRMED,
}

PANEL = Machine("panel", PANEL_TABLE, PANEL_STATE_LABELS, PANEL_ACTION_LABELS)
SEAT = Machine("seat", SEAT_TABLE, SEAT_STATE_LABELS, SEAT_ACTION_LABELS)

CONFIRM_WORKING_DAYS = 2  # 平台规则: from the invitation to the last instant of an answer

# A written reason comes with these.
PANEL_REASONED = frozenset({_B.REOPEN_POOL, _B.DRAW_AGAIN})
SEAT_REASONED = frozenset({_A.DECLINE, _A.RECUSE, _A.ORDER_RECUSAL, _A.OVERRIDE, _A.ABSTAIN})

review_open = policy.fact("review_is_open", "标书开启后、结果公示前才能组建专家组。")
pool_suffices = policy.fact("pool_suffices", "符合条件的专家人数不足，请放宽领域。")
checkpoint_newer = policy.fact("has_checkpoint_after_pool", "请等待日志检查点晚于抽取范围的固定时间，再抽取。")
redraw_proposed = policy.another("redraw_proposed_by_id", "重新抽取须由一人提出、另一人确认。")
review_over = policy.fact("review_is_over", "评审尚未结束。")
own_seat = policy.own("expert_account_id", "只能处理自己的邀请。")
no_hard_block = policy.fact("has_no_hard_block", "您与参与单位有利害关系，不能参加本需求的评审。")
hard_block = policy.fact("has_hard_block", "没有查到须回避的情形。")
vacant = policy.fact("panel_has_vacancy", "席位没有空缺。")
next_in_order = policy.fact("is_next_in_order", "须按候补顺序递补。")
overdue = policy.fact("confirmation_is_overdue", "确认期限未到。")
override_proposed = policy.another("override_proposed_by_id", "准予参加须由一人提出、另一人确认。")
place_open = policy.fact("panel_has_vacancy", "席位已由候补递补，不能恢复。")
not_locked = policy.fact("sheets_not_locked", "评分已锁定，不能弃权。")

declared_seat = policy.fact("is_declared", "请先完成回避申报。")
is_chair = policy.own("chair_account_id", "只有专家组组长可以这样做。")
office = policy.role(Role.SCREENER, Role.PUBLISHER, Role.SUPERVISOR, refusal="专家组由受理员、发榜负责人和监督员办理。")

GRANTS = policy.declare(
    {
        "expert.keep": [[screener]],
        "expert.see": [[screener], [supervisor]],
        "panel.see": [[office]],
        "panel.prepare": [[screener]],
        "panel.scan": [[screener], [publisher]],
        "panel.propose": [[publisher]],
        "panel.decide_request": [[supervisor]],
        "panel.answer": [[is_chair]],
        "seat.see": [[own_seat]],
        "seat.vote": [[own_seat, declared_seat]],
        "seat.ask": [[own_seat, declared_seat]],
        "panel.fix_pool": [[screener, review_open, pool_suffices]],
        "panel.reopen_pool": [[screener, review_open]],
        "panel.draw": [[supervisor, review_open, checkpoint_newer]],
        "panel.propose_redraw": [[publisher, review_open]],
        "panel.draw_again": [[publisher, redraw_proposed, review_open], [supervisor, redraw_proposed, review_open]],
        "panel.discharge": [[system, review_over]],
        "seat.call": [[system, vacant, next_in_order]],
        "seat.confirm": [[own_seat]],
        "seat.decline": [[own_seat]],
        "seat.expire": [[system, overdue]],
        "seat.declare": [[own_seat, no_hard_block]],
        "seat.recuse": [[own_seat]],
        "seat.order_recusal": [[system, hard_block], [supervisor]],
        "seat.propose_override": [[publisher, place_open]],
        "seat.override": [[publisher, override_proposed, place_open], [supervisor, override_proposed, place_open]],
        "seat.abstain": [[own_seat, not_locked]],
    }
)


@dataclass(frozen=True, slots=True)
class Seat:
    """One expert's place. ``order``: his lot's position, members first, then substitutes."""

    expert: str
    order: int
    outside: bool
    state: SeatState


def sitting(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """Seats taken or offered, in order."""
    return tuple(sorted((seat for seat in seats if seat.state in SITTING), key=lambda seat: seat.order))


def counted(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """Members whose sheets count: declared, and neither recused nor abstained since."""
    return tuple(seat for seat in sitting(seats) if seat.state is SeatState.DECLARED)


def next_substitutes(seats: Sequence[Seat], *, size: int) -> tuple[Seat, ...]:
    """Substitutes to call now, in order: as many as seats are vacant and substitutes wait."""
    vacant = max(0, size - len(sitting(seats)))
    waiting = sorted((seat for seat in seats if seat.state is SeatState.SUBSTITUTE), key=lambda seat: seat.order)
    return tuple(waiting[:vacant])


def faults(seats: Sequence[Seat], *, size: int) -> list[str]:
    """Sentences for what keeps the panel from reviewing; empty when it is complete and all conflicts are declared."""
    found = []
    members = counted(seats)
    waiting = [seat for seat in sitting(seats) if seat.state is not SeatState.DECLARED]
    if waiting:
        found.append(f"还有{len(waiting)}名专家未确认或未完成回避申报。")
    if len(members) < size:
        found.append(f"专家组应有{size}人，已完成申报{len(members)}人。")
    if len(members) < LEAST_MEMBERS or len(members) % 2 == 0:
        found.append(f"专家组须为不少于{LEAST_MEMBERS}人的单数。")
    if members and sum(seat.outside for seat in members) < len(members) * OUTSIDE_SHARE:
        found.append("区外专家不得少于三分之二。")
    return found
