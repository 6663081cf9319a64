"""Before the review: a bid exactly as the panel will read it, and the publisher's word to begin."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from marketplace import web
from marketplace.demands.models import Demand
from marketplace.panels import queries as panels
from marketplace.panels import reading
from marketplace.panels.models import ReviewBid
from marketplace.panels.routes.scan import Seen, seen_bid
from marketplace.platform.forms import ConfirmForm
from marketplace.scoring import pages, queries, service
from marketplace.scoring.routes import bp
from marketplace.scoring.rules.sheets import Entry
from marketplace.web import ResponseValue, allow


@bp.route("/panels/<ref>/start", methods=["GET", "POST"])
@allow("demand.start_review", panels.demand_for_panel)
def start(demand: Demand) -> ResponseValue:
    """What is still missing, or the act."""
    form, back = ConfirmForm(), url_for("panels.show", ref=demand.ref)
    context = {
        "form": form,
        "title": _("开始评审：%(title)s", title=demand.title),
        "verb": _("开始评审"),
        "consequences": [
            _("每份合格标书得到一个随机编号，专家组每个人评全部标书。"),
            _("专家收到通知；锁定之前谁也看不到别人的分数。"),
        ],
        "facts": [(_("还缺"), text) for text in service.why_not_start(demand, queries.panel(demand.id))],
        "back": back,
        "crumbs": [(_("专家组"), url_for("panels.index")), (demand.title, back), (_("开始评审"), None)],
    }
    web.retry_page("panels/act.html", **context)
    if form.validate_on_submit():
        service.start_review(demand, actor=g.actor, now=g.now)
        flash(_("评审已开始。"), "done")
        return redirect(back)
    return render_template("panels/act.html", **context)


@bp.get("/panels/<ref>/preview/<bid>")
@allow("panel.scan", seen_bid)
def preview(seen: Seen) -> ResponseValue:
    """A bid exactly as the panel will read it, for the office."""
    demand = seen.panel.demand
    web.note_read("review.read", seen.bid.audit_subject, demand_id=demand.id)
    read = reading.read(ReviewBid(bid=seen.bid, code="B-00", key="preview"), demand)
    if read is None:
        abort(404)
    return render_template(
        "panels/preview.html",
        demand=demand,
        bid=seen.bid,
        reading=read,
        rows=pages.response_rows(demand.said, read, Entry()),
        blind=demand.said.blind,
        back=url_for("panels.scan", ref=demand.ref),
    )
