"""The verbs of a bid: the only writer of its tables.

What a bidder does before the opening is secret: its leaves carry a hash and no name, its outbox rows only the bid's
random id. Everything after the opening goes through ``workflow.perform`` like any other state.
"""

from marketplace.bids.service.drafting import announce_key, drop_part, finish_part, put_piece, save_draft, sheet, start
from marketplace.bids.service.members import decline, invite, join, uninvite
from marketplace.bids.service.sealing import Late, confirm_amendment, destroy, seal, withdraw

__all__ = [
    "Late",
    "announce_key",
    "confirm_amendment",
    "decline",
    "destroy",
    "drop_part",
    "finish_part",
    "invite",
    "join",
    "put_piece",
    "save_draft",
    "seal",
    "sheet",
    "start",
    "uninvite",
    "withdraw",
]
