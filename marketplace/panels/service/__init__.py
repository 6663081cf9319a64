"""The verbs of the pool, panels and seats: the only writer of their tables."""

from marketplace.panels.service.conflicts import decide_request, order_recusal, override, propose_override, recuse
from marketplace.panels.service.drawing import (
    confirm_redraw,
    discharge,
    draw,
    fix_pool,
    propose_redraw,
    reopen_pool,
    set_up,
)
from marketplace.panels.service.pool import Card, add, edit, link_accounts, retire, take_over
from marketplace.panels.service.seating import (
    abstain,
    answer,
    ask,
    confirm,
    declare,
    decline,
    expire_overdue,
    fill,
    vote,
)

__all__ = [
    "Card",
    "abstain",
    "add",
    "answer",
    "ask",
    "confirm",
    "confirm_redraw",
    "decide_request",
    "declare",
    "decline",
    "discharge",
    "draw",
    "edit",
    "expire_overdue",
    "fill",
    "fix_pool",
    "link_accounts",
    "order_recusal",
    "override",
    "propose_override",
    "propose_redraw",
    "recuse",
    "reopen_pool",
    "retire",
    "set_up",
    "take_over",
    "vote",
]
