"""The verbs of a review seen from outside: the only writer of rankings, reports and what belongs to them."""

from marketplace.results.service.mending import decide_mend, propose_mend
from marketplace.results.service.outs import confirm_out, propose_out, put_out, refuse_out
from marketplace.results.service.ranking import compute, draw_ties, keep_offer, proceed, replay
from marketplace.results.service.report import open_report, remind, sign

__all__ = [
    "compute",
    "confirm_out",
    "decide_mend",
    "draw_ties",
    "keep_offer",
    "open_report",
    "proceed",
    "propose_mend",
    "propose_out",
    "put_out",
    "refuse_out",
    "remind",
    "replay",
    "sign",
]
