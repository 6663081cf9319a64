"""The verbs of a review: the only writer of sheets."""

from marketplace.scoring.service.review import (
    abstain,
    begin_round,
    declare,
    give_codes,
    give_sheets,
    resume_round,
    start_review,
    why_not_start,
)
from marketplace.scoring.service.sheets import confirm, correct, hand_in, hand_in_all, make_sheets, save, settle

__all__ = [
    "abstain",
    "begin_round",
    "confirm",
    "correct",
    "declare",
    "give_codes",
    "give_sheets",
    "hand_in",
    "hand_in_all",
    "make_sheets",
    "resume_round",
    "save",
    "settle",
    "start_review",
    "why_not_start",
]
