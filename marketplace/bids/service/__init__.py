"""The verbs of a bid: the only writer of its tables.

What a bidder does before the opening is secret: its leaves carry a hash and no name, its outbox rows only the bid's
random id. Everything after the opening goes through ``workflow.perform`` like any other state.
"""

from marketplace.bids.service.drafting import (
    announce_key,
    drop_part,
    finish_part,
    not_accepted,
    put_piece,
    save_draft,
    sheet,
    start,
)
from marketplace.bids.service.keys import renew_key
from marketplace.bids.service.members import decline, invite, join, uninvite
from marketplace.bids.service.moving import move
from marketplace.bids.service.opening import (
    call_prices,
    end,
    freeze,
    release,
    release_by_software,
    reopen,
    retry,
    shares_for,
)
from marketplace.bids.service.sealing import Late, confirm_amendment, destroy, seal, withdraw
from marketplace.bids.service.sweeping import sweep
from marketplace.bids.service.unsealing import open_now, open_waiting

__all__ = [
    "Late",
    "announce_key",
    "call_prices",
    "confirm_amendment",
    "decline",
    "destroy",
    "drop_part",
    "end",
    "finish_part",
    "freeze",
    "invite",
    "join",
    "move",
    "not_accepted",
    "open_now",
    "open_waiting",
    "put_piece",
    "release",
    "release_by_software",
    "renew_key",
    "reopen",
    "retry",
    "save_draft",
    "seal",
    "shares_for",
    "sheet",
    "start",
    "sweep",
    "uninvite",
    "withdraw",
]
