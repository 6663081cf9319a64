"""The verbs after the review: announce, award, take up, substitute, review again, void. The only writer of awards."""

from marketplace.awards.service.deciding import (
    announce,
    award,
    confirm_substitute_award,
    install,
    propose_announcement,
    propose_award,
    propose_substitute,
    propose_substitute_award,
    substitute,
)
from marketplace.awards.service.taking import decline, expire_due, take_up
from marketplace.awards.service.undoing import propose_again, propose_remedy, re_review, void

__all__ = [
    "announce",
    "award",
    "confirm_substitute_award",
    "decline",
    "expire_due",
    "install",
    "propose_again",
    "propose_announcement",
    "propose_award",
    "propose_remedy",
    "propose_substitute",
    "propose_substitute_award",
    "re_review",
    "substitute",
    "take_up",
    "void",
]
