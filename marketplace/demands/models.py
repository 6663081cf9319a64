"""Demands, their published versions, their rounds of correction, their files and followers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation, User
from marketplace.batches.models import Batch
from marketplace.demands import content as said
from marketplace.demands.rules import BEFORE_PUBLICATION, EDITABLE, Action, State, accepts_bids, phase

_UNPUBLISHED = ", ".join(repr(str(state)) for state in State if state in BEFORE_PUBLICATION)


class Demand(db.Base):
    """One demand. ``content`` is what its unit wrote; the columns beside it repeat what lists filter and sort by."""

    __tablename__ = "demand"
    __table_args__ = (
        CheckConstraint(db.codes("state", State), name="state"),
        CheckConstraint(f"(state IN ({_UNPUBLISHED})) = (published_at IS NULL)", name="published"),
        CheckConstraint("(published_at IS NULL) = (number IS NULL)", name="numbered"),
        CheckConstraint("(published_at IS NULL) = (closes_at IS NULL)", name="closes"),
        CheckConstraint("closes_at IS NULL OR closes_at > visible_from", name="closes_after"),
        UniqueConstraint("batch_id", "sequence"),
        Index("ix_demand_public", "visible_from", "id"),
        Index("ix_demand_closing", "state", "closes_at", "visible_from"),
        Index("ix_demand_unit_state", "unit_id", "state"),
        Index("ix_demand_queue", "state", "submitted_at"),
        Index("ix_demand_drafter", "drafter_id"),
        Index("ix_demand_submitter", "submitter_id"),
        # Counting facets touches every public row: this index alone answers it, the wide rows stay unread.
        Index(
            "ix_demand_facets",
            *(
                "visible_from",
                "state",
                "closes_at",
                "direction",
                "mode",
                "budget_fen",
                "unit_id",
                "batch_id",
                "year",
                "id",
            ),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)  # address before there is a number
    number: Mapped[str | None] = mapped_column(String(32), unique=True)
    sequence: Mapped[int | None]
    unit_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"), index=True)
    state: Mapped[State] = mapped_column(db.Code(State), default=State.DRAFT)
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)

    title: Mapped[str] = mapped_column(String(60), default="")
    summary: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(16), default="application")
    direction: Mapped[str] = mapped_column(String(16), default="", index=True)
    mode: Mapped[str] = mapped_column(String(16), default="", index=True)
    budget_fen: Mapped[int | None] = mapped_column(BigInteger)
    deliver_by: Mapped[date | None]
    quality: Mapped[int] = mapped_column(default=0)

    drafter_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    submitter_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    screener_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    publisher_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("demand.id"), index=True)
    origin_kind: Mapped[str] = mapped_column(String(12), default="")  # clone, republish, import

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    screening_begun_at: Mapped[datetime | None]
    appraising_at: Mapped[datetime | None]
    pooled_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    visible_from: Mapped[datetime | None]
    year: Mapped[int | None] = mapped_column(index=True)  # of publication, Beijing
    closes_at: Mapped[datetime | None]
    questions_close_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]  # enough custodians have released: from here on bids can be read
    ended_at: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(default=0)  # times it was returned
    lookalikes_resolved_at: Mapped[datetime | None]
    reviews: Mapped[dict[str, Any]] = mapped_column(default=dict)  # fair competition, secrecy: results before pooling
    custody: Mapped[str] = mapped_column(String(8), default="")
    set_hash: Mapped[str] = mapped_column(String(64), default="")  # the custodians' keys, frozen at publication
    content_version: Mapped[int] = mapped_column(default=0)  # 0 before publication, then 1, 2 …
    lock_version: Mapped[int] = mapped_column(default=1)

    unit: Mapped[Organisation] = relationship()
    batch: Mapped[Batch | None] = relationship()
    drafter: Mapped[User | None] = relationship(foreign_keys=[drafter_id])
    screener: Mapped[User | None] = relationship(foreign_keys=[screener_id])
    origin: Mapped[Demand | None] = relationship(remote_side=[id])
    industries: Mapped[list[DemandIndustry]] = relationship(
        cascade="all, delete-orphan", order_by="DemandIndustry.position"
    )
    versions: Mapped[list[DemandVersion]] = relationship(back_populates="demand", order_by="DemandVersion.version")
    rounds: Mapped[list[DemandRound]] = relationship(back_populates="demand", order_by="DemandRound.id")
    files: Mapped[list[DemandFile]] = relationship(back_populates="demand", order_by="DemandFile.id")
    custodians: Mapped[list[DemandCustodian]] = relationship(
        cascade="all, delete-orphan", order_by="DemandCustodian.position"
    )
    proposals: Mapped[list[DemandProposal]] = relationship(back_populates="demand", order_by="DemandProposal.id")

    __mapper_args__ = {"version_id_col": lock_version}

    @property
    def audit_subject(self) -> str:
        return f"demand:{self.id}"

    @property
    def ref(self) -> str:
        """What its address says: the number once it has one."""
        return self.number or self.key

    @property
    def said(self) -> said.DemandContent:
        return said.from_json(self.content)

    @property
    def editable(self) -> bool:
        return self.state in EDITABLE

    @property
    def open_proposal(self) -> DemandProposal | None:
        """The act that waits for a second person, if any."""
        return next((item for item in self.proposals if item.decided_at is None), None)

    def phase(self, now: datetime) -> str:
        return phase(self.state, visible_from=self.visible_from, closes_at=self.closes_at, now=now)

    def accepts_bids(self, now: datetime) -> bool:
        return accepts_bids(self.state, visible_from=self.visible_from, closes_at=self.closes_at, now=now)


class DemandIndustry(db.Base):
    """An industry of a demand, for the filter."""

    __tablename__ = "demand_industry"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(16), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)


class DemandVersion(db.Base):
    """What was public at one time: ``snapshot`` bytes exactly as hashed, and what changed since the version before."""

    __tablename__ = "demand_version"
    __table_args__ = (UniqueConstraint("demand_id", "version"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"))
    version: Mapped[int]
    snapshot: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    changes: Mapped[list[Any]] = mapped_column(default=list)
    reason: Mapped[str] = mapped_column(default="")
    closes_at: Mapped[datetime]
    published_at: Mapped[datetime] = mapped_column(index=True)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    log_seq: Mapped[int | None] = mapped_column(db.Key)

    demand: Mapped[Demand] = relationship(back_populates="versions")


class DemandRound(db.Base):
    """One return for correction: the defects, and the content as it was, so that changes can be shown."""

    __tablename__ = "demand_round"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    defects: Mapped[list[Any]]  # [{"field": "budget_fen", "text": "…"}]
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    returned_at: Mapped[datetime]

    demand: Mapped[Demand] = relationship(back_populates="rounds")


class DemandFile(db.Base):
    """An attachment: ``public`` ones are offered to everybody once the demand is published."""

    __tablename__ = "demand_file"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(24), default="attachment")  # or fair_competition, secrecy
    public: Mapped[bool] = mapped_column(default=True)
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    removed_at: Mapped[datetime | None]

    demand: Mapped[Demand] = relationship(back_populates="files")


class DemandCustodian(db.Base):
    """A person who holds one share of the sealed bids, in order."""

    __tablename__ = "demand_custodian"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))

    user: Mapped[User] = relationship()
    organisation: Mapped[Organisation] = relationship()


class DemandProposal(db.Base):
    """An act that a publisher proposed and a second person confirms or refuses. One open at a time."""

    __tablename__ = "demand_proposal"
    __table_args__ = (
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_people"),
        Index(
            "uq_demand_proposal_open",
            "demand_id",
            unique=True,
            sqlite_where=db.null("decided_at"),
            postgresql_where=db.null("decided_at"),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), index=True)
    action: Mapped[Action] = mapped_column(db.Code(Action))
    reason: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    confirmed: Mapped[bool | None]

    demand: Mapped[Demand] = relationship(back_populates="proposals")
    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])


class DemandFollow(db.Base):
    """Somebody wants to be told about a demand. Counts stay hidden until the opening."""

    __tablename__ = "demand_follow"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True, index=True)
    followed_at: Mapped[datetime]


class DemandViews(db.Base):
    """How often a demand was looked at, and its papers and files fetched, on one day (Beijing)."""

    __tablename__ = "demand_views"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id", ondelete="CASCADE"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    downloads: Mapped[int] = mapped_column(default=0, server_default="0")
