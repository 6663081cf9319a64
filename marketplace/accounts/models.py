"""People, organisations, the roles that bind them, and how they prove who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace import db
from marketplace.accounts.rules import OrganisationKind, OrganisationState, Role


class Organisation(db.Base):
    """A unit that posts, a firm that bids, or both; found by its 统一社会信用代码."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint(db.codes("kind", OrganisationKind), name="kind"),
        CheckConstraint(db.codes("state", OrganisationState), name="state"),
        Index("ix_organisation_state", "state", "may_bid"),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    short_name: Mapped[str] = mapped_column(String(30), default="")
    credit_code: Mapped[str] = mapped_column(String(18), unique=True)
    kind: Mapped[OrganisationKind] = mapped_column(db.Code(OrganisationKind))
    size: Mapped[str] = mapped_column(String(8), default="na")
    legal_representative: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(120), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    introduction: Mapped[str] = mapped_column(default="")
    capabilities: Mapped[str] = mapped_column(default="")
    industries: Mapped[list[Any]] = mapped_column(default=list)
    contact_name: Mapped[str] = mapped_column(String(40), default="")
    contact_phone: Mapped[str] = mapped_column(String(30), default="")
    contact_email: Mapped[str] = mapped_column(String(120), default="")
    controller_name: Mapped[str] = mapped_column(String(80), default="")
    controller_code: Mapped[str] = mapped_column(String(18), default="")
    licence_sha256: Mapped[str] = mapped_column(String(64), default="")
    licence_name: Mapped[str] = mapped_column(String(120), default="")
    may_post: Mapped[bool] = mapped_column(default=False)
    may_bid: Mapped[bool] = mapped_column(default=False)
    is_host: Mapped[bool] = mapped_column(default=False)  # the district's own departments
    state: Mapped[OrganisationState] = mapped_column(db.Code(OrganisationState), default=OrganisationState.PENDING)
    state_reason: Mapped[str] = mapped_column(default="")
    registered_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    affiliates: Mapped[list[Affiliate]] = relationship(back_populates="organisation", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"organisation:{self.id}"

    @property
    def display_name(self) -> str:
        return self.short_name or self.name


class Affiliate(db.Base):
    """A controller's other firm or a relative by shares: neither may bid on the other's demands."""

    __tablename__ = "organisation_affiliate"
    __table_args__ = (UniqueConstraint("organisation_id", "credit_code"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    credit_code: Mapped[str] = mapped_column(String(18), index=True)
    name: Mapped[str] = mapped_column(String(80))
    relation: Mapped[str] = mapped_column(String(40), default="")

    organisation: Mapped[Organisation] = relationship(back_populates="affiliates")


class User(db.Base):
    """A person. ``password_hash`` is argon2id; ``totp_secret`` counts once ``totp_confirmed_at`` is set."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    email: Mapped[str] = mapped_column(String(120), unique=True)
    phone: Mapped[str] = mapped_column(String(30), default="")
    title: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str] = mapped_column(default="")
    totp_secret: Mapped[str] = mapped_column(String(64), default="")
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int] = mapped_column(db.Key, default=0)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    locale: Mapped[str] = mapped_column(String(12), default="zh_Hans_CN")
    large_print: Mapped[bool] = mapped_column(default=False)
    is_demo: Mapped[bool] = mapped_column(default=False)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation | None] = relationship()
    assignments: Mapped[list[RoleAssignment]] = relationship(
        back_populates="user", foreign_keys="RoleAssignment.user_id"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_subject(self) -> str:
        return f"user:{self.id}"


class RoleAssignment(db.Base):
    """A role in an organisation. Staff roles are in force once a second administrator has confirmed them."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        CheckConstraint(db.codes("role", Role), name="role"),
        CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> granted_by_id", name="two_people"),
        Index(
            "uq_role_assignment_live",
            "user_id",
            "organisation_id",
            "role",
            unique=True,
            sqlite_where=db.null("revoked_at"),
            postgresql_where=db.null("revoked_at"),
        ),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role] = mapped_column(db.Code(Role))
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    granted_at: Mapped[datetime]
    in_force_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="assignments", foreign_keys=[user_id])
    organisation: Mapped[Organisation] = relationship()

    @property
    def audit_subject(self) -> str:
        return f"role_assignment:{self.id}"


class LoginSession(db.Base):
    """A signed-in browser. The cookie carries a random token; only its hash is kept."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    agent: Mapped[str] = mapped_column(String(120), default="")
    network: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Invitation(db.Base):
    """An invitation by mail to join an organisation in a role; used once, before it expires."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint(db.codes("role", Role), name="role"),)

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(120))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role] = mapped_column(db.Code(Role))
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()

    @property
    def audit_subject(self) -> str:
        return f"invitation:{self.id}"


class PasswordReset(db.Base):
    """A reset link sent by mail; used once, valid for an hour."""

    __tablename__ = "password_reset"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class ErasureRequest(db.Base):
    """Somebody asks that the personal data kept about him be erased (个人信息保护法 §47)."""

    __tablename__ = "erasure_request"

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    requested_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decision: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    @property
    def audit_subject(self) -> str:
        return f"user:{self.user_id}"
