"""The verbs of notices, objections and letters: the only writer of their tables."""

from marketplace.notices.service.announcing import drop, prepare, publish, revoke, stand
from marketplace.notices.service.letters import send_letters
from marketplace.notices.service.objecting import (
    accept,
    attach,
    decide,
    draft_answer,
    escalate,
    file_objection,
    final_decision,
    mark_remedied,
    withdraw,
)

__all__ = [
    "accept",
    "attach",
    "decide",
    "draft_answer",
    "drop",
    "escalate",
    "file_objection",
    "final_decision",
    "mark_remedied",
    "prepare",
    "publish",
    "revoke",
    "send_letters",
    "stand",
    "withdraw",
]
