"""The outbox consumer "capabilities": who is told when a capability is handed in or decided on. Each once."""

from __future__ import annotations

from datetime import datetime

from marketplace import db
from marketplace.accounts.rules import Role
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import FIRM_ROLES
from marketplace.notifications import queries as people
from marketplace.notifications import service as notifications
from marketplace.notifications.rules import sentence
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe

TO_SCREENERS = {"capability.submit": ("有单位能力待审核：{title}", "请核对内容，通过后公开，或写明理由退回。")}
TO_FIRM = {
    "capability.approve": ("能力已公开：{title}", "在能力目录和检索中可以查到；适合的需求会在工作台提示。"),
    "capability.return": ("能力退回修改：{title}", "{reason}请按意见修改后重新提交。"),
    "capability.take_down": ("能力已撤下：{title}", "{reason}改好后可以重新编写并提交审核。"),
}


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("capabilities", handle, topics=("capability.",))


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """A message bears the instant at which the thing happened; its key makes it come once."""
    for row in rows:
        kind, _colon, number = str(row.payload.get("subject", "")).partition(":")
        known = TO_SCREENERS.get(row.topic) or TO_FIRM.get(row.topic)
        capability = db.session.get(Capability, int(number)) if kind == "capability" and number.isdigit() else None
        if capability is None or known is None:
            continue
        words = {"title": capability.title, "reason": sentence(str(row.payload.get("reason") or ""))}
        if row.topic in TO_SCREENERS:
            told = people.holder_ids(Role.SCREENER)
        else:
            told = people.holder_ids(*FIRM_ROLES, organisation_ids=[capability.organisation_id])
        notifications.tell(
            told,
            key=f"outbox:{row.id}",
            title=known[0].format(**words),
            text=known[1].format(**words),
            url=f"/desk/capabilities/{capability.key}",
            now=row.at,
        )
