"""The officer's page of a review: who has finished, what comes next, reminders."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.pages import pagination
from marketplace.demands.rules import STATE_LABELS, TONES, State
from marketplace.panels.rules.seats import SEAT_STATE_LABELS
from marketplace.platform import policy
from marketplace.platform.forms import ConfirmForm
from marketplace.results import pages, queries, reporting, service
from marketplace.results.queries import PER_PAGE, Filters, Reviewed
from marketplace.results.routes import bp, by, tabs
from marketplace.results.rules import forecast as forecast_of
from marketplace.results.rules import panel_forecast
from marketplace.web import ResponseValue, allow


def _filters() -> Filters:
    def number(name: str, default: int) -> int:
        text = request.args.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else default

    wanted = number("per_page", 50)
    return Filters(
        q=request.args.get("q", "").strip()[:60],
        show=request.args.get("show", "") if request.args.get("show") in ("open", "done") else "",
        sort="rank" if request.args.get("sort") == "rank" else "code",
        page=number("page", 1),
        per_page=wanted if wanted in PER_PAGE else 50,
    )


@bp.get("/demands/<ref>/review")
@allow("review.see", queries.find_reviewed)
def dashboard(reviewed: Reviewed) -> ResponseValue:
    """Who has finished, who is missing, what comes next."""
    demand = reviewed.demand
    filters = _filters()
    ranking_id = reviewed.ranking_id if reviewed.is_locked else None
    people = queries.members(demand.id, expected=0)
    seats = [item.seat_id for item in people if item.counts]
    waited_for = [] if reviewed.is_locked else seats
    hidden = _names_hidden(reviewed)
    found = queries.bid_page(demand.id, filters, seats=waited_for, ranking_id=ranking_id, by_name=not hidden)
    expected = found.competing
    shown = [_member(item, expected) for item in people]
    paces = [queries.paced(item, expected) for item in people if item.counts]
    until = panel_forecast(paces, now=g.now)
    numbers = {item.seat_id: item.number for item in people}
    if ranking_id is not None:
        web.note_read("score.read", demand.audit_subject)
    return render_template(
        "results/dashboard.html",
        demand=demand,
        state={"label": STATE_LABELS[demand.state].zh, "tone": TONES[demand.phase(g.now)]},
        tabs=tabs(reviewed, "dashboard"),
        members=shown,
        finished=sum(pace.finished for pace in paces),
        counted=len(paces),
        done=sum(pace.done for pace in paces),
        wanted=expected * len(paces),
        until=until,
        next_step=reporting.next_step(reviewed, until=until),
        reminded_at=reviewed.reminded_at,
        may_remind=policy.allows("review.remind", g.actor, demand, g.now)
        and demand.state is State.REVIEWING
        and not reviewed.is_locked,
        rows=[
            {
                "code": row.code,
                "name": "" if hidden else row.name,
                "rank": row.rank,
                "total": pages.shown(row.total) if row.total is not None else "",
                "standing": row.standing,
                "out": row.state not in queries.STILL_IN,
                "done": len(seats) - len(row.missing),
                "missing": "、".join(numbers[seat] for seat in row.missing if seat in numbers),
                "out_url": url_for(".out", ref=demand.number, public_id=row.public_id)
                if demand.state is State.REVIEWING and g.actor.has("publisher")
                else None,
            }
            for row in found.rows
        ],
        ranked=ranking_id is not None,
        seats=len(seats),
        filters=filters,
        per_page=PER_PAGE,
        pages=pagination(
            found.page, found.pages(filters.per_page), found.total, filters.per_page, lambda n: web.page_url(page=n)
        ),
    )


def _names_hidden(reviewed: Reviewed) -> bool:
    """The chair of a blind demand sees codes only."""
    return reviewed.demand.said.blind and not g.actor.has("screener", "publisher", "supervisor")


def _member(item: queries.Member, expected: int) -> dict[str, Any]:
    pace = queries.paced(item, expected)
    return {
        "number": item.number,
        "name": item.name,
        "employer": item.employer,
        "outside": item.outside,
        "chair": item.chair,
        "counts": item.counts,
        "state": SEAT_STATE_LABELS[item.state],
        "done": pace.done,
        "expected": expected,
        "finished": pace.finished,
        "flagged": item.flagged,
        "last_at": pace.last_at,
        "until": forecast_of(pace, now=g.now) if item.counts else None,
    }


@bp.post("/demands/<ref>/review/reminder")
@allow("review.remind", queries.find_reviewed)
def remind(reviewed: Reviewed) -> ResponseValue:
    """Remind who is missing, once a day."""
    if ConfirmForm().validate_on_submit():
        row = service.remind(reviewed.demand, **by())
        flash(_("已提醒%(count)s位尚未完成的专家，明天之前不能再次提醒。", count=row.people), "done")
    return redirect(url_for(".dashboard", ref=reviewed.demand.number))


@bp.post("/demands/<ref>/review/ranking")
@allow("ranking.compute", queries.find_reviewed)
def compute(reviewed: Reviewed) -> ResponseValue:
    """Go on now instead of waiting for the worker: call for prices, or rank."""
    if ConfirmForm().validate_on_submit():
        made = service.proceed(reviewed.demand, now=g.now)
        if made is not None:
            flash(_("排名已算出。"), "done")
            return redirect(url_for(".ranking", ref=reviewed.demand.number))
        flash(_("已核对：现在没有可以算的排名，进度见下。"), "info")
    return redirect(url_for(".dashboard", ref=reviewed.demand.number))
