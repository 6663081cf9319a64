"""Public notices, objections from both sides, result letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, g, url_for
from flask_babel import gettext as _

from marketplace.demands.models import Demand
from marketplace.demands.routes.public import language
from marketplace.notices import errands, pages, queries, source, telling
from marketplace.search import sources
from marketplace.settings import queries as settings

bp = Blueprint("notices", __name__)
HANDLERS = ("screener", "publisher", "supervisor")


def by() -> dict[str, Any]:
    return {"actor": g.actor, "now": g.now}


def host() -> str:
    return str(settings.setting("site").get("host") or _("高新区管委会"))


def on_demand_page(demand: Demand) -> dict[str, Any]:
    """The way from a demand's page to its newest notice."""
    found = queries.of_demand(demand.id, g.now) if demand.released_at is not None else []
    if not found:
        return {}
    state = pages.state_of(found[0], g.now, language())["label"]
    url = url_for("notices.show", notice_id=found[0].id)
    return {"act_row": [{"url": url, "label": _("结果公示（%(state)s）", state=state), "icon": "file"}]}


def _ahead(now: datetime) -> list[tuple[datetime, str]]:
    """The public notice that is over next, for the demo clock."""
    found = queries.over_next(now)
    if found is None or found.ends_at is None:
        return []
    return [(found.ends_at, _("“%(title)s”公示期满", title=found.demand.title))]


def install(app: Flask) -> None:
    from marketplace.notices.routes import answering, letters, objecting, public  # noqa: F401

    app.register_blueprint(bp)
    app.extensions.setdefault("demand_page", []).append(on_demand_page)
    app.extensions["ahead"].append(_ahead)
    errands.install()
    telling.install()
    sources.declare(source.SOURCE)
