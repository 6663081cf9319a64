"""Tables of the outbox. Ids are in commit order: rows are inserted while the audit head is locked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db


class OutboxRow(db.Base):
    """One thing that happened. ``topic`` is the log's kind (``demand.publish``)."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class OutboxConsumer(db.Base):
    """How far a consumer has read; moved in the same transaction as the consumer's own effects."""

    __tablename__ = "outbox_consumer"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(db.Key, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
