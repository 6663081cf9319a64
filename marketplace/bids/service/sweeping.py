"""Taking away ciphertext that is no part of any bid: replaced by a later save, given up, or never sealed in time.

Nothing is taken from the storage in the transaction that gives it up — that one may still roll back. It is noted as
waste; the job looks again later and deletes what no row names. Ciphertext is random, so a hash belongs to bids alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import aliased

from marketplace import db
from marketplace.bids.models import Bid, BidDraft, BidPart, BidPiece, BidWaste
from marketplace.bids.rules import ABANDONED_KEPT, UNFINISHED_KEPT, WASTE_KEPT
from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.platform.files import Storage

AT_ONCE = 500


def give_up(hashes: Iterable[str], *, now: datetime) -> None:
    """Note ciphertext that the caller has just stopped naming."""
    for digest in set(hashes):
        row = db.session.get(BidWaste, digest) or BidWaste(sha256=digest)
        row.since = now
        db.session.add(row)


def sweep(now: datetime, *, storage: Storage) -> int:
    """The job: give up what nobody goes on with, then delete what has been waste for a day. Returns how many files.

    Each step is a transaction of its own and may be killed; the next run goes on. Nothing is logged: how much there
    is to sweep would tell how much is prepared.
    """
    for find in (_unfinished, _abandoned):
        while True:
            with db.transaction():
                found = find(now)
                for row in found:
                    db.session.delete(row)
                give_up((row.sha256 for row in found), now=now)
            if len(found) < AT_ONCE:
                break
    with db.transaction():
        _forget_drafts(now)
    removed = 0
    while gone := _next_waste(now):
        for digest in gone:
            storage.delete(digest)
        removed += len(gone)
        with db.transaction() as session:
            session.execute(delete(BidWaste).where(BidWaste.sha256.in_(gone)))
    return removed


def _finished() -> ColumnElement[bool]:
    return exists().where(
        BidPart.bid_id == BidPiece.bid_id,
        BidPart.version == BidPiece.version,
        BidPart.envelope == BidPiece.envelope,
        BidPart.part == BidPiece.part,
    )


def _unfinished(now: datetime) -> list[BidPiece]:
    """Pieces of parts that were never finished, nor added to for a week."""
    younger = aliased(BidPiece)
    going_on = exists().where(
        younger.bid_id == BidPiece.bid_id,
        younger.version == BidPiece.version,
        younger.envelope == BidPiece.envelope,
        younger.part == BidPiece.part,
        younger.uploaded_at >= now - UNFINISHED_KEPT,
    )
    query = select(BidPiece).where(~_finished(), ~going_on)
    return list(db.session.scalars(query.limit(AT_ONCE)))


def _over(now: datetime) -> ColumnElement[bool]:
    """Demands whose bidding ended long enough ago, whatever became of them."""
    ended = Demand.closes_at < now - ABANDONED_KEPT
    return or_(ended & (Demand.state != State.SUSPENDED), Demand.ended_at < now - ABANDONED_KEPT)


def _abandoned(now: datetime) -> list[BidPiece]:
    """Everything prepared for a version that was not sealed in time."""
    query = (
        select(BidPiece)
        .join(Bid, Bid.id == BidPiece.bid_id)
        .join(Demand, Demand.id == Bid.demand_id)
        .where(BidPiece.version > Bid.version, _over(now))
    )
    return list(db.session.scalars(query.limit(AT_ONCE)))


def _forget_drafts(now: datetime) -> None:
    """Keys and part lists of what ``_abandoned`` took."""
    for row in (BidPart, BidDraft):
        over = (
            select(Bid.id)
            .join(Demand, Demand.id == Bid.demand_id)
            .where(Bid.id == row.bid_id, row.version > Bid.version, _over(now))
        )
        db.session.execute(delete(row).where(over.exists()))


def _next_waste(now: datetime) -> list[str]:
    """Waste that is old enough; what somebody names again is waste no longer."""
    with db.transaction() as session:
        session.execute(delete(BidWaste).where(exists().where(BidPiece.sha256 == BidWaste.sha256)))
        query = select(BidWaste.sha256).where(BidWaste.since < now - WASTE_KEPT).limit(AT_ONCE)
        return list(session.scalars(query))
