"""Objecting: the form, the objector's own page, evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import db, web
from marketplace.bids.models import Bid
from marketplace.demands.clocks import OBJECTION_WORKING_DAYS
from marketplace.demands.routes.public import language
from marketplace.notices import pages, queries, service, telling
from marketplace.notices.forms import EscalateForm, ObjectionForm
from marketplace.notices.models import Notice, Objection, ObjectionFile
from marketplace.notices.routes import HANDLERS, bp, by
from marketplace.notices.routes.public import find
from marketplace.notices.rules.objections import OPEN, ObjectionAction
from marketplace.notices.service.objecting import MACHINE
from marketplace.platform import files, policy
from marketplace.platform.files.names import disposition
from marketplace.platform.forms import ConfirmForm
from marketplace.platform.policy import Actor
from marketplace.web import ResponseValue, allow, public

FILE_MOST = 20 * 1024 * 1024


@bp.route("/notices/<int:notice_id>/objections/new", methods=["GET", "POST"])
@allow("objection.file", find)
@web.limiter.limit("10/hour", methods=["POST"])
def objection(notice: Notice) -> ResponseValue:
    """File an objection by real name, with or without an account."""
    form = ObjectionForm()
    choices = [(item["bid"], item["name"]) for item in notice.content["candidates"]]
    form.about.choices = [("", _("不针对某一家")), *choices]
    if not form.is_submitted() and g.user is not None:
        form.name.data, form.phone.data, form.email.data = g.user.name, g.user.phone, g.user.email
        form.organisation.data = g.user.organisation.name if g.user.organisation else ""
    context = {"form": form, "notice": notice, "title": _("提出异议"), "answer_days": OBJECTION_WORKING_DAYS}
    context["about"] = pages.title_of(notice, language())
    web.retry_page("notices/object.html", **context)
    if form.validate_on_submit():
        about = None
        if form.about.data:
            about = db.session.scalar(
                select(Bid).where(Bid.public_id == form.about.data, Bid.demand_id == notice.demand_id)
            )
        row, token = service.file_objection(
            notice,
            name=form.name.data or "",
            organisation=form.organisation.data or "",
            email=form.email.data or "",
            phone=form.phone.data or "",
            facts=form.facts.data or "",
            wish=form.wish.data or "",
            about=about,
            **by(),
        )
        for upload in form.files.data or ():
            if getattr(upload, "filename", ""):
                _attach(row, upload)
        if token:
            telling.mail_link(row, url_for(".own", public_id=row.public_id, key=token), now=g.now)
        flash(_("异议已收到。请保存这一页的网址，凭它查看办理情况。") if token else _("异议已收到。"), "done")
        return redirect(url_for(".own", public_id=row.public_id, key=token or None))
    return render_template("notices/object.html", **context), 422 if form.is_submitted() else 200


def _attach(row: Objection, upload: Any) -> None:
    storage = current_app.extensions["storage"]
    taken = files.receive(upload, storage=storage, limit=FILE_MOST)
    service.attach(row, taken.stored, name=taken.name, media_type=taken.media_type)


def _own(public_id: str) -> tuple[Objection, Actor]:
    """An objection for its own objector, by account or by his link; whoever handles it goes to the desk instead."""
    row = queries.find_objection(actor=g.actor, now=g.now, public_id=public_id)
    if row is None:
        abort(404)
    actor = queries.objector_by_link(g.actor, row, request.args.get("key", ""))
    if policy.allows("objection.withdraw", actor, row, g.now):
        return row, actor
    if not g.actor.signed_in:
        abort(redirect(web.sign_in_url()))
    abort(403, description=_("只有提出异议的人可以查看这一页。办理人请从工作台进入。"))


@bp.get("/objections/<public_id>")
@public
def own(public_id: str) -> ResponseValue:
    """What became of it, for who filed it."""
    row, actor = _own(public_id)
    label = pages.OBJECTION_STATES[row.state]
    key = request.args.get("key")
    return render_template(
        "notices/objection.html",
        objection=row,
        title=_("我的异议"),
        about=pages.title_of(row.notice, language()),
        state={"label": label.en if language() == "en" else label.zh, "tone": "work" if row.state in OPEN else "done"},
        open=row.state in OPEN,
        may_escalate=(row.state, ObjectionAction.ESCALATE) in MACHINE.table
        and policy.allows("objection.escalate", actor, row, g.now),
        may_withdraw=(row.state, ObjectionAction.WITHDRAW) in MACHINE.table,
        form=EscalateForm(),
        escalate_url=url_for(".escalate", public_id=public_id, key=key),
        withdraw_url=url_for(".withdraw", public_id=public_id, key=key),
        key=key,
    )


@bp.post("/objections/<public_id>/escalation")
@public
def escalate(public_id: str) -> ResponseValue:
    """To the supervisor, within five working days of the answer."""
    row, actor = _own(public_id)
    form = EscalateForm()
    back = url_for(".own", public_id=public_id, key=request.args.get("key"))
    if not form.validate_on_submit():
        flash(_("请写明不服的理由，不少于10个字。"), "error")
        return redirect(back)
    service.escalate(row, reason=form.reason.data or "", actor=actor, now=g.now)
    flash(_("已报监督员，决定之前不定榜。"), "done")
    return redirect(back)


@bp.post("/objections/<public_id>/withdrawal")
@public
def withdraw(public_id: str) -> ResponseValue:
    """Take it back."""
    row, actor = _own(public_id)
    if ConfirmForm().validate_on_submit():
        service.withdraw(row, actor=actor, now=g.now)
        flash(_("异议已撤回。"), "done")
    return redirect(url_for(".own", public_id=public_id, key=request.args.get("key")))


def _find_file(*, actor: Actor, now: datetime, public_id: str, file_id: int) -> ObjectionFile | None:
    return queries.find_evidence(actor=actor, now=now, public_id=public_id, file_id=file_id)


@bp.get("/objections/<public_id>/files/<int:file_id>")
@public
def evidence(public_id: str, file_id: int) -> ResponseValue:
    """A piece of evidence, for the objector and for those who handle it."""
    found = _find_file(actor=g.actor, now=g.now, public_id=public_id, file_id=file_id)
    if found is None:
        abort(404)
    if g.actor.has(*HANDLERS):
        web.note_read("objection.read", found.objection.audit_subject)
    else:
        _own(public_id)
    response = Response(current_app.extensions["storage"].stream(found.sha256), mimetype=found.media_type)
    response.headers["Content-Disposition"] = disposition(found.name)
    return response
