"""Who may use the custodians' pages and answer what bidders object to on the spot; when to remind. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from marketplace.custody.rules import PROOF_LASTS, confirms_keys, is_custodian
from marketplace.platform import policy
from marketplace.platform.policy import anyone
from marketplace.taxonomy import Label

PROVE_AGAIN_AFTER = PROOF_LASTS - timedelta(days=15)
"""A custodian is asked to prove his key again fifteen days before the former proof runs out (平台规则)."""

TEXT_MOST = 1000
PASSPHRASE_LEAST = 12
STEPS = 4
"""Progress is shown in quarters: finer steps would tell how many bids there are."""

GRANTS = policy.declare(
    {
        "opening.hall": [[anyone]],
        "opening.record": [[anyone]],  # found only by those who may know it (queries.record_of)
        "custody.desk": [[is_custodian]],
        "custody.keys": [[confirms_keys]],
    }
)


class Step(StrEnum):
    """Where an opening stands, for anybody."""

    BEFORE = "before"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    RUNNING = "running"
    OPENED = "opened"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


STEP_LABELS: dict[Step, Label] = {
    Step.BEFORE: Label("揭榜中，尚未截止", "Open for bids"),
    Step.SUSPENDED: Label("已暂停", "Suspended"),
    Step.CLOSED: Label("已截止，等待保管人释放", "Closed, waiting for the custodians"),
    Step.RUNNING: Label("正在开启", "Being opened"),
    Step.OPENED: Label("已开启", "Opened"),
    Step.LAPSED: Label("流榜", "Lapsed"),
    Step.WITHDRAWN: Label("已撤榜", "Withdrawn"),
}


def in_quarters(done: int, total: int) -> int:
    """Percent in steps of 25; 100 only when everything is done."""
    return 100 if total <= done else done * STEPS // total * (100 // STEPS)
