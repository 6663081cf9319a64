"""The report, its PDF, and the supervisor's timeline."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.rules import State
from marketplace.platform.rendering import Verification, pdf
from marketplace.results import oversight, queries, reporting, service
from marketplace.results.forms import ReportForm, SignForm
from marketplace.results.queries import Reviewed
from marketplace.results.routes import bp, by, tabs
from marketplace.results.rules import REPORT_LABELS
from marketplace.web import ResponseValue, allow


@bp.route("/demands/<ref>/report", methods=["GET", "POST"])
@allow("report.see", queries.find_reviewed)
def report(reviewed: Reviewed) -> ResponseValue:
    """The report on the page; the office opens it, members sign it."""
    demand, row = reviewed.demand, queries.report(reviewed.demand.id)
    last = queries.latest(demand.id)
    stale = row is None or last is None or row.ranking_id != last.id
    may_open = stale and last is not None and demand.state is State.REVIEWING and g.actor.has("screener", "publisher")
    seat = queries.my_seat(demand.id, g.actor)
    refusal = reporting.why_not_sign(reviewed, row, seat)
    form: Any = ReportForm() if may_open else SignForm()
    page = {
        "demand": demand,
        "tabs": tabs(reviewed, "report"),
        "report": row,
        "label": REPORT_LABELS[row.state] if row is not None else "",
        "stale": stale,
        "may_open": may_open,
        "seat": seat,
        "refusal": refusal,
        "form": form,
        "paper": reporting.gather(reviewed, row, actor=g.actor, now=g.now) if row is not None else None,
    }
    web.note_read("score.read", demand.audit_subject)
    web.retry_page("results/report.html", **page)
    if form.validate_on_submit():
        if may_open:
            service.open_report(demand, conclusion=form.conclusion.data or "", **by())
            flash(_("评审报告已出具，请组长先签署。"), "done")
        elif row is not None:
            service.sign(row, dissent=form.dissent.data or "", **by())
            flash(_("已签署。"), "done")
        return redirect(url_for(".report", ref=demand.number))
    return render_template("results/report.html", **page), 422 if form.is_submitted() else 200


@bp.get("/demands/<ref>/report.pdf")
@allow("report.see", queries.find_reviewed)
def report_pdf(reviewed: Reviewed) -> ResponseValue:
    """评审报告 as PDF, with its signature lines."""
    demand, row = reviewed.demand, queries.report(reviewed.demand.id)
    if row is None:
        abort(404)
    web.note_read("score.read", demand.audit_subject)
    url = url_for(".report", ref=demand.number, _external=True)
    paper = reporting.paper(
        reporting.gather(reviewed, row, actor=g.actor, now=g.now),
        reviewed,
        row,
        verification=Verification(url, row.ranking.hash),
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(paper), name=f"{demand.number}评审报告.pdf", media_type=TYPES["pdf"], inline=True)


@bp.get("/demands/<ref>/oversight")
@allow("oversight.see", queries.find_reviewed)
def timeline(reviewed: Reviewed) -> ResponseValue:
    """Every draw, override, recusal, correction and objection of a demand in one line of time."""
    events = oversight.events(reviewed.demand)
    kind = request.args.get("kind", "")
    return render_template(
        "results/oversight.html",
        demand=reviewed.demand,
        tabs=tabs(reviewed, "oversight"),
        kind=kind,
        kinds=oversight.KINDS,
        events=[event for event in events if kind in ("", event["kind"])],
        total=len(events),
    )
