"""Reading the log: the timeline of a subject, proofs, and the check that nothing was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, func, select

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


def _leaves() -> Iterator[tuple[int, bytes, bytes]]:
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
        yield from ((row.seq, row.entry, row.leaf_hash) for row in rows)
        start = rows[-1].seq + 1


def verify() -> Verdict:
    """Recompute everything: bytes → leaf hashes → root → head row → signed checkpoints; names the first bad one."""
    checkpoints = {row.size: row for row in db.session.scalars(select(AuditCheckpoint))}
    frontier = Frontier()
    last_good = 0
    for seq, entry, stored in _leaves():
        if seq != frontier.size:
            return Verdict(frontier.size, frontier.root(), frontier.size, f"序号 {frontier.size} 的记录缺失")
        if leaf_hash(entry) != stored or json.loads(entry).get("seq") != seq:
            return Verdict(frontier.size, frontier.root(), seq, f"序号 {seq} 的记录与其指纹不符")
        frontier = frontier.append(stored)
        if (checkpoint := checkpoints.get(frontier.size)) is not None:
            if (problem := _checkpoint_problem(checkpoint, frontier.root())) is not None:
                return Verdict(frontier.size, frontier.root(), last_good, f"序号 {last_good}–{seq}：{problem}")
            last_good = frontier.size
    head = db.session.get(AuditHead, 1)
    logged = head.size if head else 0
    if logged != frontier.size:
        problem = f"日志应有 {logged} 条，实有 {frontier.size} 条"
        return Verdict(frontier.size, frontier.root(), frontier.size, problem)
    if head is not None and head.frontier != frontier.to_bytes():
        return Verdict(frontier.size, frontier.root(), None, "树的前沿与记录不符")
    if checkpoints and max(checkpoints) > frontier.size:
        return Verdict(frontier.size, frontier.root(), frontier.size, "有签名检查点覆盖的记录已被删除")
    return Verdict(frontier.size, frontier.root())


def _checkpoint_problem(row: AuditCheckpoint, root: bytes) -> str | None:
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
