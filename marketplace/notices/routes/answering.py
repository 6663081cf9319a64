"""The office's side of objections."""

from __future__ import annotations

from datetime import datetime

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.frontend.routes import place
from marketplace.notices import pages, queries, service
from marketplace.notices.forms import WorkForm
from marketplace.notices.models import Objection
from marketplace.notices.routes import HANDLERS, bp, by
from marketplace.notices.rules.objections import OPEN, ObjectionAction
from marketplace.notices.service.objecting import MACHINE
from marketplace.platform import policy
from marketplace.platform.policy import Actor
from marketplace.platform.workflow import offered
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow


def _for_handlers(*, actor: Actor, now: datetime, public_id: str) -> Objection | None:
    found = queries.find_objection(actor=actor, now=now, public_id=public_id)
    return found if found is not None and actor.has(*HANDLERS) else None


@bp.get("/desk/objections")
@allow("objection.desk")
def desk() -> ResponseValue:
    """Every objection for those who handle them, open ones first, with the working days that are left."""
    calendar = settings.calendar()
    rows = [
        {
            "url": url_for(".work", public_id=item.public_id),
            "title": item.demand.title,
            "number": item.notice.number,
            "who": item.organisation or item.name,
            "filed_at": item.filed_at,
            "state": {
                "label": pages.OBJECTION_STATES[item.state].zh,
                "tone": "alert" if item.state in OPEN else "done",
            },
            "left": pages.days_left(item, calendar, g.now) if item.state in OPEN else None,
            "due_at": item.answer_due_at,
        }
        for item in db.session.scalars(queries.objections_desk(g.actor).limit(200))
    ]
    return render_template("notices/desk.html", rows=rows, title=_("异议办理"))


@bp.route("/desk/objections/<public_id>", methods=["GET", "POST"])
@allow("objection.see", _for_handlers)
def work(row: Objection) -> ResponseValue:
    """One objection with the acts that have a place now."""
    form = WorkForm(text=row.draft)
    calendar = settings.calendar()
    web.note_read("objection.read", row.audit_subject)
    acts = [
        item
        for item in offered(MACHINE, row, actor=g.actor, now=g.now)
        if item.action not in (ObjectionAction.WITHDRAW, ObjectionAction.ESCALATE)
    ]
    may_draft = (
        row.state in OPEN and not row.escalated_at and policy.allows("objection.draft_answer", g.actor, row, g.now)
    )
    context = {
        "objection": row,
        "form": form,
        "title": _("异议：%(title)s", title=row.demand.title),
        "state": {"label": pages.OBJECTION_STATES[row.state].zh, "tone": "alert" if row.state in OPEN else "done"},
        "open": row.state in OPEN,
        "left": pages.days_left(row, calendar, g.now) if row.state in OPEN else None,
        "acts": acts,
        "may_draft": may_draft,
        "remedy_url": place("awards.remedy", public_id=row.public_id)
        if row.state == "upheld" and row.remedied_at is None and g.actor.has("publisher")
        else None,
    }
    web.retry_page("notices/work.html", **context)
    if form.validate_on_submit():
        _act(row, form)
        flash(_("已办理。"), "done")
        return redirect(url_for(".work", public_id=row.public_id))
    return render_template("notices/work.html", **context), 422 if form.is_submitted() else 200


def _act(row: Objection, form: WorkForm) -> None:
    """The button says which act."""
    wanted = request.form.get("act", "")
    text, remedy = form.text.data or "", form.remedy.data or ""
    match wanted:
        case "draft":
            service.draft_answer(row, text=text, **by())
        case ObjectionAction.ACCEPT:
            service.accept(row, **by())
        case ObjectionAction.REFUSE | ObjectionAction.UPHOLD | ObjectionAction.DISMISS:
            service.decide(row, ObjectionAction(wanted), remedy=remedy, **by())
        case ObjectionAction.OVERRULE | ObjectionAction.MAINTAIN:
            service.final_decision(row, upheld=wanted == "overrule", answer=text, remedy=remedy, **by())
        case _:
            abort(400)
