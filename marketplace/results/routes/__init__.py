"""The review from outside: dashboard, ranking, report, corrections, disqualifications."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, url_for
from flask_babel import gettext as _

from marketplace.demands.rules import State
from marketplace.platform import policy
from marketplace.results import errands, oversight, pages, queries
from marketplace.results.cli import ranking_commands
from marketplace.results.queries import Reviewed

bp = Blueprint("results", __name__)


def by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def tabs(reviewed: Reviewed, here: str) -> list[tuple[str, str, bool]]:
    """The parts of a review that this person may open."""
    ref = reviewed.demand.number
    items = [
        ("dashboard", _("评审进度"), "review.see"),
        ("ranking", _("排名"), "ranking.see"),
        ("report", _("评审报告"), "report.see"),
        ("oversight", _("监督时间线"), "oversight.see"),
    ]
    return [
        (label, url_for(f".{name}" if name != "oversight" else ".timeline", ref=ref), name == here)
        for name, label, permission in items
        if policy.allows(permission, g.actor, reviewed, g.now)
    ]


def on_work_page(demand: Any) -> list[dict[str, Any]]:
    """The way from a demand's work page to its review."""
    if demand.state not in queries.REVIEWED or not g.actor.has("screener", "publisher", "supervisor"):
        return []
    if demand.state is State.LAPSED and queries.latest(demand.id) is None:
        return []
    return [{"label": _("评审与排名"), "url": url_for("results.dashboard", ref=demand.number), "refusal": None}]


def _computed_scores(demand: Any, bid_id: int) -> dict[str, str]:
    """For the expert's desk: what of a bid is computed, once it is."""
    line = queries.line_of(demand.id, bid_id)
    computed = {item.key for item in demand.said.score_sheet.criteria if item.kind != "typed"}
    return {key: pages.shown(figure) for key, figure in line.figures.items() if key in computed} if line else {}


def install(app: Flask) -> None:
    from marketplace.results.routes import mends, outs, progress, ranking, reports  # noqa: F401

    app.register_blueprint(bp)
    app.cli.add_command(ranking_commands)
    app.extensions.setdefault("demand_work", []).append(on_work_page)
    words = {kind: what for kind, (_matter, what) in oversight.LOGGED.items()}
    words |= {"offer.read": "读取响应与报价", "score.read": "查看评分", "review.remind": "提醒未完成的专家"}
    app.extensions.setdefault("log_words", {}).update(words)
    app.extensions["computed_scores"] = _computed_scores
    errands.install()
