"""One page: the funnel of a lapsed demand, for its unit and the publishers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, render_template, url_for
from flask_babel import gettext as _

from marketplace.demands.models import Demand
from marketplace.demands.rules import State
from marketplace.diagnosis import queries
from marketplace.diagnosis.rules import advice, share
from marketplace.platform import policy
from marketplace.web import ResponseValue, allow

bp = Blueprint("diagnosis", __name__)


@bp.get("/demands/<ref>/diagnosis")
@allow("diagnosis.see", queries.lapsed)
def show(demand: Demand) -> ResponseValue:
    """How far the market came, step by step, and what to look at first."""
    funnel = queries.funnel(demand)
    names = {
        "views": _("浏览"),
        "follows": _("关注"),
        "downloads": _("下载"),
        "questions": _("提问"),
        "drafts": _("开始填写"),
        "bids": _("有效揭榜"),
    }
    counted = funnel.steps()
    widest = {True: max(funnel.interested, 1), False: max(funnel.views, funnel.downloads, 1)}
    steps = [
        {
            "name": names[code],
            "number": number,
            "word": (_("%(n)s家", n=number) if firms else _("%(n)s次", n=number)),
            "most": widest[firms],
            "share": share(number, funnel.interested) if firms else "",
        }
        for code, number, firms in counted
    ]
    if funnel.bids is None:  # product.md: nobody learns more than "fewer"
        word = _("少于%(n)s家", n=demand.said.min_bids)
        steps.append({"name": names["bids"], "number": 0, "word": word, "most": 1, "share": ""})
    return render_template(
        "diagnosis/show.html",
        demand=demand,
        steps=steps,
        advice=advice(funnel),
        secret=funnel.bids is None,
        interested=funnel.interested,
        minimum=demand.said.min_bids,
        may_republish=policy.allows("demand.republish", g.actor, demand, g.now),
    )


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The way to it, for those who may read it."""
    if demand.state is not State.LAPSED or not policy.allows("diagnosis.see", g.actor, demand, g.now):
        return {}
    return {"act_row": [{"url": url_for("diagnosis.show", ref=demand.ref), "label": _("流榜诊断"), "icon": "info"}]}


def install(app: Flask) -> None:
    app.register_blueprint(bp)
    app.extensions["demand_page"].append(on_demand_page)
