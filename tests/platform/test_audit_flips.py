"""Whoever changes a single byte of the stored log is found, and the entry is named."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from marketplace import db
from marketplace.platform import audit, clock
from marketplace.platform.audit import queries
from marketplace.platform.audit.models import AuditCheckpoint, AuditHead, AuditLeaf, AuditNode
from marketplace.platform.audit.queries import Kept, examine
from marketplace.platform.merkle import leaf_hash
from marketplace.platform.policy import SYSTEM
from tests.sizes import size

ENTRIES = 200
STRIDE = size(41, 1)  # how many of the bytes are tried


@pytest.fixture
def stored(real: Engine) -> Iterator[Kept]:
    """A log of 200 entries as the tables hold it."""
    with db.transaction():
        begin = queries.size()
    for start in range(begin, ENTRIES, 8):
        with db.transaction():
            for number in range(start, min(start + 8, ENTRIES)):
                reason = {"reason": f"第{number}条的理由"}
                audit.append("thing.done", subject=f"thing:{number}", actor=SYSTEM, at=clock.wall_now(), details=reason)
    with db.transaction() as session:
        leaves = [(row.seq, row.entry, row.leaf_hash) for row in session.scalars(select(AuditLeaf).order_by("seq"))]
        nodes = {(row.level, row.index): row.hash for row in session.scalars(select(AuditNode))}
        checkpoints = {row.size: row for row in session.scalars(select(AuditCheckpoint))}
        head = session.get_one(AuditHead, 1)
        yield Kept([(leaves, nodes)], checkpoints, head.size, head.frontier)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ (1 << (at % 8)),)) + data[at + 1 :]


def with_leaf(kept: Kept, seq: int, entry: bytes, digest: bytes) -> Kept:
    (leaves, nodes), *_ = kept.pieces
    changed = [*leaves[:seq], (seq, entry, digest), *leaves[seq + 1 :]]
    return replace(kept, pieces=[(changed, nodes)])


def test_every_flipped_byte_of_an_entry_is_found_and_named(stored: Kept) -> None:
    assert examine(stored).ok
    (leaves, _), *_ = stored.pieces
    assert len(leaves) == ENTRIES
    tried, wrong = 0, []
    for seq, entry, digest in leaves:
        for at in range(seq % STRIDE, len(entry), STRIDE):
            verdict = examine(with_leaf(stored, seq, flipped(entry, at), digest))
            tried += 1
            if (verdict.ok, verdict.bad_seq) != (False, seq):
                wrong.append((seq, at, verdict))
        for at in range(seq % STRIDE, len(digest), STRIDE):
            verdict = examine(with_leaf(stored, seq, entry, flipped(digest, at)))
            if (verdict.ok, verdict.bad_seq) != (False, seq):
                wrong.append((seq, at, verdict))
    assert wrong == []
    assert tried > 25 * ENTRIES // STRIDE


def test_every_flipped_byte_around_the_entries_is_found(stored: Kept) -> None:
    """Inner nodes, checkpoints (their root and their signed text) and the head row."""
    (leaves, nodes), *_ = stored.pieces
    missed: list[Any] = []
    for (level, index), value in nodes.items():
        for at in range(index % STRIDE, 32, STRIDE):
            verdict = examine(replace(stored, pieces=[(leaves, nodes | {(level, index): flipped(value, at)})]))
            if verdict.bad_seq != ((index + 1) << level) - 1:
                missed.append(("node", level, index, at))
    for at_size, row in stored.checkpoints.items():
        note = row.note.encode()
        changes = [{"root": flipped(row.root, at)} for at in range(at_size % STRIDE, 32, STRIDE)]
        changes += [
            {"note": flipped(note, at).decode(errors="replace")} for at in range(at_size % STRIDE, len(note), STRIDE)
        ]
        for change in changes:
            other = AuditCheckpoint(
                **{"size": at_size, "epoch": row.epoch, "root": row.root, "note": row.note, **change}
            )
            if examine(replace(stored, checkpoints={**stored.checkpoints, at_size: other})).ok:
                missed.append(("checkpoint", at_size, change))
    missed += [
        at for at in range(len(stored.frontier)) if examine(replace(stored, frontier=flipped(stored.frontier, at))).ok
    ]
    assert missed == []


def test_entries_cannot_be_cut_off_swapped_or_rewritten_with_their_hashes(stored: Kept) -> None:
    (leaves, nodes), *_ = stored.pieces
    shorter = examine(replace(stored, pieces=[(leaves[:-3], nodes)]))
    assert (shorter.ok, shorter.bad_seq) == (False, ENTRIES - 3)
    missing = examine(replace(stored, pieces=[(leaves[:50] + leaves[51:], nodes)]))
    assert missing.bad_seq == 50
    chance = random.Random(3)
    for seq in chance.sample(range(ENTRIES), 20):
        forged = leaves[seq][1].replace(b"thing.done", b"thing.gone")
        verdict = examine(with_leaf(stored, seq, forged, leaf_hash(forged)))
        # The leaf agrees with its hash; the node above it, completed by its right-hand neighbour, does not.
        assert (verdict.ok, verdict.bad_seq) == (False, seq | 1)


def test_a_byte_changed_in_the_database_itself_is_named(stored: Kept, real: Engine) -> None:
    """With the triggers out of the way, as whoever owns the database could."""
    sqlite = real.dialect.name == "sqlite"
    with db.transaction() as session:
        if sqlite:
            session.execute(text("DROP TRIGGER audit_leaf_no_update"))
        else:
            session.execute(text("ALTER TABLE audit_leaf DISABLE TRIGGER ALL"))
        assert queries.verify().ok
        entry = flipped(session.get_one(AuditLeaf, 137).entry, 20)
        session.execute(AuditLeaf.__table__.update().where(AuditLeaf.__table__.c.seq == 137).values(entry=entry))
        session.expire_all()
        verdict = queries.verify()
        assert (verdict.ok, verdict.bad_seq) == (False, 137)
