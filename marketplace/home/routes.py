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
    """What is open now, how it works, what came of it, what is new: seven queries."""
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
        funnel=_funnel(),
        promises=_promises(),
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
    kinds = {
        "batch": _("张榜"),
        "amend": _("变更"),
        "answer": _("答疑"),
        "suspended": _("暂停"),
        "notice": _("公示"),
        "awarded": _("定榜"),
        "withdrawn": _("撤榜"),
        "lapsed": _("流榜"),
    }
    return [
        {
            "on": day_of(item.at),
            "kind": kinds[item.kind],
            "text": item.text,
            "url": _news_url(item),
            "solemn": item.kind in ("batch", "notice", "awarded"),
        }
        for item in queries.news(g.now, 6)
    ]


def _news_url(item: queries.News) -> str:
    match item.kind:
        case "batch":
            return url_for("demands.batch", code=item.ref)
        case "notice" | "awarded":
            return url_for("notices.show", notice_id=int(item.ref))
        case "answer":
            return url_for("questions.index", ref=item.ref)
    return url_for("demands.show", ref=item.ref)


def _funnel() -> dict[str, Any] | None:
    """How far what was collected has come; nothing before the first list."""
    counted = queries.funnel_this_minute(g.now)
    if len(counted) < 4:
        return None
    names = {
        "征集": _("征集"),
        "论证": _("论证"),
        "入库": _("入库"),
        "张榜": _("张榜"),
        "开启": _("开启"),
        "定榜": _("定榜"),
        "办结": _("办结"),
    }
    steps = [
        {"name": names[word], "number": number, "share": f"{number / before:.0%}" if before else ""}
        for (word, number), before in zip(counted, [0, *(number for _word, number in counted)], strict=False)
    ]
    return {"note": _("百分比为上一步的留存"), "steps": steps, "url": place("statistics.index")}


def _promises() -> dict[str, Any] | None:
    """Promised against done, for what can be counted so far: answers within three working days."""
    due, kept, late = queries.answers_kept(g.now)
    if not due:
        return None
    items = [
        {
            "name": _("提问3个工作日内答复"),
            "figure": f"{kept / due:.1%}",
            "note": _("应答复%(due)s件，按时%(kept)s件", due=due, kept=kept),
            "late": False,
        },
        {
            "name": _("当前逾期"),
            "figure": _("%(count)s件", count=late),
            "note": _("逾期的答复由受理员督办") if late else _("没有逾期的答复"),
            "late": late > 0,
        },
    ]
    return {"note": _("近12个月"), "items": items, "url": place("promises.index")}


@public
def site_map() -> ResponseValue:
    """Every public place by group."""
    return render_template("home/map.html", groups=[(_("主要栏目"), nav()), *footer()])


def install(app: Flask) -> None:
    """The map is called ``site.map`` by the foot of every page."""
    app.register_blueprint(home)
    app.add_url_rule("/site-map", "site.map", site_map)
