"""How a panel and its seats move (product.md §4).

Declining (谢绝, before taking the seat), abstaining (弃权, a member who stops without a conflict) and recusal (回避, a
conflict, own motion or ordered) are different things with the same consequence: the next substitute moves up and
scores all bids; sheets already written stay on record and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.panels.rules.draw import LEAST_MEMBERS, OUTSIDE_SHARE


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

PANEL_TRANSITIONS: dict[tuple[PanelState, PanelAction], PanelState] = {
    (PanelState.PREPARING, PanelAction.FIX_POOL): PanelState.POOL_FIXED,
    (PanelState.POOL_FIXED, PanelAction.REOPEN_POOL): PanelState.PREPARING,
    (PanelState.POOL_FIXED, PanelAction.DRAW): PanelState.DRAWN,
    (PanelState.DRAWN, PanelAction.DRAW_AGAIN): PanelState.PREPARING,
    (PanelState.DRAWN, PanelAction.DISCHARGE): PanelState.DISCHARGED,
}

PANEL_NEEDS: dict[PanelAction, list[list[str]]] = {
    PanelAction.FIX_POOL: [["screener", "review_open", "pool_suffices"]],
    PanelAction.REOPEN_POOL: [["screener", "reason_given"]],
    PanelAction.DRAW: [["supervisor", "present", "pool_fixed_before_checkpoint"]],
    PanelAction.DRAW_AGAIN: [["publisher", "second_person", "redraw_reason", "review_open"]],
    PanelAction.DISCHARGE: [["system", "review_over"]],
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

_SITTING = (SeatState.INVITED, SeatState.CONFIRMED, SeatState.DECLARED)

SEAT_TRANSITIONS: dict[tuple[SeatState, SeatAction], SeatState] = {
    (SeatState.SUBSTITUTE, SeatAction.CALL): SeatState.INVITED,
    (SeatState.SUBSTITUTE, SeatAction.DECLINE): SeatState.DECLINED,
    (SeatState.SUBSTITUTE, SeatAction.ORDER_RECUSAL): SeatState.RECUSED,
    (SeatState.INVITED, SeatAction.CONFIRM): SeatState.CONFIRMED,
    (SeatState.INVITED, SeatAction.DECLINE): SeatState.DECLINED,
    (SeatState.INVITED, SeatAction.EXPIRE): SeatState.EXPIRED,
    (SeatState.INVITED, SeatAction.ORDER_RECUSAL): SeatState.RECUSED,
    (SeatState.CONFIRMED, SeatAction.DECLARE): SeatState.DECLARED,
    (SeatState.CONFIRMED, SeatAction.RECUSE): SeatState.RECUSED,
    (SeatState.CONFIRMED, SeatAction.ORDER_RECUSAL): SeatState.RECUSED,
    (SeatState.CONFIRMED, SeatAction.ABSTAIN): SeatState.ABSTAINED,
    (SeatState.DECLARED, SeatAction.RECUSE): SeatState.RECUSED,
    (SeatState.DECLARED, SeatAction.ORDER_RECUSAL): SeatState.RECUSED,
    (SeatState.DECLARED, SeatAction.ABSTAIN): SeatState.ABSTAINED,
    (SeatState.RECUSED, SeatAction.OVERRIDE): SeatState.CONFIRMED,
}

SEAT_NEEDS: dict[SeatAction, list[list[str]]] = {
    SeatAction.CALL: [["system", "seat_vacant", "next_in_order"]],
    SeatAction.CONFIRM: [["own_seat"]],
    SeatAction.DECLINE: [["own_seat", "decline_reason"]],
    SeatAction.EXPIRE: [["system", "confirmation_overdue"]],
    SeatAction.DECLARE: [["own_seat", "no_hard_block"]],
    SeatAction.RECUSE: [["own_seat", "reason_given"]],
    SeatAction.ORDER_RECUSAL: [["system", "hard_block_found"], ["supervisor", "reason_given"]],
    SeatAction.OVERRIDE: [["publisher", "second_person", "reason_given", "place_not_filled"]],
    SeatAction.ABSTAIN: [["own_seat", "reason_given", "sheets_not_locked"]],
}

NEED_SENTENCES: Mapping[str, str] = {
    "screener": "只有受理员可以办理。",
    "publisher": "只有发榜负责人可以办理。",
    "supervisor": "只有监督员可以办理。",
    "second_person": "须由另一人会签，不能自己提出自己确认。",
    "system": "由系统自动执行。",
    "own_seat": "只能处理自己的邀请。",
    "review_open": "标书开启后、结果公示前才能组建专家组。",
    "pool_suffices": "符合条件的专家人数不足。",
    "reason_given": "请写明理由。",
    "decline_reason": "请选择谢绝的原因。",
    "redraw_reason": "重新抽取须选择规定的原因，并列入评审报告。",
    "present": "须由到场的监督员输入数字。",
    "pool_fixed_before_checkpoint": "请等待日志检查点晚于抽取范围的固定时间。",
    "review_over": "评审尚未结束。",
    "seat_vacant": "席位没有空缺。",
    "next_in_order": "须按候补顺序递补。",
    "confirmation_overdue": "确认期限未到。",
    "no_hard_block": "您与参与单位有利害关系，不能参加本需求的评审。",
    "hard_block_found": "没有查到须回避的情形。",
    "place_not_filled": "席位已由候补递补，不能恢复。",
    "sheets_not_locked": "评分已锁定，不能弃权。",
}


@dataclass(frozen=True, slots=True)
class Seat:
    """One expert's place. ``order``: his lot's position, members first, then substitutes."""

    expert: str
    order: int
    outside: bool
    state: SeatState


def sitting(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """Seats taken or offered, in order."""
    return tuple(sorted((seat for seat in seats if seat.state in _SITTING), key=lambda seat: seat.order))


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
