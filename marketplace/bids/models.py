"""Bids, their sealed versions, the ciphertext they are made of, and what is shown for them.

Nothing here holds a bid's content before the opening: manifests are hashes, parts are ciphertext in the file
storage, shares and own copies of keys are wrapped. Public ids are 128 random bits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.bids.rules import BidState, Stage
from marketplace.demands.models import Demand
from marketplace.platform.sealing.wire import BidRef


class BidderKey(db.Base):
    """An organisation's 单位标书钥匙: only the hash of its check value, to tell a member that he typed another one."""

    __tablename__ = "bidder_key"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    check_hash: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]


class Bid(db.Base):
    """One organisation's bid on one demand, through all its versions. ``version``: the last sealed one, 0 for none."""

    __tablename__ = "bid"
    __table_args__ = (
        UniqueConstraint("demand_id", "organisation_id"),
        CheckConstraint(db.codes("state", BidState), name="state"),
        CheckConstraint("(state = 'draft') = (version = 0)", name="versioned"),
        CheckConstraint("(state = 'unopenable') <= (reason <> '')", name="reasoned"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[BidState] = mapped_column(db.Code(BidState), default=BidState.DRAFT)
    version: Mapped[int] = mapped_column(default=0)
    answers_version: Mapped[int] = mapped_column(default=0)  # of the demand: sealed against it, or confirmed later
    reason: Mapped[str] = mapped_column(String(40), default="")  # code of why it is unopenable or was destroyed
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    lock_version: Mapped[int] = mapped_column(default=1)

    demand: Mapped[Demand] = relationship()
    organisation: Mapped[Organisation] = relationship()
    versions: Mapped[list[BidVersion]] = relationship(back_populates="bid", order_by="BidVersion.version")
    members: Mapped[list[BidMember]] = relationship(back_populates="bid", order_by="BidMember.organisation_id")

    __mapper_args__ = {"version_id_col": lock_version}

    @property
    def audit_subject(self) -> str:
        return f"bid:{self.public_id}"

    @property
    def next_version(self) -> int:
        return self.version + 1

    def ref(self, version: int) -> BidRef:
        """As the protocol names it."""
        assert self.demand.number is not None
        return BidRef(self.demand.number, self.public_id, version)


class BidMember(db.Base):
    """A consortium member. It confirms in its own account before the bid can be sealed; shares stay in the form."""

    __tablename__ = "bid_member"
    __table_args__ = (CheckConstraint("confirmed_at IS NULL OR declined_at IS NULL", name="one_answer"),)

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    invited_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    declined_at: Mapped[datetime | None]

    bid: Mapped[Bid] = relationship(back_populates="members")
    organisation: Mapped[Organisation] = relationship()


class BidParticipant(db.Base):
    """Who takes part in a live bid, lead and members: the primary key keeps anybody from bidding twice."""

    __tablename__ = "bid_participant"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), index=True)


class BidPart(db.Base):
    """One ciphertext of the version being prepared or sealed, complete and hashed. Part 0 is the envelope's form."""

    __tablename__ = "bid_part"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    pt_commit: Mapped[str] = mapped_column(String(64))
    completed_at: Mapped[datetime]


class BidPiece(db.Base):
    """One uploaded chunk, stored under its own hash; the same PUT twice changes nothing."""

    __tablename__ = "bid_piece"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    piece: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    uploaded_at: Mapped[datetime]


class BidWaste(db.Base):
    """Ciphertext in the file storage that no row may need any more; the sweep looks again and takes it away."""

    __tablename__ = "bid_waste"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(index=True)


class BidDraft(db.Base):
    """The envelope keys of the version being prepared, wrapped under the organisation's key alone."""

    __tablename__ = "bid_draft"

    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    version: Mapped[int]
    own_wraps: Mapped[dict[str, Any]]  # envelope → hex
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class BidVersion(db.Base):
    """One sealed version, as committed to. A trigger refuses rows that come late and every later change of them."""

    __tablename__ = "bid_version"
    __table_args__ = (UniqueConstraint("bid_id", "version"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"))
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)  # what the trigger reads
    version: Mapped[int]
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    manifest_hash: Mapped[str] = mapped_column(String(64), unique=True)
    own_wraps: Mapped[dict[str, Any]]  # envelope → hex, so that the bidder can read it again
    demand_version: Mapped[int]
    decided_at: Mapped[datetime]
    sealed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    bid: Mapped[Bid] = relationship(back_populates="versions")
    shares: Mapped[list[BidShare]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    @property
    def ref(self) -> BidRef:
        return self.bid.ref(self.version)


class BidShare(db.Base):
    """One wrapped share of the live version. Superseded, withdrawn and destroyed versions have none left."""

    __tablename__ = "bid_share"

    version_id: Mapped[int] = mapped_column(ForeignKey("bid_version.id", ondelete="CASCADE"), primary_key=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # of the custodian in the set, from 1
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class BidReceipt(db.Base):
    """One act of a bidder, or one done to his bid, that can be proved. ``log_seq``: the audit leaf that holds it."""

    __tablename__ = "bid_receipt"
    __table_args__ = (UniqueConstraint("bid_id", "idempotency_key"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"))
    act: Mapped[str] = mapped_column(String(12))
    version: Mapped[int]
    manifest_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    log_seq: Mapped[int | None] = mapped_column(db.Key)
    issued_to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    idempotency_key: Mapped[str] = mapped_column(String(64))
    request_sha256: Mapped[str] = mapped_column(String(64))

    bid: Mapped[Bid] = relationship()


class BidFreeze(db.Base):
    """The set of live versions from the deadline on; its hash is a leaf. Written once, with or without bids; a demand
    reopened after an outage gets a second one, and the first stays on record as superseded.
    """

    __tablename__ = "bid_freeze"

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1, server_default="1")
    document: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime]
    log_seq: Mapped[int | None] = mapped_column(db.Key)
    superseded_at: Mapped[datetime | None]


class BidStage(db.Base):
    """How far an opening has come: called (for the price by the review), released by enough, concluded.

    ``due``: there is something for the worker to open. ``record``: what was read out, with a salt; ``record_hash`` is
    a leaf. A bid that could be opened only later makes a new record that names the hash of the former.
    """

    __tablename__ = "bid_stage"
    __table_args__ = (CheckConstraint(db.codes("stage", Stage), name="stage"),)

    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), primary_key=True)
    stage: Mapped[Stage] = mapped_column(db.Code(Stage), primary_key=True)
    called_at: Mapped[datetime]
    reached_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    due: Mapped[bool] = mapped_column(default=False, index=True)
    record: Mapped[dict[str, Any] | None] = mapped_column(db.Json, deferred=True)
    record_hash: Mapped[str] = mapped_column(String(64), default="")


class BidDecoy(db.Base):
    """A sealed nothing among the shares a custodian fetches, so that nobody counts bids before they are opened."""

    __tablename__ = "bid_decoy"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"), index=True)
    bid: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    envelope: Mapped[str] = mapped_column(String(12))
    position: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    answer_sha256: Mapped[str] = mapped_column(String(64))  # of the nothing: who opens it wrongly holds another key


class OpeningObjection(db.Base):
    """A bidder objects to the opening on the spot; it stands in the record with its answer."""

    __tablename__ = "opening_objection"
    __table_args__ = (
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered"),
        CheckConstraint("answered_by_id IS NULL OR answered_by_id <> filed_by_id", name="two_people"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    bid_id: Mapped[int] = mapped_column(ForeignKey("bid.id"), index=True)
    text: Mapped[str]
    filed_at: Mapped[datetime]
    filed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    bid: Mapped[Bid] = relationship()


class BidRelease(db.Base):
    """One custodian has released one stage of one demand. ``user_id`` is empty for the software custodian."""

    __tablename__ = "bid_release"
    __table_args__ = (
        UniqueConstraint("demand_id", "stage", "position"),
        CheckConstraint(db.codes("stage", Stage), name="stage"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    stage: Mapped[Stage] = mapped_column(db.Code(Stage))
    position: Mapped[int]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime]

    shares: Mapped[list[BidReleasedShare]] = relationship(cascade="all, delete-orphan")


class BidReleasedShare(db.Base):
    """One share in clear, or nothing where the custodian could not open what the bidder had wrapped for him."""

    __tablename__ = "bid_released_share"

    release_id: Mapped[int] = mapped_column(ForeignKey("bid_release.id", ondelete="CASCADE"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("bid_version.id"), primary_key=True, index=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    share: Mapped[bytes | None] = mapped_column(LargeBinary)
    right: Mapped[bool]


class BidOpening(db.Base):
    """What became of one envelope: opened, unopenable, or blocked until the platform or a custodian mends it.

    ``form`` is the opened form again as a JBS1 container under the instance's storage key.
    """

    __tablename__ = "bid_opening"
    __table_args__ = (
        CheckConstraint("outcome IN ('opened', 'unopenable', 'blocked')", name="outcome"),
        CheckConstraint("(outcome = 'opened') = (form IS NOT NULL)", name="form"),
        CheckConstraint("(outcome = 'opened') = (reason = '')", name="reason"),
    )

    version_id: Mapped[int] = mapped_column(ForeignKey("bid_version.id"), primary_key=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[str] = mapped_column(default="")
    form: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    decided_at: Mapped[datetime]

    files: Mapped[list[BidFile]] = relationship(cascade="all, delete-orphan", order_by="BidFile.part")


class BidFile(db.Base):
    """An opened file, stored again under the instance's storage key. ``finding``: a code of ``platform.files``."""

    __tablename__ = "bid_file"
    __table_args__ = (
        ForeignKeyConstraint(
            ["version_id", "envelope"], ["bid_opening.version_id", "bid_opening.envelope"], ondelete="CASCADE"
        ),
    )

    version_id: Mapped[int] = mapped_column(primary_key=True)
    envelope: Mapped[str] = mapped_column(String(12), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100), default="")
    role: Mapped[str] = mapped_column(String(255), default="")
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))  # of the plaintext
    stored_sha256: Mapped[str] = mapped_column(String(64), index=True)  # of the container in the storage
    finding: Mapped[str] = mapped_column(String(40), default="")
    scan: Mapped[str] = mapped_column(String(16), default="not_scanned")  # a ``files.Verdict``
