"""The life of an uploaded list and of its rows: states, outcomes, who may. Pure.

A list is read in the background, then open until its officer has decided every row; confirming creates all its drafts
in one transaction. A row ends in exactly one of created, merged, refused.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.accounts.rules import screener, system
from marketplace.platform import policy
from marketplace.platform.policy import Actor, Need


class ImportState(StrEnum):
    READING = "reading"
    UNREADABLE = "unreadable"
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of a row. ``pending`` rows become drafts on confirmation if nothing stands against it."""

    PENDING = "pending"
    CREATED = "created"
    MERGED = "merged"
    REFUSED = "refused"


STATE_LABELS: dict[ImportState, str] = {
    ImportState.READING: "正在读取",
    ImportState.UNREADABLE: "无法读取",
    ImportState.OPEN: "待处理",
    ImportState.DONE: "已导入",
    ImportState.CANCELLED: "已放弃",
}
STATE_TONES: dict[ImportState, str] = {
    ImportState.READING: "work",
    ImportState.UNREADABLE: "alert",
    ImportState.OPEN: "alert",
    ImportState.DONE: "done",
    ImportState.CANCELLED: "ended",
}
OUTCOME_LABELS: dict[Outcome, str] = {
    Outcome.PENDING: "待导入",
    Outcome.CREATED: "已建草稿",
    Outcome.MERGED: "已合并",
    Outcome.REFUSED: "不予导入",
}
STATUS_LABELS: dict[str, str] = {"ok": "可导入", "warning": "有提示", "error": "须更正", "duplicate": "重复"}
STATUS_TONES: dict[str, str] = {"ok": "done", "warning": "work", "error": "alert", "duplicate": "alert"}
SKIPPED_LABELS: dict[str, str] = {
    "title": "标题或说明",
    "header": "表头",
    "section": "小标题",
    "total": "合计",
    "footer": "落款或注",
    "note": "零散文字",
    "number": "只有序号",
    "hint": "填写提示",
    "example": "示例",
    "sheet": "没有表格的工作表",
}
MAX_REASON = 200


def why_not_creatable(status: str, *, has_unit: bool) -> str | None:
    """Why a pending row cannot become a draft yet; the page and the confirmation ask the same."""
    if status == "error":
        return "有必须更正的内容：更正，或写明理由不予导入。"
    if status == "duplicate":
        return "疑似重复：合并、不予导入，或确认不是重复。"
    if not has_unit:
        return "需求单位还没有对应到平台上的单位。"
    return None


def _is_open(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.state is ImportState.OPEN


def _not_ended(actor: Actor, subject: Any, now: datetime) -> bool:
    return subject.state in (ImportState.OPEN, ImportState.READING, ImportState.UNREADABLE)


is_open = Need("import_is_open", "这份清单已经处理完毕或尚未读完，不能再改。", _is_open)
not_ended = Need("import_not_ended", "这份清单已经处理完毕，不能放弃。", _not_ended)

GRANTS = policy.declare(
    {
        "import.see": [[screener]],
        "import.upload": [[screener], [system]],
        "import.decide": [[screener, is_open], [system, is_open]],
        "import.cancel": [[screener, not_ended]],
    }
)
