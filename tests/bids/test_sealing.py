"""Sealing on a real database: exactly before the deadline, once per key, nothing readable, nothing named."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace import db
from marketplace.bids import queries, service
from marketplace.bids.models import Bid, BidPart, BidParticipant, BidPiece, BidReceipt, BidShare, BidVersion
from marketplace.bids.rules import BidState
from marketplace.bids.service import Late
from marketplace.demands.models import Demand
from marketplace.platform import audit, clock
from marketplace.platform.audit.models import AuditDetail, AuditLeaf
from marketplace.platform.errors import Conflict, Forbidden, Invalid, Refused
from marketplace.platform.outbox.models import OutboxRow
from marketplace.platform.sealing.receipt import Receipt, verify
from marketplace.platform.sealing.wire import sha256
from tests import factories
from tests.bids.conftest import Bidder, actor, after, travel_to
from tests.demands.conftest import Stage


def leaves() -> list[AuditDetail]:
    return list(db.session.scalars(select(AuditDetail).where(AuditDetail.kind == "sealed.record").order_by("seq")))


def test_a_bid_is_sealed_and_its_receipt_verifies(demand: Demand, bidder: Bidder) -> None:
    receipt = bidder.seal(demand)
    bid = receipt.bid
    assert (bid.state, bid.version, bid.answers_version) == (BidState.SEALED, 1, 1)
    assert db.session.scalars(select(BidShare.position)).all() == [1, 1]
    participants = db.session.scalars(select(BidParticipant.organisation_id)).all()
    assert participants == [factories.organisation("firm").id]
    shown = Receipt.from_text(queries.receipt(receipt).to_text())
    version = queries.sealed_version(bid)
    assert version is not None
    verified = verify(shown, [audit.service.signer().verifier], manifest=version.manifest)
    assert verified.statement == queries.statement(receipt)
    assert verified.statement.ref == bid.ref(1)


def test_the_log_names_neither_bidder_nor_demand_nor_act(demand: Demand, bidder: Bidder) -> None:
    receipt = bidder.seal(demand)
    service.withdraw(receipt.bid, idempotency_key="w", actor=bidder.actor)
    db.session.commit()
    written = leaves()
    assert [(row.kind, row.actor_id, row.actor_name, list(row.facts)) for row in written] == [
        ("sealed.record", None, "系统", ["receipt"])
    ] * 2
    for row in written:
        entry = db.session.get(AuditLeaf, row.seq)
        assert entry is not None
        for secret in (receipt.bid.public_id, receipt.public_id, demand.number, receipt.manifest_hash):
            assert str(secret) not in entry.entry.decode() + str(row.data) + row.subject
    rows = db.session.scalars(select(OutboxRow).where(OutboxRow.topic.startswith("bid."))).all()
    assert [row.topic for row in rows] == ["bid.sealed", "bid.withdrawn"]


def test_replacing_and_withdrawing_destroy_the_former_shares(demand: Demand, bidder: Bidder) -> None:
    first = bidder.seal(demand)
    bid = first.bid
    second = bidder.seal(demand)
    versions = db.session.scalars(select(BidVersion).order_by(BidVersion.version)).all()
    assert [(row.version, len(row.shares)) for row in versions] == [(1, 0), (2, 2)]
    assert (second.version, bid.version) == (2, 2)
    gone = service.withdraw(bid, idempotency_key="w", actor=bidder.actor)
    assert isinstance(gone, BidReceipt)
    db.session.commit()
    assert (bid.state, gone.act, gone.version) == (BidState.WITHDRAWN, "withdrawn", 2)
    assert db.session.scalars(select(BidShare)).all() == []
    assert db.session.scalars(select(BidParticipant)).all() == []
    third = bidder.seal(demand)
    assert (third.version, bid.state) == (3, BidState.SEALED)
    acts = [(row.act, row.version) for row in queries.receipts(bid)]
    assert acts == [("sealed", 3), ("withdrawn", 2), ("sealed", 2), ("sealed", 1)]
    for row in queries.receipts(bid):
        verify(queries.receipt(row), [audit.service.signer().verifier])


def test_the_same_key_gives_the_same_receipt(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid)
    receipts = {bidder.commit(bid, submission, key="once").id for _ in range(500)}
    assert len(receipts) == 1
    assert db.session.scalars(select(BidVersion.version)).all() == [1]
    other = dataclasses.replace(submission, own_wraps={name: bytes(60) for name in submission.own_wraps})
    with pytest.raises(Invalid, match="幂等键"):
        bidder.commit(bid, other, key="once")
    with pytest.raises(Invalid, match="幂等键"):
        bidder.commit(bid, submission, key="a b")
    travel_to(after(demand, hours=1))
    assert bidder.commit(bid, submission, key="once").id in receipts  # also when the answer was lost over the deadline
    assert isinstance(bidder.commit(bid, submission, key="another"), Late)


@pytest.mark.parametrize("act", ["seal", "replace", "withdraw", "confirm"])
def test_late_acts_leave_a_leaf_and_nothing_else(demand: Demand, bidder: Bidder, act: str) -> None:
    bid = bidder.start(demand) if act == "seal" else bidder.seal(demand).bid
    submission = bidder.prepare(bid)
    db.session.commit()
    before = (bid.state, bid.version, len(leaves()), len(queries.receipts(bid)))
    travel_to(after(demand))
    match act:
        case "withdraw":
            late = service.withdraw(bid, idempotency_key="k", actor=bidder.actor)
        case "confirm":
            late = service.confirm_amendment(bid, idempotency_key="k", actor=bidder.actor)
        case _:
            late = bidder.commit(bid, submission, key="k")
    db.session.commit()
    assert isinstance(late, Late)
    assert late.closes_at == demand.closes_at
    assert late.decided_at >= late.closes_at
    assert "17:00:00.000" in late.sentence
    assert (bid.state, bid.version, len(leaves()) - 1, len(queries.receipts(bid))) == before


def test_the_last_second_counts(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid)
    travel_to(after(demand, seconds=-20))
    receipt = bidder.commit(bid, submission)
    assert isinstance(receipt, BidReceipt)
    assert demand.closes_at is not None
    assert timedelta(0) < demand.closes_at - receipt.at < timedelta(seconds=21)
    assert receipt.at.microsecond % 1000 == 0


def forged(bid: Bid, **changes: Any) -> BidVersion:
    row = {
        "bid_id": bid.id,
        "demand_id": bid.demand_id,
        "version": 9,
        "manifest": b"{}",
        "manifest_hash": "0" * 64,
        "own_wraps": {},
        "demand_version": 1,
        "decided_at": clock.decided_at(),
    }
    return BidVersion(**{**row, **changes})


def refused_by_the_database(act: Any) -> str:
    nested = db.session.begin_nested()
    act()
    with pytest.raises(DBAPIError) as caught:
        db.session.flush()
    nested.rollback()
    return str(caught.value.orig)


def test_the_database_refuses_late_rows_by_itself(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.seal(demand).bid
    at_deadline = forged(bid, decided_at=demand.closes_at)
    assert "late" in refused_by_the_database(lambda: db.session.add(at_deadline))
    travel_to(after(demand, seconds=6))
    backdated = forged(bid, decided_at=after(demand, hours=-1))
    assert "late" in refused_by_the_database(lambda: db.session.add(backdated))


def test_the_database_takes_a_row_in_time(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.seal(demand).bid
    travel_to(after(demand, seconds=-30))
    db.session.add(forged(bid))
    db.session.flush()


def test_the_database_refuses_rows_while_suspended(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.seal(demand).bid
    db.session.execute(update(Demand).where(Demand.id == demand.id).values(state="suspended"))
    assert "late" in refused_by_the_database(lambda: db.session.add(forged(bid)))


@pytest.mark.parametrize(
    "statement",
    [
        update(BidVersion).values(manifest=b"x"),
        update(BidVersion).values(decided_at=None),
        update(BidVersion).values(manifest_hash="1" * 64),
        delete(BidVersion),
        update(BidReceipt).values(act="withdrawn"),
        update(BidReceipt).values(manifest_hash="1" * 64),
        delete(BidReceipt),
    ],
)
def test_what_was_committed_to_is_fixed(demand: Demand, bidder: Bidder, statement: Any) -> None:
    bidder.seal(demand)
    db.session.execute(delete(BidShare))
    nested = db.session.begin_nested()
    with pytest.raises(DBAPIError, match="fixed"):
        db.session.execute(statement)
    nested.rollback()


def test_own_copies_of_keys_may_be_wrapped_anew(demand: Demand, bidder: Bidder) -> None:
    version = queries.sealed_version(bidder.seal(demand).bid)
    assert version is not None
    version.own_wraps = {"technical": "00", "price": "00"}
    db.session.flush()


def test_plaintext_and_damaged_uploads_are_refused(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    plain = b'{"price": 1200000}'.ljust(20_000)
    place: dict[str, Any] = {
        "version": 1,
        "envelope": "price",
        "part": 0,
        "piece": 0,
        "storage": bidder.storage,
        "actor": bidder.actor,
        "now": bidder.now,
    }
    for data, piece_hash, sentence in (
        (plain, sha256(plain), "不是密文"),
        (b"JBS1\1\0\0\0" + bytes(32) + plain, sha256(b"JBS1\1\0\0\0" + bytes(32) + plain), "不是密文"),
        (plain, "0" * 64, "损坏"),
        (bytes(2 << 20), sha256(bytes(2 << 20)), "50 MiB"),
    ):
        with pytest.raises(Invalid, match=sentence):
            service.put_piece(bid, data=data, piece_hash=piece_hash, **place)
    with pytest.raises(Conflict, match="第1版"):
        service.put_piece(bid, data=plain, piece_hash=sha256(plain), **{**place, "version": 2})
    with pytest.raises(Invalid, match="位置"):
        service.put_piece(bid, data=plain, piece_hash=sha256(plain), **{**place, "envelope": "secret"})
    with pytest.raises(Invalid, match="50 MiB"):
        service.put_piece(bid, data=plain, piece_hash=sha256(plain), **{**place, "piece": 50})
    assert list(bidder.storage.hashes()) == []
    with pytest.raises(Forbidden):
        service.put_piece(bid, data=plain, piece_hash=sha256(plain), **{**place, "actor": actor("rival")})


def test_a_piece_put_twice_is_one(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    bidder.prepare(bid)
    row = db.session.scalars(select(BidPiece).where(BidPiece.envelope == "technical", BidPiece.part == 1)).one()
    data = b"".join(bidder.storage.stream(row.sha256))
    place: dict[str, Any] = {
        "version": 1,
        "envelope": "technical",
        "part": 1,
        "piece": 0,
        "storage": bidder.storage,
        "actor": bidder.actor,
    }
    later = bidder.now + timedelta(hours=1)
    service.put_piece(bid, data=data, piece_hash=row.sha256, now=later, **place)
    assert row.uploaded_at == bidder.now
    changed = data[:-1] + bytes((data[-1] ^ 1,))
    service.put_piece(bid, data=changed, piece_hash=sha256(changed), now=later, **place)
    assert (row.sha256, row.uploaded_at) == (sha256(changed), later)
    assert db.session.get(BidPart, (bid.id, 1, "technical", 1)) is None


def test_nothing_is_sealed_that_is_not_whole(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    submission = bidder.prepare(bid)
    for spoil, sentence in (
        (delete(BidPart).where(BidPart.part == 1, BidPart.envelope == "technical"), "还有1件"),
        (update(BidPart).where(BidPart.envelope == "price").values(sha256="0" * 64), "还有2件"),
    ):
        nested = db.session.begin_nested()
        db.session.execute(spoil)
        db.session.expire_all()
        with pytest.raises(Refused, match=sentence):
            bidder.commit(bid, submission)
        nested.rollback()
    wrong = {name: [*shares, b"x" * 114] for name, shares in submission.wrapped_shares.items()}
    with pytest.raises(Invalid, match="M-04"):
        bidder.commit(bid, dataclasses.replace(submission, wrapped_shares=wrong))
    with pytest.raises(Invalid, match="M-01"):
        bidder.commit(bid, dataclasses.replace(submission, manifest=submission.manifest + b" "))
    assert isinstance(bidder.commit(bid, submission), BidReceipt)
    with pytest.raises(Invalid, match="M-02"):
        bidder.commit(bid, submission)  # version 1 again, under a new key


def test_uploads_that_were_not_committed_to_are_forgotten(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.start(demand)
    bidder.prepare(bid)
    extra = bidder.prepare(bid)  # everything again: other bytes in the same places
    wraps = {name: bytes(60) for name in ("technical", "price")}
    service.save_draft(bid, version=1, own_wraps=wraps, actor=bidder.actor, now=bidder.now)
    assert queries.draft(bid) is not None
    service.drop_part(bid, version=1, envelope="technical", part=9, actor=bidder.actor, now=bidder.now)
    bidder.commit(bid, extra)
    assert queries.draft(bid) is None
    assert [(row.envelope, row.part) for row in queries.parts(bid, 1)] == [
        ("technical", 0),
        ("technical", 1),
        ("technical", 2),
        ("price", 0),
        ("price", 1),
    ]


def test_an_amended_demand_is_confirmed(demand: Demand, bidder: Bidder, stage: Stage) -> None:
    from marketplace.demands import service as demands

    bid = bidder.seal(demand).bid
    demands.amend(
        demand,
        dataclasses.replace(demand.said, conditions="具备相关产品的研发、部署和运行维护能力。"),
        reason="补充条件",
        actor=stage.actor("publisher"),
        now=stage.now,
    )
    db.session.commit()
    assert (bid.answers_version, demand.content_version) == (1, 2)
    receipt = service.confirm_amendment(bid, idempotency_key="c", actor=bidder.actor)
    assert isinstance(receipt, BidReceipt)
    db.session.commit()
    assert (bid.answers_version, bid.version, receipt.act) == (2, 1, "confirmed")
    verify(queries.receipt(receipt), [audit.service.signer().verifier])


def test_others_may_do_nothing(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.seal(demand).bid
    for who in ("rival", "publisher", "sysadmin", "custodian1", "supervisor", "auditadmin", "drafter"):
        with pytest.raises(Forbidden):
            service.withdraw(bid, idempotency_key=who, actor=actor(who))
        assert queries.find(actor=actor(who), now=bidder.now, public_id=bid.public_id) is None
        assert (
            queries.find_receipt(actor=actor(who), now=bidder.now, public_id=queries.receipts(bid)[0].public_id) is None
        )
    for who in ("bidder", "bidder_member"):
        assert queries.find(actor=actor(who), now=bidder.now, public_id=bid.public_id) is bid


def test_a_destroyed_bid_has_a_receipt_and_no_shares(demand: Demand, bidder: Bidder) -> None:
    bid = bidder.seal(demand).bid
    receipt = service.destroy(bid, reason="withdrawn", now=clock.decided_at())
    db.session.commit()
    assert (bid.state, receipt.act, bid.reason) == (BidState.DESTROYED, "destroyed", "withdrawn")
    assert db.session.scalars(select(BidShare)).all() == []
    verify(queries.receipt(receipt), [audit.service.signer().verifier])


def test_canaries_are_nowhere(demand: Demand, bidder: Bidder, session: Session) -> None:
    """What was typed and attached is in no table, in clear or in any of the usual spellings."""
    from marketplace.platform.sealing.seal import Content
    from tests.sealing.bench import attachment

    canary = "金丝雀CANARY7731"
    contents = {
        "technical": Content({"text": canary}, (attachment(f"{canary}.pdf", canary.encode() * 5000),)),
        "price": Content({"total_fen": 773_100_77}),
    }
    bidder.seal(demand, contents)
    needles = [canary.encode(), b"CANARY7731", canary.encode("utf-16-le"), b"77310077"]
    dump = bytearray()
    for table in db.Base.metadata.sorted_tables:
        for row in session.execute(text(f'SELECT * FROM "{table.name}"')):
            dump += b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None)
    for stored in bidder.storage.hashes():
        dump += b"".join(bidder.storage.stream(stored))
    assert len(dump) > 10_000
    assert [needle for needle in needles if needle in dump or needle.hex().encode() in dump] == []
