"""Taking a bid out: proposed on one page, decided on another."""

from __future__ import annotations

from datetime import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import db, web
from marketplace.bids.models import Bid
from marketplace.panels.models import ReviewBid
from marketplace.platform.policy import Actor
from marketplace.results import queries, service
from marketplace.results.forms import DecideForm, OutForm
from marketplace.results.models import BidOut
from marketplace.results.queries import Reviewed
from marketplace.results.routes import bp, by
from marketplace.results.rules import DISQUALIFICATION_LABELS
from marketplace.web import ResponseValue, allow


@bp.route("/demands/<ref>/review/bids/<public_id>/disqualification", methods=["GET", "POST"])
@allow("ranking.propose_disqualification", lambda *, public_id, **values: queries.find_reviewed(**values))
def out(reviewed: Reviewed) -> ResponseValue:
    """Propose to take one bid out; the supervisor confirms."""
    public_id = (request.view_args or {})["public_id"]
    demand, form = reviewed.demand, OutForm()
    bid = db.session.scalar(
        select(Bid)
        .join(ReviewBid, ReviewBid.bid_id == Bid.id)
        .where(Bid.public_id == public_id, ReviewBid.demand_id == demand.id)
    )
    if bid is None:
        abort(404)
    back = url_for(".dashboard", ref=demand.number)
    page = {
        "title": _("取消资格：%(name)s", name=bid.organisation.name),
        "form": form,
        "verb": _("提出取消资格"),
        "kind": "solemn",
        "back": back,
        "crumb": (demand.title, back),
        "consequences": [
            _("由监督员确认后生效，您不能自己确认。"),
            _("生效后这份标书退出竞争，评分表留档不计；已有排名的，重新计算，原版本保留。"),
            _("原因代码写入该单位的结果通知书和公示。"),
        ],
    }
    web.retry_page("results/act.html", **page)
    if form.validate_on_submit():
        service.propose_out(demand, bid, code=form.code.data or "", reason=form.reason.data or "", **by())
        flash(_("已提出，请监督员确认。"), "done")
        return redirect(back)
    return render_template("results/act.html", **page), 422 if form.is_submitted() else 200


def _find_out(*, actor: Actor, now: datetime, ref: str, out_id: int) -> BidOut | None:
    reviewed = queries.find_reviewed(actor=actor, now=now, ref=ref)
    if reviewed is None:
        return None
    return next((item for item in queries.open_outs(reviewed.demand.id) if item.id == out_id), None)


@bp.route("/demands/<ref>/review/disqualifications/<int:out_id>", methods=["GET", "POST"])
@allow("ranking.disqualify", _find_out)
def decide_out(row: BidOut) -> ResponseValue:
    """The supervisor confirms or refuses a disqualification."""
    demand, form = row.bid.demand, DecideForm()
    back = url_for(".dashboard", ref=demand.number)
    facts = [
        (_("揭榜单位"), row.bid.organisation.name),
        (_("原因"), f"{row.code} {DISQUALIFICATION_LABELS[row.code]}"),
        (_("事实和依据"), row.reason),
        (_("提出人"), row.proposed_by.name if row.proposed_by else "—"),
    ]
    page = {"title": _("确认取消资格：%(name)s", name=row.bid.organisation.name), "form": form, "facts": facts}
    page |= {"back": back, "crumb": (demand.title, back), "yes": _("确认取消资格"), "no": _("不同意")}
    web.retry_page("results/decide.html", **page)
    if form.validate_on_submit():
        if request.form.get("answer") == "no":
            service.refuse_out(row, demand, reason=form.reason.data or "", **by())
        else:
            service.confirm_out(row, demand, **by())
        flash(_("已办理。"), "done")
        return redirect(back)
    return render_template("results/decide.html", **page), 422 if form.is_submitted() else 200
