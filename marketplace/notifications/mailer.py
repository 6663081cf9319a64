"""Sending what is pending, one mail a transaction.

Embedded default: a file ``instance/mail/<id>-<digest>.eml``, written beside and linked into place without
overwriting. Killed before the commit, the next run finds the link and only notes the time: never two, never none.
SMTP (``ZHANGBANG_SMTP_URL``): a kill in the instant between the server's yes and our commit sends again, under the
same Message-ID, by which receivers know a mail they have.
"""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import select

from marketplace import db
from marketplace.config import Config
from marketplace.notifications import queries
from marketplace.notifications.models import Mail

log = structlog.get_logger(__name__)
ONCE = "once:"  # mails of this key carry a secret link; their text is forgotten once sent
Transport = Callable[[str, EmailMessage], None]


def compose(mail: Mail, *, sender: str, host: str) -> EmailMessage:
    """The mail as bytes on the wire; its Message-ID follows from its key and is the same each time."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.to_address, mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{digest(mail)}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.body)
    return message


def digest(mail: Mail) -> str:
    return hashlib.sha256(f"{mail.key}|{mail.created_at.isoformat()}".encode()).hexdigest()[:24]


def into_folder(folder: Path) -> Transport:
    """The embedded default: one .eml file a mail."""

    def send(name: str, message: EmailMessage) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{name}.{os.getpid()}"
        with draft.open("wb") as stream:
            stream.write(message.as_bytes())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, folder / f"{name}.eml")
        except FileExistsError:
            log.info("mail was already delivered", name=name)
        finally:
            draft.unlink()

    return send


def by_smtp(url: str) -> Transport:
    """``smtp://user:password@host:587`` (STARTTLS when offered) or ``smtps://…`` (TLS from the first byte)."""
    parts = urlsplit(url)
    secure = parts.scheme == "smtps"
    port = parts.port or (465 if secure else 587)

    def send(name: str, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        host = parts.hostname or "localhost"
        with (
            smtplib.SMTP_SSL(host, port, timeout=20, context=context)
            if secure
            else smtplib.SMTP(host, port, timeout=20)
        ) as server:
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)

    return send


def transport_of(config: Config) -> Transport:
    return by_smtp(config.smtp_url) if config.smtp_url else into_folder(config.instance / "mail")


def deliver(now: datetime, *, config: Config, transport: Transport | None = None) -> int:
    """Send what is due; returns how many went out. A failure waits longer each time and stops nobody else's mail."""
    send = transport or transport_of(config)
    host = urlsplit(config.base_url).hostname or "localhost"
    sent = 0
    with db.transaction() as session:
        due = list(session.scalars(queries.pending_mails(now)))
    for mail_id in due:
        with db.transaction() as session:
            mail = session.scalar(
                select(Mail).where(Mail.id == mail_id, Mail.sent_at.is_(None)).with_for_update(skip_locked=True)
            )
            if mail is None:  # another worker has it
                continue
            try:
                send(f"{mail.id:08d}-{digest(mail)}", compose(mail, sender=config.mail_from, host=host))
            except Exception as error:
                mail.failures += 1
                mail.retry_at = now + timedelta(seconds=min(30 * 2**mail.failures, 6 * 3600))
                mail.last_error = f"{type(error).__name__}: {error}"[:500]
                log.warning("mail not sent", mail=mail.id, error=mail.last_error)
            else:
                mail.sent_at, mail.last_error = now, ""
                if mail.key.startswith(ONCE):
                    mail.body = ""
                sent += 1
    return sent
