"""Messages on the site, mails on their way, and who wants no mails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import db


class Message(db.Base):
    """One message to one person. ``key`` names the happening (outbox id), so that nobody is told twice."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index("ix_message_user_at", "user_id", "at"))

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(160))
    text: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Mail(db.Base):
    """A mail: pending until ``sent_at`` is set; ``key`` is unique, so that the same mail is never made twice."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_pending", "id", sqlite_where=db.null("sent_at"), postgresql_where=db.null("sent_at")),
    )

    id: Mapped[int] = mapped_column(db.Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    to_address: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str]
    unsubscribe_url: Mapped[str] = mapped_column(String(300), default="", server_default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")


class MailWish(db.Base):
    """Somebody's wish about mails; without a row mails are sent. Invitations and password links always are."""

    __tablename__ = "mail_wish"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True, autoincrement=False)
    wanted: Mapped[bool] = mapped_column(default=True)
