"""Telling people: the only writer of messages and mails. Nothing is sent here; ``mailer`` does that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update

from marketplace import db
from marketplace.accounts.models import User
from marketplace.notifications.models import Mail, MailWish, Message
from marketplace.notifications.rules import DISCREET_BODY, DISCREET_SUBJECT
from marketplace.platform.policy import Actor, require

_base_url = ""


def configure(base_url: str) -> None:
    """Where links in mails lead; called once at start."""
    global _base_url
    _base_url = base_url


def tell(
    user_ids: Iterable[int],
    *,
    key: str,
    title: str,
    text: str,
    url: str,
    now: datetime,
    discreet: bool = False,
    by_mail: bool = True,
    english: tuple[str, str] | None = None,
) -> int:
    """Put a message on each person's desk and a mail on its way to those who want mails; returns how many are new.

    ``key`` names the happening: a person who has it already is left alone. ``discreet`` mails name neither demand
    nor act. ``url`` is a path of this site. Without ``by_mail`` the caller sends its own mail to whom it told.
    ``english``: title and text for those who use the site in English.
    """
    wanted = set(user_ids)
    if not wanted:
        return 0
    known = set(db.session.scalars(select(Message.user_id).where(Message.key == key, Message.user_id.in_(wanted))))
    people = db.session.scalars(
        select(User).where(User.id.in_(wanted - known), User.disabled_at.is_(None)).order_by(User.id)
    ).all()
    silent = set(
        db.session.scalars(select(MailWish.user_id).where(MailWish.user_id.in_(wanted), MailWish.wanted.is_(False)))
    )
    for person in people:
        in_english = english is not None and person.locale == "en"
        head, said = english if english is not None and in_english else (title, text)
        db.session.add(Message(user_id=person.id, key=key, title=head[:160], text=said, url=url, at=now))
        if by_mail and person.id not in silent:
            subject, body = _mail_words(head, said, url, discreet, english=in_english)
            send_mail(person.email, subject, body, key=f"{key}:{person.id}", now=now)
    db.session.flush()
    return len(people)


def _mail_words(title: str, text: str, url: str, discreet: bool, *, english: bool) -> tuple[str, str]:
    if discreet:
        return DISCREET_SUBJECT, DISCREET_BODY.format(link=f"{_base_url}/messages")
    body = "\n\n".join(part for part in (title, text, f"{_base_url}{url}" if url else "") if part)
    if english:
        return f"[Zhangbang] {title}", f"{body}\n\nTo stop these mails, open “Messages”: {_base_url}/messages"
    return f"【张榜】{title}", f"{body}\n\n不想再收邮件，可在“消息”页关闭：{_base_url}/messages"


def send_mail(to: str, subject: str, body: str, *, key: str, now: datetime, unsubscribe: str = "") -> bool:
    """Put one mail on its way; ``False`` when a mail of this key exists already. ``unsubscribe``: the address of its
    List-Unsubscribe header, which takes a POST without a session (RFC 8058).
    """
    if db.session.scalar(select(Mail.id).where(Mail.key == key)) is not None:
        return False
    one_line = " ".join(subject.split())[:200]  # a header never carries a line break
    mail = Mail(key=key, to_address=to, subject=one_line, body=body, created_at=now, unsubscribe_url=unsubscribe)
    db.session.add(mail)
    db.session.flush()
    return True


def link(path: str) -> str:
    """An absolute address for a mail."""
    return f"{_base_url}{path}"


def read(message: Message, *, actor: Actor, now: datetime) -> None:
    """Mark a message read; again is nothing."""
    require("message.own", actor, message, now)
    if message.read_at is None:
        message.read_at = now


def read_all(*, actor: Actor, now: datetime) -> None:
    """Mark everything read."""
    require("message.own", actor, None, now)
    db.session.execute(
        update(Message).where(Message.user_id == actor.id, Message.read_at.is_(None)).values(read_at=now)
    )


def wish_mail(wanted: bool, *, actor: Actor, now: datetime) -> None:
    """Say whether messages also come by mail."""
    require("message.own", actor, None, now)
    assert actor.id is not None
    wish = db.session.get(MailWish, actor.id)
    if wish is None:
        db.session.add(MailWish(user_id=actor.id, wanted=wanted))
    else:
        wish.wanted = wanted
    db.session.flush()
