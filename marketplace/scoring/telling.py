"""The outbox consumer "scoring": an expert hears, once, that some of his scores are to be looked at again."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.notifications import service as notifications
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe
from marketplace.scoring.models import Sheet


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("scoring", handle, topics=("sheet.flag",))


def handle(rows: list[OutboxRow], now: datetime) -> None:
    for row in rows:
        kind, _, number = str(row.payload.get("subject", "")).partition(":")
        sheet = db.session.get(Sheet, int(number)) if kind == "sheet" else None
        if sheet is None or sheet.expert_account_id is None:
            continue
        notifications.tell(
            [sheet.expert_account_id],
            key=f"flag:{sheet.demand_id}:{sheet.round}:{sheet.seat_id}",
            title=f"请再核对评分：{sheet.demand.title}",
            text="打开评分表后写着要核对哪一项。",
            url=f"/review/{sheet.demand.ref}",
            now=row.at,
        )
