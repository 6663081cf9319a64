"""The outbox consumer "bids": people of the organisations concerned are told, and nobody else.

Before the opening every mail is discreet: it names neither demand nor act (sealing.md, head).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.platform.outbox import OutboxRow

# topic → (title, text, page); {title} of the demand, {who} the organisation that acted or asked.
TO_MEMBER = ("{who}邀请贵单位加入联合体：{title}", "请在截止前确认或谢绝。确认之前，牵头单位不能封口。", "membership")
TO_LEAD = {
    "bid.joined": ("{who}已确认加入联合体：{title}", "", ""),
    "bid.declined": ("{who}谢绝加入联合体：{title}", "请调整成员或改为独立揭榜。", "members"),
}
TO_ALL = {
    "bid.sealed": ("标书已封口：{title}", "截止前可以替换或撤回；回执可以自己核验。"),
    "bid.withdrawn": ("标书已撤回：{title}", "截止前可以重新封口。"),
    "bid.confirmed": ("已确认需求变更：{title}", "标书不变，按变更后的需求评审。"),
    "bid.destroyed": ("需求未开启即结束：{title}", "标书没有打开，密钥分片已经销毁；请保存回执。"),
}


def install() -> None:
    """Subscribe by name; once per process."""
    from marketplace.platform.outbox.service import subscribe

    subscribe("bids", handle, topics=("bid.",))


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Tell each organisation in its own words; a row read again finds its messages already there."""
    for row in rows:
        if row.topic == "bid.invited" or row.topic in TO_LEAD or row.topic in TO_ALL:
            bid = db.session.scalar(
                select(Bid)
                .where(Bid.public_id == str(row.payload.get("bid", "")))
                .options(joinedload(Bid.demand), joinedload(Bid.organisation), selectinload(Bid.members))
            )
            if bid is not None:
                _about(row, bid)


def _about(row: OutboxRow, bid: Bid) -> None:
    if row.topic in TO_ALL:
        title, text = TO_ALL[row.topic]
        page = f"/receipts/{row.payload['receipt']}" if row.payload.get("receipt") else f"/bids/{bid.public_id}"
        joined = [member.organisation_id for member in bid.members if member.confirmed_at is not None]
        _tell(row, bid, [bid.organisation_id, *joined], title, text, page)
        return
    other = db.session.get(Organisation, int(row.payload.get("organisation_id", 0)))
    if other is None:
        return
    if row.topic == "bid.invited":
        title, text, page = TO_MEMBER
        _tell(row, bid, [other.id], title, text, f"/bids/{bid.public_id}/{page}", who=bid.organisation.display_name)
    else:
        title, text, page = TO_LEAD[row.topic]
        address = f"/bids/{bid.public_id}" + (f"/{page}" if page else "")
        _tell(row, bid, [bid.organisation_id], title, text, address, who=other.display_name)


def _tell(row: OutboxRow, bid: Bid, organisations: list[int], title: str, text: str, url: str, who: str = "") -> None:
    notifications.tell(
        people.holder_ids(Role.BIDDER, Role.ORG_ADMIN, organisation_ids=organisations),
        key=f"outbox:{row.id}:bids",
        title=title.format(title=bid.demand.title, who=who),
        text=text,
        url=url,
        now=row.at,
        discreet=True,
    )
