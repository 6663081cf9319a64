"""The log stands or falls with the change it records."""

import json

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from marketplace import db
from marketplace.platform import audit, clock, outbox
from marketplace.platform.audit import queries, service
from marketplace.platform.checkpoint import open_checkpoint
from marketplace.platform.merkle import verify_consistency, verify_inclusion
from marketplace.platform.policy import SYSTEM


def write(kind, count=1, **details):
    for _ in range(count):
        audit.append(kind, subject="thing:1", actor=SYSTEM, at=clock.wall_now(), facts={"n": 1}, details=details)
    db.session.commit()


def test_entries_are_numbered_without_gaps_and_verify(session):
    start = queries.size()
    write("thing.done", 7, reason="因为")
    assert queries.size() == start + 7
    verdict = queries.verify()
    assert (verdict.ok, verdict.entries) == (True, start + 7)
    assert queries.altered_details() == []


def test_a_rollback_takes_leaf_and_outbox_row_with_it(session):
    start = queries.size()
    audit.append("thing.done", subject="thing:1", actor=SYSTEM, at=clock.wall_now())
    outbox.emit("thing.done", {}, at=clock.wall_now())
    db.session.rollback()
    db.session.commit()
    assert queries.size() == start
    assert db.session.scalar(select(outbox.OutboxRow.id).where(outbox.OutboxRow.topic == "thing.done")) is None


def test_proofs_verify_against_the_signed_checkpoint(session):
    write("thing.done", 5)
    first = queries.newest_checkpoint()
    write("thing.done", 8)
    second = queries.newest_checkpoint()
    signed = open_checkpoint(second.note, [audit.service.signer().verifier], origin=audit.service.signer().name)
    assert (signed.size, signed.root) == (second.size, second.root)
    leaf = db.session.get(audit.AuditLeaf, second.size - 3)
    proof = queries.prove(leaf.seq, second.size)
    assert verify_inclusion(leaf.leaf_hash, leaf.seq, second.size, proof, second.root)
    proof = queries.consistency(first.size, second.size)
    assert verify_consistency(first.size, second.size, proof, first.root, second.root)


@pytest.mark.parametrize("verb", ["UPDATE audit_leaf SET entry = entry", "DELETE FROM audit_leaf"])
def test_the_database_refuses_changes(session, verb):
    write("thing.done")
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(verb))


def test_personal_details_can_be_erased_and_the_log_stays_valid(session):
    audit.append(
        "thing.done", subject="thing:1", actor=SYSTEM, at=clock.wall_now(), details={"reason": "电话 13800001234"}
    )
    db.session.commit()
    seq = queries.size() - 1
    entry = json.loads(db.session.get(audit.AuditLeaf, seq).entry)
    assert "13800001234" not in json.dumps(entry)
    detail = db.session.get(audit.AuditDetail, seq)
    detail.actor_id = 4242
    db.session.flush()
    assert audit.erase_details(actor_id=4242, now=clock.wall_now()) == 1
    assert queries.verify().ok
    assert queries.altered_details() == []


def test_the_log_keeps_its_name_when_the_site_moves(session, tmp_path):
    before = service._signer
    try:
        audit.configure(tmp_path, "old.example/log")
        first = service.signer()
        audit.configure(tmp_path, "new.example:8443/log")
        assert service.signer().verifier == first.verifier
        assert service.signer().name == "old.example/log"
    finally:
        service._signer = before
