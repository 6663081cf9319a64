"""Uploaded lists and their rows: what was read, what an officer corrected, and what became of each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation, User
from marketplace.batches.models import Batch
from marketplace.demands.models import Demand
from marketplace.exchange.rules import ImportState, Outcome


class ImportBatch(db.Base):
    """One uploaded list. ``done_rows`` of ``total_rows`` tells how far the reading is; ``skipped`` lists rows that are
    no demands as ``[{"sheet", "row", "reason", "text"}]``."""

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(db.codes("state", ImportState), name="state"),
        CheckConstraint("(state IN ('done', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("state <> 'unreadable' OR problem <> ''", name="problem"),
        Index("ix_import_batch_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    state: Mapped[ImportState] = mapped_column(db.Code(ImportState), default=ImportState.READING)
    problem: Mapped[str] = mapped_column(default="")
    done_rows: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[list[Any]] = mapped_column(default=list, deferred=True)
    notes: Mapped[list[Any]] = mapped_column(default=list)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"), index=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    finished_at: Mapped[datetime | None]
    finished_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    batch: Mapped[Batch | None] = relationship()
    created_by: Mapped[User | None] = relationship(foreign_keys=[created_by_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"import:{self.id}"


class ImportRow(db.Base):
    """One row of a list. ``values``, ``messages``, ``raw``, ``cells`` as in ``reading.Row``; ``kept``: an officer said
    that it is no duplicate. Exactly one of the three ends is filled once it is decided."""

    __tablename__ = "import_row"
    __table_args__ = (
        UniqueConstraint("import_id", "position"),
        Index("ix_import_row_status", "import_id", "outcome", "status"),
        CheckConstraint(db.codes("outcome", Outcome), name="outcome"),
        CheckConstraint("status IN ('ok', 'warning', 'error', 'duplicate')", name="status"),
        CheckConstraint("(outcome = 'created') = (demand_id IS NOT NULL)", name="created"),
        CheckConstraint(
            "(outcome = 'merged') = (merged_demand_id IS NOT NULL OR merged_row_id IS NOT NULL)", name="merged"
        ),
        CheckConstraint("(outcome = 'refused') = (reason <> '')", name="refused"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    position: Mapped[int]
    sheet: Mapped[str] = mapped_column(String(120))
    row_number: Mapped[int]
    status: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(200), default="")
    unit_name: Mapped[str] = mapped_column(String(200), default="", index=True)
    values: Mapped[dict[str, Any]]
    messages: Mapped[list[Any]] = mapped_column(default=list)
    raw: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cells: Mapped[dict[str, Any]] = mapped_column(default=dict)
    duplicate_of: Mapped[str] = mapped_column(String(200), default="")
    kept: Mapped[bool] = mapped_column(default=False)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    outcome: Mapped[Outcome] = mapped_column(db.Code(Outcome), default=Outcome.PENDING)
    reason: Mapped[str] = mapped_column(default="")
    demand_id: Mapped[int | None] = mapped_column(ForeignKey("demand.id"), unique=True)
    merged_demand_id: Mapped[int | None] = mapped_column(ForeignKey("demand.id"), index=True)
    merged_row_id: Mapped[int | None] = mapped_column(ForeignKey("import_row.id"), index=True)
    corrected_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    source: Mapped[ImportBatch] = relationship()
    unit: Mapped[Organisation | None] = relationship()
    demand: Mapped[Demand | None] = relationship(foreign_keys=[demand_id])
    merged_demand: Mapped[Demand | None] = relationship(foreign_keys=[merged_demand_id])
    merged_row: Mapped[ImportRow | None] = relationship(remote_side=[id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def state(self) -> ImportState:
        """A row may be decided while its list is open: what the permission asks of it."""
        return self.source.state

    @property
    def effective_status(self) -> str:
        """``status``, but a duplicate that an officer has cleared is a warning."""
        return "warning" if self.kept and self.status == "duplicate" else self.status

    @property
    def place(self) -> str:
        """Where it stands in the file."""
        return f"{self.sheet}!{self.row_number}"
