"""Tables of the log. ``audit_leaf`` and ``audit_checkpoint`` admit INSERT only (triggers)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db


class AuditLeaf(db.Base):
    """One entry: canonical JSON bytes exactly as hashed. ``seq`` starts at 0 and has no gaps."""

    __tablename__ = "audit_leaf"

    seq: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(db.Base):
    """One row: size and frontier (right-most perfect subtree roots, 32 bytes each). Locked last in a transaction."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    size: Mapped[int] = mapped_column(db.Key, default=0)
    frontier: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    epoch: Mapped[int] = mapped_column(default=1)


class AuditNode(db.Base):
    """A complete inner subtree (level ≥ 1): what proofs need without reading every leaf."""

    __tablename__ = "audit_node"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditDetail(db.Base):
    """The readable, erasable side of a leaf: who, on what, why. The leaf keeps only a salted hash of ``data``."""

    __tablename__ = "audit_detail"
    __table_args__ = (
        Index("ix_audit_detail_subject", "subject", "seq"),
        Index("ix_audit_detail_actor", "actor_id", "seq"),
        Index("ix_audit_detail_kind", "kind", "seq"),
    )

    seq: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(80))
    actor_id: Mapped[int | None] = mapped_column(db.Key)
    actor_name: Mapped[str] = mapped_column(String(80), default="")
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    data: Mapped[dict[str, Any]]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    erased_at: Mapped[datetime | None]


class AuditCheckpoint(db.Base):
    """A signed checkpoint (C2SP tlog-checkpoint) over the first ``size`` leaves."""

    __tablename__ = "audit_checkpoint"

    size: Mapped[int] = mapped_column(db.Key, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, default=1)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str]
    at: Mapped[datetime]


def append_only(table: str) -> list[tuple[str, str]]:
    """(dialect, statement) pairs of the triggers that refuse UPDATE and DELETE on ``table``; ``op.execute`` them."""
    statements = [
        (
            "sqlite",
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
        )
        for verb in ("UPDATE", "DELETE")
    ]
    statements.append(
        (
            "postgresql",
            f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        )
    )
    statements.append(
        (
            "postgresql",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
        )
    )
    return statements


for _model in (AuditLeaf, AuditNode, AuditCheckpoint):
    for _dialect, _statement in append_only(_model.__tablename__):
        db.trigger(_model.__table__, _dialect, _statement)
