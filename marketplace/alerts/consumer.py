"""The outbox consumer "alerts": whatever changed is asked of every saved search, in the transaction of the position."""

from __future__ import annotations

from datetime import datetime

from marketplace.alerts import service
from marketplace.platform.outbox import OutboxRow
from marketplace.platform.outbox.service import subscribe
from marketplace.search import sources


def install() -> None:
    """Subscribe by name; once per process."""
    subscribe("alerts", handle)


def handle(rows: list[OutboxRow], now: datetime) -> None:
    """Each touched document once; reading a row again finds its hits already there.

    A drain goes on while others write: what was published after it began is public by its own row's instant.
    """
    ids = sources.touched(rows)
    now = max(now, max(row.at for row in rows))
    if ids and service.evaluate(ids, now, rows[-1].at):
        service.tell_at_once(now)
