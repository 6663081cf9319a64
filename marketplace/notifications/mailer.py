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
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog
from sqlalchemy import select

from marketplace import db
from marketplace.config import Config
from marketplace.notifications import queries
from marketplace.notifications.models import Mail
from marketplace.settings import queries as settings

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


def transport_of(config: Config, stored: Mapping[str, Any] | None = None) -> Transport:
    """By the environment's server, else the one an administrator set (``stored``), else into files."""
    if config.smtp_url:
        return by_smtp(config.smtp_url)
    if stored and stored.get("host"):
        return by_smtp(url_of(stored, config.smtp_password))
    return into_folder(config.instance / "mail")


def url_of(stored: Mapping[str, Any], password: str) -> str:
    """The administrator's settings as an address for ``by_smtp``."""
    scheme = "smtps" if stored.get("security") == "tls" else "smtp"
    person = f"{quote(stored['user'], safe='')}:{quote(password, safe='')}@" if stored.get("user") else ""
    port = f":{stored['port']}" if stored.get("port") else ""
    return f"{scheme}://{person}{stored['host']}{port}"


def deliver(now: datetime, *, config: Config, transport: Transport | None = None) -> int:
    """Send what is due; returns how many went out. A failure waits longer each time and stops nobody else's mail."""
    host = urlsplit(config.base_url).hostname or "localhost"
    sent = 0
    with db.transaction() as session:
        due = list(session.scalars(queries.pending_mails(now)))
        stored = settings.setting("mail") if due else {}
    if not due:
        return 0
    send = transport or transport_of(config, stored)
    sender = stored.get("sender") or config.mail_from
    for mail_id in due:
        with db.transaction() as session:
            mail = session.scalar(
                select(Mail).where(Mail.id == mail_id, Mail.sent_at.is_(None)).with_for_update(skip_locked=True)
            )
            if mail is None:  # another worker has it
                continue
            try:
                send(f"{mail.id:08d}-{digest(mail)}", compose(mail, sender=sender, host=host))
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
