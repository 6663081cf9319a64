"""The moments that count: sealing, replacing, withdrawing, confirming — each decided after the demand is locked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from marketplace import db
from marketplace.bids import queries
from marketplace.bids.guards import LATE
from marketplace.bids.models import Bid, BidParticipant, BidReceipt, BidShare, BidVersion
from marketplace.bids.rules import ACTION_LABELS, STATE_LABELS, TABLE, BidAction, BidState, why_not_bid
from marketplace.bids.service.drafting import clear_preparation, not_accepted, sheet
from marketplace.platform import audit, outbox
from marketplace.platform.clock import steady_at
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.policy import SYSTEM, Actor, require
from marketplace.platform.sealing.manifest import Manifest, Submission, accept
from marketplace.platform.sealing.reasons import SealError
from marketplace.platform.sealing.receipt import Statement
from marketplace.platform.sealing.wire import canonical, is_token, sha256
from marketplace.platform.workflow import Machine

MACHINE = Machine(
    "bid",
    TABLE,
    {state: Sentence(label) for state, label in STATE_LABELS.items()},
    {action: Sentence(label) for action, label in ACTION_LABELS.items()},
)
LEAF = "sealed.record"
"""The one kind of every leaf that a bidder's act leaves: the log must not tell a sealing from a withdrawal."""


@dataclass(frozen=True, slots=True)
class Late:
    """Too late: nothing was kept but a leaf. The answer is 410 and names both instants."""

    decided_at: datetime
    closes_at: datetime

    @property
    def sentence(self) -> str:
        return Sentence(
            "请求到达时已经截止：到达 %(arrived)s，截止 %(closed)s（北京时间）。没有保存任何内容。",
            arrived=self.decided_at,
            closed=self.closes_at,
        )


@dataclass(frozen=True, slots=True)
class _Request:
    """Who asks for what, under which key: the same key and the same body give the same receipt."""

    key: str
    body_hash: str
    actor: Actor


def _lock(bid: Bid) -> datetime:
    """Lock the demand, then the bid, then read the clock that decides; refused while that clock is in doubt."""
    db.lock(bid.demand)
    db.lock(bid)
    return steady_at()


def _replayed(bid: Bid, request: _Request) -> BidReceipt | None:
    """The receipt of the same request made before; another body under its key is refused (422)."""
    if not is_token(request.key):
        raise Invalid("请求缺少幂等键，请刷新页面后重试。")
    found = db.session.scalar(select(BidReceipt).filter_by(bid_id=bid.id, idempotency_key=request.key))
    if found is not None and found.request_sha256 != request.body_hash:
        raise Invalid("同一个幂等键已用于另一个请求，没有作任何改动。请刷新页面后重试。")
    return found


def _late(bid: Bid, request: _Request, at: datetime) -> Late | None:
    """When the deadline has passed: leave a leaf that names nobody, and say so."""
    closes_at = bid.demand.closes_at
    if closes_at is None or at < closes_at:
        return None
    return _note_late(bid, request, at, closes_at)


def _note_late(bid: Bid, request: _Request, at: datetime, closes_at: datetime) -> Late:
    late = sha256(canonical({"bid": bid.public_id, "request": request.body_hash, "at": audit.timestamp(at)}))
    audit.append(LEAF, subject=f"sealed:{secrets.token_hex(8)}", actor=SYSTEM, at=at, facts={"late": late})
    return Late(at, closes_at)


def _issue(bid: Bid, act: str, request: _Request, *, manifest_hash: str, at: datetime) -> BidReceipt:
    """A receipt and its leaf. The leaf holds the hash of the statement, under a random subject, by nobody."""
    said = Statement(act, bid.ref(bid.version), manifest_hash, audit.timestamp(at))
    receipt = BidReceipt(
        public_id=secrets.token_hex(16),
        bid=bid,
        act=act,
        version=bid.version,
        manifest_hash=manifest_hash,
        at=at,
        issued_to_id=request.actor.id,
        idempotency_key=request.key,
        request_sha256=request.body_hash,
    )
    db.session.add(receipt)
    db.session.flush()
    subject = f"sealed:{secrets.token_hex(8)}"
    leaf = audit.append(LEAF, subject=subject, actor=SYSTEM, at=at, facts={"receipt": said.hash})
    leaf.on_numbered.append(lambda seq: setattr(receipt, "log_seq", seq))
    outbox.emit(f"bid.{act}", {"bid": bid.public_id, "receipt": receipt.public_id}, at=at)
    return receipt


def seal(bid: Bid, submission: Submission, *, idempotency_key: str, actor: Actor) -> BidReceipt | Late:
    """Commit to a version: the one act that the deadline is about. Everything it needs is uploaded already.

    In one transaction: lock, read the clock, check, insert the version and its wrapped shares, supersede the former
    (its shares are destroyed), leaf, outbox, receipt. The same key with the same body gives the same receipt.
    Refused: a manifest that does not fit (422), parts missing, members unconfirmed, somebody who may not bid.
    """
    request = _Request(idempotency_key, sha256(canonical(submission.to_json())), actor)
    at = _lock(bid)
    if (replayed := _replayed(bid, request)) is not None:
        return replayed
    if (late := _late(bid, request, at)) is not None:
        return late
    action = BidAction.REPLACE if bid.state is BidState.SEALED else BidAction.SEAL
    after = MACHINE.advance(bid.state, action)
    require(MACHINE.permission(action), actor, bid, at)
    if (reason := why_not_bid(queries.standing(bid.demand, bid.organisation, now=at))) is not None:
        raise Refused(reason)
    manifest = _accepted(bid, submission)
    _require_parts(bid, manifest)
    taking_part = _participants(bid)
    try:
        with db.session.begin_nested():
            _insert(bid, submission, manifest, taking_part, actor=actor, at=at)
    except DBAPIError as error:
        if LATE in str(error.orig) and bid.demand.closes_at is not None:
            return _note_late(bid, request, at, bid.demand.closes_at)
        if BidParticipant.__tablename__ in str(error.orig):
            raise Refused(
                "联合体中有单位已参加这条需求的另一份揭榜，同一需求只能参加一份。请调整成员后再封口。"
            ) from error
        raise
    bid.state, bid.version = BidState(after), manifest.ref.version
    bid.answers_version = bid.demand.content_version
    clear_preparation(bid, bid.version, keep={(e.name, p.part) for e in manifest.envelopes for p in e.parts}, now=at)
    return _issue(bid, "sealed", request, manifest_hash=manifest.hash, at=at)


def _accepted(bid: Bid, submission: Submission) -> Manifest:
    expected = sheet(bid)
    try:
        return accept(submission, ref=expected.ref, replaces=expected.replaces, custodians=expected.custodians)
    except SealError as error:
        raise not_accepted(error) from error


def _require_parts(bid: Bid, manifest: Manifest) -> None:
    stored = {(row.envelope, row.part): (row.length, row.sha256) for row in queries.parts(bid, manifest.ref.version)}
    missing = [
        part
        for envelope in manifest.envelopes
        for part in envelope.parts
        if stored.get((envelope.name, part.part)) != (part.length, part.sha256)
    ]
    if missing:
        raise Refused("还有%(count)s件没有传完或与清单不符，补传后再封口。", count=len(missing))


def _participants(bid: Bid) -> list[int]:
    """Lead and members by id. Refused while a member has not answered."""
    members = [member for member in bid.members if member.declined_at is None]
    if waiting := [member.organisation.display_name for member in members if member.confirmed_at is None]:
        raise Refused("联合体成员还没有确认：%(names)s。请他们登录确认后再封口。", names=waiting)
    return sorted({bid.organisation_id, *(member.organisation_id for member in members)})


def _insert(
    bid: Bid, submission: Submission, manifest: Manifest, taking_part: list[int], *, actor: Actor, at: datetime
) -> None:
    _destroy_shares(bid)
    version = BidVersion(
        bid_id=bid.id,
        demand_id=bid.demand_id,
        version=manifest.ref.version,
        manifest=submission.manifest,
        manifest_hash=manifest.hash,
        own_wraps={name: wrap.hex() for name, wrap in submission.own_wraps.items()},
        demand_version=bid.demand.content_version,
        decided_at=at,
        sealed_by_id=actor.id,
        shares=[
            BidShare(envelope=name, position=position, sealed=share)
            for name, shares in submission.wrapped_shares.items()
            for position, share in enumerate(shares, start=1)
        ],
    )
    db.session.add(version)
    db.session.execute(delete(BidParticipant).where(BidParticipant.bid_id == bid.id))
    db.session.add_all(BidParticipant(demand_id=bid.demand_id, organisation_id=i, bid_id=bid.id) for i in taking_part)
    db.session.flush()


def _destroy_shares(bid: Bid) -> None:
    """Delete the wrapped shares of every version there is: from then on nobody can open them, not even k custodians."""
    versions = select(BidVersion.id).where(BidVersion.bid_id == bid.id)
    db.session.execute(delete(BidShare).where(BidShare.version_id.in_(versions)))


def withdraw(bid: Bid, *, idempotency_key: str, actor: Actor) -> BidReceipt | Late:
    """Take the sealed bid back before the deadline; its shares are destroyed. It can be sealed again, as a version more."""
    body = canonical({"act": "withdrawn", "bid": bid.public_id})
    request = _Request(idempotency_key, sha256(body), actor)
    at = _lock(bid)
    if (replayed := _replayed(bid, request)) is not None:
        return replayed
    if (late := _late(bid, request, at)) is not None:
        return late
    after = MACHINE.advance(bid.state, BidAction.WITHDRAW)
    require("bid.withdraw", actor, bid, at)
    return _end(bid, BidState(after), "withdrawn", request, at=at)


def confirm_amendment(bid: Bid, *, idempotency_key: str, actor: Actor) -> BidReceipt | Late:
    """The bidder has read the amended demand and stands by his bid: a leaf and a receipt, nothing is sealed anew."""
    at = _lock(bid)
    body = canonical({"act": "confirmed", "bid": bid.public_id, "demand_version": bid.demand.content_version})
    request = _Request(idempotency_key, sha256(body), actor)
    if (replayed := _replayed(bid, request)) is not None:
        return replayed
    if (late := _late(bid, request, at)) is not None:
        return late
    MACHINE.advance(bid.state, BidAction.CONFIRM)
    require("bid.confirm", actor, bid, at)
    bid.answers_version = bid.demand.content_version
    return _issue(bid, "confirmed", request, manifest_hash=_manifest_hash(bid), at=at)


def destroy(bid: Bid, *, reason: str, now: datetime) -> BidReceipt:
    """The demand ended unopened: the shares are destroyed and the bidder gets a receipt for it. By the system alone."""
    after = MACHINE.advance(bid.state, BidAction.DESTROY)
    require("bid.destroy", SYSTEM, bid, now)
    bid.reason = reason
    body = canonical({"act": "destroyed", "bid": bid.public_id})
    return _end(bid, BidState(after), "destroyed", _Request("destroyed", sha256(body), SYSTEM), at=now)


def _manifest_hash(bid: Bid) -> str:
    version = queries.sealed_version(bid)
    assert version is not None
    return version.manifest_hash


def _end(bid: Bid, after: BidState, act: str, request: _Request, *, at: datetime) -> BidReceipt:
    bid.state = after
    _destroy_shares(bid)
    db.session.execute(delete(BidParticipant).where(BidParticipant.bid_id == bid.id))
    return _issue(bid, act, request, manifest_hash=_manifest_hash(bid), at=at)
