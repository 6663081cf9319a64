"""The outbox consumer "eligibility": bidders and officers are told of what concerns them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.bids.models import Bid
from marketplace.demands.models import Demand
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.notifications.rules import sentence
from marketplace.platform.outbox import OutboxRow

TO_BIDDER: dict[str, tuple[str, str]] = {
    "bid.ask_cure": ("标书需要补正：{title}", "{reason}请在期限前补交材料并提交补正说明，逾期不再接受。"),
    "bid.admit": ("资格审查合格：{title}", "标书进入评审。{reason}"),
    "bid.reject": ("资格审查不合格：{title}", "{reason}"),
}
TO_OFFICERS: dict[str, tuple[str, str]] = {
    "eligibility.answer": ("有补正待审查：{title}", "揭榜单位已提交补正，请核对后作出决定。"),
    "eligibility.hand_in": ("有材料补交：{title}", "揭榜单位补交了材料，可在核对页查看。"),
    "bid.renounce": ("揭榜单位放弃：{title}", "{reason}"),
}


def install() -> None:
    """Subscribe by name; once per process."""
    from marketplace.platform.outbox.service import subscribe

    subscribe("eligibility", handle, topics=("bid.", "eligibility."))


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Tell at once: the bidder in full words (the opening is over), the officers which demand it is about."""
    for row in rows:
        if row.topic in TO_BIDDER or row.topic in TO_OFFICERS:
            _about_bid(row)
        elif row.topic == "eligibility.decided":
            _about_demand(row)


def _about_bid(row: OutboxRow) -> None:
    public_id = str(row.payload.get("subject", "")).removeprefix("bid:")
    bid = db.session.scalar(select(Bid).where(Bid.public_id == public_id).options(joinedload(Bid.demand)))
    if bid is None:
        return
    to_bidder = row.topic in TO_BIDDER
    title, text = (TO_BIDDER if to_bidder else TO_OFFICERS)[row.topic]
    words = {"title": bid.demand.title, "reason": sentence(str(row.payload.get("reason") or ""))}
    if to_bidder:
        told = people.holder_ids(Role.BIDDER, Role.ORG_ADMIN, organisation_ids=[bid.organisation_id])
        url = f"/bids/{bid.public_id}/check"
    else:
        told, url = people.holder_ids(Role.SCREENER), f"/bids/{bid.public_id}/eligibility"
    notifications.tell(
        told, key=f"outbox:{row.id}:bid", title=title.format(**words), text=text.format(**words), url=url, now=row.at
    )


def _about_demand(row: OutboxRow) -> None:
    number = str(row.payload.get("subject", "")).removeprefix("demand:")
    demand = db.session.get(Demand, int(number)) if number.isdigit() else None
    if demand is not None:
        notifications.tell(
            people.holder_ids(Role.PUBLISHER),
            key=f"outbox:{row.id}:decided",
            title=f"资格审查全部完成：{demand.title}",
            text="合格的标书可以进入评审；没有合格标书的，请提出流榜。",
            url=f"/demands/{demand.ref}/eligibility",
            now=row.at,
        )
