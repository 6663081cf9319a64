"""Replaying a draw from what is stored: the pool against its leaf, the seed against its checkpoint, the lots again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from marketplace import db
from marketplace.panels.models import PanelDraw
from marketplace.panels.rules import draw as rules
from marketplace.platform.audit.models import AuditCheckpoint, AuditDetail, AuditLeaf


@dataclass(frozen=True, slots=True)
class Lot:
    """One candidate as the replay shows him."""

    expert: str
    outside: bool
    lot: str
    taken: str  # member, substitute or ""


def differences(made: PanelDraw) -> list[str]:
    """Sentences for everything that does not agree; empty when the draw was as it is recorded."""
    found = []
    facts = db.session.scalar(select(AuditDetail.facts).where(AuditDetail.seq == made.pool_seq))
    entry = db.session.scalar(select(AuditLeaf.entry).where(AuditLeaf.seq == made.pool_seq))
    if (
        facts is None
        or entry is None
        or facts.get("pool_hash") != made.pool_hash
        or made.pool_hash.encode() not in entry
    ):
        found.append("日志中没有这个抽取范围的指纹。")
    root = db.session.scalar(select(AuditCheckpoint.root).where(AuditCheckpoint.size == made.checkpoint_size))
    if root is None or root.hex() != made.checkpoint_root:
        found.append("日志中没有这个检查点，或根不一致。")
    if made.pool_seq is None or made.checkpoint_size is None or made.checkpoint_size <= made.pool_seq:
        found.append("检查点早于抽取范围的固定。")
    try:
        found += rules.replay(
            made.pool,
            pool_leaf=made.pool_hash,
            checkpoint_root=made.checkpoint_root,
            number=made.number,
            drawn=rules.Draw(tuple(made.members), tuple(made.substitutes)),
        )
    except (ValueError, KeyError) as error:
        found.append(f"抽取范围无法读取：{error}")
    return found


def lots(made: PanelDraw) -> list[Lot]:
    """Every candidate with his lot, in the order of the lots."""
    members, substitutes = set(made.members), set(made.substitutes)
    found = [
        Lot(
            one.expert,
            one.outside,
            rules.lot(made.seed, one.expert),
            "member" if one.expert in members else "substitute" if one.expert in substitutes else "",
        )
        for one in made.as_pool.candidates
    ]
    return sorted(found, key=lambda item: item.lot)
