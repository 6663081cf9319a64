"""The office's side of notices and objections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import db, web
from marketplace.demands import pages as demand_pages
from marketplace.frontend.routes import place
from marketplace.notices import pages, queries, service
from marketplace.notices.forms import WorkForm
from marketplace.notices.models import Notice, Objection
from marketplace.notices.queries import PER_PAGE, Filters
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


OFFICE_STATES = {
    "proposed": "待确认发布",
    "open": "公示中",
    "over": "公示期满，待定榜",
    "standing": "已定榜",
    "revoked": "已撤销",
}


@bp.get("/desk/notices")
@allow("notice.desk")
def office() -> ResponseValue:
    """Notices for those who work on results: what waits first, with its objections and the next step."""
    page = request.args.get("page", 1, type=int)
    state = request.args.get("state", "")
    filters = Filters(
        q=request.args.get("q", "").strip()[:60], state=state if state in OFFICE_STATES else "", page=max(1, page)
    )
    sees_prepared = g.actor.has("publisher", "supervisor")
    found, objections = queries.office_listing(filters, g.actor, g.now)
    return render_template(
        "notices/office.html",
        title=_("结果公示"),
        rows=[_office_row(item, objections[item.id]) for item in found.rows],
        filters=filters,
        states=[item for item in OFFICE_STATES.items() if item[0] != "proposed" or sees_prepared],
        pages=demand_pages.pagination(
            found.page, found.pages, found.total, PER_PAGE, lambda number: web.page_url(page=number)
        ),
    )


def _office_row(item: Notice, open_objections: int) -> dict[str, Any]:
    """``act``: the one thing that is to be done about it now, for those who may."""
    ref, waits = item.demand.number, item.published_at is None
    key = "proposed" if waits else pages.state_key(item, g.now)
    tone = "alert" if waits or (key == "over" and not open_objections) else pages.STATES[key][1]
    act: tuple[str, str | None] | None = None
    if waits:
        act = (_("看提议"), url_for("demands.work", ref=ref))
    elif open_objections:
        act = (_("办异议"), url_for(".desk"))
    elif key == "over" and item.place:
        act = (_("定榜"), place("awards.substitute_award", notice_id=item.id))
    elif key == "over" and item.award_proposed_by_id is not None:
        act = (_("看提议"), url_for("demands.work", ref=ref))
    elif key == "over":
        act = (_("定榜"), place("awards.award", ref=ref))
    return {
        "url": url_for("results.dashboard", ref=ref) if waits else url_for(".show", notice_id=item.id),
        "title": item.title,
        "unit": item.demand.unit.display_name,
        "number": item.number,
        "state": {"label": OFFICE_STATES[key], "tone": tone},
        "last_day": None if waits else pages.last_day(item),
        "objections": open_objections,
        "act": act if g.actor.has("publisher") or (waits and g.actor.has("supervisor")) or open_objections else None,
    }


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
