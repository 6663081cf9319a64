"""Reading the log: the timeline of a subject, proofs, and the check that nothing was changed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, false, func, or_, select

from marketplace import db
from marketplace.platform.audit.models import AuditCheckpoint, AuditDetail, AuditHead, AuditLeaf, AuditNode
from marketplace.platform.audit.service import canonical, signer
from marketplace.platform.checkpoint import BadNote, open_checkpoint
from marketplace.platform.merkle import Recount, consistency_proof, inclusion_proof, leaf_hash

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


Note = tuple[int, bytes, str]
"""A signed checkpoint as it is stored: size, root, signed text. A plain tuple: a hundred thousand of any class of ours
would be walked through by every run of the garbage collector, which doubled the time of a full check."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The log as it is stored, in pieces: (leaves, inner nodes completed by them); checkpoints; the head row."""

    pieces: Iterable[tuple[Sequence[tuple[int, bytes, bytes]], Mapping[tuple[int, int], bytes]]]
    checkpoints: Mapping[int, Note]
    size: int
    frontier: bytes


def _pieces() -> Iterator[tuple[Sequence[tuple[int, bytes, bytes]], Mapping[tuple[int, int], bytes]]]:
    start, connection = 0, db.session.connection()  # plain rows: the ORM's cost a quarter of a full check
    while True:
        rows = connection.execute(
            select(AuditLeaf.seq, AuditLeaf.entry, AuditLeaf.leaf_hash)
            .where(AuditLeaf.seq >= start)
            .order_by(AuditLeaf.seq)
            .limit(CHUNK)
        ).all()
        if not rows:
            return
        end = rows[-1][0] + 1
        spans = [
            and_(AuditNode.level == level, AuditNode.index >= start >> level, AuditNode.index < end >> level)
            for level in range(1, end.bit_length())
        ]
        found = connection.execute(select(AuditNode.level, AuditNode.index, AuditNode.hash).where(or_(*spans, false())))
        yield [(seq, entry, stored) for seq, entry, stored in rows], {(at, place): value for at, place, value in found}
        start = end


def verify(*, thorough: bool = False) -> Verdict:
    """Recompute everything that is stored: see ``examine``."""
    rows = select(AuditCheckpoint.size, AuditCheckpoint.root, AuditCheckpoint.note).order_by(AuditCheckpoint.epoch)
    checkpoints = {size: (size, root, note) for size, root, note in db.session.connection().execute(rows)}
    head = db.session.get(AuditHead, 1)
    kept = Kept(_pieces(), checkpoints, head.size if head else 0, head.frontier if head else b"")
    return examine(kept, thorough=thorough)


def examine(kept: Kept, *, thorough: bool = False) -> Verdict:
    """Bytes → leaf hashes → inner nodes → root → head row → signed checkpoints; names the first bad entry.

    A checkpoint's signed text must state the size and the root found here. Its note is vouched for by the entry after
    it, which holds its hash and stands under the newest signature; where that entry says nothing (it is older than
    this rule), for the newest, and for each when ``thorough``, the signature itself is checked.
    """
    checkpoints, tree, last_good, name = kept.checkpoints, Recount(), 0, signer().name
    unvouched: Note | None = None  # the checkpoint that ends just before the next entry

    def bad(seq: int | None, problem: str) -> Verdict:
        return Verdict(tree.size, tree.root(), seq, problem)

    for leaves, nodes in kept.pieces:
        for seq, entry, stored in leaves:
            if seq != tree.size:
                return bad(tree.size, f"序号 {tree.size} 的记录缺失")
            if leaf_hash(entry) != stored or (said := json.loads(str(entry, "utf-8"))).get("seq") != seq:
                return bad(seq, f"序号 {seq} 的记录与其指纹不符")
            if (problem := _after_problem(unvouched, said.get("after"))) is not None:
                return bad(max(seq - 1, 0), f"序号 {seq} 之前的检查点：{problem}")
            for level, index, digest in tree.add(stored):
                if nodes.get((level, index)) != digest:
                    return bad(seq, f"序号 {seq} 之上的树节点与记录不符")
            if (unvouched := checkpoints.get(tree.size)) is not None:
                problem = _text_problem(unvouched, tree.root(), name)
                if problem or (thorough and (problem := _signature_problem(unvouched))):
                    return bad(last_good, f"序号 {last_good}–{seq}：{problem}")
                last_good = tree.size
    if kept.size != tree.size:
        return bad(min(kept.size, tree.size), f"日志应有 {kept.size} 条，实有 {tree.size} 条")
    if kept.frontier != tree.frontier().to_bytes():
        return bad(tree.size - 1, "树的前沿与记录不符")
    if checkpoints and max(checkpoints) > tree.size:
        return bad(tree.size, "有签名检查点覆盖的记录已被删除")
    if tree.size and unvouched is None:
        return bad(tree.size - 1, "最新的签名检查点已被删除")
    if unvouched is not None and (problem := _signature_problem(unvouched)) is not None:
        return bad(tree.size - 1, problem)
    return Verdict(tree.size, tree.root())


def _after_problem(before: Note | None, after: str | None) -> str | None:
    """Whether the entry after a checkpoint vouches for its note; older entries say nothing and its signature must."""
    if after is None:
        return _signature_problem(before) if before is not None else None
    if before is None:
        return "已被删除"
    return None if hashlib.sha256(before[2].encode()).hexdigest() == after else "与其后一条所记的指纹不符"


def checkpoint_problem(row: AuditCheckpoint, root: bytes) -> str | None:
    """Why one kept checkpoint does not stand for this root under this site's key, ``None`` when it does."""
    note = (row.size, row.root, row.note)
    return _signature_problem(note) or _text_problem(note, root, signer().name)


def _text_problem(note: Note, root: bytes, name: str) -> str | None:
    """Why the signed text does not state this size and root under this log's name."""
    size, kept, text = note
    stated = f"{name}\n{size}\n{base64.b64encode(root).decode()}\n"
    return None if kept == root and text.startswith(stated) else "内容与签名检查点的根不符"


def _signature_problem(note: Note) -> str | None:
    """Why a kept checkpoint does not stand under this site's key, ``None`` when it does."""
    size, root, text = note
    try:
        signed = open_checkpoint(text, [signer().verifier], origin=signer().name)
    except BadNote:
        return "检查点的签名无效"
    return None if (signed.size, signed.root) == (size, root) else "检查点的签名与行不符"


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
