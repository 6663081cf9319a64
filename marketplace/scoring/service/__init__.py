"""The verbs of a review: the only writer of sheets."""

from marketplace.scoring.service.sheets import confirm, correct, hand_in, hand_in_all, make_sheets, save, settle

__all__ = ["confirm", "correct", "hand_in", "hand_in_all", "make_sheets", "save", "settle"]
