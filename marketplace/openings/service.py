"""Objections on the spot and their answers."""

from __future__ import annotations

import secrets
from datetime import datetime

from marketplace import db
from marketplace.bids.models import Bid, OpeningObjection
from marketplace.demands.rules import State
from marketplace.openings.rules import TEXT_MOST
from marketplace.platform import audit, outbox
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.policy import Actor, require


def object_to(bid: Bid, *, text: str, actor: Actor, now: datetime) -> OpeningObjection:
    """A bidder objects to the opening; it stands in the record for all bidders. Log and outbox: ``opening.object``.

    Refused once the review has begun: from then on the way is the objection to the result.
    """
    require("opening.object", actor, bid, now)
    text = text.strip()
    if not 5 <= len(text) <= TEXT_MOST:
        raise Invalid("请写明疑问。", fields={"text": Sentence("请用5至%(most)s字写明对开启的疑问", most=TEXT_MOST)})
    if bid.demand.state is not State.OPENED:
        raise Refused("评审已经开始或结束，不能再对开启当场提出疑问。对结果有异议的，可在公示期内提出。")
    row = OpeningObjection(public_id=secrets.token_hex(16), bid=bid, text=text, filed_at=now, filed_by_id=actor.id)
    db.session.add(row)
    db.session.flush()
    _log("opening.object", row, actor=actor, now=now, text=text)
    return row


def answer(objection: OpeningObjection, *, text: str, actor: Actor, now: datetime) -> None:
    """The officer's answer, in the record. Log and outbox: ``opening.answer``."""
    require("opening.answer", actor, objection, now)
    text = text.strip()
    if not 5 <= len(text) <= TEXT_MOST:
        raise Invalid("请写明答复。", fields={"text": Sentence("请用5至%(most)s字写明答复", most=TEXT_MOST)})
    if objection.answered_at is not None:
        raise Refused("这条疑问已经答复。")
    objection.answer, objection.answered_at, objection.answered_by_id = text, now, actor.id
    db.session.flush()
    _log("opening.answer", objection, actor=actor, now=now, text=text)


def _log(kind: str, row: OpeningObjection, *, actor: Actor, now: datetime, text: str) -> None:
    facts = {"objection": row.public_id}
    audit.append(kind, subject=row.bid.demand.audit_subject, actor=actor, at=now, facts=facts, details={"text": text})
    outbox.emit(kind, {"subject": row.bid.demand.audit_subject, **facts}, at=now)
