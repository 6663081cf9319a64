"""The outbox consumer "awards": the winner and the office are told what became of an award."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.awards.models import Award
from marketplace.notifications import service as messages
from marketplace.notifications.queries import holder_ids
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe

# topic → (for the winner?, title, text)
TELLINGS: dict[str, tuple[bool, str, str]] = {
    "award.confirm": (True, "贵单位中榜：{title}", "请在期限内由单位管理员接受或放弃，逾期视为放弃。"),
    "award.void": (True, "中榜结果作废：{title}", ""),
    "award.take_up": (False, "中榜单位已接受：{title}", "定榜后30日内签约。"),
    "award.decline": (False, "中榜单位放弃：{title}", "可以提出由后一名递补。"),
    "award.expire": (False, "中榜单位逾期未接受：{title}", "可以提出由后一名递补。"),
}


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("awards", handle, topics=("award.",))


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """One message per person and happening."""
    for row in rows:
        if row.topic not in TELLINGS:
            continue
        award = db.session.get(Award, int(str(row.payload["subject"]).partition(":")[2]))
        if award is None:
            continue
        to_winner, title, text = TELLINGS[row.topic]
        people = (
            holder_ids(Role.BIDDER, Role.ORG_ADMIN, organisation_ids=[award.organisation_id])
            if to_winner
            else holder_ids(Role.SCREENER, Role.PUBLISHER)
        )
        messages.tell(
            people,
            key=f"outbox:{row.id}",
            title=title.format(title=award.demand.title),
            text=text,
            url=f"/awards/{award.id}",
            now=row.at,
        )
