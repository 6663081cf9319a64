"""The outbox consumer "matching": terms follow what is public. Reading a row again changes nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from marketplace import db
from marketplace.capabilities.models import Capability
from marketplace.matching import service
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe
from marketplace.search.sources import subject_key

TOPICS = ("capability.", "demand.", "organisation.")


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("matching", handle, topics=TOPICS)


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Each touched subject once, as it is now."""
    changed: dict[str, set[int]] = {"capability": set(), "demand": set(), "organisation": set()}
    for row in rows:
        family = row.topic.partition(".")[0]
        key = subject_key(row, family)
        if key is not None and family in changed:
            changed[family].add(key)
    if changed["organisation"]:
        theirs = select(Capability.id).where(Capability.organisation_id.in_(sorted(changed["organisation"])))
        changed["capability"].update(db.session.scalars(theirs))
    if changed["capability"]:
        service.keep_capabilities(changed["capability"])
    if changed["demand"]:
        service.keep_demands(changed["demand"])
