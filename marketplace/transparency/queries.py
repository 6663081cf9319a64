"""Proofs as data, and finding the published version that somebody holds in his hand."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, undefer

from marketplace import db
from marketplace.demands.content import canonical
from marketplace.demands.models import Demand, DemandVersion
from marketplace.demands.queries import is_public
from marketplace.platform.audit import AuditLeaf, queries
from marketplace.platform.merkle import root_at

SHA256 = re.compile(r"[0-9a-f]{64}")


def inclusion(seq: int, size: int | None = None) -> dict[str, Any]:
    """The path from entry ``seq`` to the root of the first ``size`` entries, hex. ``ValueError`` outside the log."""
    size = queries.size() if size is None else size
    if not 0 <= seq < size <= queries.size():
        raise ValueError("outside the log")
    leaf = db.session.scalar(select(AuditLeaf.leaf_hash).where(AuditLeaf.seq == seq))
    assert leaf is not None
    return {
        "seq": seq,
        "size": size,
        "leaf_hash": leaf.hex(),
        "proof": [step.hex() for step in queries.prove(seq, size)],
        "root": root_at(queries.node, size).hex(),
    }


def consistency(first: int, second: int | None = None) -> dict[str, Any]:
    """The proof that the first ``first`` entries begin the first ``second``, hex. ``ValueError`` outside the log."""
    second = queries.size() if second is None else second
    if not 0 < first <= second <= queries.size():
        raise ValueError("outside the log")
    return {
        "first": first,
        "second": second,
        "first_root": root_at(queries.node, first).hex(),
        "second_root": root_at(queries.node, second).hex(),
        "proof": [step.hex() for step in queries.consistency(first, second)],
    }


def published_versions(text: str, *, now: datetime) -> list[DemandVersion]:
    """Public versions of a demand by its number, or the one with this SHA-256 (spaces allowed); newest first."""
    compact = "".join(text.split())
    query = (
        select(DemandVersion)
        .join(DemandVersion.demand)
        .options(contains_eager(DemandVersion.demand))
        .where(is_public(now), or_(Demand.number == compact.upper(), DemandVersion.sha256 == compact.lower()))
        .order_by(DemandVersion.demand_id, DemandVersion.version.desc())
    )
    return list(db.session.scalars(query))


def hashes_of(upload: bytes) -> list[str]:
    """SHA-256 of the bytes as they are and, when they are JSON, of its canonical form (an editor may re-indent)."""
    hashes = [hashlib.sha256(upload).hexdigest()]
    try:
        parsed = json.loads(upload)
    except (ValueError, RecursionError):
        return hashes
    if isinstance(parsed, dict):
        again = hashlib.sha256(canonical(parsed)).hexdigest()
        hashes += [again] if again not in hashes else []
    return hashes


def snapshot(*, now: datetime, number: str, version: int) -> DemandVersion | None:
    """One public version with its bytes."""
    return db.session.scalar(
        select(DemandVersion)
        .join(DemandVersion.demand)
        .options(contains_eager(DemandVersion.demand), undefer(DemandVersion.snapshot))
        .where(is_public(now), Demand.number == number, DemandVersion.version == version)
    )
