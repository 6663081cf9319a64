"""Capabilities: the words at work, and beside them the words that are public."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.capabilities import content as words
from marketplace.capabilities.rules import PUBLIC, CapabilityState

_PUBLIC = ", ".join(repr(str(state)) for state in CapabilityState if state in PUBLIC)


class Capability(db.Base):
    """``content`` is what the firm writes; ``public_*`` what a screener approved last. ``listed_at`` is set while it is
    public, ``approved_at`` remembers the last approval.
    """

    __tablename__ = "capability"
    __table_args__ = (
        CheckConstraint(db.codes("state", CapabilityState), name="state"),
        CheckConstraint(f"(state IN ({_PUBLIC})) = (listed_at IS NOT NULL)", name="listed"),
        Index("ix_capability_state", "state", "submitted_at"),
        Index("ix_capability_firm", "organisation_id", "state"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    state: Mapped[CapabilityState] = mapped_column(db.Code(CapabilityState), default=CapabilityState.DRAFT)
    title: Mapped[str] = mapped_column(String(60), default="")
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    public_title: Mapped[str] = mapped_column(String(60), default="")
    public_summary: Mapped[str] = mapped_column(String(200), default="")
    public_content: Mapped[dict[str, Any]] = mapped_column(deferred=True, default=dict)
    content_version: Mapped[int] = mapped_column(default=0)  # 0 before the first approval, then 1, 2 …
    reason: Mapped[str] = mapped_column(default="")  # the screener's last word: what to mend, why it was taken down
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    listed_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    tags: Mapped[list[CapabilityTag]] = relationship(cascade="all, delete-orphan", order_by="CapabilityTag.position")

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"capability:{self.id}"

    @property
    def is_public(self) -> bool:
        return self.state in PUBLIC

    @property
    def said(self) -> words.CapabilityContent:
        """The words at work."""
        return words.from_json(self.content)

    @property
    def said_in_public(self) -> words.CapabilityContent:
        return words.from_json(self.public_content)


class CapabilityTag(db.Base):
    """A direction or an industry of the public words, for the filters."""

    __tablename__ = "capability_tag"

    capability_id: Mapped[int] = mapped_column(ForeignKey("capability.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)  # direction, industry
    code: Mapped[str] = mapped_column(String(16), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)
