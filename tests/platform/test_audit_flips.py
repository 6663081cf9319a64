"""Whoever changes a single byte of the stored log is found, and the entry is named."""

from __future__ import annotations

import hashlib
import json
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
from marketplace.platform.audit.queries import Kept, Note, examine
from marketplace.platform.audit.service import canonical, signer
from marketplace.platform.checkpoint import Checkpoint, sign_checkpoint, sign_note
from marketplace.platform.merkle import Frontier, leaf_hash
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
        rows = session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.epoch))
        checkpoints = {row.size: (row.size, row.root, row.note) for row in rows}
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
    for at_size, (_, root, text_) in stored.checkpoints.items():
        note = text_.encode()
        changed = [(at_size, flipped(root, at), text_) for at in range(at_size % STRIDE, 32, STRIDE)]
        changed += [
            (at_size, root, flipped(note, at).decode(errors="replace"))
            for at in range(at_size % STRIDE, len(note), STRIDE)
        ]
        for other in changed:
            verdict = examine(replace(stored, checkpoints={**stored.checkpoints, at_size: other}))
            if verdict.ok or verdict.bad_seq not in range(at_size - 8, at_size + 1):
                missed.append(("checkpoint", at_size, other, verdict))
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


def test_a_note_is_vouched_for_by_the_entry_after_it_and_the_newest_by_its_signature(stored: Kept) -> None:
    (leaves, _), *_ = stored.pieces
    sizes = sorted(stored.checkpoints)
    newest, former = sizes[-1], sizes[-3]
    _, root, note = stored.checkpoints[former]
    said = json.loads(leaves[former][1])
    assert said["after"] == hashlib.sha256(note.encode()).hexdigest()
    assert [seq for seq, entry, _ in leaves if b'"after":' in entry] == [at for at in sizes if at < ENTRIES]
    assert examine(stored, thorough=True).ok
    for gone in (former, newest):
        kept = {at: row for at, row in stored.checkpoints.items() if at != gone}
        verdict = examine(replace(stored, checkpoints=kept))
        assert (verdict.ok, verdict.bad_seq) == (False, gone - 1)
    # Of the same tree, signed by the same key, but not the note that was given out: only its hash can tell.
    body = Checkpoint(signer().name, former, root, ("epoch 1", "other")).body()
    other = (former, root, sign_note(body, signer()))
    verdict = examine(replace(stored, checkpoints={**stored.checkpoints, former: other}))
    assert (verdict.ok, verdict.bad_seq) == (False, former - 1)


def test_entries_older_than_the_rule_stand_by_the_signatures(stored: Kept) -> None:
    """Without ``after`` each note's own signature is checked, as it was before."""
    frontier, leaves, nodes, notes = Frontier(), list[Any](), dict[tuple[int, int], bytes](), dict[int, Note]()
    for seq in range(24):
        entry = canonical({"v": 1, "seq": seq, "kind": "old"})
        frontier, completed = frontier.grow(leaf_hash(entry))
        leaves.append((seq, entry, completed[0].hash))
        nodes |= {(node.level, node.index): node.hash for node in completed[1:]}
        if seq % 4 == 3:
            signed = sign_checkpoint(Checkpoint(signer().name, seq + 1, frontier.root()), signer())
            notes[seq + 1] = (seq + 1, frontier.root(), signed)
    old = Kept([(leaves, nodes)], notes, 24, frontier.to_bytes())
    assert examine(old).ok
    forged = (*notes[8][:2], flipped(notes[8][2].encode(), -6).decode(errors="replace"))
    verdict = examine(replace(old, checkpoints={**notes, 8: forged}))
    assert (verdict.ok, verdict.bad_seq) == (False, 7)


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
