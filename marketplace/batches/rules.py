"""The life of a batch. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import publisher
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need


class BatchState(StrEnum):
    """What is stored. ``posted`` reads as 待发布 or 已发布 by the clock (``phase``)."""

    DRAFT = "draft"
    COLLECTING = "collecting"
    ASSEMBLING = "assembling"
    POSTED = "posted"


class BatchAction(StrEnum):
    EDIT = "edit"
    COLLECT = "collect"
    ASSEMBLE = "assemble"
    POST = "post"
    CALL_BACK = "call_back"


_S, _A = BatchState, BatchAction
TABLE: dict[tuple[BatchState, BatchAction], BatchState] = {
    (_S.DRAFT, _A.EDIT): _S.DRAFT,
    (_S.DRAFT, _A.COLLECT): _S.COLLECTING,
    (_S.DRAFT, _A.ASSEMBLE): _S.ASSEMBLING,
    (_S.COLLECTING, _A.EDIT): _S.COLLECTING,
    (_S.COLLECTING, _A.ASSEMBLE): _S.ASSEMBLING,
    (_S.ASSEMBLING, _A.EDIT): _S.ASSEMBLING,
    (_S.ASSEMBLING, _A.COLLECT): _S.COLLECTING,
    (_S.ASSEMBLING, _A.POST): _S.POSTED,
    (_S.POSTED, _A.CALL_BACK): _S.ASSEMBLING,
}

ACTION_LABELS: dict[BatchAction, str] = {
    _A.EDIT: "修改批次",
    _A.COLLECT: "发布征集",
    _A.ASSEMBLE: "开始编排",
    _A.POST: "张榜",
    _A.CALL_BACK: "整批撤回",
}
STATE_LABELS: dict[BatchState, str] = {
    _S.DRAFT: "草稿",
    _S.COLLECTING: "征集中",
    _S.ASSEMBLING: "编排中",
    _S.POSTED: "已定稿",
}
PHASE_LABELS: dict[str, str] = {
    "draft": "草稿",
    "collecting": "征集中",
    "assembling": "编排中",
    "scheduled": "待发布",
    "published": "已发布",
    "closed": "已结束",
}


def phase(state: BatchState, visible_from: datetime | None, *, now: datetime, all_ended: bool = False) -> str:
    """A key of ``PHASE_LABELS``: visibility follows from the clock, 已结束 from its demands."""
    if state is not BatchState.POSTED or visible_from is None:
        return str(state)
    if now < visible_from:
        return "scheduled"
    return "closed" if all_ended else "published"


def _not_yet_visible(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.visible_from is not None and now < subject.visible_from


not_yet_visible = Need(
    "not_yet_visible", "本批已经公布，不能整批撤回；个别需求可以变更、暂停或撤榜。", _not_yet_visible
)

GRANTS = policy.declare(
    {
        "batch.create": [[publisher]],
        "batch.manage": [[publisher]],
        "batch.edit": [[publisher]],
        "batch.collect": [[publisher]],
        "batch.assemble": [[publisher]],
        "batch.post": [[publisher]],
        "batch.call_back": [[publisher, not_yet_visible]],
    }
)
