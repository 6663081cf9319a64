"""A new 单位标书钥匙: what the old one wrapped is wrapped anew in the browser, and nothing may be left behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from marketplace.accounts.models import Organisation
from marketplace.bids import own, queries
from marketplace.bids.models import BidderKey
from marketplace.bids.service.drafting import announce_key
from marketplace.platform.errors import Conflict, Invalid
from marketplace.platform.policy import Actor
from marketplace.platform.sealing.manifest import OWN_WRAP_SIZE
from marketplace.platform.sealing.reasons import Reason
from marketplace.platform.sealing.wire import ENVELOPES

Wraps = Mapping[tuple[str, int], Mapping[str, bytes]]
"""(public id of a bid, version) → envelope → the key wrapped anew."""


def renew_key(
    organisation: Organisation, *, check_hash: str, former: str, wraps: Wraps, actor: Actor, now: datetime
) -> BidderKey:
    """Retire the organisation's key for another one, together with every draft and sealed version it still reads.

    Refused when the key in force is not ``former`` (a colleague was faster), or when a wrap is missing: then the old
    key stays, and nothing was changed.
    """
    current = queries.bidder_key(organisation.id)
    if current is None or current.check_hash != former or check_hash == former:
        raise Conflict("同事刚刚换过单位标书钥匙。请刷新页面，用新的钥匙码。")
    wanted = own.wrapped(organisation.id)
    if set(wraps) != {place for place, _ in wanted}:
        raise Conflict("换钥匙期间又有草稿保存。没有作任何改动，请重新换一次。")
    for wrap in wraps.values():
        if set(wrap) != set(ENVELOPES) or any(len(piece) != OWN_WRAP_SIZE for piece in wrap.values()):
            raise Invalid(Reason.MANIFEST_MALFORMED.sentence)
    for place, row in wanted:
        row.own_wraps = {name: piece.hex() for name, piece in wraps[place].items()}
    return announce_key(organisation, check_hash=check_hash, actor=actor, now=now)
