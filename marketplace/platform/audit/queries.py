"""Reading the log: the timeline of a subject, proofs, and the check that nothing was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, false, func, or_, select

from marketplace import db
from marketplace.platform.audit.models import AuditCheckpoint, AuditDetail, AuditHead, AuditLeaf, AuditNode
from marketplace.platform.audit.service import canonical, signer
from marketplace.platform.checkpoint import BadNote, open_checkpoint
from marketplace.platform.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash

CHUNK = 5_000


def history(subject: str) -> Select[AuditDetail]:
    """What happened to one subject, oldest first."""
    return select(AuditDetail).where(AuditDetail.subject == subject).order_by(AuditDetail.seq)


def size() -> int:
    return db.session.scalar(select(AuditHead.size).where(AuditHead.id == 1)) or 0


def newest_checkpoint() -> AuditCheckpoint | None:
    return db.session.scalar(
        select(AuditCheckpoint).order_by(AuditCheckpoint.epoch.desc(), AuditCheckpoint.size.desc()).limit(1)
    )


def node(level: int, index: int) -> bytes:
    """A ``merkle.NodeLookup`` over the tables."""
    if level == 0:
        found = db.session.scalar(select(AuditLeaf.leaf_hash).where(AuditLeaf.seq == index))
    else:
        found = db.session.scalar(select(AuditNode.hash).where(AuditNode.level == level, AuditNode.index == index))
    if found is None:
        raise LookupError(f"node {level}/{index} is missing")
    return found


def prove(seq: int, tree_size: int | None = None) -> list[bytes]:
    """The inclusion path of leaf ``seq`` in the first ``tree_size`` leaves (default: all). ``ValueError`` outside."""
    return inclusion_proof(node, seq, size() if tree_size is None else tree_size)


def consistency(first: int, second: int) -> list[bytes]:
    """The proof that the first ``first`` leaves are the beginning of the first ``second``."""
    return consistency_proof(node, first, second)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a full check. ``bad_seq`` is the first entry that is not what was logged, else ``None``."""

    entries: int
    root: bytes
    bad_seq: int | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Kept:
    """The log as it is stored, in pieces: (leaves, inner nodes completed by them); checkpoints; the head row."""

    pieces: Iterable[tuple[Sequence[tuple[int, bytes, bytes]], Mapping[tuple[int, int], bytes]]]
    checkpoints: Mapping[int, AuditCheckpoint]
    size: int
    frontier: bytes


def _pieces() -> Iterator[tuple[Sequence[tuple[int, bytes, bytes]], Mapping[tuple[int, int], bytes]]]:
    start = 0
    while True:
        rows = db.session.execute(
            select(AuditLeaf.seq, AuditLeaf.entry, AuditLeaf.leaf_hash)
            .where(AuditLeaf.seq >= start)
            .order_by(AuditLeaf.seq)
            .limit(CHUNK)
        ).all()
        if not rows:
            return
        end = rows[-1].seq + 1
        spans = [
            and_(AuditNode.level == level, AuditNode.index >= start >> level, AuditNode.index < end >> level)
            for level in range(1, end.bit_length())
        ]
        found = db.session.execute(select(AuditNode.level, AuditNode.index, AuditNode.hash).where(or_(*spans, false())))
        yield [(row.seq, row.entry, row.leaf_hash) for row in rows], {(at, place): value for at, place, value in found}
        start = end


def verify() -> Verdict:
    """Recompute everything that is stored: see ``examine``."""
    checkpoints = {row.size: row for row in db.session.scalars(select(AuditCheckpoint))}
    head = db.session.get(AuditHead, 1)
    return examine(Kept(_pieces(), checkpoints, head.size if head else 0, head.frontier if head else b""))


def examine(kept: Kept) -> Verdict:
    """Bytes → leaf hashes → inner nodes → root → head row → signed checkpoints; names the first bad entry."""
    checkpoints, frontier, last_good = kept.checkpoints, Frontier(), 0

    def bad(seq: int | None, problem: str) -> Verdict:
        return Verdict(frontier.size, frontier.root(), seq, problem)

    for leaves, nodes in kept.pieces:
        for seq, entry, stored in leaves:
            if seq != frontier.size:
                return bad(frontier.size, f"序号 {frontier.size} 的记录缺失")
            if leaf_hash(entry) != stored or json.loads(entry).get("seq") != seq:
                return bad(seq, f"序号 {seq} 的记录与其指纹不符")
            frontier, completed = frontier.grow(stored)
            if any(nodes.get((item.level, item.index)) != item.hash for item in completed[1:]):
                return bad(seq, f"序号 {seq} 之上的树节点与记录不符")
            if (checkpoint := checkpoints.get(frontier.size)) is not None:
                if (problem := checkpoint_problem(checkpoint, frontier.root())) is not None:
                    return bad(last_good, f"序号 {last_good}–{seq}：{problem}")
                last_good = frontier.size
    if kept.size != frontier.size:
        return bad(min(kept.size, frontier.size), f"日志应有 {kept.size} 条，实有 {frontier.size} 条")
    if kept.frontier != frontier.to_bytes():
        return bad(frontier.size - 1, "树的前沿与记录不符")
    if checkpoints and max(checkpoints) > frontier.size:
        return bad(frontier.size, "有签名检查点覆盖的记录已被删除")
    return Verdict(frontier.size, frontier.root())


def checkpoint_problem(row: AuditCheckpoint, root: bytes) -> str | None:
    """Why a kept checkpoint does not stand for this root under this site's key, ``None`` when it does."""
    if row.root != root:
        return "内容与签名检查点的根不符"
    try:
        signed = open_checkpoint(row.note, [signer().verifier], origin=signer().name)
    except BadNote:
        return "检查点的签名无效"
    return None if (signed.size, signed.root) == (row.size, root) else "检查点的签名与行不符"


def altered_details() -> list[int]:
    """Numbers of readable records that no longer match the hash in their leaf (erased ones aside)."""
    bad: list[int] = []
    rows = db.session.execute(
        select(AuditDetail, AuditLeaf.entry)
        .join(AuditLeaf, AuditLeaf.seq == AuditDetail.seq)
        .where(AuditDetail.erased_at.is_(None))
        .order_by(AuditDetail.seq)
    )
    for detail, entry in rows:
        said = json.loads(entry)
        expected = hashlib.sha256(detail.salt + canonical(detail.data)).hexdigest()
        if said["details_sha256"] != expected or said["facts"] != detail.facts or said["kind"] != detail.kind:
            bad.append(detail.seq)
    return bad


def count(kind_prefix: str = "") -> int:
    """How many entries are of a kind."""
    return db.session.scalar(select(func.count()).where(AuditDetail.kind.startswith(kind_prefix))) or 0
