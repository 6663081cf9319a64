"""The front page and the map of the site."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, render_template, url_for
from flask_babel import gettext as _

from marketplace.demands import queries as demands
from marketplace.demands.routes.public import rows
from marketplace.frontend.routes import footer, nav, place
from marketplace.home import queries
from marketplace.platform.formatting import chinese_year, day_of
from marketplace.web import ResponseValue, public

home = Blueprint("home", __name__)
SHOWN = 6


@home.get("/")
@public
def index() -> ResponseValue:
    """What is open now, how it works, what is new: five queries."""
    accepting, soon, noticed = queries.counts(g.now)
    posted = list(demands.open_now(g.now, SHOWN))
    head = {"open": accepting, "closing_soon": soon, "in_notice": noticed if place("notices.index") else None}
    batch = posted[0].batch if posted else None
    name = None
    if batch is not None and {item.batch_id for item in posted} == {batch.id}:
        name = batch.name.replace(str(batch.year), chinese_year(batch.year), 1)
    return render_template(
        "home/index.html",
        head=head,
        posted={"rows": rows(posted), "total": accepting, "batch": name},
        news=_news(),
        news_url=place("notices.index"),
        dates=[
            {"on": day_of(item.closes_at), "text": _("“%(title)s”截止揭榜", title=item.title), "url": url_for("demands.show", ref=item.ref)}
            for item in posted[:5]
            if item.closes_at is not None
        ],
        calendar_url=place("opendata.calendar"),
    )  # fmt: skip


def _news() -> list[dict[str, Any]]:
    return [
        {
            "on": day_of(item.published_at),
            "kind": _("张榜") if item.version == 1 else _("变更"),
            "text": item.demand.title,
            "url": url_for("demands.show", ref=item.demand.ref),
            "solemn": item.version == 1,
        }
        for item in queries.news(g.now, 5)
    ]


@public
def site_map() -> ResponseValue:
    """Every public place by group."""
    return render_template("home/map.html", groups=[(_("主要栏目"), nav()), *footer()])


def install(app: Flask) -> None:
    """The map is called ``site.map`` by the foot of every page."""
    app.register_blueprint(home)
    app.add_url_rule("/site-map", "site.map", site_map)
