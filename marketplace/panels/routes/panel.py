"""The office's pages of a panel: the list, one panel, its draws replayed."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from marketplace import db, web
from marketplace.accounts.rules import Role
from marketplace.demands.models import Demand
from marketplace.demands.pages import pagination
from marketplace.demands.rules import STATE_LABELS, TONES, State
from marketplace.desk.routes import menu
from marketplace.frontend.routes import place
from marketplace.panels import queries
from marketplace.panels import service as panels
from marketplace.panels.forms import TermsForm
from marketplace.panels.lists import field_labels
from marketplace.panels.models import Panel, PanelSeat
from marketplace.panels.routes import bp
from marketplace.panels.rules.conflicts import BLOCK_LABELS
from marketplace.panels.rules.draw import REDRAW_LABELS, RedrawReason
from marketplace.panels.rules.seats import PANEL_STATE_LABELS, SEAT_STATE_LABELS, PanelState, SeatState, faults
from marketplace.panels.service import replaying, scanning
from marketplace.panels.service.drawing import LEFT_OUT
from marketplace.panels.waiting import undecided
from marketplace.platform.audit import queries as log
from marketplace.platform.policy import allows
from marketplace.platform.working_days import beijing_day, close_of
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow

PER_PAGE = 30
PANEL_TONES = {"preparing": "draft", "pool_fixed": "alert", "drawn": "live", "discharged": "ended"}
SEAT_TONES = {"invited": "work", "confirmed": "work", "declared": "live", "substitute": "draft"}
AFTER_START = (State.REVIEWING, State.NOTICE, State.AWARDED)


@bp.get("/panels")
@allow("panel.see")
def index() -> ResponseValue:
    """Demands that have a panel or need one, the newest deadline first."""
    query = (
        select(Demand, Panel)
        .outerjoin(Panel, Panel.demand_id == Demand.id)
        .where(Demand.state.in_(queries.FORMABLE) | Demand.id.in_(select(Panel.demand_id)))  # by indexes, not by all
    )
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    count = max(1, -(-total // PER_PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), count)
    rows = db.session.execute(
        query.order_by(Demand.closes_at.desc(), Demand.id.desc())
        .options(joinedload(Demand.unit))
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    counted = db.session.execute(
        select(PanelSeat.panel_id, func.count())
        .join(PanelSeat.panel)
        .where(
            PanelSeat.panel_id.in_([panel.id for _d, panel in rows if panel is not None]),
            PanelSeat.round == Panel.round,
            PanelSeat.state == SeatState.DECLARED,
        )
        .group_by(PanelSeat.panel_id)
    )
    seats: dict[int, int] = {row[0]: row[1] for row in counted}
    return render_template(
        "panels/index.html",
        rows=[
            {
                "demand": demand,
                "url": url_for(".show", ref=demand.ref),
                "state": {"label": STATE_LABELS[demand.state].zh, "tone": TONES[str(demand.state)]},
                "panel": {"label": PANEL_STATE_LABELS[panel.state], "tone": PANEL_TONES[panel.state]}
                if panel
                else None,
                "seats": f"{seats.get(panel.id, 0)} / {panel.size}" if panel and panel.round else "—",
            }
            for demand, panel in rows
        ],
        pages=pagination(page, count, total, PER_PAGE, lambda number: web.page_url(page=number)),
        desk=menu("panels.index"),
    )


@bp.get("/panels/<ref>")
@allow("panel.see", queries.demand_with_panel)
def show(demand: Demand) -> ResponseValue:
    """One panel: where it stands, what is to be done and by whom, everything that led there."""
    panel = queries.find(actor=g.actor, now=g.now, ref=demand.ref)
    made = panel.draw if panel is not None else None
    seats = panel.present_seats if panel is not None else []
    return render_template(
        "panels/show.html",
        demand=demand,
        panel=panel,
        draw=made,
        draws=panel.draws if panel is not None else [],
        seats=[_seat(seat) for seat in seats],
        earlier=[_seat(seat) for seat in queries.seats_before(panel)] if panel is not None else [],
        conflicts=queries.conflicts(panel.id) if panel is not None else [],
        block_labels=BLOCK_LABELS,
        faults=faults([seat.as_seat for seat in seats], size=panel.size)
        if panel is not None and seats and demand.state in queries.FORMABLE
        else [],
        state={"label": PANEL_STATE_LABELS[panel.state], "tone": PANEL_TONES[panel.state]} if panel else None,
        demand_state={"label": STATE_LABELS[demand.state].zh, "tone": TONES[str(demand.state)]},
        fields=[field_labels().get(code, code) for code in panel.fields] if panel is not None else [],
        redraw=REDRAW_LABELS[RedrawReason(panel.redraw_reason)] if panel is not None and panel.redraw_reason else "",
        acts=_acts(demand, panel),
        scan=scanning.newest(panel) if panel is not None and demand.said.blind else None,
        blind=demand.said.blind,
        chair=panel.chair if panel is not None else None,
        progress_url=place("results.dashboard", ref=demand.ref) if demand.state in AFTER_START else None,
    )


def _seat(seat: PanelSeat) -> dict[str, Any]:
    """One line of the seats. What an expert declared is for the office (disclosure: CONFLICTS)."""
    base = f"/panels/{seat.panel.demand.ref}/seats/{seat.id}"
    supervisor, publisher = g.actor.has(Role.SUPERVISOR), g.actor.has(Role.PUBLISHER)
    links = []
    if supervisor and (seat.is_sitting or seat.state is SeatState.SUBSTITUTE):
        links.append((_("责令回避"), f"{base}/recusal"))
    if seat.state is SeatState.RECUSED and seat.overridden_at is None:
        if seat.override_proposed_by_id is None and publisher:
            links.append((_("提议准予参加"), f"{base}/override-proposal"))
        elif seat.override_proposed_by_id not in (None, g.actor.id) and (supervisor or publisher):
            links.append((_("确认准予参加"), f"{base}/override"))
    return {
        "seat": seat,
        "label": SEAT_STATE_LABELS[seat.state],
        "tone": SEAT_TONES.get(seat.state, "ended"),
        "links": links,
        "proposed": seat.override_proposed_by_id is not None and seat.overridden_at is None,
    }


def _acts(demand: Demand, panel: Panel | None) -> list[dict[str, Any]]:
    """The acts that have a place now, each with its page, or with why not for this person."""
    base = f"/panels/{demand.ref}"
    acts: list[dict[str, Any]] = []
    if demand.state not in queries.FORMABLE:
        return acts
    screener, supervisor = g.actor.has(Role.SCREENER), g.actor.has(Role.SUPERVISOR)

    def add(label: str, noun: str, allowed: bool, why: str) -> None:
        acts.append({"label": label, "url": f"{base}/{noun}", "refusal": None if allowed else why})

    state = panel.state if panel is not None else None
    if state in (None, PanelState.PREPARING):
        add(_("设定人数和领域") if panel is None else _("修改设定"), "settings", screener, _("由受理员设定。"))
        if panel is not None:
            add(_("固定抽取范围"), "pool", screener, _("由受理员办理。"))
    if state is PanelState.POOL_FIXED:
        add(_("抽取"), "draw", supervisor, _("由在场的监督员抽取。"))
        add(_("重新划定范围"), "reopening", screener, _("由受理员办理。"))
    if panel is not None and state is PanelState.DRAWN:
        if panel.redraw_proposed_by_id is None:
            if g.actor.has(Role.PUBLISHER):
                add(_("提议重新抽取"), "redraw", True, "")
        else:
            other = panel.redraw_proposed_by_id != g.actor.id and g.actor.has(Role.PUBLISHER, Role.SUPERVISOR)
            add(_("确认重新抽取"), "redraw-confirmation", other, _("须由提出人以外的发榜负责人或监督员确认。"))
    if supervisor:
        waiting = undecided([demand])[demand.id]
        add(_("回避请求") + (f"（{waiting}）" if waiting else ""), "requests", True, "")
    if panel is not None and demand.said.blind and allows("panel.scan", g.actor, panel, g.now):
        add(_("检查身份泄露"), "scan", True, "")
    start = place("review.start", ref=demand.ref)
    if demand.state is State.OPENED and panel is not None and panel.round and start:
        acts.append(
            {
                "label": _("开始评审"),
                "url": start,
                "refusal": None if g.actor.has(Role.PUBLISHER) else _("由发榜负责人开始评审。"),
            }
        )
    return acts


@bp.route("/panels/<ref>/settings", methods=["GET", "POST"])
@allow("panel.prepare", queries.demand_for_panel)
def terms(demand: Demand) -> ResponseValue:
    """Size, share of outside experts, fields and days."""
    panel = queries.find(actor=g.actor, now=g.now, ref=demand.ref)
    form = TermsForm(obj=panel) if panel is not None else TermsForm(**_proposed(demand))
    if panel is not None and panel.score_by is not None and not form.is_submitted():
        form.score_by.data = beijing_day(panel.score_by)
    context = {"form": form, "demand": demand, "back": url_for(".show", ref=demand.ref)}
    web.retry_page("panels/settings.html", **context)
    if form.validate_on_submit():
        panels.set_up(demand, **form.terms, actor=g.actor, now=g.now)
        flash(_("已保存。下一步：固定抽取范围。"), "done")
        return redirect(url_for(".show", ref=demand.ref))
    return render_template("panels/settings.html", **context), 422 if form.errors else 200


def _proposed(demand: Demand) -> dict[str, Any]:
    """What a panel of this demand would usually have: its direction and industries, a week from now."""
    said, today, calendar = demand.said, beijing_day(g.now), settings.calendar()
    return {
        "size": 5,
        "fields": [code for code in (said.direction, *said.industries) if code in field_labels()],
        "meets_on": calendar.add_working_days(today, 5),
        "score_by": beijing_day(close_of(calendar.add_working_days(today, 8))),
    }


@bp.get("/panels/<ref>/draws/<int:number>")
@allow("panel.see", lambda *, actor, now, ref, number: _draw(actor, now, ref, number))
def draw_record(made: Any) -> ResponseValue:
    """One draw, replayed before one's eyes: pool, leaf, checkpoint, number, seed, lots."""
    if made.drawn_at is None:
        abort(404)
    left = made.left_out[:200]
    names = queries.names_of([*(one.expert for one in made.as_pool.candidates), *(key for key, _code in left)])
    return render_template(
        "panels/draw.html",
        made=made,
        panel=made.panel,
        demand=made.panel.demand,
        lots=replaying.lots(made),
        names=names,
        differences=replaying.differences(made),
        left=[(names.get(key, key), LEFT_OUT[code]) for key, code in left],
        size=log.size(),
        back=url_for(".show", ref=made.panel.demand.ref),
    )


def _draw(actor: Any, now: Any, ref: str, number: int) -> Any:
    panel = queries.find(actor=actor, now=now, ref=ref)
    return None if panel is None else next((made for made in panel.draws if made.round == number), None)
