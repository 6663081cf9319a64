"""开启大厅: countdown, who has released, progress, and the record for those who may read it."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, g, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.bids.models import Bid, OpeningObjection
from marketplace.custody.rules import SOFTWARE_ID
from marketplace.demands import service as demands
from marketplace.demands.models import Demand, DemandProposal
from marketplace.demands.routes.documents import TYPES, as_file
from marketplace.demands.routes.public import language
from marketplace.demands.rules import Action, State
from marketplace.openings import pages, papers, queries, service
from marketplace.openings.forms import AnswerForm, ObjectionForm
from marketplace.openings.routes import bp
from marketplace.openings.rules import Step
from marketplace.platform.formatting import moment_text
from marketplace.platform.rendering import pdf
from marketplace.settings import queries as settings
from marketplace.web import ResponseValue, allow


def _context(demand: Demand) -> dict[str, Any]:
    """Everything the hall's page says to this reader."""
    tongue, hall = language(), queries.hall(demand, g.now)
    record = queries.record_of(demand, g.actor, g.now)
    over = hall.step is Step.OPENED
    price_over = hall.price_step is Step.OPENED
    return {
        "demand": demand,
        "hall": hall,
        "state": pages.state(hall, tongue),
        "lead": pages.lead(demand, hall, tongue),
        "keepers": pages.keepers(hall.keepers, hall, tongue, over=over or hall.step is Step.RUNNING),
        "quorum_word": pages.quorum(hall.keepers, hall, tongue),
        "price_keepers": pages.keepers(hall.price_keepers, hall, tongue, over=price_over),
        "live": hall.step in (Step.BEFORE, Step.CLOSED, Step.RUNNING) or hall.price_step in (Step.CLOSED, Step.RUNNING),
        "running": Step.RUNNING in (hall.step, hall.price_step),
        "record": record,
        "lines": pages.record_lines(record, tongue) if record is not None else [],
        "may_object": record is not None and record.own is not None and demand.state is State.OPENED,
        "may_answer": g.actor.has("screener", "publisher"),
    }


@bp.get("/demands/<ref>/opening")
@allow("opening.hall", queries.find)
def hall(demand: Demand) -> ResponseValue:
    """The same for everybody and for any number of bids, but for the record below."""
    return render_template("openings/hall.html", **_context(demand))


@bp.get("/demands/<ref>/opening/state.json")
@allow("opening.hall", queries.find)
def hall_state(demand: Demand) -> ResponseValue:
    """For the page's script while something is going on: step, who has released, percent in quarters."""
    found = queries.hall(demand, g.now)
    return jsonify(state=found.mark, percent=found.percent)


@bp.get("/demands/<ref>/opening/record")
@allow("opening.record", queries.with_record)
def record(demand: Demand) -> ResponseValue:
    """The record on paper."""
    return render_template("openings/record.html", **_context(demand))


@bp.get("/demands/<ref>/opening/record.pdf")
@allow("opening.record", queries.with_record)
def record_pdf(demand: Demand) -> ResponseValue:
    found = queries.record_of(demand, g.actor, g.now)
    if found is None:
        abort(404)
    frozen = queries.hall(demand, g.now).frozen
    names = [keeper.name for keeper in queries.hall(demand, g.now).keepers] or [SOFTWARE_ID]
    paper = papers.record_paper(
        found,
        custodians=names,
        issuer=str(settings.setting("site").get("host") or "高新区管委会"),
        url=url_for(".hall", ref=demand.ref, _external=True),
        log_seq=frozen.log_seq if frozen is not None else None,
        demo=current_app.config["ZHANGBANG"].demo,
    )
    return as_file(pdf(paper), name=f"{demand.ref} 开启记录.pdf", media_type=TYPES["pdf"], inline=True)


@bp.route("/demands/<ref>/opening/objection", methods=["GET", "POST"])
@allow("opening.object", queries.own_in_record)
def object_to(bid: Bid) -> ResponseValue:
    """A bidder objects on the spot."""
    form = ObjectionForm()
    context: dict[str, Any] = {"form": form, "demand": bid.demand, "act": "object"}
    if form.validate_on_submit():
        web.retry_page("openings/objection.html", **context)
        service.object_to(bid, text=form.text.data or "", actor=g.actor, now=g.now)
        flash(_("疑问已记入开启记录，全体揭榜单位可见。答复后会通知您。"), "done")
        return redirect(url_for(".hall", ref=bid.demand.ref) + "#objections")
    return render_template("openings/objection.html", **context), 422 if form.errors else 200


@bp.route("/openings/objections/<public_id>", methods=["GET", "POST"])
@allow("opening.answer", queries.find_objection)
def answer(objection: OpeningObjection) -> ResponseValue:
    """The officer answers."""
    form = AnswerForm()
    demand = objection.bid.demand
    context: dict[str, Any] = {"form": form, "demand": demand, "objection": objection, "act": "answer"}
    if form.validate_on_submit():
        web.retry_page("openings/objection.html", **context)
        service.answer(objection, text=form.text.data or "", actor=g.actor, now=g.now)
        flash(_("答复已记入开启记录。"), "done")
        return redirect(url_for(".hall", ref=demand.ref) + "#objections")
    return render_template("openings/objection.html", **context), 422 if form.errors else 200


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The way to the hall, and what level 1-of-1 does not protect against."""
    if demand.visible_from is None or demand.visible_from > g.now or not demand.set_hash:
        return {}
    result: dict[str, Any] = {
        "act_row": [{"url": url_for("openings.hall", ref=demand.ref), "label": _("开启大厅"), "icon": "unlock"}]
    }
    if demand.custody == "1-of-1":
        text = _("标书由平台软件保管人保管，截止后自动开启。这一级别仅供演示，不能防止平台管理员提前读取。")
        result["notices"] = [{"title": _("保管级别 1-of-1（演示）"), "text": text, "tone": "alert"}]
    return result


def on_proposal(proposal: DemandProposal) -> list[tuple[str, Any, None]]:
    """What the supervisor must see before bids are taken again."""
    if proposal.action is not Action.REOPEN:
        return []
    outage, demand = demands.outage_of(proposal), proposal.demand
    assert demand.closes_at is not None
    span = "—".join(moment_text(at) for at in (outage.began_at, outage.ended_at))
    return [
        (_("平台中断"), span, None),
        (_("原截止时间"), moment_text(demand.closes_at), None),
        (_("现在确认，新的截止时间"), moment_text(outage.deadline(g.now)), None),
    ]
