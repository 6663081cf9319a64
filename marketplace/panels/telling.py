"""The outbox consumer "panels": invitations go out, the office and the panel hear what concerns them.

No message names a bidder, an expert to another, or how many bids there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.panels import invitations
from marketplace.panels.models import Panel, PanelQuestion, PanelSeat
from marketplace.panels.rules.seats import SEAT_STATE_LABELS, SeatState
from marketplace.platform.formatting import moment_short
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe

TOPICS = ("seat.", "panel.", "demand.start_review", "review.lock")
LEFT = ("seat.decline", "seat.expire", "seat.recuse", "seat.order_recusal", "seat.abstain")


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("panels", handle, topics=TOPICS)


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Each row tells whom it concerns; a row read again finds its messages there."""
    for row in rows:
        demand = db.session.get(Demand, int(row.payload.get("demand_id") or 0)) or _demand_of(row)
        if demand is None:
            continue
        if row.topic == "seat.call":
            _invite(row, demand)
        elif row.topic in LEFT:
            _left(row, demand)
        elif row.topic == "panel.fix_pool":
            _office(row, demand, (Role.SUPERVISOR,), "请到场抽取评审专家", "抽取范围已固定。当场输入随机数后抽取。")
        elif row.topic in ("panel.propose_redraw", "seat.propose_override"):
            word = "重新抽取专家" if row.topic == "panel.propose_redraw" else "准予已回避的专家参加"
            _office(
                row, demand, (Role.PUBLISHER, Role.SUPERVISOR), f"有一项提议等您确认：{word}", "提出人不能自己确认。"
            )
        elif row.topic == "demand.start_review":
            _panel(row, demand, "评审开始，请评分", "标书和评分表已经放到您的评审页。")
        elif row.topic == "review.lock":
            _office(row, demand, (Role.SCREENER, Role.PUBLISHER), "全部评分表已锁定", "可以进入下一步。")
        elif row.topic in ("panel.ask", "panel.answer"):
            _question(row, demand)


def _demand_of(row: OutboxRow) -> Demand | None:
    kind, _, number = str(row.payload.get("subject", "")).partition(":")
    return db.session.get(Demand, int(number)) if kind == "demand" and number.isdigit() else None


def _seat_of(row: OutboxRow) -> PanelSeat | None:
    kind, _, number = str(row.payload.get("subject", "")).partition(":")
    return db.session.get(PanelSeat, int(number)) if kind == "panel_seat" else None


def _tell(row: OutboxRow, who: Iterable[int], title: str, text: str, url: str, *, key: str = "") -> None:
    notifications.tell(set(who), key=key or f"outbox:{row.id}:panels", title=title, text=text, url=url, now=row.at)


def _invite(row: OutboxRow, demand: Demand) -> None:
    seat = _seat_of(row)
    if seat is None or seat.expert_account_id is None or seat.state is not SeatState.INVITED:
        return
    assert seat.confirm_by is not None
    _tell(
        row,
        [seat.expert_account_id],
        f"邀请您评审：{demand.title}",
        f"请在{moment_short(seat.confirm_by)}前答复是否参加，逾期由候补专家递补。请勿转发，专家名单在公示前保密。",
        f"/panel-invitations/{invitations.token(seat)}",
    )


def _office(row: OutboxRow, demand: Demand, roles: tuple[Role, ...], what: str, text: str) -> None:
    others = people.holder_ids(*roles) - {row.payload.get("actor_id") or 0}
    _tell(row, others, f"{what}：{demand.title}", text, f"/panels/{demand.ref}")


def _left(row: OutboxRow, demand: Demand) -> None:
    seat = _seat_of(row)
    if seat is None:
        return
    state = SEAT_STATE_LABELS[seat.state]
    _office(row, demand, (Role.SCREENER,), f"专家{seat.number}{state}", "已按候补顺序递补；候补用尽时请提出重新抽取。")
    if row.topic == "seat.order_recusal" and seat.expert_account_id is not None:
        title = f"您不参加这次评审：{demand.title}"
        _tell(row, [seat.expert_account_id], title, "按回避规定由候补专家递补。", "/review", key=f"outbox:{row.id}:own")


def _panel(row: OutboxRow, demand: Demand, what: str, text: str) -> None:
    panel = db.session.get(Panel, int(row.payload.get("panel_id") or 0))
    if panel is not None:
        who = [seat.expert_account_id for seat in panel.counted_seats if seat.expert_account_id is not None]
        _tell(row, who, f"{what}：{demand.title}", text, f"/review/{demand.ref}")


def _question(row: OutboxRow, demand: Demand) -> None:
    question = db.session.get(PanelQuestion, int(row.payload.get("question") or 0))
    panel = db.session.get(Panel, question.panel_id) if question is not None else None
    if question is None or panel is None:
        return
    url = f"/review/{demand.ref}/questions"
    if row.topic == "panel.answer" and question.seat.expert_account_id is not None:
        _tell(row, [question.seat.expert_account_id], f"组长答复了您的提问：{demand.title}", question.answer, url)
    elif row.topic == "panel.ask" and panel.chair_account_id is not None:
        _tell(row, [panel.chair_account_id], f"组内有人提问：{demand.title}", question.text, url)
