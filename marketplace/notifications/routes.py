"""The messages page, and what runs behind it: the consumer and the mailer."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web, worker
from marketplace.notifications import consumer, mailer, queries, service
from marketplace.notifications.models import Message
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow
from marketplace.worker import every

bp = Blueprint("messages", __name__, url_prefix="/messages")
PER_PAGE = 30


def _own(*, actor: Actor, now: datetime, number: int) -> Message | None:
    """A message of one's own; anybody else's does not exist."""
    message = db.session.get(Message, number)
    return message if message is not None and message.user_id == actor.id else None


@bp.get("")
@allow("message.own")
def index() -> ResponseValue:
    only_unread = request.args.get("show") == "unread"
    query = queries.messages_of(g.actor.id, unread=only_unread)
    before = request.args.get("before", type=int)
    if before and before < 2**63:
        query = query.where(Message.id < before)
    rows = list(db.session.scalars(query.limit(PER_PAGE + 1)))
    return render_template(
        "notifications/index.html",
        rows=rows[:PER_PAGE],
        older=web.page_url(before=rows[PER_PAGE - 1].id) if len(rows) > PER_PAGE else None,
        unread=queries.unread_count(g.actor.id),
        only_unread=only_unread,
        mail=queries.wants_mail(g.actor.id),
        form=ConfirmForm(),
    )


@bp.post("/<int:number>/reading")
@allow("message.own", _own)
def read(message: Message) -> ResponseValue:
    """Mark it read and go where it leads."""
    if ConfirmForm().validate_on_submit():
        service.read(message, actor=g.actor, now=g.now)
    return redirect(web.safe_next(message.url, url_for(".index")))


@bp.post("/reading")
@allow("message.own")
def read_all() -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        service.read_all(actor=g.actor, now=g.now)
        flash(_("全部消息已标为已读。"), "done")
    return redirect(url_for(".index"))


@bp.post("/mail")
@allow("message.own")
def mail() -> ResponseValue:
    if ConfirmForm().validate_on_submit():
        wanted = request.form.get("wanted") == "yes"
        service.wish_mail(wanted, actor=g.actor, now=g.now)
        flash(_("消息会同时发到您的邮箱。") if wanted else _("不再发邮件，消息仍在这一页。"), "done")
    return redirect(url_for(".index"))


def _unread() -> int:
    """For the head of a page; asked only where a template calls it."""
    actor: Actor | None = g.get("actor")
    if "unread_messages" not in g:  # the head asks twice
        g.unread_messages = queries.unread_count(actor.id) if actor is not None and actor.id is not None else 0
    return int(g.unread_messages)


def install(app: Flask) -> None:
    config: Any = app.config["ZHANGBANG"]
    app.register_blueprint(bp)
    app.jinja_env.globals["unread_messages"] = _unread
    service.configure(config.base_url)
    app.extensions["send_mail"] = service.send_mail
    consumer.install()
    every(2, "mails", partial(mailer.deliver, config=config))
    every(60, "reminders", consumer.remind)
    worker.install(app)
